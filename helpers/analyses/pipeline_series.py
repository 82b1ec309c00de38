"""This-quarter, next-quarter and all-quarter pipeline week by week, and what became of the deals due at the start."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from helpers.engine.history import DealState
from helpers.engine.journeys import Journeys, build_journeys
from helpers.engine.timeline import NO_DAY, day_number, to_date
from helpers.periods import Period, period_of

SERIES_COLUMNS = [
    "period_start", "week", "day", "this_period", "next_period", "all_open", "n_this", "n_next", "n_all", "booked",
    "due_at_start", "won", "lost", "slipped", "still_due", "owners",
]  # fmt: skip
"""The columns of ``read_this_next_all``."""


def read_this_next_all(company, *, as_of: date, grain: str = "quarter", back: int = 0) -> pd.DataFrame:
    """Read the pipeline due in a period, in the next one and in all, week by week.

    Args:
        company: The opened company.
        as_of: The last day that counts; the period that holds it is the last one read.
        grain: The length of a period.
        back: Periods before it that are read too.

    Returns:
        One row per period and reading (``week`` 0 = the evening before its first day, k = the evening of day 7k, the
        last one on the period's last day or ``as_of``): new business, in currency as it stood on ``day``.
        ``this_period``, ``next_period``: open and due in the period, in the one after; ``all_open``: all that is open,
        whenever due; ``n_…`` the deals behind each. ``booked``: won in the period so far. ``due_at_start``: open and
        due in the period at week 0, at the amounts of then, of which by ``day`` ``won``, ``lost``, ``slipped`` (open,
        due after the period) and ``still_due`` (open, due by its end), which add up to it. ``owners``: how many own an
        open deal, blank where deals carry none. Empty where no deal has a known past (see ``measure_coverage``).

    Source:
        Kellogg, this/next/all-quarter pipeline analysis: the three series are read together.
    """
    journeys = build_journeys(company, as_of=as_of)
    deals = journeys.records.get("deal")
    if deals is None or "amount" not in deals.cents or not journeys.tracks_close_dates:
        return pd.DataFrame(columns=SERIES_COLUMNS)
    reader = _Reader(journeys, _code_owners(company, deals.n), deals.is_business("new"), day_number(as_of))
    current = period_of(as_of, grain, company.fiscal_year_start)
    created = journeys.history.created
    known = created[created != NO_DAY]
    begins = int(known.min()) if len(known) else day_number(as_of)
    periods = [current.previous(n) for n in range(back, -1, -1)]
    rows = [row for period in periods if day_number(period.start) > begins for row in reader.read(period)]
    return pd.DataFrame(rows, columns=SERIES_COLUMNS)


@dataclass(frozen=True)
class _Reader:
    """New business of a company, ready to be read in any period."""

    journeys: Journeys
    owner: np.ndarray | None
    is_new: np.ndarray
    today: int

    def read(self, period: Period) -> list[dict[str, object]]:
        first, last = day_number(period.start), day_number(period.end)
        last_read = min(last, self.today)
        evenings = [evening for evening in range(first - 1, last_read, 7)]
        return [self._row(period, week, evening) for week, evening in enumerate([*evenings, last_read])]

    def _row(self, period: Period, week: int, evening: int) -> dict[str, object]:
        first, last = day_number(period.start), day_number(period.end)
        following = period.previous(-1)
        start, now = self.journeys.history.state_on(first - 1), self.journeys.history.state_on(evening)
        amounts = np.nan_to_num(now.amount)
        this = self._due(now, first, last)
        coming = self._due(now, day_number(following.start), day_number(following.end))
        is_open = self._open(now)
        deals = self.journeys.records["deal"]
        won_on = deals.reached["won", "new"]
        booked = self.is_new & (won_on != NO_DAY) & (won_on >= first) & (won_on <= evening)
        row = {"period_start": pd.Timestamp(period.start), "week": week, "day": pd.Timestamp(to_date(evening))}
        for name, chosen in (("this", this), ("next", coming), ("all", is_open)):
            total = "all_open" if name == "all" else f"{name}_period"
            row |= {total: float(amounts[chosen].sum()), f"n_{name}": int(chosen.sum())}
        row["booked"] = float(deals.cents["amount"][booked].sum() / 100)
        row |= self._follow(start, now, self._due(start, first, last), last, won_on <= evening)
        row["owners"] = float("nan") if self.owner is None else len(np.unique(self.owner[is_open & (self.owner >= 0)]))
        return row

    def _follow(self, start: DealState, now: DealState, due: np.ndarray, last: int, by_now: np.ndarray) -> dict:
        """Tell what became of the deals that were due at the start, at the amounts of then."""
        amounts = np.nan_to_num(start.amount)
        won = due & (self.journeys.records["deal"].reached["won", "new"] != NO_DAY) & by_now
        slipped = due & ~won & now.is_open & (now.closed > last)
        still = due & ~won & now.is_open & ~slipped
        lost = due & ~won & ~now.is_open
        parts = {"due_at_start": due, "won": won, "lost": lost, "slipped": slipped, "still_due": still}
        return {name: float(amounts[chosen].sum()) for name, chosen in parts.items()}

    def _open(self, state: DealState) -> np.ndarray:
        return state.is_open & self.is_new & (self.journeys.history.created != NO_DAY)

    def _due(self, state: DealState, first: int, last: int) -> np.ndarray:
        return self._open(state) & (state.closed >= first) & (state.closed <= last)


def _code_owners(company, n: int) -> np.ndarray | None:
    deals = company.tables.get("deal")
    if deals is None or "owner" not in deals:
        return None
    codes = pd.factorize(deals["owner"])[0]
    return codes if len(codes) == n else None
