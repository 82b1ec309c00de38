"""The survey as a form: a rail with the tabs, one task per screen, every change saved by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from ipywidgets import HBox, VBox, Widget

from helpers.answers.editing import Progress, Raw, ResponseEditor, Saved
from helpers.model.survey import Survey
from helpers.present.forms.attendance import is_attended
from helpers.present.forms.autosave import Autosave
from helpers.present.forms.conflict_panel import ConflictPanel, Keep
from helpers.present.forms.controls import Control
from helpers.present.forms.finish_screen import CLOSED_WELCOME, FinishScreen
from helpers.present.forms.form_script import FormScript
from helpers.present.forms.local_copy import LocalCopy
from helpers.present.forms.save_status import SaveStatus
from helpers.present.forms.shared_layout import SharedLayout
from helpers.present.forms.style import style_widget
from helpers.present.forms.survey_entry import AboutScreen, SurveyEntry
from helpers.present.forms.survey_rail import ABOUT, FINISH, VERSIONS, Rail
from helpers.present.forms.survey_route import Route
from helpers.present.forms.survey_screens import PROBLEM, ScreenBody, plan_screens, write_head, write_problem
from helpers.present.forms.versions_panel import VersionsPanel

TEAM = "respondent.team"


class SurveyForm:
    """One person's survey.

    A screen's widgets are made when it is first visited. What is typed goes to the editor at once, which tells what
    isn't allowed; the editor is saved a moment later. What other windows of the same person save appears by itself.

    Args:
        editor: Holds the person's answers and writes them.
        survey: The survey's definition.
        currency: ISO code in which amounts are typed.
        on_progress: Called with tab's id → progress after every save.
        is_closed: Whether the facilitator has closed the round.
        skip_welcome: Whether somebody comes from a first screen of its own: who has answered nothing yet begins with
            the first questions, and the reader is taken to them.

    Attributes:
        widget: What is shown.
        controls: Question's id → its control, of the screens visited so far.
        place: The id of the screen shown.
    """

    def __init__(
        self,
        editor: ResponseEditor,
        survey: Survey,
        *,
        currency: str = "USD",
        on_progress: Callable[[Mapping[str, Progress]], None] | None = None,
        is_closed: bool = False,
        skip_welcome: bool = False,
    ) -> None:
        self.editor, self.survey, self.currency = editor, survey, currency
        self._on_progress, self._is_closed = on_progress, is_closed
        self.shared_layout = SharedLayout()
        self.route = Route(plan_screens(survey), editor)
        self.controls: dict[str, Control] = {}
        self._bodies: dict[str, Any] = {}
        self._conflicts: dict[str, ConflictPanel] = {}
        self._problem: str | None = None
        self.place = ""
        self.guide = FormScript(layout=self.shared_layout.layout)
        self.status = SaveStatus(layout=self.shared_layout.layout, is_kept=True)
        self.local_copy = LocalCopy(
            editor,
            field_of=lambda id: self.route.field_of(id, survey),
            open_window=lambda: ResponseEditor(editor.folder, survey, name=editor.name),
            save=lambda: self.autosave.save(),
            on_restored=self._take_up,
            on_place=self._come_back,
            layout=self.shared_layout.layout,
        )
        self._taken_up: tuple[str, ...] = ()
        self.rail = Rail(survey, shared_layout=self.shared_layout, status=self.status, on_go=self.go_to_part)
        self.finish = FinishScreen(
            editor, survey, shared_layout=self.shared_layout, on_go=self.go_to_question, is_closed=is_closed
        )
        self.versions: VersionsPanel | None = None
        self._banner = VBox([], layout=self.shared_layout.layout).add_class("red-banner")
        self._head = self.shared_layout.html("", "red-head")
        self._body = VBox([], layout=self.shared_layout.layout).add_class("red-screen")
        self.onward = self.shared_layout.button("Continue", "is-primary")
        self.back = self.shared_layout.button("Back", "is-quiet")
        self._hint = self.shared_layout.html("", "red-hint")
        self.onward.on_click(lambda _: self._go_on())
        self.back.on_click(lambda _: self.go(self.route.before(self.place)))
        self.widget = self._lay_out()
        self.autosave = Autosave(editor, self._saved, is_open=lambda: self.widget.comm is not None)
        self._update_progress()
        self._update_banner()
        self.go(self.route.start(skip_welcome=skip_welcome), is_first=not skip_welcome)
        if editor.problem:
            self.status.show("failed", "see the message")
        else:
            self.status.show("idle", "Every change is saved by itself")
        self.autosave.watch()

    def go(self, place: str, *, field: str = "", is_first: bool = False) -> None:
        """Show a screen.

        Args:
            place: The screen's id.
            field: The question to go to on it; its title where empty.
            is_first: Whether the form only opens, so that the reader is not taken anywhere.
        """
        if not place:
            return
        self.place = self.local_copy.place = place
        body = self._open(place)
        self._head.value = self._write_head(place)
        self._body.children = [body]
        self._update_footer()
        self.rail.show_current(self.route.part_of(place))
        if not is_first:
            self._taken_up = ()
            self._update_banner()
            self.guide.go(place, field.replace(".", "-"))

    def go_to_part(self, part: str) -> None:
        """Show the first screen of a tab, or one of the rail's other places."""
        self.go(self.route.first_of(part))

    def go_to_question(self, field: str) -> None:
        """Show a question's screen and take the reader to it."""
        self.go(self.route.screen_of(field), field=field)

    def close(self) -> None:
        """Save what is not saved yet and take the form away."""
        self.autosave.stop()
        self.widget.close()

    def _lay_out(self) -> Widget:
        footer = HBox([self.onward, self.back, self._hint], layout=self.shared_layout.layout).add_class("red-footer")
        main = VBox([self._banner, self._head, self._body, footer], layout=self.shared_layout.layout).add_class(
            "red-main"
        )
        columns = HBox([self.rail.widget, main], layout=self.shared_layout.layout).add_class("red-columns")
        whole = VBox([style_widget(), self.guide, self.local_copy, columns], layout=self.shared_layout.layout)
        return whole.add_class("red").add_class("red-form")

    def _open(self, place: str) -> Widget:
        if place == FINISH:
            self.finish.open()
            return self.finish.widget
        if place == VERSIONS:
            if self.versions is None:
                options = {"shared_layout": self.shared_layout, "currency": self.currency}
                self.versions = VersionsPanel(self.editor, self.survey, on_restored=self._restored, **options)
            self.versions.open()
            return self.versions.widget
        if place not in self._bodies:
            self._build(place)
        return self._bodies[place].widget

    def _build(self, place: str) -> None:
        options: dict[str, Any] = {
            "shared_layout": self.shared_layout,
            "currency": self.currency,
            "on_change": self._changed,
        }
        screen = self.route.screens.get(place)
        body = ScreenBody(screen, **options) if screen else AboutScreen(self.survey, **options)
        self._bodies[place] = body
        self.controls |= body.controls
        self.local_copy.watch(body.controls)
        for id, control in body.controls.items():
            control.show(self.editor.read(id))
            if self.editor.problem:
                control.disable(True)
            self._show_conflict(id)

    def _write_head(self, place: str) -> str:
        if place == ABOUT:
            title = "About you" if self.route.is_begun else f"Welcome, {self.editor.name}"
            help = CLOSED_WELCOME if self._is_closed else " ".join(self.survey.introduction.split())
            return write_head(place, title=title, help=help)
        if place == FINISH:
            title = f"Thank you, {self.editor.name}" if self.route.is_begun else "Nothing is answered yet"
            return write_head(place, title=title, help=self._say_finish())
        if place == VERSIONS:
            help = "Versions of your own answers are kept by themselves, and nobody else sees them."
            return write_head(place, title="Earlier versions", help=help)
        screen = self.route.screens[place]
        above = f"{screen.tab.label} · {screen.step} of {screen.steps}" if screen.steps > 1 else screen.tab.label
        return write_head(place, title=screen.title, help=screen.help, above=above)

    def _say_finish(self) -> str:
        if self.editor.problem or self.status.state == "failed":
            return "Not everything is saved yet: see what is said beside your name."
        n = len(self.finish.list_missing())
        if not n:
            return "Everything that is needed is answered and saved."
        still = "One needed question has" if n == 1 else f"{n} needed questions have"
        saved = "Everything you answered is saved. " if self.route.is_begun else ""
        return f"{saved}{still} no answer yet."

    def _update_footer(self) -> None:
        after, before = self.route.after(self.place), self.route.before(self.place)
        onward = self.route.screens.get(after)
        is_missing = self.place == FINISH and bool(self.finish.list_missing())
        said, hint = "Continue", f"Next: {onward.title}" if onward else ""
        if self.place == ABOUT and not self.route.is_begun:
            said = "Begin"
        elif is_missing:
            said, hint = "Answer what is missing", ""
        elif self.place == FINISH and onward:
            said, hint = f"Go on to {onward.tab.label}", f"If there is time: {onward.tab.minutes} min"
        elif self.place == VERSIONS:
            said, hint = "Back to the survey", ""
        self.onward.description = said
        self._hint.value = f"<p>{escape(hint)}</p>" if hint else ""
        _mark(self.onward, "is-primary", self.place != VERSIONS)
        _hide(self.onward, not after)
        _hide(self.back, not before or self.place == VERSIONS)

    def _go_on(self) -> None:
        missing = list(self.finish.list_missing()) if self.place == FINISH else []
        if missing:
            self.go_to_question(missing[0])
        else:
            self.go(self.route.after(self.place))

    def _changed(self, id: str, raw: Raw) -> None:
        state = self.editor.change(id, raw)
        self.controls[id].tell(state)
        self._show_generated(id)
        self._save_soon(id)

    def _save_soon(self, *ids: str) -> None:
        for id in ids:
            self.local_copy.note(id)
        self.status.show("saving")
        self.autosave.touch()

    def _take_up(self, ids: Sequence[str]) -> None:
        """Save what was typed on a page that had lost its connection, and say what has come back."""
        self._taken_up = tuple(dict.fromkeys([*self._taken_up, *ids]))
        self._save_soon()

    def _come_back(self, place: str) -> None:
        """Show the screen at which the person was before the page was loaded again."""
        if self.route.has(place) and place != self.place:
            self.go(place, is_first=True)

    def _show_generated(self, id: str) -> None:
        """Show the rows of a grid anew that are generated from what was just changed."""
        for other, control in self.controls.items():
            if control.field.rows_from and other != id:
                control.show(self.editor.read(other))

    def _saved(self, saved: Saved) -> None:
        """Show the outcome of a save, or what another window has saved."""
        if saved.status != "failed" and not self.editor.is_dirty:
            self.local_copy.confirm()
        for id in saved.changed:
            if id in self.controls:
                self.controls[id].show(self.editor.read(id))
                self._show_generated(id)
        self._update_banner()
        self._update_progress()
        if saved.status == "failed":
            self.status.show("failed", "see the message" if self.editor.problem else saved.message)
        elif self.editor.conflicts:
            self.status.show("conflict", "choose which answer to keep", at=saved.at)
        elif saved.status != "unchanged" or self.status.state in ("saving", "failed", "conflict"):
            self.status.show("saved", at=saved.at)
        if self.place == FINISH:
            self.go(FINISH, is_first=True)

    def _restored(self, saved: Saved) -> None:
        for id, control in self.controls.items():
            control.show(self.editor.read(id))
        self._saved(saved)

    def _update_progress(self) -> None:
        progress = self.editor.measure_progress()
        self.rail.show_progress(progress, is_known=self.editor.read(TEAM).is_answered)
        teams = {field.id: field for field in self.survey.respondent}
        team = teams["team"].allowed.get(self.editor.team, "") if "team" in teams else ""
        self.rail.show_who(self.editor.name, team)
        if self._on_progress:
            self._on_progress(progress)

    def _update_banner(self) -> None:
        """Tell what is wrong with the file, and which questions need a choice."""
        problem = self.editor.problem
        is_new = problem != self._problem
        if is_new:
            self._problem = problem
            for control in self.controls.values():
                control.disable(bool(problem))
        conflicts = self.editor.conflicts
        if {id: panel.conflict for id, panel in self._conflicts.items()} != conflicts:
            self._conflicts = {}
            for id in {*self._bodies_with_panels(), *conflicts}:
                self._show_conflict(id)
        parts: list[Widget] = [self.shared_layout.html(write_problem(problem))] if problem else []
        if conflicts:
            said = "One answer was" if len(conflicts) == 1 else f"{len(conflicts)} answers were"
            told = f"{said} also changed in another window of yours. Choose which to keep:"
            parts.append(self.shared_layout.html(f'<p class="red-conflict-title" role="alert">{told}</p>'))
            for id in conflicts:
                field = self.route.field_of(id, self.survey)
                link = self.shared_layout.button(field.short or field.label, "red-link")
                link.on_click(lambda _, id=id: self.go_to_question(id))
                parts.append(link)
        if self._taken_up:
            parts.append(self.shared_layout.html(f'<p role="status">{escape(self._say_taken_up())}</p>'))
        self._banner.children = parts
        _hide(self._banner, not parts)
        if is_new and problem and self.place:
            self.guide.go(PROBLEM)

    def _say_taken_up(self) -> str:
        fields = [self.route.field_of(id, self.survey) for id in self._taken_up]
        labels = ", ".join(field.short or field.label.rstrip("?") for field in fields)
        return f"The connection was lost before this could be saved, so it was brought back as you typed it: {labels}."

    def _bodies_with_panels(self) -> list[str]:
        return [id for id, control in self.controls.items() if control.beside is not None]

    def _show_conflict(self, id: str) -> None:
        control, conflict = self.controls.get(id), self.editor.read(id).conflict
        if conflict:
            panel = ConflictPanel(
                self.route.field_of(id, self.survey),
                conflict,
                shared_layout=self.shared_layout,
                on_choice=self._resolve,
                id=id,
            )
            self._conflicts[id] = panel
        if control:
            control.put_beside(self._conflicts[id].widget if conflict else None)

    def _resolve(self, id: str, keep: Keep) -> None:
        state = self.editor.resolve(id, keep)
        self._conflicts.pop(id, None)
        control = self.controls.get(id)
        if control:
            control.show(state)
            control.put_beside(None)
        self._show_generated(id)
        self._save_soon(id)


