"""What the board needs somebody for: reopened, overdue, without an owner, a rule broken."""

from dataclasses import replace
from datetime import date

from helpers.analyses.board_findings import find_on_board
from helpers.analyses.board_review import check_board
from helpers.analyses.effectiveness import check_actions
from helpers.analyses.fishbone import build_fishbone
from helpers.analyses.ninety_days import plan_ninety_days
from helpers.model.board import Cause
from helpers.model.board_action import Action
from tests.analyses.board_cases import AS_OF, Q1, Q2, Q3, make_board, make_funnel_company, make_gap

CAUSE = Cause("a-1", "Leads wait for Bo Lund", state="kept", period="Q1 2026", contribution=400.0)
DONE = Action(
    "x", "a-1", "contain", "Call them", "Cleo", due=date(2026, 3, 20), kpi="lead_to_mql", slice="region=B",
    expected_from=0.2, expected_to=0.4, state="done",
)  # fmt: skip


def find(*actions, causes=(CAUSE,), names=("Bo Lund",)):
    company, gap = make_funnel_company(), make_gap()
    board = make_board(*causes, actions=actions)
    checks = check_actions(company, board, as_of=AS_OF, history=[Q1, Q2, Q3])
    fishbone = build_fishbone(gap, board, names=names)
    plan = plan_ninety_days(company, gap, fishbone, board, checks=checks, as_of=AS_OF, names=names)
    faults = check_board(board, gap=gap.gap, people=names, period="Q3 2026")
    return find_on_board(board, checks, fishbone, plan, faults=faults, names=names, period="Q3 2026", currency="EUR")


def test_an_action_that_did_not_work_is_told_with_its_numbers_and_names_nobody():
    first = find(DONE)[0]
    assert first.severity == "bad" and first.headline.startswith("Not effective, open again: “Call them”.")
    assert first.evidence["n"] == 100 and first.evidence["period"] == "Apr to Jun 2026"
    assert 0.14 < first.evidence["low"] < first.evidence["high"] < 0.32
    assert "somebody" in first.next_step and all("Lund" not in f"{one.headline} {one.next_step}" for one in find(DONE))


def test_an_action_that_worked_is_good_news():
    first = find(replace(DONE, slice="region=A", expected_to=0.35))[0]
    assert first.severity == "good" and first.headline.startswith("Effective: “Call them”.")


def test_an_action_without_an_owner_and_an_overdue_one_are_told():
    cause = replace(CAUSE, period="Q3 2026")
    found = find(replace(DONE, owner="", state="planned"), causes=[cause])
    heads = [one.headline for one in found]
    assert "An action has no owner: “Call them”; its cause costs €400" in heads
    assert "An action is 194 days overdue: “Call them”" in heads


def test_every_broken_rule_is_told_once_with_how_often():
    causes = [replace(CAUSE, period="Q3 2026", contribution=900.0), Cause("a-2", "Confirmed", verdict="confirmed"),
              Cause("a-3", "Too much", contribution=800.0)]  # fmt: skip
    loose = [Action("y", "", text="Loose"), Action("z", "", text="Looser")]
    told = [one for one in find(*loose, causes=causes) if one.headline.startswith("A rule")]
    assert [one.evidence["definition"] for one in told] == [
        "No action without a cause",
        "No confirmed cause without evidence",
        "Contributions never exceed the gap",
        "No cause names a person",
    ]
    assert "“Loose” (and 1 more)" in told[0].headline and told[0].evidence["n"] == 2


def test_a_board_without_actions_tells_nothing():
    assert find(causes=[Cause("a-1", "An opinion")]) == []
