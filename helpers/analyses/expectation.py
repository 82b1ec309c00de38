"""What each slice should have done: expected counts, rates and deal sizes, held to what its dimensions predict."""

from dataclasses import dataclass, replace

import numpy as np

from helpers.analyses.coded_leaves import CodedLeaves
from helpers.analyses.cuboids import SliceLattice

PRIOR_COUNT = 3.0
"""Events by which a dimension value's own rate is held to the company's rate while the expectation is fitted."""

NEVER_SEEN = 1e-4
"""The share of its actual count that is expected of a combination never seen before, so that it can have a ratio."""

MOST = 0.999
"""The highest rate that is ever expected."""


@dataclass(frozen=True)
class Measure:
    """Hold one thing that can move: the volume, one rate, or the deal size.

    ``actual`` is what was counted, ``standard`` what the expectation gives for the same entries (so that a
    changed composition can't pass for a changed rate), both per leaf; ``base_actual`` and ``base_standard`` are the
    same on the expected side. ``entries`` and ``base_entries`` are what could have been counted: entries of the
    step before, deals for the size. ``spread`` is the variance of the log deal size. Sizes are log amounts
    (``is_log``), sums of differences from the expectation.
    """

    step: str
    effect: str
    actual: np.ndarray
    standard: np.ndarray
    base_actual: np.ndarray
    base_standard: np.ndarray
    entries: np.ndarray
    base_entries: np.ndarray
    is_exact: bool = False
    is_log: bool = False
    spread: float = 0.0


@dataclass(frozen=True)
class MoneyModel:
    """Hold expected rates per leaf and what one entry of each step is worth at them."""

    rates: np.ndarray
    value: np.ndarray

    def worth(self, step: int) -> np.ndarray:
        """Return what one count of a step is expected to bring, per leaf."""
        return self.rates[step:].prod(axis=0) * self.value


def build_measures(coded: CodedLeaves, *, is_plan: bool) -> tuple[list[Measure], MoneyModel]:
    """Build everything that can have moved, with its expectation.

    Args:
        coded: The leaf table.
        is_plan: Whether the expected side is a plan (exact) rather than another period's counts.

    Returns:
        The volume, one rate per further step, and the deal size where there are amounts; and the model of money.
    """
    first = coded.steps[0]
    expected, actual = coded.expected, coded.actual
    ones = np.ones(len(coded))
    seen = expected[0] + NEVER_SEEN * actual[0] * expected[0].sum() / max(actual[0].sum(), 1e-9)
    measures = [Measure(first, "volume", actual[0], seen, expected[0], expected[0], ones, ones, is_exact=is_plan)]
    rates = []
    for place in range(1, len(coded.steps)):
        rate = fit_rates(coded, expected[place - 1], expected[place], is_plan=is_plan)
        rates.append(rate)
        measures.append(
            Measure(
                coded.steps[place],
                "rate",
                actual[place],
                actual[place - 1] * rate,
                expected[place],
                expected[place - 1] * rate,
                actual[place - 1],
                expected[place - 1],
                is_exact=is_plan,
            )
        )
    value = ones
    if coded.amount:
        measure, value = _build_value(coded, is_plan=is_plan)
        measures.append(measure)
    return measures, MoneyModel(np.stack(rates) if rates else np.ones((0, len(coded))), value)


def fit_rates(coded: CodedLeaves, entries: np.ndarray, events: np.ndarray, *, is_plan: bool = False) -> np.ndarray:
    """Fit the expected rate of every leaf as company rate × one factor per dimension value.

    Args:
        coded: The leaf table.
        entries: What entered, per leaf.
        events: How many of them went on, per leaf.
        is_plan: Take a leaf's own planned rate where it has entries.

    Returns:
        One rate per leaf, in (0, 1] for counts; values never seen before get the rate of the rest.

    Source:
        Iterative proportional fitting (Deming and Stephan 1940), each factor shrunk by ``PRIOR_COUNT`` events.
    """
    overall = max(events.sum() + 0.5, 1e-9) / max(entries.sum() + 1.0, 1e-9)
    most = np.inf if (events > entries).any() else MOST
    fitted = np.full(len(coded), overall)
    totals = [np.bincount(code, events, minlength=size) for code, size in zip(coded.codes, coded.sizes, strict=True)]
    for _ in range(12):
        largest = 0.0
        for code, size, total in zip(coded.codes, coded.sizes, totals, strict=True):
            predicted = np.bincount(code, entries * fitted, minlength=size)
            factor = (total + PRIOR_COUNT) / (predicted + PRIOR_COUNT)
            fitted = np.minimum(fitted * factor[code], most)
            largest = max(largest, float(np.abs(factor - 1).max(initial=0)))
        if largest < 1e-4:
            break
    if is_plan:
        own = np.divide(events, entries, out=fitted.copy(), where=entries > 0)
        fitted = np.where(entries > 0, own, fitted)
    return fitted


