"""Read cells as texts, ids and booleans; name columns and compare labels in one way everywhere."""

import re
import unicodedata
import zlib

import numpy as np
import pandas as pd

from helpers.issues import IssueLog

TEXT_BLANKS = frozenset({"NULL", "null", "#N/A", "#NA", "NaN", "nan", "<NA>", "NaT", "\\N", "#REF!", "#VALUE!"})
"""Spellings, exactly so, that mean "nothing" even in a text column, since no person types them."""

TYPED_BLANKS = frozenset(
    {"", "-", "--", "---", "–", "—", ".", "?", "n/a", "na", "n.a.", "#n/a", "#na", "null", "none", "(none)", "nan"}
    | {"nat", "<na>", "\\n", "nil", "not set", "(not set)", "unknown", "(unknown)", "(blank)", "blank", "empty"}
    | {"(empty)", "tbd", "no value", "(no value)", "missing", "undefined", "#ref!", "#value!", "#div/0!", "#name?"}
)
"""Spellings in lower case that mean "nothing" in a column of dates, numbers or booleans. In text columns they stay
as the CRM shows them: "unknown" and "other" are answers there."""

TRUE_SPELLINGS = frozenset({"true", "t", "yes", "y", "1", "1.0", "x", "wahr", "ja", "oui", "vrai", "si", "sí", "✓"})
FALSE_SPELLINGS = frozenset({"false", "f", "no", "n", "0", "0.0", "falsch", "nein", "nee", "non", "faux", "✗"})

_LETTERS = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "œ": "oe", "ł": "l", "Ł": "L", "đ": "d", "ı": "i"}
)
_ID_WITH_DECIMALS = r"[0-9]+\.0"
_ID_IN_SCIENTIFIC = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+[0-9]{1,2}")


def parse_text(series: pd.Series, *, file: str = "", column: str = "", log: IssueLog | None = None) -> pd.Series:
    """Read a text column: strip blanks around (non-breaking ones too), change nothing else.

    Args:
        series: Cells as text, index = row in the file.
        file: The file, for issues.
        column: The column, for issues.
        log: Takes one note per spelling of "nothing" that was made missing.

    Returns:
        One value per cell, same index; missing where the cell is blank or holds one of ``TEXT_BLANKS``.

    >>> parse_text(pd.Series([" Acme\u00a0", "NULL", "None", "unknown"])).tolist()
    ['Acme', nan, 'None', 'unknown']
    """
    distinct, codes = split_distinct(series)
    stripped = distinct.str.strip(STRIPPED)
    nothing = stripped.isin(TEXT_BLANKS)
    if nothing.any() and log is not None:
        note_blanks(series, codes, nothing.to_numpy(), file=file, column=column, log=log)
    return spread(stripped.mask(nothing | stripped.eq("")), codes, series.index)


def parse_ids(series: pd.Series, *, file: str = "", column: str = "", log: IssueLog | None = None) -> pd.Series:
    """Read a column of ids: as text, with what spreadsheets do to ids undone or told.

    Returns:
        One id per cell, same index; missing where blank. Where every id of the column is a whole number written
        with ``.0`` (or without), the ``.0`` is taken away. Ids in scientific notation (``1.24E+09``) have lost
        digits and become missing, each an issue.

    >>> parse_ids(pd.Series(["123.0", "45", None])).tolist()
    ['123', '45', nan]
    """
    texts = parse_text(series, file=file, column=column, log=log)
    distinct, codes = split_distinct(texts)
    damaged = distinct.str.fullmatch(_ID_IN_SCIENTIFIC.pattern).to_numpy(dtype=bool)
    if damaged.any():
        if log is not None:
            log_values(
                series,
                codes,
                damaged,
                file=file,
                column=column,
                log=log,
                code="id_in_scientific_notation",
                severity="error",
                message="A spreadsheet has rounded this id, so its last digits are lost; it is taken as missing",
                cure="Export the file again and don't save it in a spreadsheet in between",
            )
        distinct = distinct.mask(damaged)
    known = distinct.dropna()
    if len(known) and known.str.fullmatch(rf"[0-9]+|{_ID_WITH_DECIMALS}").all():
        distinct = distinct.str.removesuffix(".0")
    return spread(distinct, codes, series.index)


def parse_booleans(series: pd.Series, *, file: str, column: str, log: IssueLog) -> pd.Series:
    """Read a column of yes and no.

    Returns:
        One ``boolean`` per cell, same index; missing where the cell is blank or holds one of ``TYPED_BLANKS``.
        Anything that is neither yes nor no is missing too, and an issue.

    >>> parse_booleans(pd.Series(["TRUE", "no", "1"]), file="a.csv", column="won", log=IssueLog()).tolist()
    [True, False, True]
    """
    distinct, codes = split_distinct(series)
    folded = distinct.str.strip(STRIPPED).str.casefold()
    values = pd.array([_as_boolean(text) for text in folded], dtype="boolean")
    blank = is_typed_blank(distinct)
    note_blanks(series, codes, blank, file=file, column=column, log=log)
    log_values(
        series,
        codes,
        pd.isna(values) & ~blank,
        file=file,
        column=column,
        log=log,
        code="not_a_boolean",
        severity="error",
        message="The value is neither yes nor no; it is taken as missing",
        cure="Allowed are true/false, yes/no, y/n, 1/0; correct it in the CRM, or map another column",
    )
    return spread(pd.Series(values, dtype="boolean"), codes, series.index)


