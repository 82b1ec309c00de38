"""One look at a company's goals: the solved matrix, how likely it is, when its records are due, what to say of it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

import pandas as pd

from helpers.analyses.close_curve import MEAN, POOLED, get_shares, measure_close_curve
from helpers.analyses.finding import Finding
from helpers.analyses.goal_findings import list_findings
from helpers.analyses.goal_grid import compare_with_past, lay_out_grid
from helpers.analyses.goal_locks import find_set
from helpers.analyses.goal_matrix import build_matrix
from helpers.analyses.goal_plan import lock_carry_over, plan_goals
from helpers.analyses.goal_relations import TOTAL
from helpers.analyses.goal_simulation import (
    add_probability,
    rank_in_history,
    simulate_revenue,
    take_business,
)
from helpers.analyses.goal_timing import plan_creation, summarise_timing
from helpers.model.goal import GoalRules, load_goal_rules
from helpers.periods import Period, period_of
from helpers.units import format_value, in_sentence

REVENUE, DEALS = "revenue_won", "deals_won"


@dataclass(frozen=True)
class GoalReview:
    """What there is to say about a company's goals.

    Attributes:
        matrix: ``goal_matrix.csv``: every cell with goal, actual, expectation and probability.
        plan: The plan of record, before any miss is carried over.
        released: Typed goals that contradict weightier ones.
        has_goals: Whether anybody set a goal; else the goals are what history lets one expect.
        curve: ``close_curve.csv``.
        outlook: Revenue of the periods ahead as simulated.
        ranks: Each needed value beside its history.
        timing: Which period's records each period ahead needs.
        landing: The same summed up per period ahead.
        periods: The periods ahead.
        grid: The company's own cells, laid out for a picture.
        past: What the next period needs of each KPI beside what that has been.
        curve_title: What the close curve says.
        findings: The answers in words, ranked later.
        title: The most important one.
    """

    matrix: pd.DataFrame
    plan: pd.DataFrame
    released: pd.DataFrame
    has_goals: bool
    curve: pd.DataFrame
    outlook: pd.DataFrame
    ranks: pd.DataFrame
    timing: pd.DataFrame
    landing: pd.DataFrame
    periods: list[Period]
    grid: pd.DataFrame
    past: pd.DataFrame
    curve_title: str
    findings: list[Finding]
    title: str

    @property
    def is_available(self) -> bool:
        """Whether the matrix has any cell."""
        return len(self.matrix) > 0


def review_goals(
    company,
    cells: pd.DataFrame,
    *,
    as_of: date,
    grain: str = "quarter",
    revenue_goal: float = 0.0,
    carry_over: str = "none",
    horizon: int = 0,
    by: Iterable[str] = ("source",),
    rules: GoalRules | None = None,
) -> GoalReview:
    """Go from the goals that people typed, or from one revenue goal, to the whole matrix and what it means.

    Args:
        company: The opened company.
        cells: The columns of ``kpis.csv``.
        as_of: The last day that counts.
        grain: The length of a period.
        revenue_goal: Revenue of the fiscal year that the next period lies in; 0 takes what people typed. It replaces
            typed revenue goals of that year's periods that are not over yet.
        carry_over: What happens to a miss: none, next or spread.
        horizon: Periods ahead; 0 takes those of one year.
        by: Partitions whose slices get goals of their own; those that typed goals name are added.
        rules: What ``goals.toml`` says.

    Returns:
        The review. Where the company has no history that goals could be built on, its matrix is empty.

    Raises:
        ParameterError: ``carry_over`` or ``grain`` is unknown.
    """
    rules, catalog, fiscal = rules or load_goal_rules(), company.catalog, company.fiscal_year_start
    matrix = build_matrix(
        cells,
        _set_revenue_goal(company.targets, revenue_goal, as_of, fiscal),
        as_of=as_of,
        grain=grain,
        by=by,
        horizon=horizon or None,
        fiscal_year_start=fiscal,
        catalog=catalog,
        rules=rules,
    )
    first = plan_goals(matrix, catalog=catalog, rules=rules)
    locks = lock_carry_over(first.matrix, as_of=as_of, how=carry_over, fiscal_year_start=fiscal)
    plan = first if carry_over == "none" else plan_goals(matrix, locks, catalog=catalog, rules=rules)
    has_goals = bool(find_set(matrix).any()) if len(matrix) else False
    review = _look_ahead(company, cells, plan.matrix, as_of=as_of, grain=grain, has_goals=has_goals, rules=rules)
    review = replace(review, plan=first.matrix, released=first.released)
    findings = list_findings(review, company, as_of=as_of, carry_over=carry_over)
    title = findings[0].headline if findings else "No goal can be derived yet"
    return replace(review, findings=findings, title=title)


def _look_ahead(
    company, cells: pd.DataFrame, matrix: pd.DataFrame, *, as_of: date, grain: str, has_goals: bool, rules: GoalRules
) -> GoalReview:
    """Say of a solved matrix how likely it is, when its records are due and how it compares with the past."""
    catalog, fiscal = company.catalog, company.fiscal_year_start
    curve = measure_close_curve(company, as_of=as_of, grain=grain)
    periods = _list_ahead(matrix, as_of, grain, fiscal)
    created = _count_created(curve, grain, fiscal, as_of)
    outlook = simulate_revenue(matrix, curve, created, periods, catalog=catalog, rules=rules)
    solved = add_probability(matrix, outlook, catalog=catalog, rules=rules)
    wanted = _want_deals(solved, catalog, periods)
    expected = _expect_created(solved, catalog, curve, periods)
    timing = plan_creation(
        wanted,
        get_shares(curve, POOLED).tolist(),
        created,
        expected,
        as_of=as_of,
        most=max([*created.values(), *expected.values(), 0.0]) * rules.timing.best_ever_factor or float("inf"),
        share_useful=rules.timing.share_useful,
    )
    grid = lay_out_grid(solved, catalog=catalog, as_of=as_of, fiscal_year_start=fiscal, has_goals=has_goals)
    return GoalReview(
        matrix=solved,
        plan=solved,
        released=solved.iloc[:0],
        has_goals=has_goals,
        curve=curve,
        outlook=outlook,
        ranks=rank_in_history(solved, cells, as_of=as_of, catalog=catalog),
        timing=timing,
        landing=summarise_timing(timing, wanted),
        periods=periods,
        grid=grid,
        past=compare_with_past(grid, solved, cells, catalog=catalog),
        curve_title=say_curve(curve, company, grain),
        findings=[],
        title="",
    )


def say_curve(curve: pd.DataFrame, company, grain: str) -> str:
    """Say in a sentence how wins spread over the periods after creation; empty without a curve."""
    shares = get_shares(curve, POOLED)
    if shares.empty or shares.sum() <= 0:
        return ""
    what = in_sentence(company.catalog.stages[curve.attrs["from_stage"]].label)
    first, total = format_value(float(shares.iloc[0]), "share"), format_value(float(shares.sum()), "share")
    if len(shares) == 1:
        return f"{first} of {what} are won in the {grain} they were created"
    second = format_value(float(shares.iloc[:2].sum()), "share")
    return f"{first} of {what} are won in the same {grain}, {second} by the end of the next, {total} in all"


def _set_revenue_goal(targets: pd.DataFrame, revenue_goal: float, as_of: date, fiscal: int) -> pd.DataFrame:
    if revenue_goal <= 0:
        return targets
    year = period_of(pd.Timestamp(as_of).date() + pd.Timedelta(days=1), "year", fiscal)
    starts = pd.to_datetime(targets["period_start"])
    inside = (starts >= pd.Timestamp(year.start)) & (starts <= pd.Timestamp(year.end))
    is_over = (targets["grain"] != "year") & (starts <= pd.Timestamp(as_of))
    kept = targets[~(inside & (targets["kpi"] == REVENUE) & ~is_over)]
    goal = {"kpi": REVENUE, "grain": "year", "period_start": pd.Timestamp(year.start), "dimension": TOTAL}
    goal |= {"slice": TOTAL, "goal": float(revenue_goal), "locked": True}
    return pd.concat([kept, pd.DataFrame([goal])], ignore_index=True) if len(kept) else pd.DataFrame([goal])


def _list_ahead(matrix: pd.DataFrame, as_of: date, grain: str, fiscal: int) -> list[Period]:
    starts = pd.to_datetime(matrix.loc[matrix["grain"] == grain, "period_start"]).unique()
    periods = [period_of(pd.Timestamp(start).date(), grain, fiscal) for start in sorted(starts)]
    return [period for period in periods if period.end > as_of]


def _count_created(curve: pd.DataFrame, grain: str, fiscal: int, as_of: date) -> dict[Period, float]:
    cohorts = curve[~curve["cohort"].isin([MEAN, POOLED])].drop_duplicates("cohort")
    found = {
        period_of(date.fromisoformat(row["cohort"]), grain, fiscal): float(row["n"])
        for row in cohorts.to_dict("records")
    }
    return {period: n for period, n in found.items() if period.end <= as_of}


def _want_deals(matrix: pd.DataFrame, catalog, periods: list[Period]) -> dict[Period, float]:
    goals = take_business(matrix, catalog, "goal") if len(matrix) else pd.Series(dtype=float)
    keys = {period: (DEALS, period.grain, pd.Timestamp(period.start)) for period in periods}
    return {period: float(goals[key]) for period, key in keys.items() if key in goals.index}


def _expect_created(matrix: pd.DataFrame, catalog, curve: pd.DataFrame, periods: list[Period]) -> dict[Period, float]:
    stage = curve.attrs.get("from_stage", "")
    if not stage or matrix.empty:
        return {}
    expected, volume = take_business(matrix, catalog, "expected"), catalog.stages[stage].volume
    keys = {period: (volume, period.grain, pd.Timestamp(period.start)) for period in periods}
    return {period: float(expected[key]) for period, key in keys.items() if key in expected.index}
