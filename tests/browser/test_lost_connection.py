"""A connection that breaks while somebody types: what was typed then is there after a reload, and only for them."""

import shutil
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import expect

from helpers.answers.editing import ResponseEditor
from helpers.answers.files import lock_folder
from helpers.model.survey import load_survey
from tests.browser.survey_driver import PATIENCE, SurveyDriver
from tests.workshop.conftest import start_app

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "samples" / "brightwater"
BANNER = "#revenue-engine-connection"
PEOPLE = ("Ana Okafor", "Ben Ito", "Cleo Dubois", "Dev Rao")
KEPT = (
    "Object.entries(localStorage).filter(([key]) => key.startsWith('revenue-engine:unsaved:')).map(([, text]) => text)"
)


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """The app on the sample's exports, with people invited and nobody's answers yet."""
    folder = tmp_path_factory.mktemp("connection") / "brightwater"
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns(".cache", "survey"))
    invited = [option for name in PEOPLE for option in ("--invite", name)]
    running = start_app(folder, folder.parent / "stderr.txt", *invited)
    yield running
    running.stop()


@pytest.fixture
def open_form(app, context):
    """Opens somebody's link in a tab of one and the same browser."""

    def open_one(name, page=None):
        page = page or context.new_page()
        file = app.folder / "answers" / "survey" / f"{name.lower().replace(' ', '-')}.toml"
        driver = SurveyDriver(page, file)
        page.goto(f"{app.root}/?token={app.token(name)}")
        driver.wait()
        return driver

    return open_one


def find_kernel(app, page):
    """Return the process behind a page."""
    kernel = page.evaluate("JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId")
    running = psutil.Process(app.process.pid).children(recursive=True)
    alive = [process for process in running if process.status() != psutil.STATUS_ZOMBIE]
    return next(process for process in alive if kernel in " ".join(process.cmdline()))


def begin(driver, team="Sales"):
    """Say one's team, come to the first questions and answer one of them."""
    driver.choose("respondent-team", team)
    driver.go("Overview")
    driver.type("active_customers", "300")
    driver.wait_for_saved(lambda saved: saved["overview"]["active_customers"] == 300, "the first answer")


def box(driver, id):
    return driver.field(id).locator("input, textarea").first


def wait_until_nothing_is_kept(driver):
    driver.page.wait_for_function(f"() => ({KEPT}).length === 0")


def test_what_is_typed_after_the_kernel_was_killed_is_saved_once_the_page_is_loaded_again(app, open_form):
    ana = open_form("Ana Okafor")
    begin(ana)
    wait_until_nothing_is_kept(ana)
    ana.go("Product")
    ana.field("products").get_by_role("button", name="Add product").click()
    ana.page.keyboard.type("Route Planner")
    ana.wait_for_saved(lambda saved: saved["product"]["products"][0]["name"] == "Route Planner", "the product")
    wait_until_nothing_is_kept(ana)
    ana.go("Overview")
    expect(box(ana, "active_customers")).to_have_value("300")
    find_kernel(app, ana.page).kill()
    ana.type("active_customers", "310")
    ana.type("company_name", "Brightwater Söftware")
    ana.choose("crm", "HubSpot")
    ana.field("motions_used").get_by_label("Partner-led: others bring it").check()
    banner = ana.page.locator(BANNER)
    expect(banner).to_contain_text("What you have typed since is kept in this browser", timeout=PATIENCE)
    banner.get_by_role("button", name="Reload").click()
    expect(box(ana, "company_name")).to_have_value("Brightwater Söftware")
    expect(ana.form.get_by_text("The connection was lost before this could be saved")).to_be_visible()
    saved = ana.wait_for_saved(lambda saved: saved["overview"]["company_name"], "what was typed while nobody listened")
    assert saved["overview"]["active_customers"] == 310
    assert saved["overview"]["crm"] == "hubspot"
    assert saved["overview"]["motions_used"] == ["partner_led"]
    assert saved["product"]["products"][0]["name"] == "Route Planner"
    wait_until_nothing_is_kept(ana)
    expect(ana.form.locator(".red-conflict-title")).to_have_count(0)


