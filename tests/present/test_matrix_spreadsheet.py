"""The matrix's workbook: what is left alone decides nothing, what is changed is one person's decision of a quarter."""

import pandas as pd
import pytest

from helpers.answers.discovery import Activation, CopyDecision, Judgement, read_discovery
from helpers.answers.discovery_editing import DiscoveryEditor
from helpers.answers.spreadsheet_import import is_answers_workbook
from helpers.answers.spreadsheet_layout import EXPORTED, mark_cell
from helpers.errors import AnswersError
from helpers.present.survey_spreadsheet import write_matrix_spreadsheet
from tests.answers.workbooks import COMPANY, make_folder, open_book, save_book, take

QUARTER = "Q3 2026"
SOURCE = mark_cell("light", "leads", "source", "contact")


def row(kpi, dimension="", object="", light="available", **more):
    base = {
        "kpi": kpi,
        "dimension": dimension,
        "object": object,
        "question": "where" if dimension else "",
        "label": dimension.capitalize() or kpi.capitalize(),
        "inherited_from": "",
        "light": light,
        "suggested_light": light,
        "reason": "Filled for 99 %, with 6 values.",
        "cure": "",
        "fill_rate": 0.99 if dimension else float("nan"),
        "fill_rate_90d": 0.93 if dimension else float("nan"),
        "is_wanted": bool(dimension),
    }
    return {**base, **more}


MATRIX = pd.DataFrame(
    [
        row("leads"),
        row("opportunities"),
        row("leads", "source", "contact"),
        row("leads", "region", "contact", "adoption_needed", reason="=HYPERLINK(1)", label="<b>Region</b>"),
        row("opportunities", "source", "deal", "unavailable", inherited_from="contact"),
        row("opportunities", "region", "deal", "unavailable"),
    ]
)
COPIES = pd.DataFrame(
    [
        {"dimension": "source", "label": "Source", "from_object": "contact", "to_object": "deal"},
        {"dimension": "region", "label": "Region", "from_object": "company", "to_object": "deal"},
    ]
).assign(reason="to follow it", n_fillable=[1674, None])
ACTIVATIONS = pd.DataFrame(
    [
        {"rank": 1, "dimension": "source", "label": "Source", "objects": "deal", "effort": "small"},
        {"rank": 2, "dimension": "region", "label": "Region", "objects": "contact, deal", "effort": "medium"},
    ]
).assign(score_after=0.6, lets="what each brings")


@pytest.fixture
def folder(tmp_path):
    return make_folder(tmp_path, with_answers=False)


def export(folder, **options):
    options = {"by": "Ana Okafor", "quarter": QUARTER, "copies": COPIES, "activations": ACTIVATIONS, **options}
    return write_matrix_spreadsheet(MATRIX, read_discovery(folder)[0], company=COMPANY, **options)


def find_list(book, mark):
    for sheet in book:
        for number in range(1, sheet.max_row + 1):
            if sheet.cell(number, 1).value == mark:
                return sheet, number
    raise AssertionError(mark)


def fill(data, answers):
    """(mark, column's heading) → value; a heading of None is the cell of the sheet Matrix."""
    book = open_book(data)
    for (mark, heading), value in answers.items():
        sheet, number = find_list(book, mark)
        heads = {cell.value: cell.column for cells in sheet.iter_rows(max_row=8) for cell in cells if cell.value}
        sheet.cell(number, heads[heading] if isinstance(heading, str) else heading).value = value
    return save_book(book)


def decided(folder):
    return read_discovery(folder)[0]


def test_an_untouched_matrix_decides_nothing(folder):
    imported = take(folder, export(folder))
    assert imported.is_whole and (imported.kind, imported.who, imported.n_taken) == ("matrix", "Ana Okafor", 0)
    assert not (folder / "answers" / "discovery.toml").exists()


@pytest.mark.parametrize(
    ("typed", "light"),
    [
        ("○ unavailable", "unavailable"),
        ("Adoption needed", "adoption_needed"),
        ("adoption_needed", "adoption_needed"),
        ("RED", "unavailable"),
        ("no", "unavailable"),
    ],
)
def test_a_changed_light_is_a_judgement_with_who_and_when(folder, typed, light):
    imported = take(folder, fill(export(folder), {(mark_cell("row", "source"), 3): typed}))
    assert imported.is_whole and imported.n_taken == 1
    assert decided(folder).judgements == (Judgement("source", "contact", "leads", light, "", "Ana Okafor", QUARTER),)


