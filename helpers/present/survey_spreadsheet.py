"""The survey as a workbook that people fill in offline and send back: a sheet per tab, help and choices beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from helpers.answers.spreadsheet_layout import (
    ANSWER,
    QUESTION,
    README,
    TICK,
    Mark,
    fingerprint_survey,
    list_questions,
    show_answer,
)
from helpers.answers.survey import Response
from helpers.model.survey import Survey, SurveyField, SurveyGroup, SurveyTab
from helpers.present.answer_book import (
    LINE,
    MARKS,
    AnswerBook,
    Flow,
    count_lines,
    height_of,
    name_sheets,
    write_heading,
    write_title,
)
from helpers.present.matrix_spreadsheet import write_matrix_spreadsheet
from helpers.present.questionnaire import describe_kind
from helpers.present.survey_cells import check_cells, format_answer, height_of_question, place_of, write_question
from helpers.present.survey_tables import TableWriter, widths_of_tables
from helpers.present.theme import LIGHT
from helpers.present.words import clean_text, count_of

__all__ = ["write_matrix_spreadsheet", "write_survey_spreadsheet"]

ANSWER_WIDTH, HOW_WIDTH = 44, 40
"""Characters that an answer and the words beside it get at least."""

QUESTION_WIDTH = 36
STEPS = (
    "Answer in the tinted cells; everything else is locked so that nothing breaks by accident.",
    "Choose from a list where a cell shows an arrow. Type shares as 60 %, amounts and days as plain numbers.",
    "Leave out what you don't know. A star marks what is needed.",
    "Save the workbook and send it back to whoever sent it to you. Only what you changed is taken over.",
)


def write_survey_spreadsheet(
    survey: Survey,
    response: Response | None,
    *,
    currency: str = "USD",
    revision: str = "",
    company: str = "",
) -> bytes:
    """Write the survey with one person's answers as a workbook to be filled in.

    Args:
        survey: The survey's definition.
        response: The person and what he or she has answered; None for an empty workbook. Only this person's answers
            are in it.
        currency: ISO code in which amounts are asked for.
        revision: The revision of the answers; that of ``response`` unless said.
        company: The company's name (``helpers.answers.spreadsheet_layout.name_company``), by which an import tells
            its own workbooks from another company's.

    Returns:
        The ``.xlsx``. The same answers give the same bytes. Text that begins like a formula stays text; an answer too
        long for a cell is told there and kept whole on a hidden sheet.
    """
    person = response or Response("", "", team="")
    title = f"{survey.label} – {company}" if company else survey.label
    book = AnswerBook(clean_text(title), currency)
    known = {"name": person.name, "role": person.role, "team": person.team} if response else {}
    names = dict(zip(survey.tabs, name_sheets(tab.label for tab in survey.tabs.values()), strict=True))
    _write_first_sheet(book, survey, company, known, names)
    values: dict[str, Any] = {f"respondent.{id}": value for id, value in known.items() if value}
    primaries: dict[str, Any] = {}
    for tab in survey.tabs.values():
        own = {field.id: person.values[field.id] for field in tab.fields if field.id in person.values}
        _TabWriter(book, tab, names[tab.id], own, primaries).write()
        values |= {f"{tab.id}.{id}": value for id, value in own.items()}
    return book.close(
        {
            "kind": "survey",
            "survey": survey.label,
            "fingerprint": fingerprint_survey(survey),
            "questions": [key for key, _ in list_questions(survey)],
            "company": company,
            "person": person.id,
            "revision": revision or person.revision,
            "values": values,
        }
    )


def _write_first_sheet(
    book: AnswerBook, survey: Survey, company: str, known: Mapping[str, Any], names: Mapping[str, str]
) -> None:
    """Say what this is, how to fill it in, and ask who fills it in."""
    widths = (32, 48, 44)
    sheet = book.add_sheet(README, widths, tab=LIGHT["accent"])
    flow = Flow(sheet)
    small = book.format(
        font_color=LIGHT["grey"], font_size=10, text_wrap=True, align="left", indent=1, valign="vcenter"
    )
    text = book.format(text_wrap=True, valign="vcenter")
    write_title(book, sheet, flow, clean_text(survey.label), clean_text(company))
    introduction = clean_text(survey.introduction)
    book.write_wide(sheet, flow.row, 1, 3, introduction, text)
    flow.end_row(height_of(LINE * count_lines(introduction, sum(widths))))
    write_heading(book, sheet, flow, "Who fills this in", last=3)
    for field in survey.respondent:
        write_question(book, sheet, flow.row, field)
        sheet.write_string(flow.row, MARKS, Mark(f"respondent.{field.id}").write())
        book.write(sheet, flow.row, 2, show_answer(field, known.get(field.id)), book.answer())
        check_cells(book, sheet, (flow.row, 2, flow.row, 2), field)
        sheet.write_string(flow.row, 3, f"e.g. {field.example}" if field.example else "", small)
        flow.end_row(height_of(height_of_question(field, widths[0])))
        flow.leave_gap()
    write_heading(book, sheet, flow, "How to fill it in", last=3)
    for number, step in enumerate(STEPS, start=1):
        book.write_wide(sheet, flow.row, 1, 3, f"{number}.  {step}", text)
        flow.end_row(LINE + 3)
    write_heading(book, sheet, flow, "What is in it", last=3)
    link = book.format(font_color=LIGHT["accent"], bold=True, valign="vcenter")
    for tab in survey.tabs.values():
        sheet.write_url(flow.row, 1, f"internal:'{names[tab.id]}'!C4", link, tab.label)
        told = f"{tab.minutes} min · {count_of(len(tab.fields), 'question')}{'' if tab.is_core else ' · can wait'}"
        book.write_wide(sheet, flow.row, 2, 2, tab.description, text)
        sheet.write_string(flow.row, 3, told, small)
        flow.end_row(height_of(LINE * count_lines(tab.description, widths[1])))
    sheet.fit_to_pages(1, 1)
    sheet.set_selection(0, 1, 0, 1)


class _TabWriter:
    """Writes one tab from top to bottom."""

    def __init__(
        self, book: AnswerBook, tab: SurveyTab, name: str, values: Mapping[str, Any], primaries: dict[str, Any]
    ) -> None:
        self.book, self.tab, self.values, self.primaries = book, tab, values, primaries
        self.widths, self.answer, self.how = _lay_columns(tab)
        self.sheet = book.add_sheet(name, self.widths)
        self.flow = Flow(self.sheet)

    def write(self) -> None:
        """Write the tab's title, its groups and its questions."""
        book, sheet, tab, flow = self.book, self.sheet, self.tab, self.flow
        told = f"{tab.description} About {count_of(tab.minutes, 'minute')}. A star marks what is needed."
        write_title(book, sheet, flow, tab.label, told)
        head = book.format(font_color=LIGHT["grey"], font_size=9, bottom=1, bottom_color=LIGHT["mid"])
        for column in range(1, len(self.widths) + 1):
            sheet.write_blank(flow.row, column, None, head)
        if any(field.type != "grid" for field in tab.fields):
            sheet.write_string(flow.row, 1, QUESTION, head)
            sheet.write_string(flow.row, self.answer[0], ANSWER, head)
            indented = book.format(
                font_color=LIGHT["grey"], font_size=9, bottom=1, bottom_color=LIGHT["mid"], align="left", indent=1
            )
            sheet.write_string(flow.row, self.how[0], "How to answer", indented)
        sheet.write_string(flow.row, MARKS, Mark("", "head").write())
        flow.end_row(LINE)
        sheet.freeze_panes(flow.row, 2)
        repeated = flow.row
        for group in tab.groups:
            self._write_group(group)
        flow.paginate(self.widths, repeated=repeated)
        sheet.set_selection(0, 1, 0, 1)

    def _write_group(self, group: SurveyGroup) -> None:
        book, sheet, flow = self.book, self.sheet, self.flow
        write_heading(book, sheet, flow, group.label, last=len(self.widths))
        if group.help:
            look = book.format(font_color=LIGHT["grey"], text_wrap=True)
            book.write_wide(sheet, flow.row, 1, len(self.widths), group.help, look)
            flow.end_row(height_of(LINE * count_lines(group.help, sum(self.widths))))
        for place, field in enumerate(group.fields):
            if field.type == "grid":
                table = TableWriter(book, sheet, flow, f"{self.tab.id}.{field.id}", field, self.widths, self.primaries)
                table.write(self.values.get(field.id) or [], can_break=place > 0)
            elif field.type in ("ranked", "multiple_choice"):
                self._write_items(field, can_break=place > 0)
            else:
                self._write_field(field, can_break=place > 0)
            flow.leave_gap()

    def _write_field(self, field: SurveyField, *, can_break: bool) -> None:
        book, sheet, row = self.book, self.sheet, self.flow.row
        shown = show_answer(field, self.values.get(field.id))
        self._mark(field)
        write_question(book, sheet, row, field)
        book.write_wide(sheet, row, *self.answer, shown, format_answer(book, field))
        check_cells(book, sheet, (row, self.answer[0], row, self.answer[0]), field)
        how = self._write_how(field)
        least = 3 * LINE if field.type == "long_text" else LINE
        written = LINE * count_lines(shown, self._width(self.answer))
        height = height_of(height_of_question(field, self.widths[0]), how, least, written)
        self.flow.end_row(height, can_break=can_break)

    def _write_items(self, field: SurveyField, *, can_break: bool) -> None:
        """Write a ranked list as numbered cells, or a multiple choice as a cell per choice."""
        book, sheet, flow = self.book, self.sheet, self.flow
        self._mark(field)
        write_question(book, sheet, flow.row, field, last=self.answer[1])
        how = self._write_how(field)
        asked = height_of_question(field, self._width((1, self.answer[1])))
        flow.end_row(height_of(how, asked), can_break=can_break)
        chosen = list(self.values.get(field.id) or [])
        label = book.format(align="right", valign="vcenter", font_color=LIGHT["grey"], text_wrap=True, indent=1)
        if field.type == "ranked":
            parts = [(str(place), f"{place}.") for place in range(1, field.maximum_items + 1)]
            shown = {str(place): show_answer(field, item) for place, item in enumerate(chosen, start=1)}
            first, last, look = *self.answer, book.answer()
        else:
            parts = list(field.choices.items())
            shown = dict.fromkeys(chosen, TICK)
            first, last, look = self.answer[0], self.answer[0], book.answer(align="center", bold=True)
        for part, text in parts:
            self._mark(field, part)
            sheet.write_string(flow.row, 1, text, label)
            book.write_wide(sheet, flow.row, first, last, shown.get(part), look)
            cells = (flow.row, first, flow.row, first)
            if field.type == "multiple_choice":
                told = f"Put an {TICK} where it applies; clear the cell where it doesn't."
                book.offer(sheet, cells, (TICK,), input_title=text, input_message=told)
            else:
                book.advise(sheet, cells, input_title=field.label, input_message=field.help or text)
            lines = max(count_lines(text, self.widths[0]), count_lines(shown.get(part), self._width((first, last))))
            flow.end_row(height_of(LINE * lines))

    def _write_how(self, field: SurveyField) -> float:
        """Say how a question is answered and give an example; returns the height."""
        kind = describe_kind(field, self.book.currency)
        parts = [f"{kind[:1].upper()}{kind[1:]}.", f"e.g. {field.example}" if field.example else ""]
        told = "\n".join(part for part in parts if part)
        look = self.book.format(
            font_color=LIGHT["grey"], font_size=10, text_wrap=True, align="left", indent=1, valign=place_of(field)
        )
        self.book.write_wide(self.sheet, self.flow.row, *self.how, told, look)
        return (LINE - 1) * count_lines(told, self._width(self.how) * 1.06)

    def _mark(self, field: SurveyField, part: str = "") -> None:
        self.sheet.write_string(self.flow.row, MARKS, Mark(f"{self.tab.id}.{field.id}", part).write())

    def _width(self, columns: tuple[int, int]) -> float:
        return sum(self.widths[columns[0] - 1 : columns[1]])


def _lay_columns(tab: SurveyTab) -> tuple[list[float], tuple[int, int], tuple[int, int]]:
    """Choose the columns' widths, and which of them hold an answer and the words beside it."""
    tables = widths_of_tables(tab)
    widths = [max(QUESTION_WIDTH, *tables[:1]) if tables else QUESTION_WIDTH, *tables[1:]]
    if all(field.type == "grid" for field in tab.fields):
        return widths, (2, 2), (3, 3)
    last = 1
    while sum(widths[1:last]) < ANSWER_WIDTH:
        if last == len(widths):
            widths.append(ANSWER_WIDTH - sum(widths[1:]))
        last += 1
    missing = HOW_WIDTH - sum(widths[last:])
    return [*widths, *([missing] if missing > 0 else [])], (2, last), (last + 1, len(widths) + (missing > 0))
