"""The fishbone: the gap as its head, the Ms as its bones; evidence is solid, an opinion dashed, votes are dots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from helpers.analyses.fishbone import OPINION, PROVEN, SUSPECTED
from helpers.analyses.fishbone_words import (
    VERDICT_WORDS,
    describe_roofs,
    say_confidence,
    say_roof,
    say_standing,
    say_worth,
)
from helpers.present import words
from helpers.present.charts.canvas import Canvas, fit_text, measure_text, wrap_text
from helpers.present.display import Display, show_message, show_svg, show_table
from helpers.units import format_value

if TYPE_CHECKING:
    from helpers.analyses.fishbone import Bone, Fishbone, Leaf, Roof

WIDTH, MARGIN, HEAD, SLANT, GAP = 936, 12, 160, 34, 18
TEXT, SMALL, LEADING = 12.5, 11.5, 15
LABEL, BRACKET, META = 38, 26, 16
MOST_LEAVES, MOST_ROOFS, MOST_DOTS = 4, 2, 6
NECK = 20
"""Pixels between the last bone and the head, so that no cause touches it."""

SHALLOWEST = 56
"""Pixels of a bone without causes."""

LEANS = 26
"""Pixels by which an upper bone leans into the words of a cause beside it."""

EMPTY = (
    "There is no cause to draw yet",
    "Neither the data nor anybody on the board names one for this period.",
    "Write down what you suspect on the board; a cause needs no proof to be written, only to be kept.",
)


def draw_fishbone(fishbone: Fishbone, *, title: str, subtitle: str = "", currency: str = "USD") -> Display:
    """Draw the fishbone of a gap.

    Args:
        fishbone: The result of ``build_fishbone``.
        title: The finding, in a sentence.
        subtitle: Company, period, last day.
        currency: The company's currency.

    Returns:
        A picture; a message where nothing and nobody names a cause. What doesn't fit stands in the table.
    """
    if fishbone.is_empty:
        return show_message("empty", *EMPTY)
    picture = _Picture(fishbone, currency, title, subtitle)
    numbers = list_causes(fishbone)[["bone", "cause", "backing", "verdict", "money", "dots"]]
    return show_svg(
        picture.draw(), title=title, subtitle=subtitle, numbers=numbers,
        units={"money": "currency" if fishbone.is_money else "count"},
    )  # fmt: skip


def draw_fishbone_table(fishbone: Fishbone, *, title: str, subtitle: str = "", currency: str = "USD") -> Display:
    """Show every cause of a fishbone with what stands behind it, also those that the picture has no room for.

    Args:
        fishbone: The result of ``build_fishbone``.
        title: The finding, in a sentence.
        subtitle: Company, period, last day.
        currency: The company's currency.
    """
    if fishbone.is_empty:
        return show_message("empty", *EMPTY)
    listed = list_causes(fishbone)
    table = pd.DataFrame(
        {
            "bone": listed["bone"],
            "cause": listed["cause"],
            "backing": _join(listed["backing"], listed["basis"]),
            "verdict": _join(listed["verdict"], listed["state"]),
            "money": listed["money"],
            "counts_for": listed["counts_for"],
            "confidence": listed["confidence"],
            "dots": listed["dots"],
        }
    )
    note = "Not proven: it stands out by itself, but so much was searched that it may be luck."
    if fishbone.elsewhere:
        note += f" {words.count_of(fishbone.elsewhere, 'cause')} of other periods left out."
    return show_table(
        table,
        title=title,
        subtitle=subtitle,
        units={"money": "currency" if fishbone.is_money else "count", "confidence": "share"},
        labels={
            "bone": "M", "backing": "Behind it", "money": "Worth", "counts_for": "Counts for", "dots": "Votes",
        },
        currency=currency,
        note=note,
    )  # fmt: skip


def _join(first: pd.Series, second: pd.Series) -> list[str]:
    """Write two columns as one, what is missing left out."""
    pairs = zip(first, second, strict=True)
    return [", ".join(part for part in pair if part != "–") or "–" for pair in pairs]


def list_causes(fishbone: Fishbone) -> pd.DataFrame:
    """List every cause of a fishbone, bone by bone.

    Returns:
        One row per cause: bone, cause, backing, verdict, state, money, counts_for, confidence (0–1), dots, basis.
    """
    rows = [
        (
            bone.label, leaf.text, leaf.backing, VERDICT_WORDS[leaf.verdict] or "–", leaf.state or "–", leaf.money,
            leaf.counts_for or "–", leaf.confidence, leaf.dots, leaf.basis or "–",
        )
        for bone in fishbone.bones
        for leaf in bone.leaves
    ]  # fmt: skip
    columns = [
        "bone", "cause", "backing", "verdict", "state", "money", "counts_for", "confidence", "dots", "basis",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).astype({"money": float, "confidence": float})


class _Half:
    """The bones on one side of the spine, and how much room each cause takes."""

    def __init__(self, bones: Sequence[Bone], is_top: bool, picture: _Picture) -> None:
        self.bones, self.is_top, self.picture = bones, is_top, picture
        self.column = (WIDTH - 2 * MARGIN - HEAD - NECK - SLANT) / max(1, len(bones))
        self.width = self.column - GAP
        self.texts = [self._wrap_all(bone.leaves[:MOST_LEAVES]) for bone in bones]
        self.depth = max([SHALLOWEST, *(self._measure(place) for place in range(len(bones)))])
        mine = {bone.m for bone in bones}
        self.roofs = [roof for roof in picture.fishbone.roofs[:MOST_ROOFS] if mine & set(roof.bones)]
        self.height = self.depth + LABEL + BRACKET * len(self.roofs)

    def _wrap_all(self, leaves: Sequence[Leaf]) -> list[list[str]]:
        """Break the words of a bone's causes into lines: fewer for each where there are many."""
        most = 4 if len(leaves) <= 2 else 3 if len(leaves) == 3 else 2
        room = self.width - (LEANS if self.is_top else 8)
        return [
            wrap_text(leaf.text, TEXT, room, weight=600 if leaf.state == "kept" else 400, most=most) for leaf in leaves
        ]

    def _measure(self, place: int) -> float:
        """Return how deep a bone is."""
        blocks = sum(LEADING * len(lines) + META + 14 for lines in self.texts[place])
        return 20 + blocks + (16 if len(self.bones[place].leaves) > MOST_LEAVES else 0)

    def end(self, place: int) -> float:
        """Return where a bone meets the spine."""
        return MARGIN + SLANT + self.column * (place + 1)

    def draw(self, canvas: Canvas, spine: float) -> None:
        """Draw the bones with their causes, and the brackets over them."""
        tip = spine - self.depth if self.is_top else spine + self.depth
        for place, bone in enumerate(self.bones):
            end = self.end(place)
            canvas.line(end - SLANT, tip, end, spine, stroke="grey", width=2)
            self._draw_label(canvas, bone, end - SLANT, tip)
            self._draw_leaves(canvas, place, tip, spine)
        for level, roof in enumerate(self.roofs):
            self._draw_roof(canvas, roof, level, tip)

    def _draw_label(self, canvas: Canvas, bone: Bone, x: float, tip: float) -> None:
        asked = f"{bone.evident} of {words.count_of(bone.asked, 'question')} with evidence" if bone.asked else ""
        y = tip - 22 if self.is_top else tip + 18
        canvas.text(x + 8, y, bone.label, size=14, weight=600, anchor="end")
        canvas.text(x + 8, y + 15, asked, size=SMALL, fill="grey", anchor="end")

    def _draw_leaves(self, canvas: Canvas, place: int, tip: float, spine: float) -> None:
        bone, slope = self.bones[place], SLANT / self.depth
        y = (tip if self.is_top else spine) + 4
        for leaf, lines in zip(bone.leaves, self.texts[place], strict=False):
            base = y + LEADING * len(lines) + META + 6
            x = self.end(place) - abs(spine - base) * slope
            self.picture.draw_leaf(canvas, leaf, lines, x - self.width, x, base)
            y = base + 8
        more = len(bone.leaves) - MOST_LEAVES
        if more > 0:
            x = self.end(place) - abs(spine - y - 10) * slope - self.width
            canvas.text(x, y + 12, f"+{more} more in the table below", size=SMALL, fill="grey")

    def _draw_roof(self, canvas: Canvas, roof: Roof, level: int, tip: float) -> None:
        """Draw a bracket over the bones that meet under one roof."""
        places = [place for place, bone in enumerate(self.bones) if bone.m in roof.bones]
        left = self.end(places[0]) - SLANT - self.width * 0.6
        right = self.end(places[-1]) - SLANT + 8
        side = -1 if self.is_top else 1
        y = tip + side * (LABEL + BRACKET * level + 6)
        for x in (left, right):
            canvas.line(x, y, x, y - side * 6, stroke="accent", width=1.5)
        canvas.line(left, y, right, y, stroke="accent", width=1.5)
        told = fit_text(say_roof(roof), SMALL, WIDTH / 2, weight=600)
        left = min(left, WIDTH - MARGIN - measure_text(told, SMALL, weight=600))
        canvas.text(left, y - 5 if self.is_top else y + 14, told, size=SMALL, fill="accent", weight=600)


