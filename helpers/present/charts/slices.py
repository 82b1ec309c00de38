"""Slices side by side: bars of volume beside a dot and interval of the rate.

A slice with few records is hollow; a missing rate is written as "not available" and never drawn as zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.present import words
from helpers.present.charts.axes import axis_format, axis_words
from helpers.present.charts.history import draw_history
from helpers.present.charts.marks import HATCHED, HATCHED_SIZE
from helpers.present.display import Display, show_chart
from helpers.present.theme import LIGHT

if TYPE_CHECKING:
    import altair

__all__ = ["SLICE_COLUMNS", "draw_history", "draw_slices"]

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
BAR_WIDTH, RATE_WIDTH, ROW = 190, 280, 24


def draw_slices(
    frame: pd.DataFrame,
    *,
    title: str,
    subtitle: str = "",
    unit: str = "share",
    currency: str = "USD",
    company_value: float | None = None,
    company_label: str = "company",
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
            ``is_small`` (drawn hollow and grey), ``is_open`` (a cohort that is still young, drawn hatched), ``tone``
            (good or bad, in that colour), ``is_named`` (what the title is about, in the accent colour).
        title: the finding, in a sentence.
        subtitle: measure, period, n.
        unit: unit of the value.
        currency: ISO code of the company's currency.
        company_value: the company's own value, drawn as a line.
        company_label: what that line is called, where only a part of the company was asked about.
        volume_label: heading of the left panel.
        value_label: heading of the right panel.
        volume_unit: unit of the volume.
        compared: what the thin ticks show.
        note: how to read it.

    Returns:
        A display; one row of text per slice. Where the value is the number of records itself, the bars say all.

    Raises:
        ValueError: the frame has no rows.
    """
    if frame.empty:
        raise ValueError("No slices to draw. Show a message instead, or widen the filter.")
    rows = _slice_rows(frame, unit, volume_unit, currency)
    is_counted = unit == volume_unit and rows["value"].equals(rows["volume"])
    if is_counted:
        chart = _volume_panel(rows, value_label, width=BAR_WIDTH + RATE_WIDTH, has_n=unit != "count")
        tick = f"Thin tick: {compared}." if rows["compared_volume"].notna().any() else ""
        how = " ".join(part for part in (tick, note) if part)
    else:
        panels = _volume_panel(rows, volume_label) | _rate_panel(
            rows, unit, currency, (company_value, company_label), value_label
        )
        chart = panels.resolve_scale(y="shared")
        is_cut = bool((rows["high"] > _value_domain(rows, unit, company_value)[1]).any())
        how = _how_to_read(rows, compared, note, is_cut)
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
    rows["name"] = [f"{words.shorten(name, 30)}" for name in rows["slice"]]
    repeated = rows["name"].duplicated(keep=False)
    rows.loc[repeated, "name"] = [
        f"{words.shorten(n, 20)} ({i + 1})"
        for n, i in zip(rows.loc[repeated, "slice"], rows.loc[repeated, "order"], strict=True)
    ]
    rows["is_small"] = [not words.is_missing(flag) and bool(flag) for flag in rows["is_small"]]
    rows["is_named"] = [not words.is_missing(flag) and bool(flag) for flag in rows["is_named"]]
    rows["is_open"] = [bool(flag) for flag in frame["is_open"]] if "is_open" in frame else False
    tones = frame["tone"].tolist() if "tone" in frame else [""] * len(rows)
    rows["colour"] = [
        LIGHT[tone] if tone in ("good", "bad") else LIGHT["accent"] if named else LIGHT["mid" if small else "grey"]
        for tone, named, small in zip(tones, rows["is_named"], rows["is_small"], strict=True)
    ]
    rows["bar"] = [
        colour if named else LIGHT["bar"] for named, colour in zip(rows["is_named"], rows["colour"], strict=True)
    ]
    hollow = rows["is_small"] | rows["is_open"]
    rows["inside"] = [
        LIGHT["paper"] if is_hollow else colour for is_hollow, colour in zip(hollow, rows["colour"], strict=True)
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


def _volume_panel(rows: pd.DataFrame, label: str, *, width: int = BAR_WIDTH, has_n: bool = False) -> altair.LayerChart:
    import altair as alt

    y = alt.Y(
        "name:N",
        sort=None,
        title=None,
        scale=alt.Scale(paddingInner=0.28, paddingOuter=0.2),
        axis=alt.Axis(labelLimit=190),
    )
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
    layers = [bars, ticks.encode(x=alt.X("compared_volume:Q", scale=scale, title=label)), text]
    if has_n:
        beside = base.mark_text(align="left", fontSize=11, color=LIGHT["grey"])
        layers.append(beside.encode(x=alt.value(width + 8), text="n_text:N"))
    return alt.layer(*layers).properties(width=width, height=alt.Step(ROW))


def _rate_panel(
    rows: pd.DataFrame, unit: str, currency: str, company: tuple[float | None, str], label: str
) -> altair.LayerChart:
    import altair as alt

    company_value, company_label = company
    low, high = _value_domain(rows, unit, company_value)
    scale = alt.Scale(domain=[low, high], nice=False, zero=False)
    axis = alt.Axis(
        title=label,
        titleAnchor="start",
        orient="top",
        format=axis_format(unit),
        labelExpr=axis_words(unit, currency),
        tickCount=4,
    )
    y = alt.Y("name:N", sort=None, title=None, axis=None)
    base = alt.Chart(rows).encode(y=y)
    x = alt.X("value:Q", axis=axis, scale=scale)
    layers: list[Any] = []
    if company_value is not None and not words.is_missing(company_value):
        said = f"{company_label} {words.say_value(company_value, unit, currency=currency)}"
        whole = pd.DataFrame({"value": [company_value], "text": [said]})
        line = alt.Chart(whole).encode(x=alt.X("value:Q", axis=axis, scale=scale))
        layers.append(line.mark_rule(color=LIGHT["ink"], strokeWidth=1))
        layers.append(
            line.mark_text(align="left", dx=4, dy=8, fontSize=11, color=LIGHT["ink"], baseline="top").encode(
                text="text:N", y=alt.value("height")
            )
        )
    known = base.transform_filter("isValid(datum.value)")
    spread = base.transform_filter("isValid(datum.low) && isValid(datum.high)").mark_rule(strokeWidth=1.5, clip=True)
    layers.append(
        spread.encode(x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q", color=alt.Color("colour:N", scale=None))
    )
    ticks = base.transform_filter("isValid(datum.compared_value)").mark_tick(
        color=LIGHT["ink"], thickness=1.5, height=ROW * 0.6
    )
    layers.append(ticks.encode(x=alt.X("compared_value:Q", scale=scale, axis=axis)))
    adjusted = base.transform_filter("isValid(datum.adjusted)").mark_point(
        clip=True, shape="diamond", size=60, filled=True, strokeWidth=1.4
    )
    layers.append(
        adjusted.encode(
            x=alt.X("adjusted:Q", scale=scale, axis=axis),
            fill=alt.value(LIGHT["paper"]),
            stroke=alt.Stroke("colour:N", scale=None),
        )
    )
    marks = [("!datum.is_open", "circle", 70.0)]
    marks += [("datum.is_open", HATCHED, 55 * HATCHED_SIZE)] if rows["is_open"].any() else []
    for which, shape, size in marks:
        dots = known.transform_filter(which).mark_point(shape=shape, size=size, filled=True, strokeWidth=1.5, opacity=1)
        fill, stroke = alt.Fill("inside:N", scale=None), alt.Stroke("colour:N", scale=None)
        layers.append(dots.encode(x=x, fill=fill, stroke=stroke, tooltip=_tooltips()))
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
    most = min(1.0, most * 1.06) if unit == "share" and most <= 1 else most * 1.06
    return least, most if most > least else least + 1.0


def _how_to_read(rows: pd.DataFrame, compared: str, note: str, is_cut: bool) -> str:
    parts = ["Dot and line: value with its interval." if rows["low"].notna().any() else "Dot: value."]
    if rows["compared_volume"].notna().any() or rows["compared_value"].notna().any():
        parts.append(f"Thin tick: {compared}.")
    if rows["adjusted"].notna().any():
        parts.append("Hollow diamond: adjusted for mix.")
    if rows["is_small"].any():
        parts.append("Hollow: too few records to rank.")
    if rows["is_open"].any():
        parts.append("Hatched: not all records have had their time yet.")
    if rows["colour"].isin([LIGHT["good"], LIGHT["bad"]]).any():
        parts.append("Coloured: better or worse than the company beyond the interval.")
    if is_cut:
        parts.append("A line that reaches the edge goes on.")
    return " ".join([*parts, note]).strip()
