"""The shapes that causes take: a shift within one dimension, a union of values, the same records by other names."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from helpers.analyses.cause_money import Cause
from helpers.analyses.coded_leaves import CodedLeaves
from helpers.analyses.cuboids import SliceLattice

NEARLY_SAME = 0.9
"""Two slices whose records overlap by this share (of their union) can't be told apart."""

CANCELLING = 0.5
"""Opposite movements on one dimension whose net is at most this share of the larger are a shift, not two causes."""

CLEAR = 2.5
"""Standard errors by which a value's share has to have moved to be named in a shift."""


def merge_mixes(causes: list[Cause]) -> list[Cause]:
    """Tell losses and gains of volume on one dimension that cancel as one change of composition.

    Args:
        causes: Volume causes.

    Returns:
        The causes, with each cancelling group replaced by one of effect ``mix`` whose slice names what lost, then
        what gained (largest first).
    """
    groups: dict[str, list[Cause]] = {}
    for cause in causes:
        for one in (cause.slice, *cause.aliases):
            if len(one) == 1 and len(cause.slice) == 1:
                groups.setdefault(next(iter(one)), []).append(cause)
    merged = list(causes)
    for name in sorted(groups, key=lambda name: (-len(groups[name]), name)):
        group = [cause for cause in groups[name] if any(cause is kept for kept in merged)]
        losers = sorted((c for c in group if c.actual < c.expected), key=lambda c: c.actual - c.expected)
        gainers = sorted((c for c in group if c.actual >= c.expected), key=lambda c: c.expected - c.actual)
        if not losers or not gainers:
            continue
        lost = sum(c.expected - c.actual for c in losers)
        gained = sum(c.actual - c.expected for c in gainers)
        if abs(lost - gained) > CANCELLING * max(lost, gained):
            continue
        both = losers + gainers
        merged = [cause for cause in merged if not any(cause is other for other in both)]
        merged.append(
            Cause(
                step=both[0].step,
                effect="mix",
                slice={name: [value for cause in both for value in _values_in(cause, name)]},
                parts=[cause.parts[0] for cause in both],
                masks=[cause.masks[0] for cause in both],
                actual=sum(cause.actual for cause in both),
                expected=sum(cause.expected for cause in both),
                q_value=max(cause.q_value for cause in both),
            )
        )
    return merged


def _values_in(cause: Cause, name: str) -> list[object]:
    """Return the values of a dimension by which a cause, or one of its aliases, is known."""
    return next(one[name] for one in (cause.slice, *cause.aliases) if set(one) == {name})


def read_shift(
    causes: list[Cause], coded: CodedLeaves, level: float, expected_periods: float
) -> tuple[list[Cause], float]:
    """Tell the growth (or loss) of one value at the others' cost as a mix where the total stayed.

    Where one value grew, all others fell and the total did not move, either side could be called the one that
    moved: it is the composition. Of the dimensions that name the value, the one with the plainest shift is told.

    Args:
        causes: The volume causes.
        coded: The leaf table.
        level: Logarithm of what moved everywhere, as the search read it.
        expected_periods: How many periods the expected side adds up.

    Returns:
        The causes and the level, both as given unless the only cause is such a shift.
    """
    singles = [cause for cause in causes if len(cause.slice) == 1 and len(cause.parts) == 1]
    if len(singles) != 1 or len(causes) != 1:
        return causes, level
    total = coded.actual[0].sum() - coded.expected[0].sum() / expected_periods
    named = [cause_slice for cause_slice in (singles[0].slice, *singles[0].aliases) if len(cause_slice) == 1]
    shifts = [_measure_shift(next(iter(one)), coded, expected_periods) for one in named]
    shifts = [shift for shift in shifts if shift is not None and abs(total) <= CANCELLING * np.abs(shift[1]).max()]
    if not shifts:
        return causes, level
    place, _, effects, _, errors = max(shifts, key=lambda shift: shift[3])
    level = float(np.log(coded.actual[0].sum() / coded.expected[0].sum()))
    clear = np.flatnonzero(np.abs(effects) >= CLEAR * errors)
    order = clear[np.argsort(effects[clear], kind="stable")]
    if not (effects[order] < 0).any() or not (effects[order] > 0).any():
        return causes, level
    name = coded.dimensions[place]
    inside = np.isin(coded.codes[place], order)
    parts = [
        replace(singles[0].parts[0], log_effect=float(effects[code]), error=float(errors[code]), log_base=0.0)
        for code in order
    ]
    return [
        replace(
            singles[0],
            effect="mix",
            slice={name: [coded.values[place][code] for code in order]},
            parts=parts,
            masks=[coded.codes[place] == code for code in order],
            actual=float(coded.actual[0][inside].sum()),
            expected=float(coded.expected[0][inside].sum() * np.exp(level)),
            aliases=[],
        )
    ], level


