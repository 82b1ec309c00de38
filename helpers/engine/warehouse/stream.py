"""Count out of core: DuckDB joins and codes the records under a memory limit, numpy counts them a part at a time.

Every answer adds up over parts of the records, so that only a part of them is ever in memory as numbers. What a part
was folded to stays (about a byte per partition and record), so that another filter or other slices need no new pass.
"""

import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property

import numpy as np
import pyarrow as pa

from helpers.engine.aggregates import Aggregate, Answers, Durations, Need, Outline, Spread, split_by_object
from helpers.engine.folding import Fold, fold_records
from helpers.engine.journeys import Records
from helpers.engine.local_evaluator import SlicedRecords
from helpers.engine.slicing import Lens, Question, match_codes
from helpers.engine.timeline import NO_DAY, PeriodAxis
from helpers.engine.warehouse.aggregate_query import PushdownEvaluator
from helpers.engine.warehouse.journey_query import JourneyQuery
from helpers.engine.warehouse.outline_query import journey_select

CHUNK_ROWS = 1 << 20
"""So many records are counted at a time: enough that each part's states pay, little enough for any machine."""

REMEMBERED = 3
"""Of so many questions, told apart by periods and needs, the folded records of an object stay in memory."""

SHOWN_AFTER = 2.0
"""Seconds after which a pass shows how far it is."""


@dataclass
class Part:
    """Some records of an object, ready to be sliced again.

    Attributes:
        sliced: Their codes.
        folds: Periods and needs → what was folded for them.
    """

    sliced: SlicedRecords
    folds: dict[tuple, Fold] = field(default_factory=dict)


class StreamEvaluator:
    """Counts the records of a company that DuckDB reads, as of one day, without ever holding them all as rows."""

    def __init__(self, company, as_of: date | None, *, chunk_rows: int = CHUNK_ROWS):
        """Ask nothing yet.

        Args:
            company: The opened company, its tables where DuckDB reads them.
            as_of: The last day that counts; None lets everything count.
            chunk_rows: How many records are counted at a time.
        """
        self._company, self._as_of, self._rows = company, as_of, chunk_rows
        self._asking = PushdownEvaluator(company, as_of)
        self._parts: dict[str, list[Part]] = {}
        self._durations: dict[Durations, Spread] = {}

    @cached_property
    def outline(self) -> Outline:
        """What the records hold."""
        return self._asking.outline

    def evaluate(self, question: Question, asked: Mapping[Lens, Collection[Need]]) -> Answers:
        """Answer all needs of a question at once; see ``aggregates.Evaluator``."""
        found = Answers()
        for object, mine in split_by_object(asked).items():
            total = _Total(question.axis, mine)
            for part, fold in self._fold(object, question, mine):
                keep = _select(part.sliced, question)
                total.add(part.sliced.slice(fold, mine, keep, len(question.axis) + 1))
            found.include(total.close())
        return found

    def count_durations(self, question: Question, asked: Collection[Durations]) -> Mapping[Durations, Spread]:
        """Count how long steps took over all records, filters aside."""
        missing = [one for one in asked if one not in self._durations]
        if missing:
            self._durations |= self._asking.count_durations(question, missing)
        return {one: self._durations[one] for one in asked}

    def find_occupied(self, by: tuple[str, ...]) -> np.ndarray:
        """Return the sorted keys of the slices that occur in any object that carries the partitions."""
        return self._asking.find_occupied(by)

    def _fold(
        self, object: str, question: Question, asked: Mapping[Lens, Collection[Need]]
    ) -> Iterator[tuple[Part, Fold]]:
        """Go through the parts of an object's records with their folds, out of memory where those are there."""
        distinct = {id(some): some for some in asked.values()}.values()
        needs = list(dict.fromkeys(need for some in distinct for need in some))
        used = {id for lens in asked for id in lens.by} | set(question.filters)
        axis = question.axis
        key = (axis.starts.tobytes(), axis.ends.tobytes())
        parts = self._parts.get(object)
        if parts is not None and all(used <= set(part.sliced.codes) for part in parts):
            known = next(
                (one for one in (parts[0].folds if parts else {}) if one[:2] == key and one[2] >= set(needs)), None
            )
            if known is not None or not parts:
                yield from ((part, part.folds[known]) for part in parts)
                return
        kept = set() if not parts else set(parts[0].sliced.codes)
        yield from self._stream(object, axis, needs, used | kept, (*key, frozenset(needs)))

    def _stream(
        self, object: str, axis: PeriodAxis, needs: Sequence[Need], partitions: set[str], key: tuple
    ) -> Iterator[tuple[Part, Fold]]:
        """Read an object's records once, fold them part by part and remember what they were folded to."""
        wheres = {id for need in needs for id, _ in need.event.where}
        carried = self.outline.objects[object].partitions
        wanted = [id for id in self.outline.labels if id in (partitions | wheres) and id in carried]
        journey = journey_select(
            self._company,
            object,
            self._as_of,
            partitions=wanted,
            reached={pair for need in needs for pair in _pairs(need)},
            fields={need.field for need in needs if isinstance(need, Aggregate) and need.field},
            labels={id: self.outline.labels[id] for id in wanted},
        )
        before, parts = self._parts.get(object, []), []
        is_same = bool(before) and set(wanted) == set(before[0].sliced.codes)
        for number, records in enumerate(self._read(object, journey)):
            fold = fold_records(records, axis, needs, self.outline.labels)
            sliced = SlicedRecords(replace(records, reached={}, cents={}, known={}), self.outline.labels)
            sliced.records = replace(sliced.records, codes={})
            part = Part(sliced, {key: fold})
            if is_same and number < len(before) and _are_equal(before[number].sliced, sliced):
                kept = dict(list(before[number].folds.items())[1 - REMEMBERED :])
                part = Part(before[number].sliced, {**kept, key: fold})
            parts.append(part)
            yield part, fold
        same_folds = [part.folds for part in parts if part.folds.keys() != parts[0].folds.keys()]
        for part in parts if same_folds else ():
            part.folds = {key: part.folds[key]}
        self._parts[object] = parts

    def _read(self, object: str, journey: JourneyQuery) -> Iterator[Records]:
        """Read the journeys in parts of coded records."""
        from tqdm import tqdm

        warehouse = self._company.warehouse
        batches = warehouse.connection.batches(self._write_numbers(journey), min(self._rows, 1 << 17))
        label = f"counting {object} records"
        with tqdm(total=warehouse.count(object), unit="row", unit_scale=True, desc=label, delay=SHOWN_AFTER,
                  file=sys.stderr, disable=None, leave=False) as bar:  # fmt: skip
            for gathered in _gather(batches, self._rows):
                records = self._decode(object, journey, gathered)
                yield records
                bar.update(records.n)

    def _write_numbers(self, journey: JourneyQuery) -> str:
        """Write the SELECT that makes small numbers of the journeys: codes, days and cents, none of them missing."""
        shown = [f"journey.{name} as {name}" for name in journey.partitions.values()]
        for name in journey.reached.values():
            shown.append(f"cast(coalesce(journey.{name}, {NO_DAY}) as integer) as {name}")
        for name in journey.cents.values():
            shown.append(f"cast(coalesce(journey.{name}, 0) as bigint) as {name}")
            shown.append(f"journey.{name} is not null as {name}_known")
        if journey.weight:
            shown.append(f"cast(journey.{journey.weight} as bigint) as {journey.weight}")
        return f"select {', '.join(shown) or '1 as record'} from (\n{journey.sql}\n) as journey"

    def _decode(self, object: str, journey: JourneyQuery, batches: Sequence[pa.RecordBatch]) -> Records:
        table = pa.Table.from_batches(batches)

        def take(name: str) -> np.ndarray:
            return table.column(name).to_numpy()

        weight = take(journey.weight) / 100 if journey.weight else None
        return Records(
            object,
            table.num_rows,
            {pair: take(name) for pair, name in journey.reached.items()},
            {one: take(name) for one, name in journey.cents.items()},
            {one: take(f"{name}_known") for one, name in journey.cents.items()},
            {id: take(name) for id, name in journey.partitions.items()},
            weight=weight,
        )


