"""Each volume above its long-term pair on one axis of time, flagged pairs first; and accounts by who closed them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.analyses.growth_pairs import SOUND, UNKNOWN, VANITY, VERDICTS
from helpers.analyses.growth_words import say_known
from helpers.present import words
from helpers.present.charts.footnote import show_chart_with_footnote
from helpers.present.display import Display, show_message, show_table
from helpers.present.theme import LIGHT

if TYPE_CHECKING:
    from helpers.analyses.growth_pairs import GrowthPairs
    from helpers.analyses.growth_reps import ClosedAccounts
    from helpers.model.catalog import Catalog

PANEL_WIDTH, PANEL_HEIGHT, COLUMNS = 236, 66, 3
COLOURS = {VANITY: LIGHT["bad"], SOUND: LIGHT["good"]}
SHOWN = [
    "volume_label", "volume_before", "volume_now", "volume_q", "pair_label", "pair_before", "pair_now", "pair_n",
    "pair_q", "window", "compared", "verdict",
]  # fmt: skip


def show_growth_pairs(review: GrowthPairs, catalog: Catalog, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Show every volume goal with its long-term pair, one panel each, flagged ones first.

    Args:
        review: As made by ``review_pairs``.
        catalog: The company's catalog.
        subtitle: Company, period, last day.
        currency: The company's currency.

    Returns:
        A display; a message where no pair has both its sides.
    """
    if not review.is_available:
        reasons = " ".join(dict.fromkeys(review.table["reason"].astype(str)))
        return show_message(
            "empty",
            "Whether growth lasts can't be told yet",
            reasons or "No volume has a long-term pair.",
            "Map the dates of the next stage, and contracts with their renewal dates.",
        )
    import altair as alt

    told = review.table[review.table["verdict"] != UNKNOWN].to_dict("records")
    panels = [_panel(row, review.series, catalog, currency) for row in told]
    chart = alt.concat(*panels, columns=COLUMNS, spacing=22).resolve_scale(x="independent", y="independent")
    return show_chart_with_footnote(
        chart,
        title=_say_title(review),
        subtitle=f"Volume as bars, its long-term KPI with interval below, per period · {subtitle}".strip(" ·"),
        numbers=review.table[SHOWN],
        labels={"volume_label": "Volume", "pair_label": "Long-term pair", "volume_q": "q", "pair_q": "q of the pair"},
        note=_say_note(review),
        width=COLUMNS * (PANEL_WIDTH + 22),
    )


def _say_title(review: GrowthPairs) -> str:
    flagged = review.table[review.table["verdict"] == VANITY]
    if len(flagged) == 1:
        return f"Vanity: {flagged['said'].iloc[0]}"
    if len(flagged):
        return f"{len(flagged)} volumes rose while what they should bring got worse: " + words.join_words(
            flagged["volume_label"]
        )
    sound = review.table[review.table["verdict"] == SOUND]
    if len(sound):
        return f"No vanity to be seen; {words.join_words(sound['volume_label'])} grew and so did what they should bring"
    return "No vanity to be seen: no volume rose while its long-term KPI got worse beyond chance"


def _say_note(review: GrowthPairs) -> str:
    known = [text for row in review.table.to_dict("records") if row["lag"] and (text := say_known(row))]
    unknown = review.table[review.table["verdict"] == UNKNOWN]
    reasons = [f"{row['volume_label']} with {row['pair_label']}: {row['reason']}" for row in unknown.to_dict("records")]
    parts = [
        "Strong bars are compared with medium ones, faint ones not at all; hollow or missing below: too young to tell.",
        f"Both changes count from q {review.significance:g} on, corrected for {review.compared} changes.",
        *(f"{text}: renewals come a term later." for text in known),
        *reasons,
    ]
    return " ".join(parts)


