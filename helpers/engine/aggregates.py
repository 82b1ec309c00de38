"""What event-counted KPIs ask of the records, as plain data: no arrays, no table, no place where the records lie.

Every KPI over events is made of counts, sums and histograms of days per slice and period. A KPI says which of them it
needs; an evaluator answers all needs of a question at once, wherever the records are: in memory, in files that are
streamed, or in a database that is asked in SQL. All answers add up over parts of the records.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from helpers.engine.slicing import Lens, Question


@dataclass(frozen=True)
class Event:
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


@dataclass(frozen=True)
class Step:
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


@dataclass(frozen=True)
class Aggregate:
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


@dataclass(frozen=True)
class Histogram:
    """Count how many records of an event took how many days for a step, per slice and period.

    The result is a ``Spread``; days before the first period and after the last are in none.

    Attributes:
        event: The event whose day decides the period.
        step: The step whose days are counted; only records that went it.
    """

    event: Event
    step: Step


@dataclass(frozen=True)
class Durations:
    """Count how many records of an object took how many days for a step: all records, whatever the filters.

    The result is a ``Spread`` whose slices and periods are all 0.
    """

    object: str
    step: Step


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


Results = Mapping[tuple[Need, tuple[str, ...]], "np.ndarray | Spread"]
"""(need, partitions of the lens) → array of an ``Aggregate`` or ``Spread`` of a ``Histogram``."""


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
