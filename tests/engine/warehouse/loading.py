"""Put a company's canonical tables into an engine, and hand back the company as it lies there."""

import itertools
import re
from dataclasses import replace

import pandas as pd
import pyarrow as pa

from helpers.engine.warehouse.journey_query import Tables
from helpers.warehouse.dialect import native, quote_name

_NUMBERS = itertools.count()


class LoadedTables:
    """What a company's warehouse says of its objects, over tables that a test has loaded."""

    def __init__(self, connection, tables: Tables):
        self.connection, self._tables = connection, tables
        self.objects = tuple(tables.selects)

    def columns(self, object: str):
        return self._tables.columns[object]

    def select(self, object: str) -> str:
        return self._tables.selects[object]

    def count(self, object: str) -> int:
        sql = f"select count(*) as n from (\n{self.select(object)}\n) as source"
        return self.connection.fetch(sql).column("n")[0].as_py()

    def name_source(self, object: str, query: str) -> None:
        """Let an object be read by another query, for a text that isn't run here."""
        table = re.search(r'"native:[0-9a-f]+"', self._tables.selects[object])[0]
        names = {**self._tables.selects, object: self._tables.selects[object].replace(table, native(query))}
        self._tables = Tables(names, self._tables.columns)


def as_arrow(frame: pd.DataFrame) -> pa.Table:
    """Return a canonical table as Arrow, with types that every engine knows."""
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    fields = []
    for field in table.schema:
        kind = field.type
        if pa.types.is_large_string(kind) or pa.types.is_null(kind) or pa.types.is_dictionary(kind):
            kind = pa.string()
        elif pa.types.is_timestamp(kind):
            kind = pa.timestamp("us")
        fields.append(pa.field(field.name, kind))
    return table.cast(pa.schema(fields))


def as_frame(table: pa.Table, like: pd.DataFrame) -> pd.DataFrame:
    """Return a fetched table with the types of a canonical one."""
    columns = {}
    for name in like.columns:
        values = table.column(name).combine_chunks()
        if pa.types.is_timestamp(values.type):
            values = values.cast(pa.timestamp("us"))
        columns[name] = values.to_pandas().astype(like[name].dtype)
    return pd.DataFrame(columns)


def load_tables(connection, tables, *, writer=None) -> Tables:
    """Load canonical tables under fresh names and return the SELECTs that read them.

    Args:
        connection: The connection under test, which may only read.
        tables: Object → canonical table.
        writer: For PostgreSQL, a connection that may write.
    """
    group = f"company_{next(_NUMBERS)}"
    selects = {}
    for object, frame in tables.items():
        name, table = f"{group}_{object}", as_arrow(frame)
        if connection.dialect == "duckdb":
            connection.raw.register("incoming", table)
            connection.raw.execute(f"create table {name} as select * from incoming")
            connection.raw.unregister("incoming")
        elif connection.dialect == "postgres":
            with writer.cursor() as cursor:
                cursor.adbc_ingest(name, table, mode="create")
                cursor.execute(f"analyze {name}")
        else:
            connection.session.createDataFrame(table).createOrReplaceTempView(name)
        listed = ", ".join(f"source.{quote_name(column)} as {quote_name(column)}" for column in table.column_names)
        selects[object] = f"select {listed} from {native(f'select * from {name}')} as source"
    return Tables(selects, {object: connection.columns(text) for object, text in selects.items()})


def lay_out(company, connection, *, writer=None):
    """Return the company with its tables in the engine: what is needed of them in memory is fetched from there."""
    tables = load_tables(connection, company.tables, writer=writer)
    fetched = {
        object: as_frame(connection.fetch(tables.selects[object]), frame) for object, frame in company.tables.items()
    }
    return replace(company, tables=fetched, warehouse=LoadedTables(connection, tables))
