"""Take in exports: start a company from them, add the next ones."""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pandas as pd

from helpers.errors import DataError, ParameterError
from helpers.ingest.assembly import assemble_day
from helpers.ingest.build import find_latest_event
from helpers.ingest.company_file import add_to_company_file, write_company_file
from helpers.ingest.files import RawTable, read_table
from helpers.ingest.funnel import label_key
from helpers.ingest.mapping import build_plan
from helpers.ingest.options import parse_lookup, parse_map, parse_stage
from helpers.ingest.plan import Plan
from helpers.ingest.report_card import describe_plan
from helpers.ingest.settings import FILE_NAME, CompanySettings, DealStage, read_settings
from helpers.ingest.snapshots import list_days
from helpers.issues import IssueLog
from helpers.model.catalog import load_catalog
from helpers.writing import write_text


@dataclass(frozen=True)
class IntakeReport:
    """What was made of the files given.

    Attributes:
        folder: The company's folder.
        exported_on: The date under which the files lie; None where nothing was added.
        plan: What every file and column is.
        stages: The deal stages, in order.
        issues: What was found wrong with the files.
        text: The same for reading.
        notes: Anything else worth knowing.
    """

    folder: Path
    exported_on: date | None
    plan: Plan
    stages: Sequence[DealStage] = ()
    issues: pd.DataFrame = field(default_factory=lambda: IssueLog().to_frame())
    text: str = ""
    notes: tuple[str, ...] = ()

    def describe(self) -> str:
        """Say per file what was mapped and how, what could not be, and what to do."""
        parts = [self.text, *self.notes]
        return "\n".join(part for part in parts if part)


def start_company(
    folder: str | Path,
    files: Sequence[str | Path],
    *,
    name: str | None = None,
    currency: str = "USD",
    fiscal_year_start: int = 1,
    maps: Sequence[str] = (),
    stages: Sequence[str] = (),
    lookups: Sequence[str] = (),
    exported_on: str | date | None = None,
    time_zone: str = "UTC",
) -> IntakeReport:
    """Start a company's folder from exports.

    Args:
        folder: The folder to be made; it may exist as long as it holds no ``company.toml`` and no exports.
        files: The exports.
        name: The company's name; the folder's name unless said.
        currency: Its currency, three letters.
        fiscal_year_start: The month in which its fiscal year starts.
        maps: ``OBJECT.FIELD=COLUMN`` each.
        stages: ``CRM LABEL=STAGE`` each.
        lookups: ``FILE.COLUMN=OBJECT.FIELD`` each.
        exported_on: The day of the export; the latest event in the files unless said.
        time_zone: The company's time zone.

    Returns:
        What was mapped and what could not be.

    Raises:
        ParameterError: An option can't be used, or the folder is a company already.
        DataError: A file can't be read, or nothing in the files can be used.
    """
    folder = Path(folder)
    _require_new(folder)
    settings = _first_settings(name or folder.resolve().name, currency, fiscal_year_start, time_zone)
    paths = _require_files(files)
    log = IssueLog()
    raws = {path.name: read_table(path, log=log) for path in paths}
    said = {label_key(label): stage for label, stage in map(parse_stage, stages)}
    plan = build_plan(
        raws,
        settings,
        maps=[parse_map(text) for text in maps],
        lookups=[parse_lookup(text, list(raws)) for text in lookups],
    )
    if not plan.sources:
        raise DataError(_explain_nothing(plan, raws))
    found = assemble_day(raws, plan, settings, load_catalog(), log, said=said)
    _require_labels(stages, found.tables.get("deal"))
    day = _read_day(exported_on) or find_latest_event(found.tables, known_on=None)
    if day is None:
        raise ParameterError(_explain_no_day(log.to_frame()))
    text = write_company_file(settings, plan, found.stages, raws)
    _write_folder(folder, paths, day, text)
    return IntakeReport(
        folder, day, plan, found.stages, log.to_frame(), describe_plan(folder, day, plan, raws, found, log.to_frame())
    )


