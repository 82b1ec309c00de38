"""The first sheet of a goal workbook: whose goals, as of when, how to change them, and how each KPI is defined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from helpers.answers.goal_cells import BEYOND, LATE
from helpers.answers.spreadsheet_layout import show_text
from helpers.model.kpi import Kpi
from helpers.present.answer_book import LINE, AnswerBook, Flow, count_lines, height_of, write_heading, write_title
from helpers.present.theme import LIGHT
from helpers.present.words import clean_text, say_date
from helpers.units import open_sentence

STEPS = (
    "Type a number over any goal: it becomes a goal, and everything nobody set follows it once the workbook is back.",
    "Write locked beside a number that has to hold come what may; write goal beside one that you want.",
    "Clear a number, or the word beside it, to let it follow from the others again.",
    "Rows may be sorted and columns hidden. Formulas aren't taken over: type the numbers that they give.",
    "Save the workbook and hand it back. You see every change before it is taken over, and only changed cells count.",
)
MEANINGS = (
    ("goal", "People want this number; it is the first to give way where goals contradict each other.", "accent_soft"),
    ("locked", "It holds come what may.", "faint"),
    ("", "Nobody set it: it follows from the others, moving as little as possible from what is expected.", "paper"),
    (BEYOND, "Fewer than one of 100 simulated futures reach it.", "bad_soft"),
    (LATE, "It is too late: what it needs would have had to be created earlier.", "caution_soft"),
)
WIDTHS = (30, 14, 14, 22, 60)
LAST_PERIODS = {"month": 12, "quarter": 4, "year": 1}


def write_about(
    book: AnswerBook,
    name: str,
    about: Mapping[str, Any],
    kpis: Sequence[Kpi],
    history: pd.DataFrame | None,
    columns: Sequence[Any],
) -> None:
    """Write the first sheet.

    Args:
        book: The workbook.
        name: The sheet's name.
        about: company, scenario, as_of, currency.
        kpis: The KPIs in the order of the sheets.
        history: The columns of ``kpis.csv``; None leaves the n out.
        columns: The periods of the sheets.
    """
    sheet = book.add_sheet(name, WIDTHS, tab=LIGHT["accent"], is_protected=False)
    flow = Flow(sheet)
    text = book.format(text_wrap=True, valign="vcenter")
    whose = " · ".join(clean_text(about[key]) for key in ("company", "scenario") if about[key])
    spans = f"{columns[0].period.label} to {columns[-1].period.label}, " if columns else ""
    basis = f"{spans}history up to {say_date(about['as_of'])}, money in {about['currency']}"
    write_title(book, sheet, flow, show_text(f"Goals{' – ' if whose else ''}{whose}"), basis)
    write_heading(book, sheet, flow, "How to change goals", last=len(WIDTHS))
    for number, step in enumerate(STEPS, start=1):
        book.write_wide(sheet, flow.row, 1, len(WIDTHS), f"{number}.  {step}", text)
        flow.end_row(height_of(LINE * count_lines(step, sum(WIDTHS))))
    write_heading(book, sheet, flow, "What the words and colours mean", last=len(WIDTHS))
    for word, meaning, colour in MEANINGS:
        look = book.format(bg_color=LIGHT[colour], bold=word == "locked", indent=1, valign="vcenter")
        sheet.write_string(flow.row, 1, word or "(no word)", look)
        book.write_wide(sheet, flow.row, 2, len(WIDTHS), meaning, book.format(indent=1, valign="vcenter"))
        flow.end_row(LINE + 6)
    told = "Expected is what would come if nobody changed anything; chance is how many of the simulated futures reach "
    told += "the goal; gap is actual less goal. They stand on the last sheet, a line per goal."
    book.write_wide(sheet, flow.row, 1, len(WIDTHS), told, book.format(font_color=LIGHT["grey"], text_wrap=True))
    flow.end_row(height_of(LINE * count_lines(told, sum(WIDTHS))))
    _write_definitions(book, sheet, flow, kpis, history, columns)
    flow.paginate(WIDTHS, repeated=1)


def _write_definitions(
    book: AnswerBook, sheet: Any, flow: Flow, kpis: Sequence[Kpi], history: pd.DataFrame | None, columns: Sequence[Any]
) -> None:
    write_heading(book, sheet, flow, "How each KPI is defined", last=len(WIDTHS))
    head = book.format(bold=True, bottom=1, bottom_color=LIGHT["mid"])
    for column, label in enumerate(("KPI", "Unit", "Records (n)", "Counted in", "Definition"), start=1):
        sheet.write_string(flow.row, column, label, head)
    flow.end_row(LINE + 4)
    look = book.format(text_wrap=True, bottom=1, bottom_color=LIGHT["rule"])
    grey = book.format(font_color=LIGHT["grey"], bottom=1, bottom_color=LIGHT["rule"], text_wrap=True)
    whole = book.format(num_format="#,##0", align="left", bottom=1, bottom_color=LIGHT["rule"])
    for kpi in kpis:
        n, periods = count_records(history, kpi, columns)
        unit = book.currency if kpi.unit.startswith("currency") else {"count": "number", "share": "%"}.get(kpi.unit)
        told = f"{open_sentence(kpi.formula.rstrip('.'))}. {kpi.description}"
        book.write(sheet, flow.row, 1, show_text(kpi.label), look)
        book.write(sheet, flow.row, 2, unit or kpi.unit, grey)
        book.write(sheet, flow.row, 3, n, whole)
        book.write(sheet, flow.row, 4, periods or "not available", grey)
        book.write(sheet, flow.row, 5, show_text(told), look)
        flow.end_row(height_of(LINE * count_lines(told, WIDTHS[-1])), can_break=True)


def count_records(history: pd.DataFrame | None, kpi: Kpi, columns: Sequence[Any]) -> tuple[int | None, str]:
    """Count the records behind a KPI's expectation: those of the company in the last year's complete periods.

    Args:
        history: The columns of ``kpis.csv``; None where there are none.
        kpi: The KPI.
        columns: The periods of the workbook, of which the finest tells the length.

    Returns:
        How many, and of which periods; None and no words where there are none.
    """
    if history is None or history.empty or not columns:
        return None, ""
    finest = min((column.period for column in columns), key=lambda period: period.days)
    own = history[(history["kpi"] == kpi.id) & (history["dimension"] == "all") & (history["grain"] == finest.grain)]
    own = own[own["is_complete"].astype(bool) & own["horizon_days"].isna()]
    present = [basis for basis in kpi.basis if basis in set(own["basis"])]
    own = own[own["basis"] == present[0]] if present else own.iloc[:0]
    own = own.sort_values("period_start").tail(LAST_PERIODS.get(finest.grain, 4))
    if own.empty:
        return None, ""
    ends = (pd.Timestamp(own["period_start"].iloc[0]).date(), pd.Timestamp(own["period_end"].iloc[-1]).date())
    return int(own["n"].sum()), " – ".join(map(say_date, ends))
