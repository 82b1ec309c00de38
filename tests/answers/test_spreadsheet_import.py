"""Filled-in workbooks come back whatever people and their programs did to them; nothing newer is written over."""

import io
import zipfile
from datetime import datetime, time

import pytest

from helpers.answers.discovery import read_discovery
from helpers.answers.editing import ResponseEditor
from helpers.answers.spreadsheet_import import import_answers, is_answers_workbook
from helpers.answers.spreadsheet_layout import EXPORTED
from helpers.errors import AnswersError, ParameterError
from tests.answers.workbooks import (
    SURVEY,
    answers_of,
    export,
    export_blank,
    fill,
    find,
    make_folder,
    open_book,
    put_answers,
    response_of,
    save_book,
    take,
)

CLAIRE = "claire-dumont"


@pytest.fixture
def folder(tmp_path):
    return make_folder(tmp_path, with_answers=False)


def problems_of(imported):
    return [(problem.sheet, problem.cell) for problem in imported.problems]


def test_a_blank_workbook_filled_in_creates_the_file_of_a_new_person(folder):
    data = fill(
        export_blank(),
        {
            "overview.company_name": "Northwind",
            "overview.employees": 180,
            "overview.crm": "HubSpot",
            "overview.net_new_share": 0.7,
            "overview.on_track": "Don't know",
            "overview.top_priorities#1": "Win the US",
            "overview.top_priorities#3": "Halve churn",
            "overview.motions_used#sales_led": "x",
            "context.context_market": "Big.\nGrowing.",
        },
    )
    imported = take(folder, data)
    assert imported.is_whole and imported.kind == "survey" and imported.who == "Ana Okafor"
    assert answers_of(folder) == {
        "company_name": "Northwind",
        "employees": 180,
        "crm": "hubspot",
        "net_new_share": 0.7,
        "on_track": "unknown",
        "top_priorities": ["Win the US", "Halve churn"],
        "motions_used": ["sales_led"],
        "context_market": "Big.\nGrowing.",
    }
    assert response_of(folder).team == "marketing"


@pytest.mark.parametrize(
    ("question", "typed", "answer"),
    [
        ("overview.net_new_share", "60%", 0.6),
        ("overview.net_new_share", "60 %", 0.6),
        ("overview.net_new_share", 60, 0.6),
        ("overview.employees", "1,200", 1200),
        ("overview.employees", " 1 200 ", 1200),
        ("overview.employees", 1200.0, 1200),
        ("overview.revenue_goal", "€ 12,000,000", 12_000_000),
        ("overview.founded", datetime(2014, 1, 1), 2014),
        ("overview.crm", "HUBSPOT ", "hubspot"),
        ("overview.crm", "salesforce", "salesforce"),
        ("overview.on_track", True, "yes"),
        ("overview.on_track", "don\u2019t know", "unknown"),
        ("overview.on_track", "NO", "no"),
        ("overview.company_name", "  Northwind \n", "Northwind"),
        ("overview.company_name", 2024, "2024"),
        ("overview.company_name", 1.5, "1.5"),
        ("overview.company_name", "'=1+1", "=1+1"),
        ("overview.company_name", "שלום 🚀 <script>alert(1)</script>", "שלום 🚀 <script>alert(1)</script>"),
        ("definitions.definition_mql_words", time(10, 30), "10:30"),
    ],
)
def test_what_people_type_is_taken_as_they_meant_it(folder, question, typed, answer):
    imported = take(folder, fill(export_blank(), {question: typed}))
    assert imported.problems == ()
    assert answers_of(folder) == {question.split(".")[1]: answer}


@pytest.mark.parametrize(
    ("question", "typed", "told"),
    [
        ("overview.employees", "many", "'many' is no number"),
        ("overview.employees", "=2*90", "a formula stands here"),
        ("overview.employees", -3, "below 1"),
        ("overview.employees", True, "no number"),
        ("overview.net_new_share", 170, "above 100%"),
        ("overview.crm", "hubspt", "Did you mean 'HubSpot'"),
        ("overview.employees", datetime(2026, 1, 10), "made the date 10 Jan 2026"),
        ("overview.company_name", '=HYPERLINK("http://evil.example")', "a formula stands here"),
        ("overview.company_name", "=cmd|' /C calc'!A0", "a formula stands here"),
        ("overview.motions_used#sales_led", "maybe", "is no tick"),
        ("overview.top_priorities#2", "=1+1", "a formula stands here"),
    ],
)
def test_a_bad_cell_is_named_with_its_cure_and_the_rest_is_taken(folder, question, typed, told):
    data = fill(export_blank(), {question: typed, "overview.founded": 2014})
    sheet, row = find(open_book(data), f"q:{question}")
    imported = take(folder, data)
    assert problems_of(imported) == [(sheet.title, f"C{row}")]
    problem = imported.problems[0]
    assert told in problem.describe() and problem.cure
    assert answers_of(folder) == {"founded": 2014}
    assert not imported.is_whole


