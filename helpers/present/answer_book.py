"""What every workbook to be filled in shares: its look, its protected sheets, and its lists to choose from."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from helpers.answers.spreadsheet_layout import CHOICES, EXPORTED, README, name_cell, pack_exported, show_text
from helpers.present.theme import LIGHT
from helpers.present.words import shorten

A4 = 9
MARKS = 0
"""The hidden column that tells what a row is for."""

LINE, SMALL_LINE = 15, 13
"""Points of a line of 11 and of 9 point text."""

GAP = 6
"""Points between two questions."""

PAPER_WIDTH, PAPER_HEIGHT = 10.4, 490.0
"""Inches and points of A4 landscape inside its margins, with something to spare for another system's fonts."""

TALLEST = 400
"""Points of the tallest row; a spreadsheet stops at 409."""


class AnswerBook:
    """A workbook being written: protected sheets in one look, where only the cells to be filled in can change."""

    def __init__(self, title: str, currency: str = "USD") -> None:
        import xlsxwriter

        self._bytes = io.BytesIO()
        self.book = xlsxwriter.Workbook(
            self._bytes,
            {
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
                "in_memory": True,
            },
        )
        self.book.set_properties({"title": title, "created": datetime(2000, 1, 1)})
        self.title = title
        self.currency = re.sub(r"[^A-Z]", "", currency.upper())[:3]
        self._formats: dict[tuple[Any, ...], Any] = {}
        self._lists: dict[tuple[str, ...], str] = {}
        self._choices: Any = None

    def format(self, **look: Any) -> Any:
        """Return a cell format; the same look is made once."""
        full = {"font_name": "Calibri", "font_size": 11, "valign": "top", "font_color": LIGHT["ink"], **look}
        key = tuple(sorted(full.items()))
        if key not in self._formats:
            self._formats[key] = self.book.add_format(full)
        return self._formats[key]

    def answer(self, *, number: str = "@", align: str = "left", **look: Any) -> Any:
        """Return the format of a cell to be filled in."""
        return self.format(
            locked=False,
            text_wrap=True,
            bg_color=TINT,
            border=1,
            border_color=LIGHT["bar"],
            num_format=number,
            **{"align": align, "indent": int(align != "center"), "valign": "vcenter", **look},
        )

    def overlay(self, look: Mapping[str, Any]) -> Any:
        """Return a look that is laid over a cell's own where a rule holds."""
        key = ("overlay", *sorted(look.items()))
        if key not in self._formats:
            self._formats[key] = self.book.add_format(dict(look))
        return self._formats[key]

    def add_sheet(self, name: str, widths: Sequence[float], *, tab: str = "", is_protected: bool = True) -> Any:
        """Add a sheet that prints on A4, with a hidden column of marks before the columns of these widths.

        Args:
            name: One of ``name_sheets``, or ``README``.
            widths: The columns' widths in characters.
            tab: The colour of the sheet's tab.
            is_protected: Whether only the cells to be filled in can change.
        """
        sheet = self.book.add_worksheet(name)
        sheet.hide_gridlines(2)
        sheet.set_column(MARKS, MARKS, 2, None, {"hidden": True})
        for column, width in enumerate(widths, start=1):
            sheet.set_column(column, column, width)
        sheet.set_landscape()
        sheet.set_paper(A4)
        sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        left, right = (shorten(text, 80).replace("&", "&&") for text in (self.title, name))
        sheet.set_footer(f"&L&9{left}&C&9{right}&R&9&P / &N")
        if is_protected:
            allowed = ("format_columns", "format_rows", "insert_rows", "select_locked_cells")
            sheet.protect("", dict.fromkeys(allowed, True))
        if tab:
            sheet.set_tab_color(tab)
        return sheet

    def write(self, sheet: Any, row: int, column: int, value: Any, look: Any) -> None:
        """Write one cell: a number as a number, anything else as text, nothing as a blank in its format."""
        if value is None or value == "":
            sheet.write_blank(row, column, None, look)
        elif isinstance(value, bool) or not isinstance(value, int | float):
            sheet.write_string(row, column, str(value), look)
        else:
            sheet.write_number(row, column, value, look)

    def write_wide(self, sheet: Any, row: int, first: int, last: int, value: Any, look: Any) -> None:
        """Write one value over several columns."""
        if last > first:
            sheet.merge_range(row, first, row, last, "", look)
        self.write(sheet, row, first, value, look)

    def write_parts(self, sheet: Any, row: int, column: int, parts: Sequence[tuple[str, Any]], look: Any) -> None:
        """Write text in several looks into one cell."""
        shown = [(text, part) for text, part in parts if text]
        if len(shown) < 2:
            sheet.write_string(row, column, shown[0][0] if shown else "", look)
            return
        fragments = [item for text, part in shown for item in (part, text)]
        sheet.write_rich_string(row, column, *fragments, look)

    def offer(self, sheet: Any, cells: tuple[int, int, int, int], labels: Iterable[str], **rules: Any) -> None:
        """Let people choose from a list; ``is_open`` allows anything else too."""
        is_open = rules.pop("is_open", False)
        told = {} if is_open else {"error_title": "Choose from the list", "error_message": CHOOSE}
        check = {"validate": "list", "source": self._list(tuple(labels)), "show_error": not is_open, **told}
        sheet.data_validation(*cells, {**check, **_shorten_messages(rules)})

    def bound(
        self, sheet: Any, cells: tuple[int, int, int, int], low: float | None, high: float | None, **rules: Any
    ) -> None:
        """Take numbers within bounds only."""
        limits: dict[str, Any]
        if low is not None and high is not None:
            limits = {"criteria": "between", "minimum": low, "maximum": high}
        elif low is not None:
            limits = {"criteria": ">=", "value": low}
        else:
            limits = {"criteria": "<=", "value": 1e300 if high is None else high}
        sheet.data_validation(*cells, {"validate": "decimal", **limits, **_shorten_messages(rules)})

    def advise(self, sheet: Any, cells: tuple[int, int, int, int], **rules: Any) -> None:
        """Show a note at cells that take anything."""
        if rules.get("input_message"):
            sheet.data_validation(*cells, {"validate": "any", **_shorten_messages(rules)})

    def close(self, exported: Mapping[str, Any]) -> bytes:
        """Put what was exported on a hidden sheet and return the workbook; the same content gives the same bytes."""
        sheet = self.book.add_worksheet(EXPORTED)
        sheet.very_hidden()
        sheet.protect("")
        for row, text in enumerate(pack_exported(exported)):
            sheet.write_string(row, 0, text)
        self.book.close()
        return self._bytes.getvalue()

    def _list(self, labels: tuple[str, ...]) -> str:
        if labels not in self._lists:
            if self._choices is None:
                self._choices = self.book.add_worksheet(CHOICES)
                self._choices.very_hidden()
                self._choices.protect("")
            column = len(self._lists)
            for row, label in enumerate(labels):
                self._choices.write_string(row, column, show_text(label)[:255])
            letters = name_cell(1, column + 1).removesuffix("1")
            self._lists[labels] = f"='{CHOICES}'!${letters}$1:${letters}${max(len(labels), 1)}"
        return self._lists[labels]


