"""The form as a whole: screens, progress, saving by itself, other windows, earlier versions, damage. No browser."""

import asyncio
import errno
import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from helpers.answers import files
from helpers.answers.editing import Progress, ResponseEditor
from helpers.answers.survey import read_responses, write_round
from helpers.model.survey import load_survey
from helpers.present.display import Display
from helpers.present.forms import autosave
from helpers.present.forms.answer_words import list_differences, say_answer
from helpers.present.forms.attendance import APP_VARIABLE, LAB_VARIABLE, is_attended
from helpers.present.forms.survey_entry import SurveyEntry
from helpers.present.forms.survey_form import SurveyForm, show_survey_form
from helpers.present.forms.survey_screens import FULL, plan_screens, weigh, write_problem

SURVEY = load_survey()
SAMPLE = Path(__file__).resolve().parents[2] / "data" / "samples" / "brightwater" / "answers" / "survey"


@pytest.fixture
def company(tmp_path):
    """A company's folder without any answers."""
    (tmp_path / "answers" / "survey").mkdir(parents=True)
    return tmp_path


def open_form(folder, name="Ana Okafor", team="sales", **options):
    return SurveyForm(ResponseEditor(folder, SURVEY, name=name, team=team), SURVEY, currency="EUR", **options)


def put(form, id, raw):
    """Type into a question's control, as a browser would."""
    form.go_to_question(id)
    control = form.controls[id]
    if hasattr(control, "grid"):
        control.grid.rows = raw
    else:
        control._input.value = raw


def saved_values(folder, id="ana-okafor"):
    return dict(read_responses(folder, SURVEY)[0][id].values)


# --------------------------------------------------------------------------------------------- screens


def test_every_question_stands_on_exactly_one_screen():
    asked = Counter(field.id for screen in plan_screens(SURVEY) for field in screen.fields)
    assert asked == Counter(field.id for _, field in SURVEY.fields())


def test_no_screen_is_a_wall_and_a_large_grid_stands_alone():
    for screen in plan_screens(SURVEY):
        weights = [weigh(field) for field in screen.fields]
        assert sum(weights) <= FULL or all(weight > FULL for weight in weights), screen.id
    by_id = {screen.id: screen for screen in plan_screens(SURVEY)}
    assert [field.id for field in by_id["overview.focus"].fields] == ["focus_areas"]
    assert [screen.step for screen in by_id.values() if screen.tab.id == "overview"] == [1, 2, 3]


def test_a_screens_title_is_its_task():
    titles = {screen.id: screen.title for screen in plan_screens(SURVEY)}
    assert titles["overview.goal"] == "This year's goal" and titles["definitions.mql"] == "MQL and SQL"
    assert titles["definitions.customer"] == "Customer and churn"


def test_continue_leads_through_the_main_tabs_to_the_finish_and_from_there_to_the_others(company):
    form = open_form(company)
    seen = [form.place]
    for _ in range(40):
        if "is-hidden" in form.onward._dom_classes or (form.place == "finish" and "finish" in seen[:-1]):
            break
        form.go(form.route.after(form.place))
        seen.append(form.place)
    core = [screen.id for screen in form.route.screens.values() if screen.tab.is_core]
    others = [screen.id for screen in form.route.screens.values() if not screen.tab.is_core]
    assert seen == ["about", *core, "finish", *others, "finish"]
    form.go(core[1])
    form.back.click()
    assert form.place == core[0]


def test_screens_are_built_when_they_are_first_visited(company):
    form = open_form(company)
    assert set(form.controls) == {"respondent.role", "respondent.team"}
    form.go_to_part("product")
    assert set(form.controls) == {"respondent.role", "respondent.team", "products"}


def test_somebody_who_comes_back_goes_on_where_something_needed_is_missing(company):
    form = open_form(company)
    assert form.place == "about" and form.onward.description == "Begin"
    for id, raw in (("company_name", "Northwind"), ("active_customers", "300"), ("primary_motion", "sales_led")):
        put(form, id, raw)
    again = open_form(company)
    assert again.place == "overview.goal"
    assert again.onward.description == "Continue"


def test_a_link_goes_to_the_question(company):
    form = open_form(company)
    moves = form.guide.moves
    form.go_to_question("revenue_goal")
    assert (form.place, form.guide.field, form.guide.moves) == ("overview.goal", "revenue_goal", moves + 1)


# ---------------------------------------------------------------------------------- answers and saving


