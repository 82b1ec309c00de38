"""KPIs of stocks and of the pipeline: what was there on a day, what was due, what was pushed, what it covered."""

from datetime import date

import numpy as np
import pandas as pd

from helpers.engine.counting import Cells
from helpers.engine.doubt import ratio_of_sums_interval, wilson_interval
from helpers.engine.history import DealState, rewind_deals
from helpers.engine.journeys import Journeys, build_journeys
from helpers.engine.slicing import Lens
from helpers.engine.targets import find_new_business_target, find_target, group_goals
from helpers.engine.timeline import NO_DAY, WHOLE, PeriodAxis, day_number, to_date
from helpers.periods import Period

BOOKINGS = "revenue_won"
"""The KPI whose goal is the bookings target."""


def measure_stock(measure, lens: Lens) -> list[Cells]:
    """Count what is there at the end of each period, or add up a field of it.

    The amount of open deals is told only where deals that are open today carry one: else past amounts would be those
    that the deals closed with.

    A slice has a row from the first period by whose end one of its records had been created; from then on 0 is a true
    zero. What ends on the last day of a period is no longer there at its end.
    """
    question, object = lens.question, measure.object
    journeys, axis = question.journeys, question.axis
    selected = question.selected(object, measure.where) if object in journeys.records else None
    if selected is None or not lens.carries(object):
        return []
    records = journeys.records[object]
    if measure.field and measure.field not in records.cents:
        return []
    if object == "deal" and measure.field == "amount" and not open_carry_amounts(journeys):
        return []
    selected = selected & records.is_business(measure.business)
    shape = (lens.n_slices, len(axis))
    total, count, begun = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for period, end in enumerate(axis.ends):
        there, born, cents, ids = _stock_on(measure, lens, min(int(end), journeys.as_of))
        there, born = there & selected, born & selected
        begun[:, period] = np.bincount(ids[born], minlength=lens.n_slices)
        count[:, period] = np.bincount(ids[there], minlength=lens.n_slices)
        if measure.field:
            total[:, period] = np.bincount(ids[there], weights=cents[there], minlength=lens.n_slices)
    slices, periods = np.nonzero(np.maximum.accumulate(begun > 0, axis=1))
    n = count[slices, periods]
    value = (total[slices, periods] / 100 if measure.field else n) * measure.factor
    return [Cells("snapshot", slices, periods, value, n, value, is_complete=question.ended[periods])]


def open_carry_amounts(journeys: Journeys) -> bool:
    """Tell whether any deal that is open on the last day that counts has an amount."""
    state = journeys.history.state_on(journeys.as_of)
    is_open = state.exists & state.is_open
    return bool((np.nan_to_num(state.amount[is_open]) > 0).any()) or not is_open.any()


def _stock_on(measure, lens: Lens, day: int) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray]:
    """Return which records are there on a day, which had been created, their field in cents, and their slices."""
    journeys, object = lens.question.journeys, measure.object
    records = journeys.records[object]
    if object == "deal":
        state = journeys.history.state_on(day)
        born = state.exists & (journeys.history.created != NO_DAY)
        cents = (
            np.rint(np.nan_to_num(state.amount) * 100)
            if measure.field == "amount"
            else records.cents.get(measure.field)
        )
        return born & state.is_open, born, cents, lens.ids_on("deal", state)
    begin, stop = ("live_at", "ended_at") if object == "customer" else ("start_at", "end_at")
    never = np.full(records.n, NO_DAY)
    begun, ended = records.days.get(begin, never), records.days.get(stop, never)
    born = (begun != NO_DAY) & (begun <= day)
    cents = records.cents.get(measure.field) if measure.field else None
    return born & ((ended == NO_DAY) | (ended > day)), born, cents, lens.ids(object)


def open_pipeline_at(company, day: date, *, business: str = "new", opening: bool = False) -> pd.DataFrame:
    """List the deals that were open on a day, as they stood then.

    Args:
        company: The opened company.
        day: The day.
        business: ``new`` leaves renewals and other existing business out; ``all`` and ``existing`` are possible.
        opening: True takes the morning of the day, before anything that happened on it; False its evening.

    Returns:
        One row per open deal with a create date: the columns of the canonical table with stage, amount and closed_at
        (then expected) as of that day, and the three ``…_is_current_value`` flags where today's value stands in.
    """
    deals = company.tables.get("deal")
    if deals is None:
        return pd.DataFrame()
    evening = to_date(day_number(day) - 1) if opening else day
    then = rewind_deals(deals, build_journeys(company).history, evening)
    open_then = (then["outcome"] == "open") & then["created_at"].notna()
    if business != "all" and "is_new_business" in then:
        is_new = then["is_new_business"].astype("boolean").fillna(True).astype(bool)
        open_then &= is_new if business == "new" else ~is_new
    return then[open_then].reset_index(drop=True)


