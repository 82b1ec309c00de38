"""The close curve: which share of a period's records was won by each age; an age not lived through yet is hatched."""

from __future__ import annotations

import pandas as pd

from helpers.present.charts.axes import axis_format, axis_words
from helpers.present.charts.marks import HATCHED, HATCHED_SIZE
from helpers.present.display import Display, show_chart
from helpers.present.theme import LIGHT, WIDTH

AVERAGES = ("mean", "pooled")


def draw_close_curve(
    accumulated: pd.DataFrame,
    *,
    title: str,
    subtitle: str = "",
    grain: str = "quarter",
    average: str = "pooled",
    note: str = "",
) -> Display:
    """Draw how the wins of each cohort pile up with its age.

    Args:
        accumulated: one row per cohort and age, as made by ``accumulate_curve``: cohort, age, n, share (won by that
            age), is_complete, is_last.
        title: the finding, in a sentence.
        subtitle: measure, period, n.
        grain: length of a period, for the axis.
        average: which average is drawn in the accent: mean or pooled.
        note: how to read it.

    Returns:
        A display; its text lists the average per age.

    Raises:
        ValueError: there is nothing to draw.
    """
    if accumulated.empty:
        raise ValueError("No close curve to draw. Show a message instead.")
    import altair as alt

    cohorts = accumulated[~accumulated["cohort"].isin(AVERAGES)]
    mean = accumulated[accumulated["cohort"] == average].assign(name="all cohorts")
    ages = sorted(int(age) for age in accumulated["age"].unique())
    x = alt.X(
        "age:Q",
        title=f"{grain}s since the record was created (0 is the same {grain})",
        axis=alt.Axis(values=ages, format="d", grid=False),
        scale=alt.Scale(domain=[0, max(ages) + 0.35], nice=False),
    )
    y = alt.Y(
        "share:Q",
        title="won so far",
        axis=alt.Axis(format=axis_format("share"), labelExpr=axis_words("share", "")),
        scale=alt.Scale(zero=True),
    )
    lines = alt.Chart(cohorts).mark_line(color=LIGHT["bar"], strokeWidth=1.5).encode(x=x, y=y, detail="cohort:N")
    whole = cohorts[cohorts["is_complete"].astype(bool)]
    dots = alt.Chart(whole).mark_point(filled=True, size=22, color=LIGHT["mid"]).encode(x=x, y=y)
    young = cohorts[~cohorts["is_complete"].astype(bool)]
    hatched = alt.Chart(young).mark_point(
        shape=HATCHED, size=30 * HATCHED_SIZE, fill=LIGHT["paper"], stroke=LIGHT["mid"], strokeWidth=1.2, opacity=1
    )
    accent = alt.Chart(mean).mark_line(color=LIGHT["accent"], strokeWidth=3, point={"color": LIGHT["accent"]})
    label = alt.Chart(mean[mean["is_last"].astype(bool)]).mark_text(
        align="left", dx=8, color=LIGHT["accent"], fontWeight=600
    )
    chart = alt.layer(
        lines, dots, hatched.encode(x=x, y=y), accent.encode(x=x, y=y), label.encode(x=x, y=y, text="name:N")
    ).properties(width=WIDTH - 60, height=260)
    numbers = mean[["age", "n", "share"]].rename(columns={"n": "records", "share": "won_so_far"})
    young_note = " Hatched: an age the cohort has not lived through yet, left out of the average." if len(young) else ""
    return show_chart(
        chart,
        title=title,
        subtitle=subtitle,
        numbers=numbers,
        units={"won_so_far": "share"},
        note=f"{note} Grey: one line per cohort.{young_note}".strip(),
    )
