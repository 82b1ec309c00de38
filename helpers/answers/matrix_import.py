"""A filled-in matrix workbook taken over as decisions: only what was changed, by whom and for which quarter."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpers.answers.discovery import read_quarter
from helpers.answers.discovery_editing import DiscoveryEditor
from helpers.answers.edit_results import Saved
from helpers.answers.import_results import CellConflict, CellProblem, Imported, Keep
from helpers.answers.names import find_fault_in_name
from helpers.answers.spreadsheet_cells import CellFault, read_cell, shows
from helpers.answers.spreadsheet_layout import (
    COPY_WORDS,
    EFFORT_WORDS,
    LIGHT_WORDS,
    PLAN_WORDS,
    README,
    mark_cell,
    name_cell,
    read_cell_mark,
)
from helpers.answers.spreadsheet_reading import Sheet
from helpers.errors import AnswersError, suggest
from helpers.model.survey import SurveyField

TEXT = SurveyField(id="note", label="Note", type="text")
COLUMNS: Mapping[str, Mapping[str, str]] = {
    "light": {"light": "Trackable today?", "note": "Note: why"},
    "copy": {"state": "Is it wanted?", "note": "Note"},
    "plan": {"plan": "Plan it?", "effort": "Effort", "owner": "Owner", "planned": "When", "note": "Note"},
}
"""List → what can be filled in → the heading over it."""

WORDS: Mapping[str, Mapping[str, str]] = {
    "light": LIGHT_WORDS,
    "state": COPY_WORDS,
    "effort": EFFORT_WORDS,
    "plan": PLAN_WORDS,
}
ALSO: Mapping[str, Mapping[str, str]] = {
    "light": {
        **{"green": "available", "yes": "available", "trackable": "available"},
        **{"orange": "adoption_needed", "amber": "adoption_needed", "yellow": "adoption_needed"},
        **{"red": "unavailable", "no": "unavailable"},
    },
    "plan": {"x": "yes", "true": "yes", "1": "yes", "false": "no", "0": "no"},
    "state": {"exists": "exists", "yes": "wanted", "no": "not_wanted"},
}
"""What people type instead of choosing from the list."""

Key = tuple[str, ...]


@dataclass
class Change:
    """What a workbook says about one decision, where it says something else than when it was exported.

    Attributes:
        key: The kind of decision and what it is about.
        sheet: The sheet in which it was changed.
        cells: What can be filled in → its cell there.
        values: What is to be decided: id of a word, or text.
        label: What people call it.
    """

    key: Key
    sheet: str
    label: str = ""
    cells: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)

    @property
    def cell(self) -> str:
        """The first cell that was changed."""
        return next(iter(self.cells.values()), "A1")


def import_matrix(
    folder: Path,
    sheets: Sequence[Sheet],
    exported: Mapping[str, Any],
    *,
    name: str = "",
    quarter: str = "",
    keep: Keep = "",
    file: str = "workbook",
) -> Imported:
    """Take over the decisions of a filled-in matrix workbook.

    Args:
        folder: The company's folder.
        sheets: The workbook.
        exported: What its hidden sheet says of the export.
        name: Who decides, where the first sheet names nobody.
        quarter: For which quarter; that on the first sheet unless said.
        keep: Which decision stays where the workbook and the folder contradict each other.
        file: What the workbook is called in messages.

    Returns:
        What was taken and what was not. Lights that were left as suggested decide nothing.

    Raises:
        AnswersError: It names no person or quarter, its marks were lost, or the decisions can't be saved.
    """
    shown = exported.get("shown")
    shown = shown if isinstance(shown, Mapping) else {}
    problems: list[CellProblem] = []
    changes: dict[Key, Change] = {}
    for sheet in sheets:
        for change in _read_sheet(sheet, shown, problems):
            _add_change(changes, change, problems)
    if not changes:
        raise AnswersError(
            f"[{file}] the hidden column that tells what each row is for was removed. Export the matrix anew, "
            "and fill in that one."
        )
    by = _find_person(sheets, name, file)
    editor = DiscoveryEditor(folder, by=by, quarter=quarter or _find_quarter(sheets, exported))
    if editor.problem:
        raise AnswersError(editor.problem)
    work = _Work(editor, keep, shown, problems)
    for change in changes.values():
        if change.values:
            work.take(change)
    return Imported("matrix", by, work.n_taken, tuple(problems), tuple(work.conflicts))


def _add_change(changes: dict[Key, Change], change: Change, problems: list[CellProblem]) -> None:
    """Bring together what two sheets say about one decision."""
    known = changes.setdefault(change.key, change)
    if known is change:
        return
    for name, value in change.values.items():
        if known.values.setdefault(name, value) == value:
            known.cells.setdefault(name, change.cells[name])
            continue
        told = f"here stands '{_word(name, value)}', and '{_word(name, known.values[name])}' in {known.cells[name]} of "
        told += f"the sheet '{known.sheet}'."
        problems.append(CellProblem(change.sheet, change.cells[name], told, "Choose the same in both, or change one."))
        del known.values[name]


def _read_sheet(sheet: Sheet, shown: Mapping[str, Any], problems: list[CellProblem]) -> Iterator[Change]:
    """Go through the decisions on a sheet; those that weren't changed have no values."""
    columns: dict[int, Key] = {}
    heads: dict[str, int] = {}
    for row, cells in sorted(sheet.cells.items()):
        marks = {column: mark for column, cell in cells.items() if (mark := read_cell_mark(cell.value))}
        columns |= {column: mark[1:] for column, mark in marks.items() if mark[0] == "column" and len(mark) == 3}
        mark = next(iter(marks.values()), ())
        if mark[:1] == ("head",):
            heads = {cell.first_line.casefold(): column for column, cell in cells.items()}
        elif mark[:1] == ("row",) and len(mark) == 2:
            for column, (kpi, object) in columns.items():
                key = ("light", kpi, mark[1], object if mark[1] else "")
                yield _read_change(sheet, key, shown, {"light": (row, column)}, problems)
        elif mark and mark[0] in COLUMNS and len(mark) > 2:
            names = COLUMNS[mark[0]]
            places = {name: (row, heads[told.casefold()]) for name, told in names.items() if told.casefold() in heads}
            yield _read_change(sheet, mark, shown, places, problems)


