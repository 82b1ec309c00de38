"""Hide people: names of colleagues become stable pseudonyms, contact details are dropped."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

import pandas as pd

from helpers.ingest.build import Built
from helpers.ingest.recognition import read_synonyms
from helpers.ingest.schema import field_type
from helpers.model.dimension import Partition

PERSON_COLUMNS = ("owner", "manager")
LEAST_SHARE = 0.5
"""A column of which at least this share of the distinct values are names of colleagues holds colleagues."""


def hide_people(built: Built, *, salt: str) -> Built:
    """Replace colleagues by pseudonyms and drop contact details, wherever they stand.

    Args:
        built: What was read.
        salt: Something of the company's own, so that one person has different pseudonyms in two companies.

    Returns:
        The same without names: persons in every table, partitions' values and issues are pseudonyms such as
        ``Person 3f9a1c``, the same every time; e-mail addresses, phone numbers and names of contacts are gone.
    """
    people = _find_people(built.tables)
    names = make_pseudonyms(people, salt)
    dropped = {(name, column) for name, table in built.tables.items() for column in table if is_detail(name, column)}
    tables = {}
    for object_id, table in built.tables.items():
        kept = table.drop(columns=[column for name, column in dropped if name == object_id])
        hidden = {
            column: _replace(kept[column], names)
            for column in kept
            if _holds_people(object_id, column, kept[column], people)
        }
        tables[object_id] = kept.assign(**hidden)
    return replace(
        built,
        tables=tables,
        partitions=drop_details(built.partitions, dropped),
        issues=hide_in_issues(built.issues, names, built.mapping, dropped),
        mapping=built.mapping[[(o, f) not in dropped for o, f in zip(built.mapping["object"], built.mapping["field"],
                                                                     strict=True)]].reset_index(drop=True),
    )  # fmt: skip


def is_detail(object_id: str, column: str) -> bool:
    """Tell whether a column says how a person can be reached or what a contact is called."""
    if object_id == "contact" and column == "name":
        return True
    words = read_synonyms()["contact_details"]["words"]
    return any(
        column == word or column.startswith(f"{word}_") or column.endswith(f"_{word}") or f"_{word}_" in column
        for word in words
    )


def _find_people(tables: Mapping[str, pd.DataFrame]) -> set[str]:
    people: set[str] = set()
    for object_id, table in tables.items():
        for column in table.columns:
            is_person = column in PERSON_COLUMNS or field_type(object_id, column) == "person"
            if is_person or (object_id == "person" and column in {"id", "name"}):
                people |= set(table[column].dropna().astype("str"))
    return people


def _holds_people(object_id: str, column: str, values: pd.Series, people: set[str]) -> bool:
    if column in PERSON_COLUMNS or (object_id == "person" and column in {"id", "name"}):
        return True
    if not pd.api.types.is_string_dtype(values.dtype) or not people:
        return False
    distinct = set(values.dropna().unique())
    return bool(distinct) and len(distinct & people) >= LEAST_SHARE * len(distinct)


def make_pseudonyms(people: Iterable[str], salt: str) -> dict[str, str]:
    """Return name → pseudonym, the same every time and different in two companies."""
    digests = {name: hashlib.sha256(f"{salt}\n{name}".encode()).hexdigest() for name in people}
    length = 6
    while len({digest[:length] for digest in digests.values()}) < len(digests):
        length += 2
    return {name: f"Person {digest[:length]}" for name, digest in digests.items()}


def _replace(values: pd.Series, names: Mapping[str, str]) -> pd.Series:
    return values.astype("str").map(lambda value: names.get(value, "Person"), na_action="ignore").astype("str")


def drop_details(partitions: Mapping[str, Partition], dropped: set[tuple[str, str]]) -> dict[str, Partition]:
    """Take columns that were dropped out of the partitions."""
    kept = {}
    for id, partition in partitions.items():
        objects = {name: column for name, column in partition.objects.items() if (name, column) not in dropped}
        if objects:
            kept[id] = replace(partition, objects=objects)
    return kept


def hide_in_issues(
    issues: pd.DataFrame, names: Mapping[str, str], mapping: pd.DataFrame, dropped: set[tuple[str, str]]
) -> pd.DataFrame:
    """Replace names in issues, and empty what quotes a dropped column."""
    columns = {column for _, column in dropped}
    written = mapping.loc[mapping["field"].isin(columns), "column"]
    is_detail_column = issues["column"].isin({*columns, *written})
    hidden = issues.assign(value=issues["value"].mask(is_detail_column, "").astype("str"))
    hidden["value"] = hidden["value"].map(lambda value: names.get(value, value), na_action="ignore").astype("str")
    hidden["value"] = hidden["value"].str.replace(r"[^\s@]+@[^\s@]+\.\w+", "", regex=True)
    if names:
        longest_first = sorted((name for name in names if len(name) > 2), key=len, reverse=True)
        pattern = (
            re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in longest_first))
            if longest_first
            else None
        )
        for column in ("message", "cure") if pattern else ():
            texts = {
                text: pattern.sub(lambda hit: names[hit.group()], text) for text in hidden[column].dropna().unique()
            }
            hidden[column] = hidden[column].map(texts).astype("str")
    return hidden
