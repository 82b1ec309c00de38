"""The light matrix in a browser: walked, opened and set with the keys, read aloud, arrows between the right columns."""

import re

import pytest

from helpers.present.theme import css
from tests.present.samples import HOSTILE

OBJECTS = ("session", "contact", "contact", "deal", "customer")
LEGEND = [
    {"id": "available", "word": "available"},
    {"id": "adoption_needed", "word": "adoption needed"},
    {"id": "unavailable", "word": "unavailable"},
]


def make_cell(name, light="available", fill="62 %", mark=""):
    words = f"{name}: {light.replace('_', ' ')}, filled for {fill}, {'decided by Ana' if mark else 'suggested'}"
    return {"light": light, "fill": fill, "mark": mark, "words": words}


def make_row(id, label, question, *, is_folded=False):
    return {"id": id, "label": label, "question": question, "is_wanted": True, "is_folded": is_folded}


def make_state(*, n_who=2, label="Owner"):
    """Five columns; the KPI itself, then ``n_who`` fields of who (from the eighth on folded), and source of where.

    The first field of who is missing on the session and on the customer.
    """
    columns = [{"id": f"k{i}", "label": f"KPI {i}", "object": object} for i, object in enumerate(OBJECTS)]
    rows = [make_row("", "The KPI itself", "")]
    rows += [make_row(f"who{i}", f"{label} {i}", "who", is_folded=i >= 7) for i in range(n_who)]
    rows.append(make_row("source", "Source", "where"))
    cells = [
        [
            None if row["id"] == "who0" and j in (0, 4) else make_cell(f"KPI {j} by {row['label']}")
            for j in range(len(columns))
        ]
        for row in rows
    ]
    arrows = [
        make_arrow("source|contact|deal", 2.5, 3.5, state="wanted"),
        make_arrow("source|customer|deal", 4.5, 3.5, state="not_wanted", count="351", lane=1),
        make_arrow("source|company|contact", 0.0, 1.5, state="followed", origin="company"),
    ]
    return {
        "label": "KPI discovery matrix",
        "columns": columns,
        "rows": rows,
        "cells": cells,
        "arrows": arrows,
        "selected": {},
        "asked": {},
        "opened_copy": "",
        "legend": LEGEND,
        "is_disabled": False,
    }


def make_arrow(id, start, end, *, state, count="1,674", origin="", lane=0):
    words = f"Copy {id}: {state.replace('_', ' ')}; would fill {count} of 1,674 deals"
    return {
        **{"id": id, "row": "source", "state": state, "count": count, "words": words, "origin": origin},
        **{"start": start, "end": end, "low": min(start, end), "high": max(start, end), "lane": lane},
    }


@pytest.fixture
def matrix(mount):
    return mount("light_matrix", theme=css(), **make_state())


def focused(page):
    return page.evaluate("document.activeElement.getAttribute('aria-label')")


def cell(matrix, name):
    return matrix.root.get_by_role("button", name=re.compile(f"^{re.escape(name)}:"))


def test_tab_reaches_one_cell_and_arrows_walk_over_the_gaps(matrix):
    page = matrix.page
    page.keyboard.press("Tab")
    assert focused(page).startswith("KPI 0 by The KPI itself")
    page.keyboard.press("ArrowDown")
    assert focused(page).startswith("KPI 1 by Owner 0"), "the session lacks the field: the nearest cell is taken"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert focused(page).startswith("KPI 3 by Owner 0"), "the row ends there"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert focused(page).startswith("KPI 3 by Source")
    page.keyboard.press("Home")
    assert focused(page).startswith("KPI 0 by Source")
    page.keyboard.press("Control+Home")
    assert focused(page).startswith("KPI 0 by The KPI itself")
    page.keyboard.press("Control+End")
    assert focused(page).startswith("KPI 4 by Source")
    assert matrix.root.locator("button.cell[tabindex='0']").count() == 1


