"""Designed tables: the HTML that every table of notebooks and reports is made of, and its plain-text twin.

Nothing from an export reaches the page unescaped; a missing value is "–", never NaN or None.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from html import escape
from typing import Any

import pandas as pd
from pandas.api import types

from helpers.present import words
from helpers.present.theme import find_light, judge_change

MARKS = ("light", "bar", "share_bar", "interval", "change", "change_up", "change_down", "link")
"""light: a state with shape and word · bar: length by the column's largest value · share_bar: length by 0–1 ·
interval: low, high and n of the same row written in grey beside the value · change: with its sign · change_up /
change_down: with its sign, good or bad by the direction wanted · link: the address of a web page, to be opened; a
column beside it named ``<column>_link`` holds the address where the column itself is the text to press."""

LONGEST_CELL = 240
WITHOUT_CENTS = 10_000
"""An amount of a column from which on all of it stands without cents."""

LONGEST_WORD = 26
MOST_PLAIN_ROWS = 200
_UNIT_NAMES = {"share": "%", "days": "days", "ratio": "×"}


def guess_unit(values: pd.Series) -> str:
    """Tell the unit of a column from its type alone: ``date``, ``text`` or ``count``."""
    if types.is_bool_dtype(values):
        return "text"
    if types.is_numeric_dtype(values):
        return "count"
    if types.is_datetime64_any_dtype(values):
        return "date"
    known = values.dropna()
    return "date" if len(known) and all(isinstance(value, date) for value in known) else "text"


def table_html(
    frame: pd.DataFrame,
    *,
    units: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    currency: str = "USD",
    max_rows: int = 12,
    marks: Mapping[str, str] | None = None,
) -> str:
    """Write a frame as a designed table.

    Args:
        frame: one row per row of the table; not changed.
        units: unit of a column (``share``, ``currency``, ``days`` …); text and dates are told from the column's type.
        labels: heading of a column; otherwise its name in words.
        currency: ISO code of the company's currency.
        max_rows: rows before the rest folds under "show all".
        marks: what is drawn in the cells of a column, see ``MARKS``.

    Returns:
        HTML of the table without a title; a sentence where the frame has no rows.

    Raises:
        ValueError: a mark is unknown or names no column of the frame.
    """
    marks = dict(marks or {})
    for column, mark in marks.items():
        if mark not in MARKS or column not in frame.columns:
            raise ValueError(
                f"mark {mark!r} on column {column!r} is not known. "
                f"Allowed are {', '.join(MARKS)} on the columns {list(frame.columns)}"
            )
    if frame.empty:
        return '<p class="note">Nothing to list.</p>'
    columns = list(_columns(frame, units or {}, labels or {}, marks, currency))
    head = "<thead><tr>" + "".join(column.heading() for column in columns) + "</tr></thead>"
    widths = "".join(f'<col style="width:{share}%">' for share in _widths(columns))
    rows = ["<tr>" + "".join(column.cell(i) for column in columns) + "</tr>" for i in range(len(frame))]
    wide = " wide" if len(columns) > 9 else ""
    html = _table(widths, head, rows[:max_rows], wide)
    if len(rows) > max_rows:
        html += (
            f'<details class="more"><summary>Show all {len(rows):,} rows</summary>'
            f"{_table(widths, head, rows[max_rows:], wide)}</details>"
        )
    return html


def _table(widths: str, head: str, rows: Sequence[str], wide: str) -> str:
    body = f"<colgroup>{widths}</colgroup>{head}<tbody>{''.join(rows)}</tbody>"
    return f'<div class="frame{wide}"><table>{body}</table></div>'


class _Column:
    """One column as it is drawn: its heading, and each of its cells."""

    def __init__(
        self,
        values: list[Any],
        label: str,
        unit: str,
        mark: str,
        currency: str,
        is_first: bool,
        beside: dict[str, list[Any]],
    ) -> None:
        self.values, self.label, self.unit, self.mark = values, label, unit, mark
        self.currency, self.is_first, self.beside = currency, is_first, beside
        sizes = [abs(float(v)) for v in values if not words.is_missing(v)] if mark == "bar" else []
        self.largest = max(sizes, default=0.0)
        self.digits = _common_digits(values) if unit == "count" else None
        amounts = [abs(v) for v in values if isinstance(v, int | float) and not words.is_missing(v)]
        self.greatest = max(amounts, default=0.0)

    @property
    def is_number(self) -> bool:
        return self.unit not in ("text", "date")

    @property
    def unit_name(self) -> str:
        money = {"currency": self.currency, "currency_per_day": f"{self.currency} a day"}
        return "" if self.mark == "light" else money.get(self.unit) or _UNIT_NAMES.get(self.unit, "")

    def heading(self) -> str:
        shown = f' <span class="unit">({escape(self.unit_name)})</span>' if self.unit_name else ""
        beside = f'<th scope="col" class="beside">{self.beside_label}</th>' if self.mark == "interval" else ""
        return f'<th scope="col"{_class("number" if self.is_number else "")}>{escape(self.label)}{shown}</th>{beside}'

    @property
    def beside_label(self) -> str:
        parts = [("Interval", {"low", "high"} <= set(self.beside)), ("n", "n" in self.beside)]
        return ", ".join(name for name, is_there in parts if is_there)

    def written(self, i: int) -> str:
        value = self.values[i]
        if words.is_missing(value):
            return "–"
        if self.mark in ("change", "change_up", "change_down"):
            return words.say_change(value, self.unit, currency=self.currency)
        digits = 0 if self.is_in_thousands and isinstance(value, int | float) and abs(value) < 1000 else self.digits
        return words.say_value(value, self.unit, currency=self.currency, digits=digits)

    @property
    def is_in_thousands(self) -> bool:
        """Whether the column holds amounts beside which cents say nothing."""
        return self.unit == "currency" and self.greatest >= WITHOUT_CENTS

    def cell(self, i: int) -> str:
        value = self.values[i]
        tag = "th" if self.is_first and not self.is_number else "td"
        scope = ' scope="row"' if tag == "th" else ""
        kind = "number" if self.is_number else "date" if self.unit == "date" else self._wrapping(value)
        beside = f'<td class="beside">{self._interval(i)}</td>' if self.mark == "interval" else ""
        return f"<{tag}{scope}{_class(kind)}>{self._content(value, i)}</{tag}>{beside}"

    def _wrapping(self, value: Any) -> str:
        """A word is broken only where it is too long for any column, such as a path."""
        return "long" if isinstance(value, str) and any(len(word) > LONGEST_WORD for word in value.split()) else ""

    def _content(self, value: Any, i: int) -> str:
        if self.mark == "light":
            return light_html(value)
        if words.is_missing(value):
            return '<span class="missing" title="not available">–</span>'
        text = self.written(i)
        if self.mark == "link":
            address = str(self.beside["link"][i]) if "link" in self.beside else text
            shown = escape(text) if "link" in self.beside else "Open"
            if address.startswith(("http://", "https://")):
                return f'<a class="open" href="{escape(address)}" target="_blank" rel="noopener noreferrer">{shown}</a>'
        if self.unit == "text":
            return _text_html(text)
        if self.unit == "days" and not self.mark.startswith("change"):
            text = text.removesuffix(" days").removesuffix(" day")
        full = words.say_full(value, self.unit, currency=self.currency)
        html = f'<span title="{escape(full)}">{escape(text)}</span>' if full != text else escape(text)
        if self.label == "n":
            return f'<span class="n">{html}</span>'
        if self.mark in ("bar", "share_bar"):
            widest = max(len(self.written(j)) for j in range(len(self.values)))
            return f'{self._bar(float(value))}<span class="value" style="min-width:{widest}ch">{html}</span>'
        if self.mark in ("change_up", "change_down"):
            colour = judge_change(float(value), self.mark.removeprefix("change_"))
            shape = {"good": "▲ " if float(value) > 0 else "▼ ", "bad": "▲ " if float(value) > 0 else "▼ "}.get(
                colour, ""
            )
            return f'<span class="is-{colour}">{shape}{html}</span>'
        return html

    def _bar(self, value: float) -> str:
        whole = 1.0 if self.mark == "share_bar" else self.largest
        share = min(1.0, abs(value) / whole) if whole else 0.0
        shape = "bar share" if self.mark == "share_bar" else "bar"
        return f'<span class="{shape}" aria-hidden="true"><i style="width:{share * 100:.1f}%"></i></span>'

    def _interval(self, i: int) -> str:
        low, high, n = (self.beside.get(part, [None] * len(self.values))[i] for part in ("low", "high", "n"))
        parts = [
            part for part in (words.say_range(low, high, self.unit, currency=self.currency), words.say_n(n)) if part
        ]
        return "" if words.is_missing(self.values[i]) and len(parts) < 2 else escape(", ".join(parts))


def light_html(state: Any) -> str:
    """Write a traffic light: shape, word and colour together."""
    light = find_light(state)
    shape = f'<span class="shape" aria-hidden="true">{light.shape}</span>'
    return f'<span class="light is-{light.colour}">{shape}{escape(light.word)}</span>'


def _columns(
    frame: pd.DataFrame, units: Mapping[str, str], labels: Mapping[str, str], marks: Mapping[str, str], currency: str
) -> Iterator[_Column]:
    beside: dict[str, dict[str, list[Any]]] = {}
    eaten: set[Any] = set()
    for column, mark in marks.items():
        if mark == "interval":
            parts = {
                part: name
                for part in ("low", "high", "n")
                for name in (f"{column}_{part}", part)
                if name in frame.columns
            }
            beside[column] = {part: frame[name].tolist() for part, name in parts.items()}
            eaten |= set(parts.values())
        if mark == "link" and f"{column}_link" in frame.columns:
            beside[column] = {"link": frame[f"{column}_link"].tolist()}
            eaten.add(f"{column}_link")
    for column in [name for name in frame.columns if name not in eaten]:
        unit = units.get(column) or guess_unit(frame[column])
        unit = "text" if marks.get(column) == "light" else unit
        label = labels.get(column, words.label_of(column))
        is_first = column == frame.columns[0]
        yield _Column(
            frame[column].tolist(), label, unit, marks.get(column, ""), currency, is_first, beside.get(column, {})
        )


def _widths(columns: Sequence[_Column]) -> list[float]:
    """Give each column a share of the width by its longest texts, so that folded rows line up with the rows above."""
    sizes = []
    for column in columns:
        is_button = column.mark == "link" and "link" not in column.beside
        lengths = sorted(4 if is_button else len(column.written(i)) for i in range(len(column.values)))
        typical = lengths[int(0.9 * (len(lengths) - 1))]
        extra = 14 if column.mark in ("bar", "share_bar") else 6 if column.mark == "light" else 0
        heading = len(column.label) + len(column.unit_name) + 3 if column.unit_name else len(column.label)
        sizes.append(min(44, max(typical + extra, heading if heading < 15 else heading * 0.7, 6)) + 3)
        if column.mark == "interval":
            sizes.append(18)
    return [round(100 * size / sum(sizes), 1) for size in sizes]


def _text_html(text: str) -> str:
    if len(text) <= LONGEST_CELL:
        return words.prose_html(text)
    short = words.prose_html(words.shorten(text, LONGEST_CELL))
    return f'<span title="{escape(words.shorten(text, 2000))}">{short}</span>'


def _common_digits(values: list[Any]) -> int | None:
    """One digit after the point for the whole column as soon as one of its numbers is broken, so that they align."""
    known = [value for value in values if isinstance(value, int | float) and not words.is_missing(value)]
    return 1 if any(value != value // 1 for value in known) else None


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""


def plain_table(
    frame: pd.DataFrame, *, units: Mapping[str, str] | None = None, labels: Mapping[str, str] | None = None
) -> str:
    """Write a frame as aligned text whose digits pin the values: the same numbers give the same text, always.

    Args:
        frame: one row per line; not changed.
        units: unit of a column; shares are written with 4 decimals, money with cents, dates as ISO.
        labels: heading of a column; otherwise its name in words.

    Returns:
        Lines without trailing spaces; "(no rows)" for an empty frame; at most ``MOST_PLAIN_ROWS`` rows.
    """
    if frame.empty:
        return "(no rows)"
    units, labels = units or {}, labels or {}
    shown = frame.head(MOST_PLAIN_ROWS)
    blocks = []
    for column in frame.columns:
        unit = units.get(column) or guess_unit(frame[column])
        texts = [_plain(value, unit) for value in shown[column].tolist()]
        heading = words.clean_text(labels.get(column, words.label_of(column)))
        width = max(len(text) for text in [heading, *texts])
        align = str.ljust if unit in ("text", "date") else str.rjust
        blocks.append([align(text, width) for text in [heading, *texts]])
    lines = ["  ".join(parts).rstrip() for parts in zip(*blocks, strict=True)]
    if len(frame) > len(shown):
        lines.append(f"… and {len(frame) - len(shown):,} more rows")
    return "\n".join(lines)


def _plain(value: Any, unit: str) -> str:
    if words.is_missing(value):
        return "–"
    if isinstance(value, datetime):
        day = value.isoformat(sep=" ", timespec="minutes")
        return day.removesuffix(" 00:00")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return words.shorten(" ".join(words.clean_text(value).split()), 80)
    if unit in ("currency", "currency_per_day", "days"):
        text = f"{value:.2f}"
    else:
        text = f"{int(value)}" if unit != "share" and value in (value // 1,) else f"{value:.4f}"
    return text.removeprefix("-") if not text.strip("-0.") else text
