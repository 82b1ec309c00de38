"""The KPI discovery matrix: which KPI can be cut by what, on which object, and what the CRM says for it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pandas as pd

from helpers.analyses.counted_evidence import measure_counted_entry, measure_counted_field
from helpers.analyses.field_evidence import (
    Evidence,
    keep_with_outcome,
    measure_conflicts,
    measure_entry_date,
    measure_field,
    select_records,
)
from helpers.analyses.owner_spread import is_beyond_chance, say_spread
from helpers.analyses.too_large import find_too_large, is_too_large
from helpers.engine.availability import explain_availability
from helpers.model.dimension import Partition
from helpers.model.rules import Rules
from helpers.model.survey import DiscoveryRules, PrimaryColumn
from helpers.units import format_value

LIGHTS = ("available", "adoption_needed", "unavailable")
SCORES = {"available": 1.0, "adoption_needed": 0.5, "unavailable": 0.0}

DISCOVERY_COLUMNS = [
    "kpi", "dimension", "object", "question", "label", "known", "inherited_from", "light", "suggested_light", "reason",
    "fill_rate", "fill_rate_90d", "n_90d", "fill_rate_worst_owner", "worst_owner", "unknown_share", "n_values",
    "conflicts", "filled_since", "n", "available", "cure", "note", "decided_by", "is_wanted", "fill_rate_best_owner",
    "owner_chance",
]  # fmt: skip
"""The columns of ``discovery.csv``; its ``available`` tells whether the light is ``available``."""

ENTRY_DATE = "entry_date"
"""The dimension of the discovery matrix that is time itself."""

QUESTIONS = ("who", "what", "where", "when")


@dataclass(frozen=True)
class Cell:
    """One field under one primary KPI, before it is judged."""

    kpi: str
    object: str
    dimension: str
    label: str
    question: str
    partition: Partition | None = None
    is_wanted: bool = False


def build_discovery(company: Any, rules: DiscoveryRules, *, as_of: date) -> pd.DataFrame:
    """Judge every KPI, and every primary KPI × partition × object, on the CRM's own evidence.

    Args:
        company: The opened company; its ``answers.discovery`` holds people's judgements, which stand above suggestions.
        rules: What the matrix holds, and its thresholds.
        as_of: The last day that counts.

    Returns:
        One row per KPI as such (``dimension`` and ``object`` empty), then one row per primary KPI × partition, with
        ``DISCOVERY_COLUMNS``. ``light`` is the person's judgement where there is one, else ``suggested_light``, whose
        ``reason`` is beside it. Shares are 0–1 and missing where there is nothing to measure: ``fill_rate`` of the
        records that the KPI counts, ``fill_rate_90d`` of the ``n_90d`` that entered in the last days,
        ``fill_rate_worst_owner`` the lowest of any owner with enough records (``worst_owner``),
        ``fill_rate_best_owner`` the highest, ``owner_chance`` how likely chance alone makes owners differ as much,
        ``unknown_share`` of the filled ones, ``conflicts`` of linked contacts and deals that both carry the field.
        ``n`` counts the records. The dimension ``entry_date`` is the date
        by which the KPI's records enter their stage. A rate is cut by what its first stage's volume is cut by, if known
        at entry. With no exports every KPI is unavailable, and only wanted fields are listed.
    """
    matrix = measure_matrix(company, rules, as_of=as_of)
    return judge_matrix(matrix, getattr(company.answers, "discovery", None))


def measure_matrix(company: Any, rules: DiscoveryRules, *, as_of: date) -> pd.DataFrame:
    """Measure every cell of the matrix on the CRM alone.

    Returns:
        The rows of ``build_discovery`` before anybody has judged them: ``light`` is ``suggested_light``.
    """
    rows = [_kpi_row(row) for row in explain_availability(company, as_of=as_of).to_dict("records")]
    records: dict[str, tuple[pd.DataFrame | None, str]] = {}
    for cell in list_cells(company, rules):
        evidence = measure_cell(company, cell, rules, as_of=as_of, known=records)
        if _is_told_by_stage(cell, evidence):
            continue
        light, reason, cure = suggest_light(cell, evidence, company.catalog.rules, rules)
        rows.append(_cell_row(cell, evidence, light, reason, cure))
    rows += [_date_row(company, primary, as_of) for primary in rules.primaries if primary.kpi in company.catalog.kpis]
    frame = pd.DataFrame(rows, columns=DISCOVERY_COLUMNS)
    shares = ["fill_rate", "fill_rate_90d", "fill_rate_worst_owner", "unknown_share", "conflicts"]
    shares += ["fill_rate_best_owner", "owner_chance"]
    frame = frame.astype({column: "float64" for column in shares})
    frame = frame.assign(light=frame["suggested_light"], note="", decided_by="").fillna({"worst_owner": ""})
    frame["available"] = frame["light"] == "available"
    return frame.astype({column: "Int64" for column in ("n", "n_90d", "n_values")} | {"is_wanted": "bool"})


def judge_matrix(matrix: pd.DataFrame, decided: Any) -> pd.DataFrame:
    """Put people's judgements over the suggested lights.

    Args:
        matrix: What ``measure_matrix`` returns; not changed.
        decided: ``DiscoveryAnswers``, or None where nobody has decided anything.

    Returns:
        The same rows with ``light``, ``available``, ``note`` and ``decided_by`` as people say.
    """
    if decided is None or not decided.judgements:
        return matrix
    cells = zip(matrix["kpi"], matrix["dimension"], matrix["object"], strict=True)
    found = [decided.find(kpi=kpi, dimension=dimension, object=object) for kpi, dimension, object in cells]
    suggested = matrix["suggested_light"]
    light = [judgement.light if judgement else own for judgement, own in zip(found, suggested, strict=True)]
    texts = {"note": [j.note if j else "" for j in found], "decided_by": [j.by if j else "" for j in found]}
    said = pd.DataFrame({"light": light, **texts}, index=matrix.index, dtype="str")
    return matrix.assign(**said, available=said["light"] == "available")


def list_cells(company: Any, rules: DiscoveryRules) -> list[Cell]:
    """List the matrix's cells: under each primary KPI the fields its object carries, and those it should carry."""
    cells = []
    for primary in rules.primaries:
        seen: set[str] = set()
        if primary.kpi not in company.catalog.kpis:
            continue
        wanted = {field.id: field for field in rules.wanted if primary.object in field.objects}
        for id, partition in company.partitions.items():
            if primary.object in partition.objects:
                seen.add(id)
                cells.append(
                    Cell(primary.kpi, primary.object, id, partition.label, partition.question, partition, id in wanted)
                )
        for id, field in wanted.items():
            if id not in seen:
                cells.append(Cell(primary.kpi, primary.object, id, field.label, field.question, None, True))
    return cells


