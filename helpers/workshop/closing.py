"""Closing the round: who is still missing, the question before it is done, and what everybody sees from then on."""

from html import escape
from pathlib import Path

from ipywidgets import HTML, Button, Checkbox, HBox, VBox

from helpers.answers.survey import read_round, write_round
from helpers.errors import DiagnosticError
from helpers.present.words import clean_text, count_of, join_words
from helpers.workshop.embedding import embed_heading, embed_message
from helpers.workshop.people_progress import PeopleProgress, PersonProgress

LEAD = "Until you close it, nobody sees a colleague's answers or what the CRM says, and neither do you."
CONSEQUENCE = "From then on everybody who takes part sees all answers side by side, and what the CRM says."
REOPENED = "Nobody sees the others' answers any more, but who has seen them can't forget them."


class ClosingPart:
    """The part of the facilitator's page about the round.

    Args:
        folder: The company's folder.
        people_progress: How far everybody is.
    """

    def __init__(self, folder: Path, people_progress: PeopleProgress) -> None:
        self._folder, self._people_progress = folder, people_progress
        self._state = VBox()
        self.close = _button("Close the round", "primary", "fld-close")
        self.confirm = _button("Close it now", "primary", "fld-close-confirm")
        self.keep = _button("Keep it open", "quiet", "fld-close-keep")
        self.reopen = _button("Open it again", "quiet", "fld-reopen")
        self.reopen_confirm = _button("Open it anyway", "quiet", "fld-reopen-confirm")
        self.hide = Checkbox(description="Hide names from the group", indent=False).add_class("fld-hide-names")
        self._asking = self._fault = ""
        self._shown: object = None
        self.close.on_click(lambda _: self._ask("close"))
        self.reopen.on_click(lambda _: self._ask("reopen"))
        self.keep.on_click(lambda _: self._ask(""))
        self.confirm.on_click(lambda _: self._write(is_closed=True))
        self.reopen_confirm.on_click(lambda _: self._write(is_closed=False))
        self.hide.observe(lambda change: self._hide(), names="value")
        self.widget = VBox([embed_heading("The round", LEAD), self._state])

    def open(self) -> None:
        """Ask nothing yet."""
        self._asking, self._fault, self._shown = "", "", None
        self.look()

    def look(self) -> None:
        """Show how the round stands now."""
        state, problems = read_round(self._folder)
        self.keep.description = "Keep it closed" if state.is_closed else "Keep it open"
        found = self._people_progress.list_people()
        told = [self._tell("could not be changed", self._fault)] if self._fault else []
        if problems and not told:
            told = [self._tell("can't be read", f"{problems[0]['message']} {problems[0]['cure']}")]
        stamp = (state, self._asking, self._fault, str(problems), [(one.name, one.describe()) for one in found])
        if stamp == self._shown:
            return
        self._shown = stamp
        self._show_hiding(bool(getattr(state, "hides_names", False)))
        if state.is_closed:
            self._state.children = (*told, *self._show_closed())
        else:
            self._state.children = (*told, *self._show_open(found))

    def _tell(self, what: str, text: str) -> HTML:
        return embed_message("error", f"The round {what}", text)

    def _show_open(self, found: list[PersonProgress]) -> tuple:
        done = sum(one.is_done for one in found)
        rows = "".join(
            f"<li><b>{escape(clean_text(one.name))}</b> <span>{escape(one.describe())}</span></li>"
            for one in found
            if not one.is_done
        )
        waiting = f'<ul class="shell-waiting">{rows}</ul>' if rows else ""
        title = f"The round is open: {done} of {count_of(len(found), 'person', 'people')} done"
        head = HTML(f'<div class="red"><p class="title">{title}</p>{waiting}</div>').add_class("shell-view")
        if self._asking != "close":
            return head, self.hide, HBox([self.close]).add_class("shell-actions")
        late = [clean_text(one.name) for one in found if not one.is_done]
        text = f"{join_words(late)} {'has' if len(late) == 1 else 'have'} not finished. " if late else ""
        question = embed_message("warning", "Close the round now?", f"{text}{CONSEQUENCE}")
        return head, self.hide, question, HBox([self.confirm, self.keep]).add_class("shell-actions")

    def _show_closed(self) -> tuple:
        head = embed_message("good", "The round is closed", "Everybody who takes part sees what was said.")
        if self._asking != "reopen":
            return head, self.hide, HBox([self.reopen]).add_class("shell-actions")
        question = embed_message("warning", "Open the round again?", REOPENED)
        return head, self.hide, question, HBox([self.reopen_confirm, self.keep]).add_class("shell-actions")

    def _show_hiding(self, hides: bool) -> None:
        if self.hide.value != hides:
            self.hide.value = hides

    def _ask(self, what: str) -> None:
        self._asking, self._fault = what, ""
        self.look()

    def _write(self, *, is_closed: bool) -> None:
        self._asking = ""
        self._save(is_closed=is_closed, hides_names=self.hide.value)

    def _hide(self) -> None:
        state, _ = read_round(self._folder)
        if bool(getattr(state, "hides_names", False)) != self.hide.value:
            self._save(is_closed=state.is_closed, hides_names=self.hide.value)

    def _save(self, *, is_closed: bool, hides_names: bool) -> None:
        state, _ = read_round(self._folder)
        try:
            write_round(
                self._folder,
                is_closed=is_closed,
                based_on=state.revision,
                label=state.label,
                hides_names=hides_names,
            )
            self._fault = ""
        except DiagnosticError as error:
            self._fault = str(error)
        self.look()


def _button(label: str, *classes: str) -> Button:
    button = Button(description=label).add_class("shell-button")
    for name in classes:
        button.add_class(name)
    return button
