"""How strongly each slice departs from the rest: the likelihood that it moved on its own, and how sure that is."""

from dataclasses import dataclass

import numpy as np

from helpers.analyses.cuboids import SliceLattice
from helpers.analyses.expectation import MOST, BaseNoise, Measure

LARGEST_DRIFT = 0.04
"""How much everyday movement is ever taken for granted before the first cause is known (log scale)."""

LARGEST_PAIR_DRIFT = 0.1
"""The same for the movement that is peculiar to a pair of dimension values."""

MOST_DRIFT = 1.0
"""How much everyday movement is ever taken for granted once the causes are known."""

SMALLEST_DRIFT = 0.01
"""The least everyday movement that is assumed."""

MEDIAN_OF_SQUARED_NORMAL = 0.4549

HALF_A_COUNT = 0.5
"""Counts are whole numbers: a tail holds the count itself, as if it were half a count nearer (Yates 1934)."""

COUNTERPART = 0.9
"""A value that holds this share of everything outside another one is its counterpart."""

USUAL_MOVE = 0.15
"""How far a company's rates and deal sizes usually move as a whole (standard deviation of the logarithm)."""


@dataclass(frozen=True)
class SliceSums:
    """Hold one measure's sums over the slices that are searched, in the order of their numbers."""

    numbers: np.ndarray
    depth: np.ndarray
    actual: np.ndarray
    standard: np.ndarray
    entries: np.ndarray
    base_actual: np.ndarray
    base_entries: np.ndarray

    @classmethod
    def over(cls, measure: Measure, lattice: SliceLattice, numbers: np.ndarray) -> "SliceSums":
        """Add a measure up over some slices of a lattice."""
        columns = ("actual", "standard", "entries", "base_actual", "base_entries")
        sums = {name: lattice.sum_once(getattr(measure, name))[numbers] for name in columns}
        return cls(numbers, lattice.depth[numbers], **sums)


@dataclass(frozen=True)
class Drift:
    """Hold everyday movement from period to period, as standard deviations of the logarithm.

    ``single`` is that of a single dimension value, ``pair`` what is peculiar to a pair of values on top of it.
    """

    single: float
    pair: float = 0.0

    def variance(self, depth: np.ndarray | int) -> np.ndarray | float:
        """Return by how much slices of a depth move on an ordinary day."""
        return self.single**2 * depth + self.pair**2 * depth * (depth - 1) / 2

    def hold_back(self) -> "Drift":
        """Return no more than may be taken for granted before the first cause is known."""
        return Drift(min(self.single, LARGEST_DRIFT), min(self.pair, LARGEST_PAIR_DRIFT))


@dataclass(frozen=True)
class SliceScores:
    """Hold, per slice, its effect against everything outside it.

    ``expected`` is what it would have counted had it moved as the rest; ``log_effect`` the logarithm of
    actual ÷ expected; ``variance`` the relative variance of the expectation, ``noise`` that of the actual count;
    ``gain`` the log-likelihood gained by giving the slice its own level; ``strength`` the signed z-value
    that remains when everyday drift is allowed for.
    """

    actual: np.ndarray
    expected: np.ndarray
    log_effect: np.ndarray
    log_outside: np.ndarray
    variance: np.ndarray
    noise: np.ndarray
    gain: np.ndarray
    strength: np.ndarray


def score_slices(
    measure: Measure, sums: SliceSums, base: BaseNoise, *, drift: Drift | None = None
) -> tuple[SliceScores, Drift]:
    """Score slices.

    The level of everything outside the slice is estimated for each slice by itself, so that a movement of the
    whole is never taken for a movement of its parts (Kulldorff's scan statistic).

    Args:
        measure: What may have moved, known effects already built into its expectation.
        sums: The measure's sums over the slices.
        base: How sure each slice's expectation is.
        drift: Everyday movement from period to period, or None to estimate it from how slices scatter.

    Returns:
        The scores, and the drift that was used.
    """
    scores = _score_means(measure, sums, base) if measure.is_log else _score_counts(measure, sums, base)
    actual, expected, log_effect, log_outside, variance, noise, entries = scores
    if drift is None:
        counted = entries if measure.effect == "value" else expected
        drift = estimate_drift(sums.depth, counted, log_effect, variance + noise)
        if measure.effect != "volume" and not measure.is_lost:
            drift = Drift(drift.hold_back().single)
    gain = _gain(measure, actual, expected, entries, log_effect, variance, noise)
    allowed = variance + drift.variance(sums.depth)
    counted = actual
    if measure.effect != "value":
        counted = actual + np.clip(expected - actual, -HALF_A_COUNT, HALF_A_COUNT)
    strength = np.sqrt(2 * _gain(measure, counted, expected, entries, log_effect, allowed, noise)) * np.sign(log_effect)
    return SliceScores(actual, expected, log_effect, log_outside, variance, noise, gain, strength), drift