class _Picture:
    """The places of everything, and the strokes."""

    def __init__(self, fishbone: Fishbone, currency: str, title: str, subtitle: str) -> None:
        self.fishbone, self.currency = fishbone, currency
        self.title = wrap_text(title, 16, WIDTH - 2 * MARGIN, weight=600, most=3)
        self.subtitle = fit_text(subtitle, 13, WIDTH - 2 * MARGIN)
        self.note = wrap_text(describe_roofs(fishbone), SMALL, WIDTH - 2 * MARGIN) if fishbone.roofs else []
        self.top = _Half(fishbone.bones[:3], True, self)
        self.bottom = _Half(fishbone.bones[3:], False, self)
        self.start = 22 + 21 * len(self.title) + 42
        self.spine = self.start + max(self.top.height, 60)
        self.end = self.spine + max(self.bottom.height, 60)

    def draw(self) -> str:
        """Draw it and return the picture."""
        canvas = Canvas(WIDTH, kind="fishbone")
        y = canvas.lines(MARGIN, 22, self.title, leading=21, size=16, weight=600)
        canvas.text(MARGIN, y - 2, self.subtitle, size=13, fill="grey")
        self._draw_key(canvas, y + 20)
        head = WIDTH - MARGIN - HEAD
        canvas.line(MARGIN + 8, self.spine, head, self.spine, stroke="ink", width=3)
        self.top.draw(canvas, self.spine)
        self.bottom.draw(canvas, self.spine)
        self._draw_head(canvas, head)
        y = canvas.lines(MARGIN, self.end + 16, self.note, leading=15, size=SMALL, fill="grey")
        return canvas.render(y if self.note else self.end + 12)

    def _draw_key(self, canvas: Canvas, y: float) -> None:
        """Say what the strokes mean."""
        x: float = MARGIN
        for told, backing in (("evidence", PROVEN), ("not proven", SUSPECTED), ("opinion", OPINION)):
            self._draw_stem(canvas, backing, x, x + 26, y - 4)
            canvas.text(x + 36, y, told, size=SMALL, fill="grey")
            x += 36 + measure_text(told, SMALL) + 20
        _draw_struck(canvas, x, y, "rejected", SMALL)
        x += measure_text("rejected", SMALL) + 20
        canvas.text(x, y, "kept", size=SMALL, weight=600)
        x += measure_text("kept", SMALL, weight=600) + 20
        _draw_votes(canvas, x + 4, y - 4, 2)
        canvas.text(x + 20, y, "votes", size=SMALL, fill="grey")
        canvas.text(x + 68, y, "90 % how sure people are", size=SMALL, fill="grey")

    def _draw_head(self, canvas: Canvas, x: float) -> None:
        """Draw the gap as the fish's head."""
        fish, y, half = self.fishbone, self.spine, 52
        colour = "bad" if fish.gap < 0 else "good" if fish.gap > 0 else "grey"
        points = [(x, y - half), (x + HEAD - 26, y - half), (x + HEAD, y), (x + HEAD - 26, y + half), (x, y + half)]
        canvas.shape(points, fill="raised", stroke=colour)
        unit = "currency" if fish.is_money else "count"
        amount = words.say_change(fish.gap, unit, currency=self.currency) if fish.compared else "No gap"
        canvas.text(x + 12, y - 22, amount, size=20, weight=600, fill=colour)
        compared = "the plan" if fish.compared == "plan" else fish.compared
        told = [
            fit_text(fish.outcome, TEXT, HEAD - 34),
            fish.period,
            f"against {compared}" if compared else "nothing to compare",
        ]
        canvas.lines(x + 12, y + 1, told, leading=16, size=TEXT)

    def draw_leaf(
        self, canvas: Canvas, leaf: Leaf, lines: Sequence[str], left: float, right: float, base: float
    ) -> None:
        """Draw a cause: its words, what it rests on, and the stem by which it hangs on its bone."""
        y = base - META - 6 - LEADING * (len(lines) - 1)
        weight = 600 if leaf.state == "kept" and not leaf.is_out else 400
        for line in lines:
            if leaf.is_out:
                _draw_struck(canvas, left, y, line, TEXT)
            else:
                canvas.text(left, y, line, size=TEXT, weight=weight)
            y += LEADING
        worth = say_worth(leaf, is_money=self.fishbone.is_money, currency=self.currency)
        x = left
        room = right - left - 12 - (12 + 9 * min(leaf.dots, MOST_DOTS) if leaf.dots else 0)
        if worth and not leaf.is_out:
            canvas.text(x, base - 6, worth, size=SMALL, weight=600, fill="bad")
            x += measure_text(worth, SMALL, weight=600) + 7
        told = " · ".join(part for part in (say_standing(leaf), "" if leaf.is_out else say_confidence(leaf)) if part)
        told = fit_text(told, SMALL, max(room - (x - left), 20))
        canvas.text(x, base - 6, told, size=SMALL, fill="grey")
        _draw_votes(canvas, x + measure_text(told, SMALL) + 12, base - 10, leaf.dots)
        self._draw_stem(canvas, leaf.backing, left, right, base, is_out=leaf.is_out)

    def _draw_stem(
        self, canvas: Canvas, backing: str, left: float, right: float, y: float, *, is_out: bool = False
    ) -> None:
        """Draw the line of a cause: solid and filled for evidence, hollow where not proven, dashed for opinions."""
        stroke = "mid" if is_out else "ink" if backing == PROVEN else "grey"
        width = 1.6 if backing == PROVEN and not is_out else 1
        canvas.line(left, y, right, y, stroke=stroke, width=width, dash="4 3" if backing == OPINION else "")
        canvas.dot(right, y, 4.5, fill="ink" if backing == PROVEN and not is_out else "paper", stroke=stroke)


def _draw_struck(canvas: Canvas, x: float, y: float, text: str, size: float) -> None:
    canvas.text(x, y, text, size=size, fill="grey")
    canvas.line(x, y - size * 0.33, x + measure_text(text, size) * 0.96, y - size * 0.33, stroke="grey")


def _draw_votes(canvas: Canvas, x: float, y: float, dots: int) -> None:
    """Draw votes as dots; many of them as one with their number."""
    if dots > MOST_DOTS:
        canvas.dot(x, y, 3.5, fill="accent", stroke="accent")
        canvas.text(x + 7, y + 4, format_value(dots, "count"), size=SMALL, fill="accent", weight=600)
        return
    for place in range(dots):
        canvas.dot(x + 9 * place, y, 3.2, fill="accent", stroke="accent")
