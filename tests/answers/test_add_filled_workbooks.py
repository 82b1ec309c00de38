"""``add`` with a filled-in workbook: taken as answers, told by sheet and cell, and an exit code that says if whole."""

import pytest

from helpers.__main__ import main
from helpers.answers.files import ABSENT
from helpers.answers.survey import write_round
from tests.answers.workbooks import answers_of, export, export_blank, fill, make_folder, put_answers, response_of


@pytest.fixture
def folder(tmp_path):
    return make_folder(tmp_path, with_answers=False)


def write(tmp_path, data, name="filled.xlsx"):
    path = tmp_path / name
    path.write_bytes(data)
    return str(path)


def test_a_filled_in_workbook_is_taken_as_answers(folder, tmp_path, capsys):
    file = write(tmp_path, fill(export_blank(), {"overview.employees": 180}))
    assert main(["add", str(folder), file]) == 0
    assert "2 answers taken from Ana Okafor." in capsys.readouterr().out
    assert answers_of(folder) == {"employees": 180}


def test_what_was_refused_is_told_by_sheet_and_cell_and_ends_with_1(folder, tmp_path, capsys):
    file = write(tmp_path, fill(export_blank(), {"overview.employees": "many", "overview.founded": 2014}))
    assert main(["add", str(folder), file]) == 1
    out = capsys.readouterr().out
    assert "[Overview, C" in out and "'many' is no number" in out and "Traceback" not in out
    assert answers_of(folder) == {"founded": 2014}


@pytest.mark.parametrize(
    ("keep", "code", "kept"), [([], 1, 200), (["--keep", "mine"], 0, 190), (["--keep", "theirs"], 0, 200)]
)
def test_a_conflict_ends_with_1_until_somebody_chooses(folder, tmp_path, capsys, keep, code, kept):
    put_answers(folder, employees=180)
    file = write(tmp_path, fill(export(response_of(folder)), {"overview.employees": 190}))
    put_answers(folder, employees=200)
    assert main(["add", str(folder), file, *keep]) == code
    out = capsys.readouterr().out
    assert "[Overview, C" in out and "'200'" not in out
    assert ("--keep mine" in out) == (not keep)
    assert answers_of(folder) == {"employees": kept}


def test_one_refused_workbook_does_not_stop_the_next(folder, tmp_path, capsys):
    nameless = write(tmp_path, fill(export_blank(), {"respondent.name": None}), "nameless.xlsx")
    good = write(tmp_path, fill(export_blank(), {"overview.employees": 180}))
    assert main(["add", str(folder), nameless, good]) == 1
    assert "nameless.xlsx: not taken. [Read me, C" in capsys.readouterr().err
    assert answers_of(folder) == {"employees": 180}


def test_a_folder_that_is_no_company_is_wrong_usage(tmp_path, capsys):
    assert main(["add", str(tmp_path / "nowhere"), write(tmp_path, export_blank())]) == 2
    assert "company.toml" in capsys.readouterr().err


def test_both_answers_of_a_conflict_are_told_once_the_round_is_closed(folder, tmp_path, capsys):
    put_answers(folder, employees=180)
    file = write(tmp_path, fill(export(response_of(folder)), {"overview.employees": 190}))
    put_answers(folder, employees=200)
    write_round(folder, is_closed=True, based_on=ABSENT)
    assert main(["add", str(folder), file]) == 1
    assert "the workbook says '190', the folder says '200'" in capsys.readouterr().out
