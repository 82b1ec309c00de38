"""Adoption reports: each list's way to zero as a small line, and by owner the share of records on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.present import words
from helpers.present.charts.canvas import measure_text
from helpers.present.display import Display, show_chart, show_message, show_table
from helpers.present.theme import LIGHT

if TYPE_CHECKING:
    import altair

    from helpers.analyses.adoption import Adoption, AdoptionList

PANEL_WIDTH, PANEL_HEIGHT, COLUMNS = 196, 74, 3
BAR_WIDTH, BAR = 300, 22
MOST_OWNERS, MOST_ROWS = 15, 200


def draw_adoption(adoption: Adoption, *, subtitle: str = "") -> Display:
    """Draw every list's count over the last Mondays; zero is the goal of each.

    Args:
        adoption: As made by ``list_adoption``.
        subtitle: Company, last day.

    Returns:
        A display; a message where no list can be told.
    """
    if not adoption.told:
        return show_message("empty", adoption.headline, "", _say_missing(adoption))
    import altair as alt

    panels = [_panel(one) for one in adoption.told]
    chart = alt.concat(*panels, columns=COLUMNS, spacing={"row": 22, "column": 56}).resolve_scale(
        x="shared", y="independent"
    )
    numbers = pd.DataFrame(
        {
            "report": [one.report.label for one in adoption.told],
            "n": [one.n for one in adoption.told],
            "among": [one.among for one in adoption.told],
            "share": [one.n / one.among if one.among else None for one in adoption.told],
            "first": [int(one.trend["n"].iloc[0]) if one.has_trend else None for one in adoption.told],
        }
    )
    first = next((one.trend["day"].iloc[0] for one in adoption.told if one.has_trend), None)
    since = f" each Monday since {words.say_date(first.date())} and on" if first is not None else " on"
    return show_chart(
        chart,
        title=adoption.headline,
        subtitle=f"Records on each list{since} {words.say_date(adoption.as_of)}; zero is the goal · {subtitle}".strip(
            " ·"
        ),
        numbers=numbers,
        units={"share": "share"},
        labels={"report": "List", "n": "Now", "among": "Of", "share": "Share", "first": "On the first Monday"},
        note="Each picture has its own scale, from zero. A lone dot: only today's count is known. Lists say how the "
        "process and the CRM work, not how a person does.",
        width=(PANEL_WIDTH + 56) * COLUMNS,
    )


def _panel(one: AdoptionList) -> altair.LayerChart:
    import altair as alt

    rows = one.trend
    is_better = one.n <= rows["n"].iloc[0]
    colour = LIGHT["good"] if one.n == 0 or (is_better and one.n < rows["n"].iloc[0]) else LIGHT["bad"]
    colour = colour if one.has_trend or one.n == 0 else LIGHT["grey"]
    top = max(float(rows["n"].max()), 1.0) * 1.25
    scale = alt.Scale(domain=[0, top], nice=False)
    y = alt.Y("n:Q", scale=scale, axis=alt.Axis(labels=False, grid=False, title=None))
    axis = alt.Axis(labels=False, grid=False, title=None)
    x = alt.X("day:T", axis=axis)
    base = alt.Chart(rows)
    zero = alt.Chart(pd.DataFrame({"n": [0]})).mark_rule(color=LIGHT["mid"]).encode(y=y)
    tips = [alt.Tooltip("day:T", title="Day", format="%d %b %Y"), alt.Tooltip("n:Q", title="On the list"),
            alt.Tooltip("among:Q", title="Of")]  # fmt: skip
    layers = [zero]
    if one.has_trend:
        layers.append(base.mark_line(color=LIGHT["mid"], strokeWidth=2).encode(x=x, y=y))
        is_below = rows["n"].iloc[:3].max() > rows["n"].iloc[0] > top * 0.25
        begun = alt.Chart(rows.head(1).assign(text=[f"{int(rows['n'].iloc[0]):,}"]))
        layers.append(
            begun.mark_text(align="left", dy=13 if is_below else -9, fontSize=11, color=LIGHT["grey"]).encode(
                x=x, y=y, text="text:N"
            )
        )
    last = alt.Chart(rows.tail(1).assign(text=[f"{one.n:,}"]))
    layers.append(last.mark_point(filled=True, size=60, color=colour, opacity=1).encode(x=x, y=y, tooltip=tips))
    layers.append(
        last.mark_text(align="left", dx=9, fontSize=14, fontWeight=600, color=colour).encode(x=x, y=y, text="text:N")
    )
    label = words.wrap_words(one.report.label, 26)
    under = f"of {one.among:,}" + ("" if one.has_trend else ", today only")
    title = alt.Title(
        label if len(label) > 1 else label[0], subtitle=under, anchor="start", fontSize=12, subtitleFontSize=11,
        fontWeight=600, lineHeight=15, offset=4, subtitleColor=LIGHT["grey"], color=LIGHT["ink"],
    )  # fmt: skip
    return alt.layer(*layers).properties(width=PANEL_WIDTH, height=PANEL_HEIGHT, title=title)


def draw_adoption_owners(one: AdoptionList | None, *, subtitle: str = "") -> Display:
    """Draw one list by owner: how many records, and which share of the owner's.

    Args:
        one: A list, as ``adoption.find`` or ``adoption.longest`` returns it.
        subtitle: Company, last day.
    """
    if one is None:
        return show_message("empty", "No list can be told from these exports")
    if not one.is_told:
        return show_message("empty", f"“{one.report.label}” can't be told", "", one.why_not)
    rows = one.owners[one.owners["n"] > 0]
    if rows.empty:
        return show_message("good", f"“{one.report.label}” is empty", f"{one.among:,} records are as wanted.")
    import altair as alt

    shown = rows.head(MOST_OWNERS)
    shown = shown.assign(
        owner=[words.shorten(name, 24) if name != "(blank)" else "no owner" for name in shown["slice"]],
        text=[f"{int(n):,}" for n in shown["n"]],
        rate=[
            f"{words.say_value(share, 'share')} of {int(among):,}" + (" · few" if small else "")
            for share, among, small in zip(shown["share"], shown["among"], shown["is_small"], strict=True)
        ],
        colour=[LIGHT["faint"] if small else LIGHT["bar"] for small in shown["is_small"]],
    )
    order = shown["owner"].tolist()
    high = float(shown["n"].max())
    rate_width = max(measure_text(text, 12) for text in shown["rate"]) + 60
    scale = alt.Scale(domain=[0, high * (BAR_WIDTH + rate_width) / BAR_WIDTH], nice=False)
    y = alt.Y("owner:N", sort=order, title=None, scale=alt.Scale(paddingInner=0.3))
    hidden = alt.Axis(labels=False, grid=False, title=None)
    base = alt.Chart(shown)
    x = alt.X("n:Q", scale=scale, axis=hidden)
    bars = base.mark_bar().encode(x=x, y=y, color=alt.Color("colour:N", scale=None))
    texts = base.mark_text(align="left", dx=5, fontWeight=600).encode(x=x, y=y, text="text:N")
    rates = base.mark_text(align="left", dx=44, color=LIGHT["grey"]).encode(x=x, y=y, text="rate:N")
    left = len(rows) - len(shown)
    more = f" {left} more owners have {int(rows['n'].iloc[MOST_OWNERS:].sum()):,} together." if left > 0 else ""
    return show_chart(
        alt.layer(bars, texts, rates).properties(width=BAR_WIDTH + rate_width, height=alt.Step(BAR)),
        title=_say_owners(one, rows),
        subtitle=f"Records on the list “{one.report.label}”, and their share of the owner's own · {subtitle}".strip(
            " ·"
        ),
        numbers=rows.head(MOST_OWNERS)[["slice", "n", "among", "share"]].reset_index(drop=True),
        units={"share": "share"},
        labels={"slice": "Owner", "n": "On the list", "among": "Of", "share": "Share"},
        note=f"Wanted: {one.report.wanted} {one.report.cure} Pale: few records, not to be compared.{more}",
        width=BAR_WIDTH + int(rate_width) + 120,
    )


def _say_owners(one: AdoptionList, rows: pd.DataFrame) -> str:
    """Say how the list lies over owners, of the process and not of a person."""
    total = words.count_of(one.n, one.report.object)
    blank = rows[rows["slice"] == "(blank)"]
    if len(blank) and blank["n"].iloc[0] * 2 >= one.n:
        return f"{one.report.label}: {int(blank['n'].iloc[0]):,} of {total} have no owner"
    if len(rows) == 1:
        return f"{one.report.label}: {total}, all in one hand"
    half = int((rows["n"].cumsum() < one.n / 2).sum()) + 1
    spread = "one owner has" if half == 1 else f"{half} of {len(rows)} owners have"
    return f"{one.report.label}: {total}, {spread} half of them"


def show_adoption_table(adoption: Adoption, *, subtitle: str = "") -> Display:
    """Show every list with its count, share and way; those that can't be told with their cure."""
    rows = []
    for one in adoption.lists:
        start = int(one.trend["n"].iloc[0]) if one.is_told and one.has_trend else None
        rows.append(
            {
                "list": one.report.label,
                "n": one.n if one.is_told else None,
                "among": one.among if one.is_told else None,
                "share": one.n / one.among if one.is_told and one.among else None,
                "start": start,
                "what_to_do": (one.report.cure if one.n else "Nothing") if one.is_told else one.why_not,
            }
        )
    frame = pd.DataFrame(rows).astype({"n": "Int64", "among": "Int64", "start": "Int64", "share": "float64"})
    weeks = max((len(one.trend) for one in adoption.told), default=1) - 1
    return show_table(
        frame,
        title=adoption.headline,
        subtitle=subtitle,
        units={"share": "share"},
        labels={"list": "List", "n": "Now", "among": "Of", "start": f"{weeks} Mondays ago"},
        max_rows=20,
        note="Where the number of earlier Mondays is missing, exports tell a field only as it is now.",
    )


