"""The canonical tables: which objects there are, which fields they have, and what each field holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from helpers.errors import ParameterError, suggest
from helpers.model.definition import DEFINITIONS, read_toml

FieldType = Literal["id", "date", "amount", "number", "boolean", "text", "person", "label"]

CANONICAL_PARTITIONS = ("source", "channel", "gtm_motion", "product", "region", "industry", "segment", "owner")
"""Partition ids with a meaning of their own; a column can be mapped to them like to a field."""

SERVICE_FIELDS: Mapping[str, FieldType] = {
    "currency": "text",
    "name": "label",
    "email": "label",
    "first_name": "label",
    "last_name": "label",
    "is_won": "boolean",
    "is_lost": "boolean",
    "is_closed": "boolean",
    "is_deleted": "boolean",
    "is_converted": "boolean",
    "modified_at": "date",
    "merged_ids": "label",
    "converted_contact_id": "id",
    "converted_deal_id": "id",
}
"""Columns that help to bring other fields in order; they can be mapped on any object."""

HISTORY_FIELDS = ("stage", "closed_at", "amount")
"""The fields of a deal whose changes are kept."""


@dataclass(frozen=True)
class ObjectSchema:
    """One canonical table.

    Attributes:
        id: Name of the object, such as ``deal``.
        label: What a reader calls it, in the plural.
        fields: Field → what it holds.
        means: Field → a sentence for the data dictionary.
    """

    id: str
    label: str
    fields: Mapping[str, FieldType]
    means: Mapping[str, str]

    @property
    def has_id(self) -> bool:
        """Whether each row is a record with an id of its own."""
        return "id" in self.fields


@cache
def read_schema() -> Mapping[str, ObjectSchema]:
    """Return the canonical objects by id, in the order of ``objects.toml``.

    >>> read_schema()["deal"].fields["closed_at"]
    'date'
    """
    tables = read_toml(DEFINITIONS / "objects.toml")
    return {
        id: ObjectSchema(
            id=id,
            label=table["label"],
            fields={field: spec["type"] for field, spec in table["fields"].items()},
            means={field: spec["means"] for field, spec in table["fields"].items()},
        )
        for id, table in tables.items()
    }


def require_object(name: str, *, place: str) -> ObjectSchema:
    """Return the object of that name.

    Args:
        name: What the person typed.
        place: Where, for the error's text.

    Raises:
        ParameterError: There is no such object.
    """
    schema = read_schema()
    if name not in schema:
        raise ParameterError(
            f"[{place}] object '{name}' is unknown. Allowed: {', '.join(schema)}.{suggest(name, schema)}"
        )
    return schema[name]


def field_type(object_id: str, field: str) -> FieldType:
    """Return what a field or partition of an object holds; anything that is no canonical field holds text."""
    if field == "owner":
        return "person"
    if object_id == "deal_history" and field in HISTORY_FIELDS:
        return "label"
    return read_schema()[object_id].fields.get(field) or SERVICE_FIELDS.get(field, "text")
