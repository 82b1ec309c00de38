"""The goal matrix as a reader sees it: the company's KPIs by period, each cell with its state, and their past."""

from datetime import date

import numpy as np
import pandas as pd

from helpers.analyses.goal_locks import GOAL, LOCKED
from helpers.analyses.goal_relations import TOTAL
from helpers.analyses.goal_simulation import finest_grain, list_past
from helpers.model.catalog import Catalog
from helpers.periods import Period, period_of

STATES = ("reached", "close", "missed", "goal", "solved", "too late", "out of reach", "expected")
"""What a cell can be: how an ended period came out; set by people; following from that; too late, since earlier stages
can't bring it any more; beyond reach; as expected."""

GRID_COLUMNS = [
    "kpi", "label", "unit", "period", "column", "row", "goal", "actual", "expected", "probability", "state",
]  # fmt: skip
OUT_OF_REACH = 0.01
ASKS_NOTHING = 0.005


def lay_out_grid(
    matrix: pd.DataFrame,
    *,
    catalog: Catalog,
    as_of: date,
    fiscal_year_start: int = 1,
    has_goals: bool = True,
    stages: pd.DataFrame | None = None,
    ended: int = 2,
    ahead: int = 4,
) -> pd.DataFrame:
    """Lay out the company's own cells for a picture.

    Args:
        matrix: A solved matrix with probabilities.
        catalog: The company's definitions.
        as_of: The last day that counts.
        fiscal_year_start: The month (1–12) in which the fiscal year begins.
        has_goals: Whether people set any goal; else every cell ahead is an expectation.
        stages: As made by ``stage_plan.lay_out_stages``; tells what it is too late for.
        ended: How many ended periods are shown.
        ahead: How many periods ahead are shown.

    Returns:
        One row per KPI and shown period, in reading order, with ``GRID_COLUMNS``; the year stands last. Empty where
        the matrix is.
    """
    grain = finest_grain(matrix) if len(matrix) else ""
    company = matrix[matrix["dimension"] == TOTAL] if len(matrix) else matrix
    if company.empty:
        return pd.DataFrame(columns=GRID_COLUMNS)
    periods = _choose_columns(company, grain, as_of, fiscal_year_start, ended, ahead)
    order = {id: position for position, id in enumerate(catalog.kpis)}
    kpis = sorted(company["kpi"].unique(), key=lambda id: order.get(id, len(order)))
    kpis = put_in_funnel_order(kpis, catalog)
    cells = {(row["kpi"], row["grain"], pd.Timestamp(row["period_start"])): row for row in company.to_dict("records")}
    late = _list_too_late(stages, catalog, grain)
    rows = []
    for place, kpi in enumerate(kpis):
        for column, period in enumerate(periods):
            key = (kpi, period.grain, pd.Timestamp(period.start))
            cell = cells.get(key)
            if cell is None:
                continue
            state = _judge(cell, has_goals, catalog)
            is_late = key in late and state in ("goal", "solved", "out of reach")
            rows.append(
                {
                    "kpi": kpi,
                    "label": catalog.kpis[kpi].label if kpi in catalog.kpis else kpi,
                    "unit": catalog.kpis[kpi].unit if kpi in catalog.kpis else "count",
                    "period": period.label,
                    "column": column,
                    "row": place,
                    "state": "too late" if is_late else state,
                }
                | {name: cell[name] for name in ("goal", "actual", "expected", "probability")}
            )
    return pd.DataFrame(rows, columns=GRID_COLUMNS)


def _choose_columns(
    company: pd.DataFrame, grain: str, as_of: date, fiscal_year_start: int, ended: int, ahead: int
) -> list[Period]:
    def list_periods(of_grain: str) -> list[Period]:
        starts = sorted(pd.to_datetime(company.loc[company["grain"] == of_grain, "period_start"]).unique())
        return [period_of(pd.Timestamp(start).date(), of_grain, fiscal_year_start) for start in starts]

    fine = list_periods(grain)
    past = [period for period in fine if period.end <= as_of][-ended:] if ended else []
    years = [period for period in list_periods("year") if period.end > as_of] if grain != "year" else []
    return [*past, *[period for period in fine if period.end > as_of][:ahead], *years[:1]]


