"""Pieces of SQL in DuckDB's dialect that say the same in every other one: days, cents and texts of a column."""

from collections.abc import Iterable, Sequence

from helpers.engine.journeys import BLANK
from helpers.warehouse.dialect import quote_name, quote_text

NOTHING = "cast(null as integer)"

_MONTHS = "((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
_LEAP = "([12][0-9](0[48]|[2468][048]|[13579][26])|(1[26]|2[048])00)-02-29"
ISO_DAY = f"^([12][0-9][0-9][0-9]-{_MONTHS}|{_LEAP})([ T].*)?$"
"""A day that exists, as text: what doesn't match is no date, and casting what does can't fail anywhere."""

SHORT_LIST = 128
"""Up to so many texts are looked for one after the other."""

PLAIN_NUMBER = "^[ ]*[-+]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][-+]?[0-9][0-9]?)?[ ]*$"


def day_of(value: str, kind: str = "timestamp") -> str:
    """Return the day number of a date, a timestamp, or a text in ISO form; NULL where it is none."""
    if kind == "text":
        return f"case when regexp_matches({value}, '{ISO_DAY}') then {day_of(f'substr({value}, 1, 10)')} end"
    return f"date_diff('day', date '1970-01-01', cast({value} as date))"


def cents_of(value: str, kind: str = "number") -> str:
    """Return hundredths of a number as a whole number, halves away from zero; NULL where it is none, or not finite."""
    if kind == "text":
        number = f"cast(trim({value}) as double)"
        return f"case when regexp_matches({value}, '{PLAIN_NUMBER}') then {cents_of(number)} end"
    cents = f"cast(round(cast({value} as decimal(18, 4)), 2) * 100 as bigint)"  # 18 digits fit a machine's number
    return f"case when {value} between -1e13 and 1e13 then {cents} end"


def text_of(value: str, kind: str, *, is_whole: bool = True) -> str:
    """Return a value as the text that a partition shows; a missing one is ``(blank)``."""
    return f"coalesce({_text(value, kind, is_whole)}, {quote_text(BLANK)})"


def code_of(value: str, kind: str, labels: Sequence[str], *, is_whole: bool = True) -> str:
    """Return a value's place among the texts that a partition shows, as DuckDB does it fastest.

    A short list is looked through once per distinct text where a column is stored with a dictionary, as Parquet's are,
    and only where nothing but the column stands beside the list.

    Args:
        value: The column.
        kind: What it holds.
        labels: The texts, ``(blank)`` last; what is missing or none of them has its place.
        is_whole: As of ``text_of``.
    """
    text, last = _text(value, kind, is_whole), len(labels) - 1
    listed = ", ".join(quote_text(str(label)) for label in labels)
    if len(labels) <= SHORT_LIST:
        return f"coalesce(cast(list_position([{listed}], {text}) - 1 as utinyint), cast({last} as utinyint))"
    size = "utinyint" if last < 1 << 8 else "usmallint" if last < 1 << 16 else "uinteger"
    return f"cast(coalesce(enum_code(try_cast({text} as enum({listed}))), {last}) as {size})"


def _text(value: str, kind: str, is_whole: bool) -> str:
    if kind == "boolean":
        return f"case when {value} then 'True' when not {value} then 'False' end"
    if kind in ("date", "timestamp", "timestamptz"):
        return f"cast(cast({value} as date) as varchar)"
    if kind == "number":
        whole = f"cast(cast({value} as bigint) as varchar)"
        fraction = f"cast(cast({value} as double) as varchar)"
        return whole if is_whole else f"case when {value} = floor({value}) then {whole} || '.0' else {fraction} end"
    return value


def is_one_of(value: str, texts: Iterable[str]) -> str:
    """Return the condition that a text is one of a few; never true for none."""
    listed = ", ".join(quote_text(text) for text in sorted(set(texts)))
    return f"{value} in ({listed})" if listed else "1 = 0"


def visible(day: str, last_day: int | None) -> str:
    """Return a day that lies up to the last one, else NULL; None lets every day be."""
    return day if last_day is None else f"case when {day} <= {last_day} then {day} end"


def select(columns: Sequence[tuple[str, str]], source: str) -> str:
    """Write a SELECT, one column per line.

    Args:
        columns: Expression and name of each.
        source: Everything from FROM on.
    """
    lines = [expression if expression == name else f"{expression} as {name}" for expression, name in columns]
    return "select\n  " + ",\n  ".join(lines) + f"\n{source}"


def with_parts(parts: Sequence[tuple[str, str]], final: str) -> str:
    """Put named parts before a SELECT."""
    if not parts:
        return final
    written = ",\n".join(f"{name} as (\n{indent(text)}\n)" for name, text in parts)
    return f"with {written}\n{final}"


def indent(text: str) -> str:
    """Move every line to the right, except inside a literal that spans lines."""
    return "  " + text.replace("\n", "\n  ") if "'" not in text or not _spans_lines(text) else text


def _spans_lines(text: str) -> bool:
    return any("\n" in literal for literal in text.split("'")[1::2])


def column(source: str, name: str) -> str:
    """Return a source's column."""
    return f"{source}.{quote_name(name)}"
