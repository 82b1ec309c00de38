"""Push rate over periods with its interval, and by slice in the latest period."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.present import words
from helpers.present.charts.axes import axis_format, axis_words
from helpers.present.display import Display, show_chart, show_message, show_table
from helpers.present.theme import LIGHT

if TYPE_CHECKING:
    from helpers.analyses.push_rate import PushRates

WIDTH, HEIGHT = 640, 240
MOST_LABELS = 12
SHOWN = ["period", "n", "pushed", "push_rate", "low", "high", "days_pushed", "share_pushed_before", "edits"]
LABELS = {
    "period": "Period",
    "n": "Due at start",
    "pushed": "Pushed out",
    "push_rate": "Push rate",
    "low": "From",
    "high": "To",
    "days_pushed": "Median days pushed",
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
    import altair as alt

    whole = rates.frame[rates.frame["dimension"] == "all"].reset_index(drop=True)
    every = max(1, -(-len(whole) // MOST_LABELS))
    is_last = whole.index == _latest(whole)
    rows = whole.assign(
        colour=[LIGHT["accent"] if last else LIGHT["grey"] for last in is_last],
        fill=[LIGHT["paper"] if small else LIGHT["accent"] if last else LIGHT["grey"]
              for small, last in zip(whole["is_small"], is_last, strict=True)],
        text=[
            words.say_value(value, "share") if last or every == 1 else ""
            for value, last in zip(whole["push_rate"], is_last, strict=True)
        ],
        n_text=[f"{int(n):,}" if i % every == (len(whole) - 1) % every else "" for i, n in enumerate(whole["n"])],
    )  # fmt: skip
    order = rows["period"].tolist()
    shown = [name for name, text in zip(order, rows["n_text"], strict=True) if text]
    top = min(1.0, float(rows["high"].max()) * 1.15 or 1.0)
    scale = alt.Scale(domain=[0, top], nice=False)
    x = alt.X(
        "period:N",
        sort=order,
        title=None,
        axis=alt.Axis(values=shown, labelPadding=22, labelOverlap="greedy" if len(shown) > 8 else False),
    )
    axis = alt.Axis(format=axis_format("share"), labelExpr=axis_words("share", currency), tickCount=4)
    y = alt.Y("push_rate:Q", scale=scale, axis=axis, title=None)
    tips = [alt.Tooltip("period:N", title="Period"), alt.Tooltip("text:N", title="Push rate"),
            alt.Tooltip("n:Q", title="Due at start"), alt.Tooltip("pushed:Q", title="Pushed out")]  # fmt: skip
    base = alt.Chart(rows)
    rule = base.mark_rule(strokeWidth=1.5).encode(
        x=x, y=alt.Y("low:Q", scale=scale), y2="high:Q", color=alt.Color("colour:N", scale=None)
    )
    dots = base.mark_point(size=70, filled=False, strokeWidth=1.5, opacity=1).encode(
        x=x, y=y, stroke=alt.Stroke("colour:N", scale=None), fill=alt.Fill("fill:N", scale=None), tooltip=tips
    )
    texts = base.mark_text(dy=-9, fontSize=12, fontWeight=600, color=LIGHT["ink"]).encode(
        x=x, y=alt.Y("high:Q", scale=scale), text="text:N"
    )
    n = base.mark_text(dy=12, fontSize=11, color=LIGHT["grey"]).encode(x=x, y=alt.value(HEIGHT), text="n_text:N")
    chart = alt.layer(rule, dots, texts, n).properties(width=WIDTH, height=HEIGHT)
    return show_chart(
        chart,
        title=rates.headline,
        subtitle="Share of the open deals due in a period at its start whose close date lay after it at its end; "
        f"beneath: deals due · {subtitle}".strip(" ·"),
        numbers=whole[SHOWN],
        units=UNITS,
        labels=LABELS,
        currency=currency,
        note=f"Line: interval; hollow: few deals. {_say_edits(whole, rates.notes)}",
        width=WIDTH + 60,
    )


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


def show_push_table(rates: PushRates, *, subtitle: str = "", currency: str = "USD", period: str = "") -> Display:
    """Show the push rate of every slice in one period, by default the latest one, the company first.

    Args:
        rates: As made by ``measure_push_rates``.
        subtitle: Company, last day.
        currency: The company's currency.
        period: The period's label.
    """
    if not rates.is_told or rates.frame.empty:
        return show_message("empty", rates.headline, rates.why_not, rates.cure)
    label = period or rates.frame.sort_values("period_start", kind="stable")["period"].iloc[-1]
    found = rates.frame[rates.frame["period"] == label]
    found = pd.concat([found[found["dimension"] == "all"], found[found["dimension"] != "all"]])
    shown = found.assign(
        dimension=["Company" if name == "all" else words.label_of(name) for name in found["dimension"]],
        few=["few deals" if small else "" for small in found["is_small"]],
    )
    columns = ["dimension", "slice", "n", "pushed", "push_rate", "low", "high", "days_pushed",
               "share_pushed_before", "edits", "amount_pushed", "few"]  # fmt: skip
    small = shown.loc[shown["is_small"], "n"]
    note = "Few deals: too few for the rate to be compared. " if len(small) else ""
    return show_table(
        shown[columns].drop(columns=["low", "high"]).reset_index(drop=True),
        title=f"Push rate in {label}, by slice",
        subtitle=subtitle,
        units=UNITS,
        labels=LABELS | {"few": "Basis"},
        currency=currency,
        note=f"{note}A pushed deal says more of how close dates are set and reviewed than of who owns it. "
        + " ".join(rates.notes),
    )
