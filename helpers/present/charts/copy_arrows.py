"""Fields to copy between objects as a picture: an arrow from object to object with the records it would fill."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from helpers.present import words
from helpers.present.display import Display, show_chart
from helpers.present.theme import LIGHT

FUNNEL = ("company", "session", "contact", "deal", "customer")
"""The objects from left to right; any other stands before them."""

STATES = {
    "wanted": "wanted",
    "followed": "not in the CRM, followed here",
    "exists": "is there",
    "not_wanted": "not wanted",
    "impossible": "can't be counted",
}
"""How the state of a copy is told beside its arrow, in the order of the rows."""

LEFT, STEP, RIGHT, ROW, EDGE = 132, 134, 252, 54, 30
REASON = 42
"""Characters of a reason's line."""


def draw_copy_arrows(copies: pd.DataFrame, *, title: str, subtitle: str = "", note: str = "") -> Display:
    """Draw every copy as an arrow between the objects, what is wanted first.

    Args:
        copies: one row per copy, as ``list_copies`` returns them; not changed.
        title: the finding, in a sentence.
        subtitle: measure, day, n.
        note: how to read it.

    Returns:
        A display: wanted solid in blue, what exists or is followed grey (dashed where the CRM itself lacks it), what is
        not wanted pale and crossed out, what can't be counted dotted.
    """
    objects = _order_objects(copies)
    rows = _lay_out(copies, objects)
    width = STEP * (len(objects) - 1) + 2 * EDGE + RIGHT
    return show_chart(
        _draw(rows, objects, width),
        title=title,
        subtitle=subtitle,
        numbers=_numbers(rows),
        units={"n_missing": "count", "n_fillable": "count"},
        labels=LABELS,
        note=note,
        width=LEFT + width,
    )


def _draw(rows: pd.DataFrame, objects: list[str], width: int) -> Any:
    import altair as alt

    domain = [-EDGE / STEP, (width - EDGE) / STEP]
    names = " : ".join(f"datum.value === {place} ? {json.dumps(name)}" for place, name in enumerate(objects))
    heads = alt.Axis(
        orient="top",
        values=list(range(len(objects))),
        labelExpr=f"{names} : ''",
        labelFontSize=13,
        labelColor=LIGHT["ink"],
        labelPadding=8,
        grid=True,
        gridColor=LIGHT["rule"],
    )
    x_of = alt.Scale(domain=domain, nice=False, zero=False)
    x = alt.X("start:Q", scale=x_of, axis=heads, title=None)
    y = alt.Y("row:N", sort=rows["row"].tolist(), title=None, axis=_row_axis())
    colour = alt.Color("colour:N", scale=None)
    base = alt.Chart(rows).encode(y=y)
    line = {"strokeWidth": 2.5}
    shown = [
        base.transform_filter(f"datum.dash === '{kind}'")
        .mark_rule(**line, **({"strokeDash": dash} if dash else {}))
        .encode(x=x, x2="tip:Q", color=colour)
        for kind, dash in (("solid", None), ("dashed", [6, 4]), ("dotted", [2, 4]))
    ]
    starts = base.mark_point(filled=True, size=70, opacity=1).encode(x=x, color=colour)
    heads_of = [
        base.transform_filter(f"datum.way === '{way}'")
        .mark_point(shape=f"triangle-{way}", filled=True, size=170, opacity=1)
        .encode(x=alt.X("tip:Q", scale=x_of), color=colour)
        for way in ("left", "right")
    ]
    crosses = (
        base.transform_filter("datum.is_refused")
        .mark_point(shape="cross", angle=45, filled=True, size=100, opacity=1, color=LIGHT["mid"])
        .encode(x=alt.X("middle:Q", scale=x_of))
    )
    counts = base.mark_text(dy=-13, fontSize=12, fontWeight=600).encode(
        x=alt.X("middle:Q", scale=x_of), text="count:N", color=alt.Color("ink:N", scale=None)
    )
    beside = base.mark_text(align="left", dy=-9, fontSize=12, fontWeight=600).encode(
        x=alt.value(width - RIGHT + 16), text="state:N", color=alt.Color("ink:N", scale=None)
    )
    why = base.mark_text(align="left", dy=7, fontSize=11, lineHeight=13, color=LIGHT["grey"]).encode(
        x=alt.value(width - RIGHT + 16), text="why:N"
    )
    chart = alt.layer(*shown, starts, *heads_of, crosses, counts, beside, why)
    return chart.properties(width=width, height=ROW * len(rows))