def _is_told_by_stage(cell: Cell, evidence: Evidence) -> bool:
    """Tell whether a field says nothing of these records, as their stage already says it: a won deal's lost reason."""
    if cell.partition is None or cell.partition.known == "entry":
        return False
    return evidence.n > 0 and evidence.n_values < min(2, cell.partition.n_values)


def measure_cell(
    company: Any,
    cell: Cell,
    rules: DiscoveryRules,
    *,
    as_of: date,
    known: dict[str, tuple[pd.DataFrame | None, str]] | None = None,
) -> Evidence:
    """Gather the CRM's evidence on one cell; nothing where the object doesn't carry the field.

    Args:
        company: The opened company.
        cell: The cell.
        rules: The matrix's thresholds.
        as_of: The last day that counts.
        known: KPI → its records and their date, kept from one cell to the next.
    """
    if cell.partition is None:
        return Evidence()
    known = {} if known is None else known
    stage = company.catalog.stages.get(getattr(company.catalog.kpi(cell.kpi).measure, "stage", ""))
    thresholds = {
        "as_of": as_of,
        "recent_days": rules.recent_days,
        "minimum_n": company.catalog.rules.minimum_n,
        "unknown": cell.partition.unknown,
    }
    if stage is not None and is_too_large(company, stage.object):
        is_outcome, column = cell.partition.known == "outcome", cell.partition.objects[cell.object]
        return measure_counted_field(company, stage, column, is_outcome=is_outcome, **thresholds)
    if cell.kpi not in known:
        known[cell.kpi] = select_records(company, stage, as_of=as_of) if stage else (None, "")
    records, dates = known[cell.kpi]
    column = cell.partition.objects[cell.object]
    if records is None or column not in records:
        return Evidence()
    if cell.partition.known == "outcome":
        records = keep_with_outcome(records, column)
    evidence = measure_field(records, column, dates=dates, **thresholds)
    if find_too_large(company):
        return evidence
    return replace(evidence, conflicts=measure_conflicts(company, cell.partition))


def suggest_light(cell: Cell, evidence: Evidence, thresholds: Rules, rules: DiscoveryRules) -> tuple[str, str, str]:
    """Suggest a light from the evidence.

    Returns:
        The light, the reason in a sentence, and what to do (empty for a green one).
    """
    where = f"the {cell.object}"
    if cell.partition is None:
        return "unavailable", f"There is no such field on {where}.", f"Add the field to {where}, or copy it there."
    if not evidence.n:
        return "unavailable", "There are no records to fill it.", "Bring an export that holds them."
    fill, recent = evidence.fill_rate or 0.0, evidence.fill_rate_recent
    lately = fill if recent is None else recent
    say = f"Filled for {format_value(fill, 'share')}"
    if max(fill, lately) < thresholds.light_adoption:
        return "unavailable", f"{say} only.", "Make it required, or fill it by machine when the record is created."
    doubts = _find_doubts(cell, evidence, thresholds, rules)
    if doubts:
        return "adoption_needed", doubts[0][0], doubts[0][1]
    return "available", f"{say}, with {evidence.n_values} values.", ""


