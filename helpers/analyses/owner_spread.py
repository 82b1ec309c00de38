"""How far the share of records that carry a field differs between owners, and whether chance makes as much."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.units import format_value

SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class OwnerSpread:
    """Shares of filled records by owner, of owners with enough records; None where there is nothing to tell.

    Attributes:
        lowest: The lowest share of an owner.
        whose: Whose that is; of equals the first by name.
        highest: The highest.
        chance: How likely chance alone puts some owner as far off as the farthest one is; None for a single owner.
    """

    lowest: float | None = None
    whose: str = ""
    highest: float | None = None
    chance: float | None = None


def compare_owners(counts: pd.DataFrame, minimum_n: int) -> OwnerSpread:
    """Compare the shares of filled records between owners.

    Args:
        counts: One row per owner, whose name is the index, with ``n`` records and ``n_filled`` of them.
        minimum_n: An owner with fewer records is not looked at alone.

    Source:
        Fisher's exact test of each owner against the others together (hypergeometric, both sides), times the number of
        owners (Bonferroni).
    """
    from scipy.stats import hypergeom

    enough = counts[counts["n"] >= max(minimum_n, 1)].sort_index(kind="stable")
    if enough.empty:
        return OwnerSpread()
    n, filled = enough["n"].to_numpy(np.int64), enough["n_filled"].to_numpy(np.int64)
    rates = filled / n
    chance = None
    if len(enough) > 1:
        whole = int(n.sum()), int(filled.sum()), n
        tails = np.minimum(hypergeom.cdf(filled, *whole), hypergeom.sf(filled - 1, *whole))
        chance = float(min(1.0, 2 * len(enough) * tails.min()))
    return OwnerSpread(float(rates.min()), str(enough.index[int(rates.argmin())]), float(rates.max()), chance)


def is_beyond_chance(chance: float | None) -> bool:
    """Tell whether owners differ by more than chance makes."""
    return chance is not None and not pd.isna(chance) and chance < SIGNIFICANCE


def say_spread(lowest: float, highest: float, chance: float | None) -> str:
    """Write from where to where the shares of owners lie, and whether that is more than chance makes.

    >>> say_spread(0.5, 0.975, 0.0001), say_spread(0.87, 0.95, 0.4), say_spread(1.0, 1.0, 1.0)
    ('50–98 %, more than chance makes', '87–95 %, no more than chance makes', '100 % each')
    """
    first, last = (format_value(one, "share") for one in (lowest, highest))
    if first == last:
        return f"{last} each" if chance is not None else last
    makes = "more than chance makes" if is_beyond_chance(chance) else "no more than chance makes"
    return f"{first.removesuffix(' %')}–{last}, {makes}"
