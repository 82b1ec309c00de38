"""Is a change more than chance? One test per change, and a correction for how many were looked at."""

import numpy as np
import pandas as pd

from helpers.analyses.change_tests import (
    measure_count_dispersion,
    score_counts,
    score_shares,
    score_sums,
    score_values,
)
from helpers.analyses.control_limits import two_sided


def score_changes(
    now: pd.DataFrame,
    before: pd.DataFrame,
    *,
    on: list[str],
    days: tuple[int, int] | None = None,
    history: pd.DataFrame | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Set each cell beside its earlier self and tell how surprising the difference is.

    Shares of records are compared by the score test of two proportions, by Fisher's mid-p where records are few; counts
    as two Poisson counts over their days, widened by how much they usually vary; averages and medians by their ratio
    and intervals; shares of money by their intervals; sums of money by dealing their records out anew, where the
    frames say how large the squares are.

    Args:
        now: Cells (columns of ``kpis.csv``) of the period in question; further a column ``squares`` (Σx² of the amounts
            behind a sum, see ``change_money.add_squares``), without which sums of money aren't tested.
        before: Cells of the period it is compared with, likewise.
        on: Columns that name a cell, such as ``["kpi", "slice"]``; unique in each frame.
        days: How many days the two periods have; None takes them from period_start and period_end, else as equal.
        history: Cells of earlier complete periods of the same series, from which is learnt how much counts usually
            vary, and with them sums of money; the series of a KPI and dimension are taken together. None takes chance
            alone.
        confidence: Of the intervals in the cells.

    Returns:
        One row per cell of ``now``: its columns, plus ``previous_value``, ``previous_n``, ``change`` (value minus
        previous value), ``relative_change``, ``p_value`` and ``q_value`` (Benjamini–Hochberg over all rows);
        the last four are missing where the earlier cell is missing or can't be tested.

    Source: Benjamini and Hochberg (1995) for the correction; see ``change_tests`` for each test.
    """
    carried = [name for name in ("squares", "period_start", "period_end") if name in now and name in before]
    earlier = before[[*on, "value", "n", "numerator", "denominator", "low", "high", *carried]]
    both = now.merge(earlier, on=on, how="left", suffixes=("", "_before"), validate="one_to_one")
    both = both.rename(columns={"value_before": "previous_value", "n_before": "previous_n"})
    both["change"] = both["value"] - both["previous_value"]
    with np.errstate(divide="ignore", invalid="ignore"):
        both["relative_change"] = np.where(both["previous_value"] != 0, both["change"] / both["previous_value"], np.nan)
    spread = _usual_spread(both, history, on)
    both["p_value"] = _p_values(both, _days(both, days), spread, confidence)
    both["q_value"] = correct(both["p_value"].to_numpy())
    dropped = ["numerator", "denominator", "low", "high", *carried]
    return both.drop(columns=[f"{name}_before" for name in dropped if name not in on])


def correct(p_values: np.ndarray) -> np.ndarray:
    """Correct p-values for their number by Benjamini and Hochberg; missing ones stay missing and don't count.

    >>> [round(float(q), 3) for q in correct(np.array([0.01, 0.04, 0.03, float("nan")]))]
    [0.03, 0.04, 0.04, nan]
    """
    p_values = np.asarray(p_values, float)
    corrected = np.full(len(p_values), np.nan)
    tested = np.flatnonzero(~np.isnan(p_values))
    if len(tested):
        order = tested[np.argsort(p_values[tested], kind="stable")]
        steps = p_values[order] * len(order) / np.arange(1, len(order) + 1)
        corrected[order] = np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0)
    return corrected


def _days(both: pd.DataFrame, days: tuple[int, int] | None) -> tuple[np.ndarray, np.ndarray]:
    """Return how many days each of the two periods of a cell has."""
    size = len(both)
    names = ("period_start", "period_end", "period_start_before", "period_end_before")
    if days is not None or not set(names) <= set(both.columns):
        now, before = days or (1, 1)
        return np.full(size, float(now)), np.full(size, float(before))
    start, end, start0, end0 = (pd.to_datetime(both[name]) for name in names)
    return (end - start).dt.days.to_numpy(float) + 1, (end0 - start0).dt.days.to_numpy(float) + 1


def _usual_spread(both: pd.DataFrame, history: pd.DataFrame | None, on: list[str]) -> np.ndarray:
    pools = [name for name in ("kpi", "dimension") if history is not None and name in both and name in history]
    if not pools or history.empty:
        return np.ones(len(both))
    factor = measure_count_dispersion(history, [name for name in on if name in history], pools).rename("factor")
    return both[pools].merge(factor.reset_index(), on=pools, how="left")["factor"].fillna(1.0).to_numpy(float)


def _p_values(
    both: pd.DataFrame, days: tuple[np.ndarray, np.ndarray], spread: np.ndarray, confidence: float
) -> np.ndarray:
    n, n_before = (both[name].to_numpy(float, na_value=np.nan) for name in ("n", "previous_n"))
    share = (both["denominator"] == n) & (both["denominator_before"] == n_before)
    share &= (both["numerator"] <= n) & (both["numerator_before"] <= n_before) & both["low"].notna()
    count = both["denominator"].isna() & both["low"].isna() & (both["numerator"] == n)
    total = both["denominator"].isna() & both["low"].isna() & ~count & both["numerator"].notna()
    z = score_values(both, confidence)
    halves = (
        both[name].to_numpy(float) for name in ("numerator", "denominator", "numerator_before", "denominator_before")
    )
    z = np.where(share, score_shares(*halves), z)
    z = np.where(count, score_counts(n, n_before, days) / np.sqrt(spread), z)
    if "squares" in both and "squares_before" in both:
        squares = both["squares"].to_numpy(float), both["squares_before"].to_numpy(float)
        values = both["value"].to_numpy(float), both["previous_value"].to_numpy(float)
        z = np.where(total, score_sums(*values, squares, (n, n_before), days, spread), z)
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(z), two_sided(z), np.nan)
