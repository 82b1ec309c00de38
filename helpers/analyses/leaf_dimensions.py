"""The partitions by which a gap is searched and cut: known when a record entered, filled, with values that differ."""

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


def choose_dimensions(
    company, journeys: Journeys, object: str, rows: np.ndarray, *, with_people: bool = False, most: int = 8
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
    codes = journeys.records[object].codes
    chosen: list[str] = []
    left_out: dict[str, str] = {}
    order = {id: place for place, id in enumerate(FIRST_ASKED)}
    ids = [id for id, partition in company.partitions.items() if object in partition.objects and id in codes]
    for id in sorted(ids, key=lambda id: (order.get(id, len(order)), company.partitions[id].n_values, id)):
        reason = _why_left_out(company.partitions[id], codes[id][rows], len(journeys.labels[id]) - 1, with_people)
        if not reason and any(_is_same(codes[id][rows], codes[other][rows]) for other in chosen):
            reason = "says the same as another partition"
        if not reason and len(chosen) >= most:
            reason = f"only {most} partitions are searched at once"
        if reason:
            left_out[id] = reason
        else:
            chosen.append(id)
    return tuple(chosen), left_out


def _why_left_out(partition, codes: np.ndarray, blank: int, with_people: bool) -> str:
    """Say why a partition can't be searched; empty where it can."""
    if partition.known != "entry":
        return f"known only {'with the outcome' if partition.known == 'outcome' else 'on the way'}"
    if partition.question == "when":
        return "names periods, which are what is compared"
    if is_person(partition) and not with_people:
        return "names people, who are judged apart, after adjusting for the mix that they were given"
    if not len(codes):
        return "no records"
    used = np.unique(codes)
    if len(used) < 2:
        return "has only one value"
    if len(used) > min(MOST_VALUES, max(len(codes) / 4, 2)):
        return "has too many values for the number of records"
    if (codes == blank).mean() > MOST_BLANK:
        return "is mostly blank"
    return ""


def is_person(partition) -> bool:
    """Tell whether a partition's values are people."""
    return bool(partition.is_person) or partition.id in PEOPLE


def _is_same(one: np.ndarray, other: np.ndarray) -> bool:
    """Tell whether two partitions name the same groups."""
    pairs = np.unique(one.astype(np.int64) * (int(other.max(initial=0)) + 1) + other)
    return len(pairs) == len(np.unique(one)) == len(np.unique(other))
