"""One look at a company's goals: the solved matrix, how likely it is, when its records are due, what to say of it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

import pandas as pd

from helpers.analyses.close_curve import POOLED, get_shares, measure_close_curve
from helpers.analyses.finding import Finding
from helpers.analyses.goal_findings import list_findings
from helpers.analyses.goal_grid import compare_with_past, lay_out_grid
from helpers.analyses.goal_locks import find_set
from helpers.analyses.goal_matrix import build_matrix
from helpers.analyses.goal_pace import list_rest, measure_pace
from helpers.analyses.goal_pipe import count_pipe, expect_from_pipe, list_created, list_landings
from helpers.analyses.goal_plan import list_past, lock_carry_over, plan_goals
from helpers.analyses.goal_simulation import (
    add_probability,
    rank_in_history,
    simulate_revenue,
    take_business,
)
from helpers.analyses.goal_targets import EXPECTED, derive_targets, set_revenue_goal
from helpers.analyses.goal_timing import bring_existing, bring_rest, list_sources, plan_creation, summarise_timing
from helpers.analyses.goal_trial import Clash
from helpers.analyses.revenue_history import RevenueHistory, read_revenue_history
from helpers.analyses.stage_plan import lay_out_stages, plan_stages
from helpers.analyses.step_lags import count_entered, measure_step_lags
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
        released: Typed goals that contradict others and wait.
        has_goals: Whether anybody set a goal; else the goals are what history lets one expect.
        curve: ``close_curve.csv``.
        history: What the company's past tells of revenue, which the outlook rests on.
        outlook: Revenue of the periods ahead as simulated.
        ranks: Each needed value beside its history.
        timing: Which period's records each period ahead needs.
        landing: The same summed up per period ahead, with ``label``.
        stages: What every stage and period has to bring for the wins wanted, laid out for a picture.
        targets: Bookings targets of the periods ahead that nobody typed one for, as made by ``derive_targets``.
        periods: The periods ahead.
        grid: The company's own cells, laid out for a picture.
        past: What the next period needs of each KPI beside what that has been.
        curve_title: What the close curve says.
        findings: The answers in words, ranked later.
        title: The most important one.
        clashes: What the goals that wait contradict.
        releases: Per clash what else could be released, the cheapest first.
    """

    matrix: pd.DataFrame
    plan: pd.DataFrame
    released: pd.DataFrame
    has_goals: bool
    curve: pd.DataFrame
    history: RevenueHistory
    outlook: pd.DataFrame
    ranks: pd.DataFrame
    timing: pd.DataFrame
    landing: pd.DataFrame
    stages: pd.DataFrame
    targets: pd.DataFrame
    periods: list[Period]
    grid: pd.DataFrame
    past: pd.DataFrame
    curve_title: str
    findings: list[Finding]
    title: str
    clashes: tuple[Clash, ...] = ()
    releases: tuple[pd.DataFrame, ...] = ()

    @property
    def is_available(self) -> bool:
        """Whether the matrix has any cell."""
        return len(self.matrix) > 0

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is kept of it: file name without ending → table."""
        return {
            "goal_matrix": self.matrix,
            "goal_plan_before_carry_over": self.plan,
            "goal_outlook": self.outlook,
            "goal_timing": self.timing,
            "goal_stages": self.stages,
            "close_curve": self.curve,
        }


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
        set_revenue_goal(company.targets, revenue_goal, as_of, fiscal),
        as_of=as_of,
        grain=grain,
        by=by,
        horizon=horizon or None,
        fiscal_year_start=fiscal,
        catalog=catalog,
        rules=rules,
    )
    past = list_past(matrix, as_of=as_of, fiscal_year_start=fiscal) if len(matrix) else None
    places = {"as_of": as_of, "fiscal_year_start": fiscal, "catalog": catalog, "rules": rules}
    first = plan_goals(matrix, past=past, **places)
    locks = lock_carry_over(first.matrix, as_of=as_of, how=carry_over, fiscal_year_start=fiscal)
    plan = first if carry_over == "none" else plan_goals(matrix, locks, past=past, **places)
    has_goals = bool(find_set(matrix).any()) if len(matrix) else False
    review = _look_ahead(company, cells, plan.matrix, as_of=as_of, grain=grain, has_goals=has_goals, rules=rules)
    review = replace(review, plan=first.matrix, released=first.released, clashes=first.clashes, releases=first.releases)
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
    created = list_created(count_pipe(company, as_of=as_of, grain=grain), grain=grain, fiscal_year_start=fiscal)
    landings = list_landings(expect_from_pipe(company, as_of=as_of, grain=grain), grain=grain, fiscal_year_start=fiscal)
    history = read_revenue_history(company, as_of=as_of, grain=grain, rules=rules, curve=curve)
    outlook = simulate_revenue(matrix, history, periods, rules=rules)
    rest = list_rest(measure_pace(company, matrix, as_of=as_of, grain=grain, rules=rules))
    solved = add_probability(matrix, outlook, catalog=catalog, rules=rules, cells=cells, rest=rest)
    expected = _expect_created(solved, catalog, curve, periods)
    shares = get_shares(curve, POOLED).tolist()
    targets = derive_targets(solved, as_of=as_of, grain=grain, fiscal_year_start=fiscal)
    wanted = _want_deals(solved, catalog, periods)
    sources = list_sources(created, expected, as_of=as_of)
    for period in [period for period in wanted if not has_goals or _has_no_goal(period, targets)]:
        exists = bring_existing(period, shares, created, as_of=as_of, landings=landings)
        wanted[period] = sum(exists.values()) + bring_rest(period, shares, sources)
    timing = plan_creation(
        wanted,
        shares,
        created,
        expected,
        as_of=as_of,
        most=max([*created.values(), *expected.values(), 0.0]) * rules.timing.best_ever_factor or float("inf"),
        share_useful=rules.timing.share_useful,
        landings=landings,
    )
    summed = summarise_timing(timing, wanted)
    stages = _plan_stages(company, solved, wanted, landings, periods, as_of=as_of, grain=grain, rules=rules)
    grid = lay_out_grid(
        solved, catalog=catalog, as_of=as_of, fiscal_year_start=fiscal, has_goals=has_goals, stages=stages
    )
    return GoalReview(
        matrix=solved,
        plan=solved,
        released=solved.iloc[:0],
        has_goals=has_goals,
        curve=curve,
        history=history,
        outlook=outlook,
        ranks=rank_in_history(solved, cells, as_of=as_of, catalog=catalog),
        timing=timing,
        landing=summed.assign(label=[period.label for period in sorted(wanted)]) if len(summed) else summed,
        stages=stages,
        targets=targets,
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


def _list_ahead(matrix: pd.DataFrame, as_of: date, grain: str, fiscal: int) -> list[Period]:
    starts = pd.to_datetime(matrix.loc[matrix["grain"] == grain, "period_start"]).unique()
    periods = [period_of(pd.Timestamp(start).date(), grain, fiscal) for start in sorted(starts)]
    return [period for period in periods if period.end > as_of]


def _has_no_goal(period: Period, targets: pd.DataFrame) -> bool:
    """Tell whether a period's target is only what history lets one expect, so that nothing can be short of it."""
    mine = targets[targets["period_start"] == pd.Timestamp(period.start)]
    return bool((mine["basis"] == EXPECTED).any())


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


