"""When the records that a goal needs must be created, what already exists counts, and what is too late to change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from scipy.optimize import lsq_linear

from helpers.analyses.close_curve import find_deadline, split_share
from helpers.periods import MONTHS_IN, Period

TIMING_COLUMNS = [
    "landing_period", "creation_period", "status", "created", "expected", "needed", "share", "wins", "too_late_since",
    "wins_exist", "wins_late", "out_of_reach_since",
]  # fmt: skip
"""One row per period in which wins are wanted and period in which their records are created."""

EXISTS, OPEN, TOO_LATE = "exists", "open", "too late"

Landings = Mapping[tuple[Period, Period], float]


@dataclass(frozen=True)
class Source:
    """A period that can still bring records.

    Attributes:
        period: The period.
        created: Records that it has brought so far.
        rest: What the rest of it is expected to bring.
        elapsed: Which part of it is over (0–1).
        top: By which factor the rest can be raised at most.
    """

    period: Period
    created: float
    rest: float
    elapsed: float
    top: float


def plan_creation(
    wanted: Mapping[Period, float],
    shares: Sequence[float],
    created: Mapping[Period, float],
    expected: Mapping[Period, float],
    *,
    as_of: date,
    most: float = float("inf"),
    share_useful: float = 0.5,
    landings: Landings | None = None,
) -> pd.DataFrame:
    """Tell which period's records each period's wins come from, and how many are needed.

    Args:
        wanted: Period → wins that its goal needs, the periods ahead and the running one.
        shares: The close curve from age 0 on (0–1).
        created: Period → records created by ``as_of``, the running period's so far too.
        expected: Period → records that the running period (as a whole) and those ahead bring anyway.
        as_of: The last day that counts.
        most: The most records that one period can create; needing more counts as unreachable.
        share_useful: A record comes too late once less than this share of its eventual wins can land.
        landings: (Period of creation, period of landing) → wins expected of what exists, those booked included, as by
            ``goal_pipe.list_landings``; by default what exists wins by the close curve.

    Returns:
        One row per landing and creation period within the curve's reach. ``status``: ``exists`` (created already),
        ``open`` (still to be created) or ``too late`` (still to be created, but all of it after ``too_late_since``).
        ``created``: what exists, blank ahead. ``expected``: what comes anyway. ``needed``: what the goals of all
        landing periods together need of that creation period; what exists is as it is. ``share``: of its records won
        in the landing period. ``wins``: what its records bring there, of them ``wins_exist`` from what exists and
        ``wins_late`` from what is created after ``too_late_since``, the last useful day for the landing period.
        ``out_of_reach_since``: the last day on which ``most`` per period would still have reached the goal; missing
        while it still does, and where it never did. No curve or nothing wanted gives no rows.

    Source:
        Kellogg: ``wins(q) = Σ created(q − k) × c(k)``; the periods ahead move from expectation as little as
        possible, by least squares of their relative change.
    """
    if not wanted or not len(shares):
        return pd.DataFrame(columns=TIMING_COLUMNS)
    sources = list_sources(created, expected, as_of=as_of, most=most)
    oldest = max((count_age(creation, landing) for creation, landing in landings or {}), default=0)
    shares = [*shares, *[0.0] * (oldest + 1 - len(shares))]
    short = {
        landing: wins - sum(bring_existing(landing, shares, created, as_of=as_of, landings=landings).values())
        for landing, wins in wanted.items()
    }
    factors = raise_creation(short, sources, shares, scale=wanted)
    rows = []
    for landing in sorted(wanted):
        exists = bring_existing(landing, shares, created, as_of=as_of, landings=landings)
        too_late = find_deadline(landing, shares, share=share_useful)
        since = _date_out_of_reach(landing, wanted[landing], shares, created, exists, as_of=as_of, most=most)
        for age in range(len(shares)):
            period = landing.previous(age)
            source = sources.get(period)
            if (shares[age] <= 0 and not exists.get(period)) or (source is None and period not in exists):
                continue
            row = _plan_row(period, source, factors.get(period, 1.0), shares, age, as_of, too_late)
            row |= {"wins_exist": exists.get(period, 0.0), "landing_period": pd.Timestamp(landing.start)}
            if source is None:
                row |= {"created": created.get(period, 0.0), "needed": created.get(period, 0.0)}
            row["wins"] += row["wins_exist"]
            row["expected"] = np.nan if source is None else expected[period]
            row["too_late_since"] = pd.NaT if too_late is None else pd.Timestamp(too_late)
            row["out_of_reach_since"] = pd.NaT if since is None else pd.Timestamp(since)
            rows.append(row)
    return pd.DataFrame(rows, columns=TIMING_COLUMNS)


def _plan_row(
    period: Period,
    source: Source | None,
    factor: float,
    shares: Sequence[float],
    age: int,
    as_of: date,
    too_late: date | None,
) -> dict[str, object]:
    """Say of one period what is still to be created in it, and how much of that comes after the last useful day."""
    row = {"creation_period": pd.Timestamp(period.start), "share": shares[age], "wins": 0.0, "wins_late": 0.0}
    if source is None:
        return row | {"status": EXISTS}
    rest = source.rest * factor
    late = measure_late_part(period, as_of, too_late)
    left = 1 - source.elapsed
    wins_late = rest * late / left * split_share(shares, age, 1 - late, 1) if late > 0 and left > 0 else 0.0
    return row | {
        "status": TOO_LATE if late > 0 and late >= left - 1e-9 else OPEN,
        "created": source.created if source.period.start <= as_of else np.nan,
        "needed": source.created + rest,
        "wins": rest * split_share(shares, age, source.elapsed, 1),
        "wins_late": wins_late,
    }


def measure_late_part(period: Period, as_of: date, too_late: date | None) -> float:
    """Return which part of a period (0–1) lies both after the last day that counts and after the last useful day."""
    if too_late is None:
        return 0.0
    begin = max(period.start, as_of + timedelta(days=1), too_late + timedelta(days=1))
    return max((period.end - begin).days + 1, 0) / period.days


def count_age(creation: Period, landing: Period) -> int:
    """Return how many periods lie between two of the same length; negative where the landing comes first.

    >>> from helpers.periods import period_of
    >>> count_age(period_of(date(2026, 2, 1), "quarter"), period_of(date(2026, 8, 1), "quarter"))
    2
    """
    months = (landing.start.year - creation.start.year) * 12 + landing.start.month - creation.start.month
    return months // MONTHS_IN[landing.grain]


def list_sources(
    created: Mapping[Period, float], expected: Mapping[Period, float], *, as_of: date, most: float = float("inf")
) -> dict[Period, Source]:
    """List the running period and those ahead, with what they have brought and still bring.

    Args:
        created: Period → records created by ``as_of``.
        expected: Period → records that the period as a whole brings anyway.
        as_of: The last day that counts.
        most: The most records that one whole period can create.

    Returns:
        Period → what it can still bring, oldest first. A running period that has met its expectation already brings
        the rest of its days at the expected pace.
    """
    found = {}
    for period in sorted(expected):
        if period.end <= as_of:
            continue
        elapsed = max((as_of - period.start).days + 1, 0) / period.days
        done = float(created.get(period, 0.0)) if elapsed > 0 else 0.0
        rest = expected[period] - done
        rest = float(rest if rest > 0 or done == 0 else expected[period] * (1 - elapsed))
        top = max(most * (1 - elapsed) / rest, 1.0) if rest > 0 else 1.0
        found[period] = Source(period, done, max(rest, 0.0), elapsed, top)
    return found


def bring_existing(
    landing: Period,
    shares: Sequence[float],
    created: Mapping[Period, float],
    *,
    as_of: date,
    landings: Landings | None = None,
) -> dict[Period, float]:
    """Expect the wins of one period from what exists.

    Returns:
        Period of creation → wins in the landing period: of the pipe where it is given, else created × share; of the
        running period's records only those created so far, which have the longer part of it before them.
    """
    found = {}
    for age in range(len(shares)):
        period = landing.previous(age)
        if period not in created or period.start > as_of:
            continue
        elapsed = min(((as_of - period.start).days + 1) / period.days, 1.0)
        by_curve = created[period] * split_share(shares, age, 0, elapsed)
        found[period] = float(by_curve if landings is None else landings.get((period, landing), 0.0))
    return found


def bring_rest(
    landing: Period,
    shares: Sequence[float],
    sources: Mapping[Period, Source],
    factors: Mapping[Period, float] | None = None,
) -> float:
    """Expect the wins that the rest of the running period and the periods ahead bring in one landing period.

    Args:
        landing: The period in which they are won.
        shares: The close curve from age 0 on.
        sources: As made by ``list_sources``.
        factors: Period → by what its rest is multiplied; by default nothing is.
    """
    brought = 0.0
    for age in range(len(shares)):
        source = sources.get(landing.previous(age))
        if source is not None:
            rest = source.rest * (factors or {}).get(source.period, 1.0)
            brought += rest * split_share(shares, age, source.elapsed, 1)
    return brought


def raise_creation(
    short: Mapping[Period, float],
    sources: Mapping[Period, Source],
    shares: Sequence[float],
    *,
    scale: Mapping[Period, float],
) -> dict[Period, float]:
    """Find by which factor the rest of each period must beat expectation; what can't be reached is left short.

    Args:
        short: Landing period → wins that what exists doesn't bring.
        sources: The periods that can still bring records.
        shares: The close curve from age 0 on.
        scale: Landing period → what its shortfall is measured against.

    Returns:
        Period → factor of at least 1 and at most the source's ``top``.
    """
    if not sources or not short:
        return {}
    ahead, landings = list(sources), sorted(short)
    n, q = len(ahead), len(landings)
    brings = np.zeros((q, n))
    for row, landing in enumerate(landings):
        for age in range(len(shares)):
            source = sources.get(landing.previous(age))
            if source is not None:
                share = split_share(shares, age, source.elapsed, 1)
                brings[row, ahead.index(source.period)] = source.rest * share
    # Unknowns: the factors, the surplus of each landing period (free) and its shortfall (dear).
    measure = np.maximum(np.abs([scale[landing] for landing in landings]), 1e-9)
    equal = np.hstack([brings / measure[:, None], -np.eye(q), np.eye(q)]) * 1e4
    stay = np.hstack([np.eye(n), np.zeros((n, 2 * q))])
    dear = np.hstack([np.zeros((q, n + q)), np.eye(q)]) * 1e3
    free = np.hstack([np.zeros((q, n)), np.eye(q), np.zeros((q, q))]) * 1e-6
    left = np.vstack([equal, stay, dear, free])
    wins = np.array([short[landing] for landing in landings])
    right = np.concatenate([wins / measure * 1e4, np.ones(n), np.zeros(2 * q)])
    lowest = np.concatenate([np.ones(n), np.zeros(2 * q)]) - 1e-12
    highest = np.concatenate([[source.top for source in sources.values()], np.full(2 * q, np.inf)]) + 1e-12
    found = lsq_linear(left, right, bounds=(lowest, highest), method="bvls" if n + 2 * q < 60 else "trf").x
    return dict(zip(ahead, found[:n].clip(min=1.0).tolist(), strict=True))


def _date_out_of_reach(
    landing: Period,
    wanted: float,
    shares: Sequence[float],
    created: Mapping[Period, float],
    exists: Mapping[Period, float],
    *,
    as_of: date,
    most: float,
) -> date | None:
    """Go back day by day, in thought: until when would the best pace from then on still have reached the goal?"""
    possible, lived = sum(exists.values()), []
    for age in range(len(shares)):
        period = landing.previous(age)
        elapsed = min(max(((as_of - period.start).days + 1) / period.days, 0.0), 1.0)
        if elapsed < 1 and shares[age] > 0:
            possible += most * (1 - elapsed) * split_share(shares, age, elapsed, 1)
        if elapsed > 0 and shares[age] > 0:
            lived.append((period, age, elapsed))
    if possible >= wanted * (1 - 1e-6):
        return None
    for period, age, elapsed in lived:
        if period not in created:
            return None
        gain = max(most * elapsed * split_share(shares, age, 0, elapsed) - exists.get(period, 0.0), 0.0)
        last = min(period.end, as_of)
        if gain > 0 and possible + gain >= wanted:
            return last - timedelta(days=int(np.ceil((wanted - possible) / gain * ((last - period.start).days + 1))))
        possible += gain
    return None


def summarise_timing(timing: pd.DataFrame, wanted: Mapping[Period, float]) -> pd.DataFrame:
    """Sum up per landing period where its wins come from.

    Returns:
        One row per landing period: ``wanted``, wins from what ``exists``, from what is ``still_to_create``, of that
        ``from_late`` (created after the last useful day), the ``shortfall`` that no believable creation fills,
        ``too_late_since`` (the last useful day) and ``out_of_reach_since`` (the last day on which the best pace would
        still have filled the shortfall; missing without one).
    """
    rows = []
    for period, wins in sorted(wanted.items()):
        mine = timing[timing["landing_period"] == pd.Timestamp(period.start)]
        exists, brought = float(mine["wins_exist"].sum()), float(mine["wins"].sum())
        rows.append(
            {
                "landing_period": pd.Timestamp(period.start),
                "wanted": float(wins),
                "exists": exists,
                "still_to_create": brought - exists,
                "from_late": float(mine["wins_late"].sum()),
                "shortfall": max(float(wins) - brought, 0.0),
                "too_late_since": mine["too_late_since"].iloc[0] if len(mine) else pd.NaT,
                "out_of_reach_since": mine["out_of_reach_since"].iloc[0] if len(mine) else pd.NaT,
            }
        )
    return pd.DataFrame(rows)
