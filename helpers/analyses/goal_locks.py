"""Locked cells of a goal matrix: finding them, and naming the smallest set that contradicts itself."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.goal_relations import KEYS, TOTAL
from helpers.errors import QuestionError, suggest


class ContradictionError(QuestionError):
    """Report locked cells that can't all hold.

    Attributes:
        cells: The smallest set of locked cells that contradict each other: releasing any one of them resolves it.
    """

    def __init__(self, message: str, cells: pd.DataFrame):
        super().__init__(message)
        self.cells = cells


def read_locks(
    cells: pd.DataFrame, locks: pd.DataFrame | Iterable[Mapping[str, Any]] | None
) -> tuple[np.ndarray, np.ndarray]:
    """Find the cells to hold.

    Args:
        cells: The matrix' cells, index 0 … n − 1, ``period_start`` as timestamps.
        locks: As handed to ``solve``.

    Returns:
        Per cell whether it is held, and its value (NaN where it isn't).

    Raises:
        QuestionError: A lock names no cell, one cell twice with two goals, or a goal that isn't 0 or more.
    """
    own = cells["goal"].fillna(cells["expected"]).to_numpy()
    held, values = np.zeros(len(cells), dtype=bool), np.full(len(cells), np.nan)
    if locks is None:
        held = cells["locked"].to_numpy() & ~np.isnan(own)
        values[held] = own[held]
    else:
        frame = locks if isinstance(locks, pd.DataFrame) else pd.DataFrame([dict(lock) for lock in locks])
        for at, goal in _find_locked(cells, frame):
            value = own[at] if goal is None or pd.isna(goal) else float(goal)
            if np.isnan(value):
                raise QuestionError(f"{name_cell(cells.loc[at])} is to be held but has no goal. Give it one.")
            if held[at] and values[at] != value:
                raise QuestionError(
                    f"{name_cell(cells.loc[at])} is locked twice, at {values[at]:,.6g} and at {value:,.6g}. Keep one."
                )
            held[at], values[at] = True, value
    bad = held & ~(np.isfinite(values) & (values >= 0))
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        raise QuestionError(
            f"{name_cell(cells.loc[at])} is locked at {values[at]:,.6g}. A goal is 0 or more. Correct it."
        )
    return held, values


def _find_locked(cells: pd.DataFrame, locks: pd.DataFrame) -> list[tuple[int, Any]]:
    if locks.empty:
        return []
    if "kpi" not in locks.columns:
        raise QuestionError("locks: column 'kpi' is missing. Name the cells to hold by kpi, grain and period_start.")
    wanted = locks.copy().reset_index(drop=True)
    for key in ("dimension", "slice"):
        wanted[key] = wanted[key].fillna(TOTAL) if key in wanted.columns else TOTAL
    if "period_start" in wanted.columns:
        wanted["period_start"] = pd.to_datetime(wanted["period_start"])
    for key in ("grain", "period_start"):
        only = cells[key].unique()
        if key not in wanted.columns and len(only) == 1:
            wanted[key] = only[0]
        elif key not in wanted.columns:
            raise QuestionError(f"locks: column '{key}' is missing, and the matrix has more than one. Add it.")
    at = {tuple(key): int(index) for index, *key in cells[KEYS].itertuples()}
    found = []
    for row in wanted.to_dict("records"):
        key = tuple(row[name] for name in KEYS)
        if key not in at:
            hint = suggest(str(row["kpi"]), cells["kpi"].unique()) if row["kpi"] not in set(cells["kpi"]) else ""
            raise QuestionError(f"{name_cell(row)} is not in the goal matrix.{hint} Lock a cell that is.")
        found.append((at[key], row.get("goal")))
    return found


def explain_contradiction(
    cells: pd.DataFrame, held: np.ndarray, values: np.ndarray, holds: Callable[[np.ndarray], bool]
) -> ContradictionError:
    """Name the smallest set of locked cells that contradict each other.

    Args:
        cells: The matrix' cells.
        held: Per cell whether it is locked.
        values: Per locked cell its goal.
        holds: Tells whether the equations can hold with only the given cells locked.
    """

    def holds_at(locked: list[int]) -> bool:
        only = np.zeros(len(cells), dtype=bool)
        only[locked] = True
        return holds(only)

    least = sorted(_find_least([], [int(at) for at in np.flatnonzero(held)], holds_at, has_new=False))
    named = cells.loc[least, KEYS].assign(goal=values[least]).reset_index(drop=True)
    listed = "; ".join(f"{name_cell(row)} = {row['goal']:,.6g}" for row in named.to_dict("records"))
    return ContradictionError(
        f"These locked cells contradict each other: {listed}. No value of the other cells makes all of them true. "
        "Release or change one of them.",
        named,
    )


def _find_least(
    base: list[int], candidates: list[int], holds: Callable[[list[int]], bool], *, has_new: bool
) -> list[int]:
    # Junker's QuickXplain: halve the locks, keep what the other half alone does not explain.
    if has_new and not holds(base):
        return []
    if len(candidates) == 1:
        return candidates
    half = len(candidates) // 2
    first, second = candidates[:half], candidates[half:]
    from_second = _find_least(base + first, second, holds, has_new=bool(first))
    from_first = _find_least(base + from_second, first, holds, has_new=bool(from_second))
    return from_first + from_second


def name_cell(row: Mapping[str, Any]) -> str:
    """Write a cell for a reader: ``leads (quarter from 2026-10-01, source=Webinar)``."""
    start = pd.Timestamp(row["period_start"]).date().isoformat()
    where = "" if row["dimension"] == TOTAL else f", {row['dimension']}={row['slice']}"
    return f"{row['kpi']} ({row['grain']} from {start}{where})"
