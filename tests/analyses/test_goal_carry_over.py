"""A miss carried over inside the company's own fiscal year; the plan of record stays as it was."""

from datetime import date

import pandas as pd
import pytest

from helpers.analyses.goal_plan import CARRY_OVER, lock_carry_over
from helpers.periods import period_of


def make_plan(start, actuals, goals=(100.0, 100.0, 100.0, 100.0), day=date(2026, 3, 15)):
    """The four quarters of the fiscal year that holds a day, and the year itself with its locked goal."""
    year = period_of(day, "year", start)
    first = period_of(year.start, "quarter", start)
    rows = [
        {
            "kpi": "revenue_won",
            "grain": "quarter",
            "period_start": pd.Timestamp(first.previous(-index).start),
            "dimension": "all",
            "slice": "all",
            "goal": goal,
            "actual": actuals[index] if index < len(actuals) else float("nan"),
            "locked": False,
        }
        for index, goal in enumerate(goals)
    ]
    whole = rows[0] | {"grain": "year", "period_start": pd.Timestamp(year.start), "goal": sum(goals), "locked": True}
    return pd.DataFrame([*rows, whole | {"actual": float("nan")}])


@pytest.mark.parametrize("how", CARRY_OVER)
@pytest.mark.parametrize("start", [1, 2])
def test_a_miss_stays_inside_the_companys_fiscal_year(start, how):
    """70 of 100 came in the first quarter: the miss of 30 goes nowhere, to the second, or 10 to each that is left."""
    plan = make_plan(start, [70.0])
    ended = period_of(date(2026, 3, 15), "quarter", start)
    locks = lock_carry_over(plan, as_of=ended.end, how=how, fiscal_year_start=start)
    quarters = locks[locks["grain"] == "quarter"].sort_values("period_start")["goal"].tolist()
    wanted = {"none": [], "next": [70, 130, 100, 100], "spread": [70, 110, 110, 110]}[how]
    assert quarters == pytest.approx(wanted)
    if how != "none":
        assert sum(quarters) == 400  # the year's goal stands


def test_the_plan_of_record_is_left_as_it_was():
    plan = make_plan(2, [70.0])
    before = plan.copy(deep=True)
    lock_carry_over(plan, as_of=date(2026, 4, 30), how="spread", fiscal_year_start=2)
    pd.testing.assert_frame_equal(plan, before)


def test_a_running_quarter_carries_its_goal_and_no_miss_of_its_own():
    """On 31 Aug the third quarter has no actual yet: only the misses of the two before it are carried."""
    plan = make_plan(1, [70.0, 100.0])
    locks = lock_carry_over(plan, as_of=date(2026, 8, 31), how="next")
    quarters = locks[locks["grain"] == "quarter"].sort_values("period_start")["goal"].tolist()
    assert quarters == [70, 100, 130, 100]


def test_the_miss_of_a_year_that_is_over_is_not_carried_into_the_next():
    plan = make_plan(2, [70.0, 100.0, 100.0, 100.0])
    locks = lock_carry_over(plan, as_of=date(2027, 1, 31), how="next", fiscal_year_start=2)
    assert locks["goal"].tolist() == [400]
