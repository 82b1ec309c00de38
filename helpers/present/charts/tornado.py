"""The tornado: how far each driver's own past would move revenue, widest first, and what one step of it is worth."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers.present import words
from helpers.present.charts.axes import axis_words
from helpers.present.charts.footnote import show_chart_with_footnote
from helpers.present.display import Display, show_message, show_table
from helpers.present.theme import LIGHT

ROW, BAR = 34, 16
PLOT, LABELS, NUMBERS = 400, 190, 180
MOST_DRIVERS = 12
NAMES = {
    "label": "Driver",
    "value_text": "Expected",
    "revenue_per_step": "Worth of a step",
    "ends": "Low–high",
    "periods": "Periods seen",
}


def draw_tornado(
    sensitivity: pd.DataFrame, *, title: str, subtitle: str = "", currency: str = "USD", note: str = ""
) -> Display:
    """Draw each driver's range of revenue as a bar around what the engine brings as it runs.

    Args:
        sensitivity: one row per driver, as made by ``measure_sensitivity``, widest first.
        title: the finding, in a sentence.
        subtitle: measure, horizon.
        currency: ISO code of the company's currency.
        note: what else the reader should know.

    Returns:
        A display; its text lists every driver with its step, range and periods. A driver whose past is too short keeps
        its row without a bar. Without drivers a message says what is missing.
    """
    if sensitivity.empty:
        return show_message(
            "empty",
            "What a point of each driver is worth can't be told",
            "It takes deals won with an amount, and records that carry the day they were created.",
            "Map deal.amount, deal.created_at and deal.closed_at.",
        )
    rows = _lay_out(sensitivity.head(MOST_DRIVERS), currency)
    note = " ".join(part for part in (_explain(rows, sensitivity), note) if part)
    say: dict[str, Any] = {"title": title, "subtitle": subtitle, "currency": currency}
    if rows["low_revenue"].isna().all():
        return _show_steps(rows, say, note)
    chart = _draw(rows, float(sensitivity.attrs["base"]), currency)
    shown = ["label", "step", "value_text", "revenue_per_step", "ends", "low_revenue", "high_revenue", "periods"]
    return show_chart_with_footnote(
        chart,
        numbers=rows[shown],
        units=dict.fromkeys(("revenue_per_step", "low_revenue", "high_revenue"), "currency"),
        labels=NAMES,
        note=note,
        width=LABELS + PLOT + NUMBERS,
        **say,
    )


def _show_steps(rows: pd.DataFrame, say: dict[str, Any], note: str) -> Display:
    """List what a step of each driver is worth where no past is long enough for a range."""
    few = "Ranges are not available: they take four whole periods after the one in which records began."
    return show_table(
        rows[["label", "value_text", "step", "revenue_per_step", "periods"]],
        units={"revenue_per_step": "currency"},
        labels=NAMES,
        note=f"{note} {few}",
        **say,
    )


def _draw(rows: pd.DataFrame, base: float, currency: str) -> Any:
    import altair as alt

    rows = rows.assign(
        low_change=rows[["low_revenue", "high_revenue"]].min(axis=1) - base,
        high_change=rows[["low_revenue", "high_revenue"]].max(axis=1) - base,
    )
    least, most = min(rows["low_change"].min(), 0.0), max(rows["high_change"].max(), 0.0)
    room = (most - least) * 0.16
    domain = [max(least - room, -base), most + room]
    y = alt.Y(
        "label:N",
        sort=rows["label"].tolist(),
        title=None,
        axis=alt.Axis(labelLimit=LABELS, labelFontSize=12, ticks=False, domain=False, labelPadding=8),
    )
    scale = alt.Scale(domain=domain, nice=False)
    amount = str(axis_words("currency", currency)).replace("format(datum.value", "format(abs(datum.value)")
    sign = "(datum.value > 0 ? '+' : datum.value < 0 ? '−' : '')"
    axis = alt.Axis(format="~s", labelExpr=f"datum.value == 0 ? '0' : {sign} + {amount}", tickCount=5)
    x = alt.X("from:Q", title=None, scale=scale, axis=axis)
    bars = alt.Chart(_halves(rows)).mark_bar(height=BAR, clip=True)
    bars = bars.encode(y=y, x=x, x2="to:Q", color=alt.Color("colour:N", scale=None))
    numbers = alt.Chart(rows[["label", "worth"]]).mark_text(align="left", fontSize=12, color=LIGHT["ink"])
    none = alt.Chart(rows[["label", "missing"]]).mark_text(align="left", fontSize=11, color=LIGHT["grey"])
    layers = [
        bars,
        *_name_base(base, currency, scale),
        *_name_ends(rows, y, scale),
        numbers.encode(y=y, x=alt.value(PLOT + 14), text="worth:N"),
        none.encode(y=y, x=alt.value(8), text="missing:N"),
    ]
    return alt.layer(*layers).properties(width=PLOT, height=ROW * len(rows))


def _lay_out(sensitivity: pd.DataFrame, currency: str) -> pd.DataFrame:
    rows = sensitivity.reset_index(drop=True).copy()

    def say(row: dict[str, Any], name: str) -> str:
        digits = 0 if row["unit"] == "count" else None
        return words.say_value(row[name], row["unit"], currency=currency, digits=digits)

    records = rows.to_dict("records")
    rows["low_text"] = ["" if words.is_missing(row["low_value"]) else say(row, "low_value") for row in records]
    rows["high_text"] = ["" if words.is_missing(row["high_value"]) else say(row, "high_value") for row in records]
    rows["ends"] = [
        "not available" if words.is_missing(row["low_value"]) else f"{say(row, 'low_value')}–{say(row, 'high_value')}"
        for row in records
    ]
    rows["value_text"] = [say(row, "value") for row in records]
    rows["worth"] = [
        f"+{row['step']} = {words.say_value(row['revenue_per_step'], 'currency', currency=currency)}" for row in records
    ]
    rows["missing"] = [
        f"range not available: {words.count_of(int(row['periods']), 'period')} seen"
        if words.is_missing(row["low_value"])
        else ""
        for row in records
    ]
    return rows


def _halves(rows: pd.DataFrame) -> pd.DataFrame:
    """Split every bar at no change: what lies below pale, what lies above full; the first driver is the accent."""
    parts = []
    for place, row in rows.iterrows():
        below, above = (LIGHT["accent_soft"], LIGHT["accent"]) if place == 0 else (LIGHT["faint"], LIGHT["bar"])
        parts.append((row["label"], row["low_change"], min(row["high_change"], 0.0), below))
        parts.append((row["label"], max(row["low_change"], 0.0), row["high_change"], above))
    frame = pd.DataFrame(parts, columns=["label", "from", "to", "colour"])
    return frame[frame["to"] > frame["from"]]


def _name_ends(rows: pd.DataFrame, y: Any, scale: Any) -> list[Any]:
    """Write the driver's own value at either end, on a pale ground so that the line behind does not cross it."""
    import altair as alt

    known = rows[rows["low_revenue"].notna()]
    falls = known["low_revenue"] > known["high_revenue"]
    left, right = known["low_text"].mask(falls, known["high_text"]), known["high_text"].mask(falls, known["low_text"])
    marks = []
    for name, said, align, dx in (("low_change", left, "right", -6), ("high_change", right, "left", 6)):
        frame = alt.Chart(pd.DataFrame({"label": known["label"], "at": known[name], "said": said}))
        ground = frame.mark_text(align=align, dx=dx, fontSize=11, stroke=LIGHT["paper"], strokeWidth=4)
        words_ = frame.mark_text(align=align, dx=dx, fontSize=11, color=LIGHT["grey"])
        marks += [mark.encode(y=y, x=alt.X("at:Q", scale=scale), text="said:N") for mark in (ground, words_)]
    return marks