def strongest_fall(measure: Measure, sums: SliceSums, scores: SliceScores, drift: Drift, largest: float) -> np.ndarray:
    """Return how strong each slice's score would be after the largest fall that is thought of.

    Args:
        measure: What may have moved.
        sums: The measure's sums over the slices.
        scores: Their scores.
        drift: Everyday movement.
        largest: That fall, as a share.
    """
    allowed = scores.variance + drift.variance(sums.depth)
    if measure.effect == "value":
        return -np.log1p(-largest) / np.sqrt(allowed + scores.noise)
    left = scores.expected * (1 - largest)
    nothing = np.zeros(len(left))
    return np.sqrt(2 * _gain(measure, left, scores.expected, sums.entries, nothing, allowed, nothing))


def count_events(measure: Measure, sums: SliceSums, scores: SliceScores) -> tuple[np.ndarray, np.ndarray]:
    """Return the events counted and expected of each slice: its deals, where their size is measured in money."""
    if measure.effect == "value":
        return sums.entries, sums.entries
    return scores.actual, scores.expected


def choose_side(
    best: int,
    measure: Measure,
    sums: SliceSums,
    scores: SliceScores,
    beside: np.ndarray,
    outside: np.ndarray,
) -> int:
    """Return the place of a value, or of the one that holds nearly all the rest, if rather that one moved.

    That one value fell and that its counterpart rose is the same comparison: the side whose rest stayed is told.

    Args:
        best: The place of the value.
        measure: What may have moved.
        sums: The measure's sums over the slices.
        scores: Their scores.
        beside: Which slices are values of the same dimension and may be chosen.
        outside: Logarithm by which everything outside each slice moved.
    """
    holds, whole = sums.entries, measure.entries.sum()
    if measure.effect == "volume":
        holds = sums.base_actual + sums.actual
        whole = measure.base_actual.sum() + measure.actual.sum()
    opposite = beside & (scores.log_effect * scores.log_effect[best] < 0)
    opposite &= holds >= COUNTERPART * (whole - holds[best])
    if not opposite.any():
        return best
    other = int(np.argmax(np.where(opposite, holds, -1.0)))
    return other if abs(outside[other]) < abs(outside[best]) else best


