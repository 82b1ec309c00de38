"""Count what a question needs over records that lie in memory."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from helpers.engine.aggregates import Answers, Durations, Need, ObjectOutline, Outline, Spread, Stacked, split_by_object
from helpers.engine.folding import DayLayer, Fold, Layer, fold_records, step_days
from helpers.engine.history import LOST
from helpers.engine.journeys import Journeys, Records
from helpers.engine.roll_up import Hierarchy, Plan, find_hierarchy, plan_blocks, roll_up
from helpers.engine.slicing import Lens, Question, join_codes

CHUNK = 1 << 15
"""So many records are gone through at a time: their codes stay in the processor's cache."""

DENSE_STATES = 4_000_000
"""Up to this many slices × states are counted in one go; beyond, each need is counted by itself."""

REMEMBERED = 6
"""How many folds are kept in memory."""


class SlicedRecords:
    """Records of one object that can be folded and sliced again and again: all of them, or a chunk."""

    def __init__(self, records: Records, labels: Mapping[str, np.ndarray]):
        self.records = records
        self.labels = labels
        self.sizes = {id: len(labels[id]) for id in records.codes}
        self.codes = {id: codes.astype(narrow(self.sizes[id]), copy=False) for id, codes in records.codes.items()}
        self._hierarchy: Hierarchy | None = None
        self._plans: dict[tuple, Plan] = {}

    @property
    def hierarchy(self) -> Hierarchy:
        """Which partition determines which other."""
        if self._hierarchy is None:
            self._hierarchy = find_hierarchy(self.codes, self.sizes)
        return self._hierarchy

    def slice(self, fold: Fold, asked: Mapping[Lens, Collection[Need]], keep: np.ndarray | None, width: int) -> Answers:
        """Answer what was folded.

        Args:
            fold: What is asked.
            asked: Lens that the records carry → what is needed through it.
            keep: Which records pass the filters; None for all.
            width: How many columns a need has.

        Returns:
            The answers; arrays add up over chunks.
        """
        found = Answers()
        distinct = {id(needs): needs for needs in asked.values()}
        for layer in fold.layers:
            told = {key: [need for need in needs if need in layer.needs] for key, needs in distinct.items()}
            mine = {lens: told[id(needs)] for lens, needs in asked.items() if told[id(needs)]}
            if not mine:
                continue
            chosen = layer.select(keep)
            fitting = [lens.by for lens in mine if _is_dense(lens, layer)]
            places, cells = self._count_blocks(chosen, fitting) if fitting else ({}, np.empty((0, 0)))
            together = {id(needs): needs for lens, needs in mine.items() if lens.by in places}
            for need in dict.fromkeys(need for needs in together.values() for need in needs):
                column = layer.needs[need]
                found.stacks[need] = Stacked(places, cells[:, column : column + width])
            for lens, needs in mine.items() if len(places) < len(mine) else ():
                for need in needs if lens.by not in places else ():
                    found[need, lens.by] = self._count_alone(chosen, layer.needs[need], lens, width)
        for layer in fold.day_layers:
            chosen = layer.select(keep)
            for lens, needs in asked.items():
                if layer.need in needs:
                    found[layer.need, lens.by] = self._count_days(chosen, lens, width - 1)
        return found

    def _count_blocks(
        self, layer: Layer, lenses: Sequence[tuple[str, ...]]
    ) -> tuple[dict[tuple[str, ...], tuple[int, int]], np.ndarray]:
        """Count slices × states of the planned blocks, roll up the rest, and turn states into columns.

        Returns:
            Lens → its first and last slice + 1, and slices of all lenses × columns.
        """
        n = len(layer.states)
        key = (tuple(lenses), layer.size, int(n).bit_length())
        if key not in self._plans:
            self._plans[key] = plan_blocks(lenses, self.hierarchy, n=n, size=layer.size)
        plan = self._plans[key]
        counted = count_cells(self._take(plan.blocks, layer.rows), self.sizes, plan.blocks, layer)
        ends = np.cumsum([0, *(self.hierarchy.count_slices(by) for by in lenses)]).tolist()
        states = np.empty((layer.size, ends[-1]), np.int32 if layer.weight is None else np.float64)
        for by, begin, end in zip(lenses, ends[:-1], ends[1:], strict=True):
            states[:, begin:end] = roll_up(counted[plan.sources[by]], plan.routes[by]).T
        columns = states if layer.columns is None else np.zeros((len(layer.columns), ends[-1]))
        for column, members in enumerate(layer.columns or ()):
            for member in members.tolist():
                columns[column] += states[member]
        return dict(zip(lenses, pairwise(ends), strict=True)), columns.T

    def _take(self, blocks: Iterable[tuple[str, ...]], rows: np.ndarray | None) -> dict[str, np.ndarray]:
        used = {id for block in blocks for id in block}
        return {id: self.codes[id] if rows is None else self.codes[id][rows] for id in used}

    def _ids(self, lens: Lens, rows: np.ndarray | None) -> np.ndarray:
        """Return the slice of some records."""
        codes = self._take([lens.by], rows)
        n = self.records.n if rows is None else len(rows)
        keys = join_codes(codes, lens.by, lens.sizes, n)
        return keys if lens.occupied is None else np.searchsorted(lens.occupied, keys)

    def _count_alone(self, layer: Layer, column: int, lens: Lens, width: int) -> np.ndarray:
        """Count one need through one lens that has too many slices for its states."""
        if layer.columns is None:
            columns, there = layer.states, slice(None)
        else:
            place = np.full(layer.size, -1)
            for i, members in enumerate(layer.columns[column : column + width]):
                place[members] = i
            columns = place[layer.states]
            there = np.flatnonzero(columns >= 0)
            columns = columns[there]
        rows = np.arange(self.records.n) if layer.rows is None else layer.rows
        weight = None if layer.weight is None else layer.weight[there]
        keys = self._ids(lens, rows[there]) * width + columns
        counted = np.bincount(keys, weights=weight, minlength=lens.n_slices * width)
        return counted.astype(float, copy=False).reshape(lens.n_slices, width)

    def _count_days(self, layer: DayLayer, lens: Lens, periods: int) -> Spread:
        """Count records per slice, period and days."""
        most = int(layer.days.max(initial=0)) + 1
        keys = (self._ids(lens, layer.rows) * periods + layer.periods) * most + layer.days
        cells = lens.n_slices * periods * most
        if cells <= 4 * len(keys) + CHUNK:
            n = np.bincount(keys, minlength=cells)
            keys = np.flatnonzero(n)
            n = n[keys]
        else:
            keys, n = np.unique(keys, return_counts=True)
        keys, days = np.divmod(keys, most)
        slices, at = np.divmod(keys, max(periods, 1))
        return Spread(slices, at, days, n)


