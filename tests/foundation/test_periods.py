"""Periods: fiscal years, neighbours, and which period counts when nobody names one."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.errors import ParameterError
from helpers.periods import GRAINS, build_periods, parse_day, period_of, resolve_as_of

DAYS = st.dates(min_value=date(2000, 1, 1), max_value=date(2090, 12, 31))


@given(DAYS, st.sampled_from(GRAINS), st.integers(1, 12))
def test_every_day_lies_in_its_own_period_and_neighbours_touch(day, grain, fiscal_year_start):
    period = period_of(day, grain, fiscal_year_start)
    assert period.start <= day <= period.end
    assert period.previous().end + timedelta(days=1) == period.start
    assert period.previous().previous(-1) == period
    assert period_of(period.start, grain, fiscal_year_start) == period_of(period.end, grain, fiscal_year_start)


@given(DAYS, DAYS, st.sampled_from(GRAINS), st.integers(1, 12))
def test_periods_cover_a_stretch_without_holes(first, second, grain, fiscal_year_start):
    start, end = sorted((first, second))
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
