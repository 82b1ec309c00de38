"""The secondary KPIs by name: what people say can be tracked, beside the light; each opens its cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ipywidgets import HTML, Box, Button, VBox

from helpers.present import words
from helpers.present.forms.row_list import RowList
from helpers.present.tables import light_html

HEAD = (
    '<div class="columns head"><span>People say: trackable today?</span><span>Light</span>'
    "<span>What the light rests on</span></div>"
)


class SecondaryRow:
    """One secondary KPI: a button that opens its cell, and what is said of it."""

    def __init__(self, key: Any, open_cell: Callable[[str, str], None]) -> None:
        self.kpi, self.dimension, name = key
        self.button = Button(description=words.clean_text(name), tooltip=words.clean_text(name)).add_class("opens")
        self.told = HTML()
        self.widget = Box([self.button, self.told]).add_class("row").add_class("secondary")
        self.button.disabled = not self.kpi
        self.button.on_click(lambda _: open_cell(self.kpi, self.dimension))


class SecondaryList:
    """The generated list, primary KPI by primary KPI.

    Args:
        open_cell: Called with the KPI and the partition of the row that was chosen.
    """

    def __init__(self, open_cell: Callable[[str, str], None]) -> None:
        self._shown: Sequence[Mapping[Any, Any]] = ()
        self._chosen = ("", "")
        self.rows: RowList[SecondaryRow] = RowList(
            lambda key: SecondaryRow(key, open_cell), lambda row: row.widget, refill=self._fill, longest=24
        )
        self.head = HTML()
        columns = Box([HTML("<span>Secondary KPI</span>").add_class("opens"), HTML(HEAD)])
        columns.add_class("row").add_class("secondary").add_class("head")
        self.widget = VBox([self.head, columns, self.rows.widget]).add_class("pane")

    def show(self, secondaries: Sequence[Mapping[Any, Any]], *, chosen: tuple[str, str] = ("", "")) -> None:
        """Show the list.

        Args:
            secondaries: One record per secondary KPI, as ``list_secondaries`` tells them.
            chosen: KPI and partition of the cell that is open.
        """
        self._shown, self._chosen = secondaries, chosen
        green = sum(row["light"] == "available" for row in secondaries)
        named = "named" if any(row["n_yes"] or row["n_no"] or row["n_unknown"] for row in secondaries) else "usual"
        surprises = sum(bool(row["surprise"]) for row in secondaries)
        said = f"; people and CRM contradict each other on {surprises}" if surprises else ""
        title = f"{green} of {words.count_of(len(secondaries), f'{named} secondary KPI')} can be tracked today{said}"
        self.head.value = (
            f'<p class="title">{words.prose_html(title)}</p><p class="subtitle">Every primary KPI times every cut that '
            "the survey names; choose one to judge it.</p>"
        )
        self._fill()

    def _fill(self) -> None:
        by_key = {(row["kpi"], row["dimension"], row["secondary"]): row for row in self._shown}
        for key, row in self.rows.arrange(by_key):
            told = told_html(by_key[key])
            if row.told.value != told:
                row.told.value = told
            is_chosen = key[:2] == self._chosen and bool(key[0])
            row.widget.add_class("is-chosen") if is_chosen else row.widget.remove_class("is-chosen")


def told_html(row: Mapping[Any, Any]) -> str:
    """Write what people say, the light, and what it rests on."""
    counts = ((row["n_yes"], "yes"), (row["n_no"], "no"), (row["n_unknown"], "don't know"))
    said = " · ".join(f"{n} {word}" for n, word in counts if n) or "no answer yet"
    surprise = f' <span class="surprise">{words.prose_html(row["surprise"])}</span>' if row["surprise"] else ""
    rests = row["reason"]
    if row["decided_by"]:
        note = words.clean_text(row["note"]).rstrip(".")
        rests = f"{note or 'Decided'} ({words.clean_text(row['decided_by'])})."
    light = light_html(row["light"]) if row["light"] != "none" else '<span class="missing">–</span>'
    return (
        f'<div class="columns"><span>{words.prose_html(said)}{surprise}</span><span>{light}</span>'
        f"<span>{words.prose_html(rests)}</span></div>"
    )