def test_a_full_date_in_a_text_is_text_and_a_half_one_is_refused(folder):
    """Excel turns ``1-10`` into the tenth of January; what was typed can't be told any more."""
    book = open_book(export_blank())
    for question, code in (("definition_mql_words", "d/m/yyyy"), ("definition_sql_words", "d-mmm")):
        sheet, row = find(book, f"q:definitions.{question}")
        sheet.cell(row, 3).value = datetime(2026, 1, 10)
        sheet.cell(row, 3).number_format = code
    imported = take(folder, save_book(book))
    assert answers_of(folder) == {"definition_mql_words": "10 Jan 2026"}
    assert "Text" in imported.problems[0].cure


def test_a_bad_cell_leaves_the_answer_that_was_there(folder):
    put_answers(folder, employees=180, top_priorities=["a", "b"], products=[{"name": "Flow", "cycle_days": 45}])
    data = fill(
        export(response_of(folder)),
        {
            "overview.employees": "lots",
            "overview.top_priorities#1": "=1",
            ("product.products#1:1", 6): "long",
            ("product.products#1:1", 1): "Maps work",
        },
    )
    imported = take(folder, data)
    assert len(imported.problems) == 3
    assert answers_of(folder) == {
        "employees": 180,
        "top_priorities": ["a", "b"],
        "products": [{"name": "Flow", "description": "Maps work", "cycle_days": 45}],
    }


def test_an_untouched_workbook_changes_nothing_and_newer_answers_stay(folder):
    put_answers(folder, employees=180, founded=2014)
    data = export(response_of(folder))
    put_answers(folder, employees=200)
    imported = take(folder, fill(data, {"overview.founded": 2015}))
    assert imported.is_whole and imported.n_taken == 1
    assert answers_of(folder) == {"employees": 200, "founded": 2015}


@pytest.mark.parametrize(("keep", "kept"), [("", 200), ("theirs", 200), ("mine", 190)])
def test_a_cell_changed_on_both_sides_is_a_conflict_with_both_values(folder, keep, kept):
    put_answers(folder, employees=180, founded=2014)
    data = fill(export(response_of(folder)), {"overview.employees": 190, "overview.founded": 2015})
    put_answers(folder, employees=200)
    imported = take(folder, data, keep=keep)
    (conflict,) = imported.conflicts
    assert (conflict.sheet, conflict.field, conflict.mine, conflict.theirs) == (
        "Overview",
        "employees",
        "'190'",
        "'200'",
    )
    assert conflict.cell == f"C{find(open_book(data), 'q:overview.employees')[1]}"
    assert conflict.kept == keep and imported.is_whole == bool(keep)
    assert answers_of(folder) == {"employees": kept, "founded": 2015}


def test_both_sides_changed_to_the_same_is_no_conflict(folder):
    put_answers(folder, employees=180)
    data = fill(export(response_of(folder)), {"overview.employees": 190})
    put_answers(folder, employees=190)
    assert take(folder, data).is_whole


def test_importing_the_same_workbook_twice_takes_it_once(folder):
    data = fill(export_blank(), {"overview.employees": 180, ("product.products#1:0", 0): "Flow"})
    assert take(folder, data).n_taken == 3  # the team too
    assert take(folder, data).n_taken == 0


def test_a_cleared_cell_withdraws_the_answer(folder):
    put_answers(folder, employees=180, founded=2014, top_priorities=["a", "b"], motions_used=["sales_led"])
    data = fill(
        export(response_of(folder)),
        {"overview.employees": None, "overview.top_priorities#1": " ", "overview.motions_used#sales_led": None},
    )
    assert take(folder, data).is_whole
    assert answers_of(folder) == {"founded": 2014, "top_priorities": ["b"]}


