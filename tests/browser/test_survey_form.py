"""The form in a real browser on a real server: typed by label or by keyboard, on disk, and back after a reload."""

import os
import re
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE = 60
"""Seconds; the machine may be busy with other tests."""

TEAMS = '{ marketing = "Marketing", sales = "Sales" }'
SURVEY = f"""
label = "A small survey"
tabs = ["basics", "more"]
introduction = "Answer from your gut."

[respondent.name]
label = "Your name"
type = "text"
required = true

[respondent.team]
label = "Your team"
type = "choice"
required = true
choices = {TEAMS}

[references]
"""
BASICS = """
[basics]
label = "Basics"
description = "One question of each kind."
minutes = 3

[basics.company]
label = "The company"

[basics.company.company]
label = "Company"
help = "As customers know it."
example = "Northwind"
type = "text"
required = true

[basics.company.category]
label = "Revenue split by"
type = "text"
suggestions = ["Product", "Region"]

[basics.company.share]
label = "Share from new customers"
type = "number"
unit = "share"
minimum = 0
maximum = 1
example = "70 %"

[basics.company.goal]
label = "Revenue goal"
type = "currency"
unit = "currency"
minimum = 0

[basics.company.crm]
label = "Which CRM?"
type = "choice"
choices = { a = "HubSpot", b = "Salesforce", c = "Dynamics", d = "Pipedrive", e = "Zoho", f = "Another" }

[basics.company.kind]
label = "What kind of number?"
type = "choice"
choices = { money = "Money", count = "A count" }

[basics.company.on_track]
label = "On track?"
type = "yes_no_unknown"

[basics.company.motions]
label = "Which motions?"
type = "multiple_choice"
choices = { marketing = "Marketing-led", sales = "Sales-led", partner = "Partner-led" }
"""
MORE = """
[more]
label = "More"
description = "Longer answers."
minutes = 2

[more.words]
label = "In words"

[more.words.market]
label = "The market"
type = "long_text"

[more.words.priorities]
label = "Top three priorities"
type = "ranked"
maximum_items = 3

[more.lines]
label = "Products"

[more.lines.products]
label = "What do you sell?"
type = "grid"

[more.lines.products.columns.name]
label = "Product"
type = "text"
required = true

[more.lines.products.columns.cycle]
label = "Sales cycle"
type = "number"
unit = "days"
minimum = 0

[more.lines.products.columns.sold]
label = "Sold?"
type = "yes_no_unknown"
"""
CELL = """
import os
from pathlib import Path
from helpers.model.survey import load_survey
from helpers.present.forms.survey_form import show_survey_form
show_survey_form(Path(os.environ["SURVEY_COMPANY"]), load_survey(Path(os.environ["SURVEY_DEFINITION"])), currency="EUR")
"""


def write_notebook(path):
    nbformat = pytest.importorskip("nbformat")
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_code_cell(CELL.strip(), id="form")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)


def wait_until_it_answers(server, address, log):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(urllib.error.HTTPError):
            try:
                urllib.request.urlopen(f"{address}voila/static/none", timeout=5)
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.2)
    pytest.fail(f"Voila didn't start:\n{log.read_text(encoding='utf-8', errors='replace')[-2000:]}")


