"""KPIs that are counted from events: volumes, sums, conversions, outcomes, sizes and times.

Each ``measure_…`` function takes a measure and a lens and returns cells, one array element per slice and period that
has a value; an empty list where the data can't tell.
"""

from dataclasses import dataclass

import numpy as np

from helpers.engine.doubt import grouped_quantile, mean_interval, ratio_interval, wilson_interval
from helpers.engine.history import LOST
from helpers.engine.journeys import LOST_STAGE
from helpers.engine.slicing import Lens, Question
from helpers.engine.timeline import NO_DAY
from helpers.model.kpi import Duration

QUANTILES = {"median": 0.5, "p90": 0.9}


@dataclass(frozen=True)
class Cells:
    """The cells of one KPI on one basis through one lens; all arrays have one element per cell.

    Attributes:
        basis: period, cohort, outcome or snapshot.
        slices: Index of the slice in the lens.
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


def measure_volume(measure, lens: Lens) -> list[Cells]:
    """Count the records that entered a stage.

    A slice has a row from the first period in which one of its records entered the stage; from then on 0 is a true
    zero.
    """
    home = lens.question.journeys.homes.get(measure.stage)
    counts = home and lens.count_events(home, measure.stage, measure.business, measure.where)
    if counts is None or home is None:
        return []
    slices, periods = np.nonzero(since_first(counts))
    value = counts[slices, periods + 1]
    return [Cells("period", slices, periods, value, value, value, is_complete=lens.question.ended[periods])]


def measure_sum(measure, lens: Lens) -> list[Cells]:
    """Add up a field over the records that entered a stage; n counts those that carry it."""
    found = summed_events(measure, lens)
    if found is None:
        return []
    home, rows, period = found
    records = lens.question.journeys.records[home]
    cents = lens.count(home, rows, period, records.cents[measure.field][rows])
    known = rows[records.known[measure.field][rows]]
    behind = lens.count(home, known, period[records.known[measure.field][rows]])
    if records.weight is not None:
        behind = cents / 100
    entered = lens.count_events(home, measure.stage, measure.business, measure.where)
    slices, periods = np.nonzero(since_first(entered))
    value = cents[slices, periods + 1] / 100
    n = behind[slices, periods + 1]
    return [Cells("period", slices, periods, value, n, value, is_complete=lens.question.ended[periods])]


def measure_average(measure, lens: Lens) -> list[Cells]:
    """Average a field over the records that entered a stage and carry it, with Student's interval."""
    found = summed_events(measure, lens)
    if found is None:
        return []
    home, rows, period = found
    records = lens.question.journeys.records[home]
    known = records.known[measure.field][rows]
    rows, period = rows[known], period[known]
    cents = records.cents[measure.field][rows]
    total = lens.count(home, rows, period, cents)[:, 1:] / 100
    squares = lens.count(home, rows, period, (cents / 100.0) ** 2)[:, 1:]
    count = lens.count(home, rows, period)[:, 1:]
    slices, periods = np.nonzero(count)
    total, squares, n = (part[slices, periods] for part in (total, squares, count))
    low, high = mean_interval(total, squares, n, lens.question.confidence)
    ended = lens.question.ended[periods]
    return [Cells("outcome", slices, periods, total / n, n, total, n, low, high, ended)]


def summed_events(measure, lens: Lens) -> tuple[str, np.ndarray, np.ndarray] | None:
    """Return the object that carries a field at a stage, with the rows and periods of its entries."""
    journeys = lens.question.journeys
    home = journeys.homes.get(measure.stage)
    if home is None:
        return None
    for object in dict.fromkeys((home, "deal", "contact")):
        if object in journeys.records and measure.field in journeys.records[object].cents and lens.carries(object):
            found = lens.question.events(object, measure.stage, measure.business, measure.where)
            if found is not None:
                return object, *found
    return None


def since_first(counts: np.ndarray) -> np.ndarray:
    """Mark for each slice the periods from its first event on; column 0 of the counts is before the first period."""
    return np.maximum.accumulate(counts > 0, axis=1)[:, 1:]


def measure_conversion(measure, lens: Lens, bases: tuple[str, ...] = ("cohort", "period")) -> list[Cells]:
    """Tell which share of the records at one stage reached another: of a cohort, and of a period's counts."""
    cells = []
    if "cohort" in bases:
        cells += _cohort_conversion(measure, lens)
    if "period" in bases:
        cells += _period_conversion(measure, lens)
    return cells


def _cohort_conversion(measure, lens: Lens) -> list[Cells]:
    question = lens.question
    home = question.journeys.homes.get(measure.from_stage)
    if home is None or home == "session" or not lens.carries(home):
        return []
    entered = question.events(home, measure.from_stage, measure.business, measure.where)
    days = days_between(question, home, measure)
    if entered is None or days is None or measure.to_stage not in question.journeys.homes:
        return []
    rows, period = entered
    taken = days[rows]
    reached = taken >= 0 if question.horizon is None else (taken >= 0) & (taken <= question.horizon)
    n = lens.count_events(home, measure.from_stage, measure.business, measure.where)[:, 1:]
    numerator = lens.count(home, rows[reached], period[reached])[:, 1:]
    slices, periods = np.nonzero(n)
    n, numerator = n[slices, periods], numerator[slices, periods]
    low, high = wilson_interval(numerator, n, question.confidence)
    complete = mature(question, home, measure)[periods]
    return [Cells("cohort", slices, periods, numerator / n, n, numerator, n, low, high, complete, question.horizon)]


