"""Time: open periods, young cohorts, days at the edge, and questions about a past day."""

from datetime import date

import pandas as pd
import pytest

from helpers.engine import build_cells
from helpers.engine.history import rebuild_deals
from helpers.engine.pipeline import open_pipeline_at
from tests.companies import make_company
from tests.engine.reading import pick

CLOSED = ("Closed Won", "Closed Lost")


def deals(*rows, history=(), **more):
    """Make a company of deals from (created, closed, stage, amount), with (deal, day, field, old, new) as history."""
    names = ("created_at", "closed_at", "stage", "amount")
    table = {"id": [f"d{i}" for i in range(len(rows))], **{n: [r[i] for r in rows] for i, n in enumerate(names)}}
    tables = {"deal": table}
    if history:
        columns = ("deal_id", "changed_at", "field", "old", "new")
        tables["deal_history"] = {n: [r[i] for r in history] for i, n in enumerate(columns)}
    return make_company(tables, **more)


def test_a_running_period_is_not_complete():
    """The last event is of 10 May: Q1 is over, Q2 runs."""
    company = deals(("2026-01-10", "2026-02-01", *("Closed Won", 1)), ("2026-05-10", None, "Demo", 1))
    cells = build_cells(company, kpis=["opportunities"])
    assert cells["is_complete"].tolist() == [True, False]


def test_a_cohort_is_complete_only_once_it_is_older_than_the_horizon():
    """Ten past wins took 90 days each, so a cohort to date matures 90 days after its last day.

    Q1 ends 31 Mar: + 90 days = 29 Jun. On 28 Jun the cohort of Q1 is young, on 29 Jun it is mature; the period was
    over on 31 Mar either way.
    """
    rows = [("2025-10-01", "2025-12-30", "Closed Won", 1)] * 10 + [("2026-01-10", None, "Demo", 1)]
    company = deals(*rows, latest_event="2026-07-15")
    for day, expected in (("2026-06-28", False), ("2026-06-29", True)):
        cells = build_cells(company, kpis=["opportunity_to_won"], as_of=day)
        assert pick(cells, "opportunity_to_won", basis="cohort", start="2026-01-01")["is_complete"] == expected
        assert pick(cells, "opportunity_to_won", basis="period", start="2026-01-01")["is_complete"]


def test_a_horizon_gives_old_and_young_cohorts_the_same_time():
    """Won after 10 and 60 days. To date 2 of 2, within 30 days 1 of 2; the cohort of Q2 hasn't had its 30 days yet.

    | created    | closed     | days |
    | 2026-01-01 | 2026-01-11 | 10   |
    | 2026-01-01 | 2026-03-02 | 60   |
    | 2026-06-25 | open       |      |
    """
    company = deals(
        ("2026-01-01", "2026-01-11", "Closed Won", 1),
        ("2026-01-01", "2026-03-02", "Closed Won", 1),
        ("2026-06-25", None, "Demo", 1),
    )
    to_date = build_cells(company, kpis=["opportunity_to_won"])
    within = build_cells(company, kpis=["opportunity_to_won"], horizon_days=30)
    assert pick(to_date, "opportunity_to_won", basis="cohort", start="2026-01-01")["value"] == 1
    first = pick(within, "opportunity_to_won", basis="cohort", start="2026-01-01")
    assert (first["value"], first["horizon_days"], first["is_complete"]) == (0.5, 30, True)
    assert not pick(within, "opportunity_to_won", basis="cohort", start="2026-04-01")["is_complete"]
    assert pd.isna(pick(within, "opportunity_to_won", basis="period", start="2026-01-01")["horizon_days"])


def test_open_deals_are_censored_and_not_lost():
    """A deal still open is in the cohort's denominator and in no win rate."""
    company = deals(("2026-01-01", None, "Demo", 1), ("2026-01-01", "2026-02-01", "Closed Won", 1))
    cells = build_cells(company)
    assert pick(cells, "opportunity_to_won", basis="cohort")["value"] == 0.5
    assert pick(cells, "open_deals")["value"] == 1


def test_both_edges_of_a_period_belong_to_it_and_the_time_of_day_never_matters():
    """31 March 23:59 is Q1, 1 April 00:00 is Q2; 31 March 23:50 to 1 April 00:10 is one day."""
    company = deals(
        ("2026-03-31 23:50", "2026-04-01 00:10", "Closed Won", 1),
        ("2026-01-01 00:00", "2026-03-31 23:59", "Closed Won", 1),
    )
    cells = build_cells(company)
    assert pick(cells, "deals_won", start="2026-01-01")["value"] == 1
    assert pick(cells, "deals_won", start="2026-04-01")["value"] == 1
    assert pick(cells, "sales_cycle_days", basis="outcome", start="2026-04-01")["value"] == 1


def test_fiscal_quarters_follow_the_company():
    """A fiscal year from February: January belongs to the quarter that began in November."""
    company = deals(("2026-01-31", None, "Demo", 1), ("2026-02-01", None, "Demo", 1), fiscal_year_start=2)
    cells = build_cells(company, kpis=["opportunities"])
    assert cells["period_start"].dt.strftime("%Y-%m-%d").tolist() == ["2025-11-01", "2026-02-01"]


