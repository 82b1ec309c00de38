"""The facilitator's tools in a notebook: one line until it is unfolded, then the same parts as in the app."""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from ipywidgets import HTML, Button, HBox, VBox, Widget

from helpers.answers.survey import Round
from helpers.model.survey import Survey, load_survey
from helpers.present import theme
from helpers.present.forms.attendance import APP_VARIABLE
from helpers.present.forms.style import style_widget
from helpers.present.words import clean_text, count_of
from helpers.workshop import earlier, spreadsheets
from helpers.workshop.closing import ClosingPart
from helpers.workshop.earlier import EarlierPart
from helpers.workshop.embedding import embed_message
from helpers.workshop.page_script import PageScript
from helpers.workshop.page_shell import Entry, Part, guarded, keep_looking
from helpers.workshop.people_progress import PeopleProgress
from helpers.workshop.reviews import Reviews
from helpers.workshop.spreadsheets import SpreadsheetPart

SURVEY, MATRIX = "survey", "matrix"

TITLES: Mapping[str, str] = {
    SURVEY: "For the person who leads the workshop",
    MATRIX: "The matrix as a spreadsheet, and its earlier versions",
}
"""What the panel is about → what its one line says."""

RUN_ALL = "choose Run, then Run All Cells, in JupyterLab's menu"
LOAD_AGAIN = "load the page again"


class FacilitatorPanel:
    """The parts that a facilitator needs beside a notebook's own cells; each is made when it is first opened.

    Args:
        folder: The company's folder.
        survey: The survey's definition; the shipped one where None.
        currency: The company's currency.
        about: ``survey``: the round, spreadsheets and earlier versions of answers; ``matrix``: the matrix's spreadsheet
            and its earlier versions.
    """

    def __init__(
        self, folder: Path, survey: Survey | None = None, *, currency: str = "USD", about: str = SURVEY
    ) -> None:
        self._reviews = Reviews(Path(folder), survey or load_survey())
        self._people_progress = PeopleProgress(self._reviews.folder, self._reviews.survey)
        self._currency, self._about = currency, about
        self._guide = PageScript()
        self._first = self._reviews.round
        self._parts: dict[str, Part] = {}
        self._current: Part | None = None
        self.fold = Button(description=TITLES[about]).add_class("panel-fold")
        self.fold.on_click(lambda _: self.unfold(not self._body.children))
        self.rerun = Button(description="Show what holds now").add_class("shell-button").add_class("primary")
        self.rerun.add_class("fld-rerun").on_click(lambda _: self._guide.rerun())
        self.tabs = {entry.id: self._make_tab(entry) for entry in self._list_entries()}
        self._note = HTML().add_class("panel-note")
        self._body = VBox().add_class("panel-body-place")
        style = HTML(f"<style>{_panel_css()}</style>").add_class("red-style")
        head = HBox([self.fold, self._note]).add_class("panel-head")
        self.widget = VBox([style_widget(), style, self._guide, head, self._body])
        for name in ("red", "shell", "panel", f"panel-{about}"):
            self.widget.add_class(name)
        self._tell()

    def start(self) -> Widget:
        """Begin to look for changes; return the panel's widget."""
        keep_looking(self.look)
        return self.widget

    def look(self) -> None:
        """Let the open part see whether anything changed."""
        if self.widget.comm is None:
            return
        self._tell()
        if self._current is not None and self._body.children:
            self._current.look()

    def unfold(self, is_open: bool = True) -> None:
        """Unfold the panel, or fold it again."""
        (self.fold.add_class if is_open else self.fold.remove_class)("is-open")
        if is_open and self._current is None:
            self.open(next(iter(self.tabs)))
        tabs = HBox(list(self.tabs.values())).add_class("panel-tabs")
        inside = [tabs, self._current.widget] if self._current else [tabs]
        self._body.children = (VBox(inside).add_class("panel-body"),) if is_open else ()

    def open(self, id: str) -> None:
        """Open one part."""
        entry = next(entry for entry in self._list_entries() if entry.id == id)
        for name, button in self.tabs.items():
            (button.add_class if name == id else button.remove_class)("is-current")
        if id not in self._parts:
            self._parts[id] = guarded(entry.make)
        self._current = self._parts[id]
        self._current.open()
        if self._body.children:
            self.unfold()

    def _list_entries(self) -> list[Entry]:
        closing = [Entry("round", "The round", self._make_closing)] if self._about == SURVEY else []
        return [
            *closing,
            Entry("spreadsheets", "Spreadsheets", self._make_spreadsheets),
            Entry("earlier", "Earlier versions", self._make_earlier),
        ]

    def _make_tab(self, entry: Entry) -> Button:
        button = Button(description=entry.label).add_class(f"part-{entry.id}")
        button.on_click(lambda _: self.open(entry.id))
        return button

    def _make_closing(self) -> ClosingPart:
        return ClosingPart(self._reviews.folder, self._people_progress, guide=self._guide, add=self._ask_for_new_run)

    def _make_spreadsheets(self) -> SpreadsheetPart:
        return SpreadsheetPart(
            self._reviews,
            self._people_progress,
            guide=self._guide,
            currency=self._currency,
            offers=[spreadsheets.SURVEY if self._about == SURVEY else spreadsheets.MATRIX],
        )

    def _make_earlier(self) -> EarlierPart:
        offers = [earlier.ANSWERS if self._about == SURVEY else earlier.MATRIX]
        return EarlierPart(self._reviews, self._people_progress, offers=offers)

    def _ask_for_new_run(self, state: Round) -> list[Widget]:
        """Say that the pages below were made before the round changed, and offer to make them anew."""
        then, now = ((one.is_closed, one.label, one.hides_names) for one in (self._first, state))
        if then == now:
            return []
        way = LOAD_AGAIN if os.environ.get(APP_VARIABLE) else RUN_ALL
        title = "What stands below was made before that"
        if not self._guide.can_rerun:
            return [embed_message("warning", title, "", f"To see what holds now, {way}.")]
        (self.rerun.add_class if state.is_closed else self.rerun.remove_class)("primary")  # while open, closing is it
        told = embed_message("warning", title, f"Press the button, or {way}.")
        return [told, HBox([self.rerun]).add_class("shell-actions")]

    def _tell(self) -> None:
        """Say how things stand beside the title, by counts alone."""
        if self._about != SURVEY:
            return
        state, people = self._reviews.round, self._people_progress.list_people()
        done = sum(one.is_done for one in people)
        label = f" {clean_text(state.label)}" if state.label else ""
        said = f"The round{label} is {'closed' if state.is_closed else 'open'}"
        told = f"<p>{said}, {done} of {count_of(len(people), 'person', 'people')} done</p>"
        if self._note.value != told:
            self._note.value = told


@cache
def _panel_css() -> str:
    return "\n".join(
        (theme.TEMPLATES / "app" / name).read_text(encoding="utf-8") for name in ("parts.css", "panel.css")
    )