def _period_conversion(measure, lens: Lens) -> list[Cells]:
    homes = lens.question.journeys.homes
    sides = []
    for stage in (measure.from_stage, measure.to_stage):
        home = homes.get(stage)
        counts = home and lens.count_events(home, stage, measure.business, measure.where)
        if home is None or counts is None:
            return []
        sides.append(counts[:, 1:])
    slices, periods = np.nonzero(sides[0])
    n, numerator = (side[slices, periods] for side in sides)
    ended = lens.question.ended[periods]
    return [Cells("period", slices, periods, numerator / n, n, numerator, n, is_complete=ended)]


def days_between(question: Question, home: str, measure) -> np.ndarray | None:
    """Return for each record the days from one stage to another: −1 where it has not both, in that order."""
    key = ("days", home, measure.from_stage, measure.to_stage, measure.business)
    if key not in question.cache:
        reached = question.journeys.records[home].reached
        start = reached.get((measure.from_stage, measure.business), reached.get((measure.from_stage, "all")))
        stop = reached.get((measure.to_stage, measure.business), reached.get((measure.to_stage, "all")))
        if start is None or stop is None:
            question.cache[key] = None
        else:
            days = stop.astype(np.int64) - start
            there = (start != NO_DAY) & (stop != NO_DAY) & (days >= 0)
            question.cache[key] = np.where(there, days, -1)
    return question.cache[key]


def mature(question: Question, home: str, measure) -> np.ndarray:
    """Tell for each period whether its cohort is old enough.

    With a horizon: every record has had that many days. To date: the period's last day lies at least as long ago as the
    percentile of all past durations of the company (rule ``maturity_percentile``); never where nothing got there yet.
    """
    wait = maturity_days(question, home, measure) if question.horizon is None else question.horizon
    if wait is None:
        return np.zeros(len(question.axis), bool)
    return question.axis.ends + wait <= question.journeys.observed_until


def maturity_days(question: Question, home: str, measure) -> int | None:
    """Return after how many days a cohort to date counts as mature, None where no record got there yet."""
    key = ("maturity", home, measure.from_stage, measure.to_stage, measure.business)
    if key not in question.cache:
        days = days_between(question, home, measure)
        taken = days[days >= 0] if days is not None else np.empty(0)
        wait = int(np.ceil(np.quantile(taken, question.maturity))) if len(taken) else None
        question.cache[key] = wait
    return question.cache[key]


def measure_outcome_share(measure, lens: Lens) -> list[Cells]:
    """Tell which share of the deals closed in a period was won, by count (Wilson) or by a field (ratio estimator)."""
    closed = closed_deals(measure, lens)
    if closed is None:
        return []
    rows, period, won = closed
    if measure.weight is None:
        n = lens.count("deal", rows, period)[:, 1:]
        numerator = lens.count("deal", rows[won], period[won])[:, 1:]
        slices, periods = np.nonzero(n)
        n, numerator = n[slices, periods], numerator[slices, periods]
        low, high = wilson_interval(numerator, n, lens.question.confidence)
        ended = lens.question.ended[periods]
        return [Cells("outcome", slices, periods, numerator / n, n, numerator, n, low, high, ended)]
    return _weighted_share(measure, lens, rows, period, won)


def _weighted_share(measure, lens: Lens, rows: np.ndarray, period: np.ndarray, won: np.ndarray) -> list[Cells]:
    deals = lens.question.journeys.records["deal"]
    if not lost_carry(lens.question, measure.weight):
        return []
    known = deals.known[measure.weight][rows]
    rows, period, won = rows[known], period[known], won[known]
    cents = deals.cents[measure.weight][rows]
    amount = cents / 100.0
    count = lens.count("deal", rows, period)[:, 1:]
    y = lens.count("deal", rows, period, cents)[:, 1:] / 100
    x = lens.count("deal", rows[won], period[won], cents[won])[:, 1:] / 100
    yy = lens.count("deal", rows, period, amount**2)[:, 1:]
    xx = lens.count("deal", rows[won], period[won], amount[won] ** 2)[:, 1:]
    slices, periods = np.nonzero(y)
    x, y, xx, yy, n = (part[slices, periods] for part in (x, y, xx, yy, count))
    low, high = ratio_interval((x, y, xx, xx, yy), n, lens.question.confidence)
    ended = lens.question.ended[periods]
    return [Cells("outcome", slices, periods, x / y, n, x, y, np.maximum(low, 0), np.minimum(high, 1), ended)]


