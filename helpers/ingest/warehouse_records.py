"""One row per record in a warehouse's tables: ids required, duplicates settled, links resolved, owners named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from helpers.ingest.records import LINKS
from helpers.ingest.settings import CompanySettings
from helpers.ingest.tables import Reading
from helpers.ingest.values import normalise_key
from helpers.ingest.warehouse_columns import LONGEST_CASE, map_texts, null_of, quote, write_values
from helpers.ingest.warehouse_origins import Connection, Origin
from helpers.ingest.warehouse_query import Defined, Joined, Layer, TableQuery, join_table
from helpers.ingest.warehouse_reading import Part
from helpers.issues import IssueLog
from helpers.model.catalog import Catalog

MOST_NAMES = 20_000
"""So many people or names are fetched to be matched by spelling; more are only matched exactly."""

SEVERAL = "[;|]"
LINKS_LOOKED_AT = 200_000
"""Links that lead nowhere are looked for in so many rows of a table."""


@dataclass
class Building:
    """What is built up while a warehouse's tables are written as SQL."""

    connection: Connection
    settings: CompanySettings
    catalog: Catalog
    log: IssueLog
    origins: Mapping[str, Origin]
    reading: Reading
    queries: dict[str, TableQuery]
    parts: Mapping[str, Sequence[Part]]
    counts: dict[str, int] = field(default_factory=dict)
    aside: dict[str, int] = field(default_factory=dict)

    def ask(self, sql: str) -> list[dict]:
        """Fetch a few rows."""
        return self.connection.fetch(sql).to_pylist()

    def ask_one(self, sql: str) -> dict:
        """Fetch the one row of totals."""
        return self.ask(sql)[0]

    def place(self, object_id: str) -> str:
        """Return how issues cite an object's relation."""
        return self.parts[object_id][0].origin.key if object_id in self.parts else object_id

    def column(self, object_id: str, name: str) -> str:
        """Return a field's column as the warehouse writes it."""
        plan = self.reading.columns.get((object_id, name))
        return plan.column if plan and plan.column else name

    def note(self, object_id: str, name: str, code: str, severity: str, count: int, message: str, cure: str) -> None:
        """Note how many rows something is wrong with."""
        if count:
            self.log.add(file=self.place(object_id), column=self.column(object_id, name), code=code, severity=severity,
                         value=count, message=message, cure=cure)  # fmt: skip


def settle_records(building: Building, object_id: str) -> None:
    """Keep one usable row per record; what is left out is counted."""
    query = building.queries[object_id]
    kinds = query.kinds
    if "is_deleted" in kinds:
        where = "(t.is_deleted is null or not t.is_deleted)"
        gone = building.ask_one(f"select count(*) as n from ({query.select(['is_deleted'])}) as t where t.is_deleted")[
            "n"
        ]
        building.note(object_id, "is_deleted", "deleted_record", "warning", gone,
                      f"{gone:,} rows are marked as deleted by the CRM; they are not used",
                      "Nothing to do, or restore them in the CRM")  # fmt: skip
        building.aside[object_id] = building.aside.get(object_id, 0) + int(gone)
        query.add(Layer(where=where, where_needs=frozenset({"is_deleted"})))
    if "id" not in kinds:
        row = building.ask_one(f"select count(*) as n from ({query.select(list(kinds)[:1])}) as t")
        building.counts[object_id] = int(row["n"])
        return
    select = query.select(["id"])
    row = building.ask_one(
        f"select count(*) as n, count(t.id) as filled, count(distinct t.id) as ids from ({select}) as t"
    )
    n, filled, ids = int(row["n"]), int(row["filled"]), int(row["ids"])
    building.note(object_id, "id", "missing_id", "error", n - filled,
                  f"{n - filled:,} rows have no id; they are not used", "Fill in the id in the warehouse")  # fmt: skip
    if n > filled:
        query.add(Layer(where="t.id is not null", where_needs=frozenset({"id"})))
    if filled > ids:
        _settle_duplicates(building, object_id, filled - ids)
    building.aside[object_id] = building.aside.get(object_id, 0) + n - ids
    building.counts[object_id] = ids


