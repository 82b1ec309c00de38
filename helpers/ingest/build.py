"""From a company's exports to all that is known about them: tables, partitions, issues, and where each came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pandas as pd

from helpers.ingest.assembly import DayTables, assemble_day
from helpers.ingest.checks import check_tables
from helpers.ingest.content import ColumnContent
from helpers.ingest.enrich import derive_customers, look_up, name_owners
from helpers.ingest.files import RawTable
from helpers.ingest.lookups import LookupPlan
from helpers.ingest.mapping import build_plan
from helpers.ingest.origins import (
    INPUT_COLUMNS,
    MAPPING_COLUMNS,
    describe_inputs,
    describe_mapping,
    describe_reconciliation,
)
from helpers.ingest.partition_description import describe_partitions
from helpers.ingest.partitions import (
    add_bands,
    choose_primary_contacts,
    find_partitions,
    inherit,
    roll_up,
)
from helpers.ingest.plan import FieldPlan, Plan
from helpers.ingest.records import first_of_several, resolve_links, split_links
from helpers.ingest.settings import CompanySettings
from helpers.ingest.snapshots import ExportDay, list_days, merge_days, merge_histories, read_days
from helpers.issues import IssueLog
from helpers.model.catalog import Catalog
from helpers.model.dimension import Partition

EVENTS: Mapping[str, Sequence[str]] = {
    "session": ("date",),
    "contact": ("created_at", "mql_at", "sql_at", "opportunity_at", "won_at", "assigned_at", "first_touch_at"),
    "deal": ("created_at", "closed_at"),
    "deal_history": ("changed_at",),
    "customer": ("live_at", "ended_at"),
    "subscription": ("start_at",),
    "activity": ("at",),
}
"""Dates that are events: what happened. Expected closes, renewals and ends of contracts are none."""

OUTLIER = timedelta(days=400)
"""A date that lies further than this after nearly all others is a slip of the pen."""


@dataclass(frozen=True)
class Built:
    """Everything that ingest hands to the company."""

    tables: dict[str, pd.DataFrame]
    partitions: dict[str, Partition]
    issues: pd.DataFrame
    inputs: pd.DataFrame
    mapping: pd.DataFrame
    reconciliation: pd.DataFrame
    latest_event: date | None
    snapshots: tuple[date, ...]


def build_tables(folder: Path, settings: CompanySettings, catalog: Catalog) -> Built:
    """Build a company's canonical tables from its exports.

    Args:
        folder: The company's folder.
        settings: Its ``company.toml``.
        catalog: The definitions.

    Returns:
        Tables, partitions, issues and their origin; without exports all of them are empty.

    Raises:
        DataError: A file or column that ``company.toml`` names is missing or can't be read.
    """
    days = read_days(folder, settings)
    return build_from_days(days, settings, catalog, snapshots=tuple(list_days(folder)))


def build_from_days(
    days: Sequence[ExportDay], settings: CompanySettings, catalog: Catalog, *, snapshots: tuple[date, ...] = ()
) -> Built:
    """Build canonical tables from sets of exports that have been read."""
    log = IssueLog()
    everywhere = {file for day in days for file in day.raws}
    assembled: list[tuple[ExportDay, Plan, DayTables]] = []
    for number, day in enumerate(days):
        is_newest = number == len(days) - 1
        plan = build_plan(
            day.raws,
            settings,
            may_recognise=not settings.objects,
            elsewhere=everywhere - set(day.raws),
            is_strict=is_newest,
            twins=day.twins,
        )
        found = IssueLog()
        tables = assemble_day(day.raws, plan, settings, catalog, found, names=day.names)
        assembled.append((day, plan, tables))
        log.extend(day.log.to_frame() if is_newest else _errors_only(day.log))
        log.extend(found.to_frame() if is_newest else _errors_only(found))
    if not assembled:
        return _build_nothing(snapshots)
    return _finish(assembled, settings, catalog, log, snapshots)


def _errors_only(log: IssueLog) -> pd.DataFrame:
    """Of earlier exports only what was put aside is told; what is merely suspicious is told of the newest version."""
    frame = log.to_frame()
    return frame[frame["severity"].eq("error")]


def _build_nothing(snapshots: tuple[date, ...]) -> Built:
    return Built(
        {},
        {},
        IssueLog().to_frame(),
        pd.DataFrame(columns=INPUT_COLUMNS),
        pd.DataFrame(columns=MAPPING_COLUMNS),
        pd.DataFrame(
            columns=["file", "exported_on", "outcome", "rows_read", "rows_used", "amount_read", "amount_used"]
        ),
        None,
        snapshots,
    )


def _finish(
    assembled: Sequence[tuple[ExportDay, Plan, DayTables]],
    settings: CompanySettings,
    catalog: Catalog,
    log: IssueLog,
    snapshots: tuple[date, ...],
) -> Built:
    tables, changes = merge_days([(day.day, found.tables) for day, _, found in assembled], log)
    histories = [found.tables["deal_history"] for _, _, found in assembled if "deal_history" in found.tables]
    history = merge_histories(histories, changes)
    if history is not None and len(history):
        tables["deal_history"] = history
    merged: dict[str, dict[str, str]] = {}
    columns: dict[tuple[str, str], FieldPlan] = {}
    aliases, joined = {}, set()
    for _, _, found in assembled:
        for object_id, ids in found.merged.items():
            merged.setdefault(object_id, {}).update(ids)
        columns.update(found.reading.columns)
        aliases.update(found.reading.aliases)
        joined |= found.reading.joined
    tables = _link(tables, merged, log)
    looked_up: set[tuple[str, str]] = set()
    used_lookups: dict[str, str] = {}
    for lookup, raw, contents, name in _newest_lookups(assembled):
        used_lookups[lookup.file] = f"look-up for {lookup.object}.{lookup.field}"
        tables = look_up(tables, lookup, raw, contents, name, settings, log, columns, looked_up)
    tables = name_owners(tables)
    tables = derive_customers(tables, columns)
    tables, carried, rolled = _spread(tables, settings, catalog, log, looked_up)
    partitions = describe_partitions(
        tables, carried, catalog, settings, aliases=aliases, joined=joined, looked_up=looked_up
    )
    written = {key: plan.column for key, plan in columns.items()}
    newest = assembled[-1][0].day if snapshots else None
    check_tables(tables, log, known_on=newest, columns=written)
    return Built(
        tables=tables,
        partitions=partitions,
        issues=log.to_frame(),
        inputs=describe_inputs(assembled, tables, used_lookups),
        mapping=describe_mapping(tables, partitions, columns, rolled),
        reconciliation=describe_reconciliation(assembled),
        latest_event=find_latest_event(tables, known_on=newest),
        snapshots=snapshots,
    )


def _link(
    tables: dict[str, pd.DataFrame], merged: Mapping[str, Mapping[str, str]], log: IssueLog
) -> dict[str, pd.DataFrame]:
    tables = dict(tables)
    if "deal" in tables:
        links = split_links(tables["deal"], tables.get("contact"), tables.get("deal_contact"))
        if links is not None:
            tables["deal_contact"] = links
        else:
            tables.pop("deal_contact", None)
        if "contact_id" in tables["deal"]:
            tables["deal"] = tables["deal"].assign(contact_id=first_of_several(tables["deal"]["contact_id"]))
    tables = resolve_links(tables, merged, log)
    if "deal_contact" in tables:
        tables["deal_contact"] = tables["deal_contact"].drop_duplicates(["deal_id", "contact_id"], ignore_index=True)
    primary = choose_primary_contacts(tables)
    if primary is not None:
        deals = tables["deal"]
        own = deals["contact_id"] if "contact_id" in deals else pd.Series(pd.NA, index=deals.index, dtype="str")
        tables["deal"] = deals.assign(contact_id=primary.fillna(own))
    return tables


def _newest_lookups(
    assembled: Sequence[tuple[ExportDay, Plan, DayTables]],
) -> list[tuple[LookupPlan, RawTable, Mapping[str, ColumnContent], str]]:
    found: dict[tuple[str, str, str], tuple[LookupPlan, RawTable, Mapping[str, ColumnContent], str]] = {}
    for day, plan, _ in assembled:
        for lookup in plan.lookups:
            if lookup.file in day.raws:
                key = (lookup.file, lookup.object, lookup.field)
                name = day.names.get(lookup.file, lookup.file)
                found[key] = (lookup, day.raws[lookup.file], plan.contents[lookup.file], name)
    return list(found.values())


def _spread(
    tables: dict[str, pd.DataFrame],
    settings: CompanySettings,
    catalog: Catalog,
    log: IssueLog,
    looked_up: set[tuple[str, str]],
) -> tuple[dict[str, pd.DataFrame], object, set[tuple[str, str]]]:
    """Find partitions, pass them on, then roll up: a deal that inherits a country has a region too."""
    tables, banded = add_bands(tables, catalog)
    tables, rolled = roll_up(tables, settings, log)
    carried = find_partitions(tables, catalog, looked_up=looked_up)
    for id, objects in banded.own.items():
        carried.own[id] = dict(objects)
    tables, carried = inherit(tables, carried, catalog)
    return tables, carried, rolled


def find_latest_event(tables: Mapping[str, pd.DataFrame], *, known_on: date | None) -> date | None:
    """Return the day of the last event.

    Args:
        tables: Object → canonical table.
        known_on: The day of the newest export; later dates are no events. None: the latest plausible date counts,
            where a date far beyond nearly all others is a slip of the pen.
    """
    parts = []
    for object_id, names in EVENTS.items():
        table = tables.get(object_id)
        for name in names:
            if table is None or name not in table:
                continue
            values = table[name]
            if (object_id, name) == ("deal", "closed_at"):
                values = values[table["outcome"].isin(["won", "lost"])]
            parts.append(values.dropna())
    parts = [part for part in parts if len(part)]
    if not parts:
        cost = tables.get("cost")
        parts = [cost["date"].dropna()] if cost is not None and "date" in cost else []
    events = pd.concat(parts, ignore_index=True) if parts else pd.Series(dtype="datetime64[us]")
    if known_on is not None:
        events = events[events < pd.Timestamp(known_on) + timedelta(days=1)]
    elif len(events) > 20:
        events = events[events <= events.quantile(0.99, interpolation="lower") + OUTLIER]
    return events.max().date() if len(events) else None
