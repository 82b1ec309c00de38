"""Cut records into slices and periods, and count them in vectorised passes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from helpers.engine.history import DealState
from helpers.engine.journeys import BLANK, Journeys, Records
from helpers.engine.timeline import NO_DAY, WHOLE, PeriodAxis, as_axis, to_date
from helpers.errors import QuestionError, suggest
from helpers.periods import build_periods

DENSE_CELLS = 5_000_000
"""Up to this many slices × periods are counted in one dense array; beyond, only the combinations that occur."""

EVERYTHING = "all"


@dataclass(frozen=True)
class Question:
    """What was asked: over which journeys, which periods, which records.

    Attributes:
        journeys: The company's journeys as of the day.
        axis: The periods.
        keep: Object → which of its records pass the filters; an object that can't be filtered so is left out.
        horizon: Days that a cohort is given; None gives it until the day of the question.
        confidence: Of every interval.
        maturity: Percentile of past durations from which a cohort counts as mature.
        fiscal_year_start: The month in which the fiscal year begins.
        cache: Events already located, by object, stage, business and narrowing.
    """

    journeys: Journeys
    axis: PeriodAxis
    keep: Mapping[str, np.ndarray]
    horizon: int | None
    confidence: float
    maturity: float
    fiscal_year_start: int = 1
    cache: dict = field(default_factory=dict)

    @property
    def ended(self) -> np.ndarray:
        """Whether each period was over on the last day that can be seen, and had begun when the exports were made."""
        over = self.axis.ends <= self.journeys.observed_until
        return over & (self.axis.starts <= self.journeys.exported_until)

    def quarters(self) -> tuple[PeriodAxis, np.ndarray]:
        """Return the periods at whose start a stock is looked at, and in which period of the axis each is shown.

        The whole history has no start to look at: its quarters are, and their halves are added up again.
        """
        if self.axis.grain != WHOLE or not len(self.axis):
            return self.axis, np.arange(len(self.axis))
        start, end = to_date(self.axis.starts[0]), to_date(self.axis.ends[0])
        quarters = as_axis(build_periods(start, end, "quarter", self.fiscal_year_start), "quarter")
        return quarters, np.zeros(len(quarters), np.int64)

    def selected(self, object: str, where: Mapping[str, Sequence[str]]) -> np.ndarray | None:
        """Return which records of an object pass the filters and a KPI's own narrowing; None where it can't be told."""
        if object not in self.keep:
            return None
        key = ("selected", object, _frozen(where))
        if key not in self.cache:
            mask = self.keep[object]
            for partition, values in where.items():
                codes = self.journeys.records[object].codes.get(partition)
                if codes is None:
                    mask = None
                    break
                mask = mask & np.isin(codes, _wanted_codes(self.journeys.labels[partition], values))
            self.cache[key] = mask
        return self.cache[key]

    def events(self, object: str, stage: str, business: str, where: Mapping) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the records that entered a stage: their positions, and their period + 1 (0 = before the first one).

        None where the object never reaches the stage or can't be filtered as asked.
        """
        key = ("events", object, stage, business, _frozen(where))
        if key not in self.cache:
            records = self.journeys.records[object]
            days = records.reached.get((stage, business))
            if days is None and business != EVERYTHING:
                days = records.reached.get((stage, EVERYTHING))
            selected = self.selected(object, where)
            self.cache[key] = None if days is None or selected is None else self._located(days, selected)
        return self.cache[key]

    def _located(self, days: np.ndarray, selected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if not len(self.axis):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        rows = np.flatnonzero(selected & (days != NO_DAY) & (days <= self.axis.ends[-1]))
        period = np.searchsorted(self.axis.starts, days[rows], side="right")
        return rows, period.astype(np.int64)


class Lens:
    """One way of cutting: the slices of a combination of partitions, over all objects that carry it."""

    def __init__(self, question: Question, by: Sequence[str], shown_as: Sequence[str] | None = None):
        """Lay out the slices.

        Args:
            question: What was asked.
            by: Partition ids; empty is the company.
            shown_as: The ids as they were asked for, for the column ``dimension``.
        """
        self.question = question
        self.by = tuple(by)
        self.dimension = " & ".join(shown_as or by) or EVERYTHING
        labels = question.journeys.labels
        self.sizes = [len(labels[id]) for id in self.by]
        cells = float(np.prod([float(size) for size in self.sizes])) * (len(question.axis) + 1)
        self.occupied = self._find_occupied() if cells > DENSE_CELLS else None
        self.n_slices = int(np.prod(self.sizes)) if self.occupied is None else len(self.occupied)
        self._ids: dict[str, np.ndarray | None] = {}
        self._names: np.ndarray | None = None

    def carries(self, object: str) -> bool:
        """Tell whether an object carries every partition of this lens."""
        records = self.question.journeys.records
        return object in records and all(id in records[object].codes for id in self.by)

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
        codes = {**records.codes, **(instead or {})}
        keys = np.zeros(records.n, np.int64)
        for id, size in zip(self.by, self.sizes, strict=True):
            keys = keys * size + codes[id]
        return keys

    def _find_occupied(self) -> np.ndarray:
        carriers = [records for name, records in self.question.journeys.records.items() if self.carries(name)]
        return np.unique(np.concatenate([np.unique(self._keys(one)) for one in carriers] or [np.empty(0, np.int64)]))

    def names(self, slices: np.ndarray) -> np.ndarray:
        """Return the text of each slice."""
        if not self.by:
            return np.full(len(slices), EVERYTHING, dtype="O")
        if self.occupied is not None:
            self._names = self._join_names(self.occupied) if self._names is None else self._names
            return self._names[slices]
        return self._join_names(slices)

    def _join_names(self, keys: np.ndarray) -> np.ndarray:
        parts = []
        for id, size in zip(reversed(self.by), reversed(self.sizes), strict=True):
            parts.append(self.question.journeys.labels[id][keys % size])
            keys = keys // size
        names = parts.pop()
        while parts:
            names = names + " & " + parts.pop()
        return names

    def count(self, object: str, rows: np.ndarray, period: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
        """Count records, or add up a weight, per slice and period.

        Args:
            object: Whose records.
            rows: Their positions.
            period: Their period + 1; 0 is before the first period.
            weight: One number per row.

        Returns:
            Floats of shape slices × (periods + 1); column 0 holds what came before the first period.
        """
        width = len(self.question.axis) + 1
        keys = self.ids(object)[rows] * width + period
        return np.bincount(keys, weights=weight, minlength=self.n_slices * width).astype(float).reshape(-1, width)

    def count_events(self, object: str, stage: str, business: str, where: Mapping) -> np.ndarray | None:
        """Count the records that entered a stage (sessions: what their rows add up to), as ``count`` does."""
        found = self.question.events(object, stage, business, where)
        if found is None or not self.carries(object):
            return None
        key = ("counts", self.by, object, stage, business, _frozen(where))
        if key not in self.question.cache:
            weight = self.question.journeys.records[object].weight
            self.question.cache[key] = self.count(object, *found, None if weight is None else weight[found[0]])
        return self.question.cache[key]


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


def keep_records(
    company, journeys: Journeys, filters: Mapping[str, object] | None
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Tell which records pass the filters.

    Args:
        company: The opened company.
        journeys: Its journeys.
        filters: Partition → value or list of values; None or ``(blank)`` selects missing ones.

    Returns:
        Object → mask, only for objects that carry every partition filtered by; and the ids of those partitions.

    Raises:
        QuestionError: A partition or a value doesn't exist.
    """
    keep = {name: np.ones(records.n, bool) for name, records in journeys.records.items()}
    ids = []
    for name, wanted in (filters or {}).items():
        id = resolve_partition(company, name, journeys.labels)
        ids.append(id)
        values = [wanted] if wanted is None or isinstance(wanted, str) or not hasattr(wanted, "__iter__") else wanted
        codes = _wanted_codes(journeys.labels[id], values, strict=name)
        for object in list(keep):
            carried = journeys.records[object].codes.get(id)
            if carried is None:
                del keep[object]
            else:
                keep[object] = keep[object] & np.isin(carried, codes)
    return keep, ids


def _wanted_codes(labels: np.ndarray, values: Sequence[object], strict: str = "") -> list[int]:
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


def _frozen(where: Mapping[str, Sequence[str]]) -> tuple:
    return tuple((key, tuple(values)) for key, values in where.items())
