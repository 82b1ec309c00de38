"""What the fields of the canonical objects mean, for the data dictionary."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from helpers.model.definition import DEFINITIONS, read_toml


@cache
def read_meanings() -> Mapping[tuple[str, str], tuple[str, str]]:
    """Return (object, field) → its type and a sentence that says what it holds, for every canonical field.

    >>> read_meanings()["deal", "amount"]
    ('amount', 'What it is worth.')
    """
    tables = read_toml(DEFINITIONS / "objects.toml")
    fields = {
        (object, field): (spec["type"], spec["means"])
        for object, table in tables.items()
        for field, spec in table["fields"].items()
    }
    return MappingProxyType(fields)
