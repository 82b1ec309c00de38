"""The leaf tables of contacts that are too many to fetch: added up where they lie.

DuckDB joins and codes the contacts once and keeps their codes and days, a few bytes each, so that every further period
is one group-by over small integers. Other databases are asked period by period.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.journey_leaves import JourneyTable, read_journeys, write_leaves, write_sides
from helpers.analyses.leaf_dimensions import MOST_VALUES, choose_carried, list_carried, say_unfit
from helpers.analyses.leaf_sums import CONTACT, PART, SIDES, Entries
from helpers.engine.journeys import BLANK, Journeys
from helpers.engine.timeline import day_number
from helpers.engine.warehouse.journey_query import Journey, Tables
from helpers.engine.warehouse.outline_query import read_facts
from helpers.model.dimension import Partition

HOPELESS_VALUES = 20 * MOST_VALUES
"""A partition with more values in all contacts is not even looked at for a period."""


class CountedContacts:
    """A company's contacts as of a day, counted in its warehouse."""

    def __init__(self, company: Any, journeys: Journeys, as_of: date):
        """Ask which stages contacts have dates for, and keep their codes and days where the warehouse can.

        Args:
            company: The opened company; its contacts lie in a warehouse.
            journeys: The journeys of what can be fetched, with the labels of all partitions.
            as_of: The last day that counts.
        """
        self._connection = company.warehouse.connection
        self._company, self._labels = company, journeys.labels
        journey = Journey(company, Tables.of(company.warehouse), read_facts(company), day_number(as_of))
        pairs = set(journey.stages(CONTACT))
        self.stages = self._find_stages(journey, pairs)
        self.n = company.tables.count(CONTACT)
        self._carried = [id for id in list_carried(company, CONTACT) if id in journey.carried(CONTACT)]
        self.partitions = [id for id in self._carried if not self._is_hopeless(company.partitions[id])]
        is_kept = self._connection.dialect == "duckdb"
        query = journey.write(
            CONTACT,
            partitions=self.partitions,
            reached={(id, business) for id, business in pairs if id in self.stages and business != "existing"},
            fields=["amount"],
            labels={id: self._labels[id] for id in self.partitions} if is_kept else None,
        )
        self._days, self._cents = query.reached, query.cents.get("amount", "")
        self._columns, self._is_coded = dict(query.partitions), is_kept
        self._source = self._connection.keep(query.sql) if is_kept else self._connection
        self._query = "" if is_kept else query.sql

    def _is_hopeless(self, partition) -> bool:
        return bool(say_unfit(partition)) or partition.n_values > HOPELESS_VALUES

    def _find_stages(self, journey: Journey, pairs: set[tuple[str, str]]) -> list[str]:
        """Return the stages that any contact has a date for, in order."""
        asked = [id for id in self._company.catalog.stages if (id, "all") in pairs]
        if not asked:
            return []
        query = journey.write(CONTACT, partitions=[], reached={(id, "all") for id in asked}, fields=[])
        counts = ", ".join(f"count({name}) as n_{place}" for place, name in enumerate(query.reached.values()))
        [row] = self._connection.fetch(f"select {counts} from (\n{query.sql}\n) as journey").to_pylist()
        order = [id for id, _ in query.reached]
        found = {id for place, id in enumerate(order) if row[f"n_{place}"]}
        return [id for id in asked if id in found]

    def choose(self, entry: str, asked: Entries) -> tuple[tuple[str, ...], dict[str, str]]:
        """Choose the partitions to search."""
        return choose_carried(self._company, self._carried, _CountedRows(self, entry, asked))

    def follow(self, steps: Mapping[str, str], asked: Entries, *, amount: str = "") -> pd.DataFrame:
        """Add up those that entered, as far as they had come."""
        money = amount if self._cents else ""
        table = self.describe(steps, asked, amount=money)
        frame = self._source.fetch(write_leaves(table, **_read_days(asked))).to_pandas()
        codes = {id: self._read_codes(id, frame[self._columns[id]]) for id in asked.dimensions}
        names = [f"{name}_{side}" for name in (*steps, *([money] if money else [])) for side in SIDES]
        numbers = {name: frame[name].astype("float64") for name in names}
        if money and not (numbers[f"{money}_expected"].any() or numbers[f"{money}_actual"].any()):
            numbers = {name: numbers[name] for name in names if not name.startswith(f"{money}_")}
        if asked.parts:
            codes[PART] = frame["part"].to_numpy(dtype="int64")
        order = np.lexsort([*codes.values()][::-1]) if codes else np.arange(len(frame))
        parts = {PART: codes.pop(PART)[order]} if asked.parts else {}
        values = {id: self._name_values(id, code[order]) for id, code in codes.items()} | parts
        return pd.DataFrame(values | {name: number.to_numpy()[order] for name, number in numbers.items()})

    def describe(self, steps: Mapping[str, str], asked: Entries, *, amount: str = "") -> JourneyTable:
        """Say where the contacts lie and what their columns mean."""
        days = {step: self._days.get((id, asked.business)) or self._days[id, "all"] for step, id in steps.items()}
        return JourneyTable(
            name="" if self._query else self._source.table,
            dimensions=tuple(self._columns[id] for id in asked.dimensions),
            steps=days,
            cents=self._cents if amount else "",
            amount=amount,
            query=self._query,
            parts=asked.parts,
        )

    def fetch(self, sql: str) -> dict:
        """Run a query of one row."""
        [row] = self._source.fetch(sql).to_pylist()
        return row

    def partition(self, id: str) -> Partition:
        """Return a partition."""
        return self._company.partitions[id]

    def column(self, id: str) -> str:
        """Return the column of a partition."""
        return self._columns[id]

    def blank(self, id: str) -> str:
        """Return what stands in a partition's column for a missing value, as SQL."""
        return str(len(self._labels[id]) - 1) if self._is_coded else f"'{BLANK}'"

    def _read_codes(self, id: str, values: pd.Series) -> np.ndarray:
        """Return each value's place among the partition's texts, that of missing ones last."""
        if self._is_coded:
            return values.to_numpy()
        return pd.Categorical(values, categories=self._labels[id]).codes

    def _name_values(self, id: str, codes: np.ndarray) -> pd.Categorical:
        """Give codes their texts, so that no text stands in the table more than once."""
        last = len(self._labels[id]) - 1
        places = codes.astype("int16" if last < 1 << 15 else "int32")
        return pd.Categorical.from_codes(np.where(places == last, -1, places), categories=self._labels[id][:-1])


