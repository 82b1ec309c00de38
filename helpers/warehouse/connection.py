"""A connection to where a company's tables lie: what every engine offers, and which one a URL means."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote

from helpers.errors import ParameterError, suggest
from helpers.warehouse.failures import mask_password

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMES = {
    "duckdb": "duckdb: or duckdb:///path/to/file.duckdb",
    "postgresql": "postgresql://user@host:5432/database",
    "spark": "spark:local[2], spark://host:7077 or sc://host:15002",
    "bigquery": "bigquery://project/dataset",
    "snowflake": "snowflake://account/database",
}
ALIASES = {"postgres": "postgresql", "sc": "spark"}
TEXT_ONLY = ("bigquery", "snowflake")

CONNECTION_VARIABLE = "REVENUE_ENGINE_CONNECTION"
"""Environment variable that says where the tables of warehouses lie; by it a run tells its notebooks."""

SECONDS = 600
"""How long a statement may take before it is given up."""

KINDS = ("text", "number", "date", "timestamp", "timestamptz", "boolean")
"""The words for a column's type; timestamptz is a moment, the others have no zone."""


class Connection(Protocol):
    """Where SQL is run. SQL handed in is written in DuckDB's dialect; a connection only ever reads.

    Attributes:
        dialect: duckdb, postgres or spark.
        label: The URL without what is secret in it.
    """

    dialect: str
    label: str

    def fetch(self, sql: str) -> "pa.Table":
        """Run a query and return all its rows.

        Raises:
            DataError: The warehouse refused it, lost the connection, or took longer than allowed.
        """

    def batches(self, sql: str, rows: int) -> "Iterator[pa.RecordBatch]":
        """Run a query and yield its rows, about so many at a time."""

    def columns(self, sql: str) -> Mapping[str, str]:
        """Return the columns of a query, without running it over its rows: name → one of ``KINDS``."""

    def close(self) -> None:
        """End the connection."""


def open_connection(
    url: str, *, seconds: int = SECONDS, memory_limit: str = "", temp_directory: str = ""
) -> Connection:
    """Connect to a warehouse.

    Args:
        url: See ``SCHEMES``.
        memory_limit: For DuckDB, such as ``2GB``; empty leaves its own.
        temp_directory: For DuckDB, where it may spill what doesn't fit.
        seconds: How long a statement may take.

    Raises:
        ParameterError: The URL names no engine known here, or one that isn't installed or wasn't tested.
        DataError: The warehouse can't be reached.
    """
    scheme = read_scheme(url)
    if scheme in TEXT_ONLY:
        raise ParameterError(
            f"[connection] {scheme} can't be asked from here: its driver was never tested with this workbook. The SQL "
            "can be shown and run by hand. To compute here, copy the tables to Parquet, DuckDB, PostgreSQL or Spark."
        )
    try:
        if scheme == "duckdb":
            from helpers.warehouse.duckdb_connection import DuckDBConnection

            path = unquote(url.partition(":")[2].removeprefix("//").partition("?")[0])
            return DuckDBConnection(path, seconds=seconds, memory_limit=memory_limit, temp_directory=temp_directory)
        if scheme == "postgresql":
            from helpers.warehouse.postgres import PostgresConnection

            return PostgresConnection(url, seconds=seconds)
        from helpers.warehouse.spark import SparkConnection

        return SparkConnection(url, seconds=seconds)
    except ImportError as error:
        raise ParameterError(
            f"[connection] {scheme} needs a library that isn't installed ({error.name}). "
            f'Install it with: pip install "revenue-engine-diagnostic[{scheme}]"'
        ) from error


def read_scheme(url: str) -> str:
    """Return which engine a URL means.

    Raises:
        ParameterError: None that is known.

    >>> read_scheme("postgres://localhost/crm")
    'postgresql'
    """
    found = re.match(r"([a-z][a-z0-9+]*):", url.strip(), re.IGNORECASE)
    scheme = found[1].lower() if found else ""
    scheme = ALIASES.get(scheme, scheme)
    if scheme not in SCHEMES:
        written = "; ".join(SCHEMES.values())
        raise ParameterError(
            f"[connection] '{mask_password(url)}' names no warehouse known here.{suggest(scheme, SCHEMES)} "
            f"Allowed: {written}."
        )
    return scheme
