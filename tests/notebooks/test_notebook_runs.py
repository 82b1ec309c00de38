"""Every notebook runs unattended: on another day, without exports, and without answers."""

import shutil

import pytest

from tests.notebooks.notebook_run import PROJECT, SAMPLE, run

NAMES = sorted(path.stem for path in (PROJECT / "notebooks").glob("*.ipynb"))


BY_MONTH = {"as_of": "2026-05-31", "period": "month", "compare_to": "year_ago", "people": "hidden"}


def copy_exports(tmp_path):
    """Make a company of the sample's exports, to which nobody has answered anything."""
    company = tmp_path / "exports-only"
    shutil.copytree(SAMPLE, company, ignore=shutil.ignore_patterns("answers", ".cache"))
    return str(company)


def read_everything(out):
    """Read what a run wrote for people and programs, as one text."""
    return "".join(path.read_text(encoding="utf-8") for path in out.rglob("*") if path.suffix in (".csv", ".json"))


def names_nobody(text):
    """Tell whether none of the sample's people stands in a text."""
    return "Marit Solberg" not in text and "Dana Whitfield" not in text


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_on_exports_alone_by_month_on_an_earlier_day_with_people_hidden(name, tmp_path):
    out = run(name, tmp_path, company=copy_exports(tmp_path), **BY_MONTH)
    assert (out / "findings" / f"{name}.json").exists()
    assert names_nobody(read_everything(out))


@pytest.mark.acceptance
@pytest.mark.parametrize("name", NAMES)
def test_it_runs_by_month_on_an_earlier_day_with_people_hidden(name, tmp_path):
    out = run(name, tmp_path, **BY_MONTH)
    assert list((out / "tables").glob("*.csv")) and (out / "findings" / f"{name}.json").exists()
    assert names_nobody(read_everything(out))


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_on_a_company_that_only_has_answers(name, tmp_path):
    company = tmp_path / "answers-only"
    shutil.copytree(SAMPLE / "answers", company / "answers")
    (company / "company.toml").write_text('name = "Brightwater Software"\ncurrency = "EUR"\n', encoding="utf-8")
    run(name, tmp_path, company=str(company))


@pytest.mark.acceptance
@pytest.mark.parametrize("name", NAMES)
def test_it_runs_on_a_company_that_only_has_exports(name, tmp_path):
    run(name, tmp_path, company=copy_exports(tmp_path))
