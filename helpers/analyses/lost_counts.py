"""Steps that most records pass: told by the few that are lost, because their number says more than that of the kept."""

from dataclasses import replace

import numpy as np

from helpers.analyses.cuboids import SliceLattice
from helpers.analyses.expectation import Measure
from helpers.analyses.slice_gates import FoundSlice
from helpers.analyses.slice_scores import SliceScores

PRIOR_ENTRIES = 20.0
"""Entries by which a slice's own loss rate is held to what its dimensions predict while slices are compared."""

LEVEL_SPREAD = 0.1
"""How far the losses of everything else usually move (log scale), while slices are compared."""

SAME_SHARE = 0.2
"""The rest of a coarser slice that departs by this share of the finer one's effect belongs to the cause."""

CLEARLY = 3.0
"""Standard errors by which the rest of a coarser slice has to depart to belong to the cause."""


def weigh_losses(measure: Measure, known: Measure, lattice: SliceLattice) -> np.ndarray:
    """Return per slice the log-likelihood gained by a loss rate of its own, less what it asks of everything else.

    Args:
        measure: What is lost.
        known: The same with known effects built into its expectation.
        lattice: All slices.
    """
    base_lost, base_standard = lattice.sum_once(measure.base_actual), lattice.sum_once(measure.base_standard)
    base_entries = np.maximum(lattice.sum_once(measure.base_entries), 1e-9)
    entries, lost = np.maximum(lattice.sum_once(measure.entries), 1e-9), lattice.sum_once(measure.actual)
    model = np.maximum(base_standard / base_entries, 1e-9)
    own = (base_lost + PRIOR_ENTRIES * model) / (base_entries + PRIOR_ENTRIES)
    rate = np.clip(lattice.sum(known.standard) * own / model / entries, 1e-6, 0.999)
    prior = LEVEL_SPREAD**-2
    rest = np.maximum(known.standard.sum() - rate * entries, 0.0)
    level = (measure.actual.sum() - lost + prior) / (rest + prior)
    gain = _log_likelihood(lost, entries, lost / entries)
    gain -= _log_likelihood(lost, entries, np.clip(rate * level, 1e-6, 0.999))
    return gain - np.log(level) ** 2 * prior / 2 - lattice.depth


