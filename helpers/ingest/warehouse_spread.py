"""Partitions of a warehouse's tables: look-ups, bands and roll-ups as SQL, values counted there, passed on by joins."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from helpers.ingest.lookups import LookupPlan, match_keys
from helpers.ingest.partition_description import describe_carried
from helpers.ingest.partitions import (
    CARRIERS,
    Carried,
    is_partition,
    may_be_partition,
    order_rollups,
    passes_on,
)
from helpers.ingest.plan import FieldPlan
from helpers.ingest.schema import read_schema
from helpers.ingest.tables import name_column, open_reader, parse_further
from helpers.ingest.warehouse_columns import literal, quote, write_values
from helpers.ingest.warehouse_origins import SAMPLED_ROWS, Origin
from helpers.ingest.warehouse_query import Defined, Joined, Layer, join_table
from helpers.ingest.warehouse_records import Building, map_layer
from helpers.issues import IssueLog
from helpers.model.dimension import Partition
from helpers.model.objects import PARENTS

KIND_OF_DTYPE = {"M": "date", "f": "number", "i": "number", "b": "boolean"}


def look_up(building: Building, lookup: LookupPlan, looked_up: set[tuple[str, str]]) -> None:
    """Lay the other columns of a look-up table beside the object that it matches, by the rules for exports."""
    query, origin = building.queries.get(lookup.object), building.origins.get(lookup.file)
    if query is None or origin is None or lookup.field not in query.kinds:
        return
    if origin.n_rows > SAMPLED_ROWS:
        building.log.add(file=origin.key, code="lookup_too_long", severity="error", value=origin.n_rows,
                         message=f"A look-up table of more than {SAMPLED_ROWS:,} rows is not used",
                         cure="Join it in the query of the object")  # fmt: skip
        return
    rows = building.ask(
        f"select t.{quote(lookup.field)} as v, count(*) as n from ({query.select([lookup.field])}) as t "
        f"where t.{quote(lookup.field)} is not null group by t.{quote(lookup.field)} "
        f"order by n desc limit {SAMPLED_ROWS}"
    )
    values = pd.Series([row["v"] for row in rows], dtype="str")
    counts = dict(zip(values, (int(row["n"]) for row in rows), strict=True))
    contents = _contents(origin)
    dates = [column for column, content in contents.items() if content.kind == "date"]
    reader = open_reader(origin.raw, dates, building.settings, building.log, name=origin.key)
    keys = reader.parse(lookup.column, "text")
    first = keys[~keys.duplicated()]
    at = match_keys(values, first, log=IssueLog(), file="", column="", key_file="", rows=pd.Series(dtype="Int64"))
    _log_matches(building, lookup, values, first, at, counts)
    taken = set(query.kinds) | {
        field for field, kind in read_schema()[lookup.object].fields.items() if kind not in {"text", "person"}
    }
    positions = first.index.to_series(index=range(len(first))).reindex(at)
    frame, kinds = pd.DataFrame({"written": values}), {"written": "text"}
    for column in origin.raw.columns:
        if column == lookup.column:
            continue
        new = name_column(column, taken)
        taken.add(new)
        found = parse_further(reader, column, contents[column]).reindex(positions).set_axis(frame.index)
        kinds[new] = KIND_OF_DTYPE.get(found.dtype.kind, "text")
        frame[new] = found
        building.reading.columns[(lookup.object, new)] = FieldPlan(new, lookup.file, column, "lookup")
        looked_up.add((lookup.object, new))
    _join_frame(building, lookup, frame, kinds)


def _contents(origin: Origin):
    return origin.contents


def _join_frame(building: Building, lookup: LookupPlan, frame: pd.DataFrame, kinds: Mapping[str, str]) -> None:
    query = building.queries[lookup.object]

    def relation(columns: Iterable[str]) -> str:
        wanted = list(columns)
        shown = frame[wanted]
        rows = [[_plain(value, kinds[name]) for name, value in zip(wanted, row, strict=True)]
                for row in shown.itertuples(index=False, name=None)]  # fmt: skip
        return write_values(wanted, rows, [kinds[name] for name in wanted]) if rows else _no_rows(wanted, kinds)

    layer = {
        name: Defined(f"m.{quote(name)}", kind, frozenset(), (("m", name),))
        for name, kind in kinds.items()
        if name != "written"
    }
    query.add(Layer(layer, {"m": Joined(relation, "written", lookup.field)}))


def _no_rows(wanted: Sequence[str], kinds: Mapping[str, str]) -> str:
    empty = write_values(wanted, [[None] * len(wanted)], [kinds[name] for name in wanted])
    return f"(select * from {empty} as e where 1 = 0)"


def _plain(value, kind: str):
    if pd.isna(value):
        return None
    if kind == "date":
        return pd.Timestamp(value).strftime("%Y-%m-%d %H:%M:%S")
    if kind == "boolean":
        return "true" if value else "false"
    return float(value) if kind == "number" else str(value)


def _log_matches(
    building: Building, lookup: LookupPlan, values: pd.Series, keys: pd.Series, at: pd.Series, counts: Mapping[str, int]
) -> None:
    unmatched = [value for value, place in zip(values, at, strict=True) if place < 0]
    for value, place in zip(values, at, strict=True):
        if place >= 0 and value != keys.iloc[place]:
            building.log.add(
                file=building.place(lookup.object), column=building.column(lookup.object, lookup.field),
                code="key_spelled_differently", severity="warning", value=value,
                message=f"{counts[value]:,} rows write '{value}' where {lookup.file} writes '{keys.iloc[place]}'; "
                "taken as the same", cure="Write it the same way in both tables",
            )  # fmt: skip
    if unmatched:
        n = sum(counts[value] for value in unmatched)
        building.log.add(
            file=building.place(lookup.object), column=building.column(lookup.object, lookup.field),
            code="key_not_found", severity="warning", value=unmatched[0],
            message=f"{n:,} rows hold {len(unmatched):,} values that {lookup.file} does not have: "
            + ", ".join(unmatched[:5]),
            cure=f"Add them to {lookup.file}, or correct them; what the look-up would add stays blank",
        )  # fmt: skip


def add_bands(building: Building) -> Carried:
    """Cut numbers into the bands that the definitions give them."""
    carried = Carried()
    for dimension in building.catalog.dimensions.values():
        for object_id in CARRIERS if dimension.bands else ():
            query = building.queries.get(object_id)
            if query is None or query.kinds.get(dimension.id) != "number":
                continue
            value, branches = f"t.{quote(dimension.id)}", []
            for band in reversed(dimension.bands):
                tests = [f"{value} is not null"]
                tests += [f"{value} >= {band.at_least!r}"] if band.at_least is not None else []
                tests += [f"{value} < {band.below!r}"] if band.below is not None else []
                branches.append(f"when {' and '.join(tests)} then {literal(band.label)}")
            column = f"{dimension.id}_band"
            query.add(Layer({column: Defined(f"case {' '.join(branches)} end", "text", frozenset({dimension.id}))}))
            carried.own.setdefault(dimension.id, {})[object_id] = column
    return carried


def roll_up(building: Building) -> set[tuple[str, str]]:
    """Add the columns that ``[rollups]`` computes from others; values without a place are counted later."""
    rolled: set[tuple[str, str]] = set()
    for partition in order_rollups(building.settings):
        rollup = building.settings.rollups[partition]
        for object_id in CARRIERS:
            query = building.queries.get(object_id)
            if query is None or rollup.of not in query.kinds or rollup.of == partition:
                continue
            has_own = partition in query.kinds
            layer = map_layer(partition, rollup.of, rollup.values, otherwise="null")
            if has_own:
                one = layer.columns[partition]
                both = Defined(f"coalesce(t.{quote(partition)}, {one.sql})", "text", one.needs | {partition}, one.uses)
                layer = Layer({partition: both}, layer.joins)
            query.add(layer)
            rolled.add((object_id, partition))
    return rolled


def count_values(building: Building, object_id: str, columns: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Count the values of several columns by outcome, the table read once.

    Returns:
        Column → one row per value (missing included) and outcome: value, outcome, n.
    """
    query = building.queries[object_id]
    if not columns:
        return {}
    outcome, extra = "'all'", []
    if object_id == "deal" and "outcome" in query.kinds:
        outcome, extra = "t.outcome", ["outcome"]
    elif object_id == "contact" and "won_at" in query.kinds:
        outcome, extra = "case when t.won_at is null then 'open' else 'won' end", ["won_at"]
    names = [f"c{number}" for number in range(len(columns))]
    shown = ", ".join(f"t.{quote(column)} as {name}" for column, name in zip(columns, names, strict=True))
    inner = f"select {shown}, {outcome} as outcome from ({query.select([*columns, *extra])}) as t"
    marks = ", ".join(f"grouping({name}) as g{name}" for name in names)
    sets = ", ".join(f"({name}, outcome)" for name in names)
    rows = building.connection.fetch(
        f"select {', '.join(names)}, outcome, {marks}, count(*) as n from ({inner}) as t "
        f"group by grouping sets ({sets})"
    ).to_pandas()
    found = {}
    for column, name in zip(columns, names, strict=True):
        here = rows[rows[f"g{name}"].eq(0)]
        found[column] = pd.DataFrame(
            {
                "value": here[name].astype("str"),
                "outcome": here["outcome"].astype("str"),
                "n": here["n"].astype("int64"),
            }
        ).reset_index(drop=True)
    return found


