"""What two hostile people typed into every field, through everything that shows or carries it.

Each text is escaped in every page and picture, a text in every spreadsheet, verbatim in every table, and cut with a way
to the rest where it has no end.
"""

import csv
import io
import json
import re
from datetime import date
from html.parser import HTMLParser
from itertools import count
from types import SimpleNamespace
from xml.etree import ElementTree

import openpyxl
import pandas as pd
import pytest
from ipywidgets import Widget

from helpers.analyses.data_dictionary import build_data_dictionary
from helpers.analyses.discovery_review import apply_decisions, review_discovery
from helpers.analyses.profile import build_profile
from helpers.analyses.survey_review import review_survey
from helpers.answers.discovery_editing import DiscoveryEditor
from helpers.answers.editing import ResponseEditor
from helpers.answers.invitations import invite
from helpers.answers.spreadsheet_import import import_answers
from helpers.answers.spreadsheet_layout import name_company
from helpers.answers.store import read_answers
from helpers.answers.survey import read_responses, read_round, write_round
from helpers.model.survey import load_discovery_rules, load_survey
from helpers.present import (
    dictionary_view,
    discovery_view,
    group_view,
    icp_value_view,
    rollup_view,
    stage_view,
    trend_view,
)
from helpers.present.display import Display, show_findings
from helpers.present.forms.matrix_editor import MatrixEditor
from helpers.present.forms.survey_form import SurveyForm
from helpers.present.forms.survey_screens import plan_screens
from helpers.present.outputs import write_table
from helpers.present.profile import show_profile, write_profile_page
from helpers.present.survey_spreadsheet import write_matrix_spreadsheet, write_survey_spreadsheet
from helpers.workshop.embedding import embed_display
from helpers.workshop.page_script import PageScript
from helpers.workshop.people import PeoplePart
from helpers.workshop.people_progress import PeopleProgress
from tests.analyses.survey_cases import make_companies, make_deals
from tests.analyses.test_data_dictionary import map_all
from tests.companies import make_company

SURVEY, RULES = load_survey(), load_discovery_rules()
AS_OF, QUARTER = date(2026, 6, 30), "Q2 2026"
LONG = "x" * 100_000

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "=cmd|' /C calc'!A0",
    *("+1+1", "@SUM(1)"),
    LONG,
    "🙂👩‍👩‍👧‍👦🏳️‍🌈",
    "abc\u202edcba",
    "a\u200bb\u200cc",
    "../../etc/passwd",
    "</script><script>alert(1)</script>",
    *("{{7*7}}{% raw %}", "${x}`${alert(1)}`", "datum.x'];alert(1)//", "datum['y\\']", "C:\\new\\table\\"),
    "\"'`´’",
    "one\ntwo\n\nthree",
    "]]\n[[judgement]]\nlight = 'x'",
    *("NaN", "None", "NULL", "-2+3"),
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "</style><svg onload=alert(1)>",
    *("]]><!--", "&lt;b&gt; &amp;", "|a|b|", "a, b; c"),
]
SHORT = [text for text in HOSTILE if len(text) < 100 and "\n" not in text and not set("\u202e\u200b") & set(text)]
"""Those that may be a name."""

ELEMENTS = set(
    "html head meta title style body main header footer section article div span p b i em small br ul ol li dl dt dd"
    " h1 h2 h3 a q table caption colgroup col thead tbody tr th td details summary figure pre code blockquote button"
    " label svg g path rect text tspan line circle polygon defs clippath".split()
)
NAME = "Brightwater </title><script>alert(1)</script>"

LIMIT = 300_000
"""Characters that one result may have."""


class Reader(HTMLParser):
    """Reads a page as a browser does and notes what would be dangerous in it."""

    def __init__(self):
        super().__init__()
        self.found, self.words = [], []

    def handle_starttag(self, tag, attrs):
        if tag not in ELEMENTS:
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            if name.startswith("on") or (name in ("href", "src", "xlink:href", "action") and is_foreign(value or "")):
                self.found.append(f"{name}={value}")

    def handle_data(self, data):
        self.words.append(data)


def is_foreign(address):
    return not address.startswith(("#", "data:image/"))


def read_html(html, *, also=frozenset()):
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert not [one for one in reader.found if one not in also], reader.found[:5]
    assert not re.search(r"\bundefined\b", "".join(reader.words))
    return "".join(reader.words)


