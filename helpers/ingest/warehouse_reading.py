"""The first step from a warehouse's relations to canonical tables: every mapped column parsed, one row per record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from helpers.ingest.content import ColumnContent
from helpers.ingest.numbers import detect_currency
from helpers.ingest.plan import FieldPlan, Plan, SourcePlan
from helpers.ingest.schema import field_type, read_schema
from helpers.ingest.settings import CompanySettings
from helpers.ingest.tables import IN_COMPANY_CURRENCY, MOST_NUMBERS, Reading, name_column, note_alias
from helpers.ingest.vendors import find_stage_dates, header_key
from helpers.ingest.warehouse_columns import (
    Source,
    as_boolean,
    as_date,
    as_id,
    as_moment,
    as_number,
    as_text,
    is_filled,
    literal,
    quote,
)
from helpers.ingest.warehouse_origins import Connection, Origin
from helpers.ingest.warehouse_query import TableQuery, stack
from helpers.issues import IssueLog

CANONICAL = {
    "id": "text",
    "date": "date",
    "amount": "number",
    "number": "number",
    "boolean": "boolean",
    "text": "text",
    "person": "text",
    "label": "text",
}


@dataclass(frozen=True)
class Parsed:
    """One column of a relation as a canonical value.

    Attributes:
        sql: Its value over the relation's alias.
        kind: text, date, number or boolean.
        source: The column that it comes from.
        alias: ``r`` for the object's own relation, else that of a joined one.
        parsed_as: What its field holds.
        moment: For dates: its value before placeholders and "no end" are taken out.
        filled: Whether its cell says anything.
        foreign: For amounts: whether it is in a currency without a rate.
    """

    sql: str
    kind: str
    source: Source
    alias: str
    parsed_as: str
    moment: str = ""
    filled: str = ""
    foreign: str = ""


@dataclass
class Part:
    """One relation that holds records of an object, with what is joined to it."""

    source: SourcePlan
    origin: Origin
    columns: dict[str, Parsed] = field(default_factory=dict)
    joins: dict[str, tuple[str, str, Mapping[str, Parsed]]] = field(default_factory=dict)

    def select(self, wanted: Sequence[str]) -> str:
        """Write a SELECT of canonical columns."""
        shown, used = [], {}
        for name in wanted:
            if name == "source_file":
                shown.append(f"{literal(self.origin.key)} as {quote(name)}")
            elif name == "source_row":
                shown.append(f"cast(null as double) as {quote(name)}")
            elif self.columns[name].alias == "r":
                shown.append(f"{self.columns[name].sql} as {quote(name)}")
            else:
                alias = self.columns[name].alias
                used.setdefault(alias, {})[name] = None
                shown.append(f"{alias}.{quote(name)} as {quote(name)}")
        joins = [self._join(alias, list(names)) for alias, names in used.items()]
        return f"select {', '.join(shown)} from {self.origin.relation} as r{''.join(joins)}"

    def _join(self, alias: str, names: Sequence[str]) -> str:
        """Join another relation by key; of several rows with one key the earliest counts."""
        relation, key, columns = self.joins[alias]
        own = self.columns["id"].sql
        shown = ", ".join(f"{columns[name].sql} as {quote(name)}" for name in names)
        dates = [one.sql for one in columns.values() if one.parsed_as == "date"]
        order = ", ".join([*(f"{sql} nulls last" for sql in dates[:1]), key])
        numbered = f"row_number() over (partition by {key} order by {order}) as first_of_key"
        inner = f"select {key} as join_key, {shown}, {numbered} from {relation} as j"
        return (
            f" left join (select * from ({inner}) as j where first_of_key = 1) as {alias} on {alias}.join_key = {own}"
        )


def read_objects(
    plan: Plan, origins: Mapping[str, Origin], settings: CompanySettings, reading: Reading
) -> tuple[dict[str, TableQuery], dict[str, list[Part]]]:
    """Write the first SELECT of every object.

    Args:
        plan: What every relation and column is.
        origins: The relations.
        settings: ``company.toml``.
        reading: Takes where every column came from.

    Returns:
        Object → its query with duplicates and deleted records still in it; object → its relations.
    """
    queries: dict[str, TableQuery] = {}
    parts: dict[str, list[Part]] = {}
    for object_id in read_schema():
        sources = [source for source in plan.of(object_id) if source.file in origins]
        if not sources:
            continue
        parts[object_id] = [_read_part(source, origins, plan, settings, reading) for source in sources]
        kinds: dict[str, str] = {}
        for part in parts[object_id]:
            kinds |= {name: one.kind for name, one in part.columns.items() if name not in kinds}
        kinds |= {"source_file": "text", "source_row": "number"}
        stacked = [
            ({**{name: one.kind for name, one in part.columns.items()}, "source_file": "text", "source_row": "number"},
             part.select)
            for part in parts[object_id]
        ]  # fmt: skip
        base = stacked[0][1] if len(stacked) == 1 else stack(stacked, kinds)
        queries[object_id] = TableQuery(object_id, base, kinds)
    return queries, parts


def _read_part(
    source: SourcePlan, origins: Mapping[str, Origin], plan: Plan, settings: CompanySettings, reading: Reading
) -> Part:
    origin = origins[source.file]
    contents = plan.contents[source.file]
    part = Part(source, origin)
    own = {name: one for name, one in source.fields.items() if one.file == source.file and one.column in origin.columns}
    mapped = {one.column for one in own.values()}
    for name, one in own.items():
        part.columns[name] = parse_field(
            origin, source.object, name, one.column, settings, stated=source.column("currency")
        )
        reading.columns[(source.object, name)] = one
        note_alias(reading, source, name, one)
    stage_dates = {found.column for found in find_stage_dates(origin.raw.columns)}
    further = [column for column in origin.columns if column not in mapped and column not in stage_dates]
    for column in further if source.object not in {"deal_history", "deal_contact"} else []:
        name = name_column(column, set(part.columns) | set(read_schema()[source.object].fields))
        part.columns[name] = parse_further(origin, column, contents[column], settings)
        reading.columns[(source.object, name)] = FieldPlan(name, source.file, column, "name")
    for number, join in enumerate(source.joins.values()):
        if join.file in origins:
            _join_origin(
                part, f"j{number}", origins[join.file], plan.contents[join.file], join.key_column, settings, reading
            )
    return part


def _join_origin(
    part: Part,
    alias: str,
    origin: Origin,
    contents: Mapping[str, ColumnContent],
    key: str,
    settings: CompanySettings,
    reading: Reading,
) -> None:
    source = part.source
    mapped = {plan.column: name for name, plan in source.fields.items() if plan.file == origin.key}
    inner: dict[str, Parsed] = {}
    for column in [*(c for c in origin.columns if c in mapped), *(c for c in origin.columns if c not in mapped)]:
        if column == key:
            continue
        name = mapped.get(column)
        if name is None:
            name = name_column(column, set(part.columns) | set(read_schema()[source.object].fields))
            parsed = parse_further(origin, column, contents[column], settings, alias="j")
        else:
            parsed = parse_field(origin, source.object, name, column, settings, alias="j")
        inner[name] = parsed
        part.columns[name] = Parsed(f"{alias}.{quote(name)}", parsed.kind, parsed.source, alias, parsed.parsed_as)
        plan = source.fields.get(name) if column in mapped else None
        reading.columns[(source.object, name)] = plan or FieldPlan(name, origin.key, column, "name")
        reading.joined.add((source.object, name))
    part.joins[alias] = (origin.relation, as_id(origin.columns[key], "j"), inner)


def parse_field(
    origin: Origin,
    object_id: str,
    name: str,
    column: str,
    settings: CompanySettings,
    *,
    alias: str = "r",
    stated: str | None = None,
) -> Parsed:
    """Parse a column as what its field holds."""
    kind = field_type(object_id, name)
    parsed = parse_as(origin, column, kind, settings, alias=alias)
    if kind != "amount":
        return parsed
    value, foreign = _convert(origin, column, parsed, settings, stated, alias)
    is_whole = parsed.source.type == "integer" and not foreign and not stated
    cents = f"cast(round(cast({value} as decimal(18, 4)), 2) as double)"
    rounded = parsed.sql if is_whole else f"case when {value} between -1e13 and 1e13 then {cents} else {value} end"
    return Parsed(rounded, "number", parsed.source, alias, kind, filled=parsed.filled, foreign=foreign)


def parse_as(origin: Origin, column: str, kind: str, settings: CompanySettings, *, alias: str = "r") -> Parsed:
    """Parse a column as one kind of field."""
    source, said = origin.columns[column], settings.read_as(origin.key)
    filled = is_filled(source, alias)
    if kind == "date":
        where = {"time_zone": settings.time_zone, "order": said.date_order}
        moment = as_moment(source, alias, **where)
        value = moment if source.is_clean and source.type != "text" else as_date(source, alias, **where)
        return Parsed(value, "date", source, alias, kind, moment, filled)
    if kind in {"amount", "number"}:
        return Parsed(as_number(source, alias, percent=kind == "number"), "number", source, alias, kind, "", filled)
    if kind == "boolean":
        return Parsed(as_boolean(source, alias), "boolean", source, alias, kind, "", filled)
    text = as_id(source, alias) if kind == "id" else as_text(source, alias)
    return Parsed(text, "text", source, alias, kind, "", filled)


def parse_further(
    origin: Origin, column: str, content: ColumnContent, settings: CompanySettings, *, alias: str = "r"
) -> Parsed:
    """Parse a column that is no field, as ``tables.parse_further`` does."""
    kind = "text"
    is_measure = not content.is_whole or content.n_distinct > MOST_NUMBERS
    if content.kind == "date":
        kind = "date"
    elif content.kind == "number" and is_measure and not header_key(column).endswith("id"):
        kind = "number"
    parsed = parse_as(origin, column, kind, settings, alias=alias)
    return Parsed(parsed.sql, parsed.kind, parsed.source, alias, f"further {kind}")


def _convert(
    origin: Origin, column: str, parsed: Parsed, settings: CompanySettings, stated: str | None, alias: str
) -> tuple[str, str]:
    """Bring an amount into the company's currency; without a rate it is missing, and ``foreign`` tells where."""
    home, source = settings.currency, origin.columns[column]
    beside = detect_currency(origin.raw.frame[column], home=home) - {home} if source.type == "text" else set()
    use_stated = stated and stated in origin.columns
    use_stated = use_stated and not any(word in header_key(column) for word in IN_COMPANY_CURRENCY)
    if not beside and not use_stated:
        return parsed.sql, ""
    own = f"nullif(regexp_replace({source.read(alias)}, '[^A-Z]', '', 'g'), '')" if beside else "null"
    named = f"upper({as_text(origin.columns[stated], alias)})" if use_stated else "null"
    currency = f"coalesce({own}, {named}, {literal(home)})"
    branches = " ".join(
        f"when {currency} = {literal(other)} then ({parsed.sql}) * {rate!r}"
        for other, rate in settings.exchange_rates.items()
    )
    known = [home, *settings.exchange_rates]
    foreign = f"({currency} not in ({', '.join(map(literal, known))}) and ({parsed.sql}) is not null)"
    return f"case when {currency} = {literal(home)} then {parsed.sql} {branches} end", foreign


