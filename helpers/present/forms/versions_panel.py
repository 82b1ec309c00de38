"""Earlier versions of somebody's own answers: when, what changed, a look at one, and the way to bring it back."""

from collections.abc import Callable
from datetime import datetime
from html import escape
from typing import Any

from ipywidgets import Select, VBox

from helpers.answers.editing import ResponseEditor, Saved, VersionInfo
from helpers.errors import AnswersError
from helpers.model.survey import Survey
from helpers.present.forms.answer_words import list_differences, say_time, write_differences
from helpers.present.forms.shared_layout import SharedLayout

SHOWN = 40
"""So many of the newest versions are listed, those after which an answer changed."""

NAMED = 3
"""So many changed questions are named in a version's line."""


class VersionsPanel:
    """List the earlier versions and bring one back.

    Args:
        editor: Whose versions.
        survey: The survey's definition.
        shared_layout: The layout and styles shared by all widgets of the form.
        currency: ISO code of amounts.
        on_restored: Called with the outcome once a version was brought back.
    """

    def __init__(
        self,
        editor: ResponseEditor,
        survey: Survey,
        *,
        shared_layout: SharedLayout,
        currency: str = "USD",
        on_restored: Callable[[Saved], None],
    ) -> None:
        self._editor, self._survey, self._currency, self._on_restored = editor, survey, currency, on_restored
        self.list = Select(
            options=[],
            rows=8,
            description="Versions, newest first",
            layout=shared_layout.layout,
            style=shared_layout.description,
        ).add_class("red-versions")
        self.look = shared_layout.html("", "red-version")
        self.back = shared_layout.button("Bring this version back", "is-primary")
        self.told = shared_layout.html()
        self.list.observe(self._preview, "value")
        self.back.on_click(self._restore)
        self.widget = VBox([self.list, self.look, self.back, self.told], layout=shared_layout.layout).add_class(
            "red-group"
        )

    def open(self) -> None:
        """List the versions there are now."""
        found = [version for version in self._editor.list_versions() if version.changed][:SHOWN]
        self.list.options = [(_describe(version), version.number) for version in found]
        self.list.value = None
        self.told.value = "" if found else '<p class="red-help">There is no earlier version yet.</p>'
        for part in (self.list, self.look, self.back):
            (part.remove_class if found else part.add_class)("is-hidden")
        self._preview()

    def _preview(self, _: Any = None) -> None:
        number = self.list.value
        self.back.disabled = number is None
        if number is None:
            self.look.value = '<p class="red-help">Choose a version to see how it differs from what is there now.</p>'
            return
        try:
            old = self._editor.preview(number)
        except AnswersError as error:
            self.back.disabled = True
            self.look.value = f'<p class="red-fault" role="alert">{escape(str(error))}</p>'
            return
        found = []
        for _, field in self._survey.fields():
            if field.rows_from:
                continue
            differences = list_differences(field, old.get(field.id), self._editor.read(field.id).raw)
            label = field.short or field.label
            found += [(where if where == label else f"{label}, {where}", *said) for where, *said in differences]
        if not found:
            self.look.value = '<p class="red-help">This version says the same as what is there now.</p>'
            return
        self.look.value = write_differences(found, heads=("Question", "In this version", "Now"))

    def _restore(self, _: Any) -> None:
        number = self.list.value
        if number is None:
            return
        saved = self._editor.restore(number)
        self._on_restored(saved)
        self.open()
        if saved.status == "failed":
            self.told.value = f'<p class="red-fault" role="alert">{escape(saved.message)}</p>'
        else:
            note = "This version is back. What was there before it is now the first in the list."
            self.told.value = f'<p class="red-good" role="status">{note}</p>'


def _describe(version: VersionInfo) -> str:
    answers = f"{version.n_answered} answer{'' if version.n_answered == 1 else 's'}"
    names = ", ".join(version.changed[:NAMED])
    more = f" and {len(version.changed) - NAMED} more" if len(version.changed) > NAMED else ""
    changed = f" · before a change of {names}{more}" if names else ""
    return f"{say_time(version.saved_at, today=datetime.now().astimezone())} · {answers}{changed}"
