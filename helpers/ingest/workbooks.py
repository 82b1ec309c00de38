"""Read Excel workbooks and Parquet files into text, values shown the way a plain export would."""

import datetime as dt
import io
import json
import re
import warnings
import zipfile
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from helpers.errors import DataError, suggest
from helpers.ingest.layout import Sheet, as_frame, find_header, find_width, is_blank, require_header
from helpers.issues import IssueLog

LARGEST_UNPACKED = 2 * 1024**3
"""A workbook that unpacks to more bytes than this is refused unread."""

_LEADING_ZEROS = re.compile(r"^0{2,}$")


def read_workbook(content: bytes, *, file: str, sheet: str | None, log: IssueLog) -> Sheet:
    """Read one sheet of a workbook.

    Args:
        content: The file's bytes.
        file: Its name, for issues.
        sheet: The sheet to read; otherwise the first one that holds a table (two rows of two cells), else anything.
        log: Takes error cells and formulas without a stored result, which become blank.

    Returns:
        The sheet as text: dates as ISO, numbers plain (``1054``, not ``1054.0``), formulas by their stored result.

    Raises:
        DataError: The workbook is damaged, unpacks beyond ``LARGEST_UNPACKED``, or holds no such sheet or header.
    """
    _require_bounded(content, file)
    names, rows = _read_cells(content, file=file, sheet=sheet, log=log)
    if len(names) > 1:
        log.add(
            file=file,
            code="other_sheets",
            severity="note",
            value=names[0],
            message=f"Only the sheet '{names[0]}' was read; the workbook also has {', '.join(names[1:])}",
            cure="Save the sheet that you want as a file of its own if this is the wrong one",
        )
    used = [_trim(row) for row in rows]
    width = find_width([row for row in used if row])
    place = find_header(used, width=width)
    if place is None:
        raise DataError(f"[{file}, sheet '{names[0]}'] has no row of column names. Put them above the data")
    width = max((len(row) for row in used[place:]), default=width)
    padded = [[*row, *[""] * (width - len(row))] for row in used[place:]]
    require_header(padded[0], padded[1:], file=file, row=place + 1)
    columns = [pa.array(cells, type=pa.large_string()) for cells in zip(*padded[1:], strict=True)]
    columns = columns or [pa.array([], type=pa.large_string())] * width
    numbers = np.arange(place + 2, place + 1 + len(padded))
    return Sheet(tuple(padded[0]), as_frame(columns, numbers), place + 1, sheet=names[0])


def read_parquet(content: bytes, *, file: str) -> Sheet:
    """Read a Parquet file as text: ISO dates, plain numbers, true and false, nested values as JSON.

    Raises:
        DataError: The file is damaged.
    """
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(io.BytesIO(content))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"[{file}] is a damaged Parquet file: {error}. Export it again") from error
    columns = [_render(column) for column in table.columns]
    numbers = np.arange(2, table.num_rows + 2)
    return Sheet(tuple(map(str, table.column_names)), as_frame(columns, numbers), 1)


