"""What the goal editor tells beside the grid: the revenue goals on top, and everything that is to be decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from helpers.analyses.goal_trial import GoalTrial
from helpers.answers.cascade_cells import write_number
from helpers.answers.goal_editing import GoalCell, GoalEditor, Typed
from helpers.answers.goal_numbers import read_goal_text
from helpers.present import words
from helpers.present.forms.goal_sheet import REVENUE, YEAR, Sheet
from helpers.present.forms.goal_solving import GoalSolving
from helpers.present.forms.goal_words import (
    describe_beyond,
    describe_clash,
    describe_conflict,
    describe_fault,
    describe_unsolved,
    pack,
    say_amount,
    say_chance,
)


class GoalTelling:
    """Puts into words what an editor and its matrix say.

    Args:
        sheet: Where the cells stand.
        editor: Keeps what people set.
        solving: Solves it.
        currency: ISO code of the company's currency.
        decimal: The sign before fractions where the company is at home.
    """

    def __init__(self, sheet: Sheet, editor: GoalEditor, solving: GoalSolving, *, currency: str, decimal: str) -> None:
        self.sheet, self.editor, self.solving = sheet, editor, solving
        self._currency, self._decimal = currency, decimal
        self._priced: list[dict[str, Any]] = []
        self._priced_for: GoalTrial | None = None

    def find_faults(self) -> dict[GoalCell, str]:
        """Say what is wrong with texts that are no goals, by cell."""
        return {cell: self._find_fault(cell, one) for cell, one in self.editor.typed.items() if one.text}

    def _find_fault(self, cell: GoalCell, typed: Typed) -> str:
        if cell not in self.sheet.places:
            return "The text is no number."
        unit = self.sheet.units.get(cell.kpi, "count")
        found = read_goal_text(typed.text, unit, currency=self._currency, decimal=self._decimal)
        return found.fault or "This was doubtful where it was pasted. Type it again."

    @property
    def is_priced(self) -> bool:
        """Whether it is known what releasing a cell of each clash would cost."""
        return self._priced_for is self.solving.standing.trial or not self.solving.standing.trial.clashes

    def price(self) -> None:
        """Find out what can be released, and what that would cost; takes a moment."""
        trial = self.solving.standing.trial
        self._priced = [self._describe_clash(at, self.solving.price(at)) for at in range(len(trial.clashes))]
        self._priced_for = trial

    def _describe_clash(self, number: int, releases: pd.DataFrame | None = None) -> dict[str, Any]:
        typed = self.editor.typed

        def widen(key: tuple) -> tuple[tuple, ...]:
            return self.solving.widen(number, key, typed)

        clash, past = self.solving.standing.trial.clashes[number], self.solving.list_past(typed)
        return describe_clash(clash, releases, self.sheet, currency=self._currency, past=past, widen=widen)

    def list_problems(self, faults: Mapping[GoalCell, str]) -> list[dict[str, Any]]:
        """List what is to be decided; what can be released only once that has been priced."""
        trial, sheet, typed = self.solving.standing.trial, self.sheet, self.editor.typed
        found = []
        if self.editor.problem:
            found.append({"kind": "clash", "title": "Not saved", "lines": [self.editor.problem]})
        for cell, conflict in self.editor.conflicts.items():
            found.append(describe_conflict(cell, conflict, sheet, self._currency))
        is_known = self._priced_for is trial
        found += self._priced if is_known else [self._describe_clash(at) for at in range(len(trial.clashes))]
        waiting = self.solving.standing.waiting
        beyond = [cell for cell in waiting if (typed[cell].goal or 0) > 1 and sheet.units.get(cell.kpi) == "share"]
        found += [describe_beyond(cell, typed[cell], sheet) for cell in beyond]
        if trial.unsolved:
            found.append(describe_unsolved(sorted(waiting - {*beyond}), sheet))
        found += [describe_fault(cell, fault, sheet) for cell, fault in faults.items() if cell in sheet.places]
        return found

    def describe_revenue(self) -> list[dict[str, Any]]:
        """Describe the field of each fiscal year in which one number sets the revenue."""
        row = next((at for at, one in enumerate(self.sheet.rows) if (one["kpi"], one["kind"]) == (REVENUE, "kpi")), -1)
        columns = [at for at, one in enumerate(self.sheet.columns) if one["kind"] == YEAR]
        if row < 0:
            return []
        found = []
        for column in (at for at in columns if self.sheet.at[row, at] >= 0):
            cell, label = self.sheet.cell(row, column), self.sheet.columns[column]["label"]
            typed, known = self.editor.read(cell), self.solving.read(cell)
            money = {"unit": "currency", "currency": self._currency}
            position = self.sheet.at[row, column]
            said = f"expected {say_amount(float(self.sheet.foreseen[position]), **money)}"
            said += f" ({self.sheet.basis[position]})" if self.sheet.basis[position] else ""
            if typed.goal is None and any(one.goal is not None for one in self.editor.typed.values()):
                said += f"; the goals set add up to {say_amount(known['goal'], **money)}"
            elif typed.goal is not None and not words.is_missing(known["probability"]):
                said += f", {say_chance(float(known['probability']))} likely"
            text = typed.text or ("" if typed.goal is None else write_number(typed.goal, "currency", self._decimal))
            found.append(
                {
                    "cell": pack(cell),
                    "label": f"Revenue goal {label}",
                    "currency": self._currency,
                    "text": text,
                    "said": words.keep_together(said),
                    "fault": self._find_fault(cell, typed) if typed.text else "",
                    "help": f"One number for {label}: every KPI, period and slice follows from it",
                }
            )
        return found

    def write_expected(self) -> dict[str, list[str]]:
        """Write what is expected of every cell, row by row."""
        expected = self.sheet.foreseen
        texts = [
            "" if at < 0 else say_amount(float(expected[at]), self.sheet.rows[i]["unit"], self._currency)
            for i, line in enumerate(self.sheet.at)
            for at in line
        ]
        return {"expected": texts}
