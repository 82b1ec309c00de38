"""Plan which combinations of partitions are counted over the records, and which are rolled up from those.

Going through the records is what costs: a combination that another one holds is added up from its cells instead, a
partition that another one determines (a channel its source, a region its country) is never counted beside it, and
small combinations are counted together.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

TOGETHER = 50_000
"""Up to this many slices × states are counted together for several lenses."""

SAMPLE = 4_096
"""How many records are looked at before all are, to see whether one partition determines another."""

CELLS_PER_RECORD = 4
"""Up to this many slices × states per record, rolling up a block that was counted is cheaper than counting anew."""


@dataclass(frozen=True)
class Hierarchy:
    """Which partitions of an object's records are determined by others.

    Attributes:
        sizes: Partition → how many codes it has.
        maps: (fine, coarse) → coarse code of each fine code.
    """

    sizes: Mapping[str, int]
    maps: Mapping[tuple[str, str], np.ndarray] = field(default_factory=dict)

    def count_slices(self, by: Collection[str]) -> int:
        """Return how many combinations of codes there are."""
        return math.prod(self.sizes[id] for id in by)

    def tells(self, block: Collection[str], id: str) -> str:
        """Return the partition of a block that tells another one: itself or a finer one; empty where none does."""
        return id if id in block else next((fine for fine in block if (fine, id) in self.maps), "")

    def told_by(self, block: Collection[str]) -> frozenset[str]:
        """Return all partitions that a block tells: combinations of these can be rolled up from it."""
        return frozenset(block).union(coarse for fine, coarse in self.maps if fine in block)

    def reduce(self, by: Sequence[str]) -> tuple[str, ...]:
        """Leave out the partitions that others of the combination determine."""
        kept = list(dict.fromkeys(by))
        for id in sorted(kept, key=self.sizes.__getitem__):
            others = [other for other in kept if other != id]
            if self.tells(others, id):
                kept = others
        return tuple(kept)


def find_hierarchy(codes: Mapping[str, np.ndarray], sizes: Mapping[str, int]) -> Hierarchy:
    """See which partition determines which other, over all of the records.

    Args:
        codes: Partition → code of each record.
        sizes: Partition → how many codes there are.
    """
    n = len(next(iter(codes.values()), ()))
    sample = {id: values[:: max(n // SAMPLE, 1)] for id, values in codes.items()}
    maps = {}
    for fine in codes:
        for coarse in codes:
            if fine == coarse or sizes[coarse] > sizes[fine]:
                continue
            if _map(sample[fine], sample[coarse], sizes[fine]) is not None:
                found = _map(codes[fine], codes[coarse], sizes[fine])
                if found is not None:
                    maps[fine, coarse] = found
    return Hierarchy(sizes, maps)


def _map(fine: np.ndarray, coarse: np.ndarray, size: int) -> np.ndarray | None:
    found = np.zeros(size, np.int64)
    found[fine] = coarse
    return found if np.array_equal(found[fine], coarse) else None


@dataclass(frozen=True)
class Plan:
    """How the lenses of a layer are told.

    Attributes:
        blocks: Combinations that are counted over the records.
        sources: Lens → the block that it is rolled up from, in the order given.
        routes: Lens → how.
    """

    blocks: tuple[tuple[str, ...], ...]
    sources: Mapping[tuple[str, ...], tuple[str, ...]]
    routes: Mapping[tuple[str, ...], "Route"]


def plan_blocks(lenses: Sequence[tuple[str, ...]], hierarchy: Hierarchy, *, n: int, size: int) -> Plan:
    """Choose the combinations to count.

    Args:
        lenses: Combinations that are asked for.
        hierarchy: Which partition determines which other.
        n: How many records would be gone through per combination.
        size: How many states there are.
    """
    cells = hierarchy.count_slices
    wanted = sorted({tuple(sorted(hierarchy.reduce(by))) for by in lenses}, key=lambda by: (-cells(by), by))
    blocks: list[tuple[str, ...]] = []
    cheap: list[frozenset[str]] = []
    for by in wanted:
        if not any(told.issuperset(by) for told in cheap):
            blocks.append(by)
            cheap += [hierarchy.told_by(by)] if cells(by) * size < CELLS_PER_RECORD * n else []
    blocks = _join_small(blocks, hierarchy, min(TOGETHER, n) / max(size, 1))
    ranked = sorted((cells(block), block, hierarchy.told_by(block)) for block in blocks)
    sources = {by: next(block for _, block, told in ranked if told.issuperset(by)) for by in lenses}
    used = set(sources.values())
    routes = {by: find_route(source, by, hierarchy) for by, source in sources.items()}
    return Plan(tuple(block for block in blocks if block in used), sources, routes)


def _join_small(blocks: Sequence[tuple[str, ...]], hierarchy: Hierarchy, most: float) -> list[tuple[str, ...]]:
    """Join blocks as long as they stay small, and drop those that are covered then."""
    joined: list[tuple[str, ...]] = []
    for block in sorted(blocks, key=lambda by: (hierarchy.count_slices(by), by)):
        fitting = []
        for i, other in enumerate(joined):
            union = tuple(sorted({*other, *block}))
            size = hierarchy.count_slices(union)
            fitting += [(size, union, i)] if size <= most else []
        if fitting:
            _, union, i = min(fitting)
            joined[i] = union
        else:
            joined.append(block)
    kept: list[tuple[str, ...]] = []
    told: list[frozenset[str]] = []
    for block in sorted(joined, key=lambda by: (-len(by), by)):
        if not any(one.issuperset(block) for one in told):
            kept.append(block)
            told.append(hierarchy.told_by(block))
    return kept


@dataclass(frozen=True)
class Route:
    """How the cells of a block are added up to the slices of a lens.

    Attributes:
        shape: How many codes each partition of the block has.
        summed: Places of the partitions that the lens leaves out.
        order: Places of the lens's partitions among the others; None where a determined one is among them.
        gathered: Then the order of cells by slice, where each slice's begin, and which slices there are.
        n_slices: How many slices the lens has.
    """

    shape: tuple[int, ...]
    summed: tuple[int, ...]
    order: tuple[int, ...] | None
    gathered: tuple[np.ndarray, np.ndarray, np.ndarray] | None
    n_slices: int


def find_route(block: tuple[str, ...], by: tuple[str, ...], hierarchy: Hierarchy) -> Route:
    """Find how a lens is rolled up from a block that tells it."""
    told = [hierarchy.tells(block, id) for id in by]
    used = [id for id in block if id in told]
    shape = tuple(hierarchy.sizes[id] for id in block)
    summed = tuple(i for i, id in enumerate(block) if id not in told)
    if told == list(by) and len(set(by)) == len(by):
        return Route(shape, summed, tuple(used.index(id) for id in by), None, hierarchy.count_slices(by))
    places = _places(used, told, by, hierarchy)
    order = np.argsort(places, kind="stable")
    ordered = places[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    return Route(shape, summed, None, (order, starts, ordered[starts]), hierarchy.count_slices(by))


def roll_up(cells: np.ndarray, route: Route) -> np.ndarray:
    """Add the cells of a block up to the slices of a lens.

    Args:
        cells: Slices of the block × columns.
        route: How; see ``find_route``.

    Returns:
        Slices of the lens × columns.
    """
    width = cells.shape[1]
    if route.summed:
        cells = np.add.reduce(cells.reshape(*route.shape, width), axis=route.summed)
    if route.order is not None:
        if route.order == tuple(sorted(route.order)):
            return cells.reshape(route.n_slices, width)
        return cells.reshape(*_left(route), width).transpose(*route.order, len(route.order)).reshape(-1, width)
    order, starts, slices = route.gathered
    out = np.zeros((route.n_slices, width), cells.dtype)
    out[slices] = np.add.reduceat(cells.reshape(-1, width)[order], starts, axis=0)
    return out


def _left(route: Route) -> list[int]:
    return [size for i, size in enumerate(route.shape) if i not in route.summed]


def _places(used: Sequence[str], told: Sequence[str], by: Sequence[str], hierarchy: Hierarchy) -> np.ndarray:
    """Return the slice of the lens for every combination of the partitions that tell it."""
    grid = np.indices([hierarchy.sizes[id] for id in used]).reshape(len(used), -1)
    keys = np.zeros(grid.shape[1], np.int64)
    for id, teller in zip(by, told, strict=True):
        codes = grid[used.index(teller)]
        keys = keys * hierarchy.sizes[id] + (codes if teller == id else hierarchy.maps[teller, id][codes])
    return keys
