"""Cells counted in the warehouse equal those counted in memory, cell by cell."""

import numpy as np
import pandas as pd
import pytest

from helpers.engine import build_cells
from helpers.engine.cells import ask, lay_lenses, open_evaluator
from helpers.engine.warehouse import aggregate_query, stream
from helpers.engine.warehouse.aggregate_query import PushdownEvaluator, locate
from tests.companies import make_company
from tests.engine.random_company import make_random_company
from tests.engine.warehouse.loading import lay_out
from tests.engine.warehouse.test_journey_query import make_company_with_everything

MONEY = 1e-9


@pytest.fixture(autouse=True)
def _push_down_to_duckdb_too(monkeypatch):
    """DuckDB in this process streams records otherwise; here it is asked for cells like every other engine."""
    monkeypatch.setattr(stream, "StreamEvaluator", PushdownEvaluator)


def assert_same_cells(local: pd.DataFrame, remote: pd.DataFrame):
    """Counts and texts to the last digit, money and intervals within 1e-9."""
    assert len(local) > 0
    exact = ["kpi", "basis", "grain", "period_start", "period_end", "horizon_days", "dimension", "slice", "n",
             "is_complete"]  # fmt: skip
    pd.testing.assert_frame_equal(local[exact], remote[exact])
    for name in ("numerator", "denominator", "value", "low", "high"):
        np.testing.assert_allclose(remote[name], local[name], rtol=MONEY, atol=1e-6 if name in ("low", "high") else 0)


QUESTIONS = {
    "everything, one way": {"by": [(), ("source",), ("region",), ("type",)]},
    "two ways, by month": {"by": [("source", "region"), ("region", "source")], "grain": "month"},
    "as of a day, with a horizon": {"by": [(), ("stage",), ("source",)], "as_of": "2025-06-30", "horizon_days": 30},
    "filtered": {"by": [("region",)], "filters": {"source": ["Web", None]}, "grain": "year"},
    "a later start": {"by": [(), ("region",)], "start": "2025-07-01", "end": "2025-12-31"},
    "the whole history": {"by": [(), ("source", "region", "type")], "grain": "all"},
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
@pytest.mark.parametrize("seed", [0, 1])
def test_cells_of_a_random_company_are_the_same(engine, seed, question):
    company = make_company_with_everything(seed)
    laid_out = lay_out(company, engine[0], writer=engine[1])
    assert_same_cells(build_cells(company, **question), build_cells(laid_out, **question))


def test_many_grouping_sets_are_split_into_several_statements(engine, monkeypatch):
    company = make_random_company(3)
    laid_out = lay_out(company, engine[0], writer=engine[1])
    by = [(), ("source",), ("region",), ("source", "region"), ("type",), ("type", "source")]
    whole = build_cells(laid_out, by=by)
    monkeypatch.setitem(aggregate_query.MOST_GROUPING_SETS, engine[0].dialect, 2)
    monkeypatch.setattr(aggregate_query, "MOST_PARTITIONS", 2)
    pd.testing.assert_frame_equal(build_cells(laid_out, by=by), whole)
    question = ask(laid_out, open_evaluator(laid_out), "quarter")
    lenses = lay_lenses(laid_out, question, by)
    assert [len(group) for group in aggregate_query._split(lenses, 2)] == [2, 2, 2]


def test_slices_too_many_for_dense_arrays_are_numbered_by_those_that_occur(engine, monkeypatch):
    from helpers.engine import slicing

    company = make_random_company(5)
    laid_out = lay_out(company, engine[0], writer=engine[1])
    by = [("source", "region"), ("region",), ()]
    expected = build_cells(company, by=by)
    monkeypatch.setattr(slicing, "DENSE_CELLS", 3)
    assert_same_cells(expected, build_cells(laid_out, by=by))


HOSTILE = [
    "O'Brien",
    'a "quoted" one',
    "back\\slash",
    "x'; drop table contact; --",
    "per%cent",
    "line\nbreak",
    "日本",
    "{}$1:a",
    "tab\there",
    "\\' or 1=1 --",
    "`tick`",
    "comma, and & ampersand",
]


def test_hostile_values_names_and_filters_are_data(engine):
    """Every value is found under its own text, by partition and by filter; columns may be called anything."""
    ids = [f"c{i}" for i in range(len(HOSTILE))]
    table = {"id": ids, "created_at": ["2026-01-05"] * len(ids), 'who "it" was; --': HOSTILE, "order": HOSTILE}
    company = make_company({"contact": table})
    laid_out = lay_out(company, engine[0], writer=engine[1])
    for name in ('who "it" was; --', "order"):
        cells = build_cells(laid_out, kpis=["leads"], by=[(name,)], grain="all")
        assert sorted(cells["slice"]) == sorted(HOSTILE)
        assert (cells["value"] == 1).all()
    for value in HOSTILE:
        found = build_cells(laid_out, kpis=["leads"], filters={name: value}, grain="all")
        assert found["value"].tolist() == [1], value


def test_a_value_that_came_meanwhile_is_an_error_and_no_wrong_slice(duckdb_engine):
    from helpers.errors import DataError

    company = make_company({"contact": {"id": ["a"], "created_at": ["2026-01-05"], "region": ["US"]}})
    laid_out = lay_out(company, duckdb_engine[0])
    evaluator = PushdownEvaluator(laid_out, None)
    assert evaluator.outline.labels["region"].tolist() == ["US", "(blank)"]
    evaluator.outline.labels["region"][0] = "EMEA"
    with pytest.raises(DataError, match="the tables changed meanwhile"):
        question = ask(laid_out, evaluator, "all")
        from helpers.engine.aggregates import Aggregate, Event

        lens = lay_lenses(laid_out, question, [("region",)])[0]
        evaluator.evaluate(question, {lens: [Aggregate(Event("contact", "lead"))]})


@pytest.mark.parametrize("n", [0, 1, 3, 8, 9, 20, 53])
def test_a_period_is_found_by_halves_as_by_search(duckdb_engine, n):
    """All days around all starts, against numpy's searchsorted."""
    starts = (np.arange(n) * 7 - 20).tolist()
    days = np.arange(-40, 7 * n + 10)
    connection = duckdb_engine[0]
    sql = f"select {locate('d', starts)} as period from (select unnest({days.tolist()}) as d) as days"
    found = connection.fetch(sql).column("period").to_pylist()
    assert found == np.searchsorted(starts, days, side="right").tolist()
