"""From a company's exports to all that is known about them: tables, partitions, issues, and where each came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pandas as pd

from helpers.ingest.assembly import DayTables, assemble_day
from helpers.ingest.checks import check_tables
from helpers.ingest.content import ColumnContent
from helpers.ingest.files import RawTable
from helpers.ingest.lookups import LookupPlan, match_keys
from helpers.ingest.mapping import FieldPlan, Plan, build_plan
from helpers.ingest.partitions import (
    add_bands,
    choose_primary_contacts,
    describe_partitions,
    find_partitions,
    inherit,
    roll_up,
)
from helpers.ingest.records import first_of_several, resolve_links, split_links
from helpers.ingest.schema import read_schema
from helpers.ingest.settings import CompanySettings
from helpers.ingest.snapshots import ExportDay, list_days, merge_days, merge_histories, read_days
from helpers.ingest.tables import Reader, name_column, open_reader, parse_further
from helpers.issues import IssueLog
from helpers.model.catalog import Catalog
from helpers.model.dimension import Partition

INPUT_COLUMNS = ["file", "exported_on", "object", "rows_read", "rows_used", "rows_quarantined", "sha256"]
MAPPING_COLUMNS = ["object", "field", "file", "column", "how", "fill_rate", "known", "known_because"]

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
        tables = _look_up(tables, lookup, raw, contents, name, settings, log, columns, looked_up)
    tables = _name_owners(tables)
    tables = _derive_customers(tables, columns)
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
        inputs=_describe_inputs(assembled, tables, used_lookups),
        mapping=_describe_mapping(tables, partitions, columns, rolled),
        reconciliation=_describe_reconciliation(assembled),
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


def _look_up(
    tables: dict[str, pd.DataFrame],
    lookup: LookupPlan,
    raw: RawTable,
    contents: Mapping[str, ColumnContent],
    name: str,
    settings: CompanySettings,
    log: IssueLog,
    columns: dict[tuple[str, str], FieldPlan],
    looked_up: set[tuple[str, str]],
) -> dict[str, pd.DataFrame]:
    """Lay the other columns of a look-up table beside the object that it matches."""
    table = tables.get(lookup.object)
    if table is None or lookup.field not in table:
        return tables
    dates = [column for column, content in contents.items() if content.kind == "date"]
    reader = open_reader(raw, dates, settings, log, name=name)
    keys = reader.parse(lookup.column, "text")
    _log_double_keys(keys, reader, lookup)
    first = keys[~keys.duplicated()]
    plan = columns.get((lookup.object, lookup.field))
    position = match_keys(
        table[lookup.field],
        first,
        log=log,
        file=str(table["source_file"].iloc[0]) if len(table) else name,
        column=plan.column if plan else lookup.field,
        key_file=name,
        rows=table["source_row"],
    )
    at = first.index.to_series(index=range(len(first))).reindex(position).set_axis(table.index)
    taken = set(table.columns) | {
        field for field, kind in read_schema()[lookup.object].fields.items() if kind not in {"text", "person"}
    }
    added = {}
    for column in raw.columns:
        if column == lookup.column:
            continue
        new = name_column(column, taken)
        taken.add(new)
        added[new] = parse_further(reader, column, contents[column]).reindex(at).set_axis(table.index)
        columns[(lookup.object, new)] = FieldPlan(new, lookup.file, column, "lookup")
        looked_up.add((lookup.object, new))
    return {**tables, lookup.object: table.assign(**added)}


def _name_owners(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Write colleagues' names where an export carries only their ids and the list of people says whose they are."""
    people = tables.get("person")
    if people is None or "name" not in people or people["name"].duplicated().any():
        return tables
    known = people[people["name"].notna() & people["name"].ne(people["id"]).fillna(False)]
    names = dict(zip(known["id"], known["name"], strict=True))
    named = dict(tables)
    for object_id, table in tables.items():
        for column in ("owner", "manager"):
            if column in table and names and table[column].dropna().isin(set(people["id"])).all():
                named[object_id] = named[object_id].assign(
                    **{column: table[column].map(names).astype("str").fillna(table[column])}
                )
    return named


def _log_double_keys(keys: pd.Series, reader: Reader, lookup: LookupPlan) -> None:
    again = keys[keys.notna() & keys.duplicated()]
    reader.log.add_rows(
        file=reader.name,
        rows=again.index.tolist(),
        column=lookup.column,
        values=again.tolist(),
        code="lookup_key_twice",
        severity="warning",
        message="The look-up table has this key in an earlier row; that one counts",
        cure="Keep one row per key",
    )


