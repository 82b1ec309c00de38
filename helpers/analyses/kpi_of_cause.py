"""Which KPI of the catalog shows a localised cause, and where: what moves first once the cause is gone."""

from collections.abc import Sequence
from dataclasses import dataclass

from helpers.analyses.found_evidence import Found
from helpers.analyses.named_slices import BLANK
from helpers.model.catalog import Catalog


@dataclass(frozen=True)
class ShownBy:
    """A KPI in a slice.

    Attributes:
        kpi: The KPI's id.
        slice: Where, as ``region=US``; empty for the whole company.
    """

    kpi: str
    slice: str = ""


def find_kpi(found: Found, catalog: Catalog, stages: Sequence[str]) -> ShownBy | None:
    """Return the KPI that shows a localised cause.

    Args:
        found: The evidence.
        catalog: The company's definitions.
        stages: Ids of the stages that the data has, in order.

    Returns:
        The volume of a step for volume and composition, its conversion or the win rate for a rate, the average deal
        size for value; None for what tells of no step.
    """
    if not found.step:
        return None
    where = write_slice(found.slice_values)
    if found.lens == "closing":
        kpi = {"rate": "win_rate", "value": "average_deal_size", "timing": "push_rate"}.get(found.effect, "deals_won")
        return ShownBy(kpi, where) if kpi in catalog.kpis else None
    place = next((n for n, id in enumerate(stages) if found.step in (id, catalog.stages[id].volume)), None)
    if place is None:
        return None
    if found.effect != "rate":
        volume = catalog.stages[stages[place]].volume
        return ShownBy(volume, where) if volume in catalog.kpis else None
    if not place:
        return None
    kpi = catalog.conversion(stages[place - 1], stages[place])
    return ShownBy(kpi.id, where)


def write_slice(slice_values: dict) -> str:
    """Write a slice as the tables do.

    >>> write_slice({"region": ["US"], "channel": ["Inbound", None]})
    'region=US & channel=Inbound|(blank)'
    """
    return " & ".join(
        f"{name}={'|'.join(BLANK if value is None else str(value) for value in values)}"
        for name, values in slice_values.items()
    )
