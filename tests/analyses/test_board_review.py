"""The board's rules, each on a board small enough to be seen through."""

from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import pandas as pd
import pytest

from helpers.analyses import board_offers
from helpers.analyses.board_evidence import find_new_evidence
from helpers.analyses.board_review import check_board, summarise_board
from helpers.analyses.found_evidence import LATER, THIS_PERIOD, Found
from helpers.analyses.people_in_text import list_people, make_name_finder
from helpers.model.board import AuthorBoard, Cause, Evidence, Vote, Why
from helpers.model.board_action import Action, EffectCheck
from helpers.model.board_merging import merge_boards

CAUSE = Cause("ana-1", "Leads wait two days for a first call", author="Ana")
WHOLE = {"text": "Call", "owner": "Cleo", "due": date(2026, 12, 1), "kpi": "sqls"}


def board(*causes, actions=(), votes=()):
    return merge_boards([AuthorBoard("ana", "Ana", causes, tuple(actions), tuple(votes))])


def rules(found):
    return [fault.rule for fault in found]


def test_a_board_that_keeps_the_rules_has_nothing_to_mend():
    kept = replace(CAUSE, state="kept", verdict="confirmed", evidence=(Evidence("five_m:x"),), contribution=900.0)
    actions = [Action("a", "ana-1", "contain", **WHOLE), Action("b", "ana-1", "prevent", **WHOLE)]
    found = check_board(board(kept, actions=actions, votes=[Vote("ana-1", 3, "Ana")]), gap=-1000, people=["Cleo Day"])
    assert found == []


def test_an_action_needs_a_cause_that_is_there_and_still_holds():
    loose = [Action("a", "", text="Call"), Action("b", "ben-7", text="Mail"), Action("c", "", state="dropped")]
    found = check_board(board(CAUSE, actions=loose))
    assert rules(found) == ["action", "action"] and "ben-7" in found[1].what and "“Call”" in found[0].where
    out = check_board(board(replace(CAUSE, verdict="rejected"), actions=[Action("a", "ana-1", text="Call")]))
    assert rules(out) == ["action"] and "rejected" in out[0].what


def test_what_is_confirmed_has_evidence_on_the_cause_or_on_an_answer_to_why():
    confirmed = replace(CAUSE, verdict="confirmed")
    assert rules(check_board(board(confirmed))) == ["evidence"]
    backed = replace(confirmed, whys=(Why("No rule", (Evidence("five_m:x"),)),))
    assert check_board(board(backed)) == []


@pytest.mark.parametrize(("second", "expected"), [(300.0, []), (700.0, ["contribution"])])
def test_contributions_never_exceed_the_gap(second, expected):
    causes = [replace(CAUSE, contribution=600.0), replace(CAUSE, id="ana-2", contribution=second)]
    assert rules(check_board(board(*causes), gap=-1000.0)) == expected
    assert rules(check_board(board(*causes), gap=1000.0)) == expected


def test_what_was_dropped_rejected_or_is_of_another_period_does_not_count_against_the_gap():
    causes = [
        replace(CAUSE, contribution=900.0, period="Q3 2026"),
        replace(CAUSE, id="ana-2", contribution=900.0, state="dropped"),
        replace(CAUSE, id="ana-3", contribution=900.0, verdict="rejected"),
        replace(CAUSE, id="ana-4", contribution=900.0, period="Q2 2026"),
    ]
    assert check_board(board(*causes), gap=-1000.0, period="Q3 2026") == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Ana Okafor was away in May", True),
        ("because of ana okafor", True),
        ("Okafor's leads waited", True),
        ("The leads of Lindqvist's team wait", True),
        ("anna has no leads", False),
        ("The SDR team will grant discounts in May", False),
        ("Unassigned leads wait in the Inbound queue", False),
        ("Nobody follows up on the second day", False),
    ],
)
def test_no_cause_ends_at_a_person(text, names):
    people = ["Ana Okafor", "Will Grant", "Erik Lindqvist", "Unassigned", "Inbound queue"]
    company = SimpleNamespace(tables={"deal": pd.DataFrame({"owner": [*people, None]})})
    listed = list_people(company)
    assert listed == ("Ana Okafor", "Erik Lindqvist", "Will Grant")
    found = check_board(board(replace(CAUSE, text=text)), people=listed)
    assert rules(found) == (["person"] if names else [])
    found = check_board(board(replace(CAUSE, whys=(Why("No rule"), Why(text)))), people=listed)
    assert rules(found) == (["person"] if names else []) and all("Why 2" in one.what for one in found)


def test_a_name_is_found_whatever_stands_around_it():
    find = make_name_finder(["José Ñúñez", "a.b@c.com"])
    assert find("(josé ñúñez)") == "José Ñúñez" and find("A.B@C.com wrote") == "a.b@c.com" and find("joséphine") == ""