def answer(field, turn):
    """Answer a question, or a column of a grid, with the next hostile text, or with whatever may be chosen."""
    if field.type in ("text", "long_text"):
        return HOSTILE[next(turn) % len(HOSTILE)]
    if field.type in ("number", "currency"):
        return field.minimum if field.minimum is not None else 0.5 if field.unit == "share" else 12
    if field.type == "ranked":
        return [HOSTILE[next(turn) % len(HOSTILE)].strip() for _ in range(field.maximum_items)]
    if field.allowed:
        chosen = list(field.allowed)[next(turn) % len(field.allowed)]
        return [chosen] if field.type == "multiple_choice" else chosen
    raise AssertionError(field.type)


def answer_grid(field, turn):
    rows = [dict(row) for row in field.rows]
    if field.can_add_rows:
        rows += [{} for _ in range(min(field.maximum_rows - len(rows), len(HOSTILE) + 2))]
    return [{column.id: answer(column, turn) for column in field.columns} | row for row in rows]


def fill_in(folder, name, start):
    editor = ResponseEditor(folder, SURVEY, name=name, team="marketing", role=SHORT[start])
    turn = count(start)
    for _, field in SURVEY.fields():
        if field.rows_from:
            continue
        editor.change(field.id, answer_grid(field, turn) if field.type == "grid" else answer(field, turn))
    said = [{"stage": "Proposal", "heard": HOSTILE[start], "field": "note"}, *editor.read("stage_exit").raw]
    editor.change("stage_exit", said)
    fit = [{"attribute": "industry", "good_fit": f"{HOSTILE[0]}, {HOSTILE[3]}", "bad_fit": ", ".join(HOSTILE[1:3])}]
    editor.change("business_fit", fit)
    editor.change("active_customers", 400 * (start + 1))
    rows = editor.secondary_rows()
    notes = [{**row, "is_trackable": "no", "note": HOSTILE[next(turn) % len(HOSTILE)]} for row in rows]
    editor.change("secondary_kpis", notes)
    assert editor.save().status == "saved", editor.problem


def decide(folder, review):
    """Set every light, copy and plan with hostile notes and owners."""
    editor, turn = DiscoveryEditor(folder, by=SHORT[1], quarter=QUARTER), count()
    before = DiscoveryEditor(folder, by=SHORT[0], quarter="Q1 2026")

    def text():
        return HOSTILE[next(turn) % len(HOSTILE)][:20_000]

    for number, cell in enumerate(review.matrix.to_dict("records")[:60]):
        place = {key: cell[key] or "" for key in ("kpi", "dimension", "object")}
        lights = ("available", "unavailable")
        assert before.judge(**place, light=lights[number % 2], note=text()).status == "saved"
        editor.refresh()
        assert editor.judge(**place, light=lights[number % 3 == 0], note=text()).status == "saved"
        before.refresh()
    for copy in review.copies.to_dict("records"):
        edge = (copy["dimension"], copy["from_object"], copy["to_object"])
        assert editor.decide_copy(*edge, "wanted", text()).status == "saved"
    for cell in review.matrix[review.matrix["dimension"] != ""].to_dict("records")[:40]:
        when = ("Q1 2026", text())[next(turn) % 2]
        said = editor.plan(cell["kpi"], cell["dimension"], owner=text(), planned=when, note=text(), effort="small")
        assert said.status in ("saved", "unchanged")
    for name in HOSTILE:
        assert editor.judge(kpi=name[:200], dimension=name[:200], light="available").status in ("saved", "unchanged")
        assert editor.plan(name[:200], name[:200], owner=name[:200]).status in ("saved", "unchanged")


