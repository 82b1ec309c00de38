"""Read one export exactly as it came: every cell as text, every row with the number a person sees."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from helpers.errors import DataError
from helpers.ingest.cleaning import clean_rows
from helpers.ingest.delimited import read_delimited
from helpers.ingest.layout import Sheet
from helpers.ingest.workbooks import read_parquet, read_workbook
from helpers.issues import IssueLog

DELIMITED = (".csv", ".tsv", ".txt", ".tab")
WORKBOOKS = (".xlsx", ".xlsm")
SUPPORTED = (*DELIMITED, *WORKBOOKS, ".parquet", ".pq")
"""File name endings that can be read."""


@dataclass(frozen=True)
class RawTable:
    """Hold one export as text, before anything is known about what it means.

    Attributes:
        file: The file's name, as issues cite it.
        columns: Header names in the file's order, unique, without surrounding blanks.
        frame: One row per data row; every column text (`str`), missing where the cell was blank after stripping
            (non-breaking spaces too), otherwise verbatim. The index ``source_row`` is the row as a spreadsheet shows
            it: header, comment and blank lines count, and a quoted cell with line breaks is still one row.
            A Parquet file has no header row; it is numbered as if its names stood in row 1.
        header_row: The row that holds the names.
        encoding: The encoding a text file was read in; empty for workbooks and Parquet.
        separator: The sign between cells of a text file; empty for workbooks and Parquet.
        sha256: Fingerprint of the file's bytes.
        sheet: The sheet of a workbook that was read; empty for other files.
        rows_read: Rows under the header that hold data, those put aside included; blank rows and report footers not.
        rows_quarantined: How many of them were put aside as issues because their cells could not be told apart.
    """

    file: str
    columns: tuple[str, ...]
    frame: pd.DataFrame
    header_row: int
    encoding: str
    separator: str
    sha256: str
    sheet: str = ""
    rows_read: int = 0
    rows_quarantined: int = 0


def read_table(
    path: str | Path,
    *,
    log: IssueLog,
    encoding: str | None = None,
    separator: str | None = None,
    sheet: str | None = None,
) -> RawTable:
    """Read an export without interpreting its values.

    Args:
        path: A .csv, .tsv, .txt, .xlsx or .parquet file.
        log: Takes every row put aside and everything that had to be decided.
        encoding: The encoding, where it is known; otherwise told from the bytes.
        separator: The sign between cells, where it is known; otherwise told from the first rows.
        sheet: The sheet of a workbook; otherwise the first one that holds data.

    Returns:
        The table as text. Rows whose cells can't be told apart (too many, or too few that are not just blanks
        left out) are issues and not in the frame; blank rows, repeated headers, grand totals and report footers
        are left out with a note. Exact duplicates stay. A file with only a header gives an empty frame.

    Raises:
        DataError: The file is missing, empty, of another kind than its name says, damaged, or has no header.
    """
    path = Path(path)
    content = _read_bytes(path)
    kind = _tell_kind(path, content)
    if kind == "parquet":
        found = read_parquet(content, file=path.name)
    elif kind == "workbook":
        found = read_workbook(content, file=path.name, sheet=sheet, log=log)
    else:
        if path.suffix.lower() in (".tsv", ".tab"):
            separator = separator or "\t"
        found = read_delimited(content, file=path.name, log=log, encoding=encoding, separator=separator)
    return _finish(found, path.name, hashlib.sha256(content).hexdigest(), log)


def _finish(found: Sheet, file: str, sha256: str, log: IssueLog) -> RawTable:
    frame, n_repeated = clean_rows(found, file=file, log=log)
    if not len(frame):
        log.add(
            file=file,
            row=found.header_row,
            code="no_rows",
            severity="warning",
            message="The file has column names but no rows of data",
            cure="Export it again; check the filters of the list or report",
        )
    return RawTable(
        file=file,
        columns=tuple(frame.columns),
        frame=frame,
        header_row=found.header_row,
        encoding=found.encoding,
        separator=found.separator,
        sha256=sha256,
        sheet=found.sheet,
        rows_read=len(frame) + found.n_quarantined + n_repeated,
        rows_quarantined=found.n_quarantined + n_repeated,
    )


def _read_bytes(path: Path) -> bytes:
    if path.is_dir():
        raise DataError(f"[{path}] is a folder, not a file. Name the export in it")
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"[{path}] is not there. Check the name and the folder") from None
    except OSError as error:
        raise DataError(f"[{path}] can't be read: {error.strerror}. Close it elsewhere, check its rights") from error
    if not content.strip(b"\x00\xef\xbb\xbf\xff\xfe \t\r\n"):
        raise DataError(f"[{path.name}] is empty. Export it again")
    return content


def _tell_kind(path: Path, content: bytes) -> str:
    """Tell the kind of file by its first bytes, since exports often bear a wrong ending."""
    start = content[:512].lstrip().lower()
    if content[:4] == b"PK\x03\x04":
        return "workbook"
    if content[:4] == b"PAR1":
        return "parquet"
    if content[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise DataError(
            f"[{path.name}] is a workbook of Excel 97–2003 or protected by a password. Open it in a spreadsheet "
            "and save it as .xlsx (without a password) or .csv"
        )
    if start.startswith((b"<html", b"<!doctype html", b"<table", b"<?xml", b"<meta", b"<head")):
        raise DataError(f"[{path.name}] is a web page, not a table, whatever its name says. Export it as .csv or .xlsx")
    suffix = path.suffix.lower()
    if suffix in WORKBOOKS:
        raise DataError(f"[{path.name}] is no Excel workbook or is damaged. Export it again")
    if suffix in (".parquet", ".pq"):
        raise DataError(f"[{path.name}] is no Parquet file or is damaged. Export it again")
    if suffix not in DELIMITED:
        raise DataError(
            f"[{path.name}] is of a kind that can't be read: '{suffix}'. Allowed are {', '.join(SUPPORTED)}. "
            "Export it as .csv"
        )
    return "delimited"
