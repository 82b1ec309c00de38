"""The bow-tie: the funnel narrowing to the knot at closed won and widening to renewal and expansion, in one picture.

Drawn by hand as SVG, since its form carries the meaning: the left wing's width is the number of records on a
logarithmic scale (volumes span a thousandfold), the right wing's is money on a square-root scale where money is known.
Both scales are stated in the picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from itertools import pairwise
from typing import Any

import pandas as pd

from helpers.present import words
from helpers.present.display import Display, show_svg
from helpers.present.theme import FONT, LIGHT, SYMBOLS, find_light
from helpers.units import in_sentence

COLUMNS = [
    "stage",
    "label",
    "code",
    "volume",
    "previous_volume",
    "goal",
    "conversion_to_next",
    "conversion_low",
    "conversion_high",
    "conversion_n",
    "previous_conversion",
    "conversion_moved",
    "conversion_cohort",
    "median_days_to_next",
    "value",
    "light",
    "is_available",
    "note",
]
"""One row per stage, left to right; a missing column counts as missing values."""

WIDTH = 840
MARGIN = 20
WIDEST = 90.0
NARROWEST = 13.0
LEAST_DECADES = 2.0
"""The scale spans at least a hundredfold, so that two like numbers never look far apart."""
_UNITS = {
    "conversion_to_next": "share",
    "conversion_low": "share",
    "conversion_high": "share",
    "previous_conversion": "share",
    "median_days_to_next": "days",
    "value": "currency",
}


def draw_bowtie(
    bowtie: pd.DataFrame,
    *,
    title: str = "",
    subtitle: str = "",
    currency: str = "USD",
    knot: str = "won",
    compared: str = "previous period",
) -> Display:
    """Draw the bow-tie of one period.

    Args:
        bowtie: one row per stage, left to right, with the columns of ``COLUMNS``; conversions and days lead to the
            next row's stage, ``light`` is good, caution, bad or none, ``value`` is money at and after the knot.
        title: the finding, in a sentence; without one the picture says how many became won.
        subtitle: period and what is counted.
        currency: ISO code of the company's currency.
        knot: id of the stage that closes a deal as won.
        compared: what the outline shows, such as ``Q2 2026``.

    Returns:
        A display with the picture and its numbers.

    Raises:
        ValueError: the frame has no stages.
    """
    if bowtie.empty:
        raise ValueError("The bow-tie has no stages. It needs one row per stage, left to right.")
    stages = _read_stages(bowtie)
    title = title or _plain_title(stages, knot)
    picture = _Picture(stages, title, subtitle, currency, knot, compared)
    shown = bowtie[[column for column in COLUMNS if column in bowtie.columns and column != "stage"]]
    return show_svg(picture.draw(), title=title, subtitle=subtitle, numbers=shown, units=_UNITS)


def _read_stages(bowtie: pd.DataFrame) -> list[dict[str, Any]]:
    stages = []
    for record in bowtie.to_dict("records"):
        stage = {name: None if words.is_missing(record.get(name)) else record.get(name) for name in COLUMNS}
        stage["label"] = words.clean_text(stage["label"] or words.label_of(stage["stage"] or ""))
        told = record.get("is_available", True)
        has_number = stage["volume"] is not None or stage["value"] is not None
        stage["is_available"] = has_number and (words.is_missing(told) or bool(told))
        stages.append(stage)
    return stages


def _plain_title(stages: Sequence[dict[str, Any]], knot: str) -> str:
    counted = [stage for stage in stages if stage["volume"] is not None]
    won = next((stage for stage in counted if stage["stage"] == knot), None)
    if won is None or counted[0] is won:
        return "The revenue engine, stage by stage"
    before = counted[counted.index(won) - 1]
    return (
        f"{words.say_value(before['volume'])} {in_sentence(before['label'])} and {words.say_value(won['volume'])} "
        f"{in_sentence(won['label'])} in the period"
    )


class _Picture:
    """The geometry and the strokes of one bow-tie."""

    def __init__(
        self, stages: list[dict[str, Any]], title: str, subtitle: str, currency: str, knot: str, compared: str
    ) -> None:
        self.stages, self.currency, self.compared = stages, currency, compared
        self.knot = next((i for i, stage in enumerate(stages) if stage["stage"] == knot), None)
        self.title = words.wrap_evenly(title, 88)
        self.subtitle = words.wrap_words(subtitle, 122) if subtitle else []
        self.step = (WIDTH - 2 * MARGIN) / len(stages)
        self.xs = [MARGIN + self.step * (i + 0.5) for i in range(len(stages))]
        self.has_value = any(s["value"] is not None and s["volume"] is not None for s in stages)
        self.top = 22 + 21 * len(self.title) + 18 * len(self.subtitle)
        has_note = any(s["value"] is not None and s["volume"] is not None and s["note"] for s in stages)
        self.axis = self.top + 104 + 16 * (self.has_value + has_note) + WIDEST
        self.by_money = self._is_right_wing_money()
        self.halves = self._halves("volume")
        self.outline = self._halves("previous_volume")
        self.parts: list[str] = []

    def draw(self) -> str:
        self._draw_title()
        self._draw_wings()
        self._draw_outline()
        self._draw_knot()
        for i in range(len(self.stages)):
            self._draw_stage(i)
        for i in range(len(self.stages) - 1):
            self._draw_step(i)
        height = self._draw_scale()
        body = "".join(self.parts)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="bowtie" width="{WIDTH}" height="{height:.0f}" '
            f'viewBox="0 0 {WIDTH} {height:.0f}" font-family="{escape(FONT)}">'
            f'<rect width="{WIDTH}" height="{height:.0f}" fill="{LIGHT["paper"]}"/>{body}</svg>'
        )

    # geometry ---------------------------------------------------------------------------------------------------------

    def _is_right_wing_money(self) -> bool:
        if self.knot is None or not self.stages[self.knot]["value"]:
            return False
        after = [stage for stage in self.stages[self.knot + 1 :] if stage["is_available"]]
        return bool(after) and all((stage["value"] or 0) > 0 for stage in after)

    def _halves(self, field: str) -> list[float | None]:
        """Half the width of the wing at each stage in pixels; None where it is not known."""
        counts = [stage[name] for stage in self.stages for name in ("volume", "previous_volume") if stage[name]]
        most, least = math.log10(max(counts, default=1)), math.log10(min(counts, default=1))
        least = min(least, most - LEAST_DECADES)
        halves: list[float | None] = []
        for stage in self.stages:
            count = stage[field] if stage["is_available"] else None
            if count is None:
                halves.append(None)
            else:
                share = (math.log10(max(count, 1)) - least) / (most - least)
                halves.append(NARROWEST + (WIDEST - NARROWEST) * max(0.0, share))
        if self.by_money and self.knot is not None:
            self._widen_by_money(halves, field)
        return halves

    def _widen_by_money(self, halves: list[float | None], field: str) -> None:
        values = [self.stages[i]["value"] or 0.0 for i in range(self.knot or 0, len(self.stages))]
        start = halves[self.knot or 0] or NARROWEST
        factor = min(start / math.sqrt(values[0]), WIDEST / math.sqrt(max(values)))
        for i in range((self.knot or 0) + 1, len(self.stages)):
            value = self.stages[i]["value"] if field == "volume" and self.stages[i]["is_available"] else None
            halves[i] = max(5.0, factor * math.sqrt(value)) if value else None

    def _guessed(self, i: int) -> float:
        """A width for a stage without numbers, for its dashed outline only: between its neighbours, or opening."""
        before = next(((j, self.halves[j]) for j in range(i - 1, -1, -1) if self.halves[j] is not None), None)
        after = next(((j, self.halves[j]) for j in range(i + 1, len(self.halves)) if self.halves[j] is not None), None)
        if before and after:
            return before[1] + (after[1] - before[1]) * (i - before[0]) / (after[0] - before[0])
        if before and self.knot is not None and i > self.knot:
            return min(WIDEST * 0.7, before[1] + 17 * (i - max(before[0], self.knot)))
        return before[1] if before else min(WIDEST, after[1] + 9 * (after[0] - i)) if after else WIDEST / 2

    # strokes ----------------------------------------------------------------------------------------------------------

    def _text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float,
        fill: str = "ink",
        weight: int = 400,
        anchor: str = "middle",
    ) -> None:
        bold = f' font-weight="{weight}"' if weight != 400 else ""
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{LIGHT[fill]}" text-anchor="{anchor}"{bold}>'
            f"{escape(words.clean_text(text))}</text>"
        )

    def _draw_title(self) -> None:
        y = 22.0
        for line in self.title:
            self._text(MARGIN, y, line, size=16, weight=600, anchor="start")
            y += 21
        for line in self.subtitle:
            self._text(MARGIN, y, line, size=13, fill="grey", anchor="start")
            y += 18

    def _ribbon(self, x0: float, h0: float, x1: float, h1: float) -> str:
        middle, a = (x0 + x1) / 2, self.axis
        return (
            f"M{x0:.1f} {a - h0:.1f}C{middle:.1f} {a - h0:.1f} {middle:.1f} {a - h1:.1f} {x1:.1f} {a - h1:.1f}"
            f"L{x1:.1f} {a + h1:.1f}C{middle:.1f} {a + h1:.1f} {middle:.1f} {a + h0:.1f} {x0:.1f} {a + h0:.1f}Z"
        )

    def _draw_wings(self) -> None:
        edge = self.step * 0.42
        for i in range(len(self.stages)):
            half = self.halves[i]
            if i == 0:
                self._segment(self.xs[0] - edge, half, self.xs[0], half, i, i, "faint")
            if i + 1 < len(self.stages):
                self._segment(self.xs[i], half, self.xs[i + 1], self.halves[i + 1], i, i + 1, self._tint(i))
            else:
                self._segment(self.xs[i], half, self.xs[i] + edge, half, i, i, "faint")

    def _segment(self, x0: float, h0: float | None, x1: float, h1: float | None, i: int, j: int, fill: str) -> None:
        if h0 is not None and h1 is not None:
            self.parts.append(f'<path d="{self._ribbon(x0, h0, x1, h1)}" fill="{LIGHT[fill]}"/>')
            return
        path = self._ribbon(x0, h0 or self._guessed(i), x1, h1 or self._guessed(j))
        upper, lower = path.split("L")
        self.parts.append(
            f'<path d="{upper}M{lower.removesuffix("Z")}" fill="none" stroke="{LIGHT["mid"]}" stroke-dasharray="3 4"/>'
        )

    def _tint(self, i: int) -> str:
        return {"bad": "bad_soft", "good": "good_soft"}.get(self._moved(i), "faint")

    def _moved(self, i: int) -> str:
        """Whether a conversion changed by more than chance: as told, else from its interval and a like one before."""
        stage = self.stages[i]
        if stage["conversion_moved"] is not None:
            return str(stage["conversion_moved"])
        now, before = stage["conversion_to_next"], stage["previous_conversion"]
        low, high = stage["conversion_low"], stage["conversion_high"]
        if None in (now, before, low, high):
            return ""
        if before > now + math.sqrt(2) * (high - now):
            return "bad"
        return "good" if before < now - math.sqrt(2) * (now - low) else ""

    def _draw_outline(self) -> None:
        known = [(x, half) for x, half in zip(self.xs, self.outline, strict=True) if half is not None]
        if len(known) < 2:
            return
        for sign in (-1, 1):
            path = f"M{known[0][0]:.1f} {self.axis + sign * known[0][1]:.1f}"
            for (x0, h0), (x1, h1) in pairwise(known):
                middle = (x0 + x1) / 2
                y0, y1 = self.axis + sign * h0, self.axis + sign * h1
                path += f"C{middle:.1f} {y0:.1f} {middle:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"
            self.parts.append(f'<path d="{path}" fill="none" stroke="{LIGHT["grey"]}" stroke-width="1.2"/>')

    def _draw_knot(self) -> None:
        for i, x in enumerate(self.xs):
            half = self.halves[i] if self.halves[i] is not None else self._guessed(i)
            if i == self.knot:
                self.parts.append(
                    f'<rect x="{x - 9:.1f}" y="{self.axis - half - 7:.1f}" width="18" height="{2 * half + 14:.1f}" '
                    f'rx="6" fill="{LIGHT["ink"]}"/>'
                )
            elif self.halves[i] is not None:
                self.parts.append(
                    f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{self.axis - half:.1f}" y2="{self.axis + half:.1f}" '
                    f'stroke="{LIGHT["mid"]}" stroke-width="2"/>'
                )

    def _draw_stage(self, i: int) -> None:
        stage, x, y = self.stages[i], self.xs[i], self.top
        lines = words.wrap_words(stage["label"], max(9, int(self.step / 7)))[:2]
        for k, line in enumerate(lines):
            self._text(x, y + 12 + 15 * (k + 2 - len(lines)), line, size=12.5, weight=600)
        if not stage["is_available"]:
            self._text(x, y + 50, "not available", size=12, fill="grey")
            for k, line in enumerate(self._note(stage)):
                self._text(x, y + 66 + 13 * k, line, size=10.5, fill="grey")
            return
        is_count = stage["volume"] is not None
        number = words.say_value(stage["volume"]) if is_count else self._money(stage["value"])
        self._text(x, y + 53, number, size=20 if len(number) * 13 < self.step else 17, weight=600)
        light = find_light(stage["light"])
        is_lit = light.colour != "grey"
        compared = self._comparison(stage)
        for k, line in enumerate([compared] if compared else self._note(stage)[: 1 if is_lit else 3]):
            self._text(x, y + 70 + 14 * k, line, size=11, fill="grey")
        if is_lit:
            colour = "caution_text" if light.colour == "caution" else light.colour
            self._light(x, y + 87, light.shape, light.word, colour)
        if is_count and stage["value"] is not None:
            self._text(x, y + 106, self._money(stage["value"]), size=13, weight=600)
            self._text(x, y + 121, " ".join(self._note(stage)), size=10.5, fill="grey")

    def _light(self, x: float, y: float, shape: str, word: str, colour: str) -> None:
        drawn = f'<tspan font-family="{escape(SYMBOLS)}" font-weight="400">{shape}</tspan>'
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="11.5" font-weight="600" text-anchor="middle" '
            f'fill="{LIGHT[colour]}">{drawn} {escape(word)}</text>'
        )

    def _comparison(self, stage: dict[str, Any]) -> str:
        if stage["goal"] is not None:
            unit = "count" if stage["volume"] is not None else "currency"
            return f"goal {words.say_value(stage['goal'], unit, currency=self.currency)}"
        if stage["volume"] is not None and stage["previous_volume"] is not None:
            return f"was {words.say_value(stage['previous_volume'])}"
        return ""

    def _note(self, stage: dict[str, Any]) -> list[str]:
        return words.wrap_words(str(stage["note"] or ""), max(10, int(self.step / 6.2)))[:3]

    def _money(self, value: float | None) -> str:
        return words.say_value(value, "currency", currency=self.currency)

    def _draw_step(self, i: int) -> None:
        stage, x = self.stages[i], (self.xs[i] + self.xs[i + 1]) / 2
        y = self.axis + WIDEST + 16
        left, right = self.xs[i] + 6, self.xs[i + 1] - 6
        self.parts.append(
            f'<path d="M{left:.1f} {y}H{right:.1f}M{right - 4:.1f} {y - 3}L{right:.1f} {y}L{right - 4:.1f} {y + 3}" '
            f'fill="none" stroke="{LIGHT["mid"]}"/>'
        )
        if stage["conversion_to_next"] is None:
            self._text(x, y + 20, "not available", size=11, fill="grey")
        else:
            moved = self._moved(i)
            fill = moved or "ink"
            self._text(x, y + 22, words.say_value(stage["conversion_to_next"], "share"), size=17, weight=600, fill=fill)
            spread = words.say_range(stage["conversion_low"], stage["conversion_high"])
            self._text(x, y + 38, spread, size=11, fill="grey")
            if stage["previous_conversion"] is not None:
                was = f"was {words.say_value(stage['previous_conversion'], 'share')}"
                shape = {"bad": "▼ ", "good": "▲ "}.get(moved, "")
                self._text(x, y + 53, f"{shape}{was}", size=11, fill=moved or "grey", weight=600 if moved else 400)
        if stage["conversion_to_next"] is not None and stage["conversion_cohort"]:
            basis = f"n {stage['conversion_n'] or 0:,.0f} · {words.shorten(stage['conversion_cohort'], 12)}"
            self._text(x, y + 84, basis, size=10.5, fill="grey")
        if stage["median_days_to_next"] is not None:
            self._text(x, y + 69, f"in {words.say_value(stage['median_days_to_next'], 'days')}", size=11.5)

    def _draw_scale(self) -> float:
        y = self.axis + WIDEST + (126 if any(stage["conversion_cohort"] for stage in self.stages) else 112)
        has_outline = any(half is not None for half in self.outline)
        wing = "Left of the knot" if self.by_money else "Width"
        told = f"{wing}: number of records, logarithmic (tenfold is always the same step)"
        told += "; right: money, square root." if self.by_money else "."
        told += f" Line: {self.compared}." if has_outline else ""
        told += " Between stages: share that went on, its interval, the period before, median days, n of the cohort."
        for line in words.wrap_words(told, 138):
            self._text(MARGIN, y, line, size=11.5, fill="grey", anchor="start")
            y += 15
        return y + 2
