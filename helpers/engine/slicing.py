"""Cut records into slices and periods: what was asked, and through which partitions it is looked at."""

import math
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from helpers.engine.aggregates import Evaluator, Outline
from helpers.engine.history import DealState
from helpers.engine.journeys import BLANK, Journeys, Records
from helpers.engine.timeline import WHOLE, PeriodAxis, as_axis, to_date
from helpers.errors import QuestionError, suggest
from helpers.periods import build_periods

DENSE_CELLS = 5_000_000
"""Up to this many slices × periods are counted in one dense array; beyond, only the combinations that occur."""

EVERYTHING = "all"


@dataclass(frozen=True, eq=False)
class Question:
    """What was asked: of whose records, which periods, which records.

    Attributes:
        evaluator: Where the records lie as of the day, and who counts them.
        axis: The periods.
        filters: Partition id → codes of the values that records must have; an object that doesn't carry one of the
            partitions can't be asked.
        horizon: Days that a cohort is given; None gives it until the day of the question.
        confidence: Of every interval.
        maturity: Percentile of past durations from which a cohort counts as mature.
        fiscal_year_start: The month in which the fiscal year begins.
        cache: What was found once under these filters.
        known: What was found once, whatever the filters.
    """

    evaluator: Evaluator
    axis: PeriodAxis
    filters: Mapping[str, tuple[int, ...]]
    horizon: int | None
    confidence: float
    maturity: float
    fiscal_year_start: int = 1
    cache: dict = field(default_factory=dict)
    known: dict = field(default_factory=dict)

    @property
    def outline(self) -> Outline:
        """What the records hold."""
        return self.evaluator.outline

    @property
    def journeys(self) -> Journeys:
        """The records themselves; only where they lie in memory."""
        return self.evaluator.journeys

    @property
    def ended(self) -> np.ndarray:
        """Whether each period was over on the last day that can be seen, and had begun when the exports were made."""
        over = self.axis.ends <= self.outline.observed_until
        return over & (self.axis.starts <= self.outline.exported_until)

    def quarters(self) -> tuple[PeriodAxis, np.ndarray]:
        """Return the periods at whose start a stock is looked at, and in which period of the axis each is shown.

        The whole history has no start to look at: its quarters are, and their halves are added up again.
        """
        if self.axis.grain != WHOLE or not len(self.axis):
            return self.axis, np.arange(len(self.axis))
        start, end = to_date(self.axis.starts[0]), to_date(self.axis.ends[0])
        quarters = as_axis(build_periods(start, end, "quarter", self.fiscal_year_start), "quarter")
        return quarters, np.zeros(len(quarters), np.int64)

    def carries(self, object: str, partitions: Iterable[str]) -> bool:
        """Tell whether an object's records carry some partitions and everything that is filtered by."""
        return self.outline.carries(object, {*partitions, *self.filters})

    def selected(self, object: str, where: Mapping[str, Sequence[str]]) -> np.ndarray | None:
        """Return which records of an object pass the filters and a KPI's own narrowing; None where it can't be told."""
        if not self.carries(object, where):
            return None
        key = ("selected", object, freeze_where(where))
        if key not in self.cache:
            records = self.journeys.records[object]
            mask = np.ones(records.n, bool)
            for partition, codes in self.filters.items():
                mask &= match_codes(records.codes[partition], codes, len(self.outline.labels[partition]))
            for partition, values in where.items():
                labels = self.outline.labels[partition]
                mask &= match_codes(records.codes[partition], find_codes(labels, values), len(labels))
            self.cache[key] = mask
        return self.cache[key]


class Lens:
    """One way of cutting: the slices of a combination of partitions, over all objects that carry it.

    A slice's key is the mixed radix of the codes of its values, the last partition running fastest. A lens numbers its
    slices by their keys; one that is too wide for that (``is_sparse``) only numbers those that occur, in that order.
    """

    def __init__(self, question: Question, by: Sequence[str], shown_as: Sequence[str] | None = None):
        """Lay out the slices; ``carriers`` are the objects that carry every partition.

        Args:
            question: What was asked.
            by: Partition ids; empty is the company.
            shown_as: The ids as they were asked for, for the column ``dimension``.
        """
        self.question = question
        self.by = tuple(by)
        self.shown_as = tuple(shown_as or by)
        self.dimension = " & ".join(self.shown_as) or EVERYTHING
        self.sizes = [len(question.outline.labels[id]) for id in self.by]
        self._n_slices = math.prod(self.sizes)
        self.is_sparse = self._n_slices * (len(question.axis) + 1) > DENSE_CELLS
        self.carriers = frozenset(object for object in question.outline.objects if self.carries(object))
        self._occupied: np.ndarray | None = None
        self._ids: dict[str, np.ndarray | None] = {}

    def with_question(self, question: Question) -> "Lens":
        """Return the same lens on another question about the same records, such as one with other filters."""
        other = copy(self)
        other.question = question
        return other

    @property
    def occupied(self) -> np.ndarray | None:
        """Keys of the slices that occur, sorted; None where all slices are numbered."""
        if self.is_sparse and self._occupied is None:
            self._occupied = self.question.evaluator.find_occupied(self.by)
        return self._occupied

    def occupy(self, keys: np.ndarray) -> None:
        """Say which slices of a sparse lens occur, where that was learnt in passing: sorted keys."""
        self._occupied = keys

    @property
    def n_slices(self) -> int:
        """How many slices are numbered."""
        return len(self.occupied) if self.is_sparse else self._n_slices

    def carries(self, object: str) -> bool:
        """Tell whether an object carries every partition of this lens."""
        return self.question.outline.carries(object, self.by)

    def ids(self, object: str) -> np.ndarray | None:
        """Return the slice of each record, None where the object lacks one of the partitions."""
        if object not in self._ids:
            self._ids[object] = self._slice_ids(object) if self.carries(object) else None
        return self._ids[object]

    def ids_on(self, object: str, state: DealState) -> np.ndarray:
        """Return the slice of each deal on a past day: its stage is that of then, everything else today's value."""
        journeys = self.question.journeys
        moving = {id: journeys.stage_codes(id, state) for id in self.by if id in journeys.stage_partitions}
        if not moving:
            return self.ids(object)
        keys = self._keys(journeys.records[object], moving)
        return keys if self.occupied is None else np.searchsorted(self.occupied, keys) % len(self.occupied)

    def _slice_ids(self, object: str) -> np.ndarray:
        keys = self._keys(self.question.journeys.records[object])
        return keys if self.occupied is None else np.searchsorted(self.occupied, keys)

    def _keys(self, records: Records, instead: Mapping[str, np.ndarray] | None = None) -> np.ndarray:
        return join_codes({**records.codes, **(instead or {})}, self.by, self.sizes, records.n)

    def texts(self, slices: np.ndarray) -> pa.Array:
        """Return the text of each slice."""
        if not self.by:
            return pa.repeat(pa.scalar(EVERYTHING, pa.large_string()), len(slices))
        keys = slices if self.occupied is None else self.occupied[slices]
        parts = []
        for id, size in zip(reversed(self.by), reversed(self.sizes), strict=True):
            labels = pa.array(self.question.outline.labels[id], pa.large_string())
            parts.append(labels.take(pa.array(keys % size)))
            keys = keys // size
        return pc.binary_join_element_wise(*reversed(parts), pa.scalar(" & ", pa.large_string()))

    def names(self, slices: np.ndarray) -> np.ndarray:
        """Return the text of each slice as Python's own."""
        return self.texts(slices).to_numpy(zero_copy_only=False)


