"""The lists of the matrix's workbook: what is known in grey, what is decided in tinted cells, one row each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from helpers.answers.discovery import DiscoveryAnswers
from helpers.answers.spreadsheet_layout import COPY_WORDS, EFFORT_WORDS, LIGHT_WORDS, PLAN_WORDS, mark_cell, show_text
from helpers.present.answer_book import BAND, LINE, MARKS, AnswerBook, Flow, count_lines, height_of, write_title
from helpers.present.theme import LIGHT
from helpers.present.words import clean_text, is_missing, label_of, say_value, shorten
from helpers.units import in_sentence

Shown = dict[str, dict[str, dict[str, str]]]
"""Mark of a decision → what the workbook shows of it, and what the folder holds of it."""


@dataclass(frozen=True)
class Column:
    """A column: its heading, its width in characters, and what may be done in it."""

    label: str
    width: float
    is_answer: bool = False
    is_grey: bool = False
    choices: tuple[str, ...] = ()
    align: str = "left"


def write_list(
    book: AnswerBook, name: str, told: str, columns: Sequence[Column], rows: Sequence[tuple[str, list[Any]]]
) -> tuple[Any, int, int]:
    """Write a sheet with one list.

    Args:
        book: The workbook.
        name: The sheet's name, and its title.
        told: What stands under the title.
        columns: The columns.
        rows: The mark of each row, and its values in the columns' order.

    Returns:
        The sheet, and the first and the last row of the list, from 0.
    """
    widths = [column.width for column in columns]
    sheet = book.add_sheet(name, widths)
    flow = Flow(sheet)
    write_title(book, sheet, flow, name, told)
    head = {"bold": True, "bg_color": BAND, "bottom": 1, "bottom_color": LIGHT["mid"], "text_wrap": True}
    for number, column in enumerate(columns, start=1):
        look = book.format(**head, valign="bottom", align=column.align, indent=int(number > 1))
        sheet.write_string(flow.row, number, column.label, look)
    sheet.write_string(flow.row, MARKS, mark_cell("head", name))
    lines = max(count_lines(column.label, column.width) for column in columns)
    flow.end_row(height_of(LINE * lines))
    sheet.freeze_panes(flow.row, 2)
    repeated = first = flow.row
    plain = {"text_wrap": True, "valign": "vcenter", "bottom": 1, "bottom_color": LIGHT["faint"]}
    for mark, values in rows:
        sheet.write_string(flow.row, MARKS, mark)
        lines = 1
        for number, (column, value) in enumerate(zip(columns, values, strict=True), start=1):
            text = show_text(value) if value else None
            colour = LIGHT["grey"] if column.is_grey else LIGHT["ink"]
            look = book.format(**plain, font_color=colour, align=column.align, indent=int(number > 1))
            book.write(sheet, flow.row, number, text, book.answer() if column.is_answer else look)
            lines = max(lines, count_lines(shorten(text or "", 2_000), column.width))
        flow.end_row(height_of(LINE * lines), can_break=True)
    last = max(flow.row - 1, first)
    for number, column in enumerate(columns, start=1):
        if column.choices:
            book.offer(sheet, (first, number, last, number), column.choices, input_title=column.label)
    flow.paginate(widths, repeated=repeated)
    sheet.set_selection(0, 1, 0, 1)
    return sheet, first, last


def write_secondaries(
    book: AnswerBook, matrix: pd.DataFrame, answers: DiscoveryAnswers, quarter: str, shown: Shown
) -> None:
    """List every KPI × field with its reason, its light and a note."""
    labels = {row["kpi"]: row["label"] for row in matrix[matrix["dimension"] == ""].to_dict("records")}
    rows = []
    for row in matrix[matrix["dimension"] != ""].to_dict("records"):
        key = key_of(row)
        light = remember_cell(shown, key, row, answers, quarter)
        judgement = answers.find(kpi=key[0], dimension=key[1], object=key[2], quarter=quarter)
        name = f"{labels.get(key[0], label_of(key[0]))} by {in_sentence(str(row['label']))}"
        rows.append(
            (
                mark_cell("light", *key),
                [
                    clean_text(name),
                    say_reason(row),
                    LIGHT_WORDS.get(str(row["suggested_light"])),
                    LIGHT_WORDS.get(light),
                    judgement.note if judgement else "",
                    judgement.by if judgement else "",
                ],
            )
        )
    columns = (
        Column("Secondary KPI", 34),
        Column("What the CRM shows", 48, is_grey=True),
        Column("Suggested", 19, is_grey=True),
        Column("Trackable today?", 21, is_answer=True, choices=tuple(LIGHT_WORDS.values())),
        Column("Note: why", 44, is_answer=True),
        Column("Decided by", 20, is_grey=True),
    )
    told = "The cells of the matrix, one below the other. A light that is set here needn't be set on the sheet Matrix."
    sheet, first, last = write_list(book, "Secondary KPIs", told, columns, rows)
    for light, word in LIGHT_WORDS.items():
        rule = {"type": "cell", "criteria": "==", "value": f'"{word}"', "format": book.overlay(colours_of(light))}
        sheet.conditional_format(first, 4, last, 4, rule)


def write_copies(book: AnswerBook, copies: pd.DataFrame, answers: DiscoveryAnswers, shown: Shown) -> None:
    """List the fields to be copied between objects."""
    decided = {(one.dimension, one.from_object, one.to_object): one for one in answers.copies}
    rows = []
    for row in copies.to_dict("records"):
        key = (str(row["dimension"]), str(row["from_object"]), str(row["to_object"]))
        one = decided.get(key)
        mark = mark_cell("copy", *key)
        held = {"state": one.state if one else "", "note": one.note if one else ""}
        shown[mark] = {"shown": held, "held": held}
        fillable = "" if is_missing(row["n_fillable"]) else say_value(int(row["n_fillable"]))
        rows.append(
            (
                mark,
                [
                    clean_text(row["label"]),
                    f"{key[1].capitalize()} → {key[2]}",
                    _begin_large(clean_text(row["reason"])),
                    fillable,
                    COPY_WORDS.get(held["state"]),
                    held["note"],
                ],
            )
        )
    columns = (
        Column("Field", 24),
        Column("From → to", 24),
        Column("Why", 44, is_grey=True),
        Column("Records it would fill", 14, is_grey=True, align="right"),
        Column("Is it wanted?", 18, is_answer=True, choices=tuple(COPY_WORDS.values())),
        Column("Note", 44, is_answer=True),
    )
    told = "A field that lives on one object and is needed on another to follow it through the whole funnel."
    write_list(book, "Copies", told, columns, rows)


def write_plan(
    book: AnswerBook,
    matrix: pd.DataFrame,
    activations: pd.DataFrame,
    answers: DiscoveryAnswers,
    shown: Shown,
) -> None:
    """List what to activate next, best first, with room for the plan."""
    planned = {one.dimension: one for one in answers.activations}
    rows = []
    for row in activations.to_dict("records"):
        dimension = str(row["dimension"])
        one = planned.get(dimension)
        kpi = one.kpi if one else _find_open_kpi(matrix, dimension)
        mark = mark_cell("plan", kpi, dimension)
        held = {name: getattr(one, name) if one else "" for name in ("effort", "owner", "planned", "note")}
        held["plan"] = "yes" if one else ""
        known = {**held, "effort": str(row["effort"])}
        shown[mark] = {"shown": known, "held": held}
        rows.append(
            (
                mark,
                [
                    f"{row['rank']}. {clean_text(row['label'])}",
                    f"on the {clean_text(row['objects'])}: would let you see {clean_text(row['lets'])}",
                    say_value(row["score_after"], "share"),
                    PLAN_WORDS.get(known["plan"]),
                    EFFORT_WORDS.get(known["effort"]),
                    known["owner"],
                    known["planned"],
                    known["note"],
                ],
            )
        )
    columns = (
        Column("Field", 26),
        Column("What it brings", 46, is_grey=True),
        Column("Score after", 11, is_grey=True, align="right"),
        Column("Plan it?", 11, is_answer=True, choices=tuple(PLAN_WORDS.values())),
        Column("Effort", 12, is_answer=True, choices=tuple(EFFORT_WORDS.values())),
        Column("Owner", 22, is_answer=True),
        Column("When", 14, is_answer=True),
        Column("Note", 32, is_answer=True),
    )
    told = "Ranked by what each adds for its effort. One or two a quarter are enough."
    write_list(book, "Activate next", told, columns, rows)


def remember_cell(
    shown: Shown,
    key: tuple[str, str, str],
    row: Mapping[Any, Any],
    answers: DiscoveryAnswers,
    quarter: str,
) -> str:
    """Note what a cell of the matrix shows, and what of it people decided; return its light."""
    judgement = answers.find(kpi=key[0], dimension=key[1], object=key[2], quarter=quarter)
    held = {"light": judgement.light, "note": judgement.note} if judgement else {"light": "", "note": ""}
    light = held["light"] or str(row["suggested_light"])
    shown[mark_cell("light", *key)] = {"shown": {**held, "light": light}, "held": held}
    return light


def _find_open_kpi(matrix: pd.DataFrame, dimension: str) -> str:
    cells = matrix[matrix["dimension"] == dimension]
    wanted = cells[cells["is_wanted"] & (cells["light"] != "available")]
    return str((wanted if len(wanted) else cells)["kpi"].iloc[0]) if len(cells) else dimension


def say_reason(row: Mapping[Any, Any]) -> str:
    """Say why a light is suggested, and what would mend it."""
    return " ".join(clean_text(row[name]) for name in ("reason", "cure") if row[name])


def key_of(row: Mapping[Any, Any]) -> tuple[str, str, str]:
    """Return what names a cell of the matrix: KPI, partition and object."""
    return str(row["kpi"]), str(row["dimension"]), str(row["object"])


def colours_of(light: str) -> dict[str, str]:
    """Return the colours of a light's cell; its shape and its word stand in it too."""
    colour = {"available": "good", "adoption_needed": "caution", "unavailable": "bad"}[light]
    text = "caution_text" if colour == "caution" else colour
    return {"bg_color": LIGHT[f"{colour}_soft"], "font_color": LIGHT[text]}


def _begin_large(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
