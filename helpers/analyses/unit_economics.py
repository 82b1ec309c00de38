"""What a customer is worth and what one costs: lifetime, LTV, CAC, payback, each with what it rests on.

A lifetime is 1 ÷ churn, in the period of the churn. Where the customers grow by more than they lose (NRR above 100 %)
that never ends, so a life counts five years at most. Spend buys customers one sales cycle later, so it is set against
the customers of that much later. Nothing is made up: without costs there is no CAC, and a denominator of 0 is not
applicable. Source: Skok, SaaS metrics; Kellogg for churn on available to renew.
"""

import math
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.finding import Finding
from helpers.engine.cells import build_cells
from helpers.engine.journeys import Records, build_journeys
from helpers.engine.recurring import available_to_renew, find_accounts, find_at_stake
from helpers.engine.timeline import NO_DAY, day_number
from helpers.periods import CUSTOM, Period, build_periods, period_of
from helpers.units import format_value

LONGEST_YEARS = 5
MONTHS_IN = {"month": 1, "quarter": 3, "year": 12}
ECONOMY_COLUMNS = ["measure", "label", "value", "unit", "n", "period", "definition", "reason"]
NOTEBOOK = "06_goal_cascade"


@dataclass(frozen=True)
class UnitEconomics:
    """What customers are worth and cost.

    Attributes:
        table: One row per measure with ``ECONOMY_COLUMNS``; value is missing where the measure is not applicable or
            can't be told, and then there is a reason.
        notes: What it rests on.
        findings: What to say.
        is_available: Whether any measure has a value.
    """

    table: pd.DataFrame
    notes: tuple[str, ...]
    findings: list[Finding]
    is_available: bool


def expected_lifetime(churn_rate: float | None) -> float | None:
    """Return how long a customer stays on average, in the period of the churn rate.

    Args:
        churn_rate: Share that leaves in a period, 0–1.

    Returns:
        Periods: months for a monthly rate, years for an annual one. None, not applicable, where the rate is 0, below 0
        or unknown: nobody who never leaves has an expected end.

    Raises:
        ValueError: It is above 1.

    >>> round(expected_lifetime(0.03), 1), expected_lifetime(0.2), expected_lifetime(0.0)
    (33.3, 5.0, None)

    Source: Skok, SaaS metrics.
    """
    if churn_rate is None or math.isnan(churn_rate) or churn_rate <= 0:
        return None
    if churn_rate > 1:
        raise ValueError(f"A churn rate of {churn_rate:g} is more than everybody. Give it as a share from 0 to 1.")
    return 1 / churn_rate


def say_lifetime(churn_rate: float | None, period: str) -> str:
    """Write an expected lifetime with the unit of its period.

    >>> say_lifetime(0.03, "month"), say_lifetime(0.2, "year"), say_lifetime(0.0, "year")
    ('33.3 months', '5 years', 'not applicable')
    """
    life = expected_lifetime(churn_rate)
    if life is None:
        return "not applicable"
    number = f"{life:.1f}".removesuffix(".0")
    return f"{number} {period}{'' if number == '1' else 's'}"


def lifetime_value(
    revenue_per_year: float,
    churn_a_year: float | None,
    *,
    gross_margin: float = 1.0,
    nrr: float | None = None,
    longest: float | None = None,
) -> float | None:
    """Return what a customer brings over its life.

    Args:
        revenue_per_year: Recurring revenue per account and year.
        churn_a_year: Share of the revenue lost a year, 0–1.
        gross_margin: Share of the revenue that is left after what it costs to serve, 0–1.
        nrr: Net revenue retention a year; above 1, or without churn, a life counts five years.
        longest: Years that a life counts at most in any case; None caps it only then.

    Returns:
        Revenue × margin × years, the years being 1 ÷ churn and five at most where NRR passes 100 % or nobody leaves;
        None where the churn is unknown.

    >>> lifetime_value(1200.0, 0.25), lifetime_value(1200.0, 0.1, nrr=1.1), lifetime_value(1200.0, None)
    (4800.0, 6000.0, None)
    """
    if churn_a_year is None or math.isnan(churn_a_year):
        return None
    life = expected_lifetime(min(churn_a_year, 1.0))
    if life is None or (nrr is not None and nrr > 1):
        life = min(life or LONGEST_YEARS, LONGEST_YEARS)
    life = life if longest is None else min(life, longest)
    return revenue_per_year * gross_margin * life


