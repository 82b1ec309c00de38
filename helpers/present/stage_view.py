"""Stage evidence as a page shows it: what must be heard at each stage, and which open deals lack it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from helpers.analyses.stage_evidence import STATES, StageEvidence
from helpers.present.display import Display, show_message, show_table
from helpers.present.words import count_of

MOST_DEALS = 100
ASK = "It is asked in the tab on stage evidence: one row per deal stage."
NEXT = "Fill it in for one stage first, then open this again."


def show_stages(evidence: StageEvidence, *, subtitle: str = "", currency: str = "USD") -> list[Display]:
    """Show everything on stage evidence; one message where nobody has said any.

    Args:
        evidence: What ``review_stage_evidence`` returns.
        subtitle: Company, day.
        currency: ISO code of the company's currency.
    """
    stages = show_stage_evidence(evidence, subtitle=subtitle, currency=currency)
    if evidence.summary.empty:
        return [stages]
    deals = show_deals_without_evidence(evidence, subtitle=subtitle, currency=currency)
    return [stages, deals, show_stage_statements(evidence, subtitle=subtitle)]


def show_stage_evidence(evidence: StageEvidence, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Show per stage what must be heard, where it is written down, and how many open deals lack it.

    Args:
        evidence: What ``review_stage_evidence`` returns.
        subtitle: Company, day.
        currency: ISO code of the company's currency.
    """
    summary = evidence.summary
    if summary.empty:
        return show_message("empty", evidence.sentence, ASK, NEXT)
    shown = pd.DataFrame(
        {
            "stage": summary["stage"],
            "heard": summary["heard"].replace("", None),
            "field": [_say_field(row) for row in summary.to_dict("records")],
            "n_open": summary["n_open"],
            "n_without": summary["n_without"],
            "n_beyond": summary["n_without_beyond"],
            "money": summary["money_without"],
        }
    ).astype({"n_open": "Int64", "n_without": "Int64", "n_beyond": "Int64"})
    if not evidence.is_checked:
        shown = shown.drop(columns=["n_without", "n_beyond", "money"])
    people = evidence.statements["person"].nunique()
    note = "Open deals at the stage or beyond it. The evidence is the field's value today."
    if (summary["differing"] != "").any():
        note = f"{note} Where people name different fields, the one that most of them name is looked up."
    cures = [f"{row['stage']}: {row['cure']}" for row in summary.to_dict("records") if row["cure"]]
    return show_table(
        shown,
        title=evidence.sentence,
        subtitle=subtitle,
        currency=currency,
        units={"n_open": "count", "n_without": "count", "n_beyond": "count", "money": "currency"},
        labels={
            "stage": "Stage",
            "heard": "What must be heard",
            "field": "Written down in",
            "n_open": "Open deals",
            "n_without": "Without it",
            "n_beyond": "Moved on",
            "money": "Worth",
        },
        note=" ".join([f"As {count_of(int(people), 'person', 'people')} said. {note}", *cures]),
    )


def show_deals_without_evidence(evidence: StageEvidence, *, subtitle: str = "", currency: str = "USD") -> Display:
    """List the open deals that lack evidence, those that have moved on without it first."""
    deals = evidence.deals
    if deals.empty:
        if evidence.summary.empty:
            return show_message("empty", "No deals to list yet", "It takes a stage with what must be heard at it.")
        kind = "good" if evidence.is_checked else "warning"
        text = "" if evidence.is_checked else "Without a field to look at, no deal can be listed."
        return show_message(kind, evidence.sentence, text)
    columns = ["name", "deal_id", "owner", "stage", "amount", "days_in_stage", "missing"]
    arrows = deals["is_beyond"].astype("bool").map({True: "→ ", False: ""})
    shown = deals.assign(missing=arrows + deals["missing"]).head(MOST_DEALS)
    shown = shown[[column for column in columns if deals[column].notna().any()]]
    if "name" in shown:
        shown = shown.drop(columns="deal_id")
    moved = int(deals["is_beyond"].astype("bool").sum())
    rest = len(deals) - moved
    rest_of = f", {MOST_DEALS} of {len(deals):,} listed" if len(deals) > MOST_DEALS else ""
    order = "Largest amounts first" if "amount" in shown else "No amounts known"
    told = ((moved, "moved on without it"), (rest, "still to hear it before moving on"))
    title = " and ".join(f"{count_of(n, 'open deal')} {words}" for n, words in told if n)
    return show_table(
        shown,
        title=title,
        subtitle=subtitle,
        currency=currency,
        units={"amount": "currency", "days_in_stage": "days"},
        labels={
            "name": "Deal",
            "deal_id": "Deal",
            "owner": "Owner",
            "stage": "Stands at",
            "amount": "Amount",
            "days_in_stage": "In this stage",
            "missing": "Missing (asked for at)",
        },
        note=f"{'→ left that stage without it. ' if moved else ''}{order}{rest_of}.",
    )


def show_stage_statements(evidence: StageEvidence, *, subtitle: str = "") -> Display:
    """Show side by side what each person says must be heard, and where people differ."""
    statements = evidence.statements
    if statements.empty:
        return show_message("empty", "No statements to compare yet")
    order = {stage: place for place, stage in enumerate(evidence.summary["stage"])}
    named = statements["stage"].where(statements["stage"] != "", statements["typed"])
    frame = statements.assign(stage=named, place=named.map(order)).sort_values("place", kind="stable")
    disputed = int((evidence.summary["differing"] != "").sum())
    title = f"People name different fields for {count_of(disputed, 'stage')}"
    alone = "Nobody contradicts anybody on what must be heard"
    return show_table(
        frame[["stage", "person", "probability", "heard", "field"]].replace({"heard": {"": None}, "field": {"": None}}),
        title=title if disputed else alone,
        subtitle=subtitle,
        units={"probability": "share"},
        labels={
            "stage": "Stage",
            "person": "Who",
            "probability": "Chance",
            "heard": "What must be heard",
            "field": "Written down in",
        },
    )


def _say_field(row: Mapping[Hashable, Any]) -> str:
    said = f"{row['field']} (people differ)" if row["differing"] else str(row["field"])
    state = str(row["state"])
    if state == "checked":
        return said
    return f"{said}: {STATES[state]}" if said else STATES[state]
