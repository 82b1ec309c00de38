"""Planning with the goal matrix: the reverse funnel, typed goals that contradict each other, a miss carried over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from helpers.analyses.goal_locks import FREE, LOCKED, find_set
from helpers.analyses.goal_relations import KEYS, TOTAL, name_key
from helpers.analyses.goal_session import prepare_matrix
from helpers.analyses.goal_trial import Clash, price_releases, try_goals
from helpers.errors import ParameterError, QuestionError, suggest
from helpers.model.catalog import Catalog
from helpers.model.goal import GoalRules
from helpers.periods import period_of

CARRY_OVER = ("none", "next", "spread")
"""What happens to a miss: nothing, all of it to the next period, or spread over the rest of the year."""


REVENUE = "revenue_won"


@dataclass(frozen=True)
class GoalPlan:
    """A solved matrix and what had to give way.

    Attributes:
        matrix: Every cell with its goal.
        released: The goals that people typed and that wait, one row per cell.
        clashes: What they contradict, the first few of them.
        releases: Per clash what else could be released, as ``price_releases`` ranks it.
    """

    matrix: pd.DataFrame
    released: pd.DataFrame
    clashes: tuple[Clash, ...] = ()
    releases: tuple[pd.DataFrame, ...] = ()


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


def plan_goals(
    matrix: pd.DataFrame,
    locks: pd.DataFrame | None = None,
    *,
    past: pd.DataFrame | None = None,
    as_of: date | None = None,
    fiscal_year_start: int = 1,
    catalog: Catalog | None = None,
    rules: GoalRules | None = None,
) -> GoalPlan:
    """Solve a matrix with as many of its typed goals as can hold together.

    Args:
        matrix: As made by ``build_matrix``.
        locks: The cells to hold, in the order in which they were set; by default those that the matrix itself marks.
        past: Cells that are held at what came, as made by ``list_past``, without being anybody's goal.
        as_of: The last day that counts: goals of periods that were over by then can't be released any more.
        fiscal_year_start: The month (1–12) in which the fiscal year begins.
        catalog: The company's definitions.
        rules: What ``goals.toml`` says.

    Returns:
        The solved matrix, and the goals that wait, by the one rule of ``try_goals``.
    """
    if matrix.empty:
        return GoalPlan(matrix.copy(), matrix.iloc[:0])
    prepared = prepare_matrix(matrix, catalog=catalog, rules=rules)
    held = sort_as_set(matrix[find_set(matrix)], matrix) if locks is None else locks
    if "state" not in held.columns:
        held = held.assign(state=LOCKED)
    came = held.iloc[:0] if past is None else past.assign(state=LOCKED)
    wanted = pd.concat([came, held], ignore_index=True) if len(came) else held.reset_index(drop=True)
    trial = try_goals(prepared, wanted, came=set(came[KEYS].itertuples(index=False, name=None)))
    waits = [key in trial.held_back for key in wanted[KEYS].itertuples(index=False, name=None)]

    def may_go(key: tuple) -> bool:
        is_past = as_of is not None and period_of(key[2].date(), key[1], fiscal_year_start).end <= as_of
        return not is_past

    releases = tuple(price_releases(prepared, clash, may_go=may_go) for clash in trial.clashes)
    solved = _unmark(trial.matrix, past)
    return GoalPlan(solved, wanted[waits].reset_index(drop=True), trial.clashes, releases)


def sort_as_set(locks: pd.DataFrame, matrix: pd.DataFrame) -> pd.DataFrame:
    """Sort cells as people set them, which ``matrix.attrs["set_order"]`` tells; others stay behind, as they were."""
    known = {tuple(key): at for at, key in enumerate(matrix.attrs.get("set_order", ()))}
    places = [known.get(name_key(row), len(known)) for row in locks[KEYS].itertuples(index=False, name=None)]
    return locks.iloc[np.argsort(np.array(places, dtype=int), kind="stable")]


def list_past(matrix: pd.DataFrame, *, as_of: date, fiscal_year_start: int = 1) -> pd.DataFrame:
    """List what came of the company's revenue in periods that are over and for which nobody set a goal.

    A goal for the year has then to be met by what is left of it: no past makes up for a plan that nobody had.

    Args:
        matrix: As made by ``build_matrix``.
        as_of: The last day that counts.
        fiscal_year_start: The month (1–12) in which the fiscal year begins.

    Returns:
        One row per such cell with the columns of ``matrix``; ``goal`` is the actual, ``state`` locked. Empty where
        nobody set any goal.
    """
    is_set = find_set(matrix)
    if not is_set.any():
        return matrix.iloc[:0]
    set_for = set(matrix.loc[is_set & (matrix["kpi"] == REVENUE), ["grain", "period_start"]].itertuples(index=False))
    mine = matrix[
        (matrix["kpi"] == REVENUE)
        & (matrix["dimension"] == TOTAL)
        & (matrix["grain"] != "year")
        & (matrix["actual"] > 0)
        & np.array(
            [key not in set_for for key in matrix[["grain", "period_start"]].itertuples(index=False)], dtype=bool
        )
    ]
    ends = [
        period_of(pd.Timestamp(start).date(), grain, fiscal_year_start).end
        for start, grain in zip(mine["period_start"], mine["grain"], strict=True)
    ]
    mine = mine[np.array([end <= as_of for end in ends], dtype=bool)]
    return mine.assign(goal=mine["actual"], locked=True, **({"state": LOCKED} if "state" in mine.columns else {}))


def _unmark(solved: pd.DataFrame, past: pd.DataFrame | None) -> pd.DataFrame:
    """Take back that cells are locked which only hold what came."""
    if past is None or past.empty:
        return solved
    held = pd.MultiIndex.from_frame(past[KEYS])
    mine = pd.MultiIndex.from_frame(solved[KEYS]).isin(held)
    solved.loc[mine, "locked"] = False
    if "state" in solved.columns:
        solved.loc[mine, "state"] = FREE
    return solved


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
    locks = plan[find_set(plan)]
    year = period_of(as_of + timedelta(days=1), "year", fiscal_year_start)
    starts = pd.to_datetime(plan["period_start"])
    inside = (starts >= pd.Timestamp(year.start)) & (starts <= pd.Timestamp(year.end)) & (plan["grain"] != "year")
    revenue = plan[inside & (plan["kpi"] == REVENUE) & (plan["dimension"] == TOTAL)].sort_values("period_start")
    done = revenue["actual"].notna()
    goals = carry_over_miss(revenue["goal"].tolist(), revenue.loc[done, "actual"].tolist(), how=how)
    if how == "none" or not done.any() or done.all():
        return sort_as_set(locks, plan)
    held = np.where(done, revenue["actual"], goals)
    gives_way = (inside & (plan["kpi"] == REVENUE)).reindex(locks.index)
    of_year = (locks["grain"] == "year") & (pd.to_datetime(locks["period_start"]) == pd.Timestamp(year.start))
    kept = sort_as_set(locks[~gives_way & ~of_year], plan)
    return pd.concat([revenue.assign(goal=held), kept], ignore_index=True)
