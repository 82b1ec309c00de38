"""The facilitator's page: people and their links, the round, and everything that may be seen once it is closed."""

import os
from typing import Any

from ipywidgets import HTML

from helpers.answers.invitations import Invitation, find_invitation
from helpers.present.forms.save_status import SaveStatus
from helpers.workshop.board_results import BoardResults
from helpers.workshop.closing import ClosingPart
from helpers.workshop.earlier import EarlierPart
from helpers.workshop.goal_results import GoalResults
from helpers.workshop.one_page import OnePagePart
from helpers.workshop.page_script import PageScript
from helpers.workshop.page_shell import Entry, PageShell, keep_looking
from helpers.workshop.people import PeoplePart
from helpers.workshop.people_progress import PeopleProgress
from helpers.workshop.results import DiscoveryResults, SurveyResults
from helpers.workshop.reviews import Reviews
from helpers.workshop.served_files import ROOT_VARIABLE, SHARED_VARIABLE
from helpers.workshop.spreadsheets import SpreadsheetPart

ROUND, FILES = "The round", "Files"


class FacilitatorPage:
    """The page of the person who leads the workshop.

    Args:
        reviews: The company's answers and CRM.
        guest: The facilitator.
        company: What readers call the company.
        currency: The company's currency.
    """

    def __init__(self, reviews: Reviews, guest: Invitation, *, company: str, currency: str) -> None:
        self._reviews, self._guest, self._currency = reviews, guest, currency
        self._people_progress = PeopleProgress(reviews.folder, reviews.survey)
        self._guide = PageScript()
        self.shell = PageShell(title=company, who=guest.name, entries=self._list_entries(), guide=self._guide)
        notebooks = HTML('<a href="/" target="_blank" rel="noopener">All notebooks</a>')
        self.shell.status.children = (SaveStatus(), notebooks)  # the first says so when the connection is lost

    def start(self) -> Any:
        """Begin to look for changes; return the page's widget."""
        keep_looking(self.look, self.shell.show_trouble)
        return self.shell.widget

    def look(self) -> None:
        """Let the open part see whether anything changed."""
        if find_invitation(self._reviews.folder, self._guest.token) is not None:
            self.shell.look()

    def _list_entries(self) -> list[Entry]:
        reviews, people_progress = self._reviews, self._people_progress
        discovery = DiscoveryResults(reviews, by=self._guest.name)
        return [
            Entry("people", "People", self._make_people, ROUND),
            Entry("round", "Close or begin", self._make_closing, ROUND),
            *SurveyResults(reviews, currency=self._currency).list_entries(),
            *discovery.list_entries(),
            *discovery.list_further_entries(),
            *GoalResults(reviews, by=self._guest.name).list_entries(),
            *BoardResults(reviews, by=self._guest.name).list_entries(),
            Entry("profile", "Company profile", lambda: OnePagePart(reviews, guide=self._guide), FILES),
            Entry("spreadsheets", "Spreadsheets", self._make_spreadsheets, FILES),
            Entry("earlier", "Earlier versions", lambda: EarlierPart(reviews, people_progress), FILES),
        ]

    def _make_closing(self) -> ClosingPart:
        return ClosingPart(self._reviews.folder, self._people_progress, guide=self._guide)

    def _make_spreadsheets(self) -> SpreadsheetPart:
        return SpreadsheetPart(self._reviews, self._people_progress, guide=self._guide, currency=self._currency)

    def _make_people(self) -> PeoplePart:
        return PeoplePart(
            self._reviews.folder,
            self._reviews.survey,
            self._people_progress,
            root=os.environ.get(ROOT_VARIABLE, ""),
            is_shared=bool(os.environ.get(SHARED_VARIABLE)),
            guide=self._guide,
        )
