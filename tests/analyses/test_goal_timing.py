"""When the records that a goal needs must be created."""

from datetime import date

import pytest

from helpers.analyses.goal_timing import plan_creation, summarise_timing
from helpers.periods import period_of

Q = [period_of(date(2026, month, 1), "quarter") for month in (1, 4, 7, 10)]
CURVE = [0.1, 0.2]


def plan(wanted, created, expected, **options):
    return plan_creation(wanted, CURVE, created, expected, as_of=date(2026, 6, 30), **options)


def test_what_exists_counts_by_its_age_and_only_the_rest_must_be_created():
    """Q3 wants 30 wins: Q2's 100 records bring 20 at age 1; the missing 10 take 100 records of Q3 at 10 %."""
    timing = plan({Q[2]: 30.0}, {Q[1]: 100.0}, {Q[2]: 80.0})
    by = timing.set_index("creation_period")
    assert by.loc["2026-04-01", "status"] == "exists" and by.loc["2026-04-01", "wins"] == pytest.approx(20)
    assert by.loc["2026-07-01", "needed"] == pytest.approx(100, rel=1e-3)
    landing = summarise_timing(timing, {Q[2]: 30.0}).iloc[0]
    assert landing["exists"] == pytest.approx(20) and landing["shortfall"] == pytest.approx(0, abs=0.01)


def test_a_later_goal_asks_for_records_of_the_period_before():
    timing = plan({Q[2]: 5.0, Q[3]: 60.0}, {Q[1]: 100.0}, {Q[2]: 100.0, Q[3]: 100.0})
    needed = timing.drop_duplicates("creation_period").set_index("creation_period")["needed"]
    assert needed["2026-07-01"] > 100  # more than expected, for the sake of the fourth quarter
    assert needed["2026-07-01"] * 0.2 + needed["2026-10-01"] * 0.1 == pytest.approx(60, rel=1e-3)


def test_expectation_that_suffices_is_left_alone():
    timing = plan({Q[2]: 5.0}, {Q[1]: 100.0}, {Q[2]: 80.0})
    assert timing[timing["status"] != "exists"]["needed"].tolist() == pytest.approx([80.0])


def test_more_than_the_best_ever_is_a_shortfall_and_not_a_plan():
    timing = plan({Q[2]: 100.0}, {Q[1]: 100.0}, {Q[2]: 80.0}, most=120.0)
    landing = summarise_timing(timing, {Q[2]: 100.0}).iloc[0]
    assert landing["still_to_create"] == pytest.approx(12, rel=1e-3)
    assert landing["shortfall"] == pytest.approx(100 - 20 - 12, rel=1e-3)


def test_it_becomes_too_late_before_the_period_ends():
    timing = plan({Q[2]: 30.0}, {Q[1]: 100.0}, {Q[2]: 80.0})
    day = timing["too_late_since"].iloc[0].date()
    assert date(2026, 6, 1) < day < Q[2].end


def test_no_curve_or_nothing_wanted_gives_no_rows():
    assert plan_creation({Q[2]: 1.0}, [], {}, {}, as_of=date(2026, 6, 30)).empty
    assert plan({}, {Q[1]: 100.0}, {Q[2]: 80.0}).empty
