"""Reading a workbook that came back from people: as plain cells, within bounds, and without running anything in it."""

import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from helpers.answers.spreadsheet_layout import name_cell
from helpers.errors import AnswersError

SIZE_LIMIT = 10_000_000
"""Bytes of the file."""

UNPACKED_LIMIT = 40_000_000
"""Bytes of its parts once unpacked."""

PARTS_LIMIT = 2_000
SHEETS_LIMIT = 40
ROWS_LIMIT = 5_000
COLUMNS_LIMIT = 200

CURE = "Send the workbook that was exported here, saved as Excel workbook (.xlsx)."
_KINDS = {"s": "text", "str": "text", "inlineStr": "text", "n": "number", "b": "truth", "e": "error", "f": "formula"}


@dataclass(frozen=True)
class Cell:
    """One cell as it stands in the file.

    Attributes:
        value: Text, number, truth value, date or time; of a formula its text.
        kind: ``text``, ``number``, ``truth``, ``date``, ``time``, ``error`` or ``formula``.
        format: The number format, which tells how a date or a share was typed.
    """

    value: Any
    kind: str
    format: str = "General"

    @property
    def is_blank(self) -> bool:
        """Whether nothing but blanks stands in it."""
        return self.value is None or (isinstance(self.value, str) and not self.value.strip())

    @property
    def first_line(self) -> str:
        """The first line of its text, without the star that marks what is needed."""
        lines = str("" if self.value is None else self.value).strip().splitlines() or [""]
        return lines[0].strip().removesuffix("*").strip()


BLANK = Cell(None, "number")


@dataclass(frozen=True)
class Sheet:
    """One sheet: its cells that hold something, by row and column as people count them."""

    title: str
    is_hidden: bool = False
    cells: dict[tuple[int, int], Cell] = field(default_factory=dict)

    def cell(self, row: int, column: int) -> Cell:
        """Return a cell; a blank one where nothing stands."""
        return self.cells.get((row, column), BLANK)

    def rows(self) -> list[int]:
        """List the rows that hold something, from top to bottom."""
        return sorted({row for row, _ in self.cells})

    def row(self, number: int) -> list[tuple[int, Cell]]:
        """List a row's cells with their columns, from left to right."""
        return sorted(
            ((column, cell) for (row, column), cell in self.cells.items() if row == number), key=lambda it: it[0]
        )


def is_workbook(data: bytes | Path) -> bool:
    """Tell whether a file is an Excel workbook at all, from its bytes."""
    try:
        with zipfile.ZipFile(io.BytesIO(data) if isinstance(data, bytes) else data) as parts:
            return any(name.startswith("xl/workbook") for name in parts.namelist())
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


def read_sheets(data: bytes | Path, *, file: str = "workbook") -> list[Sheet]:
    """Read every sheet of a workbook.

    Args:
        data: The file, or its bytes.
        file: What it is called in messages.

    Returns:
        The sheets in order. Formulas are given as formulas and are neither computed nor trusted; macros, pictures and
        links are passed over.

    Raises:
        AnswersError: It is no workbook, damaged, or larger than any filled-in workbook can be.
    """
    raw = _read_bytes(data, file)
    _require_sound(raw, file)
    from openpyxl import load_workbook

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = load_workbook(io.BytesIO(raw), read_only=True, data_only=False, keep_links=False)
            try:
                found = [_read_sheet(sheet, file) for sheet in book.worksheets[:SHEETS_LIMIT]]
            finally:
                book.close()
    except AnswersError:
        raise
    except Exception as error:  # whatever a damaged workbook does to the library that reads it
        raise AnswersError(
            f"[{file}] the workbook is damaged and can't be read ({type(error).__name__}). {CURE}"
        ) from None
    return found


