"""The sample's plan of record and scenarios agree with the goals that its leadership typed."""

import pandas as pd

from helpers.answers.goal_scenarios import list_scenarios, read_scenario
from helpers.answers.goals import read_goals
from helpers.answers.plan_of_record import read_plan_of_record
from tests.real_data import PROJECT

SAMPLE = PROJECT / "data" / "samples" / "brightwater"
CELL = ["kpi", "grain", "period_start", "dimension", "slice"]


def test_the_plan_holds_the_goals_typed_for_its_year():
    plan = read_plan_of_record(SAMPLE)
    typed, _ = read_goals(SAMPLE)
    typed = typed[typed["period_start"].dt.year == 2026].set_index(CELL)["goal"].sort_index()
    held = plan.goals[plan.goals["state"] != "solved"].set_index(CELL)["goal"].sort_index()
    pd.testing.assert_series_equal(held, typed)
    assert plan.problems == ()
    assert (plan.goals.loc[plan.goals["state"] == "solved", "dimension"] == "all").all()


def test_both_scenarios_want_the_same_revenue():
    scenarios = list_scenarios(SAMPLE)
    assert [scenario.name for scenario in scenarios] == ["Base", "Fewer, larger deals"]
    assert all(scenario.problems == () and scenario.author and scenario.note for scenario in scenarios)
    revenue = []
    for scenario in scenarios:
        goals, _ = read_scenario(SAMPLE, scenario.name)
        company = goals[(goals["kpi"] == "revenue_won") & (goals["dimension"] == "all")]
        revenue.append(company.set_index("period_start")["goal"])
    pd.testing.assert_series_equal(*revenue)
    assert len(revenue[0]) == 4
