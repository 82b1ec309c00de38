"""When an action can be seen: the company's own lags, from the step on which it acts to revenue."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd

from helpers.analyses.kpi_reading import Stopwatch
from helpers.analyses.step_days import list_stages
from helpers.analyses.step_lags import chain_steps, get_step_shares, measure_step_lags
from helpers.errors import DiagnosticError
from helpers.model.kpi import Kpi

DAYS_IN_MONTH = 365.25 / 12
FIRST, HALF = 0.1, 0.5
"""A lag has begun once the quickest tenth is through, and is half-way with the median."""

LAST_STAGE = "won"


@dataclass(frozen=True)
class WayToRevenue:
    """How long it takes from one stage until its records are won.

    Attributes:
        from_stage: Stage id; empty where the way is unknown.
        shares: Of the records that are won in the end, which share (0–1) is won by month 1, 2, 3 …; empty where
            nothing is known.
        n: Records that the first step of the way rests on.
        quick: Days within which the quickest tenth is won, where the way is one step; else read off the months.
        median: Days within which half is won, likewise.
    """

    from_stage: str = ""
    shares: tuple[float, ...] = ()
    n: int = 0
    quick: int | None = None
    median: int | None = None

    @property
    def is_known(self) -> bool:
        """Whether the company's records tell it."""
        return bool(self.shares)

    def arrived(self, months: float) -> float:
        """Return which share of the eventual wins has come after so many months (0–1)."""
        if months < 0 or not self.shares:
            return 0.0
        bounds = [0.0, *(age + 0.5 for age in range(len(self.shares)))]
        return float(np.interp(months, bounds, [0.0, *self.shares]))

    def day_of(self, share: float, start: date) -> date | None:
        """Return the day by which a share of the eventual wins of what began on a day has come."""
        if not self.shares:
            return None
        counted = {FIRST: self.quick, HALF: self.median}.get(share)
        if counted is not None:
            return start + timedelta(days=counted + 1)
        bounds = [0.0, *(age + 0.5 for age in range(len(self.shares)))]
        months = float(np.interp(share, [0.0, *self.shares], bounds))
        return start + timedelta(days=max(round(months * DAYS_IN_MONTH), 1))


AT_ONCE = WayToRevenue(LAST_STAGE, (1.0,))
"""An action on won deals themselves, such as their size."""


@dataclass
class Ways:
    """A company's ways to revenue, each measured once.

    Attributes:
        watch: The company as of a day.
    """

    watch: Stopwatch
    _known: dict[str, WayToRevenue] = field(default_factory=dict)
    _lags: pd.DataFrame | None = None

    def find(self, kpi: Kpi) -> WayToRevenue:
        """Return the way from the stage on which a KPI's action acts until the deal is won."""
        try:
            stages = list_stages(self.watch.company, self.watch.journeys)
        except DiagnosticError:
            return WayToRevenue()
        start = find_start(kpi, stages)
        if not start or start not in stages or LAST_STAGE not in stages:
            return WayToRevenue()
        if stages.index(start) >= stages.index(LAST_STAGE):
            return AT_ONCE if start == LAST_STAGE else WayToRevenue()
        if start not in self._known:
            self._known[start] = self._chain(stages[stages.index(start) : stages.index(LAST_STAGE) + 1])
        return self._known[start]

    def _chain(self, stages: Sequence[str]) -> WayToRevenue:
        if self._lags is None:
            self._lags = measure_step_lags(self.watch.company, as_of=self.watch.as_of, grain="month")
        shares = chain_steps(*(get_step_shares(self._lags, first, last) for first, last in pairwise(stages)))
        whole = np.cumsum(shares)
        if not len(whole) or whole[-1] <= 0:
            return WayToRevenue(stages[0])
        mine = self._lags[(self._lags["from_stage"] == stages[0]) & (self._lags["cohort"] == "pooled")]
        n = int(mine["n"].max()) if len(mine) else 0
        days = self.watch.time_step(stages[0], LAST_STAGE) if len(stages) == 2 else None
        quick, median = (days.p10, days.p50) if days else (None, None)
        return WayToRevenue(stages[0], tuple(float(one) for one in whole / whole[-1]), n, quick, median)


def find_start(kpi: Kpi, stages: Sequence[str]) -> str:
    """Return the stage at which records stand on which an action for a KPI acts; empty where it names none."""
    measure = kpi.measure
    if measure.kind in ("conversion", "duration"):
        return measure.from_stage
    if measure.kind in ("volume", "sum", "average"):
        return measure.stage
    if measure.kind in ("outcome_share", "velocity", "pipeline_conversion", "push"):
        before = [id for id in stages if id != LAST_STAGE]
        if LAST_STAGE in stages:
            before = list(stages[: stages.index(LAST_STAGE)])
        return before[-1] if before else ""
    return ""


def add_up(way: WayToRevenue, monthly: float, months: float) -> float:
    """Return what a steady gain has brought by a month, as it arrives with the way's lag.

    Args:
        way: How long what is gained takes to be won.
        monthly: What is gained per month once everything has arrived.
        months: Months since the action took effect; none before.

    Returns:
        ``monthly × ∫ arrived(months − s) ds`` over the months since, by the midpoint rule in steps of a tenth.

    >>> add_up(AT_ONCE, 100.0, 0)
    0.0
    >>> add_up(WayToRevenue("won", (1.0, 1.0, 1.0)), 100.0, 6) <= 600
    True
    """
    if months <= 0 or not way.is_known:
        return 0.0
    steps = max(round(months * 10), 1)
    width = months / steps
    return float(monthly * width * sum(way.arrived(months - (step + 0.5) * width) for step in range(steps)))
