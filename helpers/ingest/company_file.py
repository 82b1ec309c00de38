"""Write ``company.toml``: what was recognised, with a word on each part, for people to read and change."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import tomlkit
from tomlkit import TOMLDocument
from tomlkit.items import AoT, Table

from helpers.ingest.files import RawTable
from helpers.ingest.lookups import LookupPlan
from helpers.ingest.plan import Plan, SourcePlan
from helpers.ingest.settings import FILE_NAME, CompanySettings, DealStage, order_stages


def write_company_file(
    settings: CompanySettings, plan: Plan, stages: Sequence[DealStage], raws: Mapping[str, RawTable]
) -> str:
    """Return the text of a new ``company.toml``.

    Args:
        settings: Name, currency, fiscal year, time zone.
        plan: What every file and column is.
        stages: The deal stages, in order.
        raws: The files.
    """
    document = tomlkit.document()
    document.add(tomlkit.comment("How this company's exports are read. Written from them; change what is wrong."))
    document.add("name", settings.name)
    document.add("currency", settings.currency)
    other = "USD = 0.92" if settings.currency != "USD" else "EUR = 1.09"
    document["currency"].comment(f"amounts in others become blank, unless [exchange_rates] says: {other}")
    document.add("fiscal_year_start", settings.fiscal_year_start)
    document["fiscal_year_start"].comment("month, 1 to 12")
    document.add("time_zone", settings.time_zone)
    document.add("locale", settings.locale)
    document.add(tomlkit.nl())
    document.add(tomlkit.comment("Which file is which object, and which column which field or partition."))
    document.add(tomlkit.comment('A field from another file is "file.column"; "" leaves a field without a column.'))
    document.add("objects", _write_objects(plan.sources))
    if plan.lookups:
        document.add("lookups", _write_lookups(plan.lookups))
    if stages:
        document.add("deal_stages", _write_stages(stages))
        order = order_stages([stage.stage for stage in stages])
        if order:
            funnel = tomlkit.table()
            funnel.add(tomlkit.comment("The stages from left to right; put the new ones where they belong."))
            funnel.add("stages", list(order))
            document.add("funnel", funnel)
    files = _write_twins(plan)
    if files:
        document.add("files", files)
    return tomlkit.dumps(document)


def add_to_company_file(
    folder: Path,
    continued: Mapping[str, str],
    *,
    sources: Iterable[SourcePlan] = (),
    lookups: Iterable[LookupPlan] = (),
) -> str:
    """Return a company's ``company.toml`` with new files added; every word in it stays as it is.

    Args:
        folder: The company's folder.
        continued: New file → the file it continues.
        sources: New objects.
        lookups: New look-up tables.

    Returns:
        The text, or an empty text where nothing is to be added.
    """
    sources, lookups = list(sources), list(lookups)
    if not (continued or sources or lookups):
        return ""
    document = tomlkit.parse((folder / FILE_NAME).read_text(encoding="utf-8-sig"))
    _extend(document, continued, sources, lookups)
    return tomlkit.dumps(document)


def _extend(
    document: TOMLDocument,
    continued: Mapping[str, str],
    sources: Sequence[SourcePlan],
    lookups: Sequence[LookupPlan],
) -> None:
    if sources:
        if "objects" not in document:
            document.add("objects", tomlkit.table(is_super_table=True))
        for object_id, table in _write_objects(sources).items():
            document["objects"][object_id] = table
    if lookups:
        if "lookups" not in document:
            document.add("lookups", tomlkit.aot())
        for table in _write_lookups(lookups):
            document["lookups"].append(table)
    if continued and "files" not in document:
        document.add("files", tomlkit.table(is_super_table=True))
    for file, earlier in continued.items():
        if file not in document["files"]:
            document["files"][file] = tomlkit.table()
        document["files"][file]["same_as"] = earlier


def _write_objects(sources: Iterable[SourcePlan]) -> Table:
    objects = tomlkit.table(is_super_table=True)
    for source in sources:
        table = tomlkit.table()
        table.add("file", source.file)
        if source.vendor:
            table["file"].comment(f"recognised as {source.vendor}")
        table.add("fields", _write_fields(source))
        if source.object in objects:
            main = objects[source.object]
            if "also" not in main:
                main.add("also", tomlkit.aot())
            main["also"].append(table)
        else:
            objects.add(source.object, table)
    return objects


def _write_fields(source: SourcePlan) -> Table:
    fields = tomlkit.table()
    for name, plan in source.fields.items():
        written = plan.column if plan.file == source.file else f"{plan.file}.{plan.column}"
        fields.add(name, written)
    return fields


def _write_lookups(lookups: Iterable[LookupPlan]) -> AoT:
    tables = tomlkit.aot()
    for lookup in lookups:
        table = tomlkit.table()
        table.add("file", lookup.file)
        table.add("column", lookup.column)
        table.add("matches", f"{lookup.object}.{lookup.field}")
        tables.append(table)
    return tables


def _write_stages(stages: Iterable[DealStage]) -> AoT:
    tables = tomlkit.aot()
    for number, stage in enumerate(stages):
        table = tomlkit.table()
        if not number:
            table.add(
                tomlkit.comment("The CRM's deal stages in order; several may share a stage. won and lost close a deal.")
            )
        table.add("label", stage.label)
        table.add("stage", stage.stage)
        if stage.probability is not None:
            table.add("probability", stage.probability)
        tables.append(table)
    return tables


def _write_twins(plan: Plan) -> Table:
    files = tomlkit.table(is_super_table=True)
    for file, main in plan.twins.items():
        table = tomlkit.table()
        table.add("same_as", main)
        files.add(file, table)
    return files
