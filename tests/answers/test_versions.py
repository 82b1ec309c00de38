"""Earlier versions: all of the last ten minutes, then fewer; nothing depends on the machine's clock."""

import os
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.answers.files import (
    ABSENT,
    ConflictError,
    list_version_times,
    list_versions,
    read_topic,
    read_version,
    restore_version,
    update_topic,
    write_topic,
)
from helpers.answers.response_versions import LISTED_WHOLE, choose_listed
from helpers.answers.versions import DAY, RECENT, RECENT_KEPT, Version, choose_thinned, keep_version
from helpers.errors import AnswersError
from tests.answers.big_survey import Clock

TOPIC = "survey/ana"
NOON = datetime(2026, 9, 30, 12, 0, tzinfo=UTC).timestamp()


def left(versions, now):
    gone = set(choose_thinned(versions, now=now))
    return [version.number for version in versions if version.number not in gone]


def test_everything_of_the_last_ten_minutes_stays():
    versions = [Version(n, NOON - 600 + n * 3) for n in range(1, 201)]
    assert left(versions, NOON) == list(range(1, 201))


def test_of_very_many_in_ten_minutes_the_latest_stay():
    versions = [Version(n, NOON - 500 + n * 0.4) for n in range(1, 1001)]
    stay = left(versions, NOON)
    assert stay[-RECENT_KEPT:] == list(range(1001 - RECENT_KEPT, 1001)) and len(stay) <= RECENT_KEPT + 2


def test_of_a_day_one_per_ten_minutes_stays_and_it_is_the_last():
    """One version per minute for three hours that end two hours ago: 18 stretches of ten minutes."""
    versions = [Version(n, NOON - 5 * 3600 + n * 60) for n in range(180)]
    assert left(versions, NOON) == list(range(9, 180, 10))


def test_of_earlier_days_one_per_day_stays():
    versions = [Version(n, NOON - 30 * DAY + n * DAY / 4) for n in range(100)]
    stay = left(versions, NOON)
    days = [versions[number].saved_at // DAY for number in stay]
    assert len(days) == len(set(days)) == 26 and stay[-1] == 99


def test_the_newest_and_those_replaced_by_an_older_one_always_stay():
    versions = [
        Version(1, NOON - 90 * DAY, is_pinned=True),
        Version(2, NOON - 90 * DAY + 1),
        Version(3, NOON - 89 * DAY),
    ]
    assert left(versions, NOON) == [1, 2, 3]
    assert left([Version(1, 0.0, True), Version(2, 1.0), Version(3, 2.0)], NOON) == [1, 3]


@settings(max_examples=200, deadline=None)
@given(
    ages=st.lists(st.floats(-100, 40 * DAY), max_size=60),
    pinned=st.sets(st.integers(0, 59)),
    later=st.floats(0, 3 * DAY),
)
def test_thinning_is_the_same_done_once_or_twice_and_never_loses_the_newest(ages, pinned, later):
    times = sorted(NOON - age for age in ages)
    versions = [Version(n, time, n in pinned) for n, time in enumerate(times)]
    gone = choose_thinned(versions, now=NOON)
    kept = [version for version in versions if version.number not in gone]
    assert choose_thinned(kept, now=NOON) == []
    assert {version.number for version in versions if version.is_pinned} <= {version.number for version in kept}
    assert kept[-1:] == versions[-1:]
    assert {v.number for v in versions if NOON - v.saved_at <= RECENT} <= {v.number for v in kept}
    assert choose_thinned(kept, now=NOON + later) == sorted(choose_thinned(kept, now=NOON + later))


def test_saving_for_a_day_keeps_few_versions_with_their_times(tmp_path, quick_disk):
    clock, revision = Clock(), ABSENT
    for number in range(300):
        revision = write_topic(tmp_path, TOPIC, {"overview": {"n": number}}, based_on=revision, now=clock())
        clock.move(minutes=5)
    versions = list_version_times(tmp_path, TOPIC)
    assert 130 < len(versions) < 180
    newest = versions[-1]
    assert read_version(tmp_path, TOPIC, newest.number).values == {"overview": {"n": 298}}
    assert datetime.fromtimestamp(newest.saved_at, tz=UTC) == clock() - timedelta(minutes=10)
    for version in versions:
        saved = datetime.fromtimestamp(version.saved_at, tz=UTC) - Clock()()
        assert read_version(tmp_path, TOPIC, version.number).values == {"overview": {"n": saved.total_seconds() // 300}}


def test_a_version_is_no_second_name_of_the_file_that_is_written_next(tmp_path):
    first = write_topic(tmp_path, TOPIC, {"overview": {"n": 1}}, based_on=ABSENT)
    write_topic(tmp_path, TOPIC, {"overview": {"n": 2}}, based_on=first)
    path = tmp_path / "answers" / "survey" / "ana.toml"
    path.write_text("[overview]\nn = 3\n", encoding="utf-8")
    assert read_version(tmp_path, TOPIC, 1).values == {"overview": {"n": 1}}


def test_where_files_can_have_one_name_only_a_version_is_a_copy(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "x.toml"
    path.write_text("n = 1\n", encoding="utf-8")
    os.utime(path, (NOON, NOON))
    kept = keep_version(tmp_path / "versions", path, now=NOON)
    assert kept.read_text(encoding="utf-8") == "n = 1\n" and kept.stat().st_mtime == NOON


def test_a_pinned_version_is_read_by_its_number_like_any_other(tmp_path):
    write_topic(tmp_path, TOPIC, {"overview": {"n": 1}}, based_on=ABSENT)
    update_topic(tmp_path, TOPIC, lambda _: {"overview": {"n": 2}}, is_pinned=True)
    assert list_versions(tmp_path, TOPIC) == [1]
    assert list_version_times(tmp_path, TOPIC)[0].is_pinned
    assert read_version(tmp_path, TOPIC, 1).values == {"overview": {"n": 1}}


def test_a_person_is_shown_the_newest_one_by_one_and_further_back_one_per_minute():
    versions = [Version(n, n * 2.0, is_pinned=n == 4) for n in range(600)]
    shown = [version.number for version in choose_listed(versions)]
    assert shown[:LISTED_WHOLE] == list(range(599, 599 - LISTED_WHOLE, -1))
    assert shown[LISTED_WHOLE:] == [*range(569, 0, -30), 4]


def test_a_version_is_brought_back_over_whatever_is_there_and_that_stays_for_good(tmp_path):
    first = write_topic(tmp_path, TOPIC, {"overview": {"n": 1}}, based_on=ABSENT)
    second = write_topic(tmp_path, TOPIC, {"overview": {"n": 2}}, based_on=first)
    with pytest.raises(ConflictError):
        restore_version(tmp_path, TOPIC, 1, based_on=first)
    restore_version(tmp_path, TOPIC, 1, based_on=second)
    path = tmp_path / "answers" / "survey" / "ana.toml"
    path.write_text("[overview\n", encoding="utf-8")
    with pytest.raises(AnswersError, match="row 1"):
        restore_version(tmp_path, TOPIC, 2, based_on=first)
    restore_version(tmp_path, TOPIC, 2)
    assert read_topic(tmp_path, TOPIC).values == {"overview": {"n": 2}}
    assert [v.is_pinned for v in list_version_times(tmp_path, TOPIC)] == [False, True, True]
