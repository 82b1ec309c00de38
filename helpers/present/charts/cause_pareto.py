"""Pareto of the causes: bars by money, and beside them how much of the gap they explain together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from helpers.analyses.fishbone import PROVEN
from helpers.analyses.found_evidence import LATER, THIS_PERIOD
from helpers.present import words
from helpers.present.charts.canvas import Canvas, fit_text, measure_text, wrap_text
from helpers.present.display import Display, show_message, show_svg
from helpers.units import format_value

if TYPE_CHECKING:
    from helpers.analyses.fishbone import Fishbone

WIDTH, MARGIN = 860, 12
NAME, BARS, TRACK, GAP = 300, 260, 150, 24
TEXT, SMALL, BAR = 12.5, 11.5, 16
MOST_ROWS = 12
EMPTY = (
    "No cause has a price yet",
    "A Pareto needs causes with money: from the data, or as somebody judges it.",
    "Say on the board how much of the gap a cause explains, or link evidence that has a price.",
)


def draw_cause_pareto(
    pareto: pd.DataFrame, fishbone: Fishbone, *, title: str, subtitle: str = "", currency: str = "USD"
) -> Display:
    """Draw causes by money, with the share of the gap that they explain together.

    Args:
        pareto: The result of ``rank_by_money``.
        fishbone: The fishbone that it was made of.
        title: The finding, in a sentence.
        subtitle: Company, period, last day.
        currency: The company's currency.

    Returns:
        A picture; a message where no cause has money. The light part of a bar is what another cause counts already, or
        what goes beyond the gap.
    """
    if pareto.empty:
        return show_message("empty", *EMPTY)
    unit = "currency" if fishbone.is_money else "count"
    canvas = Canvas(WIDTH, kind="pareto")
    lines = wrap_text(title, 16, WIDTH - 2 * MARGIN, weight=600, most=3)
    y = canvas.lines(MARGIN, 22, lines, leading=21, size=16, weight=600)
    canvas.text(MARGIN, y - 2, fit_text(subtitle, 13, WIDTH - 2 * MARGIN), size=13, fill="grey")
    y += 8
    counted = pareto.loc[pareto["group"] == THIS_PERIOD, "counted"].sum()
    most = max(float(pareto["claimed"].max()), -fishbone.gap - float(counted))
    for group in (THIS_PERIOD, LATER):
        rows = pareto[pareto["group"] == group]
        if len(rows):
            y = _Group(canvas, rows, fishbone, unit, currency, most).draw(y + 28)
    told = (
        "Solid: counted here. Light: counted by a cause above already, or beyond the gap. Hollow: not proven, opinion."
    )
    y = canvas.lines(MARGIN, y + 20, wrap_text(told, SMALL, WIDTH - 2 * MARGIN), leading=15, size=SMALL, fill="grey")
    return show_svg(
        canvas.render(y), title=title, subtitle=subtitle,
        numbers=pareto[["group", "cause", "claimed", "counted", "cumulative", "overlap"]],
        units={"claimed": unit, "counted": unit, "cumulative": "share"},
    )  # fmt: skip


class _Group:
    """The causes that count for the same money."""

    def __init__(
        self, canvas: Canvas, rows: pd.DataFrame, fishbone: Fishbone, unit: str, currency: str, most: float
    ) -> None:
        self.canvas, self.rows, self.fishbone = canvas, rows, fishbone
        self.unit, self.currency, self.most = unit, currency, most
        self.bars = MARGIN + NAME + GAP
        self.track = self.bars + BARS + GAP + 60

    def say(self, value: float) -> str:
        """Write an amount."""
        digits = None if self.unit == "currency" else 0
        return format_value(value, self.unit, currency=self.currency, digits=digits)

    def draw(self, y: float) -> float:
        """Draw the heading and a row per cause."""
        now = self.rows["group"].iloc[0] == THIS_PERIOD
        head = f"{self.fishbone.period}, gap {self.say(abs(self.fishbone.gap))}" if now else "Later revenue"
        if now and self.fishbone.gap >= 0:
            head = f"{self.fishbone.period}, nothing missing in all"
        beside = "Share of the gap, together" if now else "Share of these, together"
        self.canvas.text(MARGIN, y, head, size=13, weight=600)
        if self.rows["cumulative"].notna().any():
            self.canvas.text(self.track, y, beside, size=SMALL, fill="grey")
        y += 8
        for row in self.rows.head(MOST_ROWS).itertuples():
            y = self._draw_row(row, y)
        more = len(self.rows) - MOST_ROWS
        if more > 0:
            self.canvas.text(MARGIN, y + 14, f"+{more} more in the table below", size=SMALL, fill="grey")
            y += 18
        if now and self.fishbone.gap < 0:
            y = self._draw_rest(y)
        return y

    def _draw_row(self, row, y: float) -> float:
        lines = wrap_text(row.cause, TEXT, NAME, most=2)
        below = self.canvas.lines(MARGIN, y + 15, lines, leading=15, size=TEXT)
        if row.overlap:
            note = wrap_text(row.overlap, SMALL, NAME, most=2)
            below = self.canvas.lines(MARGIN, below, note, leading=14, size=SMALL, fill="grey")
        middle = y + 11
        claimed, counted = (BARS * value / self.most for value in (row.claimed, row.counted))
        is_sure = row.backing == PROVEN
        self.canvas.bar(self.bars, middle - BAR / 2, claimed, BAR, fill="bad_soft" if is_sure else "faint")
        self.canvas.bar(self.bars, middle - BAR / 2, counted, BAR, fill="bad" if is_sure else "mid")
        if not is_sure:
            self.canvas.bar(self.bars + 2, middle - BAR / 2 + 2, counted - 4, BAR - 4, fill="paper")
        told = self.say(row.counted)
        if row.counted < row.claimed - 0.5:
            told += f" of {self.say(row.claimed)}"
        x = self.bars + claimed + 7
        self.canvas.text(min(x, self.track - 12 - measure_text(told, TEXT)), middle + 4, told, size=TEXT, weight=600)
        if not words.is_missing(row.cumulative):
            self._draw_track(row.cumulative, row.share, middle)
        return max(below, y + 26) - 2

    def _draw_track(self, cumulative: float, share: float, middle: float) -> None:
        room = WIDTH - MARGIN - self.track - 44
        self.canvas.bar(self.track, middle - 4, room, 8, fill="faint")
        before = room * max(cumulative - share, 0.0)
        self.canvas.bar(self.track, middle - 4, before, 8, fill="bar")
        self.canvas.bar(self.track + before, middle - 4, max(room * share, 1.5), 8, fill="ink")
        self.canvas.text(self.track + room + 7, middle + 4, format_value(cumulative, "share", digits=0), size=TEXT)

    def _draw_rest(self, y: float) -> float:
        """Say what no cause explains."""
        rest = abs(self.fishbone.gap) - float(self.rows["counted"].sum())
        if rest < 0.005 * abs(self.fishbone.gap):
            return y
        self.canvas.text(MARGIN, y + 15, "No cause explains", size=TEXT, fill="grey")
        self.canvas.bar(self.bars, y + 3, BARS * min(rest / self.most, 1.0), BAR, fill="faint")
        x = self.bars + BARS * min(rest / self.most, 1.0) + 7
        told = self.say(rest)
        self.canvas.text(min(x, self.track - 12 - measure_text(told, TEXT)), y + 15, told, size=TEXT, fill="grey")
        return y + 26