def test_what_is_typed_is_on_disk_and_comes_back(company):
    form = open_form(company)
    typed = {
        "company_name": "Northwind", "employees": "1,200", "crm": "hubspot", "net_new_share": "60 %", "on_track": "no",
        "revenue_goal": "12.000.000",
    }  # fmt: skip
    for id, raw in typed.items():
        put(form, id, raw)
    put(form, "top_priorities", [{"item": "Win the US"}, {"item": ""}, {"item": "Halve churn"}])
    put(form, "products", [{"name": "Planner", "cycle_days": "60"}])
    kept = saved_values(company)
    assert kept["net_new_share"] == 0.6 and kept["employees"] == 1200 and kept["revenue_goal"] == 12_000_000
    assert kept["top_priorities"] == ["Win the US", "Halve churn"]
    assert kept["products"] == [{"name": "Planner", "cycle_days": 60}]
    assert form.status.state == "saved" and form.status.at
    again = open_form(company)
    for id in (*typed, "products"):
        again.go_to_question(id)
    assert again.controls["crm"].read() == "hubspot" and again.controls["on_track"].read() == "no"
    assert again.controls["products"].read() == [{"name": "Planner", "cycle_days": "60"}]


def test_what_isnt_allowed_is_told_at_the_field_and_comes_back_as_typed(company):
    form = open_form(company)
    put(form, "employees", "abc")
    assert "is no number" in form.controls["employees"].note.value
    assert "employees" not in saved_values(company)
    again = open_form(company)
    again.go_to_question("employees")
    assert again.controls["employees"].read() == "abc" and "is no number" in again.controls["employees"].note.value
    again.go("finish")
    assert again.finish.list_faulty() == {"employees": "Overview: Employees"}


def test_progress_is_told_per_tab_and_to_whoever_asked(company):
    heard = []
    form = open_form(company, on_progress=heard.append)
    button = form.rail.buttons["overview"]
    assert button.description == f"Overview\n{SURVEY.tabs['overview'].minutes} min"
    put(form, "company_name", "Northwind")
    assert button.description == f"Overview\n1 of {len(SURVEY.tabs['overview'].fields)} answered"
    assert heard[-1]["overview"].answered == 1
    assert "is-done" not in button._dom_classes and "is-10" in button._dom_classes
    put(form, "products", [{"name": "Planner"}])
    assert "is-done" in form.rail.buttons["product"]._dom_classes
    form.rail.show_progress({id: Progress(6, 17) for id in SURVEY.tabs}, is_known=True)
    assert button.description == "Overview\n6 of 17, all needed ones" and "is-done" in button._dom_classes


def test_secondary_kpis_follow_the_primary_ones(company):
    form = open_form(company)
    form.go_to_question("secondary_kpis")
    put(form, "primary_kpis", [{"kpi": "Leads", "partition_1": "Owner", "partition_3": "Source"}])
    rows = form.controls["secondary_kpis"].grid.rows
    assert [(row["secondary"], row["_group"]) for row in rows] == [
        ("Leads by Owner", "Leads"),
        ("Leads by Source", "Leads"),
    ]
    answered = [{**rows[0], "is_trackable": "yes"}, rows[1]]
    put(form, "secondary_kpis", answered)
    put(form, "primary_kpis", [{"kpi": "Leads", "partition_1": "Owner"}, {"kpi": "MQLs", "partition_1": "Owner"}])
    rows = form.controls["secondary_kpis"].grid.rows
    assert [(row["secondary"], row.get("is_trackable", "")) for row in rows] == [
        ("Leads by Owner", "yes"),
        ("MQLs by Owner", ""),
    ]


def test_focus_areas_stand_under_their_four_headings(company):
    form = open_form(company)
    form.go_to_question("focus_areas")
    groups = list(dict.fromkeys(row["_group"] for row in form.controls["focus_areas"].grid.rows))
    assert groups == ["Top of funnel", "Sales conversion", "Renewals and retention", "Technology"]


def test_the_finish_tells_what_is_missing_with_the_way_to_it(company):
    form = open_form(company, team="")
    form.go("finish")
    assert set(form.finish.links) >= {"respondent.team", "company_name", "products", "primary_kpis"}
    assert form.onward.description == "Answer what is missing"
    form.finish.links["products"].click()
    assert form.place == "product.lines"
    form.go("finish")
    form.onward.click()
    assert form.place == "about" and form.guide.field == "respondent-team"


def test_team_and_role_are_answers_too(company):
    form = open_form(company, team="")
    form.go("about")
    form.controls["respondent.team"]._input.value = "marketing"
    form.controls["respondent.role"]._input.value = "CMO"
    response = read_responses(company, SURVEY)[0]["ana-okafor"]
    assert (response.team, response.role) == ("marketing", "CMO")
    assert "Marketing" in form.rail._who.value