class ValueCounts:
    """Values of text columns by outcome, counted in the warehouse when first asked for, a whole table at a time."""

    def __init__(self, building: Building) -> None:
        self._building = building
        self.counted: dict[tuple[str, str], pd.DataFrame] = {}

    def add(self, object_id: str, columns: Sequence[str]) -> None:
        """Count several columns of a table in one pass."""
        wanted = [column for column in columns if (object_id, column) not in self.counted]
        for column, counts in count_values(self._building, object_id, wanted).items():
            self.counted[(object_id, column)] = counts

    def totals(self, object_id: str, column: str) -> pd.Series:
        """Return value → rows that hold it, missing ones left out."""
        self.add(object_id, [column])
        known = self.counted[(object_id, column)].dropna(subset=["value"])
        return known.groupby("value")["n"].sum()

    def by_outcome(self, object_id: str, column: str) -> pd.DataFrame | None:
        """Return the counts where the object has an outcome."""
        self.add(object_id, [column])
        counts = self.counted[(object_id, column)]
        return None if counts["outcome"].eq("all").all() else counts


def find_partitions(building: Building, looked_up: set[tuple[str, str]], values: ValueCounts) -> Carried:
    """Tell which columns are partitions, by the rules for exports and the values counted in the warehouse."""
    carried = Carried()
    catalog = building.catalog
    most = catalog.rules.maximum_values
    for object_id in CARRIERS:
        query = building.queries.get(object_id)
        if query is None:
            continue
        texts = [name for name, kind in query.kinds.items() if kind == "text"]
        asked = {name: catalog.dimensions[name].is_partition for name in texts if name in catalog.dimensions}
        wanted = [name for name in texts if asked.get(name) is not False]
        wanted = [name for name in wanted if asked.get(name) or may_be_partition(object_id, name)]
        wanted = [name for name in wanted if asked.get(name) or _count_sampled(building, object_id, name) <= most]
        values.add(object_id, wanted)
        for name in query.kinds:
            if name not in wanted:
                continue
            counts = values.totals(object_id, name)
            is_one = asked.get(name) or is_partition(
                object_id, name, counts, building.counts.get(object_id, 0), catalog, (object_id, name) in looked_up
            )
            if is_one:
                carried.own.setdefault(name, {})[object_id] = name
    return carried


