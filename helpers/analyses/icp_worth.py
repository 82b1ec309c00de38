"""Win rate, deal size, retention and lifetime value of groups of records, and whether two groups differ.

Retention counts only what could churn, as the engine does: contracts whose term ended. Lifetime value is the yearly
recurring revenue per account × the years that it is expected to stay within the next five: (1 − s⁵) ÷ (1 − s), s being
the share of revenue kept per year, which is what was kept at renewal spread over the length of the term. Five years and
no more, since two or three years of history can't tell of later ones. It is revenue and no margin, as none is known.
Source: Skok, revenue per account ÷ churn rate, which this is without the end; Kellogg, churn on what could be renewed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from helpers.engine.cells import build_cells
from helpers.engine.doubt import mean_interval, wilson_interval
from helpers.model.dimension import Partition
from helpers.units import format_value

MEASURES = {"win_rate": "share", "deal_size": "currency", "retention": "share", "ltv": "currency"}
"""Measure → its unit, in the order in which they are shown."""

HORIZON = 5
"""Years ahead that lifetime value looks."""

MONTHLY_TERM = 0.25
"""Years between two chances to leave where no renewal date is known: the engine looks each quarter."""

BLANK = "(blank)"


@dataclass(frozen=True)
class Estimate:
    """One number of one group.

    Attributes:
        value: The number; None where there is nothing to count.
        low, high: Its interval.
        n: Records behind it.
        error: Its standard error, on the scale on which two groups are compared; None where it can't be told.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    error: float | None = None


@dataclass(frozen=True)
class Measured:
    """What one group is worth."""

    win_rate: Estimate = Estimate()
    deal_size: Estimate = Estimate()
    retention: Estimate = Estimate()
    ltv: Estimate = Estimate()
    grr: float | None = None
    years: float | None = None

    def as_row(self) -> dict[str, Any]:
        """Return the columns of ``GROUP_COLUMNS`` that tell the measures."""
        row: dict[str, Any] = {"grr": self.grr, "years": self.years}
        for measure in MEASURES:
            estimate = getattr(self, measure)
            row |= {measure: estimate.value, f"{measure}_n": estimate.n}
            row |= {f"{measure}_low": estimate.low, f"{measure}_high": estimate.high}
        return row


