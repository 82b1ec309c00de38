"""Time in the goal matrix: where a period's wins come from and what is late; what every stage needs in which period."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers.present import words
from helpers.present.charts.footnote import show_chart_with_footnote
from helpers.present.display import Display
from helpers.present.theme import LIGHT, WIDTH

BAR, COLUMN, ROW = 46, 104, 44
PARTS = {
    "exists": ("from what exists", LIGHT["mid"]),
    "in_time": ("still to create, in time", LIGHT["accent"]),
    "from_late": ("created too late for most", LIGHT["caution"]),
    "shortfall": ("beyond the best period ever", LIGHT["bad_soft"]),
}
FILLS = {"exists": LIGHT["paper"], "open": LIGHT["raised"], "too late": LIGHT["bad_soft"]}


def draw_timing(landing: pd.DataFrame, *, title: str, subtitle: str = "", note: str = "") -> Display:
    """Draw where the wins of each period come from.

    Args:
        landing: one row per period, as made by ``summarise_timing`` with ``label`` (the period's name): wanted, exists,
            still_to_create, from_late, shortfall, too_late_since, out_of_reach_since.
        title: the finding, in a sentence.
        subtitle: measure, period, n.
        note: how to read it.

    Returns:
        A display; its text lists the parts of each period and the two days.

    Raises:
        ValueError: there is no period to draw.
    """
    if landing.empty:
        raise ValueError("No landing periods to draw. Show a message instead.")
    import altair as alt

    rows = landing.reset_index(drop=True).assign(
        in_time=(landing["still_to_create"] - landing["from_late"]).clip(lower=0).to_numpy()
    )
    rows["day_text"] = [_say_days(row) for row in rows.to_dict("records")]
    order = rows["label"].tolist()
    parts = _lay_parts(rows)
    top = float(max(rows["wanted"].max(), parts["until"].max())) or 1.0
    parts["text"] = [_say_part(row, top) for row in parts.to_dict("records")]
    y = alt.Y("label:N", sort=order, title=None, axis=alt.Axis(labelPadding=10))
    scale = alt.Scale(domain=[0, top * 1.04], nice=False)
    names, colours = zip(*[PARTS[part] for part in PARTS if (parts["part"] == part).any()], strict=True)
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=list(names), range=list(colours)),
        legend=alt.Legend(symbolType="square", columns=4, labelLimit=220),
    )
    base = alt.Chart(parts).encode(y=y, tooltip=[alt.Tooltip("name:N", title="Part"), alt.Tooltip("count:N")])
    axis = alt.Axis(tickMinStep=1, tickCount=5, format=",~f")
    x = alt.X("begin:Q", scale=scale, title="deals won in the period", axis=axis)
    bars = base.mark_bar(height=22).encode(x=x, x2="until:Q", color=colour)
    numbers = base.mark_text(fontSize=11, fontWeight=600).encode(
        x=alt.X("middle:Q", scale=scale), text="text:N", color=alt.Color("ink:N", scale=None)
    )
    goal = (
        alt.Chart(rows)
        .mark_tick(color=LIGHT["ink"], thickness=2, size=32)
        .encode(y=y, x=alt.X("wanted:Q", scale=scale))
    )
    days = (
        alt.Chart(rows)
        .mark_text(align="left", dy=20, fontSize=11, color=LIGHT["grey"])
        .encode(y=y, x=alt.value(0), text="day_text:N")
    )
    chart = alt.layer(bars, numbers, goal, days).properties(width=WIDTH - 60, height=(BAR + 10) * len(rows))
    how = " ".join(part for part in (note, "The upright line is the goal.") if part)
    shown = rows[["label", "wanted", "exists", "in_time", "from_late", "shortfall", "day_text"]].copy()
    for column in ("wanted", *PARTS):
        shown[column] = [_count(number) for number in shown[column]]
    names = {"label": "period", "wanted": "goal", "day_text": "deadline"}
    names |= {part: name for part, (name, _) in PARTS.items()}
    return show_chart_with_footnote(
        chart, note=how, title=title, subtitle=subtitle, numbers=shown.rename(columns=names)
    )


def _lay_parts(rows: pd.DataFrame) -> pd.DataFrame:
    laid = []
    for row in rows.to_dict("records"):
        begin = 0.0
        for part, (name, _) in PARTS.items():
            number = float(row[part])
            if number > 0.005 * max(float(row["wanted"]), 1.0):
                ink = LIGHT["bad"] if part == "shortfall" else LIGHT["ink"] if part == "exists" else LIGHT["paper"]
                laid.append(
                    {
                        "label": row["label"],
                        "wanted": float(row["wanted"]),
                        "part": part,
                        "name": name,
                        "count": _count(number),
                        "begin": begin,
                        "until": begin + number,
                        "middle": begin + number / 2,
                        "ink": ink,
                    }
                )
            begin += number
    columns = ["label", "wanted", "part", "name", "count", "begin", "until", "middle", "ink"]
    return pd.DataFrame(laid, columns=columns)


def _say_part(row: dict[str, Any], top: float) -> str:
    """Write the number of a part where it fits and the goal's line doesn't cross it."""
    fits = row["until"] - row["begin"] >= 0.06 * top and abs(row["middle"] - row["wanted"]) > 0.02 * top
    return row["count"] if fits else ""


def _say_days(row: dict[str, Any]) -> str:
    said = []
    if not words.is_missing(row["too_late_since"]):
        said.append(f"created after {_day(row['too_late_since'])}, most are won later")
    if row["shortfall"] > 0.005 * row["wanted"]:
        out = row["out_of_reach_since"]
        said.append("never within reach" if words.is_missing(out) else f"out of reach since {_day(out)}")
    return " · ".join(said)


def draw_stage_plan(laid: pd.DataFrame, *, title: str, subtitle: str = "", note: str = "") -> Display:
    """Draw what every stage has to bring in which period: stages down the funnel, periods across.

    Args:
        laid: one row per stage and period, as made by ``lay_out_stages``: label, period, row, column, is_goal, status,
            exists, needed, reachable, too_late_since.
        title: the finding, in a sentence.
        subtitle: measure, period, n.
        note: how to read it.

    Returns:
        A display; its text lists every cell.

    Raises:
        ValueError: there is no cell to draw.
    """
    if laid.empty:
        raise ValueError("No stages to draw. Show a message instead.")
    import altair as alt

    cells = laid.reset_index(drop=True).copy()
    cells["main"] = [_count(needed) for needed in cells["needed"]]
    cells["state"] = [_say_state(row) for row in cells.to_dict("records")]
    short = [_is_short(row) for row in cells.to_dict("records")]
    is_bad = (cells["status"] == "too late") | (pd.Series(short) & cells["is_goal"])
    cells["fill"] = [
        FILLS["too late"] if bad else FILLS[status] for bad, status in zip(is_bad, cells["status"], strict=True)
    ]
    cells["ink"] = [LIGHT["bad"] if bad else LIGHT["grey"] for bad in is_bad]
    stages = cells.drop_duplicates("row").sort_values("row")["label"].tolist()
    periods = cells.drop_duplicates("column").sort_values("column")["period"].tolist()
    base = alt.Chart(cells).encode(
        x=alt.X("period:N", sort=periods, title=None, axis=alt.Axis(orient="top", labelFontSize=12)),
        y=alt.Y("label:N", sort=stages, title=None, axis=alt.Axis(labelPadding=10, labelLimit=170)),
        tooltip=[alt.Tooltip("label:N", title="Stage"), alt.Tooltip("period:N", title="Period"),
                 alt.Tooltip("main:N", title="Needed"), alt.Tooltip("state:N", title="State")],
    )  # fmt: skip
    field = base.mark_rect(stroke=LIGHT["faint"], strokeWidth=1).encode(color=alt.Color("fill:N", scale=None))
    figure = base.mark_text(dy=-7, fontSize=13, fontWeight=600).encode(text="main:N")
    state = base.mark_text(dy=9, fontSize=10).encode(text="state:N", color=alt.Color("ink:N", scale=None))
    chart = alt.layer(field, figure, state).properties(width=COLUMN * len(periods), height=ROW * len(stages))
    how = " ".join(
        part
        for part in (
            note,
            "Bold: records needed in the period. ● all of them exist; × missing, and the day named is over.",
        )
        if part
    )
    shown = cells[["label", "period", "main", "state"]].rename(columns={"label": "stage", "main": "needed"})
    width = 170 + COLUMN * len(periods)
    return show_chart_with_footnote(chart, note=how, title=title, subtitle=subtitle, numbers=shown, width=width)


def _is_short(row: dict[str, Any]) -> bool:
    return row["reachable"] < row["needed"] * 0.995


def _say_state(row: dict[str, Any]) -> str:
    if row["is_goal"]:
        return f"× {_count(row['reachable'])} reachable" if _is_short(row) else "within reach"
    if row["status"] == "exists":
        return "● exist"
    if row["status"] == "too late":
        return f"× has {_count(row['exists'])} · {_short_day(row['too_late_since'])}"
    if _is_short(row):
        return f"{_count(row['reachable'])} reachable"
    if row["exists"] > 0:
        return f"has {_count(row['exists'])}"
    return "" if words.is_missing(row["too_late_since"]) else f"by {_short_day(row['too_late_since'])}"


def _count(number: float) -> str:
    return words.say_value(number, "count", digits=0 if number >= 10 else 1)


def _day(day: Any) -> str:
    return words.say_date(pd.Timestamp(day).date())


def _short_day(day: Any) -> str:
    return _day(day).rsplit(" ", 1)[0]
