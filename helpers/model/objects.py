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


NOUNS = {"created": "creation", "closed": "close", "started": "start", "assigned": "assignment", "changed": "change"}
SHORT = ("mql", "sql", "mrr", "arr")


def say_field(object: str, field: str) -> str:
    """Write whose field it is and what it is called in plain words.

    >>> say_field("contact", "mql_at"), say_field("deal", "closed_at"), say_field("contact", "no_show")
    ("the contact's MQL date", "the deal's close date", "the contact's no show mark")
    """
    return f"the {object.replace('_', ' ')}'s {_name_field(object, field)}"


def say_fields(fields: Sequence[tuple[str, str]]) -> str:
    """Write several fields, those of one object together, each once.

    >>> say_fields([("contact", "created_at"), ("contact", "sql_at"), ("deal", "closed_at"), ("contact", "sql_at")])
    "the contact's creation date and SQL date and the deal's close date"
    """
    by_object: dict[str, list[str]] = {}
    for object, field in dict.fromkeys(fields):
        by_object.setdefault(object, []).append(_name_field(object, field))
    parts = [f"the {object.replace('_', ' ')}'s {_join(names)}" for object, names in by_object.items()]
    return _join(parts)


def _name_field(object: str, field: str) -> str:
    words = [word.upper() if word in SHORT else word for word in field.split("_")]
    if words[-1] == "at":
        return " ".join([*(NOUNS.get(word, word) for word in words[:-1]), "date"])
    kind = read_meanings().get((object, field), ("", ""))[0]
    ending = ["mark"] if kind == "boolean" else []
    return " ".join([*(words[:-1] if words[-1] == "id" and len(words) > 1 else words), *ending])


def _join(parts: Sequence[str]) -> str:
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else "".join(parts)
