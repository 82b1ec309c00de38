"""The win curve: the share won by each age, one line per slice, with the number of records still watched beneath."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.present import words
from helpers.present.charts.axes import axis_format, axis_words
from helpers.present.charts.canvas import measure_text
from helpers.present.charts.marks import place_labels
from helpers.present.display import Display, show_chart, show_message
from helpers.present.theme import LIGHT

if TYPE_CHECKING:
    import altair

    from helpers.analyses.win_curve import WinCurve

CURVE_WIDTH, CURVE_HEIGHT, ROW = 600, 280, 19
MOST_AGES = 8
LOST, OPEN, WON = "lost", "open", "won"


def draw_win_curve(curve: WinCurve | None, *, subtitle: str = "", note: str = "") -> Display:
    """Draw a win curve with the number at risk beneath.

    Args:
        curve: As made by ``measure_win_curve``; None says what is missing.
        subtitle: What stands under the title before the basis.
        note: Further words on how to read it.

    Returns:
        A display; its text lists the curves at round ages.
    """
    if curve is None:
        text = "It takes records with the day on which they entered a stage and the day on which they were won."
        return show_message("empty", "No win curve can be told", text)
    rows = _rows(curve)
    ages = _ages(curve)
    longest = float(max(*ages, 1))
    rows = _cut_at(rows, longest)
    x_scale = altair_scale(longest)
    lines = _lines(curve, rows, x_scale, longest)
    beneath = _at_risk(curve, rows, x_scale, ages)
    chart = _stack(lines, beneath)
    said = f"Days from {curve.from_stage} to {curve.to_stage}, {words.say_n(curve.n)}: {curve.n_won:,} won"
    said += f", {curve.n_lost:,} lost." if curve.knows_losses else "."
    band = "Band: interval at each age. " if not curve.by else ""
    shown = curve.table.drop(columns=["n"])
    return show_chart(
        chart,
        title=curve.headline,
        subtitle=f"{said.rstrip('.')} · {subtitle}".strip(" ·"),
        numbers=shown,
        units=dict.fromkeys(("share", "low", "high", "lost", "open"), "share"),
        labels={"day": "Days", "share": "Won by then", "at_risk": "Still watched"},
        note=f"{band}{curve.note} {note}".strip(),
        width=CURVE_WIDTH + 160,
    )


def altair_scale(longest: float) -> Any:
    """Return the scale that curve and numbers beneath share."""
    import altair as alt

    return alt.Scale(domain=[0, longest * 1.02], nice=False)


def _rows(curve: WinCurve) -> pd.DataFrame:
    """Return the steps of every curve from day 0 on, with its colour."""
    frame = curve.frame
    names = list(dict.fromkeys(frame["slice"]))
    start = pd.DataFrame({"slice": names, "day": 0, "share": 0.0, "lost": 0.0, "open": 1.0})
    rows = pd.concat([start, frame], ignore_index=True).sort_values(["slice", "day", "share"], kind="stable")
    rows["colour"] = rows["slice"].map(_colours(curve))
    rows["share_text"] = [words.say_value(value, "share") for value in rows["share"]]
    rows["range_text"] = [words.say_range(a, b, "share") for a, b in zip(rows["low"], rows["high"], strict=True)]
    return rows


def _cut_at(rows: pd.DataFrame, longest: float) -> pd.DataFrame:
    """End every curve at an age; one that goes on is drawn up to it."""
    inside = rows[rows["day"] <= longest]
    on = rows.loc[rows["day"] > longest, "slice"].unique()
    tails = inside.groupby("slice", sort=False).tail(1)
    tails = tails[tails["slice"].isin(on)].assign(day=longest)
    return pd.concat([inside, tails], ignore_index=True).sort_values(["slice", "day", "share"], kind="stable")


def _colours(curve: WinCurve) -> dict[str, str]:
    """Return the accent for what the title names, grey for the rest."""
    names = dict.fromkeys(curve.frame["slice"])
    return {name: LIGHT["accent"] if not curve.by or name in curve.named else LIGHT["grey"] for name in names}


def _ages(curve: WinCurve) -> list[int]:
    ages = sorted(int(age) for age in curve.table["day"].unique())
    last = ages[-1] if ages else 0
    far_apart: list[int] = []
    for age in ages:
        if not far_apart or age - far_apart[-1] >= last / (MOST_AGES + 1):
            far_apart.append(age)
    return far_apart


def _lines(curve: WinCurve, rows: pd.DataFrame, x_scale: Any, longest: float) -> altair.LayerChart:
    import altair as alt

    knows = not curve.by and curve.knows_losses
    top = float(pd.concat([rows["share"], rows["high"] if not curve.by else rows["share"]]).max())
    top = 1.0 if knows else min(1.0, top * 1.15 or 1.0)
    y_scale = alt.Scale(domain=[0, top], nice=False)
    x = alt.X("day:Q", title=None, scale=x_scale, axis=alt.Axis(labels=False, grid=False))
    axis = alt.Axis(format=axis_format("share"), labelExpr=axis_words("share", ""), tickCount=5)

    def y(field: str) -> Any:
        return alt.Y(f"{field}:Q", title=None, scale=y_scale, axis=axis)

    layers: list[Any] = []
    base = alt.Chart(rows).encode(x=x)
    if not curve.by:
        band = base.mark_area(color=LIGHT["accent_soft"], opacity=0.7, interpolate="step-after")
        layers.append(band.encode(y=y("low"), y2="high"))
    if knows:
        decided = rows.assign(decided=rows["share"] + rows["lost"])
        lost = alt.Chart(decided).mark_line(color=LIGHT["mid"], strokeWidth=1.5, interpolate="step-after")
        layers.append(lost.encode(x=x, y=y("decided")))
    colour = alt.Color("colour:N", scale=None)
    line = base.mark_line(strokeWidth=2, interpolate="step-after", clip=True).encode(
        y=y("share"), color=colour, detail="slice:N"
    )
    tips = {
        "slice": "Slice",
        "day": "Days",
        "share_text": "Won by then",
        "range_text": "Interval",
        "at_risk": "Watched",
    }
    dots = base.mark_point(size=60, opacity=0, filled=True).encode(
        y=y("share"), tooltip=[alt.Tooltip(field, title=title) for field, title in tips.items()]
    )
    return alt.layer(*layers, line, dots, *_ends(curve, rows, x, y, top, longest, knows)).properties(
        width=CURVE_WIDTH, height=CURVE_HEIGHT
    )


def _ends(curve: WinCurve, rows: pd.DataFrame, x: Any, y: Any, top: float, longest: float, knows: bool) -> list[Any]:
    """Write at each curve's end what it is and where it arrives; no two texts overlap."""
    import altair as alt

    last = rows.groupby("slice", sort=False).tail(1)
    ends = [
        (
            row["day"],
            row["share"],
            f"{words.shorten(row['slice'], 22) if curve.by else WON} {row['share_text']}",
            row["colour"],
        )
        for _, row in last.iterrows()
    ]
    if knows:
        row = last.iloc[0]
        above = f"{LOST} {words.say_value(row['lost'], 'share')}"
        ends.append((row["day"], row["share"] + row["lost"] / 2, above, LIGHT["grey"]))
        if row["open"] > 0.06:
            ends.append(
                (row["day"], 1 - row["open"] / 2, f"{OPEN} {words.say_value(row['open'], 'share')}", LIGHT["grey"])
            )
    across = [day / (longest * 1.02) * CURVE_WIDTH for day, *_ in ends]
    down = [(1 - share / top) * CURVE_HEIGHT for _, share, *_ in ends]
    widths = [measure_text(text, 12, weight=600) for _, _, text, _ in ends]
    far = [max(across)] * len(ends)
    places = place_labels(far, down, widths, gap=8, sides=("left",))
    layers = []
    for (day, share, text, colour), at, most, (dx, dy, side) in zip(ends, across, far, places, strict=True):
        one = alt.Chart(pd.DataFrame([{"day": day, "share": share, "text": text}]))
        mark = one.mark_text(align=side, dx=dx + most - at, dy=dy, fontSize=12, fontWeight=600, color=colour)
        layers.append(mark.encode(x=x, y=y("share"), text="text:N"))
    return layers


