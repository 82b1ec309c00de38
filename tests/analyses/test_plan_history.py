"""The plan of record beside the goals as re-planned, by tables drawn by hand; a year spread by its season."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.analyses.goal_season import spread_by_season
from helpers.analyses.plan_history import ADOPTED, BEFORE, compare_with_record, review_plan
from helpers.answers.plan_of_record import adopt_plan
from helpers.model.catalog import load_catalog
from helpers.periods import period_of

CATALOG = load_catalog()
AS_OF = date(2026, 9, 30)
STARTS = pd.to_datetime(["2026-01-01", "2026-04-01", "2026-07-01", "2026-10-01"])
YEAR = period_of(date(2026, 1, 1), "year")


def make_matrix(goals, actuals=(100.0, 90.0, 60.0), state="goal"):
    """Revenue of the four quarters of 2026, three of which have ended, and of one source in the last one."""
    rows = pd.DataFrame({"period_start": STARTS, "goal": goals})
    rows["actual"] = [*actuals, *[float("nan")] * (4 - len(actuals))]
    rows = rows.assign(dimension="all", slice="all", state=state)
    web = pd.DataFrame({"period_start": STARTS[-1:], "goal": [40.0], "actual": [float("nan")]})
    web = web.assign(dimension="source", slice="Web", state="free")
    both = pd.concat([rows, web], ignore_index=True)
    return both.assign(kpi="revenue_won", grain="quarter", locked=False, expected=both["goal"])


PLAN = make_matrix([100.0, 100.0, 100.0, 120.0])
REPLANNED = make_matrix([100.0, 90.0, 60.0, 170.0])


@pytest.fixture
def record(tmp_path):
    return adopt_plan(tmp_path, PLAN, author="Ana", on=date(2026, 1, 8))


def test_every_gap_follows_by_hand(record):
    table = compare_with_record(record, REPLANNED)
    company = table[table["dimension"] == "all"]
    assert table.attrs["basis"] == ADOPTED
    assert len(table) == 4
    assert company["goal_of_record"].tolist() == [100, 100, 100, 120]
    assert company["change"].tolist() == [0, -10, -40, 50]
    assert company["gap_to_record"].tolist()[:3] == [0, -10, -40]
    assert company["gap_to_goal"].tolist()[:3] == [0, 0, 0]
    assert np.isnan(company["gap_to_record"].iloc[3])
    assert company["set_in_record"].all()


def test_re_planning_does_not_move_the_plan(record):
    for goals in ([1.0] * 4, [500.0] * 4):
        table = compare_with_record(record, make_matrix(goals))
        assert table.loc[table["dimension"] == "all", "goal_of_record"].tolist() == [100, 100, 100, 120]


def test_cells_that_only_one_of_both_has_stay(record):
    later = REPLANNED.assign(period_start=REPLANNED["period_start"] + pd.DateOffset(years=1), actual=float("nan"))
    table = compare_with_record(record, later)
    assert table["goal"].isna().tolist() == [True] * 4 + [False] * 4
    assert table["goal_of_record"].isna().tolist() == [False] * 4 + [True] * 4


def test_the_review_says_how_far_behind_and_what_re_planning_asks(record):
    review = review_plan(record, REPLANNED, as_of=AS_OF, catalog=CATALOG, plans=[record], currency="EUR")
    assert [finding.headline for finding in review.findings] == [
        "2026 is €50 (17 %) behind the plan of record after 3 quarters",
        "As re-planned Q4 2026 has to bring €170, €50 more than the €120 of the plan of record",
    ]
    assert review.told == "Plan of record adopted on 8 Jan 2026 by Ana."
    assert (review.ended.label, review.coming.label) == ("Q3 2026", "Q4 2026")
    assert review.findings[0].money == -50


def test_without_a_plan_the_goals_before_carry_over_stand_in_and_it_is_said():
    review = review_plan(None, REPLANNED, before=PLAN, as_of=AS_OF, catalog=CATALOG, currency="EUR")
    assert review.basis == BEFORE
    assert review.title == "2026 is €50 (17 %) behind its plan after 3 quarters"
    assert "No plan has been adopted" in review.told
    assert "Nobody has adopted a plan of record" in review.findings[-1].headline


def test_a_plan_whose_file_is_damaged_stands_for_none(tmp_path, record):
    from dataclasses import replace

    damaged = replace(record, goals=record.goals.iloc[:0])
    assert compare_with_record(damaged, REPLANNED, before=PLAN).attrs["basis"] == BEFORE


def test_without_cells_there_is_nothing_to_say():
    review = review_plan(None, PLAN.iloc[:0], as_of=AS_OF, catalog=CATALOG)
    assert review.company.empty
    assert review.title == "There is no plan to compare with yet"


def test_a_year_is_spread_as_its_whole_years_were():
    """Shares of 10, 20, 30, 40 % and 30, 20, 30, 20 % make 20, 20, 30, 30 %; half a year does not count."""
    values = [10, 20, 30, 40, 60, 40, 60, 40, 7, 7]
    history = pd.Series(values, index=pd.date_range("2024-01-01", periods=10, freq="QS"), dtype=float)
    spread = spread_by_season(1000.0, history, year=YEAR)
    assert spread["goal"].tolist() == pytest.approx([200, 200, 300, 300])
    assert spread["low"].tolist() == pytest.approx([0.1, 0.2, 0.3, 0.2])
    assert spread["high"].tolist() == pytest.approx([0.3, 0.2, 0.3, 0.4])
    assert spread["period"].tolist() == ["Q1 2026", "Q2 2026", "Q3 2026", "Q4 2026"]
    assert spread.attrs == {"n_years": 2, "basis": "own season"}


def test_without_a_whole_year_it_is_spread_evenly_and_said():
    spread = spread_by_season(1200.0, pd.Series([5.0], index=[pd.Timestamp("2025-01-01")]), year=YEAR, grain="month")
    assert spread["goal"].tolist() == [100.0] * 12
    assert spread["low"].isna().all()
    assert spread.attrs == {"n_years": 0, "basis": "equal parts"}


def test_fiscal_years_begin_where_the_company_says():
    history = pd.Series([1.0, 2, 3, 4], index=pd.date_range("2024-07-01", periods=4, freq="QS"))
    year = period_of(date(2025, 8, 1), "year", 7)
    spread = spread_by_season(10.0, history, year=year, fiscal_year_start=7)
    assert spread["goal"].tolist() == pytest.approx([1, 2, 3, 4])
    assert spread["period_start"].dt.month.tolist() == [7, 10, 1, 4]


@given(st.floats(0, 1e9), st.lists(st.floats(0, 1e6), max_size=14))
def test_the_parts_of_a_spread_year_add_up(goal, values):
    history = pd.Series(values, index=pd.date_range("2023-01-01", periods=len(values), freq="QS"), dtype=float)
    spread = spread_by_season(goal, history, year=YEAR)
    assert spread["goal"].sum() == pytest.approx(goal)
    assert spread["share"].sum() == pytest.approx(1)
