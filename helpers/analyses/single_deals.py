"""Single giant deals, named as deals, so that one signature is not taken for a trend."""

from dataclasses import replace

import numpy as np

from helpers.analyses.cause_money import Cause
from helpers.analyses.coded_leaves import CodedLeaves
from helpers.analyses.expectation import PRIOR_COUNT
from helpers.analyses.slice_search import Gates

SHARE_OF_SIGNIFICANCE = 0.1
"""Deal sizes have heavier tails than any model: a giant has to stand out ten times more clearly than a slice."""

MOST_GIANTS = 3
"""More giants than this on one side are a pattern (a wrong scale, another business), not single deals."""

FEW_DEALS = 5
"""A leaf of so few deals may give its largest one away by its sum alone."""

USUAL_SCATTER, USUAL_DEALS = 0.8, 30.0
"""What deal sizes usually scatter by (standard deviation of the logarithm), and how many deals that guess weighs."""


def set_aside_single_deals(
    coded: CodedLeaves, gates: Gates, *, expected_is_plan: bool = False, expected_periods: float = 1.0
) -> tuple[CodedLeaves, list[Cause]]:
    """Find deals far beyond what sizes scatter by, and bring them down to a typical size before the search.

    A leaf of few deals gives its largest one away: its money less typical amounts for the others. It counts as
    giant when its log size lies beyond error control over all deals, and its excess is large for the outcome.

    Args:
        coded: The leaf table.
        gates: Significance and the least share of the outcome.
        expected_is_plan: A plan holds no deals; its side is left alone.
        expected_periods: How many periods the expected side adds up.

    Returns:
        The leaf table without the excess, and one cause of verdict ``single deal`` for each (its slice is the
        deal's own combination of values; negative where it was in the expected side and has no equal now).
    """
    if coded.amount is None:
        return coded, []
    sides = {
        "expected": (coded.expected[-1], coded.amount_expected),
        "actual": (coded.actual[-1], coded.amount_actual),
    }
    total_deals = sum(float(deals.sum()) for deals, _ in sides.values())
    if total_deals < 2 * PRIOR_COUNT:
        return coded, []
    center, scatter = _typical_size({"actual": sides["actual"]} if expected_is_plan else sides)
    limit = _quantile(SHARE_OF_SIGNIFICANCE * gates.significance / total_deals)
    reference = max(float(coded.amount_expected.sum()) / expected_periods, 1e-9)
    causes: list[Cause] = []
    changed = coded
    for side, (deals, money) in sides.items():
        if side == "expected" and expected_is_plan:
            continue
        typical = float(np.exp(center))
        others = _usual_mean(
            sides["expected" if side == "actual" else "actual"], typical * float(np.exp(scatter**2 / 2))
        )
        largest = np.where(deals >= 1, money - (deals - 1) * others, 0.0)
        is_giant = (largest > 0) & (deals > 0) & ((deals <= FEW_DEALS) | (largest >= 0.7 * money))
        strength = np.where(is_giant, (np.log(np.maximum(largest, 1e-9)) - center) / scatter, 0.0)
        is_giant &= (strength > limit) & (largest - typical >= 5 * gates.least_share * reference)
        if is_giant.sum() > MOST_GIANTS:
            continue
        for leaf in np.flatnonzero(is_giant):
            excess = float(largest[leaf] - typical)
            share = 1.0 if side == "actual" else 1.0 / expected_periods
            deal = _describe_deal(coded, int(leaf), side, excess * share, float(strength[leaf]), total_deals)
            below, above = _doubt_excess(float(deals[leaf]), typical, scatter, gates.confidence)
            _bound(deal, below * share, above * share)
            causes.append(deal)
            changed = _bring_down(changed, int(leaf), side, float(largest[leaf]), typical)
    return changed, causes