def _gather(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[list[pa.RecordBatch]]:
    """Put batches together until they hold so many rows; nothing for no rows."""
    gathered, n = [], 0
    for batch in batches:
        if batch.num_rows:
            gathered.append(batch)
            n += batch.num_rows
        if n >= rows:
            yield gathered
            gathered, n = [], 0
    if gathered:
        yield gathered


def _pairs(need: Need) -> set[tuple[str, str]]:
    """Return the (stage, business) pairs whose days a need looks at."""
    pairs = {(need.event.stage, need.event.business)}
    if need.step is not None:
        pairs |= {(need.step.from_stage, need.step.from_business), (need.step.to_stage, need.step.to_business)}
    return pairs


def _are_equal(one: SlicedRecords, other: SlicedRecords) -> bool:
    """Tell whether two passes met the same records in the same order, which nothing promises."""
    return one.records.n == other.records.n and all(
        np.array_equal(codes, other.codes[id]) for id, codes in one.codes.items()
    )


def _select(sliced: SlicedRecords, question: Question) -> np.ndarray | None:
    """Return which records pass the filters; None for all."""
    keep = None
    for id, codes in question.filters.items():
        mask = match_codes(sliced.codes[id], codes, sliced.sizes[id])
        keep = mask if keep is None else keep & mask
    return keep


class _Total:
    """Adds up answers over parts of the records."""

    def __init__(self, axis: PeriodAxis, asked: Mapping[Lens, Collection[Need]]):
        self._axis, self._asked = axis, asked
        self._found: Answers | None = None
        self._spreads: dict[tuple, list[Spread]] = {}

    def add(self, answers: Answers) -> None:
        for key, answer in answers.items():
            if isinstance(answer, Spread):
                self._spreads.setdefault(key, []).append(answer)
        if self._found is None:
            self._found = answers
        else:
            self._found.add(answers)

    def close(self) -> Answers:
        found = self._found
        if found is None:
            found = Answers()
            for lens, needs in self._asked.items():
                for need in needs:
                    is_sum = isinstance(need, Aggregate)
                    found[need, lens.by] = np.zeros((lens.n_slices, len(self._axis) + 1)) if is_sum else add_spreads([])
        found.update({key: add_spreads(spreads) for key, spreads in self._spreads.items()})
        return found


def add_spreads(spreads: Sequence[Spread]) -> Spread:
    """Add up histograms of parts of the records."""
    if len(spreads) == 1:
        return spreads[0]
    if not spreads:
        nothing = np.empty(0, np.int64)
        return Spread(nothing, nothing, nothing, nothing)
    columns = [np.concatenate([getattr(one, name) for one in spreads]) for name in ("slices", "periods", "days", "n")]
    slices, periods, days, n = columns
    order = np.lexsort((days, periods, slices))
    slices, periods, days, n = (column[order] for column in (slices, periods, days, n))
    if not len(n):
        return Spread(slices, periods, days, n)
    changes = (np.diff(slices) != 0) | (np.diff(periods) != 0) | (np.diff(days) != 0)
    starts = np.flatnonzero(np.concatenate([[True], changes]))
    return Spread(slices[starts], periods[starts], days[starts], np.add.reduceat(n, starts))
