"""The leaf tables of a gap: expected and actual counts per combination of partitions, built from a company's journeys.

Two lenses, because a gap has two honest places. *Closing* follows the deals that were decided in the period: they made
its revenue, so this lens adds up to the revenue gap. *Creation* follows the records that entered in the period, as far
as they had come by the period's end, each earlier cohort cut at the same age: it tells of next period's revenue.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd

from helpers.analyses.leaf_dimensions import MOST_ADDED_UP, MOST_DIMENSIONS, choose_dimensions, is_person
from helpers.analyses.leaf_sums import place_sides, split_sides, sum_leaves
from helpers.analyses.slippage import Slippage, measure_slippage
from helpers.engine.journeys import LOST_STAGE, build_journeys
from helpers.engine.timeline import NO_DAY
from helpers.periods import Period

DECIDED = "deals_decided"
WON = "deals_won"
REVENUE = "revenue_won"
SLIPPED = "slipped"
CLOSING_LABELS = {DECIDED: "Deals decided", WON: "Deals won", REVENUE: "Closed revenue"}


@dataclass(frozen=True)
class GapLeaves:
    """Hold a leaf table with what a reader has to know about it.

    Attributes:
        lens: closing or creation.
        frame: One row per combination of partitions; ``<step>_expected`` and ``<step>_actual`` per step.
        dimensions: The partitions searched.
        steps: Ordered counts.
        labels: Step → what a reader calls it.
        amount: The money, or None.
        slipped: Column of what slipped out of the period, or None.
        expected_periods: How many periods the expected side adds up.
        basis: What was counted and with what it is compared, in a sentence.
        worth: What one count of the last step is worth later, where the lens has no money of its own.
        left_out: Partition → why it is not searched.
        people: Those of the partitions that name people; never searched, only added up.
        adjusted_for: Further columns of the frame, by which rates are expected and nothing is searched.
    """

    lens: str
    frame: pd.DataFrame
    dimensions: tuple[str, ...]
    steps: tuple[str, ...]
    labels: dict[str, str]
    amount: str | None = None
    slipped: str | None = None
    expected_periods: int = 1
    basis: str = ""
    worth: float | None = None
    left_out: dict[str, str] = field(default_factory=dict)
    people: tuple[str, ...] = ()
    adjusted_for: tuple[str, ...] = ()

    @property
    def outcome(self) -> str:
        """The column (without suffix) that the gap is measured in."""
        return self.amount or self.steps[-1]

    @property
    def expected(self) -> float:
        """The expected outcome of one period."""
        return float(self.frame[f"{self.outcome}_expected"].sum()) / self.expected_periods

    @property
    def actual(self) -> float:
        """The actual outcome."""
        return float(self.frame[f"{self.outcome}_actual"].sum())


def build_closing_leaves(
    company,
    *,
    period: Period,
    expected: Sequence[Period],
    as_of: date,
    business: str = "all",
    with_slipped: bool = True,
    with_people: bool = False,
    cut_by: Sequence[str] | None = None,
) -> GapLeaves | None:
    """Build the leaves of the deals decided in a period: decided → won → revenue.

    Args:
        company: The opened company.
        period: The period in question.
        expected: The earlier period or periods that say what was to be expected.
        as_of: The last day that counts.
        business: all, new or existing.
        with_slipped: Count what was pushed out too (where close-date changes are known).
        with_people: Take every partition along, those of people too, for adding up and not for searching.
        cut_by: The partitions to take, whatever they hold; None chooses those that can be searched.

    Deals that were due and pushed out of their period count as entered and not won, so that what slipped is told
    as timing and neither as fewer deals nor as a worse rate.

    Returns:
        The leaf table; where the company has no lost deals the chain starts at won. None where no deal was won in
        any of the periods, or no earlier period is given.
    """
    journeys = build_journeys(company, as_of=as_of)
    deals = journeys.records.get("deal")
    if deals is None or not expected or ("won", business) not in deals.reached:
        return None
    won, lost = (deals.reached.get((stage, business), np.full(deals.n, NO_DAY)) for stage in ("won", LOST_STAGE))
    side = place_sides(np.where(won != NO_DAY, won, lost), period, expected)
    is_won = (won != NO_DAY) & (side > 0)
    if not is_won.any():
        return None
    money = deals.cents["amount"] / 100 if "amount" in deals.cents else np.zeros(deals.n)
    has_money = bool(money[is_won].any())
    slipped = None
    if has_money and with_slipped:
        slipped = measure_slippage(company, journeys, period, expected, business)
    steps = _count_decided(side, is_won, has_lost=bool((lost[side > 0] != NO_DAY).any()), slipped=slipped)
    rows = np.logical_or.reduce([number != 0 for sides in steps.values() for number in sides])
    most = MOST_ADDED_UP if with_people else MOST_DIMENSIONS
    dimensions, left_out = choose_dimensions(company, journeys, "deal", rows, with_people=with_people, most=most)
    dimensions = dimensions if cut_by is None else tuple(cut_by)
    numbers = steps | (_split_money(money, is_won, side) if has_money else {})
    flat = {} if slipped is None else {SLIPPED: slipped.amount, f"{SLIPPED}_count": slipped.count}
    names = " and ".join(one.label for one in expected) if len(expected) <= 2 else f"{len(expected)} earlier periods"
    what = "won or lost in" if slipped is None else "won, lost or pushed out of"
    return GapLeaves(
        lens="closing",
        frame=sum_leaves(journeys, deals, dimensions, rows, numbers, flat),
        dimensions=dimensions,
        steps=tuple(steps),
        labels=CLOSING_LABELS | ({} if slipped is None else {DECIDED: "Deals decided or pushed out"}),
        amount=REVENUE if has_money else None,
        slipped=SLIPPED if slipped is not None else None,
        expected_periods=len(expected),
        basis=f"Deals {what} {period.label}, by close date, compared with {names}",
        left_out=left_out,
        people=tuple(id for id in dimensions if is_person(company.partitions[id])),
    )


def _count_decided(
    side: np.ndarray, is_won: np.ndarray, *, has_lost: bool, slipped: Slippage | None
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the counts of the chain: decided (with what was pushed out), then won; won alone without lost deals."""
    won = {WON: split_sides(is_won.astype(float), side)}
    if not has_lost:
        return won
    before, now = split_sides(np.ones(len(side)), side)
    if slipped is not None:
        before, now = before + slipped.pushed_expected, now + slipped.pushed
    return {DECIDED: (before, now)} | won


def _split_money(money: np.ndarray, is_won: np.ndarray, side: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the won amounts, with the sums of logarithms that sharpen the search."""
    logs = np.where(is_won & (money > 0), np.log(np.maximum(money, 0.01)), 0.0)
    columns = {REVENUE: money * is_won, f"{REVENUE}_log": logs, f"{REVENUE}_logsq": logs**2}
    return {name: split_sides(number, side) for name, number in columns.items()}
