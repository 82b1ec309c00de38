"""Partitions described: label, question, when each is known and why, aliases, wherever their values lie."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import cast

import pandas as pd

from helpers.ingest.evidence import CountOutcomes, count_outcomes, decide_known
from helpers.ingest.partitions import Carried
from helpers.ingest.schema import read_schema
from helpers.ingest.settings import CompanySettings
from helpers.model.catalog import Catalog
from helpers.model.dimension import Dimension, Partition, Question

PERIOD = (
    r"(?i)(?:FY ?)?\d{4}[ -/]?[QH][1-4]|[QH][1-4][ -/]?(?:FY ?)?\d{4}|\d{4}[-/]\d{1,2}|\d{4}-W\d{1,2}"
    r"|[a-z]{3,9}\.?[ -]\d{4}"
)
"""A value that names a quarter, a half-year, a month or a week. A plain year is none: companies are founded in one."""
MOSTLY_PERIODS = 0.95


def describe_partitions(
    tables: Mapping[str, pd.DataFrame],
    carried: Carried,
    catalog: Catalog,
    settings: CompanySettings,
    *,
    aliases: Mapping[tuple[str, str], str],
    joined: set[tuple[str, str]],
    looked_up: set[tuple[str, str]],
) -> dict[str, Partition]:
    """Describe every partition: label, carriers, when it is known and why, aliases, number of values.

    Args:
        tables: Object → table, with inherited columns.
        carried: Who carries what.
        catalog: The definitions.
        settings: ``company.toml``, whose ``known`` goes before the data.
        aliases: (object, field) → the export's own name.
        joined: (object, column) pairs from a second file about the same records.
        looked_up: (object, column) pairs from look-up tables.
    """
    distinct: dict[tuple[str, str], pd.Index] = {}

    def list_values(object_id: str, column: str) -> pd.Index:
        key = (object_id, column)
        if key not in distinct:
            distinct[key] = pd.Index(tables[object_id][column].dropna().unique())
        return distinct[key]

    return describe_carried(
        carried, catalog, settings, aliases=aliases, joined=joined, looked_up=looked_up, list_values=list_values,
        count=lambda object_id, column: count_outcomes(object_id, tables[object_id], column),
    )  # fmt: skip


def describe_carried(
    carried: Carried,
    catalog: Catalog,
    settings: CompanySettings,
    *,
    aliases: Mapping[tuple[str, str], str],
    joined: set[tuple[str, str]],
    looked_up: set[tuple[str, str]],
    list_values: Callable[[str, str], pd.Index],
    count: CountOutcomes,
) -> dict[str, Partition]:
    """Describe partitions wherever their values lie.

    Args:
        carried: Who carries what.
        catalog: The definitions.
        settings: ``company.toml``.
        aliases: (object, field) → the export's own name.
        joined: (object, column) pairs from a second file about the same records.
        looked_up: (object, column) pairs from look-up tables.
        list_values: (object, column) → its distinct values.
        count: (object, column) → its values counted by outcome.
    """
    found: dict[str, Partition] = {}
    for id, objects in carried.own.items():
        said = catalog.dimensions.get(id)
        distinct = dict.fromkeys(value for name, column in objects.items() for value in list_values(name, column))
        values, n_values = pd.Series(list(distinct), dtype="object"), len(distinct)
        if n_values > catalog.rules.maximum_values and not (said and said.is_partition):
            continue
        known, because = decide_known(id, objects, count, catalog, settings, joined=joined, looked_up=looked_up)
        others = {alias for (name, column), alias in aliases.items() if column == id and name in objects}
        found[id] = Partition(
            id=id,
            label=said.label if said and said.label else id.replace("_", " ").capitalize(),
            question=_find_question(id, said, values, catalog),
            objects=dict(objects),
            known=known,
            known_because=because,
            inherited_from=dict(carried.inherited.get(id, {})),
            aliases=tuple(sorted(others)),
            n_values=n_values,
            is_current_value=bool(said and said.is_current_value),
            is_person=_is_person(id, objects),
            unknown=said.unknown if said else ("other", "unknown"),
        )
    return _settle_aliases(found, aliases)


def _find_question(id: str, said: Dimension | None, values: pd.Series, catalog: Catalog) -> Question:
    """Say what a column answers: as declared, else by its values where they are periods, else by its name."""
    if said and "question" in said.model_fields_set:
        return said.question
    distinct = values.astype("str").drop_duplicates()
    if len(distinct) and distinct.str.fullmatch(PERIOD).mean() >= MOSTLY_PERIODS:
        return "when"
    name = f"_{id.removesuffix('_id')}"
    named = (question for question, words in catalog.questions.items() if name.endswith(tuple(f"_{w}" for w in words)))
    return cast(Question, next(named, "what"))


def _is_person(id: str, objects: Mapping[str, str]) -> bool:
    if id in {"owner", "manager"}:
        return True
    return any(read_schema()[name].fields.get(column) == "person" for name, column in objects.items())


def _settle_aliases(found: dict[str, Partition], aliases: Mapping[tuple[str, str], str]) -> dict[str, Partition]:
    """Where an alias is a partition of its own on another object, let that partition cover this object too."""
    settled = dict(found)
    for (object_id, column), alias in aliases.items():
        if alias not in found or column not in found or object_id not in found[column].objects:
            continue
        other = settled[alias]
        if object_id not in other.objects or object_id in other.inherited_from:
            inherited = {name: origin for name, origin in other.inherited_from.items() if name != object_id}
            objects = {**other.objects, object_id: column}
            settled[alias] = replace(other, objects=objects, inherited_from=inherited)
        mine = settled[column]
        settled[column] = replace(mine, aliases=tuple(name for name in mine.aliases if name != alias))
    return settled
