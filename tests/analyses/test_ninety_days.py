"""Ninety days: ranks, lags and milestones that can be worked out by hand."""

from dataclasses import replace
from datetime import date, timedelta

import pandas as pd
import pytest

from helpers.analyses.action_lags import AT_ONCE, WayToRevenue, add_up
from helpers.analyses.effectiveness import check_actions
from helpers.analyses.fishbone import build_fishbone
from helpers.analyses.ninety_days import plan_ninety_days
from helpers.analyses.ninety_days_words import describe_ninety_days, say_days, say_factors, say_milestones
from helpers.model.board import Cause, Evidence
from helpers.model.board_action import Action
from tests.analyses.board_cases import AS_OF, Q1, Q2, Q3, make_answer, make_board, make_cause, make_gap
from tests.companies import make_company

CAUSE = Cause("a-1", "Quotes wait", state="kept", confidence=0.5, contribution=900.0, period="Q3 2026")
ACTION = Action(
    "x", "a-1", "contain", "Approve at once", "Cleo", start=date(2026, 10, 1), due=date(2026, 10, 10), effort=3,
    kpi="win_rate", expected_from=0.2, expected_to=0.4, guard="average_deal_size", state="planned",
)  # fmt: skip


def make_company_of_deals():
    """Two deals a day from January to August: one won after 40 days, one lost after 40 days."""
    rows = []
    for number in range(240):
        day = pd.Timestamp(2026, 1, 1) + timedelta(days=number)
        rows.append((f"w{number}", day, day + timedelta(days=40), "Closed Won", 100.0))
        rows.append((f"l{number}", day, day + timedelta(days=40), "Closed Lost", 100.0))
    deals = pd.DataFrame(rows, columns=["id", "created_at", "closed_at", "stage", "amount"])
    deals = deals[deals["closed_at"] <= pd.Timestamp(AS_OF)]
    return make_company({"deal": deals}, latest_event="2026-09-30")


@pytest.fixture(scope="module")
def company():
    return make_company_of_deals()


def plan(company, *actions, causes=(CAUSE,), gap=None):
    gap = gap or make_gap(creation=None)
    board = make_board(*causes, actions=actions)
    checks = check_actions(company, board, as_of=AS_OF, history=[Q1, Q2, Q3])
    fishbone = build_fishbone(gap, board)
    return plan_ninety_days(company, gap, fishbone, board, checks=checks, as_of=AS_OF)


def test_actions_are_ranked_by_money_times_confidence_over_effort(company):
    other = replace(CAUSE, id="a-2", contribution=400.0, confidence=0.9)
    cheap = replace(ACTION, id="y", cause="a-2", effort=1)
    found = plan(company, ACTION, cheap, causes=[CAUSE, other])
    assert [(one.rank, one.action.id, one.score) for one in found.actions] == [(1, "y", 360.0), (2, "x", 150.0)]
    assert say_factors(found.actions[0], found, "EUR") == "€400 × 90 % ÷ 1 day = €360 a day"


def test_a_missing_factor_is_said_and_the_action_stands_behind_those_that_have_a_score(company):
    unsure = replace(CAUSE, id="a-2", contribution=9000.0, confidence=None)
    found = plan(company, ACTION, replace(ACTION, id="y", cause="a-2", effort=None), causes=[CAUSE, unsure])
    assert [one.action.id for one in found.actions] == ["x", "y"]
    assert found.actions[1].missing == ("confidence", "effort")
    assert say_factors(found.actions[1], found, "EUR") == "No score: confidence and effort are missing"


def test_the_days_come_from_the_companys_own_lags(company):
    (one,) = plan(company, ACTION).actions
    seen = date(2026, 10, 10) + timedelta(days=41)
    assert (one.leading.kpi, one.leading.first, one.leading.half) == ("win_rate", seen, seen)
    assert (one.lagging.kpi, one.lagging.first, one.lagging.half) == ("revenue_won", seen, seen)
    assert "within 40 days, half within 40 days" in one.leading.basis
    assert one.tell_day == date(2027, 1, 31)
    assert say_days(one, plan(company, ACTION)).startswith("Win rate from 20 Nov 2026 on; closed revenue from 20 Nov")


