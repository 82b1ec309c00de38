"""Whether tactics together reach the goal they serve, whether a result is counted twice, and what it costs."""

from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from helpers.analyses.cascade_measure import Ruler
from helpers.analyses.cascade_rows import BAD, CAUTION, GOOD, UNKNOWN, Row, list_ancestors, make_row
from helpers.model.cascade import WHOLE, Cascade, CascadeGoal, Tactic
from helpers.periods import Period
from helpers.units import format_value, in_sentence

REVENUE = "revenue_won"
STOPPED = "stopped"


@dataclass(frozen=True)
class Reach:
    """What a goal needs beyond what comes by itself, and what the tactics for it promise.

    Attributes:
        target: What is to be reached.
        baseline: What comes without any tactic; None where history doesn't tell.
        baseline_from: Where the baseline comes from.
        promised: What tactics promise, in the unit of the goal's KPI.
        tactics: Tactic's id → what it promises of that; None where it can't be worked out.
        ways: Tactic's id → how its result was turned into the goal's KPI; empty where it is the same KPI.
    """

    target: float
    baseline: float | None
    baseline_from: str
    promised: float
    tactics: dict[str, float | None] = field(default_factory=dict)
    ways: dict[str, str] = field(default_factory=dict)

    @property
    def gap(self) -> float | None:
        """What tactics have to bring: target minus baseline."""
        return None if self.baseline is None else self.target - self.baseline


def measure_reach(goal: CascadeGoal, cascade: Cascade, ruler: Ruler) -> Reach | None:
    """Work out what tactics promise a goal, those of the goals below it included, each counted once.

    Returns:
        The reach; None where the goal has no KPI, target or period to reach.
    """
    period = ruler.period(goal.grain, goal.period_start)
    if period is None or goal.target is None or goal.kpi not in ruler.catalog.kpis:
        return None
    baseline, told = goal.baseline, "as typed"
    if baseline is None:
        baseline, told = ruler.expect(goal.kpi, period, goal.dimension, goal.slice)
    tactics: dict[str, float | None] = {}
    ways: dict[str, str] = {}
    for tactic in cascade.tactics.values():
        if tactic.state == STOPPED or goal.id not in list_ancestors(tactic.id, cascade):
            continue
        if tactic.amount is None or tactic.kpi not in ruler.catalog.kpis:
            tactics[tactic.id] = None
            continue
        own = _period_of_goal(tactic, cascade, ruler) or period
        shorter = min(period, own, key=lambda one: one.days)
        within = (tactic.dimension, tactic.slice)
        tactics[tactic.id], ways[tactic.id] = ruler.convert(
            tactic.amount, tactic.kpi, goal.kpi, period=shorter, within=within
        )
    promised = sum(amount for amount in tactics.values() if amount is not None)
    return Reach(goal.target, baseline, told, promised, tactics, ways)


def check_reach(cascade: Cascade, ruler: Ruler, *, currency: str = "USD") -> list[Row]:
    """Check sums, double counting and cost of a cascade's tactics."""
    rows = [_check_sum(goal, cascade, ruler, currency) for goal in cascade.goals.values() if goal.level != "long_term"]
    rows += [_check_parts(goal, cascade, ruler, currency) for goal in cascade.goals.values()]
    for tactic in cascade.tactics.values():
        rows.append(_check_twice(tactic, cascade, ruler))
        rows.append(_check_cost(tactic, cascade, ruler, currency))
    return [row for row in rows if row is not None]


def _check_sum(goal: CascadeGoal, cascade: Cascade, ruler: Ruler, currency: str) -> Row | None:
    reach = measure_reach(goal, cascade, ruler)
    if reach is None or not reach.tactics:
        return None
    kpi = ruler.catalog.kpis[goal.kpi]

    def say(value: float) -> str:
        digits = 0 if kpi.unit == "count" else None
        return format_value(abs(value), kpi.unit, currency=currency, digits=digits)

    def say_change(value: float) -> str:
        return f"{value * 100:.1f} points" if kpi.unit == "share" else say(value)

    if reach.gap is None:
        told = f"what comes without tactics isn't known: {reach.baseline_from}"
        return make_row(goal, "reach", UNKNOWN, told, "Type a baseline, or wait for a whole period.")
    sign = -1.0 if kpi.direction == "down" else 1.0
    need, promised = sign * reach.gap, sign * reach.promised
    unknown = [cascade.tactics[id].title for id, amount in reach.tactics.items() if amount is None]
    base = f"without them {say(reach.baseline or 0)} ({reach.baseline_from})"
    aside = f"; not counted: {', '.join(unknown)}" if unknown else ""
    if need <= 0:
        return make_row(goal, "reach", GOOD, f"{base}, and the target is {say(reach.target)}", "")
    n = f"{len(reach.tactics)} tactics together promise" if len(reach.tactics) > 1 else "its one tactic promises"
    told = f"{n} {say_change(promised)} of the {say_change(need)} needed; {base}{aside}"
    if promised >= need * (1 - ruler.rules.reach.shortfall):
        much = promised > need * (1 + ruler.rules.reach.surplus) + 1e-9
        cure = "Ask whether each result is its own, and whether all of them are needed." if much else ""
        return make_row(goal, "reach", CAUTION if much else GOOD, told, cure)
    if unknown:
        return make_row(goal, "reach", CAUTION, told, "Say what each tactic adds to which KPI.")
    return make_row(
        goal, "reach", BAD, told, f"Add what brings the missing {say_change(need - promised)}, or lower the goal."
    )


