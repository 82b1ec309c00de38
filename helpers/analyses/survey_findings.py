"""What the survey found, in sentences: where people differ, where the CRM contradicts them, what words mean to them."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from helpers.analyses.finding import Finding
from helpers.analyses.icp_value import IcpValue, say_surprise
from helpers.analyses.icp_worth import MEASURES
from helpers.analyses.stage_evidence import StageEvidence
from helpers.units import format_median, format_value

NOTEBOOK = "01_gtm_survey"
LARGE_GAP = 0.15
"""From this share of the CRM's value on, a gap is told as a finding of its own."""

MANY_DEALS = 0.05
"""From this share of the open deals on, those that moved on without their evidence are told as a finding."""

DISPUTED = 0.67
"""Below this share of people who agree, a question counts as disputed."""


def find_survey_findings(
    *,
    agreement: pd.DataFrame,
    definitions: pd.DataFrame,
    priorities: Mapping[str, Any],
    gut: pd.DataFrame,
    icp: pd.DataFrame,
    icp_value: IcpValue | None = None,
    stage_evidence: StageEvidence | None = None,
    currency: str = "USD",
) -> list[Finding]:
    """Turn the survey's comparisons into findings.

    Args:
        agreement: What ``measure_agreement`` returns.
        definitions: What ``compare_definitions`` returns.
        priorities: What ``compare_priorities`` returns.
        gut: What ``check_gut`` returns.
        icp: The summary that ``check_icp_fit`` returns.
        icp_value: What ``measure_icp_value`` returns.
        stage_evidence: What ``review_stage_evidence`` returns.
        currency: The company's currency.

    Returns:
        Findings, at most one per kind of question; empty where nobody has answered or the round is open.
    """
    findings = [_on_track(gut), _largest_gap(gut, currency), _off_icp(icp), _priorities(priorities)]
    findings += [_definitions(definitions), _disputed(agreement)]
    findings += [_better_fit(icp_value, currency)] if icp_value else []
    findings += [_unheard(stage_evidence)] if stage_evidence else []
    return [finding for finding in findings if finding]


def headline_gut(gut: pd.DataFrame, *, currency: str = "USD") -> str:
    """Say in one sentence where people are furthest from the CRM."""
    finding = _largest_gap(gut, currency)
    if finding:
        return finding.headline
    known = gut["is_available"].any() if len(gut) else False
    return "People and CRM agree on what both can tell" if known else "The CRM can't answer any of these questions yet"


def headline_agreement(agreement: pd.DataFrame) -> str:
    """Say in one sentence how far people agree with each other."""
    if agreement.empty:
        return "Too few people have answered to compare them"
    asked = select_common(agreement)
    disputed = asked[asked["agreement"] < DISPUTED]
    if disputed.empty:
        return "People agree on every question that all of them answered"
    return f"People disagree on {len(disputed)} of {len(asked)} questions, most of all on {_name(disputed.iloc[0])}"


def select_common(agreement: pd.DataFrame) -> pd.DataFrame:
    """Keep the questions that more than half of the group answered, so that a pair doesn't outweigh it."""
    return agreement[agreement["n"] * 2 > agreement["n"].max()].reset_index(drop=True)


def _largest_gap(gut: pd.DataFrame, currency: str) -> Finding | None:
    same = gut[gut["is_available"] & ~gut["is_small"] & gut["check"].isin(["value", "new_business_share"])]
    if same.empty:
        return None
    inside = (same["gut_median"] >= same["crm_low"]) & (same["gut_median"] <= same["crm_high"])
    away = same["gap_share"].abs().where(~inside).dropna()
    if away.empty or away.max() < LARGE_GAP:
        return None
    row = same.loc[away.idxmax()]
    unit = str(row["unit"] or "count")
    said = format_median(row["gut_median"], unit, low=row["gut_low"], high=row["gut_high"], currency=currency)
    crm = format_value(row["crm_value"], unit, currency=currency)
    also = f" ({row['crm_also']})" if row["crm_also"] else ""
    low, high = (format_value(row[column], unit, currency=currency) for column in ("gut_low", "gut_high"))
    return Finding(
        headline=f"{row['label']}: people say {said}, the CRM says {crm}{also}",
        kpi=str(row["crm_kpi"]),
        slice=str(row["item"]) or "all",
        evidence={
            "n": int(row["crm_n"]),
            "people": int(row["n_people"]),
            "range": f"{low} to {high}",
            "definition": row["crm_definition"],
        },
        next_step="Plan with the CRM's number, and find out why everybody believes another one.",
        notebook=NOTEBOOK,
        severity="bad",
    )


def _on_track(gut: pd.DataFrame) -> Finding | None:
    rows = gut[(gut["check"] == "on_track") & gut["is_available"]] if len(gut) else gut
    if rows.empty:
        return None
    row = rows.iloc[0]
    is_behind = row["crm_also"] == "behind"
    return Finding(
        headline=str(row["sentence"]),
        kpi=str(row["crm_kpi"]),
        evidence={"n": int(row["crm_n"]), "people": int(row["n_people"]), "definition": row["crm_definition"]},
        next_step="Say in one meeting where the year stands, and from which number." if is_behind else "",
        notebook=NOTEBOOK,
        severity="bad" if is_behind else "good",
    )


