"""The engines: DuckDB always, PostgreSQL where its programs are, Spark when asked for (``-m spark``)."""

import pytest

from tests.engine.warehouse.servers import PostgresServer, find_postgres, open_spark


@pytest.fixture(scope="session")
def duckdb_engine():
    from helpers.warehouse.duckdb_connection import DuckDBConnection

    connection = DuckDBConnection()
    yield connection, None
    connection.close()


@pytest.fixture(scope="session")
def postgres_server():
    server = PostgresServer(find_postgres())
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres_engine(postgres_server):
    import adbc_driver_postgresql.dbapi as driver

    from helpers.warehouse.postgres import PostgresConnection

    connection = PostgresConnection(postgres_server.url)
    writer = driver.connect(postgres_server.url, autocommit=True)
    yield connection, writer
    writer.close()
    connection.close()


@pytest.fixture(scope="session")
def spark_engine():
    connection = open_spark()
    yield connection, None
    connection.close()


@pytest.fixture(params=["duckdb", "postgres", pytest.param("spark", marks=pytest.mark.spark)])
def engine(request):
    """Connection and writer of one engine after the other."""
    return request.getfixturevalue(f"{request.param}_engine")
