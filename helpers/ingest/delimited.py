"""Split delimited text into rows and cells: separator, header, well-formed rows fast, malformed ones by name."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import compress

import numpy as np
import pyarrow as pa

from helpers.errors import DataError
from helpers.ingest.encodings import decode
from helpers.ingest.layout import TAIL, Sheet, as_frame, find_footer, find_header, find_width, is_blank, require_header
from helpers.issues import IssueLog

SEPARATORS = (",", ";", "\t", "|")
SAMPLE = 1 << 18
"""Separator and header are told from this many characters."""

MOST_UNCLOSED = 50
"""A file with more unclosed quotes than this is refused as damaged."""


@dataclass(frozen=True)
class _Start:
    """Where the table begins: separator, header cells, the header's row, and where the rows under it start."""

    separator: str
    header: list[str]
    header_row: int
    offset: int
    below: list[list[str]]


def read_delimited(
    content: bytes, *, file: str, log: IssueLog, encoding: str | None = None, separator: str | None = None
) -> Sheet:
    """Read delimited text.

    Args:
        content: The file's bytes.
        file: Its name, for issues.
        log: Takes rows put aside and whatever had to be decided.
        encoding: The encoding, where known.
        separator: The sign between cells, where known.

    Returns:
        The table as text, every row as wide as the header.

    Raises:
        DataError: The bytes are no text, or there is no header.
    """
    text, encoding = decode(content, file=file, log=log, encoding=encoding)
    start = _find_start(text, file=file, separator=separator)
    require_header(start.header, start.below, file=file, row=start.header_row)
    body = text[start.offset :].rstrip("\r\n")
    if not body:
        empty = [pa.array([], type=pa.large_string())] * len(start.header)
        frame = as_frame(empty, np.array([], dtype="int64"))
        return Sheet(tuple(start.header), frame, start.header_row, encoding, start.separator)
    columns = _split_well_formed(body, start.separator, len(start.header))
    if columns is not None:
        rows = np.arange(start.header_row + 1, start.header_row + 1 + len(columns[0]))
        return Sheet(tuple(start.header), as_frame(columns, rows), start.header_row, encoding, start.separator)
    is_cut_off = not text.endswith(("\n", "\r"))
    return _split_with_faults(body, start, encoding=encoding, is_cut_off=is_cut_off, file=file, log=log)


def _find_start(text: str, *, file: str, separator: str | None) -> _Start:
    """Find separator and header from the first rows."""
    skipped = 0
    offset = 0
    first_line = text[:40].splitlines()[0] if text[:40].splitlines() else ""
    if first_line.lower().startswith("sep=") and len(first_line) == 5:
        separator = separator or first_line[4]
        skipped = 1
        offset = len(first_line) + (2 if text[5:7] == "\r\n" else 1)
    sample = text[offset : offset + SAMPLE]
    if len(text) - offset > SAMPLE:
        sample = sample[: max(sample.rfind("\n"), sample.rfind("\r")) + 1] or sample
    best: tuple[tuple[float, ...], _Start] | None = None
    for candidate in [separator] if separator else SEPARATORS:
        records, ends = _split_sample(sample, candidate)
        width = find_width(records)
        place = find_header(records, width=width)
        if place is None:
            continue
        header = records[place]
        filled = [row for row in records[place:] if not all(map(is_blank, row))]
        agreement = sum(len(row) == width for row in filled) / len(filled)
        before = sum(not all(map(is_blank, row)) for row in records[:place] if not row[:1] or row[0][:1] != "#")
        score = (width > 1, agreement >= 0.8, before == 0, width, agreement)
        start = _Start(candidate, header, skipped + place + 1, offset + ends[place], records[place + 1 :])
        if best is None or score > best[0]:
            best = (score, start)
    if best is None:
        raise DataError(f"[{file}] has no row of column names. Export it again with a header")
    return _match_width(best[1], file=file)


