"""The goal matrix: from one revenue goal to a goal for every KPI, period and slice.

``build_matrix`` lays the cells out with what history lets one expect, ``solve`` fills the goals in, ``plan_goals`` does
both for the goals that people typed and says which of them could not be held.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from helpers.analyses.goal_expectation import (
    expect_ratio,
    expect_volume,
    measure_spreads,
    read_history,
)
from helpers.analyses.goal_locks import ContradictionError, name_cell
from helpers.analyses.goal_relations import KEYS, TOTAL, Product, list_additive, list_products
from helpers.analyses.goal_system import GOAL_MATRIX_COLUMNS, solve
from helpers.errors import ParameterError, QuestionError, suggest
from helpers.model.catalog import Catalog, load_catalog
from helpers.model.goal import GoalRules, load_goal_rules
from helpers.periods import MONTHS_IN, Period, build_periods, period_of, require_grain

__all__ = [
    "CARRY_OVER",
    "GOAL_MATRIX_COLUMNS",
    "ContradictionError",
    "GoalPlan",
    "build_matrix",
    "carry_over_miss",
    "lock_carry_over",
    "plan_goals",
    "reverse_funnel",
    "solve",
]

CARRY_OVER = ("none", "next", "spread")
"""What happens to a miss: nothing, all of it to the next period, or spread over the rest of the year."""

REVENUE = "revenue_won"
TYPE = "type"
HISTORY_YEARS = 1
HORIZON_YEARS = 1


@dataclass(frozen=True)
class GoalPlan:
    """A solved matrix and what had to give way.

    Attributes:
        matrix: Every cell with its goal.
        released: The goals that people typed and that contradicted others, one row per cell.
    """

    matrix: pd.DataFrame
    released: pd.DataFrame


def reverse_funnel(
    revenue: float, *, average_deal_size: float, rates: Mapping[str, float], new_business_share: float = 1.0
) -> pd.DataFrame:
    """Walk back from a revenue goal to what every stage has to bring.

    Args:
        revenue: The goal.
        average_deal_size: Amount per won deal of new business.
        rates: Conversion KPI id → rate of mature cohorts, from the last step backwards
            (``opportunity_to_won`` first).
        new_business_share: The part of the goal that new business brings; the rest needs no funnel.

    Returns:
        One row per quantity, from the revenue backwards: ``kpi`` (``revenue``, ``deals``, then each rate's id, standing
        for the records that enter it) and ``needed``, never rounded.

    Raises:
        QuestionError: A rate or the deal size is 0 or less.

    Source:
        Domain: deals = revenue ÷ average deal size; opportunities = deals ÷ opportunity_to_won; and so on.

    >>> needed = reverse_funnel(2_000_000, average_deal_size=75_000, rates={"opportunity_to_won": 0.2})
    >>> needed["needed"].round(2).tolist()
    [2000000.0, 26.67, 133.33]
    """
    if average_deal_size <= 0:
        raise QuestionError(f"average_deal_size is {average_deal_size}. It must be more than 0.")
    needed = [("revenue", float(revenue * new_business_share))]
    needed.append(("deals", needed[0][1] / average_deal_size))
    for kpi, rate in rates.items():
        if rate <= 0:
            raise QuestionError(f"{kpi} is {rate}. Nothing can be reached through a rate that isn't more than 0.")
        needed.append((kpi, needed[-1][1] / rate))
    return pd.DataFrame(needed, columns=["kpi", "needed"])


def carry_over_miss(goals: Sequence[float], actuals: Sequence[float], *, how: str = "none") -> list[float]:
    """Re-plan the periods of one year after some of them have ended.

    Args:
        goals: The plan of record, one goal per period of the year.
        actuals: What came of the periods that have ended, oldest first.
        how: ``none`` keeps the plan, ``next`` adds the whole miss to the next period, ``spread`` over all that are left
            in proportion to their goals. A surplus is never taken off.

    Returns:
        One goal per period; periods that have ended keep theirs. A miss after the last period goes nowhere.

    Raises:
        ParameterError: ``how`` is unknown.

    >>> carry_over_miss([100, 100, 100, 100], [70], how="next")
    [100.0, 130.0, 100.0, 100.0]
    >>> carry_over_miss([100, 100, 100, 100], [70], how="spread")
    [100.0, 110.0, 110.0, 110.0]
    """
    if how not in CARRY_OVER:
        raise ParameterError(
            f"carry_over '{how}' is unknown. Allowed: {', '.join(CARRY_OVER)}.{suggest(how, CARRY_OVER)}"
        )
    plan = [float(goal) for goal in goals]
    done = len(actuals)
    miss = max(sum(plan[:done]) - float(sum(actuals)), 0.0)
    left = plan[done:]
    if how == "none" or not left or miss == 0:
        return plan
    if how == "next":
        return [*plan[:done], left[0] + miss, *left[1:]]
    total = sum(left)
    extra = [miss * goal / total for goal in left] if total else [miss / len(left)] * len(left)
    return [*plan[:done], *(goal + more for goal, more in zip(left, extra, strict=True))]


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
        ``goal`` holds the typed goals, ``locked`` marks them; ``expected`` is what would come if nobody changed
        anything, and it obeys the same equations as the goals. ``attrs["variability"]`` tells how much each KPI varies;
        ``attrs["basis"]`` whether a rate is the ``cohort`` rate or, where records enter further down the funnel, the
        quotient of the ``volumes`` on its sides. KPIs without history or goal are left out; without any there are no
        rows.
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


def _mark_targets(matrix: pd.DataFrame, targets: pd.DataFrame) -> pd.DataFrame:
    if matrix.empty or targets.empty:
        return matrix
    typed = targets[targets["goal"].notna()].copy()
    typed["period_start"] = pd.to_datetime(typed["period_start"])
    goals = typed.drop_duplicates(KEYS, keep="last").set_index(KEYS)["goal"]
    found = goals.reindex(
        pd.MultiIndex.from_frame(matrix.assign(period_start=pd.to_datetime(matrix["period_start"]))[KEYS])
    )
    return matrix.assign(goal=found.to_numpy(dtype=float), locked=found.notna().to_numpy())


def plan_goals(
    matrix: pd.DataFrame,
    locks: pd.DataFrame | None = None,
    *,
    catalog: Catalog | None = None,
    rules: GoalRules | None = None,
) -> GoalPlan:
    """Solve a matrix with as many of its typed goals as can hold together.

    Args:
        matrix: As made by ``build_matrix``.
        locks: The cells to hold, weightiest first; by default the typed goals: the company before its slices, money
            before volumes, longer periods before shorter ones.
        catalog: The company's definitions.
        rules: What ``goals.toml`` says.

    Returns:
        The solved matrix, and the goals that had to be released: of each contradictory set the last, least weighty one.
    """
    held = _rank_locks(matrix[matrix["locked"].astype(bool)]) if locks is None else locks
    held = held.reset_index(drop=True)
    released = held.iloc[:0]
    while True:
        try:
            return GoalPlan(solve(matrix, held, catalog=catalog, rules=rules), released)
        except ContradictionError as contradiction:
            named = {name_cell(row) for row in contradiction.cells.to_dict("records")}
            last = [index for index, row in held.iterrows() if name_cell(row) in named][-1]
            released = pd.concat([released, held.loc[[last]]], ignore_index=True)
            held = held.drop(index=last)


def _rank_locks(locks: pd.DataFrame) -> pd.DataFrame:
    order = pd.DataFrame(
        {
            "slice": locks["dimension"] != TOTAL,
            "money": locks["kpi"] != REVENUE,
            "grain": -locks["grain"].map(MONTHS_IN).astype(float),
        }
    )
    return locks.loc[order.sort_values(["slice", "money", "grain"], kind="stable").index]


def lock_carry_over(plan: pd.DataFrame, *, as_of: date, how: str = "none", fiscal_year_start: int = 1) -> pd.DataFrame:
    """Turn the plan of record into the cells to hold once a miss is carried over.

    Args:
        plan: The solved plan of record.
        as_of: The last day that counts.
        how: One of ``CARRY_OVER``.
        fiscal_year_start: The month (1–12) in which the fiscal year begins.

    Returns:
        One row per cell to hold, with its goal. With ``none`` those of the plan. Else revenue of the ended periods
        of the running year is held at what came of it, so that the year's goal stands, and the rest of the year carries
        the miss; revenue goals typed for slices of that year give way.

    Raises:
        ParameterError: ``how`` is unknown.
    """
    locks = plan[plan["locked"].astype(bool)]
    year = period_of(as_of + timedelta(days=1), "year", fiscal_year_start)
    starts = pd.to_datetime(plan["period_start"])
    inside = (starts >= pd.Timestamp(year.start)) & (starts <= pd.Timestamp(year.end)) & (plan["grain"] != "year")
    revenue = plan[inside & (plan["kpi"] == REVENUE) & (plan["dimension"] == TOTAL)].sort_values("period_start")
    done = revenue["actual"].notna()
    goals = carry_over_miss(revenue["goal"].tolist(), revenue.loc[done, "actual"].tolist(), how=how)
    if how == "none" or not done.any() or done.all():
        return _rank_locks(locks)
    held = np.where(done, revenue["actual"], goals)
    gives_way = (inside & (plan["kpi"] == REVENUE)).reindex(locks.index)
    of_year = (locks["grain"] == "year") & (pd.to_datetime(locks["period_start"]) == pd.Timestamp(year.start))
    kept = locks[~gives_way & ~of_year]
    return _rank_locks(pd.concat([revenue.assign(goal=held), kept], ignore_index=True))
