"""Locked cells of a goal matrix: finding them, and naming the smallest set that contradicts itself."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp

from helpers.analyses.goal_relations import KEYS, TOTAL
from helpers.errors import QuestionError, suggest

GOAL, LOCKED, FREE = "goal", "locked", "free"
"""What a cell can be: wanted by people, then it holds and is the first to give way; held come what may; solved."""

T = TypeVar("T")

MANY_LOCKS = 24
MOST_QUESTIONS = 400


class ContradictionError(QuestionError):
    """Report locked cells that can't all hold, which is proved.

    Attributes:
        cells: The locked cells that contradict each other, ``KEYS``, ``goal`` and ``state``: releasing any one of them
            resolves it.
        is_smallest: Whether no smaller set of the locked cells contradicts itself. With more than ``MANY_LOCKS`` locks
            it is only known that none of the named cells can be left out.
        held: Per cell of the matrix whether it was locked.
        values: Per locked cell its goal.
    """

    def __init__(
        self,
        message: str,
        cells: pd.DataFrame,
        *,
        is_smallest: bool = False,
        held: np.ndarray | None = None,
        values: np.ndarray | None = None,
    ):
        super().__init__(message)
        self.cells, self.is_smallest, self.held, self.values = cells, is_smallest, held, values


class NoSolutionError(QuestionError):
    """Report locked cells for which no solution was found, though it isn't proved that there is none."""


def find_set(matrix: pd.DataFrame) -> pd.Series:
    """Tell which cells people have set: those that are locked, and where ``state`` tells so those with a goal.

    Args:
        matrix: The columns of ``goal_matrix.csv``, ``state`` optional.
    """
    locked = matrix["locked"].map(lambda value: str(value).lower() in ("true", "1", "1.0")).astype(bool)
    return locked | matrix["state"].isin([GOAL, LOCKED]) if "state" in matrix.columns else locked


@dataclass(frozen=True)
class Locks:
    """The cells to hold.

    Attributes:
        held: Per cell whether it is held.
        values: Per held cell its value, else NaN.
        state: Per cell ``goal``, ``locked`` or ``free``.
    """

    held: np.ndarray
    values: np.ndarray
    state: np.ndarray


def read_locks(
    cells: pd.DataFrame,
    locks: pd.DataFrame | Iterable[Mapping[str, Any]] | None,
    places: Mapping[tuple, int] | None = None,
) -> Locks:
    """Find the cells to hold.

    Args:
        cells: The matrix' cells, index 0 … n − 1, ``period_start`` as timestamps, ``state`` filled in.
        locks: As handed to ``solve``.
        places: Key → index of every cell, where it is known already.

    Raises:
        QuestionError: A lock names no cell, one cell twice with two goals, or a goal that isn't 0 or more.
    """
    own = cells["goal"].fillna(cells["expected"]).to_numpy()
    held, values = np.zeros(len(cells), dtype=bool), np.full(len(cells), np.nan)
    state = np.full(len(cells), FREE, dtype=object)
    if locks is None:
        held = (cells["state"] != FREE).to_numpy() & ~np.isnan(own)
        values[held], state[held] = own[held], cells["state"].to_numpy()[held]
    else:
        frame = locks if isinstance(locks, pd.DataFrame) else pd.DataFrame([dict(lock) for lock in locks])
        for at, goal, kind in _find_locked(cells, frame, places):
            value = own[at] if goal is None or pd.isna(goal) else float(goal)
            if np.isnan(value):
                raise QuestionError(f"{name_cell(cells.loc[at])} is to be held but has no goal. Give it one.")
            if held[at] and values[at] != value:
                raise QuestionError(
                    f"{name_cell(cells.loc[at])} is locked twice, at {values[at]:,.6g} and at {value:,.6g}. Keep one."
                )
            held[at], values[at], state[at] = True, value, GOAL if kind == GOAL else LOCKED
    bad = held & ~(np.isfinite(values) & (values >= 0))
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        raise QuestionError(
            f"{name_cell(cells.loc[at])} is locked at {values[at]:,.6g}. A goal is 0 or more. Correct it."
        )
    return Locks(held, values, state)


def list_places(cells: pd.DataFrame) -> dict[tuple, int]:
    """List the index of every cell by its key."""
    return {tuple(key): int(index) for index, *key in cells[KEYS].itertuples()}


def _find_locked(
    cells: pd.DataFrame, locks: pd.DataFrame, places: Mapping[tuple, int] | None
) -> list[tuple[int, Any, Any]]:
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
    at = list_places(cells) if places is None else places
    found = []
    for row in wanted.to_dict("records"):
        key = tuple(row[name] for name in KEYS)
        if key not in at:
            hint = suggest(str(row["kpi"]), cells["kpi"].unique()) if row["kpi"] not in set(cells["kpi"]) else ""
            raise QuestionError(f"{name_cell(row)} is not in the goal matrix.{hint} Lock a cell that is.")
        found.append((at[key], row.get("goal"), row.get("state")))
    return found


