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

from helpers.analyses.slippage import measure_slippage
from helpers.engine.journeys import LOST_STAGE, Journeys, Records, build_journeys
from helpers.engine.timeline import NO_DAY, day_number
from helpers.periods import Period

DECIDED = "deals_decided"
WON = "deals_won"
REVENUE = "revenue_won"
SLIPPED = "slipped"

FIRST_ASKED = ("channel", "region", "segment", "product", "source", "industry", "type", "country", "pipeline", "team")
"""Partitions in the order in which they are searched where there are more than can be."""

PEOPLE = ("owner", "manager", "sales_agent", "assigned_to")
"""Partitions that name people even where nobody said so."""

MOST_DIMENSIONS = 8
MOST_VALUES = 100
MOST_BLANK = 0.6


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
) -> GapLeaves | None:
    """Build the leaves of the deals decided in a period: decided → won → revenue.

    Args:
        company: The opened company.
        period: The period in question.
        expected: The earlier period or periods that say what was to be expected.
        as_of: The last day that counts.
        business: all, new or existing.
        with_slipped: Count what was pushed out too (where close-date changes are known).

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
    numbers = {WON: _split(is_won.astype(float), side)}
    if (lost[side > 0] != NO_DAY).any():
        pushed = (0.0, 0.0) if slipped is None else (slipped.pushed_expected, slipped.pushed)
        entered = _split(np.ones(deals.n), side)
        numbers = {DECIDED: (entered[0] + pushed[0], entered[1] + pushed[1])} | numbers
    steps = tuple(numbers)
    if has_money:
        logs = np.where(is_won & (money > 0), np.log(np.maximum(money, 0.01)), 0.0)
        columns = {REVENUE: money * is_won, f"{REVENUE}_log": logs, f"{REVENUE}_logsq": logs**2}
        numbers |= {name: _split(number, side) for name, number in columns.items()}
    flat = {} if slipped is None else {SLIPPED: slipped.amount, f"{SLIPPED}_count": slipped.count}
    rows = np.logical_or.reduce([numbers[name][place] != 0 for name in steps for place in (0, 1)])
    dimensions, left_out = choose_dimensions(company, journeys, "deal", rows)
    frame = _sum_leaves(journeys, deals, dimensions, rows, numbers, flat)
    names = " and ".join(one.label for one in expected) if len(expected) <= 2 else f"{len(expected)} earlier periods"
    return GapLeaves(
        lens="closing",
        frame=frame,
        dimensions=dimensions,
        steps=steps,
        labels={
            DECIDED: "Deals decided" if slipped is None else "Deals decided or pushed out",
            WON: "Deals won",
            REVENUE: "Closed revenue",
        },
        amount=REVENUE if has_money else None,
        slipped=SLIPPED if slipped is not None else None,
        expected_periods=len(expected),
        basis=f"Deals {'won or lost in' if slipped is None else 'won, lost or pushed out of'} {period.label}, "
        f"by close date, compared with {names}",
        left_out=left_out,
    )


def build_creation_leaves(company, *, period: Period, expected: Sequence[Period], as_of: date) -> GapLeaves | None:
    """Build the leaves of the contacts that entered in a period, each cohort seen at the same age.

    A record counts at a step when it has the dates of this and all steps before it, in order, by the end of its own
    period (later by as many days as the last day that counts lies after the period's end).

    Args:
        company: The opened company.
        period: The period in question.
        expected: The earlier period or periods.
        as_of: The last day that counts.

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


def choose_dimensions(
    company, journeys: Journeys, object: str, rows: np.ndarray
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Choose the partitions to search: known when a record entered, carried by it, and with values that differ.

    Args:
        company: The opened company.
        journeys: Its journeys.
        object: Whose partitions.
        rows: Which records are looked at.

    Returns:
        At most ``MOST_DIMENSIONS`` ids, and for every other partition of the object why it is left out.
    """
    codes = journeys.records[object].codes
    chosen: list[str] = []
    left_out: dict[str, str] = {}
    order = {id: place for place, id in enumerate(FIRST_ASKED)}
    ids = [id for id, partition in company.partitions.items() if object in partition.objects and id in codes]
    for id in sorted(ids, key=lambda id: (order.get(id, len(order)), company.partitions[id].n_values, id)):
        reason = _why_left_out(company.partitions[id], codes[id][rows], len(journeys.labels[id]) - 1)
        if not reason and any(_is_same(codes[id][rows], codes[other][rows]) for other in chosen):
            reason = "says the same as another partition"
        if not reason and len(chosen) >= MOST_DIMENSIONS:
            reason = f"only {MOST_DIMENSIONS} partitions are searched at once"
        if reason:
            left_out[id] = reason
        else:
            chosen.append(id)
    return tuple(chosen), left_out


def _why_left_out(partition, codes: np.ndarray, blank: int) -> str:
    """Say why a partition can't be searched; empty where it can."""
    if partition.known != "entry":
        return f"known only {'with the outcome' if partition.known == 'outcome' else 'on the way'}"
    if is_person(partition):
        return "names people, who are judged apart, after adjusting for the mix that they were given"
    if not len(codes):
        return "no records"
    used = np.unique(codes)
    if len(used) < 2:
        return "has only one value"
    if len(used) > min(MOST_VALUES, max(len(codes) / 4, 2)):
        return "has too many values for the number of records"
    if (codes == blank).mean() > MOST_BLANK:
        return "is mostly blank"
    return ""


def is_person(partition) -> bool:
    """Tell whether a partition's values are people."""
    return bool(partition.is_person) or partition.id in PEOPLE


def _is_same(one: np.ndarray, other: np.ndarray) -> bool:
    """Tell whether two partitions name the same groups."""
    pairs = np.unique(one.astype(np.int64) * (int(other.max(initial=0)) + 1) + other)
    return len(pairs) == len(np.unique(one)) == len(np.unique(other))


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


def _leaf_frame(journeys: Journeys, records: Records, dimensions: Sequence[str], rows: np.ndarray) -> pd.DataFrame:
    """Return the texts of the dimensions for some records, missing as NA."""
    columns = {}
    for id in dimensions:
        labels = journeys.labels[id]
        texts = np.append(labels[:-1], None)
        columns[id] = pd.Series(texts[records.codes[id][rows]], dtype="str")
    return pd.DataFrame(columns, index=range(int(np.count_nonzero(rows))))


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
    """Add the numbers per combination of dimensions: those with two sides, and those without."""
    frame = _leaf_frame(journeys, records, dimensions, rows)
    for name, (expected, actual) in numbers.items():
        frame[f"{name}_expected"], frame[f"{name}_actual"] = expected[rows], actual[rows]
    for name, number in flat.items():
        frame[name] = number[rows]
    return _group(frame, dimensions)


def _group(frame: pd.DataFrame, dimensions: Sequence[str]) -> pd.DataFrame:
    """Add up rows of the same combination."""
    numbers = [column for column in frame.columns if column not in dimensions]
    if not len(dimensions):
        return frame[numbers].sum().to_frame().T
    return frame.groupby(list(dimensions), dropna=False, observed=True, sort=True)[numbers].sum().reset_index()


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
