"""From an open round to a closed one and on to the next: who is missing, and what each step brings, asked before it."""

from collections.abc import Callable, Sequence
from datetime import date
from html import escape
from pathlib import Path

from ipywidgets import HTML, Button, Checkbox, HBox, Text, VBox, Widget

from helpers.answers.problems import Problem
from helpers.answers.rounds import start_round, suggest_label
from helpers.answers.survey import Round, read_round, write_round
from helpers.errors import DiagnosticError
from helpers.present.words import clean_text, count_of, join_words
from helpers.workshop.embedding import embed_heading, embed_message
from helpers.workshop.page_script import PageScript
from helpers.workshop.people_progress import PeopleProgress, PersonProgress

LEAD = "Until you close it, nobody sees a colleague's answers or what the CRM says, and neither do you."
CONSEQUENCE = "From then on everybody who takes part sees all answers side by side, and what the CRM says."
REOPENED = "Nobody sees the others' answers any more, but who has seen them can't forget them."
STARTED = (
    "Everything said in this round is put aside in answers/survey_rounds, where it stays. Then the survey is open and "
    "empty for everybody, so that people guess anew instead of repeating what they said last time. "
    "Decisions in the matrix stay."
)
LABEL = "round-label"


class ClosingPart:
    """The part of the facilitator's page about the round.

    Args:
        folder: The company's folder.
        people_progress: How far everybody is.
        guide: Sends what is typed along with the click.
        add: Makes what else is shown, of how the round stands.
    """

    def __init__(
        self,
        folder: Path,
        people_progress: PeopleProgress,
        *,
        guide: PageScript | None = None,
        add: Callable[[Round], Sequence[Widget]] = lambda state: (),
    ) -> None:
        self._folder, self._people_progress, self._add = folder, people_progress, add
        self._state = VBox()
        self.close = _button("Close the round", "primary", "fld-close")
        self.confirm = _button("Close it now", "primary", "fld-close-confirm")
        self.keep = _button("Keep it open", "quiet", "fld-close-keep")
        self.reopen = _button("Open it again", "quiet", "fld-reopen")
        self.reopen_confirm = _button("Open it anyway", "quiet", "fld-reopen-confirm")
        self.start = _button("Start a new round", "", "fld-start")
        self.start_confirm = _button("Start it now", "primary", "shell-submit", "fld-start-confirm")
        self.label = Text(description="Name of the new round").add_class("shell-field").add_class(f"fld-{LABEL}")
        self.hide = Checkbox(description="Hide names from the group", indent=False).add_class("fld-hide-names")
        self._asking = self._fault = self._done = ""
        self._shown: object = None
        self.close.on_click(lambda _: self._ask("close"))
        self.reopen.on_click(lambda _: self._ask("reopen"))
        self.start.on_click(lambda _: self._ask("start"))
        self.keep.on_click(lambda _: self._ask(""))
        self.confirm.on_click(lambda _: self._write(is_closed=True))
        self.reopen_confirm.on_click(lambda _: self._write(is_closed=False))
        self.hide.observe(lambda change: self._hide(), names="value")
        if guide is not None:
            guide.on_submit(lambda values: self.start_next(values[LABEL]) if LABEL in values else None)
        self.widget = VBox([embed_heading("The round"), self._state])

    def open(self) -> None:
        """Ask nothing yet."""
        self._asking, self._fault, self._done, self._shown = "", "", "", None
        self.look()

    def start_next(self, label: str) -> None:
        """Put this round's answers aside and open the next one.

        Args:
            label: What the new round is called; where starting one was cut short, it goes on under its first name.
        """
        self._fault = self._done = ""
        try:
            ended = start_round(self._folder, label)
        except DiagnosticError as error:
            self._fault = str(error)
        else:
            people = count_of(ended.n_people, "person", "people")
            self._asking, self._done = "", f"The answers of {people} are kept in {ended.place}."
        self.look()

    def look(self) -> None:
        """Show how the round stands now."""
        state, problems = read_round(self._folder)
        self.keep.description = "Keep it closed" if state.is_closed else "Keep it open"
        found = self._people_progress.list_people()
        told = [_tell("could not be changed", *_place_fault(self._fault))] if self._fault else []
        if self._done:
            told = [embed_message("good", f"{clean_text(state.label)} has begun", self._done)]
        if problems and not told:
            told = [_explain(problem) for problem in problems]
        stamp = (
            state,
            self._asking,
            self._fault,
            self._done,
            str(problems),
            [(one.name, one.describe()) for one in found],
        )
        if stamp == self._shown:
            return
        self._shown = stamp
        self._show_hiding(bool(getattr(state, "hides_names", False)))
        if state.is_closed:
            self._state.children = (*told, *self._show_closed(state))
        else:
            self._state.children = (*told, *self._show_open(found), *self._add(state))

    def _show_open(self, found: list[PersonProgress]) -> tuple:
        done = sum(one.is_done for one in found)
        rows = "".join(
            f"<li><b>{escape(clean_text(one.name))}</b> <span>{escape(one.describe())}</span></li>"
            for one in found
            if not one.is_done
        )
        waiting = f'<ul class="shell-waiting">{rows}</ul>' if rows else ""
        title = f"The round is open: {done} of {count_of(len(found), 'person', 'people')} done"
        lead = f'<p class="lead">{LEAD}</p>'
        head = HTML(f'<div class="red">{lead}<p class="title">{title}</p>{waiting}</div>').add_class("shell-view")
        if self._asking != "close":
            return head, self.hide, _actions(self.close)
        late = [clean_text(one.name) for one in found if not one.is_done]
        text = f"{join_words(late)} {'has' if len(late) == 1 else 'have'} not finished. " if late else ""
        question = embed_message("warning", "Close the round now?", f"{text}{CONSEQUENCE}")
        return head, self.hide, question, _actions(self.confirm, self.keep)

    def _show_closed(self, state: Round) -> tuple:
        if state.next_label:
            text = "It was cut short. No answer is lost, and nobody can answer in it before it is finished."
            self.start_confirm.description = "Finish it"
            told = embed_message("warning", f"'{clean_text(state.next_label)}' has not quite begun", text)
            self.label.value = state.next_label
            return told, HBox([self.label, self.start_confirm]).add_class("shell-form").add_class("is-resumed")
        title = f"The round {clean_text(state.label)} is closed" if state.label else "The round is closed"
        head = embed_message("good", title, "Everybody who takes part sees what was said.")
        if self._asking == "reopen":
            question = embed_message("warning", "Open the round again?", REOPENED)
            return head, self.hide, question, _actions(self.reopen_confirm, self.keep)
        if self._asking == "start":
            question = embed_message("warning", "Start a new round?", STARTED)
            self.start_confirm.description = "Start it now"
            return head, question, HBox([self.label, self.start_confirm, self.keep]).add_class("shell-form")
        return head, *self._add(state), self.hide, _actions(self.start, self.reopen)

    def _show_hiding(self, hides: bool) -> None:
        if self.hide.value != hides:
            self.hide.value = hides

    def _ask(self, what: str) -> None:
        if what == "start":
            self.label.value = suggest_label(self._folder, today=date.today())
        self._asking, self._fault, self._done = what, "", ""
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


def _explain(problem: Problem) -> HTML:
    """Say what is wrong with the round's file, in which line, and how to mend it."""
    line = f", line {problem['row']}" if problem["row"] else ""
    said = str(problem["message"])
    return _tell("can't be read", f"{problem['file']}{line}: {said}", str(problem["cure"]))


def _place_fault(fault: str) -> tuple[str, str]:
    """Say where something is wrong and what; then how to mend it."""
    place, found, rest = fault.removeprefix("[").partition("] ") if fault.startswith("[") else ("", "", fault)
    said, _, cure = rest.partition(". ")
    where = f"{place.replace(', row ', ', line ')}: " if found else ""
    return f"{where}{said.rstrip('.')}.", cure


def _tell(what: str, text: str, cure: str = "") -> HTML:
    return embed_message("error", f"The round {what}", text, cure)


def _actions(*buttons: Button) -> HBox:
    return HBox(buttons).add_class("shell-actions")


def _button(label: str, *classes: str) -> Button:
    button = Button(description=label).add_class("shell-button")
    for name in filter(None, classes):
        button.add_class(name)
    return button
