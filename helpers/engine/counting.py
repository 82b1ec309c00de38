"""KPIs that are counted from events: volumes, sums, conversions, outcomes, sizes and times.

A plan says for one measure and basis what is needed of the records, and how cells are made of the answers. Plans look
at what the records hold, never at the records, so that they are the same wherever these lie.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from helpers.engine.aggregates import Aggregate, Durations, Event, Histogram, Need, Spread, Step
from helpers.engine.doubt import (
    grouped_quantile,
    mean_interval,
    positive_mean_interval,
    share_of_sums_interval,
    wilson_interval,
)
from helpers.engine.journeys import LOST_STAGE
from helpers.engine.slicing import Question, freeze_where
from helpers.model.kpi import Duration

QUANTILES = {"median": 0.5, "p90": 0.9}

Answers = Mapping[Need, "np.ndarray | Spread"]


@dataclass(frozen=True)
class Cells:
    """The cells of one KPI on one basis; all arrays have one element per cell, sorted by slice and period.

    Attributes:
        basis: period, cohort, outcome or snapshot.
        slices: Index of the slice in the lens, or in the lenses that were answered together.
        periods: Index of the period in the axis.
        value, n: The number and how many records are behind it.
        numerator, denominator, low, high: NaN where there is none.
        is_complete: Whether nothing can change the number any more but corrections.
        horizon: Days that cohorts were given; None is to date.
    """

    basis: str
    slices: np.ndarray
    periods: np.ndarray
    value: np.ndarray
    n: np.ndarray
    numerator: np.ndarray | None = None
    denominator: np.ndarray | None = None
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    is_complete: np.ndarray | None = None
    horizon: int | None = None


@dataclass(frozen=True)
class Plan:
    """How one KPI is told on one basis.

    Attributes:
        basis: period, cohort or outcome.
        needs: What is asked of the records.
        finish: Makes cells of the question and of the answers to the needs.
        waits: Which durations tell when its cohorts are mature; None where nothing has to mature.
    """

    basis: str
    needs: tuple[Need, ...]
    finish: Callable[[Question, Answers], Cells] = field(compare=False)
    waits: Durations | None = None


def plan_measure(measure, bases: tuple[str, ...], question: Question, by: tuple[str, ...]) -> list[Plan]:
    """Tell what a measure needs through a combination of partitions, and how cells are made of it; see ``Plan``."""
    if measure.kind in ("conversion", "duration"):
        return PLANNERS[measure.kind](measure, question, by, bases)
    return PLANNERS[measure.kind](measure, question, by)


def _event(measure, question: Question, by: tuple[str, ...], object: str | None, stage: str) -> Event | None:
    """Return the event of an object's records entering a stage; None where it can't be told or cut so."""
    if object is None or not question.carries(object, {*by, *measure.where}):
        return None
    business = question.outline.find_business(object, stage, measure.business)
    return None if business is None else Event(object, stage, business, freeze_where(measure.where))


def _home_event(measure, question: Question, by: tuple[str, ...], stage: str) -> Event | None:
    return _event(measure, question, by, question.outline.homes.get(stage), stage)


def find_step(question: Question, object: str, measure, within: int | None = None) -> Step | None:
    """Return the step that an object's records go; None where they don't show both ends of it."""
    outline, business = question.outline, measure.business
    first = outline.find_business(object, measure.from_stage, business)
    second = outline.find_business(object, measure.to_stage, business)
    if first is None or second is None:
        return None
    return Step(measure.from_stage, measure.to_stage, first, second, within)


def _plan_volume(measure, question: Question, by: tuple[str, ...]) -> list[Plan]:
    """Count the records that entered a stage."""
    event = _home_event(measure, question, by, measure.stage)
    if event is None:
        return []
    entered = Aggregate(event)
    return [Plan("period", (entered,), partial(_finish_volume, entered))]


def _finish_volume(entered: Aggregate, question: Question, got: Answers) -> Cells:
    """Give a slice a row from the first period in which one of its records entered; from then on 0 is a true zero."""
    slices, periods = _find_cells(since_first(got[entered]))
    value = got[entered][slices, periods + 1]
    return Cells("period", slices, periods, value, value, value, is_complete=question.ended[periods])


def _find_cells(there: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return slice and period of everything that isn't 0, sorted."""
    return np.divmod(np.flatnonzero(there), max(there.shape[1], 1))


def since_first(counts: np.ndarray) -> np.ndarray:
    """Mark for each slice the periods from its first event on; column 0 of the counts is before the first period."""
    return np.maximum.accumulate(counts > 0, axis=1)[:, 1:]


