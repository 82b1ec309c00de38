"""Tests of how work is done: shares now against before, and steps on a certain day."""

from dataclasses import dataclass

import numpy as np

from helpers.engine.timeline import to_date

LEAST_RECORDS = 30
"""Fewer records than this on either side are not compared."""

STRONG = 0.01
"""p-value (adjusted for what was searched) from which a difference counts as evidence."""

LEAST_AROUND = 20
"""Records on either side of a step."""

LEAST_CHANGE = 0.15
"""Relative change from which a difference matters."""


@dataclass(frozen=True)
class ShareTest:
    """Hold the comparison of a share now and before."""

    now: float
    before: float
    n_now: int
    n_before: int
    p_value: float

    @property
    def is_comparable(self) -> bool:
        """Whether both sides have enough records."""
        return min(self.n_now, self.n_before) >= LEAST_RECORDS

    def is_worse(self, *, bad: str) -> bool:
        """Tell whether the share moved in the bad direction (``up`` or ``down``), clearly and by enough to matter."""
        change = self.now - self.before
        moved = change > 0 if bad == "up" else change < 0
        return self.is_comparable and moved and matters(change, self.before) and self.p_value <= STRONG


def matters(change: float, before: float, least: float = LEAST_CHANGE) -> bool:
    """Tell whether a share changed by enough to matter, whichever of its two sides is told.

    >>> matters(0.10, 0.05), matters(0.02, 0.5)
    (True, False)
    """
    return bool(abs(change) >= least * max(before, 1 - before, 0.01) * 0.5)


def measure_swing(k: np.ndarray, n: np.ndarray) -> float:
    """Measure how much shares swing around their mean beyond chance: Pearson's dispersion, at least 1.

    Args:
        k: Records with yes per stretch of time.
        n: All records per stretch of time; empty ones are left out.

    >>> measure_swing(np.array([10.0, 10, 10]), np.array([100.0, 100, 100]))
    1.0
    """
    filled = n > 0
    mean = k[filled].sum() / max(n[filled].sum(), 1)
    if filled.sum() < 3 or not 0 < mean < 1:
        return 1.0
    spread = (k[filled] - mean * n[filled]) ** 2 / (mean * (1 - mean) * n[filled])
    return max(float(spread.sum() / (filled.sum() - 1)), 1.0)


def chance_of(k_now: float, n_now: float, k_before: np.ndarray, n_before: np.ndarray, *, swing: float = 1.0) -> float:
    """Return how likely a share differs so much from those of several earlier periods, in either direction.

    Args:
        k_now: Records with yes now.
        n_now: All records now.
        k_before: Records with yes per earlier period.
        n_before: All records per earlier period.
        swing: Dispersion known from shorter stretches of time; that of the periods counts where it is larger.

    Returns:
        The p-value of a pooled two-proportion test whose variance is widened by how much the earlier periods swing
        around their own mean beyond chance; 1 where one side is empty.

    >>> chance_of(50, 100, np.array([80.0]), np.array([100.0])) < 1e-4
    True
    """
    from scipy.special import erfc

    total, yes = n_before.sum(), k_before.sum()
    if not n_now or not total:
        return 1.0
    pooled = (k_now + yes) / (n_now + total)
    variance = pooled * (1 - pooled) * (1 / n_now + 1 / total)
    if variance <= 0:
        return 1.0
    swing = max(swing, measure_swing(k_before, n_before))
    return float(erfc(abs(k_now / n_now - yes / total) / np.sqrt(2 * variance * swing)))


def compare_shares(yes_now: np.ndarray, yes_before: np.ndarray) -> ShareTest:
    """Compare two shares.

    Args:
        yes_now: Whether, per record now.
        yes_before: Whether, per record before.

    Returns:
        Both shares, both numbers of records, and the two-sided p-value of a pooled two-proportion test (1 where
        one side is empty).

    >>> compare_shares(np.array([True] * 50 + [False] * 50), np.array([True] * 80 + [False] * 20)).p_value < 1e-4
    True
    """
    from scipy.special import erfc

    n_now, n_before = len(yes_now), len(yes_before)
    if not n_now or not n_before:
        return ShareTest(float("nan"), float("nan"), n_now, n_before, 1.0)
    now, before = float(yes_now.mean()), float(yes_before.mean())
    pooled = (yes_now.sum() + yes_before.sum()) / (n_now + n_before)
    variance = pooled * (1 - pooled) * (1 / n_now + 1 / n_before)
    p_value = float(erfc(abs(now - before) / np.sqrt(2 * variance))) if variance > 0 else 1.0
    return ShareTest(now, before, n_now, n_before, p_value)


