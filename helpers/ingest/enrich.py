"""Add to records what other tables know of them: look-ups, colleagues' names, what subscriptions tell of customers."""

from collections.abc import Mapping

import pandas as pd

from helpers.ingest.content import ColumnContent
from helpers.ingest.files import RawTable
from helpers.ingest.lookups import LookupPlan, match_keys
from helpers.ingest.plan import FieldPlan
from helpers.ingest.schema import read_schema
from helpers.ingest.settings import CompanySettings
from helpers.ingest.tables import Reader, name_column, open_reader, parse_further
from helpers.issues import IssueLog


def look_up(
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


def name_owners(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
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


def derive_customers(
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
