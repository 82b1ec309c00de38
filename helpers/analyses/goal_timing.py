"""When the records that a goal needs must be created, what already exists counts, and what is too late to change."""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd
from scipy.optimize import lsq_linear

from helpers.analyses.close_curve import latest_useful_day
from helpers.periods import Period

TIMING_COLUMNS = [
    "landing_period", "creation_period", "status", "created", "expected", "needed", "share", "wins", "too_late_since",
]  # fmt: skip
"""One row per period in which wins are wanted and period in which their records are created."""

EXISTS, OPEN, TOO_LATE = "exists", "open", "too late"


def plan_creation(
    wanted: Mapping[Period, float],
    shares: Sequence[float],
    created: Mapping[Period, float],
    expected: Mapping[Period, float],
    *,
    as_of: date,
    most: float = float("inf"),
    share_useful: float = 0.5,
) -> pd.DataFrame:
    """Tell which period's records each period's wins come from, and how many are needed.

    Args:
        wanted: Period → wins that its goal needs, the periods ahead.
        shares: The close curve from age 0 on (0–1).
        created: Period → records created in periods that have ended.
        expected: Period → records that the periods ahead bring anyway.
        as_of: The last day that counts.
        most: The most records that one period can create; needing more counts as unreachable.
        share_useful: A period's records come too late once less than this share of their eventual wins can land.

    Returns:
        One row per landing and creation period within the curve's reach. ``status``: ``exists`` (created already),
        ``open`` (still to be created) or ``too late`` (still to be created, but most of its wins land later).
        ``created``: what exists, blank ahead. ``expected``: what comes anyway. ``needed``: what the goals of all
        landing periods together need of that creation period; what exists is as it is. ``share``: of its records won
        in the landing period. ``wins``: needed × share. ``too_late_since``: the last useful day for the landing period.
        No curve or nothing wanted gives no rows.

    Source:
        Kellogg: ``wins(q) = Σ created(q − k) × c(k)``; the periods ahead move from expectation as little as
        possible, by least squares of their relative change.
    """
    if not wanted or not len(shares):
        return pd.DataFrame(columns=TIMING_COLUMNS)
    landings = sorted(wanted)
    ahead = [period for period in sorted(expected) if period.end > as_of]
    factors = _raise_creation(landings, ahead, wanted, shares, created, expected, most)
    rows = []
    for landing in landings:
        too_late = latest_useful_day(landing.end, shares, days=landing.days, share=share_useful)
        for age in range(len(shares)):
            source = landing.previous(age)
            exists = source in created and source.end <= as_of
            if shares[age] <= 0 or (not exists and source not in factors):
                continue
            needed = created[source] if exists else expected[source] * factors[source]
            late = not exists and too_late is not None and source.start > too_late
            rows.append(
                {
                    "landing_period": pd.Timestamp(landing.start),
                    "creation_period": pd.Timestamp(source.start),
                    "status": EXISTS if exists else TOO_LATE if late else OPEN,
                    "created": created[source] if exists else np.nan,
                    "expected": np.nan if exists else expected[source],
                    "needed": needed,
                    "share": shares[age],
                    "wins": needed * shares[age],
                    "too_late_since": pd.NaT if too_late is None else pd.Timestamp(too_late),
                }
            )
    return pd.DataFrame(rows, columns=TIMING_COLUMNS)


def _raise_creation(
    landings: Sequence[Period],
    ahead: Sequence[Period],
    wanted: Mapping[Period, float],
    shares: Sequence[float],
    created: Mapping[Period, float],
    expected: Mapping[Period, float],
    most: float,
) -> dict[Period, float]:
    """Find by which factor each period ahead must beat expectation; what can't be reached is left as a shortfall."""
    if not ahead:
        return {}
    n, q = len(ahead), len(landings)
    share_at = {age: share for age, share in enumerate(shares)}
    brings = np.zeros((q, n))
    short = np.zeros(q)
    for row, landing in enumerate(landings):
        short[row] = wanted[landing]
        for age, share in share_at.items():
            source = landing.previous(age)
            if source in ahead:
                brings[row, ahead.index(source)] = expected[source] * share
            else:
                short[row] -= created.get(source, 0.0) * share
    # Unknowns: the factors, the surplus of each landing period (free) and its shortfall (dear).
    scale = np.maximum(np.abs([wanted[landing] for landing in landings]), 1e-9)
    equal = np.hstack([brings / scale[:, None], -np.eye(q), np.eye(q)]) * 1e4
    stay = np.hstack([np.eye(n), np.zeros((n, 2 * q))])
    dear = np.hstack([np.zeros((q, n + q)), np.eye(q)]) * 1e2
    free = np.hstack([np.zeros((q, n)), np.eye(q), np.zeros((q, q))]) * 1e-6
    left = np.vstack([equal, stay, dear, free])
    right = np.concatenate([short / scale * 1e4, np.ones(n), np.zeros(2 * q)])
    top = [max(most / expected[period], 1.0) if expected[period] > 0 else 1.0 for period in ahead]
    lowest = np.concatenate([np.ones(n), np.zeros(2 * q)]) - 1e-12
    highest = np.concatenate([top, np.full(2 * q, np.inf)]) + 1e-12
    found = lsq_linear(left, right, bounds=(lowest, highest), method="bvls" if n + 2 * q < 60 else "trf").x
    return dict(zip(ahead, found[:n].clip(min=1.0), strict=True))


def summarise_timing(timing: pd.DataFrame, wanted: Mapping[Period, float]) -> pd.DataFrame:
    """Sum up per landing period where its wins come from.

    Returns:
        One row per landing period: ``wanted``, wins from what ``exists``, from what is ``still_to_create``, of that
        ``from_late`` periods, the ``shortfall`` that no believable creation fills, and ``too_late_since``.
    """
    rows = []
    for period, wins in sorted(wanted.items()):
        mine = timing[timing["landing_period"] == pd.Timestamp(period.start)]
        exists = float(mine.loc[mine["status"] == EXISTS, "wins"].sum())
        late = float(mine.loc[mine["status"] == TOO_LATE, "wins"].sum())
        more = float(mine.loc[mine["status"] == OPEN, "wins"].sum()) + late
        rows.append(
            {
                "landing_period": pd.Timestamp(period.start),
                "wanted": float(wins),
                "exists": exists,
                "still_to_create": more,
                "from_late": late,
                "shortfall": max(float(wins) - exists - more, 0.0),
                "too_late_since": mine["too_late_since"].iloc[0] if len(mine) else pd.NaT,
            }
        )
    return pd.DataFrame(rows)
