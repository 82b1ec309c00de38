"""The last screen: thanks, what is still missing with the way to it, what can't be used yet, and what happens next."""

from collections.abc import Callable

from ipywidgets import HTML, Button, VBox

from helpers.answers.editing import ResponseEditor
from helpers.model.survey import Survey
from helpers.present.forms.shared_layout import SharedLayout

OPEN_ROUND = (
    "Nobody sees your answers until the facilitator closes the round. Then you look at them together: "
    "where you disagree, and what the CRM says. Until then you can change whatever you like."
)
CLOSED_ROUND = "The facilitator has closed the round, so the others can see these answers. You can still change them."
CLOSED_WELCOME = (
    "The facilitator has closed the round: what you answer from now on, the others see at once. Answer from your gut "
    "all the same, and leave out what you can't answer."
)
COME_BACK = "There is nothing to hand in. Close this page whenever you like; everything is here when you come back."


class FinishScreen:
    """Tell what is missing; made anew whenever it is opened.

    Args:
        editor: Whose answers.
        survey: The survey's definition.
        shared_layout: The layout and styles shared by all widgets of the form.
        on_go: Called with the question to go to.
        is_closed: Whether the round is closed.
    """

    def __init__(
        self,
        editor: ResponseEditor,
        survey: Survey,
        *,
        shared_layout: SharedLayout,
        on_go: Callable[[str], None],
        is_closed: bool = False,
    ) -> None:
        self._editor, self._survey, self._shared_layout, self._on_go = editor, survey, shared_layout, on_go
        self._is_closed = is_closed
        self.links: dict[str, Button] = {}
        self.widget = VBox([], layout=shared_layout.layout).add_class("red-body").add_class("red-finish")

    def open(self) -> None:
        """Write the screen as things stand now."""
        self.links = {}
        missing, faulty = self.list_missing(), self.list_faulty()
        parts: list[HTML | VBox] = []
        if missing:
            parts.append(self._list("Still needed", missing))
        if faulty:
            parts.append(self._list("Can't be used as typed", faulty))
        next_steps = CLOSED_ROUND if self._is_closed else OPEN_ROUND
        text = f'<h3 class="red-group-title">What happens next</h3><p>{next_steps}</p><p>{COME_BACK}</p>'
        parts.append(self._shared_layout.html(text, "red-group"))
        self.widget.children = parts

    def list_missing(self) -> dict[str, str]:
        """Return the required questions without an answer: id → where it is and what it asks."""
        found = {}
        for field in self._survey.respondent:
            id = f"respondent.{field.id}"
            if field.required and field.id != "name" and not self._editor.read(id).is_answered:
                found[id] = f"About you: {field.label}"
        for tab, field in self._survey.fields():
            if field.required and not self._editor.read(field.id).is_answered:
                found[field.id] = f"{tab.label}: {field.label}"
        return found

    def list_faulty(self) -> dict[str, str]:
        """Return the questions of which something typed isn't allowed: id → where and what it asks."""
        missing = self.list_missing()
        return {
            field.id: f"{tab.label}: {field.short or field.label}"
            for tab, field in self._survey.fields()
            if field.id not in missing and self._editor.read(field.id).faults
        }

    def _list(self, title: str, found: dict[str, str]) -> VBox:
        head = self._shared_layout.html(f'<h3 class="red-group-title">{title}</h3>')
        rows = []
        for id, text in found.items():
            link = self._shared_layout.button(text, "red-link")
            link.on_click(lambda _, id=id: self._on_go(id))
            self.links[id] = link
            rows.append(link)
        return VBox([head, *rows], layout=self._shared_layout.layout).add_class("red-group")
