"""What is in the pipe on a day: counted by hand, and on the sample against plain pandas."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.close_curve import measure_close_curve
from helpers.analyses.goal_pipe import (
    LANDING_COLUMNS,
    OPEN,
    PIPE_COLUMNS,
    TO_COME,
    count_pipe,
    expect_from_pipe,
    list_created,
    list_landings,
    measure_open_rates,
)
from helpers.company import open_company
from helpers.periods import period_of
from tests.companies import make_company

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "samples" / "brightwater"
MID = date(2026, 8, 31)


def make_deals(rows):
    """Rows of (created, closed, stage)."""
    frame = pd.DataFrame(rows, columns=["created_at", "closed_at", "stage"])
    return frame.assign(id=np.arange(len(frame)).astype(str), amount=100.0)


def make_small(fiscal_year_start=1):
    """
    created      end                 on 31 Aug 2026
    2026-02-10   won   2026-05-20    won
    2026-02-20   lost  2026-08-30    lost
    2026-03-01   won   2026-09-10    open (won later)
    2026-07-05   won   2026-08-01    won in the running quarter
    2026-08-31   –                   open
    2026-09-01   –                   not there yet
    """
    deals = make_deals(
        [
            ("2026-02-10", "2026-05-20", "Closed Won"),
            ("2026-02-20", "2026-08-30", "Closed Lost"),
            ("2026-03-01", "2026-09-10", "Closed Won"),
            ("2026-07-05", "2026-08-01", "Closed Won"),
            ("2026-08-31", None, "Proposal"),
            ("2026-09-01", None, "Proposal"),
        ]
    )
    return make_company({"deal": deals}, fiscal_year_start=fiscal_year_start, latest_event=date(2026, 9, 30))


def test_the_running_period_counts_with_what_it_has_brought_so_far():
    pipe = count_pipe(make_small(), as_of=MID)
    assert list(pipe.columns) == PIPE_COLUMNS and pipe.attrs["from_stage"] == "opportunity"
    assert pipe.assign(created_period=pipe["created_period"].dt.strftime("%Y-%m-%d")).to_numpy().tolist() == [
        ["2026-01-01", 3, 1, 1, 1],
        ["2026-04-01", 0, 0, 0, 0],
        ["2026-07-01", 2, 1, 0, 1],
    ]
    assert list_created(pipe)[period_of(MID, "quarter")] == 2.0


def test_quarters_of_a_year_that_starts_in_february_end_in_april():
    pipe = count_pipe(make_small(fiscal_year_start=2), as_of=MID)
    starts = pipe["created_period"].dt.strftime("%Y-%m-%d")
    assert dict(zip(starts, pipe["n"], strict=True)) == {"2026-02-01": 3, "2026-05-01": 1, "2026-08-01": 1}


def make_steady():
    """Every quarter of 2024 to Q3 2026 two deals on its 10th day: one won 40 days, one lost 100 days later.

    On the 62nd day (31 Aug, 31 May, …) the first is won, the second open; the loss comes in the next quarter.
    """
    rows = []
    for start in pd.date_range("2024-01-01", "2026-07-01", freq="QS"):
        created = start + pd.Timedelta(days=9)
        won, lost = created + pd.Timedelta(days=40), created + pd.Timedelta(days=100)
        rows.append((created, won, "Closed Won"))
        rows.append((created, None, "Proposal") if lost > pd.Timestamp(MID) else (created, lost, "Closed Lost"))
    return make_company({"deal": make_deals(rows)}, latest_event=MID)


def test_what_is_won_already_is_booked_and_not_expected_again():
    landings = expect_from_pipe(make_steady(), as_of=MID)
    assert list(landings.columns) == LANDING_COLUMNS
    assert landings["booked"].sum() == 1 and landings["wins"].sum() == 1.0
    assert landings.loc[landings["booked"] > 0, "created_period"].dt.date.tolist() == [date(2026, 7, 1)]


def test_open_records_go_on_as_those_open_at_the_same_point_of_earlier_periods():
    """On the 5th day of a quarter nothing of it exists; on the 20th its two deals are open and one of them is won."""
    company = make_steady()
    early = measure_open_rates(company, as_of=date(2026, 7, 5)).set_index(["part", "age", "step"])
    assert (OPEN, 0, 0) not in early.index
    assert early.loc[(TO_COME, 0, 0), "share"] == 0.5
    later = measure_open_rates(company, as_of=date(2026, 7, 20)).set_index(["part", "age", "step"])
    assert later.loc[(OPEN, 0, 0), ["n", "won", "share"]].tolist() == [20, 10, 0.5]
    assert later.loc[(OPEN, 0, 1), "won"] == 0 and later.loc[(OPEN, 0, 1), "n"] == 18
    assert (TO_COME, 0, 0) not in later.index
    assert expect_from_pipe(company, as_of=date(2026, 7, 20))["wins"].sum() == pytest.approx(1.0)


def test_contacts_without_deals_have_a_pipe_that_is_never_lost():
    contacts = pd.DataFrame(
        {"id": ["a", "b"], "created_at": "2026-07-01", "mql_at": "2026-07-02", "won_at": ["2026-08-01", None]}
    )
    pipe = count_pipe(make_company({"contact": contacts}, latest_event=MID), as_of=MID)
    assert pipe.attrs["from_stage"] == "mql"
    assert pipe[["n", "won", "lost", "open"]].to_numpy().tolist() == [[2, 1, 0, 1]]


def test_no_records_give_empty_frames():
    company = make_company({"contact": [{"id": "a", "created_at": "2026-01-01"}]}, latest_event=MID)
    assert count_pipe(company, as_of=MID).empty and measure_open_rates(company, as_of=MID).empty
    assert expect_from_pipe(company, as_of=MID).empty and list_landings(expect_from_pipe(company, as_of=MID)) == {}


@pytest.fixture(scope="module")
def sample():
    return open_company(str(SAMPLE))


def take_deals(company, day):
    """New-business deals created by a day, with how they stood on it, in plain pandas."""
    deals = company.tables["deal"]
    deals = deals[deals["is_new_business"].fillna(True).astype(bool)]
    deals = deals[deals["created_at"].dt.normalize() <= pd.Timestamp(day)]
    closed = deals["closed_at"].dt.normalize()
    over = deals["outcome"].isin(["won", "lost"]) & (closed <= pd.Timestamp(day))
    return deals.assign(
        state=deals["outcome"].where(over, "open"), quarter=deals["created_at"].dt.to_period("Q"), closed=closed
    )


@pytest.mark.parametrize("day", [MID, date(2026, 6, 30), date(2026, 2, 14)], ids=str)
def test_pipe_of_the_sample_is_what_plain_pandas_counts(sample, day):
    deals = take_deals(sample, day)
    by_hand = pd.crosstab(deals["quarter"], deals["state"]).reindex(columns=["won", "lost", "open"], fill_value=0)
    pipe = count_pipe(sample, as_of=day).set_index(count_pipe(sample, as_of=day)["created_period"].dt.to_period("Q"))
    pipe = pipe.loc[by_hand.index]
    assert pipe[["won", "lost", "open"]].to_numpy().tolist() == by_hand.to_numpy().tolist()
    assert pipe["n"].tolist() == deals.groupby("quarter").size().tolist()
    assert int(pipe["n"].sum()) == len(deals)


def test_rates_of_the_sample_are_what_plain_pandas_counts(sample):
    """Of the deals that were one quarter old and open on 31 May, 28 Feb, … some were won in the month that was left.

    31 August is the 62nd day of its quarter; so the points are the 62nd days of the quarters before.
    """
    deals = take_deals(sample, MID)
    n = won = 0
    for quarter in pd.period_range("2024Q4", "2026Q2", freq="Q"):
        point = quarter.start_time + pd.Timedelta(days=61)
        old = deals[(deals["quarter"] == quarter - 1) & ~((deals["state"] != "open") & (deals["closed"] <= point))]
        n += len(old)
        won += int(((old["state"] == "won") & (old["closed"] <= quarter.end_time)).sum())
    rates = measure_open_rates(sample, as_of=MID).set_index(["part", "age", "step"])
    assert rates.loc[(OPEN, 1, 0), ["n", "won"]].tolist() == [n, won]
    assert n > 100


def test_bookings_of_the_running_quarter_of_the_sample_are_in_its_landing(sample):
    deals = take_deals(sample, MID)
    booked = int(((deals["state"] == "won") & (deals["closed"] >= pd.Timestamp("2026-07-01"))).sum())
    landings = expect_from_pipe(sample, as_of=MID)
    assert booked > 0 and landings["booked"].sum() == booked
    now = landings[landings["landing_period"] == pd.Timestamp("2026-07-01")]
    assert now["wins"].sum() > booked


def test_cohorts_of_pipe_and_close_curve_are_the_same(sample):
    curve = measure_close_curve(sample, as_of=MID)
    cohorts = curve[~curve["cohort"].isin(["mean", "pooled"])].drop_duplicates("cohort")
    pipe = count_pipe(sample, as_of=MID)
    assert pipe["created_period"].dt.strftime("%Y-%m-%d").tolist() == cohorts["cohort"].tolist()
    assert pipe["n"].tolist() == cohorts["n"].tolist()
