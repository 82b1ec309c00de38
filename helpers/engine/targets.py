"""The bookings target of a period, from whatever length of period people typed it for."""

from collections.abc import Collection, Mapping
from datetime import date

import pandas as pd

from helpers.engine.timeline import WHOLE
from helpers.periods import FISCAL, GRAINS, MONTHS_IN, Period, build_periods, period_of

TYPED, ADDED, SPREAD = "typed", "added", "spread"
"""A target typed for the period itself, added up from shorter ones, or an equal part of a longer one."""

TypedGoals = Mapping[tuple[str, date], float]


def group_goals(
    targets: pd.DataFrame | None, kpi: str, dimension: str | Collection[str]
) -> dict[str, dict[tuple[str, date], float]]:
    """Group what people typed for a KPI by slice.

    Args:
        targets: Goals with the columns of ``goal_matrix.csv``; None or empty where nobody typed one.
        kpi: Id of a KPI that adds up over time.
        dimension: The partition of the slices, or several names of it.

    Returns:
        Slice → (grain, first day) → goal in the KPI's unit; blank goals are left out.
    """
    if targets is None or targets.empty:
        return {}
    names = {dimension} if isinstance(dimension, str) else set(dimension)
    mine = targets[(targets["kpi"] == kpi) & targets["dimension"].isin(names) & targets["goal"].notna()]
    found: dict[str, dict[tuple[str, date], float]] = {}
    days = pd.to_datetime(mine["period_start"]).dt.date
    for name, grain, day, goal in zip(mine["slice"], mine["grain"], days, mine["goal"], strict=True):
        found.setdefault(str(name), {})[grain, day] = float(goal)
    return found


def find_target(goals: TypedGoals, period: Period) -> tuple[float, str] | None:
    """Find the target of a period.

    A target typed for that very period goes first; else shorter ones that fill it without a gap are added up; else it
    gets an equal part of what a longer period's target leaves over for those periods inside it that have none.

    Args:
        goals: What was typed for one slice, as made by ``group_goals``.
        period: The period; only months, quarters, half-years and years take a part of a longer one.

    Returns:
        The target and where it comes from: ``typed``, ``added`` or ``spread``; None without one, also where a longer
        period's target is used up.

    >>> year = {("year", date(2026, 1, 1)): 1000.0, ("quarter", date(2026, 1, 1)): 400.0}
    >>> find_target(year, period_of(date(2026, 5, 1), "quarter"))
    (200.0, 'spread')
    """
    return _find(goals, period, GRAINS[-1])


def find_new_business_target(
    targets: pd.DataFrame | None, kpi: str, existing: Collection[str], period: Period
) -> tuple[float, str] | None:
    """Find the company's target of new business: by type of deal where it was typed so, else the company's own.

    Args:
        targets: Goals with the columns of ``goal_matrix.csv``.
        kpi: Id of a KPI that adds up over time.
        existing: Types of deals that are existing business, in lower case.
        period: The period.

    Returns:
        The target and where it comes from, as in ``find_target``; None where there is none.
    """
    by_type = group_goals(targets, kpi, "type").items()
    found = [find_target(goals, period) for name, goals in by_type if name.casefold() not in existing]
    new = [target for target in found if target is not None]
    if new:
        basis = max((how for _, how in new), key=(TYPED, ADDED, SPREAD).index)
        return sum(goal for goal, _ in new), basis
    return find_target(group_goals(targets, kpi, WHOLE).get(WHOLE, {}), period)


def _find(goals: TypedGoals, period: Period, longest: str) -> tuple[float, str] | None:
    """Find the target of a period, looking at longer periods up to a length."""
    own = goals.get((period.grain, period.start))
    if own is not None:
        return own, TYPED
    if period.grain not in FISCAL:
        return None
    added = _add_shorter(goals, period)
    if added is not None:
        return added, ADDED
    for grain in GRAINS:
        if not MONTHS_IN[period.grain] < MONTHS_IN[grain] <= MONTHS_IN[longest]:
            continue
        whole = period_of(period.start, grain, period.fiscal_year_start)
        goal = goals.get((grain, whole.start))
        if goal is None:
            continue
        nearer = GRAINS[GRAINS.index(grain) - 1]
        parts = build_periods(whole.start, whole.end, period.grain, period.fiscal_year_start)
        known = [_find(goals, part, nearer) for part in parts]
        left = goal - sum(target[0] for target in known if target is not None)
        return (left / known.count(None), SPREAD) if left > 0 else None
    return None


def _add_shorter(goals: TypedGoals, period: Period) -> float | None:
    for grain in reversed(GRAINS):
        if MONTHS_IN[grain] >= MONTHS_IN[period.grain]:
            continue
        parts = build_periods(period.start, period.end, grain, period.fiscal_year_start)
        values = [goals.get((grain, part.start)) for part in parts]
        if (parts[0].start, parts[-1].end) == (period.start, period.end) and None not in values:
            return float(sum(values))
    return None
