"""The test that each kind of number deserves: shares of records, counts, averages and times, and sums of money."""

import numpy as np
import pandas as pd

from helpers.analyses.control_limits import surprise

LEAST_EXPECTED = 5
"""Below this expected count in a cell of the two-by-two table the exact test takes over (Campbell 2007)."""

LEAST_FOR_MONEY = 10
"""Records on either side below which a sum of money isn't tested: one large deal decides it."""

LEAST_FOR_VALUES, LEAST_FOR_MONEY_SHARES = 5, 30
"""Records on either side below which averages and medians, and shares of money, aren't tested."""


def score_shares(k1: np.ndarray, n1: np.ndarray, k0: np.ndarray, n0: np.ndarray) -> np.ndarray:
    """Return the score of a difference between two shares of records.

    The score test with pooled variance; where a cell of the table is expected to hold fewer than five, the mid-p of
    Fisher's exact test.

    >>> float(score_shares(np.array([30.0]), np.array([100.0]), np.array([45.0]), np.array([100.0]))[0].round(3))
    -2.191
    """
    pooled = (k1 + k0) / (n1 + n0)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (k1 / n1 - k0 / n0) / np.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n0))
    expected = np.minimum(n1, n0) * np.minimum(pooled, 1 - pooled)
    small = np.flatnonzero((expected < LEAST_EXPECTED) & np.isfinite(k1 + n1 + k0 + n0) & (n1 > 0) & (n0 > 0))
    for i in small:
        z[i] = _fisher(int(k1[i]), int(n1[i]), int(k0[i]), int(n0[i]))
    return z


def _fisher(k1: int, n1: int, k0: int, n0: int) -> float:
    from scipy.special import ndtri
    from scipy.stats import hypergeom

    if k1 + k0 in (0, n1 + n0):
        return 0.0
    table = hypergeom(n1 + n0, k1 + k0, n1)
    just = table.pmf(k1)
    below, above = table.cdf(k1 - 1) + just / 2, table.sf(k1) + just / 2
    return float(ndtri(below) if below <= above else -ndtri(above))


def score_counts(now: np.ndarray, before: np.ndarray, days: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return the score of a difference between two counts, given how many days each was counted over.

    Of all events together, how many fall into the later period is binomial (Przyborowski and Wilenski 1940); mid-p.
    """
    share = days[0] / (days[0] + days[1])
    known = np.isfinite(now + before + share)
    z = surprise(np.where(known, now, 0), np.where(known, now + before, 0), np.where(known, share, 0.5))
    return np.where(known & (now + before > 0), z, np.nan)


def score_sums(
    now: np.ndarray,
    before: np.ndarray,
    squares: tuple[np.ndarray, np.ndarray],
    n: tuple[np.ndarray, np.ndarray],
    days: tuple[np.ndarray, np.ndarray],
    spread: np.ndarray | float = 1.0,
) -> np.ndarray:
    """Return the score of a difference between two sums of amounts, number and size of the records both free to move.

    Both sums are compound Poisson: variance Σx². If nothing changed, each record could have fallen into either period,
    so the score is that of dealing all records out anew. Where the number of records usually varies by a factor φ more
    than chance makes it, their average size x̄ carries that into the sum: variance Σx² + (φ − 1)·n·x̄². Too few records
    on either side give no score.
    """
    share = days[0] / (days[0] + days[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        total = squares[0] + squares[1] + (spread - 1) * (now + before) ** 2 / (n[0] + n[1])
        z = ((1 - share) * now - share * before) / np.sqrt(share * (1 - share) * total)
    enough = (n[0] >= LEAST_FOR_MONEY) & (n[1] >= LEAST_FOR_MONEY)
    return np.where(enough, z, np.nan)


def score_values(both: pd.DataFrame, confidence: float) -> np.ndarray:
    """Return the score of a difference between two values by their intervals.

    Averages, medians and other positive values are compared by their ratio, on the scale of logarithms, since money and
    days are skewed; shares of money by their odds. Few records widen the score (Student's t), fewer than five on
    either side give none, nor do fewer than thirty for a share of money.
    """
    from scipy.special import ndtri, stdtr, stdtrit

    value, earlier = (both[name].to_numpy(float) for name in ("value", "previous_value"))
    low, high, low0, high0 = (both[name].to_numpy(float) for name in ("low", "high", "low_before", "high_before"))
    n, n0 = (both[name].to_numpy(float, na_value=np.nan) for name in ("n", "previous_n"))
    numerator, denominator = (both[name].to_numpy(float) for name in ("numerator", "denominator"))
    is_average = np.isfinite(numerator) & (denominator == n)
    is_share = np.isfinite(denominator) & ~is_average & (np.maximum(value, earlier) <= 1)
    tail = 0.5 + confidence / 2
    wide, wide0 = (np.where(is_average | is_share, stdtrit(np.maximum(k - 1, 1), tail), ndtri(tail)) for k in (n, n0))
    with np.errstate(divide="ignore", invalid="ignore"):
        plain = (value - earlier) / (np.hypot((high - low) / wide, (high0 - low0) / wide0) / 2)
        by_ratio = np.log(value / earlier) / (np.hypot(np.log(high / low) / wide, np.log(high0 / low0) / wide0) / 2)
        by_odds = (_odds(value) - _odds(earlier)) / (
            np.hypot((_odds(high) - _odds(low)) / wide, (_odds(high0) - _odds(low0)) / wide0) / 2
        )
    plain = np.where(is_share & np.isfinite(by_odds), by_odds, plain)
    least = np.where(is_share, LEAST_FOR_MONEY_SHARES, LEAST_FOR_VALUES)
    fewer = np.minimum(n, n0)
    score = np.where((low > 0) & (low0 > 0) & ~is_share, by_ratio, plain)
    exact = ndtri(stdtr(np.maximum(fewer - 1, 1), -np.abs(score)))
    return np.where(fewer >= least, -np.sign(score) * exact, np.nan)


def _odds(share: np.ndarray) -> np.ndarray:
    return np.log(share / (1 - share))


def measure_count_dispersion(history: pd.DataFrame, on: list[str], pools: list[str]) -> pd.Series:
    """Measure by what factor counts vary from period to period more than chance makes them.

    Successive differences leave a steady trend out of it; the series of a pool are taken together.

    Args:
        history: Cells of complete periods, with period_start, n and the columns of ``on`` and ``pools``.
        on: Columns that name a series.
        pools: Columns that name what is taken together, such as the KPI.

    Returns:
        Per pool the factor, at least 1; pools with fewer than four differences are left out.
    """
    keys = list(dict.fromkeys([*pools, *on]))
    rows = history.sort_values([*keys, "period_start"], kind="stable")
    n = rows["n"].astype(float)
    earlier = n.groupby([rows[key] for key in keys]).shift()
    used = earlier.notna() & (n + earlier > 0)
    pooled = [rows.loc[used, name] for name in pools]
    squared = ((n - earlier) ** 2)[used].groupby(pooled)
    ratio = squared.sum() / (n + earlier)[used].groupby(pooled).sum()
    return ratio[squared.size() >= 4].clip(lower=1.0)
