"""What follows from the KPI discovery matrix: what to activate next, and which fields to copy between objects."""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import pandas as pd

from helpers.analyses.discovery import SCORES
from helpers.analyses.field_evidence import link_objects, values_by_id
from helpers.analyses.too_large import is_too_large
from helpers.model.survey import DiscoveryRules
from helpers.units import in_sentence

COPY_COLUMNS = [
    "dimension",
    "label",
    "from_object",
    "to_object",
    "state",
    "decided",
    "n_records",
    "n_missing",
    "n_fillable",
    "reason",
]
ACTIVATE_COLUMNS = [
    "rank", "dimension", "label", "objects", "light", "n_kpis", "effort", "score_gain", "score_after", "score_together",
    "lets", "unlocks", "reason", "cure", "planned", "owner", "is_overdue", "n_named",
]  # fmt: skip

COPY_STATES = {
    "exists": "is there",
    "followed": "followed by this workbook, not in the CRM",
    "wanted": "wanted",
    "not_wanted": "not wanted",
    "impossible": "can't be told",
}


def score_coverage(discovery: pd.DataFrame) -> float | None:
    """Score how far the wanted fields are there: 1 available, ½ adoption needed, 0 unavailable, on average.

    Returns:
        0–1; None where nothing is wanted.
    """
    wanted = discovery[discovery["is_wanted"]]
    return float(wanted["light"].map(SCORES).mean()) if len(wanted) else None


