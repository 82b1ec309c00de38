"""The editable grid in a real browser, without a server: what people type, and what Python is told of it."""

import pytest
from playwright.sync_api import expect

from helpers.model.survey import load_survey
from helpers.present import theme
from helpers.present.forms.grid import EditableGrid, list_rows, make_column, make_grid

SURVEY = load_survey()
COLUMNS = [
    make_column({"id": "name", "label": "Product", "example": "Route Planner", "is_required": True}),
    make_column(
        {"id": "kind", "label": "Kind", "kind": "choice", "choices": [["once", "One-time"], ["often", "Recurring"]]}
    ),
    make_column({"id": "price", "label": "Price", "kind": "number", "unit": "EUR"}),
    make_column({"id": "sold", "label": "Sold?", "kind": "yes_no"}),
    make_column({"id": "note", "label": "Note", "kind": "long_text"}),
]
PRODUCTS = [
    {"name": "Route Planner", "price": "100"},
    {"name": "Dock", "kind": "often"},
    {"name": "Fleet", "sold": "no"},
]


@pytest.fixture
def grid(mount):
    """Mounts a grid of products; keywords change its traits."""

    def put(rows=PRODUCTS, *, style="", **traits):
        traits = {"columns": COLUMNS, "add_label": "Add product", "empty_label": "No products yet", **traits}
        return mount(EditableGrid(rows=rows, **traits), theme=theme.css(), style=style)

    return put


def names(mounted, column="name"):
    """Return a column as the model has it."""
    return [row.get(column, "") for row in mounted.get("rows")]


def paste(page, text):
    """Paste as people do: from the clipboard, by keyboard."""
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    page.keyboard.press("Control+v")


def stop_clock(page):
    """Let time stand still until a test lets it run."""
    page.clock.install(time=0)
    page.clock.pause_at(1000)


def name_of(page, place):
    """Return the input that holds a row's name, which goes by another label as soon as something is typed."""
    return page.locator("th textarea").nth(place)


def focused(page):
    """Return the accessible name of what has the focus."""
    return page.evaluate(
        "(document.activeElement.closest('[role=radiogroup]') || document.activeElement).getAttribute('aria-label')"
        " || document.activeElement.textContent"
    )


# ------------------------------------------------------------ typing


def test_what_is_typed_reaches_the_model_as_whole_rows(page, grid):
    mounted = grid()
    page.get_by_label("Price, Dock").fill("25,000")
    mounted.wait_for("model.saved.length === 1")
    assert mounted.saved[0]["rows"] == [PRODUCTS[0], {**PRODUCTS[1], "price": "25,000"}, PRODUCTS[2]]


def test_keys_in_quick_succession_are_sent_together(page, grid):
    stop_clock(page)
    mounted = grid()
    page.get_by_label("Product, Dock").focus()
    page.keyboard.press("End")
    page.keyboard.type(" Scheduler")
    assert mounted.saved == []
    page.clock.run_for(50)
    assert [patch["rows"][1]["name"] for patch in mounted.saved] == ["Dock Scheduler"]


def test_leaving_a_cell_sends_it_at_once(page, grid):
    stop_clock(page)
    mounted = grid()
    page.get_by_label("Product, Dock").fill("Yard")
    page.keyboard.press("Tab")
    assert names(mounted)[1] == "Yard"
    assert len(mounted.saved) == 1


def test_a_choice_starts_empty_and_is_sent_by_its_id(page, grid):
    mounted = grid()
    select = page.get_by_role("combobox", name="Kind, Route Planner")
    assert select.input_value() == ""
    select.select_option(label="Recurring")
    mounted.wait_for("model.saved.length === 1")
    assert names(mounted, "kind")[0] == "often"
    expect(page.locator(".cell-shown").first).to_have_text("Recurring")


def test_yes_and_no_are_chosen_by_mouse_and_by_key_and_taken_back(page, grid):
    mounted = grid()
    group = page.get_by_role("radiogroup", name="Sold?, Route Planner")
    group.get_by_role("radio", name="Yes").click()
    expect(group.get_by_role("radio", name="Yes")).to_be_checked()
    page.keyboard.press("ArrowRight")
    expect(group.get_by_role("radio", name="No", exact=True)).to_be_checked()
    page.keyboard.press("?")
    expect(group.get_by_role("radio", name="Don't know")).to_be_checked()
    page.keyboard.press("y")
    expect(group.get_by_role("radio", name="Yes")).to_be_focused()
    group.get_by_role("radio", name="Yes").click()
    expect(group.get_by_role("radio", name="Yes")).not_to_be_checked()
    mounted.wait_for("model.get('rows')[0].sold === ''")


