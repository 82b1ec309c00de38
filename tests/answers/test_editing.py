"""One person fills in the survey: nothing is written before the first change, nothing typed is lost after it."""

import time
import tomllib
from datetime import date

import pytest

from helpers.answers.editing import ResponseEditor
from helpers.answers.store import read_answers
from helpers.answers.survey import read_responses, write_response
from helpers.errors import QuestionError
from helpers.model.survey import SurveyField
from tests.answers.big_survey import Clock, fill_big_survey, make_big_survey, make_survey
from tests.answers.editors import SURVEY, answers_of, open_editor, path_of, put


def test_nothing_is_written_before_the_first_change(tmp_path):
    editor = open_editor(tmp_path, role="CMO")
    editor.read("employees")
    assert editor.save().status == "unchanged" and editor.refresh().status == "unchanged"
    assert not editor.is_dirty and editor.list_versions() == []
    assert list(tmp_path.iterdir()) == []


def test_the_first_change_writes_the_person_too(tmp_path):
    editor = open_editor(tmp_path, role="CMO")
    editor.change("employees", "180")
    assert editor.is_dirty and editor.save().status == "saved" and not editor.is_dirty
    tables = tomllib.loads(path_of(tmp_path).read_text(encoding="utf-8"))
    person = {"name": "Ana Okafor", "team": "marketing", "role": "CMO", "saved_on": date(2026, 9, 30)}
    assert tables == {"respondent": person, "overview": {"employees": 180}}


def test_saving_again_without_a_change_writes_nothing(tmp_path):
    editor = open_editor(tmp_path)
    editor.change("employees", "180")
    editor.save()
    before = path_of(tmp_path).stat()
    editor.change("employees", " 180 ")
    assert editor.save().status == "unchanged"
    after = path_of(tmp_path).stat()
    assert (after.st_ino, after.st_ctime_ns) == (before.st_ino, before.st_ctime_ns) and editor.list_versions() == []


RAWS = [
    ("company_name", "Northwind", "Northwind"),
    ("employees", "1,200", 1200),
    ("revenue_goal", "12,000,000", 12_000_000),
    ("net_new_share", "70 %", 0.7),
    ("founded", "2014", 2014),
    ("crm", "hubspot", "hubspot"),
    ("on_track", "unknown", "unknown"),
    ("top_priorities", ["Win the US", "Halve churn"], ["Win the US", "Halve churn"]),
    ("products", [{"name": "Flow", "average_deal": "25,000"}], [{"name": "Flow", "average_deal": 25_000}]),
]


@pytest.mark.parametrize(("field", "raw", "value"), RAWS)
def test_every_type_of_answer_comes_back_as_it_was_typed(tmp_path, field, raw, value):
    editor = open_editor(tmp_path)
    state = editor.change(field, raw)
    assert (state.raw, state.value, state.faults, state.is_answered) == (raw, value, (), True)
    editor.save()
    again = open_editor(tmp_path).read(field)
    assert (again.raw, again.value) == (raw, value)
    assert answers_of(tmp_path)[field] == value


def test_an_answer_taken_away_is_no_longer_in_the_file(tmp_path):
    editor = open_editor(tmp_path)
    editor.change("employees", "180")
    editor.save()
    editor.change("employees", "")
    editor.save()
    assert answers_of(tmp_path) == {}
    assert open_editor(tmp_path).read("employees").raw == ""


def test_text_that_is_no_number_survives_verbatim_and_counts_nowhere(tmp_path):
    editor = open_editor(tmp_path)
    state = editor.change("employees", "about 200")
    assert state.faults == (("employees", "'about 200' is no number.", "Write a plain number such as 180."),)
    editor.save()
    again = open_editor(tmp_path).read("employees")
    assert again.raw == "about 200" and again.faults == state.faults and not again.is_answered
    answers = read_answers(tmp_path)
    assert dict(answers.survey["ana-okafor"].values) == {} and answers.problems == ()


def test_an_answer_that_becomes_wrong_no_longer_counts_until_it_is_mended(tmp_path):
    editor = open_editor(tmp_path)
    for typed, counted in (("180", {"employees": 180}), ("180 or so", {}), ("185", {"employees": 185})):
        editor.change("employees", typed)
        editor.save()
        assert answers_of(tmp_path) == counted
    assert "drafts" not in tomllib.loads(path_of(tmp_path).read_text(encoding="utf-8"))


