"""Tables in a warehouse that hold more rows than may be fetched: which they are, and what lifts the limit."""

from typing import Any

from helpers.model.objects import read_labels

CURE = "Raise fetched_rows under [rules] in company.toml, or name a query with fewer rows."


def is_too_large(company: Any, object: str) -> bool:
    """Tell whether an object's records can only be counted where they lie."""
    fits = getattr(company.tables, "fits", None)
    return bool(fits) and object in company.tables and not fits(object)


def find_too_large(company: Any) -> tuple[str, ...]:
    """Return the objects whose records can only be counted where they lie; none for exports in files."""
    return tuple(object for object in company.tables if is_too_large(company, object))


def say_too_large(company: Any, objects: tuple[str, ...]) -> str:
    """Say why single records of some objects can't be looked at, and how they can be."""
    counted = [f"all {company.tables.count(one):,} {read_labels()[one].lower()}" for one in objects]
    rows = f"{company.tables.limit:,}"
    return f"Needs {' and '.join(counted)} one by one, and at most {rows} rows of a table are fetched. {CURE}"
