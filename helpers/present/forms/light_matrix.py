"""The light matrix: primary KPIs across, fields down, a light in every cell that can be opened and set with the keys.

No library offers such a grid that can be read aloud and used without a mouse, so it is a control of our own: a table
of buttons. It only shows what it is handed and says what was asked for; nothing is decided or kept here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import anywidget
import pandas as pd
from traitlets import Bool, Dict, List, Unicode

from helpers.analyses.discovery_review import DiscoveryReview
from helpers.present import theme, words
from helpers.present.charts.discovery_matrix import KPI_ROW, MatrixRow, list_rows
from helpers.units import in_sentence

COPY_WORDS = {
    "exists": "is there",
    "followed": "followed by this workbook, not in the CRM",
    "wanted": "wanted",
    "not_wanted": "not wanted",
    "impossible": "can't be told from these exports",
}


class LightMatrix(anywidget.AnyWidget):
    """The matrix as a control.

    Attributes:
        label: What a screen reader calls the whole.
        columns: One record per primary KPI: id, label, object.
        rows: One record per field: id (empty for the KPI itself), label, question (empty for the KPI itself),
            is_wanted, is_folded.
        cells: Per row a list with one record per column: light, fill (the share in words), mark (empty, confirmed or
            changed), words (the cell read aloud); None where there is nothing to judge.
        arrows: Copies between objects; see ``describe_arrows``.
        selected: The open cell as ``{"row": id, "column": id}``; empty where none is.
        asked: The latest light asked for by a key: row, column, light and a running number.
        opened_copy: The id of the arrow that was opened last, followed by ``#`` and a running number.
        legend: One record per light: id, word.
        is_disabled: Whether nothing can be decided; cells can still be opened.
    """

    _esm = theme.TEMPLATES / "forms" / "light_matrix.js"
    _css = theme.TEMPLATES / "forms" / "light_matrix.css"

    label = Unicode("KPI discovery matrix").tag(sync=True)
    columns = List().tag(sync=True)
    rows = List().tag(sync=True)
    cells = List().tag(sync=True)
    arrows = List().tag(sync=True)
    selected = Dict().tag(sync=True)
    asked = Dict().tag(sync=True)
    opened_copy = Unicode().tag(sync=True)
    legend = List().tag(sync=True)
    is_disabled = Bool(False).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        lights = ("available", "adoption_needed", "unavailable")
        self._facts: Any = None
        self._rows: list[MatrixRow] = []
        super().__init__(legend=[{"id": id, "word": theme.find_light(id).word} for id in lights], **traits)

    def show(self, review: DiscoveryReview) -> None:
        """Show a review; what stays the same is left alone, so that focus and place survive."""
        columns = describe_columns(review)
        if self._facts is not review.facts:
            self._facts = review.facts
            self._rows = list_rows(review.facts.matrix, [column["id"] for column in columns], with_judged=False)
        rows = self._rows
        shown = {
            "columns": columns,
            "rows": describe_rows(rows),
            "cells": describe_cells(review, rows),
            "arrows": describe_arrows(review),
        }
        with self.hold_sync():
            for name, value in shown.items():
                if getattr(self, name) != value:
                    setattr(self, name, value)


def describe_columns(review: DiscoveryReview) -> list[dict[str, str]]:
    """Describe the columns: the primary KPIs in order, with the object that carries each."""
    return [{"id": kpi, "label": label, "object": object} for kpi, (label, object) in review.primaries.items()]


def describe_rows(rows: Iterable[MatrixRow]) -> list[dict[str, Any]]:
    """Describe the rows: the KPI itself, then every field by its question."""
    own = {"id": "", "label": KPI_ROW, "question": "", "is_wanted": True, "is_folded": False}
    fields = [
        {
            "id": row.dimension,
            "label": words.clean_text(row.label),
            "question": row.question,
            "is_wanted": row.is_wanted,
            "is_folded": row.is_folded,
        }
        for row in rows
    ]
    return [own, *fields]


def describe_cells(review: DiscoveryReview, rows: Iterable[MatrixRow]) -> list[list[dict[str, str] | None]]:
    """Describe the cells, row by row in the order of the columns; None where there is nothing to judge."""
    known = {(row["kpi"], row["dimension"]): row for row in review.matrix.to_dict("records")}
    ids = ["", *(row.dimension for row in rows)]
    cells: list[list[dict[str, str] | None]] = []
    for id in ids:
        line = [(known.get((kpi, id)), label) for kpi, (label, _) in review.primaries.items()]
        cells.append([describe_cell(cell, label) if cell else None for cell, label in line])
    return cells


def describe_cell(cell: Mapping[Any, Any], kpi: str) -> dict[str, str]:
    """Describe one cell: its light, how far the field is filled, who decided, and all of it in words."""
    fill = "" if words.is_missing(cell["fill_rate"]) else words.say_value(cell["fill_rate"], "share")
    said = [theme.find_light(cell["light"]).word]
    if fill:
        said.append(f"filled for {fill}")
    mark = ""
    if cell["decided_by"]:
        mark = "confirmed" if cell["light"] == cell["suggested_light"] else "changed"
        said.append(f"decided by {words.clean_text(cell['decided_by'])}")
        if mark == "changed":
            said.append(f"the CRM suggests {theme.find_light(cell['suggested_light']).word}")
    else:
        said.append("suggested")
    return {
        "light": str(cell["light"]),
        "fill": fill,
        "mark": mark,
        "words": f"{name_cell(cell, kpi)}: {', '.join(said)}",
    }


def name_cell(cell: Mapping[Any, Any], kpi: str) -> str:
    """Name a cell as a secondary KPI is named; the KPI alone where it is judged as such.

    >>> name_cell({"dimension": "source", "label": "Source"}, "Opportunities")
    'Opportunities by source'
    """
    if not cell["dimension"]:
        return kpi
    return f"{kpi} by {in_sentence(words.clean_text(cell['label']))}"


def describe_arrows(review: DiscoveryReview) -> list[dict[str, Any]]:
    """Describe the copies as arrows between the columns of two objects.

    Returns:
        One record per copy that at least one column is a part of: id, row, state, count (short), words, ``start`` and
        ``end`` in columns from the left edge (0), origin (the object that has no column of its own, else empty), and
        ``lane``, counted from 0, so that arrows of one row don't run over each other.
    """
    objects = [object for _, object in review.primaries.values()]
    arrows: list[dict[str, Any]] = []
    for copy in review.copies.to_dict("records"):
        span = _find_span(objects, copy["from_object"], copy["to_object"])
        if span is None:
            continue
        key = (copy["dimension"], copy["from_object"], copy["to_object"])
        state = str(copy["decided"] or copy["state"])
        start, end = span
        low, high = min(span), max(span)
        beside = [a for a in arrows if a["row"] == copy["dimension"] and a["high"] > low and a["low"] < high]
        lane = next(lane for lane in range(len(beside) + 1) if lane not in {a["lane"] for a in beside})
        arrows.append(
            {
                "id": "|".join(key),
                "row": copy["dimension"],
                "state": state,
                "count": count_copy(copy, state),
                "words": say_copy(copy, state),
                "origin": "" if copy["from_object"] in objects else str(copy["from_object"]),
                **{"start": start, "end": end, "low": low, "high": high, "lane": lane},
            }
        )
    return arrows


def count_copy(copy: Mapping[Any, Any], state: str) -> str:
    """Say in a word or a number what a copy would fill."""
    if state == "exists":
        return "is there"
    n = copy["n_fillable"]
    return "can't tell" if words.is_missing(n) else f"{int(n):,}"


def say_copy(copy: Mapping[Any, Any], state: str) -> str:
    """Say in a sentence what is copied where, what was decided, and how many records it would fill."""
    field = in_sentence(words.clean_text(copy["label"]))
    said = f"Copy {field} from {copy['from_object']} to {copy['to_object']}: {COPY_WORDS[state]}"
    if state != copy["state"] and copy["state"] == "followed":
        said += ", followed by this workbook until then" if state == "wanted" else ""
    n, of = copy["n_fillable"], copy["n_records"]
    if state == "exists" or words.is_missing(n) or words.is_missing(of):
        return said
    return f"{said}; would fill {int(n):,} of {words.count_of(int(of), str(copy['to_object']))}"


def _find_span(objects: list[str], source: str, target: str) -> tuple[float, float] | None:
    """Find where an arrow starts and ends, in columns from the left edge, at the columns of the two that are nearest.

    >>> _find_span(["contact", "contact", "deal", "deal"], "contact", "deal")
    (1.5, 2.5)
    >>> _find_span(["contact", "deal"], "company", "deal")
    (0.0, 1.5)
    """
    first, last = ([place for place, object in enumerate(objects) if object == name] for name in (source, target))
    if not first and not last:
        return None
    if not first:
        return 0.0, last[0] + 0.5
    if not last:
        return first[0] + 0.5, 0.0
    pairs = [(abs(left - right), left, right) for left in first for right in last]
    _, left, right = min(pairs)
    return left + 0.5, right + 0.5


def find_cell(matrix: pd.DataFrame, kpi: str, dimension: str) -> dict[Any, Any] | None:
    """Return the row of the matrix behind one cell; None where there is none."""
    rows = matrix[(matrix["kpi"] == kpi) & (matrix["dimension"] == dimension)]
    return rows.iloc[0].to_dict() if len(rows) else None