def test_names_are_escaped(company):
    form = open_form(company, name="<b>Ana</b> Okafor")
    assert "<b>" not in form.rail._who.value and "<b>" not in form._head.value


# ------------------------------------------------------------------------------------ saving by itself


def wait_until(condition):
    async def wait():
        while not condition():
            await asyncio.sleep(0.005)

    return asyncio.wait_for(wait(), 30)


def test_on_a_running_loop_keystrokes_are_gathered_into_one_save(company, monkeypatch):
    saves = []
    monkeypatch.setattr(autosave, "PAUSE", 0.05)
    monkeypatch.setattr(autosave, "LONGEST", 30)

    async def type_away():
        form = open_form(company)
        save = form.editor.save
        monkeypatch.setattr(form.editor, "save", lambda: saves.append(save()) or saves[-1])
        for end in range(1, 6):
            put(form, "company_name", "North"[:end])
        assert saves == [] and form.status.state == "saving"
        await wait_until(lambda: saves)
        form.close()

    asyncio.run(type_away())
    assert len(saves) == 1 and saved_values(company)["company_name"] == "North"


def test_somebody_who_never_stops_typing_is_saved_too(company, monkeypatch):
    monkeypatch.setattr(autosave, "PAUSE", 1000)
    monkeypatch.setattr(autosave, "LONGEST", 0.02)

    async def type_away():
        form = open_form(company)
        put(form, "company_name", "N")
        put(form, "company_name", "No")
        await wait_until(lambda: form.status.state == "saved")
        form.close()

    asyncio.run(type_away())
    assert saved_values(company)["company_name"] == "No"


