"""Scenarios side by side: each solved alone against the same matrix, and one that fails takes no other with it."""

from datetime import date

import pandas as pd
import pytest

from helpers.analyses.goal_relations import KEYS
from helpers.analyses.goal_session import prepare_matrix
from helpers.analyses.scenario_comparison import compare_scenarios
from helpers.answers.goals import build_goals
from helpers.errors import QuestionError
from helpers.model.catalog import load_catalog

CATALOG = load_catalog()
AS_OF = date(2026, 9, 30)
ENDED, NEXT, AFTER = "2026-07-01", "2026-10-01", "2027-01-01"
USUAL = {"deals_won": 100.0, "average_deal_size": 10_000.0, "revenue_won": 1e6}


def make_matrix():
    """100 deals of 10,000 in a quarter that has ended and in two ahead."""
    rows = [
        {"kpi": kpi, "grain": "quarter", "period_start": pd.Timestamp(start), "dimension": "all", "slice": "all",
         "goal": float("nan"), "actual": usual * 0.9 if start == ENDED else None, "expected": usual,
         "gap": float("nan"), "locked": False, "probability": float("nan"), "state": "free"}
        for kpi, usual in USUAL.items()
        for start in (ENDED, NEXT, AFTER)
    ]  # fmt: skip
    matrix = pd.DataFrame(rows)
    matrix.attrs = {"variability": {"deals_won": 0.1, "average_deal_size": 0.1, "revenue_won": 0.1}}
    return matrix


def make_history(sizes=(9_000.0, 11_000.0, 10_000.0)):
    starts = pd.date_range("2026-01-01", periods=len(sizes), freq="QS")
    return pd.DataFrame(
        {"kpi": "average_deal_size", "basis": "period", "grain": "quarter", "dimension": "all", "slice": "all",
         "period_start": starts, "horizon_days": float("nan"), "value": sizes, "is_complete": True}
    )  # fmt: skip


def make_goals(locked=False, **goals):
    """Goals of the next quarter."""
    return build_goals(
        [{"kpi": kpi, "grain": "quarter", "period_start": NEXT, "goal": goal, "locked": locked}
         for kpi, goal in goals.items()]
    )  # fmt: skip


def compare(scenarios, matrix=None, **options):
    matrix = make_matrix() if matrix is None else matrix
    return compare_scenarios(matrix, scenarios, as_of=AS_OF, catalog=CATALOG, currency="EUR", **options)


BASE = make_goals(revenue_won=1.2e6)
LARGER = make_goals(revenue_won=1.2e6, average_deal_size=12_000.0)


def cells_of(comparison, scenario, start=NEXT, column="goal"):
    rows = comparison.table
    rows = rows[(rows["scenario"] == scenario) & (rows["period_start"] == pd.Timestamp(start))]
    return dict(zip(rows["kpi"], rows[column], strict=True))


def test_goals_and_differences_follow_by_hand():
    """1.2 M at 12,000 a deal are 100 deals; 120 deals for it leave 10,000 a deal."""
    found = compare({"More": make_goals(revenue_won=1.2e6, deals_won=120.0), "Larger": LARGER})
    more = {"deals_won": 120, "average_deal_size": 10_000, "revenue_won": 1.2e6}
    assert cells_of(found, "More") == pytest.approx(more, rel=1e-6)
    larger = {"deals_won": 100, "average_deal_size": 12_000, "revenue_won": 1.2e6}
    assert cells_of(found, "Larger") == pytest.approx(larger, rel=1e-6)
    assert cells_of(found, "Larger", column="difference") == pytest.approx(
        {"deals_won": -20, "average_deal_size": 2_000, "revenue_won": 0}, abs=1e-3
    )
    assert cells_of(found, "Larger", column="relative") == pytest.approx(
        {"deals_won": -1 / 6, "average_deal_size": 0.2, "revenue_won": 0}, abs=1e-6
    )
    assert cells_of(found, "More", column="difference") == dict.fromkeys(USUAL, 0)
    assert cells_of(found, "Larger", AFTER) == pytest.approx(USUAL)
    assert cells_of(found, "Larger", ENDED) == {}


