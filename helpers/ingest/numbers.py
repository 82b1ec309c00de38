"""Read columns of numbers: decimal sign decided over the whole column, currency signs told apart from digits."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from helpers.errors import DataError
from helpers.ingest.currencies import as_code
from helpers.ingest.values import is_typed_blank, log_values, note_blanks, split_distinct, spread
from helpers.issues import IssueLog

DECIMALS = ("point", "comma")
"""How the decimal part is set off: 1,200.50 (point) or 1.200,50 (comma)."""

DECISIVE_SHARE = 0.95
"""A decimal sign is decided where at least this share of the values that need it agrees."""

_FACTORS = {
    "k": 1e3,
    "tsd": 1e3,
    "m": 1e6,
    "mn": 1e6,
    "mm": 1e6,
    "mio": 1e6,
    "mil": 1e6,
    "b": 1e9,
    "bn": 1e9,
    "mrd": 1e9,
}
_CURRENCY = r"[A-Z]{3}|[A-Z]{0,3}\p{Sc}|zł|Kč|Ft|[Kk]r\.?|S?Fr\."
_PATTERN = (
    rf"^(?P<open>\()?(?P<sign>[-+−–])?\s*(?P<before>{_CURRENCY})?\s*(?P<inner>[-+−–(])?\s*"
    r"(?P<digits>[0-9](?:[0-9.,'’ ]*[0-9])?[.,]?|[.,][0-9]+)(?P<exponent>[eE][+-]?[0-9]{1,3})?"
    r"(?P<late>[-−])?\s*(?P<factor>[kKmMbB]|[mM][nNmM]|[bB][nN]|[mM]io|[mM]il|[mM]rd|[tT]sd)?\.?\s*(?P<percent>%)?"
    rf"\s*(?P<after>{_CURRENCY})?(?P<last>[-−])?(?P<close>\))?$"
)
_GROUPED = {
    "point": r"^(?:[0-9]*|[0-9]{1,3}(?:[,'’ ][0-9]{3})+|[0-9]{1,2}(?:,[0-9]{2})*,[0-9]{3})(?:\.[0-9]*)?$",
    "comma": r"^(?:[0-9]*|[0-9]{1,3}(?:[.'’ ][0-9]{3})+)(?:,[0-9]*)?$",
}


@dataclass(frozen=True)
class NumberConvention:
    """Say how one column writes numbers.

    Attributes:
        share: Share of the distinct filled values (0–1) that have the shape of a number.
        decimal: ``point`` or ``comma``; None where the values contradict each other.
        is_assumed: Whether nothing but the rule "three digits after one sign are thousands" decides.
        has_percent: Whether some value bears a percent sign.
        example: A value whose sign could be decimal or thousands, else the first number.
    """

    share: float
    decimal: str | None = "point"
    is_assumed: bool = False
    has_percent: bool = False
    example: str = ""


def detect_number_convention(series: pd.Series) -> NumberConvention | None:
    """Tell how a column writes numbers, by all its values.

    Args:
        series: Cells as text.

    Returns:
        The convention, or None where no value has the shape of a number. A value with both signs has its decimal
        sign last; a sign that stands twice sets off thousands; a sign not followed by exactly three digits, or
        after a lone 0 or four digits or more, is decimal. ``DECISIVE_SHARE`` of these values must agree. A column
        that has only values such as 1,234 reads the sign as thousands (``is_assumed``), except that a point
        beside whole numbers of four digits or more without any sign (4514) is decimal.
    """
    distinct, _ = split_distinct(series)
    filled = distinct[~is_typed_blank(distinct)]
    if not len(filled):
        return None
    fields = _take_apart(filled)
    valid = pc.is_valid(fields).to_numpy(zero_copy_only=False)
    if not valid.any():
        return None
    fields = fields.filter(pa.array(valid))
    texts = filled[valid].reset_index(drop=True)
    has_percent = bool(_is_filled(pc.struct_field(fields, "percent")).any())
    known = NumberConvention(share=float(valid.mean()), has_percent=has_percent, example=str(texts[0]))
    convention = _decide(pc.struct_field(fields, "digits"), texts, known)
    values, is_open, _ = _compute(filled, convention.decimal)
    share = float((~np.isnan(values) | is_open).mean())
    return replace(convention, share=share) if share else None


def parse_numbers(
    series: pd.Series,
    *,
    file: str,
    column: str,
    log: IssueLog,
    decimal: str | None = None,
    percent: bool = False,
) -> pd.Series:
    """Read a column of numbers.

    Args:
        series: Cells as text, index = row in the file.
        file: The file, for issues.
        column: The column, for issues.
        log: Takes every value that could not be read.
        decimal: ``point`` or ``comma`` where a person has said it; goes before all evidence.
        percent: Whether ``12.5 %`` is wanted as 0.125. Otherwise a value with a percent sign is an issue.
            Numbers without the sign are never divided.

    Returns:
        One float64 per cell, same index; missing where blank or no number. Understood are currency signs and
        codes on either side, thousands set off by comma, point, blank or apostrophe, negatives by minus before or
        after or by parentheses, exponents, and k, M, bn. Thousands must come in threes (or lakhs): ``1,23`` beside
        ``4.50`` is an issue, not 123. A value with both signs (1.200,50) is read by itself.

    Raises:
        DataError: The decimal sign given is none of ``DECIMALS``.

    >>> parse_numbers(pd.Series(["1.200,50 €", "(3)", "n/a"]), file="a", column="b", log=IssueLog()).tolist()
    [1200.5, -3.0, nan]
    """
    if decimal is not None and decimal not in DECIMALS:
        raise DataError(f"[{file}, column {column}] has the decimal '{decimal}'. Allowed are {', '.join(DECIMALS)}")
    distinct, codes = split_distinct(series)
    blank = is_typed_blank(distinct)
    note_blanks(series, codes, blank, file=file, column=column, log=log)
    convention = None if decimal else detect_number_convention(series)
    if convention is not None and convention.is_assumed:
        _log_assumption(convention, file=file, column=column, log=log)
    values, is_open, has_percent = _compute(distinct.mask(blank), decimal or (convention or _POINT).decimal)
    refused = has_percent & (not percent) & ~np.isnan(values)
    values = np.where(refused, np.nan, np.where(has_percent, values / 100, values))
    faults = [
        (is_open, "ambiguous_decimal", "Point and comma can't be told apart: the column uses both as decimal sign",
         f'Say it in company.toml: [files."{file}"]\ndecimal = "point"\n(or "comma")'),
        (refused, "percent_in_number", "The value is a percentage in a column of plain numbers",
         "Export plain numbers, or map the column to a field that is a share"),
        (np.isnan(values) & ~blank & ~is_open & ~refused, "not_a_number", "The value is no number",
         "Correct it in the CRM, or map another column; numbers such as 1200.50 are always understood"),
    ]  # fmt: skip
    for is_faulty, code, message, cure in faults:
        log_values(series, codes, is_faulty, file=file, column=column, log=log, code=code, severity="error",
                   message=f"{message}; it is taken as missing", cure=cure)  # fmt: skip
    return spread(pd.Series(values), codes, series.index)


def currency_of(series: pd.Series, *, home: str = "USD") -> pd.Series:
    """Tell the currency that each amount bears.

    Args:
        series: Cells as text.
        home: The company's currency; signs that several currencies share ($, ¥, kr) are read as it where they can.

    Returns:
        One ISO 4217 code per cell, same index; missing where the amount bears none.

    >>> currency_of(pd.Series(["$5", "5 EUR", "5", "US$ 5"]), home="CAD").tolist()
    ['CAD', 'EUR', nan, 'USD']
    """
    distinct, codes = split_distinct(series)
    fields = _take_apart(distinct)
    before, after = (pc.struct_field(fields, name).to_pylist() for name in ("before", "after"))
    found = [as_code(first or last or "", home) for first, last in zip(before, after, strict=True)]
    return spread(pd.Series(found, dtype="str"), codes, series.index)


def detect_currency(series: pd.Series, *, home: str = "USD") -> set[str]:
    """Tell which currencies the amounts of a column bear (see ``currency_of``); empty where they bear none."""
    return set(currency_of(series, home=home).dropna().unique())


def _take_apart(distinct: pd.Series) -> pa.StructArray:
    """Take texts apart into sign, currency, digits, factor …; null where a text is no number."""
    texts = pa.array(distinct.fillna(""), type=pa.large_string())
    texts = pc.utf8_trim_whitespace(pc.replace_substring_regex(texts, "[\u00a0\u202f\u2009\u2007]", " "))
    fields = pc.extract_regex(texts, _PATTERN)
    known = pc.is_valid(fields)
    opened = pc.or_(_filled(fields, "open"), pc.equal(pc.struct_field(fields, "inner"), "("))
    balanced = pc.equal(opened, _filled(fields, "close"))
    for name in ("before", "after"):
        currency = pc.struct_field(fields, name)
        texts_here = [text for text in pc.unique(currency).to_pylist() if text]
        unknown = [text for text in texts_here if as_code(text, "USD") is None]
        known = pc.and_(known, pc.invert(pc.is_in(currency, pa.array(unknown, currency.type))))
    keep = pc.fill_null(pc.and_(known, balanced), False)
    return pc.if_else(keep, fields, pa.scalar(None, fields.type))


def _filled(fields: pa.StructArray, name: str) -> pa.Array:
    return pc.not_equal(pc.struct_field(fields, name), "")


def _matches(texts: pa.Array, pattern: str) -> np.ndarray:
    return pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False)


def _decide(digits: pa.Array, texts: pd.Series, convention: NumberConvention) -> NumberConvention:
    """Decide which sign is decimal by the values that can be read only one way, else by the rule for thousands."""
    n_point, n_comma = int(_needs(digits, r"\.", ",").sum()), int(_needs(digits, ",", r"\.").sum())
    if n_point or n_comma:
        most, decimal = max((n_point, "point"), (n_comma, "comma"))
        is_decided = most >= DECISIVE_SHARE * (n_point + n_comma)
        return replace(convention, decimal=decimal if is_decided else None)
    by_point, by_comma = (_matches(digits, rf"^[1-9][0-9]{{0,2}}{sign}[0-9]{{3}}$") for sign in (r"\.", ","))
    if not (by_point.any() or by_comma.any()):
        return convention
    example = str(texts[int(np.argmax(by_point | by_comma))])
    if by_point.any() and by_comma.any():
        return replace(convention, decimal=None, example=example)
    if by_point.any() and _matches(digits, r"^[0-9]{4,}$").any():
        return replace(convention, decimal="point", example=example)
    return replace(convention, decimal="comma" if by_point.any() else "point", is_assumed=True, example=example)


def _needs(digits: pa.Array, decimal: str, other: str) -> np.ndarray:
    """Tell which values can only be read with this decimal sign (signs given as patterns)."""
    only_so = (
        rf"^[0-9,. '’]*{other}[0-9 '’]*{decimal}[0-9]*$",  # 1.200,50: the last sign
        rf"^[0-9 '’]*{decimal}(?:[0-9]{{0,2}}|[0-9]{{4,}})$",  # 12,5: not three digits after it
        rf"^(?:0?|[0-9]{{4,}}|[0-9 '’]*[ '’][0-9]{{3}}){decimal}[0-9]{{3}}$",  # 0,125 or 1234,125 or 1 234,125
        rf"^[0-9]{{1,3}}(?:{other}[0-9]{{2,3}})*{other}[0-9]{{3}}{other}[0-9]{{3}}$",  # 1.200.000
        rf"^[0-9]{{1,2}}(?:{other}[0-9]{{2}})+{other}[0-9]{{3}}$",  # 12,34,567
    )
    return np.logical_or.reduce([_matches(digits, pattern) for pattern in only_so])


def _compute(distinct: pd.Series, decimal: str | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return, per distinct text, its number (NaN: none), whether its decimal sign is open, and a percent sign."""
    fields = _take_apart(distinct)
    valid = pc.is_valid(fields).to_numpy(zero_copy_only=False)
    values, is_open, has_percent = np.full(len(valid), np.nan), np.zeros(len(valid), bool), np.zeros(len(valid), bool)
    fields = fields.filter(pa.array(valid))
    field = {part.name: pc.struct_field(fields, part.name) for part in fields.type}
    points, commas = (pc.find_substring_regex(field["digits"], rf"{sign}[^.,]*$").to_numpy() for sign in (r"\.", ","))
    has_both = _matches(field["digits"], r"\.") & _matches(field["digits"], ",")
    by_comma = np.where(has_both, commas > points, decimal == "comma")
    opened = (decimal is None) & ~has_both & _matches(field["digits"], "[.,]")
    numbers = np.where(by_comma, _to_float(field, "comma"), _to_float(field, "point"))
    negative = np.logical_or.reduce([_is_filled(field[name]) for name in ("close", "late", "last")])
    minus = sum(_matches(field[name], "[-−–]").astype(int) for name in ("sign", "inner"))
    numbers = np.where(negative ^ (minus % 2 == 1), -numbers, numbers)
    values[valid] = np.where(opened | ~np.isfinite(numbers), np.nan, numbers)
    is_open[valid] = opened
    has_percent[valid] = _is_filled(field["percent"])
    return values, is_open, has_percent


