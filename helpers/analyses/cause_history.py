"""What each cause looked like before: its count, rate, share or deal size period by period, beside everything else."""

import json
from collections.abc import Sequence
from datetime import date
from statistics import NormalDist

import numpy as np
import pandas as pd

from helpers.analyses.cause_words import find_members, name_slice
from helpers.analyses.coded_leaves import describe_value
from helpers.analyses.creation_leaves import build_creation_leaves, build_win_leaves
from helpers.analyses.leaves import GapLeaves, build_closing_leaves
from helpers.engine.doubt import wilson_interval
from helpers.periods import Period
from helpers.units import in_sentence

HISTORY_COLUMNS = ["rank", "panel", "unit", "period_start", "period", "value", "low", "high", "n", "rest", "is_asked"]
"""The columns of ``trace_causes``."""

MOST_PANELS = 6
"""Pictures that a screen holds at a size that can be read."""

LONGEST = 8
"""Earlier periods shown at most."""

CONFIDENCE = 0.90
"""Of the intervals, as of the causes' effects."""


def trace_causes(company, gap, *, history: Sequence[Period], as_of: date, most: int = MOST_PANELS) -> pd.DataFrame:
    """Follow each cause back through the periods before, beside all records outside it.

    Args:
        company: The opened company.
        gap: The result of ``explain_gap``.
        history: All periods up to the one in question.
        as_of: The last day that counts.
        most: The most panels; a change of composition takes one for what lost and one for what gained.

    Returns:
        One row per panel and period, oldest first: rank of the cause, panel (what is measured where), unit (share,
        count or currency), period_start, period, value, low and high (90 %: Wilson for a rate or share, log-normal for
        a deal size, none for a count), n (records that the value rests on), rest (the same measure outside the slice;
        for a count: what the slice would have been, had it moved as the rest since the first period shown),
        is_asked (the period in question). Entries of the creation lens are seen at equal age. No rows where no cause
        has a history.

    Source:
        Wilson (1927) for the interval of a share.
    """
    earlier = [one for one in history if one.end < gap.period.start]
    periods = [*earlier[-LONGEST:], gap.period]
    if len(periods) < 2 or gap.causes.empty:
        return pd.DataFrame(columns=HISTORY_COLUMNS)
    frames: dict[str, list[tuple[Period, str, pd.DataFrame]]] = {}
    rows: list[tuple] = []
    panels = 0
    for cause in gap.causes.to_dict("records"):
        leaves = gap.search if cause["lens"] == "closing" else gap.creation
        if leaves is None or cause["verdict"] == "single deal":
            continue
        if cause["lens"] not in frames:
            frames[cause["lens"]] = _read_periods(company, leaves, gap.period, periods[:-1], as_of)
        for panel, unit, measured in _measure(cause, leaves, frames[cause["lens"]]):
            if panels == most:
                break
            panels += 1
            for period, value, low, high, n, rest in measured:
                asked = period == gap.period
                rows.append((cause["rank"], panel, unit, period.start, period.label, value, low, high, n, rest, asked))
    frame = pd.DataFrame(rows, columns=HISTORY_COLUMNS)
    return frame.astype(dict.fromkeys(["value", "low", "high", "n", "rest"], "float64"))


def _read_periods(
    company, leaves: GapLeaves, period: Period, earlier: list[Period], as_of: date
) -> list[tuple[Period, str, pd.DataFrame]]:
    """Return each period with its leaves and the side of them that is its own; one without records is left out.

    Every earlier period is built as the expected side of the period in question, so that it is seen at the same age.
    """
    found = []
    for one in earlier:
        question = {"period": period, "expected": [one], "as_of": as_of}
        if leaves.lens == "closing":
            both = build_closing_leaves(company, **question, business="new", with_slipped=False)
            both = both or build_win_leaves(company, **question)
        else:
            both = build_creation_leaves(company, **question)
        if both is not None:
            found.append((one, "expected", both.frame))
    return [*found, (period, "actual", leaves.frame)]


