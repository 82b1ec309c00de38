"""Public exports of real systems, read here and by plain pandas: the same cells, dates and numbers must come out."""

import pandas as pd
import pytest

from helpers.ingest.dates import detect_date_order, parse_dates
from helpers.ingest.files import read_table
from helpers.ingest.numbers import parse_numbers
from helpers.ingest.profiles import profile_columns
from helpers.issues import IssueLog
from tests.real_data import require_real_data

SETS = ["maven_crm", "olist_marketing_funnel", "ravenstack_saas", "ga4_traffic_acquisition", "crm_export_layouts"]


def read(path):
    log = IssueLog()
    return read_table(path, log=log), log.to_frame()


def dates(raw, column):
    log = IssueLog()
    found = parse_dates(raw.frame[column], file=raw.file, column=column, log=log, time_zone="America/Sao_Paulo")
    return found.reset_index(drop=True), log.to_frame()


@pytest.mark.parametrize("name", SETS)
def test_every_cell_of_every_file_is_what_pandas_reads(name):
    folder = require_real_data(name)
    files = sorted(folder.rglob("*.csv"))
    assert files
    for path in files:
        raw, issues = read(path)
        plain = pd.read_csv(
            path,
            dtype="str",
            sep=raw.separator,
            encoding="utf-8-sig",
            comment="#" if name.startswith("ga4") else None,
            keep_default_na=False,
            na_values=[""],
        )
        assert issues.empty, path.name
        pd.testing.assert_frame_equal(raw.frame.reset_index(drop=True), plain, obj=path.name)
        assert raw.frame.index.tolist() == list(range(raw.header_row + 1, raw.header_row + 1 + len(plain)))


def test_maven_dates_are_the_same_in_both_spellings():
    folder = require_real_data("maven_crm")
    iso, _ = read(folder / "sales_pipeline.csv")
    short, _ = read(folder / "variants" / "thomaskieny_sales_pipeline_ddmmyy_quarters.csv")
    for column in ("engage_date", "close_date"):
        expected = pd.to_datetime(iso.frame[column]).reset_index(drop=True)
        for raw in (iso, short):
            found, issues = dates(raw, column)
            assert issues.empty
            pd.testing.assert_series_equal(found, expected, check_dtype=False, check_names=False)
    assert detect_date_order(short.frame["close_date"]).order == "day-first"


def test_olist_dates_are_the_same_in_every_spelling():
    folder = require_real_data("olist_marketing_funnel")
    original, _ = read(folder / "olist_marketing_qualified_leads_dataset.csv")
    expected = pd.to_datetime(original.frame["first_contact_date"]).reset_index(drop=True)
    variants = sorted((folder / "variants").glob("*mql*.csv"))
    assert len(variants) == 3
    for path in variants:
        raw, _ = read(path)
        found, issues = dates(raw, "first_contact_date")
        assert issues.empty
        pd.testing.assert_series_equal(found, expected, check_dtype=False, check_names=False)


def test_olist_times_of_winning_survive_dotted_dates_to_the_minute():
    folder = require_real_data("olist_marketing_funnel")
    original, _ = read(folder / "olist_closed_deals_dataset.csv")
    dotted, _ = read(folder / "variants" / "hiflylabs_closed_deals_bom_semicolon_dotdates.csv")
    assert (dotted.separator, dotted.encoding) == (";", "utf-8-sig")
    expected = pd.to_datetime(original.frame["won_date"]).reset_index(drop=True)
    pd.testing.assert_series_equal(dates(original, "won_date")[0], expected, check_dtype=False, check_names=False)
    minutes = dates(dotted, "won_date")[0]
    assert (minutes == expected.dt.floor("min")).all()


def test_ga4_hours_and_sessions():
    raw, _ = read(require_real_data("ga4_traffic_acquisition") / "data-export.csv")
    assert raw.header_row == 2
    hours, issues = dates(raw, "Date + hour (YYYYMMDDHH)")
    expected = pd.to_datetime(raw.frame["Date + hour (YYYYMMDDHH)"], format="%Y%m%d%H").reset_index(drop=True)
    assert issues.empty
    pd.testing.assert_series_equal(hours, expected, check_dtype=False, check_names=False)
    log = IssueLog()
    for column in ("Sessions", "Engagement rate"):
        numbers = parse_numbers(raw.frame[column], file=raw.file, column=column, log=log)
        pd.testing.assert_series_equal(numbers, raw.frame[column].astype("float64"), check_names=False)
    assert len(log) == 0


def test_end_of_time_of_a_loader_is_missing_and_counted():
    folder = require_real_data("crm_export_layouts") / "hubspot_fivetran"
    raw, _ = read(folder / "deal_stage_data.csv")
    found, issues = dates(raw, "_fivetran_end")
    n_late = int(raw.frame["_fivetran_end"].str.startswith("2050").sum())
    assert n_late > 0
    assert found.isna().sum() == n_late == (issues["code"] == "end_of_time_date").sum()


@pytest.mark.parametrize(
    ("name", "file", "kinds"),
    [
        (
            "maven_crm",
            "sales_pipeline.csv",
            {"opportunity_id": "id", "account": "text", "deal_stage": "text", "close_value": "number"},
        ),
        (
            "olist_marketing_funnel",
            "olist_closed_deals_dataset.csv",
            {"mql_id": "id", "sr_id": "id", "won_date": "date", "has_company": "boolean", "average_stock": "text"},
        ),
        (
            "ravenstack_saas",
            "ravenstack_subscriptions.csv",
            {"account_id": "id", "start_date": "date", "seats": "number", "churn_flag": "boolean", "plan_tier": "text"},
        ),
    ],
)  # fmt: skip
def test_columns_of_real_files_are_told_apart(name, file, kinds):
    raw, _ = read(require_real_data(name) / file)
    found = profile_columns(raw.frame)
    assert {column: found[column].kind for column in kinds} == kinds
