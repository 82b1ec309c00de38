"""The X-matrix: tactics above, long-term goals below, this year's goals to the left, KPIs with targets to the right."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.analyses.cascade_correlations import SOME, STRONG, count_differences, list_kpis, relate_parts
from helpers.model.cascade import WHOLE
from helpers.present import words
from helpers.present.charts.canvas import Canvas, fit_text, measure_text, wrap_text
from helpers.present.display import Display, show_message, show_svg
from helpers.present.theme import find_light

if TYPE_CHECKING:
    from helpers.analyses.cascade import CascadeReview

MARGIN, CENTRE, OWNER = 12, 208, 112
GOAL, KPI, ROW, BAND, TOP = 76, 52, 36, 142, 56
MOST_KPIS, MOST_GOALS, MOST_ROWS = 10, 5, 14
TEXT, SMALL = 12.5, 11.5
NOBODY = "nobody yet"
EMPTY = (
    "Nobody has written a cascade yet",
    "A cascade says for every goal who does what for it, by when, and what it is to bring.",
    "Write the first company goal and a tactic for it, in the form or in answers/cascade.toml.",
)


def show_x_matrix(review: CascadeReview, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Show the X-matrix of a cascade, or that there is none yet.

    Args:
        review: The cascade as measured and checked.
        subtitle: Company, period, last day.
        currency: ISO code of the company's currency.

    Returns:
        A picture. Each corner says how far its row and column hang together: blue what people typed, grey beside it
        what the links imply; filled is strong, hollow is some.
    """
    if review.is_empty or not (review.cascade.tactics or review.cascade.goals):
        return show_message("empty", *EMPTY)
    relations = relate_parts(review.cascade, review.ruler)
    title = say_title(review, relations)
    picture = _Picture(review, relations, currency, title=title, subtitle=subtitle)
    return show_svg(picture.draw(), title=title, subtitle=subtitle, numbers=_list_numbers(picture))


def say_title(review: CascadeReview, relations: pd.DataFrame) -> str:
    """Say in a sentence how far what people see and what is linked agree."""
    seen, unseen = count_differences(relations)
    tactics = words.count_of(len(review.cascade.tactics), "tactic")
    goals = words.count_of(len(review.cascade.of_level("company")), "company goal")
    lone = review.checks[(review.checks["level"] == "tactic") & (review.checks["check"] == "link")]["id"].nunique()
    if lone:
        return f"{lone} of {tactics} {'serves' if lone == 1 else 'serve'} none of the {goals}"
    if seen:
        verb = "is" if seen == 1 else "are"
        return f"{tactics} for {goals}; {words.count_of(seen, 'connection')} that people see {verb} not linked"
    if unseen:
        return f"{tactics} for {goals}; {words.count_of(unseen, 'link')} nobody has weighed yet"
    return f"{tactics} for {goals}, each linked and weighed"


