"""From a warehouse to all that is known about a company: a SELECT per canonical table, partitions, issues, origins."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from helpers.errors import DataError
from helpers.ingest.build import Built
from helpers.ingest.mapping import build_plan
from helpers.ingest.origins import INPUT_COLUMNS, MAPPING_COLUMNS
from helpers.ingest.partitions import Carried
from helpers.ingest.plan import Plan
from helpers.ingest.schema import read_schema
from helpers.ingest.settings import CompanySettings
from helpers.ingest.tables import Reading
from helpers.ingest.warehouse_checks import check_tables, count_days, find_latest_event
from helpers.ingest.warehouse_columns import quote
from helpers.ingest.warehouse_enrichment import derive_customers, name_owners
from helpers.ingest.warehouse_funnel import build_history, tell_deal_outcomes
from helpers.ingest.warehouse_origins import Connection, open_origins
from helpers.ingest.warehouse_query import TableQuery
from helpers.ingest.warehouse_reading import log_faults, read_objects
from helpers.ingest.warehouse_records import (
    Building,
    add_primary_contacts,
    fold_converted,
    follow_merged,
    resolve_links,
    settle_records,
    split_links,
)
from helpers.ingest.warehouse_spread import (
    ValueCounts,
    add_bands,
    describe_partitions,
    find_partitions,
    inherit,
    log_rollups,
    look_up,
    roll_up,
)
from helpers.issues import IssueLog
from helpers.model.catalog import Catalog

ORDER = {"deal_contact": ("deal_id", "contact_id"), "deal_history": ("deal_id", "field", "changed_at", "new")}
"""By what rows without an id are put in order; others by all their columns."""


@dataclass(frozen=True)
class Warehouse:
    """Where a company's canonical tables lie, and the SELECT of each; nothing in it is ever written to.

    Attributes:
        connection: The open connection.
        queries: Object → its query.
        counts: Object → rows.
        distinct: (object, column) → how often each text occurs, for columns that hold partitions.
        days: (object, column) → days with records, for dates.
    """

    connection: Connection
    queries: Mapping[str, TableQuery]
    counts: Mapping[str, int]
    distinct: Mapping[tuple[str, str], pd.Series]
    days: Mapping[tuple[str, str], pd.Series]

    has_whole_links = True
    """Whether the links of deals to contacts hold the deals' own contacts too."""

    @property
    def objects(self) -> tuple[str, ...]:
        """The canonical tables that there are."""
        return tuple(self.queries)

    def columns(self, object_id: str) -> dict[str, str]:
        """Return a table's columns: name → text, timestamp, number or boolean."""
        kinds = self.queries[object_id].kinds
        return {name: "timestamp" if kind == "date" else kind for name, kind in kinds.items()}

    def select(self, object_id: str, columns: list[str] | None = None) -> str:
        """Return the SELECT of a table, in DuckDB's dialect: one row per record, only the columns asked for."""
        return self.queries[object_id].select(columns)

    def count(self, object_id: str) -> int:
        """Return how many rows a table has."""
        return self.counts[object_id]

    def span(self, object_id: str, column: str) -> tuple[date, date] | None:
        """Return the first and the last day of a date, None where it is always missing."""
        days = self.days.get((object_id, column))
        return (days.index[0].date(), days.index[-1].date()) if days is not None and len(days) else None

    def values(self, object_id: str, column: str) -> list[str]:
        """Return the distinct texts of a column, sorted."""
        known = self.distinct.get((object_id, column))
        if known is not None:
            return sorted(known.index)
        text = f"t.{quote(column)}"
        select = f"select distinct {text} as v from ({self.select(object_id, [column])}) as t where {text} is not null"
        return sorted(row["v"] for row in self.connection.fetch(select).to_pylist())

    def serves(self, tables: Mapping[str, pd.DataFrame]) -> bool:
        """Tell whether tables are those that lie here, and not a copy that somebody changed in memory."""
        return isinstance(tables, LazyTables)

    def fetch(self, object_id: str, columns: list[str] | None = None) -> pd.DataFrame:
        """Fetch a table, or some of its columns, typed as tables of exports are, in an order of its own."""
        kinds = self.queries[object_id].kinds
        wanted = list(kinds) if columns is None else columns
        fetched = self.connection.fetch(self.select(object_id, wanted))
        frame = pd.DataFrame({name: as_canonical(fetched.column(name), kinds[name], name) for name in wanted})
        order = ["id"] if "id" in frame else [name for name in ORDER.get(object_id, wanted) if name in frame]
        return frame.sort_values(order, kind="stable", ignore_index=True) if order else frame


