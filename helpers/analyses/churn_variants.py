"""Churn in all its variants on one set of contracts, and where revenue leaks: at renewals or in the middle of a term.

Logos, revenue and seats are measured on what was available to renew in the period: the contracts whose term ended in
it. Contracts over several years stay out until they end; contracts without a renewal date run from month to month and
could always leave. Losses and gains are set off inside an account, never across accounts, except in net churn. Source:
Kellogg, churn on available to renew; SaaS Metrics Standards Board for the revenue present at the start.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from helpers.analyses.churn_words import list_churn_findings, list_churn_notes
from helpers.analyses.finding import Finding
from helpers.analyses.loss_kinds import LOSS_COLUMNS, REASON_COLUMNS, list_reasons, split_losses
from helpers.engine.cells import build_cells
from helpers.engine.doubt import wilson_interval
from helpers.periods import CUSTOM, Period, period_of

CHURN_COLUMNS = [
    "variant", "label", "period", "period_start", "period_end", "value", "low", "high", "n", "numerator", "denominator",
    "is_complete", "is_small", "direction", "base", "definition", "interval", "reason",
]  # fmt: skip
PER_YEAR = {"month": 12, "quarter": 4, "half_year": 2, "year": 1}
AVAILABLE, PRESENT, YEAR_AGO = "available to renew", "present at the start", "present a year before"
WILSON = "Wilson"
DELTA = "delta method over accounts"
NO_CONTRACTS = "The exports hold no contracts, so nobody can tell which customers could have left."
ADD_CONTRACTS = (
    "Add an export of contracts or subscriptions: account, start, end, renewal date, monthly amount, and seats if sold "
    "by seat."
)
RENEWAL_TYPES = ("renew", "verläng", "prolong")


@dataclass(frozen=True)
class Variant:
    """One way to count churn.

    Attributes:
        id: Names it.
        label: What readers call it.
        kpi: The KPI that it is read from.
        definition: The formula in words.
        base: What it is measured on.
        direction: Which way is good.
        is_remainder: Whether it is what the KPI leaves of 1.
        is_annual: Whether it is scaled to a year.
    """

    id: str
    label: str
    kpi: str
    definition: str
    base: str = AVAILABLE
    direction: str = "down"
    is_remainder: bool = False
    is_annual: bool = False


VARIANTS = (
    Variant("logo_churn", "Logo churn", "logo_churn", "accounts that left ÷ accounts up for renewal"),
    Variant("gross_churn", "Gross churn", "gross_churn", "revenue lost, nothing set off ÷ revenue up for renewal"),
    Variant("account_churn", "Account-level churn", "revenue_churn",
            "revenue lost, set off inside each account ÷ revenue up for renewal"),
    Variant("net_churn", "Net churn", "nrr",
            "revenue lost less growth, set off across accounts ÷ revenue up for renewal", is_remainder=True),
    Variant("seat_churn", "Seat churn", "seat_churn", "seats not renewed ÷ seats up for renewal"),
    Variant("gross_renewal", "Gross dollar renewal", "grr",
            "(revenue up for renewal − churn − contraction) ÷ revenue up for renewal; the KPI called GRR here",
            direction="up"),
    Variant("grr_starting", "GRR of starting revenue", "grr_starting",
            "(starting revenue − churn − contraction) ÷ starting revenue", PRESENT, "up"),
    Variant("nrr_starting", "NRR of starting revenue", "nrr_starting",
            "(starting revenue + expansion − churn − contraction) ÷ starting revenue", PRESENT, "up"),
    Variant("simple_churn", "Simple churn, a year", "nrr_starting",
            "net shrinkage of the accounts present at the start ÷ their starting ARR × periods in a year", PRESENT,
            is_remainder=True, is_annual=True),
    Variant("cohort_retention", "Retention of the accounts of a year ago", "nrr_starting",
            "ARR now of the accounts of a year ago ÷ their ARR then", YEAR_AGO, "up"),
)  # fmt: skip
"""Every variant, in the order in which it is shown."""


@dataclass(frozen=True)
class ChurnReview:
    """Churn of one company.

    Attributes:
        is_available: Whether there are contracts to tell it from, or customers with their end for logo churn alone.
        reason: Why not, in words.
        cure: What to add.
        period: The period in question.
        window: The days that ``year`` covers, in words.
        table: One row per variant and period with ``CHURN_COLUMNS``: value (share; NaN where it can't be told, with a
            reason), its interval, n (accounts behind it), both halves (accounts, seats or MRR).
        year: Likewise, one row per variant for the year up to the period's end: on what was available to renew its
            four quarters are added up, and so for simple churn; GRR and NRR of starting revenue take who was there a
            year before.
        losses: One row per kind of loss over those quarters (``LOSS_COLUMNS``); adds up to what GRR of starting revenue
            lost.
        reasons: One row per reason (``REASON_COLUMNS``); empty where none is recorded.
        notes: What the numbers rest on, in sentences.
        findings: What to say.
        approximation: One row of what deals of renewal tell where there are no contracts; else empty.
    """

    is_available: bool
    reason: str
    cure: str
    period: Period
    window: str
    table: pd.DataFrame
    year: pd.DataFrame
    losses: pd.DataFrame
    reasons: pd.DataFrame
    notes: tuple[str, ...]
    findings: list[Finding]
    approximation: pd.DataFrame


def review_churn(company: Any, *, as_of: date, grain: str = "quarter", periods: int = 8) -> ChurnReview:
    """Measure churn in all its variants over the latest periods, and over the last four quarters together.

    Args:
        company: The opened company.
        as_of: The last day that counts.
        grain: month, quarter or year.
        periods: How many periods to show.

    Returns:
        The review. A variant whose denominator is 0 is not applicable: it has no value, and says why.
    """
    period = period_of(as_of, grain, company.fiscal_year_start)
    period = period if period.end <= as_of else period.previous()
    first_quarter = period_of(period.end, "quarter", company.fiscal_year_start).previous(3)
    window = f"the year to {period.label}"
    table = _measure_periods(company, period, as_of, periods)
    year = _measure_year(company, first_quarter.start, period, as_of)
    has_contracts = "subscription" in company.tables
    losses, reasons = pd.DataFrame(columns=LOSS_COLUMNS), pd.DataFrame(columns=REASON_COLUMNS)
    if has_contracts:
        losses = split_losses(company, first_quarter.start, period.end, as_of=as_of)
    reasons = list_reasons(company, first_quarter.start, period.end)
    is_available = bool(table["value"].notna().any() or year["value"].notna().any())
    reason, cure = ("", "") if is_available else _explain(company)
    approximation = pd.DataFrame() if has_contracts else approximate_by_deals(company, first_quarter.start, period.end)
    notes = list_churn_notes(company, year, as_of=as_of) if is_available else ()
    found = list_churn_findings(company, year, losses, window=window) if is_available else []
    return ChurnReview(
        is_available, reason, cure, period, window, table, year, losses, reasons, notes, found, approximation
    )


def _measure_periods(company: Any, last: Period, as_of: date, count: int) -> pd.DataFrame:
    shown = [last.previous(back) if back else last for back in range(count - 1, -1, -1)]
    kpis = list(dict.fromkeys(one.kpi for one in VARIANTS))
    cells = build_cells(company, kpis=kpis, grain=last.grain, start=shown[0].start, end=last.end, as_of=as_of)
    rows = []
    for period in shown:
        mine = cells[cells["period_start"] == pd.Timestamp(period.start)]
        rows += [_tell(company, one, mine, period) for one in VARIANTS if one.base != YEAR_AGO]
        rows += [_tell(company, one, _year_before(company, one.kpi, period, as_of), period)
                 for one in VARIANTS if one.base == YEAR_AGO]  # fmt: skip
    return _as_table(rows, company)


def _year_before(company: Any, kpi: str, period: Period, as_of: date) -> pd.DataFrame:
    """Return the retention of who was there a year before a period's end."""
    start = (pd.Timestamp(period.end) + pd.Timedelta(days=1) - pd.DateOffset(years=1)).date()
    return build_cells(company, kpis=[kpi], grain=CUSTOM, start=start, end=period.end, as_of=as_of)