def _settle_duplicates(building: Building, object_id: str, again: int) -> None:
    query = building.queries[object_id]
    kinds = dict(query.kinds)
    has_modified = "modified_at" in kinds
    building.note(
        object_id, "id", "duplicate_id", "warning", again,
        f"{again:,} rows repeat an id; "
        + ("the one changed last is used" if has_modified else "the one whose values come last in order is used"),
        "Find out in the CRM which row is right",
    )  # fmt: skip
    first = ["modified_at"] if has_modified else []
    order = [*first, *(name for name in kinds if name not in {"id", "source_file", "source_row", *first})][:16]

    def write(below, wanted):
        needed = list(dict.fromkeys([*wanted, "id", *order]))
        ordered = ", ".join(f"t.{quote(name)} desc nulls last" for name in order) or "t.id"
        shown = ", ".join(f"t.{quote(name)}" for name in wanted)
        numbered = f"row_number() over (partition by t.id order by {ordered}) as copy_of_id"
        inner = f"select {', '.join(f't.{quote(name)}' for name in needed)}, {numbered} from ({below(needed)}) as t"
        return f"select {shown} from ({inner}) as t where t.copy_of_id = 1"

    query.wrap(write)


def fold_converted(building: Building) -> None:
    """Let a lead and the contact it was converted to be one record, the lead's; links to the contact lead to it."""
    query = building.queries.get("contact")
    if query is None or "converted_contact_id" not in query.kinds:
        return
    leads = join_table(query)
    pairs = (
        f"(select converted_contact_id as gone, min(id) as kept from {leads(['id', 'converted_contact_id'])} as l "
        "where converted_contact_id is not null group by converted_contact_id)"
    )
    n = building.ask_one(f"select count(*) as n from {pairs} as p")["n"]
    if not n:
        return
    redirect = Joined(lambda _: pairs, "gone", "id")
    query.add(Layer({"is_folded": Defined("(m.kept is not null and m.kept <> t.id)", "boolean", frozenset({"id"}),
                                          (("m", "kept"),))}, {"m": redirect}))  # fmt: skip
    query.add(Layer(where="not t.is_folded", where_needs=frozenset({"is_folded"})))
    query.kinds.pop("is_folded")
    building.counts["contact"] = int(
        building.ask_one(f"select count(*) as n from ({query.select(['id'])}) as t")["n"]
    )  # fmt: skip
    _redirect(building, "contact", pairs)


def follow_merged(building: Building, object_id: str) -> None:
    """Take out records that the CRM has merged into others, and let links to them lead to those."""
    query = building.queries.get(object_id)
    if query is None or "merged_ids" not in query.kinds:
        return
    rows = building.ask(
        f"select t.id, t.merged_ids from ({query.select(['id', 'merged_ids'])}) as t where t.merged_ids is not null"
    )
    frame = pd.DataFrame(rows, columns=["id", "merged_ids"]).astype("str")
    pairs = frame.assign(merged_ids=frame["merged_ids"].str.split(r"[;,|\s]+", regex=True)).explode("merged_ids")
    pairs = pairs[pairs["merged_ids"].fillna("").ne("") & pairs["merged_ids"].ne(pairs["id"])]
    merged = dict(zip(pairs["merged_ids"], pairs["id"], strict=True))
    for old in merged:
        seen = {old}
        while merged[old] in merged and merged[old] not in seen:
            seen.add(merged[old])
            merged[old] = merged[merged[old]]
    merged = {old: new for old, new in merged.items() if old != new}
    if not merged:
        return
    values = write_values(["gone", "kept"], list(merged.items()), ["text", "text"])
    query.add(Layer({"is_merged": Defined("m.kept is not null", "boolean", frozenset(), (("m", "kept"),))},
                    {"m": Joined(lambda _: values, "gone", "id")}))  # fmt: skip
    query.add(Layer(where="not t.is_merged", where_needs=frozenset({"is_merged"})))
    query.kinds.pop("is_merged")
    _redirect(building, object_id, values)


def _redirect(building: Building, target: str, pairs: str) -> None:
    """Let the foreign keys that lead to records that are gone lead to those that are kept."""
    for object_id, links in LINKS.items():
        query = building.queries.get(object_id)
        for column, to in links.items():
            if query is None or to != target or column not in query.kinds:
                continue
            value = Defined(f"coalesce(m.kept, t.{column})", "text", frozenset({column}), (("m", "kept"),))
            query.add(Layer({column: value}, {"m": Joined(lambda _: pairs, "gone", column)}))


