"""Solving a goal matrix: one cell changes, the rest follows.

Goals of every KPI, period and slice hang together by equations (``goal_relations``). ``solve`` holds the cells that
people lock and moves the others as little as possible from expectation; a contradiction is named with its cells.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.goal_locks import explain_contradiction, name_cell, read_locks
from helpers.analyses.goal_relations import KEYS, TOTAL, Relations, find_relations, list_additive
from helpers.analyses.goal_solver import Solution, measure_violation, solve_relations
from helpers.errors import QuestionError
from helpers.model.catalog import Catalog, load_catalog
from helpers.model.goal import GoalRules, load_goal_rules

GOAL_MATRIX_COLUMNS = [*KEYS, "goal", "actual", "expected", "gap", "locked", "probability"]
"""The columns of ``goal_matrix.csv``."""

DERIVED_GIVES_WAY = 100.0
"""How much more willingly a cell that follows from others moves than one that drives them."""

AGREES = 1e-9
"""Logarithms this near to their equations need no reconciling."""

IMPUTED_GIVES_WAY = 1e4
"""How much more willingly a cell without an expectation of its own moves."""


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
            else the goal it has, else what the equations or its KPI's other cells imply.
        locks: The cells to hold, by the columns ``kpi, grain, period_start, dimension, slice`` (the last two default to
            ``all``; a column that names one value only in the matrix may be left out) with their ``goal``; without a
            goal a cell is held at the goal or expectation it has. They replace earlier locks. None holds the cells that
            the matrix itself marks as locked.
        catalog: The company's definitions; the shipped ones where it is left out.
        rules: What ``goals.toml`` says; read where it is left out.
        variability: KPI id → standard deviation of its logarithm. Else the matrix' own history tells it, else
            ``goals.toml``.

    Returns:
        One row per cell of ``matrix``, in its order: ``goal`` filled in, ``locked`` as held, ``expected`` filled in
        where it was blank (all of it then as the equations make it agree with itself), ``gap``
        (actual − goal, blank without an actual), ``probability`` blank where the goal changed.
        An empty matrix comes back empty.

    Raises:
        ContradictionError: Locked cells contradict each other; the text names the smallest set.
        QuestionError: A lock names a cell that isn't in the matrix, or a goal is negative; a cell occurs twice.

    Source:
        Weighted least squares in logarithms under equality constraints, the weights being one over the variance. What
        drives the engine (first volumes, rates, deal size, at the finest slice and period) carries a change; volumes
        further down, totals and their rates follow from it.
    """
    solved = matrix.copy()
    solved.attrs = dict(matrix.attrs)
    if matrix.empty:
        return solved
    catalog, rules = catalog or load_catalog(), rules or load_goal_rules()
    cells = _require_cells(matrix)
    held, values = read_locks(cells, locks)
    system = _System.build(cells, catalog, rules, variability or matrix.attrs.get("variability"), held, values)
    found = system.solve(held, values)
    if not found.is_feasible:
        raise explain_contradiction(
            cells, held, values, lambda only: system.solve(only, values, rounds=60, attempts=3).is_feasible
        )
    return _finish(solved, cells, found.values, system.agreed, held)


@dataclass(frozen=True)
class _System:
    relations: Relations
    agreed: np.ndarray
    variance: np.ndarray
    floor: np.ndarray
    shares: np.ndarray

    @classmethod
    def build(
        cls,
        cells: pd.DataFrame,
        catalog: Catalog,
        rules: GoalRules,
        variability: Mapping[str, float] | None,
        held: np.ndarray,
        values: np.ndarray,
    ) -> "_System":
        relations = find_relations(cells, catalog)
        prior = _imply_missing(relations, cells, held, values)
        spread = _measure_spread(cells, prior, catalog, rules, variability)
        shares = cells["kpi"].map(lambda id: _is_share(id, catalog)).to_numpy(dtype=bool)
        floor = _lowest_start(cells, prior)
        imputed = cells["expected"].isna().to_numpy() & cells["goal"].isna().to_numpy()
        agreed = _agree(relations, prior, spread**2, imputed, floor, shares)
        # From here on only the agreed expectation counts, so that a matrix that was solved is solved alike again.
        spread = _measure_spread(cells, agreed, catalog, rules, variability)
        variance = np.where(_find_derived(relations, len(cells)), DERIVED_GIVES_WAY, 1.0) * spread**2
        return cls(relations, agreed, variance, _lowest_start(cells, agreed), shares)

    def solve(self, held: np.ndarray, values: np.ndarray, *, rounds: int = 150, attempts: int = 12) -> Solution:
        """Let what drives the engine carry the held goals, starting from the expectation that agrees with itself."""
        if not held.any():
            return Solution(self.agreed, True, np.zeros(0))
        return solve_relations(
            self.relations,
            self.agreed,
            self.variance,
            held,
            values,
            floor=self.floor,
            shares=self.shares,
            rounds=rounds,
            attempts=attempts,
        )


def _lowest_start(cells: pd.DataFrame, expected: np.ndarray) -> np.ndarray:
    usual = pd.Series(expected).where(expected > 0).groupby(cells["kpi"]).transform("median").fillna(1.0)
    return 1e-3 * usual.to_numpy()


