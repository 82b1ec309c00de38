"""What a company's past tells of its revenue ahead: what is booked, what is open, how it went on, how far it varied."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from helpers.analyses.close_curve import measure_close_curve
from helpers.analyses.goal_pipe import TO_COME, count_pipe, list_created, measure_open_rates
from helpers.analyses.landing_deals import open_book
from helpers.analyses.landing_simulation import draw_landing
from helpers.engine.journeys import Journeys, build_journeys
from helpers.engine.timeline import FAR, NO_DAY, day_number
from helpers.model.goal import GoalRules
from helpers.periods import Period, period_of

LEARNT_FROM = 8
"""Latest periods that tell how far periods differ."""

LANDED = 2
"""Periods that the landing simulation foresees: the running one and the next."""

ENOUGH_PERIODS = 4
"""Earlier periods without which the course within a period is taken as even."""


@dataclass(frozen=True)
class RevenueHistory:
    """What is known on a day of a company's wins, in numbers that need no further look at its records.

    Attributes:
        running: The period that goes on after the day.
        created: Records of new business per period of creation, oldest first; the running one with those so far.
        open_by_age: Records open on the day by age (periods since creation; 0 is the running period).
        rates: How records that were open at like points went on, as made by ``measure_open_rates``.
        curve: The close curve of new business.
        rest: Share of a period's records that is still to come on such a day (0–1; 1 on the eve of a period).
        booked: Won of new business in the running period so far (currency).
        sizes: Amounts of new-business deals won in the latest years (currency).
        sizes_since: The day from which on they count.
        existing: Won of existing business per whole period, indexed by its first day (currency).
        existing_booked: Of it in the running period so far.
        existing_rest: Share of a period's existing business that usually comes after such a day (0–1).
        landings: Per period that the landing simulation foresees its draws (currency) and the periods it learnt from.
    """

    running: Period
    created: Mapping[Period, float]
    open_by_age: np.ndarray
    rates: pd.DataFrame
    curve: pd.DataFrame
    rest: float
    booked: float
    sizes: np.ndarray
    sizes_since: date
    existing: pd.Series
    existing_booked: float
    existing_rest: float
    landings: Mapping[Period, tuple[np.ndarray, int]]

    @property
    def ended(self) -> list[Period]:
        """Whole periods that lie behind, oldest first; the first one may have begun before the first record."""
        return [period for period in self.created if period < self.running]


def read_revenue_history(
    company, *, as_of: date, grain: str = "quarter", rules: GoalRules, curve: pd.DataFrame | None = None
) -> RevenueHistory:
    """Read what a company's past tells of its revenue ahead.

    Args:
        company: The opened company.
        as_of: The last day that counts.
        grain: The length of a period.
        rules: What ``goals.toml`` says: how far back deal sizes count, how many futures are drawn.
        curve: The close curve of new business, measured where it isn't given.

    Returns:
        The history. A company without wins or amounts has empty ``sizes``; without records ``created`` is empty.
    """
    curve = measure_close_curve(company, as_of=as_of, grain=grain) if curve is None else curve
    running = period_of(as_of + timedelta(days=1), grain, company.fiscal_year_start)
    stage = str(curve.attrs.get("from_stage", ""))
    pipe = count_pipe(company, as_of=as_of, grain=grain, from_stage=stage)
    rates = measure_open_rates(company, as_of=as_of, grain=grain, from_stage=stage)
    created = list_created(pipe, grain=grain, fiscal_year_start=company.fiscal_year_start)
    ages = _count_open(pipe, created, running)
    journeys = build_journeys(company, as_of=as_of)
    won, amount = read_wins(journeys, "new")
    since = (pd.Timestamp(as_of) - pd.DateOffset(years=rules.simulation.size_years)).date()
    recent = (won >= day_number(since)) & (amount > 0)
    if recent.sum() < rules.simulation.size_deals:
        recent = (won != NO_DAY) & (amount > 0)
    old_days, old_amount = read_wins(journeys, "existing")
    existing = _sum_periods(old_days, old_amount, created, running)
    return RevenueHistory(
        running=running,
        created=created,
        open_by_age=ages,
        rates=rates,
        curve=curve,
        rest=_measure_rest(rates, created, running, as_of),
        booked=float(amount[won >= day_number(running.start)].sum()),
        sizes=amount[recent],
        sizes_since=since,
        existing=existing,
        existing_booked=float(old_amount[old_days >= day_number(running.start)].sum()),
        existing_rest=_share_after(old_days, old_amount, running, as_of, journeys.first_day),
        landings=_draw_landings(company, running, as_of, rules),
    )


def read_wins(journeys: Journeys, business: str) -> tuple[np.ndarray, np.ndarray]:
    """List the wins of new or existing business: their days as day numbers, and their amounts (currency)."""
    records = journeys.records.get(journeys.homes.get("won", ""))
    days = records.reached.get(("won", business)) if records is not None else None
    if days is None:
        return np.array([], dtype=int), np.array([])
    # A contact's own day of the win says nothing of the business, and counts as new.
    kept = (days != NO_DAY) & records.is_business(business)
    cents = records.cents.get("amount", np.zeros(records.n))
    return days[kept], cents[kept] / 100.0


def _count_open(pipe: pd.DataFrame, created: Mapping[Period, float], running: Period) -> np.ndarray:
    """Count open records by age; on the eve of a period none are of age 0."""
    still = pipe["open"].to_numpy(dtype=int)[::-1] if len(pipe) else np.array([], dtype=int)
    return still if running in created else np.concatenate([[0], still])


def _measure_rest(rates: pd.DataFrame, created: Mapping[Period, float], running: Period, as_of: date) -> float:
    even = (running.end - as_of).days / running.days
    to_come = rates[(rates["part"] == TO_COME) & (rates["age"] == 0) & (rates["step"] == 0)]["n"].sum()
    ended = [count for period, count in created.items() if period < running]
    if len(ended) < ENOUGH_PERIODS or not sum(ended):
        return even
    return float(to_come / sum(ended))


def _sum_periods(days: np.ndarray, amounts: np.ndarray, created: Mapping[Period, float], running: Period) -> pd.Series:
    periods = [period for period in created if period < running]
    sums = [
        float(amounts[(days >= day_number(period.start)) & (days <= day_number(period.end))].sum())
        for period in periods
    ]
    series = pd.Series(sums, index=pd.DatetimeIndex([period.start for period in periods]), dtype=float)
    return series.iloc[int(np.argmax(series.to_numpy() > 0)) :] if (series > 0).any() else series.iloc[:0]


def _share_after(days: np.ndarray, amounts: np.ndarray, running: Period, as_of: date, first_day: int) -> float:
    """Tell which part of earlier periods' sums came after the day that lies alike in them."""
    elapsed = (as_of - running.start).days + 1
    after = whole = 0.0
    seen = 0
    for back in range(1, LEARNT_FROM + 1):
        past = running.previous(back)
        first, last = day_number(past.start), day_number(past.end)
        if first < first_day:
            break
        inside = (days >= first) & (days <= last)
        after += float(amounts[inside & (days >= first + elapsed)].sum())
        whole += float(amounts[inside].sum())
        seen += 1
    return after / whole if seen >= ENOUGH_PERIODS and whole > 0 else (running.end - as_of).days / running.days


def _draw_landings(company, running: Period, as_of: date, rules: GoalRules) -> dict[Period, tuple[np.ndarray, int]]:
    book = open_book(company, as_of, business="new")
    if book is None or book.begins == FAR:
        return {}
    found = {}
    for ahead in range(LANDED):
        period = running.previous(-ahead)
        draws, n, _ = draw_landing(book, day_number(as_of), period, rules)
        if len(draws):
            found[period] = (draws, n)
    return found
