"""The goal matrix: from one revenue goal to a goal for every KPI, period and slice.

``build_matrix`` lays the cells out with what history lets one expect, ``solve`` fills the goals in.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd

from helpers.analyses.goal_expectation import (
    expect_ratio,
    expect_volume,
    measure_spreads,
    read_history,
)
from helpers.analyses.goal_locks import FREE, GOAL, LOCKED, ContradictionError, NoSolutionError, find_set
from helpers.analyses.goal_relations import KEYS, TOTAL, Product, list_additive, list_products, name_key
from helpers.analyses.goal_session import prepare_matrix, solve
from helpers.analyses.goal_system import GOAL_MATRIX_COLUMNS
from helpers.model.catalog import Catalog, load_catalog
from helpers.model.goal import GoalRules, load_goal_rules
from helpers.periods import MONTHS_IN, Period, build_periods, period_of, require_grain

__all__ = ["GOAL_MATRIX_COLUMNS", "ContradictionError", "NoSolutionError", "build_matrix", "prepare_matrix", "solve"]

REVENUE = "revenue_won"
TYPE = "type"
HISTORY_YEARS = 1
HORIZON_YEARS = 1


def build_matrix(
    cells: pd.DataFrame,
    targets: pd.DataFrame | None = None,
    *,
    as_of: date,
    grain: str = "quarter",
    by: Iterable[str] = (),
    horizon: int | None = None,
    fiscal_year_start: int = 1,
    catalog: Catalog | None = None,
    rules: GoalRules | None = None,
) -> pd.DataFrame:
    """Lay out the goal matrix of a company with what its history lets one expect.

    Args:
        cells: The columns of ``kpis.csv``, for the company and the partitions in ``by``.
        targets: Goals that people typed, with the columns of ``goal_matrix.csv``.
        as_of: The last day that counts.
        grain: month, quarter or year.
        by: Partitions whose slices get goals of their own; those that a target names are added, and the types of deal
            where they tell new from existing business.
        horizon: Periods ahead, at least up to the end of the running fiscal year; by default those of one year.
        fiscal_year_start: The month (1–12) in which the fiscal year begins.
        catalog: The company's definitions.
        rules: What ``goals.toml`` says.

    Returns:
        One row per KPI, period and slice, with ``GOAL_MATRIX_COLUMNS``: the funnel's volumes, its cohort rates, the
        deal size and closed revenue, for the last year's periods, those ahead, and the fiscal years that they fill.
        ``goal`` holds the typed goals; ``state`` tells a cell that people want (``goal``) from one that they hold come
        what may (``locked``, then at its goal or else at its expectation) and one to be solved (``free``).
        ``expected`` is what would come if nobody changed anything, and it obeys the same equations as the goals.
        ``attrs["variability"]`` tells how much each KPI varies; ``attrs["basis"]`` whether a rate is the ``cohort``
        rate or, where records enter further down the funnel, the quotient of the ``volumes`` on its sides. KPIs without
        history or goal are left out; without any there are no rows.
    """
    catalog, rules = catalog or load_catalog(), rules or load_goal_rules()
    require_grain(grain)
    targets = pd.DataFrame(columns=GOAL_MATRIX_COLUMNS) if targets is None else targets
    dimensions = _choose_dimensions(by, targets, cells, catalog)
    products = _choose_products(cells, catalog)
    kpis = list(dict.fromkeys([id for p in products for id in (p.volume, p.rate, p.result)]))
    kpis = kpis or _list_volumes(cells, catalog)
    history = read_history(
        cells, kpis, grain=grain, dimensions=dimensions, catalog=catalog, maximum=rules.slices.maximum
    )
    periods = _choose_periods(as_of, grain, horizon, fiscal_year_start)
    history, basis = _foot_rates(history, products, grain, catalog, rules)
    matrix = _lay_out(history, periods, grain, as_of, catalog, rules)
    matrix = _add_years(matrix, periods, grain, fiscal_year_start)
    matrix = _mark_targets(matrix, targets)
    matrix.attrs = {"variability": dict(measure_spreads(history, catalog, rules)), "basis": basis}
    matrix.attrs["set_order"] = _list_set_order(targets)
    if matrix.empty:
        return matrix
    agreed = solve(matrix, [], catalog=catalog, rules=rules)
    return matrix.assign(expected=agreed["goal"]).sort_values(
        KEYS, key=lambda column: column.map({id: i for i, id in enumerate(kpis)}) if column.name == "kpi" else column,
        kind="stable", ignore_index=True,
    )  # fmt: skip


def _choose_dimensions(by: Iterable[str], targets: pd.DataFrame, cells: pd.DataFrame, catalog: Catalog) -> list[str]:
    """Take what was asked for and what goals were typed for, and types of deal where they tell existing business."""
    if cells.empty:
        return []
    typed = [name for name in targets.get("dimension", pd.Series(dtype=str)).unique() if name != TOTAL]
    types = cells.loc[cells["dimension"] == TYPE, "slice"].str.casefold().unique()
    apart = [TYPE] if catalog.existing_business & set(types) else []
    present = set(cells["dimension"])
    return [name for name in dict.fromkeys([*by, *typed, *apart]) if name in present]


def _choose_products(cells: pd.DataFrame, catalog: Catalog) -> list[Product]:
    """Keep the steps between neighbours among the stages that the data has, the averages, and what both need."""
    if cells.empty:
        return []
    present = set(cells.loc[cells["dimension"] == TOTAL, "kpi"])
    stages = [id for id, stage in catalog.stages.items() if stage.volume in present]
    steps = {kpi.id for kpi in catalog.conversions_between(stages)}
    averages = {kpi.id for kpi in catalog.kpis.values() if kpi.measure.kind == "average"}
    return [
        product
        for product in list_products(catalog)
        if product.rate in steps | averages and {product.volume, product.rate, product.result} <= present
    ]


def _list_volumes(cells: pd.DataFrame, catalog: Catalog) -> list[str]:
    additive = list_additive(catalog, over_time=True)
    return [id for id in catalog.kpis if id in additive and len(cells) and id in set(cells["kpi"])]


def _choose_periods(as_of: date, grain: str, horizon: int | None, fiscal_year_start: int) -> list[Period]:
    per_year = 12 // MONTHS_IN[grain]
    first_ahead = period_of(as_of + timedelta(days=1), grain, fiscal_year_start)
    ahead = per_year * HORIZON_YEARS if horizon is None else horizon
    back = first_ahead.previous(per_year * HISTORY_YEARS)
    year = period_of(as_of + timedelta(days=1), "year", fiscal_year_start)
    last = first_ahead.previous(-max(ahead - 1, 0))
    return build_periods(min(back.start, year.start), max(last.end, year.end), grain, fiscal_year_start)


def _foot_rates(
    history: pd.DataFrame, products: Sequence[Product], grain: str, catalog: Catalog, rules: GoalRules
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Replace cohort rates that don't explain the volumes on their sides by the quotient of these volumes.

    Records that enter further down (an opportunity without a lead, existing business) make the volumes outgrow the
    cohort rate. Slices by type of deal keep it, since new business stands alone there; and so do steps into a win where
    there is no existing business, since only the lag of the sales cycle then lies between rate and volumes.
    """
    has_existing = bool(
        ((history["dimension"] == TYPE) & history["slice"].str.casefold().isin(catalog.existing_business)).any()
    )
    basis = {}
    window = (12 // MONTHS_IN[grain]) * rules.expectation.window_years
    for product in products:
        measure = catalog.kpis[product.rate].measure
        rates = history[history["kpi"] == product.rate]
        if rates.empty or measure.kind != "conversion":
            continue
        basis[product.rate] = "cohort"
        if catalog.stages[measure.to_stage].object == catalog.stages[measure.from_stage].object == "deal":
            lags_only = not has_existing
        else:
            lags_only = catalog.stages[measure.to_stage].closes == "won" and not has_existing
        quotient = _divide_volumes(history, product)
        if lags_only or _foots(rates, quotient, window, rules.footing.tolerance):
            continue
        basis[product.rate] = "volumes"
        kept = history[(history["kpi"] != product.rate) | (history["dimension"] == TYPE)]
        history = pd.concat([kept, quotient[quotient["dimension"] != TYPE]], ignore_index=True)
    return history, basis


def _foots(rates: pd.DataFrame, quotient: pd.DataFrame, window: int, tolerance: float) -> bool:
    mature = rates[(rates["dimension"] == TOTAL) & rates["is_complete"].astype(bool)]
    both = mature.merge(quotient[quotient["dimension"] == TOTAL], on="period_start", suffixes=("", "_passed"))
    both = both.sort_values("period_start").tail(window)
    sums = both[["numerator", "denominator", "numerator_passed", "denominator_passed"]].sum()
    if (sums <= 0).any():
        return True
    ratio = (sums["numerator_passed"] / sums["denominator_passed"]) / (sums["numerator"] / sums["denominator"])
    return bool(abs(ratio - 1.0) <= tolerance)


def _divide_volumes(history: pd.DataFrame, product: Product) -> pd.DataFrame:
    keys = ["dimension", "slice", "period_start"]
    volume = history[history["kpi"] == product.volume].set_index(keys)
    result = history[history["kpi"] == product.result].set_index(keys)
    bottom = volume[["value", "is_complete"]].rename(columns={"value": "denominator"})
    quotient = bottom.join(result["value"].rename("numerator"), how="inner").reset_index()
    quotient["value"] = quotient["numerator"] / quotient["denominator"].where(quotient["denominator"] > 0)
    return quotient.assign(kpi=product.rate)


def _lay_out(
    history: pd.DataFrame,
    periods: Sequence[Period],
    grain: str,
    as_of: date,
    catalog: Catalog,
    rules: GoalRules,
) -> pd.DataFrame:
    starts = [pd.Timestamp(period.start) for period in periods]
    ended = [period.end <= as_of for period in periods]
    rows = []
    whole = history[history["is_complete"].astype(bool)].sort_values("period_start")
    own = {
        kpi: expect_ratio(part, starts, grain=grain, rules=rules)
        for kpi, part in whole[whole["dimension"] == TOTAL].groupby("kpi")
        if part["denominator"].notna().any()
    }
    for (kpi, dimension, value), part in whole.groupby(["kpi", "dimension", "slice"], sort=False):
        series = part.set_index("period_start")["value"]
        if kpi in own:
            weight = 0.0 if dimension == TOTAL else float(catalog.rules.minimum_n)
            expected = expect_ratio(part, starts, grain=grain, rules=rules, towards=own[kpi], weight=weight)
        else:
            expected = expect_volume(series, starts, grain=grain, rules=rules)
        laid = pd.DataFrame({"grain": grain, "period_start": starts, "expected": expected})
        laid["actual"] = series.reindex(starts).where(ended).to_numpy(dtype=float)
        rows.append(laid.assign(kpi=kpi, dimension=dimension, slice=value))
    laid = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=[*KEYS, "actual", "expected"])
    laid = laid[laid.groupby("kpi")["expected"].transform(lambda part: part.notna().any()).astype(bool)]
    laid = laid.assign(goal=np.nan, gap=np.nan, locked=False, probability=np.nan)
    return laid[GOAL_MATRIX_COLUMNS].reset_index(drop=True)


