"""Earlier versions of one respondent's answers: when each was saved, how much it holds, what was changed after it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from helpers.answers.files import Topic, list_version_times, read_version
from helpers.answers.merging import Held
from helpers.answers.response_file import read_held
from helpers.answers.typed import split_answer
from helpers.errors import AnswersError
from helpers.model.survey import Survey


@dataclass(frozen=True)
class VersionInfo:
    """One earlier version.

    Attributes:
        number: By which it is brought back.
        saved_at: When it was saved, in the machine's time zone.
        n_answered: How many questions had an answer.
        changed: Labels of the questions that differ in the version after it.
    """

    number: int
    saved_at: datetime
    n_answered: int
    changed: tuple[str, ...]


class VersionHistory:
    """The versions of one file; each is read once, since a version never changes."""

    def __init__(self, folder: Path, topic: str, survey: Survey) -> None:
        self._folder, self._topic, self._survey = folder, topic, survey
        self._read: dict[int, Mapping[str, Held]] = {}

    def read(self, number: int) -> Topic:
        """Read a version's file.

        Raises:
            AnswersError: The version isn't kept, or it is damaged.
        """
        return read_version(self._folder, self._topic, number)

    def read_held(self, number: int) -> Mapping[str, Held]:
        """Read what a version holds: question's id → its answer.

        Raises:
            AnswersError: The version isn't kept, or it is damaged.
        """
        if number not in self._read:
            self._read[number] = read_held(self.read(number).values, self._survey)
        return self._read[number]

    def list_versions(self, current: Mapping[str, Held]) -> list[VersionInfo]:
        """List the versions, newest first; a damaged one is left out.

        Args:
            current: What the file holds now.
        """
        if not self._topic:
            return []
        found = []
        after = current
        for version in reversed(list_version_times(self._folder, self._topic)):
            try:
                held = self.read_held(version.number)
            except (AnswersError, OSError):
                continue
            fields = dict(self._fields())
            ids = [id for id in fields if held.get(id, Held()).value != after.get(id, Held()).value]
            labels = tuple(fields[id].short or fields[id].label for id in ids)
            answered = sum(
                split_answer(field, held[id].value)[0] is not None for id, field in fields.items() if id in held
            )
            saved_at = datetime.fromtimestamp(version.saved_at, tz=UTC).astimezone()
            found.append(VersionInfo(version.number, saved_at, answered, labels))
            after = held
        return found

    def _fields(self):
        for _, field in self._survey.fields():
            yield field.id, field
