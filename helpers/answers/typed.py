"""What a control holds, what an answer means, what stands in the file: three forms of one thing, and the way between.

*Raw* is what a control holds: text as typed, ids of choices, lists, rows of a grid. *Normal* is what it means, so that
two ways to type one answer are equal: the answer as kept, or ``Faulty`` with what was typed where it isn't allowed. A
grid is normal row by row and cell by cell. In the file the answer stands under its tab, and where anything is faulty
the whole field as typed under ``[drafts]`` as well.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time
from functools import cached_property
from itertools import takewhile
from typing import Any

from helpers.answers.fields import Fault, check_answer, read_number
from helpers.model.survey import SurveyField, generate_secondaries

Raw = Any
Normal = Any

DRAFT_LIMIT = 1_000_000
"""Characters; what is typed but not allowed is kept up to that length."""

DEEPEST = 20
"""Lists in lists beyond that are no answer; they are kept as their text."""


@dataclass(frozen=True, eq=False)
class Faulty:
    """Something typed that isn't allowed, kept as it is."""

    raw: Raw

    @cached_property
    def text(self) -> str:
        """What it is as text; two faulty answers are equal where this is."""
        return _to_json(self.raw)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Faulty) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


def normalise(field: SurveyField, raw: Raw) -> Normal:
    """Tell what was typed, whichever way it was typed.

    Args:
        field: The question.
        raw: What a control holds, or an answer as it stands in a file.

    Returns:
        None where nothing was typed; a grid's rows as dictionaries without empty cells, empty rows and rows that only
        repeat a preset name.

    >>> crm = SurveyField(id="employees", label="Employees", type="number")
    >>> normalise(crm, " 1,200 "), normalise(crm, "abc").raw
    (1200, 'abc')
    """
    if field.type == "grid" and isinstance(raw, list | tuple) and all(isinstance(row, Mapping) for row in raw):
        preset = {_fold(row.get(field.key)) for row in field.rows}
        rows = [{column.id: cell for column, cell in _read_cells(field, row)} for row in raw]
        return [row for row in rows if row and not _is_bare(field, row, preset)] or None
    value, faults = check_answer(field, raw)
    return Faulty(raw) if faults else value


def denormalise(normal: Normal) -> Raw:
    """Return the answer together with what isn't allowed in it, as ``check_answer`` takes it."""
    if isinstance(normal, Faulty):
        return normal.raw
    if isinstance(normal, list):
        return [denormalise(item) for item in normal]
    if isinstance(normal, Mapping):
        return {key: denormalise(cell) for key, cell in normal.items()}
    return normal


def split_answer(field: SurveyField, normal: Normal) -> tuple[Any, Raw]:
    """Split into the answer that counts and the draft to be kept beside it (None where everything is allowed)."""
    if normal is None:
        return None, None
    raw = denormalise(normal)
    value, faults = check_answer(field, raw)
    return value, raw if faults else None


def show_raw(field: SurveyField, normal: Normal) -> Raw:
    """Return what a control holds for an answer: text for texts and numbers, ids, lists, rows.

    >>> share = SurveyField(id="s", label="Share", type="number", unit="share")
    >>> show_raw(share, 0.07), show_raw(share, None)
    ('7 %', '')
    """
    if isinstance(normal, Faulty):
        raw = normal.raw
        if field.type == "grid":
            return [dict(row) for row in raw if isinstance(row, Mapping)] if isinstance(raw, list) else []
        if field.type in ("multiple_choice", "ranked"):
            return list(raw) if isinstance(raw, list | tuple) else [raw]
        return raw if isinstance(raw, str) else _show_any(raw)
    if field.type == "grid":
        columns = {column.id: column for column in field.columns}
        return [{id: show_raw(columns[id], cell) for id, cell in row.items()} for row in normal or []]
    if field.type in ("multiple_choice", "ranked"):
        return list(normal or [])
    if normal is None:
        return ""
    return _show_number(field, normal) if field.type in ("number", "currency") else normal


def lay_rows(field: SurveyField, rows: Raw) -> Raw:
    """Lay a grid's rows out as the form shows them: the preset ones first, in their order, then the others.

    Args:
        field: The question; one that isn't a grid, or has no preset rows, is returned as it is.
        rows: Its rows; a row may be empty at the place of a preset row about which nothing was said.

    Returns:
        The rows in the places of the form, so that a fault's row is the form's.
    """
    if field.type != "grid" or not field.rows or not isinstance(rows, list):
        return rows
    said: dict[str, Mapping[str, Any]] = {}
    others = []
    preset = [_fold(row.get(field.key)) for row in field.rows]
    for place, row in enumerate(rows):
        name = _fold(row.get(field.key)) if isinstance(row, Mapping) else ""
        if name in preset and name not in said:
            said[name] = row
        elif row or place >= len(preset):
            others.append(row)
    return [{**row, **said.get(name, {})} for row, name in zip(field.rows, preset, strict=True)] + others


