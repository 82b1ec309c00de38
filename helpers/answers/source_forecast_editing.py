"""One owner's forecasts and remedies while they are typed: saved by themselves, merged with what others save."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from threading import RLock
from typing import Any, Literal

from helpers.answers.edit_results import Clock, Saved, read_clock
from helpers.answers.files import Topic, list_topics, name_file, read_topic, stat_topic, update_topic
from helpers.answers.names import find_fault_in_name
from helpers.answers.source_forecasts import (
    DRAFT,
    GROUP,
    TEXT_LIMIT,
    VALUES,
    find_fault,
    put_row,
    read_author,
    read_source_forecasts,
)
from helpers.errors import AnswersError
from helpers.model.source_forecast import SourceForecasts, order_forecasts
from helpers.periods import Period
from helpers.units import format_value

Place = tuple[str, str, str, date]
"""Kind (forecast or remedy), source (empty for a remedy), grain, first day of the period."""

Cell = tuple[Place, str]
"""A row and its column."""

Values = Mapping[str, Any]
LABELS = {
    "pipeline": "pipeline",
    "opportunities": "opportunities",
    "note": "note",
    "covered_by": "who covers it",
    "remedy": "remedy",
    "amount": "amount",
    "due": "due date",
    "status": "status",
}


_SOMETHING_ELSE = object()
"""Stands for a value that neither side holds any more."""


@dataclass(frozen=True)
class RowConflict:
    """A row that somebody else, or another window, has changed in the same column meanwhile.

    Attributes:
        mine: The values typed here.
        theirs: The values on disk.
        columns: The columns in which both differ.
        author: Who wrote the row on disk.
    """

    mine: Values
    theirs: Values
    columns: tuple[str, ...]
    author: str


class SourceForecastEditor:
    """The forecasts of one owner and the remedies of all, as one window edits them.

    A forecast is the author's own; of a remedy the last word of anybody holds, and every earlier one is kept. A text
    that isn't allowed in its cell waits in the author's own file, so that reopening shows it with its fault; the value
    before it stays.

    Args:
        folder: The company's folder.
        author: The owner's name; the file's name is made of it.
        clock: Tells the time.

    Attributes:
        found: Everything on disk, everybody's, as read last.
        problem: What is wrong with the name or the own file; while there is, nothing is written.
        conflicts: Rows that need a choice.
    """

    def __init__(self, folder: Path, *, author: str, clock: Clock = read_clock) -> None:
        self.folder, self.author, self._clock = Path(folder), " ".join(author.split()), clock
        self._fault_in_name = find_fault_in_name(author, what="author")
        self.topic = "" if self._fault_in_name else f"{GROUP}/{name_file(self.author)}"
        self.problem = self._fault_in_name
        self.found = SourceForecasts()
        self.conflicts: dict[Place, RowConflict] = {}
        self._base: dict[Place, Values] = {}
        self._mine: dict[Place, Values] = {}
        self._drafts: dict[Cell, str] = {}
        self._new_drafts: dict[Cell, str] = {}
        self._guard = RLock()
        self._marks: tuple[Any, ...] = ("unread",)
        self.refresh()

    @property
    def is_dirty(self) -> bool:
        """Whether something typed isn't on disk yet."""
        return bool(self._mine or self._new_drafts)

    def read_draft(self, place: Place, column: str) -> str:
        """Return the text that waits in a cell until it is mended; empty where none does."""
        cell = place, column
        return self._new_drafts.get(cell, self._drafts.get(cell, ""))

    def put_draft(self, place: Place, column: str, text: str) -> None:
        """Let a text wait in a cell in which it isn't allowed; an empty one takes the waiting one away."""
        with self._guard:
            cell, kept = (place, column), text.strip()[:TEXT_LIMIT]
            if kept == self._drafts.get(cell, ""):
                self._new_drafts.pop(cell, None)
            else:
                self._new_drafts[cell] = kept

    def read(self, place: Place) -> Values:
        """Return a row's values as they stand here: what was typed, else what is on disk; None where blank."""
        return dict(self._mine.get(place) or self._read_disk(place)[0])

    def change(self, place: Place, values: Values) -> None:
        """Take what a row holds now; the next ``save`` writes it.

        Raises:
            AnswersError: A value isn't allowed; nothing was taken.
        """
        typed = {key: values.get(key) for key in VALUES[place[0]]}
        fault = find_fault(place[0], {**_name_place(place), **{k: v for k, v in typed.items() if v not in (None, "")}})
        if fault:
            raise AnswersError(f"[{LABELS.get(fault[0], fault[0])}] {fault[1]}. {fault[2]}")
        with self._guard:
            if place not in self._mine:
                self._base[place] = self._read_disk(place)[0]
            if typed == self._base[place] and place not in self.conflicts:
                self._mine.pop(place, None)
            else:
                self._mine[place] = typed

    def save(self) -> Saved:
        """Write what was typed; a row that somebody changed in the same column meanwhile waits for a choice."""
        with self._guard:
            if self._fault_in_name:
                return Saved("failed", self.problem)
            if not self.is_dirty:
                return self.refresh()
            try:
                update_topic(self.folder, self.topic, self._compose, now=self._clock())
            except AnswersError as error:
                self.problem = self._find_problem()
                return Saved("failed", str(error))
            self.problem, self._marks = "", ("written",)
            self._mine = {place: mine for place, mine in self._mine.items() if place in self.conflicts}
            self._new_drafts = {}
            self.refresh()
            return self._tell()

    def refresh(self) -> Saved:
        """Take over what others, or other windows, saved; cheap where nothing was."""
        with self._guard:
            marks = tuple((name, stat_topic(self.folder, name)) for name in list_topics(self.folder, GROUP))
            if marks == self._marks:
                return Saved("failed", self.problem) if self.problem else Saved("unchanged", at=self._clock())
            self._marks = marks
            before = self.found
            self.found, _ = read_source_forecasts(self.folder)
            drafts, self._drafts = self._drafts, self._read_drafts()
            self.problem = self._fault_in_name or self._find_problem()
            if self.problem:
                return Saved("failed", self.problem)
            changed = ("rows",) if self.found != before or self._drafts != drafts else ()
            return Saved("saved" if changed else "unchanged", at=self._clock(), changed=changed)

    def dispute(self, place: Place, column: str, value: Any) -> None:
        """Let a row wait for a choice whose column was changed here while somebody else changed it."""
        with self._guard:
            theirs, author = self._read_disk(place)
            both = (*(self.conflicts[place].columns if place in self.conflicts else ()), column)
            self._mine[place] = mine = {**theirs, **self._mine.get(place, {}), column: value}
            self._base[place] = {**theirs, **dict.fromkeys(both, _SOMETHING_ELSE)}
            self.conflicts[place] = RowConflict(mine, theirs, both, author)

    def resolve(self, place: Place, keep: Literal["mine", "theirs"]) -> None:
        """Choose one of two contradicting rows; the next ``save`` writes the choice."""
        with self._guard:
            conflict = self.conflicts.pop(place, None)
            if conflict is None:
                return
            if keep == "theirs":
                self._mine.pop(place, None)
            else:
                self._base[place] = conflict.theirs

    def _compose(self, current: Topic) -> Mapping[str, Any] | None:
        self._require_mine(current)
        own = read_author(current)
        others = [self._read_other(name) for name in list_topics(self.folder, GROUP) if name != self.topic]
        every = order_forecasts(
            [one for part in (own, *others) for one in part.forecasts],
            [one for part in (own, *others) for one in part.remedies],
        )
        values: dict[str, Any] = {"author": self.author, **current.values}
        is_changed, conflicts = False, {}
        for place, mine in self._mine.items():
            theirs, author = self._read_disk(place, every)
            merged, columns = _merge(self._base.get(place, theirs), mine, theirs)
            if columns:
                conflicts[place] = RowConflict(mine, theirs, columns, author)
            elif merged != theirs:
                is_changed = True
                values = put_row(values, place[0], _name_place(place), merged, self._clock().replace(microsecond=0))
        self.conflicts = conflicts
        if self._new_drafts:
            is_changed = True
            drafts = {cell: text for cell, text in {**_list_drafts(values), **self._new_drafts}.items() if text}
            values = {**values, DRAFT: [_write_draft(cell, text) for cell, text in drafts.items()]}
            if not drafts:
                del values[DRAFT]
        return values if is_changed else None

    def _read_drafts(self) -> dict[Cell, str]:
        try:
            return _list_drafts(read_topic(self.folder, self.topic).values) if self.topic else {}
        except AnswersError:
            return {}

    def _read_other(self, name: str) -> SourceForecasts:
        try:
            return read_author(read_topic(self.folder, name))
        except AnswersError:
            return SourceForecasts()

    def _read_disk(self, place: Place, found: SourceForecasts | None = None) -> tuple[Values, str]:
        """Return a row as it stands on disk, and who wrote it."""
        kind, source, grain, start = place
        found = self.found if found is None else found
        if kind == "remedy":
            rows = found.list_remedies(grain, start)
        else:
            rows = [
                one
                for one in found.forecasts
                if one.author.casefold() == self.author.casefold()
                and (one.source, one.grain, one.period_start) == (source, grain, start)
            ]
        if not rows:
            return ({key: ("" if key in ("note", "covered_by", "remedy") else None) for key in VALUES[kind]}, "")
        record = asdict(rows[-1])
        return {key: record[key] for key in VALUES[kind]}, rows[-1].author

    def _require_mine(self, topic: Topic) -> None:
        owner = topic.values.get("author", self.author)
        if str(owner).casefold() != self.author.casefold():
            raise AnswersError(
                f"[answers/{topic.name}.toml] the file belongs to {owner}. Give {self.author} another name, or correct "
                "'author' in the file."
            )
        for kind in ("forecast", "remedy"):
            rows = topic.values.get(kind, [])
            if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
                raise AnswersError(f"[answers/{topic.name}.toml] '{kind}' is no list. Write [[{kind}]].")

    def _find_problem(self) -> str:
        try:
            self._require_mine(read_topic(self.folder, self.topic))
        except AnswersError as error:
            return str(error)
        return ""

    def _tell(self) -> Saved:
        if not self.conflicts:
            return Saved("saved", at=self._clock(), changed=("rows",))
        told = "; ".join(describe_conflict(place, one, self.author) for place, one in self.conflicts.items())
        return Saved("conflict", f"{told}. Choose which one stays.", self._clock(), ("rows",))


