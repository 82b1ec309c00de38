"""Several periods taken together, and whether two such windows differ beyond chance."""

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.change import correct, score_changes
from helpers.engine.doubt import wilson_interval

Window = dict[str, Any]


def pool_window(side: pd.DataFrame, places: Sequence[int], kpi: Any, row: Any, *, confidence: float) -> Window:
    """Take some periods of a KPI together: counts and sums add up, halves of rates add up, of a stock the last counts.

    Args:
        side: The KPI's cells, one row per period, indexed by its start.
        places: Which of the rows.
        kpi: The KPI.
        row: What names the window.
        confidence: Of the interval.

    Returns:
        A cell with value, n, both halves, interval, squares and days, and the single periods' values.
    """
    part = side.iloc[list(places)]
    n, numerator = float(part["n"].sum()), float(part["numerator"].sum(min_count=1))
    denominator = float(part["denominator"].sum(min_count=1))
    has_halves = part["denominator"].notna().all()
    if has_halves and denominator > 0:
        value = numerator / denominator
    elif kpi.measure.kind == "stock":
        value, n, numerator = (float(part[name].iloc[-1]) for name in ("value", "n", "numerator"))
    elif kpi.unit in ("days", "ratio", "share"):
        value, numerator = float(part["value"].mean()), float("nan")
    else:
        value = float(part["value"].sum())
    low, high = _interval(part, value, confidence) if has_halves else (np.nan, np.nan)
    squares = float(part["squares"].sum(min_count=1)) if "squares" in part else np.nan
    ends = pd.to_datetime(part["period_end"])
    return {"row": row, "kpi": kpi.id, "dimension": "all", "value": value, "n": n, "numerator": numerator,
            "denominator": denominator if has_halves else np.nan, "low": low, "high": high, "squares": squares,
            "period_start": part.index[0], "period_end": ends.iloc[-1],
            "values": part["value"].to_numpy(float)}  # fmt: skip


def _interval(part: pd.DataFrame, value: float, confidence: float) -> tuple[float, float]:
    """Return the interval of a pooled rate: Wilson for shares of records, else from the single periods' intervals."""
    of_records = (part["denominator"] == part["n"]).all() and (part["numerator"] <= part["n"]).all()
    if of_records:
        low, high = wilson_interval([part["numerator"].sum()], [part["n"].sum()], confidence)
        return float(low[0]), float(high[0])
    if part[["low", "high"]].isna().to_numpy().any():
        return np.nan, np.nan
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    errors = (part["high"] - part["low"]) / 2 / z * part["denominator"]
    half = z * float(np.sqrt((errors**2).sum())) / float(part["denominator"].sum())
    return value - half, value + half


def compare_windows(
    windows: Sequence[Sequence[Window]], history: pd.DataFrame, confidence: float
) -> dict[Any, Mapping[str, float]]:
    """Tell for each two windows how surprising the difference is, corrected for how many were compared.

    Each kind of number is tested as everywhere else (``score_changes``); what can't be tested so, such as a rate whose
    halves are counted apart, by Welch's test between the single periods of the two windows.

    Args:
        windows: Now and before, per comparison.
        history: Cells of all periods, from which is learnt how much counts usually vary.
        confidence: Of the intervals.

    Returns:
        Row → now, before, n, n_before, low, high, p and q (NaN where it can't be tested).
    """
    if not windows:
        return {}
    both = [
        pd.DataFrame([pair[side] for pair in windows]).drop(columns="values").assign(row=range(len(windows)))
        for side in (0, 1)
    ]
    complete = history[history["is_complete"].eq(True) & history["denominator"].isna()]
    kept = complete[["kpi", "dimension", "period_start", "n"]]
    scored = score_changes(*both, on=["row"], history=kept, confidence=confidence).set_index("row")
    p = np.array([
        scored.loc[i, "p_value"] if np.isfinite(scored.loc[i, "p_value"]) else _welch(now["values"], before["values"])
        for i, (now, before) in enumerate(windows)
    ])  # fmt: skip
    q = correct(p)
    return {
        now["row"]: {"now": now["value"], "before": before["value"], "n": now["n"], "n_before": before["n"],
                     "low": now["low"], "high": now["high"], "p": float(p[i]), "q": float(q[i])}
        for i, (now, before) in enumerate(windows)
    }  # fmt: skip


def _welch(now: np.ndarray, before: np.ndarray) -> float:
    """Return the p-value of a difference between the periods of two windows; NaN where either has no spread."""
    from scipy.stats import ttest_ind

    if min(len(now), len(before)) < 2:
        return float("nan")
    if min(now.min(), before.min()) > 0:
        now, before = np.log(now), np.log(before)
    if np.ptp(now) == 0 or np.ptp(before) == 0:
        return float("nan")
    return float(ttest_ind(now, before, equal_var=False).pvalue)
