"""What a commission plan pays whom: any split between net-new and expansion revenue, before and after.

A split such as 80/20 says how much of the pay hangs on each kind of revenue. Two ways to compare plans:

- *pool*: the same total is paid under both plans. Each kind's part of the pool is shared out in proportion to what each
  person won of that kind.
- *rate*: a commission rate is given for an even split. A kind that carries the share w of the pay earns w ÷ ½ times
  that rate, so that 80/20 pays 1.6 × on net-new and 0.4 × on expansion; the total moves with what is won.

Without a plan to compare with, one rate for all revenue is the plan before.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from helpers.errors import ParameterError
from helpers.periods import period_of
from helpers.units import format_money, format_value

NEW, EXPANSION = "new", "expansion"
KINDS = (NEW, EXPANSION)
PAY_COLUMNS = [
    "name", "n_new", "n_expansion", "new", "expansion", "pay_before", "pay_after", "change", "relative_change",
    "next_new_before", "next_new_after", "next_expansion_before", "next_expansion_after",
]  # fmt: skip
RATE_COLUMNS = ["kind", "revenue", "n", "before", "after"]
RENEWAL = "renew"
ASSUMED_SHARE = 0.10
"""Share of the revenue won that is taken as pool where nobody says what is paid."""

_RATIO = re.compile(r"\s*(\d+(?:[.,]\d+)?)\s*(?:/|:|-)\s*(\d+(?:[.,]\d+)?)\s*")


@dataclass(frozen=True)
class CommissionSplit:
    """What a plan pays, beside the plan before.

    Attributes:
        frame: One row per person, most changed first, with ``PAY_COLUMNS``: deals and revenue by kind (company's
            currency), pay before and after (to the cent), the change, and what one more unit of revenue of each kind
            would pay that person under each plan.
        rates: One row per kind with ``RATE_COLUMNS``: revenue, deals, and the pay per unit of it before and after.
        ratio: Share of the pay that hangs on net-new revenue, after.
        before: Likewise before; None where one rate was paid for all revenue.
        mode: pool or rate.
        total_before, total_after: Pay of everybody.
        by: What the rows are: owner, team …
        notes: What was decided, and what was left out with its count and amount.
        headline: What it shows, in a sentence.
        currency: The company's currency.
    """

    frame: pd.DataFrame
    rates: pd.DataFrame
    ratio: float
    before: float | None
    mode: str
    total_before: float
    total_after: float
    by: str
    notes: tuple[str, ...]
    headline: str
    currency: str


def read_ratio(ratio: Any) -> float:
    """Return the share of pay on net-new revenue from ``80/20``, ``(80, 20)`` or ``0.8``.

    >>> read_ratio("80/20"), read_ratio((1, 1)), read_ratio(0.65)
    (0.8, 0.5, 0.65)

    Raises:
        ParameterError: It is neither.
    """
    numbers: Sequence[float] = ()
    found = _RATIO.fullmatch(ratio) if isinstance(ratio, str) else None
    if found:
        numbers = [float(one.replace(",", ".")) for one in found.groups()]
    elif isinstance(ratio, int | float) and not isinstance(ratio, bool):
        numbers = (float(ratio), 1 - float(ratio))
    elif isinstance(ratio, Sequence) and not isinstance(ratio, str) and len(ratio) == 2:
        numbers = [float(one) for one in ratio]
    if not numbers or not all(np.isfinite(numbers)) or min(numbers) < 0 or sum(numbers) <= 0:
        raise ParameterError(
            f"ratio '{ratio}' can't be read. Write net-new and expansion such as 80/20, or the share on net-new: 0.8."
        )
    return numbers[0] / sum(numbers)


def split_commission(
    deals: pd.DataFrame,
    *,
    ratio: Any,
    pool: float | None = None,
    rate: float | None = None,
    by: str = "owner",
    before: Any = None,
    people: Iterable[str] = (),
    currency: str = "USD",
) -> CommissionSplit:
    """Tell what a split of commission between net-new and expansion revenue pays each person, before and after.

    Args:
        deals: Deals with ``by``, amount and is_new_business; where there is an outcome only won ones count; where
            there is a type that says renewal the deal is neither net-new nor expansion and is left out.
        ratio: Net-new to expansion, such as ``80/20``, ``(50, 50)`` or 0.8 for the share on net-new.
        pool: Total pay under both plans; or
        rate: Commission rate of an even split, 0–1. Exactly one of the two.
        by: Column that names who is paid.
        before: The ratio before; None pays one rate for all revenue.
        people: Everybody under the plan, so that who closed nothing is listed too.
        currency: For the texts.

    Returns:
        The comparison. Deals without ``by`` or amount earn nobody anything; they are counted in the notes. Negative
        amounts (contraction) are set off inside the person and kind; a person's revenue of a kind never counts as less
        than 0, so nobody pays back. Where nobody won a kind at all, its part of the pool goes to the other kind.

    Raises:
        ParameterError: Neither or both of pool and rate, a negative one, or a ratio that can't be read.
    """
    if (pool is None) == (rate is None):
        raise ParameterError("Say either pool, the total pay under both plans, or rate, that of an even split.")
    given = float(pool if rate is None else rate)
    if not np.isfinite(given) or given < 0:
        raise ParameterError(f"{'pool' if rate is None else 'rate'} is {given:g}. It can't be less than 0.")
    after = read_ratio(ratio)
    earlier = None if before is None else read_ratio(before)
    counted, notes = _choose_deals(deals, by, currency)
    revenue, n = _sum_up(counted, by, people)
    floored = revenue.clip(lower=0)
    cut = int((revenue < 0).to_numpy().sum())
    if cut:
        notes.append(f"{cut} sums below 0 after contraction count as 0: nobody pays back.")
    plans = [_pay(floored, share, pool, rate) for share in (earlier, after)]
    if pool is not None and floored.sum().eq(0).any() and floored.to_numpy().sum() > 0:
        notes.append("Nobody won one of the two kinds, so its part of the pool went to the other kind.")
    frame = _tabulate(revenue, n, floored, plans, is_pool=pool is not None, was_split=earlier is not None)
    rates = pd.DataFrame(
        [
            (kind, float(floored[kind].sum()), int(n[kind].sum()), plans[0][1][kind], plans[1][1][kind])
            for kind in KINDS
        ],
        columns=RATE_COLUMNS,
    )
    totals = [float(frame[name].sum().round(2)) for name in ("pay_before", "pay_after")]
    headline = _say_headline(frame, rates, after, earlier, totals, currency)
    mode = "pool" if rate is None else "rate"
    return CommissionSplit(frame, rates, after, earlier, mode, *totals, by, tuple(notes), headline, currency)


def review_commission(
    company: Any,
    *,
    as_of: date,
    ratio: Any,
    grain: str = "quarter",
    pool: float = 0.0,
    rate: float = 0.0,
    by: str = "owner",
    before: Any = None,
) -> CommissionSplit | None:
    """Split commission on the deals that a company won in the year up to its latest whole period.

    Args:
        company: The opened company.
        as_of: The last day that counts.
        ratio: Net-new to expansion, such as ``80/20``.
        grain: month, quarter or year.
        pool: Total pay under both plans; 0 where a rate is given.
        rate: Commission rate of an even split; 0 where a pool is given. Without either a tenth of the revenue is taken
            as pool, and said.
        by: Column that names who is paid. Who carries a quota, leads nobody and closed nothing is listed too.
        before: The ratio before; None pays one rate for all revenue.

    Returns:
        The comparison; None where the exports hold no deals with an amount and ``by``.
    """
    deals = company.tables.get("deal")
    if deals is None or not {by, "amount", "is_new_business", "outcome", "closed_at"} <= set(deals.columns):
        return None
    period = period_of(as_of, grain, company.fiscal_year_start)
    period = period if period.end <= as_of else period.previous()
    end = pd.Timestamp(period.end) + pd.Timedelta(days=1)
    won = deals[
        (deals["outcome"] == "won") & (deals["closed_at"] >= end - pd.DateOffset(years=1)) & (deals["closed_at"] < end)
    ]
    plan: dict[str, Any] = {"rate": rate} if rate else {"pool": pool}
    assumed = not (pool or rate)
    if assumed:
        plan = {"pool": round(ASSUMED_SHARE * float(won["amount"].clip(lower=0).sum()), 2)}
    people = _find_people(company) if by == "owner" else ()
    split = split_commission(won, ratio=ratio, by=by, before=before, people=people, currency=company.currency, **plan)
    basis = f"Deals won in the year to {period.label}."
    said = f"Nobody said what is paid, so a pool of {ASSUMED_SHARE * 100:.0f} % of the revenue won is assumed."
    return replace(split, notes=(basis, *([said] if assumed else []), *split.notes))


def _find_people(company: Any) -> list[str]:
    """Return who carries a quota and leads nobody: a manager's quota is that of the team."""
    people = company.tables.get("person")
    if people is None or not {"id", "quota"} <= set(people.columns):
        return []
    leads = set(people["manager"].dropna()) if "manager" in people else set()
    return [str(one) for one in people.loc[people["quota"] > 0, "id"].dropna() if one not in leads]