def test_rows_typed_into_a_grid_come_back_too_and_the_reader_is_where_they_were(app, open_form):
    dev = open_form("Dev Rao")
    begin(dev)
    dev.go("Product")
    expect(dev.field("products")).to_be_visible()
    heading = dev.form.locator(".red-screen-title")
    title = heading.text_content()
    find_kernel(app, dev.page).kill()
    dev.field("products").get_by_role("button", name="Add product").click()
    dev.page.keyboard.type("Flow")
    dev.field("products").get_by_label("Average deal").first.fill("25,000")
    dev.page.reload()
    expect(heading).to_have_text(title)
    expect(dev.field("products").get_by_label("Average deal").first).to_have_value("25,000")
    saved = dev.wait_for_saved(lambda saved: saved["product"]["products"], "the product")
    assert saved["product"]["products"] == [{"name": "Flow", "average_deal": 25_000}]
    wait_until_nothing_is_kept(dev)


def test_an_answer_changed_meanwhile_is_a_conflict_with_both_values(app, open_form):
    ben = open_form("Ben Ito")
    begin(ben)
    find_kernel(app, ben.page).kill()
    ben.type("active_customers", "320")
    elsewhere = ResponseEditor(app.folder, load_survey(), name="Ben Ito")
    elsewhere.change("active_customers", "290")
    assert elsewhere.save().status == "saved"
    ben.page.reload()
    expect(ben.form.get_by_text("One answer was also changed")).to_be_visible()
    expect(ben.field("active_customers")).to_contain_text("290")
    expect(ben.field("active_customers")).to_contain_text("320")
    assert ben.saved()["overview"]["active_customers"] == 290
    wait_until_nothing_is_kept(ben)


def test_nobody_else_at_the_same_computer_is_shown_it_and_its_owner_finds_it_in_a_new_tab(app, open_form):
    cleo = open_form("Cleo Dubois")
    begin(cleo, "Marketing")
    find_kernel(app, cleo.page).kill()
    cleo.type("company_name", "Only for Cleo")
    cleo.page.wait_for_function(f"() => ({KEPT}).some((text) => text.includes('Only for Cleo'))")
    page = cleo.page
    ben = open_form("Ben Ito", page)
    ben.go("Overview")
    expect(box(ben, "company_name")).to_have_value("")
    assert "Only for Cleo" not in page.content()
    page.close()
    again = open_form("Cleo Dubois")
    again.wait_for_saved(lambda saved: saved["overview"]["company_name"] == "Only for Cleo", "what Cleo typed")
    assert "Only for Cleo" not in str(ben.saved())
    wait_until_nothing_is_kept(again)


def test_a_kernel_that_only_pauses_takes_in_what_was_typed_meanwhile_and_the_banner_leaves(app, open_form):
    dev = open_form("Dev Rao")
    dev.go("Overview")
    expect(box(dev, "company_name")).to_be_visible()
    kernel = find_kernel(app, dev.page)
    kernel.suspend()
    try:
        dev.type("company_name", "Brightwater")
        expect(dev.page.locator(BANNER)).to_contain_text("Connection lost.", timeout=PATIENCE)
    finally:
        kernel.resume()
    expect(dev.page.locator(BANNER)).to_have_count(0)
    dev.wait_for_saved(lambda saved: saved["overview"]["company_name"] == "Brightwater", "what was typed meanwhile")
    expect(box(dev, "company_name")).to_have_value("Brightwater")
    wait_until_nothing_is_kept(dev)


def test_a_kernel_that_is_busy_is_told_from_a_lost_connection_and_loses_nothing(app, open_form):
    """Somebody else holds the answers' lock, so the page's kernel waits for it and answers nobody."""
    dev = open_form("Dev Rao")
    dev.go("Overview")
    expect(box(dev, "company_name")).to_be_visible()
    banner = dev.page.locator(BANNER)
    with lock_folder(app.folder / "answers" / ".versions" / "survey" / "dev-rao"):
        dev.type("active_customers", "330")
        expect(banner).to_contain_text("Still computing. Go on typing", timeout=PATIENCE)
        expect(banner.get_by_role("button")).to_have_count(0)
        dev.type("company_name", "Brightwater Group")
    expect(banner).to_have_count(0)
    dev.wait_for_saved(lambda saved: saved["overview"]["company_name"] == "Brightwater Group", "the later answer")
    assert dev.saved()["overview"]["active_customers"] == 330
    wait_until_nothing_is_kept(dev)
