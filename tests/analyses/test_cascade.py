"""Actual against plan at every level of a cascade, and the pay earned, against numbers worked out by hand."""

from datetime import date, datetime

import pandas as pd
import pytest

from helpers.analyses.cascade import review_cascade, sum_up_pay, track_pay, track_plan
from helpers.analyses.cascade_feeds import build_feeds, find_path
from helpers.model.cascade import Comment, PayRule, Person, PersonTarget
from helpers.workbook import open_workbook
from tests.analyses.cascade_cases import (
    CATALOG,
    CELLS,
    RULES,
    YEAR,
    cells_of,
    company_goal,
    department_goal,
    make_cascade,
    make_ruler,
    tactic,
)


def plan_of(cascade, ruler=None, **more):
    return track_plan(cascade, ruler or make_ruler(), **more).set_index("id")


def test_a_volume_is_added_up_and_held_to_the_days_that_have_passed():
    row = plan_of(make_cascade()).loc["year"]
    share = 273 / 365  # 1 January to 30 September
    assert row["actual"] == 3600 and row["due"] == pytest.approx(4800 * share)
    assert row["attainment"] == pytest.approx(3600 / (4800 * share)) and row["state"] == "good"
    assert row["n"] == 3600 and row["basis"] == "period" and row["period"] == "2026"


def test_goals_typed_for_the_quarters_say_what_was_due():
    goals = [("2026-01-01", 1000), ("2026-04-01", 1000), ("2026-07-01", 1500), ("2026-10-01", 1300)]
    targets = pd.DataFrame(goals, columns=["period_start", "goal"]).assign(
        kpi="revenue_won", grain="quarter", dimension="all", slice="all"
    )
    row = plan_of(make_cascade(), make_ruler(targets=targets)).loc["year"]
    assert row["due"] == pytest.approx(3500) and row["share_due"] == pytest.approx(3500 / 4800)
    partly = plan_of(make_cascade(), make_ruler(targets=targets.iloc[:3])).loc["year"]
    assert partly["share_due"] == pytest.approx(273 / 365)


def test_in_the_middle_of_a_quarter_a_goal_is_held_to_the_part_that_was_due():
    """Half of Q3's 92 days have passed on 15 August: 46."""
    cells = cells_of(revenue_won=[1000, 1000, 1000, 1000, 1200, 1200, 500], opportunity_to_won=[(1, 4)] * 7)
    cells["is_complete"] = cells["period_start"] < pd.Timestamp(2026, 7, 1)
    goals = [
        company_goal(grain="quarter", period_start=date(2026, 7, 1), target=1200.0),
        company_goal(id="young", kpi="opportunity_to_won", target=0.3),
    ]
    rows = plan_of(make_cascade(goals, []), make_ruler(cells, date(2026, 8, 15)))
    assert rows.loc["year", "actual"] == 500 and rows.loc["year", "due"] == pytest.approx(600)
    assert rows.loc["year", "state"] == "caution" and not rows.loc["year", "is_immature"]
    assert rows.loc["young", "is_immature"]
    before = plan_of(make_cascade(goals, []), make_ruler(cells, date(2026, 6, 30)))
    assert before.loc["year", "reason"] == "it has not begun yet"


def test_a_goal_that_is_over_is_held_to_all_of_it_and_one_ahead_has_no_actual():
    over = company_goal(grain="quarter", period_start=date(2026, 4, 1), target=1500.0)
    ahead = department_goal(grain="quarter", period_start=date(2026, 10, 1))
    rows = plan_of(make_cascade([over, ahead], []))
    assert (rows.loc["year", "due"], rows.loc["year", "actual"], rows.loc["year", "state"]) == (1500, 1200, "caution")
    assert rows.loc["opps", "reason"] == "it has not begun yet" and pd.isna(rows.loc["opps", "actual"])


def test_rates_are_pooled_stocks_and_medians_taken_at_the_end():
    goals = [
        company_goal(id="rate", kpi="win_rate", target=0.4),
        company_goal(id="stock", kpi="arr", target=8000.0),
        company_goal(id="days", kpi="sales_cycle_days", target=45.0),
    ]
    rows = plan_of(make_cascade(goals, []))
    assert rows.loc["rate", "actual"] == pytest.approx(36 / 120) and rows.loc["rate", "due"] == 0.4
    assert rows.loc["stock", "actual"] == 6200
    assert rows.loc["stock", "due"] == pytest.approx(5600 + 2400 * 273 / 365)
    assert rows.loc["days", "actual"] == 50 and rows.loc["days", "attainment"] == pytest.approx(0.9)
    assert rows.loc["days", "state"] == "caution"


REASONS = {
    "no such KPI": ({"kpi": "revenu"}, "unknown"),
    "not in the exports": ({"kpi": "mrr"}, "can't be counted"),
    "no such cut": ({"dimension": "planet", "slice": "Mars"}, "hold no 'planet'"),
    "no such value": ({"dimension": "region", "slice": "Mars"}, "no record has region 'Mars'"),
    "no target": ({"target": None}, "no target"),
    "no period": ({"period_start": None}, "no period"),
    "shorter than the report's": ({"grain": "month", "period_start": date(2026, 5, 1)}, "no whole quarter"),
}


