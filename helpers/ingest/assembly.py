"""From the exports of one day to settled canonical tables: one row per record, outcomes told, history in one shape."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from helpers.ingest.files import RawTable
from helpers.ingest.funnel import name_stages, tell_new_business, tell_outcomes
from helpers.ingest.history import combine_histories, empty_history, name_history_stages, read_history, read_stage_dates
from helpers.ingest.plan import Plan
from helpers.ingest.records import settle_records
from helpers.ingest.settings import CompanySettings, DealStage
from helpers.ingest.tables import Reading, open_reader, read_tables
from helpers.ingest.values import parse_ids
from helpers.ingest.vendors import find_stage_dates
from helpers.issues import IssueLog
from helpers.model.catalog import Catalog


@dataclass
class DayTables:
    """The canonical tables of one export.

    Attributes:
        tables: Object → table, one row per record; ``deal_history`` in its one shape.
        merged: Object → merged id → id kept.
        reading: Where every column came from.
        stages: The deal stages in order.
        quarantined: File → rows put aside.
        reconciliation: Per deal file and outcome: rows and amount read.
    """

    tables: dict[str, pd.DataFrame]
    merged: dict[str, dict[str, str]]
    reading: Reading
    stages: list[DealStage]
    quarantined: dict[str, int] = field(default_factory=dict)
    reconciliation: pd.DataFrame = field(default_factory=pd.DataFrame)


def assemble_day(
    raws: Mapping[str, RawTable],
    plan: Plan,
    settings: CompanySettings,
    catalog: Catalog,
    log: IssueLog,
    *,
    names: Mapping[str, str] | None = None,
    said: Mapping[str, str] | None = None,
) -> DayTables:
    """Build the canonical tables of one export.

    Args:
        raws: File → table as read.
        plan: What every file and column is.
        settings: ``company.toml``; its deal stages go before any guess.
        catalog: The definitions.
        log: Takes issues.
        names: File → how issues cite it.
        said: Stage label (folded) → stage id, as said on the command line.
    """
    names = names or {}
    reading = read_tables(raws, plan, settings, log, names=names)
    tables, merged, quarantined = {}, {}, {}
    for object_id, table in reading.tables.items():
        if object_id == "deal_history":
            continue
        kept, merged_ids = settle_records(object_id, table, log)
        tables[object_id], merged[object_id] = kept, merged_ids
        lost = table["source_file"].value_counts().sub(kept["source_file"].value_counts(), fill_value=0)
        for file, count in lost[lost > 0].items():
            quarantined[str(file)] = quarantined.get(str(file), 0) + int(count)
    if "person" in tables:
        tables["person"] = _name_people(tables["person"])
    if "contact" in tables:
        tables["contact"], converted = _fold_converted(tables["contact"])
        merged["contact"].update(converted)
    stages: list[DealStage] = list(settings.deal_stages)
    reconciliation = pd.DataFrame()
    if "deal" in tables:
        order = _order_labels(raws, plan) or list(said or {})
        stages = stages or name_stages(tables["deal"], said or {}, order=order)
        tables["deal"] = tell_outcomes(tables["deal"], stages, log)
        tables["deal"]["is_new_business"] = tell_new_business(tables["deal"], catalog.existing_business)
        as_read = tell_outcomes(reading.tables["deal"], stages, IssueLog())
        reconciliation = reconcile(as_read, tables["deal"])
    history = _build_history(raws, plan, settings, log, reading, tables, names)
    if len(history):
        tables["deal_history"] = history
    return DayTables(tables, merged, reading, stages, quarantined, reconciliation)


def _name_people(people: pd.DataFrame) -> pd.DataFrame:
    """Make a colleague's name of first and last name where the export has no whole one."""
    if "name" in people or not {"first_name", "last_name"} <= set(people.columns):
        return people
    whole = people["first_name"].fillna("").str.cat(people["last_name"].fillna(""), sep=" ").str.strip()
    return people.assign(name=whole.mask(whole.eq("")))


def _order_labels(raws: Mapping[str, RawTable], plan: Plan) -> list[str]:
    """Return the stages in the order in which the deals' file has columns for their dates."""
    files = [source.file for source in plan.of("deal") if source.file in raws]
    return [column.stage for file in files for column in find_stage_dates(raws[file].columns)]


def _fold_converted(contacts: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """Let a lead and the contact it was converted to be one record: the lead's, since it carries the funnel's dates."""
    if "converted_contact_id" not in contacts:
        return contacts, {}
    leads = contacts[contacts["converted_contact_id"].notna()]
    converted = dict(zip(leads["converted_contact_id"], leads["id"], strict=True))
    is_contact = contacts["id"].isin(list(converted)) & ~contacts["id"].isin(set(leads["id"]))
    return contacts[~is_contact].reset_index(drop=True), converted


def _build_history(
    raws: Mapping[str, RawTable],
    plan: Plan,
    settings: CompanySettings,
    log: IssueLog,
    reading: Reading,
    tables: Mapping[str, pd.DataFrame],
    names: Mapping[str, str],
) -> pd.DataFrame:
    fine = empty_history()
    if "deal_history" in reading.tables:
        fine = read_history(reading.tables["deal_history"], time_zone=settings.time_zone, log=log)
    if "deal" not in tables:
        return fine
    parts = []
    for source in plan.of("deal"):
        key = source.column("id")
        found = find_stage_dates(raws[source.file].columns) if source.file in raws else []
        if key and found:
            dates = [column.column for column in found]
            reader = open_reader(raws[source.file], dates, settings, log, name=names.get(source.file, source.file))
            parts.append(read_stage_dates(reader, parse_ids(raws[source.file].frame[key])))
    stage_dates = pd.concat(parts, ignore_index=True) if parts else empty_history()
    labels = list(tables["deal"]["stage"].dropna().unique()) if "stage" in tables["deal"] else []
    labels += [stage.label for stage in settings.deal_stages]
    fine, stage_dates = (name_history_stages(frame, list(dict.fromkeys(labels))) for frame in (fine, stage_dates))
    return combine_histories(fine, stage_dates)


def reconcile(as_read: pd.DataFrame, used: pd.DataFrame) -> pd.DataFrame:
    """Set what was read beside what is used.

    Returns:
        One row per deal file and outcome: file, outcome, rows_read, rows_used, amount_read, amount_used.
    """
    sums = []
    for name, table in (("read", as_read), ("used", used)):
        amounts = table["amount"] if "amount" in table else pd.Series(0.0, index=table.index)
        grouped = table.assign(amount=amounts).groupby(["source_file", "outcome"])["amount"].agg(["size", "sum"])
        sums.append(grouped.rename(columns={"size": f"rows_{name}", "sum": f"amount_{name}"}))
    both = sums[0].join(sums[1], how="outer").fillna(0).reset_index().rename(columns={"source_file": "file"})
    both = both.astype({"rows_read": "int64", "rows_used": "int64"})
    both[["amount_read", "amount_used"]] = both[["amount_read", "amount_used"]].round(2)
    return both[["file", "outcome", "rows_read", "rows_used", "amount_read", "amount_used"]]
