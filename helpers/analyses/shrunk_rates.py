"""The rate that every combination of values lets expect, each value's own factor held to none by lack of events."""

import numpy as np

from helpers.analyses.coded_leaves import CodedLeaves

PRIOR_EVENTS = 5.0
"""Events by which the factor of a value, or the departure of a slice, is held to none."""

ROUNDS = 20


def fit_shrunk_rates(coded: CodedLeaves, entries: np.ndarray, events: np.ndarray, *, is_exact: bool) -> np.ndarray:
    """Fit company rate × one factor per dimension value, each drawn towards 1.

    Args:
        coded: The leaf table.
        entries: What entered, per leaf.
        events: What came of it (records or money in units of a usual deal), per leaf.
        is_exact: A plan, taken as it is where it has entries.

    Returns:
        One rate per leaf. A value with few events keeps to the company's rate, and a sum over many is met.

    Source:
        Multiplicative main effects with a gamma prior of mean 1 on each factor, fitted by coordinate ascent.
    """
    whole = float(events.sum() / entries.sum()) if entries.sum() > 0 else 0.0
    factors = [np.ones(size) for size in coded.sizes]
    scale = _measure_event(entries, events)
    totals = [
        np.bincount(code, events / scale, minlength=size) for code, size in zip(coded.codes, coded.sizes, strict=True)
    ]
    fitted = np.full(len(coded), whole)
    for _ in range(ROUNDS):
        largest = 0.0
        for place, (code, size) in enumerate(zip(coded.codes, coded.sizes, strict=True)):
            others = fitted / factors[place][code]
            predicted = np.bincount(code, entries * others / scale, minlength=size)
            new = (totals[place] + PRIOR_EVENTS) / (predicted + PRIOR_EVENTS)
            largest = max(largest, float(np.abs(new / factors[place] - 1).max(initial=0)))
            factors[place], fitted = new, others * new[code]
        level = events.sum() / max(float((entries * fitted).sum()), 1e-12)
        fitted = fitted * (level if level > 0 else 1.0)
        if largest < 1e-5:
            break
    if is_exact:
        fitted = np.divide(events, entries, out=fitted.copy(), where=entries > 0)
    return fitted


def _measure_event(entries: np.ndarray, events: np.ndarray) -> float:
    """Return the unit in which events are counted: 1 for records, the average for money."""
    is_count = bool((events <= entries + 1e-9).all())
    return 1.0 if is_count or entries.sum() <= 0 else max(float(events.sum() / entries.sum()), 1e-9)
