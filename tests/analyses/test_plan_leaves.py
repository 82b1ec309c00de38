"""A plan is the usual engine brought to the goals that people typed, of the company and of its slices."""

from datetime import date

import pandas as pd
import pytest

from helpers.analyses.leaves import GapLeaves
from helpers.analyses.plan_leaves import ADDED_UP, SEASON_SHARE, plan_leaves
from helpers.periods import period_of

Q3 = period_of(date(2025, 9, 30), "quarter")
STEPS = ("deals_decided", "deals_won")


def make_leaves() -> GapLeaves:
    """Two periods of history added up: US 200 decided, 80 won, 800; EU 200 decided, 40 won, 200."""
    rows = [
        ("US", "A", 120, 60, 48, 20, 480.0, 200.0),
        ("US", "B", 80, 40, 32, 20, 320.0, 200.0),
        ("EU", "A", 150, 70, 30, 10, 150.0, 50.0),
        ("EU", "B", 50, 30, 10, 5, 50.0, 25.0),
    ]
    names = ["deals_decided", "deals_won", "revenue_won"]
    columns = [f"{name}_{side}" for name in names for side in ("expected", "actual")]
    frame = pd.DataFrame(rows, columns=["region", "product", *columns])
    return GapLeaves("closing", frame, ("region", "product"), STEPS, {}, amount="revenue_won", expected_periods=2)


def make_goals(*rows) -> pd.DataFrame:
    """Rows of kpi, dimension, slice, goal; optionally grain and first day."""
    full = [(*row, "quarter", "2025-07-01") if len(row) == 4 else row for row in rows]
    return pd.DataFrame(full, columns=["kpi", "dimension", "slice", "goal", "grain", "period_start"])


def planned(plan, column: str, dimension: str = "region") -> dict:
    return plan.leaves.frame.groupby(dimension)[f"{column}_expected"].sum().round(6).to_dict()


def test_the_goal_of_the_company_alone_keeps_the_usual_shares() -> None:
    plan = plan_leaves(make_leaves(), make_goals(("revenue_won", "all", "all", 1000)), Q3)
    assert planned(plan, "revenue_won") == {"EU": 200, "US": 800}
    assert planned(plan, "deals_won") == {"EU": 40, "US": 80}
    assert plan.leaves.expected_periods == 1
    assert plan.leaves.expected == pytest.approx(1000)


def test_goals_of_slices_hold_where_they_add_up_to_the_company() -> None:
    goals = make_goals(
        ("revenue_won", "all", "all", 1000), ("revenue_won", "region", "US", 600), ("revenue_won", "region", "EU", 400)
    )
    plan = plan_leaves(make_leaves(), goals, Q3)
    assert planned(plan, "revenue_won") == {"EU": 400, "US": 600}
    won = planned(plan, "deals_won")
    assert won["EU"] / planned(plan, "deals_decided")["EU"] == pytest.approx(0.2)
    assert plan.used["planned"].tolist() == pytest.approx([1000, 600, 400])


def test_what_no_goal_names_takes_the_rest() -> None:
    goals = make_goals(("revenue_won", "all", "all", 1000), ("revenue_won", "region", "EU", 400))
    assert planned(plan_leaves(make_leaves(), goals, Q3), "revenue_won") == {"EU": 400, "US": 600}


def test_goals_by_two_partitions_hold_together() -> None:
    goals = make_goals(
        ("revenue_won", "all", "all", 1000),
        ("revenue_won", "region", "US", 600),
        ("revenue_won", "region", "EU", 400),
        ("revenue_won", "product", "A", 500),
        ("revenue_won", "product", "B", 500),
    )
    plan = plan_leaves(make_leaves(), goals, Q3)
    assert planned(plan, "revenue_won") == pytest.approx({"EU": 400, "US": 600}, rel=1e-4)
    assert planned(plan, "revenue_won", "product") == pytest.approx({"A": 500, "B": 500}, rel=1e-4)


def test_contradicting_goals_give_way_to_the_company_and_say_so() -> None:
    goals = make_goals(
        ("revenue_won", "all", "all", 1000), ("revenue_won", "region", "US", 800), ("revenue_won", "region", "EU", 400)
    )
    plan = plan_leaves(make_leaves(), goals, Q3)
    assert plan.leaves.expected == pytest.approx(1000)
    us = plan.used[plan.used["slice"] == "US"].iloc[0]
    assert (us["goal"], round(us["planned"])) == (800, 667)


def test_goals_of_all_slices_are_a_plan_without_one_of_the_company_and_of_some_they_are_none() -> None:
    both = make_goals(("revenue_won", "region", "US", 600), ("revenue_won", "region", "EU", 400))
    assert plan_leaves(make_leaves(), both, Q3).leaves.expected == pytest.approx(1000)
    assert plan_leaves(make_leaves(), both.iloc[:1], Q3) is None
    assert plan_leaves(make_leaves(), None, Q3) is None


def test_a_planned_win_rate_moves_the_volume_that_the_revenue_needs() -> None:
    """At a win rate of .6 instead of .4, 800 in the US take 200 · .4 / .6 = 133 deals; the EU stays."""
    goals = make_goals(("revenue_won", "region", "US", 800), ("revenue_won", "region", "EU", 200))
    rate = make_goals(("win_rate", "region", "US", 0.6))
    plan = plan_leaves(make_leaves(), pd.concat([goals, rate]), Q3)
    assert planned(plan, "deals_decided") == pytest.approx({"EU": 200, "US": 400 / 3}, rel=1e-5)
    assert planned(plan, "deals_won") == pytest.approx({"EU": 40, "US": 80}, rel=1e-5)


def test_months_add_up_to_the_quarter_and_a_year_is_spread_by_season() -> None:
    months = [("revenue_won", "all", "all", 300 + place, "month", f"2025-0{7 + place}-01") for place in range(3)]
    plan = plan_leaves(make_leaves(), make_goals(*months), Q3)
    assert plan.leaves.expected == pytest.approx(903)
    assert plan.used["how"].tolist() == [ADDED_UP]
    year = make_goals(("revenue_won", "all", "all", 4000, "year", "2025-01-01"))
    history = pd.Series([10.0, 20, 40, 30], index=pd.date_range("2024-01-01", periods=4, freq="QS"))
    plan = plan_leaves(make_leaves(), year, Q3, history=history)
    assert plan.leaves.expected == pytest.approx(1600)
    assert plan.used["how"].tolist() == [SEASON_SHARE]
    assert "spread by season" in plan.leaves.basis


def test_a_goal_for_leads_is_the_plan_of_what_enters() -> None:
    frame = pd.DataFrame({"region": ["US", "EU"], "leads_expected": [60, 40], "leads_actual": [10, 10],
                          "mqls_expected": [30, 10], "mqls_actual": [3, 3]})  # fmt: skip
    leaves = GapLeaves("creation", frame, ("region",), ("leads", "mqls"), {})
    plan = plan_leaves(leaves, make_goals(("leads", "all", "all", 200)), Q3)
    assert plan.leaves.frame["leads_expected"].tolist() == pytest.approx([120, 80])
    assert plan.leaves.frame["mqls_expected"].tolist() == pytest.approx([60, 20])
