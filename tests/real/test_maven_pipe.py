"""The pipe of real deals in the middle of a quarter, against plain pandas; their open deals carry no close date."""

from datetime import date

import pandas as pd
import pytest

from helpers.analyses.goal_pipe import count_pipe, expect_from_pipe
from helpers.analyses.step_lags import get_step_shares, measure_step_lags
from tests.companies import make_company
from tests.real_data import require_real_data

MID = date(2017, 8, 31)


@pytest.fixture(scope="module")
def raw():
    frame = pd.read_csv(require_real_data("maven_crm") / "sales_pipeline.csv")
    return frame.assign(
        engage_date=pd.to_datetime(frame["engage_date"]), close_date=pd.to_datetime(frame["close_date"])
    )


@pytest.fixture(scope="module")
def company(raw):
    columns = {"opportunity_id": "id", "engage_date": "created_at", "close_date": "closed_at", "deal_stage": "stage"}
    return make_company({"deal": raw.rename(columns=columns)[list(columns.values())]})


def test_deals_of_the_running_quarter_are_counted_as_they_stood(raw, company):
    seen = raw[raw["engage_date"] <= pd.Timestamp(MID)]
    over = seen["close_date"] <= pd.Timestamp(MID)
    state = seen["deal_stage"].where(over, "open").map({"Won": "won", "Lost": "lost"}).fillna("open")
    by_hand = pd.crosstab(seen["engage_date"].dt.to_period("Q"), state).reindex(columns=["won", "lost", "open"])
    pipe = count_pipe(company, as_of=MID)
    assert pipe[["won", "lost", "open"]].to_numpy().tolist() == by_hand.fillna(0).to_numpy().tolist()
    assert pipe["n"].sum() == len(seen)


def test_wins_booked_in_the_running_quarter_are_kept_and_open_deals_add_to_them(raw, company):
    won = raw[(raw["deal_stage"] == "Won") & (raw["close_date"] >= "2017-07-01")]
    booked = int((won["close_date"] <= pd.Timestamp(MID)).sum())
    landings = expect_from_pipe(company, as_of=MID)
    now = landings[landings["landing_period"] == pd.Timestamp("2017-07-01")]
    assert now["booked"].sum() == booked
    assert booked < now["wins"].sum() < booked + count_pipe(company, as_of=MID)["open"].sum()


def test_lag_of_the_deals_adds_up_to_what_was_won_by_the_end(raw, company):
    last = date(2017, 12, 31)
    lags = measure_step_lags(company, as_of=last)
    first = lags[lags["cohort"] == "2016-10-01"].sort_values("age")
    created = raw[raw["engage_date"].dt.to_period("Q") == pd.Period("2016Q4")]
    assert first["n"].iloc[0] == len(created)
    assert first["reached"].sum() == int((created["deal_stage"] == "Won").sum())
    assert 0 < sum(get_step_shares(lags, "opportunity", "won")) <= 1
