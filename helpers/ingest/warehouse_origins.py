"""Where the tables of a company lie: relations of a warehouse, or files in place, and what their columns hold."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from helpers.errors import DataError, DiagnosticError, ParameterError
from helpers.ingest.content import ColumnContent, describe_column
from helpers.ingest.dates import detect_date_conventions
from helpers.ingest.files import DELIMITED, RawTable, read_table
from helpers.ingest.numbers import detect_number_convention
from helpers.ingest.settings import CompanySettings, FileSettings
from helpers.ingest.snapshots import list_days, list_files
from helpers.ingest.values import TEXT_BLANKS
from helpers.ingest.warehouse_columns import BLANK_LIKE, Source, listed, literal, name_relation, quote
from helpers.issues import IssueLog

SAMPLED_ROWS = 20_000
"""So many rows of a relation are looked at to tell what its columns hold and how they write dates and numbers."""

MANY_ROWS, SAMPLED_OF_MANY = 200_000, 4_000
"""Of a relation with more rows fewer are looked at: what its columns hold is plain from them."""

LARGE_ROWS = 2_000_000
"""Files with more rows are read in place and never as a whole."""

BYTES_PER_ROW = 60
"""A delimited file has at least so many bytes per row; a smaller one can't have that many rows."""


class Connection(Protocol):
    """What is asked of a connection: text in DuckDB's dialect in, rows out."""

    dialect: str
    label: str

    def fetch(self, sql: str) -> Any:
        """Return all rows as a pyarrow table."""

    def columns(self, sql: str) -> Mapping[str, str]:
        """Return each column's type word."""

    def close(self) -> None:
        """Let go."""


@dataclass(frozen=True)
class Origin:
    """One relation that holds rows.

    Attributes:
        key: How ``company.toml`` and issues name it.
        relation: What stands after FROM.
        n_rows: Rows in it.
        columns: Column → what is known of it.
        raw: A sample of it, as exports are read.
        contents: What its columns hold, by the sample.
        modified: A fingerprint of the file; empty for a warehouse, whose state nobody can tell.
    """

    key: str
    relation: str
    n_rows: int
    columns: Mapping[str, Source]
    raw: RawTable
    contents: Mapping[str, ColumnContent]
    modified: str = ""


def name_origins(settings: CompanySettings) -> dict[str, str]:
    """Name every relation and file that ``company.toml`` speaks of: its key → table, query or file as said there."""
    said: dict[str, str] = {}
    for object_id, one in settings.objects.items():
        key = one.origin(object_id)
        said[key] = "query" if one.query else "table" if one.table else "file"
        for also in one.also:
            said[also.origin] = "table" if also.table else "file"
        for written in one.fields.values():
            if one.file is None and "." in written and written not in said:
                said[written] = "perhaps a column"
    for lookup in settings.lookups:
        said[lookup.origin] = "query" if lookup.query else "table" if lookup.table else "file"
    return said


def open_origins(folder: Path, settings: CompanySettings, connection: Connection, log: IssueLog) -> dict[str, Origin]:
    """Look at every relation that ``company.toml`` names.

    Raises:
        DataError: One can't be read; the text says which and why.
    """
    origins: dict[str, Origin] = {}
    for object_id, one in settings.objects.items():
        key = one.origin(object_id)
        if one.file is None and key not in origins:
            relation = f"({one.query.strip().rstrip(';')})" if one.query else name_relation(one.table or "")
            origins[key] = _open(key, relation, settings, connection, place=f"objects.{object_id}")
        for also in one.also:
            if also.table and also.origin not in origins:
                origins[also.origin] = _open(also.origin, name_relation(also.table), settings, connection,
                                             place=f"objects.{object_id}.also")  # fmt: skip
        if one.file is None:
            for field, written in one.fields.items():
                _open_joined(written, origins, settings, connection, place=f"objects.{object_id}.fields.{field}")
    for lookup in settings.lookups:
        if (lookup.table or lookup.query) and lookup.origin not in origins:
            relation = f"({lookup.query.strip().rstrip(';')})" if lookup.query else name_relation(lookup.table or "")
            origins[lookup.origin] = _open(lookup.origin, relation, settings, connection, place="lookups")
    files = _files_needed(settings)
    if files or not settings.objects:
        origins |= open_files(folder, settings, connection, log, only=files)
    return origins


def _open_joined(
    written: str, origins: dict[str, Origin], settings: CompanySettings, connection: Connection, *, place: str
) -> None:
    """Open the relation of a field that is taken from another table (``crm.closed_deals.won_date``)."""
    table, dot, _ = written.rpartition(".")
    if not dot or table in origins or any(written in origin.columns for origin in origins.values()):
        return
    origins[table] = _open(table, name_relation(table), settings, connection, place=place)


def _files_needed(settings: CompanySettings) -> set[str]:
    needed = {one.file for one in settings.objects.values() if one.file}
    needed |= {also.file for one in settings.objects.values() for also in one.also if also.file}
    return needed | {lookup.file for lookup in settings.lookups if lookup.file}