def shrink_level(measure: Measure, level: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hold a rate's or a size's level to no movement as far as few records speak for one."""
    if measure.effect == "volume":
        return level, variance
    keep = USUAL_MOVE**2 / (USUAL_MOVE**2 + variance)
    return level * keep, variance * keep


def _score_counts(measure: Measure, sums: SliceSums, base: BaseNoise) -> tuple[np.ndarray, ...]:
    """Compare counts (or money) with what the outside's level makes of their expectation."""
    actual, entries = sums.actual, sums.entries
    standard = sums.standard * np.exp(base.log_ratio)
    rest_actual = np.maximum(measure.actual.sum() - actual, 0.0)
    rest_standard = np.maximum(measure.standard.sum() - standard, 0.0)
    is_usable = (rest_actual > 0) & (rest_standard > 0)
    rest_entries = np.maximum(measure.base_entries.sum() - sums.base_entries, 0.25)
    unit = 1.0
    if measure.effect == "value":
        unit = max(measure.standard.sum() / max(measure.entries.sum(), 1e-9), 1e-9)
        noise = measure.spread / np.maximum(entries, 0.25)
        rest = measure.spread / rest_entries + measure.spread / np.maximum(measure.entries.sum() - entries, 0.25)
    else:
        rest_base = np.maximum(measure.base_actual.sum() - sums.base_actual, 0.5)
        share = rest_standard / np.maximum(measure.entries.sum() - entries, 1e-9)
        room = 1.0 if measure.effect == "volume" else 1 - np.clip(share, 0, MOST)
        rest = room / np.maximum(rest_actual, 0.5) + (0.0 if measure.is_exact else room / rest_base)
    log_level = np.where(is_usable, np.log((rest_actual + 0.5) / (rest_standard + 0.5)), 0.0)
    log_level, rest = shrink_level(measure, log_level, np.where(is_usable, rest, 0.0))
    expected = np.where(is_usable, standard * np.exp(log_level), np.maximum(actual, 1e-9))
    ratio = (actual + 0.5 * unit) / np.maximum(expected + 0.5 * unit, 1e-9)
    log_effect = np.log(np.maximum(ratio, 1e-9))
    if measure.effect == "value":
        log_effect = np.where((entries > 0) & (expected > 0), log_effect, 0.0)
    else:
        room = 1.0 if measure.effect == "volume" else 1 - np.clip(expected / np.maximum(entries, 1e-9), 0, MOST)
        noise = room / np.maximum(actual, 0.5)
    return actual, expected, log_effect, log_level, base.variance + rest, noise, entries


def _score_means(measure: Measure, sums: SliceSums, base: BaseNoise) -> tuple[np.ndarray, ...]:
    """Compare mean log deal sizes with the outside's."""
    total, deals = sums.actual, sums.entries
    rest_deals = measure.entries.sum() - deals
    is_usable = (rest_deals > 0) & (deals > 0)
    log_level = np.where(is_usable, (measure.actual.sum() - total) / np.maximum(rest_deals, 1e-9), 0.0)
    rest = measure.spread / np.maximum(rest_deals, 0.25)
    if not measure.is_exact:
        rest = rest + measure.spread / np.maximum(measure.base_entries.sum() - sums.base_entries, 0.25)
    log_level, rest = shrink_level(measure, log_level, rest)
    own = total / np.maximum(deals, 1e-9)
    log_effect = np.where(is_usable, own - base.log_ratio - log_level, 0.0)
    noise = measure.spread / np.maximum(deals, 0.25)
    return deals, deals, log_effect, log_level, base.variance + rest, noise, deals


def _gain(
    measure: Measure,
    actual: np.ndarray,
    expected: np.ndarray,
    entries: np.ndarray,
    log_effect: np.ndarray,
    variance: np.ndarray,
    noise: np.ndarray,
) -> np.ndarray:
    """Return the log-likelihood gained by a level of its own, the expectation being as sure as ``variance`` says."""
    if measure.effect == "value":
        squared = log_effect**2 / (variance + noise)
        return (measure.freedom * np.log1p(squared / measure.freedom) if measure.is_log else squared) / 2
    variance = np.maximum(variance, 1e-9)
    expected = np.maximum(expected, 1e-9)
    is_rate = measure.effect == "rate" and bool((entries + 1e-9 >= actual).all())
    if not is_rate:
        expected = np.maximum(expected, 0.5)
        prior = 1.0 / variance
        both = (actual + prior) / (expected + prior)
        return np.maximum(_x_log_ratio(actual, expected * both) - prior * np.log(both), 0.0)
    entries = np.maximum(entries, 1e-9)
    rate = np.clip(expected / entries, 1e-9, 1 - 1e-9)
    prior = (1 - rate) / (rate * variance)
    pooled = np.clip((actual + prior * rate) / (entries + prior), 1e-12, 1 - 1e-12)
    gain = _x_log_ratio(actual, entries * pooled) + _x_log_ratio(entries - actual, entries * (1 - pooled))
    gain = gain + prior * rate * np.log(rate / pooled) + prior * (1 - rate) * np.log((1 - rate) / (1 - pooled))
    return np.maximum(gain, 0.0)


def _x_log_ratio(count: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return count · ln(count ÷ mean), 0 where the count is 0."""
    count = np.maximum(count, 0.0)
    return np.where(count > 0, count * np.log(np.maximum(count, 1e-300) / np.maximum(mean, 1e-300)), 0.0)


def estimate_drift(
    depth: np.ndarray, expected: np.ndarray, log_effect: np.ndarray, variance: np.ndarray, *, least: int = 8
) -> Drift:
    """Estimate everyday movement from how slices of one and of two dimensions scatter beyond chance.

    Returns:
        That of single values between ``SMALLEST_DRIFT`` and ``MOST_DRIFT`` (the smallest where fewer than ``least``
        slices can speak), and that of pairs from 0 on.
    """
    single = _solve_spread(depth == 1, expected, log_effect, variance, SMALLEST_DRIFT, least)
    variance = variance + single**2 * depth
    return Drift(single, _solve_spread(depth == 2, expected, log_effect, variance, 0.0, 20))


def _solve_spread(
    rows: np.ndarray, expected: np.ndarray, log_effect: np.ndarray, variance: np.ndarray, smallest: float, least: int
) -> float:
    """Solve median(effect² ÷ (chance + spread²)) = the median of a squared standard normal, which is robust."""
    usable = rows & (expected >= 20)
    if usable.sum() < least:
        return smallest
    squares, chance = log_effect[usable] ** 2, variance[usable]
    low, high = smallest, MOST_DRIFT
    for _ in range(20):
        middle = (low + high) / 2
        if np.median(squares / (chance + middle**2)) > MEDIAN_OF_SQUARED_NORMAL:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def one_sided(strength: np.ndarray) -> np.ndarray:
    """Return one-sided p-values of z-values, to the side on which they are."""
    from scipy.special import ndtr

    return ndtr(-np.abs(strength))