def _match_width(start: _Start, *, file: str) -> _Start:
    """Widen a header over cells that are blank in nearly every row; refuse one that is too short for its rows."""
    header = list(start.header)
    filled = [row for row in start.below if not all(map(is_blank, row))]
    width = find_width(filled)
    wider = [row for row in filled if len(row) == width > len(header)]
    if len(wider) * 2 > len(filled):
        if sum(any(not is_blank(cell) for cell in row[len(header) :]) for row in wider) * 2 > len(wider):
            raise DataError(
                f"[{file}, row {start.header_row}] names {len(header)} columns, but most rows have {width} cells, so "
                "no cell can be told to be another column's. Give every column a name"
            )
        header += [""] * (width - len(header))
    return _Start(start.separator, header, start.header_row, start.offset, start.below)


def _split_sample(sample: str, separator: str) -> tuple[list[list[str]], list[int]]:
    """Split the first rows, and tell at which character each of them ends."""
    records: list[list[str]] = []
    ends: list[int] = []
    read = 0

    def lines() -> Iterator[str]:
        nonlocal read
        for line in io.StringIO(sample, newline=""):
            read += len(line)
            yield line

    reader = csv.reader(lines(), delimiter=separator)
    try:
        for record in reader:
            records.append(record)
            ends.append(read)
            if len(records) >= 2000:
                break
    except csv.Error:
        pass  # a cell beyond every limit: the rows so far must do
    return records, ends


def _split_well_formed(body: str, separator: str, width: int) -> list[pa.ChunkedArray] | None:
    """Split rows that all have as many cells as the header; None where one of them hasn't."""
    from pyarrow import csv as arrow_csv

    names = [str(position) for position in range(width)]
    try:
        table = arrow_csv.read_csv(
            pa.py_buffer(body.encode()),
            read_options=arrow_csv.ReadOptions(column_names=names, block_size=1 << 24),
            parse_options=arrow_csv.ParseOptions(
                delimiter=separator, newlines_in_values=True, ignore_empty_lines=False
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False
            ),
        )
    except (pa.ArrowInvalid, UnicodeEncodeError):
        return None
    last = table.column(width - 1)
    if body.count('"') % 2 and len(last) and any(sign in last[-1].as_py() for sign in "\r\n"):
        return None  # a quote that is never closed has swallowed the rest of the file
    return table.columns


def _split_with_faults(body: str, start: _Start, *, encoding: str, is_cut_off: bool, file: str, log: IssueLog) -> Sheet:
    """Split rows one by one and put those aside whose cells can't be told apart."""
    width = len(start.header)
    records, unclosed = _split_records(body, start.separator, file=file)
    raw = records.copy()
    lengths = np.fromiter(map(len, records), dtype="int64", count=len(records))
    for position in np.flatnonzero(lengths > width):
        if all(map(is_blank, records[position][width:])):
            records[position] = records[position][:width]
            lengths[position] = width
    totals = {p for p in np.flatnonzero(lengths == width + 1).tolist() if _has_grand_total(records[p])}
    too_many = [p for p in np.flatnonzero(lengths > width).tolist() if p not in totals | unclosed]
    footer = find_footer([[cell for cell in row if not is_blank(cell)] for row in records[-TAIL:]], width=width)
    end = len(records) if footer is None else max(len(records) - TAIL, 0) + footer
    short = [p for p in np.flatnonzero(lengths < width).tolist() if p < end and p not in unclosed]
    short = [p for p in short if not all(map(is_blank, records[p]))]
    too_few = _pick_too_few(records, short, width, is_cut_off=is_cut_off)
    for position in np.flatnonzero(lengths < width):
        records[position] = [*records[position], *[""] * (width - lengths[position])]
    is_kept = np.ones(len(records), dtype=bool)
    is_kept[[*totals, *too_many, *too_few, *unclosed]] = False
    _log_faults(raw, too_many=too_many, too_few=too_few, unclosed=sorted(unclosed), totals=sorted(totals),
                padded=sorted(set(short) - set(too_few)), start=start, file=file, log=log)  # fmt: skip
    columns = [pa.array(cells, type=pa.large_string()) for cells in zip(*compress(records, is_kept), strict=True)]
    columns = columns or [pa.array([], type=pa.large_string())] * width
    frame = as_frame(columns, np.flatnonzero(is_kept) + start.header_row + 1)
    n_quarantined = len(too_many) + len(too_few) + len(unclosed)
    return Sheet(tuple(start.header), frame, start.header_row, encoding, start.separator, n_quarantined=n_quarantined)


