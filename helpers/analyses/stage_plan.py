"""From wins wanted back to every earlier stage: how many records each period has to bring, and what is too late.

Only what a goal asks beyond expectation is passed on to the stage before, so that records which come another way, such
as opportunities without a lead, stay as they are expected.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd

from helpers.analyses.close_curve import find_deadline
from helpers.analyses.goal_timing import (
    EXISTS,
    OPEN,
    TOO_LATE,
    Landings,
    Source,
    bring_existing,
    bring_rest,
    count_age,
    list_sources,
    raise_creation,
)
from helpers.analyses.step_lags import chain_steps, get_step_shares
from helpers.errors import QuestionError
from helpers.periods import Period, period_of
from helpers.units import format_value, in_sentence

STAGE_PLAN_COLUMNS = [
    "stage", "creation_period", "landing_period", "status", "exists", "expected", "needed", "reachable",
    "share", "too_late_since",
]  # fmt: skip
"""One row per stage and period in which its records are created."""

LEAST_SHORT = 1e-3
"""A shortfall below this part of what is wanted is the solver's, not the plan's."""

Counts = Mapping[str, Mapping[Period, float]]


@dataclass
class _Step:
    """One stage on the way back: its lag to the next one, what it has brought, can bring and would have to bring."""

    stage: str
    shares: list[float]
    way: list[float]
    created: Mapping[Period, float]
    sources: dict[Period, Source]
    most: float = float("inf")
    needed: dict[Period, float] = field(default_factory=dict)
    reachable: dict[Period, float] = field(default_factory=dict)
    otherwise: dict[Period, float] = field(default_factory=dict)


def plan_stages(
    wanted: Mapping[Period, float],
    lags: pd.DataFrame,
    created: Counts,
    expected: Counts,
    *,
    as_of: date,
    to_stage: str = "won",
    share_useful: float = 0.5,
    best_ever_factor: float = 1.0,
    landings: Landings | None = None,
) -> pd.DataFrame:
    """Turn wins wanted into records needed of every earlier stage and period.

    Args:
        wanted: Period → wins that its goal needs, the running period and those ahead.
        lags: As made by ``measure_step_lags``; the pooled lags of the whole company count.
        created: Stage id → period → records that entered it by ``as_of``, the running period's so far too; see
            ``step_lags.count_entered``.
        expected: Stage id → period → records that the running period (as a whole) and those ahead bring anyway.
        as_of: The last day that counts.
        to_stage: The stage that is wanted.
        share_useful: A record comes too late once less than this share of its eventual wins can land.
        best_ever_factor: No period of a stage is asked for more than this × the best one, seen or expected; what that
            leaves short is asked of periods that are over, within the same limit, as too late. Infinity sets no limit.
        landings: As in ``plan_creation``, for the last step.

    Returns:
        One row per stage and creation period, the earliest stage first: ``landing_period`` (the wanted period in which
        most of its records win), ``exists`` (records created by ``as_of``; 0 ahead), ``expected`` (what comes anyway;
        missing for what is over), ``needed`` (what the goals of all periods together ask for, what exists included),
        ``reachable`` (of it, what the stages before still allow), ``share`` (of its records won
        in the landing period, 0–1; 1 for ``to_stage``), ``too_late_since`` (the last day of the period on
        which a record still lands more than ``share_useful`` of its eventual wins by the end of the landing period;
        for ``to_stage`` the same of the stage before it), ``status``: ``exists`` (nothing is missing), ``open`` (to be
        created) or ``too late`` (missing, and that day is over). Nothing wanted, or no lag to ``to_stage``, gives no
        rows.

    Raises:
        QuestionError: Two steps lead to one stage, so that it can't be told which way records come.

    Source:
        Kellogg, inverted funnel, parts II and III. What is needed beyond expectation e passes from stage to stage:
        ``needed(q) − e(q) = Σ_k (needed_before(q − k) − e_before(q − k)) × lag(k)``, by least relative change.
    """
    steps = _lay_way(lags, to_stage, created, expected, as_of, best_ever_factor)
    if not wanted or not steps:
        return pd.DataFrame(columns=STAGE_PLAN_COLUMNS)
    last = _Step(to_stage, [], steps[0].way, created.get(to_stage, {}), {}, needed=dict(wanted))
    after = last
    for step in steps:
        pipe = landings if after is last else None
        _ask_for(step, after, expected.get(after.stage, {}), expected.get(step.stage, {}), as_of, pipe)
        after = step
    for step, after in reversed(list(zip(steps, [last, *steps[:-1]], strict=True))):
        _pass_on(step, after, as_of, landings if after is last else None)
    rows = []
    for step in [*reversed(steps), last]:
        for period in sorted(step.needed):
            rows.append(_write_row(step, period, wanted, expected.get(step.stage, {}), as_of, share_useful))
    return pd.DataFrame(rows, columns=STAGE_PLAN_COLUMNS)


def _lay_way(
    lags: pd.DataFrame, to_stage: str, created: Counts, expected: Counts, as_of: date, factor: float
) -> list[_Step]:
    """List the steps from the wanted stage back to the earliest one that a measured lag leads from."""
    steps, stage, way = [], to_stage, [1.0]
    while True:
        before = lags.loc[lags["to_stage"] == stage, "from_stage"].unique().tolist() if len(lags) else []
        if len(before) > 1:
            raise QuestionError(
                f"step lags: both '{before[0]}' and '{before[1]}' lead to '{stage}'. "
                f"Keep one step to each stage: measure_step_lags(…, steps=[…])."
            )
        shares = get_step_shares(lags, before[0], stage) if before else []
        if not shares or sum(shares) <= 0:
            return steps
        stage, way = before[0], chain_steps(shares, way)
        past, ahead = created.get(stage, {}), expected.get(stage, {})
        most = max([*past.values(), *ahead.values(), 0.0]) * factor or float("inf")
        steps.append(_Step(stage, shares, way, past, list_sources(past, ahead, as_of=as_of, most=most), most))


def _ask_for(
    step: _Step,
    after: _Step,
    expected_after: Mapping[Period, float],
    expected: Mapping[Period, float],
    as_of: date,
    landings: Landings | None,
) -> None:
    """Fill in what the stage after needs of this one: first of periods that can still bring it, then of past ones."""
    goals = {period: number for period, number in after.needed.items() if period.end > as_of}
    short = {}
    for landing, number in goals.items():
        exists = bring_existing(landing, step.shares, step.created, as_of=as_of, landings=landings)
        comes = sum(exists.values()) + bring_rest(landing, step.shares, step.sources, {})
        step.otherwise[landing] = expected_after[landing] - comes if landing in expected_after else 0.0
        short[landing] = number - sum(exists.values()) - step.otherwise[landing]
    factors = raise_creation(short, step.sources, step.shares, scale=goals)
    reach = [(landing, age) for landing in goals for age in range(len(step.shares)) if step.shares[age] > 0]
    reached = {landing.previous(age) for landing, age in reach}
    for period, source in step.sources.items():
        if period in reached:
            step.needed[period] = source.created + source.rest * factors.get(period, 1.0)
    missing = {landing: short[landing] - bring_rest(landing, step.shares, step.sources, factors) for landing in goals}
    missing = {landing: n if n > LEAST_SHORT * abs(goals[landing]) else 0.0 for landing, n in missing.items()}
    past = {
        period: _look_back(step, period, float(np.mean([*expected.values()])) if expected else 0.0)
        for period in sorted(reached)
        if period.end <= as_of and period in step.created
    }
    on_top = {
        landing: n + sum(past[p].rest * share for p, share in _list_past(landing, step.shares, past)) if n else 0.0
        for landing, n in missing.items()
    }
    raised = raise_creation(on_top, past, step.shares, scale=goals) if any(missing.values()) else {}
    for period, source in past.items():
        step.needed[period] = step.created[period] + source.rest * (raised.get(period, 1.0) - 1)


def _look_back(step: _Step, period: Period, usual: float) -> Source:
    """Take a period that is over as if it could still be raised, up to the best one ever."""
    created = float(step.created[period])
    base = created or usual
    top = max(1 + (step.most - created) / base, 1.0) if base > 0 else 1.0
    return Source(period, created, base, 0.0, top)


def _list_past(landing: Period, shares: list[float], past: Mapping[Period, Source]) -> list[tuple[Period, float]]:
    pairs = ((landing.previous(age), share) for age, share in enumerate(shares))
    return [(period, share) for period, share in pairs if period in past]


def _pass_on(step: _Step, after: _Step, as_of: date, landings: Landings | None) -> None:
    """Fill in what the stage after can reach, once past periods stay as they are."""
    allowed = {}
    for period, source in step.sources.items():
        if source.rest > 0 and period in step.needed:
            number = step.reachable.get(period, step.needed[period])
            allowed[period] = max(number - source.created, 0.0) / source.rest
    for landing in (period for period in after.needed if period.end > as_of):
        exists = bring_existing(landing, step.shares, step.created, as_of=as_of, landings=landings)
        number = (
            sum(exists.values()) + bring_rest(landing, step.shares, step.sources, allowed) + step.otherwise[landing]
        )
        needed = after.needed[landing]
        number = needed if number > needed * (1 - LEAST_SHORT) else number
        after.reachable[landing] = max(number, float(after.created.get(landing, 0.0)))


def _write_row(
    step: _Step,
    period: Period,
    wanted: Mapping[Period, float],
    expected: Mapping[Period, float],
    as_of: date,
    share_useful: float,
) -> dict[str, object]:
    landing, day = period, None
    if step.shares:
        ages = {goal: count_age(period, goal) for goal in sorted(wanted)}
        landing = max(ages, key=lambda goal: step.way[ages[goal]] if 0 <= ages[goal] < len(step.way) else -1.0)
    useful = find_deadline(landing, step.way, share=share_useful)
    if useful is not None:
        day = min(useful, period.end) if step.shares else useful
    is_over = period.end <= as_of
    exists = float(step.created.get(period, 0.0))
    needed = float(step.needed[period])
    reachable = exists if is_over and step.shares else float(step.reachable.get(period, needed))
    is_missing = needed > exists + LEAST_SHORT * max(needed, 1.0)
    is_late = day is not None and as_of >= day
    return {
        "stage": step.stage,
        "creation_period": pd.Timestamp(period.start),
        "landing_period": pd.Timestamp(landing.start),
        "status": EXISTS if not is_missing else TOO_LATE if is_late else OPEN,
        "exists": exists,
        "expected": np.nan if is_over else float(expected.get(period, np.nan)),
        "needed": needed,
        "reachable": reachable,
        "share": step.way[count_age(period, landing)] if step.shares else 1.0,
        "too_late_since": pd.NaT if day is None else pd.Timestamp(day),
    }


def lay_out_stages(plan: pd.DataFrame, company, *, grain: str = "quarter", to_stage: str = "won") -> pd.DataFrame:
    """Name the cells of a stage plan, for a picture.

    Args:
        plan: As made by ``plan_stages``.
        company: The opened company; it names the stages and its fiscal year the periods.
        grain: The length of a period.
        to_stage: The stage that is wanted.

    Returns:
        The plan's rows and columns with ``label`` (the stage's), ``period`` (the creation period's), ``row`` and
        ``column`` (places down the funnel and along time, from 0) and ``is_goal`` (a cell of ``to_stage``).
    """
    stages, starts = plan["stage"].unique().tolist(), sorted(plan["creation_period"].unique())
    names = {start: _name(start, grain, company.fiscal_year_start) for start in starts}
    return plan.assign(
        label=[company.catalog.stages[stage].label for stage in plan["stage"]],
        period=[names[start] for start in plan["creation_period"]],
        row=[stages.index(stage) for stage in plan["stage"]],
        column=[starts.index(start) for start in plan["creation_period"]],
        is_goal=plan["stage"] == to_stage,
    )


def say_stages(laid: pd.DataFrame) -> str:
    """Say in a sentence what the first goal in danger misses, else which stage has to beat expectation most.

    Args:
        laid: As made by ``lay_out_stages``.

    Returns:
        The sentence; empty without cells.
    """
    short = laid[laid["is_goal"] & (laid["reachable"] < laid["needed"] * 0.995)].sort_values("creation_period")
    if len(short):
        goal = short.iloc[0]
        wins, needed = _count(goal["reachable"]), _count(goal["needed"])
        said = f"{goal['period']} can reach {wins} of the {needed} {in_sentence(goal['label'])} wanted"
        late = laid[
            (laid["status"] == TOO_LATE) & (laid["landing_period"] == goal["landing_period"]) & ~laid["is_goal"]
        ]
        if late.empty:
            return said
        worst = late.loc[((late["needed"] - late["exists"]) * late["share"]).idxmax()]
        missing, stage = _count(worst["needed"] - worst["exists"]), in_sentence(worst["label"])
        day = format_value(pd.Timestamp(worst["too_late_since"]).date(), "date")
        return f"{said}; since {day} it is too late for the {missing} {stage} that {worst['period']} lacks"
    ahead = laid[(laid["status"] == OPEN) & ~laid["is_goal"] & (laid["expected"] > 0)]
    if ahead.empty:
        return ""
    ahead = ahead.assign(factor=-(ahead["needed"] / ahead["expected"]).round(3))
    most = ahead.sort_values(["factor", "too_late_since"], kind="stable").iloc[0]
    needed, expected, stage = _count(most["needed"]), _count(most["expected"]), in_sentence(most["label"])
    if most["needed"] <= most["expected"] * 1.005:
        return "What is expected of every stage suffices for the goals"
    day = format_value(pd.Timestamp(most["too_late_since"]).date(), "date")
    return f"{most['period']} needs {needed} {stage} by {day}, where {expected} are expected"


def _name(start: pd.Timestamp, grain: str, fiscal_year_start: int) -> str:
    return period_of(pd.Timestamp(start).date(), grain, fiscal_year_start).label


def _count(number: float) -> str:
    return format_value(round(float(number)), "count")
