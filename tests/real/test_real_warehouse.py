"""The public data sets and the sample, in a warehouse: the same journeys and the same cells as from their files."""

from datetime import date
from pathlib import Path

import pytest

from helpers.company import open_company
from helpers.engine import build_cells
from helpers.ingest.intake import start_company
from tests.engine.warehouse.loading import lay_out
from tests.engine.warehouse.test_aggregate_query import assert_same_cells
from tests.engine.warehouse.test_journey_query import assert_same_journeys, assert_same_outline
from tests.real_data import require_real_data

SAMPLE = Path(__file__).parents[2] / "data" / "samples" / "brightwater"
MAVEN = ("sales_pipeline.csv", "accounts.csv", "products.csv", "sales_teams.csv")
OLIST = ("olist_marketing_qualified_leads_dataset.csv", "olist_closed_deals_dataset.csv")


def open_sample(folder):
    return open_company(SAMPLE)


def open_maven(folder):
    files = [require_real_data("maven_crm") / name for name in MAVEN]
    start_company(folder / "maven", files, lookups=["sales_teams.csv.sales_agent=deal.owner"])
    return open_company(folder / "maven")


def open_olist(folder):
    files = [require_real_data("olist_marketing_funnel") / name for name in OLIST]
    maps = ["contact.mql_at=first_contact_date", f"contact.won_at={OLIST[1]}.won_date"]
    start_company(folder / "olist", files, currency="BRL", maps=maps)
    return open_company(folder / "olist")


@pytest.fixture(scope="module", params=[open_sample, open_maven, open_olist], ids=["sample", "maven_crm", "olist"])
def company(request, tmp_path_factory):
    return request.param(tmp_path_factory.mktemp("companies"))


DAYS = {"sample": (None, date(2026, 6, 30)), "maven": (None, date(2017, 6, 30)), "olist": (None, date(2018, 3, 31))}


def test_journeys_and_cells_are_the_same(company, engine):
    """As everything stands, and as of a day in the middle; every KPI by every partition known at entry."""
    laid_out = lay_out(company, engine[0], writer=engine[1])
    for as_of in DAYS.get(company.id, DAYS["sample"]):
        assert_same_outline(company, laid_out, as_of)
        assert_same_journeys(company, laid_out, as_of)
        by = [(), *((id,) for id, one in company.partitions.items() if one.known == "entry")]
        expected = build_cells(company, by=by, as_of=as_of)
        assert_same_cells(expected, build_cells(laid_out, by=by, as_of=as_of))
