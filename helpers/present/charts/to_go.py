"""To-go coverage by week: what is open ÷ what is left to book, beside what earlier periods needed from that week on."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers.analyses.coverage_words import SCRUBBED_WEEKS
from helpers.present import words
from helpers.present.display import Display, show_chart
from helpers.present.theme import LIGHT, WIDTH

HEIGHT = 280
MOST_TIMES = 12.0
"""Coverage above this is cut: with little left to book the ratio runs away and says nothing."""

NOTE = (
    "To-go coverage = open pipeline due in the period ÷ (target − booked so far). Dashed: what earlier periods had "
    "open per unit they still booked from that week on. Grey: earlier periods. Shaded: weeks 3, 6 and 9."
)


def draw_to_go(
    weeks: pd.DataFrame,
    period_start: pd.Timestamp,
    *,
    title: str,
    subtitle: str = "",
    label: str = "",
    currency: str = "USD",
) -> Display:
    """Draw one period's to-go coverage week by week, with the needed one and earlier periods behind it.

    Args:
        weeks: ``Coverage.weeks``.
        period_start: First day of the period to look at.
        title: the finding, in a sentence.
        subtitle: company, period, last day.
        label: the period as a reader says it.
        currency: ISO code of the company's currency.

    Returns:
        A display; its text lists open pipeline, what is booked, and both coverages per week.

    Raises:
        ValueError: the period has no to-go coverage to draw.
    """
    whole = weeks[weeks["source"] == "all"].sort_values(["period_start", "week"])
    mine = whole[whole["period_start"] == period_start]
    if mine["to_go_coverage"].notna().sum() == 0:
        raise ValueError("No to-go coverage to draw. Show a message instead.")
    past = whole[(whole["period_start"] < period_start) & whole["bookings"].notna() & whole["to_go_coverage"].notna()]
    chart = _draw_lines(mine, past, label or "now", last=int(whole["week"].max()))
    numbers = mine[["week", "open_pipeline", "booked_before", "to_go_coverage", "needed_to_go"]]
    return show_chart(
        chart,
        title=title,
        subtitle=subtitle,
        numbers=numbers,
        units={
            "open_pipeline": "currency",
            "booked_before": "currency",
            "to_go_coverage": "ratio",
            "needed_to_go": "ratio",
        },
        currency=currency,
        note=NOTE,
    )


def _draw_lines(mine: pd.DataFrame, past: pd.DataFrame, label: str, *, last: int) -> Any:
    import altair as alt

    shown = [mine["to_go_coverage"], mine["needed_to_go"], past["to_go_coverage"]]
    top = min(float(pd.concat(shown).max()) * 1.1, MOST_TIMES)
    x = alt.X(
        "week:Q",
        title="weeks gone (0 is the morning of the first day, 3 the evening of day 21)",
        axis=alt.Axis(values=list(range(0, last + 1, 3)), format="d", grid=False, labelOverlap=False),
        scale=alt.Scale(domain=[-0.3, last + 1.6], nice=False),
    )
    y = alt.Y(
        "times:Q",
        title="to-go coverage",
        axis=alt.Axis(tickCount=5, labelExpr="datum.label + '×'"),
        scale=alt.Scale(domain=[0, top], nice=False, clamp=True),
    )
    bands = pd.DataFrame(
        {"begin": [week - 0.3 for week in SCRUBBED_WEEKS], "end": [week + 0.3 for week in SCRUBBED_WEEKS]}
    )
    shade = alt.Chart(bands).mark_rect(color=LIGHT["rule"]).encode(x=alt.X("begin:Q"), x2="end:Q")
    behind = alt.Chart(past.assign(times=past["to_go_coverage"])[lambda rows: rows["times"] <= top])
    grey = behind.mark_line(color=LIGHT["bar"], strokeWidth=1.2).encode(x=x, y=y, detail="period_start:T")
    layers = [shade, grey]
    series = (
        ("needed_to_go", "needed", LIGHT["ink"], [5, 4]),
        ("to_go_coverage", label, LIGHT["accent"], [1, 0]),
    )
    for column, name, colour, dash in series:
        rows = mine[mine[column].notna() & (mine[column] <= top)]
        rows = rows.assign(
            times=rows[column], name=name, text=[words.say_value(v, "ratio", digits=1) for v in rows[column]]
        )
        tips = [alt.Tooltip("week:Q", title="Week"), alt.Tooltip("text:N", title=name)]
        base = alt.Chart(rows[["week", "times", "name", "text"]]).encode(x=x, y=y, tooltip=tips)
        layers.append(base.mark_line(color=colour, strokeWidth=2.5, strokeDash=dash))
        if column == "to_go_coverage":
            layers.append(base.mark_point(filled=True, color=colour, size=45, opacity=1))
        end = alt.Chart(rows.tail(1)[["week", "times", "name"]]).encode(x=x, y=y, text="name:N")
        layers.append(end.mark_text(align="left", dx=8, color=colour, fontWeight=600))
    return alt.layer(*layers).properties(width=WIDTH, height=HEIGHT)
