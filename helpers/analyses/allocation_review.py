"""How the next period's revenue goal is split over a partition: as people typed it, by history, for most revenue."""

from dataclasses import dataclass

import pandas as pd

from helpers.analyses.finding import Finding
from helpers.analyses.goal_allocation import ALLOCATION_COLUMNS, HOWS, review_allocation
from helpers.analyses.goal_locks import find_set
from helpers.analyses.goal_review import GoalReview
from helpers.errors import ParameterError, suggest
from helpers.units import in_sentence

REVENUE = "revenue_won"


@dataclass(frozen=True)
class AllocationReview:
    """A goal split over the slices of a partition.

    Attributes:
        allocation: As made by ``goal_allocation.allocate_goal``: ``goal_allocation.csv``; empty where there is no
            history to split by.
        kpi: The KPI as it stands inside a sentence.
        label: The partition as it stands inside a sentence.
        period: The goal's period as a reader says it.
        findings: What to say; nothing, since a split is a proposal.
    """

    allocation: pd.DataFrame
    kpi: str
    label: str
    period: str
    findings: tuple[Finding, ...] = ()


def review_split(
    company,
    cells: pd.DataFrame,
    goals: GoalReview,
    *,
    dimension: str = "source",
    how: str = "history",
) -> AllocationReview:
    """Split the revenue goal of the next period over the slices of a partition.

    Args:
        company: The opened company.
        cells: The columns of ``kpis.csv``, by the partition.
        goals: The goals; what people set for slices of the period stays as they set it.
        dimension: Id of the partition.
        how: ``optimise``, or ``history`` (the same as ``hand``): what people set stays, the rest by last year's shares.

    Returns:
        The split; empty where no period ahead has a goal, or no whole period of the partition is known.

    Raises:
        ParameterError: ``how`` is unknown, or what people set contradicts the goal.
    """
    if how not in HOWS:
        raise ParameterError(f"split: '{how}' is unknown. Allowed: {', '.join(HOWS)}.{suggest(how, HOWS)}")
    matrix = goals.matrix
    label = in_sentence(company.partitions[dimension].label) if dimension in company.partitions else dimension
    kpi = in_sentence(company.catalog.kpis[REVENUE].label)
    period = goals.periods[0] if goals.periods else None
    told = AllocationReview(
        pd.DataFrame(columns=ALLOCATION_COLUMNS), kpi, label, period.label if period else "the next period"
    )
    if period is None or matrix.empty:
        return told
    mine = matrix[
        (matrix["kpi"] == REVENUE)
        & (matrix["grain"] == period.grain)
        & (pd.to_datetime(matrix["period_start"]) == pd.Timestamp(period.start))
        & (matrix["dimension"] == dimension)
    ]
    typed = mine[find_set(mine)]
    kept = {} if how == "optimise" else dict(zip(typed["slice"], typed["goal"], strict=True))
    how = "hand" if kept else how
    allocation = review_allocation(company, cells, matrix, period=period, dimension=dimension, how=how, typed=kept)
    return AllocationReview(allocation, kpi, label, period.label)
