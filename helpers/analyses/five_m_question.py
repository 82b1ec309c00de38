"""What the tests of the five Ms ask about, and how they answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np
import pandas as pd

from helpers.analyses.adjusted import Adjusted
from helpers.engine.journeys import Journeys, build_journeys
from helpers.engine.timeline import NO_DAY, day_number, to_days
from helpers.periods import Period

EVIDENCE, NO_SIGN, UNTESTED = "evidence", "no sign", "can't be tested"

RAMP_DAYS = 180
ASSIGNED_WITHIN = 2


@dataclass(frozen=True)
class Answer:
    """Hold what one test found."""

    verdict: str
    statement: str
    n: int = 0
    slice: str = "all"
    money: float | None = None
    p_value: float | None = None


@dataclass(frozen=True)
class Question:
    """Hold what the tests ask about.

    Attributes:
        company: The opened company.
        period: The period in question.
        expected: The periods it is compared with.
        as_of: The last day that counts.
        causes: The rows of ``root_cause.csv``.
        people: Rates of people adjusted for their mix, or None.
        is_searched: Whether there was anything to search.
    """

    company: object
    period: Period
    expected: Sequence[Period]
    as_of: date
    causes: pd.DataFrame = field(default_factory=pd.DataFrame)
    people: Adjusted | None = None
    is_searched: bool = True

    @cached_property
    def journeys(self) -> Journeys:
        """The company's journeys."""
        return build_journeys(self.company, as_of=self.as_of)

    def side(self, days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which days lie in the period, and which in the expected ones."""
        before = np.zeros(len(days), bool)
        for one in self.expected:
            before |= _within(days, one)
        return _within(days, self.period), before

    def contact_days(self, name: str) -> np.ndarray:
        """Return a date of contacts as day numbers; after the last day that counts it is missing."""
        days = to_days(self.company.tables["contact"][name])
        return np.where(days > day_number(self.as_of), NO_DAY, days)

    @cached_property
    def worth_of_contact(self) -> float | None:
        """What one contact brought on average over the history, in closed new revenue; None where unknown."""
        deals = self.journeys.records.get("deal")
        contacts = self.journeys.records.get("contact")
        if deals is None or contacts is None or "amount" not in deals.cents or not self.expected:
            return None
        won = deals.reached.get(("won", "new"))
        entered = contacts.reached.get(("lead", "all"))
        if won is None or entered is None:
            return None
        _, before = self.side(won)
        _, came = self.side(entered)
        return float(deals.cents["amount"][before].sum() / 100 / came.sum()) if came.any() else None


def _within(days: np.ndarray, period: Period) -> np.ndarray:
    """Return which days lie in a period."""
    return (days >= day_number(period.start)) & (days <= day_number(period.end))
