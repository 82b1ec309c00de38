"""Method: a process that got worse is found and priced against like records; where it costs nothing it says so."""

import json

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.five_m import EVIDENCE, NO_SIGN, UNTESTED
from helpers.analyses.five_m_question import LATER
from tests.analyses.five_m_cases import NOW, START, ask, is_late, make_contacts, make_deals


def slow_down(contacts: pd.DataFrame, *, now: float, before: float, seed: int = 9) -> np.ndarray:
    """Tell which contacts are answered late."""
    rng = np.random.default_rng(seed)
    return rng.random(len(contacts)) < np.where(is_late(contacts["created_at"]), now, before)


def answer(slow_now: float, *, loss: float) -> pd.DataFrame:
    """Contacts of which some are answered after four days; these become opportunities less often by a share."""
    slow = slow_down(make_contacts(4000), now=slow_now, before=0.2)
    contacts = make_contacts(4000, goes_on=lambda frame: np.where(slow, 0.4 * (1 - loss), 0.4))
    waits = pd.to_timedelta(np.where(slow, 4, 0), unit="D")
    return contacts.assign(first_touch_at=contacts["created_at"] + waits)


def test_slower_answers_are_priced_by_what_slow_ones_miss() -> None:
    contacts, deals = answer(0.6, loss=0.6), make_deals()
    row = ask({"contact": contacts, "deal": deals}, "speed_to_lead")
    assert row["verdict"] == EVIDENCE and row["counts_for"] == LATER
    early = ~is_late(contacts["created_at"])
    won = (deals["stage"] == "Closed Won") & ~is_late(deals["closed_at"])
    opened = (contacts["opportunity_at"] < pd.Timestamp(NOW.start)).sum()
    worth = deals.loc[won, "amount"].sum() / opened
    slow = (contacts["first_touch_at"] - contacts["created_at"]).dt.days.to_numpy() > 1
    extra = (slow[~early].mean() - slow[early].mean()) * (~early).sum()
    assert row["money"] == pytest.approx(-extra * 0.4 * 0.6 * worth, rel=0.2)
    assert row["low"] < row["money"] < row["high"] < 0
    assert set(json.loads(row["records"])) <= set(contacts.loc[slow & ~early, "id"])


def test_slower_answers_that_cost_nothing_are_no_sign() -> None:
    row = ask({"contact": answer(0.6, loss=0.0), "deal": make_deals()}, "speed_to_lead")
    assert row["verdict"] == NO_SIGN and "costs nothing that shows" in row["statement"]


def test_answers_as_quick_as_before_are_no_sign() -> None:
    assert ask({"contact": answer(0.2, loss=0.6)}, "speed_to_lead")["verdict"] == NO_SIGN


def book(contacts: pd.DataFrame, *, missed: float, again_now: float, seed: int = 6) -> pd.DataFrame:
    """Book a meeting with everybody; some are missed, and half of these are held later, in the period a share."""
    rng = np.random.default_rng(seed)
    late = is_late(contacts["created_at"])
    no_show = rng.random(len(contacts)) < np.where(late, missed, 0.1)
    held = ~no_show | (rng.random(len(contacts)) < np.where(late, again_now, 0.5))
    booked = contacts["created_at"] + pd.Timedelta(days=1)
    return contacts.assign(meeting_booked_at=booked, no_show=no_show, meeting_held_at=booked.where(held))


@pytest.mark.parametrize(
    ("missed", "again", "verdict"), [(0.4, 0.5, EVIDENCE), (0.1, 0.05, EVIDENCE), (0.1, 0.5, NO_SIGN)]
)
def test_missed_meetings_and_those_not_booked_anew_are_told(missed: float, again: float, verdict: str) -> None:
    row = ask({"contact": book(make_contacts(3000), missed=missed, again_now=again)}, "no_show")
    assert row["verdict"] == verdict
    assert "issed meetings not held later" in row["statement"]


@pytest.mark.parametrize(("share", "verdict"), [(0.4, EVIDENCE), (0.05, NO_SIGN)])
def test_skipped_steps_are_told_for_the_pair_of_steps_that_got_worst(share: float, verdict: str) -> None:
    contacts = make_contacts(3000)
    rng = np.random.default_rng(2)
    opened = contacts["opportunity_at"]
    skipped = rng.random(len(contacts)) < np.where(opened >= pd.Timestamp(NOW.start), share, 0.05)
    contacts = contacts.assign(mql_at=contacts["created_at"], sql_at=opened.where(~skipped))
    row = ask({"contact": contacts}, "skipped_steps")
    assert row["verdict"] == verdict and "Opportunities without the step SQLs" in row["statement"]


