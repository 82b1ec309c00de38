"""The spreadsheet, opened again by another library: text is text, numbers are numbers, nothing is a formula."""

from datetime import datetime

import openpyxl
import pandas as pd
import pytest

from helpers.present import spreadsheet
from helpers.present.spreadsheet import read_report_tables, write_report_workbook

RISKY = [
    "=1+1",
    "+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    " =1",
    '=HYPERLINK("http://evil.example")',
    "http://evil.example",
]


@pytest.fixture
def tables():
    kpis = pd.DataFrame(
        {
            "kpi": ["win_rate", "leads", "average_deal_size", "sales_cycle_days"],
            "period_start": pd.to_datetime(["2026-07-01"] * 4),
            "value": [0.3127, 1204, 25_000.5, float("nan")],
            "is_complete": [True, False, True, True],
        }
    )
    return {"kpis": kpis, "issues": pd.DataFrame({"value": RISKY, "row": range(len(RISKY))})}


def open_again(path):
    return openpyxl.load_workbook(path)


def test_no_cell_is_a_formula_or_a_link(tables, tmp_path):
    book = open_again(write_report_workbook(tables, tmp_path / "r.xlsx"))
    for sheet in book:
        for cell in (cell for row in sheet.iter_rows() for cell in row):
            assert cell.data_type != "f"
            assert cell.hyperlink is None
            assert not str(cell.value or "").startswith(("=", "+", "-", "@", "\t", "\r"))


def test_defused_text_still_holds_what_was_typed(tables, tmp_path):
    sheet = open_again(write_report_workbook(tables, tmp_path / "r.xlsx"))["Issues"]
    assert [sheet.cell(row, 1).value for row in (2, 3, 10)] == ["'=1+1", "'+1", "http://evil.example"]


def test_numbers_dates_and_booleans_keep_their_kind_and_get_a_format(tables, tmp_path):
    sheet = open_again(write_report_workbook(tables, tmp_path / "r.xlsx", currency="EUR"))["Kpis"]
    assert sheet["C2"].value == 0.3127
    assert sheet["C2"].number_format == "0.0%"
    assert "EUR" in sheet["C4"].number_format
    assert sheet["B2"].value == datetime(2026, 7, 1)
    assert sheet["D3"].value is False


def test_a_column_of_units_formats_each_row(tmp_path):
    frame = pd.DataFrame({"kpi": ["own_kpi", "other"], "value": [0.5, 12.0], "unit": ["share", "days"]})
    sheet = open_again(write_report_workbook({"t": frame}, tmp_path / "r.xlsx"))["T"]
    assert [sheet["B2"].number_format, sheet["B3"].number_format] == ["0.0%", "#,##0.0"]


def test_missing_value_is_a_blank_cell(tables, tmp_path):
    assert open_again(write_report_workbook(tables, tmp_path / "r.xlsx"))["Kpis"]["C5"].value is None


def test_sheet_is_frozen_and_filterable_with_a_first_sheet_that_explains(tables, tmp_path):
    book = open_again(write_report_workbook(tables, tmp_path / "r.xlsx"))
    assert book.sheetnames == ["Read me", "Kpis", "Issues"]
    assert book["Kpis"].freeze_panes == "B2"
    assert book["Kpis"].auto_filter.ref == "A1:D5"
    assert "Everything found wrong" in book["Read me"]["B6"].value
    assert book["Read me"]["C5"].value == 4


def test_same_tables_give_the_same_bytes(tables, tmp_path):
    one, two = tmp_path / "one.xlsx", tmp_path / "two.xlsx"
    write_report_workbook(tables, one)
    write_report_workbook(tables, two)
    assert one.read_bytes() == two.read_bytes()


def test_rows_beyond_a_sheet_are_cut_and_told(tables, tmp_path, monkeypatch):
    monkeypatch.setattr(spreadsheet, "MOST_ROWS", 3)
    book = open_again(write_report_workbook(tables, tmp_path / "r.xlsx"))
    assert book["Issues"].max_row == 3
    assert "Only the first 2 of 9 rows" in book["Read me"]["B6"].value


def test_sheet_names_fit_excel_and_differ(tmp_path):
    names = ["a" * 40, "a" * 41, "x[1]:*?/\\", "read_me", "history"]
    book = open_again(write_report_workbook({name: pd.DataFrame({"v": [1]}) for name in names}, tmp_path / "r.xlsx"))
    assert all(len(name) <= 31 for name in book.sheetnames)
    assert len({name.casefold() for name in book.sheetnames}) == len(names) + 1


def test_overlong_and_unreadable_text_is_cut_and_cleaned(tmp_path):
    frame = pd.DataFrame({"text": ["x" * 40_000, "a\x00\x0bb"]})
    sheet = open_again(write_report_workbook({"t": frame}, tmp_path / "r.xlsx"))["T"]
    assert len(sheet["A2"].value) == 32_767
    assert sheet["A3"].value == "ab"


def test_empty_table_is_a_sheet_with_headings(tmp_path):
    sheet = open_again(write_report_workbook({"t": pd.DataFrame({"deal_id": []})}, tmp_path / "r.xlsx"))["T"]
    assert [cell.value for cell in sheet[1]] == ["Deal ID"]


def test_tables_are_read_back_verbatim_in_their_order(tmp_path):
    (tmp_path / "survey.csv").write_text("answer,n\nNA,1\n,2\n", encoding="utf-8")
    (tmp_path / "kpis.csv").write_text("kpi\nleads\n", encoding="utf-8")
    tables = read_report_tables(tmp_path)
    assert list(tables) == ["kpis", "survey"]
    assert tables["survey"]["answer"].iloc[0] == "NA"
    assert pd.isna(tables["survey"]["answer"].iloc[1])
