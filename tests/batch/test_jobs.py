"""One notebook in a kernel of its own, with nobody there."""

import json
import os
import tempfile
from pathlib import Path

import nbformat
import pytest
from papermill.iorw import papermill_io

from helpers.batch.jobs import run_notebook


def write_notebook(path, *codes):
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in codes]), path)
    return path


def test_a_batch_started_from_a_notebook_that_somebody_has_open_is_unattended_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "01_gtm_survey.ipynb")
    code = "from helpers.present.forms.attendance import is_attended\nassert not is_attended()"
    notebook = write_notebook(tmp_path / "asks.ipynb", code)
    result = run_notebook(notebook, tmp_path / "asked.ipynb", {})
    assert result.status == "whole", result.error


def test_a_short_run_is_written_at_its_end_instead_of_twice_per_cell(tmp_path, monkeypatch):
    written = []
    write = papermill_io.write
    monkeypatch.setattr(
        papermill_io, "write", lambda text, path, *rest: (written.append(path), write(text, path, *rest))
    )
    notebook = write_notebook(tmp_path / "in.ipynb", *(f"print('cell {number}')" for number in range(12)))
    assert run_notebook(notebook, tmp_path / "out.ipynb", {}).status == "whole"
    assert len(written) <= 4
    outputs = [cell.outputs for cell in nbformat.read(tmp_path / "out.ipynb", 4).cells]
    assert [out[0].text for out in outputs] == [f"cell {number}\n" for number in range(12)]


def test_a_kernel_that_dies_leaves_what_came_before(tmp_path):
    notebook = write_notebook(tmp_path / "in.ipynb", "print('as far as here')", "import os\nos._exit(9)", "print('no')")
    result = run_notebook(notebook, tmp_path / "out.ipynb", {})
    assert result.status == "failed" and "died" in result.error.lower()
    first, *_, last = nbformat.read(tmp_path / "out.ipynb", 4).cells
    assert first.outputs[0].text == "as far as here\n" and not last.outputs


@pytest.mark.skipif(os.name != "posix", reason="needs a system whose sockets can be files")
def test_a_kernel_is_spoken_to_without_any_port_and_its_sockets_are_gone_afterwards(tmp_path):
    code = "import json, ipykernel\nprint(open(ipykernel.get_connection_file()).read())"
    result = run_notebook(write_notebook(tmp_path / "in.ipynb", code), tmp_path / "out.ipynb", {})
    assert result.status == "whole", result.error
    (cell,) = nbformat.read(tmp_path / "out.ipynb", 4).cells
    said = json.loads(cell.outputs[0].text)
    assert said["transport"] == "ipc"
    assert not Path(said["ip"]).parent.exists()


def test_where_temporary_folders_lie_too_deep_for_a_socket_the_notebook_runs_all_the_same(tmp_path, monkeypatch):
    deep = tmp_path / ("deep-" * 20)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    result = run_notebook(write_notebook(tmp_path / "in.ipynb", "1 + 1"), tmp_path / "out.ipynb", {})
    assert result.status == "whole", result.error
