"""What a goal matrix moves from, and how willingly: an expectation that obeys the equations, and variances."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.analyses.goal_relations import KEYS, TOTAL, Relations, list_additive
from helpers.analyses.goal_solver import Solution, measure_violation, solve_relations
from helpers.model.catalog import Catalog
from helpers.model.goal import GoalRules

GOAL_MATRIX_COLUMNS = [*KEYS, "goal", "actual", "expected", "gap", "locked", "probability"]
"""The columns of ``goal_matrix.csv``."""

DERIVED_GIVES_WAY = 100.0
"""How much more willingly a cell that follows from others moves than one that drives them."""

AGREES = 1e-9
"""Logarithms this near to their equations need no reconciling."""

IMPUTED_GIVES_WAY = 1e4
"""How much more willingly a cell without an expectation of its own moves."""


@dataclass(frozen=True)
class System:
    """A matrix ready to be moved.

    Attributes:
        relations: The equations.
        agreed: Per cell what is expected, as the equations make it agree with itself.
        variance: Per cell the variance of its logarithm; what follows from others gives way more willingly.
        spread: Per cell the standard deviation of its logarithm.
        floor: Per cell what it starts from where it was expected to be nothing.
        shares: Per cell whether it is a share.
    """

    relations: Relations
    agreed: np.ndarray
    variance: np.ndarray
    spread: np.ndarray
    floor: np.ndarray
    shares: np.ndarray

    @property
    def usual(self) -> np.ndarray:
        """Per cell a usual size, more than 0."""
        return np.where(self.agreed > 0, self.agreed, self.floor)

    @classmethod
    def build(
        cls,
        cells: pd.DataFrame,
        relations: Relations,
        catalog: Catalog,
        rules: GoalRules,
        variability: Mapping[str, float] | None,
        held: np.ndarray,
        values: np.ndarray,
    ) -> "System":
        """Build the system of some cells; those held tell what is usual where nothing else does."""
        prior = _imply_missing(relations, cells, held, values)
        spread = _measure_spread(cells, prior, catalog, rules, variability)
        shares = cells["kpi"].map(lambda id: _is_share(id, catalog)).to_numpy(dtype=bool)
        floor = _lowest_start(cells, prior)
        imputed = cells["expected"].isna().to_numpy() & cells["goal"].isna().to_numpy()
        agreed = _agree(relations, prior, spread**2, imputed, floor, shares)
        # From here on only the agreed expectation counts, so that a matrix that was solved is solved alike again.
        spread = _measure_spread(cells, agreed, catalog, rules, variability)
        variance = np.where(_find_derived(relations, len(cells)), DERIVED_GIVES_WAY, 1.0) * spread**2
        return cls(relations, agreed, variance, spread, _lowest_start(cells, agreed), shares)

    def solve(self, held: np.ndarray, values: np.ndarray) -> Solution:
        """Let what drives the engine carry the held goals, starting from the expectation that agrees with itself."""
        if not held.any():
            return Solution(self.agreed, True, False, np.zeros(0))
        return solve_relations(
            self.relations,
            hold_mix(self.relations, self.agreed, held, values),
            self.variance,
            held,
            values,
            floor=self.floor,
            shares=self.shares,
        )


def hold_mix(relations: Relations, agreed: np.ndarray, held: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Expect the slices and sub-periods of a held rate to move with it, so that no mix has to change for it.

    Args:
        relations: The equations.
        agreed: Per cell what is expected.
        held: Per cell whether it is held.
        values: Per held cell its value.

    Returns:
        ``agreed``, with the rates below each held rate times held ÷ expected, down to those that are held themselves.
    """
    if not len(relations.products) or not held[relations.products[:, 1]].any():
        return agreed
    rate_of = {(int(volume), int(result)): int(rate) for volume, rate, result in relations.products}
    ends = {int(rate): (int(volume), int(result)) for volume, rate, result in relations.products}
    sums: dict[int, list[np.ndarray]] = {}
    results_of: dict[int, set[int]] = {}
    for volume, result in rate_of:
        results_of.setdefault(volume, set()).add(result)
    for total, parts in zip(relations.totals, relations.parts, strict=True):
        sums.setdefault(int(total), []).append(parts)
    moved = agreed.copy()

    def list_below(rate: int) -> set[int]:
        volume, result = ends[rate]
        results = {int(part) for parts in sums.get(result, ()) for part in parts}
        return {
            rate_of[int(part), end]
            for parts in sums.get(volume, ())
            for part in parts
            for end in results & results_of.get(int(part), set())
        }

    for top in (int(rate) for rate in relations.products[held[relations.products[:, 1]], 1]):
        if agreed[top] <= 0 or values[top] <= 0:
            continue
        seen: set[int] = set()
        open_ = list_below(top)
        while open_:
            rate = open_.pop()
            if rate in seen or held[rate]:
                continue
            seen.add(rate)
            moved[rate] *= values[top] / agreed[top]
            open_ |= list_below(rate)
    return moved


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
