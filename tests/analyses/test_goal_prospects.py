"""What the records say of goals that are being edited: chances, what comes too late, and what each row has been."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.goal_prospects import GoalProspects, foresee, trace_past
from helpers.analyses.goal_review import review_goals
from helpers.model.goal import load_goal_rules
from helpers.present.charts.goal_outlook import show_outlook
from helpers.present.forms.goal_opening import make_goal_editor
from helpers.present.words import say_value
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


def make_year(**changed):
    """Three quarters that are over, one ahead, and their year: of deals (one slice) and of revenue."""
    starts = ["2026-01-01", "2026-04-01", "2026-07-01", "2026-10-01"]
    rows = [
        {"kpi": kpi, "dimension": "all", "slice": "all", "grain": "quarter", "period_start": start, "goal": 1.0}
        | {"expected": usual, "actual": came}
        for kpi, came_of in (("deals_won", (8, 9, 7)), ("revenue_won", (80, 90, 70)))
        for start, usual, came in zip(starts, (5, 5, 5, 6), (*came_of, np.nan), strict=True)
    ]
    rows += [
        {"kpi": kpi, "dimension": "all", "slice": "all", "grain": "year", "period_start": starts[0], "goal": 1.0}
        | {"expected": 21.0, "actual": np.nan}
        for kpi in ("deals_won", "revenue_won")
    ]
    return pd.DataFrame(rows).assign(**changed)


def test_a_year_is_expected_to_bring_what_came_and_what_is_expected_of_the_rest(book):
    catalog, nothing = book.company.catalog, pd.DataFrame()
    found = foresee(make_year(), nothing, catalog=catalog)
    assert found["expected"].tolist() == [5, 5, 5, 6, 5, 5, 5, 6, 8 + 9 + 7 + 6, 80 + 90 + 70 + 6]
    simulated = pd.DataFrame(
        [("quarter", pd.Timestamp("2026-10-01"), 60.0, "drawn"), ("year", pd.Timestamp("2026-01-01"), 300.0, "added")],
        columns=["grain", "period_start", "expected", "basis"],
    )
    found = foresee(make_year(), simulated, catalog=catalog)
    assert found["expected"].tolist() == [5, 5, 5, 6, 5, 5, 5, 60, 30, 300]
    assert found["basis"].tolist() == ["", "", "", "", "", "", "", "drawn", "", "added"]


def test_a_year_of_which_a_quarter_is_not_in_the_matrix_stays_as_it_is(book):
    found = foresee(make_year().iloc[1:], pd.DataFrame(), catalog=book.company.catalog)
    assert found["expected"].iloc[-2] == 21


def test_the_editor_s_expectation_of_the_year_is_the_report_s_in_number_and_words(book, review, tmp_path):
    year = review.outlook[review.outlook["grain"] == "year"].iloc[0]
    shown = say_value(float(year["expected"]), "currency", currency="EUR")
    report = show_outlook(review.outlook, {}, title="", currency="EUR").html
    assert shown in report and year["basis"][1:] in report
    nobody_s = replace(book, company=replace(book.company, folder=tmp_path))
    (field,) = make_goal_editor(nobody_s, review).telling.describe_revenue()
    in_words = f"expected {shown} ({year['basis']})"
    assert field["said"].split() == in_words.split()  # where a line may break is the editor's own
    mine = review.matrix[(review.matrix["kpi"] == "revenue_won") & (review.matrix["dimension"] == "all")]
    starts = pd.to_datetime(mine["period_start"])
    came = mine[(starts >= "2026-01-01") & (mine["grain"] == "quarter")]["actual"].sum()
    (ahead,) = review.outlook[review.outlook["period_start"] == pd.Timestamp("2026-10-01")]["expected"]
    assert year["expected"] == pytest.approx(came + ahead)
