"""All slices of a leaf table up to a depth, numbered, so that any number can be summed over every slice at once."""

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

from helpers.analyses.coded_leaves import CodedLeaves

LARGEST_CUBOID = 2_000_000
"""A combination of dimensions with more possible slices than this is coded by what occurs, never laid out."""

MOST_WORK = 20_000_000
"""Leaves times combinations of dimensions that one sum may take; above it the search goes less deep."""


@dataclass(frozen=True)
class Cuboid:
    """Hold the slices of one combination of dimensions: numbers ``start`` up to ``start + size``.

    ``codes`` says to which of its slices each leaf belongs, or each slice of the cuboid ``source``, one dimension
    deeper, from which it is added up.
    """

    dimensions: tuple[int, ...]
    start: int
    size: int
    codes: np.ndarray
    keys: np.ndarray | None
    source: "Cuboid | None" = None


class SliceLattice:
    """Number every slice of one to ``max_depth`` dimensions and sum leaves over them.

    Only the deepest combinations are summed over leaves; each shallower one is added up from the smallest that is
    one dimension deeper.
    """

    def __init__(self, coded: CodedLeaves, max_depth: int) -> None:
        self.coded = coded
        deepest = min(max_depth, len(coded.dimensions)) if len(coded) else 0
        while deepest > 2 and comb(len(coded.dimensions), deepest) * len(coded) > MOST_WORK:
            deepest -= 1
        self.max_depth = deepest
        self.cuboids = self._build_cuboids()
        self.count = sum(cuboid.size for cuboid in self.cuboids)
        self.depth = np.concatenate([np.full(c.size, len(c.dimensions)) for c in self.cuboids] or [np.zeros(0, int)])
        self.log_size = np.concatenate([np.full(c.size, np.log(c.size)) for c in self.cuboids] or [np.zeros(0)])
        self.parents = self._number_parents()
        self._starts = np.array([cuboid.start for cuboid in self.cuboids])
        self._kept: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def _build_cuboids(self) -> list[Cuboid]:
        """Lay out every combination, the deepest first, and number the shallow ones first."""
        shapes: dict[tuple[int, ...], tuple[np.ndarray | None, int]] = {}
        width = range(len(self.coded.dimensions))
        deepest = (
            {dims: self._code_leaves(dims) for dims in combinations(width, self.max_depth)} if self.max_depth else {}
        )
        shapes.update({dims: (keys, size) for dims, (_, keys, size) in deepest.items()})
        maps = {dims: (codes, None) for dims, (codes, _, _) in deepest.items()}
        for depth in range(self.max_depth - 1, 0, -1):
            for dims in combinations(width, depth):
                deeper = [tuple(sorted((*dims, other))) for other in width if other not in dims]
                source = min(deeper, key=lambda one: (shapes[one][1], one))
                codes, keys, size = self._code_slices(dims, source, *shapes[source])
                shapes[dims], maps[dims] = (keys, size), (codes, source)
        starts, start = {}, 0
        for dims in sorted(shapes, key=lambda dims: (len(dims), dims)):
            starts[dims], start = start, start + shapes[dims][1]
        built: dict[tuple[int, ...], Cuboid] = {}
        for dims in sorted(shapes, key=lambda dims: (-len(dims), dims)):
            codes, source = maps[dims]
            keys, size = shapes[dims]
            built[dims] = Cuboid(dims, starts[dims], size, codes, keys, built[source] if source else None)
        return [built[dims] for dims in starts]

    def _code_leaves(self, dims: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray | None, int]:
        """Code the leaves by one combination of dimensions."""
        codes, size = np.zeros(len(self.coded), dtype=np.int64), 1
        for dimension in dims:
            width = self.coded.sizes[dimension]
            codes, size = codes * width + self.coded.codes[dimension], size * width
        keys = None
        if size > min(LARGEST_CUBOID, 8 * len(self.coded) + 1000):
            keys, codes = np.unique(codes, return_inverse=True)
            size = len(keys)
        return codes.reshape(-1).astype(np.int32), keys, size

    def _code_slices(
        self, dims: tuple[int, ...], source: tuple[int, ...], keys: np.ndarray | None, size: int
    ) -> tuple[np.ndarray, np.ndarray | None, int]:
        """Code the slices of a deeper combination by a shallower one."""
        rest = np.arange(size) if keys is None else keys
        codes, weight = np.zeros(size, dtype=np.int64), 1
        for dimension in reversed(source):
            width = self.coded.sizes[dimension]
            if dimension in dims:
                codes, weight = codes + rest % width * weight, weight * width
            rest = rest // width
        if weight <= min(LARGEST_CUBOID, 8 * len(self.coded) + 1000):
            return codes.astype(np.int32), None, weight
        keys, codes = np.unique(codes, return_inverse=True)
        return codes.reshape(-1).astype(np.int32), keys, len(keys)

    def _number_parents(self) -> np.ndarray:
        """Return for every slice the numbers of the one-dimensional slices that hold it (-1 where fewer)."""
        parents = np.full((self.count, self.max_depth), -1, dtype=np.int64)
        starts = {cuboid.dimensions[0]: cuboid.start for cuboid in self.cuboids if len(cuboid.dimensions) == 1}
        for cuboid in self.cuboids:
            key = np.arange(cuboid.size) if cuboid.keys is None else cuboid.keys.copy()
            rows = slice(cuboid.start, cuboid.start + cuboid.size)
            for place in reversed(range(len(cuboid.dimensions))):
                dimension = cuboid.dimensions[place]
                width = self.coded.sizes[dimension]
                parents[rows, place] = starts[dimension] + key % width
                key = key // width
        return parents

    def sum(self, numbers: np.ndarray) -> np.ndarray:
        """Add a number per leaf over every slice.

        Returns:
            One number per slice, in the order of slice numbers.
        """
        added = np.empty(self.count)
        for cuboid in reversed(self.cuboids):
            source = cuboid.source
            weights = numbers if source is None else added[source.start : source.start + source.size]
            added[cuboid.start : cuboid.start + cuboid.size] = np.bincount(cuboid.codes, weights, minlength=cuboid.size)
        return added

    def sum_once(self, numbers: np.ndarray) -> np.ndarray:
        """Add like ``sum``, and remember the answer for an array that is asked about again."""
        if id(numbers) not in self._kept:
            self._kept[id(numbers)] = (numbers, self.sum(numbers))
        return self._kept[id(numbers)][1]

    def locate(self, number: int) -> Cuboid:
        """Return the cuboid that a slice belongs to."""
        return self.cuboids[int(np.searchsorted(self._starts, number, side="right")) - 1]

    def codes_of(self, number: int) -> dict[int, int]:
        """Return a slice as the code of its value per dimension."""
        cuboid = self.locate(number)
        key = number - cuboid.start
        key = int(key if cuboid.keys is None else cuboid.keys[key])
        found: dict[int, int] = {}
        for dimension in reversed(cuboid.dimensions):
            width = self.coded.sizes[dimension]
            found[dimension] = key % width
            key //= width
        return found

    def members(self, number: int) -> np.ndarray:
        """Return which leaves lie in a slice."""
        inside = np.ones(len(self.coded), dtype=bool)
        for dimension, code in self.codes_of(number).items():
            inside &= self.coded.codes[dimension] == code
        return inside

    def wider(self, number: int) -> list[int]:
        """Return the slices that leave out one of a slice's dimensions."""
        codes, found = self.codes_of(number), []
        for cuboid in self.cuboids:
            if len(cuboid.dimensions) == len(codes) - 1 and set(cuboid.dimensions) < set(codes):
                key = 0
                for dimension in cuboid.dimensions:
                    key = key * self.coded.sizes[dimension] + codes[dimension]
                place = key if cuboid.keys is None else int(np.searchsorted(cuboid.keys, key))
                found.append(cuboid.start + place)
        return found

    def describe(self, number: int) -> dict[str, list[object]]:
        """Return a slice as the values of its dimensions."""
        found = {self.coded.dimensions[place]: place for place in self.codes_of(number)}
        codes = self.codes_of(number)
        return {name: [self.coded.values[found[name]][codes[found[name]]]] for name in sorted(found)}
