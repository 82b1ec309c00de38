"""A whole workshop in the app: two people fill in the survey at once, lose nothing, and see together what came out."""

import re
import shutil
import signal
from pathlib import Path

import psutil
import pytest
from openpyxl import load_workbook
from playwright.sync_api import expect

from tests.browser.matrix_driver import override_light, wait_for_judgements
from tests.browser.survey_driver import PATIENCE, SurveyDriver
from tests.workshop.conftest import start_app

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "samples" / "brightwater"
PEOPLE = {"Ana Okafor": "Marketing", "Ben Ito": "Sales"}


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """The sample's exports, with nobody's answers yet."""
    folder = tmp_path_factory.mktemp("workshop") / "brightwater"
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns(".cache", "survey"))
    return folder


@pytest.fixture(scope="module")
def app(company):
    """The app on that company, with two people invited."""
    invited = [option for name in PEOPLE for option in ("--invite", name)]
    running = start_app(company, company.parent / "stderr.txt", *invited)
    yield running
    running.stop()


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
    """Both respondents, each in front of the form."""
    drivers = {}
    for name in PEOPLE:
        file = app.folder / "answers" / "survey" / f"{name.lower().replace(' ', '-')}.toml"
        drivers[name] = SurveyDriver(windows(app, name), file)
    for driver in drivers.values():
        driver.wait()
    return drivers


def kill_kernel(app, page):
    """Kill the process behind a page, as a machine that runs out of memory does."""
    kernel = page.evaluate("JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId")
    for process in psutil.Process(app.process.pid).children(recursive=True):
        if kernel in " ".join(process.cmdline()):
            process.kill()
            return
    raise AssertionError("the page has no kernel")


def fill_in(driver, team, *, customers, motion, priorities):
    """Fill in one field of every type, on the screens where they stand."""
    driver.go("About you")
    driver.choose("respondent-team", team)
    driver.go("Overview")
    driver.type("company_name", "Brightwater Software")
    driver.choose("crm", "HubSpot")
    driver.type("active_customers", customers)
    driver.choose("primary_motion", motion)
    driver.field("motions_used").get_by_label("Partner-led: others bring it").check()
    driver.go_on()
    driver.type("revenue_goal", "12,000,000")
    driver.type("net_new_share", "60 %")
    driver.choose("on_track", "No")
    for row, text in enumerate(priorities, start=1):
        driver.field("top_priorities").get_by_label(f"Top three priorities, row {row}").fill(text)
    driver.go_on()
    area = driver.field("focus_areas").get_by_role("row", name=re.compile("Lead hand-off"))
    area.get_by_role("radio", name="Yes").first.click()
    driver.go("Product")
    driver.field("products").get_by_role("button", name="Add product").click()
    driver.page.keyboard.type("Route Planner")
    driver.field("products").get_by_label(re.compile("^Recurring or one-time")).select_option("recurring")
    driver.field("products").get_by_label(re.compile("^Average deal")).fill("25,000")
    driver.go("Context")
    driver.type("context_market", "About 2,400 fleets.\nWe serve 1 in 20 <b>of them</b> 🚚")


def is_filled_in(saved):
    """Tell whether everything that ``fill_in`` types lies on disk."""
    overview, product = saved["overview"], saved["product"]["products"][0]
    return (
        overview["revenue_goal"] == 12_000_000
        and overview["net_new_share"] == 0.6
        and overview["on_track"] == "no"
        and overview["motions_used"] == ["partner_led"]
        and len(overview["top_priorities"]) == 2
        and any(row["area"] == "Lead hand-off" and row.get("is_issue") == "yes" for row in overview["focus_areas"])
        and product == {"name": "Route Planner", "recurrence": "recurring", "average_deal": 25_000}
        and saved["context"]["context_market"].endswith("<b>of them</b> 🚚")
    )


def test_two_people_fill_in_every_kind_of_field_at_once(respondents):
    ana, ben = respondents["Ana Okafor"], respondents["Ben Ito"]
    motions = {"customers": "300", "motion": "Marketing-led: demand comes in"}
    fill_in(ana, "Marketing", **motions, priorities=["Win mid-market", "Halve churn"])
    fill_in(
        ben,
        "Sales",
        customers="210",
        motion="Sales-led: we reach out",
        priorities=["More outbound", "A new product"],
    )
    assert ana.wait_for_saved(is_filled_in, "what Ana typed")["overview"]["active_customers"] == 300
    assert ben.wait_for_saved(is_filled_in, "what Ben typed")["overview"]["active_customers"] == 210


def test_nobody_sees_a_colleague_or_the_crm_while_the_round_is_open(respondents):
    ana = respondents["Ana Okafor"]
    seen = ana.page.content()
    assert "210" not in seen and "More outbound" not in seen and "Ben Ito" not in seen
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


