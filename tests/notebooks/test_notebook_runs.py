"""Notebooks run unattended with other parameters, and every parameter changes what comes out."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from helpers.batch.jobs import run_notebook

PROJECT = Path(__file__).resolve().parents[2]
SAMPLE = PROJECT / "data" / "samples" / "brightwater"
NAMES = sorted(path.stem for path in (PROJECT / "notebooks").glob("*.ipynb"))


def run(name, tmp_path, **parameters):
    """Run one notebook and return the folder that it wrote."""
    out = tmp_path / f"{name}-{len(list(tmp_path.iterdir()))}"
    values = {"company": str(SAMPLE), "output_dir": str(out), **parameters}
    result = run_notebook(PROJECT / "notebooks" / f"{name}.ipynb", out / f"{name}.ipynb", values)
    assert result.status == "whole", result.error
    return out


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_by_month_on_an_earlier_day_with_people_hidden(name, tmp_path):
    out = run(name, tmp_path, as_of="2026-05-31", period="month", compare_to="year_ago", people="hidden")
    assert list((out / "tables").glob("*.csv")) and (out / "findings" / f"{name}.json").exists()
    written = "".join(path.read_text(encoding="utf-8") for path in out.rglob("*") if path.suffix in (".csv", ".json"))
    assert "Marit Solberg" not in written and "Dana Whitfield" not in written


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_on_a_company_that_only_has_answers(name, tmp_path):
    company = tmp_path / "answers-only"
    shutil.copytree(SAMPLE / "answers", company / "answers")
    (company / "company.toml").write_text('name = "Brightwater Software"\ncurrency = "EUR"\n', encoding="utf-8")
    run(name, tmp_path, company=str(company))


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_on_a_company_that_only_has_exports(name, tmp_path):
    company = tmp_path / "exports-only"
    shutil.copytree(SAMPLE, company, ignore=shutil.ignore_patterns("answers", ".cache"))
    run(name, tmp_path, company=str(company))


def test_as_of_hides_later_events(tmp_path):
    early = pd.read_csv(run("00_start_here", tmp_path, as_of="2026-06-30") / "tables" / "kpis.csv")
    assert early["period_end"].max() <= "2026-06-30"


def test_slicing_follows_its_own_parameters(tmp_path):
    plain = run("03_kpi_slicing", tmp_path)
    asked = run("03_kpi_slicing", tmp_path, kpis=["deals_won"], by=["region"], filters={"segment": "SMB"}, grain="year")
    first, second = (pd.read_csv(out / "tables" / "slices.csv") for out in (plain, asked))
    assert set(second["kpi"]) == {"deals_won"} and set(second["dimension"]) == {"region"}
    assert set(first["kpi"]) != {"deals_won"}
    whole = run("03_kpi_slicing", tmp_path, kpis=["deals_won"], by=["region"], grain="year")
    everything = pd.read_csv(whole / "tables" / "slices.csv")
    assert second["value"].sum() < everything["value"].sum()


def test_an_unknown_partition_is_told_with_its_neighbour__error(tmp_path):
    values = {"company": str(SAMPLE), "by": ["regoin"], "kpis": ["win_rate"]}
    result = run_notebook(PROJECT / "notebooks" / "03_kpi_slicing.ipynb", tmp_path / "out.ipynb", values)
    assert result.status == "failed" and "Did you mean 'region'" in result.error
