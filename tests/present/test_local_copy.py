"""What a page left when its connection broke is laid back as the person's own typing, and confirmed once on disk."""

import asyncio

import pytest

from helpers.answers.editing import ResponseEditor
from helpers.model.survey import load_survey
from helpers.present.forms.local_copy import read_values
from helpers.present.forms.survey_form import SurveyForm

SURVEY = load_survey()


def open_form(folder, name="Ana Okafor"):
    form = SurveyForm(ResponseEditor(folder, SURVEY, name=name, team="sales"), SURVEY)
    form.go_to_question("active_customers")
    form.heard = []
    form.local_copy.send = form.heard.append
    return form


def say(form, **content):
    form.local_copy._hear(form.local_copy, content, [])


def save(folder, field, raw):
    editor = ResponseEditor(folder, SURVEY, name="Ana Okafor")
    editor.change(field, raw)
    editor.save()


def read(folder, field):
    return ResponseEditor(folder, SURVEY, name="Ana Okafor").read(field)


def confirmed(form):
    return {id: values for message in form.heard for id, values in message.get("saved", {}).items()}


def test_what_was_left_is_saved_shown_and_confirmed(tmp_path):
    save(tmp_path, "active_customers", "300")
    form = open_form(tmp_path)
    say(form, restore={"active_customers": {"base": ["300"], "tried": [["31"]], "mine": ["310"]}})
    assert read(tmp_path, "active_customers").value == 310
    assert form.controls["active_customers"].read() == "310"
    assert confirmed(form) == {"active_customers": ["310"]}
    assert any("brought back as you typed it" in part.value for part in form._banner.children)


def test_an_own_keystroke_that_was_saved_before_the_line_broke_is_no_conflict(tmp_path):
    save(tmp_path, "active_customers", "31")
    form = open_form(tmp_path)
    say(form, restore={"active_customers": {"base": ["300"], "tried": [["3"], ["31"]], "mine": ["310"]}})
    assert not form.editor.conflicts and read(tmp_path, "active_customers").value == 310


def test_an_answer_changed_since_is_a_conflict_with_both_values(tmp_path):
    save(tmp_path, "active_customers", "290")
    form = open_form(tmp_path)
    say(form, restore={"active_customers": {"base": ["300"], "tried": [], "mine": ["310"]}})
    conflict = form.editor.conflicts["active_customers"]
    assert (conflict.mine, conflict.theirs) == ("310", "290")
    assert read(tmp_path, "active_customers").conflict is not None
    assert confirmed(form) == {"active_customers": ["310"]}


def test_rows_of_a_screen_that_is_not_open_are_merged_with_what_is_there(tmp_path):
    save(tmp_path, "products", [{"name": "Flow", "average_deal": "100"}])
    form = open_form(tmp_path)
    base = [[{"name": "Flow"}]]
    mine = [[{"name": "Flow"}, {"name": "Go"}]]
    say(form, restore={"products": {"base": base, "tried": [], "mine": mine}})
    assert read(tmp_path, "products").value == [{"name": "Flow", "average_deal": 100}, {"name": "Go"}]
    assert confirmed(form) == {"products": mine}


def test_what_python_never_heard_is_taken_in_once_more(tmp_path):
    form = open_form(tmp_path)
    say(form, again={"active_customers": {"mine": ["300"]}})
    assert read(tmp_path, "active_customers").value == 300 and confirmed(form) == {"active_customers": ["300"]}


def test_what_python_has_saved_already_is_only_confirmed(tmp_path):
    form = open_form(tmp_path)
    form.controls["active_customers"]._input.value = "300"
    form.heard.clear()
    say(form, again={"active_customers": {"mine": ["300"]}})
    assert confirmed(form) == {"active_customers": ["300"]}


def test_nothing_is_confirmed_before_it_is_on_disk(tmp_path, monkeypatch):
    form = open_form(tmp_path)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("helpers.answers.files.write_bytes", full)
        form.controls["active_customers"]._input.value = "300"
        assert confirmed(form) == {}
    form.autosave.save()
    assert confirmed(form) == {"active_customers": ["300"]}


def type_before_the_next_save(form, field, *texts):
    """Type while an event loop runs, as in a kernel: saving waits for a pause, which is not awaited here."""

    async def type_all():
        for text in texts:
            form.controls[field]._input.value = text

    asyncio.run(type_all())
    form.autosave.save()


def restore_before_the_next_save(form, **entries):
    async def tell():
        say(form, restore=entries)

    asyncio.run(tell())


@pytest.mark.parametrize("left", ["abc", "300"])
def test_what_replaces_a_text_that_was_saved_but_not_confirmed_is_no_conflict(tmp_path, left):
    save(tmp_path, "active_customers", left)
    form = open_form(tmp_path)
    restore_before_the_next_save(form, active_customers={"base": [""], "tried": [], "mine": [left]})
    type_before_the_next_save(form, "active_customers", "70")
    assert not form.editor.conflicts
    assert read(tmp_path, "active_customers").value == 70 and not read(tmp_path, "active_customers").conflict
    assert confirmed(form) == {"active_customers": ["70"]}


