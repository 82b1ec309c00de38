"""How many records a slice should have brought: its own history, shrunk towards what its dimension values predict."""

import numpy as np

from helpers.analyses.cuboids import Cuboid, SliceLattice
from helpers.analyses.huber_scale import solve_scatter

LEAST_SLICES = 8
"""Fewer slices than this can't tell how far a combination of dimensions departs from independence."""

LEAST_PREDICTED = 1.0
"""Where less than this is predicted nothing is borrowed: a value that was hardly there says nothing of its slices."""

STRAY = 3.0
"""Standard errors beyond which a slice is nothing like the others of its dimensions, and its own history counts."""

FARTHEST = 1.0
"""The farthest that an expectation is moved away from a slice's own history (log scale)."""

LARGEST_SPREAD = 4.0
"""The largest variance of departures that is told apart from none at all being alike."""


def shrink_counts(counts: np.ndarray, standard: np.ndarray, lattice: SliceLattice) -> tuple[np.ndarray, np.ndarray]:
    """Shrink the count of every slice of two and more dimensions towards independence of its values.

    A slice of 4 records out of 12,000 might as well have had 8: what its values bring elsewhere says which is likelier,
    as far as slices of the same dimensions are like that (negative binomial departures). Where dimensions are nested,
    departures are large and every slice keeps its own count.

    Args:
        counts: Records of the expected side, per slice.
        standard: What the search compares with, per slice: the counts, and a little for what was never seen.
        lattice: The slices.

    Returns:
        Logarithm of expected ÷ standard, and the relative variance of the expectation, both per slice.

    Source:
        Gamma–Poisson shrinkage (empirical Bayes), as DuMouchel (1999) uses it on the cells of a contingency table.
    """
    log_ratio, variance = np.zeros(lattice.count), 1.0 / np.maximum(counts, 0.5)
    whole = lattice.cuboids[0]
    total = float(counts[whole.start : whole.start + whole.size].sum())
    if total <= 0:
        return log_ratio, variance
    for cuboid in lattice.cuboids:
        rows = slice(cuboid.start, cuboid.start + cuboid.size)
        if len(cuboid.dimensions) > 1:
            log_ratio[rows], variance[rows] = _shrink_cuboid(cuboid, rows, counts, standard, lattice, total)
    return _share_same_records(log_ratio, variance, lattice)


def _shrink_cuboid(
    cuboid: Cuboid, rows: slice, counts: np.ndarray, standard: np.ndarray, lattice: SliceLattice, total: float
) -> tuple[np.ndarray, np.ndarray]:
    """Shrink the slices of one combination of dimensions."""
    parents = counts[lattice.parents[rows, : len(cuboid.dimensions)]]
    own = counts[rows]
    predicted = total * (parents / total).prod(axis=1)
    spread = measure_spread(own, predicted)
    if not np.isfinite(spread):
        return np.zeros(cuboid.size), 1.0 / np.maximum(own, 0.5)
    prior = 1.0 / max(spread, 1e-6)
    ratio = (own + prior) / (predicted + prior)
    expected = ratio * predicted
    of_prediction = np.maximum(1.0 / np.maximum(parents, 0.5) - 1.0 / total, 0.0).sum(axis=1)
    borrowed = prior / (predicted + prior)
    variance = 1.0 / np.maximum(own + prior, 0.5) + borrowed**2 * of_prediction
    log_ratio = np.log(np.maximum(expected, 1e-9) / np.maximum(standard[rows], 1e-9))
    is_like_others = np.abs(own - predicted) <= STRAY * np.sqrt(predicted + spread * predicted**2)
    is_told = (predicted >= LEAST_PREDICTED) & (standard[rows] > 0) & is_like_others
    alone = 1.0 / np.maximum(own, 0.5)
    is_reached = is_told & (np.abs(log_ratio) <= FARTHEST)  # held back half way, it is no surer than its own history
    return (
        np.where(is_told, np.clip(log_ratio, -FARTHEST, FARTHEST), 0.0),
        np.where(is_reached, np.minimum(variance, alone), alone),
    )


def measure_spread(counts: np.ndarray, predicted: np.ndarray) -> float:
    """Return the variance of (true count ÷ predicted) beyond chance, as of a negative binomial.

    Args:
        counts: Records per slice.
        predicted: What independence predicts.

    Returns:
        The variance, 0 where counts scatter no more than chance; infinite where too few slices can tell or where they
        are nothing alike.
    """
    usable = predicted >= LEAST_PREDICTED
    if usable.sum() < LEAST_SLICES:
        return float("inf")
    squares, means = (counts[usable] - predicted[usable]) ** 2, predicted[usable]
    spread = solve_scatter(lambda spread: squares / (means + spread * means**2), 0.0, LARGEST_SPREAD)
    return spread if spread < 0.99 * LARGEST_SPREAD else float("inf")


def _share_same_records(
    log_ratio: np.ndarray, variance: np.ndarray, lattice: SliceLattice
) -> tuple[np.ndarray, np.ndarray]:
    """Give slices that hold the same leaves the same expectation, the shallowest one's: they are one and the same."""
    marks = np.random.default_rng(2).integers(1, 2**31, len(lattice.coded)).astype(float)
    _, first, where = np.unique(lattice.sum(marks), return_index=True, return_inverse=True)
    return log_ratio[first][where.reshape(-1)], variance[first][where.reshape(-1)]
