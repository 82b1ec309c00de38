"""One person's answers while they are typed: checked at once, saved whole, merged with what other windows save."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import RLock
from typing import Any, Literal

from helpers.answers.edit_results import (
    Clock,
    Conflict,
    FieldState,
    Progress,
    Saved,
    build_state,
    describe_conflicts,
    measure_tab,
    read_clock,
)
from helpers.answers.files import Topic, name_file, read_topic, stat_topic, update_topic
from helpers.answers.merging import Held, Sync, adopt, choose, open_sync, rebase, settle
from helpers.answers.names import find_fault_in_name
from helpers.answers.response_file import (
    RESPONDENT,
    SAVED_ON,
    list_fields,
    order_tables,
    put_held,
    read_held,
    require_owner,
    require_tables,
)
from helpers.answers.response_versions import VersionHistory, VersionInfo
from helpers.answers.typed import (
    Raw,
    copy_raw,
    is_keepable,
    keep_blank_rows,
    lay_rows,
    lay_secondaries,
    normalise,
    show_raw,
)
from helpers.errors import AnswersError, QuestionError, suggest
from helpers.model.survey import Survey, SurveyField

GROUP = "survey"


class ResponseEditor:
    """The answers of one person, as one window edits them.

    Reading writes nothing, and neither does ``change``; ``save`` writes. What another window of the same person saved
    meanwhile is merged field by field, grids row by row and cell by cell. Where both changed the same, the file keeps
    what it holds, my answer is set aside in it, and both are told until ``resolve``.

    Args:
        folder: The company's folder.
        survey: The survey's definition.
        name: The person's name; the file's name is made of it.
        team: Id of the person's team, where the file doesn't say it yet.
        role: The person's role, where the file doesn't say it yet.
        clock: Tells the time.

    Attributes:
        name: The person's name as typed.
        topic: The file, such as ``survey/ana-okafor``.
        folder: The company's folder.
        problem: What is wrong with the name or file, where, and what to do; while there is, nothing is written.
    """

    def __init__(
        self, folder: Path, survey: Survey, *, name: str, team: str = "", role: str = "", clock: Clock = read_clock
    ) -> None:
        self.name = name.strip() if isinstance(name, str) else ""
        self.problem = self._fault_in_name = find_fault_in_name(name)
        self.topic = "" if self.problem else f"{GROUP}/{name_file(self.name)}"
        self.folder, self._survey, self._clock = Path(folder), survey, clock
        self._fields: dict[str, SurveyField] = {id: field for id, _, field in list_fields(survey)}
        self._guard = RLock()
        self._known = Topic(self.topic)
        self._mark: tuple[int, ...] = ()
        self._held: dict[str, Held] = {}
        self._syncs: dict[str, Sync] = {}
        self._raws: dict[str, Raw] = {}
        self._states: dict[str, FieldState] = {}
        self._too_long: set[str] = set()
        self._history = VersionHistory(self.folder, self.topic, survey, name=self.name)
        self._given: set[str] = set()
        self._open()
        for id, given in ((f"{RESPONDENT}.team", team), (f"{RESPONDENT}.role", role)):
            if given and id in self._fields and id not in self._held:
                self.change(id, given)
                self._given.add(id)

    @property
    def team(self) -> str:
        """Id of the person's team; empty where none was chosen."""
        return self._text_of(f"{RESPONDENT}.team")

    @property
    def role(self) -> str:
        """The person's role; empty where none was typed."""
        return self._text_of(f"{RESPONDENT}.role")

    @property
    def is_dirty(self) -> bool:
        """Whether something was changed and not saved yet."""
        with self._guard:
            return bool(self._list_dirty())

    def is_too_long(self, field: str) -> bool:
        """Tell whether what a control holds is more than the file keeps."""
        return field in self._too_long

    @property
    def conflicts(self) -> dict[str, Conflict]:
        """The questions that two windows have answered differently: id → both answers."""
        with self._guard:
            found = ((id, self.read(id).conflict) for id, sync in self._syncs.items() if sync.dispute)
            return {id: conflict for id, conflict in found if conflict}

    def read(self, field: str) -> FieldState:
        """Return a question as its control shows it.

        Raises:
            QuestionError: There is no such question.
        """
        with self._guard:
            question = self._find(field)
            if question.rows_from:
                return build_state(field, question, self.secondary_rows(), self._sync(field))
            if field not in self._states:
                sync = self._sync(field)
                raw = self._raws.get(field)
                raw = show_raw(question, sync.mine) if raw is None else raw
                is_too_long = field in self._too_long
                self._states[field] = build_state(field, question, lay_rows(question, raw), sync, is_too_long)
            return self._states[field]

    def change(self, field: str, raw: Raw, *, known: Sequence[Raw] = ()) -> FieldState:
        """Take what a control holds now; it is checked and remembered, and written by the next ``save``.

        Args:
            field: The question's id, or ``respondent.team`` and ``respondent.role``.
            raw: What the control holds; it is copied.
            known: What it held before, oldest first, on a page cut off; other answers given since are a conflict.

        Raises:
            QuestionError: There is no such question.
        """
        with self._guard:
            question = self._find(field)
            kept = copy_raw(raw)
            normal = normalise(question, kept)
            self._raws[field] = kept
            before = [normalise(question, one) for one in known]
            self._syncs[field] = rebase(replace(self._sync(field), mine=normal), before)
            self._states.pop(field, None)
            (self._too_long.discard if is_keepable(question, normal) else self._too_long.add)(field)
            self._given.discard(field)
            return self.read(field)

    def save(self) -> Saved:
        """Write what was changed, merged with what another window saved meanwhile.

        Returns:
            What came of it. After ``failed`` everything typed is still here, and the next call tries again.
        """
        with self._guard:
            if self._fault_in_name:
                return Saved("failed", self.problem)
            if not self._list_dirty():
                return self.refresh()
            plan: dict[str, Any] = {}

            def compose(current: Topic) -> Mapping[str, Any] | None:
                plan.update(self._plan(current))
                return self._date(current.values, plan["tables"])

            try:
                topic = self._update(compose)
            except AnswersError as error:
                self.problem = self._find_problem()
                return Saved("failed", str(error))
            self.problem = ""
            self._given.clear()
            return self._tell(self._take(topic, plan["held"], plan["syncs"]))

    def refresh(self) -> Saved:
        """Take over what another window saved; cheap where nothing was.

        Returns:
            ``unchanged``, or ``saved`` with the questions taken over, or ``conflict``; ``failed`` where the file
            can't be read any more.
        """
        with self._guard:
            if self._fault_in_name:
                return Saved("failed", self.problem)
            mark = stat_topic(self.folder, self.topic)
            if not mark:  # somebody removed it, damage and all
                self.problem = ""
            if mark == self._mark or not mark:
                return Saved("failed", self.problem) if self.problem else Saved("unchanged", at=self._clock())
            try:
                topic = self._read()
            except AnswersError as error:
                self.problem = str(error)
                return Saved("failed", self.problem)
            self.problem, self._mark = "", mark
            if topic.revision == self._known.revision or self._has_vanished(topic):
                return Saved("unchanged", at=self._clock())
            held = read_held(topic.values, self._survey)
            before = self.conflicts
            changed = self._take(topic, held, {id: self._adopt(id, held) for id in self._fields})
            return self._tell(changed) if changed or self.conflicts != before else Saved("unchanged", at=self._clock())

    def resolve(self, field: str, keep: Literal["mine", "theirs"]) -> FieldState:
        """Choose one of two contradicting answers; the next ``save`` writes the choice.

        Raises:
            QuestionError: There is no such question, or ``keep`` is neither word.
        """
        if keep not in ("mine", "theirs"):
            raise QuestionError(f"'{keep}' can't be kept. Allowed: mine, theirs.{suggest(keep, ('mine', 'theirs'))}")
        with self._guard:
            question = self._find(field)
            sync = self._sync(field)
            if sync.dispute:
                mine, theirs = sync.dispute
                chosen, other = (mine, theirs) if keep == "mine" else (theirs, mine)
                self._syncs[field] = choose(sync, chosen, other)
                if chosen != sync.mine:
                    self._raws[field] = show_raw(question, chosen)
                self._states.pop(field, None)
            return self.read(field)

    def measure_progress(self) -> dict[str, Progress]:
        """Count what is answered: tab's id → progress, in the tabs' order."""
        return {tab.id: measure_tab(tab, lambda id: self.read(id).is_answered) for tab in self._survey.tabs.values()}

    def list_versions(self) -> list[VersionInfo]:
        """List the earlier versions kept of these answers, newest first."""
        with self._guard:
            return self._history.list_versions(self._held)

    def preview(self, number: int) -> dict[str, Raw]:
        """Return what the controls would hold after bringing a version back: question's id → raw.

        Raises:
            AnswersError: The version isn't kept, or it is damaged.
        """
        held = self._history.read_held(number)
        return {
            id: lay_rows(field, show_raw(field, held[id].value)) for id, field in self._fields.items() if id in held
        }

    def restore(self, number: int) -> Saved:
        """Bring an earlier version back, also in the place of a damaged file.

        What was there becomes a version that stays for good. What was typed and could not be saved stays here.
        """
        with self._guard:
            before = self.save()
            if before.status == "failed" and (self._fault_in_name or not self.problem):
                return before
            try:
                old = self._history.read(number)

                def compose(current: Topic) -> Mapping[str, Any] | None:
                    require_owner(current, self.name)
                    return self._date(current.values, old.values)

                topic = self._update(compose, is_pinned=True, replaces_damaged=True)
            except AnswersError as error:
                return Saved("failed", str(error))
            self.problem = ""
            held = read_held(topic.values, self._survey)
            syncs = {id: open_sync(held.get(id, Held())) for id in self._fields}
            unsaved = {id: sync for id, sync in self._syncs.items() if sync.is_changed}
            return self._tell(self._take(topic, held, {**syncs, **unsaved}))

    def secondary_rows(self) -> list[dict[str, Any]]:
        """List every primary KPI × cut as a row of the grid of secondary KPIs, with what was answered of it.

        Returns:
            One row per secondary KPI: the grid's columns as typed, and ``kpi`` and ``partition``. What was answered
            of one that is no longer generated comes last.
        """
        with self._guard:
            grid = next((field for field in self._fields.values() if field.rows_from == "secondaries"), None)
            if grid is None:
                return []
            raw = self._raws.get(grid.id)
            typed = show_raw(grid, self._sync(grid.id).mine) if raw is None else raw
            primaries = self.read("primary_kpis").value if "primary_kpis" in self._fields else None
            return lay_secondaries(grid, primaries or [], typed)

    def _find(self, field: str) -> SurveyField:
        if field not in self._fields:
            raise QuestionError(f"question '{field}' is unknown.{suggest(str(field), self._fields)}")
        return self._fields[field]

    def _sync(self, id: str) -> Sync:
        return self._syncs.get(id, Sync())

    def _text_of(self, id: str) -> str:
        value = self.read(id).value if id in self._fields else None
        return value if isinstance(value, str) else ""

    def _open(self) -> None:
        if self._fault_in_name:
            return
        self._mark = stat_topic(self.folder, self.topic)
        self.problem = self._find_problem()
        if not self.problem:
            self._known = self._read()
            self._held = read_held(self._known.values, self._survey)
            self._syncs = {id: open_sync(held) for id, held in self._held.items()}

    def _update(self, compose: Callable[[Topic], Mapping[str, Any] | None], **how: bool) -> Topic:
        return update_topic(self.folder, self.topic, compose, known=self._known, now=self._clock(), **how)

    def _read(self) -> Topic:
        return self._require_usable(read_topic(self.folder, self.topic, known=self._known))

    def _require_usable(self, topic: Topic) -> Topic:
        require_owner(topic, self.name)
        require_tables(topic, self._survey)
        return topic

    def _find_problem(self) -> str:
        try:
            self._read()
        except AnswersError as error:
            return str(error)
        return ""

    def _has_vanished(self, topic: Topic) -> bool:
        """Tell whether somebody removed or emptied the file; what is known of it is then written again."""
        return bool(self._known.values) and not topic.values

    def _list_dirty(self) -> list[str]:
        dirty = [id for id, sync in self._syncs.items() if sync.is_changed and id not in self._too_long]
        return [] if self._given.issuperset(dirty) else dirty

    def _adopt(self, id: str, held: Mapping[str, Held]) -> Sync:
        sync = self._sync(id)
        return sync if sync.is_changed else adopt(self._fields[id], sync, held.get(id, Held()))

    def _plan(self, current: Topic) -> dict[str, Any]:
        """Work out what the file is to hold and what this window knows then, without changing anything yet."""
        self._require_usable(current)
        values, held = current.values, self._held
        if self._has_vanished(current):
            values = self._known.values
        elif current.revision != self._known.revision:
            held = read_held(values, self._survey)
        syncs: dict[str, Sync] = {}
        wanted: dict[str, Held] = {}
        dirty = set(self._list_dirty())
        for id, field in self._fields.items():
            have = held.get(id, Held())
            is_settled = id in self._given and have.value is not None
            if id in dirty and not is_settled:
                syncs[id], wanted[id] = settle(field, self._sync(id), have)
            else:
                syncs[id] = open_sync(have) if is_settled else self._adopt(id, held)
        tables = put_held(values, self._survey, held, wanted)
        return {"tables": tables, "held": {**held, **wanted}, "syncs": syncs}

    def _date(self, before: Mapping[str, Any], wanted: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Note who saved and on which day; nothing where nothing else changes."""
        if wanted == before:
            return None
        person = {"name": self.name, **wanted.get(RESPONDENT, {}), SAVED_ON: self._clock().date()}
        return order_tables({**wanted, RESPONDENT: person})

    def _take(self, topic: Topic, held: Mapping[str, Held], syncs: Mapping[str, Sync]) -> tuple[str, ...]:
        """Know from now on what the file holds; return the questions whose answer became another one here."""
        changed = []
        for id, new in syncs.items():
            old = self._sync(id)
            if new.mine != old.mine:
                changed.append(id)
                self._too_long.discard(id)
                field = self._fields[id]
                self._raws[id] = keep_blank_rows(field, show_raw(field, new.mine), self._raws.get(id))
            if new != old:
                self._states.pop(id, None)
        self._known, self._held, self._syncs = topic, dict(held), dict(syncs)
        if "primary_kpis" in changed:
            changed += [id for id, field in self._fields.items() if field.rows_from and id not in changed]
        return tuple(changed)

    def _tell(self, changed: tuple[str, ...]) -> Saved:
        conflicts = self.conflicts
        if not conflicts:
            return Saved("saved", at=self._clock(), changed=changed)
        return Saved("conflict", describe_conflicts(self.topic, self._fields, conflicts), self._clock(), changed)