@pytest.mark.parametrize("left", ["abc", "300"])
def test_what_is_being_typed_is_not_overtaken_by_what_the_page_has_shown_before(tmp_path, left):
    save(tmp_path, "active_customers", left)
    form = open_form(tmp_path)
    type_before_the_next_save(form, "active_customers", "7")
    restore_before_the_next_save(form, active_customers={"base": [""], "tried": [], "mine": [left]})
    assert form.controls["active_customers"].read() == "7"
    type_before_the_next_save(form, "active_customers", "70")
    assert not form.editor.conflicts and read(tmp_path, "active_customers").value == 70
    assert confirmed(form) == {"active_customers": ["70"]}


@pytest.mark.parametrize("tried", [[], [["7"]]])
def test_what_was_left_and_never_saved_stands_beside_what_is_being_typed(tmp_path, tried):
    save(tmp_path, "active_customers", "300")
    form = open_form(tmp_path)
    type_before_the_next_save(form, "active_customers", "7")
    say(form, restore={"active_customers": {"base": ["300"], "tried": tried, "mine": ["310"]}})
    assert form.controls["active_customers"].read() == "7"
    conflict = form.editor.conflicts["active_customers"]
    assert (conflict.mine, conflict.theirs) == ("7", "310")
    assert form.controls["active_customers"].beside is not None
    assert read(tmp_path, "active_customers").conflict is not None
    assert confirmed(form) == {"active_customers": ["7"]}
    form._resolve("active_customers", "theirs")
    form.autosave.save()
    assert read(tmp_path, "active_customers").value == 310 and not read(tmp_path, "active_customers").conflict


def test_a_row_that_was_left_joins_the_rows_being_typed(tmp_path):
    save(tmp_path, "products", [{"name": "Flow"}])
    form = open_form(tmp_path)
    form.go_to_question("products")
    form.controls["products"].grid.rows = [{"name": "Flow"}, {"name": "Plan"}]
    say(
        form,
        restore={"products": {"base": [[{"name": "Flow"}]], "tried": [], "mine": [[{"name": "Flow"}, {"name": "Go"}]]}},
    )
    names = [row["name"] for row in read(tmp_path, "products").value]
    assert sorted(names) == ["Flow", "Go", "Plan"]
    assert sorted(row["name"] for row in form.controls["products"].read()) == ["Flow", "Go", "Plan"]


def test_what_was_left_stays_in_the_browser_while_it_cannot_be_set_aside(tmp_path, monkeypatch):
    form = open_form(tmp_path)
    type_before_the_next_save(form, "active_customers", "7")
    form.heard.clear()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    left = {"active_customers": {"base": [""], "tried": [], "mine": ["310"]}}
    with monkeypatch.context() as broken:
        broken.setattr("helpers.answers.files.write_bytes", full)
        say(form, restore=left)
    assert confirmed(form) == {}
    say(form, restore=left)
    assert form.editor.conflicts["active_customers"].theirs == "310" and "active_customers" in confirmed(form)


def test_the_key_is_a_persons_own_and_says_no_name(tmp_path):
    owners = {open_form(tmp_path, name).local_copy.owner for name in ("Ana Okafor", "Ben Ito")}
    other = open_form(tmp_path / "other").local_copy.owner
    assert len({*owners, other}) == 3 and not any("ana" in owner for owner in owners)
    assert open_form(tmp_path).local_copy.owner in owners


def test_the_reader_comes_back_to_the_screen_where_they_were(tmp_path):
    form = open_form(tmp_path)
    place = next(id for id, screen in form.route.screens.items() if screen.tab.id == "product")
    say(form, place=place)
    assert form.place == form.local_copy.place == place
    say(form, place="no such screen")
    assert form.place == place


@pytest.mark.parametrize(
    "content",
    [
        None,
        {"restore": 3},
        {"restore": {"active_customers": None, "no_such": {"mine": ["1"]}, "crm": {"mine": "x"}}},
        {"again": {"active_customers": {"mine": [{"a": 1}]}}},
        {"restore": {"respondent.nobody": {"mine": ["x"]}}},
        {"place": 3},
    ],
)
def test_a_message_that_is_none_changes_nothing(tmp_path, content):
    form = open_form(tmp_path)
    form.local_copy._hear(form.local_copy, content, [])
    assert not form.editor.read("active_customers").is_answered


@pytest.mark.parametrize("id", ["active_customers", "crm", "on_track", "motions_used", "top_priorities", "products"])
def test_values_that_a_browser_keeps_mean_what_the_control_holds(tmp_path, id):
    typed = {
        "active_customers": "300",
        "crm": "hubspot",
        "on_track": "no",
        "motions_used": ["partner_led", "sales_led"],
        "top_priorities": ["Grow", "Halve churn"],
        "products": [{"name": "Flow", "average_deal": "100"}],
    }[id]
    save(tmp_path, id, typed)
    form = open_form(tmp_path)
    form.go_to_question(id)
    control = form.controls[id]
    assert read_values(control.field, control.read_watched()) == control.read()