def test_a_deal_closed_after_the_day_is_open_again_on_it():
    """Won on 1 May. As of 30 April: no win, one open deal of 100 in Demo (the history says so), due on 31 March then.

    | deal | day        | field     | old        | new        |
    | d0   | 2026-03-20 | closed_at | 2026-03-31 | 2026-05-01 |
    | d0   | 2026-04-02 | amount    | 100        | 80         |
    | d0   | 2026-05-01 | stage     | Demo       | Closed Won |
    """
    history = [
        ("d0", "2026-03-20", "closed_at", "2026-03-31", "2026-05-01"),
        ("d0", "2026-04-02", "amount", "100", "80"),
        ("d0", "2026-05-01", "stage", "Demo", "Closed Won"),
    ]
    rows = [("2026-01-05", "2026-05-01", "Closed Won", 80), ("2026-01-05", "2026-06-01", "Demo", 1)]
    company = deals(*rows, history=history)
    now, then = build_cells(company, grain="all"), build_cells(company, grain="all", as_of="2026-03-31")
    assert pick(now, "deals_won")["value"] == 1
    assert "deals_won" not in set(then["kpi"])
    assert pick(then, "open_deals")["value"] == 2
    assert pick(then, "open_pipeline")["value"] == 101
    by_stage = build_cells(company, kpis=["open_deals"], by=[("stage",)], grain="all", as_of="2026-03-31")
    assert pick(by_stage, "open_deals", slice="Demo")["value"] == 2

    rebuilt = rebuild_deals(company.tables["deal"], company.tables["deal_history"], date(2026, 3, 15)).set_index("id")
    assert rebuilt.loc["d0", ["stage", "stage_id", "outcome"]].tolist() == ["Demo", "opportunity", "open"]
    assert rebuilt.loc["d0", "closed_at"] == pd.Timestamp("2026-03-31")
    assert rebuilt.loc["d0", "amount"] == 100
    flags = [name for name in rebuilt if name.endswith("_is_current_value")]
    assert not rebuilt.loc["d0", flags].any()


def test_without_history_the_present_value_stands_in_and_says_so():
    """Won on 1 May, no history: on 31 March it was open, its stage unknown, amount and close date are today's."""
    company = deals(("2026-01-05", "2026-05-01", "Closed Won", 80))
    rebuilt = rebuild_deals(company.tables["deal"], None, date(2026, 3, 31)).iloc[0]
    assert rebuilt["outcome"] == "open"
    assert pd.isna(rebuilt["stage"])
    assert rebuilt["amount"] == 80
    assert rebuilt[["stage_is_current_value", "closed_at_is_current_value", "amount_is_current_value"]].all()
    assert company.tables["deal"]["outcome"].tolist() == ["won"]


def test_events_after_the_day_are_invisible_and_earlier_periods_stay_as_they_are():
    """As of 31 March only the first deal exists; asking later adds rows and doesn't touch those of Q1."""
    company = deals(("2026-01-05", "2026-02-01", "Closed Won", 1), ("2026-04-05", "2026-05-01", "Closed Lost", 1))
    early = build_cells(company, kpis=["opportunities", "win_rate"], as_of="2026-03-31")
    late = build_cells(company, kpis=["opportunities", "win_rate"])
    assert len(early) == 2
    same = late[late["period_start"] == "2026-01-01"].reset_index(drop=True)
    pd.testing.assert_frame_equal(early, same)


def test_a_stock_at_a_past_period_end_is_what_it_was_asked_about_on_that_day():
    """Open pipeline of Q1 seen from today equals that seen on 31 March: amounts and outcomes are rewound."""
    history = [("d0", "2026-04-10", "amount", "50", "90"), ("d1", "2026-04-11", "stage", "Demo", "Closed Lost")]
    company = deals(
        ("2026-01-05", "2026-08-01", "Demo", 90), ("2026-01-05", "2026-04-11", "Closed Lost", 7), history=history
    )
    from_today = pick(build_cells(company, kpis=["open_pipeline"]), "open_pipeline", start="2026-01-01")
    on_that_day = build_cells(company, kpis=["open_pipeline"], as_of="2026-03-31")
    assert from_today["value"] == pick(on_that_day, "open_pipeline")["value"] == 57
    listed = open_pipeline_at(company, date(2026, 3, 31))
    assert listed["amount"].tolist() == [50, 7]


def test_the_morning_of_a_day_lies_before_what_happened_on_it():
    """Won on 1 April: open on its morning, no more in its evening; created that day: not there in the morning."""
    company = deals(("2026-01-05", "2026-04-01", "Closed Won", 5), ("2026-04-01", "2026-06-01", "Demo", 1))
    assert open_pipeline_at(company, date(2026, 4, 1), opening=True)["id"].tolist() == ["d0"]
    assert open_pipeline_at(company, date(2026, 4, 1))["id"].tolist() == ["d1"]


@pytest.mark.parametrize("closed", CLOSED)
def test_a_closed_deal_without_a_close_date_counts_in_no_period(closed):
    company = deals(("2026-01-05", None, closed, 5), ("2026-01-05", "2026-02-02", "Closed Won", 1))
    cells = build_cells(company, grain="all")
    assert pick(cells, "deals_won")["value"] == 1
    assert pick(cells, "open_deals")["value"] == 0


def test_a_period_that_began_after_the_exports_were_made_is_not_complete():
    """One lead on 5 Jan 2026 and exports up to 31 Mar: that Q2 and Q3 show 0 leads means nothing.

    | quarter | leads | complete |
    | Q1 2026 | 1     | yes      |
    | Q2 2026 | 0     | no       |
    | Q3 2026 | 0     | no       |
    """
    company = make_company({"contact": {"id": ["a"], "created_at": ["2026-01-05"]}}, latest_event="2026-03-31")
    cells = build_cells(company, kpis=["leads"], as_of="2026-09-30")
    assert cells["value"].tolist() == [1, 0, 0]
    assert cells["is_complete"].tolist() == [True, False, False]
