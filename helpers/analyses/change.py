"""Is a change more than chance? One test per change, and a correction for how many were looked at."""

import numpy as np
import pandas as pd


def score_changes(
    now: pd.DataFrame, before: pd.DataFrame, *, on: list[str], days: tuple[int, int] | None = None
) -> pd.DataFrame:
    """Set each cell beside its earlier self and tell how surprising the difference is.

    Shares of records are compared by the two-proportion z test with pooled variance; other values, shares of money or
    seats among them, by their intervals, read as symmetric on the scale they are given in. Volumes are compared as two
    Poisson counts, per day where the periods' lengths are given.

    Args:
        now: Cells (columns of ``kpis.csv``) of the period in question.
        before: Cells of the period it is compared with.
        on: Columns that name a cell, such as ``["kpi", "slice"]``; unique in each frame.
        days: How many days the two periods have; None takes them as equally long.

    Returns:
        One row per cell of ``now``: its columns, plus ``previous_value``, ``previous_n``, ``change`` (value minus
        previous value), ``relative_change``, ``p_value`` and ``q_value`` (Benjamini–Hochberg over all rows);
        the last four are missing where the earlier cell is missing or can't be tested.

    Source: Benjamini and Hochberg (1995) for the correction.
    """
    earlier = before[[*on, "value", "n", "numerator", "denominator", "low", "high"]]
    both = now.merge(earlier, on=on, how="left", suffixes=("", "_before"), validate="one_to_one")
    both = both.rename(columns={"value_before": "previous_value", "n_before": "previous_n"})
    both["change"] = both["value"] - both["previous_value"]
    with np.errstate(divide="ignore", invalid="ignore"):
        both["relative_change"] = np.where(both["previous_value"] != 0, both["change"] / both["previous_value"], np.nan)
    both["p_value"] = _p_values(both, days or (1, 1))
    both["q_value"] = correct(both["p_value"].to_numpy())
    return both.drop(columns=["numerator_before", "denominator_before", "low_before", "high_before"])


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


def _p_values(both: pd.DataFrame, days: tuple[int, int]) -> np.ndarray:
    from scipy.special import ndtr

    n, n_before = (both[name].to_numpy(float, na_value=np.nan) for name in ("n", "previous_n"))
    share = (both["denominator"] == n) & (both["denominator_before"] == n_before)
    share &= (both["numerator"] <= n) & (both["numerator_before"] <= n_before) & both["low"].notna()
    count = both["denominator"].isna() & both["low"].isna() & (both["numerator"] == n)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(share, _share_z(both), np.where(count, _count_z(both, days), _interval_z(both)))
    return np.where(np.isfinite(z), 2 * ndtr(-np.abs(z)), np.nan)


def _share_z(both: pd.DataFrame) -> np.ndarray:
    k1, n1 = both["numerator"].to_numpy(float), both["denominator"].to_numpy(float)
    k0, n0 = both["numerator_before"].to_numpy(float), both["denominator_before"].to_numpy(float)
    pooled = (k1 + k0) / (n1 + n0)
    return (k1 / n1 - k0 / n0) / np.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n0))


def _count_z(both: pd.DataFrame, days: tuple[int, int]) -> np.ndarray:
    now, before = both["n"].to_numpy(float), both["previous_n"].to_numpy(float)
    return (now / days[0] - before / days[1]) / np.sqrt(now / days[0] ** 2 + before / days[1] ** 2)


def _interval_z(both: pd.DataFrame) -> np.ndarray:
    width = np.hypot(
        (both["high"] - both["low"]).to_numpy(float), (both["high_before"] - both["low_before"]).to_numpy(float)
    )
    return both["change"].to_numpy(float) / (width / (2 * 1.959963984540054))
