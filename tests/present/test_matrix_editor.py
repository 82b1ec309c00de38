"""The matrix that people fill in together: every decision is on disk, the score follows, and nobody is written over."""

import asyncio
import json
from datetime import date
from functools import partial

import pytest

from helpers.analyses.discovery_review import apply_decisions, review_discovery
from helpers.answers.discovery import Judgement, read_discovery
from helpers.answers.discovery_editing import DiscoveryEditor
from helpers.answers.pseudonyms import find_hiding
from helpers.model.survey import load_discovery_rules
from helpers.present import discovery_view
from helpers.present.display import Display
from helpers.present.forms import matrix_editor
from helpers.present.forms.light_matrix import describe_arrows
from helpers.present.forms.matrix_editor import MatrixEditor, show_matrix_editor
from tests.analyses.survey_cases import make_case, make_deals, people
from tests.present.samples import HOSTILE

RULES = load_discovery_rules()
AS_OF = date(2026, 6, 30)
QUARTER = "Q2 2026"


def review_case(**case):
    return review_discovery(make_case(**case), RULES, as_of=AS_OF)


def open_editor(folder, *, by="Ana", review=None, **case):
    review = review or review_case(**case)
    return MatrixEditor(
        lambda answers: apply_decisions(review, answers), DiscoveryEditor(folder, by=by, quarter=QUARTER)
    )


def decisions(folder):
    answers, problems = read_discovery(folder)
    assert not problems
    return answers


def find_cell_button(editor, kpi, dimension):
    row = [row["id"] for row in editor.matrix.rows].index(dimension)
    column = [column["id"] for column in editor.matrix.columns].index(kpi)
    return editor.matrix.cells[row][column]


def all_html(widget):
    """Every piece of page in a widget and in what it holds."""
    own = [widget.value] if type(widget).__name__ == "HTML" else []
    return own + [html for child in getattr(widget, "children", ()) for html in all_html(child)]


def test_the_primaries_stand_across_with_their_objects_and_the_kpi_itself_comes_first(tmp_path):
    matrix = open_editor(tmp_path).matrix
    assert [(column["label"], column["object"]) for column in matrix.columns][4:6] == [
        ("Opportunities", "deal"),
        ("Deals won", "deal"),
    ]
    assert len(matrix.columns) == 8
    assert matrix.rows[0]["label"] == "The KPI itself"
    questions = [row["question"] for row in matrix.rows[1:]]
    assert sorted(questions, key=["who", "what", "where", "when"].index) == questions


def test_every_cell_is_told_in_words(tmp_path):
    """Source is there on 4 of 6 deals."""
    cell = find_cell_button(open_editor(tmp_path), "opportunities", "source")
    assert cell["words"] == "Opportunities by source: adoption needed, filled for 67 %, suggested"
    assert (cell["light"], cell["fill"], cell["mark"]) == ("adoption_needed", "67 %", "")


def test_while_names_are_hidden_no_part_of_the_editor_says_who_decided(tmp_path):
    DiscoveryEditor(tmp_path, by="Ana Okafor", quarter="Q1 2026").judge(
        kpi="opportunities", dimension="source", object="deal", light="available", note="Required since May"
    )
    DiscoveryEditor(tmp_path, by="Ana Okafor", quarter=QUARTER).plan("opportunities", "region", owner="Ben Ito")
    review = review_case()
    editor = DiscoveryEditor(
        tmp_path, by="Cleo", quarter=QUARTER, find_hiding=partial(find_hiding, tmp_path, always=True)
    )
    shown = MatrixEditor(lambda answers: apply_decisions(review, answers), editor)
    shown.open("opportunities", "source")
    owners = [row.owner.value for row in shown.activations.rows.rows]
    said = " ".join([*all_html(shown.widget), json.dumps(shown.matrix.cells), *owners])
    assert shown.evidence.cell["decided_by"].startswith("Person ") and "decided by Person " in said
    assert "Ana" not in said and "Ben" not in said
    tables = (discovery_view.show_decisions, discovery_view.show_activations, discovery_view.show_matrix)
    assert not any("Ana" in repr(show(shown.review)) or "Ben" in repr(show(shown.review)) for show in tables)


