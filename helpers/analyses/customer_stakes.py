"""What each account had at stake, quarter by quarter, what became of it, and how the account once came in.

An account is at stake in a quarter when it could leave in it: its term ends there, or it runs from month to month. What
is known of how it came in: every partition of its first contract that was known then, and the sale itself: the size of
the first deal, its discount, how long it took, whether it fitted the ideal customer, and whose sale it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.leaf_dimensions import is_person
from helpers.engine.journeys import Journeys, Records, build_journeys
from helpers.engine.recurring import active_on, balance_accounts, find_accounts, find_at_stake
from helpers.engine.timeline import NO_DAY, day_number, to_date
from helpers.periods import build_periods
from helpers.units import format_value

STAKE_COLUMNS = ["account", "quarter", "age", "mrr", "mrr_lost", "seats", "seats_lost", "has_left"]
LIFE_COLUMNS = ["account", "days", "is_gone"]
LEAST_FOR_BANDS = 30
MOST_VALUES = 40
MOST_BLANK = 0.6
FIRST_SIZE, SALE_SPEED, DISCOUNT, ICP_FIT = "first_deal_size", "sale_speed", "discount", "icp_fit"
SALE_LABELS = {
    FIRST_SIZE: "First deal size",
    SALE_SPEED: "Length of the sale",
    DISCOUNT: "Discount",
    ICP_FIT: "Fit to the ideal customer",
}


@dataclass(frozen=True)
class Stakes:
    """Hold the stakes of a company's accounts.

    Attributes:
        frame: One row per account and quarter in which it could leave (``STAKE_COLUMNS``): account (number), quarter
            (its first day), age (days since the account's first contract), mrr and seats at stake, mrr_lost and
            seats_lost (gains of one contract set off against losses of another), has_left.
        life: One row per account: account, days (until it left, or until the last day that counts), is_gone.
        origins: One row per account, one text column per origin (missing as NA).
        labels: Origin → what it is called.
        people: Those of the origins that name people.
        has_money: Whether contracts carry an amount.
        has_seats: Whether they carry seats.
        basis: What could leave, in words.
        why_not: Why nothing can be told.
    """

    frame: pd.DataFrame
    life: pd.DataFrame
    origins: pd.DataFrame
    labels: dict[str, str] = field(default_factory=dict)
    people: tuple[str, ...] = ()
    has_money: bool = False
    has_seats: bool = False
    basis: str = ""
    why_not: str = ""


def build_stakes(company: Any, *, as_of: date, fit: Mapping[str, str] | None = None) -> Stakes:
    """Build the stakes of every account in every quarter that has ended.

    Args:
        company: The opened company.
        as_of: The last day that counts.
        fit: Deal id → inside or outside the ideal customer; None leaves it out.

    Returns:
        The stakes from contracts; from customers with their end where there are no contracts (logos only).
    """
    journeys = build_journeys(company, as_of=as_of)
    records = journeys.records.get("subscription")
    nothing = Stakes(*(pd.DataFrame(columns=names) for names in (STAKE_COLUMNS, LIFE_COLUMNS, ["account"])))
    if records is not None and "start_at" in records.days and (records.days["start_at"] != NO_DAY).any():
        frame, life, first = _of_contracts(company, journeys, records, as_of)
        basis = "accounts whose term ended in a quarter, month to month ones in every quarter"
    else:
        records = journeys.records.get("customer")
        if records is None or not {"live_at", "ended_at"} <= set(records.days):
            why_not = (
                "No export tells which customers could leave and which did. Add contracts (account, start, end, "
                "renewal date, monthly amount, seats), or the day on which a customer ended."
            )
            return Stakes(nothing.frame, nothing.life, nothing.origins, why_not=why_not)
        frame, life, first = _of_customers(company, journeys, records, as_of)
        basis = "customers present at the start of a quarter"
    origins, labels, people = _find_origins(company, journeys, records, first, fit)
    why_not = "" if len(frame) else "No account could leave in a quarter that has ended."
    money, seats = (bool(frame[name].sum() > 0) for name in ("mrr", "seats"))
    return Stakes(frame, life, origins, labels, people, money, seats, basis, why_not)


def _list_quarters(company: Any, first: int, as_of: date) -> list:
    grace = company.catalog.rules.renewal_grace_days
    quarters = build_periods(to_date(first), as_of, "quarter", company.fiscal_year_start)
    return [one for one in quarters if day_number(one.end) + grace <= day_number(as_of)]


def _of_contracts(company: Any, journeys: Journeys, records: Records, as_of: date):
    """Return stakes, lives and the first contract of every account."""
    start, end = records.days["start_at"], records.days.get("end_at", np.full(records.n, NO_DAY))
    accounts, grace = find_accounts(records), company.catalog.rules.renewal_grace_days
    known = np.flatnonzero(start != NO_DAY)
    order = known[np.lexsort((known, start[known], accounts[known]))]
    ids, at = np.unique(accounts[order], return_index=True)
    first = order[at]
    born = dict(zip(ids.tolist(), start[first].tolist(), strict=True))
    ones = np.ones(records.n)
    sizes = {name: records.cents[name] / 100 for name in ("mrr", "seats") if name in records.cents}
    parts = []
    for quarter in _list_quarters(company, int(start[known].min()), as_of):
        days = day_number(quarter.start), day_number(quarter.end)
        stake = find_at_stake(records, "logo_churn", *days, as_of=journeys.as_of, grace=grace)
        who, _, after, _ = balance_accounts(accounts, None, stake, ones)
        if not len(who):
            continue
        part = {"account": who, "quarter": pd.Timestamp(quarter.start), "has_left": after <= 0}
        part["age"] = np.array([days[0] - born[one] for one in who.tolist()], dtype=float)
        for name, size in sizes.items():
            variant = "grr" if name == "mrr" else "seat_churn"
            masks = find_at_stake(records, variant, *days, as_of=journeys.as_of, grace=grace)
            _, base, _, stayed = balance_accounts(accounts, None, masks, size)
            part[name], part[f"{name}_lost"] = base, np.maximum(base - stayed, 0.0)
        parts.append(pd.DataFrame(part))
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    until = day_number(as_of)
    running = np.unique(accounts[active_on(records, until) | ((end != NO_DAY) & (end + grace >= until))])
    is_gone = ~np.isin(ids, running)
    last = np.zeros(int(accounts.max(initial=0)) + 1, np.int64)
    np.maximum.at(last, accounts[known], np.where(end[known] == NO_DAY, until, np.minimum(end[known], until)))
    days = np.where(is_gone, last[ids], until) - start[first]
    life = pd.DataFrame({"account": ids, "days": np.maximum(days, 0), "is_gone": is_gone})
    return frame.reindex(columns=STAKE_COLUMNS).fillna({"mrr": 0.0, "seats": 0.0}), life[life["days"] >= 0], first


def _of_customers(company: Any, journeys: Journeys, records: Records, as_of: date):
    """Return stakes, lives and the row of every customer; nothing but logos can be told."""
    live, ended = records.days["live_at"], records.days["ended_at"]
    known, until = np.flatnonzero(live != NO_DAY), day_number(as_of)
    parts = []
    for quarter in _list_quarters(company, int(live[known].min()) if len(known) else until, as_of):
        first, last = day_number(quarter.start), day_number(quarter.end)
        there = known[(live[known] < first) & ((ended[known] == NO_DAY) | (ended[known] >= first))]
        left = (ended[there] != NO_DAY) & (ended[there] <= last)
        parts.append(pd.DataFrame({"account": there, "quarter": pd.Timestamp(quarter.start), "has_left": left,
                                   "age": (first - live[there]).astype(float)}))  # fmt: skip
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    frame = frame.reindex(columns=STAKE_COLUMNS).fillna({"mrr": 0.0, "mrr_lost": 0.0, "seats": 0.0, "seats_lost": 0.0})
    gone = (ended[known] != NO_DAY) & (ended[known] <= until)
    days = np.where(gone, ended[known], until) - live[known]
    return frame, pd.DataFrame({"account": known, "days": np.maximum(days, 0), "is_gone": gone}), known


def _find_origins(
    company: Any, journeys: Journeys, records: Records, first: np.ndarray, fit: Mapping[str, str] | None
) -> tuple[pd.DataFrame, dict[str, str], tuple[str, ...]]:
    """Return how every account came in: its partitions known then, and the sale."""
    accounts = find_accounts(records)[first] if records.object == "subscription" else first
    columns: dict[str, Any] = {"account": accounts}
    labels, people = {}, []
    for id, partition in company.partitions.items():
        if id not in records.codes or partition.known != "entry" or partition.question == "when":
            continue
        texts = np.append(journeys.labels[id][:-1].astype(object), None)[records.codes[id][first]]
        values = pd.Series(texts, dtype="str")
        if not 2 <= values.nunique() <= MOST_VALUES or values.isna().mean() > MOST_BLANK:
            continue
        columns[id], labels[id] = values.to_numpy(), partition.label
        if is_person(partition):
            people.append(id)
    sale = _read_sale(company, journeys, records, first, fit)
    for id, values in sale.items():
        columns[id], labels[id] = values.to_numpy(), SALE_LABELS[id]
    return pd.DataFrame(columns), labels, tuple(people)


def _read_sale(
    company: Any, journeys: Journeys, records: Records, first: np.ndarray, fit: Mapping[str, str] | None
) -> dict[str, pd.Series]:
    """Return the size, length, discount and fit of the sale that brought each account."""
    found: dict[str, pd.Series] = {}
    deals, table = journeys.records.get("deal"), company.tables.get("deal")
    place = _find_deals(journeys, records, first)
    size = pd.Series(records.cents["mrr"][first] / 100 * 12) if "mrr" in records.cents else None
    if deals is not None and place is not None:
        has = place >= 0
        at = np.where(has, place, 0)
        if "amount" in deals.cents:
            size = pd.Series(np.where(has, deals.cents["amount"][at] / 100, np.nan))
        won = deals.reached.get(("won", "all"))
        if won is not None and "created_at" in table:
            created = table["created_at"].dt.normalize().to_numpy().astype("datetime64[D]").astype("int64")
            began = np.where(np.isnat(table["created_at"].to_numpy()), NO_DAY, created)[at]
            length = np.where(has & (won[at] != NO_DAY) & (began != NO_DAY), won[at].astype(float) - began, np.nan)
            found[SALE_SPEED] = _band(pd.Series(length).where(lambda days: days >= 0), "days", company.currency)
        discounts = [name for name in table if "discount" in name and pd.api.types.is_numeric_dtype(table[name])]
        if discounts:
            found[DISCOUNT] = _band_discounts(pd.Series(np.where(has, table[discounts[0]].to_numpy(float)[at], np.nan)))
        if fit:
            ids = table["id"].astype("str").to_numpy()
            found[ICP_FIT] = pd.Series([fit.get(ids[one]) if one >= 0 else None for one in place], dtype="str")
    if size is not None:
        found[FIRST_SIZE] = _band(size.where(size > 0), "currency", company.currency)
    return {id: values for id, values in found.items() if values.nunique() >= 2}


def _find_deals(journeys: Journeys, records: Records, first: np.ndarray) -> np.ndarray | None:
    """Return the row of the deal that brought each account, −1 where none is linked."""
    if "deal" not in journeys.records:
        return None
    place = first
    if records.object == "subscription":
        customers = journeys.records.get("customer")
        if records.parent is None or customers is None:
            return None
        place, records = records.parent[first], customers
    if records.parent is None:
        return None
    return np.where(place >= 0, records.parent[np.maximum(place, 0)], -1)


def _band(values: pd.Series, unit: str, currency: str) -> pd.Series:
    """Cut numbers into a lower, middle and upper third, named by their ends."""
    known = values.dropna()
    blank = pd.Series(pd.NA, index=values.index, dtype="str")
    if len(known) < LEAST_FOR_BANDS:
        return blank
    low, high = (float(one) for one in np.quantile(known, [1 / 3, 2 / 3]))
    if not low < high:
        return blank
    ends = [format_value(one, unit, currency=currency) for one in (low, high)]
    named = np.where(values <= low, f"up to {ends[0]}", np.where(values <= high, f"{ends[0]} to {ends[1]}", ""))
    named = np.where(values > high, f"over {ends[1]}", named)
    return pd.Series(named, index=values.index, dtype="str").where(values.notna())


def _band_discounts(values: pd.Series) -> pd.Series:
    """Tell no discount from a smaller and a larger one."""
    given = values[values > 0]
    if values.notna().sum() < LEAST_FOR_BANDS or given.empty:
        return pd.Series(pd.NA, index=values.index, dtype="str")
    middle = float(given.median())
    unit = "share" if given.max() <= 1 else "ratio"
    end = format_value(middle, "share") if unit == "share" else f"{middle:g} %"
    named = np.where(values > middle, f"over {end}", np.where(values > 0, f"up to {end}", "no discount"))
    return pd.Series(named, index=values.index, dtype="str").where(values.notna())
