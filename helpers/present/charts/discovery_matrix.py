"""The KPI discovery matrix as a picture: primary KPIs across, fields by who, what, where and when, a light each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from helpers.present.display import Display, show_chart
from helpers.present.theme import LIGHT, find_light

COLUMN, ROW = 84, 26
LEFT = 170
ROWS_PER_QUESTION = 7
QUESTIONS = ("who", "what", "where", "when")
HALF = "M0,-1A1,1,0,0,0,0,1Z"
"""A half disc, left."""

KPI_ROW = "The KPI itself"


def draw_discovery_matrix(
    discovery: pd.DataFrame, *, primaries: Mapping[str, tuple[str, str]], title: str, subtitle: str = ""
) -> Display:
    """Draw the object matrix: under each primary KPI a light per field, with the share of records that carry it.

    Args:
        discovery: one row per KPI and per KPI × partition, as ``build_discovery`` returns them.
        primaries: KPI → its label and the object that carries it, in the order of the columns.
        title: the finding, in a sentence.
        subtitle: measure, day, n.

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
    base = alt.Chart(cells)
    rings = base.mark_point(size=110, filled=False, strokeWidth=1.8, xOffset=-16).encode(x=x, y=y, color=colour)
    cores = (
        base.transform_filter("datum.light !== 'unavailable'")
        .mark_point(size=110, filled=True, opacity=1, strokeWidth=0, xOffset=-16)
        .encode(
            x=x,
            y=y,
            color=colour,
            shape=alt.condition("datum.light === 'available'", alt.value("circle"), alt.value(HALF)),
        )
    )
    fills = base.mark_text(fontSize=11, dx=-4, align="left").encode(
        x=x, y=y, text="fill:N", color=alt.value(LIGHT["grey"])
    )
    chart = alt.layer(rings, cores, fills).properties(width=width, height=height)
    forms = ("full", "half", "empty")
    words = ", ".join(f"{form} {find_light(state).word}" for form, state in zip(forms, colours, strict=True))
    hidden = f" {n_hidden} more fields stand in discovery.csv." if n_hidden else ""
    note = f"Circles: {words}; beside them the share of records that carry the field.{hidden}"
    numbers = cells[["row", "kpi", "light", "fill"]].assign(kpi=cells["kpi"].map(lambda kpi: primaries[kpi][0]))
    numbers = numbers.assign(light=numbers["light"].map(lambda state: find_light(state).word))
    labels = {"row": "Field", "kpi": "KPI", "light": "Light", "fill": "Filled"}
    return show_chart(
        chart, title=title, subtitle=subtitle, numbers=numbers, labels=labels, note=note, width=LEFT + width
    )


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
            labelPadding=12,
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
            labelPadding=10,
            labelOverlap=False,
            labelFontWeight=alt.condition(is_head, alt.value("bold"), alt.value("normal")),
            labelColor=alt.condition(is_head, alt.value(LIGHT["accent"]), alt.value(LIGHT["ink"])),
        ),
    )
    return x, y


def _lay_out(discovery: pd.DataFrame, kpis: list[str]) -> tuple[pd.DataFrame, list[str], int]:
    """Choose the fields shown and put them in order: what is wanted or was judged first, then what more KPIs carry."""
    shown = discovery[discovery["kpi"].isin(kpis)]
    own = shown[shown["dimension"] == ""].assign(row=KPI_ROW)
    fields = shown[shown["dimension"] != ""]
    parts, rows, n_hidden = [own], [KPI_ROW], 0
    for question in QUESTIONS:
        part = fields[fields["question"] == question]
        weight = part.groupby("label").agg(
            is_wanted=("is_wanted", "max"), judged=("decided_by", lambda names: (names != "").any()), n=("kpi", "size")
        )
        ranked = weight.sort_values(["is_wanted", "judged", "n"], ascending=False, kind="stable").index.tolist()
        n_hidden += max(len(ranked) - ROWS_PER_QUESTION, 0)
        kept = ranked[:ROWS_PER_QUESTION]
        if kept:
            rows += [question.capitalize(), *kept]
            parts.append(part[part["label"].isin(kept)].assign(row=part["label"]))
    cells = pd.concat(parts, ignore_index=True)
    fills = [f"{value:.0%}".replace("%", " %") if value == value else "" for value in cells["fill_rate"]]
    return cells.assign(fill=fills), rows, n_hidden
