"""Did an action work: companies in which a KPI moved, stayed, is too young or too small, each counted by hand."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from helpers.analyses.effect_verdict import count_needed, find_chance, judge_change, judge_guard
from helpers.analyses.effect_words import describe_checks
from helpers.analyses.effectiveness import (
    FAILED,
    HELD,
    TOO_EARLY,
    UNMEASURABLE,
    check_actions,
    find_window,
    keep_checks,
)
from helpers.analyses.kpi_reading import Reading, Stopwatch
from helpers.model.board import Cause
from helpers.model.board_action import Action, EffectCheck
from helpers.model.catalog import load_catalog
from tests.analyses.board_cases import AS_OF, Q1, Q2, Q3, make_board, make_funnel_company

CAUSE = Cause("ana-1", "Leads wait", state="kept", period="Q1 2026")
ACTION = Action(
    "a", "ana-1", "contain", "Call them", "Cleo", due=date(2026, 3, 20), kpi="lead_to_mql", slice="region=A",
    expected_from=0.2, expected_to=0.35, state="done",
)  # fmt: skip
HISTORY = [Q1, Q2, Q3]
KPIS = load_catalog().kpis


@pytest.fixture(scope="module")
def company():
    return make_funnel_company()


def check(company, *actions, cause=CAUSE, as_of=AS_OF):
    return check_actions(company, make_board(cause, actions=actions), as_of=as_of, history=HISTORY)


def test_an_action_worked_where_the_kpi_moved_beyond_chance_as_far_as_expected(company):
    (found,) = check(company, ACTION)
    assert (found.before.value, found.before.n) == (0.2, 100)
    assert (found.after.value, found.after.n) == (0.4, 100)
    assert found.window.label == "Apr to Jun 2026" and found.before_label == "Q1 2026"
    assert found.verdict == HELD and not found.reopens
    assert "rose from 20 % to 40 % (n 100 before, 100 after)" in found.reason


def test_an_action_that_left_the_kpi_where_it_was_reopens_its_cause(company):
    (found,) = check(company, replace(ACTION, slice="region=B", expected_to=0.4))
    assert found.after.value == pytest.approx(0.22)
    assert found.verdict == FAILED and found.reopens
    assert "short of the 40 % expected, and no more than chance makes" in found.reason


def test_too_few_records_leave_it_open_and_say_how_many_would_tell(company):
    (found,) = check(company, replace(ACTION, slice="region=C", expected_to=0.4))
    assert (found.after.n, found.verdict) == (10, UNMEASURABLE)
    assert f"about {count_needed(0.2, 0.4)} records would tell" in found.reason


def test_before_the_window_is_over_and_its_last_records_are_ripe_it_is_too_early(company):
    window = find_window(Stopwatch(company, AS_OF), KPIS["lead_to_mql"], ACTION.due, "quarter")
    assert (window.start, window.end, window.tell_day) == (date(2026, 4, 1), date(2026, 6, 30), date(2026, 7, 2))
    (early,) = check(company, ACTION, as_of=window.tell_day - timedelta(days=1))
    assert early.verdict == TOO_EARLY and "It can be told from 2 Jul 2026" in early.reason
    (told,) = check(company, ACTION, as_of=window.tell_day)
    assert told.verdict == HELD


def test_what_is_not_done_is_not_judged_and_is_overdue_once_its_day_has_passed(company):
    (found,) = check(company, replace(ACTION, state="doing"))
    assert found.verdict == TOO_EARLY and found.is_overdue
    assert found.reason == (
        "Not done yet, due on 20 Mar 2026: 194 days overdue as of 30 Sep 2026, so there is nothing to check"
    )
    assert found.after.value is None and found.window.start == date(2026, 10, 1)
    (nameless,) = check(company, replace(ACTION, state="planned", kpi=""))
    assert nameless.verdict == TOO_EARLY and nameless.reason.startswith("Not done yet, due on 20 Mar 2026")
    (today,) = check(company, replace(ACTION, state="planned", due=AS_OF))
    assert not today.is_overdue
    (ahead,) = check(company, replace(ACTION, state="planned", due=date(2026, 10, 15)))
    assert not ahead.is_overdue and "if it is done by 15 Oct 2026" in ahead.reason


def test_an_effect_is_measured_from_the_day_on_which_the_action_was_done(company):
    contacts = company.tables["contact"]

    def count(start, end):
        """Region A: leads from one day up to another, and those of them that are MQLs."""
        mine = contacts[
            (contacts["region"] == "A") & (contacts["created_at"] >= start) & (contacts["created_at"] < end)
        ]
        return int(mine["mql_at"].notna().sum()), len(mine)

    (late,) = check(company, replace(ACTION, done_on=date(2026, 4, 10)))
    yes, n = count("2026-05-01", "2026-08-01")
    assert (late.window.start, late.window.end) == (date(2026, 5, 1), date(2026, 7, 31))
    assert (late.after.n, late.after.value) == (n, pytest.approx(yes / n)) and n not in (0, 100)
    (unsaid,) = check(company, replace(ACTION, state="doing", done_on=date(2026, 3, 31)))
    yes, n = count("2026-04-01", "2026-07-01")
    assert (unsaid.after.n, unsaid.after.value, unsaid.verdict) == (n, yes / n, HELD) and not unsaid.is_overdue
    (early,) = check(company, replace(ACTION, due=date(2026, 8, 31), done_on=date(2026, 3, 31)))
    assert early.after == unsaid.after
    (undated,) = check(company, replace(ACTION, due=None, done_on=date(2026, 3, 31)))
    assert undated.after == unsaid.after
    (ahead,) = check(company, replace(ACTION, done_on=date(2026, 10, 20)))
    assert ahead.verdict == TOO_EARLY and "It can be told from 2 Feb 2027" in ahead.reason


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"done_on": date(2026, 2, 10)}, "it was done on 10 Feb 2026, so Q1 2026, against which it is measured, holds"),
        ({"due": date(2026, 2, 10)}, "it was due on 10 Feb 2026, so Q1 2026, against which it is measured, holds"),
        ({"done_on": date(9999, 12, 31)}, "it was done in 9999"),
        ({"kpi": ""}, "names no KPI"),
        ({"kpi": "sales_magic"}, "'sales_magic' is unknown"),
        ({"due": None}, "no due date"),
        ({"due": date(9999, 12, 31)}, "due only in 9999"),
        ({"slice": "region=Z"}, "Z"),
        ({"slice": "planet=Mars"}, "planet"),
        ({"slice": "just words"}, "region=US"),
        ({"kpi": "nrr", "slice": ""}, "subscriptions"),
    ],
    ids=[
        "done within the baseline",
        "due within the baseline",
        "done far ahead",
        "no KPI",
        "unknown KPI",
        "no date",
        "far date",
        "unknown value",
        "unknown partition",
        "no slice",
        "not in the data",
    ],
)
def test_what_cannot_be_measured_says_why(company, change, why):
    (found,) = check(company, replace(ACTION, **change))
    assert found.verdict == UNMEASURABLE and why in found.reason


def test_without_a_named_period_the_baseline_is_the_last_whole_one_before_it_began(company):
    anytime = replace(CAUSE, period="")
    (found,) = check(company, replace(ACTION, start=date(2026, 4, 2), due=date(2026, 4, 20)), cause=anytime)
    assert found.before_label == "Q1 2026" and found.window.label == "May to Jul 2026"
    (early,) = check(company, ACTION, cause=anytime)
    assert early.verdict == UNMEASURABLE and "no whole period lies before it began" in early.reason
    (sooner,) = check(company, replace(ACTION, due=date(2026, 8, 20), done_on=date(2026, 4, 20)), cause=anytime)
    assert sooner.before_label == "Q1 2026" and sooner.window.label == "May to Jul 2026"


def test_only_actions_of_kept_causes_that_were_not_dropped_are_checked(company):
    assert check(company, replace(ACTION, state="dropped")) == []
    assert check(company, ACTION, cause=replace(CAUSE, state="proposed")) == []


def test_a_guard_that_stayed_is_said_to_be_no_worse(company):
    (found,) = check(company, replace(ACTION, guard="leads"))
    assert (found.guard_before.value, found.guard_after.value) == (100, 100)
    assert found.guard_verdict == HELD


def test_results_worth_keeping_are_kept_once_with_their_day(company):
    found = check(company, ACTION, replace(ACTION, id="b", slice="region=B", expected_to=0.4), replace(ACTION, id="c",
                  slice="region=C", expected_to=0.4))  # fmt: skip
    kept = keep_checks(found)
    assert set(kept) == {"a", "b"}
    assert kept["a"] == EffectCheck(AS_OF, 0.4, 100, HELD, False, f"Apr to Jun 2026: {found[0].reason}")
    assert kept["b"].reopened and kept["b"].verdict == FAILED
    again = check(company, replace(ACTION, checks=(kept["a"],)))
    assert keep_checks(again) == {}


def test_the_answer_is_the_same_whatever_the_order_of_the_rows(company):
    from tests.analyses.board_cases import make_contacts
    from tests.companies import make_company

    turned = make_company({"contact": make_contacts().iloc[::-1]}, latest_event="2026-09-30")
    assert check(turned, ACTION)[0] == check(company, ACTION)[0]


def reading(value, n=100, **more):
    return Reading(value, n, numerator=value * n, denominator=float(n), **more)


def test_shares_are_told_apart_by_a_two_proportion_test():
    chance = find_chance(KPIS["lead_to_mql"], reading(0.2), reading(0.4))
    assert chance == pytest.approx(0.00204, abs=2e-5)  # z = 0.2 / sqrt(0.3 · 0.7 · 0.02) = 3.086


def test_a_total_is_put_on_the_length_of_the_baseline_and_holds_where_it_reaches_what_was_expected():
    before, after = Reading(1000.0, 9, months=3), Reading(1300.0, 9, months=3)
    assert judge_change(KPIS["revenue_won"], before, after, wanted=1200.0)[0] == HELD
    assert judge_change(KPIS["revenue_won"], before, after, wanted=1500.0)[0] == FAILED
    assert judge_change(KPIS["revenue_won"], before, after, wanted=None)[0] == UNMEASURABLE


def test_a_kpi_that_was_there_already_can_tell_nothing():
    verdict, reason = judge_change(KPIS["revenue_won"], Reading(1000.0, 9), Reading(900.0, 9), wanted=800.0)
    assert verdict == UNMEASURABLE and "was at $1.00 k before already" in reason


def test_without_an_expectation_only_a_move_beyond_chance_tells():
    kpi = KPIS["lead_to_mql"]
    assert judge_change(kpi, reading(0.2), reading(0.4), wanted=None)[0] == HELD
    assert judge_change(kpi, reading(0.4), reading(0.2), wanted=None)[0] == FAILED
    verdict, reason = judge_change(kpi, reading(0.2), reading(0.24), wanted=None)
    assert verdict == UNMEASURABLE and "nobody said what was expected" in reason


def test_fewer_days_are_better_for_a_sales_cycle():
    before = Reading(60.0, 200, 57.0, 63.0)
    kpi = KPIS["sales_cycle_days"]
    assert judge_change(kpi, before, Reading(45.0, 200, 42.0, 48.0), wanted=46.0)[0] == HELD
    assert judge_change(kpi, before, Reading(70.0, 200, 67.0, 73.0), wanted=46.0)[0] == FAILED


def test_a_guard_got_worse_only_beyond_chance():
    kpi = KPIS["lead_to_mql"]
    assert judge_guard(kpi, reading(0.4), reading(0.2)) == "worse"
    assert judge_guard(kpi, reading(0.4), reading(0.38)) == HELD
    assert judge_guard(kpi, reading(0.2), reading(0.4)) == HELD


def test_checks_are_summed_up_in_a_sentence(company):
    found = check(company, ACTION, replace(ACTION, id="b", slice="region=B", expected_to=0.4),
                  replace(ACTION, id="c", kpi=""), replace(ACTION, id="d", state="doing"))  # fmt: skip
    said = describe_checks(found)
    assert said == "4 actions: 1 worked, 1 did not and its cause is open again, 1 is overdue, 1 can't be measured"
    assert "No action" in describe_checks([])