class _Picture:
    """The places of everything, and the strokes."""

    def __init__(
        self, review: CascadeReview, relations: pd.DataFrame, currency: str, *, title: str, subtitle: str
    ) -> None:
        cascade, checks = review.cascade, review.checks
        self.lone = set(checks.loc[(checks["level"] == "tactic") & (checks["check"] == "link"), "id"])
        self.review, self.currency = review, currency
        self.tactics = list(cascade.tactics.values())[:MOST_ROWS]
        self.far = cascade.of_level("long_term")[:MOST_ROWS]
        self.goals = cascade.of_level("company")[:MOST_GOALS]
        self.kpis = list_kpis(cascade, review.ruler)[:MOST_KPIS]
        self.plan: Mapping[str, Mapping[Any, Any]] = {row["id"]: row for row in review.plan.to_dict("records")}
        self.relations = {(row["row"], row["column"]): row for row in relations.to_dict("records")}
        goals = max(1, len(self.goals))
        longest = [measure_text(word, SMALL, weight=600) + 12 for goal in self.goals for word in goal.title.split()]
        self.goal_width = min(GOAL * 1.4, max(GOAL, 152 / goals, *longest, 0))
        self.left = MARGIN + self.goal_width * goals
        self.right = self.left + CENTRE
        widths = [self._measure_kpi(kpi) for kpi in self.kpis] or [KPI]
        self.kpi_at = [self.right + sum(widths[:place]) for place in range(len(widths) + 1)]
        self.end = self.kpi_at[-1]
        self.width = self.end + OWNER + MARGIN
        self.title = wrap_text(title, 16, self.width - 2 * MARGIN, weight=600, most=3)
        self.subtitle = fit_text(subtitle, 13, self.width - 2 * MARGIN)
        self.top = TOP + 21 * len(self.title)
        self.band = self.top + ROW * max(1, len(self.tactics))
        self.bottom = self.band + BAND
        self.height = self.bottom + ROW * max(1, len(self.far)) + 26

    def draw(self) -> str:
        """Draw it and return the picture."""
        canvas = Canvas(self.width, kind="x-matrix")
        self._draw_key(canvas)
        self._draw_grid(canvas)
        self._draw_centre(canvas)
        self._draw_rows(canvas, self.tactics, self.top, "No tactic yet")
        self._draw_rows(canvas, self.far, self.bottom, "No long-term goal yet")
        for place, goal in enumerate(self.goals):
            self._draw_goal(canvas, goal, self.left - (place + 1) * self.goal_width)
        for place, kpi in enumerate(self.kpis):
            self._draw_kpi(canvas, kpi, self.kpi_at[place], self.kpi_at[place + 1] - self.kpi_at[place])
        if not self.goals:
            canvas.lines(MARGIN + 6, self.band + 40, ["No company", "goal yet"], leading=16, size=TEXT, fill="grey")
        canvas.text(self.end + 10, self.band + BAND / 2 + 4, "Owner", size=TEXT, fill="grey")
        self._draw_left_out(canvas)
        return canvas.render(self.height)

    def _draw_key(self, canvas: Canvas) -> None:
        y = canvas.lines(MARGIN, 22, self.title, leading=21, size=16, weight=600)
        canvas.text(MARGIN, y - 2, self.subtitle, size=13, fill="grey")
        x, y = MARGIN, y + 22
        for told, marks in (
            ("As people see it", ((STRONG, ""), (SOME, ""))),
            ("as the links imply", (("", STRONG), ("", SOME))),
        ):
            canvas.text(x, y, told, size=SMALL, fill="grey")
            x += measure_text(told, SMALL) + 12
            for (typed, implied), name in zip(marks, ("strong", "some"), strict=True):
                _draw_mark(canvas, x + 4, y - 4, typed, implied, gap=0)
                canvas.text(x + 14, y, name, size=SMALL, fill="grey")
                x += measure_text(name, SMALL) + 28
            x += 12

    def _draw_grid(self, canvas: Canvas) -> None:
        for rows, top in ((len(self.tactics), self.top), (len(self.far), self.bottom)):
            for line in range(max(1, rows) + 1):
                canvas.line(MARGIN, top + line * ROW, self.width - MARGIN, top + line * ROW, stroke="rule")
        bottom = self.bottom + ROW * max(1, len(self.far))
        for place in range(max(1, len(self.goals)) + 1):
            x = self.left - place * self.goal_width
            canvas.line(x, self.top, x, bottom, stroke="rule")
        for place in range(len(self.kpi_at)):
            canvas.line(self.kpi_at[place], self.top, self.kpi_at[place], bottom, stroke="rule")

    def _draw_centre(self, canvas: Canvas) -> None:
        middle_x, middle_y = self.left + CENTRE / 2, self.band + BAND / 2
        canvas.bar(self.left, self.band, CENTRE, BAND, fill="raised")
        for x1, y1, x2, y2 in (
            (self.left, self.band, self.right, self.bottom), (self.left, self.bottom, self.right, self.band),
        ):  # fmt: skip
            canvas.line(x1, y1, x2, y2, stroke="mid")
        bold = {"size": TEXT, "weight": 600, "anchor": "middle"}
        canvas.text(middle_x, self.band + 22, "Tactics", **bold)
        canvas.text(middle_x, self.bottom - 14, "Long-term goals", **bold)
        canvas.lines(self.left + 38, middle_y - 4, ["Company", "goals"], leading=15, **bold)
        canvas.lines(self.right - 36, middle_y - 4, ["KPIs and", "targets"], leading=15, **bold)

    def _draw_rows(self, canvas: Canvas, items: list[Any], top: float, empty: str) -> None:
        if not items:
            canvas.text(self.left + 10, top + ROW / 2 + 4, empty, size=TEXT, fill="grey")
        for place, item in enumerate(items):
            y = top + place * ROW + ROW / 2
            is_lone = item.id in self.lone
            lines = wrap_text(item.title, TEXT, CENTRE - 20, most=1 if is_lone else 2)
            start = y + 4 - (len(lines) - 1 + is_lone) * 7.5
            below = canvas.lines(self.left + 10, start, lines, leading=15, size=TEXT)
            if is_lone:
                canvas.text(self.left + 10, below, "▲ serves no goal", size=SMALL, fill="bad")
            columns = [(goal.id, self.left - (n + 0.5) * self.goal_width) for n, goal in enumerate(self.goals)]
            columns += [(kpi, (self.kpi_at[n] + self.kpi_at[n + 1]) / 2) for n, kpi in enumerate(self.kpis)]
            for column, x in columns:
                found = self.relations.get((item.id, column), {})
                _draw_mark(canvas, x, y, found.get("typed", ""), found.get("implied", ""))
            self._draw_owner(canvas, item, y + 4)

    def _draw_owner(self, canvas: Canvas, item: Any, y: float) -> None:
        owner = self.review.cascade.people.get(item.owner)
        if owner is None:
            canvas.text(self.end + 10, y, f"▲ {NOBODY}", size=TEXT, fill="bad")
        else:
            name = wrap_text(owner.name, TEXT, OWNER - 12, most=2)
            canvas.lines(self.end + 10, y - (len(name) - 1) * 7.5, name, leading=15, size=TEXT)

    def _draw_goal(self, canvas: Canvas, goal: Any, x: float) -> None:
        lines = wrap_text(goal.title, SMALL, self.goal_width - 10, most=5)
        y = canvas.lines(x + 5, self.band + 18, lines, leading=14, size=SMALL, weight=600)
        owner = self.review.cascade.people.get(goal.owner)
        name = wrap_text(owner.name if owner else f"▲ {NOBODY}", SMALL, self.goal_width - 10, most=2)
        y = canvas.lines(x + 5, y + 2, name, leading=13, size=SMALL, fill="grey" if owner else "bad")
        self._draw_light(canvas, goal.id, x + 5, self.bottom - 8)

    def _draw_light(self, canvas: Canvas, id: str, x: float, y: float) -> None:
        row = self.plan.get(id, {})
        if row.get("state") not in ("good", "caution", "bad"):
            return
        light = find_light(row["state"])
        fill = "caution_text" if light.colour == "caution" else light.colour
        canvas.dot(x + 5, y - 4, 4.5, fill=fill if light.shape == "●" else "paper", stroke=fill)
        if light.shape == "◐":
            half = [
                (x + 5 - 4 * math.sin(step * math.pi / 8), y - 4 - 4 * math.cos(step * math.pi / 8))
                for step in range(9)
            ]
            canvas.shape(half, fill=fill)
        canvas.text(x + 14, y, light.word, size=SMALL, fill=fill)

    def _measure_kpi(self, kpi: str) -> float:
        """Return a column's width: its longest word fits."""
        label = self.review.ruler.catalog.kpis[kpi].label
        longest = [measure_text(word, SMALL) for word in label.split()]
        longest += [measure_text(word, SMALL, weight=600) for word in self.say_target(kpi).split()]
        return min(max(KPI, max(longest, default=0) + 12), 1.6 * KPI)

    def _draw_kpi(self, canvas: Canvas, kpi: str, x: float, width: float) -> None:
        label = self.review.ruler.catalog.kpis[kpi].label
        y = canvas.lines(x + 5, self.band + 18, wrap_text(label, SMALL, width - 8, most=4), leading=13, size=SMALL)
        told = wrap_text(self.say_target(kpi), SMALL, width - 8, most=3, weight=600)
        canvas.lines(x + 5, max(y + 6, self.band + 74), told, leading=13, size=SMALL, weight=600)

    def say_target(self, kpi: str) -> str:
        """Say what is wanted of a KPI: the goal of the highest level that has it, else what tactics add to it."""
        cascade, unit = self.review.cascade, self.review.ruler.catalog.kpis[kpi].unit

        def say(value: float) -> str:
            if unit == "share":
                return words.say_value(value, unit, digits=0 if abs(value * 100 - round(value * 100)) < 1e-9 else 1)
            return words.say_value(value, unit, currency=self.currency)

        goals = [goal for level in ("company", "department", "long_term") for goal in cascade.of_level(level)]
        found = next((goal for goal in goals if goal.kpi == kpi and goal.target is not None), None)
        if found:
            where = "" if found.dimension == WHOLE else f" {found.slice}"
            return f"{say(found.target or 0)}{where}"
        first = next((one for one in cascade.tactics.values() if one.kpi == kpi and one.amount is not None), None)
        if first is None:
            return ""
        change = (
            f"{first.amount * 100:+.0f} points"
            if unit == "share"
            else f"{'+' if first.amount > 0 else ''}{say(first.amount)}"
        )
        return change.replace("-", "−")

    def _draw_left_out(self, canvas: Canvas) -> None:
        cascade, ruler = self.review.cascade, self.review.ruler
        left_out = [
            (len(cascade.tactics) - len(self.tactics), "tactic"),
            (len(cascade.of_level("company")) - len(self.goals), "company goal"),
            (len(list_kpis(cascade, ruler)) - len(self.kpis), "KPI"),
        ]
        told = [f"{words.count_of(n, what)}" for n, what in left_out if n > 0]
        if told:
            said = f"Not drawn for lack of room: {words.join_words(told)}; the table below has them all."
            canvas.text(MARGIN, self.height - 8, said, size=SMALL, fill="grey")