@pytest.mark.parametrize(("wait", "verdict"), [(12, EVIDENCE), (3, NO_SIGN)])
def test_a_longer_hand_off_is_told(wait: int, verdict: str) -> None:
    contacts = make_contacts(3000)
    marked = contacts["created_at"]
    slow = is_late(marked) & (np.arange(len(contacts)) % 2 == 0)
    taken = marked + pd.to_timedelta(np.where(slow, wait, 3), unit="D")
    row = ask({"contact": contacts.assign(mql_at=marked, sql_at=taken)}, "hand_off")
    assert row["verdict"] == verdict and "more than 3 days after they were MQLs" in row["statement"]


def sell(*, falls: bool, days_enterprise: int = 30) -> pd.DataFrame:
    """Deals of two segments, one ten times as large; the large ones are won less often in the last quarter."""
    size = lambda frame: np.where(frame["segment"] == "Enterprise", 90_000.0, 9_000.0)  # noqa: E731
    deals = make_deals(
        1500,
        amount=size,
        chance=lambda frame: np.where(
            falls & (frame["segment"] == "Enterprise") & is_late(frame["closed_at"]), 0.08, 0.35
        ),
    )
    took = pd.to_timedelta(np.where(deals["segment"] == "Enterprise", days_enterprise, 30), unit="D")
    return deals.assign(created_at=deals["closed_at"] - took)


def test_one_process_for_unlike_segments_is_told_where_one_of_them_falls() -> None:
    row = ask({"deal": sell(falls=True)}, "one_process")
    assert row["verdict"] == EVIDENCE and row["slice"] == "segment=Enterprise"
    assert "worked alike (30 and 30 days)" in row["statement"]


@pytest.mark.parametrize(
    ("falls", "days", "activities"), [(False, 30, None), (True, 90, None), (True, 30, "more for large deals")]
)
def test_two_processes_or_two_steady_segments_are_no_sign(falls: bool, days: int, activities: str | None) -> None:
    deals = sell(falls=falls, days_enterprise=days)
    if activities:
        deals["activities"] = np.where(deals["segment"] == "Enterprise", 20, 5)
    assert ask({"deal": deals}, "one_process")["verdict"] == NO_SIGN


def test_too_few_deals_per_segment_can_not_tell_one_process() -> None:
    assert ask({"deal": make_deals(80)}, "one_process")["verdict"] == UNTESTED


def move(*, stuck: bool, n: int = 900) -> dict:
    """Deals that leave their first stage after ten days and are lost after twenty; the latest stay in the first one."""
    created = START + pd.to_timedelta(np.sort(np.random.default_rng(3).integers(0, 273, n)), unit="D")
    end = pd.Timestamp(NOW.end)
    stays = stuck & (created >= pd.Timestamp("2025-08-01"))
    first, second = created + pd.Timedelta(days=10), created + pd.Timedelta(days=20)
    rows = []
    for number in range(n):
        rows.append((f"d{number}", created[number], "stage", None, "Demo"))
        if first[number] <= end and not stays[number]:
            rows.append((f"d{number}", first[number], "stage", "Demo", "Offer"))
        if second[number] <= end and not stays[number]:
            rows.append((f"d{number}", second[number], "stage", "Offer", "Closed Lost"))
    history = pd.DataFrame(rows, columns=["deal_id", "changed_at", "field", "old", "new"])
    last = history.groupby("deal_id")["new"].last()
    ids = [f"d{number}" for number in range(n)]
    stage = pd.Series(ids).map(last)
    deals = pd.DataFrame({"id": ids, "created_at": created, "closed_at": second, "stage": stage, "amount": 1000.0})
    deals.loc[0, ["stage"]] = "Closed Won"
    return {"deal": deals, "deal_history": history.astype({"old": "str"})}


def test_deals_that_stand_still_are_told_with_what_they_are_worth() -> None:
    row = ask(move(stuck=True), "stalled")
    assert row["verdict"] == EVIDENCE and row["n_records"] > 100
    assert np.isnan(row["money"]) and "still open" in row["why_no_money"]


def test_deals_that_move_on_as_ever_are_no_sign() -> None:
    assert ask(move(stuck=False), "stalled")["verdict"] == NO_SIGN
    assert ask({"deal": make_deals()}, "stalled")["verdict"] == UNTESTED
