"""From one round to the next: every answer is kept byte for byte, whatever stops it, and everybody begins anew."""

import os
import signal
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path

import pytest

from helpers.answers.editing import ResponseEditor
from helpers.answers.files import list_versions, read_version
from helpers.answers.rounds import list_ended, start_round, suggest_label
from helpers.answers.survey import read_responses, read_round, write_round
from helpers.errors import AnswersError
from helpers.model.survey import load_survey

PROJECT = Path(__file__).resolve().parents[2]
ANA = '# typed by hand\n[respondent]\nname = "Ana Okafor"\nrole = "CMO"\nteam = "marketing"\nsaved_on = 2026-09-30\n\n'
ANA += '[overview]\nactive_customers = 300\n\n[drafts]\nemployees = "many"\n'
BEN = '[respondent]\nname = "Ben Ito"\nteam = "sales"\n\n[overview]\nactive_customers = 210\n'
ROUND = 'closed = true\nlabel = "Q3 2026"\nhides_names = true\n'
FILES = {"ana-okafor.toml": ANA, "ben-ito.toml": BEN, "round.toml": ROUND}


@pytest.fixture
def folder(tmp_path):
    """A company whose round Q3 2026 is closed, with two people's answers."""
    place = tmp_path / "answers" / "survey"
    place.mkdir(parents=True)
    for name, text in FILES.items():
        (place / name).write_text(text, encoding="utf-8")
    return tmp_path


def parse(path):
    return tomllib.loads(path.read_text(encoding="utf-8"))


def kept_texts(folder):
    """The text of every file of answers, wherever it lies, earlier versions left out."""
    places = (folder / "answers" / "survey", folder / "answers" / "survey_rounds")
    return [path.read_text(encoding="utf-8") for place in places for path in place.rglob("*.toml")]


def assert_is_next_round(folder, label="Q4 2026"):
    place = folder / "answers" / "survey"
    assert parse(place / "round.toml") == {"closed": False, "label": label, "hides_names": True}
    assert parse(place / "ana-okafor.toml") == {
        "respondent": {"name": "Ana Okafor", "role": "CMO", "team": "marketing"}
    }
    assert parse(place / "ben-ito.toml") == {"respondent": {"name": "Ben Ito", "team": "sales"}}
    archive = folder / "answers" / "survey_rounds" / "q3-2026"
    assert (archive / "ana-okafor.toml").read_text(encoding="utf-8") == ANA
    assert (archive / "ben-ito.toml").read_text(encoding="utf-8") == BEN
    assert parse(archive / "round.toml") == {"closed": True, "label": "Q3 2026", "hides_names": True}
    assert sorted(path.name for path in archive.iterdir()) == sorted(FILES)


def test_a_round_that_ends_is_put_aside_byte_for_byte_and_the_next_one_is_open_and_empty(folder):
    ended = start_round(folder, "Q4 2026")
    assert_is_next_round(folder)
    assert (ended.label, ended.place, ended.n_people) == ("Q3 2026", "answers/survey_rounds/q3-2026", 2)
    assert list_ended(folder) == [ended]
    responses, problems = read_responses(folder, load_survey())
    assert problems == [] and {one.name: dict(one.values) for one in responses.values()} == {
        "Ana Okafor": {},
        "Ben Ito": {},
    }
    assert not read_round(folder)[0].is_closed


def test_the_answers_of_last_time_are_also_a_version_that_stays_for_good(folder):
    start_round(folder, "Q4 2026")
    (number,) = list_versions(folder, "survey/ana-okafor")
    assert read_version(folder, "survey/ana-okafor", number).text == ANA
    assert list((folder / "answers" / ".versions" / "survey" / "ana-okafor").glob("*-pinned.toml"))


def test_a_form_that_is_still_open_sees_its_answers_leave_and_writes_none_of_them_back(folder):
    survey = load_survey()
    window = ResponseEditor(folder, survey, name="Ana Okafor")
    start_round(folder, "Q4 2026")
    assert {"active_customers", "employees"} <= set(window.refresh().changed)
    window.change("founded", "2014")
    assert window.save().status == "saved"
    held = parse(folder / "answers" / "survey" / "ana-okafor.toml")
    assert held["overview"] == {"founded": 2014} and "drafts" not in held


