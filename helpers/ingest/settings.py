"""``company.toml``: read and checked, with the place of each mistake."""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from zoneinfo import available_timezones

from pydantic import Field, field_validator, model_validator

from helpers.errors import DefinitionError, suggest
from helpers.ingest.schema import read_schema
from helpers.model.adoption import check_adoption
from helpers.model.cause import load_causes, load_five_m
from helpers.model.definition import DEFINITIONS, Definition, read_record, read_toml

FILE_NAME = "company.toml"

MEMORY_VARIABLE = "REVENUE_ENGINE_MEMORY_LIMIT"
"""Environment variable that says what reading files in place may take, such as 2GB."""

ENDS = ("won", "lost")
"""What closes a deal."""


class AlsoSettings(Definition):
    """A second file that holds more records of the same object, such as Salesforce contacts beside leads."""

    file: str | None = None
    table: str | None = None
    fields: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_one_origin(self) -> "AlsoSettings":
        if (self.file is None) == (self.table is None):
            raise ValueError("name exactly one of file and table")
        return self

    @property
    def origin(self) -> str:
        """The file, or the table of a warehouse, by which issues cite it."""
        return self.file or self.table or ""


class ObjectSettings(Definition):
    """Where one object comes from.

    Attributes:
        file: The export's file name.
        table: Instead of a file: a table of the warehouse.
        query: Instead of a file: a query of the warehouse.
        fields: Canonical field or partition id → column of that file, or ``file.column`` of a joined one.
        also: Further files that hold more records of this object.
    """

    file: str | None = None
    table: str | None = None
    query: str | None = None
    fields: dict[str, str] = Field(default_factory=dict)
    also: tuple[AlsoSettings, ...] = ()

    @model_validator(mode="after")
    def _has_one_origin(self) -> "ObjectSettings":
        if sum(origin is not None for origin in (self.file, self.table, self.query)) != 1:
            raise ValueError("name exactly one of file, table and query")
        return self

    def origin(self, object_id: str) -> str:
        """Return the file, or the table or query of a warehouse, as issues cite it."""
        return self.file or self.table or f"{object_id} (query)"


class LookupSettings(Definition):
    """A look-up table: its other columns become partitions of the object that it matches.

    Attributes:
        file: The look-up table's file name.
        table: Instead of a file: a table of the warehouse.
        query: Instead of a file: a query of the warehouse.
        column: Its key column, as written or in snake case.
        matches: ``object.field``: what the key is compared with.
    """

    file: str | None = None
    table: str | None = None
    query: str | None = None
    column: str
    matches: str

    @model_validator(mode="after")
    def _has_one_origin(self) -> "LookupSettings":
        if sum(origin is not None for origin in (self.file, self.table, self.query)) != 1:
            raise ValueError("name exactly one of file, table and query")
        return self

    @property
    def origin(self) -> str:
        """The file, or the table or query of a warehouse, by which issues cite it."""
        return self.file or self.table or f"look-up of {self.matches} (query)"


class WarehouseSettings(Definition):
    """Where the warehouse's address stands, since an address with a password belongs in no file.

    Attributes:
        variable: The environment variable that holds it.
        memory_limit: What reading files in place may take altogether, such as ``2GB``; empty takes half the machine's.
    """

    variable: str = ""
    memory_limit: str = Field("", pattern=r"^(\d+(\.\d+)? ?[KMGT]i?B)?$")

    def find_memory_limit(self) -> str:
        """Return how much DuckDB may take: half of what is allowed, since what is counted needs its own."""
        size = self.memory_limit or os.environ.get(MEMORY_VARIABLE, "")
        number = re.match(r"\d+(\.\d+)?", size)
        if number:
            return f"{float(number[0]) / 2:g}{size[number.end() :].strip()}"
        try:
            machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        except (AttributeError, ValueError, OSError):
            return ""
        return f"{machine // 4 // (1 << 20)}MiB"


class DealStage(Definition):
    """One stage label of the CRM, in order.

    Attributes:
        label: As the CRM writes it.
        stage: The KPI stage id that it belongs to; ``won`` and ``lost`` close the deal.
        probability: Chance of winning there, 0 to 1.
    """

    label: str
    stage: str
    probability: float | None = Field(None, ge=0, le=1)


class Rollup(Definition):
    """Values of one partition rolled up to those of another.

    Attributes:
        of: The finer partition.
        values: Its value → the value that it rolls up to.
    """

    of: str
    values: dict[str, str]


