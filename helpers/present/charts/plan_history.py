"""The plan of record beside the goals as re-planned and what came: revenue as a picture, every KPI as a table."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers.analyses.plan_history import ADOPTED, REVENUE, PlanReview
from helpers.periods import Period
from helpers.present import words
from helpers.present.charts.axes import axis_format, axis_words
from helpers.present.charts.overview import Displays
from helpers.present.display import Display, show_chart, show_message, show_table
from helpers.present.theme import LIGHT

HEIGHT, STEP = 230, 84
MOST_PERIODS = 9


def show_plan_history(review: PlanReview, *, subtitle: str = "", currency: str = "USD") -> Displays:
    """Show the plan of record, the goals as re-planned and what came of both.

    Args:
        review: As made by ``review_plan``.
        subtitle: Company, last day.
        currency: ISO code of the company's currency.

    Returns:
        The displays: closed revenue by period, every KPI of the last and the next period, and earlier plans where
        there are any; one that says what is missing where there is nothing.
    """
    if review.company.empty:
        text = "There are no goals, and no history that they could be built on."
        how = "Add an export of contacts or deals, set goals, and adopt them as the plan of record."
        return Displays((show_message("empty", "There is no plan to compare with", text, how),))
    revenue = review.company[(review.company["kpi"] == REVENUE) & (review.company["grain"] != "year")]
    revenue = revenue.dropna(subset=["goal_of_record", "goal", "actual"], how="all").tail(MOST_PERIODS)
    shown = []
    if len(revenue):
        shown.append(_draw_revenue(revenue, review, subtitle, currency))
    shown.append(_show_kpis(review, subtitle, currency))
    if len(review.earlier) > 1:
        shown.append(_show_earlier(review.earlier, subtitle))
    return Displays(shown)


def _draw_revenue(revenue: pd.DataFrame, review: PlanReview, subtitle: str, currency: str) -> Display:
    import altair as alt

    rows = revenue[["period", "goal_of_record", "goal", "actual", "change"]].reset_index(drop=True)
    labels = rows["period"].tolist()
    for name in ("goal_of_record", "goal", "actual"):
        rows[f"{name}_text"] = [words.say_value(value, "currency", currency=currency) for value in rows[name]]
    top = float(rows[["goal_of_record", "goal", "actual"]].max().max()) * 1.12
    x = alt.X("period:N", sort=labels, title=None, axis=alt.Axis(labelAngle=0, labelPadding=8))
    axis = alt.Axis(format=axis_format("currency"), labelExpr=axis_words("currency", currency), tickCount=4)
    scale = alt.Scale(domain=[0, top], nice=False)
    tips = [
        alt.Tooltip("period:N", title="Period"),
        alt.Tooltip("goal_of_record_text:N", title="Plan of record"),
        alt.Tooltip("goal_text:N", title="As re-planned"),
        alt.Tooltip("actual_text:N", title="Actual"),
    ]

    def at(name: str) -> Any:
        return alt.Y(f"{name}:Q", scale=scale, axis=axis, title=None)

    came = rows[rows["actual"].notna()]
    bars = alt.Chart(came).mark_bar(color=LIGHT["bar"], size=34).encode(x=x, y=at("actual"), tooltip=tips)
    inside = alt.Chart(came).mark_text(dy=14, fontSize=11, color=LIGHT["ink"])
    inside = inside.encode(x=x, y=at("actual"), text="actual_text:N")
    planned = rows[rows["goal_of_record"].notna()]
    ticks = alt.Chart(planned).mark_tick(color=LIGHT["ink"], thickness=3, size=50)
    ticks = ticks.encode(x=x, y=at("goal_of_record"), tooltip=tips)
    open_ones = planned[planned["actual"].isna()]
    named = alt.Chart(open_ones).mark_text(dy=14, fontSize=11, color=LIGHT["ink"])
    named = named.encode(x=x, y=at("goal_of_record"), text="goal_of_record_text:N")
    moved = rows[rows["goal"].notna() & ~(rows["change"].abs() <= 0.005 * rows["goal_of_record"].abs())]
    moved = moved[moved["actual"].isna()]
    dots = alt.Chart(moved).mark_point(filled=True, size=90, opacity=1, color=LIGHT["accent"])
    dots = dots.encode(x=x, y=at("goal"), tooltip=tips)
    again = alt.Chart(moved).mark_text(dy=-12, fontSize=11, fontWeight=600, color=LIGHT["accent"])
    again = again.encode(x=x, y=at("goal"), text="goal_text:N")
    chart = alt.layer(bars, inside, ticks, named, dots, again).properties(width=STEP * len(labels), height=HEIGHT)
    plan = "plan of record" if review.basis == ADOPTED else "goal before a miss is carried over"
    note = f"{review.told} Grey bar: closed revenue; black line: {plan}"
    note += "; blue dot: the goal as re-planned." if len(moved) else "."
    names = {"period": "Period", "goal_of_record": "Plan of record", "goal": "As re-planned", "actual": "Actual"}
    return show_chart(
        chart,
        title=review.title,
        subtitle=subtitle,
        numbers=rows[list(names)].rename(columns=names),
        units=dict.fromkeys(list(names.values())[1:], "currency"),
        currency=currency,
        note=words.clean_text(note),
        width=max(STEP * len(labels) + 70, 560),
    )


def _show_kpis(review: PlanReview, subtitle: str, currency: str) -> Display:
    """Show every KPI of the period that ended last and of the next one."""
    plan = "plan of record" if review.basis == ADOPTED else "plan"
    lines: dict[str, dict[str, str]] = {}
    for period in (review.ended, review.coming):
        if period is None:
            continue
        for row in _rows_of(review, period).to_dict("records"):
            line = lines.setdefault(row["label"], {"KPI": row["label"]})
            line[f"{period.label}: {plan}"] = _say(row["goal_of_record"], row["unit"], currency)
            if period == review.coming:
                line[f"{period.label}: as re-planned"] = _say(row["goal"], row["unit"], currency)
            else:
                line[f"{period.label}: actual"] = _say(row["actual"], row["unit"], currency)
                line[f"{period.label}: gap to {plan}"] = _say_gap(row, currency)
    frame = pd.DataFrame(list(lines.values())).fillna("").astype("str")
    names = [period.label for period in (review.ended, review.coming) if period is not None]
    title = f"Every KPI in {' and '.join(names)}: as planned, as re-planned, as it came"
    note = "Gaps of shares are in percentage points."
    return show_table(frame, title=title, subtitle=subtitle, currency=currency, max_rows=20, note=note)


def _rows_of(review: PlanReview, period: Period) -> pd.DataFrame:
    rows = review.company
    return rows[(rows["grain"] == period.grain) & (rows["period_start"] == pd.Timestamp(period.start))]


def _say(value: Any, unit: str, currency: str) -> str:
    if words.is_missing(value):
        return "–"
    return words.say_value(value, unit, currency=currency, digits=0 if unit == "count" else None)


def _say_gap(row: dict[str, Any], currency: str) -> str:
    gap = row["gap_to_record"]
    if words.is_missing(gap):
        return "–"
    return words.say_change(round(gap) if row["unit"] == "count" else gap, row["unit"], currency=currency)


def _show_earlier(earlier: pd.DataFrame, subtitle: str) -> Display:
    shown = earlier.rename(columns={"adopted_on": "Adopted on", "author": "By", "note": "Note", "goals": "Goals"})
    title = f"{words.count_of(len(earlier), 'plan')} were adopted, the latest first"
    return show_table(shown, title=title, subtitle=subtitle, note="The first line is the plan in force.")