def _agree(
    relations: Relations,
    prior: np.ndarray,
    variance: np.ndarray,
    imputed: np.ndarray,
    floor: np.ndarray,
    shares: np.ndarray,
) -> np.ndarray:
    """Make the expectation agree with itself; cells that nobody expected anything of follow and pull at nothing."""
    nothing, values = np.zeros(len(prior), dtype=bool), np.full(len(prior), np.nan)
    loose = np.where(imputed, IMPUTED_GIVES_WAY, 1.0) * variance
    agreed = prior
    for _ in range(3 if imputed.any() else 1):
        if measure_violation(relations, agreed) <= AGREES:
            break
        begin = np.where(imputed, agreed, prior)
        found = solve_relations(relations, begin, loose, nothing, values, floor=floor, shares=shares)
        if not found.is_feasible:
            return prior
        if not imputed.any():
            return found.values
        settled = np.allclose(found.values, agreed, rtol=1e-10)
        agreed = found.values
        if settled:
            break
    return agreed


def _find_derived(relations: Relations, size: int) -> np.ndarray:
    """Tell which cells follow from others: totals, results of products, and rates between two totals."""
    total, derived = np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
    total[relations.totals] = True
    derived |= total
    if len(relations.products):
        volume, rate, result = relations.products.T
        derived[result] = True
        derived[rate[total[volume] & total[result]]] = True
    return derived


def _finish(
    solved: pd.DataFrame, cells: pd.DataFrame, goals: np.ndarray, agreed: np.ndarray, held: np.ndarray
) -> pd.DataFrame:
    changed = ~np.isclose(cells["goal"].to_numpy(), goals, rtol=1e-9, atol=0.0, equal_nan=False)
    solved["goal"] = goals
    solved["expected"] = agreed if cells["expected"].isna().any() else cells["expected"].to_numpy()
    solved["gap"] = cells["actual"].to_numpy() - goals
    solved["locked"] = held
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
    locked = matrix["locked"] if "locked" in matrix.columns else pd.Series(False, index=matrix.index)
    cells["locked"] = locked.map(lambda value: str(value).lower() in ("true", "1", "1.0")).to_numpy(dtype=bool)
    twice = cells.duplicated(KEYS)
    if twice.any():
        raise QuestionError(f"goal matrix: {name_cell(cells[twice].iloc[0])} occurs twice. Keep one row per cell.")
    return cells


def _imply_missing(relations: Relations, cells: pd.DataFrame, held: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Expect every cell: as expected, as the goal it has, as the equations imply, else like its KPI's other cells."""
    prior = cells["expected"].fillna(cells["goal"]).to_numpy(copy=True)
    if not np.isnan(prior).any():
        return prior.clip(min=0.0)
    known_kpi = pd.Series(np.where(np.isnan(prior) & held, values, prior)).groupby(cells["kpi"]).transform("median")
    for _ in range(12):
        before = int(np.isnan(prior).sum())
        for volume, rate, result in relations.products:
            known = ~np.isnan(prior[[volume, rate, result]])
            if known.sum() != 2:
                continue
            with np.errstate(divide="ignore", invalid="ignore"):
                if not known[2]:
                    prior[result] = prior[volume] * prior[rate]
                elif not known[1]:
                    prior[rate] = prior[result] / prior[volume]
                else:
                    prior[volume] = prior[result] / prior[rate]
        for total, parts in zip(relations.totals, relations.parts, strict=True):
            blank = np.isnan(prior[parts])
            if np.isnan(prior[total]) and not blank.any():
                prior[total] = prior[parts].sum()
            elif not np.isnan(prior[total]) and blank.any():
                left = max(prior[total] - np.nansum(prior[parts]), 0.0)
                prior[parts[blank]] = left / blank.sum() or prior[total] / len(parts)
        prior[~np.isfinite(prior)] = np.nan
        if int(np.isnan(prior).sum()) in (0, before):
            break
    prior = np.where(np.isnan(prior), known_kpi, prior)
    return np.where(np.isnan(prior), 1.0, prior).clip(min=0.0)


def _measure_spread(
    cells: pd.DataFrame,
    prior: np.ndarray,
    catalog: Catalog,
    rules: GoalRules,
    given: Mapping[str, float] | None,
) -> np.ndarray:
    spread = measure_variability(cells, catalog, rules) | dict(given or {})
    per_cell = cells["kpi"].map(spread).to_numpy(dtype=float)
    counted = cells["kpi"].isin(list_additive(catalog, over_time=False)).to_numpy() & (
        cells["kpi"].map(lambda id: _unit(id, catalog)) == "count"
    ).to_numpy(dtype=bool)
    chance = np.where(counted, 1.0 / np.maximum(prior, 1.0), 0.0)
    return np.sqrt(np.maximum(per_cell, rules.variability.minimum) ** 2 + chance)


def measure_variability(cells: pd.DataFrame, catalog: Catalog, rules: GoalRules) -> dict[str, float]:
    """Measure how much each KPI has varied from period to period.

    Returns:
        KPI id → standard deviation of the logarithm of its actuals (the company's own, of its finest grain), or its
        family's default where fewer periods than ``history_periods`` are known.
    """
    found = {}
    company = cells[(cells["dimension"] == TOTAL) & (cells["actual"] > 0)]
    for kpi in cells["kpi"].unique():
        family = catalog.kpis[kpi].family if kpi in catalog.kpis else "volume"
        found[kpi] = rules.variability.of_family(family)
        for _, rows in company[company["kpi"] == kpi].groupby("grain"):
            if len(rows) >= rules.variability.history_periods:
                found[kpi] = max(float(np.log(rows["actual"]).std(ddof=1)), rules.variability.minimum)
    return found


def _is_share(id: str, catalog: Catalog) -> bool:
    return id in catalog.kpis and catalog.kpis[id].measure.kind == "conversion"


def _unit(id: str, catalog: Catalog) -> str:
    return catalog.kpis[id].unit if id in catalog.kpis else ""