class FileSettings(Definition):
    """How one file is to be read, where that can't be told from the file alone.

    Attributes:
        date_order: Whether 03/04 is the third of April or the fourth of March.
        decimal: Whether the decimal sign is a comma or a point.
        encoding: The text's encoding.
        separator: What stands between columns.
        sheet: The sheet of a workbook.
        same_as: The earlier name of this file, where each export gets a new one.
        unused: True leaves the file out.
    """

    date_order: Literal["day-first", "month-first", "year-first"] | None = None
    decimal: Literal["comma", "point"] | None = None
    encoding: str | None = None
    separator: str | None = None
    sheet: str | None = None
    same_as: str | None = None
    unused: bool = False


class FunnelSettings(Definition):
    """The company's own order of stages."""

    stages: tuple[str, ...] = ()


class CompanySettings(Definition):
    """A company's ``company.toml`` as resolved; what is missing has its default."""

    name: str = ""
    currency: str = "USD"
    fiscal_year_start: int = Field(1, ge=1, le=12)
    time_zone: str = "UTC"
    locale: str = "en"
    objects: dict[str, ObjectSettings] = Field(default_factory=dict)
    lookups: tuple[LookupSettings, ...] = ()
    deal_stages: tuple[DealStage, ...] = ()
    exchange_rates: dict[str, float] = Field(default_factory=dict)
    funnel: FunnelSettings = FunnelSettings()
    stages: dict[str, Any] = Field(default_factory=dict)
    kpis: dict[str, Any] = Field(default_factory=dict)
    dimensions: dict[str, Any] = Field(default_factory=dict)
    rules: dict[str, Any] = Field(default_factory=dict)
    rollups: dict[str, Rollup] = Field(default_factory=dict)
    files: dict[str, FileSettings] = Field(default_factory=dict)
    record_url: dict[str, str] = Field(default_factory=dict)
    adoption: dict[str, Any] = Field(default_factory=dict)
    causes: dict[str, Any] = Field(default_factory=dict)
    five_m: dict[str, Any] = Field(default_factory=dict)
    warehouse: WarehouseSettings = WarehouseSettings()

    @property
    def needs_connection(self) -> bool:
        """Whether a table or query of a warehouse is named."""
        named = [one.file is None or any(also.file is None for also in one.also) for one in self.objects.values()]
        return any(named) or any(lookup.file is None for lookup in self.lookups)

    @field_validator("currency")
    @classmethod
    def _is_currency(cls, value: str) -> str:
        if not (len(value) == 3 and value.isascii() and value.isalpha()):
            raise ValueError("a currency has three letters, such as USD or EUR")
        return value.upper()

    @field_validator("time_zone")
    @classmethod
    def _is_time_zone(cls, value: str) -> str:
        zones = available_timezones()
        if value not in zones:
            raise ValueError(f"this time zone is unknown, write one such as Europe/Berlin{suggest(value, zones)}")
        return value

    @field_validator("objects")
    @classmethod
    def _are_objects(cls, value: dict[str, ObjectSettings]) -> dict[str, ObjectSettings]:
        allowed = read_schema()
        for name in value:
            if name not in allowed:
                raise ValueError(f"object '{name}' is unknown, allowed: {', '.join(allowed)}{suggest(name, allowed)}")
        return value

    @field_validator("lookups")
    @classmethod
    def _match_objects(cls, value: tuple[LookupSettings, ...]) -> tuple[LookupSettings, ...]:
        for lookup in value:
            name = lookup.matches.partition(".")[0]
            if "." not in lookup.matches or name not in read_schema():
                raise ValueError(f"matches = '{lookup.matches}' is not object.field{suggest(name, read_schema())}")
        return value

    @model_validator(mode="after")
    def _has_known_stages(self) -> "CompanySettings":
        known = [*read_toml(DEFINITIONS / "bowtie.toml")["stages"], *ENDS]
        named = {*known, *self.funnel.stages, *self.stages}
        for stage in self.deal_stages:
            near = suggest(stage.stage, known)
            if stage.stage not in named and near:
                raise ValueError(f"deal_stages: stage = '{stage.stage}' is unknown; name new ones in [funnel]{near}")
            if stage.stage not in named and stage.stage != stage.stage.strip().lower().replace(" ", "_"):
                raise ValueError(f"deal_stages: stage = '{stage.stage}' is no id; ids are in snake case")
        return self

    @property
    def overrides(self) -> dict[str, Any]:
        """What is laid over the shipped definitions."""
        tables = {
            "stages": self.stages,
            "kpis": self.kpis,
            "dimensions": self.dimensions,
            "rules": self.rules,
        }
        stages = self.funnel.stages or order_stages([stage.stage for stage in self.deal_stages], self.stages)
        if stages:
            tables["funnel"] = {"stages": list(stages)}
        return {name: table for name, table in tables.items() if table}

    def read_as(self, file: str) -> FileSettings:
        """Return how a file is to be read, falling back on the name it had in earlier exports."""
        own = self.files.get(file, FileSettings())
        if own.same_as and own.same_as in self.files:
            earlier = self.files[own.same_as].model_dump(exclude_none=True, exclude_defaults=True)
            return FileSettings(**{**earlier, **own.model_dump(exclude_none=True, exclude_defaults=True)})
        return own

    def role_of(self, file: str) -> str:
        """Return the name by which ``company.toml`` knows a file."""
        own = self.files.get(file)
        return own.same_as if own and own.same_as else file


