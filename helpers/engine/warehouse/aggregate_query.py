"""Count in the warehouse: one statement per object for all events and slices of a question; only cells come back.

Each record is looked at once per event: cross-joined with the events, it falls into the period of that event's day.
``GROUPING SETS`` then add up every combination of partitions in one pass; on PostgreSQL, which neither runs them in
parallel nor leaves out the columns of other sets, a ``UNION ALL`` over the same rows does it in half the time.
A missing value is the text ``(blank)``: a NULL in a partition's column of the answer says that the row isn't cut by it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from helpers.engine.aggregates import Aggregate, Durations, Event, Histogram, Need, Outline, Results, Spread, Step
from helpers.engine.slicing import Lens, Question, join_codes
from helpers.engine.warehouse.expressions import is_one_of, select, with_parts
from helpers.engine.warehouse.journey_query import JourneyQuery
from helpers.engine.warehouse.outline_query import build_outline, journey_select
from helpers.errors import DataError
from helpers.warehouse.dialect import MOST_GROUPING_SETS

MOST_PARTITIONS = 60
"""Partitions in one statement: each is a bit of the number by which an answer's rows are told apart."""

UNITES = ("postgres",)
"""Dialects in which each set is a GROUP BY of its own over the rows, which are made once."""

LINEAR_PERIODS = 8
"""Up to this many periods are looked for one after the other, beyond by halves."""


@dataclass(frozen=True)
class Statement:
    """One question to the warehouse, and how its answer is read.

    Attributes:
        sql: The text, in DuckDB's dialect.
        partitions: Partition id → column of its value.
        lenses: The lenses that it answers.
        events: The need of each event number: (event, step), as counted by ``n_…``, ``cents_…``, ``squares_…``.
        columns: Need → the event's number and the column that holds it.
    """

    sql: str
    partitions: Mapping[str, str] = field(default_factory=dict)
    lenses: Sequence[Lens] = ()
    columns: Mapping[Need | Durations, tuple[int, str]] = field(default_factory=dict)


