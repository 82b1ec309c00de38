"""What a filled-in workbook says about one question: its cell, list or table, and the cells that can't be taken."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from helpers.answers.import_results import CellProblem
from helpers.answers.spreadsheet_cells import CellFault, plain_text, read_cell, read_tick
from helpers.answers.spreadsheet_layout import is_too_long, read_secondary, show_text
from helpers.answers.spreadsheet_places import Place
from helpers.answers.spreadsheet_reading import Cell
from helpers.answers.typed import Faulty, Normal, normalise
from helpers.model.survey import generate_secondaries

MOST_SPLITS = 20
"""How often the word between KPI and cut may stand in a name before nobody looks any further."""


@dataclass(frozen=True)
class Reading:
    """What the workbook says about one question.

    Attributes:
        value: The answer in its normal form. Where a cell can't be taken, what was exported from it stands in.
        problems: The cells that can't be taken.
        is_read: Whether there is anything to go by; otherwise the question is left alone.
        rows: Of a table: its rows with the sheet's rows in which they stand.
    """

    value: Normal = None
    problems: tuple[CellProblem, ...] = ()
    is_read: bool = True
    rows: tuple[tuple[int, Mapping[str, Any]], ...] = ()


def read_place(place: Place, exported: Any = None, *, is_base: bool = True) -> Reading:
    """Read what a workbook says about one question.

    Args:
        place: Where it is answered.
        exported: The answer as the workbook was exported; None where there was none or nobody knows.
        is_base: Whether that answer may stand in where a cell can't be taken.
    """
    if place.field.type == "grid":
        return _TableReader(place, exported, is_base).read()
    if place.field.type == "ranked":
        return _read_list(place, exported, is_base)
    if place.field.type == "multiple_choice":
        return _read_choices(place, exported)
    value, fault = read_cell(place.field, place.cell_of(), exported)
    if fault:
        return Reading(problems=(_refuse(place, fault),), is_read=False)
    return Reading(normalise(place.field, value))


def _read_list(place: Place, exported: Any, is_base: bool) -> Reading:
    before = exported if isinstance(exported, list) else []
    one = place.field.model_copy(update={"type": "text"})
    items, problems = [], []
    for part, row in sorted((int(part), row) for part, row in place.parts.items() if part.isdigit()):
        known = before[part - 1] if part <= len(before) else None
        value, fault = read_cell(one, place.cell_of(row), known)
        if fault:
            problems.append(_refuse(place, fault, row))
            value = known if is_base else None
        items.append(value)
    kept = [item for item in items if item is not None]
    return _settle(place, kept, problems, is_read=bool(place.parts))


def _read_choices(place: Place, exported: Any) -> Reading:
    before = [item for item in exported if item in place.field.choices] if isinstance(exported, list) else []
    ticked, problems = set(before), []
    for id in place.field.choices:
        if id not in place.parts:
            continue
        is_ticked, fault = read_tick(place.cell_of(place.parts[id]))
        if fault:
            problems.append(_refuse(place, fault, place.parts[id]))
        elif is_ticked:
            ticked.add(id)
        else:
            ticked.discard(id)
    order = [*before, *(id for id in place.field.choices if id not in before)]
    return _settle(place, [id for id in order if id in ticked], problems, is_read=bool(place.parts))


def _settle(place: Place, items: list[Any], problems: list[CellProblem], *, is_read: bool) -> Reading:
    value = normalise(place.field, items)
    if isinstance(value, Faulty):
        told = f"{len(items)} are too many; at most {place.field.maximum_items} can be taken."
        problems = [*problems, _refuse(place, (told, "Clear the others."))]
        return Reading(problems=tuple(problems), is_read=False)
    return Reading(value, tuple(problems), is_read)


class _TableReader:
    """Reads one table, row by row."""

    def __init__(self, place: Place, exported: Any, is_base: bool) -> None:
        self.place, self.field, self.is_base = place, place.field, is_base
        known = exported if isinstance(exported, list) else []
        self.before: Sequence[Mapping[str, Any]] = [row if isinstance(row, Mapping) else {} for row in known]
        self.problems: list[CellProblem] = []
        self.found: list[tuple[int, int, dict[str, Any]]] = []  # row of the sheet, index of the export, cells
        self.seen: set[int] = set()

    def read(self) -> Reading:
        """Read the table."""
        place, field = self.place, self.field
        if not place.columns or not (place.rows or place.is_marked):
            return Reading(is_read=False)
        for row, mark in place.rows:
            index = mark.index if mark and mark.index <= len(self.before) else 0
            self.seen.add(index)
            self._read_row(row, index)
        self._keep_unseen()
        ordered = self._order()
        rows = []
        for row, cells in ordered:
            normal = normalise(field, [cells])
            if normal:
                rows.append((row, normal[0]))
        for row, _ in rows[field.maximum_rows :]:
            told = f"the table has more than {field.maximum_rows} rows."
            self.problems.append(_refuse(place, (told, "Leave out the rows that matter least."), row))
        rows = rows[: field.maximum_rows]
        return Reading([cells for _, cells in rows] or None, tuple(self.problems), rows=tuple(rows))

    def _read_row(self, row: int, index: int) -> None:
        before = self.before[index - 1] if index else {}
        cells: dict[str, Any] = {}
        is_blank, has_fault = True, False
        for column in self.field.columns:
            known = before.get(column.id)
            at = self.place.columns.get(column.id)
            if at is None:
                value, fault = known, None
            else:
                cell = self.place.cell_of(row, at)
                is_name = column.id == self.field.key
                is_generated = is_name and cell.kind == "formula" and read_secondary(cell.value) is not None
                value, fault = self._name_row(cell, known) if is_generated else read_cell(column, cell, known)
                is_blank = is_blank and (is_generated or (cell.is_blank and value is None))
            if fault:
                self.problems.append(_refuse(self.place, fault, row, at or 0))
                value, has_fault = (known if self.is_base else None), True
            if value is not None:
                cells[column.id] = value
        if is_blank:
            return
        if self.field.key in cells:
            self._add(row, index, cells)
            return
        if not has_fault:
            self.problems.append(_refuse(self.place, self._explain_nameless(), row))
        if index and self.is_base:
            self.found.append((row, index, dict(before)))

    def _add(self, row: int, index: int, cells: dict[str, Any]) -> None:
        """Take a row; a generated name that stands there twice counts once."""
        key = self.field.key
        if self.field.rows_from:
            name = str(cells[key]).casefold()
            if any(str(other.get(key)).casefold() == name for _, _, other in self.found):
                if len(cells) > 1:
                    told = (f"'{cells[key]}' stands in the table twice.", "Answer it in one row only.")
                    self.problems.append(_refuse(self.place, told, row))
                return
        self.found.append((row, index, cells))

    def _name_row(self, cell: Cell, known: Any) -> tuple[Any, CellFault | None]:
        """Name a secondary KPI after the two cells that its formula names; its result is not looked at."""
        named = read_secondary(str(cell.value))
        texts = []
        for row, column in named or ():
            source = self.place.cell_of(row, column)
            texts.append(plain_text(str(source.value)) if source.kind in ("text", "number") and source.value else "")
        if isinstance(known, str) and _is_named_by(known, texts):
            return known, None
        rows = generate_secondaries([{"kpi": texts[0], "partition_1": texts[1]}]) if len(texts) == 2 else []
        if not rows or any(is_too_long(text) for text in texts):  # the whole name stands in no cell
            return None, None
        return rows[0]["secondary"], None

    def _explain_nameless(self) -> CellFault:
        label = self.field.columns[0].label
        cure = "Name its KPI and cut in the table above." if self.field.rows_from else "Name it, or clear the row."
        return f"the row has no {label[:1].lower()}{label[1:]}.", cure

    def _keep_unseen(self) -> None:
        """Keep what was exported of rows that can't have been removed on purpose."""
        if not self.is_base or (self.place.is_marked and not (self.field.rows or self.field.rows_from)):
            return
        names = {str(cells.get(self.field.key)).casefold() for _, _, cells in self.found}
        for index, before in enumerate(self.before, start=1):
            if index not in self.seen and str(before.get(self.field.key)).casefold() not in names:
                self.found.append((self.place.row, index, dict(before)))

    def _order(self) -> list[tuple[int, dict[str, Any]]]:
        """Put rows in the order of the sheet; where the form orders them itself, in that of the export."""
        found = self.found
        if self.field.rows or self.field.rows_from:
            known = sorted((item for item in found if item[1]), key=lambda item: item[1])
            found = [*known, *(item for item in found if not item[1])]
        return [(row, cells) for row, _, cells in found]


def _is_named_by(name: str, texts: Sequence[str]) -> bool:
    """Tell whether two cells show the KPI and the cut of a secondary KPI, also where they show only its beginning."""
    found = [match.start() for match in islice(re.finditer(" by ", name), MOST_SPLITS)]
    splits = ([name[:at], name[at + len(" by ") :]] for at in found)
    return any([plain_text(show_text(part)) for part in split] == list(texts) for split in splits)


def _refuse(place: Place, fault: CellFault, row: int = 0, column: int = 0) -> CellProblem:
    return CellProblem(place.sheet.title, place.name_of(row, column), *fault)