def put_in_funnel_order(kpis: list[str], catalog: Catalog) -> list[str]:
    """Put each rate behind the volume it starts from, so that the grid reads down the funnel."""
    place = {}
    volumes = {stage.volume: position for position, stage in enumerate(catalog.stages.values()) if stage.volume}
    positions = {id: position for position, id in enumerate(catalog.stages)}
    for kpi in kpis:
        measure = catalog.kpis[kpi].measure if kpi in catalog.kpis else None
        if kpi in volumes:
            place[kpi] = (volumes[kpi], 0)
        elif measure is not None and measure.kind == "conversion":
            place[kpi] = (positions[measure.from_stage], 3)
        elif measure is not None and hasattr(measure, "stage"):
            place[kpi] = (positions[measure.stage], 1 if measure.kind == "average" else 2)
        else:
            place[kpi] = (len(positions), 0)
    return sorted(kpis, key=lambda kpi: place[kpi])


def _list_too_late(stages: pd.DataFrame | None, catalog: Catalog, grain: str) -> set[tuple]:
    """List the volumes that earlier stages can't bring any more, as (KPI, grain, first day)."""
    if stages is None or stages.empty:
        return set()
    short = stages[stages["reachable"] < stages["needed"] * (1 - catalog.rules.tolerance)]
    days = pd.to_datetime(short["creation_period"])
    return {(catalog.stages[stage].volume, grain, day) for stage, day in zip(short["stage"], days, strict=True)}


def _judge(cell: dict, has_goals: bool, catalog: Catalog) -> str:
    if not has_goals:
        return "expected"
    if pd.notna(cell["actual"]):
        kpi = catalog.kpis.get(cell["kpi"])
        sign = -1.0 if kpi is not None and kpi.direction == "down" else 1.0
        short = sign * (cell["goal"] - cell["actual"]) / cell["goal"] if cell["goal"] else 0.0
        return "reached" if short <= 1e-9 else "close" if short <= catalog.rules.tolerance else "missed"
    if pd.notna(cell["probability"]) and cell["probability"] < OUT_OF_REACH:
        return "out of reach"
    if bool(cell["locked"]) or cell.get("state") in (GOAL, LOCKED):
        return "goal"
    asks_nothing = abs(cell["goal"] - cell["expected"]) <= ASKS_NOTHING * abs(cell["expected"])
    return "expected" if asks_nothing else "solved"


def compare_with_past(
    grid: pd.DataFrame, matrix: pd.DataFrame, cells: pd.DataFrame, *, catalog: Catalog
) -> pd.DataFrame:
    """Set what the next period needs beside what each KPI has been, on one scale: 1 is its usual value.

    Args:
        grid: As laid out.
        matrix: The matrix it came from.
        cells: The columns of ``kpis.csv``.
        catalog: The company's definitions.

    Returns:
        One row per KPI: kpi, label, row, needed, lowest, highest (of the complete periods of the last two years, each
        divided by their median), periods, is_beyond (needed lies above everything seen). KPIs with fewer than three
        periods are left out.
    """
    columns = ["kpi", "label", "row", "needed", "lowest", "highest", "periods", "is_beyond"]
    coming = grid[grid["actual"].isna()] if len(grid) else grid
    grain = finest_grain(matrix) if len(matrix) else ""
    rows = []
    company = cells[cells["dimension"] == TOTAL] if len(cells) else cells
    for _, first in coming.groupby("kpi", sort=False):
        cell = first.sort_values("column").iloc[0]
        past = list_past(company, cell["kpi"], grain, matrix.attrs.get("basis", {}), catalog)[-8:]
        usual = float(np.median(past)) if len(past) >= 3 else 0.0
        if usual <= 0:
            continue
        rows.append(
            {
                "kpi": cell["kpi"],
                "label": cell["label"],
                "row": cell["row"],
                "needed": cell["goal"] / usual,
                "lowest": past.min() / usual,
                "highest": past.max() / usual,
                "periods": len(past),
                "is_beyond": bool(cell["goal"] > past.max() * (1 + 1e-9)),
            }
        )
    return pd.DataFrame(rows, columns=columns)
