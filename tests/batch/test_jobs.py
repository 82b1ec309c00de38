"""One notebook in a kernel of its own, with nobody there."""

import nbformat

from helpers.batch.jobs import run_notebook


def test_a_batch_started_from_a_notebook_that_somebody_has_open_is_unattended_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "01_gtm_survey.ipynb")
    code = "from helpers.present.forms.attendance import is_attended\nassert not is_attended()"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbformat.write(notebook, tmp_path / "asks.ipynb")
    result = run_notebook(tmp_path / "asks.ipynb", tmp_path / "asked.ipynb", {})
    assert result.status == "whole", result.error
