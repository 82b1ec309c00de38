"""When a partition is known: said by somebody, or told by which records carry it."""

from collections.abc import Callable, Mapping

import pandas as pd

from helpers.ingest.recognition import read_synonyms
from helpers.ingest.settings import CompanySettings
from helpers.model.catalog import Catalog
from helpers.model.dimension import Known
from helpers.model.rules import Rules

FEWEST = 3
"""So many records with, and without, an outcome are needed before blanks say anything."""

DETERMINED = 100
"""So many records are needed before values are said to determine the outcome."""

CountOutcomes = Callable[[str, str], pd.DataFrame | None]
"""(object, column) → what ``count_outcomes`` returns."""

MOST_SAME = 0.98
PER_VALUE = 5


def decide_known(
    id: str,
    objects: Mapping[str, str],
    count: CountOutcomes,
    catalog: Catalog,
    settings: CompanySettings,
    *,
    joined: set[tuple[str, str]],
    looked_up: set[tuple[str, str]],
) -> tuple[Known, str]:
    """Decide when a partition is known and say why.

    What ``company.toml`` says goes first; then what the data shows (a field filled for winners only can't have been
    known at entry, whatever its name); then the shipped definitions; then its name; else it is known at entry.

    Args:
        id: The partition.
        objects: Object → column that carries it.
        count: Counts a column's values by outcome, wherever the records lie (see ``count_outcomes``).
        catalog: The definitions.
        settings: ``company.toml``.
        joined: (object, column) pairs from a second file about the same records.
        looked_up: (object, column) pairs from look-up tables.

    Returns:
        entry, during or outcome, and the reason in words.
    """
    own = settings.dimensions.get(id, {})
    if isinstance(own, Mapping) and own.get("known"):
        return own["known"], "declared in company.toml"
    said = catalog.dimensions.get(id)
    if said is not None and said.known in {"during", "outcome"}:
        return said.known, "declared"
    for object_id, column in objects.items():
        if (object_id, column) in looked_up:
            continue
        counts = count(object_id, column)
        reason = None if counts is None else weigh_outcomes(object_id, counts, catalog.rules)
        if reason is None and (object_id, column) in joined:
            reason = _joined_evidence(object_id, counts)
        if reason:
            return "outcome", f"by data: {reason}"
    if said is not None and said.known:
        return said.known, "declared"
    words = set(id.split("_"))
    for known in ("outcome", "during"):
        for word in read_synonyms()[known]["words"]:
            if id == word or word in words:
                return known, f"by name: it holds '{word}'"
    return "entry", "by data: filled alike before and after the outcome"


def find_outcome_evidence(object_id: str, table: pd.DataFrame, column: str, rules: Rules) -> str | None:
    """Tell whether a column shows the outcome: by where it is filled, or by its values.

    Returns:
        The evidence in words, or None.
    """
    counts = count_outcomes(object_id, table, column)
    return None if counts is None else weigh_outcomes(object_id, counts, rules)


def count_outcomes(object_id: str, table: pd.DataFrame, column: str) -> pd.DataFrame | None:
    """Count a column's values by outcome.

    Returns:
        One row per value (missing included) and outcome: value, outcome, n; None where the object has no outcome.
    """
    if object_id == "deal" and "outcome" in table:
        outcome = table["outcome"]
    elif object_id == "contact" and "won_at" in table:
        outcome = pd.Series("open", index=table.index, dtype="str").mask(table["won_at"].notna(), "won")
    else:
        return None
    pairs = pd.DataFrame({"value": table[column], "outcome": outcome})
    return pairs.groupby(["value", "outcome"], dropna=False, observed=True).size().reset_index(name="n")


def weigh_outcomes(object_id: str, counts: pd.DataFrame, rules: Rules) -> str | None:
    """Tell by counted values whether a column shows the outcome.

    Args:
        object_id: The object.
        counts: As ``count_outcomes`` returns them, wherever they were counted.
        rules: The thresholds.

    Returns:
        The evidence in words, or None.
    """
    groups = _group_outcomes(object_id, counts)
    filled, n = counts["value"].notna(), counts["n"]
    for label, inside in groups.items():
        n_with, n_without = int(n[inside].sum()), int(n[~inside].sum())
        with_it, without = int(n[inside & filled].sum()), int(n[~inside & filled].sum())
        share, share_without = with_it / n_with, without / n_without
        enough = with_it >= FEWEST and n_without >= FEWEST
        if enough and share >= rules.outcome_fill_with and share_without <= rules.outcome_fill_other:
            return f"filled for {share:.0%} of {label} and {share_without:.0%} of others"
        if with_it >= DETERMINED // 10 and not without and n_without >= DETERMINED:
            return f"filled for {with_it:,} of {label} and no others"
    for label, inside in groups.items():
        if _determines(counts[filled], inside[filled]):
            return f"each value holds either {label} only or none of them"
    return None


def _group_outcomes(object_id: str, counts: pd.DataFrame) -> dict[str, pd.Series]:
    """Return label → which of the counted rows belong to it; only labels that tell records apart."""
    outcome = counts["outcome"]
    groups = {"won": outcome.eq("won")}
    if object_id == "deal":
        groups |= {
            "lost": outcome.eq("lost"),
            "closed": outcome.isin(["won", "lost"]),
            "open": outcome.eq("open"),
        }
    return {label: inside for label, inside in groups.items() if inside.any() and not inside.all()}


def _determines(counts: pd.DataFrame, inside: pd.Series) -> bool:
    total = int(counts["n"].sum())
    if total < DETERMINED or not inside.any() or inside.all():
        return False
    weights = pd.DataFrame({"value": counts["value"], "size": counts["n"], "inside": counts["n"].where(inside, 0)})
    by_value = weights.groupby("value")[["size", "inside"]].sum()
    mean = by_value["inside"] / by_value["size"]
    is_common = by_value["size"] >= PER_VALUE
    if int(is_common.sum()) < 2 or by_value["size"][is_common].sum() < 0.8 * total:
        return False
    mean = mean[is_common]
    sure = (mean >= MOST_SAME) | (mean <= 1 - MOST_SAME)
    return bool(sure.all() and (mean >= MOST_SAME).any() and (mean <= 1 - MOST_SAME).any())


def _joined_evidence(object_id: str, counts: pd.DataFrame | None) -> str | None:
    if counts is None:
        return None
    filled = counts[counts["value"].notna()]
    for label, inside in _group_outcomes(object_id, counts).items():
        if label != "open" and len(filled) and inside[filled.index].all():
            return f"it comes from a file that holds {label} records only"
    return None