def join_codes(codes: Mapping[str, np.ndarray], by: Sequence[str], sizes: Sequence[int], n: int) -> np.ndarray:
    """Return the slice key of each of n records."""
    keys = np.zeros(n, np.int64)
    for id, size in zip(by, sizes, strict=True):
        keys *= size
        keys += codes[id]
    return keys


def match_codes(codes: np.ndarray, wanted: Sequence[int], size: int) -> np.ndarray:
    """Return which codes, each below size, are among the wanted ones."""
    is_wanted = np.zeros(size, bool)
    is_wanted[list(wanted)] = True
    return is_wanted[codes]


def resolve_partition(company, name: str, labels: Mapping[str, np.ndarray]) -> str:
    """Return the id of a partition asked for by its id or one of its aliases.

    Raises:
        QuestionError: There is none of that name, or no table carries it.
    """
    if name in labels:
        return name
    for id, partition in company.partitions.items():
        if name in partition.aliases and id in labels:
            return id
    known = [*labels, *(alias for partition in company.partitions.values() for alias in partition.aliases)]
    listed = ", ".join(sorted(labels)) or "none"
    raise QuestionError(f"partition '{name}' is unknown.{suggest(name, known)} This company's partitions: {listed}.")


def read_filters(
    company, labels: Mapping[str, np.ndarray], filters: Mapping[str, object] | None
) -> dict[str, tuple[int, ...]]:
    """Turn filters into codes.

    Args:
        company: The opened company.
        labels: Partition id → the texts of its codes.
        filters: Partition → value or list of values; None or ``(blank)`` selects missing ones.

    Returns:
        Partition id → codes of the values that pass.

    Raises:
        QuestionError: A partition or a value doesn't exist.
    """
    codes: dict[str, tuple[int, ...]] = {}
    for name, wanted in (filters or {}).items():
        id = resolve_partition(company, name, labels)
        values = [wanted] if wanted is None or isinstance(wanted, str) or not hasattr(wanted, "__iter__") else wanted
        found = tuple(find_codes(labels[id], values, strict=name))
        codes[id] = tuple(code for code in codes[id] if code in found) if id in codes else found
    return codes


def find_codes(labels: np.ndarray, values: Sequence[object], strict: str = "") -> list[int]:
    """Return the codes of values, a missing one's for None.

    Raises:
        QuestionError: A value doesn't exist, and ``strict`` names the filter that it was asked by.
    """
    place = {label: i for i, label in enumerate(labels)}
    codes = []
    for value in values:
        text = BLANK if value is None or value != value else str(value)
        if text in place:
            codes.append(place[text])
        elif strict:
            some = ", ".join(f"'{label}'" for label in labels[:8])
            raise QuestionError(
                f"filter {strict}: no record has the value '{text}'.{suggest(text, labels)} Values: {some}."
            )
    return codes


def freeze_where(where: Mapping[str, Sequence[str]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return a KPI's own narrowing as a value that can be compared and remembered."""
    return tuple((key, tuple(values)) for key, values in where.items())


def keep_records(
    company, journeys: Journeys, filters: Mapping[str, object] | None
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Tell which records in memory pass filters.

    Args:
        company: The opened company.
        journeys: Its journeys.
        filters: As for ``read_filters``.

    Returns:
        Object → mask, only for objects that carry every partition filtered by; and the ids of those partitions.

    Raises:
        QuestionError: A partition or a value doesn't exist.
    """
    codes = read_filters(company, journeys.labels, filters)
    keep = {}
    for object, records in journeys.records.items():
        if set(codes) <= set(records.codes):
            keep[object] = np.ones(records.n, bool)
            for id, wanted in codes.items():
                keep[object] &= match_codes(records.codes[id], wanted, len(journeys.labels[id]))
    return keep, list(codes)
