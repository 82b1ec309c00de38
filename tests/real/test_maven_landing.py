"""The hardware seller's public pipeline: open deals carry neither amount nor close date, so wins are counted and sized.

The back-test has the three quarters of 2017 before which deals were open: the exports begin in October 2016.
"""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.landing import estimate_landings, simulate_landing
from helpers.analyses.landing_backtest import backtest_landings, score_landings
from helpers.analyses.landing_words import explain_landing
from helpers.company import open_company
from helpers.ingest.intake import start_company
from helpers.periods import period_of
from tests.real_data import require_real_data

FILES = ("sales_pipeline.csv", "accounts.csv", "products.csv", "sales_teams.csv")
AS_OF, NEXT = date(2017, 12, 31), period_of(date(2018, 1, 1), "quarter")
QUARTERS = [NEXT.previous(back) for back in range(5, 0, -1)]
BY_COUNT = ["cohort_vector", "simulation"]
ON_CLOSE_DATES = ["coverage", "week_k", "to_go", "stage_weighted"]


def start(folder, files):
    start_company(folder, files, lookups=["sales_teams.csv.sales_agent=deal.owner"])
    return open_company(folder)


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    source = require_real_data("maven_crm")
    return start(tmp_path_factory.mktemp("companies") / "maven", [source / name for name in FILES])


@pytest.fixture(scope="module")
def pipeline():
    return pd.read_csv(require_real_data("maven_crm") / "sales_pipeline.csv", parse_dates=["engage_date", "close_date"])


@pytest.fixture(scope="module")
def backtest(company):
    return backtest_landings(company, periods=QUARTERS, weeks=(0, 3), as_of=AS_OF)


def test_methods_that_need_close_dates_say_that_open_deals_carry_none(company):
    found = estimate_landings(company, NEXT, as_of=AS_OF).set_index("method")
    assert found.loc[ON_CLOSE_DATES, "expected"].isna().all()
    assert found.loc[ON_CLOSE_DATES, "reason"].str.contains("no expected close date").all()
    assert found.loc[BY_COUNT, "expected"].notna().all() and (found.loc[BY_COUNT, "reason"] == "").all()


def test_the_page_says_that_wins_are_counted_and_sized(company):
    found = estimate_landings(company, NEXT, as_of=AS_OF)
    # 2,089 are open, of which 500 carry no engage date and so no age.
    assert "None of the 1,589 open deals carries an amount: wins are counted" in explain_landing(found)


def test_cohort_vector_equals_count_by_age_times_deal_size_in_plain_pandas(company, pipeline):
    deals = pipeline.dropna(subset=["engage_date"])
    created, closed = deals["engage_date"].dt.to_period("Q"), deals["close_date"].dt.to_period("Q")
    won = deals["deal_stage"] == "Won"
    cohorts = pd.period_range(created.min(), "2017Q4", freq="Q")
    n = created.value_counts().reindex(cohorts, fill_value=0)
    wins = 0.0
    for age in range(len(cohorts)):
        whole = cohorts[: len(cohorts) - age]
        landed = sum(((created == cohort) & won & (closed == cohort + age)).sum() for cohort in whole)
        records = n.get(pd.Period("2018Q1") - age, n["2017Q1":].mean() if age == 0 else 0)
        wins += records * landed / n[whole].sum()
    size = deals.loc[won & (closed >= "2017Q1"), "close_value"].mean()
    found = estimate_landings(company, NEXT, as_of=AS_OF).set_index("method").loc["cohort_vector", "expected"]
    assert found == pytest.approx(wins * size)


def test_every_quarter_before_which_deals_were_open_is_back_tested(backtest, pipeline):
    start_of_quarter = backtest[backtest["week"] == 0]
    for method in BY_COUNT:
        known = start_of_quarter[(start_of_quarter["method"] == method) & start_of_quarter["expected"].notna()]
        assert known["period"].tolist() == ["Q2 2017", "Q3 2017", "Q4 2017"]
    won = pipeline[pipeline["deal_stage"] == "Won"]
    actual = won.groupby(won["close_date"].dt.to_period("Q"))["close_value"].sum()
    found = start_of_quarter.drop_duplicates("period").set_index("period")["actual"]
    assert [found[f"Q{quarter} 2017"] for quarter in (1, 2, 3, 4)] == actual.tolist()


def test_counting_by_age_foresaw_the_quarters_of_2017_better_than_the_quarter_before_did(backtest):
    scores = score_landings(backtest).set_index(["week", "method"])
    assert (scores.loc[(0, BY_COUNT), "n"] == 3).all()
    assert scores.loc[(3, "simulation"), "against_naive"] < 0.6
    assert (scores.loc[(0, BY_COUNT), "against_naive"] < 0.6).all()
    assert (scores.loc[(0, BY_COUNT), "error"] < 0.15).all()


@pytest.mark.parametrize("quarter", [3, 4])
@pytest.mark.parametrize("week", [0, 3])
def test_the_back_test_equals_what_the_export_of_that_day_would_have_said(
    backtest, pipeline, tmp_path_factory, quarter, week
):
    period = period_of(date(2017, 3 * quarter, 1), "quarter")
    day = period.start + timedelta(days=7 * week - 1)
    cut = pipeline[~(pipeline["engage_date"] > pd.Timestamp(day))].copy()
    later = cut["close_date"] > pd.Timestamp(day)
    cut.loc[later, ["close_date", "close_value"]] = [pd.NaT, np.nan]
    cut.loc[later, "deal_stage"] = "Engaging"
    folder = tmp_path_factory.mktemp("cut")
    cut.to_csv(folder / "sales_pipeline.csv", index=False, date_format="%Y-%m-%d")
    source = require_real_data("maven_crm")
    company = start(folder / "company", [folder / FILES[0], *(source / name for name in FILES[1:])])
    then = estimate_landings(company, period, as_of=day).set_index("method")
    tested = backtest[(backtest["period"] == period.label) & (backtest["week"] == week)].set_index("method")
    columns = ["expected", "low", "high", "n"]
    pd.testing.assert_frame_equal(then[columns], tested[columns], check_exact=False, rtol=1e-9)


def test_a_quarter_to_come_gets_a_range_and_a_chance(company):
    draws = simulate_landing(company, NEXT, as_of=AS_OF)
    row = estimate_landings(company, NEXT, as_of=AS_OF).set_index("method").loc["simulation"]
    assert 0 < row["low"] < row["expected"] < row["high"]
    assert (draws >= row["low"]).mean() == pytest.approx(0.9, abs=0.01)
