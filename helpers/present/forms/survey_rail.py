"""The rail: whose answers these are, how far each tab is, and the way to any of them."""

from collections.abc import Callable, Mapping
from html import escape

from ipywidgets import Button, VBox, Widget

from helpers.answers.editing import Progress
from helpers.model.survey import Survey, SurveyTab
from helpers.present.forms.shared_layout import SharedLayout

ABOUT, FINISH, VERSIONS = "about", "finish", "versions"
"""Places of the rail that are no tab of the survey."""


class Rail:
    """List the tabs with their progress; the four main ones first, the others under "If there is time".

    Args:
        survey: The survey's definition.
        shared_layout: The layout and styles shared by all widgets of the form.
        status: The widget that says whether everything is saved.
        on_go: Called with the id of the tab, or one of the places above, that somebody wants to go to.
    """

    def __init__(
        self, survey: Survey, *, shared_layout: SharedLayout, status: Widget, on_go: Callable[[str], None]
    ) -> None:
        self._tabs, self._shared_layout, self._on_go = survey.tabs, shared_layout, on_go
        self.buttons: dict[str, Button] = {}
        self._who = shared_layout.html("", "red-who")
        core = [self._make(tab.id) for tab in survey.tabs.values() if tab.is_core]
        others = [self._make(tab.id) for tab in survey.tabs.values() if not tab.is_core]
        heading = [shared_layout.html('<p class="red-rail-heading">If there is time</p>')] if others else []
        ends = [self._make(FINISH, "Finish"), self._make(VERSIONS, "Earlier versions")]
        self.buttons[VERSIONS].add_class("is-quiet")
        items = [self._make(ABOUT, "About you"), *core, *heading, *others, *ends]
        tabs = VBox(items, layout=shared_layout.layout).add_class("red-tabs")
        self.widget = VBox([self._who, status, tabs], layout=shared_layout.layout).add_class("red-rail")

    def show_who(self, name: str, team: str) -> None:
        """Say whose answers these are."""
        under = f'<p class="red-team">{escape(team)}</p>' if team else ""
        self._who.value = f'<p class="red-name">{escape(name)}</p>{under}'

    def show_current(self, place: str) -> None:
        """Mark where the person is."""
        for id, button in self.buttons.items():
            _mark(button, "is-current", id == place)

    def show_progress(self, progress: Mapping[str, Progress], *, is_known: bool) -> None:
        """Tell how far each tab is.

        Args:
            progress: Tab's id → progress.
            is_known: Whether the person has said which team they belong to.
        """
        for id, tab in self._tabs.items():
            found = progress[id]
            button = self.buttons[id]
            button.description = f"{tab.label}\n{_say_progress(tab, found)}"
            _mark(button, "is-done", found.is_done)
            for tenth in range(1, 11):
                _mark(button, f"is-{tenth}0", tenth == round(10 * found.answered / max(1, found.total)))
        missing = sum(len(found.missing) for found in progress.values()) + (not is_known)
        said = f"{missing} needed still missing" if missing else "Nothing missing"
        self.buttons[FINISH].description = f"Finish\n{said}"
        _mark(self.buttons[FINISH], "is-done", not missing)
        _mark(self.buttons[ABOUT], "is-done", is_known)

    def _make(self, id: str, text: str = "") -> Button:
        tab = self._tabs.get(id)
        button = self._shared_layout.button(text or (tab.label if tab else id), "red-tab")
        button.on_click(lambda _: self._on_go(id))
        self.buttons[id] = button
        return button


def _say_progress(tab: SurveyTab, progress: Progress) -> str:
    if not progress.answered:
        return f"{tab.minutes} min"
    if progress.is_done and progress.answered < progress.total:
        return f"{progress.answered} of {progress.total}, all needed ones"
    return f"{progress.answered} of {progress.total} answered"


def _mark(widget: Button, name: str, is_set: bool) -> None:
    if is_set != (name in widget._dom_classes):
        (widget.add_class if is_set else widget.remove_class)(name)
