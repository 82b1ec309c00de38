"""Days as whole numbers, and the axis of periods on which events are counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from helpers.errors import ParameterError, suggest
from helpers.periods import CUSTOM, SLICING_GRAINS, Period, build_periods, custom_period

NO_DAY = np.iinfo(np.int32).min
"""The day number of a missing date; it lies before every real day."""

FAR = np.iinfo(np.int32).max
"""A day after every real day: "as everything stands in the exports"."""

WHOLE = "all"
"""The grain of one row over the whole history."""

EPOCH = date(1970, 1, 1)


def to_days(dates: pd.Series) -> np.ndarray:
    """Turn dates into day numbers.

    Returns:
        One int32 per date: days since 1970-01-01 on the calendar, the time of day dropped; ``NO_DAY`` where missing.

    >>> to_days(pd.Series(pd.to_datetime(["1970-01-03 23:59", None]))).tolist() == [2, NO_DAY]
    True
    """
    if not pd.api.types.is_datetime64_any_dtype(dates.dtype):
        dates = pd.to_datetime(dates, errors="coerce", format="ISO8601")
    days = dates.to_numpy().astype("datetime64[D]").astype(np.int64)
    return np.where(days == np.iinfo(np.int64).min, NO_DAY, days).astype(np.int32)


def day_number(day: date) -> int:
    """Return the number of one day."""
    return (date(day.year, day.month, day.day) - EPOCH).days


def to_date(day: int) -> date:
    """Return the date of a day number."""
    return EPOCH + timedelta(days=int(day))


@dataclass(frozen=True)
class PeriodAxis:
    """The periods of one question, oldest first, without gaps.

    Attributes:
        grain: One of ``SLICING_GRAINS``, or all (then there is one period).
        starts: First day number of each period.
        ends: Last day number of each period.
    """

    grain: str
    starts: np.ndarray
    ends: np.ndarray

    def __len__(self) -> int:
        return len(self.starts)

    def locate(self, days: np.ndarray) -> np.ndarray:
        """Return for each day the index of its period, −1 where it lies in none or is missing."""
        if not len(self):
            return np.full(len(days), -1, dtype=np.int32)
        index = (np.searchsorted(self.starts, days, side="right") - 1).astype(np.int32)
        return np.where((index >= 0) & (days <= self.ends[-1]), index, np.int32(-1))


def build_axis(
    grain: str,
    *,
    first: int,
    last: int,
    fiscal_year_start: int = 1,
    start: int | None = None,
    end: int | None = None,
) -> PeriodAxis:
    """Lay out the periods of a question.

    Args:
        grain: One of ``SLICING_GRAINS``, or all.
        first: Day number of the company's first event.
        last: Day number of the last day that counts.
        fiscal_year_start: The month in which the fiscal year begins.
        start: Periods that end before this day are left out; for grain all and custom the one period starts here.
        end: Periods that start after this day are left out; for grain all and custom the one period ends here, and
            windows of 90 days are laid backwards from here, or from the last day that counts where that is earlier.

    Returns:
        The axis. A period is never cut: one that holds ``start`` or ``end`` is there as a whole.

    Raises:
        ParameterError: The grain is unknown, or custom without its two days.
    """
    if grain not in (*SLICING_GRAINS, WHOLE):
        allowed = (*SLICING_GRAINS, WHOLE)
        raise ParameterError(f"grain '{grain}' is unknown. Allowed: {', '.join(allowed)}.{suggest(grain, allowed)}")
    if grain == CUSTOM:
        return _custom_axis(start, end, fiscal_year_start)
    low = first if start is None else max(first, start) if grain != WHOLE else start
    high = last if end is None else min(last, end)
    if high < low:
        return PeriodAxis(grain, np.empty(0, np.int64), np.empty(0, np.int64))
    if grain == WHOLE:
        return PeriodAxis(grain, np.array([low]), np.array([high]))
    return as_axis(build_periods(to_date(low), to_date(high), grain, fiscal_year_start), grain)


def _custom_axis(start: int | None, end: int | None, fiscal_year_start: int) -> PeriodAxis:
    if start is None or end is None:
        raise ParameterError("grain 'custom' needs its first and last day. Give start and end, such as 2026-07-01.")
    return as_axis([custom_period(to_date(start), to_date(end), fiscal_year_start)], CUSTOM)


def as_axis(periods: Sequence[Period], grain: str) -> PeriodAxis:
    """Return the axis of periods already built."""
    starts = np.array([day_number(period.start) for period in periods], dtype=np.int64)
    ends = np.array([day_number(period.end) for period in periods], dtype=np.int64)
    return PeriodAxis(grain, starts, ends)
