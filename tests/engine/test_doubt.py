"""Intervals against scipy, numpy and resampling."""

import numpy as np
import pytest
from scipy import stats

from helpers.engine.doubt import grouped_quantile, mean_interval, quantile_ranks, ratio_interval, wilson_interval


@pytest.mark.parametrize(("successes", "n"), [(0, 5), (1, 3), (8, 10), (50, 200), (7, 7)])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_wilson_equals_scipy(successes, n, confidence):
    expected = stats.binomtest(successes, n).proportion_ci(confidence, method="wilson")
    low, high = wilson_interval(np.array([successes]), np.array([n]), confidence)
    assert low[0] == pytest.approx(expected.low, abs=1e-12)
    assert high[0] == pytest.approx(expected.high, abs=1e-12)


def test_wilson_of_nothing_is_blank():
    low, high = wilson_interval(np.array([0]), np.array([0]))
    assert np.isnan(low[0])
    assert np.isnan(high[0])


def test_the_interval_of_a_mean_equals_students():
    values = np.array([3.0, 5.0, 8.0, 13.0])
    low, high = mean_interval(np.array([values.sum()]), np.array([(values**2).sum()]), np.array([4]))
    expected = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
    assert (low[0], high[0]) == pytest.approx(expected)
    assert np.isnan(mean_interval(np.array([3.0]), np.array([9.0]), np.array([1]))[0][0])


def test_the_interval_of_a_ratio_is_near_that_of_resampling():
    rng = np.random.default_rng(3)
    size = rng.lognormal(8, 0.7, 400)
    won = rng.random(400) < 0.3
    x, y = size * won, size
    sums = tuple(np.array([part.sum()]) for part in (x, y, x * x, x * y, y * y))
    low, high = ratio_interval(sums, np.array([400]))
    picks = rng.integers(0, 400, (4000, 400))
    resampled = np.quantile(x[picks].sum(axis=1) / y[picks].sum(axis=1), [0.025, 0.975])
    assert (low[0], high[0]) == pytest.approx(resampled, abs=0.01)


@pytest.mark.parametrize(("n", "low", "high"), [(5, 0, 0), (6, 1, 6), (10, 2, 9), (20, 6, 15), (100, 40, 61)])
def test_ranks_around_a_median_are_those_of_published_tables(n, low, high):
    """Order statistics for a 95 % interval of the median: Conover, Practical Nonparametric Statistics, table A3."""
    found = quantile_ranks(np.array([n]), 0.5)
    assert (found[0][0], found[1][0]) == (low, high)


@pytest.mark.parametrize("quantile", [0.5, 0.9])
def test_quantiles_per_group_are_those_of_numpy(quantile):
    rng = np.random.default_rng(1)
    groups, values = rng.integers(0, 6, 200), rng.integers(0, 300, 200)
    groups[groups == 3] = 2
    value, low, high, n = grouped_quantile(groups, values, 6, quantile)
    for group in range(6):
        mine = values[groups == group]
        assert n[group] == len(mine)
        if len(mine):
            assert value[group] == pytest.approx(np.quantile(mine, quantile))
            assert not low[group] > value[group]
            assert not high[group] < value[group]
        else:
            assert np.isnan(value[group])


def test_an_interval_of_the_median_holds_it_as_often_as_it_says():
    rng = np.random.default_rng(7)
    groups = np.repeat(np.arange(2000), 25)
    _, low, high, _ = grouped_quantile(groups, rng.exponential(1, len(groups)), 2000, 0.5)
    held = ((low <= np.log(2)) & (np.log(2) <= high)).mean()
    assert 0.94 <= held <= 0.99
