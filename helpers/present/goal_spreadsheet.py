"""The goal matrix as a workbook: KPIs down, periods across, a sheet per partition, to be changed offline and sent back.

Beside every number stands a word: ``goal`` or ``locked`` where people set it, nothing where it follows. What a cell is
for stands in a hidden row and column; a hidden sheet keeps what was exported, so that an import finds what was changed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import pandas as pd

from helpers.answers.goal_cells import BEYOND, LATE
from helpers.answers.goal_editing import FREE, GOAL, LOCKED, GoalCell, Typed
from helpers.answers.goal_import import CELL, PERIOD, ROW, STATE, VALUE
from helpers.answers.spreadsheet_layout import mark_cell, name_cell, show_text
from helpers.model.catalog import Catalog
from helpers.periods import Period, period_of
from helpers.present.answer_book import BAND, LINE, MARKS, AnswerBook, Flow, blend, name_sheets, write_title
from helpers.present.goal_about import write_about
from helpers.present.theme import LIGHT
from helpers.present.words import clean_text, is_missing, label_of, say_date

TOTAL = "all"
ABOUT, COMPANY, CELLS = "About", "Company", "All cells"
KPI_WIDTH, SLICE_WIDTH, UNIT_WIDTH, VALUE_WIDTH, STATE_WIDTH = 28, 24, 9, 14, 8
OUT_OF_REACH = 0.01
MOST_LINES, MOST_LISTS = 4_000, 5
"""Goals on one sheet that lists them, so that an import reads it whole; and how many such sheets there are at most."""

LOOKS: Mapping[str, Mapping[str, Any]] = {
    BEYOND: {"bg_color": LIGHT["bad_soft"]},
    LATE: {"bg_color": LIGHT["caution_soft"]},
    LOCKED: {"bg_color": LIGHT["faint"], "bold": True},
    GOAL: {"bg_color": LIGHT["accent_soft"]},
}
"""What the word beside a number ends or begins with → its look, the first that fits."""

UNIT_WORDS = {"count": "number", "share": "%", "days": "days", "ratio": "×"}
DETAILS = ("KPI", "Split by", "Slice", "Period", "Starts", "State", "Goal", "Actual", "Expected", "Gap", "Chance")


class _Column(NamedTuple):
    """One period of a sheet."""

    period: Period
    has_ended: bool


def write_goal_spreadsheet(
    matrix: pd.DataFrame,
    *,
    catalog: Catalog,
    as_of: date,
    typed: Mapping[GoalCell, Typed] | None = None,
    company: str = "",
    currency: str = "USD",
    fiscal_year_start: int = 1,
    history: pd.DataFrame | None = None,
    labels: Mapping[str, str] | None = None,
    scenario: str = "",
    late: Collection[GoalCell] = (),
) -> bytes:
    """Write the goal matrix as a workbook in which goals can be changed.

    Args:
        matrix: A solved matrix.
        catalog: The company's definitions.
        as_of: The last day that counts.
        typed: What people set, as ``GoalEditor.typed``; by default what the matrix itself marks as set.
        company: Its name (``spreadsheet_layout.name_company``), by which an import knows the company's own workbooks.
        currency: ISO code of the company's currency.
        fiscal_year_start: The month (1–12) in which the fiscal year begins.
        history: The columns of ``kpis.csv``, for the n of each KPI; left out without them.
        labels: Partition → what people call it.
        scenario: The name of the scenario whose goals these are.
        late: Cells for which it is too late.

    Returns:
        The ``.xlsx``: a sheet about it, one of the company, one per partition, and one that lists every cell with what
        was expected, what came and how likely the goal is. The same matrix gives the same bytes; no cell is a formula.

    Raises:
        ValueError: The matrix has no cells.
    """
    if matrix.empty:
        raise ValueError("No goals to write. Show a message instead.")
    title = " – ".join(part for part in ("Goals", clean_text(company), clean_text(scenario)) if part)
    book = AnswerBook(title, currency)
    cells = _key_cells(matrix, frozenset(late))
    columns = _list_columns(cells, as_of, fiscal_year_start)
    dimensions = [name for name in dict.fromkeys(key.dimension for key in cells) if name != TOTAL]
    titles = {name: _title(name, catalog, labels or {}) for name in dimensions}
    lists = _split(list(cells.items()))
    by = [f"By {title[:1].lower()}{title[1:]}" for title in titles.values()]
    names = name_sheets([ABOUT, COMPANY, *by, *([CELLS] * len(lists))])
    kpis = list(dict.fromkeys(key.kpi for key in cells))
    about = {"company": company, "scenario": scenario, "as_of": as_of, "currency": currency}
    write_about(book, names[0], about, [catalog.kpis[kpi] for kpi in kpis if kpi in catalog.kpis], history, columns)
    rows: dict[str, list[str]] = {}
    for dimension, name in zip([TOTAL, *dimensions], names[1 : -len(lists)], strict=True):
        own = {key: cell for key, cell in cells.items() if key.dimension == dimension}
        _GridSheet(book, name, own, columns, catalog, rows, titles.get(dimension, "")).write()
    for name, part in zip(names[-len(lists) :], lists, strict=True):
        _write_cells(book, name, part, catalog, titles, fiscal_year_start, len(cells))
    known = _list_set(cells) if typed is None else typed
    return book.close(
        {
            "kind": "goals",
            "company": company,
            "scenario": scenario,
            "currency": currency,
            "fiscal_year_start": fiscal_year_start,
            "rows": rows,
            "kpis": {kpi: {"label": _label(catalog, kpi), "unit": _unit(catalog, kpi)} for kpi in kpis},
            "cells": {_mark(key): _remember(cell, known.get(key, Typed())) for key, cell in cells.items()},
        }
    )


def _title(dimension: str, catalog: Catalog, labels: Mapping[str, str]) -> str:
    known = catalog.dimensions.get(dimension)
    return clean_text(labels.get(dimension) or (known.label if known else "") or label_of(dimension))


def _split(cells: list[tuple[GoalCell, dict[str, Any]]]) -> list[dict[GoalCell, dict[str, Any]]]:
    """Share the goals out over the sheets that list them, the company's own first where not all of them fit."""
    if len(cells) > MOST_LINES * MOST_LISTS:
        cells = sorted(cells, key=lambda pair: pair[0].dimension != TOTAL)[: MOST_LINES * MOST_LISTS]
    return [dict(cells[start : start + MOST_LINES]) for start in range(0, len(cells), MOST_LINES)]


