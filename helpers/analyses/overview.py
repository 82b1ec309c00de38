"""The whole engine at a glance: the bow-tie stage by stage and the scorecard, beside the prior period and the goal."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.change import score_changes
from helpers.model.catalog import Catalog
from helpers.model.kpi import Kpi
from helpers.periods import Period
from helpers.units import format_value

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
    earlier = company["is_complete"].astype(bool) & (pd.to_datetime(company["period_start"]).dt.date < period.start)
    scored = score_changes(now, before, on=CELL, history=company[earlier], confidence=catalog.rules.confidence)
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
    against, by = (goal, "goal") if not is_missing(goal) else (previous, "previous period")
    if kpi.direction == "none" or is_missing(value) or is_missing(against) or against == 0:
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
    return {} if is_missing(size) else {"note": f"{format_value(size, 'currency', currency=currency)} a deal"}


def _recurring(company: pd.DataFrame, period: Period, compared: Period | None) -> dict[str, Any]:
    """Tell the last stage by its recurring rates, since no date on a record enters it."""
    nrr, grr = _value(company, "nrr", period), _value(company, "grr", period)
    if is_missing(nrr) and is_missing(grr):
        return {}
    return {
        "conversion_to_next": nrr,
        "previous_conversion": _value(company, "nrr", compared),
        "is_available": True,
        "value": _value(company, "arr", period),
        "note": f"ARR; GRR {format_value(grr, 'share')}, NRR {format_value(nrr, 'share')}",
    }


def _day(row: Mapping[str, Any]) -> Any:
    return pd.Timestamp(row["period_start"]).date()


def is_missing(value: Any) -> bool:
    """Tell whether a number is not known."""
    return value is None or bool(pd.isna(value))
