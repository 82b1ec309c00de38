"""The parts that show results, the same for the facilitator and, once the round is closed, for everybody."""

from collections.abc import Sequence

from helpers.present.display import Display
from helpers.workshop.desk import Entry
from helpers.workshop.reviews import Reviews
from helpers.workshop.views import View

SURVEY, CRM = "What people said", "What the CRM says"


def list_results(reviews: Reviews, *, currency: str) -> list[Entry]:
    """List the parts on what people said, and on what the CRM says to it.

    Args:
        reviews: Computes what they show.
        currency: The company's currency.
    """
    makes = ResultParts(reviews, currency)
    return [
        Entry("said", "What we said", makes.make_said, SURVEY),
        Entry("words", "What our words mean", makes.make_words, SURVEY),
        Entry("gut", "Gut against CRM", makes.make_gut, CRM),
        Entry("icp", "Ideal customer", makes.make_icp, CRM),
    ]


class ResultParts:
    """Makes the parts; each computes beside the page."""

    def __init__(self, reviews: Reviews, currency: str) -> None:
        self._reviews, self._currency = reviews, currency

    def make_said(self) -> View:
        """Make the part on where people disagree."""
        return self._view(
            "What we said", "The strongest disagreement first. Let each side say what it has seen.", self._show_said
        )

    def make_words(self) -> View:
        """Make the part on what the words mean."""
        return self._view(
            "What our words mean",
            "Most disputes about numbers are disputes about words. Agree on one meaning each before you go on.",
            self._show_words,
        )

    def make_gut(self) -> View:
        """Make the part on gut answers beside the CRM."""
        return self._view(
            "Gut against CRM",
            "Each dot is one person, the diamond is what the CRM says. Where all dots lie on one side, the whole "
            "company plans with a wrong number.",
            self._show_gut,
        )

    def make_icp(self) -> View:
        """Make the part on the ideal customer."""
        return self._view(
            "Ideal customer",
            "What people call a good fit, beside the deals that were won.",
            self._show_icp,
        )

    def _view(self, title: str, lead: str, compute) -> View:
        return View(title, lead, compute, stamp=self._reviews.stamp)

    def _show_said(self) -> Sequence[Display]:
        from helpers.present import group_view as views

        review = self._reviews.review_survey()
        if not review.is_closed:
            return [views.show_round(review)]
        return [views.show_priorities(review), views.show_disagreements(review)]

    def _show_words(self) -> Sequence[Display]:
        from helpers.present import group_view as views

        review = self._reviews.review_survey()
        return [views.show_definitions(review) if review.is_closed else views.show_round(review)]

    def _show_gut(self) -> Sequence[Display]:
        from helpers.present import group_view as views

        review = self._reviews.review_survey()
        if not review.is_closed:
            return [views.show_round(review)]
        return [views.show_gut(review, currency=self._currency), views.show_gut_table(review)]

    def _show_icp(self) -> Sequence[Display]:
        from helpers.present import group_view as views

        review = self._reviews.review_survey()
        if not review.is_closed:
            return [views.show_round(review)]
        return [views.show_icp(review, currency=self._currency), views.show_offending(review, currency=self._currency)]
