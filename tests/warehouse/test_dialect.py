"""SQL text: hostile names and values stay data in every dialect, and what differs between dialects is put right."""

import pytest
import sqlglot

from helpers.errors import DataError, QuestionError
from helpers.warehouse.dialect import DIALECTS, native, quote_name, quote_text, translate

HOSTILE = [
    "O'Brien",
    'say "hi"',
    "back\\slash",
    "'; drop table deals; --",
    "`tick`",
    "\\'",
    "\n",
    "日本",
    "$1 %s {x} :y /* */",
]
OTHERS = [one for one in DIALECTS if one != "duckdb"]


@pytest.mark.parametrize("dialect", OTHERS)
@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_value_is_one_literal_in_every_dialect(dialect, text):
    """Parsed again in that dialect, the statement holds exactly one literal, with the value as it was."""
    written = translate(f"select {quote_text(text)} as x", dialect)
    parsed = sqlglot.parse_one(written, read=dialect)
    assert [one.this for one in parsed.find_all(sqlglot.exp.Literal)] == [text]


@pytest.mark.parametrize("dialect", OTHERS)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_one_column_in_every_dialect(dialect, name):
    written = translate(f"select source.{quote_name(name)} from t as source", dialect)
    parsed = sqlglot.parse_one(written, read=dialect)
    assert [column.name for column in parsed.find_all(sqlglot.exp.Column)] == [name]


def test_a_nul_is_refused_in_words():
    with pytest.raises(QuestionError, match="NUL"):
        quote_text("a\0b")
    with pytest.raises(DataError, match=r"NUL|can.t spell"):
        quote_name("a\0b")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_companys_own_sql_is_neither_parsed_nor_requoted(dialect):
    """What only the warehouse itself understands comes out as it was written, comment at the end included."""
    own = "select Id, data ->> 'x' as X from Crm.Deals tablesample bernoulli (5) -- all of them"
    written = translate(f'select source."Id" from {native(own + ";")} as source', dialect)
    assert f"(\n{own}\n)" in written
    assert "native:" not in written


def test_an_empty_query_is_refused():
    with pytest.raises(DataError, match="empty"):
        native("  ; ")


def test_what_a_dialect_lacks_is_an_error_and_no_wrong_text():
    with pytest.raises(DataError, match="postgres"):
        translate("pivot t on x using sum(y)", "postgres")


@pytest.mark.parametrize(
    ("sql", "dialect", "expected"),
    [
        ("select date_diff('day', a, b)", "postgres", 'CAST("b" AS DATE) - CAST("a" AS DATE)'),
        ("select date_diff('day', a, b)", "bigquery", "DATE_DIFF(`b`, `a`, DAY)"),
        ("select date_diff('day', a, b)", "snowflake", 'DATEDIFF(DAY, "a", "b")'),
        ("select date_diff('day', a, b)", "spark", "DATEDIFF(DAY, `a`, `b`)"),
        ("select regexp_matches(a, '^x')", "postgres", "\"a\" ~ '^x'"),
        ("select regexp_matches(a, '^x')", "bigquery", "REGEXP_CONTAINS(`a`, '^x')"),
        ("select a from t group by grouping sets ((a), ())", "snowflake", "GROUPING SETS"),
        ("select a from t group by grouping sets ((a), ())", "bigquery", "GROUPING SETS"),
        ("select cast(x as decimal(28, 4))", "bigquery", "CAST(`x` AS NUMERIC)"),
    ],
)  # fmt: skip
def test_what_differs_between_dialects_is_put_right(sql, dialect, expected):
    assert expected in " ".join(translate(sql, dialect).split())
