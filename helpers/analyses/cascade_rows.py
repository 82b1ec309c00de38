"""One row per check of a cascade, and the way up from an item to what it serves."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from helpers.model.cascade import Cascade, CascadeGoal, Person, PersonTarget, Tactic

GOOD, CAUTION, BAD, UNKNOWN = "good", "caution", "bad", "none"
Row = Mapping[str, str]
CHECK_COLUMNS = ("level", "id", "title", "check", "status", "message", "cure")
SMART = ("specific", "measurable", "achievable", "relevant", "time-bound")
_ORDER = {BAD: 0, CAUTION: 1, UNKNOWN: 2, GOOD: 3}


def make_row(item: Any, check: str, status: str, message: str, cure: str) -> Row:
    """Make one row of a check on a goal, tactic, person or target."""
    level = level_of(item)
    title = item.name if isinstance(item, Person) else item.title or item.id
    values = (level, item.id, title, check, status, message, cure)
    return dict(zip(CHECK_COLUMNS, values, strict=True))


def level_of(item: Any) -> str:
    """Return the level at which an item stands."""
    if isinstance(item, CascadeGoal):
        return item.level
    kinds = ((Tactic, "tactic"), (Person, "person"), (PersonTarget, "target"))
    return next((level for kind, level in kinds if isinstance(item, kind)), "")


def build_rows(rows: Iterable[Row]) -> pd.DataFrame:
    """Turn rows into a frame of ``CHECK_COLUMNS``, what is worst first and otherwise as found; repeats once."""
    unique = {tuple(row[name] for name in CHECK_COLUMNS): row for row in rows}
    ordered = sorted(unique.values(), key=lambda row: _ORDER[row["status"]])
    return pd.DataFrame(ordered, columns=list(CHECK_COLUMNS)).astype("str")


def list_ancestors(id: str, cascade: Cascade) -> set[str]:
    """List every goal that an item contributes to, directly or through others; itself only where links form a ring."""
    found: set[str] = set()
    item: Any = cascade.goals.get(id) or cascade.tactics.get(id)
    waiting = list(item.serves) if item else []
    while waiting:
        here = waiting.pop()
        if here in cascade.goals and here not in found:
            found.add(here)
            waiting.extend(cascade.goals[here].serves)
    return found
