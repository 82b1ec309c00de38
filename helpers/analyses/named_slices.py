"""Slices as people and tables write them, such as ``region=US & channel=Inbound|Web``, taken apart."""

import re
from collections.abc import Mapping

BLANK = "(blank)"
WHOLE = ("", "all")


def parse_slice(text: str) -> dict[str, list[str | None]]:
    """Return partition → values of a slice; None stands for a missing value, and the whole company is empty.

    Args:
        text: The slice; values may hold ampersands, since only one before the next ``partition=`` parts two of them.

    Raises:
        ValueError: A part names no partition or no value.

    >>> parse_slice("region=US & industry=Food & Drink|(blank)")
    {'region': ['US'], 'industry': ['Food & Drink', None]}
    >>> parse_slice("all")
    {}
    """
    plain = text.strip()
    if plain in WHOLE:
        return {}
    found: dict[str, list[str | None]] = {}
    for part in re.split(r"\s+&\s+(?=[^&=|]+=)", plain):
        name, equals, values = part.partition("=")
        listed = [None if value.strip() == BLANK else value.strip() for value in values.split("|")]
        if not equals or not name.strip() or "" in listed:
            raise ValueError(f"'{part}' is no slice. Write it as region=US & channel=Inbound|Web.")
        found.setdefault(name.strip(), []).extend(listed)
    return found


def list_places(slice_values: Mapping[str, list]) -> tuple[str, ...]:
    """Return the single places of a slice, each as ``region=US``.

    >>> list_places({"region": ["US"], "channel": ["Inbound", None]})
    ('region=US', 'channel=Inbound', 'channel=(blank)')
    """
    return tuple(
        f"{name}={BLANK if value is None else value}" for name, values in slice_values.items() for value in values
    )
