"""Push rate over periods with its interval, and by slice in the latest period."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.present import words
from helpers.present.charts.axes import axis_format, axis_words
from helpers.present.charts.footnote import show_chart_with_footnote
from helpers.present.display import Display, show_message, show_table
from helpers.present.theme import LIGHT
from helpers.units import spell_out

if TYPE_CHECKING:
    import altair

    from helpers.analyses.push_rate import PushRates

WIDTH, HEIGHT = 640, 240
MOST_LABELS, MOST_BESIDE = 12, 9
"""Periods of which each is labelled, and those beside whose dots there is room for the rate."""

PEOPLE = {"owner", "manager"}
"""Cuts whose slices no title names: a pushed deal says nothing of a person."""

SHOWN = ["period", "n", "pushed", "push_rate", "low", "high", "days_pushed", "share_pushed_before", "edits"]
LABELS = {
    "period": "Period",
    "n": "Due at start",
    "pushed": "Pushed out",
    "push_rate": "Push rate",
    "low": "From",
    "high": "To",
    "days_pushed": "Pushed by, median",
    "pushed_before": "Pushed more than once",
    "share_pushed_before": "Share pushed more than once",
    "edits": "Edits of close dates",
    "edits_to_later": "Edits to later",
    "amount_pushed": "Amount pushed out",
    "slice": "Slice",
    "dimension": "Partition",
}
UNITS = {name: "share" for name in ("push_rate", "low", "high", "share_pushed_before")} | {
    "days_pushed": "days",
    "amount_pushed": "currency",
}


def draw_push_rates(rates: PushRates, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Draw the company's push rate period by period, with its interval.

    Args:
        rates: As made by ``measure_push_rates``.
        subtitle: Company, last day.
        currency: The company's currency.

    Returns:
        A display; a message where nothing can be told.
    """
    if not rates.is_told or rates.frame.empty:
        return show_message("empty", rates.headline, rates.why_not, rates.cure)
    whole = rates.frame[rates.frame["dimension"] == "all"].reset_index(drop=True)
    every = max(1, -(-len(whole) // MOST_LABELS))
    is_last = whole.index == _latest(whole)
    rows = whole.assign(
        colour=[LIGHT["accent"] if last else LIGHT["grey"] for last in is_last],
        fill=[LIGHT["paper"] if small else LIGHT["accent"] if last else LIGHT["grey"]
              for small, last in zip(whole["is_small"], is_last, strict=True)],
        text=[
            words.say_value(value, "share") if last or len(whole) <= MOST_BESIDE else ""
            for value, last in zip(whole["push_rate"], is_last, strict=True)
        ],
        n_text=[f"{int(n):,}" if i % every == (len(whole) - 1) % every else "" for i, n in enumerate(whole["n"])],
        rate=[words.say_value(value, "share") for value in whole["push_rate"]],
    )  # fmt: skip
    return show_chart_with_footnote(
        _layers(rows, currency),
        title=rates.headline,
        subtitle="Share of the open deals due in a period at its start whose close date lay after it at its end; "
        f"beneath: how many were due · {subtitle}".strip(" ·"),
        numbers=whole[SHOWN],
        units=UNITS,
        labels=LABELS,
        currency=currency,
        note=f"Line: interval; hollow: few deals. {_say_edits(whole, rates.notes)}",
        width=WIDTH + 60,
    )


def _layers(rows: pd.DataFrame, currency: str) -> altair.LayerChart:
    import altair as alt

    order = rows["period"].tolist()
    named = [name for name, text in zip(order, rows["n_text"], strict=True) if text]
    # Named values make Vega drop every second label, wide apart or not, so that the others are written as nothing.
    label = f"indexof({json.dumps(named)}, datum.label) < 0 ? '' : datum.label"
    top = min(1.0, float(rows["high"].max()) * 1.15 or 1.0)
    scale = alt.Scale(domain=[0, top], nice=False)
    x = alt.X(
        "period:N",
        sort=order,
        title=None,
        axis=alt.Axis(labelExpr=label, labelPadding=22),
    )
    axis = alt.Axis(format=axis_format("share"), labelExpr=axis_words("share", currency), tickCount=4)
    y = alt.Y("push_rate:Q", scale=scale, axis=axis, title=None)
    tips = [alt.Tooltip("period:N", title="Period"), alt.Tooltip("rate:N", title="Push rate"),
            alt.Tooltip("n:Q", title="Due at start"), alt.Tooltip("pushed:Q", title="Pushed out")]  # fmt: skip
    base = alt.Chart(rows)
    rule = base.mark_rule(strokeWidth=1.5).encode(
        x=x, y=alt.Y("low:Q", scale=scale), y2="high:Q", color=alt.Color("colour:N", scale=None)
    )
    dots = base.mark_point(size=70, filled=False, strokeWidth=1.5, opacity=1).encode(
        x=x, y=y, stroke=alt.Stroke("colour:N", scale=None), fill=alt.Fill("fill:N", scale=None), tooltip=tips
    )
    texts = base.mark_text(align="left", dx=9, fontSize=12, fontWeight=600, color=LIGHT["ink"]).encode(
        x=x, y=y, text="text:N"
    )
    n = (
        base.transform_filter("datum.n_text != ''")
        .mark_text(dy=12, fontSize=11, color=LIGHT["grey"])
        .encode(x=x, y=alt.value(HEIGHT), text="n_text:N")
    )
    return alt.layer(rule, dots, texts, n).properties(width=WIDTH, height=HEIGHT)


def _latest(whole: pd.DataFrame) -> int:
    """Return the row of the latest period that has ended, or of the latest one where none has."""
    ended = whole.index[whole["is_complete"].astype(bool)]
    return int(ended[-1] if len(ended) else whole.index[-1])


def _say_edits(whole: pd.DataFrame, notes: Any) -> str:
    last = whole.loc[_latest(whole)]
    text = f"Edits counted apart: {words.count_of(int(last['edits']), 'edit')} of close dates in {last['period']}"
    if last["pushed"]:
        text += f"; pushed by {words.say_value(last['days_pushed'], 'days')} in the median"
    again = words.say_value(last["share_pushed_before"], "share")
    return f"{text}; {again} of the deals due were pushed more than once so far. {' '.join(notes)}"


def show_push_table(rates: PushRates, *, subtitle: str = "", currency: str = "USD", period: str = "") -> Display | None:
    """Show the push rate of every slice in one period, by default the latest one, the company first.

    Args:
        rates: As made by ``measure_push_rates``.
        subtitle: Company, last day.
        currency: The company's currency.
        period: The period's label.

    Returns:
        A table; None where nothing can be told, which the picture says.
    """
    if not rates.is_told or rates.frame.empty:
        return None
    label = period or rates.frame.sort_values("period_start", kind="stable")["period"].iloc[-1]
    found = rates.frame[rates.frame["period"] == label]
    found = pd.concat([found[found["dimension"] == "all"], found[found["dimension"] != "all"]])
    shown = found.assign(
        dimension=["Company" if name == "all" else words.label_of(name) for name in found["dimension"]],
        slice=[spell_out(str(name)) for name in found["slice"]],
        few=["few" if small else "" for small in found["is_small"]],
    )
    columns = ["dimension", "slice", "n", "pushed", "push_rate", "days_pushed", "share_pushed_before", "edits",
               "amount_pushed", *(["few"] if shown["is_small"].any() else [])]  # fmt: skip
    note = "Few: too few deals for the rate to be compared. " if "few" in columns else ""
    return show_table(
        shown[columns].reset_index(drop=True),
        title=_say_slices(found, label),
        subtitle=subtitle,
        units=UNITS,
        labels=LABELS | {"few": "Basis"},
        currency=currency,
        note=f"{note}A pushed deal says more of how close dates are set and reviewed than of who owns it.",
    )


def _say_slices(found: pd.DataFrame, label: str) -> str:
    """Say where most of the pushed deals lie, of a part of the business and never of a person."""
    whole = found[found["dimension"] == "all"].iloc[0]
    if not whole["pushed"]:
        return f"None of the {words.count_of(int(whole['n']), 'deal')} due in {label} was pushed out of it"
    pushed = f"{int(whole['pushed']):,} {'deal' if whole['pushed'] == 1 else 'deals'} pushed out of {label}"
    parts = found[~found["dimension"].isin({"all", *PEOPLE}) & ~found["dimension"].str.contains("&", regex=False)]
    if len(parts):
        first = parts[parts["dimension"] == parts["dimension"].iloc[0]]
        most = first.loc[first["pushed"].idxmax()]
        name = f"{words.label_of(most['dimension']).lower()} {spell_out(str(most['slice']))}"
        return f"{int(most['pushed']):,} of the {pushed} came from {name} (of {int(most['n']):,} due)"
    spread = found[found["dimension"] != "all"]
    if spread.empty:
        return f"{words.say_value(whole['push_rate'], 'share')} of {int(whole['n']):,} deals due in {label} were pushed"
    return f"The {pushed} lie with {int((spread['pushed'] > 0).sum())} of {len(spread)} slices"