def closed_deals(measure, lens: Lens) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Return rows, periods and whether won of the deals that closed; None where lost deals aren't recorded."""
    question = lens.question
    if question.journeys.homes.get(LOST_STAGE) != "deal" or not lens.carries("deal"):
        return None
    won = question.events("deal", "won", measure.business, measure.where)
    lost = question.events("deal", LOST_STAGE, measure.business, measure.where)
    if won is None or lost is None:
        return None
    rows, period = (np.concatenate(parts) for parts in zip(won, lost, strict=True))
    return rows, period, np.arange(len(rows)) < len(won[0])


def lost_carry(question: Question, name: str) -> bool:
    """Tell whether lost deals carry the field: where all of them have none or zero, a share by value means nothing."""
    deals = question.journeys.records["deal"]
    if name not in deals.cents:
        return False
    lost = question.journeys.history.outcome == LOST
    return bool((deals.cents[name][lost] != 0).any())


def measure_duration(measure, lens: Lens, bases: tuple[str, ...] = ("outcome", "cohort")) -> list[Cells]:
    """Tell how many days records took from one stage to another, by the day of arrival and by that of entry."""
    question = lens.question
    home = home_of_step(question, measure)
    if home is None or not lens.carries(home):
        return []
    days = days_between(question, home, measure)
    cells = []
    for basis, stage in (("outcome", measure.to_stage), ("cohort", measure.from_stage)):
        events = question.events(home, stage, measure.business, measure.where)
        if basis in bases and events is not None:
            cells.append(_durations(measure, lens, home, days, events, basis))
    return cells


def home_of_step(question: Question, measure) -> str | None:
    """Return the object whose records show both ends of a step: the later stage's, else the earlier one's."""
    homes = question.journeys.homes
    if measure.from_stage not in homes or measure.to_stage not in homes:
        return None
    for home in (homes[measure.to_stage], homes[measure.from_stage]):
        if days_between(question, home, measure) is not None:
            return home
    return None


def _durations(measure, lens: Lens, home: str, days: np.ndarray, events, basis: str) -> Cells:
    question = lens.question
    rows, period = events
    taken = days[rows]
    chosen = (taken >= 0) & (period > 0)
    horizon = question.horizon if basis == "cohort" else None
    if horizon is not None:
        chosen &= taken <= horizon
    rows, period, taken = rows[chosen], period[chosen], taken[chosen]
    keys, groups = np.unique(lens.ids(home)[rows] * len(question.axis) + period - 1, return_inverse=True)
    slices, periods = np.divmod(keys, max(len(question.axis), 1))
    complete = mature(question, home, measure)[periods] if basis == "cohort" else question.ended[periods]
    if measure.statistic in QUANTILES:
        value, low, high, n = grouped_quantile(
            groups, taken, len(keys), QUANTILES[measure.statistic], question.confidence
        )
        return Cells(basis, slices, periods, value, n, None, None, low, high, complete, horizon)
    n = np.bincount(groups, minlength=len(keys))
    total = np.bincount(groups, weights=taken, minlength=len(keys))
    squares = np.bincount(groups, weights=taken.astype(float) ** 2, minlength=len(keys))
    low, high = mean_interval(total, squares, n, question.confidence)
    return Cells(basis, slices, periods, total / np.maximum(n, 1), n, total, n, low, high, complete, horizon)


def measure_velocity(measure, lens: Lens) -> list[Cells]:
    """Tell the revenue per day of sales cycle of the deals closed in a period.

    Deals closed × win rate × average deal size ÷ median cycle, all four over the same deals; deals closed × win rate
    is the deals won. No value where nothing was won, no amount is known or the median is 0 days.
    """
    question = lens.question
    deals = question.journeys.records.get("deal")
    if deals is None or "amount" not in deals.cents or not lens.carries("deal"):
        return []
    won = question.events("deal", "won", measure.business, measure.where)
    cycle_of = Duration(kind="duration", from_stage="opportunity", to_stage="won", business=measure.business)
    days = days_between(question, "deal", cycle_of)
    if won is None or days is None:
        return []
    lost = question.events("deal", LOST_STAGE, measure.business, measure.where) or (won[0][:0], won[1][:0])
    closed = lens.count("deal", *won)[:, 1:] + lens.count("deal", *lost)[:, 1:]
    rows, period = won
    known = deals.known["amount"][rows]
    total = lens.count("deal", rows, period, deals.cents["amount"][rows])[:, 1:] / 100
    priced = lens.count("deal", rows[known], period[known])[:, 1:]
    count = lens.count("deal", rows, period)[:, 1:]
    timed = (days[rows] >= 0) & (period > 0)
    keys, groups = np.unique(
        lens.ids("deal")[rows[timed]] * len(question.axis) + period[timed] - 1, return_inverse=True
    )
    cycle = grouped_quantile(groups, days[rows[timed]], len(keys), 0.5, question.confidence)[0]
    slices, periods = np.divmod(keys, max(len(question.axis), 1))
    usable = (cycle > 0) & (priced[slices, periods] > 0)
    slices, periods, cycle = slices[usable], periods[usable], cycle[usable]
    numerator = count[slices, periods] * total[slices, periods] / priced[slices, periods]
    n, ended = closed[slices, periods], question.ended[periods]
    return [Cells("outcome", slices, periods, numerator / cycle, n, numerator, cycle, is_complete=ended)]