def wait_for_conflict(*windows):
    """Return the windows that ask which of two answers holds; none where they have agreed in the meantime."""
    for _ in range(60):
        told = [one for one in windows if one.field("employees").get_by_role("button", name="Keep mine").is_visible()]
        if told:
            return told
        windows[0].page.wait_for_timeout(50)
    return []


def test_two_windows_of_one_person_never_overwrite_each_other(app, respondents, windows):
    ana = respondents["Ana Okafor"]
    other = SurveyDriver(windows(app, "Ana Okafor", beside=ana.page), ana.file)
    other.wait()
    for window in (ana, other):
        window.go("Overview")
    ana.type("employees", "50")
    ana.wait_for_saved(lambda saved: saved["overview"]["employees"] == 50, "the first window's number")
    expect(other.field("employees").locator("input")).to_have_value("50", timeout=PATIENCE)
    # Both windows have to change the answer before either hears of the other's change: typed in the same moment.
    for value in range(60, 90, 3):
        for window, typed in ((ana, value), (other, value + 1)):
            window.field("employees").locator("input").evaluate(
                "(input, text) => { input.value = text; input.dispatchEvent(new Event('input', { bubbles: true })) }",
                str(typed),
            )
        told = wait_for_conflict(ana, other)
        if told:
            break
    loser = told[0]
    expect(loser.field("employees")).to_contain_text(str(value))
    expect(loser.field("employees")).to_contain_text(str(value + 1))
    kept = value if loser is ana else value + 1
    loser.field("employees").get_by_role("button", name="Keep mine").click()
    ana.wait_for_saved(lambda saved: saved["overview"]["employees"] == kept, "the answer chosen")
    other.page.close()


@pytest.fixture(scope="module")
def facilitator(app, windows):
    """The facilitator, in front of the workshop's page."""
    page = windows(app, "Facilitator")
    page.get_by_role("link", name="Open the workshop").click()
    expect(page.get_by_role("button", name="People")).to_be_visible(timeout=PATIENCE)
    return page


def test_the_facilitator_sees_how_far_people_are_and_nothing_of_what_they_say(facilitator):
    for name in PEOPLE:
        expect(facilitator.locator(".shell-row", has_text=name)).to_contain_text("of 14")
    for part in ("What we said", "What our words mean", "Gut against CRM", "Ideal customer"):
        facilitator.get_by_role("button", name=part).click()
        expect(facilitator.locator(".shell-main")).to_contain_text("open", timeout=PATIENCE)
        seen = facilitator.content()
        assert "Win mid-market" not in seen and "300" not in facilitator.locator(".shell-main").inner_text()


def test_closing_the_round_lets_everybody_see_where_they_disagree(facilitator, respondents):
    facilitator.get_by_role("button", name="Close the round").first.click()
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
    facilitator.locator(".fld-person select").select_option(label="Ben Ito")
    with facilitator.expect_download(timeout=PATIENCE) as download:
        facilitator.locator(".fld-download-survey").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    book = load_workbook(path)
    changed = {"Active customers": 215, "How many people work here?": "a few"}
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                if sheet.title == "Overview" and cell.value == 210:
                    cell.value = changed["Active customers"]
                    bad = sheet.cell(cell.row, cell.column)
    assert bad is not None
    where = find_answer_cell(book["Overview"], "How many people work here?", bad.column)
    where.value = changed["How many people work here?"]
    book.save(path)
    with facilitator.expect_file_chooser() as chooser:
        facilitator.locator(".fld-upload").click()
    chooser.value.set_files(path)
    told = facilitator.locator(".shell-main")
    expect(told).to_contain_text("taken from Ben Ito", timeout=PATIENCE)
    expect(told).to_contain_text(f"Overview, {where.coordinate}")
    saved = respondents["Ben Ito"].saved()
    assert saved["overview"]["active_customers"] == 215
    assert "employees" not in saved["overview"]


def find_answer_cell(sheet, question, column):
    """Return the cell in which a question is answered."""
    for row in sheet.iter_rows():
        for cell in row:
            if str(cell.value or "").startswith(question):
                return sheet.cell(cell.row, column)
    raise AssertionError(f"the sheet doesn't ask '{question}'")


def test_the_profile_is_one_page_to_take_along(facilitator, tmp_path):
    facilitator.get_by_role("button", name="Company profile").click()
    with facilitator.expect_download(timeout=PATIENCE) as download:
        facilitator.locator(".fld-download-profile").click()
    download.value.save_as(tmp_path / "profile.html")
    page = (tmp_path / "profile.html").read_text(encoding="utf-8")
    assert "Brightwater Software" in page and "Win mid-market" in page
    assert "http://" not in page.replace("http://www.w3.org", "") and "https://" not in page


def test_a_killed_server_comes_back_with_the_same_links(app, respondents):
    ana = respondents["Ana Okafor"]
    ana.page.get_by_role("button", name="My answers").click()
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
