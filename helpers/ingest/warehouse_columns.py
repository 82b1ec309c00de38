"""Columns of a warehouse as canonical values, in SQL: the same reading of ids, texts, dates, numbers as of exports.

All SQL here is DuckDB's dialect, written so that it can be translated: plain functions, casts only of text whose
shape a ``CASE`` has checked before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from helpers.ingest.dates import EARLIEST_PLAUSIBLE, LATEST_PLAUSIBLE, PLACEHOLDERS, DateConvention
from helpers.ingest.numbers import NumberConvention
from helpers.ingest.values import FALSE_SPELLINGS, STRIPPED, TEXT_BLANKS, TRUE_SPELLINGS, TYPED_BLANKS

KINDS = {"text": "varchar", "date": "timestamp", "number": "double", "boolean": "boolean"}
"""What a canonical column holds → its type in SQL."""

BLANK_LIKE = STRIPPED
LONGEST_CASE = 60
"""A map with more entries is joined instead of written as CASE."""


def quote(name: str) -> str:
    """Quote a name.

    >>> quote("Close Date")
    '"Close Date"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: object) -> str:
    """Write a text as SQL."""
    return "'" + str(text).replace("'", "''") + "'"


def listed(texts: Sequence[str]) -> str:
    """Write texts as a list in brackets."""
    return "(" + ", ".join(literal(text) for text in texts) + ")"


def name_relation(written: str) -> str:
    """Quote a table as ``company.toml`` names it, part by part; what is quoted there stays as it is.

    >>> name_relation("crm.deals"), name_relation('"My schema".deals')
    ('"crm"."deals"', '"My schema"."deals"')
    """
    if '"' in written:
        parts, inside, word = [], False, ""
        for sign in written:
            inside ^= sign == '"'
            if sign == "." and not inside:
                parts.append(word)
                word = ""
            else:
                word += sign
        parts.append(word)
        return ".".join(part if part.startswith('"') else quote(part) for part in parts)
    return ".".join(quote(part) for part in written.split("."))


def null_of(kind: str) -> str:
    """Return a missing value of a kind."""
    return f"cast(null as {KINDS[kind]})"


@dataclass(frozen=True)
class Source:
    """One column of a warehouse, and what is known of how it writes values.

    Attributes:
        column: Its name.
        type: text, number, integer, date, timestamp, timestamptz or boolean.
        is_clean: Whether its texts need no stripping and hold no spelling of "nothing".
        has_decimals: Whether whole ids are written with ``.0``.
        dates: How its texts write dates.
        numbers: How its texts write numbers.
        is_files: Whether DuckDB reads it, whose more tolerant functions may then be used.
    """

    column: str
    type: str
    is_clean: bool = False
    has_decimals: bool = False
    dates: DateConvention | None = None
    numbers: NumberConvention | None = None
    is_files: bool = False

    def read(self, alias: str) -> str:
        """Return the column as it stands."""
        return f"{alias}.{quote(self.column)}"


def as_text(source: Source, alias: str) -> str:
    """Return a column as text: stripped, blanks missing."""
    raw = source.read(alias)
    if source.type == "text":
        if source.is_clean:
            return raw
        stripped = f"trim({raw}, {literal(BLANK_LIKE)})"
        return f"case when {stripped} in {listed(['', *sorted(TEXT_BLANKS)])} then null else {stripped} end"
    if source.type == "integer":
        return f"cast({raw} as varchar)"
    if source.type == "number":
        whole = f"cast(cast({raw} as decimal(38, 0)) as varchar)"
        return f"case when {raw} = round({raw}, 0) then {whole} else cast({raw} as varchar) end"
    if source.type == "boolean":
        return f"case when {raw} then 'true' when not {raw} then 'false' end"
    if source.type == "date":
        return f"cast({raw} as varchar)"
    return f"cast(cast({raw} as timestamp) as varchar)"


def as_id(source: Source, alias: str) -> str:
    """Return a column as ids: text, without the ``.0`` that spreadsheets add."""
    text = as_text(source, alias)
    if source.type == "text" and source.has_decimals:
        return rf"regexp_replace({text}, '\.0$', '')"
    return text


