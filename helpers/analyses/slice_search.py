"""The search in one measure: slices taken one at a time, refitted together, kept only past every gate."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from helpers.analyses.cuboids import SliceLattice
from helpers.analyses.expectation import Measure, judge_base, with_multiplier
from helpers.analyses.slice_scores import SliceScores, score_slices


@dataclass(frozen=True)
class Gates:
    """Hold what a slice has to pass before it is called a cause.

    ``significance`` is the chance of any false report over everything searched; ``least_change`` the least relative
    change of the slice; ``least_share`` the least effect as a share of the expected outcome; ``per_measure`` the
    most causes in one measure; ``least_evidence`` the events below which a cause is not called proven;
    ``suspicion`` the level that a slice has to pass by itself to be told as a suspicion, where such are asked for.
    """

    significance: float = 0.05
    least_change: float = 0.10
    least_share: float = 0.004
    per_measure: int = 5
    confidence: float = 0.90
    least_evidence: int = 10
    suspicion: float = 0.02


@dataclass(frozen=True)
class FoundSlice:
    """Hold one slice that passed: its effect given all others, and what stands behind it.

    ``log_effect`` is the logarithm of actual ÷ expected, ``error`` its standard error with everyday drift in it,
    ``log_base`` how far the slice's own history departs from what its dimensions predict, ``q_value`` the
    p-value adjusted for everything searched.
    """

    number: int
    log_effect: float
    error: float
    log_base: float
    actual: float
    expected: float
    q_value: float


class SliceSearch:
    """Search one measure over all slices of a lattice."""

    def __init__(
        self,
        measure: Measure,
        lattice: SliceLattice,
        *,
        worth_actual: np.ndarray,
        worth_expected: np.ndarray,
        reference: float,
        gates: Gates,
        tests: int,
        drift: float | None = None,
        expected_periods: float = 1.0,
    ) -> None:
        self.measure, self.lattice, self.gates = measure, lattice, gates
        self.reference, self.drift = reference, drift
        self.base = judge_base(measure, lattice)
        self.worth_actual, worth_before = lattice.sum(worth_actual), lattice.sum(worth_expected)
        if measure.effect == "volume":
            count = lattice.sum(measure.actual) + lattice.sum(measure.base_actual) / expected_periods
            self.worth_each = (self.worth_actual + worth_before) / np.maximum(count, 1e-9)
        self.is_large = np.maximum(self.worth_actual, worth_before) >= gates.least_share * reference
        self.is_large &= self._may_move()
        per_depth = np.bincount(lattice.depth[self.is_large], minlength=lattice.max_depth + 1)
        self.tests = tests * lattice.max_depth * np.maximum(per_depth, 1)[lattice.depth]
        self.effects: dict[int, float] = {}
        self._members: dict[int, np.ndarray] = {}

    def _may_move(self) -> np.ndarray:
        """Leave out slices that hold everything: there is nothing outside to compare them with."""
        mass = self.measure.base_entries + self.measure.entries
        if self.measure.effect == "volume":
            mass = self.measure.base_actual + self.measure.actual
        inside = self.lattice.sum(mass)
        return inside < 0.9 * mass.sum()

    def run(self) -> list[FoundSlice]:
        """Take, refit, try again, prune.

        Returns:
            What was found, in the order of slice numbers; nothing where nothing passes.
        """
        if not self.is_large.any():
            return []
        for _ in range(self.gates.per_measure):
            best = self._best()
            if best is None:
                break
            self.effects[best] = 0.0
            self._refit()
        if len(self.effects) > 1:
            self._try_again()
        self._prune()
        return [self._describe(number) for number in sorted(self.effects)]

    def suspect(self, number: int) -> list[FoundSlice]:
        """Return the strongest slices that pass everything but error control, given what was found.

        Args:
            number: The most slices.

        Returns:
            What would be worth a second look; each is fitted given the causes and the ones before it.
        """
        found: list[FoundSlice] = []
        kept = dict(self.effects)
        while len(found) < number and self.is_large.any():
            scores, _ = self._scores()
            candidates = self._passes(scores, tests=1.0, significance=self.gates.suspicion)
            candidates[list(self.effects)] = False
            if not candidates.any():
                break
            best = self._cheapest(scores, candidates)
            self.effects[best] = 0.0
            self._refit()
            found.append(self._describe(best))
        self.effects = kept
        return found

    def level(self, beside: Sequence[int] = ()) -> tuple[float, float]:
        """Return the logarithm of what moved everywhere outside what was found, and its standard error.

        Args:
            beside: Further slices to leave out.
        """
        outside = np.ones(len(self.lattice.coded), dtype=bool)
        for number in (*self.effects, *beside):
            outside &= ~self._inside(number)
        if not outside.any():
            outside[:] = True
        measure = self.measure
        deals = measure.entries[outside].sum() if measure.effect == "value" else measure.actual[outside].sum()
        base = measure.base_entries[outside].sum() if measure.effect == "value" else measure.base_actual[outside].sum()
        if deals <= 0 or (base <= 0 and not measure.is_log):
            return 0.0, float("inf")
        room = measure.spread if measure.effect == "value" else 1.0
        if measure.effect == "rate":
            room = max(1.0 - measure.actual[outside].sum() / max(measure.entries[outside].sum(), 1e-9), 1e-3)
        error = room / deals + (0.0 if measure.is_exact else room / max(base, 0.5))
        return self._level_of(outside, measure), float(np.sqrt(error))

    def _inside(self, number: int) -> np.ndarray:
        """Return (and remember) which leaves a slice holds."""
        if number not in self._members:
            self._members[number] = self.lattice.members(number)
        return self._members[number]

    def _known(self, skip: int | None = None) -> Measure:
        """Return the measure with everything found but one built into its expectation."""
        total = np.zeros(len(self.lattice.coded))
        for number, effect in self.effects.items():
            if number != skip:
                total[self._inside(number)] += effect
        return with_multiplier(self.measure, total) if total.any() else self.measure

    def _scores(self, skip: int | None = None) -> tuple[SliceScores, float]:
        """Score all slices given everything found but one."""
        return score_slices(self._known(skip), self.lattice, self.base, drift=self.drift)

    def _passes(
        self, scores: SliceScores, *, tests: np.ndarray | float | None = None, significance: float | None = None
    ) -> np.ndarray:
        """Return which slices pass every gate."""
        tests = self.tests if tests is None else tests
        significance = self.gates.significance if significance is None else significance
        if self.measure.effect == "volume":
            impact = (scores.actual - scores.expected) * self.worth_each
        else:
            impact = self.worth_actual * np.expm1(scores.log_effect)
        return (
            self.is_large
            & (_two_sided(scores.strength) * tests <= significance)
            & (np.abs(np.expm1(scores.log_effect)) >= self.gates.least_change)
            & (np.abs(impact) >= self.gates.least_share * self.reference)
        )

    def _best(self) -> int | None:
        """Return the slice that explains most for what it costs, among those that pass."""
        scores, _ = self._scores()
        candidates = self._passes(scores)
        candidates[list(self.effects)] = False
        if not candidates.any():
            return None
        return self._cheapest(scores, candidates)

    def _cheapest(self, scores: SliceScores, candidates: np.ndarray) -> int:
        """Return the candidate whose gain most exceeds what its slice costs."""
        penalty = self.lattice.log_size + 2.0 * self.lattice.depth
        penalty = penalty + np.minimum((scores.log_outside / 0.2) ** 2 / 2, 3.0)
        return int(np.argmax(np.where(candidates, scores.gain - penalty, -np.inf)))

    def _refit(self) -> None:
        """Fit the effects of everything found together, against the level outside all of it."""
        outside = np.ones(len(self.lattice.coded), dtype=bool)
        for number in self.effects:
            outside &= ~self._inside(number)
        for _ in range(6):
            largest = 0.0
            for number in self.effects:
                inside = self._inside(number)
                known = self._known(number)
                level = self._level_of(outside if outside.any() else ~inside, known)
                effect = self._level_of(inside, known) - level - float(self.base.log_ratio[number])
                largest = max(largest, abs(effect - self.effects[number]))
                self.effects[number] = effect
            if largest < 1e-4 or len(self.effects) == 1:
                return

    def _level_of(self, inside: np.ndarray, measure: Measure) -> float:
        """Return the logarithm of actual ÷ standard over some leaves."""
        actual, standard = measure.actual[inside].sum(), measure.standard[inside].sum()
        if measure.is_log:
            return float(actual / max(standard, 1e-9))
        unit = 0.005 if measure.effect == "volume" else 0.5
        if measure.effect == "value":
            unit *= max(measure.standard.sum() / max(measure.entries.sum(), 1e-9), 1e-9)
        return float(np.log((actual + unit) / (standard + unit)))

    def _try_again(self) -> None:
        """Take each one out and let the best slice given the others come in: early picks were made in ignorance."""
        for number in list(self.effects):
            if number not in self.effects:
                continue
            kept = dict(self.effects)
            del self.effects[number]
            self._refit()
            best = self._best()
            if best is None or best == number:
                self.effects = kept
                continue
            self.effects[best] = 0.0
            self._refit()

    def _prune(self) -> None:
        """Drop, weakest first, what no longer passes once all others are known."""
        while self.effects:
            failing = []
            for number in self.effects:
                scores, _ = self._scores(skip=number)
                if not self._passes(scores)[number]:
                    failing.append((abs(float(scores.strength[number])), number))
            if not failing:
                return
            del self.effects[min(failing)[1]]
            self._refit()

    def _describe(self, number: int) -> FoundSlice:
        """Return what was found about one slice given all others."""
        scores, drift = self._scores(skip=number)
        p_value = float(_two_sided(scores.strength[number : number + 1])[0])
        variance = float(scores.variance[number] + scores.noise[number]) + drift**2 * int(self.lattice.depth[number])
        return FoundSlice(
            number=number,
            log_effect=self.effects[number],
            error=float(np.sqrt(variance)),
            log_base=float(self.base.log_ratio[number]),
            actual=float(scores.actual[number]),
            expected=float(scores.expected[number]),
            q_value=min(p_value * float(self.tests[number]), 1.0),
        )


def _two_sided(strength: np.ndarray) -> np.ndarray:
    """Return two-sided p-values of z-values."""
    from scipy.special import erfc

    return erfc(np.abs(strength) / np.sqrt(2))
