"""Pace: what a period has brought day by day, beside the course that usually leads to such a goal."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers.present import words
from helpers.present.charts.axes import axis_format, axis_words
from helpers.present.charts.footnote import show_chart_with_footnote
from helpers.present.display import Display, show_message, show_table
from helpers.present.theme import LIGHT

PLOT, HEIGHT = 600, 260
EDGE = 120
"""Pixels right of the picture for the goal's name."""

SHAPES = {"ahead": "● ahead", "on pace": "◐ on pace", "behind": "○ behind"}


def draw_pace(
    course: pd.DataFrame, *, title: str, subtitle: str = "", currency: str = "USD", note: str = ""
) -> Display:
    """Draw a period's cumulative course against the pace band and the goal.

    Args:
        course: one row per day, as made by ``trace_pace``.
        title: the finding, in a sentence.
        subtitle: measure, period.
        currency: ISO code of the company's currency.
        note: what else the reader should know.

    Returns:
        A display; its text lists the course in steps of about a week. Without a course a message says what is missing.
    """
    if course.empty:
        return show_message(
            "empty",
            "Pace is not available",
            "It takes a goal for the period and records that carry the day on which they came.",
            "Set a revenue goal, or map the day of the win.",
        )
    import altair as alt

    told = course.attrs
    unit, goal, day = told["unit"], float(told["goal"]), int(told["day"])
    rows = course.assign(at=pd.to_datetime(course["date"]))
    top = max(goal, float(rows["actual"].max()), float(rows["high"].max()) if rows["high"].notna().any() else 0) * 1.14
    x = alt.X(
        "at:T",
        title=None,
        axis=alt.Axis(format="%-d %b", tickCount=6, grid=False, labelOverlap=True),
        scale=alt.Scale(domain=[rows["at"].iloc[0].isoformat(), rows["at"].iloc[-1].isoformat()], nice=False),
    )
    axis = alt.Axis(format=axis_format(unit), labelExpr=axis_words(unit, currency), tickCount=5)
    y_scale = alt.Scale(domain=[0, top], nice=False)
    layers: list[Any] = []
    if rows["low"].notna().any():
        band = alt.Chart(rows[["at", "low", "high"]]).mark_area(color=LIGHT["faint"], opacity=0.9)
        layers.append(band.encode(x=x, y=alt.Y("low:Q", title=None, axis=axis, scale=y_scale), y2="high:Q"))
    pace = alt.Chart(rows[["at", "expected"]]).mark_line(color=LIGHT["grey"], strokeWidth=1.5, strokeDash=[5, 4])
    layers.append(pace.encode(x=x, y=alt.Y("expected:Q", title=None, axis=axis, scale=y_scale)))
    came = rows[rows["actual"].notna()][["at", "actual"]]
    line = alt.Chart(came).mark_line(color=LIGHT["accent"], strokeWidth=2.5, interpolate="step-after")
    layers.append(line.encode(x=x, y=alt.Y("actual:Q", title=None, axis=axis, scale=y_scale)))
    layers += _name_marks(rows, came, goal, day, unit, currency, y_scale)
    chart = alt.layer(*layers).properties(width=PLOT, height=HEIGHT)
    return show_chart_with_footnote(
        chart,
        title=title,
        subtitle=subtitle,
        numbers=_list_numbers(rows, day),
        units=dict.fromkeys(("actual", "expected", "low", "high"), unit),
        labels={"day": "Day", "expected": "Expected by then"},
        currency=currency,
        note=" ".join(part for part in (_explain(told), note) if part),
        width=PLOT + EDGE,
    )


