"""Bring files to canonical tables as the plan says: every column parsed, every row that can't be used told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from helpers.ingest.content import ColumnContent
from helpers.ingest.dates import detect_date_conventions, parse_dates
from helpers.ingest.files import RawTable
from helpers.ingest.keys import find_positions, is_among, pick
from helpers.ingest.lookups import JoinPlan
from helpers.ingest.numbers import currency_of, parse_numbers
from helpers.ingest.plan import FieldPlan, Plan, SourcePlan
from helpers.ingest.schema import CANONICAL_PARTITIONS, field_type, read_schema
from helpers.ingest.settings import CompanySettings
from helpers.ingest.values import parse_booleans, parse_ids, parse_text, snake_case
from helpers.ingest.vendors import find_stage_dates, header_key
from helpers.issues import IssueLog

MOST_NUMBERS = 50
"""A further column of whole numbers with more distinct values is a measure, kept as numbers; with fewer it is kept as
written and may be a partition (years, price steps, floors of a building)."""

IN_COMPANY_CURRENCY = ("companycurrency", "homecurrency", "converted")
"""What a header says whose amounts the CRM has converted already."""


@dataclass
class Reading:
    """What is built up while one set of exports is read.

    Attributes:
        tables: Object → canonical table.
        columns: (object, column of its table) → where it came from.
        joined: (object, column) pairs that came in from a second file about the same records.
        aliases: (object, field) → the export's own name of it in snake case.
        quarantined: (file, object) → rows put aside.
        amount_read: Deal file → amounts as read, by row, before anything was put aside.
    """

    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    columns: dict[tuple[str, str], FieldPlan] = field(default_factory=dict)
    joined: set[tuple[str, str]] = field(default_factory=set)
    aliases: dict[tuple[str, str], str] = field(default_factory=dict)
    quarantined: dict[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True)
class Reader:
    """Parse columns of one file the same way everywhere.

    Attributes:
        raw: The file.
        name: The file as issues cite it.
        settings: The company's settings.
        log: Takes issues.
        conventions: How its date columns write dates.
    """

    raw: RawTable
    name: str
    settings: CompanySettings
    log: IssueLog
    conventions: Mapping[str, object]

    @property
    def frame(self) -> pd.DataFrame:
        """The file's cells."""
        return self.raw.frame

    def parse(self, column: str, kind: str) -> pd.Series:
        """Parse one column as what its field holds."""
        values, said = self.frame[column], self.settings.read_as(self.raw.file)
        where = {"file": self.name, "column": column, "log": self.log}
        if kind == "date":
            return parse_dates(
                values,
                time_zone=self.settings.time_zone,
                order=said.date_order,
                convention=self.conventions.get(column),
                **where,
            )
        if kind in {"amount", "number"}:
            return parse_numbers(values, decimal=said.decimal, percent=kind == "number", **where)
        if kind == "boolean":
            return parse_booleans(values, **where)
        if kind == "id":
            return parse_ids(values, **where)
        return parse_text(values, **where)


def open_reader(
    raw: RawTable, dates: Sequence[str], settings: CompanySettings, log: IssueLog, *, name: str = ""
) -> Reader:
    """Prepare a file for parsing; its date columns decide together on the order of day and month."""
    conventions = detect_date_conventions(raw.frame, columns=[column for column in dates if column in raw.columns])
    return Reader(raw, name or raw.file, settings, log, conventions)


def read_tables(
    raws: Mapping[str, RawTable],
    plan: Plan,
    settings: CompanySettings,
    log: IssueLog,
    *,
    names: Mapping[str, str] | None = None,
) -> Reading:
    """Turn files into canonical tables.

    Args:
        raws: File → table as read.
        plan: What every file and column is.
        settings: The company's settings.
        log: Takes every fault.
        names: File → how issues cite it, where that is not the file's name.

    Returns:
        Tables with one row per record as exported; duplicates and deleted records are still in them.
    """
    reading, names = Reading(), names or {}
    for object_id in read_schema():
        parts = []
        for source in plan.of(object_id):
            if source.file not in raws:
                continue
            twins = [file for file, main in plan.twins.items() if main == source.file and file in raws]
            for file in [source.file, *twins]:
                parts.append(_read_source(raws, file, source, plan, settings, log, reading, names))
        parts = [part for part in parts if part is not None]
        if parts:
            reading.tables[object_id] = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
    return reading


