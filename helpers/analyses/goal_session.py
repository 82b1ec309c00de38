"""Editing a goal matrix: what only its cells determine is found once, so that a change is solved in a moment."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.goal_feasibility import check_locks
from helpers.analyses.goal_locks import (
    FREE,
    GOAL,
    LOCKED,
    Locks,
    NoSolutionError,
    explain_contradiction,
    find_set,
    list_places,
    name_cell,
    read_locks,
)
from helpers.analyses.goal_relations import KEYS, Relations, find_relations
from helpers.analyses.goal_solver import Solution
from helpers.analyses.goal_system import GOAL_MATRIX_COLUMNS, System
from helpers.errors import QuestionError
from helpers.model.catalog import Catalog, load_catalog
from helpers.model.goal import GoalRules, load_goal_rules

ABSORBER_COLUMNS = [*KEYS, "change", "share"]
STILL = 1e-6


@dataclass
class PreparedMatrix:
    """A matrix with its equations and its expectation, ready to be solved again and again.

    Attributes:
        matrix: As handed over.
        cells: The same with fixed types, index 0 … n − 1.
        relations: The equations between the cells.
    """

    matrix: pd.DataFrame
    cells: pd.DataFrame
    relations: Relations
    catalog: Catalog
    rules: GoalRules
    variability: Mapping[str, float] | None
    _places: dict[tuple, int] = field(repr=False)
    _systems: dict[bytes, System] = field(default_factory=dict, repr=False)

    def solve(self, locks: pd.DataFrame | Iterable[Mapping[str, Any]] | None = None) -> pd.DataFrame:
        """Fill in every goal; arguments, result and errors are those of ``goal_system.solve``."""
        found = self.read(locks)
        solution = self.move(found)
        if solution.is_contradictory:
            raise explain_contradiction(self.cells, found, lambda only: self.may_hold(only, found.values))
        if not solution.is_feasible:
            worst = ", ".join(name_cell(row) for row in self.cells[found.held].head(3).to_dict("records"))
            raise NoSolutionError(
                f"No goals were found that agree with the {int(found.held.sum())} locked cells ({worst} …), though it "
                "isn't proved that there are none. Release one of them or bring it nearer to what is expected."
            )
        return _finish(self.matrix, self.cells, solution.values, self.expect(found).agreed, found)

    def read(self, locks: pd.DataFrame | Iterable[Mapping[str, Any]] | None) -> Locks:
        """Find the cells to hold; as ``read_locks``."""
        return read_locks(self.cells, locks, self._places)

    def cells_at(self, key: tuple) -> int:
        """Return the position of a cell by its ``KEYS``."""
        return self._places[tuple(key)]

    def move(self, locks: Locks) -> Solution:
        """Solve for cells to hold, by position."""
        return self.expect(locks).solve(locks.held, locks.values)

    def expect(self, locks: Locks) -> System:
        """Return what is expected; where a KPI's only known values are locked ones, these tell what is usual."""
        blank = (self.cells["expected"].isna() & self.cells["goal"].isna()).any()
        key = locks.held.tobytes() + locks.values[locks.held].tobytes() if blank else b""
        if key not in self._systems:
            self._systems.clear()
            self._systems[key] = System.build(
                self.cells, self.relations, self.catalog, self.rules, self.variability, locks.held, locks.values
            )
        return self._systems[key]

    def may_hold(self, held: np.ndarray, values: np.ndarray) -> bool:
        """Tell whether it is unproved that cells, by position, contradict each other."""
        usual = next(iter(self._systems.values())).usual
        return not check_locks(self.relations, held, values, usual).is_contradictory


def prepare_matrix(
    matrix: pd.DataFrame,
    *,
    catalog: Catalog | None = None,
    rules: GoalRules | None = None,
    variability: Mapping[str, float] | None = None,
) -> PreparedMatrix:
    """Prepare a matrix of at least one cell for being solved many times; arguments as of ``goal_system.solve``.

    Raises:
        QuestionError: A column is missing, or a cell occurs twice.
    """
    catalog, rules = catalog or load_catalog(), rules or load_goal_rules()
    cells = _require_cells(matrix)
    variability = variability or matrix.attrs.get("variability")
    return PreparedMatrix(
        matrix, cells, find_relations(cells, catalog), catalog, rules, variability, list_places(cells)
    )


