"""The plan by which exports become canonical tables: which file is which object, which column which field, and why."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from helpers.errors import DataError, ParameterError, suggest
from helpers.ingest.content import ColumnContent, describe_columns
from helpers.ingest.files import RawTable
from helpers.ingest.lookups import JoinPlan, LookupPlan, find_join, find_lookup
from helpers.ingest.options import LookupOption, MapOption, split_file_column
from helpers.ingest.plan import FieldPlan, Plan, SourcePlan, find_column
from helpers.ingest.recognition import Recognised, map_columns, recognise_file
from helpers.ingest.schema import SERVICE_FIELDS, read_schema
from helpers.ingest.settings import CompanySettings, LookupSettings
from helpers.ingest.values import snake_case
from helpers.ingest.vendors import header_key

UNMAPPED = ""
"""What ``company.toml`` writes for a field that is to have no column although one would fit."""


def build_plan(
    raws: Mapping[str, RawTable],
    settings: CompanySettings,
    *,
    maps: Sequence[MapOption] = (),
    lookups: Sequence[LookupOption] = (),
    may_recognise: bool = True,
    elsewhere: Collection[str] = (),
    is_strict: bool = True,
    twins: Mapping[str, str] | None = None,
    contents: Mapping[str, Mapping[str, ColumnContent]] | None = None,
) -> Plan:
    """Decide what every file and column is.

    Args:
        raws: File → table as read.
        settings: ``company.toml``; what it says goes before any guess.
        maps: What ``--map`` says; goes before everything.
        lookups: What ``--lookup`` says.
        may_recognise: Whether files that ``company.toml`` does not name are recognised too.
        elsewhere: Files of the company's other sets of exports; fields taken from them are left out here.
        is_strict: Whether a column that ``company.toml`` names must be there; an older export may lack it.
        twins: File → the file that it is known to continue.
        contents: What the columns hold, where that is known already.

    Raises:
        ParameterError: An option names a column or file that isn't there.
        DataError: ``company.toml`` does.
    """
    contents = contents or {file: describe_columns(raw) for file, raw in raws.items()}
    maps = [_locate_map(option, raws) for option in maps]
    known_twins = dict(twins or {})
    sources = _plan_settings(raws, contents, settings, elsewhere, is_strict)
    named = set(known_twins) | {source.file for source in sources} | {lookup.origin for lookup in settings.lookups}
    named |= {file for source in sources for file in source.joins}
    if may_recognise:
        rest = [file for file in raws if file not in named and not settings.read_as(file).unused]
        found, more_twins = _recognise(rest, raws, contents, sources, maps)
        sources, known_twins = [*sources, *found], {**known_twins, **more_twins}
    sources = [_apply_maps(source, [m for m in maps if m.object == source.object], raws) for source in sources]
    sources = _add_missing_objects(sources, maps, raws, contents)
    sources = [_add_joins(source, raws, contents) for source in sources]
    planned = [_plan_lookup(lookup, sources, raws) for lookup in settings.lookups if lookup.origin in raws]
    planned += [_plan_option_lookup(option, sources, raws) for option in lookups]
    plan = Plan(tuple(sources), tuple(planned), known_twins, contents=contents)
    if may_recognise:
        plan = _add_leftovers(plan, raws, contents, settings)
    return plan


def _plan_settings(
    raws: Mapping[str, RawTable],
    contents: Mapping[str, Mapping[str, ColumnContent]],
    settings: CompanySettings,
    elsewhere: Collection[str],
    is_strict: bool,
) -> list[SourcePlan]:
    """Turn ``[objects.…]`` into sources; fields that it leaves open are mapped by name where a column fits."""
    sources = []
    for object_id, said in settings.objects.items():
        origins = [(said.origin(object_id), said.fields)]
        origins += [(also.origin, also.fields) for also in said.also]
        for file, fields in origins:
            if file in raws:
                sources.append(_plan_source(object_id, file, fields, raws, contents, elsewhere, is_strict))
    return sources


def _plan_source(
    object_id: str,
    file: str,
    said: Mapping[str, str],
    raws: Mapping[str, RawTable],
    contents: Mapping[str, Mapping[str, ColumnContent]],
    elsewhere: Collection[str],
    is_strict: bool,
) -> SourcePlan:
    fields: dict[str, FieldPlan] = {}
    for name, written in said.items():
        if written == UNMAPPED or (
            find_column(raws[file].columns, written) is None and _is_elsewhere(written, elsewhere)
        ):
            continue
        try:
            place = f"company.toml, objects.{object_id}.fields.{name}"
            origin, column = _locate_column(written, file, raws, place=place)
        except DataError:
            if is_strict:
                raise
            continue
        fields[name] = FieldPlan(name, origin, column, "option")
    taken = [plan.column for plan in fields.values() if plan.file == file]
    guessed, vendor = map_columns(file, contents[file], object_id)
    for name, column in guessed.items():
        how = "vendor" if vendor else "name"
        if name in fields:
            if fields[name].column == column and fields[name].file == file:
                fields[name] = replace(fields[name], how=how)
        elif name not in said and column not in taken:
            fields[name] = FieldPlan(name, file, column, how)
            taken.append(column)
    return SourcePlan(object_id, file, vendor.vendor_label if vendor else "", fields)


def _is_elsewhere(written: str, elsewhere: Collection[str]) -> bool:
    return split_file_column(written, elsewhere)[0] is not None


def _locate_column(written: str, file: str, raws: Mapping[str, RawTable], *, place: str) -> tuple[str, str]:
    if column := find_column(raws[file].columns, written):
        return file, column
    origin, bare = split_file_column(written, raws)
    if origin and (column := find_column(raws[origin].columns, bare)):
        return origin, column
    where = origin or file
    allowed = raws[where].columns
    raise DataError(
        f"[{place}] the file '{where}' has no column '{bare}'. Its columns: {', '.join(allowed)}."
        f"{suggest(bare, allowed)}"
    )


def _locate_map(option: MapOption, raws: Mapping[str, RawTable]) -> MapOption:
    """Check that some file has the option's column, so that a slip of the pen is told before anything is copied."""
    file, bare = split_file_column(option.column, raws)
    files = [file] if file else list(raws)
    if any(find_column(raws[name].columns, bare) for name in files):
        return option
    if any(find_column(raw.columns, option.column) for raw in raws.values()):
        return option
    columns = [column for name in files for column in raws[name].columns]
    raise ParameterError(
        f"[--map {option.object}.{option.field}={option.column}] no file has a column '{bare}'. "
        f"Columns: {', '.join(dict.fromkeys(columns))}.{suggest(bare, columns)}"
    )