def test_enter_opens_the_cell_and_marks_it(matrix):
    cell(matrix, "KPI 2 by Owner 1").focus()
    matrix.page.keyboard.press("Enter")
    assert matrix.saved == [{"selected": {"row": "who1", "column": "k2"}}]
    assert cell(matrix, "KPI 2 by Owner 1").get_attribute("aria-current") == "true"
    assert matrix.root.locator("td[aria-selected='true']").count() == 1


@pytest.mark.parametrize(("key", "light"), [("1", "available"), ("2", "adoption_needed"), ("3", "unavailable")])
def test_a_key_asks_for_a_light(matrix, key, light):
    cell(matrix, "KPI 1 by Source").focus()
    matrix.page.keyboard.press(key)
    asked = matrix.get("asked")
    assert (asked["row"], asked["column"], asked["light"]) == ("source", "k1", light)
    assert matrix.get("selected") == {"row": "source", "column": "k1"}


def test_the_same_key_twice_asks_twice(matrix):
    cell(matrix, "KPI 1 by Source").focus()
    for _ in range(2):
        matrix.page.keyboard.press("2")
    assert len([saved for saved in matrix.saved if "asked" in saved]) == 2


def test_nothing_is_asked_for_where_nothing_can_be_decided(matrix):
    matrix.receive(is_disabled=True)
    cell(matrix, "KPI 1 by Source").focus()
    matrix.page.keyboard.press("2")
    assert not matrix.saved
    matrix.page.keyboard.press("Enter")
    assert matrix.saved == [{"selected": {"row": "source", "column": "k1"}}], "but it can be read"


PANEL = """
<div class="evidence"><p data-cell="k1|source">KPI 1 by source</p>
<div class="lights"><button>available</button><button class="mod-active">adoption needed</button></div>
<textarea>typed, not sent yet</textarea><button class="decides">Override</button></div>
"""


def test_the_press_that_decides_takes_along_what_stands_in_the_panel(matrix):
    """The panel is ipywidgets' own; the matrix lives in the same form."""
    matrix.page.evaluate(
        """panel => {
            const form = document.createElement("div");
            form.className = "matrix-editor";
            const root = document.querySelector("#widget-0");
            root.before(form);
            form.append(root);
            form.insertAdjacentHTML("beforeend", panel);
            window.reached = 0;
            form.querySelector(".decides").addEventListener("click", () => (window.reached += 1));
        }""",
        PANEL,
    )
    matrix.page.wait_for_selector(".matrix-editor[data-lm-suppress-shortcuts]")
    matrix.page.get_by_role("button", name="Override").click()
    told = {"kind": "decide", "cell": "k1|source", "light": "adoption_needed", "note": "typed, not sent yet"}
    assert matrix.sent == [told]
    assert matrix.page.evaluate("window.reached") == 0, "ipywidgets' own press would arrive without the note"


def test_a_new_light_is_shown_and_spoken_and_focus_stays(matrix):
    button = cell(matrix, "KPI 1 by Source")
    button.click()
    state = make_state()
    state["cells"][3][1] = make_cell("KPI 1 by Source", "unavailable", mark="changed")
    matrix.receive(cells=state["cells"])
    changed = cell(matrix, "KPI 1 by Source")
    assert changed.get_attribute("data-light") == "unavailable"
    assert changed.locator(".mark.changed").count() == 1
    assert focused(matrix.page).startswith("KPI 1 by Source: unavailable")
    assert "unavailable" in matrix.root.locator("[aria-live]").inner_text()


def test_the_three_lights_differ_in_shape_as_well_as_in_colour(mount):
    state = make_state()
    for j, light in enumerate(("available", "adoption_needed", "unavailable")):
        state["cells"][0][j] = make_cell(f"KPI {j} by The KPI itself", light)
    matrix = mount("light_matrix", theme=css(), **state)
    drawn = matrix.root.locator("tbody tr.field").first.locator("svg")
    shapes = [
        drawn.nth(j).evaluate("svg => [...svg.children].map(c => c.getAttribute('d') ?? c.tagName)") for j in range(3)
    ]
    assert len({str(shape) for shape in shapes}) == 3


