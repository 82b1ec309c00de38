"""Source owners' forecasts and agreements: one file per author, history, two windows, files edited by hand."""

import tomllib
from datetime import date, datetime, timedelta

import pytest

from helpers.answers.files import list_versions
from helpers.answers.source_forecasts import (
    Edit,
    Place,
    change_source_forecasts,
    hide_source_forecasts,
    read_own_forecasts,
    read_source_forecasts,
)
from helpers.errors import AnswersError

Q4 = date(2026, 10, 1)
MORNING = datetime(2026, 9, 28, 9, 0)


def forecast(field="pipeline", *, source="Webinar", start=Q4):
    return Place("forecast", source, "quarter", start, field)


def agreement(field="remedy", *, start=Q4):
    return Place("agreement", "", "quarter", start, field)


def save(folder, edits, *, author="Ana Okafor", now=MORNING, **options):
    return change_source_forecasts(folder, author, {at: Edit(*edit) for at, edit in edits.items()}, now=now, **options)


def read_file(folder, stem="ana-okafor"):
    path = folder / "answers" / "source_forecasts" / f"{stem}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def test_what_is_saved_is_read_back_with_its_author_and_moment(tmp_path):
    saved = save(
        tmp_path,
        {
            forecast(): (None, 400_000),
            forecast("opportunities"): (None, 18),
            forecast("note"): (None, "Two webinars in October"),
            agreement(): (None, "A second partner event"),
            agreement("due"): (None, date(2026, 11, 15)),
        },
    )
    assert saved.status == "saved"
    said, problems = read_source_forecasts(tmp_path)
    assert problems == []
    (one,) = said.latest_forecasts
    assert (one.author, one.source, one.period_start, one.pipeline) == ("Ana Okafor", "Webinar", Q4, 400_000)
    assert (one.opportunities, one.note, one.generated, one.at) == (18, "Two webinars in October", None, MORNING)
    (agreed,) = said.latest_agreements
    assert (agreed.remedy, agreed.due, agreed.status) == ("A second partner event", date(2026, 11, 15), "open")


def test_each_author_has_a_file_of_the_own_name_and_a_name_never_becomes_a_path(tmp_path):
    save(tmp_path, {forecast(): (None, 1)})
    save(tmp_path, {forecast(): (None, 2)}, author="../../evil")
    files = sorted(path.name for path in (tmp_path / "answers" / "source_forecasts").glob("*.toml"))
    assert files[0] == "ana-okafor.toml" and files[1].startswith("evil-") and len(files) == 2
    assert {one.author: one.pipeline for one in read_source_forecasts(tmp_path)[0].forecasts} == {
        "Ana Okafor": 1,
        "../../evil": 2,
    }
    with pytest.raises(AnswersError, match="author"):
        save(tmp_path, {forecast(): (None, 1)}, author="  ")


def test_the_same_day_changes_the_row_and_a_later_day_adds_one_below(tmp_path):
    save(tmp_path, {forecast(): (None, 100)})
    save(tmp_path, {forecast(): (100, 200)}, now=MORNING + timedelta(hours=3))
    save(tmp_path, {forecast(): (200, 300)}, now=MORNING + timedelta(days=7))
    said, _ = read_source_forecasts(tmp_path)
    assert [(one.pipeline, one.at.date().day) for one in said.forecasts] == [(200, 28), (300, 5)]
    assert [one.pipeline for one in said.latest_forecasts] == [300]
    assert len(list_versions(tmp_path, "source_forecasts/ana-okafor")) == 2


def test_a_status_that_changes_within_a_day_is_history_too(tmp_path):
    save(tmp_path, {agreement(): (None, "Call the partners"), agreement("status"): (None, "open")})
    save(tmp_path, {agreement("status"): ("open", "done")}, now=MORNING + timedelta(hours=1))
    said, _ = read_source_forecasts(tmp_path)
    assert [one.status for one in said.agreements] == ["open", "done"]
    assert [one.remedy for one in said.latest_agreements] == ["Call the partners"]


def test_a_forecast_taken_back_on_a_later_day_stays_in_the_history_only(tmp_path):
    save(tmp_path, {forecast(): (None, 100)})
    save(tmp_path, {forecast(): (100, None)}, now=MORNING + timedelta(days=1))
    said, _ = read_source_forecasts(tmp_path)
    assert len(said.forecasts) == 2 and said.latest_forecasts == ()
    save(tmp_path, {forecast(start=date(2027, 1, 1)): (None, 5)})
    save(tmp_path, {forecast(start=date(2027, 1, 1)): (5, None)})
    assert len(read_file(tmp_path)["forecast"]) == 2


