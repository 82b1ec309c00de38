"""The shapes that causes take: a shift within one dimension, a union of values, the same records by other names."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from helpers.analyses.cause_money import Cause
from helpers.analyses.coded_leaves import CodedLeaves
from helpers.analyses.cuboids import SliceLattice
from helpers.analyses.slice_search import SliceSearch

NEARLY_SAME = 0.9
"""Two slices whose records overlap by this share (of their union) can't be told apart."""

CANCELLING = 0.5
"""Opposite movements on one dimension whose net is at most this share of the larger are a shift, not two causes."""

RECOUNTS = (2, 3)
"""How many times the same records are entered where a count was taken more than once."""

LEAST_RECOUNTED = 10
"""Fewer counts than this may all be multiples by chance."""

CLEAR = 2.5
"""Standard errors by which a value's share has to have moved to be named in a shift."""

LEAST_SHIFT = 0.1
"""The least movement of a value's share that is named in a shift (log scale)."""

CLEAR_LEVEL, EVERYDAY_LEVEL = 3.0, 0.01
"""Standard errors by which everything outside has to have moved before a shift is thought of; its everyday movement."""


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
    causes: list[Cause], coded: CodedLeaves, level: tuple[float, float], expected_periods: float
) -> tuple[list[Cause], float]:
    """Tell movements of one dimension's values at each other's cost as a mix where the total stayed.

    Where some values grew, the others fell and the total did not move, either side could be called the one that
    moved: it is the composition. Of the dimensions that name the values, the one with the plainest shift is told.

    Args:
        causes: The volume causes.
        coded: The leaf table.
        level: Logarithm of what moved everywhere, as the search read it, and its standard error.
        expected_periods: How many periods the expected side adds up.

    Returns:
        The causes and the level, both as given unless all causes together are such a shift.
    """
    level, error = level
    moved = abs(level + np.log(expected_periods)) > CLEAR_LEVEL * np.hypot(error, EVERYDAY_LEVEL)
    if not causes or not moved or any(cause.effect == "mix" and len(causes) == 1 for cause in causes):
        return causes, level
    names = [{next(iter(one)) for one in (cause.slice, *cause.aliases) if len(one) == 1} for cause in causes]
    total = coded.actual[0].sum() - coded.expected[0].sum() / expected_periods
    shifts = [_measure_shift(name, coded, expected_periods) for name in sorted(set.intersection(*names))]
    shifts = [one for one in shifts if one is not None and abs(total) <= CANCELLING * np.abs(one[1]).sum() / 2]
    if not shifts:
        return causes, level
    place, _, effects, _, errors = max(shifts, key=lambda shift: shift[3])
    level = float(np.log(coded.actual[0].sum() / coded.expected[0].sum()))
    clear = np.flatnonzero(np.abs(effects) >= np.maximum(CLEAR * errors, LEAST_SHIFT))
    order = clear[np.argsort(effects[clear], kind="stable")]
    if not (effects[order] < 0).any() or not (effects[order] > 0).any():
        return causes, level
    name = coded.dimensions[place]
    inside = np.isin(coded.codes[place], order)
    first = causes[0]
    parts = [
        replace(
            first.parts[0],
            log_effect=float(effects[code]),
            error=float(errors[code]),
            noise=float(errors[code] ** 2 / 2),
            log_base=0.0,
        )
        for code in order
    ]
    return [
        replace(
            first,
            effect="mix",
            slice={name: [coded.values[place][code] for code in order]},
            parts=parts,
            masks=[coded.codes[place] == code for code in order],
            actual=float(coded.actual[0][inside].sum()),
            expected=float(coded.expected[0][inside].sum() * np.exp(level)),
            q_value=min(cause.q_value for cause in causes),
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
    for cause in sorted(causes, key=lambda cause: cause.parts[0].log_effect):
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
    (first, own), (second, its) = _pool(one), _pool(other)
    if first * second < 0 or abs(first - second) > 2.5 * np.hypot(own, its):
        return None
    return names[0]


def _pool(cause: Cause) -> tuple[float, float]:
    """Return the common effect of a cause's parts, and its standard error."""
    weights = np.array([1 / part.error**2 for part in cause.parts])
    effects = np.array([part.log_effect for part in cause.parts])
    return float((weights * effects).sum() / weights.sum()), float(1 / np.sqrt(weights.sum()))


def merge_recounts(causes: list[Cause], steps: list[str], coded: CodedLeaves) -> list[Cause]:
    """Tell a count that rose in a slice, and its next rate that fell by as much, as one cause where it was recounted.

    Records entered twice raise a step and lower the next rate alike, and show in the counts: each is a multiple. Where
    they are none, more came and less became of it: two things that undo each other, and both are told.

    Args:
        causes: All causes, priced.
        steps: The measures' steps in order.
        coded: The leaf table.

    Returns:
        The causes; of a pair that is a recount the first stays, with both contributions.
    """
    kept = list(causes)
    for first in causes:
        for second in causes:
            if first not in kept or second not in kept or not _undoes(first, second, steps):
                continue
            if not _is_recount(first, coded):
                continue
            kept.remove(second)
            half = np.hypot(first.by_chance, second.by_chance)
            first.contribution += second.contribution
            first.low, first.high = first.contribution - half, first.contribution + half
    return kept


def _undoes(first: Cause, second: Cause, steps: list[str]) -> bool:
    """Tell whether a rate took back in the same slice what the step before had gained."""
    if not first.parts or not second.parts or first.effect not in ("volume", "rate") or second.effect != "rate":
        return False
    if steps.index(second.step) != steps.index(first.step) + 1:
        return False
    if not any(one == other for one in (first.slice, *first.aliases) for other in (second.slice, *second.aliases)):
        return False
    (gained, own), (lost, its) = _pool(first), _pool(second)
    return bool(gained * lost < 0 and abs(gained + lost) <= 2.5 * np.hypot(own, its))


def _is_recount(cause: Cause, coded: CodedLeaves) -> bool:
    """Tell whether every leaf's count is a multiple, as it is where records were entered two or three times."""
    counts = coded.actual[coded.steps.index(cause.step)][cause.inside]
    counts = counts[counts > 0.5]
    if len(counts) < LEAST_RECOUNTED:
        return False
    rose, error = _pool(cause)
    return any(
        abs(rose - np.log(times)) <= 2.5 * error
        and bool((np.abs(counts / times - np.round(counts / times)) < 1e-6).all())
        for times in RECOUNTS
    )


def is_everywhere(cause: Cause, mass: np.ndarray) -> bool:
    """Tell whether a cause holds nearly all records, so that there is nothing left to compare it with.

    Args:
        cause: A cause, of several slices.
        mass: Records per leaf, both sides together.
    """
    return cause.effect != "mix" and len(cause.parts) > 1 and bool(mass[cause.inside].sum() >= NEARLY_SAME * mass.sum())


def forget(search: SliceSearch, causes: list[Cause]) -> None:
    """Leave causes to what moved everywhere: take their slices out of what a search found."""
    for number in {part.number for cause in causes for part in cause.parts}:
        del search.effects[number]
    search._refit()


def name_whole(cause: Cause, coded: CodedLeaves, mass: np.ndarray) -> None:
    """Leave a dimension out of a cause's slice where nearly all of its values are named (in place)."""
    if cause.effect == "mix" or len(cause.slice) < 2 or len(cause.parts) < 2:
        return
    for name, values in list(cause.slice.items()):
        wider = np.ones(len(coded), dtype=bool)
        for other, chosen in cause.slice.items():
            if other != name:
                place = coded.dimensions.index(other)
                wanted = [code for code, value in enumerate(coded.values[place]) if value in chosen]
                wider &= np.isin(coded.codes[place], wanted)
        if len(values) > 1 and mass[cause.inside].sum() >= NEARLY_SAME * mass[wider].sum():
            cause.slice = {other: chosen for other, chosen in cause.slice.items() if other != name}
            return


def join_all(members: list[Cause], q_value: float) -> list[Cause]:
    """Return the members of one set of values as one cause."""
    if not members:
        return []
    joined = members[0]
    for member in members[1:]:
        joined = _join(joined, member, next(iter(joined.slice)))
    joined.q_value = q_value
    return [joined]


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
    near.sort(key=lambda n: (n in doubtful, int(lattice.depth[n]), lattice.log_size[n], n != own_number, -overlap[n]))
    slices = [lattice.describe(number) for number in near]
    kept: list[dict[str, list[object]]] = []
    for candidate in slices:
        if not any(candidate.items() >= coarser.items() for coarser in kept):
            kept.append(candidate)
    if kept:
        cause.slice, cause.aliases = kept[0], kept[1:]
