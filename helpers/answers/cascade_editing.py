"""The cascade while people edit it in tables: every change is on disk at once, and merged with what others changed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from helpers.answers.cascade import (
    DRAFT,
    KINDS,
    PAY_KEYS,
    TOPIC,
    default_pay,
    find_free_id,
    find_pay_fault,
    parse_cascade,
    read_record,
)
from helpers.answers.cascade_cells import COLUMNS, PAY, Record, Vocabulary, read_cell, show_record
from helpers.answers.edit_results import Clock, Saved, read_clock
from helpers.answers.files import Topic, read_topic, stat_topic, update_topic
from helpers.answers.goal_numbers import POINT
from helpers.errors import AnswersError
from helpers.model.cascade import Cascade

ID = "_id"
Place = tuple[str, str, str]
"""Table, the record's id, column."""

NAMED_BY = {"goal": "title", "tactic": "title", "person": "name", "target": "person", "correlation": "from", PAY: ""}
"""Table → the column without which a row isn't kept yet."""

EVERYBODY = "everybody"
"""The id of the only row of the table of pay."""

CORRELATION = "correlation"
"""The only table whose records have no id: what they connect names them."""


@dataclass(frozen=True)
class CellConflict:
    """Two windows have changed one cell differently."""

    place: Place
    mine: str
    theirs: str


@dataclass(frozen=True)
class _Change:
    place: Place
    text: str
    sets: Mapping[str, Any]
    fault: str


