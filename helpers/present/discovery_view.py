"""The KPI discovery as pages show it: the matrix, the secondary KPIs by name, copies, and what to activate next."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from helpers.analyses.discovery_findings import headline_discovery
from helpers.analyses.discovery_review import DiscoveryReview
from helpers.analyses.owner_spread import say_spread
from helpers.present.charts.copy_arrows import draw_copy_arrows
from helpers.present.charts.discovery_matrix import draw_discovery_matrix
from helpers.present.decision_fault import note_fault, show_fault
from helpers.present.display import Display, show_message, show_table
from helpers.present.words import count_of, is_missing, join_words, say_value
from helpers.units import in_sentence

TOLD_IN_PARTS = "shown in parts"
"""How the availability of a KPI says that it only skips a stage; nothing is missing, since its steps are told."""


def show_matrix(review: DiscoveryReview, *, subtitle: str = "") -> Display:
    """Draw the object matrix."""
    title = headline_discovery(review.matrix)
    note = note_fault(review)
    return draw_discovery_matrix(review.matrix, primaries=review.primaries, title=title, subtitle=subtitle, note=note)


def show_unavailable(review: DiscoveryReview, *, subtitle: str = "") -> Display:
    """List the KPIs that the exports can't tell, why, and what to do."""
    missing = review.matrix[(review.matrix["dimension"] == "") & (review.matrix["suggested_light"] == "unavailable")]
    missing = missing[~missing["reason"].str.contains(TOLD_IN_PARTS, regex=False)]
    if missing.empty:
        return show_message("good", "Every KPI can be told from the exports")
    return show_table(
        missing.assign(cure=[_say_labels(text, review) for text in missing["cure"]])[["label", "reason", "cure"]],
        title=f"{count_of(len(missing), 'KPI')} can't be told from the exports",
        subtitle=subtitle,
        labels={"label": "KPI", "reason": "Why", "cure": "What to do"},
    )


def show_evidence(review: DiscoveryReview, *, subtitle: str = "") -> Display:
    """List the fields that need adoption, with the CRM's evidence, most records first."""
    cells = review.matrix[(review.matrix["dimension"] != "") & (review.matrix["light"] == "adoption_needed")]
    shown = cells.sort_values("n", ascending=False, kind="stable").drop_duplicates(["dimension", "object"])
    if shown.empty:
        return show_message("good", "No field is half adopted", "Every field is either trusted, or not there at all.")
    fields = shown["label"] + " (" + shown["object"] + ")"
    said = pd.Series([_say_reason(row) for row in shown.to_dict("records")], index=shown.index, dtype="str")
    owners = [say_owners(row) or None for row in shown.to_dict("records")]
    since = [say_month(month) for month in shown["filled_since"]]
    texts = {"field": fields, "said": said, "owner": owners, "since": since}
    shares = ["fill_rate", "fill_rate_90d", "unknown_share"]
    columns = ["field", "said", "fill_rate", "fill_rate_90d", "owner", "unknown_share", "n_values", "since", "n"]
    if shown["conflicts"].notna().any():
        columns.insert(6, "conflicts")
    return show_table(
        shown.assign(**{name: pd.Series(list(text), index=shown.index, dtype="str") for name, text in texts.items()})[
            columns
        ],
        title=f"{count_of(len(shown), 'field')} to be adopted before anybody relies on them",
        subtitle=subtitle,
        units={**dict.fromkeys((*shares, "conflicts"), "share"), "n_values": "count", "n": "count"},
        labels={
            "field": "Field",
            "said": "Why",
            "fill_rate": "Filled",
            "fill_rate_90d": "In 90 days",
            "owner": "Between owners",
            "unknown_share": "Says nothing",
            "conflicts": "Contact, deal differ",
            "n_values": "Values",
            "since": "Since",
            "n": "Records",
        },
    )


def show_decisions(review: DiscoveryReview, *, subtitle: str = "") -> Display:
    """List what people decided beside what the CRM suggests, where they differ first."""
    cells = review.matrix[review.matrix["decided_by"] != ""]
    if cells.empty and review.fault:
        return show_fault(review)
    if cells.empty:
        text = "Every light is what the CRM suggests. Confirm or override it in the matrix."
        return show_message("empty", "Nobody has decided a light yet", text)
    keys = ["dimension", "object", "light", "suggested_light", "decided_by", "note"]
    kpis = review.matrix[review.matrix["dimension"] == ""].set_index("kpi")["label"]
    named = cells.assign(names=cells["kpi"].map(kpis).fillna(cells["kpi"]))
    groups = named.groupby(keys, sort=False).agg(label=("label", "first"), kpis=("names", join_words)).reset_index()
    differs = groups["light"] != groups["suggested_light"]
    shown = groups.assign(
        field=[_name_field(row) for row in groups.to_dict("records")], note=groups["note"].replace("", None)
    )
    shown = shown.loc[differs.sort_values(ascending=False, kind="stable").index]
    n = int(differs.sum())
    verb = "contradicts" if n == 1 else "contradict"
    return show_table(
        shown[["field", "kpis", "light", "suggested_light", "note", "decided_by"]],
        title=f"{n} of {count_of(len(shown), 'decision')} {verb} what the CRM suggests",
        subtitle=subtitle,
        marks={"light": "light", "suggested_light": "light"},
        labels={
            "field": "Field",
            "kpis": "For",
            "light": "People say",
            "suggested_light": "The CRM suggests",
            "note": "Why",
            "decided_by": "Decided by",
        },
        note=note_fault(review).strip(),
    )


