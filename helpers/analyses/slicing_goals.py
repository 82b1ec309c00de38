"""The plan beside each slice: goals that people typed, added up from shorter periods where they tile the one asked."""

from collections.abc import Sequence

import pandas as pd

from helpers.analyses.slicing_filters import JOINT
from helpers.model.kpi import Kpi
from helpers.periods import GRAINS, Period, build_periods

WHOLE = ("all", "")


def find_goals(targets: pd.DataFrame | None, kpi: Kpi, by: Sequence[str], period: Period) -> dict[str, float]:
    """Return slice → goal of a KPI in a period.

    Args:
        targets: Goals with the columns of ``goal_matrix.csv``.
        kpi: The KPI.
        by: The partitions of the slices; empty asks for the company, whose slice is ``all``.
        period: The period. A goal of that very period goes first; else, for a KPI that adds up, shorter periods are
            added where every one of them has a goal.

    Returns:
        Only slices that have a goal: none is not a goal of zero.
    """
    if targets is None or targets.empty:
        return {}
    mine = targets[(targets["kpi"] == kpi.id) & targets["goal"].notna()]
    dimension = mine["dimension"].fillna("").astype(str)
    mine = mine[dimension.isin([JOINT.join(by)] if by else WHOLE)]
    mine = mine.assign(day=pd.to_datetime(mine["period_start"]).dt.date)
    if not by:
        mine = mine.assign(slice="all")
    exact = mine[(mine["grain"] == period.grain) & (mine["day"] == period.start)]
    goals = dict(zip(exact["slice"].astype(str), exact["goal"].astype(float), strict=True))
    if goals or not kpi.is_count or kpi.measure.kind == "stock":
        return goals
    for grain in reversed(GRAINS):
        parts = build_periods(period.start, period.end, grain, period.fiscal_year_start)
        if grain == period.grain or not parts or (parts[0].start, parts[-1].end) != (period.start, period.end):
            continue
        starts = {part.start for part in parts}
        within = mine[(mine["grain"] == grain) & mine["day"].isin(starts)]
        for name, group in within.groupby("slice"):
            if set(group["day"]) == starts and str(name) not in goals:
                goals[str(name)] = float(group.drop_duplicates("day")["goal"].sum())
    return goals
