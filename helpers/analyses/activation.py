"""What follows from the KPI discovery matrix: copies between objects, secondary KPIs, and what to activate next."""

import re
from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.analyses.discovery import ENTRY_DATE, SCORES
from helpers.analyses.field_evidence import link_objects, values_by_id
from helpers.model.survey import DiscoveryRules, generate_secondaries

if TYPE_CHECKING:
    from helpers.answers.survey import Response

COPY_COLUMNS = [
    "dimension",
    "label",
    "from_object",
    "to_object",
    "state",
    "n_records",
    "n_missing",
    "n_fillable",
    "reason",
]
SECONDARY_COLUMNS = [
    "secondary", "kpi", "dimension", "n_yes", "n_no", "n_unknown", "light", "reason", "cure", "surprise",
]  # fmt: skip
ACTIVATE_COLUMNS = [
    "rank", "dimension", "label", "objects", "light", "n_kpis", "effort", "score_gain", "score_after", "lets", "reason",
    "cure", "planned", "n_named",
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
    planned: Any = (),
    declined: Iterable[tuple[str, str]] = (),
) -> pd.DataFrame:
    """Rank the wanted fields that are not available yet by what each would add for its effort.

    Args:
        discovery: What ``build_discovery`` returns.
        rules: The wanted fields with their effort.
        named: Dimension → how many people named it in the survey; breaks ties.
        planned: What was decided to be activated, each with dimension, effort and planned.
        declined: Dimension and object of what people decided not to want; it is not proposed again.

    Returns:
        One row per wanted field that has a cell without a green light, best first: ``n_kpis`` cells that would turn
        green, ``score_gain`` of the coverage score (0–1), ``score_after`` it, ``objects`` where it is missing, ``lets``
        what it would let people see, ``planned`` when (empty: not decided). Empty where all is green.
    """
    decided, refused = {item.dimension: item for item in planned}, set(declined)
    wanted = discovery[discovery["is_wanted"]]
    now, rows = score_coverage(discovery), []
    fields = {field.id: field for field in rules.wanted}
    for dimension, cells in wanted.groupby("dimension", sort=False):
        is_declined = [(str(dimension), object) in refused for object in cells["object"]]
        open_cells = cells[(cells["light"] != "available") & ~pd.Series(is_declined, index=cells.index)]
        if open_cells.empty:
            continue
        field = fields[str(dimension)]
        gain = float((1 - open_cells["light"].map(SCORES)).sum()) / len(wanted)
        worst = min(open_cells["light"], key=SCORES.__getitem__)
        first = open_cells[open_cells["light"] == worst].iloc[0]
        choice = decided.get(str(dimension))
        rows.append(
            {
                "dimension": dimension,
                "label": field.label,
                "objects": ", ".join(dict.fromkeys(open_cells["object"])),
                "light": worst,
                "n_kpis": len(open_cells),
                "effort": (choice.effort if choice and choice.effort else field.effort),
                "score_gain": gain,
                "score_after": (now or 0.0) + gain,
                "lets": field.lets,
                "reason": first["reason"],
                "cure": first["cure"],
                "planned": choice.planned if choice else "",
                "n_named": (named or {}).get(str(dimension), 0),
            }
        )
    frame = pd.DataFrame(rows, columns=ACTIVATE_COLUMNS)
    if frame.empty:
        return frame
    worth = frame["score_gain"] / frame["effort"].map(rules.effort_weight).astype("float64")
    order = pd.DataFrame({"worth": -worth, "named": -frame["n_named"]}).sort_values(["worth", "named"], kind="stable")
    frame = frame.loc[order.index].reset_index(drop=True)
    return frame.assign(rank=range(1, len(frame) + 1))


def list_secondaries(
    company: Any, discovery: pd.DataFrame, responses: Mapping[str, "Response"], rules: DiscoveryRules
) -> pd.DataFrame:
    """List the secondary KPIs that people typed, what they say of each, and what the CRM says.

    Args:
        company: The opened company.
        discovery: What ``build_discovery`` returns.
        responses: Respondent's id → answers; only of a closed round.
        rules: Where nobody typed any, the listed primaries × the wanted fields of their object are taken.

    Returns:
        One row per secondary KPI: ``n_yes``, ``n_no``, ``n_unknown`` people by "trackable today?", ``light`` and its
        reason from the matrix (``none`` where the workbook can't tell which field is meant), and ``surprise``: people
        say yes and the CRM no, or the other way round. Time (by month, by quarter) is the KPI's own date.
    """
    return light_secondaries(name_secondaries(company, responses, rules), discovery)


