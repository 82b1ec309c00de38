"""Which columns are partitions, on which objects, and when each is known; roll-ups, bands and inheritance."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from helpers.ingest.keys import find_positions, pick
from helpers.ingest.recognition import read_synonyms
from helpers.ingest.schema import CANONICAL_PARTITIONS, SERVICE_FIELDS, read_schema
from helpers.ingest.settings import CompanySettings
from helpers.issues import IssueLog
from helpers.model.catalog import Catalog
from helpers.model.dimension import label_bands
from helpers.model.objects import PARENTS

CARRIERS = ("session", "contact", "company", "deal", "customer", "subscription", "activity", "cost", "person")
"""Objects whose columns can be partitions."""

NEVER = {"source_file", "source_row", "stage_id", "outcome", "field", "old", "new"}
NEARLY_UNIQUE, SURELY_MANY, LONG_TEXT = 0.5, 50, 60
"""A text column with more than 50 values is an id or free text where over half of them occur once only."""


@dataclass
class Carried:
    """Which column of which table holds a partition.

    Attributes:
        own: Partition id → object → column, as exported, looked up or rolled up.
        inherited: Partition id → object → the object it was taken from.
    """

    own: dict[str, dict[str, str]] = field(default_factory=dict)
    inherited: dict[str, dict[str, str]] = field(default_factory=dict)


def find_partitions(
    tables: Mapping[str, pd.DataFrame], catalog: Catalog, *, looked_up: set[tuple[str, str]]
) -> Carried:
    """Tell which columns are partitions.

    Args:
        tables: Object → table with its own columns.
        catalog: The definitions; ``is_partition`` there overrules what is told here.
        looked_up: (object, column) pairs that came from a look-up table: they are partitions whatever they look like.
    """
    carried = Carried()
    for object_id in CARRIERS:
        for column in tables.get(object_id, pd.DataFrame()).columns:
            said = catalog.dimensions.get(column)
            if said is not None and said.is_partition is not None:
                is_one = said.is_partition
            else:
                is_one = _is_partition(
                    object_id, column, tables[object_id][column], catalog, (object_id, column) in looked_up
                )
            if is_one:
                carried.own.setdefault(column, {})[object_id] = column
    return carried


def _is_partition(object_id: str, column: str, values: pd.Series, catalog: Catalog, is_looked_up: bool) -> bool:
    if not pd.api.types.is_string_dtype(values.dtype) or not may_be_partition(object_id, column):
        return False
    return is_partition(object_id, column, values.value_counts(), len(values), catalog, is_looked_up)


def may_be_partition(object_id: str, column: str) -> bool:
    """Tell by its name alone whether a column of text can be a partition."""
    kind = read_schema()[object_id].fields.get(column)
    return not (column in NEVER or column in SERVICE_FIELDS or kind not in {None, "text", "person"})


def is_partition(
    object_id: str, column: str, counts: pd.Series, n_rows: int, catalog: Catalog, is_looked_up: bool
) -> bool:
    """Tell by its values whether a column of text that may be a partition is one.

    Args:
        object_id: The object.
        column: The column.
        counts: Value → rows that hold it; missing values are none.
        n_rows: Rows of the table.
        catalog: The definitions.
        is_looked_up: Whether it came from a look-up table.
    """
    kind = read_schema()[object_id].fields.get(column)
    n_values, n_filled = len(counts), int(counts.sum())
    if n_values == 0:
        return kind is not None or column in CANONICAL_PARTITIONS
    if n_values > catalog.rules.maximum_values:
        return False
    if column in CANONICAL_PARTITIONS or kind is not None:
        return True
    if _is_named_otherwise(column) or _is_measure_elsewhere(column):
        return False
    if n_values == 1 and n_filled == n_rows and n_rows > 1:
        return False
    return is_looked_up or not _is_id_or_prose(column, counts)


def _is_measure_elsewhere(column: str) -> bool:
    """Tell whether a column bears the name of a canonical measure, such as a quota that came in with the owners."""
    return any(schema.fields.get(column) in {"amount", "number", "date"} for schema in read_schema().values())


def _is_named_otherwise(column: str) -> bool:
    synonyms = read_synonyms()
    words = set(column.split("_"))
    for group in ("contact_details", "links", "machine"):
        for word in synonyms[group]["words"]:
            if column == word or column.endswith(f"_{word}") or column.startswith(f"{word}_"):
                return True
            if "_" not in word and word in words:
                return True
    return column in synonyms["record_names"]["words"] or column in synonyms["free_text"]["words"]


def _is_id_or_prose(column: str, counts: pd.Series) -> bool:
    n_rows, n_values, distinct = int(counts.sum()), len(counts), pd.Series(counts.index, dtype="str")
    is_long = float(distinct.str.len().mean()) > LONG_TEXT
    if column.endswith("_id") and n_values >= 0.9 * n_rows and n_rows >= 3:
        return True
    if n_values < 10:
        return is_long and n_values > 3
    if n_values == n_rows:
        return True
    if n_values <= SURELY_MANY:
        return is_long
    once = float((counts == 1).sum()) / n_values
    return is_long or n_values / n_rows > NEARLY_UNIQUE or (once > NEARLY_UNIQUE and n_values / n_rows > 0.2)


def roll_up(
    tables: dict[str, pd.DataFrame], settings: CompanySettings, log: IssueLog
) -> tuple[dict[str, pd.DataFrame], set[tuple[str, str]]]:
    """Add the columns that ``[rollups]`` computes from others.

    Returns:
        The tables, and which (object, column) pairs were rolled up. Where a table has the column already, only its
        blanks are filled. Values without a place in the roll-up stay blank, and one issue counts them.
    """
    rolled: set[tuple[str, str]] = set()
    tables = dict(tables)
    for partition in order_rollups(settings):
        rollup = settings.rollups[partition]
        for object_id in CARRIERS:
            table = tables.get(object_id)
            if table is None or rollup.of not in table or rollup.of == partition:
                continue
            fine = table[rollup.of]
            coarse = fine.map(rollup.values).astype("str")
            if partition in table:
                coarse = table[partition].astype("str").fillna(coarse)
            lost = fine.notna() & coarse.isna()
            if lost.any():
                values = fine[lost].value_counts()
                log.add(
                    file="company.toml",
                    column=f"rollups.{partition}.values",
                    code="rollup_without_value",
                    severity="warning",
                    value=str(values.index[0]),
                    message=f"{int(lost.sum()):,} {object_id} rows have a {rollup.of} that {partition} does not place: "
                    + ", ".join(map(str, values.index[:5])),
                    cure=f"Add it under [rollups.{partition}.values]",
                )
            tables[object_id] = table.assign(**{partition: coarse})
            rolled.add((object_id, partition))
    return tables, rolled


def order_rollups(settings: CompanySettings) -> list[str]:
    """Put roll-ups that build on others after them, whatever their order in the file."""
    ordered: list[str] = []

    def visit(partition: str, above: tuple[str, ...]) -> None:
        if partition in settings.rollups and partition not in ordered and partition not in above:
            visit(settings.rollups[partition].of, (*above, partition))
            ordered.append(partition)

    for partition in settings.rollups:
        visit(partition, ())
    return ordered


def add_bands(tables: dict[str, pd.DataFrame], catalog: Catalog) -> tuple[dict[str, pd.DataFrame], Carried]:
    """Cut numbers into the bands that the definitions give them; the bands become a partition of the number's name."""
    tables, carried = dict(tables), Carried()
    for dimension in catalog.dimensions.values():
        for object_id in CARRIERS if dimension.bands else ():
            table = tables.get(object_id)
            if table is None or dimension.id not in table or not pd.api.types.is_numeric_dtype(table[dimension.id]):
                continue
            column = f"{dimension.id}_band"
            labels = label_bands(table[dimension.id].to_numpy(float, na_value=np.nan), dimension.bands)
            tables[object_id] = table.assign(**{column: pd.Series(labels, index=table.index, dtype="str")})
            carried.own.setdefault(dimension.id, {})[object_id] = column
    return tables, carried


