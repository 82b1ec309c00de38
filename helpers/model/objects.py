"""What the canonical objects are called, what their fields mean, and from whom each takes values over."""

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType

from helpers.model.definition import DEFINITIONS, read_toml

PARENTS: Mapping[str, Sequence[tuple[str, str]]] = {
    "contact": (("company", "company_id"),),
    "deal": (("contact", "contact_id"), ("company", "company_id")),
    "customer": (("deal", "deal_id"), ("company", "company_id")),
    "subscription": (("customer", "customer_id"),),
}
"""Object → whom it inherits from and by which key, the nearest first, in the order in which they are filled."""


@cache
def read_labels() -> Mapping[str, str]:
    """Return object → what a reader calls its records.

    >>> read_labels()["contact"]
    'Contacts'
    """
    return {object: table["label"] for object, table in read_toml(DEFINITIONS / "objects.toml").items()}


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
