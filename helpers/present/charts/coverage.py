"""Coverage × conversion = attainment: three aligned panels over the same periods, the next starts as forecast."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers.present import words
from helpers.present.display import Display, show_chart
from helpers.present.theme import LIGHT, WIDTH

HEIGHT = 118


def draw_coverage(
    starts: pd.DataFrame, *, title: str, subtitle: str = "", currency: str = "USD", note: str = ""
) -> Display:
    """Draw starting coverage, pipeline conversion and attainment period by period.

    Args:
        starts: one row per period, as made by ``take_starts``: label, is_ended, coverage, needed_coverage, conversion,
            attainment, open_pipeline, target, bookings, forecast, forecast_coverage.
        title: the finding, in a sentence.
        subtitle: measure, period, n.
        currency: ISO code of the company's currency.
        note: how to read it.

    Returns:
        A display; its text lists the three numbers of each period.

    Raises:
        ValueError: there is no period to draw.
    """
    if starts.empty:
        raise ValueError("No coverage to draw. Show a message instead.")
    import altair as alt

    rows = _write_rows(starts, currency)
    order = rows["label"].tolist()
    panels = [
        _coverage_panel(rows, order),
        _conversion_panel(rows, order),
        _attainment_panel(rows, order),
    ]
    chart = alt.vconcat(*panels, spacing=14).resolve_scale(x="shared")
    shown = rows[["label", "coverage", "needed_coverage", "conversion", "attainment", "forecast_coverage"]]
    units = {"coverage": "ratio", "needed_coverage": "ratio", "forecast_coverage": "ratio"}
    units |= {"conversion": "share", "attainment": "share"}
    how = " ".join(
        part
        for part in (
            note,
            "Coverage × conversion = attainment.",
            "The tick marks the coverage that would have made plan at the conversion of the periods before.",
            "Hollow bars are forecasts." if rows["is_forecast"].any() else "",
        )
        if part
    )
    return show_chart(chart, title=title, subtitle=subtitle, numbers=shown, units=units, currency=currency, note=how)


def _write_rows(starts: pd.DataFrame, currency: str) -> pd.DataFrame:
    rows = starts.reset_index(drop=True).copy()
    ended = rows["is_ended"].astype(bool)
    rows["is_forecast"] = ~ended & rows["forecast_coverage"].notna()
    rows["shown_coverage"] = rows["coverage"].where(ended, rows["forecast_coverage"])
    rows["coverage_text"] = [_say(value, "ratio") for value in rows["shown_coverage"]]
    rows["conversion_text"] = [_say(value, "share") for value in rows["conversion"]]
    rows["attainment_text"] = [_say(value, "share") for value in rows["attainment"]]
    rows["pipeline_text"] = [words.say_value(v, "currency", currency=currency) for v in rows["open_pipeline"]]
    rows["target_text"] = [words.say_value(v, "currency", currency=currency) for v in rows["target"]]
    rows["missing"] = ["no target" if words.is_missing(shown) else "" for shown in rows["shown_coverage"]]
    rows["not_yet"] = ["" if is_ended else "to come" for is_ended in ended]
    last = rows.index[ended][-1] if ended.any() else -1
    rows["colour"] = [
        LIGHT["paper"] if forecast else LIGHT["accent"] if index == last else LIGHT["bar"]
        for index, forecast in zip(rows.index, rows["is_forecast"], strict=True)
    ]
    rows["text_colour"] = [LIGHT["paper"] if fill == LIGHT["accent"] else LIGHT["ink"] for fill in rows["colour"]]
    rows["edge"] = [LIGHT["mid"] if forecast else fill for forecast, fill in
                    zip(rows["is_forecast"], rows["colour"], strict=True)]  # fmt: skip
    rows["short"] = ["bad" if not words.is_missing(v) and v < 0.995 else "good" for v in rows["attainment"]]
    rows["judged"] = [LIGHT[name] for name in rows["short"]]
    return rows


def _say(value: Any, unit: str) -> str:
    return "" if words.is_missing(value) else words.say_value(value, unit, digits=1 if unit == "ratio" else 0)


def _x(order: list[str], *, labels: bool) -> Any:
    import altair as alt

    axis = alt.Axis(labelFontSize=12, labelOverlap=False) if labels else None
    return alt.X("label:N", sort=order, title=None, axis=axis, scale=alt.Scale(paddingInner=0.35, paddingOuter=0.2))


def _y(field: str, title: str, top: float) -> Any:
    import altair as alt

    axis = alt.Axis(labels=False, grid=False, titleAngle=0, titleAlign="left", titleAnchor="end", titleY=-4, titleX=-2)
    return alt.Y(f"{field}:Q", title=title, axis=axis, scale=alt.Scale(domain=[0, top]))


def _tooltips() -> list[Any]:
    import altair as alt

    return [
        alt.Tooltip("label:N", title="Period"),
        alt.Tooltip("pipeline_text:N", title="Open pipeline"),
        alt.Tooltip("target_text:N", title="Target"),
        alt.Tooltip("conversion_text:N", title="Conversion"),
        alt.Tooltip("attainment_text:N", title="Attainment"),
    ]


def _coverage_panel(rows: pd.DataFrame, order: list[str]) -> Any:
    import altair as alt

    top = float(pd.concat([rows["shown_coverage"], rows["needed_coverage"]]).max()) * 1.25
    top = top if top == top and top > 0 else 1.0
    base = alt.Chart(rows).encode(x=_x(order, labels=False), tooltip=_tooltips())
    y = _y("shown_coverage", "Starting coverage: do we give sales a chance?", top)
    bars = base.mark_bar(strokeWidth=1.5).encode(
        y=y, color=alt.Color("colour:N", scale=None), stroke=alt.Stroke("edge:N", scale=None)
    )
    needed = base.mark_tick(color=LIGHT["ink"], thickness=2, size=46).encode(y=alt.Y("needed_coverage:Q"))
    text = base.mark_text(baseline="bottom", fontWeight=600).encode(
        y=alt.value(HEIGHT - 5), text="coverage_text:N", color=alt.Color("text_colour:N", scale=None)
    )
    none = base.mark_text(color=LIGHT["grey"], baseline="bottom", fontSize=11).encode(
        y=alt.value(HEIGHT - 4), text="missing:N"
    )
    return alt.layer(bars, needed, text, none).properties(width=WIDTH, height=HEIGHT)


def _conversion_panel(rows: pd.DataFrame, order: list[str]) -> Any:
    import altair as alt

    known = rows[rows["conversion"].notna()]
    top = float(known["conversion"].max()) * 1.35 if len(known) else 1.0
    y = _y("conversion", "Pipeline conversion: does sales convert it?", top or 1.0)
    last = known.index[-1] if len(known) else -1
    known = known.assign(dot=[LIGHT["accent"] if index == last else LIGHT["grey"] for index in known.index])
    base = alt.Chart(known).encode(x=_x(order, labels=False), y=y, tooltip=_tooltips())
    line = base.mark_line(color=LIGHT["mid"])
    dots = base.mark_point(filled=True, size=70, opacity=1).encode(color=alt.Color("dot:N", scale=None))
    text = base.mark_text(dy=-12, fontWeight=600).encode(text="conversion_text:N")
    return alt.layer(line, dots, text).properties(width=WIDTH, height=HEIGHT)


def _attainment_panel(rows: pd.DataFrame, order: list[str]) -> Any:
    import altair as alt

    known = float(rows["attainment"].max()) if rows["attainment"].notna().any() else 1.0
    top = max(known, 1.0) * 1.25
    base = alt.Chart(rows).encode(x=_x(order, labels=True), tooltip=_tooltips())
    bars = base.mark_bar().encode(
        y=_y("attainment", "Attainment of the target", top),
        color=alt.Color("judged:N", scale=None),
    )
    plan = alt.Chart(pd.DataFrame({"at": [1.0]})).mark_rule(color=LIGHT["ink"], strokeDash=[4, 3]).encode(y="at:Q")
    named = alt.Chart(pd.DataFrame({"at": [1.0], "words": ["target"]})).mark_text(
        align="right", dy=-7, color=LIGHT["grey"], fontSize=11
    )
    named = named.encode(y="at:Q", x=alt.value(WIDTH), text="words:N")
    text = base.mark_text(dy=11, fontWeight=600, color=LIGHT["paper"]).encode(
        y=alt.Y("attainment:Q"), text="attainment_text:N"
    )
    none = base.mark_text(color=LIGHT["grey"], baseline="bottom", fontSize=11).encode(
        y=alt.value(HEIGHT - 4), text="not_yet:N"
    )
    return alt.layer(bars, plan, text, none, named).properties(width=WIDTH, height=HEIGHT)
