"""PostgreSQL through ADBC, which hands over Arrow: a million rows in about a fifth of psycopg's time."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import adbc_driver_manager as adbc
import adbc_driver_postgresql.dbapi as driver
import pyarrow as pa

from helpers.warehouse.dialect import translate
from helpers.warehouse.failures import failure, mask_password

READ_ONLY = "set session characteristics as transaction read only"


class PostgresConnection:
    """A session that can only read."""

    dialect = "postgres"

    def __init__(self, url: str, *, seconds: int = 600):
        """Connect.

        Args:
            url: As libpq takes it: ``postgresql://user:password@host:port/database?…``.
            seconds: How long a statement may take.
        """
        self._url, self._seconds = url, seconds
        self.label = mask_password(url)
        try:
            self._raw = driver.connect(url.replace("postgres://", "postgresql://", 1), autocommit=True)
        except adbc.Error as error:
            raise failure(
                url, error, "PostgreSQL can't be reached", "Check host, port, database, user and password."
            ) from error
        with self._cursor() as cursor:
            cursor.execute(READ_ONLY)
        # Without room the planner sorts on disk, once per set; compiling such a statement takes longer than running it.
        room = ("set work_mem = '256MB'", "set jit = off")
        for setting in (f"set statement_timeout = '{int(seconds)}s'", "set timezone = 'UTC'", *room):
            with self._cursor() as cursor:
                cursor.execute(setting)

    def fetch(self, sql: str) -> pa.Table:
        """Run a query and return all its rows."""
        with self._cursor() as cursor:
            cursor.execute(translate(sql, self.dialect))
            return _plain(cursor.fetch_arrow_table())

    def batches(self, sql: str, rows: int = 131_072) -> Iterator[pa.RecordBatch]:
        """Run a query and yield its rows; their number is the driver's choice."""
        with self._cursor() as cursor:
            cursor.execute(translate(sql, self.dialect))
            for batch in cursor.fetch_record_batch():
                yield from _plain(pa.Table.from_batches([batch])).to_batches(max_chunksize=rows)

    def columns(self, sql: str) -> Mapping[str, str]:
        """Return the columns of a query: name → kind."""
        nothing = f"{translate(f'select * from ({sql}) as source', self.dialect)} limit 0"
        with self._cursor() as cursor:
            cursor.execute(nothing)
            return {field.name: _kind(field.type) for field in cursor.fetch_arrow_table().schema}

    def close(self) -> None:
        """End the connection."""
        self._raw.close()

    @contextmanager
    def _cursor(self):
        cursor = self._raw.cursor()
        try:
            yield cursor
        except adbc.Error as error:
            raise self._explain(error) from error
        finally:
            cursor.close()

    def _explain(self, error: adbc.Error) -> Exception:
        state = getattr(error, "sqlstate", None) or ""
        if state == "57014" or "statement timeout" in str(error):
            cure = "Ask for fewer partitions at once, or index the tables' ids."
            return failure(self._url, error, f"the query was given up after {self._seconds} s", cure)
        if state.startswith("42") and "permission" in str(error):
            return failure(self._url, error, "PostgreSQL lets this user read only part", "Grant SELECT on the tables.")
        return failure(self._url, error, "PostgreSQL refused the query")


def _plain(table: pa.Table) -> pa.Table:
    """Turn numerics, which the driver hands over as text, into floats, and other opaque types into text."""
    for place, field in enumerate(table.schema):
        kind = field.type
        if isinstance(kind, pa.OpaqueType):
            column = table.column(place).combine_chunks()
            storage = column.storage if isinstance(column, pa.ExtensionArray) else column.cast(kind.storage_type)
            values = storage.cast(pa.float64()) if kind.type_name == "numeric" else storage.cast(pa.string())
            table = table.set_column(place, field.name, values)
    return table.replace_schema_metadata(None)


def _kind(type_: pa.DataType) -> str:
    if isinstance(type_, pa.OpaqueType):
        return "number" if type_.type_name == "numeric" else "text"
    if pa.types.is_boolean(type_):
        return "boolean"
    if pa.types.is_date(type_):
        return "date"
    if pa.types.is_timestamp(type_):
        return "timestamptz" if type_.tz else "timestamp"
    return "number" if pa.types.is_integer(type_) or pa.types.is_floating(type_) else "text"
