"""One person types and pastes what could break a page, into the running app: it is kept and shown, and does nothing."""

import re

import pytest
from playwright.sync_api import expect

from helpers.answers.invitations import invite
from helpers.answers.survey import read_round, write_round
from helpers.model.survey import load_survey
from tests.answers.editors import ResponseEditor
from tests.browser.survey_driver import PATIENCE, SurveyDriver
from tests.workshop.conftest import make_folder, start_app

NAME = "Ana ${alert(1)} <img src=x onerror=alert(1)>"
SCRIPT = '</script><script>alert(1)</script><img src="http://elsewhere.example/x" onerror="alert(1)">'
MIXED = "../../etc/passwd 🙂👩‍👩‍👧‍👦 \u202egnp.exe\u202c {{7*7}} =1+1"
LONG = "long " * 20_000
PRIORITY = "<svg onload=alert(1)> win"
PRODUCT = "\"'><iframe src=javascript:alert(1)>"


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """A company that has answers only, with one hostile colleague's on file already."""
    folder = make_folder(tmp_path_factory.mktemp("hostile"))
    other = ResponseEditor(folder, load_survey(), name="Ben Ito", team="sales", role=SCRIPT)
    other.change("top_priorities", [SCRIPT, PRIORITY])
    other.change("definition_mql_words", SCRIPT)
    other.save()
    invite(folder, NAME, team="marketing")
    running = start_app(folder, tmp_path_factory.mktemp("log") / "stderr.txt")
    yield running
    running.stop()


def paste(box, text):
    """Put a text into a box at once, as a paste does."""
    box.fill(text)


def find_file(app):
    files = [
        path for path in (app.folder / "answers" / "survey").glob("*.toml") if path.stem not in ("round", "ben-ito")
    ]
    return files[0] if files else app.folder / "none"


class AnyFile(SurveyDriver):
    """A respondent whose file is named by the app."""

    def __init__(self, page, app):
        super().__init__(page, None)
        self._app = app

    def saved(self):
        self.file = find_file(self._app)
        return super().saved()


def check_shown(driver):
    """Check that the form shows what was typed, sign by sign."""
    driver.go("Overview")
    expect(driver.field("company_name").locator("input")).to_have_value(SCRIPT, timeout=PATIENCE)
    driver.go_on()
    first = driver.field("top_priorities").get_by_role("textbox").first
    expect(first).to_have_value(PRIORITY, timeout=PATIENCE)
    driver.go("Product")
    expect(driver.field("products").get_by_role("textbox").first).to_have_value(PRODUCT, timeout=PATIENCE)
    driver.go("Context")
    expect(driver.field("context_market").locator("textarea")).to_have_value(MIXED, timeout=PATIENCE)
    expect(driver.field("context_customers").locator("textarea")).to_have_value(LONG, timeout=PATIENCE)


def test_what_could_break_a_page_is_kept_shown_and_does_nothing(app, context):
    dialogs = []

    def answer(dialog):
        if dialog.type == "beforeunload":  # the form's own: it hasn't heard yet that all is saved
            dialog.accept()
        else:
            dialogs.append(dialog.message)
            dialog.dismiss()

    context.on("dialog", answer)
    page = context.new_page()
    driver = AnyFile(page, app)
    page.goto(f"{app.root}/?token={app.token(NAME)}")
    driver.wait()
    expect(page.locator(".shell-head")).to_contain_text(NAME)
    driver.go("Overview")
    driver.type("company_name", SCRIPT)
    driver.go_on()
    paste(driver.field("top_priorities").get_by_label("Top three priorities, row 1"), PRIORITY)
    driver.go("Product")
    driver.field("products").get_by_role("button", name="Add product").click()
    page.keyboard.type(PRODUCT)
    page.keyboard.press("Enter")
    driver.go("Context")
    paste(driver.field("context_market").locator("textarea"), MIXED)
    paste(driver.field("context_customers").locator("textarea"), LONG)
    saved = driver.wait_for_saved(lambda saved: saved["context"]["context_customers"] == LONG, "the long text")
    assert saved["context"]["context_market"] == MIXED
    driver.wait_for_saved(lambda saved: saved["product"]["products"][0]["name"] == PRODUCT, "the product")
    assert driver.saved()["overview"] == {"company_name": SCRIPT, "top_priorities": [PRIORITY]}
    assert driver.file.parent == app.folder / "answers" / "survey"
    assert re.fullmatch(r"[a-z0-9-]+\.toml", driver.file.name)
    page.reload()
    driver.wait()
    check_shown(driver)

    write_round(app.folder, is_closed=True, based_on=read_round(app.folder)[0].revision)
    page.get_by_role("button", name="What we said").click(timeout=PATIENCE)
    expect(page.locator(".shell-main")).to_contain_text(PRIORITY, timeout=PATIENCE)
    expect(page.locator(".shell-main")).to_contain_text("</script><script>alert(1)</script>")
    page.get_by_role("button", name="All answers").click()
    expect(page.locator(".shell-main")).to_contain_text(PRODUCT, timeout=PATIENCE)
    page.reload()
    expect(page.locator(".shell-main")).to_contain_text(PRODUCT, timeout=PATIENCE)
    page.get_by_role("button", name="My answers").click()
    driver.wait()
    check_shown(driver)
    facilitator = context.new_page()
    facilitator.goto(f"{app.root}/workshop?token={app.token('Facilitator')}")
    expect(facilitator.locator(".shell-row", has_text=NAME)).to_be_visible(timeout=PATIENCE)
    facilitator.get_by_role("button", name="Company profile").click()
    expect(facilitator.locator(".shell-main")).to_contain_text(PRIORITY, timeout=PATIENCE)
    for window in (page, facilitator):
        assert not window.evaluate("() => document.querySelectorAll('iframe, svg[onload], [onerror]').length")
    assert not dialogs
