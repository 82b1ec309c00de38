"""What a matrix's cells have been: each needed value beside its history, and new beside existing business."""

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd

from helpers.analyses.goal_relations import TOTAL, list_additive, list_products
from helpers.model.catalog import Catalog

TYPE = "type"


def rank_in_history(matrix: pd.DataFrame, cells: pd.DataFrame, *, as_of: date, catalog: Catalog) -> pd.DataFrame:
    """Set each needed value of the company beside its own history.

    Args:
        matrix: A solved matrix.
        cells: The columns of ``kpis.csv``.
        as_of: The last day that counts.
        catalog: The company's definitions.

    Returns:
        One row per KPI and period ahead: kpi, period_start, goal, expected, percentile (share of the complete periods
        of history in which the KPI reached at most the goal, 0–1), best_ever, periods (how many there were). Blank
        percentile without history.
    """
    ahead = matrix[
        (matrix["dimension"] == TOTAL)
        & (pd.to_datetime(matrix["period_start"]) > pd.Timestamp(as_of))
        & matrix["actual"].isna()
        & (matrix["grain"] == finest_grain(matrix))
    ]
    rows = []
    company = cells[cells["dimension"] == TOTAL] if len(cells) else cells
    pasts = {
        kpi: list_past(company, kpi, finest_grain(matrix), matrix.attrs.get("basis", {}), catalog)
        for kpi in ahead["kpi"].unique()
    }
    for row in ahead.to_dict("records"):
        past = pasts[row["kpi"]]
        rows.append(
            {key: row[key] for key in ("kpi", "period_start", "goal", "expected")}
            | {
                "percentile": float(np.mean(past <= row["goal"])) if len(past) else np.nan,
                "best_ever": float(past.max()) if len(past) else np.nan,
                "periods": len(past),
            }
        )
    columns = ["kpi", "period_start", "goal", "expected", "percentile", "best_ever", "periods"]
    return pd.DataFrame(rows, columns=columns)


def finest_grain(matrix: pd.DataFrame) -> str:
    """Return the shortest grain of a matrix; empty where it has no rows."""
    return next((grain for grain in ("month", "quarter", "year") if (matrix["grain"] == grain).any()), "")


def list_past(cells: pd.DataFrame, kpi: str, grain: str, basis: Mapping[str, str], catalog: Catalog) -> np.ndarray:
    """List a KPI's values in complete periods of the company's history, oldest first.

    Args:
        cells: The columns of ``kpis.csv``.
        kpi: Its id.
        grain: The length of a period.
        basis: Which rates are quotients of ``volumes`` (``attrs["basis"]`` of a matrix).
        catalog: The company's definitions.
    """
    if cells.empty:
        return np.array([])
    if basis.get(kpi) == "volumes":
        product = next(product for product in list_products(catalog) if product.rate == kpi)
        volume, result = (_past_series(cells, id, grain) for id in (product.volume, product.result))
        quotient = result.reindex(volume.index) / volume.where(volume > 0)
        return quotient.dropna().to_numpy(dtype=float)
    return _past_series(cells, kpi, grain).to_numpy(dtype=float)


def _past_series(cells: pd.DataFrame, kpi: str, grain: str) -> pd.Series:
    mine = cells[
        (cells["kpi"] == kpi)
        & (cells["grain"] == grain)
        & (cells["dimension"] == TOTAL)
        & cells["horizon_days"].isna()
        & cells["is_complete"].astype("boolean").fillna(False).astype(bool)
    ]
    present = set(mine["basis"])
    wanted = next((basis for basis in ("cohort", "period", "outcome", "snapshot") if basis in present), "")
    return mine[mine["basis"] == wanted].set_index("period_start")["value"].dropna().sort_index()


def take_business(matrix: pd.DataFrame, catalog: Catalog, column: str, *, business: str = "new") -> pd.Series:
    """Take the cells of new or of existing business out of a matrix.

    Args:
        matrix: A goal matrix.
        catalog: The company's definitions; they say which types of deal are existing business.
        column: ``expected``, ``goal`` or ``actual``.
        business: ``new``; without slices by type of deal that is the whole company. Or ``existing``.

    Returns:
        One value per KPI, grain and period (the index); volumes summed over the types, ratios those of the first type.
        Empty for existing business where no types are known.
    """
    frame = matrix.assign(period_start=pd.to_datetime(matrix["period_start"]))
    index = ["kpi", "grain", "period_start"]
    is_existing = frame["slice"].str.casefold().isin(catalog.existing_business)
    by_type = frame[(frame["dimension"] == TYPE) & (is_existing == (business == "existing"))]
    additive = by_type["kpi"].isin(list_additive(catalog, over_time=False))
    summed = by_type[additive].groupby(index)[column].sum(min_count=1)
    ratios = by_type[~additive].dropna(subset=[column]).groupby(index)[column].first()
    typed = pd.concat([part for part in (summed, ratios) if len(part)]) if len(by_type) else summed
    if business == "existing":
        return typed
    whole = frame[frame["dimension"] == TOTAL].set_index(index)[column]
    return typed.reindex(whole.index).fillna(whole) if len(typed) else whole
