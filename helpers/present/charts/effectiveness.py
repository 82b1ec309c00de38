"""Did it work? Per action its KPI before and after with intervals, what was expected as a line, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from helpers.analyses.effect_words import CHECK_WORDS, GUARD_WORDS, say_reading
from helpers.present.board_tables import NO_CHECKS
from helpers.present.cards import say_slice
from helpers.present.charts.canvas import Canvas, fit_text, measure_text, wrap_text
from helpers.present.display import Display, show_message, show_svg
from helpers.units import format_value

if TYPE_CHECKING:
    from helpers.analyses.effectiveness import Check
    from helpers.analyses.kpi_reading import Reading
    from helpers.model.board_action import Action

WIDTH, MARGIN, NAME, PANEL, GAP = 936, 12, 300, 250, 26
TEXT, SMALL, ROW = 12.5, 11.5, 104
BEFORE_AT, AFTER_AT, REACH, BELOW = 19, 50, 8, 18
"""Where the dots of a row stand, how far the stroke of what was expected reaches beside them, and where words begin."""
MOST_ROWS = 12
COLOURS = {"held": "good", "failed": "bad", "too_early": "caution_text", "unmeasurable": "grey"}


def draw_checks(checks: Sequence[Check], *, title: str, subtitle: str = "", currency: str = "USD") -> Display:
    """Draw for every action of a kept cause its KPI before and after.

    Args:
        checks: The result of ``check_actions``.
        title: The finding, in a sentence.
        subtitle: Company, period, last day.
        currency: The company's currency.

    Returns:
        A picture, those that can be told first; a message that says what to do where there is nothing to check.
    """
    if not checks:
        return show_message("empty", *NO_CHECKS)
    order = list(COLOURS)
    ranked = sorted(checks, key=lambda check: order.index(check.verdict))
    canvas = Canvas(WIDTH, kind="effectiveness")
    lines = wrap_text(title, 16, WIDTH - 2 * MARGIN, weight=600, most=3)
    y = canvas.lines(MARGIN, 22, lines, leading=21, size=16, weight=600)
    canvas.text(MARGIN, y - 2, fit_text(subtitle, 13, WIDTH - 2 * MARGIN), size=13, fill="grey")
    _draw_key(canvas, y + 20)
    y += 38
    for check in ranked[:MOST_ROWS]:
        canvas.may_break(y)
        y = _Row(canvas, check, currency).draw(y)
    more = len(ranked) - MOST_ROWS
    if more > 0:
        canvas.text(MARGIN, y + 12, f"+{more} more in the table below", size=SMALL, fill="grey")
        y += 18
    return show_svg(canvas.render(y + 6), title=title, subtitle=subtitle, numbers=_list_numbers(ranked, currency))


def _draw_key(canvas: Canvas, y: float) -> None:
    x = MARGIN
    canvas.dot(x + 5, y - 4, 4.5, fill="paper", stroke="grey")
    canvas.text(x + 15, y, "before", size=SMALL, fill="grey")
    canvas.dot(x + 71, y - 4, 4.5, fill="ink", stroke="ink")
    canvas.text(x + 81, y, "after, with its interval", size=SMALL, fill="grey")
    canvas.line(x + 218, y - 11, x + 218, y + 2, stroke="accent", width=2)
    canvas.text(x + 226, y, "expected", size=SMALL, fill="grey")


class _Row:
    """One action: its words, its KPI on a scale of its own, and the verdict."""

    def __init__(self, canvas: Canvas, check: Check, currency: str) -> None:
        self.canvas, self.check, self.currency = canvas, check, currency
        self.left = MARGIN + NAME + GAP
        values = [check.wanted] if check.wanted is not None else []
        for reading in (check.before, check.after):
            values += [value for value in (reading.value, reading.low, reading.high) if value is not None]
        self.low, self.high = (min(values), max(values)) if values else (0.0, 1.0)
        room = (self.high - self.low) * 0.12 or abs(self.high) * 0.1 or 1.0
        self.low, self.high = self.low - room, self.high + room

    def x(self, value: float) -> float:
        """Return where a value stands on the row's scale."""
        return self.left + PANEL * (value - self.low) / (self.high - self.low)

    def draw(self, y: float) -> float:
        """Draw the row and return where the next one begins."""
        check, canvas = self.check, self.canvas
        canvas.line(MARGIN, y, WIDTH - MARGIN, y, stroke="rule")
        lines = wrap_text(check.action.text or "An action without words", TEXT, NAME, most=2)
        below = canvas.lines(MARGIN, y + 19, lines, leading=15, size=TEXT, weight=600)
        owner = check.action.owner or "nobody yet"
        below = canvas.lines(
            MARGIN,
            below,
            [fit_text(f"{owner}{_say_when(check.action)}", SMALL, NAME)],
            leading=15,
            size=SMALL,
            fill="grey",
        )
        where = say_slice(check.action.slice)
        kpi = f"{check.label or 'No KPI'}{f' in {where}' if where else ''}"
        below = canvas.lines(MARGIN, below, wrap_text(kpi, SMALL, NAME, most=2), leading=15, size=SMALL, fill="grey")
        if check.before.value is not None:
            self._draw_panel(y)
        right = self.left + PANEL + GAP
        word = "overdue" if check.is_overdue else CHECK_WORDS[check.verdict]
        colour = "bad" if check.is_overdue else COLOURS[check.verdict]
        _draw_light(canvas, right + 5, y + 15, check.verdict, colour)
        canvas.text(right + 16, y + 19, word, size=TEXT, weight=600, fill=colour)
        reason = wrap_text(check.reason, SMALL, WIDTH - MARGIN - right, most=4)
        end = canvas.lines(right, y + 36, reason, leading=15, size=SMALL, fill="grey")
        if check.guard_verdict:
            told = fit_text(f"{check.guard_label}: {GUARD_WORDS[check.guard_verdict]}", SMALL, WIDTH - MARGIN - right)
            fill = "bad" if check.guard_verdict == "worse" else "grey"
            end = canvas.lines(right, end, [told], leading=15, size=SMALL, fill=fill)
        return max(end, below, y + ROW - 12) + 2

    def _draw_panel(self, y: float) -> None:
        check, canvas = self.check, self.canvas
        if check.wanted is not None:
            x = self.x(check.wanted)
            for at in (BEFORE_AT, AFTER_AT):  # only where dots stand: the words between stay readable
                canvas.line(x, y + at - REACH, x, y + at + REACH, stroke="accent", width=2)
            told = format_value(check.wanted, check.unit, currency=self.currency)
            below = BELOW if check.after.value is None else 2 * BELOW
            self._write(told, x - measure_text(told, SMALL) / 2, y + AFTER_AT + below, "accent")
        self._draw_reading(check.before, y + BEFORE_AT, check.before_label, "grey", is_hollow=True)
        if check.after.value is not None and check.window is not None:
            self._draw_reading(check.after, y + AFTER_AT, check.window.label, COLOURS[check.verdict], is_hollow=False)

    def _draw_reading(self, reading: Reading, y: float, label: str, colour: str, *, is_hollow: bool) -> None:
        """Draw a value with its interval, and below it what it is."""
        x = self.x(reading.value or 0.0)
        if reading.low is not None and reading.high is not None:
            self.canvas.line(self.x(reading.low), y, self.x(reading.high), y, stroke=colour, width=2)
        self.canvas.dot(x, y, 5, fill="paper" if is_hollow else colour, stroke=colour)
        told = format_value(reading.value, self.check.unit, currency=self.currency)
        told = f"{told} {label}, n {reading.n:,}"
        is_left = x < self.left + PANEL / 2
        self._write(told, x - 5 if is_left else x + 5 - measure_text(told, SMALL), y + BELOW, "grey")

    def _write(self, text: str, x: float, y: float, fill: str) -> None:
        """Write below a mark, moved so that it stays within the panel."""
        text = fit_text(text, SMALL, PANEL)
        x = min(max(x, self.left), self.left + PANEL - measure_text(text, SMALL))
        self.canvas.text(x, y, text, size=SMALL, fill=fill)


