"""Adoption reports: each list's way to zero as a small line, and by owner the share of records on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from helpers.present import words
from helpers.present.charts.canvas import measure_text
from helpers.present.charts.footnote import show_chart_with_footnote
from helpers.present.display import Display, show_message, show_table
from helpers.present.records_view import fold_constants, place_links
from helpers.present.theme import LIGHT

if TYPE_CHECKING:
    import altair

    from helpers.analyses.adoption import Adoption, AdoptionList

PANEL_WIDTH, PANEL_HEIGHT, COLUMNS = 196, 74, 3
BAR_WIDTH, BAR = 300, 22
MOST_OWNERS, MOST_ROWS = 15, 200
BLANK = "(blank)"
"""How analyses name what has no value."""


def draw_adoption(adoption: Adoption, *, subtitle: str = "") -> Display:
    """Draw every list's count over the last Mondays; zero is the goal of each.

    Args:
        adoption: As made by ``list_adoption``.
        subtitle: Company, last day.

    Returns:
        A display; bars where only today's counts are known, a message where no list can be told or none holds a record.
    """
    untold = len(adoption.lists) - len(adoption.told)
    if not adoption.told:
        return show_message("empty", adoption.headline, _say_untold(untold, len(adoption.lists)))
    has_trend = any(one.has_trend for one in adoption.told)
    if not has_trend and adoption.to_go_through is None:
        return show_message("good", adoption.headline, _say_untold(untold, len(adoption.lists)))
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
    how = ["Lists say how the process and the CRM work, not how a person does."]
    if has_trend:
        how.insert(0, "Each picture has its own scale, from zero.")
    if has_trend and not all(one.has_trend for one in adoption.told):
        how.insert(1, "A lone dot: only today's count is known.")
    return show_chart_with_footnote(
        _panels(adoption) if has_trend else _bars(adoption),
        title=adoption.headline,
        subtitle=f"Records on each list{since} {words.say_date(adoption.as_of)}; zero is the goal · {subtitle}".strip(
            " ·"
        ),
        numbers=numbers if has_trend else numbers.drop(columns="first"),
        units={"share": "share"},
        labels={"report": "List", "n": "Now", "among": "Of", "share": "Share", "first": "On the first Monday"},
        note=" ".join(how),
        width=(PANEL_WIDTH + 56) * COLUMNS,
    )


def _say_untold(untold: int, total: int) -> str:
    if untold == total:
        return "The table says what each of them takes."
    return f"{untold} more can't be told from these exports; the table says what each takes." if untold else ""


def _panels(adoption: Adoption) -> altair.ConcatChart:
    import altair as alt

    panels = [_panel(one) for one in adoption.told]
    return alt.concat(*panels, columns=COLUMNS, spacing={"row": 22, "column": 56}).resolve_scale(
        x="shared", y="independent"
    )


def _bars(adoption: Adoption) -> altair.LayerChart:
    """Draw today's counts, the longest list first: without earlier Mondays there is no line to follow."""
    rows = pd.DataFrame(
        {
            "list": [words.shorten(one.report.label, 44) for one in adoption.told],
            "n": [one.n for one in adoption.told],
            "text": [f"{one.n:,}" for one in adoption.told],
            "rate": [f"{words.say_value(one.n / one.among, 'share')} of {one.among:,}" for one in adoption.told],
            "colour": [LIGHT["good"] if one.n == 0 else LIGHT["bar"] for one in adoption.told],
        }
    )
    return _count_bars(rows, "list")


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


def draw_adoption_owners(one: AdoptionList | None, *, subtitle: str = "") -> Display | None:
    """Draw one list by owner: how many records, and which share of the owner's.

    Args:
        one: A list, as ``adoption.find`` or ``adoption.to_go_through`` returns it.
        subtitle: Company, last day.

    Returns:
        A display; None where there is no list to go through.
    """
    if one is None:
        return None
    if not one.is_told:
        return show_message("empty", f"“{one.report.label}” can't be told", "", one.why_not)
    rows = one.owners[one.owners["n"] > 0]
    if rows.empty:
        return show_message("good", f"“{one.report.label}” is empty", f"{one.among:,} records are as wanted.")
    shown = rows.head(MOST_OWNERS)
    shown = shown.assign(
        owner=[words.shorten(_name_owner(name), 24) for name in shown["slice"]],
        text=[f"{int(n):,}" for n in shown["n"]],
        rate=[
            f"{words.say_value(share, 'share')} of {int(among):,}" + (" · few" if small else "")
            for share, among, small in zip(shown["share"], shown["among"], shown["is_small"], strict=True)
        ],
        colour=[
            LIGHT["accent"] if name == BLANK and _is_mostly_blank(one, rows) else LIGHT["faint" if small else "bar"]
            for name, small in zip(shown["slice"], shown["is_small"], strict=True)
        ],
    )
    left = len(rows) - len(shown)
    more = f" {left} more owners have {int(rows['n'].iloc[MOST_OWNERS:].sum()):,} together." if left > 0 else ""
    few = " Pale: few records, not to be compared." if shown["is_small"].any() else ""
    return show_chart_with_footnote(
        _count_bars(shown, "owner"),
        title=_say_owners(one, rows),
        subtitle=f"Records on the list “{one.report.label}”, and their share of the owner's own · {subtitle}".strip(
            " ·"
        ),
        numbers=rows.head(MOST_OWNERS)[["slice", "n", "among", "share"]].reset_index(drop=True),
        units={"share": "share"},
        labels={"slice": "Owner", "n": "On the list", "among": "Of", "share": "Share"},
        note=f"Wanted: {one.report.wanted} {one.report.cure}{few}{more}",
        width=BAR_WIDTH + 260,
    )


