"""What event-counted KPIs ask of the records, as plain data: no arrays, no table, no place where the records lie.

Every KPI over events is made of counts, sums and histograms of days per slice and period. A KPI says which of them it
needs; an evaluator answers all needs of a question at once, wherever the records are: in memory, in files that are
streamed, or in a database that is asked in SQL. All answers add up over parts of the records.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    from helpers.engine.slicing import Lens, Question


def _hash_once(data) -> int:
    """Hash a need once: a question looks its needs up a thousand times."""
    if "_hash" not in vars(data):
        object.__setattr__(data, "_hash", hash(tuple(getattr(data, one.name) for one in fields(data))))
    return vars(data)["_hash"]


class _Hashed:
    """Keeps the hash out of copies for other processes, where texts hash differently."""

    def __getstate__(self) -> dict:
        return {name: value for name, value in vars(self).items() if name != "_hash"}


@dataclass(frozen=True)
class Event(_Hashed):
    """A record enters a stage, on the first day on which it does.

    Attributes:
        object: Whose records.
        stage: Stage id, or ``lost``.
        business: all, new or existing; a pair (stage, business) that the object's outline lists.
        where: Pairs of a partition and the values that count; a missing value is ``(blank)``. Values that no record
            has are no fault: they match nothing.
    """

    object: str
    stage: str
    business: str = "all"
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()

    __hash__ = _hash_once


@dataclass(frozen=True)
class Step(_Hashed):
    """A record goes from one stage to another: it has both days, and the second isn't before the first.

    Attributes:
        from_stage, to_stage: Stage ids.
        from_business, to_business: Of which business each of the two days is; pairs that the object's outline lists.
        within: At most this many calendar days lie between; None takes any number.
    """

    from_stage: str
    to_stage: str
    from_business: str = "all"
    to_business: str = "all"
    within: int | None = None

    __hash__ = _hash_once


@dataclass(frozen=True)
class Aggregate(_Hashed):
    """Count the records of an event, or add up a field of theirs, per slice and period.

    Attributes:
        event: The event whose day decides the period.
        step: Only records that went this step.
        field: Empty counts records (sessions: what their rows say); else the field that is added up.
        power: 1 adds up the field in cents (hundredths, whole numbers); 2 the squares of it in whole units
            (``(cents / 100) ** 2``); 0 counts the records that carry the field. Records without it add nothing.

    The result is an array of floats, slices × (periods + 1); column 0 holds what came before the first period, what
    came after the last one is in none. Slices are those of the lens (see ``Lens``).
    """

    event: Event
    step: Step | None = None
    field: str = ""
    power: int = 1

    __hash__ = _hash_once


@dataclass(frozen=True)
class Histogram(_Hashed):
    """Count how many records of an event took how many days for a step, per slice and period.

    The result is a ``Spread``; days before the first period and after the last are in none.

    Attributes:
        event: The event whose day decides the period.
        step: The step whose days are counted; only records that went it.
    """

    event: Event
    step: Step

    __hash__ = _hash_once


@dataclass(frozen=True)
class Durations(_Hashed):
    """Count how many records of an object took how many days for a step: all records, whatever the filters.

    The result is a ``Spread`` whose slices and periods are all 0.
    """

    object: str
    step: Step

    __hash__ = _hash_once


Need = Aggregate | Histogram
"""What is told per lens."""


@dataclass(frozen=True)
class Spread:
    """A histogram in four parallel arrays of int64, sorted by slice, period and days; every triple occurs once.

    Attributes:
        slices: Index of the slice in the lens.
        periods: Index of the period in the axis, from 0.
        days: Calendar days from stage to stage, from 0.
        n: How many records, from 1.
    """

    slices: np.ndarray
    periods: np.ndarray
    days: np.ndarray
    n: np.ndarray


class Stacked(NamedTuple):
    """Answers to one need through several lenses, one after the other.

    Attributes:
        places: Partitions of each lens → its first and last slice + 1.
        cells: Slices of all of them × (periods + 1).
    """

    places: Mapping[tuple[str, ...], tuple[int, int]]
    cells: np.ndarray


class Answers(dict):
    """(need, partitions of the lens) → array of an ``Aggregate`` or ``Spread`` of a ``Histogram``.

    Arrays may lie one after the other in ``stacks``, need → ``Stacked``, instead: they are found by their key all the
    same, but aren't gone through one by one.
    """

    def __init__(self, answers: Mapping | None = None):
        """Take answers one by one; stacks are added later."""
        super().__init__(answers or {})
        self.stacks: dict[Need, Stacked] = {}

    def __missing__(self, key: tuple[Need, tuple[str, ...]]) -> np.ndarray:
        """Cut one lens out of a stack."""
        need, by = key
        if need not in self.stacks or by not in self.stacks[need].places:
            raise KeyError(key)
        first, end = self.stacks[need].places[by]
        return self.stacks[need].cells[first:end]

    def include(self, other: "Answers") -> None:
        """Take the answers to other needs."""
        self.update(other)
        self.stacks.update(other.stacks)

    def add(self, other: "Answers") -> None:
        """Add answers to the same needs over other records; histograms aren't added."""
        for need, mine in list(self.stacks.items()):
            theirs = other.stacks.get(need)
            if theirs is not None and list(theirs.places) == list(mine.places):
                self.stacks[need] = Stacked(mine.places, mine.cells + theirs.cells)
            else:
                self.update({(need, by): self[need, by] for by in mine.places})
                del self.stacks[need]
        for key, answer in self.items():
            if isinstance(answer, np.ndarray):
                self[key] = answer + other[key]

    def join(self, need: Need, lenses: Sequence[tuple[str, ...]]) -> np.ndarray:
        """Return the array of several lenses, one after the other."""
        stack = self.stacks.get(need)
        if stack is not None and list(stack.places) == list(lenses):
            return np.asarray(stack.cells, float)
        return np.concatenate([self[need, by] for by in lenses], dtype=float)


