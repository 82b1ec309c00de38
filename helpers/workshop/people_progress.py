"""How far everybody is, told by counts alone: no answer leaves here."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from helpers.answers.editing import Progress, ResponseEditor
from helpers.answers.files import name_file
from helpers.answers.invitations import read_invitations
from helpers.answers.survey import read_responses
from helpers.model.survey import Survey
from helpers.present.words import count_of

GROUP = "survey"


@dataclass(frozen=True)
class PersonProgress:
    """How far one person is.

    Attributes:
        name: The person.
        team: The team's label; empty where none is known.
        role: As typed.
        token: What the person's link carries; empty where there is no link.
        tabs: Tab's id → progress.
        saved_at: When an answer was saved last; None where there is none.
        problem: What is wrong with the file, with its line and cure; empty where nothing is.
    """

    name: str
    team: str = ""
    role: str = ""
    token: str = ""
    tabs: Mapping[str, Progress] = field(default_factory=dict)
    saved_at: datetime | None = None
    problem: str = ""

    @property
    def missing(self) -> tuple[str, ...]:
        """The questions that have to be answered and aren't yet."""
        return tuple(label for progress in self.tabs.values() for label in progress.missing)

    @property
    def is_done(self) -> bool:
        """Whether every question that has to be answered is."""
        return self.saved_at is not None and not self.missing

    def describe(self) -> str:
        """Say in a few words how far the person is."""
        if self.problem:
            return "The file needs mending"
        if self.saved_at is None:
            return "Hasn't begun"
        return "Done" if self.is_done else f"{count_of(len(self.missing), 'required answer')} to come"


class PeopleProgress:
    """Everybody's person_progress, read anew only where a file has changed."""

    def __init__(self, folder: Path, survey: Survey) -> None:
        self._folder, self._survey = folder, survey
        self._teams = _label_teams(survey)
        self._kept: dict[str, tuple[Hashable, PersonProgress]] = {}

    def list_people(self) -> list[PersonProgress]:
        """List everybody who is invited or has answers on file, except the facilitator, by name."""
        invited = {one.name: one for one in read_invitations(self._folder) if one.kind != "facilitator"}
        listed = {name_file(name) for name in invited}
        found = [self._measure(name, token=one.token, team=one.team, role=one.role) for name, one in invited.items()]
        for id, name in self._find_others(listed).items():
            found.append(self._measure(name, id=id))
        return sorted(found, key=lambda person_progress: person_progress.name.casefold())

    def _find_others(self, listed: set[str]) -> dict[str, str]:
        folder = self._folder / "answers" / GROUP
        others = {path.stem for path in folder.glob("*.toml")} - listed - {"round"}
        if not others:
            return {}
        named = {id: one.name for id, one in read_responses(self._folder, self._survey)[0].items()}
        return {id: named.get(id, id) for id in sorted(others)}

    def _measure(self, name: str, *, token: str = "", team: str = "", role: str = "", id: str = "") -> PersonProgress:
        path = self._folder / "answers" / GROUP / f"{id or name_file(name)}.toml"
        try:
            about = path.stat()
        except OSError:
            return PersonProgress(name, self._teams.get(team, ""), role, token, {})
        stamp = (about.st_mtime_ns, about.st_size, token, team, role)
        held = self._kept.get(name)
        if held is None or held[0] != stamp:
            editor = ResponseEditor(self._folder, self._survey, name=name, team=team, role=role)
            tabs = editor.measure_progress()
            has_begun = any(one.answered for one in tabs.values())  # else the file says only who it is
            saved_at = datetime.fromtimestamp(about.st_mtime) if has_begun else None
            label = self._teams.get(editor.team, "")
            made = PersonProgress(name, label, editor.role, token, tabs, saved_at, editor.problem)
            held = self._kept[name] = (stamp, made)
        return held[1]


def list_teams(survey: Survey) -> list[tuple[str, str]]:
    """List the teams that the survey knows: label and id, as a drop-down takes them."""
    return [(label, id) for id, label in _label_teams(survey).items()]


def _label_teams(survey: Survey) -> dict[str, str]:
    return dict(next((field.choices for field in survey.respondent if field.id == "team"), {}))
