"""How sure a number is: intervals for shares, means, ratios and quantiles, for whole arrays at once.

Every function returns a lower and an upper bound of the same shape; NaN where the data can't give one.
"""

from statistics import NormalDist

import numpy as np


def wilson_interval(successes: np.ndarray, n: np.ndarray, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Give the Wilson score interval of a share whose successes are a subset of its n.

    Args:
        successes: How many records succeeded.
        n: How many records there were; 0 gives NaN.
        confidence: Of the interval, 0–1.

    Source: Wilson (1927); Brown, Cai and DasGupta (2001).

    >>> low, high = wilson_interval(np.array([8]), np.array([10]))
    >>> round(float(low[0]), 4), round(float(high[0]), 4)
    (0.4902, 0.9433)
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    successes, n = np.asarray(successes, float), np.asarray(n, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = successes / n
        centre = (share + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    none = n <= 0
    low = np.where(none, np.nan, np.where(successes <= 0, 0.0, centre - half))
    high = np.where(none, np.nan, np.where(successes >= n, 1.0, centre + half))
    return low, high


def mean_interval(
    total: np.ndarray, squares: np.ndarray, n: np.ndarray, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Give Student's t interval of a mean from its sum, its sum of squares and its n; NaN below two records."""
    from scipy.special import stdtrit

    n = np.asarray(n, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / n
        variance = np.maximum(squares - total * mean, 0) / (n - 1)
        half = stdtrit(np.maximum(n - 1, 1), 0.5 + confidence / 2) * np.sqrt(variance / n)
    few = n < 2
    return np.where(few, np.nan, mean - half), np.where(few, np.nan, mean + half)


def ratio_interval(
    sums: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    n: np.ndarray,
    confidence: float = 0.95,
) -> tuple[np.ndarray, np.ndarray]:
    """Give the interval of a ratio of two sums over the same records, by its linearised variance.

    Args:
        sums: Σx, Σy, Σx², Σxy, Σy² of numerator x and denominator y.
        n: How many records; below two there is no interval.
        confidence: Of the interval.

    Source: Cochran, Sampling Techniques, §6.4 (ratio estimator), normal approximation. It tells how far the ratio would
    move with another draw of records of the same kind; a few very large records make it too narrow.
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    x, y, xx, xy, yy = (np.asarray(part, float) for part in sums)
    n = np.asarray(n, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = x / y
        residual = np.maximum(xx - 2 * ratio * xy + ratio * ratio * yy, 0)
        half = z * np.sqrt(residual * n / (n - 1)) / np.abs(y)
    few = (n < 2) | (y == 0)
    return np.where(few, np.nan, ratio - half), np.where(few, np.nan, ratio + half)


def positive_mean_interval(
    total: np.ndarray, squares: np.ndarray, n: np.ndarray, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Give the interval of a mean of amounts, on the scale of logarithms: amounts are skewed, and never below zero.

    Student's t on the logarithm of the mean (delta method); a mean that isn't positive takes Student's own interval.
    NaN below two records. Very skewed amounts (a standard deviation above the mean) leave it too narrow below about a
    hundred records.
    """
    low, high = mean_interval(total, squares, n, confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.asarray(total, float) / n
        stretch = np.exp((high - low) / 2 / mean)
        positive = mean > 0
        return np.where(positive, mean / stretch, low), np.where(positive, mean * stretch, high)


def _linearised(sums: tuple[np.ndarray, ...], n: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a ratio of sums and half its interval, by Student's t."""
    from scipy.special import ndtri, stdtrit

    ratio = np.asarray(sums[0], float) / np.asarray(sums[1], float)
    low, high = ratio_interval(sums, n, confidence)
    n = np.asarray(n, float)
    widened = stdtrit(np.maximum(n - 1, 1), 0.5 + confidence / 2) / ndtri(0.5 + confidence / 2)
    return ratio, (high - low) / 2 * widened


def share_of_sums_interval(
    sums: tuple[np.ndarray, ...], n: np.ndarray, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Give the interval of a share of two sums over the same records, on the scale of log odds; it stays in 0–1.

    Args:
        sums: Σx, Σy, Σx², Σxy, Σy² of the part x and the whole y.
        n: How many records; below two there is no interval, nor where all or nothing is the part: amounts alone don't
            tell how far from certain that is.
        confidence: Of the interval.

    Source: delta method on the logit of Cochran's ratio estimator (§6.4), Student's t.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        share, half = _linearised(sums, n, confidence)
        odds, reach = np.log(share / (1 - share)), half / (share * (1 - share))
        inside = (share > 0) & (share < 1)
        low, high = 1 / (1 + np.exp(-(odds - reach))), 1 / (1 + np.exp(-(odds + reach)))
        return np.where(inside, low, np.nan), np.where(inside, high, np.nan)


def ratio_of_sums_interval(
    sums: tuple[np.ndarray, ...], n: np.ndarray, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Give the interval of a ratio of two sums that may pass 1, on the scale of logarithms.

    Args:
        sums: Σx, Σy, Σx², Σxy, Σy² over the records that carry either.
        n: How many records; below two there is no interval, nor for a ratio of 0.
        confidence: Of the interval.

    Source: delta method on the logarithm of Cochran's ratio estimator (§6.4), Student's t.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio, half = _linearised(sums, n, confidence)
        stretch = np.exp(half / ratio)
        return np.where(ratio > 0, ratio / stretch, np.nan), np.where(ratio > 0, ratio * stretch, np.nan)


def quantile_ranks(n: np.ndarray, quantile: float, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Give the ranks (from 1) of the order statistics that hold a quantile with at least the confidence.

    Returns:
        Lower and upper rank per n as int64; 0 where so few records can't bound that side.

    Source: distribution-free interval from the binomial distribution (Conover, Practical Nonparametric Statistics).

    >>> low, high = quantile_ranks(np.array([5, 20]), 0.5)
    >>> low.tolist(), high.tolist()
    ([0, 6], [0, 15])
    """
    from scipy.special import bdtr

    n = np.asarray(n, np.int64)
    tail = (1 - confidence) / 2
    sizes, back = np.unique(n, return_inverse=True)
    low, high = np.zeros(len(sizes), np.int64), np.zeros(len(sizes), np.int64)
    for i, size in enumerate(sizes.tolist()):
        if size < 1:
            continue
        width = int(6 * np.sqrt(size) + 10)
        around = np.arange(max(0, int(size * quantile) - width), min(size, int(size * quantile) + width))
        at_most = bdtr(around.astype(float), size, quantile)
        below = around[at_most <= tail]
        above = around[at_most >= 1 - tail]
        low[i] = below[-1] + 1 if len(below) else 0
        high[i] = above[0] + 1 if len(above) else 0
    return low[back].reshape(n.shape), high[back].reshape(n.shape)


def grouped_quantile(
    groups: np.ndarray,
    values: np.ndarray,
    n_groups: int,
    quantile: float,
    confidence: float = 0.95,
    *,
    times: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Give a quantile of the values in each group, with its order-statistic interval.

    Args:
        groups: Group of each value, 0 … n_groups − 1.
        values: The values.
        n_groups: How many groups.
        quantile: 0–1; interpolated linearly between neighbours, as numpy and spreadsheets do.
        confidence: Of the interval.
        times: How often each value occurs in its group; None for once. Then groups and values are sorted already.

    Returns:
        Quantile, lower bound, upper bound (float, NaN where empty or too few) and n per group.
    """
    if times is None:
        order = np.lexsort((values, groups))
        groups, values, times = groups[order], values[order], np.ones(len(order), np.int64)
    ordered = np.asarray(values, float)
    n = np.bincount(groups, weights=times, minlength=n_groups)[:n_groups].astype(np.int64)
    first = np.concatenate(([0], np.cumsum(n)[:-1]))
    if not len(ordered):
        nothing = np.full(n_groups, np.nan)
        return nothing, nothing.copy(), nothing.copy(), n
    upto = np.cumsum(times)

    def rank(place: np.ndarray) -> np.ndarray:
        """Return the value at a place, from 0, among all of them."""
        return ordered[np.searchsorted(upto, np.clip(place, 0, upto[-1] - 1), side="right")]

    at = (n - 1) * quantile
    below = np.clip(np.floor(at), 0, None).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(n - 1, 0))
    left, right = rank(first + below), rank(first + above)
    value = np.where(n > 0, left + (right - left) * (at - below), np.nan)
    low_rank, high_rank = quantile_ranks(n, quantile, confidence)
    low = np.where(low_rank > 0, rank(first + low_rank - 1), np.nan)
    high = np.where(high_rank > 0, rank(first + high_rank - 1), np.nan)
    return value, low, high, n
