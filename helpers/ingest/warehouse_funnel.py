"""What became of a warehouse's deals, and how they changed: outcome, stage, kind of business, history."""

from collections.abc import Sequence

import pandas as pd

from helpers.ingest.dates import detect_date_order
from helpers.ingest.funnel import label_key, name_stages, tell_new_business, tell_outcomes
from helpers.ingest.history import COLUMNS, history_field_keys, name_history_stages
from helpers.ingest.numbers import detect_number_convention
from helpers.ingest.schema import HISTORY_FIELDS
from helpers.ingest.settings import DealStage
from helpers.ingest.values import normalise_key
from helpers.ingest.vendors import find_stage_dates, header_key
from helpers.ingest.warehouse_columns import Source, as_date, as_number, literal, map_texts, null_of, quote
from helpers.ingest.warehouse_query import Defined, Joined, Layer, TableQuery
from helpers.ingest.warehouse_reading import parse_as
from helpers.ingest.warehouse_records import Building
from helpers.issues import IssueLog

FLAGS = ("outcome", "is_won", "is_lost", "is_closed")
MOST_COMBINATIONS = 20_000
SEPARATOR = "\u241f"
REPEATED = 200
"""A combination of labels stands for its deals by at most so many copies where a typical probability is told."""


def tell_deal_outcomes(building: Building) -> list[DealStage]:
    """Give every deal its outcome, stage of the bow-tie and probability, by the same rules as exports get them.

    Every combination of the columns that decide is fetched once with its number of deals; the rules for exports are
    asked about the combinations, and their answers are joined to the deals.
    """
    deals = building.queries.get("deal")
    if deals is None:
        return []
    deciding = [name for name in ("stage", *FLAGS) if name in deals.kinds]
    combined = _fetch_combinations(building, deals, deciding)
    stages = list(building.settings.deal_stages)
    if not stages and "stage" in combined:
        order = [one.stage for part in building.parts["deal"] for one in find_stage_dates(part.origin.raw.columns)]
        stages = name_stages(combined, {}, order=order)
    quiet = IssueLog()
    told = tell_outcomes(combined, stages, quiet)
    _log_new_labels(building, combined, stages)
    _add_outcomes(deals, deciding, combined, told, stages)
    _add_new_business(building, deals)
    return stages


def _fetch_combinations(building: Building, deals: TableQuery, deciding: Sequence[str]) -> pd.DataFrame:
    has_probability = "probability" in deals.kinds
    columns = [*deciding, *(["probability"] if has_probability else [])]
    if not columns:
        return pd.DataFrame({"n": [1], "source_file": [""], "source_row": [0]})
    shown = ", ".join(f"t.{quote(name)}" for name in columns)
    grouped = ", ".join(str(number) for number in range(1, len(columns) + 1))
    rows = building.ask(
        f"select {shown}, count(*) as n from ({deals.select(columns)}) as t group by {grouped} "
        f"limit {MOST_COMBINATIONS}"
    )
    frame = pd.DataFrame(rows, columns=[*columns, "n"])
    for name in deciding:
        frame[name] = frame[name].astype("boolean" if name.startswith("is_") else "str")
    if has_probability:
        frame["probability"] = frame["probability"].astype("float64")
    frame = frame.sort_values(["n", *deciding], ascending=False, kind="stable", ignore_index=True)
    scale = max(1.0, frame["n"].max() / REPEATED) if len(frame) else 1.0
    copies = (frame["n"] / scale).round().clip(lower=1).astype(int)
    frame = frame.loc[frame.index.repeat(copies)].reset_index(drop=True)
    return frame.assign(source_file=building.place("deal"), source_row=0)


def _log_new_labels(building: Building, combined: pd.DataFrame, stages: Sequence[DealStage]) -> None:
    if "stage" not in combined or not building.settings.deal_stages:
        return
    placed = {label_key(stage.label) for stage in stages}
    counts = (
        combined.drop_duplicates([name for name in ("stage", *FLAGS) if name in combined]).groupby("stage")["n"].sum()
    )
    for label, n in counts.items():
        if label_key(str(label)) not in placed:
            building.log.add(
                file=building.place("deal"), column=building.column("deal", "stage"), code="new_stage_label",
                severity="warning", value=label,
                message=f"{int(n):,} deals stand in a stage that company.toml does not place; its label decides",
                cure=f'Add it in its order to company.toml: [[deal_stages]]\nlabel = "{label}"\nstage = "opportunity"',
            )  # fmt: skip


