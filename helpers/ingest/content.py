"""What the columns of a file hold, as far as telling objects and partitions needs it."""

import re
from dataclasses import dataclass

import pandas as pd

from helpers.ingest.date_shapes import MONTHS
from helpers.ingest.dates import detect_date_order
from helpers.ingest.files import RawTable
from helpers.ingest.values import FALSE_SPELLINGS, TRUE_SPELLINGS, is_typed_blank

SAMPLE = 1000
"""So many distinct values are looked at to tell a column's kind."""

FEW = 50
"""Under so many rows a few duplicates must not hide that a column is a key."""

_WORD = re.compile(r"[^\W\d_]{3,}")
_ASIDE = re.compile(r"\([^()]*\)")
_ZONES = {"utc", "gmt"}

_NUMBER = r"[-+(]?\s*(?:[A-Z]{3}|[$€£¥])?\s*[-+]?[\d.,'’\s]*\d[\d.,'’\s]*(?:%|[A-Z]{3}|[$€£¥])?\)?"


@dataclass(frozen=True)
class ColumnContent:
    """What one column holds.

    Attributes:
        kind: date, number, boolean, text or empty.
        n_rows: Rows of the file.
        n_filled: Rows with a value.
        n_distinct: Distinct values.
        is_whole: Whether every number in it is a whole one.
        mean_length: Mean length of its distinct values in characters.
    """

    kind: str
    n_rows: int
    n_filled: int
    n_distinct: int
    is_whole: bool
    mean_length: float

    @property
    def fill_rate(self) -> float:
        """Share of rows with a value, 0 to 1."""
        return self.n_filled / self.n_rows if self.n_rows else 0.0

    @property
    def is_unique(self) -> bool:
        """Whether every value stands in one row only."""
        return self.n_filled > 0 and self.n_distinct == self.n_filled

    @property
    def is_key(self) -> bool:
        """Whether it tells records apart: filled nearly everywhere and, but for stray duplicates, unique."""
        least = 0.9 if self.n_filled >= FEW else 0.6
        return self.fill_rate >= 0.5 and self.n_distinct >= least * self.n_filled


def describe_columns(raw: RawTable) -> dict[str, ColumnContent]:
    """Tell what each column of a file holds."""
    return {column: describe_column(raw.frame[column]) for column in raw.columns}


def describe_column(values: pd.Series) -> ColumnContent:
    """Tell what a column of texts holds."""
    distinct = pd.Series(values.dropna().unique(), dtype="str")
    known = distinct[~is_typed_blank(distinct)] if len(distinct) else distinct
    sample = known.iloc[:SAMPLE].str.strip()
    kind, is_whole = _tell_kind(sample)
    return ColumnContent(
        kind=kind,
        n_rows=len(values),
        n_filled=int(values.notna().sum()),
        n_distinct=len(distinct),
        is_whole=is_whole,
        mean_length=float(sample.str.len().mean()) if len(sample) else 0.0,
    )


def _tell_kind(sample: pd.Series) -> tuple[str, bool]:
    if not len(sample):
        return "empty", False
    folded = set(sample.str.casefold().unique())
    if folded <= (TRUE_SPELLINGS | FALSE_SPELLINGS) and not folded <= {"0", "1", "0.0", "1.0", "x", "t", "f", "n", "y"}:
        return "boolean", False
    is_number = sample.str.fullmatch(_NUMBER).mean() >= 0.95
    is_whole = bool(is_number and sample.str.fullmatch(r"[-+]?\d+(?:[.,]0+)?").all())
    if sample.str.contains(r"\d").mean() >= 0.9 and _looks_like_dates(sample, is_number):
        return "date", is_whole
    return ("number", is_whole) if is_number else ("text", False)


def _looks_like_dates(sample: pd.Series, is_number: bool) -> bool:
    if sum(map(_may_be_date, sample.tolist())) < 0.9 * len(sample):
        return False
    convention = detect_date_order(sample)
    if convention is None or convention.share < 0.9:
        return False
    return not (is_number and convention.shape in {"serial", "epoch"})


def _may_be_date(text: str) -> bool:
    """Tell quickly whether a text may be a date: of words it has none, or a month among them."""
    words = {word.casefold() for word in _WORD.findall(_ASIDE.sub("", text))} - _ZONES
    return not words or any(word in MONTHS for word in words)


def fits(kind: str, field_kind: str, header: str = "") -> bool:
    """Tell whether a column of that kind can serve a field.

    >>> fits("date", "amount"), fits("empty", "amount"), fits("number", "id")
    (False, True, True)
    """
    if kind == "empty":
        return True
    if field_kind == "date":
        return kind == "date" or (kind == "number" and "date" in header.casefold())
    if field_kind in {"amount", "number"}:
        return kind == "number"
    if field_kind == "boolean":
        return kind in {"boolean", "number"}
    return kind != "date" or field_kind == "label"
