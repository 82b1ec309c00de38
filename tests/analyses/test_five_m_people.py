"""People: ramp, load and spread are evidence only where more is in such hands and like deals are won less there."""

import json

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.fairness import Fairness, describe_fairness, list_cleared, review_fairness
from helpers.analyses.five_m import EVIDENCE, NO_SIGN, UNTESTED
from helpers.analyses.five_m_people import _count_open
from helpers.analyses.five_m_question import THIS_PERIOD
from helpers.analyses.gap import explain_gap
from tests.analyses.five_m_cases import (
    AS_OF,
    NOW,
    OWNERS,
    ask,
    is_late,
    make_contacts,
    make_deals,
    make_question,
)

NEW = ("Nora", "Omar")


def compare(question) -> Fairness:
    return review_fairness(question.company, period=NOW, history=[*question.expected, NOW], as_of=AS_OF)


def make_people(*, started: str = "2025-06-15") -> pd.DataFrame:
    """Six people who have been there for years, and two who started lately."""
    rows = [(name, "2020-01-01") for name in OWNERS] + [(name, started) for name in NEW]
    return pd.DataFrame(rows, columns=["id", "started_at"])


def hand_over(deals: pd.DataFrame, *, rate: float, seed: int = 5) -> pd.DataFrame:
    """Give half of the last quarter's deals to the two new people, who win at a rate of their own."""
    rng = np.random.default_rng(seed)
    theirs = is_late(deals["closed_at"]) & (rng.random(len(deals)) < 0.5)
    deals = deals.assign(owner=np.where(theirs, rng.choice(NEW, len(deals)), deals["owner"]))
    won = np.where(rng.random(len(deals)) < rate, "Closed Won", "Closed Lost")
    return deals.assign(stage=np.where(theirs, won, deals["stage"]))


def test_new_people_who_win_less_of_like_deals_are_evidence_of_ramp() -> None:
    deals = hand_over(make_deals(chance=lambda frame: 0.4), rate=0.1)
    row = ask({"deal": deals, "person": make_people()}, "ramping")
    assert row["verdict"] == EVIDENCE
    theirs = deals[is_late(deals["closed_at"]) & deals["owner"].isin(NEW)]
    assert set(json.loads(row["records"])) == set(theirs["id"]) and row["object"] == "deal"
    missing = 0.4 * len(theirs) - (theirs["stage"] == "Closed Won").sum()
    size = deals.loc[(deals["stage"] == "Closed Won") & ~is_late(deals["closed_at"]), "amount"].mean()
    assert row["money"] == pytest.approx(-missing * size, rel=0.25)
    assert row["low"] < row["money"] < row["high"] < 0 and row["counts_for"] == THIS_PERIOD
    assert "months 1–3" in row["statement"] and not any(name in row["statement"] for name in NEW)


def test_new_people_who_win_like_others_are_no_sign() -> None:
    deals = hand_over(make_deals(chance=lambda frame: 0.4), rate=0.4)
    assert ask({"deal": deals, "person": make_people()}, "ramping")["verdict"] == NO_SIGN


def test_nobody_new_is_no_sign_and_a_missing_start_names_its_field() -> None:
    deals = make_deals()
    assert ask({"deal": deals, "person": make_people(started="2021-01-01")}, "ramping")["verdict"] == NO_SIGN
    row = ask({"deal": deals}, "ramping")
    assert row["verdict"] == UNTESTED
    assert "when they started" in row["statement"] and "started_at under [objects.person.fields]" in row["statement"]


def test_too_few_deals_can_not_tell_ramp() -> None:
    row = ask({"deal": make_deals(60), "person": make_people()}, "ramping")
    assert row["verdict"] == UNTESTED and "too few" in row["statement"]


def test_open_records_are_counted_per_owner() -> None:
    """Owner 0: open from 0 to 10 and from 5 to 20; owner 1: from 6 to 7. On day 6 owner 0 has two, owner 1 one."""
    owner, created, closed = np.array([0, 0, 1]), np.array([0, 5, 6]), np.array([10, 20, 7])
    assert _count_open(owner, created, closed, np.array([6, 6, 6])).tolist() == [2, 2, 1]
    assert _count_open(owner, created, closed, np.array([12, 4, 8])).tolist() == [1, 1, 0]


