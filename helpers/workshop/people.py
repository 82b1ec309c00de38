"""Who takes part: invite people, hand out their links, and see how far each is, by counts alone."""

from collections.abc import Callable
from html import escape
from pathlib import Path

from ipywidgets import HTML, Button, Dropdown, HBox, Text, VBox

from helpers.answers.invitations import invite, read_invitations, withdraw_invitation
from helpers.answers.response_file import is_same_person
from helpers.errors import DiagnosticError
from helpers.model.survey import Survey, SurveyTab
from helpers.present.words import clean_text, count_of
from helpers.workshop.embedding import embed_heading
from helpers.workshop.page_script import PageScript
from helpers.workshop.page_shell import say_moment
from helpers.workshop.people_progress import PeopleProgress, PersonProgress, list_teams

LEAD = "Each person answers alone, with a link of their own. You see how far they are, not what they say."


class PersonRow:
    """One person: how far, and the link.

    Args:
        person_progress: Who it is.
        url: What the person opens; empty where there is no link.
        withdraw: Withdraws the link.
    """

    def __init__(self, person_progress: PersonProgress, url: str, *, withdraw: Callable[[], None]) -> None:
        self._about = HTML().add_class("shell-person")
        self._tabs = HTML().add_class("shell-tabs")
        self._state = HTML().add_class("shell-state")
        self.link = Text(value=url, description=f"Link of {clean_text(person_progress.name)}").add_class("shell-link")
        copy = Button(description="Copy link").add_class("shell-copy")
        self.withdraw = Button(description="Withdraw").add_class("shell-button").add_class("quiet")
        self.withdraw.on_click(lambda _: self._ask(withdraw))
        self._is_asked = False
        link = [copy, self.withdraw, self.link] if url else [HTML("No link").add_class("shell-person")]
        self.widget = HBox([self._about, self._tabs, self._state, *link]).add_class("shell-row")

    def show(self, person: PersonProgress, survey: Survey) -> None:
        """Show how far the person is."""
        about = " · ".join(part for part in (person.role, person.team) if part)
        below = f"<span>{escape(clean_text(about))}</span>" if about else ""
        when = say_moment(person.saved_at)
        state = f'<span class="is-{_colour(person)}">{_shape(person)}{escape(person.describe())}</span>'
        if person.problem:
            state = f'<span title="{escape(person.problem, quote=True)}">{state}</span>'
        when = f'<span class="when">saved {when}</span>' if when else ""
        _tell(self._about, f"<b>{escape(clean_text(person.name))}</b>{below}")
        _tell(self._tabs, "".join(_say_tab(tab, person) for tab in survey.tabs.values()))
        _tell(self._state, f"{state}{when}")

    def _ask(self, withdraw: Callable[[], None]) -> None:
        if self._is_asked:
            withdraw()
            return
        self._is_asked = True
        self.withdraw.description = "Sure?"
        self.withdraw.add_class("danger")