def lay_secondaries(field: SurveyField, primaries: Iterable[Mapping[str, Any]], typed: Raw) -> list[dict[str, Any]]:
    """Lay what was answered of the secondary KPIs over those that the primary KPIs generate.

    Args:
        field: The grid of secondary KPIs.
        primaries: The rows of the grid of primary KPIs.
        typed: The grid's rows as typed.

    Returns:
        One row per secondary KPI: the grid's columns, ``kpi`` and ``partition``. Those that are no longer generated
        come last, if anything was said of them.
    """
    answered: dict[str, dict[str, Any]] = {}
    for row in typed if isinstance(typed, list) else []:
        if isinstance(row, Mapping) and _fold(row.get(field.key)):
            answered.setdefault(_fold(row[field.key]), dict(row))
    made = generate_secondaries(primaries)
    rows = [{**answered.pop(row["secondary"].casefold(), {}), **row} for row in made]
    return rows + [row for row in answered.values() if set(row) - {field.key, "kpi", "partition"}]


def keep_blank_rows(field: SurveyField, shown: Raw, typed: Raw) -> Raw:
    """Add the empty rows at the end of a grid that somebody has just added and is about to fill in."""
    if field.type == "grid" and not (field.rows or field.rows_from) and isinstance(typed, list):
        blank = list(takewhile(_is_blank, reversed(typed)))
        return shown + [{} for _ in blank]
    return shown


def copy_raw(raw: Raw, *, depth: int = 0) -> Raw:
    """Return a copy that nobody else can change, without what grids note in their rows for themselves (``_group``)."""
    if depth > DEEPEST:
        return _show_any(raw)
    if isinstance(raw, Mapping):
        kept = {str(key): value for key, value in raw.items() if not str(key).startswith("_")}
        return {key: copy_raw(value, depth=depth + 1) for key, value in kept.items()}
    if isinstance(raw, list | tuple):
        return [copy_raw(item, depth=depth + 1) for item in raw]
    return raw


def pack_draft(raw: Raw) -> Any:
    """Make of anything typed what a TOML file can hold; None where it is too long to be kept.

    >>> pack_draft("abc"), pack_draft(float("nan")), unpack_draft({"json": '"\\\\ud800"'}) == "\\ud800"
    ('abc', {'json': 'NaN'}, True)
    """
    text = _to_json(raw)
    if len(text) > DRAFT_LIMIT:
        return None
    return raw if _fits_toml(raw) else {"json": text}


def unpack_draft(kept: Any) -> Raw:
    """Return what was typed, of what ``pack_draft`` made of it."""
    if isinstance(kept, Mapping) and set(kept) == {"json"} and isinstance(kept["json"], str):
        try:
            return json.loads(kept["json"])
        except (ValueError, RecursionError):
            return kept["json"]
    return kept


def is_keepable(field: SurveyField, normal: Normal) -> bool:
    """Tell whether what was typed is short enough to be kept, allowed or not."""
    _, draft = split_answer(field, normal)
    return draft is None or pack_draft(draft) is not None


def check_raw(field: SurveyField, raw: Raw) -> tuple[Fault, ...]:
    """Return the faults of what a control holds; the place names the row as the control counts it."""
    if field.type == "grid" and isinstance(raw, list):
        columns = {column.id for column in field.columns}
        raw = [
            {key: cell for key, cell in row.items() if key in columns} if isinstance(row, Mapping) else row
            for row in raw
        ]
    return tuple(check_answer(field, raw)[1])


def _read_cells(field: SurveyField, row: Mapping[str, Any]) -> Iterable[tuple[SurveyField, Normal]]:
    for column in field.columns:
        if column.id in row:
            cell = normalise(column, row[column.id])
            if cell is not None:
                yield column, cell


def _is_bare(field: SurveyField, row: Mapping[str, Any], preset: set[str]) -> bool:
    if set(row) != {field.key}:
        return False
    return bool(field.rows_from) or _fold(row[field.key]) in preset


def _is_blank(row: Any) -> bool:
    return isinstance(row, Mapping) and all(cell is None or cell == "" for cell in row.values())


def _fold(value: Any) -> str:
    return value.strip().casefold() if isinstance(value, str) else ""


def _show_number(field: SurveyField, number: float) -> str:
    text = str(number) if field.unit == "year" else f"{number:,}"
    if field.unit == "share":
        text = f"{round(number * 100, 10):g} %"
    return text if read_number(text, field.unit) == number else repr(number)


def _show_any(raw: Any) -> str:
    if isinstance(raw, bool):
        return "true" if raw else "false"
    try:
        return f"{raw:#x}" if isinstance(raw, int) and abs(raw) > 2**63 else str(raw)
    except RecursionError:
        return ""


def _to_json(raw: Any) -> str:
    try:
        return json.dumps(raw, sort_keys=True, default=str)
    except (ValueError, TypeError, RecursionError):
        return json.dumps(_show_any(raw))


def _fits_toml(raw: Any) -> bool:
    if isinstance(raw, str):
        return not any("\ud800" <= sign <= "\udfff" for sign in raw)
    if isinstance(raw, bool | date | time):
        return True
    if isinstance(raw, int):
        return abs(raw) < 2**63
    if isinstance(raw, float):
        return math.isfinite(raw)
    if isinstance(raw, list | tuple):
        return all(map(_fits_toml, raw))
    if isinstance(raw, Mapping):
        keys_fit = all(isinstance(key, str) and _fits_toml(key) for key in raw)
        return keys_fit and set(raw) != {"json"} and all(map(_fits_toml, raw.values()))
    return False
