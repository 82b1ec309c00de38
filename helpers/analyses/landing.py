"""Where a period's bookings will land: one estimate per method, side by side, so that none has to be believed alone.

Methods that read the pipeline due in a period need expected close dates, amounts and their history. Those that read
when deals were created need neither: they foresee wins, and take each at the size of deals won before.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd

from helpers.analyses.close_curve import count_closes, expect_wins
from helpers.analyses.landing_deals import OLDEST_YEARS, DealBook, open_book
from helpers.analyses.landing_simulation import draw_landing
from helpers.engine.timeline import FAR, NO_DAY, day_number, to_date
from helpers.errors import QuestionError
from helpers.model.goal import GoalRules, load_goal_rules
from helpers.periods import MONTHS_IN, Period, period_of

LANDING_COLUMNS = ["method", "expected", "low", "high", "n", "reason"]

METHODS: Mapping[str, str] = {
    "coverage": "Starting pipeline × its conversion",
    "week_k": "Pipeline today × its conversion at this week",
    "to_go": "Booked + pipeline to go × its conversion",
    "stage_weighted": "Booked + pipeline weighted by stage",
    "cohort_vector": "Deals by age × close curve × deal size",
    "simulation": "Simulation of every deal",
    "naive": "As the period before",
}
"""Method → what a reader calls it."""

HELD_BY = 4.0
"""Deals by which a stage's own weight is held to that of all stages."""

LEAST_ERRORS = 3
"""Earlier errors without which a method has no range."""


@dataclass(frozen=True)
class Estimate:
    """One method's landing: expected (currency, NaN where it can't be told), periods learnt from, and why not."""

    expected: float
    n: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Forecaster:
    """The methods over one company's deals; estimates already made are kept.

    Attributes:
        book: The deals.
        rules: What ``goals.toml`` says.
    """

    book: DealBook
    rules: GoalRules
    _made: dict[tuple[str, int, Period], Estimate] = field(default_factory=dict, repr=False)

    def estimate(self, method: str, day: int, period: Period) -> Estimate:
        """Make one method's estimate as it could have been made on a day."""
        key = (method, day, period)
        if key not in self._made:
            self._made[key] = _MAKERS[method](self, day, period)
        return self._made[key]

    def range_of(self, method: str, day: int, period: Period) -> tuple[float, float]:
        """Give the range around an estimate that the method's own errors in earlier periods tell."""
        from scipy.stats import t

        expected = self.estimate(method, day, period).expected
        errors = []
        for then, past in self.book.earlier(day, period):
            foreseen = self.estimate(method, then, past).expected
            came = self.book.on(day).booked(day_number(past.start), day_number(past.end))
            if foreseen > 0 and came > 0:
                errors.append(np.log(came / foreseen))
        if len(errors) < LEAST_ERRORS or not expected > 0:
            return float("nan"), float("nan")
        reach = t.ppf(0.5 + self.rules.simulation.interval / 2, len(errors)) * np.sqrt(np.mean(np.square(errors)))
        booked = self.book.on(day).booked(day_number(period.start), day_number(period.end))
        return max(float(expected * np.exp(-reach)), booked), float(expected * np.exp(reach))


def estimate_landings(
    company, period: Period, *, as_of: date, business: str = "new", rules: GoalRules | None = None
) -> pd.DataFrame:
    """Estimate a period's bookings by every method, as it could be done on a day.

    Args:
        company: The opened company.
        period: The period, running or to come.
        as_of: The last day that counts; nothing later is looked at.
        business: ``new`` leaves renewals and other existing business out; ``all`` and ``existing`` are possible.
        rules: What ``goals.toml`` says.

    Returns:
        One row per method: method (id, see ``METHODS``), expected (bookings of the whole period, currency), low and
        high (the central range that ``goals.toml`` names: of the simulation its draws', of the others what their own
        errors in at most eight earlier periods tell, blank below three), n (earlier periods learnt from), reason (why
        there is no estimate; empty where there is one). ``attrs``: interval (0–1), business and, where there are
        deals, booked (to date, currency), open (deals), open_with_amount (deals whose amount was known).

    Raises:
        QuestionError: The period has ended.

    Source:
        Kellogg: pipeline coverage × conversion at week k, to-go coverage, time-based close rates; triangulation of
        methods side by side.
    """
    if period.end <= as_of:
        raise QuestionError(f"{period.label} ended on {period.end}: its bookings are known. Ask about a later period.")
    rules = rules or load_goal_rules()
    book = open_book(company, as_of, business=business)
    if book is None or book.begins == FAR:
        reason = "The exports hold no deals." if book is None else "No deal carries the day on which it was created."
        rows = [(method, np.nan, np.nan, np.nan, 0, reason) for method in METHODS]
    else:
        rows = list_estimates(Forecaster(book, rules), day_number(as_of), period)
    landings = pd.DataFrame(rows, columns=LANDING_COLUMNS).astype({"reason": "str", "method": "str"})
    landings.attrs = {"interval": rules.simulation.interval, "business": business}
    landings.attrs |= _describe(book, day_number(as_of), period) if book else {}
    return landings