def _recognise(
    files: Sequence[str],
    raws: Mapping[str, RawTable],
    contents: Mapping[str, Mapping[str, ColumnContent]],
    there: Sequence[SourcePlan],
    maps: Sequence[MapOption],
) -> tuple[list[SourcePlan], dict[str, str]]:
    """Recognise files; where several are the same object, continue, extend or stand beside the largest."""
    found = [hit for file in files for hit in recognise_file(file, contents[file])]
    sources: list[SourcePlan] = []
    twins: dict[str, str] = {}
    for object_id in read_schema():
        hits = [hit for hit in found if hit.object == object_id and hit.file not in twins]
        mains = [source for source in there if source.object == object_id]
        hits.sort(key=lambda hit: (hit.vendor is None, _rank_role(hit), -len(raws[hit.file].frame)))
        for hit in hits:
            source = _as_source(hit)
            same = [main for main in mains if set(raws[main.file].columns) == set(raws[hit.file].columns)]
            if same:
                twins[hit.file] = same[0].file
            elif not mains or _may_stand_beside(hit, mains[0]):
                mains.append(source)
                sources.append(source)
    return sources, twins


def _rank_role(hit: Recognised) -> int:
    """Leads come before the contacts of the same CRM."""
    return 1 if hit.vendor and hit.vendor.role != hit.vendor.object else 0