def _key_cells(matrix: pd.DataFrame, late: Collection[GoalCell]) -> dict[GoalCell, dict[str, Any]]:
    found = {}
    for row in matrix.assign(day=pd.to_datetime(matrix["period_start"]).dt.date).to_dict("records"):
        key = GoalCell(str(row["kpi"]), str(row["grain"]), row["day"], str(row["dimension"]), str(row["slice"]))
        found[key] = {**row, "is_late": key in late}
    return found


def _list_columns(cells: Mapping[GoalCell, Any], as_of: date, fiscal_year_start: int) -> list[_Column]:
    """List the periods, each year behind its last one."""
    found = {period_of(key.period_start, key.grain, fiscal_year_start) for key in cells}
    ordered = sorted(found, key=lambda period: (period.end, period.days))
    return [_Column(period, period.end <= as_of) for period in ordered]


def _list_set(cells: Mapping[GoalCell, Mapping[str, Any]]) -> dict[GoalCell, Typed]:
    found = {}
    for key, cell in cells.items():
        state = _state_of(cell)
        if state != FREE:
            found[key] = Typed(None if is_missing(cell["goal"]) else float(cell["goal"]), state == LOCKED)
    return found


def _state_of(cell: Mapping[str, Any]) -> str:
    if bool(cell.get("locked")) or cell.get("state") == LOCKED:
        return LOCKED
    return GOAL if cell.get("state") == GOAL else FREE


def _word_of(cell: Mapping[str, Any]) -> str:
    """Return the word beside a number, with a sign where the goal is out of reach or comes too late."""
    state = _state_of(cell)
    word = "" if state == FREE else state
    chance = cell.get("probability")
    is_beyond = is_missing(cell.get("actual")) and not is_missing(chance) and chance < OUT_OF_REACH
    return f"{word} {LATE if cell['is_late'] else BEYOND if is_beyond else ''}".strip()


def _remember(cell: Mapping[str, Any], held: Typed) -> dict[str, Any]:
    """Return what the hidden sheet keeps of a cell: what it showed, and what was set then."""
    kept: dict[str, Any] = {"shown": None if is_missing(cell["goal"]) else float(cell["goal"])}
    if _state_of(cell) != FREE:
        kept["state"] = _state_of(cell)
    if held.goal is not None or held.is_locked:
        kept["held"] = {"goal": held.goal, "locked": held.is_locked}
    return kept


def _mark(key: GoalCell) -> str:
    return mark_cell(CELL, key.kpi, key.grain, key.period_start.isoformat(), key.dimension, key.slice)


def _label(catalog: Catalog, kpi: str) -> str:
    return catalog.kpis[kpi].label if kpi in catalog.kpis else kpi


def _unit(catalog: Catalog, kpi: str) -> str:
    return catalog.kpis[kpi].unit if kpi in catalog.kpis else "count"


def say_unit(unit: str, currency: str) -> str:
    """Name a unit in a column of its own."""
    return currency if unit.startswith("currency") else UNIT_WORDS.get(unit, unit)


