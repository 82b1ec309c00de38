"""The records behind a rate: which count, which of them succeeded, and which are too young to tell."""

from dataclasses import dataclass

import numpy as np

from helpers.engine.journeys import LOST_STAGE, Journeys
from helpers.engine.timeline import NO_DAY
from helpers.errors import QuestionError
from helpers.model.kpi import Kpi


@dataclass(frozen=True)
class RatedRecords:
    """The records of one rate; arrays run along the object's table.

    Attributes:
        object: Whose records.
        is_counted: Which are old enough to tell, whatever their day.
        is_success: 1 where one succeeded.
        day: The day by which a record falls into a period: closed, or entered the first stage.
        is_young: Which would count but have not had their time yet.
        wait: Days that a record is given before it counts as old enough; 0 where it is decided anyway.
    """

    object: str
    is_counted: np.ndarray
    is_success: np.ndarray
    day: np.ndarray
    is_young: np.ndarray
    wait: int


def find_rated(company, journeys: Journeys, kpi: Kpi) -> RatedRecords | None:
    """Find the records of a rate.

    Args:
        company: The opened company.
        journeys: Its journeys.
        kpi: A win rate by count, or a conversion between two stages; the rates whose records succeed or don't.

    Returns:
        The records; None where the exports don't show both ends.

    Raises:
        QuestionError: The KPI is no such rate.
    """
    measure = kpi.measure
    if measure.kind == "outcome_share" and measure.weight is None:
        return _decided(journeys, measure.business)
    if measure.kind == "conversion":
        return _converted(company, journeys, measure)
    raise QuestionError(
        f"'{kpi.id}' can't be compared between people and teams: its records don't each succeed or fail. "
        "Take win_rate or a conversion such as opportunity_to_won."
    )


def _decided(journeys: Journeys, business: str) -> RatedRecords | None:
    deals = journeys.records.get("deal")
    if deals is None or ("won", business) not in deals.reached:
        return None
    won = deals.reached["won", business]
    lost = deals.reached.get((LOST_STAGE, business), np.full(deals.n, NO_DAY))
    day = np.where(won != NO_DAY, won, lost)
    if not (lost != NO_DAY).any():
        return None
    return RatedRecords("deal", day != NO_DAY, (won != NO_DAY).astype(float), day, np.zeros(deals.n, bool), 0)


def _converted(company, journeys: Journeys, measure) -> RatedRecords | None:
    home = journeys.homes.get(measure.from_stage)
    if home is None or home == "session" or measure.to_stage not in journeys.homes:
        return None
    reached = journeys.records[home].reached
    start, stop = (
        reached.get((stage, measure.business), reached.get((stage, "all")))
        for stage in (measure.from_stage, measure.to_stage)
    )
    if start is None or stop is None:
        return None
    entered = start != NO_DAY
    taken = stop.astype(np.int64) - start
    succeeded = entered & (stop != NO_DAY) & (taken >= 0)
    if not succeeded.any():
        return None
    wait = int(np.ceil(np.quantile(taken[succeeded], company.catalog.rules.maturity_percentile)))
    old_enough = start.astype(np.int64) + wait <= journeys.observed_until
    return RatedRecords(home, entered & old_enough, succeeded.astype(float), start, entered & ~old_enough, wait)
