"""The company on one page: shown, and as a file that prints on one side of paper."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ipywidgets import Button, HBox, VBox

from helpers.workshop.page_script import HTML_PAGE, PageScript
from helpers.workshop.reviews import Reviews
from helpers.workshop.views import Shown, View

if TYPE_CHECKING:
    from helpers.analyses.profile import Profile

FILE = "company-profile.html"


class OnePagePart:
    """The part of the facilitator's page with the company's profile.

    Args:
        reviews: The company's answers and CRM.
        guide: Hands over the file.
    """

    def __init__(self, reviews: Reviews, *, guide: PageScript) -> None:
        self._reviews, self._guide = reviews, guide
        self._profile: Profile | None = None
        self.download = Button(description="Download the page", disabled=True).add_class("shell-button")
        self.download.add_class("primary").add_class("fld-download-profile").on_click(lambda _: self._hand_over())
        lead = "What people and the CRM say of the company, on one side of paper: download it and print it."
        self._view = View("Company profile", lead, self._show, stamp=reviews.stamp)
        self.widget = VBox([HBox([self.download]).add_class("shell-corner"), self._view.widget])

    def open(self) -> None:
        """Show the profile as it is now."""
        self._view.open()

    def look(self) -> None:
        """Show it anew where something has changed."""
        self._view.look()
        self.download.disabled = self._profile is None

    def _show(self) -> Sequence[Shown]:
        from helpers.present.profile import show_profile

        self._profile = self._reviews.build_profile()
        return [show_profile(self._profile)]

    def _hand_over(self) -> None:
        from helpers.present.profile import write_profile_page

        if self._profile is not None:
            self._guide.download(FILE, write_profile_page(self._profile).encode(), kind=HTML_PAGE)
