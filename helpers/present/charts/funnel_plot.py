"""The funnel plot: rate against records, between the limits that chance makes; only what the title is about is named.

A dot is the raw rate, a hollow diamond the rate given the mix; a hollow dot has too few records to be judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.analyses.funnel_words import ABOVE, BELOW
from helpers.present import words
from helpers.present.charts.axes import axis_format, axis_words
from helpers.present.charts.canvas import measure_text
from helpers.present.charts.marks import place_labels
from helpers.present.charts.overview import Displays
from helpers.present.display import Display, show_chart, show_message
from helpers.present.theme import LIGHT

if TYPE_CHECKING:
    import altair

    from helpers.analyses.funnel_plot import FunnelPlot

PLOT_WIDTH, PLOT_HEIGHT = 700, 320
MOST_DIAMONDS = 15
"""With more units only the named ones show their adjusted rate."""

NUMBER_COLUMNS = ["who", "n", "rate", "low", "high", "limit_low", "limit_high", "expected_rate", "adjusted_rate"]


def draw_funnel_plot(plot: FunnelPlot, *, subtitle: str = "", note: str = "") -> Display:
    """Draw one comparison of like units.

    Args:
        plot: As made by ``compare_units``.
        subtitle: What stands under the title before period and n.
        note: Further words on how to read it.

    Returns:
        A display; its text lists every unit.
    """
    rows = _rows(plot)
    chart = _draw(plot, rows)
    n = int(plot.frame["n"].sum())
    first, last = words.say_date(plot.start), words.say_date(plot.end)
    said = f"{plot.kpi.label}, {first} to {last}, {words.say_n(n)}, all together {words.say_value(plot.rate, 'share')}."
    shown = plot.frame[[*NUMBER_COLUMNS, "q_value", "verdict"]]
    diamonds = "Diamond: given the mix. " if rows["shows_adjusted"].any() else ""
    how = f"{diamonds}Inner lines hold 95 %, outer 99.8 % by chance. {plot.note} {note}".strip()
    units = dict.fromkeys(NUMBER_COLUMNS[2:], "share")
    labels = {"who": plot.label, "limit_low": "Limit low", "limit_high": "Limit high", "q_value": "q"}
    return show_chart(
        chart,
        title=plot.headline,
        subtitle=f"{said.rstrip('.')} · {subtitle}".strip(" ·"),
        numbers=shown,
        units=units,
        labels=labels,
        note=how,
        width=PLOT_WIDTH + 60,
    )


def show_funnel_plots(plots: list[FunnelPlot], *, subtitle: str = "") -> Displays:
    """Draw every comparison, or say that there is none."""
    if plots:
        return Displays(draw_funnel_plot(plot, subtitle=subtitle) for plot in plots)
    text = "It takes records that succeed or fail, a field that says whose they are, and some that are old enough."
    return Displays((show_message("empty", "Nobody can be compared here", text),))


def _rows(plot: FunnelPlot) -> pd.DataFrame:
    rows = plot.frame.copy()
    wanted = "good" if plot.kpi.direction == "up" else "bad"
    other = "bad" if wanted == "good" else "good"
    tone = {ABOVE: wanted, BELOW: other}
    rows["colour"] = [
        LIGHT[tone.get(verdict, "accent")] if named else LIGHT["mid"] if small else LIGHT["grey"]
        for verdict, named, small in zip(rows["verdict"], rows["is_named"], rows["is_small"], strict=True)
    ]
    rows["is_judged"] = rows["q_value"].notna()
    rows["inside"] = [
        colour if judged else LIGHT["paper"] for judged, colour in zip(rows["is_judged"], rows["colour"], strict=True)
    ]
    few = len(rows) <= MOST_DIAMONDS
    rows["shows_adjusted"] = rows["adjusted_rate"].notna() & (rows["is_named"] | few) & rows["is_judged"]
    for name in ("rate", "expected_rate", "adjusted_rate"):
        rows[f"{name}_text"] = [words.say_value(value, "share") for value in rows[name]]
    rows["range_text"] = [words.say_range(a, b, "share") for a, b in zip(rows["low"], rows["high"], strict=True)]
    rows["n_text"] = [words.say_n(n) for n in rows["n"]]
    rows["name"] = [words.shorten(who, 28) for who in rows["who"]]
    return rows


def _domain(plot: FunnelPlot, rows: pd.DataFrame) -> tuple[float, float]:
    firm = rows[~rows["is_small"]] if (~rows["is_small"]).any() else rows
    adjusted = rows.loc[rows["shows_adjusted"], "adjusted_rate"]
    ends = pd.concat([firm["rate"], firm["limit_low"], firm["limit_high"], adjusted])
    pad = max(float(ends.max() - ends.min()) * 0.12, 0.01)
    return max(float(ends.min()) - pad, 0.0), min(float(ends.max()) + pad, 1.0)


def _draw(plot: FunnelPlot, rows: pd.DataFrame) -> altair.LayerChart:
    import altair as alt

    low, high = _domain(plot, rows)
    most = float(rows["n"].max()) * 1.12
    x_scale = alt.Scale(domain=[0, most], nice=False)
    y_scale = alt.Scale(domain=[low, high], nice=False, zero=False, clamp=True)
    x = alt.X("n:Q", title="records", scale=x_scale, axis=alt.Axis(format=",~f", grid=False))
    axis = alt.Axis(format=axis_format("share"), labelExpr=axis_words("share", ""), tickCount=5)

    def y(field: str) -> Any:
        return alt.Y(f"{field}:Q", title=None, scale=y_scale, axis=axis)

    band = plot.limits[plot.limits["n"] <= most]
    band = band.assign(**{name: band[name].clip(low, high) for name in ("warning_low", "warning_high")})
    layers = [
        alt.Chart(band).mark_area(color=LIGHT["rule"]).encode(x=x, y=y("warning_low"), y2="warning_high"),
    ]
    for name, dash in (
        ("alarm_low", [4, 3]),
        ("alarm_high", [4, 3]),
        ("warning_low", [1, 0]),
        ("warning_high", [1, 0]),
    ):
        inside = band[(plot.limits[name].reindex(band.index) > low) & (plot.limits[name].reindex(band.index) < high)]
        line = alt.Chart(inside).mark_line(color=LIGHT["mid"], strokeDash=dash, strokeWidth=1)
        layers.append(line.encode(x=x, y=y(name)))
    company = alt.Chart(pd.DataFrame({"rate": [plot.rate], "text": [f"all {words.say_value(plot.rate, 'share')}"]}))
    layers.append(company.mark_rule(color=LIGHT["ink"], strokeWidth=1).encode(y=y("rate")))
    end = company.mark_text(align="left", dx=6, fontSize=12, color=LIGHT["ink"])
    layers.append(end.encode(x=alt.value(PLOT_WIDTH), y=y("rate"), text="text:N"))
    base = alt.Chart(rows).encode(x=x)
    joined = base.transform_filter("datum.shows_adjusted")
    colour = alt.Color("colour:N", scale=None)
    layers.append(joined.mark_rule(strokeWidth=1, clip=True).encode(y=y("rate"), y2="adjusted_rate", color=colour))
    diamond = joined.mark_point(shape="diamond", size=70, filled=True, strokeWidth=1.4, opacity=1)
    layers.append(
        diamond.encode(y=y("adjusted_rate"), fill=alt.value(LIGHT["paper"]), stroke=alt.Stroke("colour:N", scale=None))
    )
    dots = base.mark_point(shape="circle", size=70, filled=True, strokeWidth=1.6, opacity=1)
    layers.append(
        dots.encode(
            y=y("rate"),
            fill=alt.Fill("inside:N", scale=None),
            stroke=alt.Stroke("colour:N", scale=None),
            tooltip=_tooltips(plot),
        )
    )
    layers += _labels(rows[rows["is_named"]], x, y, (low, high), most)
    return alt.layer(*layers).properties(width=PLOT_WIDTH, height=PLOT_HEIGHT)


def _tooltips(plot: FunnelPlot) -> list[Any]:
    import altair as alt

    tips = {"who": plot.label, "rate_text": "Rate", "range_text": "Interval", "n_text": "Records"}
    if plot.adjusted_for:
        tips |= {"expected_rate_text": "Its mix lets expect", "adjusted_rate_text": "Given the mix"}
    tips["verdict"] = "Verdict"
    return [alt.Tooltip(f"{field}:N", title=title) for field, title in tips.items()]


def _labels(named: pd.DataFrame, x: Any, y: Any, domain: tuple[float, float], most: float) -> list[Any]:
    import altair as alt

    if named.empty:
        return []
    low, high = domain
    across = (named["n"] / most * PLOT_WIDTH).tolist()
    down = ((high - named["rate"].clip(low, high)) / (high - low) * PLOT_HEIGHT).tolist()
    texts = [f"{name} {rate}" for name, rate in zip(named["name"], named["rate_text"], strict=True)]
    places = place_labels(across, down, [measure_text(text, 12, weight=600) for text in texts])
    layers = []
    for (_, row), text, (dx, dy, side) in zip(named.iterrows(), texts, places, strict=True):
        one = alt.Chart(pd.DataFrame([{"n": row["n"], "rate": row["rate"], "text": text}]))
        style = {"align": side, "dx": dx, "dy": dy, "fontSize": 12, "fontWeight": 600}
        halo = one.mark_text(color=LIGHT["paper"], stroke=LIGHT["paper"], strokeWidth=3, strokeJoin="round", **style)
        for mark in (halo, one.mark_text(color=row["colour"], **style)):
            layers.append(mark.encode(x=x, y=y("rate"), text="text:N"))
    return layers