def _is_dense(lens: Lens, layer: Layer) -> bool:
    return not lens.is_sparse and lens.n_slices * layer.size <= DENSE_STATES


def count_cells(
    codes: Mapping[str, np.ndarray],
    sizes: Mapping[str, int],
    blocks: Sequence[tuple[str, ...]],
    layer: Layer,
) -> dict[tuple[str, ...], np.ndarray]:
    """Count records per slice of each block and state, or add up their weights.

    Returns:
        Block → slices × states.
    """
    weight, size = layer.weight, layer.size
    dtype = np.int32 if weight is None else np.float64
    shapes = {block: int(np.prod([sizes[id] for id in block], dtype=np.int64)) for block in blocks}
    counted = {block: np.zeros(slices * size, dtype) for block, slices in shapes.items()}
    keys = np.empty(CHUNK, np.int64)
    one = dtype(1)
    for begin in range(0, len(layer.states), CHUNK):
        part = slice(begin, begin + CHUNK)
        states = layer.states[part].astype(np.int64)
        wide = {id: values[part].astype(np.int64) for id, values in codes.items()}
        last = {block[-1]: wide[block[-1]] * size + states for block in blocks if block}
        add = one if weight is None else weight[part]
        for block in blocks:
            key = states
            if len(block) > 1:
                key, stride = keys[: len(states)], size * sizes[block[-1]]
                np.multiply(wide[block[-2]], stride, out=key)
                for id, finer in zip(block[-3::-1], block[-2:0:-1], strict=True):
                    stride *= sizes[finer]
                    key += wide[id] * stride
                key += last[block[-1]]
            elif block:
                key = last[block[-1]]
            np.add.at(counted[block], key, add)
    return {block: cells.reshape(shapes[block], size) for block, cells in counted.items()}


