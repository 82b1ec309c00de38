"""Causes by what they cost: each euro counted once, and together never more than the gap."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from helpers.analyses.cause_history import find_members
from helpers.analyses.fishbone import PROVEN, Fishbone, Leaf
from helpers.analyses.found_evidence import LATER, THIS_PERIOD
from helpers.analyses.gap import Gap
from helpers.analyses.leaves import GapLeaves
from helpers.units import format_value

PARETO_COLUMNS = ["group", "cause", "m", "backing", "claimed", "counted", "share", "cumulative", "overlap"]
"""The columns of ``rank_by_money``."""

LEAST_OVERLAP = 0.005


def rank_by_money(gap: Gap, fishbone: Fishbone) -> pd.DataFrame:
    """Rank the causes by what they cost, apart for the gap itself and for later revenue.

    A cause whose records lie partly in those of a larger one counts only with the rest of its records, and what would
    go beyond the gap isn't counted.

    Args:
        gap: The result of ``explain_gap``.
        fishbone: The result of ``build_fishbone``.

    Returns:
        One row per cause that is not out and has money, largest first within its group: group (this period, later
        revenue), cause, m, backing, claimed (what it is said to cost, in the gap's unit), counted (of it, what no cause
        above counts and the gap holds), share (counted ÷ the gap; of later revenue: ÷ all that is counted), cumulative
        (0–1), overlap (why less is counted, in words). Shares are missing where nothing is missing in the period.
    """
    parts = []
    for group in (THIS_PERIOD, LATER):
        leaves = [leaf for leaf in fishbone.leaves if leaf.money and leaf.counts_for == group and not leaf.is_out]
        limit = abs(gap.gap) if group == THIS_PERIOD and gap.gap < 0 else None
        rows = _count(gap, sorted(leaves, key=lambda leaf: (-(leaf.money or 0.0), leaf.id)), limit)
        whole = limit if group == THIS_PERIOD else sum(row[5] for row in rows)
        frame = pd.DataFrame([(group, *row[1:]) for row in rows], columns=[*PARETO_COLUMNS[:6], "overlap"])
        frame["share"] = frame["counted"] / whole if whole else np.nan
        frame["cumulative"] = frame["share"].cumsum()
        if len(frame):
            parts.append(frame[PARETO_COLUMNS])
    if not parts:
        return pd.DataFrame(columns=PARETO_COLUMNS)
    return pd.concat(parts, ignore_index=True)


def describe_pareto(pareto: pd.DataFrame, fishbone: Fishbone, currency: str) -> str:
    """Say how much of the gap the causes explain, and what later revenue they cost."""
    if pareto.empty:
        return "No cause has a price yet"
    unit = "currency" if fishbone.is_money else "count"

    def say(value: float) -> str:
        return format_value(value, unit, currency=currency, digits=None if fishbone.is_money else 0)

    now, later = (pareto[pareto["group"] == group] for group in (THIS_PERIOD, LATER))
    parts = []
    if len(now) and now["share"].notna().all():
        share, counted = now["share"].sum(), now["counted"].sum()
        causes = "One cause" if len(now) == 1 else f"{len(now)} causes"
        proven = float(now.loc[now["backing"] == PROVEN, "counted"].sum())
        verb = ("explains" if len(now) == 1 else "explain") if proven else "would explain"
        rest = ", not proven yet" if not proven else f", {say(proven)} of it proven" if proven < counted - 0.5 else ""
        amount = f"{say(counted)} of {say(abs(fishbone.gap))}{rest}"
        parts.append(f"{causes} {verb} {format_value(share, 'share')} of the gap ({amount})")
    elif len(now):
        parts.append(f"{say(now['counted'].sum())} lost in {_places(len(now))} although nothing is missing in all")
    elif fishbone.gap < 0:
        parts.append("No cause of this period's gap has a price yet")
    if len(later):
        parts.append(f"{say(later['counted'].sum())} of later revenue lost in {_places(len(later))}")
    return "; ".join(parts)


def _places(count: int) -> str:
    return "one place" if count == 1 else f"{count} places"


def _count(gap: Gap, leaves: list[Leaf], limit: float | None) -> list[tuple]:
    """Count each cause once, the largest first."""
    rows, above, left = [], [], limit
    for leaf in leaves:
        claimed = float(leaf.money or 0.0)
        shared, other = _find_overlap(gap, leaf, above)
        counted = claimed * (1 - shared)
        told = f"{format_value(shared, 'share')} of its records are those of “{_shorten(other)}”" if shared else ""
        if left is not None and counted > left:
            counted = left
            told = f"{told}; " if told else ""
            told += "only what the gap still holds is counted"
        left = None if left is None else left - counted
        rows.append(("", leaf.text, leaf.m, leaf.backing, claimed, counted, told))
        above.append(leaf)
    return rows


def _shorten(text: str) -> str:
    return text if len(text) <= 48 else f"{text[:47].rstrip()}…"


def _find_overlap(gap: Gap, leaf: Leaf, above: list[Leaf]) -> tuple[float, str]:
    """Return which share of a cause's records lies in causes above it that were searched alike, and in which most."""
    leaves = _leaves_of(gap, leaf)
    if leaves is None or not _fits(leaf.slice_values, leaves):
        return 0.0, ""
    entered = leaves.frame[f"{leaves.steps[0]}_actual"] + leaves.frame[f"{leaves.steps[0]}_expected"]
    mine = find_members(leaves.frame, dict(leaf.slice_values or {}))
    total = float(entered[mine].sum())
    taken, most, name = pd.Series(False, index=mine.index), 0.0, ""
    for other in above:
        same = _leaves_of(gap, other)
        if same is not leaves or not _fits(other.slice_values, leaves) or not _can_overlap(leaf, other):
            continue
        inside = mine & find_members(leaves.frame, dict(other.slice_values or {}))
        amount = float(entered[inside].sum())
        taken |= inside
        if amount > most:
            most, name = amount, other.text
    shared = float(entered[taken].sum()) / total if total else 0.0
    return (shared, name) if shared >= LEAST_OVERLAP else (0.0, "")


def _can_overlap(leaf: Leaf, other: Leaf) -> bool:
    """Whether two causes can be the same loss: other steps and kinds of effect are parted exactly by the search.

    A question of the five Ms was put to records and not to a step, so it can be any loss of a rate.
    """
    if leaf.step and other.step:
        return (leaf.step, leaf.effect) == (other.step, other.effect)
    return {leaf.effect, other.effect} <= {"", "rate"}


def _leaves_of(gap: Gap, leaf: Leaf) -> GapLeaves | None:
    lens = leaf.lens or ("creation" if leaf.counts_for == LATER else "closing")
    return gap.creation if lens == "creation" else gap.search


def _fits(slice_values: Mapping[str, list] | None, leaves: GapLeaves) -> bool:
    return bool(slice_values) and set(slice_values or {}) <= set(leaves.frame.columns)
