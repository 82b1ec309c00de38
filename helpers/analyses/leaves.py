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
from helpers.analyses.slippage import Slippage, measure_slippage
from helpers.engine.journeys import LOST_STAGE, Journeys, Records, build_journeys
from helpers.engine.timeline import NO_DAY, day_number
from helpers.periods import Period

DECIDED = "deals_decided"
WON = "deals_won"
REVENUE = "revenue_won"
SLIPPED = "slipped"
SIDES = ("expected", "actual")
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
    side = _place_sides(np.where(won != NO_DAY, won, lost), period, expected)
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
        frame=_sum_leaves(journeys, deals, dimensions, rows, numbers, flat),
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
    won = {WON: _split(is_won.astype(float), side)}
    if not has_lost:
        return won
    before, now = _split(np.ones(len(side)), side)
    if slipped is not None:
        before, now = before + slipped.pushed_expected, now + slipped.pushed
    return {DECIDED: (before, now)} | won


def _split_money(money: np.ndarray, is_won: np.ndarray, side: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the won amounts, with the sums of logarithms that sharpen the search."""
    logs = np.where(is_won & (money > 0), np.log(np.maximum(money, 0.01)), 0.0)
    columns = {REVENUE: money * is_won, f"{REVENUE}_log": logs, f"{REVENUE}_logsq": logs**2}
    return {name: _split(number, side) for name, number in columns.items()}


def build_creation_leaves(
    company, *, period: Period, expected: Sequence[Period], as_of: date, cut_by: Sequence[str] | None = None
) -> GapLeaves | None:
    """Build the leaves of the contacts that entered in a period, each cohort seen at the same age.

    A record counts at a step when it has the dates of this and all steps before it, in order, by the end of its own
    period (later by as many days as the last day that counts lies after the period's end).

    Args:
        company: The opened company.
        period: The period in question.
        expected: The earlier period or periods.
        as_of: The last day that counts.
        cut_by: The partitions to take, whatever they hold; None chooses those that can be searched.

    Returns:
        The leaf table, from the first stage that contacts have a date for up to the opportunity (to won where the
        company has no deals). None where contacts have fewer than two stages, or no earlier period is given.
    """
    journeys = build_journeys(company, as_of=as_of)
    contacts = journeys.records.get("contact")
    if contacts is None or not expected:
        return None
    stages = _contact_stages(company, journeys, contacts)
    if len(stages) < 2:
        return None
    days = [contacts.reached.get((id, "new"), contacts.reached.get((id, "all"))) for id in stages]
    side = _place_sides(days[0], period, expected)
    cut = _cut_days(days[0], period, expected, as_of)
    reached, previous = side > 0, days[0]
    numbers, labels = {}, {}
    for id, day in zip(stages, days, strict=True):
        reached = reached & (day != NO_DAY) & (day >= previous) & (day <= cut)
        previous = day
        stage = company.catalog.stages[id]
        numbers[stage.volume or id] = _split(reached.astype(float), side)
        labels[stage.volume or id] = stage.label
    if not (side == 1).any() or not (side == 2).any():
        return None
    dimensions, left_out = choose_dimensions(company, journeys, "contact", side > 0)
    dimensions = dimensions if cut_by is None else tuple(cut_by)
    names = " and ".join(one.label for one in expected) if len(expected) <= 2 else f"{len(expected)} earlier periods"
    return GapLeaves(
        lens="creation",
        frame=_sum_leaves(journeys, contacts, dimensions, side > 0, numbers, {}),
        dimensions=dimensions,
        steps=tuple(numbers),
        labels=labels,
        expected_periods=len(expected),
        basis=(
            f"{next(iter(labels.values()))} of {period.label} and how far they had come by its end, compared with "
            f"{names} at the same age"
        ),
        worth=_worth_of_last(journeys, stages[-1]),
        left_out=left_out,
    )


def build_win_leaves(company, *, period: Period, expected: Sequence[Period], as_of: date) -> GapLeaves | None:
    """Build the leaves of a company without deals whose contacts were won in a period: one step, by the day of the win.

    Args:
        company: The opened company.
        period: The period in question.
        expected: The earlier period or periods.
        as_of: The last day that counts.

    Returns:
        The leaf table; None where no contact was won in one of the two.
    """
    journeys = build_journeys(company, as_of=as_of)
    contacts = journeys.records.get("contact")
    if contacts is None or not expected or ("won", "all") not in contacts.reached:
        return None
    won = contacts.reached["won", "all"]
    side = _place_sides(won, period, expected)
    if not (side == 1).any() or not (side == 2).any():
        return None
    rows = side > 0
    numbers = {WON: _split(np.ones(len(won)), side)}
    money = contacts.cents["amount"] / 100 if "amount" in contacts.cents else None
    if money is not None and money[rows].any():
        numbers[REVENUE] = _split(money, side)
    dimensions, left_out = choose_dimensions(company, journeys, "contact", rows)
    names = " and ".join(one.label for one in expected)
    return GapLeaves(
        lens="closing",
        frame=_sum_leaves(journeys, contacts, dimensions, rows, numbers, {}),
        dimensions=dimensions,
        steps=(WON,),
        labels={WON: "Won deals", REVENUE: "Closed revenue"},
        amount=REVENUE if REVENUE in numbers else None,
        expected_periods=len(expected),
        basis=f"Contacts won in {period.label}, compared with {names}",
        left_out=left_out,
    )


def _contact_stages(company, journeys: Journeys, contacts: Records) -> list[str]:
    """Return the stages that contacts have dates for, in order, ending before the deal takes over."""
    has_deals = "deal" in journeys.records
    stages = []
    for id, stage in company.catalog.stages.items():
        day = contacts.reached.get((id, "all"))
        if day is None or not (day != NO_DAY).any() or stage.object not in ("contact", "deal"):
            continue
        if stage.closes and has_deals:
            break
        stages.append(id)
    return stages


def _place_sides(days: np.ndarray, period: Period, expected: Sequence[Period]) -> np.ndarray:
    """Return 1 for records of the expected periods, 2 for those of the period in question, else 0."""
    side = np.zeros(len(days), dtype=np.int8)
    for one in expected:
        side[(days >= day_number(one.start)) & (days <= day_number(one.end))] = 1
    side[(days >= day_number(period.start)) & (days <= day_number(period.end))] = 2
    return side


def _cut_days(days: np.ndarray, period: Period, expected: Sequence[Period], as_of: date) -> np.ndarray:
    """Return per record the last day on which it is looked at."""
    extra = max((as_of - period.end).days, 0)
    cut = np.full(len(days), NO_DAY, dtype=np.int64)
    for one in (*expected, period):
        inside = (days >= day_number(one.start)) & (days <= day_number(one.end))
        cut[inside] = min(day_number(one.end) + extra, day_number(as_of))
    return cut


def _split(number: np.ndarray, side: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a number per record as its expected and its actual side."""
    return np.where(side == 1, number, 0.0), np.where(side == 2, number, 0.0)


def _sum_leaves(
    journeys: Journeys,
    records: Records,
    dimensions: Sequence[str],
    rows: np.ndarray,
    numbers: dict[str, tuple[np.ndarray, np.ndarray]],
    flat: dict[str, np.ndarray],
) -> pd.DataFrame:
    """Add the numbers per combination of dimensions: those with two sides, and those without.

    The records are coded already, and codes are in the order of their texts with missing ones last, so that no text is
    looked at before the combinations are few.
    """
    columns = {
        f"{name}_{side}": part for name, parts in numbers.items() for side, part in zip(SIDES, parts, strict=True)
    }
    columns |= flat
    if not len(dimensions):
        return pd.DataFrame({name: [number[rows].sum()] for name, number in columns.items()})
    where, combinations = _number_combinations([records.codes[id][rows] for id in dimensions])
    frame = {}
    for id, codes in zip(dimensions, combinations, strict=True):
        texts = np.append(journeys.labels[id][:-1], None)
        frame[id] = pd.Series(texts[codes], dtype="str")
    count = len(combinations[0])
    sums = {name: np.bincount(where, number[rows], minlength=count) for name, number in columns.items()}
    return pd.DataFrame(frame | sums)


def _number_combinations(codes: Sequence[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Number the combinations of codes that occur, in the order of their codes.

    Returns:
        The number of each record's combination, and per dimension the code of each combination.
    """
    key, widths = np.zeros(len(codes[0]), dtype=np.int64), [int(code.max(initial=0)) + 1 for code in codes]
    if np.prod(widths, dtype=float) >= 2**62:
        found, where = np.unique(np.stack(codes), axis=1, return_inverse=True)
        return where.reshape(-1), list(found)
    for code, width in zip(codes, widths, strict=True):
        key = key * width + code
    where, found = pd.factorize(key)
    order = np.argsort(found)
    place, found, kept = np.argsort(order), found[order], []
    for width in reversed(widths):
        found, code = np.divmod(found, width)
        kept.append(code)
    return place[where], kept[::-1]


def _worth_of_last(journeys: Journeys, stage: str) -> float | None:
    """Return what one record of a stage has brought on average over the whole history, in closed new revenue."""
    deals = journeys.records.get("deal")
    if deals is None or "amount" not in deals.cents or (stage, "new") not in deals.reached:
        return None
    created = deals.reached[stage, "new"]
    decided = (deals.reached[("won", "new")] != NO_DAY) | (
        deals.reached.get((LOST_STAGE, "new"), np.full(deals.n, NO_DAY)) != NO_DAY
    )
    mature = (created != NO_DAY) & decided
    if not mature.any():
        return None
    won = mature & (deals.reached[("won", "new")] != NO_DAY)
    return float(deals.cents["amount"][won].sum() / 100 / mature.sum())