def choose_primary_contacts(tables: Mapping[str, pd.DataFrame]) -> pd.Series | None:
    """Tell each deal's primary contact: the earliest created of those linked, ties by id.

    Returns:
        One contact id per deal, by position in the deals' table; None where there are no links.
    """
    links, contacts, deals = tables.get("deal_contact"), tables.get("contact"), tables.get("deal")
    if links is None or contacts is None or deals is None:
        return None
    dates = next((name for name in ("created_at", "mql_at", "sql_at") if name in contacts), None)
    when = contacts[dates] if dates else pd.Series(pd.NaT, index=contacts.index, dtype="datetime64[us]")
    at = find_positions(links["contact_id"], contacts["id"])
    known = links[["deal_id", "contact_id"]].assign(when=pick(when, at, links.index))[at >= 0]
    known = known.sort_values(["when", "contact_id"], kind="stable", na_position="last")
    first = known[~known["deal_id"].duplicated()]
    return pick(first["contact_id"], find_positions(deals["id"], first["deal_id"]), deals.index).astype("str")


def inherit(
    tables: dict[str, pd.DataFrame], carried: Carried, catalog: Catalog
) -> tuple[dict[str, pd.DataFrame], Carried]:
    """Copy partitions along the links to objects that lack them altogether.

    A deal takes them from its contact, and from its company where it has no contact or the contact no value. What the
    contact only has from its own company, the deal takes from the deal's company first.

    Args:
        tables: Object → table.
        carried: Which columns are partitions.
        catalog: The definitions: fields that change while a record is in the funnel stay where they are.

    Returns:
        The tables with inherited columns, and who inherited what from whom (the nearest that passes it on).
    """
    tables = dict(tables)
    result = Carried({id: dict(objects) for id, objects in carried.own.items()}, {})
    for child in PARENTS:
        if child in tables:
            for at_first_hand in (True, False):
                tables[child] = _inherit_from_parents(child, tables, result, catalog, at_first_hand)
    return tables, result