def test_what_is_due_too_late_has_no_leading_kpi_but_its_outcome_has_a_day(company):
    (one,) = plan(company, replace(ACTION, due=date(2026, 12, 1))).actions
    assert one.leading.kpi == "" and one.lagging.first == date(2027, 1, 11)


def test_an_outcome_is_led_by_the_step_in_which_its_cause_shows(company):
    search = make_cause("region=North", -800.0, step="deals_won", lens="closing")
    gap = make_gap([search], creation=None)
    shown = replace(CAUSE, evidence=(Evidence("root_cause:deals_won:rate:region=North"),))
    (one,) = plan(company, replace(ACTION, kpi="revenue_won"), causes=[shown], gap=gap).actions
    assert (one.leading.kpi, one.leading.slice) == ("win_rate", "region=North")


def test_the_kpi_is_where_it_was_until_the_step_has_passed_and_where_it_should_be_after(company):
    (one,) = plan(company, ACTION).actions
    assert one.expected == pytest.approx({3: 0.4, 6: 0.4, 12: 0.4})
    (late,) = plan(company, replace(ACTION, due=date(2027, 1, 20))).actions
    assert late.expected[3] == pytest.approx(0.2) and late.expected[12] == pytest.approx(0.4)


def test_a_steady_gain_arrives_with_its_lag():
    # All of it between half a month and one and a half: 1 month × ½ and 4.5 whole months of 6.
    assert add_up(WayToRevenue("opportunity", (0.0, 1.0)), 100.0, 6) == pytest.approx(500.0, abs=1e-6)
    assert add_up(WayToRevenue(), 100.0, 6) == 0.0
    assert AT_ONCE.day_of(0.5, AS_OF) > AS_OF


def test_success_counts_each_cause_once_and_weighs_it_by_confidence(company):
    twice = plan(company, ACTION, replace(ACTION, id="y", kind="prevent", due=date(2026, 12, 1)))
    once = plan(company, ACTION)
    assert [one.at_most for one in twice.milestones] == [one.at_most for one in once.milestones]
    year = once.milestones[-1]
    assert year.expected == pytest.approx(year.at_most * 0.5) and year.n_causes == 1
    # 300 a month for 11.7 months from 10 October on, a month and a third of which has not arrived yet.
    assert 300 * 9.5 < year.at_most < 300 * 11
    assert len(say_milestones(once, "EUR")) == 3 and twice.actions[0].shares_cause == 1


def test_only_what_is_planned_or_under_way_against_kept_causes_is_planned(company):
    open_ = replace(CAUSE, id="a-2", state="proposed")
    noted = replace(ACTION, id="z", done_on=AS_OF)
    done = (replace(ACTION, state="done"), noted)
    found = plan(company, *done, replace(ACTION, id="y", cause="a-2"), causes=[CAUSE, open_])
    assert found.actions == () and found.unlinked == 1
    assert describe_ninety_days(found, "EUR") == "Nothing is planned for the next ninety days yet"


def test_the_stop_rule_names_the_guard_and_the_day_on_which_the_effect_is_told(company):
    (one,) = plan(company, ACTION).actions
    assert one.stop == "Stop when average deal size falls below $100 or win rate is short of 40 % on 31 Jan 2027"


def test_an_action_whose_day_has_passed_is_overdue_and_works_from_tomorrow_on_at_best(company):
    (one,) = plan(company, replace(ACTION, start=None, due=date(2026, 9, 1))).actions
    assert one.is_overdue and one.leading.first == AS_OF + timedelta(days=41)
    (today,) = plan(company, replace(ACTION, start=None, due=AS_OF)).actions
    assert not today.is_overdue


def test_without_deals_nothing_says_when_revenue_moves():
    contacts = {"id": ["1"], "created_at": ["2026-01-01"], "mql_at": ["2026-01-05"]}
    company = make_company({"contact": contacts}, latest_event="2026-09-30")
    (one,) = plan(company, replace(ACTION, kpi="lead_to_mql"), gap=make_gap((), [make_answer("x", "method")])).actions
    assert one.lagging.first is None and one.leading.kpi == "lead_to_mql"


def test_a_day_that_is_a_slip_of_the_pen_shows_nothing_and_breaks_nothing(company):
    (one,) = plan(company, replace(ACTION, due=date(9999, 12, 31))).actions
    assert (one.leading.kpi, one.lagging.first, one.tell_day) == ("", None, None)
