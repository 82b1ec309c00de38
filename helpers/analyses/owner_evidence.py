"""How far each owner fills a field: the evidence behind the lowest share that the discovery matrix shows."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from helpers.analyses.field_evidence import keep_with_outcome, select_records
from helpers.analyses.secondary_kpis import find_base
from helpers.model.survey import DiscoveryRules

OWNER_COLUMNS = ["owner", "n", "n_filled", "fill_rate", "is_small"]


def measure_owners(company: Any, cell: Mapping[Any, Any], rules: DiscoveryRules, *, as_of: date) -> pd.DataFrame:
    """Measure how far each owner's records carry the field of one cell.

    Args:
        company: The opened company.
        cell: A row of the discovery matrix: its KPI, partition and object.
        rules: What the matrix holds.
        as_of: The last day that counts.

    Returns:
        One row per owner: ``n`` records that the KPI counts, ``n_filled`` of them with the field, ``fill_rate`` 0–1,
        and ``is_small`` where the records are too few to judge; the lowest share first, small ones last. Empty where
        the exports hold no owner, no such field, or no such records.
    """
    partition, kpi = company.partitions.get(cell["dimension"]), company.catalog.kpis.get(cell["kpi"])
    if partition is None or kpi is None or cell["object"] not in partition.objects:
        return pd.DataFrame(columns=OWNER_COLUMNS)
    base = company.catalog.kpis.get(find_base(company, kpi, rules))
    stage = company.catalog.stages.get(getattr(base.measure, "stage", "")) if base else None
    records = select_records(company, stage, as_of=as_of)[0] if stage else None
    column = partition.objects[cell["object"]]
    if records is None or column not in records or "owner" not in records:
        return pd.DataFrame(columns=OWNER_COLUMNS)
    if partition.known == "outcome":
        records = keep_with_outcome(records, column)
    filled = records[column].notna().groupby(records["owner"]).agg(["size", "sum"])
    frame = pd.DataFrame(
        {"owner": filled.index.astype("str"), "n": filled["size"].to_numpy(), "n_filled": filled["sum"].to_numpy()}
    )
    frame["fill_rate"] = frame["n_filled"] / frame["n"]
    frame["is_small"] = frame["n"] < company.catalog.rules.minimum_n
    ranked = frame.sort_values(["is_small", "fill_rate", "n"], ascending=[True, True, False], kind="stable")
    return ranked[OWNER_COLUMNS].reset_index(drop=True)
