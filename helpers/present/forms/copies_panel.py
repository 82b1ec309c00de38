"""Which fields are copied between objects: what the exports show, and what people decide for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from ipywidgets import HTML, Box, Button, Dropdown, HBox, Text, ToggleButtons, VBox

from helpers.answers.discovery import CopyDecision
from helpers.present import words
from helpers.present.forms.light_matrix import COPY_WORDS
from helpers.present.forms.row_list import RowList

CHOICES = [("Wanted", "wanted"), ("Is there", "exists"), ("Not wanted", "not_wanted")]

Key = tuple[str, str, str]
"""Partition, the object it comes from, and the object it is copied to."""


class CopyRow:
    """One copy: what it is, three choices, and why."""

    def __init__(self, key: Key, decide: Callable[[Key, str, str], None]) -> None:
        self.key, self._decide, self._is_filling = key, decide, False
        self.told = HTML().add_class("told")
        self.state = ToggleButtons(options=CHOICES, value=None).add_class("choices")
        self.note = Text(placeholder="Why (optional)", continuous_update=False).add_class("short-note")
        self.take_back = Button(description="Take the decision back").add_class("quiet")
        self.take_back.on_click(lambda _: self._decide(self.key, "", ""))
        choose = VBox([self.state, self.note, HBox([self.take_back]).add_class("actions")]).add_class("choose")
        self.widget = Box([self.told, choose]).add_class("row")
        self.state.observe(self._on_change, names="value")
        self.note.observe(self._on_change, names="value")

    def show(self, copy: Mapping[Any, Any], decided: CopyDecision | None) -> None:
        """Show the copy and what was decided about it."""
        self._is_filling = True
        self.told.value = copy_html(copy)
        self.state.value = decided.state if decided else None
        self.note.value = decided.note if decided else ""
        self.take_back.layout.display = "" if decided else "none"
        self._is_filling = False

    def _on_change(self, _: Any) -> None:
        if not self._is_filling and self.state.value:
            self._decide(self.key, self.state.value, self.note.value.strip())


class CopiesPanel:
    """Every copy with its decision, and a line to add one that is not listed.

    Args:
        decide: Called with the copy, the state chosen and the note; an empty state takes a decision back.
    """

    def __init__(self, decide: Callable[[Key, str, str], None]) -> None:
        self._decide = decide
        self._shown: tuple[Sequence[Mapping[Any, Any]], Mapping[Key, CopyDecision]] = ((), {})
        self.rows: RowList[CopyRow] = RowList(
            lambda key: CopyRow(key, decide), lambda row: row.widget, refill=lambda: self._fill(*self._shown)
        )
        self.field = Dropdown(options=[("Field", "")]).add_class("pick")
        self.source = Dropdown(options=[("from", "")]).add_class("pick")
        self.target = Dropdown(options=[("to", "")]).add_class("pick")
        self.add = Button(description="Add as wanted").add_class("quiet")
        self.add.on_click(lambda _: self._on_add())
        self.problem = HTML()
        adding = HBox([HTML('<span class="label">Another copy</span>'), self.field, self.source, self.target, self.add])
        parts = [HTML(INTRODUCTION), self.rows.widget, adding.add_class("adding"), self.problem]
        self.widget = VBox(parts).add_class("pane").add_class("copies-pane")

    def show(
        self,
        copies: Sequence[Mapping[Any, Any]],
        decided: Mapping[Key, CopyDecision],
        *,
        fields: Mapping[str, str],
        objects: Sequence[str],
    ) -> None:
        """Show the copies.

        Args:
            copies: One record per copy, as ``list_copies`` tells them.
            decided: What people decided, by copy.
            fields: Partition → its label, for adding one.
            objects: The objects that a field can be copied between.
        """
        self._fill(copies, decided)
        named = [("Field", ""), *((label, id) for id, label in fields.items())]
        if list(self.field.options) != named:
            self.field.options = named
        for control, word in ((self.source, "from"), (self.target, "to")):
            listed = [(word, ""), *((object, object) for object in objects)]
            if list(control.options) != listed:
                control.options = listed

    def _fill(self, copies: Sequence[Mapping[Any, Any]], decided: Mapping[Key, CopyDecision]) -> None:
        self._shown = (copies, decided)
        by_key = {(copy["dimension"], copy["from_object"], copy["to_object"]): copy for copy in copies}
        for key, row in self.rows.arrange(by_key):
            row.show(by_key[key], decided.get(key))

    def set_disabled(self, is_disabled: bool) -> None:
        """Let nothing be decided."""
        for row in self.rows.rows:
            row.state.disabled = row.note.disabled = row.take_back.disabled = is_disabled
        self.add.disabled = is_disabled

    def _on_add(self) -> None:
        key = (self.field.value, self.source.value, self.target.value)
        fault = "" if all(key) else "Choose a field, where it comes from and where it goes."
        if not fault and key[1] == key[2]:
            fault = "A field is copied from one object to another: choose two."
        self.problem.value = f'<p class="fault">{fault}</p>' if fault else ""
        if not fault:
            self._decide(key, "wanted", "")
            self.field.value = self.source.value = self.target.value = ""


INTRODUCTION = (
    '<p class="title">Which fields should the CRM copy from one object to another?</p>'
    '<p class="subtitle">A field that lives on one object alone breaks the way from the first visit to revenue.</p>'
)


def copy_html(copy: Mapping[Any, Any]) -> str:
    """Write what a copy is, what the exports show of it, and how many records it would fill."""
    way = f"{copy['from_object']} → {copy['to_object']}"
    n, of = copy["n_fillable"], copy["n_records"]
    gauge, count = "", "The exports don't hold both ends, so nothing can be counted."
    if not words.is_missing(n) and not words.is_missing(of):
        width = 100 * int(n) / int(of) if int(of) else 0
        gauge = f'<span class="bar share" aria-hidden="true"><i style="width:{width:.1f}%"></i></span>'
        count = f"would fill {int(n):,} of {words.count_of(int(of), str(copy['to_object']))}"
    reason = str(copy["reason"])
    found = copy["state"] if copy["decided"] in ("", "wanted") else ""
    told = f"Now: {COPY_WORDS[found]}." if found in ("followed", "exists") else ""
    line = " ".join(part for part in (reason[:1].upper() + reason[1:] + "." if reason else "", told) if part)
    return (
        f'<p class="name">{escape(words.clean_text(copy["label"]))} <span class="way">{escape(way)}</span></p>'
        f'<p class="count">{gauge}{words.prose_html(count)}</p><p class="note">{words.prose_html(line)}</p>'
    )
