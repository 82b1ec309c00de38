"""Adoption reports as data: which records should not be there, in a small language of conditions that is never run."""

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from helpers.errors import DefinitionError, suggest
from helpers.model.definition import DEFINITIONS, Definition, merge, read_record, read_toml

FILE = "adoption.toml"
TESTS = (
    "is_empty", "before", "after", "older_than_days", "younger_than_days", "older_than_hours", "equals", "not_equals",
    "in", "not_in", "less_than", "more_than", "at", "past", "at_or_past",
)  # fmt: skip
"""What can be asked of a field."""

STAGE_TESTS = ("at", "past", "at_or_past")
Value = bool | float | str


class Condition(Definition):
    """One condition: a field and exactly one test of it.

    Attributes:
        fields: The field, or several of which the first one that the exports hold is taken.
        test: One of ``TESTS``.
        value: What it is tested against.
    """

    fields: tuple[str, ...] = Field(alias="field")
    is_empty: bool | None = None
    before: str | None = None
    after: str | None = None
    older_than_days: float | None = Field(None, ge=0)
    younger_than_days: float | None = Field(None, ge=0)
    older_than_hours: float | None = Field(None, ge=0)
    equals: Value | None = None
    not_equals: Value | None = None
    in_: tuple[Value, ...] | None = Field(None, alias="in")
    not_in: tuple[Value, ...] | None = None
    less_than: float | None = None
    more_than: float | None = None
    at: str | None = None
    past: str | None = None
    at_or_past: str | None = None

    @field_validator("fields", mode="before")
    @classmethod
    def _as_fields(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("fields")
    @classmethod
    def _has_fields(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or any(not re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in value):
            raise ValueError("a field is named in snake case, such as created_at")
        return value

    @field_validator("before", "after")
    @classmethod
    def _is_day(cls, value: str | None) -> str | None:
        if value is not None and value != "today":
            try:
                date.fromisoformat(value)
            except ValueError:
                raise ValueError('write "today" or a day such as "2026-09-30"') from None
        return value

    @model_validator(mode="after")
    def _has_one_test(self) -> "Condition":
        said = [name for name in TESTS if self._said(name) is not None]
        if len(said) != 1:
            found = f"found {', '.join(said)}" if said else "found none"
            raise ValueError(f"a condition has exactly one test, {found}. Allowed: {', '.join(TESTS)}")
        return self

    def _said(self, name: str) -> Any:
        return getattr(self, "in_" if name == "in" else name)

    @property
    def test(self) -> str:
        """The test's name."""
        return next(name for name in TESTS if self._said(name) is not None)

    @property
    def value(self) -> Any:
        """What the field is tested against."""
        return self._said(self.test)


class AdoptionReport(Definition):
    """One list that should be empty.

    Attributes:
        id: Its id.
        label: What readers call it.
        wanted: The process that is wanted.
        object: Whose records it lists.
        among: The records that the process is for.
        all: Conditions that all hold for a record of the list.
        any: Conditions of which at least one holds.
        cure: What to do about it.
        is_used: Whether it is shown.
    """

    id: str
    label: str
    wanted: str = ""
    object: Literal["contact", "deal"]
    among: tuple[Condition, ...] = ()
    all: tuple[Condition, ...] = ()
    any: tuple[Condition, ...] = ()
    cure: str = ""
    is_used: bool = True

    @model_validator(mode="after")
    def _lists_something(self) -> "AdoptionReport":
        if not self.all and not self.any:
            raise ValueError("a report needs conditions: write all = [...] or any = [...]")
        return self

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Every condition of it."""
        return (*self.among, *self.all, *self.any)


def load_adoption(overrides: Mapping[str, Any] | None = None, *, folder: Path = DEFINITIONS) -> list[AdoptionReport]:
    """Read the shipped reports and lay a company's own over them.

    Args:
        overrides: The tables of ``[adoption.<id>]`` in ``company.toml``.
        folder: Where the shipped definitions lie.

    Returns:
        The reports that are used, the shipped ones first.

    Raises:
        DefinitionError: A report or condition can't be used as written.
    """
    shipped = read_toml(folder / FILE)["adoption"]
    check_adoption(shipped, file=FILE, text=(folder / FILE).read_text(encoding="utf-8-sig"))
    tables = merge(shipped, overrides or {})
    own = set(overrides or {})
    reports = [_read(id, table, "company.toml" if id in own else FILE) for id, table in tables.items()]
    return [report for report in reports if report.is_used]


def check_adoption(tables: Any, *, file: str, text: str, folder: Path | None = None) -> None:
    """Check the tables ``[adoption.<id>]`` of a file.

    Args:
        tables: Id → table as read.
        file: The file's name, for the error's text.
        text: What the file says, to name the line of a mistake.
        folder: Where the shipped reports lie that these tables change; None where they stand alone.

    Raises:
        DefinitionError: One of them is wrong; every mistake is told with file, line, key and what is allowed.
    """
    if not isinstance(tables, Mapping):
        raise DefinitionError(f"[{file}, adoption] write one table per report, such as [adoption.no_next_step].")
    shipped = read_toml(folder / FILE)["adoption"] if folder else {}
    problems = []
    for id, table in tables.items():
        if not isinstance(table, Mapping):
            problems.append(f"[{file}, adoption.{id}] this is no table. Write [adoption.{id}].")
            continue
        try:
            _read(id, merge(shipped.get(id, {}), table), file)
        except DefinitionError as error:
            problems += [_add_line(line, file, id, text) for line in str(error).splitlines()]
    if problems:
        raise DefinitionError("\n".join(problems))


def _read(id: str, table: Mapping[str, Any], file: str) -> AdoptionReport:
    given = {"id": id, **table}
    for group in ("among", "all", "any"):
        conditions = given.get(group, [])
        for number, one in enumerate(conditions if isinstance(conditions, list | tuple) else []):
            if isinstance(one, Mapping):
                _check_keys(one, f"[{file}, adoption.{id}.{group}.{number + 1}")
    try:
        return read_record(AdoptionReport, given, file=file, key=f"adoption.{id}")
    except DefinitionError as error:
        counted = re.sub(r"\.(among|all|any)\.(\d+)", lambda hit: f".{hit[1]}.{int(hit[2]) + 1}", str(error))
        raise DefinitionError(counted) from None


def _check_keys(condition: Mapping[str, Any], place: str) -> None:
    allowed = ("field", *TESTS)
    for key in condition:
        if key not in allowed:
            raise DefinitionError(
                f"{place}.{key}] this key is unknown. Allowed: {', '.join(allowed)}.{suggest(key, allowed)}"
            )
    if "field" not in condition:
        raise DefinitionError(f"{place}.field] this key is missing. Add it.")


def _add_line(message: str, file: str, id: str, text: str) -> str:
    """Name the line of the table, or within it that of the key, in a message that begins ``[file, key] …``."""
    place, _, rest = message.partition("]")
    keys = place.removeprefix(f"[{file}, ").split(".")[2:]
    lines = text.splitlines()
    heading = re.compile(rf"^\s*\[adoption\.[\"']?{re.escape(id)}[\"']?\]")
    start = next((i for i, line in enumerate(lines) if heading.match(line)), None)
    if start is None:
        return message
    stop = next((i for i in range(start + 1, len(lines)) if lines[i].lstrip().startswith("[adoption")), len(lines))
    for key in reversed([key for key in keys if not key.isdigit()]):
        word = re.compile(rf"(?<![\w\"']){re.escape(key)}[\"']?\s*=")
        found = next((i for i in range(start, stop) if word.search(lines[i].split("#")[0])), None)
        if found is not None:
            start = found
            break
    return f"[{file}, line {start + 1}, {place.removeprefix(f'[{file}, ')}]{rest}"
