"""What each slice should have done: expected counts, rates and deal sizes, held to what its dimensions predict."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from helpers.analyses.coded_leaves import CodedLeaves
from helpers.analyses.cuboids import SliceLattice
from helpers.analyses.expected_counts import shrink_counts

PRIOR_COUNT = 3.0
"""The least events by which a dimension value's own rate is held to the company's while the expectation is fitted."""

USUAL_BETWEEN = 0.2
"""How much the values of a dimension usually differ (standard deviation of the logarithm)."""

USUAL_VALUES = 2.0
"""As many values speak for the usual difference, beside a dimension's own."""

NEVER_SEEN = 1e-4
"""The share of its actual count that is expected of a combination never seen before, so that it can have a ratio."""

MOST = 0.999
"""The highest rate that is ever expected."""


@dataclass(frozen=True)
class Measure:
    """Hold one thing that can move: the volume, one rate, or the deal size.

    ``actual`` is what was counted, ``standard`` what the expectation gives for the same entries (so that a
    changed composition can't pass for a changed rate), both per leaf; ``base_actual`` and ``base_standard`` are the
    same on the expected side. Where most goes on, what is lost is counted (``is_lost``). ``entries`` and
    ``base_entries`` are what could have been counted: entries of the step before, deals for the size. ``spread`` is
    the variance of the log deal size, ``freedom`` by how many deals it is known. Sizes are log amounts (``is_log``),
    sums of differences from the expectation. ``between`` is how much the values of each dimension differ (variance of
    the logarithm), by which their own history is shrunk; empty where it is taken as it is.
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
    is_lost: bool = False
    freedom: float = np.inf
    between: tuple[float, ...] = ()


@dataclass(frozen=True)
class MoneyModel:
    """Hold expected rates per leaf and what one entry of each step is worth at them."""

    rates: np.ndarray
    value: np.ndarray

    def worth(self, step: int) -> np.ndarray:
        """Return what one count of a step is expected to bring, per leaf."""
        return self.rates[step:].prod(axis=0) * self.value


MOST_PATTERNS = 4
"""Combinations of dimensions with values never seen before that are fitted apart, the most frequent ones."""


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
        entries, base_entries = actual[place - 1], expected[place - 1]
        events, base_events = actual[place], expected[place]
        is_lost = _keeps_most(entries, events, base_entries, base_events)
        if is_lost:
            events, base_events = entries - events, base_entries - base_events
        between = _spread_of_rates(coded, base_entries, base_events)
        rate = fit_rates(coded, base_entries, base_events, between=between, is_plan=is_plan)
        if not is_plan:
            rate = fill_unseen(
                coded, base_entries, rate, partial(_fit_rates_alone, entries=base_entries, events=base_events)
            )
        rates.append(1 - rate if is_lost else rate)
        numbers = (events, entries * rate, base_events, base_entries * rate, entries, base_entries)
        options = {"is_exact": is_plan, "between": between, "is_lost": is_lost}
        measures.append(Measure(coded.steps[place], "rate", *numbers, **options))
    value = ones
    if coded.amount:
        measure, value = _build_value(coded, is_plan=is_plan)
        measures.append(measure)
    return measures, MoneyModel(np.stack(rates) if rates else np.ones((0, len(coded))), value)


def _keeps_most(entries: np.ndarray, events: np.ndarray, base_entries: np.ndarray, base_events: np.ndarray) -> bool:
    """Tell whether more goes on than is lost, so that what is lost is the count that says more."""
    is_share = bool((events <= entries).all() and (base_events <= base_entries).all())
    return is_share and 2 * base_events.sum() > base_entries.sum()


def fit_rates(
    coded: CodedLeaves,
    entries: np.ndarray,
    events: np.ndarray,
    *,
    between: tuple[float, ...] = (),
    is_plan: bool = False,
) -> np.ndarray:
    """Fit the expected rate of every leaf as company rate × one factor per dimension value.

    Args:
        coded: The leaf table.
        entries: What entered, per leaf.
        events: How many of them went on, per leaf.
        between: How much the values of each dimension differ (variance of the logarithm).
        is_plan: Take a leaf's own planned rate where it has entries.

    Returns:
        One rate per leaf, in (0, 1] for counts; values never seen before get the rate of the rest.

    Source:
        Iterative proportional fitting (Deming and Stephan 1940), each factor shrunk by as many events as the
        values of its dimension are alike (empirical Bayes), ``PRIOR_COUNT`` at least.
    """
    overall = max(events.sum() + 0.5, 1e-9) / max(entries.sum() + 1.0, 1e-9)
    most = np.inf if (events > entries).any() else MOST
    fitted = np.full(len(coded), overall)
    totals = [np.bincount(code, events, minlength=size) for code, size in zip(coded.codes, coded.sizes, strict=True)]
    priors = [PRIOR_COUNT] * len(totals)
    if between:
        priors = [max((1 - overall) / variance, PRIOR_COUNT) for variance in between]
    factors = [np.ones(size) for size in coded.sizes]
    for _ in range(12):
        largest = 0.0
        for place, (code, total, prior) in enumerate(zip(coded.codes, totals, priors, strict=True)):
            known = factors[place]
            predicted = np.bincount(code, entries * fitted, minlength=len(known)) / known
            factors[place] = (total + prior) / (predicted + prior)
            change = factors[place] / known
            fitted = np.minimum(fitted * change[code], most)
            largest = max(largest, float(np.abs(change - 1).max(initial=0)))
        if largest < 1e-4:
            break
    if is_plan:
        own = np.divide(events, entries, out=fitted.copy(), where=entries > 0)
        fitted = np.where(entries > 0, own, fitted)
    return fitted


def _fit_rates_alone(coded: CodedLeaves, entries: np.ndarray, events: np.ndarray) -> np.ndarray:
    """Fit rates with the spread that the dimensions at hand show."""
    return fit_rates(coded, entries, events, between=_spread_of_rates(coded, entries, events))


def fill_unseen(
    coded: CodedLeaves, entries: np.ndarray, fitted: np.ndarray, fit: Callable[[CodedLeaves], np.ndarray]
) -> np.ndarray:
    """Expect of leaves with a value never seen before what their other values alone would let expect.

    One factor per dimension makes a channel whose segment is suddenly blank the channel of an average segment, though
    its records may have been of one segment: without that dimension the channel's factor is that of all its records.

    Args:
        coded: The leaf table.
        entries: What entered on the expected side, per leaf.
        fitted: The expectation with all dimensions, per leaf.
        fit: Fits the expectation of a leaf table with fewer dimensions.

    Returns:
        The expectation per leaf.
    """
    unseen = np.zeros((len(coded.dimensions), len(coded)), dtype=bool)
    for place, (code, size) in enumerate(zip(coded.codes, coded.sizes, strict=True)):
        unseen[place] = (np.bincount(code, entries, minlength=size) <= 0)[code]
    some = unseen.any(axis=0)
    if not some.any() or not entries.sum():
        return fitted
    filled = fitted.copy()
    patterns, where, counts = np.unique(unseen[:, some], axis=1, return_inverse=True, return_counts=True)
    for number in np.argsort(-counts, kind="stable")[:MOST_PATTERNS]:
        known = [name for name, is_new in zip(coded.dimensions, patterns[:, number], strict=True) if not is_new]
        rows = np.flatnonzero(some)[where.reshape(-1) == number]
        filled[rows] = fit(coded.search_only(known))[rows]
    return filled


def _spread_of_rates(coded: CodedLeaves, entries: np.ndarray, events: np.ndarray) -> tuple[float, ...]:
    """Return how much the rates of each dimension's values differ beyond chance; empty where they are no shares."""
    if (events > entries).any():
        return ()
    overall = min((events.sum() + 0.5) / (entries.sum() + 1.0), MOST)
    found = []
    for code, size in zip(coded.codes, coded.sizes, strict=True):
        expected = np.bincount(code, entries, minlength=size) * overall
        own = (1 - overall) / np.maximum(expected, 0.25)
        departure = np.log((np.bincount(code, events, minlength=size) + 0.5) / (expected + 0.5))
        found.append(spread_between(departure, own))
    return tuple(found)


