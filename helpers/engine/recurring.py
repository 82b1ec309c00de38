"""KPIs of recurring revenue: what stayed and what left of what could leave.

What could leave in a period is what was active on its first day and whose term ended in it: subscriptions with a
renewal date in the period. A subscription without a renewal date runs from month to month and could always leave; a
contract over several years is up for renewal only in the period in which it ends. Losses and gains are set off inside
an account, never across accounts; gross churn sets them off inside an account's product only. A term that ends on the
last day of a period and starts again on the next one was renewed, and so was one that starts again within the grace
for late renewals. Beside that, ``grr_starting`` and ``nrr_starting`` take everything that was active on the first day,
up for renewal or not. Over the whole history, its quarters are added up, both halves. Source: Kellogg, churn on
available to renew; SaaS Metrics Standards Board for retention of the revenue present at the start.
"""

import numpy as np

from helpers.engine.counting import Cells
from helpers.engine.doubt import ratio_of_sums_interval, share_of_sums_interval, wilson_interval
from helpers.engine.journeys import Records
from helpers.engine.slicing import Lens
from helpers.engine.timeline import NO_DAY

FIELD = {
    "grr": "mrr",
    "nrr": "mrr",
    "revenue_churn": "mrr",
    "gross_churn": "mrr",
    "grr_starting": "mrr",
    "nrr_starting": "mrr",
    "seat_churn": "seats",
    "logo_churn": None,
}
"""Variant → what is added up; None counts accounts."""

STARTING = ("grr_starting", "nrr_starting")
"""Variants whose base is everything active on the first day, not only what was up for renewal."""


def measure_retention(measure, lens: Lens, company) -> list[Cells]:
    """Tell how much of what could leave stayed, or left; accounts are the records behind it."""
    journeys = lens.question.journeys
    if "subscription" in journeys.records:
        return _of_subscriptions(measure, lens, company)
    if measure.variant == "logo_churn" and "customer" in journeys.records:
        return _of_customers(measure, lens)
    return []


def _of_subscriptions(measure, lens: Lens, company) -> list[Cells]:
    question = lens.question
    records = question.journeys.records["subscription"]
    selected = question.selected("subscription", measure.where)
    name = FIELD[measure.variant]
    if selected is None or not lens.carries("subscription") or "start_at" not in records.days:
        return []
    if name is not None and name not in records.cents:
        return []
    size = records.cents[name] if name else np.ones(records.n, np.int64)
    accounts = find_accounts(records)
    lines = find_lines(records, accounts, company) if measure.variant == "gross_churn" else None
    grace, as_of = company.catalog.rules.renewal_grace_days, question.journeys.as_of
    parts = []
    axis, shown = question.quarters()
    for first, last, period in zip(axis.starts.tolist(), axis.ends.tolist(), shown.tolist(), strict=True):
        available, kept = find_at_stake(records, measure.variant, first, last, as_of=as_of, grace=grace)
        parts.append(_per_account(lens, accounts, lines, (selected & available, selected & kept), size, period))
    return _cells(measure, lens, parts, scale=100 if name else 1, grace=grace)


def find_accounts(records: Records) -> np.ndarray:
    """Return the account of each subscription: its customer, or itself where it has none."""
    if records.parent is None:
        return np.arange(records.n)
    return np.where(records.parent >= 0, records.parent, records.parent.max(initial=0) + 1 + np.arange(records.n))


def find_lines(records: Records, accounts: np.ndarray, company) -> np.ndarray:
    """Return a number per account and product: nothing else links a contract to the one that renews it."""
    products = [id for id, one in company.partitions.items() if one.objects.get("subscription") == "product"]
    codes = next((records.codes[id] for id in products if id in records.codes), np.zeros(records.n, np.int32))
    keys = accounts.astype(np.int64) * (int(codes.max(initial=0)) + 1) + codes
    return np.unique(keys, return_inverse=True)[1]


def active_on(records: Records, day: int) -> np.ndarray:
    """Tell which subscriptions ran on a day; the day of the end is still one."""
    return _runs(records.days["start_at"], _ends(records), day)


def _ends(records: Records) -> np.ndarray:
    return records.days.get("end_at", np.full(records.n, NO_DAY))


def _runs(start: np.ndarray, end: np.ndarray, day: int) -> np.ndarray:
    return (start != NO_DAY) & (start <= day) & ((end == NO_DAY) | (end >= day))


def available_to_renew(records: Records, first: int, last: int) -> np.ndarray:
    """Tell which subscriptions could leave in a period: active at its start, term ending in it or none known."""
    renewal = records.days.get("renewal_at", np.full(records.n, NO_DAY))
    return active_on(records, first) & ((renewal == NO_DAY) | ((renewal >= first) & (renewal <= last)))