class PushdownEvaluator:
    """The records of a company that lie in a warehouse, as of one day."""

    def __init__(self, company, as_of: date | None):
        """Keep the company; the outline is asked when first needed."""
        self._company, self._as_of = company, as_of
        self._connection = company.warehouse.connection

    @cached_property
    def outline(self) -> Outline:
        """What the records hold."""
        return build_outline(self._company, self._as_of)

    def evaluate(self, question: Question, asked: Mapping[Lens, Collection[Need]]) -> Results:
        """Answer all needs of a question at once; see ``aggregates.Evaluator``."""
        results: dict = {}
        for lens, needs in asked.items():
            for need in needs:
                results[need, lens.by] = _empty(need, lens, len(question.axis))
        if not len(question.axis):
            return results
        for statement in self.write(question, asked, self._connection.dialect):
            answer = Answer(self._connection.fetch(statement.sql), statement, self.outline)
            for lens in statement.lenses:
                for need in set(asked[lens]) & set(statement.columns):
                    results[need, lens.by] = answer.read(need, lens, len(question.axis))
        return results

    def count_durations(self, question: Question, asked: Collection[Durations]) -> dict[Durations, Spread]:
        """Count how long steps took over all records, filters aside."""
        found = {}
        for object in dict.fromkeys(one.object for one in asked):
            steps = [one for one in dict.fromkeys(asked) if one.object == object]
            statement = self._durations(object, steps)
            rows = self._connection.fetch(statement.sql)
            events = rows.column("event").to_numpy()
            for one in steps:
                chosen = events == statement.columns[one][0]
                days, n = (rows.column(name).to_numpy()[chosen].astype(np.int64) for name in ("taken", "n"))
                order = np.argsort(days)
                nothing = np.zeros(len(days), np.int64)
                found[one] = Spread(nothing, nothing, days[order], n[order])
        return found

    def find_occupied(self, by: tuple[str, ...]) -> np.ndarray:
        """Return the sorted keys of the slices that occur in any object that carries the partitions."""
        if not by:
            return np.zeros(1, np.int64)
        labels = self.outline.labels
        keys = [np.empty(0, np.int64)]
        for object in self.outline.objects:
            if self.outline.carries(object, by):
                journey = journey_select(self._company, object, self._as_of, partitions=by, reached=(), fields=())
                names = [journey.partitions[id] for id in by]
                sql = f"select distinct {', '.join(names)} from (\n{journey.sql}\n) as journey"
                rows = self._connection.fetch(sql)
                codes = {id: _codes(rows.column(name), labels[id], id) for id, name in zip(by, names, strict=True)}
                keys.append(join_codes(codes, by, [len(labels[id]) for id in by], rows.num_rows))
        return np.unique(np.concatenate(keys))

    def write(self, question: Question, asked: Mapping[Lens, Collection[Need]], dialect: str) -> list[Statement]:
        """Write the statements that answer a question, split where a dialect limits their size."""
        statements = []
        for object in self.outline.objects:
            for kind in (Aggregate, Histogram):
                wanted = {
                    lens: [need for need in needs if isinstance(need, kind) and need.event.object == object]
                    for lens, needs in asked.items()
                }
                lenses = [lens for lens, needs in wanted.items() if needs]
                needs = list(dict.fromkeys(need for lens in lenses for need in wanted[lens]))
                for some in _split(lenses, MOST_GROUPING_SETS[dialect]):
                    statements.append(self._statement(question, object, some, needs, kind, dialect in UNITES))
        return statements

    def _statement(self, question, object: str, lenses, needs, kind: type, unites: bool) -> Statement:
        cut = list(dict.fromkeys(id for lens in lenses for id in lens.by))
        narrowing = [*question.filters, *(id for need in needs for id, _ in need.event.where)]
        journey = journey_select(
            self._company,
            object,
            self._as_of,
            partitions={*cut, *narrowing},
            reached={pair for need in needs for pair in _pairs(need)},
            fields={need.field for need in needs if kind is Aggregate and need.field},
        )
        if kind is Aggregate:
            events, values, columns = _values(needs, journey)
        else:
            events, values, columns = _taken(needs, journey)
        filters = [self._passes(journey, id, codes) for id, codes in question.filters.items()]
        names = [journey.partitions[id] for id in cut]
        parts = [
            ("journey", journey.sql),
            ("event", _numbers(len(events))),
            ("happened", _happened(names, events, values, filters)),
            ("located", _located(names, list(values), question.axis)),
        ]
        inside = ["event", "period"] + (["taken"] if kind is Histogram else [])
        sums = [(f"cast(sum(located.{name}) as {_sum_type(name)})", name) for name in values]
        counted = [("count(*)", "n")] if kind is Histogram else sums
        sets = {frozenset(lens.by): tuple(journey.partitions[id] for id in lens.by) for lens in lenses}.values()
        where = "where located.taken is not null and located.period > 0\n" if kind is Histogram else ""
        final = (_unite if unites else _group)(inside, names, list(sets), counted, f"from located\n{where}")
        return Statement(with_parts(parts, final), {id: journey.partitions[id] for id in cut}, lenses, columns)

    def _durations(self, object: str, steps: list[Durations]) -> Statement:
        pairs = {pair for one in steps for pair in _ends(one.step)}
        journey = journey_select(self._company, object, self._as_of, partitions=(), reached=pairs, fields=())
        taken = [f"when {place} then {_days(one.step, journey)}" for place, one in enumerate(steps)]
        parts = [
            ("journey", journey.sql),
            ("event", _numbers(len(steps))),
            (
                "happened",
                select(
                    [("event.number", "event"), (f"case event.number {' '.join(taken)} end", "taken")],
                    "from journey\ncross join event",
                ),
            ),
        ]
        final = (
            "select happened.event as event, happened.taken as taken, count(*) as n\nfrom happened\n"
            "where happened.taken is not null\ngroup by happened.event, happened.taken"
        )
        return Statement(with_parts(parts, final), columns={one: (place, "n") for place, one in enumerate(steps)})

    def _passes(self, journey: JourneyQuery, id: str, codes: Iterable[int]) -> str:
        labels = self.outline.labels[id]
        return is_one_of(f"journey.{journey.partitions[id]}", (str(labels[code]) for code in codes))


def _empty(need: Need, lens: Lens, periods: int) -> np.ndarray | Spread:
    nothing = np.empty(0, np.int64)
    if isinstance(need, Histogram):
        return Spread(nothing, nothing, nothing, nothing)
    return np.zeros((lens.n_slices, periods + 1))


