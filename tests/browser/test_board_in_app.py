"""Two invited people fill in the board in the running app, each in a browser and with a kernel of their own."""

import tomllib

import pytest
from playwright.sync_api import expect

from helpers.answers.invitations import invite
from helpers.answers.survey import read_round, write_round
from tests.browser.survey_driver import PATIENCE
from tests.browser.test_goals_in_app import kill_kernel
from tests.workshop.conftest import make_folder, start_app

pytestmark = pytest.mark.acceptance  # the board itself is held to in two browsers by test_board.py

PEOPLE = ("Ana Okafor", "Ben Ito")


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """A company that has answers only, its round closed, with two people invited."""
    folder = make_folder(tmp_path_factory.mktemp("board"))
    for name in PEOPLE:
        invite(folder, name)
    write_round(folder, is_closed=True, based_on=read_round(folder)[0].revision, label="Q3 2026")
    running = start_app(folder, tmp_path_factory.mktemp("log") / "stderr.txt")
    yield running
    running.stop()


def open_board(page, app, name):
    page.goto(f"{app.root}/workshop?token={app.token(name)}")
    page.get_by_role("button", name="Board", exact=True).click()
    expect(page.locator(".bone-columns")).to_be_visible(timeout=PATIENCE)


@pytest.fixture
def windows(app, chromium, watch):
    """One window each."""
    contexts = [chromium.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB") for _ in PEOPLE]
    pages = []
    for context, name in zip(contexts, PEOPLE, strict=True):
        watch.follow(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        open_board(page, app, name)
        pages.append(page)
    yield pages
    for context in contexts:
        context.close()


def add(page, bone, text):
    box = page.get_by_label(f"Add a cause to {bone}", exact=True)
    box.fill(text)
    box.press("Enter")
    expect(page.locator(".cause-card").filter(has_text=text)).to_be_visible()


def held(app, stem):
    return tomllib.loads((app.folder / "answers" / "board" / f"{stem}.toml").read_text(encoding="utf-8"))


def wait_for(page, is_so):
    for _ in range(PATIENCE // 50):
        if is_so():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it did not come true")


def test_two_people_work_on_the_board_and_a_killed_kernel_loses_no_text(app, windows):
    ana, ben = windows
    expect(ana.get_by_role("heading", name="Nobody has written down a cause yet")).to_be_visible()
    add(ana, "Machinery", "Nothing routes the leads of the Nordics")
    add(ben, "Method", "Whoever misses a meeting is never asked again")
    of_ana = ben.locator(".cause-card").filter(has_text="Nothing routes")
    expect(of_ana).to_be_visible()
    ben.get_by_role("button", name="Put a dot: Nothing routes").click()
    of_ana.get_by_role("button", name="Nothing routes the leads of the Nordics", exact=True).click()
    ben.get_by_label("Your comment").fill("Seen in May too")
    ben.get_by_role("button", name="Say it").click()
    expect(ben.get_by_role("list", name="Comments")).to_contain_text("Seen in May too")
    ben.keyboard.press("Escape")
    card = ana.locator(".cause-card").filter(has_text="Nothing routes")
    expect(card).to_contain_text("1 said")
    expect(card.get_by_role("img")).to_have_attribute("aria-label", "1 dot, 0 of them yours")

    card.get_by_role("button", name="Nothing routes the leads of the Nordics", exact=True).click()
    ana.get_by_label("Prediction").fill("Nordic leads alone wait")
    wait_for(ana, lambda: held(app, "ana-okafor")["cause"][0].get("prediction") == "Nordic leads alone wait")
    kill_kernel(app, ana)
    ana.get_by_label("Why 1").fill("The rule lists people, not roles")
    expect(ana.locator(".connection-lost")).to_be_attached()
    ana.reload()
    open_board(ana, app, "Ana Okafor")
    wait_for(ana, lambda: held(app, "ana-okafor")["cause"][0].get("whys") == ["The rule lists people, not roles"])
    for page in (ana, ben):
        expect(page.locator(".cause-card")).to_have_count(2)
    assert held(app, "ben-ito")["vote"] == [{"cause": held(app, "ana-okafor")["cause"][0]["id"], "dots": 1}]
    assert [row["text"] for row in held(app, "ben-ito")["comment"]] == ["Seen in May too"]
