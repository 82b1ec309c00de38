"""Several values of one dimension that moved alike, each perhaps too small to show it: found as one set."""

from dataclasses import dataclass

import numpy as np

from helpers.analyses.expectation import MOST
from helpers.analyses.slice_scores import Drift, SliceScores
from helpers.analyses.slice_search import SliceSearch

FEWEST_VALUES = 4
"""A dimension of fewer values has no sets to look for: the rest of it would be the other side of the same thing."""

LEAST_EACH = 8
"""A value of which fewer events are expected is in no set: it would only be picked for its luck."""

MOST_VALUES = 60
"""Sets are not looked for among more values: there are too many of them."""

ALIKE = 0.6
"""Values join those found by themselves only where they moved by at least this share of the set's movement."""


@dataclass(frozen=True)
class ValueSet:
    """Hold a set of one-dimensional slices of one dimension that moved alike, its adjusted p-value, and its effect."""

    numbers: tuple[int, ...]
    q_value: float
    effect: float


def find_value_set(search: SliceSearch) -> ValueSet | None:
    """Find the set of values of one dimension that moved together most plainly, and add it to what was found.

    Ordered by how far they moved, only sets of the first values need a look (linear-time subset scanning); each is
    charged with the number of sets of its size, and with the number of sizes. Where some of its values were found
    by themselves, the others have to show the movement without them.

    Args:
        search: A search that has run; its effects gain the set's values.

    Returns:
        The set, or None where nothing passes.

    Source:
        Neill (2012), fast subset scan for spatial pattern detection.
    """
    best: tuple[float, ValueSet] | None = None
    if not search.is_large.any():
        return None
    scored = search._scores()
    for cuboid in search.lattice.cuboids:
        if len(cuboid.dimensions) > 1 or not FEWEST_VALUES <= cuboid.size <= MOST_VALUES:
            continue
        places = np.array([search.place[number] for number in range(cuboid.start, cuboid.start + cuboid.size)])
        counted = search.sums.entries if search.measure.effect == "value" else scored[0].expected
        places = places[counted[places] >= LEAST_EACH]
        if len(places) < FEWEST_VALUES:
            continue
        found = _scan(search, places, scored)
        if found is not None and (best is None or found[0] > best[0]):
            best = found
    if best is None:
        return None
    kept = dict(search.effects)
    search.effects.update({number: 0.0 for number in best[1].numbers if number not in search.effects})
    search._refit()
    if _is_confirmed(search, best[1]):
        return best[1]
    search.effects = kept
    return None


def _is_confirmed(search: SliceSearch, found: ValueSet) -> bool:
    """Tell whether a set moved against everything outside it, too, and not only against the values it was held to."""
    effect = float(np.mean([search.effects[number] for number in found.numbers]))
    return effect * found.effect > 0 and abs(np.expm1(effect)) >= search.gates.least_change


def _scan(search: SliceSearch, places: np.ndarray, scored: tuple[SliceScores, Drift]) -> tuple[float, ValueSet] | None:
    """Scan the ordered values of one dimension, given everything found elsewhere."""
    kept = dict(search.effects)
    own = {int(number) for number in search.numbers[places]} & set(kept)
    if own:
        search.effects = {number: effect for number, effect in kept.items() if number not in own}
        scored = search._scores()
        search.effects = kept
    numbers = _sums(search, places, *scored)
    held = np.isin(search.numbers[places], list(own))
    best, most = None, max(2, len(places) // 3)
    order = np.argsort(numbers["effect"], kind="stable")
    for direction in (order, order[::-1]):
        for size in range(2, most + 1):
            chosen = direction[:size]
            if held[chosen].sum() != held.sum():
                continue
            added = chosen[~held[chosen]]
            if not len(added):
                continue
            z, effect = _judge(search, numbers, chosen)
            alone, added_effect = _judge(search, numbers, added, beside=chosen[held[chosen]])
            tests = search.tests_of_falls if z < 0 else search.tests_of_rises
            sets = _count_sets(len(places), size)
            charge = float(tests[places].min()) * most
            q_value = _tail(z) * charge * sets
            rest = _tail(alone) * charge * _count_sets(len(places) - int(held.sum()), len(added))
            passes = (
                q_value <= search.gates.significance
                and rest <= search.gates.significance
                and added_effect / effect >= ALIKE
            )
            if not passes or min(abs(np.expm1([effect, added_effect]))) < search.gates.least_change:
                continue
            gain = z**2 / 2 - np.log(sets)
            if best is None or gain > best[0]:
                found = tuple(int(n) for n in search.numbers[places[chosen]])
                best = gain, ValueSet(found, float(min(q_value, 1.0)), effect)
    if best is None or (not held.any() and _best_alone(search, numbers) >= best[0]):
        return None
    return best


def _sums(search: SliceSearch, places: np.ndarray, scores: SliceScores, drift: Drift) -> dict[str, np.ndarray]:
    """Return counts, expectations and their variances of the values of one dimension."""
    expected = np.maximum(scores.expected[places], 1e-9)
    base = search.base.variance[places] + drift.variance(1)
    entries = np.maximum(search.sums.entries[places], 1e-9)
    room = 1.0 if search.measure.effect == "volume" else 1 - np.clip(expected / entries, 0, MOST)
    count = expected
    if search.measure.effect == "value":
        room, count = search.measure.spread, entries
    standard = expected / np.exp(scores.log_outside[places])
    return {
        "actual": standard * np.exp(scores.log_effect[places] + scores.log_outside[places]),
        "standard": standard,
        "effect": scores.log_effect[places],
        "noise": room / np.maximum(count, 0.5),
        "base": base,
    }


def _judge(
    search: SliceSearch, numbers: dict, chosen: np.ndarray, beside: np.ndarray | tuple = ()
) -> tuple[float, float]:
    """Return by how many standard errors a set departs from the other values, and its effect (logarithm)."""
    inside = np.zeros(len(numbers["actual"]), dtype=bool)
    inside[chosen] = True
    outside = ~inside
    outside[list(beside)] = False
    level, error, rest = _ratio(numbers, outside)
    effect, own, noise = _ratio(numbers, inside)
    effect, uncertain = effect - level, own + error + rest
    if search.measure.effect == "value":
        return effect / float(np.sqrt(noise + uncertain)), effect
    gain = np.exp(effect) * effect - np.expm1(effect)
    return float(np.sign(effect) * np.sqrt(2 * max(gain, 0.0) / (noise + uncertain))), effect


def _ratio(numbers: dict, rows: np.ndarray) -> tuple[float, float, float]:
    """Return the logarithm of actual ÷ standard over some values, and its variance before and by counting."""
    standard = numbers["standard"][rows]
    total = max(standard.sum(), 1e-9)
    ratio = float(np.log(max(numbers["actual"][rows].sum(), 1e-9) / total))
    variances = [float((standard**2 * numbers[name][rows]).sum()) / total**2 for name in ("base", "noise")]
    return ratio, variances[0], variances[1]


def _best_alone(search: SliceSearch, numbers: dict) -> float:
    """Return what the plainest single value gains."""
    strengths = [_judge(search, numbers, np.array([place]))[0] for place in range(len(numbers["actual"]))]
    return float(np.max(np.square(strengths)) / 2 - np.log(len(strengths)))


def _count_sets(values: int, size: int) -> float:
    """Return how many sets of a size there are."""
    from scipy.special import comb

    return float(comb(values, size))


def _tail(z: float) -> float:
    """Return the share of normal values further out."""
    from scipy.special import ndtr

    return float(ndtr(-abs(z)))
