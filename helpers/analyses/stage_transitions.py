"""From which stage to which: every move counted, and how far a chain of stage-to-stage rates misleads.

A chain multiplies the shares that move on to the very next stage. Where records skip stages, enter late or go back, the
product misses their wins. The matrix shows every move; the share won of all that ever entered a stage needs no chain.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.incidence import CENSORED, EVENT, count_endings, measure_incidence
from helpers.analyses.stage_visits import DATES, Visits, find_visits
from helpers.engine.doubt import wilson_interval
from helpers.engine.journeys import build_journeys
from helpers.engine.timeline import NO_DAY, day_number
from helpers.units import format_value, in_sentence

NEXT, SKIPPED, BACK, LOST_MOVE = "next", "skipped", "back", "lost"
MOVE_COLUMNS = ["from", "to", "n", "kind", "share"]
STAGE_COLUMNS = [
    "stage", "entered", "next", "skipped", "back", "lost", "open", "step_rate", "chain_to_won", "won_share", "low",
    "high", "median_days",
]  # fmt: skip
HOLDS, MISLEADS = 0.02, 0.1
"""How far off (of the true wins) a chain still holds, and from where on it misleads."""


@dataclass(frozen=True)
class Transitions:
    """The moves of records between stages.

    Attributes:
        stages: The stages in order, then won and lost.
        moves: One row per pair of stages that occurred: from, to, n (moves), kind (next, skipped, back, lost) and share
            (of all moves out of that stage).
        by_stage: One row per stage before the win; see ``measure_transitions``.
        object: Whose records.
        source: ``history`` or ``dates``.
        n: Records looked at.
        n_decided: Of them, those that were won or lost (contacts: old enough to have been won).
        n_won: Of the decided, those won.
        chain_wins: How many wins the chain lets expect of them.
        n_moves: Moves other than into lost.
        n_out_of_order: Of them, those that skip a stage or go back.
        n_before: Contacts whose deal had reached a stage before they were there.
        headline: How far the chain misleads, in a sentence.
        note: How it was counted.
    """

    stages: tuple[str, ...]
    moves: pd.DataFrame
    by_stage: pd.DataFrame
    object: str
    source: str
    n: int
    n_decided: int
    n_won: int
    chain_wins: float
    n_moves: int
    n_out_of_order: int
    n_before: int
    headline: str
    note: str


def measure_transitions(
    company: Any,
    *,
    start: date | None = None,
    end: date | None = None,
    as_of: date | None = None,
    business: str = "new",
    object: str = "",
) -> Transitions | None:
    """Count the moves between stages, and set the chain's promise beside what was won.

    Args:
        company: The opened company.
        start: Only records whose first stay began on this day or later; None takes all.
        end: Only those that began up to this day.
        as_of: The last day that counts.
        business: ``new`` leaves renewals and other existing business out.
        object: deal or contact; by default deals where they have a history of stages.

    Returns:
        The moves; None where the exports tell fewer than two stages before the win. ``by_stage``: stage, entered
        (decided records that were ever in it), next, skipped, back, lost and open (how many of all records moved on to
        the next stage, beyond it, back, into lost, or are still there), step_rate (share of the decided that moved
        straight to the next), chain_to_won (product of the step rates from here on), won_share (of the decided that
        ever entered, with low and high, Wilson) and median_days (Kaplan–Meier, stays that go on are censored).

    Source:
        Kantor (Funnelcast): a chain predicted 7 wins where 89 of 586 deals were won.
    """
    journeys = build_journeys(company, as_of=as_of)
    visits = find_visits(company, journeys, object, business)
    if visits is None:
        return None
    kept = journeys.records[visits.object].is_business(business) if visits.object == "deal" else None
    chosen = _choose(visits, kept, start, end)
    if not chosen.any():
        return None
    return count_transitions(visits, chosen, company.catalog.rules)


def _choose(visits: Visits, kept: np.ndarray | None, start: date | None, end: date | None) -> np.ndarray:
    """Return which records are looked at."""
    began = np.full(visits.n_records, NO_DAY, np.int64)
    opens = np.ones(len(visits.record), bool)
    opens[1:] = visits.record[1:] != visits.record[:-1]
    began[visits.record[opens]] = visits.day[opens]
    chosen = began != NO_DAY
    chosen &= (began >= day_number(start)) if start else True
    chosen &= (began <= day_number(end)) if end else True
    return chosen if kept is None else chosen & kept


def count_transitions(visits: Visits, chosen: np.ndarray, rules: Any) -> Transitions:
    """Count the moves of some records; see ``measure_transitions``."""
    k = visits.n_open_stages
    inside = chosen[visits.record]
    record, stage, day, until = (part[inside] for part in (visits.record, visits.stage, visits.day, visits.until))
    follows = np.zeros(len(record), bool)
    follows[1:] = record[1:] == record[:-1]
    to = np.flatnonzero(follows)
    origin, target, mover = stage[to - 1], stage[to], record[to]
    counts = np.bincount(origin * (k + 2) + target, minlength=(k + 2) ** 2).reshape(k + 2, k + 2)
    moves = _list_moves(counts, visits.labels, k)
    decided, won = _decide(visits, chosen, record, stage, day)
    by_stage = _describe_stages(
        visits, counts, (record, stage, day, until), (origin, target, mover), decided, won, rules
    )
    n_decided, n_won = int(decided.sum()), int((decided & won).sum())
    chain_wins = float(n_decided * by_stage["chain_to_won"].iloc[0])
    ordered = moves[moves["kind"] != LOST_MOVE]
    n_moves, odd = int(ordered["n"].sum()), int(ordered.loc[ordered["kind"] != NEXT, "n"].sum())
    found = Transitions(
        visits.labels, moves, by_stage, visits.object, visits.source, int(chosen.sum()), n_decided, n_won, chain_wins,
        n_moves, odd, int((visits.is_early & chosen).sum()), "", "",
    )  # fmt: skip
    return Transitions(**{**vars(found), "headline": headline_transitions(found), "note": _note(found)})


def kind_of_move(origin: int, target: int, k: int) -> str:
    """Tell what kind of move it is; ``k`` stages lie before won (k) and lost (k + 1).

    >>> [kind_of_move(*move, 3) for move in ((0, 1), (0, 3), (2, 1), (1, 4), (3, 0))]
    ['next', 'skipped', 'back', 'lost', 'back']
    """
    if target == k + 1:
        return LOST_MOVE
    if origin >= k or target < origin:
        return BACK
    return NEXT if target == origin + 1 else SKIPPED


def _list_moves(counts: np.ndarray, labels: tuple[str, ...], k: int) -> pd.DataFrame:
    rows = [
        {
            "from": labels[origin],
            "to": labels[target],
            "n": int(counts[origin, target]),
            "kind": kind_of_move(origin, target, k),
            "share": counts[origin, target] / counts[origin].sum(),
        }
        for origin, target in np.argwhere(counts > 0).tolist()
    ]
    return pd.DataFrame(rows, columns=MOVE_COLUMNS)


def _decide(
    visits: Visits, chosen: np.ndarray, record: np.ndarray, stage: np.ndarray, day: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return which records are decided, and which were won in the end."""
    k = visits.n_open_stages
    last = np.full(visits.n_records, -1, np.int64)
    last[record] = stage
    won, lost = chosen & (last == k), chosen & (last == k + 1)
    if visits.object == "deal":
        return won | lost, won
    began = np.full(visits.n_records, NO_DAY, np.int64)
    began[record[::-1]] = day[::-1]
    ended = np.full(visits.n_records, NO_DAY, np.int64)
    ended[record] = day
    if not won.any():
        return chosen & False, won
    wait = np.quantile((ended - began)[won], 0.9)
    return chosen & (began + wait <= visits.observed_until), won


