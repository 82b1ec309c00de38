"""Secondary KPIs: every primary KPI times every cut that people typed, what they say of it, and what the CRM says."""

import re
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.analyses.discovery import ENTRY_DATE, QUESTIONS
from helpers.model.kpi import Kpi
from helpers.model.survey import DiscoveryRules, generate_secondaries
from helpers.units import in_sentence

if TYPE_CHECKING:
    from helpers.answers.survey import Response

NAMED_COLUMNS = ["secondary", "kpi", "dimension", "object", "question", "label", "n_yes", "n_no", "n_unknown"]
"""What is known of a secondary KPI before the matrix lights it."""

SECONDARY_COLUMNS = [*NAMED_COLUMNS, "light", "reason", "cure", "note", "decided_by", "surprise"]


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
        One row per secondary KPI with ``SECONDARY_COLUMNS``: ``kpi``, ``dimension`` and ``object`` name its cell of the
        matrix (empty where the workbook knows no such KPI), ``n_yes``, ``n_no``, ``n_unknown`` people by "trackable
        today?", ``light`` and its reason from the matrix (``none`` where it has no cell), and ``surprise``: people say
        yes and the CRM no, or the other way round. Time (by month, by quarter) is the KPI's own date.
    """
    named = name_secondaries(company, responses, rules)
    return light_secondaries(named, add_named_cells(company, discovery, named, rules))


def name_secondaries(company: Any, responses: Mapping[str, "Response"], rules: DiscoveryRules) -> pd.DataFrame:
    """List the secondary KPIs with the KPI and the partition that their names mean.

    Returns:
        One row per secondary KPI with ``NAMED_COLUMNS``. A cut that no field bears gets an id of its own, made of its
        name, so that it can be judged and activated like any other.
    """
    said: dict[str, list[str]] = {}
    for response in responses.values():
        for row in response.values.get("secondary_kpis", ()):
            said.setdefault(_fold(row["secondary"]), []).append(str(row.get("is_trackable", "unknown")))
    typed = [pair for r in responses.values() for pair in _typed_pairs(r.values.get("primary_kpis", ()))]
    kpis, fields = _kpi_names(company), _dimension_names(company, rules)
    rows: dict[str, dict[str, Any]] = {}
    for pair in typed or _usual_pairs(company, rules):
        key = _fold(pair["secondary"])
        kpi = company.catalog.kpis.get(kpis.get(_fold(pair["kpi"]), ""))
        answers = said.get(key, [])
        rows.setdefault(
            key,
            {
                "secondary": pair["secondary"],
                "kpi": kpi.id if kpi else "",
                "dimension": _find_name(pair["partition"], fields, rules) or _make_id(pair["partition"]),
                "object": find_object(company, kpi, rules) if kpi else "",
                "question": pair["question"],
                "label": pair["partition"],
                **{f"n_{word}": answers.count(word) for word in ("yes", "no", "unknown")},
            },
        )
    return pd.DataFrame(list(rows.values()), columns=NAMED_COLUMNS)


def add_named_cells(company: Any, matrix: pd.DataFrame, named: pd.DataFrame, rules: DiscoveryRules) -> pd.DataFrame:
    """Give every secondary KPI that people named its own cell of the matrix, and count it as wanted.

    Args:
        company: The opened company.
        matrix: What ``measure_matrix`` or ``build_discovery`` returns; not changed.
        named: What ``name_secondaries`` returns.
        rules: What the matrix holds.

    Returns:
        The matrix; a rate or an average is judged by the field of the records it is counted from, and a rate only by
        what is known at entry. A cut that no field bears is unavailable, with the name that people gave it. Cuts by
        time are not counted as wanted: every KPI has its date.
    """
    pairs = {(row["kpi"], row["dimension"]): row for row in named.to_dict("records") if row["kpi"]}
    cells = matrix[matrix["dimension"] != ""].set_index(["kpi", "dimension"])
    named_pairs = {pair for pair in pairs if pair[1] != ENTRY_DATE}
    is_named = [pair in named_pairs for pair in zip(matrix["kpi"], matrix["dimension"], strict=True)]
    known, rows = cells.to_dict("index"), []
    for (kpi, dimension), row in pairs.items():
        if (kpi, dimension) in known:
            continue
        base = find_base(company, company.catalog.kpis[kpi], rules)
        cell = known.get((base, dimension))
        if cell is not None and not _cuts_rate(company.catalog.kpis[kpi], cell):
            told = f"{cell['label']} is known only after a record has entered, so it cuts no rate."
            cure = "Cut the number of records by it, or take a field that is known at entry."
            cell = {**cell, "light": "unavailable", "suggested_light": "unavailable", "reason": told, "cure": cure}
        rows.append({**(cell or _absent_cell(row)), "kpi": kpi, "dimension": dimension, "is_wanted": True})
        if dimension == ENTRY_DATE:
            rows[-1]["is_wanted"] = False
    extended = matrix.assign(is_wanted=matrix["is_wanted"] | pd.Series(is_named, index=matrix.index, dtype="bool"))
    if not rows:
        return extended
    added = pd.DataFrame(rows, columns=matrix.columns)
    added["available"] = added["light"] == "available"
    return pd.concat([extended, added.astype(matrix.dtypes.to_dict())], ignore_index=True)


def light_secondaries(named: pd.DataFrame, discovery: pd.DataFrame) -> pd.DataFrame:
    """Give each named secondary KPI its light from the matrix; the rest as ``list_secondaries`` says."""
    cells = {(row["kpi"], row["dimension"]): row for row in discovery[discovery["dimension"] != ""].to_dict("records")}
    rows: list[dict[str, Any]] = []
    for row in named.to_dict("records"):
        cell = cells.get((row["kpi"], row["dimension"]), {})
        light = cell.get("light", "none")
        told = {column: cell.get(column, "") for column in ("reason", "cure", "note", "decided_by")}
        told["reason"] = told["reason"] or "No KPI of the workbook bears that name."
        rows.append({**row, "light": light, **told, "surprise": _find_surprise(row, light)})
    return pd.DataFrame(rows, columns=SECONDARY_COLUMNS)


def count_named(company: Any, responses: Mapping[str, "Response"], rules: DiscoveryRules) -> dict[str, int]:
    """Count how many people named each partition in the survey's KPI tab."""
    counts: dict[str, int] = {}
    names = _dimension_names(company, rules)
    for response in responses.values():
        typed = {row["partition"] for row in generate_secondaries(response.values.get("primary_kpis", ()))}
        for dimension in {_find_name(name, names, rules) or _make_id(name) for name in typed}:
            counts[dimension] = counts.get(dimension, 0) + 1
    return counts