def open_files(
    folder: Path, settings: CompanySettings, connection: Connection, log: IssueLog, *, only: Iterable[str]
) -> dict[str, Origin]:
    """Open the newest export's files: large ones in place, others as text in the cache, where DuckDB finds them.

    Raises:
        DataError: A file is missing or can't be read.
        ParameterError: The connection leads to a warehouse that can't see files.
    """
    days = list_days(folder)
    wanted = set(only)
    if not days:
        if wanted:
            raise DataError(f"[company.toml] the file '{min(wanted)}' is named but there is no crm/.")
        return {}
    if connection.dialect != "duckdb":
        raise ParameterError(
            f"[connection] {connection.label} can't read files, and company.toml names '{min(wanted)}'. "
            'Load it into a table and name that: table = "…", or use the connection duckdb:'
        )
    newest = max(days)
    if len(days) > 1:
        log.add(file="crm", code="earlier_exports_not_compared", severity="note", value=len(days) - 1,
                message=f"Only the export of {newest} is read in place; the {len(days) - 1} before it are not compared",
                cure="Bring the CRM's own history of deals, or leave the connection out")  # fmt: skip
    origins = {}
    for path in list_files(days[newest]):
        role, said = settings.role_of(path.name), settings.read_as(path.name)
        if said.unused or (wanted and role not in wanted):
            continue
        origins[role] = _open_file(path, role, said, settings, connection, log, folder / ".cache")
    missing = sorted(wanted - set(origins))
    if missing:
        raise DataError(f"[company.toml] the file '{missing[0]}' is named but not under crm/{newest}.")
    return origins


def count_rows(path: Path) -> int:
    """Tell about how many rows a file has, without reading it: a Parquet file says it, others by their first lines."""
    if path.suffix.lower() in {".parquet", ".pq"}:
        import pyarrow.parquet as pq

        try:
            return int(pq.ParquetFile(path).metadata.num_rows)
        except Exception:
            return 0
    if path.suffix.lower() not in DELIMITED:
        return 0
    size = path.stat().st_size
    if size < LARGE_ROWS * BYTES_PER_ROW // 4:
        return 0
    with path.open("rb") as stream:
        start = stream.read(1 << 20)
    return int(size * start.count(b"\n") / max(len(start), 1))


def has_large_files(folder: Path) -> bool:
    """Tell whether any file of the newest export has more rows than fit in memory comfortably."""
    days = list_days(folder)
    return bool(days) and any(count_rows(path) > LARGE_ROWS for path in list_files(days[max(days)]))


def _open_file(
    path: Path,
    key: str,
    said: FileSettings,
    settings: CompanySettings,
    connection: Connection,
    log: IssueLog,
    cache: Path,
) -> Origin:
    stat = path.stat()
    modified = hashlib.sha256(f"{path.name}:{stat.st_size}:{stat.st_mtime_ns}".encode()).hexdigest()
    if path.suffix.lower() in {".parquet", ".pq"}:
        relation = f"read_parquet({literal(path)})"
    elif count_rows(path) > LARGE_ROWS:
        extra = f", delim={literal(said.separator)}" if said.separator else ""
        extra += ", encoding='latin-1'" if said.encoding in {"latin-1", "iso-8859-1"} else ""
        relation = f"read_csv({literal(path)}, all_varchar=true, header=true, null_padding=true{extra})"
    else:
        found = IssueLog()
        raw = read_table(path, log=found, encoding=said.encoding, separator=said.separator, sheet=said.sheet)
        log.extend(found.to_frame().assign(file=key))
        kept = cache / f"raw-{modified[:16]}.parquet"
        if not kept.is_file():
            cache.mkdir(exist_ok=True)
            partial = kept.with_suffix(".partial")
            raw.frame.reset_index(names="source_row").astype({"source_row": "int64"}).to_parquet(partial, index=False)
            partial.replace(kept)
        relation = f"(select * exclude (source_row) from read_parquet({literal(kept)}))"
    return replace(_open(key, relation, settings, connection, place=key), modified=modified)


