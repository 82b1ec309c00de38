"""Slices side by side: bars of volume beside a dot and interval of the rate; and one KPI over time.

A slice with few records is hollow, an immature cohort is hollow with a dashed band, a missing rate is written as
"not available" and never drawn as zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.present import words
from helpers.present.display import Display, show_chart
from helpers.present.theme import LIGHT

if TYPE_CHECKING:
    import altair

SLICE_COLUMNS = [
    "slice",
    "volume",
    "value",
    "low",
    "high",
    "n",
    "compared_volume",
    "compared_value",
    "adjusted",
    "is_small",
    "is_named",
]
HISTORY_COLUMNS = ["period", "value", "low", "high", "n", "goal", "is_complete", "panel"]
BAR_WIDTH, RATE_WIDTH, ROW = 230, 330, 24
HISTORY_WIDTH, PANEL_WIDTH = 720, 216


def draw_slices(
    frame: pd.DataFrame,
    *,
    title: str,
    subtitle: str = "",
    unit: str = "share",
    currency: str = "USD",
    company_value: float | None = None,
    volume_label: str = "Records",
    value_label: str = "Rate",
    volume_unit: str = "count",
    compared: str = "previous period",
    note: str = "",
) -> Display:
    """Draw slices as sorted bars of volume beside a dot and interval of the rate.

    Args:
        frame: one row per slice, in the order wanted (the caller sorts, and sums up the rest in a last row). Columns
            ``slice``, ``volume``, ``value``; where known ``low``, ``high``, ``n``, ``compared_volume``,
            ``compared_value`` (drawn as thin ticks), ``adjusted`` (the value at the company's mix, drawn hollow),
            ``is_small`` (drawn hollow and grey), ``is_named`` (what the title is about, in the accent colour).
        title: the finding, in a sentence.
        subtitle: measure, period, n.
        unit: unit of the value.
        currency: ISO code of the company's currency.
        company_value: the company's own value, drawn as a line.
        volume_label: heading of the left panel.
        value_label: heading of the right panel.
        volume_unit: unit of the volume.
        compared: what the thin ticks show.
        note: how to read it.

    Returns:
        A display; one row of text per slice. Without rows a chart cannot be drawn.

    Raises:
        ValueError: the frame has no rows.
    """
    if frame.empty:
        raise ValueError("No slices to draw. Show a message instead, or widen the filter.")
    rows = _slice_rows(frame, unit, volume_unit, currency)
    panels = _volume_panel(rows, volume_label) | _rate_panel(rows, unit, currency, company_value, value_label)
    chart = panels.resolve_scale(y="shared")
    how = _how_to_read(rows, compared, note)
    shown = frame[[column for column in SLICE_COLUMNS if column in frame.columns]]
    units = dict.fromkeys(("value", "low", "high", "compared_value", "adjusted"), unit)
    units |= dict.fromkeys(("volume", "compared_volume"), volume_unit)
    labels = {"volume": volume_label, "value": value_label}
    width = BAR_WIDTH + RATE_WIDTH + 190
    return show_chart(
        chart, title=title, subtitle=subtitle, numbers=shown, units=units, labels=labels, note=how, width=width
    )


def _slice_rows(frame: pd.DataFrame, unit: str, volume_unit: str, currency: str) -> pd.DataFrame:
    rows = pd.DataFrame({name: frame.get(name) for name in SLICE_COLUMNS}).reset_index(drop=True)
    for name in ("volume", "value", "low", "high", "n", "compared_volume", "compared_value", "adjusted"):
        rows[name] = pd.to_numeric(rows[name], errors="coerce").astype("float64")
    rows["order"] = range(len(rows))
    rows["name"] = [f"{words.shorten(name, 34)}" for name in rows["slice"]]
    repeated = rows["name"].duplicated(keep=False)
    rows.loc[repeated, "name"] = [
        f"{words.shorten(n, 30)} ({i + 1})"
        for n, i in zip(rows.loc[repeated, "slice"], rows.loc[repeated, "order"], strict=True)
    ]
    rows["is_small"] = [not words.is_missing(flag) and bool(flag) for flag in rows["is_small"]]
    rows["is_named"] = [not words.is_missing(flag) and bool(flag) for flag in rows["is_named"]]
    rows["colour"] = [
        LIGHT["accent"] if named else LIGHT["mid"] if small else LIGHT["grey"]
        for named, small in zip(rows["is_named"], rows["is_small"], strict=True)
    ]
    rows["bar"] = [LIGHT["accent"] if named else LIGHT["bar"] for named in rows["is_named"]]
    rows["inside"] = [
        LIGHT["paper"] if small else colour for small, colour in zip(rows["is_small"], rows["colour"], strict=True)
    ]
    rows["volume_text"] = [
        "" if words.is_missing(v) else words.say_value(v, volume_unit, currency=currency) for v in rows["volume"]
    ]
    rows["value_text"] = [words.say_value(v, unit, currency=currency) for v in rows["value"]]
    rows["text_at"] = rows[["volume", "compared_volume"]].max(axis=1)
    rows["n_text"] = [words.say_n(n) for n in rows["n"]]
    rows["range_text"] = [
        words.say_range(low, high, unit, currency=currency) for low, high in zip(rows["low"], rows["high"], strict=True)
    ]
    return rows


def _tooltips() -> list[Any]:
    import altair as alt

    return [
        alt.Tooltip("slice:N", title="Slice"),
        alt.Tooltip("volume_text:N", title="Volume"),
        alt.Tooltip("value_text:N", title="Value"),
        alt.Tooltip("range_text:N", title="Interval"),
        alt.Tooltip("n_text:N", title="Records"),
    ]


def _volume_panel(rows: pd.DataFrame, label: str) -> altair.LayerChart:
    import altair as alt

    y = alt.Y("name:N", sort=None, title=None, scale=alt.Scale(paddingInner=0.28, paddingOuter=0.2))
    most = float(rows[["volume", "compared_volume"]].max().max() or 1) or 1.0
    scale = alt.Scale(domain=[0, most * 1.25], nice=False)
    x = alt.X(
        "volume:Q",
        axis=alt.Axis(title=label, titleAnchor="start", titleX=0, labels=False, grid=False, orient="top"),
        scale=scale,
    )
    base = alt.Chart(rows).encode(y=y)
    bars = base.mark_bar(cornerRadiusEnd=1).encode(x=x, color=alt.Color("bar:N", scale=None), tooltip=_tooltips())
    ticks = base.transform_filter("isValid(datum.compared_volume)").mark_tick(
        color=LIGHT["ink"], thickness=1.5, height=ROW * 0.72
    )
    text = base.mark_text(align="left", dx=6, fontSize=12).encode(
        x=alt.X("text_at:Q", scale=scale), text="volume_text:N"
    )
    return (bars + ticks.encode(x=alt.X("compared_volume:Q", scale=scale, title=label)) + text).properties(
        width=BAR_WIDTH, height=alt.Step(ROW)
    )


def _rate_panel(
    rows: pd.DataFrame, unit: str, currency: str, company_value: float | None, label: str
) -> altair.LayerChart:
    import altair as alt

    low, high = _value_domain(rows, unit, company_value)
    scale = alt.Scale(domain=[low, high], nice=False, zero=False)
    axis = alt.Axis(
        title=label,
        titleAnchor="start",
        orient="top",
        format=_axis_format(unit),
        labelExpr=_axis_words(unit, currency),
        tickCount=4,
    )
    y = alt.Y("name:N", sort=None, title=None, axis=None)
    base = alt.Chart(rows).encode(y=y)
    x = alt.X("value:Q", axis=axis, scale=scale)
    layers: list[Any] = []
    if company_value is not None and not words.is_missing(company_value):
        company = pd.DataFrame(
            {"value": [company_value], "text": [f"company {words.say_value(company_value, unit, currency=currency)}"]}
        )
        line = alt.Chart(company).encode(x=alt.X("value:Q", axis=axis, scale=scale))
        layers.append(line.mark_rule(color=LIGHT["ink"], strokeWidth=1))
        layers.append(
            line.mark_text(align="left", dx=4, dy=8, fontSize=11, color=LIGHT["ink"], baseline="top").encode(
                text="text:N", y=alt.value("height")
            )
        )
    known = base.transform_filter("isValid(datum.value)")
    spread = base.transform_filter("isValid(datum.low) && isValid(datum.high)").mark_rule(strokeWidth=1.5)
    layers.append(
        spread.encode(x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q", color=alt.Color("colour:N", scale=None))
    )
    ticks = base.transform_filter("isValid(datum.compared_value)").mark_tick(
        color=LIGHT["ink"], thickness=1.5, height=ROW * 0.6
    )
    layers.append(ticks.encode(x=alt.X("compared_value:Q", scale=scale, axis=axis)))
    adjusted = base.transform_filter("isValid(datum.adjusted)").mark_point(
        shape="diamond", size=60, filled=True, strokeWidth=1.4
    )
    layers.append(
        adjusted.encode(
            x=alt.X("adjusted:Q", scale=scale, axis=axis),
            fill=alt.value(LIGHT["paper"]),
            stroke=alt.Stroke("colour:N", scale=None),
        )
    )
    dots = known.mark_point(shape="circle", size=70, filled=True, strokeWidth=1.6, opacity=1)
    layers.append(
        dots.encode(
            x=x, fill=alt.Fill("inside:N", scale=None), stroke=alt.Stroke("colour:N", scale=None), tooltip=_tooltips()
        )
    )
    right = alt.value(RATE_WIDTH + 8)
    layers.append(known.mark_text(align="left", fontSize=12).encode(x=right, text="value_text:N"))
    layers.append(
        known.mark_text(align="left", fontSize=11, color=LIGHT["grey"], dx=52).encode(x=right, text="n_text:N")
    )
    missing = base.transform_filter("!isValid(datum.value)").mark_text(align="left", fontSize=12, color=LIGHT["grey"])
    layers.append(missing.encode(x=right, text="value_text:N"))
    return alt.layer(*layers).properties(width=RATE_WIDTH, height=alt.Step(ROW))


def _value_domain(rows: pd.DataFrame, unit: str, company_value: float | None) -> tuple[float, float]:
    """The axis starts at zero; an interval far longer than all values is cut rather than squeezing the rest."""
    firm = rows.loc[~rows["is_small"]] if (~rows["is_small"]).any() else rows
    ends = pd.concat(
        [
            firm["high"],
            rows["value"],
            rows["compared_value"],
            rows["adjusted"],
            pd.Series([company_value], dtype="float64"),
        ]
    )
    most = float(ends.max()) if ends.notna().any() else 1.0
    least = min(
        0.0, float(pd.concat([rows["value"], firm["low"]]).min(skipna=True)) if rows["value"].notna().any() else 0.0
    )
    if unit == "share" and most <= 1:
        most = min(1.0, most * 1.06)
    return least, most if most > least else least + 1.0


def _axis_format(unit: str) -> str:
    return "%" if unit == "share" else "~s" if unit in ("currency", "currency_per_day") else ",~f"


def _axis_words(unit: str, currency: str) -> Any:
    import altair as alt

    from helpers.units import CURRENCY_SIGNS

    if unit == "share":
        return "format(datum.value, '.0%') == '0%' ? '0 %' : replace(datum.label, '%', ' %')"
    if unit in ("currency", "currency_per_day"):
        sign = CURRENCY_SIGNS.get(currency, f"{words.clean_text(currency)[:3]} ")
        return f"'{sign}' + replace(replace(format(datum.value, '~s'), 'k', ' k'), 'M', ' M')"
    return alt.Undefined


def _how_to_read(rows: pd.DataFrame, compared: str, note: str) -> str:
    parts = ["Dot and line: value with its interval."]
    if rows["compared_volume"].notna().any() or rows["compared_value"].notna().any():
        parts.append(f"Thin tick: {compared}.")
    if rows["adjusted"].notna().any():
        parts.append("Hollow diamond: adjusted for mix.")
    if rows["is_small"].any():
        parts.append("Hollow: too few records to rank.")
    return " ".join([*parts, note]).strip()


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
            ``high``, ``n``, ``goal``, ``is_complete`` (False: an immature cohort, drawn hollow) and ``panel`` (small
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
    rows["inside"] = [LIGHT["accent"] if complete else LIGHT["paper"] for complete in rows["is_complete"]]
    return rows


def _history_layers(rows: pd.DataFrame, unit: str, currency: str, width: int) -> altair.LayerChart:
    import altair as alt

    ends = pd.concat([rows["value"], rows["high"], rows["goal"]])
    most = float(ends.max()) if ends.notna().any() else 1.0
    scale = alt.Scale(domain=[min(0.0, float(rows["value"].min(skipna=True) or 0.0)), most * 1.12 or 1.0], nice=False)
    axis = alt.Axis(title=None, format=_axis_format(unit), labelExpr=_axis_words(unit, currency), tickCount=4)
    narrow = width < HISTORY_WIDTH
    x = alt.X(
        "period:O",
        sort=list(dict.fromkeys(rows["period"])),
        title=None,
        axis=alt.Axis(labelOverlap="greedy" if narrow else True),
        scale=alt.Scale(padding=0.3),
    )
    base = alt.Chart(rows).encode(x=x)
    band = base.mark_area(color=LIGHT["accent_soft"], opacity=0.6, interpolate="monotone")
    line = base.mark_line(color=LIGHT["accent"], strokeWidth=2)
    goal = base.mark_line(color=LIGHT["ink"], strokeWidth=1, strokeDash=[4, 3], interpolate="step")
    dots = base.transform_filter("isValid(datum.value)").mark_point(
        filled=True, size=54, stroke=LIGHT["accent"], strokeWidth=1.6, opacity=1
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
        line.encode(y=y),
        dots.encode(y=y, fill=alt.Fill("inside:N", scale=None), tooltip=tips),
        text.mark_text(fontSize=12, dy=-13, fontWeight=600).encode(y=y, text="value_text:N"),
        missing.encode(y=alt.value("height")),
    ).properties(width=width, height=150 if narrow else 240)


def _small_multiples(chart: altair.LayerChart, rows: pd.DataFrame) -> altair.FacetChart:
    import altair as alt

    panels = list(dict.fromkeys(rows["panel"]))
    return chart.facet(facet=alt.Facet("panel:N", sort=panels, title=None), columns=3).resolve_axis(x="independent")


def _history_note(rows: pd.DataFrame) -> str:
    parts = ["Band: interval."] if rows["low"].notna().any() else []
    if rows["goal"].notna().any():
        parts.append("Dashed: goal.")
    if not rows["is_complete"].all():
        parts.append("Hollow: not all records have had their time yet.")
    return " ".join(parts)
