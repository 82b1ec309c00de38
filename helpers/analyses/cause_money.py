"""What causes are worth: each effect's part of the outcome, shared fairly where slices overlap, with an interval."""

from dataclasses import dataclass, field

import numpy as np

from helpers.analyses.bridge import attribute_by_shapley
from helpers.analyses.coded_leaves import CodedLeaves
from helpers.analyses.cuboids import SliceLattice
from helpers.analyses.expectation import Measure, MoneyModel, judge_base
from helpers.analyses.slice_search import FoundSlice

VANISHED = np.log(0.05)
"""Below this effect a slice has as good as vanished: what it would have been is told by its past, not by its rest."""

EVERYDAY_MOVE = 0.01
"""By how much the later rates of a dimension value move from period to period anyway (log scale)."""


@dataclass
class Cause:
    """Hold one cause on its way to a row: the slices that moved (two and more for a mix), and its price."""

    step: str
    effect: str
    slice: dict[str, list[object]]
    parts: list[FoundSlice]
    masks: list[np.ndarray]
    actual: float
    expected: float
    q_value: float
    aliases: list[dict[str, list[object]]] = field(default_factory=list)
    verdict: str = "cause"
    contribution: float = 0.0
    low: float = 0.0
    high: float = 0.0
    worth_variance: float = 0.0
    by_chance: float = 0.0

    @property
    def inside(self) -> np.ndarray:
        """Which leaves it touches."""
        return np.logical_or.reduce(self.masks)

    @property
    def log_effect(self) -> np.ndarray:
        """Its effect per leaf."""
        total = np.zeros(len(self.masks[0]))
        for part, mask in zip(self.parts, self.masks, strict=True):
            total[mask] += part.log_effect
        return total


def price_causes(
    coded: CodedLeaves,
    model: MoneyModel,
    causes: list[Cause],
    levels: dict[str, tuple[str, float, float]],
    *,
    confidence: float,
    expected_periods: float = 1.0,
) -> dict[str, dict[str, object]]:
    """Price every cause (in place) and what moved everywhere.

    The outcome is modelled per leaf as entries × expected rates × expected value × what moved everywhere ×
    the causes that cover it. Where several cover a leaf, each gets its Shapley value, and its interval reaches from
    what it is worth were it undone first to what it is worth were it undone last, and beyond by chance.

    Args:
        coded: The leaf table.
        model: Expected rates and value.
        causes: What was found; contribution, low and high are filled in.
        levels: Per step: effect, logarithm of what moved everywhere, and its standard error.
        confidence: Of the intervals.
        expected_periods: How many periods the expected side adds up.

    Returns:
        Per step, what moved everywhere: effect, ratio, low, high, contribution.
    """
    from scipy.special import ndtri

    z = float(ndtri(0.5 + confidence / 2))
    untouched = _price_untouched(coded, model, causes, levels)
    patterns = np.stack([cause.log_effect for cause in causes]) if causes else np.zeros((0, len(coded)))
    shares = _share_out(patterns, untouched)
    for cause, share in zip(causes, shares, strict=True):
        cause.contribution = float(share)
        half = z * abs(cause.contribution) * _relative_error(cause, untouched)
        if cause.effect == "mix":
            half = z * _effect_error(cause, untouched)
        orders = _price_first_and_last(cause.log_effect, patterns.sum(axis=0), untouched)
        cause.by_chance = half
        least, most = min(cause.contribution, *orders), max(cause.contribution, *orders)
        half *= widen_for_range(most - least, half / z, confidence) / z
        cause.low, cause.high = least - half, most + half
    return _price_levels(coded, levels, z, expected_periods)


def widen_for_range(width: float, error: float, confidence: float) -> float:
    """Return by how many standard errors both ends of a range go out to hold a value anywhere in it.

    A value at one end of a wide range is missed on that side alone, so that fewer are needed than for a point.

    Args:
        width: From the range's lower to its upper end.
        error: Standard error of the ends.
        confidence: With which the value is held, wherever in the range it lies.

    Source:
        Imbens and Manski (2004), Confidence intervals for partially identified parameters, equation 7.

    >>> round(widen_for_range(0, 1, 0.9), 3), round(widen_for_range(9, 1, 0.9), 3)
    (1.645, 1.282)
    """
    from scipy.optimize import brentq
    from scipy.special import ndtr, ndtri

    point, end = float(ndtri(0.5 + confidence / 2)), float(ndtri(confidence))
    if not width > 0 or not error > 0:
        return point
    return float(brentq(lambda many: ndtr(many + width / error) - ndtr(-many) - confidence, end - 1e-9, point + 1e-9))