def review_unit_economics(
    company: Any, *, as_of: date, grain: str = "quarter", gross_margin: float | None = None
) -> UnitEconomics:
    """Tell what customers are worth and cost over the four quarters up to the latest whole period.

    Args:
        company: The opened company.
        as_of: The last day that counts.
        grain: month, quarter or year.
        gross_margin: Share of revenue left after what it costs to serve; None where unknown: then worth is revenue.

    Returns:
        The table; measures that can't be told say why and what to add.
    """
    period = period_of(as_of, grain, company.fiscal_year_start)
    period = period if period.end <= as_of else period.previous()
    start = (pd.Timestamp(period.end) + pd.Timedelta(days=1) - pd.DateOffset(years=1)).date()
    year = Period(start, period.end, CUSTOM, company.fiscal_year_start)
    told = _Told(company, year, as_of, gross_margin)
    rows = [*_worth_rows(told), *_cost_rows(told), *_efficiency_rows(told)]
    table = pd.DataFrame(rows, columns=ECONOMY_COLUMNS).assign(period=f"year to {period.label}")
    table["value"] = table["value"].astype("float64")
    findings = _list_findings(table, told)
    return UnitEconomics(table, tuple(told.notes), findings, bool(table["value"].notna().any()))


class _Told:
    """What the data tells of one year: retention, revenue, customers won and spend."""

    def __init__(self, company: Any, year: Period, as_of: date, gross_margin: float | None):
        self.company, self.year, self.as_of = company, year, as_of
        self.margin = 1.0 if gross_margin is None else gross_margin
        self.notes = [
            "The gross margin is not known: worth is revenue, not profit."
            if gross_margin is None
            else f"At a gross margin of {format_value(gross_margin, 'share')}."
        ]
        days = {"start": year.start, "end": year.end, "as_of": as_of}
        once = build_cells(company, kpis=["nrr_starting", "sales_cycle_days"], grain=CUSTOM, **days)
        cells = pd.concat([once, build_cells(company, kpis=["grr"], grain="all", **days)])
        self.cells = cells[cells["dimension"] == "all"].drop_duplicates("kpi").set_index("kpi")

    def value(self, kpi: str, column: str = "value") -> float | None:
        """Return a number of a KPI's cell over the year, None where there is none."""
        if kpi not in self.cells.index or pd.isna(self.cells.loc[kpi, column]):
            return None
        return float(self.cells.loc[kpi, column])

    @property
    def churn(self) -> float | None:
        """Return the share of revenue lost a year: what each renewal loses, over the years of a term."""
        kept, term = self.value("grr"), mean_term(self.company, self.year, self.as_of)
        return None if kept is None or term is None else 1 - kept ** (1 / term)

    @cached_property
    def running(self) -> tuple[int, float]:
        """Return how many accounts pay on the last day, and what they pay a year."""
        records = read_contracts(self.company, self.as_of)
        if records is None:
            return 0, 0.0
        day = day_number(self.year.end)
        there, _ = find_at_stake(records, "grr_starting", day, day, as_of=day)
        return len(np.unique(find_accounts(records)[there])), float(records.cents["mrr"][there].sum()) / 100 * 12

    def new_customers(self) -> tuple[int, float]:
        """Return customers won in the year, and their recurring revenue per month at the start (NaN if unknown)."""
        contracts = self.company.tables.get("subscription")
        if contracts is not None and {"start_at", "mrr", "customer_id"} <= set(contracts.columns):
            first = contracts.groupby("customer_id")["start_at"].transform("min")
            new = contracts[(contracts["start_at"] == first) & first.dt.normalize().between(
                str(self.year.start), str(self.year.end))]  # fmt: skip
            return int(new["customer_id"].nunique()), float(new["mrr"].sum())
        deals = self.company.tables.get("deal")
        if deals is None or not {"outcome", "closed_at", "is_new_business"} <= set(deals.columns):
            return 0, float("nan")
        is_new = deals["is_new_business"].astype("boolean").fillna(True).astype(bool)
        days = deals["closed_at"].dt.normalize()
        won = is_new & (deals["outcome"] == "won") & days.between(str(self.year.start), str(self.year.end))
        return int(won.sum()), float("nan")

    def spend(self, start: date, end: date) -> float | None:
        """Return what was spent between two days; None without costs that cover them."""
        costs = self.company.tables.get("cost")
        if costs is None or not {"date", "amount"} <= set(costs.columns) or costs["date"].dropna().empty:
            return None
        if costs["date"].min().date() > start:
            return None
        return float(costs.loc[costs["date"].dt.normalize().between(str(start), str(end)), "amount"].sum())


