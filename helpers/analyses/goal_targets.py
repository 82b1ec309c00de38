"""Bookings targets of periods: what people typed, and what a solved goal matrix makes of it for the other periods."""

from datetime import date

import pandas as pd

from helpers.analyses.goal_locks import find_set
from helpers.analyses.goal_relations import TOTAL
from helpers.periods import MONTHS_IN, period_of

REVENUE, TYPE = "revenue_won", "type"
SOLVED, EXPECTED = "solved", "expected"
"""A target that follows from goals of the same year, or what history lets one expect of a year without goals."""


def set_revenue_goal(targets: pd.DataFrame, revenue_goal: float, as_of: date, fiscal_year_start: int) -> pd.DataFrame:
    """Put one goal for the year's revenue in the place of what people typed for it.

    Args:
        targets: Goals with the columns of ``goal_matrix.csv``.
        revenue_goal: Revenue of the fiscal year that the next period lies in, in the company's currency; 0 or less
            changes nothing.
        as_of: The last day that counts.
        fiscal_year_start: The month (1–12) in which the fiscal year begins.

    Returns:
        The goals, the year's locked and first, without revenue goals of that year's periods that are not over yet.
    """
    if revenue_goal <= 0:
        return targets
    year = period_of(pd.Timestamp(as_of).date() + pd.Timedelta(days=1), "year", fiscal_year_start)
    starts = pd.to_datetime(targets["period_start"])
    inside = (starts >= pd.Timestamp(year.start)) & (starts <= pd.Timestamp(year.end))
    is_over = (targets["grain"] != "year") & (starts <= pd.Timestamp(as_of))
    kept = targets[~(inside & (targets["kpi"] == REVENUE) & ~is_over)]
    goal = {"kpi": REVENUE, "grain": "year", "period_start": pd.Timestamp(year.start), "dimension": TOTAL}
    goal |= {"slice": TOTAL, "goal": float(revenue_goal), "locked": True}
    if kept.empty:
        return pd.DataFrame([goal])
    # It counts before what people typed, and so it stands first.
    both = pd.concat([kept, pd.DataFrame([goal])], ignore_index=True)
    return both.iloc[[-1, *range(len(kept))]].reset_index(drop=True)


def derive_targets(matrix: pd.DataFrame, *, as_of: date, grain: str, fiscal_year_start: int = 1) -> pd.DataFrame:
    """Take the bookings targets of the periods ahead that nobody typed one for out of a solved matrix.

    Args:
        matrix: A solved matrix.
        as_of: The last day that counts.
        grain: The length of a period.
        fiscal_year_start: The month (1–12) in which the fiscal year begins.

    Returns:
        One row per period of ``grain`` that has not ended and type of deal (``all`` for the company): kpi,
        grain, period_start, dimension, slice, goal (currency), locked (False) and ``basis``: ``solved`` where people
        set a goal for a period of the same fiscal year, else ``expected``. Empty where nobody set any goal at all.
    """
    columns = ["kpi", "grain", "period_start", "dimension", "slice", "goal", "locked", "basis"]
    if matrix.empty:
        return pd.DataFrame(columns=columns)
    is_set = find_set(matrix).to_numpy()
    starts = pd.to_datetime(matrix["period_start"])
    revenue = (matrix["kpi"] == REVENUE).to_numpy()
    years = [period_of(start.date(), "year", fiscal_year_start).start for start in starts]
    of_year = pd.Series(years, index=matrix.index)
    with_goals = set(of_year[is_set & revenue & (matrix["grain"].map(MONTHS_IN) <= MONTHS_IN["year"]).to_numpy()])
    if not with_goals:
        return pd.DataFrame(columns=columns)
    is_ahead = [
        length == grain and period_of(start.date(), grain, fiscal_year_start).end > as_of
        for start, length in zip(starts, matrix["grain"], strict=True)
    ]
    kept = revenue & ~is_set & is_ahead & matrix["dimension"].isin([TOTAL, TYPE]).to_numpy()
    found = matrix.loc[kept].assign(
        period_start=starts[kept],
        locked=False,
        basis=[SOLVED if year in with_goals else EXPECTED for year in of_year[kept]],
    )
    return found.dropna(subset=["goal"])[columns].reset_index(drop=True)


def add_targets(targets: pd.DataFrame, derived: pd.DataFrame) -> pd.DataFrame:
    """Lay derived targets beside those that people typed, which go first.

    Args:
        targets: Goals with the columns of ``goal_matrix.csv``.
        derived: As made by ``derive_targets``.
    """
    if derived.empty:
        return targets
    rows = derived.drop(columns="basis")
    return pd.concat([targets, rows], ignore_index=True) if len(targets) else rows
