"""A whole workshop in JupyterLab: everybody answers in a notebook, and the facilitator closes, shows and begins."""

import tomllib

import pytest
from playwright.sync_api import expect

from tests.browser.lab_server import read_outputs, start_lab
from tests.browser.survey_driver import PATIENCE
from tests.browser.workbook_driver import answer_survey, bring_back, hand_out
from tests.browser.workshop_people import answer_in_both, choose_people, fill_in, is_filled_in

pytestmark = pytest.mark.acceptance  # the same journey runs in the app in every run

SURVEY = "01_gtm_survey.ipynb"
PEOPLE = choose_people()
ANA, BEN = PEOPLE[:2]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab on the sample's exports, with nobody's answers yet."""
    running = start_lab(tmp_path_factory.mktemp("lab"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def windows(chromium):
    """Opens windows of people who share nothing, each with a browser of their own."""
    contexts = []

    def open_window():
        contexts.append(chromium.new_context(viewport={"width": 1280, "height": 900}))
        return contexts[-1].new_page()

    yield open_window
    for context in contexts:
        context.close()


def sign_in(driver, person):
    """Say who is there, as the form asks first."""
    driver.wait()
    driver.form.get_by_label("Your name").fill(person.name)
    driver.choose("team", person.team)
    driver.form.locator(".red-footer button.is-primary").click()
    expect(driver.form.locator(".red-rail")).to_be_visible()


@pytest.fixture(scope="module")
def respondents(lab, windows):
    """Everybody in front of the form: name → driver."""
    pages = {person: windows() for person in PEOPLE}
    for person, page in pages.items():
        lab.open(page, lab.copy_for(person.name, SURVEY))
        lab.run_until(page, "form")
    drivers = {person.name: person.driver(page, lab.folder) for person, page in pages.items()}
    for person in PEOPLE:
        sign_in(drivers[person.name], person)
    return drivers


def test_everybody_fills_in_every_kind_of_field(respondents):
    for person in PEOPLE:
        fill_in(respondents[person.name], person)
    for person in PEOPLE:
        saved = respondents[person.name].wait_for_saved(is_filled_in, f"what {person.name} typed")
        assert saved["overview"]["active_customers"] == person.customers
        assert saved["overview"]["top_priorities"] == list(person.priorities)


def assert_round_is_open(page, people):
    """Make sure that a notebook that has run says so, and holds nothing of what these people typed."""
    assert "the round is still open" in read_outputs(page) or "Nobody has answered" in read_outputs(page)
    seen = page.content()
    assert not [text for person in people for text in person.priorities if text in seen]


def test_nobody_sees_a_colleague_or_the_crm_while_the_round_is_open(lab, respondents):
    ben = respondents[BEN.name].page
    lab.run_all(ben)
    lab.finish(ben)
    assert_round_is_open(ben, [person for person in PEOPLE if person is not BEN])
    sign_in(respondents[BEN.name], BEN)


def test_two_windows_of_one_person_never_overwrite_each_other(lab, respondents):
    ana = respondents[ANA.name]
    other = ANA.driver(ana.page.context.new_page(), lab.folder)
    lab.open(other.page, f"ana-okafor/{SURVEY}")
    lab.run_until(other.page, "form")
    sign_in(other, ANA)
    for window in (ana, other):
        window.go("Overview")
    asks, mine, theirs = answer_in_both((ana, other), "employees")
    for value in (mine, theirs):
        expect(asks.field("employees")).to_contain_text(str(value))
    asks.field("employees").get_by_role("button", name="Keep mine").click()
    ana.wait_for_saved(lambda saved: saved["overview"]["employees"] == mine, "the answer chosen")
    for window in (ana, other):
        expect(window.field("employees").locator("input")).to_have_value(str(mine), timeout=PATIENCE)
        expect(window.field("employees").get_by_role("button", name="Keep mine")).to_be_hidden()
    other.page.close()


def test_a_killed_kernel_loses_nothing_that_was_saved_and_the_page_says_so(lab, respondents):
    ana = respondents[ANA.name]
    ana.type("employees", "many")
    expect(ana.field("employees").get_by_role("alert")).to_contain_text("is no number")
    ana.wait_for_saved(lambda saved: saved["drafts"]["employees"] == "many", "what is no number")
    lab.kill_kernels(ana.page)
    for person in PEOPLE:
        page = respondents[person.name].page
        expect(page.get_by_role("alert").filter(has_text="connection")).to_be_visible(timeout=PATIENCE)
    for person in PEOPLE:
        page = respondents[person.name].page
        lab.open(page, f"{person.name.lower().replace(' ', '-')}/{SURVEY}")
        lab.run_until(page, "form")
    for person in PEOPLE:
        driver = respondents[person.name]
        sign_in(driver, person)
        driver.go("Overview")
        expect(driver.field("active_customers").locator("input")).to_have_value(str(person.customers))
    expect(ana.field("employees").locator("input")).to_have_value("many")
    ana.type("employees", "40")
    ana.wait_for_saved(lambda saved: saved["overview"]["employees"] == 40, "the number")


@pytest.fixture(scope="module")
def facilitator(lab, windows, respondents):
    """The facilitator, whose notebook ran while the round was open."""
    page = windows()
    lab.open(page, SURVEY)
    lab.run_all(page)
    expect(page.locator(".panel-fold")).to_be_visible(timeout=PATIENCE)
    lab.finish(page)
    return page


def test_the_facilitator_sees_how_far_people_are_and_nothing_of_what_they_say(facilitator):
    panel = facilitator.locator(".panel")
    assert panel.locator(".panel-body").count() == 0
    panel.locator(".panel-fold").click()
    expect(panel).to_contain_text("The round is open")
    for person in PEOPLE:
        expect(panel).to_contain_text(person.name)
    assert_round_is_open(facilitator, PEOPLE)


def test_closing_the_round_shows_where_people_disagree_with_each_other_and_with_the_crm(lab, facilitator):
    facilitator.locator(".fld-close").click()
    facilitator.locator(".fld-close-confirm").click()
    expect(facilitator.locator(".panel")).to_contain_text("What stands below was made before that")
    assert "Win mid-market" not in read_outputs(facilitator)
    show_anew(lab, facilitator)
    seen = read_outputs(facilitator)
    assert f"{len(PEOPLE)} people answered, and the round is closed" in seen
    for person in PEOPLE:
        assert person.name in seen and all(text in seen for text in person.priorities)
    assert "Active customers" in seen and f"people say {median_customers()}" in seen


def median_customers():
    """What people say of the customers, in the middle."""
    said = sorted(person.customers for person in PEOPLE)
    half = len(said) // 2
    middle = said[half] if len(said) % 2 else (said[half - 1] + said[half]) / 2
    return f"{middle:g}"


def show_anew(lab, page):
    """Press the panel's button that runs the notebook, and wait until it has."""
    lab.forget_runs(page)
    page.locator(".fld-rerun").click()
    lab.finish(page)
    expect(page.locator(".panel-body")).to_have_count(0)