def _read_change(
    sheet: Sheet,
    key: Key,
    shown: Mapping[str, Any],
    places: Mapping[str, tuple[int, int]],
    problems: list[CellProblem],
) -> Change:
    base = _read_base(shown, key, "shown")
    change = Change(key, sheet.title, label=_label_of(key))
    if base is None:  # a cell that wasn't part of the export, such as one of the dashes
        return change
    for name, (row, column) in places.items():
        before = base.get(name, "")
        value, fault = _read_value(sheet, row, column, name, before)
        if fault:
            problems.append(CellProblem(sheet.title, name_cell(row, column), *fault))
        elif value != before:
            change.values[name] = value
            change.cells[name] = name_cell(row, column)
    return change


def _read_base(shown: Mapping[str, Any], key: Key, part: str) -> dict[str, str] | None:
    """Return what the export showed of a decision, or what the folder held of it then (``held``)."""
    base = shown.get(mark_cell(*key))
    known = base.get(part) if isinstance(base, Mapping) else None
    return {str(name): str(value or "") for name, value in known.items()} if isinstance(known, Mapping) else None


def _read_value(sheet: Sheet, row: int, column: int, name: str, before: str) -> tuple[str, CellFault | None]:
    cell = sheet.cell(row, column)
    if before and name not in WORDS and shows(TEXT, cell, before):
        return before, None
    value, fault = read_cell(TEXT, cell)
    text = str(value or "")
    if fault or not text or name not in WORDS:
        return text, fault
    words = WORDS[name]
    said = text.strip("●◐○ ").casefold().replace("_", " ")
    for id, word in words.items():
        if said in (word.strip("●◐○ ").casefold(), id.replace("_", " ")):
            return id, None
    if said in ALSO.get(name, {}):
        return ALSO[name][said], None
    plain = [word.strip("●◐○ ") for word in words.values()]
    return "", (f"'{text[:60]}' can't be chosen.", f"Allowed: {', '.join(plain)}.{suggest(said[:60], plain)}")


@dataclass
class _Work:
    """Writes decision by decision and notes what came of it."""

    editor: DiscoveryEditor
    keep: Keep
    shown: Mapping[str, Any]
    problems: list[CellProblem]
    conflicts: list[CellConflict] = field(default_factory=list)
    n_taken: int = 0

    def take(self, change: Change) -> None:
        """Write one decision, unless somebody has decided otherwise since the export."""
        held = _read_base(self.shown, change.key, "held") or {}
        shown = _read_base(self.shown, change.key, "shown") or {}
        now = _find_now(self.editor, change.key)
        wanted = _complete(change, now, shown)
        if wanted == now:
            return
        theirs = {name: now[name] for name in change.values if now[name] not in (held.get(name, ""), wanted[name])}
        for name, value in theirs.items():
            said = (_word(name, wanted[name]), _word(name, value))
            quoted = [f"'{text[:80]}'" if text else "" for text in said]
            where = (change.sheet, change.cells[name])
            self.conflicts.append(CellConflict(*where, "/".join(change.key), change.label, *quoted, kept=self.keep))
        if theirs and self.keep != "mine":
            wanted |= theirs
        if wanted == now:
            return
        saved = self._write(change.key, wanted, force=bool(theirs))
        if saved.status in ("failed", "conflict"):
            message, _, cure = (saved.message.partition("] ")[2] or saved.message).partition(". ")
            self.problems.append(CellProblem(change.sheet, change.cell, message, cure))
        elif saved.status == "saved":
            self.n_taken += 1

    def _write(self, key: Key, wanted: Mapping[str, str], *, force: bool) -> Saved:
        editor = self.editor
        if key[0] == "light":
            place = {"kpi": key[1], "dimension": key[2], "object": key[3]}
            if not wanted["light"]:
                return editor.withdraw(**place, force=force)
            return editor.judge(**place, light=wanted["light"], note=wanted["note"], force=force)
        if key[0] == "copy":
            return editor.decide_copy(key[1], key[2], key[3], wanted["state"], wanted["note"], force=force)
        if wanted["plan"] != "yes":
            return editor.unplan(key[1], key[2], force=force)
        rest = {name: wanted[name] for name in ("effort", "owner", "planned", "note")}
        return editor.plan(key[1], key[2], **rest, force=force)


