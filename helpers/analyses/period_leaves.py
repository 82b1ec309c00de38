"""The leaf tables of the periods before one, all cut the same way and seen at the same age."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from helpers.analyses.creation_leaves import build_creation_leaves
from helpers.analyses.leaves import GapLeaves, build_closing_leaves
from helpers.periods import Period

LONGEST_YEARS = 4
"""Years of history that are read at most; older ones speak of another company."""

NUMBERS = "expected"

BEGUN = 0.25
"""Share of its later periods' volume from which on a first period counts as history."""


def read_periods(
    company, leaves: GapLeaves, *, period: Period, earlier: Sequence[Period], as_of: date, business: str = "new"
) -> list[tuple[Period, pd.DataFrame]]:
    """Read every earlier period as the expected side of a period, so that cohorts are seen at its age.

    Args:
        company: The opened company.
        leaves: The leaf table in question, which says by what is cut.
        period: The period in question.
        earlier: The periods before it.
        as_of: The last day that counts.
        business: Whose deals: all, new or existing.

    Returns:
        Each period with its leaves, the columns named ``<step>`` and the dimensions; periods without records have an
        empty frame of these columns.
    """
    found = []
    for one in earlier:
        question = {"period": period, "expected": [one], "as_of": as_of, "cut_by": leaves.dimensions}
        if leaves.lens == "closing":
            both = build_closing_leaves(company, **question, business=business, with_slipped=False)
        else:
            both = build_creation_leaves(company, **question)
        found.append((one, _own_side(both, leaves)))
    return found


def _own_side(both: GapLeaves | None, leaves: GapLeaves) -> pd.DataFrame:
    """Keep the expected side; a step that the period can't tell stays out."""
    names = [*leaves.steps, *([leaves.amount] if leaves.amount else [])]
    if both is None:
        return pd.DataFrame(columns=[*leaves.dimensions, *names])
    kept = [name for name in names if f"{name}_{NUMBERS}" in both.frame]
    frame = both.frame[[*leaves.dimensions, *(f"{name}_{NUMBERS}" for name in kept)]]
    return frame.rename(columns={f"{name}_{NUMBERS}": name for name in kept})


def count_values(periods: list[tuple[Period, pd.DataFrame]], dimension: str, step: str) -> tuple[list, np.ndarray]:
    """Count a step per value of a dimension and period.

    Args:
        periods: As read by ``read_periods``.
        dimension: The dimension; empty for the company.
        step: The count.

    Returns:
        The values (None for missing), and one row per value with one count per period.
    """
    columns = []
    for place, (_, frame) in enumerate(periods):
        if step not in frame or frame.empty:
            continue
        if not dimension:
            columns.append(pd.DataFrame({"value": ["all"], "place": place, "n": [float(frame[step].sum())]}))
            continue
        added = frame.groupby(dimension, dropna=False, observed=True)[step].sum()
        values = [None if pd.isna(value) else value for value in added.index]
        columns.append(pd.DataFrame({"value": values, "place": place, "n": added.to_numpy(dtype=float)}, dtype=object))
    if not columns:
        return [], np.zeros((0, len(periods)))
    long = pd.concat(columns, ignore_index=True)
    values = sorted({value for value in long["value"] if value is not None and value == value}, key=str)
    has_blank = long["value"].isna().any()
    place_of = {value: place for place, value in enumerate(values)}
    counts = np.zeros((len(values) + has_blank, len(periods)))
    rows = [place_of.get(value, len(values)) if value == value else len(values) for value in long["value"]]
    np.add.at(counts, (rows, long["place"].astype(int)), long["n"].astype(float))
    return [*values, *([None] if has_blank else [])], counts


def find_beginning(counts: Sequence[float]) -> int:
    """Return from which period on there is a history: what an export begins with has often hardly begun itself.

    >>> find_beginning([3, 40, 500, 480, 520]), find_beginning([300, 280, 320]), find_beginning([])
    (2, 0, 0)
    """
    if not len(counts):
        return 0
    usual = float(np.median(counts[len(counts) // 2 :]))
    begun = [place for place, count in enumerate(counts) if count >= BEGUN * usual]
    return min(begun[0] if begun else 0, len(counts) - 1)
