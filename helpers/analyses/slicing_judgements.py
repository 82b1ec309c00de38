"""How the slicing notebook judges owners and speed, where the exports let it, and what it leaves behind as tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from helpers.analyses.funnel_plot import compare_units
from helpers.analyses.slicing_filters import resolve_filters
from helpers.analyses.win_curve import measure_win_curve
from helpers.periods import Period

LAST_PERIODS = 4
"""Over how many periods owners are compared: of one alone hardly anybody has enough deals."""


def judge_owners(company: Any, period: Period, *, as_of: Any, filters: Mapping[str, Any] | None = None) -> list[Any]:
    """Compare the win rates of owners in like roles over the last four periods.

    Returns:
        One comparison per role; none where no deal has an owner, or deals can't be filtered so.
    """
    if not all(_cuts_deals(company, name) for name in ("owner", *(filters or {}))):
        return []
    start = period.previous(LAST_PERIODS - 1).start
    wanted = resolve_filters(company, filters, as_of=as_of)
    return compare_units(company, "win_rate", by="owner", start=start, end=period.end, as_of=as_of, filters=wanted)


def judge_speed(company: Any, *, as_of: Any, filters: Mapping[str, Any] | None = None) -> Any:
    """Measure how long deals take to be won, by source where deals carry one.

    Returns:
        The curve; None where that can't be told, or deals can't be filtered so.
    """
    if filters and not all(_cuts_deals(company, name) for name in filters):
        return None
    by = "source" if _cuts_deals(company, "source") else ""
    return measure_win_curve(company, by=by, as_of=as_of, filters=resolve_filters(company, filters, as_of=as_of))


def _cuts_deals(company: Any, partition: str) -> bool:
    named = (one for id, one in company.partitions.items() if partition in (id, *one.aliases))
    found = next(named, None)
    return found is not None and "deal" in found.objects and found.known == "entry"


def tabulate_judgements(roles: Sequence[Any], curve: Any, moves: Any) -> dict[str, pd.DataFrame]:
    """Put funnel plots, win curves and moves between stages into tables.

    Args:
        roles: The result of ``compare_units``.
        curve: The result of ``measure_win_curve``, or None.
        moves: The result of ``measure_transitions``, or None.

    Returns:
        funnel_plot, win_curve, transitions and stages: only those that hold rows.
    """
    plots = [plot.frame.assign(role=plot.role) for plot in roles]
    tables = {
        "funnel_plot": pd.concat(plots, ignore_index=True) if plots else None,
        "win_curve": None if curve is None else curve.table,
        "transitions": None if moves is None else moves.moves,
        "stages": None if moves is None else moves.by_stage,
    }
    return {name: table for name, table in tables.items() if table is not None and len(table)}