def log_faults(
    parts: Mapping[str, Sequence[Part]], connection: Connection, log: IssueLog, settings: CompanySettings
) -> None:
    """Count the values that can't be read, by table and column, since a warehouse's rows have no number to cite."""
    for object_parts in parts.values():
        for part in object_parts:
            asked: list[tuple[str, str, str, str, str, str]] = []
            for name, one in part.columns.items():
                if one.alias == "r":
                    asked += [(name, *fault) for fault in _faults_of(one, settings)]
            if asked:
                _log_counts(part, asked, connection, log)


def _faults_of(one: Parsed, settings: CompanySettings) -> list[tuple[str, str, str, str, str]]:
    """Return (condition, code, severity, message, cure) of what can be wrong with a parsed column."""
    correct = "Correct it in the warehouse, or map another column"
    faults = []
    if one.parsed_as == "date":
        if one.source.type == "text":
            faults.append((f"{one.filled} and {one.moment} is null", "not_a_date", "error",
                           "is no date that can be read; it is taken as missing",
                           f"{correct}; dates such as 2026-09-30 are always understood"))  # fmt: skip
        if not (one.source.is_clean and one.source.type != "text"):
            faults.append((f"{one.moment} is not null and {one.sql} is null", "implausible_date", "warning",
                           "lies before 1900 or after 2049, or is one that systems write for 'unknown' or 'no end'; "
                           "it is taken as missing", "Nothing to do if it means that no date is known"))  # fmt: skip
    elif one.parsed_as in {"amount", "number"} and one.source.type == "text":
        bare = one.sql if not one.foreign else as_number(one.source, one.alias)
        faults.append((f"{one.filled} and {bare} is null", "not_a_number", "error",
                       "is no number; it is taken as missing", correct))  # fmt: skip
    elif one.parsed_as == "boolean" and one.source.type != "boolean":
        faults.append((f"{one.filled} and {one.sql} is null", "not_a_boolean", "error",
                       "is neither yes nor no; it is taken as missing", correct))  # fmt: skip
    if one.foreign:
        faults.append((one.foreign, "other_currency", "error",
                       f"is not in {settings.currency}; it is taken as missing, never added up with others",
                       "Say in company.toml what one unit is worth: [exchange_rates]"))  # fmt: skip
    return faults


def _log_counts(
    part: Part, asked: Sequence[tuple[str, str, str, str, str, str]], connection: Connection, log: IssueLog
) -> None:
    sums = []
    for number, (name, condition, *_) in enumerate(asked):
        raw = f"cast({part.columns[name].source.read('r')} as varchar)"
        sums.append(f"sum(case when {condition} then 1 else 0 end) as n{number}")
        sums.append(f"min(case when {condition} then {raw} end) as v{number}")
    found = connection.fetch(f"select {', '.join(sums)} from {part.origin.relation} as r").to_pylist()[0]
    for number, (name, _, code, severity, message, cure) in enumerate(asked):
        if count := int(found[f"n{number}"] or 0):
            log.add(file=part.origin.key, column=part.columns[name].source.column, code=code, severity=severity,
                    value=found[f"v{number}"], message=say_rows(count, message), cure=cure)  # fmt: skip


def say_rows(count: int, message: str) -> str:
    """Say of how many rows a finding is, one of which is shown.

    >>> say_rows(1200, "is no date")
    'In 1,200 rows the value (one is shown) is no date'
    """
    return f"In 1 row the value {message}" if count == 1 else f"In {count:,} rows the value (one is shown) {message}"