def rank_activations(
    discovery: pd.DataFrame,
    rules: DiscoveryRules,
    *,
    named: Mapping[str, int] | None = None,
    planned: Iterable[Any] = (),
    declined: Iterable[tuple[str, str]] = (),
    overdue: Iterable[str] = (),
    labels: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Rank the wanted fields that are not available yet by what each would add for its effort.

    Args:
        discovery: What ``build_discovery`` returns.
        rules: The wanted fields with their effort.
        named: Dimension → how many people named it in the survey; breaks ties.
        planned: What was decided to be activated, each with dimension, effort, owner and planned.
        declined: Dimension and object of what people decided not to want; it is not proposed again.
        overdue: Dimensions that were planned for a time that is over.
        labels: KPI → what readers call it; its id where missing.

    Returns:
        One row per wanted field that has a cell without a green light, best first: ``n_kpis`` cells that would turn
        green, ``score_gain`` of the coverage score (0–1), ``score_after`` it alone, ``score_together`` after it and all
        above it, ``objects`` where it is missing, ``lets`` what it would let people see, ``unlocks`` the secondary KPIs
        that could then be trusted, ``planned`` when (empty: not decided) and ``owner`` by whom. Empty where all is
        green.
    """
    decided, refused, late = {item.dimension: item for item in planned}, set(declined), set(overdue)
    wanted = discovery[discovery["is_wanted"]]
    now = score_coverage(discovery) or 0.0
    open_cells: dict[str, list[dict[Hashable, Any]]] = {}
    for cell in wanted[wanted["light"] != "available"].to_dict("records"):
        if (cell["dimension"], cell["object"]) not in refused:
            open_cells.setdefault(str(cell["dimension"]), []).append(cell)
    rows = []
    for dimension, cells in open_cells.items():
        gain = sum(1 - SCORES[cell["light"]] for cell in cells) / len(wanted)
        worst = min(cells, key=lambda cell: SCORES[cell["light"]])
        told = _tell_field(dimension, cells, rules, decided.get(dimension))
        unlocked = [f"{(labels or {}).get(cell['kpi'], cell['kpi'])} by {in_sentence(told['label'])}" for cell in cells]
        rows.append(
            {
                **told,
                "dimension": dimension,
                "objects": ", ".join(dict.fromkeys(cell["object"] for cell in cells)),
                "light": worst["light"],
                "n_kpis": len(cells),
                "score_gain": gain,
                "score_after": now + gain,
                "unlocks": "; ".join(unlocked),
                "reason": _say_reason(worst),
                "cure": worst["cure"] or "Agree on what keeps it from being trusted, and mend that first.",
                "is_overdue": dimension in late,
                "n_named": (named or {}).get(dimension, 0),
            }
        )
    rows.sort(key=lambda row: (-row["score_gain"] / rules.effort_weight[row["effort"]], -row["n_named"]))
    total = now
    for rank, row in enumerate(rows, start=1):
        total += row["score_gain"]
        row |= {"rank": rank, "score_together": total}
    frame = pd.DataFrame(rows, columns=ACTIVATE_COLUMNS)
    return frame.astype({"is_overdue": "bool"})


def _tell_field(dimension: str, cells: list[dict[Hashable, Any]], rules: DiscoveryRules, choice: Any) -> dict[str, Any]:
    """Say what the definitions and people know of a field; one that only people named takes the middle effort."""
    field = next((field for field in rules.wanted if field.id == dimension), None)
    label = field.label if field else str(cells[0]["label"])
    return {
        "label": label,
        "effort": (choice.effort if choice else "") or (field.effort if field else "medium"),
        "lets": (field.lets if field else "") or f"what differs by {label.lower()}",
        "planned": choice.planned if choice else "",
        "owner": choice.owner if choice else "",
    }


def _say_reason(cell: Mapping[Hashable, Any]) -> str:
    """Say why a light isn't green: in the words of whoever set it, else by the CRM's evidence."""
    if cell["note"]:
        return f"{cell['note']} ({cell['decided_by']})" if cell["decided_by"] else str(cell["note"])
    is_overruled = cell["decided_by"] and cell["light"] != cell["suggested_light"]
    return f"So says {cell['decided_by']}." if is_overruled else str(cell["reason"])


class CopyCounter:
    """Count what a copy between two objects would fill, each copy once.

    Args:
        company: The opened company.
        rules: The copies that are usually wanted, and what fields are called.
    """

    def __init__(self, company: Any, rules: DiscoveryRules) -> None:
        self.company, self.rules = company, rules
        self.wanted = {(c.dimension, c.from_object, c.to_object): c.reason for c in rules.copies}
        self._known: dict[tuple[str, str, str], dict[str, Any]] = {}

    def count(self, dimension: str, source: str, target: str) -> dict[str, Any]:
        """Return label, state by the data, and counts of one copy; see ``list_copies``."""
        key = (dimension, source, target)
        if key not in self._known:
            partition = self.company.partitions.get(dimension)
            label = partition.label if partition else _label_of(dimension, self.rules)
            self._known[key] = {"label": label, **_count_copy(self.company, partition, source, target)}
        return self._known[key]

    def list(self, decisions: Iterable[Any] = ()) -> pd.DataFrame:
        """List the copies usually wanted and those decided on, as ``list_copies`` returns them."""
        decided = {(d.dimension, d.from_object, d.to_object): d for d in decisions}
        rows = []
        for key in [*self.wanted, *(key for key in decided if key not in self.wanted)]:
            decision = decided.get(key)
            row = {**dict(zip(("dimension", "from_object", "to_object"), key, strict=True)), **self.count(*key)}
            row["decided"] = decision.state if decision else ""
            row["reason"] = decision.note if decision and decision.note else self.wanted.get(key, "")
            if decision and decision.state != "wanted":
                row["state"] = decision.state
            rows.append(row)
        frame = pd.DataFrame(rows, columns=COPY_COLUMNS)
        return frame.astype({column: "Int64" for column in ("n_records", "n_missing", "n_fillable")})


def list_copies(company: Any, rules: DiscoveryRules, decisions: Iterable[Any] = ()) -> pd.DataFrame:
    """List the fields to be copied between objects, and how many records each copy would fill.

    Args:
        company: The opened company.
        rules: The copies that are usually wanted.
        decisions: What people decided, each with dimension, from_object, to_object, state and note.

    Returns:
        One row per copy: ``state`` (exists, followed, wanted, not_wanted, impossible), ``decided`` as people say
        (empty: nobody did), ``n_records`` of the receiving object, ``n_missing`` of them without a value of their own,
        and ``n_fillable`` of those whose linked record has one. Counts are missing where the exports hold neither the
        field nor the link, and where the records are more than may be fetched.
    """
    return CopyCounter(company, rules).list(decisions)


def _count_copy(company: Any, partition: Any, source: str, target: str) -> dict[str, Any]:
    tables, carried = company.tables, (partition.objects if partition else {})
    if is_too_large(company, source) or is_too_large(company, target):
        state = "followed" if partition and partition.inherited_from.get(target) else "wanted"
        can_be = source in carried and target in tables
        return {"state": state if can_be else "impossible", "n_records": tables.count(target) if can_be else None}
    pairs = link_objects(company, source, target) if source in tables and target in tables else None
    if source not in carried or pairs is None:
        return {"state": "impossible", "n_records": len(tables[target]) if target in tables else None}
    is_inherited = bool(partition.inherited_from.get(target))
    known = values_by_id(company, source, carried[source])
    known = set(known[known.notna()].index)
    reachable = set(pairs.loc[pairs["first"].isin(known), "second"])
    ids = tables[target]["id"]
    own = carried.get(target) if not is_inherited else None
    missing = tables[target][own].isna() if own else pd.Series(True, index=ids.index)
    state = "followed" if is_inherited else "exists" if own and not missing.any() else "wanted"
    counts = {
        "n_records": len(ids),
        "n_missing": int(missing.sum()),
        "n_fillable": int((missing & ids.isin(reachable)).sum()),
    }
    return {"state": state, **counts}


def _label_of(dimension: str, rules: DiscoveryRules) -> str:
    labels = {field.id: field.label for field in rules.wanted}
    return labels.get(dimension, dimension.replace("_", " ").capitalize())