def show_survey_form(folder: Path, survey: Survey, *, currency: str = "USD", is_open: bool = False) -> Any:
    """Show the survey to whoever is there.

    Args:
        folder: The company's folder.
        survey: The survey's definition.
        currency: ISO code in which amounts are typed.
        is_open: Whether the tabs of the printed questionnaire are unfolded.

    Returns:
        Where a person is looking, a form that first asks who they are; the same name opens the same answers. Where
        nobody is, the questionnaire as it would be printed.
    """
    if not is_attended():
        from helpers.present.questionnaire import show_questionnaire

        return show_questionnaire(survey, currency=currency, is_open=is_open)

    def open_form(editor: ResponseEditor) -> Widget:
        from helpers.answers.survey import read_round

        is_closed = read_round(Path(folder))[0].is_closed
        form = SurveyForm(editor, survey, currency=currency, is_closed=is_closed, skip_welcome=True)
        form.status.cure = "Run this cell again and type the same name: you go on from there."
        return form.widget

    return SurveyEntry(Path(folder), survey, open_form=open_form).widget


def _hide(widget: Widget, is_hidden: bool) -> None:
    _mark(widget, "is-hidden", is_hidden)


def _mark(widget: Widget, name: str, is_set: bool) -> None:
    if is_set != (name in widget._dom_classes):
        (widget.add_class if is_set else widget.remove_class)(name)
