"""Whether a cascade holds together: SMART per goal, owners, links, dates. Sums and load stand in modules beside it."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pandas as pd

from helpers.analyses.cascade_feeds import find_path
from helpers.analyses.cascade_load import check_load
from helpers.analyses.cascade_measure import Ruler
from helpers.analyses.cascade_reach import check_reach
from helpers.analyses.cascade_rows import BAD, CAUTION, GOOD, UNKNOWN, Row, build_rows, list_ancestors, make_row
from helpers.errors import suggest
from helpers.model.cascade import WHOLE, Cascade, CascadeGoal, Tactic
from helpers.units import format_value, in_sentence

EVEN = 0.5
"""A goal reached in fewer than half of the simulated futures is one to look at."""


def check_cascade(cascade: Cascade, ruler: Ruler, *, currency: str = "USD") -> pd.DataFrame:
    """Check a cascade.

    Args:
        cascade: As typed.
        ruler: What goals are measured with.
        currency: ISO code of the company's currency.

    Returns:
        One row per item and check: level, id, title, check (specific, measurable, achievable, relevant, time-bound,
        owner, link, dates, reach, counted twice, cost, load), status (good, caution, bad; none where it can't be told),
        message and cure. Checks of links, dates, load and counting twice have a row only where something is wrong.
    """
    rows: list[Row] = []
    for goal in cascade.goals.values():
        rows += _check_goal(goal, cascade, ruler, currency)
    for tactic in cascade.tactics.values():
        rows += _check_tactic(tactic, cascade, ruler)
    rows += _check_links(cascade)
    rows += check_reach(cascade, ruler, currency=currency)
    rows += check_load(cascade, ruler.rules, fiscal_year_start=ruler.fiscal_year_start)
    return build_rows(rows)


def _check_goal(goal: CascadeGoal, cascade: Cascade, ruler: Ruler, currency: str) -> list[Row]:
    rows = [
        _check_specific(goal, ruler),
        _check_measurable(goal, ruler),
        _check_achievable(goal, ruler, currency),
        _check_relevant(goal, cascade, ruler),
        _check_time(goal, ruler),
        _check_owner(goal, cascade),
        *_check_dates(goal, cascade, ruler),
    ]
    return [row for row in rows if row is not None]


def _check_tactic(tactic: Tactic, cascade: Cascade, ruler: Ruler) -> list[Row]:
    rows = [
        _check_owner(tactic, cascade),
        _check_relevant(tactic, cascade, ruler),
        *_check_dates(tactic, cascade, ruler),
    ]
    if tactic.kpi and _check_specific(tactic, ruler)["status"] == BAD:
        rows.append(_check_specific(tactic, ruler))
    if not tactic.kpi or tactic.amount is None:
        missing = "KPI" if not tactic.kpi else "amount"
        cure = "Say which KPI it moves, and by how much over the period of the goal."
        rows.append(make_row(tactic, "measurable", BAD, f"its expected result has no {missing}", cure))
    if tactic.start is None or tactic.due is None:
        missing = "first day" if tactic.start is None else "due date"
        rows.append(make_row(tactic, "time-bound", BAD, f"it has no {missing}", "Say from when to when it runs."))
    return [row for row in rows if row is not None]


def _check_specific(item: Any, ruler: Ruler) -> Row:
    kpi = ruler.catalog.kpis.get(item.kpi)
    if kpi is None:
        if not item.kpi:
            return make_row(item, "specific", BAD, "no KPI measures it", "Choose the KPI that would show it.")
        hint = suggest(item.kpi, ruler.catalog.kpis)
        return make_row(item, "specific", BAD, f"the KPI '{item.kpi}' is unknown", f"Choose one of the glossary.{hint}")
    if item.dimension == WHOLE:
        return make_row(item, "specific", GOOD, f"{kpi.label} of the whole company", "")
    dimension = ruler.resolve(item.dimension)
    values = ruler.slices.get(dimension)
    if values is None:
        hint = suggest(dimension, [name for name in ruler.slices if name != WHOLE])
        return make_row(item, "specific", BAD, f"the exports hold no '{item.dimension}'", f"Choose another cut.{hint}")
    if item.slice not in values:
        hint = suggest(item.slice, values)
        told = f"no record has {item.dimension} '{item.slice}'"
        return make_row(item, "specific", BAD, told, f"Write it as the exports do.{hint}")
    return make_row(item, "specific", GOOD, f"{kpi.label} of {item.dimension} {item.slice}", "")


def _check_measurable(goal: CascadeGoal, ruler: Ruler) -> Row:
    kpi = ruler.catalog.kpis.get(goal.kpi)
    if kpi is None:
        return make_row(goal, "measurable", BAD, "without a KPI nothing can be measured", "Choose the KPI first.")
    if goal.target is None:
        return make_row(
            goal, "measurable", BAD, "it has no target", f"Say how much {in_sentence(kpi.label)} is wanted."
        )
    past = ruler.past_values(goal.kpi, _start_of(goal, ruler), goal.dimension, goal.slice)
    if not past:
        told = f"{in_sentence(kpi.label)} has no value in any {ruler.grain or 'period'} before it"
        return make_row(goal, "measurable", BAD, told, "Map the fields that it is counted by, or choose another KPI.")
    minimum, period = ruler.catalog.rules.minimum_n, ruler.period(goal.grain, goal.period_start)
    n = max(1, round(ruler.count_periods(period))) if period else 1
    held = ruler.history(goal.kpi, ruler.as_of + timedelta(days=1), n, goal.dimension, goal.slice)
    if held.value is not None and held.n < minimum:
        words = f"{held.periods} {ruler.grain}s rest" if held.periods > 1 else f"{ruler.grain} rests"
        told = f"the last {words} on n {held.n}, fewer than {minimum}"
        return make_row(goal, "measurable", CAUTION, told, "Read it over a longer period, or for a wider slice.")
    return make_row(goal, "measurable", GOOD, f"it has been counted in {len(past)} {ruler.grain}s before", "")


def _start_of(goal: CascadeGoal, ruler: Ruler) -> Any:
    period = ruler.period(goal.grain, goal.period_start)
    return period.start if period else ruler.as_of


def _check_achievable(goal: CascadeGoal, ruler: Ruler, currency: str) -> Row | None:
    period, kpi = ruler.period(goal.grain, goal.period_start), ruler.catalog.kpis.get(goal.kpi)
    if goal.level == "long_term" or period is None or kpi is None or goal.target is None:
        return None
    if kpi.direction == "none":
        return make_row(goal, "achievable", UNKNOWN, "the KPI has no good direction, so nothing is hard to reach", "")
    cell = ruler.find_cell(goal.kpi, period, goal.dimension, goal.slice)
    is_same = (
        cell is not None and pd.notna(cell["goal"]) and abs(cell["goal"] - goal.target) <= 0.005 * abs(goal.target)
    )
    if cell is not None and is_same and pd.notna(cell["probability"]):
        return _judge_probability(goal, float(cell["probability"]), ruler)
    return _judge_past(goal, period, kpi, ruler, currency)


def _judge_probability(goal: CascadeGoal, probability: float, ruler: Ruler) -> Row:
    told = f"{format_value(probability, 'share')} of the simulated futures reach it"
    low = ruler.rules.reach.probability
    if probability >= EVEN:
        return make_row(goal, "achievable", GOOD, told, "")
    status = BAD if probability < low else CAUTION
    return make_row(goal, "achievable", status, told, "Say what will be different, or lower the goal.")


def _judge_past(goal: CascadeGoal, period: Any, kpi: Any, ruler: Ruler, currency: str) -> Row:
    """Hold a goal, per period of the report, to the best that has been."""
    past = ruler.past_values(goal.kpi, ruler.as_of + timedelta(days=1), goal.dimension, goal.slice)
    least = ruler.rules.reach.history_periods
    if len(past) < least:
        told = f"only {len(past)} {ruler.grain or 'period'}s have passed, too few to judge by"
        return make_row(goal, "achievable", UNKNOWN, told, "Look again when there are more.")
    asked = goal.target / ruler.count_periods(period) if ruler.is_additive(kpi) else goal.target
    is_down = kpi.direction == "down"
    best = min(past) if is_down else max(past)
    beaten = sum(value >= asked if not is_down else value <= asked for value in past)
    shown = [
        format_value(value, kpi.unit, currency=currency, digits=0 if kpi.unit == "count" else None)
        for value in (asked, best)
    ]
    a_period = f"{shown[0]} a {ruler.grain}" if ruler.is_additive(kpi) else shown[0]
    if beaten:
        return make_row(goal, "achievable", GOOD, f"{beaten} of {len(past)} {ruler.grain}s reached {a_period}", "")
    told = f"it asks for {a_period}; the best of {len(past)} {ruler.grain}s was {shown[1]}"
    limit = best / (1 + ruler.rules.reach.growth) if is_down else best * (1 + ruler.rules.reach.growth)
    is_far = asked < limit if is_down else asked > limit
    return make_row(
        goal, "achievable", BAD if is_far else CAUTION, told, "Say what will be different, or lower the goal."
    )


def _check_relevant(item: Any, cascade: Cascade, ruler: Ruler) -> Row | None:
    """Tell whether an item's KPI moves that of what it serves; orphans are told by their links."""
    parents = [cascade.goals[id] for id in item.serves if id in cascade.goals]
    if not parents or item.kpi not in ruler.catalog.kpis:
        return None
    label, words = ruler.catalog.kpis[item.kpi].label, []
    for parent in parents:
        if parent.kpi not in ruler.catalog.kpis:
            continue
        name = ruler.catalog.kpis[parent.kpi].label
        own, above = (ruler.resolve(item.dimension), item.slice), (ruler.resolve(parent.dimension), parent.slice)
        if own[0] == above[0] and own[1] != above[1]:
            told = f"it is about {own[0]} {own[1]}, and '{parent.title}' about {above[1]}"
            return make_row(item, "relevant", BAD, told, "Link it to a goal of the same slice, or change its slice.")
        path = find_path(ruler.feeds, item.kpi, parent.kpi)
        if not path:
            told = f"{label} doesn't move {name}, the KPI of '{parent.title}'"
            cure = "Link it to a goal that it moves, or measure it by a KPI further up the funnel of that goal."
            return make_row(item, "relevant", BAD, told, cure)
        way = [in_sentence(ruler.catalog.kpis[kpi].label) for kpi in path[:-1]]
        words.append(f"through {' and '.join(way)} it moves {in_sentence(name)}" if way else "it has the same KPI")
    if not words:
        return None
    return make_row(item, "relevant", GOOD, "; ".join(dict.fromkeys(words)), "")


def _check_time(goal: CascadeGoal, ruler: Ruler) -> Row:
    period = ruler.period(goal.grain, goal.period_start)
    if period is None:
        return make_row(goal, "time-bound", BAD, "it names no period", "Say for which period it is, such as Q4 2026.")
    if goal.due and not period.start <= goal.due <= period.end:
        told = f"it is due on {format_value(goal.due, 'date')}, outside {period.label}"
        return make_row(goal, "time-bound", BAD, told, "Mend the due date, or the period.")
    return make_row(goal, "time-bound", GOOD, f"due by {format_value(goal.due or period.end, 'date')}", "")


def _check_owner(item: Any, cascade: Cascade) -> Row | None:
    if not item.owner:
        return make_row(item, "owner", BAD, "nobody owns it", "Name one person who answers for it.")
    if item.owner not in cascade.people:
        hint = suggest(item.owner, cascade.people)
        return make_row(item, "owner", BAD, f"its owner '{item.owner}' is nobody of the list", f"Add the person.{hint}")
    return make_row(item, "owner", GOOD, f"{cascade.people[item.owner].name} answers for it", "")


def _check_dates(item: Any, cascade: Cascade, ruler: Ruler) -> list[Row]:
    """Tell where an item ends after, or wholly before, the period of the goal that it serves."""
    own = ruler.period(item.grain, item.period_start) if isinstance(item, CascadeGoal) else None
    end = item.due or (own.end if own else None)
    if end is None:
        return []
    rows = []
    for parent in _parents(item, cascade):
        period = ruler.period(parent.grain, parent.period_start)
        if period is None:
            continue
        last = parent.due or period.end
        ends, until = format_value(end, "date"), format_value(last, "date")
        if end > last:
            told = f"it ends on {ends}, after '{parent.title}' is due on {until}"
            rows.append(make_row(item, "dates", BAD, told, "End it earlier, or link it to a later goal."))
        elif end < period.start and parent.level != "long_term" and isinstance(item, CascadeGoal):
            told = f"it ends on {ends}, before {period.label}, the period of '{parent.title}'"
            rows.append(make_row(item, "dates", CAUTION, told, "Move its period, or link it to an earlier goal."))
    return rows


def _parents(item: Any, cascade: Cascade) -> Iterable[CascadeGoal]:
    return [cascade.goals[id] for id in item.serves if id in cascade.goals and id != item.id]


def _check_links(cascade: Cascade) -> list[Row]:
    rows = []
    for tactic in cascade.tactics.values():
        rows += _check_dangling(tactic, cascade)
        if not any(id in cascade.goals for id in tactic.serves):
            rows.append(make_row(tactic, "link", BAD, "it serves no goal", "Link it to a goal, or stop it."))
    worked_for = {target.goal for target in cascade.targets.values()}
    for goal in cascade.goals.values():
        rows += _check_dangling(goal, cascade)
        above = list_ancestors(goal.id, cascade)
        if goal.id in above:
            rows.append(make_row(goal, "link", BAD, "it serves itself, by a ring of links", "Cut the ring."))
        elif goal.level == "department" and not any(cascade.goals[id].level == "company" for id in above):
            cure = "Link it to the company goal that it contributes to, or drop it."
            rows.append(make_row(goal, "link", BAD, "it serves no company goal", cure))
        if not cascade.served_by(goal.id) and goal.id not in worked_for and goal.level != "long_term":
            status = BAD if goal.level == "company" else CAUTION
            rows.append(
                make_row(goal, "link", status, "nobody works on it", "Link a tactic or a goal to it, or drop it.")
            )
        elif goal.level == "long_term" and not cascade.served_by(goal.id):
            rows.append(make_row(goal, "link", CAUTION, "no company goal serves it", "Link a company goal to it."))
    for target in cascade.targets.values():
        if target.goal and target.goal not in cascade.goals:
            hint = suggest(target.goal, cascade.goals)
            rows.append(
                make_row(target, "link", BAD, f"there is no goal '{target.goal}'", f"Name one that exists.{hint}")
            )
        if target.person not in cascade.people:
            hint = suggest(target.person, cascade.people)
            told = f"there is no person '{target.person}'"
            rows.append(make_row(target, "link", BAD, told, f"Add the person.{hint}"))
    return rows


def _check_dangling(item: Any, cascade: Cascade) -> list[Row]:
    rows = []
    for id in item.serves:
        if id not in cascade.goals:
            hint = suggest(id, cascade.goals)
            told = f"it is linked to '{id}', which is no goal"
            rows.append(make_row(item, "link", BAD, told, f"Name the id of a goal.{hint}"))
    return rows