def format_of(unit: str, currency: str) -> str:
    """Return the number format of a goal: money whole, small counts with a decimal, since solved ones have parts."""
    if unit.startswith("currency"):
        return f'#,##0 "{currency}"'
    return {"share": "0.0%", "days": "#,##0.0", "ratio": '0.00"×"'}.get(unit, "[<100]#,##0.0;#,##0")


class _GridSheet:
    """Writes one sheet: KPIs and slices down, periods across, a word beside every number."""

    def __init__(
        self,
        book: AnswerBook,
        name: str,
        cells: Mapping[GoalCell, Mapping[str, Any]],
        columns: Sequence[_Column],
        catalog: Catalog,
        rows: dict[str, list[str]],
        title: str,
    ) -> None:
        self.book, self.cells, self.columns, self.catalog, self.rows = book, cells, columns, catalog, rows
        self.title = title
        self.first = 4 if title else 3
        texts = [KPI_WIDTH, *([SLICE_WIDTH] if title else []), UNIT_WIDTH]
        self.widths = [*texts, *([VALUE_WIDTH, STATE_WIDTH] * len(columns))]
        self.sheet = book.add_sheet(name, self.widths, is_protected=False)
        self.flow = Flow(self.sheet)

    def write(self) -> None:
        """Write the sheet."""
        sheet, flow = self.sheet, self.flow
        for place, column in self._places():
            start = column.period.start.isoformat()
            sheet.write_string(0, place, mark_cell(PERIOD, column.period.grain, start, VALUE))
            sheet.write_string(0, place + 1, mark_cell(PERIOD, column.period.grain, start, STATE))
        sheet.set_row(0, LINE, None, {"hidden": True})
        flow.skip()
        told = "Type a number to make it a goal, write locked beside one that has to hold, clear one to let it follow."
        heading = f"Goals by {self.title[:1].lower()}{self.title[1:]}" if self.title else "The company's goals"
        write_title(self.book, sheet, flow, show_text(heading), told)
        head = flow.row
        self._write_head()
        sheet.freeze_panes(flow.row, self.first)
        begin = flow.row
        for kpi, dimension, value in dict.fromkeys((key.kpi, key.dimension, key.slice) for key in self.cells):
            self._write_row(kpi, dimension, value)
        last = max(flow.row - 1, begin)
        sheet.autofilter(head + 1, MARKS, last, len(self.widths))
        self._colour(begin, last)
        flow.paginate(self.widths, repeated=begin)
        sheet.set_selection(begin, self.first, begin, self.first)

    def _places(self) -> list[tuple[int, _Column]]:
        return [(self.first + 2 * number, column) for number, column in enumerate(self.columns)]

    def _write_head(self) -> None:
        book, sheet, flow = self.book, self.sheet, self.flow
        look = {"bg_color": BAND, "text_wrap": True, "valign": "bottom"}
        bold = book.format(**look, bold=True)
        small = {**look, "font_color": LIGHT["grey"], "font_size": 9, "bottom": 1, "bottom_color": LIGHT["mid"]}
        for column in range(1, self.first):
            sheet.write_blank(flow.row, column, None, bold)
        for place, column in self._places():
            sheet.write_string(flow.row, place, column.period.label, book.format(**look, bold=True, align="right"))
            sheet.write_blank(flow.row, place + 1, None, bold)
        flow.end_row(LINE + 6)
        heads = ["KPI", *([show_text(self.title)] if self.title else []), "Unit"]
        for column, text in enumerate(heads, start=1):
            sheet.write_string(flow.row, column, text, book.format(**small))
        for place, column in self._places():
            period = column.period
            told = f"ended {say_date(period.end)}" if column.has_ended else f"from {say_date(period.start)}"
            sheet.write_string(flow.row, place, told, book.format(**small, align="right"))
            sheet.write_string(flow.row, place + 1, "state", book.format(**small, align="left", indent=1))
        flow.end_row(2 * LINE)

    def _write_row(self, kpi: str, dimension: str, value: str) -> None:
        book, sheet, at = self.book, self.sheet, self.flow.row
        unit = _unit(self.catalog, kpi)
        sheet.write_string(at, MARKS, mark_cell(ROW, kpi, dimension, value))
        texts = [show_text(_label(self.catalog, kpi)), *([show_text(value)] if self.title else [])]
        self.rows[mark_cell(ROW, kpi, dimension, value)] = texts
        rule = {"valign": "vcenter", "bottom": 1, "bottom_color": LIGHT["rule"]}
        for column, text in enumerate(texts, start=1):
            sheet.write_string(at, column, text, book.format(**rule, text_wrap=True))
        grey = book.format(**rule, font_color=LIGHT["grey"], font_size=9)
        sheet.write_string(at, self.first - 1, say_unit(unit, book.currency), grey)
        number = {**rule, "num_format": format_of(unit, book.currency), "align": "right"}
        word = {**rule, "font_color": LIGHT["grey"], "font_size": 9, "align": "left", "indent": 1}
        for place, column in self._places():
            cell = self.cells.get(GoalCell(kpi, column.period.grain, column.period.start, dimension, value))
            if cell is None:
                sheet.write_blank(at, place, None, book.format(**rule))
                sheet.write_blank(at, place + 1, None, book.format(**rule))
                continue
            ink = LIGHT["grey"] if column.has_ended else LIGHT["ink"]
            shown = None if is_missing(cell["goal"]) else float(cell["goal"])
            book.write(sheet, at, place, shown, book.format(**{**number, "font_color": ink}))
            book.write(sheet, at, place + 1, _word_of(cell), book.format(**word))
        self.flow.end_row(LINE + 6, can_break=True)

    def _colour(self, begin: int, last: int) -> None:
        """Let numbers be checked while they are typed, and the colours follow the words."""
        for place, _ in self._places():
            area = (begin, place, last, place + 1)
            letter = name_cell(1, place + 2).removesuffix("1")
            beside = f"${letter}{begin + 1}"
            tests = {sign: f'=RIGHT({beside},1)="{sign}"' for sign in (BEYOND, LATE)}
            tests |= {word: f'=LEFT({beside},{len(word)})="{word}"' for word in (LOCKED, GOAL)}
            for word, look in LOOKS.items():
                rule = {"type": "formula", "criteria": tests[word], "format": self.book.overlay(look)}
                self.sheet.conditional_format(*area, {**rule, "stop_if_true": True})
            self.book.offer(self.sheet, (begin, place + 1, last, place + 1), [GOAL, LOCKED], is_open=True)
            told = {"error_title": "A goal is a number", "error_message": "Type 0 or more, or clear the cell."}
            self.book.bound(self.sheet, (begin, place, last, place), 0, None, **told)


