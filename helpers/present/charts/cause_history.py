"""Small multiples of the causes: each one's rate, share, count or deal size over time, beside everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.present import words
from helpers.present.charts.axes import axis_format, axis_words
from helpers.present.display import Display, show_chart, show_message
from helpers.present.theme import LIGHT

if TYPE_CHECKING:
    import altair

PANEL_WIDTH, PANEL_HEIGHT, COLUMNS = 330, 120, 2
SHOWN = ["panel", "period", "value", "low", "high", "n", "rest"]


def draw_cause_history(history: pd.DataFrame, *, title: str = "", subtitle: str = "", currency: str = "USD") -> Display:
    """Draw each cause's own history, the period in question marked, everything outside the slice dashed.

    Args:
        history: The rows of ``trace_causes``.
        title: The finding; says how many causes broke with their own past where empty.
        subtitle: Measure, company, period, last day.
        currency: The company's currency.

    Returns:
        A display; a message where nothing has a history yet.
    """
    if history.empty:
        return show_message(
            "empty",
            "No slice has a history to show",
            "Either nothing stood out, or there is no earlier period to compare with.",
        )
    rows = _panel_rows(history, currency)
    panels = [_draw_panel(rows[rows["panel"] == panel], currency) for panel in dict.fromkeys(rows["panel"])]
    return show_chart(
        _lay_out(panels),
        title=title or describe_history(history),
        subtitle=subtitle,
        numbers=pd.DataFrame(
            {
                "panel": rows["name"],
                "period": rows["period"],
                "value": rows["value_text"],
                "range": rows["range_text"],
                "n": rows["n"],
                "rest": rows["rest_text"],
            }
        ),
        labels={"panel": "What", "range": "Interval", "rest": "Everything else"},
        note="Line: the slice, with its 90 % interval; dashed: everything outside it (for a count: what the slice "
        "would have been, had it moved as the rest). The last dot is the period in question.",
        currency=currency,
    )


def describe_history(history: pd.DataFrame) -> str:
    """Say how many slices left the range of their own past in the period in question."""
    broken, panels = 0, 0
    for _, rows in history.groupby("panel", sort=False):
        earlier, asked = rows[~rows["is_asked"]]["value"], rows[rows["is_asked"]]["value"]
        if earlier.empty or asked.empty:
            continue
        panels += 1
        broken += not earlier.min() <= asked.iloc[0] <= earlier.max()
    if not panels:
        return "These slices have no earlier period to be compared with"
    if panels == 1:
        return "It lies outside everything seen there before" if broken else "It is within what was seen there before"
    if not broken:
        return f"None of the {panels} slices is outside what was seen there before"
    lead = f"All {panels} slices lie" if broken == panels else f"{broken} of {panels} slices {_verb(broken)}"
    return f"{lead} outside everything seen there before"


def _verb(count: int) -> str:
    return "lies" if count == 1 else "lie"


def _panel_rows(history: pd.DataFrame, currency: str) -> pd.DataFrame:
    rows = history.reset_index(drop=True).copy()
    rows["name"] = [words.clean_text(panel) for panel in rows["panel"]]
    for name in ("value", "rest"):
        rows[f"{name}_text"] = [
            words.say_value(value, unit, currency=currency)
            for value, unit in zip(rows[name], rows["unit"], strict=True)
        ]
    rows["range_text"] = [
        words.say_range(low, high, unit, currency=currency)
        for low, high, unit in zip(rows["low"], rows["high"], rows["unit"], strict=True)
    ]
    rows["n_text"] = [words.say_n(n) for n in rows["n"]]
    falls = rows.groupby("panel", sort=False)["value"].diff() < 0
    rows["side"] = ["below" if fell else "above" for fell in falls]
    return rows


def _draw_panel(rows: pd.DataFrame, currency: str) -> altair.LayerChart:
    """Draw one cause over time on a scale of its own that begins at zero."""
    import altair as alt

    unit = str(rows["unit"].iloc[0])
    most = float(rows[["value", "high", "rest"]].max().max()) or 1.0
    is_low = float(rows.loc[rows["is_asked"], "value"].min()) < 0.2 * most
    scale = alt.Scale(domain=[-0.2 * most if is_low else 0.0, most * 1.15], nice=False)
    axis = alt.Axis(title=None, format=axis_format(unit), labelExpr=axis_words(unit, currency), tickCount=3)
    x = alt.X(
        "period:O",
        sort=list(rows["period"]),
        title=None,
        axis=alt.Axis(labelOverlap="greedy", labelAngle=0),
        scale=alt.Scale(padding=0.3),
    )
    base = alt.Chart(rows.drop(columns=["period_start"])).encode(x=x)
    tips = [
        alt.Tooltip("period:N", title="Period"),
        alt.Tooltip("value_text:N", title="Slice"),
        alt.Tooltip("range_text:N", title="Interval"),
        alt.Tooltip("n_text:N", title="Records"),
        alt.Tooltip("rest_text:N", title="Everything else"),
    ]
    y = alt.Y("value:Q", scale=scale, axis=axis)
    asked = base.transform_filter("datum.is_asked")
    layers: list[Any] = []
    if rows["low"].notna().any():
        layers.append(
            base.mark_area(color=LIGHT["accent_soft"], opacity=0.6).encode(
                y=alt.Y("low:Q", scale=scale, axis=axis), y2="high:Q"
            )
        )
    if rows["rest"].notna().any():
        layers.append(
            base.mark_line(color=LIGHT["mid"], strokeDash=[4, 3], strokeWidth=1.5).encode(
                y=alt.Y("rest:Q", scale=scale, axis=axis)
            )
        )
    layers += [
        base.mark_line(color=LIGHT["accent"], strokeWidth=2).encode(y=y),
        base.transform_filter("!datum.is_asked")
        .mark_point(filled=True, size=40, fill=LIGHT["accent"], stroke=LIGHT["accent"], opacity=1)
        .encode(y=y, tooltip=tips),
        asked.mark_point(filled=True, size=90, fill=LIGHT["bad"], stroke=LIGHT["bad"], opacity=1).encode(
            y=y, tooltip=tips
        ),
        *(
            asked.transform_filter(f"datum.side == '{side}'")
            .mark_text(dy=away, dx=4, fontSize=12, fontWeight=600)
            .encode(y=y, text="value_text:N")
            for side, away in (("above", -13), ("below", 15))
        ),
    ]
    heading = alt.TitleParams(
        text=words.wrap_evenly(str(rows["name"].iloc[0]), 46),
        anchor="start",
        fontSize=13,
        fontWeight=600,
        color=LIGHT["ink"],
        offset=8,
    )
    return alt.layer(*layers).properties(width=PANEL_WIDTH, height=PANEL_HEIGHT, title=heading)


def _lay_out(panels: list[altair.LayerChart]) -> Any:
    import altair as alt

    if len(panels) == 1:
        return panels[0].properties(width=2 * PANEL_WIDTH)
    rows = [alt.hconcat(*panels[place : place + COLUMNS], spacing=36) for place in range(0, len(panels), COLUMNS)]
    return alt.vconcat(*rows, spacing=26)
