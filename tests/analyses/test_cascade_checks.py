"""Checks of a cascade: each one speaks where something is wrong, and is silent where nothing is."""

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from helpers.analyses.cascade_checks import check_cascade
from helpers.analyses.cascade_load import check_load
from helpers.analyses.cascade_reach import measure_reach
from helpers.model.cascade import Person, PersonTarget
from tests.analyses.cascade_cases import (
    RULES,
    company_goal,
    department_goal,
    make_cascade,
    make_ruler,
    tactic,
)

RULER = make_ruler()
SOUND = make_cascade()


def check(cascade, ruler=RULER):
    return check_cascade(cascade, ruler, currency="EUR")


def find(cascade, check_name, id="", ruler=RULER):
    rows = check(cascade, ruler)
    rows = rows[(rows["check"] == check_name) & ((rows["id"] == id) | (id == ""))]
    return [(row["status"], row["message"]) for row in rows.to_dict("records")]


def alarms(cascade, ruler=RULER):
    rows = check(cascade, ruler)
    return [(row["id"], row["check"]) for row in rows[rows["status"].isin(["bad", "caution"])].to_dict("records")]


def test_a_sound_cascade_raises_no_alarm():
    assert alarms(SOUND) == []


SMART_FAULTS = {
    "unknown KPI": ({"kpi": "oportunities"}, "specific", "is unknown"),
    "no KPI": ({"kpi": ""}, "specific", "no KPI measures it"),
    "unknown cut": ({"dimension": "sorce", "slice": "Web"}, "specific", "no 'sorce'"),
    "unknown value": (
        {"kpi": "leads", "dimension": "source", "slice": "Wep"},
        "specific",
        "no record has source 'Wep'",
    ),
    "no target": ({"target": None}, "measurable", "no target"),
    "never counted": ({"kpi": "mrr", "target": 1.0, "serves": ()}, "measurable", "no value in any quarter"),
    "far beyond the best": ({"target": 300.0}, "achievable", "the best of 7 quarters was 50"),
    "no period": ({"period_start": None}, "time-bound", "names no period"),
    "due outside": ({"due": date(2027, 2, 1)}, "time-bound", "outside 2026"),
    "no owner": ({"owner": ""}, "owner", "nobody owns it"),
    "unknown owner": ({"owner": "anna"}, "owner", "nobody of the list"),
}


@pytest.mark.parametrize(("changes", "name", "said"), SMART_FAULTS.values(), ids=SMART_FAULTS)
def test_a_goal_that_is_not_smart_says_why_and_how_to_mend_it(changes, name, said):
    cascade = make_cascade([company_goal(), department_goal(**changes)])
    rows = check(cascade)
    (row,) = rows[(rows["check"] == name) & (rows["id"] == "opps")].to_dict("records")
    assert row["status"] == "bad" and said in row["message"] and row["cure"]


def test_a_known_slice_with_a_goal_within_its_history_is_smart():
    goal = department_goal(kpi="leads", dimension="source", slice="Web", target=280.0)
    cascade = make_cascade([company_goal(target=4400.0), goal], [tactic(dimension="source", slice="Web", amount=40.0)])
    assert alarms(cascade) == []


def test_a_goal_just_above_the_best_is_a_caution_and_less_is_better_turns_it_round():
    assert find(make_cascade([company_goal(), department_goal(target=220.0)]), "achievable", "opps")[0][0] == "caution"
    cycle = {"kpi": "sales_cycle_days", "grain": "quarter", "period_start": date(2026, 10, 1)}
    status = {
        target: find(make_cascade([company_goal(), department_goal(**cycle, target=target)]), "achievable", "opps")[0][
            0
        ]
        for target in (55.0, 45.0, 30.0)
    }
    assert status == {55.0: "good", 45.0: "caution", 30.0: "bad"}