def _summed_event(measure, question: Question, by: tuple[str, ...]) -> Event | None:
    """Return the event of the object that carries a field at a stage."""
    home = question.outline.homes.get(measure.stage)
    for object in dict.fromkeys((home, "deal", "contact")) if home else ():
        if object in question.outline.objects and measure.field in question.outline.objects[object].fields:
            event = _event(measure, question, by, object, measure.stage)
            if event is not None:
                return event
    return None


def _plan_sum(measure, question: Question, by: tuple[str, ...]) -> list[Plan]:
    """Add up a field over the records that entered a stage; n counts those that carry it."""
    event = _summed_event(measure, question, by)
    if event is None:
        return []
    entered = Aggregate(_home_event(measure, question, by, measure.stage) or event)
    cents, known = Aggregate(event, field=measure.field), Aggregate(event, field=measure.field, power=0)
    is_weighted = question.outline.objects[event.object].is_weighted
    needs = (entered, cents) if is_weighted else (entered, cents, known)
    return [Plan("period", needs, partial(_finish_sum, entered, cents, None if is_weighted else known))]


def _finish_sum(entered: Aggregate, cents: Aggregate, known: Aggregate | None, question: Question, got) -> Cells:
    slices, periods = _find_cells(since_first(got[entered]))
    value = got[cents][slices, periods + 1] / 100
    n = value if known is None else got[known][slices, periods + 1]
    return Cells("period", slices, periods, value, n, value, is_complete=question.ended[periods])


def _plan_average(measure, question: Question, by: tuple[str, ...]) -> list[Plan]:
    """Average a field over the records that entered a stage and carry it, with its interval."""
    event = _summed_event(measure, question, by)
    if event is None:
        return []
    needs = tuple(Aggregate(event, field=measure.field, power=power) for power in (0, 1, 2))
    return [Plan("outcome", needs, partial(_finish_average, needs))]


def _finish_average(needs: tuple[Aggregate, ...], question: Question, got: Answers) -> Cells:
    count, total, squares = (got[need][:, 1:] for need in needs)
    slices, periods = _find_cells(count)
    n, total, squares = (part[slices, periods] for part in (count, total, squares))
    total = total / 100
    low, high = positive_mean_interval(total, squares, n, question.confidence)
    return Cells("outcome", slices, periods, total / n, n, total, n, low, high, question.ended[periods])


def _plan_conversion(measure, question: Question, by: tuple[str, ...], bases: tuple[str, ...]) -> list[Plan]:
    """Tell which share of the records at one stage reached another: of a cohort, and of a period's counts."""
    plans = _plan_cohort(measure, question, by) if "cohort" in bases else []
    first, second = (_home_event(measure, question, by, stage) for stage in (measure.from_stage, measure.to_stage))
    if "period" in bases and first is not None and second is not None:
        needs = (Aggregate(first), Aggregate(second))
        plans.append(Plan("period", needs, partial(_finish_period, needs)))
    return plans


def _plan_cohort(measure, question: Question, by: tuple[str, ...]) -> list[Plan]:
    event = _home_event(measure, question, by, measure.from_stage)
    if event is None or event.object == "session" or measure.to_stage not in question.outline.homes:
        return []
    step = find_step(question, event.object, measure, question.horizon)
    if step is None:
        return []
    needs = (Aggregate(event), Aggregate(event, step))
    return [Plan("cohort", needs, partial(_finish_cohort, measure, needs), _waits(question, event.object, measure))]


def _waits(question: Question, object: str, measure) -> Durations | None:
    """Return which durations a cohort to date has to wait for; with a horizon it needn't."""
    step = find_step(question, object, measure) if question.horizon is None else None
    return None if step is None else Durations(object, step)


def _finish_cohort(measure, needs: tuple[Aggregate, ...], question: Question, got: Answers) -> Cells:
    n, numerator = (got[need][:, 1:] for need in needs)
    slices, periods = _find_cells(n)
    n, numerator = n[slices, periods], numerator[slices, periods]
    low, high = wilson_interval(numerator, n, question.confidence)
    complete = find_mature(question, needs[0].event.object, measure)[periods]
    return Cells("cohort", slices, periods, numerator / n, n, numerator, n, low, high, complete, question.horizon)


def _finish_period(needs: tuple[Aggregate, ...], question: Question, got: Answers) -> Cells:
    n, numerator = (got[need][:, 1:] for need in needs)
    slices, periods = _find_cells(n)
    n, numerator = n[slices, periods], numerator[slices, periods]
    return Cells("period", slices, periods, numerator / n, n, numerator, n, is_complete=question.ended[periods])