class Server:
    """Where the form is served and where its answers lie."""

    def __init__(self, address, company):
        self.address, self.company = address, company

    def read(self, name):
        """Return what stands in somebody's file."""
        path = self.company / "answers" / "survey" / f"{name.lower().replace(' ', '-')}.toml"
        return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A Voila server that shows the form of a survey with a question of every type."""
    pytest.importorskip("voila", reason="voila isn't installed")
    folder = tmp_path_factory.mktemp("served")
    (folder / "definition").mkdir()
    for name, text in (("survey", SURVEY), ("basics", BASICS), ("more", MORE)):
        (folder / "definition" / f"{name}.toml").write_text(text, encoding="utf-8")
    (folder / "company").mkdir()
    write_notebook(folder / "form.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {f"JUPYTER_{kind}_DIR": str(folder / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    own |= {"SURVEY_COMPANY": str(folder / "company"), "SURVEY_DEFINITION": str(folder / "definition")}
    own |= {"REVENUE_ENGINE_APP": "1", "PYTHONPATH": str(PROJECT), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    command = [sys.executable, "-m", "voila", "form.ipynb", "--port", str(port), "--no-browser", "--Voila.ip=127.0.0.1"]
    log = folder / "voila.log"
    with (
        log.open("wb") as out,
        subprocess.Popen(
            [*command, "--preheat_kernel=True", "--pool_size=1", "--show_tracebacks=True"],
            cwd=folder,
            env=os.environ | own,
            stdout=out,
            stderr=out,
        ) as voila,
    ):
        address = f"http://127.0.0.1:{port}/"
        try:
            wait_until_it_answers(voila, address, log)
            yield Server(address, folder / "company")
        finally:
            voila.terminate()
            voila.wait(PATIENCE)


@pytest.fixture
def open_page(chromium, server):
    """Opens the server in a browser context of its own; an error in the page fails the test."""
    contexts, errors = [], []

    def open_one():
        context = chromium.new_context(viewport={"width": 1280, "height": 720}, locale="en-GB")
        context.set_default_timeout(PATIENCE * 1000)
        context.route(lambda url: urlsplit(url).hostname not in ("127.0.0.1", ""), lambda route: route.abort())
        context.on("weberror", lambda error: errors.append(str(error.error)))
        contexts.append(context)
        page = context.new_page()
        page.goto(server.address)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not errors, f"uncaught errors in the page: {errors}"


def enter(page, name, *, team="Sales", at="The company"):
    """Say who one is and begin, or go on at the screen where one was."""
    page.get_by_label("Your name").fill(name)
    if team:
        page.get_by_role("radiogroup", name="Your team").get_by_label(team).check()
    button = page.get_by_role("button", name=re.compile("Begin|Continue where"))
    button.click()
    on_screen(page, at)


def on_screen(page, title):
    page.get_by_role("heading", name=title, level=2).wait_for()


def go_on(page, title):
    page.get_by_role("button", name="Continue").click()
    on_screen(page, title)


def wait_for(page, condition):
    """Wait until something is so, letting the page go on meanwhile."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        page.wait_for_timeout(50)


def wait_for_file(page, server, name, **expected):
    """Wait until these tables stand in somebody's file."""
    deadline = time.monotonic() + PATIENCE
    while (found := {key: server.read(name).get(key) for key in expected}) != expected:
        if time.monotonic() > deadline:
            assert found == expected
        page.wait_for_timeout(50)


def group(page, name):
    return page.get_by_role("radiogroup", name=name)


def test_every_kind_of_answer_is_on_disk_and_back_after_a_reload(server, open_page):
    page = open_page()
    enter(page, "Ana Okafor")
    page.get_by_label("Company").fill("Northwind <b>")
    page.get_by_label("Revenue split by").fill("Segment")
    page.get_by_label("Share from new customers").fill("60 %")
    page.get_by_label("Revenue goal (EUR)").fill("1.200.000")
    page.get_by_text("Understood as EUR 1,200,000").wait_for()
    page.get_by_label("Which CRM?").select_option(label="Zoho")
    group(page, "What kind of number?").get_by_label("Money").check()
    group(page, "On track?").get_by_label("Don't know").check()
    motions = page.get_by_role("group", name="Which motions?")
    motions.get_by_label("Sales-led").check()
    motions.get_by_label("Partner-led").check()
    go_on(page, "In words and products")
    page.get_by_label("The market").fill("Two\nlines")
    page.get_by_label("Top three priorities, row 1").fill("Win the US")
    page.get_by_role("button", name=re.compile("Add product")).click()
    page.get_by_label("Product, row 1").fill("Planner")
    page.get_by_label("Sales cycle, Planner").fill("60")
    page.get_by_role("radiogroup", name="Sold?, Planner").get_by_role("radio", name="Yes").click()
    expected = {
        "basics": {
            "company": "Northwind <b>", "category": "Segment", "share": 0.6, "goal": 1_200_000, "crm": "e",
            "kind": "money", "on_track": "unknown", "motions": ["sales", "partner"],
        },
        "more": {
            "market": "Two\nlines",
            "priorities": ["Win the US"],
            "products": [{"name": "Planner", "cycle": 60, "sold": "yes"}],
        },
    }  # fmt: skip
    wait_for_file(page, server, "Ana Okafor", **expected)
    assert server.read("Ana Okafor")["respondent"]["team"] == "sales"
    page.get_by_text(re.compile(r"^Saved \d\d:\d\d$")).first.wait_for()

    page.reload()
    page.get_by_label("Your name").fill("Ana Okafor")
    page.get_by_text("There are answers under this name").wait_for()
    enter(page, "Ana Okafor", team="", at="In words and products")
    page.get_by_role("button", name="Basics").click()
    on_screen(page, "The company")
    assert page.get_by_label("Company").input_value() == "Northwind <b>"
    assert page.get_by_label("Revenue split by").input_value() == "Segment"
    assert page.get_by_label("Share from new customers").input_value() == "60 %"
    assert page.get_by_label("Revenue goal").input_value() == "1,200,000"
    assert page.get_by_label("Which CRM?").evaluate("list => list.selectedOptions[0].text") == "Zoho"
    assert group(page, "What kind of number?").get_by_label("Money").is_checked()
    assert group(page, "On track?").get_by_label("Don't know").is_checked()
    assert page.get_by_label("Partner-led").is_checked() and not page.get_by_label("Marketing-led").is_checked()
    go_on(page, "In words and products")
    assert page.get_by_label("The market").input_value() == "Two\nlines"
    assert page.get_by_label("Top three priorities, Win the US").input_value() == "Win the US"
    assert page.get_by_label("Sales cycle, Planner").input_value() == "60"


