"""The goal matrix edited like a spreadsheet in a browser; the real form answers, only a kernel is left out."""

import re
import tomllib
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import expect

from tests.browser.goal_editor_driver import Goals, make_small_matrix, open_editor
from tests.present.samples import HOSTILE

LEADS, REVENUE, YEAR = "Leads, Q3 2026", "Closed revenue, Q3 2026", "Closed revenue, 2026"


@pytest.fixture
def goals(page, tmp_path):
    """The editor on a folder without goals."""
    return Goals(page, open_editor(tmp_path))


def read_file(folder):
    return tomllib.loads((folder / "answers" / "goals.toml").read_text(encoding="utf-8"))


def active(goals):
    """What is read aloud of the active cell."""
    id = goals.root.get_by_role("grid").get_attribute("aria-activedescendant")
    return goals.page.locator(f"[id='{id}']").get_attribute("aria-label")


# ---- typing ----------------------------------------------------------------------------------------------------------


def test_a_goal_is_typed_solved_shown_and_on_disk(goals, tmp_path):
    goals.type(LEADS, "2,000")
    expect(goals.cell(LEADS)).to_have_class(re.compile(r"\bgoal\b"))
    expect(goals.cell("MQLs, Q3 2026")).to_contain_text("799")
    assert read_file(tmp_path)["goal"][0]["goal"] == 2000
    assert active(goals).startswith("Leads to MQL, Q3 2026"), "Enter goes down"


def test_a_state_is_said_with_a_sign_and_words_too(goals):
    goals.type(LEADS, "2000")
    expect(goals.cell(LEADS).locator(".word")).to_have_text(re.compile(r"^◆goal · \d+ %$"))
    assert re.match(
        r"Leads, Q3 2026: 2,000, goal, \d+ % likely, expected 1,800", goals.cell(LEADS).get_attribute("aria-label")
    )
    goals.click(LEADS)
    goals.page.keyboard.press("Control+l")
    expect(goals.cell(LEADS).locator("svg.lock")).to_have_count(1)
    assert "2,000, locked, " in goals.cell(LEADS).get_attribute("aria-label")


def test_the_revenue_of_the_year_is_one_number_and_everything_follows(goals, tmp_path):
    goals.type(REVENUE, "900k")
    expect(goals.cell(REVENUE)).to_have_class(re.compile(r"\bgoal\b"))
    field = goals.root.get_by_label("Revenue goal 2026")
    field.fill("€3.4M")
    field.press("Enter")
    expect(goals.cell(YEAR)).to_have_class(re.compile(r"\bgoal\b"))
    expect(goals.root.locator(".title")).to_contain_text("€3.40 M in 2026 asks for")
    expect(goals.problems).to_contain_text("1 earlier revenue goal of 2026 gave way")
    assert [(row["grain"], row["goal"]) for row in read_file(tmp_path)["goal"]] == [("year", 3_400_000)]
    goals.tool("Undo").click()
    expect(goals.cell(REVENUE)).to_have_class(re.compile(r"\bgoal\b"))
    assert [row["grain"] for row in read_file(tmp_path)["goal"]] == ["quarter"]


def test_what_came_is_not_made_up_for_by_the_past(goals):
    came = goals.text("Closed revenue, Q1 2026")
    field = goals.root.get_by_label("Revenue goal 2026")
    field.fill("4M")
    field.press("Enter")
    expect(goals.cell(YEAR)).to_contain_text("€4.00 M")
    assert goals.text("Closed revenue, Q1 2026") == came
    matrix = goals.form.solving.standing.matrix
    own = matrix[(matrix["kpi"] == "revenue_won") & (matrix["dimension"] == "all") & (matrix["grain"] == "quarter")]
    over = own[own["actual"].notna()]
    assert over["goal"].to_numpy() == pytest.approx(over["actual"].to_numpy())
    assert own["goal"].sum() == pytest.approx(4_000_000)


@pytest.mark.parametrize(("text", "shown"), [("1.200,50", "1,200"), ("1 900", "1,900"), ("2.5k", "2,500")])
def test_numbers_are_read_as_people_write_them(goals, text, shown):
    goals.type(LEADS, text)
    expect(goals.cell(LEADS)).to_have_class(re.compile(r"\bgoal\b"))
    expect(goals.cell(LEADS).locator(".main")).to_have_text(shown)


