"""Tests of how work is done: shares now against before, and steps on a certain day."""

from dataclasses import dataclass

import numpy as np

from helpers.engine.timeline import to_date

LEAST_RECORDS = 30
"""Fewer records than this on either side are not compared."""

STRONG = 0.01
"""p-value (adjusted for what was searched) from which a difference counts as evidence."""

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
        matters = abs(change) >= LEAST_CHANGE * max(self.before, 1 - self.before, 0.01) * 0.5
        return self.is_comparable and moved and matters and self.p_value <= STRONG


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
    best: tuple[float, tuple] | None = None
    tried = 0
    weeks = np.unique((days - days.min()) // 7) * 7 + days.min()
    candidates = {"all": (np.zeros(len(yes), dtype=np.int64), np.array(["all"], dtype="O")), **groups}
    for dimension, (codes, texts) in candidates.items():
        for code in np.unique(codes):
            inside = codes == code
            if inside.sum() < 2 * LEAST_RECORDS:
                continue
            tried += len(weeks)
            found = _split(yes[inside], days[inside], weeks, bad)
            if found is not None and (best is None or found[0] > best[0]):
                best = (found[0], (dimension, str(texts[code]), found[1], inside))
    if best is None:
        return None
    gain, (dimension, text, week, inside) = best
    p_value = min(float(erfc(np.sqrt(gain))) * tried, 1.0)
    start, after = _sharpen(yes[inside], days[inside], int(week))
    before = inside & (days < start)
    later = inside & (days >= start)
    return Break(
        dimension,
        text,
        to_date(start),
        float(yes[before].mean()),
        after,
        int(before.sum()),
        int(later.sum()),
        p_value,
        later,
    )


def _split(yes: np.ndarray, days: np.ndarray, weeks: np.ndarray, bad: str) -> tuple[float, int] | None:
    """Return the log-likelihood gained by the best split at the start of a week, and the week."""
    order = np.argsort(days, kind="stable")
    total = np.concatenate([[0.0], np.cumsum(yes[order])])
    place = np.searchsorted(days[order], weeks)
    n, k = len(yes), total[-1]
    usable = (place >= 20) & (n - place >= 20)
    if not usable.any():
        return None
    n_before, k_before = place[usable], total[place[usable]]
    n_after, k_after = n - n_before, k - k_before
    gain = _likelihood(k_before, n_before) + _likelihood(k_after, n_after) - _likelihood(np.array([k]), np.array([n]))
    worse = k_after / n_after < k_before / n_before
    worse = worse if bad == "down" else ~worse
    gain = np.where(worse, gain, 0.0)
    at = int(np.argmax(gain))
    return (float(gain[at]), int(weeks[usable][at])) if gain[at] > 0 else None


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
        if gain > best + 1e-9:
            best, at = gain, day
    return at, float(yes[days >= at].mean())


def _likelihood(k: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Return the binomial log-likelihood at its own share."""
    share = np.clip(k / np.maximum(n, 1), 1e-12, 1 - 1e-12)
    return k * np.log(share) + (n - k) * np.log(1 - share)
