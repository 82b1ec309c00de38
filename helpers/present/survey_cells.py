"""One question in a workbook: how it is asked, in which format it is answered, and what its cell takes."""

from __future__ import annotations

from typing import Any

from helpers.answers.spreadsheet_layout import LONGEST_TEXT
from helpers.model.survey import SurveyField
from helpers.present.answer_book import LINE, SMALL_LINE, AnswerBook, count_lines, number_format
from helpers.present.questionnaire import describe_kind
from helpers.present.theme import LIGHT

Cells = tuple[int, int, int, int]
"""First row, first column, last row, last column, from 0."""


def place_of(field: SurveyField) -> str:
    """Return where in its row a question and its answer stand: a long answer begins at the top."""
    return "top" if field.type == "long_text" else "vcenter"


def write_question(book: AnswerBook, sheet: Any, row: int, field: SurveyField, *, last: int = 1) -> None:
    """Write a question with its star and its help into the first column, or over several."""
    cell = book.format(text_wrap=True, valign=place_of(field))
    if last > 1:
        sheet.merge_range(row, 1, row, last, "", cell)
    parts = [
        (field.label, book.format(bold=True)),
        (" *" if field.required else "", book.format(bold=True, font_color=LIGHT["accent"])),
        (f"\n{field.help}" if field.help else "", book.format(font_color=LIGHT["grey"], font_size=9)),
    ]
    book.write_parts(sheet, row, 1, parts, cell)


def height_of_question(field: SurveyField, width: float) -> float:
    """Return the points that a question with its help takes in a column of that width."""
    help = SMALL_LINE * count_lines(field.help, width * 1.18) if field.help else 0
    return LINE * count_lines(f"{field.label} *", width * 1.04) + help


def format_answer(book: AnswerBook, field: SurveyField, *, align: str = "left", **look: Any) -> Any:
    """Return the format of the cell in which a question is answered."""
    look = {"valign": place_of(field), **look}
    if field.type not in ("number", "currency"):
        return book.answer(**look)
    return book.answer(number=number_format(field.unit or field.type, book.currency), align=align, **look)


def check_cells(book: AnswerBook, sheet: Any, cells: Cells, field: SurveyField) -> None:
    """Let cells take only what a question allows, and say so when one of them is chosen."""
    example = f"e.g. {field.example}" if field.example else ""
    told = {"input_title": field.short or field.label, "input_message": _say(field.help, example)}
    if field.allowed:
        book.offer(sheet, cells, field.allowed.values(), **told)
    elif field.type in ("number", "currency"):
        kind = describe_kind(field, book.currency)
        told["input_message"] = _say(field.help, f"{kind[:1].upper()}{kind[1:]}.", example)
        error = f"This has to be {kind}{_say_bounds(field)}. Clear the cell where you don't know."
        book.bound(sheet, cells, field.minimum, field.maximum, **told, error_title="Not a number", error_message=error)
    elif field.suggestions:
        book.offer(sheet, cells, field.suggestions, is_open=True, **told)
    else:
        long = f"A cell holds {LONGEST_TEXT:,} characters." if field.type == "long_text" else ""
        book.advise(sheet, cells, **{**told, "input_message": _say(field.help, example, long)})


def _say(*parts: str) -> str:
    return "\n".join(part for part in parts if part)


def _say_bounds(field: SurveyField) -> str:
    low, high = (_show_bound(field, bound) for bound in (field.minimum, field.maximum))
    if low and high:
        return f" between {low} and {high}"
    return f", {low} or more" if low else f", {high} or less" if high else ""


def _show_bound(field: SurveyField, bound: float | None) -> str:
    if bound is None:
        return ""
    if field.unit == "share":
        return f"{bound:.0%}"
    return f"{bound:.0f}" if field.unit == "year" else f"{bound:,.0f}"
