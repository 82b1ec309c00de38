"""The hardware seller's public pipeline: every KPI that it supports equals plain pandas, in both its date formats."""

import numpy as np
import pandas as pd
import pytest

from helpers.company import open_company
from helpers.engine.cells import build_cells
from helpers.ingest.intake import start_company
from tests.real_data import require_real_data

FILES = ("sales_pipeline.csv", "accounts.csv", "products.csv", "sales_teams.csv")
CUTS = {"owner": "sales_agent", "product": "product", "regional_office": "regional_office", "industry": "sector"}
"""Partition → the column that plain pandas groups by."""


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    folder = require_real_data("maven_crm")
    target = tmp_path_factory.mktemp("companies") / "maven"
    start_company(target, [folder / name for name in FILES], lookups=["sales_teams.csv.sales_agent=deal.owner"])
    return open_company(target)


@pytest.fixture(scope="module")
def variant(tmp_path_factory):
    folder = require_real_data("maven_crm")
    target = tmp_path_factory.mktemp("companies") / "maven"
    pipeline = folder / "variants" / "thomaskieny_sales_pipeline_ddmmyy_quarters.csv"
    others = [folder / name for name in FILES[1:]]
    start_company(target, [pipeline, *others], lookups=["sales_teams.csv.sales_agent=deal.owner"])
    return open_company(target)


@pytest.fixture(scope="module")
def deals():
    """Plain pandas, independent of the project: one row per deal with its account, product and team."""
    folder = require_real_data("maven_crm")
    deals = pd.read_csv(folder / "sales_pipeline.csv", parse_dates=["engage_date", "close_date"])
    deals = deals.merge(pd.read_csv(folder / "accounts.csv")[["account", "sector"]], on="account", how="left")
    deals = deals.merge(pd.read_csv(folder / "sales_teams.csv"), on="sales_agent", how="left")
    closed = deals[deals["deal_stage"].isin(["Won", "Lost"])].copy()
    closed["won"] = closed["deal_stage"] == "Won"
    closed["days"] = (closed["close_date"] - closed["engage_date"]).dt.days
    return deals, closed


def expect(closed, keys):
    """Compute the outcome KPIs by plain pandas, one row per group."""
    won = closed[closed["won"]]
    return pd.DataFrame(
        {
            "win_rate": closed.groupby(keys)["won"].mean(),
            "deals_won": won.groupby(keys).size(),
            "revenue_won": won.groupby(keys)["close_value"].sum(),
            "average_deal_size": won.groupby(keys)["close_value"].mean(),
            "sales_cycle_days": won.groupby(keys)["days"].median(),
            "sales_cycle_days_mean": won.groupby(keys)["days"].mean(),
            "sales_cycle_days_p90": won.groupby(keys)["days"].quantile(0.9),
        }
    )


def outcome_cells(company, **question):
    cells = build_cells(company, **question)
    return cells[cells["basis"].isin(["outcome", "period"])]


@pytest.mark.parametrize("partition", CUTS)
def test_every_partition_equals_plain_pandas_over_the_whole_history(company, deals, partition):
    _, closed = deals
    expected = expect(closed, CUTS[partition])
    cells = outcome_cells(company, kpis=list(expected), by=[(partition,)], grain="all")
    found = cells.pivot(index="slice", columns="kpi", values="value")
    assert set(expected.index) == set(found.index) - {"(blank)"}
    for kpi in expected:
        assert np.allclose(found.loc[expected.index, kpi], expected[kpi], rtol=1e-9), kpi


@pytest.mark.parametrize(("grain", "frequency"), [("month", "M"), ("quarter", "Q")])
def test_every_period_equals_plain_pandas(company, deals, grain, frequency):
    _, closed = deals
    keys = closed["close_date"].dt.to_period(frequency).dt.start_time.rename("period_start")
    expected = expect(closed, keys)
    cells = outcome_cells(company, kpis=list(expected), grain=grain)
    found = cells.pivot(index="period_start", columns="kpi", values="value")
    found.index = pd.to_datetime(found.index)
    for kpi in expected:
        assert np.allclose(found.loc[expected.index, kpi], expected[kpi], rtol=1e-9), kpi


def test_every_partition_in_every_quarter_equals_plain_pandas(company, deals):
    _, closed = deals
    quarter = closed["close_date"].dt.to_period("Q").dt.start_time.rename("period_start")
    expected = expect(closed.assign(period_start=quarter), ["period_start", "sales_agent"])
    cells = outcome_cells(company, kpis=["win_rate", "revenue_won"], by=[("sales_agent",)], grain="quarter")
    found = cells.assign(period_start=pd.to_datetime(cells["period_start"])).pivot(
        index=["period_start", "slice"], columns="kpi", values="value"
    )
    for kpi in ("win_rate", "revenue_won"):
        wanted = expected[kpi].dropna()
        assert np.allclose(found.loc[list(wanted.index), kpi], wanted, rtol=1e-9)


def test_opportunities_are_counted_by_their_own_date_and_undated_ones_are_told(company, deals):
    everything, _ = deals
    cells = build_cells(company, kpis=["opportunities"], grain="all")
    assert cells["value"].tolist() == [everything["engage_date"].notna().sum()]
    assert everything["engage_date"].isna().sum() == 500


def test_two_spellings_of_a_product_lose_no_cent(company, deals):
    _, closed = deals
    by_series = build_cells(company, kpis=["revenue_won"], by=[("series",)], grain="all").set_index("slice")["value"]
    assert by_series.sum() == closed.loc[closed["won"], "close_value"].sum()
    products = closed["product"].str.replace("GTXPro", "GTX Pro")
    series = products.map(pd.read_csv(require_real_data("maven_crm") / "products.csv").set_index("product")["series"])
    expected = closed[closed["won"]].groupby(series)["close_value"].sum()
    assert by_series.to_dict() == expected.to_dict()
    assert "GTXPro" in set(build_cells(company, kpis=["deals_won"], by=[("product",)], grain="all")["slice"])


def test_the_other_date_format_gives_identical_tables(company, variant):
    partitions = [(id,) for id in company.partitions if id in variant.partitions]
    assert len(partitions) == len(company.partitions)
    question = {"by": [(), *partitions], "grain": "month"}
    pd.testing.assert_frame_equal(build_cells(company, **question), build_cells(variant, **question))


def test_what_the_export_lacks_is_unavailable_not_zero(company):
    assert not {"leads", "mqls", "sessions", "mrr", "win_rate_value", "push_rate"} & set(build_cells(company)["kpi"])