def _measure_year(company: Any, start: date, last: Period, as_of: date) -> pd.DataFrame:
    kpis = list(dict.fromkeys(one.kpi for one in VARIANTS))
    cells = build_cells(company, kpis=kpis, grain="all", start=start, end=last.end, as_of=as_of)
    rows = []
    for one in VARIANTS:
        is_whole = one.base == YEAR_AGO or (one.base == PRESENT and not one.is_annual)
        mine = _year_before(company, one.kpi, last, as_of) if is_whole else cells
        rows.append(_tell(company, one, mine, last, per_year=4) | {"period": f"Year to {last.label}"})
    return _as_table(rows, company)


def _tell(company: Any, one: Variant, cells: pd.DataFrame, period: Period, per_year: int = 0) -> dict[str, Any]:
    """Read a variant from the cell of its KPI."""
    row = {"variant": one.id, "label": one.label, "period": period.label, "period_start": pd.Timestamp(period.start),
           "period_end": pd.Timestamp(period.end), "direction": one.direction, "base": one.base,
           "definition": one.definition, "interval": WILSON if one.kpi == "logo_churn" else DELTA,
           "is_complete": True, "reason": ""}  # fmt: skip
    mine = cells[(cells["kpi"] == one.kpi) & (cells["dimension"] == "all")]
    if mine.empty:
        return row | {"n": 0, "reason": _why_not(company, one)}
    cell = mine.iloc[0]
    value, low, high, numerator = (float(cell[name]) for name in ("value", "low", "high", "numerator"))
    if one.is_remainder:
        value, low, high, numerator = 1 - value, 1 - high, 1 - low, float(cell["denominator"]) - numerator
    if one.is_annual:
        times = per_year or PER_YEAR[period.grain]
        value, low, high = value * times, low * times, high * times
    return row | {"value": value, "low": low, "high": high, "numerator": numerator, "n": int(cell["n"]),
                  "denominator": float(cell["denominator"]), "is_complete": bool(cell["is_complete"])}  # fmt: skip


