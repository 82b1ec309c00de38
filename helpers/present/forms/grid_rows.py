"""Two sides have changed the rows of one grid: what becomes of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

Row = Mapping[str, Any]


def merge_rows(base: Sequence[Row], mine: Sequence[Row], theirs: Sequence[Row], *, key: str) -> list[dict[str, Any]]:
    """Merge two edits of the same rows, cell by cell.

    Args:
        base: The rows that both started from.
        mine: What was typed; its order stays, and where both changed one cell, its text.
        theirs: What happened to the rows meanwhile.
        key: The column that names a row.

    Returns:
        One row per row of either side. A row that one side removed is gone, unless the other has changed it.

    >>> base = [{"name": "A", "price": "1"}]
    >>> merge_rows(base, [{"name": "A", "price": "2"}], [{"name": "A+", "price": "1"}], key="name")
    [{'name': 'A+', 'price': '2'}]
    """
    mine_of, theirs_of = _pair(base, mine, key), _pair(base, theirs, key)
    base_of = {place: origin for origin, place in mine_of.items()}
    merged: list[dict[str, Any]] = []
    for place, row in enumerate(mine):
        origin = base_of.get(place)
        if origin is None:
            merged.append(dict(row))
        elif origin in theirs_of:
            merged.append(_merge_cells(base[origin], row, theirs[theirs_of[origin]]))
        elif row != base[origin]:
            merged.append(dict(row))
    known = {place: origin for origin, place in theirs_of.items()}
    for place, row in enumerate(theirs):
        origin = known.get(place)
        is_new = origin is None and not any(_name(other, key) == _name(row, key) != "" for other in merged)
        was_removed_but_changed = origin is not None and origin not in mine_of and row != base[origin]
        if is_new or was_removed_but_changed:
            merged.insert(min(place, len(merged)), dict(row))
    return merged


def _merge_cells(base: Row, mine: Row, theirs: Row) -> dict[str, Any]:
    cells = dict(theirs)
    for column in {**base, **mine}:
        if mine.get(column) != base.get(column):
            if column in mine:
                cells[column] = mine[column]
            else:
                cells.pop(column, None)
    return cells


def _pair(base: Sequence[Row], other: Sequence[Row], key: str) -> dict[int, int]:
    """Find each base row's place on the other side: the same row, else the same name, else the same place."""
    if len(base) == len(other) and all(_name(a, key) == _name(b, key) for a, b in zip(base, other, strict=True)):
        return {place: place for place in range(len(base))}
    before, after = [_text(row) for row in base], [_text(row) for row in other]
    pairs: dict[int, int] = {}
    blocks = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    for what, start, end, other_start, _ in blocks:
        if what == "equal":
            pairs |= {start + step: other_start + step for step in range(end - start)}
    free = [place for place in range(len(other)) if place not in set(pairs.values())]
    for origin, row in enumerate(base):
        if origin not in pairs and _name(row, key):
            place = next((place for place in free if _name(other[place], key) == _name(row, key)), None)
            if place is not None:
                pairs[origin] = place
                free.remove(place)
    for what, start, end, other_start, other_end in blocks:
        if what == "replace" and end - start == other_end - other_start:
            for step in range(end - start):
                if start + step not in pairs and other_start + step in free:
                    pairs[start + step] = other_start + step
                    free.remove(other_start + step)
    return pairs


def _name(row: Row, key: str) -> str:
    value = row.get(key)
    return "" if value is None else str(value).strip().casefold()


def _text(row: Row) -> str:
    return json.dumps(row, sort_keys=True, default=str)