def _count_bars(rows: pd.DataFrame, name: str) -> altair.LayerChart:
    """Draw counts as bars, each with its share of what it could be."""
    import altair as alt

    high = float(rows["n"].max())
    count_width = max(measure_text(text, 13, weight=600) for text in rows["text"]) + 14
    rate_width = count_width + max(measure_text(text, 12) for text in rows["rate"]) + 12
    scale = alt.Scale(domain=[0, high * (BAR_WIDTH + rate_width) / BAR_WIDTH], nice=False)
    y = alt.Y(
        f"{name}:N",
        sort=rows[name].tolist(),
        title=None,
        scale=alt.Scale(paddingInner=0.3),
        axis=alt.Axis(labelLimit=300),
    )
    hidden = alt.Axis(labels=False, grid=False, title=None)
    base = alt.Chart(rows)
    x = alt.X("n:Q", scale=scale, axis=hidden)
    bars = base.mark_bar().encode(x=x, y=y, color=alt.Color("colour:N", scale=None))
    texts = base.mark_text(align="left", dx=5, fontWeight=600).encode(x=x, y=y, text="text:N")
    rates = base.mark_text(align="left", dx=count_width, color=LIGHT["grey"]).encode(x=x, y=y, text="rate:N")
    return alt.layer(bars, texts, rates).properties(width=BAR_WIDTH + rate_width, height=alt.Step(BAR))


def _name_owner(name: str) -> str:
    return "no owner" if name == BLANK else name


def _is_mostly_blank(one: AdoptionList, rows: pd.DataFrame) -> bool:
    return bool(rows.loc[rows["slice"] == BLANK, "n"].sum() * 2 >= one.n)


def _say_owners(one: AdoptionList, rows: pd.DataFrame) -> str:
    """Say how the list lies over owners, of the process and not of a person."""
    total = words.count_of(one.n, one.report.object)
    if _is_mostly_blank(one, rows):
        blank = int(rows.loc[rows["slice"] == BLANK, "n"].iloc[0])
        return f"{one.report.label}: {blank:,} of {total} {'has' if blank == 1 else 'have'} no owner"
    if len(rows) == 1:
        return f"{one.report.label}: {total}, all in one hand"
    half = int((rows["n"].cumsum() < one.n / 2).sum()) + 1
    spread = "one owner has" if half == 1 else f"{half} of {len(rows)} owners have"
    return f"{one.report.label}: {total}, {spread} half of them"


def show_adoption_table(adoption: Adoption, *, subtitle: str = "") -> Display:
    """Show every list with its count, share and way and what to do; those that can't be told stand together by cure."""
    told = [
        {
            "list": one.report.label,
            "n": one.n,
            "among": one.among,
            "share": one.n / one.among if one.among else None,
            "start": int(one.trend["n"].iloc[0]) if one.has_trend else None,
            "what_to_do": one.report.cure if one.n else "Nothing",
        }
        for one in adoption.told
    ]
    untold = adoption.unavailable.groupby("what_to_do", sort=False)["report"].agg(" · ".join)
    rows = [*told, *({"list": names, "what_to_do": cure} for cure, names in untold.items())]
    frame = pd.DataFrame(rows, columns=["list", "n", "among", "share", "start", "what_to_do"])
    frame = frame.astype({"n": "Int64", "among": "Int64", "start": "Int64", "share": "float64"})
    has_trend, has_all = frame["start"].notna().any(), all(one.has_trend for one in adoption.told)
    unknown = [] if told else ["n", "among", "share"]
    frame = frame.drop(columns=unknown if has_trend else [*unknown, "start"])
    weeks = max((len(one.trend) for one in adoption.told), default=1) - 1
    gone = "Where the number of earlier Mondays is missing, exports tell a field only as it is now."
    return show_table(
        frame,
        title=_say_todo(adoption),
        subtitle=subtitle,
        units={"share": "share"},
        labels={"list": "List", "n": "Now", "among": "Of", "start": f"{weeks} Mondays ago"},
        max_rows=20,
        note=gone if has_trend and not has_all else "",
    )


def _say_todo(adoption: Adoption) -> str:
    """Say how many lists there is something to do about, and how many wait for a field."""
    full, untold = sum(one.n > 0 for one in adoption.told), len(adoption.lists) - len(adoption.told)
    lists = words.count_of(len(adoption.lists), "list")
    takes = f"{untold} {'takes' if untold == 1 else 'take'} what the exports don't hold yet"
    if not adoption.told:
        return f"What each of the {lists} takes before it can be told"
    todo = f"There is something to do about {full} of {lists}" if full else f"Nothing is left to do on {lists}"
    if not full and untold:
        todo = f"Nothing is left to do on {len(adoption.told)} of {lists}"
    return f"{todo}; {takes}" if untold else todo


def show_adoption_records(one: AdoptionList | None, *, subtitle: str = "") -> Display | None:
    """Show the records of one list, each leading into the CRM; None where there is none to go through."""
    if one is None or not one.is_told or one.records.empty:
        return None
    frame = one.records.drop(columns=["report", "label", "object"])
    frame["owner"] = frame["owner"].map(_name_owner, na_action="ignore")
    labels = {"created_on": "Created", "owner": "Owner today", "name": "Name", "why": "Why"}
    frame, same = fold_constants(frame, labels)
    frame, marks = place_links(frame)
    left = len(frame) - MOST_ROWS
    note = f"The first {MOST_ROWS} of {len(frame):,} records; the file holds all of them." if left > 0 else ""
    return show_table(
        frame.head(MOST_ROWS),
        title=f"{one.report.label}: {words.count_of(one.n, one.report.object)} to go through",
        subtitle=" · ".join(part for part in (same, subtitle) if part),
        labels=labels,
        marks=marks,
        note=f"{one.report.cure} {one.note} {note}".strip(),
    )
