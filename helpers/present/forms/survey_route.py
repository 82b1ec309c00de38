"""The way through the survey: which screen comes after which, and where somebody carries on."""

from collections.abc import Sequence

from helpers.answers.editing import ResponseEditor
from helpers.model.survey import Survey, SurveyField
from helpers.present.forms.survey_rail import ABOUT, FINISH, VERSIONS
from helpers.present.forms.survey_screens import Screen


class Route:
    """The order of the screens.

    First who somebody is, then the main tabs, then the finish; whoever has time goes on from there to the other tabs
    and comes back to it.

    Args:
        screens: The survey's screens in order.
        editor: Holds the answers, by which it is told where somebody left off.
    """

    def __init__(self, screens: Sequence[Screen], editor: ResponseEditor) -> None:
        self.screens = {screen.id: screen for screen in screens}
        self._editor = editor
        core = [screen.id for screen in screens if screen.tab.is_core]
        others = [screen.id for screen in screens if not screen.tab.is_core]
        self._order = [ABOUT, *core, FINISH, *others]
        self._left: str = ABOUT

    @property
    def is_begun(self) -> bool:
        """Whether anything was answered yet."""
        return any(found.answered for found in self._editor.measure_progress().values())

    def start(self, *, skip_welcome: bool = False) -> str:
        """Return the screen on which somebody begins, or carries on: the first where something needed is missing."""
        first = self._order[1] if len(self._order) > 1 else ABOUT
        if not self.is_begun and not skip_welcome:
            return ABOUT
        for id in self._order:
            screen = self.screens.get(id)
            if screen and any(field.required and not self._is_answered(field.id) for field in screen.fields):
                return id
        return first

    def has(self, place: str) -> bool:
        """Tell whether there is such a screen."""
        return place in self._order or place == VERSIONS

    def after(self, place: str) -> str:
        """Return the screen after one; empty at the end."""
        if place == VERSIONS:
            return self._left
        at = self._order.index(place)
        if at + 1 < len(self._order):
            return self._order[at + 1]
        return FINISH if place != FINISH else ""

    def before(self, place: str) -> str:
        """Return the screen before one; empty at the beginning."""
        if place == VERSIONS:
            return self._left
        at = self._order.index(place)
        return self._order[at - 1] if at else ""

    def first_of(self, part: str) -> str:
        """Return the first screen of a tab; a place that is no tab is its own screen."""
        return next((id for id, screen in self.screens.items() if screen.tab.id == part), part)

    def part_of(self, place: str) -> str:
        """Return what the rail marks for a screen, and remember it as where somebody comes back to."""
        if place != VERSIONS:
            self._left = place
        screen = self.screens.get(place)
        return screen.tab.id if screen else place

    def screen_of(self, field: str) -> str:
        """Return the screen on which a question stands."""
        for id, screen in self.screens.items():
            if any(one.id == field for one in screen.fields):
                return id
        return ABOUT

    def field_of(self, id: str, survey: Survey) -> SurveyField:
        """Return a question by the id under which the editor knows it."""
        bare = id.removeprefix("respondent.")
        if bare != id:
            return next(field for field in survey.respondent if field.id == bare)
        return survey.field(id)

    def _is_answered(self, field: str) -> bool:
        return self._editor.read(field).is_answered
