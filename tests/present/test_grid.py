"""The editable grid's Python side: what a survey's question becomes, and two sides that change rows at once."""

import re

import pytest

from helpers.model.survey import SurveyField, load_survey
from helpers.present import theme
from helpers.present.forms.grid import EditableGrid, list_rows, make_column, make_grid, read_rows
from helpers.present.forms.grid_rows import merge_rows
from helpers.present.forms.save_status import SaveStatus

SURVEY = load_survey()
NAMES = [
    make_column({"id": "name", "label": "Product"}),
    make_column({"id": "price", "label": "Price", "kind": "number"}),
]


class Wire:
    """The line between a grid and its browser: what Python sends is kept, what the browser sends is handed in.

    Attributes:
        grid: The grid.
        sent: The states that Python has sent, oldest first.
    """

    def __init__(self, rows):
        self.grid = EditableGrid(columns=NAMES, rows=rows)
        self.sent = []
        self.grid._send = lambda message, buffers=None: self.sent.append(message.get("state", message))
        self.number = 0

    def type(self, rows, *, revision=None):
        """Hand in an edit that was made knowing a revision; None takes the newest."""
        self.number += 1
        known = self.grid.revision if revision is None else revision
        self.grid.set_state({"rows": rows, "edit": {"writer": "w", "number": self.number, "revision": known}})

    def updates(self):
        """Return what Python has sent apart from echoes of what came in."""
        return [state for state in self.sent if "acknowledged" in state]


# ------------------------------------------------------------ questions


def test_every_grid_of_the_survey_becomes_columns_of_known_kinds():
    for _, field in SURVEY.fields():
        if field.type not in ("grid", "ranked"):
            continue
        grid = make_grid(field, currency="EUR")
        assert grid.label == field.label
        kinds = {column["kind"] for column in grid.columns}
        assert kinds <= {"text", "long_text", "number", "choice", "yes_no"}, field.id
        if field.type == "grid":
            assert [column["id"] for column in grid.columns] == [column.id for column in field.columns]


def test_a_column_carries_unit_help_example_and_choices():
    columns = {column["id"]: column for column in make_grid(SURVEY.field("products"), currency="EUR").columns}
    assert columns["average_deal"]["unit"] == "EUR"
    assert columns["cycle_days"]["unit"] == "days"
    assert columns["name"]["example"] == "Route Planner"
    assert columns["name"]["is_required"]
    assert columns["recurrence"]["choices"] == [["recurring", "Recurring"], ["one_time", "One-time"]]
    assert make_grid(SURVEY.field("stage_exit")).columns[1]["unit"] == "%"


def test_buttons_and_empty_grids_speak_of_what_a_row_is():
    words = {id: make_grid(SURVEY.field(id)) for id in ("products", "primary_kpis", "stage_exit")}
    assert {id: grid.add_label for id, grid in words.items()} == {
        "products": "Add product",
        "primary_kpis": "Add KPI",
        "stage_exit": "Add deal stage",
    }
    assert words["primary_kpis"].empty_label == "No KPIs yet"
    category = SurveyField(id="g", label="G", type="grid", columns=({"id": "c", "label": "Category", "type": "text"},))
    assert make_grid(category).empty_label == "No categories yet"


def test_a_ranked_list_of_few_items_shows_all_its_places():
    field = SURVEY.field("top_priorities")
    grid = make_grid(field)
    assert (grid.is_ranked, grid.can_add, grid.can_remove, grid.can_reorder) == (True, False, False, True)
    assert grid.rows == [{"item": ""}] * 3
    assert list_rows(field, ["a", "b"]) == [{"item": "a"}, {"item": "b"}, {"item": ""}]
    assert read_rows(field, [{"item": "a"}, {"item": " "}, {"item": "b"}]) == ["a", "b"]


def test_a_ranked_list_of_many_items_grows_by_its_button():
    field = SurveyField(id="r", label="R", type="ranked", maximum_items=12)
    grid = make_grid(field)
    assert (grid.rows, grid.can_add, grid.can_remove, grid.maximum_rows) == ([], True, True, 12)


def test_preset_rows_come_first_in_their_order_with_what_was_answered():
    field = SURVEY.field("focus_areas")
    rows = list_rows(field, [{"area": "Renewal prices"}, {"area": "churn", "is_issue": "yes"}])
    assert [row["area"] for row in rows] == [row["area"] for row in field.rows] + ["Renewal prices"]
    churn = next(row for row in rows if row["area"] == "Churn")
    assert churn == {"area": "Churn", "is_issue": "yes", "_fixed": True, "_group": "Renewals and retention"}
    assert rows[-1] == {"area": "Renewal prices"}


def test_generated_rows_stand_under_their_kpi_and_stay():
    field = SURVEY.field("secondary_kpis")
    grid = make_grid(field)
    assert (grid.can_add, grid.can_remove, grid.can_reorder) == (False, False, False)
    assert grid.columns[0]["is_fixed"]
    rows = list_rows(field, [{"secondary": "Leads by Source", "kpi": "Leads", "partition": "Source"}])
    assert rows[0]["_fixed"] and rows[0]["_group"] == "Leads"
    assert read_rows(field, [{**rows[0], "is_trackable": "no"}]) == [
        {"secondary": "Leads by Source", "is_trackable": "no"}
    ]


