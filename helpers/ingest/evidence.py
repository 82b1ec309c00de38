"""When a partition is known: said by somebody, or told by which records carry it."""

from collections.abc import Mapping

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

MOST_SAME = 0.98
PER_VALUE = 5


def decide_known(
    id: str,
    objects: Mapping[str, str],
    tables: Mapping[str, pd.DataFrame],
    catalog: Catalog,
    settings: CompanySettings,
    *,
    joined: set[tuple[str, str]],
    looked_up: set[tuple[str, str]],
) -> tuple[Known, str]:
    """Decide when a partition is known and say why.

    What ``company.toml`` says goes first; then what the data shows (a field filled for winners only can't have been
    known at entry, whatever its name); then the shipped definitions; then its name; else it is known at entry.

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
        reason = find_outcome_evidence(object_id, tables[object_id], column, catalog.rules)
        if reason is None and (object_id, column) in joined:
            reason = _joined_evidence(object_id, tables[object_id], column)
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
    groups = _group_outcomes(object_id, table)
    if groups is None:
        return None
    filled = table[column].notna()
    for label, inside in groups.items():
        with_it, without = filled[inside], filled[~inside]
        enough = with_it.sum() >= FEWEST and len(without) >= FEWEST
        if enough and with_it.mean() >= rules.outcome_fill_with and without.mean() <= rules.outcome_fill_other:
            return f"filled for {with_it.mean():.0%} of {label} and {without.mean():.0%} of others"
        if with_it.sum() >= DETERMINED // 10 and not without.sum() and len(without) >= DETERMINED:
            return f"filled for {with_it.sum():,} of {label} and no others"
    for label, inside in groups.items():
        if _determines(table[column][filled], inside[filled]):
            return f"each value holds either {label} only or none of them"
    return None


def _group_outcomes(object_id: str, table: pd.DataFrame) -> dict[str, pd.Series] | None:
    if object_id == "deal" and "outcome" in table:
        outcome = table["outcome"]
        groups = {
            "won": outcome.eq("won"),
            "lost": outcome.eq("lost"),
            "closed": outcome.isin(["won", "lost"]),
            "open": outcome.eq("open"),
        }
        return {label: inside for label, inside in groups.items() if inside.any() and not inside.all()}
    if object_id == "contact" and "won_at" in table:
        won = table["won_at"].notna()
        return {"won": won} if won.any() and not won.all() else None
    return None


def _determines(values: pd.Series, inside: pd.Series) -> bool:
    if len(values) < DETERMINED or not inside.any() or inside.all():
        return False
    by_value = pd.DataFrame({"value": values, "inside": inside}).groupby("value")["inside"].agg(["size", "mean"])
    common = by_value[by_value["size"] >= PER_VALUE]
    if len(common) < 2 or common["size"].sum() < 0.8 * len(values):
        return False
    sure = (common["mean"] >= MOST_SAME) | (common["mean"] <= 1 - MOST_SAME)
    return bool(sure.all() and (common["mean"] >= MOST_SAME).any() and (common["mean"] <= 1 - MOST_SAME).any())


def _joined_evidence(object_id: str, table: pd.DataFrame, column: str) -> str | None:
    groups = _group_outcomes(object_id, table)
    filled = table[column].notna()
    for label, inside in (groups or {}).items():
        if label != "open" and filled.any() and inside[filled].all():
            return f"it comes from a file that holds {label} records only"
    return None