def _describe(book: DealBook, day: int, period: Period) -> dict[str, float]:
    now = book.on(day)
    sized = int((now.is_open & np.isfinite(now.amount)).sum())
    return {"booked": now.booked(*_bounds(period)), "open": int(now.is_open.sum()), "open_with_amount": sized}


def list_estimates(forecaster: Forecaster, day: int, period: Period) -> list[tuple]:
    """List every method's estimate as rows of ``LANDING_COLUMNS``."""
    rows = []
    for method in METHODS:
        if method == "simulation":
            draws, n, reason = draw_landing(forecaster.book, day, period, forecaster.rules)
            rows.append((method, *summarise_draws(draws, forecaster.rules.simulation.interval), n, reason))
            continue
        made = forecaster.estimate(method, day, period)
        low, high = (np.nan, np.nan) if made.reason else forecaster.range_of(method, day, period)
        rows.append((method, made.expected, low, high, made.n, made.reason))
    return rows


def summarise_draws(draws: np.ndarray, interval: float) -> tuple[float, float, float]:
    """Return mean and central range of draws; NaN without any."""
    if not len(draws):
        return float("nan"), float("nan"), float("nan")
    low, high = np.quantile(draws, [0.5 - interval / 2, 0.5 + interval / 2])
    return float(draws.mean()), float(low), float(high)


def simulate_landing(
    company, period: Period, *, as_of: date, business: str = "new", rules: GoalRules | None = None
) -> np.ndarray:
    """Draw a period's bookings, for the chance of a goal: ``(draws >= goal).mean()``.

    Args:
        company: The opened company.
        period: The period, running or to come.
        as_of: The last day that counts.
        business: ``new``, ``existing`` or ``all``.
        rules: What ``goals.toml`` says: number of draws and seed.

    Returns:
        One number per draw: bookings of the whole period, currency. Empty where nothing can be drawn; the reason is
        that of ``estimate_landings``.
    """
    book = open_book(company, as_of, business=business)
    if book is None or book.begins == FAR:
        return np.array([])
    return draw_landing(book, day_number(as_of), period, rules or load_goal_rules())[0]


def _none(reason: str) -> Estimate:
    return Estimate(float("nan"), 0, reason)


def _bounds(period: Period) -> tuple[int, int]:
    return day_number(period.start), day_number(period.end)


def _naive(forecaster: Forecaster, day: int, period: Period) -> Estimate:
    book = forecaster.book
    last = next((past for _, past in book.earlier(day, period, 1)), None)
    if last is None:
        return _none("No earlier period has ended since the first deal was created.")
    return Estimate(book.on(day).booked(*_bounds(last)), 1)


def _convert(
    forecaster: Forecaster, day: int, period: Period, *, to_go: bool = False, at_start: bool = False
) -> Estimate:
    """Multiply the pipeline due in the period by what such a pipeline brought in the periods before."""
    book = forecaster.book
    reason = book.explain_no_due_dates()
    if reason:
        return _none(reason)
    first, last = _bounds(period)
    seen = min(day, first - 1) if at_start else day
    now, rates = book.on(day), []
    for then_day, past in book.earlier(seen, period, forecaster.rules.coverage.conversion_periods):
        begin, end = _bounds(past)
        then = book.on(then_day)
        pipeline = np.nansum(then.amount[then.due_between(begin, end)])
        before = then.booked(begin, min(then_day, end)) if to_go else 0.0
        if pipeline > 0:
            rates.append((now.booked(begin, end) - before) / pipeline)
    if not rates:
        return _none("No earlier period had pipeline due at its like point.")
    then = book.on(seen)
    pipeline = float(np.nansum(then.amount[then.due_between(first, last)]))
    before = now.booked(first, last) if to_go else 0.0
    return Estimate(before + pipeline * float(np.mean(rates)), len(rates))


def _coverage(forecaster: Forecaster, day: int, period: Period) -> Estimate:
    if day < day_number(period.start) - 1:
        return _none("The period has not begun, so its starting pipeline is not known yet.")
    return _convert(forecaster, day, period, at_start=True)


def _week_k(forecaster: Forecaster, day: int, period: Period) -> Estimate:
    return _convert(forecaster, day, period)


def _to_go(forecaster: Forecaster, day: int, period: Period) -> Estimate:
    return _convert(forecaster, day, period, to_go=True)


