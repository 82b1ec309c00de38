"""The explorer in JupyterLab, by a real browser: every number on screen is counted again in plain pandas."""

import csv
import io
import json
import re
import shutil

import pandas as pd
import pytest
from playwright.sync_api import expect

from helpers.company import open_company
from tests.browser.explorer_driver import ExplorerDriver
from tests.browser.lab_server import SAMPLE, start_lab
from tests.browser.survey_driver import PATIENCE
from tests.workshop.conftest import start_app

NOTEBOOK = "03_kpi_slicing.ipynb"
START, END = "2026-07-01", "2026-09-30"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab on the sample."""
    running = start_lab(tmp_path_factory.mktemp("lab"))
    yield running
    running.stop()


def shorten(lab):
    """Leave the cells out that the explorer doesn't need; they have tests of their own. Returns what to open."""
    path = lab.notebooks / NOTEBOOK
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = {cell["id"]: cell for cell in notebook["cells"]}
    given = cells["open"] | {"id": "given", "outputs": [], "source": "chosen, asked = kpis, {}"}
    notebook["cells"] = [
        cells["parameters"],
        cells["setup"],
        cells["open"],
        given,
        cells["explore"],
        cells["about-next"],
    ]
    (lab.notebooks / "explorer.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    return "explorer.ipynb"


@pytest.fixture(scope="module")
def page(lab, chromium):
    """Notebook 03, run down to the explorer."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    lab.open(page, shorten(lab))
    lab.run_until(page, "explore")
    yield page
    context.close()


@pytest.fixture(scope="module")
def explorer(page):
    """The explorer on the win rate by source and region."""
    driver = ExplorerDriver(page)
    driver.wait()
    driver.choose("KPI", "win_rate")
    driver.cut("source", "region")
    return driver


@pytest.fixture(scope="module")
def closed():
    """The deals that were won or lost in the quarter, from the exports' own table."""
    deals = open_company(SAMPLE).tables["deal"]
    inside = (
        (deals["closed_at"] >= START) & (deals["closed_at"] < "2026-10-01") & deals["outcome"].isin(["won", "lost"])
    )
    return deals[inside & deals["is_new_business"]]


def count(deals, by):
    """Count the win rate by a column: slice → (value as written, number of records)."""
    groups = deals.assign(won=deals["outcome"] == "won").groupby(by)["won"]
    return {name: (write(group.mean()), len(group)) for name, group in groups}


def write(share):
    """Write a share as the page does: one digit below ten percent unless it is round."""
    from helpers.units import format_value

    return format_value(float(share), "share")


def read_there(explorer, label):
    """Read a chart, leaving out slices that only the compared period has."""
    return {name: seen for name, seen in explorer.read(label).items() if seen[1]}


def test_the_charts_show_what_pandas_counts(explorer, closed):
    assert read_there(explorer, "Source") == count(closed, "source")
    assert read_there(explorer, "Region") == count(closed, "region")


def test_a_click_on_a_bar_filters_the_other_charts_and_not_its_own(explorer, closed):
    explorer.click("Region", "DACH")
    assert explorer.chips() == ["Region is DACH"]
    assert read_there(explorer, "Source") == count(closed[closed["region"] == "DACH"], "source")
    assert read_there(explorer, "Region") == count(closed, "region")
    expect(explorer.bar("Region", "DACH")).to_have_attribute("aria-pressed", "true")


def test_a_second_filter_narrows_and_back_and_the_cross_take_it_off(explorer, closed):
    explorer.click("Source", "Outbound")
    both = closed[(closed["region"] == "DACH") & (closed["source"] == "Outbound")]
    assert explorer.root.locator(".total-n").text_content() == f"n {len(both)}"
    explorer.press("Back")
    assert explorer.chips() == ["Region is DACH"]
    explorer.press("Remove Region is DACH")
    assert explorer.chips() == [] and read_there(explorer, "Source") == count(closed, "source")
    explorer.press("Back")
    assert explorer.chips() == ["Region is DACH"]
    explorer.press("Forward")
    assert explorer.chips() == []


def test_the_keys_do_what_the_mouse_does(explorer, closed):
    explorer.bar("Region", "US").focus()
    explorer.do(lambda: explorer.page.keyboard.press("Enter"))
    assert explorer.chips() == ["Region is US"]
    assert read_there(explorer, "Source") == count(closed[closed["region"] == "US"], "source")
    expect(explorer.bar("Region", "US")).to_be_focused()
    explorer.do(lambda: explorer.page.keyboard.press("Enter"))
    assert explorer.chips() == []


def test_partitions_that_would_explain_themselves_can_be_read_but_not_chosen(explorer):
    option = explorer.root.get_by_label("Cut by (1 of 4)").locator("option[value='lost_reason']")
    assert option.is_disabled() and "known only with the outcome" in option.text_content()


def test_records_behind_a_bar_lead_into_the_crm_and_can_be_taken_along(explorer, closed):
    explorer.do(explorer.panel("Region").get_by_role("button", name="Records of Benelux").click)
    sheet = explorer.root.locator(".sheet")
    ids = set(sheet.locator("tbody td:first-child").all_text_contents())
    expected = closed[closed["region"] == "Benelux"]
    assert ids == set(expected["id"])
    link = sheet.locator("tbody a").first.get_attribute("href")
    assert link.startswith("https://app.hubspot.com/") and link.rsplit("/", 1)[1] in ids
    with explorer.page.expect_download() as download:
        sheet.get_by_role("button", name="Download CSV").click()
    text = io.StringIO(download.value.path().read_text(encoding="utf-8-sig"))
    assert {row["record"] for row in csv.DictReader(text)} == ids
    explorer.press("Close")


def test_a_what_if_says_that_rates_are_held_and_shows_a_lower_one_beside(explorer):
    explorer.press("What if …")
    sheet = explorer.root.locator(".sheet.what_if")
    expect(sheet).to_contain_text("Rates held constant")
    expect(sheet).to_contain_text("lower marginal rate")
    before = sheet.locator("tbody").text_content()
    slider = sheet.get_by_label("Volume")
    slider.focus()
    explorer.do(lambda: explorer.page.keyboard.press("End"))
    assert sheet.locator("tbody").text_content() != before
    expect(sheet.get_by_label("Volume")).to_be_focused()
    explorer.press("Close")


def test_the_parameters_are_those_of_what_is_on_screen(explorer):
    explorer.click("Region", "DACH")
    explorer.press("Copy as parameters")
    form = explorer.root.locator("textarea[data-form='yaml']")
    given = dict(line.split(": ", 1) for line in form.input_value().splitlines())
    assert json.loads(given["filters"]) == {"region": ["DACH"]} and json.loads(given["kpis"]) == ["win_rate"]
    assert json.loads(given["by"]) == ["source", "region"] and json.loads(given["end"]) == END
    explorer.root.get_by_role("button", name="Copy YAML for papermill -f").click()
    expect(explorer.root.get_by_role("button", name="Copy YAML for papermill -f")).to_have_text("Copied")
    assert explorer.page.evaluate("navigator.clipboard.readText()") == form.input_value()
    explorer.press("Close")
    explorer.press("Clear all filters")


@pytest.mark.parametrize("chart", ["Heat table", "Funnel plot", "Table", "Trend lines", "Bars"])
def test_every_chart_can_be_drawn(explorer, chart):
    explorer.press(chart)
    drawn = {"Heat table": "table.heat", "Funnel plot": "svg circle", "Table": "table.numbers"}.get(chart, ".slice")
    expect(explorer.root.locator(drawn).first).to_be_visible()


def test_nothing_went_wrong_in_the_page_meanwhile(explorer):
    assert not [error for error in explorer.page.errors if "explorer" in error.lower() or "anywidget" in error.lower()]
    assert pd.notna(explorer.latency)


@pytest.mark.acceptance  # the explorer itself is held to in JupyterLab above
def test_in_the_app_a_click_filters_as_well_and_nothing_is_asked_of_other_machines(context, closed, tmp_path):
    folder = tmp_path / "brightwater"
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns(".cache"))
    app = start_app(folder, tmp_path / "stderr.txt")
    try:
        page = context.new_page()
        page.set_default_timeout(PATIENCE * 2)
        page.goto(re.search(r"http\S+", app.lines[-1]).group())
        page.goto(app.root + page.locator("a[href*='03_kpi_slicing']").get_attribute("href"))
        explorer = ExplorerDriver(page)
        expect(explorer.root.locator("h3")).not_to_be_empty(timeout=PATIENCE * 2)
        explorer.choose("KPI", "win_rate")
        explorer.cut("source", "region")
        explorer.click("Region", "DACH")
        assert read_there(explorer, "Source") == count(closed[closed["region"] == "DACH"], "source")
        explorer.press("Remove Region is DACH")
        assert read_there(explorer, "Source") == count(closed, "source")
    finally:
        app.stop()
