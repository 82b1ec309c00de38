"""One control per question: what somebody types or chooses, its help beside it, and what isn't allowed under it."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import contextmanager
from html import escape
from typing import Any

from ipywidgets import (
    Button,
    Checkbox,
    Combobox,
    Dropdown,
    RadioButtons,
    Text,
    Textarea,
    VBox,
    Widget,
)

from helpers.answers.editing import FieldState, Raw
from helpers.model.survey import SurveyField
from helpers.present.forms.answer_words import say_number, say_unit
from helpers.present.forms.grid import list_rows, make_grid, read_rows
from helpers.present.forms.shared_layout import SharedLayout

RADIO_LIMIT = 5
"""More choices than that are offered as a list that opens."""

SHORT_CHOICE = 22
"""Characters; choices up to that length stand side by side."""

CHOOSE = "Choose …"
_ROW = re.compile(r"\[(\d+)\](?:\.(\w+))?$")


class Control:
    """One question on the screen: its label, help, control and faults in one box.

    Args:
        field: The question.
        shared_layout: The layout and styles shared by all widgets of the form.
        id: Under which the editor knows it; the field's own id unless said.
        currency: ISO code in which amounts are typed.
        on_change: Called with the id and what the control now holds whenever a person changes it.
    """

    is_wide = False

    def __init__(
        self,
        field: SurveyField,
        *,
        shared_layout: SharedLayout,
        id: str = "",
        currency: str = "USD",
        on_change: Callable[[str, Raw], None],
    ) -> None:
        self.field, self.id, self.shared_layout, self.currency = field, id or field.id, shared_layout, currency
        self._on_change = on_change
        self._is_showing = False
        self._is_disabled = False
        self.note = shared_layout.html()
        self.beside: Widget | None = None
        self.widget = VBox(layout=shared_layout.layout)
        kind = "is-number" if field.type in ("number", "currency") else f"is-{field.type.replace('_', '-')}"
        for name in ("red-field", kind, f"field-{_class_of(self.id)}"):
            self.widget.add_class(name)
        if field.required:
            self.widget.add_class("is-required")
        if self.is_wide:
            self.widget.add_class("is-wide")
        self._parts = self.make_parts()
        self._arrange()

    @property
    def label(self) -> str:
        """The question as its control names it, with its unit."""
        unit = say_unit(self.field, self.currency)
        return f"{self.field.label} ({'in %' if unit == '%' else unit})" if unit else self.field.label

    def make_parts(self) -> list[Widget]:
        """Make the widgets that hold the answer."""
        raise NotImplementedError

    def read(self) -> Raw:
        """Return what the control holds."""
        raise NotImplementedError

    def put(self, raw: Raw) -> None:
        """Let the control hold this, without telling anybody."""
        raise NotImplementedError

    @property
    def watched(self) -> list[tuple[Widget, str]]:
        """The widgets in which a person types or chooses, each with the name of its value."""
        return [(self._parts[0], "value")]

    def read_watched(self) -> list[Any]:
        """Return the values of these widgets, as a browser holds them; ``read_values`` understands them."""
        return [getattr(widget, name) for widget, name in self.watched]

    def disable(self, is_disabled: bool) -> None:
        """Let nobody type, or let them again."""
        self._is_disabled = is_disabled
        for part in self._parts:
            part.disabled = is_disabled

    def show(self, state: FieldState) -> None:
        """Show an answer and what isn't allowed of it."""
        with self._showing():
            self.put(state.raw)
        self.tell(state)

    def tell(self, state: FieldState) -> None:
        """Show only what isn't allowed of what the control holds, or how it was understood."""
        faults = self.sort_faults(state)
        if bool(faults) != ("is-faulty" in self.widget._dom_classes):
            (self.widget.add_class if faults else self.widget.remove_class)("is-faulty")
        told = "".join(f'<p class="red-fault" role="alert">{escape(_say_fault(fault))}</p>' for fault in faults)
        self.note.value = self._help() + (told or self._understood(state))

    def sort_faults(self, state: FieldState) -> list[tuple[str, str, str]]:
        """Return the faults that stand under the field."""
        return list(state.faults)

    def put_beside(self, widget: Widget | None) -> None:
        """Put a panel under the field, such as that of a conflict; None takes it away."""
        self.beside = widget
        self._arrange()

    def changed(self, *_: Any) -> None:
        """Pass on that a person has changed something."""
        if not self._is_showing:
            self._on_change(self.id, self.read())

    def _arrange(self) -> None:
        self.widget.children = [*self._parts, self.note, *([self.beside] if self.beside else [])]

    def _help(self) -> str:
        parts = [escape(self.field.help)] if self.field.help else []
        if self.field.example:
            parts.append(f'<span class="red-example">For example:</span> {escape(self.field.example)}')
        return f'<p class="red-help">{" ".join(parts)}</p>' if parts else ""

    def _understood(self, state: FieldState) -> str:
        return ""

    @contextmanager
    def _showing(self) -> Any:
        self._is_showing = True
        try:
            yield
        finally:
            self._is_showing = False