def test_reading_keeps_every_row_in_its_place_so_that_faults_find_it():
    field = SURVEY.field("products")
    rows = [{}, {"name": "A", "per": "", "average_deal": " "}, {"name": "  ", "_group": "x"}, {"average_deal": "1"}]
    assert read_rows(field, rows) == [{}, {"name": "A"}, {}, {"average_deal": "1"}]


def test_a_preset_name_alone_is_no_answer():
    field = SURVEY.field("focus_areas")
    assert read_rows(field, list_rows(field, None)) == [{}] * 16


def test_an_answer_survives_the_way_into_rows_and_back():
    products = SURVEY.field("products")
    answer = [{"name": "A", "average_deal": "25,000"}, {"name": "B", "per": "year"}]
    assert read_rows(products, list_rows(products, answer)) == answer
    focus = SURVEY.field("focus_areas")
    again = [row for row in read_rows(focus, list_rows(focus, [{"area": "Churn", "is_issue": "no"}])) if row]
    assert again == [{"area": "Churn", "is_issue": "no"}]


# ------------------------------------------------------------ two sides at once

BASE = [{"name": "A", "price": "1"}, {"name": "B", "price": "2"}, {"name": "C", "price": "3"}]


def merge(mine, theirs, base=BASE):
    return merge_rows(base, mine, theirs, key="name")


def test_cells_of_different_rows_both_count():
    mine = [{"name": "A", "price": "9"}, *BASE[1:]]
    theirs = [*BASE[:2], {"name": "C", "price": "8"}]
    assert merge(mine, theirs) == [{"name": "A", "price": "9"}, BASE[1], {"name": "C", "price": "8"}]


def test_cells_of_one_row_both_count_and_of_one_cell_mine():
    mine = [{"name": "A", "price": "9", "note": "x"}, *BASE[1:]]
    theirs = [{"name": "A", "price": "8", "kind": "y"}, *BASE[1:]]
    assert merge(mine, theirs)[0] == {"name": "A", "price": "9", "note": "x", "kind": "y"}


def test_a_name_being_typed_is_the_same_row():
    mine = [{"name": "Ax", "price": "1"}, *BASE[1:]]
    theirs = [{"name": "A", "price": "7"}, *BASE[1:]]
    assert merge(mine, theirs)[0] == {"name": "Ax", "price": "7"}


def test_rows_that_either_side_adds_are_kept_once():
    new, other = {"name": "N"}, {"name": "O"}
    assert merge([*BASE, new], [other, *BASE]) == [other, *BASE, new]
    assert merge([*BASE, new], [*BASE, {"name": "n", "price": "5"}]) == [*BASE, new]


def test_a_removed_row_goes_unless_the_other_side_has_changed_it():
    changed = {"name": "B", "price": "7"}
    assert merge([BASE[0], BASE[2]], BASE) == [BASE[0], BASE[2]]
    assert merge(BASE, [BASE[0], BASE[2]]) == [BASE[0], BASE[2]]
    assert merge([BASE[0], BASE[2]], [BASE[0], changed, BASE[2]]) == [BASE[0], changed, BASE[2]]
    assert merge([BASE[0], changed, BASE[2]], [BASE[0], BASE[2]]) == [BASE[0], changed, BASE[2]]


def test_my_order_stays_and_moved_rows_take_their_changes_along():
    mine = [BASE[2], BASE[0], BASE[1]]
    theirs = [BASE[0], {"name": "B", "price": "7"}, BASE[2]]
    assert merge(mine, theirs) == [BASE[2], BASE[0], {"name": "B", "price": "7"}]


def test_a_cleared_cell_stays_cleared():
    assert merge([{"name": "A", "price": ""}, *BASE[1:]], BASE)[0] == {"name": "A", "price": ""}
    assert merge([{"name": "A"}, *BASE[1:]], BASE)[0] == {"name": "A"}


def test_merging_changes_nothing_that_it_is_given():
    mine, theirs = [dict(row) for row in BASE], [{**BASE[0], "price": "5"}, *BASE[1:]]
    merge(mine, theirs)
    assert mine == BASE


# ------------------------------------------------------------ the line to the browser


def test_an_edit_is_taken_and_acknowledged():
    wire = Wire(BASE)
    wire.type([{"name": "A", "price": "9"}])
    assert wire.grid.rows == [{"name": "A", "price": "9"}]
    assert wire.updates() == [{"acknowledged": {"w": 1}}]


def test_an_edit_that_crosses_a_change_of_python_undoes_nothing():
    wire = Wire(BASE)
    known = wire.grid.revision
    wire.grid.rows = [*BASE[:2], {"name": "C", "price": "8"}]
    wire.type([{"name": "A", "price": "9"}, *BASE[1:]], revision=known)
    merged = [{"name": "A", "price": "9"}, BASE[1], {"name": "C", "price": "8"}]
    assert wire.grid.rows == merged
    last = wire.updates()[-1]
    assert (last["rows"], last["acknowledged"]) == (merged, {"w": 1})
    assert last["revision"] == wire.grid.revision > known


