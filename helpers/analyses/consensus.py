"""What a group says together: the middle of numbers, the commonest choice, the values that most name, and how many."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from helpers.analyses.agreement import BETWEEN_VALUES, group_texts
from helpers.units import format_median, format_value

DISPUTED = 0.67
"""Below this share of people who agree, what a group says counts as disputed."""

FAR_APART = 0.2
"""Shares that lie further apart than this count as disputed."""

WIDE = 1.5
"""Numbers whose highest is more than this multiple of the lowest count as disputed."""


@dataclass(frozen=True)
class Statement:
    """One line of what is known: what people say, how many and how, and what the CRM says to it.

    Attributes:
        label: What it is about; empty where the text says it.
        text: What people say taken together.
        basis: How many said so, and how the text was taken from what they said.
        crm: What the CRM says, with its n; empty where it was not asked or can't tell.
        is_disputed: Whether people differ among each other.
        is_off: Whether the CRM says otherwise, beyond its interval.
        detail: What else belongs to it.
    """

    label: str
    text: str
    basis: str = ""
    crm: str = ""
    is_disputed: bool = False
    is_off: bool = False
    detail: str = ""


def agree_number(label: str, numbers: Sequence[float], unit: str, *, currency: str, asked: int) -> Statement | None:
    """Take the middle of what people say; years by their most frequent one.

    >>> agree_number("Customers", [290, 310, 420], "count", currency="EUR", asked=4).basis
    'median of 3 of 4, 290 to 420'
    """
    if not len(numbers):
        return None
    if unit == "year":
        return agree_choice(label, [f"{number:.0f}" for number in numbers], asked=asked)
    median, low, high = float(pd.Series(numbers).median()), min(numbers), max(numbers)
    said = format_median(median, unit or "count", low=low, high=high, currency=currency)
    first, last = (format_value(value, unit or "count", currency=currency) for value in (low, high))
    n = count_people(len(numbers), asked)
    apart = f"{first} to {last}" if first != last else "all alike" if low == high else "nearly alike"
    basis = n if len(numbers) == 1 else f"median of {n}, {apart}"
    is_wide = high - low > FAR_APART + 1e-9 if unit == "share" else low <= 0 < high or high > WIDE * low > 0
    return Statement(label, said, basis, is_disputed=is_wide)


def agree_choice(label: str, texts: Sequence[str], *, asked: int) -> Statement | None:
    """Take the most frequent choice; where several are equally frequent all of them.

    >>> agree_choice("Motion", ["Sales-led: we reach out", "Sales-led: we reach out", "Marketing-led"], asked=4)
    Statement(label='Motion', text='Sales-led', basis='2 of 3', crm='', is_disputed=True, is_off=False, detail='')
    """
    if not texts:
        return None
    counts = Counter(text.split(": ")[0] for text in texts)
    most = max(counts.values())
    leading = [text for text, count in counts.items() if count == most]
    n = f"{most} of {len(texts)}" + (" each" if len(leading) > 1 else "")
    basis = n if len(texts) > 1 else count_people(1, asked)
    return Statement(label, " or ".join(leading[:3]), basis, is_disputed=most / len(texts) < DISPUTED)


def agree_values(label: str, lists: Sequence[str], *, asked: int) -> Statement | None:
    """Take the values that at least half of those who answered name; where there are none, the most frequent ones.

    >>> agree_values("Good fit", ["US, DACH", "US", "us, Benelux"], asked=4).text
    'US'
    """
    split = [[part for part in re.split(BETWEEN_VALUES, text.strip()) if part] for text in lists]
    split = [parts for parts in split if parts]
    if not split:
        return None
    first: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for parts in split:
        for key in dict.fromkeys(_fold(first.setdefault(_fold(part), part)) for part in parts):
            counts[key] += 1
    half = [key for key, count in counts.items() if count * 2 >= len(split)]
    chosen = half or [key for key, _ in counts.most_common(3)]
    others = [first[key] for key in counts if key not in chosen]
    n = len(split)
    basis = count_people(n, asked) if n < 3 else f"each by {(n + 1) // 2} or more of {n}"
    basis = basis if half else f"no value is named by half of {n}"
    detail = f"also {', '.join(others)}" if others else ""
    return Statement(label, ", ".join(first[key] for key in chosen), basis, is_disputed=not half, detail=detail)


def rank_texts(lists: Mapping[str, Sequence[str]], *, asked: int) -> tuple[Statement, ...]:
    """List what people name in their own words, the most shared first, each with how many name it."""
    kinds = group_texts([text for texts in lists.values() for text in texts])
    names: dict[int, str] = {}
    places: dict[int, list[int]] = {}
    for texts in lists.values():
        own: dict[int, int] = {}
        for place, text in enumerate(texts):
            names.setdefault(kinds[text], text)
            own.setdefault(kinds[text], place)
        for kind, place in own.items():
            places.setdefault(kind, []).append(place)
    ranked = sorted(names, key=lambda kind: (-len(places[kind]), min(places[kind])))
    n = len(lists)
    return tuple(
        Statement("", names[kind], f"{len(places[kind])} of {n}" if n > 1 else count_people(1, asked))
        for kind in ranked
    )


def rank_counts(counts: Mapping[str, int], n: int, details: Mapping[str, str] | None = None) -> tuple[Statement, ...]:
    """List what was counted, the most frequent first: ``3 of 4``."""
    ordered = sorted(counts, key=lambda key: -counts[key])
    told = details or {}
    return tuple(Statement("", key, f"{counts[key]} of {n}", detail=told.get(key, "")) for key in ordered)


def count_people(n: int, asked: int) -> str:
    """Say how many people.

    >>> count_people(1, 4), count_people(4, 4)
    ('1 of 4', '4')
    """
    return f"{n} of {asked}" if n < asked else f"{n}"


def pick_rows(responses: Iterable[Any], grid: str) -> list[Mapping[str, Any]]:
    """Return the rows of a grid that people filled in, one person after the other."""
    return [row for response in responses for row in response.values.get(grid, ())]


def _fold(text: str) -> str:
    return "".join(text.casefold().split())
