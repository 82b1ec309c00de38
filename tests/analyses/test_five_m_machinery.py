"""Machinery: what stops on a day is found with slice, day and records; what follows from it is not told twice."""

import json

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.five_m import EVIDENCE, NO_SIGN, UNTESTED
from helpers.analyses.five_m_question import LATER
from tests.analyses.five_m_cases import BREAK, ask, make_contacts, make_deals


def is_broken(contacts: pd.DataFrame) -> np.ndarray:
    """Tell which contacts come from the north since the break."""
    return ((contacts["region"] == "North") & (contacts["created_at"] >= BREAK)).to_numpy()


def assign(contacts: pd.DataFrame, *, broken: bool) -> pd.DataFrame:
    """Give every contact an owner after a day; since the break most of the north's get none."""
    assigned = contacts["created_at"] + pd.Timedelta(days=1)
    missed = broken & is_broken(contacts) & (np.arange(len(contacts)) % 10 != 0)
    return contacts.assign(assigned_at=assigned.where(~missed), owner=contacts["owner"].where(~missed))


def test_a_broken_assignment_is_priced_and_lists_the_contacts_left_behind() -> None:
    chance = lambda frame: np.where(is_broken(frame), 0.05, 0.3)  # noqa: E731
    contacts = assign(make_contacts(3000, goes_on=chance), broken=True)
    row = ask({"contact": contacts, "deal": make_deals()}, "assignment_break")
    assert row["verdict"] == EVIDENCE and row["slice"] == "region=North" and row["confidence"] == "high"
    old_enough = contacts["created_at"] <= "2025-09-28"
    left = contacts[is_broken(contacts) & contacts["assigned_at"].isna() & old_enough]
    assert len(set(json.loads(row["records"])) ^ set(left["id"])) <= 2
    assert abs((row["began"] - BREAK).days) <= 2
    assert row["low"] < row["money"] < row["high"] < 0 and row["counts_for"] == LATER


def test_what_nobody_was_given_is_not_told_again_as_slow_or_idle() -> None:
    contacts = assign(make_contacts(), broken=True)
    missed = contacts["assigned_at"].isna()
    idle = np.random.default_rng(3).random(len(contacts)) < 0.05
    contacts = contacts.assign(
        activities=np.where(missed | idle, 0, 3),
        first_touch_at=contacts["created_at"].where(~(missed | idle)),
    )
    for cause in ("no_follow_up", "speed_to_lead"):
        row = ask({"contact": contacts}, cause)
        assert row["verdict"] == NO_SIGN and "only where assignment broke (region North)" in row["statement"]


@pytest.mark.parametrize(("wait", "verdict"), [(2, EVIDENCE), (1, NO_SIGN), (6, NO_SIGN)])
def test_a_longer_way_to_the_owner_from_a_day_on_is_found(wait: int, verdict: str) -> None:
    contacts = make_contacts()
    days = np.where(is_broken(contacts), wait, 1)
    contacts["assigned_at"] = contacts["created_at"] + pd.to_timedelta(days, unit="D")
    row = ask({"contact": contacts}, "slow_routing")
    assert row["verdict"] == verdict
    if verdict == EVIDENCE:
        assert row["slice"] == "region=North" and "14 Jul 2025" in row["statement"]
    if wait > 2:
        assert "only where assignment broke" in row["statement"]


def test_any_field_that_stops_being_filled_is_found_and_its_roll_up_named_beside_it() -> None:
    contacts = make_contacts().assign(industry="Steel")
    blank = (contacts["region"] == "South") & (contacts["created_at"] >= BREAK)
    rolled = {name: contacts[name].where(~blank) for name in ("source", "industry")}
    row = ask({"contact": contacts.assign(**rolled)}, "field_break")
    assert row["verdict"] == EVIDENCE and row["slice"] == "region=South"
    assert "industry" in row["statement"] and "source" in row["statement"]
    assert np.isnan(row["money"]) and row["why_no_money"]
    assert set(json.loads(row["records"])) == set(contacts.loc[blank & (contacts["created_at"] <= "2025-09-30"), "id"])


def test_a_field_of_deals_is_watched_too() -> None:
    deals = make_deals()
    gone = deals["closed_at"] >= BREAK
    deals["lost_reason"] = pd.Series(np.where(deals["stage"] == "Closed Lost", "Price", None)).mask(gone)
    row = ask({"deal": deals}, "field_break")
    assert row["verdict"] == EVIDENCE and "lost reason" in row["statement"]


def test_fields_that_are_blank_now_and_then_are_no_sign() -> None:
    rng = np.random.default_rng(1)
    contacts = make_contacts()
    contacts["industry"] = pd.Series("Steel", index=contacts.index).where(rng.random(len(contacts)) < 0.8)
    assert ask({"contact": contacts}, "field_break")["verdict"] == NO_SIGN
    assert ask({"contact": make_contacts(50)}, "field_break")["verdict"] == UNTESTED
    assert ask({}, "field_break")["verdict"] == UNTESTED


@pytest.mark.parametrize(("is_missed", "verdict"), [(True, EVIDENCE), (False, NO_SIGN)])
def test_contacts_that_no_automation_touched_are_listed(is_missed: bool, verdict: str) -> None:
    contacts = make_contacts()
    left = is_broken(contacts) & is_missed
    touched = contacts[~left]
    by_hand = np.arange(len(touched)) % 20 == 0
    activities = pd.DataFrame(
        {
            "id": [f"a{i}" for i in range(len(touched))],
            "contact_id": touched["id"].to_numpy(),
            "at": touched["created_at"].to_numpy(),
            "automated": ~by_hand,
        }
    )
    row = ask({"contact": contacts, "activity": activities}, "missed_by_automation")
    assert row["verdict"] == verdict
    if is_missed:
        assert set(contacts.loc[left, "id"]) - set(json.loads(row["records"])) <= set(contacts["id"].tail(30))


def test_a_break_long_before_the_gap_is_of_low_confidence() -> None:
    contacts = make_contacts()
    missed = (contacts["region"] == "North") & (contacts["created_at"] >= "2025-02-20")
    contacts["assigned_at"] = (contacts["created_at"] + pd.Timedelta(days=1)).where(~missed)
    row = ask({"contact": contacts}, "assignment_break")
    assert row["verdict"] == EVIDENCE and row["confidence"] == "low" and "before the gap" in row["why_confidence"]
