"""This-, next- and all-period pipeline week by week, in three aligned panels on one scale of money."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers.present import words
from helpers.present.charts.axes import axis_format, axis_words
from helpers.present.display import Display, show_chart
from helpers.present.theme import LIGHT, WIDTH

PANELS = (("this_period", "Due in {now}"), ("next_period", "Due in {then}"), ("all_open", "All open pipeline"))
STOOD = "Open new business as it stood that evening, weeks since the period's start; one scale for all three."
GAP = 28
HEIGHT = 200


def draw_this_next_all(
    series: pd.DataFrame,
    *,
    title: str,
    subtitle: str = "",
    labels: tuple[str, str] = ("this period", "the next period"),
    currency: str = "USD",
    note: str = "",
) -> Display:
    """Draw the three series beside each other, so that what one loses can be looked for in the next.

    Args:
        series: one period's rows of ``read_this_next_all``.
        title: the finding, in a sentence.
        subtitle: company, last day, n.
        labels: this period and the next one as a reader says them.
        currency: ISO code of the company's currency.
        note: what else the reader should know.

    Returns:
        A display; its text lists the three series and the bookings week by week.

    Raises:
        ValueError: there is no week to draw.
    """
    if series.empty:
        raise ValueError("No pipeline to draw. Show a message instead.")
    import altair as alt

    top = float(series[[name for name, _ in PANELS]].max().max()) * 1.12 or 1.0
    width = (WIDTH - 2 * GAP - 40) // 3
    panels = []
    for place, (name, heading) in enumerate(PANELS):
        rows = series[["week", "day"]].assign(money=series[name])
        rows["text"] = [words.say_value(value, "currency", currency=currency) for value in rows["money"]]
        rows["date"] = [f"{day:%d %b %Y}" for day in rows["day"]]
        named = heading.format(now=labels[0], then=labels[1])
        drawn = _draw_panel(rows[["week", "money", "text", "date"]], top, currency, is_first=place == 0)
        ends = " → ".join(dict.fromkeys([rows["text"].iloc[0], rows["text"].iloc[-1]]))
        heading_of = alt.Title(named, subtitle=ends, anchor="start", fontSize=13, subtitleFontSize=13)
        panels.append(drawn.properties(width=width, height=HEIGHT, title=heading_of))
    shown = ["week", "this_period", "next_period", "all_open", "booked", "n_this", "n_next", "n_all"]
    return show_chart(
        alt.hconcat(*panels, spacing=GAP),
        title=title,
        subtitle=subtitle,
        numbers=series[shown],
        units={name: "currency" for name in ("this_period", "next_period", "all_open", "booked")},
        currency=currency,
        note=" ".join(part for part in (STOOD, note) if part),
    )


def _draw_panel(rows: pd.DataFrame, top: float, currency: str, *, is_first: bool) -> Any:
    import altair as alt

    axis = (
        alt.Axis(format=axis_format("currency"), labelExpr=axis_words("currency", currency), tickCount=4)
        if is_first
        else alt.Axis(labels=False, tickCount=4)
    )
    last = int(rows["week"].max())
    step = 3 if last > 6 else 1
    x = alt.X(
        "week:Q",
        title="week",
        axis=alt.Axis(values=list(range(0, last + 1, step)), format="d", grid=False),
        scale=alt.Scale(domain=[-0.4, last + 0.4], nice=False),
    )
    y = alt.Y("money:Q", title=None, axis=axis, scale=alt.Scale(domain=[0, top], nice=False))
    tips = [alt.Tooltip("date:N", title="Evening of"), alt.Tooltip("text:N", title="Open")]
    base = alt.Chart(rows).encode(x=x, y=y, tooltip=tips)
    line = base.mark_line(color=LIGHT["accent"], strokeWidth=2.5)
    dots = base.mark_point(filled=True, color=LIGHT["accent"], size=25, opacity=1)
    return alt.layer(line, dots)