def _measure(
    cause: dict, leaves: GapLeaves, sides: list[tuple[Period, str, pd.DataFrame]]
) -> list[tuple[str, str, list[tuple]]]:
    """Return the panels of a cause: name, unit, and per period (period, value, low, high, n, rest)."""
    slice_values = json.loads(cause["slice_json"])
    label = leaves.labels.get(cause["step"], cause["step"])
    sides = [side for side in sides if set(slice_values) <= set(side[2].columns)]
    if cause["effect"] == "mix":
        ((dimension, values),) = slice_values.items()
        told = [values[0], *([values[-1]] if len(values) > 1 else [])]
        return [
            (
                f"{describe_value(value)} in {in_sentence(label)}",
                "share",
                _trace_share(sides, {dimension: [value]}, cause["step"], None),
            )
            for value in told
        ]
    where = name_slice(cause["slice_json"])
    if cause["effect"] == "volume":
        return [(f"{label}: {where}", "count", _trace_count(sides, slice_values, cause["step"]))]
    if cause["effect"] == "value":
        return [(f"Deal size: {where}", "currency", _trace_size(sides, slice_values, leaves))]
    before = leaves.steps[leaves.steps.index(cause["step"]) - 1]
    name = f"{leaves.labels.get(before, before)} → {in_sentence(label)}: {where}"
    return [(name, "share", _trace_share(sides, slice_values, cause["step"], before))]


def _trace_share(sides: list, slice_values: dict, step: str, before: str | None) -> list[tuple]:
    """Follow a rate inside and outside a slice; without a step before, the slice's share of the step."""
    traced = []
    for period, side, frame in sides:
        inside = find_members(frame, slice_values)
        counted = frame[f"{step}_{side}"]
        top = float(counted[inside].sum())
        entered = counted if before is None else frame[f"{before}_{side}"]
        n = float(entered.sum() if before is None else entered[inside].sum())
        rest_n = 0.0 if before is None else float(entered[~inside].sum())
        if n <= 0:
            continue
        low, high = wilson_interval(np.array([top]), np.array([n]), CONFIDENCE)
        rest = float(counted[~inside].sum()) / rest_n if rest_n else np.nan
        traced.append((period, top / n, float(low[0]), float(high[0]), n, rest))
    return traced


def _trace_count(sides: list, slice_values: dict, step: str) -> list[tuple]:
    """Follow a count, beside what it would have been had it moved as the rest has since the first period."""
    counts = []
    for period, side, frame in sides:
        inside = find_members(frame, slice_values)
        counted = frame[f"{step}_{side}"]
        counts.append((period, float(counted[inside].sum()), float(counted[~inside].sum())))
    earlier = counts[:-1]
    own, other = sum(count for _, count, _ in earlier), sum(rest for _, _, rest in earlier)
    factor = own / other if other else np.nan
    return [(period, count, np.nan, np.nan, count, rest * factor) for period, count, rest in counts]


def _trace_size(sides: list, slice_values: dict, leaves: GapLeaves) -> list[tuple]:
    """Follow the average deal size inside and outside a slice."""
    amount, won = leaves.amount, leaves.steps[-1]
    z = float(NormalDist().inv_cdf(0.5 + CONFIDENCE / 2))
    traced = []
    for period, side, frame in sides:
        inside = find_members(frame, slice_values)
        money, deals = frame[f"{amount}_{side}"], frame[f"{won}_{side}"]
        n, rest_n = float(deals[inside].sum()), float(deals[~inside].sum())
        if n <= 0:
            continue
        value = float(money[inside].sum()) / n
        logs, squares = (frame.loc[inside, f"{amount}_{part}_{side}"].sum() for part in ("log", "logsq"))
        spread = max(float(squares) / n - (float(logs) / n) ** 2, 0.0) * n / max(n - 1, 1)
        half = z * np.sqrt(spread / n) if n > 1 else np.nan
        rest = float(money[~inside].sum()) / rest_n if rest_n else np.nan
        traced.append((period, value, value * np.exp(-half), value * np.exp(half), n, rest))
    return traced
