"""The goal matrix as a workbook: what a finance person expects of it, and nothing that runs."""

from datetime import date, datetime

import pandas as pd
import pytest

from helpers.model.catalog import load_catalog
from helpers.present.goal_about import count_records
from helpers.present.goal_spreadsheet import write_goal_spreadsheet
from tests.answers.goal_books import AS_OF, CATALOG, QUARTERS, export, make_matrix, place_of
from tests.answers.goal_books import GoalCell as Cell
from tests.answers.workbooks import open_book

LEADS = Cell("leads", "quarter", QUARTERS[1])
RATE = Cell("lead_to_mql", "quarter", QUARTERS[1])
REVENUE = Cell("revenue_won", "quarter", QUARTERS[1])


def texts_of(sheet):
    return [str(cell.value) for row in sheet.iter_rows() for cell in row if cell.value is not None]


def test_there_is_a_sheet_for_the_company_and_one_per_partition():
    book = open_book(export())
    assert [sheet.title for sheet in book if sheet.sheet_state == "visible"] == [
        "About", "Company", "By source", "All cells",
    ]  # fmt: skip


def test_numbers_bear_their_unit_and_panes_stay_in_sight():
    book = open_book(export())
    assert place_of(book, LEADS).number_format == "[<100]#,##0.0;#,##0"
    assert place_of(book, RATE).number_format == "0.0%"
    assert place_of(book, REVENUE).number_format == '#,##0 "EUR"'
    sheet = book["Company"]
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("D6", "A5:I8")
    assert not sheet.protection.sheet
    assert sheet.row_dimensions[1].hidden
    assert sheet.column_dimensions["A"].hidden


def test_states_are_words_beside_the_numbers_that_colours_follow():
    from helpers.answers.goal_editing import Typed

    book = open_book(export({LEADS: Typed(500.0), REVENUE: Typed(2e6, True)}))
    assert place_of(book, LEADS, "state").value == "goal"
    assert place_of(book, REVENUE, "state").value == "locked"
    assert place_of(book, RATE, "state").value is None
    assert place_of(book, Cell("leads", "quarter", QUARTERS[2]), "state").value == "×"
    late = open_book(export({LEADS: Typed(500.0)}, late={LEADS}))
    assert place_of(late, LEADS, "state").value == "goal ◷"
    rules = {rule.formula[0] for area in book["Company"].conditional_formatting for rule in area.rules}
    assert 'LEFT($G6,6)="locked"' in rules


def test_the_last_sheet_has_real_dates_and_what_was_expected():
    sheet = open_book(export())["All cells"]
    head = [cell.value for cell in sheet[3]]
    rows = [dict(zip(head, [cell.value for cell in row], strict=True)) for row in sheet.iter_rows(min_row=4)]
    assert len(rows) == len(make_matrix())
    row = rows[0]
    assert (row["KPI"], row["Slice"], row["Period"], row["Starts"]) == (
        "Leads",
        "(company)",
        "Q3 2026",
        datetime(2026, 7, 1),
    )
    assert row["Actual"] == pytest.approx(0.9 * row["Goal"])
    assert row["Gap"] == pytest.approx(-0.1 * row["Goal"])
    assert (rows[1]["Actual"], rows[1]["Chance"]) == (None, 0.4)


def test_the_first_sheet_says_whose_goals_and_how_each_kpi_is_defined():
    texts = texts_of(open_book(export(company="<b>Acme</b>", scenario="=Fewer, larger deals"))["About"])
    assert "Goals – <b>Acme</b> · =Fewer, larger deals" in texts
    assert "Q3 2026 to Q1 2027, history up to 30 Sep 2026, money in EUR" in texts
    assert any("Share of leads that became marketing qualified" in text for text in texts)
    assert "not available" in texts


def test_records_are_counted_over_the_last_complete_year():
    history = pd.DataFrame(
        {
            "kpi": "leads", "basis": "period", "grain": "quarter", "dimension": "all", "horizon_days": float("nan"),
            "period_start": pd.date_range("2025-01-01", periods=7, freq="QS"),
            "period_end": pd.date_range("2025-03-31", periods=7, freq="QE"),
            "n": [1, 2, 4, 8, 16, 32, 64], "is_complete": [True] * 6 + [False],
        }
    )  # fmt: skip

    class Column:
        from helpers.periods import period_of

        period = period_of(date(2026, 10, 1), "quarter")

    kpi = load_catalog().kpis["leads"]
    assert count_records(history, kpi, [Column]) == (4 + 8 + 16 + 32, "1 Jul 2025 – 30 Jun 2026")
    assert count_records(None, kpi, [Column]) == (None, "")


def test_the_same_goals_give_the_same_bytes():
    assert export() == export()


def test_without_cells_there_is_nothing_to_write():
    with pytest.raises(ValueError, match="No goals"):
        write_goal_spreadsheet(make_matrix().iloc[:0], catalog=CATALOG, as_of=AS_OF)


def test_many_goals_are_listed_on_several_sheets_that_an_import_can_read(monkeypatch):
    monkeypatch.setattr("helpers.present.goal_spreadsheet.MOST_LINES", 10)
    monkeypatch.setattr("helpers.present.goal_spreadsheet.MOST_LISTS", 2)
    book = open_book(export())
    lists = [sheet for sheet in book if sheet.title.startswith("All cells")]
    assert [sheet.max_row for sheet in lists] == [13, 13]
    assert "Of 27 goals the first 20 are listed" in lists[0]["B2"].value
    assert [lists[0].cell(row, 4).value for row in range(4, 13)] == ["(company)"] * 9
