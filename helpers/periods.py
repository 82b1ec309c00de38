"""Periods: months, quarters, half-years and years of a company's fiscal year, weeks, rolling windows, chosen days."""

from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import date, timedelta

from helpers.errors import ParameterError, suggest

GRAINS = ("month", "quarter", "year")
"""The lengths of a period that a report is made for, shortest first."""

CUSTOM = "custom"
"""The grain of one period whose first and last day were named."""

FISCAL = ("month", "quarter", "half_year", "year")
SLICING_GRAINS = ("week", *FISCAL, "calendar_quarter", "calendar_year", "rolling_90", CUSTOM)
"""Every length by which a KPI can be sliced: weeks begin on Monday (ISO 8601), quarters, half-years and years follow
the fiscal year, the calendar's own are asked for by name, and windows of 90 days end at the last day that counts."""

MONTHS_IN = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
CALENDAR = {"calendar_quarter": "quarter", "calendar_year": "year"}
DAYS_IN = {"week": 7, "rolling_90": 90}


@dataclass(frozen=True, order=True)
class Period:
    """A stretch of days; both its first and its last day belong to it.

    A fiscal year bears the number of the calendar year in which it ends.

    >>> period_of(date(2026, 8, 15), "quarter").label
    'Q3 2026'
    >>> period_of(date(2026, 2, 1), "quarter", fiscal_year_start=2).label
    'Q1 FY2027'
    >>> period_of(date(2026, 2, 1), "half_year", fiscal_year_start=8).label
    'H2 FY2026'
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
        """The period as a reader says it: ``Sep 2026``, ``Q3 2026``, ``H1 FY2027``, ``week 36 2026``.

        A calendar quarter or year is called so where the company's own begins in another month.
        """
        if self.grain == "month":
            return self.start.strftime("%b %Y")
        if self.grain == "week":
            year, week, _ = self.start.isocalendar()
            return f"week {week} {year}"
        if self.grain in ("rolling_90", CUSTOM):
            return _write_days(self.start, self.end, self.grain)
        if self.grain in CALENDAR:
            plain = Period(self.start, self.end, CALENDAR[self.grain]).label
            return plain if self.fiscal_year_start == 1 else f"calendar {plain}"
        fiscal = self.fiscal_year_start != 1
        year = f"FY{self.fiscal_year}" if fiscal else f"{self.fiscal_year}"
        if self.grain == "year":
            return year
        months_in = (self.start.month - self.fiscal_year_start) % 12
        if self.grain == "half_year":
            return f"H{months_in // 6 + 1} {year}"
        return f"Q{months_in // 3 + 1} {year}"

    @property
    def fiscal_year(self) -> int:
        """The calendar year in which this period's fiscal year ends."""
        begins_in = self.start.year if self.start.month >= self.fiscal_year_start else self.start.year - 1
        return begins_in if self.fiscal_year_start == 1 else begins_in + 1

    def previous(self, n: int = 1) -> "Period":
        """Return the period of the same length ``n`` periods earlier (later where ``n`` is negative).

        Weeks, windows and days of one's choice step by their own number of days, so that they meet without a gap.
        """
        if self.grain in DAYS_IN or self.grain == CUSTOM:
            step = timedelta(days=n * self.days)
            return replace(self, start=self.start - step, end=self.end - step)
        months = _months_in(self.grain)
        start = _add_months(self.start, -n * months)
        return replace(self, start=start, end=_add_months(start, months) - timedelta(days=1))

    def year_ago(self) -> "Period":
        """Return the same period one year earlier.

        A week is compared with the week of the same ISO number, week 53 with the last one of a year that has no 53; a
        window of 90 days with the one that ended on the same day; days of one's choice with the same days. 29 February
        becomes the 28th.
        """
        if self.grain == "week":
            year, week, _ = self.start.isocalendar()
            last = date(year - 1, 12, 28).isocalendar().week
            start = date.fromisocalendar(year - 1, min(week, last), 1)
            return replace(self, start=start, end=start + timedelta(days=6))
        if self.grain in DAYS_IN:
            end = _add_months(self.end, -12)
            return replace(self, start=end - timedelta(days=DAYS_IN[self.grain] - 1), end=end)
        if self.grain == CUSTOM:
            return replace(self, start=_add_months(self.start, -12), end=_add_months(self.end, -12))
        return self.previous(12 // _months_in(self.grain))


def require_grain(grain: str) -> str:
    """Return the grain if it is one of ``GRAINS``.

    Raises:
        ParameterError: It isn't.
    """
    if grain not in GRAINS:
        raise ParameterError(f"period '{grain}' is unknown. Allowed: {', '.join(GRAINS)}.{suggest(grain, GRAINS)}")
    return grain


def require_slicing_grain(grain: str) -> str:
    """Return the grain if it is one of ``SLICING_GRAINS``.

    Raises:
        ParameterError: It isn't.
    """
    if grain not in SLICING_GRAINS:
        allowed = ", ".join(SLICING_GRAINS)
        raise ParameterError(f"grain '{grain}' is unknown. Allowed: {allowed}.{suggest(grain, SLICING_GRAINS)}")
    return grain


def period_of(day: date, grain: str, fiscal_year_start: int = 1) -> Period:
    """Return the period that holds a day.

    Args:
        day: Any day of the period; for windows of 90 days their last one.
        grain: One of ``SLICING_GRAINS`` except custom, which has no days of its own.
        fiscal_year_start: The month (1–12) in which the company's fiscal year begins.

    Raises:
        ParameterError: The grain is unknown, or custom.
    """
    if grain == "week":
        monday = day - timedelta(days=day.weekday())
        return Period(monday, monday + timedelta(days=6), grain, fiscal_year_start)
    if grain == "rolling_90":
        return Period(day - timedelta(days=DAYS_IN[grain] - 1), day, grain, fiscal_year_start)
    if grain == CUSTOM:
        raise ParameterError("grain 'custom' needs its first and last day. Give start and end, such as 2026-07-01.")
    months = _months_in(require_slicing_grain(grain))
    into = (day.month - (1 if grain in CALENDAR else fiscal_year_start)) % 12 % months
    start = _add_months(day.replace(day=1), -into)
    return Period(start, _add_months(start, months) - timedelta(days=1), grain, fiscal_year_start)


def custom_period(start: date, end: date, fiscal_year_start: int = 1) -> Period:
    """Return the period of two named days, both of which belong to it.

    Raises:
        ParameterError: The last day lies before the first.
    """
    if end < start:
        raise ParameterError(f"the last day {end} lies before the first day {start}. Swap them.")
    return Period(start, end, CUSTOM, fiscal_year_start)


def build_periods(start: date, end: date, grain: str, fiscal_year_start: int = 1) -> list[Period]:
    """Return every period that has a day between two days, oldest first; empty where ``end`` lies before ``start``.

    Windows of 90 days end at ``end`` and are laid backwards; custom is the one period of the two days.
    """
    if end < start:
        return []
    if grain == CUSTOM:
        return [custom_period(start, end, fiscal_year_start)]
    if grain == "rolling_90":
        windows = [period_of(end, grain, fiscal_year_start)]
        while windows[-1].start > start:
            windows.append(windows[-1].previous())
        return windows[::-1]
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
    if grain in ("rolling_90", CUSTOM):
        return latest_event
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


def _months_in(grain: str) -> int:
    return MONTHS_IN[CALENDAR.get(grain, grain)]


def _write_days(start: date, end: date, grain: str) -> str:
    """Write two days as a reader says them; a year is said once where both days lie in it."""
    last = f"{end.day} {end:%b %Y}"
    if grain == "rolling_90":
        return f"90 days to {last}"
    first = f"{start.day} {start:%b}" if start.year == end.year else f"{start.day} {start:%b %Y}"
    return last if start == end else f"{first} – {last}"


def _add_months(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