def _name_base(base: float, currency: str, scale: Any) -> list[Any]:
    import altair as alt

    said = f"as it runs {words.say_value(base, 'currency', currency=currency)}"
    frame = alt.Chart(pd.DataFrame({"at": [0.0], "said": [said]}))
    rule = frame.mark_rule(color=LIGHT["ink"], strokeWidth=1.5).encode(x=alt.X("at:Q", scale=scale))
    name = frame.mark_text(color=LIGHT["ink"], dy=-9, fontSize=12, fontWeight=600)
    return [rule, name.encode(x=alt.X("at:Q", scale=scale), y=alt.value(0), text="said:N")]


def _explain(rows: pd.DataFrame, sensitivity: pd.DataFrame) -> str:
    told = sensitivity.attrs
    seen = rows.loc[rows["low_revenue"].notna(), "periods"].astype(int)
    span = (
        f"{seen.min()}–{seen.max()}" if len(seen) and seen.min() < seen.max() else f"{seen.max() if len(seen) else 0}"
    )
    said = f"Change of the revenue of {told['horizon']} with one driver moved from today on and all else unchanged."
    if len(seen):
        said += f" Bar: the driver at its lowest and its highest decile of {span} earlier periods (named at the ends)."
    said += " A change arrives as records move through the funnel; what would land later is not counted."
    more = len(sensitivity) - len(rows)
    return said + (f" {words.count_of(more, 'narrower driver')} left out." if more > 0 else "")
