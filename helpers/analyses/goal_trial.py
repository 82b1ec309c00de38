"""Trying goals out: as many of them as can hold together, what keeps the others from it, and who takes a change up."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from helpers.analyses.goal_locks import (
    GOAL,
    ContradictionError,
    Locks,
    NoSolutionError,
    explain_contradiction,
    keep_most,
)
from helpers.analyses.goal_relations import KEYS, TOTAL
from helpers.analyses.goal_release import rank_releases
from helpers.analyses.goal_session import PreparedMatrix, list_absorbers

MOST_CONTRADICTIONS = 4
"""So many are named with what they contradict; others that contradict only wait."""

WHOLE = 1 + 1e-9


@dataclass(frozen=True)
class Clash:
    """Goals that can't all hold.

    Attributes:
        cells: The smallest set, ``KEYS``, ``goal`` and ``state``.
        held_back: The key of the one that doesn't count until people choose: the last one by ``rank_goals``.
        error: As raised; ``rank_releases`` tells what its resolution costs.
    """

    cells: pd.DataFrame
    held_back: tuple
    error: ContradictionError


@dataclass(frozen=True)
class GoalTrial:
    """What came of trying.

    Attributes:
        matrix: Solved with the goals that hold.
        clashes: Sets that contradict each other.
        beyond: Keys of shares above 100 %, which nothing can reach.
        unsolved: What was held back because no solution was found, in words; empty where there was one.
        held_back: The keys of everything that was set and doesn't count.
        came: The keys of what came and is held.
    """

    matrix: pd.DataFrame
    clashes: tuple[Clash, ...] = ()
    beyond: tuple[tuple, ...] = ()
    unsolved: str = ""
    held_back: frozenset[tuple] = field(default_factory=frozenset)
    came: frozenset[tuple] = field(default_factory=frozenset)


def try_goals(
    prepared: PreparedMatrix,
    wanted: pd.DataFrame,
    *,
    came: Collection[tuple] = (),
    solve: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
) -> GoalTrial:
    """Solve with as many goals as can hold together: one that contradicts those that count before it waits.

    Only here is that decided, so that editor, scenarios and the unattended report name the same goal, before and after
    a reload.

    Args:
        prepared: The matrix.
        wanted: One row per cell that people set, in the order in which they did: ``KEYS``, ``goal``, ``state``.
        came: Keys in ``wanted`` that hold what came, without being anybody's goal. They count first; where they alone
            leave no room for a goal it was passed already, then none of them is held.
        solve: Solves for some rows of ``wanted``; ``prepared.solve`` unless said.

    Returns:
        The matrix and what doesn't count yet. Without goals it is what is expected.

    Raises:
        QuestionError: A key isn't in the matrix, or a goal is negative.
    """
    solve = solve or prepared.solve
    wanted = wanted.reset_index(drop=True)
    order, place = rank_goals(wanted, came), {key: at for at, key in enumerate(_list_keys(wanted))}
    goals = wanted["goal"].to_numpy(dtype=float) if len(wanted) else np.zeros(0)
    shares = set(prepared.cells["kpi"][_find_shares(prepared)].unique())
    beyond = tuple(key for key in order if key[0] in shares and goals[place[key]] > WHOLE)
    locks = prepared.read(wanted)
    held, waiting = _choose(prepared, locks, [key for key in order if key not in beyond], frozenset(came))
    clashes = tuple(_explain(prepared, locks, key, held, order) for key in waiting[:MOST_CONTRADICTIONS])
    unsolved, fewer = "", 1
    while True:
        try:
            solved = solve(wanted.iloc[sorted(place[key] for key in held)])
            break
        except (ContradictionError, NoSolutionError) as error:
            # Nothing was proved, so what counts last waits: twice as much each time, for every try takes long.
            unsolved, held, fewer = str(error), held[:-fewer], 2 * fewer
    waits = frozenset(order) - frozenset(held) - frozenset(came)
    return GoalTrial(solved, clashes, beyond, unsolved, waits, frozenset(came) & frozenset(held))


def rank_goals(wanted: pd.DataFrame, came: Collection[tuple] = ()) -> list[tuple]:
    """Rank goals by what counts first: what came, what is locked, then goals as they were set.

    Args:
        wanted: As of ``try_goals``.
        came: As of ``try_goals``.

    Returns:
        Their keys; of goals that contradict each other the last one waits.
    """
    gives_way = wanted["state"].eq(GOAL) if "state" in wanted.columns else pd.Series(False, index=wanted.index)
    keys = _list_keys(wanted)
    rank = {key: (key not in came, gives, at) for at, (key, gives) in enumerate(zip(keys, gives_way, strict=True))}
    return sorted(rank, key=lambda key: rank[key])


def _choose(
    prepared: PreparedMatrix, locks: Locks, order: list[tuple], came: frozenset[tuple]
) -> tuple[list[tuple], list[tuple]]:
    """Choose what holds, one by one in its order as far as nothing is contradicted, and what has to wait."""

    def may_hold(keys: list[tuple]) -> bool:
        return prepared.may_hold(*_hold(prepared, locks, keys))

    prepared.expect(locks)
    held = order
    if order and not may_hold(order):
        # Mostly it is the newest goal that doesn't fit.
        held = order[:-1] if may_hold(order[:-1]) else keep_most([], order, may_hold)
    waiting = [key for key in order if key not in set(held)]
    past = [key for key in order if key in came]
    if past and any(not may_hold([*past, key]) for key in waiting):
        return _choose(prepared, locks, [key for key in order if key not in came], frozenset())
    return held, waiting


def _explain(prepared: PreparedMatrix, locks: Locks, key: tuple, held: list[tuple], order: list[tuple]) -> Clash:
    """Name the smallest set that keeps a goal from holding, among those that count before it."""
    before = set(order[: order.index(key)])
    mask, values = _hold(prepared, locks, [*(one for one in held if one in before), key])
    found = explain_contradiction(
        prepared.cells,
        Locks(mask, values, locks.state),
        lambda only: prepared.may_hold(only, values),
        culprit=prepared.cells_at(key),
    )
    found.held, found.values = _hold(prepared, locks, [*held, key])
    return Clash(found.cells, key, found)


def _hold(prepared: PreparedMatrix, locks: Locks, keys: Collection[tuple]) -> tuple[np.ndarray, np.ndarray]:
    mask = np.zeros(len(locks.held), dtype=bool)
    mask[[prepared.cells_at(key) for key in keys]] = True
    return mask, np.where(mask, locks.values, np.nan)


def _list_keys(wanted: pd.DataFrame) -> list[tuple]:
    return list(wanted[KEYS].itertuples(index=False, name=None))


def price_releases(
    prepared: PreparedMatrix, clash: Clash, *, may_go: Callable[[tuple], bool] = lambda _: True
) -> pd.DataFrame:
    """Rank what could be released so that a clash is resolved, the cheapest first.

    Args:
        prepared: The matrix.
        clash: The clash.
        may_go: Tells of a cell's key whether it can be changed at all; what is over can't.

    Returns:
        As ``rank_releases``, without the goal that waits.
    """
    told = clash.error
    chosen = [key != clash.held_back and may_go(key) for key in _list_keys(told.cells)]
    few = ContradictionError(str(told), told.cells[chosen], held=told.held, values=told.values)
    return rank_releases(few, prepared)


def widen_release(prepared: PreparedMatrix, held: pd.DataFrame, clash: Clash, key: tuple) -> tuple[tuple, ...]:
    """Find what has to be released with a cell of a clash where it alone isn't enough: its KPI's goals of that period.

    Args:
        prepared: The matrix.
        held: The goals that should hold, ``KEYS``, ``goal``, ``state``; the clash's held-back one among them.
        clash: The clash.
        key: The cell that would be released.

    Returns:
        The keys to release, ``key`` first; none where that doesn't resolve it either.
    """
    with_it = (held["kpi"] == key[0]) & (held["grain"] == key[1]) & (held["period_start"] == key[2])
    keys = pd.MultiIndex.from_frame(held.loc[with_it, KEYS])
    released = (key, *(other for other in keys if other not in (key, clash.held_back)))
    kept = held[~pd.MultiIndex.from_frame(held[KEYS]).isin(released)]
    try:
        prepared.solve(kept)
    except (ContradictionError, NoSolutionError):
        return ()
    return released


def sum_up_absorbers(before: pd.DataFrame, after: pd.DataFrame, changed: Sequence[tuple]) -> pd.DataFrame:
    """List who took a change up: the free cells beside the changed ones, and the company's other KPIs as a whole.

    Args:
        before: A solved matrix.
        after: The same after a change.
        changed: Keys of the cells that people changed.

    Returns:
        One row per cell with ``KEYS``, ``before``, ``after``, ``change``, ``share`` (its part of the movement of its
        KPI) and ``is_beside`` (of a changed cell's own KPI: another period or slice). Those beside come first, the
        biggest share first; then, one per KPI, the company's cell of the longest grain that moved most for its size.
        Changed cells are left out, and what moved by less than a thousandth.
    """
    columns = [*KEYS, "before", "after", "change", "share", "is_beside"]
    found = list_absorbers(before, after)
    if found.empty or not changed:
        return pd.DataFrame(columns=columns)
    found = found.merge(before[[*KEYS, "goal"]].rename(columns={"goal": "before"}), on=KEYS)
    found["after"] = found["before"] + found["change"]
    with np.errstate(divide="ignore", invalid="ignore"):
        found["relative"] = np.abs(np.log(found["after"] / found["before"]))
    found = found[found["relative"] > 1e-3]
    kpis = {key[0] for key in changed}
    own = found["kpi"].isin(kpis)
    grains, dimensions = {key[1] for key in changed}, {key[3] for key in changed}
    near = (
        own & (found["grain"].isin(grains) | (found["grain"] != "year")) & found["dimension"].isin({TOTAL, *dimensions})
    )
    beside = found[near].sort_values("share", ascending=False, kind="stable").assign(is_beside=True)
    rest = found[~found["kpi"].isin(kpis) & (found["dimension"] == TOTAL)]
    rest = rest.assign(is_year=rest["grain"] == "year").sort_values(
        ["is_year", "relative"], ascending=[False, False], kind="stable"
    )
    rest = rest.drop_duplicates("kpi").sort_values("relative", ascending=False, kind="stable").assign(is_beside=False)
    return pd.concat([beside, rest], ignore_index=True)[columns]


def _find_shares(prepared: PreparedMatrix) -> np.ndarray:
    kpis = prepared.catalog.kpis
    return (
        prepared.cells["kpi"].map(lambda id: id in kpis and kpis[id].measure.kind == "conversion").to_numpy(dtype=bool)
    )
