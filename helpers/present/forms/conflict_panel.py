"""Two windows have answered one question differently: both answers in words, and the choice between them."""

from collections.abc import Callable
from html import escape
from typing import Literal

from ipywidgets import Button, HBox, VBox

from helpers.answers.editing import Conflict
from helpers.model.survey import SurveyField
from helpers.present.forms.answer_words import list_differences, say_answer, write_differences
from helpers.present.forms.shared_layout import SharedLayout

Keep = Literal["mine", "theirs"]


class ConflictPanel:
    """Show both answers under the field and let the person choose.

    Args:
        field: The question.
        conflict: Both answers.
        shared_layout: The layout and styles shared by all widgets of the form.
        on_choice: Called with the question's id and the answer to keep.
        id: Under which the editor knows the question; the field's own id unless said.
    """

    def __init__(
        self,
        field: SurveyField,
        conflict: Conflict,
        *,
        shared_layout: SharedLayout,
        on_choice: Callable[[str, Keep], None],
        id: str = "",
    ) -> None:
        self.conflict = conflict
        self._id, self._on_choice = id or field.id, on_choice
        self.keep_mine = shared_layout.button("Keep mine", tooltip=f"Keep my answer to: {field.label}")
        self.take_other = shared_layout.button("Take the other", tooltip=f"Take the other answer to: {field.label}")
        self.keep_mine.on_click(lambda _: self._choose("mine"))
        self.take_other.on_click(lambda _: self._choose("theirs"))
        buttons = HBox([self.keep_mine, self.take_other], layout=shared_layout.layout).add_class("red-actions")
        self.widget = VBox([shared_layout.html(self._write(field)), buttons], layout=shared_layout.layout).add_class(
            "red-conflict"
        )

    @property
    def buttons(self) -> tuple[Button, Button]:
        """Keep mine, take the other."""
        return self.keep_mine, self.take_other

    def _choose(self, keep: Keep) -> None:
        for button in self.buttons:
            button.disabled = True
        self._on_choice(self._id, keep)

    def _write(self, field: SurveyField) -> str:
        told = '<p class="red-conflict-title" role="alert">This was also answered in another window of yours</p>'
        if field.type == "grid":
            rows = list_differences(field, self.conflict.mine, self.conflict.theirs)
            return told + write_differences(rows, heads=("Where", "Mine, in this window", "The other window"))
        mine, other = (escape(say_answer(field, raw)) for raw in (self.conflict.mine, self.conflict.theirs))
        sides = (("Mine, in this window", mine), ("The other window", other))
        cells = "".join(f'<div><p class="red-side">{head}</p><p>{said}</p></div>' for head, said in sides)
        return f'{told}<div class="red-sides">{cells}</div>'
