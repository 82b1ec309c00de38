"""Read columns of dates: the order of day and month is decided by the whole column's evidence, never by a row."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from helpers.errors import DataError
from helpers.ingest.date_shapes import Parts, assemble, take_apart
from helpers.ingest.values import is_typed_blank, log_values, note_blanks, split_distinct, spread
from helpers.issues import IssueLog

ORDERS = ("day-first", "month-first", "year-first")
"""How numeric dates with the year last can be read; year-first only where the year has two digits (16-10-20)."""

DECISIVE_SHARE = 0.95
"""An order is decided where at least this share of the values that fit only one order fits it."""

LONGEST_SPAN = 25
"""Two-digit years that span more years than this are not years."""

LATEST_PLAUSIBLE = dt.date(2049, 12, 31)
"""Later dates stand for "no end" (2050-01-01, 9999-12-31 …) and are taken as missing."""

EARLIEST_PLAUSIBLE = dt.date(1900, 1, 2)
PLACEHOLDERS = ("1900-01-01", "1970-01-01", "0001-01-01", "1899-12-30", "1899-12-31", "1901-01-01", "1753-01-01")
"""Dates at midnight that systems write for "unknown"; they are taken as missing."""


@dataclass(frozen=True)
class DateConvention:
    """Say how one column writes dates.

    Attributes:
        shape: The shape of most values: year-first, year-last, day-name, name-day, compact,
            day-clock, epoch or serial.
        share: Share of the distinct filled values (0–1) that have the shape of some date.
        order: day-first, month-first or year-first where the column has numeric dates with the year last and
            the order is decided; None where it has none or the order is open.
        is_ambiguous: Whether the order matters and is not decided.
        n_deciding: How many distinct values fit only one order.
        n_agreeing: How many of them fit the order decided.
        evidence: Why the order is what it is, in a sentence.
        has_time: Whether some value states a time of day.
        has_offset: Whether some value states its offset from UTC.
        example: A value whose order of day and month is open, or the first one.
        style: What columns of one file share: the sign between the parts and the digits of the year.
    """

    shape: str
    share: float
    order: str | None = None
    is_ambiguous: bool = False
    n_deciding: int = 0
    n_agreeing: int = 0
    evidence: str = ""
    has_time: bool = False
    has_offset: bool = False
    example: str = ""
    style: str = ""


def detect_date_order(series: pd.Series) -> DateConvention | None:
    """Tell how a column writes dates, by all its values.

    Args:
        series: Cells as text.

    Returns:
        The convention, or None where no value has the shape of a date. Numeric dates with the year last are
        decided by values whose first or second part is above 12 (``DECISIVE_SHARE`` of them must agree), with
        two-digit years also by the span of years that a reading leads to. Dots mean day-first unless values
        contradict, since no locale writes month.day.year. Otherwise the column is ambiguous.
    """
    distinct, _ = split_distinct(series)
    filled = distinct[~is_typed_blank(distinct)]
    if not len(filled):
        return None
    return _decide(filled.reset_index(drop=True), take_apart(filled))


def detect_date_conventions(frame: pd.DataFrame, *, columns: list[str] | None = None) -> dict[str, DateConvention]:
    """Tell how the columns of one file write dates; ambiguous ones take the order of decided ones of their style.

    Args:
        frame: One file's cells as text.
        columns: Its date columns; None takes all columns in which 90 % of the values look like dates.

    Returns:
        Conventions by column, columns without dates left out.
    """
    found = {
        column: convention
        for column in (frame.columns if columns is None else columns)
        if (convention := detect_date_order(frame[column])) is not None
        and (columns is not None or (convention.share >= 0.9 and convention.shape not in ("serial", "epoch")))
    }
    return share_date_order(found)


def share_date_order(conventions: Mapping[str, DateConvention]) -> dict[str, DateConvention]:
    """Settle ambiguous columns of one file by decided ones that write dates in the same style.

    Returns:
        The conventions, those settled with ``order`` and ``evidence`` filled in. Where the decided columns of a
        style disagree, nothing is settled.
    """
    shared = dict(conventions)
    for column, convention in conventions.items():
        if convention.is_ambiguous and not convention.n_deciding:
            like = {
                other: found.order
                for other, found in conventions.items()
                if found.style == convention.style and found.order and found.n_deciding
            }
            if len(set(like.values())) == 1:
                evidence = f"as in the column '{next(iter(like))}' of the same file"
                order = next(iter(like.values()))
                shared[column] = replace(convention, order=order, is_ambiguous=False, evidence=evidence)
    return shared


def parse_dates(
    series: pd.Series,
    *,
    file: str,
    column: str,
    log: IssueLog,
    time_zone: str,
    order: str | None = None,
    convention: DateConvention | None = None,
    latest_plausible: dt.date = LATEST_PLAUSIBLE,
) -> pd.Series:
    """Read a column of dates.

    Args:
        series: Cells as text, index = row in the file.
        file: The file, for issues.
        column: The column, for issues.
        log: Takes every value that could not be read or was taken as missing.
        time_zone: The company's time zone, such as ``Europe/Amsterdam``.
        order: One of ``ORDERS`` where a person has said it; goes before all evidence.
        convention: What ``detect_date_conventions`` found with the file's other columns in view; otherwise the
            column decides alone.
        latest_plausible: Later dates mean "no end" and become missing.

    Returns:
        One ``datetime64[us]`` per cell, same index, naive in the company's time zone: values with Z or an offset
        and epochs are converted, others are taken to be local already. Time of day is kept. Missing where blank,
        not a date, a placeholder, "no end", or where the order of day and month is open (one issue asks for it).
        Two-digit years from 69 on are 1969–1999, others 2000–2068.

    Raises:
        DataError: The order given is none of ``ORDERS``.
    """
    if order is not None and order not in ORDERS:
        raise DataError(f"[{file}, column {column}] has the date order '{order}'. Allowed are {', '.join(ORDERS)}")
    distinct, codes = split_distinct(series)
    blank = is_typed_blank(distinct)
    parts = take_apart(distinct.mask(blank))
    if convention is None and order is None:
        convention = detect_date_order(series)
    decided = order or (convention.order if convention else None)
    note_blanks(series, codes, blank, file=file, column=column, log=log)
    open_order = (parts.shape == "year-last") & (decided is None)
    same_either_way = open_order & (parts.numbers["first"] == parts.numbers["second_part"])
    moments, offsets = assemble(parts, np.where(same_either_way, "day-first", decided or ""))
    _log_open_order(series, codes, open_order & np.isnat(moments), file=file, column=column, log=log)
    where = {"file": file, "column": column, "log": log}
    log_values(
        series,
        codes,
        np.isnat(moments) & ~blank & ~open_order,
        code="not_a_date",
        severity="error",
        message=f"The value is no date{f' when read {decided}' if decided else ''}; it is taken as missing",
        cure="Correct it in the CRM, or map another column; dates such as 2026-09-30 are always understood",
        **where,
    )
    moments = _blank_placeholders(series, codes, moments, latest_plausible=latest_plausible, **where)
    return spread(pd.Series(_to_local(moments, offsets, parts.has_offset, time_zone)), codes, series.index)


def _decide(filled: pd.Series, parts: Parts) -> DateConvention | None:
    known = parts.shape != ""
    if not known.any():
        return None
    shapes, counts = np.unique(parts.shape[known], return_counts=True)
    convention = DateConvention(
        shape=str(shapes[np.argmax(counts)]),
        share=float(known.mean()),
        has_time=bool(parts.has_time[known].any()),
        has_offset=bool(parts.has_offset[known].any()),
        example=str(filled[int(np.argmax(known))]),
    )
    last = parts.shape == "year-last"
    if not last.any():
        return convention
    signs, n_signs = np.unique(parts.sign[last], return_counts=True)
    sign = str(signs[np.argmax(n_signs)])
    digits = 2 if parts.has_short_year[last].mean() > 0.5 else 4
    convention = replace(convention, style=f"{sign}{digits}", example=str(filled[int(np.argmax(last))]))
    if _is_year_first(parts, last):
        return replace(convention, order="year-first", n_deciding=int(last.sum()), n_agreeing=int(last.sum()),
                       evidence="only the first part can be the year")  # fmt: skip
    return _decide_day_or_month(convention, parts, last, sign)


def _decide_day_or_month(convention: DateConvention, parts: Parts, last: np.ndarray, sign: str) -> DateConvention:
    first, second = parts.numbers["first"][last], parts.numbers["second_part"][last]
    n_day = int(((first > 12) & (first <= 31) & (second <= 12)).sum())
    n_month = int(((second > 12) & (second <= 31) & (first <= 12)).sum())
    n_deciding = n_day + n_month
    if not n_deciding and sign == ".":
        return replace(convention, order="day-first", evidence="dates with dots are written day first everywhere")
    order, n_agreeing = ("day-first", n_day) if n_day >= n_month else ("month-first", n_month)
    if not n_deciding:
        evidence = "no value has a part above 12"
        is_open = bool((first != second).any())
        return replace(convention, is_ambiguous=is_open, evidence=evidence)
    if n_agreeing < DECISIVE_SHARE * n_deciding:
        evidence = f"{n_day:,} values can only be day first, {n_month:,} only month first"
        return replace(convention, is_ambiguous=True, n_deciding=n_deciding, n_agreeing=n_agreeing, evidence=evidence)
    evidence = f"{n_agreeing:,} of {n_deciding:,} values with a part above 12 can only be {order.replace('-', ' ')}"
    return replace(convention, order=order, n_deciding=n_deciding, n_agreeing=n_agreeing, evidence=evidence)


def _is_year_first(parts: Parts, last: np.ndarray) -> bool:
    """Tell columns such as 16-10-20 (yy-mm-dd), where year-last can't be: no such days, or years far too wide."""
    short = last & parts.has_short_year
    if short.sum() < last.sum():
        return False
    first, second, third = (parts.numbers[name][short] for name in ("first", "second_part", "year"))
    fits_year_first = (second >= 1) & (second <= 12) & (third >= 1) & (third <= 31)
    if fits_year_first.mean() < DECISIVE_SHARE:
        return False
    high, low = np.maximum(first, second), np.minimum(first, second)
    fits_year_last = (high <= 31) & (low >= 1) & (low <= 12)
    if fits_year_last.mean() < DECISIVE_SHARE:
        return True
    years_last, years_first = (np.where(part >= 69, part + 1900, part + 2000) for part in (third, first))
    return int(np.ptp(years_last)) > LONGEST_SPAN >= int(np.ptp(years_first))


