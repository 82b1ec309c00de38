"""One table per object with the day on which each record reached each stage, joined and coded once.

A contact reaches a stage of the deal by its own date, else by the first of its linked deals that does; a deal goes
live by its customer's live date. Renewals and other existing business can be left out (business ``new``): then only
new-business deals count, and a contact reaches a stage only through them or its own date.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd

from helpers.engine.deal_links import find_links
from helpers.engine.fetched_part import build_what_fits
from helpers.engine.history import LOST, WON, DealHistory, DealState
from helpers.engine.timeline import FAR, NO_DAY, day_number, to_days

BLANK = "(blank)"
BUSINESS = ("all", "new", "existing")
LOST_STAGE = "lost"
REMEMBERED_DAYS = 8
"""How many days of a company's journeys are kept in memory."""

OBJECTS = ("session", "deal", "customer", "subscription", "contact")
DAY_FIELDS = {"customer": ("live_at", "ended_at"), "subscription": ("start_at", "end_at", "renewal_at")}
AMOUNTS = {
    "session": {"sessions": "sessions"},
    "contact": {"amount": "won_amount"},
    "deal": {"amount": "amount"},
    "subscription": {"mrr": "mrr", "seats": "seats"},
}


@dataclass(frozen=True)
class Records:
    """The journeys of one object; all arrays run along its canonical table.

    Attributes:
        object: contact, deal, customer, subscription or session.
        n: How many records.
        reached: (stage id, business) → day number at which the record first reached the stage, ``NO_DAY`` where not.
        cents: Field → hundredths of it as int64, 0 where missing.
        known: Field → whether the record carries it.
        codes: Partition id → code of its value (see ``Journeys.labels``); the last code stands for missing.
        days: Other dates that are no stage, such as ``ended_at``.
        is_new: Whether the record is new business.
        weight: What one record counts for: 1, or the number of sessions in a row.
        parent: Position of the record that it hangs on (a customer's deal, a subscription's customer), −1 where none.
    """

    object: str
    n: int
    reached: Mapping[tuple[str, str], np.ndarray] = field(default_factory=dict)
    cents: Mapping[str, np.ndarray] = field(default_factory=dict)
    known: Mapping[str, np.ndarray] = field(default_factory=dict)
    codes: Mapping[str, np.ndarray] = field(default_factory=dict)
    days: Mapping[str, np.ndarray] = field(default_factory=dict)
    is_new: np.ndarray = field(default_factory=lambda: np.empty(0, bool))
    weight: np.ndarray | None = None
    parent: np.ndarray | None = None

    def is_business(self, business: str) -> np.ndarray:
        """Return which records belong to all, new or existing business."""
        if business == "all":
            return np.ones(self.n, bool)
        return self.is_new if business == "new" else ~self.is_new


@dataclass(frozen=True)
class Journeys:
    """All journeys of a company as of one day.

    Attributes:
        records: Object → its journeys; only objects whose table exists.
        labels: Partition id → the texts of its codes, sorted, ``(blank)`` last.
        homes: Stage id → the object whose records are counted at it; only stages that the exports show.
        first_day: Day number of the first event.
        observed_until: Day number up to which events can be seen.
        exported_until: Day number up to which the exports reach, whatever day was asked about.
        as_of: Day number of the question, ``FAR`` where everything in the exports counts.
        history: The deals, ready to be rewound; None without a table of deals.
        deals: The deals as of then; None without a table of deals.
        stage_partitions: Partitions that hold the deal's stage, which is rewound to the day in question.
        tracks_close_dates: Whether changes of close dates would be known: by a history of them or several exports.
    """

    records: Mapping[str, Records]
    labels: Mapping[str, np.ndarray]
    homes: Mapping[str, str]
    first_day: int
    observed_until: int
    exported_until: int
    as_of: int
    history: DealHistory | None
    deals: DealState | None
    stage_partitions: frozenset[str] = frozenset()
    tracks_close_dates: bool = False

    def stage_codes(self, partition: str, state: DealState) -> np.ndarray:
        """Return the codes of a partition that holds the deal's stage, as of another day."""
        return _place(self.labels[partition], self.history.stage_labels)[state.stage]