def make_tables():
    """Deals whose products, sources and owners are called what people typed, and open ones beside the closed."""
    closed = pd.concat([make_deals()] * 6, ignore_index=True)
    closed["id"] = [str(number) for number in range(len(closed))]
    closed["product"] = [HOSTILE[number % len(HOSTILE)][:500] for number in range(len(closed))]
    closed["source"] = [HOSTILE[(number + 3) % len(HOSTILE)][:500] for number in range(len(closed))]
    closed["owner"] = [HOSTILE[(number + 7) % len(HOSTILE)][:500] for number in range(len(closed))]
    notes = [None if number % 3 else HOSTILE[number % len(HOSTILE)] for number in range(len(closed))]
    numbers = [f"o{number}" for number in range(len(closed))]
    still = closed.assign(stage="Proposal", closed_at="2026-09-30", id=numbers, note=notes)
    companies = make_companies().assign(industry=HOSTILE[:5], country=HOSTILE[9:14])
    contacts = pd.DataFrame(
        {
            "id": [f"k{number}" for number in range(1, 7)],
            "created_at": "2026-02-01",
            "source": HOSTILE[10:16],
            "company_id": list("abcdab"),
        }
    )
    return {"deal": pd.concat([closed, still], ignore_index=True), "company": companies, "contact": contacts}


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """The company after the round was closed, with everything that is computed of it."""
    folder = tmp_path_factory.mktemp("case")
    (folder / "company.toml").write_text(f"name = {json.dumps(NAME)}\n", encoding="utf-8")
    for start, name in enumerate(SHORT[:2]):
        fill_in(folder, name, start * 7)
    tables = make_tables()
    rollups = {"region": {"of": "country", "values": {HOSTILE[9]: HOSTILE[0]}}}

    def company():
        answers = read_answers(folder)
        settings = {"rollups": rollups}
        made = make_company(tables, name=NAME, currency="EUR", answers=answers, folder=folder, settings=settings)
        return map_all(made)

    decide(folder, review_discovery(company(), RULES, as_of=AS_OF))
    write_round(folder, is_closed=True, based_on=read_round(folder)[0].revision, label=HOSTILE[0])
    found = company()
    assert not found.answers.problems
    survey, discovery = review_survey(found, SURVEY, as_of=AS_OF), review_discovery(found, RULES, as_of=AS_OF)
    profile = build_profile(found, SURVEY, survey, AS_OF, discovery=discovery)
    dictionary = build_data_dictionary(found, as_of=AS_OF, survey=SURVEY)
    return SimpleNamespace(
        folder=folder, company=found, survey=survey, discovery=discovery, profile=profile, dictionary=dictionary
    )


def shows_of(module):
    shows = {name: show for name, show in vars(module).items() if name.startswith("show_")}
    place = module.__name__.split(".")[-1]
    return {f"{place}.{name}": show for name, show in shows.items() if show.__module__ == module.__name__}


OF_SURVEY = {**shows_of(group_view), **shows_of(icp_value_view)}
OF_STAGES = shows_of(stage_view)
OF_DISCOVERY = {**shows_of(discovery_view), **shows_of(rollup_view), **shows_of(trend_view)}
OF_DICTIONARY = shows_of(dictionary_view)
SHOWS = {
    **{name: (show, "survey") for name, show in OF_SURVEY.items()},
    **{name: (show, "stages") for name, show in OF_STAGES.items()},
    **{name: (show, "discovery") for name, show in OF_DISCOVERY.items()},
    **{name: (show, "dictionary") for name, show in OF_DICTIONARY.items()},
    "profile": (show_profile, "profile"),
    "survey findings": (lambda review: show_findings(review.findings, currency="EUR"), "survey"),
    "discovery findings": (lambda review: show_findings(review.findings, currency="EUR"), "discovery"),
}


@pytest.mark.parametrize("name", SHOWS)
def test_nothing_typed_becomes_part_of_a_page_or_picture(case, name):
    show, what = SHOWS[name]
    found = show(case.survey.stage_evidence if what == "stages" else getattr(case, what))
    for shown in found if isinstance(found, list) else [found]:
        assert isinstance(shown, Display)
        bundle = shown._repr_mimebundle_()
        for kind, content in bundle.items():
            assert len(str(content)) < LIMIT, (kind, len(str(content)))
        read_html(bundle.get("text/html", ""))
        if shown.svg:
            read_html(shown.svg)
            ElementTree.fromstring(shown.svg)
        assert "\u202e" not in repr(shown) + shown.html + shown.svg
        placed = embed_display(shown).value
        read_html(placed, also={"<img>"})
        assert len(placed) < 2 * LIMIT


def test_a_text_without_end_is_cut_and_where_answers_stand_side_by_side_it_unfolds(case):
    html = group_view.show_answers(case.survey).html
    whole = re.findall(r"…</span></summary>x{3999}…<br><i>([0-9,]+) more characters in the person's file", html)
    assert whole and set(whole) == {"96,000"}
    for name, (show, what) in SHOWS.items():
        if what == "survey":
            bundle = show(case.survey)._repr_mimebundle_()
            assert not [kind for kind, content in bundle.items() if "x" * 4_000 in str(content)], name


def test_the_profile_stands_on_its_own_page_without_a_script(case):
    page = write_profile_page(case.profile)
    told = read_html(page)
    assert "Brightwater </title><script>" in told and len(page) < LIMIT


