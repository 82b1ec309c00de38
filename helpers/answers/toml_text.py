"""The text of a file of answers: written quickly where only we wrote it, with care where people left comments in it."""

import json
import re
import tomllib
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from helpers.errors import AnswersError


def dump_toml(values: Mapping[str, Any]) -> str:
    r"""Write tables as TOML, the same text for the same values every time.

    Args:
        values: Tables of texts, numbers, booleans, dates, lists and further tables; a list of tables becomes
            ``[[name]]`` blocks.

    Returns:
        The text; reading it gives the same values.

    Raises:
        AnswersError: A value is of a kind that TOML doesn't have.

    >>> print(dump_toml({"product": {"n": 2, "rows": [{"name": 'the "Flow"'}, {"name": "a\tb"}]}}), end="")
    [product]
    n = 2
    <BLANKLINE>
    [[product.rows]]
    name = "the \"Flow\""
    <BLANKLINE>
    [[product.rows]]
    name = "a\tb"
    """
    lines: list[str] = []
    _add_table(values, "", lines)
    while lines and not lines[0]:
        del lines[0]
    return "\n".join(lines) + "\n" if lines else ""


def render_values(
    text: str, current: Mapping[str, Any], wanted: Mapping[str, Any], place: str, layout: Any = None
) -> tuple[str, Any]:
    """Lay values over a file's text, keep its comments, and check that they read back the same.

    Args:
        text: The file's text now.
        current: What it holds.
        wanted: What it is to hold.
        place: The file, for the message.
        layout: What the last call returned for this file, which saves reading its comments again.

    Returns:
        The text, and the file's layout where it holds comments (else None).

    Raises:
        AnswersError: The values can't be written so that they read back the same.
    """
    if "#" in text and dump_toml(current) != text:
        layout = _lay_over(layout, text, wanted)
        rendered = layout.as_string()
        if _reads_as(rendered, wanted):
            return rendered, layout
    fresh = dump_toml(wanted)
    if _reads_as(fresh, wanted):
        return fresh, None
    raise AnswersError(
        f"[{place}] these answers can't be written so that they read back the same, so nothing was written. "
        "Undo the last change and save again."
    )


def clean_values(values: Any, place: str) -> Any:
    """Return values as TOML can hold them: without None.

    Raises:
        AnswersError: A number is not finite, or a text holds half a character.
    """
    if isinstance(values, Mapping):
        return {str(key): clean_values(value, f"{place}, {key}") for key, value in values.items() if value is not None}
    if isinstance(values, list | tuple):
        return [clean_values(value, place) for value in values if value is not None]
    if isinstance(values, float) and (values != values or values in (float("inf"), float("-inf"))):
        raise AnswersError(f"[{place}] {values} is no number that can be kept. Type a plain number.")
    if isinstance(values, str):
        try:
            values.encode("utf-8")
        except UnicodeEncodeError:
            raise AnswersError(f"[{place}] the text holds half a character. Type it again.") from None
    return values


def find_line(text: str, table: str, key: str = "", index: int | None = None) -> int | None:
    """Find the line in which a value stands in a TOML text.

    Args:
        text: The file's text.
        table: The table's name, such as ``overview`` or ``product.products``.
        key: The key in it; empty finds the table's own line.
        index: For an array of tables, which of them, from 0.

    Returns:
        The line as a person counts it; None where it can't be found.

    >>> find_line("[overview]\\nemployees = 3\\n", "overview", "employees")
    2
    """
    header = re.compile(r"^\s*(\[\[|\[)\s*(.+?)\s*\]\]?\s*(?:#.*)?$")
    inside, seen = False, -1
    for number, line in enumerate(text.splitlines(), start=1):
        match = header.match(line)
        if match and "=" not in line.split("]")[-1]:
            name = match.group(2).replace('"', "").replace(" ", "")
            seen += name == table
            inside = name == table and (index is None or seen == index)
            if inside and not key:
                return number
        elif inside and re.match(rf'^\s*"?{re.escape(key)}"?\s*=', line):
            return number
    return None


def _add_table(table: Mapping[str, Any], path: str, lines: list[str]) -> None:
    inner = []
    for key, value in table.items():
        if isinstance(value, Mapping) or _is_rows(value):
            inner.append((f"{path}{_key(key)}", value))
        else:
            lines.append(f"{_key(key)} = {_inline(value)}")
    for name, value in inner:
        if isinstance(value, Mapping):
            if not value or not all(isinstance(item, Mapping) or _is_rows(item) for item in value.values()):
                lines += ["", f"[{name}]"]
            _add_table(value, f"{name}.", lines)
        else:
            for row in value:
                lines += ["", f"[[{name}]]"]
                lines += [f"{_key(key)} = {_inline(cell)}" for key, cell in row.items()]


def _is_rows(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(row, Mapping) for row in value)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _quote(key)


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _inline(value: Any) -> str:
    if isinstance(value, str):
        return _quote(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    raise AnswersError(f"{type(value).__name__} is no kind of answer that can be kept. Type a text or a number.")


def _lay_over(layout: Any, text: str, values: Mapping[str, Any]) -> Any:
    import tomlkit

    document = layout if layout is not None else tomlkit.parse(text)
    for key in [key for key in document if key not in values]:
        del document[key]
    for key, value in values.items():
        known = document.get(key)
        if isinstance(value, Mapping) and isinstance(known, Mapping):
            for gone in [name for name in known if name not in value]:
                del known[gone]
            for name, item in value.items():
                if name not in known or not _is_same(_plain(known[name]), item):
                    known[name] = _item(item)
        elif known is None or not _is_same(_plain(known), value):
            document[key] = _item(value)
    return document


def _reads_as(text: str, values: Mapping[str, Any]) -> bool:
    try:
        return _is_same(tomllib.loads(text), values)
    except (ValueError, RecursionError):
        return False


def _is_same(one: Any, other: Any) -> bool:
    """Compare as ``==`` does, but a list is a tuple's equal and "not a number" its own, as people can type both."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_is_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return type(one) is type(other) and (one == other or (one != one and other != other))


def _plain(value: Any) -> Any:
    return value.unwrap() if hasattr(value, "unwrap") else value


def _item(value: Any) -> Any:
    import tomlkit

    if _is_rows(value):
        rows = tomlkit.aot()
        for row in value:
            rows.append(tomlkit.item(dict(row)))
        return rows
    return value
