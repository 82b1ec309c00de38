"""One side of paper: what stands on the profile's sheet, and how high it will be before any browser has drawn it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from helpers.analyses.consensus import Statement
from helpers.analyses.profile_sections import ProductLine
from helpers.present.charts.canvas import fit_text, measure_text

PAPER = 1040.0
"""Pixels of height that are filled at most; A4 has 1,062 between the margins, the rest is for other fonts."""

WIDTH, COLUMN = 733.0, 357.0
TEXT, SMALL, CRM = 11.0, 9.5, 10.0
LINE, PADDING, HEADING = 14.6, 2.0, 30.0
CELLS = (0.26, 0.19, 0.13, 0.17, 0.25)


@dataclass(frozen=True)
class Room:
    """How much of each part stands on the sheet: lines per part, and ordinary letters per text and per remark."""

    products: int
    icp: int
    kpis: int
    some: int
    longest: int
    detail: int


ROOMS = (
    Room(products=6, icp=8, kpis=7, some=6, longest=90, detail=60),
    Room(products=5, icp=6, kpis=7, some=5, longest=74, detail=52),
    Room(products=5, icp=5, kpis=6, some=4, longest=64, detail=44),
    Room(products=4, icp=5, kpis=5, some=3, longest=54, detail=36),
    Room(products=3, icp=4, kpis=4, some=3, longest=44, detail=30),
    Room(products=3, icp=3, kpis=3, some=2, longest=36, detail=24),
    Room(products=2, icp=2, kpis=2, some=2, longest=28, detail=18),
)
"""From generous to what fits whatever people typed; the first one that fits is taken."""


@dataclass(frozen=True)
class SheetSection:
    """One part of the sheet: its title, its lines, how many were left out, what stands there when there are none."""

    title: str
    lines: tuple[Statement, ...]
    more: str
    empty: str


@dataclass(frozen=True)
class Sheet:
    """Everything that stands on the sheet, cut to what it holds."""

    name: str
    when: str
    headline: str
    is_closed: bool
    facts: tuple[Statement, ...]
    positioning: Statement | None
    products: tuple[ProductLine, ...]
    more_products: str
    left: tuple[SheetSection, ...]
    right: tuple[SheetSection, ...]
    below: tuple[SheetSection, ...]
    missing: tuple[str, ...]
    legend: str


LETTER = 0.53
"""Width of an ordinary letter as a part of its size."""


def fit_letters(text: str, letters: int, size: float = TEXT) -> str:
    """Cut a text to the room that so many ordinary letters take; wide ones get fewer."""
    return fit_text(text, size, letters * LETTER * size)


Piece = tuple[str, float, int]
"""A piece of running text: the text, its size and its weight."""


def measure_sheet(sheet: Sheet) -> float:
    """Return about how many pixels high the sheet will be, rather too many than too few."""
    height = 40.0 + 28.0 * count_lines([(sheet.headline, 13.5, 600)], WIDTH)
    if sheet.is_closed:
        height += 8 + LINE * _count_facts(sheet.facts)
        quote = sheet.positioning.text if sheet.positioning else "Nobody"
        height += 24 + 18.2 * count_lines([(quote, 13.0, 400)], WIDTH)
        height += _measure_products(sheet)
        height += max(_measure_sections(sheet.left), _measure_sections(sheet.right))
        height += max((_measure_sections([section]) for section in sheet.below), default=0.0)
    if sheet.missing:
        height += HEADING + sum((LINE + PADDING) * count_lines([(one, TEXT, 400)], WIDTH) for one in sheet.missing)
    return height + 20 + 13 * count_lines([(sheet.legend, SMALL, 400)], WIDTH - 160)


def count_lines(pieces: Iterable[Piece], width: float) -> int:
    """Count the lines of running text as a browser breaks it: at spaces, and inside a word only where it must.

    >>> count_lines([("Win the US", 11, 400)], 300), count_lines([("W" * 60, 11, 400)], 300)
    (1, 3)
    """
    lines, at = 1, 0.0
    for text, size, weight in pieces:
        for word in text.split():
            needed = measure_text(word, size, weight=weight)
            if at and at + needed > width:
                lines, at = lines + 1, 0.0
            over = max(0, math.ceil(needed / width) - 1)
            lines += over
            at = at + needed - over * width + measure_text(" ", size)
    return lines


def _pieces(one: Statement) -> list[Piece]:
    mark = "◐ " if one.is_disputed else ""
    weight = 600 if one.is_off else 400
    crm = f"CRM: {one.crm}" if one.crm else ""
    return [
        (one.label, TEXT, 400), (one.text, TEXT, 600), (one.detail, SMALL, 400),
        (f"({one.basis}) {mark}" if one.basis else mark, SMALL, 400), (crm, CRM, weight),
    ]  # fmt: skip


def _count_facts(facts: Sequence[Statement]) -> int:
    """Facts stand one after the other and move to the next line as a whole."""
    lines, at = 1, 0.0
    for one in facts:
        needed = sum(measure_text(text, size, weight=weight) + 4 for text, size, weight in _pieces(one)) + 16
        if at and at + needed > WIDTH:
            lines, at = lines + 1, 0.0
        lines += max(0, math.ceil(needed / WIDTH) - 1)
        at += needed
    return lines


def _measure_sections(sections: Iterable[SheetSection]) -> float:
    height = 0.0
    for section in sections:
        height += HEADING
        for one in section.lines:
            height += PADDING + LINE * count_lines(_pieces(one), COLUMN)
        if section.more or not section.lines:
            height += PADDING + LINE
    return height


def _measure_products(sheet: Sheet) -> float:
    height = HEADING + (22 if sheet.products else LINE)
    for one in sheet.products:
        names = [
            LINE * count_lines([(one.name, TEXT, 600)], WIDTH * CELLS[0] - 8),
            12 * count_lines([(one.description, SMALL, 400)], WIDTH * CELLS[0] - 8) if one.description else 0,
            12
            * count_lines([(one.basis, SMALL, 400), (one.sold.text if one.sold else "", SMALL, 400)], WIDTH * 0.25 - 8),
        ]
        cells = [sum(names)]
        for said, (people, crm) in zip((one.deal, one.cycle), (CELLS[1:3], CELLS[3:]), strict=True):
            if said:
                told = count_lines([(said.basis, SMALL, 400)], WIDTH * people - 8)
                cells.append(LINE + 12 * told)
                cells.append(LINE * count_lines([(said.crm or "the CRM can't tell", CRM, 600)], WIDTH * crm - 8))
        height += 7 + max(cells)
    return height + (LINE if sheet.more_products else 0)
