"""The parts that show results, the same for the facilitator and, once the round is closed, for everybody."""

from collections.abc import Callable, Hashable, Sequence

from ipywidgets import Widget

from helpers.analyses.survey_review import SurveyReview
from helpers.present import group_view, stage_view
from helpers.present.display import Display
from helpers.present.icp_value_view import show_icp_value, show_icp_values
from helpers.workshop.page_shell import Entry
from helpers.workshop.reviews import Reviews
from helpers.workshop.views import Shown, View

SURVEY, CRM, KPIS = "What people said", "What the CRM says", "What can be tracked"


class SurveyResults:
    """The parts on what people said, and on what the CRM says to it.

    Args:
        reviews: Computes what they show.
        currency: The company's currency.
    """

    def __init__(self, reviews: Reviews, *, currency: str) -> None:
        self._reviews, self._currency = reviews, currency

    def list_entries(self) -> list[Entry]:
        """List the parts."""
        return [
            Entry("said", "What we said", self.make_said, SURVEY),
            Entry("words", "What our words mean", self.make_words, SURVEY),
            Entry("answers", "All answers", self.make_answers, SURVEY),
            Entry("gut", "Gut against CRM", self.make_gut, CRM),
            Entry("icp", "Ideal customer", self.make_icp, CRM),
            Entry("stages", "Stage evidence", self.make_stages, CRM),
            Entry("next", "What to do next", self.make_next, CRM),
        ]

    def make_said(self) -> View:
        """Make the part on where people disagree."""
        money = {"currency": self._currency}
        return self._view(
            "What we said",
            "The strongest disagreement first. Let each side say what it has seen.",
            lambda review: [
                group_view.show_discussion(review, **money),
                group_view.show_priorities(review),
                group_view.show_disagreements(review),
            ],
        )

    def make_words(self) -> View:
        """Make the part on what the words mean."""
        return self._view(
            "What our words mean",
            "Most disputes about numbers are disputes about words. Agree on one meaning each before you go on.",
            lambda review: [group_view.show_definitions(review)],
        )

    def make_answers(self) -> View:
        """Make the part with all answers side by side."""
        return self._view(
            "All answers",
            "Every question with everybody's answer beside it.",
            lambda review: [group_view.show_answers(review, currency=self._currency)],
        )

    def make_gut(self) -> View:
        """Make the part on gut answers beside the CRM."""
        return self._view(
            "Gut against CRM",
            "Where all people lie on one side of the CRM, the whole company plans with a wrong number.",
            lambda review: [
                group_view.show_gut(review, currency=self._currency),
                group_view.show_gut_table(review),
            ],
        )

    def make_icp(self) -> View:
        """Make the part on the ideal customer."""
        return self._view(
            "Ideal customer",
            "What people call a good fit, beside the deals that were won.",
            lambda review: [
                group_view.show_icp_wins(review),
                group_view.show_icp(review, currency=self._currency),
                show_icp_value(review, currency=self._currency),
                show_icp_values(review, currency=self._currency),
                group_view.show_offending(review, currency=self._currency),
            ],
        )

    def make_stages(self) -> View:
        """Make the part on what must have been heard before a deal moves on."""
        return self._view(
            "Stage evidence",
            "What the customer must have said before a deal moves on, and the open deals that lack it.",
            lambda review: stage_view.show_stages(review.stage_evidence, currency=self._currency),
        )

    def make_next(self) -> View:
        """Make the part with the findings."""
        return self._view(
            "What to do next",
            "What was found, the most important first.",
            lambda review: [group_view.show_next_steps(review, currency=self._currency)],
        )

    def _view(self, title: str, lead: str, show: Callable[[SurveyReview], Sequence[Display]]) -> View:
        def compute() -> Sequence[Display]:
            review = self._reviews.review_survey()
            return show(review) if review.is_closed else [group_view.show_round(review)]

        return View(title, lead, compute, stamp=self._reviews.stamp)


class DiscoveryResults:
    """The parts on what can be tracked.

    Args:
        reviews: Computes what they show.
        by: Who looks, and decides in the matrix.
    """

    def __init__(self, reviews: Reviews, *, by: str) -> None:
        self._reviews, self._by = reviews, by

    def list_entries(self) -> list[Entry]:
        """List the parts for somebody who decides together with the others."""
        return [Entry("matrix", "Discovery matrix", self.make_matrix, KPIS)]

    def list_further_entries(self) -> list[Entry]:
        """List the parts that only the facilitator needs."""
        return [
            Entry("trend", "Quarter by quarter", self.make_trend, KPIS),
            Entry("rollups", "Roll-ups", self.make_rollups, KPIS),
            Entry("dictionary", "Data dictionary", self.make_dictionary, KPIS),
        ]

    def make_matrix(self) -> View:
        """Make the discovery matrix, to be filled in together; it looks by itself for what others decide."""

        def stamp() -> Hashable:
            return self._reviews.stamp_exports(), self._reviews.hides_names

        return View("Discovery matrix", "", self._show_matrix, stamp=stamp, is_live=False)

    def make_trend(self) -> View:
        """Make the part on how judgements moved."""
        return self._view(
            "Quarter by quarter",
            "What has turned since the last workshop, and what is late.",
            self._show_trend,
        )

    def make_rollups(self) -> View:
        """Make the part on layers."""
        return self._view(
            "Roll-ups",
            "Whether a number can be followed from the form that brought a lead to the motion, and back.",
            self._show_rollups,
        )

    def make_dictionary(self) -> View:
        """Make the data dictionary."""
        return self._view(
            "Data dictionary",
            "Every field of the exports, what it means here, and what it feeds. It is made anew from the exports.",
            self._show_dictionary,
        )

    def _view(self, title: str, lead: str, compute: Callable[[], Sequence[Shown]]) -> View:
        return View(title, lead, compute, stamp=self._reviews.stamp)

    def _show_matrix(self) -> Sequence[Shown]:
        review = self._reviews.review_discovery()

        def make() -> Widget:
            from helpers.present.forms.matrix_editor import show_matrix_editor

            return show_matrix_editor(self._reviews.folder, review, by=self._by)

        return [make]

    def _show_trend(self) -> Sequence[Shown]:
        from helpers.present import trend_view
        from helpers.present.decision_fault import show_fault

        review = self._reviews.review_discovery()
        if review.fault and review.trend.quarters.empty:
            return [show_fault(review)]
        shows = (trend_view.show_judgement_trend, trend_view.show_judgement_changes, trend_view.show_overdue)
        return [show(review) for show in shows]

    def _show_rollups(self) -> Sequence[Shown]:
        from helpers.present import rollup_view

        review = self._reviews.review_discovery()
        return [
            rollup_view.show_rollup_layers(review),
            rollup_view.show_rollup_gaps(review),
            rollup_view.show_rollup_values(review),
            rollup_view.show_stated_values(review),
            rollup_view.show_rollup_suggestion(review),
        ]

    def _show_dictionary(self) -> Sequence[Shown]:
        from helpers.analyses.data_dictionary import build_data_dictionary
        from helpers.present.dictionary_view import show_data_dictionary, show_unused_fields

        book = self._reviews.open_book()
        dictionary = build_data_dictionary(book.company, as_of=book.as_of, survey=self._reviews.survey)
        return [show_data_dictionary(dictionary), show_unused_fields(dictionary)]
