"""Cumulative incidence of one outcome where another may come first and some records are still under way.

Counts per day replace lists of records, so that a curve costs the same whether ten or ten million records are behind
it. Records that are still under way are censored on the last day that counts; they are in the running until then and
never counted as failures.
"""

from dataclasses import dataclass

import numpy as np

CENSORED, EVENT, RIVAL = 0, 1, 2
"""How a record's time ended: still under way, with the outcome looked at, or with the one that rules it out."""


@dataclass(frozen=True)
class Counts:
    """How many records were in the running on each day, and how their time ended; arrays of groups × days.

    Attributes:
        days: The days on which anything ended, ascending.
        at_risk: Records in the running just before the end of that day.
        events: Records that met the outcome on that day.
        rivals: Records that met the other outcome on that day.
    """

    days: np.ndarray
    at_risk: np.ndarray
    events: np.ndarray
    rivals: np.ndarray


@dataclass(frozen=True)
class Incidence:
    """Cumulative incidence of one group, one element per day of its counts.

    Attributes:
        days: The days.
        share: Share of records that had met the outcome by the end of that day.
        rival_share: Share that had met the other outcome.
        low, high: Pointwise interval of ``share``; NaN where nothing has happened yet.
        at_risk: Records in the running just before the end of that day.
        error: Standard error of ``share``.
    """

    days: np.ndarray
    share: np.ndarray
    rival_share: np.ndarray
    low: np.ndarray
    high: np.ndarray
    at_risk: np.ndarray
    error: np.ndarray


def count_endings(days: np.ndarray, ending: np.ndarray, group: np.ndarray | None = None, n_groups: int = 1) -> Counts:
    """Count how the time of records ended.

    Args:
        days: How many days each record was in the running, 0 or more.
        ending: ``CENSORED``, ``EVENT`` or ``RIVAL`` for each record.
        group: Group of each record, 0 … n_groups − 1; None puts all into one.
        n_groups: How many groups.
    """
    days = np.asarray(days, np.int64)
    group = np.zeros(len(days), np.int64) if group is None else np.asarray(group, np.int64)
    distinct, place = np.unique(days, return_inverse=True)
    width = len(distinct)
    counted = np.bincount((group * width + place) * 3 + ending, minlength=n_groups * width * 3)
    counted = counted.reshape(n_groups, width, 3).astype(float)
    leaving = counted.sum(axis=2)
    at_risk = np.cumsum(leaving[:, ::-1], axis=1)[:, ::-1]
    return Counts(distinct, at_risk, counted[:, :, EVENT], counted[:, :, RIVAL])


def measure_incidence(counts: Counts, group: int = 0, *, confidence: float = 0.95) -> Incidence:
    """Measure the cumulative incidence of a group (Aalen–Johansen), with pointwise intervals.

    Args:
        counts: As counted by ``count_endings``.
        group: Which group.
        confidence: Of the intervals.

    Source:
        Aalen and Johansen (1978); variance of Aalen (1978) as SAS/STAT LIFETEST and R's cmprsk give it; log-log
        interval (Kalbfleisch and Prentice), which stays within 0 and 1.

    >>> counts = count_endings(np.array([1, 2, 2, 3]), np.array([EVENT, RIVAL, CENSORED, EVENT]))
    >>> [round(float(share), 3) for share in measure_incidence(counts).share]
    [0.25, 0.25, 0.75]
    """
    at_risk, events, rivals = counts.at_risk[group], counts.events[group], counts.rivals[group]
    before, _ = _remaining(at_risk, events + rivals)
    share = np.cumsum(_divide(before * events, at_risk))
    rival_share = np.cumsum(_divide(before * rivals, at_risk))
    error = np.sqrt(np.maximum(_variance(at_risk, events, rivals, before, share), 0))
    low, high = _log_log(share, error, confidence)
    return Incidence(counts.days, share, rival_share, low, high, at_risk, error)


def _divide(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.zeros(np.broadcast(above, below).shape), where=below > 0)


