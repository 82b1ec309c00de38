"""A log-linear model of counts over periods: a trend and one level per season, so that neither passes for the other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from helpers.periods import Period


@dataclass(frozen=True)
class SeasonModel:
    """Hold the design of the regression and what is asked of it.

    Attributes:
        design: One row per earlier period: its place in time, then one column per season.
        asked: The season of the period in question, its place in time left out.
        summed: Likewise, one row per period that the expectation adds up.
        ahead: How far the period in question lies from the middle of those, in the design's time.
    """

    design: np.ndarray
    asked: np.ndarray
    summed: np.ndarray
    ahead: float

    @classmethod
    def build(cls, earlier: Sequence[Period], period: Period, expected: Sequence[Period]) -> "SeasonModel":
        """Lay out a trend and one level per season.

        Args:
            earlier: All earlier periods, oldest first, without a hole.
            period: The period in question, the one after them.
            expected: Those of them that the expectation adds up.
        """
        seasons = sorted({one.start.month for one in earlier})

        def rows(periods: Sequence[Period], trend: np.ndarray) -> np.ndarray:
            dummies = [[float(one.start.month == month) for month in seasons] for one in periods]
            return np.column_stack([trend, np.array(dummies)])

        time = np.linspace(-0.5, 0.5, len(earlier))
        step = float(time[1] - time[0]) if len(time) > 1 else 1.0
        places = [place for place, one in enumerate(earlier) if one in expected]
        middle = float(time[places].mean()) if places else float(time.mean())
        flat = np.zeros(len(expected))
        return cls(rows(earlier, time), rows([period], np.zeros(1))[0], rows(expected, flat), 0.5 + step - middle)

    @property
    def freedom(self) -> int:
        """Periods beyond what is fitted."""
        return len(self.design) - self.design.shape[1]

    def find_season(self, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the season's log factor, its variance at Poisson spread, and the dispersion, per row of counts."""
        beta, mean, information = self._fit(counts)
        levels = np.exp(np.clip(beta @ self.summed.T, -20, 30))
        weight = levels / levels.sum(axis=1, keepdims=True)
        factor = beta @ self.asked - np.log(levels.mean(axis=1))
        gradient = self.asked - weight @ self.summed
        variance = np.einsum("vp,vpq,vq->v", gradient, np.linalg.inv(information), gradient)
        return factor, variance, self._disperse(counts, mean)

    def find_growth(self, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return by what factor the trend carries each row of counts on, and the relative error of that.

        The trend is drawn to none as far as it can't be told from chance.

        Source:
            Positive-part James–Stein weight 1 − 1/t² on the trend of a quasi-Poisson regression.
        """
        beta, mean, information = self._fit(counts)
        spread = np.maximum(self._disperse(counts, mean), 1.0)
        error = np.sqrt(np.linalg.inv(information)[:, 0, 0] * spread)
        weight = np.maximum(1 - (error / np.maximum(np.abs(beta[:, 0]), 1e-9)) ** 2, 0.0)
        return np.exp(np.clip(weight * beta[:, 0] * self.ahead, -1.0, 1.0)), weight * error * self.ahead

    def find_drift(self, counts: np.ndarray, least: float) -> float:
        """Return how far counts move around trend and season beyond chance, relative, pooled over rows."""
        large = counts.mean(axis=1) >= least
        if not large.any() or self.freedom < 1:
            return float("nan")
        _, mean, _ = self._fit(counts[large])
        scale = len(self.design) / self.freedom
        excess = float((((counts[large] - mean) ** 2) * scale - mean).sum())
        return float(np.sqrt(max(excess, 0.0) / float((mean**2).sum())))

    def _disperse(self, counts: np.ndarray, mean: np.ndarray) -> np.ndarray:
        return ((counts - mean) ** 2 / np.maximum(mean, 1e-9)).sum(axis=1) / max(self.freedom, 1)

    def _fit(self, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Fit every row of counts by iterated weighted least squares; return coefficients, means and information."""
        x = self.design
        log_mean = np.log(counts + 0.5)
        for _ in range(12):
            mean = np.exp(np.clip(log_mean, -20, 30))
            working = log_mean + (counts - mean) / mean
            information = np.einsum("tp,vt,tq->vpq", x, mean, x) + 1e-9 * np.eye(x.shape[1])
            beta = np.linalg.solve(information, np.einsum("tp,vt->vp", x, mean * working)[..., None])[..., 0]
            log_mean = np.clip(beta @ x.T, -20, 30)
        return beta, np.exp(log_mean), information
