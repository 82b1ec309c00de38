"""Parameters of a run: checked before anything starts."""

import pytest

from helpers.batch.parameters import NOTEBOOKS, RunParameters, check_parameters, choose_notebooks, declared_parameters
from helpers.batch.run import check_names
from helpers.errors import ParameterError

COMMON = {"company", "as_of", "period", "compare_to", "output_dir", "people"}


def test_notebooks_are_chosen_by_number_or_name():
    assert choose_notebooks("05, 3") == ("03_kpi_slicing", "05_root_cause_5m")
    assert choose_notebooks("00_start_here") == ("00_start_here",)
    assert len(choose_notebooks()) == 7


def test_unknown_notebook__error():
    with pytest.raises(ParameterError, match="There are: 00_start_here"):
        choose_notebooks("00,17")


@pytest.mark.parametrize("notebook", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_every_notebook_declares_the_common_parameters(notebook):
    assert declared_parameters(notebook) >= COMMON


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"period": "week"}, "Allowed: month, quarter, year"),
        ({"as_of": "30.09.2026"}, "2026-09-30"),
        ({"extra": {"perod": "month"}}, "Did you mean 'period'"),
    ],
)
def test_a_parameter_that_is_not_allowed__error(changed, text):
    with pytest.raises(ParameterError, match=text):
        check_parameters(RunParameters(notebooks=("00_start_here",), **changed))


def test_two_folders_of_one_name__error(tmp_path):
    folders = [tmp_path / "a" / "acme", tmp_path / "b" / "ACME"]
    with pytest.raises(ParameterError, match="two folders are called"):
        check_names(folders)


def test_a_word_for_people_that_is_not_allowed_stops_the_run_before_it_starts():
    with pytest.raises(ParameterError, match=r"--people 'hiden' is unknown. Allowed: shown, hidden. Did you mean"):
        check_parameters(RunParameters(people="hiden"))
