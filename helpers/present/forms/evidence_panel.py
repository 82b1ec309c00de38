"""The panel beside the light matrix: what the CRM says of one cell, and the light that people give it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd
from ipywidgets import HTML, Box, Button, Checkbox, HBox, Textarea, ToggleButtons, VBox

from helpers.present import theme, words
from helpers.present.cards import message_html
from helpers.present.discovery_view import say_month, say_owners
from helpers.present.forms.light_matrix import name_cell
from helpers.present.tables import light_html

LIGHTS = ("available", "adoption_needed", "unavailable")
MOST_OWNERS = 8
"""So many owners are listed, those who fill the field least."""

NOTE_NEEDED = "Say in the note why you see it otherwise than the CRM; then override."

EMPTY = (
    '<div class="evidence-empty"><p class="title">Open a cell to see what the CRM says of it</p>'
    '<p class="note">Then confirm the suggested light, or override it with a note.</p></div>'
)

Decide = Callable[..., None]
"""Called with what was decided, and whether it holds for every KPI of the object."""


class EvidencePanel:
    """What is known of one cell, and the controls that decide it.

    Args:
        judge: Called with ``light``, ``note`` and ``everywhere`` when somebody confirms or overrides.
        withdraw: Called with ``everywhere`` when somebody goes back to the suggestion.
        next_cell: Called when somebody wants the next cell that nobody has decided.
    """

    def __init__(self, *, judge: Decide, withdraw: Decide, next_cell: Callable[[], None]) -> None:
        self._judge, self._withdraw, self._next = judge, withdraw, next_cell
        self.cell: Mapping[Any, Any] | None = None
        self._drafts: dict[tuple[Any, Any], tuple[str | None, str]] = {}
        self._is_filling = False
        self.head = HTML(EMPTY).add_class("evidence-head")
        self.figures, self.owners = HTML(), HTML()
        evidence = VBox([self.figures, self.owners]).add_class("evidence-figures")
        self.lights = ToggleButtons(options=_light_options(), value=None).add_class("lights")
        self.note = Textarea(placeholder="Why? Needed to override the CRM's suggestion", rows=2).add_class("why")
        self.everywhere = Checkbox(value=False, indent=False).add_class("everywhere")
        self.decide = Button(description="Confirm suggestion").add_class("primary").add_class("decides")
        self.back = Button(description="Back to the suggestion").add_class("quiet")
        self.next = Button(description="Next undecided").add_class("quiet")
        self.said = HTML().add_class("said")
        self.message = HTML().add_class("message-line")
        self.choices = HBox().add_class("actions")
        self.actions = HBox([self.decide, self.back, self.next]).add_class("actions")
        self.controls = VBox(
            [
                HTML('<p class="label">Your judgement</p>'),
                self.lights,
                self.note,
                self.everywhere,
                self.actions,
                self.said,
                self.message,
                self.choices,
            ]
        ).add_class("evidence-controls")
        self.widget = Box([self.head, evidence, self.controls]).add_class("evidence")
        self.lights.observe(self._on_choice, names="value")
        self.note.observe(self._on_choice, names="value")
        self.decide.on_click(lambda _: self.press())
        self.back.on_click(lambda _: self._withdraw(everywhere=self.is_everywhere))
        self.next.on_click(lambda _: self._next())
        self.show(None)

    def show(
        self,
        cell: Mapping[Any, Any] | None,
        *,
        kpi: str = "",
        siblings: Sequence[str] = (),
        quarter: str = "",
        saved: str = "",
        owners: pd.DataFrame | None = None,
    ) -> None:
        """Show a cell as it is now, with the judgement that stands.

        Args:
            cell: The matrix's row; None where none is open.
            kpi: What its KPI is called.
            siblings: The other KPIs of the same object, for which the same judgement may be meant.
            quarter: When the judgement that stands was made.
            saved: What to say of the latest save.
            owners: How far each owner fills the field, as ``measure_owners`` tells it; None leaves them as shown.
        """
        self._keep_draft(cell)
        self.cell = cell
        self.widget.add_class("is-empty") if cell is None else self.widget.remove_class("is-empty")
        self.say()
        if cell is None:
            self.head.value, self.figures.value, self.owners.value = EMPTY, "", ""
            return
        self._is_filling = True
        self.head.value = head_html(cell, kpi)
        self.figures.value = evidence_html(cell)
        if owners is not None:
            self.owners.value = owners_html(owners)
        self.lights.value = str(cell["light"])
        self.note.value = str(cell["note"])
        self.everywhere.layout.display = "" if siblings and cell["dimension"] else "none"
        if siblings:
            self.everywhere.description = f"The same for {words.join_words(siblings)}"
        when = f", {words.clean_text(quarter)}" if quarter else ""
        by = words.clean_text(cell["decided_by"])
        parts = [f"Decided by {by}{when}" if by else "", saved if by else f"{saved[:1].upper()}{saved[1:]}"]
        self.said.value = f'<p class="note" role="status">{words.prose_html(" · ".join(filter(None, parts)))}</p>'
        self.back.layout.display = "" if by else "none"
        if draft := self._drafts.get(_key(cell)):
            self.lights.value, self.note.value = draft
            self._hint("Your choice here is not saved yet.")
        self._is_filling = False
        self._word_button()

    def _keep_draft(self, following: Mapping[Any, Any] | None) -> None:
        """Keep what was chosen and typed but not decided, for when somebody comes back to the cell."""
        if self.cell is None:
            return
        self._drafts.pop(_key(self.cell), None)
        if self.is_touched and (following is None or _key(following) != _key(self.cell)):
            self._drafts[_key(self.cell)] = (self.lights.value, self.note.value)

    @property
    def is_touched(self) -> bool:
        """Whether something was chosen or typed that has not been decided yet."""
        if self.cell is None:
            return False
        return self.lights.value != self.cell["light"] or self.note.value.strip() != str(self.cell["note"]).strip()

    @property
    def is_everywhere(self) -> bool:
        """Whether the decision holds for every KPI of the object."""
        return bool(self.everywhere.value) and self.everywhere.layout.display != "none"

    @property
    def is_override(self) -> bool:
        """Whether the chosen light is another than the suggested one."""
        return self.cell is not None and self.lights.value != self.cell["suggested_light"]

    def propose(self, light: str) -> None:
        """Take a light asked for by a key: at once where it is the suggestion or has its note, else the note first."""
        if self.cell is None or light not in LIGHTS:
            return
        had = self.lights.value
        self.lights.value = light
        if self.is_override and (not self.note.value.strip() or light != had):
            self._hint(NOTE_NEEDED)
            self.note.focus()
            return
        self.press()

    def take(self, cell: str, light: str, note: str) -> None:
        """Take what the browser saw when the button was pressed, as long as it is about the cell that is open."""
        if self.cell is None or cell != name_key(self.cell) or light not in LIGHTS or self.lights.disabled:
            return
        self.lights.value, self.note.value = light, note
        self.press()

    def press(self) -> None:
        """Decide: confirm the suggestion, or override it where a note says why."""
        if self.cell is None or self.lights.value is None:
            return
        if self.is_override and not self.note.value.strip():
            self._hint(NOTE_NEEDED)
            self.note.focus()
            return
        self.say()
        self._judge(light=self.lights.value, note=self.note.value.strip(), everywhere=self.is_everywhere)

    def say(self, kind: str = "", title: str = "", text: str = "", *, choices: Sequence[Button] = ()) -> None:
        """Show a message below the buttons, with what can be chosen; without a kind the message goes away."""
        self.message.value = message_html(kind, title, text) if kind else ""
        self.choices.children = tuple(choices)
        self.actions.layout.display = "none" if choices else ""

    def _hint(self, text: str) -> None:
        self.message.value, self.choices.children = f'<p class="fault" role="alert">{text}</p>', ()

    def set_disabled(self, is_disabled: bool) -> None:
        """Let nothing be decided, while the evidence can still be read."""
        for control in (self.lights, self.note, self.everywhere, self.back):
            control.disabled = is_disabled
        self._word_button()

    def _on_choice(self, _: Any) -> None:
        if not self._is_filling:
            self._word_button()

    def _word_button(self) -> None:
        is_done = self.cell is not None and bool(self.cell["decided_by"]) and not self.is_touched
        self.decide.description = "Decided" if is_done else "Override" if self.is_override else "Confirm suggestion"
        self.decide.disabled = is_done or self.lights.disabled


def head_html(cell: Mapping[Any, Any], kpi: str) -> str:
    """Write what the cell is, the suggested light, why, and what would help."""
    name, key = words.prose_html(name_cell(cell, kpi)), escape(name_key(cell), quote=True)
    title = f'<p class="title" data-cell="{key}">{name}</p>'
    suggested = light_html(cell["suggested_light"])
    cure = f'<p class="cure"><b>What would help</b> {words.prose_html(cell["cure"])}</p>' if cell["cure"] else ""
    return (
        f'{title}<p class="subtitle">{words.prose_html(say_place(cell))}</p>'
        f'<div class="suggested"><p class="label">The CRM suggests</p><p class="big">{suggested}</p>'
        f"<p>{words.prose_html(cell['reason'])}</p>{cure}</div>"
    )


def say_place(cell: Mapping[Any, Any]) -> str:
    """Say which field of which object a cell is about, and whether it counts."""
    if not cell["dimension"]:
        return "Whether the number itself can be told; not counted in the coverage score"
    field = words.clean_text(cell["label"])
    place = f"{field} on the {cell['object']}" if cell["object"] else field
    known = {
        "entry": "known when the record enters",
        "during": "known while it is worked on",
        "outcome": "known only with the outcome",
    }
    parts = [place, known.get(str(cell["known"]), ""), "" if cell["is_wanted"] else "not counted in the coverage score"]
    return ", ".join(part for part in parts if part)


def evidence_html(cell: Mapping[Any, Any]) -> str:
    """Write the CRM's evidence as a small table of figures, each with its bar and what it rests on."""
    if words.is_missing(cell["fill_rate"]):
        if not cell["dimension"]:
            return ""
        return '<p class="note">The exports hold nothing to measure here.</p>'
    n, recent = _count(cell["n"]), _count(cell["n_90d"])
    lately = "" if words.is_missing(cell["fill_rate_90d"]) else recent
    rows = [
        _share("Filled", cell["fill_rate"], n),
        _share("Filled, last 90 days", cell["fill_rate_90d"], lately or "no records"),
        _share("Lowest by owner", cell["fill_rate_worst_owner"], say_owners(cell) or "no owner with enough records"),
        _share("Unknown values", cell["unknown_share"], "other, unknown", is_bad=True),
        _share("Contradictions", cell["conflicts"], "contact against deal", is_bad=True),
        _figure("Distinct values", words.say_value(cell["n_values"]), ""),
        _figure("Filled since", say_month(cell["filled_since"]), ""),
    ]
    return f"<table><caption>The CRM's evidence</caption><tbody>{''.join(rows)}</tbody></table>"


