"""What a company's records in a warehouse hold, asked in a handful of small questions; no record is fetched."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd

from helpers.engine.aggregates import ObjectOutline, Outline
from helpers.engine.history import OUTCOMES, name_outcomes, name_stages
from helpers.engine.journeys import BLANK, LOST_STAGE
from helpers.engine.timeline import FAR, day_number
from helpers.engine.warehouse.deal_query import StageMeaning
from helpers.engine.warehouse.expressions import column, day_of, select, text_of, with_parts
from helpers.engine.warehouse.journey_query import Facts, Journey, JourneyQuery, Tables

REMEMBERED_DAYS = 8


def journey_select(
    company,
    object: str,
    as_of: date | None,
    *,
    partitions: Collection[str] | None = None,
    reached: Collection[tuple[str, str]] | None = None,
    fields: Collection[str] | None = None,
    labels: Mapping[str, Sequence[str]] | None = None,
) -> JourneyQuery:
    """Write the journeys of one object of a company that lies in a warehouse.

    Args:
        company: The opened company.
        object: Whose records.
        as_of: The last day that counts; None lets everything in the exports count.
        partitions: Ids of those wanted; None takes all there are.
        reached: Pairs (stage, business) wanted; None takes all.
        fields: Fields wanted; None takes all.
        labels: Partition's id → its texts: then a record shows the text's place instead of it. DuckDB only.
    """
    journey = Journey(company, Tables.of(company.warehouse), read_facts(company), _day(as_of))
    return journey.write(object, partitions=partitions, reached=reached, fields=fields, labels=labels)


def build_outline(company, as_of: date | None) -> Outline:
    """Ask a warehouse what a company's records hold as of a day; see ``read_outline``."""
    return read_outline(company, _day(as_of))


def _day(as_of: date | None) -> int:
    return FAR if as_of is None else day_number(as_of)


def read_facts(company) -> Facts:
    """Ask what must be known before a journey can be written; remembered on the company's warehouse object."""
    remembered = vars(company).setdefault("_warehouse_facts", {})
    if "facts" not in remembered:
        remembered["facts"] = _read_facts(company)
    return remembered["facts"]


def _read_facts(company) -> Facts:
    tables, connection = Tables.of(company.warehouse), company.warehouse.connection
    looked_for = {"deal": ("id", "company_id", "contact_id"), "customer": ("deal_id", "company_id")}
    filled = {
        (object, name)
        for object, names in (looked_for | {"deal_contact": ("contact_id",)}).items()
        for name in _filled(connection, tables, object, names)
    }
    customer_by = ""
    if "deal" in tables.selects and ("customer", "deal_id") in filled:
        customer_by = "deal_id"
    elif {("customer", "company_id"), ("deal", "company_id")} <= filled:
        customer_by = "company_id"
    has_links = bool({("deal_contact", "contact_id"), ("deal", "contact_id")} & filled)
    mixed = frozenset(
        (object, name)
        for object, names in _numeric_partitions(company, tables).items()
        for name in _mixed(connection, tables, object, names)
    )
    return Facts(customer_by, has_links, _read_meaning(company), mixed)


def _filled(connection, tables: Tables, object: str, names: tuple[str, ...]) -> list[str]:
    """Return which columns hold any value."""
    names = tuple(name for name in names if name in tables.columns.get(object, {}))
    if not names:
        return []
    counts = [(f"count({column('source', name)})", f"n_{place}") for place, name in enumerate(names)]
    row = connection.fetch(select(counts, f"from (\n{tables.selects[object]}\n) as source")).to_pylist()[0]
    return [name for place, name in enumerate(names) if row[f"n_{place}"]]


def _numeric_partitions(company, tables) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for partition in company.partitions.values():
        for object, name in partition.objects.items():
            if object in tables.selects and tables.columns[object].get(name) == "number":
                found.setdefault(object, []).append(name)
    return found


def _mixed(connection, tables, object: str, names: list[str]) -> list[str]:
    counts = [
        (
            f"sum(case when {column('source', name)} <> floor({column('source', name)}) then 1 else 0 end)",
            f"n_{place}",
        )
        for place, name in enumerate(names)
    ]
    row = connection.fetch(select(counts, f"from (\n{tables.selects[object]}\n) as source")).to_pylist()[0]
    return [name for place, name in enumerate(names) if row[f"n_{place}"]]