def _measure_shift(name: str, coded: CodedLeaves, expected_periods: float) -> tuple | None:
    """Measure how the shares of one dimension's values moved.

    Returns:
        Its place, the change of each value in counts, the logarithm of each value's change against the total's, how
        plain the shift is (a likelihood less its freedom), and the errors of the logarithms; None where unusable.
    """
    place = coded.dimensions.index(name)
    size = coded.sizes[place]
    expected = np.bincount(coded.codes[place], coded.expected[0], minlength=size)
    actual = np.bincount(coded.codes[place], coded.actual[0], minlength=size)
    if expected.sum() <= 0 or actual.sum() <= 0:
        return None
    scaled = expected * actual.sum() / expected.sum()
    effects = np.log((actual + 0.5) / (scaled + 0.5))
    errors = np.sqrt(1 / (actual + 0.5) + 1 / (expected + 0.5))
    gain = float((actual * effects).sum()) - size
    return place, actual - expected / expected_periods, effects, gain, errors


def merge_unions(causes: list[Cause]) -> list[Cause]:
    """Join causes that differ in the value of one dimension only and moved by the same ratio.

    Args:
        causes: Causes of one measure.

    Returns:
        The causes, joined ones with several values in that dimension.
    """
    merged: list[Cause] = []
    for cause in causes:
        for place, other in enumerate(merged):
            name = _differs_in_one(cause, other)
            if name is not None:
                merged[place] = _join(other, cause, name)
                break
        else:
            merged.append(cause)
    return merged


def _differs_in_one(one: Cause, other: Cause) -> str | None:
    """Return the only dimension in which two slices differ, where their effects agree within their errors."""
    if "mix" in (one.effect, other.effect) or set(one.slice) != set(other.slice):
        return None
    names = [name for name in one.slice if one.slice[name] != other.slice[name]]
    if len(names) != 1:
        return None
    first, second = one.parts[0], other.parts[0]
    apart = abs(first.log_effect - second.log_effect)
    if first.log_effect * second.log_effect < 0 or apart > 1.5 * np.hypot(first.error, second.error):
        return None
    return names[0]


def _join(one: Cause, other: Cause, name: str) -> Cause:
    """Return two causes as one with both values."""
    values = sorted([*one.slice[name], *other.slice[name]], key=lambda value: (value is None, str(value)))
    return Cause(
        step=one.step,
        effect=one.effect,
        slice={**one.slice, name: values},
        parts=[*one.parts, *other.parts],
        masks=[*one.masks, *other.masks],
        actual=one.actual + other.actual,
        expected=one.expected + other.expected,
        q_value=max(one.q_value, other.q_value),
    )


def find_aliases(
    cause: Cause, lattice: SliceLattice, mass: np.ndarray, contradicts: Callable[[int], bool] = lambda _: False
) -> None:
    """List the slices that hold nearly the same records, and call the cause by the coarsest of them (in place).

    Args:
        cause: A cause of one slice.
        lattice: All slices.
        mass: Records per leaf, both sides together.
        contradicts: Whether what a slice holds besides the cause's own records shows that it isn't meant.
    """
    inside = cause.masks[0]
    shared, whole = lattice.sum(mass * inside), lattice.sum(mass)
    own = mass[inside].sum()
    overlap = shared / np.maximum(own + whole - shared, 1e-9)
    near = [int(number) for number in np.flatnonzero(overlap >= NEARLY_SAME)]
    own_number = cause.parts[0].number
    doubtful = {number for number in near if number != own_number and contradicts(number)}
    near.sort(key=lambda n: (n in doubtful, int(lattice.depth[n]), n != own_number, -overlap[n]))
    slices = [lattice.describe(number) for number in near]
    kept: list[dict[str, list[object]]] = []
    for candidate in slices:
        if not any(candidate.items() >= coarser.items() for coarser in kept):
            kept.append(candidate)
    if kept:
        cause.slice, cause.aliases = kept[0], kept[1:]
