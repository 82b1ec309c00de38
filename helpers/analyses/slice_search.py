"""The search in one measure: slices taken one at a time, refitted together, kept only past error control."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from helpers.analyses.cuboids import SliceLattice
from helpers.analyses.expectation import BaseNoise, Measure, judge_base, with_multiplier
from helpers.analyses.lost_counts import (
    choose_lost,
    contradicts,
    judge_size,
    tell_as_kept,
    tell_level_as_kept,
)
from helpers.analyses.slice_gates import FoundSlice, Gates
from helpers.analyses.slice_scores import (
    Drift,
    SliceScores,
    SliceSums,
    choose_side,
    count_events,
    one_sided,
    score_slices,
    shrink_level,
    strongest_fall,
)

DEPTH_SHARES = (0.4, 0.3, 0.2, 0.1)
"""How the chance of a false report is shared among slices of one, two, three and more dimensions."""

OWN_TESTS = (1.0, 0.8, 0.6, 0.5)
"""How many of the slices of each depth count as tests of their own: deeper ones share most of their records."""

FALLS = 0.8
"""The falls' share of the chance of a false report; rises have the rest."""

LEAST_COUNT = 5
"""A slice of fewer events, expected or counted, is never a cause."""

LARGEST_FALL = 0.75
"""The largest fall that is thought of when tests are counted: a slice that could not pass with it is not tested."""


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
        self.expected_periods = expected_periods
        self.reference, self.drift = reference, None if drift is None else Drift(drift)
        self.worth_actual, worth_before = lattice.sum_once(worth_actual), lattice.sum_once(worth_expected)
        is_large = np.maximum(self.worth_actual, worth_before) >= gates.least_share * reference
        if measure.is_lost:
            is_large, self.worth_each, share = judge_size(
                measure, lattice, self.worth_actual, gates.least_share, expected_periods
            )
            self.reference *= share
        is_large &= self._may_move()
        self.numbers = np.flatnonzero(is_large | (lattice.depth == 1))
        self.is_large = is_large[self.numbers]
        self.place = {int(number): place for place, number in enumerate(self.numbers)}
        self.depth, self.log_size = lattice.depth[self.numbers], lattice.log_size[self.numbers]
        base = judge_base(measure, lattice)
        self.base = BaseNoise(base.log_ratio[self.numbers], base.variance[self.numbers])
        self.sums = SliceSums.over(measure, lattice, self.numbers)
        self.worth_actual, worth_before = self.worth_actual[self.numbers], worth_before[self.numbers]
        if measure.effect == "volume":
            count = self.sums.actual + self.sums.base_actual / expected_periods
            self.worth_each = (self.worth_actual + worth_before) / np.maximum(count, 1e-9)
        elif measure.is_lost:
            self.worth_each = self.worth_each[self.numbers]
        self.effects: dict[int, float] = {}
        self._members: dict[int, np.ndarray] = {}
        self._drift_left: tuple[tuple, Drift | None] = ((), None)
        self.tests_of_falls, self.tests_of_rises = self._count_tests(tests)

    def _count_tests(self, measures: int) -> tuple[np.ndarray, np.ndarray]:
        """Say by how many tests each slice's p-value is multiplied, for a fall and for a rise.

        Slices that hold the same records are one test. A fall is only tested where losing three quarters would pass
        (after Tarone 1990); the limit and the count are found together.
        """
        scores, drift = self._scores()
        drift = drift.hold_back()
        most = one_sided(strongest_fall(self.measure, self.sums, scores, drift, LARGEST_FALL))
        is_either = self.measure.effect == "volume" or self.measure.is_lost
        actual, expected = count_events(self.measure, self.sums, scores)
        counted = np.maximum(actual, expected) if is_either else expected
        of_rises = FALLS if self.measure.is_lost else 1 - FALLS
        self.is_large &= counted >= LEAST_COUNT
        own = self.is_large & self._is_first()
        falls, rises = np.full(len(self.numbers), np.inf), np.full(len(self.numbers), np.inf)
        depths = range(1, self.lattice.max_depth + 1)
        shares = np.array([DEPTH_SHARES[min(depth, len(DEPTH_SHARES)) - 1] for depth in depths])
        shares = shares / shares.sum() / measures
        for depth, share in zip(depths, shares, strict=True):
            rows = self.depth == depth
            counts = OWN_TESTS[min(depth, len(OWN_TESTS)) - 1]
            rises[rows] = max((own & rows).sum() * counts, 1.0) / (share * of_rises)
            attainable = np.sort(most[own & rows])
            number = np.arange(1, len(attainable) + 1) * counts / (share * (1 - of_rises))
            passes = np.flatnonzero(attainable * number <= self.gates.significance)
            tests = (passes[-1] + 1 if len(passes) else 1) * counts
            limit = attainable[passes[-1]] if len(passes) else 0.0
            falls[rows] = np.where(most[rows] <= limit, max(tests, 1.0) / (share * (1 - of_rises)), np.inf)
        for tests in (falls, rises):
            for depth in range(2, self.lattice.max_depth + 1):
                before = self.depth == depth - 1
                least = tests[before][np.isfinite(tests[before])].max(initial=0.0)
                tests[self.depth == depth] = np.maximum(tests[self.depth == depth], least)
        return falls, rises

    def _is_first(self) -> np.ndarray:
        """Return which slices are the first (the shallowest) that holds their records."""
        holds = self.measure.base_entries + self.measure.entries
        if self.measure.effect == "volume":
            holds = self.measure.base_actual + self.measure.actual
        marks = np.random.default_rng(1).integers(1, 2**31, len(holds)).astype(float) * (holds > 0)
        _, first = np.unique(self.lattice.sum(marks)[self.numbers], return_index=True)
        is_first = np.zeros(len(self.numbers), dtype=bool)
        is_first[first] = True
        return is_first

    def _may_move(self) -> np.ndarray:
        """Leave out slices that hold everything: there is nothing outside to compare them with."""
        sums = self.lattice.sum_once
        first, second = self.measure.base_entries, self.measure.entries
        if self.measure.effect == "volume":
            first, second = self.measure.base_actual, self.measure.actual
        return sums(first) + sums(second) < 0.9 * (first.sum() + second.sum())

    def run(self) -> None:
        """Take, refit, try again, prune; what was found stays in ``effects``."""
        if not self.is_large.any():
            return
        while len(self.effects) < self.gates.per_measure:
            best = self._best()
            if best is None:
                break
            self.effects[best] = 0.0
            self._refit()
        if len(self.effects) > 1:
            self._try_again()
        self._prune()

    def describe_all(self) -> list[FoundSlice]:
        """Return everything found, in the order of slice numbers."""
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
            candidates = self._passes(scores, alone=True) & self._is_free()
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
        error = float(np.sqrt(self._level_variance(outside)))
        if not np.isfinite(error):
            return 0.0, error
        level = self._level_of(outside, self.measure)
        return tell_level_as_kept(self.measure, outside, level, error) if self.measure.is_lost else (level, error)

    def _level_variance(self, outside: np.ndarray) -> float:
        """Return the variance of the logarithm of what moved everywhere outside some slices."""
        measure = self.measure
        deals = measure.entries[outside].sum() if measure.effect == "value" else measure.actual[outside].sum()
        base = measure.base_entries[outside].sum() if measure.effect == "value" else measure.base_actual[outside].sum()
        if deals <= 0 or (base <= 0 and not measure.is_log):
            return float("inf")
        room = measure.spread if measure.effect == "value" else 1.0
        if measure.effect == "rate":
            room = max(1.0 - measure.actual[outside].sum() / max(measure.entries[outside].sum(), 1e-9), 1e-3)
        return float(room / deals + (0.0 if measure.is_exact else room / max(base, 0.5)))

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

    def _scores(self, skip: int | None = None, drift: Drift | None = None) -> tuple[SliceScores, Drift]:
        """Score all slices given everything found but one."""
        known = self._known(skip)
        sums = self.sums
        if known is not self.measure:
            name = "actual" if known.is_log else "standard"
            now, before = getattr(known, name), getattr(self.measure, name)
            sums = replace(sums, **{name: getattr(sums, name) + self.lattice.sum(now - before)[self.numbers]})
        return score_slices(known, sums, self.base, drift=self.drift or drift)

    def _scores_without(self, number: int) -> tuple[SliceScores, Drift]:
        """Score all slices given everything found but one, allowing for what moves when all of it is known."""
        known = tuple(sorted(self.effects.items()))
        if self._drift_left[0] != known:
            self._drift_left = known, self._scores()[1]
        return self._scores(skip=number, drift=self._drift_left[1])

    def _impact(self, scores: SliceScores) -> np.ndarray:
        """Return what each slice's effect is worth (what more is lost counts as more)."""
        if self.measure.effect == "volume" or self.measure.is_lost:
            return (scores.actual - scores.expected) * self.worth_each
        return self.worth_actual * np.expm1(scores.log_effect)

    def _passes(self, scores: SliceScores, *, alone: bool = False) -> np.ndarray:
        """Return which slices pass everything; alone, as if nothing else had been searched."""
        impact = self._impact(scores)
        if alone:
            is_clear = 2 * one_sided(scores.strength) <= self.gates.suspicion
        else:
            is_clear = self._adjust(scores.strength) <= self.gates.significance
        return (
            self.is_large
            & is_clear
            & (np.abs(np.expm1(scores.log_effect)) >= self.gates.least_change)
            & (np.abs(impact) >= self.gates.least_share * self.reference)
        )

    def _adjust(self, strength: np.ndarray) -> np.ndarray:
        """Return p-values adjusted for everything searched."""
        by_chance = np.maximum(one_sided(strength), np.finfo(float).tiny)  # 0 × inf would be no number
        return by_chance * np.where(strength < 0, self.tests_of_falls, self.tests_of_rises)

    def _is_free(self) -> np.ndarray:
        """Return which slices are not among what was found."""
        return ~np.isin(self.numbers, list(self.effects))

    def _best(self) -> int | None:
        """Return the slice that explains most for what it costs, among those that pass.

        A cause makes everything that touches it scatter, so everyday movement is held back until a candidate is
        known, and the candidate then has to pass against the movement that is left.
        """
        scores, drift = self._scores()
        is_held_back = drift != drift.hold_back()
        if is_held_back:
            scores, _ = self._scores(drift=drift.hold_back())
        candidates = self._passes(scores) & self._is_free()
        for _ in range(2):
            best = self._cheapest(scores, candidates) if candidates.any() else None
            if best is None or best in self.effects or not (is_held_back or self.measure.is_lost):
                return None if best in self.effects else best
            kept = dict(self.effects)
            self.effects[best] = 0.0
            self._refit()
            surer, _ = self._scores_without(best)
            self.effects = kept
            if self._passes(surer)[self.place[best]]:
                return best
            candidates[self.place[best]] = False
        return None

    def _cheapest(self, scores: SliceScores, candidates: np.ndarray) -> int:
        """Return the candidate whose gain most exceeds what its slice costs."""
        if self.measure.is_lost:
            return choose_lost(self.measure, self._known(), self.lattice, self.numbers, candidates, scores)
        tests = np.where(scores.strength < 0, self.tests_of_falls, self.tests_of_rises)
        penalty = np.log(np.minimum(tests, 1e9)) + 1.0 * self.depth
        penalty = penalty + np.minimum((self._moved_outside(scores) / 0.2) ** 2 / 2, 3.0)
        best = int(np.argmax(np.where(candidates, scores.gain - penalty, -np.inf)))
        cuboid = self.lattice.locate(int(self.numbers[best]))
        is_beside = (self.numbers >= cuboid.start) & (self.numbers < cuboid.start + cuboid.size)
        beside = candidates & (self.depth == 1) & is_beside
        return int(
            self.numbers[choose_side(best, self.measure, self.sums, scores, beside, self._moved_outside(scores))]
        )

    def _moved_outside(self, scores: SliceScores) -> np.ndarray:
        """Return the logarithm by which everything outside each slice moved, per period."""
        return scores.log_outside + (np.log(self.expected_periods) if self.measure.effect == "volume" else 0.0)

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
                level = float(shrink_level(known, level, self._level_variance(outside))[0])
                effect = self._level_of(inside, known) - level - float(self.base.log_ratio[self.place[number]])
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
        return float(np.log(max((actual + unit) / max(standard + unit, 1e-9), 1e-9)))

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
            failing, impacts = [], {}
            for number in self.effects:
                scores, _ = self._scores_without(number)
                impacts[number] = abs(float(self._impact(scores)[self.place[number]]))
                if not self._passes(scores)[self.place[number]]:
                    failing.append((abs(float(scores.strength[self.place[number]])), number))
            if not failing and self.measure.is_lost:
                least = self.gates.least_of_largest * max(impacts.values())
                failing = [(impact, number) for number, impact in impacts.items() if impact < least]
            if not failing:
                return
            del self.effects[min(failing)[1]]
            self._refit()

    def contradicts(self, found: FoundSlice, other: int) -> bool:
        """Tell whether another slice of nearly the same records can't be what was found."""
        return self.measure.is_lost and contradicts(other, found, self.measure, self.lattice)

    def _describe(self, number: int) -> FoundSlice:
        """Return what was found about one slice given all others."""
        scores, drift = self._scores_without(number)
        place = self.place[number]
        variance = float(scores.variance[place]) + float(drift.variance(int(self.depth[place])))
        actual, expected = count_events(self.measure, self.sums, scores)
        found = FoundSlice(
            number=number,
            log_effect=self.effects[number],
            error=float(np.sqrt(variance + float(scores.noise[place]))),
            noise=float(scores.noise[place]),
            log_base=0.0 if self.measure.effect == "volume" else float(self.base.log_ratio[place]),
            actual=float(actual[place]),
            expected=float(expected[place]),
            q_value=min(float(self._adjust(scores.strength)[place]), 1.0),
        )
        return tell_as_kept(found, self.measure, self._inside(number)) if self.measure.is_lost else found
