"""Drawing by hand: an SVG built stroke by stroke in the shared palette, with texts measured before they are placed."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from helpers.present import words
from helpers.present.theme import FONT, LIGHT

_NARROW = {c: w for chars, w in (("ijl'|", 0.22), (" .,:;!ftI[]/\\·", 0.28), ("r()-`", 0.34)) for c in chars}
_WIDE = {
    c: w
    for chars, w in (("cksvxyzJ", 0.5), ("ABEKPSVXY&", 0.67), ("CDHNRUw", 0.72), ("GOQ", 0.78), ("mM", 0.84))
    for c in chars
} | {"W": 0.95, "%": 0.89, "@": 1.02, "—": 1.0, "…": 1.0}
_WIDTHS = _NARROW | _WIDE
SAFETY = 1.04
"""The reader's interface font may be a little wider than the one that was measured."""


def measure_text(text: str, size: float, *, weight: int = 400) -> float:
    """Return about how many pixels a text takes in the interface font.

    >>> 28 < measure_text("Hello", 13) < 36
    True
    """
    em = sum(_WIDTHS.get(c, 0.56 if ord(c) < 0x2E80 else 1.02) for c in text)
    return em * size * SAFETY * (1.06 if weight >= 600 else 1.0)


def fit_text(text: str, size: float, width: float, *, weight: int = 400) -> str:
    """Cut a text with an ellipsis so that it fits a width.

    >>> fit_text("Customer referral", 12, 60)
    'Custom…'
    """
    plain = " ".join(words.clean_text(text).split())[:400]
    if measure_text(plain, size, weight=weight) <= width:
        return plain
    while plain and measure_text(f"{plain}…", size, weight=weight) > width:
        plain = plain[:-1].rstrip()
    return f"{plain}…"


def wrap_text(text: str, size: float, width: float, *, weight: int = 400, most: int = 9) -> list[str]:
    """Break a text into lines that fit a width, the last one cut where there are more than ``most``.

    >>> wrap_text("Whoever has a running contract", 12, 100)
    ['Whoever has a', 'running contract']
    """
    characters = max(4, int(width / (size * 0.5)))
    lines = words.wrap_words(" ".join(words.clean_text(text).split())[:2000], characters)
    while any(measure_text(line, size, weight=weight) > width for line in lines if " " in line) and characters > 4:
        characters -= 1
        lines = words.wrap_words(" ".join(words.clean_text(text).split())[:2000], characters)
    if len(lines) > most:
        lines = [*lines[: most - 1], " ".join(lines[most - 1 :])]
    return [fit_text(line, size, width, weight=weight) for line in lines]


class Canvas:
    """A picture in the making: strokes are added, then it is rendered at the height that they need.

    Args:
        width: of the picture in pixels.
        kind: class of the picture, for the page's style.
    """

    def __init__(self, width: float, *, kind: str) -> None:
        self.width, self.kind = width, kind
        self.parts: list[str] = []
        self.breaks: list[float] = []

    def text(
        self, x: float, y: float, text: str, *, size: float = 13, fill: str = "ink", weight: int = 400,
        anchor: str = "start", is_above: bool = False,
    ) -> None:  # fmt: skip
        """Write one line; control characters are left out, the rest is escaped, and strokes below keep clear of it."""
        bold = f' font-weight="{weight}"' if weight != 400 else ""
        if is_above:
            bold += f' stroke="{LIGHT["paper"]}" stroke-width="5" stroke-linejoin="round" paint-order="stroke"'
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{LIGHT[fill]}" text-anchor="{anchor}"{bold}>'
            f"{escape(words.clean_text(text))}</text>"
        )

    def lines(self, x: float, y: float, lines: Sequence[str], *, leading: float, **style: float | str) -> float:
        """Write several lines, and return where the next one would stand."""
        for line in lines:
            self.text(x, y, line, **style)  # type: ignore[arg-type]
            y += leading
        return y

    def line(
        self, x1: float, y1: float, x2: float, y2: float, *, stroke: str = "mid", width: float = 1, dash: str = ""
    ) -> None:
        """Draw a straight line."""
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{LIGHT[stroke]}" '
            f'stroke-width="{width:g}"{dashed}/>'
        )

    def bar(self, x: float, y: float, width: float, height: float, *, fill: str, radius: float = 0) -> None:
        """Draw a filled rectangle; one without width is left out."""
        if width > 0:
            self.parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{radius:g}" '
                f'fill="{LIGHT[fill]}"/>'
            )

    def dot(self, x: float, y: float, radius: float, *, fill: str = "grey", stroke: str = "paper") -> None:
        """Draw a dot with a rim."""
        self.parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{LIGHT[fill]}" stroke="{LIGHT[stroke]}" '
            f'stroke-width="1.5"/>'
        )

    def hatched_dot(self, x: float, y: float, radius: float, *, stroke: str = "grey") -> None:
        """Draw a dot filled with diagonal lines: records that have not had their time yet."""
        self.dot(x, y, radius, fill="paper", stroke=stroke)
        half = radius * 0.7071
        for across, along in ((0.0, 1.0), (-0.55, 0.8), (0.55, 0.8)):
            middle, reach = across * half, along * half
            self.line(x + middle - reach, y + middle + reach, x + middle + reach, y + middle - reach, stroke=stroke)

    def shape(self, points: Sequence[tuple[float, float]], *, fill: str, stroke: str = "") -> None:
        """Draw a closed shape through some points."""
        listed = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        rim = f' stroke="{LIGHT[stroke]}" stroke-width="2" stroke-linejoin="round"' if stroke else ""
        self.parts.append(f'<polygon points="{listed}" fill="{LIGHT[fill]}"{rim}/>')

    def diamond(self, x: float, y: float, size: float, *, is_hollow: bool = False) -> None:
        """Draw what the CRM says."""
        points = [(x, y - size), (x + size, y), (x, y + size), (x - size, y)]
        self.shape(points, fill="paper" if is_hollow else "accent", stroke="accent")

    def may_break(self, y: float) -> None:
        """Say that the picture may go on upon another sheet of paper from there on."""
        self.breaks.append(y)

    def render(self, height: float) -> str:
        """Return the whole picture."""
        breaks = f' data-breaks="{" ".join(f"{y:.0f}" for y in self.breaks)}"' if self.breaks else ""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="{self.kind}" width="{self.width:g}" height="{height:.0f}" '
            f'viewBox="0 0 {self.width:g} {height:.0f}" font-family="{escape(FONT)}"{breaks}>'
            f'<rect width="{self.width:g}" height="{height:.0f}" fill="{LIGHT["paper"]}"/>{"".join(self.parts)}</svg>'
        )
