"""Notebooks run unattended with other parameters, and every parameter changes what comes out."""

import json
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


def test_goals_follow_their_own_parameters(tmp_path):
    plain = read(run("04_goal_matrix", tmp_path), "goal_matrix")
    asked = read(run("04_goal_matrix", tmp_path, revenue_goal=12e6, horizon=2, by=["region"]), "goal_matrix")
    assert (
        "source" in set(plain["dimension"])
        and "source" not in set(asked["dimension"])
        and "region" in set(asked["dimension"])
    )
    assert asked["period_start"].max() < plain["period_start"].max()
    assert total_goal(asked, "revenue_won", "2026-10-01") != total_goal(plain, "revenue_won", "2026-10-01")


def test_a_miss_is_carried_over_and_coverage_read_as_asked(tmp_path):
    plain = run("04_goal_matrix", tmp_path)
    carried = run("04_goal_matrix", tmp_path, carry_over="next", coverage_week=3, coverage_asked=9.0)
    first, second = read(plain, "goal_matrix"), read(carried, "goal_matrix")
    assert total_goal(second, "revenue_won", "2026-10-01") > total_goal(first, "revenue_won", "2026-10-01")
    before, after = (headlines(out, "04_goal_matrix") for out in (plain, carried))
    assert any("9.0×" in line for line in after) and not any("9.0×" in line for line in before)
    coverage = [[line for line in lines if "× coverage" in line] for lines in (before, after)]
    assert coverage[0] and coverage[1] and coverage[0] != coverage[1], "week 3 has another coverage than the first day"


def headlines(out, name):
    return [
        record["headline"] for record in json.loads((out / "findings" / f"{name}.json").read_text(encoding="utf-8"))
    ]


def test_history_starts_and_ends_where_asked(tmp_path):
    out = run("03_kpi_slicing", tmp_path, start="2025-07-01", end="2026-03-31", kpis=["win_rate"])
    notebook = json.loads((out / "03_kpi_slicing.ipynb").read_text(encoding="utf-8"))
    outputs = {cell["id"]: json.dumps(cell.get("outputs", [])) for cell in notebook["cells"]}
    for told in (outputs["trend"], outputs["push"]):
        assert "Q1 2026" in told and "Q3 2025" in told
        assert "Q2 2026" not in told and "Q1 2025 " not in told
    assert not [id for id, told in outputs.items() if "Q2 2026" in told and not id.startswith("what-if")]


def test_the_period_compared_with_changes_what_is_called_a_gap(tmp_path):
    gaps = {}
    for compare_to in ("previous", "year_ago", "plan"):
        decomposition = read(run("05_root_cause_5m", tmp_path, compare_to=compare_to), "decomposition")
        gaps[compare_to] = round(decomposition.loc[decomposition["dimension"] == "all", "contribution"].sum())
    assert len(set(gaps.values())) == 3


def read(out, table):
    return pd.read_csv(out / "tables" / f"{table}.csv")


def total_goal(matrix, kpi, period_start):
    rows = matrix[(matrix["kpi"] == kpi) & (matrix["dimension"] == "all") & (matrix["period_start"] == period_start)]
    return rows["goal"].iloc[0]
