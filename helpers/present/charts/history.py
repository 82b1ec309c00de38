"""One KPI over time, with its interval as a band and its goal as a line; several as small multiples on one scale.

An immature cohort is hatched and its line dashed; a period without a value leaves a gap and a dash, never a zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from helpers.present import words
from helpers.present.charts.axes import axis_format, axis_words
from helpers.present.charts.marks import HATCHED, HATCHED_SIZE
from helpers.present.display import Display, show_chart
from helpers.present.theme import LIGHT

if TYPE_CHECKING:
    import altair

HISTORY_COLUMNS = ["period", "value", "low", "high", "n", "goal", "is_complete", "panel"]
HISTORY_WIDTH, PANEL_WIDTH = 720, 216
LABEL_PLACES = {"above": {"dy": -13}, "below": {"dy": 16}, "right": {"align": "left", "dx": 10, "dy": -3}}
"""Where a value stands beside its dot."""


def draw_history(
    frame: pd.DataFrame,
    *,
    title: str,
    subtitle: str = "",
    unit: str = "share",
    currency: str = "USD",
    value_label: str = "Value",
    note: str = "",
) -> Display:
    """Draw one KPI over periods, with its interval as a band and its goal as a line; one panel per ``panel``.

    Args:
        frame: one row per period (and panel), oldest first. Columns ``period`` (text), ``value``; where known ``low``,
            ``high``, ``n``, ``goal``, ``is_complete`` (False: an immature cohort, drawn hatched) and ``panel`` (small
            multiples on one scale, in the order in which they come).
        title: the finding, in a sentence.
        subtitle: measure, period, n.
        unit: unit of the value.
        currency: ISO code of the company's currency.
        value_label: what is measured.
        note: how to read it.

    Returns:
        A display; one row of text per period and panel.

    Raises:
        ValueError: the frame has no rows.
    """
    if frame.empty:
        raise ValueError("No periods to draw. Show a message instead.")
    rows = _history_rows(frame, unit, currency)
    width = HISTORY_WIDTH if rows["panel"].nunique() == 1 else PANEL_WIDTH
    chart = _history_layers(rows, unit, currency, width)
    if rows["panel"].nunique() > 1:
        chart = _small_multiples(chart, rows)
    how = " ".join(part for part in (_history_note(rows), note) if part)
    shown = frame[[column for column in HISTORY_COLUMNS if column in frame.columns]]
    units = dict.fromkeys(("value", "low", "high", "goal"), unit)
    return show_chart(
        chart, title=title, subtitle=subtitle, numbers=shown, units=units, labels={"value": value_label}, note=how
    )


def _history_rows(frame: pd.DataFrame, unit: str, currency: str) -> pd.DataFrame:
    rows = pd.DataFrame({name: frame.get(name) for name in HISTORY_COLUMNS}).reset_index(drop=True)
    for name in ("value", "low", "high", "n", "goal"):
        rows[name] = pd.to_numeric(rows[name], errors="coerce").astype("float64")
    rows["period"] = [words.clean_text(period) for period in rows["period"]]
    rows["panel"] = ["" if words.is_missing(panel) else words.shorten(panel, 30) for panel in rows["panel"]]
    rows["is_complete"] = [words.is_missing(flag) or bool(flag) for flag in rows["is_complete"]]
    rows["value_text"] = [words.say_value(v, unit, currency=currency) for v in rows["value"]]
    rows["range_text"] = [
        words.say_range(low, high, unit, currency=currency) for low, high in zip(rows["low"], rows["high"], strict=True)
    ]
    rows["n_text"] = [words.say_n(n) for n in rows["n"]]
    last = rows.groupby("panel", sort=False)["period"].transform("last")
    first = rows.groupby("panel", sort=False)["period"].transform("first")
    rows["is_labelled"] = (rows["period"] == last) | (rows["period"] == first)
    rows["side"] = _label_sides(rows)
    young = ~rows["is_complete"].astype(bool)
    before_young = young.groupby(rows["panel"], sort=False).shift(-1, fill_value=False)
    rows["solid"] = rows["value"].mask(young)
    rows["tail"] = rows["value"].where(young | before_young)
    return rows


def _label_sides(rows: pd.DataFrame) -> list[str]:
    """Put each label where its line does not pass: above a peak, below a dip, beside a dip on the ground."""
    sides = pd.Series("above", index=rows.index, dtype="str")
    most = rows[["value", "high", "goal"]].max().max()
    for _, panel in rows.groupby("panel", sort=False):
        before, after = panel["value"].shift(1), panel["value"].shift(-1)
        around = pd.concat([before, after], axis=1).mean(axis=1)
        is_dip = panel["value"] < around - 0.02 * most
        is_low = panel["value"] < 0.12 * most
        sides[is_dip[is_dip & ~is_low].index] = "below"
        is_steep = after - panel["value"] > 0.25 * most
        sides[is_dip[is_dip & is_low & is_steep].index] = "right"
    return sides.tolist()


def _history_layers(rows: pd.DataFrame, unit: str, currency: str, width: int) -> altair.LayerChart:
    import altair as alt

    ends = pd.concat([rows["value"], rows["high"], rows["goal"]])
    most = float(ends.max()) if ends.notna().any() else 1.0
    scale = alt.Scale(domain=[min(0.0, float(rows["value"].min(skipna=True) or 0.0)), most * 1.12 or 1.0], nice=False)
    axis = alt.Axis(title=None, format=axis_format(unit), labelExpr=axis_words(unit, currency), tickCount=4)
    narrow = width < HISTORY_WIDTH
    has_n = not narrow and rows["n"].notna().any() and not rows["n"].equals(rows["value"])
    x = alt.X(
        "period:O",
        sort=list(dict.fromkeys(rows["period"])),
        title=None,
        axis=alt.Axis(labelOverlap="greedy" if narrow else True, labelPadding=20 if has_n else 4),
        scale=alt.Scale(padding=0.3),
    )
    base = alt.Chart(rows).encode(x=x)
    band = base.mark_area(color=LIGHT["accent_soft"], opacity=0.6, interpolate="monotone")
    line = base.mark_line(color=LIGHT["accent"], strokeWidth=2)
    goal = base.mark_line(color=LIGHT["ink"], strokeWidth=1, strokeDash=[4, 3], interpolate="step")
    tail = base.mark_line(color=LIGHT["accent"], strokeWidth=2, strokeDash=[3, 3])
    known = base.transform_filter("isValid(datum.value)")
    dots = known.transform_filter("datum.is_complete").mark_point(
        filled=True, size=54, fill=LIGHT["accent"], stroke=LIGHT["accent"], strokeWidth=1.6, opacity=1
    )
    hatched = known.transform_filter("!datum.is_complete").mark_point(
        shape=HATCHED, size=54 * HATCHED_SIZE, fill=LIGHT["paper"], stroke=LIGHT["accent"], strokeWidth=1.4, opacity=1
    )
    text = base.transform_filter(
        "isValid(datum.value)" + (" && datum.is_labelled" if narrow or rows["period"].nunique() > 12 else "")
    )
    missing = base.transform_filter("!isValid(datum.value)").mark_text(
        fontSize=11, color=LIGHT["grey"], baseline="bottom", dy=-4, text="–"
    )
    tips = [
        alt.Tooltip("period:N", title="Period"),
        alt.Tooltip("value_text:N", title="Value"),
        alt.Tooltip("range_text:N", title="Interval"),
        alt.Tooltip("n_text:N", title="Records"),
    ]
    y = alt.Y("value:Q", scale=scale, axis=axis)
    return alt.layer(
        band.encode(y=alt.Y("low:Q", scale=scale, axis=axis), y2="high:Q"),
        goal.encode(y=alt.Y("goal:Q", scale=scale, axis=axis)),
        line.encode(y=alt.Y("solid:Q", scale=scale, axis=axis)),
        *([tail.encode(y=alt.Y("tail:Q", scale=scale, axis=axis))] if rows["tail"].notna().any() else []),
        dots.encode(y=y, tooltip=tips),
        *([] if rows["is_complete"].all() else [hatched.encode(y=y, tooltip=tips)]),
        *(
            text.transform_filter(f"datum.side == '{side}'")
            .mark_text(fontSize=12, fontWeight=600, **place)
            .encode(y=y, text="value_text:N")
            for side, place in LABEL_PLACES.items()
            if side in set(rows["side"])
        ),
        missing.encode(y=alt.value("height")),
        *([_write_n(text)] if has_n else []),
    ).properties(width=width, height=150 if narrow else 240)


def _write_n(labelled: altair.Chart) -> altair.Chart:
    """Write beneath each period how many records its value rests on."""
    import altair as alt

    return labelled.mark_text(baseline="top", dy=5, fontSize=11, color=LIGHT["grey"]).encode(
        y=alt.value("height"), text="n_text:N"
    )


def _small_multiples(chart: altair.LayerChart, rows: pd.DataFrame) -> altair.FacetChart:
    import altair as alt

    panels = list(dict.fromkeys(rows["panel"]))
    return chart.facet(facet=alt.Facet("panel:N", sort=panels, title=None), columns=3).resolve_axis(x="independent")


def _history_note(rows: pd.DataFrame) -> str:
    parts = ["Band: interval."] if rows["low"].notna().any() else []
    if rows["goal"].notna().any():
        parts.append("Dashed: goal.")
    if not rows["is_complete"].all():
        parts.append("Hatched: not all records have had their time yet; left out of averages.")
    return " ".join(parts)