def show_adoption_records(one: AdoptionList | None, *, subtitle: str = "") -> Display:
    """Show the records of one list, each with a link into the CRM."""
    if one is None:
        return show_message("empty", "No list can be told from these exports")
    if not one.is_told:
        return show_message("empty", f"“{one.report.label}” can't be told", "", one.why_not)
    if one.records.empty:
        return show_message("good", f"“{one.report.label}” is empty", f"{one.among:,} records are as wanted.")
    frame = one.records.drop(columns=["report", "label", "object"])
    kept = [name for name in frame if frame[name].notna().any() and not (frame[name].astype(str) == "").all()]
    left = len(frame) - MOST_ROWS
    note = f"The first {MOST_ROWS} of {len(frame):,} records; the file holds all of them." if left > 0 else ""
    return show_table(
        frame[kept].head(MOST_ROWS),
        title=f"{one.report.label}: {words.count_of(one.n, one.report.object)} to go through",
        subtitle=subtitle,
        labels={"link": "In the CRM", "created_on": "Created", "owner": "Owner today"},
        marks={"link": "link"} if "link" in kept else {},
        note=f"{one.report.cure} {one.note} {note}".strip(),
    )


def _say_missing(adoption: Adoption) -> str:
    first: Any = adoption.lists[0].why_not if adoption.lists else "No report is defined."
    return str(first)