Results = Mapping[tuple[Need, tuple[str, ...]], "np.ndarray | Spread"]
"""What an evaluator returns: ``Answers``, or any mapping of the same keys."""


def split_by_object(asked: Mapping["Lens", Collection[Need]]) -> dict[str, dict["Lens", list[Need]]]:
    """Split what is asked by the object whose records answer it; lenses that ask the same share one list."""
    split: dict[str, dict[Lens, list[Need]]] = {}
    known: dict[int, dict[str, list[Need]]] = {}
    for lens, needs in asked.items():
        if id(needs) not in known:
            mine: dict[str, list[Need]] = {}
            for need in dict.fromkeys(needs):
                mine.setdefault(need.event.object, []).append(need)
            known[id(needs)] = mine
        for object, some in known[id(needs)].items():
            split.setdefault(object, {})[lens] = some
    return split


@dataclass(frozen=True)
class ObjectOutline:
    """What the records of one object hold.

    Attributes:
        stages: Pairs (stage, business) for which the object has days; every stage it reaches is there with ``all``.
        fields: Fields that can be added up, such as ``amount``.
        partitions: Partition ids that its records carry.
        is_weighted: Whether a row stands for several records (sessions).
    """

    stages: frozenset[tuple[str, str]]
    fields: frozenset[str] = frozenset()
    partitions: frozenset[str] = frozenset()
    is_weighted: bool = False


@dataclass(frozen=True)
class Outline:
    """What a company's records hold as of a day, without the records; it decides what can be told.

    Attributes:
        objects: Object → its outline; only objects whose table exists.
        labels: Partition id → the texts of its values, sorted, ``(blank)`` for missing ones last.
        homes: Stage id → the object whose records are counted at it; only stages that the exports ever show.
        first_day: Day number of the first event.
        observed_until: Day number up to which events can be seen.
        exported_until: Day number up to which the exports reach, whatever day was asked about.
        as_of: Day number of the question, ``FAR`` where everything in the exports counts.
        lost_fields: Fields of which a deal lost by the end of the exports carries more or less than 0.
    """

    objects: Mapping[str, ObjectOutline]
    labels: Mapping[str, np.ndarray]
    homes: Mapping[str, str]
    first_day: int
    observed_until: int
    exported_until: int
    as_of: int
    lost_fields: frozenset[str] = field(default_factory=frozenset)

    def find_business(self, object: str, stage: str, business: str) -> str | None:
        """Return under which business an object's days at a stage are kept: as asked, else all; None without days."""
        stages = self.objects[object].stages if object in self.objects else frozenset()
        return next((one for one in (business, "all") if (stage, one) in stages), None)

    def carries(self, object: str, partitions: Collection[str]) -> bool:
        """Tell whether an object exists and its records carry every one of the partitions."""
        return object in self.objects and self.objects[object].partitions.issuperset(partitions)


class Evaluator(Protocol):
    """Where the records of a company as of one day lie, and who counts them."""

    outline: Outline

    def evaluate(self, question: "Question", asked: Mapping["Lens", Collection[Need]]) -> Results:
        """Answer all needs of a question at once.

        Args:
            question: ``axis``, ``filters`` (partition id → codes into ``outline.labels`` that records must have).
            asked: Lens → what is needed through it. Only needs whose object carries the partitions of the lens, of the
                filters and of its ``where`` are asked.

        Returns:
            An answer for every pair. A lens too wide for dense arrays (``lens.is_sparse``) has only the slices that
            occur: the evaluator calls ``lens.occupy(keys)`` before it lays out arrays, see there.
        """

    def count_durations(self, question: "Question", asked: Collection[Durations]) -> Mapping[Durations, Spread]:
        """Count how long steps took over all records, filters aside."""

    def find_occupied(self, by: tuple[str, ...]) -> np.ndarray:
        """Return the sorted keys of the slices that occur in any object that carries the partitions."""