def test_unfinished_rows_survive_with_their_faults_and_finished_ones_count(tmp_path):
    rows = [{"name": "Flow", "cycle_days": "soon"}, {"description": "no name yet"}, {"name": "Go", "cycle_days": "30"}]
    editor = open_editor(tmp_path)
    editor.change("products", rows)
    editor.save()
    again = open_editor(tmp_path).read("products")
    assert again.raw == rows
    assert [place for place, _, _ in again.faults] == ["products[1].cycle_days", "products[2].name"]
    assert answers_of(tmp_path)["products"] == [{"name": "Flow"}, {"name": "Go", "cycle_days": 30}]


def test_a_row_just_added_stays_on_the_screen_and_out_of_the_file(tmp_path):
    editor = open_editor(tmp_path)
    state = editor.change("products", [{"name": "Flow"}, {}])
    assert state.raw == [{"name": "Flow"}, {}] and state.faults == ()
    editor.save()
    assert answers_of(tmp_path)["products"] == [{"name": "Flow"}]


def test_preset_rows_are_shown_and_are_no_answer_until_something_is_said(tmp_path):
    editor = open_editor(tmp_path)
    areas = [row["area"] for row in editor.read("focus_areas").raw]
    assert areas[:2] == ["Lead quality", "Lead quantity"] and len(areas) == 16
    rows = [{"area": area} for area in areas]
    assert not editor.change("focus_areas", rows).is_answered
    rows[1] = {"area": "Lead quantity", "is_issue": "yes"}
    rows[0] = {}
    state = editor.change("focus_areas", [*rows, {"area": "Our own", "is_issue": "no"}])
    assert state.value == [{"area": "Lead quantity", "is_issue": "yes"}, {"area": "Our own", "is_issue": "no"}]
    assert [row["area"] for row in state.raw] == [*areas, "Our own"]


def test_faults_count_the_rows_of_the_form_preset_ones_included(tmp_path):
    editor = open_editor(tmp_path)
    rows = [{} for _ in range(16)]
    rows[4] = {"area": "Close rate", "is_issue": "perhaps"}
    state = editor.change("focus_areas", rows)
    assert [place for place, _, _ in state.faults] == ["focus_areas[5].is_issue"]


def test_secondary_kpis_are_generated_under_what_was_answered(tmp_path):
    editor = open_editor(tmp_path)
    editor.change("primary_kpis", [{"kpi": "Leads", "partition_1": "Owner", "partition_3": "Source"}])
    shown = [row["secondary"] for row in editor.read("secondary_kpis").raw]
    assert shown == ["Leads by Owner", "Leads by Source"] and not editor.read("secondary_kpis").is_answered
    editor.change("secondary_kpis", [{}, {"secondary": "Leads by Source", "is_trackable": "no"}])
    editor.save()
    again = open_editor(tmp_path)
    assert again.secondary_rows() == [
        {"secondary": "Leads by Owner", "kpi": "Leads", "partition": "Owner"},
        {"secondary": "Leads by Source", "is_trackable": "no", "kpi": "Leads", "partition": "Source"},
    ]
    again.change("primary_kpis", [{"kpi": "Leads", "partition_1": "Owner"}])
    assert [row["secondary"] for row in again.secondary_rows()] == ["Leads by Owner", "Leads by Source"]


def test_progress_counts_answers_and_names_what_is_missing(tmp_path):
    first = SurveyField(id="a", label="First?", type="text", required=True)
    second = SurveyField(id="b", label="Second?", type="number", required=True)
    editor = open_editor(tmp_path, survey=make_survey(first, second, SurveyField(id="c", label="Third", type="text")))
    assert editor.measure_progress()["overview"].missing == ("First?", "Second?")
    editor.change("a", "x")
    editor.change("b", "not a number")
    progress = editor.measure_progress()["overview"]
    assert (progress.answered, progress.total, progress.missing, progress.is_done) == (1, 3, ("Second?",), False)
    editor.change("b", "2")
    assert editor.measure_progress()["overview"].is_done