def name_secondaries(company: Any, responses: Mapping[str, "Response"], rules: DiscoveryRules) -> pd.DataFrame:
    """List the secondary KPIs with the KPI and the partition that their names mean, before the matrix lights them.

    Returns:
        One row per secondary KPI with the first columns of ``list_secondaries``.
    """
    typed = [row for r in responses.values() for row in generate_secondaries(r.values.get("primary_kpis", ()))]
    said: dict[str, list[str]] = {}
    for response in responses.values():
        for row in response.values.get("secondary_kpis", ()):
            said.setdefault(_fold(row["secondary"]), []).append(str(row.get("is_trackable", "unknown")))
    pairs = typed or _listed(company, rules)
    names, fields = _kpi_names(company), _dimension_names(company, rules)
    rows, seen = [], set()
    for pair in pairs:
        if _fold(pair["secondary"]) in seen:
            continue
        seen.add(_fold(pair["secondary"]))
        answers = said.get(_fold(pair["secondary"]), [])
        rows.append(
            {
                "secondary": pair["secondary"],
                "kpi": names.get(_fold(pair["kpi"]), ""),
                "dimension": _find_name(pair["partition"], fields, rules) or "",
                **{f"n_{word}": answers.count(word) for word in ("yes", "no", "unknown")},
            }
        )
    return pd.DataFrame(rows, columns=SECONDARY_COLUMNS[:6])


def light_secondaries(named: pd.DataFrame, discovery: pd.DataFrame) -> pd.DataFrame:
    """Give each named secondary KPI its light from the matrix; the rest as ``list_secondaries`` says."""
    cells = {(row["kpi"], row["dimension"]): row for row in discovery[discovery["dimension"] != ""].to_dict("records")}
    rows: list[dict[str, Any]] = []
    for row in named.to_dict("records"):
        kpi, dimension = row["kpi"], row["dimension"]
        cell = cells.get((kpi, dimension), {})
        light = cell.get("light", "none" if not kpi or not dimension else "unavailable")
        told = {"reason": cell.get("reason", _say_missing(kpi, dimension)), "cure": cell.get("cure", "")}
        rows.append({**row, "light": light, **told, "surprise": _find_surprise(row, light)})
    return pd.DataFrame(rows, columns=SECONDARY_COLUMNS)


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
        One row per copy: ``state`` (exists, followed, wanted, not_wanted, impossible), ``n_records`` of the receiving
        object, ``n_missing`` of them without a value of their own, and ``n_fillable`` of those whose linked record has
        one. Counts are missing where the exports hold neither the field nor the link.
    """
    return CopyCounter(company, rules).list(decisions)


def count_named(company: Any, responses: Mapping[str, "Response"], rules: DiscoveryRules) -> dict[str, int]:
    """Count how many people named each partition in the survey's KPI tab."""
    counts: dict[str, int] = {}
    for response in responses.values():
        named = {row["partition"] for row in generate_secondaries(response.values.get("primary_kpis", ()))}
        for dimension in {find_dimension(company, name, rules) for name in named} - {None}:
            counts[dimension] = counts.get(dimension, 0) + 1
    return counts


def find_kpi(company: Any, typed: str) -> str | None:
    """Return the KPI that people mean by a name; None where none bears it."""
    return _kpi_names(company).get(_fold(typed))


def find_dimension(company: Any, typed: str, rules: DiscoveryRules) -> str | None:
    """Return the partition that people mean by a name; None where none bears it."""
    return _find_name(typed, _dimension_names(company, rules), rules)


def _kpi_names(company: Any) -> dict[str, str]:
    return {_fold(name): kpi.id for kpi in company.catalog.kpis.values() for name in (kpi.id, kpi.label)}


def _dimension_names(company: Any, rules: DiscoveryRules) -> dict[str, str]:
    names = {_fold(name): field.id for field in rules.wanted for name in (field.id, field.label, *field.aliases)}
    for id, partition in company.partitions.items():
        names |= {_fold(name): id for name in (id, partition.label, *partition.aliases)}
    return names


def _find_name(typed: str, names: Mapping[str, str], rules: DiscoveryRules) -> str | None:
    if set(_fold(typed).split()) & set(rules.time_words):
        return ENTRY_DATE
    return names.get(_fold(typed))


def _count_copy(company: Any, partition: Any, source: str, target: str) -> dict[str, Any]:
    tables, carried = company.tables, (partition.objects if partition else {})
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


def _listed(company: Any, rules: DiscoveryRules) -> list[dict[str, str]]:
    objects = {primary.kpi: primary.object for primary in rules.primaries}
    pairs = []
    for kpi in rules.listed:
        for field in rules.wanted:
            if kpi in company.catalog.kpis and objects.get(kpi) in field.objects:
                label = company.catalog.kpis[kpi].label
                pairs.append({"secondary": f"{label} by {field.label.lower()}", "kpi": label, "partition": field.label})
    return pairs


def _find_surprise(counts: Mapping[Hashable, Any], light: str) -> str:
    if counts["n_yes"] and light == "unavailable":
        return "people say yes, the CRM no"
    if counts["n_no"] and not counts["n_yes"] and light == "available":
        return "people say no, the CRM yes"
    return ""


def _say_missing(kpi: str | None, dimension: str | None) -> str:
    if not kpi:
        return "No KPI of the workbook bears that name."
    if not dimension:
        return "No field of the exports bears that name."
    return "The records that this KPI counts don't carry the field."


def _label_of(dimension: str, rules: DiscoveryRules) -> str:
    labels = {field.id: field.label for field in rules.wanted}
    return labels.get(dimension, dimension.replace("_", " ").capitalize())


def _fold(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", str(text).casefold()).strip()
