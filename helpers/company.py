"""A company folder, opened: its definitions, canonical tables, what people typed, and what is wrong with any of it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.errors import DataError, DiagnosticError, ParameterError, suggest
from helpers.ingest.settings import FILE_NAME, CompanySettings, read_settings
from helpers.issues import ISSUE_COLUMNS, IssueLog, count_issues
from helpers.model.catalog import Catalog, load_catalog
from helpers.model.dimension import Partition
from helpers.warehouse.connection import CONNECTION_VARIABLE

if TYPE_CHECKING:
    from helpers.ingest.warehouse_tables import Warehouse

PROJECT = Path(__file__).resolve().parents[1]
"""Where a folder named relatively is looked for when it isn't under the current folder."""

PEOPLE = ("shown", "hidden")


INPUT_COLUMNS = ["file", "exported_on", "object", "rows_read", "rows_used", "rows_quarantined", "sha256"]
"""The columns of ``Company.inputs``."""

MAPPING_COLUMNS = ["object", "field", "file", "column", "how", "fill_rate", "known", "known_because"]
"""The columns of ``Company.mapping``."""

TARGET_COLUMNS = [
    "kpi", "grain", "period_start", "dimension", "slice", "goal", "actual", "expected", "gap", "locked", "probability",
]  # fmt: skip
"""The columns of ``Company.targets``, those of ``goal_matrix.csv``."""

RECONCILIATION_COLUMNS = ["file", "exported_on", "outcome", "rows_read", "rows_used", "amount_read", "amount_used"]
"""The columns of ``Company.reconciliation``."""


@dataclass(frozen=True)
class Company:
    """One company as everything above ingest sees it; nothing in it is ever changed.

    Attributes:
        folder: Where it lies.
        id: The folder's name.
        name: What readers call it.
        currency: Its currency, three letters.
        fiscal_year_start: The month in which its fiscal year starts, 1 to 12.
        time_zone: Its time zone; every date is in it.
        locale: Language of its readers.
        settings: ``company.toml`` as resolved.
        catalog: The definitions by which it is computed.
        tables: Object → canonical table; only the objects that exist.
        partitions: Id → partition, with the objects that carry it and when it is known.
        issues: Everything found wrong, with the columns of ``issues.csv``.
        inputs: One row per file: rows read, used and quarantined, hash.
        mapping: One row per field or partition: where it came from and how that was decided.
        reconciliation: One row per deal file and outcome: rows and amount read and used.
        answers: What people typed, or None where there is nothing.
        targets: Goals typed by people, with the columns of ``goal_matrix.csv``.
        latest_event: The last event in the exports; expected closes and renewals are none.
        snapshots: The dates of export present, oldest first.
        warehouse: Where the tables lie if not in memory: the SELECT of each and the connection. ``tables`` then fetches
            a table when it is asked for, and keeps it.
    """

    folder: Path
    id: str
    name: str
    currency: str
    fiscal_year_start: int
    time_zone: str
    locale: str
    settings: CompanySettings
    catalog: Catalog
    tables: Mapping[str, pd.DataFrame]
    partitions: Mapping[str, Partition]
    issues: pd.DataFrame
    inputs: pd.DataFrame
    mapping: pd.DataFrame
    answers: Any = None
    targets: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=TARGET_COLUMNS))
    reconciliation: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=RECONCILIATION_COLUMNS))
    latest_event: date | None = None
    snapshots: tuple[date, ...] = ()
    warehouse: "Warehouse | None" = None

    def list_columns(self, object_id: str) -> dict[str, str]:
        """Return the columns of a table without fetching it, none where there is no such table.

        Returns:
            Name → text, timestamp, number or boolean.
        """
        if object_id not in self.tables:
            return {}
        if self.warehouse is not None:
            return dict(self.warehouse.columns(object_id))
        kinds = {"M": "timestamp", "b": "boolean", "i": "number", "u": "number", "f": "number"}
        return {name: kinds.get(dtype.kind, "text") for name, dtype in self.tables[object_id].dtypes.items()}

    def __post_init__(self) -> None:
        """Let a copy whose tables were changed in memory be computed from them, no longer where they came from."""
        serves = getattr(self.warehouse, "serves", None)
        if serves is not None and not serves(self.tables):
            object.__setattr__(self, "warehouse", None)