class Flow:
    """Where on a sheet is written next, and where a printed page may begin.

    Attributes:
        row: The row that is written next, from 0.
    """

    def __init__(self, sheet: Any) -> None:
        self._sheet = sheet
        self._heights: list[float] = []
        self._starts: set[int] = set()

    @property
    def row(self) -> int:
        """The row that is written next, from 0."""
        return len(self._heights)

    def end_row(self, height: float = LINE, *, can_break: bool = False) -> None:
        """Give the row its height and go on to the next; ``can_break`` says that a printed page may begin with it."""
        if can_break:
            self._starts.add(self.row)
        self._sheet.set_row(self.row, height)
        self._heights.append(height)

    def skip(self) -> None:
        """Go on to the next row, leaving this one as it is; it isn't printed."""
        self._heights.append(0)

    def leave_gap(self, height: float = GAP) -> None:
        """Leave a narrow empty row."""
        self.end_row(height)

    def paginate(self, widths: Sequence[float], *, repeated: int) -> None:
        """Scale the sheet to the paper's width and break pages where something begins.

        Args:
            widths: The columns' widths in characters.
            repeated: So many rows stand at the top of every page.
        """
        inches = sum(width * 8 + 5 for width in widths) / 96
        scale = min(100, int(100 * PAPER_WIDTH / inches))
        self._sheet.set_print_scale(scale)
        self._sheet.repeat_rows(0, repeated - 1)
        self._sheet.print_area(0, 1, max(self.row - 1, 0), len(widths))
        room = PAPER_HEIGHT * 100 / scale
        above = sum(self._heights[:repeated])
        used, began, breaks = 0.0, 0, []
        for row, height in enumerate(self._heights):
            if used + height > room:
                starts = [start for start in self._starts if began < start <= row]
                if starts:
                    began = max(starts)
                    breaks.append(began)
                else:
                    began = row
                used = above + sum(self._heights[began:row])
            used += height
        self._sheet.set_h_pagebreaks(breaks)