def test_a_value_that_is_not_among_the_choices_is_shown_and_kept(page, grid):
    mounted = grid([{"name": "A", "kind": "sometimes", "sold": "perhaps"}])
    assert page.get_by_label("Kind, A").input_value() == "sometimes"
    page.get_by_label("Price, A").fill("1")
    mounted.wait_for("model.saved.length === 1")
    assert mounted.get("rows") == [{"name": "A", "kind": "sometimes", "sold": "perhaps", "price": "1"}]


def test_numbers_and_lists_from_python_are_shown_as_text_and_left_alone(page, grid):
    rows = [{"name": ["A", "B"], "price": 2.5, "note": None, "further": 1}]
    mounted = grid(rows)
    assert page.get_by_label("Product, A, B").input_value() == "A, B"
    assert page.get_by_label("Price, A, B").input_value() == "2.5"
    page.get_by_label("Note, A, B").fill("x")
    mounted.wait_for("model.saved.length === 1")
    assert mounted.get("rows") == [{**rows[0], "note": "x"}]


def test_a_cell_grows_with_its_text_and_nothing_is_cut(page, grid):
    grid()
    area = name_of(page, 1)
    before = area.bounding_box()["height"]
    area.fill("a long name that goes on and on until it needs more than a single line of its narrow column")
    assert area.bounding_box()["height"] > before + 30
    assert area.evaluate("area => area.scrollHeight <= area.clientHeight + 1")


def test_a_line_end_stays_in_a_long_text_and_nowhere_else(page, grid):
    mounted = grid()
    page.get_by_label("Note, Dock").focus()
    page.keyboard.type("one")
    page.keyboard.press("Enter")
    page.keyboard.type("two")
    page.get_by_label("Product, Fleet").fill("Fleet\nCare")
    page.keyboard.press("Tab")
    assert names(mounted, "note")[1] == "one\ntwo"
    assert names(mounted)[2] == "Fleet Care"


def test_suggestions_are_offered_and_others_allowed(page, grid):
    columns = [make_column({"id": "kpi", "label": "KPI", "suggestions": ["Leads", "MQLs"]})]
    mounted = grid([{"kpi": ""}], columns=columns)
    field = page.get_by_label("KPI, row 1")
    offered = page.evaluate(
        "id => [...document.getElementById(id).options].map(one => one.value)", field.get_attribute("list")
    )
    assert offered == ["Leads", "MQLs"]
    field.fill("Demos")
    mounted.wait_for("model.saved.length === 1")
    assert mounted.get("rows") == [{"kpi": "Demos"}]


def test_a_long_text_with_suggestions_is_not_cut_either(page, grid):
    columns = [*COLUMNS, make_column({"id": "by", "label": "By", "suggestions": ["Owner"], "width": 108})]
    text = "Quarter in which the deal was created"
    grid([{"name": "A", "by": text}], columns=columns)
    shown = page.locator(".has-list .cell-sizer")
    assert shown.text_content().strip("\u200b") == text
    assert (
        shown.evaluate("shown => shown.scrollHeight <= shown.clientHeight && getComputedStyle(shown).visibility")
        == "visible"
    )
    page.get_by_label("By, A").focus()
    assert shown.evaluate("shown => getComputedStyle(shown).visibility") == "hidden"


# ------------------------------------------------------------ being read aloud


