"""The back-test of landings: errors by hand, and the reliability table against its definition."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.landing import METHODS
from helpers.analyses.landing_backtest import backtest_landings, score_landings, tabulate_reliability
from helpers.analyses.landing_words import say_backtest
from helpers.errors import QuestionError
from helpers.periods import period_of
from tests.analyses.test_landing import QUARTERS, make_hand_company


def make_backtest():
    """Two quarters of 100 and 200: the simulation says 110 and 180, naive 150 for the second only."""
    rows = [
        ("2025-01-01", 0, "simulation", 110.0, 90.0, 130.0, 100.0),
        ("2025-04-01", 0, "simulation", 180.0, 170.0, 190.0, 200.0),
        ("2025-01-01", 0, "naive", np.nan, np.nan, np.nan, 100.0),
        ("2025-04-01", 0, "naive", 150.0, 100.0, 250.0, 200.0),
    ]
    table = pd.DataFrame(rows, columns=["period_start", "week", "method", "expected", "low", "high", "actual"])
    return table.assign(error=table["expected"] - table["actual"], reason="")


def test_scores_equal_the_errors_done_by_hand():
    scores = score_landings(make_backtest()).set_index("method")
    assert scores.loc["simulation", "error"] == pytest.approx(30 / 300)
    assert scores.loc["simulation", "bias"] == pytest.approx(-10 / 300)
    # The naive forecast had only the second quarter, so both are compared there: 20 against 50.
    assert scores.loc["simulation", "against_naive"] == pytest.approx(20 / 50)
    assert scores.loc["simulation", "naive_error"] == pytest.approx(50 / 200)
    assert scores.loc["simulation", ["covered", "covered_n"]].tolist() == [0.5, 2]
    assert scores.loc["naive", ["n", "covered_n"]].tolist() == [1, 1]


def test_the_sentence_names_the_closest_method_and_the_naive_forecast():
    said = say_backtest(score_landings(make_backtest()), unit="quarter")
    assert said == (
        "Simulation of every deal came closest: off by 10 % over 2 quarters, less than the naive forecast's 25 %"
    )
    assert say_backtest(score_landings(make_backtest()), week=3) == "No method could be tried on earlier periods"


def test_every_ended_period_and_week_has_a_row_per_method():
    table = backtest_landings(make_hand_company(), periods=QUARTERS, weeks=(0, 3, 99), as_of=date(2025, 9, 30))
    assert table.groupby(["period", "week"]).size().to_dict() == {
        (f"Q{quarter} 2025", week): len(METHODS) for quarter in (1, 2, 3) for week in (0, 3)
    }
    assert table["actual"].unique().tolist() == [150.0]
    second = table[(table["period"] == "Q3 2025") & (table["week"] == 3) & (table["method"] == "to_go")].iloc[0]
    # The evening of day 21: 50 are booked, and the second quarter brought 100 more from 400.
    assert second["expected"] == pytest.approx(150)


def test_a_week_before_the_period_is_refused():
    with pytest.raises(QuestionError, match="week -1"):
        backtest_landings(make_hand_company(), periods=QUARTERS, weeks=(-1,))


def test_without_deals_there_are_no_rows():
    from tests.companies import make_company

    company = make_company({"contact": {"id": [1], "created_at": ["2025-01-05"]}})
    assert backtest_landings(company, periods=[period_of(date(2025, 1, 1), "quarter")]).empty


def test_reliability_counts_each_forecast_once_and_bounds_its_share_by_wilson():
    table = tabulate_reliability([0.05, 0.05, 0.15, 0.95, 1.0, np.nan], [0, 1, 0, 1, 1, 1], bins=10)
    assert table["bin"].tolist() == ["0–10 %", "10–20 %", "90–100 %"]
    assert table["n"].tolist() == [2, 1, 2] and table["hit"].tolist() == [1, 0, 2]
    assert table["foreseen"].tolist() == pytest.approx([0.05, 0.15, 0.975])
    # Wilson for 1 of 2 at 95 %: (0.5 + z²/4 ± z·√(0.125 + z²/16)) ÷ (1 + z²/2), with z² = 3.8415.
    assert table.loc[0, ["low", "high"]].tolist() == pytest.approx([0.0945, 0.9055], abs=1e-4)


@pytest.mark.parametrize(
    ("probability", "hit", "bins"), [([0.5], [True, False], 5), ([50], [True], 5), ([0.5], [True], 0)]
)
def test_reliability_refuses_what_is_no_probability(probability, hit, bins):
    with pytest.raises(QuestionError, match="reliability"):
        tabulate_reliability(probability, hit, bins=bins)
