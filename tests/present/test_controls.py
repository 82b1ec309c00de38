"""Each type of question has a control that takes what people type and shows what is wrong with it."""

import pytest
from ipywidgets import HTML, Checkbox, Combobox, Dropdown, RadioButtons, Text, Textarea

from helpers.answers.editing import FieldState
from helpers.answers.typed import check_raw, normalise, split_answer
from helpers.model.survey import SurveyField
from helpers.present.forms.controls import make_control
from helpers.present.forms.grid import EditableGrid
from helpers.present.forms.shared_layout import SharedLayout

SIZES = {"s": "Small", "m": "Medium"}
MANY = {str(number): f"Number {number}" for number in range(8)}
COLUMNS = (
    {"id": "name", "label": "Product", "type": "text", "required": True},
    {"id": "price", "label": "Price", "type": "currency", "unit": "currency", "minimum": 0},
)


def make(type, heard=None, **about):
    """Make a control together with what it reports."""
    field = SurveyField(id="q", type=type, **{"label": "The question?", **about})
    heard = [] if heard is None else heard
    return make_control(
        field, shared_layout=SharedLayout(), currency="EUR", on_change=lambda id, raw: heard.append((id, raw))
    )


def state_of(field, raw):
    """What an editor says of a raw answer."""
    return FieldState(raw, split_answer(field, normalise(field, raw))[0], check_raw(field, raw))


def widgets_in(control, kind):
    return [part for part in control._parts if isinstance(part, kind)]


@pytest.mark.parametrize(
    "type, about, kind, typed",
    [
        ("text", {}, Text, "Planner"),
        ("text", {"suggestions": ["Region"]}, Combobox, "Country"),
        ("long_text", {}, Textarea, "Two\nlines"),
        ("number", {"unit": "share"}, Text, "60 %"),
        ("currency", {"unit": "currency"}, Text, "1,200,000"),
        ("choice", {"choices": SIZES}, RadioButtons, "m"),
        ("choice", {"choices": MANY}, Dropdown, "5"),
        ("yes_no_unknown", {}, RadioButtons, "unknown"),
    ],
)
def test_what_people_type_or_choose_is_reported_as_they_did_it(type, about, kind, typed):
    heard = []
    control = make(type, heard, **about)
    (input,) = widgets_in(control, kind)
    input.value = typed
    assert heard == [("q", typed)] and control.read() == typed
    assert input.description.startswith("The question?"), "the label is the input's own, so that it is read aloud"


def test_texts_report_every_keystroke():
    for about in ({}, {"suggestions": ["Region"]}):
        assert make("text", **about)._input.continuous_update
    assert make("long_text")._input.continuous_update


def test_showing_an_answer_is_no_change_of_it():
    for type, about, raw in (
        ("text", {}, "Planner"),
        ("choice", {"choices": SIZES}, "s"),
        ("choice", {"choices": MANY}, "2"),
        ("multiple_choice", {"choices": SIZES}, ["m"]),
        ("ranked", {"maximum_items": 3}, ["First", "Second"]),
        ("grid", {"columns": COLUMNS}, [{"name": "Planner", "price": "5"}]),
    ):
        heard = []
        control = make(type, heard, **about)
        control.show(state_of(control.field, raw))
        assert control.read() == raw
        assert heard == []


def test_a_choice_can_be_taken_back():
    heard = []
    control = make("yes_no_unknown", heard)
    assert "is-hidden" in control._clear._dom_classes, "there is nothing to take back yet"
    control._input.value = "no"
    assert "is-hidden" not in control._clear._dom_classes
    control._clear.click()
    assert heard == [("q", "no"), ("q", None)]


def test_a_long_list_begins_with_no_answer_and_can_go_back_to_it():
    heard = []
    control = make("choice", heard, choices=MANY)
    assert control.read() is None and control._input.label == "Choose …"
    control._input.value = "3"
    control._input.value = ""
    assert heard == [("q", "3"), ("q", None)]


def test_something_chosen_that_is_no_longer_offered_shows_as_no_answer():
    for choices in (SIZES, MANY):
        control = make("choice", choices=choices)
        control.show(FieldState("gone", None, (("q", "'gone' can't be chosen.", "Allowed: Small."),)))
        assert control.read() is None and "can&#x27;t be chosen" in control.note.value


def test_several_choices_are_boxes_to_tick():
    heard = []
    control = make("multiple_choice", heard, choices=SIZES)
    boxes = widgets_in(control, Checkbox)
    assert [box.description for box in boxes] == ["Small", "Medium"]
    boxes[1].value = True
    boxes[0].value = True
    boxes[1].value = False
    assert heard == [("q", ["m"]), ("q", ["s", "m"]), ("q", ["s"])]