def _count_sampled(building: Building, object_id: str, name: str) -> int:
    """Count the distinct values of a column in the sample: more of them than a partition may have settle it."""
    most = 0
    for part in building.parts.get(object_id, ()):
        parsed = part.columns.get(name)
        if parsed is not None and parsed.alias == "r":
            most = max(most, part.origin.raw.frame[parsed.source.column].nunique())
    return most


def inherit(building: Building, carried: Carried) -> Carried:
    """Let objects take partitions that they lack from those that they are linked to, as exports do."""
    result = Carried({id: dict(objects) for id, objects in carried.own.items()}, {})
    for child in PARENTS:
        if child in building.queries:
            taken: dict[str, list[tuple[str, str]]] = {}
            for at_first_hand in (True, False):
                _take(building, child, result, taken, at_first_hand)
            _write_inherited(building, child, taken)
    return result


def _take(
    building: Building, child: str, result: Carried, taken: dict[str, list[tuple[str, str]]], at_first_hand: bool
) -> None:
    """Note which column each partition is taken from, nearest parent first; see ``partitions.inherit``."""
    own = building.queries[child].kinds
    for parent, key in PARENTS[child]:
        if parent not in building.queries or key not in own:
            continue
        added = []
        for id, objects in result.own.items():
            from_parents = result.inherited.get(id, {})
            is_lacking = child in from_parents or (child not in objects and id not in own)
            if parent not in objects or not is_lacking or (parent not in from_parents) != at_first_hand:
                continue
            if passes_on(id, parent, building.catalog):
                taken.setdefault(id, []).append((parent, objects[parent]))
                added.append(id)
        for id in added:
            result.own[id][child] = id
            first = result.inherited.get(id, {}).get(parent, parent)
            result.inherited.setdefault(id, {}).setdefault(child, first)