def _row(
    measure: str, label: str, value: float | None, unit: str, definition: str, *, n: int = 0, reason: str = ""
) -> dict:
    return {"measure": measure, "label": label, "value": value, "unit": unit, "n": n, "definition": definition,
            "reason": "" if value is not None else reason}  # fmt: skip


def read_contracts(company: Any, as_of: date) -> Records | None:
    """Return the contracts as of a day; None where they carry no start or no amount."""
    if "subscription" not in company.tables:
        return None
    records = build_journeys(company, as_of=as_of).records["subscription"]
    return records if "start_at" in records.days and "mrr" in records.cents else None


def mean_term(company: Any, year: Period, as_of: date) -> float | None:
    """Return the mean term in years of the contracts that came up, weighted by revenue; a quarter where none is known.

    A contract without a renewal date is looked at every quarter, so that is how often it can leave.
    """
    records = read_contracts(company, as_of)
    if records is None:
        return None
    start, cents = records.days["start_at"], records.cents["mrr"].astype(float)
    renewal = records.days.get("renewal_at", np.full(records.n, NO_DAY))
    with np.errstate(over="ignore"):
        years = np.where(renewal == NO_DAY, 0.25, np.maximum(renewal.astype(float) - start, 1) / 365.25)
    total = weight = 0.0
    for quarter in build_periods(year.start, year.end, "quarter", company.fiscal_year_start):
        up = available_to_renew(records, day_number(quarter.start), day_number(quarter.end))
        total, weight = total + float((years * cents)[up].sum()), weight + float(cents[up].sum())
    return total / weight if weight > 0 else None


def _worth_rows(told: _Told) -> list[dict]:
    lost, net = told.churn, told.value("nrr_starting")
    n, (accounts, arr) = int(told.value("grr", "n") or 0), told.running
    no_churn = (
        "No account came up for renewal in the year, so churn can't be known yet."
        if accounts
        else "The exports hold no contracts: add accounts' start, end, renewal date and monthly amount."
    )
    life = expected_lifetime(lost)
    per_account = arr / accounts if accounts else None
    value = (
        lifetime_value(per_account, lost, gross_margin=told.margin, nrr=net, longest=LONGEST_YEARS)
        if per_account is not None
        else None
    )
    capped = value is not None and (life is None or life > LONGEST_YEARS)
    if capped:
        why = (
            "they grow by more than they lose" if net is not None and net > 1 else "nobody has watched them for longer"
        )
        told.notes.append(f"A customer's life counts {LONGEST_YEARS} years at most: {why}.")
    never = "Not applicable: no revenue was lost in the year." if lost == 0 else no_churn
    return [
        _row("churn", "Revenue lost a year", lost, "share",
             "1 − GRR on what was available to renew, over the years of a term", n=n, reason=no_churn),
        _row("lifetime", "Expected lifetime, years", life, "count", "1 ÷ revenue lost a year", n=n, reason=never),
        _row("revenue_per_account", "Recurring revenue per account and year", per_account, "currency",
             "ARR ÷ accounts that pay, on the last day", n=accounts, reason="The exports hold no recurring revenue."),
        _row("ltv", "Lifetime value", value, "currency",
             f"revenue per account × {'years, 5 at most' if capped else 'expected lifetime'}"
             f"{'' if told.margin == 1 else ' × gross margin'}", n=n, reason=no_churn),
    ]  # fmt: skip


