"""Forecasts of source owners on disk: one file per author, a history, conflicts told, damaged files left alone."""

import tomllib
from datetime import UTC, date, datetime, timedelta

import pytest

from helpers.answers.source_forecast_editing import SourceForecastEditor
from helpers.answers.source_forecasts import find_fault, hide_source_forecasts, read_source_forecasts
from helpers.errors import AnswersError
from helpers.model.source_forecast import SourceForecasts

START = date(2026, 10, 1)
WEBINAR = ("forecast", "Webinar", "quarter", START)
REMEDY = ("remedy", "", "quarter", START)


class Clock:
    """Time that stands still until a test moves it."""

    def __init__(self):
        self.now = datetime(2026, 10, 5, 9, 30, tzinfo=UTC)

    def __call__(self):
        return self.now

    def wait(self, **time):
        self.now += timedelta(**time)


@pytest.fixture
def clock():
    return Clock()


def open_window(folder, clock, author="Ana Okafor"):
    return SourceForecastEditor(folder, author=author, clock=clock)


def file_of(folder, name="ana-okafor"):
    return folder / "answers" / "source_forecasts" / f"{name}.toml"


def held(folder, name="ana-okafor"):
    return tomllib.loads(file_of(folder, name).read_text(encoding="utf-8"))


def put(editor, place, **values):
    editor.change(place, {**editor.read(place), **values})
    return editor.save()


# ---- keeping ---------------------------------------------------------------------------------------------------------


def test_a_forecast_is_on_disk_and_another_window_finds_it(tmp_path, clock):
    assert put(open_window(tmp_path, clock), WEBINAR, pipeline=600_000.0, opportunities=40).status == "saved"
    assert held(tmp_path) == {
        "author": "Ana Okafor",
        "forecast": [
            {
                "source": "Webinar", "grain": "quarter", "period_start": START, "pipeline": 600_000,
                "opportunities": 40, "at": clock.now,
            }
        ],
    }  # fmt: skip
    assert open_window(tmp_path, clock).read(WEBINAR) == {"pipeline": 600_000, "opportunities": 40, "note": ""}


def test_reading_and_unchanged_rows_write_nothing(tmp_path, clock):
    editor = open_window(tmp_path, clock)
    editor.change(WEBINAR, editor.read(WEBINAR))
    assert editor.save().status == "unchanged"
    assert not (tmp_path / "answers").exists()


def test_what_is_still_being_typed_replaces_itself_and_what_is_older_stays_as_history(tmp_path, clock):
    editor = open_window(tmp_path, clock)
    put(editor, WEBINAR, pipeline=6.0)
    clock.wait(seconds=5)
    put(editor, WEBINAR, pipeline=600_000.0)
    clock.wait(days=30)
    put(editor, WEBINAR, pipeline=450_000.0)
    assert [row["pipeline"] for row in held(tmp_path)["forecast"]] == [600_000, 450_000]
    found, problems = read_source_forecasts(tmp_path)
    assert not problems
    assert [one.pipeline for one in found.list_current(grain="quarter")] == [450_000]
    before = found.list_current(grain="quarter", until=clock.now - timedelta(days=1))
    assert [one.pipeline for one in before] == [600_000]


def test_a_forecast_that_is_emptied_is_taken_back(tmp_path, clock):
    editor = open_window(tmp_path, clock)
    put(editor, WEBINAR, pipeline=6.0)
    clock.wait(days=1)
    put(editor, WEBINAR, pipeline=None)
    found, _ = read_source_forecasts(tmp_path)
    assert found.list_current(grain="quarter") == []
    assert len(found.forecasts) == 2, "that it was once said stays known"


def test_nobody_writes_to_anothers_file(tmp_path, clock):
    put(open_window(tmp_path, clock), WEBINAR, pipeline=1.0)
    before = file_of(tmp_path).read_bytes()
    put(open_window(tmp_path, clock, "Ben Ito"), WEBINAR, pipeline=2.0)
    assert file_of(tmp_path).read_bytes() == before
    found, _ = read_source_forecasts(tmp_path)
    assert {one.author: one.pipeline for one in found.list_current(grain="quarter")} == {"Ana Okafor": 1, "Ben Ito": 2}