def test_text_that_is_no_number_is_kept_and_told(goals, tmp_path):
    goals.type(LEADS, "about forty")
    expect(goals.problems).to_contain_text("'about forty' is no number")
    expect(goals.cell(LEADS)).to_have_attribute("aria-invalid", "true")
    expect(goals.cell(LEADS)).to_contain_text("about forty")
    assert read_file(tmp_path)["draft"][0]["text"] == "about forty"
    goals.click(LEADS)
    goals.page.keyboard.press("F2")
    expect(goals.cell(LEADS).locator("input")).to_have_value("about forty")
    goals.page.keyboard.type("40")
    goals.page.keyboard.press("Enter")
    expect(goals.problems).to_have_count(0)


def test_a_number_that_can_be_two_is_refused_with_both(goals):
    goals.type(LEADS, "1.200")
    expect(goals.problems).to_contain_text("can be 1.2 or 1,200")


def test_a_share_above_all_of_them_cant_hold_and_changes_nothing_else(goals):
    before = goals.text("MQLs, Q3 2026")
    goals.type("Leads to MQL, Q3 2026", "120 %")
    expect(goals.cell("Leads to MQL, Q3 2026")).to_have_class(re.compile(r"\bwaiting\b"))
    expect(goals.problems).to_contain_text("at most 100 %")
    assert goals.text("MQLs, Q3 2026") == before


def test_escape_leaves_the_cell_as_it_was(goals):
    goals.click(LEADS)
    goals.page.keyboard.type("55")
    goals.page.keyboard.press("Escape")
    assert goals.text(LEADS) == "1,800"
    assert not goals.form.editor.typed


def test_entering_what_stands_there_sets_nothing(goals):
    goals.click(LEADS)
    goals.page.keyboard.press("F2")
    goals.page.keyboard.press("Enter")
    goals.page.keyboard.press("Enter")
    goals.page.keyboard.press("Tab")
    assert not goals.form.editor.typed


def test_a_period_that_is_over_is_read_only(goals):
    goals.click("Leads, Q2 2026")
    goals.page.keyboard.type("5")
    expect(goals.root.locator("td input")).to_have_count(0)
    expect(goals.root.locator(".aloud")).to_have_text(re.compile("is over"))
    expect(goals.cell("Leads, Q2 2026")).to_have_attribute("aria-readonly", "true")


# ---- keys ------------------------------------------------------------------------------------------------------------


def test_keys_walk_select_lock_and_free(goals):
    keyboard = goals.page.keyboard
    goals.click(LEADS)
    keyboard.press("ArrowRight")
    assert active(goals).startswith("Leads, Q4 2026")
    keyboard.press("ArrowDown")
    assert active(goals).startswith("Leads to MQL, Q4 2026")
    keyboard.press("Control+Home")
    assert active(goals).startswith("Leads, Q1 2026")
    keyboard.press("Control+End")
    assert active(goals).startswith("Closed revenue, 2026")
    goals.click(LEADS)
    keyboard.press("Shift+ArrowRight")
    keyboard.press("Shift+ArrowDown")
    expect(goals.root.locator("td[aria-selected='true']")).to_have_count(4)
    keyboard.press("Control+l")
    expect(goals.root.locator("td.locked")).to_have_count(4)
    keyboard.press("Control+l")
    expect(goals.root.locator("td.locked")).to_have_count(0)
    assert not goals.form.editor.typed, "they were free before"
    keyboard.press("Control+z")
    expect(goals.root.locator("td.locked")).to_have_count(4)
    keyboard.press("Delete")
    expect(goals.root.locator("td.locked")).to_have_count(0)


def test_tab_walks_over_the_cells_that_can_be_set_and_leaves_after_escape(goals):
    goals.click("Leads, 2026")
    goals.page.keyboard.press("Tab")
    assert active(goals).startswith("Leads to MQL, Q3 2026"), "those that are over are passed"
    goals.page.keyboard.press("Shift+Tab")
    assert active(goals).startswith("Leads, 2026")
    goals.page.keyboard.press("Escape")
    goals.page.keyboard.press("Tab")
    assert goals.page.evaluate("document.activeElement.getAttribute('role')") != "grid"


def test_slices_open_below_their_kpi_and_their_goals_are_set(goals):
    expect(goals.cell("Leads, source Inbound, Q3 2026")).to_have_count(0)
    goals.click(LEADS)
    goals.page.keyboard.press("Space")
    goals.type("Leads, source Inbound, Q3 2026", "900")
    expect(goals.cell("Leads, source Inbound, Q3 2026")).to_have_class(re.compile(r"\bgoal\b"))
    goals.root.get_by_role("button", name="Hide the slices of Leads", exact=True).click()
    expect(goals.cell("Leads, source Inbound, Q3 2026")).to_have_count(0)


