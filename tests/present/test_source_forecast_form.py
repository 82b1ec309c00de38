"""The form of source owners without a browser: what is typed is saved, what others do is seen, faults are told."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from helpers.answers.source_forecast_editing import SourceForecastEditor
from helpers.answers.source_forecasts import read_source_forecasts
from helpers.present.forms.source_forecast_cells import read_row, say_model, say_start, show_values
from helpers.present.forms.source_forecast_form import REMEDY, SourceForecastForm

Q4, Q1 = pd.Timestamp("2026-10-01"), pd.Timestamp("2027-01-01")
LABELS = {Q4: "Q4 2026", Q1: "Q1 2027"}


def review_simply(found):
    """A start needs 1,000; the model brings 300 per source, an owner what was forecast."""
    said = {(one.source, pd.Timestamp(one.period_start)): one for one in found.list_current(grain="quarter")}
    compared = pd.DataFrame(
        [
            {
                "period_start": start, "label": label, "source": source, "model_pipeline": 300.0, "model_low": 200.0,
                "model_high": 420.0, "model_opportunities": 3.0,
            }
            for start, label in LABELS.items()
            for source in ("Outbound", "Webinar")
        ]
    )  # fmt: skip
    rows = []
    for start, label in LABELS.items():
        brought = [said[name, start].pipeline if (name, start) in said else 300.0 for name in ("Outbound", "Webinar")]
        row = {"period_start": start, "label": label, "owner_start": sum(brought), "needed_coverage": 4.0}
        rows.append(row | {"owner_coverage": sum(brought) / 250, "owner_short": 1000 - sum(brought)})
    return SimpleNamespace(compared=compared, starts=pd.DataFrame(rows))


@pytest.fixture
def clock():
    times = iter(pd.date_range("2026-09-29 09:00", periods=500, freq="min", tz="UTC").to_pydatetime())
    return lambda: next(times)


def open_form(folder, clock, author="Ana Okafor", **options):
    editor = SourceForecastEditor(folder, author=author, clock=clock)
    return SourceForecastForm(editor, review_simply, currency="EUR", **options)


def type_cell(form, source, place, **cells):
    grid = form.grids[source]
    grid.rows = [{**row, **cells} if i == place else row for i, row in enumerate(grid.rows)]


def test_a_forecast_is_on_disk_as_soon_as_it_is_typed_and_what_follows_is_shown(tmp_path, clock):
    form = open_form(tmp_path, clock, views=lambda review: [f"<p>{review.starts['owner_start'].iloc[0]:.0f}</p>"])
    assert form.overview.value == "<p>600</p>"
    assert [row["start"] for row in form.grids[REMEDY].rows] == ["2.4× of 4.0× needed: €400 short"] * 2
    type_cell(form, "Webinar", 0, pipeline="€1.2k", opportunities="12", note="Two webinars")
    (one,) = read_source_forecasts(tmp_path)[0].forecasts
    assert (one.author, one.source, one.period_start) == ("Ana Okafor", "Webinar", date(2026, 10, 1))
    assert (one.pipeline, one.opportunities, one.note) == (1200, 12, "Two webinars")
    assert form.status.state == "saved" and form.overview.value == "<p>1500</p>"
    assert form.grids["Webinar"].rows[0]["pipeline"] == "€1.2k"
    assert form.grids[REMEDY].rows[0]["start"] == "6.0× of 4.0× needed: €500 to spare"


def test_a_form_opened_again_shows_what_was_kept_and_the_owners_sources(tmp_path, clock):
    first = open_form(tmp_path, clock)
    assert [toggle.value for toggle in first.choices.values()] == [False, False]
    type_cell(first, "Webinar", 1, pipeline="1200000.5")
    type_cell(first, REMEDY, 1, covered_by="Outbound", remedy="Call the partners", due="15.11.2026")
    again = open_form(tmp_path, clock)
    assert [toggle.value for toggle in again.choices.values()] == [False, True]
    assert again.grids["Webinar"].layout.display == "" and again.grids["Outbound"].layout.display == "none"
    assert again.grids["Webinar"].rows[1]["pipeline"] == "1,200,000.50"
    row = again.grids[REMEDY].rows[1]
    assert (row["covered_by"], row["remedy"], row["due"], row["status"]) == (
        "Outbound", "Call the partners", "15 Nov 2026", "proposed",
    )  # fmt: skip


def test_what_cannot_be_kept_stays_as_typed_with_its_cure_and_the_rest_is_saved(tmp_path, clock):
    form = open_form(tmp_path, clock)
    type_cell(form, "Webinar", 0, pipeline="a lot", opportunities="2.5", note="kept")
    row = form.grids["Webinar"].rows[0]
    assert (row["pipeline"], row["opportunities"], row["note"]) == ("a lot", "2.5", "kept")
    faults = {fault["column"]: fault["message"] for fault in form.grids["Webinar"].faults}
    assert set(faults) == {"pipeline", "opportunities"} and "whole number" in faults["opportunities"]
    assert form.status.state == "failed" and "Q4 2026, pipeline isn't saved" in form.status.text
    assert [one.note for one in read_source_forecasts(tmp_path)[0].forecasts] == ["kept"]
    type_cell(form, "Webinar", 0, pipeline="500", opportunities="")
    assert form.grids["Webinar"].faults == [] and form.status.state == "saved"


def test_a_cell_that_is_emptied_is_taken_back(tmp_path, clock):
    form = open_form(tmp_path, clock)
    type_cell(form, "Webinar", 0, pipeline="500")
    type_cell(form, "Webinar", 0, pipeline="")
    assert read_source_forecasts(tmp_path)[0].list_current(grain="quarter") == []
    assert form.grids["Webinar"].rows[0]["pipeline"] == ""


def test_two_people_see_each_others_remedies_and_a_clash_is_chosen(tmp_path, clock):
    ana, ben = open_form(tmp_path, clock), open_form(tmp_path, clock, "Ben Ito")
    type_cell(ana, REMEDY, 0, remedy="Events")
    assert ben.look() and ben.grids[REMEDY].rows[0]["remedy"] == "Events"
    type_cell(ana, REMEDY, 0, remedy="Partners")
    type_cell(ben, REMEDY, 0, remedy="Calls")
    assert ben.status.state == "conflict" and len(ben.conflicts.children) == 1
    assert "Ana Okafor" in ben.conflicts.children[0].children[0].value
    _, mine = ben.conflicts.children[0].children[1].children
    mine.click()
    assert ben.status.state == "saved" and ben.conflicts.children == ()
    assert ana.look() and ana.grids[REMEDY].rows[0]["remedy"] == "Calls"
    assert [one.remedy for one in read_source_forecasts(tmp_path)[0].remedies][-1] == "Calls"


def test_their_choice_takes_the_place_of_what_was_typed(tmp_path, clock):
    ana, ben = open_form(tmp_path, clock), open_form(tmp_path, clock, "Ben Ito")
    type_cell(ana, REMEDY, 0, remedy="Partners")
    type_cell(ben, REMEDY, 0, remedy="Calls")
    ben.conflicts.children[0].children[1].children[0].click()
    assert ben.grids[REMEDY].rows[0]["remedy"] == "Partners" and ben.status.state != "conflict"


def test_a_damaged_file_closes_the_form_and_is_never_written_over(tmp_path, clock):
    place = tmp_path / "answers" / "source_forecasts"
    place.mkdir(parents=True)
    (place / "ana-okafor.toml").write_text('author = "Ana\n', encoding="utf-8")
    form = open_form(tmp_path, clock)
    assert "Nothing can be saved" in form.problem.value and all(grid.is_disabled for grid in form.grids.values())
    type_cell(form, "Webinar", 0, pipeline="1")
    assert form.status.state == "failed"
    assert (place / "ana-okafor.toml").read_text(encoding="utf-8") == 'author = "Ana\n'


def test_names_of_sources_are_shown_as_text_not_as_markup(tmp_path, clock):
    def review(found):
        shown = review_simply(found)
        shown.compared["source"] = shown.compared["source"].replace("Webinar", "<b>Webinar</b>")
        return shown

    form = SourceForecastForm(SourceForecastEditor(tmp_path, author="<i>Ana</i>", clock=clock), review)
    assert form.headings["<b>Webinar</b>"].value == '<p class="source-name">&lt;b&gt;Webinar&lt;/b&gt;</p>'


@pytest.mark.parametrize(
    ("text", "day"),
    [("2026-11-15", date(2026, 11, 15)), ("5 December 2026", date(2026, 12, 5)), ("soon", None), ("", None)],
    ids=["iso", "words", "no day", "blank"],
)
def test_a_day_is_read_as_people_write_it(text, day):
    values, faults = read_row("remedy", {"due": text}, {}, currency="EUR")
    assert values["due"] == day and bool(faults) == (text == "soon")


def test_texts_are_read_back_as_they_are_shown_wherever_the_company_is_at_home():
    kept = {"pipeline": 1_250_000.5, "opportunities": 1200, "note": "x"}
    for decimal in (".", ","):
        shown = show_values(kept, decimal=decimal)
        assert read_row("forecast", shown, {}, currency="EUR", decimal=decimal) == (kept, {})


def test_what_the_model_cannot_tell_is_said_in_words():
    assert say_model({"model_pipeline": np.nan}, "EUR") == "nothing to go by yet"
    assert say_start({"owner_start": np.nan}, "EUR") == "can't be foreseen yet"
    assert say_start({"owner_start": 900.0, "owner_coverage": np.nan}, "EUR") == "€900; no target is set"
    row = {"model_pipeline": 1.5e6, "model_low": 1.2e6, "model_high": 1.8e6, "model_opportunities": 49.6}
    assert say_model(row, "EUR") == "€1.50 M (€1.20 M to €1.80 M), about 50 opportunities"