def _panel(row: dict[str, Any], series: pd.DataFrame, catalog: Catalog, currency: str) -> Any:
    import altair as alt

    mine = series[(series["volume"] == row["volume"]) & (series["pair"] == row["pair"])]
    order = list(dict.fromkeys(mine["period"]))
    flagged = row["verdict"] in COLOURS
    bars, line = (
        _write_rows(mine[mine["side"] == side], catalog.kpis[row[side]], currency, flagged, COLOURS.get(row["verdict"]))
        for side in ("volume", "pair")
    )
    n = f" · n {int(row['pair_n']):,}" if words.is_missing(row["pair_n"]) is False else ""
    title = alt.Title(
        text=f"{row['volume_label']} ↔ {row['pair_label']}",
        subtitle=f"{VERDICTS[row['verdict']]}{n}",
        anchor="start", frame="group", fontSize=13, fontWeight=600, color=LIGHT["ink"], offset=8, subtitlePadding=3,
        subtitleFontSize=12, subtitleColor=COLOURS.get(row["verdict"], LIGHT["grey"]),
    )  # fmt: skip
    both = alt.vconcat(_bars(bars, order), _line(line, order), spacing=8)
    return both.properties(title=title).resolve_scale(x="shared")


def _write_rows(rows: pd.DataFrame, kpi: Any, currency: str, flagged: bool, colour: str | None) -> pd.DataFrame:
    rows = rows.reset_index(drop=True)
    numbers = ["value", "low", "high", "n"]
    rows[numbers] = rows[numbers].astype("float64")
    shades = {"now": LIGHT["accent"] if flagged else LIGHT["mid"],
              "before": LIGHT["accent_soft"] if flagged else LIGHT["bar"], "": LIGHT["faint"]}  # fmt: skip
    known = rows.index[rows["value"].notna() & rows["is_complete"].astype(bool)]
    named = {known[0], known[-1]} if len(known) else set()
    digits = 0 if kpi.unit == "count" else None
    rows["text"] = [
        words.say_value(value, kpi.unit, currency=currency, digits=digits) if i in named else ""
        for i, value in rows["value"].items()
    ]
    rows["tip"] = [words.say_value(value, kpi.unit, currency=currency, digits=digits) for value in rows["value"]]
    rows["range"] = [
        words.say_range(low, high, kpi.unit, currency=currency)
        for low, high in zip(rows["low"], rows["high"], strict=True)
    ]
    rows["shade"] = [shades[window] for window in rows["window"]]
    rows["top"] = rows[["value", "high"]].max(axis=1)
    rows["line"] = colour or LIGHT["grey"]
    rows["fill"] = [rows["line"].iloc[i] if whole else LIGHT["paper"] for i, whole in enumerate(rows["is_complete"])]
    return rows.astype({"window": "str"})


def _x(order: list[str], *, labels: bool) -> Any:
    import altair as alt

    ends = json.dumps([order[0], order[-1]])
    shown = f"indexof({ends}, datum.label) < 0 ? '' : datum.label"
    axis = alt.Axis(labelExpr=shown, labelOverlap=False, labelPadding=4, title=None) if labels else None
    return alt.X("period:N", sort=order, scale=alt.Scale(domain=order, paddingInner=0.25, paddingOuter=0.3), axis=axis)


def _tips(label: str) -> list[Any]:
    import altair as alt

    return [alt.Tooltip("period:N", title="Period"), alt.Tooltip("tip:N", title=label),
            alt.Tooltip("range:N", title="Interval"), alt.Tooltip("n:Q", title="Records", format=",")]  # fmt: skip


def _bars(rows: pd.DataFrame, order: list[str]) -> Any:
    import altair as alt

    top = float(rows["value"].max()) if rows["value"].notna().any() else 1.0
    y = alt.Y("value:Q", axis=None, scale=alt.Scale(domain=[0, top * 1.25 or 1.0]))
    base = alt.Chart(rows).encode(x=_x(order, labels=False))
    bars = base.mark_bar().encode(y=y, color=alt.Color("shade:N", scale=None), tooltip=_tips("Volume"))
    texts = base.mark_text(dy=-7, fontSize=11, color=LIGHT["ink"]).encode(y=y, text="text:N")
    return alt.layer(bars, texts).properties(width=PANEL_WIDTH, height=PANEL_HEIGHT)