def _stage_weighted(forecaster: Forecaster, day: int, period: Period) -> Estimate:
    """Weigh the pipeline due by what each stage's brought at this point, and add what else usually comes."""
    book = forecaster.book
    reason = book.explain_no_due_dates()
    if not reason and not len(book.journeys.history.stages):
        reason = "The exports hold no history of stages, so what a stage is worth can't be told."
    if reason:
        return _none(reason)
    size = len(book.journeys.history.stage_labels) + 1
    worth, brought, deals = np.zeros(size), np.zeros(size), np.zeros(size)
    others, now = [], book.on(day)
    for then_day, past in book.earlier(day, period):
        begin, end = _bounds(past)
        then = book.on(then_day)
        due = then.due_between(begin, end) & np.isfinite(then.amount)
        won = now.wins_between(max(then_day + 1, begin), end)
        stage = then.stage[due] % size
        worth += np.bincount(stage, weights=then.amount[due], minlength=size)
        brought += np.bincount(stage, weights=np.where(won, now.won_amount, 0.0)[due], minlength=size)
        deals += np.bincount(stage, minlength=size)
        others.append(float(now.won_amount[won & ~due].sum()))
    if not worth.sum() > 0:
        return _none("No earlier period had pipeline due at its like point.")
    usual, mean_size = brought.sum() / worth.sum(), worth.sum() / deals.sum()
    weight = (brought + HELD_BY * mean_size * usual) / (worth + HELD_BY * mean_size)
    first, last = _bounds(period)
    due = now.due_between(first, last) & np.isfinite(now.amount)
    weighted = float((now.amount[due] * weight[now.stage[due] % size]).sum())
    return Estimate(now.booked(first, last) + weighted + float(np.mean(others)), len(others))


def _cohort_vector(forecaster: Forecaster, day: int, period: Period) -> Estimate:
    """Multiply what was created in each period by the close curve's share at its age, and the wins by deal size."""
    book, grain = forecaster.book, period.grain
    now, today = book.on(day), to_date(day)
    seen = book.counted & (now.created != NO_DAY) & (now.created <= day)
    ages = OLDEST_YEARS * 12 // MONTHS_IN[grain]
    counts = count_closes(
        _to_dates(now.created[seen]),
        _to_dates(now.won_on[seen]),
        as_of=today,
        grain=grain,
        fiscal_year_start=book.fiscal_year_start,
        max_age=ages,
    )
    complete = counts[counts["is_complete"].astype(bool)].groupby("age")[["n", "won"]].sum()
    shares = (complete["won"] / complete["n"].where(complete["n"] > 0)).fillna(0.0)
    current = period_of(today, grain, book.fiscal_year_start)
    ended = current if current.end <= today else current.previous()
    span = (day_number(ended.previous(forecaster.rules.coverage.conversion_periods - 1).start), day_number(ended.end))
    won = now.wins_between(*span) & (now.won_amount > 0)
    if not shares.astype(float).sum() > 0 or not won.any():
        return _none("No cohort of deals has lived through a whole period and brought wins with an amount.")
    usual = _usual_count(now.created[seen], ended, forecaster.rules.coverage.conversion_periods, book.begins)
    created = [_count_created(now.created[seen], period.previous(age), day, usual) for age in range(len(shares))]
    value = expect_wins(created, shares.tolist()) * float(now.won_amount[won].mean())
    so_far = _share_booked(book, day, period)
    booked = now.booked(*_bounds(period))
    return Estimate(booked + (1 - so_far) * value, int(counts.loc[counts["is_complete"], "cohort"].nunique()))


def _usual_count(created: np.ndarray, ended: Period, most: int, begins: int) -> float:
    spans = [_bounds(ended.previous(n)) for n in range(most)]
    whole = [(first, last) for first, last in spans if last >= begins]
    return float(np.mean([((created >= first) & (created <= last)).sum() for first, last in whole])) if whole else 0.0


def _count_created(created: np.ndarray, period: Period, day: int, usual: float) -> float:
    """Count what was created in a period, and expect as much as usual for the part of it that is to come."""
    first, last = _bounds(period)
    ahead = min(max(last - day, 0) / (last - first + 1), 1.0)
    return float(((created >= first) & (created <= last)).sum()) + usual * ahead


def _share_booked(book: DealBook, day: int, period: Period) -> float:
    """Tell which share of their bookings earlier periods had by their like point."""
    by_then, whole = 0.0, 0.0
    for then_day, past in book.earlier(day, period):
        first, last = _bounds(past)
        by_then += book.on(day).booked(first, then_day)
        whole += book.on(day).booked(first, last)
    return by_then / whole if whole else 0.0


def _to_dates(days: np.ndarray) -> pd.Series:
    stamps = np.where(days == NO_DAY, np.datetime64("NaT"), days.astype("int64").astype("datetime64[D]"))
    return pd.Series(stamps.astype("datetime64[us]"))


_MAKERS: Mapping[str, Callable[[Forecaster, int, Period], Estimate]] = {
    "coverage": _coverage,
    "week_k": _week_k,
    "to_go": _to_go,
    "stage_weighted": _stage_weighted,
    "cohort_vector": _cohort_vector,
    "naive": _naive,
}
