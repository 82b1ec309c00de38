"""Take dates apart: which shape a text has, and its year, month, day, time and offset as numbers."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

_TIME = (
    r"(?:[T ,]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<offset>[Zz]|UTC|GMT|(?:UTC|GMT)?\s?[+-]\d{1,2}(?::?\d{2})?)?(?:\s*\([^()]*\))?)?"
)
_WEEKDAY = r"(?:[^\W\d_]{2,10}\.?,?\s+)?"
_MONTH = r"(?P<month_name>[^\W\d_]{3,10})\.?"

SHAPES: dict[str, str] = {
    "year-first": r"(?P<year>\d{4})(?P<sign>[-/.])(?P<first>\d{1,2})(?P<sign2>[-/.])(?P<second_part>\d{1,2})\.?"
    + _TIME,
    "year-last": r"(?P<first>\d{1,2})(?P<sign>[-/.])(?P<second_part>\d{1,2})(?P<sign2>[-/.])(?P<year>\d{4}|\d{2})\.?"
    + _TIME,
    "day-name": rf"{_WEEKDAY}(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?[-\s/.]*{_MONTH}[-,\s/.]*(?P<year>\d{{4}}|\d{{2}})"
    + _TIME,
    "name-day": rf"{_WEEKDAY}{_MONTH}[-\s]+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?[-\s]+(?P<year>\d{{4}})" + _TIME,
    "compact": r"(?P<year>\d{4})(?P<first>\d{2})(?P<second_part>\d{2})"
    r"(?:T?(?P<hour>\d{2})(?:(?P<minute>\d{2})(?P<second>\d{2})?)?)?(?P<offset>[Zz]|[+-]\d{2}:?\d{2})?(?:\.0)?",
    "day-clock": r"(?P<year>\d{4})(?P<first>\d{2})(?P<second_part>\d{2})" + _TIME,
    "epoch": r"(?P<epoch>\d{10}|\d{13}|\d{16})(?:\.0)?",
    "serial": r"(?P<serial>\d{5}(?:\.\d+)?)",
}
"""Shapes of dates that are read, each tried in this order. The years that epochs and serials may mean are bounded."""

_PATTERNS = {name: "^(?:" + pattern.replace(r"[^\W\d_]", r"\pL") + ")$" for name, pattern in SHAPES.items()}

_FULL_ISO = r"^\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?Z?)?$"

PIVOT = 69
"""Two-digit years from 69 on are 1969–1999, below it 2000–2068 (the POSIX rule)."""

EXCEL_START = np.datetime64("1899-12-30", "us")
_DAY_US = 86_400_000_000

_MONTH_NAMES = (
    "jan january januar janvier januari janv gennaio gen enero ene janeiro jän jänner",
    "feb february februar février févr fév februari febbraio febrero fevereiro fev",
    "mar march märz mrz mär mars maart mrt marzo março",
    "apr april avril avr aprile abril abr",
    "may mai mei maggio mag mayo maio",
    "jun june juni juin giugno giu junio junho",
    "jul july juli juillet juil luglio lug julio julho",
    "aug august août aoû augustus agosto ago",
    "sep sept september septembre settembre set septiembre setembro",
    "oct october oktober okt octobre ottobre ott octubre outubro out",
    "nov november novembre noviembre novembro",
    "dec december dezember dez décembre déc dicembre dic diciembre dezembro",
)
MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, start=1) for name in names.split()}
"""Months by their names and short names in English, German, Dutch, French, Italian, Spanish and Portuguese."""


@dataclass(frozen=True)
class Parts:
    """Hold distinct texts taken apart; every array has one entry per text.

    Attributes:
        shape: Name of the shape, empty where none fits.
        numbers: Arrays of whole numbers (-1 where absent): year, first, second_part, day, month, hour, minute,
            second, micro, offset (minutes east of UTC; see has_offset).
        has_offset: Whether the text states its offset from UTC.
        has_short_year: Whether the year has two digits.
        sign: The sign between the parts of a numeric date.
        moment: The moment as stated where the text gives it whole (epochs, serials, full ISO); NaT elsewhere.
    """

    shape: np.ndarray
    numbers: dict[str, np.ndarray]
    has_offset: np.ndarray
    has_short_year: np.ndarray
    sign: np.ndarray
    moment: np.ndarray

    @property
    def has_time(self) -> np.ndarray:
        """Whether the text states a time of day."""
        return (self.numbers["hour"] >= 0) | (self.shape == "epoch")


_NUMBERS = ("year", "first", "second_part", "day", "month", "hour", "minute", "second", "micro", "offset")


def take_apart(distinct: pd.Series) -> Parts:
    """Take distinct texts apart by shape; the first shape that fits counts."""
    texts = pa.array(distinct.fillna(""), type=pa.large_string())
    texts = pc.replace_substring_regex(texts, "[\u00a0\u202f\u2009\u2007]", " ")
    texts = pc.utf8_trim_whitespace(texts)
    n = len(texts)
    parts = Parts(
        shape=np.full(n, "", dtype="U10"),
        numbers={name: np.full(n, -1, dtype="int64") for name in _NUMBERS},
        has_offset=np.zeros(n, dtype=bool),
        has_short_year=np.zeros(n, dtype=bool),
        sign=np.full(n, "", dtype="U1"),
        moment=np.full(n, np.datetime64("NaT", "us")),
    )
    left = np.flatnonzero(~_fill_iso(parts, texts))
    for shape, pattern in _PATTERNS.items():
        if not len(left):
            break
        found = pc.extract_regex(texts.take(pa.array(left)), pattern=pattern)
        fits = pc.is_valid(found).to_numpy(zero_copy_only=False)
        if fits.any():
            at = left[fits]
            fits_in_detail = _fill(parts, at, shape, found.filter(pa.array(fits)))
            fits[fits] = fits_in_detail
        left = left[~fits]
    return parts


def _fill_iso(parts: Parts, texts: pa.Array) -> np.ndarray:
    """Read full ISO dates the quick way, since most exports hold them by the million; tell which ones they are."""
    is_iso = pc.match_substring_regex(texts, _FULL_ISO)
    some = texts.filter(is_iso)
    is_utc = pc.ends_with(some, "Z")
    try:
        moments = pc.cast(pc.replace_substring_regex(some, "Z$", ""), pa.timestamp("us"))
    except pa.ArrowInvalid:  # one of them is no date of the calendar
        return np.zeros(len(texts), dtype=bool)
    found = is_iso.to_numpy(zero_copy_only=False)
    parts.shape[found] = "year-first"
    parts.moment[found] = moments.to_numpy(zero_copy_only=False)
    parts.has_offset[found] = is_utc.to_numpy(zero_copy_only=False)
    parts.numbers["hour"][found] = np.where(pc.utf8_length(some).to_numpy(zero_copy_only=False) > 10, 0, -1)
    return found


def _fill(parts: Parts, at: np.ndarray, shape: str, found: pa.StructArray) -> np.ndarray:
    """Write the fields of one shape; return which texts hold together in detail (same sign twice, known month …)."""
    fields = {field.name: pc.struct_field(found, field.name) for field in found.type}
    good = np.ones(len(at), dtype=bool)
    if shape in ("epoch", "serial"):
        moments = _read_epoch(fields["epoch"]) if shape == "epoch" else _read_serial(fields["serial"])
        good = ~np.isnat(moments)
        parts.moment[at[good]] = moments[good]
        parts.has_offset[at[good]] = shape == "epoch"
        parts.shape[at[good]] = shape
        return good
    values = {name: _as_int(fields[name]) for name in _NUMBERS if name in fields and name != "offset"}
    if "sign" in fields:
        good &= pc.equal(fields["sign"], fields["sign2"]).to_numpy(zero_copy_only=False)
    if "month_name" in fields:
        names = fields["month_name"].to_pylist()
        lookup = {name: MONTHS.get(name.lower(), -1) for name in set(names)}
        values["month"] = np.array([lookup[name] for name in names], dtype="int64")
        good &= values["month"] > 0
    if "fraction" in fields:
        values["micro"] = _as_int(pc.utf8_slice_codeunits(pc.utf8_rpad(fields["fraction"], 6, "0"), 0, 6))
        values["micro"] = np.where(_is_filled(fields["fraction"]), values["micro"], 0)
    if "half" in fields:
        values["hour"], is_clock = _to_24_hours(values["hour"], fields["half"])
        good &= is_clock
    if shape in ("compact", "day-clock"):
        good &= _is_calendar(values["year"], values["first"], values["second_part"]) & (values["hour"] <= 23)
        good &= (values["year"] >= 1900) & (values["year"] <= 2100)
    for name, value in values.items():
        parts.numbers[name][at[good]] = value[good]
    has_offset = _is_filled(fields["offset"])
    parts.numbers["offset"][at[good]] = _read_offset(fields["offset"])[good]
    parts.has_offset[at[good]] = has_offset[good]
    if shape not in ("compact", "day-clock"):
        short = pc.equal(pc.utf8_length(fields["year"]), 2).to_numpy(zero_copy_only=False)
        parts.has_short_year[at[good]] = short[good]
    if "sign" in fields:
        parts.sign[at[good]] = np.array(fields["sign"].to_pylist(), dtype="U1")[good]
    parts.shape[at[good]] = shape
    return good


def assemble(parts: Parts, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Put the parts together again as local dates and times.

    Args:
        parts: Texts taken apart.
        order: Per text, how numeric dates with the year last are to be read: ``day-first``, ``month-first`` or
            ``year-first`` (two-digit years only).

    Returns:
        Per text, the moment as stated (``datetime64[us]``, NaT where it is no date of the calendar) and its
        offset from UTC in minutes (0 where none is stated).
    """
    year, first, second = (parts.numbers[name].copy() for name in ("year", "first", "second_part"))
    month, day = parts.numbers["month"].copy(), parts.numbers["day"].copy()
    numeric = np.isin(parts.shape, ("year-first", "compact", "day-clock"))
    month[numeric], day[numeric] = first[numeric], second[numeric]
    last = parts.shape == "year-last"
    by_day, by_month, by_year = (last & (order == name) for name in ("day-first", "month-first", "year-first"))
    day[by_day], month[by_day] = first[by_day], second[by_day]
    month[by_month], day[by_month] = first[by_month], second[by_month]
    day[by_year], month[by_year], year[by_year] = year[by_year], second[by_year], first[by_year]
    short = parts.has_short_year & (year >= 0)
    year[short] += np.where(year[short] >= PIVOT, 1900, 2000)
    hour, minute, clock_second = (np.maximum(parts.numbers[name], 0) for name in ("hour", "minute", "second"))
    good = _is_calendar(year, month, day) & (hour <= 23) & (minute <= 59) & (clock_second <= 59)
    moment = parts.moment.copy()
    months = (year[good] - 1970) * 12 + month[good] - 1
    days = months.astype("datetime64[M]").astype("datetime64[D]") + (day[good] - 1)
    seconds = (hour[good] * 60 + minute[good]) * 60 + clock_second[good]
    micros = seconds * 1_000_000 + np.maximum(parts.numbers["micro"][good], 0)
    moment[good] = days.astype("datetime64[us]") + micros.astype("timedelta64[us]")
    offset = np.where(parts.has_offset, np.where(np.isnat(parts.moment), parts.numbers["offset"], 0), 0)
    return moment, offset


