"""The tables of a report as one spreadsheet: formatted, frozen, filterable, and without a single live formula."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.present import words
from helpers.present.tables import guess_unit
from helpers.present.theme import LIGHT

MOST_ROWS = 1_048_576
"""Rows of an Excel sheet, its header included."""

LONGEST_TEXT = 32_767
"""Characters of an Excel cell."""

README = "Read me"
DESCRIPTIONS: Mapping[str, str] = {
    "kpis": "Every KPI for the company and for every single partition, per period and over the whole history.",
    "goal_matrix": "Goals beside what happened and what was to be expected.",
    "decomposition": "The exact bridge from expected to actual: volume, mix, rates, value and timing.",
    "root_cause": "Where the gap arises, in which slice, with its share, its evidence and its kind of reason.",
    "coverage": "Open pipeline against target, week by week, and the forecast of the next quarters.",
    "close_curve": "How many of a cohort's deals are won by age.",
    "discovery": "Which KPI and partition is available, and what to do where it is not.",
    "survey": "What people answered.",
    "issues": "Everything found wrong in the exports, with file, row, value and cure.",
}
_SHARES = {"share_of_gap", "q_value", "probability", "conversion", "attainment", "share", "fill_rate"}
_MONEY = {"amount", "open_pipeline", "target", "bookings", "forecast"}
_DAYS = ("cycle_days", "days")
_RISKY = re.compile(r"^[\s\ufeff]*[=+\-@\t\r\n|]")


def write_report_workbook(
    tables: Mapping[str, pd.DataFrame],
    path: Path,
    *,
    currency: str = "USD",
    units: Mapping[str, Mapping[str, str]] | None = None,
    descriptions: Mapping[str, str] | None = None,
    title: str = "Revenue Engine Diagnostic",
) -> Path:
    """Write tables as one spreadsheet: a sheet each, and a first sheet that says what each is.

    Args:
        tables: name → frame, in the order of the sheets; not changed.
        path: the ``.xlsx`` to write; replaced whole or not at all.
        currency: ISO code of the company's currency, for the format of money.
        units: table → column → unit, where the name of the column or a column ``unit`` does not tell.
        descriptions: table → what it is, beside ``DESCRIPTIONS``.
        title: heading of the first sheet.

    Returns:
        The path written. The same tables give the same bytes. Text that begins like a formula stays text; a table of
        more rows than a sheet holds is cut, and the first sheet says so.

    Raises:
        OSError: the file can't be written.
    """
    import xlsxwriter

    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    book = xlsxwriter.Workbook(
        str(beside),
        {
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "nan_inf_to_errors": False,
            "default_date_format": "yyyy-mm-dd",
            "in_memory": True,
        },
    )
    book.set_properties({"title": title, "created": datetime(2000, 1, 1)})
    formats = _Formats(book, currency)
    names = _sheet_names(list(tables))
    about = {**DESCRIPTIONS, **(descriptions or {})}
    _write_readme(book, formats, tables, names, about, title)
    for table, frame in tables.items():
        _write_sheet(book.add_worksheet(names[table]), frame, formats, (units or {}).get(table, {}))
    try:
        book.close()
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return path


def read_report_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Read the CSV tables of a report folder as they are: text as text, numbers as numbers, blanks as blanks.

    Args:
        folder: ``tables`` of a report.

    Returns:
        Name → frame, known tables first in the order of ``DESCRIPTIONS``, then the others by name.
    """
    paths = {path.stem: path for path in sorted(folder.glob("*.csv"))}
    known = [name for name in DESCRIPTIONS if name in paths]
    return {
        name: pd.read_csv(paths[name], keep_default_na=False, na_values=[""], low_memory=False)
        for name in [*known, *(name for name in paths if name not in known)]
    }


def _sheet_names(tables: Sequence[str]) -> dict[str, str]:
    """Name the sheets as Excel allows: at most 31 characters, none of its forbidden signs, no name twice."""
    taken = {README.casefold(), "history"}
    names = {}
    for table in tables:
        plain = re.sub(r"[\[\]:*?/\\']", " ", words.label_of(table)).strip()[:31] or "Table"
        name, n = plain, 2
        while name.casefold() in taken:
            name, n = f"{plain[: 31 - len(str(n)) - 1]} {n}", n + 1
        taken.add(name.casefold())
        names[table] = name
    return names


class _Formats:
    """The cell formats of one workbook, made once each."""

    def __init__(self, book: Any, currency: str) -> None:
        code = re.sub(r"[^A-Z]", "", currency.upper())[:3]
        base = {"font_name": "Calibri", "font_size": 11, "valign": "top", "font_color": LIGHT["ink"]}
        numbers = {
            "count": "#,##0.##",
            "whole": "#,##0",
            "share": "0.0%",
            "currency": f'#,##0.00 "{code}"',
            "currency_per_day": f'#,##0.00 "{code}"',
            "days": "#,##0.0",
            "ratio": '0.00"×"',
            "date": "d mmm yyyy",
            "time": "d mmm yyyy hh:mm",
        }
        self.of = {name: book.add_format({**base, "num_format": code}) for name, code in numbers.items()}
        self.text = book.add_format({**base, "num_format": "@"})
        self.wrapped = book.add_format({**base, "text_wrap": True})
        self.title = book.add_format({**base, "font_size": 16, "bold": True})
        self.grey = book.add_format({**base, "font_color": LIGHT["grey"]})
        self.header = book.add_format(
            {**base, "bold": True, "bg_color": "#EEF2F6", "bottom": 1, "bottom_color": LIGHT["mid"], "text_wrap": True}
        )


