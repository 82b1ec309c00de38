"""The arithmetic of the goal matrix: move free cells as little as possible so that every product and sum holds.

Cells are solved as logarithms: a product becomes a sum, and a cell moves by a share of itself. The task is weighted
least squares under equality constraints, solved by Newton steps on the constraints; sums, which are curved in
logarithms, are held from above so that every step is a plain weighted projection.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.linalg import lu_factor, lu_solve
from scipy.sparse.linalg import splu

from helpers.analyses.goal_relations import Relations

EXACT = 1e-12
ACCEPTED = 1e-7
LONGEST_STEP = 2.5
SETTLED = 1e-9
PATIENCE = 15
DENSE_UP_TO = 120
DAMPING = 1e-10
FIRST_DAMPING = 1e-5
STIFFEST = 1e4
FEW_ATTEMPTS = 3
PROMISING = 1e-2
LONG_ROUNDS = 2000


@dataclass(frozen=True)
class Solution:
    """Where the cells ended.

    Attributes:
        values: One value per cell.
        is_feasible: Whether every equation holds.
        violated: Per equation (products first, then sums) how far it is off, in logarithms.
    """

    values: np.ndarray
    is_feasible: bool
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
    rounds: int = 150,
    attempts: int = 12,
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
        rounds: Newton steps at most.
        attempts: Starting points tried before the held cells count as contradictory.

    Returns:
        The solution; where it isn't feasible the values are the nearest found and mean nothing.
    """
    zero, clash = _spread_zeros(relations, prior, held, values)
    if clash:
        violated = np.full(len(relations.products) + len(relations.totals), np.nan)
        return Solution(np.where(held, values, prior), False, violated)
    wanted = np.where(held, values, np.where(prior > 0, prior, floor))
    start = np.log(np.where(zero, 1.0, wanted))
    task = _Task.build(relations, zero)
    found, violation = task.solve(start, variance, held | zero, rounds, attempts)
    feasible = bool(np.abs(violation).max(initial=0.0) <= ACCEPTED)
    if feasible and shares is not None:
        found, violation = _keep_shares(task, start, found, violation, variance, held | zero, shares, rounds)
    result = np.exp(np.clip(found, -700, 700))
    result[zero] = 0.0
    result[held] = values[held]
    return Solution(result, feasible, violation)


def measure_violation(relations: Relations, values: np.ndarray) -> float:
    """Tell how far the worst equation is off, in logarithms; infinite where only one side of it is nothing."""
    zero = values <= 0
    widened, clash = _follow_zeros(relations, zero, ~zero)
    if clash or (widened != zero).any():
        return float("inf")
    task = _Task.build(relations, zero)
    violation, _ = task._measure(np.log(np.where(zero, 1.0, values)))
    return float(np.abs(violation).max(initial=0.0))


def _keep_shares(
    task: "_Task",
    start: np.ndarray,
    found: np.ndarray,
    violation: np.ndarray,
    variance: np.ndarray,
    held: np.ndarray,
    shares: np.ndarray,
    rounds: int,
) -> tuple[np.ndarray, np.ndarray]:
    # Shares that pass 100 % are held there, as long as the others can take up what is left.
    capped = np.zeros(len(start), dtype=bool)
    for _ in range(6):
        over = shares & ~held & ~capped & (found > 1e-9)
        if not over.any():
            break
        trial = capped | over
        begin = np.where(trial, 0.0, start)
        retried, error = task.solve(begin, variance, held | trial, rounds, attempts=1)
        if np.abs(error).max(initial=0.0) > ACCEPTED:
            break
        capped, found, violation = trial, retried, error
    return found, violation


