"""Tables in a database become the same canonical tables, partitions and findings as the same data in exports."""

from pathlib import Path

import pytest

from helpers.company import open_company
from helpers.engine.cells import build_cells
from helpers.engine.warehouse.journey_query import Tables
from helpers.engine.warehouse.outline_query import journey_select
from helpers.errors import DataError, ParameterError
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


SETTINGS = """
name = "Small"
currency = "EUR"
time_zone = "Europe/Amsterdam"

[objects.deal]
table = "deals"
[objects.deal.fields]
id = "key"
created_at = "opened"
closed_at = "closed"
stage = "phase"
amount = "value"
owner = "rep"
currency = "money"
[exchange_rates]
USD = 0.5
[[deal_stages]]
label = "Talking"
stage = "opportunity"
[[deal_stages]]
label = "Won"
stage = "won"
[[deal_stages]]
label = "Lost"
stage = "lost"
"""

DEALS = """create table deals as select * from (values
    ('a', '2026-01-02', timestamptz '2026-03-31 23:30:00+00', 'Won', 100.0, 'Ann Ash', 'EUR'),
    ('b', 'soon', timestamptz '2026-02-01 12:00:00+00', 'Lost', 80.0, 'Ann Ash', 'USD'),
    ('c', '2026-02-30', null, 'Talking', 50.0, 'Bo Birch', 'GBP'),
    ('d', '2026-03-01', timestamptz '2026-02-01 12:00:00+00', 'Won', null, null, null),
    (null, '2026-01-02', null, 'Talking', 1.0, 'Bo Birch', 'EUR'),
    ('a', '2026-01-02', timestamptz '2026-03-31 23:30:00+00', 'Won', 100.0, 'Ann Ash', 'EUR')
) as v(key, opened, closed, phase, value, rep, money)"""


@pytest.fixture
def small(tmp_path):
    import duckdb

    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "company.toml").write_text(SETTINGS, encoding="utf-8")
    with duckdb.connect(str(folder / "data.duckdb")) as connection:
        connection.execute("set time zone 'UTC'")
        connection.execute(DEALS)
    return folder, f"duckdb:///{folder / 'data.duckdb'}"


def test_bad_rows_are_counted_by_table_and_column_and_never_dropped_in_silence(small):
    folder, url = small
    company = open_company(folder, connection=url)
    issues = company.issues.set_index("code")
    assert list(company.tables["deal"]["id"]) == ["a", "b", "c", "d"]
    assert issues.loc["missing_id", ["file", "column", "severity"]].tolist() == ["deals", "key", "error"]
    assert issues.loc["missing_id", "message"] == "1 rows have no id; they are not used"
    assert issues.loc["duplicate_id", "message"].startswith("1 rows repeat an id")
    assert issues.loc["not_a_date", "column"] == "opened"
    assert "In 2 rows" in issues.loc["not_a_date", "message"]
    assert issues.loc["other_currency", "column"] == "value"
    assert issues.loc["closed_before_created", "message"].startswith("1 deals closed before")
    assert issues.loc["won_without_amount", "message"].startswith("1 deals are won without")
    assert company.inputs.loc[0, ["rows_read", "rows_used", "rows_quarantined"]].tolist() == [6, 4, 2]


def test_dates_are_of_the_company_s_time_zone_and_amounts_in_its_currency(small):
    folder, url = small
    deals = open_company(folder, connection=url).tables["deal"].set_index("id")
    assert str(deals.loc["a", "closed_at"]) == "2026-04-01 01:30:00"
    assert deals["amount"].fillna(-1).tolist() == [100.0, 40.0, -1.0, -1.0]
    assert deals["outcome"].tolist() == ["won", "lost", "open", "won"]
    assert deals["created_at"].isna().tolist() == [False, True, True, False]


def test_hidden_people_are_hidden_in_what_is_counted_and_in_what_is_fetched(tmp_path):
    url = load_into_duckdb(SAMPLE, tmp_path / "brightwater")
    shown, hidden = open_company(SAMPLE), open_company(tmp_path / "brightwater", people="hidden", connection=url)
    expected = open_company(SAMPLE, people="hidden")
    assert list_differences(expected, hidden) == []
    assert set(hidden.warehouse.values("deal", "owner")) == set(expected.tables["deal"]["owner"].dropna())
    names = set(shown.tables["deal"]["owner"].dropna())
    told = hidden.issues.to_csv() + hidden.mapping.to_csv() + hidden.tables["person"].to_csv()
    assert not [name for name in names if name in told]


