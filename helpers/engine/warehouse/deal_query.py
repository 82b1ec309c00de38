"""Deals as they stood at the end of a day, as SQL: stage, amount and close date rewound through the deal history.

The rule is that of ``helpers.engine.history``: the value on a day is what the first change *after* that day says it was
before; else what the last change up to that day made it; else today's value.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from helpers.engine.history import LOST, OPEN, WON
from helpers.engine.warehouse.expressions import (
    NOTHING,
    cents_of,
    column,
    day_of,
    is_one_of,
    select,
    visible,
)

FIELDS = ("stage", "closed_at", "amount")
OPEN_TEXT = "'open'"


@dataclass(frozen=True)
class StageMeaning:
    """What the labels of deal stages mean.

    Attributes:
        ids: Label → our stage id, None where nobody said.
        outcomes: Label → ``OPEN``, ``WON`` or ``LOST``.
        has_changes: Whether the history holds any change of a known deal's stage.
    """

    ids: Mapping[str, str | None] = field(default_factory=dict)
    outcomes: Mapping[str, int] = field(default_factory=dict)
    has_changes: bool = False

    def labels_of(self, stage_id: str) -> list[str]:
        """Return the labels of one stage."""
        return [label for label, id in self.ids.items() if id == stage_id]

    def outcome_of(self, stage: str) -> str:
        """Return the SQL of what a label means for a deal."""
        won, lost = ([label for label, code in self.outcomes.items() if code == one] for one in (WON, LOST))
        return f"case when {is_one_of(stage, won)} then {WON} when {is_one_of(stage, lost)} then {LOST} else {OPEN} end"


@dataclass(frozen=True)
class DealTables:
    """Where deals and their changes lie.

    Attributes:
        deal: The SELECT of the deals; ``columns`` its columns and their kinds.
        history: The SELECT of the changes, empty where there is none; ``history_columns`` its columns.
        export_days: Days of exports after the first: a change seen by comparing exports bears such a midnight and had
            happened by the evening before.
        meaning: What the labels of stages mean.
    """

    deal: str
    columns: Mapping[str, str]
    history: str = ""
    history_columns: Mapping[str, str] = field(default_factory=dict)
    export_days: tuple[date, ...] = ()
    meaning: StageMeaning = field(default_factory=StageMeaning)


def write_deals(tables: DealTables, further: list[tuple[str, str]], day: int | None, entered: list[str]):
    """Write the deals as of a day.

    Args:
        tables: Where they lie.
        further: Columns to carry along: expression over ``source`` and name.
        day: The last day that counts; None takes them as they stand in the exports.
        entered: Further stages whose first entries are wanted.

    Returns:
        Named parts; the last, ``deal``, has one row per deal: id, is_new, created_day, outcome, closed_day,
        amount_cents, stage, lost_today, one ``entered_<place>`` per further stage, and what was to be carried along.
    """
    parts = [("deal_today", _today(tables, further))]
    needs_history = bool(tables.history) and (day is not None or (entered and tables.meaning.has_changes))
    carried = [name for _, name in further]
    if needs_history:
        parts.append(("deal_change", _changes(tables)))
    if day is not None and tables.history:
        parts.append(("deal_turn", _turns(day)))
    if day is not None:
        parts.append(("deal_values", _values(carried, has_history=bool(tables.history))))
        parts.append(("deal_state", _state(carried, day, tables.meaning)))
    if entered and needs_history and tables.meaning.has_changes:
        parts.append(("deal_entry", _entries(entered, tables.meaning, day)))
    state = "deal_today" if day is None else "deal_state"
    parts.append(("deal", _with_entries(state, carried, entered, tables.meaning, day, needs_history)))
    return parts


STATE = ("id", "is_new", "created_day", "outcome", "closed_day", "amount_cents", "stage", "stage_today", "lost_today")


def _today(tables: DealTables, further: list[tuple[str, str]]) -> str:
    kinds = tables.columns

    def own(name: str, otherwise: str) -> str:
        return column("source", name) if name in kinds else otherwise

    outcome = f"case {own('outcome', OPEN_TEXT)} when 'won' then {WON} when 'lost' then {LOST} else {OPEN} end"
    stage = own("stage", "cast(null as varchar)")
    rows = [
        (own("id", "cast(null as varchar)"), "id"),
        (f"coalesce({own('is_new_business', 'true')}, true)", "is_new"),
        (day_of(own("created_at", ""), kinds["created_at"]) if "created_at" in kinds else NOTHING, "created_day"),
        (outcome, "outcome"),
        (day_of(own("closed_at", ""), kinds["closed_at"]) if "closed_at" in kinds else NOTHING, "closed_day"),
        (cents_of(own("amount", ""), kinds["amount"]) if "amount" in kinds else "cast(null as bigint)", "amount_cents"),
        (stage, "stage"),
        (stage, "stage_today"),
        (f"case when {outcome} = {LOST} then 1 else 0 end", "lost_today"),
        *further,
    ]
    return select(rows, f"from (\n{tables.deal}\n) as source")


def _changes(tables: DealTables) -> str:
    """Every dated change, with the day on which it had happened and its place among those of its deal and field."""
    kinds = tables.history_columns
    day = day_of("source.changed_at", kinds.get("changed_at", "timestamp"))
    if tables.export_days:
        midnights = ", ".join(f"timestamp '{one.isoformat()} 00:00:00'" for one in tables.export_days)
        day = f"{day} - case when cast(source.changed_at as timestamp) in ({midnights}) then 1 else 0 end"
    ties = [f"source.{name}" for name in ("source_row",) if name in kinds]
    rows = [
        ("source.deal_id", "deal_id"),
        ("source.field", "field"),
        ("source.old", "old"),
        ("source.new", "new"),
        (day, "changed_day"),
        ("source.changed_at", "changed_at"),
        (ties[0] if ties else "coalesce(source.old, '') || ' ' || coalesce(source.new, '')", "tie"),
    ]
    changes = select(
        rows,
        f"from (\n{tables.history}\n) as source\nwhere source.changed_at is not null and source.deal_id is not null",
    )
    return (
        "select change.*, row_number() over (partition by change.deal_id, change.field "
        f"order by change.changed_day, change.changed_at, change.tie) as place\nfrom (\n{changes}\n) as change"
    )


def _turns(day: int) -> str:
    """Per deal and field: the first change after the day and the last one up to it."""
    side = f"case when deal_change.changed_day > {day} then 1 else 0 end"
    edges = (
        f"select deal_change.*, {side} as is_after,\n"
        f"  min(deal_change.place) over (partition by deal_change.deal_id, deal_change.field, {side}) as first_place,\n"
        f"  max(deal_change.place) over (partition by deal_change.deal_id, deal_change.field, {side}) as last_place\n"
        "from deal_change\nwhere deal_change.changed_day is not null"
    )
    rows = [("edge.deal_id", "deal_id")]
    for name in FIELDS:
        after = f"edge.field = '{name}' and edge.is_after = 1 and edge.place = edge.first_place"
        before = f"edge.field = '{name}' and edge.is_after = 0 and edge.place = edge.last_place"
        rows += [
            (f"max(case when {after} then 1 else 0 end)", f"{name}_undone"),
            (f"max(case when {after} then edge.old end)", f"{name}_old"),
            (f"max(case when {before} then 1 else 0 end)", f"{name}_done"),
            (f"max(case when {before} then edge.new end)", f"{name}_new"),
        ]
    before = "edge.field = 'stage' and edge.is_after = 0"
    rows.append((f"max(case when {before} then edge.changed_day end)", "stage_changed_day"))
    return select(rows, f"from (\n{edges}\n) as edge\ngroup by edge.deal_id")


def _values(carried: list[str], *, has_history: bool) -> str:
    """Deals with the values of the day, and whether a later change of stage had to be undone."""
    if not has_history:
        extra = [("0", "stage_undone"), (NOTHING, "stage_changed_day")]
        kept = [(f"deal_today.{name}", name) for name in [*STATE, *carried]]
        rows = [*kept, ("deal_today.closed_day", "closed_day_today"), *extra]
        return select(rows, "from deal_today")
    read = {
        "stage": ("stage", lambda text: text),
        "closed_at": ("closed_day", lambda text: day_of(text, "text")),
        "amount": ("amount_cents", lambda text: cents_of(text, "text")),
    }
    then = {}
    for name, (target, parse) in read.items():
        old, new = parse(f"deal_turn.{name}_old"), parse(f"deal_turn.{name}_new")
        then[target] = (
            f"case when deal_turn.{name}_undone = 1 and {old} is not null then {old} "
            f"when deal_turn.{name}_undone = 1 and deal_turn.{name}_done = 1 then {new} else deal_today.{target} end"
        )
    rows = [(then.get(name, f"deal_today.{name}"), name) for name in [*STATE, *carried]]
    rows += [
        ("deal_today.closed_day", "closed_day_today"),
        ("coalesce(deal_turn.stage_undone, 0)", "stage_undone"),
        ("deal_turn.stage_changed_day", "stage_changed_day"),
    ]
    return select(rows, "from deal_today\nleft join deal_turn on deal_turn.deal_id = deal_today.id")


def _state(carried: list[str], day: int, meaning: StageMeaning) -> str:
    """Won, lost or open on the day; a close date up to the day outranks when somebody noticed it."""
    stands = (
        f"case when v.outcome <> {OPEN} and (v.closed_day_today is null or v.closed_day_today <= {day}) "
        "then 1 else 0 end"
    )
    before = f"case when v.stage_undone = 1 then {meaning.outcome_of('v.stage')} else {OPEN} end"
    inner = f"select v.*,\n  {stands} as stands,\n  {before} as outcome_before\nfrom deal_values as v"
    closing = f"case when s.closed_day <= {day} then s.closed_day else s.stage_changed_day end"
    reopened = f"s.outcome <> {OPEN} and s.stands = 0 and s.outcome_before = {OPEN}"
    then = {
        "outcome": "case when s.stands = 1 then s.outcome else s.outcome_before end",
        "closed_day": f"case when s.stands = 1 then s.closed_day_today when s.outcome_before <> {OPEN} then {closing} "
        "else s.closed_day end",
        "stage": f"case when {reopened} and {meaning.outcome_of('s.stage')} <> {OPEN} then cast(null as varchar) "
        "else s.stage end",
    }
    return select([(then.get(name, f"s.{name}"), name) for name in [*STATE, *carried]], f"from (\n{inner}\n) as s")


def _entries(entered: list[str], meaning: StageMeaning, day: int | None) -> str:
    """Per deal with a change of stage: the first day of each further stage, and whether it began there."""
    rows = [("deal_change.deal_id", "deal_id")]
    up_to = "" if day is None else f" and deal_change.changed_day <= {day}"
    for place, id in enumerate(entered):
        labels = meaning.labels_of(id)
        into = f"{is_one_of('deal_change.new', labels)}{up_to}"
        begun = f"deal_change.place = 1 and {is_one_of('deal_change.old', labels)}"
        rows.append((f"min(case when {into} then deal_change.changed_day end)", f"into_{place}"))
        rows.append((f"max(case when {begun} then 1 else 0 end)", f"begun_{place}"))
    return select(
        rows,
        "from deal_change\nwhere deal_change.field = 'stage' and deal_change.changed_day is not null\n"
        "group by deal_change.deal_id",
    )


def _with_entries(
    state: str, carried: list[str], entered: list[str], meaning: StageMeaning, day: int | None, has_history: bool
) -> str:
    rows = [(f"{state}.{name}", name) for name in [*STATE, *carried]]
    if not entered or not has_history or not meaning.has_changes:
        rows += [(NOTHING, f"entered_{place}") for place in range(len(entered))]
        return select(rows, f"from {state}")
    for place, id in enumerate(entered):
        unchanged = f"deal_entry.deal_id is null and {is_one_of(f'{state}.stage_today', meaning.labels_of(id))}"
        first = (
            f"case when deal_entry.begun_{place} = 1 and {state}.created_day is not null "
            f"then {state}.created_day "
            f"when {unchanged} then {state}.created_day else deal_entry.into_{place} end"
        )
        rows.append((visible(f"({first})", day), f"entered_{place}"))
    return select(rows, f"from {state}\nleft join deal_entry on deal_entry.deal_id = {state}.id")
