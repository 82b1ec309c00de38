"""What the CRM itself says about a field: how far it is filled, lately, by whom, with what, and who contradicts it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.owner_spread import compare_owners
from helpers.model.bowtie import Stage
from helpers.model.dimension import Partition

OUTCOME_FILL = 0.05
"""A status at which a field of the outcome is filled this often is one that asks for it."""


@dataclass(frozen=True)
class Evidence:
    """What was found of one field on one set of records; shares are 0–1, None where there is nothing to tell.

    Attributes:
        n: Records that should carry it.
        fill_rate: Share of them that do.
        n_recent: Those of the last days.
        fill_rate_recent: Share of those that do.
        fill_rate_worst_owner: Lowest share among owners with enough records.
        worst_owner: Whose that is.
        fill_rate_best_owner: Highest share among them.
        owner_chance: How likely chance alone makes owners differ as much.
        unknown_share: Share of the filled ones that say "other", "unknown" and the like.
        n_values: Distinct values.
        conflicts: Share of linked records that say something else.
        filled_since: The month from which it was filled.
    """

    n: int = 0
    fill_rate: float | None = None
    n_recent: int = 0
    fill_rate_recent: float | None = None
    fill_rate_worst_owner: float | None = None
    worst_owner: str = ""
    fill_rate_best_owner: float | None = None
    owner_chance: float | None = None
    unknown_share: float | None = None
    n_values: int = 0
    conflicts: float | None = None
    filled_since: str = ""


def measure_field(
    table: pd.DataFrame,
    column: str,
    *,
    dates: str,
    as_of: date,
    recent_days: int,
    minimum_n: int,
    unknown: Iterable[str] = (),
) -> Evidence:
    """Measure how far one column of one set of records is filled.

    Args:
        table: The records that should carry the field, up to the last day.
        column: The field.
        dates: The column that dates the records; without it nothing is said of the last days.
        as_of: The last day that counts.
        recent_days: What counts as lately.
        minimum_n: An owner with fewer records is not looked at alone.
        unknown: Values (any case) that say nothing.
    """
    if table.empty:
        return Evidence()
    codes, uniques = pd.factorize(table[column])
    filled = codes >= 0
    words = [str(value).casefold() for value in uniques]
    counts = np.bincount(codes[filled], minlength=len(words))
    says_nothing = np.isin(words, [word.casefold() for word in unknown])
    recent = np.zeros(len(table), bool)
    since = ""
    if dates in table:
        moments = table[dates]
        recent = (moments >= pd.Timestamp(as_of) - pd.Timedelta(days=recent_days - 1)).to_numpy(bool)
        first = moments.to_numpy()[filled].min() if filled.any() else pd.NaT
        since = "" if pd.isna(first) else pd.Timestamp(first).strftime("%Y-%m")
    owners = compare_owners(_count_by_owner(table, filled), minimum_n)
    return Evidence(
        n=len(table),
        fill_rate=float(filled.mean()),
        n_recent=int(recent.sum()),
        fill_rate_recent=float(filled[recent].mean()) if recent.any() else None,
        fill_rate_worst_owner=owners.lowest,
        worst_owner=owners.whose,
        fill_rate_best_owner=owners.highest,
        owner_chance=owners.chance,
        unknown_share=float(counts[says_nothing].sum() / filled.sum()) if filled.any() else None,
        n_values=len({str(value) for value in uniques}),
        filled_since=since,
    )


def select_records(company: Any, stage: Stage, *, as_of: date) -> tuple[pd.DataFrame | None, str]:
    """Return the records that have entered a stage by a day, and the column that dates their entry.

    Returns:
        One row per record; None where the company has no such object or the stage no date.
    """
    table = company.tables.get(stage.object)
    if table is None or stage.date_field not in table:
        return None, ""
    entered = table[stage.date_field]
    inside = entered.notna() & (entered < pd.Timestamp(as_of) + pd.Timedelta(days=1))
    if stage.closes:
        inside &= table["outcome"] == stage.closes
    return table[inside], stage.date_field


def measure_entry_date(company: Any, stage_id: str, *, as_of: date) -> Evidence:
    """Measure how many of the records that reached a stage, or one after it, carry the stage's own date."""
    stages = list(company.catalog.stages.values())
    place = next((i for i, stage in enumerate(stages) if stage.id == stage_id), None)
    if place is None:
        return Evidence()
    stage = stages[place]
    own, _ = select_records(company, stage, as_of=as_of)
    if own is None or own.empty:
        return Evidence()
    later = [select_records(company, other, as_of=as_of)[0] for other in stages[place:] if other.object == stage.object]
    reached = pd.Index([]).union(pd.Index(own.index))
    for records in later:
        reached = reached if records is None else reached.union(records.index)
    since = own[stage.date_field].min().strftime("%Y-%m")
    return Evidence(n=len(reached), fill_rate=len(own) / len(reached), filled_since=since)


