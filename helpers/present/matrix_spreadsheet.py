"""The KPI discovery matrix as a workbook that a group fills in offline: lights, notes, copies, and the plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from helpers.answers.discovery import DiscoveryAnswers
from helpers.answers.spreadsheet_layout import (
    LIGHT_WORDS,
    README,
    mark_cell,
    show_text,
)
from helpers.present.answer_book import (
    BAND,
    LINE,
    MARKS,
    AnswerBook,
    Flow,
    count_lines,
    height_of,
    write_heading,
    write_title,
)
from helpers.present.matrix_lists import (
    Shown,
    colours_of,
    key_of,
    remember_cell,
    say_reason,
    write_copies,
    write_plan,
    write_secondaries,
)
from helpers.present.theme import LIGHT
from helpers.present.words import clean_text, is_missing, label_of, say_value

QUESTIONS = ("who", "what", "where", "when")
FIELD_WIDTH, CELL_WIDTH = 26, 18
KPI_ROW = "The KPI itself"
STEPS = (
    "On the sheet Matrix choose a light wherever you want to change one; under it stands what the CRM shows.",
    "Lights that you leave as they are decide nothing. Clear one that was decided to go back to the suggestion.",
    "The sheet Secondary KPIs lists the same cells one below the other, with the reason and room for a note.",
    "Say on Copies which fields are to be copied, and on Activate next what is planned, by whom and when.",
    "Save the workbook and send it back. Only what you changed is taken over.",
)


def write_matrix_spreadsheet(
    matrix: pd.DataFrame,
    answers: DiscoveryAnswers,
    *,
    revision: str = "",
    company: str = "",
    by: str = "",
    quarter: str = "",
    primaries: Mapping[str, tuple[str, str]] | None = None,
    copies: pd.DataFrame | None = None,
    activations: pd.DataFrame | None = None,
) -> bytes:
    """Write the KPI discovery matrix as a workbook to be filled in.

    Args:
        matrix: What ``review_discovery`` returns as its matrix: one row per KPI, and per KPI × partition.
        answers: What was decided so far.
        revision: The revision of these decisions; that of ``answers`` unless said.
        company: The company's name, by which an import tells its workbooks from another company's.
        by: Who decides; asked for on the first sheet where it is empty.
        quarter: The quarter in which is decided, such as ``Q3 2026``; asked for where it is empty.
        primaries: KPI → its label and its object, the columns of the matrix; as they stand in it unless said.
        copies: The review's copies between objects; none unless said.
        activations: The review's ranking of what to activate next; none unless said.

    Returns:
        The ``.xlsx``; the same matrix and decisions give the same bytes.
    """
    title = f"KPI discovery matrix – {company}" if company else "KPI discovery matrix"
    book = AnswerBook(clean_text(title))
    columns = dict(primaries) if primaries else _find_primaries(matrix)
    shown: Shown = {}
    _write_first_sheet(book, company, by, quarter)
    cells = {key_of(row): row for row in matrix.to_dict("records")}
    _MatrixSheet(book, cells, columns, answers, quarter, shown).write()
    write_secondaries(book, matrix, answers, quarter, shown)
    if copies is not None and len(copies):
        write_copies(book, copies, answers, shown)
    if activations is not None and len(activations):
        write_plan(book, matrix, activations, answers, shown)
    return book.close(
        {
            "kind": "matrix",
            "company": company,
            "revision": revision or answers.revision,
            "by": by,
            "quarter": quarter,
            "shown": shown,
        }
    )


def _write_first_sheet(book: AnswerBook, company: str, by: str, quarter: str) -> None:
    sheet = book.add_sheet(README, (30, 46, 44), tab=LIGHT["accent"])
    flow = Flow(sheet)
    text = book.format(text_wrap=True, valign="vcenter")
    small = book.format(font_color=LIGHT["grey"], font_size=10, align="left", indent=1, valign="vcenter")
    write_title(book, sheet, flow, "KPI discovery matrix", clean_text(company))
    told = "Which KPI can be cut by which field today, on which object, and what is worth doing next."
    book.write_wide(sheet, flow.row, 1, 3, told, text)
    flow.end_row(LINE + 5)
    write_heading(book, sheet, flow, "Who decides, and when", last=3)
    asked = (("by", "Decided by", by, "e.g. Ana Okafor"), ("quarter", "Quarter", quarter, "e.g. Q3 2026"))
    for name, label, known, example in asked:
        sheet.write_string(flow.row, MARKS, mark_cell(name))
        book.write_parts(sheet, flow.row, 1, [(label, book.format(bold=True)), (" *", _accent(book))], text)
        book.write(sheet, flow.row, 2, show_text(known) if known else None, book.answer())
        sheet.write_string(flow.row, 3, example, small)
        flow.end_row(LINE + 9)
        flow.leave_gap()
    write_heading(book, sheet, flow, "How to fill it in", last=3)
    for number, step in enumerate(STEPS, start=1):
        book.write_wide(sheet, flow.row, 1, 3, f"{number}.  {step}", text)
        flow.end_row(height_of(LINE * count_lines(step, 112)))
    write_heading(book, sheet, flow, "What the lights mean", last=3)
    meanings = {
        "available": "The field is captured, correct and used: a source of truth.",
        "adoption_needed": "The field exists, but is not filled or not trusted everywhere.",
        "unavailable": "There is no such field, or hardly anybody fills it.",
    }
    for light, meaning in meanings.items():
        sheet.write_string(flow.row, 1, LIGHT_WORDS[light], _light_format(book, light))
        book.write_wide(sheet, flow.row, 2, 3, meaning, small)
        flow.end_row(LINE + 5)
    sheet.fit_to_pages(1, 1)
    sheet.set_selection(0, 1, 0, 1)


class _MatrixSheet:
    """Writes the object matrix: fields down, primary KPIs across, a light each, and what the CRM shows under it."""

    def __init__(
        self,
        book: AnswerBook,
        cells: Mapping[tuple[str, str, str], Mapping[Any, Any]],
        columns: Mapping[str, tuple[str, str]],
        answers: DiscoveryAnswers,
        quarter: str,
        shown: Shown,
    ) -> None:
        self.book, self.cells, self.columns = book, cells, columns
        self.answers, self.quarter, self.shown = answers, quarter, shown
        self.widths = [FIELD_WIDTH, *([CELL_WIDTH] * len(columns))]
        self.sheet = book.add_sheet("Matrix", self.widths)
        self.flow = Flow(self.sheet)

    def write(self) -> None:
        """Write the sheet."""
        book, sheet, flow = self.book, self.sheet, self.flow
        for number, (kpi, (_, object)) in enumerate(self.columns.items(), start=2):
            sheet.write_string(0, number, mark_cell("column", kpi, object))
        sheet.set_row(0, LINE, None, {"hidden": True})
        flow.skip()
        write_title(book, sheet, flow, "Matrix", "Choose a light where you decide; the words under it are the CRM's.")
        head = {"bold": True, "bg_color": BAND, "text_wrap": True, "valign": "bottom"}
        sheet.write_string(flow.row, 1, "Field", book.format(**head))
        for number, (label, _) in enumerate(self.columns.values(), start=2):
            sheet.write_string(flow.row, number, clean_text(label), book.format(**head, align="left", indent=1))
        flow.end_row(LINE + 6)
        under = {"bg_color": BAND, "font_color": LIGHT["grey"], "font_size": 9, "bottom": 1}
        under["bottom_color"] = LIGHT["mid"]
        sheet.write_blank(flow.row, 1, None, book.format(**under))
        for number, (_, object) in enumerate(self.columns.values(), start=2):
            sheet.write_string(flow.row, number, f"on the {object}", book.format(**under, align="left", indent=1))
        flow.end_row(LINE)
        sheet.freeze_panes(flow.row, 2)
        repeated = flow.row
        self._write_row("", KPI_ROW)
        for question, fields in self._group_fields():
            write_heading(book, sheet, flow, question.capitalize(), last=len(self.widths))
            for place, (dimension, label) in enumerate(fields.items()):
                self._write_row(dimension, label, can_break=place > 0)
        for light in LIGHT_WORDS:
            rule = {"type": "cell", "criteria": "==", "value": f'"{LIGHT_WORDS[light]}"'}
            self.sheet.conditional_format(
                repeated, 2, flow.row, len(self.widths), {**rule, "format": book.overlay(colours_of(light))}
            )
        flow.paginate(self.widths, repeated=repeated)
        sheet.set_selection(repeated, 2, repeated, 2)

    def _group_fields(self) -> Iterator[tuple[str, dict[str, str]]]:
        for question in QUESTIONS:
            fields: dict[str, str] = {}
            for (kpi, dimension, object), row in self.cells.items():
                if dimension and row["question"] == question and self.columns.get(kpi, ("", ""))[1] == object:
                    fields.setdefault(dimension, clean_text(row["label"]))
            if fields:
                yield question, fields

    def _write_row(self, dimension: str, label: str, *, can_break: bool = True) -> None:
        book, sheet, at = self.book, self.sheet, self.flow.row
        sheet.write_string(at, MARKS, mark_cell("row", dimension))
        sheet.write_string(at, 1, label, book.format(text_wrap=True, valign="vcenter"))
        small = book.format(font_color=LIGHT["grey"], font_size=8, text_wrap=True, align="left", indent=1)
        lines = 1
        for number, (kpi, (_, object)) in enumerate(self.columns.items(), start=2):
            key = (kpi, dimension, object if dimension else "")
            row = self.cells.get(key)
            if row is None:
                sheet.write_string(
                    at, number, "–", book.format(font_color=LIGHT["mid"], align="center", valign="vcenter")
                )
                continue
            light = remember_cell(self.shown, key, row, self.answers, self.quarter)
            is_decided = bool(self.shown[mark_cell("light", *key)]["held"]["light"])
            book.write(sheet, at, number, LIGHT_WORDS.get(light), book.answer(bold=is_decided))
            told = {"input_title": label, "input_message": say_reason(row)}
            book.offer(sheet, (at, number, at, number), LIGHT_WORDS.values(), **told)
            evidence = _say_evidence(row, is_decided=is_decided)
            sheet.write_string(at + 1, number, evidence, small)
            lines = max(lines, count_lines(evidence, CELL_WIDTH * 1.45))
        self.flow.end_row(LINE + 6, can_break=can_break)
        self.flow.end_row(max(11 * lines + 4, 15))


def _find_primaries(matrix: pd.DataFrame) -> dict[str, tuple[str, str]]:
    labels = {row["kpi"]: row["label"] for row in matrix[matrix["dimension"] == ""].to_dict("records")}
    objects: dict[str, str] = {}
    for row in matrix[matrix["dimension"] != ""].to_dict("records"):
        objects.setdefault(str(row["kpi"]), str(row["object"]))
    return {kpi: (str(labels.get(kpi, label_of(kpi))), object) for kpi, object in objects.items()}


def _say_evidence(row: Mapping[Any, Any], *, is_decided: bool) -> str:
    """Say in a few words what the CRM shows, and whether people have decided."""
    if row["inherited_from"]:
        told = f"taken from the {clean_text(row['inherited_from'])}"
    elif not is_missing(row["fill_rate"]):
        recent = "" if is_missing(row["fill_rate_90d"]) else f", 90 days {say_value(row['fill_rate_90d'], 'share')}"
        told = f"filled {say_value(row['fill_rate'], 'share')}{recent}"
    else:
        told = "" if row["suggested_light"] == "available" else clean_text(row["reason"])
    if not is_decided:
        return told
    return f"decided; {told[:1].lower()}{told[1:]}" if told else "decided"


def _light_format(book: AnswerBook, light: str) -> Any:
    return book.format(**colours_of(light), valign="vcenter", align="left", indent=1)


def _accent(book: AnswerBook) -> Any:
    return book.format(bold=True, font_color=LIGHT["accent"])
