"""Earlier versions of the matrix and of people's answers, to be brought back; of answers only when and how many."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from html import escape

from ipywidgets import HTML, Button, Dropdown, HBox, VBox

from helpers.answers.discovery import TOPIC
from helpers.answers.editing import ResponseEditor
from helpers.answers.files import list_version_times, read_topic, read_version, restore_version
from helpers.answers.response_versions import choose_listed
from helpers.errors import AnswersError, DiagnosticError
from helpers.present.words import clean_text, count_of
from helpers.workshop.embedding import embed_heading, embed_message
from helpers.workshop.page_shell import say_moment
from helpers.workshop.people_progress import PeopleProgress
from helpers.workshop.reviews import Reviews

LEAD = "Everything that was saved is kept. What you bring back replaces what is there now, which is kept in turn."
DECISIONS = ("Decisions in the matrix", "")
NOBODY = ("Nobody has answered yet", "")
ANSWERS, MATRIX = "answers", "matrix"
TABLES = ("judgement", "copy", "activation")
LISTED = 12

Row = tuple[str, Callable[[], None]]


class EarlierPart:
    """The part of the facilitator's page about earlier versions.

    Args:
        reviews: The company's answers.
        people_progress: Who takes part.
        offers: Of what versions can be brought back.
    """

    def __init__(
        self, reviews: Reviews, people_progress: PeopleProgress, *, offers: Collection[str] = (ANSWERS, MATRIX)
    ) -> None:
        self._reviews, self._people_progress, self._offers = reviews, people_progress, offers
        self.whose = Dropdown(description="Of what", options=[DECISIONS if MATRIX in offers else NOBODY], value="")
        self.whose.add_class("shell-field").add_class("fld-whose")
        self.whose.observe(lambda change: self._show(), names="value")
        self._told, self._list = VBox(), VBox().add_class("shell-versions")
        whose = [self.whose] if ANSWERS in offers else []
        self.widget = VBox([embed_heading("Earlier versions", LEAD), *whose, self._told, self._list])

    def open(self) -> None:
        """List what there is now."""
        people = [(f"Answers of {clean_text(one.name)}", one.name) for one in self._people_progress.list_people()]
        people = people if ANSWERS in self._offers else []
        offered = [*([DECISIONS] if MATRIX in self._offers else []), *people] or [NOBODY]
        chosen = self.whose.value
        if list(self.whose.options) != offered:
            self.whose.options = offered
            known = [name for _, name in offered]
            self.whose.value = chosen if chosen in known else known[0]
        self._told.children = ()
        self._show()

    def look(self) -> None:
        """Leave the list alone while somebody reads it."""

    def _show(self) -> None:
        try:
            rows = self._list_answers(self.whose.value) if self.whose.value else self._list_decisions()
        except DiagnosticError as error:
            self._list.children = (embed_message("error", "The versions can't be read", str(error)),)
            return
        if not rows:
            self._list.children = (embed_message("empty", "No earlier version is kept yet"),)
            return
        self._list.children = tuple(self._make(*row) for row in rows[:LISTED])

    def _make(self, about: str, restore: Callable[[], None]) -> HBox:
        button = Button(description="Bring back").add_class("shell-button")
        button.on_click(lambda _: self._restore(restore))
        return HBox([HTML(about).add_class("shell-person"), button]).add_class("shell-version")

    def _restore(self, restore: Callable[[], None]) -> None:
        try:
            restore()
        except DiagnosticError as error:
            self._told.children = (embed_message("error", "It was not brought back", str(error)),)
            return
        self._show()
        self._told.children = (
            embed_message("good", "Brought back", "What was there before is the newest version now."),
        )

    def _list_answers(self, name: str) -> list[Row]:
        editor = ResponseEditor(self._reviews.folder, self._reviews.survey, name=name)

        def restore(number: int) -> None:
            saved = editor.restore(number)
            if saved.status == "failed":
                raise AnswersError(saved.message)

        by = f"answered by {escape(clean_text(name))}"  # the list may still be another person's when it is pressed
        return [
            (_say(one.saved_at, f"{count_of(one.n_answered, 'question')} {by}"), lambda n=one.number: restore(n))
            for one in editor.list_versions()
        ]

    def _list_decisions(self) -> list[Row]:
        if MATRIX not in self._offers:
            return []
        folder = self._reviews.folder

        def restore(number: int) -> None:
            restore_version(folder, TOPIC, number, based_on=read_topic(folder, TOPIC).revision)

        rows = []
        for version in choose_listed(list_version_times(folder, TOPIC))[:LISTED]:
            values = read_version(folder, TOPIC, version.number).values
            n = sum(len(values.get(table, [])) for table in TABLES)
            moment = datetime.fromtimestamp(version.saved_at, tz=UTC).astimezone()
            rows.append((_say(moment, count_of(n, "decision")), lambda n=version.number: restore(n)))
        return rows


def _say(moment: datetime, what: str) -> str:
    return f"<b>{say_moment(moment)}</b><span>{what}</span>"