def test_undo_and_redo_take_a_step_as_a_whole(goals):
    keyboard = goals.page.keyboard
    goals.click(LEADS)
    keyboard.press("Shift+ArrowRight")
    goals.paste("2100\t2300")
    expect(goals.root.locator("td.goal")).to_have_count(2)
    keyboard.press("Control+z")
    expect(goals.root.locator("td.goal")).to_have_count(0)
    keyboard.press("Control+y")
    expect(goals.root.locator("td.goal")).to_have_count(2)
    assert "pasting" in goals.tool("Undo").get_attribute("title")


# ---- pasting ---------------------------------------------------------------------------------------------------------


def test_a_column_from_excel_is_pasted_downwards(goals):
    goals.root.get_by_role("button", name="Show slices").click()
    goals.click("Leads, source Outbound, Q3 2026")
    goals.paste("1.200\n1.050,5\n")
    expect(goals.cell("Leads, source Outbound, Q3 2026")).to_contain_text("1,200")
    expect(goals.cell("Leads, source Inbound, Q3 2026")).to_contain_text("1,05")
    assert [typed.goal for typed in goals.form.editor.typed.values()] == [1200, 1050.5]


def test_a_block_goes_to_its_cells_and_what_has_none_is_counted(goals):
    goals.click("Leads, Q4 2026")
    goals.paste("2,100\t7,400\t1\n41 %\t\t2")
    expect(goals.problems.last).to_contain_text("2 pasted values had no cell to go to")
    goals_set = {cell[:2]: typed.goal for cell, typed in goals.form.editor.typed.items()}
    assert goals_set == {("leads", "quarter"): 2100, ("leads", "year"): 7400, ("lead_to_mql", "quarter"): 0.41}


def test_one_value_fills_the_range_and_copies_come_back_exactly(goals):
    goals.click(LEADS)
    goals.page.keyboard.press("Shift+ArrowRight")
    goals.paste("1234.5678")
    expect(goals.root.locator("td.goal")).to_have_count(2)
    goals.page.keyboard.press("Control+c")
    assert goals.page.evaluate("navigator.clipboard.readText()") == "1234.57\t1234.57"
    goals.click("MQLs, Q3 2026")
    goals.page.keyboard.press("Control+v")
    expect(goals.root.locator("td.goal, td.waiting")).to_have_count(4)


# ---- contradictions --------------------------------------------------------------------------------------------------


@pytest.fixture
def contradicted(goals):
    """Two quarters locked, and a year that they can't make."""
    goals.click(REVENUE)
    goals.page.keyboard.press("Shift+ArrowRight")
    goals.page.keyboard.press("Control+l")
    expect(goals.root.locator("td.locked")).to_have_count(2)
    goals.type(YEAR, "9M")
    expect(goals.problems).to_contain_text("These goals contradict each other")
    return goals


def test_a_contradiction_marks_its_cells_says_them_and_changes_nothing_else(contradicted, tmp_path):
    expect(contradicted.root.locator("td.clash")).to_have_count(5)
    expect(contradicted.cell(YEAR)).to_have_class(re.compile(r"\bwaiting\b"))
    expect(contradicted.cell(YEAR)).to_contain_text("€9.00 M")
    expect(contradicted.problems).to_contain_text("Closed revenue, Q1 2026: €621 k, which is what came")
    assert contradicted.text("Leads, Q4 2026") == "2,000"
    assert read_file(tmp_path)["goal"][-1]["goal"] == 9_000_000, "what was typed is kept"


def test_a_release_is_offered_with_what_the_cell_becomes_and_resolves_it(contradicted):
    offers = contradicted.problems.get_by_role("button")
    expect(offers.first).to_have_text(re.compile(r"Release Closed revenue, Q[34] 2026, it becomes €"))
    offers.first.click()
    expect(contradicted.problems).to_have_count(0)
    expect(contradicted.root.locator("td.clash")).to_have_count(0)
    expect(contradicted.cell(YEAR)).to_have_class(re.compile(r"\bgoal\b"))
    contradicted.page.keyboard.press("Escape")
    contradicted.tool("Undo").click()
    expect(contradicted.problems).to_contain_text("These goals contradict each other")


def test_who_took_a_change_up_is_told(goals):
    goals.type(YEAR, "3.4M")
    expect(goals.root.locator(".absorbed")).to_contain_text("Taken up by: Closed revenue, Q")
    expect(goals.root.locator(".absorbed")).to_contain_text("Asks for: ")