def _log_open_order(
    series: pd.Series, codes: np.ndarray, is_open: np.ndarray, *, file: str, column: str, log: IssueLog
) -> None:
    if not is_open.any():
        return
    rows = np.append(is_open, False)[codes]
    first = int(np.argmax(rows))
    log.add(
        file=file,
        row=int(series.index[first]),
        column=column,
        code="ambiguous_date_order",
        severity="error",
        value=series.iloc[first],
        message=f"Day and month can't be told apart in {int(rows.sum()):,} rows, the first one here; no value "
        "of the column decides it, so these dates are taken as missing",
        cure=f'Say it in company.toml: [files."{file}"]\ndate_order = "day-first"\n(or "month-first")',
    )


def _blank_placeholders(
    series: pd.Series,
    codes: np.ndarray,
    moments: np.ndarray,
    *,
    latest_plausible: dt.date,
    file: str,
    column: str,
    log: IssueLog,
) -> np.ndarray:
    days = moments.astype("datetime64[D]")
    at_midnight = moments == days.astype("datetime64[us]")
    late = days > np.datetime64(latest_plausible)
    placeholder = np.isin(days, np.array(PLACEHOLDERS, dtype="datetime64[D]")) & at_midnight
    early = (days < np.datetime64(EARLIEST_PLAUSIBLE)) & ~placeholder
    where = {"file": file, "column": column, "log": log, "severity": "warning"}
    cure = "Nothing to do if it means that no date is known; otherwise correct it in the CRM"
    reasons = [
        (late, "end_of_time_date", f"The date lies after {latest_plausible}, which stands for 'no end'"),
        (placeholder, "placeholder_date", "The date is one that systems write for 'unknown'"),
        (early, "implausible_date", f"The date lies before {EARLIEST_PLAUSIBLE.year}"),
    ]
    for is_so, code, message in reasons:
        log_values(series, codes, is_so, code=code, message=f"{message}; it is taken as missing", cure=cure, **where)
    return np.where(late | placeholder | early, np.datetime64("NaT", "us"), moments)


def _to_local(moments: np.ndarray, offsets: np.ndarray, has_offset: np.ndarray, time_zone: str) -> np.ndarray:
    """Convert moments with a stated offset to the company's time zone; leave the others as they are."""
    local = moments.astype("datetime64[us]")
    stated = has_offset & ~np.isnat(local)
    if stated.any():
        utc = local[stated] - (offsets[stated] * 60_000_000).astype("timedelta64[us]")
        zoned = pd.DatetimeIndex(utc).tz_localize("UTC").tz_convert(ZoneInfo(time_zone)).tz_localize(None)
        local = local.copy()
        local[stated] = zoned.to_numpy().astype("datetime64[us]")
    return local