def _require_bounded(content: bytes, file: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
            is_workbook = "xl/workbook.xml" in archive.namelist()
    except zipfile.BadZipFile as error:
        raise DataError(f"[{file}] is a damaged workbook, perhaps cut off on its way. Export it again") from error
    if not is_workbook:
        raise DataError(f"[{file}] is an archive, not a workbook. Unpack it and name the files in it")
    if unpacked > LARGEST_UNPACKED:
        raise DataError(
            f"[{file}] unpacks to {unpacked / 1024**3:,.1f} GB. Allowed are {LARGEST_UNPACKED / 1024**3:,.0f} GB. "
            "Export it as .csv"
        )


def _read_cells(content: bytes, *, file: str, sheet: str | None, log: IssueLog) -> tuple[list[str], list[list[str]]]:
    """Return the names of the sheets, the one read first, and its cells as text."""
    from openpyxl import load_workbook

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl tells of styles and extensions that don't touch values
        try:
            book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            available = [one.title for one in book.worksheets]
            if sheet is not None and sheet not in available:
                raise DataError(
                    f"[{file}] has no sheet '{sheet}'. It has {', '.join(available)}.{suggest(sheet, available)}"
                )
            found = _pick_sheet(book, [sheet] if sheet is not None else available)
            if found is not None:
                title, rows, faults = found
                _log_error_cells(faults, rows, file=file, log=log)
                _log_unstored_formulas(content, title, rows, file=file, log=log)
                return [title, *(name for name in available if name != title)], rows
        except DataError:
            raise
        except Exception as error:  # openpyxl raises whatever the damage leads to: KeyError, ParseError, ValueError …
            raise DataError(f"[{file}] is a damaged workbook: {error}. Open it, save it again as .xlsx") from error
    where = f"sheet '{sheet}' of the workbook" if sheet is not None else "workbook"
    raise DataError(f"[{file}] the {where} is empty. Export it again")


def _pick_sheet(book: Any, titles: list[str]) -> tuple[str, list[list[str]], list[tuple[int, int, str]]] | None:
    """Return the first sheet that holds a table, else the first one that holds anything: covers come first, too."""
    fallback = None
    for title in titles:
        book[title].reset_dimensions()
        faults: list[tuple[int, int, str]] = []
        rows = _read_rows(book[title], faults)
        filled = [sum(not is_blank(cell) for cell in row) for row in rows]
        if sum(number > 1 for number in filled) > 1:
            return title, rows, faults
        if fallback is None and any(filled):
            fallback = title, rows, faults
    return fallback


def _read_rows(worksheet: Any, faults: list[tuple[int, int, str]]) -> list[list[str]]:
    rows = []
    for number, row in enumerate(worksheet.iter_rows(), start=1):
        cells = []
        for position, cell in enumerate(row):
            value = cell.value
            if value is None:
                cells.append("")
            elif cell.data_type == "e":
                faults.append((number, position, str(value)))
                cells.append("")
            else:
                cells.append(value if isinstance(value, str) else _show(value, cell.number_format))
        rows.append(cells)
    return rows


def _show(value: Any, number_format: str = "General") -> str:
    """Show one typed cell the way a plain export writes it.

    >>> _show(1054.0), _show(0.1), _show(True), _show(dt.datetime(2016, 10, 20)), _show(123, "00000")
    ('1054', '0.1', 'TRUE', '2016-10-20', '00123')
    """
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        whole = isinstance(value, int) or (value.is_integer() and abs(value) < 1e16)
        text = str(int(value)) if whole else repr(value)
        return text.zfill(len(number_format)) if whole and _LEADING_ZEROS.match(number_format or "") else text
    if isinstance(value, dt.datetime):
        value = (value + dt.timedelta(microseconds=500)).replace(microsecond=0) if value.microsecond else value
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value)


def _log_error_cells(faults: list[tuple[int, int, str]], rows: list[list[str]], *, file: str, log: IssueLog) -> None:
    for position in sorted({position for _, position, _ in faults}):
        here = [(number, text) for number, at, text in faults if at == position]
        log.add_rows(
            file=file,
            rows=[number for number, _ in here],
            column=_name_above(rows, position),
            values=[text for _, text in here],
            code="error_cell",
            severity="error",
            message="The cell shows a formula's error; it is taken as blank",
            cure="Mend the formula in the workbook, or export the plain values",
        )


def _log_unstored_formulas(content: bytes, title: str, rows: list[list[str]], *, file: str, log: IssueLog) -> None:
    """Tell of formulas whose result the workbook doesn't hold (files written by programs, never opened)."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
        if not any(re.search(rb"<f[ >/]", archive.read(name)) for name in sheets):
            return
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(content), read_only=True)
    book[title].reset_dimensions()
    missing: dict[int, list[tuple[int, str]]] = {}
    for number, row in enumerate(book[title].iter_rows(values_only=True), start=1):
        for position, value in enumerate(row):
            if isinstance(value, str) and value.startswith("=") and not rows[number - 1][position]:
                missing.setdefault(position, []).append((number, value))
    for position, here in missing.items():
        log.add_rows(
            file=file,
            rows=[number for number, _ in here],
            column=_name_above(rows, position),
            values=[text for _, text in here],
            code="formula_without_value",
            severity="error",
            message="The formula's result is not stored in the workbook; the cell is taken as blank",
            cure="Open the workbook in a spreadsheet, save it, and use that file",
        )


def _name_above(rows: list[list[str]], position: int) -> str:
    place = find_header([_trim(row) for row in rows[:100]], width=find_width([_trim(row) for row in rows[:1000]]))
    header = rows[place] if place is not None else []
    return header[position].strip() if position < len(header) else f"Column {position + 1}"


def _trim(row: list[str]) -> list[str]:
    end = len(row)
    while end and is_blank(row[end - 1]):
        end -= 1
    return row[:end]


def _render(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Render one typed Parquet column as text."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.large_string())
    if pa.types.is_null(kind):
        return pa.chunked_array([pa.nulls(len(column), pa.large_string())])
    if pa.types.is_timestamp(kind):
        text = column.cast(pa.large_string())
        text = pc.replace_substring_regex(text, r"(:\d{2})\.0+(Z?)$", r"\1\2")
        return text if kind.tz else pc.replace_substring_regex(text, r" 00:00:00$", "")
    if pa.types.is_floating(kind):
        text = pa.array([None if v is None or v != v else _show(v) for v in column.to_pylist()], pa.large_string())
        return pa.chunked_array([text])
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        rendered = [None if v is None else json.dumps(v, default=str, ensure_ascii=False) for v in column.to_pylist()]
        return pa.chunked_array([pa.array(rendered, pa.large_string())])
    return column.cast(pa.large_string())