def make_loaded(*, rate: float, seed: int = 3) -> pd.DataFrame:
    """In the last quarter three times as many deals come to the same people; all of those are won at a rate."""
    many = make_deals(1800, seed=seed, chance=lambda frame: np.where(is_late(frame["created_at"]), rate, 0.4), days=20)
    rng = np.random.default_rng(seed)
    return many[is_late(many["created_at"]) | (rng.random(len(many)) < 0.33)]


def test_more_load_and_fewer_wins_under_it_are_evidence() -> None:
    row = ask({"deal": make_loaded(rate=0.15)}, "load")
    assert row["verdict"] == EVIDENCE and row["money"] < 0
    assert not any(name in row["statement"] for name in OWNERS)


def test_more_load_without_fewer_wins_is_no_sign() -> None:
    assert ask({"deal": make_loaded(rate=0.4)}, "load")["verdict"] == NO_SIGN
    assert ask({"deal": make_deals()}, "load")["verdict"] == NO_SIGN


@pytest.mark.parametrize(("rate", "verdict"), [(0.08, EVIDENCE), (0.3, NO_SIGN)])
def test_more_leads_per_owner_are_evidence_only_where_leads_suffer(rate: float, verdict: str) -> None:
    crowd = make_contacts(4000, goes_on=lambda frame: np.where(is_late(frame["created_at"]), rate, 0.3))
    rng = np.random.default_rng(4)
    contacts = crowd[is_late(crowd["created_at"]) | (rng.random(len(crowd)) < 0.3)]
    assert ask({"contact": contacts}, "lead_load")["verdict"] == verdict


def test_people_far_below_their_mix_are_priced_and_not_named() -> None:
    deals = make_deals(1200, chance=lambda frame: np.where(frame["owner"] == "Finn", 0.08, 0.4))
    question = make_question({"deal": deals})
    row = ask({"deal": deals}, "win_rate_spread", fairness=compare(question))
    assert row["verdict"] == EVIDENCE and "Finn" not in row["statement"]
    theirs = deals[is_late(deals["closed_at"]) & (deals["owner"] == "Finn")]
    assert set(json.loads(row["records"])) == set(theirs["id"])
    assert row["low"] < row["money"] < row["high"] < 0


def test_people_who_differ_by_chance_only_are_no_sign() -> None:
    deals = make_deals(1200)
    row = ask({"deal": deals}, "win_rate_spread", fairness=compare(make_question({"deal": deals})))
    assert row["verdict"] == NO_SIGN


def test_one_person_has_one_number_whoever_tells_it() -> None:
    """The question about people and the comparison of everybody tell the same deals of the same days."""
    deals = make_deals(1200, chance=lambda frame: np.where(frame["region"] == "West", 0.1, 0.5))
    deals = deals.assign(owner=np.where(deals["region"] == "West", "Finn", deals["owner"]))
    deals.loc[deals["owner"].eq("Finn") & ~deals["region"].eq("West"), "owner"] = "Ana"
    question = make_question({"deal": deals})
    gap = explain_gap(
        question.company, period=NOW, compared=NOW.previous(), history=[*question.expected, NOW], as_of=AS_OF
    )
    told = gap.five_m.set_index("cause").loc["win_rate_spread", "statement"]
    (cleared,) = list_cleared(gap.fairness)["statement"]
    assert told.startswith(cleared) and describe_fairness(gap.fairness).endswith(cleared)
    theirs = deals[(deals["owner"] == "Finn") & deals["closed_at"].between(str(gap.fairness.start), str(NOW.end))]
    won = (theirs["stage"] == "Closed Won").mean()
    assert f"{100 * won:.1f} %" in cleared and f"of {len(theirs)} deals won" in cleared
    assert str(gap.fairness.start.year) in told and NOW.end.strftime("%b %Y") in told
