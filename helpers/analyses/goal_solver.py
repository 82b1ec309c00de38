"""The arithmetic of the goal matrix: move free cells as little as possible so that every product and sum holds.

How far a cell moves is told by its logarithm. The unknowns are the volumes themselves: sums are linear in them, and a
free rate is what its product makes of them. That leaves a smooth task with linear equations, for which ``goal_descent``
goes Newton's steps on SciPy's sparse factorisation. SciPy's own trust-region method (``trust-constr``), four times as
slow, stands in where those don't arrive. IPOPT (by way of CasADi) weighs 275 MB; OSQP, Clarabel and PIQP solve single
quadratic steps.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from helpers.analyses.goal_descent import descend
from helpers.analyses.goal_feasibility import check_locks, follow_zeros
from helpers.analyses.goal_relations import Relations

ACCEPTED = 1e-7
"""An equation holds where its sides differ by less than this share."""


@dataclass(frozen=True)
class Solution:
    """Where the cells ended.

    Attributes:
        values: One value per cell.
        is_feasible: Whether every equation holds.
        is_contradictory: Whether it is proved that the held cells can't all hold.
        violated: Per equation (products first, then sums) how far it is off, in logarithms.
    """

    values: np.ndarray
    is_feasible: bool
    is_contradictory: bool
    violated: np.ndarray


def solve_relations(
    relations: Relations,
    prior: np.ndarray,
    variance: np.ndarray,
    held: np.ndarray,
    values: np.ndarray,
    *,
    floor: np.ndarray | float = 1e-3,
    shares: np.ndarray | None = None,
) -> Solution:
    """Solve a matrix.

    Args:
        relations: The equations.
        prior: Per cell what is expected; positive, or 0 for a cell without any.
        variance: Per cell the variance of its logarithm; the larger, the more it gives way.
        held: Per cell whether it keeps its value.
        values: Per held cell its value (0 or more).
        floor: Per cell what a cell expected to be nothing starts from where the held cells force it to be something.
        shares: Per cell whether it is a share, which stays within 100 % wherever the held cells allow.

    Returns:
        The solution; where it isn't feasible the values mean nothing.
    """
    wanted = np.where(held & (values > 0), values, np.where(prior > 0, prior, floor))
    soft = ~held & (prior <= 0)
    usual = np.where(prior > 0, prior, wanted)
    known = None
    if soft.any():
        # What nobody expects stays nothing as long as the held cells let it.
        quiet = held | soft
        known = check_locks(relations, quiet, np.where(soft, 0.0, values), usual)
    if known is None or known.is_contradictory:
        known = check_locks(relations, held, values, usual)
    if known.is_contradictory:
        nowhere = np.full(len(relations.products) + len(relations.totals), np.nan)
        return Solution(np.where(held, values, prior), False, True, nowhere)
    task = _Task(relations, np.log(wanted), 1.0 / variance, known.zero)
    logs = np.log(np.where(held & (values > 0), values, 1.0))
    found = task.solve(held | known.zero, logs, known.point)
    if shares is not None and _worst(task.measure(found)) <= ACCEPTED:
        found = _keep_shares(task, found, held, logs, shares, usual)
    violated = task.measure(found)
    result = np.exp(np.clip(found, -700, 700))
    result[known.zero] = 0.0
    result[held] = values[held]
    return Solution(result, _worst(violated) <= ACCEPTED, False, violated)


def measure_violation(relations: Relations, values: np.ndarray) -> float:
    """Tell how far the worst equation is off, in logarithms; infinite where only one side of it is nothing."""
    zero = values <= 0
    widened, clash = follow_zeros(relations, zero, ~zero)
    if clash or (widened != zero).any():
        return float("inf")
    logs = np.log(np.where(zero, 1.0, values))
    return _worst(_Task(relations, logs, np.ones(len(values)), zero).measure(logs))


def _keep_shares(
    task: "_Task", found: np.ndarray, held: np.ndarray, logs: np.ndarray, shares: np.ndarray, usual: np.ndarray
) -> np.ndarray:
    # Shares that pass 100 % are held there, as long as the others can take up what is left.
    capped = np.zeros(len(held), dtype=bool)
    for _ in range(6):
        over = shares & ~held & ~task.zero & ~capped & (found > 1e-9)
        if not over.any():
            break
        trial = held | capped | over
        begin = np.where(capped | over, 0.0, logs)
        known = check_locks(
            task.relations, trial | task.zero, np.where(task.zero, 0.0, np.where(trial, np.exp(begin), np.nan)), usual
        )
        if known.is_contradictory or (known.zero & ~task.zero).any():
            break
        retried = task.solve(trial | task.zero, begin, known.point, found)
        if _worst(task.measure(retried)) > ACCEPTED:
            break
        capped, found = capped | over, retried
    return found


class _Task:
    """The equations that still say something once empty cells are taken out, with what pulls at each cell."""

    def __init__(self, relations: Relations, start: np.ndarray, weight: np.ndarray, zero: np.ndarray):
        self.relations, self.start, self.zero = relations, start, zero
        self.weight = weight / np.median(weight)
        products = relations.products
        self.products = products[~zero[products].any(axis=1)] if len(products) else products
        kept = [
            (total, parts[~zero[parts]])
            for total, parts in zip(relations.totals, relations.parts, strict=True)
            if not zero[total]
        ]
        self.totals = np.array([total for total, _ in kept], dtype=np.int64)
        self.flat = np.concatenate([parts for _, parts in kept]) if kept else np.empty(0, dtype=np.int64)
        self.row = np.repeat(np.arange(len(kept)), [len(parts) for _, parts in kept])

    def measure(self, x: np.ndarray) -> np.ndarray:
        """Tell how far every equation is off, in logarithms, products first."""
        linear = x[self.products[:, 0]] + x[self.products[:, 1]] - x[self.products[:, 2]]
        lifted = np.exp(np.clip(x[self.flat] - x[self.totals][self.row], -700, 700))
        total = np.bincount(self.row, weights=lifted, minlength=len(self.totals))
        with np.errstate(divide="ignore"):
            return np.concatenate([linear, np.clip(np.log(total), -700, 700)])

    def solve(
        self, held: np.ndarray, logs: np.ndarray, point: np.ndarray, begin_at: np.ndarray | None = None
    ) -> np.ndarray:
        """Find the logarithms nearest to the start that obey the equations, with the held cells at ``logs``.

        Volumes that held rates tie to each other are one unknown. The way begins at ``begin_at``, else at the start;
        where that lies too far off, at ``point``, which holds values that obey the held cells.
        """
        size = len(held)
        volume, rate, result = self.products.T
        tied = held[rate]
        root, offset = _tie(size, volume[tied], result[tied], logs[rate[tied]])
        x = self.start.copy()
        x[held] = logs[held]
        is_rate = np.zeros(size, dtype=bool)
        is_rate[rate] = True
        fixed = held & ~is_rate
        level = np.full(size, np.nan)
        level[root[fixed]] = logs[fixed] - offset[fixed]
        known = ~np.isnan(level[root]) & ~is_rate
        x[known] = (level[root] + offset)[known]
        moves = np.flatnonzero(~known & ~is_rate & ~self.zero)
        names, unknown = np.unique(root[moves], return_inverse=True)
        if len(names):
            column = np.full(size, -1, dtype=np.int64)
            column[moves] = unknown
            given = np.where(known, x, np.nan)
            pull = self._pull(moves, unknown, column, x, offset, rate[~tied])
            sums = self._list_sums(column, offset, given, len(names))
            near = self.start if begin_at is None else begin_at
            begin = _average(unknown, (near - offset)[moves], len(names))
            with np.errstate(invalid="ignore", divide="ignore"):
                else_at = _average(unknown, (np.log(point) - offset)[moves], len(names))
            x[moves] = (descend(*pull, *sums, begin, else_at))[unknown] + offset[moves]
        loose = ~tied
        x[rate[loose]] = x[result[loose]] - x[volume[loose]]
        return x

    def _pull(
        self,
        moves: np.ndarray,
        unknown: np.ndarray,
        column: np.ndarray,
        x: np.ndarray,
        offset: np.ndarray,
        rates: np.ndarray,
    ) -> tuple[sparse.csr_matrix, np.ndarray]:
        """Write what is to be least as ½ηᵀMη + bᵀη, in the logarithms η of the unknowns."""
        count = len(np.unique(unknown))
        own = sparse.csr_matrix((np.ones(len(moves)), (np.arange(len(moves)), unknown)), shape=(len(moves), count))
        off = offset[moves] - self.start[moves]
        free = self.products[np.isin(self.products[:, 1], rates)]
        volume, rate, result = free.T
        number = np.arange(len(free))
        rows, columns, entries = [], [], []
        apart = -self.start[rate]
        for cells, sign in ((result, 1.0), (volume, -1.0)):
            at = column[cells]
            inside = at >= 0
            rows.append(number[inside])
            columns.append(at[inside])
            entries.append(np.full(int(inside.sum()), sign))
            apart = apart + sign * np.where(inside, offset[cells], x[cells])
        between = sparse.csr_matrix(
            (np.concatenate(entries), (np.concatenate(rows), np.concatenate(columns))), shape=(len(free), count)
        )
        stacked, rest = sparse.vstack([own, between]).tocsr(), np.concatenate([off, apart])
        weighted = stacked.T @ sparse.diags_array(np.concatenate([self.weight[moves], self.weight[rate]]))
        return (weighted @ stacked).tocsr(), weighted @ rest

    def _list_sums(
        self, column: np.ndarray, offset: np.ndarray, given: np.ndarray, count: int
    ) -> tuple[sparse.csr_matrix, np.ndarray]:
        """Write the sums as A y = c in the unknowns y; those of known cells only say nothing."""
        number = np.concatenate([self.row, np.arange(len(self.totals))])
        cells = np.concatenate([self.flat, self.totals])
        sign = np.concatenate([np.ones(len(self.flat)), np.full(len(self.totals), -1.0)])
        inside = column[cells] >= 0
        rows = sparse.csr_matrix(
            (sign[inside] * np.exp(offset[cells[inside]]), (number[inside], column[cells[inside]])),
            shape=(len(self.totals), count),
        )
        right = -np.bincount(
            number[~inside], weights=sign[~inside] * np.exp(given[cells[~inside]]), minlength=len(self.totals)
        )
        used = np.flatnonzero(np.diff(rows.indptr) > 0)
        return rows[used], right[used]


def _tie(size: int, volume: np.ndarray, result: np.ndarray, factor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Join volumes that a held rate ties: per cell the one that stands for it, and its logarithm above that one."""
    root, offset = np.arange(size), np.zeros(size)
    members = {}
    for one, other, log in zip(volume.tolist(), result.tolist(), factor.tolist(), strict=True):
        keep, drop = int(root[one]), int(root[other])
        if keep == drop:
            continue
        moved = members.pop(drop, [drop])
        shift = offset[one] + log - offset[other]
        root[moved] = keep
        offset[moved] += shift
        members.setdefault(keep, [keep]).extend(moved)
    return root, offset


def _average(unknown: np.ndarray, logs: np.ndarray, count: int) -> np.ndarray:
    return np.bincount(unknown, weights=logs, minlength=count) / np.bincount(unknown, minlength=count)


def _worst(violated: np.ndarray) -> float:
    return float(np.abs(violated).max(initial=0.0))
