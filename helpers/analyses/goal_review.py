"""One look at a company's goals: the solved matrix, how likely it is, when its records are due, what to say of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd

from helpers.analyses.close_curve import MEAN, POOLED, get_shares, measure_close_curve
from helpers.analyses.finding import Finding
from helpers.analyses.goal_grid import compare_with_past, lay_out_grid
from helpers.analyses.goal_locks import name_cell
from helpers.analyses.goal_matrix import build_matrix, lock_carry_over, plan_goals
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
from helpers.units import format_value

NOTEBOOK = "04_goal_matrix"
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
    targets = _set_revenue_goal(company.targets, revenue_goal, as_of, fiscal)
    matrix = build_matrix(
        cells,
        targets,
        as_of=as_of,
        grain=grain,
        by=by,
        horizon=horizon or None,
        fiscal_year_start=fiscal,
        catalog=catalog,
        rules=rules,
    )
    curve = measure_close_curve(company, as_of=as_of, grain=grain)
    first = plan_goals(matrix, catalog=catalog, rules=rules)
    locks = lock_carry_over(first.matrix, as_of=as_of, how=carry_over, fiscal_year_start=fiscal)
    plan = first if carry_over == "none" else plan_goals(matrix, locks, catalog=catalog, rules=rules)
    periods = _list_ahead(plan.matrix, as_of, grain, fiscal)
    created = _count_created(curve, grain, fiscal, as_of)
    outlook = simulate_revenue(plan.matrix, curve, created, periods, catalog=catalog, rules=rules)
    solved = add_probability(plan.matrix, outlook, catalog=catalog, rules=rules)
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
    ranks = rank_in_history(solved, cells, as_of=as_of, catalog=catalog)
    landing = summarise_timing(timing, wanted)
    has_goals = bool(matrix["locked"].astype(bool).any()) if len(matrix) else False
    grid = lay_out_grid(solved, catalog=catalog, as_of=as_of, fiscal_year_start=fiscal, has_goals=has_goals)
    past = compare_with_past(grid, solved, cells, catalog=catalog)
    known = (solved, first.matrix, first.released, has_goals, curve, outlook, ranks, timing, landing, periods)
    draft = GoalReview(*known, grid, past, say_curve(curve, company, grain), [], "")
    findings = list_findings(draft, company, as_of=as_of, carry_over=carry_over)
    title = findings[0].headline if findings else "No goal can be derived yet"
    return GoalReview(**{**vars(draft), "findings": findings, "title": title})


def say_curve(curve: pd.DataFrame, company, grain: str) -> str:
    """Say in a sentence how wins spread over the periods after creation; empty without a curve."""
    shares = get_shares(curve, POOLED)
    if shares.empty or shares.sum() <= 0:
        return ""
    what = company.catalog.stages[curve.attrs["from_stage"]].label
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


def list_findings(review: GoalReview, company, *, as_of: date, carry_over: str = "none") -> list[Finding]:
    """Say in words what a leader should know about the goals.

    Returns:
        Findings: the next period's goal and its chance, what it needs that never was, when it is too late, the year so
        far, goals that contradict each other, and that nobody set a goal. Empty where there is no matrix.
    """
    if not review.is_available:
        return []
    found = [
        _say_chance(review, company),
        _say_stretch(review, company),
        _say_too_late(review, company),
        _say_year(review, company, as_of, carry_over),
        *_say_contradictions(review, company),
        None if review.has_goals else _say_no_goals(company),
    ]
    return [finding for finding in found if finding is not None]


def _row(matrix: pd.DataFrame, kpi: str, period: Period) -> Mapping[str, float] | None:
    mine = matrix[
        (matrix["kpi"] == kpi)
        & (matrix["grain"] == period.grain)
        & (pd.to_datetime(matrix["period_start"]) == pd.Timestamp(period.start))
        & (matrix["dimension"] == TOTAL)
    ]
    return None if mine.empty else mine.iloc[0].to_dict()


def _say_chance(review: GoalReview, company) -> Finding | None:
    if not review.periods:
        return None
    period = review.periods[0]
    row = _row(review.matrix, REVENUE, period)
    if row is None:
        return None
    outlook = review.outlook[review.outlook["period_start"] == pd.Timestamp(period.start)]
    expected = float(outlook["expected"].iloc[0]) if len(outlook) else row["expected"]
    money = {name: format_value(row[name], "currency", currency=company.currency) for name in ("goal",)}
    brings = format_value(expected, "currency", currency=company.currency)
    chance = row["probability"]
    if not review.has_goals:
        headline = f"History lets one expect {brings} in {period.label}"
    else:
        ahead = "is likely" if chance >= 0.6 else "is a coin toss" if chance >= 0.4 else "is unlikely"
        headline = (
            f"The {period.label} goal of {money['goal']} {ahead}: the engine brings {brings} as it runs today, "
            f"and {_say_futures(chance)} of 100 simulated futures reach the goal"
        )
    evidence = {"period": period.label, "probability": chance, "definition": "simulated through the close curve"}
    if len(outlook):
        evidence |= {"low": float(outlook["low"].iloc[0]), "high": float(outlook["high"].iloc[0])}
    gap = expected - row["goal"] if review.has_goals else None
    severity = "note" if gap is None else "bad" if chance < 0.5 else "good"
    step = "Agree which KPI is to close the gap, and lock the others." if severity == "bad" else ""
    return Finding(headline, REVENUE, TOTAL, gap, evidence, step, NOTEBOOK, severity)


def _say_futures(chance: float) -> str:
    return "hardly one" if chance < 0.005 else "nearly all" if chance > 0.995 else f"{chance * 100:.0f}"


def _say_stretch(review: GoalReview, company) -> Finding | None:
    """Name what the next period needs that history has never shown."""
    if not review.has_goals or not review.periods:
        return None
    start = pd.Timestamp(review.periods[0].start)
    ranks = review.ranks[(pd.to_datetime(review.ranks["period_start"]) == start) & (review.ranks["periods"] >= 4)]
    never = ranks[(ranks["goal"] > ranks["best_ever"] * (1 + 1e-9)) & (ranks["kpi"] != REVENUE)]
    if never.empty:
        return None
    worst = never.assign(ratio=never["goal"] / never["best_ever"]).sort_values("ratio").iloc[-1]
    kpi = company.catalog.kpis[worst["kpi"]]
    digits = 0 if kpi.unit == "count" else None
    needed, best = (
        format_value(worst[name], kpi.unit, currency=company.currency, digits=digits) for name in ("goal", "best_ever")
    )
    label = kpi.label[0].lower() + kpi.label[1:] if kpi.label[1:2].islower() else kpi.label
    what = f"{needed} {label}" if kpi.unit == "count" else f"{label} of {needed}"
    more = f", and {len(never) - 1} more KPIs in the same way" if len(never) > 1 else ""
    period = review.periods[0]
    seen = f"{int(worst['periods'])} {period.grain}s"
    headline = f"{period.label} needs {what}; the best of {seen} was {best}{more}"
    evidence = {"n": int(worst["periods"]), "period": review.periods[0].label, "kpis": never["kpi"].tolist()}
    step = f"Say what will be different about {label}, or lower the goal."
    return Finding(headline, kpi.id, TOTAL, None, evidence, step, NOTEBOOK, "bad")


def _say_too_late(review: GoalReview, company) -> Finding | None:
    if review.landing.empty or not review.has_goals:
        return None
    row = review.landing.iloc[0]
    stage = company.catalog.stages[review.curve.attrs["from_stage"]]
    period, what = review.periods[0], stage.label.lower()
    exists = row["exists"] / row["wanted"] if row["wanted"] > 0 else float("nan")
    day = format_value(pd.Timestamp(row["too_late_since"]).date(), "date")
    headline = (
        f"{format_value(exists, 'share')} of the deals that {period.label} needs can come from {what} that exist; "
        f"those created after {day} mostly close later"
    )
    evidence = {
        "period": period.label,
        "wanted": float(row["wanted"]),
        "exists": float(row["exists"]),
        "shortfall": float(row["shortfall"]),
        "too_late_since": day,
        "definition": "wins by age since creation, pooled over the cohorts that have lived through the age",
    }
    step = f"Work the existing {what} for {period.label}; build {what} for the period after."
    return Finding(headline, DEALS, TOTAL, None, evidence, step, NOTEBOOK, "note")


def _say_year(review: GoalReview, company, as_of: date, carry_over: str) -> Finding | None:
    year = period_of((pd.Timestamp(as_of) + pd.Timedelta(days=1)).date(), "year", company.fiscal_year_start)
    plan = review.plan
    starts = pd.to_datetime(plan["period_start"])
    mine = plan[
        (plan["kpi"] == REVENUE)
        & (plan["dimension"] == TOTAL)
        & (plan["grain"] != "year")
        & starts.between(pd.Timestamp(year.start), pd.Timestamp(year.end))
        & plan["actual"].notna()
    ]
    if mine.empty or not review.has_goals:
        return None
    gap = float(mine["actual"].sum() - mine["goal"].sum())
    amount = format_value(abs(gap), "currency", currency=company.currency)
    way = "ahead of" if gap >= 0 else "behind"
    then = {"none": "is not carried over", "next": "goes to the next one", "spread": "is spread over what is left"}
    tail = "" if gap >= 0 else f"; the miss {then[carry_over]}"
    grain = mine["grain"].iloc[0]
    after = f"{len(mine)} {grain}s" if len(mine) != 1 else f"one {grain}"
    headline = f"{year.label} is {amount} {way} its plan after {after}{tail}"
    evidence = {"period": year.label, "n": len(mine), "definition": "closed revenue minus its goals"}
    return Finding(headline, REVENUE, TOTAL, gap, evidence, "", NOTEBOOK, "bad" if gap < 0 else "good")


def _say_contradictions(review: GoalReview, company) -> list[Finding]:
    return [
        Finding(
            f"The goal for {name_cell(row)} contradicts weightier goals and was set aside",
            row["kpi"],
            TOTAL if row["dimension"] == TOTAL else f"{row['dimension']}={row['slice']}",
            None,
            {"goal": row["goal"]},
            "Change it, or one of those it contradicts, in the goals.",
            NOTEBOOK,
            "bad",
        )
        for row in review.released.to_dict("records")
    ]


def _say_no_goals(company) -> Finding:
    return Finding(
        "Nobody has set a goal yet: what is shown is what history lets one expect",
        REVENUE,
        TOTAL,
        None,
        {},
        "Set revenue_goal, or type goals into the company's answers.",
        NOTEBOOK,
        "note",
    )