def test_every_cell_is_named_by_its_column_and_its_row(page, grid):
    grid(label="What do you sell?")
    expect(page.get_by_role("table", name="What do you sell?")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Price EUR")).to_be_visible()
    expect(page.get_by_role("rowheader")).to_have_count(3)
    for kind, name in (("textbox", "Product"), ("combobox", "Kind"), ("textbox", "Price"), ("radiogroup", "Sold?")):
        expect(page.get_by_role(kind, name=f"{name}, Route Planner", exact=True)).to_have_count(1)
    expect(page.get_by_label("Product, Dock")).to_have_attribute("aria-required", "true")


def test_a_row_goes_by_its_new_name_as_soon_as_it_has_one(page, grid):
    grid([{}])
    page.get_by_label("Product, row 1").fill("Yard")
    expect(page.get_by_label("Price, Yard")).to_be_visible()
    expect(page.get_by_role("button", name="Remove Yard")).to_be_visible()


def test_a_fault_stands_under_its_cell_and_belongs_to_it(page, grid):
    mounted = grid()
    field = page.get_by_label("Price, Dock")
    mounted.receive(faults=[{"row": 1, "column": "price", "message": "'abc' is no number."}])
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description("'abc' is no number.")
    fault, cell = page.get_by_text("'abc' is no number.").bounding_box(), field.bounding_box()
    assert fault["y"] >= cell["y"] + cell["height"] - 1
    assert abs(fault["x"] - cell["x"]) < 12
    mounted.receive(faults=[])
    expect(page.get_by_text("'abc' is no number.")).to_have_count(0)
    assert field.get_attribute("aria-invalid") is None


def test_a_fault_stays_with_its_row_when_rows_move(page, grid):
    mounted = grid(faults=[{"row": 1, "column": "price", "message": "No number."}])
    page.get_by_label("Product, Route Planner").focus()
    page.keyboard.press("Alt+ArrowDown")
    expect(page.get_by_label("Price, Dock")).to_have_attribute("aria-invalid", "true")
    mounted.wait_for("model.saved.length === 1")
    assert names(mounted) == ["Dock", "Route Planner", "Fleet"]


def test_faults_of_yesterdays_rows_wait_until_python_knows_todays(page, grid):
    mounted = grid()
    page.get_by_label("Product, Route Planner").focus()
    page.keyboard.press("Control+Delete")
    mounted.wait_for("model.saved.length === 1")
    mounted.receive(faults=[{"row": 1, "column": "price", "message": "No number."}])
    expect(page.get_by_text("No number.")).to_have_count(0)
    edit = mounted.get("edit")
    mounted.receive(acknowledged={edit["writer"]: edit["number"]})
    expect(page.get_by_label("Price, Fleet")).to_have_attribute("aria-invalid", "true")


def test_help_is_shown_in_the_head_of_a_narrow_grid_and_on_focus_in_a_wide_one(page, grid):
    few = [make_column({"id": "a", "label": "A", "help": "What A is."}), make_column({"id": "b", "label": "B"})]
    grid([{}], columns=few)
    expect(page.get_by_text("What A is.")).to_be_visible()
    many = [make_column({"id": f"c{n}", "label": f"C{n}", "help": f"Help {n}."}) for n in range(6)]
    grid([{}], columns=many)
    expect(page.get_by_text("Help 3.")).to_be_hidden()
    button = page.get_by_role("button", name="C3")
    button.focus()
    expect(page.get_by_text("Help 3.")).to_be_visible()
    expect(button).to_have_accessible_description("Help 3.")
    bubble, head = page.get_by_text("Help 3.").bounding_box(), button.bounding_box()
    assert 0 <= bubble["y"] - head["y"] - head["height"] < 16 and abs(bubble["x"] - head["x"]) < 24
    page.keyboard.press("Escape")
    expect(page.get_by_text("Help 3.")).to_be_hidden()


def test_lights_have_a_shape_and_a_word(page, grid):
    columns = [
        make_column({"id": "kpi", "label": "KPI"}),
        make_column({"id": "light", "label": "Today", "kind": "light"}),
    ]
    lights = ["available", "adoption_needed", "unavailable"]
    mounted = grid([{"kpi": light, "light": light} for light in lights], columns=columns)
    assert page.locator(".cell-shown").all_text_contents() == ["●available", "◐adoption needed", "○unavailable"]
    page.get_by_label("Today, available").select_option("unavailable")
    mounted.wait_for("model.saved.length === 1")
    assert names(mounted, "light") == ["unavailable", "adoption_needed", "unavailable"]


# ------------------------------------------------------------ rows


def test_an_empty_grid_says_so_and_offers_the_first_row(page, grid):
    mounted = grid([])
    expect(page.get_by_text("No products yet")).to_be_visible()
    expect(page.get_by_role("table")).to_be_hidden()
    page.get_by_role("button", name="Add product").click()
    assert focused(page) == "Product, row 1"
    expect(page.get_by_text("No products yet")).to_be_hidden()
    mounted.wait_for("model.saved.length === 1")
    assert mounted.get("rows") == [{}]


def test_rows_are_added_up_to_the_maximum(page, grid):
    grid(maximum_rows=4)
    add = page.get_by_role("button", name="Add product")
    add.click()
    expect(add).to_be_disabled()
    expect(page.get_by_text("4 rows at most")).to_be_visible()
    page.keyboard.type("Last")
    page.keyboard.press("Enter")
    expect(page.locator(".grid-row")).to_have_count(4)


def test_a_removed_row_comes_back_to_its_place(page, grid):
    mounted = grid()
    page.get_by_role("button", name="Remove Dock").click()
    expect(page.get_by_role("status")).to_have_text("Removed “Dock”. Undo")
    mounted.wait_for("model.get('rows').length === 2")
    page.get_by_label("Product, Route Planner").fill("Planner")
    page.get_by_role("button", name="Undo").click()
    assert focused(page) == "Product, Dock"
    mounted.wait_for("model.get('rows').length === 3")
    assert mounted.get("rows") == [{"name": "Planner", "price": "100"}, PRODUCTS[1], PRODUCTS[2]]
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)