def test_a_save_that_fails_is_told_and_tried_again(company, monkeypatch):
    monkeypatch.setattr(autosave, "PAUSE", 0.01)
    monkeypatch.setattr(autosave, "AGAIN", 0.02)
    write = files.write_bytes

    def full_disk(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    async def type_away():
        monkeypatch.setattr(files, "write_bytes", full_disk)
        form = open_form(company)
        put(form, "company_name", "Northwind")
        await wait_until(lambda: form.status.state == "failed")
        assert "Make room on the disk" in form.status.text
        assert not form.controls["company_name"]._input.disabled, "what is typed meanwhile is kept until there is room"
        monkeypatch.setattr(files, "write_bytes", write)
        await wait_until(lambda: form.status.state == "saved")
        form.close()

    asyncio.run(type_away())
    assert saved_values(company)["company_name"] == "Northwind"


def test_what_another_window_saves_appears_by_itself(company, monkeypatch):
    monkeypatch.setattr(autosave, "LOOK", 0.02)

    async def look():
        form = open_form(company)
        form.go_to_question("company_name")
        other = ResponseEditor(company, SURVEY, name="Ana Okafor")
        other.change("company_name", "Northwind")
        other.save()
        await wait_until(lambda: form.controls["company_name"].read() == "Northwind")
        form.close()

    asyncio.run(look())


def test_closing_the_form_saves_what_was_waiting(company):
    async def close():
        form = open_form(company)
        put(form, "company_name", "Northwind")
        form.close()

    asyncio.run(close())
    assert saved_values(company)["company_name"] == "Northwind"


# ----------------------------------------------------------------------- two windows, versions, damage


def disagree(company):
    """Two windows of one person that have answered one question differently."""
    form = open_form(company)
    put(form, "active_customers", "100")
    other = ResponseEditor(company, SURVEY, name="Ana Okafor")
    other.change("active_customers", "200")
    other.save()
    put(form, "active_customers", "300")
    return form


def test_a_conflict_is_shown_at_the_field_and_announced_at_the_top(company):
    form = disagree(company)
    control = form.controls["active_customers"]
    shown = control.beside.children[0].value
    assert "300" in shown and "200" in shown and "another window" in shown
    assert form.status.state == "conflict"
    assert [part.description for part in form._banner.children[1:]] == ["Active customers"]
    form.go("finish")
    form._banner.children[1].click()
    assert form.place == "overview.company" and form.guide.field == "active_customers"


@pytest.mark.parametrize("keep, stays", [("keep_mine", 300), ("take_other", 200)])
def test_the_choice_between_two_answers_is_kept(company, keep, stays):
    form = disagree(company)
    getattr(form._conflicts["active_customers"], keep).click()
    assert form.controls["active_customers"].beside is None and form.controls["active_customers"].read() == str(stays)
    assert form.editor.conflicts == {} and form.status.state == "saved"
    assert "is-hidden" in form._banner._dom_classes
    assert saved_values(company)["active_customers"] == stays


def test_a_conflict_is_there_when_the_screen_is_opened_later(company):
    disagree(company)
    again = open_form(company)
    again.go_to_question("active_customers")
    assert again.controls["active_customers"].beside is not None


def test_an_earlier_version_can_be_looked_at_and_brought_back(company):
    form = open_form(company)
    put(form, "company_name", "First")
    put(form, "company_name", "Second")
    form.go("versions")
    panel = form.versions
    assert len(panel.list.options) >= 1
    panel.list.value = panel.list.options[0][1]
    assert "First" in panel.look.value and "Second" in panel.look.value
    panel.back.click()
    assert form.controls["company_name"].read() == "First"
    assert saved_values(company)["company_name"] == "First"
    assert form.onward.description == "Back to the survey"
    form.onward.click()
    assert form.place == "overview.company"


def test_without_earlier_versions_nothing_is_offered(company):
    form = open_form(company)
    form.go("versions")
    assert "no earlier version" in form.versions.told.value and "is-hidden" in form.versions.back._dom_classes


def test_a_damaged_file_is_told_with_its_line_and_never_written(company):
    path = company / "answers" / "survey" / "ana-okafor.toml"
    damaged = '[respondent]\nname = "Ana Okafor"\nteam = "sales"\n[overview]\nemployees = = 3\n'
    path.write_text(damaged)
    form = open_form(company)
    (message,) = form._banner.children
    assert "answers/survey/ana-okafor.toml, line 5" in message.value and "Mend that line" in message.value
    form.go_to_question("company_name")
    assert form.controls["company_name"]._input.disabled and form.status.state == "failed"
    put(form, "company_name", "Northwind")
    assert path.read_text() == damaged
    path.write_text(damaged.replace("= = 3", "= 3"))
    os.utime(path, ns=(1, 1))
    form.autosave.look()
    assert form.editor.problem == "" and not form.controls["company_name"]._input.disabled
    assert "is-hidden" in form._banner._dom_classes


def test_a_file_that_is_damaged_and_mended_while_it_is_open_opens_again(company):
    form = open_form(company)
    put(form, "company_name", "Northwind")
    path = company / "answers" / "survey" / "ana-okafor.toml"
    good = path.read_text()
    path.write_text(f"{good}\nx = = 3\n")
    form.autosave.look()
    assert form.controls["company_name"]._input.disabled and form.status.state == "failed"
    path.write_text(good)
    form.autosave.look()
    assert form.editor.problem == "" and "is-hidden" in form._banner._dom_classes
    assert not form.controls["company_name"]._input.disabled and form.status.state == "saved"


def test_an_earlier_version_replaces_a_damaged_file_when_somebody_asks_for_it(company):
    form = open_form(company)
    put(form, "company_name", "First")
    put(form, "company_name", "Second")
    path = company / "answers" / "survey" / "ana-okafor.toml"
    path.write_text("damaged = = 1\n")
    again = open_form(company)
    again.go("versions")
    again.versions.list.value = again.versions.list.options[-1][1]
    assert not again.versions.back.disabled
    again.versions.back.click()
    assert again.editor.problem == "" and "is-hidden" in again._banner._dom_classes
    assert saved_values(company)["company_name"] in ("First", "Second")
    again.go_to_question("company_name")
    assert not again.controls["company_name"]._input.disabled


def test_a_name_that_cant_be_kept_is_told(company):
    form = open_form(company, name="")
    assert form.editor.problem and form._banner.children


def test_a_message_without_a_place_is_written_too():
    assert "Type &lt;your&gt; name." in write_problem("type <your> name.")


# -------------------------------------------------------------------------------- words and attendance


def test_differences_of_a_grid_are_told_cell_by_cell():
    products = SURVEY.field("products")
    mine = [{"name": "Planner", "average_deal": "5"}, {"name": "Tracker"}]
    theirs = [{"name": "Planner", "average_deal": "7"}]
    assert list_differences(products, mine, theirs) == [
        ("Planner: Average deal", "5", "7"),
        ("Tracker", "row is there", "no such row"),
    ]
    assert list_differences(products, mine[::-1], mine)[0][0] == "Order of the rows"


def test_answers_are_said_in_words():
    assert say_answer(SURVEY.field("crm"), "hubspot") == "HubSpot"
    assert say_answer(SURVEY.field("top_priorities"), ["A", "B"]) == "1. A  2. B"
    assert say_answer(SURVEY.field("crm"), "") == "no answer"


def test_somebody_is_there_in_the_lab_and_in_the_app_only(monkeypatch):
    monkeypatch.delenv(APP_VARIABLE, raising=False)
    monkeypatch.delenv(LAB_VARIABLE, raising=False)
    assert not is_attended()
    monkeypatch.setenv(LAB_VARIABLE, "/notebooks/01_gtm_survey.ipynb")
    assert is_attended()
    monkeypatch.delenv(LAB_VARIABLE)
    monkeypatch.setenv(APP_VARIABLE, "1")
    assert is_attended()


def test_a_kernel_that_may_ask_nobody_is_not_attended(monkeypatch):
    class Shell:
        class kernel:
            _allow_stdin = False

    monkeypatch.delenv(APP_VARIABLE, raising=False)
    monkeypatch.setenv(LAB_VARIABLE, "/notebooks/01_gtm_survey.ipynb")
    monkeypatch.setitem(__import__("sys").modules, "IPython", type("IPython", (), {"get_ipython": lambda: Shell}))
    assert not is_attended()


def test_unattended_the_survey_is_a_questionnaire(company, monkeypatch):
    monkeypatch.delenv(APP_VARIABLE, raising=False)
    monkeypatch.delenv(LAB_VARIABLE, raising=False)
    shown = show_survey_form(company, SURVEY, currency="EUR")
    assert isinstance(shown, Display) and "questions on" in shown.title
    assert list((company / "answers" / "survey").iterdir()) == []


# ------------------------------------------------------------------------------ the way in, in the lab


@pytest.fixture
def entry(company):
    def open_it(editor):
        return SurveyForm(editor, SURVEY, skip_welcome=True).widget

    return SurveyEntry(company, SURVEY, open_form=open_it)


def press_begin(entry, **held):
    """Let the browser send what stands in the fields, as it does when the button is pressed."""
    entry.guide._handle_custom_msg({"submit": {"name": "", "role": "", "team": "", **held}}, [])


def is_entered(entry):
    return "is-entry" not in entry.widget.children[0]._dom_classes


def test_the_entry_asks_who_somebody_is_and_then_shows_the_form(entry, company):
    entry.controls["name"]._input.value = "Ana Ok"  # the rest is still on its way when the button is pressed
    assert entry.begin.description == "Begin"
    press_begin(entry, name="Ana Okafor", team="Sales", role="VP Sales")
    assert is_entered(entry)
    assert [path.name for path in (company / "answers" / "survey").iterdir()] == [], "nothing was answered yet"


def test_a_name_and_a_team_are_needed(entry):
    press_begin(entry)
    assert "There is no name yet" in entry.controls["name"].note.value
    press_begin(entry, name="Ana Okafor")
    assert "No team is chosen yet" in entry.controls["team"].note.value
    assert not is_entered(entry)


def test_pressing_twice_enters_once(entry):
    for _ in range(2):
        press_begin(entry, name="Ana Okafor", team="Sales")
    assert is_entered(entry)


def test_a_known_name_opens_its_own_answers_without_asking_again(entry, company):
    first = open_form(company)
    put(first, "respondent.team", "sales")
    put(first, "company_name", "Northwind")
    entry.controls["name"]._input.value = "ana okafor"
    assert entry.begin.description == "Continue where I left off"
    press_begin(entry, name="ana okafor")
    assert is_entered(entry)


@pytest.mark.parametrize("content", [None, "x", {}, {"submit": 3}, {"submit": {"name": 5}}])
def test_a_message_that_is_no_submission_is_passed_over(entry, content):
    entry.guide._handle_custom_msg(content, [])
    assert not is_entered(entry)


def test_nobodys_name_is_listed_at_the_entry(company, monkeypatch):
    shutil.copytree(SAMPLE, company / "answers" / "survey", dirs_exist_ok=True)
    monkeypatch.setenv(APP_VARIABLE, "1")
    inside = show_survey_form(company, SURVEY).children[0]
    told = [
        str(value)
        for widget in walk(inside)
        for value in (getattr(widget, "value", ""), getattr(widget, "options", ""))
    ]
    assert not any("Dumont" in text or "Hanna" in text for text in told)


def walk(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)


def test_the_welcome_promises_nobody_s_eyes_only_while_the_round_is_open(company):
    assert "Nobody sees your answers" in open_form(company)._head.value
    said = open_form(company, is_closed=True)._head.value
    assert "Nobody sees" not in said and "the others see at once" in said


def test_a_closed_round_is_told_at_the_finish(company):
    write_round(company, is_closed=True, based_on="")
    form = open_form(company, is_closed=True)
    form.go("finish")
    assert "closed the round" in form.finish.widget.children[-1].value