def test_a_survey_goes_out_as_a_workbook_and_comes_back_with_its_bad_cell_named(facilitator, respondents, tmp_path):
    facilitator.locator(".panel-fold").click()
    facilitator.locator(".part-spreadsheets").click()
    facilitator.locator(".fld-person select").select_option(label=BEN.name)
    path = hand_out(facilitator, ".fld-download-survey", tmp_path)
    place = answer_survey(path, customers=215, was=BEN.customers)
    bring_back(facilitator, path)
    panel = facilitator.locator(".panel")
    expect(panel).to_contain_text(f"taken from {BEN.name}", timeout=PATIENCE)
    expect(panel).to_contain_text(place)
    saved = respondents[BEN.name].saved()
    assert saved["overview"]["active_customers"] == 215 and "employees" not in saved["overview"]


def test_an_earlier_version_of_somebodys_answers_is_brought_back(facilitator, respondents):
    facilitator.locator(".part-earlier").click()
    facilitator.locator(".panel .fld-whose select").select_option(label=f"Answers of {BEN.name}")
    facilitator.locator(".panel .shell-version", has_text=BEN.name).first.get_by_role("button").click()
    expect(facilitator.locator(".panel")).to_contain_text("Brought back")
    respondents[BEN.name].wait_for_saved(
        lambda saved: saved["overview"]["active_customers"] == BEN.customers, "the number before the workbook"
    )


def test_hidden_names_stand_nowhere_once_the_notebook_has_run_again(lab, facilitator):
    facilitator.locator(".part-round").click()
    facilitator.locator(".fld-hide-names input").check()
    expect(facilitator.locator(".fld-rerun")).to_be_visible()
    show_anew(lab, facilitator)
    seen = read_outputs(facilitator)
    assert "Respondent " in seen and all(text in seen for text in ANA.priorities)
    assert not [person.name for person in PEOPLE if person.name in seen]


def test_a_new_round_begins_empty_for_everybody_and_keeps_what_was_said(lab, facilitator, respondents):
    ana = respondents[ANA.name]
    before = ana.file.read_text(encoding="utf-8")
    facilitator.locator(".panel-fold").click()
    facilitator.locator(".fld-start").click()
    facilitator.locator(".fld-round-label input").fill("Q1 2027")
    facilitator.locator(".fld-start-confirm").click()
    expect(facilitator.locator(".panel")).to_contain_text("Q1 2027 has begun")
    kept = list((lab.folder / "answers" / "survey_rounds").glob("*/ana-okafor.toml"))
    assert [path.read_text(encoding="utf-8") for path in kept] == [before]
    state = tomllib.loads((lab.folder / "answers" / "survey" / "round.toml").read_text(encoding="utf-8"))
    assert state["closed"] is False and state["label"] == "Q1 2027"
    expect(ana.field("active_customers").locator("input")).to_have_value("", timeout=PATIENCE)
    ana.type("active_customers", "280")
    ana.wait_for_saved(lambda saved: saved["overview"] == {"active_customers": 280}, "the only answer of the new round")
