"""Goals in the app: a facilitator types one revenue goal, everything follows, and a killed kernel loses none of it."""

import re
import shutil
import tomllib
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import expect

from tests.browser.survey_driver import PATIENCE
from tests.workshop.conftest import start_app

pytestmark = pytest.mark.acceptance  # the editor itself is held to in a browser by test_goal_editor.py

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "samples" / "brightwater"


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """The app on the sample, with nobody's goals yet."""
    folder = tmp_path_factory.mktemp("goals") / "brightwater"
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns(".cache", "survey", "goals.toml"))
    running = start_app(folder, folder.parent / "stderr.txt")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def window(app, chromium):
    """The facilitator's window, in front of the goals."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{app.root}/workshop?token={app.token('Facilitator')}")
    page.get_by_role("button", name="Goals", exact=True).click()
    expect(page.get_by_role("grid", name="Goal matrix")).to_be_visible(timeout=PATIENCE)
    yield page
    context.close()


def find_cell(window, name):
    return window.locator(f".goal-editor td[aria-label^='{name}:']")


def wait_for_goals(app, window, is_there):
    """Wait until the goals on disk are as wanted, and return them."""
    file = app.folder / "answers" / "goals.toml"
    for _ in range(PATIENCE // 50):
        goals = tomllib.loads(file.read_text(encoding="utf-8")).get("goal", []) if file.is_file() else []
        if is_there(goals):
            return goals
        window.wait_for_timeout(50)
    raise AssertionError("the goals are not on disk")


def kill_kernel(app, page):
    """Kill the process behind a page, as a machine that runs out of memory does."""
    kernel = page.evaluate("JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId")
    for process in psutil.Process(app.process.pid).children(recursive=True):
        with suppress(psutil.ZombieProcess, psutil.NoSuchProcess):  # killed a moment ago
            if kernel in " ".join(process.cmdline()):
                process.kill()
                return
    raise AssertionError("the page has no kernel")


def test_one_revenue_goal_gives_every_cell_its_goal(app, window):
    expect(window.locator(".goal-editor .title")).to_contain_text("Nobody has set a goal")
    field = window.get_by_label("Revenue goal 2026")
    field.fill("8.5M")
    field.press("Enter")
    expect(find_cell(window, "Closed revenue, 2026")).to_have_class(re.compile(r"\bgoal\b"))
    expect(window.locator(".goal-editor .title")).to_contain_text("€8.50 M in 2026 asks for")
    expect(window.locator(".goal-editor .absorbed")).to_contain_text("Taken up by: Closed revenue, Q4 2026")
    (goal,) = wait_for_goals(app, window, bool)
    assert (goal["kpi"], goal["grain"], goal["goal"]) == ("revenue_won", "year", 8_500_000)


def test_a_cell_is_locked_and_another_typed_and_both_are_there_after_a_reload(app, window):
    find_cell(window, "MQLs, Q4 2026").click()
    window.keyboard.press("Control+l")
    expect(find_cell(window, "MQLs, Q4 2026")).to_have_class(re.compile(r"\blocked\b"))
    find_cell(window, "Leads, Q1 2027").click()
    window.keyboard.type("1.700,0")
    window.keyboard.press("Enter")
    wait_for_goals(app, window, lambda goals: len(goals) == 3)
    window.reload()
    expect(find_cell(window, "MQLs, Q4 2026")).to_have_class(re.compile(r"\blocked\b"))
    expect(find_cell(window, "Leads, Q1 2027").locator(".main")).to_have_text("1,700")


def test_what_is_typed_after_the_kernel_was_killed_is_saved_by_the_next_one(app, window):
    expect(window.locator(".goal-page .save-status")).to_be_visible()
    kill_kernel(app, window)
    find_cell(window, "Leads, Q4 2026").click()
    window.keyboard.type("1650")
    window.keyboard.press("Enter")
    expect(find_cell(window, "Leads, Q4 2026")).to_contain_text("1650")
    window.reload()
    expect(find_cell(window, "Leads, Q4 2026")).to_have_class(re.compile(r"\bgoal\b"))
    goals = wait_for_goals(app, window, lambda goals: any(goal["goal"] == 1650 for goal in goals))
    assert len(goals) == 4