class _CountedRows:
    """What contacts in a warehouse hold of their partitions: asked for all of them at once."""

    def __init__(self, contacts: CountedContacts, entry: str, asked: Entries):
        self._contacts = contacts
        table = contacts.describe({entry: entry}, asked)
        side, _ = write_sides(table, **_read_days(asked))
        self._rows = f"from {read_journeys(table)} where {side} is not null"
        counts = ["count(*) as n"]
        for place, id in enumerate(contacts.partitions):
            column = contacts.column(id)
            counts.append(f"count(distinct {column}) as used_{place}")
            counts.append(f"count(case when {column} = {contacts.blank(id)} then 1 end) as blank_{place}")
        self._counts = contacts.fetch(f"select {', '.join(counts)} {self._rows}")
        self._places = {id: place for place, id in enumerate(contacts.partitions)}
        self.n = self._counts["n"]

    def count_used(self, id: str) -> int:
        """Return how many values occur; of a partition with far too many, how many all contacts have."""
        if id not in self._places:
            return self._contacts.partition(id).n_values
        return self._counts[f"used_{self._places[id]}"]

    def share_blank(self, id: str) -> float:
        """Return the share without a value."""
        return self._counts[f"blank_{self._places[id]}"] / self.n if id in self._places else 0.0

    def is_same(self, one: str, other: str) -> bool:
        """Tell whether two partitions name the same groups; those with as many values each are looked at."""
        if self.count_used(one) != self.count_used(other):
            return False
        columns = f"{self._contacts.column(one)}, {self._contacts.column(other)}"
        found = self._contacts.fetch(f"select count(*) as n from (select distinct {columns} {self._rows}) as pairs")
        return found["n"] == self.count_used(one)


def _read_days(asked: Entries) -> dict:
    """Return the periods as day numbers, and the days after their ends up to which contacts are looked at."""
    days = [(day_number(one.start), day_number(one.end)) for one in (*asked.expected, asked.period)]
    return {"expected": days[:-1], "actual": days[-1], "age": max((asked.as_of - asked.period.end).days, 0)}


def open_counted(company: Any, journeys: Journeys, as_of: date) -> CountedContacts:
    """Return a company's contacts, asked for once per company; those of another day take their place."""
    remembered = vars(company).setdefault("_counted_contacts", {})
    if as_of not in remembered:
        remembered.clear()
        remembered[as_of] = CountedContacts(company, journeys, as_of)
    return remembered[as_of]
