"""Trying goals out: as many of them as can hold together, what keeps the others from it, and who takes a change up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from helpers.analyses.goal_locks import ContradictionError, NoSolutionError
from helpers.analyses.goal_relations import KEYS, TOTAL
from helpers.analyses.goal_release import rank_releases
from helpers.analyses.goal_session import PreparedMatrix, list_absorbers

MOST_CONTRADICTIONS = 4
"""So many are named one by one; what else of the newest goals contradicts is held back together."""

WHOLE = 1 + 1e-9


@dataclass(frozen=True)
class Clash:
    """Goals that can't all hold.

    Attributes:
        cells: The smallest set, ``KEYS``, ``goal`` and ``state``.
        held_back: The key of the one that doesn't count until people choose: the one set last.
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
    """

    matrix: pd.DataFrame
    clashes: tuple[Clash, ...] = ()
    beyond: tuple[tuple, ...] = ()
    unsolved: str = ""
    held_back: frozenset[tuple] = field(default_factory=frozenset)


def try_goals(
    prepared: PreparedMatrix,
    wanted: pd.DataFrame,
    *,
    newest: Sequence[tuple] = (),
    solve: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
) -> GoalTrial:
    """Solve with as many goals as can hold together; of goals that contradict each other the one set last waits.

    Args:
        prepared: The matrix.
        wanted: One row per cell that people set, in the order in which they did: ``KEYS``, ``goal``, ``state``.
        newest: Keys of the cells set just now; they wait before any other, whatever their place in ``wanted``.
        solve: Solves for some rows of ``wanted``; ``prepared.solve`` unless said.

    Returns:
        The matrix and what doesn't count yet. Without goals it is what is expected.

    Raises:
        QuestionError: A key isn't in the matrix, or a goal is negative.
    """
    solve = solve or prepared.solve
    keys = pd.MultiIndex.from_frame(wanted[KEYS]) if len(wanted) else pd.MultiIndex.from_tuples([], names=KEYS)
    place = {key: at for at, key in enumerate(keys)}
    fresh = set(newest)
    order = sorted(place, key=lambda key: (key in fresh, place[key]))
    goals = wanted["goal"].to_numpy(dtype=float) if len(wanted) else np.zeros(0)
    shares = set(prepared.cells["kpi"][_find_shares(prepared)].unique())
    beyond = tuple(key for key in order if key[0] in shares and goals[place[key]] > WHOLE)
    waits, clashes, unsolved = set(beyond), [], ""
    while True:
        held = wanted.iloc[[place[key] for key in sorted(place, key=place.get) if key not in waits]]
        try:
            return GoalTrial(solve(held), tuple(clashes), beyond, unsolved, frozenset(waits))
        except ContradictionError as error:
            named = set(pd.MultiIndex.from_frame(error.cells[KEYS]))
            last = next(key for key in reversed(order) if key in named)
            if len(clashes) < MOST_CONTRADICTIONS:
                clashes.append(Clash(error.cells, last, error))
                waits.add(last)
            else:
                waits |= (fresh & set(place)) - waits or {last}
        except NoSolutionError as error:
            unsolved = str(error)
            waits |= (fresh & set(place)) - waits or {next(key for key in reversed(order) if key not in waits)}


def price_releases(prepared: PreparedMatrix, clash: Clash) -> pd.DataFrame:
    """Rank what could be released so that a clash is resolved, the cheapest first; as ``rank_releases``."""
    return rank_releases(clash.error, prepared)


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