# ---- nothing is lost -------------------------------------------------------------------------------------------------


def test_a_reload_brings_goals_locks_and_contradictions_back(contradicted, tmp_path):
    before = {cell: contradicted.text(cell) for cell in (LEADS, REVENUE, YEAR, "Closed revenue, Q4 2026")}
    contradicted.show(open_editor(tmp_path))
    after = {cell: contradicted.text(cell) for cell in before}
    assert after == before
    expect(contradicted.root.locator("td.locked")).to_have_count(2)
    expect(contradicted.cell(YEAR)).to_have_class(re.compile(r"\bwaiting\b"))


def test_what_was_typed_to_a_killed_kernel_is_kept_in_the_browser_and_saved_after_the_reload(page, tmp_path):
    goals = Goals(page, open_editor(tmp_path))
    page.evaluate("window.isCut = true")
    goals.type(LEADS, "2222")
    expect(goals.cell(LEADS)).to_have_class(re.compile(r"\bpending\b"))
    expect(goals.cell(LEADS)).to_contain_text("2222")
    assert not (tmp_path / "answers").exists()
    page.reload()
    page.add_script_tag(path=str(fake_model()))
    goals.show(open_editor(tmp_path))
    expect(goals.cell(LEADS)).to_have_class(re.compile(r"\bgoal\b"))
    assert read_file(tmp_path)["goal"][0]["goal"] == 2222
    page.wait_for_function("() => !Object.keys(localStorage).some((key) => key.includes('goals'))")


def test_what_an_earlier_page_left_doesnt_overtake_what_somebody_set_since(page, tmp_path):
    goals = Goals(page, open_editor(tmp_path))
    page.evaluate("window.isCut = true")
    goals.type(LEADS, "2222")
    other = open_editor(tmp_path)
    other._hear(None, {"do": "set", "cells": [["leads", "quarter", "2026-07-01", "all", "all", "1999"]]})
    page.reload()
    page.add_script_tag(path=str(fake_model()))
    goals.show(open_editor(tmp_path))
    expect(goals.problems).to_contain_text("was also set in another window")
    expect(goals.problems).to_contain_text("Here: 2,222")
    expect(goals.problems).to_contain_text("There: 1,999")
    goals.problems.get_by_role("button", name="Keep mine").click()
    expect(goals.problems).to_have_count(0)
    assert read_file(tmp_path)["goal"][0]["goal"] == 2222


def test_two_windows_that_set_one_cell_show_both_values(goals, tmp_path):
    other = open_editor(tmp_path)
    other._hear(None, {"do": "set", "cells": [["leads", "quarter", "2026-07-01", "all", "all", "1999"]]})
    goals.type(LEADS, "2222")
    expect(goals.problems).to_contain_text("There: 1,999")
    goals.problems.get_by_role("button", name="Take the other").click()
    expect(goals.cell(LEADS)).to_contain_text("1,999")


# ---- scenarios, workbooks, versions ----------------------------------------------------------------------------------


def test_a_scenario_is_saved_opened_and_undone(goals, tmp_path):
    goals.type(LEADS, "2000")
    goals.tool("Scenarios").click()
    goals.problems.get_by_label("Keep these goals as").fill("Ambitious <b>")
    goals.problems.get_by_role("button", name="Save").click()
    expect(goals.problems).to_contain_text("Saved as “Ambitious <b>”")
    goals.type(LEADS, "2500")
    expect(goals.cell(LEADS)).to_contain_text("2,500")
    goals.problems.get_by_role("button", name="Open “Ambitious <b>”, 1 goal").click()
    expect(goals.cell(LEADS)).to_contain_text("2,000")
    expect(goals.problems).to_contain_text("“Ambitious <b>” is open")
    goals.tool("Undo").click()
    expect(goals.cell(LEADS)).to_contain_text("2,500")
    goals.problems.get_by_role("button", name="Close").click()
    expect(goals.problems).to_have_count(0)


def test_scenarios_are_compared_side_by_side_with_what_is_set_now(goals):
    goals.type(LEADS, "2000")
    goals.tool("Scenarios").click()
    goals.problems.get_by_label("Keep these goals as").fill("Careful")
    goals.page.keyboard.press("Enter")
    expect(goals.problems).to_contain_text("Saved as “Careful”")
    goals.type(LEADS, "2600")
    goals.problems.get_by_role("button", name="Compare them").click()
    expect(goals.problems).to_contain_text("side by side below the grid")
    for _ in range(200):
        if "svg+xml" in goals.form.comparison.widget.value:
            break
        goals.page.wait_for_timeout(50)
    assert "data:image/svg+xml" in goals.form.comparison.widget.value
    assert "Careful" in goals.form.comparison.widget.value
    goals.problems.get_by_role("button", name="Close").click()
    expect(goals.problems).to_have_count(0)
    assert goals.form.comparison.widget.value == ""