def as_canonical(values, kind: str, name: str) -> pd.Series:
    """Turn a fetched column into what tables of exports hold."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if name == "source_row":
        return pd.Series(pd.array([pd.NA] * len(values), dtype="Int64"))
    if kind == "date":
        return pd.Series(pc.cast(values, pa.timestamp("us")).to_pandas()).astype("datetime64[us]")
    if kind == "number":
        return pc.cast(values, pa.float64()).to_pandas().astype("float64")
    if kind == "boolean":
        booleans = pd.Series(pc.cast(values, pa.bool_()).to_pandas()).astype("boolean")
        return booleans.fillna(True).astype("bool") if name == "is_new_business" else booleans
    return pc.cast(values, pa.large_string()).to_pandas().astype("str")


class LazyTables(Mapping):
    """Canonical tables that are fetched from a warehouse when somebody asks for one, and then kept."""

    def __init__(self, warehouse: Warehouse, limit: int):
        """Fetch nothing yet.

        Args:
            warehouse: Where they lie.
            limit: The most rows of one table that are fetched.
        """
        self._warehouse, self.limit = warehouse, limit
        self._fetched: dict[str, pd.DataFrame] = {}

    def __getitem__(self, object_id: str) -> pd.DataFrame:
        """Fetch one table.

        Raises:
            DataError: It has more rows than may be fetched.
        """
        if object_id not in self._warehouse.queries:
            raise KeyError(object_id)
        if object_id not in self._fetched:
            n = self.count(object_id)
            if n > self.limit:
                label = read_schema()[object_id].label.lower()
                raise DataError(
                    f"[{object_id}] this asks for all {n:,} {label} one by one, and at most {self.limit:,} rows are "
                    "fetched from where they lie. Volumes, revenue, conversions, win rates, sizes and times by any "
                    "partition can still be asked: they are counted where the data lies. To have this too, raise "
                    "fetched_rows under [rules] in company.toml, or name a query with fewer rows."
                )
            self._fetched[object_id] = self._warehouse.fetch(object_id)
        return self._fetched[object_id]

    def __iter__(self) -> Iterator[str]:
        """Go through the names of the tables; none is fetched."""
        return iter(self._warehouse.queries)

    def __len__(self) -> int:
        """Return how many tables there are."""
        return len(self._warehouse.queries)

    def __contains__(self, object_id: object) -> bool:
        """Tell whether there is such a table, without fetching it."""
        return object_id in self._warehouse.queries

    def fits(self, object_id: str) -> bool:
        """Tell whether a table has no more rows than may be fetched."""
        return self.count(object_id) <= self.limit

    def columns(self, object_id: str) -> list[str]:
        """Return a table's columns without fetching it."""
        return list(self._warehouse.queries[object_id].kinds)

    def count(self, object_id: str) -> int:
        """Return a table's number of rows without fetching it."""
        return self._warehouse.counts[object_id]


def build_warehouse(
    folder: Path, settings: CompanySettings, catalog: Catalog, connection: Connection
) -> tuple[Built, Warehouse]:
    """Write the SELECT of every canonical table and tell all that is known about them.

    Args:
        folder: The company's folder.
        settings: Its ``company.toml``.
        catalog: The definitions.
        connection: Where its tables lie.

    Returns:
        What ingest hands to the company, its tables fetched when asked for; and the warehouse.

    Raises:
        DataError: A table or column that ``company.toml`` names is missing or can't be read.
    """
    log = IssueLog()
    origins = open_origins(folder, settings, connection, log)
    raws = {key: origin.raw for key, origin in origins.items()}
    contents = {key: origin.contents for key, origin in origins.items()}
    plan = build_plan(raws, settings, may_recognise=not settings.objects, contents=contents)
    reading = Reading()
    queries, parts = read_objects(plan, origins, settings, reading)
    log_faults(parts, connection, log, settings)
    building = Building(connection, settings, catalog, log, origins, reading, queries, parts)
    for object_id in list(queries):
        if object_id != "deal_history":
            settle_records(building, object_id)
    fold_converted(building)
    tell_deal_outcomes(building)
    build_history(building)
    split_links(building)
    for object_id in ("company", "contact", "deal"):
        follow_merged(building, object_id)
    resolve_links(building)
    add_primary_contacts(building)
    looked_up: set[tuple[str, str]] = set()
    for lookup in plan.lookups:
        look_up(building, lookup, looked_up)
    name_owners(building)
    derive_customers(building)
    return _finish(building, plan, looked_up)


