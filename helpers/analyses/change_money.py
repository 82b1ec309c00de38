"""What a test of a change of money needs beside the cells: how large the squares of the amounts are."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from helpers.engine.journeys import build_journeys
from helpers.engine.slicing import keep_records, resolve_partition
from helpers.engine.timeline import NO_DAY, to_days


def add_squares(
    company: Any,
    cells: pd.DataFrame,
    kpi: str,
    *,
    by: Sequence[str] = (),
    as_of: Any = None,
    filters: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Add the sum of the squared amounts behind every cell of a sum of money.

    Args:
        company: The opened company.
        cells: Cells of one KPI and one way of cutting it, with slice, period_start and period_end.
        kpi: The KPI.
        by: The partitions that cut it, as in ``build_cells``.
        as_of: The last day that counts.
        filters: Partition → value or values that count.

    Returns:
        The same rows with a column ``squares``; missing for a KPI that adds up no amounts of records.
    """
    measure = company.catalog.kpi(kpi).measure
    journeys = build_journeys(company, as_of=as_of)
    home = _find_home(journeys, measure) if measure.kind == "sum" else ""
    ids = [resolve_partition(company, name, journeys.labels) for name in by]
    if not home or cells.empty or any(id not in journeys.records[home].codes for id in ids):
        return cells.assign(squares=np.nan)
    keep, _ = keep_records(company, journeys, filters)
    if home not in keep:
        return cells.assign(squares=np.nan)
    records = journeys.records[home]
    days = records.reached.get((measure.stage, measure.business), records.reached.get((measure.stage, "all")))
    rows = np.flatnonzero(keep[home] & (days != NO_DAY) & records.known[measure.field])
    amounts = (records.cents[measure.field][rows] / 100.0) ** 2
    names = [journeys.labels[id][records.codes[id][rows]].astype(str) for id in ids]
    slices = pd.Series([" & ".join(parts) for parts in zip(*names, strict=True)] if names else ["all"] * len(rows))
    found = []
    starts, ends = to_days(cells["period_start"]), to_days(cells["period_end"])
    for start, end in sorted(set(zip(starts.tolist(), ends.tolist(), strict=True))):
        inside = (days[rows] >= start) & (days[rows] <= end)
        squares = pd.Series(amounts[inside]).groupby(slices[inside].to_numpy()).sum()
        found.append(pd.DataFrame({"slice": squares.index, "start": start, "squares": squares.to_numpy()}))
    table = pd.concat(found, ignore_index=True)
    place = dict(zip(zip(table["slice"], table["start"], strict=True), table["squares"], strict=True))
    keys = zip(cells["slice"].astype(str), starts.tolist(), strict=True)
    return cells.assign(squares=[place.get(key, 0.0) for key in keys])


def _find_home(journeys: Any, measure: Any) -> str:
    """Return the object whose records carry the amount at the stage, sessions left out: their rows are no records."""
    for object in dict.fromkeys((journeys.homes.get(measure.stage, ""), "deal", "contact")):
        records = journeys.records.get(object)
        if records is None or object == "session" or measure.field not in records.cents:
            continue
        if {(measure.stage, measure.business), (measure.stage, "all")} & set(records.reached):
            return object
    return ""
