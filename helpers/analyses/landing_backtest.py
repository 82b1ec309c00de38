"""How well each method of landing foresaw periods that have ended, against the naive forecast, and how calibrated."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from helpers.analyses.landing import LANDING_COLUMNS, Forecaster, list_estimates
from helpers.analyses.landing_deals import open_book
from helpers.engine.doubt import wilson_interval
from helpers.engine.timeline import FAR, day_number
from helpers.errors import QuestionError
from helpers.model.goal import GoalRules, load_goal_rules
from helpers.periods import Period

BACKTEST_COLUMNS = ["period_start", "period", "week", *LANDING_COLUMNS, "actual", "error"]
SCORE_COLUMNS = [
    "method", "week", "n", "error", "bias", "naive_error", "against_naive", "covered", "covered_n", "covered_low",
    "covered_high", "reason",
]  # fmt: skip
RELIABILITY_COLUMNS = ["bin", "n", "hit", "low", "high", "foreseen"]
NAIVE = "naive"


def backtest_landings(
    company,
    *,
    periods: Sequence[Period],
    weeks: Sequence[int] = (0, 3),
    as_of: date | None = None,
    business: str = "new",
    rules: GoalRules | None = None,
) -> pd.DataFrame:
    """Estimate periods that have ended as they could have been estimated then, beside what came.

    Args:
        company: The opened company.
        periods: Periods that had ended by ``as_of``; others are left out.
        weeks: After how many whole weeks each is estimated: 0 = the evening before its first day, 3 = the evening of
            its 21st day. A week that a period doesn't have is left out.
        as_of: The last day that counts; by default the last event.
        business: ``new``, ``existing`` or ``all``.
        rules: What ``goals.toml`` says.

    Returns:
        One row per period, week and method: period_start, period (label), week, the columns of ``estimate_landings``,
        actual (bookings of the period, currency), error (expected − actual, currency). Nothing that happened after the
        day of an estimate is used for it. Without deals or periods there are no rows.

    Raises:
        QuestionError: A week is negative.
    """
    if any(week < 0 for week in weeks):
        raise QuestionError(f"week {min(weeks)} lies before the period. Weeks are 0 (the evening before) or more.")
    last = as_of or company.latest_event
    book = open_book(company, last, business=business) if last else None
    if book is None or book.begins == FAR:
        return pd.DataFrame(columns=BACKTEST_COLUMNS)
    forecaster = Forecaster(book, rules or load_goal_rules())
    rows = []
    for period in sorted(period for period in periods if period.end <= last):
        first, end = day_number(period.start), day_number(period.end)
        actual = book.on(book.today).booked(first, end)
        for week in weeks:
            day = first + 7 * week - 1
            if day >= end:
                continue
            for row in list_estimates(forecaster, day, period):
                rows.append((pd.Timestamp(period.start), period.label, week, *row, actual, row[1] - actual))
    return pd.DataFrame(rows, columns=BACKTEST_COLUMNS)


def score_landings(backtest: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """Sum each method's errors up, and compare them with the naive forecast's over the same periods.

    Args:
        backtest: As made by ``backtest_landings``.
        confidence: Of the interval of the share covered.

    Returns:
        One row per method and week: method, week, n (periods estimated), error (Σ |expected − actual| ÷ Σ actual),
        bias (Σ (expected − actual) ÷ Σ actual; above 0 foresaw too much), naive_error (the naive forecast's over those
        periods that both could estimate), against_naive (the method's error over these ÷ naive_error; below 1 is
        better), covered (share of ranges that held what came) with covered_n ranges and its Wilson bounds covered_low
        and covered_high, reason (why it never estimated). Blank where nothing can be told.

    Source:
        Weighted absolute percentage error; relative to the naive forecast as in Hyndman and Koehler (2006).
    """
    rows = []
    for (week, method), mine in backtest.groupby(["week", "method"], sort=False):
        known = mine.dropna(subset=["expected"])
        naive = backtest[(backtest["week"] == week) & (backtest["method"] == NAIVE)].dropna(subset=["expected"])
        both = known.merge(naive[["period_start", "error"]], on="period_start", suffixes=("", "_naive"))
        ranged = known.dropna(subset=["low", "high"])
        held = int(((ranged["low"] <= ranged["actual"]) & (ranged["actual"] <= ranged["high"])).sum())
        low, high = wilson_interval(np.array([held]), np.array([len(ranged)]), confidence)
        ours, theirs = both["error"].abs().sum(), both["error_naive"].abs().sum()
        rows.append(
            {
                "method": method,
                "week": week,
                "n": len(known),
                "error": _divide(known["error"].abs().sum(), known["actual"].sum()),
                "bias": _divide(known["error"].sum(), known["actual"].sum()),
                "naive_error": _divide(theirs, both["actual"].sum()),
                "against_naive": _divide(ours, theirs),
                "covered": _divide(held, len(ranged)),
                "covered_n": len(ranged),
                "covered_low": float(low[0]),
                "covered_high": float(high[0]),
                "reason": "" if len(known) or mine.empty else str(mine["reason"].iloc[-1]),
            }
        )
    return pd.DataFrame(rows, columns=SCORE_COLUMNS)


def tabulate_reliability(
    probability: Sequence[float], hit: Sequence[bool], *, bins: int = 10, confidence: float = 0.95
) -> pd.DataFrame:
    """Compare foreseen probabilities with how often what they foresaw came.

    Args:
        probability: Foreseen, 0–1; a blank one is left out.
        hit: Whether it came.
        bins: How many bins of equal width.
        confidence: Of the Wilson interval.

    Returns:
        One row per bin that holds a forecast, lowest first: bin (such as ``20–30 %``), n (forecasts), hit (how many
        came), low and high (Wilson bounds of the share that came, 0–1), foreseen (mean probability of the bin, 0–1).
        Forecasts are calibrated where foreseen lies between low and high.

    Raises:
        QuestionError: Fewer than one bin, lists of different length, or a probability outside 0–1.

    Source:
        Reliability diagram (Murphy and Winkler, 1977); Wilson (1927).

    >>> table = tabulate_reliability([0.1, 0.2, 0.9, 0.8], [False, True, True, True], bins=2)
    >>> table[["bin", "n", "hit"]].to_numpy().tolist()
    [['0–50 %', 2, 1], ['50–100 %', 2, 2]]
    """
    foreseen, came = np.asarray(probability, dtype=float), np.asarray(hit, dtype=bool)
    if bins < 1 or foreseen.shape != came.shape:
        raise QuestionError(
            f"reliability: {len(foreseen)} probabilities, {len(came)} outcomes, {bins} bins. Give equal lists."
        )
    known = np.isfinite(foreseen)
    foreseen, came = foreseen[known], came[known]
    if ((foreseen < 0) | (foreseen > 1)).any():
        raise QuestionError("reliability: a probability lies outside 0–1. Divide percentages by 100.")
    place = np.minimum((foreseen * bins).astype(int), bins - 1)
    n = np.bincount(place, minlength=bins)
    hits = np.bincount(place, weights=came, minlength=bins).astype(int)
    low, high = wilson_interval(hits, n, confidence)
    total = np.bincount(place, weights=foreseen, minlength=bins)
    edges = [f"{100 * edge / bins:g}" for edge in range(bins + 1)]
    names = [f"{edges[i]}–{edges[i + 1]} %" for i in range(bins)]
    table = pd.DataFrame({"bin": names, "n": n, "hit": hits, "low": low, "high": high})
    table["foreseen"] = total / np.maximum(n, 1)
    return table[table["n"] > 0].reset_index(drop=True)[RELIABILITY_COLUMNS]


def _divide(above: float, below: float) -> float:
    return float(above / below) if below else float("nan")
