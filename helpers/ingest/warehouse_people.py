"""Hide people in a warehouse's tables: pseudonyms and dropped details are written into every SELECT."""

from dataclasses import replace

from helpers.ingest.build import Built
from helpers.ingest.people import LEAST_SHARE, PERSON_COLUMNS, drop_details, hide_in_issues, is_detail, make_pseudonyms
from helpers.ingest.schema import field_type
from helpers.ingest.warehouse_columns import quote
from helpers.ingest.warehouse_query import Defined, Layer, TableQuery
from helpers.ingest.warehouse_records import map_layer
from helpers.ingest.warehouse_tables import LazyTables, Warehouse

MOST_LOOKED_AT = 20_000
"""So many distinct values of a column are looked at to tell whether they are names of colleagues."""


def hide_people_there(built: Built, warehouse: Warehouse, *, salt: str) -> tuple[Built, Warehouse]:
    """Replace colleagues by pseudonyms and drop contact details, wherever they stand.

    Args:
        built: What ingest tells of the company.
        warehouse: Where its tables lie; it isn't changed, nor is anything in it.
        salt: Something of the company's own.

    Returns:
        Both without names. What is fetched, and what is counted where the data lies, bears the same pseudonyms as
        tables of exports would.
    """
    values = {
        (object_id, column): _list_values(warehouse, object_id, column)
        for object_id, query in warehouse.queries.items()
        for column, kind in query.kinds.items()
        if kind == "text" and column not in {"id", "source_file"} and not column.endswith("_id")
    }
    if "person" in warehouse.queries:
        values[("person", "id")] = _list_values(warehouse, "person", "id")
    people = {name for key, found in values.items() if _is_person(*key) for name in found}
    names = make_pseudonyms(people, salt)
    dropped = {(o, c) for o, query in warehouse.queries.items() for c in query.kinds if is_detail(o, c)}
    hidden = {key for key, found in values.items() if key not in dropped and _holds_people(*key, found, people)}
    queries = {o: _hide(query, o, hidden, dropped, names) for o, query in warehouse.queries.items()}
    distinct = {
        key: counts.groupby(counts.index.map(lambda name: names.get(name, "Person"))).sum() if key in hidden else counts
        for key, counts in warehouse.distinct.items()
        if key not in dropped
    }
    there = replace(warehouse, queries=queries, distinct=distinct)
    kept = [pair not in dropped for pair in zip(built.mapping["object"], built.mapping["field"], strict=True)]
    return replace(
        built,
        tables=LazyTables(there, built.tables.limit),  # type: ignore[attr-defined]
        partitions=drop_details(built.partitions, dropped),
        issues=hide_in_issues(built.issues, names, built.mapping, dropped),
        mapping=built.mapping[kept].reset_index(drop=True),
    ), there


def _list_values(warehouse: Warehouse, object_id: str, column: str) -> list[str]:
    known = warehouse.distinct.get((object_id, column))
    if known is not None:
        return list(known.index)
    text = f"t.{quote(column)}"
    limit = "" if _is_person(object_id, column) else f" limit {MOST_LOOKED_AT}"
    select = f"select distinct {text} as v from ({warehouse.select(object_id, [column])}) as t where {text} is not null"
    return [row["v"] for row in warehouse.connection.fetch(select + limit).to_pylist()]


def _is_person(object_id: str, column: str) -> bool:
    if object_id == "person" and column in {"id", "name"}:
        return True
    return column in PERSON_COLUMNS or field_type(object_id, column) == "person"


def _holds_people(object_id: str, column: str, found: list[str], people: set[str]) -> bool:
    if column in PERSON_COLUMNS or (object_id == "person" and column in {"id", "name"}):
        return True
    return bool(found) and bool(people) and len(set(found) & people) >= LEAST_SHARE * len(set(found))


def _hide(
    query: TableQuery,
    object_id: str,
    hidden: set[tuple[str, str]],
    dropped: set[tuple[str, str]],
    names: dict[str, str],
) -> TableQuery:
    other = query.copy()
    for column in list(other.kinds):
        if (object_id, column) in dropped:
            other.kinds.pop(column)
        elif (object_id, column) in hidden:
            nobody = f"case when t.{quote(column)} is not null then 'Person' end"
            if names:
                other.add(map_layer(column, column, names, otherwise=nobody))
            else:
                other.add(Layer({column: Defined(nobody, "text", frozenset({column}))}))
    return other