@pytest.mark.parametrize(("probability", "status"), [(0.05, "bad"), (0.35, "caution"), (0.8, "good")])
def test_the_simulated_probability_judges_where_a_matrix_is_handed_over(probability, status):
    cell = {"kpi": "opportunities", "grain": "year", "period_start": pd.Timestamp(2026, 1, 1), "dimension": "all"}
    matrix = pd.DataFrame([{**cell, "slice": "all", "goal": 200.0, "expected": 180.0, "probability": probability}])
    (found,) = find(SOUND, "achievable", "opps", make_ruler(matrix=matrix))
    assert found[0] == status and "simulated futures" in found[1]
    (other,) = find(SOUND, "achievable", "opps", make_ruler(matrix=matrix.assign(goal=150.0)))
    assert "simulated" not in other[1]


RELEVANCE = {
    "leads move revenue": ({"kpi": "leads"}, {}, "good"),
    "win rate moves revenue": ({"kpi": "win_rate", "target": 0.3}, {}, "good"),
    "nrr moves revenue": ({"kpi": "nrr", "target": 1.0}, {}, "good"),
    "revenue doesn't move leads": ({"kpi": "revenue_won"}, {"kpi": "leads", "target": 480.0}, "bad"),
    "leads don't move grr": ({"kpi": "leads"}, {"kpi": "grr", "target": 0.9}, "bad"),
    "another region": (
        {"kpi": "revenue_won", "dimension": "region", "slice": "DACH"}, {"dimension": "region", "slice": "US"}, "bad",
    ),
    "another cut": (
        {"kpi": "leads", "dimension": "source", "slice": "Web"}, {"dimension": "region", "slice": "US"}, "good",
    ),
    "the company for a region": ({"kpi": "opportunities"}, {"dimension": "region", "slice": "US"}, "good"),
}  # fmt: skip


@pytest.mark.parametrize(("own", "above", "status"), RELEVANCE.values(), ids=RELEVANCE)
def test_a_goal_is_relevant_where_its_kpi_moves_the_one_above(own, above, status):
    cascade = make_cascade([company_goal(**above), department_goal(**own)], [])
    assert [found for found, _ in find(cascade, "relevant", "opps")] == [status]


ORPHANS = {
    "tactic without a goal": ({"tactics": [tactic(serves=())]}, "web", "serves no goal"),
    "tactic linked to nothing": ({"tactics": [tactic(serves=("opp",))]}, "web", "'opp', which is no goal"),
    "department without company": ({"goals": [company_goal(), department_goal(serves=())]}, "opps", "no company goal"),
    "nobody works on it": (
        {"goals": [company_goal(), department_goal(), company_goal(id="lone")]}, "lone", "nobody works on it",
    ),
    "a ring": ({"goals": [company_goal(serves=("opps",)), department_goal()]}, "opps", "serves itself"),
    "target of no goal": ({"targets": [PersonTarget("t", "ana", goal="opp")]}, "t", "no goal 'opp'"),
    "target of nobody": ({"targets": [PersonTarget("t", "anna", goal="opps")]}, "t", "no person 'anna'"),
}  # fmt: skip


@pytest.mark.parametrize(("parts", "id", "said"), ORPHANS.values(), ids=ORPHANS)
def test_what_hangs_in_the_air_is_told(parts, id, said):
    rows = check(make_cascade(**parts))
    found = rows[(rows["check"] == "link") & (rows["id"] == id) & (rows["status"] == "bad")]
    assert any(said in message for message in found["message"]) and found["cure"].str.len().gt(0).all()


def test_a_goal_that_only_people_carry_or_that_serves_through_another_is_no_orphan():
    goals = [company_goal(), department_goal(), department_goal(id="below", serves=("opps",), title="Below")]
    targets = [PersonTarget("t", "ana", goal="below", weight=1.0)]
    assert find(make_cascade(goals, targets=targets), "link") == []


