"""Reading a workbook that came back from people: as plain cells, within bounds, and without running anything in it."""

import io
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from helpers.answers.spreadsheet_layout import EXPORTED, name_cell, name_company, unpack_exported
from helpers.errors import AnswersError

SIZE_LIMIT = 10_000_000
"""Bytes of the file."""

UNPACKED_LIMIT = 25_000_000
"""Bytes of its parts once unpacked, pictures included."""

PARTS_LIMIT = 2_000
SHEETS_LIMIT = 40
ROWS_LIMIT = 5_000
COLUMNS_LIMIT = 200
"""What stands further to the right are people's own notes."""

LAST_ROW = 1_048_576

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
    """One sheet: its cells that hold something, row → column → cell, as people count them."""

    title: str
    is_hidden: bool = False
    cells: Mapping[int, Mapping[int, Cell]] = field(default_factory=dict)

    def cell(self, row: int, column: int) -> Cell:
        """Return a cell; a blank one where nothing stands."""
        return self.cells.get(row, {}).get(column, BLANK)

    def row(self, number: int) -> Mapping[int, Cell]:
        """Return a row's cells by column, from left to right."""
        return self.cells.get(number, {})


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
    sound = _unpack_safely(raw, file)
    from openpyxl import load_workbook

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = load_workbook(sound, read_only=True, data_only=False, keep_links=False)
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


def read_exported(sheets: Sequence[Sheet]) -> dict[str, Any] | None:
    """Read what the hidden sheet says of the export, wherever people moved it."""
    ordered = sorted(sheets, key=lambda sheet: sheet.title != EXPORTED)
    for sheet in ordered:
        texts = [str(cells[min(cells)].value) for _, cells in sorted(sheet.cells.items())]
        if texts and texts[0].startswith("#{"):
            exported = unpack_exported(texts)
            if exported:
                return exported
    return None


def require_same_company(exported: Mapping[str, Any], folder: Path, file: str) -> None:
    """Refuse a workbook that was exported for another company than the one whose folder this is.

    Raises:
        AnswersError: It was.
    """
    theirs, here = str(exported.get("company") or ""), name_company(folder)
    if theirs and theirs.casefold().split() != here.casefold().split():
        raise AnswersError(
            f"[{file}] this workbook was exported for '{theirs}', and this is the folder of '{here}'. "
            "Hand it to the folder that it came from."
        )


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


def _unpack_safely(raw: bytes, file: str) -> io.BytesIO:
    """Return the workbook's parts, each read no further than it says it is long, as an archive that can be trusted."""
    _require_workbook(raw, file)
    sound = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as parts, zipfile.ZipFile(sound, "w") as kept:
            listed = {part.filename: part for part in parts.infolist()}
            size = sum(part.file_size for part in parts.infolist())
            if len(parts.infolist()) > PARTS_LIMIT or size > UNPACKED_LIMIT:
                raise AnswersError(
                    f"[{file}] the workbook unpacks to {len(listed):,} parts with {size:,} bytes; at most "
                    f"{PARTS_LIMIT:,} and {UNPACKED_LIMIT:,} are taken. "
                    "Remove pictures and sheets of your own, and save it again."
                )
            if not any(name.startswith("xl/workbook") for name in listed):
                raise AnswersError(f"[{file}] this is no Excel workbook. {CURE}")
            for name, part in listed.items():
                content = _read_part(parts, part)
                if _declares_entities(content):
                    raise AnswersError(
                        f"[{file}] the workbook declares XML entities, which no spreadsheet does. {CURE}"
                    )
                kept.writestr(zipfile.ZipInfo(name), content)
    except AnswersError:
        raise
    except Exception as error:  # a damaged archive fails in as many ways as there are bytes
        raise AnswersError(f"[{file}] the workbook is damaged ({type(error).__name__}). {CURE}") from None
    return sound


def _require_workbook(raw: bytes, file: str) -> None:
    if not raw:
        raise AnswersError(f"[{file}] the file is empty. {CURE}")
    if raw.startswith(b"\xd0\xcf\x11\xe0"):
        raise AnswersError(
            f"[{file}] this is an old or a password-protected Excel file. Save it as Excel workbook (.xlsx) "
            "without a password."
        )
    if not raw.startswith(b"PK"):
        raise AnswersError(f"[{file}] this is no Excel workbook. {CURE}")


def _read_part(parts: zipfile.ZipFile, part: zipfile.ZipInfo) -> bytes:
    """Unpack a part in small steps, since its stated length may be a lie."""
    pieces = []
    with parts.open(part) as packed:
        while piece := packed.read(65_536):
            pieces.append(piece)
    return b"".join(pieces)


def _declares_entities(xml: bytes) -> bool:
    return b"<!DOCTYPE" in xml or b"<!ENTITY" in xml or b"<!DOCTYPE" in xml.replace(b"\0", b"")


def _read_sheet(sheet: Any, file: str) -> Sheet:
    found: dict[int, dict[int, Cell]] = {}
    rows = sheet.iter_rows(min_row=1, max_row=LAST_ROW, min_col=1, max_col=COLUMNS_LIMIT)
    for number, row in enumerate(rows, start=1):
        for column, cell in enumerate(row, start=1):
            read = BLANK if cell.value is None else _read_cell(cell)
            if read.is_blank:
                continue
            if number > ROWS_LIMIT:
                raise AnswersError(
                    f"[{file}, {sheet.title}, {name_cell(number, column)}] something stands far below the form; at "
                    f"most {ROWS_LIMIT:,} rows are read. Remove it and save again."
                )
            found.setdefault(number, {})[column] = read
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