def snake_case(header: str) -> str:
    """Make a column's name of a header: stable, ASCII, lower case, words joined by underscores.

    Args:
        header: A header as written.

    Returns:
        Letters, digits and underscores; never empty, never a digit first. ``CamelCase`` is split where the header
        is one word. A header without any Latin letter or digit becomes ``column_`` and a checksum of it.

    >>> snake_case('Date entered "Closed Won (Sales)"'), snake_case("StageName"), snake_case("Win %")
    ('date_entered_closed_won_sales', 'stage_name', 'win_percent')
    >>> snake_case("2024 Umsätze"), snake_case("_fivetran_synced"), snake_case("IsWon__c")
    ('column_2024_umsatze', 'fivetran_synced', 'is_won_c')
    """
    text = _as_ascii(header.strip().replace("%", " percent ").replace("#", " number "))
    if not re.search(r"\s", header.strip()):
        text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text)
    name = re.sub(r"[^a-z0-9]+", "_", text.lower().replace("'", "")).strip("_")
    if not name:
        return f"column_{zlib.crc32(header.encode()):08x}"
    return f"column_{name}" if name[0].isdigit() else name


def normalise_key(text: str) -> str:
    """Reduce a label to what counts when two spellings are compared: letters and digits.

    >>> normalise_key("GTX Pro") == normalise_key("GTXPro"), normalise_key("Café-Straße 5")
    (True, 'cafestrasse5')
    """
    decomposed = unicodedata.normalize("NFKD", str(text).translate(_LETTERS)).casefold()
    return "".join(sign for sign in decomposed if sign.isalnum())


def normalise_keys(series: pd.Series) -> pd.Series:
    """Reduce every value of a column by ``normalise_key``.

    Returns:
        One key per value, same index; missing stays missing, and so does a value without letters and digits.
    """
    distinct, codes = split_distinct(series)
    keys = pd.Series([normalise_key(text) for text in distinct], dtype="str")
    return spread(keys.mask(keys.eq("")), codes, series.index)


STRIPPED = " \t\r\n\x0b\x0c\u00a0\u2007\u202f\u2009\u200b\ufeff"
"""What is stripped from both ends of a cell: blanks, non-breaking and zero-width ones too."""


def split_distinct(series: pd.Series) -> tuple[pd.Series, np.ndarray]:
    """Split a column into its distinct values (as text) and, per row, the position among them (-1: missing)."""
    codes, distinct = pd.factorize(series, use_na_sentinel=True)
    return pd.Series(distinct, dtype="str"), codes


def spread(distinct: pd.Series, codes: np.ndarray, index: pd.Index) -> pd.Series:
    """Map results for distinct values back on the rows; rows without a value are missing."""
    values = distinct.array.take(codes, allow_fill=True)
    return pd.Series(values, index=index)


def is_typed_blank(distinct: pd.Series) -> np.ndarray:
    """Tell which values mean "nothing" in a column of dates, numbers or booleans."""
    return distinct.str.strip(STRIPPED).str.lower().isin(TYPED_BLANKS).to_numpy(dtype=bool)


def log_values(
    series: pd.Series,
    codes: np.ndarray,
    is_faulty: np.ndarray,
    *,
    file: str,
    column: str,
    log: IssueLog,
    code: str,
    severity: str,
    message: str,
    cure: str,
) -> None:
    """Log every row that holds one of the faulty distinct values."""
    if not is_faulty.any():
        return
    faulty = series[np.append(is_faulty, False)[codes]]
    log.add_rows(
        file=file,
        rows=faulty.index.tolist(),
        column=column,
        values=faulty.tolist(),
        code=code,
        severity=severity,
        message=message,
        cure=cure,
    )


def note_blanks(
    series: pd.Series, codes: np.ndarray, is_blank: np.ndarray, *, file: str, column: str, log: IssueLog
) -> None:
    """Note once per spelling of "nothing" how often it was taken as missing."""
    for position in np.flatnonzero(is_blank):
        here = codes == position
        first = int(np.argmax(here))
        value = series.iloc[first]
        if str(value).strip(STRIPPED):
            log.add(
                file=file,
                row=_as_row(series.index[first]),
                column=column,
                code="blank_spelling",
                severity="note",
                value=value,
                message=f"'{str(value).strip(STRIPPED)}' is taken as missing in {int(here.sum()):,} rows, first here",
                cure="Nothing to do if it means that nothing is known",
            )


def _as_row(label: object) -> int | None:
    return int(label) if isinstance(label, int | np.integer) else None


def _as_boolean(text: str) -> bool | None:
    if text in TRUE_SPELLINGS:
        return True
    return False if text in FALSE_SPELLINGS else None


def _as_ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text.translate(_LETTERS)).encode("ascii", "ignore").decode()
