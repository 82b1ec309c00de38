"""Decides in the discovery matrix as people do, through a real browser."""

import re
import tomllib

from playwright.sync_api import expect

from tests.browser.survey_driver import PATIENCE


def override_light(editor, cell, light, note):
    """Set a cell's light against what the CRM suggests, and say why."""
    editor.get_by_role("gridcell").get_by_role("button", name=re.compile(f"^{cell}", re.I)).click()
    panel = editor.locator(".evidence")
    expect(panel.locator(".evidence-head")).to_contain_text(cell.split(" by ")[1], ignore_case=True)
    panel.locator(".lights button", has_text=re.compile(f"^.?{light}", re.I)).click()
    panel.locator("textarea").fill(note)
    panel.get_by_role("button", name="Override").click()


def wait_for_judgements(folder, *, by, page):
    """Wait until somebody's judgements are on disk, and return them."""
    file = folder / "answers" / "discovery.toml"
    for _ in range(PATIENCE // 50):
        judged = tomllib.loads(file.read_text(encoding="utf-8"))["judgement"]
        mine = [one for one in judged if one.get("by") == by]
        if mine:
            return mine
        page.wait_for_timeout(50)
    raise AssertionError(f"no judgement of {by} is on disk")
