"""Deals as a forecaster could see them on a past day: what was open, what was booked, and what nobody knew yet.

A closing amount or close date that the exports only hold today must not help to foresee the past. Where no history of
deals tells what an open deal stood at, its amount and close date count as unknown on every past day.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from helpers.engine.history import WON
from helpers.engine.journeys import Journeys, build_journeys
from helpers.engine.timeline import FAR, NO_DAY, day_number
from helpers.periods import MONTHS_IN, Period

LEARNT_FROM = 8
"""Earlier periods from which a method learns at most."""

OLDEST_YEARS = 2
"""Deals of this age and older are one class."""


@dataclass(frozen=True)
class DealsThen:
    """Deals of one business as they stood on the evening of a day; arrays run along the table of deals.

    Attributes:
        day: Day number.
        created: Day number of creation, ``NO_DAY`` where unknown.
        is_open: Created by then, with a known day, and neither won nor lost.
        due: Expected close of open deals as a day number, ``NO_DAY`` where nobody knew.
        amount: Of open deals in currency, NaN where nobody knew.
        won_on: Day number of the win, ``NO_DAY`` where not won by then.
        won_amount: Amount won in currency, 0 where not won by then.
        stage: Code of the stage's label, −1 where unknown.
    """

    day: int
    created: np.ndarray
    is_open: np.ndarray
    due: np.ndarray
    amount: np.ndarray
    won_on: np.ndarray
    won_amount: np.ndarray
    stage: np.ndarray

    def wins_between(self, first: int, last: int) -> np.ndarray:
        """Tell which deals were won from one day to another and seen to be by then."""
        return (self.won_on != NO_DAY) & (self.won_on >= first) & (self.won_on <= last)

    def booked(self, first: int, last: int) -> float:
        """Add up what was won from one day to another, as far as it had been by then; currency."""
        return float(self.won_amount[self.wins_between(first, last)].sum())

    def due_between(self, first: int, last: int) -> np.ndarray:
        """Tell which open deals were expected to close from one day to another."""
        return self.is_open & (self.due >= first) & (self.due <= last)


@dataclass(frozen=True)
class DealBook:
    """All deals of one business, readable on any day up to the last one that counts.

    Attributes:
        journeys: The company's journeys as of that day.
        counted: Which deals are of this business.
        fiscal_year_start: The month in which the fiscal year begins.
        today: Day number of the last day that counts.
        begins: Day number of the first creation; ``FAR`` where no deal carries one.
    """

    journeys: Journeys
    counted: np.ndarray
    fiscal_year_start: int
    today: int
    begins: int
    _seen: dict[int, DealsThen] = field(default_factory=dict, repr=False)

    def on(self, day: int) -> DealsThen:
        """Return the deals as they stood on the evening of a day, at most today's."""
        day = min(day, self.today)
        if day not in self._seen:
            self._seen[day] = self._read(day)
        return self._seen[day]

    def _read(self, day: int) -> DealsThen:
        history = self.journeys.history
        state = history.state_on(day)
        created = history.created
        is_open = self.counted & state.is_open & (created != NO_DAY)
        was_known = self.journeys.tracks_close_dates or day >= self.journeys.exported_until
        amount = np.where(is_open & was_known & (np.nan_to_num(state.amount) > 0), state.amount, np.nan)
        won = self.counted & (state.outcome == WON) & (state.closed <= day) & (state.closed != NO_DAY)
        return DealsThen(
            day,
            created,
            is_open,
            np.where(is_open & was_known, state.closed, NO_DAY),
            amount,
            np.where(won, state.closed, NO_DAY),
            np.where(won, np.nan_to_num(state.amount), 0.0),
            state.stage,
        )

    def earlier(self, day: int, period: Period, most: int = LEARNT_FROM) -> Iterator[tuple[int, Period]]:
        """List earlier periods that had ended by a day, newest first, each with the day that lies alike in it.

        A period that had begun before the first deal was created is no whole one and left out.
        """
        into = day - day_number(period.start)
        for back in range(1, most + LEARNT_FROM):
            past = period.previous(back)
            first, last = day_number(past.start), day_number(past.end)
            then = min(first + into, last - 1)
            if min(then, first) < self.begins or most <= 0:
                return
            if last <= day:
                most -= 1
                yield then, past

    def ages(self, created: np.ndarray, period: Period) -> np.ndarray:
        """Count the periods from each creation to a period; those older than two years are one class."""
        oldest = OLDEST_YEARS * 12 // MONTHS_IN[period.grain]
        starts = np.array([day_number(period.previous(n).start) for n in range(oldest, -1, -1)])
        return len(starts) - np.searchsorted(starts, created, side="right")

    def explain_no_due_dates(self) -> str:
        """Say why no pipeline due in a period can be told; empty where it can."""
        history, state = self.journeys.history, self.journeys.history.state_on(FAR)
        is_open = self.counted & state.is_open
        if is_open.any() and (history.closed[is_open] == NO_DAY).all():
            return "Open deals carry no expected close date, so nobody can say what is due in a period."
        if is_open.any() and not (np.nan_to_num(state.amount[is_open]) > 0).any():
            return "Open deals carry no amount, so there is no pipeline to convert."
        if not self.journeys.tracks_close_dates:
            return "The exports hold no history of deals, so what was due in earlier periods can't be told."
        return ""


def open_book(company, as_of: date, *, business: str = "new") -> DealBook | None:
    """Make a company's deals readable on every day up to one.

    Args:
        company: The opened company.
        as_of: The last day that counts.
        business: ``new`` leaves renewals and other existing business out; ``all`` and ``existing`` are possible.

    Returns:
        The deals; None where the exports hold none.
    """
    journeys = build_journeys(company, as_of=as_of)
    if journeys.history is None or "deal" not in journeys.records:
        return None
    counted = journeys.records["deal"].is_business(business)
    created = journeys.history.created[counted]
    known = created[created != NO_DAY]
    begins = int(known.min()) if len(known) else FAR
    return DealBook(journeys, counted, company.fiscal_year_start, day_number(as_of), begins)