def _due(journeys: Journeys, state: DealState, first: int, last: int) -> np.ndarray:
    created = journeys.history.created != NO_DAY
    return state.is_open & created & (state.closed >= first) & (state.closed <= last)


def measure_push(measure, lens: Lens) -> list[Cells]:
    """Tell which share of the open deals due in a period at its start has a close date after it at its end."""
    question, journeys = lens.question, lens.question.journeys
    selected = _selected_deals(measure, lens)
    if selected is None:
        return []
    axis, shown = question.quarters()
    due_n = np.zeros((lens.n_slices, len(question.axis)))
    pushed_n = due_n.copy()
    for first, last, column in zip(axis.starts.tolist(), axis.ends.tolist(), shown.tolist(), strict=True):
        opening = journeys.history.state_on(first - 1)
        due = _due(journeys, opening, first, last) & selected
        closing = journeys.history.state_on(min(last, journeys.as_of))
        pushed = due & closing.is_open & (closing.closed > last)
        ids = lens.ids_on("deal", opening)
        due_n[:, column] += np.bincount(ids[due], minlength=lens.n_slices)
        pushed_n[:, column] += np.bincount(ids[pushed], minlength=lens.n_slices)
    slices, periods = np.nonzero(due_n)
    n, numerator = due_n[slices, periods], pushed_n[slices, periods]
    low, high = wilson_interval(numerator, n, question.confidence)
    return [Cells("snapshot", slices, periods, numerator / n, n, numerator, n, low, high, question.ended[periods])]


def measure_coverage(measure, lens: Lens, company) -> list[Cells]:
    """Tell the pipeline due in a period per unit of target: at its start, or what is left of both at its end."""
    question, journeys = lens.question, lens.question.journeys
    selected = _selected_deals(measure, lens)
    if selected is None or not has_targets(company):
        return []
    axis, shown = question.quarters()
    goals = _goals(company, lens, axis)
    booked = _booked(measure, lens, axis) if measure.variant == "to_go" else np.zeros(goals.shape)
    shape = (lens.n_slices, len(question.axis))
    pipeline, target, count = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for period, (first, last) in enumerate(zip(axis.starts.tolist(), axis.ends.tolist(), strict=True)):
        day = first - 1 if measure.variant == "starting" else min(last, journeys.observed_until)
        state = journeys.history.state_on(day)
        due = _due(journeys, state, first, last) & selected
        ids, column = lens.ids_on("deal", state), shown[period]
        to_book = goals[:, period] - booked[:, period]
        counted = np.nan_to_num(to_book) > 0
        cents = np.rint(np.nan_to_num(state.amount) * 100)
        pipeline[:, column] += np.bincount(ids[due], weights=cents[due], minlength=lens.n_slices) * counted / 100
        count[:, column] += np.bincount(ids[due], minlength=lens.n_slices) * counted
        target[:, column] += np.where(counted, to_book, 0)
    return [_divide("snapshot", pipeline, target, count, question.ended)]


