"""Every parameter of a notebook changes what comes out of it."""

import json

import pytest

from helpers.batch.jobs import run_notebook
from helpers.company import open_company
from tests.notebooks.notebook_run import PROJECT, SAMPLE, headlines, read, run


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Return the folder that a notebook writes when nothing is asked; every notebook is run once."""
    found = {}

    def run_plainly(name):
        if name not in found:
            found[name] = run(name, tmp_path_factory.mktemp("plain"))
        return found[name]

    return run_plainly


def test_as_of_hides_later_events(tmp_path):
    early = read(run("00_start_here", tmp_path, as_of="2026-06-30"), "kpis")
    assert early["period_end"].max() <= "2026-06-30"


def test_slicing_follows_its_own_parameters(tmp_path, plain):
    asked = run("03_kpi_slicing", tmp_path, kpis=["deals_won"], by=["region"], filters={"segment": "SMB"}, grain="year")
    first, second = read(plain("03_kpi_slicing"), "slices"), read(asked, "slices")
    assert set(second["kpi"]) == {"deals_won"} and set(second["dimension"]) == {"region"}
    assert set(first["kpi"]) != {"deals_won"}
    deals = open_company(SAMPLE).tables["deal"]
    won = deals[(deals["outcome"] == "won") & (deals["segment"] == "SMB") & (deals["closed_at"].dt.year == 2025)]
    assert second.set_index("slice")["value"].to_dict() == won["region"].value_counts().to_dict()


def test_an_unknown_partition_is_told_with_its_neighbour__error(tmp_path):
    values = {"company": str(SAMPLE), "by": ["regoin"], "kpis": ["win_rate"]}
    result = run_notebook(PROJECT / "notebooks" / "03_kpi_slicing.ipynb", tmp_path / "out.ipynb", values)
    assert result.status == "failed" and "Did you mean 'region'" in result.error


def test_goals_follow_their_own_parameters(tmp_path, plain):
    usual = read(plain("04_goal_matrix"), "goal_matrix")
    asked = read(run("04_goal_matrix", tmp_path, revenue_goal=12e6, horizon=2, by=["region"]), "goal_matrix")
    assert (
        "source" in set(usual["dimension"])
        and "source" not in set(asked["dimension"])
        and "region" in set(asked["dimension"])
    )
    assert asked["period_start"].max() < usual["period_start"].max()
    assert total_goal(asked, "revenue_won", "2026-10-01") != total_goal(usual, "revenue_won", "2026-10-01")


def test_a_miss_is_carried_over_and_coverage_read_as_asked(tmp_path, plain):
    usual = plain("04_goal_matrix")
    carried = run("04_goal_matrix", tmp_path, carry_over="next", coverage_week=3, coverage_asked=9.0)
    first, second = read(usual, "goal_matrix"), read(carried, "goal_matrix")
    assert total_goal(second, "revenue_won", "2026-10-01") > total_goal(first, "revenue_won", "2026-10-01")
    before, after = (headlines(out, "04_goal_matrix") for out in (usual, carried))
    assert any("9.0×" in line for line in after) and not any("9.0×" in line for line in before)
    coverage = [[line for line in lines if "× coverage" in line] for lines in (before, after)]
    assert coverage[0] and coverage[1] and coverage[0] != coverage[1], "week 3 has another coverage than the first day"


def test_history_starts_and_ends_where_asked(tmp_path):
    out = run("03_kpi_slicing", tmp_path, start="2025-07-01", end="2026-03-31", kpis=["win_rate"])
    notebook = json.loads((out / "03_kpi_slicing.ipynb").read_text(encoding="utf-8"))
    outputs = {cell["id"]: json.dumps(cell.get("outputs", [])) for cell in notebook["cells"]}
    for told in (outputs["trend"], outputs["push"]):
        assert "Q1 2026" in told and "Q3 2025" in told
        assert "Q2 2026" not in told and "Q1 2025 " not in told
    assert not [id for id, told in outputs.items() if "Q2 2026" in told and not id.startswith("what-if")]


def test_the_period_compared_with_changes_what_is_called_a_gap(tmp_path, plain):
    gaps = {}
    for compare_to in ("previous", "year_ago", "plan"):
        is_usual = compare_to == "previous"
        out = plain("05_root_cause_5m") if is_usual else run("05_root_cause_5m", tmp_path, compare_to=compare_to)
        decomposition = read(out, "decomposition")
        gaps[compare_to] = round(decomposition.loc[decomposition["dimension"] == "all", "contribution"].sum())
    assert len(set(gaps.values())) == 3


def total_goal(matrix, kpi, period_start):
    rows = matrix[(matrix["kpi"] == kpi) & (matrix["dimension"] == "all") & (matrix["period_start"] == period_start)]
    return rows["goal"].iloc[0]


def test_growth_follows_its_own_parameters(tmp_path, plain):
    """Lifetime value is revenue × years, of which a margin of a half leaves half."""
    usual = read(plain("06_goal_cascade"), "unit_economics").set_index("measure")["value"]
    asked = run("06_goal_cascade", tmp_path, gross_margin=0.5, commission_ratio="50/50", commission_pool=100_000.0)
    halved = read(asked, "unit_economics").set_index("measure")["value"]
    assert halved["ltv"] == pytest.approx(usual["ltv"] / 2)
    told = [(out / "06_goal_cascade.ipynb").read_text(encoding="utf-8") for out in (plain("06_goal_cascade"), asked)]
    assert ["Under 80/20" in text for text in told] == [True, False]
    assert ["Under 50/50" in text for text in told] == [False, True]
