"""The form of owners' forecasts without a browser, and the tables that stand in its place unattended."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pandas as pd
import pytest

from helpers.analyses.coverage import measure_coverage
from helpers.analyses.goal_allocation import allocate_goal
from helpers.analyses.source_forecast_review import review_source_forecasts
from helpers.analyses.source_goals import review_source_goals
from helpers.answers.edit_results import read_clock
from helpers.answers.source_forecast_editing import SourceForecastEditor
from helpers.model.source_forecast import ShortfallRemedy, SourceForecast, order_forecasts
from helpers.present.allocation_view import show_allocation, show_source_goals
from helpers.present.forms.source_forecast_form import SourceForecastForm, show_source_forecast_form
from helpers.present.source_forecast_view import NOBODY, show_remedies, show_source_forecasts
from tests.analyses.test_coverage import AS_OF, make_small
from tests.analyses.test_goal_allocation import make_slices
from tests.companies import make_company

Q3 = date(2026, 7, 1)
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def company():
    return make_small()


@pytest.fixture(scope="module")
def coverage(company):
    return measure_coverage(company, as_of=AS_OF)


def say(**values):
    return SourceForecast("Web", "quarter", Q3, author="Ana", at=datetime(2026, 6, 29, tzinfo=UTC), **values)


def open_form(folder, company, coverage, author="Ana Okafor", *, clock=read_clock, **options):
    def review_of(found):
        return review_source_forecasts(company, coverage, found, as_of=AS_OF)

    editor = SourceForecastEditor(folder, author=author, clock=clock)
    return SourceForecastForm(editor, review_of, currency="EUR", source="Web", **options)


def type_in(grid, row, **cells):
    rows = [dict(one) for one in grid.rows]
    rows[row] |= cells
    grid.set_state({"rows": rows})


def test_unattended_the_tables_stand_in_the_forms_place(company, coverage, monkeypatch):
    for name in ("REVENUE_ENGINE_APP", "JPY_SESSION_NAME"):
        monkeypatch.delenv(name, raising=False)
    shown = show_source_forecast_form(company, coverage, as_of=AS_OF)
    assert shown.title == NOBODY and "choose your source" in shown.html


def test_attended_the_form_asks_who_forecasts(company, coverage, monkeypatch, tmp_path):
    monkeypatch.setenv("REVENUE_ENGINE_APP", "1")
    entry = show_source_forecast_form(replace(company, folder=tmp_path), coverage, as_of=AS_OF)
    assert entry.children[0].has_class("sign-in") if hasattr(entry.children[0], "has_class") else entry.children


def test_without_coverage_there_is_no_form():
    company = make_company({"session": pd.DataFrame({"date": ["2026-05-01"], "sessions": [10]})})
    assert list(show_source_forecast_form(company, measure_coverage(company, as_of=AS_OF), as_of=AS_OF)) == []


def test_forecasts_that_nothing_can_be_held_against_are_told_with_the_reason_and_its_cure():
    company = make_company({"session": pd.DataFrame({"date": ["2026-05-01"], "sessions": [10]})})
    found = order_forecasts([say(pipeline=600.0)], [])
    coverage = measure_coverage(company, as_of=AS_OF)
    shown = show_source_forecasts(review_source_forecasts(company, coverage, found, as_of=AS_OF))
    assert "The exports hold no deals." in shown.html and "Add an export of deals." in shown.html


def test_tables_tell_forecasts_remedies_and_escape_what_people_typed(company, coverage):
    remedy = ShortfallRemedy("quarter", Q3, HOSTILE, HOSTILE, date(2026, 8, 1), "agreed", "Ana", datetime(2026, 6, 29))
    found = order_forecasts([say(pipeline=600.0, note=HOSTILE)], [remedy])
    shown = show_source_forecasts(review_source_forecasts(company, coverage, found, as_of=AS_OF), currency="EUR")
    html = "".join(one.html + one.svg for one in shown)
    assert "<img" not in html and "&lt;img" in html
    assert "owners" in shown[0].svg and "needed" in shown[0].svg
    assert "Ana, 29 Jun 2026" in shown[2].text


def test_goals_per_source_say_what_they_rest_on(company, coverage):
    shown = show_source_goals(review_source_goals(company, coverage, as_of=AS_OF), currency="EUR")
    assert "Goals per source are a means" in shown.html
    assert "Needed coverage × target" in shown.html and "Exists and stays" in shown.html


@pytest.mark.parametrize("how", ["history", "optimise"])
def test_an_allocation_shows_its_sum_its_n_and_how_it_was_split(how):
    table = allocate_goal(make_slices(is_effort=False), 1000.0, how=how)
    shown = show_allocation(table, kpi="closed revenue", label="source", period="Q1 2027", currency="EUR")
    assert "of closed revenue in Q1 2027" in shown.title
    assert "1000.00" in shown.text and "parts add up exactly" in shown.html and "150" in shown.text
    assert ("assumed, not" in shown.html) == (how == "optimise")


def test_without_history_an_allocation_says_what_is_missing():
    shown = show_allocation(pd.DataFrame(), kpi="closed revenue", label="source", period="Q1 2027")
    assert "can't be split" in shown.title and "Export at least one whole period" in shown.html


def test_what_is_typed_is_saved_and_what_follows_is_shown(tmp_path, company, coverage):
    form = open_form(tmp_path, company, coverage)
    type_in(form.forecasts, 0, pipeline="1.2M", note="Trade fair")
    assert form.status.state == "saved"
    place = ("forecast", "Web", "quarter", Q3)
    assert form.editor.read(place) == {"pipeline": 1_200_000, "opportunities": None, "note": "Trade fair"}
    assert form.forecasts.rows[0]["pipeline"] == "1.2M", "what was typed stays as typed"
    form.pick.value = "Event"
    assert form.forecasts.rows[0]["pipeline"] == ""
    form.pick.value = "Web"
    assert form.forecasts.rows[0]["note"] == "Trade fair"


def test_what_another_window_changed_is_shown_and_a_choice_is_asked(tmp_path, company, coverage):
    one, other = open_form(tmp_path, company, coverage), open_form(tmp_path, company, coverage)
    type_in(one.remedies, 0, remedy="Two more SDRs")
    type_in(other.remedies, 0, remedy="Partner days")
    assert other.status.state == "conflict" and "Two more SDRs" in other.notice.value
    theirs, _ = other.choices.children
    theirs.click()
    assert other.remedies.rows[0]["remedy"] == "Two more SDRs"
    assert other.status.state != "conflict" and not other.choices.children


def test_a_damaged_file_locks_the_form_and_is_told(tmp_path, company, coverage):
    file = tmp_path / "answers" / "source_forecasts" / "ana-okafor.toml"
    file.parent.mkdir(parents=True)
    file.write_text("[[forecast\n", encoding="utf-8")
    form = open_form(tmp_path, company, coverage)
    assert form.forecasts.is_disabled and "this is no TOML" in form.notice.value
    assert file.read_text(encoding="utf-8") == "[[forecast\n"


@pytest.mark.parametrize(("decimal", "typed", "shown"), [(",", "1.200", "1.200"), (".", "1,200", "1,200")])
def test_numbers_are_read_and_written_as_where_the_company_is_at_home(
    tmp_path, company, coverage, decimal, typed, shown
):
    form = open_form(tmp_path, company, coverage, decimal=decimal)
    type_in(form.forecasts, 0, pipeline=typed)
    assert not form.forecasts.faults
    assert form.editor.read(("forecast", "Web", "quarter", Q3))["pipeline"] == 1_200
    again = open_form(tmp_path, company, coverage, decimal=decimal)
    assert again.forecasts.rows[0]["pipeline"] == shown


def test_a_text_that_is_not_allowed_is_found_again_and_goes_once_it_is_mended(tmp_path, company, coverage):
    form = open_form(tmp_path, company, coverage)
    type_in(form.remedies, 0, amount="200k", due="15 Nov 2026")
    type_in(form.remedies, 0, due="soon", amount="lots")
    again = open_form(tmp_path, company, coverage)
    assert (again.remedies.rows[0]["due"], again.remedies.rows[0]["amount"]) == ("soon", "lots")
    assert [fault["column"] for fault in again.remedies.faults] == ["amount", "due"]
    held = again.editor.read(("remedy", "", "quarter", Q3))
    assert (held["amount"], held["due"]) == (200_000, date(2026, 11, 15)), "the value before it stays"
    type_in(again.remedies, 0, due="20.11.2026", amount="")
    third = open_form(tmp_path, company, coverage)
    assert (third.remedies.rows[0]["due"], third.remedies.rows[0]["amount"]) == ("20 Nov 2026", "")
    assert not third.remedies.faults
    file = (tmp_path / "answers" / "source_forecasts" / "ana-okafor.toml").read_text(encoding="utf-8")
    assert "draft" not in file


def test_what_was_typed_while_the_line_was_cut_is_taken_up_at_its_source(tmp_path, company, coverage):
    form = open_form(tmp_path, company, coverage)
    form.pick.value = "Event"
    before = [dict(row) for row in form.forecasts.rows]
    remedies = [dict(row) for row in form.remedies.rows]
    bens = open_form(tmp_path, company, coverage, "Ben Ito", clock=lambda: datetime(2026, 6, 29, 9, 0, tzinfo=UTC))
    type_in(bens.remedies, 0, remedy="Partner days", amount="5k")
    again = open_form(tmp_path, company, coverage)
    typed = [{**before[0], "pipeline": "700k", "opportunities": "a few"}, *before[1:]]
    wanted = [{**remedies[0], "remedy": "Trade fairs", "covered_by": "Event"}, *remedies[1:]]
    left = {
        "forecast": {"base": before, "mine": typed, "place": "Event", "number": 2},
        "remedy": {"base": remedies, "mine": wanted, "place": "Event", "number": 5},
    }
    again.copy._hear(None, {"restore": left}, [])
    assert again.pick.value == "Event"
    assert again.editor.read(("forecast", "Event", "quarter", Q3))["pipeline"] == 700_000
    assert again.forecasts.rows[0]["opportunities"] == "a few" and len(again.forecasts.faults) == 1
    place = ("remedy", "", "quarter", Q3)
    assert again.status.state == "conflict" and again.editor.conflicts[place].columns == ("remedy",)
    _, mine = again.choices.children
    mine.click()
    held = SourceForecastEditor(tmp_path, author="Cleo Dunn").read(place)
    assert (held["remedy"], held["covered_by"], held["amount"]) == ("Trade fairs", "Event", 5_000)


def test_what_a_remedy_brings_is_told_beside_what_is_short(tmp_path, company, coverage):
    form = open_form(tmp_path, company, coverage)
    row = form.review.starts.iloc[0]
    type_in(form.remedies, 0, covered_by="Event", amount=f"{abs(row['owner_short']) / 2:.0f}")
    said = form.remedies.rows[0]["short"]
    assert ("left uncovered" in said) == (row["owner_short"] > 0)
    assert "Event covers €" in show_remedies(form.review, currency="EUR").text


def test_somebody_else_can_go_on_at_the_same_screen_where_that_is_wanted(company, coverage, monkeypatch, tmp_path):
    monkeypatch.setenv("REVENUE_ENGINE_APP", "1")
    mine, asked = replace(company, folder=tmp_path), {"as_of": AS_OF, "by": "Ana Okafor"}
    closed = show_source_forecast_form(mine, coverage, **asked)
    assert not find_buttons(closed)
    place = show_source_forecast_form(mine, coverage, **asked, can_change=True)
    (leave,) = find_buttons(place)
    leave.click()
    assert "Who forecasts?" in find_text(place)


def find_buttons(widget):
    own = [widget] if getattr(widget, "description", "") == "Somebody else forecasts" else []
    return own + [found for child in getattr(widget, "children", ()) for found in find_buttons(child)]


def find_text(widget):
    own = str(getattr(widget, "value", ""))
    return own + "".join(find_text(child) for child in getattr(widget, "children", ()))