def _build_value(coded: CodedLeaves, *, is_plan: bool) -> tuple[Measure, np.ndarray]:
    """Build the measure of the deal size: on log amounts where they are known, else on averages."""
    names = [f"{coded.amount}_{part}_{side}" for part in ("log", "logsq") for side in ("expected", "actual")]
    logs = [coded.extra_column(name) for name in names]
    deals, base_deals = coded.actual[-1], coded.expected[-1]
    value = fit_rates(coded, base_deals, np.maximum(coded.amount_expected, 0.0))
    if any(numbers is None for numbers in logs):
        spread = _measure_spread(coded, value)
        measure = Measure(
            coded.amount,
            "value",
            coded.amount_actual,
            deals * value,
            coded.amount_expected,
            base_deals * value,
            deals,
            base_deals,
            is_exact=is_plan,
            spread=spread,
        )
        return measure, value
    base_log, log, base_squares, squares = logs
    mean = _fit_means(coded, base_deals, base_log)
    count = deals.sum() + base_deals.sum()
    rest = (squares - 2 * mean * log + mean**2 * deals).sum()
    rest += (base_squares - 2 * mean * base_log + mean**2 * base_deals).sum()
    spread = max(rest / count, 1e-6) if count > 0 else 1.0
    money = coded.amount_expected.sum() + coded.amount_actual.sum()
    value = np.exp(mean)
    value = value * (coded.amount_expected.sum() / (value * base_deals).sum() if base_deals.sum() and money else 1.0)
    measure = Measure(
        coded.amount,
        "value",
        log - mean * deals,
        deals,
        base_log - mean * base_deals,
        base_deals,
        deals,
        base_deals,
        is_exact=is_plan,
        is_log=True,
        spread=spread,
    )
    return measure, value


def _fit_means(coded: CodedLeaves, deals: np.ndarray, logs: np.ndarray) -> np.ndarray:
    """Fit the mean log amount of every leaf as a sum over its dimension values."""
    fitted = np.full(len(coded), logs.sum() / deals.sum() if deals.sum() > 0 else 0.0)
    for _ in range(8):
        for code, size in zip(coded.codes, coded.sizes, strict=True):
            rest = np.bincount(code, logs - deals * fitted, minlength=size)
            weight = np.bincount(code, deals, minlength=size)
            fitted = fitted + (rest / (weight + PRIOR_COUNT))[code]
    return fitted


def _measure_spread(coded: CodedLeaves, value: np.ndarray) -> float:
    """Estimate the squared coefficient of variation of a deal's amount from how leaves scatter."""
    rest, deals = 0.0, 0.0
    for money, count in ((coded.amount_expected, coded.expected[-1]), (coded.amount_actual, coded.actual[-1])):
        has = count > 0
        scaled = money[has] / value[has] - count[has]
        rest, deals = rest + float((scaled**2 / count[has]).sum()), deals + float(has.sum())
    return float(np.clip(rest / deals, 1e-4, 25.0)) if deals else 1.0


@dataclass(frozen=True)
class BaseNoise:
    """Hold, per slice, how far its own history departs from its dimensions' prediction and how sure that is.

    ``log_ratio`` is the departure that is believed; ``variance`` the relative variance of the expectation.
    """

    log_ratio: np.ndarray
    variance: np.ndarray


def judge_base(measure: Measure, lattice: SliceLattice) -> BaseNoise:
    """Judge the expectation of every slice: its own history, shrunk towards what its dimensions predict.

    The departure of a slice of two and more dimensions is believed as far as such departures are larger than
    chance in the expected side itself (empirical Bayes), so that small slices borrow strength.
    """
    actual, standard = lattice.sum(measure.base_actual), lattice.sum(measure.base_standard)
    entries = lattice.sum(measure.base_entries)
    if measure.effect == "volume" or not lattice.count:
        variance = np.zeros(lattice.count) if measure.is_exact else 1.0 / np.maximum(actual, 0.5)
        return BaseNoise(np.zeros(lattice.count), variance)
    if measure.is_exact:
        return BaseNoise(np.zeros(lattice.count), np.zeros(lattice.count))
    if measure.is_log:
        own = measure.spread / np.maximum(entries, 0.25)
        departure = actual / np.maximum(entries, 1e-9) * (entries > 0)
    elif measure.effect == "value":
        own = measure.spread / np.maximum(entries, 0.25)
        departure = np.where(entries > 0, np.log(np.maximum(actual, 1e-9) / np.maximum(standard, 1e-9)), 0.0)
        departure = np.where(actual > 0, departure, 0.0)
    else:
        rate = np.clip(standard / np.maximum(entries, 1e-9), 1e-6, MOST)
        own = (1 - rate) / np.maximum(np.maximum(actual, standard), 0.25)
        departure = np.log((actual + 0.5) / (standard + 0.5))
    return _shrink_base(lattice, own, departure, standard)


def _shrink_base(lattice: SliceLattice, own: np.ndarray, departure: np.ndarray, standard: np.ndarray) -> BaseNoise:
    """Weigh each slice's own departure against the model."""
    is_single = lattice.depth == 1
    model = np.where(lattice.parents >= 0, own[lattice.parents], 0.0).sum(axis=1)
    model = np.minimum(model, own)
    weight = np.ones(lattice.count)
    for depth in range(2, lattice.max_depth + 1):
        rows = lattice.depth == depth
        usable = rows & (standard >= 5)
        if usable.sum() >= 10:
            chance = 1 - np.minimum(0.9, model[usable] / own[usable])
            extra = (departure[usable] ** 2 / own[usable] - chance).sum() / (1 / own[usable]).sum()
            extra = max(extra, 0.0)
        else:
            extra = 1.0
        weight[rows] = extra / (extra + own[rows])
    variance = np.where(is_single, own, np.minimum(model + weight * own, own))
    return BaseNoise(weight * departure, variance)


def with_multiplier(measure: Measure, log_multiplier: np.ndarray) -> Measure:
    """Return the measure with known effects built into its expectation."""
    if measure.is_log:
        return replace(measure, actual=measure.actual - log_multiplier * measure.entries)
    return replace(measure, standard=measure.standard * np.exp(log_multiplier))