def test_every_scenario_comes_out_as_if_it_stood_alone():
    prepared = prepare_matrix(make_matrix(), catalog=CATALOG)
    found = compare({"Base": BASE, "Larger": LARGER, "Nothing": BASE.iloc[:0]}, prepared)
    for name, goals in (("Base", BASE), ("Larger", LARGER)):
        alone = prepared.solve(goals.assign(state="goal")[[*KEYS, "goal", "state"]])
        pd.testing.assert_series_equal(found.matrices[name]["goal"], alone["goal"])
    assert cells_of(found, "Nothing") == pytest.approx(USUAL)


def test_the_title_says_what_differs():
    more, fewer = (make_goals(revenue_won=1.2e6, deals_won=deals) for deals in (120.0, 80.0))
    found = compare({"Base": more, "Fewer": fewer})
    assert found.title == (
        "In Q4 2026 “Fewer” asks for €1.20 M too, with average deal size 50 % above and deals won 33 % below “Base”"
    )
    assert found.period.label == "Q4 2026"


def test_the_period_shown_is_the_first_in_which_scenarios_differ():
    later = make_goals(revenue_won=1.2e6)
    later["period_start"] = pd.Timestamp(AFTER)
    assert compare({"A": BASE.iloc[:0], "B": later}).period.label == "Q1 2027"


def test_what_never_was_is_told_with_its_n():
    found = compare({"Base": BASE, "Larger": LARGER}, history=make_history())
    assert cells_of(found, "Larger", column="best_ever")["average_deal_size"] == 11_000
    assert cells_of(found, "Larger", column="is_beyond")["average_deal_size"]
    assert not cells_of(found, "Base", column="is_beyond")["average_deal_size"]
    (beyond,) = [finding for finding in found.findings if "never was" in finding.headline]
    assert beyond.headline == (
        "“Larger” needs what never was in Q4 2026: average deal size of €12.0 k, €11.0 k at best"
    )
    assert beyond.evidence["n"] == 3


def test_more_than_the_best_ever_is_no_stretch_where_it_is_expected_anyway():
    found = compare({"A": BASE.iloc[:0]}, history=make_history((8_000.0, 9_000.0)))
    assert not found.table["is_beyond"].any()


def test_a_contradiction_is_named_and_fails_no_other():
    odd = make_goals(locked=True, revenue_won=1.2e6, average_deal_size=12_000.0, deals_won=10.0)
    found = compare({"Odd": odd, "Base": BASE})
    assert found.contradictions.to_dict("records") == [
        {
            "scenario": "Odd",
            "goals": "Deals won in Q4 2026 (10); Average deal size in Q4 2026 (€12.0 k); "
            "Closed revenue in Q4 2026 (€1.20 M)",
            "held_back": "Deals won in Q4 2026",
        }
    ]
    assert cells_of(found, "Odd")["deals_won"] == pytest.approx(100)
    assert cells_of(found, "Base")["revenue_won"] == pytest.approx(1.2e6)
    assert any("“Odd” contradicts itself" in finding.headline for finding in found.findings)


def test_what_can_not_be_solved_is_told_and_fails_no_other():
    elsewhere = build_goals([{"kpi": "leads", "grain": "month", "period_start": "2030-01-01", "goal": 5}])
    found = compare({"Below": make_goals(revenue_won=-5.0), "Elsewhere": elsewhere, "Base": BASE})
    assert "can't be solved" in found.problems["Below"]
    assert found.problems["Elsewhere"] == "1 goal of it lies outside this matrix."
    assert set(found.table["scenario"]) == {"Elsewhere", "Base"}
    assert found.names == ("Below", "Elsewhere", "Base")


def test_probabilities_are_those_handed_over():
    found = compare({"Base": BASE}, probability=lambda matrix: matrix.assign(probability=0.25))
    assert set(found.table["probability"]) == {0.25}
    assert compare({"Base": BASE}).table["probability"].isna().all()


def test_more_than_five_are_too_many():
    with pytest.raises(QuestionError, match="at most 5"):
        compare({str(n): BASE for n in range(6)})


@pytest.mark.parametrize("scenarios", [{}, {"Base": BASE}], ids=["no scenario", "no matrix"])
def test_without_scenarios_or_matrix_nothing_is_compared(scenarios):
    found = compare(scenarios, make_matrix().iloc[:0] if scenarios else None)
    assert found.period is None
    assert found.table.empty
    assert found.findings == ()


def test_nothing_handed_over_is_changed():
    matrix, goals = make_matrix(), BASE.copy()
    compare({"Base": goals}, matrix)
    pd.testing.assert_frame_equal(matrix, make_matrix())
    pd.testing.assert_frame_equal(goals, BASE)