def as_number(source: Source, alias: str, *, percent: bool = False) -> str:
    """Return a column as numbers; a text that is none is missing."""
    raw = source.read(alias)
    if source.type in {"number", "integer"}:
        return f"cast({raw} as double)"
    if source.type == "boolean":
        return f"case when {raw} then 1.0 when not {raw} then 0.0 end"
    if source.type != "text":
        return null_of("number")
    comma = source.numbers is not None and source.numbers.decimal == "comma"
    thousands, decimal = (r"[.'’\s]", ",") if comma else (r"[,'’\s]", r"\.")
    grouped = r"[.'’ ]" if comma else "[,'’ ]"
    pattern = rf"^[-+]?([0-9]+|[0-9]{{1,3}}({grouped}[0-9]{{3}})+)?({decimal}[0-9]*)?([eE][-+]?[0-9]{{1,3}})?$"
    signs = literal(r"^([A-Z]{3}|[$€£¥])\s*|\s*([A-Z]{3}|[$€£¥])$")
    bare = f"regexp_replace(trim({raw}, {literal(BLANK_LIKE)}), {signs}, '', 'g')"
    shown = f"regexp_matches({bare}, {literal(pattern)}) and regexp_matches({bare}, '[0-9]')"
    digits = f"regexp_replace({bare}, {literal(thousands)}, '', 'g')"
    digits = f"replace({digits}, ',', '.')" if comma else digits
    plain = f"when {shown} then cast({digits} as double)"
    if percent:
        share = rf"regexp_replace({bare}, '\s*%$', '')"
        inner = f"when regexp_matches({bare}, '^[-+]?[0-9]+(\\.[0-9]*)?\\s*%$') then cast({share} as double) / 100"
        return f"case {plain} {inner} end"
    return f"case {plain} end"


def as_boolean(source: Source, alias: str) -> str:
    """Return a column as yes and no; anything else is missing."""
    raw = source.read(alias)
    if source.type == "boolean":
        return raw
    if source.type in {"number", "integer"}:
        return f"case when {raw} = 1 then true when {raw} = 0 then false end"
    if source.type != "text":
        return null_of("boolean")
    folded = f"lower(trim({raw}, {literal(BLANK_LIKE)}))"
    yes, no = listed(sorted(TRUE_SPELLINGS)), listed(sorted(FALSE_SPELLINGS))
    return f"case when {folded} in {yes} then true when {folded} in {no} then false end"


def as_date(source: Source, alias: str, *, time_zone: str, order: str | None = None) -> str:
    """Return a column as moments in the company's time zone; placeholders and "no end" are missing."""
    moment = as_moment(source, alias, time_zone=time_zone, order=order)
    early = f"timestamp '{EARLIEST_PLAUSIBLE} 00:00:00'"
    placeholders = ", ".join(f"timestamp '{day} 00:00:00'" for day in PLACEHOLDERS if day >= str(EARLIEST_PLAUSIBLE))
    late = f"timestamp '{LATEST_PLAUSIBLE.year + 1}-01-01 00:00:00'"
    known = f"{moment} >= {early} and {moment} < {late} and {moment} not in ({placeholders})"
    return f"case when {known} then {moment} end"


def as_moment(source: Source, alias: str, *, time_zone: str, order: str | None = None) -> str:
    """Return a column as moments, however unlikely they are."""
    raw = source.read(alias)
    if source.type in {"date", "timestamp"}:
        return f"cast({raw} as timestamp)"
    if source.type == "timestamptz":
        return f"({raw} at time zone {literal(time_zone)})"
    if source.type in {"number", "integer"}:
        seconds = f"case when {raw} >= 1e14 then {raw} / 1e6 when {raw} >= 1e11 then {raw} / 1e3 else {raw} end"
        moment = f"(to_timestamp(cast({seconds} as double)) at time zone {literal(time_zone)})"
        return f"case when {raw} >= 1e9 then {moment} end"
    if source.type != "text":
        return null_of("date")
    return _date_of_text(source, f"trim({raw}, {literal(BLANK_LIKE)})", time_zone, order)


_OFFSET = r"\s*(Z|z|[+-][0-9]{2}(:?[0-9]{2})?)$"
_CLOCK = r"([T ]+[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?)?"
_ISO = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_NO_DAYS = r"^[0-9]{4}-(02-3[01]|(0[469]|11)-31)"
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", "T%H:%M", "T%H:%M:%S")
_FORMATS = {
    "year-first": ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d"),
    "day-first": ("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d/%m/%y", "%d-%m-%y", "%d.%m.%y"),
    "month-first": ("%m/%d/%Y", "%m-%d-%Y", "%m.%d.%Y", "%m/%d/%y", "%m-%d-%y", "%m.%d.%y"),
    "compact": ("%Y%m%d",),
    "named": ("%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%d-%b-%y", "%d %b %y"),
}