def _inherit_from_parents(
    child: str, tables: Mapping[str, pd.DataFrame], result: Carried, catalog: Catalog, at_first_hand: bool
) -> pd.DataFrame:
    """Fill what a table lacks from its parents: what is their own, or what they have inherited themselves."""
    table = tables[child]
    for parent, key in PARENTS[child]:
        if parent not in tables or key not in table:
            continue
        at = find_positions(table[key], tables[parent]["id"])
        added: dict[str, pd.Series] = {}
        for id, objects in result.own.items():
            from_parents = result.inherited.get(id, {})
            is_lacking = child in from_parents or (child not in objects and id not in table)
            is_first_hand = parent not in from_parents
            if parent not in objects or not is_lacking or is_first_hand != at_first_hand:
                continue
            if not passes_on(id, parent, catalog):
                continue
            taken = pick(tables[parent][objects[parent]], at, table.index).astype("str")
            added[id] = table[id].fillna(taken) if child in from_parents else taken
        table = table.assign(**added) if added else table
        for id in added:
            result.own[id][child] = id
            first = result.inherited.get(id, {}).get(parent, parent)
            result.inherited.setdefault(id, {}).setdefault(child, first)
    return table


def passes_on(id: str, parent: str, catalog: Catalog) -> bool:
    """Tell whether a parent hands a partition on: what changes on the way, or is its own affair, stays where it is."""
    said = catalog.dimensions.get(id)
    if said is not None and said.known in {"during", "outcome"}:
        return False
    return not (id in {"owner", "type"} and parent == "company")
