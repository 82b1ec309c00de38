"""What effort brings in each slice, and sharing a total out in whole units within bounds."""

import numpy as np

from helpers.errors import ParameterError

OPEN = 2**52
"""A high bound that holds nothing back, in whole units."""

PIECES = 40
"""Chords that stand for a slice's curve."""


def fill_up(weights: np.ndarray, low: np.ndarray, high: np.ndarray, total: int) -> np.ndarray:
    """Share a total out in proportion to weights as far as the bounds let it."""
    if not len(weights):
        return weights
    scale = weights.max() if weights.max() > 0 else 1.0
    weights = np.maximum(weights / scale, 1e-12) if weights.max() > 0 else np.ones(len(weights))
    top = max(1.0, float(total))
    while np.clip(weights * top, low, high).sum() < total and top < 1e30:
        top *= 4.0
    bottom = 0.0
    for _ in range(200):
        middle = (bottom + top) / 2
        if np.clip(weights * middle, low, high).sum() < total:
            bottom = middle
        else:
            top = middle
    return np.clip(weights * top, low, high)


def round_exactly(parts: np.ndarray, low: np.ndarray, high: np.ndarray, total: int) -> np.ndarray:
    """Round to whole units that add up to the total, by the largest remainders, within the bounds."""
    whole = np.clip(np.floor(parts + 1e-6), low, high)
    left = total - int(whole.sum())
    step = 1 if left > 0 else -1
    while left:
        room = (high - whole if step > 0 else whole - low) >= 1
        order = np.argsort(-step * (parts - whole), kind="stable")
        chosen = [place for place in order if room[place]][: abs(left)]
        if not chosen:
            break
        whole[chosen] += step
        left -= step * len(chosen)
    return whole


class EffortCurves:
    """What effort brings in each slice: as history has it at the slice's part, less for every further unit.

    Revenue of a slice = its return × its effort by history × (effort ÷ effort by history) ** elasticity.

    Args:
        past: Each slice's part by history, in whole units.
        returns: Revenue per unit of effort there.
        scale: Whole units to one of the KPI.
        elasticity: See ``AllocationRules``.
        is_effort: Whether what is split is the effort itself, else revenue.
    """

    def __init__(self, past: np.ndarray, returns: np.ndarray, scale: int, elasticity: float, is_effort: bool) -> None:
        known = np.isfinite(returns) & (returns > 0)
        if not known.any():
            raise ParameterError(
                "[optimise] no slice has won anything that its effort could be held against. Split by history or by "
                "hand."
            )
        self.returns = np.where(known, returns, returns[known].min() * 1e-3)
        self.elasticity, self.is_effort, self.scale = elasticity, is_effort, scale
        self.base = np.where(past > 0, past, past[past > 0].min() if (past > 0).any() else 1.0)

    def effort(self, parts: np.ndarray) -> np.ndarray:
        """Return the effort that each slice's part takes."""
        if self.is_effort:
            return parts / self.scale
        usual = self.base / self.scale / self.returns
        return usual * (parts / self.base) ** (1 / self.elasticity)

    def revenue(self, parts: np.ndarray) -> np.ndarray:
        """Return the revenue that each slice's part brings."""
        if not self.is_effort:
            return parts / self.scale
        return self.returns * self.base / self.scale * (parts / self.base) ** self.elasticity

    def improve(
        self, parts: np.ndarray, low: np.ndarray, high: np.ndarray, total: int
    ) -> tuple[np.ndarray, dict[str, float]]:
        """Find the split that brings most for equal effort; the one given is kept where nothing beats it."""
        found = round_exactly(self._solve(low, high, total), low, high, total)
        best = min((parts, found), key=self._cost)
        before = float(self.revenue(parts).sum())
        if self.is_effort:
            after = float(self.revenue(best).sum())
        else:  # the effort saved, spent on every slice alike
            after = (
                before * float(self.effort(parts).sum() / self.effort(best).sum()) ** self.elasticity if total else 0.0
            )
        spent = float(self.effort(parts).sum())
        return best, {"before": before, "after": after, "spent": spent, "elasticity": self.elasticity}

    def _cost(self, parts: np.ndarray) -> float:
        return float(-self.revenue(parts).sum() if self.is_effort else self.effort(parts).sum())

    def _solve(self, low: np.ndarray, high: np.ndarray, total: int) -> np.ndarray:
        """Solve the linear programme of the curves' chords; they bend one way, so that pieces fill up in order."""
        from scipy.optimize import linprog

        high = np.minimum(high, float(total))
        widths = np.repeat((high - low) / PIECES, PIECES)
        knots = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, PIECES + 1)
        values = np.apply_along_axis(self.revenue if self.is_effort else self.effort, 0, knots)
        rises = np.diff(values, axis=1).ravel()
        cost = np.divide(rises, widths, out=np.zeros(len(rises)), where=widths > 0)
        cost = (-cost if self.is_effort else cost) / max(np.abs(cost).max(), 1e-12)
        size = max(float(total), 1.0)
        solved = linprog(
            cost, A_eq=np.ones((1, len(widths))), b_eq=[(total - low.sum()) / size],
            bounds=np.column_stack([np.zeros(len(widths)), widths / size]), method="highs",
        )  # fmt: skip
        if solved.x is None:
            return low
        return np.clip(low + solved.x.reshape(-1, PIECES).sum(axis=1) * size, low, high)
