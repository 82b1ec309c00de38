"""An editable grid: a real table of real inputs, so that keyboard and screen reader get everywhere.

The browser sends every edit as the whole list of rows. Should Python have changed rows meanwhile (another window of
the same person has saved), the two are merged cell by cell, so that neither side's edit is undone by the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import anywidget
import traitlets

from helpers.model.survey import SurveyField
from helpers.present.forms.grid_rows import merge_rows
from helpers.present.theme import LIGHTS, TEMPLATES

FORMS = TEMPLATES / "forms"
PARTS = ("grid_cells", "grid_table", "grid_edits", "grid")
"""The files of the browser's side, in the order in which they make one script."""

KINDS = {
    "long_text": "long_text",
    "number": "number",
    "currency": "number",
    "choice": "choice",
    "yes_no_unknown": "yes_no",
}
"""Type of a survey's field → kind of control in a grid; any other type is a text."""

UNITS = {"share": "%", "days": "days", "ratio": "×", "currency_per_day": "per day"}
LIGHT_CHOICES = tuple((id, LIGHTS[id].word) for id in ("available", "adoption_needed", "unavailable"))
FROM_PRIMARIES = "Name your primary KPIs and their cuts first; the rows then appear here"
SLOTS = 5
"""A ranked list of at most so many items shows all its places at once instead of a button that adds one."""

ITEM = "item"
"""The only column of a ranked list."""

_REMEMBERED = 32


class EditableGrid(anywidget.AnyWidget):
    """Rows that people type into, paste into, add, remove and put in order.

    Attributes:
        label: What the table is called; read aloud, not shown.
        columns: One dictionary per column: ``id``, ``label``, ``help``, ``example``, ``unit``, ``kind`` (text,
            long_text, number, choice, yes_no or light), ``choices`` ([id, label] pairs), ``suggestions``,
            ``is_fixed`` (nobody may type in it), ``is_required``, ``width`` in pixels (0 takes the kind's own). The
            first one names the row.
        rows: One dictionary per row: column id → text as typed or id as chosen. ``_group`` is the heading under
            which the row stands, ``_fixed`` says that the row and its name stay.
        faults: ``row`` (its place in ``rows``), ``column`` and ``message`` of what isn't allowed.
        can_add: Whether rows can be added.
        can_remove: Whether rows can be removed, preset ones excepted.
        can_reorder: Whether rows can be moved.
        is_ranked: Whether the order is the answer: rows are numbered.
        maximum_rows: How many rows there may be.
        add_label: What the button says that adds a row.
        empty_label: What is said where there is no row yet.
        is_disabled: Whether the grid is only read.
        edit: The browser's last edit: ``writer``, ``number`` and the ``revision`` that it knew.
        revision: How often Python has changed ``rows``.
        acknowledged: The last edit that Python has taken in: writer → number.
    """

    _esm = "\n".join((FORMS / f"{part}.js").read_text(encoding="utf-8") for part in PARTS)
    _css = FORMS / "grid.css"

    label = traitlets.Unicode("").tag(sync=True)
    columns = traitlets.List(traitlets.Dict()).tag(sync=True)
    rows = traitlets.List(traitlets.Dict()).tag(sync=True)
    faults = traitlets.List(traitlets.Dict()).tag(sync=True)
    can_add = traitlets.Bool(True).tag(sync=True)
    can_remove = traitlets.Bool(True).tag(sync=True)
    can_reorder = traitlets.Bool(True).tag(sync=True)
    is_ranked = traitlets.Bool(False).tag(sync=True)
    maximum_rows = traitlets.Int(60).tag(sync=True)
    add_label = traitlets.Unicode("Add row").tag(sync=True)
    empty_label = traitlets.Unicode("Nothing here yet").tag(sync=True)
    is_disabled = traitlets.Bool(False).tag(sync=True)
    edit = traitlets.Dict().tag(sync=True)
    revision = traitlets.Int(0).tag(sync=True)
    acknowledged = traitlets.Dict().tag(sync=True)

    def __init__(self, **kwargs: Any) -> None:
        self._received: list[dict[str, Any]] | None = None
        self._before: dict[int, list[dict[str, Any]]] = {}
        super().__init__(**kwargs)
        self.on_msg(self._take_again)

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take in what the browser sends; rows that Python has changed meanwhile are merged, not overwritten."""
        if "rows" not in sync_data:
            super().set_state(sync_data)
            return
        edit, typed = sync_data.get("edit") or {}, sync_data["rows"]
        merged = self._merge(typed, edit.get("revision", self.revision))
        if edit:
            self.acknowledged = {edit["writer"]: edit["number"]}
        self._received = merged
        try:
            super().set_state({**sync_data, "rows": merged})
        finally:
            self._received = None
        if merged != typed:
            self._count_revision(typed)
            self.send_state("rows")
        elif edit:
            self.send_state("acknowledged")

    def notify_change(self, change: Any) -> None:
        """Count changes of the rows that Python makes, before they are sent."""
        if change["name"] == "rows" and change["new"] != self._received:
            self._count_revision(change["old"])
        super().notify_change(change)

    def send_state(self, key: Any = None) -> None:
        """Send rows and faults together with what tells the browser which of its edits they already know."""
        names = {key} if isinstance(key, str) else set(key or ())
        super().send_state(names | {"revision", "acknowledged"} if names & {"rows", "faults"} else key)

    def _take_again(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """Take in an edit that the browser sends once more, having heard nothing; one that was taken already isn't."""
        if not isinstance(content, dict) or not {"rows", "edit"} <= content.keys():
            return
        edit = content["edit"]
        if self.acknowledged.get(edit["writer"], -1) < edit["number"]:
            self.set_state({"rows": content["rows"], "edit": edit})
        else:
            self.send_state("acknowledged")

    def _should_send_property(self, key: str, value: Any) -> bool:
        return key not in ("revision", "acknowledged") and super()._should_send_property(key, value)

    def _merge(self, typed: list[dict[str, Any]], known: int) -> list[dict[str, Any]]:
        if known >= self.revision or not self._before:
            return typed
        base = self._before.get(known + 1, self._before[min(self._before)])
        return merge_rows(base, typed, self.rows, key=self.columns[0]["id"] if self.columns else "")

    def _count_revision(self, before: Any) -> None:
        self.revision += 1
        self._before[self.revision] = list(before) if isinstance(before, list) else []
        for old in sorted(self._before)[:-_REMEMBERED]:
            del self._before[old]


