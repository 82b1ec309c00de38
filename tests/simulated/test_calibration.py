"""The landing's range and the chance of a goal, held to companies whose true next quarter is known.

The ordinary run draws 50 companies; a thousand are drawn by ``python -m pytest -m acceptance tests/simulated``.
"""

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.landing_backtest import tabulate_reliability
from helpers.engine.doubt import wilson_interval
from tests.simulated.runs import compare_methods, score_methods, simulate_worlds
from tests.simulated.world import World, cut_exports, draw_exports, sum_won
from tests.simulated.years import simulate_years

FEW, MANY, SOME, BARE = range(50), range(1000), range(0, 1000, 8), range(2000, 3000)
WEEKS = (0, 3, 9)
METHODS_ON_RECORDS = ("coverage", "stage_weighted", "cohort_vector", "simulation")


@pytest.fixture(scope="module")
def few():
    return simulate_worlds(World(), FEW)


@pytest.fixture(scope="module")
def compared():
    return compare_methods(World(), range(25))


def count_covered(runs: pd.DataFrame) -> int:
    """Count the runs whose range holds the truth."""
    return int(((runs["low"] <= runs["truth"]) & (runs["truth"] <= runs["high"])).sum())


def count_outside(table: pd.DataFrame) -> int:
    """Count the bins whose mean probability lies outside the Wilson bounds of how often it came."""
    return int(((table["foreseen"] < table["low"]) | (table["foreseen"] > table["high"])).sum())


def spiegelhalter(probability: pd.Series, hit: pd.Series) -> float:
    """Return Spiegelhalter's z: standard normal where forecasts are calibrated."""
    p, x = probability.to_numpy(), hit.to_numpy().astype(float)
    return float(((x - p) * (1 - 2 * p)).sum() / np.sqrt(((1 - 2 * p) ** 2 * p * (1 - p)).sum()))


def test_the_range_of_fifty_companies_covers_as_often_as_it_says(few):
    low, high = wilson_interval(np.array([count_covered(few)]), np.array([len(FEW)]), 0.99)
    assert low[0] <= 0.8 <= high[0]


def test_the_chance_of_a_goal_is_calibrated_over_fifty_companies(few):
    table = tabulate_reliability(few["probability"], few["hit"], bins=5, confidence=0.99)
    assert table["n"].sum() == len(FEW)
    assert count_outside(table) == 0
    assert abs(spiegelhalter(few["probability"], few["hit"])) < 2.6


@pytest.mark.parametrize("method", METHODS_ON_RECORDS)
def test_every_method_that_reads_records_beats_the_naive_forecast(compared, method):
    scores = score_methods(compared).set_index("method")
    assert scores.loc[method, "n"] == 25
    assert scores.loc[method, "against_naive"] < 1


def test_coverage_week_k_and_to_go_are_one_on_the_first_morning(compared):
    wide = compared.pivot(index="seed", columns="method", values="expected")
    assert np.allclose(wide["coverage"], wide["week_k"]) and np.allclose(wide["coverage"], wide["to_go"])


def test_wins_counted_and_sized_cover_as_often_where_open_deals_carry_no_amount():
    bare = simulate_worlds(World(), BARE[:25], is_bare=True)
    low, high = wilson_interval(np.array([count_covered(bare)]), np.array([len(bare)]), 0.99)
    assert low[0] <= 0.8 <= high[0]
    assert (bare["expected"] - bare["truth"]).sum() / bare["truth"].sum() == pytest.approx(0, abs=0.15)


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
def test_a_thousand_companies_hold_the_range_and_the_chance(capsys):
    runs = simulate_worlds(World(), MANY)
    covered = count_covered(runs) / len(runs)
    table = tabulate_reliability(runs["probability"], runs["hit"])
    z = spiegelhalter(runs["probability"], runs["hit"])
    with capsys.disabled():
        print(f"\n80 % ranges that held: {covered:.1%} of {len(runs)}; Spiegelhalter's z {z:.2f}")
        print(table.round(3).to_string(index=False))
    assert 0.77 <= covered <= 0.83
    assert len(table) == 10 and count_outside(table) <= 1
    assert abs(z) < 2


@pytest.mark.acceptance
def test_a_thousand_companies_whose_open_deals_carry_no_amount_hold_the_range(capsys):
    runs = simulate_worlds(World(), BARE, is_bare=True)
    low, high = wilson_interval(np.array([count_covered(runs)]), np.array([len(runs)]))
    with capsys.disabled():
        print(f"\n80 % ranges that held without amounts: {count_covered(runs) / len(runs):.1%} of {len(runs)}")
    assert low[0] <= 0.8 <= high[0]


@pytest.mark.acceptance
def test_the_methods_keep_their_order_over_the_weeks_of_a_quarter(capsys):
    scores = score_methods(compare_methods(World(), SOME, weeks=WEEKS))
    with capsys.disabled():
        print("\n", scores.round(3).to_string(index=False))
    error = scores.set_index(["method", "week"])["against_naive"]
    assert (error[[(method, week) for method in METHODS_ON_RECORDS for week in WEEKS]] < 0.8).all()
    for method in ("to_go", "stage_weighted", "cohort_vector", "simulation"):
        assert error[method, 0] > error[method, 3] > error[method, 9]


def test_the_chance_of_a_year_s_goal_is_calibrated_over_fifty_companies():
    runs = simulate_years(World(), FEW, draws=1000)
    low, high = wilson_interval(np.array([count_covered(runs)]), np.array([len(runs)]), 0.99)
    assert low[0] <= 0.8 <= high[0]
    table = tabulate_reliability(runs["probability"], runs["hit"], bins=5, confidence=0.99)
    assert table["n"].sum() == len(FEW) and count_outside(table) == 0


@pytest.mark.acceptance
def test_a_thousand_companies_hold_the_range_and_the_chance_of_a_year(capsys):
    runs = simulate_years(World(), MANY)
    covered = count_covered(runs) / len(runs)
    table = tabulate_reliability(runs["probability"], runs["hit"])
    z = spiegelhalter(runs["probability"], runs["hit"])
    with capsys.disabled():
        print(f"\n80 % ranges of a year that held: {covered:.1%} of {len(runs)}; Spiegelhalter's z {z:.2f}")
        print(table.round(3).to_string(index=False))
    assert 0.77 <= covered <= 0.83
    assert len(table) == 10 and count_outside(table) <= 1
    assert abs(z) < 2
