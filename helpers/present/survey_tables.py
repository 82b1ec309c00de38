"""A grid of the survey as a table in a workbook: a row each, with room for more, preset rows under their headings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from helpers.answers.spreadsheet_layout import Mark, RowMark, name_cell, name_secondary, show_answer, show_text
from helpers.answers.typed import lay_rows
from helpers.model.survey import SurveyField, SurveyTab, generate_secondaries
from helpers.present.answer_book import BAND, LINE, MARKS, AnswerBook, Flow, count_lines, height_of
from helpers.present.survey_cells import check_cells, format_answer, height_of_question, write_question
from helpers.present.theme import LIGHT

FEWEST_ROWS, SPARE_ROWS = 8, 5
"""Rows that a table shows at least, and empty ones that it shows beside those filled in, where it may have as many."""

CUTS = 4
"""Cuts of a primary KPI that the survey asks for."""


def widths_of_tables(tab: SurveyTab) -> list[float]:
    """Return the widths of a tab's columns from what stands in its tables; empty where it has none."""
    widths: list[float] = []
    for field in tab.fields:
        for place, column in enumerate(field.columns):
            if place == len(widths):
                widths.append(0)
            widths[place] = max(widths[place], _width_of(column))
    return widths


class TableWriter:
    """Writes one grid under its question."""

    def __init__(
        self,
        book: AnswerBook,
        sheet: Any,
        flow: Flow,
        key: str,
        field: SurveyField,
        widths: Sequence[float],
        primaries: dict[str, Any],
    ) -> None:
        self.book, self.sheet, self.flow, self.key, self.field, self.widths = book, sheet, flow, key, field, widths
        self.primaries = primaries
        self.looks = {column.id: format_answer(book, column, align=_align(column)) for column in field.columns}
        self.fixed = book.format(text_wrap=True, valign="vcenter", bottom=1, bottom_color=LIGHT["faint"])

    def write(self, values: Sequence[Mapping[str, Any]], *, can_break: bool) -> None:
        """Write the table.

        Args:
            values: The answer: the grid's rows as kept.
            can_break: Whether a printed page may begin with it.
        """
        self._write_title(can_break)
        self._write_heads()
        first = self.flow.row
        if self.field.rows_from == "secondaries" and self.primaries.get("sheet") is self.sheet:
            self._write_generated(values)
        else:
            self._write_rows(values)
        for number, column in enumerate(self.field.columns, start=1):
            check_cells(self.book, self.sheet, (first, number, self.flow.row - 1, number), column)
        self._write_end(self.flow.row - first)

    def _write_title(self, can_break: bool) -> None:
        last = len(self.widths)
        write_question(self.book, self.sheet, self.flow.row, self.field, last=last)
        self._mark("")
        self.flow.end_row(height_of(height_of_question(self.field, sum(self.widths))), can_break=can_break)

    def _write_heads(self) -> None:
        """Write the headings, and under them a row of examples."""
        head = {"bold": True, "bg_color": BAND, "bottom": 1, "bottom_color": LIGHT["mid"], "valign": "bottom"}
        note = {"italic": True, "font_size": 9, "font_color": LIGHT["grey"]}
        titles = [f"{column.label}{' *' if column.required else ''}" for column in self.field.columns]
        examples = [f"e.g. {column.example}" if column.example else "" for column in self.field.columns]
        self._write_texts(titles, "head", head, LINE, 0.92)
        if any(examples):
            self._write_texts(examples, "note", note, 12, 1.2)

    def _write_texts(
        self, texts: Sequence[str], part: str, look: Mapping[str, Any], points: float, stretch: float
    ) -> None:
        lines = 1
        for number, (text, column) in enumerate(zip(texts, self.field.columns, strict=True), start=1):
            indent = int(not self._is_plain_name(number))
            cell = self.book.format(text_wrap=True, align=_align(column), indent=indent, **look)
            self.sheet.write_string(self.flow.row, number, text, cell)
            lines = max(lines, count_lines(text, self.widths[number - 1] * stretch))
        self._mark(part)
        self.flow.end_row(height_of(points * lines))

    def _write_rows(self, values: Sequence[Mapping[str, Any]]) -> None:
        """Write the preset rows, what was answered, and empty rows."""
        field = self.field
        laid = lay_rows(field, [dict(row) for row in values])
        indexes = _find_indexes(field, laid, values)
        preset = len(field.rows)
        total = len(laid)
        if field.can_add_rows or not preset:
            total = min(max(len(laid) + SPARE_ROWS, FEWEST_ROWS), max(field.maximum_rows, len(laid)))
        heading = None
        for place in range(total):
            row = laid[place] if place < len(laid) else {}
            group = field.part_of.get(str(row.get(field.key)), "") if place < preset else ""
            group = group or ("Others" if field.part_of and place >= preset else "")
            if group and group != heading:
                self._write_group(group, can_break=place > 0)
            mark = RowMark(place + 1, indexes[place] if place < len(indexes) else 0)
            self._write_row(mark, row, is_fixed=place < preset, can_break=place > 2 and group == heading)
            heading = group

    def _write_generated(self, values: Sequence[Mapping[str, Any]]) -> None:
        """Write a row per cut of a primary KPI, named by whatever stands in the table of primary KPIs."""
        said = {str(row.get(self.field.key)).casefold(): place for place, row in enumerate(values)}
        place, first = 0, self.flow.row
        for at, kpi in self.primaries["rows"]:
            for cut in range(1, CUTS + 1):
                column = self.primaries["column"].get(f"partition_{cut}")
                if column is None:
                    continue
                place += 1
                named = generate_secondaries([{"kpi": kpi.get("kpi"), "partition_1": kpi.get(f"partition_{cut}")}])
                name = named[0]["secondary"] if named else ""
                index = said.pop(name.casefold(), None) if name else None
                row = values[index] if index is not None else {}
                mark = RowMark(place, 0 if index is None else index + 1)
                self._write_row(mark, {**row, self.field.key: name}, is_fixed=True, named_by=(at, column))
        for index in sorted(said.values()):
            place += 1
            self._write_row(RowMark(place, index + 1), values[index], is_fixed=True)
        nameless = {
            "type": "formula",
            "criteria": f"=LEN($B{first + 1})=0",
            "format": self.book.overlay({"bg_color": LIGHT["paper"]}),
        }
        self.sheet.conditional_format(first, 2, self.flow.row - 1, len(self.field.columns), nameless)

    def _write_row(
        self,
        mark: RowMark,
        row: Mapping[str, Any],
        *,
        is_fixed: bool,
        named_by: tuple[int, int] | None = None,
        can_break: bool = True,
    ) -> None:
        """Write one row; the name of a fixed one can't be changed."""
        at, lines = self.flow.row, 1
        for number, column in enumerate(self.field.columns, start=1):
            shown = show_answer(column, row.get(column.id))
            look = self.fixed if is_fixed and number == 1 else self.looks[column.id]
            if named_by and number == 1:
                kpi, cut = name_cell(named_by[0] + 1, 2), name_cell(named_by[0] + 1, named_by[1] + 1)
                self.sheet.write_formula(at, number, name_secondary(kpi, cut), look, shown or "")
            else:
                self.book.write(self.sheet, at, number, shown, look)
            lines = max(lines, count_lines(shown, self.widths[number - 1]))
        if self.field.id == "primary_kpis":
            self.primaries["sheet"] = self.sheet
            self.primaries["column"] = {column.id: number for number, column in enumerate(self.field.columns, start=1)}
            self.primaries.setdefault("rows", []).append((at, row))
        self._mark(mark.write())
        self.flow.end_row(height_of(LINE * lines), can_break=can_break)

    def _write_group(self, label: str, *, can_break: bool) -> None:
        look = self.book.format(bold=True, font_color=LIGHT["grey"], valign="bottom", font_size=10)
        self.sheet.write_string(self.flow.row, 1, label, look)
        self._mark("note")
        self.flow.end_row(22, can_break=can_break)

    def _write_end(self, shown: int) -> None:
        look = self.book.format(font_color=LIGHT["grey"], font_size=9)
        more = self.field.can_add_rows and shown < self.field.maximum_rows
        told = f"At most {self.field.maximum_rows} rows; insert rows above this line for more." if more else ""
        self.sheet.write_string(self.flow.row, 1, told, look)
        self._mark("end")
        self.flow.end_row(LINE)

    def _is_plain_name(self, number: int) -> bool:
        """Tell whether a column holds names that can't be changed, which stand flush with the titles."""
        return number == 1 and bool(self.field.rows or self.field.rows_from)

    def _mark(self, part: str) -> None:
        self.sheet.write_string(self.flow.row, MARKS, Mark(self.key, part).write())


def _find_indexes(
    field: SurveyField, laid: Sequence[Mapping[str, Any]], values: Sequence[Mapping[str, Any]]
) -> list[int]:
    """Tell which of the answer's rows stands in each row laid out, from 1; 0 for a preset one without an answer."""
    free = list(range(len(values)))
    indexes = []
    for row in laid:
        name = str(row.get(field.key)).strip().casefold()
        at = next((place for place in free if str(values[place].get(field.key)).strip().casefold() == name), None)
        if at is not None:
            free.remove(at)
        indexes.append(0 if at is None else at + 1)
    return indexes


def _is_number(field: SurveyField) -> bool:
    return field.type in ("number", "currency")


def _align(field: SurveyField) -> str:
    return "right" if _is_number(field) else "left"


def _width_of(column: SurveyField) -> float:
    if column.allowed:
        longest = max(len(show_text(label)) for label in column.allowed.values())
        return min(max(longest + 3, len(column.label) * 0.6, 13), 26)
    if _is_number(column):
        return 15 if column.type == "currency" else 13
    if column.suggestions:
        return 19
    return 30 if column.is_list or len(column.example) > 24 else 24
