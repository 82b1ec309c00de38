"""Whether foreseen probabilities came as often as they said: one dot per bin against the diagonal."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers.present import words
from helpers.present.charts.axes import axis_format, axis_words
from helpers.present.charts.footnote import show_chart_with_footnote
from helpers.present.display import Display
from helpers.present.theme import LIGHT

SIZE = 380
SMALL_N = 10
"""Below this many forecasts a bin is drawn hollow."""


def draw_reliability(
    table: pd.DataFrame, *, title: str, subtitle: str = "", confidence: float = 0.95, note: str = ""
) -> Display:
    """Draw how often each bin's forecasts came, with Wilson bounds, against what they said.

    Args:
        table: one row per bin, as made by ``tabulate_reliability``: bin, n, hit, low, high, foreseen.
        title: the finding, in a sentence.
        subtitle: what was foreseen, how often.
        confidence: of the bounds.
        note: how to read it.

    Returns:
        A display; its text lists the bins.

    Raises:
        ValueError: there is no bin to draw.
    """
    if table.empty:
        raise ValueError("No forecasts to draw. Show a message instead.")
    import altair as alt

    rows = table.assign(
        came=table["hit"] / table["n"],
        text=[f"{int(n):,}" for n in table["n"]],
        fill=[
            LIGHT["paper"] if n < SMALL_N else _colour(row) for n, row in zip(table["n"], _records(table), strict=True)
        ],
        colour=[_colour(row) for row in _records(table)],
    )
    x = alt.X("foreseen:Q", title="probability foreseen", scale=alt.Scale(domain=[0, 1]), axis=_axis())
    y_scale = alt.Scale(domain=[0, 1])
    ends = pd.DataFrame({"foreseen": [0.0, 1.0], "came": [0.0, 1.0]})
    line = alt.Chart(ends).mark_line(color=LIGHT["mid"], strokeDash=[4, 3], strokeWidth=1.5)
    base = alt.Chart(rows).encode(x=x)
    colour = alt.Color("colour:N", scale=None)
    bounds = base.mark_rule(strokeWidth=2).encode(y=alt.Y("low:Q", scale=y_scale), y2="high:Q", color=colour)
    dots = base.mark_point(size=95, opacity=1, strokeWidth=2).encode(
        y=alt.Y("came:Q", title="share that came", scale=y_scale, axis=_axis(title_above=True)),
        fill=alt.Fill("fill:N", scale=None),
        stroke=alt.Stroke("colour:N", scale=None),
    )
    text = base.mark_text(align="left", dx=9, fontSize=11, color=LIGHT["grey"]).encode(y="came:Q", text="text:N")
    chart = alt.layer(line.encode(x=x, y="came:Q"), bounds, dots, text).properties(width=SIZE, height=SIZE)
    how = (
        f"Dashed: came as often as foreseen. Line: Wilson bounds at {words.say_value(confidence, 'share')}. "
        f"Beside it the number of forecasts; hollow below {SMALL_N}."
    )
    return show_chart_with_footnote(
        chart,
        title=title,
        subtitle=subtitle,
        numbers=rows[["bin", "n", "hit", "came", "low", "high", "foreseen"]],
        units=dict.fromkeys(("came", "low", "high", "foreseen"), "share"),
        labels={"hit": "Came", "came": "Share that came", "foreseen": "Foreseen"},
        note=f"{note} {how}".strip(),
        width=SIZE + 160,
    )


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _colour(row: dict[str, Any]) -> str:
    """Return the accent for bins whose bounds miss what was foreseen: they are what the picture is about."""
    return LIGHT["grey"] if row["low"] <= row["foreseen"] <= row["high"] else LIGHT["bad"]


def _axis(*, title_above: bool = False) -> Any:
    import altair as alt

    place = {"titleAngle": 0, "titleAlign": "left", "titleAnchor": "end", "titleY": -10, "titleX": 0}
    return alt.Axis(
        format=axis_format("share"),
        labelExpr=axis_words("share", ""),
        tickCount=5,
        grid=False,
        **(place if title_above else {}),
    )