def build_journeys(company, *, as_of: date | None = None) -> Journeys:
    """Join and code a company's tables, once per company and day.

    The result is remembered on the company object itself and goes away with it, so that asking again costs nothing and
    no state is shared between companies.

    Args:
        company: The opened company.
        as_of: Events after this day are invisible; None lets everything in the exports count.

    Returns:
        The journeys as of that day.
    """
    day = FAR if as_of is None else day_number(as_of)
    remembered = vars(company).setdefault("_journeys", {})
    if day not in remembered:
        remembered[day] = build_what_fits(company, day, _build, objects=OBJECTS, lost=LOST_STAGE, blank=BLANK)
    while len(remembered) > REMEMBERED_DAYS:
        del remembered[next(other for other in remembered if other != day)]
    return remembered[day]


def _build(company, day: int, tables: Mapping[str, pd.DataFrame]) -> Journeys:
    catalog = company.catalog
    history = state = None
    if "deal" in tables:
        history = DealHistory(
            tables["deal"],
            tables.get("deal_history"),
            stage_ids=_stage_ids_of(company),
            export_days=company.snapshots[1:],
        )
        state = history.state_on(day)
    objects = [object for object in OBJECTS if object in tables]
    own = {object: _own_days(object, tables, catalog, day, history, state) for object in objects}
    ever = own
    if day != FAR:
        now = history.state_on(FAR) if history else None
        ever = {object: _own_days(object, tables, catalog, FAR, history, now) for object in objects}
    parents = _parents(tables, own)
    labels, codes, staged = _code(company, tables, history, state)
    records = {}
    for object in objects:
        records[object] = _records(object, tables, own, day, state, parents.get(object), codes, records)
    _link(company, records, own)
    homes = {id: home for id in (*catalog.stages, LOST_STAGE) if (home := _home(id, catalog, ever))}
    tracks = history is not None and (len(history.closes) > 0 or len(company.snapshots) > 1)
    first, last = _span(records, history, company, day)
    exported = max([last, *(day_number(each) for each in company.snapshots)])
    observed = last if day == FAR else day
    return Journeys(records, labels, homes, first, observed, exported, day, history, state, staged, tracks)


def _stage_ids_of(company) -> dict[str, str]:
    return {stage.label: stage.stage for stage in company.settings.deal_stages}


def _own_days(object, tables, catalog, day, history, state) -> dict[str, np.ndarray]:
    """Return the object's own first-entry days: stage id → day number."""
    table = tables[object]
    found = {}
    for id, stage in catalog.stages.items():
        if stage.object == object and object == "deal" and stage.closes:
            found[id] = _closed_days(state, WON)
        elif stage.object == object and stage.date_field in table:
            found[id] = _visible(to_days(table[stage.date_field]), day)
        elif stage.object == object == "deal" and not stage.date_field:
            found[id] = history.first_entries(id, day)
        elif object == "contact" and stage.contact_field and stage.contact_field in table:
            found[id] = _visible(to_days(table[stage.contact_field]), day)
    if object == "deal":
        found[LOST_STAGE] = _closed_days(state, LOST)
    return found


def _closed_days(state: DealState, outcome: int) -> np.ndarray:
    return np.where(state.outcome == outcome, state.closed, NO_DAY).astype(np.int32)


def _visible(days: np.ndarray, day: int) -> np.ndarray:
    return days if day == FAR else np.where(days > day, NO_DAY, days).astype(np.int32)