@pytest.mark.parametrize("way", ["button", "keys"])
def test_control_z_brings_a_removed_row_back(page, grid, way):
    mounted = grid()
    if way == "button":
        page.get_by_role("button", name="Remove Dock").click()
    else:
        page.get_by_label("Price, Dock").focus()
        page.keyboard.press("Control+Delete")
    mounted.wait_for("model.get('rows').length === 2")
    page.keyboard.press("ControlOrMeta+z")
    mounted.wait_for("model.get('rows').length === 3")
    assert mounted.get("rows") == PRODUCTS
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    page.keyboard.press("ControlOrMeta+z")
    assert mounted.get("rows") == PRODUCTS


def test_control_z_brings_the_last_row_back_too(page, grid):
    mounted = grid([{"name": "Flow", "price": "5"}])
    page.get_by_role("button", name="Remove Flow").click()
    mounted.wait_for("model.get('rows').length === 0")
    page.keyboard.press("ControlOrMeta+z")
    mounted.wait_for("model.get('rows').length === 1")
    assert mounted.get("rows") == [{"name": "Flow", "price": "5"}]


def test_control_z_belongs_to_the_text_that_is_being_typed(page, grid):
    mounted = grid()
    page.get_by_role("button", name="Remove Dock").click()
    mounted.wait_for("model.get('rows').length === 2")
    page.get_by_label("Product, Route Planner").click()
    page.keyboard.press("End")
    page.keyboard.type("X")
    page.keyboard.press("ControlOrMeta+z")
    expect(page.get_by_label("Product, Route Planner")).to_have_value("Route Planner")
    mounted.wait_for("model.get('rows')[0].name === 'Route Planner'")
    assert len(mounted.get("rows")) == 2


def test_the_keyboard_removes_a_row_and_goes_on_in_the_next(page, grid):
    mounted = grid()
    page.get_by_label("Price, Dock").focus()
    page.keyboard.press("Control+Delete")
    assert focused(page) == "Price, Fleet"
    page.keyboard.press("Control+Delete")
    assert focused(page) == "Price, Route Planner"
    page.keyboard.press("Control+Delete")
    assert focused(page) == "Add product"
    mounted.wait_for("model.get('rows').length === 0")


def test_an_empty_row_goes_without_ado(page, grid):
    grid([{"name": "A"}, {}])
    page.get_by_role("button", name="Remove row 2").click()
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)


def test_one_tab_stop_per_row_leads_to_its_tools(page, grid):
    grid([{"name": "A"}, {"name": "B"}], columns=COLUMNS[:1])
    page.get_by_label("Product, A").focus()
    page.keyboard.press("Tab")
    assert focused(page) == "Remove A"
    page.keyboard.press("ArrowLeft")
    assert focused(page) == "Move A"
    page.keyboard.press("ArrowDown")
    assert focused(page) == "Move A"
    assert page.locator("textarea").evaluate_all("all => all.map(one => one.value)") == ["B", "A"]


def test_rows_that_can_only_be_read_have_no_tools(page, grid):
    mounted = grid(is_disabled=True)
    expect(page.get_by_role("textbox")).to_have_count(0)
    expect(page.get_by_role("button")).to_have_count(0)
    expect(page.get_by_role("cell", name="Recurring")).to_be_visible()
    mounted.receive(rows=[{"name": "Other", "kind": "once"}])
    expect(page.get_by_role("rowheader", name="Other")).to_be_visible()
    mounted.receive(is_disabled=False)
    expect(page.get_by_label("Product, Other")).to_be_visible()


# ------------------------------------------------------------ order


def test_alt_and_an_arrow_move_a_row_and_leave_the_caret_where_it_is(page, grid):
    mounted = grid()
    name_of(page, 2).evaluate("area => { area.focus(); area.setSelectionRange(2, 2); }")
    page.keyboard.press("Alt+ArrowUp")
    page.keyboard.press("Alt+ArrowUp")
    page.keyboard.type("x")
    mounted.wait_for("model.get('rows')[0].name === 'Flxeet'")
    assert names(mounted) == ["Flxeet", "Route Planner", "Dock"]
    expect(page.get_by_role("status")).to_have_text("“Fleet” is now number 1 of 3.")
    page.keyboard.press("Alt+ArrowUp")
    assert name_of(page, 0).input_value() == "Flxeet"


def test_a_row_is_dragged_to_another_place(page, grid):
    mounted = grid()
    handle = page.get_by_role("button", name="Move Route Planner", exact=True)
    start, end = handle.bounding_box(), page.get_by_label("Product, Fleet").bounding_box()
    page.mouse.move(start["x"] + 8, start["y"] + 8)
    page.mouse.down()
    page.mouse.move(start["x"] + 8, end["y"] + end["height"], steps=4)
    expect(page.locator(".is-below")).to_have_count(1)
    page.mouse.up()
    mounted.wait_for("model.saved.length === 1")
    assert names(mounted) == ["Dock", "Fleet", "Route Planner"]
    assert focused(page) == "Move Route Planner"