def write_title(book: AnswerBook, sheet: Any, flow: Flow, title: str, subtitle: str) -> None:
    """Write a sheet's title and the words under it."""
    sheet.write_string(flow.row, 1, title, book.format(bold=True, font_size=18, valign="vcenter"))
    flow.end_row(30)
    sheet.write_string(flow.row, 1, subtitle, book.format(font_color=LIGHT["grey"]))
    flow.end_row(LINE + 5)


def write_heading(book: AnswerBook, sheet: Any, flow: Flow, text: str, *, last: int) -> None:
    """Write the heading of a group of questions, underlined over all columns."""
    look = book.format(bold=True, font_size=13, valign="bottom", bottom=2, bottom_color=LIGHT["accent"])
    for column in range(1, last + 1):
        sheet.write_blank(flow.row, column, None, look)
    sheet.write_string(flow.row, 1, text, look)
    flow.end_row(32, can_break=True)
    flow.leave_gap()


def name_sheets(labels: Iterable[str]) -> list[str]:
    """Name sheets as spreadsheets allow: at most 31 characters, none of the forbidden signs, no name twice.

    >>> name_sheets(["Goals: this year", "Goals / this year"])
    ['Goals this year', 'Goals this year 2']
    """
    taken = {README.casefold(), EXPORTED, CHOICES, "history"}
    names = []
    for label in labels:
        plain = " ".join(re.sub(r"[\[\]:*?/\\']", " ", label).split())[:31].strip() or "Sheet"
        name, n = plain, 2
        while name.casefold() in taken:
            name, n = f"{plain[: 31 - len(str(n)) - 1]} {n}", n + 1
        taken.add(name.casefold())
        names.append(name)
    return names


CHOOSE = "Only an entry of the list can be taken. Press Escape, then choose one with the arrow beside the cell."


def blend(colour: str, share: float) -> str:
    """Mix a colour with white.

    >>> blend("#000000", 0.5)
    '#808080'
    """
    parts = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(f"{round(255 - (255 - part) * share):02X}" for part in parts)


TINT = blend(LIGHT["accent_soft"], 0.4)
"""Behind every cell to be filled in."""

BAND = blend(LIGHT["faint"], 0.55)
"""Behind headings of tables."""


def count_lines(text: Any, width: float) -> int:
    """Estimate how many lines a text takes in a column of that many characters."""
    lines = str("" if text is None else text).split("\n")
    return sum(max(1, math.ceil(len(line) / max(width * 1.14, 1))) for line in lines)


def height_of(*blocks: float) -> float:
    """Return a row's height from the heights of what stands side by side in it, with air around it."""
    return min(TALLEST, max([LINE, *blocks]) + 6)


def number_format(unit: str, currency: str = "") -> str:
    """Return the number format of a unit, which shows what was typed and no rounded one."""
    ending = {"days": ' "days"', "currency": f' "{currency}"' if currency else "", "ratio": '"×"'}.get(unit, "")
    if unit == "share":
        return "0.0%"
    if unit == "year":
        return "0"
    return f"[>=1000]#,##0{ending};General{ending}"


def _shorten_messages(rules: Mapping[str, Any]) -> dict[str, Any]:
    limits = {"input_title": 32, "input_message": 255, "error_title": 32, "error_message": 255}
    return {
        name: shorten(value, limits[name]) if name in limits else value
        for name, value in rules.items()
        if value not in ("", None)
    }
