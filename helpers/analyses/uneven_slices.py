"""Effects that are uneven inside a slice: told as one, by the slice that holds them."""

import numpy as np

from helpers.analyses.cause_shapes import NEARLY_SAME
from helpers.analyses.lost_counts import CLEARLY, SAME_SHARE
from helpers.analyses.slice_search import SliceSearch

LEAST_CHANGE = 0.1
"""The least movement of the rest of a coarser slice that counts (log scale)."""

LEAST_REST = 10
"""Fewer events than this beside a found slice don't speak for a coarser one."""


def narrow_made_up(search: SliceSearch) -> None:
    """Call a movement by the finer slice that holds it, where others were only found to make up for too coarse a one.

    A burst in one segment, called by its channel, makes the channel's other segments look as if they had collapsed.
    Where a found slice without those that moved the other way is nearly all one finer slice, that one moved (in place).
    """
    lattice, measure = search.lattice, search.measure
    if measure.is_lost or len(search.effects) < 2:
        return
    is_volume = measure.effect == "volume"
    mass = measure.actual + measure.base_actual if is_volume else measure.entries + measure.base_entries
    before = list(search.effects)
    for number in sorted(search.effects, key=lambda one: (int(lattice.depth[one]), one)):
        whole, effect = lattice.members(number), search.effects[number]
        own = whole.copy()
        for other, moved in search.effects.items():
            if moved * effect < 0:
                own &= ~lattice.members(other)
        if not 0 < mass[own].sum() < mass[whole].sum():
            continue
        shared, codes = lattice.sum(mass * own), lattice.codes_of(number).items()
        is_finer = (lattice.depth == lattice.depth[number] + 1) & (shared >= NEARLY_SAME * mass[own].sum())
        is_finer &= shared >= NEARLY_SAME * lattice.sum_once(mass)
        finer = [int(one) for one in np.flatnonzero(is_finer) if codes <= lattice.codes_of(int(one)).items()]
        finer = [one for one in finer if one in search.place and one not in search.effects]
        if finer:
            del search.effects[number]
            search.effects[max(finer, key=lambda one: (shared[one], -one))] = effect
            search._refit()
    if list(search.effects) != before:
        search._prune()
    drop_made_up(search)


def drop_made_up(search: SliceSearch) -> None:
    """Drop what shows hardly any of its movement in its own counts (in place): it only made up for another slice."""
    made_up = [number for number, effect in search.effects.items() if not shows_itself(search, number, effect)]
    if made_up:
        search.effects = {number: effect for number, effect in search.effects.items() if number not in made_up}
        search._refit()
        search._prune()


def shows_itself(search: SliceSearch, number: int, effect: float) -> bool:
    """Tell whether a slice's own counts moved as a found effect (logarithm) says, by a fair share of it at least."""
    own = search._level_of(search.lattice.members(number), search.measure) - search.level()[0]
    own -= float(search.base.log_ratio[search.place[number]])
    return bool(own * np.sign(effect) >= SAME_SHARE * abs(effect))


def absorb_nested(search: SliceSearch) -> None:
    """Take out what lies inside another slice that moved the same way: the effect is uneven there, not another one."""
    where = {number: search.lattice.codes_of(number).items() for number in search.effects}
    inner = [
        one
        for one in where
        if any(where[other] < where[one] and search.effects[other] * search.effects[one] > 0 for other in where)
    ]
    for number in inner:
        del search.effects[number]
    if inner:
        search._refit()


def widen_uneven(search: SliceSearch) -> None:
    """Call a fall by the coarser slice where the rest of that fell, too, beyond doubt and by a fair share (in place).

    What fell by three fifths in one value and by a fifth in all others next to it is one uneven fall of what holds
    them.
    """
    lattice = search.lattice
    for number in sorted(search.effects, key=lambda one: -int(lattice.depth[one])):
        if number not in search.effects or lattice.depth[number] < 2 or search.measure.is_lost:
            continue
        effect, kept, found = search.effects[number], dict(search.effects), None
        for wider in lattice.wider(number):
            if wider not in search.place or wider in kept:
                continue
            codes = lattice.codes_of(wider).items()
            inner = [one for one in kept if codes <= lattice.codes_of(one).items()]
            rest, z = _judge_rest(search, wider, inner)
            if rest / effect >= SAME_SHARE and z * np.sign(effect) >= CLEARLY and abs(rest) >= LEAST_CHANGE:
                found = max(found or (0.0, -1, []), (z * float(np.sign(effect)), wider, inner))
        if found is not None:
            search.effects = {one: size for one, size in kept.items() if one not in found[2]} | {found[1]: effect}
            search._refit()


def _judge_rest(search: SliceSearch, wider: int, inner: list[int]) -> tuple[float, float]:
    """Return the logarithm by which a slice without some slices inside it moved, and its z-value."""
    measure, (level, error) = search._known(), search.level()
    rest = search.lattice.members(wider)
    for one in inner:
        rest &= ~search.lattice.members(one)
    is_value = measure.effect == "value"
    count, base = (measure.entries, measure.base_entries) if is_value else (measure.actual, measure.base_actual)
    if min(count[rest].sum(), base[rest].sum()) < LEAST_REST:
        return 0.0, 0.0
    effect = search._level_of(rest, measure) - level
    if measure.is_log:
        effect -= float(measure.base_actual[rest].sum() / base[rest].sum())
    elif measure.effect == "rate":
        effect -= float(np.log(measure.base_actual[rest].sum() / measure.base_standard[rest].sum()))
    room = measure.spread if is_value else 1.0
    variance = room / count[rest].sum() + (0.0 if measure.is_exact else room / base[rest].sum())
    usual = float(search._scores()[1].variance(int(search.lattice.depth[wider])))
    return effect, effect / float(np.sqrt(variance + usual + error**2))