@dataclass(frozen=True)
class _Task:
    products: np.ndarray
    totals: np.ndarray
    flat: np.ndarray
    row: np.ndarray
    count: int

    @classmethod
    def build(cls, relations: Relations, zero: np.ndarray) -> "_Task":
        """Keep the equations that still say something once empty cells are taken out."""
        products = relations.products
        if len(products):
            products = products[~zero[products[:, [0, 2]]].all(axis=1) & ~zero[products[:, 1]]]
        kept = [
            (total, parts[~zero[parts]])
            for total, parts in zip(relations.totals, relations.parts, strict=True)
            if not zero[total]
        ]
        totals = np.array([total for total, _ in kept], dtype=np.int64)
        flat = np.concatenate([parts for _, parts in kept]) if kept else np.empty(0, dtype=np.int64)
        row = np.repeat(np.arange(len(kept)), [len(parts) for _, parts in kept])
        return cls(products, totals, flat, row, len(products) + len(kept))

    def solve(
        self, start: np.ndarray, variance: np.ndarray, held: np.ndarray, rounds: int, attempts: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Solve from the expectation; where that ends beside the equations, find a point on them and go on from it."""
        begin = self._follow(start, held)
        found, violation = self._approach(begin, start, variance, held, rounds)
        generator = np.random.default_rng(0)
        nearest, least = found, _worst(violation)
        for attempt in range(attempts):
            if least <= ACCEPTED:
                break
            last = attempt == attempts - 1 and attempts > FEW_ATTEMPTS and least <= PROMISING
            jitter = generator.normal(0.0, 0.25 * attempt, len(start)) * ~held
            near, error = self._land(
                nearest if last else begin + jitter, variance, held, LONG_ROUNDS if last else rounds
            )
            if _worst(error) < least:
                nearest, least, violation = near, _worst(error), error
            if least <= ACCEPTED:
                found, violation = self._approach(nearest, start, variance, held, rounds)
        if _worst(violation) > ACCEPTED and least <= ACCEPTED:
            return nearest, self._measure(nearest)[0]
        return (found, violation) if _worst(violation) <= ACCEPTED else (nearest, violation)

    def _follow(self, start: np.ndarray, held: np.ndarray) -> np.ndarray:
        """Begin at what the held cells already determine: the third cell of a product, the last part of a sum."""
        x, known = start.copy(), held.copy()
        signs = np.array([1.0, 1.0, -1.0])
        while True:
            before = int(known.sum())
            if len(self.products):
                for place in np.flatnonzero(known[self.products].sum(axis=1) == 2):
                    cells = self.products[place]
                    missing = int(np.flatnonzero(~known[cells])[0]) if not known[cells].all() else -1
                    if missing >= 0:
                        others = np.delete(np.arange(3), missing)
                        x[cells[missing]] = -signs[missing] * (signs[others] @ x[cells[others]])
                        known[cells[missing]] = True
            unknown = np.bincount(self.row, weights=~known[self.flat], minlength=len(self.totals))
            for place in np.flatnonzero((unknown + ~known[self.totals]) == 1) if len(self.totals) else ():
                parts = self.flat[self.row == place]
                last = parts[~known[parts]]
                rest = np.exp(x[parts[known[parts]]]).sum()
                if len(last) and np.exp(x[self.totals[place]]) > rest * (1 + 1e-9):
                    x[last] = np.log(np.exp(x[self.totals[place]]) - rest)
                    known[last] = True
                elif not len(last) and rest > 0:
                    x[self.totals[place]] = np.log(rest)
                    known[self.totals[place]] = True
            if int(known.sum()) == before:
                return x

    def _approach(
        self, begin: np.ndarray, start: np.ndarray, variance: np.ndarray, held: np.ndarray, rounds: int
    ) -> tuple[np.ndarray, np.ndarray]:
        free = np.flatnonzero(~held)
        column = np.full(len(start), -1, dtype=np.int64)
        column[free] = np.arange(len(free))
        x, weight = begin.copy(), 1.0 / variance[free]
        force = np.zeros(self.count)
        violation, share = self._measure(x)
        best, quiet = np.inf, 0
        for _ in range(rounds):
            jacobian = self._differentiate(share, column, len(free))
            stiff = weight + self._bend(force, share, len(start))[free]
            pull = weight * (x[free] - start[free])
            force = _push(jacobian, stiff, violation, pull)
            step = -(pull + jacobian.T @ force) / stiff
            longest = np.abs(step).max(initial=0.0)
            x[free] += step * min(1.0, LONGEST_STEP / longest) if longest else 0.0
            violation, share = self._measure(x)
            off = np.abs(violation).max(initial=0.0)
            if longest <= SETTLED:
                break
            quiet = 0 if off < best * 0.9 else quiet + 1
            best = min(best, off)
            if quiet >= PATIENCE and (off > ACCEPTED * 100 or longest <= SETTLED * 100):
                break
        return self._land(x, variance, held, rounds)

    def _land(
        self, x: np.ndarray, variance: np.ndarray, held: np.ndarray, rounds: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Take the shortest steps onto the equations themselves; where they bend too much, shorter ones (Levenberg)."""
        free = np.flatnonzero(~held)
        column = np.full(len(x), -1, dtype=np.int64)
        column[free] = np.arange(len(free))
        weight = 1.0 / variance[free]
        violation, share = self._measure(x)
        damping, off, slow = DAMPING, float(np.linalg.norm(violation)), 0
        for _ in range(rounds):
            if np.abs(violation).max(initial=0.0) <= EXACT or slow >= 4 * PATIENCE or damping > STIFFEST:
                break
            jacobian = self._differentiate(share, column, len(free))
            force = _push(jacobian, weight, violation, np.zeros(len(free)), damping=damping)
            step = -(jacobian.T @ force) / weight
            longest = np.abs(step).max(initial=0.0)
            trial = x.copy()
            trial[free] += step * (min(1.0, LONGEST_STEP / longest) if longest else 1.0)
            error, parts = self._measure(trial)
            left = float(np.linalg.norm(error))
            if left < off:
                slow = slow + 1 if left > 0.995 * off else 0
                x, violation, share, off = trial, error, parts, left
                damping = max(damping / 10, DAMPING)
            else:
                damping = max(damping * 10, FIRST_DAMPING)
        return x, violation

    def _bend(self, force: np.ndarray, share: np.ndarray, size: int) -> np.ndarray:
        bend = np.zeros(size)
        curved = np.maximum(force[len(self.products) :], 0.0)
        np.add.at(bend, self.flat, curved[self.row] * share)
        return bend

    def _measure(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        linear = x[self.products[:, 0]] + x[self.products[:, 1]] - x[self.products[:, 2]]
        if not len(self.totals):
            return linear, np.empty(0)
        logs = x[self.flat]
        top = np.full(len(self.totals), -np.inf)
        np.maximum.at(top, self.row, logs)
        top = np.where(np.isfinite(top), top, 0.0)
        lifted = np.exp(logs - top[self.row])
        total = np.bincount(self.row, weights=lifted, minlength=len(self.totals))
        with np.errstate(divide="ignore"):
            curved = np.log(total) + top - x[self.totals]
        return np.concatenate([linear, np.clip(curved, -700, 700)]), lifted / total[self.row]

    def _differentiate(self, share: np.ndarray, column: np.ndarray, width: int) -> sparse.csr_matrix:
        p, s = len(self.products), len(self.totals)
        rows = np.concatenate([np.repeat(np.arange(p), 3), p + self.row, p + np.arange(s)])
        columns = column[np.concatenate([self.products.ravel(), self.flat, self.totals])]
        entries = np.concatenate([np.tile([1.0, 1.0, -1.0], p), share, np.full(s, -1.0)])
        kept = columns >= 0
        return sparse.csr_matrix((entries[kept], (rows[kept], columns[kept])), shape=(self.count, width))


def _worst(violation: np.ndarray) -> float:
    return float(np.abs(violation).max(initial=0.0))


def _push(
    jacobian: sparse.csr_matrix,
    stiff: np.ndarray,
    violation: np.ndarray,
    pull: np.ndarray,
    *,
    damping: float = DAMPING,
) -> np.ndarray:
    spread = jacobian.multiply(1.0 / stiff[None, :]).tocsr()
    return _solve_symmetric((spread @ jacobian.T).tocsc(), violation - spread @ pull, damping)


def _solve_symmetric(matrix: sparse.csc_matrix, target: np.ndarray, damping: float) -> np.ndarray:
    # Equations may repeat one another (marginals of two dimensions share their total) and contradict one another until
    # the end is reached: a hair of damping keeps the system solvable, in the sense of least squares.
    size = matrix.shape[0]
    if size == 0:
        return target
    diagonal = matrix.diagonal()
    scale = np.where(diagonal > 0, 1.0 / np.sqrt(np.maximum(diagonal, 1e-300)), 0.0)
    scaled = sparse.diags_array(scale) @ matrix @ sparse.diags_array(scale)
    damped = (scaled + damping * sparse.identity(size)).tocsc()
    if size <= DENSE_UP_TO:
        factors = lu_factor(damped.toarray())

        def divide(right: np.ndarray) -> np.ndarray:
            return lu_solve(factors, right)
    else:
        options = {"SymmetricMode": True}
        divide = splu(damped, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options).solve
    right = scale * target
    return scale * divide(right)


def _spread_zeros(
    relations: Relations, prior: np.ndarray, held: np.ndarray, values: np.ndarray
) -> tuple[np.ndarray, bool]:
    """Follow held zeros, and where that meets no contradiction expected zeros too, through the equations."""
    hard = held & (values == 0)
    nonzero = held & (values > 0)
    zero, clash = _follow_zeros(relations, hard, nonzero)
    if clash:
        return zero, True
    soft = hard | (~held & (prior <= 0))
    if soft.any():
        wider, fails = _follow_zeros(relations, soft, nonzero)
        if not fails:
            return wider, False
    return zero, False


def _follow_zeros(relations: Relations, zero: np.ndarray, nonzero: np.ndarray) -> tuple[np.ndarray, bool]:
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