def make_grid(field: SurveyField, *, currency: str = "USD") -> EditableGrid:
    """Make the grid of a survey's question: one of type ``grid``, or a ranked list.

    Args:
        field: The question.
        currency: ISO code shown in the head of columns that hold money.

    Returns:
        The grid with the rows that the question starts with; ``list_rows`` gives it an answer's rows.
    """
    if field.type == "ranked":
        few = field.maximum_items <= SLOTS
        column = {
            "id": ITEM,
            "label": field.short or field.label,
            "kind": "text",
            "example": _first_item(field.example),
        }
        return EditableGrid(
            label=field.label,
            columns=[make_column(column)],
            rows=list_rows(field, None),
            can_add=not few,
            can_remove=not few,
            is_ranked=True,
            maximum_rows=field.maximum_items,
            add_label="Add another",
        )
    columns = [_make_survey_column(column, currency) for column in field.columns]
    is_generated = field.rows_from == "secondaries"
    if is_generated:
        columns[0]["is_fixed"] = True
    noun = _name_row(field.columns[0].label)
    return EditableGrid(
        label=field.label,
        columns=columns,
        rows=list_rows(field, None),
        can_add=field.can_add_rows and not is_generated,
        can_remove=not is_generated,
        can_reorder=field.can_add_rows and not field.rows,
        maximum_rows=field.maximum_rows,
        add_label=f"Add {noun}",
        empty_label=FROM_PRIMARIES if is_generated else f"No {_many(noun)} yet",
    )


