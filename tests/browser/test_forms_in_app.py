"""The cascade and the sources' forecasts as pages of the app: a reload and a lost kernel lose nothing of them."""

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

from helpers.answers.cascade import read_cascade
from helpers.answers.source_forecasts import read_source_forecasts
from tests.browser.survey_driver import PATIENCE
from tests.browser.test_goals_in_app import kill_kernel
from tests.workshop.conftest import start_app

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "samples" / "brightwater"


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """The app on the sample, with the cascade and the forecasts that its people typed."""
    folder = tmp_path_factory.mktemp("forms") / "brightwater"
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns(".cache"))
    running = start_app(folder, folder.parent / "stderr.txt")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def window(app, chromium):
    """The facilitator's window."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{app.root}/workshop?token={app.token('Facilitator')}")
    yield page
    context.close()


def open_part(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def wait_until(page, look):
    """Wait until something is on disk, and return it."""
    for _ in range(PATIENCE // 50):
        found = look()
        if found:
            return found
        page.wait_for_timeout(50)
    raise AssertionError("it is not on disk")


def hold_no_scroll_bars(page):
    wide = page.evaluate("document.querySelectorAll('.editable-grid.is-wide').length")
    assert wide == 0 and page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_note_in_the_cascade_is_there_after_a_reload_on_the_screen_where_it_was_typed(app, window):
    open_part(window, "Cascade")
    window.get_by_role("button", name=re.compile(r"^Tactics ·")).click()
    window.get_by_role("button", name="What it adds").click()
    note = window.get_by_role("textbox", name="Note, Deal reviews every Tuesday", exact=True)
    note.fill("With the whole team")
    note.press("Tab")
    wait_until(window, lambda: [one for one in read_cascade(app.folder)[0].tactics.values() if "whole" in one.note])
    hold_no_scroll_bars(window)
    window.reload()
    expect(note).to_have_value("With the whole team")
    expect(window.locator(".cascade-form .save-status")).to_be_visible()


def test_a_forecast_and_a_text_that_is_none_are_there_after_a_reload(app, window):
    open_part(window, "Source forecasts")
    pipeline = window.get_by_label("Your pipeline, Q4 2026", exact=True)
    pipeline.fill("1.2M")
    pipeline.press("Tab")
    due = window.get_by_label("Due, Q2 2027", exact=True)
    due.fill("in spring")
    due.press("Tab")
    expect(window.get_by_text("All is saved; 1 cell waits to be mended").first).to_be_visible()
    hold_no_scroll_bars(window)
    window.reload()
    expect(pipeline).to_have_value("1,200,000")
    expect(due).to_have_value("in spring")
    expect(window.get_by_text("'in spring' is no day. Write it as 15 Nov 2026.").first).to_be_attached()
    (mine,) = [one for one in read_source_forecasts(app.folder)[0].forecasts if one.author == "Facilitator"]
    assert (mine.source, mine.pipeline) == ("Demo Request", 1_200_000)


@pytest.mark.acceptance
def test_what_is_typed_after_the_kernel_was_killed_is_saved_by_the_next_one(app, window):
    open_part(window, "Cascade")
    window.get_by_role("button", name=re.compile(r"^People ·")).click()
    role = window.get_by_label("Role, Claire Dumont", exact=True)
    expect(role).to_be_visible()
    kill_kernel(app, window)
    role.fill("CMO and more")
    role.press("Tab")
    kept = "Object.entries(localStorage).filter(([key]) => key.includes(':tables:'))"
    window.wait_for_function(f"() => {kept}.some(([, text]) => text.includes('and more'))")
    window.reload()
    expect(role).to_have_value("CMO and more")
    wait_until(window, lambda: "CMO and more" in [one.role for one in read_cascade(app.folder)[0].people.values()])
    window.wait_for_function(f"() => {kept}.length === 0")