class PeoplePart:
    """The part of the facilitator's page about people.

    Args:
        folder: The company's folder.
        survey: The survey's definition.
        people_progress: How far everybody is.
        root: The address of the server as others reach it.
        is_shared: Whether other machines can reach it.
        guide: Tells when somebody is to be invited, with what stands in the fields.
    """

    def __init__(
        self,
        folder: Path,
        survey: Survey,
        people_progress: PeopleProgress,
        *,
        root: str,
        is_shared: bool,
        guide: PageScript,
    ) -> None:
        self._folder, self._survey, self._people_progress, self._root = folder, survey, people_progress, root
        self._rows: dict[str, PersonRow] = {}
        self._is_unreadable = False
        self.name = Text(description="Name", placeholder="Ana Okafor", continuous_update=False)
        self.role = Text(description="Role", placeholder="Head of Demand Generation", continuous_update=False)
        self.team = Dropdown(description="Team", options=[("Choose one", ""), *list_teams(survey)], value="")
        self.add = Button(description="Invite").add_class("shell-button").add_class("primary")
        self.add.add_class("shell-submit")
        guide.on_submit(lambda said: self.invite(said["name"], role=said.get("role", "")) if "name" in said else None)
        self.fault = HTML().add_class("shell-fault")
        for control, id in ((self.name, "name"), (self.role, "role"), (self.team, "team")):
            control.add_class("shell-field").add_class(f"fld-{id}")
        self.add.add_class("fld-invite")
        self._list = VBox().add_class("shell-people")
        self._head = HBox([HTML("Who"), HTML(_say_heads(survey)).add_class("shell-tabs"), HTML("State")])
        self._head.add_class("shell-row").add_class("is-head")
        self._tally = HTML().add_class("shell-tally").add_class("fld-progress")
        note = "" if is_shared else "Only this computer can open these links. Start with --host to let others in."
        self.widget = VBox(
            [
                embed_heading("People", LEAD),
                HBox([self.name, self.role, self.team, self.add]).add_class("shell-form"),
                self.fault,
                self._list,
                self._tally,
                HTML(f'<p class="note">{note}</p>'),
            ]
        )

    def open(self) -> None:
        """Show everybody."""
        self.look()

    def look(self) -> None:
        """Show everybody as they are now."""
        try:
            found = self._people_progress.list_people()
        except DiagnosticError as error:  # the list stays as it was until somebody has mended the file
            self._blame(str(error))
            self._is_unreadable = True
            return
        if self._is_unreadable:
            self._is_unreadable = False
            self._blame("")
        for gone in set(self._rows) - {person_progress.name for person_progress in found}:
            del self._rows[gone]
        for person_progress in found:
            row = self._rows.get(person_progress.name)
            if row is None or row.link.value != self._write_link(person_progress):
                row = self._rows[person_progress.name] = self._make(person_progress)
            row.show(person_progress, self._survey)
        children = (
            (self._head, *(self._rows[person_progress.name].widget for person_progress in found)) if found else ()
        )
        if self._list.children != children:
            self._list.children = children
        _tell(self._tally, _say_tally(found))

    def invite(self, name: str, *, role: str = "") -> None:
        """Invite somebody.

        Args:
            name: The person's name.
            role: The person's role.
        """
        name = name.strip()
        if not name:
            self._blame("Write a name first.")
            return
        try:
            known = [one.name for one in read_invitations(self._folder) if one.kind == "respondent"]
            if any(is_same_person(one, name) for one in known):
                self._blame(f"{name} is invited already; the link stands below.")
                return
            invite(self._folder, name, team=self.team.value, role=role.strip())
        except DiagnosticError as error:
            self._blame(str(error))
            return
        self._blame("")
        for field in (self.name, self.role):
            field.value = " "  # so that the browser is told also where nothing had arrived yet
            field.value = ""
        self.team.value = ""
        self.look()

    def _make(self, person_progress: PersonProgress) -> PersonRow:
        def withdraw() -> None:
            try:
                withdraw_invitation(self._folder, person_progress.name)
            except DiagnosticError as error:
                self._blame(str(error))
                return
            self.look()

        return PersonRow(person_progress, self._write_link(person_progress), withdraw=withdraw)

    def _write_link(self, person_progress: PersonProgress) -> str:
        return f"{self._root}/?token={person_progress.token}" if person_progress.token else ""

    def _blame(self, text: str) -> None:
        self.fault.value = f'<p role="alert">{escape(text)}</p>' if text else ""


def _tell(place: HTML, html: str) -> None:
    if place.value != html:
        place.value = html


def _say_tally(people_progress: list[PersonProgress]) -> str:
    if not people_progress:
        return '<p class="note">Nobody is invited yet. Add the first person above.</p>'
    done = sum(person_progress.is_done for person_progress in people_progress)
    return f'<p class="note">{done} of {count_of(len(people_progress), "person", "people")} done</p>'


def _say_heads(survey: Survey) -> str:
    return "".join(f"<span>{escape(tab.label)}</span>" for tab in survey.tabs.values())


def _say_tab(tab: SurveyTab, person_progress: PersonProgress) -> str:
    progress = person_progress.tabs.get(tab.id)
    answered, total = (progress.answered, progress.total) if progress else (0, len(tab.fields))
    share = 100 * answered / total if total else 0
    bar = f'<span class="bar" aria-hidden="true"><i style="width:{share:.0f}%"></i></span>'
    return f'<span class="tab"><b>{escape(tab.label)}: </b>{bar}{answered} of {total}</span>'


def _colour(person_progress: PersonProgress) -> str:
    return "bad" if person_progress.problem else "good" if person_progress.is_done else "grey"


def _shape(person_progress: PersonProgress) -> str:
    shape = (
        "✕" if person_progress.problem else "●" if person_progress.is_done else "◐" if person_progress.saved_at else "○"
    )
    return f'<span class="shape" aria-hidden="true">{shape}</span> '