class TextControl(Control):
    """A text, a long text or a number, every keystroke of which is taken in."""

    def __init__(self, field: SurveyField, **options: Any) -> None:
        self.is_wide = field.type == "long_text"
        super().__init__(field, **options)

    def make_parts(self) -> list[Widget]:
        """Make the input; numbers too are typed as text, so that "60 %" and "1,200" can be."""
        common = {"description": self.label, "layout": self.shared_layout.layout, "style": self.shared_layout.text}
        if self.field.type == "long_text":
            self._input = Textarea(**common)
        elif self.field.suggestions:
            self._input = Combobox(options=list(self.field.suggestions), ensure_option=False, **common)
        else:
            self._input = Text(**common)
        self._input.observe(self.changed, "value")
        return [self._input]

    def read(self) -> Raw:
        """Return the text as typed."""
        return self._input.value

    def put(self, raw: Raw) -> None:
        """Show a text."""
        self._input.value = "" if raw is None else str(raw)

    def _understood(self, state: FieldState) -> str:
        """Say how a number was read where it was not typed as it would be written."""
        if self.field.type not in ("number", "currency") or not isinstance(state.value, int | float):
            return ""
        said = say_number(self.field, state.value, self.currency)
        if re.sub(r"[^\d.%]", "", said) == re.sub(r"[^\d.%]", "", str(state.raw)):
            return ""
        return f'<p class="red-understood">Understood as {escape(said)}</p>'


class ChoiceControl(Control):
    """One of several: side by side or one under the other where they are few, a list that opens where they are many."""

    def __init__(self, field: SurveyField, **options: Any) -> None:
        labels = list(field.allowed.values())
        self._is_list = len(labels) > RADIO_LIMIT
        self._is_short = all(len(label) <= SHORT_CHOICE for label in labels) and len(labels) <= 4
        self.is_wide = not self._is_list and not self._is_short
        super().__init__(field, **options)
        self.widget.add_class("is-list" if self._is_list else "is-short" if self._is_short else "is-long")

    def make_parts(self) -> list[Widget]:
        """Make radio buttons with a way to take the answer back, or a list that begins with no answer."""
        options = [(label, id) for id, label in self.field.allowed.items()]
        common = {
            "description": self.label,
            "layout": self.shared_layout.layout,
            "style": self.shared_layout.description,
        }
        if self._is_list:
            self._input: Dropdown | RadioButtons = Dropdown(options=[(CHOOSE, ""), *options], value="", **common)
            self._input.observe(self.changed, "value")
            return [self._input]
        orientation = "horizontal" if self._is_short else "vertical"
        self._input = RadioButtons(options=options, value=None, orientation=orientation, tooltip="", **common)
        self._clear = self.shared_layout.button(
            "Clear", "red-clear", tooltip=f"Take back the answer to: {self.field.label}"
        )
        self._clear.on_click(self._take_back)
        self._input.observe(self.changed, "value")
        self._input.observe(self._offer_clear, "value")
        self._offer_clear()
        return [self._input, self._clear]

    def read(self) -> Raw:
        """Return the id chosen; None for no answer."""
        return self._input.value or None

    def put(self, raw: Raw) -> None:
        """Choose; anything that isn't offered shows as no answer."""
        nothing = "" if self._is_list else None
        self._input.value = raw if isinstance(raw, str) and raw in self.field.allowed else nothing

    @property
    def watched(self) -> list[tuple[Widget, str]]:
        """The list or the radio buttons, of which the browser knows the number of the choice."""
        return [(self._input, "index")]

    def _take_back(self, _: Button) -> None:
        self._input.value = None

    def _offer_clear(self, *_: Any) -> None:
        (self._clear.remove_class if self._input.value else self._clear.add_class)("is-hidden")


