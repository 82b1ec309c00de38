"""When the records that a goal needs must be created."""

from datetime import date, timedelta

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


def test_records_of_the_running_period_count_in_the_middle_of_it():
    """On 15 Aug Q3 has created 60 of the 80 expected; 20 % of a quarter are won in the next, so 60 × 20 % exist."""
    timing = plan_creation({Q[3]: 16.0}, [0.0, 0.2], {Q[2]: 60.0}, {Q[2]: 80.0}, as_of=date(2026, 8, 15))
    row = timing.set_index("creation_period").loc["2026-07-01"]
    assert row["created"] == 60 and row["needed"] == pytest.approx(80)
    landing = summarise_timing(timing, {Q[3]: 16.0}).iloc[0]
    assert landing["exists"] + landing["still_to_create"] == pytest.approx(16, rel=0.05)
    # What came early in the quarter has the longer part of the way behind it; what comes late wins later.
    assert landing["exists"] > 0.5 * 16


def test_what_exists_lands_as_the_pipe_says_where_it_is_given():
    landings = {(Q[1], Q[2]): 7.0, (Q[2], Q[2]): 3.0}
    created = {Q[1]: 100.0, Q[2]: 40.0}
    timing = plan_creation({Q[2]: 30.0}, CURVE, created, {Q[2]: 80.0}, as_of=date(2026, 8, 15), landings=landings)
    assert summarise_timing(timing, {Q[2]: 30.0})["exists"].iloc[0] == 10.0


def test_wins_of_records_older_than_the_curve_are_not_lost():
    old = Q[2].previous(5)
    timing = plan_creation(
        {Q[2]: 30.0}, CURVE, {old: 9.0, Q[1]: 100.0}, {Q[2]: 80.0}, as_of=date(2026, 6, 30), landings={(old, Q[2]): 2.0}
    )
    assert summarise_timing(timing, {Q[2]: 30.0})["exists"].iloc[0] == 2.0


def test_once_the_last_useful_day_is_over_all_that_is_still_to_create_is_late():
    wanted = {Q[2]: 30.0}
    day = plan(wanted, {Q[1]: 100.0}, {Q[2]: 80.0})["too_late_since"].iloc[0].date()
    assert Q[2].start < day < Q[2].end
    before, after = (
        plan_creation(wanted, CURVE, {Q[1]: 100.0, Q[2]: done}, {Q[2]: 80.0}, as_of=when)
        for done, when in ((10.0, day - timedelta(days=1)), (12.0, day))
    )
    status = [frame.set_index("creation_period").loc["2026-07-01", "status"] for frame in (before, after)]
    assert status == ["open", "too late"]
    late = summarise_timing(after, wanted).iloc[0]
    assert late["from_late"] == pytest.approx(late["still_to_create"]) and late["from_late"] > 0
    early = summarise_timing(before, wanted).iloc[0]
    assert 0 < early["from_late"] < early["still_to_create"]


def test_a_period_ahead_that_holds_the_last_useful_day_is_late_in_part():
    landing = summarise_timing(plan({Q[2]: 30.0}, {Q[1]: 100.0}, {Q[2]: 80.0}), {Q[2]: 30.0}).iloc[0]
    assert 0 < landing["from_late"] < landing["still_to_create"]


def test_a_shortfall_bears_the_day_on_which_it_went_out_of_reach():
    """
    All is won exactly one quarter later at 20 %, and no quarter creates more than 120. Q3 wants 24 wins: all 120 of Q2.
    Q2 brought 60, even over its 91 days. At the best pace it would have needed every day: out of reach from its start.
    With 18 wanted, 90 would do: after d days 60 d/91 exist and 120 (91 − d)/91 can come: 90 at d = 45.5, so the 45th
    day of the quarter, 15 May, is the last one.
    """
    for wins, day in ((24.0, date(2026, 3, 31)), (18.0, date(2026, 5, 15))):
        timing = plan_creation(
            {Q[2]: wins}, [0.0, 0.2], {Q[1]: 60.0}, {Q[2]: 80.0}, as_of=date(2026, 6, 30), most=120.0
        )
        landing = summarise_timing(timing, {Q[2]: wins}).iloc[0]
        assert landing["shortfall"] == pytest.approx(wins - 12)
        assert landing["out_of_reach_since"].date() == day


def test_a_goal_within_reach_or_never_in_reach_has_no_such_day():
    reached = plan({Q[2]: 30.0}, {Q[1]: 100.0}, {Q[2]: 80.0}, most=120.0)
    never = plan({Q[2]: 900.0}, {Q[1]: 100.0}, {Q[2]: 80.0}, most=120.0)
    assert reached["out_of_reach_since"].isna().all() and never["out_of_reach_since"].isna().all()


def test_wins_are_the_sum_of_what_exists_and_what_is_still_to_create():
    wanted = {Q[2]: 30.0, Q[3]: 60.0}
    timing = plan_creation(
        wanted, CURVE, {Q[1]: 100.0, Q[2]: 20.0}, {Q[2]: 80.0, Q[3]: 90.0}, as_of=date(2026, 7, 31), most=150.0
    )
    landing = summarise_timing(timing, wanted)
    assert (landing["exists"] + landing["still_to_create"]).tolist() == pytest.approx(
        timing.groupby("landing_period")["wins"].sum().tolist()
    )
    assert (timing["wins_late"] <= timing["wins"] - timing["wins_exist"] + 1e-9).all()