def test_a_field_beyond_the_seventh_of_its_question_is_folded(tmp_path):
    more = {f"colour_{i}": ["Red", "Blue"] * 3 for i in range(9)}
    rows = open_editor(tmp_path, deal=make_deals().assign(**more)).matrix.rows
    for question in ("who", "what", "where", "when"):
        of_it = [row["is_folded"] for row in rows if row["question"] == question]
        assert of_it == [False] * min(7, len(of_it)) + [True] * max(0, len(of_it) - 7)
    assert any(row["is_folded"] for row in rows)


def test_a_decision_moves_no_row(tmp_path):
    editor = open_editor(tmp_path)
    before = [row["id"] for row in editor.matrix.rows]
    editor.open("opportunities", "owner")
    editor.evidence.press()
    assert [row["id"] for row in editor.matrix.rows] == before


def test_opening_a_cell_shows_the_evidence_the_suggestion_and_its_reason(tmp_path):
    editor = open_editor(tmp_path)
    editor.matrix.selected = {"row": "source", "column": "opportunities"}
    assert "Opportunities by source" in editor.evidence.head.value
    assert "Filled for 67\N{NO-BREAK SPACE}% only." in editor.evidence.head.value
    for said in ("67\N{NO-BREAK SPACE}%", "6 records", "Mar\N{NO-BREAK SPACE}2026", "Distinct values"):
        assert said in editor.evidence.figures.value
    assert editor.evidence.lights.value == "adoption_needed"
    assert editor.evidence.decide.description == "Confirm suggestion"


def test_every_owner_s_share_folds_out_below_the_evidence(tmp_path):
    """Mia filled source on three of four deals, Tom on one of two."""
    editor = open_editor(tmp_path)
    editor.open("opportunities", "source")
    told = editor.evidence.owners.value.replace("\N{NO-BREAK SPACE}", " ")
    assert "By owner (2)" in told and told.index("Tom") < told.index("Mia")
    assert "50 %" in told and "75 %" in told
    editor.open("opportunities", "method_score")
    assert not editor.evidence.owners.value


def test_a_kpi_as_such_can_be_judged_too(tmp_path):
    editor = open_editor(tmp_path)
    editor.open("opportunities", "")
    editor.evidence.press()
    assert decisions(tmp_path).find(kpi="opportunities").light == "available"


def test_confirming_keeps_the_suggestion_under_the_name_and_the_quarter(tmp_path):
    editor = open_editor(tmp_path)
    editor.open("opportunities", "source")
    editor.evidence.press()
    assert decisions(tmp_path).judgements == (
        Judgement("source", "deal", "opportunities", "adoption_needed", "", "Ana", QUARTER),
    )
    assert find_cell_button(editor, "opportunities", "source")["mark"] == "confirmed"
    assert editor.evidence.decide.description == "Decided" and editor.evidence.decide.disabled
    assert "Decided by Ana, Q2 2026" in editor.evidence.said.value.replace("\N{NO-BREAK SPACE}", " ")


def test_an_override_without_a_note_is_not_written_and_asks_why(tmp_path):
    editor = open_editor(tmp_path)
    editor.open("opportunities", "source")
    editor.evidence.lights.value = "available"
    assert editor.evidence.decide.description == "Override"
    editor.evidence.press()
    assert not decisions(tmp_path).judgements
    assert "note" in editor.evidence.message.value


def test_a_note_that_is_not_saved_yet_waits_for_whoever_comes_back(tmp_path):
    editor = open_editor(tmp_path)
    editor.open("opportunities", "source")
    editor.evidence.lights.value, editor.evidence.note.value = "unavailable", "Half a thought"
    editor.open("opportunities", "product")
    assert (editor.evidence.lights.value, editor.evidence.note.value) == ("available", "")
    editor.open("opportunities", "source")
    assert (editor.evidence.lights.value, editor.evidence.note.value) == ("unavailable", "Half a thought")
    assert "not saved" in editor.evidence.message.value and not decisions(tmp_path).judgements
    editor.evidence.press()
    editor.open("opportunities", "product")
    editor.open("opportunities", "source")
    assert "not saved" not in editor.evidence.message.value
    assert decisions(tmp_path).judgements[0].note == "Half a thought"


