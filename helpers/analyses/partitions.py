"""By what a KPI can be cut: which partitions there are, which suit it, and in which of them it changed."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from helpers.analyses.change import score_changes
from helpers.analyses.slicing_filters import resolve_filters
from helpers.analyses.slicing_question import find_refusal
from helpers.engine.cells import build_cells
from helpers.model.kpi import Kpi
from helpers.periods import Period

PREFERRED = "source segment region product channel industry owner gtm_motion country team manager".split()
"""The order in which partitions are offered: what a leader asks first."""

MOST_VALUES = 12
MOST_PERSONS = 40
NEARLY_ALL = 0.98
"""A slice with a larger share of the records is the company itself."""


def describe_partitions(company: Any) -> pd.DataFrame:
    """Tell by what a company can be cut, and when each of it is known.

    Returns:
        One row per partition: label, question (who, what, where, when), objects (whose records carry it, and from whom
        it was inherited), known (entry, during, outcome), known_because and n_values.
    """
    rows = [
        {
            "label": partition.label,
            "question": partition.question,
            "objects": ", ".join(
                f"{name} (from {partition.inherited_from[name]})" if name in partition.inherited_from else name
                for name in partition.objects
            ),
            "known": partition.known + (", today's value" if partition.is_current_value else ""),
            "known_because": partition.known_because,
            "n_values": partition.n_values,
        }
        for partition in company.partitions.values()
    ]
    columns = ["label", "question", "objects", "known", "known_because", "n_values"]
    order = {"who": 0, "what": 1, "where": 2, "when": 3}
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values(
        ["question", "label"], key=lambda c: c.map(order).fillna(0) if c.name == "question" else c, ignore_index=True
    )


def headline_partitions(partitions: pd.DataFrame) -> str:
    """Say in one sentence by how many fields the business can be cut."""
    if partitions.empty:
        return "No field of the exports cuts the business yet"
    if len(partitions) == 1:
        return f"The business can be cut by one field: {partitions['label'].iloc[0]}"
    return f"The business can be cut by {len(partitions)} fields"


def suggest_partitions(company: Any, kpi: str, *, limit: int = 6) -> list[str]:
    """Return partitions that may cut a KPI, that a reader can take in, and that are no roll-up of one another.

    Args:
        company: The company.
        kpi: The KPI's id.
        limit: How many at most.
    """
    definition = company.catalog.kpi(kpi)
    objects = objects_of(company, definition)
    usable = [
        partition
        for partition in company.partitions.values()
        if set(partition.objects) & objects
        and partition.known == "entry"
        and partition.question != "when"
        and 2 <= partition.n_values <= (MOST_PERSONS if partition.is_person else MOST_VALUES)
    ]
    order = {id: position for position, id in enumerate(PREFERRED)}
    chosen: list[str] = []
    for partition in sorted(usable, key=lambda p: (order.get(p.id, len(order)), p.id)):
        if len(chosen) < limit and not any(_rolls_up(company, objects, partition.id, other) for other in chosen):
            chosen.append(partition.id)
    return chosen


def build_scan(
    company: Any,
    kpis: Sequence[str],
    period: Period,
    compared: Period | None,
    *,
    as_of: Any = None,
    filters: Mapping[str, Any] | None = None,
    horizon_days: int | None = None,
) -> pd.DataFrame:
    """Compute KPIs by every partition known at entry in two periods, for ``scan_changes``.

    Returns:
        One row per KPI, basis, partition, slice and period, with the columns of ``kpis.csv``.
    """
    resolved = resolve_filters(company, filters, as_of=as_of)
    told = [
        kpi for kpi in kpis if not find_refusal(company, company.catalog.kpi(kpi), list(filters or {}), as_of=as_of)
    ]
    by = [(), *((id,) for id, partition in sorted(company.partitions.items()) if partition.known == "entry")]
    frames = [
        build_cells(
            company, kpis=told, by=by, grain=one.grain, start=one.start, end=one.end, as_of=as_of, filters=resolved,
            horizon_days=horizon_days,
        ).assign(grain=period.grain)
        for one in (period, compared)
        if one is not None
    ]  # fmt: skip
    return pd.concat(frames, ignore_index=True).drop_duplicates(["kpi", "basis", "dimension", "slice", "period_start"])


def scan_changes(
    cells: pd.DataFrame, company: Any, kpis: Sequence[str], period: Period, compared: Period | None, *, limit: int = 10
) -> pd.DataFrame:
    """Look through every single partition for the slices in which a KPI changed, corrected for all that were looked at.

    Slices with fewer records than the company's minimum in either period are left out, and so are cohorts that are
    not mature and slices that are nearly the whole company.

    Args:
        cells: Cells of the company and every single partition.
        company: The company.
        kpis: Ids of KPIs.
        period: The period shown.
        compared: The period to compare with; None gives an empty table.
        limit: How many rows at most.

    Returns:
        One row per slice, the most surprising first: kpi, basis, dimension, slice, value, n, previous_value, change,
        p_value, q_value. ``attrs["looked_at"]`` tells how many slices were compared.
    """
    columns = ["kpi", "basis", "dimension", "slice", "value", "n", "previous_value", "change", "p_value", "q_value"]
    usual = pd.DataFrame([{"kpi": kpi, "basis": company.catalog.kpi(kpi).basis[0]} for kpi in kpis])
    if compared is None or usual.empty:
        return pd.DataFrame(columns=columns)
    of_time = {id for id, partition in company.partitions.items() if partition.question == "when"}
    mine = cells[~cells["dimension"].isin({"all", *of_time}) & (cells["grain"] == period.grain)]
    mine = mine.merge(usual, on=["kpi", "basis"])
    mine = mine[mine["is_complete"].astype(bool) & (mine["n"] >= company.catalog.rules.minimum_n)]
    key = ["kpi", "basis", "dimension", "slice"]
    whole = cells[(cells["dimension"] == "all") & (cells["grain"] == period.grain)]
    whole = whole[["kpi", "basis", "period_start", "n"]].rename(columns={"n": "whole"})
    mine = mine.merge(whole, on=["kpi", "basis", "period_start"], how="left")
    mine = mine[mine["n"] < NEARLY_ALL * mine["whole"]]
    starts = pd.to_datetime(mine["period_start"]).dt.date
    scored = score_changes(mine[starts == period.start], mine[starts == compared.start], on=key)
    tested = scored.dropna(subset=["p_value"])
    ranked = tested.sort_values(["p_value", *key], kind="stable")[columns].head(limit).reset_index(drop=True)
    ranked.attrs["looked_at"] = len(tested)
    return ranked


def objects_of(company: Any, kpi: Kpi) -> set[str]:
    """Return whose records a KPI counts."""
    measure, stages = kpi.measure, company.catalog.stages
    named = getattr(measure, "from_stage", None) or getattr(measure, "stage", None)
    if named is None:
        return {getattr(measure, "object", "deal")}
    found = stages[named].object
    return {"contact"} if found == "deal" and "deal" not in company.tables else {found}


def _rolls_up(company: Any, objects: set[str], first: str, second: str) -> bool:
    """Tell whether one of two partitions is decided by the other, as a channel is by its sources."""
    one, other = company.partitions[first], company.partitions[second]
    for name in sorted(objects & set(one.objects) & set(other.objects)):
        table = company.tables[name]
        pairs = table[[one.objects[name], other.objects[name]]].dropna().drop_duplicates()
        finest = max(pairs[one.objects[name]].nunique(), pairs[other.objects[name]].nunique())
        return len(pairs) <= finest
    return False