def compare_ranks(one: np.ndarray, other: np.ndarray) -> float:
    """Return the two-sided p-value of the rank-sum test of Mann and Whitney (1947), by its normal approximation.

    >>> compare_ranks(np.arange(50.0), np.arange(50.0))
    1.0
    """
    import pandas as pd
    from scipy.special import erfc

    n, m = len(one), len(other)
    ranks = pd.Series(np.concatenate([one, other])).rank().to_numpy()[:n].sum()
    z = (ranks - n * (n + m + 1) / 2) / np.sqrt(n * m * (n + m + 1) / 12)
    return float(erfc(abs(z) / np.sqrt(2)))


@dataclass(frozen=True)
class Break:
    """Hold a step in a share: where, from which day, from what to what, how sure."""

    dimension: str
    slice: str
    day: object
    before: float
    after: float
    n_before: int
    n_after: int
    p_value: float
    rows: np.ndarray


def find_break(
    yes: np.ndarray, days: np.ndarray, groups: dict[str, tuple[np.ndarray, np.ndarray]], *, bad: str = "down"
) -> Break | None:
    """Find the day and the slice in which a share fell (or rose) in one step.

    Every slice is split at the start of every week by the split that fits best; the strongest slice is told, its
    p-value adjusted for all slices and weeks tried.

    Args:
        yes: Whether, per record.
        days: Day number per record.
        groups: Partition → (code per record, texts of the codes); the whole is tried too.
        bad: ``down`` where a falling share is the fault, else ``up``.

    Returns:
        The step, or None where no slice shows one.
    """
    from scipy.special import erfc

    if len(yes) < 2 * LEAST_RECORDS:
        return None
    week = ((days - days.min()) // 7).astype(np.int64)
    starts = np.unique(week)
    place = np.searchsorted(starts, week)
    best: tuple[float, str, int, int] | None = None
    tried = 0
    candidates = {"all": (np.zeros(len(yes), dtype=np.int64), np.array(["all"], dtype="O")), **groups}
    for dimension, (codes, texts) in candidates.items():
        shape = (len(texts), len(starts))
        flat = codes * len(starts) + place
        n = np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape).astype(float)
        k = np.bincount(flat, weights=yes.astype(float), minlength=shape[0] * shape[1]).reshape(shape)
        large = n.sum(axis=1) >= 2 * LEAST_RECORDS
        tried += int(large.sum()) * len(starts)
        gain, at = _split(k, n, bad)
        gain = np.where(large, gain, 0.0)
        code = int(np.argmax(gain))
        if gain[code] > 0 and (best is None or gain[code] > best[0]):
            best = (float(gain[code]), dimension, code, int(starts[at[code]] * 7 + days.min()))
    if best is None:
        return None
    gain, dimension, code, first = best
    codes, texts = candidates[dimension]
    inside = codes == code
    p_value = min(float(erfc(np.sqrt(gain))) * tried, 1.0)
    start, after = _sharpen(yes[inside], days[inside], first)
    before, later = inside & (days < start), inside & (days >= start)
    return Break(
        dimension, str(texts[code]), to_date(start), float(yes[before].mean()), after, int(before.sum()),
        int(later.sum()), p_value, later,
    )  # fmt: skip


def _split(k: np.ndarray, n: np.ndarray, bad: str) -> tuple[np.ndarray, np.ndarray]:
    """Return per row the log-likelihood gained by its best split at the start of a week, and the place of that week.

    Args:
        k: Records with yes, groups × weeks.
        n: Records, likewise.
        bad: ``down`` where a falling share is the fault, else ``up``.
    """
    total, yes = n.sum(axis=1, keepdims=True), k.sum(axis=1, keepdims=True)
    n_before, k_before = np.cumsum(n, axis=1) - n, np.cumsum(k, axis=1) - k
    n_after, k_after = total - n_before, yes - k_before
    gain = _likelihood(k_before, n_before) + _likelihood(k_after, n_after) - _likelihood(yes, total)
    fell = k_after * np.maximum(n_before, 1) < k_before * np.maximum(n_after, 1)
    usable = (n_before >= LEAST_AROUND) & (n_after >= LEAST_AROUND) & (fell if bad == "down" else ~fell)
    gain = np.where(usable, gain, 0.0)
    return gain.max(axis=1), gain.argmax(axis=1)


def _sharpen(yes: np.ndarray, days: np.ndarray, week: int) -> tuple[int, float]:
    """Return the day within a fortnight around a week's start at which the split fits best, and the share after it."""
    best, at = -np.inf, week
    for day in range(week - 7, week + 8):
        before, after = days < day, days >= day
        if not before.any() or not after.any():
            continue
        gain = sum(
            float(_likelihood(np.array([yes[part].sum()]), np.array([part.sum()]))[0]) for part in (before, after)
        )
        if gain >= best - 1e-9:
            best, at = max(gain, best), day
    return at, float(yes[days >= at].mean())


def _likelihood(k: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Return the binomial log-likelihood at its own share."""
    share = np.clip(k / np.maximum(n, 1), 1e-12, 1 - 1e-12)
    return k * np.log(share) + (n - k) * np.log(1 - share)
