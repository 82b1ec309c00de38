"""Nothing that people typed is lost, and nothing is overwritten in silence."""

import multiprocessing
import os
import tomllib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.answers.files import (
    ABSENT,
    ConflictError,
    list_topics,
    list_versions,
    name_file,
    read_topic,
    read_version,
    restore_version,
    write_topic,
)
from helpers.errors import AnswersError

TOPIC = "survey/ana-okafor"


def test_what_was_written_reads_back_and_has_a_revision(tmp_path):
    revision = write_topic(tmp_path, TOPIC, {"overview": {"employees": 180}}, based_on=ABSENT)
    topic = read_topic(tmp_path, TOPIC)
    assert topic.values == {"overview": {"employees": 180}}
    assert topic.revision == revision
    assert list_topics(tmp_path, "survey") == [TOPIC]


def test_a_file_that_does_not_exist_is_empty_and_no_error(tmp_path):
    assert read_topic(tmp_path, TOPIC).values == {}
    assert read_topic(tmp_path, TOPIC).revision == ABSENT


def test_every_earlier_version_is_kept_and_can_be_brought_back(tmp_path):
    """Three writes: 1, 2, 3. Kept versions: 1 and 2; restoring 1 makes 3 a version itself."""
    revision = ABSENT
    for number in (1, 2, 3):
        revision = write_topic(tmp_path, TOPIC, {"overview": {"employees": number}}, based_on=revision)
    assert list_versions(tmp_path, TOPIC) == [1, 2]
    assert read_version(tmp_path, TOPIC, 1).values == {"overview": {"employees": 1}}
    restore_version(tmp_path, TOPIC, 1, based_on=revision)
    assert read_topic(tmp_path, TOPIC).values == {"overview": {"employees": 1}}
    assert read_version(tmp_path, TOPIC, 3).values == {"overview": {"employees": 3}}


def test_a_second_window_is_told_of_the_conflict_with_both_values(tmp_path):
    base = write_topic(tmp_path, TOPIC, {"overview": {"employees": 1}}, based_on=ABSENT)
    write_topic(tmp_path, TOPIC, {"overview": {"employees": 2}}, based_on=base)
    with pytest.raises(ConflictError, match="somebody has saved") as caught:
        write_topic(tmp_path, TOPIC, {"overview": {"employees": 3}}, based_on=base)
    assert caught.value.theirs == {"overview": {"employees": 2}}
    assert caught.value.mine == {"overview": {"employees": 3}}
    assert read_topic(tmp_path, TOPIC).values == {"overview": {"employees": 2}}


def test_writing_the_same_again_makes_no_version(tmp_path):
    revision = write_topic(tmp_path, TOPIC, {"overview": {"employees": 1}}, based_on=ABSENT)
    assert write_topic(tmp_path, TOPIC, {"overview": {"employees": 1}}, based_on=revision) == revision
    assert list_versions(tmp_path, TOPIC) == []


@pytest.mark.parametrize(
    ("text", "row"),
    [
        (b"[overview]\nemployees = \n", 2),
        (b'[overview]\ncompany_name = "open\n', 2),
        (b"[overview]\ncrm = '\xff\xfe'\n", 2),
        (b"a = 1\na = 2\n", 2),
    ],
)
def test_a_damaged_file_names_its_line_and_is_never_overwritten(tmp_path, text, row):
    path = tmp_path / "answers" / "survey" / "ana-okafor.toml"
    path.parent.mkdir(parents=True)
    path.write_bytes(text)
    with pytest.raises(AnswersError, match=rf"ana-okafor\.toml, row {row}\]"):
        read_topic(tmp_path, TOPIC)
    for revision in (ABSENT, "0" * 64):
        with pytest.raises(AnswersError):
            write_topic(tmp_path, TOPIC, {"overview": {"employees": 1}}, based_on=revision)
    assert path.read_bytes() == text


def test_comments_of_a_hand_edited_file_survive(tmp_path):
    path = tmp_path / "answers" / "survey" / "ana-okafor.toml"
    path.parent.mkdir(parents=True)
    path.write_text("# asked on Monday\n[overview]\nemployees = 1 # a guess\ncrm = 'hubspot'\n", encoding="utf-8")
    topic = read_topic(tmp_path, TOPIC)
    write_topic(tmp_path, TOPIC, {"overview": {"employees": 1, "crm": "none"}}, based_on=topic.revision)
    text = path.read_text(encoding="utf-8")
    assert "# asked on Monday" in text and "# a guess" in text and "none" in text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "half \ud800 a character"])
