"""Deals rewound to past days, against a slow rewinding deal by deal."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from helpers.engine.history import DealHistory, rebuild_deals
from helpers.engine.timeline import day_number
from tests.companies import make_company

LABELS = ["Intro", "Demo", "Proposal"]


def simulate(seed: int, n: int = 25):
    """Play deals forward day by day; return today's tables and what each deal looked like on every day."""
    rng = np.random.default_rng(seed)
    today, changes, diary = [], [], {}
    for i in range(n):
        created = date(2026, 1, 1) + timedelta(days=int(rng.integers(0, 60)))
        state = {"stage": "Intro", "closed_at": created + timedelta(days=60), "amount": 100.0}
        day, log = created, {created: dict(state)}
        for _ in range(rng.integers(0, 6)):
            day += timedelta(days=int(rng.integers(1, 20)))
            new = dict(state)
            field = rng.choice(["stage", "closed_at", "amount"])
            if field == "stage":
                new["stage"] = str(rng.choice(LABELS))
            elif field == "closed_at":
                new["closed_at"] = day + timedelta(days=int(rng.integers(5, 80)))
            else:
                new["amount"] = float(rng.integers(1, 500))
            changes += note(i, day, state, new)
            state = new
            log[day] = dict(state)
        if rng.random() < 0.5:
            day += timedelta(days=int(rng.integers(1, 20)))
            new = {**state, "stage": str(rng.choice(["Closed Won", "Closed Lost"])), "closed_at": day}
            changes += note(i, day, state, new)
            state = new
            log[day] = dict(state)
        today.append({"id": f"d{i}", "created_at": str(created), **state, "closed_at": str(state["closed_at"])})
        diary[f"d{i}"] = log
    return pd.DataFrame(today), pd.DataFrame(changes).sample(frac=1, random_state=seed), diary


def note(i: int, day: date, old: dict, new: dict) -> list[dict]:
    return [
        {"deal_id": f"d{i}", "changed_at": str(day), "field": name, "old": str(old[name]), "new": str(new[name])}
        for name in old
        if old[name] != new[name]
    ]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("has_old", [True, False])
def test_every_deal_on_every_day_is_as_the_diary_says(seed, has_old):
    deals, changes, diary = simulate(seed)
    if not has_old:
        first = [{"deal_id": id, "changed_at": str(min(log)), **row} for id, log in diary.items() for row in begin(log)]
        changes = pd.concat([pd.DataFrame(first), changes.assign(old=None)])
    company = make_company({"deal": deals, "deal_history": changes})
    table, history = company.tables["deal"], company.tables["deal_history"]
    for day in (date(2026, 1, 20) + timedelta(days=9 * k) for k in range(0, 14, 2)):
        rebuilt = rebuild_deals(table, history, day).set_index("id")
        expected = {id: at(log, day) for id, log in diary.items() if min(log) <= day}
        assert set(rebuilt.index) == set(expected)
        for id, state in expected.items():
            found = rebuilt.loc[id]
            assert (found["stage"], found["amount"]) == (state["stage"], state["amount"])
            assert found["closed_at"].date() == state["closed_at"]
            ends = {"Closed Won": "won", "Closed Lost": "lost"}
            assert found["outcome"] == ends.get(state["stage"], "open")
            assert not found["stage_is_current_value"]


def begin(log: dict) -> list[dict]:
    state = log[min(log)]
    return [{"field": name, "new": str(state[name])} for name in state]


def at(log: dict, day: date) -> dict:
    return log[max(known for known in log if known <= day)]


def test_the_last_of_several_changes_of_one_day_counts():
    deals = {"id": ["d"], "created_at": ["2026-01-01"], "stage": ["C"], "amount": [1]}
    history = {
        "deal_id": ["d"] * 2,
        "changed_at": ["2026-02-01 09:00", "2026-02-01 17:00"],
        "field": ["stage"] * 2,
        "old": ["A", "B"],
        "new": ["B", "C"],
    }
    tables = make_company({"deal": deals, "deal_history": history}).tables
    for day, label in ((date(2026, 1, 31), "A"), (date(2026, 2, 1), "C")):
        assert rebuild_deals(tables["deal"], tables["deal_history"], day)["stage"].tolist() == [label]