def narrow(size: int) -> type:
    """Return the narrowest type for codes below a size."""
    return np.uint8 if size <= 1 << 8 else np.uint16 if size <= 1 << 16 else np.int32


class LocalEvaluator:
    """Counts over a company's journeys in memory; folds and codes are kept for the next question."""

    def __init__(self, journeys: Journeys):
        self.journeys = journeys
        self.outline = outline_journeys(journeys)
        self._sliced: dict[str, SlicedRecords] = {}
        self._folds: dict[tuple, Fold] = {}
        self._durations: dict[Durations, Spread] = {}

    def evaluate(self, question: Question, asked: Mapping[Lens, Collection[Need]]) -> Answers:
        """Answer all needs of a question at once; see ``Evaluator``."""
        found = Answers()
        for object, mine in split_by_object(asked).items():
            distinct = {id(needs): needs for needs in mine.values()}.values()
            fold = self._fold(object, question, dict.fromkeys(need for needs in distinct for need in needs))
            keep = question.selected(object, {}) if question.filters else None
            found.include(self._slice_of(object).slice(fold, mine, keep, len(question.axis) + 1))
        return found

    def count_durations(self, question: Question, asked: Collection[Durations]) -> Mapping[Durations, Spread]:
        """Count how long steps took over all records, filters aside."""
        for one in asked:
            if one not in self._durations:
                went, days = step_days(self.journeys.records[one.object], one.step)
                n = np.bincount(days[went])
                days = np.flatnonzero(n)
                nothing = np.zeros(len(days), np.int64)
                self._durations[one] = Spread(nothing, nothing, days, n[days])
        return {one: self._durations[one] for one in asked}

    def find_occupied(self, by: tuple[str, ...]) -> np.ndarray:
        """Return the sorted keys of the slices that occur in any object that carries the partitions."""
        keys = [np.empty(0, np.int64)]
        for object, records in self.journeys.records.items():
            if self.outline.carries(object, by):
                sizes = [len(self.outline.labels[id]) for id in by]
                keys.append(np.unique(join_codes(records.codes, by, sizes, records.n)))
        return np.unique(np.concatenate(keys))

    def _slice_of(self, object: str) -> SlicedRecords:
        if object not in self._sliced:
            self._sliced[object] = SlicedRecords(self.journeys.records[object], self.outline.labels)
        return self._sliced[object]

    def _fold(self, object: str, question: Question, needs: Iterable[Need]) -> Fold:
        """Return a fold that answers at least these needs, one of those remembered where there is one."""
        axis, wanted = question.axis, frozenset(needs)
        key = (object, axis.starts.tobytes(), axis.ends.tobytes())
        for known in self._folds:
            if known[:3] == key and known[3] >= wanted:
                return self._folds[known]
        fold = fold_records(self.journeys.records[object], axis, needs, self.outline.labels)
        while len(self._folds) >= REMEMBERED:
            del self._folds[next(iter(self._folds))]
        self._folds[*key, wanted] = fold
        return fold


def outline_journeys(journeys: Journeys) -> Outline:
    """Tell what journeys in memory hold."""
    objects = {
        name: ObjectOutline(
            frozenset(records.reached), frozenset(records.cents), frozenset(records.codes), records.weight is not None
        )
        for name, records in journeys.records.items()
    }
    lost_fields = frozenset()
    if "deal" in journeys.records:
        lost = journeys.history.outcome == LOST
        cents = journeys.records["deal"].cents
        lost_fields = frozenset(name for name, values in cents.items() if (values[lost] != 0).any())
    return Outline(
        objects,
        journeys.labels,
        journeys.homes,
        journeys.first_day,
        journeys.observed_until,
        journeys.exported_until,
        journeys.as_of,
        lost_fields,
    )


def evaluate_journeys(journeys: Journeys) -> LocalEvaluator:
    """Return the evaluator of journeys in memory, remembered on them: its folds live as long as they do."""
    remembered = vars(journeys)
    if "_evaluator" not in remembered:
        remembered["_evaluator"] = LocalEvaluator(journeys)
    return remembered["_evaluator"]