def test_team_and_role_are_changed_like_answers_and_given_ones_only_fill_gaps(tmp_path):
    editor = open_editor(tmp_path, role="CMO")
    assert (editor.team, editor.role) == ("marketing", "CMO")
    editor.change("respondent.team", "sales")
    editor.save()
    again = ResponseEditor(tmp_path, SURVEY, name="ana okafor", team="finance", role="CFO")
    assert (again.team, again.role) == ("sales", "CMO") and not again.is_dirty
    assert read_responses(tmp_path, SURVEY)[0]["ana-okafor"].team == "sales"


def test_an_unknown_question_is_refused_with_a_suggestion(tmp_path):
    editor = open_editor(tmp_path)
    for call in (lambda: editor.read("employes"), lambda: editor.change("employes", "3")):
        with pytest.raises(QuestionError, match="Did you mean 'employees'"):
            call()
    with pytest.raises(QuestionError, match="Allowed: mine, theirs"):
        editor.resolve("crm", "ours")


def test_what_is_handed_in_can_be_changed_afterwards_without_effect(tmp_path):
    editor = open_editor(tmp_path)
    rows = [{"name": "Flow", "_group": "x"}]
    editor.change("products", rows)
    rows[0]["name"] = "Other"
    assert editor.read("products").raw == [{"name": "Flow"}]


def test_the_day_of_saving_is_noted_only_where_something_else_changes(tmp_path):
    clock = Clock()
    editor = open_editor(tmp_path, clock=clock)
    editor.change("employees", "3")
    editor.save()
    clock.move(days=2)
    editor.change("employees", "3.0")
    assert editor.save().status == "unchanged"
    assert read_answers(tmp_path).saved_on == date(2026, 9, 30)
    editor.change("employees", "4")
    assert editor.save().at == clock.now
    assert read_answers(tmp_path).saved_on == date(2026, 10, 2)


def test_a_day_that_is_none_is_told_with_its_line(tmp_path):
    put(tmp_path, "[respondent]\nname = 'Ana'\nsaved_on = 'Monday'\n", "ana")
    responses, problems = read_responses(tmp_path, SURVEY)
    assert responses["ana"].saved_on is None
    assert [(p["row"], p["column"]) for p in problems] == [(3, "saved_on")]


def test_answers_written_all_at_once_keep_the_drafts_beside_them(tmp_path):
    editor = open_editor(tmp_path)
    editor.change("employees", "abc")
    editor.change("crm", "zoho")
    editor.save()
    write_response(
        tmp_path, "Ana Okafor", {"founded": 2014}, SURVEY, team="sales", based_on=editor._known.revision,
        saved_on=date(2026, 10, 1),
    )  # fmt: skip
    assert answers_of(tmp_path) == {"founded": 2014}
    assert open_editor(tmp_path).read("employees").raw == "abc"
    assert editor.refresh().changed == ("respondent.team", "founded", "crm")


def test_a_large_survey_comes_back_whole(tmp_path):
    survey = make_big_survey()
    editor = open_editor(tmp_path, survey=survey)
    rows = fill_big_survey(editor)
    assert editor.save().status == "saved"
    again = open_editor(tmp_path, survey=survey)
    assert again.read("products").raw == rows
    assert again.measure_progress()["overview"].answered == 201


def test_a_save_reads_the_file_back_once_and_parses_nothing_else(tmp_path, monkeypatch):
    """What a save costs is one reading of what it wrote; comments are read with care only where there are some."""
    survey = make_big_survey()
    editor = open_editor(tmp_path, survey=survey)
    rows = fill_big_survey(editor)
    editor.save()
    read = []
    monkeypatch.setattr("tomllib.loads", lambda text, loads=tomllib.loads: read.append(len(text)) or loads(text))
    monkeypatch.setattr("tomlkit.parse", lambda _: pytest.fail("nothing here was written by hand"))
    rows[3]["c1"] = "changed"
    editor.change("products", rows)
    assert editor.save().status == "saved"
    assert len(read) == 1


def test_a_save_costs_little_of_the_processor(tmp_path, quick_disk):
    """Sixty products of eight columns and two hundred fields: one typed cell is saved within 60 ms of CPU time."""
    survey = make_big_survey()
    editor = open_editor(tmp_path, survey=survey)
    rows = fill_big_survey(editor)
    editor.save()
    spent = []
    for number in range(7):
        rows[number]["c1"] = f"changed {number}"
        start = time.process_time()
        editor.change("products", rows)
        assert editor.save().status == "saved"
        spent.append(time.process_time() - start)
    assert min(spent) < 0.06
