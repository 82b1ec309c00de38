"""Slices of several partitions as nested rows: a column of names each, a bar of volume, a dot with its interval.

Groups stand together, the largest first, and a name is said once per group. Small slices are hollow and grey, cohorts
that are still open are hatched, and what differs from the company beyond its interval is coloured by which way is good.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from helpers.present import words
from helpers.present.charts.canvas import Canvas, fit_text, measure_text, wrap_text
from helpers.present.display import Display, show_svg

OTHERS = "all others"
ROW, HEAD, PAD = 22, 28, 12
NAME_WIDTH, BAR_WIDTH, RATE_WIDTH, TEXT_WIDTH = 120, 96, 190, 118
WIDEST = 860


def draw_slice_rows(
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
    value_label: str = "Value",
    note: str = "",
) -> Display:
    """Draw slices as nested rows.

    Args:
        frame: The result of ``slice_kpi`` with one further column per partition, ``part_0`` and so on.
        by: What the partitions are called, the outermost first.
        title: The finding, in a sentence.
        subtitle: Measure, period, n.
        unit: Unit of the value.
        currency: The company's currency.
        direction: Which way is good: up, down or none.
        is_count: Whether the value is a count or an amount: then the bar is the value, and there is no second panel.
        company_value: The company's own value, drawn as a line.
        before: What ``previous_value`` is, drawn as a thin tick; empty where nothing is compared.
        value_label: What the value is called.
        note: How to read it.

    Returns:
        A picture of one row per slice, with the numbers as text.

    Raises:
        ValueError: The frame has no rows.
    """
    if frame.empty:
        raise ValueError("No slices to draw. Show a message instead, or widen the filter.")
    rows = nest_rows(frame, len(by))
    names = min(NAME_WIDTH, (WIDEST - 2 * PAD - BAR_WIDTH - RATE_WIDTH - TEXT_WIDTH) // len(by))
    width = 2 * PAD + names * len(by) + BAR_WIDTH + TEXT_WIDTH + (RATE_WIDTH if not is_count else RATE_WIDTH // 2)
    canvas = Canvas(width, kind="slice-rows")
    y = write_heading(canvas, title, subtitle, width)
    y = _write_head(canvas, y, by, names, is_count, value_label)
    left = PAD + names * len(by)
    scale = _Scale(rows, unit, company_value, left + BAR_WIDTH + 16, RATE_WIDTH - 32)
    sizes = rows["value" if is_count else "n"].astype(float)
    most = float(sizes.max()) or 1.0
    top = y
    for row, size in zip(rows.to_dict("records"), sizes, strict=True):
        _write_names(canvas, row, y, names, len(by))
        _write_bar(canvas, row, (left, y), size / most, (unit, currency, is_count))
        if not is_count:
            _write_rate(canvas, row, y, scale, (unit, currency, direction), left + BAR_WIDTH + RATE_WIDTH - 2)
            if before and not row["is_small"] and not words.is_missing(row["previous_value"]):
                tick = scale.place(float(row["previous_value"]))
                canvas.line(tick, y + 4, tick, y + ROW - 4, stroke="ink", width=1.5)
        y += ROW
    if not is_count and scale.company is not None:
        canvas.line(scale.company, top - 2, scale.company, y, stroke="ink", width=1)
    was = f"Thin tick: {before}." if before and not is_count and rows["previous_value"].notna().any() else ""
    lines = [_say_company(company_value, unit, currency) if not is_count else "", _how(rows, is_count), was, note]
    return finish_slices(canvas, y, lines, frame, title=title, subtitle=subtitle, unit=unit)


def finish_slices(
    canvas: Canvas, y: float, lines: Sequence[str], frame: pd.DataFrame, *, title: str, subtitle: str, unit: str
) -> Display:
    """Write how to read a picture of slices below it, and show it with its numbers as text."""
    said = wrap_text(" ".join(filter(None, lines)), 12, canvas.width - 2 * PAD)
    y = canvas.lines(PAD, y + 20, said, leading=17, size=12, fill="grey")
    numbers = frame[[name for name in SHOWN if name in frame]]
    units = dict.fromkeys(("value", "low", "high", "previous_value"), unit)
    return show_svg(canvas.render(y + 6), title=title, subtitle=subtitle, numbers=numbers, units=units)


def _write_bar(
    canvas: Canvas, row: dict[str, Any], at: tuple[float, float], share: float, how: tuple[str, str, bool]
) -> None:
    (left, y), (unit, currency, is_count) = at, how
    room = BAR_WIDTH + (RATE_WIDTH // 2 if is_count else 0) - 60
    bar = max(0.0, room * (share if share == share else 0.0))
    colour = "accent" if row.get("is_named") else "faint" if row["is_small"] else "bar"
    canvas.bar(left, y + 5, bar, ROW - 10, fill=colour, radius=1)
    say = words.say_value(row["value"], unit, currency=currency) if is_count else f"{int(row['n'] or 0):,}"
    canvas.text(left + bar + 6, y + 15.5, say, size=12, fill="grey" if row["is_small"] else "ink")


SHOWN = ("slice", "value", "low", "high", "n", "previous_value", "previous_n", "is_complete", "is_small")
"""Columns of the numbers as text."""


def nest_rows(frame: pd.DataFrame, depth: int) -> pd.DataFrame:
    """Put slices into groups by their outer partitions, the largest group first; what is folded stays last.

    Args:
        frame: One row per slice with ``part_0`` … and ``n``.
        depth: How many partitions.

    Returns:
        The rows in order, with ``new_level``: from which partition on a row's names differ from the row above.
    """
    rows = frame.copy()
    rows["n"] = rows["n"].astype(float)
    parts = [f"part_{level}" for level in range(depth)]
    rows["is_rest"] = rows["slice"] == OTHERS
    keys, ascending = ["is_rest"], [True]
    for level in range(depth - 1):
        rows[f"size_{level}"] = rows.groupby(parts[: level + 1], dropna=False)["n"].transform("sum")
        keys += [f"size_{level}", parts[level]]
        ascending += [False, True]
    rows = rows.sort_values([*keys, "n", "slice"], ascending=[*ascending, False, True], ignore_index=True)
    above = rows[parts].shift()
    differs = rows[parts].ne(above).to_numpy()
    rows["new_level"] = [next((level for level in range(depth) if row[level]), depth) for row in differs]
    return rows


def write_heading(canvas: Canvas, title: str, subtitle: str, width: float) -> float:
    """Write title and subtitle, and return where the picture begins."""
    y = canvas.lines(PAD, 24, wrap_text(title, 16, width - 2 * PAD, weight=600), leading=21, size=16, weight=600)
    y = canvas.lines(PAD, y, wrap_text(subtitle, 12, width - 2 * PAD), leading=17, size=12, fill="grey")
    return y + 4


def _write_head(canvas: Canvas, y: float, by: Sequence[str], names: float, is_count: bool, label: str) -> float:
    for level, name in enumerate(by):
        canvas.text(PAD + names * level, y + 14, fit_text(name, 12, names - 10), size=12, fill="grey")
    left = PAD + names * len(by)
    canvas.text(left, y + 14, fit_text(label if is_count else "Records", 12, BAR_WIDTH), size=12, fill="grey")
    if not is_count:
        canvas.text(left + BAR_WIDTH + 16, y + 14, fit_text(label, 12, RATE_WIDTH), size=12, fill="grey")
    return y + HEAD


def _write_names(canvas: Canvas, row: dict[str, Any], y: float, names: float, depth: int) -> None:
    if row["new_level"] == 0:
        canvas.line(PAD, y, canvas.width - PAD, y, stroke="faint")
    if row["is_rest"]:
        canvas.text(PAD, y + 15.5, OTHERS, size=12, fill="grey")
        return
    for level in range(row["new_level"], depth):
        said = fit_text(str(row[f"part_{level}"]), 12, names - 10)
        ink = "accent" if row.get("is_named") else "grey" if row["is_small"] else "ink"
        canvas.text(PAD + names * level, y + 15.5, said, size=12, fill=ink)


class _Scale:
    """The axis of the values: from zero to the longest interval of a slice with enough records."""

    def __init__(self, rows: pd.DataFrame, unit: str, company: float | None, left: float, width: float):
        firm = rows[~rows["is_small"].astype(bool)]
        ends = pd.concat([firm["high"], rows["value"], pd.Series([company], dtype="float64")]).astype(float)
        self.most = float(ends.max()) if ends.notna().any() else 1.0
        self.most = min(1.0, self.most * 1.05) if unit == "share" and self.most <= 1 else self.most * 1.05
        self.most = self.most or 1.0
        self.left, self.width = left, width
        known = company is not None and not words.is_missing(company)
        self.company = self.place(float(company)) if known else None  # type: ignore[arg-type]

    def place(self, value: float) -> float:
        """Return where a value stands; beyond the end at the end."""
        return self.left + self.width * max(0.0, min(value / self.most, 1.0))


def _write_rate(
    canvas: Canvas, row: dict[str, Any], y: float, scale: _Scale, how: tuple[str, str, str], right: float
) -> None:
    unit, currency, direction = how
    middle = y + ROW / 2
    if words.is_missing(row["value"]):
        canvas.text(right, y + 15.5, "no records" if not row["n"] else "not available", size=12, fill="grey")
        return
    tone = find_tone(row, direction)
    if not words.is_missing(row["low"]):
        canvas.line(scale.place(row["low"]), middle, scale.place(row["high"]), middle, stroke=tone, width=1.5,
                    dash="" if row["is_complete"] else "3 2")  # fmt: skip
    x = scale.place(row["value"])
    if not row["is_complete"]:
        canvas.hatched_dot(x, middle, 5.5, stroke=tone)
    else:
        canvas.dot(x, middle, 4.5, fill=tone, stroke="paper")
        if row["is_small"]:
            canvas.dot(x, middle, 3, fill="paper", stroke=tone)
    value = words.say_value(row["value"], unit, currency=currency)
    canvas.text(right, y + 15.5, value, size=12, fill=tone if tone != "mid" else "grey")
    canvas.text(right + measure_text(value, 12) + 8, y + 15.5, words.say_n(row["n"]), size=11, fill="grey")


def find_tone(row: dict[str, Any], direction: str) -> str:
    """Return the colour of a slice: good or bad where the company's value lies outside its interval, else grey."""
    if row["is_small"]:
        return "mid"
    company = row.get("company_value")
    known = not any(words.is_missing(row[name]) for name in ("low", "high")) and not words.is_missing(company)
    if not known or direction == "none" or not row["is_complete"] or row["low"] <= company <= row["high"]:
        return "grey"
    return "good" if (row["value"] > company) == (direction == "up") else "bad"


def _say_company(value: float | None, unit: str, currency: str) -> str:
    if value is None or words.is_missing(value):
        return ""
    return f"Line: the company, {words.say_value(value, unit, currency=currency)}."


def _how(rows: pd.DataFrame, is_count: bool) -> str:
    parts = []
    if not is_count and rows["low"].notna().any():
        parts.append("Dot and line: value with its interval; coloured where the company lies outside it.")
    if not rows["is_complete"].astype(bool).all():
        parts.append("Hatched: not all records have had their time yet.")
    if rows["is_small"].astype(bool).any():
        parts.append("Hollow and grey: too few records to judge." if not is_count else "Pale: few records.")
    return " ".join(parts)