def find_mature(question: Question, object: str, measure) -> np.ndarray:
    """Tell for each period whether its cohort is old enough.

    With a horizon: every record has had that many days. To date: the period's last day lies at least as long ago as the
    percentile of all past durations of the company (rule ``maturity_percentile``); never where nothing got there yet.
    """
    wait = find_maturity(question, object, measure) if question.horizon is None else question.horizon
    if wait is None:
        return np.zeros(len(question.axis), bool)
    return question.axis.ends + wait <= question.outline.observed_until


def find_maturity(question: Question, object: str, measure) -> int | None:
    """Return after how many days a cohort to date counts as mature, None where no record got there yet."""
    step = find_step(question, object, measure)
    if step is None:
        return None
    asked = Durations(object, step)
    find_maturities(question, [asked])
    return question.known["maturity", asked]


def find_maturities(question: Question, asked: Iterable[Durations]) -> None:
    """Find what several cohorts have to wait for, all at once, and remember it."""
    missing = [one for one in dict.fromkeys(asked) if ("maturity", one) not in question.known]
    if missing:
        found = question.evaluator.count_durations(question, missing)
        for one in missing:
            wait = _find_wait(found[one], question.maturity) if len(found[one].n) else None
            question.known["maturity", one] = wait


def _find_wait(spread: Spread, quantile: float) -> int:
    """Return a quantile of counted days, interpolated as ``numpy.quantile`` does to the last bit, rounded up."""
    upto = np.cumsum(spread.n)
    at = (int(upto[-1]) - 1) * quantile
    below = int(at)
    left, right = spread.days[np.searchsorted(upto, [below, min(below + 1, upto[-1] - 1)], side="right")].tolist()
    share = at - below
    return math.ceil(left + (right - left) * share if share < 0.5 else right - (right - left) * (1 - share))


def _plan_outcome_share(measure, question: Question, by: tuple[str, ...]) -> list[Plan]:
    """Tell which share of the deals closed in a period was won, by count (Wilson) or by a field (ratio estimator).

    None where lost deals aren't recorded; by a field none where all of them have none or zero of it.
    """
    won, lost = (_event(measure, question, by, "deal", stage) for stage in ("won", LOST_STAGE))
    if question.outline.homes.get(LOST_STAGE) != "deal" or won is None or lost is None:
        return []
    if measure.weight is None:
        needs = (Aggregate(won), Aggregate(lost))
        return [Plan("outcome", needs, partial(_finish_win_rate, needs))]
    if measure.weight not in question.outline.lost_fields:
        return []
    needs = tuple(Aggregate(event, field=measure.weight, power=power) for event in (won, lost) for power in (0, 1, 2))
    return [Plan("outcome", needs, partial(_finish_weighted_share, needs))]


def _finish_win_rate(needs: tuple[Aggregate, ...], question: Question, got: Answers) -> Cells:
    won, lost = (got[need][:, 1:] for need in needs)
    slices, periods = _find_cells(won + lost)
    won, lost = won[slices, periods], lost[slices, periods]
    n, ended = won + lost, question.ended[periods]
    low, high = wilson_interval(won, n, question.confidence)
    return Cells("outcome", slices, periods, won / n, n, won, n, low, high, ended)


def _finish_weighted_share(needs: tuple[Aggregate, ...], question: Question, got: Answers) -> Cells:
    won_n, x, xx, lost_n, lost, lost_squares = (got[need][:, 1:] for need in needs)
    slices, periods = _find_cells(x + lost)
    won_n, x, xx, lost_n, lost, lost_squares = (
        part[slices, periods] for part in (won_n, x, xx, lost_n, lost, lost_squares)
    )
    n, y, x, yy = won_n + lost_n, (x + lost) / 100, x / 100, xx + lost_squares
    low, high = share_of_sums_interval((x, y, xx, xx, yy), n, question.confidence)
    return Cells("outcome", slices, periods, x / y, n, x, y, low, high, question.ended[periods])


def _plan_duration(measure, question: Question, by: tuple[str, ...], bases: tuple[str, ...]) -> list[Plan]:
    """Tell how many days records took from one stage to another, by the day of arrival and by that of entry."""
    home = home_of_step(question, measure)
    plans = []
    for basis, stage in (("outcome", measure.to_stage), ("cohort", measure.from_stage)):
        event = _event(measure, question, by, home, stage)
        if basis in bases and event is not None:
            need = Histogram(event, find_step(question, home, measure))
            waits = _waits(question, home, measure) if basis == "cohort" else None
            plans.append(Plan(basis, (need,), partial(_finish_duration, measure, basis, need), waits))
    return plans