def test_an_invalid_number_is_told_at_its_field_and_comes_back_as_typed(server, open_page):
    page = open_page()
    enter(page, "Bo Lind")
    share = page.get_by_label("Share from new customers")
    share.fill("abc")
    fault = page.get_by_role("alert").filter(has_text="'abc' is no number. Write a plain number such as 70 %.")
    fault.wait_for()
    page.wait_for_function("input => input.getAttribute('aria-invalid') === 'true'", arg=share.element_handle())
    notes = "id => document.getElementById(id).textContent"
    described = share.evaluate(f"input => input.getAttribute('aria-describedby').split(' ').map({notes}).join(' ')")
    assert "For example: 70 %" in described and "is no number" in described
    wait_for_file(page, server, "Bo Lind", drafts={"share": "abc"})
    page.reload()
    enter(page, "Bo Lind", team="")
    assert page.get_by_label("Share from new customers").input_value() == "abc"
    fault.wait_for()
    page.get_by_label("Share from new customers").fill("70")
    fault.wait_for(state="detached")
    wait_for_file(page, server, "Bo Lind", basics={"share": 0.7}, drafts=None)


def test_it_can_be_filled_in_by_keyboard_alone(server, open_page):
    page = open_page()
    press = page.keyboard.press

    def focused(script="element.labels?.[0]?.textContent || element.textContent"):
        return page.evaluate(f"() => {{ const element = document.activeElement; return {script}; }}")

    page.get_by_label("Your name").focus()
    page.keyboard.type("Cleo Park")
    press("Tab")
    press("Space")
    press("ArrowDown")
    wait_for(page, lambda: focused("element.checked && element.parentElement.textContent") == "Sales")
    press("Tab")
    while focused() != "Begin":
        press("Tab")
    press("Enter")
    on_screen(page, "The company")
    wait_for(page, lambda: focused() == "The company")
    press("Tab")
    assert focused() == "Company"
    page.keyboard.type("Northwind")
    while "Which CRM" not in focused():
        press("Tab")
    page.keyboard.type("Sal")
    while focused("element.closest('[role=radiogroup]') && element.parentElement.textContent") != "Yes":
        press("Tab")
    press("Space")
    press("ArrowRight")
    while focused("element.parentElement.textContent") != "Marketing-led":
        press("Tab")
    press("Space")
    while focused() != "Continue":
        press("Tab")
    press("Enter")
    on_screen(page, "In words and products")
    wait_for(page, lambda: focused() == "In words and products")
    expected = {"company": "Northwind", "crm": "b", "on_track": "no", "motions": ["marketing"]}
    wait_for_file(page, server, "Cleo Park", basics=expected)
    assert page.evaluate("() => document.querySelector('.red-form').getBoundingClientRect().top") >= 0


def test_two_windows_that_disagree_are_asked_and_nothing_is_lost(server, open_page):
    one, other = open_page(), open_page()
    enter(one, "Dana Fox")
    one.get_by_label("Company").fill("Northwind")
    wait_for_file(one, server, "Dana Fox", basics={"company": "Northwind"})
    enter(other, "Dana Fox", team="")
    other.get_by_label("Revenue goal").fill("5")
    one.wait_for_function("() => document.querySelector('.field-goal input').value === '5'")
    one.get_by_label("Company").fill("East")
    other.get_by_label("Company").fill("West")  # before the other window has looked at the file again
    question = "This was also answered in another window of yours"
    wait_for(one, lambda: any(page.get_by_text(question).first.is_visible() for page in (one, other)))
    page = one if one.get_by_text(question).first.is_visible() else other
    sides = page.locator(".red-sides").inner_text()
    assert "East" in sides and "West" in sides
    mine = page.get_by_label("Company").input_value()
    page.get_by_role("button", name="Keep mine").click()
    wait_for_file(page, server, "Dana Fox", basics={"company": mine, "goal": 5})
    for window in (one, other):
        window.get_by_text(question).first.wait_for(state="detached")
        window.wait_for_function("mine => document.querySelector('.field-company input').value === mine", arg=mine)