def _date_of_text(source: Source, text: str, time_zone: str, order: str | None) -> str:
    """Read dates written as text, those whose order of day and month is open not."""
    convention = source.dates
    has_offset = convention is None or convention.has_offset
    decided = order or (convention.order if convention else None)
    shape = convention.shape if convention else "year-first"
    formats = {"compact": "compact", "day-name": "named", "name-day": "named", "day-clock": "compact"}.get(shape, "")
    if shape == "year-last":
        formats = decided if decided in {"day-first", "month-first"} else ""
    if source.is_files:
        return _date_by_duckdb(text, formats, has_offset, time_zone)
    leap = f"cast(substr({text}, 1, 4) as integer)"
    leap = f"({leap} % 4 = 0 and ({leap} % 100 <> 0 or {leap} % 400 = 0))"
    is_day = f"not {_fits(text, _NO_DAYS)} and (substr({text}, 6, 5) <> '02-29' or {leap})"
    branches = [
        f"when {_fits(text, _ISO + _CLOCK + '$')} and {is_day} then cast(replace({text}, 'T', ' ') as timestamp)"
    ]
    if has_offset:
        zoned = f"(cast({text} as timestamptz) at time zone {literal(time_zone)})"
        branches.append(f"when {_fits(text, _ISO + _CLOCK + _OFFSET)} and {is_day} then {zoned}")
    if formats in {"day-first", "month-first"}:
        day = f"split_part(replace({text}, 'T', ' '), ' ', 1)"
        parts = [f"split_part(replace(replace({day}, '/', '-'), '.', '-'), '-', {place})" for place in (1, 2, 3)]
        ordered = (parts[2], parts[1], parts[0]) if formats == "day-first" else (parts[2], parts[0], parts[1])
        branches.append(_branch(text, "^[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{4}", ordered))
    elif formats == "compact":
        parts = [f"substr({text}, {start}, {length})" for start, length in ((1, 4), (5, 2), (7, 2))]
        branches.append(_branch(text, "^[0-9]{8}", (parts[0], parts[1], parts[2])))
    return "case " + " ".join(branches) + " end"


def _date_by_duckdb(text: str, formats: str, has_offset: bool, time_zone: str) -> str:
    """Read dates by DuckDB's own functions, which never fail and are quick."""
    plain = f"try_cast({text} as timestamp)"
    if has_offset:
        zoned = f"(try_cast({text} as timestamptz) at time zone {literal(time_zone)})"
        plain = f"case when {_fits(text, _OFFSET)} and {_fits(text, ':')} then {zoned} else {plain} end"
    tried = [f"{one}{clock}" for name in ("year-first", formats) if name for one in _FORMATS[name] for clock in _CLOCKS]
    parsed = f"try_strptime({text}, [{', '.join(literal(one) for one in tried)}])"
    return f"coalesce({plain}, {parsed})" if formats != "compact" else f"coalesce({parsed}, {plain})"


def _branch(text: str, pattern: str, parts: tuple[str, str, str]) -> str:
    """Read dates in digits whose year, month and day stand elsewhere than in ISO dates."""
    year, month, day = parts
    padded = f"{year} || '-' || lpad({month}, 2, '0') || '-' || lpad({day}, 2, '0')"
    clock = f"split_part(replace({text}, 'T', ' '), ' ', 2)"
    clock = f"case when {clock} = '' then '00:00' else {clock} end"
    moment = f"cast({padded} || ' ' || {clock} as timestamp)"
    return f"when {_fits(text, pattern + _CLOCK + '$')} and {_is_calendar(year, month, day)} then {moment}"


def _fits(text: str, pattern: str) -> str:
    return f"regexp_matches({text}, {literal(pattern)})"


def _is_calendar(year: str, month: str, day: str) -> str:
    """Tell whether parts name a day of the calendar, so that the cast behind it can't fail."""
    y, m, d = (f"cast({part} as integer)" for part in (year, month, day))
    leap = f"({y} % 4 = 0 and ({y} % 100 <> 0 or {y} % 400 = 0))"
    last = f"case when {m} in (4, 6, 9, 11) then 30 when {m} <> 2 then 31 when {leap} then 29 else 28 end"
    return f"{m} between 1 and 12 and {d} between 1 and {last} and {y} >= 1"


def is_filled(source: Source, alias: str) -> str:
    """Tell whether a cell says anything, for a column of dates, numbers or booleans."""
    raw = source.read(alias)
    if source.type != "text":
        return f"{raw} is not null"
    folded = f"lower(trim({raw}, {literal(BLANK_LIKE)}))"
    return f"({raw} is not null and {folded} not in {listed(sorted(TYPED_BLANKS))})"


def map_texts(text: str, mapping: Mapping[str, str | float | None], otherwise: str = "null") -> str:
    """Write a small map as CASE."""
    if not mapping:
        return otherwise
    branches = " ".join(f"when {literal(key)} then {_value(value)}" for key, value in mapping.items())
    return f"case {text} {branches} else {otherwise} end"


def _value(value: str | float | None) -> str:
    if value is None:
        return "null"
    return literal(value) if isinstance(value, str) else repr(float(value))


def write_values(columns: Sequence[str], rows: Sequence[Sequence[str | float | None]], kinds: Sequence[str]) -> str:
    """Write rows as a relation, every column cast to its kind in the first row."""
    cells = []
    for number, row in enumerate(rows):
        parts = [_value(value) for value in row]
        typed = [
            f"cast({part} as {KINDS[kind]})" if number == 0 or kind in {"date", "boolean"} else part
            for part, kind in zip(parts, kinds, strict=True)
        ]
        cells.append("(" + ", ".join(typed) + ")")
    names = ", ".join(quote(column) for column in columns)
    return f"(select * from (values {', '.join(cells)}) as v({names}))"
