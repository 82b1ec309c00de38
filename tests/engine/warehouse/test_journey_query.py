"""Journeys as SQL equal the numpy journeys: every day of every record, every amount, every partition's value."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.engine.journeys import BUSINESS, build_journeys
from helpers.engine.timeline import NO_DAY
from helpers.engine.warehouse.outline_query import build_outline, journey_select
from tests.companies import make_company
from tests.engine.random_company import make_random_company, make_random_tables
from tests.engine.warehouse.loading import lay_out

DAYS = (None, date(2025, 3, 31), date(2025, 12, 31))


def add_history(tables: dict, seed: int) -> dict:
    """Give deals a history with every nuisance: no old value, two changes a day, unreadable texts, unknown deals."""
    rng = np.random.default_rng(seed)
    n = 150
    ids = [*tables["deal"]["id"], "nobody"]
    fields = rng.choice(["stage", "closed_at", "amount"], n)
    stages = ["Demo", "Proposal", "Closed Won", "Closed Lost", "Gone"]
    texts = {
        "stage": lambda: rng.choice(stages),
        "closed_at": lambda: rng.choice(["2025-02-28", "2025-02-30", "2025-07-01 10:30:00", "soon", "2024-02-29"]),
        "amount": lambda: rng.choice(["100", "12.5", " 7 ", "n/a", "1e3", "-3.25", ""]),
    }
    old = pd.Series([texts[name]() for name in fields], dtype="str").where(rng.random(n) > 0.2)
    new = pd.Series([texts[name]() for name in fields], dtype="str").where(rng.random(n) > 0.1)
    moment = pd.Timestamp("2024-11-01") + pd.to_timedelta(rng.integers(0, 500 * 24, n), unit="h")
    history = pd.DataFrame(
        {"deal_id": rng.choice(ids, n), "changed_at": moment, "field": fields, "old": old, "new": new}
    )
    return {**tables, "deal_history": history}


def make_company_with_everything(seed: int):
    """A random company with history, sessions, numeric and boolean partitions, and customers by deal or by company."""
    tables = add_history(make_random_tables(seed), seed)
    rng = np.random.default_rng(seed + 1000)
    tables["contact"]["won_at"] = tables["contact"]["sql_at"].where(rng.random(120) < 0.1)
    tables["contact"]["won_amount"] = rng.integers(1, 9999, 120) / 100
    tables["contact"]["score"] = pd.Series(rng.choice([1.0, 2.0, 10.0], 120)).where(rng.random(120) > 0.2)
    tables["contact"]["share"] = rng.choice([0.5, 1.0, 2.25], 120)
    tables["contact"]["is_partner"] = pd.array(rng.choice([True, False, None], 120), dtype="boolean")
    tables["session"] = pd.DataFrame(
        {
            "date": tables["contact"]["created_at"],
            "sessions": rng.integers(1, 9, 120),
            "source": tables["contact"]["source"],
        }
    )
    tables["deal"]["company_id"] = pd.Series(rng.choice(["k1", "k2", "k3", "k4"], 60), dtype="str")
    if seed % 2:
        tables["customer"]["company_id"] = pd.Series(
            rng.choice(["k1", "k2", "k9"], len(tables["customer"])), dtype="str"
        )
        tables["customer"] = tables["customer"].drop(columns="deal_id")
    stages = [
        {"label": "Demo", "stage": "opportunity"},
        {"label": "Proposal", "stage": "proposal"},
        {"label": "Gone", "stage": "proposal"},
    ]
    return make_company(
        tables,
        latest_event="2026-09-30",
        snapshots=("2025-01-01", "2025-02-01", "2025-06-01") if seed % 3 == 0 else (),
        funnel={"stages": ["session", "lead", "mql", "sql", "opportunity", "proposal", "won", "live", "renewed"]},
        settings={"deal_stages": stages},
        partitions={"score": {"objects": {"contact": "score"}}, "share": {"objects": {"contact": "share"}},
                    "is_partner": {"objects": {"contact": "is_partner"}}},
    )  # fmt: skip


def assert_same_journeys(company, laid_out, as_of):
    """Compare the multiset of records: nothing but their order may differ."""
    journeys = build_journeys(company, as_of=as_of)
    for object, records in journeys.records.items():
        query = journey_select(laid_out, object, as_of)
        assert set(query.reached) == set(records.reached), object
        assert set(query.partitions) == set(records.codes)
        assert set(query.cents) == set(records.cents)
        expected = {}
        for pair, name in query.reached.items():
            expected[name] = pd.array(records.reached[pair], dtype="Int64")
            expected[name][records.reached[pair] == NO_DAY] = pd.NA
        for id, name in query.partitions.items():
            expected[name] = journeys.labels[id][records.codes[id]]
        for field, name in query.cents.items():
            expected[name] = pd.array(records.cents[field], dtype="Int64")
            expected[name][~records.known[field]] = pd.NA
        if query.weight:
            expected[query.weight] = records.weight * 100
        found = laid_out.warehouse.connection.fetch(query.sql).to_pylist()
        wanted = pd.DataFrame(expected).astype("O").to_dict("records")
        assert _sorted(found, expected) == _sorted(wanted, expected), (object, as_of)


def _sorted(rows, names):
    def text(value):
        if value is None or value is pd.NA:
            return ""
        return str(int(value)) if isinstance(value, int | float) else str(value)

    return sorted(tuple(text(row[name]) for name in names) for row in rows)


def assert_same_outline(company, laid_out, as_of):
    journeys = build_journeys(company, as_of=as_of)
    outline = build_outline(laid_out, as_of)
    assert outline.homes == dict(journeys.homes)
    assert {id: texts.tolist() for id, texts in outline.labels.items()} == {
        id: texts.tolist() for id, texts in journeys.labels.items()
    }
    for name in ("first_day", "observed_until", "exported_until", "as_of"):
        assert getattr(outline, name) == getattr(journeys, name), name
    assert set(outline.objects) == set(journeys.records)
    for object, records in journeys.records.items():
        assert outline.objects[object].stages == set(records.reached)
        assert outline.objects[object].fields == set(records.cents)
        assert outline.objects[object].partitions == set(records.codes)


@pytest.mark.parametrize("as_of", DAYS, ids=str)
@pytest.mark.parametrize("seed", range(6))
def test_journeys_of_random_companies_with_everything_are_the_same(engine, seed, as_of):
    company = make_company_with_everything(seed)
    laid_out = lay_out(company, engine[0], writer=engine[1])
    assert_same_outline(company, laid_out, as_of)
    assert_same_journeys(company, laid_out, as_of)


@pytest.mark.parametrize("as_of", DAYS, ids=str)
def test_journeys_of_random_companies_without_history_are_the_same(engine, as_of):
    company = make_random_company(7)
    laid_out = lay_out(company, engine[0], writer=engine[1])
    assert_same_outline(company, laid_out, as_of)
    assert_same_journeys(company, laid_out, as_of)


def test_stages_are_split_by_business_where_the_object_has_any():
    assert BUSINESS == ("all", "new", "existing")