def test_tables_are_merged_row_by_row_and_cell_by_cell(folder):
    put_answers(folder, products=[{"name": "Flow", "cycle_days": 40}, {"name": "Shield", "cycle_days": 50}])
    data = fill(
        export(response_of(folder)),
        {
            ("product.products#1:1", 6): 45,
            ("product.products#2:2", 6): 60,
            ("product.products#3:0", 0): "Insight",
        },
    )
    put_answers(
        folder,
        products=[
            {"name": "Flow", "cycle_days": 40, "per": "year"},
            {"name": "Shield", "cycle_days": 70},
            {"name": "Go"},
        ],
    )
    imported = take(folder, data)
    (conflict,) = imported.conflicts
    assert (conflict.mine, conflict.theirs) == ("'60'", "'70'")
    assert conflict.cell == f"H{find(open_book(data), 'q:product.products#2:2')[1]}"
    rows = {row["name"]: row for row in answers_of(folder)["products"]}
    assert rows["Flow"] == {"name": "Flow", "cycle_days": 45, "per": "year"}
    assert rows["Shield"]["cycle_days"] == 70
    assert set(rows) == {"Flow", "Shield", "Insight", "Go"}


def test_a_row_removed_here_and_changed_there_is_a_conflict(folder):
    put_answers(folder, products=[{"name": "Flow", "cycle_days": 40}, {"name": "Go"}])
    data = fill(export(response_of(folder)), {("product.products#1:1", 0): None, ("product.products#1:1", 6): None})
    put_answers(folder, products=[{"name": "Flow", "cycle_days": 45}, {"name": "Go"}])
    imported = take(folder, data)
    assert [(conflict.mine, conflict.theirs) for conflict in imported.conflicts] == [("", "'Flow'")]
    assert answers_of(folder)["products"][0] == {"name": "Flow", "cycle_days": 45}


def test_a_nameless_row_is_refused_and_what_was_there_stays(folder):
    put_answers(folder, products=[{"name": "Flow", "cycle_days": 40}])
    data = fill(export(response_of(folder)), {("product.products#1:1", 0): None, ("product.products#2:0", 6): 30})
    imported = take(folder, data)
    assert len(imported.problems) == 2 and "has no product" in imported.problems[0].message
    assert answers_of(folder)["products"] == [{"name": "Flow", "cycle_days": 40}]


def test_more_rows_than_a_table_may_have_are_told(folder):
    book = open_book(export_blank())
    sheet, row = find(book, "q:kpis.kpi_goals#6:0")
    for place in range(7):
        sheet.cell(row - 5 + place, 2).value = f"KPI {place}"
    sheet.insert_rows(row + 1)
    sheet.cell(row + 1, 2).value = "One too many"
    imported = take(folder, save_book(book))
    assert "more than 6 rows" in imported.problems[0].message
    assert len(answers_of(folder)["kpi_goals"]) == 6


def test_inserted_rows_notes_beside_and_a_renamed_reordered_sheet_do_no_harm(folder):
    put_answers(folder, employees=180, products=[{"name": "Flow"}, {"name": "Shield"}])
    book = open_book(export(response_of(folder)))
    sheet, row = find(book, "q:product.products#2:2")
    sheet.insert_rows(row)
    sheet.cell(row, 2).value, sheet.cell(row, 8).value = "Insight", 30
    sheet.cell(row, 15).value = "ask Ben"
    overview, row = find(book, "q:overview.employees")
    overview.insert_rows(row, 2)
    overview.cell(row, 2).value = "my own remark"
    overview.cell(row + 2, 3).value = 190
    overview.cell(row + 2, 12).value = "not sure"
    overview.title = "Blad 1"
    sheet.title = "Sheet (2)"
    book.move_sheet(sheet, -2)
    imported = take(folder, save_book(book))
    assert imported.is_whole
    assert answers_of(folder) == {
        "employees": 190,
        "products": [{"name": "Flow"}, {"name": "Insight", "cycle_days": 30}, {"name": "Shield"}],
    }


def test_an_inserted_column_moves_the_answers_and_they_are_found(folder):
    book = open_book(fill(export_blank(), {("product.products#1:0", 0): "Flow", ("product.products#1:0", 6): 45}))
    book["Product"].insert_cols(4)
    overview, row = find(book, "q:overview.employees")
    for merged in list(overview.merged_cells.ranges):
        overview.unmerge_cells(str(merged))
    overview.insert_cols(3)
    overview.cell(row, 4).value = 180
    imported = take(folder, save_book(book))
    assert imported.is_whole
    assert answers_of(folder) == {"employees": 180, "products": [{"name": "Flow", "cycle_days": 45}]}