def _may_stand_beside(hit: Recognised, main: SourcePlan) -> bool:
    """Tell whether a second file of one object holds more records, rather than more about the same records."""
    if hit.object in {"deal_history", "activity", "deal_contact", "session", "cost"}:
        return True
    return hit.vendor is not None and hit.vendor.role != hit.vendor.object and bool(main.vendor)


def _as_source(hit: Recognised) -> SourcePlan:
    how = "vendor" if hit.vendor else "name"
    fields = {name: FieldPlan(name, hit.file, column, how) for name, column in hit.fields.items()}
    return SourcePlan(hit.object, hit.file, hit.vendor.vendor_label if hit.vendor else "", fields)


def _apply_maps(source: SourcePlan, maps: Sequence[MapOption], raws: Mapping[str, RawTable]) -> SourcePlan:
    fields = dict(source.fields)
    for option in maps:
        file, column = _resolve_map(option, source.file, raws)
        if column is None:
            continue
        fields = {
            name: plan
            for name, plan in fields.items()
            if (plan.file, plan.column) != (file, column)
            or plan.how == "option"
            or {name, option.field} == {"id", "name"}
        }
        fields[option.field] = FieldPlan(option.field, file, column, "option")
    return replace(source, fields=fields)


def _resolve_map(option: MapOption, file: str, raws: Mapping[str, RawTable]) -> tuple[str, str | None]:
    """Find the option's column: in the named file, else in the object's own, else in the only file that has it."""
    named, bare = split_file_column(option.column, raws)
    if named and (column := find_column(raws[named].columns, bare)):
        return named, column
    if column := find_column(raws[file].columns, option.column):
        return file, column
    others = [(name, find_column(raw.columns, option.column)) for name, raw in raws.items()]
    others = [(name, column) for name, column in others if column]
    return others[0] if len(others) == 1 else (file, None)


def _add_missing_objects(
    sources: list[SourcePlan],
    maps: Sequence[MapOption],
    raws: Mapping[str, RawTable],
    contents: Mapping[str, Mapping[str, ColumnContent]],
) -> list[SourcePlan]:
    """Make an object that only ``--map`` speaks of from the file that has most of the columns named."""
    missing = {option.object for option in maps} - {source.object for source in sources}
    for object_id in sorted(missing):
        wanted = [option for option in maps if option.object == object_id]
        hits = {
            file: sum(_resolve_map(option, file, raws)[0] == file and _resolve_map(option, file, raws)[1] is not None
                      for option in wanted)
            for file in raws
        }  # fmt: skip
        ids = [option for option in wanted if option.field == "id"]
        best = _resolve_map(ids[0], max(hits, key=lambda file: hits[file]), raws)[0] if ids else max(hits, key=hits.get)
        sources = [source for source in sources if source.file != best or source.object in {"company", "customer"}]
        guessed, vendor = map_columns(best, contents[best], object_id)
        plans = {
            name: FieldPlan(name, best, column, "vendor" if vendor else "name") for name, column in guessed.items()
        }
        source = SourcePlan(object_id, best, vendor.vendor_label if vendor else "", plans)
        sources = [*sources, _apply_maps(source, wanted, raws)]
    return sources


def _add_joins(
    source: SourcePlan, raws: Mapping[str, RawTable], contents: Mapping[str, Mapping[str, ColumnContent]]
) -> SourcePlan:
    joins = dict(source.joins)
    for name, plan in source.fields.items():
        if plan.file != source.file and plan.file not in joins:
            key = source.column("id")
            if key is None:
                raise ParameterError(
                    f"[{source.object}.{name}] comes from '{plan.file}', but '{source.file}' has no id to join by. "
                    f"Say which column is the id: --map {source.object}.id=COLUMN."
                )
            join = find_join(raws[source.file], key, raws[plan.file], contents[plan.file], least=0.0)
            if join is None:
                raise ParameterError(
                    f"[{source.object}.{name}] comes from '{plan.file}', but none of its columns holds ids of "
                    f"'{source.file}.{key}'. Map a file that shares a key with it."
                )
            joins[plan.file] = JoinPlan(source.object, plan.file, key, join)
    return replace(source, joins=joins)


