"""The parts in which goals are set: the matrix, the cascade down to people, the sources' forecasts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from helpers.workshop.page_shell import Entry
from helpers.workshop.reviews import Reviews
from helpers.workshop.views import Shown, View

if TYPE_CHECKING:
    from helpers.analyses.goal_review import GoalReview
    from helpers.workbook import Workbook

GOALS = "What we want"


class GoalResults:
    """The parts in which goals are set.

    Args:
        reviews: Computes what is expected.
        by: Who looks, and sets goals.
    """

    def __init__(self, reviews: Reviews, *, by: str) -> None:
        self._reviews, self._by = reviews, by

    def list_entries(self) -> list[Entry]:
        """List the parts for whoever leads the workshop."""
        return [
            Entry("goals", "Goals", self.make_goals, GOALS),
            Entry("cascade", "Cascade", self.make_cascade, GOALS),
            Entry("sources", "Source forecasts", self.make_sources, GOALS),
        ]

    def list_own_entries(self) -> list[Entry]:
        """List the parts for somebody who was invited: what an owner of a source forecasts under their own name."""
        return [Entry("sources", "Source forecasts", self.make_own_sources, GOALS)]

    def make_goals(self) -> View:
        """Make the goal matrix, to be edited; it looks by itself for what others set."""
        return View("Goals", "", self._show_goals, stamp=self._reviews.stamp_exports, is_live=False)

    def make_cascade(self) -> View:
        """Make the cascade, to be edited and talked about; it looks by itself for what others do."""
        return View("Cascade", "", self._show_cascade, stamp=self._reviews.stamp_goals, is_live=False)

    def make_sources(self) -> View:
        """Make the forecasts of the sources' owners, who can sit down at one screen one after the other."""
        return self._make_sources(can_change=True)

    def make_own_sources(self) -> View:
        """Make the forecasts of one owner, under the name of the invitation."""
        return self._make_sources(can_change=False)

    def _make_sources(self, *, can_change: bool) -> View:
        def show() -> Sequence[Shown]:
            return self._show_sources(can_change=can_change)

        return View("Source forecasts", "", show, stamp=self._reviews.stamp_goals, is_live=False)

    def _show_goals(self) -> Sequence[Shown]:
        from helpers.present.forms.goal_opening import open_goal_editor

        book, review = self._review()
        if review.matrix.empty:
            return [open_goal_editor(book, review)]
        return [lambda: open_goal_editor(book, review, by=self._by)]

    def _show_cascade(self) -> Sequence[Shown]:
        from helpers.analyses.cascade import review_cascade
        from helpers.present.forms.cascade_entry import open_cascade_form

        book, goals = self._review()
        review = review_cascade(book.company, book.cells, as_of=book.as_of, matrix=goals.matrix)
        return [lambda: open_cascade_form(book, review=review, by=self._by)]

    def _show_sources(self, *, can_change: bool) -> Sequence[Shown]:
        from helpers.analyses.coverage_review import review_coverage
        from helpers.analyses.source_forecast_review import review_source_forecasts
        from helpers.present.display import show_message
        from helpers.present.forms.source_forecast_form import can_forecast, show_source_forecast_form

        book, goals = self._review()
        asked = {"as_of": book.as_of, "grain": book.period.grain}
        coverage = review_coverage(book.company, **asked, derived=goals.targets).coverage
        review = review_source_forecasts(book.company, coverage, **asked)
        if not can_forecast(review):
            return [show_message("empty", review.title, review.reason, review.cure)]
        return [
            lambda: show_source_forecast_form(
                book.company, coverage, **asked, review=review, by=self._by, can_change=can_change
            )
        ]

    def _review(self) -> "tuple[Workbook, GoalReview]":
        return self._reviews.open_book(), self._reviews.review_goals()