def split_links(building: Building) -> None:
    """Build the links between deals and contacts from whatever says them, each once."""
    queries = building.queries
    deals, contacts = queries.get("deal"), queries.get("contact")
    if deals is None:
        return
    parts: list[str] = []
    links = queries.pop("deal_contact", None)
    if links is not None and {"deal_id", "contact_id"} <= set(links.kinds):
        parts.append(_explode(building, links.select(["deal_id", "contact_id", "source_file"])))
    if "contact_id" in deals.kinds:
        below = deals.select(["id", "contact_id", "source_file"])
        own = f"select t.id as deal_id, t.contact_id, t.source_file from ({below}) as t"
        parts.append(_explode(building, own))
        if _holds_several(building, deals.select(["contact_id"])):
            first = "nullif(trim(split_part(replace(t.contact_id, '|', ';'), ';', 1)), '')"
            deals.add(Layer({"contact_id": Defined(first, "text", frozenset({"contact_id"}))}))
    if contacts is not None and "converted_deal_id" in contacts.kinds:
        converted = contacts.select(["id", "converted_deal_id", "source_file"])
        parts.append(
            f"select t.converted_deal_id as deal_id, t.id as contact_id, t.source_file from ({converted}) as t"
        )
    if not parts:
        return
    union = " union all ".join(f"select deal_id, contact_id, source_file from ({part}) as p" for part in parts)

    def base(wanted: Sequence[str]) -> str:
        shown = {"source_file": "min(source_file) as source_file", "source_row": f"{null_of('number')} as source_row"}
        listed = ", ".join(shown.get(name, quote(name)) for name in wanted)
        known = "deal_id is not null and contact_id is not null"
        return f"select {listed} from ({union}) as u where {known} group by deal_id, contact_id"

    kinds = {"deal_id": "text", "contact_id": "text", "source_file": "text", "source_row": "number"}
    made = TableQuery("deal_contact", base, kinds)
    n = int(building.ask_one(f"select count(*) as n from ({made.select(['deal_id'])}) as t")["n"])
    if n:
        queries["deal_contact"], building.counts["deal_contact"] = made, n


def _holds_several(building: Building, select: str) -> bool:
    test = f"sum(case when regexp_matches(t.contact_id, '{SEVERAL}') then 1 else 0 end)"
    return bool(building.ask_one(f"select {test} as n from ({select}) as t")["n"])


def _explode(building: Building, select: str) -> str:
    """Give every id of a cell that holds several a row of its own."""
    if not _holds_several(building, select):
        return select
    cell = "replace(t.contact_id, '|', ';')"
    most = building.ask_one(
        f"select max(length({cell}) - length(replace({cell}, ';', ''))) + 1 as n from ({select}) as t"
    )["n"]
    numbers = ", ".join(f"({number})" for number in range(1, int(most) + 1))
    inner = (
        f"select t.deal_id, nullif(trim(split_part({cell}, ';', p.place)), '') as contact_id, t.source_file "
        f"from ({select}) as t cross join (select * from (values {numbers}) as v(place)) as p"
    )
    return f"select e.deal_id, e.contact_id, e.source_file from ({inner}) as e where e.contact_id is not null"


def resolve_links(building: Building) -> None:
    """Let foreign keys that hold a record's name hold its id, and count those that lead nowhere."""
    for object_id, links in LINKS.items():
        for column, target in links.items():
            query, to = building.queries.get(object_id), building.queries.get(target)
            if query is None or to is None or column not in query.kinds or "id" not in to.kinds:
                continue
            if column == "company_id":
                first = "nullif(trim(split_part(replace(t.company_id, '|', ';'), ';', 1)), '')"
                several = f"sum(case when regexp_matches(t.company_id, '{SEVERAL}') then 1 else 0 end) as n"
                if building.ask_one(f"select {several} from ({query.select(['company_id'])}) as t")["n"]:
                    query.add(Layer({"company_id": Defined(first, "text", frozenset({"company_id"}))}))
            _resolve_names(building, object_id, column, target)