def _records(object, tables, own, day, state, parent, codes, others) -> Records:
    table, n = tables[object], len(tables[object])
    is_new = _is_new(table)
    if object == "customer" and parent is not None and "deal" in others:
        is_new = np.where(parent >= 0, np.append(others["deal"].is_new, True)[parent], True)
    cents, known = {}, {}
    for name, column in AMOUNTS.get(object, {}).items():
        if column in table:
            numbers = pd.to_numeric(table[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
            numbers = state.amount if object == "deal" and name == "amount" else numbers
            known[name] = ~np.isnan(numbers)
            cents[name] = np.rint(np.where(known[name], numbers, 0) * 100).astype(np.int64)
    days = {name: to_days(table[name]) for name in DAY_FIELDS.get(object, ()) if name in table}
    for name in ("ended_at", "end_at", "live_at"):
        if name in days:
            days[name] = _visible(days[name], day)
    if "start_at" in days:
        # The contract of the next morning renews the one that ends on the last day that counts.
        days["start_at"] = _visible(days["start_at"], min(day, FAR - 1) + 1)
    weight = cents["sessions"] / 100 if "sessions" in cents else None
    reached = {}
    for id, reached_on in own[object].items():
        _split_business(reached, id, reached_on, is_new, BUSINESS if object in ("deal", "customer") else ("all",))
    return Records(object, n, reached, cents, known, codes.get(object, {}), days, is_new, weight, parent)


def _split_business(reached: dict, stage: str, days: np.ndarray, is_new: np.ndarray, wanted: Sequence[str]) -> None:
    """Set the days of a stage per business; days that are the same for all and new business are kept once."""
    for business in wanted:
        keep = None if business == "all" or (business == "new" and is_new.all()) else is_new == (business == "new")
        reached[stage, business] = days if keep is None else np.where(keep, days, NO_DAY).astype(np.int32)


def _is_new(table: pd.DataFrame) -> np.ndarray:
    if "is_new_business" not in table:
        return np.ones(len(table), bool)
    return table["is_new_business"].astype("boolean").fillna(True).to_numpy(dtype=bool)


def _parents(tables, own) -> dict[str, np.ndarray]:
    """Return for customers the position of their deal, for subscriptions that of their customer."""
    parents = {}
    if "customer" in tables and "deal" in tables:
        if _has_values(tables["customer"], "deal_id"):
            parents["customer"] = _positions(tables["customer"]["deal_id"], tables["deal"]["id"])
        elif _has_values(tables["customer"], "company_id") and _has_values(tables["deal"], "company_id"):
            won = own["deal"].get("won", np.full(len(tables["deal"]), NO_DAY))
            order = np.flatnonzero(won != NO_DAY)
            # Two deals of one company won on one day: the id decides, as in a database, where rows have no order.
            order = order[np.lexsort((tables["deal"]["id"].iloc[order].to_numpy(dtype="O").astype(str), won[order]))]
            ids = tables["deal"]["company_id"].iloc[order]
            found = _positions(tables["customer"]["company_id"], ids)
            parents["customer"] = np.append(order, -1)[found]
    if "subscription" in tables and "customer" in tables and "customer_id" in tables["subscription"]:
        parents["subscription"] = _positions(tables["subscription"]["customer_id"], tables["customer"]["id"])
    return parents


def _has_values(table: pd.DataFrame, column: str) -> bool:
    return column in table and bool(table[column].notna().any())


def _positions(keys: pd.Series, ids: pd.Series) -> np.ndarray:
    """Return for each key the position of the first equal id, −1 where there is none or the key is missing."""
    index = pd.Index(ids)
    first = ~index.duplicated() & ~index.isna()
    positions = np.flatnonzero(first)
    found = index[first].get_indexer(pd.Index(keys))
    found = np.where(keys.isna().to_numpy(), -1, found)
    return np.append(positions, -1)[found]


def _code(company, tables, history, state) -> tuple[dict, dict, frozenset[str]]:
    """Code every partition over all objects that carry it.

    Returns:
        Partition → labels (missing last); object → partition → codes; the partitions that hold the deal's stage.
    """
    labels: dict[str, np.ndarray] = {}
    codes: dict[str, dict[str, np.ndarray]] = {}
    staged = set()
    for id, partition in company.partitions.items():
        columns = {
            object: pd.factorize(_as_text(tables[object][column]))
            for object, column in partition.objects.items()
            if object in tables and column in tables[object]
        }
        if not columns:
            continue
        values = {str(value) for _, uniques in columns.values() for value in uniques}
        if partition.objects.get("deal") == "stage":
            values |= set(history.stage_labels)
            staged.add(id)
        labels[id] = np.array([*sorted(values - {BLANK}), BLANK], dtype="O")
        for object, (found, uniques) in columns.items():
            codes.setdefault(object, {})[id] = _place(labels[id], uniques)[found]
        if id in staged:
            codes["deal"][id] = _place(labels[id], history.stage_labels)[state.stage]
    return labels, codes, frozenset(staged)


def _place(labels: np.ndarray, values) -> np.ndarray:
    """Return the code of each value, and at the end that of a missing one."""
    place = {label: i for i, label in enumerate(labels)}
    last = len(labels) - 1
    return np.array([*(place.get(str(value), last) for value in values), last], dtype=np.int32)


def _as_text(values: pd.Series) -> pd.Series:
    if pd.api.types.is_string_dtype(values.dtype) and values.dtype != "O":
        return values
    if pd.api.types.is_float_dtype(values.dtype):
        whole = values.dropna()
        if (whole == whole.round()).all():
            values = values.astype("Int64")
    text = values.astype("str")
    return text.where(values.notna())


def _link(company, records: dict[str, Records], own) -> None:
    """Add to deals the day their customer went live, and to contacts the days of their linked deals."""
    tables = company.tables
    deal, customer, contact = (records.get(name) for name in ("deal", "customer", "contact"))
    if deal and customer and customer.parent is not None:
        for (stage, business), days in customer.reached.items():
            if business == "all" and (stage, "all") not in deal.reached:
                first = _first_per_parent(days, customer.parent, deal.n)
                _split_business(deal.reached, stage, first, deal.is_new, BUSINESS)
    if not contact:
        return
    linked = _linked_days(deal, tables, find_links(company)) if deal else {}
    for stage in dict.fromkeys([*own["contact"], *(stage for stage, _ in linked)]):
        itself = own["contact"].get(stage)
        joined: dict[int, np.ndarray] = {}
        for business in BUSINESS:
            through = linked.get((stage, business))
            if itself is None or through is None:
                contact.reached[stage, business] = through if itself is None else itself
                continue
            if id(through) not in joined:
                joined[id(through)] = np.where(itself != NO_DAY, itself, through)
            contact.reached[stage, business] = joined[id(through)]


def _first_per_parent(days: np.ndarray, parent: np.ndarray, n: int) -> np.ndarray:
    first = np.full(n, FAR, np.int32)
    seen = (parent >= 0) & (days != NO_DAY)
    np.minimum.at(first, parent[seen], days[seen])
    return np.where(first == FAR, NO_DAY, first).astype(np.int32)


def _linked_days(deal: Records, tables, links: tuple[np.ndarray, np.ndarray]) -> dict[tuple[str, str], np.ndarray]:
    """Return the first day on which any deal linked to a contact reached each stage."""
    deals, contacts = links
    if not len(deals):
        return {}
    days, known = {}, {}
    for key, reached in deal.reached.items():
        if id(reached) not in known:
            known[id(reached)] = _first_per_parent(reached[deals], contacts, len(tables["contact"]))
        days[key] = known[id(reached)]
    return days


def _home(id: str, catalog, ever: Mapping[str, Mapping[str, np.ndarray]]) -> str:
    """Return the object whose records are counted at a stage, empty where the exports never show the stage.

    It is asked of everything in the exports, so that a question about an early day doesn't change what a stage is.
    """
    object = catalog.stages[id].object if id in catalog.stages else "deal"
    for candidate in dict.fromkeys((object, "contact")):
        days = ever.get(candidate, {}).get(id)
        if days is not None and (days != NO_DAY).any():
            return candidate
    return ""


def _span(records: Mapping[str, Records], history, company, day: int) -> tuple[int, int]:
    kept = [days for one in records.values() for days in one.reached.values()]
    kept += [one.days[name] for one in records.values() for name in ("ended_at", "start_at") if name in one.days]
    events = list({id(days): days for days in kept if len(days)}.values())
    if day != FAR:
        events = [np.where(days <= day, days, NO_DAY) for days in events]
    # One less, a missing day wraps around to the largest number there is, so that it is never the first.
    firsts = [int((days - np.int32(1)).min()) + 1 for days in events]
    first = min((one for one in firsts if one <= FAR), default=0)
    lasts = [int(days.max()) for days in events]
    latest = getattr(company, "latest_event", None)
    last = max((one for one in lasts if one != NO_DAY), default=first - 1)
    return first, last if latest is None else day_number(latest)
