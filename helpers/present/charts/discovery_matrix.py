"""The KPI discovery matrix as a picture: primary KPIs across, fields by who, what, where and when, a light each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from helpers.present.display import Display, show_chart
from helpers.present.theme import LIGHT, find_light

COLUMN, ROW = 86, 26
LEFT = 150
ROWS_PER_QUESTION = 7
QUESTIONS = ("who", "what", "where", "when")
HALF = "M0,-1A1,1,0,0,0,0,1Z"
"""A half disc, left."""

PALE = 0.45
"""How strongly a cell is drawn that nobody needs."""

KPI_ROW = "The KPI itself"


@dataclass(frozen=True)
class MatrixRow:
    """One field down the matrix: what it is called, which question it answers, and whether it folds away at first."""

    dimension: str
    label: str
    question: str
    is_wanted: bool
    is_folded: bool


def draw_discovery_matrix(
    discovery: pd.DataFrame, *, primaries: Mapping[str, tuple[str, str]], title: str, subtitle: str = "", note: str = ""
) -> Display:
    """Draw the object matrix: under each primary KPI a light per field, with the share of records that carry it.

    Args:
        discovery: one row per KPI and per KPI × partition, as ``build_discovery`` returns them.
        primaries: KPI → its label and the object that carries it, in the order of the columns.
        title: the finding, in a sentence.
        subtitle: measure, day, n.
        note: what is said below how to read it.

    Returns:
        A display. Where an object neither carries a field nor should, the cell is empty. Beyond seven fields per
        question the rest is only in ``discovery.csv``.
    """
    import altair as alt

    heads = {kpi: f"{label}|{object}" for kpi, (label, object) in primaries.items()}
    cells, rows, n_hidden = _lay_out(discovery, list(primaries))
    cells = cells.assign(column=cells["kpi"].map(heads))
    width, height = COLUMN * len(heads), ROW * len(rows)
    x, y = _axes(list(heads.values()), rows)
    colours = ["available", "adoption_needed", "unavailable"]
    colour = alt.Color(
        "light:N",
        scale=alt.Scale(domain=colours, range=[LIGHT["good"], LIGHT["caution_text"], LIGHT["bad"]]),
        legend=None,
    )
    base = alt.Chart(cells).encode(opacity=alt.Opacity("strength:Q", scale=None, legend=None))
    rings = base.mark_point(size=110, filled=False, strokeWidth=1.8, xOffset=-16).encode(x=x, y=y, color=colour)
    cores = (
        base.transform_filter("datum.light !== 'unavailable'")
        .mark_point(size=110, filled=True, strokeWidth=0, xOffset=-16)
        .encode(
            x=x,
            y=y,
            color=colour,
            shape=alt.condition("datum.light === 'available'", alt.value("circle"), alt.value(HALF)),
        )
    )
    fills = base.mark_text(fontSize=11, dx=-4, align="left").encode(
        x=x, y=y, text="fill:N", color=alt.value(LIGHT["grey"]), opacity=alt.value(1)
    )
    judged = base.transform_filter("datum.decided_by !== ''").encode(x=x, y=y)
    mark = {"size": 34, "xOffset": 34, "color": LIGHT["accent"], "opacity": 1}
    confirmed = judged.transform_filter("datum.light === datum.suggested_light").mark_point(
        filled=False, strokeWidth=1.6, **mark
    )
    changed = judged.transform_filter("datum.light !== datum.suggested_light").mark_point(filled=True, **mark)
    chart = alt.layer(rings, cores, fills, confirmed, changed).properties(width=width, height=height)
    forms = ("full", "half", "empty")
    words = ", ".join(f"{form} {find_light(state).word}" for form, state in zip(forms, colours, strict=True))
    hidden = f" {n_hidden} more fields stand in discovery.csv." if n_hidden else ""
    dots = " Blue dots: hollow confirmed by a person, full set against the suggestion."
    said = dots if (cells["decided_by"] != "").any() else ""
    pale = " Pale: not asked for, so not counted." if (cells["strength"] < 1).any() else ""
    note = f"Circles: {words}; beside them the share of records that carry the field.{pale}{said}{hidden}{note}"
    numbers = cells[["row", "kpi", "light", "fill"]].assign(kpi=cells["kpi"].map(lambda kpi: primaries[kpi][0]))
    numbers = numbers.assign(light=_say_light(cells["light"]))
    if said:
        numbers = numbers.assign(decided_by=cells["decided_by"], suggested=_say_light(cells["suggested_light"]))
    labels = {"row": "Field", "kpi": "KPI", "light": "Light", "fill": "Filled"}
    labels |= {"decided_by": "Decided by", "suggested": "Suggested"}
    return show_chart(
        chart, title=title, subtitle=subtitle, numbers=numbers, labels=labels, note=note, width=LEFT + width
    )


def _say_light(states: pd.Series) -> pd.Series:
    return states.map(lambda state: find_light(state).word)


def _axes(heads: list[str], rows: list[str]) -> tuple[Any, Any]:
    """Return the columns, headed by KPI and object, and the rows, with the four questions as headings."""
    import altair as alt

    x = alt.X(
        "column:N",
        sort=heads,
        title=None,
        scale=alt.Scale(domain=heads),
        axis=alt.Axis(
            orient="top",
            labelExpr="split(datum.label, '|')",
            labelLimit=COLUMN + 8,
            labelPadding=20,
            labelOverlap=False,
        ),
    )
    is_head = " || ".join(f"datum.label === '{question.capitalize()}'" for question in QUESTIONS)
    y = alt.Y(
        "row:N",
        sort=rows,
        title=None,
        scale=alt.Scale(domain=rows),
        axis=alt.Axis(
            labelLimit=LEFT,
            labelAlign="left",
            labelPadding=LEFT,
            labelOverlap=False,
            labelFontWeight=alt.condition(is_head, alt.value("bold"), alt.value("normal")),
            labelColor=alt.condition(is_head, alt.value(LIGHT["accent"]), alt.value(LIGHT["ink"])),
        ),
    )
    return x, y


def list_rows(discovery: pd.DataFrame, kpis: Iterable[str], *, with_judged: bool = True) -> list[MatrixRow]:
    """List the matrix's fields in the order in which they are shown, by who, what, where and when.

    Args:
        discovery: one row per KPI and per KPI × partition.
        kpis: the columns shown.
        with_judged: whether a field that a person judged comes before those that nobody has looked at; a form keeps
            its rows where they are instead.

    Returns:
        One row per field: what is wanted (or judged) first, then what more KPIs carry; those beyond
        ``ROWS_PER_QUESTION`` are folded.
    """
    fields = discovery[discovery["kpi"].isin(list(kpis)) & (discovery["dimension"] != "")]
    fields = fields.assign(judged=with_judged & (fields["decided_by"] != ""), known=fields["n"].notna())
    rows = []
    for question in QUESTIONS:
        part = fields[fields["question"] == question]
        named = part.sort_values("known", ascending=False, kind="stable").groupby("dimension", sort=False)["label"]
        labels = named.first().to_dict()
        weight = part.groupby("dimension").agg(
            is_wanted=("is_wanted", "max"), judged=("judged", "max"), n=("kpi", "size"), label=("label", "first")
        )
        weight = weight.sort_values("label", kind="stable")
        ranked = weight.sort_values(["is_wanted", "judged", "n"], ascending=False, kind="stable")
        for place, (id, is_wanted) in enumerate(ranked["is_wanted"].items()):
            is_folded = place >= ROWS_PER_QUESTION
            rows.append(MatrixRow(str(id), str(labels[id]), question, bool(is_wanted), is_folded))
    return rows


def _lay_out(discovery: pd.DataFrame, kpis: list[str]) -> tuple[pd.DataFrame, list[str], int]:
    """Choose the cells shown and put their rows in order, each question under its heading."""
    shown = discovery[discovery["kpi"].isin(kpis)]
    listed = list_rows(discovery, kpis)
    kept = {row.dimension: row.label for row in listed if not row.is_folded}
    rows = [KPI_ROW]
    for question in QUESTIONS:
        labels = [row.label for row in listed if row.question == question and not row.is_folded]
        rows += [question.capitalize(), *labels] if labels else []
    own = shown[shown["dimension"] == ""].assign(row=KPI_ROW)
    fields = shown[shown["dimension"].isin(list(kept))]
    fields = fields.assign(row=fields["dimension"].map(kept))
    parts = [fields[fields["question"] == question] for question in QUESTIONS]
    cells = pd.concat([own, *parts], ignore_index=True)
    fills = [f"{value:.0%}".replace("%", " %") if value == value else "" for value in cells["fill_rate"]]
    strength = (cells["is_wanted"] | (cells["dimension"] == "")).map({True: 1.0, False: PALE})
    return cells.assign(fill=fills, strength=strength), rows, sum(row.is_folded for row in listed)
