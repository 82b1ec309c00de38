"""Causes of one slice that undo each other: more came and less became of it, so that the total hardly shows either."""

import json
from collections.abc import Hashable, Mapping
from itertools import pairwise
from typing import Any

import pandas as pd

from helpers.analyses.cause_words import name_slice
from helpers.analyses.leaves import GapLeaves
from helpers.units import format_value, in_sentence

CANCELS = 0.25
"""What is left of opposite causes together, as a share of the largest of them, below which they nearly cancel."""

EFFECTS = ("volume", "rate", "value")
"""Effects that one slice can have beside each other, in the order in which they are told."""


def describe_cancelling(gap: Any, currency: str) -> list[str]:
    """Say of each slice whose proven causes undo each other that they do, and what is left of them.

    Args:
        gap: The result of ``explain_gap``.
        currency: The company's currency.

    Returns:
        One sentence per slice, such as "West: more leads (2,024 instead of 1,007), but a smaller share of them became
        opportunities (256 instead of 477). Together they nearly cancel: +€51.8 k of later revenue".
    """
    causes = gap.causes
    if causes.empty:
        return []
    told = causes[(causes["verdict"] == "cause") & causes["effect"].isin(EFFECTS)]
    found = []
    for (lens, _), mine in told.groupby(["lens", told["slice_json"].map(_name_records)], sort=False):
        parts = mine["contribution"]
        if parts.min() < 0 < parts.max() and abs(parts.sum()) <= CANCELS * parts.abs().max():
            found.append(_describe(mine, gap.search if lens == "closing" else gap.creation, str(lens), currency))
    return found


def _name_records(slice_json: str) -> str:
    """Write a slice so that the same one reads the same, in whatever order its partitions and values stand."""
    return str(sorted((name, sorted(map(str, values))) for name, values in json.loads(slice_json).items()))


def _describe(mine: pd.DataFrame, leaves: GapLeaves, lens: str, currency: str) -> str:
    rows = sorted(
        mine.to_dict("records"), key=lambda row: (leaves.steps.index(row["step"]), EFFECTS.index(row["effect"]))
    )
    said = _say(rows[0], leaves, None)
    for before, row in pairwise(rows):
        turns = (row["contribution"] < 0) != (before["contribution"] < 0)
        said += f", {'but' if turns else 'and'} {_say(row, leaves, before)}"
    left = mine["contribution"].sum()
    money = ""
    if leaves.amount or leaves.worth:
        amount = f"{'+' if left > 0 else ''}{format_value(left, 'currency', currency=currency)}"
        money = f": {amount}" if lens == "closing" else f": {amount} of later revenue"
    return f"{name_slice(rows[0]['slice_json'])}: {said}. Together they nearly cancel{money}"


def _say(row: Mapping[Hashable, Any], leaves: GapLeaves, before: Mapping[Hashable, Any] | None) -> str:
    """Say one of the causes; what the one before it counted is not named again."""
    label = in_sentence(leaves.labels.get(row["step"], row["step"]))
    if row["effect"] == "value":
        return f"{'larger' if row['contribution'] > 0 else 'smaller'} won deals"
    counts = f" ({row['n_actual']:,.0f} instead of {row['n_expected']:,.0f})"
    is_more = row["n_actual"] > row["n_expected"]
    if row["effect"] == "volume":
        return f"{'more' if is_more else 'fewer'} {label}{counts}"
    source = leaves.steps[leaves.steps.index(row["step"]) - 1]
    of = "them" if before and before["step"] == source else in_sentence(leaves.labels.get(source, source))
    return f"a {'larger' if is_more else 'smaller'} share of {of} became {label}{counts}"
