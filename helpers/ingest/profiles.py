"""Describe what the columns of an export hold, by all their values, so that they can be mapped by content."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import pandas as pd

from helpers.ingest.dates import DateConvention, detect_date_order
from helpers.ingest.numbers import NumberConvention, detect_currency, detect_number_convention
from helpers.ingest.values import (
    FALSE_SPELLINGS,
    STRIPPED,
    TEXT_BLANKS,
    TRUE_SPELLINGS,
    is_typed_blank,
    split_distinct,
)

_Convention = TypeVar("_Convention", DateConvention, NumberConvention)

KINDS = ("id", "date", "number", "boolean", "text", "empty")

MOST_ODD = 0.1
"""A column is of dates or numbers where at most this share of its distinct values is something else."""

_CODE = (
    r"(?:[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-9a-fA-F]{24,64}"  # UUIDs, hashes
    r"|[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?)"  # Salesforce
)
_TOKEN = r"[A-Za-z0-9][A-Za-z0-9_./#:@+=-]*"
_LONG_NUMBER = r"[0-9]{9,20}(?:\.0)?"


@dataclass(frozen=True)
class ColumnProfile:
    """Describe one column.

    Attributes:
        name: The column.
        kind: One of ``KINDS``.
        n: Rows.
        n_filled: Rows with a value ("NULL" and its like are none).
        n_distinct: Distinct values among them.
        samples: The first five distinct values.
        date: How dates are written; None where none of the values is one.
        number: How numbers are written; None where none of the values is one, or the column holds dates.
        currencies: ISO codes of the currencies that values bear.
        mean_length: Mean number of characters of the distinct values.
    """

    name: str
    kind: str
    n: int
    n_filled: int
    n_distinct: int
    samples: tuple[str, ...] = ()
    date: DateConvention | None = None
    number: NumberConvention | None = None
    currencies: frozenset[str] = field(default_factory=frozenset)
    mean_length: float = 0.0

    @property
    def fill_rate(self) -> float:
        """Share of rows with a value (0–1); 0 where there are no rows."""
        return self.n_filled / self.n if self.n else 0.0

    @property
    def is_unique(self) -> bool:
        """Whether no value stands twice (and there is one)."""
        return self.n_filled > 0 and self.n_distinct == self.n_filled

    @property
    def date_order(self) -> str | None:
        """Order of day and month where the column needs one and it is decided."""
        return self.date.order if self.date else None

    @property
    def has_time(self) -> bool:
        """Whether some date states a time of day."""
        return bool(self.date and self.date.has_time)

    @property
    def decimal(self) -> str | None:
        """``point`` or ``comma`` where the column holds numbers and it is decided."""
        return self.number.decimal if self.number else None


def profile_column(series: pd.Series) -> ColumnProfile:
    """Describe a column by all its values.

    Args:
        series: Cells as text; its name becomes the profile's.

    Returns:
        The profile. Kinds are tried in this order: *empty* (no value); *boolean* (true/false, yes/no …, or both 0
        and 1 and nothing else); *date* (at least 90 % of the distinct values have the shape of a date; Excel serials
        and seconds since 1970 don't count, since ids look alike); *id* (keys: hexadecimal or CRM codes, long whole
        numbers, or distinct values without blanks that hold digits); *number* (as dates); else *text*.
    """
    distinct, codes = split_distinct(series)
    stripped = distinct.str.strip(STRIPPED)
    nothing = (stripped.isin(TEXT_BLANKS) | stripped.eq("")).to_numpy(dtype=bool)
    n_filled = int((~np.append(nothing, True)[codes]).sum())
    known = stripped[~nothing].reset_index(drop=True)
    basics = {
        "name": str(series.name) if series.name is not None else "",
        "n": len(series),
        "n_filled": n_filled,
        "n_distinct": len(known),
        "samples": tuple(known.head(5)),
        "mean_length": float(known.str.len().mean()) if len(known) else 0.0,
    }
    typed = known[~is_typed_blank(known)].reset_index(drop=True)
    if not len(typed):
        return ColumnProfile(kind="text" if len(known) else "empty", **basics)
    if _is_boolean(typed):
        return ColumnProfile(kind="boolean", **basics)
    date = _look(detect_date_order, typed)
    date = date if _is_date(date, typed) else None
    number = _look(detect_number_convention, typed) if date is None else None
    kind = "text"
    if date is not None:
        kind = "date"
    elif _is_id(typed, is_unique=n_filled == len(known), is_filled=n_filled == len(series)):
        kind = "id"
    elif number is not None and number.share >= 1 - MOST_ODD:
        kind = "number"
    currencies = frozenset(detect_currency(typed)) if kind == "number" else frozenset()
    return ColumnProfile(kind=kind, date=date, number=number, currencies=currencies, **basics)


def profile_columns(frame: pd.DataFrame) -> dict[str, ColumnProfile]:
    """Describe every column of a file; see ``profile_column``."""
    return {column: profile_column(frame[column]) for column in frame.columns}


def _look(detect: Callable[[pd.Series], _Convention | None], typed: pd.Series) -> _Convention | None:
    """Ask the whole column, unless even half of a thousand values spread over it rules the question out."""
    spread_out = typed.iloc[:: max(len(typed) // 1000, 1)]
    if len(typed) > 2000 and ((found := detect(spread_out)) is None or found.share < 0.5):
        return None
    return detect(typed)


def _is_boolean(typed: pd.Series) -> bool:
    spellings = set(typed.str.lower())
    if not spellings <= TRUE_SPELLINGS | FALSE_SPELLINGS:
        return False
    if spellings <= {"0", "1", "0.0", "1.0"}:
        return len({text[0] for text in spellings}) == 2
    return len(spellings) <= 4


def _is_date(date: DateConvention | None, typed: pd.Series) -> bool:
    if date is None or date.share < 1 - MOST_ODD or date.shape == "serial":
        return False
    if date.shape in ("epoch", "compact"):
        lengths = typed.str.removesuffix(".0").str.len()
        is_seconds = date.shape == "epoch" and bool((lengths == 10).any())
        return date.share == 1.0 and not is_seconds
    return True


def _is_id(typed: pd.Series, *, is_unique: bool, is_filled: bool) -> bool:
    """Tell keys: codes of fixed make, long whole numbers, or distinct tokens with digits in them."""
    n = len(typed)
    if typed.str.fullmatch(_LONG_NUMBER).all() and typed.str.len().nunique() <= 3:
        return True
    if (
        typed.str.fullmatch(_CODE).all()
        and typed.str.contains("[0-9]").mean() > 0.9
        and typed.str.contains("[A-Za-z]").any()
    ):
        return True
    is_token = bool(typed.str.fullmatch(_TOKEN).all())
    has_digit = float(typed.str.contains("[0-9]").mean())
    has_letter = float(typed.str.contains("[A-Za-z]").mean())
    if not (is_token and has_digit > 0.9 and n >= 2):
        return False
    lengths = typed.str.len()
    is_uniform = bool(lengths.max() - lengths.min() <= 2)
    if has_letter > 0.5:
        return is_uniform and (is_unique or n > 50) and bool(lengths.min() >= 3)
    if not (is_unique and is_filled and typed.str.fullmatch(r"[0-9]+(?:\.0)?").all()):
        return False
    numbers = pd.to_numeric(typed)
    is_sequence = bool(numbers.max() - numbers.min() + 1 == n)
    return is_sequence or (is_uniform and bool(lengths.min() >= 4) and not re.fullmatch(r"(?:19|20)\d\d", typed[0]))
