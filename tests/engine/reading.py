"""Read single cells out of the KPI table, for tests."""

import pandas as pd


def pick(cells: pd.DataFrame, kpi: str, *, basis: str = "", slice: str = "all", start: str = "") -> pd.Series:
    """Return the one row of a KPI, slice and period; fails where there is none or more than one."""
    mask = (cells["kpi"] == kpi) & (cells["slice"] == slice)
    if basis:
        mask &= cells["basis"] == basis
    if start:
        mask &= cells["period_start"] == pd.Timestamp(start)
    found = cells[mask]
    assert len(found) == 1, f"{len(found)} rows for {kpi} {basis} {slice} {start}\n{cells[cells['kpi'] == kpi]}"
    return found.iloc[0]


def values(cells: pd.DataFrame, kpi: str, *, basis: str = "", start: str = "") -> dict[str, float]:
    """Return slice → value of a KPI."""
    mask = cells["kpi"] == kpi
    if basis:
        mask &= cells["basis"] == basis
    if start:
        mask &= cells["period_start"] == pd.Timestamp(start)
    found = cells[mask]
    assert not found["slice"].duplicated().any(), found
    return dict(zip(found["slice"].tolist(), found["value"].tolist(), strict=True))
