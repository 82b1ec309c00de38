"""What is in the pipe on a day, the running period's records too, and in which period it can be expected to land.

How open records go on is read off earlier periods at the same point: on a 31 August that is the last day of May, of
February and so on. So a quarter that is two thirds over is compared with quarters two thirds over, and records that are
won or lost already are not drawn again.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from helpers.engine.history import LOST, WON
from helpers.engine.journeys import LOST_STAGE, build_journeys
from helpers.engine.timeline import FAR, NO_DAY, day_number
from helpers.periods import MONTHS_IN, Period, period_of

PIPE_COLUMNS = ["created_period", "n", "won", "lost", "open"]
RATE_COLUMNS = ["part", "age", "step", "n", "won", "share"]
LANDING_COLUMNS = ["created_period", "landing_period", "booked", "open", "share", "wins"]

OPEN, TO_COME = "open", "to come"
"""Records open on the day, and those that the rest of the running period still brings."""


@dataclass(frozen=True)
class _Pipe:
    """Entry and end of each record that entered by the day in question, as day numbers."""

    stage: str
    created: np.ndarray
    won: np.ndarray
    lost: np.ndarray
    outcome: np.ndarray


def count_pipe(company, *, as_of: date, grain: str = "quarter", from_stage: str = "") -> pd.DataFrame:
    """Count per period of creation what has become of its records so far.

    Args:
        company: The opened company.
        as_of: The last day that counts.
        grain: The length of a period.
        from_stage: The stage whose entry counts as creation; by default the last one before the win, as for the close
            curve.

    Returns:
        One row per period from the first record to the one that holds ``as_of``, oldest first: ``created_period``
        (first day), ``n`` (records of new business created in it by ``as_of``), of them ``won``, ``lost`` and ``open``
        on that day (n = won + lost + open). The running period is included with what it has brought so far. A contact
        without a deal is never lost. ``attrs["from_stage"]`` names the stage. Nothing created gives no rows.
    """
    pipe = _read_pipe(company, as_of, from_stage)
    if pipe is None or not len(pipe.created):
        return pd.DataFrame(columns=PIPE_COLUMNS)
    periods = _lay_periods(pipe.created, as_of, grain, company.fiscal_year_start)
    at = _locate(periods, pipe.created)
    counted = {
        name: np.bincount(at[kept], minlength=len(periods))
        for name, kept in (
            ("n", slice(None)),
            ("won", pipe.outcome == WON),
            ("lost", pipe.outcome == LOST),
        )
    }
    frame = pd.DataFrame({"created_period": pd.to_datetime([period.start for period in periods]), **counted})
    frame["open"] = frame["n"] - frame["won"] - frame["lost"]
    frame.attrs["from_stage"] = pipe.stage
    return frame


def list_created(pipe: pd.DataFrame, *, grain: str = "quarter", fiscal_year_start: int = 1) -> dict[Period, float]:
    """Return period → records created in it so far, as ``plan_creation`` takes them."""
    return {
        period_of(pd.Timestamp(row["created_period"]).date(), grain, fiscal_year_start): float(row["n"])
        for row in pipe.to_dict("records")
    }


def measure_open_rates(
    company, *, as_of: date, grain: str = "quarter", from_stage: str = "", max_age: int | None = None
) -> pd.DataFrame:
    """Measure how records that were open at the same point of earlier periods went on.

    Args:
        company: The opened company.
        as_of: The last day that counts; how far its period has gone sets the point. On a period's last day the point is
            the day before each period begins.
        grain: The length of a period.
        from_stage: As in ``count_pipe``.
        max_age: The oldest age and step; by default two years.

    Returns:
        One row per part, age and step: ``part`` (``open`` on that day, or ``to come``: created in the rest of that
        period), ``age`` (periods since creation), ``step`` (0 = the rest of that period, 1 = the next), ``n`` (records,
        over all points whose step has ended by ``as_of``), ``won`` in that step, ``share`` (won ÷ n, 0–1). A record
        that stays open counts once per age; where none was ever seen there is no row. Empty without records.

    Source:
        Life table: of those still open, how many are won next; lost and won records have left it.
    """
    pipe = _read_pipe(company, as_of, from_stage)
    if pipe is None or not len(pipe.created):
        return pd.DataFrame(columns=RATE_COLUMNS)
    longest = 2 * 12 // MONTHS_IN[grain] if max_age is None else max_age
    running = period_of(as_of + timedelta(days=1), grain, company.fiscal_year_start)
    elapsed = (as_of - running.start).days + 1
    periods = _lay_periods(pipe.created, running.start, grain, company.fiscal_year_start)
    starts = np.array([day_number(period.start) for period in periods])
    ends = np.array([day_number(period.end) for period in periods])
    created, won = _locate(periods, pipe.created), _locate(periods, pipe.won)
    closed = np.where(pipe.won != NO_DAY, pipe.won, np.where(pipe.lost != NO_DAY, pipe.lost, FAR))
    n, hits = (np.zeros((2, longest + 1, longest + 1)) for _ in range(2))
    for point in range(len(periods) - 1):
        last = min(starts[point] + elapsed - 1, ends[point])
        is_open = (pipe.created <= last) & (closed > last) & ((pipe.outcome == 0) | (closed != FAR))
        to_come = (created == point) & (pipe.created > last)
        for part, kept in enumerate((is_open, to_come)):
            age = point - created[kept]
            within = age <= longest
            age, steps = age[within], (won[kept] - point)[within]
            for step in range(min(longest, len(periods) - 2 - point) + 1):
                n[part, :, step] += np.bincount(age, minlength=longest + 1)[: longest + 1]
                hits[part, :, step] += np.bincount(age[steps == step], minlength=longest + 1)[: longest + 1]
    return _list_rates(n, hits)


def expect_from_pipe(
    company, *, as_of: date, grain: str = "quarter", from_stage: str = "", max_age: int | None = None
) -> pd.DataFrame:
    """Expect in which period what exists already lands: wins booked in the running period, and open records.

    Args:
        company: The opened company.
        as_of: The last day that counts.
        grain: The length of a period.
        from_stage: As in ``count_pipe``.
        max_age: As in ``measure_open_rates``.

    Returns:
        One row per period of creation and of landing, from the period that goes on after ``as_of``:
        ``created_period`` and ``landing_period`` (first days), ``booked`` (won in the landing period by ``as_of``),
        ``open`` (records of that creation period open on the day), ``share`` (of them expected to be won in the landing
        period, 0–1) and ``wins`` (booked + open × share, never rounded). A creation period older than the rates reach,
        or an age never seen before, has share 0. Empty without records.
    """
    pipe = _read_pipe(company, as_of, from_stage)
    rates = measure_open_rates(company, as_of=as_of, grain=grain, from_stage=from_stage, max_age=max_age)
    if pipe is None or not len(pipe.created):
        return pd.DataFrame(columns=LANDING_COLUMNS)
    running = period_of(as_of + timedelta(days=1), grain, company.fiscal_year_start)
    periods = _lay_periods(pipe.created, running.start, grain, company.fiscal_year_start)
    at = _locate(periods, pipe.created)
    still = np.bincount(at[pipe.outcome == 0], minlength=len(periods))
    booked = np.bincount(at[(pipe.outcome == WON) & (pipe.won >= day_number(running.start))], minlength=len(periods))
    known = rates[rates["part"] == OPEN].set_index(["age", "step"])["share"]
    last = int(rates["step"].max()) if len(rates) else 0
    rows = []
    for position, period in enumerate(periods):
        age = len(periods) - 1 - position
        for step in range(last + 1):
            done = int(booked[position]) if step == 0 else 0
            share = known.get((age, step), np.nan)
            share = 0.0 if pd.isna(share) else float(share)
            if done or (still[position] and share):
                wins = done + still[position] * share
                landing = running.previous(-step)
                rows.append(
                    (pd.Timestamp(period.start), pd.Timestamp(landing.start), done, int(still[position]), share, wins)
                )
    return pd.DataFrame(rows, columns=LANDING_COLUMNS)


def list_landings(
    landings: pd.DataFrame, *, grain: str = "quarter", fiscal_year_start: int = 1
) -> dict[tuple[Period, Period], float]:
    """Return (period of creation, period of landing) → wins expected of what exists, as ``plan_creation`` takes it."""
    periods = {
        start: period_of(pd.Timestamp(start).date(), grain, fiscal_year_start)
        for start in {*landings["created_period"], *landings["landing_period"]}
    }
    return {
        (periods[row["created_period"]], periods[row["landing_period"]]): float(row["wins"])
        for row in landings.to_dict("records")
    }


def _read_pipe(company, as_of: date, from_stage: str) -> _Pipe | None:
    journeys = build_journeys(company, as_of=as_of)
    stages = [id for id in company.catalog.stages if id in journeys.homes]
    before = stages[: stages.index("won")] if "won" in stages else []
    for stage in [from_stage] if from_stage else reversed(before):
        home = journeys.homes.get(stage, "")
        records = journeys.records.get(home)
        if home == "session" or records is None or not {(stage, "new"), ("won", "new")} <= set(records.reached):
            continue
        entered = records.reached[stage, "new"]
        kept = entered != NO_DAY
        if not kept.any():
            continue
        won = records.reached["won", "new"]
        lost = records.reached.get((LOST_STAGE, "new"), np.full(records.n, NO_DAY)) if home == "deal" else None
        lost = np.full(records.n, NO_DAY) if lost is None else lost
        outcome = np.where(won != NO_DAY, WON, np.where(lost != NO_DAY, LOST, 0))
        if home == "deal" and journeys.deals is not None:
            outcome = journeys.deals.outcome
        return _Pipe(stage, entered[kept], won[kept], lost[kept], outcome[kept])
    return None


def _lay_periods(created: np.ndarray, last: date, grain: str, fiscal_year_start: int) -> list[Period]:
    first = period_of(date(1970, 1, 1) + timedelta(days=int(created.min())), grain, fiscal_year_start)
    periods = [period_of(last, grain, fiscal_year_start)]
    while periods[-1].start > first.start:
        periods.append(periods[-1].previous())
    return periods[::-1]


def _locate(periods: list[Period], days: np.ndarray) -> np.ndarray:
    """Return the position of each day's period; a missing day lies far before all of them."""
    starts = np.array([day_number(period.start) for period in periods])
    found = np.searchsorted(starts, days, side="right") - 1
    return np.where(days == NO_DAY, -len(periods) - 1000, found)


def _list_rates(n: np.ndarray, hits: np.ndarray) -> pd.DataFrame:
    rows = []
    for part, name in enumerate((OPEN, TO_COME)):
        for age, step in zip(*np.nonzero(n[part]), strict=True):
            size, won = int(n[part, age, step]), int(hits[part, age, step])
            rows.append((name, int(age), int(step), size, won, won / size))
    return pd.DataFrame(rows, columns=RATE_COLUMNS)
