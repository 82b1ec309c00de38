"""Dimensions and partitions: by what the numbers are cut, and when that is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from helpers.model.definition import Definition

Question = Literal["who", "what", "where", "when"]
Known = Literal["entry", "during", "outcome"]


class Band(Definition):
    """One band of a number: from the lower bound up to, and without, the upper one."""

    label: str
    at_least: float | None = None
    below: float | None = None


def label_bands(values: Any, bands: Sequence[Band]) -> list[str | None]:
    """Return the band of each number that a company wrote; None for what lies in none.

    Args:
        values: A numpy array of floats, NaN where missing.
        bands: The bands; of those that overlap the last one counts.
    """
    place = (values != values).astype(int) * 0 - 1
    for number, band in enumerate(bands):
        inside = values == values
        if band.at_least is not None:
            inside &= values >= band.at_least
        if band.below is not None:
            inside &= values < band.below
        place[inside] = number
    names = [*(band.label for band in bands), None]
    return [names[number] for number in place.tolist()]


class Dimension(Definition):
    """What is said of a partition beyond its name, as written in ``dimensions.toml`` or ``company.toml``.

    Attributes:
        id: The partition's id.
        label: What a reader calls it.
        question: Whether it answers who, what, where or when.
        known: Whether it is known at entry, during, or only with the outcome; None leaves it to the data.
        is_current_value: Whether exports carry only today's value of a field that changes.
        description: What it means.
        unknown: Values (any case) that say nothing and count as unknown in the evidence.
        bands: For a number: the bands that it is cut into.
        is_partition: False takes a column out of the partitions; True lets one in that would be none.
    """

    id: str
    label: str = ""
    question: Question = "what"
    known: Known | None = None
    is_current_value: bool = False
    description: str = ""
    unknown: tuple[str, ...] = ("other", "unknown")
    bands: tuple[Band, ...] = ()
    is_partition: bool | None = None


@dataclass(frozen=True)
class Partition:
    """A partition as it stands in one company's data.

    Attributes:
        id: How it is asked for, such as ``region`` or ``sales_agent``.
        label: What a reader calls it.
        question: who, what, where or when.
        objects: Object → the column of its canonical table that holds the values.
        known: entry, during or outcome. Rates are cut only by what was known at entry.
        known_because: How that was decided, in words.
        inherited_from: Object → the object it took the values from.
        aliases: Other ids that mean the same, such as the export's own column name.
        n_values: How many distinct values there are.
        is_current_value: Whether only today's value of a changing field is there.
        is_person: Whether the values are names of people.
        unknown: Values (any case) that say nothing.
    """

    id: str
    label: str
    question: Question = "what"
    objects: Mapping[str, str] = field(default_factory=dict)
    known: Known = "entry"
    known_because: str = "declared"
    inherited_from: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    n_values: int = 0
    is_current_value: bool = False
    is_person: bool = False
    unknown: tuple[str, ...] = ("other", "unknown")