LABELS = {
    "label": "Field",
    "copied": "From → to",
    "state": "State",
    "n_missing": "Without it",
    "n_fillable": "Would be filled",
    "reason": "Why",
}


def _row_axis() -> Any:
    import altair as alt

    return alt.Axis(
        labelExpr="slice(datum.label, 4)",
        labelLimit=LEFT,
        labelPadding=LEFT,
        labelAlign="left",
        labelOverlap=False,
    )


def _order_objects(copies: pd.DataFrame) -> list[str]:
    """Put the objects that a copy begins or ends on in the order of the funnel."""
    found = dict.fromkeys([*copies["from_object"], *copies["to_object"]])
    others = [name for name in found if name not in FUNNEL]
    return [*others, *(name for name in FUNNEL if name in found)]


def _lay_out(copies: pd.DataFrame, objects: list[str]) -> pd.DataFrame:
    """Say of each copy where its arrow runs, how it is drawn, and what stands beside it; what is wanted first."""
    places = {name: place for place, name in enumerate(objects)}
    shown = copies.assign(
        look=[decided or state for decided, state in zip(copies["decided"], copies["state"], strict=True)]
    )
    order = shown["look"].map(list(STATES).index)
    shown = shown.assign(order=order, n=-shown["n_fillable"].astype("float64").fillna(-1))
    rows = []
    for place, row in enumerate(shown.sort_values(["order", "n"], kind="stable").to_dict("records")):
        start, end = places[row["from_object"]], places[row["to_object"]]
        way = 1 if end > start else -1
        look = row["look"]
        n, of = row["n_fillable"], row["n_records"]
        counted = look != "exists" and not words.is_missing(n)
        of_all = not words.is_missing(of) and not words.is_missing(n) and int(of) == int(n)
        count = f"all {words.count_of(int(n), row['to_object'])}" if of_all else ""
        reason = str(row["reason"])
        rows.append(
            {
                **{name: row[name] for name in ("label", "n_missing", "n_fillable")},
                "row": f"{place:03d} {words.shorten(row['label'], 22)}",
                "copied": f"{row['from_object'].capitalize()} → {row['to_object']}",
                "start": start,
                "tip": end - 0.07 * way,
                "middle": (start + end) / 2,
                "way": "right" if way > 0 else "left",
                "dash": {"followed": "dashed", "impossible": "dotted"}.get(look, "solid"),
                "is_refused": look == "not_wanted",
                "colour": COLOURS.get(look, LIGHT["mid"]),
                "ink": LIGHT["accent"] if look == "wanted" else LIGHT["grey"],
                "count": (count or words.count_of(int(n), row["to_object"])) if counted else "",
                "state": STATES[look] + (", followed here until then" if _is_followed(row) else ""),
                "reason": f"{reason[:1].upper()}{reason[1:]}",
                "why": words.wrap_words(words.shorten(f"{reason[:1].upper()}{reason[1:]}", 2 * REASON - 4), REASON),
            }
        )
    return pd.DataFrame(rows)


def _is_followed(row: Any) -> bool:
    return row["decided"] == "wanted" and row["state"] == "followed"


COLOURS = {"wanted": LIGHT["accent"], "not_wanted": LIGHT["faint"], "impossible": LIGHT["bar"]}
"""State → colour of its arrow; grey otherwise."""


def _numbers(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[["label", "copied", "state", "n_missing", "n_fillable", "reason"]]
