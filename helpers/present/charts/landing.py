"""Where a period lands by each method, and how far each method was off in earlier periods."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers.analyses.landing import METHODS
from helpers.present import words
from helpers.present.charts.axes import axis_format, axis_words
from helpers.present.charts.footnote import show_chart_with_footnote
from helpers.present.display import Display
from helpers.present.theme import LIGHT

ROW = 34
LABELS = 270
"""Pixels that the methods' names may take, left of the picture."""

PLOT, NUMBERS = 380, 190
"""Pixels of the picture, and of the numbers right of it."""

REACH = 1.25
"""How far the axis goes beyond the largest of estimates, simulated range and goal; a longer range ends at the edge."""

NAIVE, LEADING = "naive", "simulation"


def draw_landings(
    landings: pd.DataFrame,
    *,
    title: str,
    subtitle: str = "",
    goal: float | None = None,
    currency: str = "USD",
    note: str = "",
) -> Display:
    """Draw each method's estimate as a dot with its range, one below the other.

    Args:
        landings: one row per method, as made by ``estimate_landings``: method, expected, low, high, n, reason.
        title: the finding, in a sentence.
        subtitle: measure, period, as of when.
        goal: bookings goal of the period, drawn as a line.
        currency: ISO code of the company's currency.
        note: how to read it.

    Returns:
        A display; its text lists each method with its estimate, range and basis. A method without an estimate keeps
        its row, and the reason stands beneath.

    Raises:
        ValueError: there is no method to draw.
    """
    if landings.empty:
        raise ValueError("No landings to draw. Show a message instead.")
    import altair as alt

    rows = _landing_rows(landings, goal, currency)
    booked = float(landings.attrs.get("booked", 0.0))
    top = float(rows.attrs["top"])
    x = alt.X(
        "expected:Q",
        title=None,
        scale=alt.Scale(domain=[0, top], nice=False),
        axis=alt.Axis(format=axis_format("currency"), labelExpr=axis_words("currency", currency), tickCount=4),
    )
    y = alt.Y("label:N", sort=rows["label"].tolist(), title=None, axis=_names())
    colour = alt.Color("colour:N", scale=None)
    base = alt.Chart(rows).encode(y=y)
    ranges = base.mark_rule(strokeWidth=2, clip=True).encode(x=alt.X("low:Q"), x2="high_shown:Q", color=colour)
    dots = base.mark_point(filled=True, size=90, opacity=1).encode(x=x, color=colour)
    text = base.mark_text(align="left", fontSize=12).encode(
        x=alt.value(PLOT + 10), text="text:N", color=alt.value(LIGHT["ink"])
    )
    none = base.mark_text(align="left", color=LIGHT["grey"], fontSize=11).encode(x=alt.value(4), text="missing:N")
    layers = [ranges, dots, text, none]
    if goal:
        layers += _line(goal, f"goal {words.say_value(goal, 'currency', currency=currency)}", LIGHT["ink"], [4, 3])
    if booked > 0:
        said = f"booked {words.say_value(booked, 'currency', currency=currency)}"
        layers += _line(booked, said, LIGHT["good"], [1, 0])
    chart = alt.layer(*layers).properties(width=PLOT, height=ROW * len(rows))
    numbers = rows[["label", "expected", "low", "high", "n"]]
    return show_chart_with_footnote(
        chart,
        title=title,
        subtitle=subtitle,
        numbers=numbers,
        units=dict.fromkeys(("expected", "low", "high"), "currency"),
        labels={"label": "Method", "n": "Earlier periods"},
        currency=currency,
        note=" ".join(part for part in (note, _explain_missing(rows), rows.attrs["cut"]) if part),
        width=PLOT + NUMBERS,
    )


def _names() -> Any:
    import altair as alt

    return alt.Axis(labelLimit=LABELS, labelFontSize=12, ticks=False, domain=False, labelPadding=8)


def _line(at: float, said: str, colour: str, dash: list[int]) -> list[Any]:
    """Return a line across all rows with its name above the first."""
    import altair as alt

    frame = alt.Chart(pd.DataFrame({"at": [at], "said": [said]}))
    rule = frame.mark_rule(color=colour, strokeDash=dash, strokeWidth=1.5).encode(x="at:Q")
    return [rule, frame.mark_text(color=colour, dy=-7, fontSize=11).encode(x="at:Q", y=alt.value(0), text="said:N")]