def _write_readme(
    book: Any,
    formats: _Formats,
    tables: Mapping[str, pd.DataFrame],
    names: Mapping[str, str],
    about: Mapping[str, str],
    title: str,
) -> None:
    sheet = book.add_worksheet(README)
    sheet.hide_gridlines(2)
    for column, width in enumerate((26, 80, 14)):
        sheet.set_column(column, column, width)
    sheet.write_string(0, 0, words.clean_text(title), formats.title)
    sheet.write_string(1, 0, "One sheet per table. Shares are numbers from 0 to 1 shown in %.", formats.grey)
    for column, heading in enumerate(("Sheet", "What it is", "Rows")):
        sheet.write_string(3, column, heading, formats.header)
    for i, (table, frame) in enumerate(tables.items(), start=4):
        told = about.get(table, words.label_of(table))
        if len(frame) > MOST_ROWS - 1:
            told += f" Only the first {MOST_ROWS - 1:,} of {len(frame):,} rows fit a sheet; the CSV has all."
        sheet.write_string(i, 0, names[table], formats.text)
        sheet.write_string(i, 1, told, formats.wrapped)
        sheet.write_number(i, 2, len(frame), formats.of["whole"])


def _write_sheet(sheet: Any, frame: pd.DataFrame, formats: _Formats, units: Mapping[str, str]) -> None:
    shown = frame.head(MOST_ROWS - 1)
    for column, name in enumerate(shown.columns):
        sheet.write_string(0, column, words.shorten(words.label_of(name), 255), formats.header)
        widest = 0
        for row, value, unit in _cells(shown, name, units):
            widest = max(widest, _write_cell(sheet, row, column, value, unit, formats) if row <= 2000 else 0)
            if row > 2000:
                _write_cell(sheet, row, column, value, unit, formats)
        sheet.set_column(column, column, max(8, min(60, max(widest, len(words.label_of(name))) + 3)))
    sheet.freeze_panes(1, 1)
    if len(shown.columns):
        sheet.autofilter(0, 0, len(shown), len(shown.columns) - 1)


def _cells(frame: pd.DataFrame, name: str, units: Mapping[str, str]) -> Iterator[tuple[int, Any, str]]:
    unit = units.get(name) or _unit_by_name(str(name), frame[name])
    own: Sequence[str] | None = None
    if unit == "value" and "unit" in frame.columns:
        own = ["count" if words.is_missing(told) else str(told) for told in frame["unit"]]
    elif unit == "value" and "kpi" in frame.columns:
        own = [_unit_of_kpi(kpi) for kpi in frame["kpi"]]
    for i, value in enumerate(frame[name].tolist()):
        yield i + 1, value, own[i] if own is not None else "count" if unit == "value" else unit


def _unit_by_name(name: str, values: pd.Series) -> str:
    guessed = guess_unit(values)
    if guessed != "count":
        return guessed
    if name in ("value", "low", "high", "goal", "actual", "expected", "gap"):
        return "value"
    if name in _SHARES or name.endswith(("_share", "_rate")):
        return "share"
    if name in _MONEY:
        return "currency"
    if name.endswith("coverage"):
        return "ratio"
    return "days" if name.endswith(_DAYS) else "count"


def _unit_of_kpi(kpi: Any) -> str:
    """Tell the unit of a KPI from its id, whose words are fixed."""
    name = str(kpi)
    if name.endswith("coverage"):
        return "ratio"
    if "days" in name:
        return "days"
    if (name.startswith("revenue_") and not name.endswith("churn")) or name in (
        "average_deal_size",
        "open_pipeline",
        "mrr",
        "arr",
        "sales_velocity",
    ):
        return "currency"
    is_share = (
        "_to_" in name
        or name.startswith("win_rate")
        or name.endswith(("_rate", "_churn", "grr", "nrr", "pipeline_conversion"))
    )
    return "share" if is_share else "count"


def _write_cell(sheet: Any, row: int, column: int, value: Any, unit: str, formats: _Formats) -> int:
    """Write one value; a missing one stays blank. Returns about how wide it is shown."""
    if words.is_missing(value):
        return 0
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value, formats.text)
        return 5
    if isinstance(value, int | float):
        if value in (float("inf"), float("-inf")):
            return 0
        sheet.write_number(row, column, value, formats.of.get(unit, formats.of["count"]))
        return len(f"{value:,.2f}") + 4
    if isinstance(value, date) and 1900 <= value.year <= 9999:
        has_time = isinstance(value, datetime) and (value.hour or value.minute or value.second)
        plain = value.replace(tzinfo=None) if isinstance(value, datetime) else value
        sheet.write_datetime(row, column, plain, formats.of["time" if has_time else "date"])
        return 17 if has_time else 11
    text = defuse(value)
    sheet.write_string(row, column, text, formats.text)
    return len(text)


def defuse(value: Any) -> str:
    """Return text that no spreadsheet takes for a formula, even after it is edited or saved as CSV.

    >>> defuse("=HYPERLINK(1)"), defuse("-5 % off"), defuse("Ann")
    ("'=HYPERLINK(1)", "'-5 % off", 'Ann')
    """
    text = words.clean_text(value)
    return f"'{text}"[:LONGEST_TEXT] if _RISKY.match(str(value)) else text[:LONGEST_TEXT]
