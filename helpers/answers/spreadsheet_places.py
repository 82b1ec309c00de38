"""Where in a workbook each question is answered: by the marks of its rows, or by its words where those are lost."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from helpers.answers.spreadsheet_layout import (
    ANSWER,
    Mark,
    RowMark,
    list_questions,
    name_cell,
    read_mark,
    read_row_mark,
    read_text,
)
from helpers.answers.spreadsheet_reading import Cell, Sheet
from helpers.model.survey import Survey, SurveyField

Marks = Mapping[int, Mark]
"""Row → what it is for."""


@dataclass(frozen=True)
class Place:
    """Where one question is answered.

    Attributes:
        key: Table and question, such as ``overview.employees``.
        field: The question.
        sheet: The sheet.
        row: The question's own row.
        column: The column of its answer; of a table the first one.
        parts: Number of an item or id of a choice → its row.
        columns: Of a table: column's id → column in the sheet; those that aren't found are missing.
        rows: Of a table: its rows, each with what its mark says.
        is_marked: Whether it was found by marks, and so for certain with all of its rows.
    """

    key: str
    field: SurveyField
    sheet: Sheet
    row: int
    column: int
    parts: Mapping[str, int] = field(default_factory=dict)
    columns: Mapping[str, int] = field(default_factory=dict)
    rows: Sequence[tuple[int, RowMark | None]] = ()
    is_marked: bool = True

    def cell_of(self, row: int = 0, column: int = 0) -> Cell:
        """Return a cell of the question's sheet; its own one unless said."""
        return self.sheet.cell(row or self.row, column or self.column)

    def name_of(self, row: int = 0, column: int = 0) -> str:
        """Return that cell's name as people see it."""
        return name_cell(row or self.row, column or self.column)


def find_places(sheets: Sequence[Sheet], survey: Survey) -> tuple[dict[str, Place], list[str]]:
    """Find where each question is answered.

    Args:
        sheets: The workbook.
        survey: The survey's definition.

    Returns:
        Question's key → place, for those that are found; and the titles of sheets that ask again what an earlier one
        asks, such as a copy made as a backup. They are passed over.
    """
    questions = dict(list_questions(survey))
    places: dict[str, Place] = {}
    repeated: list[str] = []
    ordered = sorted(sheets, key=lambda sheet: sheet.is_hidden)
    for sheet in ordered:
        marks, column = _read_marks(sheet, questions)
        own = {mark.key for mark in marks.values() if mark.key}
        if own & set(places):
            repeated.append(sheet.title)
        _add_places(
            places, sheet, {row: mark for row, mark in marks.items() if mark.key not in places}, column, questions
        )
    missing = {key: field for key, field in questions.items() if key not in places}
    if missing:
        for sheet in ordered:
            if sheet.is_hidden or any(place.sheet is sheet for place in places.values()):
                continue
            still = {key: field for key, field in missing.items() if key not in places}
            marks, column = _mark_by_words(sheet, survey, still)
            found: dict[str, Place] = {}
            _add_places(found, sheet, marks, column, questions)
            places |= {key: replace(place, is_marked=False) for key, place in found.items()}
    return places, repeated


def _read_marks(sheet: Sheet, questions: Mapping[str, Any]) -> tuple[dict[int, Mark], int]:
    """Return the marks on a sheet and the column they stand in."""
    found: dict[int, Mark] = {}
    columns: dict[int, int] = {}
    for row, cells in sheet.cells.items():
        for column, cell in cells.items():
            mark = read_mark(cell.value)
            if mark and (mark.key in questions or not mark.key):
                found[row] = mark
                columns[column] = columns.get(column, 0) + 1
                break
    return found, max(columns, key=lambda column: columns[column]) if columns else 0


def _add_places(
    places: dict[str, Place], sheet: Sheet, marks: Marks, column: int, questions: Mapping[str, SurveyField]
) -> None:
    own: dict[str, dict[int, str]] = {}
    for row in sorted(marks):
        if marks[row].key:
            own.setdefault(marks[row].key, {}).setdefault(row, marks[row].part)
    answer = _find_answer_column(sheet, marks) or column + 2
    for key, parts in own.items():
        question = questions[key]
        row = next((row for row, part in parts.items() if not part), min(parts))
        if question.type == "grid":
            places[key] = _place_table(key, question, sheet, row, column + 1, parts)
        else:
            items = {part: row for row, part in reversed(parts.items()) if part}
            places[key] = Place(key, question, sheet, row, answer, parts=items)


def _find_answer_column(sheet: Sheet, marks: Marks) -> int:
    for row, mark in marks.items():
        if not mark.key:
            for column, cell in sheet.row(row).items():
                if cell.first_line.casefold() == ANSWER.casefold():
                    return column
    return 0


def _place_table(
    key: str, question: SurveyField, sheet: Sheet, row: int, first: int, parts: Mapping[int, str]
) -> Place:
    head = next((at for at, part in parts.items() if part == "head"), 0)
    end = next((at for at, part in parts.items() if part == "end"), 0)
    marked = {at: mark for at, part in parts.items() if (mark := read_row_mark(part))}
    notes = {at for at, part in parts.items() if part == "note"}
    columns = _find_columns(question, sheet, head, first) if head or marked else {}
    start = min([head + 1, *marked]) if head else min(marked, default=0)
    last = max([end - 1, *marked])
    seen: set[int] = set()
    rows: list[tuple[int, RowMark | None]] = []
    for at in range(start, last + 1) if columns else ():
        if at in notes or at in (head, end):
            continue
        mark = marked.get(at)
        is_copy = mark is not None and mark.place in seen
        if mark:
            seen.add(mark.place)
        rows.append((at, None if is_copy else mark))
    return Place(key, question, sheet, row, first, columns=columns, rows=rows)