def home_of_step(question: Question, measure) -> str | None:
    """Return the object whose records show both ends of a step: the later stage's, else the earlier one's."""
    homes = question.outline.homes
    if measure.from_stage not in homes or measure.to_stage not in homes:
        return None
    both = (homes[measure.to_stage], homes[measure.from_stage])
    return next((home for home in both if find_step(question, home, measure) is not None), None)


def _finish_duration(measure, basis: str, need: Histogram, question: Question, got: Answers) -> Cells:
    spread = got[need]
    horizon = question.horizon if basis == "cohort" else None
    if horizon is not None:
        near = spread.days <= horizon
        spread = Spread(spread.slices[near], spread.periods[near], spread.days[near], spread.n[near])
    slices, periods, groups = _group(spread, len(question.axis))
    object = need.event.object
    complete = find_mature(question, object, measure)[periods] if basis == "cohort" else question.ended[periods]
    if measure.statistic in QUANTILES:
        quantile = QUANTILES[measure.statistic]
        value, low, high, n = grouped_quantile(
            groups, spread.days, len(slices), quantile, question.confidence, times=spread.n
        )
        return Cells(basis, slices, periods, value, n, None, None, low, high, complete, horizon)
    n, total, squares = (
        np.bincount(groups, weights=spread.n * spread.days**power, minlength=len(slices)) for power in (0, 1, 2)
    )
    low, high = mean_interval(total, squares, n, question.confidence)
    return Cells(basis, slices, periods, total / np.maximum(n, 1), n, total, n, low, high, complete, horizon)


def _group(spread: Spread, n_periods: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return slice and period of every cell of a histogram, and to which cell each of its entries belongs."""
    keys = spread.slices * n_periods + spread.periods
    is_first = np.concatenate(([True], keys[1:] != keys[:-1]))[: len(keys)]
    slices, periods = np.divmod(keys[is_first], max(n_periods, 1))
    return slices, periods, np.cumsum(is_first) - 1


def _plan_velocity(measure, question: Question, by: tuple[str, ...]) -> list[Plan]:
    """Tell the revenue per day of sales cycle of the deals closed in a period.

    Deals closed × win rate × average deal size ÷ median cycle, all four over the same deals; deals closed × win rate
    is the deals won. No value where nothing was won, no amount is known or the median is 0 days.
    """
    deals = question.outline.objects.get("deal")
    won, lost = (_event(measure, question, by, "deal", stage) for stage in ("won", LOST_STAGE))
    if deals is None or "amount" not in deals.fields or won is None:
        return []
    cycle = Duration(kind="duration", from_stage="opportunity", to_stage="won", business=measure.business)
    step = find_step(question, "deal", cycle)
    if step is None:
        return []
    sums = (Aggregate(won), Aggregate(won, field="amount", power=0), Aggregate(won, field="amount"))
    days = Histogram(won, step)
    closed = Aggregate(lost) if lost is not None else None
    return [Plan("outcome", (*sums, days, *filter(None, [closed])), partial(_finish_velocity, sums, days, closed))]


def _finish_velocity(sums, days: Histogram, closed: Aggregate | None, question: Question, got: Answers) -> Cells:
    spread = got[days]
    slices, periods, groups = _group(spread, len(question.axis))
    cycle = grouped_quantile(groups, spread.days, len(slices), 0.5, question.confidence, times=spread.n)[0]
    priced = got[sums[1]][slices, periods + 1]
    usable = (cycle > 0) & (priced > 0)
    slices, periods, cycle, priced = slices[usable], periods[usable], cycle[usable], priced[usable]
    won, cents = (got[need][slices, periods + 1] for need in (sums[0], sums[2]))
    n = won if closed is None else won + got[closed][slices, periods + 1]
    numerator = won * (cents / 100) / priced
    ended = question.ended[periods]
    return Cells("outcome", slices, periods, numerator / cycle, n, numerator, cycle, is_complete=ended)


PLANNERS = {
    "volume": _plan_volume,
    "sum": _plan_sum,
    "average": _plan_average,
    "conversion": _plan_conversion,
    "outcome_share": _plan_outcome_share,
    "duration": _plan_duration,
    "velocity": _plan_velocity,
}
"""Kinds of measure that are counted from events."""