def _draw_mark(canvas: Canvas, x: float, y: float, typed: str, implied: str, *, gap: float = 9) -> None:
    """Draw what people typed as a blue dot and what the links imply as a grey diamond beside it."""
    if typed:
        canvas.dot(
            x - gap, y, 6 if typed == STRONG else 5, fill="accent" if typed == STRONG else "paper", stroke="accent"
        )
    if implied:
        size, centre = 5.5, x + gap
        points = [(centre, y - size), (centre + size, y), (centre, y + size), (centre - size, y)]
        canvas.shape(points, fill="mid" if implied == STRONG else "paper", stroke="mid")


def _list_numbers(picture: _Picture) -> pd.DataFrame:
    cascade, rows = picture.review.cascade, []
    for (row, column), found in picture.relations.items():
        if not (found["typed"] or found["implied"]):
            continue
        kpi = picture.review.ruler.catalog.kpis.get(column)
        rows.append(
            {
                "what": cascade.name_of(row),
                "hangs_together_with": kpi.label if kpi and column not in cascade.goals else cascade.name_of(column),
                "as_people_see_it": found["typed"] or "–",
                "as_the_links_imply": found["implied"] or "–",
                "why": found["why"] or "no link says so",
            }
        )
    columns = ["what", "hangs_together_with", "as_people_see_it", "as_the_links_imply", "why"]
    return pd.DataFrame(rows, columns=columns)
