"""Periods: months, quarters and years of a company's own fiscal year, and which of them is the latest whole one."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

from helpers.errors import ParameterError, suggest

GRAINS = ("month", "quarter", "year")
"""The lengths of a period, shortest first."""

MONTHS_IN = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, order=True)
class Period:
    """A stretch of days; both its first and its last day belong to it.

    A fiscal year bears the number of the calendar year in which it ends.

    >>> period_of(date(2026, 8, 15), "quarter").label
    'Q3 2026'
    >>> period_of(date(2026, 2, 1), "quarter", fiscal_year_start=2).label
    'Q1 FY2027'
    """

    start: date
    end: date
    grain: str
    fiscal_year_start: int = 1

    @property
    def days(self) -> int:
        """How many days the period has."""
        return (self.end - self.start).days + 1

    @property
    def label(self) -> str:
        """The period as a reader says it: ``Sep 2026``, ``Q3 2026``, ``2026``, ``Q1 FY2027``."""
        if self.grain == "month":
            return self.start.strftime("%b %Y")
        fiscal = self.fiscal_year_start != 1
        year = f"FY{self.fiscal_year}" if fiscal else f"{self.fiscal_year}"
        if self.grain == "year":
            return year
        months_in = (self.start.month - self.fiscal_year_start) % 12
        return f"Q{months_in // 3 + 1} {year}"

    @property
    def fiscal_year(self) -> int:
        """The calendar year in which this period's fiscal year ends."""
        begins_in = self.start.year if self.start.month >= self.fiscal_year_start else self.start.year - 1
        return begins_in if self.fiscal_year_start == 1 else begins_in + 1

    def previous(self, n: int = 1) -> "Period":
        """Return the period of the same length ``n`` periods earlier (later where ``n`` is negative)."""
        months = MONTHS_IN[self.grain]
        start = _add_months(self.start, -n * months)
        return Period(start, _add_months(start, months) - timedelta(days=1), self.grain, self.fiscal_year_start)

    def year_ago(self) -> "Period":
        """Return the same period one year earlier."""
        return self.previous(12 // MONTHS_IN[self.grain])


def require_grain(grain: str) -> str:
    """Return the grain if it is one of ``GRAINS``.

    Raises:
        ParameterError: It isn't.
    """
    if grain not in GRAINS:
        raise ParameterError(f"period '{grain}' is unknown. Allowed: {', '.join(GRAINS)}.{suggest(grain, GRAINS)}")
    return grain


def period_of(day: date, grain: str, fiscal_year_start: int = 1) -> Period:
    """Return the period that holds a day.

    Args:
        day: Any day of the period.
        grain: month, quarter or year.
        fiscal_year_start: The month (1–12) in which the company's fiscal year begins.

    Raises:
        ParameterError: The grain is unknown.
    """
    months = MONTHS_IN[require_grain(grain)]
    into = (day.month - fiscal_year_start) % 12 % months
    start = _add_months(day.replace(day=1), -into)
    return Period(start, _add_months(start, months) - timedelta(days=1), grain, fiscal_year_start)


def build_periods(start: date, end: date, grain: str, fiscal_year_start: int = 1) -> list[Period]:
    """Return every period that has a day between two days, oldest first; empty where ``end`` lies before ``start``."""
    periods = []
    current = period_of(start, grain, fiscal_year_start)
    while current.start <= end:
        periods.append(current)
        current = current.previous(-1)
    return periods


def resolve_as_of(latest_event: date, earliest_event: date, grain: str, fiscal_year_start: int = 1) -> date:
    """Return the last day that counts when nobody named one.

    It is the last day of the latest period that ends on or before the latest event, so that the newest period shown is
    a whole one. Where no event lies in any whole period yet, the latest event itself is returned, and the period it
    stands in is incomplete.

    >>> resolve_as_of(date(2026, 10, 3), date(2024, 10, 1), "quarter")
    datetime.date(2026, 9, 30)
    >>> resolve_as_of(date(2024, 5, 3), date(2024, 4, 12), "quarter")
    datetime.date(2024, 5, 3)
    """
    current = period_of(latest_event, grain, fiscal_year_start)
    whole = current.end if current.end <= latest_event else current.previous().end
    return whole if whole >= earliest_event else latest_event


def parse_day(text: str | date, *, name: str = "as_of") -> date:
    """Read a day written as 2026-09-30.

    Raises:
        ParameterError: The text is no such day.
    """
    if isinstance(text, date):
        return text
    try:
        return date.fromisoformat(str(text).strip())
    except ValueError:
        raise ParameterError(f"{name} '{text}' is no day. Write it as year-month-day, such as 2026-09-30.") from None


def _add_months(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