def _read_bytes(data: bytes | Path, file: str) -> bytes:
    if isinstance(data, bytes):
        raw, size = data, len(data)
    else:
        try:
            size = data.stat().st_size
            raw = data.read_bytes() if size <= SIZE_LIMIT else b""
        except OSError as error:
            raise AnswersError(f"[{file}] the file can't be read: {error.strerror}. Check that it is there.") from None
    if size > SIZE_LIMIT:
        raise AnswersError(
            f"[{file}] the file has {size:,} bytes; at most {SIZE_LIMIT:,} are taken. "
            "Remove pictures and sheets of your own, and save it again."
        )
    return raw


def _require_sound(raw: bytes, file: str) -> None:
    """Refuse what is no workbook, and what would unpack to more than any workbook of answers holds."""
    if not raw:
        raise AnswersError(f"[{file}] the file is empty. {CURE}")
    if raw.startswith(b"\xd0\xcf\x11\xe0"):
        raise AnswersError(
            f"[{file}] this is an old or a password-protected Excel file. Save it as Excel workbook (.xlsx) "
            "without a password."
        )
    if not raw.startswith(b"PK"):
        raise AnswersError(f"[{file}] this is no Excel workbook. {CURE}")
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as parts:
            listed = parts.infolist()
            texts = [part for part in listed if part.filename.endswith((".xml", ".rels"))]
            size = sum(part.file_size for part in texts)
            if len(listed) > PARTS_LIMIT or size > UNPACKED_LIMIT:
                raise AnswersError(
                    f"[{file}] the workbook unpacks to {len(listed):,} parts with {size:,} bytes; at most "
                    f"{PARTS_LIMIT:,} and {UNPACKED_LIMIT:,} are taken. {CURE}"
                )
            if not any(part.filename.startswith("xl/workbook") for part in listed):
                raise AnswersError(f"[{file}] this is no Excel workbook. {CURE}")
            for part in texts:
                if _declares_entities(parts.read(part)):
                    raise AnswersError(
                        f"[{file}] the workbook declares XML entities, which no spreadsheet does. {CURE}"
                    )
    except AnswersError:
        raise
    except Exception as error:  # a damaged archive fails in as many ways as there are bytes
        raise AnswersError(f"[{file}] the workbook is damaged ({type(error).__name__}). {CURE}") from None


def _declares_entities(xml: bytes) -> bool:
    return b"<!DOCTYPE" in xml or b"<!ENTITY" in xml or b"<!DOCTYPE" in xml.replace(b"\0", b"")


def _read_sheet(sheet: Any, file: str) -> Sheet:
    sheet.reset_dimensions()
    found: dict[tuple[int, int], Cell] = {}
    for number, row in enumerate(sheet.iter_rows(), start=1):
        for cell in row:
            if cell.value is None:
                continue
            read = _read_cell(cell)
            if read.is_blank:
                continue
            column = cell.column
            if number > ROWS_LIMIT or column > COLUMNS_LIMIT:
                raise AnswersError(
                    f"[{file}, {sheet.title}, {name_cell(number, column)}] something stands far outside the form; at "
                    f"most {ROWS_LIMIT:,} rows and {COLUMNS_LIMIT} columns are read. Remove it and save again."
                )
            found[number, column] = read
    return Sheet(sheet.title, sheet.sheet_state != "visible", found)


def _read_cell(cell: Any) -> Cell:
    value, kind = cell.value, _KINDS.get(cell.data_type, "text")
    if cell.data_type == "f" or not isinstance(value, str | int | float | bool | date | time | timedelta):
        return Cell(str(value), "formula")
    if isinstance(value, bool):
        return Cell(value, "truth")
    if isinstance(value, datetime | date):
        return Cell(value, "date", str(cell.number_format))
    if isinstance(value, time | timedelta):
        return Cell(value, "time", str(cell.number_format))
    if isinstance(value, str) and kind == "number":
        kind = "text"
    return Cell(value, kind, str(cell.number_format))


def find_rows(sheet: Sheet, pattern: str) -> Iterator[int]:
    """Go through the rows with a cell whose text fits a pattern."""
    for row in sheet.rows():
        if any(isinstance(cell.value, str) and re.fullmatch(pattern, cell.value) for _, cell in sheet.row(row)):
            yield row
