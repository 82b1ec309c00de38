"""Churn and retention of contracts that lie in a database are those of the same contracts in memory."""

from datetime import date

import pandas as pd

from helpers.analyses.churn_variants import review_churn
from helpers.engine import build_cells
from tests.companies import make_company
from tests.engine.test_recurring import simulate
from tests.engine.warehouse.loading import lay_out
from tests.engine.warehouse.test_aggregate_query import assert_same_cells

KPIS = [
    "grr", "nrr", "grr_starting", "nrr_starting", "logo_churn", "seat_churn", "revenue_churn", "gross_churn",
]  # fmt: skip


def test_every_variant_is_the_same_wherever_the_contracts_lie(engine):
    connection, writer = engine
    company = make_company(simulate(2, month_to_month=False), latest_event="2026-06-30")
    remote = lay_out(company, connection, writer=writer)
    by = [(), ("product",)]
    for grain in ("quarter", "all"):
        assert_same_cells(
            build_cells(company, kpis=KPIS, by=by, grain=grain), build_cells(remote, kpis=KPIS, by=by, grain=grain)
        )


def test_a_review_of_churn_is_the_same_wherever_the_contracts_lie(duckdb_engine):
    connection, writer = duckdb_engine
    company = make_company(simulate(3, month_to_month=False), latest_event="2026-06-30")
    remote = lay_out(company, connection, writer=writer)
    here, there = (review_churn(one, as_of=date(2026, 6, 30)) for one in (company, remote))
    for name in ("table", "year", "losses"):
        pd.testing.assert_frame_equal(getattr(here, name), getattr(there, name))
    assert here.notes == there.notes
