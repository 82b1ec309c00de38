"""People by what they chose: one place per answer with whoever gave it below, and the CRM's diamond at its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from helpers.present.charts.canvas import Canvas, fit_text, measure_text, wrap_text

WIDEST_NAME = 190


@dataclass(frozen=True)
class Place:
    """One answer: its text (what explains it after a colon), who gave it, and what the CRM says to it."""

    text: str
    people: tuple[str, ...]
    is_named: bool = False
    crm: str = ""


def draw_places(
    canvas: Canvas, places: Sequence[Place], left: float, right: float, y: float, *, size: float, radius: float
) -> float:
    """Draw answers side by side, each with the people who gave it, and return where the drawing ends.

    Args:
        canvas: the picture in the making.
        places: the answers, in the order wanted.
        left: where the first one begins.
        right: where the last one ends.
        y: the height at which they begin.
        size: of the names' letters.
        radius: of a dot.
    """
    width = (right - left) / len(places)
    bottom = y
    for number, place in enumerate(places):
        x, inner = left + width * number, width - (20 if number + 1 < len(places) else 0)
        canvas.bar(x, y - 8, inner, 3, fill="accent" if place.crm else "accent_soft" if place.is_named else "faint")
        label, _, rest = place.text.partition(": ")
        lines = wrap_text(f"{label} · {len(place.people)}", size + 1, inner, weight=600, most=2)
        below = canvas.lines(x, y + 18, lines, leading=size + 6, size=size + 1, weight=600)
        if rest:
            told = wrap_text(rest, size - 3, inner, most=2)
            below = canvas.lines(x, below - 2, told, leading=size + 1, size=size - 3, fill="grey") + 3
        if place.people:
            below = _draw_names(canvas, place, x, below + 4, inner, size, radius) + size + 8
        if place.crm:
            canvas.diamond(x + radius, below - size * 0.35, radius)
            told = wrap_text(place.crm, size - 1, inner - 2 * radius - 8, most=3)
            below = canvas.lines(x + 2 * radius + 8, below, told, leading=size + 4, size=size - 1, fill="accent")
            below += 4 - (size + 4) + size + 8
        bottom = max(bottom, below - size - 4)
    return bottom


def _draw_names(canvas: Canvas, place: Place, x: float, y: float, width: float, size: float, radius: float) -> float:
    """Write people one after the other, each with a dot, and return the last line's height."""
    at = x
    for name in place.people:
        label = fit_text(name, size, min(WIDEST_NAME, width - 2 * radius - 6))
        needed = 2 * radius + 6 + measure_text(label, size)
        if at > x and at + needed > x + width:
            at, y = x, y + size + 9
        canvas.dot(at + radius, y - size * 0.35, radius, fill="accent" if place.is_named else "grey")
        canvas.text(at + 2 * radius + 6, y, label, size=size)
        at += needed + 16
    return y
