"""A list of form rows that keep their place and their focus while what they show changes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, Generic, TypeVar

from ipywidgets import Button, VBox, Widget

Row = TypeVar("Row")


class RowList(Generic[Row]):
    """Rows by key: made once, shown anew when something changed, folded beyond the first few.

    Args:
        make: Makes the row of a key.
        place: Returns the widget of a row.
        refill: Called when more or fewer rows are to be shown.
        longest: Rows before the rest folds under "show all".
    """

    def __init__(
        self,
        make: Callable[[Any], Row],
        place: Callable[[Row], Widget],
        *,
        refill: Callable[[], None],
        longest: int = 12,
    ) -> None:
        self._make, self._place, self._refill, self.longest = make, place, refill, longest
        self._rows: dict[Hashable, Row] = {}
        self._keys: list[Hashable] = []
        self.is_open = False
        self.more = Button().add_class("quiet")
        self.more.on_click(lambda _: self._toggle())
        self.widget = VBox().add_class("row-list")

    def arrange(self, keys: Iterable[Hashable]) -> list[tuple[Hashable, Row]]:
        """Put the rows of these keys in order, making those that are new.

        Returns:
            The rows that are shown, each with its key, to be filled.
        """
        self._keys = list(keys)
        shown = self._keys if self.is_open else self._keys[: self.longest]
        rows = [(key, self._rows.get(key) or self._rows.setdefault(key, self._make(key))) for key in shown]
        self.more.description = "Show fewer" if self.is_open else f"Show all {len(self._keys)}"
        children = [self._place(row) for _, row in rows]
        if len(self._keys) > self.longest:
            children.append(self.more)
        if list(self.widget.children) != children:
            self.widget.children = tuple(children)
        return rows

    @property
    def rows(self) -> list[Row]:
        """Every row made so far."""
        return list(self._rows.values())

    def _toggle(self) -> None:
        self.is_open = not self.is_open
        self._refill()
