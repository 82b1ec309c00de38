"""Put a company's canonical tables into an engine, and hand back the company as it lies there."""

import itertools
from types import SimpleNamespace

import pandas as pd
import pyarrow as pa

from helpers.warehouse.dialect import native, quote_name
from helpers.engine.warehouse.journey_query import Tables

_NUMBERS = itertools.count()


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
        else:
            connection.session.createDataFrame(table).createOrReplaceTempView(name)
        listed = ", ".join(f"source.{quote_name(column)} as {quote_name(column)}" for column in table.column_names)
        selects[object] = f"select {listed} from {native(f'select * from {name}')} as source"
    if writer is not None:
        with writer.cursor() as cursor:
            cursor.execute("analyze")
    return Tables(selects, {object: connection.columns(text) for object, text in selects.items()})


def lay_out(company, connection, *, writer=None):
    """Return the company with its tables in the engine (a stand-in that has what the engine reads of a company)."""
    tables = load_tables(connection, company.tables, writer=writer)
    warehouse = SimpleNamespace(
        connection=connection, objects=tuple(tables.selects), columns=tables.columns.get, select=tables.selects.get
    )
    own = {name: value for name, value in vars(company).items() if not name.startswith("_")}
    return SimpleNamespace(**own | {"warehouse": warehouse})
