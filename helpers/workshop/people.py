"""Who takes part: invite people, hand out their links, and see how far each is, by counts alone."""

from collections.abc import Callable
from html import escape
from pathlib import Path

from ipywidgets import HTML, Button, Dropdown, HBox, Text, VBox

from helpers.answers.invitations import invite, read_invitations, withdraw_invitation
from helpers.errors import DiagnosticError
from helpers.model.survey import Survey, SurveyTab
from helpers.present.words import clean_text, count_of
from helpers.workshop.desk import say_moment
from helpers.workshop.embedding import embed_heading
from helpers.workshop.guide import DeskGuide
from helpers.workshop.standings import Standing, Standings, list_teams

LEAD = "Each person answers alone, with a link of their own. You see how far they are, not what they say."


class PersonRow:
    """One person: how far, and the link.

    Args:
        standing: Who it is.
        url: What the person opens; empty where there is no link.
        withdraw: Withdraws the link.
    """

    def __init__(self, standing: Standing, url: str, *, withdraw: Callable[[], None]) -> None:
        self._about = HTML().add_class("desk-person")
        self._tabs = HTML().add_class("desk-tabs")
        self._state = HTML().add_class("desk-state")
        self.link = Text(value=url, description=f"Link of {clean_text(standing.name)}").add_class("desk-link")
        copy = Button(description="Copy link").add_class("desk-copy")
        self.withdraw = Button(description="Withdraw").add_class("desk-button").add_class("quiet")
        self.withdraw.on_click(lambda _: self._ask(withdraw))
        self._is_asked = False
        link = [copy, self.withdraw, self.link] if url else [HTML("No link").add_class("desk-person")]
        self.widget = HBox([self._about, self._tabs, self._state, *link]).add_class("desk-row")

    def show(self, standing: Standing, survey: Survey) -> None:
        """Show how far the person is."""
        about = " · ".join(part for part in (standing.role, standing.team) if part)
        below = f"<span>{escape(clean_text(about))}</span>" if about else ""
        when = say_moment(standing.saved_at)
        state = f'<span class="is-{_colour(standing)}">{_shape(standing)}{escape(standing.describe())}</span>'
        if standing.problem:
            state = f'<span title="{escape(standing.problem, quote=True)}">{state}</span>'
        when = f'<span class="when">saved {when}</span>' if when else ""
        _tell(self._about, f"<b>{escape(clean_text(standing.name))}</b>{below}")
        _tell(self._tabs, "".join(_say_tab(tab, standing) for tab in survey.tabs.values()))
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
        standings: How far everybody is.
        root: The address of the server as others reach it.
        is_shared: Whether other machines can reach it.
        guide: Tells when somebody is to be invited, with what stands in the fields.
    """

    def __init__(
        self,
        folder: Path,
        survey: Survey,
        standings: Standings,
        *,
        root: str,
        is_shared: bool,
        guide: DeskGuide,
    ) -> None:
        self._folder, self._survey, self._standings, self._root = folder, survey, standings, root
        self._rows: dict[str, PersonRow] = {}
        self.name = Text(description="Name", placeholder="Ana Okafor", continuous_update=False)
        self.role = Text(description="Role", placeholder="Head of Demand Generation", continuous_update=False)
        self.team = Dropdown(description="Team", options=[("Choose one", ""), *list_teams(survey)], value="")
        self.add = Button(description="Invite").add_class("desk-button").add_class("primary")
        self.add.add_class("desk-submit")
        guide.on_submit(lambda values: self.invite(values.get("name", ""), role=values.get("role", "")))
        self.fault = HTML().add_class("desk-fault")
        for control, id in ((self.name, "name"), (self.role, "role"), (self.team, "team")):
            control.add_class("desk-field").add_class(f"fld-{id}")
        self.add.add_class("fld-invite")
        self._list = VBox().add_class("desk-people")
        self._head = HBox([HTML("Who"), HTML(_say_heads(survey)).add_class("desk-tabs"), HTML("State")])
        self._head.add_class("desk-row").add_class("is-head")
        self._tally = HTML().add_class("desk-tally").add_class("fld-progress")
        note = "" if is_shared else "Only this computer can open these links. Start with --host to let others in."
        self.widget = VBox(
            [
                embed_heading("People", LEAD),
                HBox([self.name, self.role, self.team, self.add]).add_class("desk-form"),
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
        found = self._standings.list_standings()
        for gone in set(self._rows) - {standing.name for standing in found}:
            del self._rows[gone]
        for standing in found:
            row = self._rows.get(standing.name)
            if row is None or bool(row.link.value) != bool(standing.token):
                row = self._rows[standing.name] = self._make(standing)
            row.show(standing, self._survey)
        children = (self._head, *(self._rows[standing.name].widget for standing in found)) if found else ()
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
            if any(one.name.casefold() == name.casefold() for one in read_invitations(self._folder)):
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

    def _make(self, standing: Standing) -> PersonRow:
        def withdraw() -> None:
            withdraw_invitation(self._folder, standing.name)
            self.look()

        url = f"{self._root}/?token={standing.token}" if standing.token else ""
        return PersonRow(standing, url, withdraw=withdraw)

    def _blame(self, text: str) -> None:
        self.fault.value = f'<p role="alert">{escape(text)}</p>' if text else ""


def _tell(place: HTML, html: str) -> None:
    if place.value != html:
        place.value = html


def _say_tally(standings: list[Standing]) -> str:
    if not standings:
        return '<p class="note">Nobody is invited yet. Add the first person above.</p>'
    done = sum(standing.is_done for standing in standings)
    return f'<p class="note">{done} of {count_of(len(standings), "person", "people")} done</p>'


def _say_heads(survey: Survey) -> str:
    return "".join(f"<span>{escape(tab.label)}</span>" for tab in survey.tabs.values())


def _say_tab(tab: SurveyTab, standing: Standing) -> str:
    progress = standing.tabs.get(tab.id)
    answered, total = (progress.answered, progress.total) if progress else (0, len(tab.fields))
    share = 100 * answered / total if total else 0
    bar = f'<span class="bar" aria-hidden="true"><i style="width:{share:.0f}%"></i></span>'
    return f'<span class="tab"><b>{escape(tab.label)}: </b>{bar}{answered} of {total}</span>'


def _colour(standing: Standing) -> str:
    return "bad" if standing.problem else "good" if standing.is_done else "grey"


def _shape(standing: Standing) -> str:
    shape = "✕" if standing.problem else "●" if standing.is_done else "◐" if standing.saved_at else "○"
    return f'<span class="shape" aria-hidden="true">{shape}</span> '
