"""A goal workbook that comes back: which goals were changed in it, by whom else, and what can't be taken.

Rows and columns are told by the marks that the export hid beside them, so that sorting and hiding change nothing.
Formulas are never computed. Nothing is written before somebody has seen the changes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.answers.goal_cells import decide, held_of, read_goal_cell, read_state
from helpers.answers.goal_editing import FREE, GoalCell, GoalEditor, Typed
from helpers.answers.import_results import CellConflict, CellProblem, Imported, Keep
from helpers.answers.spreadsheet_cells import CellFault, plain_text
from helpers.answers.spreadsheet_layout import mark_cell, name_cell, read_cell_mark
from helpers.answers.spreadsheet_reading import Sheet, read_exported, read_sheets, require_same_company
from helpers.errors import AnswersError
from helpers.periods import GRAINS, period_of
from helpers.units import CURRENCY_SIGNS

if TYPE_CHECKING:
    import pandas as pd

ROW, PERIOD, CELL = "goal-row", "goal-period", "goal"
"""What a mark is for: a row of a KPI's slice, a column of a period, a cell in what was exported."""

VALUE, STATE = "value", "state"


@dataclass(frozen=True)
class GoalChange:
    """One goal that the workbook says otherwise than when it was exported.

    Attributes:
        key: The cell of the matrix.
        sheet: The sheet in which it was changed.
        cell: The cell there.
        label: What people call it.
        unit: The KPI's.
        before: What was set when the workbook was exported.
        after: What the workbook sets.
        theirs: What is set now.
    """

    key: GoalCell
    sheet: str
    cell: str
    label: str
    unit: str
    before: Typed
    after: Typed
    theirs: Typed

    @property
    def is_conflict(self) -> bool:
        """Whether somebody else has set it differently since the export."""
        return self.theirs not in (self.before, self.after)

    @property
    def is_news(self) -> bool:
        """Whether it would change anything."""
        return self.theirs != self.after


@dataclass(frozen=True)
class GoalPreview:
    """What a workbook would change, before anything is written.

    Attributes:
        changes: Every goal that differs from what is set now, in the order of the sheets.
        problems: Cells that can't be taken.
        n_unchanged: How many cells still show what was exported.
        currency: The company's.
    """

    changes: tuple[GoalChange, ...] = ()
    problems: tuple[CellProblem, ...] = ()
    n_unchanged: int = 0
    currency: str = "USD"

    @property
    def conflicts(self) -> tuple[GoalChange, ...]:
        """The changes that contradict what somebody else has set since the export."""
        return tuple(change for change in self.changes if change.is_conflict)

    def wanted(self, keep: Keep = "") -> dict[GoalCell, Typed]:
        """Return what to set, as ``GoalEditor.change`` takes it.

        Args:
            keep: ``mine`` takes the workbook's value of a conflict too; otherwise what is set now stays.
        """
        return {change.key: change.after for change in self.changes if keep == "mine" or not change.is_conflict}

    def to_frame(self) -> "pd.DataFrame":
        """List the changes for a reader.

        Returns:
            One row per change: sheet, cell, goal (the matrix's cell in words), before, after and now, each as text;
            ``now`` is blank where nobody else has changed it.
        """
        import pandas as pd

        columns = ["sheet", "cell", "goal", "before", "after", "now"]
        rows = [
            (
                change.sheet,
                change.cell,
                change.label,
                self.say(change.before, change.unit),
                self.say(change.after, change.unit),
                self.say(change.theirs, change.unit) if change.is_conflict else "",
            )
            for change in self.changes
        ]
        return pd.DataFrame(rows, columns=columns, dtype="str")

    def say(self, typed: Typed, unit: str) -> str:
        """Write what is set of a cell, in full: ``€2,150,000, locked``; ``free`` where nobody set anything."""
        number = "" if typed.goal is None else _say_number(typed.goal, unit, self.currency)
        word = "locked" if typed.is_locked else "" if number else "free"
        return ", ".join(part for part in (number, word) if part)


