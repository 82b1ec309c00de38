"""The evidence on a field of records that are too many to fetch: counted where they lie, by value, owner and month."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

import pandas as pd

from helpers.analyses.field_evidence import OUTCOME_FILL, Evidence
from helpers.analyses.owner_spread import compare_owners
from helpers.model.bowtie import Stage


def measure_counted_field(
    company: Any,
    stage: Stage,
    column: str,
    *,
    as_of: date,
    recent_days: int,
    minimum_n: int,
    unknown: Iterable[str] = (),
    is_outcome: bool = False,
) -> Evidence:
    """Measure how far one field of the records that entered a stage is filled, as ``measure_field`` does of rows.

    Args:
        company: The opened company; the table lies in its warehouse.
        stage: The stage.
        column: The field.
        as_of: The last day that counts.
        recent_days: What counts as lately.
        minimum_n: An owner with fewer records is not looked at alone.
        unknown: Values (any case) that say nothing.
        is_outcome: Whether the field is asked for only with some outcomes.
    """
    there = company.list_columns(stage.object)
    if column not in there or stage.date_field not in there:
        return Evidence()
    by = next((name for name in ("outcome", "status") if is_outcome and name in there), "")
    groups = _count(company, stage, {"value": column, "owner": "owner", "ended": by}, as_of, recent_days)
    if by:
        groups = _keep_asked(groups, by)
    if groups.empty:
        return Evidence()
    filled = groups[groups["value"].notna()]
    n, n_filled = int(groups["n"].sum()), int(filled["n"].sum())
    recent = groups[groups["recent"] == 1]
    n_recent = int(recent["n"].sum())
    nothing = filled["value"].astype("str").str.casefold().isin([word.casefold() for word in unknown])
    owners = compare_owners(_count_by_owner(groups), minimum_n)
    return Evidence(
        n=n,
        fill_rate=n_filled / n,
        n_recent=n_recent,
        fill_rate_recent=float(recent.loc[recent["value"].notna(), "n"].sum() / n_recent) if n_recent else None,
        fill_rate_worst_owner=owners.lowest,
        worst_owner=owners.whose,
        fill_rate_best_owner=owners.highest,
        owner_chance=owners.chance,
        unknown_share=float(filled.loc[nothing, "n"].sum() / n_filled) if n_filled else None,
        n_values=int(filled["value"].nunique()),
        filled_since=pd.Timestamp(filled["month"].min()).strftime("%Y-%m") if n_filled else "",
    )


def measure_counted_entry(company: Any, stages: Sequence[Stage], *, as_of: date) -> Evidence:
    """Measure how many of the records that reached the first of some stages, or one after it, carry its date."""
    first, object = stages[0], stages[0].object
    there = company.list_columns(object)
    dated = [one for one in stages if one.object == object and one.date_field in there]
    if first not in dated:
        return Evidence()
    reached = " or ".join(f"({_entered(one, as_of)})" for one in dated)
    own = _entered(first, as_of)
    columns = [*(one.date_field for one in dated), *(["outcome"] if any(one.closes for one in dated) else [])]
    sql = (
        f"select sum(case when {own} then 1 else 0 end) as own, sum(case when {reached} then 1 else 0 end) as reached, "
        f'min(case when {own} then "{first.date_field}" end) as since '
        f"from (\n{company.warehouse.select(object, list(dict.fromkeys(columns)))}\n) as source"
    )
    [row] = company.warehouse.connection.fetch(sql).to_pylist()
    if not row["own"]:
        return Evidence()
    since = pd.Timestamp(row["since"]).strftime("%Y-%m")
    return Evidence(n=int(row["reached"]), fill_rate=int(row["own"]) / int(row["reached"]), filled_since=since)


def _count(company: Any, stage: Stage, names: dict[str, str], as_of: date, recent_days: int) -> pd.DataFrame:
    """Count records by value, owner, outcome, month of entry, and whether that was lately."""
    there = company.list_columns(stage.object)
    held = {alias: name for alias, name in names.items() if name in there}
    dates = f'"{stage.date_field}"'
    since = (as_of - timedelta(days=recent_days - 1)).isoformat()
    parts = [f'"{name}" as "{alias}"' for alias, name in held.items()]
    parts += [f"date_trunc('month', {dates}) as month"]
    parts += [f"case when {dates} >= cast('{since}' as timestamp) then 1 else 0 end as recent"]
    columns = [*held.values(), stage.date_field, *(["outcome"] if stage.closes else [])]
    rows = company.warehouse.select(stage.object, list(dict.fromkeys(columns)))
    keys = ", ".join(f'"{name}"' for name in (*held, "month", "recent"))
    inside = f"select {', '.join(parts)} from (\n{rows}\n) as source where {_entered(stage, as_of)}"
    sql = f"select {keys}, count(*) as n from (\n{inside}\n) as entered group by {keys}"
    return company.warehouse.connection.fetch(sql).to_pandas()


def _entered(stage: Stage, as_of: date) -> str:
    end = (as_of + timedelta(days=1)).isoformat()
    inside = f"\"{stage.date_field}\" < cast('{end}' as timestamp)"
    return f"{inside} and \"outcome\" = '{stage.closes}'" if stage.closes else inside


def _keep_asked(groups: pd.DataFrame, by: str) -> pd.DataFrame:
    """Keep the outcome at which the field is filled most, or the statuses at which it is filled at all."""
    filled = groups["n"].where(groups["value"].notna(), 0).groupby(groups["ended"]).sum()
    rates = filled / groups["n"].groupby(groups["ended"]).sum()
    if by == "outcome":
        return groups[groups["ended"] == rates.idxmax()] if len(rates) and rates.max() > 0 else groups
    asked = rates[rates >= OUTCOME_FILL].index
    return groups[groups["ended"].isin(asked)] if len(asked) else groups


def _count_by_owner(groups: pd.DataFrame) -> pd.DataFrame:
    if "owner" not in groups:
        return pd.DataFrame({"n": [], "n_filled": []})
    counted = groups.assign(n_filled=groups["n"].where(groups["value"].notna(), 0))
    return counted.groupby(counted["owner"].astype("object"))[["n", "n_filled"]].sum()