def measure_pipeline_conversion(measure, lens: Lens) -> list[Cells]:
    """Tell the bookings of a period per unit of the open pipeline due in it at its start.

    The interval treats each deal as one draw of what it opened with and what it booked, those created later among them.
    """
    question, journeys = lens.question, lens.question.journeys
    selected = _selected_deals(measure, lens)
    if selected is None:
        return []
    axis, shown = question.quarters()
    deals = journeys.records["deal"]
    booked_in = axis.locate(deals.reached["won", measure.business])
    booked_in = np.where(question.selected("deal", measure.where), booked_in, -1)
    shape = (lens.n_slices, len(question.axis))
    sums, due_n, behind = [np.zeros(shape) for _ in range(5)], np.zeros(shape), np.zeros(shape)
    for period, (first, last) in enumerate(zip(axis.starts.tolist(), axis.ends.tolist(), strict=True)):
        state = journeys.history.state_on(first - 1)
        due = _due(journeys, state, first, last) & selected
        column = shown[period]
        opened = np.where(due, np.rint(np.nan_to_num(state.amount) * 100), 0) / 100
        booked = np.where(booked_in == period, deals.cents["amount"], 0) / 100
        then, now = lens.ids_on("deal", state), lens.ids("deal")
        size = lens.n_slices
        covered = np.bincount(then, weights=opened, minlength=size) > 0
        both = np.where(then == now, booked * opened, 0)
        parts = ((now, booked), (then, opened), (now, booked**2), (then, both), (then, opened**2))
        for total, (ids, weights) in zip(sums, parts, strict=True):
            total[:, column] += np.where(covered, np.bincount(ids, weights=weights, minlength=size), 0)
        due_n[:, column] += np.bincount(then[due], minlength=size)
        either = due | (booked_in == period)
        behind[:, column] += np.where(covered, np.bincount(np.where(due, then, now)[either], minlength=size), 0)
    slices, periods = np.nonzero(sums[1] > 0)
    x, y, xx, xy, yy = (total[slices, periods] for total in sums)
    low, high = ratio_of_sums_interval((x, y, xx, xy, yy), behind[slices, periods], question.confidence)
    n, ended = due_n[slices, periods], question.ended[periods]
    return [Cells("period", slices, periods, x / y, n, x, y, low, high, ended)]


def _divide(basis: str, above: np.ndarray, below: np.ndarray, count: np.ndarray, ended: np.ndarray) -> Cells:
    """Divide two amounts per slice and period, where there is something to divide by."""
    slices, periods = np.nonzero(below > 0)
    numerator, denominator, n = (part[slices, periods] for part in (above, below, count))
    value, complete = numerator / denominator, ended[periods]
    return Cells(basis, slices, periods, value, n, numerator, denominator, is_complete=complete)


def _selected_deals(measure, lens: Lens) -> np.ndarray | None:
    journeys = lens.question.journeys
    if "deal" not in journeys.records or not lens.carries("deal") or "amount" not in journeys.records["deal"].cents:
        return None
    if (journeys.history.closed == NO_DAY).all() or not journeys.tracks_close_dates:
        return None
    selected = lens.question.selected("deal", measure.where)
    return None if selected is None else selected & journeys.records["deal"].is_business(measure.business)


def _booked(measure, lens: Lens, axis: PeriodAxis) -> np.ndarray:
    """Return the amounts won per slice and period of the given axis."""
    journeys = lens.question.journeys
    deals = journeys.records["deal"]
    period = axis.locate(deals.reached["won", measure.business])
    rows = np.flatnonzero((period >= 0) & lens.question.selected("deal", measure.where))
    keys = lens.ids("deal")[rows] * len(axis) + period[rows]
    cents = np.bincount(keys, weights=deals.cents["amount"][rows], minlength=lens.n_slices * len(axis))
    return cents.reshape(lens.n_slices, len(axis)) / 100


def has_targets(company) -> bool:
    """Tell whether people typed a bookings target."""
    targets = getattr(company, "targets", None)
    return targets is not None and len(targets) > 0 and bool((targets["kpi"] == BOOKINGS).any())


def _goals(company, lens: Lens, axis: PeriodAxis) -> np.ndarray:
    """Return the bookings target per slice and period, NaN where nobody typed one it follows from.

    Coverage leaves existing business out, so the company's target is that of new business where it was typed by type.
    """
    goals = np.full((lens.n_slices, len(axis)), np.nan)
    place = {name: i for i, name in enumerate(lens.names(np.arange(lens.n_slices)).tolist())}
    typed = group_goals(company.targets, BOOKINGS, {lens.dimension, " & ".join(lens.by) or WHOLE})
    mine = [(place[name], goals_of) for name, goals_of in typed.items() if name in place]
    existing = company.catalog.existing_business
    for column, (start, end) in enumerate(zip(axis.starts.tolist(), axis.ends.tolist(), strict=True)):
        period = Period(to_date(start), to_date(end), axis.grain, company.fiscal_year_start)
        for slice_, goals_of in mine:
            target = find_target(goals_of, period)
            goals[slice_, column] = target[0] if target else np.nan
        if not lens.by:
            target = find_new_business_target(company.targets, BOOKINGS, existing, period)
            goals[0, column] = target[0] if target else np.nan
    return goals
