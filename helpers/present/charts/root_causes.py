"""Root causes: ranked slices with money and interval, people against what their mix gives, and the five Ms."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from helpers.present import words
from helpers.present.cards import say_slice
from helpers.present.charts.five_m import draw_five_m
from helpers.present.display import Display, show_chart, show_message, show_table
from helpers.present.theme import LIGHT
from helpers.units import CURRENCY_SIGNS, format_value

__all__ = ["draw_causes_table", "draw_five_m", "draw_people", "draw_root_causes"]

ROW = 62
WIDTH = 660
MOST_CAUSES = 8
EFFECTS = {"volume": "Volume", "mix": "Composition", "rate": "Conversion", "value": "Deal size", "timing": "Timing"}
"""Kinds of effect as the bridge names them."""


def draw_root_causes(gap: Any, *, title: str, subtitle: str = "", currency: str = "USD") -> Display:
    """Draw the causes as ranked dots with intervals, the sentence above each.

    Args:
        gap: The result of ``explain_gap``.
        title: The finding, in a sentence.
        subtitle: Measure, company, period, last day.
        currency: The company's currency.

    Returns:
        A display. What is not proven is hollow; where nothing stands out a message says so.
    """
    if gap.search is None and gap.creation is None:
        return show_message("empty", "There is nothing to search yet", gap.why_not)
    if gap.causes.empty:
        return show_message(
            "good",
            "Nothing but noise",
            "No slice moved further than chance and everyday drift make it; what moved, moved everywhere.",
        )
    rows = _cause_rows(gap, currency)
    shown = rows[["statement", "what", "contribution", "low", "high", "q_value", "m", "verdict"]]
    unit = "currency" if rows["is_money"].any() else "count"
    return show_chart(
        _intervals(rows, unit, currency),
        title=title,
        subtitle=subtitle,
        numbers=shown.rename(columns={"what": "counts_for"}),
        units={"contribution": unit, "low": unit, "high": unit},
        currency=currency,
        note="Dot and line: effect with the range in which it lies with 90 % confidence. Hollow: not enough evidence, "
        "worth a second look.",
    )


def _cause_rows(gap: Any, currency: str) -> pd.DataFrame:
    rows = gap.causes.head(MOST_CAUSES).copy().reset_index(drop=True)
    leaves = {"closing": gap.search, "creation": gap.creation}
    rows["is_money"] = [bool(leaves[lens].amount or leaves[lens].worth) for lens in rows["lens"]]
    rows["what"] = ["this period's revenue" if lens == "closing" else "later revenue" for lens in rows["lens"]]
    rows.loc[~rows["is_money"], "what"] = "records"
    rows["is_proven"] = rows["verdict"] != "not enough evidence"
    rows["y"] = range(len(rows))
    rows["colour"] = [
        LIGHT["mid"] if not row.is_proven else LIGHT["bad"] if row.contribution < 0 else LIGHT["good"]
        for row in rows.itertuples()
    ]
    rows["inside"] = [row.colour if row.is_proven else LIGHT["paper"] for row in rows.itertuples()]
    rows["number"] = [
        words.say_change(row.contribution, "currency" if row.is_money else "count", currency=currency)
        for row in rows.itertuples()
    ]
    rows["detail"] = [
        f"{row.number} {'of ' if row.is_money else ''}{row.what} · {row.m}{'' if row.is_proven else ' · not proven'}"
        for row in rows.itertuples()
    ]
    rows["sentence"] = [f"{row.rank}  {words.shorten(row.statement, 100)}" for row in rows.itertuples()]
    return rows


def _intervals(rows: pd.DataFrame, unit: str, currency: str) -> Any:
    """Build the chart: the sentence, and below it dot and interval on one shared axis."""
    import altair as alt

    lowest, highest = min(float(rows["low"].min()), 0.0), max(float(rows["high"].max()), 0.0)
    room = (highest - lowest or 1.0) * 0.06
    x_scale = alt.Scale(domain=[lowest - room, highest + room], nice=False)
    y_scale = alt.Scale(domain=[-0.65, len(rows) - 0.65], reverse=True, nice=False)
    ticks = alt.Axis(
        tickCount=5,
        title=None,
        orient="bottom",
        labelExpr=_axis_words(unit, currency),
        grid=True,
        gridColor=LIGHT["rule"],
    )
    x = alt.X("contribution:Q", scale=x_scale, axis=ticks)
    y = alt.Y("y:Q", scale=y_scale, axis=None)
    base = alt.Chart(rows)
    tooltip = [alt.Tooltip("statement:N", title="Cause"), alt.Tooltip("detail:N", title="Effect")]
    lines = base.mark_rule(strokeWidth=2, yOffset=6).encode(
        x=alt.X("low:Q", scale=x_scale, axis=ticks), x2="high:Q", y=y, color=alt.Color("colour:N", scale=None)
    )
    dots = base.mark_point(size=90, filled=True, opacity=1, strokeWidth=2, yOffset=6).encode(
        x=x,
        y=y,
        fill=alt.Fill("inside:N", scale=None),
        stroke=alt.Stroke("colour:N", scale=None),
        tooltip=tooltip,
    )
    sentences = base.mark_text(align="left", dy=-27, fontSize=12.5).encode(
        x=alt.value(2), y=y, text="sentence:N", color=alt.value(LIGHT["ink"])
    )
    details = base.mark_text(align="left", dy=-11, fontSize=11).encode(
        x=alt.value(2), y=y, text="detail:N", color=alt.value(LIGHT["grey"])
    )
    zero = alt.Chart(pd.DataFrame({"x": [0.0]})).mark_rule(color=LIGHT["mid"]).encode(x=alt.X("x:Q", scale=x_scale))
    return (zero + lines + dots + sentences + details).properties(width=WIDTH, height=ROW * len(rows) + 24)


def _axis_words(unit: str, currency: str) -> Any:
    """Write axis labels as money is written elsewhere, the minus before the sign."""
    import altair as alt

    if unit != "currency":
        return alt.Undefined
    sign = CURRENCY_SIGNS.get(currency, f"{words.clean_text(currency)[:3]} ")
    short = "replace(replace(format(abs(datum.value), '~s'), 'k', ' k'), 'M', ' M')"
    return f"(datum.value < 0 ? '−' : '') + '{sign}' + {short}"


def draw_causes_table(gap: Any, *, title: str, subtitle: str = "", currency: str = "USD") -> Display:
    """Show the evidence behind each cause: counts, interval, other names of the same records, and its M.

    Args:
        gap: The result of ``explain_gap``.
        title: The finding, in a sentence.
        subtitle: Measure, company, period, last day.
        currency: The company's currency.
    """
    if gap.causes.empty:
        return show_message("empty", "No slice to list", "Nothing stood out, not even by itself.")
    rows = _cause_rows(gap, currency)
    unit = "currency" if rows["is_money"].any() else "count"
    table = pd.DataFrame(
        {
            "slice": [
                _name_slice(slice_, aliases) for slice_, aliases in zip(rows["slice"], rows["aliases"], strict=True)
            ],
            "kind": [
                f"{EFFECTS.get(effect, effect)}, {words.clean_text(m).lower()}"
                for effect, m in zip(rows["effect"], rows["m"], strict=True)
            ],
            "n_actual": rows["n_actual"].round().astype("Int64"),
            "n_expected": rows["n_expected"].round().astype("Int64"),
            "contribution": rows["contribution"],
            "low": rows["low"],
            "high": rows["high"],
            "what": rows["what"],
            "verdict": rows["verdict"],
        }
    )
    return show_table(
        table,
        title=title,
        subtitle=subtitle,
        units=dict.fromkeys(("contribution", "low", "high"), unit),
        labels={
            "kind": "Kind, and its M",
            "n_actual": "Actual",
            "n_expected": "Expected",
            "contribution": "Effect",
            "what": "Counts for",
        },
        marks={"contribution": "interval"},
        currency=currency,
    )


def _name_slice(slice_: str, aliases: str) -> str:
    """Write a slice for a reader, and the first other names of the same records."""
    named = [
        " × ".join("(blank)" if value is None else str(value) for values in one.values() for value in values)
        for one in json.loads(aliases)
    ]
    more = f" and {len(named) - 2} more" if len(named) > 2 else ""
    told = f" (the same records: {'; '.join(named[:2])}{more})" if named else ""
    name = say_slice(slice_)
    return f"{name[:1].upper()}{name[1:]}{told}"


def draw_people(adjusted: Any, *, title: str, subtitle: str = "") -> Display:
    """Draw everybody's rate against what their mix of deals gives, with the range that chance makes.

    Args:
        adjusted: The result of ``adjust_rates``, or None.
        title: The finding, in a sentence; it never ends at a person.
        subtitle: Measure, company, period, last day.

    Returns:
        A display; a message where there is nothing to compare.
    """
    if adjusted is None or adjusted.frame.empty:
        return show_message(
            "empty", "People can't be compared fairly yet", "This needs won and lost deals with their owners."
        )
    rows = adjusted.frame.head(20).copy()
    rows["name"] = [words.shorten(name, 26) for name in rows["who"]]
    rows["outside"] = rows["verdict"].str.startswith(("below", "above"))
    rows["small"] = rows["verdict"].str.startswith("too few")
    rows["named"] = rows["verdict"].eq("explained by the mix") & (rows["raw_rate"] < adjusted.rate)
    rows["colour"] = [
        LIGHT["accent"] if row.named else LIGHT["ink"] if row.outside else LIGHT["grey"] for row in rows.itertuples()
    ]
    rows["inside"] = [LIGHT["paper"] if row.small else row.colour for row in rows.itertuples()]
    rows["text"] = [f"{format_value(row.raw_rate, 'share')} of {row.n}" for row in rows.itertuples()]
    rows["right"] = 1.0
    numbers = rows[["who", "n", "raw_rate", "expected_rate", "limit_low", "limit_high", "adjusted_rate", "verdict"]]
    shares = ["raw_rate", "expected_rate", "limit_low", "limit_high", "adjusted_rate"]
    return show_chart(
        _people_chart(rows, adjusted.rate),
        title=title,
        subtitle=subtitle,
        numbers=numbers,
        units=dict.fromkeys(shares, "share"),
        note="Grey band: where chance alone puts the win rate of exactly these deals; tick: what such deals win with "
        "anybody; dot: what was won (hollow: too few deals to judge); dashed: all deals together.",
    )


def _people_chart(rows: pd.DataFrame, company_rate: float) -> Any:
    import altair as alt

    most = min(float(rows[["limit_high", "raw_rate"]].max().max()) * 1.12, 1.0)
    scale = alt.Scale(domain=[0, most], nice=False)
    axis = alt.Axis(
        labelExpr="format(datum.value * 100, '.0f') + ' %'",
        tickCount=6,
        title=None,
        grid=True,
        gridColor=LIGHT["rule"],
    )
    y = alt.Y("name:N", sort=None, title=None, scale=alt.Scale(paddingInner=0.3), axis=alt.Axis(labelLimit=190))
    base = alt.Chart(rows)
    band = base.mark_bar(color=LIGHT["faint"], height={"band": 0.85}).encode(
        y=y, x=alt.X("limit_low:Q", scale=scale, axis=axis), x2="limit_high:Q"
    )
    tick = base.mark_tick(thickness=2, color=LIGHT["grey"], size=18).encode(
        y=y, x=alt.X("expected_rate:Q", scale=scale, axis=axis)
    )
    dot = base.mark_point(size=80, filled=True, opacity=1, strokeWidth=2).encode(
        y=y,
        x=alt.X("raw_rate:Q", scale=scale, axis=axis),
        fill=alt.Fill("inside:N", scale=None),
        stroke=alt.Stroke("colour:N", scale=None),
        tooltip=[alt.Tooltip("who:N", title="Who"), alt.Tooltip("text:N", title="Won"), alt.Tooltip("verdict:N")],
    )
    line = (
        alt.Chart(pd.DataFrame({"x": [company_rate]}))
        .mark_rule(strokeDash=[4, 3], color=LIGHT["mid"])
        .encode(x=alt.X("x:Q", scale=scale))
    )
    text = base.mark_text(align="left", dx=4, fontSize=12).encode(
        y=y, x=alt.value(484), text="text:N", color=alt.Color("colour:N", scale=None)
    )
    return (band + line + tick + dot + text).properties(width=480, height=26 * len(rows))
