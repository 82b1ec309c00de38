"""Leaf tables of a gap from a journey table in DuckDB: one group-by over codes, both periods side by side.

A journey table holds one row per record with its partitions and the day on which it reached each step. Prepared once,
its texts are enums, so that grouping compares small integers and the leaves come back coded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pandas as pd

LARGEST_ENUM = 65_000
"""A partition with more values than this stays text."""


@dataclass(frozen=True)
class JourneyTable:
    """Say what a journey table's columns mean.

    Attributes:
        name: Of the table or view.
        dimensions: Columns of the partitions known at entry; NULL where missing.
        steps: Step → column with the day number on which the record reached it, NULL where it did not; in order.
        cents: Column with hundredths of the money of a record that reached the last step, or empty.
        amount: What the money is called in the leaf table.
        query: A SELECT to read instead of the table; the table is then only called so.
        parts: Into so many equal parts a period is divided, in column ``part`` of the leaves; 0 for not at all.
    """

    name: str
    dimensions: tuple[str, ...]
    steps: Mapping[str, str]
    cents: str = ""
    amount: str = "revenue"
    query: str = ""
    parts: int = 0


def prepare_journeys(connection, sql: str, dimensions: Sequence[str], *, name: str = "journey") -> None:
    """Keep the rows of a SELECT as a table whose partitions are enums of the values that occur.

    Args:
        connection: Open on DuckDB.
        sql: One row per record.
        dimensions: Columns to code.
        name: Of the table; one of the same name is replaced.
    """
    connection.execute(f"create or replace temp table {_quote(name + ' rows')} as {sql}")
    coded = []
    for place, dimension in enumerate(dimensions):
        column, kind = _quote(dimension), _quote(f"{name} values {place}")
        source = f"from {_quote(name + ' rows')} where {column} is not null"
        values = connection.execute(f"select count(distinct {column}) {source}").fetchone()[0]
        if 0 < values <= LARGEST_ENUM:
            connection.execute(f"drop type if exists {kind}")
            ordered = f"select distinct cast({column} as varchar) as value {source} order by value"
            connection.execute(f"create type {kind} as enum ({ordered})")
            coded.append(f"cast({column} as {kind}) as {column}")
    replaced = f" replace ({', '.join(coded)})" if coded else ""
    source = f"select *{replaced} from {_quote(name + ' rows')}"
    connection.execute(f"create or replace table {_quote(name)} as {source}")
    connection.execute(f"drop table {_quote(name + ' rows')}")


def sum_journeys(
    connection, journeys: JourneyTable, *, expected: Sequence[tuple[int, int]], actual: tuple[int, int], age: int = 0
) -> pd.DataFrame:
    """Add journeys up to the leaf table that ``localise`` takes.

    A record belongs to the period in which it entered (reached the first step), and counts at a step when it reached
    this and all steps before it, in order, by the end of its own period, or so many days later.

    Args:
        connection: Open on DuckDB.
        journeys: The table and its columns.
        expected: First and last day numbers of the earlier period or periods.
        actual: First and last day number of the period in question.
        age: Days after a period's end up to which its records are looked at.

    Returns:
        One row per combination of values; partitions coded as categoricals where the table holds enums.
    """
    return connection.execute(write_leaves(journeys, expected=expected, actual=actual, age=age)).df()


def write_leaves(
    journeys: JourneyTable, *, expected: Sequence[tuple[int, int]], actual: tuple[int, int], age: int = 0
) -> str:
    """Write the SELECT of ``sum_journeys``, in DuckDB's dialect with nothing that other databases lack."""
    side, cut = write_sides(journeys, expected=expected, actual=actual, age=age)
    days = [_quote(column) for column in journeys.steps.values()]
    reached, orders = [], []
    for before, day in pairwise(days):
        orders.append(f"{day} >= {before} and {day} <= ({cut})")
        reached.append(" and ".join(orders))
    flags = [
        f"case when {condition} then 1 else 0 end as reached_{place}"
        for place, condition in enumerate(reached, start=1)
    ]
    named = [*map(_quote, journeys.dimensions), *(["part"] if journeys.parts else [])]
    columns = [*map(_quote, journeys.dimensions), f"{side} as side", *flags]
    if journeys.parts:
        columns.append(f"{_write_parts(days[0], [*expected, actual], journeys.parts)} as part")
    if journeys.cents:
        won, cents = f"({reached[-1]})" if reached else "1 = 1", _quote(journeys.cents)
        columns.append(f"case when {won} then {cents} / 100.0 end as money")
        columns.append(f"case when {won} and {cents} > 0 then ln({cents} / 100.0) end as money_log")
    periods = [*expected, actual]
    span = f"{min(first for first, _ in periods)} and {max(last for _, last in periods)}"
    source = f"select {', '.join(columns)} from {read_journeys(journeys)} where {days[0]} between {span}"
    keys = ", ".join(named)
    by = f" group by {keys}" if keys else ""
    numbers = ", ".join(_write_numbers(journeys))
    return f"select {keys + ', ' if keys else ''}{numbers} from ({source}) as seen where side is not null{by}"


def write_sides(
    journeys: JourneyTable, *, expected: Sequence[tuple[int, int]], actual: tuple[int, int], age: int = 0
) -> tuple[str, str]:
    """Write of a record whether it entered in an earlier period (0) or in that in question (1), NULL in neither, and
    the last day on which it is looked at.
    """
    first_day, periods = _quote(next(iter(journeys.steps.values()))), [*expected, actual]
    inside = [f"when {first_day} between {first} and {last}" for first, last in periods]
    side = " ".join(f"{when} then {int(place == len(periods) - 1)}" for place, when in enumerate(inside))
    cut = " ".join(f"{when} then {last + age}" for when, (_, last) in zip(inside, periods, strict=True))
    return f"case {side} end", f"case {cut} end"


def _write_parts(day: str, periods: Sequence[tuple[int, int]], parts: int) -> str:
    """Write in which equal part of its own period a record entered."""
    cases = [
        f"when {day} between {first} and {last} then cast(floor(({day} - {first}) * {parts} / {last - first + 1}.0) "
        "as integer)"
        for first, last in periods
    ]
    return f"case {' '.join(cases)} end"


def read_journeys(journeys: JourneyTable) -> str:
    """Return what stands after FROM."""
    return f"(\n{journeys.query}\n) as journey" if journeys.query else _quote(journeys.name)


def _write_numbers(journeys: JourneyTable) -> list[str]:
    """Write one sum per step, amount and side."""
    numbers = []
    for place, step in enumerate(journeys.steps):
        for value, suffix in ((0, "expected"), (1, "actual")):
            condition = f"side = {value}" + (f" and reached_{place} = 1" if place else "")
            numbers.append(f"count(*) filter (where {condition}) as {_quote(f'{step}_{suffix}')}")
    if not journeys.cents:
        return numbers
    for part, expression in (("", "money"), ("_log", "money_log"), ("_logsq", "money_log * money_log")):
        for value, suffix in ((0, "expected"), (1, "actual")):
            total = f"sum({expression}) filter (where side = {value})"
            numbers.append(f"coalesce({total}, 0) as {_quote(f'{journeys.amount}{part}_{suffix}')}")
    return numbers


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
