"""Tables that a report leaves behind: columns by name and order, values verbatim, days as ISO, shares as 0–1.

By hand, closed in the quarter from January 2026: D1 won 100 (US, Web), D2 lost 200 (no region, Web), D3 won 300.25
(US, no source). Won 2 of 3; of the amount 400.25 of 600.25.
"""

import csv
import json

import pandas as pd
import pytest

from helpers.analyses.close_curve import CLOSE_CURVE_COLUMNS
from helpers.analyses.coverage import COVERAGE_COLUMNS
from helpers.analyses.finding import Finding
from helpers.analyses.root_cause import decompose, localise
from helpers.company import TARGET_COLUMNS
from helpers.issues import ISSUE_COLUMNS
from helpers.workbook import describe_workbook, open_workbook
from tests.ingest.exports import start_and_open

DEALS = """
    Deal ID,Deal Stage,Create Date,Close Date,Amount,Region,Deal source,Closed Lost Reason
    D1,Closed Won,2026-01-05,2026-01-31,100,US,"Web, =paid",
    D2,Closed Lost,2026-01-06,2026-02-01,200,,"Web, =paid",Price
    D3,Closed Won,2026-02-01,2026-03-31,300.25,US,,
"""
CONTRACT = {
    "kpis": "kpi basis grain period_start period_end horizon_days dimension slice numerator denominator value n low "
    "high is_complete",
    "goal_matrix": "kpi grain period_start dimension slice goal actual expected gap locked probability",
    "decomposition": "step effect dimension slice contribution share_of_gap",
    "root_cause": "rank step effect slice slice_json aliases contribution share_of_gap n_actual n_expected q_value m "
    "verdict",
    "coverage": "period_start week source open_pipeline target coverage bookings conversion attainment needed_coverage "
    "to_go_coverage forecast",
    "close_curve": "cohort age n won share is_complete",
    "issues": "file row column code severity value message cure",
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    base = tmp_path_factory.mktemp("tables")
    company = start_and_open(base, {"deals.csv": DEALS}, fiscal_year_start=1, currency="EUR")
    book = open_workbook(company=str(company.folder), output_dir=str(base / "out"))
    finding = Finding("Revenue rose", kpi="revenue_won", money=1.5, evidence={"n": 3}, next_step="Go on")
    book.record("00_start_here", tables={"kpis": book.kpi_table, "issues": book.company.issues}, findings=[finding])
    return book, base / "out"


@pytest.fixture(scope="module")
def rows(written):
    text = (written[1] / "tables" / "kpis.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def test_columns_are_those_promised_in_their_order(rows, written):
    assert list(rows[0]) == CONTRACT["kpis"].split()
    header = (written[1] / "tables" / "issues.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header.split(",") == CONTRACT["issues"].split() == ISSUE_COLUMNS
    assert CONTRACT["goal_matrix"].split() == TARGET_COLUMNS
    assert CONTRACT["coverage"].split() == COVERAGE_COLUMNS
    assert CONTRACT["close_curve"].split() == CLOSE_CURVE_COLUMNS


def test_entry_points_return_the_columns_of_their_files():
    """40 of 200 leads won instead of 80: half of what was expected is missing, all of it in one region."""
    leaves = pd.DataFrame(
        {
            "region": ["US", "EMEA"],
            "leads_expected": [100, 100],
            "leads_actual": [100, 100],
            "deals_won_expected": [40, 40],
            "deals_won_actual": [40, 0],
        }
    )
    bridge = decompose(leaves, ["region"], ["leads", "deals_won"])
    assert list(bridge) == CONTRACT["decomposition"].split()
    assert bridge.loc[bridge["dimension"] == "all", "contribution"].sum() == pytest.approx(-40)
    causes = localise(leaves, ["region"], ["leads", "deals_won"])
    promised = [column for column in CONTRACT["root_cause"].split() if column not in ("m", "share_of_gap")]
    assert set(promised) <= set(causes)
    first = causes.iloc[0]
    assert (first["slice"], json.loads(first["slice_json"]), first["step"]) == (
        "region=EMEA",
        {"region": ["EMEA"]},
        "deals_won",
    )


def find(rows, kpi, dimension, grain="quarter"):
    return {
        row["slice"]: row for row in rows if (row["kpi"], row["dimension"], row["grain"]) == (kpi, dimension, grain)
    }


def test_numbers_are_plain_and_shares_between_0_and_1(rows):
    won = find(rows, "win_rate", "all")["all"]
    assert (won["basis"], won["period_start"], won["period_end"]) == ("outcome", "2026-01-01", "2026-03-31")
    assert (float(won["numerator"]), float(won["denominator"]), won["n"]) == (2, 3, "3")
    assert float(won["value"]) == pytest.approx(2 / 3)
    assert 0 <= float(won["low"]) < 2 / 3 < float(won["high"]) <= 1
    revenue = find(rows, "revenue_won", "all")["all"]
    assert (float(revenue["numerator"]), revenue["denominator"], float(revenue["value"])) == (400.25, "", 400.25)
    median = find(rows, "sales_cycle_days", "all")["all"]
    assert (median["numerator"], median["denominator"], median["n"]) == ("", "", "2")


def test_missing_values_are_a_slice_and_others_stay_as_the_crm_wrote_them(rows):
    by_region = find(rows, "win_rate", "region")
    assert {name: float(row["value"]) for name, row in by_region.items()} == {"US": 1, "(blank)": 0}
    by_source = find(rows, "revenue_won", "source")
    assert {name: float(row["value"]) for name, row in by_source.items()} == {"Web, =paid": 100, "(blank)": 300.25}


def test_every_partition_stands_for_each_period_and_for_the_whole_history(rows):
    assert {row["grain"] for row in rows} == {"quarter", "all"}
    ever = find(rows, "revenue_won", "all", "all")["all"]
    assert (ever["period_start"], ever["period_end"], float(ever["value"])) == ("2026-01-05", "2026-03-31", 400.25)
    assert set(find(rows, "deals_won", "region", "all")) == {"US"}


def test_no_rate_is_cut_by_what_only_lost_deals_have(rows):
    cut = {row["kpi"] for row in rows if row["dimension"] == "lost_reason"}
    assert not {kpi for kpi in cut if "rate" in kpi or "_to_" in kpi}


def test_findings_and_the_manifest_s_part_have_the_promised_fields(written):
    book, out = written
    (record,) = json.loads((out / "findings" / "00_start_here.json").read_text(encoding="utf-8"))
    assert {"headline", "kpi", "slice", "money", "evidence", "next_step"} <= set(record)
    told = describe_workbook(book)
    assert (told["as_of"], told["currency"]) == ("2026-03-31", "EUR")
    assert {"file", "sha256", "rows_read", "rows_used"} <= set(told["inputs"][0])