def test_the_score_after_an_override_is_what_reading_everything_again_gives(tmp_path):
    editor = open_editor(tmp_path)
    before = editor.review.score
    editor.open("opportunities", "source")
    editor.evidence.lights.value = "available"
    editor.evidence.note.value = "The two without are tests"
    editor.evidence.press()
    again = review_case(discovery=decisions(tmp_path))
    assert editor.review.score == again.score > before
    assert editor.activations.rows.rows
    cell = find_cell_button(editor, "opportunities", "source")
    assert cell["mark"] == "changed"
    assert cell["words"].endswith("available, filled for 67 %, decided by Ana, the CRM suggests adoption needed")
    assert "was" in editor.head.score.value


def test_the_same_judgement_can_hold_for_every_kpi_of_the_object(tmp_path):
    editor = open_editor(tmp_path)
    editor.open("opportunities", "product")
    assert editor.evidence.everywhere.description == "The same for Deals won and Closed revenue"
    editor.evidence.everywhere.value = True
    editor.evidence.press()
    assert {judgement.kpi for judgement in decisions(tmp_path).judgements} == {
        "opportunities",
        "deals_won",
        "revenue_won",
    }
    editor.evidence.back.click()
    assert not decisions(tmp_path).judgements


def test_one_cell_goes_back_to_the_suggestion_and_the_others_stay(tmp_path):
    DiscoveryEditor(tmp_path, by="Ruben", quarter=QUARTER).judge(
        dimension="product", object="deal", light="unavailable", note="Typed by hand"
    )
    editor = open_editor(tmp_path)
    editor.open("opportunities", "product")
    assert editor.evidence.note.value == "Typed by hand" and editor.evidence.back.layout.display == ""
    editor.evidence.back.click()
    assert find_cell_button(editor, "opportunities", "product")["light"] == "available"
    assert find_cell_button(editor, "deals_won", "product")["light"] == "unavailable"
    assert editor.evidence.back.layout.display == "none"


def test_the_press_takes_along_what_the_page_shows_for_the_cell_that_is_open(tmp_path):
    """The last keystrokes of a note may still be on their way when the button's press arrives."""
    editor = open_editor(tmp_path)
    editor.open("opportunities", "source")
    assert 'data-cell="opportunities|source"' in editor.evidence.head.value
    pressed = {"kind": "decide", "cell": "opportunities|source", "light": "available", "note": "Two are tests"}
    editor._on_message(editor.matrix, pressed | {"cell": "deals_won|source"})
    editor._on_message(editor.matrix, pressed | {"light": "green"})
    assert not decisions(tmp_path).judgements
    editor._on_message(editor.matrix, pressed)
    [judgement] = decisions(tmp_path).judgements
    assert (judgement.light, judgement.note) == ("available", "Two are tests")


@pytest.mark.parametrize(("light", "is_written"), [("adoption_needed", True), ("unavailable", False)])
def test_a_key_confirms_at_once_and_overrides_only_with_a_note(tmp_path, light, is_written):
    editor = open_editor(tmp_path)
    editor.matrix.asked = {"row": "source", "column": "opportunities", "light": light, "number": 1}
    assert editor.selected == ("opportunities", "source")
    assert editor.evidence.lights.value == light
    assert bool(decisions(tmp_path).judgements) is is_written


def test_next_undecided_goes_through_wanted_cells_in_the_order_of_the_matrix(tmp_path):
    editor = open_editor(tmp_path)
    seen = []
    for _ in range(3):
        editor.open_next()
        seen.append(editor.selected)
        editor.evidence.press()
    assert len(set(seen)) == 3
    wanted = editor.review.matrix.set_index(["kpi", "dimension"])["is_wanted"]
    assert all(wanted[cell] for cell in seen)
    order = [row["id"] for row in editor.matrix.rows]
    assert sorted(seen, key=lambda cell: order.index(cell[1])) == seen


def test_arrows_run_between_the_columns_of_two_objects_and_from_the_edge_where_one_has_none():
    """Columns: session 0, contact 1–3, deal 4–6, customer 7; source runs from the third contact to the first deal."""
    arrows = {arrow["id"]: arrow for arrow in describe_arrows(review_case())}
    source, industry = arrows["source|contact|deal"], arrows["industry|company|deal"]
    assert (source["start"], source["end"], source["origin"]) == (3.5, 4.5, "")
    assert (industry["start"], industry["end"], industry["origin"]) == (0.0, 4.5, "company")
    back = arrows["product|deal|contact"]
    assert (back["start"], back["end"]) == (4.5, 3.5)


