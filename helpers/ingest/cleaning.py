"""Clean a table as found: name its columns, make blanks missing, leave out rows that are no data, each counted."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from helpers.ingest.layout import GRAND_TOTAL, NUMBER, TAIL, Sheet, find_footer, is_blank, is_total
from helpers.issues import IssueLog


def clean_rows(found: Sheet, *, file: str, log: IssueLog) -> tuple[pd.DataFrame, int]:
    """Name the columns, make blank cells missing and leave out rows that are no data.

    Returns:
        The cleaned frame (blank rows, repeated headers, totals and footers left out, each with an issue that
        counts it) and the number of repeated headers among them.
    """
    frame = _blank_to_missing(found.frame)
    frame = _drop_footer(frame, file=file, log=log)
    frame = _drop_leading_total(frame, file=file, log=log)
    frame = _drop_blank_rows(frame, file=file, log=log)
    frame, n_repeated = _drop_repeated_headers(frame, found.header, file=file, log=log)
    nameless = [position for position, cell in enumerate(found.header) if is_blank(cell)]
    empty = {position for position in nameless if frame[position].isna().all()}
    kept = [position for position in range(len(found.header)) if position not in empty]
    frame = frame[kept]
    names = name_columns([found.header[position] for position in kept], file=file, row=found.header_row, log=log)
    return frame.set_axis(list(names), axis=1), n_repeated


def name_columns(header: Sequence[str], *, file: str, row: int, log: IssueLog) -> tuple[str, ...]:
    """Make unique names of header cells.

    Args:
        header: Header cells as written.
        file: The file, for issues.
        row: The header's row.
        log: Takes an issue for every name that had to be changed.

    Returns:
        One name per column: surrounding blanks stripped and line breaks made spaces, ``Column 3`` for the third
        column where it has none, ``Name (2)`` for the second column called ``Name``.
    """
    names: list[str] = []
    wanted = [" ".join(cell.replace("\ufeff", "").split()) for cell in header]
    taken = set(wanted)
    for position, name in enumerate(wanted, start=1):
        unique = name or f"Column {position}"
        copy = 2
        while unique in names or (not name and unique in taken) or (unique != name and unique in taken):
            unique = f"{name or f'Column {position}'} ({copy})"
            copy += 1
        if not name:
            _note_name(log, file, row, unique, "nameless_column", f"Column {position} has values but no name")
        elif unique != name:
            text = f"The name '{name}' stands over more than one column"
            _note_name(log, file, row, unique, "duplicate_column_name", text)
        names.append(unique)
    return tuple(names)


def _note_name(log: IssueLog, file: str, row: int, name: str, code: str, message: str) -> None:
    log.add(
        file=file,
        row=row,
        column=name,
        code=code,
        severity="warning",
        value=name,
        message=f"{message}; it is called '{name}' here",
        cure="Give every column a name of its own in the export, or map the column by the name given here",
    )


def _blank_to_missing(frame: pd.DataFrame) -> pd.DataFrame:
    columns = {}
    for position in frame.columns:
        cells = pa.chunked_array(pa.array(frame[position], type=pa.large_string()))
        blank = pc.or_(pc.equal(cells, ""), pc.utf8_is_space(cells))
        columns[position] = pd.Series(pc.if_else(blank, None, cells), dtype="str", index=frame.index)
    return pd.DataFrame(columns, columns=frame.columns, index=frame.index)


def _cells(row: Sequence[str | float]) -> list[str]:
    return [cell.strip() for cell in row if isinstance(cell, str)]


def _drop_footer(frame: pd.DataFrame, *, file: str, log: IssueLog) -> pd.DataFrame:
    tail = [_cells(row) for row in frame.tail(TAIL).itertuples(index=False)]
    start = find_footer(tail, width=frame.shape[1])
    if start is None:
        return frame
    n_kept = len(frame) - (len(tail) - start)
    told = [(row, " ".join(cells)) for row, cells in zip(frame.index[n_kept:], tail[start:], strict=True) if cells]
    log.add_rows(
        file=file,
        rows=[row for row, _ in told],
        values=[text for _, text in told],
        code="report_footer",
        severity="note",
        message="This row is a report's footer, not data; it was left out",
        cure="Nothing to do; choose 'details only' in the report export to be rid of it",
    )
    return frame.iloc[:n_kept]


def _drop_leading_total(frame: pd.DataFrame, *, file: str, log: IssueLog) -> pd.DataFrame:
    """Leave out a total printed right under the header (first cells blank), told by its label or by its sums."""
    if frame.shape[1] < 2 or len(frame) < 3:
        return frame
    for position in range(2):
        row = frame.iloc[position]
        cells = _cells(row)
        labelled = any(GRAND_TOTAL.match(cell) for cell in cells) and is_total(cells)
        if labelled or (pd.isna(row.iloc[0]) and cells and _adds_up(frame, position)):
            log.add(
                file=file,
                row=int(frame.index[position]),
                code="total_row",
                severity="note",
                value=" ".join(cells),
                message="This row is the total of the rows under it; it was left out",
                cure="Nothing to do",
            )
            return frame.drop(frame.index[position])
    return frame


def _adds_up(frame: pd.DataFrame, position: int) -> bool:
    """Tell whether a row without labels is the sum of all rows below it in at least one column."""
    row, below = frame.iloc[position], frame.iloc[position + 1 :]
    if any(not NUMBER.match(cell) for cell in _cells(row)) or below.iloc[:, 0].isna().any():
        return False
    for column in frame.columns[1:]:
        if pd.isna(row[column]):
            continue
        numbers = pd.to_numeric(below[column], errors="coerce")
        total = pd.to_numeric(row[column], errors="coerce")
        if numbers.notna().all() and total and abs(numbers.sum() - total) <= 1e-9 * abs(total):
            return True
    return False


def _drop_blank_rows(frame: pd.DataFrame, *, file: str, log: IssueLog) -> pd.DataFrame:
    blank = frame.isna().all(axis=1).to_numpy()
    if not blank.any():
        return frame
    n = int(blank.sum())
    log.add(
        file=file,
        row=int(frame.index[blank][0]),
        code="blank_rows",
        severity="note",
        value=n,
        message=f"{n:,} blank row{'s' if n > 1 else ''} left out, the first one here",
        cure="Nothing to do",
    )
    return frame[~blank]


def _drop_repeated_headers(
    frame: pd.DataFrame, header: Sequence[str], *, file: str, log: IssueLog
) -> tuple[pd.DataFrame, int]:
    repeated = np.ones(len(frame), dtype=bool)
    for position, name in enumerate(header):
        if not repeated.any():
            return frame, 0
        cells = frame[position]
        same = cells.isna() if is_blank(name) else cells.str.strip().eq(name.replace("\ufeff", "").strip())
        repeated &= same.fillna(False).to_numpy(dtype=bool)
    if not repeated.any():
        return frame, 0
    log.add_rows(
        file=file,
        rows=frame.index[repeated].tolist(),
        values=[",".join(header)] * int(repeated.sum()),
        code="repeated_header",
        severity="warning",
        message="The header stands here again among the data; the row was put aside",
        cure="Nothing to do; this comes from files pasted together, so check that no rows stand in it twice",
    )
    return frame[~repeated], int(repeated.sum())
