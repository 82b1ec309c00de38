"""Units of KPIs and how their values are written for a reader."""

import math
import re
from datetime import date

UNITS = ("count", "currency", "share", "days", "ratio", "currency_per_day", "text", "date")
"""share is 0–1 and shown in %; days are calendar days; currency is the company's own; ratio is a multiple."""

NOT_AVAILABLE = "not available"

_SNAKE = re.compile(r"(?<![\w./\[])[a-z][a-z0-9]*(?:_[a-z0-9]+)+(?![\w./=\]])")

CURRENCY_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "BRL": "R$", "INR": "₹"}


def format_value(
    value: float | int | date | str | None, unit: str, *, currency: str = "USD", digits: int | None = None
) -> str:
    """Write a value for a reader.

    Args:
        value: The value; a share is 0–1; None and NaN mean that there is none.
        unit: One of ``UNITS``.
        currency: ISO code of the company's currency.
        digits: Digits after the point; by default as many as the unit deserves.

    Returns:
        Text such as ``31 %``, ``€1.24 M``, ``112 days``, ``1,234``; "not available" where there is no value.

    >>> format_value(0.3127, "share")
    '31 %'
    >>> format_value(1_240_000, "currency", currency="EUR")
    '€1.24 M'
    >>> format_value(float("nan"), "days")
    'not available'
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return NOT_AVAILABLE
    if isinstance(value, date):
        return f"{value.day} {value.strftime('%b %Y')}"
    if isinstance(value, str):
        return value
    number = float(value)
    if unit == "share":
        return f"{_fixed(number * 100, digits if digits is not None else _share_digits(number))} %"
    if unit in ("currency", "currency_per_day"):
        return format_money(number, currency, digits=digits) + (" a day" if unit == "currency_per_day" else "")
    if unit == "days":
        text = _fixed(number, digits if digits is not None else 0)
        return f"{text} day" if text == "1" else f"{text} days"
    if unit == "ratio":
        return f"{_fixed(number, 2 if digits is None else digits)}×"
    return _fixed(number, digits if digits is not None else (0 if number == int(number) else 1))


def format_median(value: float, unit: str, *, low: float, high: float, currency: str = "USD") -> str:
    """Write the median of what people say: whole where they count in whole numbers, since nobody has half a customer.

    Args:
        value: The median.
        unit: One of ``UNITS``.
        low: The lowest that somebody says.
        high: The highest that somebody says.
        currency: ISO code of the company's currency.

    Returns:
        The median; the higher of two whole numbers that it lies midway between.

    >>> format_median(252.5, "count", low=252, high=253), format_median(1.25, "count", low=1, high=1.5)
    ('253', '1.2')
    >>> format_median(float("nan"), "count", low=float("nan"), high=float("nan"))
    'not available'
    """
    is_whole = unit == "count" and all(math.isfinite(one) and one == int(one) for one in (low, high))
    known = math.floor(value + 0.5) if is_whole and math.isfinite(value) else value
    return format_value(known, unit, currency=currency)


def format_money(amount: float, currency: str = "USD", *, digits: int | None = None) -> str:
    """Write an amount short, with its sign and unit.

    >>> format_money(-45_300, "EUR")
    '−€45.3 k'
    >>> format_money(912.5, "CHF")
    'CHF 912.50'
    """
    sign = CURRENCY_SIGNS.get(currency, f"{currency} ")
    minus = "−" if amount < 0 else ""
    size = abs(amount)
    for factor, suffix in ((1e9, " bn"), (1e6, " M"), (1e3, " k")):
        if size >= factor * 0.9995:
            scaled = size / factor
            places = digits if digits is not None else (2 if scaled < 10 else 1 if scaled < 100 else 0)
            return f"{minus}{sign}{scaled:,.{places}f}{suffix}"
    places = digits if digits is not None else (0 if size == int(size) else 2)
    return f"{minus}{sign}{size:,.{places}f}"


def was_or_were(label: str) -> str:
    """Return the verb that fits a KPI's label.

    >>> was_or_were("Opportunities"), was_or_were("Win rate"), was_or_were("Deals won")
    ('were', 'was', 'were')
    """
    first = label.split(" (")[0].split()
    plural = any(word.endswith("s") and not word.endswith("ss") for word in (first[0], first[-1])) if first else False
    return "were" if plural and first[0].lower() != "sales" else "was"


def in_sentence(label: str) -> str:
    """Write a label as it stands inside a sentence: its first letter small, unless it opens an acronym.

    >>> in_sentence("Average deal size"), in_sentence("GTM motion"), in_sentence("MQLs")
    ('average deal size', 'GTM motion', 'MQLs')
    """
    return label if label[1:2].isupper() else f"{label[:1].lower()}{label[1:]}"


def spell_out(text: str) -> str:
    """Write values in snake case, as some exports hold them, with spaces; fields such as deal.closed_at stay.

    >>> spell_out("paid_search brought 12 % of MQLs"), spell_out("map deal.closed_at")
    ('paid search brought 12 % of MQLs', 'map deal.closed_at')
    """
    return _SNAKE.sub(lambda found: found.group().replace("_", " "), text)


def open_sentence(text: str) -> str:
    """Begin a text with a capital, unless its first word has capitals of its own.

    >>> open_sentence("paid search adds 12 deals"), open_sentence("eBay adds 3")
    ('Paid search adds 12 deals', 'eBay adds 3')
    """
    first = text.split(" ", 1)[0]
    return f"{text[:1].upper()}{text[1:]}" if first.islower() else text


def _share_digits(share: float) -> int:
    return 1 if 0 < abs(share) < 0.0995 else 0


def _fixed(number: float, digits: int) -> str:
    text = f"{abs(number):,.{digits}f}"
    negative = number < 0 and float(text.replace(",", "")) != 0
    return f"−{text}" if negative else text
