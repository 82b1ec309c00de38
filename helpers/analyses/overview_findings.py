"""What the first page says: headlines of the bow-tie and the scorecard, and the findings behind them."""

from typing import Any

import pandas as pd

from helpers.analyses.finding import Finding
from helpers.analyses.overview import is_missing
from helpers.periods import Period
from helpers.units import format_value, in_sentence, was_or_were


def find_overview(scored: pd.DataFrame, period: Period, compared: Period | None, currency: str) -> list[Finding]:
    """Put the scorecard into findings: missed and beaten goals, and changes that are more than chance.

    Args:
        scored: The result of ``score_kpis``.
        period: The period shown.
        compared: The period before, or None.
        currency: The company's currency.

    Returns:
        At most one finding per KPI: the goal first, else a change with a corrected p-value under 0.05.
    """
    findings = []
    for row in scored.to_dict("records"):
        if not is_missing(row["goal"]):
            findings.append(_goal_finding(row, period, currency))
        elif compared is not None and _has_moved(row):
            has_stopped = row["value"] == 0 and row["unit"] == "count"
            tell = _stopped_finding if has_stopped else _change_finding
            findings.append(tell(row, period, compared, currency))
    if len(scored) and not (scored["judged_by"] != "nothing").any():
        findings.append(_alone_finding(scored, period))
    return [finding for finding in findings if finding is not None]


def headline_scorecard(scored: pd.DataFrame, period: Period) -> str:
    """Say in one sentence how many KPIs are behind; what nothing is compared with counts neither way.

    Args:
        scored: The result of ``score_kpis``.
        period: The period shown.
    """
    judged = scored[scored["judged_by"] != "nothing"]
    behind = int(judged["light"].isin(["bad", "caution"]).sum())
    if judged.empty:
        count = "1 KPI is" if len(scored) == 1 else f"{len(scored)} KPIs are"
        return f"{count} known for {period.label}, with nothing to compare yet"
    if not behind:
        return f"No KPI of {len(judged)} is behind in {period.label}"
    return f"{behind} of {len(judged)} KPIs {'is' if behind == 1 else 'are'} behind in {period.label}"


def headline_bowtie(bowtie: pd.DataFrame, scored: pd.DataFrame, period: Period, currency: str) -> str:
    """Say what the bow-tie shows in one sentence: closed revenue against its goal, and the stage furthest behind.

    Args:
        bowtie: The result of ``describe_bowtie``.
        scored: The result of ``score_kpis``.
        period: The period shown.
        currency: The company's currency.
    """
    if not bowtie["is_available"].any():
        return "No stage of the engine can be counted yet"
    revenue = scored[(scored["kpi"] == "revenue_won") & scored["goal"].notna()]
    opening = ""
    if len(revenue):
        row = revenue.iloc[0]
        share = format_value(row["value"] / row["goal"], "share")
        goal = format_value(row["goal"], "currency", currency=currency)
        opening = f"Closed revenue reached {share} of its goal of {goal} in {period.label}"
    there = bowtie[bowtie["is_available"] & bowtie["volume"].notna()]
    if not opening and len(there) and not (there["goal"].notna() | there["previous_volume"].notna()).any():
        first = there.iloc[0]
        count = format_value(first["volume"], "count")
        told = f"{first['label']} {was_or_were(first['label'])} {count} in {period.label}"
        return f"{told}, with no earlier period and no goal to compare with"
    behind = bowtie[bowtie["is_available"] & bowtie["light"].isin(["bad", "caution"])]
    against = behind["goal"].where(behind["goal"].notna(), behind["previous_volume"])
    behind = behind.assign(ratio=behind["volume"] / against - 1).dropna(subset=["ratio"])
    if behind.empty:
        return opening or _say_none_behind(there, len(bowtie), period)
    worst = behind.sort_values("ratio", kind="stable").iloc[0]
    if worst["volume"] == 0 and not opening:
        return f"No {in_sentence(worst['label'])} are dated in {period.label}: they stopped, or the export ends earlier"
    by = "goal" if not is_missing(worst["goal"]) else "the period before"
    down = format_value(-worst["ratio"], "share")
    if opening:
        return f"{opening}; {in_sentence(worst['label'])} fell {down} behind {by}"
    count = format_value(worst["volume"], "count")
    return f"{worst['label']} fell furthest behind: {count} in {period.label}, {down} under {by}"