def _split(lenses: Sequence[Lens], most: int) -> list[list[Lens]]:
    """Split lenses so that no statement has too many grouping sets or partitions."""
    groups: list[list[Lens]] = []
    partitions: set[str] = set()
    for lens in lenses:
        if not groups or len(groups[-1]) >= most or len(partitions | set(lens.by)) > MOST_PARTITIONS:
            groups.append([])
            partitions = set()
        groups[-1].append(lens)
        partitions |= set(lens.by)
    return groups


def _pairs(need: Need) -> list[tuple[str, str]]:
    return [(need.event.stage, need.event.business), *(_ends(need.step) if need.step else ())]


def _ends(step: Step) -> list[tuple[str, str]]:
    return [(step.from_stage, step.from_business), (step.to_stage, step.to_business)]


def _days(step: Step, journey: JourneyQuery) -> str:
    """Return the days that a step took, NULL where a record has not both days, in that order, soon enough."""
    start, stop = (f"journey.{journey.reached[pair]}" for pair in _ends(step))
    soon = "" if step.within is None else f" and {stop} - {start} <= {int(step.within)}"
    return f"case when {stop} >= {start}{soon} then {stop} - {start} end"


def _day(event: Event, journey: JourneyQuery) -> str:
    day = f"journey.{journey.reached[event.stage, event.business]}"
    where = [is_one_of(f"journey.{journey.partitions[id]}", texts) for id, texts in event.where]
    return f"case when {' and '.join(where)} then {day} end" if where else day


def _values(needs: Sequence[Aggregate], journey: JourneyQuery):
    """Return the day of each event, the columns to be added up, and where each need finds its own."""
    numbers: dict[Event, int] = {}
    cases: dict[str, list[str]] = {}
    columns = {}
    filled: dict[tuple[int, str], int] = {}
    for need in needs:
        number = numbers.setdefault(need.event, len(numbers))
        kind, value = _value(need, journey)
        if need.step:
            value = f"case when {_days(need.step, journey)} is not null then {value} end"
        place = filled.get((number, kind), 0)
        filled[number, kind] = place + 1
        name = f"{kind}_{place}"
        cases.setdefault(name, []).append(f"when {number} then {value}")
        columns[need] = (number, name)
    days = [_day(event, journey) for event in numbers]
    return days, {name: f"case event.number {' '.join(whens)} end" for name, whens in cases.items()}, columns


def _value(need: Aggregate, journey: JourneyQuery) -> tuple[str, str]:
    """Return which kind of sum an aggregate is, and what one record adds to it."""
    if not need.field:
        return ("cents", f"journey.{journey.weight}") if journey.weight else ("n", "1")
    cents = f"journey.{journey.cents[need.field]}"
    if need.power == 0:
        return "n", f"case when {cents} is not null then 1 end"
    if need.power == 2:
        return "squares", f"cast({cents} as double) * cast({cents} as double)"
    return "cents", cents


def _sum_type(name: str) -> str:
    return "double" if name.startswith("squares") else "bigint"


def _taken(needs: Sequence[Histogram], journey: JourneyQuery):
    days = [_day(need.event, journey) for need in needs]
    taken = [f"when {place} then {_days(need.step, journey)}" for place, need in enumerate(needs)]
    columns = {need: (place, "n") for place, need in enumerate(needs)}
    return days, {"taken": f"case event.number {' '.join(taken)} end"}, columns


def _numbers(n: int) -> str:
    return "\nunion all\n".join(f"select {place} as number" for place in range(n))


def _happened(names: list[str], days: list[str], values: Mapping[str, str], filters: list[str]) -> str:
    """Every record once per event."""
    day = " ".join(f"when {place} then {one}" for place, one in enumerate(days))
    rows = [*((f"journey.{name}", name) for name in names), ("event.number", "event")]
    rows += [(f"case event.number {day} end", "day"), *((value, name) for name, value in values.items())]
    where = f"\nwhere {' and '.join(filters)}" if filters else ""
    return select(rows, f"from journey\ncross join event{where}")


def _located(names: list[str], values: list[str], axis) -> str:
    """What happened up to the last period, with its period: 0 before the first one."""
    rows = [(f"happened.{name}", name) for name in [*names, "event", *values]]
    rows.append((locate("happened.day", [int(day) for day in axis.starts]), "period"))
    return select(rows, f"from happened\nwhere happened.day <= {int(axis.ends[-1])}")