def _check_parts(goal: CascadeGoal, cascade: Cascade, ruler: Ruler, currency: str) -> Row | None:
    """Tell where goals of the same KPI and period, split by one partition, add up to less than the goal above them."""
    kpi = ruler.catalog.kpis.get(goal.kpi)
    if kpi is None or goal.target is None or not ruler.is_additive(kpi) or goal.dimension != WHOLE:
        return None
    parts = [
        part
        for part in cascade.goals.values()
        if goal.id in part.serves
        and part.kpi == goal.kpi
        and (part.grain, part.period_start) == (goal.grain, goal.period_start)
        and part.dimension != WHOLE
        and part.target is not None
    ]
    by = {ruler.resolve(part.dimension) for part in parts}
    if len(by) != 1 or len({part.slice for part in parts}) < len(parts):
        return None
    values = ruler.slices.get(next(iter(by)), frozenset())
    total = sum(part.target or 0 for part in parts)
    is_whole = {part.slice for part in parts} >= {value for value in values if value != "(blank)"}
    if total >= goal.target * (1 - ruler.rules.reach.shortfall) or not is_whole:
        return None
    said = [format_value(value, kpi.unit, currency=currency) for value in (total, goal.target)]
    told = f"the goals of its slices add up to {said[0]} of {said[1]} {in_sentence(kpi.label)}"
    return make_row(goal, "reach", BAD, told, "Raise one of them, or lower the goal.")


def _check_twice(tactic: Tactic, cascade: Cascade, ruler: Ruler) -> Row | None:
    """Tell where one result is counted for two goals that add up to one thing, or for a goal and the goal above it."""
    goals = [cascade.goals[id] for id in tactic.serves if id in cascade.goals]
    if tactic.state == STOPPED:
        return None
    for one, other in combinations(goals, 2):
        above_one, above_other = list_ancestors(one.id, cascade), list_ancestors(other.id, cascade)
        if other.id in above_one or one.id in above_other:
            lower, upper = (one, other) if other.id in above_one else (other, one)
            told = f"its result reaches '{upper.title}' through '{lower.title}' and is linked to it directly, too"
            return make_row(tactic, "counted twice", CAUTION, told, f"Link it to '{lower.title}' only.")
        same = one.kpi == other.kpi and (one.grain, one.period_start) == (other.grain, other.period_start)
        is_apart = ruler.resolve(one.dimension) == ruler.resolve(other.dimension) and one.slice != other.slice
        if not is_apart and (same or above_one & above_other):
            told = f"its result is counted for '{one.title}' and for '{other.title}'"
            return make_row(
                tactic, "counted twice", BAD, told, "Link it to one of them, or split it in two with a part each."
            )
    return None


def _check_cost(tactic: Tactic, cascade: Cascade, ruler: Ruler, currency: str) -> Row | None:
    """Set a tactic's cost beside what its result is worth in closed revenue, where the funnel tells that."""
    if tactic.state == STOPPED or tactic.amount is None or tactic.kpi not in ruler.catalog.kpis:
        return None
    if tactic.cost is None:
        return make_row(
            tactic, "cost", UNKNOWN, "nobody has said what it costs", "Type its cost, 0 where there is none."
        )
    worth, _ = _value_in_revenue(tactic, cascade, ruler)
    cost = format_value(tactic.cost, "currency", currency=currency)
    if worth is None:
        return make_row(tactic, "cost", UNKNOWN, f"it costs {cost}; what it brings can't be told in money", "")
    brings = format_value(worth, "currency", currency=currency)
    told = f"it costs {cost} for about {brings} of closed revenue"
    if worth < tactic.cost:
        return make_row(tactic, "cost", BAD, told, "Make it cheaper, expect more of it, or leave it.")
    return make_row(tactic, "cost", GOOD, told, "")


def _value_in_revenue(tactic: Tactic, cascade: Cascade, ruler: Ruler) -> tuple[float | None, str]:
    period = _period_of_goal(tactic, cascade, ruler)
    if period is None or REVENUE not in ruler.catalog.kpis or tactic.amount is None:
        return None, ""
    return ruler.convert(tactic.amount, tactic.kpi, REVENUE, period=period, within=(tactic.dimension, tactic.slice))


def _period_of_goal(tactic: Tactic, cascade: Cascade, ruler: Ruler) -> Period | None:
    goals: list[Any] = [cascade.goals[id] for id in tactic.serves if id in cascade.goals]
    periods = [ruler.period(goal.grain, goal.period_start) for goal in goals]
    return next((period for period in periods if period), None)