def _has_grand_total(cells: list[str]) -> bool:
    return is_blank(cells[0]) and cells[-1].strip().casefold() in ("grand total", "grand totals", "total", "totals")


def _pick_too_few(records: list[list[str]], short: list[int], width: int, *, is_cut_off: bool) -> list[int]:
    """Pick the short rows that did not merely leave out blanks at their end.

    A short row is taken to have left out trailing blanks where some full row is blank in all the cells that it
    lacks, too. The last row of a file without a line end may have been cut off and is never trusted.
    """
    fewest = width
    for record in records:
        if len(record) >= width:
            filled = width
            while filled and is_blank(record[filled - 1]):
                filled -= 1
            if filled:
                fewest = min(fewest, filled)
    bad = []
    for position in short:
        record = records[position]
        is_last = position == len(records) - 1
        if len(record) < fewest or (is_last and is_cut_off):
            bad.append(position)
    return bad


def _split_records(body: str, separator: str, *, file: str) -> tuple[list[list[str]], set[int]]:
    """Split all rows; a row whose quote is never closed is given up alone and reading goes on in the next line."""
    lines = list(io.TextIOWrapper(io.BytesIO(body.encode(errors="replace")), encoding="utf-8", newline=""))
    records: list[list[str]] = []
    unclosed: set[int] = set()
    begin = 0
    while begin < len(lines):
        reader = csv.reader(lines[begin:], delimiter=separator)
        consumed = 0
        fault = False
        try:
            for record in reader:
                raw_start, consumed = consumed, reader.line_num
                records.append(record)
            if consumed and record and any(sign in record[-1] for sign in "\r\n"):
                fault = sum(line.count('"') for line in lines[begin + raw_start :]) % 2 == 1
                consumed = raw_start if fault else consumed
                records = records[:-1] if fault else records
        except csv.Error:
            fault = True
        begin += consumed
        if fault:
            if len(unclosed) >= MOST_UNCLOSED:
                raise DataError(f"[{file}] has more than {MOST_UNCLOSED} quotes that are never closed. Export it again")
            unclosed.add(len(records))
            records.append([lines[begin].rstrip("\r\n")])
            begin += 1
    return records, unclosed


def _log_faults(
    records: list[list[str]],
    *,
    too_many: list[int],
    too_few: list[int],
    unclosed: list[int],
    totals: list[int],
    padded: list[int],
    start: _Start,
    file: str,
    log: IssueLog,
) -> None:
    width, sign = len(start.header), start.separator
    escape = f"Put cells that hold a '{sign}' or a line break in double quotes, and export it again"
    faults = [
        (too_many, "too_many_cells", "error", f"The row has more cells than the header's {width}; it was put aside",
         escape),
        (too_few, "too_few_cells", "error", f"The row has fewer cells than the header's {width}; it was put aside",
         "Export it again; a last row that is cut off means that the file is incomplete"),
        (unclosed, "unclosed_quote", "error", "A double quote opens here and is never closed; the row was put aside",
         "Double the quote or remove it in the CRM, and export it again"),
        (totals, "total_row", "note", "This row is the total of the rows under it; it was left out", "Nothing to do"),
    ]  # fmt: skip
    for positions, code, severity, message, cure in faults:
        log.add_rows(
            file=file,
            rows=[position + start.header_row + 1 for position in positions],
            values=[sign.join(records[position])[:200] for position in positions],
            code=code,
            severity=severity,
            message=message,
            cure=cure,
        )
    if padded:
        log.add(
            file=file,
            row=padded[0] + start.header_row + 1,
            code="trailing_blanks_left_out",
            severity="note",
            value=len(padded),
            message=f"{len(padded):,} rows leave out blank cells at their end, the first one here; they were added",
            cure="Nothing to do",
        )
