"""The KPI discovery matrix while people decide in it: each decision is written at once and merged with the others'."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from helpers.answers.discovery import (
    COPY_STATES,
    EFFORTS,
    LIGHTS,
    TOPIC,
    Activation,
    CopyDecision,
    DiscoveryAnswers,
    Judgement,
    find_record_fault,
    parse_discovery,
    read_quarter,
)
from helpers.answers.edit_results import Clock, Saved, read_clock
from helpers.answers.fields import UNSHOWABLE
from helpers.answers.files import Topic, read_topic, stat_topic, update_topic
from helpers.answers.pseudonyms import hide_deciders
from helpers.errors import AnswersError, suggest

LONGEST_NOTE = 20_000
"""Characters."""

JUDGED = ("kpi", "dimension", "object", "quarter")
COPIED = ("dimension", "from_object", "to_object")
PLANNED = ("kpi", "dimension")
"""What names a cell of each list."""


class DiscoveryEditor:
    """The decisions in the matrix, as one window takes them.

    Every decision is on disk when its method returns, unless it says otherwise. What others decided meanwhile about
    other cells is taken over; where somebody decided about the same one, nothing is written until the decision is
    repeated with ``force=True``, or ``refresh`` has taken the other one over.

    Args:
        folder: The company's folder.
        by: Who decides.
        quarter: The quarter in which is decided, such as ``Q3 2026``; earlier quarters' judgements stay.
        clock: Tells the time.
        find_hiding: Returns what replaces people's names in everything that is shown; the file keeps the names.

    Attributes:
        answers: Everything decided, as last read or written.
        problem: What is wrong with the file or the quarter; while there is something, nothing is written.
    """

    def __init__(
        self,
        folder: Path,
        *,
        by: str,
        quarter: str,
        clock: Clock = read_clock,
        find_hiding: Callable[[], Callable[[str], str]] = lambda: str,
    ) -> None:
        self._find_hiding = find_hiding
        self.by, self.quarter = by.strip(), quarter.strip()
        self.answers = DiscoveryAnswers()
        self._folder, self._clock = Path(folder), clock
        self._fault = _check_texts(by=self.by)
        if read_quarter(self.quarter) is None:
            self._fault = f"[quarter] '{self.quarter[:40]}' is no quarter. Write it as Q3 2026."
        self.problem = self._fault
        self._known = Topic(TOPIC)
        self._mark: tuple[int, ...] = ()
        self.refresh()

    def judge(
        self, *, kpi: str = "", dimension: str = "", object: str = "", light: str, note: str = "", force: bool = False
    ) -> Saved:
        """Set the light of one cell in this quarter.

        Args:
            kpi: The KPI; empty for every KPI of the object.
            dimension: The partition; empty for the KPI as such.
            object: The object; empty for every object.
            light: One of ``LIGHTS``.
            note: Why.
            force: Also where somebody else has set it meanwhile.
        """
        fault = _check_judged(kpi, dimension, object) or _check_choice("light", light, LIGHTS)
        fault = fault or _check_texts(note=note)
        cell = Judgement(dimension, object, kpi, by=self.by, quarter=self.quarter)
        return self._decide("judgement", JUDGED, cell, replace(cell, light=light, note=note), force=force, fault=fault)

    def withdraw(self, *, kpi: str = "", dimension: str = "", object: str = "", force: bool = False) -> Saved:
        """Take one cell back to its suggestion, in this quarter; what was judged in earlier ones stays on record."""
        cell = Judgement(dimension, object, kpi, by=self.by, quarter=self.quarter)
        return self._decide("judgement", JUDGED, cell, None, force=force, fault=_check_judged(kpi, dimension, object))

    def decide_copy(
        self, dimension: str, from_object: str, to_object: str, state: str, note: str = "", *, force: bool = False
    ) -> Saved:
        """Say whether a field's copy from one object to another exists, is wanted, or is not wanted."""
        names = {"dimension": dimension, "from_object": from_object, "to_object": to_object}
        fault = _check_named(**names) or _check_choice("state", state, COPY_STATES) or _check_texts(note=note)
        cell = CopyDecision(**names, state=state, note=note)
        return self._decide("copy", COPIED, cell, cell, force=force, fault=fault)

    def withdraw_copy(self, dimension: str, from_object: str, to_object: str, *, force: bool = False) -> Saved:
        """Take back what was decided about a copy: the exports alone say again whether there is one."""
        names = {"dimension": dimension, "from_object": from_object, "to_object": to_object}
        cell = CopyDecision(**names, state="")
        return self._decide("copy", COPIED, cell, None, force=force, fault=_check_named(**names))

    def plan(
        self,
        kpi: str,
        dimension: str,
        *,
        effort: str = "",
        owner: str = "",
        planned: str = "",
        note: str = "",
        force: bool = False,
    ) -> Saved:
        """Plan to make a secondary KPI trackable; planning it again replaces what was planned."""
        fault = _check_named(kpi=kpi, dimension=dimension) or _check_choice("effort", effort, ("", *EFFORTS))
        fault = fault or _check_texts(owner=owner, planned=planned, note=note)
        owner = self._find_owner(kpi, dimension, owner)
        cell = Activation(kpi, dimension, effort, owner, planned, note)
        return self._decide("activation", PLANNED, cell, cell, force=force, fault=fault)

    def unplan(self, kpi: str, dimension: str, *, force: bool = False) -> Saved:
        """Take a secondary KPI off the plan."""
        cell = Activation(kpi, dimension)
        fault = _check_named(kpi=kpi, dimension=dimension)
        return self._decide("activation", PLANNED, cell, None, force=force, fault=fault)

    def refresh(self) -> bool:
        """Take over what others decided; cheap where nothing was.

        Returns:
            Whether something changed on disk.
        """
        mark = stat_topic(self._folder, TOPIC)
        was_removed = not mark and bool(self._known.revision)  # what is known of it is written again
        if was_removed or (mark == self._mark and not self.problem):
            return False
        try:
            topic = read_topic(self._folder, TOPIC, known=self._known)
        except AnswersError as error:
            is_news = self.problem != str(error)
            self.problem, self._mark = str(error), mark
            return is_news
        is_news = topic.revision != self._known.revision or bool(self.problem) > bool(self._fault)
        self.problem, self._mark = self._fault, mark
        self._take(topic)
        return is_news

    def _decide(self, table: str, keys: tuple[str, ...], cell: Any, record: Any, *, force: bool, fault: str) -> Saved:
        """Put one record (None: nothing) in the place of what was decided about its cell, and write it."""
        if fault or self._fault:
            return Saved("failed", fault or self._fault)
        clash: list[str] = []

        def compose(current: Topic) -> Mapping[str, Any] | None:
            values = current.values if current.revision else self._known.values  # somebody removed the file
            found, seen = (_find_decided(tables, table, keys, cell) for tables in (values, self._known.values))
            wanted = [_to_row(record)] if record else []
            if not force and _essence(found) not in (_essence(seen), _essence(wanted)):
                clash.append(_describe_clash(table, found, record, self._find_hiding()))
                return None
            return _replace_decided(values, table, keys, cell, record)

        try:
            topic = update_topic(self._folder, TOPIC, compose, known=self._known, now=self._clock())
        except AnswersError as error:
            self.problem = self._find_problem()
            return Saved("failed", str(error))
        self.problem = ""
        if clash:
            return Saved("conflict", clash[0], self._clock())
        is_same = topic.revision == self._known.revision
        self._take(topic)
        return Saved("unchanged" if is_same else "saved", at=self._clock())

    def _find_problem(self) -> str:
        try:
            read_topic(self._folder, TOPIC, known=self._known)
        except AnswersError as error:
            return str(error)
        return ""

    def _find_owner(self, kpi: str, dimension: str, owner: str) -> str:
        """Return whose name it is where an owner comes back as the pseudonym under which the plan was shown."""
        hide = self._find_hiding()
        known = parse_discovery(self._known)[0].activations
        planned = [one.owner for one in known if (one.kpi, one.dimension) == (kpi, dimension)]
        return next((name for name in planned if name and hide(name) == owner), owner)

    def _take(self, topic: Topic) -> None:
        self.answers = hide_deciders(parse_discovery(topic)[0], self._find_hiding())
        self._known = topic