def _complete(change: Change, now: Mapping[str, str], shown: Mapping[str, str]) -> dict[str, str]:
    """Return the whole decision that a change of a part of it stands for."""
    wanted = {**now, **change.values}
    kind = change.key[0]
    if kind == "light" and not wanted["light"] and "light" not in change.values:
        wanted["light"] = shown.get("light", "")  # a note beside a light confirms it
    if kind == "copy" and not wanted["state"] and wanted["note"]:
        wanted["state"] = "wanted"
    if kind == "plan" and "plan" not in change.values and any(change.values.values()):
        wanted["plan"] = "yes"
    if kind == "plan" and wanted["plan"] == "yes" and "effort" not in change.values:
        wanted["effort"] = now["effort"] or shown.get("effort", "")
    is_undone = not wanted["light"] if kind == "light" else kind == "plan" and wanted["plan"] != "yes"
    return dict.fromkeys(wanted, "") if is_undone else wanted


def _find_now(editor: DiscoveryEditor, key: Key) -> dict[str, str]:
    """Return what the folder holds of a decision."""
    answers = editor.answers
    if key[0] == "light":
        one = answers.find(kpi=key[1], dimension=key[2], object=key[3], quarter=editor.quarter)
        return {"light": one.light if one else "", "note": one.note if one else ""}
    if key[0] == "copy":
        copy = next((c for c in answers.copies if (c.dimension, c.from_object, c.to_object) == key[1:]), None)
        return {"state": copy.state if copy else "", "note": copy.note if copy else ""}
    plan = next((a for a in answers.activations if (a.kpi, a.dimension) == key[1:]), None)
    known = {name: getattr(plan, name) if plan else "" for name in ("effort", "owner", "planned", "note")}
    return {"plan": "yes" if plan else "", **known}


def _word(name: str, value: str) -> str:
    return WORDS[name].get(value, value) if name in WORDS else value


def _label_of(key: Key) -> str:
    kind, *names = (name.replace("_", " ") for name in key)
    if kind == "light":
        kpi, dimension, object = names
        return f"{kpi.capitalize()} by {dimension} on the {object}" if dimension else kpi.capitalize()
    if kind == "copy":
        return f"Copy of {names[0]} from {names[1]} to {names[2]}"
    return f"Plan for {names[1]}"


def _find_named(sheets: Sequence[Sheet], name: str) -> tuple[str, str]:
    """Return what was typed beside a mark of the first sheet, and where."""
    for sheet in sheets:
        for row, cells in sheet.cells.items():
            for column, cell in cells.items():
                if read_cell_mark(cell.value) == (name,):
                    value, fault = read_cell(TEXT, sheet.cell(row, column + 2))
                    where = f"{sheet.title}, {name_cell(row, column + 2)}"
                    if fault:
                        raise AnswersError(f"[{where}] {' '.join(fault)}")
                    return str(value or ""), where
    return "", README


def _find_person(sheets: Sequence[Sheet], name: str, file: str) -> str:
    typed, where = _find_named(sheets, "by")
    who = typed or name
    if not who:
        raise AnswersError(f"[{where}] nobody's name stands in the workbook '{file}'. Write who has decided.")
    fault = find_fault_in_name(who)
    if fault:
        raise AnswersError(f"[{where}] {fault.partition('] ')[2]}")
    return who


def _find_quarter(sheets: Sequence[Sheet], exported: Mapping[str, Any]) -> str:
    typed, where = _find_named(sheets, "quarter")
    found = read_quarter(typed)
    if not found:
        raise AnswersError(f"[{where}] '{typed[:40]}' is no quarter. Write it as Q3 2026 and save again.")
    before = str(exported.get("quarter") or "")
    return before if read_quarter(before) == found else f"Q{found[1]} {found[0]}"
