"""Notebooks are thin, told in prose, committed as they ran, and alike in what they ask."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
LONGEST_CELL = 10

pytestmark = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(path):
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def test_it_is_committed_as_it_ran_from_the_top(path):
    counts = [cell.execution_count for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1)), f"{path.stem}: run it from the top and save it"
    assert not [out for cell in code_cells(path) for out in cell.outputs if out.output_type in ("error", "stream")]


def test_cells_hold_one_idea_and_no_logic(path):
    banned = (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.If, ast.Try, ast.With, ast.Lambda)
    for cell in code_cells(path):
        tree = ast.parse(cell.source)
        found = [type(node).__name__ for node in ast.walk(tree) if isinstance(node, banned)]
        assert not found, f"{path.stem}: {found[0]} in a cell; move it to helpers:\n{cell.source}"
        if "parameters" not in cell.metadata.get("tags", []) and "import" not in cell.source:
            assert cell.source.count("\n") < LONGEST_CELL, f"{path.stem}: this cell is too long:\n{cell.source}"


def test_it_opens_with_one_title_that_asks_its_question(path):
    cells = read(path).cells
    assert cells[0].source.startswith("# ") and "?" in cells[0].source.splitlines()[0]
    assert not [cell for cell in cells[1:] if cell.cell_type == "markdown" and re.search(r"^# ", cell.source, re.M)]
    assert all(word in cells[0].source for word in ("**Reads**", "**Answers**", "**Writes**"))


def test_prose_stands_between_the_cells_and_says_no_number_that_data_decides(path):
    cells = read(path).cells
    prose = [cell.source for cell in cells if cell.cell_type == "markdown"]
    assert len(prose) >= len(code_cells(path)) / 2
    for text in prose:
        assert not re.search(r"\d+[.,]?\d*\s?(%|€|\$|days)", text), f"{path.stem}: a number typed into prose:\n{text}"


def test_outputs_bear_no_place_or_moment_of_the_machine_that_ran_it(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"/(home|root|work|tmp|Users)/", text), f"{path.stem} holds a path of a machine"
    assert "papermill" not in read(path).metadata


def test_every_output_yields_its_numbers_as_text(path):
    for cell in code_cells(path):
        for output in cell.outputs:
            assert "text/plain" in output.get("data", {}), f"{path.stem}: an output without text:\n{cell.source}"


def test_no_output_is_a_picture_that_nobody_drew(path):
    """A list of displays shows its text alone."""
    for cell in code_cells(path):
        for output in cell.outputs:
            assert set(output["data"]) != {"text/plain"}, f"{path.stem}: text alone comes of:\n{cell.source}"
