"""Goals while people type them: every step on disk at once, undone and redone, merged with what others typed.

A step is one thing that somebody did: a cell typed, a range locked, a block pasted, a scenario opened. The file keeps
the goals in the order in which they were set, the newest last; text that is no number is in its table ``[[draft]]``.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from helpers.answers.edit_results import Clock, Saved, read_clock
from helpers.answers.files import Topic, list_version_times, read_topic, read_version, stat_topic, update_topic
from helpers.answers.goals import TOPIC, read_row, to_row
from helpers.errors import AnswersError

ALL = "all"
GOAL, LOCKED, FREE = "goal", "locked", "free"
LONGEST_TEXT = 200
"""Characters of a text that is no number; more is something else pasted by mistake."""

MOST_STEPS = 500


class GoalCell(NamedTuple):
    """What names a cell of the matrix."""

    kpi: str
    grain: str
    period_start: date
    dimension: str = ALL
    slice: str = ALL


@dataclass(frozen=True)
class Typed:
    """What people set of one cell.

    Attributes:
        goal: The goal, in the KPI's unit; None where none is typed.
        is_locked: Whether it holds come what may.
        text: What was typed and is no number; the goal typed before it stays.
    """

    goal: float | None = None
    is_locked: bool = False
    text: str = ""

    @property
    def state(self) -> str:
        """Goal, locked or free."""
        return LOCKED if self.is_locked else FREE if self.goal is None else GOAL

    @property
    def is_blank(self) -> bool:
        """Whether nobody set anything."""
        return self == Typed()


@dataclass(frozen=True)
class Step:
    """One thing that somebody did.

    Attributes:
        what: In words, such as ``typing``.
        changes: Cell → what was set before and after.
        order: What was set before, in its order: undoing brings that back too, for it tells which goal waits.
    """

    what: str
    changes: Mapping[GoalCell, tuple[Typed, Typed]]
    order: tuple[GoalCell, ...] = ()


@dataclass(frozen=True)
class GoalConflict:
    """Two windows have set one cell differently; the file holds theirs until somebody chooses."""

    mine: Typed
    theirs: Typed


@dataclass(frozen=True)
class GoalVersion:
    """An earlier version of the goals: its number, when it was saved, how many cells differ from now."""

    number: int
    saved_at: datetime
    n_changed: int


Cells = Mapping[GoalCell, Typed]


class GoalEditor:
    """The goals of one company, as one window types them.

    Args:
        folder: The company's folder.
        clock: Tells the time.

    Attributes:
        conflicts: Cells that two windows set differently, until ``resolve``.
        problem: What is wrong with the file; while there is something nothing is written, and what is typed stays here.
    """

    def __init__(self, folder: Path, *, clock: Clock = read_clock) -> None:
        self.folder, self._clock = Path(folder), clock
        self.conflicts: dict[GoalCell, GoalConflict] = {}
        self.problem = ""
        self._known, self._mark = Topic(TOPIC), ()
        self._file: dict[GoalCell, Typed] = {}
        self._pending: dict[GoalCell, Typed] = {}
        self._done: list[Step] = []
        self._undone: list[Step] = []
        self._order: tuple[GoalCell, ...] = ()
        self.refresh()

    @property
    def typed(self) -> dict[GoalCell, Typed]:
        """Everything that is set, in the order in which it was; cells in conflict as the file has them."""
        cells = {key: value for key, value in self._file.items() if key not in self._pending}
        cells |= self._pending
        return _sort({key: value for key, value in cells.items() if not value.is_blank}, self._order)

    @property
    def is_dirty(self) -> bool:
        """Whether something isn't on disk yet."""
        return bool(self._pending)

    @property
    def revision(self) -> str:
        """The revision of the file as this window knows it."""
        return self._known.revision

    @property
    def undoable(self) -> str:
        """What undoing would take back, in words; empty where there is nothing."""
        return self._done[-1].what if self._done else ""

    @property
    def redoable(self) -> str:
        """What redoing would do again; empty where there is nothing."""
        return self._undone[-1].what if self._undone else ""

    def read(self, cell: GoalCell) -> Typed:
        """Return what is set of one cell."""
        return self._pending.get(cell, self._file.get(cell, Typed()))

    def change(self, changes: Cells, what: str = "typing") -> tuple[GoalCell, ...]:
        """Set cells as one step; writes nothing.

        Args:
            changes: Cell → what it is to be; ``Typed()`` frees it.
            what: What is done, in words.

        Returns:
            The cells that are different now.
        """
        step = {cell: (self.read(cell), _shorten(value)) for cell, value in changes.items() if self.read(cell) != value}
        if step:
            self._done = [*self._done[1 - MOST_STEPS :], Step(what, step, tuple(self.typed))]
            self._undone = []
            self._set({cell: after for cell, (_, after) in step.items()})
        return tuple(step)

    def undo(self) -> Step | None:
        """Take the latest step back, except cells that somebody else has set since; None where there is none."""
        return self._move(self._done, self._undone, backwards=True)

    def redo(self) -> Step | None:
        """Do the step again that was taken back last; None where there is none."""
        return self._move(self._undone, self._done, backwards=False)

    def find_before_lock(self, cell: GoalCell) -> Typed:
        """Return what a locked cell goes back to: what it was before somebody locked it here, else a goal."""
        now = self.read(cell)
        for step in reversed(self._done):
            before, after = step.changes.get(cell, (now, now))
            if after.is_locked and not before.is_locked:
                return before if before.goal is None or before.goal == now.goal else replace(now, is_locked=False)
        return replace(now, is_locked=False)

    def save(self, *, force: Iterable[GoalCell] = ()) -> Saved:
        """Write what was set; what others wrote meanwhile is merged cell by cell.

        Args:
            force: Cells to write although somebody else has set them meanwhile.

        Returns:
            ``conflict`` where a cell was set differently elsewhere: that one stays as the others set it and stands in
            ``conflicts``, all others are written.
        """
        if not self._pending:
            return Saved("conflict", self._say_conflicts()) if self.conflicts else Saved("unchanged", at=self._clock())
        clash: dict[GoalCell, GoalConflict] = {}
        forced = set(force)

        def compose(current: Topic) -> Mapping[str, Any]:
            clash.clear()
            values = current.values if current.revision else self._known.values  # somebody removed the file
            held, changes = read_cells(values), {}
            for cell, mine in self._pending.items():
                theirs, seen = held.get(cell, Typed()), self._file.get(cell, Typed())
                if cell not in forced and theirs not in (seen, mine):
                    clash[cell] = GoalConflict(mine, theirs)
                else:
                    changes[cell] = mine
            return lay_cells(values, changes, self._order)

        before = dict(self._file)
        try:
            topic = update_topic(self.folder, TOPIC, compose, known=self._known, now=self._clock())
        except AnswersError as error:
            self.problem = str(error)
            return Saved("failed", str(error))
        self.problem = ""
        mine = set(self._pending)
        self._pending, self._order = {}, ()
        self.conflicts |= clash
        self._take(topic)
        changed = tuple(str(cell) for cell in {*before, *self._file} - mine if before.get(cell) != self._file.get(cell))
        if self.conflicts:
            return Saved("conflict", self._say_conflicts(), self._clock(), changed)
        return Saved("saved", at=self._clock(), changed=changed)

    def refresh(self) -> bool:
        """Take over what others wrote; cheap where nothing was.

        Returns:
            Whether something is different now.
        """
        mark = stat_topic(self.folder, TOPIC)
        was_removed = not mark and bool(self._known.revision)  # what is known of it is written again with the next step
        if was_removed or (mark == self._mark and not self.problem):
            return False
        try:
            topic = read_topic(self.folder, TOPIC, known=self._known)
        except AnswersError as error:
            is_news = self.problem != str(error)
            self.problem, self._mark = str(error), mark
            return is_news
        is_news = bool(self.problem)
        before, self.problem = dict(self._file), ""
        self._take(topic)
        self._mark = mark
        return is_news or before != self._file

    def resolve(self, cell: GoalCell, keep: Literal["mine", "theirs"]) -> Saved:
        """Choose between two windows' values of a cell, and write the choice."""
        conflict = self.conflicts.pop(cell, None)
        if conflict is None or keep == "theirs":
            return self.save()
        self.change({cell: conflict.mine}, "choosing")
        return self.save(force=[cell])

    def set_disputed_aside(self, changes: Cells, known: Cells) -> dict[GoalCell, Typed]:
        """Keep what an earlier page has left from overtaking what somebody else has set since that page last heard.

        Args:
            changes: What that page has left.
            known: What it knew to be set then, by cell.

        Returns:
            The changes that overtake nothing; the others are conflicts now.
        """
        kept = {}
        for cell, mine in changes.items():
            now, then = self.read(cell), known.get(cell, self.read(cell))
            if now != mine and (now.goal, now.is_locked) != (then.goal, then.is_locked):
                self.conflicts[cell] = GoalConflict(mine, now)
            else:
                kept[cell] = mine
        return kept

    def list_versions(self, limit: int = 20) -> list[GoalVersion]:
        """List earlier versions that differ from what holds now, newest first."""
        found, now = [], {**self._file}
        for version in reversed(list_version_times(self.folder, TOPIC)):
            try:
                cells = read_cells(read_version(self.folder, TOPIC, version.number).values)
            except AnswersError:
                continue  # thinned away or damaged
            n = sum(1 for cell in {*cells, *now} if cells.get(cell, Typed()) != now.get(cell, Typed()))
            if n and (not found or n != found[-1].n_changed):
                found.append(GoalVersion(version.number, datetime.fromtimestamp(version.saved_at).astimezone(), n))
            if len(found) >= limit:
                break
        return found

    def read_version(self, number: int) -> dict[GoalCell, Typed]:
        """Read what was set in an earlier version.

        Raises:
            AnswersError: That version isn't kept.
        """
        return read_cells(read_version(self.folder, TOPIC, number).values)

    def _set(self, cells: Cells, order: tuple[GoalCell, ...] = ()) -> None:
        self._order = order
        for cell, value in cells.items():
            self.conflicts.pop(cell, None)
            self._pending.pop(cell, None)  # what is set anew stands last
            self._pending[cell] = value

    def _move(self, source: list[Step], target: list[Step], *, backwards: bool) -> Step | None:
        if not source:
            return None
        step = source.pop()
        target.append(step)
        pairs = {cell: pair[::-1] if backwards else pair for cell, pair in step.changes.items()}
        wanted = {cell: wanted for cell, (expected, wanted) in pairs.items() if self.read(cell) == expected}
        self._set(wanted, step.order if backwards else ())
        return step

    def _take(self, topic: Topic) -> None:
        self._known, self._file = topic, read_cells(topic.values)
        self._mark = stat_topic(self.folder, TOPIC)

    def _say_conflicts(self) -> str:
        n = len(self.conflicts)
        what = "1 goal" if n == 1 else f"{n} goals"
        return f"[answers/{TOPIC}.toml] another window has set {what} differently. Choose which value holds."