@pytest.mark.parametrize(("changes", "said"), REASONS.values(), ids=REASONS)
def test_where_there_is_no_actual_it_says_why_and_never_zero(changes, said):
    row = plan_of(make_cascade([company_goal(**changes)], [])).loc["year"]
    assert said in row["reason"] and pd.isna(row["actual"]) and row["state"] == "none"


def test_a_slice_without_a_record_in_the_period_has_zero():
    cells = cells_of(revenue_won=[10] * 7, revenue_won__owner__Ben=[5, 5])
    cells.loc[cells["dimension"] == "owner", "period_start"] = pd.to_datetime(["2025-01-01", "2025-04-01"])
    cells.loc[cells["dimension"] == "owner", "period_end"] = pd.to_datetime(["2025-03-31", "2025-06-30"])
    goal = company_goal(dimension="owner", slice="Ben", target=20.0)
    assert plan_of(make_cascade([goal], []), make_ruler(cells)).loc["year", "actual"] == 0


def test_a_tactics_actual_is_the_change_since_it_began():
    """Leads: 120 in Q3 2026 against 120 in Q2; begun in Q2 2026, 240 against the 220 of the two quarters before."""
    rows = plan_of(make_cascade(tactics=[tactic(), tactic(id="early", title="E", start=date(2026, 4, 1))]))
    days = {"web": (92, 91), "early": (183, 182)}  # since it began, before
    assert rows.loc["web", "actual"] == pytest.approx(120 - 120 * days["web"][0] / days["web"][1])
    assert rows.loc["early", "actual"] == pytest.approx(240 - 220 * days["early"][0] / days["early"][1])
    assert rows.loc["web", "due"] == pytest.approx(100 * 92 / 184) and rows.loc["web", "state"] == "bad"
    rate = plan_of(make_cascade(tactics=[tactic(kpi="win_rate", amount=0.05, start=date(2026, 1, 1))])).loc["web"]
    assert rate["actual"] == pytest.approx(0.05) and rate["state"] == "good"
    cycle = plan_of(make_cascade(tactics=[tactic(kpi="sales_cycle_days", amount=-10.0, start=date(2026, 1, 1))])).loc[
        "web"
    ]
    assert cycle["actual"] == -10 and cycle["attainment"] == 1


def test_a_tactic_without_enough_before_it_or_not_begun_says_so():
    rows = plan_of(
        make_cascade(
            tactics=[
                tactic(id="old", start=date(2025, 4, 1)),
                tactic(id="new", start=date(2026, 10, 1)),
                tactic(id="bare", amount=None, start=None),
            ]
        )
    )
    assert "too few quarters" in rows.loc["old", "reason"] and "not begun" in rows.loc["new", "reason"]
    assert rows.loc["bare", "reason"] == "it has no start and expected result"


def pay_of(targets, ruler=None, pay=None, people=None):
    cascade = make_cascade(targets=targets, people=people, pay=pay or PayRule())
    return track_pay(cascade, ruler or make_ruler()), cascade


def own(**changes):
    base = {"kpi": "revenue_won", "dimension": "owner", "slice": "Ana", "grain": "quarter", "weight": 0.5}
    return PersonTarget(
        **{"id": "own", "person": "ana", "target": 500.0, "period_start": date(2026, 7, 1), **base, **changes}
    )


def test_pay_is_linear_between_threshold_target_and_cap():
    """A quarter of 20,000 × 50 % = 2,500 hangs on each; 400 of 500 is 80 %."""
    rule = PayRule(threshold=0.5, pay_at_threshold=0.5, cap=2.0, pay_at_cap=3.0)
    expected = {500.0: 0.5 + 0.3 / 0.5 * 0.5, 400.0: 1.0, 250.0: 1 + 0.6 * 2, 100.0: 3.0, 1000.0: 0.0}
    for target, payout in expected.items():
        pay, _ = pay_of([own(target=target)], pay=rule)
        row = pay.iloc[0]
        assert row["at_plan"] == 2500 and row["payout"] == pytest.approx(payout)
        assert row["earned"] == pytest.approx(2500 * payout)


def test_shared_and_own_targets_add_up_per_person_and_a_target_may_have_its_own_rule():
    shared = PersonTarget(
        "shared", "ana", goal="year", weight=0.5, pay_share=0.25, rule=PayRule(cap=1.01, pay_at_cap=1.0)
    )
    pay, cascade = pay_of([shared, own(target=400.0)])
    share = 273 / 365
    assert pay.set_index("id")["at_plan"].to_dict() == pytest.approx({"shared": 20_000 * 0.25 * share, "own": 2500.0})
    assert pay.set_index("id").loc["shared", "payout"] == pytest.approx(1.0)
    (row,) = sum_up_pay(pay, cascade).to_dict("records")
    assert row["earned"] == pytest.approx(20_000 * 0.25 * share + 2500) and row["unknown"] == 0
    assert row["attainment"] == pytest.approx((3600 / (4800 * share) + 1.0) / 2)


