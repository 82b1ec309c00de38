"""Control limits and surprise: against scipy's binomial, and as rare by chance as they say."""

import numpy as np
import pytest
from scipy import stats

from helpers.analyses.control_limits import ALARM, WARNING, control_limits, measure_dispersion, surprise, two_sided


@pytest.mark.parametrize(("k", "n", "rate"), [(0, 12, 0.2), (3, 30, 0.24), (30, 30, 0.9), (250, 400, 0.55)])
def test_surprise_is_the_mid_p_of_the_binomial(k, n, rate):
    low = stats.binom.cdf(k - 1, n, rate) + stats.binom.pmf(k, n, rate) / 2
    assert stats.norm.cdf(surprise(np.array([k]), np.array([n]), rate)[0]) == pytest.approx(low, abs=1e-9)


@pytest.mark.parametrize(("level", "rate", "n"), [(WARNING, 0.25, 37), (ALARM, 0.1, 220), (WARNING, 0.6, 1500)])
def test_limits_hold_the_share_of_units_that_they_name(level, rate, n):
    low, high = control_limits(np.array([n]), rate, level)
    counts = np.arange(n + 1)
    inside = stats.binom.pmf(counts, n, rate)[(counts >= low[0] * n) & (counts <= high[0] * n)].sum()
    assert inside == pytest.approx(level, abs=0.05 if n < 100 else 0.012)


def test_limits_of_many_records_are_those_of_the_normal_curve():
    low, high = control_limits(np.array([100_000]), 0.3)
    half = 1.959964 * np.sqrt(0.3 * 0.7 / 100_000)
    assert (low[0], high[0]) == pytest.approx((0.3 - half, 0.3 + half), abs=1e-5)


def test_over_dispersion_widens_limits_by_its_root():
    n = np.array([50_000])
    plain, wide = control_limits(n, 0.3), control_limits(n, 0.3, dispersion=4.0)
    assert wide[1][0] - 0.3 == pytest.approx(2 * (plain[1][0] - 0.3), rel=0.01)


def test_dispersion_is_found_where_it_is_and_one_odd_unit_is_none():
    rng = np.random.default_rng(3)
    chance = [measure_dispersion(rng.normal(size=20)) for _ in range(400)]
    assert np.mean(np.array(chance) > 1) <= 0.05
    spread = [measure_dispersion(rng.normal(scale=2, size=40)) for _ in range(200)]
    assert np.mean(np.array(spread) > 1) > 0.95
    assert 2.2 < np.median(spread) < 4
    odd = np.append(rng.normal(size=19), -9)
    assert measure_dispersion(odd) == 1.0
    assert measure_dispersion(np.full(9, 3.0)) == 1.0


def test_two_sided():
    assert two_sided(np.array([-1.959964, 0.0])) == pytest.approx([0.05, 1.0], abs=1e-6)