def solve(
    matrix: pd.DataFrame,
    locks: pd.DataFrame | Iterable[Mapping[str, Any]] | None = None,
    *,
    catalog: Catalog | None = None,
    rules: GoalRules | None = None,
    variability: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Fill in every goal so that products and sums hold, holding the locked cells.

    Args:
        matrix: One row per cell, with the columns of ``goal_matrix.csv``. A cell's expectation is its ``expected``,
            else the goal it has, else what the equations or its KPI's other cells imply. A column ``state`` (``goal``,
            ``locked``, ``free``) may tell goals that people want from cells that they locked.
        locks: The cells to hold, by the columns ``kpi, grain, period_start, dimension, slice`` (the last two default to
            ``all``; a column that names one value only in the matrix may be left out) with their ``goal``; without a
            goal a cell is held at the goal or expectation it has. They replace earlier locks. None holds the cells that
            the matrix itself marks as locked or as goals. ``state`` may say ``goal`` of them, else they are ``locked``.
        catalog: The company's definitions; the shipped ones where it is left out.
        rules: What ``goals.toml`` says; read where it is left out.
        variability: KPI id → standard deviation of its logarithm. Else the matrix' own history tells it, else
            ``goals.toml``.

    Returns:
        One row per cell of ``matrix``, in its order: ``goal`` filled in, ``locked`` as held (with ``state``: where that
        is ``locked``), ``expected`` filled in where it was blank (all of it then as the equations make it agree with
        itself), ``gap`` (actual − goal, blank without an actual), ``probability`` blank where the goal changed.
        An empty matrix comes back empty.

    Raises:
        ContradictionError: Locked cells contradict each other, which is proved; the text names the smallest set.
        NoSolutionError: No solution was found, and no contradiction proved.
        QuestionError: A lock names a cell that isn't in the matrix, or a goal is negative; a cell occurs twice.

    Source:
        Weighted least squares in logarithms under equality constraints, the weights being one over the variance. What
        drives the engine (first volumes, rates, deal size, at the finest slice and period) carries a change; volumes
        further down, totals and their rates follow from it. A rate held on a total moves the rates of its slices and
        periods alike, so that raising it changes no mix by itself.
    """
    if matrix.empty:
        solved = matrix.copy()
        solved.attrs = dict(matrix.attrs)
        return solved
    return prepare_matrix(matrix, catalog=catalog, rules=rules, variability=variability).solve(locks)


def list_absorbers(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """List the cells that took a change up.

    Args:
        before: A solved matrix.
        after: The same, solved anew after a change.

    Returns:
        One row per cell that people haven't set in ``after`` and whose goal moved by more than a millionth, with
        ``KEYS``; ``change`` (after − before, in the KPI's unit) and ``share`` (0–1: its part of all movement among the
        unset cells of its KPI, grain and dimension, regardless of sign). The biggest share first within each KPI, KPIs
        in the order of the matrix. Cells that only one of the two holds are left out.
    """
    rows = after[[*KEYS, "goal"]].assign(is_set=find_set(after).to_numpy(), kpi_place=pd.factorize(after["kpi"])[0])
    both = rows.merge(before[[*KEYS, "goal"]], on=KEYS, suffixes=("", "_before"))
    both["change"] = both["goal"] - both["goal_before"]
    still = np.isclose(both["goal"], both["goal_before"], rtol=STILL, atol=0.0)
    moved = both[~both["is_set"] & ~still].copy()
    size = moved["change"].abs()
    moved["share"] = size / size.groupby([moved[key] for key in ("kpi", "grain", "dimension")]).transform("sum")
    moved = moved.sort_values(["kpi_place", "share"], ascending=[True, False], kind="stable")
    return moved[ABSORBER_COLUMNS].reset_index(drop=True)


def _finish(
    matrix: pd.DataFrame, cells: pd.DataFrame, goals: np.ndarray, agreed: np.ndarray, locks: Locks
) -> pd.DataFrame:
    solved = matrix.copy()
    solved.attrs = dict(matrix.attrs)
    changed = ~np.isclose(cells["goal"].to_numpy(), goals, rtol=1e-9, atol=0.0, equal_nan=False)
    solved["goal"] = goals
    solved["expected"] = agreed if cells["expected"].isna().any() else cells["expected"].to_numpy()
    solved["gap"] = cells["actual"].to_numpy() - goals
    solved["locked"] = locks.held
    if "state" in matrix.columns:
        solved["state"] = pd.Series(locks.state, index=solved.index, dtype="str")
        solved["locked"] = locks.state == LOCKED
    solved["probability"] = cells["probability"].mask(changed).to_numpy()
    first = [column for column in GOAL_MATRIX_COLUMNS if column in solved.columns]
    return solved[[*first, *(column for column in solved.columns if column not in first)]]


def _require_cells(matrix: pd.DataFrame) -> pd.DataFrame:
    missing = [key for key in KEYS if key not in matrix.columns]
    if missing:
        raise QuestionError(f"goal matrix: column '{missing[0]}' is missing. Needed: {', '.join(GOAL_MATRIX_COLUMNS)}.")
    cells = matrix[KEYS].reset_index(drop=True)
    cells["period_start"] = pd.to_datetime(cells["period_start"])
    for column in ("goal", "actual", "expected", "probability"):
        found = matrix[column] if column in matrix.columns else pd.Series(np.nan, index=matrix.index)
        cells[column] = pd.to_numeric(found, errors="coerce").astype(float).to_numpy()
    locked = find_set(matrix[["locked"]]) if "locked" in matrix.columns else pd.Series(False, index=matrix.index)
    state = np.where(locked, LOCKED, FREE).astype(object)
    if "state" in matrix.columns:
        state = np.where(matrix["state"].eq(GOAL).to_numpy() & (state == FREE), GOAL, state)
        state = np.where(matrix["state"].eq(LOCKED).to_numpy(), LOCKED, state)
    cells["state"] = state
    twice = cells.duplicated(KEYS)
    if twice.any():
        raise QuestionError(f"goal matrix: {name_cell(cells[twice].iloc[0])} occurs twice. Keep one row per cell.")
    return cells
