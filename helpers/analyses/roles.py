"""Who does what: the role of each colleague, as the exports tell it."""

from typing import Any

import pandas as pd


def find_roles(company: Any) -> dict[str, str]:
    """Return the role of each person by id and by name; empty where the exports have no roles."""
    people = company.tables.get("person")
    if people is None or "role" not in people:
        return {}
    known = people[people["role"].notna()]
    roles: dict[str, str] = {}
    for column in ("name", "id"):
        if column in known:
            pairs = known[known[column].notna()]
            roles |= dict(zip(pairs[column].astype("str"), pairs["role"].astype("str"), strict=True))
    return roles


def name_role(role: str, n: int = 2) -> str:
    """Return what several people of a role are called in a sentence.

    >>> name_role("AE"), name_role("Sales manager"), name_role("SDR", 1), name_role("")
    ('AEs', 'sales managers', 'SDR', 'people')
    """
    if not role:
        return "people" if n != 1 else "person"
    word = role if role.isupper() or pd.isna(role) else role[:1].lower() + role[1:]
    return word if n == 1 or word.endswith("s") else f"{word}s"
