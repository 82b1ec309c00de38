"""What slipped: deals that were due in a period at its start and were pushed out of it, not lost."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from helpers.engine.history import OPEN, WON
from helpers.engine.journeys import Journeys
from helpers.engine.timeline import day_number
from helpers.periods import Period

LEARNT_FROM = 8
"""Earlier periods from which the fate of pushed deals is learnt."""

HELD_BY = 4.0
"""Deals by which a stage's own share is held to that of all stages."""


@dataclass(frozen=True)
class Slippage:
    """Hold what slipped, per deal.

    ``pushed`` is 1 for deals pushed out of the period in question, ``pushed_expected`` counts the expected periods
    that a deal was pushed out of. ``amount`` and ``count`` are the unusual part of what slipped out
    of the period in question, in currency and in deals, weighted by how likely the deal was.
    """

    pushed: np.ndarray
    pushed_expected: np.ndarray
    amount: np.ndarray
    count: np.ndarray


def measure_slippage(
    company, journeys: Journeys, period: Period, expected: Sequence[Period], business: str = "all"
) -> Slippage | None:
    """Measure per deal what slipped out of a period, less what usually slips.

    A deal slips when it was open and due in the period on the morning of its first day, and on the evening of its
    last day is still open with a close date after it. It counts with its amount × the share of such deals, pushed out
    in the same stage, that were won in the end. Every period has some slippage: only the part above the expected
    periods' average explains a gap, taken off all deals alike.

    Args:
        company: The opened company.
        journeys: Its journeys.
        period: The period in question.
        expected: The periods it is compared with.
        business: all, new or existing.

    Returns:
        What slipped, per deal; nothing unusual gives zeros. None where no change of a close date is known.
    """
    history = journeys.history
    if history is None or not journeys.tracks_close_dates:
        return None
    deals = journeys.records["deal"]
    weight = _learn_weights(company, journeys, period)
    before = np.zeros(deals.n)
    usual = 0.0
    for one in expected:
        amount, stage = _pushed(journeys, one, deals.is_business(business))
        before += amount > 0
        usual += float((amount * weight[stage]).sum()) / len(expected)
    amount, stage = _pushed(journeys, period, deals.is_business(business))
    likely = amount * weight[stage]
    unusual = max(1.0 - usual / likely.sum(), 0.0) if likely.sum() > 0 else 0.0
    count = np.where(amount > 0, weight[stage], 0.0) * unusual
    return Slippage((amount > 0).astype(float), before, likely * unusual, count)


def list_slipped(company, journeys: Journeys, period: Period):
    """List the deals that slipped out of a period, the largest first.

    Returns:
        One row per deal: the columns of the canonical table with ``slipped`` (amount at the period's end, currency).
    """
    table = company.tables.get("deal")
    if table is None or journeys.history is None or not journeys.tracks_close_dates:
        return None
    amount, _ = _pushed(journeys, period, np.ones(len(table), bool))
    found = table[amount > 0].assign(slipped=amount[amount > 0])
    return found.sort_values("slipped", ascending=False, kind="stable").reset_index(drop=True)


def _pushed(journeys: Journeys, period: Period, selected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return per deal the amount pushed out of a period (0 where not) and the code of its stage at the end."""
    history = journeys.history
    first, last = day_number(period.start), min(day_number(period.end), journeys.as_of)
    opening, closing = history.state_on(first - 1), history.state_on(last)
    due = opening.is_open & selected & (opening.closed >= first) & (opening.closed <= day_number(period.end))
    pushed = due & closing.is_open & (closing.closed > day_number(period.end))
    return np.where(pushed, np.nan_to_num(closing.amount), 0.0), closing.stage


def _learn_weights(company, journeys: Journeys, period: Period) -> np.ndarray:
    """Return per stage code how often deals pushed out in that stage were won in the end (last: unknown stage).

    Learnt from the eight periods before; a stage with few such deals is held to all stages' share, and where there
    are none at all to the probabilities that the company gives its stages.
    """
    history = journeys.history
    size = len(history.stage_labels) + 1
    won, decided = np.zeros(size), np.zeros(size)
    today = history.state_on(journeys.as_of)
    for back in range(1, LEARNT_FROM + 1):
        amount, stage = _pushed(journeys, period.previous(back), np.ones(len(today.outcome), bool))
        seen = (amount > 0) & (today.outcome != OPEN)
        won += np.bincount(stage[seen] % size, today.outcome[seen] == WON, minlength=size)
        decided += np.bincount(stage[seen] % size, minlength=size)
    if decided.sum() >= 10:
        usual = won.sum() / decided.sum()
        return (won + HELD_BY * usual) / (decided + HELD_BY)
    stages = getattr(company.settings, "deal_stages", ()) or ()
    known = {stage.label: stage.probability for stage in stages if stage.probability is not None}
    return np.array([*(known.get(label, 0.3) for label in history.stage_labels), 0.3], dtype=float)