def open_company(folder: str | Path, *, people: str = "shown", connection: str | None = None) -> Company:
    """Open a company's folder.

    Args:
        folder: The folder; a relative one is looked for under the current folder, then under the project.
        people: ``hidden`` replaces persons by stable pseudonyms and drops contact details.
        connection: Where the tables of a warehouse lie that ``company.toml`` names, such as
            ``postgresql://user@host/database`` or ``duckdb:///crm.duckdb``; ``duckdb:`` reads files in place. None
            takes the one of the environment variable ``REVENUE_ENGINE_CONNECTION``, or of that which ``company.toml``
            names under ``[warehouse] variable``. Nothing is ever written there.

    Returns:
        The company. With answers only, ``tables`` is empty; with exports only, the answers are.

    Raises:
        ParameterError: The folder doesn't exist or holds nothing of a company, or ``people`` is neither word.
        DefinitionError: ``company.toml`` can't be used as written.
        DataError: A file or column that it names is missing or can't be read.
    """
    if people not in PEOPLE:
        raise ParameterError(
            f"[people] '{people}' is not allowed. Allowed: {', '.join(PEOPLE)}.{suggest(people, PEOPLE)}"
        )
    where = find_folder(folder)
    settings = read_settings(where)
    url = find_connection(where, settings, connection)
    catalog = load_catalog(settings.overrides)
    warehouse = None
    if url:
        built, warehouse = _open_warehouse(where, settings, catalog, url)
    else:
        built = _read_exports(where, settings, catalog)
    if people == "hidden" and warehouse is not None:
        from helpers.ingest.warehouse_people import hide_people_there

        built, warehouse = hide_people_there(built, warehouse, salt=where.name)
    elif people == "hidden":
        from helpers.ingest.people import hide_people

        built = hide_people(built, salt=where.name)
    answers = _read_answers(where, people)
    return Company(
        folder=where,
        id=where.name,
        name=settings.name,
        currency=settings.currency,
        fiscal_year_start=settings.fiscal_year_start,
        time_zone=settings.time_zone,
        locale=settings.locale,
        settings=settings,
        catalog=catalog,
        tables=built.tables,
        partitions=built.partitions,
        issues=_add_problems(built.issues, answers),
        inputs=built.inputs,
        mapping=built.mapping,
        reconciliation=built.reconciliation,
        answers=answers,
        targets=answers.goals,
        latest_event=built.latest_event,
        snapshots=built.snapshots,
        warehouse=warehouse,
    )


def find_connection(where: Path, settings: CompanySettings, connection: str | None) -> str:
    """Tell where a company's tables lie.

    Args:
        where: The company's folder.
        settings: Its ``company.toml``.
        connection: What was said on the command line, None where nothing was.

    Returns:
        The address, empty where its exports are read into memory; ``duckdb:`` where a file is too large for that.

    Raises:
        DataError: ``company.toml`` names tables, and nothing says where they lie.
        ParameterError: An address was given, and ``company.toml`` names no table that could lie there.
    """
    variable = settings.warehouse.variable
    said = connection or os.environ.get(variable, "") or os.environ.get(CONNECTION_VARIABLE, "")
    if settings.needs_connection:
        if not said:
            name = next((n for n, one in settings.objects.items() if one.file is None), "")
            place = f"objects.{name}" if name else "lookups"
            raise DataError(
                f"[company.toml, {place}] names a table or query of a warehouse, and nothing says where it lies. Add "
                f"--connection URL, or set the environment variable {variable or CONNECTION_VARIABLE}."
            )
        return said
    if said.strip().rstrip("/").casefold() == "duckdb:":
        return said
    if connection:
        raise ParameterError(
            '[connection] company.toml names no table or query of a warehouse. Write table = "…" under [objects.…], '
            "use --connection duckdb: to read files in place, or leave the connection out."
        )
    from helpers.ingest.warehouse_origins import has_large_files

    return "duckdb:" if has_large_files(where) else ""


