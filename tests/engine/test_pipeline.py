"""Pipeline KPIs against deals rebuilt day by day."""

from datetime import date, timedelta

import pandas as pd
import pytest

from helpers.engine import build_cells
from helpers.engine.pipeline import open_pipeline_at
from tests.companies import make_company
from tests.engine.reading import pick
from tests.engine.test_history import at, simulate

QUARTERS = [(date(2026, 1, 1), date(2026, 3, 31)), (date(2026, 4, 1), date(2026, 6, 30))]


def played(seed: int):
    deals, changes, diary = simulate(seed, n=80)
    company = make_company({"deal": deals, "deal_history": changes}, latest_event="2026-06-30")
    return company, diary


def open_on(diary: dict, day: date) -> dict[str, dict]:
    states = {id: at(log, day) for id, log in diary.items() if min(log) <= day}
    return {id: state for id, state in states.items() if not state["stage"].startswith("Closed")}


@pytest.mark.parametrize("seed", range(4))
def test_push_rate_is_what_the_diary_says(seed):
    company, diary = played(seed)
    cells = build_cells(company, kpis=["push_rate", "pipeline_conversion", "open_pipeline"])
    for first, last in QUARTERS:
        opening = open_on(diary, first - timedelta(days=1))
        due = {id for id, state in opening.items() if first <= state["closed_at"] <= last}
        closing = open_on(diary, last)
        pushed = {id for id in due if id in closing and closing[id]["closed_at"] > last}
        if due:
            cell = pick(cells, "push_rate", start=str(first))
            assert (cell["numerator"], cell["denominator"]) == (len(pushed), len(due))
            pipeline = pick(cells, "pipeline_conversion", start=str(first))
            assert pipeline["denominator"] == sum(opening[id]["amount"] for id in due)
        stock = pick(cells, "open_pipeline", start=str(first))
        assert stock["value"] == sum(state["amount"] for state in closing.values())


@pytest.mark.parametrize("seed", range(2))
def test_open_deals_by_stage_stand_in_the_stage_of_then(seed):
    company, diary = played(seed)
    cells = build_cells(company, kpis=["open_deals"], by=[("stage",)])
    for first, last in QUARTERS:
        expected = pd.Series([state["stage"] for state in open_on(diary, last).values()]).value_counts().to_dict()
        found = cells[cells["period_start"] == pd.Timestamp(first)].set_index("slice")["value"]
        assert found[found > 0].to_dict() == expected


def test_the_list_of_open_deals_is_that_of_the_diary():
    company, diary = played(5)
    for day in (date(2026, 2, 1), date(2026, 4, 15)):
        listed = open_pipeline_at(company, day).set_index("id")
        expected = open_on(diary, day)
        assert set(listed.index) == set(expected)
        assert listed["amount"].to_dict() == {id: state["amount"] for id, state in expected.items()}
        assert {id: moment.date() for id, moment in listed["closed_at"].items()} == {
            id: state["closed_at"] for id, state in expected.items()
        }


def test_asking_as_of_a_quarters_end_gives_the_same_pipeline_kpis_as_asking_later():
    company, _ = played(6)
    kpis = ["push_rate", "pipeline_conversion", "open_deals", "open_pipeline", "win_rate", "deals_won"]
    early = build_cells(company, kpis=kpis, as_of="2026-03-31")
    late = build_cells(company, kpis=kpis, end="2026-03-31")
    pd.testing.assert_frame_equal(early, late)


def test_two_exports_without_a_moved_date_mean_a_push_rate_of_zero():
    deal = {"id": ["d"], "created_at": ["2026-01-05"], "closed_at": ["2026-05-01"], "stage": ["Demo"], "amount": [1]}
    table = {"deal": deal}
    one = make_company(table, latest_event="2026-07-01")
    two = make_company(table, latest_event="2026-07-01", snapshots=("2026-04-01", "2026-07-01"))
    assert build_cells(one, kpis=["push_rate"]).empty
    assert pick(build_cells(two, kpis=["push_rate"]), "push_rate", start="2026-04-01")["value"] == 0


def test_a_change_seen_by_comparing_exports_had_happened_by_the_evening_before():
    """Exports of 1 July and 1 October: due in Q3 on the first one, in Q4 on the second one. It was pushed out of Q3."""
    deal = {"id": ["d"], "created_at": ["2026-01-05"], "closed_at": ["2026-11-15"], "stage": ["Demo"], "amount": [1]}
    history = {"deal_id": ["d"], "changed_at": ["2026-10-01"], "field": ["closed_at"], "new": ["2026-11-15"]}
    tables = {"deal": deal, "deal_history": {**history, "old": ["2026-08-15"]}}
    company = make_company(tables, latest_event="2026-10-01", snapshots=("2026-07-01", "2026-10-01"))
    for as_of in ("2026-09-30", None):
        cells = build_cells(company, kpis=["push_rate"], as_of=as_of)
        assert pick(cells, "push_rate", start="2026-07-01")["value"] == 1
