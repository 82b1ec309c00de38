"""Slices of two partitions as a table: one down, one across, each cell with its value, its n and its doubt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from helpers.present import words
from helpers.present.charts.canvas import Canvas, fit_text
from helpers.present.charts.slice_rows import OTHERS, PAD, find_tone, finish_slices, write_heading
from helpers.present.display import Display

CELL_HEIGHT, HEAD, GAP = 40, 26, 2
FIRST = 150
MOST_ACROSS = 7
"""More values than this across are drawn as nested rows, where every name has room."""


def suits_heat(frame: pd.DataFrame) -> bool:
    """Tell whether slices of two partitions fit into a table that a reader takes in."""
    named = frame[frame["slice"] != OTHERS]
    fewest = min(named["part_0"].nunique(), named["part_1"].nunique()) if len(named) else 0
    return 2 <= fewest <= MOST_ACROSS


def draw_slice_heat(
    frame: pd.DataFrame,
    by: Sequence[str],
    *,
    title: str,
    subtitle: str = "",
    unit: str = "share",
    currency: str = "USD",
    direction: str = "up",
    is_count: bool = False,
    company_value: float | None = None,
    before: str = "",
    note: str = "",
) -> Display:
    """Draw slices of two partitions as a table; the partition with fewer values goes across.

    Args:
        frame: The result of ``slice_kpi`` with the columns ``part_0`` and ``part_1``, and ``is_named`` for the slice
            that the title is about.
        by: What the two partitions are called.
        title: The finding, in a sentence.
        subtitle: Measure, period, n.
        unit: Unit of the value.
        currency: The company's currency.
        direction: Which way is good: up, down or none.
        is_count: Whether the value is a count or an amount: then a bar shows its size in place of a colour.
        company_value: The company's own value.
        before: What ``previous_value`` is: a period, or the goal; empty where nothing is compared.
        note: How to read it.

    Returns:
        A picture of one cell per slice, with the numbers as text. Coloured where the company's value lies outside the
        cell's interval; hatched while a cohort is still open; grey where there are too few records.

    Raises:
        ValueError: The frame has no rows.
    """
    if frame.empty:
        raise ValueError("No slices to draw. Show a message instead, or widen the filter.")
    named = frame[frame["slice"] != OTHERS]
    down, across = (0, 1) if named["part_0"].nunique() >= named["part_1"].nunique() else (1, 0)
    rows, columns = (_order(named, f"part_{side}") for side in (down, across))
    cell = min(150, (860 - 2 * PAD - FIRST) // max(len(columns), 1))
    width = max(2 * PAD + FIRST + cell * len(columns), 640)
    canvas = Canvas(width, kind="slice-heat")
    canvas.parts.append(HATCH)
    y = write_heading(canvas, title, subtitle, width)
    canvas.text(PAD, y + 14, fit_text(f"{by[down]} \\ {by[across]}", 12, FIRST - 8), size=12, fill="grey")
    for place, name in enumerate(columns):
        x = PAD + FIRST + cell * place
        canvas.text(x + 8, y + 14, fit_text(name, 12, cell - 12), size=12, fill="grey")
    y += HEAD
    found = {(row[f"part_{down}"], row[f"part_{across}"]): row for row in named.to_dict("records")}
    most = float(named["value"].astype(float).max() or 1) or 1.0
    for name in rows:
        canvas.text(PAD, y + 24, fit_text(name, 13, FIRST - 10), size=13)
        for place, column in enumerate(columns):
            box = (PAD + FIRST + cell * place, y, cell - GAP, CELL_HEIGHT - GAP)
            _draw_cell(
                canvas, found.get((name, column)), box, (unit, currency, direction), most if is_count else 0, before
            )
        y += CELL_HEIGHT
    is_told = {find_tone(row, direction) for row in named.to_dict("records")} & {"good", "bad"}
    coloured = _say_company(company_value, unit, currency) if is_told and not is_count else ""
    was = f"Was: {before}." if before and named["previous_value"].notna().any() else ""
    lines = [coloured, was, _say_rest(frame, unit, currency), _how(named), note]
    return finish_slices(canvas, y, lines, frame, title=title, subtitle=subtitle, unit=unit)


HATCH = (
    '<defs><pattern id="open-cohort" width="6" height="6" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><rect width="6" height="6" fill="#fbfcfd"/>'
    '<line x1="0" y1="0" x2="0" y2="6" stroke="#dde3e9" stroke-width="3"/></pattern></defs>'
)
SOFT = {"good": "good_soft", "bad": "bad_soft", "grey": "raised", "mid": "raised"}


def _order(named: pd.DataFrame, part: str) -> list[str]:
    sizes = named.assign(n=named["n"].astype(float)).groupby(part)["n"].sum()
    return [str(name) for name in sizes.sort_values(ascending=False, kind="stable").index]


def _draw_cell(
    canvas: Canvas, row: dict[str, Any] | None, box: tuple[float, float, float, float], how: tuple[str, str, str],
    most: float, before: str,
) -> None:  # fmt: skip
    x, y, width, height = box
    unit, currency, direction = how
    if row is None:
        canvas.text(x + 8, y + 23, "·", size=13, fill="mid")
        return
    tone = find_tone(row, direction)
    if row["is_complete"]:
        canvas.bar(x, y, width, height, fill=SOFT[tone])
    else:
        canvas.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="url(#open-cohort)"/>'
        )
    if most and not words.is_missing(row["value"]):
        canvas.bar(x, y + height - 4, max(0.0, width * float(row["value"]) / most), 4, fill="bar")
    value = "–" if words.is_missing(row["value"]) else words.say_value(row["value"], unit, currency=currency)
    ink = {"good": "good", "bad": "bad", "mid": "grey"}.get(tone, "ink")
    weight = 600 if tone in ("good", "bad") else 400
    canvas.text(x + 8, y + 16, fit_text(value, 13, width - 10), size=13, fill=ink, weight=weight)
    was = row.get("previous_value") if before else None
    said = f"was {words.say_value(was, unit, currency=currency)}" if not words.is_missing(was) else ""
    counted = "" if most and unit == "count" else words.say_n(row["n"])
    below = " · ".join(filter(None, (counted, said)))
    canvas.text(x + 8, y + 30, fit_text(below, 11, width - 10), size=11, fill="grey")
    if row.get("is_named"):
        corners = ((x + 1, y + 1), (x + width - 1, y + 1), (x + width - 1, y + height - 1), (x + 1, y + height - 1))
        for (x1, y1), (x2, y2) in zip(corners, (*corners[1:], corners[0]), strict=True):
            canvas.line(x1, y1, x2, y2, stroke="accent", width=2)


def _say_company(value: float | None, unit: str, currency: str) -> str:
    if value is None or words.is_missing(value):
        return ""
    said = words.say_value(value, unit, currency=currency)
    return f"Coloured where the company's {said} lies outside the cell's interval."


def _say_rest(frame: pd.DataFrame, unit: str, currency: str) -> str:
    rest = frame[frame["slice"] == OTHERS]
    if rest.empty:
        return ""
    row = rest.iloc[0]
    value = words.say_value(row["value"], unit, currency=currency)
    return f"All others together: {value}, {words.say_n(row['n'])}."


def _how(named: pd.DataFrame) -> str:
    parts = []
    if not named["is_complete"].astype(bool).all():
        parts.append("Hatched: not all records have had their time yet.")
    if named["is_small"].astype(bool).any():
        parts.append("Grey: too few records to judge.")
    return " ".join(parts)