def test_more_than_three_dots_are_told_with_their_owner():
    causes = [CAUSE, replace(CAUSE, id="ana-2")]
    found = check_board(board(*causes, votes=[Vote("ana-1", 3, "Ana"), Vote("ana-2", 1, "Ana")]))
    assert rules(found) == ["dots"] and "Ana has put 4 dots" in found[0].what


def test_a_kept_cause_needs_containment_and_prevention_with_owner_and_date():
    kept = replace(CAUSE, state="kept")
    assert [fault.what for fault in check_board(board(kept))] == [
        "The cause is kept and has no containment.", "The cause is kept and has no prevention."
    ]  # fmt: skip
    actions = [
        Action("a", "ana-1", "contain", text="Call", owner="Cleo"),
        Action("b", "ana-1", "prevent", **WHOLE),
        Action("c", "ana-1", "prevent", state="dropped"),
    ]
    (fault,) = check_board(board(kept, actions=actions))
    assert fault.what == "The containment lacks a date and the KPI that will show it." and fault.about == "ana-1"


def test_an_action_that_did_not_work_opens_its_cause_again():
    check = EffectCheck(date(2027, 1, 15), 0.2, 100, "failed", reopened=True)
    kept = replace(CAUSE, state="kept")
    actions = [Action("a", "ana-1", "contain", checks=(check,), **WHOLE), Action("b", "ana-1", "prevent", **WHOLE)]
    assert ["did not work" in fault.what for fault in check_board(board(kept, actions=actions))] == [True]


def test_the_title_says_how_much_of_the_gap_is_explained():
    kept = replace(CAUSE, state="kept", contribution=600_000.0)
    assert summarise_board(board()).title == "Nobody has written down a cause yet"
    assert summarise_board(board(CAUSE)).title == "1 cause on the board, none backed by evidence, none kept yet"
    said = summarise_board(board(kept, replace(CAUSE, id="ana-2")), gap=-1_000_000.0)
    assert said.title == "1 of 2 causes kept; so far it explains $600 k of the gap of $1.00 M"
    assert (said.n_causes, said.n_kept, said.n_opinions, said.n_people, said.explained) == (2, 1, 2, 1, 600_000.0)


FOUND = (
    Found("root_cause:sqls:rate:region=US", "method", "SQL rate fell", True, 500.0, THIS_PERIOD, "region=US", n=40),
    Found("root_cause:mqls:rate:region=EU", "machinery", "MQL rate fell", True, 80.0, LATER, "region=EU", n=30),
    Found("root_cause:leads:volume:all", "material", "Fewer leads", False, 90.0, THIS_PERIOD, n=9),
    Found("five_m:load", "people", "More deals", True, n=3, rule="load"),
    Found("five_m:slow", "method", "Slow", True, 70.0, THIS_PERIOD, n=30, rule="slow"),
    Found(
        "five_m:break", "machinery", "No owner in the EU", True, 80.0, LATER, n=30, rule="break",
        retells="root_cause:mqls:rate:region=EU",
    ),
)  # fmt: skip


@pytest.fixture
def offered(monkeypatch):
    monkeypatch.setattr(board_offers, "index_evidence", lambda _: {one.id: one for one in FOUND})
    rules = [{"cause": rule, "contain": f"Contain {rule}", "prevent": "Route"} for rule in ("load", "slow", "break")]
    return board_offers.list_board_evidence(SimpleNamespace(five_m=pd.DataFrame(rules)))


def test_the_data_offers_what_it_shows_and_nothing_that_is_unproven(offered):
    assert [(one.id, one.m, one.money, one.cost) for one in offered] == [
        ("root_cause:sqls:rate:region=US", "method", -500.0, 500.0),
        ("root_cause:mqls:rate:region=EU", "machinery", -80.0, None),
        ("five_m:break", "machinery", -80.0, None),
        ("five_m:slow", "method", -70.0, 70.0),
        ("five_m:load", "people", None, None),
    ]
    assert [one.contain for one in offered] == ["", "Contain break", "Contain break", "Contain slow", "Contain load"]


def test_each_loss_is_offered_once_and_no_more_when_a_cause_rests_on_it(offered):
    used = Cause("ana-1", "A", whys=(Why("B", (Evidence("five_m:break"),)),))
    left = ["root_cause:sqls:rate:region=US", "five_m:slow", "five_m:load"]
    assert [one.id for one in find_new_evidence(offered, [used])] == left
    assert [one.id for one in find_new_evidence(offered, [replace(used, state="dropped")])] == [
        left[0], "root_cause:mqls:rate:region=EU", *left[1:]
    ]  # fmt: skip