def _read_meaning(company) -> StageMeaning:
    """Tell what stage labels mean from the labels that deals bear and the history names, by the local rules."""
    tables, connection = Tables.of(company.warehouse), company.warehouse.connection
    kinds = tables.columns.get("deal", {})
    if "stage" not in kinds:
        return StageMeaning()
    names = [name for name in ("stage", "stage_id", "outcome") if name in kinds]
    listed = [(f"cast({column('source', name)} as varchar)", name) for name in names]
    grouped = ", ".join(column("source", name) for name in names)
    counted = select([*listed, ("count(*)", "n")], f"from (\n{tables.selects['deal']}\n) as source\ngroup by {grouped}")
    deals = pd.DataFrame(connection.fetch(counted).to_pylist(), columns=[*names, "n"])
    deals = deals.sort_values(["n", *names], ascending=[False] + [True] * len(names), kind="stable")
    changed, has_changes = _changed_labels(company), False
    labels = deals["stage"].dropna().unique().tolist()
    if changed is not None:
        has_changes = bool(len(changed))
        labels += [*changed["old"].dropna(), *changed["new"].dropna()]
    labels = tuple(dict.fromkeys(labels))
    given = {stage.label: stage.stage for stage in company.settings.deal_stages}
    ids = name_stages(deals, deals["stage"], labels, given)
    codes = deals["outcome"].map({name: code for code, name in enumerate(OUTCOMES)}) if "outcome" in deals else 0
    codes = pd.Series(codes, index=deals.index).fillna(0).astype(int)
    outcomes = name_outcomes(deals["stage"], codes.to_numpy(), labels, ids, deals["n"].to_numpy())
    return StageMeaning(
        dict(zip(labels, ids, strict=True)), dict(zip(labels, outcomes.tolist(), strict=True)), has_changes
    )


def _changed_labels(company) -> pd.DataFrame | None:
    tables, connection = Tables.of(company.warehouse), company.warehouse.connection
    if "deal_history" not in tables.selects:
        return None
    day = day_of("change.changed_at", tables.columns["deal_history"].get("changed_at", "timestamp"))
    sql = (
        f"select distinct change.old as old, change.new as new from (\n{tables.selects['deal_history']}\n) as change\n"
        f"join (\n{tables.selects['deal']}\n) as deal on deal.id = change.deal_id\n"
        f"where change.field = 'stage' and {day} is not null"
    )
    return pd.DataFrame(connection.fetch(sql).to_pylist(), columns=["old", "new"])


def read_outline(company, day: int) -> Outline:
    """Ask what a company's records hold as of a day, once per day.

    Returns:
        The outline, equal to the one that the local arrays give.
    """
    remembered = vars(company).setdefault("_warehouse_outlines", {})
    if day not in remembered:
        remembered[day] = _read_outline(company, day)
    while len(remembered) > REMEMBERED_DAYS:
        del remembered[next(other for other in remembered if other != day)]
    return remembered[day]


def _read_outline(company, day: int) -> Outline:
    warehouse = company.warehouse
    tables = Tables.of(warehouse)
    journey = Journey(company, tables, read_facts(company), day)
    spans = {object: _read_span(warehouse.connection, journey, object) for object in journey.objects}
    always = vars(company)["_warehouse_facts"]
    if "homes" not in always:
        now = Journey(company, tables, journey.facts, FAR)
        ever = spans if day == FAR else {one: _read_span(warehouse.connection, now, one) for one in now.objects}
        always["homes"], always["labels"] = _find_homes(company, ever), _read_labels(company, now)
    days = [span for stages in spans.values() for id, span in stages.items() if id != LOST_AMOUNTS]
    first = min((low for low, _ in days), default=0)
    last = max((high for _, high in days), default=first - 1)
    latest = getattr(company, "latest_event", None)
    last = last if latest is None else day_number(latest)
    return Outline(
        {object: _outline_object(journey, object) for object in journey.objects},
        always["labels"],
        always["homes"],
        first,
        last if day == FAR else day,
        max([last, *(day_number(each) for each in company.snapshots)]),
        day,
        frozenset(journey.fields("deal")) if LOST_AMOUNTS in spans.get("deal", ()) else frozenset(),
    )


def _outline_object(journey: Journey, object: str) -> ObjectOutline:
    return ObjectOutline(
        frozenset(journey.stages(object)),
        frozenset(journey.fields(object)),
        frozenset(journey.carried(object)),
        object == "session" and "sessions" in journey.tables.columns[object],
    )