def test_dates_after_the_goal_are_told_and_earlier_work_is_not():
    late = make_cascade(tactics=[tactic(due=date(2027, 1, 31))])
    assert find(late, "dates", "web") == [
        ("bad", "it ends on 31 Jan 2027, after '200 opportunities' is due on 31 Dec 2026")
    ]
    early = make_cascade(tactics=[tactic(start=date(2025, 9, 1), due=date(2025, 12, 1))])
    assert find(early, "dates") == []
    far = [
        company_goal(id="far", title="Far", level="long_term", period_start=date(2028, 1, 1)),
        company_goal(serves=("far",)),
    ]
    assert find(make_cascade(far, []), "dates") == []
    late_goal = make_cascade([company_goal(), department_goal(grain="quarter", period_start=date(2027, 1, 1))], [])
    assert find(late_goal, "dates", "opps")[0][0] == "bad"


def test_tactics_are_summed_against_the_gap_in_the_goals_own_unit():
    """Leads 100 of which 40 % become opportunities: the last four quarters had 460 leads and 190 opportunities."""
    reach = measure_reach(department_goal(), SOUND, RULER)
    assert reach.baseline == pytest.approx(160)  # four quarters of 2025
    assert reach.gap == pytest.approx(40) and reach.promised == pytest.approx(100 * 190 / 460)
    up = measure_reach(company_goal(), SOUND, RULER)
    assert up.promised == pytest.approx(100 * 4600 / 460) and up.gap == pytest.approx(800)


@pytest.mark.parametrize(
    ("amount", "status"), [(80.0, "bad"), (94.0, "bad"), (100.0, "good"), (140.0, "good"), (200.0, "caution")]
)
def test_tactics_that_fall_short_of_the_gap_are_told_and_so_is_too_much(amount, status):
    assert find(make_cascade(tactics=[tactic(amount=amount)]), "reach", "opps")[0][0] == status


def test_stopped_tactics_promise_nothing_and_a_rate_counts_with_the_records_it_acts_on():
    stopped = make_cascade(tactics=[tactic(), tactic(id="old", title="Old", state="stopped")])
    assert list(measure_reach(department_goal(), stopped, RULER).tactics) == ["web"]
    rate = make_cascade(tactics=[tactic(kpi="win_rate", amount=0.05, serves=("year",))])
    # 160 closed deals a year x 5 points = 8 wins x 100 each
    assert measure_reach(company_goal(), rate, RULER).promised == pytest.approx(8 * 100)


def test_a_goal_whose_baseline_already_reaches_it_needs_no_tactic_to():
    assert find(make_cascade([company_goal(), department_goal(baseline=230.0)]), "reach", "opps")[0][0] == "good"


def test_less_is_better_is_summed_the_other_way():
    goal = department_goal(kpi="sales_cycle_days", target=50.0, baseline=60.0)
    short, enough = (
        make_cascade([company_goal(), goal], [tactic(kpi="sales_cycle_days", amount=a)]) for a in (-4.0, -10.0)
    )
    assert find(short, "reach", "opps")[0][0] == "bad" and find(enough, "reach", "opps")[0][0] == "good"


def test_slices_of_a_goal_that_add_up_to_less_are_told_only_where_all_are_there():
    def split(us, dach):
        parts = [("us", "US", us), ("dach", "DACH", dach)]
        own = {"kpi": "revenue_won", "dimension": "region"}
        below = [
            department_goal(id=id, title=id, slice=name, target=target, **own) for id, name, target in parts if target
        ]
        return make_cascade([company_goal(), *below], [])

    assert "add up" in find(split(2000.0, 2000.0), "reach", "year")[0][1]
    assert find(split(2800.0, 2000.0), "reach", "year") == [] and find(split(2000.0, None), "reach", "year") == []


def test_one_result_for_two_goals_is_told_once_and_apart_goals_are_not():
    other = department_goal(id="leads", title="480 leads", kpi="leads", target=480.0)
    goals = [company_goal(), department_goal(), other]
    assert find(make_cascade(goals, [tactic(serves=("opps", "leads"))]), "counted twice")[0][0] == "bad"
    assert find(make_cascade(goals, [tactic(serves=("opps", "year"))]), "counted twice")[0][0] == "caution"
    own = {"kpi": "revenue_won", "dimension": "region", "target": 100.0}
    regions = [department_goal(id=id, title=id, slice=id, **own) for id in ("US", "DACH")]
    assert find(make_cascade([company_goal(), *regions], [tactic(serves=("US", "DACH"))]), "counted twice") == []
    apart = [company_goal(), department_goal(), company_goal(id="keep", kpi="grr", target=0.9)]
    assert find(make_cascade(apart, [tactic(serves=("opps", "keep"))]), "counted twice") == []
    assert find(make_cascade(goals, [tactic(), tactic(id="b", title="B")]), "counted twice") == []