def _cost_rows(told: _Told) -> list[dict]:
    customers, monthly = told.new_customers()
    cycle = round(told.value("sales_cycle_days") or 0)
    start, end = told.year.start - timedelta(days=cycle), told.year.end - timedelta(days=cycle)
    spend = told.spend(start, end)
    no_spend = (
        "The exports hold no costs that reach back far enough: add what was spent on sales and marketing, by month."
    )
    cost = spend / customers if spend is not None and customers else None
    reason = no_spend if spend is None else "Not applicable: no customer was won in the year."
    if spend is not None:
        told.notes.append(
            f"Spend is what the exports hold as costs from {format_value(start, 'date')} to "
            f"{format_value(end, 'date')}, a sales cycle ({cycle} days) earlier; "
            "where salaries are not in them, CAC is too low."
        )
    each = monthly / customers * told.margin if customers and not math.isnan(monthly) else None
    payback = cost / each if cost is not None and each else None
    worth = next((row["value"] for row in _worth_rows(told) if row["measure"] == "ltv"), None)
    ratio = worth / cost if worth is not None and cost else None
    told.notes[:] = list(dict.fromkeys(told.notes))
    return [
        _row("cac", "Spend per new customer (CAC)", cost, "currency",
             "spend of one sales cycle earlier ÷ new customers", n=customers, reason=reason),
        _row("payback", "CAC payback, months", payback, "count",
             "CAC ÷ new monthly recurring revenue per new customer" + ("" if told.margin == 1 else " × gross margin"),
             n=customers, reason=reason if cost is None else "New customers carry no recurring revenue."),
        _row("ltv_to_cac", "LTV : CAC", ratio, "ratio", "lifetime value ÷ CAC", n=customers,
             reason=reason if cost is None else "The lifetime value can't be told."),
    ]  # fmt: skip


def _efficiency_rows(told: _Told) -> list[dict]:
    last = period_of(told.year.end, "quarter", told.company.fiscal_year_start)
    before = last.previous()
    spend = told.spend(before.start, before.end)
    cells = build_cells(told.company, kpis=["mrr"], grain="quarter", start=before.start, end=last.end, as_of=told.as_of)
    cells = cells[cells["dimension"] == "all"].set_index("period_start")["value"]
    both = [cells.get(pd.Timestamp(one.start)) for one in (before, last)]
    known = all(one is not None and not pd.isna(one) for one in both)
    magic = (both[1] - both[0]) * 12 / spend if known and spend else None
    reason = "No recurring revenue of two quarters is known."
    if known:
        no_costs = "The exports hold no costs of the quarter before."
        reason = no_costs if spend is None else "Not applicable: nothing was spent."
    return [
        _row("magic_number", "Magic number", magic, "ratio",
             "net new ARR of the last quarter ÷ spend of the quarter before", reason=reason),
        _row("burn_multiple", "Burn multiple", None, "ratio", "net burn ÷ net new ARR",
             reason="Cash is not part of the exports, so net burn is not known."),
    ]  # fmt: skip


def _list_findings(table: pd.DataFrame, told: _Told) -> list[Finding]:
    rows = table.set_index("measure")
    worth, cost, payback = (rows.loc[name, "value"] for name in ("ltv", "cac", "payback"))
    currency = told.company.currency
    if pd.isna(worth):
        return []
    headline = f"A customer is worth {format_value(worth, 'currency', currency=currency)} over its life"
    if not pd.isna(cost):
        headline += f" and costs {format_value(cost, 'currency', currency=currency)} of the spend on record"
    if not pd.isna(payback):
        headline += f", paid back after {payback:.1f} months"
    evidence = {"n": int(rows.loc["ltv", "n"]), "period": rows.loc["ltv", "period"],
                "definition": rows.loc["ltv", "definition"], "note": " ".join(told.notes)}  # fmt: skip
    step = "Add gross margin and salaries of sales and marketing before comparing with a benchmark."
    return [Finding(headline, "grr", "all", None, evidence, step, NOTEBOOK, "note")]
