"""The landing's range and the chance of a goal, held to companies whose true next quarter is known.

The ordinary run draws 50 companies; a thousand are drawn by ``python -m pytest -m acceptance tests/simulated``.
"""

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.landing_backtest import tabulate_reliability
from helpers.engine.doubt import wilson_interval
from tests.simulated.runs import run_worlds, score_runs
from tests.simulated.world import World, cut_exports, draw_exports, sum_won

FEW, MANY, WITHIN = range(50), range(1000), range(0, 1000, 5)
METHODS_ON_RECORDS = ("coverage", "stage_weighted", "cohort_vector", "simulation")


@pytest.fixture(scope="module")
def few():
    return run_worlds(World(), FEW)


def count_outside(table: pd.DataFrame) -> int:
    """Count the bins whose mean probability lies outside the Wilson bounds of how often it came."""
    return int(((table["foreseen"] < table["low"]) | (table["foreseen"] > table["high"])).sum())


def spiegelhalter(probability: pd.Series, hit: pd.Series) -> float:
    """Return Spiegelhalter's z: standard normal where forecasts are calibrated."""
    p, x = probability.to_numpy(), hit.to_numpy().astype(float)
    return float(((x - p) * (1 - 2 * p)).sum() / np.sqrt(((1 - 2 * p) ** 2 * p * (1 - p)).sum()))


def test_the_range_of_fifty_companies_covers_as_often_as_it_says(few):
    scores = score_runs(few[0]).set_index("method")
    held = round(scores.loc["simulation", "covered"] * len(FEW))
    low, high = wilson_interval(np.array([held]), np.array([len(FEW)]), 0.99)
    assert low[0] <= 0.8 <= high[0]


def test_the_chance_of_a_goal_is_calibrated_over_fifty_companies(few):
    table = tabulate_reliability(few[1]["probability"], few[1]["hit"], bins=5, confidence=0.99)
    assert table["n"].sum() == len(FEW)
    assert count_outside(table) == 0
    assert abs(spiegelhalter(few[1]["probability"], few[1]["hit"])) < 2.6


@pytest.mark.parametrize("method", METHODS_ON_RECORDS)
def test_every_method_that_reads_records_beats_the_naive_forecast(few, method):
    scores = score_runs(few[0]).set_index("method")
    assert scores.loc[method, "n"] == len(FEW)
    assert scores.loc[method, "against_naive"] < 1


def test_coverage_week_k_and_to_go_are_one_on_the_first_morning(few):
    wide = few[0].pivot(index="seed", columns="method", values="expected")
    assert np.allclose(wide["coverage"], wide["week_k"]) and np.allclose(wide["coverage"], wide["to_go"])


def test_the_world_is_the_one_its_parameters_tell():
    world = World(volume_shock=0.0, win_shock=0.0, quarters=40, per_quarter=150)
    whole = draw_exports(world, seed=1)
    old = whole.deals[whole.deals["created_at"] < whole.deals["created_at"].max() - pd.Timedelta(days=900)]
    won = old["stage"] == "Closed Won"
    assert won.mean() == pytest.approx(world.win_share * (1 - world.stuck), abs=0.02)
    days = (old["closed_at"] - old["created_at"])[won].dt.days
    assert days.median() == pytest.approx(world.days, rel=0.05)
    # An amount changes once on the way by a factor of mean 1, whose median lies below 1.
    assert old["amount"].median() == pytest.approx(world.size * np.exp(-(0.25**2) / 2), rel=0.05)
    assert len(old) / 30 == pytest.approx(world.per_quarter, rel=0.08)


def test_a_cut_export_holds_nothing_later_than_its_day():
    whole = draw_exports(World(), seed=2)
    day = pd.Timestamp("2023-05-10")
    cut = cut_exports(whole, day)
    closed = cut.deals["stage"].isin(["Closed Won", "Closed Lost"])
    assert cut.deals["created_at"].max() <= day and cut.history["changed_at"].max() <= day
    assert (cut.deals.loc[closed, "closed_at"] <= day).all()
    assert sum_won(cut, pd.Timestamp("2023-01-01"), day) == sum_won(whole, pd.Timestamp("2023-01-01"), day)


@pytest.mark.acceptance
def test_a_thousand_companies_hold_the_range_the_chance_and_the_order_of_the_methods(capsys):
    rows, chances = run_worlds(World(), MANY)
    within, chances_within = run_worlds(World(), WITHIN, weeks=(3,))
    scores = score_runs(pd.concat([rows, within], ignore_index=True))
    table = tabulate_reliability(chances["probability"], chances["hit"])
    z = spiegelhalter(chances["probability"], chances["hit"])
    with capsys.disabled():
        print("\n", scores.round(3).to_string(index=False))
        print("\n", table.round(3).to_string(index=False), f"\n Spiegelhalter's z {z:.2f}")
        later = tabulate_reliability(chances_within["probability"], chances_within["hit"], bins=5)
        print("\n After three weeks:\n", later.round(3).to_string(index=False))
    start = scores[scores["week"] == 0].set_index("method")
    assert 0.77 <= start.loc["simulation", "covered"] <= 0.83
    assert len(table) == 10 and count_outside(table) <= 1
    assert abs(z) < 2
    assert (start.loc[list(METHODS_ON_RECORDS), "against_naive"] < 0.8).all()