def _line(rows: pd.DataFrame, order: list[str]) -> Any:
    import altair as alt

    whole = rows[rows["is_complete"].astype(bool)]
    ends = pd.concat([whole[name] for name in ("value", "low", "high")]).dropna()
    low, high = (float(ends.min()), float(ends.max())) if len(ends) else (0.0, 1.0)
    room = (high - low) * 0.35 or abs(high) * 0.2 or 0.1
    bottom = low - room * 0.4
    scale = alt.Scale(domain=[bottom, high + room], nice=False, zero=False)
    base = alt.Chart(rows).encode(x=_x(order, labels=True))
    y = alt.Y("value:Q", axis=None, scale=scale)
    rules = (
        base.transform_filter("datum.is_complete")
        .mark_rule(strokeWidth=1.4)
        .encode(y=alt.Y("low:Q", axis=None, scale=scale), y2="high:Q", color=alt.Color("line:N", scale=None))
    )
    line = base.transform_filter("datum.is_complete").mark_line(strokeWidth=1.8).encode(
        y=y, color=alt.Color("line:N", scale=None)
    )  # fmt: skip
    inside = f"isValid(datum.value) && datum.value >= {bottom}"
    dots = base.transform_filter(inside).mark_point(
        size=44, filled=False, strokeWidth=1.5, opacity=1
    ).encode(y=y, stroke=alt.Stroke("line:N", scale=None), fill=alt.Fill("fill:N", scale=None),
             tooltip=_tips("Long-term KPI"))  # fmt: skip
    texts = base.mark_text(dy=-8, fontSize=11, fontWeight=600, color=LIGHT["ink"]).encode(
        y=alt.Y("top:Q", axis=None, scale=scale), text="text:N"
    )
    return alt.layer(rules, line, dots, texts).properties(width=PANEL_WIDTH, height=PANEL_HEIGHT)


def show_closed_accounts(found: ClosedAccounts, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Show what each person won beside churn and expansion of the accounts that the person closed.

    Args:
        found: As made by ``review_closed_accounts``.
        subtitle: Company, period, last day.
        currency: The company's currency.

    Returns:
        A table; a message where contracts can't be traced to people.
    """
    if found.frame.empty:
        return show_message("empty", found.headline, found.reason, "Then bookings stand beside what became of them.")
    rows = found.frame
    table = pd.DataFrame({"name": rows["name"], "won": rows["won"], "n_won": rows["n_won"], "n": rows["n"]})
    table["churn"] = [
        "none up yet" if row["n"] == 0 else f"{int(row['left'])} of {int(row['n'])}" + (
            "" if row["is_small"] else f" = {words.say_interval(row['logo_churn'], row['low'], row['high'])}")
        for row in rows.to_dict("records")
    ]  # fmt: skip
    table["nrr"] = [_say_nrr(row) for row in rows.to_dict("records")]
    return show_table(
        table,
        title=found.headline,
        subtitle=f"{found.window[:1].upper()}{found.window[1:]} · {subtitle}".strip(" ·"),
        units={"won": "currency", "n_won": "count", "n": "count"},
        labels={"name": "Closed by", "won": "Won", "n_won": "Deals won", "n": "Accounts up",
                "churn": "Of those left", "nrr": "NRR of accounts up"},
        currency=currency,
        max_rows=15,
        note=found.note,
    )  # fmt: skip


def _say_nrr(row: dict[str, Any]) -> str:
    if words.is_missing(row["nrr"]):
        return "–"
    value = words.say_value(row["nrr"], "share")
    if row["is_small"] or words.is_missing(row["nrr_low"]):
        return f"{value} ({words.say_n(row['n'])}, few)" if row["is_small"] else value
    return f"{value} ({words.say_range(row['nrr_low'], row['nrr_high'])})"
