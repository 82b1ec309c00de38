"""Fold everything that a question asks of a record into one small number, so that slices are counted in one pass.

For counts, each record's periods of entry and its steps are joined into a state; few of the states that could be do
occur, so that one byte or two per record hold the answers to a dozen KPIs. Counting (slice, state) pairs once gives
all of them, by a small matrix from states to KPIs and periods. Sums only look at the records that carry an amount.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from helpers.engine.aggregates import Aggregate, Event, Histogram, Need, Step
from helpers.engine.journeys import Records
from helpers.engine.slicing import find_codes, match_codes
from helpers.engine.timeline import NO_DAY, PeriodAxis

MOST_STATES = 512
"""Up to this many states that occur are counted in one go."""

JOINED = 1 << 12
"""From this many possible states on, those that occur are looked for."""

SPARSE_SHARE = 0.7
"""Up to this share of records with anything to count, only they are gone through."""


@dataclass(frozen=True)
class Layer:
    """What is counted, or added up, in one pass over some records of an object.

    Attributes:
        needs: What it answers, each with the first of its columns; it has one column per period, and one before.
        rows: Positions of the records that matter; None for all.
        states: State of each of them.
        size: How many states there are.
        columns: Which states count in each column; None where the states are the columns.
        weight: What each record counts for; None for 1.
    """

    needs: Mapping[Aggregate, int]
    rows: np.ndarray | None
    states: np.ndarray
    size: int
    columns: tuple[np.ndarray, ...] | None = None
    weight: np.ndarray | None = None

    def select(self, keep: np.ndarray | None) -> "Layer":
        """Return the layer over the records that pass."""
        if keep is None:
            return self
        if self.rows is None:
            chosen = rows = np.flatnonzero(keep)
        else:
            chosen = np.flatnonzero(keep[self.rows])
            rows = self.rows[chosen]
        weight = None if self.weight is None else self.weight[chosen]
        return Layer(self.needs, rows, self.states[chosen], self.size, self.columns, weight)


@dataclass(frozen=True)
class DayLayer:
    """The records whose days are counted for a histogram.

    Attributes:
        need: What it answers.
        rows: Positions of the records.
        periods: Period of each, from 0.
        days: Days that each took.
    """

    need: Histogram
    rows: np.ndarray
    periods: np.ndarray
    days: np.ndarray

    def select(self, keep: np.ndarray | None) -> "DayLayer":
        """Return the layer over the records that pass."""
        if keep is None:
            return self
        chosen = keep[self.rows]
        return DayLayer(self.need, self.rows[chosen], self.periods[chosen], self.days[chosen])


@dataclass(frozen=True)
class Fold:
    """Some records of one object, folded for a set of needs on one axis of periods.

    Attributes:
        n: How many records.
        layers: Counts and sums.
        day_layers: Histograms.
    """

    n: int
    layers: tuple[Layer, ...]
    day_layers: tuple[DayLayer, ...]


def fold_records(records: Records, axis: PeriodAxis, needs: Iterable[Need], labels: Mapping[str, np.ndarray]) -> Fold:
    """Fold the records of one object, or a part of them.

    Args:
        records: Their days, amounts and codes.
        axis: The periods.
        needs: What is asked of them; all of the same object.
        labels: Partition id → the texts of its codes, for needs that are narrowed.
    """
    folder = _Folder(records, axis, labels)
    wanted = list(dict.fromkeys(needs))
    counts = [need for need in wanted if isinstance(need, Aggregate) and (not need.field or need.power == 0)]
    sums = [need for need in wanted if isinstance(need, Aggregate) and need not in counts]
    days = [need for need in wanted if isinstance(need, Histogram)]
    layers = [*folder.count(counts), *folder.add_up(sums)]
    return Fold(records.n, tuple(layers), tuple(folder.take_days(need) for need in days))


def step_days(records: Records, step: Step) -> tuple[np.ndarray, np.ndarray]:
    """Return which records went a step, and the days between (meaningless for the others)."""
    start, stop = (
        records.reached[step.from_stage, step.from_business],
        records.reached[step.to_stage, step.to_business],
    )
    went = (start != NO_DAY) & (stop >= start)
    days = stop - start
    return (went if step.within is None else went & (days <= step.within)), days


class _Folder:
    """Finds the marks of records once, and folds them."""

    def __init__(self, records: Records, axis: PeriodAxis, labels: Mapping[str, np.ndarray]):
        self.records = records
        self.axis = axis
        self.labels = labels
        self.width = len(axis) + 1
        self._marks: dict[tuple, tuple[np.ndarray, int]] = {}

    def mark(self, key: tuple) -> tuple[np.ndarray, int]:
        """Return a mark of every record as a small number, and how many values it has."""
        if key not in self._marks:
            self._marks[key] = self._find_mark(*key)
        return self._marks[key]

    def _find_mark(self, kind: str, *what) -> tuple[np.ndarray, int]:
        if kind == "period":
            return locate_days(self.records.reached[what], self.axis), self.width + 1
        if kind == "step":
            return step_days(self.records, what[0])[0], 2
        if kind == "known":
            return self.records.known[what[0]], 2
        partition, values = what
        labels = self.labels[partition]
        return match_codes(self.records.codes[partition], find_codes(labels, values), len(labels)), 2

    def keys_of(self, need: Aggregate) -> list[tuple]:
        """Return which marks decide whether and where a record counts, the period first."""
        event, step = need.event, need.step
        keys = [self.key_of_days(event), *(("where", *one) for one in event.where)]
        keys += [("step", step)] if step else []
        return [*keys, ("known", need.field)] if need.field else keys

    def key_of_days(self, event: Event) -> tuple:
        """Return the key of an event's period; days kept twice under two names are one mark."""
        reached = self.records.reached
        days = reached[event.stage, event.business]
        same = reached.get((event.stage, "all"))
        return ("period", event.stage, "all" if days is same else event.business)

    def count(self, needs: Sequence[Aggregate]) -> list[Layer]:
        """Fold counts into as few layers as their states allow."""
        layers, group, states = [], [], None
        for need in needs:
            marks = [(key, *self.mark(key)) for key in self.keys_of(need)]
            joined = states.join(marks) if states else None
            if joined is None:
                layers += [self._layer(group, states)] if group else []
                group, joined = [], _States(np.zeros(self.records.n, np.uint16)).join(marks, most=1 << 16)
            states = joined
            group.append(need)
        return [*layers, self._layer(group, states)] if group else layers

    def _layer(self, needs: Sequence[Aggregate], states: "_States") -> Layer:
        states = states.number()
        columns: list[np.ndarray] = []
        matters = np.zeros(states.size, bool)
        place = {}
        for i, need in enumerate(needs):
            period, *flags = (states.table[key] for key in self.keys_of(need))
            counted = period > 0
            for flag in flags:
                counted &= flag > 0
            columns += [np.flatnonzero(counted & (period == column + 1)) for column in range(self.width)]
            matters |= counted
            place[need] = i * self.width
        layer = Layer(place, None, states.codes, states.size, tuple(columns), self.records.weight)
        if states.n_of[matters].sum() > SPARSE_SHARE * self.records.n:
            return layer
        return layer.select(matters[states.codes])

    def add_up(self, needs: Sequence[Aggregate]) -> list[Layer]:
        """Return a layer per sum, over the records that carry the field."""
        rows_of: dict[tuple, tuple[np.ndarray, np.ndarray]] = {}
        layers = []
        for need in needs:
            keys = tuple(self.keys_of(need))
            if keys not in rows_of:
                rows_of[keys] = self._rows(keys)
            rows, periods = rows_of[keys]
            cents = self.records.cents[need.field][rows]
            weight = cents.astype(float) if need.power == 1 else (cents / 100.0) ** need.power
            layers.append(Layer({need: 0}, rows, periods, self.width, None, weight))
        return layers

    def _rows(self, keys: Iterable[tuple]) -> tuple[np.ndarray, np.ndarray]:
        """Return the records that have all marks, and their column."""
        period, *flags = (self.mark(key)[0] for key in keys)
        counted = period > 0
        for flag in flags:
            counted &= flag
        rows = np.flatnonzero(counted).astype(np.int32)
        return rows, period[rows] - 1

    def take_days(self, need: Histogram) -> DayLayer:
        """Return the records whose days are counted."""
        went, days = step_days(self.records, need.step)
        rows, columns = self._rows(self.keys_of(Aggregate(need.event)))
        inside = (columns > 0) & went[rows]
        rows = rows[inside]
        return DayLayer(need, rows, columns[inside] - 1, days[rows])


