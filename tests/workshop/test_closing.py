"""Closing the round and beginning the next: what the facilitator is asked and told, also where a file is no use."""

from ipywidgets import HTML

from helpers.answers.files import ABSENT
from helpers.answers.survey import read_round, write_response, write_round
from helpers.model.survey import load_survey
from helpers.workshop import closing
from helpers.workshop.closing import ClosingPart
from helpers.workshop.people_progress import PeopleProgress
from tests.workshop.conftest import make_folder


def open_part(folder):
    part = ClosingPart(folder, PeopleProgress(folder, load_survey()))
    part.open()
    return part


def told(part):
    part.look()
    return " ".join(child.value for child in part._state.children if isinstance(child, HTML)).replace("\u00a0", " ")


def test_a_round_that_could_not_be_closed_says_so_until_it_is_tried_again(tmp_path, monkeypatch):
    part = open_part(make_folder(tmp_path / "c"))

    def refuse(*_, **__):
        raise closing.DiagnosticError("[answers/survey/round.toml] the file can't be written: Read-only file system.")

    with monkeypatch.context() as full:
        full.setattr(closing, "write_round", refuse)
        part.close.click()
        part.confirm.click()
    assert "could not be changed" in told(part) and "Read-only file system" in told(part)
    part.close.click()
    part.confirm.click()
    assert "could not be changed" not in told(part) and read_round(tmp_path / "c")[0].is_closed


def test_a_damaged_file_of_the_round_is_told_with_its_cure_and_counts_as_open(tmp_path):
    folder = make_folder(tmp_path / "c")
    file = folder / "answers" / "survey" / "round.toml"
    file.write_text("closed = tru\n", encoding="utf-8")
    part = open_part(folder)
    assert "can&#x27;t be read" in told(part) and "Mend that line" in told(part) and "The round is open" in told(part)
    assert "answers/survey/round.toml, line 1: this is no TOML" in told(part)
    part.close.click()
    part.confirm.click()
    assert "could not be changed" in told(part) and file.read_text(encoding="utf-8") == "closed = tru\n"
    assert "answers/survey/round.toml, line 1: this is no TOML" in told(part) and "[answers" not in told(part)
    file.unlink()
    part.open()
    assert "can&#x27;t be read" not in told(part)


def test_each_value_of_the_round_that_is_neither_true_nor_false_is_told_with_its_line(tmp_path):
    folder = make_folder(tmp_path / "c")
    file = folder / "answers" / "survey" / "round.toml"
    file.write_text('label = "Q3"\nclosed = "yes"\nhides_names = 1\n', encoding="utf-8")
    part = open_part(folder)
    for line, key, meant in ((2, "closed", "open"), (3, "hides_names", "true")):
        assert f"answers/survey/round.toml, line {line}: {key} is neither true nor false." in told(part)
        assert f"Write true or false. It counts as {meant}." in told(part)


def close_round(folder, label="Q3 2026"):
    write_response(folder, "Ana Okafor", {"active_customers": 300}, load_survey(), team="sales", based_on=ABSENT)
    write_round(folder, is_closed=True, based_on=read_round(folder)[0].revision, label=label)


def test_a_new_round_is_asked_for_with_what_it_brings_and_a_name_before_it_begins(tmp_path):
    folder = make_folder(tmp_path / "c")
    close_round(folder)
    part = open_part(folder)
    part.start.click()
    assert "Start a new round?" in told(part) and "empty for everybody" in told(part)
    assert part.label.value == "Q4 2026" and read_round(folder)[0].is_closed
    part.keep.click()
    assert "Start a new round?" not in told(part) and read_round(folder)[0].is_closed


def test_a_new_round_says_where_the_answers_lie_and_that_nobody_has_begun(tmp_path):
    folder = make_folder(tmp_path / "c")
    close_round(folder)
    part = open_part(folder)
    part.start.click()
    part.start_next("Q4 2026")
    assert "Q4 2026 has begun" in told(part) and "kept in answers/survey_rounds/q3-2026" in told(part)
    assert "0 of 1 person done" in told(part) and "begun" in told(part).partition("Ana Okafor")[2]
    part.open()
    assert "has begun" not in told(part)


def test_a_name_that_was_used_is_told_and_can_be_mended_where_it_stands(tmp_path):
    folder = make_folder(tmp_path / "c")
    close_round(folder)
    part = open_part(folder)
    part.start.click()
    part.start_next("Q3 2026")
    assert "could not be changed" in told(part) and "another name" in told(part)
    assert "Start a new round?" in told(part)
    part.start_next("Q4 2026")
    assert not read_round(folder)[0].is_closed


def test_a_round_that_was_cut_short_while_it_began_can_only_be_finished(tmp_path):
    folder = make_folder(tmp_path / "c")
    close_round(folder)
    file = folder / "answers" / "survey" / "round.toml"
    file.write_text(file.read_text() + 'next_label = "Q4 2026"\nends_as = "q3-2026"\n', encoding="utf-8")
    part = open_part(folder)
    assert "has not quite begun" in told(part) and part.start_confirm.description == "Finish it"
    assert part.reopen not in buttons(part)
    part.start_next("whatever stands there")
    assert read_round(folder)[0].label == "Q4 2026" and "has begun" in told(part)


def buttons(part):
    return [button for child in part._state.children for button in getattr(child, "children", ())]