def _say_when(action: Action) -> str:
    """Say when an action was done, or is due where it isn't or nobody noted the day."""
    if action.done_on:
        return f", done on {format_value(action.done_on, 'date')}"
    return f", due {format_value(action.due, 'date')}" if action.due else ""


def _draw_light(canvas: Canvas, x: float, y: float, verdict: str, colour: str) -> None:
    """Draw a verdict's shape: full, empty, half, or a dash."""
    if verdict == "unmeasurable":
        canvas.line(x - 5, y, x + 5, y, stroke=colour, width=2)
        return
    canvas.dot(x, y, 5, fill=colour if verdict == "held" else "paper", stroke=colour)
    if verdict == "too_early":
        half = [(x - 4.4 * math.sin(step * math.pi / 8), y - 4.4 * math.cos(step * math.pi / 8)) for step in range(9)]
        canvas.shape(half, fill=colour)


def _list_numbers(checks: Sequence[Check], currency: str) -> pd.DataFrame:
    rows = [
        (
            check.action.text,
            check.label or "–",
            say_reading(check.before.value, check.unit, currency, n=check.before.n),
            format_value(check.wanted, check.unit, currency=currency) if check.wanted is not None else "–",
            say_reading(check.after.value, check.unit, currency, n=check.after.n),
            CHECK_WORDS[check.verdict],
        )
        for check in checks
    ]
    return pd.DataFrame(rows, columns=["action", "kpi", "before", "expected", "after", "verdict"])