def _name_marks(rows, came, goal: float, day: int, unit: str, currency: str, scale) -> list[Any]:
    """Name the goal, the course and what has come, each where it stands."""
    import altair as alt

    def say(value: float) -> str:
        return words.say_value(value, unit, currency=currency, digits=0 if unit == "count" else None)

    is_goal = rows.attrs.get("is_goal", True)
    last = rows["at"].iloc[-1]
    wanted = pd.DataFrame({"at": [last], "y": [goal], "said": [f"{'goal' if is_goal else 'expected'} {say(goal)}"]})
    rule = alt.Chart(wanted).mark_rule(color=LIGHT["ink"], strokeWidth=1).encode(y=alt.Y("y:Q", scale=scale))
    name = alt.Chart(wanted).mark_text(align="left", dx=6, fontSize=12, color=LIGHT["ink"], fontWeight=600)
    now = came.tail(1).assign(said=[say(float(came["actual"].iloc[-1]))])
    dot = alt.Chart(now).mark_point(filled=True, size=70, opacity=1, color=LIGHT["accent"])
    is_late, height = day > 0.8 * (len(rows) - 1), float(now["actual"].iloc[0])
    is_behind = height < float(rows["expected"].iloc[min(day, len(rows) - 1)])
    # Beside the picture's edge the goal's own name stands at its height.
    beside_goal = (16 if height < goal else -16) if abs(height - goal) < 0.08 * goal else 0
    dy = beside_goal if is_late else 14 if is_behind else -12
    text = alt.Chart(now).mark_text(align="left", dx=8, dy=dy, fontSize=12, fontWeight=600, color=LIGHT["accent"])
    has_band = rows["low"].notna().any()
    edge = rows["expected"] if not has_band else rows["high"] if is_behind else rows["low"]
    middle = rows.assign(expected=edge).iloc[[round((0.5 if is_behind else 0.7) * (len(rows) - 1))]]
    middle = middle.assign(said="usual course" if has_band else "even course")
    course = alt.Chart(middle[["at", "expected", "said"]]).mark_text(
        align="right" if is_behind else "left",
        dx=-6 if is_behind else 6,
        dy=-8 if is_behind else 10,
        fontSize=11,
        color=LIGHT["grey"],
    )
    x = alt.X("at:T")
    return [
        rule,
        name.encode(x=x, y=alt.Y("y:Q", scale=scale), text="said:N"),
        course.encode(x=x, y=alt.Y("expected:Q", scale=scale), text="said:N"),
        dot.encode(x=x, y=alt.Y("actual:Q", scale=scale)),
        text.encode(x=x, y=alt.Y("actual:Q", scale=scale), text="said:N"),
    ]


def _list_numbers(rows: pd.DataFrame, day: int) -> pd.DataFrame:
    last = len(rows) - 1
    shown = sorted({*range(0, last, max(last // 12, 1)), day, last})
    return rows.iloc[shown][["day", "actual", "expected", "low", "high"]]


def _explain(told: dict[str, Any]) -> str:
    aim = "goal" if told["is_goal"] else "expectation"
    said = f"Dashed: the {aim} × the share that had come by that day ({told['basis']})."
    if int(told["periods"]) >= 4:
        said += " Band: the middle 80 % of those periods."
    if told["begins"]:
        said += f" {told['begins']} begins tomorrow; shown is the period that has just ended."
    return said


def show_pace(pace: pd.DataFrame, *, title: str, subtitle: str = "", currency: str = "USD") -> Display:
    """Show where every volume stands in its period.

    Args:
        pace: one row per KPI, as made by ``measure_pace``.
        title: the finding, in a sentence.
        subtitle: period, day.
        currency: ISO code of the company's currency.

    Returns:
        A table with goal, actual, what was to be expected by now with its range, basis and status in a word; without
        rows a message.
    """
    if pace.empty:
        return show_message(
            "empty",
            "Pace is not available",
            "No volume of the running period has a goal and records with the day on which they came.",
            "Set a revenue goal, or map the days of the stages.",
        )

    def say(row: dict[str, Any], name: str) -> str:
        digits = 0 if row["unit"] == "count" else None
        return words.say_value(row[name], row["unit"], currency=currency, digits=digits)

    records = pace.to_dict("records")
    table = pd.DataFrame(
        {
            "kpi": pace["label"].to_numpy(),
            "goal": [say(row, "goal") for row in records],
            "actual": [say(row, "actual_to_date") for row in records],
            "reached": [row["actual_to_date"] / row["goal"] for row in records],
            "expected": [say(row, "expected_by_now") for row in records],
            "range": [
                "not available" if words.is_missing(row["low"]) else f"{say(row, 'low')}–{say(row, 'high')}"
                for row in records
            ],
            "status": [SHAPES[row["status"]] for row in records],
            "periods": pace["periods"].to_numpy(),
        }
    )
    told = pace.attrs
    labels = {
        "kpi": "KPI",
        "goal": "Goal" if told["is_goal"] else "Expectation",
        "actual": "Actual" if told["begins"] else "Actual to date",
        "reached": "Of goal" if told["is_goal"] else "Of expectation",
        "expected": "Expected by now",
        "periods": "Earlier periods",
    }
    note = f"Day {told['day']} of {told['days']} of {told['period']}."
    if told["begins"]:
        table = table.drop(columns=["expected", "range", "periods"])
        note += f" Within {told['tolerance'] * 100:g} % of its {labels['goal'].lower()} a volume counts as on pace."
        note += f" {told['begins']} begins tomorrow."
    else:
        note += f" Expected by now = {labels['goal'].lower()} × the share that earlier periods had by the like day."
        if (pace["periods"] < 4).any():
            note += " With fewer than four of them the course is taken as even, without a range."
    return show_table(table, title=title, subtitle=subtitle, labels=labels, units={"reached": "share"}, note=note)