def name_key(cell: Mapping[Any, Any]) -> str:
    """Return what a page calls a cell."""
    return f"{cell['kpi']}|{cell['dimension']}"


def owners_html(owners: pd.DataFrame) -> str:
    """Write how far each owner fills the field, folded, the lowest first."""
    if owners.empty:
        return ""
    shown = owners.head(MOST_OWNERS)
    rows = [
        _share(
            words.clean_text(row["owner"]), row["fill_rate"], _count(row["n"]) + (", few" if row["is_small"] else "")
        )
        for row in shown.to_dict("records")
    ]
    more = len(owners) - len(shown)
    rest = f'<p class="note">and {words.count_of(more, "owner")} more</p>' if more else ""
    table = f"<table><tbody>{''.join(rows)}</tbody></table>"
    return f'<details class="more"><summary>By owner ({len(owners)})</summary>{table}{rest}</details>'


def _key(cell: Mapping[Any, Any]) -> tuple[Any, Any]:
    return cell["kpi"], cell["dimension"]


def _share(label: str, value: Any, of: str, *, is_bad: bool = False) -> str:
    if words.is_missing(value):
        return _figure(label, "–", of if label.startswith(("Filled", "Lowest")) else "no linked pairs")
    width = min(1.0, max(0.0, float(value))) * 100
    kind = "bar share bad" if is_bad else "bar share"
    bar = f'<span class="{kind}" aria-hidden="true"><i style="width:{width:.1f}%"></i></span>'
    return _figure(label, words.say_value(value, "share"), of, bar)


def _figure(label: str, value: str, of: str, bar: str = "") -> str:
    return (
        f'<tr><th scope="row">{escape(label)}</th><td class="number">{words.prose_html(value)}</td>'
        f'<td class="gauge">{bar}</td><td class="of">{words.prose_html(of)}</td></tr>'
    )


def _count(n: Any) -> str:
    return "" if words.is_missing(n) else words.count_of(int(n), "record")


def _light_options() -> list[tuple[str, str]]:
    lights = [(id, theme.find_light(id)) for id in LIGHTS]
    return [(light.word, id) for id, light in lights]
