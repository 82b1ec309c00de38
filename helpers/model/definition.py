"""Reading definitions: TOML files become checked records, and every mistake is told with its file and its key."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from helpers.errors import DefinitionError, suggest

DEFINITIONS = Path(__file__).resolve().parents[2] / "data" / "definitions"
"""The folder of the definitions that ship with the workbook."""


class Definition(BaseModel):
    """Base of everything that is written in TOML: unknown keys are mistakes, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


Kind = TypeVar("Kind", bound=BaseModel)


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        DefinitionError: It is missing, no UTF-8 text or no TOML; the text names the file and, where known, the line.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise DefinitionError(f"[{path.name}] the file is missing: {path}. Restore it.") from None
    except UnicodeDecodeError as error:
        raise DefinitionError(f"[{path.name}] byte {error.start} is no UTF-8. Save the file as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise DefinitionError(f"[{path.name}] this is no TOML: {error}. Mend that place and try again.") from None


def read_record(kind: type[Kind], record: Mapping[str, Any], *, file: str, key: str) -> Kind:
    """Turn one TOML table into a checked record.

    Args:
        kind: What it is to become.
        record: The table as read.
        file: The file's name, for the error's text.
        key: The table's name, such as ``kpis.leads``, for the error's text.

    Raises:
        DefinitionError: A key is unknown, missing or holds what isn't allowed; every mistake is named.
    """
    try:
        return kind.model_validate(dict(record))
    except ValidationError as error:
        lines = [_describe(mistake, kind, file, key) for mistake in error.errors()]
        raise DefinitionError("\n".join(lines)) from None


def merge(base: Mapping[str, Any], override: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one tree of tables over another; tables merge, everything else is replaced.

    >>> merge({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}})
    {'a': {'x': 1, 'y': 3}}
    """
    merged = dict(base)
    for key, value in override.items():
        both_tables = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], value) if both_tables else value
    return merged


def _describe(mistake: Any, kind: type[BaseModel], file: str, key: str) -> str:
    place = ".".join(str(part) for part in mistake["loc"])
    where = f"[{file}, {'.'.join(part for part in (key, place) if part)}]"
    if mistake["type"] == "extra_forbidden":
        allowed = sorted(kind.model_fields)
        name = str(mistake["loc"][-1])
        return f"{where} this key is unknown. Allowed: {', '.join(allowed)}.{suggest(name, allowed)}"
    if mistake["type"] == "missing":
        return f"{where} this key is missing. Add it."
    found = mistake.get("input")
    shown = f": {found!r}" if isinstance(found, str | int | float | bool) else ""
    said = mistake["msg"].removeprefix("Value error, ")
    return f"{where} {said}{shown}. Correct the value."