# Dies by SIGKILL at the n-th time that the disk is asked to have something: before and after every file.
KILLED = """
import os, signal, sys
from pathlib import Path
from helpers.answers.rounds import start_round
left, sync = [int(sys.argv[2])], os.fsync
def count(handle):
    sync(handle)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
os.fsync = count
start_round(Path(sys.argv[1]), "Q4 2026")
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL as on Linux and macOS")
@pytest.mark.parametrize("nth", [1, 3, 5, 6, 8, 10, 11, 13])
def test_a_kill_in_the_middle_loses_nothing_and_starting_again_finishes_it(folder, nth):
    killed = subprocess.run([sys.executable, "-c", KILLED, str(folder), str(nth)], cwd=PROJECT, check=False)
    assert killed.returncode == -signal.SIGKILL
    texts = kept_texts(folder)
    assert ANA in texts and BEN in texts
    state = read_round(folder)[0]
    assert state.is_closed or parse(folder / "answers" / "survey" / "ana-okafor.toml").keys() == {"respondent"}
    if state.is_closed:
        start_round(folder, "Another name")
    label = "Q4 2026" if state.next_label or not state.is_closed else "Another name"
    assert_is_next_round(folder, label)


def test_what_somebody_types_between_two_attempts_is_kept_beside_what_was_put_aside(folder, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr("helpers.answers.rounds._open_next", refuse)
        with pytest.raises(OSError, match="No space"):
            start_round(folder, "Q4 2026")
    assert read_round(folder)[0].next_label == "Q4 2026" and read_round(folder)[0].is_closed
    late = ResponseEditor(folder, load_survey(), name="Ana Okafor")
    late.change("founded", "2014")
    late.save()
    start_round(folder, "Q4 2026")
    archive = folder / "answers" / "survey_rounds" / "q3-2026"
    assert (archive / "ana-okafor.toml").read_text(encoding="utf-8") == ANA
    assert parse(archive / "ana-okafor-2.toml")["overview"] == {"founded": 2014}


def test_closing_or_hiding_meanwhile_forgets_neither_that_a_round_was_begun_nor_what_was_typed_by_hand(folder):
    file = folder / "answers" / "survey" / "round.toml"
    file.write_text(f'{ROUND}next_label = "Q4 2026"\nends_as = "q3-2026"\nfacilitator = "Eva"\n', encoding="utf-8")
    state = read_round(folder)[0]
    write_round(folder, is_closed=True, based_on=state.revision, label=state.label, hides_names=True)
    assert read_round(folder)[0].next_label == "Q4 2026" and parse(file)["facilitator"] == "Eva"


@pytest.mark.parametrize("label", ["Q3 2026", " q3  2026 ", "", "  ", "a\x00b", "\u202eQ4"], ids=repr)
def test_a_label_that_is_none_or_was_used_is_refused_and_nothing_changes(folder, label):
    with pytest.raises(AnswersError, match="name of the round"):
        start_round(folder, label)
    assert sorted(kept_texts(folder)) == sorted(FILES.values())


def test_the_label_of_any_round_before_is_refused(folder):
    start_round(folder, "Q4 2026")
    write_round(folder, is_closed=True, based_on=read_round(folder)[0].revision, label="Q4 2026")
    with pytest.raises(AnswersError, match="there was a round 'Q3 2026' already"):
        start_round(folder, "Q3 2026")


def test_a_round_without_a_label_is_put_aside_under_the_day_of_its_last_answer(folder):
    (folder / "answers" / "survey" / "round.toml").write_text("closed = true\n", encoding="utf-8")
    assert start_round(folder, "Q3 2026").place == "answers/survey_rounds/until-2026-09-30"


def test_two_rounds_that_were_given_one_label_by_hand_lie_in_two_folders(folder):
    start_round(folder, "Q4 2026")
    for name, text in FILES.items():
        (folder / "answers" / "survey" / name).write_text(text.replace("300", "320"), encoding="utf-8")
    assert start_round(folder, "Q1 2027").place == "answers/survey_rounds/q3-2026-2"
    archive = folder / "answers" / "survey_rounds"
    assert parse(archive / "q3-2026" / "ana-okafor.toml")["overview"] == {"active_customers": 300}
    assert parse(archive / "q3-2026-2" / "ana-okafor.toml")["overview"] == {"active_customers": 320}


def test_an_open_round_is_not_ended(folder):
    (folder / "answers" / "survey" / "round.toml").write_text('closed = false\nlabel = "Q3 2026"\n', encoding="utf-8")
    with pytest.raises(AnswersError, match=r"'Q3 2026' is open. Close it"):
        start_round(folder, "Q4 2026")
    assert ANA in kept_texts(folder)


@pytest.mark.parametrize("name", ["ana-okafor.toml", "round.toml"])
def test_a_damaged_file_stops_it_before_anything_changes_with_its_line_and_cure(folder, name):
    file = folder / "answers" / "survey" / name
    file.write_text("closed = true\n[overview\n", encoding="utf-8")
    before = sorted(kept_texts(folder))
    with pytest.raises(AnswersError, match=rf"\[answers/survey/{name}, row 2\].*Mend that line"):
        start_round(folder, "Q4 2026")
    assert sorted(kept_texts(folder)) == before


def test_a_folder_that_can_t_be_written_to_is_told_and_nothing_changes(folder, monkeypatch):
    def refuse(*_, **__):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("helpers.writing.tempfile.mkstemp", refuse)  # modes of a folder don't stop an administrator
    with pytest.raises(AnswersError, match=r"round.toml\] the file can't be written: Read-only.*writable"):
        start_round(folder, "Q4 2026")
    assert sorted(kept_texts(folder)) == sorted(FILES.values())


def test_an_archive_that_can_t_be_written_is_told_and_the_next_attempt_finishes(folder):
    blocked = folder / "answers" / "survey_rounds"
    blocked.write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(AnswersError, match=r"survey_rounds/q3-2026/ana-okafor.toml\] the file can't be written"):
        start_round(folder, "Q4 2026")
    assert (folder / "answers" / "survey" / "ana-okafor.toml").read_text(encoding="utf-8") == ANA
    blocked.unlink()
    start_round(folder, "Q5")
    assert_is_next_round(folder)


@pytest.mark.parametrize(
    ("label", "suggested"),
    [
        ("Q3 2026", "Q4 2026"),
        ("Q4 2026", "Q1 2027"),
        ("Q4 FY2026", "Q1 FY2027"),
        ("Third quarter 2026", "Q4 2026"),
        ("", "Q4 2026"),
    ],
)
def test_the_label_suggested_follows_the_last_one(folder, label, suggested):
    text = f'closed = true\nlabel = "{label}"\n'
    (folder / "answers" / "survey" / "round.toml").write_text(text, encoding="utf-8")
    assert suggest_label(folder, today=date(2026, 11, 22)) == suggested