def locate_days(days: np.ndarray, axis: PeriodAxis) -> np.ndarray:
    """Return for each day its period + 2, 1 before the first one, 0 after the last one and where there is none."""
    dtype = np.uint8 if len(axis) + 2 <= 256 else np.uint16
    if not len(axis):
        return np.zeros(len(days), dtype)
    low, high = int(axis.starts[0]) - 1, int(axis.ends[-1]) + 1
    table = (np.searchsorted(axis.starts, np.arange(low, high + 1), side="right") + 1).astype(dtype)
    table[-1] = 0
    found = table[np.clip(days, low, high) - low]
    found[days == NO_DAY] = 0
    return found


@dataclass(frozen=True)
class _States:
    """The state of every record as marks are joined to it.

    Attributes:
        codes: State of each record.
        size: How many states there could be.
        fresh: Marks joined since the states were numbered, each with how many values it has.
        table: Marks joined before → value in each of the states as they were numbered.
        n_of: How many records are in each state; only right after they were numbered.
    """

    codes: np.ndarray
    size: int = 1
    fresh: tuple[tuple[tuple, int], ...] = ()
    table: Mapping[tuple, np.ndarray] = field(default_factory=dict)
    n_of: np.ndarray | None = None

    def join(self, marks: Sequence[tuple[tuple, np.ndarray, int]], most: int = MOST_STATES) -> "_States | None":
        """Join marks that aren't joined yet; None where more than the most allowed states occur then."""
        joined = self
        for key, values, size in marks:
            if key in joined.table or any(key == other for other, _ in joined.fresh):
                continue
            if joined.size * size > JOINED:
                joined = joined.number()
            if joined.size * size > 1 << 16:
                return None
            codes = joined.codes.astype(np.uint16, copy=False) * np.uint16(size)
            codes += values
            joined = _States(codes, joined.size * size, (*joined.fresh, (key, size)), joined.table)
        joined = joined.number() if joined.size > most else joined
        return None if joined.size > most else joined

    def number(self) -> "_States":
        """Number the states that occur."""
        n_of = np.bincount(self.codes, minlength=self.size)
        occurring = np.flatnonzero(n_of) if len(self.codes) else np.zeros(1, np.int64)
        numbers = np.zeros(self.size, np.uint8 if len(occurring) <= 256 else np.uint16)
        numbers[occurring] = np.arange(len(occurring))
        before, table = occurring, {}
        for key, size in reversed(self.fresh):
            before, table[key] = np.divmod(before, size)
        table |= {key: values[before] for key, values in self.table.items()}
        return _States(numbers[self.codes], len(occurring), (), table, n_of[occurring])