def _choose_deals(deals: pd.DataFrame, by: str, currency: str) -> tuple[pd.DataFrame, list[str]]:
    """Return the deals that pay, and say which ones don't."""
    missing = {by, "amount", "is_new_business"} - set(deals.columns)
    if missing:
        raise ParameterError(f"deals lack {', '.join(sorted(missing))}. Map them, or pay by another column.")
    won = deals[deals["outcome"] == "won"] if "outcome" in deals else deals
    notes = []
    renewals = pd.Series(False, index=won.index)
    is_existing = ~won["is_new_business"].astype("boolean").fillna(True).astype(bool)
    if "type" in won:
        renewals = won["type"].astype("str").str.casefold().str.contains(RENEWAL, na=False) & won["type"].notna()
    if renewals.any():
        notes.append(f"{_count(won[renewals], currency)} of renewal are neither net-new nor expansion and pay nothing.")
    elif is_existing.any():
        notes.append("Deals with existing customers count as expansion whole: no type tells renewals from growth.")
    rest = won[~renewals]
    unowned = rest[by].isna()
    if unowned.any():
        notes.append(f"{_count(rest[unowned], currency)} without {by} pay nobody.")
    rest = rest[~unowned]
    unpriced = rest["amount"].isna()
    if unpriced.any():
        notes.append(f"{int(unpriced.sum())} deals without an amount pay nothing.")
    rest = rest[~unpriced]
    negative = rest["amount"] < 0
    if negative.any():
        notes.append(f"{_count(rest[negative], currency)} below 0 are set off against the person's other deals.")
    is_new = rest["is_new_business"].astype("boolean").fillna(True).astype(bool)
    return rest.assign(kind=np.where(is_new, NEW, EXPANSION)), notes


