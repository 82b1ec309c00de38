"""The goal matrix edited in the browser: every cell typed, locked or freed is solved, shown and on disk at once."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import pandas as pd
from ipywidgets import HBox, VBox, Widget

from helpers.analyses.goal_session import prepare_matrix
from helpers.answers.goal_editing import GoalCell, GoalEditor, Typed
from helpers.answers.goal_numbers import POINT, find_decimal, read_goal_text
from helpers.model.catalog import Catalog
from helpers.model.goal import GoalRules
from helpers.present import words
from helpers.present.forms.deferred import Deferred
from helpers.present.forms.goal_comparison import ComparisonPart, compare_sets
from helpers.present.forms.goal_files import GoalFiles
from helpers.present.forms.goal_sheet import STATES, Sheet, lay_out_sheet, read_cell, write_cells
from helpers.present.forms.goal_solving import GoalSolving, Judge
from helpers.present.forms.goal_table import GoalTable
from helpers.present.forms.goal_telling import GoalTelling
from helpers.present.forms.goal_words import describe_cell, say_absorbed, say_late, say_title
from helpers.present.forms.save_status import SaveStatus
from helpers.present.forms.style import style_widget

LOOK = 2.0
"""Seconds between two looks at what others saved; what couldn't be saved is tried again then."""

PAUSE = 0.3
"""Seconds without a change after which it is worked out what could be released."""

MOST_CELLS = 20_000
SAVES = "Every change is saved as it is made"