def _add_outcomes(
    deals: TableQuery, deciding: Sequence[str], combined: pd.DataFrame, told: pd.DataFrame, stages: Sequence[DealStage]
) -> None:
    keys = pd.Series("", index=combined.index, dtype="str")
    for name in deciding:
        text = combined[name]
        if name.startswith("is_"):
            text = text.map(lambda value: str(value).lower(), na_action="ignore")
        keys = keys + text.astype("str").fillna(SEPARATOR) + SEPARATOR
    answers = told.assign(key=keys).drop_duplicates("key")
    parts = []
    for name in deciding:
        value = f"t.{quote(name)}"
        if name.startswith("is_"):
            value = f"case when {value} then 'true' when not {value} then 'false' end"
        parts.append(f"coalesce({value}, {literal(SEPARATOR)}) || {literal(SEPARATOR)}")
    key = " || ".join(parts) or "''"
    outcomes = dict(zip(answers["key"], answers["outcome"], strict=True))
    ids = dict(zip(answers["key"], answers["stage_id"], strict=True))
    needs = frozenset(deciding)
    deals.add(Layer({"deciding": Defined(key, "text", needs)}))
    below = frozenset({"deciding"})
    outcome = map_texts("t.deciding", outcomes, "'open'")
    layer = {
        "outcome": Defined(outcome, "text", below),
        "stage_id": Defined(map_texts("t.deciding", ids, "'opportunity'"), "text", below),
        "probability": _tell_probability(
            deals, outcome, stages, bool(combined.get("probability", pd.Series()).max() > 1)
        ),
    }
    deals.add(Layer(layer))
    deals.kinds.pop("deciding")


def _tell_probability(deals: TableQuery, outcome: str, stages: Sequence[DealStage], is_percent: bool) -> Defined:
    needs = {"deciding"}
    own = null_of("number")
    if "probability" in deals.kinds:
        own = "t.probability / 100" if is_percent else "t.probability"
        needs.add("probability")
    by_label = own
    if "stage" in deals.kinds:
        known = {label_key(stage.label): stage.probability for stage in stages if stage.probability is not None}
        by_label = map_texts("lower(trim(t.stage))", known, own)
        needs.add("stage")
    value = f"case when ({outcome}) = 'won' then 1.0 when ({outcome}) = 'lost' then 0.0 else {by_label} end"
    return Defined(f"cast({value} as double)", "number", frozenset(needs))


def _add_new_business(building: Building, deals: TableQuery) -> None:
    if "type" not in deals.kinds:
        deals.add(Layer({"is_new_business": Defined("true", "boolean")}))
        return
    rows = building.ask(f"select distinct t.type as v from ({deals.select(['type'])}) as t where t.type is not null")
    types = pd.DataFrame({"type": pd.Series([row["v"] for row in rows], dtype="str")})
    is_new = tell_new_business(types, building.catalog.existing_business)
    existing = sorted(types["type"][~is_new])
    listed = ", ".join(map(literal, existing))
    value = f"(t.type is null or t.type not in ({listed}))" if existing else "true"
    deals.add(Layer({"is_new_business": Defined(value, "boolean", frozenset({"type"}))}))


def build_history(building: Building) -> None:
    """Bring the changes of deals to one shape: those a table tells, and those of columns with the dates of stages."""
    fine = _read_changes(building)
    entries = _read_stage_dates(building)
    building.queries.pop("deal_history", None)
    found = [part for part in (fine, entries) if part]
    if not found:
        return
    labels = _stage_labels(building)
    found = [_spell_stages(building, part, labels) for part in found]
    if len(found) == 2:
        found[1] = _unknown_entries(building, *found)
        found = [" union all ".join(f"select * from ({part}) as h" for part in found)]
    paired = _pair_changes(found[0])
    kinds = dict.fromkeys(COLUMNS, "text") | {"changed_at": "date", "source_row": "number"}

    def base(wanted: Sequence[str]) -> str:
        return f"select {', '.join(f'h.{quote(name)}' for name in wanted)} from ({paired}) as h"

    query = TableQuery("deal_history", base, kinds)
    n = int(building.ask_one(f"select count(*) as n from ({query.select(['deal_id'])}) as t")["n"])
    if n:
        building.queries["deal_history"], building.counts["deal_history"] = query, n


