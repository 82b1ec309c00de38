"""The macro check: everything right at each step, and still uneconomic."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.finding import Finding
from helpers.analyses.unit_economics import review_unit_economics
from helpers.engine.journeys import build_journeys
from helpers.engine.timeline import NO_DAY, day_number
from helpers.model.cause import FiveM, load_five_m
from helpers.periods import Period
from helpers.units import format_value

MACRO_COLUMNS = [
    "measure", "label", "value", "low", "high", "expected", "expectation", "unit", "n", "period", "verdict",
    "statement", "p_value", "definition", "reason",
]  # fmt: skip

UNECONOMIC, FOLLOWS, ECONOMIC, UNTESTED = "uneconomic", "follows from the gap", "within limits", "can't be tested"
NOTEBOOK = "05_root_cause_5m"
SIGNIFICANCE = 0.05
LEAST_WON = 10
COST_DEFINITION = "spend of one sales cycle earlier ÷ deals of new business won"
LIMITS = {"most": "the most that is allowed", "least": "the least that is wanted"}
NO_WINS = "Needs deals won with their close dates: export the columns of the stage and of the close date"
NO_COSTS = (
    "Needs costs of sales and marketing by month that reach back a sales cycle before the period: add their export"
)


@dataclass(frozen=True)
class Macro:
    """Hold what customers cost and bring, against what is expected.

    Attributes:
        table: One row per measure with ``MACRO_COLUMNS``.
        headline: The finding, in a sentence.
        notes: What it rests on.
    """

    table: pd.DataFrame
    headline: str
    notes: tuple[str, ...] = ()

    @property
    def is_uneconomic(self) -> bool:
        """Whether any measure is beyond its limit."""
        return bool((self.table["verdict"] == UNECONOMIC).any())


def check_macro(
    company: Any, *, period: Period, expected: Sequence[Period], as_of: date, is_on_track: bool = False
) -> Macro:
    """Check whether what is won pays for what it costs.

    Args:
        company: The opened company.
        period: The period in question.
        expected: The periods it is compared with, oldest first.
        as_of: The last day that counts.
        is_on_track: Whether the period's result and steps are as expected: then an uneconomic result is the finding.

    Returns:
        Cost per won deal of the period against that of the expected ones (interval and p-value from the number of
        wins), and over the year CAC payback and LTV : CAC against the limits of ``[five_m]``; what can't
        be told says why.
    """
    limits = load_five_m(company.settings.five_m)
    rows = [_cost_per_won(company, period, expected, as_of, limits)]
    review = review_unit_economics(company, as_of=min(as_of, period.end), grain=period.grain)
    told = review.table.set_index("measure")
    rows += [_against_limit(company, told, "payback", limits.payback_months, "most")]
    rows += [_against_limit(company, told, "ltv_to_cac", limits.ltv_to_cac, "least")]
    table = pd.DataFrame(rows, columns=MACRO_COLUMNS)
    numbers = dict.fromkeys(("value", "low", "high", "expected", "p_value"), float)
    return Macro(table.astype(numbers), _say(table, is_on_track), review.notes if told["value"].notna().any() else ())


def find_macro(macro: Macro) -> list[Finding]:
    """Turn an uneconomic result into a finding; nothing where all is within its limits."""
    bad = macro.table[macro.table["verdict"] == UNECONOMIC]
    if bad.empty:
        return []
    first = bad.iloc[0]
    evidence = {"n": int(first["n"]), "period": first["period"], "definition": first["definition"]}
    if pd.notna(first["low"]):
        evidence |= {"low": first["low"], "high": first["high"], "unit": first["unit"]}
    step = "Cut what brings customers at the highest cost, or raise what a customer brings, before adding volume"
    return [Finding(macro.headline, "revenue_won", "all", None, evidence, step, NOTEBOOK, "bad")]


def _cost_per_won(company: Any, period: Period, expected: Sequence[Period], as_of: date, limits: FiveM) -> dict:
    """Compare what a won deal cost in the period with what it cost before, spend being a sales cycle earlier."""
    from scipy.special import bdtr, chdtri

    row = {"measure": "cost_per_won", "label": "Spend per won deal", "unit": "currency", "period": period.label,
           "expectation": "the periods before", "definition": COST_DEFINITION}  # fmt: skip
    wins = _read_wins(company, as_of)
    costs = company.tables.get("cost")
    if wins is None or costs is None or not {"date", "amount"} <= set(costs.columns) or not len(expected):
        reason = NO_COSTS if wins is not None else NO_WINS
        return _untested(row, reason if len(expected) else "Needs an earlier period")
    days, cycle = wins
    told = [(_spend(costs, one, cycle), _count(days, one)) for one in expected]
    told = [one for one in told if one[0] is not None]
    spend, won = _spend(costs, period, cycle), _count(days, period)
    before = (sum(one[0] for one in told), sum(one[1] for one in told))
    if spend is None or not before[0]:
        return _untested(row, NO_COSTS)
    if won < LEAST_WON or before[1] < LEAST_WON:
        return _untested({**row, "n": won}, f"Only {min(won, before[1])} deals won: too few to compare")
    value, usual = spend / won, before[0] / before[1]
    low, high = spend / (chdtri(2 * won + 2, 0.05) / 2), spend / (chdtri(2 * won, 0.95) / 2)
    p_value = float(bdtr(won, won + before[1], spend / (spend + before[0])))
    is_dear = value > (1 + limits.cost_rise) * usual and p_value <= SIGNIFICANCE
    per_period = before[1] / len(told)
    is_bad = is_dear and spend / per_period > (1 + limits.cost_rise) * usual
    amounts = [format_value(one, "currency", currency=company.currency) for one in (value, usual)]
    statement = f"A won deal cost {amounts[0]} of the spend on record, {amounts[1]} in the periods before"
    if is_dear and not is_bad:
        statement += (
            f": fewer deals won ({won} instead of {per_period:.0f}) at the usual spend, which is the gap itself"
        )
    verdict = UNECONOMIC if is_bad else FOLLOWS if is_dear else ECONOMIC
    return {**row, "value": value, "low": low, "high": high, "expected": usual, "n": won, "verdict": verdict,
            "statement": statement, "p_value": p_value, "reason": ""}  # fmt: skip


def _read_wins(company: Any, as_of: date) -> tuple[np.ndarray, int] | None:
    """Return the days on which new business was won, and the usual length of a sales cycle in days."""
    deals = build_journeys(company, as_of=as_of).records.get("deal")
    won = None if deals is None else deals.reached.get(("won", "new"))
    if deals is None or won is None or not (won != NO_DAY).any():
        return None
    created = deals.reached.get(("opportunity", "new"), np.full(deals.n, NO_DAY)).astype(np.int64)
    took = (won - created)[(won != NO_DAY) & (created != NO_DAY) & (won >= created)]
    return won[won != NO_DAY].astype(np.int64), int(np.mean(took)) if len(took) else 0


def _count(days: np.ndarray, period: Period) -> int:
    return int(((days >= day_number(period.start)) & (days <= day_number(period.end))).sum())


def _spend(costs: pd.DataFrame, period: Period, cycle: int) -> float | None:
    """Return what was spent a sales cycle before a period; None where the costs don't reach back to it.

    Costs written once a month are spread over the days of their month, so that each period gets its part of them.
    """
    dated = costs[costs["date"].notna()]
    start, end = (pd.Timestamp(day - timedelta(days=cycle)) for day in (period.start, period.end))
    first = last = dated["date"].dt.normalize()
    if first.dt.day.nunique() == 1:
        first = first - pd.to_timedelta(first.dt.day - 1, unit="D")
        last = first + pd.offsets.MonthEnd(1)
    if dated.empty or first.min() > start or last.max() < end - pd.Timedelta(days=31):
        return None
    inside = (last.clip(upper=end) - first.clip(lower=start)).dt.days + 1
    share = inside.clip(lower=0) / ((last - first).dt.days + 1)
    return float((dated["amount"] * share).sum())


def _against_limit(company: Any, told: pd.DataFrame, measure: str, limit: float, side: str) -> dict:
    """Hold a measure of the year against its limit: the most or the least that it may be."""
    one = told.loc[measure]
    row = {"measure": measure, "label": one["label"], "unit": one["unit"], "period": one["period"], "n": int(one["n"]),
           "expected": limit, "expectation": LIMITS[side], "definition": one["definition"]}  # fmt: skip
    if pd.isna(one["value"]):
        return _untested(row, str(one["reason"]))
    value = float(one["value"])
    is_bad = value > limit if side == "most" else value < limit
    if measure == "payback":
        statement = f"What a customer costs is back after {value:.1f} months; {limit:g} are allowed"
    else:
        statement = f"A customer is worth {value:.1f} times what one costs; {limit:g} times are wanted"
    return {**row, "value": value, "verdict": UNECONOMIC if is_bad else ECONOMIC, "statement": statement, "reason": ""}


def _untested(row: dict, reason: str) -> dict:
    return {"n": 0, **row, "verdict": UNTESTED, "statement": reason, "reason": reason}


def _say(table: pd.DataFrame, is_on_track: bool) -> str:
    bad, tested = table[table["verdict"] == UNECONOMIC], table[table["verdict"] != UNTESTED]
    if tested.empty:
        return "Whether it pays can't be told yet"
    if bad.empty:
        return "What is won pays for what it costs, as far as the spend on record tells"
    told = str(bad["statement"].iloc[0])
    return f"Every step is as expected, and still it doesn't pay: {told[:1].lower()}{told[1:]}" if is_on_track else told