def test_the_plan_of_record_is_adopted_by_somebody_and_stays_when_goals_change(goals, tmp_path):
    goals.type(LEADS, "2000")
    goals.tool("Plan of record").click()
    goals.problems.get_by_role("button", name="Make this the plan").click()
    expect(goals.problems).to_contain_text("Say who adopts it")
    goals.problems.get_by_label("Adopted by").fill("Ana Okafor")
    goals.problems.get_by_role("button", name="Make this the plan").click()
    expect(goals.problems).to_contain_text("by Ana Okafor")
    before = (tmp_path / "answers" / "plan_of_record.toml").read_bytes()
    goals.type(LEADS, "2500")
    expect(goals.cell(LEADS)).to_contain_text("2,500")
    assert (tmp_path / "answers" / "plan_of_record.toml").read_bytes() == before


def test_goals_go_out_to_excel_and_come_back_after_being_looked_at(goals, tmp_path):
    goals.type(LEADS, "2000")
    with goals.page.expect_download() as download:
        goals.tool("To Excel").click()
    path = tmp_path / "goals.xlsx"
    download.value.save_as(path)
    goals.type(LEADS, "2100")
    expect(goals.cell(LEADS)).to_contain_text("2,100")
    book = load_workbook(path)
    cell = next(cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value == 2000)
    cell.value = 2300
    book.save(path)
    with goals.page.expect_file_chooser() as chooser:
        goals.tool("From Excel").click()
    chooser.value.set_files(path)
    expect(goals.problems).to_contain_text("goals.xlsx: 1 goal would change")
    expect(goals.problems).to_contain_text(re.compile("2,000 → 2,300.*; here it is 2,100 now"))
    goals.problems.get_by_role("button", name="Take over all 1, also those set otherwise here").click()
    expect(goals.cell(LEADS)).to_contain_text("2,300")


def test_an_earlier_version_is_brought_back(goals):
    goals.type(LEADS, "2000")
    expect(goals.cell(LEADS)).to_contain_text("2,000")
    goals.type(LEADS, "2500")
    expect(goals.cell(LEADS)).to_contain_text("2,500")
    goals.tool("Earlier versions").click()
    goals.problems.get_by_role("button", name=re.compile("1 cell otherwise")).first.click()
    expect(goals.cell(LEADS)).to_contain_text("2,000")


# ---- hostile names, size, looks --------------------------------------------------------------------------------------


def test_names_from_the_crm_stay_text(page, tmp_path, watch):
    goals = Goals(page, open_editor(tmp_path, make_small_matrix(slices=(HOSTILE, "=1+1"))))
    goals.root.get_by_role("button", name="Show slices").click()
    expect(goals.root.locator("th.slice").first).to_be_visible()
    names = goals.root.locator("th.slice .name").all_inner_texts()
    assert "=1+1" in names and any("<" in name for name in names)
    assert goals.root.locator("script, img, iframe").count() == 0
    page.keyboard.press("Tab")
    goals.click(LEADS)
    for text in ("<img src=x onerror=alert(1)>", "9"):
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown") if text == "9" else None
        page.keyboard.type(text)
        page.keyboard.press("Enter")
    assert goals.root.locator("img").count() == 0


def test_only_rows_in_sight_are_drawn(page, tmp_path):
    goals = Goals(page, open_editor(tmp_path, make_small_matrix(slices=[f"Source {i:02d}" for i in range(40)])))
    goals.root.get_by_role("button", name="Show slices").click()
    grid = goals.root.get_by_role("grid")
    expect(grid).to_have_attribute("aria-rowcount", str(9 * 42 + 1))
    assert goals.root.locator("tbody tr").count() < 60
    goals.click(LEADS)
    page.keyboard.press("Control+End")
    expect(goals.cell("Closed revenue, source Source 00, 2026")).to_be_in_viewport()
    assert active(goals).startswith("Closed revenue, source Source 00, 2026"), "the smallest stands last"
    page.keyboard.press("Control+Home")
    expect(goals.cell("Leads, Q1 2026")).to_be_in_viewport()


def fake_model():
    return Path(__file__).parent / "fake_model.js"