def test_a_copied_row_and_a_copied_sheet_count_once(folder):
    put_answers(folder, products=[{"name": "Flow"}])
    book = open_book(export(response_of(folder)))
    sheet, row = find(book, "q:product.products#1:1")
    sheet.cell(row + 1, 1).value = sheet.cell(row, 1).value
    sheet.cell(row + 1, 2).value = "Flow Pro"
    copy = book.copy_worksheet(book["Overview"])
    copy.cell(find(book, "q:overview.employees")[1], 3).value = 7
    imported = take(folder, save_book(book))
    assert answers_of(folder) == {"products": [{"name": "Flow"}, {"name": "Flow Pro"}]}
    assert any("repeats another one" in note for note in imported.notes)


def lose(data, *, marks=True, hidden=True):
    """What is left of a workbook after somebody copied its sheets into a new one."""
    book = open_book(data)
    if hidden:
        del book[EXPORTED]
    if marks:
        for sheet in book:
            for row in range(1, sheet.max_row + 1 if not sheet.title.startswith("_") else 0):
                sheet.cell(row, 1).value = None
    return save_book(book)


@pytest.mark.parametrize("marks", [True, False])
@pytest.mark.parametrize("hidden", [True, False])
def test_a_workbook_without_marks_or_hidden_sheet_is_read_by_its_words(tmp_path, marks, hidden):
    sample = make_folder(tmp_path / "sample")
    response = response_of(sample, CLAIRE)
    data = lose(export(response), marks=marks, hidden=hidden)
    assert is_answers_workbook(write(tmp_path, data))
    fresh = make_folder(tmp_path / "fresh", with_answers=False)
    imported = take(fresh, data)
    assert imported.is_whole
    assert answers_of(fresh, CLAIRE) == dict(response.values)
    assert bool(imported.notes) == hidden


def test_without_the_hidden_sheet_other_answers_in_the_folder_are_conflicts_and_blanks_delete_nothing(folder):
    put_answers(folder, employees=180, founded=2014, crm="hubspot")
    data = lose(fill(export(response_of(folder)), {"overview.employees": 190, "overview.founded": None}))
    imported = take(folder, data)
    assert [(conflict.mine, conflict.theirs) for conflict in imported.conflicts] == [("'190'", "'180'")]
    assert answers_of(folder) == {"employees": 180, "founded": 2014, "crm": "hubspot"}
    assert "hidden sheet was lost" in imported.describe()


def test_the_workbook_of_somebody_else_filled_under_another_name_is_taken_whole(folder):
    put_answers(folder, employees=180, founded=2014)
    data = fill(export(response_of(folder)), {"respondent.name": "Ben Ode", "overview.employees": 190})
    assert take(folder, data).who == "Ben Ode"
    assert answers_of(folder, "ben-ode") == {"employees": 190, "founded": 2014}
    assert answers_of(folder) == {"employees": 180, "founded": 2014}


def test_somebody_signed_in_cannot_hand_in_anothers_workbook(folder):
    with pytest.raises(AnswersError, match=r"\[Read me, C\d+\] this is the workbook of 'Ana Okafor'"):
        take(folder, export_blank(), name="Ben Ode")
    assert take(folder, export_blank(), name="ana  okafor").who == "ana  okafor"


@pytest.mark.parametrize("typed", [None, "  ", "\u200b"])
def test_a_workbook_without_a_name_is_refused(folder, typed):
    with pytest.raises(AnswersError, match=r"\[Read me, C\d+\]"):
        take(folder, fill(export_blank(), {"respondent.name": typed}))
    assert not (folder / "answers").exists()


def test_another_companys_workbook_is_refused_politely(tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "company.toml").write_text('name = "Northwind"\n', encoding="utf-8")
    with pytest.raises(
        AnswersError, match="exported for 'Brightwater Software', and this is the folder of 'Northwind'"
    ):
        take(folder, export_blank())