def test_light_and_note_on_the_list_are_the_same_cell_as_in_the_matrix(folder):
    data = fill(
        export(folder),
        {
            (mark_cell("row", "source"), 3): "adoption needed",
            (SOURCE, "Note: why"): "=only by hand",
            (mark_cell("light", "opportunities", "region", "deal"), "Trackable today?"): "available",
        },
    )
    imported = take(folder, data)
    assert [problem.sheet for problem in imported.problems] == ["Secondary KPIs"]
    data = fill(data, {(SOURCE, "Note: why"): "'=only by hand"})
    take(folder, data)
    said = decided(folder)
    assert said.find(kpi="leads", dimension="source", object="contact").note == "=only by hand"
    assert said.find(kpi="leads", dimension="source", object="contact").light == "adoption_needed"
    assert said.find(kpi="opportunities", dimension="region", object="deal").light == "available"


def test_a_note_beside_a_suggested_light_confirms_it(folder):
    take(folder, fill(export(folder), {(SOURCE, "Note: why"): "seen it"}))
    one = decided(folder).find(kpi="leads", dimension="source", object="contact")
    assert (one.light, one.note) == ("available", "seen it")


def test_two_sheets_that_say_different_things_are_told(folder):
    data = fill(
        export(folder),
        {(mark_cell("row", "source"), 3): "unavailable", (SOURCE, "Trackable today?"): "adoption needed"},
    )
    (problem,) = take(folder, data).problems
    assert "'○ unavailable' in C" in problem.message and "sheet 'Matrix'" in problem.message
    assert decided(folder).judgements == ()


def test_a_cleared_light_goes_back_to_the_suggestion(folder):
    editor = DiscoveryEditor(folder, by="Ben", quarter=QUARTER)
    editor.judge(kpi="leads", dimension="source", object="contact", light="unavailable", note="gone")
    take(folder, fill(export(folder), {(mark_cell("row", "source"), 3): None}))
    assert decided(folder).find(kpi="leads", dimension="source", object="contact") is None


@pytest.mark.parametrize(
    ("keep", "light"), [("", "adoption_needed"), ("theirs", "adoption_needed"), ("mine", "unavailable")]
)
def test_a_light_that_somebody_set_since_the_export_is_a_conflict(folder, keep, light):
    data = fill(export(folder), {(mark_cell("row", "source"), 3): "unavailable"})
    editor = DiscoveryEditor(folder, by="Ben", quarter=QUARTER)
    editor.judge(kpi="leads", dimension="source", object="contact", light="adoption_needed")
    (conflict,) = take(folder, data, keep=keep).conflicts
    assert (conflict.sheet, conflict.mine, conflict.theirs) == ("Matrix", "'○ unavailable'", "'◐ adoption needed'")
    assert decided(folder).find(kpi="leads", dimension="source", object="contact").light == light


def test_the_quarter_before_stays_on_record(folder):
    editor = DiscoveryEditor(folder, by="Ben", quarter="Q2 2026")
    editor.judge(kpi="leads", dimension="source", object="contact", light="unavailable")
    take(folder, fill(export(folder), {(mark_cell("row", "source"), 3): "available"}))
    said = [(one.quarter, one.light, one.by) for one in decided(folder).judgements]
    assert said == [("Q2 2026", "unavailable", "Ben"), (QUARTER, "available", "Ana Okafor")]


def test_copies_and_plans_are_taken(folder):
    data = fill(
        export(folder),
        {
            (mark_cell("copy", "source", "contact", "deal"), "Is it wanted?"): "Not wanted",
            (mark_cell("copy", "region", "company", "deal"), "Note"): "later",
            (mark_cell("plan", "opportunities", "source"), "Plan it?"): "Yes",
            (mark_cell("plan", "leads", "region"), "Owner"): "Ben",
            (mark_cell("plan", "leads", "region"), "When"): "Q4 2026",
        },
    )
    assert take(folder, data).n_taken == 4
    said = decided(folder)
    assert said.copies == (
        CopyDecision("source", "contact", "deal", "not_wanted"),
        CopyDecision("region", "company", "deal", "wanted", "later"),
    )
    assert said.activations == (
        Activation("opportunities", "source", "small"),
        Activation("leads", "region", "medium", "Ben", "Q4 2026"),
    )
    data = fill(export(folder), {(mark_cell("plan", "leads", "region"), "Plan it?"): "No"})
    assert take(folder, data).n_taken == 1
    assert [one.dimension for one in decided(folder).activations] == ["source"]
    assert take(folder, export(folder)).n_taken == 0


@pytest.mark.parametrize("typed", ["maybe", "=1+1", 3])
def test_a_bad_cell_is_named_and_the_rest_taken(folder, typed):
    data = fill(export(folder), {(mark_cell("row", "source"), 3): typed, (mark_cell("row", "region"), 3): "available"})
    imported = take(folder, data)
    (problem,) = imported.problems
    assert problem.sheet == "Matrix" and problem.cell.startswith("C") and problem.cure
    assert [one.dimension for one in decided(folder).judgements] == ["region"]