def test_the_last_word_on_a_remedy_holds_and_every_earlier_one_is_kept_with_who_and_when(tmp_path, clock):
    put(open_window(tmp_path, clock), REMEDY, covered_by="Outbound", remedy="Two more SDRs", status="proposed")
    clock.wait(days=2)
    due = date(2026, 11, 15)
    put(open_window(tmp_path, clock, "Ben Ito"), REMEDY, remedy="One more SDR", due=due, status="agreed")
    found, _ = read_source_forecasts(tmp_path)
    holds = found.find_remedy("quarter", START)
    assert (holds.covered_by, holds.remedy, holds.due, holds.status) == ("Outbound", "One more SDR", due, "agreed")
    history = [(one.author, one.remedy, one.at.day) for one in found.list_remedies("quarter", START)]
    assert history == [("Ana Okafor", "Two more SDRs", 5), ("Ben Ito", "One more SDR", 7)]


# ---- two windows -----------------------------------------------------------------------------------------------------


def test_two_windows_that_change_different_columns_of_a_row_both_keep_theirs(tmp_path, clock):
    one, other = open_window(tmp_path, clock), open_window(tmp_path, clock)
    put(one, WEBINAR, pipeline=5.0)
    other.change(WEBINAR, {"pipeline": None, "opportunities": 3, "note": ""})
    assert other.save().status == "saved"
    assert open_window(tmp_path, clock).read(WEBINAR) == {"pipeline": 5, "opportunities": 3, "note": ""}


@pytest.mark.parametrize(("keep", "stays"), [("mine", 7), ("theirs", 5)])
def test_two_windows_that_change_the_same_are_told_and_one_is_chosen(tmp_path, clock, keep, stays):
    one, other = open_window(tmp_path, clock), open_window(tmp_path, clock)
    other.change(WEBINAR, {"pipeline": 7.0, "opportunities": None, "note": ""})
    put(one, WEBINAR, pipeline=5.0)
    said = other.save()
    assert said.status == "conflict"
    assert "Webinar, quarter from 1 Oct 2026 was changed by another window of yours too" in said.message
    assert "pipeline is 5 there, 7.0 here" in said.message
    assert held(tmp_path)["forecast"][0]["pipeline"] == 5, "nothing is overwritten before a choice"
    other.resolve(WEBINAR, keep)
    other.save()
    assert open_window(tmp_path, clock).read(WEBINAR)["pipeline"] == stays
    assert not other.conflicts


def test_two_people_who_agree_on_different_remedies_are_told(tmp_path, clock):
    ana, ben = open_window(tmp_path, clock), open_window(tmp_path, clock, "Ben Ito")
    put(ana, REMEDY, remedy="Two more SDRs")
    ben.change(REMEDY, {"covered_by": "", "remedy": "Partner days", "due": None, "status": None})
    said = ben.save()
    assert said.status == "conflict" and "changed by Ana Okafor too: remedy is 'Two more SDRs' there" in said.message
    ben.resolve(REMEDY, "mine")
    assert ben.save().status == "saved"
    assert [one.author for one in read_source_forecasts(tmp_path)[0].remedies] == ["Ana Okafor", "Ben Ito"]


def test_a_look_takes_over_what_others_saved_and_costs_nothing_otherwise(tmp_path, clock):
    ana = open_window(tmp_path, clock)
    assert ana.refresh().changed == ()
    put(open_window(tmp_path, clock, "Ben Ito"), REMEDY, remedy="Partner days")
    assert ana.refresh().changed == ("rows",)
    assert ana.read(REMEDY)["remedy"] == "Partner days"


# ---- hand-edited files -----------------------------------------------------------------------------------------------


def write(folder, text, name="ana-okafor"):
    file_of(folder, name).parent.mkdir(parents=True, exist_ok=True)
    file_of(folder, name).write_text(text, encoding="utf-8")


