"""A whole workshop in the app: people fill in the survey at once, lose nothing, and see together what came out."""

import re
import shutil
import signal
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import expect

from tests.browser.matrix_driver import override_light, wait_for_judgements
from tests.browser.survey_driver import PATIENCE
from tests.browser.workbook_driver import answer_survey, bring_back, hand_out
from tests.browser.workshop_people import answer_in_both, choose_people, fill_in, is_filled_in
from tests.workshop.conftest import start_app

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "samples" / "brightwater"
PEOPLE = choose_people()
ANA, BEN = PEOPLE[:2]
ANSWERS_WITHIN = 20
"""Seconds after which a server that says nothing counts as hung."""


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """The sample's exports, with nobody's answers yet."""
    folder = tmp_path_factory.mktemp("workshop") / "brightwater"
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns(".cache", "survey"))
    return folder


@pytest.fixture(scope="module")
def app(company):
    """The app on that company, with everybody invited."""
    invited = [option for person in PEOPLE for option in ("--invite", person.name)]
    running = start_app(company, company.parent / "stderr.txt", *invited)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def hung():
    """Why the server counts as hung, once it does."""
    return []


@pytest.fixture(autouse=True)
def answering(app, hung):
    """Every test builds on one server: once that hangs the others fail at once, not each after its own patience."""
    if not hung:
        try:
            app.check_that_it_answers(ANSWERS_WITHIN)
        except AssertionError as error:
            hung.append(str(error))
    if hung:
        pytest.fail(hung[0], pytrace=False)


@pytest.fixture(scope="module")
def windows(chromium):
    """Opens windows of people who share nothing, each with a browser of their own."""
    contexts = []

    def open_window(app, name, *, beside=None):
        context = beside.context if beside else chromium.new_context(viewport={"width": 1280, "height": 720})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(f"{app.root}/?token={app.token(name)}")
        return page

    yield open_window
    for context in dict.fromkeys(contexts):
        context.close()


@pytest.fixture(scope="module")
def respondents(app, windows):
    """Everybody in front of the form: name → driver."""
    drivers = {person.name: person.driver(windows(app, person.name), app.folder) for person in PEOPLE}
    for driver in drivers.values():
        driver.wait()
    return drivers


def kill_kernel(app, page):
    """Kill the process behind a page, as a machine that runs out of memory does."""
    kernel = page.evaluate("JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId")
    for process in psutil.Process(app.process.pid).children(recursive=True):
        with suppress(psutil.ZombieProcess, psutil.NoSuchProcess):  # killed a moment ago
            if kernel in " ".join(process.cmdline()):
                process.kill()
                return
    raise AssertionError("the page has no kernel")


def test_everybody_fills_in_every_kind_of_field_at_once(respondents):
    for person in PEOPLE:
        driver = respondents[person.name]
        driver.go("About you")
        driver.choose("respondent-team", person.team)
        fill_in(driver, person)
    for person in PEOPLE:
        saved = respondents[person.name].wait_for_saved(is_filled_in, f"what {person.name} typed")
        assert saved["overview"]["active_customers"] == person.customers
        assert saved["overview"]["top_priorities"] == list(person.priorities)


def test_nobody_sees_a_colleague_or_the_crm_while_the_round_is_open(respondents):
    ana = respondents["Ana Okafor"]
    seen = ana.page.content()
    assert not re.search(r"\b210\b", seen) and "More outbound" not in seen  # three digits may stand in any widget's id
    assert not [person.name for person in PEOPLE[1:] if person.name in seen]
    assert ana.page.get_by_role("button", name="Gut against CRM").count() == 0


def test_text_that_is_no_number_is_told_kept_and_there_again_after_a_reload(respondents):
    ana = respondents["Ana Okafor"]
    ana.go("Overview")
    ana.type("employees", "about forty")
    expect(ana.field("employees").get_by_role("alert")).to_contain_text("is no number")
    ana.wait_for_saved(lambda saved: saved["drafts"]["employees"] == "about forty", "the text")
    ana.page.reload()
    ana.wait()
    ana.go("Overview")
    expect(ana.field("employees").locator("input")).to_have_value("about forty")
    expect(ana.field("employees").get_by_role("alert")).to_contain_text("is no number")
    expect(ana.field("active_customers").locator("input")).to_have_value("300")
    ana.type("employees", "41")
    saved = ana.wait_for_saved(lambda saved: saved["overview"]["employees"] == 41, "the number")
    assert "employees" not in saved.get("drafts", {})


def test_a_killed_kernel_loses_nothing_that_was_saved_and_the_page_says_so(app, respondents):
    ana = respondents["Ana Okafor"]
    ana.type("founded", "2015")
    ana.wait_for_saved(lambda saved: saved["overview"]["founded"] == 2015, "the year")
    for driver in respondents.values():
        kill_kernel(app, driver.page)
    for driver in respondents.values():
        expect(driver.page.get_by_role("alert").filter(has_text="connection")).to_be_visible(timeout=PATIENCE)
    assert ana.saved()["overview"]["founded"] == 2015
    for driver in respondents.values():
        driver.page.get_by_role("button", name="Reload").click()
        driver.wait()
    ana.go("Overview")
    expect(ana.field("founded").locator("input")).to_have_value("2015")


def test_two_windows_of_one_person_never_overwrite_each_other(app, respondents, windows):
    ana = respondents["Ana Okafor"]
    other = ANA.driver(windows(app, "Ana Okafor", beside=ana.page), app.folder)
    other.wait()
    for window in (ana, other):
        window.go("Overview")
    ana.type("employees", "50")
    ana.wait_for_saved(lambda saved: saved["overview"]["employees"] == 50, "the first window's number")
    expect(other.field("employees").locator("input")).to_have_value("50", timeout=PATIENCE)
    asks, mine, theirs = answer_in_both((ana, other), "employees")
    for value in (mine, theirs):
        expect(asks.field("employees")).to_contain_text(str(value))
    asks.field("employees").get_by_role("button", name="Keep mine").click()
    ana.wait_for_saved(lambda saved: saved["overview"]["employees"] == mine, "the answer chosen")
    other.page.close()