def _at_risk(curve: WinCurve, rows: pd.DataFrame, x_scale: Any, ages: list[int]) -> altair.LayerChart:
    import altair as alt

    colours = _colours(curve)
    table = curve.table[curve.table["day"].isin(ages)].assign(
        text=lambda frame: ["" if words.is_missing(n) else f"{int(n):,}" for n in frame["at_risk"]],
        colour=lambda frame: frame["slice"].map(colours) if curve.by else LIGHT["grey"],
        name=lambda frame: [words.shorten(name, 16) if curve.by else "still watched" for name in frame["slice"]],
    )
    x = alt.X(
        "day:Q",
        scale=x_scale,
        title=None if not curve.by else "how many of each were still open and watched",
        axis=alt.Axis(labels=False, grid=False, titleAnchor="start"),
    )
    days = pd.DataFrame({"day": ages, "text": [f"{age:,}" for age in ages], "name": "days", "colour": LIGHT["ink"]})
    table = pd.concat([days, table], ignore_index=True)
    order = list(dict.fromkeys(table["name"]))
    y = alt.Y("name:N", sort=order, title=None, axis=alt.Axis(labelFontSize=11, labelLimit=110, labelPadding=26))
    text = (
        alt.Chart(table).mark_text(fontSize=11).encode(x=x, y=y, text="text:N", color=alt.Color("colour:N", scale=None))
    )
    return alt.layer(text).properties(width=CURVE_WIDTH, height=alt.Step(ROW))


def _stack(lines: altair.LayerChart, beneath: altair.LayerChart) -> altair.VConcatChart:
    import altair as alt

    return alt.vconcat(lines, beneath, spacing=6).resolve_scale(x="independent", y="independent", color="independent")