def _say_none_behind(there: pd.DataFrame, stages: int, period: Period) -> str:
    """Say that nothing fell behind, and how much of the engine that covers."""
    if len(there) == 1:
        return f"Only {in_sentence(there['label'].iloc[0])} can be counted in {period.label}, and did not fall behind"
    if len(there) < stages:
        return f"None of the {len(there)} stages in the exports fell behind in {period.label}"
    return f"No stage of the engine fell behind in {period.label}"


def _goal_finding(row: dict[str, Any], period: Period, currency: str) -> Finding | None:
    if row["light"] == "none":
        return None
    value = format_value(row["value"], row["unit"], currency=currency)
    goal = format_value(row["goal"], row["unit"], currency=currency)
    off = row["value"] / row["goal"] - 1
    side = f"{format_value(abs(off), 'share')} {'under' if off < 0 else 'over'}" if abs(off) >= 0.005 else "on"
    return Finding(
        headline=f"{row['label']} {was_or_were(row['label'])} {value} in {period.label}, {side} the goal of {goal}",
        kpi=row["kpi"],
        money=float(row["gap"]) if row["unit"] == "currency" else None,
        evidence=_evidence(row, period),
        next_step="See where the gap arises in the root-cause notebook."
        if row["light"] != "good"
        else "Keep doing it, and find out what worked."
        if row["ahead"] >= 0
        else "Close enough to the goal for now: look again when the next period has ended.",
        notebook="00_start_here",
        severity=("good" if row["ahead"] >= 0 else "note") if row["light"] == "good" else "bad",
    )


def _stopped_finding(row: dict[str, Any], period: Period, compared: Period, currency: str) -> Finding:
    """Tell a count that stopped altogether as a question to the export, before anybody reads it as a fall."""
    before = format_value(row["previous_value"], row["unit"], currency=currency)
    return Finding(
        headline=f"No {in_sentence(row['label'])} are dated in {period.label}, after {before} in {compared.label}: "
        "either they stopped, or the export ends earlier",
        kpi=row["kpi"],
        evidence=_evidence(row, period),
        next_step=f"Check up to which day the export holds {in_sentence(row['label'])}, and export again until the end "
        f"of {period.label}.",
        notebook="00_start_here",
        severity="bad",
    )


def _alone_finding(scored: pd.DataFrame, period: Period) -> Finding:
    """Say that nothing can be compared yet, which is another thing than nothing having changed."""
    return Finding(
        headline=f"{period.label} is the only period in the exports, so no KPI can be compared yet",
        evidence={"period": period.label, "definition": f"{len(scored)} KPI{'s' * (len(scored) != 1)} with a value"},
        next_step="Add exports of earlier periods, or type in goals.",
        notebook="00_start_here",
        severity="note",
    )


def _change_finding(row: dict[str, Any], period: Period, compared: Period, currency: str) -> Finding:
    value = format_value(row["value"], row["unit"], currency=currency)
    before = format_value(row["previous_value"], row["unit"], currency=currency)
    way = "rose" if row["change"] > 0 else "fell"
    good = row["ahead"] > 0
    return Finding(
        headline=f"{row['label']} {way} from {before} in {compared.label} to {value} in {period.label}",
        kpi=row["kpi"],
        money=float(row["change"]) if row["unit"] == "currency" else None,
        evidence=_evidence(row, period) | {"q_value": round(float(row["q_value"]), 4)},
        next_step="Slice it by who, what, where and when." if not good else "Find out what worked, and where.",
        notebook="00_start_here",
        severity="good" if good else "bad",
    )


def _has_moved(row: dict[str, Any]) -> bool:
    """Tell whether a KPI moved so far that a leader should know, and beyond chance."""
    return row["light"] != "none" and row["q_value"] < 0.05 and abs(row["ahead"]) > row["tolerance"]


def _evidence(row: dict[str, Any], period: Period) -> dict[str, Any]:
    return {
        "n": int(row["n"]),
        "period": period.label,
        "definition": row["basis"],
        "unit": row["unit"],
        "low": None if is_missing(row["low"]) else float(row["low"]),
        "high": None if is_missing(row["high"]) else float(row["high"]),
    }
