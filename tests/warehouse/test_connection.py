"""Connections: which engine a URL means, that nothing is ever written, and that errors keep secrets."""

import subprocess
import sys

import pyarrow as pa
import pytest

from helpers.errors import DataError, ParameterError
from helpers.warehouse.connection import mask_password, open_connection, read_scheme
from helpers.warehouse.failures import secrets_of

TYPES = (
    "select cast('a' as varchar) as t, 1 as i, cast(1.5 as decimal(12, 2)) as d, cast(2.5 as double) as f, "
    "date '2026-01-02' as day, timestamp '2026-01-02 03:04:05' as moment, true as b"
)


@pytest.mark.parametrize(
    ("url", "scheme"),
    [
        ("duckdb:", "duckdb"),
        ("duckdb:///a/b.duckdb", "duckdb"),
        ("postgres://x/y", "postgresql"),
        ("PostgreSQL://x/y", "postgresql"),
        ("spark:local[2]", "spark"),
        ("spark://host:7077", "spark"),
        ("sc://host:15002", "spark"),
    ],
)
def test_a_url_means_one_engine(url, scheme):
    assert read_scheme(url) == scheme


def test_an_unknown_url_is_refused_with_what_is_allowed_and_without_its_password():
    with pytest.raises(ParameterError, match="Did you mean 'postgresql'") as error:
        read_scheme("postgresq://kim:s3cret@host/db")
    assert "s3cret" not in str(error.value)
    assert "duckdb:///path" in str(error.value)


@pytest.mark.parametrize("scheme", ["bigquery", "snowflake"])
def test_where_no_driver_was_tested_that_is_said(scheme):
    with pytest.raises(ParameterError, match="never tested"):
        open_connection(f"{scheme}://project/set")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://kim:s3cret@db/crm",
        "postgresql://kim:s3cr%65t@db/crm",
        "postgresql://kim@db/crm?password=s3cret",
        "postgresql://kim:s3cret@[::1]:5432/crm?sslmode=require&password=s3cret",
        "sc://host:15002/;token=s3cret;user_id=kim",
    ],
)
def test_a_password_is_masked_however_it_is_written(url):
    assert "s3cret" not in mask_password(url)
    assert "s3cr%65t" not in mask_password(url)
    assert "s3cret" in secrets_of(url)


def test_a_server_that_cannot_be_reached_is_told_without_the_password(tmp_path):
    with pytest.raises(DataError) as error:
        open_connection(f"postgresql://kim:s3cret@/crm?host={tmp_path}&connect_timeout=2")
    assert "can't be reached" in str(error.value)
    assert "Check host" in str(error.value)
    assert "s3cret" not in str(error.value)


def test_a_missing_duckdb_file_is_told_with_its_path():
    with pytest.raises(DataError, match=r"no such file"):
        open_connection("duckdb:///nowhere/crm.duckdb")


def test_types_have_the_same_words_on_every_engine(engine):
    kinds = dict(engine[0].columns(TYPES))
    numbers = dict.fromkeys("idf", "number")
    assert kinds == {"t": "text", **numbers, "day": "date", "moment": "timestamp", "b": "boolean"}


def test_rows_come_whole_or_in_batches(engine):
    rows = engine[0].fetch(TYPES).to_pylist()[0]
    assert (rows["t"], rows["i"], float(rows["d"]), rows["f"], rows["b"]) == ("a", 1, 1.5, 2.5, True)
    assert rows["day"].isoformat() == "2026-01-02"
    assert rows["moment"].strftime("%Y-%m-%d %H:%M:%S") == "2026-01-02 03:04:05"
    thousand = "select a.x * 100 + b.x as n from {0} as a cross join {0} as b"
    hundred = "(" + " union all ".join(f"select {i} as x" for i in range(100)) + ")"
    batches = list(engine[0].batches(thousand.format(hundred), 3_000))
    assert all(isinstance(batch, pa.RecordBatch) and batch.num_rows <= 3_000 for batch in batches)
    assert sorted(n for batch in batches for n in batch.column("n").to_pylist()) == list(range(10_000))


def test_a_refused_query_is_told_in_words(engine):
    with pytest.raises(DataError, match=r"refused the query.*nothing_here"):
        engine[0].fetch("select nothing_here from (select 1 as x) as source")
    assert engine[0].fetch("select 1 as x").num_rows == 1


def test_postgres_never_writes(postgres_engine):
    from helpers.warehouse.dialect import native

    for statement in ("create table intruder (x int)", "create temp table t (x int)", "select nextval('s')"):
        with pytest.raises(DataError, match=r"refused|read-only"):
            postgres_engine[0].fetch(statement)
    with pytest.raises(DataError, match="refused"):
        postgres_engine[0].fetch(f"select * from {native('delete from t returning 1')} as source")
    with postgres_engine[1].cursor() as cursor:
        cursor.execute("create table if not exists guarded (x int)")
    with pytest.raises(DataError, match="read-only"):
        postgres_engine[0].fetch("insert into guarded values (1) returning x")


def test_a_duckdb_file_is_opened_for_reading_only(tmp_path):
    import duckdb

    path = tmp_path / "crm.duckdb"
    with duckdb.connect(str(path)) as made:
        made.execute("create table deal as select 1 as id")
    connection = open_connection(f"duckdb:///{path}")
    assert connection.fetch("select id from deal").to_pylist() == [{"id": 1}]
    with pytest.raises(DataError, match="read-only"):
        connection.fetch("insert into deal values (2)")
    connection.close()


SLOW = {
    "duckdb:": "select count(*) as n from range(100000000) as a, range(1000000) as b where a.range % 7 = b.range % 5",
    "postgres": "select count(*) as n from generate_series(1, 100000000) as a, generate_series(1, 100000) as b",
}


def test_a_query_that_takes_too_long_is_given_up(postgres_server):
    for url, sql in (("duckdb:", SLOW["duckdb:"]), (postgres_server.url, SLOW["postgres"])):
        connection = open_connection(url, seconds=1)
        with pytest.raises(DataError, match="given up after 1 s"):
            connection.fetch(sql)
        connection.close()


def test_sqlglot_and_drivers_are_not_imported_for_duckdb():
    """A process of its own: what other tests imported would hide it."""
    code = (
        "import sys; from helpers.warehouse.connection import open_connection; "
        "open_connection('duckdb:').fetch('select 1'); "
        "print([name for name in ('sqlglot', 'adbc_driver_postgresql', 'pyspark') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
