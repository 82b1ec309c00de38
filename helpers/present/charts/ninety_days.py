"""The next ninety days as a strip: what is done when and by whom, when it can first be seen, and what success is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from helpers.analyses.ninety_days_words import say_factors
from helpers.present.board_tables import NO_PLAN
from helpers.present.charts.canvas import Canvas, fit_text, measure_text, wrap_text
from helpers.present.display import Display, show_message, show_svg
from helpers.units import format_value

if TYPE_CHECKING:
    from helpers.analyses.ninety_days import NinetyDays, PlannedAction

WIDTH, MARGIN, NAME, BEYOND = 936, 12, 330, 118
TEXT, SMALL = 12.5, 11.5
ROW = 70
MOST_ROWS = 10


def draw_ninety_days(plan: NinetyDays, *, title: str, subtitle: str = "", currency: str = "USD") -> Display:
    """Draw the next ninety days.

    Args:
        plan: The result of ``plan_ninety_days``.
        title: The finding, in a sentence.
        subtitle: Company, period, last day.
        currency: The company's currency.

    Returns:
        A picture; a message that says what to do where nothing is planned.
    """
    if not plan.actions:
        return show_message("empty", *NO_PLAN)
    svg = _Strip(plan, currency, title, subtitle).draw()
    return show_svg(svg, title=title, subtitle=subtitle, numbers=_list_numbers(plan))


class _Strip:
    """The places of days and rows, and the strokes."""

    def __init__(self, plan: NinetyDays, currency: str, title: str, subtitle: str) -> None:
        self.plan, self.currency, self.subtitle = plan, currency, subtitle
        self.title = wrap_text(title, 16, WIDTH - 2 * MARGIN, weight=600, most=3)
        self.left, self.right = MARGIN + NAME, WIDTH - MARGIN - BEYOND
        self.rows = plan.actions[:MOST_ROWS]
        self.top = 22 + 21 * len(self.title) + 62
        self.bottom = self.top + ROW * len(self.rows)

    def x(self, day: date) -> float:
        """Return where a day stands; days beyond the strip stand at its ends."""
        share = (day - self.plan.start).days / max((self.plan.end - self.plan.start).days, 1)
        return self.left + (self.right - self.left) * min(max(share, 0.0), 1.0)

    def draw(self) -> str:
        """Draw it and return the picture."""
        canvas = Canvas(WIDTH, kind="ninety-days")
        y = canvas.lines(MARGIN, 22, self.title, leading=21, size=16, weight=600)
        canvas.text(MARGIN, y - 2, fit_text(self.subtitle, 13, WIDTH - 2 * MARGIN), size=13, fill="grey")
        self._draw_key(canvas, y + 20)
        self._draw_months(canvas)
        for place, one in enumerate(self.rows):
            self._draw_row(canvas, one, self.top + ROW * place)
        end = self.bottom + 6
        more = len(self.plan.actions) - len(self.rows)
        if more > 0:
            canvas.text(MARGIN, end + 12, f"+{more} more in the table below", size=SMALL, fill="grey")
            end += 20
        return canvas.render(self._draw_milestones(canvas, end + 22))

    def _draw_key(self, canvas: Canvas, y: float) -> None:
        x: float = MARGIN
        canvas.bar(x, y - 9, 24, 9, fill="mid", radius=2)
        canvas.text(x + 31, y, "work", size=SMALL, fill="grey")
        x += 78
        canvas.bar(x, y - 9, 24, 9, fill="accent_soft", radius=2)
        canvas.diamond(x, y - 4.5, 4.5)
        canvas.text(x + 31, y, "leading KPI moves, until half is through", size=SMALL, fill="grey")
        x += 36 + measure_text("leading KPI moves, until half is through", SMALL) + 16
        _draw_flag(canvas, x + 5, y - 4.5)
        canvas.text(x + 16, y, "outcome can first move", size=SMALL, fill="grey")

    def _draw_months(self, canvas: Canvas) -> None:
        y = self.top - 10
        canvas.line(self.left, y, self.left, self.bottom, stroke="ink", width=1.5)
        canvas.text(self.left + 4, y - 4, format_value(self.plan.start, "date"), size=SMALL, weight=600)
        for day in _list_firsts(self.plan.start, self.plan.end):
            x = self.x(day)
            canvas.line(x, y, x, self.bottom, stroke="rule")
            if x - self.left > 92 and self.right - x > 30:
                canvas.text(x + 4, y - 4, f"{day:%b}", size=SMALL, fill="grey")
        canvas.line(self.right, y, self.right, self.bottom, stroke="rule")
        canvas.text(self.right + 6, y - 4, "later", size=SMALL, fill="grey")

    def _draw_row(self, canvas: Canvas, one: PlannedAction, y: float) -> None:
        canvas.line(MARGIN, y - 4, WIDTH - MARGIN, y - 4, stroke="rule")
        canvas.text(MARGIN, y + 13, str(one.rank), size=13, weight=600, fill="accent")
        lines = wrap_text(one.action.text or "An action without words", TEXT, NAME - 34, most=2)
        below = canvas.lines(MARGIN + 20, y + 13, lines, leading=15, size=TEXT)
        owner = one.action.owner or "▲ nobody yet"
        canvas.text(MARGIN + 20, below, fit_text(owner, SMALL, NAME - 34), size=SMALL,
                    fill="grey" if one.action.owner else "bad", weight=400 if one.action.owner else 600)  # fmt: skip
        told = fit_text(say_factors(one, self.plan, self.currency), SMALL, NAME - 34)
        canvas.text(MARGIN + 20, below + 15, told, size=SMALL, fill="grey")
        self._draw_work(canvas, one, y + 14)
        self._draw_showing(canvas, one, y + 34)
        self._draw_outcome(canvas, one, y + 54)

    def _draw_work(self, canvas: Canvas, one: PlannedAction, y: float) -> None:
        """Draw from when to when it is worked on."""
        due = one.action.due
        if due is None:
            canvas.text(self.left + 8, y + 4, "no due date", size=SMALL, fill="bad", weight=600)
            return
        if one.is_overdue:
            canvas.text(self.left + 8, y + 4, f"overdue since {format_value(due, 'date')}", size=SMALL, fill="bad",
                        weight=600)  # fmt: skip
            return
        start = max(one.action.start or self.plan.start, self.plan.start)
        first, last = self.x(start), self.x(due)
        canvas.bar(first, y - 6, max(last - first, 4), 12, fill="mid", radius=2)
        words_ = f"due {_short(due)}"
        if last + measure_text(words_, SMALL) + 8 < self.right + 60:
            canvas.text(last + 6, y + 4, words_, size=SMALL, fill="grey")

    def _draw_showing(self, canvas: Canvas, one: PlannedAction, y: float) -> None:
        """Draw when the leading KPI moves."""
        leading = one.leading
        if leading.first is None or leading.half is None:
            if one.action.due is not None:
                canvas.text(self.left + 8, y + 4, "nothing can show in time", size=SMALL, fill="grey")
            return
        first, half = self.x(leading.first), self.x(leading.half)
        canvas.bar(first, y - 5, max(half - first, 3), 10, fill="accent_soft", radius=2)
        canvas.diamond(first, y, 5)
        told = f"{leading.label} {_short(leading.first)}"
        width = measure_text(told, SMALL)
        x = first - 10 - width
        canvas.text(half + 10 if x < self.left + 4 else x, y + 4, told, size=SMALL, fill="accent")

    def _draw_outcome(self, canvas: Canvas, one: PlannedAction, y: float) -> None:
        """Draw from when on the outcome can move."""
        first = one.lagging.first
        if first is None:
            return
        is_later = first > self.plan.end
        x = self.right + 11 if is_later else self.x(first)
        _draw_flag(canvas, x, y)
        told = format_value(first, "date") if is_later else f"{one.lagging.label} {_short(first)}"
        canvas.text(x + 10, y + 4, told, size=SMALL, fill="grey")

    def _draw_milestones(self, canvas: Canvas, y: float) -> float:
        """Draw what success is after 3, 6 and 12 months."""
        known = [one for one in self.plan.milestones if one.at_most > 0]
        if not known:
            canvas.text(MARGIN, y, "No cause has a price yet, so success has no amount.", size=SMALL, fill="grey")
            return y + 16
        canvas.text(MARGIN, y, "Success, added up from now, if the causes stay away", size=13, weight=600)
        unit = "currency" if self.plan.is_money else "count"
        width = (WIDTH - 2 * MARGIN) / len(known)
        for place, one in enumerate(known):
            x = MARGIN + width * place
            expected, most = (
                format_value(value, unit, currency=self.currency, digits=None if self.plan.is_money else 0)
                for value in (one.expected, one.at_most)
            )
            canvas.text(
                x, y + 20, f"after {one.months} months, {format_value(one.day, 'date')}", size=SMALL, fill="grey"
            )
            canvas.text(x, y + 43, expected, size=18, weight=600)
            canvas.text(
                x + measure_text(expected, 18, weight=600) + 10, y + 43, f"at most {most}", size=SMALL, fill="grey"
            )
        return y + 56


def _draw_flag(canvas: Canvas, x: float, y: float) -> None:
    """Draw a hollow triangle: the first day on which an outcome can move."""
    canvas.shape([(x - 5, y + 4.5), (x + 5, y + 4.5), (x, y - 5)], fill="paper", stroke="ink")


def _list_firsts(start: date, end: date) -> Iterator[date]:
    """List the first days of months after a day."""
    day = (start.replace(day=1) + timedelta(days=32)).replace(day=1)
    while day <= end:
        yield day
        day = (day + timedelta(days=32)).replace(day=1)


def _short(day: date) -> str:
    return f"{day.day} {day:%b}"


def _list_numbers(plan: NinetyDays) -> pd.DataFrame:
    rows = [
        (one.rank, one.action.text, one.action.owner or "nobody yet", one.action.due, one.leading.label or "–",
         one.leading.first, one.lagging.first, one.tell_day)
        for one in plan.actions
    ]  # fmt: skip
    columns = ["rank", "action", "owner", "due", "leading_kpi", "moves_from", "outcome_from", "told_on"]
    return pd.DataFrame(rows, columns=columns)