def keep_with_outcome(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Keep the records that should carry a field that is known only with the outcome.

    A lost reason is asked for when a deal is lost, not when it is won: of a deal's outcomes the one is taken at which
    the field is filled most; of a contact's, the statuses at which it is filled at all.
    """
    by = "outcome" if "outcome" in table else "status" if "status" in table else ""
    if not by:
        return table
    rates = table[column].notna().groupby(table[by]).mean()
    if by == "outcome":
        return table[table[by] == rates.idxmax()] if len(rates) and rates.max() > 0 else table
    asked = rates[rates >= OUTCOME_FILL].index
    return table[table[by].isin(asked)] if len(asked) else table


def link_objects(company: Any, first: str, second: str) -> pd.DataFrame | None:
    """Return which records of two objects belong together.

    Returns:
        One row per pair with the columns ``first`` and ``second`` (ids); None where the exports don't link them.
    """
    if {first, second} == {"contact", "deal"}:
        links = company.tables.get("deal_contact")
        deals = company.tables.get("deal")
        if links is None and deals is not None and "contact_id" in deals:
            links = deals[["id", "contact_id"]].rename(columns={"id": "deal_id"})
        pairs = None if links is None else links[["deal_id", "contact_id"]]
    elif "company" in (first, second):
        other = second if first == "company" else first
        pairs = _keys(company, other, "company_id")
    elif {first, second} == {"customer", "deal"}:
        pairs = _keys(company, "customer", "deal_id")
    else:
        pairs = None
    if pairs is None:
        return None
    named = pairs.dropna().rename(columns={f"{first}_id": "first", f"{second}_id": "second"})
    return named[["first", "second"]].drop_duplicates()


def measure_conflicts(company: Any, partition: Partition) -> float | None:
    """Return the share of linked contacts and deals that both carry a value and contradict each other.

    Returns:
        0–1; None where one of them doesn't carry the field itself, or nothing is linked.
    """
    own = {object for object in ("contact", "deal") if object in partition.objects}
    if own != {"contact", "deal"} or own & set(partition.inherited_from) or partition.is_person:
        return None
    pairs = link_objects(company, "contact", "deal")
    if pairs is None:
        return None
    contact, deal = (values_by_id(company, name, partition.objects[name]) for name in ("contact", "deal"))
    left, right = pairs["first"].map(contact), pairs["second"].map(deal)
    both = left.notna() & right.notna()
    return float((left[both] != right[both]).mean()) if both.any() else None


def values_by_id(company: Any, object: str, column: str) -> pd.Series:
    """Return a column of an object's table by the records' ids."""
    table = company.tables[object]
    ids = pd.Index(table["id"])
    return pd.Series(table[column].array, index=ids, name=column)[ids.notna() & ~ids.duplicated()]


def _keys(company: Any, object: str, key: str) -> pd.DataFrame | None:
    table = company.tables.get(object)
    if table is None or key not in table or "id" not in table:
        return None
    return table[["id", key]].rename(columns={"id": f"{object}_id"})


def _count_by_owner(table: pd.DataFrame, filled: np.ndarray) -> pd.DataFrame:
    """Count the records and the filled ones of each owner; none where the records bear no owner."""
    if "owner" not in table:
        return pd.DataFrame({"n": [], "n_filled": []})
    codes, owners = pd.factorize(table["owner"], sort=True)
    known = codes >= 0
    n, n_filled = (np.bincount(codes[known], weights, len(owners)) for weights in (None, filled[known]))
    return pd.DataFrame({"n": n, "n_filled": n_filled}, index=pd.Index(owners).astype("str"))
