"""KPIs over time: one bad period can be chance, a slope can't."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from helpers.analyses.overview import find_goal
from helpers.analyses.slicing_filters import resolve_filters
from helpers.analyses.slicing_question import find_refusal
from helpers.engine.cells import build_cells
from helpers.model.kpi import Kpi
from helpers.periods import Period
from helpers.units import format_value, in_sentence, was_or_were

FOLLOWED = "revenue_won opportunities deals_won mqls leads mrr sessions".split()
"""Which KPIs are followed when nobody names one: the first two that the company has."""


@dataclass(frozen=True)
class Trend:
    """One KPI of the company over the periods.

    Attributes:
        kpi: The KPI.
        basis: The definition shown.
        frame: One row per period, oldest first: period (label), period_start, value, low, high, n, is_complete, goal.
        headline: What it shows, in a sentence.
    """

    kpi: Kpi
    basis: str
    frame: pd.DataFrame
    headline: str


def choose_trends(cells: pd.DataFrame) -> list[str]:
    """Return the first two of the usual KPIs that the company has."""
    there = set(cells["kpi"])
    return [kpi for kpi in FOLLOWED if kpi in there][:2]


def trend_kpis(
    company: Any,
    kpis: Sequence[str],
    *,
    periods: Sequence[Period],
    as_of: Any = None,
    targets: pd.DataFrame | None = None,
    filters: Mapping[str, Any] | None = None,
) -> list[Trend]:
    """Follow KPIs of the company over periods.

    Args:
        company: The company.
        kpis: Ids of KPIs.
        periods: The periods, oldest first.
        as_of: The last day that counts.
        targets: Goals with the columns of ``goal_matrix.csv``; None draws no goals.
        filters: Partition → value or values that count.

    Returns:
        One trend per KPI that has a value in any of the periods; none for a KPI that may not be filtered so.
    """
    trends = []
    for kpi in kpis:
        definition = company.catalog.kpi(kpi)
        if find_refusal(company, definition, list(filters or {}), as_of=as_of):
            continue
        cells = build_cells(
            company,
            kpis=[kpi],
            grain=periods[0].grain,
            start=periods[0].start,
            end=periods[-1].end,
            as_of=as_of,
            filters=resolve_filters(company, filters, as_of=as_of),
        )
        cells = cells[cells["basis"] == definition.basis[0]].sort_values("period_start", ignore_index=True)
        if cells.empty:
            continue
        by_start = {period.start: period for period in periods}
        shown = [by_start.get(pd.Timestamp(day).date()) for day in cells["period_start"]]
        frame = cells.assign(
            period=[period.label if period else "" for period in shown],
            goal=[
                find_goal(targets, kpi, period) if period and targets is not None else float("nan") for period in shown
            ],
        )
        columns = ["period", "period_start", "value", "low", "high", "n", "is_complete", "goal"]
        frame = frame[columns]
        trends.append(
            Trend(definition, definition.basis[0], frame, headline_trend(frame, definition, company.currency))
        )
    return trends


def headline_trend(frame: pd.DataFrame, kpi: Kpi, currency: str) -> str:
    """Say in one sentence where a KPI stands in its own history; only periods old enough are compared."""
    solid = frame[frame["is_complete"].astype(bool) & frame["value"].notna()]
    if len(solid) < 2:
        return _headline_short(frame, kpi, currency)
    last, before = solid.iloc[-1], solid.iloc[:-1]
    value = format_value(last["value"], kpi.unit, currency=currency)
    opening = f"{kpi.label} {was_or_were(kpi.label)} {value} in {last['period']}"
    if not pd.isna(last["goal"]) and last["goal"]:
        off = last["value"] / last["goal"] - 1
        goal = format_value(last["goal"], kpi.unit, currency=currency)
        side = "on" if abs(off) < 0.005 else f"{format_value(abs(off), 'share')} {'under' if off < 0 else 'over'}"
        return f"{opening}, {side} the goal of {goal}"
    if last["value"] == 0 and kpi.unit == "count" and before["value"].iloc[-1] > 0:
        earlier = format_value(before["value"].iloc[-1], kpi.unit)
        return (
            f"No {in_sentence(kpi.label)} are dated in {last['period']}, after {earlier} in {before['period'].iloc[-1]}"
        )
    if last["value"] < before["value"].min():
        return f"{opening}, the lowest of {len(solid)} periods"
    if last["value"] > before["value"].max():
        return f"{opening}, the highest of {len(solid)} periods"
    digits = 0 if kpi.unit == "count" else None
    typical = format_value(before["value"].median(), kpi.unit, currency=currency, digits=digits)
    return f"{opening}, against a typical {typical}"


def _headline_short(frame: pd.DataFrame, kpi: Kpi, currency: str) -> str:
    """Say the latest value where there is no history to set it in."""
    known = frame[frame["value"].notna()]
    if known.empty:
        return f"{kpi.label} {was_or_were(kpi.label)} not told in any period"
    last = known.iloc[-1]
    value = format_value(last["value"], kpi.unit, currency=currency)
    return (
        f"{kpi.label} {was_or_were(kpi.label)} {value} in {last['period']}; "
        "no two periods are old enough to be compared"
    )