def test_two_windows_that_change_different_fields_are_both_kept_and_the_same_field_is_told(tmp_path):
    save(tmp_path, {forecast(): (None, 100), forecast("note"): (None, "first")})
    save(tmp_path, {forecast(): (100, 150)})
    other = save(tmp_path, {forecast(): (100, 90), forecast("note"): ("first", "second")})
    assert other.status == "conflict"
    assert other.conflicts == {forecast(): 150}
    (one,) = other.said.latest_forecasts
    assert (one.pipeline, one.note) == (150, "second")
    chosen = save(tmp_path, {forecast(): (150, 90)}, replaces=True)
    assert chosen.status == "saved" and chosen.said.latest_forecasts[0].pipeline == 90


def test_saving_what_is_there_already_changes_nothing(tmp_path):
    save(tmp_path, {forecast(): (None, 100)})
    assert save(tmp_path, {forecast(): (None, 100)}, now=MORNING + timedelta(days=3)).status == "unchanged"
    assert len(read_file(tmp_path)["forecast"]) == 1


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (forecast(), -1, "pipeline"),
        (forecast(), True, "pipeline"),
        (forecast(), float("nan"), "pipeline"),
        (forecast("note"), "a\x00b", "U\\+0000"),
        (forecast("note"), "x" * 3000, "3,000 characters"),
        (agreement("status"), "opn", "Did you mean 'open'"),
        (agreement("due"), "soon", "due"),
        (forecast(source=" "), 1, "source is missing"),
    ],
    ids=["negative", "boolean", "nan", "control sign", "too long", "status", "no day", "no source"],
)
def test_a_value_that_is_not_allowed_is_refused_and_nothing_is_written(tmp_path, place, value, told):
    with pytest.raises(AnswersError, match=told):
        save(tmp_path, {place: (None, value)})
    assert not (tmp_path / "answers" / "source_forecasts" / "ana-okafor.toml").exists()


BY_HAND = """# what I expect
author = "Ana Okafor"

[[forecast]]
source = "Webinar"
period_start = 2026-10-01
pipeline = "a lot"

[[forecast]]
source = "Webinar"
period_start = 2027-01-01
pipeline = 380000

[[forecast]]
sorce = "Webinar"
period_start = 2027-04-01

[[agreement]]
period_start = 2026-10-01
remedy = "An event"
status = "opened"
"""


def write_by_hand(folder, text, stem="ana-okafor"):
    place = folder / "answers" / "source_forecasts"
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{stem}.toml").write_text(text, encoding="utf-8")


def test_faults_of_a_file_edited_by_hand_are_told_with_line_and_cure_and_the_rest_stands(tmp_path):
    write_by_hand(tmp_path, BY_HAND)
    said, problems = read_source_forecasts(tmp_path)
    assert [(one.period_start, one.pipeline) for one in said.latest_forecasts] == [(date(2027, 1, 1), 380_000)]
    assert [(one["row"], one["column"]) for one in problems] == [(7, "pipeline"), (15, "sorce"), (21, "status")]
    assert "plain number" in problems[0]["cure"] and "'source'" in problems[1]["cure"]
    assert all(one["file"] == "answers/source_forecasts/ana-okafor.toml" for one in problems)


def test_saving_leaves_faulty_rows_and_comments_of_a_file_as_they_are(tmp_path):
    write_by_hand(tmp_path, BY_HAND)
    save(tmp_path, {forecast(): (None, 400_000)})
    text = (tmp_path / "answers" / "source_forecasts" / "ana-okafor.toml").read_text(encoding="utf-8")
    assert '"a lot"' in text and "sorce" in text and text.startswith("# what I expect")
    assert [one.pipeline for one in read_source_forecasts(tmp_path)[0].latest_forecasts] == [380_000, 400_000]


def test_a_damaged_file_is_told_is_never_written_over_and_leaves_the_others_alone(tmp_path):
    save(tmp_path, {forecast(): (None, 100)}, author="Ben")
    write_by_hand(tmp_path, 'author = "Ana\n')
    said, problems = read_source_forecasts(tmp_path)
    assert [one.author for one in said.forecasts] == ["Ben"]
    assert problems[0]["row"] == 1
    with pytest.raises(AnswersError, match="no TOML"):
        save(tmp_path, {forecast(): (None, 1)})
    write_by_hand(tmp_path, 'author = "Ana"\nforecast = 3\n')
    with pytest.raises(AnswersError, match="double brackets"):
        save(tmp_path, {forecast(): (None, 1)})


def test_without_any_file_nothing_is_said(tmp_path):
    said, problems = read_source_forecasts(tmp_path)
    assert not said and problems == []
    assert not read_own_forecasts(tmp_path, "Ana")[0]


def test_hidden_names_are_gone_from_texts_too(tmp_path):
    save(tmp_path, {forecast("note"): (None, "Ana Okafor's webinars"), agreement("covered_by"): (None, "Ana Okafor")})
    hidden = hide_source_forecasts(read_source_forecasts(tmp_path)[0], lambda name: "Person 7")
    assert hidden.forecasts[0].author == "Person 7" and hidden.forecasts[0].note == "Person 7's webinars"
    assert hidden.agreements[0].covered_by == "Person 7"