@dataclass(frozen=True)
class Worth:
    """The records that tell what customers are worth.

    Attributes:
        company: The opened company.
        as_of: The last day that counts.
        closed: The closed deals of new business; None where the exports can't tell them.
    """

    company: Any
    as_of: date
    closed: pd.DataFrame | None

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The objects whose records are put into groups."""
        own = {name: self.company.tables[name] for name in ("customer", "subscription") if name in self.company.tables}
        return ({"deal": self.closed} if self.closed is not None else {}) | own

    @property
    def has_customers(self) -> bool:
        """Whether customers or subscriptions are known."""
        return bool({"customer", "subscription"} & set(self.company.tables))

    @cached_property
    def is_recurring(self) -> bool:
        """Whether lifetime value can be told from recurring revenue."""
        subscriptions = self.company.tables.get("subscription")
        return subscriptions is not None and {"mrr", "start_at"} <= set(subscriptions.columns)

    @cached_property
    def running(self) -> pd.DataFrame:
        """Every subscription with its account, the length of its term in years, and whether it runs on the last day."""
        table, day = self.company.tables["subscription"], pd.Timestamp(self.as_of) + pd.Timedelta(days=1)
        never = pd.Series(pd.NaT, index=table.index)
        ended, renewal = (table.get(name, never) for name in ("end_at", "renewal_at"))
        begun = table["start_at"].notna() & (table["start_at"] < day)
        own = pd.Series([f"#{place}" for place in range(len(table))], index=table.index, dtype="str")
        return pd.DataFrame(
            {
                "account": table["customer_id"].fillna(own) if "customer_id" in table else own,
                "mrr": table["mrr"].astype("float64").fillna(0.0),
                "is_running": begun & ~(ended < day),
                "came_up": begun & (renewal.isna() | (renewal < day)),
                "term": ((renewal - table["start_at"]).dt.days / 365.25).where(renewal.notna(), MONTHLY_TERM),
            }
        )

    @cached_property
    def confidence(self) -> float:
        """Confidence of every interval."""
        return self.company.catalog.rules.confidence

    @property
    def labels(self) -> dict[str, str]:
        """What readers call each measure."""
        ltv = "Lifetime value" if self.is_recurring else "Won per customer so far"
        return {
            "win_rate": "Win rate",
            "deal_size": "Average deal size",
            "retention": "Customers kept at renewal",
            "ltv": ltv,
        }

    @cached_property
    def definitions(self) -> dict[str, str]:
        """Say how each measure is counted, and over which days."""
        end = format_value(self.as_of, "date")
        first = None if self.closed is None or self.closed.empty else self.closed["closed_at"].min().date()
        since = f"from {format_value(first, 'date')} to {end}" if first else f"up to {end}"
        told = {
            "win_rate": f"Won ÷ (won + lost) of new business closed {since}, by number.",
            "deal_size": f"Mean amount of the new business won {since}.",
            "retention": f"Customers kept ÷ customers whose term ended up to {end}; who can't have left isn't counted.",
        }
        if self.is_recurring:
            told["ltv"] = (
                f"Yearly recurring revenue per account on {end} × the years it is expected to stay within the next "
                f"{HORIZON}, if it goes on leaving at renewals as up to that day. Revenue, since no margin is known."
            )
        else:
            told["ltv"] = f"Amount won per customer so far, up to {end}; without recurring revenue no years ahead."
        return told


Groups = Mapping[str, pd.Series]
"""Object → the group of each of its records; missing where a record belongs to none."""


def measure_worth(worth: Worth, groupings: Mapping[str, Groups]) -> dict[str, dict[str, Measured]]:
    """Measure every group of every grouping, all retention in one pass of the engine.

    Args:
        worth: The records.
        groupings: Name → the groups of the records.

    Returns:
        Name → group → what it is worth; only groups that have a record.
    """
    kept = _measure_retention(worth, groupings)
    return {name: _measure_groups(worth, groups, kept.get(name, {})) for name, groups in groupings.items()}


def _measure_groups(worth: Worth, groups: Groups, kept: Mapping[str, "_Kept"]) -> dict[str, Measured]:
    names = list(dict.fromkeys(str(name) for values in groups.values() for name in values.dropna().unique()))
    deals = _measure_deals(worth, groups.get("deal"))
    lifetimes = _measure_lifetime(worth, groups, kept) if worth.is_recurring else _measure_to_date(worth, groups)
    found = {}
    for name in names:
        win_rate, deal_size = deals.get(name, (Estimate(), Estimate()))
        stayed = kept.get(name, _Kept())
        ltv, years = lifetimes.get(name, (Estimate(), None))
        found[name] = Measured(win_rate, deal_size, stayed.customers, ltv, stayed.grr, years)
    return found


@dataclass(frozen=True)
class _Kept:
    """What one group kept of what could leave: customers, and the share of revenue that it lost."""

    customers: Estimate = Estimate()
    lost: Estimate = Estimate()

    @property
    def grr(self) -> float | None:
        """The share of revenue kept."""
        return None if self.lost.value is None else 1 - self.lost.value


def compare_worth(one: Measured, other: Measured) -> dict[str, float | None]:
    """Tell how surprising each difference between two groups is.

    Returns:
        ``<measure>_other``, the value compared with, and ``<measure>_p``, two-sided: pooled two-proportion z test for
        shares, Welch's test for deal sizes, the normal approximation on logarithms for lifetime value; missing where
        one of them can't be told.
    """
    return {
        "win_rate_p": _compare_shares(one.win_rate, other.win_rate),
        "deal_size_p": _compare_means(one.deal_size, other.deal_size),
        "retention_p": _compare_shares(one.retention, other.retention),
        "ltv_p": _compare_logs(one.ltv, other.ltv),
        **{f"{measure}_other": getattr(other, measure).value for measure in MEASURES},
    }


def _measure_deals(worth: Worth, groups: pd.Series | None) -> dict[str, tuple[Estimate, Estimate]]:
    if worth.closed is None or groups is None:
        return {}
    closed = worth.closed[["outcome", "amount"]].assign(group=groups)
    found = {}
    for name, part in closed.dropna(subset=["group"]).groupby("group", sort=False):
        won = part["outcome"] == "won"
        found[str(name)] = (
            _estimate_share(int(won.sum()), len(part), worth.confidence),
            _estimate_mean(part.loc[won, "amount"].dropna(), worth.confidence),
        )
    return found


def _measure_retention(worth: Worth, groupings: Mapping[str, Groups]) -> dict[str, dict[str, _Kept]]:
    """Return per grouping and group what was kept of what could leave, as the engine counts it."""
    columns = {name: f"icp_group_{place}" for place, name in enumerate(groupings)}
    tables, carried = {}, {}
    for object in ("customer", "subscription"):
        named = {columns[name]: groups[object] for name, groups in groupings.items() if object in groups}
        if named:
            tables[object] = worth.company.tables[object].assign(**{c: v.astype("str") for c, v in named.items()})
            for column in named:
                carried.setdefault(column, {})[object] = column
    if not tables:
        return {}
    partitions = {column: Partition(column, column, objects=objects) for column, objects in carried.items()}
    narrowed = replace(worth.company, tables=tables, partitions=partitions)
    by = [(column,) for column in partitions]
    kpis = ["logo_churn", "grr"]
    cells = build_cells(narrowed, kpis=kpis, by=by, grain="all", end=worth.as_of, as_of=worth.as_of)
    found: dict[str, dict[str, _Kept]] = {name: {} for name in groupings}
    names = {column: name for name, column in columns.items()}
    for (column, group), part in cells[cells["slice"] != BLANK].groupby(["dimension", "slice"], sort=False):
        rows = {row["kpi"]: row for row in part.to_dict("records")}
        found[names[str(column)]][str(group)] = _read_kept(rows, worth.confidence)
    return found


def _read_kept(rows: Mapping[str, Mapping[Any, Any]], confidence: float) -> _Kept:
    customers, lost = Estimate(), Estimate()
    if "logo_churn" in rows:
        left, n = float(rows["logo_churn"]["numerator"]), int(rows["logo_churn"]["denominator"])
        customers = _estimate_share(n - round(left), n, confidence)
    if "grr" in rows:
        value, low, high = (float(rows["grr"][column]) for column in ("value", "low", "high"))
        error = (value - low) / _z(confidence) if low > 0 and value < 1 else None
        lost = Estimate(1 - value, _number(1 - high), _number(1 - low), int(rows["grr"]["n"]), error)
    return _Kept(customers, lost)


def _measure_lifetime(
    worth: Worth, groups: Groups, kept: Mapping[str, _Kept]
) -> dict[str, tuple[Estimate, float | None]]:
    """Return per group the lifetime value, and the years that an account is expected to stay."""
    if "subscription" not in groups:
        return {}
    running = worth.running.assign(group=groups["subscription"])
    found = {}
    for name, part in running.dropna(subset=["group"]).groupby("group", sort=False):
        lost = kept.get(str(name), _Kept()).lost
        per_account = part[part["is_running"]].groupby("account")["mrr"].sum() * 12
        if lost.n and len(per_account):
            found[str(name)] = _estimate_lifetime(per_account, lost, _mean_term(part), worth.confidence)
    return found


def expect_years(share_lost: float, term: float) -> float:
    """Return the years, of the next five, that an account is expected to stay.

    Args:
        share_lost: What is lost at each renewal, 0–1.
        term: Years between two renewals.

    >>> expect_years(0.2, 1.0), expect_years(0.0, 1.0), expect_years(1.0, 1.0)
    (3.3616, 5.0, 1.0)
    """
    kept = (1 - min(max(share_lost, 0.0), 1.0)) ** (1 / term)
    return round(sum(kept**year for year in range(HORIZON)), 10)


def _estimate_lifetime(
    per_account: pd.Series, lost: Estimate, term: float, confidence: float
) -> tuple[Estimate, float]:
    revenue, n = float(per_account.mean()), len(per_account)
    years = expect_years(lost.value, term)
    spread = float(per_account.std(ddof=1)) / np.sqrt(n) / revenue if n > 1 and revenue > 0 else None
    error, low, high = None, None, None
    if spread is not None and lost.error is not None:
        step = 1e-4
        slope = np.log(expect_years(lost.value + step, term) / expect_years(lost.value - step, term)) / (2 * step)
        error = float(np.hypot(spread, slope * lost.error))
        low, high = (revenue * years * float(np.exp(sign * _z(confidence) * error)) for sign in (-1, 1))
    return Estimate(revenue * years, low, high, min(lost.n, n), error), years


def _mean_term(part: pd.DataFrame) -> float:
    """Return the length of the terms that came up for renewal in years, weighted by revenue."""
    up = part[part["came_up"] & (part["term"] > 0)]
    total = float(up["mrr"].sum())
    return float((up["term"] * up["mrr"]).sum()) / total if total > 0 else 1.0


def _measure_to_date(worth: Worth, groups: Groups) -> dict[str, tuple[Estimate, float | None]]:
    """Return per group the amount won per customer so far, where no recurring revenue is known."""
    if worth.closed is None or "deal" not in groups:
        return {}
    key = "company_id" if "company_id" in worth.closed else "id"
    won = worth.closed[[key, "outcome", "amount"]].assign(group=groups["deal"])
    won = won[(won["outcome"] == "won") & won["group"].notna() & won[key].notna()]
    found = {}
    for name, part in won.groupby("group", sort=False):
        per_customer = part.groupby(key)["amount"].sum()
        mean = _estimate_mean(per_customer, worth.confidence)
        relative = mean.error / mean.value if mean.error is not None and mean.value else None
        found[str(name)] = (replace(mean, error=relative), None)
    return found


def _estimate_share(successes: int, n: int, confidence: float) -> Estimate:
    if not n:
        return Estimate()
    low, high = wilson_interval(np.array([successes]), np.array([n]), confidence)
    return Estimate(successes / n, float(low[0]), float(high[0]), n)


def _estimate_mean(values: pd.Series, confidence: float) -> Estimate:
    n = len(values)
    if not n:
        return Estimate()
    numbers = values.to_numpy("float64")
    low, high = mean_interval(np.array([numbers.sum()]), np.array([(numbers**2).sum()]), np.array([n]), confidence)
    error = float(numbers.std(ddof=1) / np.sqrt(n)) if n > 1 else None
    return Estimate(float(numbers.mean()), _number(low[0]), _number(high[0]), n, error)


def _compare_shares(one: Estimate, other: Estimate) -> float | None:
    if not one.n or not other.n:
        return None
    pooled = (one.value * one.n + other.value * other.n) / (one.n + other.n)
    variance = pooled * (1 - pooled) * (1 / one.n + 1 / other.n)
    return _two_sided((one.value - other.value) / np.sqrt(variance)) if variance > 0 else None


def _compare_means(one: Estimate, other: Estimate) -> float | None:
    from scipy.special import stdtr

    if not one.error or not other.error:
        return None
    a, b = one.error**2, other.error**2
    freedom = (a + b) ** 2 / (a * a / (one.n - 1) + b * b / (other.n - 1))
    return float(2 * stdtr(freedom, -abs(one.value - other.value) / np.sqrt(a + b)))


def _compare_logs(one: Estimate, other: Estimate) -> float | None:
    if not one.error or not other.error or not one.value or not other.value:
        return None
    if one.value <= 0 or other.value <= 0:
        return None
    return _two_sided(np.log(one.value / other.value) / np.hypot(one.error, other.error))


def _two_sided(z: float) -> float:
    from scipy.special import ndtr

    return float(2 * ndtr(-abs(z)))


def _z(confidence: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(0.5 + confidence / 2)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