def make_column(column: Mapping[str, Any]) -> dict[str, Any]:
    """Complete a column's description with what it leaves out.

    >>> make_column({"id": "light", "kind": "light"})["choices"][1]
    ['adoption_needed', 'adoption needed']
    """
    kind = column.get("kind", "text")
    choices = column.get("choices") or (LIGHT_CHOICES if kind == "light" else ())
    full = {"label": column["id"], "help": "", "example": "", "unit": "", "kind": kind, "suggestions": []}
    full |= {"is_fixed": False, "is_required": False, "width": 0, **column}
    full["choices"] = [list(choice) for choice in choices]
    return full


def list_rows(field: SurveyField, raw: Any) -> list[dict[str, Any]]:
    """Lay out an answer as a grid's rows.

    Args:
        field: The question: a grid or a ranked list.
        raw: The answer as typed: a grid's list of dictionaries, a ranked list's list of texts; None for none yet.

    Returns:
        One dictionary per row. Preset rows come first, in their order and under their headings, whether answered or
        not; a ranked list of few items shows an empty row for each place left.
    """
    if field.type == "ranked":
        rows = [{ITEM: item} for item in _listed(raw)]
        missing = field.maximum_items - len(rows) if field.maximum_items <= SLOTS else 0
        return rows + [{ITEM: ""} for _ in range(missing)]
    answered = [dict(row) for row in _listed(raw) if isinstance(row, Mapping)]
    if field.rows_from == "secondaries":
        return [{**row, "_fixed": True, **({"_group": row["kpi"]} if row.get("kpi") else {})} for row in answered]
    preset = []
    for start in field.rows:
        name = str(start[field.key])
        same = next((row for row in answered if _folded(row.get(field.key)) == name.casefold()), None)
        if same is not None:
            answered.remove(same)
        group = {"_group": field.part_of[name]} if name in field.part_of else {}
        preset.append({**start, **(same or {}), field.key: name, "_fixed": True, **group})
    return preset + answered


def read_rows(field: SurveyField, rows: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Turn a grid's rows back into an answer as typed.

    Args:
        field: The question: a grid or a ranked list.
        rows: The grid's rows.

    Returns:
        For a ranked list its texts, empty places left out. For a grid one dictionary per row *in the same places*, so
        that the row of a fault is the row of the grid: without headings, empty cells and unknown columns; empty where
        nothing is typed, or nothing but a preset name.
    """
    if field.type == "ranked":
        return [row[ITEM] for row in rows if _folded(row.get(ITEM))]
    known = [column.id for column in field.columns]
    answer = []
    for row in rows:
        kept = {id: row[id] for id in known if id in row and row[id] is not None and str(row[id]).strip() != ""}
        answer.append({} if row.get("_fixed") and set(kept) <= {field.key} else kept)
    return answer


def _make_survey_column(column: SurveyField, currency: str) -> dict[str, Any]:
    return make_column(
        {
            "id": column.id,
            "label": column.label,
            "help": column.help,
            "example": column.example,
            "unit": currency if column.type == "currency" else UNITS.get(column.unit, ""),
            "kind": KINDS.get(column.type, "text"),
            "choices": list(column.allowed.items()),
            "suggestions": list(column.suggestions),
            "is_required": column.required,
        }
    )


def _listed(raw: Any) -> list[Any]:
    if raw is None or raw == "":
        return []
    return list(raw) if isinstance(raw, list | tuple) else [raw]


def _folded(value: Any) -> str:
    return "" if value is None else str(value).strip().casefold()


def _first_item(example: str) -> str:
    """Take the first item of an example such as ``1. Win the US  2. Halve churn``."""
    return example.split("  ")[0].removeprefix("1.").strip()


def _name_row(label: str) -> str:
    """Say what a row is, from the label of the column that names it: ``Deal stage`` → ``deal stage``."""
    words = label.rstrip("?. ").split()
    return " ".join(word if word[1:].lower() != word[1:] else word.lower() for word in words) or "row"


def _many(noun: str) -> str:
    return f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else f"{noun}s"