def find_at_stake(
    records: Records, variant: str, first: int, last: int, *, as_of: int, grace: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Tell which subscriptions are the base of a period, and which ones tell what became of their accounts after it.

    Args:
        records: The subscriptions.
        variant: The variant of retention.
        first: The period's first day.
        last: The period's last day.
        as_of: The last day that counts.
        grace: A contract that starts at most so many days after the end of one that left was a late renewal.

    Returns:
        Two masks: available, kept.
    """
    start, morning_after = records.days["start_at"], min(last, as_of) + 1
    if variant in STARTING:
        end = _ends_before_replaced(records)
        available, kept = _runs(start, end, first), _runs(start, end, morning_after)
        return available, kept | _renewed_late(records, available, morning_after, grace)
    available = available_to_renew(records, first, last)
    kept = active_on(records, morning_after) | _renewed_late(records, available, morning_after, grace)
    return available, kept & (available | (start >= first)) if FIELD[variant] else kept


def _ends_before_replaced(records: Records) -> np.ndarray:
    """Return the days of the end, a day earlier where the account has another contract from that very day on."""
    start, end, accounts = records.days["start_at"], _ends(records), find_accounts(records).astype(np.int64)
    known = start != NO_DAY
    begun = accounts[known] * (1 << 32) + start[known]
    replaced = (end != NO_DAY) & (end > start) & np.isin(accounts * (1 << 32) + end, begun)
    return np.where(replaced, end - 1, end)


def _renewed_late(records: Records, available: np.ndarray, morning_after: int, grace: int) -> np.ndarray:
    """Tell which subscriptions start only after the period, but within the grace after one that was at stake ended."""
    if not grace:
        return np.zeros(records.n, bool)
    start, end, accounts = records.days["start_at"], _ends(records), find_accounts(records)
    left = available & (end != NO_DAY) & (end < morning_after)
    latest = np.full(int(accounts.max(initial=0)) + 1, NO_DAY, np.int64)
    np.maximum.at(latest, accounts[left], end[left])
    return (start > morning_after) & (start <= latest[accounts] + grace)


def _per_account(lens: Lens, accounts, lines, masks, size, period: int) -> tuple[np.ndarray, ...]:
    """Return slice, period, size at the start, at the end and what stayed of each account with something at stake."""
    ids = lens.ids("subscription")
    keys, own = (None if one is None else one.astype(np.int64) * lens.n_slices + ids for one in (accounts, lines))
    at_risk, base, end, stayed = balance_accounts(keys, own, masks, size)
    return at_risk % lens.n_slices, np.full(len(at_risk), period), base, end, stayed


def balance_accounts(
    accounts: np.ndarray, lines: np.ndarray | None, masks: tuple[np.ndarray, np.ndarray], size: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Set what each account had at stake against what it has after the period.

    Args:
        accounts: Number of each subscription's account.
        lines: Number of its account's product, inside which alone losses and gains are set off; None for the account.
        masks: Which subscriptions are the base, and which ones tell what became of it.
        size: What each subscription counts for.

    Returns:
        Numbers of the accounts with something at stake, and their size before, after, and what of it stayed.
    """
    available, kept = masks
    at_risk, base, end = _balance(accounts, available, kept, size)
    stayed = np.minimum(base, end)
    if lines is not None:
        _, before, after = _balance(lines, available, kept, size)
        _, first = np.unique(lines[available], return_index=True)
        place = np.searchsorted(at_risk, accounts[available][first])
        stayed = np.bincount(place, weights=np.minimum(before, after), minlength=len(at_risk))
    return at_risk, base, end, stayed


def _balance(keys: np.ndarray, available, kept, size) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    at_risk, place = np.unique(keys[available], return_inverse=True)
    base = np.bincount(place, weights=size[available], minlength=len(at_risk))
    still = kept & np.isin(keys, at_risk)
    end = np.bincount(np.searchsorted(at_risk, keys[still]), weights=size[still], minlength=len(at_risk))
    return at_risk, base, end


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
        still = stayed[there].astype(float)
        parts.append((lens.ids("customer")[there], np.full(len(ones), period), ones, still, still))
    return _cells(measure, lens, parts, scale=1, grace=0)


def _cells(measure, lens: Lens, parts: list[tuple[np.ndarray, ...]], *, scale: int, grace: int) -> list[Cells]:
    if not parts:
        return []
    slices, periods, base, end, stayed = (np.concatenate(column) for column in zip(*parts, strict=True))
    slices, periods, base, end, stayed = (column[base > 0] for column in (slices, periods, base, end, stayed))
    x = count_numerators(measure.variant, base / scale, end / scale, stayed / scale)
    y = np.ones(len(base)) if measure.variant == "logo_churn" else base / scale
    keys, groups = np.unique(slices * len(lens.question.axis) + periods, return_inverse=True)
    add = [np.bincount(groups, weights=one, minlength=len(keys)) for one in (x, y, x * x, x * y, y * y)]
    n = np.bincount(groups, minlength=len(keys))
    if measure.variant == "logo_churn":
        low, high = wilson_interval(add[0], n, lens.question.confidence)
    else:
        between = ratio_of_sums_interval if measure.variant in ("nrr", "nrr_starting") else share_of_sums_interval
        low, high = between(tuple(add), n, lens.question.confidence)
    slice_, period = np.divmod(keys, max(len(lens.question.axis), 1))
    question = lens.question
    ended = question.ended & (question.axis.ends + grace <= question.outline.observed_until)
    return [Cells("period", slice_, period, add[0] / add[1], n, add[0], add[1], low, high, ended[period])]


def count_numerators(variant: str, base: np.ndarray, end: np.ndarray, stayed: np.ndarray) -> np.ndarray:
    """Return each account's part of the numerator from its size at the start, at the end and what stayed of it."""
    if variant in ("grr", "grr_starting"):
        return stayed
    if variant in ("nrr", "nrr_starting"):
        return end
    return (end <= 0).astype(float) if variant == "logo_churn" else base - stayed
