"""Moving logarithms as little as possible under sums: Newton's steps, each one sparse factorisation.

What is to be least is quadratic in the logarithms of the unknowns, what has to hold is linear in the unknowns
themselves. At a point that obeys the sums the curvature of both together is the quadratic's minus its own slope on the
diagonal, so that every step is one sparse system that SciPy's SuperLU factorises; from an expectation that agrees with
itself some ten of them arrive. Where they don't, which takes slices that lie many powers of ten off their goals,
SciPy's trust-region method (``trust-constr``) goes the slow way: it keeps to the sums throughout.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.linalg import qr
from scipy.optimize import LinearConstraint, minimize
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import SuperLU, splu, spsolve

SETTLED = 1e-12
NEAREST_START = 0.05
INDEPENDENT = 1e-9
ROUNDS = 300

STEPS = 25
LAST_STEP = 1e-9
"""A step this short, in logarithms, is the last one: each is about as long as the square of the one before."""

HOLDS = 1e-11
LEAP = 2.0
LONGEST_STEP = 8.0
SHORTEST_PART = 1e-3
CONVEX = 1e-8
ROUNDING = 1e-13
GAIN = 1e-4
"""The part of the promised gain that a step has to bring, as usual in line searches."""


@dataclass(frozen=True)
class Sums:
    """Sums of unknowns, written so that what stands on either side of each is positive.

    Attributes:
        rows: One row per sum, with the sign of each unknown.
        right: What the known cells of each leave.
    """

    rows: sparse.csr_matrix
    right: np.ndarray

    def linearise(self, logs: np.ndarray) -> tuple[np.ndarray, sparse.csr_matrix]:
        """Tell how far each sum is off, as the logarithm of one side over the other, and its slope."""
        rows, count = self.rows, self.rows.shape[0]
        terms = rows.data * np.exp(np.clip(logs, -600, 600))[rows.indices]
        number = np.repeat(np.arange(count), np.diff(rows.indptr))
        above = np.bincount(number, np.maximum(terms, 0.0), count) + np.maximum(-self.right, 0.0)
        below = np.bincount(number, np.maximum(-terms, 0.0), count) + np.maximum(self.right, 0.0)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            off = np.log(above) - np.log(below)
            slope = np.where(terms > 0, terms / above[number], terms / below[number])
        return off, sparse.csr_matrix((slope, rows.indices, rows.indptr), shape=rows.shape)


@dataclass(frozen=True)
class Place:
    """Where the way has led to.

    Attributes:
        moved: Logarithms above where it began.
        off: How far each sum is off.
        slope: The slope of that.
    """

    moved: np.ndarray
    off: np.ndarray
    slope: sparse.csr_matrix

    @classmethod
    def at(cls, sums: Sums, begin: np.ndarray, moved: np.ndarray) -> "Place":
        """Look around at a place."""
        return cls(moved, *sums.linearise(begin + moved))


@dataclass(frozen=True)
class Step:
    """A step of Newton's.

    Attributes:
        way: Where it leads, in logarithms.
        price: The highest price of a sum.
        is_convex: Whether the model bends upwards along it.
        factors: Of its system.
    """

    way: np.ndarray
    price: float
    is_convex: bool
    factors: SuperLU

    @property
    def length(self) -> float:
        """The farthest that a single unknown moves."""
        return float(np.abs(self.way).max(initial=0.0))


def descend(
    quadratic: sparse.csr_matrix,
    linear: np.ndarray,
    rows: sparse.csr_matrix,
    right: np.ndarray,
    begin: np.ndarray,
    else_at: np.ndarray,
) -> np.ndarray:
    """Minimise a quadratic of logarithms under linear equations of the values, block by independent block.

    Args:
        quadratic: M of ½ηᵀMη + bᵀη, in the logarithms η of the unknowns; positive definite.
        linear: b.
        rows: A of A e^η = c.
        right: c.
        begin: Where to begin; blocks that are at rest there stay.
        else_at: Logarithms that obey the equations, or NaN; where to begin if ``begin`` lies too far off them.

    Returns:
        The logarithms; whether they obey the equations is for the caller to measure.

    Source:
        Nocedal and Wright 2006, Numerical Optimization, ch. 18: sequential quadratic programming with an exact penalty
        and a second-order correction.
    """
    pattern = (abs(quadratic) + abs(rows).T @ abs(rows)).tocsr()
    _, block = connected_components(pattern, directed=False)
    off = np.zeros(len(begin))
    np.maximum.at(off, block, np.abs(quadratic @ begin + linear))
    if rows.shape[0]:
        size = abs(rows) @ np.exp(begin)
        of_row = block[rows.indices[rows.indptr[:-1]]]
        np.maximum.at(off, of_row, np.abs(rows @ np.exp(begin) - right) / size)
    found = begin.copy()
    active = off > SETTLED
    moving = np.flatnonzero(active[block])
    if not len(moving):
        return found
    inner = quadratic[moving][:, moving]
    chosen = np.flatnonzero(active[of_row]) if rows.shape[0] else np.empty(0, dtype=np.int64)
    if not len(chosen):
        found[moving] = spsolve(inner.tocsc(), -linear[moving])
        return found
    task = inner, linear[moving], rows[chosen][:, moving].tocsr(), right[chosen], begin[moving]
    arrived = walk(*task)
    found[moving] = creep(*task, else_at[moving]) if arrived is None else arrived
    return found


def walk(
    quadratic: sparse.csr_matrix, linear: np.ndarray, rows: sparse.csr_matrix, right: np.ndarray, begin: np.ndarray
) -> np.ndarray | None:
    """Go Newton's steps; None where they don't arrive. Arguments as of ``descend``."""
    scaled = (rows @ sparse.diags_array(np.exp(begin))).tocsr()
    size = abs(scaled).max(axis=1).toarray().ravel()
    if not (np.isfinite(size).all() and (size > 0).all()):
        return None
    kept = _choose_independent((sparse.diags_array(1.0 / size) @ scaled).tocsr())
    sums, base = Sums(rows[kept], right[kept]), quadratic @ begin + linear
    here, penalty = Place.at(sums, begin, np.zeros(len(begin))), 0.0
    for _ in range(STEPS):
        if not np.isfinite(here.off).all():
            return None
        pull = quadratic @ here.moved + base
        # First as the curvature is, then without what of it bends downwards: that step is never a leap.
        for bent in (pull, np.minimum(pull, 0.0)):
            step = _find_step(quadratic, bent, pull, here)
            if step is None:
                continue
            if step.length < LAST_STEP and np.abs(here.off).max(initial=0.0) < HOLDS:
                return begin + here.moved + step.way
            is_safe = bent is not pull
            if not is_safe and (step.length > LEAP or not step.is_convex):
                continue
            raised = max(penalty, 1.5 * step.price)

            def judge(place: Place, raised: float = raised) -> float:
                z = place.moved
                return float(0.5 * z @ (quadratic @ z) + base @ z + raised * np.abs(place.off).sum())

            gain = float(pull @ step.way) - raised * np.abs(here.off).sum()
            there = _go(step, gain, here, sums, begin, judge, least=SHORTEST_PART if is_safe else 1.0)
            if there is not None:
                break
        else:
            return None
        here, penalty = there, raised
    return None


def _go(
    step: "Step",
    gain: float,
    here: "Place",
    sums: Sums,
    begin: np.ndarray,
    judge: Callable[["Place"], float],
    *,
    least: float,
) -> "Place | None":
    """Go as much of a step as brings what it promises; None where less than the least part of it would."""
    now = judge(here)
    part = min(1.0, LONGEST_STEP / step.length)
    least = min(least, part)
    while part >= least:
        enough = now + GAIN * part * gain + ROUNDING * abs(now)
        there = Place.at(sums, begin, here.moved + part * step.way)
        if judge(there) <= enough:
            return there
        # The sums bend away under a long step: it is brought back onto them before it is given up.
        back = step.factors.solve(np.concatenate([np.zeros(len(begin)), -there.off]))[: len(begin)]
        there = Place.at(sums, begin, there.moved + back)
        if judge(there) <= enough:
            return there
        part /= 2
    return None


def _find_step(quadratic: sparse.csr_matrix, bent: np.ndarray, pull: np.ndarray, here: "Place") -> "Step | None":
    """Find the step to the least of the quadratic model; None where it has none."""
    curved = quadratic - sparse.diags_array(bent)
    try:
        factors = splu(sparse.block_array([[curved, here.slope.T], [here.slope, None]]).tocsc())
    except RuntimeError:  # exactly singular
        return None
    found = factors.solve(np.concatenate([-pull, -here.off]))
    if not np.isfinite(found).all():
        return None
    way, prices = np.split(found, [len(pull)])
    is_convex = way @ (curved @ way) >= CONVEX * (way @ (quadratic.diagonal() * way))
    return Step(way, float(np.abs(prices).max(initial=0.0)), bool(is_convex), factors)


def creep(
    quadratic: sparse.csr_matrix,
    linear: np.ndarray,
    rows: sparse.csr_matrix,
    right: np.ndarray,
    begin: np.ndarray,
    else_at: np.ndarray,
) -> np.ndarray:
    """Go the slow way, by SciPy's trust-region method on the values themselves."""
    scale = begin
    near = _project(rows @ sparse.diags_array(np.exp(scale)), right)
    if near.min() < NEAREST_START and np.isfinite(else_at).any():
        scale = np.where(np.isfinite(else_at), else_at, begin)
        near = _project(rows @ sparse.diags_array(np.exp(scale)), right)
    scaled = rows @ sparse.diags_array(np.exp(scale))
    size = abs(scaled).max(axis=1).toarray().ravel()
    scaled = (sparse.diags_array(1.0 / size) @ scaled).tocsr()
    kept = _choose_independent(scaled)
    scaled, target = scaled[kept], (right / size)[kept]
    base = quadratic @ scale + linear

    def value(t: np.ndarray) -> float:
        if t.min() <= 0:
            return np.inf
        z = np.log(t)
        return float(0.5 * z @ (quadratic @ z) + base @ z)

    def slope(t: np.ndarray) -> np.ndarray:
        return (quadratic @ np.log(np.maximum(t, 1e-300)) + base) / t

    def bend(t: np.ndarray) -> sparse.csr_matrix:
        inverse = sparse.diags_array(1.0 / t)
        return (inverse @ quadratic @ inverse - sparse.diags_array(slope(t) / t)).tocsr()

    found = minimize(
        value,
        np.maximum(near, NEAREST_START),
        jac=slope,
        hess=bend,
        method="trust-constr",
        constraints=[LinearConstraint(scaled, target, target)],
        options={"maxiter": ROUNDS, "gtol": 1e-10, "xtol": 1e-13},
    )
    return scale + np.log(np.maximum(found.x, 1e-300))


def _project(rows: sparse.csr_matrix, right: np.ndarray) -> np.ndarray:
    """Take the shortest way from all ones onto the equations."""
    ones = np.ones(rows.shape[1])
    kept = _choose_independent(rows)
    few, gap = rows[kept], right[kept] - (rows @ ones)[kept]
    return ones + few.T @ np.atleast_1d(spsolve((few @ few.T).tocsc(), gap))


def _choose_independent(rows: sparse.csr_matrix) -> np.ndarray:
    """Choose equations none of which follows from the others: marginals of two dimensions repeat their total."""
    _, block = connected_components((abs(rows) @ abs(rows).T).tocsr(), directed=False)
    kept = []
    for name in range(block.max(initial=-1) + 1):
        members = np.flatnonzero(block == name)
        if len(members) > 1:
            dense = rows[members].toarray()
            dense = dense[:, np.abs(dense).max(axis=0) > 0]
            dense /= np.linalg.norm(dense, axis=1, keepdims=True)
            triangle, order = qr(dense.T, mode="r", pivoting=True)[0:2]
            strength = np.abs(np.diagonal(triangle))
            members = members[order[: int((strength > INDEPENDENT * strength[0]).sum())]]
        kept.append(members)
    return np.sort(np.concatenate(kept))