def say_owners(cell: Mapping[Any, Any]) -> str:
    """Say how far owners differ in filling a field, naming nobody; empty where no owner has enough records."""
    lowest, highest = cell["fill_rate_worst_owner"], cell["fill_rate_best_owner"]
    if is_missing(lowest) or is_missing(highest):
        return ""
    return say_spread(lowest, highest, None if is_missing(cell["owner_chance"]) else cell["owner_chance"])


def say_month(text: Any) -> str:
    """Write a month of the evidence for a reader.

    >>> say_month("2025-03"), say_month("")
    ('Mar 2025', 'not available')
    """
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    year, _, month = str(text or "").partition("-")
    if not (year.isdigit() and month.isdigit() and 1 <= int(month) <= 12):
        return say_value(None)
    return f"{months[int(month) - 1]} {year}"


def _name_field(row: Mapping[Hashable, Any]) -> str:
    return f"{row['label']} ({row['object']})" if row["dimension"] and row["object"] else str(row["label"])


def show_secondaries(review: DiscoveryReview, *, subtitle: str = "") -> Display:
    """Show the secondary KPIs by name: what people say can be tracked, and what the CRM says."""
    frame = review.secondaries
    if frame.empty:
        return show_message("empty", "No secondary KPIs are named yet", "They follow from the survey's KPI tab.")
    said = [
        " · ".join(f"{n} {word}" for n, word in ((y, "yes"), (no, "no"), (u, "don't know")) if n) or None
        for y, no, u in zip(frame["n_yes"], frame["n_no"], frame["n_unknown"], strict=True)
    ]
    green = int((frame["light"] == "available").sum())
    kind = "named" if any(said) else "usual"
    rests = [_say_reason(row) for row in frame.to_dict("records")]
    texts = {"said": said, "rests": rests}
    shown = frame.assign(**{name: pd.Series(text, index=frame.index, dtype="str") for name, text in texts.items()})
    return show_table(
        shown[["secondary", "said", "light", "rests"]],
        title=f"{green} of {count_of(len(frame), f'{kind} secondary KPI')} can be tracked today",
        subtitle=subtitle,
        marks={"light": "light"},
        labels={"secondary": "Secondary KPI", "said": "People say", "light": "Light", "rests": "What the CRM shows"},
    )


def _say_labels(text: str, review: DiscoveryReview) -> str:
    """Write KPIs as readers call them instead of by their ids."""
    kpis = review.matrix[review.matrix["dimension"] == ""]
    labels = dict(zip(kpis["kpi"], kpis["label"], strict=True))
    return re.sub(r"\b[a-z]+(?:_[a-z0-9]+)+\b", lambda match: labels.get(match.group(), match.group()), text)


def _say_reason(row: Mapping[Hashable, Any]) -> str:
    """Say what a person decided, and what the CRM shows beside it."""
    if not row["decided_by"]:
        return str(row["reason"])
    note = f"{row['note']} ({row['decided_by']})." if row["note"] else f"Decided by {row['decided_by']}."
    return f"{note} The CRM: {row['reason'][:1].lower()}{row['reason'][1:]}"


def show_copies(review: DiscoveryReview, *, subtitle: str = "") -> Display:
    """Draw which fields are to be copied between objects, and how many records each copy would fill."""
    frame = review.copies
    if frame.empty:
        return show_message("good", "No field has to be copied between objects")
    fillable = int(frame.loc[frame["state"].isin(["wanted", "followed"]), "n_fillable"].fillna(0).sum())
    title = (
        f"Copying fields between objects would fill {fillable:,} values"
        if fillable
        else "No copy between objects can be judged from these exports"
    )
    note = "Blue: wanted by people. Dashed: this workbook follows the link by itself, the CRM's own reports can't."
    note += note_fault(review)
    return draw_copy_arrows(frame, title=title, subtitle=subtitle, note=note)


def show_activations(review: DiscoveryReview, *, subtitle: str = "") -> Display:
    """Show what to activate next, best first."""
    frame = review.activations
    if frame.empty:
        return show_message("good", "Every wanted field is available", "Look again next quarter.")
    score = say_value(review.score, "share")
    columns = ["field", "light", "effort", "score_after", "lets", "planned"]
    fields = frame["label"] + " (" + frame["objects"] + ")"
    plans = pd.Series([_say_plan(row) for row in frame.to_dict("records")], index=frame.index, dtype="str")
    return show_table(
        frame.assign(field=fields, planned=plans).replace({"planned": {"": None}, "lets": {"": None}})[columns],
        title=f"Activate {in_sentence(frame['label'].iloc[0])} next; the coverage score is {score} today",
        subtitle=subtitle,
        units={"score_after": "share"},
        marks={"light": "light"},
        labels={
            "field": "Field",
            "light": "Light",
            "effort": "Effort",
            "score_after": "Score after",
            "lets": "Would let you see",
            "planned": "Planned",
        },
        note="Score: available counts 1, adoption needed a half, over all wanted fields. Ranked by gain per effort."
        + note_fault(review),
    )


def _say_plan(row: Mapping[Hashable, Any]) -> str:
    """Say when and by whom a field is to be activated; empty where nobody planned it."""
    said = ", ".join(part for part in (row["planned"], row["owner"]) if part)
    return f"{said} (overdue)" if row["is_overdue"] else said
