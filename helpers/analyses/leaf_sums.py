"""Adding coded records up to leaf tables: on which side a record stands, and one sum per combination of partitions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from helpers.engine.journeys import Journeys, Records
from helpers.engine.timeline import NO_DAY, day_number
from helpers.periods import Period

SIDES = ("expected", "actual")

CONTACT = "contact"

PART = "part of the period"
"""The column of leaves told apart by when in the period their records entered."""


@dataclass(frozen=True)
class Entries:
    """Say which contacts are looked at, and by what they are cut.

    Attributes:
        period: The period in question.
        expected: The earlier period or periods.
        as_of: The last day that counts.
        business: Whose days count: those of new business, or all.
        dimensions: The partitions.
        parts: Into how many parts a period is divided, in column ``PART`` of the leaves; 0 for not at all.
    """

    period: Period
    expected: tuple[Period, ...]
    as_of: date
    business: str = "new"
    dimensions: tuple[str, ...] = ()
    parts: int = 0


def place_sides(days: np.ndarray, period: Period, expected: Sequence[Period]) -> np.ndarray:
    """Return 1 for records of the expected periods, 2 for those of the period in question, else 0."""
    side = np.zeros(len(days), dtype=np.int8)
    for one in expected:
        side[(days >= day_number(one.start)) & (days <= day_number(one.end))] = 1
    side[(days >= day_number(period.start)) & (days <= day_number(period.end))] = 2
    return side


def cut_days(days: np.ndarray, period: Period, expected: Sequence[Period], as_of: date) -> np.ndarray:
    """Return per record the last day on which it is looked at."""
    extra = max((as_of - period.end).days, 0)
    cut = np.full(len(days), NO_DAY, dtype=np.int64)
    for one in (*expected, period):
        inside = (days >= day_number(one.start)) & (days <= day_number(one.end))
        cut[inside] = min(day_number(one.end) + extra, day_number(as_of))
    return cut


def place_parts(days: np.ndarray, period: Period, expected: Sequence[Period], parts: int) -> np.ndarray:
    """Return in which of so many equal parts of its own period a record entered; 0 outside all of them."""
    part = np.zeros(len(days), dtype=np.int8)
    for one in (*expected, period):
        first, last = day_number(one.start), day_number(one.end)
        inside = (days >= first) & (days <= last)
        part[inside] = (days[inside].astype(np.int64) - first) * parts // (last - first + 1)
    return part


def split_sides(number: np.ndarray, side: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a number per record as its expected and its actual side."""
    return np.where(side == 1, number, 0.0), np.where(side == 2, number, 0.0)


def sum_leaves(
    journeys: Journeys,
    records: Records,
    dimensions: Sequence[str],
    rows: np.ndarray,
    numbers: dict[str, tuple[np.ndarray, np.ndarray]],
    flat: dict[str, np.ndarray],
    further: Mapping[str, np.ndarray] | None = None,
) -> pd.DataFrame:
    """Add the numbers per combination of dimensions: those with two sides, and those without.

    The records are coded already, and codes are in the order of their texts with missing ones last, so that no text is
    looked at before the combinations are few. ``further`` are numbers from 0 on by which the leaves are told apart
    beside the dimensions.
    """
    further = further or {}
    columns = {
        f"{name}_{side}": part for name, parts in numbers.items() for side, part in zip(SIDES, parts, strict=True)
    }
    columns |= flat
    if not len(dimensions) and not further:
        return pd.DataFrame({name: [number[rows].sum()] for name, number in columns.items()})
    where, combinations = _number_combinations(
        [*(records.codes[id][rows] for id in dimensions), *(code[rows] for code in further.values())]
    )
    frame = {}
    for id, codes in zip(dimensions, combinations[: len(dimensions)], strict=True):
        texts = np.append(journeys.labels[id][:-1], None)
        frame[id] = pd.Series(texts[codes], dtype="str")
    frame |= dict(zip(further, combinations[len(dimensions) :], strict=True))
    count = len(combinations[0])
    sums = {name: np.bincount(where, number[rows], minlength=count) for name, number in columns.items()}
    return pd.DataFrame(frame | sums)


def _number_combinations(codes: Sequence[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Number the combinations of codes that occur, in the order of their codes.

    Returns:
        The number of each record's combination, and per dimension the code of each combination.
    """
    key, widths = np.zeros(len(codes[0]), dtype=np.int64), [int(code.max(initial=0)) + 1 for code in codes]
    if np.prod(widths, dtype=float) >= 2**62:
        found, where = np.unique(np.stack(codes), axis=1, return_inverse=True)
        return where.reshape(-1), list(found)
    for code, width in zip(codes, widths, strict=True):
        key = key * width + code
    where, found = pd.factorize(key)
    order = np.argsort(found)
    place, found, kept = np.argsort(order), found[order], []
    for width in reversed(widths):
        found, code = np.divmod(found, width)
        kept.append(code)
    return place[where], kept[::-1]