def test_arrows_of_one_row_that_would_cross_get_lanes_of_their_own(tmp_path):
    editor = open_editor(tmp_path)
    editor.editor.decide_copy("source", "company", "customer", "wanted")
    editor.look()
    editor._take_over()
    lanes = {arrow["id"]: arrow["lane"] for arrow in editor.matrix.arrows if arrow["row"] == "source"}
    assert lanes["source|contact|deal"] == lanes["source|deal|customer"] == 0
    assert lanes["source|company|customer"] == 1


def test_a_copy_says_how_many_records_it_would_fill_and_what_was_decided(tmp_path):
    """Five deals belong to a company with an industry: a to d have one but for d; deals 1, 2, 3, 5 and 6 follow it."""
    editor = open_editor(tmp_path)
    editor.copies.rows.rows[2].state.value = "wanted"
    [copy] = decisions(tmp_path).copies
    assert (copy.dimension, copy.from_object, copy.to_object, copy.state) == ("industry", "company", "deal", "wanted")
    [arrow] = [arrow for arrow in editor.matrix.arrows if arrow["id"] == "industry|company|deal"]
    assert arrow["state"] == "wanted" and arrow["count"] == "5"
    assert arrow["words"].startswith("Copy industry from company to deal: wanted")
    assert arrow["words"].endswith("would fill 5 of 6 deals")
    assert editor.tabs["copies"].description == "Copies · 1 of 5 decided"


def test_a_decision_about_a_copy_can_be_taken_back(tmp_path):
    editor = open_editor(tmp_path)
    row = editor.copies.rows.rows[2]
    assert row.take_back.layout.display == "none"
    row.state.value, row.note.value = "wanted", "Reports need it"
    assert row.take_back.layout.display == ""
    row.take_back.click()
    assert decisions(tmp_path).copies == ()
    assert (row.state.value, row.note.value, row.take_back.layout.display) == (None, "", "none")
    assert editor.tabs["copies"].description == "Copies · 0 of 5 decided"


def test_a_copy_that_is_not_listed_can_be_added_and_joins_two_different_objects(tmp_path):
    editor = open_editor(tmp_path)
    panel = editor.copies
    panel.field.value, panel.source.value, panel.target.value = "owner", "deal", "deal"
    panel.add.click()
    assert "two" in panel.problem.value and not decisions(tmp_path).copies
    panel.target.value = "customer"
    panel.add.click()
    [copy] = decisions(tmp_path).copies
    assert (copy.dimension, copy.from_object, copy.to_object) == ("owner", "deal", "customer")
    assert panel.rows.rows[-1].state.value == "wanted"


def test_a_plan_is_for_the_next_quarter_and_three_are_too_many(tmp_path):
    editor = open_editor(tmp_path)
    rows = {row.dimension: row for row in editor.activations.rows.rows}
    first = rows[editor.review.activations["dimension"].iloc[0]]
    first.owner.value = "Ana"
    first.button.click()
    [plan] = decisions(tmp_path).activations
    assert (plan.planned, plan.owner, plan.dimension) == ("Q3 2026", "Ana", first.dimension)
    assert "1 field planned for Q3" in editor.activations.head.value and "enough" in editor.activations.head.value
    assert editor.tabs["activate"].description == "Activate next · 1 planned"
    others = [dimension for dimension in editor.review.activations["dimension"] if dimension != first.dimension]
    for dimension in others[:2]:
        rows[dimension].button.click()
    assert "3 are more than a team adopts" in editor.activations.head.value
    first.button.click()
    assert {plan.dimension for plan in decisions(tmp_path).activations} == set(others[:2])


def test_effort_changes_the_ranking_at_once(tmp_path):
    editor = open_editor(tmp_path)
    best = editor.review.activations["dimension"].iloc[0]
    row = next(row for row in editor.activations.rows.rows if row.dimension == best)
    row.button.click()
    row.effort.value = "large"
    assert editor.review.activations["dimension"].iloc[0] != best
    assert decisions(tmp_path).activations[0].effort == "large"