def _landing_rows(landings: pd.DataFrame, goal: float | None, currency: str) -> pd.DataFrame:
    rows = landings.reset_index(drop=True).copy()
    rows["label"] = [METHODS.get(method, words.label_of(method)) for method in rows["method"]]
    rows["colour"] = [LIGHT["accent"] if method == LEADING else LIGHT["grey"] for method in rows["method"]]
    leading = rows[rows["method"] == LEADING]
    known = [value for value in [*rows["expected"], *leading["high"], goal] if not words.is_missing(value)]
    top = max([*known, landings.attrs.get("booked", 0.0), 1.0]) * REACH
    rows["high_shown"] = rows["high"].clip(upper=top)
    rows["text"] = [_say(row, currency) for row in rows.to_dict("records")]
    rows["missing"] = ["not available" if words.is_missing(value) else "" for value in rows["expected"]]
    rows.attrs["top"] = top
    rows.attrs["cut"] = "A range that reaches the edge goes on beyond it." if (rows["high"] > top).any() else ""
    return rows


def _say(row: dict[str, Any], currency: str) -> str:
    if words.is_missing(row["expected"]):
        return ""
    said = words.say_value(row["expected"], "currency", currency=currency)
    if words.is_missing(row["low"]):
        return said
    return f"{said} ({words.say_range(row['low'], row['high'], 'currency', currency=currency)})"


def _explain_missing(rows: pd.DataFrame) -> str:
    """Say once per reason which methods lack an estimate."""
    lacking = rows[rows["expected"].isna() & (rows["reason"] != "")]
    parts = []
    for reason, mine in lacking.groupby("reason", sort=False):
        count = words.count_of(len(mine), "method")
        parts.append(f"{count} not available: {str(reason)[:1].lower()}{str(reason)[1:]}")
    return " ".join(parts)


def draw_landing_errors(
    scores: pd.DataFrame, *, title: str, subtitle: str = "", week: int = 0, unit: str = "period", note: str = ""
) -> Display:
    """Draw how far each method was off in earlier periods, the closest first, beside the naive forecast.

    Args:
        scores: one row per method and week, as made by ``score_landings``.
        title: the finding, in a sentence.
        subtitle: measure, periods.
        week: after how many weeks the estimates were made.
        unit: what a period is called, singular.
        note: how to read it.

    Returns:
        A display; its text lists error, bias and coverage per method.

    Raises:
        ValueError: no method could be tried in that week.
    """
    rows = scores[(scores["week"] == week) & scores["error"].notna()].sort_values("error", kind="stable")
    if rows.empty:
        raise ValueError("No back-test to draw. Show a message instead.")
    import altair as alt

    rows = rows.assign(
        label=[METHODS.get(method, words.label_of(method)) for method in rows["method"]],
        colour=[LIGHT["accent"] if i == 0 else LIGHT["bar"] for i in range(len(rows))],
        text=[
            f"{words.say_value(row['error'], 'share', digits=0)} · {words.count_of(int(row['n']), unit)}"
            for row in rows.to_dict("records")
        ],
    )
    top = float(rows["error"].max()) * REACH
    y = alt.Y("label:N", sort=rows["label"].tolist(), title=None, axis=_names())
    x = alt.X("error:Q", title=None, axis=None, scale=alt.Scale(domain=[0, max(top, 0.01)], nice=False))
    base = alt.Chart(rows).encode(y=y)
    bars = base.mark_bar(height=16).encode(x=x, color=alt.Color("colour:N", scale=None))
    text = base.mark_text(align="left", fontSize=12).encode(
        x=alt.value(PLOT + 10), text="text:N", color=alt.value(LIGHT["ink"])
    )
    layers = [bars, text]
    naive = rows[rows["method"] == NAIVE]
    if len(naive):
        layers.append(
            alt.Chart(naive[["error"]])
            .mark_rule(color=LIGHT["ink"], strokeDash=[4, 3])
            .encode(x=alt.X("error:Q", scale=alt.Scale(domain=[0, max(top, 0.01)], nice=False)))
        )
    chart = alt.layer(*layers).properties(width=PLOT, height=28 * len(rows))
    how = "Bar: sum of misses ÷ sum of bookings. Dashed: the naive forecast, this period as the one before."
    return show_chart_with_footnote(
        chart,
        title=title,
        subtitle=subtitle,
        numbers=rows[["label", "n", "error", "bias", "against_naive", "covered", "covered_n"]],
        units={"error": "share", "bias": "share", "against_naive": "ratio", "covered": "share"},
        labels={"label": "Method", "n": "Periods", "covered": "Ranges that held", "covered_n": "Of ranges"},
        note=f"{note} {how}".strip(),
        width=PLOT + NUMBERS,
    )