def _open_warehouse(where: Path, settings: CompanySettings, catalog: Catalog, url: str) -> "tuple[Any, Warehouse]":
    from helpers.ingest.snapshots import list_days, list_files
    from helpers.ingest.warehouse_answers import remember_answers
    from helpers.ingest.warehouse_tables import build_warehouse
    from helpers.warehouse.connection import open_connection

    limit, spill = settings.warehouse.find_memory_limit(), where / ".cache" / "spill"
    connection = open_connection(url, memory_limit=limit, temp_directory=str(spill))
    days = list_days(where)
    files = list_files(days[max(days)]) if days else []
    return build_warehouse(where, settings, catalog, remember_answers(connection, where, url, files))


def check_company(folder: str | Path, *, connection: str | None = None) -> tuple[bool, pd.DataFrame, str]:
    """Tell the health of a company's data.

    Args:
        folder: The company's folder.
        connection: Where its tables lie, as for ``open_company``.

    Returns:
        Whether it is usable, every issue as a table (the columns of ``issues.csv``), and the same for reading.
    """
    from helpers.ingest.report_card import describe_health

    try:
        company = open_company(folder, connection=connection)
    except ParameterError:
        raise
    except DiagnosticError as error:
        log = IssueLog()
        log.add(file=FILE_NAME, code="not_usable", severity="error", message=str(error), cure="See the message")
        return False, log.to_frame(), f"Not usable.\n{error}"
    usable = company.latest_event is not None or not company.answers.is_empty
    return usable, company.issues, describe_health(company, count_issues(company.issues), usable)


def find_folder(folder: str | Path) -> Path:
    """Find a company's folder.

    Raises:
        ParameterError: There is no such folder, or nothing of a company is in it.
    """
    given = Path(folder).expanduser()
    candidates = [given] if given.is_absolute() else [Path.cwd() / given, PROJECT / given]
    found = next((path for path in candidates if path.is_dir()), None)
    if found is None:
        if any(path.exists() for path in candidates):
            raise ParameterError(f"[company] '{folder}' is a file. Name the folder that holds {FILE_NAME}.")
        parents = [path.parent for path in candidates if path.parent.is_dir()]
        near = {path.name for parent in parents for path in parent.iterdir() if path.is_dir()}
        raise ParameterError(
            f"[company] there is no folder '{folder}'.{suggest(given.name, near)} "
            f"Start it with: python -m helpers new {folder} FILE…"
        )
    if not any((found / part).exists() for part in (FILE_NAME, "crm", "answers")):
        raise ParameterError(
            f"[company] the folder '{folder}' holds neither {FILE_NAME} nor crm/ nor answers/. "
            f"Start it with: python -m helpers new {folder} FILE…"
        )
    return found.resolve()


def _read_exports(where: Path, settings: CompanySettings, catalog: Catalog) -> Any:
    from helpers.ingest.cache import hash_company, read_cache, write_cache

    key = hash_company(where)
    built = read_cache(where, key)
    if built is None:
        from helpers.ingest.build import build_tables

        built = build_tables(where, settings, catalog)
        write_cache(where, key, built)
    return built


def _read_answers(where: Path, people: str) -> Any:
    from helpers.answers.store import read_answers

    return read_answers(where, people=people)


def _add_problems(issues: pd.DataFrame, answers: Any) -> pd.DataFrame:
    if not answers.problems:
        return issues
    log = IssueLog()
    log.extend(issues)
    log.extend(pd.DataFrame(list(answers.problems), columns=ISSUE_COLUMNS))
    return log.to_frame()
