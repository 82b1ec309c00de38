"""The journeys of each object as one SELECT, with the same meaning as ``helpers.engine.journeys``, array by array.

A contact reaches a stage of the deal by its own date, else by the first of its linked deals that does; a deal goes live
by its customer's live date; deals stand as they did on the last day that counts. The text is DuckDB's dialect;
elsewhere ``dialect.translate`` turns it.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from helpers.engine.journeys import AMOUNTS, BUSINESS, LOST_STAGE, OBJECTS
from helpers.engine.timeline import FAR
from helpers.engine.warehouse.deal_query import DealTables, StageMeaning, write_deals
from helpers.engine.warehouse.expressions import (
    NOTHING,
    cents_of,
    code_of,
    column,
    day_of,
    select,
    text_of,
    visible,
    with_parts,
)

SOURCE_COLUMN = re.compile(r'\bsource\.(?:"((?:[^"]|"")+)"|(\w+))')

STAGE_THEN = "deal.stage"
"""The deal's stage as a partition: that of the last day that counts."""


@dataclass(frozen=True)
class Tables:
    """Where a company's canonical tables lie, as SQL.

    Attributes:
        selects: Object → SELECT of its canonical columns, in DuckDB's dialect; the warehouse's own SQL only inside
            ``dialect.native``. Ids are unique texts or missing, blank texts are NULL, dates are in the company's zone.
        columns: Object → canonical column → text, number, date, timestamp or boolean.
        narrow: Given an object and some of its columns, the SELECT of no more than these; joins that only others need
            are left out.
        has_whole_links: Whether the links of deals to contacts hold the deals' own contacts too.
    """

    selects: Mapping[str, str]
    columns: Mapping[str, Mapping[str, str]]
    narrow: Callable[[str, list[str]], str] | None = None
    has_whole_links: bool = False

    @classmethod
    def of(cls, warehouse) -> "Tables":
        """Return what a company's warehouse says of its objects."""
        columns = {object: warehouse.columns(object) for object in warehouse.objects}
        selects = {object: warehouse.select(object) for object in warehouse.objects}
        if not getattr(warehouse, "has_whole_links", False):
            return cls(selects, columns)
        return cls(selects, columns, warehouse.select, has_whole_links=True)

    def use(self, text: str) -> str:
        """Return a part of a query in which each table is selected with no more columns than the part reads."""
        if self.narrow is None:
            return text
        for object, whole in self.selects.items():
            if whole in text:
                read = {
                    quoted.replace('""', '"') or bare for quoted, bare in SOURCE_COLUMN.findall(text.replace(whole, ""))
                }
                used = [name for name in self.columns[object] if name in read]
                text = text.replace(whole, self.narrow(object, used or list(self.columns[object])[:1]))
        return text


@dataclass(frozen=True)
class Facts:
    """What has to be known of the data before a journey can be written.

    Attributes:
        customer_by: How customers find their deal: ``deal_id``, ``company_id``, or empty.
        has_links: Whether any deal is linked to a contact.
        meaning: What the labels of deal stages mean.
        mixed_numbers: (object, column) of partitions whose numbers are not all whole.
    """

    customer_by: str = ""
    has_links: bool = False
    meaning: StageMeaning = field(default_factory=StageMeaning)
    mixed_numbers: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class JourneyQuery:
    """One row per record of an object, and what its columns are called.

    Attributes:
        sql: The SELECT.
        partitions: Partition id → column with its value as text, ``(blank)`` where missing.
        reached: (stage id, business) → column with the day number of the first entry, NULL where there is none.
        cents: Field → column with hundredths of it, NULL where unknown.
        weight: The column with the number of sessions in a row; empty where a row is one record.
    """

    sql: str
    partitions: Mapping[str, str]
    reached: Mapping[tuple[str, str], str]
    cents: Mapping[str, str]
    weight: str = ""


