"""A goal workbook comes back: exactly what people changed is taken, each bad cell is named, nobody is overwritten."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.answers.files import read_topic
from helpers.answers.goal_cells import read_goal_cell
from helpers.answers.goal_editing import GoalCell, GoalEditor, Typed
from helpers.answers.goal_import import compare_goals, preview_goals
from helpers.answers.spreadsheet_import import import_answers, is_answers_workbook
from helpers.answers.spreadsheet_reading import Cell, read_exported, read_sheets
from helpers.errors import AnswersError
from tests.answers.goal_books import QUARTERS, export, fill, list_cells, make_matrix, place_of
from tests.answers.hostile_texts import KEPT_TEXTS
from tests.answers.workbooks import SURVEY, open_book, save_book
from tests.answers.workbooks import export as export_survey

REVENUE = GoalCell("revenue_won", "quarter", QUARTERS[1])
LEADS = GoalCell("leads", "quarter", QUARTERS[1])
RATE = GoalCell("lead_to_mql", "quarter", QUARTERS[1])
WEB = GoalCell("leads", "quarter", QUARTERS[1], "source", "Web")


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "acme"
    place.mkdir()
    (place / "company.toml").write_text('name = "Acme"\n', encoding="utf-8")
    return place


def put(folder, **typed):
    """Set goals as an editor does."""
    editor = GoalEditor(folder)
    editor.change(
        {{"revenue": REVENUE, "leads": LEADS, "rate": RATE, "web": WEB}[name]: v for name, v in typed.items()}
    )
    assert editor.save().status == "saved"
    return editor.typed


def preview(data, current=None, folder="Acme"):
    return preview_goals(folder, data, current=current or {})


def edits_of(data, edits, current=None):
    found = preview(fill(data, edits), current)
    assert found.problems == ()
    return found.wanted()


goals = st.floats(min_value=0, max_value=1e12, allow_nan=False) | st.integers(0, 10**9).map(float)
typed_cells = st.dictionaries(
    st.sampled_from(list_cells()), st.builds(Typed, goals, st.booleans()), max_size=6
)  # fmt: skip
acts = st.sampled_from(["clear", "lock", "goal", "free", "number", "number and lock"])
shares = st.floats(min_value=0, max_value=1.0).map(lambda share: round(share, 4))


@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(typed=typed_cells, edits=st.dictionaries(st.sampled_from(list_cells()), st.tuples(acts, shares), max_size=5))
def test_what_was_typed_into_the_workbook_is_what_comes_back(typed, edits):
    typed = {cell: Typed(one.goal / 1e12, one.is_locked) if cell.kpi == "lead_to_mql" else one
             for cell, one in typed.items()}  # fmt: skip
    matrix = make_matrix(typed)
    shown = {
        GoalCell(row["kpi"], row["grain"], row["period_start"].date(), row["dimension"], row["slice"]): row["goal"]
        for row in matrix.to_dict("records")
    }
    cells, expected = {}, dict(typed)
    for cell, (act, share) in edits.items():
        number = share if cell.kpi == "lead_to_mql" else round(share * 1e6)
        if abs(number - shown[cell]) <= 1e-9 * max(number, shown[cell]):
            continue
        kept = typed.get(cell, Typed())
        if act == "clear":
            cells[cell, "value"] = None
            expected[cell] = Typed()
        elif act in ("lock", "goal", "free"):
            cells[cell, "state"] = {"lock": "locked", "goal": "goal", "free": None}[act]
            wanted = Typed() if act == "free" else Typed(shown[cell], act == "lock")
            expected[cell] = wanted
        else:
            cells[cell, "value"] = number
            if act == "number and lock":
                cells[cell, "state"] = "locked"
            expected[cell] = Typed(float(number), act == "number and lock" or kept.is_locked)
    data = fill(export(typed), cells)
    found = preview_goals("Acme", data, current=typed)
    assert found.problems == ()
    after = typed | found.wanted()
    assert {cell: one for cell, one in after.items() if not one.is_blank} == {
        cell: one for cell, one in expected.items() if not one.is_blank
    }
    assert preview_goals("Acme", data, current=after).changes == ()


def test_a_workbook_that_nobody_changed_changes_nothing(folder):
    typed = put(folder, revenue=Typed(2e6, True), leads=Typed(1234.5678901234567), rate=Typed(1 / 3))
    before = read_topic(folder, "goals")
    found = import_answers(folder, save_book(open_book(export(typed))), SURVEY)
    assert (found.n_taken, found.is_whole) == (0, True)
    assert read_topic(folder, "goals") == before


def test_changes_are_shown_before_they_are_taken(folder):
    typed = put(folder, revenue=Typed(2e6, True), leads=Typed(500.0))
    data = fill(export(typed), {(REVENUE, "value"): 2_500_000, (LEADS, "value"): None, (RATE, "value"): 0.4})
    found = preview_goals(folder, data)
    assert found.to_frame().to_numpy().tolist() == [
        ["Company", "F6", "Leads, Q4 2026", "500", "free", ""],
        ["Company", "F7", "Leads to MQL, Q4 2026", "free", "40 %", ""],
        ["Company", "F8", "Closed revenue, Q4 2026", "€2,000,000, locked", "€2,500,000, locked", ""],
    ]
    assert GoalEditor(folder).typed == typed
    taken = import_answers(folder, data, SURVEY, file="goals.xlsx")
    assert taken.describe() == "3 goals taken from goals.xlsx."
    assert GoalEditor(folder).typed == {REVENUE: Typed(2.5e6, True), RATE: Typed(0.4)}


def test_rows_may_be_sorted_and_columns_moved_or_hidden():
    book = open_book(export())
    sheet = book["Company"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=6, max_row=8)]
    for number, values in enumerate(reversed(rows), start=6):
        for column, value in enumerate(values, start=1):
            sheet.cell(number, column).value = value
    sheet.move_range("F1:G8", cols=20)
    sheet.column_dimensions["H"].hidden = True
    place_of(book, LEADS).value = 77
    assert preview(save_book(book)).wanted() == {LEADS: Typed(77.0)}


def test_rows_sorted_without_their_hidden_column_are_refused_and_not_mixed_up():
    book = open_book(export())
    sheet = book["Company"]
    for column in range(2, sheet.max_column + 1):
        top, bottom = sheet.cell(6, column).value, sheet.cell(8, column).value
        sheet.cell(6, column).value, sheet.cell(8, column).value = bottom, top
    found = preview(save_book(book))
    assert found.changes == ()
    assert [(one.sheet, one.cell) for one in found.problems] == [("Company", "A6"), ("Company", "A8")]
    assert "exported as 'Leads'" in found.problems[0].message
    assert "Sort whole rows" in found.problems[0].cure


BAD = {
    "text": (LEADS, "value", "many", "'many' is no number."),
    "a formula": (LEADS, "value", "=6*7", "a formula stands here: =6*7."),
    "a formula that reads the network": (LEADS, "value", '=WEBSERVICE("http://x")', "a formula stands here"),
    "less than nothing": (LEADS, "value", -5, "'-5' is less than nothing."),
    "an error": (LEADS, "value", "#DIV/0!", "the spreadsheet shows the error #DIV/0!."),
    "a truth value": (LEADS, "value", True, "'TRUE' is no number."),
    "a date": (LEADS, "value", QUARTERS[0], "the spreadsheet made a date of what was typed."),
    "another currency": (REVENUE, "value", "$5,000", "'$5,000' is in USD, the goals are in EUR."),
    "two numbers in one": (LEADS, "value", "1.200", "'1.200' can be 1.2 or 1,200."),
    "a pasted per cent": (RATE, "value", 30, "3,000 % is more than a share can be."),
    "another word": (LEADS, "state", "loked", "'loked' is no state."),
    "a word without its number": (LEADS, "both", (None, "goal"), "a goal is wanted here"),
}


@pytest.mark.parametrize(("cell", "part", "what", "told"), BAD.values(), ids=BAD)
def test_every_bad_cell_is_named_and_the_others_are_taken(cell, part, what, told):
    edits = {(cell, "value"): what[0], (cell, "state"): what[1]} if part == "both" else {(cell, part): what}
    data = fill(export(), {**edits, (WEB, "value"): 88})
    found = preview(data)
    assert found.wanted() == {WEB: Typed(88.0)}
    (problem,) = found.problems
    where = place_of(open_book(data), cell, "state" if part in ("state", "both") else "value").coordinate
    assert (problem.sheet, problem.cell) == ("Company", where)
    assert problem.message.startswith(told)
    assert problem.cure


def test_signs_behind_the_words_change_nothing():
    typed = {LEADS: Typed(500.0)}
    data = export(typed, late={LEADS, RATE})
    assert preview(data, typed).changes == ()
    assert edits_of(data, {(LEADS, "state"): "locked ◷", (RATE, "state"): "goal ×"}, typed) == {
        LEADS: Typed(500.0, True),
        RATE: Typed(1 / 3),
    }


def test_a_number_whose_word_was_cleared_is_refused():
    typed = {LEADS: Typed(500.0)}
    found = preview(fill(export(typed), {(LEADS, "value"): 600, (LEADS, "state"): None}), typed)
    assert found.changes == ()
    assert "the word that holds it was cleared" in found.problems[0].message


@pytest.mark.parametrize(
    ("cell", "unit", "number"),
    [
        (Cell("1.2M", "text"), "currency", 1.2e6),
        (Cell("€1,200,000", "text"), "currency", 1.2e6),
        (Cell(30, "number"), "share", 0.3),
        (Cell("12 %", "text"), "share", 0.12),
        (Cell(1.5, "number", "0.0%"), "share", 1.5),
        (Cell("  ", "text"), "count", None),
    ],
)
def test_goals_are_read_as_people_type_them(cell, unit, number):
    assert read_goal_cell(cell, unit, "EUR") == (number, None)


def test_a_goal_changed_by_somebody_else_meanwhile_is_a_conflict_until_somebody_chooses(folder):
    typed = put(folder, revenue=Typed(2e6), leads=Typed(500.0))
    data = fill(export(typed), {(REVENUE, "value"): 2.5e6, (LEADS, "value"): 600, (WEB, "value"): 90})
    put(folder, revenue=Typed(1.8e6), leads=Typed(600.0), rate=Typed(0.5))
    taken = import_answers(folder, data, SURVEY, file="goals.xlsx")
    assert taken.n_taken == 1
    (conflict,) = taken.open_conflicts
    assert conflict.describe() == (
        "[Company, F8] Closed revenue, Q4 2026: the workbook says '€2,500,000', the folder says '€1,800,000'."
    )
    assert GoalEditor(folder).typed == {
        REVENUE: Typed(1.8e6), LEADS: Typed(600.0), RATE: Typed(0.5), WEB: Typed(90.0)
    }  # fmt: skip
    frame = preview_goals(folder, data).to_frame()
    assert frame[["before", "after", "now"]].to_numpy().tolist() == [["€2,000,000", "€2,500,000", "€1,800,000"]]
    assert import_answers(folder, data, SURVEY, keep="mine").n_taken == 1
    assert GoalEditor(folder).read(REVENUE) == Typed(2.5e6)


def test_a_copied_row_that_says_something_else_is_told():
    book = open_book(export())
    sheet = book["Company"]
    for column in range(1, sheet.max_column + 1):
        sheet.cell(20, column).value = sheet.cell(6, column).value
    place_of(book, LEADS).value = 77
    sheet.cell(20, place_of(book, LEADS).column).value = 78
    found = preview(save_book(book))
    assert found.changes == ()
    assert [problem.cell for problem in found.problems] == ["F20"]


def test_other_workbooks_are_refused(folder):
    with pytest.raises(AnswersError, match="of the survey"):
        preview_goals(folder, export_survey())
    with pytest.raises(AnswersError, match="exported for 'Beta'"):
        preview_goals(folder, export(company="Beta"))
    book = open_book(export())
    for sheet in book:
        if sheet.title in ("Company", "By source"):
            sheet.delete_cols(1)
    with pytest.raises(AnswersError, match="hidden column"):
        preview_goals(folder, save_book(book))


def test_a_goal_workbook_is_told_from_an_export_of_the_crm(tmp_path):
    (tmp_path / "goals.xlsx").write_bytes(export())
    assert is_answers_workbook(tmp_path / "goals.xlsx", SURVEY)


def test_slices_of_any_name_come_back():
    names = [name for name in KEPT_TEXTS.values() if len(name) < 20_000]
    slices = (("all", "all"), *(("source", name) for name in names))
    data = export(slices=slices)
    book = open_book(data)
    assert not any(c.data_type == "f" for sheet in book for row in sheet.iter_rows() for c in row)
    cells = [GoalCell("leads", "quarter", QUARTERS[1], "source", name) for name in names]
    found = preview(fill(data, {(cell, "value"): 5 + place for place, cell in enumerate(cells)}))
    assert found.problems == ()
    assert found.wanted() == {cell: Typed(5.0 + place) for place, cell in enumerate(cells)}


def test_a_goal_workbook_is_added_from_the_command_line(folder, tmp_path, capsys):
    from helpers.__main__ import take_answers

    put(folder, revenue=Typed(2e6))
    (tmp_path / "goals.xlsx").write_bytes(fill(export({REVENUE: Typed(2e6)}), {(REVENUE, "value"): 2.5e6}))
    assert take_answers(folder, tmp_path / "goals.xlsx", "")
    assert "1 goal taken from goals.xlsx." in capsys.readouterr().out
    assert GoalEditor(folder).read(REVENUE) == Typed(2.5e6)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
FILLED = read_sheets(fill(export(), {(LEADS, "value"): 77, (RATE, "state"): "locked", (WEB, "value"): None}))
MARKS = sorted(read_exported(FILLED)["cells"])


@settings(deadline=None, derandomize=True)
@given(
    damage=st.dictionaries(st.sampled_from(["cells", "kpis", "rows", "currency", "fiscal_year_start"]), json_values),
    cells=st.dictionaries(
        st.sampled_from(MARKS),
        st.dictionaries(st.sampled_from(["shown", "state", "held"]), json_values) | json_values,
        max_size=4,
    ),
)
def test_a_hidden_sheet_that_somebody_damaged_breaks_nothing(damage, cells):
    exported = read_exported(FILLED)
    exported = {**exported, "cells": {**exported["cells"], **cells}, **damage}
    found = compare_goals(FILLED, exported, {})
    assert found.to_frame()["cell"].notna().all()
    assert all(one.goal is None or one.goal >= 0 for one in found.wanted().values())