def _is_calendar(year: np.ndarray, month: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Tell which year, month, day exist."""
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    lengths = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    safe = np.where((month >= 1) & (month <= 12), month, 0)
    longest = lengths[safe] + ((safe == 2) & leap)
    return (year >= 1) & (day >= 1) & (day <= longest)


def _is_filled(texts: pa.Array) -> np.ndarray:
    return pc.not_equal(texts, "").to_numpy(zero_copy_only=False)


def _as_int(texts: pa.Array) -> np.ndarray:
    """Turn digits into numbers; -1 where there are none."""
    return pc.if_else(pc.equal(texts, ""), "-1", texts).cast(pa.int64()).to_numpy(zero_copy_only=False).copy()


def _to_24_hours(hour: np.ndarray, half: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Turn 12-hour clock times into 24-hour ones; tell which are times of a clock."""
    sign = pc.utf8_slice_codeunits(pc.utf8_lower(half), 0, 1).to_numpy(zero_copy_only=False)
    is_half = (sign == "a") | (sign == "p")
    good = ~is_half | ((hour >= 1) & (hour <= 12))
    return np.where(is_half, hour % 12 + 12 * (sign == "p"), hour), good


def _read_offset(texts: pa.Array) -> np.ndarray:
    """Read ``Z``, ``+02:00``, ``-0430``, ``GMT+2`` as minutes east of UTC."""
    digits = pc.extract_regex(texts, r"(?P<sign>[+-])(?P<hours>\d{1,2}):?(?P<minutes>\d{2})?$")
    stated = pc.is_valid(digits).to_numpy(zero_copy_only=False)
    digits = pc.if_else(
        pc.is_valid(digits), digits, pa.scalar({"sign": "+", "hours": "0", "minutes": "0"}, digits.type)
    )
    hours, minutes = (np.maximum(_as_int(pc.struct_field(digits, name)), 0) for name in ("hours", "minutes"))
    west = pc.equal(pc.struct_field(digits, "sign"), "-").to_numpy(zero_copy_only=False)
    return np.where(stated, (hours * 60 + minutes) * np.where(west, -1, 1), 0)


def _read_epoch(texts: pa.Array) -> np.ndarray:
    """Read seconds, milliseconds or microseconds since 1970, told by their length, as far as 2000 to 2100."""
    numbers = _as_int(texts)
    length = pc.utf8_length(texts).to_numpy(zero_copy_only=False)
    micros = numbers * np.select([length == 10, length == 13], [1_000_000, 1_000], 1)
    moments = micros.astype("datetime64[us]")
    plausible = (moments >= np.datetime64("2000-01-01")) & (moments < np.datetime64("2100-01-01"))
    return np.where(plausible, moments, np.datetime64("NaT", "us"))


def _read_serial(texts: pa.Array) -> np.ndarray:
    """Read Excel's count of days since 1900 (fractions are times, to the second), as far as 1954 to 2119."""
    numbers = texts.cast(pa.float64()).to_numpy(zero_copy_only=False)
    seconds = np.round(numbers * 86_400).astype("int64") * 1_000_000
    moments = EXCEL_START + seconds.astype("timedelta64[us]")
    return np.where((numbers >= 20_000) & (numbers < 80_500), moments, np.datetime64("NaT", "us"))
