"""Reading a goal as people type or paste it: in any country's way of writing, and never by guessing."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from helpers.answers.fields import LARGEST
from helpers.units import CURRENCY_SIGNS

COMMA, POINT = ",", "."
SUFFIXES = {
    **dict.fromkeys(("k", "tsd", "thousand"), 1e3),
    **dict.fromkeys(("m", "mn", "mio", "mln", "million"), 1e6),
    **dict.fromkeys(("b", "bn", "mrd", "billion"), 1e9),
}
"""Short signs for large numbers, as people write them."""

MARKS = {"%": "%", "×": "×", "x": "×", "day": "days", "days": "days"}
UNIT_OF_MARK = {"%": "share", "×": "ratio", "days": "days"}
COMMA_LANGUAGES = frozenset("bg cs da de el es fi fr hr hu id it nb nl no pl pt ro ru sk sl sr sv tr uk vi".split())
POINT_COUNTRIES = frozenset(("CH", "LI", "MX", "US", "GB"))
BLANKS = "\u00a0\u2007\u2009\u202f "
LONGEST = 60

_GROUPED = {
    COMMA: re.compile(r"\d{1,3}(,\d{3})+|\d{1,2}(,\d{2})+,\d{3}"),
    POINT: re.compile(r"\d{1,3}(\.\d{3})+"),
}
_OTHER = {COMMA: POINT, POINT: COMMA}


@dataclass(frozen=True)
class ReadGoal:
    """What a text says: a number, or what is wrong with it and what to write instead; neither where it is blank."""

    value: float | None = None
    fault: str = ""


def read_goal_text(
    text: str, unit: str, *, currency: str = "USD", decimal: str = POINT, is_sure: bool = False
) -> ReadGoal:
    """Read a goal as typed.

    Args:
        text: Such as ``1.200.000,50``, ``1,200,000.50``, ``12 %``, ``€1.2M``.
        unit: The KPI's: count, currency, share, days, ratio.
        currency: The company's, as an ISO code.
        decimal: The sign before the fraction where the company is at home.
        is_sure: Whether ``decimal`` is known of this very text, since it was pasted together with others.

    Returns:
        The number; a share as 0–1 (more where more was typed). ``1.200`` may be 1.2 or 1,200: where the company's own
        way of writing does not make it thousands, it is refused with both readings.

    >>> [read_goal_text(text, "currency").value for text in ("1.200.000,50", "1,200,000.50", "1.2M", "1 200 000")]
    [1200000.5, 1200000.5, 1200000.0, 1200000.0]
    >>> read_goal_text("12 %", "share").value, read_goal_text("1.200", "count").fault
    (0.12, "'1.200' can be 1.2 or 1,200. Write 1.2 or 1200.")
    """
    shown = text.strip(BLANKS + "\t\r\n")
    if not shown:
        return ReadGoal()
    named = f"'{shown[:30]}{'…' if len(shown) > 30 else ''}'"
    example = {"share": "12 %", "currency": "1200000", "days": "90", "ratio": "3.5"}.get(unit, "120")
    if len(shown) > LONGEST:
        return ReadGoal(fault=f"{named} is no number. Write it as {example}.")
    bare, fault = _strip_currency(shown, currency)
    if fault:
        return ReadGoal(fault=fault)
    bare, factor, mark = _strip_suffix(bare)
    if bare.startswith(("-", "−", "–")) or (bare.startswith("(") and bare.endswith(")")):
        return ReadGoal(fault=f"{named} is less than nothing. A goal is 0 or more.")
    if mark and UNIT_OF_MARK[mark] != unit:
        what = {"share": "share", "days": "number of days", "ratio": "multiple"}[UNIT_OF_MARK[mark]]
        return ReadGoal(fault=f"{named} is a {what}, and this KPI is none. Write it as {example}.")
    number, both = _read_digits(bare, decimal, takes_fraction=factor != 1.0 or unit == "share", is_sure=is_sure)
    if both:
        small, large = (f"{value:g}" if value < 1e4 else f"{value:.0f}" for value in both)
        return ReadGoal(fault=f"{named} can be {both[0]:,g} or {both[1]:,.0f}. Write {small} or {large}.")
    if number is None or not math.isfinite(number):
        return ReadGoal(fault=f"{named} is no number. Write it as {example}.")
    number *= factor
    if number > LARGEST:
        return ReadGoal(fault=f"{named} is a larger number than can be kept. Write it as {example}.")
    return _read_share(number, mark, named) if unit == "share" else ReadGoal(number)


def find_home_decimal(locale: str) -> str:
    """Return the sign before fractions where a company is at home.

    >>> find_home_decimal("de-DE"), find_home_decimal("de-CH"), find_home_decimal("en")
    (',', '.', '.')
    """
    language, _, country = locale.replace("_", "-").partition("-")
    return COMMA if language.lower() in COMMA_LANGUAGES and country.upper() not in POINT_COUNTRIES else POINT


def find_decimal(texts: Iterable[str]) -> str:
    """Find the sign before fractions that pasted texts prove between them; empty where they prove none or both.

    >>> find_decimal(["1.200", "1.200.000,50"]), find_decimal(["1.200", "7"]), find_decimal(["1.5", "1,5"])
    (',', '', '')
    """
    found = {sign for text in texts if (sign := _prove(re.sub(r"[^\d.,]", "", text[:LONGEST])))}
    return found.pop() if len(found) == 1 else ""


def _prove(digits: str) -> str:
    last = max(digits.rfind(COMMA), digits.rfind(POINT))
    if last < 0:
        return ""
    sign = digits[last]
    if digits.count(sign) > 1:
        return _OTHER[sign]
    if _OTHER[sign] in digits:
        return sign
    head, tail = digits.split(sign)
    return "" if len(tail) == 3 and 1 <= len(head) <= 3 and head[0] != "0" else sign


def _strip_currency(text: str, currency: str) -> tuple[str, str]:
    """Take the currency off; say so where it is another one than the company's."""
    signs = {sign.strip(): code for code, sign in CURRENCY_SIGNS.items()} | {code: code for code in CURRENCY_SIGNS}
    signs |= {currency: currency}
    for sign in sorted(signs, key=len, reverse=True):
        for side in (rf"^{re.escape(sign)}\s*(?=[\d(−-])", rf"(?<=[\d)a-zA-Z])\s*{re.escape(sign)}$"):
            bare, n = re.subn(side, "", text)
            if n and (signs[sign] == currency or CURRENCY_SIGNS.get(currency, "").strip() == sign):
                return bare.strip(BLANKS), ""
            if n:
                fault = (
                    f"'{text[:30]}' is in {signs[sign]}, the goals are in {currency}. Write the amount in {currency}."
                )
                return text, fault
    return text, ""


