"""How many days a step of the funnel takes: what an action has to wait for before its KPI can tell anything."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from helpers.engine.journeys import Journeys
from helpers.engine.timeline import NO_DAY
from helpers.model.kpi import Kpi

NEW = "new"


@dataclass(frozen=True)
class StepDays:
    """Days from one stage to the next, over the records that got there.

    Attributes:
        from_stage: Stage id.
        to_stage: Stage id.
        n: Records.
        p10: The quickest tenth took at most so many days.
        p50: Half of them.
        p90: Nine in ten.
    """

    from_stage: str
    to_stage: str
    n: int
    p10: int
    p50: int
    p90: int


def find_step_of(kpi: Kpi, stages: list[str]) -> tuple[str, str] | None:
    """Return the step that a KPI tells of: its own stages, or the one into the stage that it counts.

    Args:
        kpi: The KPI.
        stages: Ids of the stages that the data has, in order.

    Returns:
        Both stage ids; None for what has no step, such as a stock, and for the first stage of all.
    """
    measure = kpi.measure
    if measure.kind in ("conversion", "duration"):
        return measure.from_stage, measure.to_stage
    if measure.kind in ("volume", "sum", "average"):
        return next(((first, last) for first, last in pairwise(stages) if last == measure.stage), None)
    if measure.kind in ("outcome_share", "velocity", "pipeline_conversion"):
        return next(((first, last) for first, last in pairwise(stages) if last == "won"), None)
    return None


def list_stages(company, journeys: Journeys) -> list[str]:
    """List the stages whose records the data has one by one, in order."""
    return [id for id in company.catalog.stages if journeys.homes.get(id, "session") != "session"]


def measure_step_days(journeys: Journeys, from_stage: str, to_stage: str) -> StepDays | None:
    """Measure how long new business takes from one stage to another.

    Args:
        journeys: The company's, as of the last day that counts.
        from_stage: Stage id.
        to_stage: Stage id.

    Returns:
        Days, rounded up; None where no record shows both stages.
    """
    records = journeys.records.get(journeys.homes.get(from_stage, ""))
    if records is None:
        return None
    first, last = (
        records.reached.get((stage, NEW), records.reached.get((stage, "all"))) for stage in (from_stage, to_stage)
    )
    if first is None or last is None:
        return None
    there = (first != NO_DAY) & (last != NO_DAY) & (last >= first)
    if not there.any():
        return None
    days = last[there].astype(np.int64) - first[there]
    p10, p50, p90 = (int(np.ceil(np.quantile(days, part))) for part in (0.1, 0.5, 0.9))
    return StepDays(from_stage, to_stage, int(there.sum()), p10, p50, p90)
