"""KPIs of recurring revenue: what stayed and what left of what could leave.

What could leave in a period is what was active on its first day and whose term ended in it: subscriptions with a
renewal date in the period. A subscription without a renewal date runs from month to month and could always leave.
Losses and gains are set off inside an account, never across accounts. A term that ends on the last day of a period and
starts again on the next one was renewed. Over the whole history, its quarters are added up, both halves. Source:
Kellogg, churn on available to renew.
"""

import numpy as np

from helpers.engine.counting import Cells
from helpers.engine.doubt import ratio_of_sums_interval, share_of_sums_interval, wilson_interval
from helpers.engine.journeys import Records
from helpers.engine.slicing import Lens
from helpers.engine.timeline import NO_DAY

FIELD = {"grr": "mrr", "nrr": "mrr", "revenue_churn": "mrr", "seat_churn": "seats", "logo_churn": None}


def measure_retention(measure, lens: Lens) -> list[Cells]:
    """Tell how much of what could leave stayed, or left; accounts are the records behind it."""
    journeys = lens.question.journeys
    if "subscription" in journeys.records:
        return _of_subscriptions(measure, lens)
    if measure.variant == "logo_churn" and "customer" in journeys.records:
        return _of_customers(measure, lens)
    return []


def _of_subscriptions(measure, lens: Lens) -> list[Cells]:
    question = lens.question
    records = question.journeys.records["subscription"]
    selected = question.selected("subscription", measure.where)
    name = FIELD[measure.variant]
    if selected is None or not lens.carries("subscription") or "start_at" not in records.days:
        return []
    if name is not None and name not in records.cents:
        return []
    size = records.cents[name] if name else np.ones(records.n, np.int64)
    accounts = _accounts(records)
    parts = []
    axis, shown = question.quarters()
    for first, last, period in zip(axis.starts.tolist(), axis.ends.tolist(), shown.tolist(), strict=True):
        available = selected & available_to_renew(records, first, last)
        kept = selected & active_on(records, min(last, question.journeys.as_of) + 1)
        kept &= available | (records.days["start_at"] > first) if name else kept
        parts.append(_per_account(lens, accounts, available, kept, size, period))
    return _cells(measure, lens, parts, scale=100 if name else 1)


def _accounts(records: Records) -> np.ndarray:
    """Return the account of each subscription: its customer, or itself where it has none."""
    if records.parent is None:
        return np.arange(records.n)
    return np.where(records.parent >= 0, records.parent, records.parent.max(initial=0) + 1 + np.arange(records.n))


def active_on(records: Records, day: int) -> np.ndarray:
    """Tell which subscriptions ran on a day; the day of the end is still one."""
    start = records.days["start_at"]
    end = records.days.get("end_at", np.full(records.n, NO_DAY))
    return (start != NO_DAY) & (start <= day) & ((end == NO_DAY) | (end >= day))


def available_to_renew(records: Records, first: int, last: int) -> np.ndarray:
    """Tell which subscriptions could leave in a period: active at its start, term ending in it or none known."""
    renewal = records.days.get("renewal_at", np.full(records.n, NO_DAY))
    return active_on(records, first) & ((renewal == NO_DAY) | ((renewal >= first) & (renewal <= last)))


def _per_account(lens: Lens, accounts, available, kept, size, period: int) -> tuple[np.ndarray, ...]:
    """Return slice, period, size at the start and size at the end of each account with something up for renewal."""
    ids = lens.ids("subscription")
    keys = accounts.astype(np.int64) * lens.n_slices + ids
    at_risk, place = np.unique(keys[available], return_inverse=True)
    base = np.bincount(place, weights=size[available], minlength=len(at_risk))
    still = kept & np.isin(keys, at_risk)
    end = np.bincount(np.searchsorted(at_risk, keys[still]), weights=size[still], minlength=len(at_risk))
    return at_risk % lens.n_slices, np.full(len(at_risk), period), base, end


def _of_customers(measure, lens: Lens) -> list[Cells]:
    question = lens.question
    records = question.journeys.records["customer"]
    selected = question.selected("customer", measure.where)
    if selected is None or not lens.carries("customer") or not {"live_at", "ended_at"} <= set(records.days):
        return []
    live, ended = records.days["live_at"], records.days["ended_at"]
    parts = []
    axis, shown = question.quarters()
    for first, last, period in zip(axis.starts.tolist(), axis.ends.tolist(), shown.tolist(), strict=True):
        there = selected & (live != NO_DAY) & (live < first) & ((ended == NO_DAY) | (ended >= first))
        stayed = (ended == NO_DAY) | (ended > last)
        ones = np.ones(int(there.sum()))
        parts.append((lens.ids("customer")[there], np.full(len(ones), period), ones, stayed[there].astype(float)))
    return _cells(measure, lens, parts, scale=1)


def _cells(measure, lens: Lens, parts: list[tuple[np.ndarray, ...]], scale: int) -> list[Cells]:
    if not parts:
        return []
    slices, periods, base, end = (np.concatenate(column) for column in zip(*parts, strict=True))
    slices, periods, base, end = (column[base > 0] for column in (slices, periods, base, end))
    x = _numerators(measure.variant, base / scale, end / scale)
    y = np.ones(len(base)) if measure.variant == "logo_churn" else base / scale
    keys, groups = np.unique(slices * len(lens.question.axis) + periods, return_inverse=True)
    add = [np.bincount(groups, weights=one, minlength=len(keys)) for one in (x, y, x * x, x * y, y * y)]
    n = np.bincount(groups, minlength=len(keys))
    if measure.variant == "logo_churn":
        low, high = wilson_interval(add[0], n, lens.question.confidence)
    else:
        between = ratio_of_sums_interval if measure.variant == "nrr" else share_of_sums_interval
        low, high = between(tuple(add), n, lens.question.confidence)
    slice_, period = np.divmod(keys, max(len(lens.question.axis), 1))
    ended = lens.question.ended[period]
    return [Cells("period", slice_, period, add[0] / add[1], n, add[0], add[1], low, high, ended)]


def _numerators(variant: str, base: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return each account's part of the numerator from its size at the start and at the end."""
    stayed = np.minimum(base, end)
    return {
        "grr": stayed,
        "nrr": end,
        "revenue_churn": base - stayed,
        "seat_churn": base - stayed,
        "logo_churn": (end <= 0).astype(float),
    }[variant]