def _describe_stages(visits: Visits, counts, stays, moved, decided: np.ndarray, won: np.ndarray, rules) -> pd.DataFrame:
    record, stage, day, until = stays
    origin, target, mover = moved
    k, rows = visits.n_open_stages, []
    for one in range(k):
        ever = np.unique(record[stage == one])
        ever = ever[decided[ever]]
        straight = np.unique(mover[(origin == one) & (target == one + 1)])
        straight = straight[decided[straight]]
        out = counts[one]
        here = (stage == one) & (until == NO_DAY)
        n_won = int(won[ever].sum())
        low, high = wilson_interval(np.array([n_won]), np.array([len(ever)]), rules.confidence)
        rows.append(
            {
                "stage": visits.labels[one],
                "entered": len(ever),
                "next": int(out[one + 1]),
                "skipped": int(out[one + 2 : k + 1].sum()),
                "back": int(out[:one].sum()),
                "lost": int(out[k + 1]),
                "open": int(here.sum()),
                "step_rate": len(straight) / len(ever) if len(ever) else 0.0,
                "won_share": n_won / len(ever) if len(ever) else np.nan,
                "low": low[0],
                "high": high[0],
                "median_days": _median_stay(day[stage == one], until[stage == one], visits.observed_until),
            }
        )
    frame = pd.DataFrame(rows)
    frame["chain_to_won"] = frame["step_rate"][::-1].cumprod()[::-1]
    return frame[STAGE_COLUMNS]


def _median_stay(day: np.ndarray, until: np.ndarray, last: int) -> float:
    """Return after how many days half of the stays had ended; NaN where half never did."""
    stays = np.where(until == NO_DAY, last, until) - day
    usable = stays >= 0
    if not usable.any():
        return np.nan
    ending = np.where(until == NO_DAY, CENSORED, EVENT)
    left = measure_incidence(count_endings(stays[usable], ending[usable]))
    over = np.flatnonzero(left.share >= 0.5 - 1e-12)
    return float(left.days[over[0]]) if len(over) else np.nan


def headline_transitions(found: Transitions) -> str:
    """Say how far a chain of stage rates is from what was won."""
    what = "deals" if found.object == "deal" else "contacts"
    odd = format_value(found.n_out_of_order / found.n_moves if found.n_moves else 0.0, "share")
    moves = f"{odd} of moves skip a stage or go back"
    if not found.n_decided or not found.n_won:
        return f"None of {found.n:,} {what} has been won, so no chain can be checked; {moves}"
    expected = format_value(found.chain_wins, "count", digits=0)
    wins = "win" if expected == "1" else "wins"
    said = f"it lets expect {expected} {wins} of {found.n_decided:,} {what}, {found.n_won:,} were won"
    off = abs(found.chain_wins / found.n_won - 1)
    judged = "misleads" if off > MISLEADS else "is a little off" if off > HOLDS else "holds here"
    return f"The stage chain {judged}: {said}; {moves}"


def _note(found: Transitions) -> str:
    decided = "won or lost" if found.object == "deal" else "old enough to have been won"
    parts = [f"Chain and wins over the {found.n_decided:,} that are {decided}; moves over all {found.n:,}."]
    if found.source == DATES:
        parts.append("First dates tell the moves: who entered a stage twice can't be seen.")
    if found.n_before:
        parts.append(f"{found.n_before:,} joined a deal already under way; what it reached before makes no move.")
    empty = found.by_stage.loc[found.by_stage["entered"] == 0, "stage"]
    if len(empty):
        parts.append(f"Nobody entered {in_sentence(str(empty.iloc[0]))}, which makes any chain 0.")
    return " ".join(parts)