def test_a_table_with_more_rows_than_may_be_fetched_says_what_can_still_be_asked(small):
    folder, url = small
    text = (folder / "company.toml").read_text(encoding="utf-8")
    (folder / "company.toml").write_text(text + "\n[rules]\nfetched_rows = 3\n", encoding="utf-8")
    company = open_company(folder, connection=url)
    assert "deal" in company.tables and list(company.tables) == ["deal"]
    with pytest.raises(DataError, match="at most 3 rows are fetched") as caught:
        company.tables["deal"]
    assert "can still be asked" in str(caught.value)
    assert "fetched_rows" in str(caught.value)
    won = build_cells(company, kpis=["deals_won", "revenue_won"], grain="all").set_index("kpi")["value"]
    assert won.to_dict() == {"deals_won": 2, "revenue_won": 100}


def test_a_missing_table_is_told_with_its_place_and_no_password(small):
    folder, url = small
    text = (folder / "company.toml").read_text(encoding="utf-8").replace('table = "deals"', 'table = "crm.deals"')
    (folder / "company.toml").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"objects\.deal.*crm\.deals"):
        open_company(folder, connection=url)


def test_without_a_connection_the_error_says_how_to_name_one(small, monkeypatch):
    folder, url = small
    monkeypatch.delenv("REVENUE_ENGINE_CONNECTION", raising=False)
    with pytest.raises(DataError, match="--connection URL"):
        open_company(folder)
    monkeypatch.setenv("REVENUE_ENGINE_CONNECTION", url)
    assert open_company(folder).warehouse.count("deal") == 4


def test_company_toml_may_name_the_variable_that_holds_the_address(small, monkeypatch):
    folder, url = small
    text = (folder / "company.toml").read_text(encoding="utf-8")
    (folder / "company.toml").write_text(text + '\n[warehouse]\nvariable = "SMALL_CRM"\n', encoding="utf-8")
    monkeypatch.setenv("SMALL_CRM", url)
    assert open_company(folder).warehouse.count("deal") == 4


def test_a_connection_for_a_company_of_files_is_refused_unless_it_reads_files():
    with pytest.raises(ParameterError, match="names no table"):
        open_company(SAMPLE, connection="postgresql://nobody@localhost/none")


def test_files_read_in_place_give_the_tables_that_reading_them_into_memory_gives(tmp_path):
    start_maven(tmp_path / "maven")
    in_memory = open_company(tmp_path / "maven")
    in_place = open_company(tmp_path / "maven", connection="duckdb:")
    assert in_place.warehouse is not None
    assert list_differences(in_memory, in_place) == []


def test_a_file_of_millions_of_rows_is_read_in_place_without_being_asked_to(tmp_path, monkeypatch):
    import pandas as pd

    exports = tmp_path / "large" / "crm" / "2026-10-01"
    exports.mkdir(parents=True)
    days = pd.date_range("2026-01-01", periods=90)
    frame = pd.DataFrame({"id": range(900), "created_at": list(days) * 10, "region": ["US", "EU", "UK"] * 300})
    frame.to_parquet(exports / "contacts.parquet")
    (tmp_path / "large" / "company.toml").write_text('[objects.contact]\nfile = "contacts.parquet"\n', encoding="utf-8")
    assert open_company(tmp_path / "large").warehouse is None
    monkeypatch.setattr("helpers.ingest.warehouse_origins.LARGE_ROWS", 500)
    company = open_company(tmp_path / "large")
    assert company.warehouse.count("contact") == 900
    assert company.tables["contact"]["id"].tolist()[:2] == ["0", "1"]


@pytest.mark.parametrize("object", ["contact", "deal", "customer"])
def test_journeys_that_read_only_what_they_need_are_those_that_read_everything(tmp_path, monkeypatch, object):
    """With every column selected and the deals' own contacts joined anew, the query is longer and says the same."""
    url = load_into_duckdb(SAMPLE, tmp_path / "database")
    company = open_company(tmp_path / "database", connection=url)
    fetch = company.warehouse.connection.fetch
    narrow = journey_select(company, object, None).sql
    monkeypatch.setattr(type(company.warehouse), "has_whole_links", False)
    assert Tables.of(company.warehouse).narrow is None
    whole = journey_select(open_company(tmp_path / "database", connection=url), object, None).sql
    assert len(narrow) < len(whole)
    rows = [sorted(map(repr, fetch(sql).to_pylist())) for sql in (narrow, whole)]
    assert len(rows[0]) > 100 and rows[0] == rows[1]