def test_several_edits_that_cross_one_change_undo_nothing():
    wire = Wire(BASE)
    known = wire.grid.revision
    wire.type([{"name": "A", "price": "9"}, *BASE[1:]])
    wire.grid.rows = [{"name": "A", "price": "9"}, BASE[1], {"name": "C", "price": "8"}]
    for text in ("9.", "9.5"):
        wire.type([{"name": "A", "price": text}, *BASE[1:]], revision=known)
    assert wire.grid.rows == [{"name": "A", "price": "9.5"}, BASE[1], {"name": "C", "price": "8"}]


def test_watchers_of_the_rows_see_the_merged_ones_once():
    wire = Wire(BASE)
    known = wire.grid.revision
    wire.grid.rows = [*BASE[:2], {"name": "C", "price": "8"}]
    seen = []
    wire.grid.observe(lambda change: seen.append(change["new"]), "rows")
    wire.type([{"name": "A", "price": "9"}, *BASE[1:]], revision=known)
    assert seen == [[{"name": "A", "price": "9"}, BASE[1], {"name": "C", "price": "8"}]]


def test_rows_that_a_watcher_sets_in_return_know_of_the_edit():
    wire = Wire(BASE)
    wire.grid.observe(lambda change: setattr(wire.grid, "rows", [{"name": "tidy"}]), "rows")
    wire.type([{"name": " tidy "}])
    assert wire.grid.rows == [{"name": "tidy"}]
    update = next(state for state in wire.updates() if "rows" in state)
    assert (update["rows"], update["acknowledged"]) == ([{"name": "tidy"}], {"w": 1})


def test_faults_tell_which_edit_they_know():
    wire = Wire(BASE)
    fault = {"row": 0, "column": "price", "message": "no number"}
    wire.grid.observe(lambda change: setattr(wire.grid, "faults", [fault]), "rows")
    wire.type([{"name": "A", "price": "x"}])
    assert [state["acknowledged"] for state in wire.updates() if "faults" in state] == [{"w": 1}]


def test_an_edit_that_comes_again_counts_once():
    wire = Wire(BASE)
    lost = {"rows": [{"name": "A"}], "edit": {"writer": "w", "number": 1, "revision": wire.grid.revision}}
    wire.grid._handle_custom_msg(lost, [])
    assert wire.grid.rows == [{"name": "A"}]
    wire.grid.set_state({"rows": [{"name": "AB"}], "edit": {**lost["edit"], "number": 2}})
    wire.grid._handle_custom_msg(lost, [])
    assert wire.grid.rows == [{"name": "AB"}]
    assert wire.updates()[-1] == {"acknowledged": {"w": 2}}
    for other in (None, "rows", {"rows": []}):
        wire.grid._handle_custom_msg(other, [])
    assert wire.grid.rows == [{"name": "AB"}]


def test_a_grid_without_a_browser_is_an_ordinary_widget():
    grid = EditableGrid(columns=NAMES)
    grid.set_state({"rows": [{"name": "A"}]})
    assert grid.rows == [{"name": "A"}]


# ------------------------------------------------------------ the note and the heartbeat


def test_every_ping_is_answered():
    status, sent = SaveStatus(), []
    status.send = sent.append
    status._handle_custom_msg({"ping": 7}, [])
    for other in ({"ping": "7"}, {"other": 1}, "ping", None):
        status._handle_custom_msg(other, [])
    assert sent == [{"pong": 7}]
    assert status.beat == 7


def test_the_note_is_sent_as_one_message():
    status, sent = SaveStatus(), []
    status._send = lambda message, buffers=None: sent.append(message["state"])
    status.show("failed", "The disk is full. Free some space.")
    assert sent == [{"state": "failed", "text": "The disk is full. Free some space."}]
    with pytest.raises(Exception, match="state"):
        status.show("perhaps")


# ------------------------------------------------------------ scripts and colours


@pytest.mark.parametrize("path", sorted((theme.TEMPLATES / "forms").glob("*.js")), ids=lambda path: path.name)
def test_no_script_of_a_form_makes_markup_of_text(path):
    found = re.findall(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", path.read_text(encoding="utf-8")
    )
    assert not found, f"{path.name} uses {found[0]}: what people type must reach the page as text"


@pytest.mark.parametrize("name", ["grid", "save_status"])
def test_colours_of_a_page_without_the_theme_are_those_of_the_theme(name):
    sheet = (theme.TEMPLATES / "forms" / f"{name}.css").read_text(encoding="utf-8")
    beside = re.findall(r"var\(--([a-z-]+), (#[0-9a-f]{6})\)", sheet)
    assert beside
    for variable, colour in beside:
        meant = variable.replace("-", "_")
        assert colour in (theme.LIGHT[meant], theme.DARK[meant]), f"--{variable}: {colour}"
    light = {variable for variable, colour in beside if colour == theme.LIGHT[variable.replace("-", "_")]}
    dark = {variable for variable, colour in beside if colour == theme.DARK[variable.replace("-", "_")]}
    assert light == dark