def test_what_toml_cannot_hold_is_refused_and_nothing_is_written(tmp_path, value):
    with pytest.raises(AnswersError):
        write_topic(tmp_path, TOPIC, {"overview": {"employees": value}}, based_on=ABSENT)
    assert read_topic(tmp_path, TOPIC).revision == ABSENT


@pytest.mark.parametrize("topic", ["../secret", "/etc/passwd", "survey/../../x", "survey/a/b", "", "survey/.."])
def test_a_topic_is_never_a_path(tmp_path, topic):
    with pytest.raises(AnswersError, match="no topic"):
        read_topic(tmp_path, topic)


@given(name=st.text(max_size=80))
def test_a_name_becomes_a_safe_file_name_always_the_same(name):
    file = name_file(name)
    assert file == name_file(name)
    assert file and set(file) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") and len(file) < 60
    assert file not in {"con", "nul", "round", "prn", "aux"}


def test_names_that_differ_in_letters_only_we_cannot_write_stay_apart():
    assert len({name_file(name) for name in ("安娜", "安妮", "Ünal", "Unal", "a/b", "a-b")}) == 6


HOSTILE = [
    "<script>alert(1)</script>",
    "=1+1",
    "x" * 100_000,
    "🙂",
    "שלום",
    '"""',
    "'''",
    "\\",
    "a\r\nb\tc\x00\x07",
    "]]",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_kept_verbatim(tmp_path, text):
    values = {"overview": {"company_name": text, "focus_areas": [{"area": text}]}}
    write_topic(tmp_path, TOPIC, values, based_on=ABSENT)
    assert read_topic(tmp_path, TOPIC).values == values


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
CELLS = st.one_of(TEXTS, st.integers(-(2**53), 2**53), st.booleans(), st.floats(allow_nan=False, allow_infinity=False))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    first=st.dictionaries(TEXTS, CELLS, max_size=4),
    second=st.dictionaries(TEXTS, st.one_of(CELLS, st.lists(st.dictionaries(TEXTS, CELLS, max_size=3), max_size=3))),
)
def test_any_answers_read_back_as_written_also_over_older_ones(tmp_path_factory, first, second):
    folder = tmp_path_factory.mktemp("company")
    revision = write_topic(folder, TOPIC, {"overview": first}, based_on=ABSENT)
    write_topic(folder, TOPIC, {"overview": second, "product": first}, based_on=revision)
    assert read_topic(folder, TOPIC).values == {"overview": second, "product": first}


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a user whom the file system can refuse")
def test_a_folder_that_cannot_be_written_says_what_to_do(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(AnswersError, match="Make the company's folder writable"):
        write_topic(tmp_path, TOPIC, {"overview": {}}, based_on=ABSENT)


def test_a_full_disk_leaves_what_was_saved_untouched(tmp_path, monkeypatch):
    revision = write_topic(tmp_path, TOPIC, {"overview": {"employees": 1}}, based_on=ABSENT)

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("helpers.answers.files.os.fsync", full)
    with pytest.raises(AnswersError, match="Make room on the disk"):
        write_topic(tmp_path, TOPIC, {"overview": {"employees": 2}}, based_on=revision)
    monkeypatch.undo()
    assert read_topic(tmp_path, TOPIC).values == {"overview": {"employees": 1}}
    assert not list((tmp_path / "answers" / "survey").glob("*.tmp"))


def _count_up(folder, times):
    for _ in range(times):
        while True:
            topic = read_topic(folder, TOPIC)
            try:
                write_topic(
                    folder, TOPIC, {"overview": {"n": topic.values["overview"]["n"] + 1}}, based_on=topic.revision
                )
                break
            except ConflictError:
                continue


def test_two_processes_at_once_lose_no_write(tmp_path):
    write_topic(tmp_path, TOPIC, {"overview": {"n": 0}}, based_on=ABSENT)
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_count_up, args=(tmp_path, 10)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert read_topic(tmp_path, TOPIC).values == {"overview": {"n": 20}}
    assert len(list_versions(tmp_path, TOPIC)) == 20


def test_the_file_is_plain_toml_that_people_can_read(tmp_path):
    write_topic(tmp_path, TOPIC, {"product": {"products": [{"name": "Flow"}, {"name": "Shield"}]}}, based_on=ABSENT)
    text = (tmp_path / "answers" / "survey" / "ana-okafor.toml").read_text(encoding="utf-8")
    assert text.count("[[product.products]]") == 2
    assert tomllib.loads(text)["product"]["products"][1]["name"] == "Shield"
