"""A year's goal spread over its periods by the company's own season."""

import numpy as np
import pandas as pd

from helpers.periods import Period, build_periods, period_of, require_grain

SEASON_COLUMNS = ["period", "period_start", "share", "low", "high", "goal"]
OWN, EQUAL = "own season", "equal parts"


def spread_by_season(
    goal: float, history: pd.Series, *, year: Period, grain: str = "quarter", fiscal_year_start: int = 1
) -> pd.DataFrame:
    """Spread a year's goal over its periods as the company's own years were spread.

    Args:
        goal: The year's goal, of a KPI that adds up over time.
        history: The KPI per complete period of that length, indexed by its first day.
        year: The fiscal year.
        grain: The length of a period: month or quarter.
        fiscal_year_start: The month (1–12) in which the fiscal year begins.

    Returns:
        One row per period of the year with ``SEASON_COLUMNS``: its label and first day; ``share``, the mean of the
        shares that it had in the whole fiscal years of history, which add up to 1; ``low`` and ``high``, the smallest
        and largest share of these years (blank without a whole year); ``goal``, its part. ``attrs["n_years"]`` tells
        how many whole years there are, ``attrs["basis"]`` ``own season``, or ``equal parts`` where there is none.

    >>> quarters = pd.Series([10.0, 20, 30, 40], index=pd.date_range("2025-01-01", periods=4, freq="QS"))
    >>> spread_by_season(200, quarters, year=period_of(pd.Timestamp("2026-01-01").date(), "year"))["goal"].tolist()
    [20.0, 40.0, 60.0, 80.0]
    """
    require_grain(grain)
    periods = build_periods(year.start, year.end, grain, fiscal_year_start)
    known = {pd.Timestamp(start).date(): float(value) for start, value in history.dropna().items()}
    first = min(known, default=year.start)
    shares = []
    at = period_of(first, "year", fiscal_year_start)
    while at.start < year.start:
        parts = [known.get(part.start) for part in build_periods(at.start, at.end, grain, fiscal_year_start)]
        if None not in parts and sum(parts) > 0:
            shares.append(np.array(parts) / sum(parts))
        at = at.previous(-1)
    blank = np.full(len(periods), np.nan)
    share = np.mean(shares, axis=0) if shares else np.full(len(periods), 1 / len(periods))
    found = pd.DataFrame(
        {
            "period": [period.label for period in periods],
            "period_start": [pd.Timestamp(period.start) for period in periods],
            "share": share,
            "low": np.min(shares, axis=0) if shares else blank,
            "high": np.max(shares, axis=0) if shares else blank,
            "goal": float(goal) * share,
        }
    )[SEASON_COLUMNS]
    found.attrs = {"n_years": len(shares), "basis": OWN if shares else EQUAL}
    return found
