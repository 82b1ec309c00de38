"""What a person meant by a cell: an answer as typed, with what spreadsheets make of it undone where that is sure."""

import math
import re
from datetime import date, datetime, time
from typing import Any

from helpers.answers.fields import check_answer
from helpers.answers.spreadsheet_layout import read_text, show_answer
from helpers.answers.spreadsheet_reading import Cell
from helpers.model.survey import SurveyField

CellFault = tuple[str, str]
"""What is wrong with a cell, and what to do."""

TICKED = frozenset({"x", "yes", "y", "true", "1", "✓", "✔", "☑", "☒", "●"})
NOT_TICKED = frozenset({"no", "n", "false", "0", "-", "–", "☐", "○"})

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def read_cell(field: SurveyField, cell: Cell, exported: Any = None) -> tuple[Any, CellFault | None]:
    """Read an answer from its cell.

    Args:
        field: The question, or a column of a table; no table, ranked list or multiple choice as such.
        cell: The cell.
        exported: The answer that the cell showed when the workbook was exported; None where there was none.

    Returns:
        The answer, None where there is none, and what is wrong with the cell. A cell that still shows what was
        exported gives exactly that, also where the cell could show a part of it only.

    >>> read_cell(SurveyField(id="s", label="Share", type="number", unit="share"), Cell("60%", "text"))
    (0.6, None)
    """
    if cell.is_blank:
        return (exported if exported is not None and _is_invisible(field, exported) else None), None
    if cell.kind == "formula":
        told = cell.value if len(cell.value) <= 60 else f"{cell.value[:57]}…"
        return None, (f"a formula stands here: {told}.", "Type the answer itself; formulas are never computed.")
    if cell.kind == "error":
        return None, (f"the spreadsheet shows the error {cell.value}.", "Type the answer again.")
    if exported is not None and shows(field, cell, exported):
        raw, fault = exported, None
    else:
        raw, fault = _find_raw(field, cell)
    if fault:
        return None, fault
    value, faults = check_answer(field, raw)
    if faults:
        _, message, cure = faults[0]
        return None, (message, cure)
    return value, None


def read_tick(cell: Cell) -> tuple[bool, CellFault | None]:
    """Tell whether a choice is ticked."""
    if cell.is_blank:
        return False, None
    if cell.kind == "truth":
        return bool(cell.value), None
    said = f"{cell.value:g}" if cell.kind == "number" else str(cell.value).strip().casefold()
    if cell.kind in ("text", "number") and said in TICKED | NOT_TICKED:
        return said in TICKED, None
    shown = str(cell.value)[:60]
    return False, (f"'{shown}' is no tick.", "Put an x where it applies, and clear the cell where it doesn't.")


def shows(field: SurveyField, cell: Cell, answer: Any) -> bool:
    """Tell whether a cell shows an answer just as an export writes it."""
    shown = show_answer(field, answer)
    if isinstance(shown, int | float):
        is_number = cell.kind == "number" and isinstance(cell.value, int | float)
        return is_number and math.isclose(cell.value, shown, rel_tol=1e-12, abs_tol=1e-300)
    return cell.kind == "text" and plain_text(cell.value) == plain_text(str(shown))


def _is_invisible(field: SurveyField, answer: Any) -> bool:
    """Tell whether an answer leaves its cell blank, such as one of nothing but marks of reading order."""
    shown = show_answer(field, answer)
    return isinstance(shown, str) and not plain_text(shown)


def plain_text(text: str) -> str:
    """Return a text as two of them are compared: as a person reads it in a cell."""
    return read_text(text.replace("x005F_", ""))


def _find_raw(field: SurveyField, cell: Cell) -> tuple[Any, CellFault | None]:
    """Return what was typed, as ``check_answer`` takes it."""
    if cell.kind in ("date", "time"):
        return _find_date(field, cell)
    if field.type in ("number", "currency"):
        return _find_number(field, cell), None
    if cell.kind == "truth":
        return (cell.value if field.type == "yes_no_unknown" else str(cell.value).upper()), None
    if cell.kind == "number":
        return _say_number(cell), None
    text = read_text(cell.value)
    return (text.replace("\u2019", "'") if field.allowed else text), None


def _find_number(field: SurveyField, cell: Cell) -> Any:
    if cell.kind == "truth":
        return str(cell.value).upper()
    if cell.kind == "text":
        return read_text(cell.value)
    most = 10 if "%" in cell.format else 1  # 150 % is a share that is too large, 6000 % is a 60 that was pasted
    is_percent = field.unit == "share" and cell.value > most
    return cell.value / 100 if is_percent else cell.value


def _say_number(cell: Cell) -> str:
    if "%" in cell.format:
        return f"{round(cell.value * 100, 10):g}%"
    if isinstance(cell.value, float) and not cell.value.is_integer():
        return f"{cell.value:.15g}"
    return str(int(cell.value))


def _find_date(field: SurveyField, cell: Cell) -> tuple[Any, CellFault | None]:
    """Take a date back where all of it was typed; what Excel made of ``1-10`` can't be told any more."""
    value = cell.value
    told = cell.format.casefold()
    if isinstance(value, date) and field.unit == "year":
        return value.year, None
    if isinstance(value, time) and field.type in ("text", "long_text"):
        return f"{value.hour:02d}:{value.minute:02d}", None
    is_whole = isinstance(value, date) and all(sign in re.sub(r'"[^"]*"', "", told) for sign in "ymd")
    if is_whole and field.type in ("text", "long_text"):
        text = f"{value.day} {_MONTHS[value.month - 1]} {value.year}"
        has_time = isinstance(value, datetime) and (value.hour or value.minute)
        return (f"{text} {value.hour:02d}:{value.minute:02d}" if has_time else text), None
    shown = f"{value.day} {_MONTHS[value.month - 1]} {value.year}" if isinstance(value, date) else str(value)
    return None, (
        f"the spreadsheet made the date {shown} of what was typed.",
        "Give the cell the format Text, or General for a number, and type it again.",
    )
