"""All files of the board as one author's window sees them: the own one is written, everybody's are read."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from helpers.answers.board import GROUP, read_author
from helpers.answers.board_rows import settle
from helpers.answers.edit_results import Clock
from helpers.answers.files import Topic, list_topics, name_file, read_topic, stat_topic, update_topic
from helpers.answers.names import find_fault_in_name
from helpers.errors import AnswersError
from helpers.model.board import AuthorBoard, Board
from helpers.model.board_action import EffectCheck
from helpers.model.board_merging import merge_boards

Tables = dict[str, Any]


class BoardFiles:
    """The files of the board.

    Args:
        folder: The company's folder.
        author: Whose window it is; the own file's name is made of it.
        clock: Tells the time.

    Attributes:
        stem: The own file's name without ending; empty where the name is none.
        problem: What is wrong with the name or the own file; empty where nothing is.
    """

    def __init__(self, folder: Path, author: str, clock: Clock) -> None:
        self.folder, self.author, self._clock = Path(folder), author, clock
        self.fault_in_name = self.problem = find_fault_in_name(author, what="author")
        self.stem = "" if self.fault_in_name else name_file(author)
        self.topic = f"{GROUP}/{self.stem}" if self.stem else ""
        self._own = Topic(self.topic)
        self._others: list[AuthorBoard] = []
        self._marks: Any = None

    def look(self) -> bool:
        """Read what changed on disk; return whether anything did."""
        names = list_topics(self.folder, GROUP)
        marks = tuple((name, stat_topic(self.folder, name)) for name in names)
        if marks == self._marks:
            return False
        self._marks = marks
        self._others = [one for name in names if name != self.topic and (one := _read_other(self.folder, name))]
        self.problem = self.fault_in_name
        if self.topic:
            try:
                own = read_topic(self.folder, self.topic)
                self._require_mine(own)
                self._own = own
            except AnswersError as error:
                self.problem = str(error)
        return True

    def read_own(self) -> Tables:
        """Return the own file's tables as last read, every row with its id."""
        try:
            return settle(self.stem, self._own.values)
        except AnswersError:
            return {}

    def write(self, compose: Callable[[Tables], Tables]) -> tuple[Tables, Tables]:
        """Change the own file on the base of what it holds at this moment.

        Returns:
            Its tables before and after.

        Raises:
            AnswersError: The file is damaged, belongs to somebody else or can't be written; nothing was written.
        """
        if self.fault_in_name:
            raise AnswersError(self.fault_in_name)
        ends: list[Tables] = []

        def change(current: Topic) -> Mapping[str, Any]:
            self._require_mine(current)
            settled = settle(self.stem, {"author": self.author, **current.values})
            ends[:] = [settled, compose(dict(settled))]
            return ends[1]

        try:
            self._own = update_topic(self.folder, self.topic, change, now=self._clock())
        finally:
            self._marks = None
        self.problem = ""
        return ends[0], ends[1]

    def merge(self, tables: Tables) -> Board:
        """Merge everybody's files, with these tables in place of the own one's."""
        mine = [read_author(Topic(self.topic, tables))] if self.topic and tables else []
        return merge_boards([*self._others, *mine])

    def find_highest_elsewhere(self) -> int:
        """Return the highest number of an own cause that others' files refer to."""
        ids = [row.cause for one in self._others for row in (*one.votes, *one.comments, *one.actions, *one.decisions)]
        numbers = [id.removeprefix(f"{self.stem}-") for id in ids if id.startswith(f"{self.stem}-")]
        return max((int(number) for number in numbers if number.isdigit() and len(number) < 10), default=0)

    def _require_mine(self, topic: Topic) -> None:
        owner = topic.values.get("author", self.author)
        if str(owner).casefold() != self.author.casefold():
            raise AnswersError(
                f"[answers/{topic.name}.toml] the file belongs to {owner}. Give {self.author} another name, or correct "
                "'author' in the file."
            )
        settle(self.stem, topic.values)


def keep_check(folder: Path, board: Board, action_id: str, check: EffectCheck) -> None:
    """Keep what was computed about an action's effect in the file in which the action stands; one check per day.

    Args:
        folder: The company's folder.
        board: Everybody's, merged, which says whose the action is.
        action_id: The action.
        check: What was found.

    Raises:
        AnswersError: There is no such action, or its file can't be written.
    """
    owner = next((one for one in board.authors.values() if any(row.id == action_id for row in one.actions)), None)
    if owner is None:
        raise AnswersError(f"There is no action '{action_id}' on the board. Look at the board again.")
    row = {"day": check.day, "value": check.value, "n": check.n, "verdict": check.verdict}
    row |= {"reopened": check.reopened or None, "note": check.note or None}
    kept = {key: value for key, value in row.items() if value is not None}

    def compose(current: Topic) -> Mapping[str, Any]:
        tables = settle(owner.id, current.values)
        rows = []
        for one in tables.get("action", []):
            if isinstance(one, Mapping) and one.get("id") == action_id:
                others = [held for held in one.get("checks", []) if held.get("day") != check.day]
                one = {**one, "checks": sorted([*others, kept], key=lambda held: held["day"])}
            rows.append(one)
        return {**tables, "action": rows}

    update_topic(Path(folder), f"{GROUP}/{owner.id}", compose)


def _read_other(folder: Path, name: str) -> AuthorBoard | None:
    try:
        return read_author(read_topic(folder, name))
    except AnswersError:
        return None