def test_another_surveys_workbook_is_refused_politely(folder):
    from dataclasses import replace

    from helpers.present.survey_spreadsheet import write_survey_spreadsheet

    tab = next(iter(SURVEY.tabs.values()))
    fields = tuple(field.model_copy(update={"id": f"other_{field.id}"}) for field in tab.fields)
    other = replace(SURVEY, label="Pulse", tabs={tab.id: replace(tab, groups=(replace(tab.groups[0], fields=fields),))})
    with pytest.raises(AnswersError, match="another survey \\('Pulse'\\)"):
        take(folder, write_survey_spreadsheet(other, None))


def test_a_question_that_the_survey_no_longer_asks_is_passed_over_with_a_note(folder):
    from dataclasses import replace

    data = fill(export_blank(), {"overview.employees": 180, "overview.founded": 2014})
    tab = SURVEY.tabs["overview"]
    group = replace(tab.groups[0], fields=tuple(field for field in tab.groups[0].fields if field.id != "founded"))
    newer = replace(SURVEY, tabs={**SURVEY.tabs, "overview": replace(tab, groups=(group, *tab.groups[1:]))})
    imported = import_answers(folder, data, newer)
    assert answers_of(folder)["employees"] == 180 and "founded" not in answers_of(folder)
    assert "earlier version of the survey" in imported.describe()


def test_a_removed_row_or_sheet_leaves_its_answers_as_they_were(folder):
    put_answers(folder, employees=180, founded=2014, products=[{"name": "Flow"}])
    book = open_book(export(response_of(folder)))
    del book["Product"]
    sheet, row = find(book, "q:overview.founded")
    sheet.delete_rows(row)
    imported = take(folder, save_book(book))
    assert answers_of(folder) == {"employees": 180, "founded": 2014, "products": [{"name": "Flow"}]}
    assert "'Product' isn't in the workbook" in imported.describe() and "'In which year" in imported.describe()


def test_a_secondary_kpi_whose_name_is_too_long_for_a_cell_keeps_it(folder):
    cut = "Source by month " + "x" * 100_000
    row = {"secondary": f"Leads by {cut}", "is_trackable": "no"}
    response = put_answers(folder, primary_kpis=[{"kpi": "Leads", "partition_1": cut}], secondary_kpis=[row])
    assert take(folder, export(response)).n_taken == 0
    taken = take(folder, fill(export(response), {("kpis.secondary_kpis#1:1", 2): "A field for it"}))
    assert taken.is_whole
    assert answers_of(folder)["secondary_kpis"] == [{**row, "note": "A field for it"}]


def test_a_secondary_kpi_is_named_after_what_stands_in_the_table_of_primary_ones(folder):
    """Its name is a formula whose result is never looked at; a renamed KPI renames its cuts."""
    data = fill(
        export_blank(),
        {
            ("kpis.primary_kpis#1:0", 0): "Leads",
            ("kpis.primary_kpis#1:0", 4): "Owner",
            ("kpis.primary_kpis#1:0", 6): "Source",
            ("kpis.secondary_kpis#3:0", 1): "no",
            ("kpis.secondary_kpis#3:0", 2): "Not on the lead",
            ("kpis.secondary_kpis#2:0", 1): "yes",
        },
    )
    imported = take(folder, data)
    assert answers_of(folder)["secondary_kpis"] == [
        {"secondary": "Leads by Source", "is_trackable": "no", "note": "Not on the lead"}
    ]
    assert "Name its KPI and cut" in imported.problems[0].cure


def test_a_draft_that_is_not_allowed_stays_unless_the_workbook_answers(folder):
    editor = ResponseEditor(folder, SURVEY, name="Ana Okafor")
    editor.change("employees", "many")
    editor.change("founded", 2014)
    editor.save()
    assert take(folder, export(response_of(folder))).n_taken == 0
    assert ResponseEditor(folder, SURVEY, name="Ana Okafor").read("employees").raw == "many"
    imported = take(folder, fill(export(response_of(folder)), {"overview.employees": 180}), keep="mine")
    assert imported.conflicts[0].theirs == "'many'"
    assert answers_of(folder)["employees"] == 180


def test_a_damaged_file_of_answers_is_never_touched(folder):
    put_answers(folder, employees=180)
    data = fill(export(response_of(folder)), {"overview.employees": 190})
    path = folder / "answers" / "survey" / "ana-okafor.toml"
    path.write_text("[overview\n", encoding="utf-8")
    with pytest.raises(AnswersError, match=r"ana-okafor\.toml, row 1"):
        take(folder, data)
    assert path.read_text(encoding="utf-8") == "[overview\n"