def _write_inherited(building: Building, child: str, taken: Mapping[str, Sequence[tuple[str, str]]]) -> None:
    if not taken:
        return
    query, columns, joins = building.queries[child], {}, {}
    keys = dict(PARENTS[child])
    for id, origins in taken.items():
        shown = [f"p_{parent}.{quote(column)}" for parent, column in origins]
        value = f"coalesce({', '.join(shown)})" if len(shown) > 1 else shown[0]
        columns[id] = Defined(value, "text", frozenset(), tuple((f"p_{parent}", column) for parent, column in origins))
        for parent, _ in origins:
            joins[f"p_{parent}"] = Joined(join_table(building.queries[parent]), "id", keys[parent])
    query.add(Layer(columns, joins))


def describe_partitions(
    building: Building, carried: Carried, values: ValueCounts, looked_up: set[tuple[str, str]]
) -> dict[str, Partition]:
    """Describe every partition, its evidence counted in the warehouse."""
    for object_id in CARRIERS:
        if object_id in building.queries:
            values.add(object_id, [objects[object_id] for objects in carried.own.values() if object_id in objects])
    return describe_carried(
        carried, building.catalog, building.settings, aliases=building.reading.aliases, joined=building.reading.joined,
        looked_up=looked_up, list_values=lambda o, c: pd.Index(values.totals(o, c).index), count=values.by_outcome,
    )  # fmt: skip


def log_rollups(building: Building, rolled: Iterable[tuple[str, str]], values: ValueCounts) -> None:
    """Count the values that a roll-up does not place."""
    for object_id, partition in sorted(rolled):
        rollup = building.settings.rollups[partition]
        if (object_id, rollup.of) not in values.counted:
            continue
        fine = values.totals(object_id, rollup.of)
        lost = fine[~fine.index.isin(list(rollup.values))].sort_values(ascending=False)
        if not len(lost) or building.column(object_id, partition) != partition:
            continue
        building.log.add(
            file="company.toml", column=f"rollups.{partition}.values", code="rollup_without_value", severity="warning",
            value=str(lost.index[0]),
            message=f"{int(lost.sum()):,} {object_id} rows have a {rollup.of} that {partition} does not place: "
            + ", ".join(map(str, lost.index[:5])),
            cure=f"Add it under [rollups.{partition}.values]",
        )  # fmt: skip