def test_a_dash_where_there_is_no_cell_is_passed_over(folder):
    narrow = MATRIX[MATRIX["kpi"] == "leads"]
    matrix = pd.concat([narrow, MATRIX[(MATRIX["kpi"] == "opportunities") & (MATRIX["dimension"] != "region")]])
    data = write_matrix_spreadsheet(matrix, decided(folder), by="Ana", quarter=QUARTER)
    imported = take(folder, fill(data, {(mark_cell("row", "region"), 4): "available"}))
    assert imported.n_taken == 0 and decided(folder).judgements == ()


def test_inserted_rows_and_columns_and_other_titles_do_no_harm(folder):
    book = open_book(export(folder))
    sheet = book["Matrix"]
    sheet.insert_cols(3)
    sheet.insert_rows(5, 2)
    sheet.title = "Lights"
    _, number = find_list(book, mark_cell("row", "source"))
    sheet.cell(number, 4).value = "unavailable"
    take(folder, save_book(book))
    assert decided(folder).judgements[0].kpi == "leads"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"by": ""}, "Write who has decided"),
        ({"quarter": ""}, "Write it as Q3 2026"),
        ({"quarter": "soon"}, "'soon' is no quarter"),
        ({"company": "Northwind"}, "exported for 'Northwind'"),
    ],
)
def test_who_when_and_which_company_have_to_be_known(folder, options, told):
    data = write_matrix_spreadsheet(MATRIX, decided(folder), **{"by": "Ana", "quarter": QUARTER, **options})
    with pytest.raises(AnswersError, match=told):
        take(folder, data)


def test_the_name_signed_in_stands_in_where_none_is_written(folder):
    data = fill(export(folder, by=""), {(mark_cell("row", "source"), 3): "unavailable"})
    take(folder, data, name="Ben Ode")
    assert decided(folder).judgements[0].by == "Ben Ode"


def test_without_its_marks_or_its_hidden_sheet_a_matrix_is_refused(folder, tmp_path):
    book = open_book(export(folder))
    for sheet in book:
        for number in range(1, sheet.max_row + 1 if sheet.title != EXPORTED else 0):
            if str(sheet.cell(number, 1).value).startswith('m:["'):
                sheet.cell(number, 1).value = None
        for cell in sheet[1]:
            cell.value = None if str(cell.value).startswith("m:") else cell.value
    with pytest.raises(AnswersError, match="hidden column"):
        take(folder, save_book(book))
    book = open_book(export(folder))
    del book[EXPORTED]
    with pytest.raises(AnswersError, match="no workbook of the survey or the matrix"):
        take(folder, save_book(book))


def test_a_damaged_file_of_decisions_is_never_touched(folder):
    data = fill(export(folder), {(mark_cell("row", "source"), 3): "unavailable"})
    path = folder / "answers" / "discovery.toml"
    path.parent.mkdir()
    path.write_text("[[judgement]\n", encoding="utf-8")
    with pytest.raises(AnswersError, match=r"discovery\.toml"):
        take(folder, data)
    assert path.read_text(encoding="utf-8") == "[[judgement]\n"


def test_no_cell_is_a_formula_and_only_decisions_can_be_changed(folder, tmp_path):
    path = tmp_path / "matrix.xlsx"
    path.write_bytes(export(folder))
    assert is_answers_workbook(path)
    for sheet in open_book(path.read_bytes()):
        assert sheet.protection.sheet
        for cells in sheet.iter_rows():
            for cell in cells:
                assert cell.data_type != "f"
                assert cell.protection.locked or sheet.title != "Matrix" or cell.column > 2
    assert export(folder) == export(folder)


def test_the_samples_matrix_goes_out_and_comes_back(tmp_path):
    from datetime import date

    from helpers.analyses.discovery_review import review_discovery
    from helpers.company import open_company
    from helpers.model.survey import load_discovery_rules
    from tests.answers.workbooks import SAMPLE

    company = open_company(SAMPLE)
    review = review_discovery(company, load_discovery_rules(), as_of=date(2026, 9, 30))
    data = write_matrix_spreadsheet(
        review.matrix,
        company.answers.discovery,
        company=COMPANY,
        by="Ana Okafor",
        quarter=QUARTER,
        primaries=review.primaries,
        copies=review.copies,
        activations=review.activations,
    )
    folder = make_folder(tmp_path)
    before = decided(folder)
    assert take(folder, data).n_taken == 0
    assert take(folder, save_book(open_book(data))).n_taken == 0
    assert decided(folder) == before