def _read_source(
    raws: Mapping[str, RawTable],
    file: str,
    source: SourcePlan,
    whole: Plan,
    settings: CompanySettings,
    log: IssueLog,
    reading: Reading,
    names: Mapping[str, str],
) -> pd.DataFrame | None:
    raw = raws[file]
    own = {
        name: plan for name, plan in source.fields.items() if plan.file == source.file and plan.column in raw.columns
    }
    contents = whole.contents[file]
    kinds = {plan.column: field_type(source.object, name) for name, plan in own.items()}
    dates = [column for column in raw.columns if kinds.get(column, contents[column].kind) == "date"]
    stage_dates = [found.column for found in find_stage_dates(raw.columns)]
    reader = open_reader(raw, dates, settings, log, name=names.get(file, file))
    columns: dict[str, pd.Series] = {}
    for name, plan in own.items():
        columns[name] = _parse_field(reader, source, name, plan.column)
        reading.columns[(source.object, name)] = plan
        note_alias(reading, source, name, plan)
    further = [column for column in raw.columns if column not in kinds and column not in stage_dates]
    for column in further if source.object not in {"deal_history", "deal_contact"} else []:
        name = name_column(column, set(columns) | set(read_schema()[source.object].fields))
        columns[name] = parse_further(reader, column, contents[column])
        reading.columns[(source.object, name)] = FieldPlan(name, source.file, column, "name")
    table = pd.DataFrame(columns, index=raw.frame.index)
    for join in source.joins.values():
        if join.file in raws:
            contents = whole.contents[join.file]
            table = _join_file(table, raws[join.file], contents, join, source, settings, log, reading, names)
    table["source_file"] = pd.Series(names.get(file, file), index=table.index, dtype="str")
    table["source_row"] = pd.array(table.index, dtype="Int64")
    return table.reset_index(drop=True)


def _parse_field(reader: Reader, source: SourcePlan, name: str, column: str) -> pd.Series:
    kind = field_type(source.object, name)
    values = reader.parse(column, kind)
    if kind != "amount":
        return values
    return _convert(reader, source, values, column).round(2)


def _convert(reader: Reader, source: SourcePlan, values: pd.Series, column: str) -> pd.Series:
    """Bring amounts into the company's currency; those without a rate become missing, each an issue."""
    settings = reader.settings
    beside = currency_of(reader.frame[column], home=settings.currency)
    currency, stated = beside, source.column("currency")
    if stated and not any(word in header_key(column) for word in IN_COMPANY_CURRENCY):
        currency = currency.fillna(reader.parse(stated, "text").str.upper())
    foreign = currency.notna() & currency.ne(settings.currency).fillna(False) & values.notna()
    if not foreign.any():
        return values
    rates = currency.map(settings.exchange_rates)
    without = foreign & rates.isna()
    written = reader.frame[column].astype("str")
    written = written.where(beside.notna(), written + " " + currency)
    for other in currency[without].unique():
        there = without & currency.eq(other)
        reader.log.add_rows(
            file=reader.name,
            rows=values.index[there].tolist(),
            column=column,
            values=written[there].tolist(),
            code="other_currency",
            severity="error",
            message=f"The amount is not in {settings.currency}; it is taken as missing, never added up with others",
            cure=f"Export amounts in {settings.currency}, or say in company.toml what one {other} is worth in it: "
            f"[exchange_rates] {other} = …",
        )
    converted = foreign & rates.notna()
    return values.mask(without).where(~converted, values * rates)


def parse_further(reader: Reader, column: str, content: ColumnContent) -> pd.Series:
    """Parse a column that is no field: dates and measures as such, all else as written."""
    quiet = Reader(reader.raw, reader.name, reader.settings, IssueLog(), reader.conventions)
    if content.kind == "date":
        return quiet.parse(column, "date")
    is_measure = not content.is_whole or content.n_distinct > MOST_NUMBERS
    if content.kind == "number" and is_measure and not header_key(column).endswith("id"):
        return quiet.parse(column, "number")
    return quiet.parse(column, "text")