def _plan_stages(
    company,
    matrix: pd.DataFrame,
    wanted: dict[Period, float],
    landings,
    periods: list[Period],
    *,
    as_of: date,
    grain: str,
    rules: GoalRules,
) -> pd.DataFrame:
    """Turn the wins wanted into records of every earlier stage and period."""
    lags = measure_step_lags(company, as_of=as_of, grain=grain)
    expected = take_business(matrix, company.catalog, "expected") if len(matrix) else pd.Series(dtype=float)
    counts: dict[str, dict[Period, float]] = {}
    # Every win comes through the stage before, so that its expectation is the pipe's and not one of its own.
    for stage in (stage for stage in company.catalog.stages.values() if stage.id != "won"):
        for period in periods:
            key = (stage.volume, grain, pd.Timestamp(period.start))
            if stage.volume and key in expected.index and pd.notna(expected[key]):
                counts.setdefault(stage.id, {})[period] = float(expected[key])
    entered = count_entered(lags, grain=grain, fiscal_year_start=company.fiscal_year_start)
    plan = plan_stages(
        wanted,
        lags,
        entered,
        counts,
        as_of=as_of,
        share_useful=rules.timing.share_useful,
        best_ever_factor=rules.timing.best_ever_factor,
        landings=landings,
    )
    return lay_out_stages(plan, company, grain=grain)