def _price_untouched(
    coded: CodedLeaves, model: MoneyModel, causes: list[Cause], levels: dict[str, tuple[str, float, float]]
) -> np.ndarray:
    """Return per leaf what the outcome would have been without the causes."""
    volume = np.zeros(len(coded))
    base = np.zeros(len(coded))
    for cause in causes:
        if cause.effect in ("volume", "mix"):
            volume += cause.log_effect
        for part, mask in zip(cause.parts, cause.masks, strict=True):
            base[mask] += part.log_base
    first = levels.get(coded.steps[0], ("volume", 0.0, 0.0))[1]
    from_actual = coded.actual[0] * np.exp(-np.maximum(volume, VANISHED))
    entries = np.where(volume <= VANISHED, coded.expected[0] * np.exp(first), from_actual)
    rates = sum(log_level for step, (_, log_level, _) in levels.items() if step != coded.steps[0])
    return entries * model.worth(0) * np.exp(rates + base)


def _share_out(patterns: np.ndarray, untouched: np.ndarray) -> np.ndarray:
    """Share the change of each leaf among the effects that cover it."""
    shares = np.zeros(len(patterns))
    if not len(patterns):
        return shares
    kinds, where = np.unique(patterns, axis=1, return_inverse=True)
    weights = np.bincount(where.reshape(-1), untouched, minlength=kinds.shape[1])
    for kind, weight in zip(kinds.T, weights, strict=True):
        active = np.flatnonzero(kind)
        if not len(active):
            continue
        after = np.exp(kind[active])[:, None]
        if len(active) <= 8:
            parts = attribute_by_shapley(np.ones_like(after), after).ravel()
        else:
            parts = kind[active] / kind[active].sum() * np.expm1(kind[active].sum())
        shares[active] += weight * parts
    return shares


def _price_first_and_last(own: np.ndarray, total: np.ndarray, untouched: np.ndarray) -> tuple[float, float]:
    """Return what a cause is worth before all others that cover its leaves have come, and after them."""
    first = float((untouched * np.expm1(own)).sum())
    last = float((untouched * (np.exp(total) - np.exp(total - own))).sum())
    return first, last


def _relative_error(cause: Cause, untouched: np.ndarray) -> float:
    """Return the relative standard error of a cause's price: of its effect, and of what one count is worth."""
    alone = sum(untouched[m].sum() * np.expm1(p.log_effect) for p, m in zip(cause.parts, cause.masks, strict=True))
    effect = _effect_error(cause, untouched) / max(abs(alone), 1e-9)
    return float(np.sqrt(effect**2 + cause.worth_variance))


def _effect_error(cause: Cause, untouched: np.ndarray) -> float:
    """Return the standard error of a cause's money from its effect: of what was counted and of what was expected."""
    total = 0.0
    for part, mask in zip(cause.parts, cause.masks, strict=True):
        counted = np.exp(2 * part.log_effect) * part.noise
        total += untouched[mask].sum() ** 2 * (counted + max(part.error**2 - part.noise, 0.0))
    return float(np.sqrt(total))


def judge_worth(causes: list[Cause], coded: CodedLeaves, measures: list[Measure], lattice: SliceLattice) -> None:
    """Fill in how sure it is what one count of each cause was worth (in place).

    What went in is a chance number itself; what comes of it is as sure as the expectation of each later step, which
    moves a little from period to period.
    """
    steps = [measure.step for measure in measures]
    for cause in causes:
        if not cause.parts:
            continue
        place, own = steps.index(cause.step), measures[steps.index(cause.step)]
        entered = 0.0 if own.effect == "volume" else 1.0 / max(own.entries[cause.inside].sum(), 1.0)
        number = cause.parts[0].number
        later = [float(judge_base(measure, lattice).variance[number]) for measure in measures[place + 1 :]]
        usual = EVERYDAY_MOVE**2 * int(lattice.depth[number]) * len(later)
        cause.worth_variance = entered + sum(later) + usual


def _price_levels(
    coded: CodedLeaves, levels: dict[str, tuple[str, float, float]], z: float, expected_periods: float
) -> dict[str, dict[str, object]]:
    """Price what moved everywhere, from the expected outcome, by the logarithmic mean."""
    start = float((coded.amount_expected if coded.amount else coded.expected[-1]).sum()) / expected_periods
    levels = {
        step: (effect, log_level + np.log(expected_periods) * (effect == "volume"), error)
        for step, (effect, log_level, error) in levels.items()
    }
    total = sum(log_level for _, log_level, _ in levels.values())
    mean = start * (np.expm1(total) / total if abs(total) > 1e-12 else 1.0)
    moved = {}
    for step, (effect, log_level, error) in levels.items():
        known = np.isfinite(error)
        moved[step] = {
            "effect": effect,
            "ratio": float(np.exp(log_level)),
            "low": float(np.exp(log_level - z * error)) if known else 0.0,
            "high": float(np.exp(log_level + z * error)) if known else float("inf"),
            "contribution": float(mean * log_level),
        }
    return moved
