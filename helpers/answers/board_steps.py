"""Steps on a board's file: what one step changed, row by row, and how to take it back and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from helpers.answers.board_records import KINDS_OF_ROWS

Values = Mapping[str, Any]


@dataclass(frozen=True)
class RowChange:
    """One row before and after a step; None where there was or is none.

    Attributes:
        kind: The table; problem is a table of one row.
        index: Where it stood.
    """

    kind: str
    before: Any
    after: Any
    index: int = 0

    @property
    def field(self) -> tuple[str, str, str] | None:
        """Kind, id and key where exactly one key of a row changed."""
        if not (isinstance(self.before, Mapping) and isinstance(self.after, Mapping)):
            return None
        keys = _changed_keys(self.before, self.after)
        return (self.kind, str(self.after.get("id", "")), keys[0]) if len(keys) == 1 else None


@dataclass(frozen=True)
class Step:
    """Everything that one step changed."""

    what: str
    changes: tuple[RowChange, ...]

    @property
    def field(self) -> tuple[str, str, str] | None:
        """The only field that changed; None where more did."""
        return self.changes[0].field if len(self.changes) == 1 else None


def find_changes(before: Values, after: Values) -> tuple[RowChange, ...]:
    """Compare two states of a file row by row."""
    changes: list[RowChange] = []
    for kind in KINDS_OF_ROWS:
        old, new = list(before.get(kind, [])), list(after.get(kind, []))
        if old != new:
            changes.extend(_compare(kind, old, new))
    if before.get("problem") != after.get("problem"):
        changes.append(RowChange("problem", before.get("problem", {}), after.get("problem", {})))
    return tuple(changes)


def join_steps(last: Step | None, new: Step) -> Step | None:
    """Join two steps of typing in one field; None where they are two steps."""
    if last is None or last.field is None or last.field != new.field:
        return None
    first, second = last.changes[0], new.changes[0]
    return Step(last.what, (RowChange(second.kind, first.before, second.after, second.index),))


def undo_step(values: Values, step: Step) -> tuple[dict[str, Any], bool]:
    """Take a step back in a file as it is now.

    Returns:
        The file's tables, and whether all of the step could be taken back: what another window changed since stays.
    """
    found = dict(values)
    is_whole = True
    for change in reversed(step.changes):
        if change.kind == "problem":
            table, did = _undo_keys(dict(found.get("problem", {})), change)
            found["problem"] = table
            if not table:
                del found["problem"]
            is_whole &= did
            continue
        rows = list(found.get(change.kind, []))
        place = _find(rows, change.after if change.after is not None else change.before)
        if change.after is None:
            if place is None:
                rows.insert(min(change.index, len(rows)), change.before)
        elif place is None:
            is_whole = False
        elif change.before is None:
            del rows[place]
        else:
            rows[place], did = _undo_keys(dict(rows[place]), change)
            is_whole &= did
        found[change.kind] = rows
        if not rows:
            del found[change.kind]
    return found, is_whole


def _compare(kind: str, old: list[Any], new: list[Any]) -> list[RowChange]:
    changes, left = [], list(enumerate(new))
    for index, row in enumerate(old):
        place = next((n for n, (_, other) in enumerate(left) if other == row), None)
        if place is None:
            id = _id(row)
            place = next((n for n, (_, other) in enumerate(left) if id and _id(other) == id), None)
        if place is None:
            changes.append(RowChange(kind, row, None, index))
            continue
        where, other = left.pop(place)
        if other != row:
            changes.append(RowChange(kind, row, other, where))
    return [*changes, *(RowChange(kind, None, row, index) for index, row in left)]


def _find(rows: list[Any], wanted: Any) -> int | None:
    id = _id(wanted)
    for number, row in enumerate(rows):
        if (id and _id(row) == id) or row == wanted:
            return number
    return None


def _undo_keys(row: dict[str, Any], change: RowChange) -> tuple[dict[str, Any], bool]:
    is_whole = True
    for key in _changed_keys(change.before, change.after):
        if row.get(key) != change.after.get(key):
            is_whole = False
        elif key in change.before:
            row[key] = change.before[key]
        else:
            row.pop(key, None)
    return row, is_whole


def _changed_keys(before: Values, after: Values) -> list[str]:
    return [key for key in {**before, **after} if before.get(key) != after.get(key)]


def _id(row: Any) -> str:
    return str(row.get("id", "")) if isinstance(row, Mapping) else ""