def _log_likelihood(lost: np.ndarray, entries: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """Return the binomial log-likelihood without its constant."""
    rate = np.clip(rate, 1e-9, 1 - 1e-9)
    return lost * np.log(rate) + np.maximum(entries - lost, 0.0) * np.log1p(-rate)


def judge_size(
    measure: Measure, lattice: SliceLattice, worth: np.ndarray, least_share: float, expected_periods: float
) -> tuple[np.ndarray, np.ndarray, float]:
    """Say which slices lose enough to be looked at, and what one lost record would have been worth in each.

    Args:
        measure: What is lost.
        lattice: All slices.
        worth: What the entries of each slice are worth.
        least_share: The least share of what is expected to be lost.
        expected_periods: How many periods the expected side adds up.

    Returns:
        Which are large enough, what one is worth, and how many are expected to be lost for each that is kept.
    """
    lost, entries = measure.base_actual.sum(), measure.base_entries.sum()
    before = lattice.sum_once(measure.base_actual) / expected_periods
    losses = np.maximum(lattice.sum_once(measure.actual), before)
    kept = lattice.sum_once(measure.entries) - lattice.sum_once(measure.standard)
    is_large = losses >= least_share * max(lost / expected_periods, 1e-9)
    return is_large, worth / np.maximum(kept, 1e-9), lost / max(entries - lost, 1e-9)


def choose_lost(
    measure: Measure,
    known: Measure,
    lattice: SliceLattice,
    numbers: np.ndarray,
    candidates: np.ndarray,
    scores: SliceScores,
) -> int:
    """Return the candidate that explains most, widened as long as the rest of a coarser slice departs likewise.

    Args:
        measure: What is lost.
        known: The same with known effects built into its expectation.
        lattice: All slices.
        numbers: The slices that are searched.
        candidates: Which of them may be chosen.
        scores: Their scores.
    """
    gain = weigh_losses(measure, known, lattice)[numbers]
    place = int(np.argmax(np.where(candidates, gain, -np.inf)))
    best, expected = int(numbers[place]), float(scores.expected[place])
    level = float(np.exp(scores.log_outside[place]))
    searched = {int(number): at for at, number in enumerate(numbers)}
    while lattice.depth[best] > 1:
        wider = find_wider(best, known, lattice, expected, level)
        if wider is None or wider not in searched:
            break
        best = wider
        expected, level = float(scores.expected[searched[best]]), float(np.exp(scores.log_outside[searched[best]]))
    return best


def find_wider(number: int, known: Measure, lattice: SliceLattice, expected: float, level: float) -> int | None:
    """Return the slice with one dimension less whose rest departs in the same way, if there is one.

    Where the rest of a coarser slice loses more too, beyond doubt and by a fair share of the finer one's effect, the
    cause isn't peculiar to the finer slice, which only shows it most.

    Args:
        number: The finer slice.
        known: What is lost, known effects built into its expectation.
        lattice: All slices.
        expected: What the finer slice should have lost.
        level: By what everything outside moved.
    """
    inside = lattice.members(number)
    kept = max(known.entries[inside].sum() - expected, 1e-9)
    effect = (known.actual[inside].sum() - expected) / kept
    found: tuple[float, int] | None = None
    for wider in lattice.wider(number):
        rest = lattice.members(wider) & ~inside
        if known.entries[rest].sum() < 1:
            return wider
        share, z = _judge_rest(known, rest, level)
        if effect and share / effect >= SAME_SHARE and z * np.sign(effect) >= CLEARLY:
            found = max(found or (0.0, -1), (share / effect, wider))
    return None if found is None else found[1]


def _judge_rest(known: Measure, rest: np.ndarray, level: float) -> tuple[float, float]:
    """Return what share of the kept some leaves lost beyond expectation, and by how many standard errors."""
    entries, actual, base = known.entries[rest].sum(), known.actual[rest].sum(), known.base_actual[rest].sum()
    departure = (base + 3) / (known.base_standard[rest].sum() + 3)
    expected = min(known.standard[rest].sum() * departure * level, 0.98 * entries)
    variance = expected * (1 - expected / entries) * (1 + expected / max(base, 1.0)) + 0.5
    return float((actual - expected) / (entries - expected)), float((actual - expected) / np.sqrt(variance))


def contradicts(wider: int, found: FoundSlice, measure: Measure, lattice: SliceLattice) -> bool:
    """Tell whether what a slice holds besides the one that was found clearly lost less than the effect would have it.

    Args:
        wider: A slice that holds nearly the same entries.
        found: The slice that was found, told as kept.
        measure: What is lost.
        lattice: All slices.
    """
    rest = lattice.members(wider) & ~lattice.members(found.number)
    entries, actual = measure.entries[rest].sum(), measure.actual[rest].sum()
    if entries <= 0:
        return False
    kept = (entries - min(measure.standard[rest].sum(), entries)) * np.exp(found.log_effect)
    lost = entries - min(kept, entries)
    z = (lost - actual) / np.sqrt(max(lost * (1 - lost / entries), 0.0) + 0.5)
    return bool(z * -np.sign(found.log_effect) >= CLEARLY)


def tell_as_kept(found: FoundSlice, measure: Measure, inside: np.ndarray) -> FoundSlice:
    """Return what was found about the lost of a slice as what it means for the kept.

    Args:
        found: The slice that was found.
        measure: What is lost.
        inside: Which leaves it holds.
    """
    entries, standard = measure.entries[inside].sum(), measure.standard[inside].sum()
    kept = max(entries - found.actual, 0.5)
    expected = max(entries - min(found.actual * np.exp(-found.log_effect), entries), 0.5)
    based = max(entries - min(standard * np.exp(found.log_base), entries), 0.5)
    return replace(
        found,
        log_effect=float(np.log(kept / expected)),
        error=found.error * found.actual / kept,
        log_base=float(np.log(based / max(entries - standard, 0.5))),
        actual=float(entries - found.actual),
        expected=float(expected),
    )


def tell_level_as_kept(measure: Measure, outside: np.ndarray, level: float, error: float) -> tuple[float, float]:
    """Return the logarithm of by what the lost moved somewhere, and its error, as what it means for the kept."""
    lost = min(measure.actual[outside].sum() / max(measure.entries[outside].sum(), 1e-9), 0.999)
    before = min(lost / np.exp(level), 0.999)
    return float(np.log((1 - lost) / (1 - before))), error * lost / (1 - lost)