def explain_contradiction(
    cells: pd.DataFrame, locks: Locks, holds: Callable[[np.ndarray], bool], *, culprit: int | None = None
) -> ContradictionError:
    """Name the smallest set of locked cells that contradict each other.

    Args:
        cells: The matrix' cells.
        locks: The cells to hold.
        holds: Tells of cells to lock whether it is unproved that they contradict each other.
        culprit: Where it is known that all others hold together, the cell without which they do.

    Source:
        Junker 2004 (QuickXplain) for a set of which nothing can be left out; Ignatiev et al. 2015 (smallest
        unsatisfiable sets by minimal hitting sets of what would resolve them) with up to ``MANY_LOCKS`` locks.
    """

    def holds_at(locked: list[int]) -> bool:
        only = np.zeros(len(cells), dtype=bool)
        only[locked] = True
        return holds(only)

    locked = [int(at) for at in np.flatnonzero(locks.held)]
    if culprit is None:
        least, is_smallest = _find_least([], locked, holds_at, has_new=False), False
        if len(least) <= 2:
            is_smallest = len(least) == 1 or all(holds_at([at]) for at in locked)
    else:
        others = [at for at in locked if at != culprit]
        least = [culprit, *(_find_least([culprit], others, holds_at, has_new=True) if others else [])]
        is_smallest = len(least) <= 2
    if not is_smallest and len(locked) <= MANY_LOCKS:
        to_hit = [] if culprit is None else [[culprit]]
        least, is_smallest = _find_smallest(locked, least, holds_at, to_hit)
    least = sorted(least)
    named = cells.loc[least, KEYS].assign(goal=locks.values[least], state=locks.state[least]).reset_index(drop=True)
    listed = "; ".join(f"{name_cell(row)} = {row['goal']:,.6g}" for row in named.to_dict("records"))
    return ContradictionError(
        f"These locked cells contradict each other: {listed}. No value of the other cells makes all of them true. "
        "Release or change one of them.",
        named,
        is_smallest=is_smallest,
        held=locks.held,
        values=locks.values,
    )


def _find_least(
    base: list[int], candidates: list[int], holds: Callable[[list[int]], bool], *, has_new: bool
) -> list[int]:
    # Halve the locks, keep what the other half alone does not explain.
    if has_new and not holds(base):
        return []
    if len(candidates) == 1:
        return candidates
    half = len(candidates) // 2
    first, second = candidates[:half], candidates[half:]
    from_second = _find_least(base + first, second, holds, has_new=bool(first))
    from_first = _find_least(base + from_second, first, holds, has_new=bool(from_second))
    return from_first + from_second


def _find_smallest(
    locked: list[int], known: list[int], holds: Callable[[list[int]], bool], to_hit: list[list[int]]
) -> tuple[list[int], bool]:
    """Find the smallest set that contradicts itself: it has to hit every set of locks whose release resolves it."""
    asked = 0

    def ask(chosen: list[int]) -> bool:
        nonlocal asked
        asked += 1
        return holds(chosen)

    while asked < MOST_QUESTIONS:
        hit = _hit_all(locked, to_hit)
        if len(hit) >= len(known):
            return known, True
        if hit and not ask(hit):
            return hit, True
        kept = set(keep_most(hit, [at for at in locked if at not in hit], ask))
        to_hit.append([at for at in locked if at not in kept])
    return known, False


def keep_most(kept: list[T], more: list[T], holds: Callable[[list[T]], bool]) -> list[T]:
    """Add one after the other what still holds with all that was added before it, asking of as many at once as holds.

    Args:
        kept: What holds together.
        more: What is to be added, the most important first.
        holds: Tells of some of them whether they hold together.

    Returns:
        ``kept`` and what could be added.
    """
    if not more or holds([*kept, *more]):
        return [*kept, *more]
    if len(more) == 1:
        return kept
    half = len(more) // 2
    return keep_most(keep_most(kept, more[:half], holds), more[half:], holds)


def _hit_all(locked: list[int], to_hit: list[list[int]]) -> list[int]:
    if not to_hit:
        return []
    rows = np.array([[at in wanted for at in locked] for wanted in to_hit], dtype=float)
    found = milp(
        np.ones(len(locked)),
        constraints=LinearConstraint(rows, lb=1.0),
        integrality=np.ones(len(locked)),
        bounds=Bounds(0, 1),
    )
    return [at for at, share in zip(locked, found.x, strict=True) if share > 0.5]


def name_cell(row: Mapping[str, Any]) -> str:
    """Write a cell for a reader: ``leads (quarter from 2026-10-01, source=Webinar)``."""
    start = pd.Timestamp(row["period_start"]).date().isoformat()
    where = "" if row["dimension"] == TOTAL else f", {row['dimension']}={row['slice']}"
    return f"{row['kpi']} ({row['grain']} from {start}{where})"