def _count(deals: pd.DataFrame, currency: str) -> str:
    noun = "deal" if len(deals) == 1 else "deals"
    return f"{len(deals)} {noun} ({format_money(float(deals['amount'].sum()), currency)})"


def _sum_up(deals: pd.DataFrame, by: str, people: Iterable[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return revenue in cents and number of deals per person and kind."""
    names = sorted({*deals[by].astype(str), *(str(one) for one in people)})
    cents = (deals["amount"] * 100).round().astype("int64")
    keys = [deals[by].astype(str), deals["kind"]]
    revenue, n = (
        one.unstack("kind").reindex(index=pd.Index(names, name="name"), columns=list(KINDS)).fillna(0).astype("int64")
        for one in (cents.groupby(keys).sum(), cents.groupby(keys).size())
    )
    return revenue / 100, n


def _pay(
    revenue: pd.DataFrame, share: float | None, pool: float | None, rate: float | None
) -> tuple[pd.Series, dict[str, float]]:
    """Return everybody's pay and what a unit of each kind pays."""
    totals = {kind: float(revenue[kind].sum()) for kind in KINDS}
    together = sum(totals.values())
    if rate is not None:
        rates = {NEW: rate if share is None else 2 * share * rate,
                 EXPANSION: rate if share is None else 2 * (1 - share) * rate}  # fmt: skip
        exact = sum(revenue[kind] * rates[kind] for kind in KINDS)
        return (exact * 100).round(6).add(0.5).apply(np.floor) / 100, rates
    if together <= 0:
        return pd.Series(0.0, index=revenue.index), dict.fromkeys(KINDS, 0.0)
    parts = {NEW: totals[NEW] / together, EXPANSION: totals[EXPANSION] / together}
    if share is not None:
        parts = {NEW: share, EXPANSION: 1 - share}
        for kind, other in (KINDS, KINDS[::-1]):
            if totals[kind] <= 0:
                parts = {kind: 0.0, other: 1.0}
    rates = {kind: pool * parts[kind] / totals[kind] if totals[kind] > 0 else 0.0 for kind in KINDS}
    exact = sum(revenue[kind] * rates[kind] for kind in KINDS)
    return share_out(exact, round(pool * 100)) / 100, rates


def share_out(exact: pd.Series, cents: int) -> pd.Series:
    """Round amounts to cents so that they add up: the largest remainders get the cents that rounding down leaves.

    >>> share_out(pd.Series([1 / 3, 1 / 3, 1 / 3]), 100).tolist()
    [34, 33, 33]
    """
    scaled = (exact * 100).round(6)
    down = scaled.apply(np.floor).astype("int64")
    left = int(cents - down.sum())
    order = (down - scaled).sort_values(kind="stable").index[: max(left, 0)]
    down.loc[order] += 1
    return down


def _tabulate(revenue, n, floored, plans, *, is_pool: bool, was_split: bool) -> pd.DataFrame:
    """Lay the plans side by side; of a fixed pool, one more unit also takes from what the person had of it."""
    (pay_before, rates_before), (pay_after, rates_after) = plans
    frame = pd.DataFrame({"name": revenue.index.astype(str), "n_new": n[NEW].to_numpy(),
                          "n_expansion": n[EXPANSION].to_numpy(), "new": revenue[NEW].to_numpy(),
                          "expansion": revenue[EXPANSION].to_numpy(), "pay_before": pay_before.to_numpy(float),
                          "pay_after": pay_after.to_numpy(float)})  # fmt: skip
    frame["change"] = (frame["pay_after"] - frame["pay_before"]).round(2)
    frame["relative_change"] = (frame["change"] / frame["pay_before"]).where(frame["pay_before"] > 0)
    for plan, rates, is_split in (("before", rates_before, was_split), ("after", rates_after, True)):
        for kind in KINDS:
            mine = floored[kind] if is_split else floored.sum(axis=1)
            own = mine.to_numpy() / max(float(mine.sum()), 0.01) if is_pool else 0.0
            frame[f"next_{kind}_{plan}"] = rates[kind] * (1 - own)
    frame = frame.assign(moved=frame["change"].abs())
    frame = frame.sort_values(["moved", "pay_after", "name"], ascending=[False, False, True], ignore_index=True)
    return frame[PAY_COLUMNS]


def _say_headline(frame, rates, after: float, before: float | None, totals, currency: str) -> str:
    said = f"{after * 100:.0f}/{100 - round(after * 100):.0f}"
    then = "one rate for all revenue" if before is None else f"{before * 100:.0f}/{100 - round(before * 100):.0f}"
    if frame.empty or not sum(totals):
        return "No won deal pays anything yet"
    by_kind = rates.set_index("kind")
    units = [format_value(float(by_kind.loc[kind, "after"]), "share", digits=1) for kind in KINDS]
    won = [kind for kind in KINDS if by_kind.loc[kind, "revenue"] > 0]
    if len(won) == 1 and round(totals[0], 2) == round(totals[1], 2):
        kind = "net-new" if won[0] == NEW else "expansion"
        return f"All revenue won is {kind}, so {said} changes nobody's pay"
    text = f"Under {said}, net-new revenue pays {units[0]} and expansion {units[1]}"
    moved = float(frame["change"].clip(lower=0).sum())
    more = int((frame["change"] > 0).sum())
    if round(totals[0], 2) == round(totals[1], 2):
        return f"{text}; beside {then} {format_money(moved, currency)} moves to {more} of {len(frame)} people"
    change = totals[1] - totals[0]
    way = "more" if change > 0 else "less"
    return f"{text}; all together earn {format_money(abs(change), currency)} {way} than with {then}"
