"""SQL text: names and values that come from people, and the way from DuckDB's dialect into a warehouse's.

Our own SQL is written once, in DuckDB's dialect. Elsewhere it is transpiled by sqlglot, which is only imported there.
Names and values of people enter it through ``quote_name`` and ``quote_text``; what a company wrote in its warehouse's
own SQL (``table`` and ``query`` in company.toml) through ``native``, which nobody parses.
"""

import re

from helpers.errors import DataError, QuestionError

DUCKDB = "duckdb"
DIALECTS = (DUCKDB, "postgres", "spark", "bigquery", "snowflake")

MOST_GROUPING_SETS = {DUCKDB: 2000, "postgres": 4000, "spark": 500, "bigquery": 100, "snowflake": 128}
"""Grouping sets in one statement. Snowflake's and PostgreSQL's (4096) are limits of theirs, BigQuery's is short of the
one that its documentation doesn't name; the others keep a statement readable by its planner."""

_NATIVE = re.compile(r"""(["`])native:([0-9a-f]+)\1""")


def quote_name(name: str) -> str:
    """Quote a name (of a column, a table), whatever it holds.

    Raises:
        DataError: It holds a NUL, which no database takes, or nothing.

    >>> quote_name('sales "agent"')
    '"sales ""agent\"""'
    """
    if not name or "\0" in name:
        raise DataError(f"[warehouse] a column is named {name!r}, which SQL can't spell. Rename it in a query.")
    return '"' + name.replace('"', '""') + '"'


def quote_text(value: str) -> str:
    """Quote a value as a literal, whatever it holds.

    Raises:
        QuestionError: It holds a NUL, which no database stores in a text.

    >>> quote_text("O'Brien; drop table deals --")
    "'O''Brien; drop table deals --'"
    """
    if "\0" in value:
        raise QuestionError(f"the value {value!r} holds a NUL character, which no database stores. Leave it out.")
    return "'" + value.replace("'", "''") + "'"


def native(sql: str) -> str:
    """Wrap SQL of the warehouse's own so that it can stand after FROM in ours.

    The text travels inside a name and comes out again, as it was written, in ``translate``: so it is neither parsed nor
    requoted by us, whatever its dialect.

    >>> translate("select id from " + native("select * from crm.deals;") + " as source", "duckdb")
    'select id from (\\nselect * from crm.deals\\n) as source'
    """
    text = sql.strip().rstrip(";").strip()
    if not text:
        raise DataError("[company.toml] a query is empty. Write the SELECT whose rows are the records.")
    return f'"native:{text.encode().hex()}"'


def translate(sql: str, dialect: str) -> str:
    """Turn our SQL into a warehouse's.

    Args:
        sql: One statement in DuckDB's dialect.
        dialect: One of ``DIALECTS``.

    Returns:
        The statement in that dialect, every name quoted as it was written.

    Raises:
        DataError: The statement holds something that the dialect lacks.
    """
    if dialect != DUCKDB:
        sql = _transpile(sql, dialect)
    return _NATIVE.sub(lambda found: f"(\n{bytes.fromhex(found[2]).decode()}\n)", sql)


def _transpile(sql: str, dialect: str) -> str:
    import sqlglot
    from sqlglot.errors import ErrorLevel, SqlglotError

    try:
        texts = sqlglot.transpile(
            sql, read=DUCKDB, write=dialect, identify=True, unsupported_level=ErrorLevel.RAISE, pretty=True
        )
    except SqlglotError as error:
        raise DataError(f"[warehouse] this question can't be put in {dialect}'s SQL: {error}") from error
    if len(texts) != 1:
        raise DataError(f"[warehouse] one statement was expected, {len(texts)} were found.")
    return texts[0]