def _remaining(at_risk: np.ndarray, ended: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the share still in the running just before and just after each day."""
    after = np.cumprod(1 - _divide(ended, at_risk), axis=-1)
    before = np.concatenate([np.ones((*after.shape[:-1], 1)), after[..., :-1]], axis=-1)
    return before, after


def _variance(
    at_risk: np.ndarray, events: np.ndarray, rivals: np.ndarray, before: np.ndarray, share: np.ndarray
) -> np.ndarray:
    """Return Aalen's variance on every day: a quadratic in the share of that day, whose coefficients add up."""
    ended = events + rivals
    rest, fewer = at_risk - ended, at_risk - 1
    pull = _divide(ended, fewer * rest)
    jump = _divide(before**2 * events * (at_risk - events), at_risk**2 * fewer)
    both = _divide(before * events * (at_risk - events), at_risk * rest * fewer)
    squared = share**2 * np.cumsum(pull) - 2 * share * np.cumsum(pull * share) + np.cumsum(pull * share**2)
    return squared + np.cumsum(jump) - 2 * (share * np.cumsum(both) - np.cumsum(both * share))


def _log_log(share: np.ndarray, error: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    from scipy.special import ndtri

    z = ndtri(0.5 + confidence / 2)
    inside = (share > 0) & (share < 1) & (error > 0)
    width = np.where(inside, z * error / np.where(inside, share * np.log(np.where(inside, share, 0.5)), 1), np.nan)
    width = np.clip(width, -50, 50)
    return share ** np.exp(-width), share ** np.exp(width)


def compare_incidences(counts: Counts) -> tuple[float, int, float]:
    """Test whether groups have the same cumulative incidence (Gray's test).

    Args:
        counts: Of two groups or more.

    Returns:
        Statistic (chi-square), degrees of freedom, and p-value; NaN where groups or events are too few.

    Source: Gray (1988), A class of K-sample tests for comparing the cumulative incidence of a competing risk; weight 1.
    """
    from scipy.special import chdtrc

    filled = np.flatnonzero(counts.at_risk[:, 0] > 0) if counts.at_risk.size else np.empty(0, np.int64)
    used = counts.events[filled].sum(axis=0) + counts.rivals[filled].sum(axis=0) > 0
    freedom = len(filled) - 1
    if freedom < 1 or not counts.events[filled].any():
        return np.nan, max(freedom, 0), np.nan
    score, variance = _score(*(part[filled][:, used] for part in (counts.at_risk, counts.events, counts.rivals)))
    reduced = variance[:-1, :-1]
    if np.linalg.matrix_rank(reduced) < freedom:
        return np.nan, freedom, np.nan
    statistic = float(score[:-1] @ np.linalg.solve(reduced, score[:-1]))
    return statistic, freedom, float(chdtrc(freedom, statistic))


def _score(at_risk: np.ndarray, events: np.ndarray, rivals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return Gray's scores per group and their covariance; letters as in the paper's section 2."""
    before, after = _remaining(at_risk, events + rivals)
    jumps = _divide(before * events, at_risk)
    own = np.cumsum(jumps, axis=1)
    h = _divide(at_risk, before)
    weighted = h * (1 - (own - jumps))
    all_events, all_h = events.sum(axis=0), h.sum(axis=0)
    score = (events - _divide(weighted * all_events, weighted.sum(axis=0))).sum(axis=1)
    step = _divide(all_events, all_h)
    pooled = np.cumsum(step)
    d = h[:, None, :] * (np.eye(len(h))[:, :, None] - _divide(h, all_h)[None, :, :])
    c = np.cumsum(d * (step / (1 - (pooled - step))), axis=2)
    remaining = c[:, :, -1:] - c
    ratio = _divide(1 - pooled, after)
    weight = np.where(at_risk > 0, _tied(all_events, all_h * before) * _divide(step, h), 0)
    of_events = d + np.where(after > 0, 1 - ratio, 1)[None, :, :] * remaining
    covariance = np.einsum("ikt,jkt,kt->ij", of_events, of_events, weight)
    weight = np.where(after > 0, _tied(rivals, at_risk) * _divide(before * rivals, at_risk * h), 0)
    of_rivals = ratio[None, :, :] * remaining
    return score, covariance + np.einsum("ikt,jkt,kt->ij", of_rivals, of_rivals, weight)


def _tied(count: np.ndarray, out_of: np.ndarray) -> np.ndarray:
    """Return the finite-population factor of several events on one day."""
    return 1 - np.where(count > 1, _divide(count - 1, out_of - 1), 0)