GOOD = 'source = "Webinar"\ngrain = "quarter"\nperiod_start = 2026-10-01\n'


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (f"[[forecast]]\n{GOOD}pipeline = -5\n", 5, "can't be a forecast"),
        (f"[[forecast]]\n{GOOD}pipeline = nan\n", 5, "is no number"),
        (f'[[forecast]]\n{GOOD}pipeline = "6k"\n', 5, "is no number"),
        (f"[[forecast]]\n{GOOD}opportunities = 2.5\n", 5, "no whole number"),
        (f"[[forecast]]\n{GOOD}pipline = 5\n", 5, "this key is unknown"),
        (f"[[forecast]]\n{GOOD}at = 2026-10-01\n", 5, "no moment"),
        ('[[forecast]]\ngrain = "quarter"\n', 1, "the source is missing"),
        ('[[forecast]]\nsource = "A"\ngrain = "week"\n', 3, "no length of a period"),
        ('[[forecast]]\nsource = "A"\ngrain = "quarter"\nperiod_start = "soon"\n', 4, "no day"),
        ('[[remedy]]\ngrain = "quarter"\nperiod_start = 2026-10-01\nstatus = "agred"\n', 4, "'agred' is unknown"),
        ('[[remedy]]\ngrain = "quarter"\nperiod_start = 2026-10-01\ndue = "soon"\n', 4, "due date is no day"),
        ("forecast = 3\n", None, "this is no list"),
        ("forcast = 3\n", 1, "this key is unknown"),
        ("[[forecast\n", 1, "this is no TOML"),
    ],
)
def test_a_fault_is_told_with_its_line_and_cure_and_the_file_stays(tmp_path, clock, text, line, said):
    write(tmp_path, text)
    write(tmp_path, f"[[forecast]]\n{GOOD}pipeline = 9\n", "ben-ito")
    found, (problem,) = read_source_forecasts(tmp_path)
    assert [one.pipeline for one in found.forecasts] == [9], "the others' forecasts still stand"
    assert said in problem["message"] and problem["cure"] and problem["row"] == line
    assert file_of(tmp_path).read_text(encoding="utf-8") == text


@pytest.mark.parametrize("text", ["[[forecast\n", "forecast = 3\n", "forecast = [1, 2]\n", 'author = "Zoe"\n'])
def test_a_damaged_or_foreign_file_is_never_written_over(tmp_path, clock, text):
    write(tmp_path, text)
    editor = open_window(tmp_path, clock)
    assert "ana-okafor.toml" in editor.problem
    assert put(editor, WEBINAR, pipeline=1.0).status == "failed"
    assert file_of(tmp_path).read_text(encoding="utf-8") == text
    file_of(tmp_path).unlink()
    assert editor.save().status == "saved", "what was typed is still there once the file is mended"
    assert held(tmp_path)["forecast"][0]["pipeline"] == 1


def test_a_row_set_aside_and_comments_survive_a_save(tmp_path, clock):
    write(tmp_path, f'# checked with Ben\nauthor = "Ana Okafor"\n\n[[forecast]]\n{GOOD}pipline = 5\n')
    put(open_window(tmp_path, clock), WEBINAR, pipeline=1.0)
    assert "# checked with Ben" in file_of(tmp_path).read_text(encoding="utf-8")
    assert held(tmp_path)["forecast"][0]["pipline"] == 5


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"pipeline": -1}, "0 or more"),
        ({"opportunities": 1.5}, "whole number"),
        ({"note": "x" * 3000}, "3,000 characters"),
        ({"note": "a\x00b"}, "U\\+0000"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_what_is_not_allowed_is_refused_at_its_column(tmp_path, clock, values, said):
    editor = open_window(tmp_path, clock)
    with pytest.raises(AnswersError, match=said):
        put(editor, WEBINAR, **values)
    assert not editor.is_dirty


def test_a_name_that_is_none_is_told(tmp_path, clock):
    editor = open_window(tmp_path, clock, " ")
    assert "the author is empty" in editor.problem
    assert editor.save().status == "failed"


def test_names_are_hidden_also_where_an_author_covers_the_shortfall(tmp_path, clock):
    put(open_window(tmp_path, clock), REMEDY, covered_by="Ana Okafor", remedy="Partner days")
    hidden = hide_source_forecasts(read_source_forecasts(tmp_path)[0], lambda name: "Person 1")
    assert (hidden.remedies[0].author, hidden.remedies[0].covered_by) == ("Person 1", "Person 1")


def test_without_a_folder_nothing_was_said(tmp_path):
    found, problems = read_source_forecasts(tmp_path)
    assert found == SourceForecasts() and found.is_empty and not problems
    assert find_fault("forecast", {"source": "A", "grain": "quarter", "period_start": START}) is None
