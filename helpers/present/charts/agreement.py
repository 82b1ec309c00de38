"""The picture of agreement: every respondent a dot, the CRM's value a diamond with its interval, the gap in words."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from helpers.present.display import Display, show_chart
from helpers.present.theme import LIGHT
from helpers.present.words import say_value

ROW = 44
PLOT = 380
LEFT, RIGHT = 190, 250
SAME_THING = ("value", "new_business_share")
FURTHEST = 3.0
"""Answers beyond this multiple of the CRM's value are drawn at the edge."""


def draw_agreement(
    answers: pd.DataFrame, gut: pd.DataFrame, *, title: str, subtitle: str = "", currency: str = "USD"
) -> Display:
    """Draw what people believe beside what the CRM says, one row per question on one axis.

    Args:
        answers: one row per question, item and respondent, as ``list_answers`` returns them.
        gut: one row per question and item, as ``check_gut`` returns them; only what people and CRM say of the same
            thing is drawn.
        title: the finding, in a sentence.
        subtitle: measure, period, n.
        currency: ISO code of the company's currency.

    Returns:
        A display. The axis is the answer as a multiple of the CRM's value, so that customers, money and days stand on
        one scale; the values themselves are written at the right. A dot at an arrow lies further out than the axis.
    """
    import altair as alt

    rows = gut[gut["is_available"] & gut["check"].isin(SAME_THING) & gut["crm_value"].gt(0)]
    people = answers.merge(rows[["question_id", "item", "crm_value"]], on=["question_id", "item"])
    people = people.assign(ratio=(people["number"] / people["crm_value"]), row=people["label"])
    people = people.assign(is_beyond=people["ratio"] > FURTHEST, x=people["ratio"].clip(upper=FURTHEST))
    crm = _crm_rows(rows, currency)
    order = crm["row"].tolist()
    scale = alt.Scale(domain=[0, max(1.2, float(people["x"].max()) * 1.08, float(crm["high"].max()))], nice=False)
    axis = alt.Axis(title="answer as a multiple of what the CRM says", format=".1f", labelExpr="datum.label + '×'")
    y = alt.Y("row:N", sort=order, title=None, axis=alt.Axis(labelLimit=LEFT, labelPadding=12))
    height = ROW * len(order)
    line = alt.Chart(pd.DataFrame({"x": [1.0]})).mark_rule(color=LIGHT["faint"], strokeWidth=2).encode(x="x:Q")
    interval = alt.Chart(crm).mark_rule(color=LIGHT["accent"], strokeWidth=2).encode(x=alt.X("low:Q"), x2="high:Q", y=y)
    diamond = (
        alt.Chart(crm)
        .mark_point(shape="diamond", size=150, filled=True, stroke=LIGHT["accent"], strokeWidth=2, opacity=1)
        .encode(
            x=alt.X("x:Q", scale=scale, axis=axis),
            y=y,
            fill=alt.condition(alt.datum.is_small, alt.value(LIGHT["paper"]), alt.value(LIGHT["accent"])),
        )
    )
    shape = alt.condition(alt.datum.is_beyond, alt.value("triangle-right"), alt.value("circle"))
    dots = (
        alt.Chart(people[["row", "respondent", "answer", "x", "is_beyond"]])
        .mark_point(size=90, filled=True, color=LIGHT["grey"], opacity=0.75, stroke=LIGHT["paper"], strokeWidth=1)
        .encode(x=alt.X("x:Q", scale=scale, axis=axis), y=y, shape=shape, tooltip=["respondent:N", "answer:N"])
    )
    said = (
        alt.Chart(crm)
        .mark_text(align="left", fontSize=12, color=LIGHT["grey"])
        .encode(x=alt.value(PLOT + 16), y=y, text="said:N")
    )
    chart = alt.layer(line, interval, dots, diamond, said).properties(width=PLOT, height=height)
    says = [
        say_value(number, unit or "count", currency=currency)
        for number, unit in zip(people["number"], people["unit"], strict=True)
    ]
    numbers = people.assign(answer=says)[["label", "respondent", "answer"]].merge(
        crm[["row", "crm"]].rename(columns={"row": "label"}), on="label"
    )
    note = "Grey dot: one person. Blue diamond: the CRM, with its interval; hollow where few records are behind it."
    labels = {"label": "Question", "respondent": "Who", "answer": "Says", "crm": "The CRM says"}
    width = LEFT + PLOT + RIGHT
    return show_chart(
        chart, title=title, subtitle=subtitle, numbers=numbers, labels=labels, currency=currency, note=note, width=width
    )


def _crm_rows(rows: pd.DataFrame, currency: str) -> pd.DataFrame:
    """One row per question: where the diamond stands, its interval as multiples, and both values in words."""
    units = rows["unit"].where(rows["unit"] != "", "count")
    say = [
        (say_value(people, unit, currency=currency), say_value(crm, unit, currency=currency))
        for people, crm, unit in zip(rows["gut_median"], rows["crm_value"], units, strict=True)
    ]
    away = [_say_away(row) for row in rows.to_dict("records")]
    frame = pd.DataFrame(
        {
            "row": rows["label"].tolist(),
            "x": 1.0,
            "low": (rows["crm_low"] / rows["crm_value"]).clip(lower=0).tolist(),
            "high": (rows["crm_high"] / rows["crm_value"]).clip(upper=FURTHEST).tolist(),
            "is_small": rows["is_small"].tolist(),
            "crm": [crm for _, crm in say],
            "said": [f"{p}, the CRM {c}: {gap}" for (p, c), gap in zip(say, away, strict=True)],
            "away": (rows["gut_median"] / rows["crm_value"] - 1).abs().tolist(),
        }
    )
    return frame.sort_values("away", ascending=False, kind="stable", ignore_index=True)


def _say_away(row: Mapping[Hashable, Any]) -> str:
    """Say in words how far people's median lies from the CRM's value; inside its interval they may be right."""
    if row["is_small"]:
        return f"only {row['crm_n']:,.0f} records"
    if row["crm_low"] <= row["gut_median"] <= row["crm_high"] or abs(row["gap_share"]) < 0.005:
        return "may be right" if row["crm_low"] < row["crm_high"] else "right"
    return f"{abs(row['gap_share']) * 100:.0f} % too {'high' if row['gap_share'] > 0 else 'low'}"
