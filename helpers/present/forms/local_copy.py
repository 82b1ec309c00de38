"""What was typed while nobody listened: kept in the browser until it lies on disk, and laid back after a reload."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import anywidget
from traitlets import Dict, TraitError, Unicode

from helpers.answers.editing import Raw, ResponseEditor
from helpers.answers.typed import Normal, normalise
from helpers.errors import QuestionError
from helpers.model.survey import SurveyField
from helpers.present.forms.controls import RADIO_LIMIT, Control
from helpers.present.forms.grid import read_rows
from helpers.present.forms.style import FOLDER


class LocalCopy(anywidget.AnyWidget):
    """Stand unseen in a person's form and see to it that a lost connection loses no text.

    The browser keeps what is typed, under a key that is the person's own, until it is told that the file holds it.
    What a page left when it was loaded again, closed or cut off comes back as the person's own typing: an answer that
    became another one meanwhile is a conflict with both values, and what is being typed here stays as it is. The screen
    somebody was at is kept, too.

    Args:
        editor: Holds the answers.
        field_of: Finds a question by the id under which the editor knows it.
        open_window: Opens the same answers once more, as another window of the person does.
        save: Saves now, and shows what came of it.
        on_restored: Is told the questions whose answers have come back, and are to be saved.
        on_place: Is told the screen at which the person was.
    """

    _esm = FOLDER / "local_copy.js"
    owner = Unicode(help="Whose answers these are, without saying the name.").tag(sync=True)
    watched = Dict(help="Question's id → its widgets: model's id and the value's name.").tag(sync=True)
    place = Unicode(help="The screen shown.").tag(sync=True)

    def __init__(
        self,
        editor: ResponseEditor,
        *,
        field_of: Callable[[str], SurveyField],
        open_window: Callable[[], ResponseEditor],
        save: Callable[[], Any],
        on_restored: Callable[[Sequence[str]], None],
        on_place: Callable[[str], None],
        **options: Any,
    ) -> None:
        whose = f"{editor.folder.resolve()}\n{editor.topic}".encode()
        super().__init__(owner=hashlib.sha256(whose).hexdigest()[:24], **options)
        self._editor, self._field_of, self._open_window = editor, field_of, open_window
        self._save, self._on_restored, self._on_place = save, on_restored, on_place
        self._controls: dict[str, Control] = {}
        self._unconfirmed: dict[str, Any] = {}
        self._shown: dict[str, Normal] = {}
        self._typed_here: set[str] = set()
        self.on_msg(self._hear)

    def watch(self, controls: Mapping[str, Control]) -> None:
        """Keep from now on what is typed into these controls: question's id → control."""
        self._controls |= controls
        for id, control in controls.items():
            self._shown[id] = normalise(control.field, self._editor.read(id).raw)
        found = {id: [[widget.model_id, name] for widget, name in control.watched] for id, control in controls.items()}
        self.watched = {**self.watched, **found}

    def note(self, id: str) -> None:
        """Note that an answer was changed, so that the browser is to be told once it is saved."""
        self._unconfirmed[id] = None
        self._typed_here.add(id)

    def confirm(self) -> None:
        """Tell the browser that everything noted lies on disk."""
        done = {id: self._say(id, kept) for id, kept in self._unconfirmed.items() if not self._editor.is_too_long(id)}
        if done:
            self.send({"saved": done})
        self._unconfirmed = {id: kept for id, kept in self._unconfirmed.items() if id not in done}

    def _say(self, id: str, kept: Any) -> Any:
        control = self._controls.get(id)
        return control.read_watched() if control else kept

    def _hear(self, _widget: Any, content: Any, _buffers: Any) -> None:
        if not isinstance(content, dict):
            return
        if isinstance(content.get("place"), str):
            self._on_place(content["place"])
        self._take_again(dict(_read_entries(content.get("again"))))
        self._restore(dict(_read_entries(content.get("restore"))))

    def _take_again(self, entries: Mapping[str, Mapping[str, Any]]) -> None:
        """Take in once more what is on the page, as if its controls had sent it; a grid sees to that itself."""
        for id, entry in entries.items():
            control = self._controls.get(id)
            if control is None:
                continue
            for (widget, name), value in zip(control.watched, entry["mine"], strict=False):
                if name != "rows":
                    try:
                        widget.set_state({name: value})
                    except TraitError:  # the page is of another survey; nothing was taken
                        continue
            self._unconfirmed.setdefault(id, None)
        if entries:
            self._on_restored(())

    def _restore(self, entries: Mapping[str, Mapping[str, Any]]) -> None:
        """Take up what an earlier page of this person has left."""
        back = []
        if entries and self._editor.is_dirty:
            self._save()  # what is typed here meanwhile has answers of its own to contradict
        for id, entry in entries.items():
            try:
                field = self._field_of(id)
            except (QuestionError, StopIteration):
                continue
            mine: Raw = read_values(field, entry["mine"])
            earlier = [entry.get("base"), *(entry["tried"] if isinstance(entry.get("tried"), list) else [])]
            known = [read_values(field, values) for values in earlier if isinstance(values, list)]
            if id in self._typed_here:
                self._set_aside(field, id, mine, known)
                continue
            before = self._editor.read(id)
            after = self._editor.change(id, mine, known=known)
            self._unconfirmed[id], self._shown[id] = entry["mine"], normalise(field, mine)
            if after.value != before.value or after.faults != before.faults:
                back.append(id)
            if id in self._controls:
                self._controls[id].show(after)
        if entries:
            self._on_restored(back)

    def _set_aside(self, field: SurveyField, id: str, left: Raw, known: Sequence[Raw]) -> None:
        """Keep what an earlier page has left of a question that was answered on this page before that was told.

        It would overtake what is just being typed, so it stands beside it as another window's answer; where this page
        has shown it, it was seen by whoever typed something else.
        """
        if normalise(field, left) != self._shown.get(id):
            window = self._open_window()
            window.change(id, left, known=known[:1])
            if window.save().status == "failed":
                return
            self._save()
        self._unconfirmed.setdefault(id, None)


def read_values(field: SurveyField, values: list[Any]) -> Raw:
    """Tell what a question's control holds from the values that a browser kept of its widgets.

    Args:
        field: The question.
        values: One per widget, as ``Control.read_watched`` returns them; of a choice its number in the list.

    Returns:
        The answer as typed; None where the values are not those of such a control.
    """
    if field.type == "multiple_choice":
        return [id for id, is_ticked in zip(field.allowed, values, strict=False) if is_ticked is True]
    value = values[0] if values else None
    if field.type in ("grid", "ranked"):
        rows = value if isinstance(value, list) else []
        return read_rows(field, [row for row in rows if isinstance(row, dict)])
    if field.type in ("choice", "yes_no_unknown"):
        ids = list(field.allowed)
        ids = [None, *ids] if len(ids) > RADIO_LIMIT else ids
        return ids[value] if type(value) is int and 0 <= value < len(ids) else None
    return value if isinstance(value, str) else None


def _read_entries(entries: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Read what a browser says; whatever isn't an entry is passed over."""
    if isinstance(entries, Mapping):
        for id, entry in entries.items():
            if isinstance(entry, Mapping) and isinstance(entry.get("mine"), list):
                yield str(id), entry
