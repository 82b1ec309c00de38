"""What the tests of the five Ms ask about, and how they answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np
import pandas as pd

from helpers.analyses.fairness import Fairness
from helpers.analyses.leaf_dimensions import FIRST_ASKED, is_person
from helpers.analyses.leaves import GapLeaves
from helpers.analyses.standardisation import combine_codes
from helpers.engine.journeys import LOST_STAGE, Journeys, build_journeys
from helpers.engine.timeline import NO_DAY, day_number, to_days
from helpers.periods import Period

EVIDENCE, NO_SIGN, UNTESTED = "evidence", "no sign", "can't be tested"

THIS_PERIOD, LATER = "this period", "later"
"""When the money of a cause is missing: in the revenue of the period in question, or in what its leads bring later."""

MOST_GROUPS = 30
"""A partition with more values than this is not looked through for a break."""


@dataclass(frozen=True)
class Answer:
    """Hold what one test found.

    Attributes:
        verdict: ``EVIDENCE``, ``NO_SIGN`` or ``UNTESTED``.
        statement: In words, with the numbers.
        n: Records looked at in the period.
        slice: Where, ``all`` where everywhere.
        money: What it costs, negative; None where that can't be told.
        p_value: Of the test, corrected for what it searched itself; None where nothing was compared.
        n_before: Records looked at in the periods compared.
        low, high: Interval of the money at 90 %.
        counts_for: ``THIS_PERIOD`` or ``LATER``.
        why_no_money: Why there is no money.
        object, rows: The records behind it: positions in the object's table.
        began: First day of what was found, where a day or period can be told.
        fits: Whether it began with the gap and not long before it.
        is_state: Whether it tells how things are and not how they changed.
        is_free: Whether records in the bad state were seen to go on no less often than like ones.
        is_corrected: Whether the p-value is corrected for everything that was searched already, as a q-value is.
    """

    verdict: str
    statement: str
    n: int = 0
    slice: str = "all"
    money: float | None = None
    p_value: float | None = None
    n_before: int = 0
    low: float | None = None
    high: float | None = None
    counts_for: str = ""
    why_no_money: str = ""
    object: str = ""
    rows: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    began: date | None = None
    fits: bool = True
    is_state: bool = False
    is_corrected: bool = False
    is_free: bool = False


@dataclass(frozen=True)
class Decided:
    """The deals of new business that were won or lost; arrays along the table of deals.

    Attributes:
        day: Day number of the close, ``NO_DAY`` while a deal is open.
        created: Day number of the creation.
        is_won: Whether it was won.
        amount: What it is worth, NaN where unknown.
    """

    day: np.ndarray
    created: np.ndarray
    is_won: np.ndarray
    amount: np.ndarray


@dataclass(frozen=True)
class Question:
    """Hold what the tests ask about.

    Attributes:
        company: The opened company.
        period: The period in question.
        expected: The periods it is compared with, oldest first.
        as_of: The last day that counts.
        causes: The rows of ``root_cause.csv``.
        fairness: Everybody compared with what came to them, or None.
        is_searched: Whether there was anything to search.
        moved: What moved everywhere, as ``Gap.moved``.
        leaves: Lens → the leaf table that was searched.
        gap: The gap in money, None where it has none.
        memory: What several tests need and is computed once.
    """

    company: object
    period: Period
    expected: Sequence[Period]
    as_of: date
    causes: pd.DataFrame = field(default_factory=pd.DataFrame)
    fairness: Fairness | None = None
    is_searched: bool = True
    moved: pd.DataFrame = field(default_factory=pd.DataFrame)
    leaves: dict[str, GapLeaves | None] = field(default_factory=dict)
    gap: float | None = None
    memory: dict = field(default_factory=dict)

    @cached_property
    def journeys(self) -> Journeys:
        """The company's journeys."""
        return build_journeys(self.company, as_of=self.as_of)

    @property
    def compared(self) -> str:
        """The periods compared, in words."""
        if not self.expected:
            return ""
        first, last = self.expected[0].label, self.expected[-1].label
        return first if first == last else f"{first} to {last}"

    def place(self, days: np.ndarray) -> np.ndarray:
        """Return for each day the place of its period: 0 is the oldest expected one, the last is the one in question.

        Days in none of them get −1.
        """
        place = np.full(len(days), -1, np.int64)
        for number, one in enumerate((*self.expected, self.period)):
            place[_within(days, one)] = number
        return place

    def side(self, days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which days lie in the period, and which in the expected ones."""
        place = self.place(days)
        return place == len(self.expected), (place >= 0) & (place < len(self.expected))

    def contact_days(self, name: str) -> np.ndarray:
        """Return a date of contacts as day numbers; after the last day that counts it is missing."""
        days = to_days(self.company.tables["contact"][name])
        return np.where(days > day_number(self.as_of), NO_DAY, days).astype(np.int64)

    @cached_property
    def decided(self) -> Decided | None:
        """The decided deals of new business; None without deals that were won."""
        deals = self.journeys.records.get("deal")
        if deals is None or ("won", "new") not in deals.reached:
            return None
        won = deals.reached["won", "new"]
        lost = deals.reached.get((LOST_STAGE, "new"), np.full(deals.n, NO_DAY))
        created = deals.reached.get(("opportunity", "new"), np.full(deals.n, NO_DAY))
        amount = np.full(deals.n, np.nan)
        if "amount" in deals.cents:
            amount = np.where(deals.known["amount"], deals.cents["amount"] / 100, np.nan)
        day = np.where(won != NO_DAY, won, lost).astype(np.int64)
        return Decided(day, created.astype(np.int64), won != NO_DAY, amount)

    def list_groups(self, object: str, *, skip: Sequence[str] = ()) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return the partitions among whose values a break is looked for: id → codes of the records, texts."""
        records, partitions = self.journeys.records[object], self.company.partitions
        return {
            id: (codes.astype(np.int64), self.journeys.labels[id])
            for id, codes in records.codes.items()
            if partitions[id].known == "entry" and partitions[id].question != "when"
            and not is_person(partitions[id]) and id not in skip
            and len(self.journeys.labels[id]) <= MOST_GROUPS
        }  # fmt: skip

    def list_kinds(self, object: str) -> np.ndarray:
        """Return for each record of which kind it is: the combination of the two partitions asked for first."""
        groups = self.list_groups(object, skip=("team", "role", "type", "pipeline"))
        wanted = [id for id in ("source", "segment", *FIRST_ASKED) if id in groups]
        chosen = [groups[id][0] for id in dict.fromkeys(wanted)][:2]
        n = self.journeys.records[object].n
        return combine_codes(chosen) if chosen else np.zeros(n, np.int64)

    def find_value(self, object: str, stage: str) -> tuple[float, float] | None:
        """Return what a record that reaches a stage brings in closed new revenue, and how sure that is (relative).

        The mean over the expected periods: their closed revenue ÷ their records that reached the stage. None where
        there is no revenue, or nobody reached it.
        """
        decided, records = self.decided, self.journeys.records.get(object)
        if decided is None or records is None:
            return None
        _, before = self.side(decided.day)
        amounts = decided.amount[before & decided.is_won]
        amounts = amounts[~np.isnan(amounts)]
        reached = records.reached.get((stage, "new"), records.reached.get((stage, "all")))
        if reached is None or len(amounts) < 5 or amounts.sum() <= 0:
            return None
        _, came = self.side(reached.astype(np.int64))
        if not came.any():
            return None
        error = np.sqrt((1 + (amounts.std() / amounts.mean()) ** 2) / len(amounts))
        return float(amounts.sum() / came.sum()), float(error)


def _within(days: np.ndarray, period: Period) -> np.ndarray:
    """Return which days lie in a period."""
    return (days >= day_number(period.start)) & (days <= day_number(period.end))


def too_few(n: int, least: int = 0) -> Answer:
    """Answer that there are too few records."""
    needed = f", at least {least} are needed" if least else ""
    return Answer(UNTESTED, f"Only {n:,} records{needed}: too few to compare", n=n)
