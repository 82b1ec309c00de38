"""Feasibility of goals on the hardware seller's public pipeline: outlook, pace and worth of a point, against pandas."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.goal_benchmarks import compare_with_benchmarks
from helpers.analyses.goal_pace import measure_pace
from helpers.analyses.goal_review import review_goals
from helpers.analyses.goal_sensitivity import measure_sensitivity
from helpers.analyses.landing import simulate_landing
from helpers.analyses.revenue_history import read_revenue_history
from helpers.company import open_company
from helpers.engine.cells import build_cells
from helpers.ingest.intake import start_company
from helpers.model.goal import load_goal_rules
from tests.real_data import require_real_data

FILES = ("sales_pipeline.csv", "accounts.csv", "products.csv", "sales_teams.csv")
RULES = load_goal_rules()


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    source = require_real_data("maven_crm")
    folder = tmp_path_factory.mktemp("companies") / "maven"
    start_company(folder, [source / name for name in FILES], lookups=["sales_teams.csv.sales_agent=deal.owner"])
    return open_company(folder)


@pytest.fixture(scope="module")
def pipeline():
    frame = pd.read_csv(
        require_real_data("maven_crm") / "sales_pipeline.csv", parse_dates=["engage_date", "close_date"]
    )
    return frame[frame["deal_stage"] == "Won"]


def review(company, as_of, **options):
    return review_goals(company, build_cells(company, as_of=as_of), as_of=as_of, by=[], rules=RULES, **options)


def test_the_year_ahead_is_likelier_missed_than_its_best_quarter_four_times(company):
    goals = review(company, date(2017, 12, 31), revenue_goal=12_000_000.0)
    outlook = goals.outlook
    assert outlook["grain"].tolist() == ["quarter"] * 4 + ["year"]
    year, quarters = outlook.iloc[4], outlook.iloc[:4]
    assert year["expected"] == pytest.approx(quarters["expected"].sum())
    assert year["high"] - year["low"] < (quarters["high"] - quarters["low"]).sum()
    assert 0 < year["probability"] < 0.5
    draws = simulate_landing(company, goals.periods[0], as_of=date(2017, 12, 31), rules=RULES)
    assert quarters["new_business"].iloc[0] == pytest.approx(draws.mean())


def test_what_was_foreseen_half_way_through_the_year_is_held_to_what_came(company, pipeline):
    """On 20 August 2017 two quarters could teach: the third came 1 % below the range, the fourth inside it."""
    outlook = review(company, date(2017, 8, 20)).outlook
    by_quarter = pipeline.groupby(pipeline["close_date"].dt.to_period("Q").dt.start_time)["close_value"].sum()
    third, fourth = outlook.iloc[0], outlook.iloc[1]
    assert 0.98 * third["low"] < by_quarter[third["period_start"]] < third["high"]
    assert fourth["low"] < by_quarter[fourth["period_start"]] < fourth["high"]
    assert third["high"] - third["low"] < fourth["high"] - fourth["low"]


def test_pace_is_what_pandas_adds_up(company, pipeline):
    as_of = date(2017, 8, 20)
    pace = measure_pace(company, review(company, as_of).matrix, as_of=as_of).set_index("kpi")
    inside = pipeline["close_date"].between(pd.Timestamp(2017, 7, 1), pd.Timestamp(as_of))
    assert pace.loc["revenue_won", "actual_to_date"] == pytest.approx(pipeline.loc[inside, "close_value"].sum())
    assert pace.loc["deals_won", "actual_to_date"] == inside.sum()
    assert pace["basis"].str.startswith("even course over the days").all()


def test_a_percent_of_deal_size_is_a_percent_of_what_is_still_to_come(company):
    as_of = date(2017, 12, 31)
    goals = review(company, as_of)
    history = read_revenue_history(company, as_of=as_of, rules=RULES)
    cells = build_cells(company, as_of=as_of)
    found = measure_sensitivity(
        company, goals.matrix, history, goals.periods, cells=cells, as_of=as_of, rules=RULES
    ).set_index("kpi")
    assert found.loc["average_deal_size", "revenue_per_step"] == pytest.approx(0.01 * found.attrs["base"])
    assert set(found.index) == {"opportunities", "opportunity_to_won", "average_deal_size"}
    assert np.isfinite(found["revenue_per_step"]).all()


def test_deals_of_two_thousand_dollars_stand_beside_their_own_band(company, pipeline):
    as_of = date(2017, 12, 31)
    found = compare_with_benchmarks(review(company, as_of).ranks, company, as_of=as_of)
    row = found[found["kpi"] == "opportunity_to_won"].iloc[0]
    recent = pipeline[(pipeline["close_date"] > "2016-12-31") & (pipeline["close_value"] > 0)]
    assert found.attrs["deals"] == len(recent)
    assert found.attrs["deal_size"] == pytest.approx(recent["close_value"].mean())
    assert (row["benchmark"], row["band"]) == (0.17, "$1 k–$5 k")
