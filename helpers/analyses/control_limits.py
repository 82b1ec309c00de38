"""How far a rate of n records strays from a known rate by chance: exact tests, control limits, over-dispersion.

Source: Spiegelhalter (2005), Funnel plots for comparing institutional performance, Statistics in Medicine 24:1185–1202.
"""

import numpy as np

WARNING, ALARM = 0.95, 0.998
"""The two usual pairs of limits: by chance alone 1 unit in 20 lies outside the inner ones, 1 in 500 the outer ones."""

LEAST_FOR_DISPERSION = 10
"""Fewer units can't tell a general spread from one unit that is different."""

WINSORISED = 0.1


def surprise(successes: np.ndarray, n: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """Return the z-score of counts against expected rates, from the exact binomial mid-p.

    Args:
        successes: Successes of each unit.
        n: Its records; 0 gives 0.
        rate: Its expected rate.

    Returns:
        Standard normal scores, negative where fewer succeeded than expected; at most 8 either way.

    >>> surprise(np.array([15.0]), np.array([30.0]), np.array([0.5])).round(6).tolist()
    [0.0]
    """
    from scipy.special import bdtr, bdtrc, ndtri

    k, n, rate = (np.asarray(part, float) for part in np.broadcast_arrays(successes, n, rate))
    whole = np.floor(np.minimum(k, n))
    at_most = np.where(whole < n, bdtr(np.minimum(whole, n - 1).clip(0), n.clip(1).astype(int), rate), 1.0)
    above = 1 - at_most
    above = np.where(whole < n, bdtrc(np.minimum(whole, n - 1).clip(0), n.clip(1).astype(int), rate), above)
    below = np.where(whole > 0, bdtr((whole - 1).clip(0), n.clip(1).astype(int), rate), 0.0)
    just = np.maximum(1 - above - below, 0)
    low_side, high_side = below + just / 2, above + just / 2
    z = np.where(low_side <= high_side, ndtri(low_side), -ndtri(high_side))
    return np.where(n > 0, np.clip(z, -8, 8), 0.0)


def two_sided(z: np.ndarray) -> np.ndarray:
    """Return the two-sided p-value of a standard normal score."""
    from scipy.special import ndtr

    return 2 * ndtr(-np.abs(z))


def measure_dispersion(z: np.ndarray) -> float:
    """Return by what factor scores vary more than chance, 1 where no more than chance allows.

    The scores are winsorised, so that one unit that is really different doesn't hide itself; a factor above 1 is taken
    only where the whole is more than chance at the 5 % level, and with at least ten units.

    Args:
        z: Score of each unit.

    Source: Spiegelhalter (2005), section 3.2, multiplicative over-dispersion.
    """
    from scipy.special import chdtri

    z = np.sort(np.asarray(z, float))
    if len(z) < LEAST_FOR_DISPERSION:
        return 1.0
    outer = int(len(z) * WINSORISED)
    held = np.clip(z, z[outer], z[-1 - outer])
    factor = float((held**2).mean())
    return factor if factor > 1 and factor * len(z) > float(chdtri(len(z) - 1, 0.05)) else 1.0


def control_limits(
    n: np.ndarray, rate: float, confidence: float = WARNING, dispersion: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return between which rates units of n records lie by chance.

    Args:
        n: Records, 1 or more.
        rate: The rate of all.
        confidence: Share of units inside.
        dispersion: By what factor units vary more than chance (see ``measure_dispersion``).

    Returns:
        Lower and upper limit, 0–1, interpolated between the counts that are possible.

    Source: Spiegelhalter (2005), appendix A.1.1 (exact binomial limits); with over-dispersion their tails are those of
    the widened score.
    """
    from scipy.special import ndtr, ndtri

    n = np.asarray(n, np.int64)
    tail = float(ndtr(ndtri((1 - confidence) / 2) * np.sqrt(dispersion)))
    return _binomial_limit(n, rate, tail), _binomial_limit(n, rate, 1 - tail)


def _binomial_limit(n: np.ndarray, rate: float, level: float) -> np.ndarray:
    from scipy.special import bdtr, bdtrik

    guess = np.ceil(np.maximum(np.nan_to_num(bdtrik(level, n, rate)), 0))
    count = np.where((guess > 0) & (bdtr(np.maximum(guess - 1, 0), n, rate) >= level), guess - 1, guess)
    count = np.minimum(count, n)
    reached = np.where(count < n, bdtr(np.minimum(count, n - 1), n, rate), 1.0)
    below = np.where(count > 0, bdtr(np.maximum(count - 1, 0), n, rate), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(reached > below, (reached - level) / (reached - below), 0.0)
    return np.clip((count - part) / n, 0.0, 1.0)