def _find_columns(question: SurveyField, sheet: Sheet, head: int, first: int) -> dict[str, int]:
    """Find a table's columns by their headings; one whose heading was changed where it stood, if that is free."""
    heads = {column: cell.first_line.casefold() for column, cell in sheet.row(head).items() if column >= first}
    found: dict[str, int] = {}
    for column in question.columns:
        at = next((at for at, text in heads.items() if text == column.label.casefold()), 0)
        if at and at not in found.values():
            found[column.id] = at
    for place, column in enumerate(question.columns):
        at = first + place
        if column.id not in found and at not in found.values():
            found[column.id] = at
    return found


def _mark_by_words(sheet: Sheet, survey: Survey, missing: Mapping[str, SurveyField]) -> tuple[dict[int, Mark], int]:
    """Mark a sheet's rows by the words of its questions, for a workbook whose marks were lost."""
    labels = {field.label.casefold() for field in missing.values()}
    counts: dict[int, int] = {}
    for cells in sheet.cells.values():
        for column, cell in cells.items():
            if cell.kind == "text" and cell.first_line.casefold() in labels:
                counts[column] = counts.get(column, 0) + 1
    if not counts:
        return {}, 0
    column = min(counts, key=lambda at: (-counts[at], at))
    asked = {cells[column].first_line.casefold() for cells in sheet.cells.values() if column in cells}
    tables: dict[str, list[str]] = {}
    for key in missing:
        tables.setdefault(key.split(".")[0], []).append(key)
    best = max(tables, key=lambda tab: sum(missing[key].label.casefold() in asked for key in tables[tab]))
    walker = _Walker(sheet, column, {key: missing[key] for key in tables[best]}, _list_headings(survey, best))
    marks = dict(walker.walk())
    for row in sorted(sheet.cells):
        if any(cell.first_line.casefold() == ANSWER.casefold() for cell in sheet.row(row).values()):
            marks.setdefault(row, Mark("", "head"))
            break
    return marks, column - 1


def _list_headings(survey: Survey, tab: str) -> set[str]:
    return {group.label.casefold() for group in survey.tabs[tab].groups} if tab in survey.tabs else set()


class _Walker:
    """Goes down a sheet and tells of each row what it is for, from what stands in the column of questions."""

    def __init__(self, sheet: Sheet, column: int, fields: Mapping[str, SurveyField], headings: set[str]) -> None:
        self.sheet, self.column, self.headings = sheet, column, headings
        self.pending = list(fields.items())
        self.current: tuple[str, SurveyField] | None = None
        self.has_head = False

    def walk(self) -> Iterator[tuple[int, Mark]]:
        """Yield rows with their marks, from top to bottom."""
        last = 0
        for row in sorted(self.sheet.cells):
            text = self.sheet.cell(row, self.column).first_line.casefold()
            found = next((item for item in self.pending if item[1].label.casefold() == text), None)
            if found:
                yield from self._close(last)
                self.pending.remove(found)
                self.current, self.has_head = found, False
                yield row, Mark(found[0])
            elif text in self.headings and not self._is_said_again(text):
                yield from self._close(last)
                self.current = None
            elif self.current:
                part = self._tell(row, text)
                if part:
                    yield row, Mark(self.current[0], part)
                if part == "end":
                    self.current = None
            last = row
        yield from self._close(last)

    def _close(self, last: int) -> Iterator[tuple[int, Mark]]:
        if self.current and self.current[1].type == "grid" and self.has_head:
            yield last + 1, Mark(self.current[0], "end")

    def _is_said_again(self, text: str) -> bool:
        """Tell whether a group's heading is at once the first of its questions."""
        return self.current is not None and not self.has_head and self.current[1].label.casefold() == text

    def _tell(self, row: int, text: str) -> str:
        assert self.current
        field = self.current[1]
        if field.type == "ranked":
            number = text.rstrip(". ")
            return number if number.isdigit() and 0 < int(number) <= field.maximum_items else ""
        if field.type == "multiple_choice":
            return next((id for id, label in field.choices.items() if label.casefold() == read_text(text)), "")
        if field.type != "grid":
            return ""
        cells = self.sheet.row(row)
        if not self.has_head:
            texts = {cell.first_line.casefold() for cell in cells.values()}
            known = sum(column.label.casefold() in texts for column in field.columns)
            self.has_head = text == field.columns[0].label.casefold() and known * 2 >= len(field.columns)
            return "head" if self.has_head else ""
        if text.startswith("at most ") and len(cells) == 1:
            return "end"
        is_example = all(cell.first_line.startswith("e.g. ") for cell in cells.values())
        is_heading = text in {label.casefold() for label in (*field.part_of.values(), "Others")} and len(cells) == 1
        return "note" if is_example or is_heading else ""