def test_escape_ends_a_drag_without_moving(page, grid):
    mounted = grid()
    box = page.get_by_role("button", name="Move Route Planner", exact=True).bounding_box()
    page.mouse.move(box["x"] + 8, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(box["x"] + 8, box["y"] + 200)
    page.keyboard.press("Escape")
    page.mouse.up()
    assert names(mounted) == ["Route Planner", "Dock", "Fleet"]
    expect(page.locator(".is-below, .is-dragged")).to_have_count(0)


def test_a_ranked_list_is_numbered_and_keeps_its_places(page, mount):
    field = SURVEY.field("top_priorities")
    widget = make_grid(field)
    widget.rows = list_rows(field, ["Win the US", "Halve churn"])
    mounted = mount(widget, theme=theme.css())
    assert page.locator("tbody .grid-number").all_text_contents() == ["1", "2", "3"]
    page.get_by_role("textbox").nth(1).focus()
    page.keyboard.press("Alt+ArrowUp")
    mounted.wait_for("model.saved.length === 1")
    assert names(mounted, "item") == ["Halve churn", "Win the US", ""]
    assert page.locator("tbody .grid-number").all_text_contents() == ["1", "2", "3"]
    expect(page.get_by_role("button", name="Add")).to_have_count(0)


# ------------------------------------------------------------ preset rows


@pytest.fixture
def focus_areas(mount):
    """The survey's sixteen focus areas and one that somebody added."""
    field = SURVEY.field("focus_areas")
    widget = make_grid(field)
    widget.rows = list_rows(field, [{"area": "Churn", "is_issue": "yes"}, {"area": "Renewal prices"}])
    return mount(widget, theme=theme.css())


def test_preset_rows_stand_under_their_headings_and_keep_their_names(page, focus_areas):
    headings = page.locator(".grid-group").all_text_contents()
    assert headings == ["Top of funnel", "Sales conversion", "Renewals and retention", "Technology", "Added by you"]
    expect(page.get_by_role("rowheader", name="Lead quality")).to_be_visible()
    expect(page.get_by_label("Area, Lead quality")).to_have_count(0)
    expect(page.get_by_role("button", name="Remove Lead quality")).to_have_count(0)
    expect(page.get_by_label("Area, Renewal prices")).to_be_visible()
    expect(page.get_by_role("button", name="Remove Renewal prices")).to_be_visible()


def test_the_keyboard_cannot_remove_or_move_a_preset_row(page, focus_areas):
    page.get_by_label("In a sentence, Churn").focus()
    page.keyboard.press("Control+Delete")
    page.keyboard.press("Alt+ArrowDown")
    expect(page.locator(".grid-row")).to_have_count(17)
    assert page.locator("th .cell-static").all_text_contents()[8] == "Churn"


def test_a_heading_goes_with_the_last_row_under_it(page, focus_areas):
    page.get_by_role("button", name="Remove Renewal prices").click()
    expect(page.get_by_text("Added by you")).to_have_count(0)


# ------------------------------------------------------------ keyboard


def test_enter_and_the_arrows_go_from_row_to_row(page, grid):
    grid()
    page.get_by_label("Price, Route Planner").focus()
    for key, expected in (
        ("Enter", "Price, Dock"),
        ("ArrowDown", "Price, Fleet"),
        ("Shift+Enter", "Price, Dock"),
        ("ArrowUp", "Price, Route Planner"),
        ("ArrowUp", "Price, Route Planner"),
    ):
        page.keyboard.press(key)
        assert focused(page) == expected, key


def test_enter_in_the_last_row_adds_one(page, grid):
    mounted = grid()
    page.get_by_label("Price, Fleet").focus()
    page.keyboard.press("Enter")
    assert focused(page) == "Product, row 4"
    page.keyboard.press("Enter")
    expect(page.locator(".grid-row")).to_have_count(4)
    page.keyboard.type("Yard")
    mounted.wait_for("model.get('rows').length === 4 && model.get('rows')[3].name === 'Yard'")


def test_arrows_leave_choices_alone_until_they_are_unfolded(page, grid):
    mounted = grid()
    page.get_by_label("Kind, Route Planner").focus()
    page.keyboard.press("ArrowDown")
    assert focused(page) == "Kind, Dock"
    assert names(mounted, "kind") == ["", "often", ""]
    page.keyboard.press("o")
    mounted.wait_for("model.get('rows')[1].kind === 'once'")


def test_arrows_move_the_caret_in_a_text_of_many_lines_first(page, grid):
    grid([{"name": "A", "note": "one\ntwo\nthree"}, {"name": "B"}])
    area = page.get_by_label("Note, A")
    area.evaluate("area => { area.focus(); area.setSelectionRange(0, 0); }")
    page.keyboard.press("ArrowDown")
    assert area.evaluate("area => area.selectionStart") == 4
    assert focused(page) == "Note, A"
    area.evaluate("area => area.setSelectionRange(13, 13)")
    page.keyboard.press("ArrowDown")
    page.wait_for_function("document.activeElement.getAttribute('aria-label') === 'Note, B'")


def test_a_notebook_gets_no_keys_that_are_meant_for_a_choice(page, grid):
    """JupyterLab looks for this mark on what has the focus; without it "dd" deletes the cell that holds the form."""
    grid()
    for place in (page.get_by_label("Kind, Dock"), page.get_by_role("button", name="Add product")):
        place.focus()
        assert page.evaluate("document.activeElement.hasAttribute('data-lm-suppress-shortcuts')")


def test_saving_by_hand_sends_what_is_typed_and_saves_no_page(page, grid):
    stop_clock(page)
    mounted = grid()
    page.evaluate("addEventListener('keydown', event => { window.stopped = event.defaultPrevented; })")
    page.get_by_label("Price, Dock").fill("5")
    page.keyboard.press("Control+s")
    assert names(mounted, "price")[1] == "5"
    assert page.evaluate("window.stopped")


# ------------------------------------------------------------ paste


def test_a_block_from_a_spreadsheet_fills_cells_and_adds_rows(page, grid):
    mounted = grid([{"name": "A"}])
    page.get_by_label("Product, A").focus()
    paste(page, 'X\trecurring\t1,000\tYES\t"two\nlines"\r\n19" rack\tOne-time\t2\tn\tsaid ""so""\r\n')
    mounted.wait_for("model.saved.length === 1")
    assert mounted.get("rows") == [
        {"name": "X", "kind": "often", "price": "1,000", "sold": "yes", "note": "two\nlines"},
        {"name": '19" rack', "kind": "once", "price": "2", "sold": "no", "note": 'said ""so""'},
    ]
    expect(page.get_by_role("status")).to_have_text("Filled 10 cells. Undo")
    page.get_by_role("button", name="Undo").click()
    mounted.wait_for("model.get('rows').length === 1")
    assert names(mounted) == ["A"]
    assert page.get_by_label("Price, A").input_value() == ""


def test_rows_beyond_the_maximum_are_left_out_and_counted(page, grid):
    mounted = grid([{"name": "A"}], maximum_rows=3)
    page.get_by_label("Product, A").focus()
    paste(page, "\n".join(f"P{n}" for n in range(1, 6)))
    mounted.wait_for("model.saved.length === 1")
    assert names(mounted) == ["P1", "P2", "P3"]
    expect(page.get_by_role("status")).to_contain_text("2 rows were left out: 3 at most.")


def test_what_cannot_be_chosen_is_left_and_named(page, grid):
    mounted = grid([{"name": "A", "kind": "often"}])
    page.get_by_label("Product, A").focus()
    paste(page, "B\tmonthly\t5\tno\tn\tbeyond")
    mounted.wait_for("model.saved.length === 1")
    assert mounted.get("rows")[0] == {"name": "B", "kind": "often", "price": "5", "sold": "no", "note": "n"}
    expect(page.get_by_role("status")).to_contain_text("1 cell was left as before: “monthly” isn't among the choices.")
    expect(page.get_by_role("status")).to_contain_text("1 cell beyond the last column left out.")


def test_a_pasted_head_is_no_row(page, grid):
    mounted = grid([{"name": "A"}])
    page.get_by_label("Product, A").focus()
    paste(page, "Product\tKind\nX\tRecurring")
    mounted.wait_for("model.saved.length === 1")
    assert mounted.get("rows") == [{"name": "X", "kind": "often"}]


def test_one_cell_from_a_spreadsheet_is_pasted_at_the_caret(page, grid):
    mounted = grid([{"name": "Planner"}])
    page.get_by_label("Product, Planner").evaluate("area => { area.focus(); area.setSelectionRange(0, 0); }")
    paste(page, "Route \n")
    mounted.wait_for("model.saved.length === 1")
    assert names(mounted) == ["RoutePlanner"]


def test_preset_names_are_not_pasted_over(page, focus_areas):
    page.get_by_role("radiogroup", name="Is it an issue?, Lead quality").get_by_role("radio", name="Yes").focus()
    paste(page, "yes\tno\nno\tyes")
    focus_areas.wait_for("model.saved.length === 1")
    rows = focus_areas.get("rows")
    assert [(row["area"], row["is_issue"], row["data_quality"]) for row in rows[:2]] == [
        ("Lead quality", "yes", "no"),
        ("Lead quantity", "no", "yes"),
    ]


# ------------------------------------------------------------ changes from Python


def test_an_update_leaves_the_cell_that_is_typed_in_alone(page, grid):
    stop_clock(page)
    mounted = grid()
    area = name_of(page, 1)
    area.evaluate("area => { area.focus(); area.setSelectionRange(1, 1); }")
    page.keyboard.type("ab")
    mounted.receive(
        rows=[{"name": "Route Planner", "price": "7"}, {"name": "Dock", "price": "8"}, {"name": "New"}], revision=1
    )
    assert area.input_value() == "Dabock"
    assert area.evaluate("area => [area === document.activeElement, area.selectionStart]") == [True, 3]
    assert page.get_by_label("Price, Route Planner").input_value() == "7"
    page.clock.run_for(50)
    assert mounted.get("rows")[1] == {"name": "Dabock", "price": "8"}
    assert mounted.get("edit")["revision"] == 1


def test_rows_that_arrive_above_do_not_move_the_focus(page, grid):
    mounted = grid()
    page.get_by_label("Price, Dock").focus()
    page.keyboard.type("5")
    mounted.wait_for("model.saved.length === 1")
    edit = mounted.get("edit")
    known = {"acknowledged": {edit["writer"]: edit["number"]}, "revision": 1}
    mounted.receive(rows=[{"name": "New"}, PRODUCTS[0], {**PRODUCTS[1], "price": "5"}], **known)
    assert focused(page) == "Price, Dock"
    page.keyboard.type("6")
    mounted.wait_for("model.saved.length === 2")
    assert mounted.get("rows") == [{"name": "New"}, PRODUCTS[0], {**PRODUCTS[1], "price": "56"}]


def test_another_value_for_a_cell_in_use_is_shown_when_the_caret_has_left(page, grid):
    mounted = grid()
    area = name_of(page, 1)
    area.focus()
    page.keyboard.press("End")
    page.keyboard.type("1")
    mounted.wait_for("model.saved.length === 1")
    edit = mounted.get("edit")
    rows = [PRODUCTS[0], {"name": "Yard"}, PRODUCTS[2]]
    mounted.receive(rows=rows, acknowledged={edit["writer"]: edit["number"]}, revision=1)
    assert area.input_value() == "Dock1"
    page.keyboard.press("Tab")
    assert area.input_value() == "Yard"
    assert len(mounted.saved) == 1


def test_an_update_that_does_not_know_of_a_new_row_does_not_take_it_away(page, grid):
    mounted = grid()
    page.get_by_role("button", name="Add product").click()
    page.keyboard.type("Yard")
    mounted.wait_for("model.saved.length >= 1")
    mounted.receive(rows=[*PRODUCTS[:2], {"name": "Fleet", "price": "1"}], revision=1)
    assert page.get_by_label("Product, Yard").input_value() == "Yard"
    assert focused(page) == "Product, Yard"


def test_an_empty_row_in_use_survives_an_update(page, grid):
    mounted = grid()
    page.get_by_role("button", name="Add product").click()
    mounted.wait_for("model.saved.length === 1")
    edit = mounted.get("edit")
    mounted.receive(rows=PRODUCTS[:2], acknowledged={edit["writer"]: edit["number"]}, revision=1)
    assert focused(page).startswith("Product, row")
    expect(page.locator(".grid-row")).to_have_count(3)


def test_typing_and_updates_keep_every_other_element_as_it_was(page, grid):
    """Sixty rows of eight columns: nothing is drawn anew for a keystroke or for one changed cell."""
    columns = [make_column({"id": f"c{n}", "label": f"C{n}"}) for n in range(8)]
    rows = [{f"c{n}": f"{row}-{n}" for n in range(8)} for row in range(60)]
    mounted = grid(rows, columns=columns)
    page.evaluate(
        "() => { window.drawn = 0; new MutationObserver(all => { for (const one of all) window.drawn +="
        " [...one.addedNodes].filter(node => node.nodeType === 1).length; })"
        ".observe(document.body, { subtree: true, childList: true }); }"
    )
    page.get_by_label("C1, 30-0").focus()
    page.keyboard.type("abc")
    mounted.wait_for("model.saved.length >= 1")
    changed = mounted.get("rows")
    changed[50]["c7"] = "other"
    edit = mounted.get("edit")
    mounted.receive(rows=changed, acknowledged={edit["writer"]: edit["number"]}, revision=1)
    assert page.get_by_label("C7, 50-0").input_value() == "other"
    assert page.evaluate("window.drawn") == 0


def test_a_view_that_is_closed_sends_what_is_left_and_listens_no_more(page, grid):
    stop_clock(page)
    mounted = grid()
    page.get_by_label("Product, Dock").fill("Yard")
    mounted.unmount()
    assert names(mounted)[1] == "Yard"
    mounted.receive(rows=[])
    assert page.locator(".editable-grid").count() == 0
    assert page.evaluate("window.models[0].handlers.length") == 0


def test_what_python_does_not_acknowledge_is_sent_again_until_it_does(page, grid):
    stop_clock(page)
    mounted = grid()
    page.get_by_label("Price, Dock").fill("5")
    page.clock.run_for(3000)
    assert mounted.sent == []
    page.clock.run_for(6000)
    assert [message["rows"][1]["price"] for message in mounted.sent] == ["5", "5"]
    edit = mounted.sent[0]["edit"]
    mounted.receive(acknowledged={edit["writer"]: edit["number"]})
    page.clock.run_for(20_000)
    assert len(mounted.sent) == 2


def test_a_page_that_is_left_sends_what_is_typed(page, grid):
    stop_clock(page)
    mounted = grid()
    page.get_by_label("Product, Dock").fill("Yard")
    page.evaluate("window.dispatchEvent(new Event('pagehide'))")
    assert names(mounted)[1] == "Yard"


# ------------------------------------------------------------ hostile text and width

HOSTILE = (
    *('<img src=x onerror="document.title=1">', "<script>document.title=1</script>", "=1+1", "../../etc/passwd", "NaN"),
    *("مرحبا بالعالم", "👩‍👩‍👧‍👦", "\u202eabc", '"><svg onload=document.title=1>', "{{7*7}}", "a" * 5000),
)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:16])
def test_whatever_is_typed_is_only_text(page, grid, text):
    columns = [*COLUMNS, make_column({"id": "f", "label": "Fixed", "is_fixed": True})]
    mounted = grid([{"name": text, "note": text, "f": text, "_group": text}], columns=columns)
    mounted.receive(faults=[{"row": 0, "column": "name", "message": text}])
    assert page.locator("th textarea").input_value() == text
    assert page.locator("td .cell-static").text_content() == text
    assert page.locator(".grid-group").text_content() == text
    page.locator(".row-remove").click()
    assert page.locator(".editable-grid").locator("img, script, svg").count() == 0
    assert page.title() == "Test"


