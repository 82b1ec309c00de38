"""The whole engine at a glance: the bow-tie stage by stage and the scorecard, beside the prior period and the goal."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.change import score_changes
from helpers.analyses.finding import Finding
from helpers.model.catalog import Catalog
from helpers.model.kpi import Kpi
from helpers.periods import Period
from helpers.units import format_value, in_sentence, was_or_were

CELL = ["kpi", "basis"]

SCORED = (
    "revenue_won deals_won average_deal_size sessions leads mqls sqls opportunities win_rate win_rate_value "
    "sales_cycle_days push_rate sales_velocity starting_coverage pipeline_conversion open_pipeline customers_onboarded "
    "customers_live revenue_live mrr grr nrr logo_churn revenue_churn"
).split()
"""What the scorecard shows, in the order in which a leader reads it."""


def describe_bowtie(
    cells: pd.DataFrame,
    catalog: Catalog,
    period: Period,
    compared: Period | None,
    targets: pd.DataFrame,
    *,
    currency: str = "USD",
) -> pd.DataFrame:
    """Tell every stage of the bow-tie: how much came in, how it compares, what went on to the next stage, how fast.

    The conversion is the cohort's where the stage has records, taken from the latest cohort that is mature, since a
    young one still has records that will convert. Sessions are no records, so their conversion is the period's.

    Args:
        cells: Cells of the company (columns of ``kpis.csv``).
        catalog: The company's definitions.
        period: The period shown.
        compared: The period before, or None for the plan alone.
        targets: Goals with the columns of ``goal_matrix.csv``.
        currency: The company's currency.

    Returns:
        One row per stage, left to right: stage, label, code, volume, previous_volume, goal, light (good, caution, bad,
        none), conversion_to_next, conversion_low, conversion_high, conversion_n, previous_conversion,
        conversion_cohort (the period's label), median_days_to_next, value (money at won and live), is_available, note.
    """
    company = _company(cells, period.grain)
    there = [stage.id for stage in catalog.stages.values() if _has_volume(company, stage.volume or stage.id)]
    rows = []
    for stage in catalog.stages.values():
        volume = stage.volume or (stage.id if stage.object == "deal" else "")
        row: dict[str, Any] = {"stage": stage.id, "label": _label(stage, volume, catalog), "code": stage.code}
        row |= _volume(company, volume, period, compared, targets, catalog)
        row["is_available"] = stage.id in there
        row["note"] = "" if row["is_available"] else "not in the exports"
        following = there[there.index(stage.id) + 1] if stage.id in there[:-1] else None
        row |= _step(company, catalog, stage.id, following, period, compared)
        row["value"] = _value(company, {"won": "revenue_won", "live": "revenue_live"}.get(stage.id, ""), period)
        if stage.object == "subscription":
            row |= _recurring(company, period, compared)
        if stage.closes == "won":
            row |= _deal_size(company, period, currency)
        rows.append(row)
    return pd.DataFrame(rows)


def score_kpis(
    cells: pd.DataFrame, catalog: Catalog, period: Period, compared: Period | None, targets: pd.DataFrame
) -> pd.DataFrame:
    """Set the KPIs that a leader asks for beside the period before and the goal.

    Returns:
        One row per available KPI of ``SCORED``: kpi, label, basis, unit, value, low, high, n, previous_value, change,
        q_value, goal, gap (value minus goal), light, judged_by (goal, previous period or nothing), ahead (share by
        which it is ahead of that in the good direction, negative where it is behind) and tolerance.
    """
    company = _company(cells, period.grain)
    usual = pd.DataFrame([{"kpi": kpi.id, "basis": kpi.basis[0]} for kpi in catalog.kpis.values()])
    company = company.merge(usual, on=CELL)
    now = _at(company, period)
    now = now[now["kpi"].isin(SCORED)]
    before = _at(company, compared) if compared is not None else company.iloc[:0]
    scored = score_changes(now, before, on=CELL)
    scored["order"] = scored["kpi"].map({kpi: position for position, kpi in enumerate(SCORED)})
    scored = scored.sort_values("order", ignore_index=True)
    scored["label"] = [catalog.kpi(kpi).label for kpi in scored["kpi"]]
    scored["unit"] = [catalog.kpi(kpi).unit for kpi in scored["kpi"]]
    scored["goal"] = [find_goal(targets, kpi, period) for kpi in scored["kpi"]]
    scored["gap"] = scored["value"] - scored["goal"]
    judged = [
        judge(catalog.kpi(row.kpi), row.value, row.goal, row.previous_value, catalog) for row in scored.itertuples()
    ]
    scored["light"] = [light for light, _, _ in judged]
    scored["judged_by"] = [by for _, by, _ in judged]
    scored["ahead"] = [ahead for _, _, ahead in judged]
    scored["tolerance"] = catalog.rules.tolerance
    columns = (
        "kpi label basis unit value low high n previous_value change q_value goal gap light judged_by ahead tolerance"
    )
    return scored[columns.split()]


def judge(kpi: Kpi, value: float, goal: float, previous: float, catalog: Catalog) -> tuple[str, str, float]:
    """Say how a value stands: against its goal where there is one, else against the period before.

    Returns:
        The light (good, caution, bad, none), what it was judged by, and the share by which it is ahead of that.
    """
    against, by = (goal, "goal") if not _missing(goal) else (previous, "previous period")
    if kpi.direction == "none" or _missing(value) or _missing(against) or against == 0:
        return "none", "nothing", float("nan")
    ahead = value / against - 1 if kpi.direction == "up" else 1 - value / against
    if ahead >= -catalog.rules.tolerance:
        return "good", by, ahead
    return ("caution" if ahead > -catalog.rules.off_track else "bad"), by, ahead


def find_goal(targets: pd.DataFrame, kpi: str, period: Period) -> float:
    """Return the company's goal of one KPI in one period; NaN where nobody set one (which is not a goal of zero)."""
    if targets.empty:
        return float("nan")
    starts = pd.to_datetime(targets["period_start"]).dt.date
    mask = (targets["kpi"] == kpi) & (targets["grain"] == period.grain) & (starts == period.start)
    mask &= targets["dimension"].isin(["all", ""]) | targets["dimension"].isna()
    goals = targets.loc[mask, "goal"].dropna()
    return float(goals.iloc[0]) if len(goals) else float("nan")


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
        if not _missing(row["goal"]):
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
    by = "goal" if not _missing(worst["goal"]) else "the period before"
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


def _label(stage: Any, volume: str, catalog: Catalog) -> str:
    """Name a stage by what is counted where its own name is that of another number, such as a stock of customers."""
    taken = {kpi.label for kpi in catalog.kpis.values() if kpi.id != volume}
    return catalog.kpi(volume).label if stage.label in taken and volume in catalog.kpis else stage.label


def _company(cells: pd.DataFrame, grain: str) -> pd.DataFrame:
    return cells[(cells["dimension"] == "all") & (cells["grain"] == grain)]


def _at(company: pd.DataFrame, period: Period) -> pd.DataFrame:
    return company[pd.to_datetime(company["period_start"]).dt.date == period.start]


def _pick(company: pd.DataFrame, kpi: str, period: Period | None, basis: str | None = None) -> Mapping[str, Any]:
    if period is None:
        return {}
    rows = _at(company[company["kpi"] == kpi], period)
    rows = rows if basis is None else rows[rows["basis"] == basis]
    return rows.iloc[0].to_dict() if len(rows) else {}


def _value(company: pd.DataFrame, kpi: str, period: Period | None) -> float:
    return float(_pick(company, kpi, period).get("value", np.nan))


def _has_volume(company: pd.DataFrame, kpi: str) -> bool:
    return bool(kpi) and bool((company["kpi"] == kpi).any())


def _volume(
    company: pd.DataFrame, kpi: str, period: Period, compared: Period | None, targets: pd.DataFrame, catalog: Catalog
) -> dict[str, Any]:
    now, before = _value(company, kpi, period), _value(company, kpi, compared)
    goal = find_goal(targets, kpi, period) if kpi else float("nan")
    light = judge(catalog.kpi(kpi), now, goal, before, catalog)[0] if kpi in catalog.kpis else "none"
    return {"volume": now, "previous_volume": before, "goal": goal, "light": light}


def _step(
    company: pd.DataFrame, catalog: Catalog, stage: str, following: str | None, period: Period, compared: Period | None
) -> dict[str, Any]:
    nothing = dict.fromkeys(
        ["conversion_to_next", "conversion_low", "conversion_high", "previous_conversion", "median_days_to_next"],
        np.nan,
    )
    step = {**nothing, "conversion_n": 0, "conversion_cohort": ""}
    if following is None:
        return step
    id = catalog.conversion(stage, following).id
    cohorts = company[(company["kpi"] == id) & (company["basis"] == "cohort")].sort_values("period_start")
    if cohorts.empty:
        now, before = _pick(company, id, period, "period"), _pick(company, id, compared, "period")
        label = period.label
    else:
        mature = cohorts[cohorts["is_complete"].astype(bool)]
        if mature.empty:
            return step
        now = mature.iloc[-1].to_dict()
        before = mature.iloc[-2].to_dict() if len(mature) > 1 else {}
        start = pd.Timestamp(now["period_start"]).date()
        label = Period(start, start, period.grain, period.fiscal_year_start).label
    began = Period(_day(now), _day(now), period.grain) if now else None
    days = _pick(company, f"{stage}_{following}_days", began, "cohort")
    if not days and id == "opportunity_to_won":
        days = _pick(company, "sales_cycle_days", period)
    return {
        "conversion_to_next": float(now.get("value", np.nan)),
        "conversion_low": float(now.get("low", np.nan)),
        "conversion_high": float(now.get("high", np.nan)),
        "conversion_n": int(now.get("n", 0) or 0),
        "previous_conversion": float(before.get("value", np.nan)),
        "conversion_cohort": label,
        "median_days_to_next": float(days.get("value", np.nan)),
    }


def _deal_size(company: pd.DataFrame, period: Period, currency: str) -> dict[str, Any]:
    """Tell the average deal size beside the won deals."""
    size = _value(company, "average_deal_size", period)
    return {} if _missing(size) else {"note": f"{format_value(size, 'currency', currency=currency)} a deal"}


def _recurring(company: pd.DataFrame, period: Period, compared: Period | None) -> dict[str, Any]:
    """Tell the last stage by its recurring rates, since no date on a record enters it."""
    nrr, grr = _value(company, "nrr", period), _value(company, "grr", period)
    if _missing(nrr) and _missing(grr):
        return {}
    return {
        "conversion_to_next": nrr,
        "previous_conversion": _value(company, "nrr", compared),
        "is_available": True,
        "value": _value(company, "arr", period),
        "note": f"ARR; GRR {format_value(grr, 'share')}, NRR {format_value(nrr, 'share')}",
    }


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
        "low": None if _missing(row["low"]) else float(row["low"]),
        "high": None if _missing(row["high"]) else float(row["high"]),
    }


def _day(row: Mapping[str, Any]) -> Any:
    return pd.Timestamp(row["period_start"]).date()


def _missing(value: Any) -> bool:
    return value is None or bool(pd.isna(value))