class CascadeEditor:
    """The cascade as one window edits it.

    Cells that others changed meanwhile are taken over. Where a cell was changed on both sides, nothing is written over
    it: both texts are kept in ``conflicts`` until somebody chooses. A text that isn't allowed waits in the file's
    ``[[draft]]`` tables, so that reopening shows it with its fault; the value before it stays.

    Args:
        folder: The company's folder.
        kpis: KPI's id → label and unit.
        currency: ISO code of the company's currency.
        fiscal_year_start: The month (1–12) in which the fiscal year begins.
        decimal: The sign before fractions where the company is at home.
        clock: Tells the time.

    Attributes:
        cascade: As last read or written.
        problem: What is wrong with the whole file; while there is something, nothing is written.
        conflicts: Place → what stands on both sides.
    """

    def __init__(
        self,
        folder: Path,
        *,
        kpis: Mapping[str, tuple[str, str]],
        currency: str = "USD",
        fiscal_year_start: int = 1,
        decimal: str = POINT,
        clock: Clock = read_clock,
    ) -> None:
        self._folder, self._clock = Path(folder), clock
        self._kpis, self._currency, self._fiscal = kpis, currency, fiscal_year_start
        self._decimal = decimal
        self.cascade, self.problem = Cascade(), ""
        self.conflicts: dict[Place, CellConflict] = {}
        self._known, self._mark = Topic(TOPIC), ()
        self.refresh()

    @property
    def vocabulary(self) -> Vocabulary:
        """What texts in cells are read and written with, as things stand."""
        return Vocabulary(self.cascade, self._kpis, self._currency, self._fiscal, self._decimal)

    def list_rows(self, table: str) -> list[dict[str, str]]:
        """List a table's rows as texts, each with its id under ``_id``; drafts stand where they were typed."""
        words = self.vocabulary
        rows = [{ID: id, **show_record(table, record, words)} for id, record in self._records(table).items()]
        drafts = self._drafts()
        for row in rows:
            row.update({column: text for (_, id, column), text in drafts.items() if (_, id) == (table, row[ID])})
            mine = {place[2]: one.mine for place, one in self.conflicts.items() if place[:2] == (table, row[ID])}
            row.update(mine)
        return rows

    def list_faults(self, table: str) -> dict[tuple[str, str], str]:
        """List what isn't allowed in a table: record's id and column → what is wrong and what to do."""
        words, records, found = self.vocabulary, self._records(table), {}
        for (of, id, column), text in self._drafts().items():
            if of == table and id in records:
                sets, fault = read_cell(table, column, text, records[id], words)
                found[id, column] = fault or _explain(table, records[id], sets) or "Type it again to keep it."
        for place, one in self.conflicts.items():
            if place[0] == table:
                found[place[1], place[2]] = f"Somebody else has typed '{one.theirs[:60]}' meanwhile. Choose above."
        return found

    def check_row(self, table: str, row: Mapping[str, Any]) -> dict[str, str]:
        """Check a row that isn't kept yet: column → what isn't allowed and what to do."""
        record: dict[str, Any] = {}
        found = {}
        for column in sorted(COLUMNS[table], key=lambda column: column != "kpi"):
            text = _text(row.get(column))
            sets, fault = read_cell(table, column, text, record, self.vocabulary) if text.strip() else ({}, "")
            record.update(sets)
            if fault:
                found[column] = fault
        return found

    def save(self, table: str, rows: Sequence[Mapping[str, Any]]) -> Saved:
        """Write what was changed in a table's rows.

        Args:
            table: goal, tactic, person, target, correlation or pay.
            rows: Every row as typed: known ones with their ``_id``, new ones without. A known one that is missing is
                taken out of the cascade.

        Returns:
            What came of it; ``changed`` names the ids of records that are new.
        """
        if self.problem:
            return Saved("failed", self.problem)
        shown = {row[ID]: row for row in self.list_rows(table)}
        changes = [change for row in rows for change in self._find_changes(table, row, shown)]
        added = self._make_records(table, [row for row in rows if not row.get(ID)])
        kept = {row[ID] for row in rows if row.get(ID)}
        return self._write(table, changes, added, [id for id in shown if id not in kept])

    def dispute(self, place: Place, mine: str) -> None:
        """Let a cell wait for a choice that was typed into here while somebody else changed it."""
        table, id, column = place
        record = self._records(table).get(id)
        if record is not None:
            theirs = show_record(table, record, self.vocabulary)[column]
            self.conflicts[place] = CellConflict(place, mine, theirs)

    def resolve(self, place: Place, keep: str) -> Saved:
        """Settle a conflict: ``mine`` writes what was typed here, ``theirs`` keeps what the file holds."""
        conflict = self.conflicts.pop(place, None)
        if conflict is None or keep == "theirs":
            return Saved("unchanged")
        table, id, column = place
        record = self._records(table).get(id, {})
        sets, fault = read_cell(table, column, conflict.mine, record, self.vocabulary)
        return self._write(table, [_Change(place, conflict.mine, sets, fault)], [], [])

    def refresh(self) -> bool:
        """Take over what others saved; cheap where nothing was.

        Returns:
            Whether something changed on disk.
        """
        mark = stat_topic(self._folder, TOPIC)
        if mark == self._mark and not self.problem:
            return False
        try:
            topic = read_topic(self._folder, TOPIC, known=self._known)
        except AnswersError as error:
            is_news, self.problem, self._mark = self.problem != str(error), str(error), mark
            return is_news
        is_news = topic.revision != self._known.revision or bool(self.problem)
        self.problem, self._mark = "", mark
        self._take(topic)
        return is_news

    def _find_changes(
        self, table: str, row: Mapping[str, Any], shown: Mapping[str, Mapping[str, str]]
    ) -> list[_Change]:
        before = shown.get(str(row.get(ID, "")))
        if before is None:
            return []
        id, words = str(row[ID]), self.vocabulary
        texts = {column: _text(row.get(column)) for column in COLUMNS[table]}
        changed = [column for column, text in texts.items() if text != before.get(column, "")]
        record = dict(self._records(table)[id])
        found = []
        for column in sorted(changed, key=lambda column: column != "kpi"):  # numbers are read in the KPI's unit
            sets, fault = read_cell(table, column, texts[column], record, words)
            if NAMED_BY[table] == column and not texts[column].strip():
                sets, fault = {}, f"The {column} is missing. Type it, or remove the row."
            record.update(sets)
            found.append(_Change((table, id, column), texts[column], sets, fault))
        return found

    def _make_records(
        self, table: str, rows: Iterable[Mapping[str, Any]]
    ) -> list[tuple[dict[str, Any], dict[str, str]]]:
        """Make records of new rows, each with the texts that aren't allowed."""
        made = []
        taken = {str(row.get("id")) for name in KINDS for row in self._listed(self._known.values, name)}
        for row in rows:
            name = _text(row.get(NAMED_BY[table])).strip()
            sets, fault = read_cell(table, NAMED_BY[table], name, {}, self.vocabulary)
            if not name or fault or not sets.get(NAMED_BY[table]):
                continue
            record: dict[str, Any] = {}
            if table != CORRELATION:
                record["id"] = find_free_id(f"{name} target" if table == "target" else name, taken)
                taken.add(record["id"])
            drafts = {}
            for column in sorted(COLUMNS[table], key=lambda column: column != "kpi"):
                text = _text(row.get(column))
                sets, fault = read_cell(table, column, text, record, self.vocabulary) if text.strip() else ({}, "")
                drafts |= {column: text} if fault else {}
                record.update({key: value for key, value in sets.items() if value is not None})
            fault_key = read_record(table, record)[1]
            if fault_key and fault_key[0] in record:
                drafts[fault_key[0]] = _text(row.get(fault_key[0]))
                record.pop(fault_key[0])
            if table != CORRELATION or record.get("to"):
                made.append((record, drafts))
        return made

    def _write(self, table: str, changes: list[_Change], added: list[Any], gone: list[str]) -> Saved:
        gone = [id for id in gone if table != PAY]
        if not (changes or added or gone):
            return Saved("unchanged")
        clashes: list[CellConflict] = []
        words, known_records = self.vocabulary, self._records(table)

        def compose(current: Topic) -> Mapping[str, Any]:
            clashes.clear()
            rows = self._copy_rows(current.values, table)
            drafts = [row for row in self._listed(current.values, DRAFT) if isinstance(row, Mapping)]
            by_id = {_id_of(table, row): row for row in reversed(rows) if isinstance(row, dict)}
            for change in changes:
                row = by_id.get(change.place[1])
                if row is None:
                    continue
                drafts = _without(drafts, change.place)
                clash = self._find_clash(change, row, known_records.get(change.place[1], {}), words)
                if clash:
                    clashes.append(clash)
                elif change.fault or not _is_allowed(table, row, change.sets):
                    drafts.append(_draft(change.place, change.text))
                else:
                    row.update(change.sets)
            keep = [row for row in rows if _id_of(table, row) not in gone]
            drafts = [row for row in drafts if not (row.get("table") == table and row.get("id") in gone)]
            for record, texts in added:
                keep.append(record)
                drafts += [_draft((table, _id_of(table, record), column), text) for column, text in texts.items()]
            tidy = [_tidy(row) for row in keep]
            written = {key: tidy[0][key] for key in tidy[0] if key != "id"} if table == PAY else tidy
            values = {**current.values, table: written, DRAFT: drafts}
            return {key: value for key, value in values.items() if value not in ([], {})}

        try:
            topic = update_topic(self._folder, TOPIC, compose, known=self._known, now=self._clock())
        except AnswersError as error:
            return Saved("failed", str(error))
        is_same = topic.revision == self._known.revision
        self.conflicts = {
            place: one for place, one in self.conflicts.items() if place not in {c.place for c in changes}
        }
        self.conflicts |= {clash.place: clash for clash in clashes}
        self._take(topic)
        self._mark = stat_topic(self._folder, TOPIC)
        new = tuple(_id_of(table, record) for record, _ in added)
        if clashes:
            told = f"[answers/{TOPIC}.toml] somebody else has changed {len(clashes)} of these cells meanwhile. Choose."
            return Saved("conflict", told, self._clock(), new)
        return Saved("unchanged" if is_same else "saved", "", self._clock(), new)

    def _find_clash(self, change: _Change, now: Record, before: Record, words: Vocabulary) -> CellConflict | None:
        """Tell where the file holds something else than this window knew, and than it would write."""
        table, _, column = change.place
        keys = change.sets or {column: None}
        now = {**asdict(default_pay()), **now} if table == PAY else read_record(table, now)[0]
        held = [_plain(now.get(key)) for key in keys]
        if held == [_plain(before.get(key)) for key in keys] or (
            change.sets and held == [_plain(v) for v in keys.values()]
        ):
            return None
        return CellConflict(change.place, change.text, show_record(table, now, words)[column])

    def _records(self, table: str) -> dict[str, dict[str, Any]]:
        """Return id → record of a table, those that aren't allowed left out."""
        if table == PAY:
            return {EVERYBODY: {"id": EVERYBODY, **asdict(self.cascade.pay)}}
        kept = {"goal": self.cascade.goals, "tactic": self.cascade.tactics, "person": self.cascade.people}
        known = kept.get(table, self.cascade.targets)
        rows = (row for row in self._listed(self._known.values, table) if isinstance(row, Mapping))
        found: dict[str, dict[str, Any]] = {}
        for row in rows:
            id = _id_of(table, row)
            if (table == CORRELATION or id in known) and id not in found:
                found[id] = read_record(table, row)[0]
        return {id: record for id, record in found.items() if record}

    def _copy_rows(self, values: Mapping[str, Any], table: str) -> list[Any]:
        if table == PAY:
            rule = values.get(PAY, {})
            if not isinstance(rule, Mapping):
                raise AnswersError(
                    f"[answers/{TOPIC}.toml, pay] this is no table, so nothing was written. Write [pay]."
                )
            return [{"id": EVERYBODY, **rule}]
        return [dict(row) if isinstance(row, Mapping) else row for row in self._listed(values, table)]

    def _drafts(self) -> dict[Place, str]:
        rows = (row for row in self._listed(self._known.values, DRAFT) if isinstance(row, Mapping))
        return {
            (str(row.get("table")), str(row.get("id")), str(row.get("column"))): _text(row.get("text")) for row in rows
        }

    @staticmethod
    def _listed(values: Mapping[str, Any], table: str) -> list[Any]:
        rows = values.get(table, [])
        if not isinstance(rows, list):
            cure = f"Write [[{table}]] in double brackets."
            raise AnswersError(f"[answers/{TOPIC}.toml, {table}] this is no list, so nothing was written. {cure}")
        return rows

    def _take(self, topic: Topic) -> None:
        self.cascade, self._known = parse_cascade(topic)[0], topic