def _derive_customers(
    tables: dict[str, pd.DataFrame], columns: dict[tuple[str, str], FieldPlan]
) -> dict[str, pd.DataFrame]:
    """Tell from subscriptions when customers went live and left, where no file says so."""
    subscriptions = tables.get("subscription")
    if subscriptions is None or not {"customer_id", "start_at"} <= set(subscriptions.columns):
        return tables
    by_customer = subscriptions.dropna(subset=["customer_id"]).groupby("customer_id", sort=True)
    live = by_customer["start_at"].min()
    ended = None
    if "end_at" in subscriptions:
        is_over = by_customer["end_at"].agg(lambda ends: ends.notna().all()).astype("bool")
        ended = by_customer["end_at"].max().where(is_over)
    if "customer" in tables:
        customers = tables["customer"]
        if "ended_at" in customers or ended is None or not ended.notna().any():
            return tables
        columns[("customer", "ended_at")] = FieldPlan(
            "ended_at", columns[("subscription", "end_at")].file, "", "derived"
        )
        return {**tables, "customer": customers.assign(ended_at=customers["id"].map(ended).astype("datetime64[us]"))}
    first = subscriptions.sort_values("start_at", kind="stable").drop_duplicates("customer_id").set_index("customer_id")
    made = pd.DataFrame({"id": live.index.astype("str"), "live_at": live.to_numpy()})
    if ended is not None and ended.notna().any():
        made["ended_at"] = ended.to_numpy()
    companies = tables.get("company")
    if companies is not None and made["id"].isin(set(companies["id"])).any():
        made["company_id"] = made["id"]
    for name in ("source_file", "source_row"):
        made[name] = first[name].reindex(made["id"]).array
    for name in ("id", "live_at", "ended_at"):
        if name in made:
            origin = {"id": "customer_id", "live_at": "start_at", "ended_at": "end_at"}[name]
            plan = columns[("subscription", origin)]
            columns[("customer", name)] = FieldPlan(name, plan.file, plan.column, "derived")
    return {**tables, "customer": made}


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


def _describe_inputs(
    assembled: Sequence[tuple[ExportDay, Plan, DayTables]],
    tables: Mapping[str, pd.DataFrame],
    used_lookups: Mapping[str, str],
) -> pd.DataFrame:
    used: dict[str, int] = {}
    for object_id, table in tables.items():
        if object_id in {"deal_contact", "customer"} and len(used) and set(table["source_file"]) & set(used):
            continue
        for file, rows in table.groupby("source_file")["source_row"].nunique().items():
            used[str(file)] = max(used.get(str(file), 0), int(rows))
    records = []
    for day, plan, found in assembled:
        for file, raw in day.raws.items():
            name = day.names.get(file, file)
            main = plan.twins.get(file, file)
            objects = [source.object for source in plan.sources if main in {source.file, *source.joins}]
            is_beside = file in used_lookups or any(main in source.joins for source in plan.sources)
            aside = raw.rows_quarantined + found.quarantined.get(name, 0)
            records.append(
                {
                    "file": name,
                    "exported_on": day.day,
                    "object": ", ".join(dict.fromkeys(objects)) or used_lookups.get(file, ""),
                    "rows_read": raw.rows_read,
                    "rows_used": used.get(name, len(raw.frame) if is_beside else 0),
                    "rows_quarantined": aside,
                    "sha256": raw.sha256,
                }
            )
    return pd.DataFrame(records, columns=INPUT_COLUMNS)


def _describe_mapping(
    tables: Mapping[str, pd.DataFrame],
    partitions: Mapping[str, Partition],
    columns: Mapping[tuple[str, str], FieldPlan],
    rolled: set[tuple[str, str]],
) -> pd.DataFrame:
    records = []
    for object_id, table in tables.items():
        for column in table.columns:
            plan = columns.get((object_id, column))
            partition = partitions.get(column)
            is_one = partition is not None and object_id in partition.objects
            if plan is None and not is_one:
                continue
            inherited = partition.inherited_from.get(object_id) if partition is not None and is_one else None
            how = "rolled up" if (object_id, column) in rolled else f"inherited from {inherited}" if inherited else ""
            records.append(
                {
                    "object": object_id,
                    "field": column,
                    "file": plan.file if plan and not inherited else "",
                    "column": plan.column if plan and not inherited else "",
                    "how": how or (plan.how if plan else "derived"),
                    "fill_rate": float(table[column].notna().mean()) if len(table) else 0.0,
                    "known": partition.known if partition is not None and is_one else "",
                    "known_because": partition.known_because if partition is not None and is_one else "",
                }
            )
    return pd.DataFrame(records, columns=MAPPING_COLUMNS)


def _describe_reconciliation(assembled: Sequence[tuple[ExportDay, Plan, DayTables]]) -> pd.DataFrame:
    parts = [
        found.reconciliation.assign(exported_on=day.day) for day, _, found in assembled if len(found.reconciliation)
    ]
    columns = ["file", "exported_on", "outcome", "rows_read", "rows_used", "amount_read", "amount_used"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)
