"""What would be sent to BigQuery and Snowflake: written for the sample, parsed again in their dialect, read by people.

Nothing is run there. The functions that occur are held to a list, so that a new one is noticed and looked up first.
"""

import itertools
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from helpers.company import open_company
from helpers.engine.aggregates import Aggregate, Event, Histogram, Step
from helpers.engine.cells import ask, lay_lenses
from helpers.engine.warehouse.aggregate_query import PushdownEvaluator
from helpers.engine.warehouse.outline_query import journey_select
from helpers.warehouse.dialect import MOST_GROUPING_SETS, translate
from tests.companies import make_company
from tests.engine.warehouse.loading import lay_out

GOLDEN = Path(__file__).parent / "golden"
DIALECTS = ("bigquery", "snowflake")

IN_USE = {
    "bigquery": {"CAST", "COALESCE", "COUNT", "DATE_DIFF", "MAX", "MIN", "REGEXP_CONTAINS", "ROUND", "ROW_NUMBER",
                 "SUBSTRING", "SUM", "TRIM"},
    "snowflake": {"CAST", "COALESCE", "COUNT", "DATEDIFF", "MAX", "MIN", "REGEXP_LIKE", "ROUND", "ROW_NUMBER",
                  "SUBSTRING", "SUM", "TRIM"},
}  # fmt: skip
"""Functions that the texts use. Before adding one, look it up in the references of both:
cloud.google.com/bigquery/docs/reference/standard-sql and docs.snowflake.com/en/sql-reference."""


@pytest.fixture(scope="module")
def sample(duckdb_engine):
    company = open_company(Path(__file__).parents[3] / "data" / "samples" / "brightwater")
    return lay_out(company, duckdb_engine[0])


def called(text: str) -> set[str]:
    """Return the names of functions in a text, by its tokens: a name before a parenthesis that is no keyword."""
    keywords = {"IN", "AS", "OVER", "SETS", "FROM", "JOIN", "AND", "OR", "WHEN", "THEN", "ELSE", "DECIMAL", "BETWEEN",
                "NOT", "WHERE", "BY", "ON", "SELECT", "CASE", "END"}  # fmt: skip
    tokens = sqlglot.tokenize(text)
    pairs = itertools.pairwise(tokens)
    names = {one.text.upper() for one, following in pairs if following.text == "(" and one.text.isidentifier()}
    return names - keywords


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_statement_of_the_sample_is_one_that_the_warehouse_can_read(sample, dialect):
    """Journeys of all objects as of two days, all cells by every pair of five partitions: each text is parsed again."""
    from datetime import date

    evaluator = PushdownEvaluator(sample, None)
    texts = [
        journey_select(sample, object, day).sql
        for day in (None, date(2026, 6, 30))
        for object in evaluator.outline.objects
    ]
    question = ask(sample, evaluator, "month", filters={"region": ["DACH", None]})
    names = ["source", "region", "channel", "industry", "owner"]
    lenses = lay_lenses(sample, question, [(), *((name,) for name in names), *itertools.combinations(names, 2)])
    step = Step("opportunity", "won", "new", "new", 90)
    won = Event("deal", "won", "all", (("type", ("New Business",)),))
    opened = Event("deal", "opportunity", "new")
    needs = [Aggregate(opened, step), Aggregate(won, field="amount"), Aggregate(won, field="amount", power=2),
             Aggregate(Event("contact", "lead")), Histogram(opened, step)]  # fmt: skip
    asked = {lens: [need for need in needs if evaluator.outline.carries(need.event.object, lens.by)] for lens in lenses}
    statements = evaluator.write(question, asked, dialect)
    texts += [statement.sql for statement in statements]
    assert len(texts) > 10
    for sql in texts:
        text = translate(sql, dialect)
        parsed = sqlglot.parse_one(text, read=dialect)
        assert not list(parsed.find_all(exp.Anonymous)), "a function that sqlglot doesn't know in this dialect"
        sets = [len(one.expressions) for one in parsed.find_all(exp.GroupingSets)]
        assert max(sets, default=0) <= MOST_GROUPING_SETS[dialect]
        outside = sqlglot.parse_one(text, read=dialect).sql(dialect=dialect)
        assert called(outside) <= IN_USE[dialect], called(outside) - IN_USE[dialect]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_text_small_enough_to_read_stays_as_it_was_checked(duckdb_engine, dialect):
    """Won deals and their amount by region and quarter. To accept a change: read the new text, then store it."""
    deal = {
        "id": ["d1", "d2"],
        "created_at": ["2026-01-05", "2026-01-06"],
        "closed_at": ["2026-02-01", "2026-04-02"],
        "stage": ["Closed Won", "Closed Lost"],
        "amount": [10, 20],
        "region": ["US", None],
    }
    company = lay_out(make_company({"deal": deal}), duckdb_engine[0])
    evaluator = PushdownEvaluator(company, None)
    question = ask(company, evaluator, "quarter")
    company.warehouse.name_source("deal", "select * from crm.deals")
    lenses = lay_lenses(company, question, [(), ("region",)])
    won = Event("deal", "won")
    statements = evaluator.write(
        question, {lens: [Aggregate(won), Aggregate(won, field="amount")] for lens in lenses}, dialect
    )
    text = translate(statements[0].sql, dialect) + "\n"
    assert text == (GOLDEN / f"won_by_region.{dialect}.sql").read_text(encoding="utf-8")


def test_more_sets_than_snowflake_takes_are_split(sample):
    """Snowflake's reference, GROUP BY GROUPING SETS: "up to 128 grouping sets in the same query block"."""
    evaluator = PushdownEvaluator(sample, None)
    question = ask(sample, evaluator, "quarter")
    carried = sorted(evaluator.outline.objects["deal"].partitions)
    by = [
        (),
        *itertools.combinations(carried, 1),
        *itertools.combinations(carried, 2),
        *itertools.combinations(carried, 3),
    ]
    lenses = lay_lenses(sample, question, by[:300])
    statements = evaluator.write(question, {lens: [Aggregate(Event("deal", "won"))] for lens in lenses}, "snowflake")
    assert [len(statement.lenses) for statement in statements] == [128, 128, 44]
