"""Churn in all its variants as dots with intervals, where revenue was lost, and each variant period by period."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.present import words
from helpers.present.charts.footnote import show_chart_with_footnote
from helpers.present.charts.overview import Displays
from helpers.present.display import Display, show_message, show_table
from helpers.present.theme import LIGHT

if TYPE_CHECKING:
    from helpers.analyses.churn_variants import ChurnReview

WIDTH, ROW = 330, 30
NAMED = ("logo_churn", "gross_renewal")
SHOWN = ["label", "value", "low", "high", "n", "numerator", "denominator", "base", "interval", "reason"]


def show_churn(review: ChurnReview, *, subtitle: str = "", currency: str = "USD") -> Display | Displays:
    """Show churn of the last year in all its variants, where the revenue was lost, and every variant by period.

    Args:
        review: As made by ``review_churn``.
        subtitle: Company, period, last day.
        currency: The company's currency.

    Returns:
        Displays; a message with what deals of renewal tell, where there are no contracts.
    """
    if not review.is_available:
        return _show_missing(review)
    shown = [_draw_variants(review, subtitle, currency)]
    if len(review.losses) and review.losses["mrr"].sum() > 0:
        shown.append(_draw_losses(review, subtitle, currency))
    if len(review.reasons):
        shown.append(_show_reasons(review, subtitle, currency))
    shown.append(_show_periods(review, subtitle))
    return Displays(shown)


def _show_missing(review: ChurnReview) -> Display:
    text = review.reason
    if len(review.approximation):
        row = review.approximation.iloc[0]
        by_value = words.say_value(row["share_value"], "share")
        text += (
            f" As an approximation, {int(row['won'])} of {int(row['n'])} deals of renewal closed in {review.window} "
            f"were won: {words.say_interval(row['share'], row['low'], row['high'])}, {by_value} by amount. It sees "
            "only customers for whom somebody opened a deal."
        )
    return show_message("empty", "Churn can't be told from these exports", text, review.cure)


def _draw_variants(review: ChurnReview, subtitle: str, currency: str) -> Display:
    import altair as alt

    rows = _write_rows(review.year, currency)
    panels = []
    for direction, heading in (("down", "What left"), ("up", "What stayed")):
        part = rows[rows["direction"] == direction]
        panels.append(_panel(part, heading))
    title = review.findings[0].headline if review.findings else f"Churn in {review.window}"
    return show_chart_with_footnote(
        alt.vconcat(*panels, spacing=16),
        title=title,
        subtitle=f"{review.window[:1].upper()}{review.window[1:]} · {subtitle}".strip(" ·"),
        numbers=review.year[SHOWN],
        units={"value": "share", "low": "share", "high": "share"},
        currency=currency,
        note=" ".join(["Line: interval; hollow: few accounts. Logos, revenue and seats are measured on the same "
                       "accounts, those up for renewal.", *review.notes]),
        width=760,
    )  # fmt: skip


def _write_rows(year: pd.DataFrame, currency: str) -> pd.DataFrame:
    rows = year.reset_index(drop=True).copy()
    texts, bases = [], []
    for row in rows.to_dict("records"):
        if words.is_missing(row["value"]):
            texts.append("not applicable" if row["reason"].startswith("Not applicable") else "not available")
            bases.append(row["reason"].removeprefix("Not applicable: "))
            continue
        texts.append(words.say_value(row["value"], "share"))
        what = "accounts, a quarter each" if row["variant"] == "simple_churn" else "accounts"
        n = f"{row['n']:,} {what}"
        if row["variant"] == "logo_churn":
            bases.append(f"{row['numerator']:,.0f} of {n} up for renewal")
        elif row["variant"] == "seat_churn":
            bases.append(f"{row['numerator']:,.0f} of {row['denominator']:,.0f} seats, {n}")
        else:
            money = [words.say_value(row[name], "currency", currency=currency) for name in ("numerator", "denominator")]
            bases.append(f"{money[0]} of {money[1]} MRR, {n}")
    rows["text"], rows["basis"] = texts, bases
    rows["colour"] = [LIGHT["accent"] if variant in NAMED else LIGHT["grey"] for variant in rows["variant"]]
    rows["fill"] = rows["colour"].mask(rows["is_small"], LIGHT["paper"])
    rows["range"] = [words.say_range(low, high) for low, high in zip(rows["low"], rows["high"], strict=True)]
    return rows


def _panel(rows: pd.DataFrame, heading: str) -> Any:
    import altair as alt

    order = rows["label"].tolist()
    ends = pd.concat([rows["value"], rows["low"], rows["high"]]).dropna()
    low, high = (float(ends.min()), float(ends.max())) if len(ends) else (0.0, 1.0)
    if heading == "What left":
        low, high = min(low, 0.0), high
    room = (high - low) * 0.06 or 0.02
    scale = alt.Scale(domain=[low - (room if low else 0), high + room], nice=False, zero=False)
    axis = alt.Axis(title=None, format=".0%", labelExpr="replace(replace(datum.label, '%', ' %'), '-', '−')",
                    grid=True, tickCount=5)  # fmt: skip
    y = alt.Y("label:N", sort=order, title=None, axis=alt.Axis(labelLimit=260, labelPadding=10))
    base = alt.Chart(rows[["label", "value", "low", "high", "text", "basis", "colour", "fill", "range", "definition"]])
    tips = [alt.Tooltip("label:N", title="Variant"), alt.Tooltip("text:N", title="Value"),
            alt.Tooltip("range:N", title="Interval"), alt.Tooltip("basis:N", title="Basis"),
            alt.Tooltip("definition:N", title="Formula")]  # fmt: skip
    rules = base.mark_rule(strokeWidth=1.6).encode(
        y=y, x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q", color=alt.Color("colour:N", scale=None)
    )
    dots = (
        base.transform_filter("isValid(datum.value)")
        .mark_point(size=80, filled=False, strokeWidth=1.6, opacity=1)
        .encode(y=y, x=alt.X("value:Q", scale=scale, axis=axis), stroke=alt.Stroke("colour:N", scale=None),
                fill=alt.Fill("fill:N", scale=None), tooltip=tips)
    )  # fmt: skip
    values = base.mark_text(align="left", fontSize=12, fontWeight=600, color=LIGHT["ink"]).encode(
        y=y, x=alt.value(WIDTH + 14), text="text:N"
    )
    bases = base.mark_text(align="left", fontSize=11, color=LIGHT["grey"]).encode(
        y=y, x=alt.value(WIDTH + 108), text="basis:N"
    )
    title = alt.Title(text=heading, anchor="start", frame="group", fontSize=13, color=LIGHT["grey"], offset=6)
    return alt.layer(rules, dots, values, bases).properties(width=WIDTH, height=ROW * len(rows), title=title)


def _draw_losses(review: ChurnReview, subtitle: str, currency: str) -> Display:
    import altair as alt

    rows = review.losses.assign(a_year=review.losses["mrr"] * 12)
    rows["name"] = [f"{label[:1].upper()}{label[1:]}" for label in rows["label"]]
    rows["text"] = [
        f"{words.say_value(row['a_year'], 'currency', currency=currency)} · {words.say_value(row['share'], 'share')} · "
        f"{words.count_of(int(row['n']), 'account')}" if row["n"] else "nothing"
        for row in rows.to_dict("records")
    ]  # fmt: skip
    most = rows["a_year"].idxmax()
    rows["colour"] = [LIGHT["accent"] if i == most else LIGHT["bar"] for i in rows.index]
    y = alt.Y("name:N", sort=rows["name"].tolist(), title=None)
    x = alt.X("a_year:Q", axis=None, scale=alt.Scale(domain=[0, float(rows["a_year"].max()) * 1.02]))
    base = alt.Chart(rows)
    chart = alt.layer(
        base.mark_bar(height=16).encode(y=y, x=x, color=alt.Color("colour:N", scale=None)),
        base.mark_text(align="left", dx=6, fontSize=12).encode(y=y, x=x, text="text:N"),
    ).properties(width=400, height=ROW * len(rows))
    said = next((one.headline for one in review.findings if one.kpi == "grr_starting"), "")
    return show_chart_with_footnote(
        chart,
        title=said or f"Where revenue was lost in {review.window}",
        subtitle=f"Recurring revenue lost, a year's worth, by kind of churn · {subtitle}".strip(" ·"),
        numbers=rows[["name", "a_year", "share", "n"]],
        units={"a_year": "currency", "share": "share"},
        currency=currency,
        note="Mid-term: not up for renewal in the quarter. If the renewal rate is fine but GRR is not, leakage is "
        "mid-term. The kinds add up to what GRR of starting revenue lost, quarter by quarter.",
        width=720,
    )


def _show_reasons(review: ChurnReview, subtitle: str, currency: str) -> Display:
    rows = review.reasons
    total, first = int(rows["n"].sum()), rows.iloc[0]
    basis = str(first["basis"])
    return show_table(
        rows.drop(columns="basis"),
        title=f"{int(first['n'])} of {total} give “{words.shorten(first['reason'], 40)}” as the reason",
        subtitle=f"Recorded reasons of {basis} in {review.window} · {subtitle}".strip(" ·"),
        units={"n": "count", "amount": "currency"},
        labels={"reason": "Reason", "n": "Records", "amount": "Amount"},
        currency=currency,
        max_rows=8,
        marks={"n": "bar"},
        note="Reasons are what somebody wrote down; ask the customers themselves before acting on them.",
    )


def _show_periods(review: ChurnReview, subtitle: str) -> Display:
    periods = list(dict.fromkeys(review.table["period"]))
    known = review.table[review.table["value"].notna()]
    periods = [period for period in periods if period in set(known["period"])][-6:] or periods[-1:]
    wide = pd.DataFrame({"variant": list(dict.fromkeys(review.table["label"]))}).set_index("variant")
    for period in periods:
        mine = review.table[review.table["period"] == period].set_index("label")
        wide[period] = [
            "–" if words.is_missing(mine.loc[label, "value"]) else
            f"{words.say_value(mine.loc[label, 'value'], 'share')} · {words.say_n(mine.loc[label, 'n'])}"
            + ("" if mine.loc[label, "is_complete"] else " so far")
            for label in wide.index
        ]  # fmt: skip
    return show_table(
        wide.reset_index(),
        title="Every variant of churn, period by period",
        subtitle=f"Share and accounts behind it · {subtitle}".strip(" ·"),
        labels={"variant": "Variant"} | {period: period for period in periods},
        note="– means not applicable: nothing to divide by, which is not 0. Under the minimum n a change says little.",
    )