def _plan_lookup(lookup: LookupSettings, sources: Sequence[SourcePlan], raws: Mapping[str, RawTable]) -> LookupPlan:
    object_id, _, name = lookup.matches.partition(".")
    option = LookupOption(lookup.origin, lookup.column, object_id, name)
    try:
        return _plan_option_lookup(option, sources, raws)
    except ParameterError as error:
        raise DataError(str(error).replace("[--lookup ", "[company.toml, lookups, ", 1)) from None


def _plan_option_lookup(
    option: LookupOption, sources: Sequence[SourcePlan], raws: Mapping[str, RawTable]
) -> LookupPlan:
    place = f"[--lookup {option.file}.{option.column}={option.object}.{option.field}]"
    column = find_column(raws[option.file].columns, option.column)
    if column is None:
        allowed = raws[option.file].columns
        raise ParameterError(
            f"{place} '{option.file}' has no column '{option.column}'. Its columns: {', '.join(allowed)}."
            f"{suggest(option.column, allowed)}"
        )
    carriers = [source for source in sources if source.object == option.object]
    if not carriers:
        raise ParameterError(f"{place} no file was recognised as {option.object}. Add --map {option.object}.id=COLUMN.")
    allowed = []
    for source in carriers:
        if option.field in source.fields:
            return LookupPlan(option.file, column, option.object, option.field, "option")
        by_column = {plan.column: name for name, plan in source.fields.items()}
        own = find_column(raws[source.file].columns, option.field)
        if own:
            return LookupPlan(option.file, column, option.object, by_column.get(own, snake_case(own)), "option")
        allowed += [*source.fields, *map(snake_case, raws[source.file].columns)]
    raise ParameterError(
        f"{place} {option.object} has no field or column '{option.field}'. There are: "
        f"{', '.join(dict.fromkeys(allowed))}.{suggest(option.field, allowed)}"
    )


def _add_leftovers(
    plan: Plan,
    raws: Mapping[str, RawTable],
    contents: Mapping[str, Mapping[str, ColumnContent]],
    settings: CompanySettings,
) -> Plan:
    """Let files that are no object extend one by its id, or be looked up by a column of the same name."""
    sources, lookups, unused = list(plan.sources), list(plan.lookups), {}
    for file, raw in raws.items():
        if file in plan.files or settings.read_as(file).unused:
            continue
        extended = _extend_source(file, raws, contents, sources)
        if extended is not None:
            sources[extended[0]] = extended[1]
            continue
        lookup = find_lookup(raw, contents[file], {s.object: (raws[s.file], s) for s in reversed(sources)})
        if lookup is not None:
            lookups.append(lookup)
        else:
            unused[file] = _explain_unused(raw)
    return replace(plan, sources=tuple(sources), lookups=tuple(lookups), unused=unused)


def _extend_source(
    file: str,
    raws: Mapping[str, RawTable],
    contents: Mapping[str, Mapping[str, ColumnContent]],
    sources: Sequence[SourcePlan],
) -> tuple[int, SourcePlan] | None:
    """Join a file one to one to an object whose id it shares, and take over the dates and fields that it brings."""
    for position, source in enumerate(sources):
        key = source.column("id")
        if key is None or source.object in {"customer", "person"} or source.file not in raws:
            continue
        join = find_join(raws[source.file], key, raws[file], contents[file], least=0.9, must_be_unique=True)
        if join is None or header_key(join) != header_key(key):
            continue
        guessed, _ = map_columns(file, contents[file], source.object)
        fields = dict(source.fields)
        for name, column in guessed.items():
            if name not in fields and column != join and name not in SERVICE_FIELDS:
                fields[name] = FieldPlan(name, file, column, "name")
        joins = {**source.joins, file: JoinPlan(source.object, file, key, join)}
        return position, replace(source, fields=fields, joins=joins)
    return None


def _explain_unused(raw: RawTable) -> str:
    return (
        "it was not recognised, and no column of another file holds its values. Say what it is: "
        f"--map OBJECT.FIELD={raw.file}.COLUMN, or --lookup {raw.file}.COLUMN=OBJECT.FIELD"
    )
