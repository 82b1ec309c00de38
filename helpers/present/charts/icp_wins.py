"""The last wins beside the ideal customer: one square per win, filled where it fits, open where it lies outside."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from helpers.present import words
from helpers.present.charts.canvas import Canvas, measure_text, wrap_text
from helpers.present.display import Display, show_svg
from helpers.units import in_sentence

WIDTH, MARGIN, COLUMN = 900, 20, 250
LEFT, SQUARE, GAP = 290, 17, 5
RIGHT = 745
UNITS = {"share_of_them_outside": "share"}


def draw_icp_wins(icp: pd.DataFrame, *, title: str, subtitle: str = "") -> Display:
    """Draw per attribute which of the last wins lie outside what people call a good fit.

    Args:
        icp: one row per attribute, and one for all together, as ``check_icp_fit`` summarises them.
        title: the finding, in a sentence.
        subtitle: measure, period, n.

    Returns:
        A display; its text has one line per attribute with the latest wins and all wins inside and outside.

    Raises:
        ValueError: the CRM knows none of the attributes.
    """
    known = icp[icp["is_available"].astype(bool) & (icp["n_won"] > 0)]
    if known.empty:
        raise ValueError("The CRM carries none of these attributes. Show a message instead.")
    canvas = Canvas(WIDTH, kind="icp")
    y = canvas.lines(MARGIN, 26, words.wrap_evenly(title, 84), leading=25, size=19, weight=600)
    if subtitle:
        y = canvas.lines(MARGIN, y, wrap_text(subtitle, 14, WIDTH - 2 * MARGIN), leading=19, size=14, fill="grey")
    y = _draw_legend(canvas, y + 6)
    most = int(known["n_recent"].max())
    rows = known.to_dict("records")
    for row in [*[r for r in rows if not r["stated"]], *[r for r in rows if r["stated"]]]:
        y = _draw_row(canvas, row, most, y + 8)
    missing = [in_sentence(str(label)) for label in icp.loc[~icp["is_available"].astype(bool), "attribute"]]
    if missing:
        told = f"The CRM doesn't say {words.join_words(missing)}."
        y = canvas.lines(MARGIN, y + 22, wrap_text(told, 13, WIDTH - 2 * MARGIN), leading=18, size=13, fill="grey") - 12
    return show_svg(canvas.render(y + 12), title=title, subtitle=subtitle, numbers=_list_numbers(known), units=UNITS)


def _draw_legend(canvas: Canvas, y: float) -> float:
    x = MARGIN
    for text, state in (("fits", "inside"), ("outside", "outside"), ("the CRM doesn't say", "unknown")):
        _draw_square(canvas, x, y - 12, 13, state)
        canvas.text(x + 20, y, text, size=13, fill="grey")
        x += 20 + measure_text(text, 13) + 20
    canvas.text(x, y, "one square is one win, the latest of new business", size=13, fill="grey")
    return y + 6


def _draw_square(canvas: Canvas, x: float, y: float, size: float, state: str) -> None:
    corners = [(x + 1, y + 1), (x + size - 1, y + 1), (x + size - 1, y + size - 1), (x + 1, y + size - 1)]
    if state == "inside":
        canvas.bar(x, y, size, size, fill="grey", radius=2)
    elif state == "outside":
        canvas.shape(corners, fill="paper", stroke="bad")
        canvas.line(x + 4, y + 4, x + size - 4, y + size - 4, stroke="bad", width=2)
    else:
        canvas.bar(x + size / 2 - 2, y + size / 2 - 2, 4, 4, fill="mid", radius=2)


def _draw_row(canvas: Canvas, row: Mapping[Hashable, Any], most: int, y: float) -> float:
    canvas.line(MARGIN, y, WIDTH - MARGIN, y, stroke="rule")
    top = y + 24
    n = int(row["n_recent"])
    inside = round(float(row["recent_fit_share"]) * n) if n else 0
    is_total = not row["stated"]
    name = "All attributes together" if is_total else str(row["attribute"])
    below = canvas.lines(MARGIN, top, wrap_text(name, 15, COLUMN, weight=600), leading=20, size=15, weight=600)
    if not is_total:
        told = wrap_text(f"Good fit: {row['stated']}", 13, COLUMN, most=3)
        below = canvas.lines(MARGIN, below - 2, told, leading=17, size=13, fill="grey")
    states = ["inside"] * inside + ["outside"] * (n - inside) + ["unknown"] * (most - n)
    for i, state in enumerate(states):
        column, line = i % 20, i // 20
        _draw_square(canvas, LEFT + column * (SQUARE + GAP), top - 13 + line * (SQUARE + GAP), SQUARE, state)
    bottom = top - 13 + (-(-max(1, len(states)) // 20)) * (SQUARE + GAP)
    fill = "bad" if n and inside * 2 < n else "ink"
    canvas.text(RIGHT, top, f"{n - inside} of {n} outside" if n else "no win known", size=15, weight=600, fill=fill)
    out = 1 - float(row["won_fit_share"])
    told = f"{words.say_value(out, 'share', digits=0)} of all {words.say_value(row['n_won'])} wins"
    canvas.text(RIGHT, top + 19, told, size=12.5, fill="grey")
    return max(below - 10, bottom, top + 24)


def _list_numbers(known: pd.DataFrame) -> pd.DataFrame:
    inside = (known["recent_fit_share"].astype(float) * known["n_recent"]).fillna(0).round()
    return pd.DataFrame(
        {
            "attribute": known["attribute"].to_list(),
            "good_fit": known["stated"].replace("", "–").to_list(),
            "last_wins": known["n_recent"].astype(int).to_list(),
            "of_them_outside": (known["n_recent"] - inside).astype(int).to_list(),
            "all_wins": known["n_won"].astype(int).to_list(),
            "share_of_them_outside": (1 - known["won_fit_share"].astype(float)).to_list(),
        }
    )
