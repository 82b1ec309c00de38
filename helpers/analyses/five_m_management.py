"""Management, which is no sixth bucket: what several Ms with evidence under one roof have in common.

A roof is a value of a partition (team, region, segment …) in which most records of several causes lie, far more than
its share of all records. It names what is set there and never a person: where the partition is a person's, such as a
manager, it says so without the name, and a roof over one person alone is none.
"""

import json
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.five_m_question import EVIDENCE
from helpers.analyses.leaf_dimensions import is_person
from helpers.model.cause import ALL_M_LABELS
from helpers.periods import Period
from helpers.units import format_value, in_sentence

ROOF_COLUMNS = ["dimension", "label", "slice", "ms", "causes", "n_causes", "n_records", "share", "base_share",
                "also", "statement"]  # fmt: skip

MOST_OF_IT = 0.6
"""Share of a cause's records that lie under a roof."""

MORE_THAN_USUAL = 1.5
"""How many times the roof's share of all records that is at least."""

BEFORE = ("team", "manager", "region", "segment", "channel", "gtm_motion", "product")
PERSONAL = ("owner", "sales_agent", "assigned_to")
"""Partitions that are one person each: they are no roof."""

MOST_VALUES = 50
NO_ROOF = "No two Ms with evidence meet under one roof: the causes lie in different places"
TOO_FEW_MS = "Fewer than two Ms have evidence with records behind it, so nothing can meet under one roof"


def find_roofs(company: Any, five_m: pd.DataFrame, *, period: Period) -> pd.DataFrame:
    """Find where several Ms with evidence meet.

    Args:
        company: The opened company.
        five_m: The result of ``gather_evidence``.
        period: The period in question.

    Returns:
        One row per roof, the one that holds most of its causes' records first, with ``ROOF_COLUMNS``: dimension, label
        (in words, without a person's name), slice (empty for a person's), ms and causes (ids, with commas), n_causes,
        n_records, share (the smallest share of a cause's records under it), base_share (its share of all records of the
        period), also (other roofs over the same causes), statement. No rows where Ms don't meet.
    """
    evident = five_m[(five_m["verdict"] == EVIDENCE) & (five_m["n_records"] > 0)]
    if evident["m"].nunique() < 2:
        return pd.DataFrame(columns=ROOF_COLUMNS)
    found: dict[tuple[str, str], list[dict]] = {}
    for row in evident.to_dict("records"):
        rows = _find_rows(company, row)
        everybody = _in_period(company, row["object"], period)
        for dimension in _list_dimensions(company):
            values = _read_values(company, row["object"], dimension)
            if values is None:
                continue
            for value, share, base in _concentrate(values[rows], values[everybody]):
                told = {"cause": row["cause"], "m": row["m"], "share": share, "base": base, "n": len(rows)}
                found.setdefault((dimension, value), []).append(told)
    roofs = [
        _tell(company, dimension, value, causes)
        for (dimension, value), causes in found.items()
        if len({one["m"] for one in causes}) > 1 and _count_people(company, dimension, value) != 1
    ]
    return _join_same(pd.DataFrame(roofs, columns=ROOF_COLUMNS))


def describe_roofs(roofs: pd.DataFrame, five_m: pd.DataFrame) -> str:
    """Say in one sentence where Ms meet, or that they don't."""
    if not roofs.empty:
        return str(roofs["statement"].iloc[0])
    evident = five_m[(five_m["verdict"] == EVIDENCE) & (five_m["n_records"] > 0)]
    return NO_ROOF if evident["m"].nunique() > 1 else TOO_FEW_MS


def _find_rows(company: Any, row: dict) -> np.ndarray:
    """Return the positions of the records kept with a cause."""
    index = pd.Index(company.tables[row["object"]]["id"].astype("str"))
    places = index.get_indexer_for(json.loads(row["records"]))
    return np.unique(places[places >= 0])


def _in_period(company: Any, object: str, period: Period) -> np.ndarray:
    """Return the positions of an object's records of the period: contacts created, deals closed in it."""
    table = company.tables[object]
    column = next((name for name in ("closed_at", "created_at") if name in table), None)
    if column is None:
        return np.arange(len(table))
    days = table[column]
    inside = (days >= pd.Timestamp(period.start)) & (days < pd.Timestamp(period.end) + pd.Timedelta(days=1))
    return np.flatnonzero(inside.to_numpy(dtype=bool)) if inside.any() else np.arange(len(table))


