"""What the records say of goals that are being edited: chances, what comes too late, and what each row has been."""

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.goal_prospects import GoalProspects, trace_past
from helpers.analyses.goal_review import review_goals
from helpers.model.goal import load_goal_rules
from helpers.workbook import open_workbook


@pytest.fixture(scope="module")
def book():
    return open_workbook(company="data/samples/brightwater")


@pytest.fixture(scope="module")
def review(book):
    return review_goals(book.company, book.cells, as_of=book.as_of, grain="quarter")


@pytest.fixture(scope="module")
def prospects(book, review):
    return GoalProspects.open(
        book.company, book.cells, review.periods, as_of=book.as_of, grain="quarter", rules=load_goal_rules()
    )


def test_chances_are_those_of_the_review_where_the_goals_are(review, prospects):
    found = prospects.add_chances(review.matrix)["probability"]
    assert found.to_numpy() == pytest.approx(review.matrix["probability"].to_numpy(), nan_ok=True)


def test_asking_for_more_is_never_likelier(review, prospects):
    ahead = review.matrix["actual"].isna()
    more = review.matrix.assign(goal=review.matrix["goal"].where(~ahead, review.matrix["goal"] * 1.3))
    now, then = (prospects.add_chances(matrix).loc[ahead, "probability"] for matrix in (review.matrix, more))
    known = now.notna() & then.notna()
    assert (then[known] <= now[known] + 1e-9).all()


def test_only_cells_ahead_that_ask_for_more_than_expected_are_too_late(book, review, prospects):
    late = prospects.find_late(review.matrix)
    assert late, "the sample's next quarter asks for more deals than its pipe can bring"
    for (kpi, grain, start, dimension, _), lateness in late.items():
        row = review.matrix[
            (review.matrix["kpi"] == kpi)
            & (review.matrix["grain"] == grain)
            & (pd.to_datetime(review.matrix["period_start"]) == start)
            & (review.matrix["dimension"] == dimension)
        ].iloc[0]
        assert start > pd.Timestamp(book.as_of) and row["goal"] > row["expected"], kpi
        assert lateness.reachable < row["goal"]
        assert lateness.since is None or lateness.since <= book.as_of


def test_the_past_of_a_row_is_what_the_kpi_table_says(book, review):
    past = trace_past(
        review.matrix,
        book.cells,
        grain="quarter",
        as_of=book.as_of,
        catalog=book.company.catalog,
        rules=load_goal_rules(),
    )
    own = past[(past["kpi"] == "deals_won") & (past["dimension"] == "all")].set_index("period_start")
    cells = book.cells
    told = cells[
        (cells["kpi"] == "deals_won")
        & (cells["dimension"] == "all")
        & (cells["grain"] == "quarter")
        & cells["is_complete"].astype(bool)
    ].set_index("period_start")["value"]
    assert own["value"].to_dict() == pytest.approx(told.to_dict())
    assert (own["n"] == own["value"]).all()
    rate = past[(past["kpi"] == "opportunity_to_won") & (past["dimension"] == "all")]
    assert rate["n"].notna().all() and rate["value"].between(0, 1).all()


def test_quotients_of_volumes_are_traced_as_such(book, review):
    quotients = [kpi for kpi, basis in review.matrix.attrs["basis"].items() if basis == "volumes"]
    assert quotients, "the sample has records that enter further down the funnel"
    actual = review.matrix[(review.matrix["kpi"] == quotients[0]) & (review.matrix["dimension"] == "all")]
    actual = actual[(actual["grain"] == "quarter") & actual["actual"].notna()]
    past = trace_past(
        review.matrix,
        book.cells,
        grain="quarter",
        as_of=book.as_of,
        catalog=book.company.catalog,
        rules=load_goal_rules(),
    )
    own = past[(past["kpi"] == quotients[0]) & (past["dimension"] == "all")].set_index("period_start")["value"]
    for start, value in zip(pd.to_datetime(actual["period_start"]), actual["actual"], strict=True):
        assert own[start] == pytest.approx(value)
    assert np.isfinite(own).all()