def test_choosing_a_secondary_kpi_opens_its_cell(tmp_path):
    responses = people(
        ana={
            "primary_kpis": [{"kpi": "Opportunities", "partition_2": "Product"}],
            "secondary_kpis": [{"secondary": "Opportunities by Product", "is_trackable": "no"}],
        }
    )
    editor = open_editor(tmp_path, responses=responses)
    [row] = editor.secondaries.rows.rows
    assert "1 no" in row.told.value and "people say no, the CRM yes" in row.told.value
    row.button.click()
    assert editor.selected == ("opportunities", "product")
    assert editor.matrix.selected == {"row": "product", "column": "opportunities"}
    editor.evidence.press()
    assert decisions(tmp_path).find(kpi="opportunities", dimension="product", object="deal")


def test_a_colleague_who_decided_the_same_cell_is_not_written_over(tmp_path):
    mine, theirs = open_editor(tmp_path), open_editor(tmp_path, by="Ruben")
    for editor in (mine, theirs):
        editor.open("opportunities", "source")
    theirs.evidence.lights.value, theirs.evidence.note.value = "unavailable", "Nobody trusts it"
    theirs.evidence.press()
    mine.evidence.press()
    told = mine.evidence.message.value
    assert "Ruben" in told and "unavailable" in told and "adoption needed" in told
    assert decisions(tmp_path).find(kpi="opportunities", dimension="source", object="deal").by == "Ruben"
    _, overwrite = mine.evidence.choices.children
    overwrite.click()
    assert decisions(tmp_path).find(kpi="opportunities", dimension="source", object="deal").by == "Ana"
    assert not mine.evidence.choices.children


def test_a_colleague_s_decision_can_be_kept(tmp_path):
    mine, theirs = open_editor(tmp_path), open_editor(tmp_path, by="Ruben")
    for editor in (mine, theirs):
        editor.open("opportunities", "source")
    theirs.evidence.lights.value, theirs.evidence.note.value = "unavailable", "Nobody trusts it"
    theirs.evidence.press()
    mine.evidence.press()
    mine.evidence.choices.children[0].click()
    assert mine.evidence.lights.value == "unavailable" and mine.evidence.note.value == "Nobody trusts it"
    assert decisions(tmp_path).find(kpi="opportunities", dimension="source", object="deal").by == "Ruben"


def test_two_people_who_decide_different_cells_both_stay(tmp_path):
    mine, theirs = open_editor(tmp_path), open_editor(tmp_path, by="Ruben")
    mine.open("opportunities", "source")
    theirs.open("opportunities", "product")
    mine.evidence.press()
    theirs.evidence.press()
    assert {judgement.by for judgement in decisions(tmp_path).judgements} == {"Ana", "Ruben"}
    assert mine.look() and not mine.look()
    assert find_cell_button(mine, "opportunities", "product")["mark"] == "confirmed"


def test_what_is_being_typed_stays_when_a_colleague_decides_and_says_so(tmp_path):
    mine, theirs = open_editor(tmp_path), open_editor(tmp_path, by="Ruben")
    for editor in (mine, theirs):
        editor.open("opportunities", "source")
    mine.evidence.note.value = "I think"
    theirs.evidence.press()
    assert mine.look()
    assert mine.evidence.note.value == "I think"
    assert "Ruben set it to adoption needed meanwhile" in mine.evidence.message.value


def test_a_damaged_file_is_told_with_its_line_and_never_written_over(tmp_path):
    (tmp_path / "answers").mkdir()
    file = tmp_path / "answers" / "discovery.toml"
    file.write_text('[[judgement]]\ndimension = "source\n', encoding="utf-8")
    before = file.read_bytes()
    editor = open_editor(tmp_path)
    assert "row 2" in editor.problem.value and editor.matrix.is_disabled
    assert editor.evidence.decide.disabled and editor.copies.add.disabled
    editor.open("opportunities", "source")
    editor.matrix.asked = {"row": "source", "column": "opportunities", "light": "adoption_needed", "number": 1}
    editor.evidence.press()
    assert file.read_bytes() == before
    file.write_text('[[judgement]]\ndimension = "source"\nlight = "available"\n', encoding="utf-8")
    assert editor.look()
    assert not editor.problem.value and not editor.matrix.is_disabled
    assert find_cell_button(editor, "opportunities", "source")["light"] == "available"