def _list_dimensions(company: Any) -> list[str]:
    """List the partitions under which Ms can meet, those of the organisation first."""
    allowed = [
        id for id, one in company.partitions.items()
        if one.known == "entry" and one.question != "when" and id not in PERSONAL and one.n_values <= MOST_VALUES
    ]  # fmt: skip
    extra = [id for id in ("team", "manager") if id not in allowed and id in company.list_columns("person")]
    order = {id: place for place, id in enumerate(BEFORE)}
    return sorted([*allowed, *extra], key=lambda id: (order.get(id, len(order)), id))


def _read_values(company: Any, object: str, dimension: str) -> np.ndarray | None:
    """Return a partition's value of each record, its own or its owner's; None where neither is known."""
    table, partition = company.tables[object], company.partitions.get(dimension)
    column = partition.objects.get(object) if partition else None
    if column is not None and column in table:
        return table[column].astype("str").to_numpy(dtype="O", na_value=None)
    people = company.tables.get("person")
    if people is None or dimension not in people or "owner" not in table:
        return None
    of = people.drop_duplicates("id").set_index("id")[dimension]
    return table["owner"].map(of).astype("str").to_numpy(dtype="O", na_value=None)


def _concentrate(mine: np.ndarray, everybody: np.ndarray) -> list[tuple[str, float, float]]:
    """Return the values under which most of some records lie, with their share of these and of all records."""
    found = []
    for value in {one for one in mine if one is not None}:
        share = float(np.mean([one == value for one in mine]))
        base = float(np.mean([one == value for one in everybody])) if len(everybody) else 0.0
        if share >= MOST_OF_IT and share >= MORE_THAN_USUAL * base:
            found.append((str(value), share, base))
    return found


def _count_people(company: Any, dimension: str, value: str) -> int:
    """Return how many people a team or manager's area holds; 0 where that isn't known or doesn't matter."""
    people = company.tables.get("person")
    if dimension not in ("team", "manager") and not _is_personal(company, dimension):
        return 0
    if people is not None and dimension in people:
        return int((people[dimension].astype("str") == value).sum())
    deals = company.tables.get("deal")
    if deals is None or dimension not in deals or "owner" not in deals:
        return 0
    return int(deals.loc[deals[dimension].astype("str") == value, "owner"].nunique())


def _is_personal(company: Any, dimension: str) -> bool:
    partition = company.partitions.get(dimension)
    return dimension == "manager" or bool(partition is not None and is_person(partition))


def _tell(company: Any, dimension: str, value: str, causes: list[dict]) -> dict:
    """Say what meets under a roof, about the system and without a person's name."""
    ms = [m for m in ALL_M_LABELS if m in {one["m"] for one in causes}]
    partition = company.partitions.get(dimension)
    name = in_sentence(partition.label if partition else dimension.capitalize())
    personal = _is_personal(company, dimension)
    people = _count_people(company, dimension, value)
    label = f"the area of one {name} ({people} people)" if personal else f"{name} {value}"
    share, base = min(one["share"] for one in causes), max(one["base"] for one in causes)
    told = " and ".join([", ".join(ALL_M_LABELS[m] for m in ms[:-1]), ALL_M_LABELS[ms[-1]].lower()])
    statement = (
        f"{told} meet in {label}: at least {format_value(share, 'share')} of each cause's records lie there, against "
        f"{format_value(base, 'share')} of all. Look at what is set there for everybody: targets, territories, "
        "coaching, staffing, hand-offs"
    )
    return {
        "dimension": dimension, "label": label, "slice": "" if personal else f"{dimension}={value}",
        "ms": ", ".join(ms), "causes": ", ".join(one["cause"] for one in causes), "n_causes": len(causes),
        "n_records": sum(one["n"] for one in causes), "share": share, "base_share": base, "also": "",
        "statement": statement,
    }  # fmt: skip


def _join_same(roofs: pd.DataFrame) -> pd.DataFrame:
    """Keep the tightest roof over the same causes and list the others beside it."""
    if roofs.empty:
        return roofs
    order = {id: place for place, id in enumerate(BEFORE)}
    place = roofs["dimension"].map(order).fillna(len(order))
    roofs = roofs.assign(place=place).sort_values(
        ["n_causes", "share", "place", "label"], ascending=[False, False, True, True], kind="stable"
    )
    kept = []
    for _, group in roofs.groupby("causes", sort=False):
        kept.append({**group.iloc[0].to_dict(), "also": "; ".join(group["label"].iloc[1:4])})
    return pd.DataFrame(kept)[ROOF_COLUMNS].reset_index(drop=True)