def add_exports(
    folder: str | Path, files: Sequence[str | Path], *, exported_on: str | date | None = None
) -> IntakeReport:
    """Add the next exports of a company; what was mapped before stays mapped.

    Raises:
        ParameterError: The folder is no company, or the date can't be read.
        DataError: A file can't be read, or other files lie under that date already.
    """
    folder = Path(folder)
    if not (folder / FILE_NAME).is_file():
        raise ParameterError(f"[{folder}] holds no {FILE_NAME}. Start it with: python -m helpers new {folder} FILE…")
    settings = read_settings(folder)
    paths = _require_files(files)
    log = IssueLog()
    raws = {}
    for path in paths:
        how = settings.read_as(path.name)
        raws[path.name] = read_table(path, log=log, encoding=how.encoding, separator=how.separator, sheet=how.sheet)
    continued = _match_files(raws, settings, folder)
    changed = add_to_company_file(folder, continued)
    settings = settings if not changed else _parse_settings(changed, folder)
    keyed = {settings.role_of(name): raw for name, raw in raws.items()}
    fresh = {name: raw for name, raw in raws.items() if not _is_known(name, settings)}
    plan = build_plan(keyed, settings, may_recognise=False, elsewhere=_files_elsewhere(folder, keyed), is_strict=False)
    plan = _plan_fresh(plan, keyed, fresh, settings)
    catalog = load_catalog(settings.overrides)
    found = assemble_day(keyed, plan, settings, catalog, log)
    day = _read_day(exported_on) or find_latest_event(found.tables, known_on=None)
    if day is None:
        raise ParameterError(_explain_no_day(log.to_frame()))
    if _is_same_set(folder / "crm" / day.isoformat(), paths):
        return IntakeReport(
            folder, None, plan, notes=(f"These files lie under {day.isoformat()} already; nothing was added.",)
        )
    _require_free(folder, day, exported_on)
    text = changed
    new_sources = [source for source in plan.sources if source.file in fresh and source.object not in settings.objects]
    if new_sources or [lookup for lookup in plan.lookups if lookup.file in fresh]:
        text = add_to_company_file(folder, continued, sources=new_sources,
                                   lookups=[lookup for lookup in plan.lookups if lookup.file in fresh])  # fmt: skip
    _copy_files(folder, paths, day)
    if text:
        write_text(folder / FILE_NAME, text)
    described = describe_plan(folder, day, plan, keyed, found, log.to_frame())
    return IntakeReport(folder, day, plan, found.stages, log.to_frame(), described)


def _require_new(folder: Path) -> None:
    if folder.is_file():
        raise ParameterError(f"[{folder}] is a file. Name a folder that is to be made.")
    if (folder / FILE_NAME).exists() or list_days(folder):
        raise ParameterError(
            f"[{folder}] is a company already. Add further exports with: python -m helpers add {folder} FILE…, "
            "or name another folder."
        )


def _first_settings(name: str, currency: str, fiscal_year_start: int, time_zone: str) -> CompanySettings:
    from helpers.errors import DefinitionError
    from helpers.model.definition import read_record

    record = {"name": name, "currency": currency, "fiscal_year_start": fiscal_year_start, "time_zone": time_zone}
    try:
        return read_record(CompanySettings, record, file="command line", key="")
    except DefinitionError as error:
        raise ParameterError(str(error)) from None


def _require_files(files: Sequence[str | Path]) -> list[Path]:
    paths = [Path(file) for file in files]
    if not paths:
        raise ParameterError("[FILE] no file was given. Name at least one export.")
    names: dict[str, Path] = {}
    for path in paths:
        other = names.setdefault(path.name.casefold(), path)
        if other is not path:
            raise ParameterError(f"[FILE] '{path}' and '{other}' have the same name. Rename one of them.")
    return paths


def _explain_nothing(plan: Plan, raws: dict[str, RawTable]) -> str:
    lines = [
        f"[{file}] {reason}. Its columns: {', '.join(raws[file].columns)}." for file, reason in plan.unused.items()
    ]
    return "No file was recognised as anything that can be used.\n" + "\n".join(lines)


def _explain_no_day(issues: pd.DataFrame) -> str:
    """Say why no day of export can be told: there are no dates, or their day and month can't be told apart."""
    unclear = issues[issues["code"] == "ambiguous_date_order"]
    say = "Say when they were exported: --exported-on 2026-09-30"
    if unclear.empty:
        return f"[--exported-on] no file holds a date. {say}."
    places = [
        f"[{one.file}, row {one.row}, {one.column}] '{one.value}': {one.message}." for one in unclear.itertuples()
    ]
    cures = dict.fromkeys(" ".join(cure.split()) for cure in unclear["cure"])
    return "\n".join([*places, f"[--exported-on] {say}; then answer. {' '.join(cures)}"])


def _require_labels(stages: Sequence[str], deals: pd.DataFrame | None) -> None:
    """Refuse a stage label that no deal has: it is a slip of the pen that would go unnoticed for a quarter."""
    from helpers.errors import suggest

    there = [] if deals is None or "stage" not in deals else list(deals["stage"].dropna().unique())
    folded = {label_key(label) for label in there}
    for text in stages:
        label, _ = parse_stage(text)
        if label_key(label) not in folded:
            raise ParameterError(
                f"[--stage {text}] no deal has the stage '{label}'. "
                f"Stages: {', '.join(there) or 'none, since no deals or no stage column were recognised'}."
                f"{suggest(label, there)}"
            )