def preview_goals(
    folder: Path,
    data: bytes | Path,
    *,
    current: Mapping[GoalCell, Typed] | None = None,
    file: str = "",
    decimal: str = ".",
) -> GoalPreview:
    """Find what a goal workbook would change; writes nothing.

    Args:
        folder: The company's folder.
        data: The workbook, or its bytes.
        current: What is set now; ``GoalEditor.typed`` of an open editor, else what the folder holds.
        file: What the workbook is called in messages.
        decimal: The sign before the fraction where the company is at home, for numbers typed as text.

    Returns:
        The changes, each with what was set at the export, what the workbook says and what is set now; and the cells
        that can't be taken, by sheet and cell. All others are taken.

    Raises:
        AnswersError: It is no workbook, a damaged one, one of something else, another company's, or lost its marks.
    """
    told = file or (data.name if isinstance(data, Path) else "workbook")
    sheets = read_sheets(data, file=told)
    exported = read_exported(sheets) or {}
    if exported.get("kind") != "goals":
        what = f"the {exported['kind']}" if exported.get("kind") else "something else"
        raise AnswersError(
            f"[{told}] this is no workbook of goals but of {what}. Hand over one exported from the goals."
        )
    require_same_company(exported, Path(folder), told)
    held = GoalEditor(Path(folder)).typed if current is None else current
    return compare_goals(sheets, exported, held, file=told, decimal=decimal)


def import_goals(
    folder: Path, sheets: Sequence[Sheet], exported: Mapping[str, Any], *, keep: Keep = "", file: str = "workbook"
) -> Imported:
    """Take over the goals of a workbook; those changed elsewhere since the export stay unless ``keep`` says ``mine``.

    Raises:
        AnswersError: Its marks were lost, or the goals can't be saved; nothing was written.
    """
    editor = GoalEditor(Path(folder))
    if editor.problem:
        raise AnswersError(editor.problem)
    preview = compare_goals(sheets, exported, editor.typed, file=file)
    wanted = preview.wanted(keep)
    editor.change(wanted, f"taking over {file}")
    saved = editor.save()
    if saved.status in ("failed", "conflict"):
        raise AnswersError(saved.message)
    conflicts = [
        CellConflict(
            change.sheet,
            change.cell,
            mark_cell(CELL, *map(str, change.key)),
            change.label,
            f"'{preview.say(change.after, change.unit)}'",
            f"'{preview.say(change.theirs, change.unit)}'",
            kept=keep,
        )
        for change in preview.conflicts
    ]
    return Imported("goals", file, len(wanted), preview.problems, tuple(conflicts))


def compare_goals(
    sheets: Sequence[Sheet],
    exported: Mapping[str, Any],
    current: Mapping[GoalCell, Typed],
    *,
    file: str = "workbook",
    decimal: str = ".",
) -> GoalPreview:
    """Compare a workbook with what was exported and with what is set now; arguments and result as of ``preview_goals``.

    Raises:
        AnswersError: The workbook's marks were lost.
    """
    reader = _Reader(exported, current, decimal)
    for sheet in sheets:
        reader.read(sheet)
    if not reader.n_rows:
        raise AnswersError(
            f"[{file}] the hidden column or row, which tell what each cell is for, were removed. "
            "Export the goals anew and type into that workbook."
        )
    news = tuple(change for change in reader.changes.values() if change is not None and change.is_news)
    return GoalPreview(news, tuple(reader.problems), reader.n_unchanged, reader.currency)


