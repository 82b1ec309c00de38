"""Where the period lands, as a page tells it: the goal it is held against, the week it is tried at, what is missing."""

from datetime import date
from math import isnan

import pandas as pd
import pytest

from helpers.analyses.landing import estimate_landings
from helpers.analyses.landing_review import review_landing
from helpers.periods import period_of
from helpers.present.charts.coverage_page import show_landings
from tests.analyses.test_landing import make_hand_company
from tests.companies import make_company

END_OF_Q3 = date(2025, 9, 30)


def make_goals(goal, grain="quarter", start="2025-10-01"):
    row = {"kpi": "revenue_won", "grain": grain, "period_start": pd.Timestamp(start), "dimension": "all"}
    return pd.DataFrame([row | {"slice": "all", "goal": goal}])


def with_goals(targets):
    from dataclasses import replace

    return replace(make_hand_company(), targets=targets)


def test_the_period_after_the_last_day_is_told_with_every_method():
    found = review_landing(make_hand_company(), as_of=END_OF_Q3)
    assert found.period == period_of(date(2025, 10, 1), "quarter")
    pd.testing.assert_frame_equal(found.landings, estimate_landings(make_hand_company(), found.period, as_of=END_OF_Q3))


def test_without_a_goal_handed_over_what_people_typed_counts():
    assert review_landing(with_goals(make_goals(300.0)), as_of=END_OF_Q3).goal == 300.0
    year = make_goals(400.0, "year", "2025-01-01")
    assert review_landing(with_goals(year), as_of=END_OF_Q3).goal == 100.0
    assert isnan(review_landing(make_hand_company(), as_of=END_OF_Q3).goal)


def test_a_goal_handed_over_goes_before_what_people_typed_and_the_gap_is_measured_to_it():
    found = review_landing(with_goals(make_goals(300.0)), as_of=END_OF_Q3, goal=150.0)
    told = found.findings[0]
    lands = found.landings.set_index("method")["expected"][told.evidence["method"]]
    assert found.goal == 150.0
    assert told.money == pytest.approx(lands - 150.0)


@pytest.mark.parametrize(("day", "week"), [("2025-09-30", 0), ("2025-10-06", 0), ("2025-10-07", 1), ("2025-10-21", 3)])
def test_the_methods_are_tried_after_as_many_whole_weeks_as_have_gone(day, week):
    found = review_landing(make_hand_company(), as_of=date.fromisoformat(day))
    assert found.week == week
    assert set(found.backtest["week"]) == {week}


def test_only_periods_that_have_ended_are_looked_back_on():
    found = review_landing(make_hand_company(), as_of=date(2025, 8, 31))
    assert found.period.label == "Q3 2025"
    assert found.backtest["period_start"].max() == pd.Timestamp("2025-04-01")


def test_the_page_names_new_business_and_the_goal():
    found = review_landing(make_hand_company(), as_of=END_OF_Q3, goal=200.0)
    assert "of new business" in found.title and "of its goal" in found.title
    texts = [shown.text for shown in show_landings(found)]
    assert len(texts) == 2 and "nan" not in " ".join(texts).lower()


def test_without_deals_the_page_says_why_and_what_to_do():
    company = make_company({"cost": pd.DataFrame({"date": ["2026-01-01"], "channel": ["Web"], "amount": [5.0]})})
    found = review_landing(company, as_of=date(2026, 3, 31))
    assert not found.is_available and found.findings == []
    shown = show_landings(found)
    assert "can't be told" in shown.title and "no deals" in shown.text