def _read_day(text: str | date | None) -> date | None:
    if text is None or text == "":
        return None
    if isinstance(text, date):
        return text
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ParameterError(f"[--exported-on] '{text}' is no date. Write it as 2026-09-30.") from None


def _write_folder(folder: Path, paths: Sequence[Path], day: date, text: str) -> None:
    """Make the folder whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        inside = partial / "crm" / day.isoformat()
        inside.mkdir(parents=True)
        for path in paths:
            shutil.copyfile(path, inside / path.name)
        (partial / FILE_NAME).write_text(text, encoding="utf-8")
        if folder.exists():
            (partial / "crm").rename(folder / "crm")
            (partial / FILE_NAME).rename(folder / FILE_NAME)
        else:
            partial.chmod(0o755)
            partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _copy_files(folder: Path, paths: Sequence[Path], day: date) -> None:
    crm = folder / "crm"
    crm.mkdir(exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=crm))
    try:
        for path in paths:
            shutil.copyfile(path, partial / path.name)
        partial.chmod(0o755)
        partial.rename(crm / day.isoformat())
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _is_same_set(where: Path, paths: Sequence[Path]) -> bool:
    if not where.is_dir():
        return False
    return all(
        (where / path.name).is_file() and (where / path.name).read_bytes() == path.read_bytes() for path in paths
    )


def _require_free(folder: Path, day: date, said: str | date | None) -> None:
    if not (folder / "crm" / day.isoformat()).exists():
        return
    told = "" if said else " (the latest event in the files, since no date was given)"
    raise DataError(
        f"[crm/{day.isoformat()}] holds other exports of that day{told}, and exports are never written over. "
        "Say on which day these were made: --exported-on 2026-10-07."
    )


def _is_known(name: str, settings: CompanySettings) -> bool:
    role = settings.role_of(name)
    said = {item.file for item in settings.objects.values()} | {lookup.origin for lookup in settings.lookups}
    said |= {also.origin for item in settings.objects.values() for also in item.also}
    return role in said or any(
        written.casefold().startswith(f"{role}.".casefold())
        for item in settings.objects.values()
        for written in item.fields.values()
    )


def _match_files(raws: dict[str, RawTable], settings: CompanySettings, folder: Path) -> dict[str, str]:
    """Tell which new files continue earlier ones under another name, by their columns."""
    days = list_days(folder)
    earlier: dict[str, set[str]] = {}
    quiet = IssueLog()
    for where in days.values():
        for path in where.iterdir():
            if path.is_file() and path.name not in raws and _is_known(path.name, settings):
                try:
                    earlier[settings.role_of(path.name)] = set(read_table(path, log=quiet).columns)
                except DataError:
                    continue
    continued: dict[str, str] = {}
    for name, raw in raws.items():
        if _is_known(name, settings):
            continue
        columns = set(raw.columns)
        scores = {
            file: len(columns & there) / len(columns | there)
            for file, there in earlier.items()
            if file not in raws and file not in continued.values()
        }
        best = max(scores, key=lambda file: scores[file], default=None)
        if best is not None and scores[best] >= 0.7:
            continued[name] = best
    return continued


def _parse_settings(text: str, folder: Path) -> CompanySettings:
    import tomllib

    from helpers.model.definition import read_record

    return read_record(CompanySettings, {"name": folder.name, **tomllib.loads(text)}, file=FILE_NAME, key="")


def _files_elsewhere(folder: Path, keyed: dict[str, RawTable]) -> set[str]:
    present = {path.name for where in list_days(folder).values() for path in where.iterdir() if path.is_file()}
    return present - set(keyed)


def _plan_fresh(plan: Plan, keyed: dict[str, RawTable], fresh: dict[str, RawTable], settings: CompanySettings) -> Plan:
    """Recognise files that the company has not brought before; they may be objects that it lacked."""
    from dataclasses import replace

    if not fresh:
        return plan
    new = build_plan(keyed, CompanySettings(currency=settings.currency, time_zone=settings.time_zone))
    sources = [s for s in new.sources if s.file in fresh and s.object not in settings.objects]
    lookups = [lookup for lookup in new.lookups if lookup.file in fresh]
    used = {source.file for source in sources} | {lookup.file for lookup in lookups}
    unused = {file: "it is kept and not used: company.toml gives it no place" for file in fresh if file not in used}
    return replace(
        plan,
        sources=(*plan.sources, *sources),
        lookups=(*plan.lookups, *lookups),
        unused={**plan.unused, **unused},
        contents=new.contents,
    )
