"""Root causes: ranked slices with money and interval, and the evidence behind each."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from helpers.analyses.cancelling_causes import describe_cancelling
from helpers.present import words
from helpers.present.cards import say_slice
from helpers.present.display import Display, show_chart, show_message, show_table
from helpers.present.theme import LIGHT
from helpers.units import CURRENCY_SIGNS

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
        note=". ".join(describe_cancelling(gap, currency)),
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