def test_what_can_not_be_paid_says_why_and_is_counted():
    no_pay = [Person("ana", "Ana Okafor")]
    assert "no variable pay" in pay_of([own()], people=no_pay)[0]["reason"].iloc[0]
    assert "no share" in pay_of([own(weight=None)])[0]["reason"].iloc[0]
    pay, cascade = pay_of([own(slice="Nobody"), own(id="good")])
    assert "no record has owner 'Nobody'" in pay["reason"].iloc[0]
    assert sum_up_pay(pay, cascade)["unknown"].tolist() == [1]
    assert pay_of([PersonTarget("t", "ana", goal="gone", weight=1.0)])[0]["reason"].iloc[0] == "there is no goal 'gone'"


def test_small_numbers_are_marked_and_comments_counted():
    cells = CELLS.assign(n=CELLS["n"].where(CELLS["dimension"] != "owner", 5))
    said = [
        Comment("c1", "Ben", "own", "question", "Why?", datetime(2026, 10, 1)),
        Comment("c2", "Ana", "own", "answer", "So."),
    ]
    rows = plan_of(make_cascade(targets=[own()]), make_ruler(cells), comments=said)
    assert rows.loc["own", "is_small"] and not rows.loc["year", "is_small"]
    assert rows.loc["own", "comments"] == 2 and rows.loc["year", "comments"] == 0


def test_the_engine_tells_which_kpi_moves_which():
    feeds = build_feeds(CATALOG, RULES)
    assert find_path(feeds, "leads", "revenue_won")[0] == "leads"
    assert find_path(feeds, "opportunity_to_won", "revenue_won") == ["opportunity_to_won", "deals_won", "revenue_won"]
    assert find_path(feeds, "average_deal_size", "revenue_won") == ["average_deal_size", "revenue_won"]
    assert not find_path(feeds, "revenue_won", "leads") and not find_path(feeds, "leads", "grr")
    unknown = {kpi for kpi, results in RULES.feeds.items() for kpi in (kpi, *results)} - set(CATALOG.kpis)
    assert not unknown, f"the definitions name KPIs that don't exist: {unknown}"


@pytest.fixture(scope="module")
def review():
    book = open_workbook(company="data/samples/brightwater", as_of="2026-09-30")
    return review_cascade(book.company, book.cells, as_of=book.as_of), book


def test_the_samples_numbers_are_those_of_its_exports(review):
    found, book = review
    deals = book.company.tables["deal"]
    won = deals[(deals["outcome"] == "won") & deals["closed_at"].between("2026-01-01", "2026-09-30 23:59:59")]
    rows = found.plan.set_index("id")
    assert rows.loc["win-2026", "actual"] == pytest.approx(won["amount"].sum())
    assert rows.loc["win-2026", "due"] == pytest.approx(2_300_000 + 2_400_000 + 2_150_000)
    tyler = won[won["owner"] == "Tyler Brooks"]
    assert rows.loc["tyler-2", "actual"] == pytest.approx(tyler["amount"].sum()) and rows.loc["tyler-2", "n"] == len(
        tyler
    )
    reached = tyler["amount"].sum() / (750_000 * 273 / 365)
    expected = 60_000 * 0.7 * 273 / 365 * (1 + (reached - 1) / 0.5 * 0.75)
    assert found.pay.set_index("id").loc["tyler-2", "earned"] == pytest.approx(expected)


def test_the_samples_planted_faults_are_found_and_nothing_else_is_bad(review):
    found, _ = review
    bad = found.checks[found.checks["status"] == "bad"]
    assert set(zip(bad["id"], bad["check"], strict=True)) == {
        ("demo-2026", "owner"),
        ("trade-fair", "link"),
        ("sophie-de-vries", "load"),
    }
    said = " ".join(finding.headline for finding in found.findings)
    assert "900 leads from demo requests" in said and "Sophie de Vries" in said and "Hannover" in said
    assert found.title.startswith("'Win €9.4 M in 2026' stands at €6.35 M closed revenue, 93 % of what was due by now")


def test_hidden_people_keep_their_numbers_but_not_their_names(review):
    shown, _ = review
    book = open_workbook(company="data/samples/brightwater", as_of="2026-09-30", people="hidden")
    hidden = review_cascade(book.company, book.cells, as_of=book.as_of)
    assert hidden.pay["earned"].tolist() == pytest.approx(shown.pay["earned"].tolist())
    text = f"{hidden.plan.to_csv()}{hidden.pay.to_csv()}{hidden.checks.to_csv()}{hidden.comments}{hidden.findings}"
    names = {person.name for person in shown.cascade.people.values()}
    assert not [name for name in names if name in text or name.lower().replace(" ", "-") in text]


def test_without_a_cascade_there_is_an_empty_review(review):
    _, book = review
    empty = review_cascade(
        book.company, book.cells, as_of=book.as_of, cascade=make_cascade([], [], [], []), comments=()
    )
    assert empty.is_empty and empty.plan.empty and empty.pay.empty and empty.checks.empty and empty.findings == []
    assert YEAR.year == 2026 and empty.title == "Nobody has written a cascade of goals yet"