def _off_icp(icp: pd.DataFrame) -> Finding | None:
    known = icp[icp["is_available"].astype(bool) & (icp["n_recent"] > 0)] if len(icp) else icp
    single = known[known["stated"] != ""] if len(known) else known
    if single.empty:
        return None
    is_unclear = single["sentence"].str.contains("no clear difference")
    row = single.assign(is_unclear=is_unclear).sort_values(["is_unclear", "recent_fit_share"], kind="stable").iloc[0]
    if row["recent_fit_share"] > 1 - LARGE_GAP:
        return None
    return Finding(
        headline=str(row["sentence"]),
        kpi="deals_won",
        evidence={"n": int(row["n_recent"]), "people": int(row["n_people"]), "definition": f"Stated: {row['stated']}."},
        next_step="Decide whether the description or the selling is wrong, starting from the deals listed.",
        notebook=NOTEBOOK,
        severity="bad",
    )


def _priorities(priorities: Mapping[str, Any]) -> Finding | None:
    if priorities.get("overlap") is None:
        return None
    shared = bool(priorities["is_shared"])
    return Finding(
        headline=str(priorities["sentence"]).rstrip("."),
        evidence={
            "people": priorities["n"],
            "overlap": format_value(priorities["overlap"], "share"),
            "definition": "Mean overlap of two people's top three; texts that share half of their words count as one.",
        },
        next_step="" if shared else "Let leadership name the three in writing, and ask again next quarter.",
        notebook=NOTEBOOK,
        severity="good" if shared else "note",
    )


def _definitions(definitions: pd.DataFrame) -> Finding | None:
    disputed = definitions[definitions["agreement"] < 1] if len(definitions) else definitions
    if disputed.empty:
        return None
    terms = list(dict.fromkeys(disputed["term"]))
    listed = terms[0] if len(terms) == 1 else f"{', '.join(terms[:-1])} and {terms[-1]}"
    return Finding(
        headline=f"Teams mean different things by {listed}",
        evidence={"people": int(definitions["respondent"].nunique()), "terms": len(terms)},
        next_step="Agree on one definition each, write it into the CRM's field help, and name its owner.",
        notebook=NOTEBOOK,
        severity="bad",
    )


def _disputed(agreement: pd.DataFrame) -> Finding | None:
    asked = select_common(agreement)
    asked = asked[(asked["agreement"] < DISPUTED) & (asked["type"] != "ranked")]
    if asked.empty:
        return None
    row = asked.iloc[0]
    return Finding(
        headline=f"The sharpest disagreement is about {_name(row)}: {row['sentence'][:1].lower()}{row['sentence'][1:]}",
        evidence={"people": int(row["n"]), "agreement": format_value(row["agreement"], "share")},
        next_step="Begin the discussion there: let each side say what it has seen.",
        notebook=NOTEBOOK,
    )


def _better_fit(icp_value: IcpValue, currency: str) -> Finding | None:
    """Tell the part that beats the stated good fit most clearly; a difference that chance may explain is none."""
    if icp_value.surprises.empty:
        return None
    row = icp_value.surprises.iloc[0].to_dict()
    unit = MEASURES[row["measure"]]
    low, high = (format_value(row[column], unit, currency=currency) for column in ("low", "high"))
    kpis = {"win_rate": "win_rate", "deal_size": "average_deal_size", "retention": "logo_churn", "ltv": ""}
    return Finding(
        headline=say_surprise(row, currency),
        kpi=kpis[row["measure"]],
        slice=f"{row['attribute_id']}={row['group']}",
        evidence={
            "n": int(row["n"]),
            "n of the good fit": int(row["good_n"]),
            "interval": f"{low} to {high}",
            "comparisons corrected for": icp_value.n_compared,
            "definition": icp_value.definitions[row["measure"]],
        },
        next_step="Look at these customers together, and describe the ideal customer anew where they hold.",
        notebook=NOTEBOOK,
        severity="bad",
    )


def _unheard(evidence: StageEvidence) -> Finding | None:
    """Tell the open deals that moved on without their evidence, once they are more than a handful."""
    deals = evidence.deals
    moved = deals[deals["is_beyond"].astype("bool")] if len(deals) else deals
    if len(moved) < max(MANY_DEALS * evidence.n_open, 2):
        return None
    n_owners = moved["owner"].nunique()
    owner = {"owners whose deals they are": n_owners} if n_owners else {}
    return Finding(
        headline=evidence.sentence,
        kpi="open_pipeline",
        evidence={
            "n": len(moved),
            "open deals": evidence.n_open,
            **owner,
            "definition": "Open deals beyond a stage whose field for what must be heard is empty today.",
        },
        next_step="Go through the deals listed, the largest first: hear it now, or move the deal back.",
        notebook=NOTEBOOK,
        severity="bad",
    )


def _name(row: Mapping[str, Any]) -> str:
    label = str(row["label"])
    return f"{label[:1].lower()}{label[1:]}" if not label[:2].isupper() else label