def _finish(building: Building, plan: Plan, looked_up: set[tuple[str, str]]) -> tuple[Built, Warehouse]:
    banded = add_bands(building)
    rolled = roll_up(building)
    values = ValueCounts(building)
    carried = find_partitions(building, looked_up, values)
    for id, objects in banded.own.items():
        carried.own[id] = dict(objects)
    carried = inherit(building, carried)
    partitions = describe_partitions(building, carried, values, looked_up)
    log_rollups(building, rolled, values)
    check_tables(building)
    days = count_days(building)
    distinct = {key: values.totals(*key) for key in values.counted}
    order = [object_id for object_id in read_schema() if object_id in building.queries]
    warehouse = Warehouse(
        building.connection, {name: building.queries[name] for name in order}, building.counts, distinct, days
    )
    built = Built(
        tables=LazyTables(warehouse, building.catalog.rules.fetched_rows),  # type: ignore[arg-type]
        partitions=partitions,
        issues=building.log.to_frame(),
        inputs=_describe_inputs(building, plan),
        mapping=_describe_mapping(building, carried, partitions, rolled, values),
        reconciliation=_reconcile(building),
        latest_event=find_latest_event(days),
        snapshots=(),
    )
    return built, warehouse


def _describe_inputs(building: Building, plan: Plan) -> pd.DataFrame:
    records = []
    beside = {lookup.file: f"look-up for {lookup.object}.{lookup.field}" for lookup in plan.lookups}
    for key, origin in building.origins.items():
        objects = [source.object for source in plan.sources if key in {source.file, *source.joins}]
        used = [building.counts[name] for name in objects if name in building.counts]
        aside = sum(building.aside.get(name, 0) for name in dict.fromkeys(objects))
        records.append(
            {
                "file": key,
                "exported_on": None,
                "object": ", ".join(dict.fromkeys(objects)) or beside.get(key, ""),
                "rows_read": origin.n_rows,
                "rows_used": min(origin.n_rows, max(used)) if used else origin.n_rows if key in beside else 0,
                "rows_quarantined": aside,
                "sha256": origin.modified,
            }
        )
    return pd.DataFrame(records, columns=INPUT_COLUMNS)


def _describe_mapping(
    building: Building,
    carried: Carried,
    partitions: Mapping,
    rolled: set[tuple[str, str]],
    values: ValueCounts,
) -> pd.DataFrame:
    records = []
    for object_id, query in building.queries.items():
        rates = _fill_rates(building, object_id)
        for column in query.kinds:
            plan = building.reading.columns.get((object_id, column))
            partition = partitions.get(column)
            is_one = partition is not None and object_id in partition.objects
            if plan is None and not is_one:
                continue
            inherited = carried.inherited.get(column, {}).get(object_id) if is_one else None
            how = "rolled up" if (object_id, column) in rolled else f"inherited from {inherited}" if inherited else ""
            records.append(
                {
                    "object": object_id,
                    "field": column,
                    "file": plan.file if plan and not inherited else "",
                    "column": plan.column if plan and not inherited else "",
                    "how": how or (plan.how if plan else "derived"),
                    "fill_rate": rates.get(column, 0.0),
                    "known": partition.known if is_one else "",
                    "known_because": partition.known_because if is_one else "",
                }
            )
    return pd.DataFrame(records, columns=MAPPING_COLUMNS)


def _fill_rates(building: Building, object_id: str) -> dict[str, float]:
    query = building.queries[object_id]
    names = [name for name in query.kinds if name not in {"source_file", "source_row"}]
    sums = ", ".join(f"count(t.{quote(name)}) as n{number}" for number, name in enumerate(names))
    row = building.ask_one(f"select count(*) as n, {sums} from ({query.select(names)}) as t")
    n = int(row["n"])
    return {name: int(row[f"n{number}"]) / n if n else 0.0 for number, name in enumerate(names)}


def _reconcile(building: Building) -> pd.DataFrame:
    """Set amounts used per outcome beside what was read, by the deals' table."""
    columns = ["file", "exported_on", "outcome", "rows_read", "rows_used", "amount_read", "amount_used"]
    query = building.queries.get("deal")
    if query is None:
        return pd.DataFrame(columns=columns)
    has_amount = "amount" in query.kinds
    total = "sum(coalesce(t.amount, 0))" if has_amount else "0"
    rows = building.ask(
        f"select t.outcome, count(*) as n, {total} as amount from "
        f"({query.select(['outcome', *(['amount'] if has_amount else [])])}) as t group by t.outcome order by t.outcome"
    )
    place = building.place("deal")
    return pd.DataFrame(
        [(place, None, row["outcome"], int(row["n"]), int(row["n"]), round(float(row["amount"]), 2),
          round(float(row["amount"]), 2)) for row in rows], columns=columns,
    )  # fmt: skip
