"""Who left, by how they came in: each way in against all others at the same age, with the money and the reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.analyses.customer_origins import ALIKE, LESS, LOGOS, MORE, REVENUE, SEATS, SMALL
from helpers.analyses.loss_origins import describe_reasons, find_clearest
from helpers.analyses.origin_words import describe_sellers
from helpers.present import words
from helpers.present.cards import say_slice
from helpers.present.charts.canvas import measure_text
from helpers.present.charts.overview import Displays
from helpers.present.display import Display, show_chart, show_message, show_table
from helpers.present.theme import LIGHT

if TYPE_CHECKING:
    import altair

    from helpers.analyses.customer_origins import Origins
    from helpers.analyses.loss_origins import Reasons

WIDTH, ROW, NAME_WIDTH = 300, 24, 230
MOST_ROWS = 12
WIDEST = 8.0
"""The axis reaches at most from an eighth to eight times what others lose."""

DOTS = {
    LOGOS: "how often accounts that came in so left",
    REVENUE: "how much revenue was lost of accounts that came in so (too few left to compare accounts)",
    SEATS: "how many seats were given back by accounts that came in so (too few left to compare accounts)",
}
VERDICTS = {
    MORE: "▲ more than others",
    LESS: "▼ less than others",
    ALIKE: "● as others",
    SMALL: "– not enough evidence",
}


def show_origins(
    origins: Origins, *, title: str, subtitle: str = "", currency: str = "USD", reasons: list[Reasons] | None = None
) -> Displays:
    """Show churn by how customers came in, the smallest set of slices behind it, and why they were lost.

    Args:
        origins: As made by ``review_origins``.
        title: The finding (``describe_origins``).
        subtitle: Measure, company, period, last day.
        currency: The company's currency.
        reasons: As made by ``review_reasons``; None leaves them out.

    Returns:
        Displays; messages for what can't be told, with the field that would allow it.
    """
    if origins.why_not:
        shown = [show_message("empty", "How those who left had come in can't be told", origins.why_not)]
    else:
        shown = [_draw(origins, title, subtitle, currency), _list_values(origins, currency)]
        if len(origins.causes):
            shown.append(_list_causes(origins, currency))
    shown += [_show_reasons(one, currency) for one in reasons or []]
    return Displays(shown)


def _draw(origins: Origins, title: str, subtitle: str, currency: str) -> Display:
    rows = _rows(origins, currency)
    if rows.empty:
        return show_message("empty", title, "No way in has lost enough customers to be compared with the others.")
    lost, stake = origins.total[LOGOS]
    numbers = rows[["full", "n", "lost", "rate", "expected_rate", "ratio", "low", "high", "money", "verdict"]]
    base = f"{lost:,.0f} of {stake:,.0f} left where they could, {origins.stakes.basis}"
    return show_chart(
        _chart(rows),
        title=title,
        subtitle=f"{base} · {subtitle}".strip(" ·"),
        numbers=numbers.rename(columns={"full": "origin"}),
        units={"rate": "share", "expected_rate": "share", "money": "currency", "ratio": "ratio", "low": "ratio",
               "high": "ratio"},
        labels={"expected_rate": "Usual at that age", "ratio": "Times others", "money": "A year's revenue"},
        currency=currency,
        note=f"Dot: {DOTS[rows['measure'].iloc[0]]}, against all others at the same age in the same quarters; "
        f"line: 90 % interval; hollow: not enough evidence. {describe_sellers(origins)}.",
    )  # fmt: skip


def _rows(origins: Origins, currency: str) -> pd.DataFrame:
    """Return the ways in by logos (by revenue or seats where too few left), beyond chance first, one name each."""
    judged = origins.frame[origins.frame["p_value"].notna()]
    measure = next((one for one in (LOGOS, REVENUE, SEATS) if (judged["measure"] == one).sum() > 1), LOGOS)
    frame = judged[judged["measure"] == measure].copy()
    frame = frame[~frame[["n", "lost", "expected_rate"]].duplicated()]
    frame["order"] = frame["verdict"].map({MORE: 0, LESS: 1}).fillna(2)
    frame = frame.sort_values(["order", "p_value"], kind="stable").head(MOST_ROWS)
    frame = frame.sort_values("ratio", ascending=False, kind="stable").reset_index(drop=True)
    frame["row"] = range(len(frame))
    frame["full"] = frame["label"] + ": " + frame["value"]
    frame["name"] = [_fit(name) for name in frame["full"]]
    ends = frame[["ratio", "low", "high"]].clip(1 / WIDEST, WIDEST)
    frame[["ratio_drawn", "low_drawn", "high_drawn"]] = ends.to_numpy()
    tone = {MORE: LIGHT["bad"], LESS: LIGHT["good"]}
    frame["colour"] = [tone.get(verdict, LIGHT["grey"]) for verdict in frame["verdict"]]
    frame["inside"] = frame["colour"].mask(frame["verdict"] == SMALL, LIGHT["paper"])
    frame["text"] = [
        f"{words.say_value(row.rate, 'share')} of {row.n:,}, usual {words.say_value(row.expected_rate, 'share')}"
        for row in frame.itertuples()
    ]
    frame["money_text"] = [
        words.say_change(row.money, "currency", currency=currency) if row.verdict == MORE and row.money < 0 else ""
        for row in frame.itertuples()
    ]
    frame["range"] = [_say_times(row.low, row.high) for row in frame.itertuples()]
    return frame


def _fit(name: str) -> str:
    length = len(name)
    while length > 6 and measure_text(words.shorten(name, length), 12) > NAME_WIDTH - 10:
        length -= 1
    return words.shorten(name, length)


def _say_times(low: float, high: float) -> str:
    ends = [f"{end:.1f}" if end < 100 else "∞" for end in (low, high)]
    return f"{ends[0]} to {ends[1]} times"


def _chart(rows: pd.DataFrame) -> altair.LayerChart:
    import altair as alt

    far = max(float(rows["high_drawn"].max()), 1 / float(rows["low_drawn"].min()), 2.0)
    x_scale = alt.Scale(type="log", domain=[1 / far, far], nice=False, clamp=True)
    ticks = [one for one in (0.125, 0.5, 1, 2, 8) if 1 / far <= one <= far]
    label = "datum.value == 1 ? 'as others' : (datum.value < 1 ? '÷ ' + format(1 / datum.value, '.0f') " \
            ": '× ' + format(datum.value, '.0f'))"  # fmt: skip
    axis = alt.Axis(title=None, values=ticks, labelExpr=label, grid=True, gridColor=LIGHT["rule"], labelFontSize=11,
                    labelOverlap=False)  # fmt: skip
    y = alt.Y("row:Q", scale=alt.Scale(domain=[-0.5, len(rows) - 0.5], reverse=True, nice=False), axis=None)
    keep = ["row", "name", "full", "ratio_drawn", "low_drawn", "high_drawn", "colour", "inside", "text", "money_text",
            "range", "verdict"]  # fmt: skip
    base = alt.Chart(rows[keep])
    tips = [alt.Tooltip(f"{name}:N", title=said) for name, said in (
        ("full", "Came in"), ("text", "Left"), ("range", "Against others"), ("verdict", "Verdict"))]  # fmt: skip
    line = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low_drawn:Q", scale=x_scale, axis=axis),
        x2="high_drawn:Q",
        y=y,
        color=alt.Color("colour:N", scale=None),
    )
    dot = base.mark_point(size=70, filled=True, opacity=1, strokeWidth=1.6).encode(
        x=alt.X("ratio_drawn:Q", scale=x_scale, axis=axis), y=y, fill=alt.Fill("inside:N", scale=None),
        stroke=alt.Stroke("colour:N", scale=None), tooltip=tips,
    )  # fmt: skip
    one = alt.Chart(pd.DataFrame({"x": [1.0]})).mark_rule(color=LIGHT["mid"])
    names = base.mark_text(align="right", fontSize=12).encode(
        x=alt.value(-10), y=y, text="name:N", color=alt.value(LIGHT["ink"])
    )
    texts = base.mark_text(align="left", fontSize=11.5).encode(
        x=alt.value(WIDTH + 10), y=y, text="text:N", color=alt.value(LIGHT["grey"])
    )
    money = base.mark_text(align="left", fontSize=12, fontWeight=600).encode(
        x=alt.value(WIDTH + 160), y=y, text="money_text:N", color=alt.Color("colour:N", scale=None)
    )
    layers = alt.layer(one.encode(x=alt.X("x:Q", scale=x_scale, axis=axis)), line, dot, names, texts, money)
    return layers.properties(width=WIDTH, height=ROW * len(rows))


def _list_values(origins: Origins, currency: str) -> Display:
    """List every way in by every measure, the most surprising first."""
    frame = origins.frame.sort_values("p_value", na_position="last", kind="stable")
    unit = {LOGOS: "count", REVENUE: "currency"}
    table = pd.DataFrame(
        {
            "measure": frame["measure"].str.capitalize(),
            "came_in": frame["label"] + ": " + frame["value"],
            "n": frame["n"],
            "lost": [_say_amount(row.lost, unit.get(row.measure, "count"), currency) for row in frame.itertuples()],
            "rate": frame["rate"],
            "expected_rate": frame["expected_rate"],
            "times": [_say_ratio(row) for row in frame.itertuples()],
            "gone_by": [words.say_interval(row.gone_by, row.gone_low, row.gone_high)
                        if pd.notna(row.gone_low) else "" for row in frame.itertuples()],
            "money": frame["money"].where(frame["verdict"] == MORE),
            "verdict": frame["verdict"].map(VERDICTS),
        }
    )  # fmt: skip
    labels = {"measure": "Measure", "came_in": "Came in", "n": "n", "lost": "Lost", "rate": "Rate",
              "expected_rate": "Usual at that age", "times": "Times others", "gone_by": "Gone in a year",
              "money": "A year's revenue", "verdict": "Verdict"}  # fmt: skip
    verb = "lose" if frame["verdict"].isin([MORE, LESS]).sum() > 1 else "loses"
    judged, proven = int(frame["p_value"].notna().sum()), int(frame["verdict"].isin([MORE, LESS]).sum())
    return show_table(
        table,
        title=f"{proven or 'None'} of {judged:,} ways in that can be compared {verb} more or less than others, beyond "
        "chance",
        subtitle="by logo, revenue and seats, on what could be renewed",
        units={"rate": "share", "expected_rate": "share", "money": "currency"},
        labels=labels,
        currency=currency,
        max_rows=10,
        note="n: accounts times quarters in which they could leave. Gone in a year: Kaplan–Meier, with its 90 % "
        "interval. Revenue lost is monthly. Judged with control over everything compared; ways in overlap, so their "
        "money does not add up.",
    )


def _say_amount(value: float, unit: str, currency: str) -> str:
    return words.say_value(value, unit, currency=currency)


def _say_ratio(row: Any) -> str:
    if pd.isna(row.ratio):
        return ""
    ratio = f"{row.ratio:.1f}" if row.ratio < 100 else "∞"
    return f"{ratio} ({_say_times(row.low, row.high).removesuffix(' times')})"


def _list_causes(origins: Origins, currency: str) -> Display:
    """List the smallest set of slices of origins that lose more."""
    causes = origins.causes
    table = pd.DataFrame(
        {
            "slice": [say_slice(slice_) for slice_ in causes["slice"]],
            "n": causes["n"],
            "left": causes["left"].round().astype(int),
            "expected": [words.say_value(value, "count", digits=1) for value in causes["expected"]],
            "times": [f"{ratio:.1f}" if ratio < 100 else "∞" for ratio in causes["ratio"]],
            "money": causes["money"],
            "q_value": [f"{q:.3f}" for q in causes["q_value"]],
            "verdict": causes["verdict"],
        }
    )
    labels = {"slice": "Came in", "n": "n", "left": "Left", "expected": "Expected", "times": "Times others",
              "money": "A year's revenue", "q_value": "q", "verdict": "Verdict"}  # fmt: skip
    proven = int((causes["verdict"] == "cause").sum())
    title = (
        f"{words.count_of(proven, 'way')} in {'explains' if proven == 1 else 'explain'} where customers are lost"
        if proven
        else "No combination of ways in explains where customers are lost, beyond chance"
    )
    return show_table(
        table,
        title=title,
        subtitle="the smallest set of slices, error controlled over everything searched",
        units={"money": "currency"},
        labels=labels,
        currency=currency,
        note="Only what was known when a customer came in is searched; nobody is searched by name.",
    )


def _show_reasons(reasons: Reasons, currency: str) -> Display:
    """Show which reasons go with which way in."""
    what = reasons.what[:1].upper() + reasons.what[1:]
    if reasons.frame.empty:
        return show_message("empty", f"{what}: the reasons can't be compared", reasons.why_not)
    filled = f"{words.say_value(reasons.filled, 'share')} of {reasons.n:,} carry a reason"
    ahead = find_clearest(reasons)
    if ahead.empty:
        return show_message("good", describe_reasons(reasons), f"{filled}.")
    table = pd.DataFrame(
        {
            "came_in": ahead["label"] + ": " + ahead["value"],
            "reason": ahead["reason"],
            "share": [words.say_interval(row.share, row.low, row.high) for row in ahead.itertuples()],
            "n": ahead["n"],
            "others": ahead["share_others"],
            "amount": ahead["amount"],
        }
    )
    labels = {"came_in": "Came in", "reason": "Reason", "share": "Share", "n": "n", "others": "Others",
              "amount": "Behind it"}  # fmt: skip
    return show_table(
        table,
        title=describe_reasons(reasons),
        subtitle=filled,
        units={"others": "share", "amount": "currency"},
        labels=labels,
        currency=currency,
        note="Only reasons given oftener than by all others beyond chance, with control over everything compared. A "
        "reason is what somebody typed: an opinion until records bear it out.",
    )
