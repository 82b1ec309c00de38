"""In which range a number should lie: chance, the expectation's own uncertainty, and everyday movement together."""

from dataclasses import dataclass, field

import numpy as np

from helpers.analyses.leaves import GapLeaves
from helpers.analyses.period_leaves import count_values
from helpers.analyses.season_model import SeasonModel
from helpers.model.goal import load_goal_rules

LEAST_PERIODS = 4
"""With fewer earlier periods, everyday movement is what is usual for such KPIs."""

LEAST_DRIFT = 0.02
LEAST_COUNT = 5.0


@dataclass(frozen=True)
class Drift:
    """Hold how far numbers usually move from one period to the next beyond chance, on the relative scale.

    Attributes:
        known: (effect, step, dimension) → standard deviation.
        usual: Effect → what is usual where history is short.
    """

    known: dict[tuple[str, str, str], float] = field(default_factory=dict)
    usual: dict[str, float] = field(default_factory=dict)

    def of(self, effect: str, step: str, dimension: str) -> float:
        """Return the drift of a cut: the larger one of its own and the company's."""
        found = [self.known[key] for key in ((effect, step, dimension), (effect, step, "all")) if key in self.known]
        return max([*found, LEAST_DRIFT]) if found else self.usual.get(effect, LEAST_DRIFT)


def measure_drift(read: list, leaves: GapLeaves, per_year: int, model: SeasonModel | None = None) -> Drift:
    """Measure everyday movement from how far each earlier period lay from those before it.

    Args:
        read: Earlier periods as read by ``period_leaves.read_periods``.
        leaves: The leaf table in question.
        per_year: Periods a year.
        model: Trend and season of volumes, where history is long enough to know them.

    Returns:
        The spread beyond chance (method of moments), pooled over the values of each dimension: of volumes around trend
        and season where they are known, else of one-step-ahead errors, as of rates.
    """
    variability = load_goal_rules().variability
    usual = {"volume": variability.volume / 2, "rate": variability.conversion / 2, "value": variability.money / 2}
    known: dict[tuple[str, str, str], float] = {}
    if len(read) < LEAST_PERIODS:
        return Drift(known, usual)
    for dimension in ("", *leaves.dimensions):
        name = dimension or "all"
        counts = {step: count_values(read, dimension, step) for step in leaves.steps}
        first = counts[leaves.steps[0]][1]
        drift = _volume_drift(first, per_year) if model is None else model.find_drift(first, LEAST_COUNT)
        known["volume", leaves.steps[0], name] = drift
        for before, step in zip(leaves.steps[:-1], leaves.steps[1:], strict=True):
            entered, got = (counts[one] for one in (before, step))
            if entered[0] == got[0]:
                known["rate", step, name] = _rate_drift(entered[1], got[1], per_year)
    return Drift({key: value for key, value in known.items() if np.isfinite(value)}, usual)


def _latest(count: int, per_year: int, first: int) -> range:
    """Return the periods of the last year, since what an export begins with has hardly begun itself."""
    return range(max(first, count - max(per_year, LEAST_PERIODS)), count)


def _volume_drift(counts: np.ndarray, per_year: int) -> float:
    """Return the drift of counts around the mean of the year before each."""
    excess = weight = 0.0
    for at in _latest(counts.shape[1], per_year, 2):
        past = counts[:, max(at - per_year, 0) : at]
        mean = past.mean(axis=1)
        large = mean >= LEAST_COUNT
        chance = mean * (1 + 1 / past.shape[1])
        excess += float((((counts[:, at] - mean) ** 2 - chance)[large]).sum())
        weight += float((mean[large] ** 2).sum())
    return float(np.sqrt(max(excess, 0.0) / weight)) if weight else np.nan


def _rate_drift(entered: np.ndarray, got: np.ndarray, per_year: int) -> float:
    """Return the drift of rates around those of the year before each."""
    excess = weight = 0.0
    for at in _latest(entered.shape[1], per_year, 1):
        n, past = entered[:, at], entered[:, max(at - per_year, 0) : at].sum(axis=1)
        rate = np.divide(got[:, max(at - per_year, 0) : at].sum(axis=1), past, out=np.zeros_like(past), where=past > 0)
        large = (n * rate >= LEAST_COUNT) & (past > 0)
        if not large.any():
            continue
        n, past, rate, now = n[large], past[large], rate[large], got[large, at]
        chance = n * rate * np.maximum(1 - rate, 0) * (1 + n / past)
        excess += float(((now - n * rate) ** 2 - chance).sum())
        weight += float(((n * rate) ** 2).sum())
    return float(np.sqrt(max(excess, 0.0) / weight)) if weight else np.nan


