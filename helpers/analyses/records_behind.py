"""Which records are behind a cell, in its numerator and its denominator, by the rules by which they are counted."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from helpers.engine.history import DealState
from helpers.engine.journeys import LOST_STAGE, Journeys
from helpers.engine.recurring import FIELD, balance_accounts, count_numerators, find_accounts, find_at_stake, find_lines
from helpers.engine.timeline import NO_DAY

NUMERATOR, DENOMINATOR = "numerator", "denominator"
SIDES = (NUMERATOR, DENOMINATOR)


@dataclass(frozen=True)
class Behind:
    """The records behind one side of one cell.

    Attributes:
        object: Whose records.
        rows: Their positions in the canonical table.
        counts: What each adds to that side: 1, an amount, days.
        entered: Day number on which each entered what is counted.
        left: Day number of the later step where there is one, ``NO_DAY`` elsewhere.
        why: ``entered``, ``reached``, ``not_reached``, ``won``, ``lost``, ``there``, ``due``, ``pushed``, ``held``,
            ``up`` or ``kept``: why it counts.
        state: The deals as of the day that was looked at, where it is another than the question's.
    """

    object: str
    rows: np.ndarray
    counts: np.ndarray
    entered: np.ndarray
    left: np.ndarray
    why: np.ndarray
    state: DealState | None = None


@dataclass(frozen=True)
class Cell:
    """One cell to look behind.

    Attributes:
        journeys: The company's journeys as of the day.
        measure: How the KPI is counted.
        basis: cohort, period, outcome or snapshot.
        first, last: First and last day number of the period.
        select: Object, state → which of its records are in the slice and pass the filters; None where it can't be told.
        horizon: Days that a cohort is given; None is to date.
        company: The opened company, for its rules and the products of its contracts.
    """

    journeys: Journeys
    measure: Any
    basis: str
    first: int
    last: int
    select: Callable[[str, DealState | None], np.ndarray | None]
    horizon: int | None = None
    company: Any = None

    def reached(self, object: str, stage: str) -> np.ndarray | None:
        """Return the day on which each record of an object reached a stage."""
        if object not in self.journeys.records:
            return None
        days = self.journeys.records[object].reached
        return days.get((stage, self.measure.business), days.get((stage, "all")))

    def events(self, object: str, stage: str) -> np.ndarray | None:
        """Return the positions of the records that entered a stage in the period."""
        days, selected = self.reached(object, stage), self.select(object, None)
        if days is None or selected is None:
            return None
        return np.flatnonzero(selected & (days >= self.first) & (days <= self.last))


def find_behind(cell: Cell, side: str) -> Behind | None:
    """Return the records behind one side of a cell; None where the data can't tell them."""
    return FINDERS[cell.measure.kind](cell, side)


def _plain(cell: Cell, object: str, stage: str, rows: np.ndarray, counts: np.ndarray) -> Behind:
    entered = cell.reached(object, stage)[rows]
    return Behind(object, rows, counts, entered, np.full(len(rows), NO_DAY), np.full(len(rows), "entered", dtype="O"))


def _volume(cell: Cell, side: str) -> Behind | None:
    object = cell.journeys.homes.get(cell.measure.stage, "")
    rows = cell.events(object, cell.measure.stage)
    if rows is None:
        return None
    weight = cell.journeys.records[object].weight
    return _plain(cell, object, cell.measure.stage, rows, np.ones(len(rows)) if weight is None else weight[rows])


def _amounts(cell: Cell, side: str) -> Behind | None:
    """Look for the field where the engine does: on the stage's own object, else on the deal, else on the contact."""
    stage, field = cell.measure.stage, cell.measure.field
    home = cell.journeys.homes.get(stage)
    for object in dict.fromkeys((home, "deal", "contact")) if home else ():
        records = cell.journeys.records.get(object)
        rows = cell.events(object, stage) if records is not None and field in records.cents else None
        if rows is not None:
            rows = rows[records.known[field][rows]]
            amounts = records.cents[field][rows] / 100
            counts = np.ones(len(rows)) if cell.measure.kind == "average" and side == DENOMINATOR else amounts
            return _plain(cell, object, stage, rows, counts)
    return None


def _conversion(cell: Cell, side: str) -> Behind | None:
    first, last = cell.measure.from_stage, cell.measure.to_stage
    if cell.basis == "period":
        stage = last if side == NUMERATOR else first
        object = cell.journeys.homes.get(stage, "")
        rows = cell.events(object, stage)
        if rows is None:
            return None
        weight = cell.journeys.records[object].weight
        return _plain(cell, object, stage, rows, np.ones(len(rows)) if weight is None else weight[rows])
    object = cell.journeys.homes.get(first, "")
    rows, start, stop = cell.events(object, first), cell.reached(object, first), cell.reached(object, last)
    if rows is None or stop is None:
        return None
    got_there = _took(start, stop, rows, cell.horizon) >= 0
    rows, got_there = (rows[got_there], got_there[got_there]) if side == NUMERATOR else (rows, got_there)
    left = np.where(got_there, stop[rows], NO_DAY)
    why = np.where(got_there, "reached", "not_reached").astype("O")
    return Behind(object, rows, np.ones(len(rows)), start[rows], left, why)


