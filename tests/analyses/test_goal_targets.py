"""Targets of periods that nobody typed one for: from the solved matrix, only where people set a goal at all."""

from datetime import date

import pandas as pd
import pytest

from helpers.analyses.coverage_review import review_coverage
from helpers.analyses.goal_targets import add_targets, derive_targets, set_revenue_goal
from tests.analyses.test_coverage import make_small
from tests.analyses.test_goal_review import AS_OF, make_targets, review

COLUMNS = ["kpi", "grain", "period_start", "dimension", "slice", "goal", "locked"]


def make_goals(*rows):
    return pd.DataFrame(
        [("revenue_won", grain, pd.Timestamp(start), "all", "all", goal, False) for grain, start, goal in rows],
        columns=COLUMNS,
    )


def test_one_goal_for_the_year_replaces_its_quarters_that_are_not_over():
    typed = make_goals(("quarter", "2026-07-01", 10.0), ("quarter", "2026-10-01", 20.0), ("year", "2026-01-01", 99.0))
    found = set_revenue_goal(typed, 100.0, date(2026, 9, 30), 1)
    assert found[["grain", "goal"]].values.tolist() == [["year", 100.0], ["quarter", 10.0]]
    assert found["locked"].tolist() == [True, False]


def test_no_goal_for_the_year_changes_nothing():
    typed = make_goals(("quarter", "2026-10-01", 20.0))
    assert set_revenue_goal(typed, 0.0, date(2026, 9, 30), 1) is typed


def test_the_year_is_the_one_that_the_next_day_lies_in():
    found = set_revenue_goal(make_goals(), 100.0, date(2026, 6, 30), 7)
    assert found["period_start"].tolist() == [pd.Timestamp("2026-07-01")]


def test_periods_of_a_year_with_goals_follow_from_them_and_others_are_expected():
    found = review(targets=make_targets())
    derived = found.targets[found.targets["dimension"] == "all"].set_index("period_start")
    of_matrix = found.matrix[(found.matrix["kpi"] == "revenue_won") & (found.matrix["dimension"] == "all")]
    of_matrix = of_matrix[of_matrix["grain"] == "quarter"].set_index("period_start")["goal"]
    typed_year = pd.Timestamp("2026-10-01").year
    for start, row in derived.iterrows():
        assert row["goal"] == of_matrix[start]
        assert row["basis"] == ("solved" if start.year == typed_year else "expected")
    assert pd.Timestamp("2026-10-01") not in derived.index
    assert (derived.index > pd.Timestamp(AS_OF) - pd.DateOffset(months=3)).all()


def test_where_nobody_set_a_goal_there_is_no_target():
    assert review().targets.empty
    assert derive_targets(pd.DataFrame(), as_of=AS_OF, grain="quarter").empty


def test_coverage_is_measured_against_a_derived_target_and_says_so():
    """380 are open and due in Q2 on its first morning; typed goals exist for Q1 only, Q2 gets 190 of the matrix."""
    typed = make_goals(("quarter", "2026-01-01", 200.0))
    derived = make_goals(("quarter", "2026-04-01", 190.0)).assign(basis="solved")
    company = make_small(targets=typed)
    alone = review_coverage(company, as_of=date(2026, 3, 31)).starts.set_index("period_start")
    both = review_coverage(company, as_of=date(2026, 3, 31), derived=derived)
    starts = both.starts.set_index("period_start")
    q1, q2 = pd.Timestamp("2026-01-01"), pd.Timestamp("2026-04-01")
    assert pd.isna(alone.loc[q2, "target"]) and alone.loc[q2, "target_basis"] == ""
    assert starts.loc[q2, "coverage"] == pytest.approx(380 / 190)
    assert starts["target_basis"].loc[[q1, q2]].tolist() == ["typed", "solved"]
    assert both.next_target == 190.0


def test_what_people_typed_stays_as_it_is():
    typed = make_goals(("quarter", "2026-01-01", 200.0))
    derived = make_goals(("quarter", "2026-04-01", 190.0)).assign(basis="solved")
    assert add_targets(typed, derived).head(1).equals(typed)
    assert add_targets(typed, derived.head(0)) is typed