def _id_of(table: str, row: Any) -> str:
    """Return a record's id; of a correlation what it connects."""
    if not isinstance(row, Mapping):
        return ""
    return f"{row.get('from')} {row.get('to')}" if table == CORRELATION else str(row.get("id", ""))


def _is_allowed(table: str, row: Mapping[str, Any], sets: Mapping[str, Any]) -> bool:
    """Tell whether a record stays allowed as a whole with some keys set, such as its due date after its start."""
    return not _explain(table, row, sets)


def _explain(table: str, row: Mapping[str, Any], sets: Mapping[str, Any]) -> str:
    """Say why a record isn't allowed as a whole with some keys set, and what to do; empty where it is."""
    wanted = {key: value for key, value in {**row, **sets}.items() if value is not None}
    if table == PAY:
        fault = find_pay_fault({key: wanted[key] for key in PAY_KEYS if key in wanted})
    else:
        fault = read_record(table, wanted)[1]
    return f"{fault[1][:1].upper()}{fault[1][1:]}. {fault[2]}" if fault else ""


def _without(drafts: Iterable[Mapping[str, Any]], place: Place) -> list[Mapping[str, Any]]:
    return [row for row in drafts if (row.get("table"), row.get("id"), row.get("column")) != place]


def _draft(place: Place, text: str) -> dict[str, str]:
    return {"table": place[0], "id": place[1], "column": place[2], "text": text}


def _tidy(row: Any) -> Any:
    return {key: value for key, value in row.items() if value is not None} if isinstance(row, dict) else row


def _plain(value: Any) -> Any:
    """Make values that mean the same alike: a list of one as its text, a whole number as a float."""
    if isinstance(value, list | tuple):
        return tuple(value) or None
    if isinstance(value, bool) or value is None:
        return value
    return float(value) if isinstance(value, int) else (value or None)


def _text(value: Any) -> str:
    return "" if value is None else str(value)