def _find_decided(values: Mapping[str, Any], table: str, keys: tuple[str, ...], cell: Any) -> list[dict[str, Any]]:
    """Return what the file says about a cell; a cell taken back to its suggestion counts as said."""
    found = [row for row in _rows(values, table) if _is_about(row, table, keys, cell)]
    if table == "judgement" and not found:
        found = [row for row in _rows(values, "withdrawn") if _is_about(row, "withdrawn", keys, cell)]
    return found


def _replace_decided(
    values: Mapping[str, Any], table: str, keys: tuple[str, ...], cell: Any, record: Any
) -> dict[str, Any]:
    """Return the file's tables with one cell decided anew; every other record stays as it is, damaged ones too."""
    tables = dict(values)
    rows: list[Any] = []
    is_placed = record is None
    for row in _rows(values, table):
        if not _is_about(row, table, keys, cell):
            rows.append(row)
        elif not is_placed:
            rows.append(_to_row(record))
            is_placed = True
    tables[table] = rows if is_placed else [*rows, _to_row(record)]
    if table == "judgement":
        left = [row for row in _rows(values, "withdrawn") if not _is_about(row, "withdrawn", keys, cell)]
        tables["withdrawn"] = left
        said = parse_discovery(Topic(TOPIC, tables))[0]
        is_said = said.find(kpi=cell.kpi, dimension=cell.dimension, object=cell.object, quarter=cell.quarter)
        if record is None and is_said:
            tables["withdrawn"] = [*left, _to_row(cell)]
    return {name: rows for name, rows in tables.items() if rows != []}


