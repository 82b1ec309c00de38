"""Tables in a database become the same canonical tables, partitions and findings as the same data in exports."""

from pathlib import Path

import pytest

from helpers.company import open_company
from helpers.ingest.intake import start_company
from tests.real_data import PROJECT, require_real_data
from tests.warehouses import list_differences, load_into_duckdb

SAMPLE = PROJECT / "data" / "samples" / "brightwater"


def start_maven(target: Path) -> Path:
    folder = require_real_data("maven_crm")
    files = [folder / name for name in ("sales_pipeline.csv", "accounts.csv", "products.csv", "sales_teams.csv")]
    start_company(target, files, lookups=["sales_teams.csv.sales_agent=deal.owner"])
    return target


def start_olist(target: Path) -> Path:
    folder = require_real_data("olist_marketing_funnel")
    leads = folder / "olist_marketing_qualified_leads_dataset.csv"
    deals = folder / "olist_closed_deals_dataset.csv"
    maps = ["contact.mql_at=first_contact_date", f"contact.won_at={deals.name}.won_date"]
    start_company(target, [leads, deals], currency="BRL", maps=maps)
    return target


WRITTEN_OTHERWISE = tuple(f"contact.{name}:" for name in ("declared_monthly_revenue", "declared_product_catalog_size"))
WRITTEN_OTHERWISE += ("contact.has_company:", "contact.has_gtin:", "partition has_", "partition declared_")
"""Further columns kept as written: a typed column no longer tells 0.0 from 0 or True from true."""

COMPANIES = {"brightwater": lambda _: SAMPLE, "maven_crm": start_maven, "olist": start_olist}


@pytest.mark.parametrize("as_text", [False, True], ids=["typed", "text"])
@pytest.mark.parametrize("name", COMPANIES)
def test_a_database_gives_the_tables_that_exports_give(tmp_path, name, as_text):
    files = COMPANIES[name](tmp_path / "files")
    url = load_into_duckdb(files, tmp_path / "database", as_text=as_text)
    found = list_differences(open_company(files), open_company(tmp_path / "database", connection=url))
    if name == "olist" and not as_text:
        found = [text for text in found if not text.startswith(WRITTEN_OTHERWISE)]
    assert found == []
