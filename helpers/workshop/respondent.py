"""A respondent's page: the survey, and once the round is closed what everybody said and what the CRM says to it."""

from contextlib import suppress
from typing import Any

from ipywidgets import VBox, Widget

from helpers.answers.editing import ResponseEditor
from helpers.answers.invitations import Invitation, find_invitation
from helpers.errors import AnswersError
from helpers.present.forms.survey_form import SurveyForm
from helpers.workshop.board_results import BoardResults
from helpers.workshop.embedding import embed_message
from helpers.workshop.goal_results import GoalResults
from helpers.workshop.page_shell import Entry, PageShell, keep_looking
from helpers.workshop.results import DiscoveryResults, SurveyResults
from helpers.workshop.reviews import Reviews


class SurveyPart:
    """The survey as one person fills it in."""

    def __init__(self, reviews: Reviews, guest: Invitation, *, currency: str) -> None:
        editor = ResponseEditor(reviews.folder, reviews.survey, name=guest.name, team=guest.team, role=guest.role)
        is_closed = reviews.round.is_closed
        self.form = SurveyForm(editor, reviews.survey, currency=currency, is_closed=is_closed)
        self.widget: Widget = self.form.widget

    def open(self) -> None:
        """Show the form as it stands; it looks after itself."""

    def look(self) -> None:
        """Leave the form to itself; it sees by itself what other windows saved."""


class RespondentPage:
    """The page of somebody who was invited.

    Args:
        reviews: The company's answers and CRM; nothing of them is read before the round is closed.
        guest: Whose page it is.
        company: What readers call the company.
        currency: The company's currency.
    """

    def __init__(self, reviews: Reviews, guest: Invitation, *, company: str, currency: str) -> None:
        self._reviews, self._guest, self._currency = reviews, guest, currency
        self._survey = SurveyPart(reviews, guest, currency=currency)
        self._own = Entry("survey", "My answers", lambda: self._survey)
        self._is_closed: bool | None = None
        self.shell = PageShell(title=company, who=guest.name, entries=[self._own], is_bar=True)
        self.widget = VBox([self.shell.widget]).add_class("shell-page")
        with suppress(AnswersError):  # it is told as soon as the page looks by itself
            self.look()

    def start(self) -> Any:
        """Begin to look for the round to be closed; return the page's widget."""
        keep_looking(self.look, self.shell.show_trouble)
        return self.widget

    def look(self) -> None:
        """Show what may be seen by now, and nothing to somebody whose link was withdrawn.

        Raises:
            AnswersError: The invitations can't be read; who is in stays in, and the page goes on.
        """
        unreadable = None
        try:
            is_invited = find_invitation(self._reviews.folder, self._guest.token) is not None
        except AnswersError as error:
            is_invited, unreadable = True, error
        if not is_invited:
            self.widget.children = (
                embed_message(
                    "warning",
                    "Your link has been withdrawn",
                    "Everything that you saved is kept.",
                    "Ask for a new one.",
                ),
            )
            return
        is_closed = self._reviews.round.is_closed
        if is_closed != self._is_closed:
            self._is_closed = is_closed
            self.shell.offer([self._own, *(self._list_results() if is_closed else [])])
        self.shell.look()
        if unreadable:
            raise unreadable

    def _list_results(self) -> list[Entry]:
        survey = SurveyResults(self._reviews, currency=self._currency)
        discovery = DiscoveryResults(self._reviews, by=self._guest.name)
        goals = GoalResults(self._reviews, by=self._guest.name)
        board = BoardResults(self._reviews, by=self._guest.name)
        return [
            *survey.list_entries(),
            *discovery.list_entries(),
            *goals.list_own_entries(),
            *board.list_entries(),
        ]
