"""All slices of a leaf table up to a depth, numbered, so that any number can be summed over every slice at once."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from helpers.analyses.coded_leaves import CodedLeaves

LARGEST_CUBOID = 2_000_000
"""A combination of dimensions with more possible slices than this is coded by what occurs, never laid out."""


@dataclass(frozen=True)
class Cuboid:
    """Hold the slices of one combination of dimensions: numbers ``start`` up to ``start + size``."""

    dimensions: tuple[int, ...]
    start: int
    size: int
    codes: np.ndarray
    keys: np.ndarray | None


class SliceLattice:
    """Number every slice of one to ``max_depth`` dimensions and sum leaves over them."""

    def __init__(self, coded: CodedLeaves, max_depth: int) -> None:
        self.coded = coded
        self.cuboids: list[Cuboid] = []
        start = 0
        deepest = min(max_depth, len(coded.dimensions)) if len(coded) else 0
        for depth in range(1, deepest + 1):
            for dimensions in combinations(range(len(coded.dimensions)), depth):
                cuboid = self._build_cuboid(dimensions, start)
                self.cuboids.append(cuboid)
                start += cuboid.size
        self.count = start
        self.depth = np.concatenate([np.full(c.size, len(c.dimensions)) for c in self.cuboids] or [np.zeros(0, int)])
        self.log_size = np.concatenate([np.full(c.size, np.log(c.size)) for c in self.cuboids] or [np.zeros(0)])
        self.max_depth = deepest
        self.parents = self._number_parents()

    def _build_cuboid(self, dimensions: tuple[int, ...], start: int) -> Cuboid:
        """Code one combination of dimensions."""
        codes, size = np.zeros(len(self.coded), dtype=np.int64), 1
        for dimension in dimensions:
            width = self.coded.sizes[dimension]
            codes, size = codes * width + self.coded.codes[dimension], size * width
        keys = None
        if size > min(LARGEST_CUBOID, 8 * len(self.coded) + 1000):
            keys, codes = np.unique(codes, return_inverse=True)
            size = len(keys)
        return Cuboid(dimensions, start, size, codes.reshape(-1).astype(np.int32), keys)

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
        parts = [np.bincount(c.codes, numbers, minlength=c.size) for c in self.cuboids]
        return np.concatenate(parts) if parts else np.zeros(0)

    def locate(self, number: int) -> Cuboid:
        """Return the cuboid that a slice belongs to."""
        starts = [cuboid.start for cuboid in self.cuboids]
        return self.cuboids[int(np.searchsorted(starts, number, side="right")) - 1]

    def members(self, number: int) -> np.ndarray:
        """Return which leaves lie in a slice."""
        cuboid = self.locate(number)
        return cuboid.codes == number - cuboid.start

    def describe(self, number: int) -> dict[str, list[object]]:
        """Return a slice as the values of its dimensions."""
        cuboid = self.locate(number)
        key = number - cuboid.start
        key = int(key if cuboid.keys is None else cuboid.keys[key])
        found: dict[str, list[object]] = {}
        for dimension in reversed(cuboid.dimensions):
            width = self.coded.sizes[dimension]
            found[self.coded.dimensions[dimension]] = [self.coded.values[dimension][key % width]]
            key //= width
        return {name: found[name] for name in sorted(found)}
