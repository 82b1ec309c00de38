"""Add to a warehouse's tables what others know of them: colleagues' names, when customers went live and left."""

from collections.abc import Sequence

from helpers.ingest.plan import FieldPlan
from helpers.ingest.warehouse_columns import null_of, quote
from helpers.ingest.warehouse_query import Defined, Joined, Layer, TableQuery, stack
from helpers.ingest.warehouse_records import MOST_NAMES, Building, map_layer


def name_owners(building: Building) -> None:
    """Write colleagues' names where a table carries only their ids and the list of people says whose they are."""
    people = building.queries.get("person")
    if people is None or not {"id", "name"} <= set(people.kinds) or building.counts["person"] > MOST_NAMES:
        return
    rows = building.ask(f"select t.id, t.name from ({people.select(['id', 'name'])}) as t order by t.id")
    names = {row["id"]: row["name"] for row in rows}
    told = [name for name in names.values() if name is not None]
    if len(told) != len(set(told)) or len(names) - len(told) > 1:
        return
    wanted = {id: name for id, name in names.items() if name is not None and name != id}
    for query in building.queries.values():
        for column in ("owner", "manager"):
            if column not in query.kinds or not wanted:
                continue
            select = query.select([column])
            there = [
                row["v"]
                for row in building.ask(
                    f"select distinct t.{column} as v from ({select}) as t where t.{column} is not null "
                    f"limit {MOST_NAMES}"
                )
            ]
            if set(there) <= set(names):
                query.add(map_layer(column, column, wanted, otherwise=f"t.{column}"))


def derive_customers(building: Building) -> None:
    """Tell from subscriptions when customers went live and left, where no table says so."""
    subscriptions = building.queries.get("subscription")
    if subscriptions is None or not {"customer_id", "start_at"} <= set(subscriptions.kinds):
        return
    has_end = "end_at" in subscriptions.kinds
    ended = "case when count(t.end_at) = count(*) then max(t.end_at) end" if has_end else null_of("date")
    select = subscriptions.select(["customer_id", "start_at", "source_file", *(["end_at"] if has_end else [])])
    grouped = (
        f"(select t.customer_id as id, min(t.start_at) as live_at, {ended} as ended_at, "
        f"min(t.source_file) as source_file from ({select}) as t where t.customer_id is not null "
        "group by t.customer_id)"
    )
    any_end = has_end and building.ask_one(f"select count(g.ended_at) as n from {grouped} as g")["n"]
    columns = building.reading.columns
    customers = building.queries.get("customer")
    if customers is not None:
        if "ended_at" in customers.kinds or not any_end:
            return
        columns[("customer", "ended_at")] = FieldPlan(
            "ended_at", columns[("subscription", "end_at")].file, "", "derived"
        )
        value = Defined("g.ended_at", "date", frozenset(), (("g", "ended_at"),))
        customers.add(Layer({"ended_at": value}, {"g": Joined(lambda _: grouped, "id", "id")}))
        return
    kinds = {"id": "text", "live_at": "date", **({"ended_at": "date"} if any_end else {})}
    companies = building.queries.get("company")
    shown = {"source_row": f"{null_of('number')} as source_row"}
    if companies is not None:
        match = f"select count(*) as n from {grouped} as g join ({companies.select(['id'])}) as c on c.id = g.id"
        if building.ask_one(match)["n"]:
            kinds["company_id"], shown["company_id"] = "text", "g.id as company_id"
    kinds |= {"source_file": "text", "source_row": "number"}

    def base(wanted: Sequence[str]) -> str:
        return f"select {', '.join(shown.get(name, f'g.{quote(name)}') for name in wanted)} from {grouped} as g"

    building.queries["customer"] = TableQuery("customer", stack([(kinds, base)], kinds), kinds)
    building.counts["customer"] = int(building.ask_one(f"select count(*) as n from {grouped} as g")["n"])
    for name, origin in {"id": "customer_id", "live_at": "start_at", "ended_at": "end_at"}.items():
        if name in kinds:
            plan = columns[("subscription", origin)]
            columns[("customer", name)] = FieldPlan(name, plan.file, plan.column, "derived")