class GoalMatrixEditor:
    """The matrix as a form.

    Args:
        matrix: A goal matrix with expectations; what people set is taken from ``editor``.
        editor: Keeps what people set.
        catalog: The company's definitions.
        rules: What ``goals.toml`` of the definitions says.
        as_of: The last day that counts.
        past: As made by ``trace_past``.
        history: The columns of ``kpis.csv``, for the best ever beside scenarios.
        outlook: Revenue as simulated, as in the report.
        judge: Says how likely goals are.
        fiscal_year_start: The month (1–12) in which the fiscal year begins.
        currency: ISO code of the company's currency.
        decimal: The sign before fractions where the company is at home.
        labels: Partition → its label.
        subtitle: What stands under the finding.
        by: Who edits.
        write_workbook: Writes a solved matrix, what people set and a scenario's name as a workbook.
    """

    def __init__(
        self,
        matrix: pd.DataFrame,
        editor: GoalEditor,
        *,
        catalog: Catalog,
        rules: GoalRules,
        as_of: date,
        past: pd.DataFrame,
        history: pd.DataFrame | None = None,
        outlook: pd.DataFrame | None = None,
        judge: Judge | None = None,
        fiscal_year_start: int = 1,
        currency: str = "USD",
        decimal: str = POINT,
        labels: Mapping[str, str] | None = None,
        subtitle: str = "",
        by: str = "",
        write_workbook: Callable[[pd.DataFrame, Mapping[GoalCell, Typed], str], bytes] | None = None,
    ) -> None:
        self.editor, self._catalog, self._currency, self._decimal = editor, catalog, currency, decimal
        self._past, self._subtitle, self._basis = past, subtitle, matrix.attrs.get("basis", {})
        matrix = matrix.reset_index(drop=True)
        where: dict[str, Any] = {"as_of": as_of, "fiscal_year_start": fiscal_year_start, "currency": currency}
        self.sheet: Sheet = lay_out_sheet(matrix, past, catalog=catalog, labels=labels, outlook=outlook, **where)
        self.solving = GoalSolving(prepare_matrix(matrix, catalog=catalog, rules=rules), self.sheet, judge)
        self.telling = GoalTelling(self.sheet, editor, self.solving, currency=currency, decimal=decimal)
        chances = self.solving.add_chances
        where |= {"catalog": catalog, "history": history, "subtitle": subtitle}
        compare = partial(compare_sets, matrix=matrix, add_chances=chances, **where)
        self.comparison = ComparisonPart(compare)
        self.files = GoalFiles(
            editor,
            take=self._change,
            read_matrix=lambda: self.solving.judge().matrix,
            write_workbook=write_workbook
            and (lambda scenario: write_workbook(self.solving.judge().matrix, editor.typed, scenario)),
            is_open=self.sheet.is_open,
            since=min(cell.period_start for cell in self.sheet.places),
            comparison=self.comparison,
            by=by,
            decimal=decimal,
        )
        self._answered, self._deferred, self._task = 0, Deferred(), None
        self._open_steps: dict[int, tuple[GoalCell, ...]] = {}
        self._settled: set[int] = set()
        self._absorbed: list[str] = []
        self._notes: list[dict[str, Any]] = []
        self._selected: GoalCell | None = None
        self._moved: tuple[pd.DataFrame, tuple[GoalCell, ...]] | None = None
        self.status = SaveStatus(text=SAVES, is_kept=True)
        owner = hashlib.sha256(f"{editor.folder.resolve()}\ngoals".encode()).hexdigest()[:24]
        self.table = GoalTable(owner=owner)
        self.table.sheet = {
            "label": "Goal matrix",
            "rows": self.sheet.rows,
            "columns": self.sheet.columns,
            "words": self.telling.write_expected(),
        }
        self.solving.solve(editor.typed)
        self._show()
        self._judge_now()
        self.table.on_msg(self._hear)
        head = HBox([self.status]).add_class("goal-status")
        self.widget: Widget = (
            VBox([style_widget(), head, self.table, self.comparison.widget]).add_class("red").add_class("goal-page")
        )
        self.watch()

    # ---- what the browser says --------------------------------------------------------------------------------------

    def _hear(self, _: Any, content: Any, buffers: Any = None) -> None:
        if not isinstance(content, Mapping):
            return
        what = str(content.get("do", ""))
        cells = list(self._read_cells(content.get("cells")))
        number = content.get("number") if isinstance(content.get("number"), int) else 0
        if number and (number in self._settled or number in self._open_steps):
            self._confirm()
            return
        if number:
            self._open_steps[number] = tuple(cell for cell, _ in cells)
            self._answered = max(self._answered, number)
        steps: dict[str, Callable[[], None]] = {
            "set": lambda: self._set(cells, content),
            "clear": lambda: self._change({cell: Typed() for cell, _ in cells}, "setting free", content),
            "lock": lambda: self._change({cell: self._locked(cell) for cell, _ in cells}, "locking", content),
            "unlock": lambda: self._change(
                {cell: self.editor.find_before_lock(cell) for cell, _ in cells}, "unlocking", content
            ),
            "release": lambda: self._change({cell: Typed() for cell, _ in cells}, "releasing"),
            "revenue": lambda: self._set_revenue(cells),
            "undo": lambda: self._move(self.editor.undo),
            "redo": lambda: self._move(self.editor.redo),
            "resolve": lambda: self._resolve(cells, str(content.get("keep", ""))),
            "look": lambda: self._look_at(content.get("cell")),
        }
        if what in steps:
            steps[what]()
        elif self.files.hear(what, content, buffers or ()):
            self._hand_over()
            self._show()

    def _read_cells(self, found: Any) -> Iterable[tuple[GoalCell, str]]:
        """Read the cells that a message names, those that can be set only, each with the text that came with it."""
        for one in (found if isinstance(found, list) else [])[:MOST_CELLS]:
            cell = read_cell(one)
            if cell is not None and (self.sheet.is_open(cell) or cell in self.editor.conflicts):
                yield cell, str(one[5]) if len(one) > 5 else ""

    def _locked(self, cell: GoalCell) -> Typed:
        typed = self.editor.read(cell)
        goal = typed.goal if typed.goal is not None else float(self.solving.read(cell)["goal"])
        return Typed(goal, is_locked=True)

    def _set(self, cells: Sequence[tuple[GoalCell, str]], content: Mapping[str, Any]) -> None:
        decimal = find_decimal(text for _, text in cells) if len(cells) > 1 else ""
        changes = {cell: self._read_typed(cell, text, decimal) for cell, text in cells}
        left = content.get("left")
        self._notes = []
        if isinstance(left, int) and left > 0:
            what = words.count_of(left, "pasted value")
            lines = ["They lie in periods that are over, or beyond the matrix."]
            self._notes = [{"kind": "note", "title": f"{what} had no cell to go to", "lines": lines}]
        self._change(changes, "pasting" if content.get("what") == "pasting" else "typing", content, keeps_notes=True)

    def _read_typed(self, cell: GoalCell, text: str, decimal: str = "") -> Typed:
        found = read_goal_text(
            text,
            self.sheet.units.get(cell.kpi, "count"),
            currency=self._currency,
            decimal=decimal or self._decimal,
            is_sure=bool(decimal),
        )
        now = self.editor.read(cell)
        if found.fault:
            return replace(now, text=text)
        return Typed() if found.value is None else Typed(found.value, now.is_locked)

    def _set_revenue(self, cells: Sequence[tuple[GoalCell, str]]) -> None:
        """Set the year's revenue from one number: goals for parts of it that aren't over give way, as a single step."""
        for cell, text in cells[:1]:
            typed = self._read_typed(cell, text)
            changes = {cell: typed}
            if typed.goal is not None and not typed.text:
                inside = [other for other in self.editor.typed if self.sheet.is_part(other, cell)]
                changes |= dict.fromkeys(inside, Typed())
                if inside:
                    what = words.count_of(len(inside), "earlier revenue goal")
                    title = f"{what} of {self.sheet.find_label(cell)} gave way"
                    self._notes = [{"kind": "note", "title": title, "lines": ["Undo brings them back."]}]
            self._change(changes, "the revenue goal", keeps_notes=True)

    # ---- changing ---------------------------------------------------------------------------------------------------

    def _change(
        self,
        changes: Mapping[GoalCell, Typed],
        what: str,
        content: Mapping[str, Any] | None = None,
        *,
        keeps_notes: bool = False,
    ) -> None:
        if not keeps_notes:
            self._notes = []
        if content and content.get("isLeft"):
            bases = content.get("base")
            known = zip(changes, bases if isinstance(bases, list) else [], strict=False)
            then = {cell: Typed(*base[:2]) for cell, base in known if isinstance(base, list) and len(base) > 1}
            changes = self.editor.set_disputed_aside(changes, then)
        changed = self.editor.change(changes, what)
        self._follow(changed)

    def _hand_over(self) -> None:
        if self.files.outgoing is not None:
            about, content = self.files.outgoing
            self.files.outgoing = None
            self.table.send({"file": about}, [content])

    def _move(self, move: Callable[[], Any]) -> None:
        step = move()
        self._notes = []
        if step is not None:
            self._follow(tuple(step.changes))

    def _resolve(self, cells: Sequence[tuple[GoalCell, str]], keep: str) -> None:
        for cell, _ in cells:
            if keep in ("mine", "theirs"):
                self.editor.resolve(cell, keep)  # type: ignore[arg-type]
        self._follow(tuple(cell for cell, _ in cells))

    def _follow(self, changed: Sequence[GoalCell]) -> None:
        """Save, solve and show what follows from a change."""
        before = self.solving.standing.trial.matrix
        self._save()
        self.solving.solve(self.editor.typed)
        self._moved = (before, tuple(changed))
        self._show()
        self._judge_soon()

    def _save(self) -> None:
        saved = self.editor.save()
        if saved.status == "failed":
            self.status.show("failed", saved.message)
        elif saved.status == "conflict":
            self.status.show("conflict", "choose which value holds")
        elif saved.status == "saved":
            self.status.show("saved", at=saved.at)
        self._confirm()

    def _confirm(self) -> None:
        """Tell the browser which steps lie on disk, so that it needn't keep them any longer."""
        if self.editor.is_dirty:
            return
        done = [n for n, cells in self._open_steps.items() if not any(cell in self.editor.conflicts for cell in cells)]
        for number in done:
            del self._open_steps[number]
        self._settled.update(done)
        if self._settled:
            self.table.send({"saved": sorted(self._settled)[-200:]})

    # ---- showing ----------------------------------------------------------------------------------------------------

    def _judge_soon(self) -> None:
        """Judge as soon as nothing else is to be done, so that what follows is on screen first."""
        self._deferred.plan(0.02, self._judge_now)

    def _judge_now(self) -> None:
        self.solving.judge()
        if self._moved is not None:
            self._absorbed = say_absorbed(
                self.solving.find_absorbers(*self._moved), self.sheet, currency=self._currency
            )
            self._moved = None
        self._show()
        self._show_detail()
        if not self.telling.is_priced:
            self._deferred.plan(PAUSE, self._price_now)

    def _price_now(self) -> None:
        self.telling.price()
        self._show()

    def _show(self) -> None:
        standing, typed = self.solving.standing, self.editor.typed
        faults = self.telling.find_faults()
        late = {
            cell: say_late(found, self.sheet.units[cell.kpi], self._currency) for cell, found in standing.late.items()
        }
        cells = write_cells(
            self.sheet,
            standing.matrix,
            typed,
            waiting=standing.waiting,
            clashing=standing.clashing,
            past=self.solving.list_past(typed),
            late=late,
            faults=faults,
            currency=self._currency,
            tolerance=self._catalog.rules.tolerance,
        )
        self._late = late
        self.table.cells = {**cells, "answered": self._answered}
        cards = [self.files.card] if self.files.card else []
        self.table.told = {
            "title": words.keep_together(
                say_title(standing.matrix, self.sheet, typed, catalog=self._catalog, currency=self._currency)
            ),
            "subtitle": words.keep_together(self._subtitle),
            "revenue": self.telling.describe_revenue(),
            "problems": [*self.telling.list_problems(faults), *self._notes, *cards],
            "absorbed": self._absorbed,
            "undo": self.editor.undoable,
            "redo": self.editor.redoable,
            "files": self.files.offers,
        }

    def _look_at(self, named: Any) -> None:
        cell = read_cell(named)
        if cell is not None and cell in self.sheet.places:
            self._selected = cell
            self._show_detail()

    def _show_detail(self) -> None:
        cell = self._selected
        if cell is None:
            return
        past = self._past
        mine = (past["kpi"] == cell.kpi) & (past["dimension"] == cell.dimension) & (past["slice"] == cell.slice)
        row, column = self.sheet.places[cell]
        state = self.table.cells["state"][row * len(self.sheet.columns) + column]
        self.table.detail = describe_cell(
            cell,
            self.sheet,
            self.solving.read(cell),
            past[mine],
            catalog=self._catalog,
            currency=self._currency,
            state=STATES.get(state, state),
            waits=self.editor.read(cell).goal if state == "waiting" else None,
            late=self._late.get(cell, ""),
            basis=self._basis.get(cell.kpi, ""),
        )

    # ---- others -----------------------------------------------------------------------------------------------------

    def look(self) -> bool:
        """Look once at what others saved, and try to save again what couldn't be; tell whether anything changed."""
        if self.editor.is_dirty:
            self._save()
        before = self.editor.typed
        if not self.editor.refresh():
            return False
        now = self.editor.typed
        changed = [cell for cell in {*before, *now} if before.get(cell) != now.get(cell)]
        self._follow([cell for cell in changed if cell in self.sheet.places])
        return True

    def watch(self) -> None:
        """Look every other second, as long as the kernel's event loop runs and the form is there."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._task = self._task or loop.create_task(self._watch())

    def stop(self) -> None:
        """Stop looking."""
        if self._task:
            self._task.cancel()
            self._task = None

    async def _watch(self) -> None:
        while self.table.comm is not None:
            await asyncio.sleep(LOOK)
            self.look()