def write(tmp_path, data, name="filled.xlsx"):
    path = tmp_path / name
    path.write_bytes(data)
    return path


def pack(parts):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return raw.getvalue()


def repack(data, **changed):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return pack({**parts, **{name.replace("__", "/"): content for name, content in changed.items()}})


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is empty"),
        (b"name,employees\nAna,3\n", "no Excel workbook"),
        (b"%PDF-1.7", "no Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(64), "password"),
        (pack({"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}), "no Excel workbook"),
        (pack({"xl/workbook.xml": b"<workbook"}), "damaged"),
        (b"PK\x03\x04" + bytes(200), "damaged"),
        (pack({"xl/workbook.xml": bytes(30_000_000)}), "unpacks to"),
        (pack({f"xl/workbook{number}.xml": b"" for number in range(2_001)}), "unpacks to"),
        (bytes(10_000_001), "at most 10,000,000"),
    ],
)
def test_what_is_no_sound_workbook_is_refused_with_a_clear_message(folder, tmp_path, data, told):
    path = write(tmp_path, data)
    assert not is_answers_workbook(path)
    for given in (data, path):
        with pytest.raises(AnswersError, match=told):
            import_answers(folder, given, SURVEY)
    assert not (folder / "answers").exists()


def test_every_cut_of_a_damaged_workbook_is_refused_and_never_a_crash(folder):
    data = export_blank()
    for size in range(100, len(data) - 1, 1500):
        with pytest.raises(AnswersError):
            take(folder, data[:size])


def test_entities_and_a_lying_length_are_refused(folder):
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><workbook>&a;</workbook>'
    with pytest.raises(AnswersError, match="entities"):
        take(folder, repack(export_blank(), xl__workbook_xml=b"", **{"xl/workbook.xml": bomb}))
    lying = bytearray(pack({"xl/workbook.xml": bytes(60_000_000)}))
    for sign in (b"PK\x03\x04", b"PK\x01\x02"):
        at = lying.index(sign) + (22 if sign == b"PK\x03\x04" else 24)
        lying[at : at + 4] = (10).to_bytes(4, "little")
    with pytest.raises(AnswersError, match="damaged"):
        take(folder, bytes(lying))


def test_something_far_below_the_form_is_named(folder):
    book = open_book(export_blank())
    book["Overview"].cell(9_000, 3).value = "here"
    with pytest.raises(AnswersError, match="Overview, C9000"):
        take(folder, save_book(book))


def test_a_workbook_with_macros_is_read_as_data(folder):
    data = repack(fill(export_blank(), {"overview.employees": 180}), **{"xl/vbaProject.bin": b"macro"})
    assert take(folder, data, file="filled.xlsm").n_taken == 2
    assert answers_of(folder) == {"employees": 180}


def test_a_tampered_hidden_sheet_neither_crashes_nor_smuggles(folder):
    book = open_book(fill(export_blank(), {"overview.employees": 180}))
    sheet = book[EXPORTED]
    sheet["A1"].value = (
        '#{"format":"revenue-engine-answers 1","kind":"survey","questions":7,"values":'
        '{"overview.employees":{"a":1},"product.products":[1,{"name":[]}],"overview.crm":["x"],'
        '"overview.founded":99999,"respondent.name":3}}'
    )
    for row in range(2, sheet.max_row + 1):
        sheet.cell(row, 1).value = None
    imported = take(folder, save_book(book))
    assert answers_of(folder) == {"employees": 180}
    assert imported.problems == ()


def test_a_crm_export_is_no_workbook_of_answers(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["Deal", "Owner", "Company", "Churn"])
    book.active.append(["a", "b", "c", "d"])
    path = write(tmp_path, save_book(book))
    assert not is_answers_workbook(path)
    with pytest.raises(AnswersError, match="no workbook of the survey or the matrix"):
        import_answers(make_folder(tmp_path, with_answers=False), path, SURVEY)


def test_an_unknown_way_to_keep_is_refused(folder):
    with pytest.raises(ParameterError, match="mine, theirs"):
        take(folder, export_blank(), keep="mnie")


def test_matrix_decisions_are_untouched_by_a_survey_workbook(folder):
    take(folder, fill(export_blank(), {"overview.employees": 180}))
    assert read_discovery(folder)[0].judgements == ()