def spread_between(departure: np.ndarray, own: np.ndarray) -> float:
    """Return the variance between values that is more than the chance of each, held to what is usual.

    >>> round(spread_between(np.array([0.5, -0.5] * 4), np.full(8, 0.05)), 3)
    0.168
    """
    weight = 1.0 / np.maximum(own, 1e-12)
    found = (weight * (departure**2 - own)).sum() / weight.sum() if len(own) else 0.0
    held = USUAL_VALUES * USUAL_BETWEEN**2
    return float((max(found, 0.0) * len(own) + held) / (len(own) + USUAL_VALUES))


def _build_value(coded: CodedLeaves, *, is_plan: bool) -> tuple[Measure, np.ndarray]:
    """Build the measure of the deal size: on log amounts where they are known, else on averages."""
    names = [f"{coded.amount}_{part}_{side}" for part in ("log", "logsq") for side in ("expected", "actual")]
    logs = [coded.extra_column(name) for name in names]
    deals, base_deals = coded.actual[-1], coded.expected[-1]
    value = fit_rates(coded, base_deals, np.maximum(coded.amount_expected, 0.0))
    if any(numbers is None for numbers in logs):
        spread = _measure_spread(coded, value, is_plan=is_plan)
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
    whole = max(base_deals.sum(), 1.0)
    crude = max(float(base_squares.sum() / whole - (base_log.sum() / whole) ** 2), 1e-6)
    mean, between, used = _fit_means(coded, base_deals, base_log, crude)
    mean = fill_unseen(coded, base_deals, mean, lambda known: _fit_means(known, base_deals, base_log, crude)[0])
    count = deals.sum() + base_deals.sum()
    rest = (squares - 2 * mean * log + mean**2 * deals).sum()
    rest += (base_squares - 2 * mean * base_log + mean**2 * base_deals).sum()
    freedom = max(count - used, 1.0)
    spread = max(rest / freedom, 1e-6) if count > 0 else 1.0
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
        freedom=freedom,
        between=between,
    )
    return measure, value


