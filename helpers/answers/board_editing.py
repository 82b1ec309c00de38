"""One person's part of the board while it is edited: what is typed is saved by itself, all else at once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import RLock
from typing import Any, Literal

from helpers.answers.board import PREFIX
from helpers.answers.board_files import BoardFiles
from helpers.answers.board_records import Fault, find_fault
from helpers.answers.board_rows import Place, add_row, find_row, keep_rows, next_id, put_value, read_value
from helpers.answers.board_steps import Step, find_changes, join_steps, undo_step
from helpers.answers.edit_results import Clock, Saved, read_clock
from helpers.errors import AnswersError
from helpers.model.board import MOST_DOTS, Board, BoardCause

MOST_STEPS = 50
"""Steps that can be taken back."""

UNTOLD = object()


@dataclass(frozen=True)
class FieldConflict:
    """Two windows of one author have changed one field differently; ``theirs`` is None where the row is gone."""

    mine: Any
    theirs: Any
    is_gone: bool = False


class BoardEditor:
    """The board as one person edits it: the own file is written, everybody's is read.

    A record of the own file that isn't allowed stays in it as it is. What another window of the same person changed is
    taken over; where both changed one field, both values are kept in ``conflicts`` until somebody chooses.

    Args:
        folder: The company's folder.
        author: The person's name; the file's name is made of it.
        clock: Tells the time.

    Attributes:
        board: Everybody's, merged, with what is typed here laid over.
        conflicts: Fields that need a choice.
    """

    def __init__(self, folder: Path, *, author: str, clock: Clock = read_clock) -> None:
        self.folder, self.author, self._clock = Path(folder), " ".join(author.split()), clock
        self._files = BoardFiles(self.folder, self.author, clock)
        self.topic, self.board = self._files.topic, Board()
        self.conflicts: dict[Place, FieldConflict] = {}
        self._mine: dict[Place, Any] = {}
        self._base: dict[Place, Any] = {}
        self._steps: list[Step] = []
        self._guard = RLock()
        self.refresh()

    @property
    def problem(self) -> str:
        """What is wrong with the name or the own file; while there is something, nothing is written."""
        return self._files.problem

    @property
    def is_dirty(self) -> bool:
        """Whether something typed isn't on disk yet."""
        return bool(self._mine)

    @property
    def last_step(self) -> str:
        """What ``undo`` would take back, in words; empty where there is nothing."""
        return self._steps[-1].what if self._steps else ""

    def now(self) -> datetime:
        """Return the time, as it is written down."""
        return self._clock()

    def is_mine(self, id: str) -> bool:
        """Whether a cause, action or comment stands in the own file."""
        return any(find_row(self._files.read_own(), kind, id) is not None for kind in PREFIX)

    def read(self, kind: str, id: str, key: str) -> Any:
        """Return what the own file holds at a field, with what is typed here laid over; None where nothing."""
        place = (kind, id, key)
        return self._mine[place] if place in self._mine else read_value(self._files.read_own(), place)

    # ---- typing -----------------------------------------------------------------------------------------------------

    def change(self, kind: str, id: str, key: str, value: Any, *, base: Any = UNTOLD) -> None:
        """Take what a field of the own file holds now; the next ``save`` writes it.

        Args:
            kind: cause, action or problem.
            id: The row's id; empty for the problem.
            key: Which field; of the problem's rows such as ``where.is``.
            value: As the file keeps it; None takes it away.
            base: What the field held when the typing began, where a page was cut off meanwhile.

        Raises:
            AnswersError: The value isn't allowed, or the row isn't there; nothing was taken.
        """
        first, _, rest = key.partition(".")
        held = {first: {rest: value} if rest else value} if value is not None else {}
        needed = {"text": "…"} if kind == "cause" and key != "text" else {}
        if kind == "cause" and key == "text" and not str(value or "").strip():
            raise AnswersError("[text] a cause needs its sentence. Write one, or remove the cause.")
        place = (kind, id, key)
        fault = find_fault(kind, {**needed, **held}) or self._find_clash(place, value)
        if fault:
            raise AnswersError(f"[{fault[0]}] {fault[1]}. {fault[2]}")
        with self._guard:
            stands = read_value(self._files.read_own(), place)
            if kind != "problem" and find_row(self._files.read_own(), kind, id) is None:
                raise AnswersError(f"The {kind} isn't there any more; it may have been removed in another window.")
            if place not in self._mine:
                self._base[place] = stands if base is UNTOLD else base
            if _is_same(value, stands) and _is_same(self._base[place], stands) and place not in self.conflicts:
                self._mine.pop(place, None)
            else:
                self._mine[place] = value
            self._merge()

    def save(self) -> Saved:
        """Write what was typed; a field that another window changed differently meanwhile waits for a choice."""
        with self._guard:
            if not self._mine:
                return self.refresh()
            saved = self._write(self._lay_typed, "")
            if saved.status == "failed":
                return saved
            self._mine = {place: mine for place, mine in self._mine.items() if place in self.conflicts}
            self._merge()
            if self.conflicts:
                told = f"another window of yours has changed {len(self.conflicts)} of these fields too. Choose."
                return Saved("conflict", f"[answers/{self.topic}.toml] {told}", self._clock(), ("board",))
            return saved

    def refresh(self) -> Saved:
        """Take over what others, or other windows, saved; cheap where nothing was."""
        with self._guard:
            if not self._files.look():
                return Saved("failed", self.problem) if self.problem else Saved("unchanged", at=self._clock())
            before = self.board
            self._merge()
            changed = ("board",) if self.board != before else ()
            if self.problem:
                return Saved("failed", self.problem, changed=changed)
            return Saved("saved" if changed else "unchanged", at=self._clock(), changed=changed)

    def resolve(self, place: Place, keep: Literal["mine", "theirs"]) -> None:
        """Choose one of two contradicting values; the next ``save`` writes the choice."""
        with self._guard:
            conflict = self.conflicts.pop(place, None)
            if conflict is None:
                return
            if keep == "theirs" or conflict.is_gone:
                self._mine.pop(place, None)
            else:
                self._base[place] = conflict.theirs
            self._merge()

    # ---- at once ----------------------------------------------------------------------------------------------------

    def add(self, kind: str, /, **values: Any) -> str:
        """Add a cause, an action or a comment to the own file.

        Returns:
            Its id.

        Raises:
            AnswersError: A value isn't allowed, or nothing can be written.
        """
        row = {key: value for key, value in values.items() if value is not None and value not in ("", [])}
        if kind in ("cause", "comment"):
            row["at"] = self._clock().replace(microsecond=0)
        fault = find_fault(kind, row)
        if fault:
            raise AnswersError(f"[{fault[0]}] {fault[1]}. {fault[2]}")
        given: list[str] = []

        def compose(tables: dict[str, Any]) -> dict[str, Any]:
            given.append(next_id(self._files.stem, kind, tables, self._files.find_highest_elsewhere()))
            return add_row(tables, kind, {"id": given[-1], **row})

        self._do(compose, f"adding {ARTICLES[kind]}")
        return given[-1]

    def remove(self, kind: str, id: str) -> None:
        """Take an own row away; of a cause, everything of one's own that is about it too.

        Raises:
            AnswersError: It is another author's, or others have already said something to it.
        """
        self._require_row(kind, id)
        if kind == "cause":
            found = self.board.find(id)
            others = {one.author for one in _list_about(found)} - {self.author} if found else set()
            if others:
                raise AnswersError(
                    f"{', '.join(sorted(others))} voted, commented or planned something on this cause. "
                    "Drop it instead of removing it: their words stay."
                )

        def compose(tables: dict[str, Any]) -> dict[str, Any]:
            tables = keep_rows(tables, kind, lambda row: row.get("id") != id)
            if kind == "cause":
                for other in ("action", "vote", "decision", "comment"):
                    tables = keep_rows(tables, other, lambda row: row.get("cause") != id)
            return tables

        self._do(compose, f"removing {ARTICLES[kind]}")

    def vote(self, cause: str, dots: int) -> None:
        """Put that many of one's dots on a cause, anybody's; 0 takes them back.

        Raises:
            AnswersError: There are not enough dots left, or the cause isn't there.
        """
        found = self._require_cause(cause)
        now = sum(vote.dots for vote in found.votes if vote.author.casefold() == self.author.casefold())
        used = self.board.count_dots(self.author) - now
        if used + dots > MOST_DOTS:
            raise AnswersError(
                f"[dots] one person has {MOST_DOTS} dots, and {used} of yours lie on other causes. Take one back first."
            )

        def compose(tables: dict[str, Any]) -> dict[str, Any]:
            tables = keep_rows(tables, "vote", lambda row: row.get("cause") != cause)
            return add_row(tables, "vote", {"cause": cause, "dots": dots}) if dots > 0 else tables

        self._do(compose, "a dot")

    def comment(self, cause: str, text: str) -> str:
        """Say something to a cause, anybody's; return the comment's id."""
        self._require_cause(cause)
        return self.add("comment", cause=cause, text=text.strip())

    def decide(self, cause: str, *, state: str = "", verdict: str = "") -> None:
        """Note what the group decided about a cause, anybody's; the last word of anybody holds.

        Raises:
            AnswersError: The state or verdict is unknown, or the cause isn't there.
        """
        found = self._require_cause(cause).cause
        now = self._clock()
        row = {"cause": cause, "state": state, "verdict": verdict, "at": now}
        row = {key: value for key, value in row.items() if value}
        fault = find_fault("decision", row)
        if fault:
            raise AnswersError(f"[{fault[0]}] {fault[1]}. {fault[2]}")

        def compose(tables: dict[str, Any]) -> dict[str, Any]:
            if find_row(tables, "cause", cause) is None:
                return add_row(tables, "decision", row)
            held = {"state": state or found.state, "verdict": verdict or found.verdict, "decided_at": now}
            for key, value in held.items():
                tables = put_value(tables, ("cause", cause, key), value)
            return tables

        self._do(compose, "a decision")

    def undo(self) -> str:
        """Take the last own step back.

        Returns:
            What was taken back, in words; empty where there was nothing.

        Raises:
            AnswersError: Another window changed the same meanwhile, or nothing can be written.
        """
        with self._guard:
            self.save()
            if not self._steps:
                return ""
            step = self._steps.pop()
            wholes: list[bool] = []

            def compose(tables: dict[str, Any]) -> dict[str, Any]:
                tables, is_whole = undo_step(tables, step)
                wholes.append(is_whole)
                return tables

            saved = self._write(compose, "", is_step=False)
            if saved.status == "failed":
                self._steps.append(step)
                raise AnswersError(saved.message)
            if not wholes[-1]:
                raise AnswersError("Another window of yours has changed the same since, so that part stays as it is.")
            return step.what

    # ---- within -----------------------------------------------------------------------------------------------------

    def _do(self, compose: Callable[[dict[str, Any]], dict[str, Any]], what: str) -> None:
        with self._guard:
            if self._mine:
                self.save()
            saved = self._write(compose, what)
            if saved.status == "failed":
                raise AnswersError(saved.message)

    def _write(self, compose: Callable[[dict[str, Any]], dict[str, Any]], what: str, *, is_step: bool = True) -> Saved:
        """Change the own file and remember the step."""
        try:
            before, after = self._files.write(compose)
        except AnswersError as error:
            self.refresh()
            return Saved("failed", str(error))
        if is_step:
            self._remember(Step(what or "typing", find_changes(before, after)))
        self._files.look()
        self._merge()
        return Saved("saved", at=self._clock(), changed=("board",))

    def _lay_typed(self, tables: dict[str, Any]) -> dict[str, Any]:
        conflicts: dict[Place, FieldConflict] = {}
        for place, mine in self._mine.items():
            kind, id, _ = place
            if kind != "problem" and find_row(tables, kind, id) is None:
                conflicts[place] = FieldConflict(mine, None, is_gone=True)
                continue
            theirs = read_value(tables, place)
            if not _is_same(theirs, self._base[place]) and not _is_same(theirs, mine):
                conflicts[place] = FieldConflict(mine, theirs)
            else:
                tables = put_value(tables, place, mine)
        self.conflicts = conflicts
        return tables

    def _remember(self, step: Step) -> None:
        if not step.changes:
            return
        joined = join_steps(self._steps[-1] if self._steps else None, step)
        if joined:
            self._steps[-1] = joined
        else:
            self._steps = [*self._steps, step][-MOST_STEPS:]

    def _merge(self) -> None:
        """Merge everybody's files anew, with what is typed here laid over one's own."""
        tables = self._files.read_own()
        for place, mine in self._mine.items():
            if place[0] == "problem" or find_row(tables, *place[:2]) is not None:
                tables = put_value(tables, place, mine)
        self.board = self._files.merge({"author": self.author, **tables} if tables else {})

    def _find_clash(self, place: Place, value: Any) -> Fault | None:
        """Say what is wrong with an action as a whole once a field holds a value: its days may contradict another."""
        kind, id, key = place
        tables = self._files.read_own()
        index = find_row(tables, kind, id) if kind == "action" else None
        if index is None:
            return None
        typed = {field: mine for (_, whose, field), mine in self._mine.items() if whose == id}
        row = {**tables[kind][index], **typed, key: value}
        return find_fault(kind, {name: held for name, held in row.items() if held is not None})

    def _require_cause(self, id: str) -> BoardCause:
        found = self.board.find(id)
        if found is None:
            raise AnswersError("The cause isn't there any more. Look at the board again.")
        return found

    def _require_row(self, kind: str, id: str) -> None:
        if find_row(self._files.read_own(), kind, id) is None:
            raise AnswersError(f"Only its author can remove {ARTICLES[kind]}; it stands in another file.")


ARTICLES = {"cause": "a cause", "action": "an action", "comment": "a comment"}


def _list_about(found: BoardCause) -> list[Any]:
    return [*found.votes, *found.comments, *found.actions]


def _is_same(one: Any, other: Any) -> bool:
    blank = (None, "", [], ())
    return (one in blank and other in blank) or one == other
