"""The matrix behind the goal editor: solved anew after every step, then judged; every answer is about one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import pandas as pd

from helpers.analyses.goal_prospects import Lateness
from helpers.analyses.goal_relations import KEYS, TOTAL
from helpers.analyses.goal_session import PreparedMatrix
from helpers.analyses.goal_trial import (
    GoalTrial,
    price_releases,
    sum_up_absorbers,
    try_goals,
    widen_release,
)
from helpers.answers.goal_editing import LOCKED, GoalCell, Typed
from helpers.present.forms.goal_sheet import REVENUE, YEAR, Sheet, to_cell, to_key

REMEMBERED = 24


class Judge(Protocol):
    """Says of a solved matrix how likely its goals are, and for which it is too late."""

    def add_chances(self, matrix: pd.DataFrame) -> pd.DataFrame:
        """Fill in ``probability``."""

    def find_late(self, matrix: pd.DataFrame) -> dict[tuple, Lateness]:
        """Find the cells that ask for more than can still come."""


@dataclass(frozen=True)
class Standing:
    """How the matrix stands.

    Attributes:
        trial: As solved.
        matrix: The solved matrix with the chances known so far; of the moment before where they aren't judged yet.
        late: Cells that ask for more than can still come.
        is_judged: Whether chances and lateness are of this very matrix.
    """

    trial: GoalTrial
    matrix: pd.DataFrame
    late: Mapping[GoalCell, Lateness]
    is_judged: bool = False

    @property
    def waiting(self) -> frozenset[GoalCell]:
        """Cells that are set but don't count."""
        return frozenset(map(to_cell, self.trial.held_back))

    @property
    def clashing(self) -> frozenset[GoalCell]:
        """Cells of sets that contradict each other."""
        keys = [key for clash in self.trial.clashes for key in clash.cells[KEYS].itertuples(index=False)]
        return frozenset(to_cell(tuple(key)) for key in keys)


class GoalSolving:
    """Solves what people set.

    Args:
        prepared: The matrix.
        sheet: Its cells; goals set for others don't take part.
        judge: Says how likely goals are; without one nothing is said of that.
    """

    def __init__(self, prepared: PreparedMatrix, sheet: Sheet, judge: Judge | None = None) -> None:
        self.prepared, self._sheet, self._judge = prepared, sheet, judge
        self._solved: dict[tuple, pd.DataFrame] = {}
        self._past = _read_past(prepared.cells, sheet)
        self.standing: Standing | None = None

    def solve(self, typed: Mapping[GoalCell, Typed]) -> Standing:
        """Solve with everything that is set, in the order in which it was."""
        came = {to_key(cell) for cell in self._list_past(typed)}
        trial = try_goals(self.prepared, self.lay_goals(typed), came=came, solve=self._solve_once)
        before = self.standing
        known = trial.matrix["probability"] if before is None else before.matrix["probability"].to_numpy()
        matrix = trial.matrix.assign(probability=known)
        matrix.attrs = dict(trial.matrix.attrs)
        self.standing = Standing(trial, matrix, {} if before is None else before.late)
        return self.standing

    def judge(self) -> Standing:
        """Judge the matrix as solved last."""
        standing = self.standing
        assert standing is not None, "nothing has been solved yet"
        if self._judge is not None and not standing.is_judged:
            matrix = self._judge.add_chances(standing.trial.matrix)
            late = {to_cell(key): found for key, found in self._judge.find_late(standing.trial.matrix).items()}
            standing = self.standing = replace(standing, matrix=matrix, late=late, is_judged=True)
        return standing

    def add_chances(self, matrix: pd.DataFrame) -> pd.DataFrame:
        """Fill in how likely the goals of any solved matrix are; left blank without a judge."""
        return matrix if self._judge is None else self._judge.add_chances(matrix)

    def read(self, cell: GoalCell) -> dict:
        """Return the matrix' row of a cell."""
        assert self.standing is not None, "nothing has been solved yet"
        position = int(self._sheet.at[self._sheet.places[cell]])
        return {str(name): value for name, value in self.standing.matrix.iloc[position].items()}

    def price(self, number: int) -> pd.DataFrame:
        """Rank the cells that can be released to resolve a clash: not the one that waits, nor what is over."""
        assert self.standing is not None, "nothing has been solved yet"
        clash = self.standing.trial.clashes[number]
        return price_releases(self.prepared, clash, may_go=lambda key: self._sheet.is_open(to_cell(key)))

    def widen(self, number: int, key: tuple, typed: Mapping[GoalCell, Typed]) -> tuple[tuple, ...]:
        """Find what to release together with a cell of a clash."""
        assert self.standing is not None, "nothing has been solved yet"
        clash = self.standing.trial.clashes[number]
        waits = self.standing.trial.held_back - {clash.held_back}
        goals = self.lay_goals(typed)
        held = goals[~pd.MultiIndex.from_frame(goals[KEYS]).isin(list(waits))] if waits else goals
        return widen_release(self.prepared, held, clash, key)

    def find_absorbers(self, before: pd.DataFrame, changed: Sequence[GoalCell]) -> pd.DataFrame:
        """Find who took a change up."""
        assert self.standing is not None, "nothing has been solved yet"
        return sum_up_absorbers(before, self.standing.trial.matrix, [to_key(cell) for cell in changed])

    def lay_goals(self, typed: Mapping[GoalCell, Typed]) -> pd.DataFrame:
        """Lay out what people set, in their order; a lock without a goal holds what is expected.

        Revenue of a period that is over and for which nobody set a goal is what came: no past makes up for a plan.
        """
        rows = [[*to_key(cell), actual, LOCKED] for cell, actual in self._list_past(typed).items()]
        for cell, one in typed.items():
            if cell in self._sheet.places and (one.goal is not None or one.is_locked):
                rows.append([*to_key(cell), np.nan if one.goal is None else one.goal, one.state])
        frame = pd.DataFrame(rows, columns=[*KEYS, "goal", "state"])
        return frame.assign(goal=frame["goal"].astype(float), period_start=pd.to_datetime(frame["period_start"]))

    def list_past(self, typed: Mapping[GoalCell, Typed]) -> dict[GoalCell, float]:
        """List what came and is held: the company's revenue in periods that are over and without a goal, by cell."""
        held = self._list_past(typed)
        if self.standing is None:
            return held
        return {cell: actual for cell, actual in held.items() if to_key(cell) in self.standing.trial.came}

    def _list_past(self, typed: Mapping[GoalCell, Typed]) -> dict[GoalCell, float]:
        set_for = {(cell.kpi, cell.grain, cell.period_start) for cell in typed if cell in self._sheet.places}
        return {cell: actual for cell, actual in self._past.items() if cell[:3] not in set_for}

    def _solve_once(self, held: pd.DataFrame) -> pd.DataFrame:
        """Solve, or take what was solved before for the very same goals, as after undoing."""
        key = tuple(sorted(held.itertuples(index=False, name=None), key=str))
        if key not in self._solved:
            solved = self.prepared.solve(held)
            if len(self._solved) >= REMEMBERED:
                del self._solved[next(iter(self._solved))]
            self._solved[key] = solved
        return self._solved[key]


def _read_past(cells: pd.DataFrame, sheet: Sheet) -> dict[GoalCell, float]:
    rows = cells[(cells["kpi"] == REVENUE) & (cells["dimension"] == TOTAL) & (cells["actual"] > 0)]
    found = {to_cell(tuple(row[name] for name in KEYS)): float(row["actual"]) for row in rows.to_dict("records")}
    return {cell: actual for cell, actual in found.items() if cell.grain != YEAR and not sheet.is_open(cell)}