def _usual_mean(side: tuple[np.ndarray, np.ndarray], mean: float) -> np.ndarray:
    """Return what a deal of each leaf usually brings: the company's mean, or more where the other side's deals do.

    Where all deals are large, such as those of the largest customers, many of them are no giant among small ones.
    """
    deals, money = side
    own = np.divide(money, deals, out=np.zeros_like(money), where=deals > FEW_DEALS)
    return np.maximum(own, mean)


def _typical_size(sides: dict) -> tuple[float, float]:
    """Return the median log size and a robust standard deviation of it, over leaves weighted by deals."""
    sizes = np.concatenate([np.log(np.maximum(m[d > 0] / d[d > 0], 1e-9)) for d, m in sides.values()])
    weights = np.concatenate([d[d > 0] for d, _ in sides.values()])
    positive = np.concatenate([m[d > 0] > 0 for d, m in sides.values()])
    sizes, weights = sizes[positive], weights[positive]
    if not len(sizes):
        return 0.0, 1.0
    order = np.argsort(sizes, kind="stable")
    center = float(sizes[order][np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)])
    away = np.abs(sizes - center) * np.sqrt(np.minimum(weights, 4.0))
    order = np.argsort(away, kind="stable")
    scatter = 1.4826 * float(away[order][np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)])
    known = weights.sum()
    return center, float(np.sqrt((known * scatter**2 + USUAL_DEALS * USUAL_SCATTER**2) / (known + USUAL_DEALS)))


def _quantile(share: float) -> float:
    """Return the z-value that a share of normal values exceeds."""
    from scipy.special import ndtri

    return float(-ndtri(share))


def _describe_deal(coded: CodedLeaves, leaf: int, side: str, excess: float, strength: float, deals: float) -> Cause:
    """Return one giant deal as a cause."""
    from scipy.special import ndtr

    mask = np.zeros(len(coded), dtype=bool)
    mask[leaf] = True
    values = {name: [coded.values[place][int(coded.codes[place, leaf])]] for place, name in enumerate(coded.dimensions)}
    contribution = excess if side == "actual" else -excess
    return Cause(
        step=str(coded.amount),
        effect="value",
        slice=values,
        parts=[],
        masks=[mask],
        actual=1.0 if side == "actual" else 0.0,
        expected=1.0 if side == "expected" else 0.0,
        q_value=min(float(ndtr(-strength)) * deals, 1.0),
        verdict="single deal",
        contribution=contribution,
    )


def _doubt_excess(deals: float, typical: float, scatter: float, confidence: float) -> tuple[float, float]:
    """Return by how much the excess of a giant deal may be smaller and larger than told.

    In its place there might have been anything from no deal at all to a large ordinary one; where its leaf holds
    other deals, their amounts are only known as ordinary ones, too.
    """
    large = typical * float(np.exp(scatter * _quantile(1 - confidence)))
    mean = typical * float(np.exp(scatter**2 / 2))
    others = _quantile((1 - confidence) / 2) * mean * float(np.sqrt(max(deals - 1, 0.0) * np.expm1(scatter**2)))
    return float(np.hypot(large - typical, others)), float(np.hypot(typical, others))


def _bound(deal: Cause, below: float, above: float) -> None:
    """Set the interval of a deal's contribution (in place); an expected deal that has no equal counts against."""
    if deal.contribution < 0:
        below, above = above, below
    deal.low, deal.high = deal.contribution - below, deal.contribution + above


def _bring_down(coded: CodedLeaves, leaf: int, side: str, largest: float, typical: float) -> CodedLeaves:
    """Return the leaf table with one deal at a typical size."""
    money = (coded.amount_expected if side == "expected" else coded.amount_actual).copy()
    money[leaf] -= largest - typical
    extra = dict(coded.extra or {})
    for part, power in (("log", 1), ("logsq", 2)):
        name = f"{coded.amount}_{part}_{side}"
        if name in extra:
            extra[name] = extra[name].copy()
            extra[name][leaf] += np.log(typical) ** power - np.log(largest) ** power
    return replace(coded, **{f"amount_{side}": money}, extra=extra)