def _strip_suffix(text: str) -> tuple[str, float, str]:
    """Take a unit or a short sign for a large number off: what is left, the factor, the unit's mark."""
    found = re.fullmatch(r"(.*?\d\)?)\s*([%×]|[A-Za-z]+)\.?", text.replace("\u00a0", " ").replace("\u202f", " "))
    if not found:
        return text, 1.0, ""
    bare, word = found.group(1), found.group(2).lower()
    if word in SUFFIXES:
        return bare, SUFFIXES[word], ""
    return (bare, 1.0, MARKS[word]) if word in MARKS else (text, 1.0, "")


def _read_digits(
    text: str, decimal: str, *, takes_fraction: bool, is_sure: bool
) -> tuple[float | None, tuple[float, float] | None]:
    """Read digits with their separators: the number, or both that they can be."""
    spaced = re.sub(rf"[{BLANKS}'’]", " ", text)
    if " " in spaced:
        whole = re.match(r"\d{1,3}( \d{3})+(?![\d ])", spaced)
        if not whole:
            return None, None
        text = whole.group().replace(" ", "") + spaced[whole.end() :]
        if re.fullmatch(r"\d+[.,]\d+", text):  # spaces group, so the sign left is the decimal one
            return float(text.replace(COMMA, POINT)), None
    if re.fullmatch(r"\d+|\d*[.,]\d+[eE][+-]?\d+|\d+[eE][+-]?\d+", text):
        return float(text.replace(COMMA, POINT)), None
    proved = _prove(text)
    if not proved and re.fullmatch(r"\d{1,3}[.,]\d{3}", text):
        sign = COMMA if COMMA in text else POINT
        as_fraction, as_thousands = float(text.replace(COMMA, POINT)), float(text.replace(sign, ""))
        if is_sure:
            return (as_fraction if sign == decimal else as_thousands), None
        if takes_fraction:
            return as_fraction, None
        return (None, (as_fraction, as_thousands)) if sign == decimal else (as_thousands, None)
    groups = _OTHER.get(proved, COMMA)
    whole, _, fraction = text.partition(proved) if proved and proved in text else (text, "", "")
    if groups in whole:
        if not _GROUPED[groups].fullmatch(whole):
            return None, None
        whole = whole.replace(groups, "")
    if not re.fullmatch(r"\d*", whole) or not re.fullmatch(r"\d*", fraction) or not (whole or fraction):
        return None, None
    return float(f"{whole or 0}.{fraction or 0}"), None


def _read_share(number: float, mark: str, named: str) -> ReadGoal:
    """Read a share: with a sign as said; below 1 as a fraction, above as per cent; 1 by itself can be both."""
    if mark or number > 1:
        return ReadGoal(number / 100)
    if number == 1:
        return ReadGoal(fault=f"{named} can be 1 % or 100 %. Write it with its sign.")
    return ReadGoal(number)
