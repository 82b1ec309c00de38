"""Periods: fiscal years, neighbours, and which period counts when nobody names one."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.errors import ParameterError
from helpers.periods import (
    CUSTOM,
    GRAINS,
    SLICING_GRAINS,
    build_periods,
    custom_period,
    parse_day,
    period_of,
    require_slicing_grain,
    resolve_as_of,
)

DAYS = st.dates(min_value=date(2000, 1, 1), max_value=date(2090, 12, 31))


OWN_DAYS = [grain for grain in SLICING_GRAINS if grain not in ("rolling_90", CUSTOM)]
"""Grains whose periods lie where they lie, whatever day is asked about."""


@given(DAYS, st.sampled_from(OWN_DAYS), st.integers(1, 12))
def test_every_day_lies_in_its_own_period_and_neighbours_touch(day, grain, fiscal_year_start):
    period = period_of(day, grain, fiscal_year_start)
    assert period.start <= day <= period.end
    assert period.previous().end + timedelta(days=1) == period.start
    assert period.previous().previous(-1) == period
    assert period_of(period.start, grain, fiscal_year_start) == period_of(period.end, grain, fiscal_year_start)


@given(DAYS, st.integers(0, 2500), st.sampled_from([*OWN_DAYS, "rolling_90"]), st.integers(1, 12))
def test_periods_cover_a_stretch_without_holes(start, length, grain, fiscal_year_start):
    end = start + timedelta(days=length)
    periods = build_periods(start, end, grain, fiscal_year_start)
    assert periods[0].start <= start and periods[-1].end >= end
    assert all(a.end + timedelta(days=1) == b.start for a, b in pairwise(periods))


def test_a_fiscal_year_bears_the_year_in_which_it_ends():
    assert period_of(date(2026, 1, 31), "year", 2).label == "FY2026"
    assert period_of(date(2026, 2, 1), "year", 2).label == "FY2027"
    assert period_of(date(2026, 1, 31), "quarter", 2).label == "Q4 FY2026"
    assert period_of(date(2026, 1, 31), "quarter").label == "Q1 2026"


def test_year_ago_is_the_same_period_one_year_earlier():
    assert period_of(date(2024, 2, 29), "month").year_ago() == period_of(date(2023, 2, 1), "month")
    assert period_of(date(2026, 9, 30), "quarter").year_ago().label == "Q3 2025"


@pytest.mark.parametrize(
    ("latest", "expected"),
    [
        (date(2026, 9, 30), date(2026, 9, 30)),
        (date(2026, 9, 29), date(2026, 6, 30)),
        (date(2026, 12, 30), date(2026, 9, 30)),
    ],
)
def test_as_of_is_the_end_of_the_latest_whole_quarter(latest, expected):
    assert resolve_as_of(latest, date(2024, 1, 1), "quarter") == expected


def test_as_of_falls_back_to_the_latest_event_when_no_period_is_whole_yet():
    assert resolve_as_of(date(2024, 5, 3), date(2024, 4, 12), "year") == date(2024, 5, 3)


def test_unknown_grain__error():
    with pytest.raises(ParameterError, match="Did you mean 'quarter'"):
        period_of(date(2026, 1, 1), "quater")


def test_a_day_written_otherwise__error():
    with pytest.raises(ParameterError, match="2026-09-30"):
        parse_day("30.9.2026")


def test_a_week_begins_on_monday_and_bears_the_iso_year():
    """31 December 2020 is a Thursday of week 53 of 2020, which ends on 3 January 2021."""
    week = period_of(date(2021, 1, 3), "week")
    assert (week.start, week.end, week.label) == (date(2020, 12, 28), date(2021, 1, 3), "week 53 2020")
    assert week.previous(-1).label == "week 1 2021" and week.previous(-1).start == date(2021, 1, 4)


@pytest.mark.parametrize(
    ("day", "year_ago"),
    [
        (date(2020, 12, 31), (date(2019, 12, 23), "week 52 2019")),
        (date(2021, 12, 31), (date(2020, 12, 21), "week 52 2020")),
        (date(2021, 3, 3), (date(2020, 2, 24), "week 9 2020")),
        (date(2015, 12, 31), (date(2014, 12, 22), "week 52 2014")),
    ],
    ids=["week-53-takes-the-last-week", "week-52-after-a-long-year", "week-9-of-a-leap-year", "week-53-of-2015"],
)
def test_a_week_is_compared_with_the_week_of_the_same_number(day, year_ago):
    before = period_of(day, "week").year_ago()
    assert (before.start, before.label) == year_ago and before.days == 7


def test_windows_of_ninety_days_meet_without_gap_or_overlap_and_end_where_asked():
    """5 March back: 5 days of March, 29 of February, 31 of January, 25 of December: it starts on the 7th."""
    windows = build_periods(date(2023, 12, 1), date(2024, 3, 5), "rolling_90")
    assert [(w.start, w.end, w.days) for w in windows] == [
        (date(2023, 9, 8), date(2023, 12, 6), 90),
        (date(2023, 12, 7), date(2024, 3, 5), 90),
    ]
    assert windows[-1].label == "90 days to 5 Mar 2024"


def test_a_window_that_ends_on_a_leap_day_is_compared_with_the_28th():
    window = period_of(date(2024, 2, 29), "rolling_90").year_ago()
    assert (window.end, window.days) == (date(2023, 2, 28), 90)


def test_named_days_step_by_their_own_length_and_keep_their_days_a_year_back():
    """1 February to 29 February 2024 is 29 days; the 29 days before it end on 31 January."""
    chosen = custom_period(date(2024, 2, 1), date(2024, 2, 29))
    assert (chosen.previous().start, chosen.previous().end) == (date(2024, 1, 3), date(2024, 1, 31))
    assert (chosen.year_ago().start, chosen.year_ago().end) == (date(2023, 2, 1), date(2023, 2, 28))
    assert chosen.label == "1 Feb – 29 Feb 2024"
    assert custom_period(date(2025, 12, 31), date(2026, 1, 1)).label == "31 Dec 2025 – 1 Jan 2026"


def test_calendar_quarters_are_called_so_where_the_company_counts_otherwise():
    fiscal, calendar = (period_of(date(2026, 8, 15), grain, 2) for grain in ("quarter", "calendar_quarter"))
    assert (fiscal.label, fiscal.start) == ("Q3 FY2027", date(2026, 8, 1))
    assert (calendar.label, calendar.start) == ("calendar Q3 2026", date(2026, 7, 1))
    assert calendar.year_ago().label == "calendar Q3 2025"
    assert period_of(date(2026, 8, 15), "calendar_year", 2).label == "calendar 2026"
    assert period_of(date(2026, 8, 15), "calendar_quarter").label == "Q3 2026"


def test_a_half_year_follows_the_fiscal_year_and_is_compared_with_the_half_before_and_the_same_one_a_year_ago():
    """A fiscal year from February: its first half runs from 1 February to 31 July and bears the year it ends in."""
    half = period_of(date(2026, 3, 1), "half_year", 2)
    assert (half.start, half.end, half.label) == (date(2026, 2, 1), date(2026, 7, 31), "H1 FY2027")
    assert (half.previous().start, half.previous().label) == (date(2025, 8, 1), "H2 FY2026")
    assert (half.year_ago().end, half.year_ago().label) == (date(2025, 7, 31), "H1 FY2026")
    assert period_of(date(2026, 12, 31), "half_year").label == "H2 2026"
    assert resolve_as_of(date(2026, 10, 3), date(2024, 10, 1), "half_year", 2) == date(2026, 7, 31)


@pytest.mark.parametrize("start", range(1, 13))
def test_a_fiscal_year_from_any_month_has_twelve_months_in_four_quarters_and_two_halves(start):
    year = period_of(date(2026, 6, 15), "year", start)
    quarters = build_periods(year.start, year.end, "quarter", start)
    halves = build_periods(year.start, year.end, "half_year", start)
    assert [(half.label[:2], half.start, half.end) for half in halves] == [
        ("H1", quarters[0].start, quarters[1].end),
        ("H2", quarters[2].start, quarters[3].end),
    ]
    assert len(quarters) == 4 and (quarters[0].start, quarters[-1].end) == (year.start, year.end)
    assert year.start == date(2026 if start <= 6 else 2025, start, 1) and year.days in (365, 366)
    assert [quarter.label[:2] for quarter in quarters] == ["Q1", "Q2", "Q3", "Q4"]


def test_the_latest_whole_week_ends_on_a_sunday():
    assert resolve_as_of(date(2026, 10, 1), date(2026, 1, 1), "week") == date(2026, 9, 27)
    assert resolve_as_of(date(2026, 10, 1), date(2026, 1, 1), "rolling_90") == date(2026, 10, 1)


def test_named_days_in_the_wrong_order__error():
    with pytest.raises(ParameterError, match="Swap them"):
        custom_period(date(2026, 2, 1), date(2026, 1, 1))


def test_custom_without_its_days__error():
    with pytest.raises(ParameterError, match="start and end"):
        period_of(date(2026, 2, 1), CUSTOM)


def test_a_grain_that_only_slicing_knows_is_no_period_of_a_report__error():
    assert {"week", "half_year"}.isdisjoint(GRAINS) and require_slicing_grain("half_year") == "half_year"
    with pytest.raises(ParameterError, match="Did you mean 'rolling_90'"):
        require_slicing_grain("rolling90")
