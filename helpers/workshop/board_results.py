"""The part in which people say why a number was missed, and what they do about it."""

from collections.abc import Sequence

from helpers.workshop.page_shell import Entry
from helpers.workshop.reviews import Reviews
from helpers.workshop.views import Shown, View

WHY = "Why it was missed"


class BoardResults:
    """The 5M board, the same for whoever leads the workshop and for everybody invited.

    Args:
        reviews: Computes what the data shows.
        by: Who looks, and writes on the board.
    """

    def __init__(self, reviews: Reviews, *, by: str) -> None:
        self._reviews, self._by = reviews, by

    def list_entries(self) -> list[Entry]:
        """List the parts."""
        return [Entry("board", "Board", self.make_board, WHY)]

    def make_board(self) -> View:
        """Make the board, to be filled in together; it looks by itself for what others write."""
        return View("Board", "", self._show_board, stamp=self._stamp, is_live=False)

    def _stamp(self) -> tuple[object, object]:
        return self._reviews.stamp_exports(), self._reviews.hides_names

    def _show_board(self) -> Sequence[Shown]:
        from helpers.analyses.gap import explain_gap
        from helpers.present.forms.board_entry import find_effects, open_board_form

        book = self._reviews.open_book()
        asked = {"period": book.period, "compared": book.compared, "history": book.history, "as_of": book.as_of}
        gap = explain_gap(book.company, **asked, compare_to=book.compare_to)
        effects = find_effects(book)
        return [lambda: open_board_form(book, gap, by=self._by, effects=effects)]
