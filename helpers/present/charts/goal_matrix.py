"""The goal matrix as a grid: KPIs down the funnel, periods across, each cell with its goal, its state and its chance.

States carry a sign and a word, never a colour alone. On the right the next period's need stands beside the KPI's past.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers.present import words
from helpers.present.display import Display, show_chart
from helpers.present.theme import LIGHT

COLUMN, ROW, STRIP = 75, 40, 110
SIGNS = {
    "reached": ("●", "reached"),
    "close": ("≈", "close"),
    "missed": ("○", "missed"),
    "goal": ("", "set"),
    "solved": ("", "follows"),
    "too late": ("◷", "too late"),
    "out of reach": ("×", "out of reach"),
    "expected": ("", "expected"),
}
FILLS = {
    "goal": LIGHT["accent_soft"],
    "too late": LIGHT["caution_soft"],
    "out of reach": LIGHT["bad_soft"],
    "solved": LIGHT["raised"],
    "expected": LIGHT["raised"],
    "reached": LIGHT["paper"],
    "close": LIGHT["paper"],
    "missed": LIGHT["paper"],
}


def draw_goal_matrix(
    grid: pd.DataFrame,
    past: pd.DataFrame,
    *,
    title: str,
    subtitle: str = "",
    currency: str = "USD",
    note: str = "",
) -> Display:
    """Draw the company's goals by KPI and period.

    Args:
        grid: one row per cell, as laid out by ``lay_out_grid``: label, unit, period, column, row, goal, actual,
            expected, probability, state.
        past: one row per KPI, as made by ``compare_with_past``: label, row, needed, lowest, highest (1 is the usual
            value), is_beyond. Without rows the strip is left out.
        title: the finding, in a sentence.
        subtitle: measure, period, n.
        currency: ISO code of the company's currency.
        note: how to read it.

    Returns:
        A display; its text lists every cell.

    Raises:
        ValueError: the grid has no cells.
    """
    if grid.empty:
        raise ValueError("No goals to draw. Show a message instead.")
    import altair as alt

    cells = _write_cells(grid, currency)
    labels = cells.drop_duplicates("row").sort_values("row")["label"].tolist()
    periods = cells.drop_duplicates("column").sort_values("column")["period"].tolist()
    y = alt.Y("label:N", sort=labels, title=None, axis=alt.Axis(labelPadding=10, labelLimit=170))
    x = alt.X("period:N", sort=periods, title=None, axis=alt.Axis(orient="top", labelFontSize=12))
    base = alt.Chart(cells).encode(x=x, y=y, tooltip=_tooltips())
    field = base.mark_rect(stroke=LIGHT["faint"], strokeWidth=1).encode(color=alt.Color("fill:N", scale=None))
    figure = base.mark_text(dy=-6, fontSize=13, fontWeight=600).encode(text="main:N")
    state = base.mark_text(dy=8, fontSize=10).encode(text="state_text:N", color=alt.Color("ink:N", scale=None))
    chance = _chance_bars(cells, x, y)
    table = alt.layer(field, chance, figure, state).properties(width=COLUMN * len(periods), height=ROW * len(labels))
    chart = alt.hconcat(table, _past_strip(past, labels), spacing=16) if len(past) else table
    shown = cells[["label", "period", "main", "actual_text", "state_text"]].rename(
        columns={"label": "KPI", "main": "goal", "actual_text": "actual", "state_text": "state"}
    )
    width = 170 + COLUMN * len(periods) + (STRIP + 20 if len(past) else 0)
    how = _how_to_read(cells, len(past) > 0, note)
    return show_chart(chart, title=title, subtitle=subtitle, numbers=shown, currency=currency, note=how, width=width)


def _write_cells(grid: pd.DataFrame, currency: str) -> pd.DataFrame:
    cells = grid.reset_index(drop=True).copy()
    cells["goal_text"] = [_say(v, u, currency) for v, u in zip(cells["goal"], cells["unit"], strict=True)]
    cells["actual_text"] = [
        "" if words.is_missing(v) else _say(v, u, currency) for v, u in zip(cells["actual"], cells["unit"], strict=True)
    ]
    cells["chance_text"] = [_say_chance(p) for p in cells["probability"]]
    cells["main"] = cells["goal_text"]
    cells["state_text"] = [_say_state(row) for row in cells.to_dict("records")]
    cells["fill"] = [FILLS[state] for state in cells["state"]]
    inks = {
        "reached": LIGHT["good"],
        "close": LIGHT["caution_text"],
        "missed": LIGHT["bad"],
        "out of reach": LIGHT["bad"],
        "too late": LIGHT["caution_text"],
        "goal": LIGHT["accent"],
    }
    cells["ink"] = [inks.get(state, LIGHT["grey"]) for state in cells["state"]]
    return cells


def _say(value: Any, unit: str, currency: str) -> str:
    return words.say_value(value, unit, currency=currency, digits=0 if unit == "count" else None)


def _say_chance(probability: Any) -> str:
    if words.is_missing(probability):
        return ""
    return "< 1 %" if probability < 0.01 else "> 99 %" if probability > 0.99 else f"{probability * 100:.0f} %"


def _say_state(row: dict[str, Any]) -> str:
    sign, word = SIGNS[row["state"]]
    if row["actual_text"]:
        return f"{sign} was {row['actual_text']}".strip()
    if row["state"] in ("expected", "too late", "out of reach") or not row["chance_text"]:
        return f"{sign} {word}".strip()
    return f"set · {row['chance_text']}" if row["state"] == "goal" else f"{row['chance_text']} likely"


def _chance_bars(cells: pd.DataFrame, x: Any, y: Any) -> Any:
    """A bar along the bottom of each cell ahead, as long as its goal is likely."""
    import altair as alt

    ahead = cells[(cells["actual_text"] == "") & (cells["state"] != "expected") & cells["probability"].notna()]
    ahead = ahead.assign(
        begin=-COLUMN / 2 + 4, reach=-COLUMN / 2 + 4 + (COLUMN - 8) * ahead["probability"].clip(0, 1).astype(float)
    )
    bars = [
        alt.Chart(rows)
        .mark_rect(
            height=3,
            width=float(max(rows["reach"].iloc[0] - rows["begin"].iloc[0], 0.0)),
            xOffset=float((rows["reach"].iloc[0] + rows["begin"].iloc[0]) / 2),
            yOffset=ROW / 2 - 3,
            color=LIGHT["mid"],
        )
        .encode(x=x, y=y)
        for _, rows in ahead.groupby(["row", "column"])
        if float(rows["probability"].iloc[0]) >= 0.01
    ]
    return alt.layer(*bars) if bars else alt.Chart(cells.head(0)).mark_rect().encode(x=x, y=y)


def _past_strip(past: pd.DataFrame, labels: list[str]) -> Any:
    """The range of the past as a line, the next period's need as a dot, in the colour of bad where it lies beyond."""
    import altair as alt

    rows = past.assign(
        colour=[LIGHT["bad"] if beyond else LIGHT["grey"] for beyond in past["is_beyond"]],
        words=["beyond its best" if beyond else "" for beyond in past["is_beyond"]],
    )
    low, high = min(rows["lowest"].min(), rows["needed"].min()), max(rows["highest"].max(), rows["needed"].max())
    bounds = [max(float(low) - 0.05, 0.0), min(float(high) + 0.05, 3.0)]
    scale = alt.Scale(domain=bounds, clamp=True)
    marks = (0.5, 1, 1.5) if bounds[1] - bounds[0] < 1.6 else (1, 2, 3)
    ticks = [at for at in marks if bounds[0] <= at <= bounds[1]]
    axis = alt.Axis(orient="top", format=".1~f", labelExpr="datum.label + '×'", values=ticks, labelOverlap=False)
    y = alt.Y("label:N", sort=labels, axis=None)
    base = alt.Chart(rows).encode(y=y)
    span = base.mark_rule(color=LIGHT["bar"], strokeWidth=5, strokeCap="round").encode(
        x=alt.X("lowest:Q", scale=scale, axis=axis, title="needed next, 1× is usual"), x2="highest:Q"
    )
    dot = base.mark_point(filled=True, size=70, opacity=1).encode(
        x=alt.X("needed:Q", scale=scale), color=alt.Color("colour:N", scale=None)
    )
    word = base.mark_text(fontSize=10.5, dy=13, align="right", dx=6).encode(
        x=alt.X("needed:Q", scale=scale), text="words:N", color=alt.Color("colour:N", scale=None)
    )
    usual = alt.Chart(pd.DataFrame({"at": [1.0]})).mark_rule(color=LIGHT["mid"], strokeDash=[3, 3]).encode(x="at:Q")
    return alt.layer(usual, span, dot, word).properties(width=STRIP, height=ROW * len(labels))


def _how_to_read(cells: pd.DataFrame, has_strip: bool, note: str) -> str:
    states = set(cells["state"])
    parts = [note] if note else []
    if "goal" in states:
        parts.append(
            "Blue cells were set by people and the others follow; the share is the chance of reaching the goal."
        )
    if "out of reach" in states:
        parts.append("× means reached in fewer than one of 100 simulated futures.")
    if "too late" in states:
        parts.append("◷ means that earlier stages can't bring so many any more; which ones is told further below.")
    if states & {"reached", "close", "missed"}:
        parts.append("● reached, ≈ close to it, ○ missed.")
    if has_strip:
        parts.append(
            "Right: the grey line spans the last two years (1× is usual), the dot is what the next period needs."
        )
    return " ".join(parts)


def _tooltips() -> list[Any]:
    import altair as alt

    return [
        alt.Tooltip("label:N", title="KPI"),
        alt.Tooltip("period:N", title="Period"),
        alt.Tooltip("goal_text:N", title="Goal"),
        alt.Tooltip("actual_text:N", title="Actual"),
        alt.Tooltip("chance_text:N", title="Chance"),
    ]