def _find_doubts(cell: Cell, evidence: Evidence, thresholds: Rules, rules: DiscoveryRules) -> list[tuple[str, str]]:
    fill, recent = evidence.fill_rate or 0.0, evidence.fill_rate_recent
    worst, best = evidence.fill_rate_worst_owner, evidence.fill_rate_best_owner
    doubts = []
    if recent is not None and recent < thresholds.light_available <= fill:
        now = f"{format_value(recent, 'share')} in the last {rules.recent_days} days"
        said = f"Filled for {format_value(fill, 'share')}, but {now}."
        doubts.append((said, "Find out what changed, and mend it before it is relied on."))
    if fill < thresholds.light_available:
        doubts.append(
            (f"Filled for {format_value(fill, 'share')} only.", "Make it required where the record moves on.")
        )
    if evidence.unknown_share is not None and evidence.unknown_share > thresholds.unknown_share:
        said = f"{format_value(evidence.unknown_share, 'share')} of the values say nothing (other, unknown)."
        doubts.append((said, "Split what hides behind 'other' into values of its own."))
    if evidence.conflicts is not None and evidence.conflicts > rules.conflict_share:
        said = f"Contact and deal contradict each other in {format_value(evidence.conflicts, 'share')} of the cases."
        doubts.append((said, "Decide which of the two holds, and copy it to the other."))
    if worst is not None and best is not None and worst < rules.owner_fill and is_beyond_chance(evidence.owner_chance):
        said = f"Filled unevenly by owner: {say_spread(worst, best, evidence.owner_chance)}."
        cure = "Find out what differs in how the records come in (import, page layout, required fields)."
        doubts.append((said, cure))
    if evidence.n_values < rules.minimum_values:
        doubts.append(("It has one value only, so it cuts nothing.", "Use it for what it was meant, or drop it."))
    source = cell.partition.inherited_from.get(cell.object) if cell.partition else None
    if source:
        said = f"Not on the {cell.object} itself: taken from its {source}."
        doubts.append((said, f"Copy it from {source} to {cell.object}, so that the CRM's own reports can use it."))
    return doubts


def _kpi_row(row: Mapping[str, Any]) -> dict[str, Any]:
    told = bool(row["is_available"])
    reason = str(row["reason"] or "")
    suggested = "unavailable" if not told else "adoption_needed" if reason else "available"
    return {
        **dict.fromkeys(("dimension", "object", "question", "known", "inherited_from", "filled_since"), ""),
        "kpi": row["kpi"],
        "label": row["label"],
        "suggested_light": suggested,
        "reason": reason or "The exports can tell it.",
        "cure": str(row["cure"] or ""),
        "is_wanted": False,
    }


def _cell_row(cell: Cell, evidence: Evidence, light: str, reason: str, cure: str) -> dict[str, Any]:
    partition = cell.partition
    return {
        "kpi": cell.kpi,
        "dimension": cell.dimension,
        "object": cell.object,
        "question": cell.question,
        "label": cell.label,
        "known": partition.known if partition else "",
        "inherited_from": partition.inherited_from.get(cell.object, "") if partition else "",
        "suggested_light": light,
        "reason": reason,
        "fill_rate": evidence.fill_rate,
        "fill_rate_90d": evidence.fill_rate_recent,
        "n_90d": evidence.n_recent if partition else None,
        "fill_rate_worst_owner": evidence.fill_rate_worst_owner,
        "worst_owner": evidence.worst_owner,
        "fill_rate_best_owner": evidence.fill_rate_best_owner,
        "owner_chance": evidence.owner_chance,
        "unknown_share": evidence.unknown_share,
        "n_values": evidence.n_values if partition else None,
        "conflicts": evidence.conflicts,
        "filled_since": evidence.filled_since,
        "n": evidence.n if partition else None,
        "cure": cure,
        "is_wanted": cell.is_wanted,
    }


def _date_row(company: Any, primary: PrimaryColumn, as_of: date) -> dict[str, Any]:
    """Judge whether a primary KPI's records carry the date by which they enter their stage."""
    cell = Cell(primary.kpi, primary.object, ENTRY_DATE, "Date of entry", "when")
    stage, stages = company.catalog.kpi(primary.kpi).measure.stage, list(company.catalog.stages.values())
    place = next((i for i, one in enumerate(stages) if one.id == stage), None)
    if place is not None and is_too_large(company, stages[place].object):
        evidence = measure_counted_entry(company, stages[place:], as_of=as_of)
    else:
        evidence = measure_entry_date(company, stage, as_of=as_of)
    rules = company.catalog.rules
    fill = evidence.fill_rate
    if fill is None:
        told = ("unavailable", "The exports hold no date for it.", f"Map the {primary.object}'s date of that stage.")
    elif fill < rules.light_available:
        said = f"{format_value(1 - fill, 'share')} of the records that went further have no date here."
        told = ("adoption_needed", said, "Stamp the date when a record enters the stage, also when it skips ahead.")
    else:
        told = ("available", f"Dated for {format_value(fill, 'share')} of the records that got here.", "")
    return {**_cell_row(cell, evidence, *told), "n": evidence.n, "n_values": None}