def find_kpi(company: Any, typed: str) -> str | None:
    """Return the KPI that people mean by a name; None where none bears it."""
    return _kpi_names(company).get(_fold(typed))


def find_dimension(company: Any, typed: str, rules: DiscoveryRules) -> str | None:
    """Return the partition that people mean by a name; None where none bears it."""
    return _find_name(typed, _dimension_names(company, rules), rules)


def find_base(company: Any, kpi: Kpi, rules: DiscoveryRules) -> str:
    """Return the primary KPI whose records another KPI is counted from; empty where there is none.

    A rate is counted from the records at its first stage, closed and open deals from opportunities, what customers keep
    from the customers.
    """
    primaries = {primary.kpi: primary.object for primary in rules.primaries}
    if kpi.id in primaries:
        return kpi.id
    measure = kpi.measure
    stage = getattr(measure, "from_stage", "") or getattr(measure, "stage", "")
    if measure.kind == "duration":
        stage = measure.to_stage
    volume = company.catalog.stages[stage].volume if stage in company.catalog.stages else ""
    if volume in primaries:
        return volume
    object = {"retention": "customer", "stock": getattr(measure, "object", "")}.get(measure.kind, "deal")
    object = "customer" if object == "subscription" else object
    return next((id for id, of in primaries.items() if of == object), "")


def find_object(company: Any, kpi: Kpi, rules: DiscoveryRules) -> str:
    """Return the object whose records a KPI counts."""
    base = find_base(company, kpi, rules)
    return next((primary.object for primary in rules.primaries if primary.kpi == base), "")


def _cuts_rate(kpi: Kpi, cell: Mapping[Hashable, Any]) -> bool:
    return not kpi.is_rate or cell["known"] in ("", "entry")


def _absent_cell(row: Mapping[Hashable, Any]) -> dict[str, Any]:
    texts = ("known", "inherited_from", "worst_owner", "filled_since", "note", "decided_by")
    where = f"the {row['object']}" if row["object"] else "any record"
    return {
        **dict.fromkeys(texts, ""),
        "object": row["object"],
        "question": row["question"],
        "label": row["label"],
        "light": "unavailable",
        "suggested_light": "unavailable",
        "reason": f"No field of the exports on {where} bears that name.",
        "cure": f"Add the field to {where}, or name the CRM's own field in the survey.",
    }


def _typed_pairs(primaries: Any) -> list[dict[str, str]]:
    """List the pairs that one person typed, with the question that each cut answers."""
    questions = {
        (_fold(row.get("kpi", "")), _fold(row.get(f"partition_{place}") or "")): question
        for row in primaries
        for place, question in reversed(list(enumerate(QUESTIONS, start=1)))
    }
    pairs = generate_secondaries(primaries)
    return [{**pair, "question": questions[_fold(pair["kpi"]), _fold(pair["partition"])]} for pair in pairs]


def _usual_pairs(company: Any, rules: DiscoveryRules) -> list[dict[str, str]]:
    objects = {primary.kpi: primary.object for primary in rules.primaries}
    pairs = []
    for kpi in rules.listed:
        for field in rules.wanted:
            if kpi in company.catalog.kpis and objects.get(kpi) in field.objects:
                label = company.catalog.kpis[kpi].label
                name = f"{label} by {in_sentence(field.label)}"
                pairs.append({"secondary": name, "kpi": label, "partition": field.label, "question": field.question})
    return pairs


def _find_surprise(counts: Mapping[Hashable, Any], light: str) -> str:
    if counts["n_yes"] and light == "unavailable":
        return "people say yes, the CRM no"
    if counts["n_no"] and not counts["n_yes"] and light == "available":
        return "people say no, the CRM yes"
    return ""


def _kpi_names(company: Any) -> dict[str, str]:
    return {_fold(name): kpi.id for kpi in company.catalog.kpis.values() for name in (kpi.id, kpi.label)}


def _dimension_names(company: Any, rules: DiscoveryRules) -> dict[str, str]:
    names = {_fold(name): field.id for field in rules.wanted for name in (field.id, field.label, *field.aliases)}
    for id, partition in company.partitions.items():
        names |= {_fold(name): id for name in (id, partition.label, *partition.aliases)}
    return names


def _find_name(typed: str, names: Mapping[str, str], rules: DiscoveryRules) -> str | None:
    if _fold(typed) in names:
        return names[_fold(typed)]
    return ENTRY_DATE if set(_fold(typed).split()) & set(rules.time_words) else None


def _make_id(text: str) -> str:
    return _fold(text).replace(" ", "_") or "unnamed"


def _fold(text: str) -> str:
    return re.sub(r"[^\w]+", " ", str(text).casefold().replace("_", " ")).strip()