def judge_counts(
    actual: np.ndarray, expected: np.ndarray, own: np.ndarray, drift: float, confidence: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the range of a count and how surprising the actual one is (negative binomial, mid-p).

    Args:
        actual: What was counted.
        expected: What was expected.
        own: Variance of the expectation itself.
        drift: Everyday movement, relative.
        confidence: Of the range.

    >>> low, high, p = judge_counts(np.array([100.0]), np.array([100.0]), np.zeros(1), 0.0, 0.9)
    >>> float(low[0]), float(high[0])
    (84.0, 117.0)
    """
    from scipy.special import betainc

    mean = np.maximum(np.asarray(expected, float), 1e-6)
    beyond = np.maximum(own + (drift * mean) ** 2, 1e-6 * mean)
    shape = np.minimum(mean**2 / beyond, 1e9)
    chance = shape / (shape + mean)

    def below(k: np.ndarray) -> np.ndarray:
        return np.where(k < 0, 0.0, betainc(shape, np.maximum(k, 0) + 1, chance))

    tail = (1 - confidence) / 2
    low, high = (_search(below, share, mean) for share in (tail, 1 - tail))
    k = np.floor(actual)
    middle = (below(k) + below(k - 1)) / 2
    return low, high, np.clip(2 * np.minimum(middle, 1 - middle), 0.0, 1.0)


def _search(below, share: float, mean: np.ndarray) -> np.ndarray:
    """Return the smallest whole number up to which at least a share of chances lies."""
    low, high = np.full(len(mean), -1.0), 20 * mean + 100
    while (high - low).max(initial=0) > 1:
        middle = np.floor((low + high) / 2)
        is_enough = below(middle) >= share
        is_open = high - low > 1
        high = np.where(is_open & is_enough, middle, high)
        low = np.where(is_open & ~is_enough, middle, low)
        low, high = np.floor(low), np.ceil(high)
    return high


def judge_rates(
    got: np.ndarray, n: np.ndarray, expected: np.ndarray, own: np.ndarray, drift: float, confidence: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the range of a rate of n records and how surprising the actual one is (beta of the whole variance).

    Args:
        got: How many succeeded.
        n: Of how many.
        expected: The rate expected.
        own: Variance of the expectation itself.
        drift: Everyday movement, relative.
        confidence: Of the range.
    """
    from scipy.special import betainc, betaincinv

    rate = np.clip(expected, 1e-6, 1 - 1e-6)
    rest = rate * (1 - rate)
    size = np.maximum(n, 1.0)
    variance = np.minimum(rest / size + own + (drift * rate * np.minimum(1, 2 * (1 - rate))) ** 2, 0.95 * rest)
    strength = rest / variance - 1
    a, b = rate * strength, (1 - rate) * strength
    tail = (1 - confidence) / 2
    low, high = betaincinv(a, b, tail), betaincinv(a, b, 1 - tail)
    upper, lower = (betainc(a, b, np.clip((got + half) / size, 0, 1)) for half in (0.5, -0.5))
    middle = (upper + lower) / 2
    return low, high, np.clip(2 * np.minimum(middle, 1 - middle), 0.0, 1.0)


def judge_sizes(
    actual: np.ndarray, expected: np.ndarray, variance: np.ndarray, drift: float, confidence: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the range of an average amount and how surprising the actual one is (log-normal).

    Args:
        actual: The average.
        expected: The one expected.
        variance: Relative variance of both, by how amounts vary.
        drift: Everyday movement, relative.
        confidence: Of the range.
    """
    from scipy.special import ndtr, ndtri

    error = np.sqrt(np.log1p(variance + drift**2))
    z = float(ndtri(0.5 + confidence / 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.abs(np.log(actual / expected)) / error
    p = np.where(np.isfinite(score), 2 * ndtr(-score), np.nan)
    return expected * np.exp(-z * error), expected * np.exp(z * error), p