def test_a_folder_that_cannot_be_written_gives_a_message(tmp_path):
    (tmp_path / "answers").write_text("no folder", encoding="utf-8")
    editor = open_editor(tmp_path)
    editor.open("opportunities", "source")
    editor.evidence.press()
    told = editor.evidence.message.value + editor.problem.value
    assert "discovery.toml" in told


def test_last_quarter_s_decisions_are_there_and_the_trend_is_told(tmp_path):
    earlier = DiscoveryEditor(tmp_path, by="Ruben", quarter="Q1 2026")
    earlier.judge(dimension="product", object="deal", light="unavailable", note="Typed by hand")
    editor = open_editor(tmp_path)
    assert find_cell_button(editor, "opportunities", "product")["light"] == "unavailable"
    editor.open("opportunities", "product")
    editor.evidence.everywhere.value = True
    editor.evidence.lights.value, editor.evidence.note.value = "available", "A list since May"
    editor.evidence.press()
    told = editor.head.finding.value.replace("\N{NO-BREAK SPACE}", " ")
    assert "Q1 2026 0 % → Q2 2026 100 %, over the 3 cells judged in both" in told
    assert [judgement.quarter for judgement in decisions(tmp_path).judgements].count("Q1 2026") == 1


def test_hostile_names_and_notes_are_text(tmp_path):
    deals = make_deals().assign(owner=HOSTILE, source=[HOSTILE, "Web", None, HOSTILE, None, "Web"])
    DiscoveryEditor(tmp_path, by=HOSTILE, quarter=QUARTER).judge(
        dimension="source", object="deal", light="unavailable", note=HOSTILE
    )
    responses = people(ana={"primary_kpis": [{"kpi": "Opportunities", "partition_1": HOSTILE}]})
    editor = open_editor(tmp_path, by=HOSTILE, responses=responses, deal=deals)
    editor.open("opportunities", "source")
    for screen in ("secondaries", "copies", "activate"):
        editor.go(screen)
    assert "<script" not in "".join(all_html(editor.widget)).replace("&lt;script", "")
    json.dumps([editor.matrix.rows, editor.matrix.cells, editor.matrix.arrows])


def test_a_company_of_answers_alone_shows_what_is_wanted(tmp_path):
    editor = open_editor(tmp_path, deal=make_deals().head(0))
    editor.open("opportunities", "source")
    assert "nothing to measure" in editor.evidence.figures.value
    editor.open("opportunities", "")
    assert not editor.evidence.figures.value, "a number itself has no field to be filled"
    editor.open("opportunities", "source")
    editor.evidence.press()
    assert decisions(tmp_path).judgements


def test_the_form_looks_by_itself_while_the_loop_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(matrix_editor, "LOOK", 0.01)

    async def journey():
        editor = open_editor(tmp_path)
        DiscoveryEditor(tmp_path, by="Ruben", quarter=QUARTER).judge(
            kpi="opportunities", dimension="source", object="deal", light="unavailable", note="No"
        )
        for _ in range(500):
            await asyncio.sleep(0.01)
            if find_cell_button(editor, "opportunities", "source")["mark"]:
                break
        editor.stop()
        return find_cell_button(editor, "opportunities", "source")

    assert asyncio.run(journey())["light"] == "unavailable"


def test_unattended_it_is_the_picture(tmp_path, monkeypatch):
    monkeypatch.setattr(matrix_editor, "is_attended", lambda: False)
    shown = show_matrix_editor(tmp_path, review_case(), rules=RULES, quarter=QUARTER)
    assert isinstance(shown, Display) and shown.svg


def test_attended_it_asks_once_who_decides(tmp_path, monkeypatch):
    monkeypatch.setattr(matrix_editor, "is_attended", lambda: True)
    place = show_matrix_editor(tmp_path, review_case(), rules=RULES)
    [asked] = place.children
    name, go = asked.children[3].children
    go.click()
    assert "name" in asked.children[4].value
    name.value = "  Ana   Okafor "
    go.click()
    [form] = place.children
    assert "Deciding as Ana Okafor for Q2\N{NO-BREAK SPACE}2026" in "".join(all_html(form))
