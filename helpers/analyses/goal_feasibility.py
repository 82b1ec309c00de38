"""Whether locked cells can hold together: decided by a linear programme, so that only what is proved counts.

A rate is either locked, then its product is linear in the volumes (result = rate × volume), or free, then it asks
nothing of them. Sums are linear. So which volumes the locked cells allow is a question of linear inequalities, which
HiGHS answers either with values that obey them all or with a proof that there are none.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import linprog
from scipy.sparse.csgraph import connected_components

from helpers.analyses.goal_relations import Relations

CLOSE_ENOUGH = 1e-7
"""Locked cells that miss each other by less than this share of themselves count as agreeing: that is rounding."""

PRECISION = 1e-9
LEAST_START = 1e-8
WHOLE = 1e-3
ROUNDS = 8
BOUND_ROUNDS = 12
SPENT = 1e-12
"""Less than this share of a total left over is nothing left: that is the precision of the numbers themselves."""


@dataclass(frozen=True)
class Feasibility:
    """What is known of some locked cells.

    Attributes:
        is_contradictory: Whether it is proved that they can't all hold.
        zero: Per cell whether they leave it nothing.
        point: Per cell a value with which all sums and locked rates hold, the cells far from nothing where they can be;
            NaN for cells that the locks don't bear on, and wholly where none was found.
    """

    is_contradictory: bool
    zero: np.ndarray
    point: np.ndarray


def check_locks(relations: Relations, held: np.ndarray, values: np.ndarray, scale: np.ndarray) -> Feasibility:
    """Decide whether locked cells can hold together.

    Args:
        relations: The equations.
        held: Per cell whether it is locked.
        values: Per locked cell its value (0 or more).
        scale: Per cell a usual size, more than 0; it only keeps the arithmetic exact.

    Returns:
        What is known. Locked cells that miss each other by less than ``CLOSE_ENOUGH`` are no contradiction.
    """
    nonzero = held & (values > 0)
    zero, clash = follow_zeros(relations, held & (values == 0), nonzero)
    nowhere = np.full(len(held), np.nan)
    for _ in range(ROUNDS):
        if clash:
            return Feasibility(True, zero, nowhere)
        low, high = _bound(relations, held, values, zero)
        spent = ~zero & (high <= 0)
        if spent.any():
            zero, clash = follow_zeros(relations, zero | spent, nonzero)
            continue
        size = np.clip(scale, low, high)
        found = _solve_programme(relations, held, values, zero, size)
        if found.is_contradictory or not (found.zero & ~zero).any():
            return found
        # A locked rate of something that can only be nothing isn't kept: all slices at nothing are no way out.
        products = relations.products
        lost = held[products[:, 1]] & (found.zero & ~zero)[products[:, [0, 2]]].any(axis=1)
        zero, clash = follow_zeros(relations, found.zero, nonzero)
        clash = clash or bool(lost.any())
    return Feasibility(clash, zero, nowhere)


def follow_zeros(relations: Relations, zero: np.ndarray, nonzero: np.ndarray) -> tuple[np.ndarray, bool]:
    """Follow cells that are nothing through products and sums.

    Returns:
        Per cell whether it is nothing, and whether that clashes with a cell of ``nonzero``.
    """
    zero = zero.copy()
    if not zero.any():
        return zero, False
    products = relations.products
    while True:
        before = int(zero.sum())
        if len(products):
            volume, rate, result = products.T
            zero[result[zero[volume] | zero[rate]]] = True
            forced = zero[result] & ~zero[rate] & ~zero[volume]
            # Nothing comes out: the rate is nothing, unless it is held; then the volume is.
            zero[rate[forced & ~nonzero[rate]]] = True
            zero[volume[forced & nonzero[rate]]] = True
        for total, parts in zip(relations.totals, relations.parts, strict=True):
            if zero[total]:
                zero[parts] = True
            elif zero[parts].all():
                zero[total] = True
        if (zero & nonzero).any():
            return zero, True
        if int(zero.sum()) == before:
            return zero, False


def _bound(
    relations: Relations, held: np.ndarray, values: np.ndarray, zero: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Narrow down what each volume can be at least and at most; 0 at most where its total is spent on others."""
    low = np.where(zero, 0.0, np.where(held, values, 0.0))
    high = np.where(zero, 0.0, np.where(held, values, np.inf))
    products = relations.products
    tied = products[held[products[:, 1]] & ~zero[products].any(axis=1)] if len(products) else products
    volume, rate, result = tied.T if len(tied) else np.empty((3, 0), dtype=np.int64)
    for _ in range(BOUND_ROUNDS):
        before = low.sum(), np.where(np.isfinite(high), high, 0.0).sum(), np.isfinite(high).sum()
        for total, parts in zip(relations.totals, relations.parts, strict=True):
            least, most = low[parts].sum(), high[parts].sum()
            if not held[total]:
                low[total], high[total] = max(low[total], least), min(high[total], most)
            if np.isfinite(high[total]):
                left = high[total] - (least - low[parts])
                # What rounding alone may have left or taken mustn't decide, except where every number was typed.
                typed = held[total] & (int((~held[parts]).sum()) == 1) & (left <= SPENT * high[total])
                left = np.where(typed, 0.0, np.maximum(left, 0.0) + SPENT * high[total])
                high[parts] = np.where(held[parts], high[parts], np.minimum(high[parts], left))
            if np.isfinite(most):
                needed = low[total] - (most - high[parts])
                needed = needed - SPENT * (low[total] + most)
                low[parts] = np.where(held[parts], low[parts], np.maximum(low[parts], needed))
        for one, other, factor in ((volume, result, values[rate]), (result, volume, 1.0 / values[rate])):
            free = ~held[other]
            low[other[free]] = np.maximum(low[other[free]], (low[one] * factor)[free])
            high[other[free]] = np.minimum(high[other[free]], (high[one] * factor)[free])
        if before == (low.sum(), np.where(np.isfinite(high), high, 0.0).sum(), np.isfinite(high).sum()):
            break
    return np.minimum(low, high), high


