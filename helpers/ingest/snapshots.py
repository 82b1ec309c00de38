"""Sets of exports by date: found in ``crm/<date>/``, merged so that the newest version of each record counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from helpers.errors import DataError, suggest
from helpers.ingest.files import SUPPORTED, RawTable, read_table
from helpers.ingest.history import diff_exports, pair_changes
from helpers.ingest.keys import is_among
from helpers.ingest.settings import CompanySettings
from helpers.issues import IssueLog

FULL_SHARE = 0.5
"""An export that holds at least this share of the ids known before is a full one: what it lacks has been deleted."""

DATED: Mapping[str, str] = {"session": "date", "cost": "date", "activity": "at"}
"""Objects without ids: a newer export replaces the days that it covers."""


@dataclass(frozen=True)
class ExportDay:
    """One set of exports as read.

    Attributes:
        day: When it was exported.
        raws: File, by the name ``company.toml`` knows it by → table.
        names: The same file → how issues cite it.
        twins: File → the file that it continues in the same set.
        log: What was found while reading.
    """

    day: date
    raws: Mapping[str, RawTable]
    names: Mapping[str, str]
    twins: Mapping[str, str]
    log: IssueLog


def list_days(folder: Path) -> dict[date, Path]:
    """Return the folders under ``crm/`` by their date, oldest first; folders that bear no date are left alone."""
    found = {}
    for path in sorted((folder / "crm").glob("*")):
        try:
            day = date.fromisoformat(path.name)
        except ValueError:
            continue
        if path.is_dir():
            found[day] = path
    return found


def list_files(folder: Path) -> list[Path]:
    """Return the files of one set of exports that could be read, by name; hidden ones are left alone."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_file() and not path.name.startswith((".", "~$")) and path.suffix.lower() in SUPPORTED
    )


def read_days(folder: Path, settings: CompanySettings) -> list[ExportDay]:
    """Read every set of exports of a company.

    Raises:
        DataError: A file that ``company.toml`` names is missing from every set, or can't be read.
    """
    days = list_days(folder)
    needed = _files_needed(settings)
    present = {settings.role_of(path.name) for where in days.values() for path in list_files(where)}
    missing = sorted(needed - present)
    if missing:
        raise DataError(
            f"[company.toml] the file '{missing[0]}' is named but not under crm/. "
            f"There are: {', '.join(sorted(present)) or 'no files'}.{suggest(missing[0], present)} "
            "Put it back, or take it out of company.toml."
        )
    newest = max(days) if days else None
    return [_read_day(day, where, settings, needed, is_newest=day == newest) for day, where in days.items()]


def _files_needed(settings: CompanySettings) -> set[str]:
    needed = {said.file for said in settings.objects.values() if said.file}
    needed |= {also.file for said in settings.objects.values() for also in said.also if also.file}
    return needed | {lookup.file for lookup in settings.lookups if lookup.file}


def _read_day(day: date, where: Path, settings: CompanySettings, needed: set[str], *, is_newest: bool) -> ExportDay:
    raws: dict[str, RawTable] = {}
    names: dict[str, str] = {}
    twins: dict[str, str] = {}
    log = IssueLog()
    files = sorted(list_files(where), key=lambda path: settings.role_of(path.name) != path.name)
    for path in files:
        said, role = settings.read_as(path.name), settings.role_of(path.name)
        if said.unused:
            continue
        shown = path.name if is_newest else f"{day.isoformat()}/{path.name}"
        found = IssueLog()
        try:
            raw = read_table(path, log=found, encoding=said.encoding, separator=said.separator, sheet=said.sheet)
        except DataError as error:
            if role in needed:
                raise
            log.add(file=shown, code="file_not_read", severity="error", message=str(error),
                    cure="Export it again, or take it out of the folder")  # fmt: skip
            continue
        log.extend(found.to_frame().assign(file=shown))
        key = role if role not in raws else path.name
        if key != role:
            twins[key] = role
        raws[key], names[key] = raw, shown
    return ExportDay(day, raws, names, twins, log)


