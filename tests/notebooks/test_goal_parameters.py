"""Every parameter of the notebooks on goals and growth changes what comes out of them."""

import pytest

from tests.notebooks.notebook_run import headlines, read, run


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
