"""The survey's workbook: it looks like a form, takes only answers, and holds every answer whole."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.cell.cell import MergedCell

from helpers.answers.spreadsheet_layout import (
    CHOICES,
    EXPORTED,
    LIGHT_WORDS,
    LONGEST_TEXT,
    README,
    list_questions,
    read_mark,
    show_text,
)
from helpers.answers.survey import Response
from helpers.answers.typed import normalise
from helpers.present.answer_book import TINT
from helpers.present.spreadsheet import defuse
from helpers.present.survey_spreadsheet import write_survey_spreadsheet
from helpers.present.theme import LIGHTS
from tests.answers.workbooks import (
    COMPANY,
    SAMPLE,
    SURVEY,
    answers_of,
    export,
    find,
    make_folder,
    open_book,
    put_answers,
    response_of,
    save_book,
    take,
)

HOSTILE = [
    "=cmd|' /C calc'!A0",
    "+1",
    "-5 % off",
    "@SUM(A1)",
    "'=quoted",
    "<script>alert('x')</script>",
    "\u202etxt.exe שלום",
    "👩‍👩‍👧‍👦 🚀",
    "_x0041_ and _x005F_",
    "a\r\nb\tc",
    "  blanks around  ",
    "2026-09-30",
    "007",
    "TRUE",
    "#N/A",
    "http://evil.example",
    "x" * 100_000,
    "=" + "y" * 40_000,
]


@pytest.fixture(scope="module")
def book():
    response = Response("ana-okafor", "Ana Okafor", "CMO", "marketing", {"employees": 180, "net_new_share": 0.7})
    return open_book(export(response))


def forms(book):
    return [sheet for sheet in book if sheet.sheet_state == "visible" and sheet.title != README]


def test_there_is_a_sheet_per_tab_behind_the_one_that_says_how(book):
    labels = [tab.label for tab in SURVEY.tabs.values()]
    assert [sheet.title for sheet in book if sheet.sheet_state == "visible"] == [README, *labels]
    assert {book[name].sheet_state for name in (EXPORTED, CHOICES)} == {"veryHidden"}


def test_every_question_is_asked_with_its_help_and_example(book):
    for key, field in list_questions(SURVEY):
        sheet, row = find(book, f"q:{key}")
        text = str(sheet.cell(row, 2).value)
        assert text.startswith(field.label) and field.help in text
        assert text.splitlines()[0].endswith("*") == field.required
        if field.type != "grid" and field.example:
            assert any(field.example in str(cell.value) for cell in sheet[row])


def test_only_the_tinted_cells_can_be_changed(book):
    for sheet in book:
        assert sheet.protection.sheet and not sheet.protection.password
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell, MergedCell):
                    continue
                is_tinted = cell.fill.fgColor.rgb == f"FF{TINT.removeprefix('#')}"
                assert cell.protection.locked != is_tinted, f"{sheet.title} {cell.coordinate}"


def test_every_answer_can_be_given_in_a_cell(book):
    for key, field in list_questions(SURVEY):
        parts = {
            "grid": ["1:0"],
            "ranked": [str(place + 1) for place in range(field.maximum_items)],
            "multiple_choice": list(field.choices),
        }.get(field.type, [""])
        for part in parts:
            sheet, row = find(book, f"q:{key}#{part}" if part else f"q:{key}")
            columns = range(3, 2 + len(field.columns)) if field.type == "grid" else [3]
            assert not any(sheet.cell(row, column).protection.locked for column in columns), key


def test_choices_numbers_and_suggestions_are_checked_at_their_cell(book):
    sheet, row = find(book, "q:overview.crm")
    by_cell = {str(check.sqref): check for check in sheet.data_validations.dataValidation}
    check = by_cell[f"C{row}"]
    assert check.type == "list" and check.showErrorMessage
    source = check.formula1.removeprefix(f"'{CHOICES}'!").replace("$", "")
    assert [cell.value for (cell,) in book[CHOICES][source]] == list(SURVEY.field("crm").choices.values())
    number = by_cell[f"C{find(book, 'q:overview.employees')[1]}"]
    assert (number.type, float(number.formula1), float(number.formula2)) == ("decimal", 1, 5_000_000)
    assert "between 1 and 5,000,000" in number.error
    assert not by_cell[f"C{find(book, 'q:overview.revenue_category')[1]}"].showErrorMessage
    for sheet in forms(book):
        for check in sheet.data_validations.dataValidation:
            assert len(check.prompt or "") <= 255 and len(check.promptTitle or "") <= 32


def test_numbers_are_numbers_in_the_format_of_their_unit(book):
    sheet, row = find(book, "q:overview.net_new_share")
    assert (sheet.cell(row, 3).value, sheet.cell(row, 3).number_format) == (0.7, "0.0%")
    sheet, row = find(book, "q:overview.revenue_goal")
    assert '"' in sheet.cell(row, 3).number_format and "EUR" in sheet.cell(row, 3).number_format
    sheet, row = find(book, "q:product.products#1:0")
    assert "days" in sheet.cell(row, 8).number_format
    sheet, row = find(book, "q:overview.founded")
    assert sheet.cell(row, 3).number_format == "0"


def test_preset_rows_stand_there_under_their_headings_and_cannot_be_renamed(book):
    field = SURVEY.field("focus_areas")
    for place, row in enumerate(field.rows, start=1):
        sheet, at = find(book, f"q:overview.focus_areas#{place}:0")
        assert sheet.cell(at, 2).value == row["area"] and sheet.cell(at, 2).protection.locked
    shown = [sheet.cell(row, 2).value for row in range(1, sheet.max_row + 1)]
    assert shown.index("Top of funnel") < shown.index("Lead quality") < shown.index("Sales conversion")


def test_it_prints_on_a4_landscape_with_its_headings_on_every_page(book):
    for sheet in forms(book):
        setup = sheet.page_setup
        assert (setup.orientation, str(setup.paperSize)) == ("landscape", "9")
        assert sheet.print_title_rows and sheet.freeze_panes
        assert sheet.column_dimensions["A"].hidden
        assert all(dimension.height is None or dimension.height <= 409 for dimension in sheet.row_dimensions.values())


def test_no_page_begins_or_ends_in_the_middle_of_a_question(book):
    for sheet in forms(book):
        for stop in sheet.row_breaks.brk:
            mark = read_mark(sheet.cell(stop.id + 1, 1).value)
            assert mark is None or mark.part in ("", "note") or ":" in mark.part


def test_the_only_formulas_name_secondary_kpis(book):
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    assert read_mark(sheet.cell(cell.row, 1).value).key == "kpis.secondary_kpis"
                    assert cell.column == 2 and cell.protection.locked


def test_the_same_answers_give_the_same_bytes():
    response = Response("ana-okafor", "Ana Okafor", values={"employees": 180})
    assert export(response) == export(response)


def test_a_survey_of_other_labels_gets_sheets_that_excel_can_name():
    from dataclasses import replace

    tabs = {
        id: replace(tab, label="Goals: [2026] / a very long label that never ends?") for id, tab in SURVEY.tabs.items()
    }
    titles = open_book(write_survey_spreadsheet(replace(SURVEY, tabs=tabs), None)).sheetnames
    assert len(set(titles)) == len(titles) and all(len(title) <= 31 for title in titles)


def test_more_products_than_fit_the_screen_all_get_a_row(tmp_path):
    folder = make_folder(tmp_path, with_answers=False)
    put_answers(folder, products=[{"name": f"Product {n}", "cycle_days": n} for n in range(60)])
    assert take(folder, export(response_of(folder))).n_taken == 0
    find(open_book(export(response_of(folder))), "q:product.products#60:60")


@pytest.mark.parametrize("name", ["claire-dumont", "hanna-lindqvist", "pieter-van-loon", "ruben-achterberg"])
def test_the_samples_answers_come_back_whole(tmp_path, name):
    folder, fresh = make_folder(tmp_path / "a"), make_folder(tmp_path / "b", with_answers=False)
    before = response_of(folder, name)
    data = export(before)
    assert take(folder, data).n_taken == 0
    assert take(fresh, data).is_whole
    after = response_of(fresh, name)
    assert (after.values, after.team, after.role) == (before.values, before.team, before.role)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("resave", [False, True])
def test_hostile_text_is_shown_safely_and_comes_back_verbatim(tmp_path, text, resave):
    folder, fresh = make_folder(tmp_path / "a", with_answers=False), make_folder(tmp_path / "b", with_answers=False)
    name = text.strip()[:300] or "x"
    put_answers(folder, company_name=text, top_priorities=[name], products=[{"name": name, "description": text}])
    data = export(response_of(folder))
    for sheet in open_book(data):
        for row in sheet.iter_rows():
            for cell in row:
                assert not isinstance(cell.value, str) or len(cell.value) <= LONGEST_TEXT
                is_ours = cell.data_type == "f" and (read_mark(sheet.cell(cell.row, 1).value) or read_mark("q:#x")).key
                assert cell.data_type != "f" or is_ours == "kpis.secondary_kpis"
                assert cell.hyperlink is None or sheet.title == README
    data = save_book(open_book(data)) if resave else data
    assert take(folder, data).n_taken == 0
    assert take(fresh, data).is_whole
    assert answers_of(fresh) == answers_of(folder)


def test_a_text_too_long_for_a_cell_is_told_there_and_replaced_only_when_written_over(tmp_path):
    folder = make_folder(tmp_path, with_answers=False)
    put_answers(folder, company_name="x" * 100_000)
    book = open_book(export(response_of(folder)))
    sheet, row = find(book, "q:overview.company_name")
    assert "100,000 characters are too long" in sheet.cell(row, 3).value
    sheet.cell(row, 3).value = "Northwind"
    take(folder, save_book(book))
    assert answers_of(folder) == {"company_name": "Northwind"}


@given(st.text(max_size=200))
def test_text_is_made_safe_as_in_every_other_spreadsheet(text):
    assert show_text(text).replace("\ufffe", "").replace("\uffff", "") == defuse(text).replace("\ufffe", "").replace(
        "\uffff", ""
    )


def test_lights_are_written_as_everywhere():
    assert {light: f"{LIGHTS[light].shape} {LIGHTS[light].word}" for light in LIGHT_WORDS} == dict(LIGHT_WORDS)


TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1, max_size=60),
    st.sampled_from([text for text in HOSTILE if len(text) < 100]),
).filter(str.strip)


def answer_to(field):
    if field.type in ("number", "currency"):
        low, high = field.minimum or 0, field.maximum if field.maximum is not None else 1e15
        whole = st.integers(int(low), int(high))
        return whole if field.unit == "year" else st.one_of(whole, st.floats(low, high, allow_nan=False))
    if field.type in ("choice", "yes_no_unknown"):
        return st.sampled_from(list(field.allowed))
    if field.type == "multiple_choice":
        return st.lists(st.sampled_from(list(field.choices)), min_size=1, max_size=field.maximum_items, unique=True)
    if field.type == "ranked":
        return st.lists(TEXTS.map(str.strip), min_size=1, max_size=field.maximum_items, unique=True)
    if field.type == "grid":
        key, *others = field.columns
        row = st.fixed_dictionaries(
            {key.id: answer_to(key), others[0].id: answer_to(others[0])},
            optional={column.id: answer_to(column) for column in others[1:]},
        )
        names = {"unique_by": lambda row: str(row[key.id]).strip().casefold()} if field.rows_from else {}
        return st.lists(row, min_size=1, max_size=min(field.maximum_rows, 7), **names)
    return TEXTS


ANSWERS = st.fixed_dictionaries({}, optional={field.id: answer_to(field) for _, field in SURVEY.fields()})


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(ANSWERS, st.booleans())
def test_any_answers_exported_and_imported_are_the_same(values, resave):
    with tempfile.TemporaryDirectory() as place:
        folders = [Path(place) / name for name in ("a", "b")]
        for folder in folders:
            folder.mkdir()
            shutil.copy(SAMPLE / "company.toml", folder)
        folder, fresh = folders
        put_answers(folder, **values)
        data = export(response_of(folder))
        data = save_book(open_book(data)) if resave else data
        assert take(folder, data).n_taken == 0
        imported = take(fresh, data)
        assert imported.problems == ()
        before, after = answers_of(folder), answers_of(fresh)
        for _, field in SURVEY.fields():
            assert normalise(field, after.get(field.id)) == normalise(field, before.get(field.id)), field.id


def test_nobody_elses_answers_are_in_a_workbook(tmp_path):
    folder = make_folder(tmp_path)
    data = export(response_of(folder, "claire-dumont"))
    text = "".join(
        str(cell.value) for sheet in open_book(data) for row in sheet.iter_rows() for cell in row if cell.value
    )
    assert "Pieter" not in text and COMPANY in text
