"""Earlier versions of one respondent's answers: when each was saved, how much it holds, what was changed after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from helpers.answers.files import Topic, list_version_times, read_version
from helpers.answers.merging import Held
from helpers.answers.response_file import read_held, require_owner
from helpers.answers.typed import split_answer
from helpers.answers.versions import MINUTE, Version
from helpers.errors import AnswersError
from helpers.model.survey import Survey

LISTED_WHOLE = 20
"""So many of the newest versions are listed one by one."""


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

    def __init__(self, folder: Path, topic: str, survey: Survey, *, name: str) -> None:
        self._folder, self._topic, self._survey, self._name = folder, topic, survey, name
        self._read: dict[int, Mapping[str, Held]] = {}

    def read(self, number: int) -> Topic:
        """Read a version's file.

        Raises:
            AnswersError: The version isn't kept, it is damaged, or it is another person's.
        """
        topic = read_version(self._folder, self._topic, number)
        require_owner(topic, self._name)
        return topic

    def read_held(self, number: int) -> Mapping[str, Held]:
        """Read what a version holds: question's id → its answer.

        Raises:
            AnswersError: The version isn't kept, or it is damaged.
        """
        if number not in self._read:
            self._read[number] = read_held(self.read(number).values, self._survey)
        return self._read[number]

    def list_versions(self, current: Mapping[str, Held]) -> list[VersionInfo]:
        """List the versions, newest first, further back only one per minute; a damaged one is left out.

        Args:
            current: What the file holds now.
        """
        if not self._topic:
            return []
        found = []
        after = current
        for version in choose_listed(list_version_times(self._folder, self._topic)):
            try:
                held = self.read_held(version.number)
            except (AnswersError, OSError):
                continue
            fields = {field.id: field for _, field in self._survey.fields()}
            ids = [id for id in fields if held.get(id, Held()).value != after.get(id, Held()).value]
            labels = tuple(fields[id].short or fields[id].label for id in ids)
            answered = sum(
                split_answer(field, held[id].value)[0] is not None for id, field in fields.items() if id in held
            )
            saved_at = datetime.fromtimestamp(version.saved_at, tz=UTC).astimezone()
            found.append(VersionInfo(version.number, saved_at, answered, labels))
            after = held
        return found


def choose_listed(versions: Sequence[Version]) -> list[Version]:
    """Choose the versions that a person is shown, newest first.

    Args:
        versions: All that are kept, oldest first.

    Returns:
        The newest ``LISTED_WHOLE``, those replaced by an older one, and of the others the last of each minute.

    >>> [v.number for v in choose_listed([Version(n, float(n)) for n in range(100)])][-3:]
    [81, 80, 59]
    """
    chosen = []
    minute = None
    for place, version in enumerate(reversed(versions)):
        own = version.saved_at // MINUTE
        if place < LISTED_WHOLE or version.is_pinned or own != minute:
            chosen.append(version)
        minute = own
    return chosen
