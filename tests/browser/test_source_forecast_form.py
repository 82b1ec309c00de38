"""Owners type forecasts and remedies in a browser; the real form answers, only a kernel is left out."""

import json
import tomllib
from datetime import date

import pytest
from playwright.sync_api import expect

from helpers.analyses.coverage import measure_coverage
from helpers.analyses.source_forecast_review import review_source_forecasts
from helpers.answers.source_forecast_editing import SourceForecastEditor
from helpers.present.forms.source_forecast_form import SourceForecastForm
from helpers.present.forms.style import form_css
from tests.analyses.test_coverage import AS_OF, make_small
from tests.browser.conftest import mount_on

Q3 = date(2026, 7, 1)
BRIDGE = """(number) => {
    const model = window.models[number];
    model.save_changes = () => {
        const patch = model.dirty;
        model.dirty = {};
        if (Object.keys(patch).length) {
            window.toPython(number, JSON.stringify(patch)).then((answer) => {
                model.answered = JSON.parse(answer);
                model.receive(model.answered);
            });
        }
    };
}"""


def open_form(folder, author="Ana Okafor"):
    """Open the form as a kernel does, on a company small enough to count by eye."""
    company = make_small()
    coverage = measure_coverage(company, as_of=AS_OF)

    def review_of(found):
        return review_source_forecasts(company, coverage, found, as_of=AS_OF)

    form = SourceForecastForm(SourceForecastEditor(folder, author=author), review_of, currency="EUR", source="Web")
    form.autosave.stop()
    form.autosave.touch = form.autosave.save  # Playwright's own loop runs only while it waits
    return form


class Page:
    """Both grids of a form on a page, each message of which the form answers."""

    def __init__(self, page):
        self.page, self.grids = page, {}
        page.expose_function("toPython", self._answer)

    def show(self, form):
        """Put a form on a fresh page, as a reload does."""
        self.page.goto("about:blank")
        for grid in (form.forecasts, form.remedies):
            mounted = mount_on(self.page, grid, theme=form_css())
            self.grids[mounted.number] = grid
            self.page.evaluate(BRIDGE, mounted.number)

    def _answer(self, number, patch):
        grid = self.grids[number]
        grid.set_state(json.loads(patch))
        names = ("rows", "faults", "revision", "acknowledged")
        return json.dumps({name: getattr(grid, name) for name in names})

    def type(self, label, text):
        box = self.page.get_by_label(label, exact=True)
        box.fill(text)
        box.press("Tab")


@pytest.fixture
def sheet(page):
    return Page(page)


def held(folder):
    return tomllib.loads((folder / "answers" / "source_forecasts" / "ana-okafor.toml").read_text(encoding="utf-8"))


def test_a_forecast_and_a_remedy_are_typed_kept_and_found_after_a_reload(sheet, page, tmp_path):
    form = open_form(tmp_path)
    sheet.show(form)
    sheet.type("Your pipeline, Q3 2026", "600k")
    sheet.type("Your opportunities, Q3 2026", "25")
    sheet.type("Who covers it, Q3 2026", "Event")
    sheet.type("Agreed remedy, Q3 2026", "Two more trade fairs")
    sheet.type("Brings, Q3 2026", "200k")
    sheet.type("Due, Q3 2026", "15 Nov 2026")
    page.get_by_label("Status, Q3 2026").select_option(label="agreed")
    page.wait_for_function("() => window.models[1].answered?.rows[0].status === 'agreed'")
    expect(page.get_by_text("Ana Okafor, ").first).to_be_visible()
    said = held(tmp_path)
    assert [(row["source"], row["pipeline"], row["opportunities"]) for row in said["forecast"]] == [
        ("Web", 600_000, 25)
    ]
    (remedy,) = said["remedy"]
    assert (remedy["covered_by"], remedy["remedy"]) == ("Event", "Two more trade fairs")
    assert remedy["amount"] == 200_000
    assert (remedy["due"], remedy["status"]) == (date(2026, 11, 15), "agreed")
    sheet.show(open_form(tmp_path))
    expect(page.get_by_label("Your pipeline, Q3 2026", exact=True)).to_have_value("600,000")
    expect(page.get_by_label("Your opportunities, Q3 2026", exact=True)).to_have_value("25")
    expect(page.get_by_label("Agreed remedy, Q3 2026", exact=True)).to_have_value("Two more trade fairs")
    expect(page.get_by_label("Brings, Q3 2026", exact=True)).to_have_value("200,000")
    expect(page.get_by_label("Due, Q3 2026", exact=True)).to_have_value("15 Nov 2026")
    expect(page.get_by_label("Status, Q3 2026")).to_have_value("agreed")


def test_what_is_not_allowed_waits_marked_in_its_cell_also_after_a_reload_and_the_rest_is_saved(sheet, page, tmp_path):
    form = open_form(tmp_path)
    sheet.show(form)
    sheet.type("Your opportunities, Q3 2026", "a few")
    sheet.type("Due, Q3 2026", "soon")
    sheet.type("Your pipeline, Q3 2026", "5000")
    page.wait_for_function("() => window.models[0].answered?.rows[0].pipeline === '5000'")
    expect(page.get_by_text("'a few' is no number. Write it as 120.").first).to_be_attached()
    expect(page.get_by_text("'soon' is no day. Write it as 15 Nov 2026.").first).to_be_attached()
    expect(page.get_by_label("Your opportunities, Q3 2026")).to_have_value("a few")
    assert [row.get("pipeline") for row in held(tmp_path)["forecast"]] == [5000]
    assert form.status.text == "All is saved; 2 cells wait to be mended, marked with ▲"
    assert "opportunities" not in held(tmp_path)["forecast"][0]
    sheet.show(open_form(tmp_path))
    expect(page.get_by_label("Your opportunities, Q3 2026")).to_have_value("a few")
    expect(page.get_by_label("Due, Q3 2026", exact=True)).to_have_value("soon")
    expect(page.get_by_text("'soon' is no day. Write it as 15 Nov 2026.").first).to_be_attached()