def _took(start: np.ndarray, stop: np.ndarray, rows: np.ndarray, horizon: int | None) -> np.ndarray:
    """Return the days that each step took, −1 where it was not taken, in that order, within the horizon."""
    days = stop[rows].astype(np.int64) - start[rows]
    taken = (start[rows] != NO_DAY) & (stop[rows] != NO_DAY) & (days >= 0)
    taken &= (days <= horizon) if horizon is not None else True
    return np.where(taken, days, -1)


def _closed(cell: Cell) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Return the deals won and lost in the period, the days of their closes, and whether each was won."""
    won = cell.events("deal", "won")
    if won is None:
        return None
    lost = cell.events("deal", LOST_STAGE)
    lost = won[:0] if lost is None else lost
    days = [cell.reached("deal", stage)[rows] for stage, rows in (("won", won), (LOST_STAGE, lost)) if len(rows)]
    rows = np.concatenate([won, lost])
    return rows, np.concatenate(days) if days else rows, np.arange(len(rows)) < len(won)


def _outcome_share(cell: Cell, side: str) -> Behind | None:
    found = _closed(cell)
    if found is None:
        return None
    rows, days, won = found
    keep = won.copy() if side == NUMERATOR else np.ones(len(rows), bool)
    counts = np.ones(len(rows))
    if cell.measure.weight is not None:
        deals = cell.journeys.records["deal"]
        keep &= deals.known[cell.measure.weight][rows]
        counts = deals.cents[cell.measure.weight][rows] / 100
    created = cell.reached("deal", "opportunity")
    entered = created[rows] if created is not None else np.full(len(rows), NO_DAY)
    why = np.where(won, "won", "lost").astype("O")
    return Behind("deal", rows[keep], counts[keep], entered[keep], days[keep], why[keep])


def _velocity(cell: Cell, side: str) -> Behind | None:
    found = _closed(cell)
    if found is None:
        return None
    rows, days, won = found
    created = cell.reached("deal", "opportunity")
    entered = created[rows] if created is not None else np.full(len(rows), NO_DAY)
    return Behind("deal", rows, np.ones(len(rows)), entered, days, np.where(won, "won", "lost").astype("O"))


def _duration(cell: Cell, side: str) -> Behind | None:
    first, last = cell.measure.from_stage, cell.measure.to_stage
    homes = cell.journeys.homes
    for object in (homes.get(last, ""), homes.get(first, "")):
        start, stop = cell.reached(object, first), cell.reached(object, last)
        if start is None or stop is None:
            continue
        rows = cell.events(object, last if cell.basis == "outcome" else first)
        if rows is None:
            return None
        taken = _took(start, stop, rows, cell.horizon if cell.basis == "cohort" else None)
        rows, taken = rows[taken >= 0], taken[taken >= 0]
        is_mean = cell.measure.statistic == "mean" and side == NUMERATOR
        why = np.full(len(rows), "reached", dtype="O")
        return Behind(
            object, rows, taken.astype(float) if is_mean else np.ones(len(rows)), start[rows], stop[rows], why
        )
    return None


def _stock(cell: Cell, side: str) -> Behind | None:
    measure, journeys = cell.measure, cell.journeys
    records = journeys.records.get(measure.object)
    if records is None:
        return None
    day, state, field = min(cell.last, journeys.as_of), None, measure.field
    if measure.object == "deal":
        state = journeys.history.state_on(day)
        entered, there = journeys.history.created, state.is_open & (journeys.history.created != NO_DAY)
        cents = np.rint(np.nan_to_num(state.amount) * 100) if field == "amount" else records.cents.get(field)
    else:
        begin, stop = ("live_at", "ended_at") if measure.object == "customer" else ("start_at", "end_at")
        never = np.full(records.n, NO_DAY)
        entered, ended = records.days.get(begin, never), records.days.get(stop, never)
        there = (entered != NO_DAY) & (entered <= day) & ((ended == NO_DAY) | (ended > day))
        cents = records.cents.get(field) if field else None
    selected = cell.select(measure.object, state)
    if selected is None or (field and cents is None):
        return None
    rows = np.flatnonzero(there & selected & records.is_business(measure.business))
    counts = (cents[rows] / 100 if field else np.ones(len(rows))) * measure.factor
    nothing = np.full(len(rows), NO_DAY)
    return Behind(measure.object, rows, counts, entered[rows], nothing, np.full(len(rows), "there", dtype="O"), state)


def _due(cell: Cell, day: int) -> tuple[np.ndarray, DealState] | None:
    """Return the deals that were open on a day and due in the period, with all deals as of then."""
    journeys = cell.journeys
    if journeys.history is None:
        return None
    state = journeys.history.state_on(day)
    selected = cell.select("deal", state)
    if selected is None:
        return None
    due = state.is_open & (journeys.history.created != NO_DAY) & (state.closed >= cell.first)
    due &= (state.closed <= cell.last) & selected & journeys.records["deal"].is_business(cell.measure.business)
    return np.flatnonzero(due), state


def _push(cell: Cell, side: str) -> Behind | None:
    found = _due(cell, cell.first - 1)
    if found is None:
        return None
    rows, opening = found
    closing = cell.journeys.history.state_on(min(cell.last, cell.journeys.as_of))
    pushed = closing.is_open[rows] & (closing.closed[rows] > cell.last)
    keep = pushed if side == NUMERATOR else np.ones(len(rows), bool)
    rows, pushed = rows[keep], pushed[keep]
    left = np.where(pushed, closing.closed[rows], NO_DAY)
    why = np.where(pushed, "pushed", "held").astype("O")
    return Behind("deal", rows, np.ones(len(rows)), opening.closed[rows], left, why, opening)


def _pipeline(cell: Cell, side: str) -> Behind | None:
    """Return what was booked, or the open pipeline that it is set against."""
    if cell.measure.kind == "pipeline_conversion" and side == NUMERATOR:
        rows = cell.events("deal", "won")
        if rows is None:
            return None
        amounts = cell.journeys.records["deal"].cents["amount"][rows] / 100
        return _plain(cell, "deal", "won", rows, amounts)
    if cell.measure.kind == "coverage" and side == DENOMINATOR:
        return None
    at_end = cell.measure.kind == "coverage" and cell.measure.variant == "to_go"
    found = _due(cell, min(cell.last, cell.journeys.observed_until) if at_end else cell.first - 1)
    if found is None:
        return None
    rows, state = found
    amounts = np.rint(np.nan_to_num(state.amount[rows]) * 100) / 100
    nothing, why = np.full(len(rows), NO_DAY), np.full(len(rows), "due", dtype="O")
    return Behind("deal", rows, amounts, state.closed[rows], nothing, why, state)


def _retention(cell: Cell, side: str) -> Behind | None:
    """Return what could leave, one row per account: its largest subscription stands for it."""
    journeys, variant = cell.journeys, cell.measure.variant
    if "subscription" not in journeys.records:
        return _customers(cell, side) if variant == "logo_churn" and "customer" in journeys.records else None
    records, field = journeys.records["subscription"], FIELD[variant]
    selected = cell.select("subscription", None)
    if selected is None or "start_at" not in records.days or (field and field not in records.cents):
        return None
    size = records.cents[field] / 100 if field else np.ones(records.n)
    account = find_accounts(records)
    lines = find_lines(records, account, cell.company) if variant == "gross_churn" else None
    grace = cell.company.catalog.rules.renewal_grace_days if cell.company else 0
    masks = find_at_stake(records, variant, cell.first, cell.last, as_of=journeys.as_of, grace=grace)
    available, kept = (selected & mask for mask in masks)
    at_risk, base, end, stayed = balance_accounts(account, lines, (available, kept), size)
    rows = np.flatnonzero(available)[np.argsort(-size[available], kind="stable")]
    rows = np.sort(rows[np.unique(account[rows], return_index=True)[1]])
    place = np.searchsorted(at_risk, account[rows])
    rows, place = rows[base[place] > 0], place[base[place] > 0]
    sizes = (base[place], end[place], stayed[place])
    return _accounts_behind("subscription", rows, sizes, records.days, variant, side)


def _customers(cell: Cell, side: str) -> Behind | None:
    records, selected = cell.journeys.records["customer"], cell.select("customer", None)
    if selected is None or not {"live_at", "ended_at"} <= set(records.days):
        return None
    live, ended = records.days["live_at"], records.days["ended_at"]
    there = selected & (live != NO_DAY) & (live < cell.first) & ((ended == NO_DAY) | (ended >= cell.first))
    rows = np.flatnonzero(there)
    stayed = ((ended[rows] == NO_DAY) | (ended[rows] > cell.last)).astype(float)
    return _accounts_behind("customer", rows, (np.ones(len(rows)), stayed, stayed), records.days, "logo_churn", side)


def _accounts_behind(object, rows, sizes, days, variant: str, side: str) -> Behind:
    base, end, stayed = sizes
    counts = count_numerators(variant, base, end, stayed) if side == NUMERATOR else base
    counts = np.ones(len(rows)) if variant == "logo_churn" and side == DENOMINATOR else counts
    keep = counts != 0 if side == NUMERATOR else np.ones(len(rows), bool)
    start = days.get("start_at", days.get("live_at"))[rows]
    stop = days.get("end_at", days.get("ended_at", np.full(days[next(iter(days))].shape, NO_DAY)))[rows]
    why = np.where(end > 0, "kept", "up").astype("O")
    return Behind(object, rows[keep], counts[keep], start[keep], stop[keep], why[keep])


FINDERS: dict[str, Callable[[Cell, str], Behind | None]] = {
    "volume": _volume,
    "sum": _amounts,
    "average": _amounts,
    "conversion": _conversion,
    "outcome_share": _outcome_share,
    "velocity": _velocity,
    "duration": _duration,
    "stock": _stock,
    "push": _push,
    "coverage": _pipeline,
    "pipeline_conversion": _pipeline,
    "retention": _retention,
}
"""Kind of measure → how its records are found."""