def _to_float(field: dict[str, pa.Array], decimal: str) -> np.ndarray:
    """Turn digits into numbers under one decimal sign; NaN where thousands are not set off in threes."""
    digits = field["digits"]
    good = pc.match_substring_regex(digits, _GROUPED[decimal])
    plain = pc.replace_substring_regex(digits, r"[,'’ ]" if decimal == "point" else r"[.'’ ]", "")
    plain = pc.replace_substring(plain, ",", ".")
    plain = pc.binary_replace_slice(plain, 0, 0, "0")
    plain = pc.replace_substring_regex(plain, r"\.$", "")
    plain = pc.if_else(good, pc.binary_join_element_wise(plain, field["exponent"], pa.scalar("", plain.type)), None)
    factors = [_FACTORS.get(text.lower(), 1.0) for text in field["factor"].to_pylist()]
    return plain.cast(pa.float64()).to_numpy(zero_copy_only=False) * np.array(factors, dtype="float64")


def _is_filled(texts: pa.Array) -> np.ndarray:
    return pc.not_equal(texts, "").to_numpy(zero_copy_only=False)


def _log_assumption(convention: NumberConvention, *, file: str, column: str, log: IssueLog) -> None:
    sign = "comma" if convention.decimal == "point" else "point"
    log.add(
        file=file,
        column=column,
        code="assumed_thousands",
        severity="warning",
        value=convention.example,
        message=f"The {sign} in values such as '{convention.example}' is taken to set off thousands, since three "
        "digits follow it in every value and nothing else decides",
        cure=f'If it is the decimal sign, say so in company.toml: [files."{file}"]\ndecimal = "{sign}"',
    )


_POINT = NumberConvention(share=0.0)
