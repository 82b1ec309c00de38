"""Telling which file is which object: by a vendor's headers, else by the names of columns and by what they hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from helpers.ingest.content import ColumnContent, fits
from helpers.ingest.schema import field_type, read_schema
from helpers.ingest.vendors import (
    VendorObject,
    header_key,
    index_headers,
    map_vendor_columns,
    read_vendor_objects,
    recognise_vendor,
)
from helpers.model.definition import DEFINITIONS, read_toml

BYNAMES = ("id", "name")
"""Fields that may be one and the same column, as where a company is known by its name only."""


@dataclass(frozen=True)
class Recognised:
    """One file told to be one object.

    Attributes:
        file: The file.
        object: The canonical object.
        vendor: The vendor's object that its headers are of, or None.
        fields: Field → column as written.
        score: How well it fits; comparable between objects of one file.
    """

    file: str
    object: str
    vendor: VendorObject | None
    fields: Mapping[str, str]
    score: float


@cache
def read_synonyms() -> Mapping[str, Any]:
    """Return ``vendors/any.toml``: what other exports call things."""
    return read_toml(DEFINITIONS / "vendors" / "any.toml")


@cache
def _synonym_keys(object_id: str) -> dict[str, tuple[str, ...]]:
    fields = read_synonyms()["objects"].get(object_id, {}).get("fields", {})
    return {field: tuple(dict.fromkeys(map(header_key, names))) for field, names in fields.items()}


@cache
def partition_synonyms() -> dict[str, tuple[str, ...]]:
    """Return partition id → header keys that mean it, on whichever object."""
    return {id: tuple(map(header_key, names)) for id, names in read_synonyms()["partitions"].items()}


def recognise_file(file: str, contents: Mapping[str, ColumnContent]) -> list[Recognised]:
    """Tell which objects a file serves.

    Args:
        file: The file's name, whose words are evidence too.
        contents: Column → what it holds.

    Returns:
        The object it is first, then further ones that the same rows serve as well (a list of accounts with a date
        of signing up is companies and customers); empty where nothing fits.
    """
    if vendor := recognise_vendor(list(contents)):
        return [_as_vendor_object(file, contents, vendor)]
    candidates = []
    for object_id in read_synonyms()["objects"]:
        if found := _fit_object(file, contents, object_id):
            candidates.append(found)
    candidates.sort(key=lambda found: -found.score)
    if not candidates:
        return []
    best = candidates[0]
    return [best, *(other for other in candidates[1:] if _serves_too(best, other))]


def map_columns(
    file: str, contents: Mapping[str, ColumnContent], object_id: str, *, taken: Sequence[str] = ()
) -> tuple[dict[str, str], VendorObject | None]:
    """Map a file's columns to the fields of an object that it is known to be.

    Args:
        file: The file's name.
        contents: Column → what it holds.
        object_id: The object.
        taken: Columns that a person has given to a field already.

    Returns:
        Field → column, and the vendor whose headers they are, or None.
    """
    free = {column: content for column, content in contents.items() if column not in taken}
    vendor = recognise_vendor(list(contents))
    if vendor and vendor.object != object_id:
        others = [v for v in read_vendor_objects() if v.vendor == vendor.vendor and v.object == object_id]
        vendor = others[0] if others and object_id in {"deal", "contact", "company"} else None
    if vendor:
        return dict(_as_vendor_object(file, free, vendor).fields), vendor
    fields = _map_by_name(file, free, object_id)
    return _add_partitions(fields, free, object_id), None


def _as_vendor_object(file: str, contents: Mapping[str, ColumnContent], vendor: VendorObject) -> Recognised:
    empty = [column for column, content in contents.items() if content.kind == "empty"]
    fields = map_vendor_columns(list(contents), vendor, empty=empty)
    fields = {field: column for field, column in fields.items() if _fits_field(contents, vendor.object, field, column)}
    return Recognised(file, vendor.object, vendor, fields, score=100.0)


def _fits_field(contents: Mapping[str, ColumnContent], object_id: str, field: str, column: str) -> bool:
    kind = field_type(object_id, field)
    return kind in {"date", "amount", "number", "boolean"} or fits(contents[column].kind, kind, column)


def _fit_object(file: str, contents: Mapping[str, ColumnContent], object_id: str) -> Recognised | None:
    spec = read_synonyms()["objects"][object_id]
    if spec.get("at_most") and len(contents) > spec["at_most"]:
        return None
    fields = _map_by_name(file, contents, object_id)
    if object_id in {"company", "person", "customer"}:
        fields = _share_bynames(fields, object_id)
    key = fields.get("id")
    if key and not contents[key].is_key:
        fields.pop("id")
    if "id" in read_schema()[object_id].fields and "id" not in fields and object_id != "activity":
        return None
    if not all(any(field in fields for field in group) for group in spec["needs"]):
        return None
    canonical = sum(field in read_schema()[object_id].fields for field in fields)
    is_named = any(word in header_key(file) for word in map(header_key, spec.get("names", ())))
    if (
        is_plain_key(key)
        and not is_named
        and len(set(spec.get("tells", ())) & set(fields)) < spec.get("least_tells", 1)
    ):
        return None
    is_own_key = bool(key) and header_key(key) not in {"id", "recordid"} and header_key(key).endswith("id")
    score = canonical + 2.5 * is_named + 2.0 * (is_own_key and "id" in fields and _is_first_id(object_id, key or ""))
    return Recognised(file, object_id, None, _add_partitions(fields, contents, object_id), score)


def is_plain_key(column: str | None) -> bool:
    """Tell whether a key's name says nothing of whose key it is."""
    return column is None or header_key(column) in {"id", "recordid", "name", "key", "number"}


