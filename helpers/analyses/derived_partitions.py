"""Cuts that no field of the exports holds: bands of numbers, months, weekdays and ages, computed when asked for."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from helpers.engine.journeys import BLANK
from helpers.model.derived import DerivedPartition, load_derived
from helpers.model.dimension import Partition, label_bands
from helpers.model.objects import PARENTS

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
BANDS = 5
"""Into how many bands a number is cut where nobody said where."""

BAND = re.compile(r"(under )?(-?[\d,]+(?:\.\d+)?)(?:$|–| to under | or more)")
"""How a band is called."""

MANY = 12
"""A number with no more values than this is taken as it is."""


def list_derived(company: Any) -> pd.DataFrame:
    """List the cuts that can be computed for a company.

    Returns:
        One row per cut: id, label, question, objects, known, of (what it is computed from). Numbers of the exports
        that nobody described stand there too, cut at round numbers.
    """
    rows = []
    for id, said in {**_numbers(company), **load_derived()}.items():
        carriers = _carriers(company, said)
        if id not in company.partitions and carriers:
            objects = ", ".join(carriers)
            known = _known(company, id, said) + (", today's value" if said.is_current_value else "")
            fields = ", ".join(f"{object}.{field}" for object, field in carriers.items())
            row = {"id": id, "label": _label(company, id, said), "question": said.question, "objects": objects}
            rows.append({**row, "known": known, "of": fields})
    return pd.DataFrame(rows, columns=["id", "label", "question", "objects", "known", "of"])


def derive_partitions(company: Any, asked: Iterable[str], *, as_of: date | None = None) -> Any:
    """Add the cuts that somebody asks for and that the exports don't hold as they are.

    Args:
        company: The company; it isn't changed.
        asked: Names of partitions, also joined by ``&``; those that the company has, or that nobody knows, are passed
            over.
        as_of: The last day that counts, to which open deals age; None takes the last event.

    Returns:
        The company with the cuts as further partitions; the same one where none is added.
    """
    names = dict.fromkeys(part.strip() for name in asked for part in str(name).split("&"))
    aliases = {alias for partition in company.partitions.values() for alias in partition.aliases}
    known = {**_numbers(company), **load_derived()}
    for id in names:
        if id in known and id not in company.partitions and id not in aliases:
            company = _derive(company, id, known[id], as_of)
    return company


def _derive(company: Any, id: str, said: DerivedPartition, as_of: date | None) -> Any:
    tables, column = dict(company.tables), f"{id}_cut"
    carriers = _carriers(company, said)
    for object, field in carriers.items():
        values = _compute(company, id, said, tables[object], field, as_of)
        tables[object] = tables[object].assign(**{column: values})
    if not carriers:
        return company
    objects = dict.fromkeys(carriers, column)
    inherited = {}
    if said.known == "entry" and said.how in ("bands", "name"):
        inherited = _hand_down(tables, objects, column)
    found = pd.concat([tables[name][column].dropna() for name in objects], ignore_index=True)
    partition = Partition(
        id=id,
        label=_label(company, id, said),
        question=said.question,
        objects=objects,
        known=_known(company, id, said),
        known_because="computed from " + ", ".join(f"{object}.{field}" for object, field in carriers.items()),
        inherited_from=inherited,
        n_values=int(found.nunique()),
        is_current_value=said.is_current_value,
    )
    return replace(company, tables=tables, partitions={**company.partitions, id: partition}, warehouse=None)


def _carriers(company: Any, said: DerivedPartition) -> dict[str, str]:
    """Return object → field of every object that holds what the cut is computed from, the first field of each."""
    found: dict[str, str] = {}
    for path in said.of:
        object, _, field = path.partition(".")
        kinds = company.list_columns(object)
        if field not in kinds or object in found or (said.how == "bands" and kinds[field] not in ("number", "boolean")):
            continue
        found[object] = field
    if said.how == "stage_before_lost" and "deal_history" not in company.tables:
        return {}
    return found


def _numbers(company: Any) -> dict[str, DerivedPartition]:
    """Describe the numbers of the exports that nobody described: they are cut at round numbers."""
    found: dict[str, list[str]] = {}
    for object in ("contact", "company", "deal", "customer", "subscription", "person"):
        for column, kind in company.list_columns(object).items():
            if kind == "number" and column not in ("source_row", "probability") and not column.endswith("_id"):
                found.setdefault(column, []).append(f"{object}.{column}")
    return {
        id: DerivedPartition(
            label=id.upper() if len(id) <= 3 else id.replace("_", " ").capitalize(),
            of=tuple(paths),
            how="bands",
            is_current_value=True,
        )
        for id, paths in found.items()
    }


def _label(company: Any, id: str, said: DerivedPartition) -> str:
    written = company.catalog.dimensions.get(id)
    return written.label if written is not None and written.label else said.label


def _known(company: Any, id: str, said: DerivedPartition) -> Any:
    written = company.catalog.dimensions.get(id)
    return written.known if written is not None and written.known else said.known


def _compute(
    company: Any, id: str, said: DerivedPartition, table: pd.DataFrame, field: str, as_of: date | None
) -> pd.Series:
    if said.how in ("month", "weekday"):
        days = table[field].dt.month - 1 if said.how == "month" else table[field].dt.day_of_week
        names = MONTHS if said.how == "month" else WEEKDAYS
        return days.map(dict(enumerate(names))).astype("str")
    if said.how == "name":
        return table[field].astype("str")
    if said.how == "stage_before_lost":
        return _stage_before_lost(table, company.tables["deal_history"])
    written = company.catalog.dimensions.get(id)
    if said.how == "bands" and written is not None and written.bands:
        labels = label_bands(table[field].to_numpy(float, na_value=np.nan), written.bands)
        return pd.Series(labels, index=table.index, dtype="str")
    numbers = _age(table, as_of or company.latest_event) if said.how == "age" else pd.to_numeric(table[field])
    values = numbers.to_numpy(dtype=float, na_value=np.nan)
    bounds = said.bounds or _round_bounds(values)
    if not bounds:
        return pd.Series(_as_text(values), index=table.index, dtype="str")
    return cut_at(pd.Series(values, index=table.index), bounds, is_whole=said.is_whole, unit=said.unit)


def cut_at(values: pd.Series, bounds: Sequence[float], *, is_whole: bool = False, unit: str = "") -> pd.Series:
    """Cut numbers into bands that begin at the bounds.

    >>> cut_at(pd.Series([10, 11, 5000]), [1, 11, 51, 201], is_whole=True).tolist()
    ['1–10', '11–50', '201 or more']
    """
    bounds = sorted(bounds)
    place = np.searchsorted(bounds, values.to_numpy(dtype=float, na_value=np.nan), side="right") - 1
    names = []
    for i, low in enumerate(bounds):
        if i + 1 == len(bounds):
            names.append(f"{_short(low)} or more")
            continue
        high = bounds[i + 1]
        names.append(f"{_short(low)}–{_short(high - 1)}" if is_whole else f"{_short(low)} to under {_short(high)}")
    texts = [f"{name} {unit}".strip() for name in names]
    below = f"under {_short(bounds[0])} {unit}".strip()
    cut = [below if i < 0 else texts[i] for i in place]
    return pd.Series(cut, index=values.index, dtype="str").where(values.notna())


def find_order(names: Sequence[str]) -> list[str] | None:
    """Return slices in the order of the calendar or of their bounds; None where they have none.

    >>> find_order(["201 or more", "1–10", "(blank)", "11–50"])
    ['1–10', '11–50', '201 or more', '(blank)']
    """
    known = [name for name in names if name != BLANK]
    for order in (MONTHS, WEEKDAYS):
        if known and set(known) <= set(order):
            return [*sorted(known, key=order.index), *(name for name in names if name == BLANK)]
    lows = {name: BAND.match(name) for name in known}
    if len(known) < 2 or not all(lows.values()):
        return None

    def low(name: str) -> float:
        number = float(lows[name].group(2).replace(",", ""))
        return -np.inf if lows[name].group(1) else number

    return [*sorted(known, key=low), *(name for name in names if name == BLANK)]


def _round_bounds(values: np.ndarray) -> list[float]:
    """Return round numbers that split the records about evenly; none where there are only a few values anyway."""
    known = values[~np.isnan(values)]
    if not len(known) or len(np.unique(known)) <= MANY:
        return []
    cuts = np.quantile(known, np.arange(1, BANDS) / BANDS)
    rounded = [float(f"{cut:.1g}") for cut in cuts]
    return sorted({min(0.0, float(np.floor(known.min()))), *rounded})


def _as_text(values: np.ndarray) -> list[Any]:
    return [pd.NA if np.isnan(value) else _short(value) for value in values]


def _short(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value:g}"


def _age(table: pd.DataFrame, until: date | None) -> pd.Series:
    """Return the days from creation to the close, or to the last day that counts while a deal is open."""
    end = pd.Series(pd.Timestamp(until), index=table.index)
    if {"closed_at", "outcome"} <= set(table.columns):
        end = table["closed_at"].where(table["outcome"].isin(["won", "lost"]), end)
    days = (end.dt.normalize() - table["created_at"].dt.normalize()).dt.days.astype("float64")
    return days.where(days >= 0)


def _stage_before_lost(deals: pd.DataFrame, history: pd.DataFrame) -> pd.Series:
    """Return the stage that each lost deal stood in before it was lost; missing for all others."""
    moves = history[(history["field"] == "stage")].sort_values("changed_at", kind="stable")
    lost = deals[deals["outcome"] == "lost"]
    last_label = lost.set_index("id")["stage"]
    moves = moves[moves["deal_id"].isin(last_label.index)]
    into_lost = moves["new"] == moves["deal_id"].map(last_label)
    before = moves[~into_lost].groupby("deal_id")["new"].last()
    said = moves[into_lost & moves["old"].notna()].groupby("deal_id")["old"].last()
    found = said.reindex(said.index.union(before.index)).fillna(before)
    return deals["id"].map(found.to_dict()).astype("str").where(deals["outcome"] == "lost")


def _hand_down(tables: dict[str, pd.DataFrame], objects: dict[str, str], column: str) -> dict[str, str]:
    """Copy a band along the links to objects that lack it, and tell from whom each has it."""
    inherited: dict[str, str] = {}
    for child, parents in PARENTS.items():
        if child not in tables or child in objects:
            continue
        taken = pd.Series(pd.NA, index=tables[child].index, dtype="str")
        for parent, key in parents:
            if parent not in objects or key not in tables[child]:
                continue
            source = tables[parent].drop_duplicates("id").set_index("id")[column].to_dict()
            taken = taken.fillna(tables[child][key].map(source).astype("str"))
            inherited.setdefault(child, inherited.get(parent, parent))
        if child in inherited:
            tables[child] = tables[child].assign(**{column: taken})
            objects[child] = column
    return inherited