def _rows(values: Mapping[str, Any], table: str) -> list[Any]:
    rows = values.get(table, [])
    if not isinstance(rows, list):
        raise AnswersError(
            f"[answers/{TOPIC}.toml, {table}] this is no list, so nothing was written. "
            f"Write [[{table}]] in double brackets."
        )
    return rows


def _is_about(row: Any, table: str, keys: tuple[str, ...], cell: Any) -> bool:
    if find_record_fault(row, table):
        return False
    return all(str(row.get(key, "")) == getattr(cell, key) for key in keys)


def _to_row(record: Any) -> dict[str, str]:
    return {key: value for key, value in asdict(record).items() if value != ""}


def _essence(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what was decided, whoever did."""
    return [{key: value for key, value in row.items() if key != "by"} for row in rows]


def _describe_clash(table: str, found: list[dict[str, Any]], record: Any, hide: Callable[[str], str]) -> str:
    say = {"judgement": "light", "copy": "state", "activation": "effort"}[table]
    row = found[0] if found else {}
    who = hide(str(row.get("by", ""))) or "somebody"
    theirs = f"{who} has set it to {_word(row[say])}" if row.get(say) else f"{who} has taken it back or changed it"
    mine = f"set it to {_word(getattr(record, say))}" if record and getattr(record, say) else "take it back"
    mine = "change it otherwise" if record and row.get(say) == getattr(record, say) else mine
    return (
        f"[answers/{TOPIC}.toml] {theirs} in the meantime; you would {mine}. "
        "Nothing was written over: keep theirs, or confirm yours to replace it."
    )


def _word(choice: str) -> str:
    return f"'{choice.replace('_', ' ')}'"


def _check_judged(kpi: str, dimension: str, object: str) -> str:
    if not kpi and not dimension:
        return "[judgement] neither a KPI nor a partition is named. Choose a cell."
    return _check_texts(kpi=kpi, dimension=dimension, object=object)


def _check_named(**texts: str) -> str:
    missing = next((name for name, text in texts.items() if not text), "")
    if missing:
        return f"[{missing}] it is missing. Choose one."
    return _check_texts(**texts)


def _check_texts(**texts: Any) -> str:
    for name, text in texts.items():
        if not isinstance(text, str):
            return f"[{name}] this is no text. Type a text."
        if len(text) > LONGEST_NOTE:
            return f"[{name}] the text has {len(text):,} characters; at most {LONGEST_NOTE:,} are kept. Shorten it."
        wrong = UNSHOWABLE.search(text)
        if wrong:
            return f"[{name}] the text holds a sign that can't be shown (U+{ord(wrong.group()):04X}). Delete it."
    return ""


def _check_choice(name: str, value: Any, allowed: tuple[str, ...]) -> str:
    if value in allowed:
        return ""
    shown = ", ".join(word for word in allowed if word)
    return f"[{name}] '{str(value)[:40]}' is unknown. Allowed: {shown}.{suggest(str(value)[:40], allowed)}"