def _is_first_id(object_id: str, column: str) -> bool:
    return header_key(column) in _synonym_keys(object_id)["id"][:4]


def _share_bynames(fields: dict[str, str], object_id: str) -> dict[str, str]:
    """Let a name be the id where a file has no other, and the id be the name."""
    fields = dict(fields)
    if "id" not in fields and "name" in fields:
        fields["id"] = fields["name"]
    if object_id == "customer" and "id" not in fields and "company_id" in fields:
        fields["id"] = fields["company_id"]
    if object_id == "customer" and "company_id" not in fields and "id" in fields:
        fields["company_id"] = fields["id"]
    is_nameless = object_id in {"company", "person"} and "name" not in fields and "id" in fields
    if is_nameless and not header_key(fields["id"]).endswith("id"):
        fields["name"] = fields["id"]
    return fields


def _map_by_name(file: str, contents: Mapping[str, ColumnContent], object_id: str) -> dict[str, str]:
    index, mapped = index_headers(contents), {}
    for field, keys in _synonym_keys(object_id).items():
        kind = field_type(object_id, field)
        for key in keys:
            column = index.get(key)
            if column is None or column in mapped.values() or not fits(contents[column].kind, kind, column):
                continue
            if field == "id" and not contents[column].is_key and object_id not in {"customer"}:
                continue
            mapped[field] = column
            break
    if object_id in {"company", "person", "customer"}:
        mapped = _share_bynames(mapped, object_id)
    return _shift_to_later_stage(file, mapped) if object_id == "contact" else mapped


def _shift_to_later_stage(file: str, mapped: dict[str, str]) -> dict[str, str]:
    """Where a file lists contacts of a later stage only, its creation date is the date of that stage."""
    if "created_at" not in mapped:
        return mapped
    where = header_key(file), header_key(mapped.get("id", ""))
    for field, words in read_synonyms()["stage_words"].items():
        if field not in mapped and any(header_key(word) in place for word in words for place in where):
            shifted = {(field if name == "created_at" else name): column for name, column in mapped.items()}
            return shifted
    return mapped


def _add_partitions(fields: Mapping[str, str], contents: Mapping[str, ColumnContent], object_id: str) -> dict[str, str]:
    """Map columns that are left to partitions with a meaning of their own."""
    mapped, index = dict(fields), index_headers(contents)
    own = {header_key(column) for column in contents}
    for partition, keys in partition_synonyms().items():
        if partition in mapped or object_id in {"person", "deal_history", "deal_contact", "activity"}:
            continue
        for key in keys:
            column = index.get(key)
            if column is None or column in mapped.values() or contents[column].kind not in {"text", "empty"}:
                continue
            if key != header_key(partition) and header_key(partition) in own:
                continue
            mapped[partition] = column
            break
    return mapped


def _serves_too(best: Recognised, other: Recognised) -> bool:
    """Tell whether a file also serves a second object beside the one that it is."""
    pair = {best.object, other.object}
    if pair == {"company", "customer"}:
        return True
    return best.object == "subscription" and other.object == "customer"


def extend(found: Recognised, fields: Mapping[str, str]) -> Recognised:
    """Return the same with further fields laid over."""
    return replace(found, fields={**found.fields, **fields})
