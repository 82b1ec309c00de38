"""Survey and matrix as spreadsheets: out for people who answer offline, back in with every doubtful cell named."""

import asyncio
from collections.abc import Callable, Collection
from typing import Any

from ipywidgets import HTML, Button, Dropdown, FileUpload, HBox, VBox, Widget

from helpers.answers.files import name_file
from helpers.answers.import_results import Imported, Keep
from helpers.answers.spreadsheet_import import import_answers
from helpers.answers.spreadsheet_layout import name_company
from helpers.answers.survey import Response, read_responses
from helpers.errors import DiagnosticError
from helpers.present.words import clean_text, count_of
from helpers.workshop.embedding import embed_heading, embed_message
from helpers.workshop.page_script import XLSX, PageScript
from helpers.workshop.page_shell import explain_error
from helpers.workshop.people_progress import PeopleProgress
from helpers.workshop.reviews import Reviews

LEAD = "For people who would rather answer offline. A workbook that comes back changes only what was changed in it."
ANYBODY = ("Anybody: an empty survey", "")
SURVEY, MATRIX = "survey", "matrix"

Work = Callable[[], tuple[str, bytes]]
Taken = Imported | Exception


class SpreadsheetPart:
    """The part of the facilitator's page about spreadsheets.

    Args:
        reviews: The company's answers and CRM.
        people_progress: Who takes part.
        guide: Hands over the files.
        currency: The company's currency.
        offers: Which workbooks are handed out; any that comes back is taken.
    """

    def __init__(
        self,
        reviews: Reviews,
        people_progress: PeopleProgress,
        *,
        guide: PageScript,
        currency: str,
        offers: Collection[str] = (SURVEY, MATRIX),
    ) -> None:
        self._reviews, self._people_progress, self._guide, self._currency = reviews, people_progress, guide, currency
        self._task: asyncio.Task | None = None
        self._files: dict[str, bytes] = {}
        self.person = Dropdown(description="For whom", options=[ANYBODY], value="")
        self.person.add_class("shell-field").add_class("fld-person")
        self.survey = _button("Download the survey", "primary", "fld-download-survey")
        self.matrix = _button("Download the matrix", "" if SURVEY in offers else "primary", "fld-download-matrix")
        self.upload = FileUpload(accept=".xlsx", multiple=True, description="Choose filled workbooks")
        self.upload.add_class("shell-button").add_class("fld-upload")
        self._note, self._told = HTML().add_class("shell-progress"), VBox()
        self.survey.on_click(lambda _: self._hand_over(self.make_survey))
        self.matrix.on_click(lambda _: self._hand_over(self.make_matrix))
        self.upload.observe(lambda change: self._take(change["new"]), names="value")
        handed_out = [self.person, self.survey] if SURVEY in offers else []
        handed_out += [self.matrix] if MATRIX in offers else []
        self.widget = VBox(
            [
                embed_heading("Spreadsheets", LEAD),
                HTML("<h3>Hand out</h3>"),
                HBox(handed_out).add_class("shell-form"),
                HTML("<h3>Bring back</h3><p class='note'>Several at once are fine: surveys and the matrix.</p>"),
                HBox([self.upload]).add_class("shell-form"),
                self._note,
                self._told,
            ]
        )

    def open(self) -> None:
        """Offer everybody who takes part."""
        self.look()

    def look(self) -> None:
        """Offer everybody who takes part by now."""
        people = [(clean_text(one.name), one.name) for one in self._people_progress.list_people()]
        if list(self.person.options) != [ANYBODY, *people]:
            chosen = self.person.value
            self.person.options = [ANYBODY, *people]
            self.person.value = chosen if chosen in {name for _, name in people} else ""

    def make_survey(self) -> tuple[str, bytes]:
        """Make the survey's workbook; somebody's answers are in it only once the round is closed."""
        from helpers.present.survey_spreadsheet import write_survey_spreadsheet

        folder, survey, name = self._reviews.folder, self._reviews.survey, self.person.value
        response = self._find_response(name) if name else None
        content = write_survey_spreadsheet(survey, response, currency=self._currency, company=name_company(folder))
        return f"survey-{response.id}.xlsx" if response else "survey.xlsx", content

    def make_matrix(self) -> tuple[str, bytes]:
        """Make the matrix's workbook."""
        from helpers.present.matrix_spreadsheet import write_matrix_spreadsheet

        review = self._reviews.review_discovery()
        answers = self._reviews.open_book().company.answers.discovery
        content = write_matrix_spreadsheet(
            review.matrix,
            answers,
            company=name_company(self._reviews.folder),
            quarter=self._reviews.quarter,
            primaries=review.primaries,
            copies=review.copies,
            activations=review.activations,
        )
        return "discovery-matrix.xlsx", content

    def _find_response(self, name: str) -> Response:
        responses, _ = read_responses(self._reviews.folder, self._reviews.survey)
        known = responses.get(name_file(name))
        if known is not None and self._reviews.round.is_closed:
            return known
        person_progress = next((one for one in self._people_progress.list_people() if one.name == name), None)
        return Response(name_file(name), name, role=person_progress.role if person_progress else "", team="")

    def _hand_over(self, work: Work) -> None:
        self._do("Writing the workbook …", lambda: _attempt(work), self._deliver)

    def _do(self, what: str, work: Callable[[], Any], show: Callable[[Any], None]) -> None:
        """Work beside the page, which goes on answering meanwhile, and show on its own loop what came of it."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            show(work())
            return

        async def beside() -> None:
            self._note.value = f'<p role="status"><i aria-hidden="true"></i>{what}</p>'
            made = await asyncio.to_thread(work)
            self._note.value = ""
            show(made)

        self._task = loop.create_task(beside())

    def _deliver(self, made: tuple[str, bytes] | Exception) -> None:
        if isinstance(made, Exception):
            self._told.children = (explain_error(made),)
            return
        self._guide.download(*made, kind=XLSX)

    def _take(self, files: tuple) -> None:
        if not files:
            return
        self._files = {str(file["name"]): bytes(file["content"]) for file in files}
        self.upload.value = ()

        def show(taken: list[Taken]) -> None:
            self._told.children = tuple(map(self._describe, self._files, taken))

        names = tuple(self._files)
        self._do("Reading the workbooks …", lambda: [self._import(name) for name in names], show)

    def _import(self, name: str, keep: Keep = "") -> Taken:
        reviews = self._reviews
        try:
            return import_answers(
                reviews.folder, self._files[name], reviews.survey, keep=keep, quarter=reviews.quarter, file=name
            )
        except Exception as error:  # told in words; nobody in a workshop is shown a traceback
            return error

    def _describe(self, name: str, found: Taken) -> Widget:
        if isinstance(found, DiagnosticError):
            return embed_message("error", f"{clean_text(name)} was not taken", str(found))
        if isinstance(found, Exception):
            return explain_error(found)
        told = embed_message(*describe_import(found, name, shows_values=self._reviews.round.is_closed))
        if not found.open_conflicts:
            return told
        place = VBox()
        mine = _button("Take the workbook's", "", "fld-keep-mine")
        theirs = _button("Keep what is here", "quiet", "fld-keep-theirs")

        def settle(chosen: Keep) -> None:
            def show(taken: Taken) -> None:
                place.children = (self._describe(name, taken),)

            self._do("Reading the workbook …", lambda: self._import(name, chosen), show)

        mine.on_click(lambda _: settle("mine"))
        theirs.on_click(lambda _: settle("theirs"))
        place.children = (told, HBox([mine, theirs]).add_class("shell-actions"))
        return place


def describe_import(found: Imported, name: str, *, shows_values: bool) -> tuple[str, str, str, str]:
    """Say what came of a workbook: kind of message, title, text and next step.

    Args:
        found: What was taken.
        name: The workbook's file name.
        shows_values: Whether answers may be shown; before the round is closed only where they stand is told.
    """
    title = f"{count_of(found.n_taken, found.noun)} taken from {clean_text(found.who)}"
    lines = [problem.describe() for problem in found.problems]
    for conflict in found.conflicts:
        place = f"[{conflict.sheet}, {conflict.cell}] {conflict.label}: changed both here and in the workbook."
        lines.append(conflict.describe() if shows_values or found.kind != "survey" else place)
    lines += list(found.notes)
    kind = "good" if found.is_whole else "warning"
    steps = []
    if found.problems:
        steps.append("Mend the cells named and bring the workbook back again; what was taken stays.")
    if found.open_conflicts:
        steps.append("Choose which answers to keep.")
    return kind, f"{clean_text(name)}: {title}", "\n".join(lines), " ".join(steps)


def _attempt(work: Work) -> tuple[str, bytes] | Exception:
    try:
        return work()
    except Exception as error:  # told in words; nobody in a workshop is shown a traceback
        return error


def _button(label: str, *classes: str) -> Button:
    button = Button(description=label).add_class("shell-button")
    for name in filter(None, classes):
        button.add_class(name)
    return button
