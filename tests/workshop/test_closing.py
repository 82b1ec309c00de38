"""Closing the round where its file can't be written or read: the facilitator is told, for as long as it lasts."""

from ipywidgets import HTML

from helpers.answers.survey import read_round
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
    return " ".join(child.value for child in part._state.children if isinstance(child, HTML))


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
    part.close.click()
    part.confirm.click()
    assert "could not be changed" in told(part) and file.read_text(encoding="utf-8") == "closed = tru\n"
    file.unlink()
    part.open()
    assert "can&#x27;t be read" not in told(part)
