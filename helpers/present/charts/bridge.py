"""The bridge: a waterfall from what was expected to what came, in money, every step labelled, the sums visible."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers.analyses.bridge import describe_methods
from helpers.present import words
from helpers.present.display import Display, show_chart, show_message, show_table
from helpers.present.theme import LIGHT
from helpers.units import format_value, in_sentence

EFFECT_LABELS = {
    "volume": "Volume",
    "mix": "Composition",
    "value": "Deal size",
    "timing": "Pushed out",
}
HEIGHT, WIDTH = 300, 720


def draw_bridge(gap: Any, *, title: str, subtitle: str = "", currency: str = "USD") -> Display:
    """Draw the bridge of the whole as a waterfall.

    Args:
        gap: The result of ``explain_gap``.
        title: The finding, in a sentence.
        subtitle: Measure, company, period, last day.
        currency: The company's currency.

    Returns:
        A display; a message where there is nothing to compare.
    """
    if not gap.is_explained:
        return show_message("empty", "There is no gap to explain yet", gap.why_not)
    unit = "currency" if gap.is_money else "count"
    rows = _steps(gap, unit, currency)
    numbers = rows[["step", "amount", "from", "to"]].rename(columns={"amount": "contribution"})
    return show_chart(
        _waterfall(rows, unit, currency),
        title=title,
        subtitle=subtitle,
        numbers=numbers,
        units={"contribution": unit, "from": unit, "to": unit},
        currency=currency,
        note=_how_to_read(gap),
    )


def _how_to_read(gap: Any) -> str:
    has_timing = (gap.bridge["effect"] == "timing").any()
    pushed = " Pushed out: due in the period and moved beyond it, above what usually is." if has_timing else ""
    names = words.join_words(in_sentence(words.label_of(name)) for name in gap.mix_over)
    mix = f" Composition: over {names}." if names else ""
    exactly = "to the cent" if gap.is_money else "without a rest"
    how = describe_methods(gap.bridge)
    return f"Together the steps are the gap, {exactly}.{mix}{pushed}{f' {how}.' if how else ''}"


def _steps(gap: Any, unit: str, currency: str) -> pd.DataFrame:
    """Return one row per bar: from where to where, its text and its colour."""
    whole = gap.bridge[gap.bridge["dimension"] == "all"]
    other = "Plan" if gap.compared == "plan" else gap.compared
    rows = [{"step": other, "from": 0.0, "to": gap.expected, "amount": gap.expected, "kind": "sum"}]
    level = gap.expected
    for row in whole.itertuples():
        step = EFFECT_LABELS.get(row.effect) or _rate_label(row.step, gap)
        rows.append(
            {"step": step, "from": level, "to": level + row.contribution, "amount": row.contribution, "kind": "part"}
        )
        level += row.contribution
    rows.append({"step": gap.period.label, "from": 0.0, "to": gap.actual, "amount": gap.actual, "kind": "sum"})
    frame = pd.DataFrame(rows)
    largest = frame.loc[frame["kind"] == "part", "amount"].abs().max()
    colours = []
    for row in frame.itertuples():
        if row.kind == "sum":
            colours.append(LIGHT["grey"])
        elif abs(row.amount) < 0.02 * largest:
            colours.append(LIGHT["bar"])
        else:
            colours.append(LIGHT["bad"] if row.amount < 0 else LIGHT["good"])
    frame["colour"] = colours
    frame["text"] = [
        format_value(row.amount, unit, currency=currency)
        if row.kind == "sum"
        else words.say_change(row.amount, unit, currency=currency)
        for row in frame.itertuples()
    ]
    frame["top"] = frame[["from", "to"]].max(axis=1)
    frame["next"] = frame["step"].shift(-1)
    frame["order"] = range(len(frame))
    return frame


def _rate_label(step: str, gap: Any) -> str:
    steps = gap.closing.steps
    if len(steps) == 2:
        return "Conversion"
    label = gap.closing.labels.get(step, words.label_of(step))
    return f"→ {label}"


def _waterfall(rows: pd.DataFrame, unit: str, currency: str) -> Any:
    """Build the chart: bars, connectors, labels above."""
    import altair as alt

    order = rows["step"].tolist()
    x = alt.X(
        "step:N",
        sort=order,
        title=None,
        scale=alt.Scale(paddingInner=0.35, paddingOuter=0.15),
        axis=alt.Axis(labelLimit=120, labelPadding=8),
    )
    top = float(rows["top"].max())
    bottom = min(float(rows[["from", "to"]].min().min()), 0.0)
    scale = alt.Scale(domain=[bottom * 1.1, top * 1.1], nice=False)
    hidden = alt.Axis(labels=False, title=None, grid=False)
    tooltip = [alt.Tooltip("step:N", title="Step"), alt.Tooltip("text:N", title="Amount")]
    bars = (
        alt.Chart(rows)
        .mark_bar()
        .encode(
            x=x,
            y=alt.Y("from:Q", scale=scale, axis=hidden),
            y2="to:Q",
            color=alt.Color("colour:N", scale=None),
            tooltip=tooltip,
        )
    )
    links = rows.iloc[:-1].assign(level=rows["to"].iloc[:-1])
    connectors = pd.concat(
        [
            pd.DataFrame({"link": i, "step": [row.step, row.next], "level": row.level})
            for i, row in enumerate(links.itertuples())
        ]
    )
    lines = (
        alt.Chart(connectors)
        .mark_line(strokeWidth=1, color=LIGHT["mid"], strokeDash=[2, 2])
        .encode(x=x, y=alt.Y("level:Q", scale=scale, axis=hidden), detail="link:N")
    )
    labels = (
        alt.Chart(rows)
        .mark_text(dy=-8, fontSize=13, fontWeight="bold")
        .encode(x=x, y=alt.Y("top:Q", scale=scale, axis=hidden), text="text:N", color=alt.value(LIGHT["ink"]))
    )
    zero = (
        alt.Chart(pd.DataFrame({"y": [0.0]}))
        .mark_rule(color=LIGHT["mid"])
        .encode(y=alt.Y("y:Q", scale=scale, axis=hidden))
    )
    return (zero + lines + bars + labels).properties(width=WIDTH, height=HEIGHT)


def draw_bridge_table(
    gap: Any, *, title: str, subtitle: str = "", currency: str = "USD", max_rows: int = 12
) -> Display:
    """Show where each kind of effect arises, partition by partition; every partition adds up to the gap.

    Args:
        gap: The result of ``explain_gap``.
        title: The finding, in a sentence.
        subtitle: Measure, company, period, last day.
        currency: The company's currency.
        max_rows: Rows before the rest folds.
    """
    people = gap.closing.people if gap.closing is not None else ()
    cuts = gap.bridge[~gap.bridge["dimension"].isin(["all", *people])]
    if cuts.empty:
        return show_message(
            "empty", "The gap is not cut by any partition", gap.why_not or "No partition is known early."
        )
    unit = "currency" if gap.is_money else "count"
    wide = cuts.assign(effect=[_column(row, gap) for row in cuts.itertuples()]).pivot_table(
        index=["dimension", "slice"], columns="effect", values="contribution", aggfunc="sum", sort=False
    )
    wide["Together"] = wide.sum(axis=1)
    wide = wide.sort_values("Together", key=lambda values: -values.abs(), kind="stable").reset_index()
    wide["dimension"] = [words.label_of(name) for name in wide["dimension"]]
    money = [column for column in wide.columns if column not in ("dimension", "slice")]
    return show_table(
        wide,
        title=title,
        subtitle=subtitle,
        units=dict.fromkeys(money, unit),
        marks=dict.fromkeys(money, "change"),
        labels={"dimension": "Partition", "slice": "Slice"} | {name: name for name in money},
        currency=currency,
        max_rows=max_rows,
        note="The slices of one partition add up to the whole gap; each partition states its own composition.",
    )


def _column(row: Any, gap: Any) -> str:
    return EFFECT_LABELS.get(row.effect) or _rate_label(row.step, gap)
