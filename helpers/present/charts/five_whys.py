"""Five whys: under each cause the chain of answers, each with what backs it, down to the one that can be changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from helpers.model.board import BONE_LABELS
from helpers.present import words
from helpers.present.charts.canvas import Canvas, fit_text, wrap_text
from helpers.present.display import Display, show_message, show_svg

if TYPE_CHECKING:
    from helpers.analyses.why_chains import Link, WhyChain

WIDTH, MARGIN, STEP = 860, 12, 26
TEXT, SMALL, LEADING = 13, 11.5, 18
MOST_CHAINS = 6
EMPTY = (
    "Nobody has asked why yet",
    "A cause that stops at its first answer comes back under another name.",
    "Take the cause with the most votes on the board and ask why until the answer is something that can be changed.",
)


def draw_why_chains(chains: Sequence[WhyChain], *, title: str, subtitle: str = "") -> Display:
    """Draw the chains of answers under the causes.

    Args:
        chains: The result of ``build_why_chains``.
        title: The finding, in a sentence.
        subtitle: Company, period, last day.

    Returns:
        A picture; a message where nobody asked why. Filled dots are answers that evidence backs, hollow ones opinions.
    """
    if not chains:
        return show_message("empty", *EMPTY)
    canvas = Canvas(WIDTH, kind="five-whys")
    y = canvas.lines(MARGIN, 22, wrap_text(title, 16, WIDTH - 2 * MARGIN, weight=600, most=3), leading=21, size=16,
                     weight=600)  # fmt: skip
    canvas.text(MARGIN, y - 2, fit_text(subtitle, 13, WIDTH - 2 * MARGIN), size=13, fill="grey")
    y = _draw_key(canvas, y + 20) + 14
    for chain in chains[:MOST_CHAINS]:
        canvas.may_break(y)
        y = _draw_chain(canvas, chain, y + 20)
    more = len(chains) - MOST_CHAINS
    if more > 0:
        canvas.text(MARGIN, y + 14, f"{words.count_of(more, 'more chain')} on the board", size=SMALL, fill="grey")
        y += 20
    return show_svg(canvas.render(y + 8), title=title, subtitle=subtitle, numbers=_list_links(chains))


def _draw_key(canvas: Canvas, y: float) -> float:
    canvas.dot(MARGIN + 5, y - 4, 4.5, fill="ink", stroke="ink")
    canvas.text(MARGIN + 16, y, "evidence", size=SMALL, fill="grey")
    canvas.dot(MARGIN + 89, y - 4, 4.5, fill="paper", stroke="grey")
    canvas.text(MARGIN + 100, y, "opinion, or not proven", size=SMALL, fill="grey")
    return y


def _draw_chain(canvas: Canvas, chain: WhyChain, y: float) -> float:
    told = [BONE_LABELS.get(chain.m, chain.m), "kept" if chain.state == "kept" else "", _say_verdict(chain.verdict)]
    canvas.text(MARGIN, y, " · ".join(part for part in told if part), size=SMALL, fill="grey", weight=600)
    y += 20
    above = y
    for depth, link in enumerate(chain.links):
        above, y = y, _draw_link(canvas, link, depth, y, above)
    return y + 2


def _draw_link(canvas: Canvas, link: Link, depth: int, y: float, above: float) -> float:
    """Draw an answer one step further in than the one that it explains, joined to it by an elbow."""
    x = MARGIN + 5 + depth * STEP
    if depth:
        canvas.line(x - STEP, above + 4, x - STEP, y - 4, stroke="mid")
        canvas.line(x - STEP, y - 4, x - 7, y - 4, stroke="mid")
    canvas.dot(x, y - 4, 5, fill="ink" if link.is_backed else "paper", stroke="ink" if link.is_backed else "grey")
    left = x + 14
    if depth:
        canvas.text(left, y, "Why?", size=SMALL, fill="accent", weight=600)
        left += 36
    lines = wrap_text(link.text, TEXT, WIDTH - MARGIN - left, weight=600 if not depth else 400, most=3)
    end = canvas.lines(left, y, lines, leading=LEADING, size=TEXT, weight=600 if not depth else 400)
    if link.evidence:
        more = f" (and {len(link.evidence) - 1} more)" if len(link.evidence) > 1 else ""
        backing = wrap_text(f"{link.evidence[0]}{more}", SMALL, WIDTH - MARGIN - left, most=2)
    else:
        backing = ["An opinion so far: nothing is linked to it"]
    end = canvas.lines(left, end - 2, backing, leading=15, size=SMALL, fill="grey")
    return end + 9


def _say_verdict(verdict: str) -> str:
    return {"confirmed": "prediction confirmed", "rejected": "rejected"}.get(verdict, "not tested yet")


def _list_links(chains: Sequence[WhyChain]) -> pd.DataFrame:
    rows = [
        (number, depth, link.text, "evidence" if link.is_backed else "opinion")
        for number, chain in enumerate(chains, start=1)
        for depth, link in enumerate(chain.links)
    ]
    return pd.DataFrame(rows, columns=["cause", "why", "answer", "backing"])
