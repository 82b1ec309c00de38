"""Numbers, dates and names in words: what every table, card and chart label is written with."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import date, datetime
from html import escape
from typing import Any

import pandas as pd

from helpers.units import NOT_AVAILABLE, format_value

_ACRONYMS = {
    "ae", "ai", "arr", "asp", "crm", "emea", "grr", "gtm", "icp", "id", "kpi", "mql", "mqls", "mrr", "nrr", "sdr",
    "smb", "sql", "sqls", "tcv", "acv", "uk", "url", "us", "usd", "eur",
}  # fmt: skip
BASES = {
    "period": "events in the period",
    "cohort": "of the records that entered the stage in the period",
    "outcome": "of the deals that closed in the period",
    "snapshot": "as it stood on a day, the first or the last of the period",
}
"""The legitimate definitions of a KPI, in words."""

_UNREADABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_MONTH = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_UNIT = r"(?:k|M|bn|%|days?|points?)(?!\w)"
_TOGETHER = re.compile(
    rf"(?<=\d)[ \u00a0](?={_UNIT}|(?:{_MONTH})\b|a day\b)|(?<=\d [kM])[ \u00a0](?=a day\b)|(?<=\ba)[ \u00a0](?=day\b)"
    rf"|(?<=\b[Qn])[ \u00a0](?=\d)|(?<=\bQ\d)[ \u00a0](?=\d{{4}})|(?<={_MONTH})[ \u00a0](?=\d{{4}})"
    r"|(?<=\b\d)[ \u00a0](?=of \d)|(?<=[●◐○✕])[ \u00a0]|[ \u00a0](?=· )"
)
"""Spaces at which no line breaks: a number and its unit, a day and its month, a period and its year, before a dot."""

_NUMBER = rf"[€$£¥₹]?\d[\d.,]*(?:\u00a0{_UNIT})?"
_UNBROKEN = re.compile(rf"−{_NUMBER}|{_NUMBER}–{_NUMBER}")
"""A negative number and an interval, which browsers would break after the sign or the dash."""


def is_missing(value: Any) -> bool:
    """Tell whether there is no value: None, NaN, NaT or NA.

    >>> is_missing(float("nan")), is_missing(0), is_missing("")
    (True, False, False)
    """
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    return isinstance(value, float) and math.isnan(value)


def clean_text(value: Any) -> str:
    """Return a value as plain readable text: without control characters and without marks that reverse reading order.

    >>> clean_text("Ann\\x1b[31m\\u202eb")
    'Ann[31mb'
    """
    return _UNREADABLE.sub("", str(value))


def say_value(value: Any, unit: str = "count", *, currency: str = "USD", digits: int | None = None) -> str:
    """Write a value for a reader, short and with its unit.

    Args:
        value: number, date, boolean or text; missing gives "not available".
        unit: one of ``helpers.units.UNITS``.
        currency: ISO code of the company's currency.
        digits: digits after the point; by default as many as the unit deserves.

    Returns:
        Text such as ``31 %`` or ``30 Sep 2026``.

    >>> say_value(1_240_000, "currency", currency="EUR"), say_value(None, "share")
    ('€1.24 M', 'not available')
    """
    if is_missing(value):
        return NOT_AVAILABLE
    if isinstance(value, bool) or type(value).__name__ == "bool_":
        return "yes" if value else "no"
    if isinstance(value, date):
        return say_date(value)
    if isinstance(value, str):
        return clean_text(value)
    if not isinstance(value, int | float):
        try:
            value = float(value)
        except (TypeError, ValueError):
            return clean_text(value)
    if math.isinf(value):
        return NOT_AVAILABLE
    return format_value(value, "count" if unit in ("text", "date") else unit, currency=currency, digits=digits)


def say_full(value: Any, unit: str = "count", *, currency: str = "USD") -> str:
    """Write a value in full, as the hover text behind a short one.

    >>> say_full(1_240_312.5, "currency", currency="EUR")
    'EUR 1,240,312.50'
    """
    if is_missing(value) or isinstance(value, str | date | bool):
        return say_value(value, unit, currency=currency)
    if unit in ("currency", "currency_per_day"):
        return f"{currency} {_minus(f'{float(value):,.2f}')}" + (" a day" if unit == "currency_per_day" else "")
    if unit == "share":
        return f"{_minus(f'{float(value) * 100:.2f}')} %"
    return say_value(value, unit, currency=currency)


def say_date(day: date) -> str:
    """Write a date, with the time of day only where there is one.

    >>> say_date(date(2026, 9, 30))
    '30 Sep 2026'
    """
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    text = f"{day.day} {months[day.month - 1]} {day.year}"
    if isinstance(day, datetime) and (day.hour or day.minute):
        text += f" {day.hour:02d}:{day.minute:02d}"
    return text


def say_interval(
    value: Any, low: Any = None, high: Any = None, unit: str = "share", *, n: Any = None, currency: str = "USD"
) -> str:
    """Write a value with its interval and the number of records behind it.

    >>> say_interval(0.3127, 0.26, 0.364, n=214)
    '31 % (26–36 %, n 214)'
    >>> say_interval(0.5, n=4)
    '50 % (n 4)'
    """
    inner = ", ".join(part for part in (say_range(low, high, unit, currency=currency), say_n(n)) if part)
    text = say_value(value, unit, currency=currency)
    return f"{text} ({inner})" if inner and not is_missing(value) else text


def say_range(low: Any, high: Any, unit: str = "share", *, currency: str = "USD") -> str:
    """Write an interval with its unit once where both ends share it; empty where an end is missing.

    >>> say_range(30, 41, "days"), say_range(0.26, 0.36), say_range(None, 1.0)
    ('30–41 days', '26–36 %', '')
    """
    if is_missing(low) or is_missing(high):
        return ""
    first, last = say_value(low, unit, currency=currency), say_value(high, unit, currency=currency)
    for ending in (" %", " days"):
        if first.endswith(ending) and last.endswith(ending) and not first.startswith("−"):
            return f"{first.removesuffix(ending)}–{last}"
    return f"{first} to {last}" if " " in first + last or "−" in first + last else f"{first}–{last}"


def say_n(n: Any) -> str:
    """Write how many records are behind a number; empty where it is not known.

    >>> say_n(1214)
    'n 1,214'
    """
    return "" if is_missing(n) else f"n {int(n):,}"


def say_change(change: Any, unit: str = "count", *, currency: str = "USD") -> str:
    """Write a change with its sign; a change of shares is in percentage points.

    >>> say_change(-0.07, "share"), say_change(12, "days")
    ('−7 points', '+12 days')
    """
    if is_missing(change):
        return NOT_AVAILABLE
    if unit == "share":
        points = float(change) * 100
        digits = 0 if abs(points) >= 1 or points == 0 else 1
        text = _minus(f"{points:+.{digits}f}") if abs(points) >= 0.05 else "0"
        return f"{text} {'point' if text in ('+1', '−1') else 'points'}"
    text = say_value(change, unit, currency=currency)
    return f"+{text}" if float(change) > 0 else text


def count_of(n: int, noun: str, plural: str = "") -> str:
    """Write a count with its noun in the right number.

    >>> count_of(1, "deal"), count_of(2, "opportunity")
    ('1 deal', '2 opportunities')
    """
    if not plural:
        ends_in_y = noun.endswith("y") and noun[-2:-1] not in "aeiou"
        plural = (
            f"{noun[:-1]}ies" if ends_in_y else f"{noun}es" if noun.endswith(("s", "x", "ch", "sh")) else f"{noun}s"
        )
    return f"{n:,} {noun if n == 1 else plural}"


def join_words(words: Iterable[Any]) -> str:
    """Join words as in a sentence.

    >>> join_words(["volume", "mix", "rate"])
    'volume, mix and rate'
    """
    listed = [clean_text(word) for word in words]
    if len(listed) < 2:
        return "".join(listed)
    return f"{', '.join(listed[:-1])} and {listed[-1]}"


def label_of(name: Any) -> str:
    """Turn an id in snake case into a label; text that is no id stays as it is.

    >>> label_of("lead_to_mql"), label_of("Regional Office"), label_of("n")
    ('Lead to MQL', 'Regional Office', 'n')
    """
    text = clean_text(name)
    if text == "n" or not re.fullmatch(r"[a-z0-9_]+", text):
        return text
    words = [
        word.upper().replace("MQLS", "MQLs").replace("SQLS", "SQLs") if word in _ACRONYMS else word
        for word in text.split("_")
        if word
    ]
    label = " ".join(words)
    return label[:1].upper() + label[1:]


def keep_together(text: Any) -> str:
    """Return a text in which no line breaks between a number and its unit, or a period and its year.

    >>> keep_together("31 % in Q3 2026")
    '31\\xa0% in Q3\\xa02026'
    """
    return _TOGETHER.sub("\u00a0", clean_text(text))


def prose_html(text: Any) -> str:
    """Write text as HTML in which a number stays with its sign and unit, and a period with its year, on one line.

    >>> prose_html("R&D fell by −€122 k to 31 %")
    'R&amp;D fell by <span class="keep">−€122\\xa0k</span> to 31\\xa0%'
    """
    bound = escape(keep_together(text))
    return _UNBROKEN.sub(r'<span class="keep">\g<0></span>', bound)


def wrap_words(text: str, width: int) -> list[str]:
    """Break a text into lines of at most ``width`` characters, at spaces; a longer word keeps its own line.

    >>> wrap_words("Win rate fell from 31 % to 24 %", 18)
    ['Win rate fell from', '31 % to 24 %']
    """
    lines: list[str] = []
    for word in _TOGETHER.sub("\x00", clean_text(text)).split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] = f"{lines[-1]} {word}"
        else:
            lines.append(word)
    return [line.replace("\x00", " ") for line in lines] or [""]


def wrap_evenly(text: str, width: int) -> list[str]:
    """Break a text into as few lines as ``width`` allows, of about equal length, so that no word is left alone.

    >>> wrap_evenly("Win rate fell from 31 % to 24 %", 26)
    ['Win rate fell', 'from 31 % to 24 %']
    """
    lines = wrap_words(text, width)
    while len(lines) > 1 and width > 8:
        narrower = wrap_words(text, width - 1)
        if len(narrower) > len(lines):
            break
        lines, width = narrower, width - 1
    return lines


def shorten(text: Any, length: int) -> str:
    """Cut a text to at most ``length`` characters with an ellipsis.

    >>> shorten("Customer referral", 10)
    'Customer…'
    """
    plain = clean_text(text)
    return plain if len(plain) <= length else f"{plain[: length - 1].rstrip()}…"


def _minus(text: str) -> str:
    return text.replace("-", "−")
