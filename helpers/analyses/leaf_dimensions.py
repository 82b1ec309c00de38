"""The partitions by which a gap is searched and cut: known when a record entered, filled, with values that differ."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from helpers.engine.journeys import Journeys

FIRST_ASKED = ("channel", "region", "segment", "product", "source", "industry", "type", "country", "pipeline", "team")
"""Partitions in the order in which they are searched where there are more than can be."""

PEOPLE = ("owner", "manager", "sales_agent", "assigned_to")
"""Partitions that name people even where nobody said so."""

MOST_DIMENSIONS = 8
MOST_ADDED_UP = 16
MOST_VALUES = 100
MOST_BLANK = 0.6


class Carried(Protocol):
    """What some records hold of the partitions that they carry, wherever the records lie."""

    n: int
    """How many records."""

    def count_used(self, id: str) -> int:
        """Return how many values of a partition occur, that of missing ones among them."""

    def share_blank(self, id: str) -> float:
        """Return the share of the records without a value."""

    def is_same(self, one: str, other: str) -> bool:
        """Tell whether two partitions name the same groups."""


class CodedRows:
    """What records in memory hold of the partitions that they carry."""

    def __init__(self, journeys: Journeys, object: str, rows: np.ndarray):
        """Keep the codes of the rows looked at.

        Args:
            journeys: The company's journeys.
            object: Whose records.
            rows: Which of them are looked at.
        """
        self._codes, self._labels, self._rows = journeys.records[object].codes, journeys.labels, rows
        self.n = int(np.count_nonzero(rows))

    def count_used(self, id: str) -> int:
        """Return how many values of a partition occur, that of missing ones among them."""
        return len(np.unique(self._codes[id][self._rows]))

    def share_blank(self, id: str) -> float:
        """Return the share of the records without a value."""
        return float((self._codes[id][self._rows] == len(self._labels[id]) - 1).mean())

    def is_same(self, one: str, other: str) -> bool:
        """Tell whether two partitions name the same groups."""
        first, second = self._codes[one][self._rows], self._codes[other][self._rows]
        pairs = np.unique(first.astype(np.int64) * (int(second.max(initial=0)) + 1) + second)
        return len(pairs) == len(np.unique(first)) == len(np.unique(second))


def choose_dimensions(
    company,
    journeys: Journeys,
    object: str,
    rows: np.ndarray,
    *,
    with_people: bool = False,
    most: int = MOST_DIMENSIONS,
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Choose the partitions to search: known when a record entered, carried by it, and with values that differ.

    Args:
        company: The opened company.
        journeys: Its journeys.
        object: Whose partitions.
        rows: Which records are looked at.
        with_people: Take partitions that name people too.
        most: The most partitions.

    Returns:
        At most ``most`` ids, and for every other partition of the object why it is left out.
    """
    carried = [id for id in list_carried(company, object) if id in journeys.records[object].codes]
    seen = CodedRows(journeys, object, rows)
    return choose_carried(company, carried, seen, with_people=with_people, most=most)


def list_carried(company, object: str) -> list[str]:
    """Return the partitions of an object in the order in which they are searched."""
    order = {id: place for place, id in enumerate(FIRST_ASKED)}
    ids = [id for id, partition in company.partitions.items() if object in partition.objects]
    return sorted(ids, key=lambda id: (order.get(id, len(order)), company.partitions[id].n_values, id))


def choose_carried(
    company, ids: Sequence[str], seen: Carried, *, with_people: bool = False, most: int = MOST_DIMENSIONS
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Choose among partitions by what the records hold of them; see ``choose_dimensions``."""
    chosen: list[str] = []
    left_out: dict[str, str] = {}
    for id in ids:
        reason = say_unfit(company.partitions[id], with_people) or _why_left_out(id, seen)
        if not reason and any(seen.is_same(id, other) for other in chosen):
            reason = "says the same as another partition"
        if not reason and len(chosen) >= most:
            reason = f"only {most} partitions are searched at once"
        if reason:
            left_out[id] = reason
        else:
            chosen.append(id)
    return tuple(chosen), left_out


def say_unfit(partition, with_people: bool = False) -> str:
    """Say why a partition can't be searched whatever its records hold; empty where it can."""
    if partition.known != "entry":
        return f"known only {'with the outcome' if partition.known == 'outcome' else 'on the way'}"
    if partition.question == "when":
        return "names periods, which are what is compared"
    if is_person(partition) and not with_people:
        return "names people, who are judged apart, after adjusting for the mix that they were given"
    return ""


def _why_left_out(id: str, seen: Carried) -> str:
    """Say why a partition can't be searched in these records; empty where it can."""
    if not seen.n:
        return "no records"
    used = seen.count_used(id)
    if used < 2:
        return "has only one value"
    if used > min(MOST_VALUES, max(seen.n / 4, 2)):
        return "has too many values for the number of records"
    if seen.share_blank(id) > MOST_BLANK:
        return "is mostly blank"
    return ""


def is_person(partition) -> bool:
    """Tell whether a partition's values are people."""
    return bool(partition.is_person) or partition.id in PEOPLE