def _add_years(matrix: pd.DataFrame, periods: Sequence[Period], grain: str, fiscal_year_start: int) -> pd.DataFrame:
    if grain == "year" or matrix.empty:
        return matrix
    held: dict[Period, int] = {}
    for period in periods:
        year = period_of(period.start, "year", fiscal_year_start)
        held[year] = held.get(year, 0) + 1
    parts = [matrix]
    cells = matrix.drop_duplicates(["kpi", "dimension", "slice"])
    for year, count in held.items():
        if count == 12 // MONTHS_IN[grain]:
            start = pd.Timestamp(year.start)
            parts.append(cells.assign(grain="year", period_start=start, actual=np.nan, expected=np.nan, goal=np.nan))
    return pd.concat(parts, ignore_index=True)


def _list_set_order(targets: pd.DataFrame) -> list[list[str]]:
    """List the cells that people set, the first one first."""
    keys = targets.drop_duplicates(KEYS)[KEYS].itertuples(index=False, name=None) if len(targets) else ()
    return [list(name_key(key)) for key in keys]


def _mark_targets(matrix: pd.DataFrame, targets: pd.DataFrame) -> pd.DataFrame:
    matrix = matrix.assign(state=FREE, locked=False)
    if matrix.empty or targets.empty:
        return matrix
    locked = find_set(targets[["locked"]]) if "locked" in targets.columns else pd.Series(False, index=targets.index)
    typed = targets.assign(locked=locked)[locked | targets["goal"].notna()]
    typed = typed.assign(period_start=pd.to_datetime(typed["period_start"]))
    cells = matrix.assign(period_start=pd.to_datetime(matrix["period_start"]))
    found = typed.drop_duplicates(KEYS, keep="last").set_index(KEYS)[["goal", "locked"]]
    found = found.reindex(pd.MultiIndex.from_frame(cells[KEYS]))
    goal, held = found["goal"].to_numpy(dtype=float), found["locked"].eq(True).to_numpy()
    state = np.where(held, LOCKED, np.where(np.isnan(goal), FREE, GOAL))
    return matrix.assign(goal=goal, locked=held, state=pd.Series(state, index=matrix.index, dtype="str"))