@dataclass
class _Reader:
    """Goes through the sheets and notes what was changed and what can't be taken."""

    exported: Mapping[str, Any]
    current: Mapping[GoalCell, Typed]
    decimal: str
    changes: dict[GoalCell, GoalChange | None] = field(default_factory=dict)
    problems: list[CellProblem] = field(default_factory=list)
    n_rows: int = 0
    n_unchanged: int = 0

    def __post_init__(self) -> None:
        self.currency = str(self.exported.get("currency") or "USD")
        self.cells = _mapping(self.exported.get("cells"))
        self.kpis = _mapping(self.exported.get("kpis"))
        self.seen: dict[GoalCell, tuple[str, str]] = {}

    def read(self, sheet: Sheet) -> None:
        """Read one sheet; one without the marks is people's own."""
        periods: dict[tuple[str, date], dict[str, int]] = {}
        for number, cells in sorted(sheet.cells.items()):
            marks = {column: mark for column, cell in cells.items() if (mark := read_cell_mark(cell.value))}
            for column, mark in marks.items():
                if mark[0] == PERIOD and len(mark) == 4 and (day := _read_day(mark[2])) and mark[1] in GRAINS:
                    periods.setdefault((mark[1], day), {})[mark[3]] = column
            row = next((mark for mark in marks.values() if mark[0] == ROW and len(mark) == 4), None)
            if row is None or not periods:
                continue
            self.n_rows += 1
            found = list(self._read_row(sheet, number, row[1:], periods))
            if found and not self._shows(sheet, number, row):
                at = name_cell(number, min(cells))
                told = f"this row was exported as {self._name_row(row)}, and it says something else now."
                cure = "Sort whole rows, the hidden first column too, or put the words back. Its changes were left out."
                self.problems.append(CellProblem(sheet.title, at, told, cure))
            else:
                for change in found:
                    self._add(change)

    def _read_row(
        self, sheet: Sheet, number: int, row: tuple[str, ...], periods: Mapping[tuple[str, date], Mapping[str, int]]
    ) -> Iterator[GoalChange]:
        kpi, dimension, value = row
        unit = str(_mapping(self.kpis.get(kpi)).get("unit") or "count")
        for (grain, start), columns in periods.items():
            key = GoalCell(kpi, grain, start, dimension, value)
            base = self.cells.get(mark_cell(CELL, kpi, grain, start.isoformat(), dimension, value))
            if not isinstance(base, Mapping) or VALUE not in columns:
                continue
            at = (sheet.title, name_cell(number, columns[VALUE]))
            after, fault = self._read_cell(sheet, number, columns, base, unit)
            if fault:
                self.problems.append(CellProblem(sheet.title, fault[0], *fault[1]))
                continue
            self._note_twice(key, at, after)
            if after is None:
                self.n_unchanged += 1
                continue
            label = self._name_cell(key)
            yield GoalChange(key, *at, label, unit, held_of(base), after, self.current.get(key, Typed()))

    def _read_cell(
        self, sheet: Sheet, number: int, columns: Mapping[str, int], base: Mapping[str, Any], unit: str
    ) -> tuple[Typed | None, tuple[str, CellFault] | None]:
        """Return what a cell sets, None where it shows what was exported, and what is wrong with it."""
        shown, was = base.get("shown"), str(base.get("state") or FREE)
        where = name_cell(number, columns[VALUE])
        value, fault = read_goal_cell(sheet.cell(number, columns[VALUE]), unit, self.currency, self.decimal, shown)
        if fault:
            return None, (where, fault)
        state = was
        if STATE in columns:
            state, fault = read_state(sheet.cell(number, columns[STATE]))
            where = name_cell(number, columns[STATE])
        if fault:
            return None, (where, fault)
        return decide(value, shown, state, was, base, where)

    def _note_twice(self, key: GoalCell, at: tuple[str, str], after: Typed | None) -> None:
        """Refuse a cell that stands twice in the workbook and says two things."""
        first = self.seen.setdefault(key, at)
        if first != at and after is not None:
            known = self.changes.get(key)
            if known is None or known.after != after:
                self.changes[key] = None
                told = f"the same goal stands in {first[1]} of the sheet '{first[0]}' and says something else there."
                self.problems.append(CellProblem(*at, told, "Delete the row that was copied."))

    def _add(self, change: GoalChange) -> None:
        if self.seen.get(change.key) == (change.sheet, change.cell):
            self.changes.setdefault(change.key, change)

    def _shows(self, sheet: Sheet, number: int, row: tuple[str, ...]) -> bool:
        """Whether the row still bears the words that were exported beside its mark."""
        labels = [plain_text(str(text)) for text in self._labels_of(row) if text]
        texts = {plain_text(str(cell.value)) for cell in sheet.row(number).values() if cell.kind == "text"}
        return all(label in texts for label in labels)

    def _labels_of(self, row: tuple[str, ...]) -> list[Any]:
        known = _mapping(self.exported.get("rows")).get(mark_cell(*row))
        return list(known) if isinstance(known, list) else []

    def _name_row(self, row: tuple[str, ...]) -> str:
        return " · ".join(f"'{str(label)[:60]}'" for label in self._labels_of(row))

    def _name_cell(self, key: GoalCell) -> str:
        label = str(_mapping(self.kpis.get(key.kpi)).get("label") or key.kpi)
        begins = self.exported.get("fiscal_year_start")
        month = begins if isinstance(begins, int) and 1 <= begins <= 12 else 1
        period = period_of(key.period_start, key.grain, month).label
        where = "" if key.dimension == "all" else f", {key.slice}"
        return f"{label}{where}, {period}"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _say_number(goal: float, unit: str, currency: str) -> str:
    """Write a number in full: two that round to the same must not look the same."""
    if unit == "share":
        return f"{goal * 100:,.8g} %"
    sign = CURRENCY_SIGNS.get(currency, f"{currency} ") if unit.startswith("currency") else ""
    ending = {"days": " days", "ratio": "×"}.get(unit, "")
    return f"{sign}{goal:,.12g}{ending}"


def _read_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