def _solve_programme(
    relations: Relations, held: np.ndarray, values: np.ndarray, zero: np.ndarray, scale: np.ndarray
) -> Feasibility:
    size = len(held)
    point = np.full(size, np.nan)
    rows = _list_rows(relations, held, values, zero, scale)
    if rows.shape[0] == 0:
        return Feasibility(False, zero, np.where(held, values, point))
    touched = np.flatnonzero(np.diff(rows.tocsc().indptr) > 0)
    unit = np.where(held & (values > 0), values, scale)[touched]
    rows = rows[:, touched] @ sparse.diags_array(unit)
    rows = sparse.diags_array(1.0 / np.abs(rows).max(axis=1).toarray().ravel()) @ rows
    fixed, gone = held[touched], zero[touched]
    low = np.where(gone, 0.0, np.where(fixed, 1.0 - CLOSE_ENOUGH, 0.0))
    high = np.where(gone, 0.0, np.where(fixed, 1.0 + CLOSE_ENOUGH, np.inf))
    free = np.flatnonzero(~fixed & ~gone)
    status, at, least = _keep_apart(rows, low, high, free)
    if status == 0 and (least > LEAST_START or not len(free)):
        point[touched] = at * unit
        return Feasibility(False, zero, np.where(held, values, point))
    if status == 2:
        return Feasibility(True, zero, point)
    if status != 0:
        return Feasibility(False, zero, point)
    wider = zero.copy()
    wider[touched[_find_empty(rows, low, high, free)]] = True
    return Feasibility(False, wider, point)


def _list_rows(
    relations: Relations, held: np.ndarray, values: np.ndarray, zero: np.ndarray, scale: np.ndarray
) -> sparse.csr_matrix:
    """List what must be at most 0: every equation from both sides, with room for rounding, where a lock bears on it."""
    upper, lower = [], []
    for total, parts in zip(relations.totals, relations.parts, strict=True):
        if not zero[total]:
            upper.append((total, parts, np.ones(len(parts))))
    for volume, rate, result in relations.products:
        if held[rate] and not zero[[volume, rate, result]].any():
            upper.append((result, np.array([volume]), values[[rate]]))
    rows, columns, entries = [], [], []
    for sign in (1.0, -1.0):
        for total, parts, factors in upper:
            number = len(lower)
            lower.append(total)
            rows += [number] * (len(parts) + 1)
            columns += [*parts, total]
            entries += [*(sign * factors), -sign * (1.0 + sign * CLOSE_ENOUGH)]
    shape = (len(lower), len(held))
    matrix = sparse.csr_matrix((entries, (rows, columns)), shape=shape) if lower else sparse.csr_matrix(shape)
    if not len(lower):
        return matrix
    pattern = abs(matrix)
    _, block = connected_components(sparse.block_array([[None, pattern], [pattern.T, None]]), directed=False)
    of_row, of_cell = block[: len(lower)], block[len(lower) :]
    bears = set(of_cell[held & ~np.isin(np.arange(len(held)), relations.products[:, 1])])
    bears |= set(of_cell[[volume for volume, rate, _ in relations.products if held[rate]]])
    return matrix[np.flatnonzero(np.isin(of_row, list(bears)))]


def _keep_apart(
    rows: sparse.csr_matrix, low: np.ndarray, high: np.ndarray, free: np.ndarray
) -> tuple[int, np.ndarray, float]:
    """Find values far from nothing: all of them at least a share of their usual size, and that share the largest."""
    size = len(low)
    apart = sparse.csr_matrix((np.full(len(free), -1.0), (np.arange(len(free)), free)), shape=(len(free), size))
    share = sparse.csr_matrix(np.concatenate([np.zeros(rows.shape[0]), np.ones(len(free))])[:, None])
    bounds = np.stack([np.append(low, 0.0), np.append(high, 1.0)], axis=1)
    found = linprog(
        np.append(np.zeros(size), -1.0),
        A_ub=sparse.hstack([sparse.vstack([rows, apart]), share]).tocsc(),
        b_ub=np.zeros(rows.shape[0] + len(free)),
        bounds=bounds,
        method="highs",
        options={"primal_feasibility_tolerance": PRECISION, "dual_feasibility_tolerance": PRECISION},
    )
    if found.x is None:
        return int(found.status), low, 0.0
    return int(found.status), found.x[:-1], float(found.x[-1])


def _find_empty(rows: sparse.csr_matrix, low: np.ndarray, high: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Find the cells that nothing is left for: those that no admissible values fill."""
    size, left = len(low), free
    for _ in range(ROUNDS):
        count = len(left)
        cell = sparse.csr_matrix((np.full(count, -1.0), (np.arange(count), left)), shape=(count, size))
        found = linprog(
            np.concatenate([np.zeros(size), np.full(count, -1.0)]),
            A_ub=sparse.block_array([[rows, None], [cell, sparse.identity(count)]]).tocsc(),
            b_ub=np.zeros(rows.shape[0] + count),
            bounds=np.stack([np.append(low, np.zeros(count)), np.append(high, np.full(count, WHOLE))], axis=1),
            method="highs",
            options={"primal_feasibility_tolerance": PRECISION},
        )
        filled = found.x[size:] > LEAST_START if found.x is not None else np.ones(count, dtype=bool)
        if found.x is None or not filled.any():
            return left if found.x is not None else left[:0]
        left = left[~filled]
        if not len(left):
            break
    return left