def locate(day: str, starts: Sequence[int], before: int = 0) -> str:
    """Write how many of the sorted starts lie on a day or before it.

    >>> locate("d", [10, 20])
    'case when d < 10 then 0 when d < 20 then 1 else 2 end'
    """
    if len(starts) <= LINEAR_PERIODS:
        whens = " ".join(f"when {day} < {start} then {before + place}" for place, start in enumerate(starts))
        return f"case {whens} else {before + len(starts)} end" if starts else str(before)
    half = len(starts) // 2
    early, late = locate(day, starts[:half], before), locate(day, starts[half + 1 :], before + half + 1)
    return f"case when {day} < {starts[half]} then {early} else {late} end"


def _group(inside: list[str], names: list[str], sets: list[tuple[str, ...]], counted, source: str) -> str:
    """Count all sets in one GROUP BY."""
    columns = [(f"located.{name}", name) for name in [*inside, *names]]
    written = ",\n  ".join(f"({', '.join(f'located.{name}' for name in [*inside, *one])})" for one in sets)
    return select([*columns, *counted], f"{source}group by grouping sets (\n  {written}\n)")


def _unite(inside: list[str], names: list[str], sets: list[tuple[str, ...]], counted, source: str) -> str:
    """Count each set in a GROUP BY of its own, one below the other."""
    parts = []
    for one in sets:
        columns = [(f"located.{name}", name) for name in inside]
        columns += [(f"located.{name}" if name in one else "cast(null as varchar)", name) for name in names]
        keys = ", ".join(f"located.{name}" for name in [*inside, *one])
        parts.append(select([*columns, *counted], f"{source}group by {keys}"))
    return "\nunion all\n".join(parts)


class Answer:
    """The rows that a statement gave, ready to be laid out per need and lens."""

    def __init__(self, rows: pa.Table, statement: Statement, outline: Outline):
        """Code the values of the partitions and tell the rows apart by which of them they are cut by."""
        self._rows, self._statement = rows, statement
        self._labels = outline.labels
        self._cut = np.zeros(rows.num_rows, np.int64)
        self._codes = {}
        for place, (id, name) in enumerate(statement.partitions.items()):
            there = np.asarray(pc.is_valid(rows.column(name)))
            self._cut |= there.astype(np.int64) << place
            self._codes[id] = np.zeros(rows.num_rows, np.int64)
            self._codes[id][there] = _codes(rows.column(name).drop_null(), outline.labels[id], id)
        self._events = rows.column("event").to_numpy()
        self._periods = rows.column("period").to_numpy().astype(np.int64)

    def read(self, need: Need, lens: Lens, periods: int) -> np.ndarray | Spread:
        """Lay out one need through one lens."""
        number, name = self._statement.columns[need]
        place = list(self._statement.partitions)
        mask = sum(1 << place.index(id) for id in set(lens.by))
        chosen = np.flatnonzero((self._cut == mask) & (self._events == number))
        codes = {id: self._codes[id][chosen] for id in lens.by}
        slices = join_codes(codes, lens.by, lens.sizes, len(chosen))
        if lens.is_sparse:
            slices = np.searchsorted(lens.occupied, slices)
        values = self._rows.column(name).to_numpy()[chosen].astype(float)
        if isinstance(need, Histogram):
            days = self._rows.column("taken").to_numpy()[chosen].astype(np.int64)
            order = np.lexsort((days, self._periods[chosen], slices))
            spread = (slices, self._periods[chosen] - 1, days, values.astype(np.int64))
            return Spread(*(part[order] for part in spread))
        laid_out = np.zeros((lens.n_slices, periods + 1))
        laid_out[slices, self._periods[chosen]] = np.nan_to_num(values) / _scale(need, name)
        return laid_out


def _scale(need: Aggregate, name: str) -> int:
    """Return by what a sum is divided: sessions are weighed in hundredths, squares in hundredths of hundredths."""
    if name.startswith("squares"):
        return 10_000
    return 100 if name.startswith("cents") and not need.field else 1


def _codes(texts: pa.ChunkedArray, labels: np.ndarray, partition: str) -> np.ndarray:
    found = pc.index_in(texts.cast(pa.string()), value_set=pa.array(labels, pa.string()))
    if found.null_count:
        raise DataError(
            f"[warehouse] partition '{partition}' has values that it didn't have when the question began: the tables "
            "changed meanwhile. Ask again."
        )
    return found.to_numpy().astype(np.int64)