def test_python_can_open_a_cell_and_its_folded_row_unfolds(mount):
    matrix = mount("light_matrix", theme=css(), **make_state(n_who=12))
    assert not cell(matrix, "KPI 1 by Owner 9").is_visible()
    matrix.receive(selected={"row": "who9", "column": "k1"})
    assert cell(matrix, "KPI 1 by Owner 9").is_visible()
    assert cell(matrix, "KPI 1 by Owner 9").get_attribute("aria-current") == "true"


def test_fields_beyond_the_seventh_fold_and_unfold(mount):
    matrix = mount("light_matrix", theme=css(), **make_state(n_who=12))
    fold = matrix.root.get_by_role("button", name="Show all 12 fields")
    assert fold.get_attribute("aria-expanded") == "false"
    cell(matrix, "KPI 1 by Owner 6").focus()
    matrix.page.keyboard.press("ArrowDown")
    assert focused(matrix.page).startswith("KPI 1 by Source"), "what is folded is not walked over"
    fold.click()
    assert cell(matrix, "KPI 1 by Owner 11").is_visible()
    matrix.root.get_by_role("button", name="Show fewer").click()
    assert not cell(matrix, "KPI 1 by Owner 11").is_visible()


def middle(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2


def test_arrows_run_from_column_to_column_and_open_their_decision(matrix):
    arrow = matrix.root.get_by_role("button", name="Copy source|contact|deal")
    box = arrow.bounding_box()
    heads = matrix.root.locator("thead tr").first.locator("th")
    assert box["x"] == pytest.approx(middle(heads.nth(2)), abs=2)
    assert box["x"] + box["width"] == pytest.approx(middle(heads.nth(3)), abs=2)
    assert arrow.get_attribute("class").split()[1:] == ["wanted", "right"]
    arrow.click()
    assert matrix.get("opened_copy").startswith("source|contact|deal#")


def test_the_focus_follows_an_arrow_to_where_its_copy_is_decided(matrix):
    """As the form does it: another tab becomes the current one, and the matrix is hidden."""
    arrow = matrix.root.get_by_role("button", name="Copy source|contact|deal")
    arrow.focus()
    matrix.root.evaluate(
        """el => {
            const form = document.createElement("div"), tab = document.createElement("button");
            form.className = "matrix-editor";
            tab.className = "tab is-current";
            tab.setAttribute("aria-label", "Copies");
            el.replaceWith(form);
            form.append(tab, el);
        }"""
    )
    arrow.press("Enter")
    matrix.root.evaluate("el => { el.style.display = 'none'; }")
    matrix.page.wait_for_function("document.activeElement.getAttribute('aria-label') === 'Copies'")


def test_an_arrow_keeps_the_focus_when_the_matrix_is_built_anew(matrix):
    arrow = matrix.root.get_by_role("button", name="Copy source|contact|deal")
    arrow.focus()
    state = make_state()
    state["arrows"][0]["state"] = "exists"
    matrix.receive(arrows=state["arrows"])
    assert focused(matrix.page).startswith("Copy source|contact|deal")


def test_an_arrow_from_an_object_without_a_column_starts_at_the_edge_and_says_whence(matrix):
    box = matrix.root.get_by_role("button", name="Copy source|company|contact").bounding_box()
    edge = matrix.root.locator("tr.copies td").bounding_box()["x"]
    assert box["x"] == pytest.approx(edge, abs=2)
    assert "from the company" in matrix.root.locator("tr.copies th").inner_text()


def test_arrows_of_one_row_lie_in_lanes_and_touch_no_light(matrix):
    lanes = matrix.root.locator("button.arrow")
    boxes = [lanes.nth(i).bounding_box() for i in range(lanes.count())]
    assert boxes[1]["y"] >= boxes[0]["y"] + boxes[0]["height"]
    below = cell(matrix, "KPI 3 by Source").bounding_box()
    assert all(box["y"] >= below["y"] + below["height"] - 1 for box in boxes)


@pytest.mark.parametrize("label", [HOSTILE, "<img src=x onerror=alert(1)>", "‮desrever", "x" * 4000, "=1+1", "🦄" * 50])
def test_hostile_labels_are_text(mount, label):
    state = make_state(label=label)
    state["columns"][0]["label"] = state["columns"][1]["object"] = label
    state["arrows"][0] |= {"words": label, "count": label, "origin": label}
    matrix = mount("light_matrix", theme=css(), **state)
    assert matrix.root.locator("img, script").count() == 0
    assert label in matrix.root.locator("tbody th").nth(2).text_content()
    assert matrix.root.evaluate("el => el.scrollWidth <= el.clientWidth + 1"), "nothing pushes the page wide"


def test_eight_by_sixty_is_drawn_whole_and_changes_cell_by_cell(mount):
    state = make_state()
    columns = [{"id": f"k{i}", "label": f"KPI {i}", "object": "deal"} for i in range(8)]
    rows = [make_row(f"r{i}", f"Field {i}", "who") for i in range(60)]
    cells = [[make_cell(f"KPI {j} by Field {i}") for j in range(8)] for i in range(60)]
    matrix = mount("light_matrix", theme=css(), **(state | {"columns": columns, "rows": rows, "cells": cells}))
    assert matrix.root.locator("button.cell").count() == 480
    matrix.root.evaluate("el => el.querySelectorAll('button.cell').forEach(b => (b.kept = true))")
    cells[59][7] = make_cell("KPI 7 by Field 59", "unavailable", mark="changed")
    matrix.receive(cells=cells)
    assert cell(matrix, "KPI 7 by Field 59").get_attribute("data-light") == "unavailable"
    assert matrix.root.evaluate("el => [...el.querySelectorAll('button.cell')].every(b => b.kept)")


def test_the_head_stays_in_sight(mount):
    matrix = mount("light_matrix", theme=css(), **make_state(n_who=60) | {"selected": {"row": "who40", "column": "k1"}})
    assert cell(matrix, "KPI 1 by Owner 40").is_visible(), "a row that is open from the start is unfolded"
    matrix.page.evaluate("window.scrollTo(0, 1200)")
    assert matrix.root.locator("thead").bounding_box()["y"] == pytest.approx(0, abs=1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lights_and_texts_stand_out_from_the_page(page, mount, scheme):
    page.emulate_media(color_scheme=scheme)
    matrix = mount("light_matrix", theme=css(), **make_state())
    colours = matrix.root.evaluate(
        """el => [".disc", ".fill", "tbody th", ".arrow .count"].map(s => getComputedStyle(el.querySelector(s)).color)
        .concat(getComputedStyle(el).backgroundColor)"""
    )
    *front, back = [[int(part) for part in re.findall(r"\d+", colour)[:3]] for colour in colours]
    assert all(contrast(colour, back) >= 4.5 for colour in front)


def contrast(one, other):
    def luminance(colour):
        parts = [part / 255 for part in colour]
        parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_it_is_a_grid_that_can_be_read_aloud(matrix):
    assert matrix.root.get_by_role("grid", name="KPI discovery matrix").count() == 1
    assert matrix.root.locator("th[scope='row']").count() >= 4
    assert matrix.root.locator("th[scope='rowgroup']").all_inner_texts() == ["Who", "Where"]
    unnamed = matrix.root.locator("button").evaluate_all(
        "all => all.filter(b => !(b.getAttribute('aria-label') || b.textContent.trim())).length"
    )
    assert unnamed == 0
