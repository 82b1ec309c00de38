"""The equations of a goal matrix: products along the funnel, sums over slices and over sub-periods."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from helpers.model.catalog import Catalog
from helpers.periods import GRAINS, MONTHS_IN

KEYS = ["kpi", "grain", "period_start", "dimension", "slice"]
"""What names a cell of the goal matrix."""

TOTAL = "all"
JOINT = " & "


def name_key(key: tuple) -> tuple[str, ...]:
    """Return a cell's key as texts only, as the attributes of a frame keep it."""
    kpi, grain, start, dimension, value = key
    return str(kpi), str(grain), pd.Timestamp(start).date().isoformat(), str(dimension), str(value)


@dataclass(frozen=True)
class Product:
    """``volume × rate = result`` in every period and slice, such as opportunities × opportunity_to_won = deals_won."""

    volume: str
    rate: str
    result: str


@dataclass(frozen=True)
class Relations:
    """The equations of one matrix, by the position of its cells.

    Attributes:
        products: One row per product: position of volume, rate and result.
        totals: Position of the total of each sum.
        parts: Per sum the positions of its parts.
    """

    products: np.ndarray
    totals: np.ndarray
    parts: tuple[np.ndarray, ...]


def list_products(catalog: Catalog) -> list[Product]:
    """List the products that a company's bow-tie implies.

    Returns:
        One per conversion between stages with a volume, and one per average (deals won × average deal size = closed
        revenue), in the catalog's order.
    """
    volume_of = {stage.id: stage.volume for stage in catalog.stages.values() if stage.volume}
    sum_of = {
        (kpi.measure.stage, kpi.measure.field): kpi.id for kpi in catalog.kpis.values() if kpi.measure.kind == "sum"
    }
    found = []
    for kpi in catalog.kpis.values():
        measure = kpi.measure
        if measure.kind == "conversion" and {measure.from_stage, measure.to_stage} <= set(volume_of):
            found.append(Product(volume_of[measure.from_stage], kpi.id, volume_of[measure.to_stage]))
        elif measure.kind == "average" and measure.stage in volume_of:
            total = sum_of.get((measure.stage, measure.field))
            if total:
                found.append(Product(volume_of[measure.stage], kpi.id, total))
    return found


def list_additive(catalog: Catalog, *, over_time: bool) -> set[str]:
    """List the KPIs whose slices (``over_time``: whose sub-periods) add up; stocks add up over slices only."""
    kinds = ("volume", "sum") if over_time else ("volume", "sum", "stock")
    return {kpi.id for kpi in catalog.kpis.values() if kpi.measure.kind in kinds}


def find_relations(cells: pd.DataFrame, catalog: Catalog) -> Relations:
    """Find every equation whose cells are all in the matrix.

    Args:
        cells: One row per cell with ``KEYS``, ``period_start`` as timestamps, index 0 … n − 1.
        catalog: The company's definitions.

    Returns:
        The equations. A coarse period is the sum of its sub-periods of the next finer grain only where all of them are
        in the matrix; a total is the sum of the slices that are there, per dimension.
    """
    products = _find_products(cells, list_products(catalog))
    over_slices = _find_slice_sums(cells[cells["kpi"].isin(list_additive(catalog, over_time=False))])
    over_time = _find_period_sums(cells[cells["kpi"].isin(list_additive(catalog, over_time=True))])
    sums = [*over_slices, *over_time]
    totals = np.array([total for total, _ in sums], dtype=np.int64)
    return Relations(products, totals, tuple(parts for _, parts in sums))


def _find_products(cells: pd.DataFrame, products: Iterable[Product]) -> np.ndarray:
    place = [key for key in KEYS if key != "kpi"]
    group = cells.groupby(place, sort=False, dropna=False).ngroup().to_numpy()
    size = int(group.max()) + 1 if len(group) else 0
    position = {}
    for kpi, rows in cells.groupby("kpi", sort=False).indices.items():
        at = np.full(size, -1, dtype=np.int64)
        at[group[rows]] = rows
        position[kpi] = at
    found = []
    for product in products:
        columns = [position.get(kpi) for kpi in (product.volume, product.rate, product.result)]
        if any(column is None for column in columns):
            continue
        triple = np.stack(columns, axis=1)
        found.append(triple[(triple >= 0).all(axis=1)])
    return np.concatenate(found) if found else np.empty((0, 3), dtype=np.int64)


def _find_slice_sums(cells: pd.DataFrame) -> list[tuple[int, np.ndarray]]:
    at = {tuple(key): int(index) for index, *key in cells[KEYS].itertuples()}
    groups: dict[tuple, list[int]] = {}
    for index, kpi, grain, start, dimension, value in cells.loc[cells["dimension"] != TOTAL, KEYS].itertuples():
        parents = [(TOTAL, TOTAL), *(_list_parents(dimension, value) if JOINT in dimension else [])]
        for parent in parents:
            groups.setdefault((kpi, grain, start, *parent, dimension), []).append(int(index))
    return [
        (at[tuple(key)], np.array(parts, dtype=np.int64)) for (*key, _), parts in groups.items() if tuple(key) in at
    ]


def _list_parents(dimension: str, values: str) -> list[tuple[str, str]]:
    names, parts = dimension.split(JOINT), values.split(JOINT)
    return list(zip(names, parts, strict=True)) if len(names) == len(parts) else []


def _find_period_sums(cells: pd.DataFrame) -> list[tuple[int, np.ndarray]]:
    present = [grain for grain in GRAINS if (cells["grain"] == grain).any()]
    at = {tuple(key): int(index) for index, *key in cells[KEYS].itertuples()}
    sums = []
    for finer, coarser in pairwise(present):
        step, count = MONTHS_IN[finer], MONTHS_IN[coarser] // MONTHS_IN[finer]
        coarse = cells.loc[cells["grain"] == coarser, KEYS]
        subs = {
            start: [start + pd.DateOffset(months=step * i) for i in range(count)]
            for start in coarse["period_start"].unique()
        }
        for index, kpi, _, start, dimension, value in coarse.itertuples():
            parts = [at.get((kpi, finer, sub, dimension, value)) for sub in subs[start]]
            if all(part is not None for part in parts):
                sums.append((int(index), np.array(parts, dtype=np.int64)))
    return sums
