"""What was typed into tables while nobody listened: kept in the browser until it lies on disk, laid back afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import anywidget
from traitlets import Dict, Unicode

from helpers.present.forms.grid import EditableGrid
from helpers.present.forms.grid_rows import merge_rows
from helpers.present.forms.style import FOLDER

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Clash:
    """A cell that was typed into while the line was cut, and that somebody else has changed meanwhile.

    Attributes:
        row: The row as it stands now.
        column: The cell's column.
        mine: The text typed here.
    """

    row: Row
    column: str
    mine: str


class GridCopy(anywidget.AnyWidget):
    """Stand unseen in a form of tables and see to it that a lost connection loses no text.

    The browser keeps what is typed until it is told that it is saved. What a page left when it was cut off comes back
    as typing, over what others have saved meanwhile; cells that they changed too stay theirs and are told.

    Args:
        owner: Whose tables of which company these are.
        grids: Name → table.
        on_left: Takes the rows of a table as they are to be, and the cells that others changed too.
        on_place: Is told where in the form the person was.
    """

    _esm = FOLDER / "grid_copy.js"
    owner = Unicode(help="Whose tables these are, without saying the name.").tag(sync=True)
    watched = Dict(help="Table's name → its model's id.").tag(sync=True)
    place = Unicode(help="Where in the form somebody is.").tag(sync=True)

    def __init__(
        self,
        owner: str,
        grids: Mapping[str, EditableGrid],
        *,
        on_left: Callable[[str, list[dict[str, Any]], list[Clash]], None],
        on_place: Callable[[str], None],
    ) -> None:
        super().__init__(owner=hashlib.sha256(owner.encode()).hexdigest()[:24])
        self._grids, self._on_left, self._on_place = dict(grids), on_left, on_place
        self.watched = {name: grid.model_id for name, grid in grids.items()}
        self.on_msg(self._hear)

    def confirm(self, *names: str) -> None:
        """Tell the browser that everything that it has sent of these tables lies on disk."""
        self.send({"saved": {name: max(self._grids[name].acknowledged.values(), default=0) for name in names}})

    def _hear(self, _widget: Any, content: Any, _buffers: Any) -> None:
        if not isinstance(content, Mapping):
            return
        if isinstance(content.get("place"), str):
            self._on_place(content["place"])
        left = content.get("restore")
        for name, entry in left.items() if isinstance(left, Mapping) else ():
            if name in self._grids and isinstance(entry, Mapping):
                self._restore(name, entry)

    def _restore(self, name: str, entry: Mapping[str, Any]) -> None:
        if isinstance(entry.get("place"), str):
            self._on_place(entry["place"])  # the same table can hold other rows elsewhere
        grid = self._grids[name]
        base, mine = (_read_rows(entry.get(part)) for part in ("base", "mine"))
        if not mine and not base:
            return
        rows, clashes = lay_back(base, mine, grid.rows)
        if rows != grid.rows or clashes:
            self._on_left(name, rows, clashes)
        self.confirm(name)


def _read_rows(rows: Any) -> list[dict[str, Any]]:
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def lay_back(
    base: Sequence[Row], mine: Sequence[Row], now: Sequence[Row], *, key: str = "_id"
) -> tuple[list[dict[str, Any]], list[Clash]]:
    """Lay what was typed over rows as they are now.

    Args:
        base: The rows before they were typed into.
        mine: As typed.
        now: As they are now.
        key: What names a row; where rows have none, their places do.

    Returns:
        The rows as they are to be, and the cells that were changed on both sides: those stay as they are now.

    >>> base, mine = [{"_id": "a", "x": "1", "y": "1"}], [{"_id": "a", "x": "2", "y": "2"}]
    >>> lay_back(base, mine, [{"_id": "a", "x": "1", "y": "3"}])
    ([{'_id': 'a', 'x': '2', 'y': '3'}], [Clash(row={'_id': 'a', 'x': '2', 'y': '3'}, column='y', mine='2')])
    """
    rows, clashes = [], []
    before, current = ({row[key]: row for row in part if row.get(key)} for part in (base, now))
    for row in merge_rows(base, mine, now, key=key):
        first, theirs = before.get(row.get(key)), current.get(row.get(key))
        if first is not None and theirs is not None:
            both = [
                column
                for column, text in row.items()
                if theirs.get(column) != first.get(column) and theirs.get(column) != text
            ]
            typed = {column: row[column] for column in both}
            row = {**row, **{column: theirs.get(column) for column in both}}
            clashes += [Clash(row, column, str(text or "")) for column, text in typed.items()]
        rows.append(row)
    return rows, clashes
