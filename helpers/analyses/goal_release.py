"""What a contradiction between locked cells would cost to resolve: each cell's release, cheapest first."""

import numpy as np
import pandas as pd

from helpers.analyses.goal_locks import FREE, ContradictionError, Locks
from helpers.analyses.goal_relations import KEYS
from helpers.analyses.goal_session import PreparedMatrix

RELEASE_COLUMNS = [*KEYS, "goal", "becomes", "cost", "state", "is_enough"]


def rank_releases(contradiction: ContradictionError, prepared: PreparedMatrix) -> pd.DataFrame:
    """Rank the cells whose release would resolve a contradiction.

    Args:
        contradiction: As raised by ``prepared.solve``.
        prepared: The matrix it was raised for.

    Returns:
        One row per named cell, with ``KEYS``; ``goal`` as locked; ``becomes`` what it would be, released, with the
        other locks held; ``cost`` how far that is from its goal, as |ln(becomes ÷ goal)| in standard deviations of the
        cell's own history (infinite where one of them is 0, NaN where no value was found); ``state`` (``goal`` or
        ``locked``); ``is_enough``: False where other locks contradict each other still, then only the named cells were
        held. Releases that are enough come first, the cheapest of them first.

    Source:
        The cost is the square root of what the cell adds to the criterion that solving makes least.
    """
    named = pd.MultiIndex.from_frame(contradiction.cells[KEYS])
    at = [prepared.cells_at(key) for key in named]
    held, values = contradiction.held, contradiction.values
    rows = []
    for place, row in zip(at, contradiction.cells.to_dict("records"), strict=True):
        becomes, is_enough = np.nan, False
        others = np.zeros(len(held), dtype=bool)
        others[[other for other in at if other != place]] = True
        without = held.copy()
        without[place] = False
        for kept, enough in ((without, True), (others, False)):
            locks = Locks(kept, np.where(kept, values, np.nan), np.full(len(held), FREE, dtype=object))
            found = prepared.move(locks)
            if found.is_feasible:
                becomes, is_enough = float(found.values[place]), enough
                break
        spread = float(prepared.expect(locks).spread[place])
        with np.errstate(divide="ignore", invalid="ignore"):
            cost = abs(np.log(becomes / row["goal"])) / spread
        rows.append(row | {"becomes": becomes, "cost": cost, "is_enough": is_enough})
    ranked = pd.DataFrame(rows, columns=RELEASE_COLUMNS)
    return ranked.sort_values(
        ["is_enough", "cost"], ascending=[False, True], kind="stable", ignore_index=True, na_position="last"
    )