@pytest.fixture(scope="module")
def facilitator(app, windows):
    """The facilitator, in front of the workshop's page."""
    page = windows(app, "Facilitator")
    page.get_by_role("link", name="Open the workshop").click()
    expect(page.get_by_role("button", name="People")).to_be_visible(timeout=PATIENCE)
    return page


def test_the_facilitator_sees_how_far_people_are_and_nothing_of_what_they_say(facilitator):
    for person in PEOPLE:
        expect(facilitator.locator(".shell-row", has_text=person.name)).to_contain_text("of 14")
    for part in ("What we said", "What our words mean", "Gut against CRM", "Ideal customer"):
        facilitator.get_by_role("button", name=part).click()
        expect(facilitator.locator(".shell-main")).to_contain_text("open", timeout=PATIENCE)
        seen = facilitator.content()
        assert "Win mid-market" not in seen and "300" not in facilitator.locator(".shell-main").inner_text()


def test_closing_the_round_lets_everybody_see_where_they_disagree(facilitator, respondents):
    facilitator.get_by_role("button", name="Close or begin").click()
    facilitator.locator(".fld-close").click()
    facilitator.locator(".fld-close-confirm").click()
    expect(facilitator.locator(".shell-main")).to_contain_text("The round is closed")
    for page in (facilitator, respondents["Ana Okafor"].page):
        page.get_by_role("button", name="What we said").click()
        expect(page.locator(".shell-main")).to_contain_text("Win mid-market", timeout=PATIENCE)
        expect(page.locator(".shell-main")).to_contain_text("More outbound")
        page.get_by_role("button", name="Gut against CRM").click()
        expect(page.locator(".shell-main")).to_contain_text("Active customers", timeout=PATIENCE)


def test_a_light_is_overridden_with_a_note_and_stands_in_the_file(app, facilitator):
    facilitator.get_by_role("button", name="Discovery matrix").click()
    editor = facilitator.locator(".matrix-editor")
    expect(editor.get_by_role("grid")).to_be_visible(timeout=PATIENCE)
    override_light(editor, "Opportunities by industry", "unavailable", "Typed by hand, nobody trusts it")
    mine = wait_for_judgements(app.folder, by="Facilitator", page=facilitator)
    assert {one["light"] for one in mine} == {"unavailable"}
    assert {one["note"] for one in mine} == {"Typed by hand, nobody trusts it"}
    assert {one["dimension"] for one in mine} == {"industry"}


def test_a_survey_goes_out_as_a_workbook_and_comes_back_with_its_bad_cell_named(facilitator, respondents, tmp_path):
    facilitator.get_by_role("button", name="Spreadsheets").click()
    facilitator.locator(".fld-person select").select_option(label=BEN.name)
    path = hand_out(facilitator, ".fld-download-survey", tmp_path)
    place = answer_survey(path, customers=215, was=BEN.customers)
    bring_back(facilitator, path)
    told = facilitator.locator(".shell-main")
    expect(told).to_contain_text(f"taken from {BEN.name}", timeout=PATIENCE)
    expect(told).to_contain_text(place)
    saved = respondents[BEN.name].saved()
    assert saved["overview"]["active_customers"] == 215
    assert "employees" not in saved["overview"]


def test_the_profile_is_one_page_to_take_along(facilitator, tmp_path):
    facilitator.get_by_role("button", name="Company profile").click()
    with facilitator.expect_download(timeout=PATIENCE) as download:
        facilitator.locator(".fld-download-profile").click()
    download.value.save_as(tmp_path / "profile.html")
    page = (tmp_path / "profile.html").read_text(encoding="utf-8")
    assert "Brightwater Software" in page and "Win mid-market" in page
    assert "http://" not in page.replace("http://www.w3.org", "") and "https://" not in page


def test_a_new_round_begins_empty_in_every_window_and_its_answers_are_nobodys_but_ones_own(
    app, facilitator, respondents
):
    ana = respondents["Ana Okafor"]
    before = ana.file.read_text(encoding="utf-8")
    facilitator.get_by_role("button", name="Close or begin").click()
    facilitator.locator(".fld-start").click()
    facilitator.locator(".fld-round-label input").fill("Q1 2027")
    facilitator.locator(".fld-start-confirm").click()
    expect(facilitator.locator(".shell-main")).to_contain_text("has begun")
    (kept,) = (app.folder / "answers" / "survey_rounds").glob("*/ana-okafor.toml")
    assert kept.read_text(encoding="utf-8") == before
    expect(ana.page.get_by_role("button", name="Gut against CRM")).to_have_count(0, timeout=PATIENCE)
    ana.go("Overview")
    expect(ana.field("active_customers").locator("input")).to_have_value("")


def test_a_killed_server_comes_back_with_the_same_links(app, respondents):
    ana = respondents["Ana Okafor"]
    ana.go("Overview")
    ana.type("founded", "2016")
    ana.wait_for_saved(lambda saved: saved["overview"]["founded"] == 2016, "the year")
    app.stop(signal.SIGKILL)
    expect(ana.page.get_by_role("alert").filter(has_text="connection")).to_be_visible(timeout=PATIENCE)
    again = start_app(app.folder, app.log)
    try:
        assert again.root == app.root
        ana.page.reload()
        ana.wait()
        ana.go("Overview")
        expect(ana.field("founded").locator("input")).to_have_value("2016")
    finally:
        again.stop()
