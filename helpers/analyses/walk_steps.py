"""What each deal did to the pipeline between two days: which steps of the walk it took, and at what amount.

Two days are compared, the evening before the period and its last evening, as two exports would show them. A deal that
comes in counts at the amount that it has at the end, or closed at; a deal that was there from the start does too, and
what its amount changed by is a step of its own. So won is what was booked, and nothing is counted twice.
"""

from dataclasses import dataclass

import numpy as np

from helpers.engine.history import LOST, OPEN, WON, ChangeLog, DealHistory, DealState
from helpers.engine.timeline import NO_DAY

DUE, ALL_OPEN = "due", "open"
SCOPES = (DUE, ALL_OPEN)
"""Pipeline due in the period by its close date, or everything that is open."""


@dataclass(frozen=True)
class Step:
    """One step of the walk.

    Attributes:
        id: What tables call it.
        label: What readers call it.
        sign: 1 adds to the pipeline, -1 takes away, 0 is a level.
        direction: Whether more of it is good (up), bad (down) or neither (none).
        means: What counts.
        is_rare: Whether it is left out where nothing took it.
        scopes: In which walks it can occur.
    """

    id: str
    label: str
    sign: int
    direction: str
    means: str
    is_rare: bool = False
    scopes: tuple[str, ...] = SCOPES


STEPS = (
    Step("opening", "Opening", 0, "none", "Open on the evening before the period"),
    Step("created", "Created", 1, "up", "Created in the period"),
    Step("pulled_in", "Pulled in", 1, "up", "Close date moved into the period from a later day", scopes=(DUE,)),
    Step("carried_in", "Overdue, moved in", 1, "none",
         "Close date moved into the period from an earlier day, or set for the first time", True, (DUE,)),
    Step("reopened", "Reopened", 1, "none", "Won or lost before the period, and taken up again", True),
    Step("amount_up", "Amount up", 1, "up", "More on a deal that was there from the start"),
    Step("amount_down", "Amount down", -1, "down", "Less on a deal that was there from the start"),
    Step("pushed_out", "Pushed out", -1, "down", "Still open, close date moved to after the period", scopes=(DUE,)),
    Step("dated_back", "Dated back", -1, "none",
         "Still open, close date removed or moved to before the period", True, (DUE,)),
    Step("won", "Won", -1, "up", "Won in the period"),
    Step("lost", "Lost", -1, "down", "Lost in the period"),
    Step("closing", "Closing", 0, "none", "Open on the last evening of the period"),
)  # fmt: skip
BY_ID = {step.id: step for step in STEPS}
FLOWS = tuple(step for step in STEPS if step.sign)


@dataclass(frozen=True)
class Moves:
    """Who took which step; arrays run along the table of deals.

    Attributes:
        took: Step id → which deals took it.
        cents: Step id → what each deal added or took away, in hundredths, signed; 0 where it didn't take it.
        before: The deals on the evening before the period.
        after: The deals on the last evening.
        lost_elsewhere: Deals due at another time and lost in the period: they never were in this pipeline.
    """

    took: dict[str, np.ndarray]
    cents: dict[str, np.ndarray]
    before: DealState
    after: DealState
    lost_elsewhere: np.ndarray


def find_moves(history: DealHistory, counted: np.ndarray, first: int, last: int, until: int, scope: str) -> Moves:
    """Tell the steps of every deal.

    Args:
        history: The deals, ready to be rewound.
        counted: Which deals count at all.
        first: Day number of the period's first day.
        last: Day number of its last day.
        until: Day number of the last evening that is known, at most ``last``.
        scope: One of ``SCOPES``.
    """
    before, after = history.state_on(first - 1), history.state_on(until)
    counted = counted & (history.created != NO_DAY)
    opened, stays = (_is_in(state, counted, first, last, scope) for state in (before, after))
    closed_now = counted & after.exists & (after.outcome != OPEN)
    in_time = closed_now & (after.closed >= first) & (after.closed <= until)
    # What was already closed the same way on the evening before did nothing in the period.
    in_time &= ~(before.exists & (before.outcome == after.outcome))
    was_open = before.is_open & counted
    elsewhere = was_open & ~opened & in_time & (after.outcome == LOST)
    comes = ~opened & (stays | (in_time & ~elsewhere))
    took = _find_entries(before, comes, last, scope)
    leaves = opened & ~stays
    took["won"] = (leaves | comes) & ~stays & (after.outcome == WON)
    took["lost"] = (leaves | comes) & ~stays & (after.outcome == LOST)
    still = leaves & (after.outcome == OPEN)
    took["pushed_out"] = still & (after.closed > last)
    took["dated_back"] = still & ~took["pushed_out"]
    begin, end = _cents(before.amount), _cents(after.amount)
    change = np.where(opened, end - begin, 0)
    took["amount_up"], took["amount_down"] = change > 0, change < 0
    took["opening"], took["closing"] = opened, stays
    cents = {}
    for step in STEPS:
        amounts = begin if step.id == "opening" else change if step.id.startswith("amount") else end * (step.sign or 1)
        cents[step.id] = np.where(took[step.id], amounts, 0)
    _require_footing(took, cents)
    return Moves(took, cents, before, after, elsewhere)


def _is_in(state: DealState, counted: np.ndarray, first: int, last: int, scope: str) -> np.ndarray:
    there = state.is_open & counted
    return there if scope == ALL_OPEN else there & (state.closed >= first) & (state.closed <= last)


def _find_entries(before: DealState, comes: np.ndarray, last: int, scope: str) -> dict[str, np.ndarray]:
    created = comes & ~before.exists
    reopened = comes & before.exists & (before.outcome != OPEN)
    rest = comes & ~created & ~reopened
    later = rest & (before.closed > last)
    return {"created": created, "reopened": reopened, "pulled_in": later, "carried_in": rest & ~later}


def _cents(amounts: np.ndarray) -> np.ndarray:
    return np.rint(np.nan_to_num(amounts) * 100).astype(np.int64)


def _require_footing(took: dict[str, np.ndarray], cents: dict[str, np.ndarray]) -> None:
    """Hold every single deal to the rule that the steps lead from its opening to its closing."""
    count = took["opening"].astype(np.int64) - took["closing"]
    amount = cents["opening"] - cents["closing"]
    for step in FLOWS:
        amount = amount + cents[step.id]
        if not step.id.startswith("amount"):
            count = count + step.sign * took[step.id].astype(np.int64)
    assert not count.any() and not amount.any(), "a deal's steps don't lead from its opening to its closing"


def last_changes(log: ChangeLog, n: int, first: int, until: int) -> np.ndarray:
    """Return the day of each deal's last change of one field between two days, ``NO_DAY`` where there was none."""
    found = np.full(n, NO_DAY, np.int64)
    inside = (log.day >= first) & (log.day <= until)
    found[log.deal[inside]] = log.day[inside]
    return found