def merge_days(
    days: Sequence[tuple[date, Mapping[str, pd.DataFrame]]], log: IssueLog
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame | None]:
    """Merge the tables of successive exports.

    Args:
        days: Date and tables of each export, oldest first; ``deal_history`` is left to the caller.
        log: Takes one issue per record that is gone from a full export.

    Returns:
        Object → table with the newest version of each record, and the changes of deals between exports.
    """
    merged: dict[str, pd.DataFrame] = {}
    changes: list[pd.DataFrame] = []
    for day, tables in days:
        for object_id, table in tables.items():
            if object_id == "deal_history":
                continue
            earlier = merged.get(object_id)
            if earlier is None:
                merged[object_id] = table
                continue
            if object_id == "deal":
                changes.append(diff_exports(earlier, table, pd.Timestamp(day)))
            merged[object_id] = _merge(object_id, earlier, table, day, log)
    changes = [part for part in changes if len(part)]
    return merged, pd.concat(changes, ignore_index=True) if changes else None


def _merge(object_id: str, earlier: pd.DataFrame, later: pd.DataFrame, day: date, log: IssueLog) -> pd.DataFrame:
    if "id" in later and "id" in earlier:
        return _merge_records(object_id, earlier, later, day, log)
    if object_id in DATED and DATED[object_id] in later and DATED[object_id] in earlier and len(later):
        moments = later[DATED[object_id]].dt.normalize()
        kept = earlier[~earlier[DATED[object_id]].dt.normalize().between(moments.min(), moments.max()).fillna(False)]
        return _stack(kept, later)
    keys = [name for name in ("deal_id", "contact_id") if name in later and name in earlier]
    stacked = _stack(earlier, later)
    return stacked.drop_duplicates(keys or None, keep="last", ignore_index=True) if keys else later


def _merge_records(
    object_id: str, earlier: pd.DataFrame, later: pd.DataFrame, day: date, log: IssueLog
) -> pd.DataFrame:
    if not len(earlier):
        return later
    missing = ~is_among(earlier["id"], later["id"])
    is_full = float((~missing).mean()) >= FULL_SHARE
    gone = earlier[missing]
    if not is_full:
        return _stack(gone, later)
    for file, rows in gone.groupby("source_file", sort=False):
        log.add_rows(
            file=str(file),
            rows=rows["source_row"].tolist(),
            column="id",
            values=rows["id"].tolist(),
            code="record_gone",
            severity="warning",
            message=f"This {object_id} is no longer in the full export of {day.isoformat()}; it counts as deleted",
            cure="Nothing to do if it was deleted; otherwise check the filters of the export",
        )
    return later


def _stack(earlier: pd.DataFrame, later: pd.DataFrame) -> pd.DataFrame:
    if not len(earlier):
        return later.reset_index(drop=True)
    return pd.concat([later, earlier], ignore_index=True) if len(later) else earlier.reset_index(drop=True)


def merge_histories(histories: Sequence[pd.DataFrame], changes: pd.DataFrame | None) -> pd.DataFrame | None:
    """Bring the CRM's own histories and the changes between exports into one.

    Args:
        histories: ``deal_history`` of each export, oldest first.
        changes: What differed from one export to the next; used only for deals and fields of which the CRM tells no
            change itself.

    Returns:
        The history, or None where there is none.
    """
    own = pd.concat(histories, ignore_index=True) if histories else None
    if own is not None:
        own = own.drop_duplicates(["deal_id", "changed_at", "field", "new"], keep="last", ignore_index=True)
    if changes is None:
        return pair_changes(own.assign(old=own["old"])) if own is not None and len(own) else own
    if own is None or not len(own):
        return pair_changes(changes)
    told = set(zip(own["deal_id"], own["field"], own["new"].fillna(""), strict=True))
    keys = zip(changes["deal_id"], changes["field"], changes["new"].fillna(""), strict=True)
    coarse = changes[[key not in told for key in keys]]
    return pair_changes(pd.concat([own, coarse], ignore_index=True))