def list_replaced(
    typed: Cells, goals: Cells, *, may_change: Callable[[GoalCell], bool] = lambda _: True
) -> dict[GoalCell, Typed]:
    """List the changes that leave only some goals set: all others become free, except cells that may not change."""
    wanted = dict.fromkeys(typed, Typed()) | dict(goals)
    return {cell: one for cell, one in wanted.items() if may_change(cell)}


def read_cells(values: Mapping[str, Any]) -> dict[GoalCell, Typed]:
    """Read what people set from the tables of ``goals.toml``; rows that aren't allowed are left out."""
    cells: dict[GoalCell, Typed] = {}
    for row in _list_rows(values, "goal"):
        cell = _name(row)
        if cell is not None:
            goal = row.get("goal")
            cells[cell] = Typed(None if goal is None else float(goal), row.get("locked", False) is True)
    for row in _list_rows(values, "draft"):
        cell, text = _name({**row, "text": None}), row.get("text")
        if cell is not None and isinstance(text, str):
            cells[cell] = replace(cells.get(cell, Typed()), text=text[:LONGEST_TEXT])
    return {cell: typed for cell, typed in cells.items() if not typed.is_blank}


def lay_cells(values: Mapping[str, Any], changes: Cells, order: tuple[GoalCell, ...] = ()) -> dict[str, Any]:
    """Return the tables of ``goals.toml`` with some cells set anew; every other row stays as it is, faulty ones too.

    What is set anew stands last, unless ``order`` names it: then before what that doesn't name.
    """
    goals = [row for row in _list_rows(values, "goal") if _name(row) not in changes]
    drafts = [row for row in _list_rows(values, "draft") if _name({**row, "text": None}) not in changes]
    for cell, typed in changes.items():
        record = cell._asdict()
        if typed.goal is not None or typed.is_locked:
            goals.append(to_row(record | {"goal": typed.goal, "locked": typed.is_locked}))
        if typed.text:
            drafts.append(to_row(record) | {"text": typed.text})
    if order:
        place = {cell: at for at, cell in enumerate(order)}
        goals.sort(key=lambda row: place.get(_name(row), len(place)))
    tables = {key: rows for key, rows in values.items() if key not in ("goal", "draft")}
    return tables | ({"goal": goals} if goals else {}) | ({"draft": drafts} if drafts else {})


def _list_rows(values: Mapping[str, Any], table: str) -> list[Any]:
    rows = values.get(table, [])
    if not isinstance(rows, list):
        raise AnswersError(
            f"[answers/{TOPIC}.toml, {table}] this is no list, so nothing was written. "
            f"Write [[{table}]] in double brackets."
        )
    return rows


def _name(row: Any) -> GoalCell | None:
    """Name the cell that a row is about; None where the row isn't allowed."""
    if not isinstance(row, Mapping):
        return None
    record, fault = read_row({key: value for key, value in row.items() if key != "text"})
    if fault:
        return None
    dimension, value = (str(record.get(key) or ALL) for key in ("dimension", "slice"))
    return GoalCell(record["kpi"], record["grain"], record["period_start"], dimension, value)


def _sort(cells: dict[GoalCell, Typed], order: tuple[GoalCell, ...]) -> dict[GoalCell, Typed]:
    place = {cell: at for at, cell in enumerate(order)}
    return {cell: cells[cell] for cell in sorted(cells, key=lambda cell: place.get(cell, len(place)))}


def _shorten(value: Typed) -> Typed:
    return replace(value, text=value.text[:LONGEST_TEXT]) if len(value.text) > LONGEST_TEXT else value
