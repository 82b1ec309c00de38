"""What outcome a mix of records lets expect: indirect standardisation over the partitions known at entry."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.analyses.leaf_dimensions import choose_dimensions
from helpers.engine.journeys import Journeys
from helpers.units import in_sentence

PRIOR_ENTRIES = 20.0
"""Entries by which the rate of a small group of like work is held to that of its parts."""

LEAST_PER_VALUE = 5
"""Successes or failures, whichever are fewer, per factor learnt; 5 to 9 are enough (Vittinghoff, McCulloch 2007)."""

MOST_BY_ONE, LEAST_SHARED = 0.8, 0.8
"""A value that one person holds more of than this is their own; this share of records has to lie in shared values."""

MOST_LOOKED_AT = 16

MIX_COLUMNS = ["dimension", "label", "coverage", "n_values", "is_used", "reason"]


@dataclass(frozen=True)
class Mix:
    """Which partitions a rate is adjusted for.

    Attributes:
        used: Their ids, in the order in which they matter.
        frame: One row per partition of the object: dimension, label, coverage (share of records that carry a value),
            n_values, is_used, reason (why not, else empty).
    """

    used: tuple[str, ...]
    frame: pd.DataFrame


def choose_mix(
    company, journeys: Journeys, object: str, rows: np.ndarray, is_success: np.ndarray, *, by: str = ""
) -> Mix:
    """Choose the partitions to adjust for: known at entry, filled, and with enough outcomes per value.

    Args:
        company: The opened company.
        journeys: Its journeys.
        object: Whose partitions.
        rows: Which records are compared.
        is_success: Outcome of every record of the object.
        by: The partition compared, which is no part of the mix, nor is what follows from it (a person's team).
    """
    codes, labels = journeys.records[object].codes, journeys.labels
    chosen, left_out = choose_dimensions(company, journeys, object, rows, most=MOST_LOOKED_AT)
    reasons = dict(left_out)
    told = float(min(is_success[rows].sum(), (~is_success[rows].astype(bool)).sum()))
    size = {id: len(np.unique(codes[id][rows])) for id in chosen}
    used: list[str] = []
    for id in chosen:
        coarser = [one for one in used if _refines(codes[id][rows], codes[one][rows])]
        finer = [one for one in used if _refines(codes[one][rows], codes[id][rows])]
        kept = [one for one in used if one not in coarser]
        factors = sum(size[one] - 1 for one in kept) + size[id] - 1
        if id in ("type", "pipeline", by):
            reasons[id] = "is what is compared" if id == by else "says what kind of business, which is compared as one"
        elif by in codes and _is_own(codes[by][rows], codes[id][rows], other=id):
            reasons[id] = "follows from what is compared"
        elif by in codes and _refines(codes[id][rows], codes[by][rows]):
            reasons[id] = "is what is compared, in more detail"
        elif finer:
            reasons[id] = f"follows from {in_sentence(company.partitions[finer[0]].label)}"
        elif told < LEAST_PER_VALUE * factors:
            reasons[id] = f"{size[id]} values are too many for {told:.0f} outcomes of the rarer kind"
        else:
            reasons |= {one: f"follows from {in_sentence(company.partitions[id].label)}" for one in coarser}
            used = [*kept, id]
    frame = pd.DataFrame(
        [
            {
                "dimension": id,
                "label": company.partitions[id].label,
                "coverage": float((codes[id][rows] != len(labels[id]) - 1).mean()) if rows.any() else np.nan,
                "n_values": len(np.unique(codes[id][rows])),
                "is_used": id in used,
                "reason": "" if id in used else reasons.get(id, ""),
            }
            for id in [*used, *(id for id in codes if id not in used and id in company.partitions)]
        ],
        columns=MIX_COLUMNS,
    )
    return Mix(tuple(used), frame)


def _is_own(of: np.ndarray, codes: np.ndarray, *, other: str) -> bool:
    """Tell whether a partition says little beside who it is, so that to adjust for it would explain people away.

    A territory that follows from the person and is shared by several is part of what they were given: its people are
    then compared with each other. One that hardly anybody else works in can't be told from the person.
    """
    if not holds(of, codes, other=other):
        return False
    if other in ("team", "manager", "role"):
        return True
    size = int(of.max(initial=0)) + 1
    pairs, counts = np.unique(codes.astype(np.int64) * size + of, return_counts=True)
    value = pairs // size
    whole = np.bincount(value, counts)
    largest = np.zeros(len(whole))
    np.maximum.at(largest, value, counts)
    is_shared = largest <= MOST_BY_ONE * whole
    return bool(whole[is_shared].sum() < LEAST_SHARED * whole.sum())


def holds(of: np.ndarray, codes: np.ndarray, *, other: str) -> bool:
    """Tell whether each value of one partition lies within one value of another, such as a team's in a region."""
    return other in ("team", "manager", "role") or _refines(of, codes)


def _refines(fine: np.ndarray, coarse: np.ndarray) -> bool:
    """Tell whether each value of one partition lies within one value of another, as a source's in a channel."""
    pairs = np.unique(fine.astype(np.int64) * (int(coarse.max(initial=0)) + 1) + coarse)
    return len(pairs) == len(np.unique(fine))


def expect_successes(codes: list[np.ndarray], is_success: np.ndarray, base: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return for each compared record the chance of success that like records had.

    What kind of record succeeds how often is learnt from ``base``; then brought to the level of the records compared,
    kind by kind, so that nobody is blamed for what happened to a whole kind.

    Args:
        codes: One array of codes per partition of the mix, along all records.
        is_success: 1 where a record succeeded, along all records.
        base: From which records is learnt.
        rows: Which records are compared.
    """
    kinds = [*codes, combine_codes(codes[:3])] if len(codes) > 1 else codes
    fitted = _fit(np.full(len(is_success), is_success[base].mean()), codes, is_success, base)
    return _fit(fitted, kinds, is_success, rows, PRIOR_ENTRIES / 2)[rows]


def _fit(
    fitted: np.ndarray, codes: list[np.ndarray], is_success: np.ndarray, rows: np.ndarray, prior: float = PRIOR_ENTRIES
) -> np.ndarray:
    """Bring fitted rates to what some records did, one factor per value, each shrunk towards none."""
    wins = prior * max(float(is_success[rows].mean()), 0.01)
    level = (is_success[rows].sum() + wins) / (fitted[rows].sum() + wins)
    fitted = np.clip(fitted * level, 0.001, 0.999)
    for _ in range(6):
        for code in codes:
            size = int(code.max(initial=0)) + 1
            got = np.bincount(code[rows], is_success[rows], minlength=size)
            predicted = np.bincount(code[rows], fitted[rows], minlength=size)
            fitted = np.clip(fitted * ((got + wins) / (predicted + wins))[code], 0.001, 0.999)
    return fitted


def combine_codes(codes: list[np.ndarray]) -> np.ndarray:
    """Return one code for the combination of several."""
    combined = np.zeros(len(codes[0]), dtype=np.int64)
    for code in codes:
        combined = combined * (int(code.max(initial=0)) + 1) + code
    return np.unique(combined, return_inverse=True)[1].reshape(-1)