def _open(key: str, relation: str, settings: CompanySettings, connection: Connection, *, place: str) -> Origin:
    try:
        types = connection.columns(f"select * from {relation} as r")
        n_rows = int(connection.fetch(f"select count(*) as n from {relation} as r").column("n")[0].as_py())
        sampled = SAMPLED_ROWS if n_rows <= MANY_ROWS else SAMPLED_OF_MANY
        sample = connection.fetch(f"select * from {relation} as r limit {sampled}")
    except DiagnosticError as error:
        raise DataError(f"[company.toml, {place}] '{key}' can't be read from {connection.label}: {error}") from None
    types = {name: _refine(type_, sample.schema.field(name).type) for name, type_ in types.items()}
    frame = pd.DataFrame({name: _as_written(sample.column(name)) for name in sample.column_names})
    frame.index = pd.RangeIndex(1, len(frame) + 1, name="source_row")
    raw = RawTable(key, tuple(frame.columns), frame, 0, "", "", "", rows_read=n_rows)
    contents = {name: _describe(frame[name], types[name]) for name in frame}
    dates = detect_date_conventions(frame, columns=[n for n, found in contents.items() if found.kind == "date"])
    clean = _find_clean(relation, types, connection)
    columns = {
        name: Source(
            name,
            types[name],
            is_clean=name in clean,
            has_decimals=types[name] == "text" and bool(frame[name].str.endswith(".0").any()),
            dates=dates.get(name) if types[name] == "text" else None,
            numbers=detect_number_convention(frame[name]) if _may_be_number(types[name], contents[name]) else None,
            is_files=connection.dialect == "duckdb",
        )
        for name in types
    }
    return Origin(key, relation, n_rows, columns, raw, contents)


def _as_written(values: Any) -> pd.Series:
    """Write a column as an export would: whole numbers without a point, moments as ISO, missing as missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type
    if pa.types.is_null(kind):
        return pd.Series([None] * len(values), dtype="str")
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        moments = pd.Series(pc.cast(values, pa.timestamp("us", getattr(kind, "tz", None))).to_pandas())
        known = moments.dropna()
        at_midnight = bool((known == known.dt.normalize()).all())
        zoned = known.dt.tz is not None
        text = moments.dt.strftime("%Y-%m-%d" if at_midnight and not zoned else "%Y-%m-%d %H:%M:%S")
        return (text + "Z" if zoned else text).astype("str")
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = pc.cast(values, pa.float64()).to_pandas()
        is_whole = bool((numbers.dropna() % 1 == 0).all())
        return numbers.astype("Int64").astype("str").where(numbers.notna()) if is_whole else numbers.map(
            lambda number: repr(float(number)), na_action="ignore").astype("str")  # fmt: skip
    text = pc.cast(values, pa.large_string()).to_pandas().astype("str")
    return text.mask(text.str.strip(BLANK_LIKE).eq("").fillna(False))


def _describe(values: pd.Series, type_: str) -> ColumnContent:
    """Tell what a column holds: by its type in the warehouse where that is more than text, else by its values."""
    if type_ == "text" or not values.notna().any():
        return describe_column(values)
    kind = {"integer": "number", "number": "number", "boolean": "boolean"}.get(type_, "date")
    distinct = pd.Series(values.dropna().unique(), dtype="str")
    is_whole = type_ == "integer" or (type_ == "number" and not distinct.str.contains(".", regex=False).any())
    return ColumnContent(
        kind, len(values), int(values.notna().sum()), len(distinct), is_whole, float(distinct.str.len().mean())
    )


def _may_be_number(type_: str, content: ColumnContent) -> bool:
    return type_ == "text" and content.kind in {"number", "date", "empty"}


def _refine(word: str, kind: Any) -> str:
    """Tell whole numbers and moments with a zone apart, which one word stands for."""
    import pyarrow as pa

    if word == "number" and pa.types.is_integer(kind):
        return "integer"
    return "timestamptz" if word == "timestamp" and getattr(kind, "tz", None) else word


def _find_clean(relation: str, types: Mapping[str, str], connection: Connection) -> set[str]:
    """Find the columns that can be taken as they stand, by a look at every row.

    Texts that need no stripping and hold no spelling of "nothing"; dates that are none that systems write for "unknown"
    or "no end".
    """
    asked: dict[str, str] = {}
    for column, type_ in types.items():
        c = f"r.{quote(column)}"
        if type_ == "text":
            asked[column] = _needs_stripping(c, connection.dialect)
        elif type_ in {"date", "timestamp", "timestamptz"}:
            asked[column] = f"{c} < timestamp '1970-01-03 00:00:00' or {c} >= timestamp '2049-12-30 00:00:00'"
    if not asked:
        return set()
    sums = [f"sum(case when {test} then 1 else 0 end) as n{number}" for number, test in enumerate(asked.values())]
    row = connection.fetch(f"select {', '.join(sums)} from {relation} as r").to_pylist()[0]
    return {column for number, column in enumerate(asked) if not row[f"n{number}"]}


def _needs_stripping(text: str, dialect: str) -> str:
    """Write the test whether a text has blanks around it or spells nothing.

    DuckDB evaluates functions of one column once per distinct text where it is stored with a dictionary, but no IN.
    """
    blanks = ["", *sorted(TEXT_BLANKS)]
    if dialect != "duckdb":
        return f"regexp_matches({text}, {literal(f'^[{BLANK_LIKE}]|[{BLANK_LIKE}]$')}) or {text} in {listed(blanks)}"
    bare = literal(f"(?s)[^{BLANK_LIKE}](.*[^{BLANK_LIKE}])?")
    spelled = ", ".join(map(literal, blanks))
    return f"not regexp_full_match({text}, {bare}) or list_contains([{spelled}], {text})"