def test_a_deal_that_was_lost_and_reopened_was_lost_in_between():
    """Lost on 1 Feb, reopened on 1 Mar, open today: on 15 Feb it was lost since 1 Feb."""
    deals = {"id": ["d", "e"], "created_at": ["2026-01-01"] * 2, "stage": ["Demo", "Closed Lost"], "amount": [1, 1]}
    deals["closed_at"] = ["2026-09-01", "2026-01-20"]
    history = {
        "deal_id": ["d"] * 2,
        "changed_at": ["2026-02-01", "2026-03-01"],
        "field": ["stage"] * 2,
        "old": ["Demo", "Closed Lost"],
        "new": ["Closed Lost", "Demo"],
    }
    tables = make_company({"deal": deals, "deal_history": history}).tables
    then = rebuild_deals(tables["deal"], tables["deal_history"], date(2026, 2, 15)).iloc[0]
    assert (then["outcome"], then["closed_at"]) == ("lost", pd.Timestamp("2026-02-01"))
    assert rebuild_deals(tables["deal"], tables["deal_history"], date(2026, 3, 1)).iloc[0]["outcome"] == "open"


def test_a_win_noticed_late_counts_on_its_close_date():
    """Closed on 15 Aug, seen by the export of 1 Oct: on 31 Aug it was won."""
    deals = {"id": ["d"], "created_at": ["2026-01-01"], "closed_at": ["2026-08-15"], "stage": ["Closed Won"]}
    history = {
        "deal_id": ["d"],
        "changed_at": ["2026-10-01"],
        "field": ["stage"],
        "old": ["Demo"],
        "new": ["Closed Won"],
    }
    tables = make_company({"deal": {**deals, "amount": [1]}, "deal_history": history}).tables
    assert rebuild_deals(tables["deal"], tables["deal_history"], date(2026, 8, 31))["outcome"].tolist() == ["won"]


def test_changes_of_unknown_deals_and_undated_ones_are_left_out():
    deals = {"id": ["d"], "created_at": ["2026-01-01"], "stage": ["Demo"], "amount": [5]}
    history = {
        "deal_id": ["gone", "d"],
        "changed_at": ["2026-02-01", None],
        "field": ["amount", "amount"],
        "old": ["1", "2"],
        "new": ["2", "5"],
    }
    tables = make_company({"deal": deals, "deal_history": history}).tables
    rebuilt = rebuild_deals(tables["deal"], tables["deal_history"], date(2026, 1, 15))
    assert rebuilt["amount"].tolist() == [5]
    assert rebuilt["amount_is_current_value"].tolist() == [True]


def test_nothing_is_rewound_without_a_day():
    deals, changes, _ = simulate(1)
    tables = make_company({"deal": deals, "deal_history": changes}).tables
    rebuilt = rebuild_deals(tables["deal"], tables["deal_history"], None)
    pd.testing.assert_frame_equal(rebuilt[tables["deal"].columns], tables["deal"])


def test_first_entries_tell_when_each_deal_entered_a_stage():
    """Created in Intro, the stage before its first change, Demo on 10 Jan; the second never moved and is in Demo."""
    deals = {
        "id": ["d", "e"],
        "created_at": ["2026-01-01", "2026-01-05"],
        "stage": ["Demo"] * 2,
        "stage_id": ["demo"] * 2,
    }
    history = {"deal_id": ["d"], "changed_at": ["2026-01-10"], "field": ["stage"], "old": ["Intro"], "new": ["Demo"]}
    tables = make_company({"deal": deals, "deal_history": history}).tables
    read = DealHistory(tables["deal"], tables["deal_history"], stage_ids={"Intro": "intro"})
    assert read.first_entries("demo").tolist() == [day_number(date(2026, 1, 10)), day_number(date(2026, 1, 5))]
    assert read.first_entries("intro").tolist()[0] == day_number(date(2026, 1, 1))
