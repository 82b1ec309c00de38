"""Say in words what was made of exports, and how healthy a company's data is."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.ingest.assembly import DayTables
from helpers.ingest.files import RawTable
from helpers.ingest.issue_table import describe_issues
from helpers.ingest.plan import Plan, SourcePlan
from helpers.ingest.schema import read_schema
from helpers.ingest.tables import name_column
from helpers.ingest.values import snake_case
from helpers.ingest.vendors import find_stage_dates

HOW = {"vendor": "by its header", "name": "by its name", "content": "by its values", "option": "as you said"}
WANTED: Mapping[str, Mapping[str, str]] = {
    "deal": {
        "id": "deals can't be told apart",
        "created_at": "opportunities, cycle times and cohort rates are unavailable",
        "closed_at": "won deals, revenue and win rates are unavailable",
        "stage": "nothing tells won from lost and open",
        "amount": "revenue and deal size are unavailable",
    },
    "contact": {"id": "contacts can't be told apart"},
    "subscription": {
        "customer_id": "recurring rates are unavailable",
        "mrr": "MRR and revenue retention are unavailable",
    },
    "customer": {"live_at": "onboarded customers are unavailable"},
}
"""Fields whose lack takes KPIs away, and which."""


def describe_plan(
    folder: Path, day: date, plan: Plan, raws: Mapping[str, RawTable], found: DayTables, issues: pd.DataFrame
) -> str:
    """Say per file what was mapped and how, what could not be, and what to do.

    Args:
        folder: The company's folder.
        day: The date of the export.
        plan: What every file and column is.
        raws: The files.
        found: The tables that came of it.
        issues: What was found wrong.
    """
    lines = [f"{folder}: exports of {day.isoformat()}", ""]
    for file, raw in raws.items():
        lines += [*_describe_file(file, raw, plan, found), ""]
    if found.stages:
        lines += ["Deal stages", *_describe_stages(found), ""]
    todo = _list_missing(plan)
    counts = issues["severity"].value_counts()
    if len(issues):
        told = ", ".join(f"{count:,} {severity}{'' if count == 1 else 's'}" for severity, count in counts.items())
        verb = "was" if len(issues) == 1 else "were"
        todo.append(f"{told} {verb} found in the files; see them all with: python -m helpers check {folder}")
    lines += ["What to do", *(f"  - {text}" for text in todo)] if todo else ["Nothing is missing."]
    lines.append(
        f"  - correct anything above in {folder}/company.toml" if todo else f"Change it in {folder}/company.toml."
    )
    return "\n".join(lines)


def _describe_file(file: str, raw: RawTable, plan: Plan, found: DayTables) -> list[str]:
    sources = [source for source in plan.sources if file == source.file or plan.twins.get(file) == source.file]
    head = f"{file} ({raw.rows_read:,} rows)"
    if file in plan.unused:
        return [f"{head}: not used"]
    lines: list[str] = []
    for source in sources:
        vendor = f", {source.vendor}" if source.vendor else ""
        lines += [f"{head}: {read_schema()[source.object].label.lower()}{vendor}", *_describe_fields(source, file)]
    for source in plan.sources:
        if file in source.joins:
            join = source.joins[file]
            lines.append(
                f"{head}: more about {read_schema()[source.object].label.lower()}, joined by {join.key_column}"
            )
            lines += _describe_fields(source, file)
    for lookup in plan.lookups:
        if lookup.file == file:
            others = [snake_case(column) for column in raw.columns if column != lookup.column]
            how = "as you said" if lookup.how == "option" else "since its values are the same"
            lines.append(f"{head}: look-up, {lookup.column} = {lookup.object}.{lookup.field} ({how})")
            lines.append(f"  new partitions of the {lookup.object}: {', '.join(others) or 'none'}")
    if sources:
        lines += _describe_rest(raw, sources, plan, file)
    return lines or [f"{head}: kept, not used"]


def _describe_fields(source: SourcePlan, file: str) -> list[str]:
    own = [plan for plan in source.fields.values() if plan.file == source.file or plan.file == file]
    own = [plan for plan in own if (plan.file == file) or file != source.file]
    width = max((len(plan.column) for plan in own if plan.file == file), default=0)
    return [
        f"  {plan.column:<{width}}  →  {source.object}.{plan.field}  ({HOW.get(plan.how, plan.how)})"
        for plan in own
        if plan.file == file or file not in source.joins
    ]


def _describe_rest(raw: RawTable, sources: list[SourcePlan], plan: Plan, file: str) -> list[str]:
    mapped = {field.column for source in sources for field in source.fields.values()}
    dates = [column.column for column in find_stage_dates(raw.columns)]
    rest = [column for column in raw.columns if column not in mapped and column not in dates]
    lines = []
    if dates:
        lines.append(f"  {len(dates)} columns of stage dates  →  deal_history")
    if rest:
        shown = ", ".join(name_column(column, set()) for column in rest[:20])
        more = f" and {len(rest) - 20} more" if len(rest) > 20 else ""
        lines.append(f"  kept under their own names: {shown}{more}")
    return lines


def _describe_stages(found: DayTables) -> list[str]:
    deals = found.tables.get("deal", pd.DataFrame())
    counts = deals["stage"].value_counts() if "stage" in deals else {}
    width = max(len(stage.label) for stage in found.stages)
    lines = []
    for stage in found.stages:
        chance = "" if stage.probability is None else f", {stage.probability:.0%}"
        number = int(counts.get(stage.label, 0))
        told = "1 deal" if number == 1 else f"{number:,} deals"
        lines.append(f"  {stage.label:<{width}}  →  {stage.stage}{chance}  ({told})")
    return lines


def _list_missing(plan: Plan) -> list[str]:
    lines = []
    for object_id, wanted in WANTED.items():
        sources = plan.of(object_id)
        for field, lost in wanted.items() if sources else ():
            is_told = field == "stage" and {"outcome", "is_won"} & set(sources[0].fields)
            if field not in sources[0].fields and not is_told:
                lines.append(
                    f"no column was found for {object_id}.{field}: {lost}. "
                    f"If there is one: --map {object_id}.{field}=COLUMN"
                )
    lines += [f"{file} is not used; {reason}" for file, reason in plan.unused.items()]
    return lines


def describe_health(company: Any, counts: Mapping[str, int], is_usable: bool) -> str:
    """Say how healthy a company's data is: records, files, then the issues as a table.

    Args:
        company: The company, opened.
        counts: Issues by severity.
        is_usable: Whether anything can be computed.
    """
    lines = [f"{company.name}: {'usable' if is_usable else 'not usable'}"]
    if not is_usable:
        lines.append(_say_why_unusable(company))
    lines += [f"  {read_schema()[name].label}: {_count(company.tables, name):,}" for name in company.tables]
    if len(company.inputs):
        shown = company.inputs.drop(columns="sha256")
        lines += ["", "Files", shown.to_string(index=False)]
    if len(company.reconciliation):
        lines += ["", "Amounts read and used", company.reconciliation.to_string(index=False)]
    told = ", ".join(f"{count:,} {severity}{'' if count == 1 else 's'}" for severity, count in counts.items())
    lines += ["", f"Issues: {told}"]
    if len(company.issues):
        lines += describe_issues(company.issues)
    return "\n".join(lines)


def _count(tables: Any, name: str) -> int:
    """Count a table's rows; one that lies in a warehouse isn't fetched for it."""
    return tables.count(name) if hasattr(tables, "count") else len(tables[name])


def _say_why_unusable(company: Any) -> str:
    if any(_count(company.tables, name) for name in company.tables):
        return (
            "No record has a date that can be read, so nothing can be computed. See the issues below, or name the "
            'column in company.toml: [objects.deal.fields] created_at = "COLUMN"'
        )
    return "No file holds a record that can be used. Add exports with: python -m helpers add FOLDER FILE…"