def _read_changes(building: Building) -> str:
    """Return the changes that a table tells as deal_id, changed_at, field, old, new, source_file."""
    query = building.queries.get("deal_history")
    if query is None or not {"deal_id", "changed_at"} <= set(query.kinds):
        return ""
    there = [name for name in ("deal_id", "changed_at", "field", "old", "new", *HISTORY_FIELDS) if name in query.kinds]
    select = query.select([*there, "source_file"])
    if "field" in there:
        names = [
            r["v"] for r in building.ask(f"select distinct t.field as v from ({select}) as t where t.field is not null")
        ]
        keys = history_field_keys()
        mapping = {name: keys[header_key(name)] for name in names if header_key(name) in keys}
        if not mapping:
            return ""
        values = {name: _read_value(building, select, name, mapping) for name in ("old", "new") if name in there}
        shown = ", ".join(f"{values.get(name, null_of('text'))} as {quote(name)}" for name in ("old", "new"))
        field = map_texts("t.field", mapping)
        inner = f"select t.deal_id, t.changed_at, {field} as field, {shown}, t.source_file from ({select}) as t"
        known = "h.field is not null and h.deal_id is not null and h.changed_at is not null"
        return f"select * from ({inner}) as h where {known}"
    wide = [name for name in HISTORY_FIELDS if name in there]
    parts = []
    for name in wide:
        value = _read_value(building, select, name, {name: name}, constant=name)
        shown = f'{literal(name)} as field, {null_of("text")} as old, {value} as "new"'
        known = "t.deal_id is not null and t.changed_at is not null"
        parts.append(f"select t.deal_id, t.changed_at, {shown}, t.source_file from ({select}) as t where {known}")
    return " union all ".join(parts)


def _read_value(building: Building, select: str, column: str, mapping: dict[str, str], *, constant: str = "") -> str:
    """Read old or new values: dates as ISO, amounts as plain numbers, stages as written."""
    raw = f"t.{quote(column)}"
    branches = []
    is_files = building.connection.dialect == "duckdb"
    for kind in ("closed_at", "amount"):
        names = [name for name, field in mapping.items() if field == kind]
        if not names:
            continue
        test = "true" if constant else f"t.field in ({', '.join(map(literal, names))})"
        rows = building.ask(
            f"select distinct {raw} as v from ({select}) as t where {test} and {raw} is not null limit 20000"
        )
        texts = pd.Series([row["v"] for row in rows], dtype="str")
        if kind == "closed_at":
            source = Source(column, "text", dates=detect_date_order(texts), is_files=is_files)
            moment = as_date(source, "t", time_zone=building.settings.time_zone)
            branches.append(f"when {test} then cast(cast({moment} as date) as varchar)")
        else:
            source = Source(column, "text", numbers=detect_number_convention(texts), is_files=is_files)
            number = as_number(source, "t")
            exact = f"cast({number} as decimal(30, 2))"
            whole = f"cast(cast({exact} as bigint) as varchar)"
            short = f"regexp_replace(cast({exact} as varchar), '0$', '')"
            branches.append(
                f"when {test} then case when {exact} = cast({exact} as bigint) then {whole} else {short} end"
            )
    return f"case {' '.join(branches)} else {raw} end" if branches else raw


