"""A run over companies: one failure stops nothing else, old reports survive, and the index explains."""

import json
import re
import tomllib
from pathlib import Path

import nbformat
import pytest

import helpers
from helpers.batch import run as batch_run
from helpers.batch.parameters import RunParameters
from helpers.batch.run import Prepared, run_report
from helpers.errors import DataError, ParameterError
from helpers.present.pages import describe_versions

PARAMETERS = 'company: str = ""\nas_of: str = ""\nperiod: str = "quarter"\noutput_dir: str = ""\npeople: str = "shown"'


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Return a folder with one notebook, which fails for companies that hold a file called broken."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    code = (
        "from pathlib import Path\n"
        "assert not (Path(company) / 'broken').exists(), 'the deals have no dates'\n"
        "(Path(output_dir) / 'tables').mkdir(exist_ok=True)\n"
        "(Path(output_dir) / 'tables' / 'kpis.csv').write_text('kpi,value\\nleads,3\\n')"
    )
    cells = [nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}), nbformat.v4.new_code_cell(code)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "00_tiny.ipynb")
    monkeypatch.setattr(batch_run, "NOTEBOOKS", folder)
    monkeypatch.setattr(batch_run, "check_parameters", lambda parameters: None)
    return RunParameters(notebooks=("00_tiny",))


def prepare(folder, parameters):
    if not folder.is_dir():
        raise DataError(f"'{folder.name}' is no folder.")
    manifest = {"name": folder.name.title(), "currency": "EUR", "as_of": "2026-09-30", "period": "Q3 2026"}
    return Prepared(manifest, lambda report: None)


def companies(tmp_path, *names):
    folders = [tmp_path / "companies" / name for name in names]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    return folders


def report(folders, asked, out):
    return run_report(folders, asked, out=out, prepare=prepare, workers=2)


def test_a_failing_company_stops_no_other_and_keeps_its_last_report(tiny, tmp_path):
    good, bad = companies(tmp_path, "good", "bad")
    out = tmp_path / "reports"
    assert [result.status for result in report([good, bad], tiny, out)] == ["whole", "whole"]
    before = (out / "bad" / "2026-09-30-quarter" / "index.html").read_text(encoding="utf-8")

    (bad / "broken").touch()
    results = report([good, bad], tiny, out)
    assert [result.status for result in results] == ["whole", "failed"]
    assert "the deals have no dates" in results[1].error
    assert (out / "bad" / "2026-09-30-quarter" / "index.html").read_text(encoding="utf-8") == before
    assert json.loads((out / "bad" / "failed" / "manifest.json").read_text())["status"] == "failed"
    index = (out / "index.html").read_text(encoding="utf-8")
    assert "the deals have no dates" in index and "good/2026-09-30-quarter/index.html" in index

    (bad / "broken").unlink()
    assert report([bad], tiny, out)[0].status == "whole"
    assert not (out / "bad" / "failed").exists()


def test_a_company_that_cannot_be_opened_is_explained(tiny, tmp_path):
    (good,) = companies(tmp_path, "good")
    results = report([tmp_path / "companies" / "gone", good], tiny, tmp_path / "reports")
    assert [result.status for result in results] == ["failed", "whole"]
    assert "is no folder" in (tmp_path / "reports" / "index.html").read_text(encoding="utf-8")


def test_the_manifest_tells_how_each_notebook_went(tiny, tmp_path):
    (good,) = companies(tmp_path, "good")
    report([good], tiny, tmp_path / "reports")
    manifest = json.loads((tmp_path / "reports" / "good" / "2026-09-30-quarter" / "manifest.json").read_text())
    assert manifest["status"] == "whole" and manifest["as_of"] == "2026-09-30"
    (notebook,) = manifest["notebooks"]
    assert notebook["notebook"] == "00_tiny" and notebook["status"] == "whole" and notebook["seconds"] > 0
    assert manifest["versions"]["papermill"]


def test_the_version_of_a_report_is_that_of_the_code_that_made_it(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("helpers.batch.run.version", lambda name: "0.0.1")
    (good,) = companies(tmp_path, "good")
    report([good], tiny, tmp_path / "reports")
    manifest = json.loads((tmp_path / "reports" / "good" / "2026-09-30-quarter" / "manifest.json").read_text())
    assert manifest["versions"]["revenue-engine-diagnostic"] == helpers.__version__
    assert f"Revenue Engine Diagnostic {helpers.__version__}" in describe_versions(manifest)


def test_what_is_installed_takes_its_version_from_the_code():
    built = tomllib.loads((Path(helpers.__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    assert built["project"]["dynamic"] == ["version"] and "version" not in built["project"]
    assert built["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "helpers.__version__"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", helpers.__version__)


def test_a_hostile_folder_name_stays_text(tiny, tmp_path):
    (folder,) = companies(tmp_path, "<img src=x onerror=alert(1)>")
    assert report([folder], tiny, tmp_path / "reports")[0].status == "whole"
    assert "<img src=x" not in (tmp_path / "reports" / "index.html").read_text(encoding="utf-8")


def test_two_companies_of_one_name__error(tiny, tmp_path):
    with pytest.raises(ParameterError, match="two folders are called 'acme'"):
        report([tmp_path / "a" / "acme", tmp_path / "b" / "acme"], tiny, tmp_path / "reports")


def test_notebooks_of_a_single_company_run_side_by_side_and_are_told_in_order(tmp_path, monkeypatch):
    """Each notebook waits for the other one's mark, which one after the other would never come."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for mine, other in (("00_first", "01_second"), ("01_second", "00_first")):
        code = (
            "import time\nfrom pathlib import Path\n"
            f"(Path(company) / '{mine}').touch()\n"
            "until = time.monotonic() + 60\n"
            f"while not (Path(company) / '{other}').exists():\n"
            "    assert time.monotonic() < until, 'alone'\n"
            "    time.sleep(0.01)"
        )
        cells = [
            nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
            nbformat.v4.new_code_cell(code),
        ]
        notebook = nbformat.v4.new_notebook(cells=cells)
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, folder / f"{mine}.ipynb")
    monkeypatch.setattr(batch_run, "NOTEBOOKS", folder)
    monkeypatch.setattr(batch_run, "check_parameters", lambda parameters: None)
    [single] = companies(tmp_path, "single")
    [result] = report([single], RunParameters(notebooks=("01_second", "00_first")), tmp_path / "reports")
    assert result.status == "whole", result.error
    manifest = json.loads((result.report / "manifest.json").read_text())
    assert [one["notebook"] for one in manifest["notebooks"]] == ["01_second", "00_first"]