def _find_homes(company, ever: dict[str, dict[str, tuple[int, int]]]) -> dict[str, str]:
    """Return the object whose records are counted at each stage that the tables ever show."""
    homes = {}
    for id in (*company.catalog.stages, LOST_STAGE):
        own = company.catalog.stages[id].object if id in company.catalog.stages else "deal"
        home = next((one for one in dict.fromkeys((own, "contact")) if id in ever.get(one, {})), None)
        if home:
            homes[id] = home
    return homes


LOST_AMOUNTS = " lost amounts"
"""Among the spans of deals: that some lost deal carries an amount other than 0. No stage can bear this name."""


def _read_span(connection, journey: Journey, object: str) -> dict[str, tuple[int, int]]:
    """Return the first and last day of each of an object's own stages, and of what ended or began; only where any."""
    own = list(journey.own_stages(object))
    query = journey.write(object, partitions=(), reached=[(id, "all") for id in own], fields=(), with_lost=True)
    rows, names = [], {}
    for (id, _), name in query.reached.items():
        names[id] = len(names)
        rows += [(f"min(journey.{name})", f"low_{names[id]}"), (f"max(journey.{name})", f"high_{names[id]}")]
    if object == "deal":
        rows.append(("sum(case when journey.lost_amount_cents <> 0 then 1 else 0 end)", "n_lost"))
    spans = {}
    if rows:
        row = connection.fetch(select(rows, f"from (\n{query.sql}\n) as journey")).to_pylist()[0]
        found = {id: (row[f"low_{place}"], row[f"high_{place}"]) for id, place in names.items()}
        spans = {id: (int(low), int(high)) for id, (low, high) in found.items() if low is not None}
        if row.get("n_lost"):
            spans[LOST_AMOUNTS] = (0, 0)
    return spans | _span_of_dates(connection, journey, object)


def _span_of_dates(connection, journey: Journey, object: str) -> dict[str, tuple[int, int]]:
    dates = {"customer": "ended_at", "subscription": "start_at"}
    names = [name for name in ("ended_at", "start_at") if name in journey.tables.columns[object]]
    if object not in dates or not names:
        return {}
    rows = []
    for name in names:
        day = day_of(column("source", name), journey.tables.columns[object][name])
        seen = day if journey.last_day is None else f"case when {day} <= {journey.last_day} then {day} end"
        rows += [(f"min({seen})", f"low_{name}"), (f"max({seen})", f"high_{name}")]
    row = connection.fetch(select(rows, f"from (\n{journey.tables.selects[object]}\n) as source")).to_pylist()[0]
    # Keyed so that no stage can bear the same name.
    return {
        f" {name}": (int(row[f"low_{name}"]), int(row[f"high_{name}"]))
        for name in names
        if row[f"low_{name}"] is not None
    }


def _read_labels(company, journey: Journey) -> dict[str, np.ndarray]:
    """Return the texts of every partition that any table carries, sorted, ``(blank)`` last."""
    values: dict[str, set[str]] = {}
    for object in journey.tables.selects:
        for id, found in _values_of(company, journey, object):
            values.setdefault(id, set()).update(found)
    stages = {text for text in journey.facts.meaning.ids if text is not None}
    for id, partition in company.partitions.items():
        if id in values and partition.objects.get("deal") == "stage":
            values[id] |= stages
    ids = [id for id in company.partitions if id in values]
    return {id: np.array([*sorted(values[id] - {BLANK}), BLANK], dtype="O") for id in ids}


def _values_of(company, journey: Journey, object: str) -> Iterator[tuple[str, list[str]]]:
    carried, known = journey.carried(object), getattr(company.warehouse, "distinct", {})
    kinds = journey.tables.columns[object]
    for id in [id for id, name in carried.items() if (object, name) in known and kinds[name] == "text"]:
        yield id, company.warehouse.values(object, carried.pop(id))
    if not carried:
        return
    rows = []
    for place, (_, name) in enumerate(carried.items()):
        is_whole = (object, name) not in journey.facts.mixed_numbers
        rows.append((text_of(column("source", name), kinds[name], is_whole=is_whole), f"value_{place}"))
    values = select(rows, f"from (\n{journey.tables.selects[object]}\n) as source")
    names = [name for _, name in rows]
    sets = ", ".join(f"({name})" for name in names)
    listed = ", ".join(names)
    sql = with_parts(
        [("partition_value", values)], f"select {listed} from partition_value group by grouping sets ({sets})"
    )
    found = company.warehouse.connection.fetch(sql)
    for place, id in enumerate(carried):
        yield id, [text for text in found.column(f"value_{place}").to_pylist() if text is not None]