def order_stages(deal_stages: Sequence[str], own: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    """Place the deal's own new stages in the bow-tie, as they stand among the deal's stages.

    Args:
        deal_stages: The stage ids of the deal's labels, in order.
        own: Stages that ``company.toml`` defines.

    Returns:
        The whole order, or nothing where no stage is new. A new stage comes right after the deal's stage before it,
        and after the opportunity where none is: a deal is an opportunity from its first day.

    >>> order_stages(["opportunity", "pilot", "won", "lost"])[4:7]
    ('opportunity', 'pilot', 'won')
    >>> order_stages(["demo", "opportunity", "won"])[4:7]
    ('opportunity', 'demo', 'won')
    """
    known = [*read_toml(DEFINITIONS / "bowtie.toml")["stages"]]
    order = [*known, *(stage for stage in own or {} if stage not in known)]
    new = [stage for stage in dict.fromkeys(deal_stages) if stage not in {*order, *ENDS}]
    if not new:
        return ()
    before: str | None = None
    for stage in dict.fromkeys(deal_stages):
        if stage in ENDS:
            continue
        if stage in new:
            order.insert(order.index(before or "opportunity") + 1, stage)
        before = stage
    return tuple(order)


def read_settings(folder: Path) -> CompanySettings:
    """Read and check a company's ``company.toml``.

    Args:
        folder: The company's folder; without ``company.toml`` every setting has its default.

    Raises:
        DefinitionError: The file is no TOML, or holds a key or value that isn't allowed; the text names the line.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return CompanySettings(name=folder.name)
    try:
        text = path.read_text(encoding="utf-8-sig")
        tables = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise DefinitionError(f"[{FILE_NAME}] byte {error.start} is no UTF-8. Save the file as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise DefinitionError(f"[{FILE_NAME}] this is no TOML: {error}. Mend that place and try again.") from None
    try:
        _check_parts(tables)
        settings = read_record(CompanySettings, {"name": folder.name, **tables}, file=FILE_NAME, key="")
    except DefinitionError as error:
        raise DefinitionError(_add_lines(str(error), text)) from None
    check_adoption(settings.adoption, file=FILE_NAME, text=text, folder=DEFINITIONS)
    try:
        load_causes(settings.causes, milieu=True)
        load_five_m(settings.five_m)
    except DefinitionError as error:
        raise DefinitionError(_add_lines(str(error), text)) from None
    return settings


def _check_parts(tables: Mapping[str, Any]) -> None:
    """Check the tables within first, so that a mistake there is told with what is allowed there."""
    kinds = {"objects": ObjectSettings, "rollups": Rollup, "files": FileSettings}
    for group, kind in kinds.items():
        for name, table in tables.get(group, {}).items() if isinstance(tables.get(group), Mapping) else ():
            if isinstance(table, Mapping) and (group != "objects" or name in read_schema()):
                read_record(kind, table, file=FILE_NAME, key=f"{group}.{name}")
    for group, kind in {"lookups": LookupSettings, "deal_stages": DealStage}.items():
        for table in tables.get(group, []) if isinstance(tables.get(group), list) else ():
            if isinstance(table, Mapping):
                read_record(kind, table, file=FILE_NAME, key=group)


def _add_lines(message: str, text: str) -> str:
    """Put the line of the offending key into each line of an error, where the key can be found."""
    return "\n".join(_add_line(line, text) for line in message.splitlines())


def _add_line(line: str, text: str) -> str:
    place = line.partition("]")[0].removeprefix(f"[{FILE_NAME}, ").lstrip(".")
    if not line.startswith(f"[{FILE_NAME}, "):
        return line
    number = _find_line(place.split("."), text.splitlines())
    at = f"line {number}, " if number else ""
    return f"[{FILE_NAME}, {at}{place}]{line.partition(']')[2]}"


def _find_line(path: list[str], lines: list[str]) -> int | None:
    key = path[-1]
    for number, line in enumerate(lines, start=1):
        bare = line.strip()
        name = bare.partition("=")[0].strip().strip("\"'")
        if ("=" in bare and name == key) or bare.strip("[] ").split(".")[-1].strip("\"'") == key:
            return number
    return None