def name_column(column: str, taken: set[str]) -> str:
    """Name a further column in snake case, without a loader's prefix, and unlike every name that is taken."""
    bare = column
    for prefix in ("property_", "properties.", "properties_"):
        bare = bare.removeprefix(prefix)
    name, number = snake_case(bare), 2
    while name in taken or name in {"source_file", "source_row"}:
        name, number = f"{snake_case(bare)}_{number}", number + 1
    return name


def note_alias(reading: Reading, source: SourcePlan, name: str, plan: FieldPlan) -> None:
    """Remember the export's own name of a field that can be a partition."""
    if source.vendor or snake_case(plan.column) == name:
        return
    schema = read_schema()[source.object]
    if name in CANONICAL_PARTITIONS or schema.fields.get(name, "text") in {"text", "person"}:
        reading.aliases[(source.object, name)] = snake_case(plan.column)


def _join_file(
    table: pd.DataFrame,
    raw: RawTable,
    contents: Mapping[str, ColumnContent],
    join: JoinPlan,
    source: SourcePlan,
    settings: CompanySettings,
    log: IssueLog,
    reading: Reading,
    names: Mapping[str, str],
) -> pd.DataFrame:
    """Lay the columns of a second file about the same records beside them."""
    mapped = {plan.column: name for name, plan in source.fields.items() if plan.file == join.file}
    kinds = {column: field_type(source.object, name) for column, name in mapped.items()}
    dates = [column for column in raw.columns if kinds.get(column, contents[column].kind) == "date"]
    reader = open_reader(raw, dates, settings, log, name=names.get(join.file, join.file))
    keys = reader.parse(join.key_column, "id")
    first = _pick_first(keys, reader, join, mapped, kinds)
    at = find_positions(table["id"], first)
    _log_strays(keys, table["id"], reader, join)
    for column in raw.columns:
        if column == join.key_column:
            continue
        name = mapped.get(column) or name_column(column, set(table.columns) | set(read_schema()[source.object].fields))
        values = (
            _parse_field(reader, source, name, column)
            if column in mapped
            else parse_further(reader, column, contents[column])
        )
        table = table.assign(**{name: pick(values.reindex(first.index), at, table.index)})
        plan = source.fields.get(name) if column in mapped else None
        reading.columns[(source.object, name)] = plan or FieldPlan(name, join.file, column, "name")
        reading.joined.add((source.object, name))
    return table


def _pick_first(
    keys: pd.Series, reader: Reader, join: JoinPlan, mapped: Mapping[str, str], kinds: Mapping[str, str]
) -> pd.Series:
    """Pick one row per key: the earliest by the first date that is mapped, else the first; the others are issues."""
    known = keys.dropna()
    dates = [column for column in mapped if kinds[column] == "date"]
    if dates and known.duplicated().any():
        moments = Reader(reader.raw, reader.name, reader.settings, IssueLog(), reader.conventions).parse(
            dates[0], "date"
        )
        known = known.loc[moments.reindex(known.index).sort_values(kind="stable", na_position="last").index]
    again = known[known.duplicated()].sort_index()
    reader.log.add_rows(
        file=reader.name,
        rows=again.index.tolist(),
        column=join.key_column,
        values=again.tolist(),
        code="joined_twice",
        severity="warning",
        message=f"Another row of this file is joined to the same {join.object}; this one is not used",
        cure="Nothing to do if only the first counts; otherwise bring the file as an object of its own",
    )
    return known[~known.duplicated()]


def _log_strays(keys: pd.Series, ids: pd.Series, reader: Reader, join: JoinPlan) -> None:
    stray = keys[keys.notna() & ~is_among(keys, ids)]
    reader.log.add_rows(
        file=reader.name,
        rows=stray.index.tolist(),
        column=join.key_column,
        values=stray.tolist(),
        code="joined_to_nothing",
        severity="warning",
        message=f"No {join.object} has this id; the row is not used",
        cure="Export both files on the same day, without filters",
    )
