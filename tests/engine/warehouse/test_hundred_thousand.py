"""Cell by cell on 100,000 contacts: every KPI, in memory against each engine."""

import itertools

import pytest

from helpers.engine import build_cells
from tests.benchmarks.bench_engine import SIZES, make_tables
from tests.companies import make_company
from tests.engine.warehouse.loading import lay_out
from tests.engine.warehouse.test_aggregate_query import assert_same_cells

CONTACTS, DEALS = 100_000, 13_000
NARROW = ("channel", "region", "segment", "tier")


@pytest.fixture(scope="module")
def company():
    return make_company(make_tables(CONTACTS, DEALS))


@pytest.mark.parametrize("as_of", [None, "2025-06-30"])
@pytest.mark.parametrize("name", ["postgres", pytest.param("spark", marks=pytest.mark.spark)])
def test_every_cell_of_100_000_contacts_is_the_same(company, request, name, as_of):
    """All KPIs by quarter: the company, ten partitions, and every pair of four of them."""
    connection, writer = request.getfixturevalue(f"{name}_engine")
    laid_out = lay_out(company, connection, writer=writer)
    by = [(), *((one,) for one in SIZES), *itertools.combinations(NARROW, 2)]
    local = build_cells(company, by=by, as_of=as_of)
    assert len(local) > 50_000
    assert_same_cells(local, build_cells(laid_out, by=by, as_of=as_of))