def test_a_fault_stands_under_the_field_with_its_cure_and_leaves_with_its_cause():
    control = make("number", example="180")
    control.tell(state_of(control.field, "abc"))
    assert 'role="alert"' in control.note.value
    assert "&#x27;abc&#x27; is no number. Write a plain number such as 180." in control.note.value
    assert "is-faulty" in control.widget._dom_classes
    control.tell(state_of(control.field, "181"))
    assert "alert" not in control.note.value and "is-faulty" not in control.widget._dom_classes


def test_a_number_says_how_it_was_understood_where_it_could_be_read_two_ways():
    control = make("currency", unit="currency")
    control.tell(state_of(control.field, "1.200.000"))
    assert "Understood as EUR 1,200,000" in control.note.value
    control.tell(state_of(control.field, "1200000"))
    assert "Understood" not in control.note.value
    share = make("number", unit="share", maximum=1)
    share.tell(state_of(share.field, "60"))
    assert "Understood as 60 %" in share.note.value
    share.tell(state_of(share.field, "60 %"))
    assert "Understood" not in share.note.value


def test_units_stand_beside_the_label():
    assert make("currency", unit="currency")._input.description == "The question? (EUR)"
    assert make("number", unit="share")._input.description == "The question? (in %)"
    assert make("number", unit="days")._input.description == "The question? (days)"
    assert make("number", unit="count")._input.description == "The question?"


def test_help_and_example_stand_at_the_field():
    control = make("text", help="As customers know it.", example="Northwind")
    control.tell(FieldState("", None, ()))
    assert "As customers know it." in control.note.value and "For example:</span> Northwind" in control.note.value


def test_what_needs_an_answer_is_marked():
    assert "is-required" in make("text", required=True).widget._dom_classes
    assert "is-required" not in make("text").widget._dom_classes


@pytest.mark.parametrize("type", ["text", "choice", "multiple_choice", "grid", "ranked"])
def test_nothing_hostile_becomes_part_of_the_page(type):
    evil = "<img src=x onerror=alert(1)>"
    about = {"label": evil, "help": evil, "example": evil}
    about |= {"choices": {"a": evil}} if "choice" in type else {}
    about |= {"columns": COLUMNS} if type == "grid" else {}
    control = make(type, **about)
    control.tell(FieldState(evil, None, (("q", f"'{evil}' is wrong.", evil),)))
    pages = [control.note.value, *(part.value for part in control._parts if isinstance(part, HTML))]
    assert not any("<img" in page for page in pages)
    described = [part for part in control._parts if hasattr(part, "description_allow_html")]
    assert not any(part.description_allow_html for part in described)


def test_a_grid_shows_its_faults_at_their_cells():
    control = make("grid", columns=COLUMNS)
    raw = [{"name": "Planner", "price": "5"}, {"name": "Tracker", "price": "abc"}, {"price": "7"}]
    control.show(state_of(control.field, raw))
    assert isinstance(control.grid, EditableGrid)
    assert [(fault["row"], fault["column"]) for fault in control.grid.faults] == [(1, "price"), (2, "name")]
    assert "is no number" in control.grid.faults[0]["message"]
    assert "is-faulty" not in control.widget._dom_classes, "nothing is wrong with the grid as a whole"


def test_too_many_rows_are_told_under_the_grid():
    control = make("grid", columns=COLUMNS, maximum_rows=1)
    control.show(state_of(control.field, [{"name": "A"}, {"name": "B"}]))
    assert control.grid.faults == [] and "2 rows are too many" in control.note.value


def test_an_edit_of_a_grid_is_reported_without_what_the_grid_notes_for_itself():
    heard = []
    control = make("grid", heard, columns=COLUMNS, rows=[{"name": "Planner"}], part_of={"Planner": "Core"})
    control.show(state_of(control.field, []))
    rows = [dict(row) for row in control.grid.rows]
    rows[0]["price"] = "5"
    control.grid.rows = rows
    assert heard == [("q", [{"name": "Planner", "price": "5"}])]


def test_nobody_can_type_into_a_form_of_a_damaged_file():
    for type, about in (
        ("text", {}),
        ("choice", {"choices": SIZES}),
        ("multiple_choice", {"choices": SIZES}),
        ("grid", {"columns": COLUMNS}),
    ):
        control = make(type, **about)
        control.disable(True)
        inputs = [part for part in control._parts if hasattr(part, "disabled")]
        assert all(part.disabled for part in inputs)
        assert type != "grid" or control.grid.is_disabled
        control.disable(False)
        assert not any(part.disabled for part in inputs)


def test_a_questions_widgets_share_layout_and_style():
    shared_layout = SharedLayout()
    field = SurveyField(id="q", label="Q", type="text")
    one, other = (make_control(field, shared_layout=shared_layout, on_change=lambda *_: None) for _ in range(2))
    assert one._input.layout is other._input.layout and one._input.style is other._input.style