def test_a_hundred_thousand_signs_stay_in_their_cell(page, grid):
    grid([{"name": "A", "note": "long " * 20_000}], style="body{margin:0;width:976px}")
    assert page.get_by_label("Note, A").bounding_box()["height"] < 300
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


GRIDS = [field.id for _, field in SURVEY.fields() if field.type in ("grid", "ranked")]


@pytest.mark.parametrize("id", GRIDS)
def test_every_grid_of_the_survey_fits_beside_the_rail_of_a_laptop(page, mount, id):
    widget = make_grid(SURVEY.field(id), currency="EUR")
    widget.rows = widget.rows or [{}]
    mounted = mount(widget, theme=theme.css(), style="body{margin:0;width:960px}")
    assert mounted.root.locator(".is-wide").count() == 0
    assert page.evaluate("document.querySelector('.grid-frame').scrollWidth") <= 960


def test_a_grid_that_is_too_wide_keeps_names_and_tools_in_view(page, grid):
    columns = [make_column({"id": f"c{n}", "label": f"C{n}", "width": 160}) for n in range(12)]
    grid([{"c0": "Key"}], columns=columns, style="body{margin:0;width:800px}")
    page.get_by_label("C11, Key").focus()
    assert page.evaluate("document.querySelector('.grid-frame').scrollLeft") > 0
    assert page.get_by_label("C0, Key").bounding_box()["x"] >= 0
    remove = page.get_by_role("button", name="Remove Key").bounding_box()
    assert remove["x"] + remove["width"] <= 801


@pytest.mark.parametrize("around", ["", "#widget-0{overflow:auto}", "#widget-0{height:400px;overflow:auto}"])
def test_the_head_stays_in_view(page, grid, around):
    """Also where boxes between the table and what scrolls clip, as JupyterLab's do, in which CSS alone fails."""
    mounted = grid([{"name": f"P{n}"} for n in range(60)], style=f"body{{margin:0}}{around}")
    mounted.root.evaluate(
        "el => { (el.scrollHeight > el.clientHeight ? el : document.scrollingElement).scrollTop = 900; }"
    )
    head = page.get_by_role("columnheader", name="Product")
    page.wait_for_function("Math.abs(document.querySelector('thead th').getBoundingClientRect().top) < 2")
    assert head.bounding_box()["y"] == pytest.approx(0, abs=2)
    assert page.get_by_label("Product, P0", exact=True).bounding_box()["y"] < 0
