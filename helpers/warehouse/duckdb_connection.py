"""DuckDB in this process: files of its own, and Parquet and CSV read in place."""

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb
import pyarrow as pa

from helpers.warehouse.dialect import DUCKDB, translate
from helpers.warehouse.failures import failure

NUMBERS = ("INT", "DECIMAL", "DOUBLE", "FLOAT", "REAL", "NUMERIC")


class DuckDBConnection:
    """A database file opened for reading, or none at all (``duckdb:``)."""

    dialect = DUCKDB

    def __init__(self, path: str = "", *, seconds: int = 600, memory_limit: str = "", temp_directory: str = ""):
        """Open a database.

        Args:
            path: The file; empty is a database in memory, from which files are read by their path.
            seconds: How long a statement may take.
            memory_limit: Such as ``2GB``; empty leaves DuckDB's own.
            temp_directory: Where it may spill what doesn't fit; empty leaves its own choice.
        """
        self._url, self._seconds = f"duckdb:{path}", seconds
        self.label = self._url
        in_memory = path in ("", ":memory:")
        config = {"memory_limit": memory_limit, "temp_directory": temp_directory}
        config = {name: value for name, value in config.items() if value} | {"preserve_insertion_order": "false"}
        if not in_memory and not Path(path).is_file():
            raise failure(self._url, FileNotFoundError("there is no such file"), "the database can't be opened")
        try:
            self.raw = duckdb.connect(path or ":memory:", read_only=not in_memory, config=config)
        except duckdb.Error as error:
            raise failure(self._url, error, "the database can't be opened") from error

    def fetch(self, sql: str) -> pa.Table:
        """Run a query and return all its rows."""
        with self._limited() as cursor:
            return cursor.execute(translate(sql, DUCKDB)).to_arrow_table()

    def batches(self, sql: str, rows: int = 131_072) -> Iterator[pa.RecordBatch]:
        """Run a query and yield its rows."""
        with self._limited() as cursor:
            yield from cursor.execute(translate(sql, DUCKDB)).to_arrow_reader(rows)

    def keep(self, sql: str) -> "KeptRows":
        """Run a query once and keep its rows beside the database, which stays as it is, for further queries."""
        return KeptRows(self, sql)

    def columns(self, sql: str) -> Mapping[str, str]:
        """Return the columns of a query: name → kind."""
        with self._limited() as cursor:
            described = cursor.execute(f"describe {translate(sql, DUCKDB)}").fetchall()
        return {name: _kind(type_) for name, type_, *_ in described}

    def close(self) -> None:
        """End the connection."""
        self.raw.close()

    def _limited(self) -> "_Limited":
        return _Limited(self.raw.cursor(), self._seconds, self._url)


class KeptRows:
    """The rows of a query, as the table ``kept``; it goes away with this object."""

    table = "kept"

    def __init__(self, connection: DuckDBConnection, sql: str):
        """Run the query; what doesn't fit into memory is spilled where the connection spills."""
        self._cursor, self._seconds, self._url = connection.raw.cursor(), connection._seconds, connection._url
        with self._limited() as cursor:
            cursor.execute(f"create temporary table {self.table} as {translate(sql, DUCKDB)}")

    def fetch(self, sql: str) -> pa.Table:
        """Run a query over ``kept`` and return all its rows."""
        with self._limited() as cursor:
            return cursor.execute(sql).to_arrow_table()

    def _limited(self) -> "_Limited":
        return _Limited(self._cursor, self._seconds, self._url, is_kept=True)


class _Limited:
    """A cursor that is interrupted when its time is up, and whose errors are put in our words."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, seconds: int, url: str, *, is_kept: bool = False):
        self._cursor, self._seconds, self._url, self._is_kept = cursor, seconds, url, is_kept
        self._timer = threading.Timer(seconds, self._cursor.interrupt)
        self._timer.daemon = True

    def __enter__(self) -> duckdb.DuckDBPyConnection:
        self._timer.start()
        return self._cursor

    def __exit__(self, kind, error, trace) -> None:
        self._timer.cancel()
        if not self._is_kept:
            self._cursor.close()
        if isinstance(error, duckdb.InterruptException):
            raise failure(
                self._url, error, f"the query was given up after {self._seconds} s", "Ask for fewer partitions at once."
            ) from error
        if isinstance(error, duckdb.Error):
            raise failure(self._url, error, "DuckDB refused the query") from error


def _kind(type_: str) -> str:
    if type_ == "BOOLEAN":
        return "boolean"
    if type_ == "DATE":
        return "date"
    if type_.startswith("TIMESTAMP"):
        return "timestamptz" if type_ == "TIMESTAMP WITH TIME ZONE" else "timestamp"
    return "number" if any(word in type_ for word in NUMBERS) else "text"
