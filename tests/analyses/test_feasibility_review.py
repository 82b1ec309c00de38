"""Whether goals can be reached, as one page tells it: every part from the same goals, and what is missing said."""

from datetime import date

import pandas as pd

from helpers.analyses.feasibility_review import review_feasibility
from helpers.analyses.goal_review import review_goals
from helpers.engine.cells import build_cells
from helpers.present.charts.feasibility_page import show_benchmarks, show_chances, show_course, show_drivers
from tests.analyses.test_goal_review import AS_OF, make_deals, make_targets
from tests.companies import make_company


def open_reviews(targets=None):
    company = make_company({"deal": make_deals()}, targets=targets, latest_event=AS_OF)
    cells = build_cells(company, by=[(), ("source",)], as_of=AS_OF)
    goals = review_goals(company, cells, as_of=AS_OF)
    return company, goals, review_feasibility(company, cells, goals, as_of=AS_OF)


def show_all(company, goals, found):
    shown = [show_chances(goals, found), show_benchmarks(goals, found, company), show_drivers(found)]
    course = show_course(found)
    return [*shown, *(course if isinstance(course, tuple) else [course])]


def test_every_part_speaks_of_the_same_goals():
    company, goals, found = open_reviews(make_targets())
    revenue = goals.matrix[
        (goals.matrix["kpi"] == "revenue_won") & (goals.matrix["dimension"] == "all") & (goals.matrix["goal"].notna())
    ]
    paced = found.pace.set_index("kpi").loc["revenue_won"]
    at = revenue[(revenue["period_start"] == paced["period_start"]) & (revenue["grain"] == "quarter")]
    assert paced["goal"] == at["goal"].iloc[0]
    assert found.labels["quarter", pd.Timestamp("2026-10-01")] == "Q4 2026"
    assert found.sensitivity.attrs["base"] == goals.outlook.query("grain == 'quarter'")["expected"].sum()
    assert all(finding.notebook == "04_goal_matrix" for finding in found.findings)
    assert "nan" not in " ".join(shown.text for shown in show_all(company, goals, found)).lower()


def test_what_is_behind_is_a_finding_only_where_somebody_set_a_goal():
    _, goals, found = open_reviews()
    assert not goals.has_goals
    assert not [finding for finding in found.findings if finding.severity == "bad"]


def test_without_any_record_each_part_says_what_is_missing():
    company = make_company({"cost": pd.DataFrame({"date": ["2026-01-01"], "channel": ["Web"], "amount": [5.0]})})
    day = date(2026, 3, 31)
    cells = build_cells(company, as_of=day)
    goals = review_goals(company, cells, as_of=day)
    found = review_feasibility(company, cells, goals, as_of=day)
    assert found.findings == []
    for shown in show_all(company, goals, found):
        assert "can't be" in shown.title or "not available" in shown.title
