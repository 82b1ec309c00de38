"""A session gives what ``build_cells`` gives, under one filter after the other."""

import pickle

import numpy as np
import pandas as pd
import pytest

from helpers.engine import build_cells, open_session
from helpers.engine.aggregates import Aggregate, Answers, Event, Stacked, Step
from helpers.errors import QuestionError
from tests.engine.random_company import make_random_company

LENSES = [(), ("source",), ("region",), ("region", "source")]
FILTERS = [None, {}, {"region": "US"}, {"region": ["US", None]}, {"source": "Web", "region": "EMEA"}]


@pytest.mark.parametrize("filters", FILTERS, ids=str)
@pytest.mark.parametrize("as_of", [None, "2025-12-31"])
def test_a_session_gives_the_table_under_every_filter(filters, as_of):
    company = make_random_company(11)
    asked = {"by": LENSES, "grain": "year", "as_of": as_of}
    session = open_session(company, **asked)
    session.slice({"source": "Event"})
    found = session.slice(filters)
    table = found.to_frame()
    pd.testing.assert_frame_equal(table, build_cells(company, filters=filters, **asked))
    assert len(found) == len(table)


def test_single_columns_are_picked_without_the_table():
    session = open_session(make_random_company(12), by=LENSES, grain="quarter")
    found = session.slice({"region": "US"})
    table = found.to_frame()
    for (kpi, basis), rows in table.groupby(["kpi", "basis"]):
        for by in LENSES:
            mine = rows[rows["dimension"] == (" & ".join(by) or "all")]
            columns = found.pick(kpi, basis=basis, by=by)
            assert columns.slices.tolist() == mine["slice"].tolist()
            assert columns.starts.tolist() == mine["period_start"].dt.date.tolist()
            for name in ("value", "numerator", "denominator", "low", "high"):
                np.testing.assert_array_equal(getattr(columns, name), mine[name].to_numpy())
            assert columns.is_complete.tolist() == mine["is_complete"].tolist()
    assert len(found.pick("sessions")) == 0


def test_a_session_says_what_it_was_opened_for():
    session = open_session(make_random_company(13), kpis=["leads", "lead_to_mql"], by=[("source",)], grain="year")
    assert [kpi.id for kpi in session.kpis] == ["leads", "lead_to_mql"]
    assert session.list_values("source") == ["Event", "Outbound", "Partner", "Web", "(blank)"]
    assert all(start < end for start, end in session.periods)
    with pytest.raises(QuestionError, match="deals_won"):
        session.slice().pick("deals_won", by=("source",))
    with pytest.raises(QuestionError, match="region"):
        session.slice().pick("leads", by=("region",))
    with pytest.raises(QuestionError, match="no record has the value 'Mars'"):
        session.slice({"region": "Mars"})


def test_answers_of_parts_add_up_however_they_lie():
    """One part has both lenses in a stack, the other one only the first: 1 + 10, 2 + 20, 5 + 50 for the wide one."""
    need, narrow, wide = Aggregate(Event("deal", "won")), ("region",), ("owner",)
    first, second = Answers(), Answers({(need, wide): np.array([[50.0]])})
    first.stacks[need] = Stacked({narrow: (0, 2), wide: (2, 3)}, np.array([[1.0], [2.0], [5.0]]))
    second.stacks[need] = Stacked({narrow: (0, 2)}, np.array([[10.0], [20.0]]))
    first.add(second)
    assert first[need, narrow].tolist() == [[11.0], [22.0]]
    assert first.join(need, [wide, narrow]).tolist() == [[55.0], [11.0], [22.0]]
    with pytest.raises(KeyError):
        first[need, ("country",)]


def test_needs_are_equal_by_what_they_say_and_travel_between_processes():
    need = Aggregate(Event("deal", "won", where=(("region", ("US",)),)), Step("lead", "won", within=30), "amount", 2)
    twin = Aggregate(Event("deal", "won", where=(("region", ("US",)),)), Step("lead", "won", within=30), "amount", 2)
    assert {need: 1}[twin] == 1
    copy = pickle.loads(pickle.dumps(need))
    assert copy == need
    assert "_hash" not in vars(copy)
