"""The goals of one period's slices: what each must bring down the funnel, beside what it is expected to bring."""

import pandas as pd

from helpers.analyses.goal_relations import TOTAL
from helpers.model.catalog import Catalog
from helpers.periods import Period

REVENUE = "revenue_won"
SLICE_COLUMNS = ["slice", "expected", "goal", "change", "probability"]
"""What stands beside a slice's volumes; of revenue, or of the last volume where there is none."""


def tabulate_slices(matrix: pd.DataFrame, period: Period, dimension: str, *, catalog: Catalog) -> pd.DataFrame:
    """Tabulate what a period asks of each slice of a partition.

    Args:
        matrix: A solved matrix with probabilities.
        period: The period.
        dimension: Id of the partition.
        catalog: The company's definitions.

    Returns:
        One row per slice, the biggest goal first, and the company's as the last one (``slice`` ``all``): one column per
        volume down the funnel that any slice has (its goal, in records), then ``SLICE_COLUMNS``: expected and goal of
        revenue (currency; of the last volume where no slice has revenue, then in records), change = goal ÷ expected − 1
        (share) and probability (0–1). ``attrs["kpi"]`` names what the last four are about. Empty without slices.
    """
    starts = pd.to_datetime(matrix["period_start"]) if len(matrix) else None
    if starts is None:
        return pd.DataFrame(columns=SLICE_COLUMNS)
    mine = matrix[(matrix["grain"] == period.grain) & (starts == pd.Timestamp(period.start))]
    sliced, company = mine[mine["dimension"] == dimension], mine[mine["dimension"] == TOTAL]
    if sliced.empty:
        return pd.DataFrame(columns=SLICE_COLUMNS)
    volumes = [stage.volume for stage in catalog.stages.values() if stage.volume in set(sliced["kpi"])]
    told = REVENUE if REVENUE in set(sliced["kpi"]) else volumes[-1]
    rows = []
    for name, cells in [*sliced.groupby("slice", sort=False), (TOTAL, company)]:
        goals = cells.set_index("kpi")["goal"]
        row = {"slice": name} | {volume: goals.get(volume, float("nan")) for volume in volumes}
        cell = cells[cells["kpi"] == told]
        if len(cell):
            first = cell.iloc[0]
            change = first["goal"] / first["expected"] - 1 if first["expected"] > 0 else float("nan")
            row |= {"expected": first["expected"], "goal": first["goal"], "change": change}
            row["probability"] = first["probability"]
        rows.append(row)
    table = pd.DataFrame(rows, columns=["slice", *volumes, *SLICE_COLUMNS[1:]])
    parts = table.iloc[:-1].sort_values("goal", ascending=False, kind="stable", na_position="last")
    table = pd.concat([parts, table.tail(1)], ignore_index=True)
    table.attrs["kpi"] = told
    return table


def say_slices(table: pd.DataFrame, period: str, label: str) -> str:
    """Say which slice has to grow most beyond what is expected of it.

    Args:
        table: As made by ``tabulate_slices``.
        period: The period as a reader says it.
        label: The partition as a reader says it.
    """
    parts = table[(table["slice"] != TOTAL) & table["change"].notna()]
    if parts.empty:
        return f"What {period} asks of each {label}"
    worst = parts.loc[parts["change"].idxmax()]
    if worst["change"] < 0.005:
        return f"{period} asks no {label} for more than is expected of it"
    return f"{period} asks most of {worst['slice']}: {worst['change'] * 100:.0f} % more than is expected of it"