def _write_cells(
    book: AnswerBook,
    name: str,
    cells: Mapping[GoalCell, Mapping[str, Any]],
    catalog: Catalog,
    titles: Mapping[str, str],
    fiscal_year_start: int,
    n_all: int,
) -> None:
    """List every cell with what was expected, what came of it, and how likely its goal is."""
    widths = (KPI_WIDTH, 18, SLICE_WIDTH, 11, 13, 9, 14, 14, 14, 14, 9)
    sheet = book.add_sheet(name, widths, is_protected=False)
    flow = Flow(sheet)
    told = "For reading, sorting and filtering; changes are read from the other sheets only."
    if n_all > MOST_LINES * MOST_LISTS:
        told += f" Of {n_all:,} goals the first {MOST_LINES * MOST_LISTS:,} are listed, the company's before slices'."
    write_title(book, sheet, flow, "Every goal beside what was expected and what came", told)
    head = {"bold": True, "bg_color": blend(LIGHT["faint"], 0.55), "bottom": 1, "bottom_color": LIGHT["mid"]}
    for column, text in enumerate(DETAILS, start=1):
        align = "right" if column > 6 else "left"
        sheet.write_string(flow.row, column, text, book.format(**head, align=align))
    first = flow.row
    flow.end_row(LINE + 6)
    sheet.freeze_panes(flow.row, 2)
    plain, day = book.format(), book.format(num_format="d mmm yyyy", align="left")
    chance = book.format(num_format="0%", align="right")
    for key, cell in cells.items():
        at = flow.row
        number = book.format(num_format=format_of(_unit(catalog, key.kpi), book.currency), align="right")
        period = period_of(key.period_start, key.grain, fiscal_year_start)
        where = ("", "(company)") if key.dimension == TOTAL else (titles.get(key.dimension, key.dimension), key.slice)
        texts = (_label(catalog, key.kpi), *where, period.label)
        for column, text in enumerate(texts, start=1):
            book.write(sheet, at, column, show_text(text) if text else None, plain)
        sheet.write_datetime(at, 5, pd.Timestamp(key.period_start).to_pydatetime(), day)
        book.write(sheet, at, 6, _word_of(cell), plain)
        for column, field in enumerate(("goal", "actual", "expected", "gap"), start=7):
            book.write(sheet, at, column, None if is_missing(cell.get(field)) else float(cell[field]), number)
        book.write(sheet, at, 11, None if is_missing(cell.get("probability")) else float(cell["probability"]), chance)
        flow.end_row(LINE)
    sheet.autofilter(first, 1, max(flow.row - 1, first), len(widths))
    flow.paginate(widths, repeated=first + 1)