class Journey:
    """The journeys of a company's objects as of a day, written when asked for."""

    def __init__(self, company, tables: Tables, facts: Facts, day: int):
        """Keep what the text is made of; no query is run."""
        self.tables, self.facts = tables, facts
        self.last_day = None if day == FAR else day
        self._stages = company.catalog.stages
        self._partitions = company.partitions
        self._export_days = tuple(company.snapshots[1:])
        self.objects = [object for object in OBJECTS if object in tables.selects]

    def own_stages(self, object: str) -> dict[str, str]:
        """Return the stages that an object's own rows tell: stage id → column, empty for what history tells."""
        kinds = self.tables.columns[object]
        found = {}
        for id, stage in self._stages.items():
            if stage.object == object == "deal" and stage.closes:
                found[id] = "won"
            elif stage.object == object and stage.date_field in kinds:
                found[id] = stage.date_field
            elif stage.object == object == "deal" and not stage.date_field:
                found[id] = ""
            elif object == "contact" and stage.contact_field and stage.contact_field in kinds:
                found[id] = stage.contact_field
        return found | ({LOST_STAGE: "lost"} if object == "deal" else {})

    def live_stages(self) -> list[str]:
        """Return the stages that deals reach through their customers."""
        if not {"deal", "customer"} <= set(self.objects) or not self.facts.customer_by:
            return []
        return [id for id in self.own_stages("customer") if id not in self.own_stages("deal")]

    def stages(self, object: str) -> list[tuple[str, str]]:
        """Return the pairs (stage, business) for which an object has days."""
        own = list(self.own_stages(object))
        if object == "deal":
            own += self.live_stages()
        if object == "contact" and self._is_linked():
            own += [id for id, _ in self.stages("deal")]
        splits = BUSINESS if object in ("deal", "customer", "contact") else BUSINESS[:1]
        return [(id, business) for id in dict.fromkeys(own) for business in splits]

    def fields(self, object: str) -> dict[str, str]:
        """Return the fields of an object that can be added up: field → column."""
        kinds = self.tables.columns[object]
        return {name: source for name, source in AMOUNTS.get(object, {}).items() if source in kinds}

    def carried(self, object: str) -> dict[str, str]:
        """Return the partitions that an object carries: id → column."""
        kinds = self.tables.columns[object]
        return {id: one.objects[object] for id, one in self._partitions.items() if one.objects.get(object) in kinds}

    def write(
        self, object: str, *, partitions=None, reached=None, fields=None, labels=None, with_lost=False
    ) -> JourneyQuery:
        """Write the SELECT of one object; the arguments are those of ``outline_query.journey_select``.

        ``with_lost`` adds to deals the amount of those that are lost today, ``lost_amount_cents``.
        """
        carried = {id: name for id, name in self.carried(object).items() if partitions is None or id in set(partitions)}
        wanted = [pair for pair in self.stages(object) if reached is None or pair in set(reached)]
        summed = {name: source for name, source in self.fields(object).items() if fields is None or name in set(fields)}
        names = name_columns("by_", carried)
        days = name_columns("", wanted, lambda pair: f"{pair[0]}_day" + ("" if pair[1] == "all" else f"_{pair[1]}"))
        cents = {name: f"{name}_cents" for name in summed}
        texts = [(self._text(object, source, (labels or {}).get(id)), names[id]) for id, source in carried.items()]
        moving = {names[id] for id, source in carried.items() if _moves(object, source)}
        of_deals = {"moving": moving, "with_lost": with_lost} if object == "deal" else {}
        parts, body = getattr(self, f"_write_{object}")(texts, list(wanted), days, cents, **of_deals)
        weight = "weight" if object == "session" and "sessions" in self.tables.columns[object] else ""
        narrowed = [(name, self.tables.use(text)) for name, text in parts]
        return JourneyQuery(with_parts(narrowed, self.tables.use(body)), names, days, cents, weight)

    def _is_linked(self) -> bool:
        return "deal" in self.objects and self.facts.has_links

    def _text(self, object: str, name: str, labels: Sequence[str] | None) -> str:
        value, kind = column("source", name), self.tables.columns[object][name]
        if _moves(object, name):
            value, kind = STAGE_THEN, "text"
        is_whole = (object, name) not in self.facts.mixed_numbers
        if labels is None:
            return text_of(value, kind, is_whole=is_whole)
        return code_of(value, kind, labels, is_whole=is_whole)

    def _own_day(self, object: str, name: str) -> str:
        return visible(day_of(column("source", name), self.tables.columns[object][name]), self.last_day)

    def _from(self, object: str) -> str:
        return f"from (\n{self.tables.selects[object]}\n) as source"

    def _write_session(self, texts, wanted, days, cents):
        own = self.own_stages("session")
        rows = [*texts, *((self._own_day("session", own[id]), days[id, business]) for id, business in wanted)]
        rows += self._cents("session", cents)
        if "sessions" in self.tables.columns["session"]:
            number = cents_of('source."sessions"', self.tables.columns["session"]["sessions"])
            rows.append((f"coalesce({number}, 0)", "weight"))
        return [], select(rows or [("1", "record")], self._from("session"))

    def _write_subscription(self, texts, wanted, days, cents):
        own = self.own_stages("subscription")
        rows = [*texts, *((self._own_day("subscription", own[id]), days[id, business]) for id, business in wanted)]
        return [], select([*rows, *self._cents("subscription", cents)] or [("1", "record")], self._from("subscription"))

    def _cents(self, object: str, cents: Mapping[str, str]) -> list[tuple[str, str]]:
        kinds = self.tables.columns[object]
        sources = {field: AMOUNTS[object][field] for field in cents}
        return [(cents_of(column("source", sources[one]), kinds[sources[one]]), name) for one, name in cents.items()]

    def deal_parts(self, further: list[tuple[str, str]], *, is_live: bool) -> list[tuple[str, str]]:
        """Write the deals as of the day; ``deal`` is the last part, with the live days of customers if wanted."""
        history = self.tables.selects.get("deal_history", "")
        tables = DealTables(
            self.tables.selects["deal"],
            self.tables.columns["deal"],
            history,
            self.tables.columns.get("deal_history", {}),
            self._export_days,
            self.facts.meaning,
        )
        if is_live:
            further = [*further, *self._company_id()]
        parts = write_deals(tables, further, self.last_day, self._entered())
        if not is_live:
            return parts
        live = [f"min(customer.{_live(place)}) as {_live(place)}" for place in range(len(self.live_stages()))]
        first = (
            "select customer.parent_id, " + ", ".join(live) + "\nfrom customer\nwhere customer.parent_id is not null\n"
        )
        return [*parts, ("customer", self._customers([])), ("live", f"{first}group by customer.parent_id")]

    def _entered(self) -> list[str]:
        return [id for id, source in self.own_stages("deal").items() if source == ""]

    def _deal_day(self, id: str, business: str) -> str:
        """Return the day on which a deal of a business reached a stage; ``deal`` and ``live`` are in scope."""
        own, entered, live = self.own_stages("deal"), self._entered(), self.live_stages()
        if id == LOST_STAGE or own.get(id) == "won":
            day = f"case when deal.outcome = {2 if id == LOST_STAGE else 1} then deal.closed_day end"
        elif id in entered:
            day = f"deal.entered_{entered.index(id)}"
        elif id in live:
            day = f"live.{_live(live.index(id))}"
        else:
            day = f"deal.{_own(list(own).index(id))}"
        return day if business == "all" else f"case when {_is(business, 'deal.is_new')} then {day} end"

    def _deal_further(self) -> list[tuple[str, str]]:
        """Own dates of deals beyond outcome and history."""
        own = self.own_stages("deal")
        return [
            (self._own_day("deal", source), _own(place))
            for place, (id, source) in enumerate(own.items())
            if source not in ("", "won", "lost")
        ]

    def _write_deal(self, texts, wanted, days, cents, *, moving=frozenset(), with_lost=False):
        still = [(text, name) for text, name in texts if name not in moving]
        is_live = any(id in self.live_stages() for id, _ in wanted)
        parts = self.deal_parts([*self._deal_further(), *still], is_live=is_live)
        rows = [(text if name in moving else f"deal.{name}", name) for text, name in texts]
        rows += [(self._deal_day(id, business), days[id, business]) for id, business in wanted]
        rows += [("deal.amount_cents", name) for name in cents.values()]
        if with_lost:
            rows.append(("case when deal.lost_today = 1 then deal.amount_cents end", "lost_amount_cents"))
        source = "from deal\nleft join live on live.parent_id = deal.id" if is_live else "from deal"
        return parts, select(rows or [("1", "record")], source)

    def _customers(self, texts: list[tuple[str, str]], cents: Mapping[str, str] | None = None) -> str:
        """Customers with their deal, and whether they are new business as it is."""
        own = list(self.own_stages("customer").items())
        kinds = self.tables.columns["customer"]
        rows = [*texts, *((self._own_day("customer", source), _live(place)) for place, (_, source) in enumerate(own))]
        by = self.facts.customer_by if "deal" in self.objects else ""
        if by == "deal_id":
            rows += [("deal.id", "parent_id"), ("coalesce(deal.is_new, true)", "is_new")]
            return select(rows, f'{self._from("customer")}\nleft join deal on deal.id = source."deal_id"')
        if by == "company_id":
            rows += [("first_won.id", "parent_id"), ("coalesce(first_won.is_new, true)", "is_new")]
            ranked = (
                "select deal.id, deal.is_new, deal.company_id,\n"
                "  row_number() over (partition by deal.company_id order by deal.closed_day, deal.id) as place\n"
                "from deal\nwhere deal.outcome = 1 and deal.closed_day is not null and deal.company_id is not null"
            )
            return select(
                rows,
                f"{self._from('customer')}\nleft join (\n{ranked}\n) as first_won\n"
                'on first_won.place = 1 and first_won.company_id = source."company_id"',
            )
        is_new = 'coalesce(source."is_new_business", true)' if "is_new_business" in kinds else "true"
        return select([*rows, ("cast(null as varchar)", "parent_id"), (is_new, "is_new")], self._from("customer"))

    def _write_customer(self, texts, wanted, days, cents):
        by = self.facts.customer_by if "deal" in self.objects else ""
        parts = self.deal_parts(self._company_id(), is_live=False) if by else []
        own = list(self.own_stages("customer"))
        rows = [(f"customer.{name}", name) for _, name in texts]
        for id, business in wanted:
            day = f"customer.{_live(own.index(id))}"
            narrowed = f"case when {_is(business, 'customer.is_new')} then {day} end"
            rows.append((day if business == "all" else narrowed, days[id, business]))
        return [*parts, ("customer", self._customers(texts))], select(rows or [("1", "record")], "from customer")

    def _company_id(self) -> list[tuple[str, str]]:
        return [('source."company_id"', "company_id")] if self.facts.customer_by == "company_id" else []

    def _write_contact(self, texts, wanted, days, cents):
        own = self.own_stages("contact")
        linked = [pair for pair in wanted if self._is_linked() and pair in set(self.stages("deal"))]
        parts = []
        if linked:
            is_live = any(id in self.live_stages() for id, _ in linked)
            parts = self.deal_parts(self._deal_further(), is_live=is_live)
            parts += [("link", self._links()), ("linked", self._first_days(linked, is_live=is_live))]
        # Worked out below the join: above it a column has lost the dictionary in which it is stored.
        itself = {id: f"contact.{_own(place)}" for place, id in enumerate(own)}
        below = [*texts, *self._cents("contact", cents)]
        rows = [(f"contact.{name}", name) for _, name in below]
        for pair in wanted:
            through = f"linked.{_first(linked.index(pair))}" if pair in linked else ""
            both = [day for day in (itself.get(pair[0], ""), through) if day]
            rows.append((f"coalesce({', '.join(both)})" if both[1:] else both[0] if both else NOTHING, days[pair]))
        used = {id for id, _ in wanted}
        below += [(self._own_day("contact", own[id]), _own(place)) for place, id in enumerate(own) if id in used]
        below += [('source."id"', "id")] if linked else []
        parts.append(("contact", select(below or [("1", "record")], self._from("contact"))))
        join = "\nleft join linked on linked.contact_id = contact.id" if linked else ""
        return parts, select(rows or [("1", "record")], f"from contact{join}")

    def _links(self) -> str:
        sides = []
        both = (("deal_contact", "deal_id"), ("deal", "id"))
        for object, id in both[:1] if self.tables.has_whole_links and "deal_contact" in self.tables.columns else both:
            if {id, "contact_id"} <= set(self.tables.columns.get(object, {})):
                sides.append(
                    f'select source."{id}" as deal_id, source."contact_id" as contact_id\n'
                    f'{self._from(object)}\nwhere source."{id}" is not null and source."contact_id" is not null'
                )
        return "\nunion all\n".join(sides)

    def _first_days(self, linked: list[tuple[str, str]], *, is_live: bool) -> str:
        rows = [("link.contact_id", "contact_id")]
        rows += [(f"min({self._deal_day(*pair)})", _first(place)) for place, pair in enumerate(linked)]
        live = "\nleft join live on live.parent_id = deal.id" if is_live else ""
        return select(rows, f"from link\njoin deal on deal.id = link.deal_id{live}\ngroup by link.contact_id")


def name_columns(prefix: str, keys: Iterable, write=str) -> dict:
    """Give keys short names that every database takes, each one once.

    >>> name_columns("by_", ["Région", "region", "region "])
    {'Région': 'by_r_gion', 'region': 'by_region', 'region ': 'by_region_2'}
    """
    names: dict = {}
    for key in keys:
        stem = (prefix + re.sub(r"[^a-z0-9]+", "_", write(key).casefold()).strip("_"))[:40] or "column"
        name, number = stem, 1
        while name in names.values():
            number += 1
            name = f"{stem}_{number}"
        names[key] = name
    return names


def _moves(object: str, column: str) -> bool:
    """Tell whether a partition of a deal is what it was on the last day that counts."""
    return object == "deal" and column == "stage"


def _own(place: int) -> str:
    return f"own_day_{place}"


def _live(place: int) -> str:
    return f"live_day_{place}"


def _first(place: int) -> str:
    return f"first_day_{place}"


def _is(business: str, is_new: str) -> str:
    return is_new if business == "new" else f"not {is_new}"
