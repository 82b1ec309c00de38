"""Records that are streamed through numpy a small part at a time give the cells that all of them in memory give."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.company import open_company
from helpers.engine.aggregates import Spread
from helpers.engine.availability import explain_availability
from helpers.engine.cells import build_cells
from helpers.engine.journeys import build_journeys
from helpers.engine.warehouse.stream import StreamEvaluator, add_spreads
from helpers.errors import DataError
from helpers.ingest.warehouse_tables import LazyTables
from tests.real_data import PROJECT
from tests.warehouses import load_into_duckdb, same_cells

SAMPLE = PROJECT / "data" / "samples" / "brightwater"
AS_OF = date(2026, 6, 30)
QUESTIONS = {
    "company": {"by": [()]},
    "one_way": {"by": [("region",), ("owner",), ("source_detail",), ("status",)]},
    "two_way": {"by": [("region", "channel"), ("product", "owner")]},
    "months": {"by": [("segment",)], "grain": "month"},
    "whole_history": {"by": [(), ("country",)], "grain": "all"},
    "filtered": {"by": [(), ("owner",)], "filters": {"region": ["DACH", "UK&I"]}},
    "blank_filter": {"by": [("country",)], "filters": {"source": [None]}},
    "horizon": {"by": [("region",)], "horizon_days": 60, "kpis": ["lead_to_mql", "opportunity_to_won"]},
    "days": {"by": [(), ("product",)], "kpis": ["sales_cycle_days", "sales_cycle_days_p90", "sales_cycle_days_mean"]},
    "wide": {
        "by": [("owner", "source_detail", "country", "product")],
        "kpis": ["deals_won", "win_rate", "revenue_won"],
    },
}


class Counted:
    """A connection that counts how often records were read through it."""

    def __init__(self, connection):
        self._connection, self.n_passes = connection, 0

    def __getattr__(self, name):
        return getattr(self._connection, name)

    def batches(self, sql, rows):
        self.n_passes += 1
        return self._connection.batches(sql, rows)


@pytest.fixture(scope="module")
def in_memory():
    return open_company(SAMPLE)


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    return load_into_duckdb(SAMPLE, tmp_path_factory.mktemp("companies") / "brightwater")


@pytest.fixture(scope="module")
def opened(url):
    return open_company(url.removeprefix("duckdb:///").removesuffix("/data.duckdb"), connection=url)


def stream(company, as_of=AS_OF, *, chunk_rows=700):
    """Return a copy of the company whose records are counted so many at a time, and its counting connection."""
    connection = Counted(company.warehouse.connection)
    copied = replace(company, warehouse=replace(company.warehouse, connection=connection))
    vars(copied)["_evaluators"] = {as_of: StreamEvaluator(copied, as_of, chunk_rows=chunk_rows)}
    return copied, connection


@pytest.mark.parametrize("name", QUESTIONS)
def test_cells_are_those_of_records_in_memory(in_memory, opened, name):
    streamed, _ = stream(opened)
    same_cells(
        build_cells(in_memory, as_of=AS_OF, **QUESTIONS[name]), build_cells(streamed, as_of=AS_OF, **QUESTIONS[name])
    )


@pytest.mark.parametrize("chunk_rows", [1, 333, 1 << 20])
def test_cells_do_not_depend_on_how_many_records_are_read_at_a_time(in_memory, opened, chunk_rows):
    streamed, _ = stream(opened, chunk_rows=max(chunk_rows, 50))
    asked = {"kpis": ["leads", "deals_won", "revenue_won", "lead_to_mql", "win_rate"], "by": [(), ("region", "owner")]}
    same_cells(build_cells(in_memory, as_of=AS_OF, **asked), build_cells(streamed, as_of=AS_OF, **asked))


def test_missing_values_are_a_slice_of_their_own(opened):
    streamed, _ = stream(opened)
    cells = build_cells(streamed, kpis=["leads"], by=[("source",)], grain="all", as_of=AS_OF)
    contacts = opened.tables["contact"]
    without = contacts["source"].isna() & (contacts["created_at"] < pd.Timestamp("2026-07-01"))
    assert cells.loc[cells["slice"] == "(blank)", "value"].item() == without.sum() > 0


def test_another_filter_needs_no_second_pass_over_the_records(opened):
    streamed, connection = stream(opened)
    asked = {"kpis": ["leads", "mqls", "lead_to_mql"], "by": [("region",), ("owner",)], "as_of": AS_OF}
    build_cells(streamed, **asked)
    before = connection.n_passes
    some = build_cells(streamed, **asked, filters={"region": ["US"]})
    assert connection.n_passes == before > 0
    assert set(some.loc[some["dimension"] == "region", "slice"]) == {"US"}


def test_a_filter_by_a_partition_that_was_not_asked_before_reads_once_more(in_memory, opened):
    streamed, connection = stream(opened)
    asked = {"kpis": ["leads"], "by": [("region",)], "as_of": AS_OF}
    build_cells(streamed, **asked)
    before = connection.n_passes
    found = build_cells(streamed, **asked, filters={"segment": ["Mid-market"]})
    assert connection.n_passes == before + 1
    same_cells(build_cells(in_memory, **asked, filters={"segment": ["Mid-market"]}), found)


def test_histograms_of_parts_add_up():
    def spread(*rows):
        return Spread(*(np.array(column, np.int64) for column in zip(*rows, strict=True)))

    total = add_spreads([spread((0, 0, 3, 2), (1, 0, 5, 1)), spread((0, 0, 3, 1), (0, 1, 3, 4))])
    rows = list(zip(*(getattr(total, name).tolist() for name in ("slices", "periods", "days", "n")), strict=True))
    assert rows == [(0, 0, 3, 3), (0, 1, 3, 4), (1, 0, 5, 1)]


def test_contacts_are_counted_without_being_fetched(url):
    company = open_company(url.removeprefix("duckdb:///").removesuffix("/data.duckdb"), connection=url)
    build_cells(company, by=[("region",)], as_of=AS_OF)
    assert "contact" not in company.tables._fetched
    assert "deal" in company.tables._fetched


def test_a_table_too_large_to_fetch_takes_no_kpi_away(in_memory, opened):
    def tell(company):
        return explain_availability(company, as_of=AS_OF).set_index("kpi")["is_available"].to_dict()

    queries = {name: query for name, query in opened.warehouse.queries.items() if name != "deal_history"}
    there = replace(opened.warehouse, queries=queries)
    limited = replace(opened, warehouse=there, tables=LazyTables(there, 6000))
    expected, found = tell(in_memory), tell(limited)
    assert set(found) == set(expected)
    counted = ("leads", "mqls", "lead_to_mql", "opportunity_to_won", "win_rate", "revenue_won", "sales_cycle_days")
    assert all(found[kpi] for kpi in counted)
    with pytest.raises(DataError, match="at most 6,000 rows"):
        build_journeys(limited, as_of=AS_OF).records["contact"]