class MultipleChoiceControl(Control):
    """Any of several."""

    is_wide = True

    def make_parts(self) -> list[Widget]:
        """Make one box to tick per choice, under a label of their own."""
        self.widget.add_class("is-group")
        label = self.shared_layout.html(f'<p class="red-label">{escape(self.label)}</p>')
        self._boxes = {}
        for id, text in self.field.allowed.items():
            box = Checkbox(
                description=text, indent=False, layout=self.shared_layout.layout, style=self.shared_layout.checkbox
            )
            box.observe(self.changed, "value")
            self._boxes[id] = box
        self._label = label
        return [label, *self._boxes.values()]

    def read(self) -> Raw:
        """Return the ids ticked."""
        return [id for id, box in self._boxes.items() if box.value]

    def put(self, raw: Raw) -> None:
        """Tick these."""
        chosen = raw if isinstance(raw, list | tuple) else []
        for id, box in self._boxes.items():
            box.value = id in chosen

    @property
    def watched(self) -> list[tuple[Widget, str]]:
        """Every box."""
        return [(box, "value") for box in self._boxes.values()]

    def disable(self, is_disabled: bool) -> None:
        """Let nobody tick, or let them again."""
        for box in self._boxes.values():
            box.disabled = is_disabled


class GridControl(Control):
    """A table to fill in, or a list in order."""

    is_wide = True

    def make_parts(self) -> list[Widget]:
        """Make the grid under a label of its own, unless the screen's title already says it."""
        self.grid = make_grid(self.field, currency=self.currency)
        self.grid.layout = self.shared_layout.layout
        self.grid.add_class("red-grid")
        self.grid.observe(self.changed, "rows")
        self.widget.add_class("is-grid")
        return [self.shared_layout.html(f'<p class="red-label">{escape(self.label)}</p>'), self.grid]

    def read(self) -> Raw:
        """Return the rows in their places, or the items of a list in order."""
        return read_rows(self.field, self.grid.rows)

    def put(self, raw: Raw) -> None:
        """Lay out rows, preset ones included."""
        rows = list_rows(self.field, raw)
        if rows != self.grid.rows:
            self.grid.rows = rows

    @property
    def watched(self) -> list[tuple[Widget, str]]:
        """The grid."""
        return [(self.grid, "rows")]

    def disable(self, is_disabled: bool) -> None:
        """Let nobody type, or let them again."""
        self.grid.is_disabled = is_disabled

    def tell(self, state: FieldState) -> None:
        """Show faults at their cells, and those of the whole under the grid."""
        faults = [found for fault in state.faults if (found := self._place(fault))]
        if faults != self.grid.faults:
            self.grid.faults = faults
        super().tell(state)

    def sort_faults(self, state: FieldState) -> list[tuple[str, str, str]]:
        """Return the faults that belong to no cell."""
        return [fault for fault in state.faults if self._place(fault) is None]

    def _place(self, fault: tuple[str, str, str]) -> dict[str, Any] | None:
        found = _ROW.search(fault[0])
        if not found:
            return None
        row, column = int(found.group(1)) - 1, found.group(2) or self.field.key
        return {"row": row, "column": column, "message": _say_fault(fault)}

    def _help(self) -> str:
        if self.field.type == "grid":
            return f'<p class="red-help">{escape(self.field.help)}</p>' if self.field.help else ""
        return super()._help()


def make_control(
    field: SurveyField,
    *,
    shared_layout: SharedLayout,
    id: str = "",
    currency: str = "USD",
    on_change: Callable[[str, Raw], None],
) -> Control:
    """Make the control of a question, whatever its type.

    Args:
        field: The question.
        shared_layout: The layout and styles shared by all widgets of the form.
        id: Under which the editor knows it; the field's own id unless said.
        currency: ISO code in which amounts are typed.
        on_change: Called with the id and what the control now holds whenever a person changes it.
    """
    kinds: dict[str, type[Control]] = {
        "choice": ChoiceControl,
        "yes_no_unknown": ChoiceControl,
        "multiple_choice": MultipleChoiceControl,
        "ranked": GridControl,
        "grid": GridControl,
    }
    kind = kinds.get(field.type, TextControl)
    return kind(field, shared_layout=shared_layout, id=id, currency=currency, on_change=on_change)


def _say_fault(fault: tuple[str, str, str]) -> str:
    _, message, cure = fault
    return f"{message[:1].upper()}{message[1:]} {cure}".strip()


def _class_of(id: str) -> str:
    return re.sub(r"[^\w-]", "-", id)