def _read_stage_dates(building: Building) -> str:
    parts = []
    for part in building.parts.get("deal", ()):
        found = sorted(find_stage_dates(part.origin.raw.columns), key=lambda column: column.rank)
        groups: dict[tuple[str, str], list] = {}
        for column in found:
            groups.setdefault((normalise_key(column.stage), normalise_key(column.pipeline)), []).append(column)
        if "id" not in part.columns:
            continue
        for group in groups.values():
            moments = [parse_as(part.origin, one.column, "date", building.settings).sql for one in group]
            moment = f"coalesce({', '.join(moments)})" if len(moments) > 1 else moments[0]
            parts.append(
                f"select {part.columns['id'].sql} as deal_id, {moment} as changed_at, 'stage' as field, "
                f'{null_of("text")} as old, {literal(group[0].stage)} as "new", '
                f"{literal(part.origin.key)} as source_file "
                f"from {part.origin.relation} as r"
            )
    union = " union all ".join(parts)
    return f"select * from ({union}) as h where h.deal_id is not null and h.changed_at is not null" if parts else ""


def _stage_labels(building: Building) -> list[str]:
    deals = building.queries.get("deal")
    labels = []
    if deals is not None and "stage" in deals.kinds:
        rows = building.ask(
            f"select distinct t.stage as v from ({deals.select(['stage'])}) as t where t.stage is not null"
        )
        labels = sorted(row["v"] for row in rows)
    return list(dict.fromkeys([*labels, *(stage.label for stage in building.settings.deal_stages)]))


def _stages_written(building: Building, part: str) -> list[str]:
    rows = building.ask(
        f"select h.old as v from ({part}) as h where h.field = 'stage' union "
        f"select h.\"new\" as v from ({part}) as h where h.field = 'stage'"
    )
    return sorted(row["v"] for row in rows if row["v"] is not None)


def _spell_stages(building: Building, part: str, labels: Sequence[str]) -> str:
    """Write stages in a history as the deals do, where they differ by case, blanks or punctuation only."""
    written = _stages_written(building, part)
    frame = pd.DataFrame(
        {"field": "stage", "new": pd.Series(written, dtype="str"), "old": pd.Series(written, dtype="str")}
    )
    spelled = name_history_stages(frame, list(labels))["new"]
    mapping = {old: new for old, new in zip(written, spelled, strict=True) if old != new}
    if not mapping:
        return part
    shown = ", ".join(
        f"case when h.field = 'stage' then {map_texts(f'h.{quote(name)}', mapping, f'h.{quote(name)}')} "
        f"else h.{quote(name)} "
        f"end as {quote(name)}"
        for name in ("old", "new")
    )
    return f"select h.deal_id, h.changed_at, h.field, {shown}, h.source_file from ({part}) as h"


def _unknown_entries(building: Building, fine: str, entries: str) -> str:
    """Keep of the stage dates those of which the finer history does not know."""
    written = {*_stages_written(building, fine), *_stages_written(building, entries)}
    keys = {label: normalise_key(label) for label in sorted(written)}
    key = 'case when h."new" is null then null else ' + map_texts('h."new"', keys, 'h."new"') + " end"
    known = f"(select distinct h.deal_id, {key} as stage_key from ({fine}) as h where h.field = 'stage')"
    mine = f"select h.*, {key} as stage_key from ({entries}) as h"
    return (
        f'select e.deal_id, e.changed_at, e.field, e.old, e."new", e.source_file from ({mine}) as e left join {known} '
        "as k on k.deal_id = e.deal_id and k.stage_key = e.stage_key where k.deal_id is null"
    )


def _pair_changes(part: str) -> str:
    """Drop what changes nothing and give each change the value before it, as ``history.pair_changes`` does."""
    within = 'over (partition by h.deal_id, h.field order by h.changed_at, h."new")'
    numbered = f'select h.*, lag(h."new") {within} as value_before, row_number() {within} as place from ({part}) as h'
    repeats = '(h.place > 1 and (h."new" = h.value_before or (h."new" is null and h.value_before is null)))'
    says_nothing = '(h.place = 1 and h."new" is null and h.old is null)'
    return (
        'select h.deal_id, h.changed_at, h.field, coalesce(h.old, h.value_before) as old, h."new", h.source_file, '
        f"{null_of('number')} as source_row from ({numbered}) as h where not coalesce({repeats}, false) "
        f"and not {says_nothing}"
    )


__all__ = ["Joined", "build_history", "tell_deal_outcomes"]