def _list_drafts(values: Mapping[str, Any]) -> dict[Cell, str]:
    rows = values.get(DRAFT, [])
    found = {}
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, Mapping) and isinstance(row.get("period_start"), date):
            kind, source, grain, column = (str(row.get(key, "")) for key in ("kind", "source", "grain", "column"))
            found[(kind, source, grain, row["period_start"]), column] = str(row.get("text", ""))
    return found


def _write_draft(cell: Cell, text: str) -> dict[str, Any]:
    place, column = cell
    return {"kind": place[0], **_name_place(place), "column": column, "text": text}


def describe_conflict(place: Place, conflict: RowConflict, author: str) -> str:
    """Say which row differs from what is on disk, and in what."""
    kind, source, grain, start = place
    who = "another window of yours" if conflict.author.casefold() == author.casefold() else conflict.author
    label = f"{source}, {label_start(grain, start)}" if kind == "forecast" else label_start(grain, start)
    parts = [f"{LABELS[key]} is {_say(conflict.theirs[key])} there, {_say(conflict.mine[key])} here"
             for key in conflict.columns]  # fmt: skip
    return f"{label} was changed by {who} too: {', '.join(parts)}"


def label_start(grain: str, start: date) -> str:
    """Name a period by its first day, which holds for every fiscal year."""
    return f"{grain} from {start.day} {start:%b %Y}"


def make_place(kind: str, period: Period, source: str = "") -> Place:
    """Return the place of a period's row."""
    return kind, source, period.grain, period.start


def _name_place(place: Place) -> dict[str, Any]:
    kind, source, grain, start = place
    named = {"grain": grain, "period_start": start}
    return {"source": source, **named} if kind == "forecast" else named


def _merge(base: Values, mine: Values, theirs: Values) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Merge a row column by column; return it, and the columns that both sides changed differently."""
    merged, columns = {}, []
    for key in mine:
        if mine[key] != base.get(key) and theirs[key] != base.get(key) and mine[key] != theirs[key]:
            columns.append(key)
        merged[key] = mine[key] if mine[key] != base.get(key) else theirs[key]
    return merged, tuple(columns)


def _say(value: Any) -> str:
    if value in (None, ""):
        return "blank"
    if isinstance(value, date):
        return format_value(value, "date")
    return f"{value:,}" if isinstance(value, int | float) else f"'{str(value)[:60]}'"