def _fit_means(
    coded: CodedLeaves, deals: np.ndarray, logs: np.ndarray, spread: float
) -> tuple[np.ndarray, tuple[float, ...], float]:
    """Fit the mean log amount of every leaf as a sum over its dimension values.

    Returns:
        The means, how much each dimension's values differ, and how many numbers were fitted.
    """
    mean = logs.sum() / deals.sum() if deals.sum() > 0 else 0.0
    fitted = np.full(len(coded), mean)
    weights = [np.bincount(code, deals, minlength=size) for code, size in zip(coded.codes, coded.sizes, strict=True)]
    found = []
    for code, size, weight in zip(coded.codes, coded.sizes, weights, strict=True):
        away = np.bincount(code, logs, minlength=size) / np.maximum(weight, 1e-9) - mean
        found.append(spread_between(np.where(weight > 0, away, 0.0), spread / np.maximum(weight, 0.25)))
    priors = [max(spread / between, PRIOR_COUNT) for between in found]
    effects = [np.zeros(size) for size in coded.sizes]
    for _ in range(8):
        for place, (code, weight, prior) in enumerate(zip(coded.codes, weights, priors, strict=True)):
            known = effects[place]
            rest = np.bincount(code, logs - deals * fitted, minlength=len(known)) + weight * known
            effects[place] = rest / (weight + prior)
            fitted = fitted + (effects[place] - known)[code]
    used = sum(float((weight / (weight + prior)).sum()) for weight, prior in zip(weights, priors, strict=True))
    return fitted, tuple(found), used


def _measure_spread(coded: CodedLeaves, value: np.ndarray, *, is_plan: bool) -> float:
    """Estimate the squared coefficient of variation of a deal's amount from how leaves scatter."""
    rest, deals = 0.0, 0.0
    sides = [(coded.amount_expected, coded.expected[-1]), (coded.amount_actual, coded.actual[-1])]
    for money, count in sides[1:] if is_plan else sides:
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
    actual, standard = lattice.sum_once(measure.base_actual), lattice.sum_once(measure.base_standard)
    entries = lattice.sum_once(measure.base_entries)
    if measure.is_exact or not lattice.count:
        return BaseNoise(np.zeros(lattice.count), np.zeros(lattice.count))
    if measure.effect == "volume":
        return BaseNoise(*shrink_counts(actual, lattice.sum_once(measure.standard), lattice))
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
    return _shrink_base(lattice, own, departure, standard, measure.between)


def _shrink_base(
    lattice: SliceLattice, own: np.ndarray, departure: np.ndarray, standard: np.ndarray, between: tuple[float, ...]
) -> BaseNoise:
    """Weigh each slice's own departure against the model; a single value's is as sure as it was fitted."""
    is_single = lattice.depth == 1
    single = own.copy()
    for cuboid in lattice.cuboids:
        if len(cuboid.dimensions) == 1 and between:
            rows = slice(cuboid.start, cuboid.start + cuboid.size)
            single[rows] = 1 / (1 / own[rows] + 1 / between[cuboid.dimensions[0]])
    model = np.where(lattice.parents >= 0, single[lattice.parents], 0.0).sum(axis=1)
    model = np.minimum(model, own)
    weight = np.where(is_single, 0.0 if between else 1.0, 1.0)
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
    variance = np.where(is_single, single, np.minimum(model + weight * own, own))
    return BaseNoise(weight * departure, variance)


def with_multiplier(measure: Measure, log_multiplier: np.ndarray) -> Measure:
    """Return the measure with known effects built into its expectation."""
    if measure.is_log:
        return replace(measure, actual=measure.actual - log_multiplier * measure.entries)
    return replace(measure, standard=measure.standard * np.exp(log_multiplier))