def _resolve_names(building: Building, object_id: str, column: str, target: str) -> None:
    query, to = building.queries[object_id], building.queries[target]
    strange = (
        f"select v.value, v.n from (select t.{column} as value, count(*) as n from "
        f"(select * from ({query.select([column])}) as x limit {LINKS_LOOKED_AT}) as t where t.{column} is not null "
        f"group by t.{column}) as v left join ({to.select(['id'])}) as i on i.id = v.value where i.id is null "
        f"order by v.n desc, v.value limit {MOST_NAMES}"
    )
    lost = {row["value"]: int(row["n"]) for row in building.ask(strange)}
    if not lost:
        return
    names = [name for name in ("name", "email", "converted_contact_id") if name in to.kinds]
    found: dict[str, str] = {}
    if names and building.counts.get(target, 0) <= 10 * MOST_NAMES:
        frame = pd.DataFrame(building.ask(f"select * from ({to.select(['id', *names])}) as t")).astype("str")
        for name in names:
            known = frame[frame[name].notna() & ~frame[name].duplicated(keep=False)]
            exact = dict(zip(known[name], known["id"], strict=True))
            folded: dict[str, set[str]] = {}
            for label, id in exact.items():
                folded.setdefault(normalise_key(label), set()).add(id)
            for value in lost:
                near = folded.get(normalise_key(value), set())
                if value not in found and (value in exact or (len(near) == 1 and normalise_key(value))):
                    found[value] = exact.get(value) or next(iter(near))
    if found:
        values = write_values(["written", "meant"], list(found.items()), ["text", "text"])
        meant = Defined(f"coalesce(m.meant, t.{column})", "text", frozenset({column}), (("m", "meant"),))
        query.add(Layer({column: meant}, {"m": Joined(lambda _: values, "written", column)}))
    nowhere = sum(count for value, count in lost.items() if value not in found)
    building.note(object_id, column, "link_leads_nowhere", "note", nowhere,
                  f"{nowhere:,} {object_id} rows point to a {target} that is not in the warehouse's table",
                  "Load all objects on the same day and without filters")  # fmt: skip


def add_primary_contacts(building: Building) -> None:
    """Give each deal its primary contact: the earliest created of those linked, ties by id."""
    links, contacts, deals = (building.queries.get(name) for name in ("deal_contact", "contact", "deal"))
    if links is None or contacts is None or deals is None:
        return
    date = next((name for name in ("created_at", "mql_at", "sql_at") if name in contacts.kinds), None)
    when = f"c.{date} nulls last, " if date else ""
    numbered = f"row_number() over (partition by l.deal_id order by {when}l.contact_id) as place"
    chosen = (
        f"(select p.deal_id, p.contact_id from (select l.deal_id, l.contact_id, {numbered} from "
        f"({links.select(['deal_id', 'contact_id'])}) as l join ({contacts.select(['id', *([date] if date else [])])}) "
        "as c on c.id = l.contact_id) as p where p.place = 1)"
    )
    own = "t.contact_id" if "contact_id" in deals.kinds else null_of("text")
    needs = frozenset({"contact_id"} if "contact_id" in deals.kinds else ())
    value = Defined(f"coalesce(p.contact_id, {own})", "text", needs, (("p", "contact_id"),))
    deals.add(Layer({"contact_id": value}, {"p": Joined(lambda _: chosen, "deal_id", "id")}))


def map_layer(
    column: str, of: str, mapping: Mapping[str, str | None], *, otherwise: str, needs: Sequence[str] = ()
) -> Layer:
    """Return a layer in which a column is what a map says of another one; a long map is joined.

    Args:
        column: The column that is made.
        of: The column that is looked up.
        mapping: Its value → what is made of it.
        otherwise: SQL for every other value.
        needs: Columns that ``otherwise`` reads beside ``of``.
    """
    below = frozenset({of, *needs})
    if len(mapping) <= LONGEST_CASE:
        return Layer({column: Defined(map_texts(f"t.{quote(of)}", mapping, otherwise), "text", below)})
    values = write_values(["written", "meant"], list(mapping.items()), ["text", "text"])
    meant = Defined(f"coalesce(m.meant, {otherwise})", "text", below, (("m", "meant"),))
    return Layer({column: meant}, {"m": Joined(lambda _: values, "written", of)})