def widgets_in(widget):
    yield widget
    for child in getattr(widget, "children", ()) or ():
        yield from widgets_in(child)


def texts_of(widget):
    """Every piece of a widget that a browser takes for markup."""
    if type(widget).__name__ in ("HTML", "HTMLMath"):
        yield widget.value
    if getattr(widget, "description_allow_html", False):
        yield widget.description


def check_widgets(root: Widget):
    for widget in widgets_in(root):
        for html in texts_of(widget):
            read_html(html)
            assert len(html) < LIMIT


def test_the_survey_form_escapes_what_it_shows_on_every_screen(case):
    editor = ResponseEditor(case.folder, SURVEY, name=SHORT[0], team="marketing")
    form = SurveyForm(editor, SURVEY, currency="EUR")
    for screen in plan_screens(SURVEY):
        form.go_to_question(screen.fields[0].id)
        check_widgets(form.widget)
    first = next(field for _, field in SURVEY.fields() if field.type == "text")
    other = ResponseEditor(case.folder, SURVEY, name=SHORT[0], team="marketing")
    assert form.controls[first.id].read() == other.read(first.id).raw


def test_the_matrix_editor_escapes_what_it_shows_in_every_cell(case):
    decisions = DiscoveryEditor(case.folder, by=SHORT[0], quarter=QUARTER)
    editor = MatrixEditor(lambda answers: apply_decisions(case.discovery, answers), decisions)
    check_widgets(editor.widget)


def test_people_are_listed_by_the_names_they_have(case):
    for name in SHORT[2:]:
        if re.search(r"\w{3}", name):
            invite(case.folder, name, role=name)
    where = {"root": "http://127.0.0.1:1", "is_shared": True}
    part = PeoplePart(case.folder, SURVEY, PeopleProgress(case.folder, SURVEY), guide=PageScript(), **where)
    part.look()
    check_widgets(part.widget)
    rows = " ".join(html for widget in widgets_in(part.widget) for html in texts_of(widget))
    assert "&lt;script&gt;" in rows and "{{7*7}}" in rows


def test_a_spreadsheet_holds_texts_and_no_formula_of_theirs(case):
    for response in read_responses(case.folder, SURVEY)[0].values():
        data = write_survey_spreadsheet(SURVEY, response, currency="EUR", company=name_company(case.folder))
        book = openpyxl.load_workbook(io.BytesIO(data))
        check_cells(book)
        back = import_answers(case.folder, data, SURVEY, file="back.xlsx")
        assert back.n_taken == 0 and not back.open_conflicts, [problem.describe() for problem in back.problems]


def test_the_matrix_as_a_spreadsheet_holds_texts_and_no_formula_of_theirs(case):
    review = case.discovery
    data = write_matrix_spreadsheet(
        review.matrix,
        case.company.answers.discovery,
        company=name_company(case.folder),
        quarter=QUARTER,
        primaries=review.primaries,
        copies=review.copies,
        activations=review.activations,
    )
    book = openpyxl.load_workbook(io.BytesIO(data))
    check_cells(book)
    book["Read me"]["C6"] = SHORT[0]
    filled = io.BytesIO()
    book.save(filled)
    back = import_answers(case.folder, filled.getvalue(), SURVEY, quarter=QUARTER, file="back.xlsx")
    assert back.n_taken == 0 and not back.open_conflicts


def check_cells(book):
    formulas = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    assert not [cell.value for cell in formulas if re.search(r"cmd|SUM\(1\)|1\+1|HYPERLINK", str(cell.value))]
    links = [cell.hyperlink for sheet in book for row in sheet.iter_rows() for cell in row if cell.hyperlink]
    assert not [link.target for link in links if link.target]


@pytest.mark.parametrize("name", ["survey", "discovery", "data_dictionary"])
def test_a_table_is_read_back_as_it_was_written(case, tmp_path, name):
    frames = {"survey": case.survey.table, "discovery": case.discovery.matrix, "data_dictionary": case.dictionary}
    frame = frames[name]
    write_table(frame, tmp_path / f"{name}.csv")
    csv.field_size_limit(10**7)
    with (tmp_path / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(frame) > 0 and list(rows[0]) == list(frame.columns)
    for column in frame.columns:
        if not pd.api.types.is_string_dtype(frame[column].dtype):
            continue
        for row, value in zip(rows, frame[column], strict=True):
            assert row[column] == ("" if pd.isna(value) else str(value)), column