def test_cost_is_held_against_what_the_result_is_worth():
    """100 leads are worth 100 × 4,600 ÷ 460 = 1,000 of closed revenue."""
    statuses = {cost: find(make_cascade(tactics=[tactic(cost=cost)]), "cost")[0][0] for cost in (999.0, 1001.0, None)}
    assert statuses == {999.0: "good", 1001.0: "bad", None: "none"}
    keep = make_cascade([company_goal(kpi="grr", target=0.91)], [tactic(kpi="grr", amount=0.02, serves=("year",))])
    assert find(keep, "cost")[0][0] == "none"


def load(tactics=(), targets=(), person=None):
    person = person or Person("ana", "Ana Okafor")
    return [row["message"] for row in check_load(make_cascade(None, list(tactics), [person], targets), RULES)]


def test_too_many_tactics_at_one_time_are_told_and_one_after_the_other_are_not():
    many = [tactic(id=f"t{n}", title=f"T{n}") for n in range(5)]
    assert load(many[:4]) == [] and "5 tactics at once from 1 Jul 2026" in load(many)[0]
    after = [replace(one, start=date(2026, 1 + 2 * n, 1), due=date(2026, 2 + 2 * n, 1)) for n, one in enumerate(many)]
    assert load(after) == []
    assert (
        load([*many[:4], replace(many[4], state="done")]) == []
        and load([*many[:4], replace(many[4], owner="ben")]) == []
    )


def test_more_of_a_week_than_there_is_is_told_against_the_persons_own_capacity():
    two = [tactic(id=id, title=id, time=0.5) for id in ("a", "b")]
    assert load(two) == []
    assert "120 % of a working week" in load([two[0], replace(two[1], time=0.7)])[0]
    assert "80 % is free" in load(two, person=Person("ana", "Ana", capacity=0.8))[0]


def weights(*listed, **more):
    about = {"kpi": "revenue_won", "target": 1.0, "grain": "year", "period_start": date(2026, 1, 1), **more}
    return [PersonTarget(f"t{n}", "ana", weight=weight, **about) for n, weight in enumerate(listed)]


def test_weights_that_do_not_add_up_are_told_with_the_day():
    assert load(targets=weights(0.6, 0.4)) == [] and load(targets=weights(0.1, 0.2, 0.7)) == []
    assert "add up to 110 % from 1 Jan 2026" in load(targets=weights(0.6, 0.5))[0]
    assert "the rest hangs on nothing" in load(targets=weights(0.6, 0.2))[0]
    assert load(targets=weights(None, None)) == [] and load() == []
    halves = [*weights(1.0), replace(weights(1.0)[0], id="next", period_start=date(2027, 1, 1))]
    assert load(targets=halves) == []
    pay = [replace(one, pay_share=0.6) for one in weights(0.5, 0.5)]
    assert "variable pay of targets add up to 120 %" in load(targets=pay)[0]
    assert "6 targets at once" in load(targets=weights(*[1 / 6] * 6))[0]


def test_fiscal_quarters_overlap_by_their_own_days():
    first = weights(1.0, grain="quarter", period_start=date(2026, 2, 1))
    second = [replace(weights(1.0, grain="quarter", period_start=date(2026, 5, 1))[0], id="later")]
    cascade = make_cascade(None, [], [Person("ana", "Ana")], [*first, *second])
    assert check_load(cascade, RULES, fiscal_year_start=2) == []


def test_without_any_cells_nothing_breaks_and_nothing_is_called_measurable():
    found = check(SOUND, make_ruler(make_ruler().cells.iloc[:0]))
    assert set(found[found["check"] == "measurable"]["status"]) == {"bad"}
    assert check(make_cascade([], [], [], [])).empty