def _as_table(rows: list[dict[str, Any]], company: Any) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=CHURN_COLUMNS)
    frame["is_small"] = frame["n"] < company.catalog.rules.minimum_n
    numbers = ["value", "low", "high", "numerator", "denominator"]
    return frame.astype(dict.fromkeys(numbers, "float64") | {"n": "int64"})


def _why_not(company: Any, one: Variant) -> str:
    if "subscription" not in company.tables:
        return NO_CONTRACTS
    columns = set(company.list_columns("subscription"))
    own = {"logo_churn": None, "seat_churn": "seats"}.get(one.id, "mrr")
    for name, what in (("start_at", "start date"), ("mrr", "monthly amount"), ("seats", "number of seats")):
        if name in ("start_at", own) and name not in columns:
            return f"Contracts carry no {what}: map subscription.{name}."
    if one.base == AVAILABLE:
        return "Not applicable: no account was up for renewal."
    return f"Not applicable: no account was {one.base}."


def _explain(company: Any) -> tuple[str, str]:
    if "subscription" not in company.tables:
        return NO_CONTRACTS, ADD_CONTRACTS
    reasons = {_why_not(company, one) for one in VARIANTS}
    missing = sorted(reason for reason in reasons if reason.startswith("Contracts carry"))
    if missing:
        return missing[0], "Map it in company.toml, or add it to the export of contracts."
    return (
        "No contract came up for renewal by the last day that counts.",
        "Check subscription.renewal_at; leave it unmapped where contracts run from month to month.",
    )


def approximate_by_deals(company: Any, start: date, end: date) -> pd.DataFrame:
    """Approximate renewal by the deals of renewal that closed, where there are no contracts.

    Args:
        company: The opened company.
        start: The first day.
        end: The last day.

    Returns:
        One row: n (closed deals whose type says renewal), won, share (won ÷ closed by number) with low and high,
        share_value (by amount). Empty where no type of deal says renewal. It sees only customers for whom somebody
        opened a deal.
    """
    deals = company.tables.get("deal")
    if deals is None or not {"type", "outcome", "closed_at"} <= set(deals.columns):
        return pd.DataFrame()
    types = deals["type"].astype("str").str.casefold()
    is_renewal = types.str.contains("|".join(RENEWAL_TYPES), na=False) & deals["type"].notna()
    days = deals["closed_at"].dt.normalize()
    closed = deals[is_renewal & deals["outcome"].isin(["won", "lost"]) & days.between(str(start), str(end))]
    if closed.empty:
        return pd.DataFrame()
    won = closed["outcome"] == "won"
    low, high = wilson_interval([won.sum()], [len(won)], company.catalog.rules.confidence)
    amount = closed["amount"] if "amount" in closed else pd.Series(float("nan"), index=closed.index)
    total = float(amount.sum())
    by_value = float(amount[won].sum()) / total if total > 0 else float("nan")
    row = {"n": len(won), "won": int(won.sum()), "share": float(won.mean()), "low": float(low[0])}
    return pd.DataFrame([row | {"high": float(high[0]), "share_value": by_value}])
