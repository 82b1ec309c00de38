"""Lay the cells of a question out as the table of KPIs, column by column."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from helpers.engine.answering import Block
from helpers.engine.slicing import Lens
from helpers.engine.timeline import PeriodAxis
from helpers.model.kpi import Kpi

CELL_COLUMNS = [
    "kpi", "basis", "grain", "period_start", "period_end", "horizon_days", "dimension", "slice",
    "numerator", "denominator", "value", "n", "low", "high", "is_complete",
]  # fmt: skip
"""The columns of ``kpis.csv``."""

NUMBERS = ("numerator", "denominator", "value", "low", "high")


def build_frame(blocks: Sequence[Block], axis: PeriodAxis, kpis: Sequence[Kpi]) -> pd.DataFrame:
    """Return the table of KPIs.

    Args:
        blocks: The cells.
        axis: The periods.
        kpis: The KPIs, in the order in which they are shown.

    Returns:
        One row per cell, sorted by KPI, lens, basis, slice and period, with the columns of ``kpis.csv``.
    """
    blocks = [block for block in blocks if len(block.cells.value)]
    rows = _Rows(blocks, [kpi.id for kpi in kpis])
    period = rows.numbers("periods").astype(np.int64)
    columns = {
        "kpi": rows.texts([kpi.id for kpi in kpis], rows.kpi),
        "basis": rows.texts(rows.bases, rows.basis),
        "grain": rows.texts([axis.grain], np.zeros(len(rows.kpi), np.int8)),
        "period_start": _stamps(axis.starts)[period],
        "period_end": _stamps(axis.ends)[period],
        "horizon_days": _whole(rows.numbers("horizon")),
        "dimension": rows.texts([lens.dimension for lens in rows.lenses], rows.lens),
        "slice": rows.texts(*rows.name_slices()),
        **{name: rows.numbers(name) for name in NUMBERS},
        "n": _whole(rows.numbers("n")),
        "is_complete": rows.numbers("is_complete").astype(bool),
    }
    return pd.DataFrame({name: columns[name] for name in CELL_COLUMNS}, copy=False)


class _Rows:
    """The cells of all blocks one after the other, in the order of the table."""

    def __init__(self, blocks: Sequence[Block], kpis: Sequence[str]):
        self._blocks = blocks
        self._sizes = [len(block.cells.value) for block in blocks]
        self.bases = list(dict.fromkeys(block.cells.basis for block in blocks))
        self.lenses: list[Lens] = []
        self._first: list[int] = [0]
        self.kpi = self._repeat([kpis.index(block.kpi.id) for block in blocks])
        self.basis = self._repeat([self.bases.index(block.cells.basis) for block in blocks])
        self.lens, self.slice, place = self._number_slices()
        key = (self.kpi * (place.max(initial=0) + 1) + place) * 8 + self._repeat([block.rank for block in blocks])
        self._order = np.argsort(key, kind="stable") if (key[1:] < key[:-1]).any() else slice(None)

    def _repeat(self, values: Sequence[int]) -> np.ndarray:
        return np.repeat(np.array(values, np.int64), self._sizes)

    def _number_slices(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return for each cell its lens, its slice numbered through all lenses, and the lens's place in the table."""
        known: dict[tuple[int, int], int] = {}
        tables: dict[int, tuple[np.ndarray, ...]] = {}
        parts = [(np.empty(0, np.int64),) * 3]
        for block in self._blocks:
            stack = block.stack
            if id(stack) not in tables:
                for lens, place in zip(stack.lenses, stack.places.tolist(), strict=True):
                    if (id(lens), place) not in known:
                        known[id(lens), place] = len(self.lenses)
                        self.lenses.append(lens)
                        self._first.append(self._first[-1] + lens.n_slices)
                pairs = zip(stack.lenses, stack.places.tolist(), strict=True)
                numbers = np.array([known[id(lens), place] for lens, place in pairs])
                sizes = [lens.n_slices for lens in stack.lenses]
                moved = np.array(self._first)[numbers] - stack.offsets
                tables[id(stack)] = tuple(np.repeat(one, sizes) for one in (numbers, moved, stack.places))
            lens, moved, place = (table[block.cells.slices] for table in tables[id(stack)])
            parts.append((lens, block.cells.slices + moved, place))
        lens, slices, place = (np.concatenate(column) for column in zip(*parts, strict=True))
        return lens, slices, place

    def name_slices(self) -> tuple[pa.Array, np.ndarray]:
        """Return the texts of all slices that have a cell, and which of them each cell has."""
        used = np.zeros(self._first[-1], bool)
        used[self.slice] = True
        names = [pa.array([], pa.large_string())]
        for lens, first, end in zip(self.lenses, self._first[:-1], self._first[1:], strict=True):
            names.append(lens.texts(np.flatnonzero(used[first:end])))
        return pa.concat_arrays(names), (np.cumsum(used) - 1)[self.slice]

    def numbers(self, name: str) -> np.ndarray:
        """Return one of the cells' arrays; NaN where a block has none."""
        parts = [getattr(block.cells, name) for block in self._blocks]
        filled = [
            np.full(size, np.nan if part is None else part) if part is None or np.isscalar(part) else part
            for part, size in zip(parts, self._sizes, strict=True)
        ]
        return np.concatenate([np.empty(0), *filled])[self._order]

    def texts(self, values: Sequence[str] | pa.Array, codes: np.ndarray) -> pd.api.extensions.ExtensionArray:
        """Return a column of texts, taken from the few that there are."""
        few = values if isinstance(values, pa.Array) else pa.array(values, pa.large_string())
        return pd.array(few.take(pa.array(codes[self._order])), dtype="str")


def _whole(values: np.ndarray) -> pd.api.extensions.ExtensionArray:
    """Return whole numbers, missing where there is none."""
    missing = np.isnan(values)
    return pd.arrays.IntegerArray(np.rint(np.where(missing, 0, values)).astype(np.int64), missing)


def _stamps(days: np.ndarray) -> np.ndarray:
    return days.astype("datetime64[D]").astype("datetime64[us]")
