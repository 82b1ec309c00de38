"""Reading files exactly: text verbatim, row numbers as a spreadsheet shows them, bad rows by name."""

import csv
import datetime as dt
import io
import zipfile

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.errors import DataError
from helpers.ingest.files import read_table
from helpers.issues import IssueLog


def read(tmp_path, content, name="deals.csv", **options):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    log = IssueLog()
    return read_table(path, log=log, **options), log.to_frame()


def cells(raw):
    return raw.frame.astype(object).where(raw.frame.notna(), None).values.tolist()


def codes(issues):
    return issues["code"].tolist()


# --- text, rows and columns -------------------------------------------------------------------------------------


def test_cells_stay_as_written_and_blank_ones_are_missing(tmp_path):
    raw, issues = read(tmp_path, 'id,name,note\n007, Acme ,\u00a0\n8,"a ""b"", c",NULL\n')
    assert cells(raw) == [["007", " Acme ", None], ["8", 'a "b", c', "NULL"]]
    assert raw.columns == ("id", "name", "note")
    assert {str(kind) for kind in raw.frame.dtypes} == {"str"}
    assert issues.empty


def test_row_numbers_count_header_comments_and_blank_lines(tmp_path):
    """Row 1 comment, row 2 blank, row 3 header, rows 4, 6 and 8 data (row 6 has a line break in a quoted cell)."""
    raw, issues = read(tmp_path, '# made on Monday\n\nid,note\n1,a\n\n2,"b\nc"\n,\n3,d\n')
    assert raw.header_row == 3
    assert raw.frame.index.tolist() == [4, 6, 8]
    assert raw.frame.index.name == "source_row"
    assert raw.frame["note"].tolist() == ["a", "b\nc", "d"]
    assert issues["message"].tolist() == ["2 blank rows left out, the first one here"]


def test_row_numbers_stay_right_beside_ragged_rows(tmp_path):
    """Row 3 has a cell too many, row 4 one too few: both are put aside, rows 2 and 5 are read."""
    raw, issues = read(tmp_path, 'id,name,amount\n1,"a\nb",5\n2,c,6,7\n3,d\n4,e,8\n')
    assert raw.frame.index.tolist() == [2, 5]
    assert issues[["row", "code", "severity", "value"]].values.tolist() == [
        [3, "too_many_cells", "error", "2,c,6,7"],
        [4, "too_few_cells", "error", "3,d"],
    ]
    assert (raw.rows_read, raw.rows_quarantined) == (4, 2)


def test_row_that_leaves_out_trailing_blanks_is_completed(tmp_path):
    """Row 2 shows that the last cell may be blank, so row 3 has merely left it out."""
    raw, issues = read(tmp_path, "id,name,note\n1,a,\n2,b\n3,c,x\n")
    assert cells(raw) == [["1", "a", None], ["2", "b", None], ["3", "c", "x"]]
    assert codes(issues) == ["trailing_blanks_left_out"]


def test_cut_off_last_row_is_put_aside(tmp_path):
    raw, issues = read(tmp_path, "id,name,note\n1,a,\n2,b")
    assert raw.frame.index.tolist() == [2]
    assert codes(issues) == ["too_few_cells"]


def test_trailing_separators_beyond_the_header_are_no_cells(tmp_path):
    raw, issues = read(tmp_path, "id,name\n1,a,,\n2,b\n3,c,\n")
    assert cells(raw) == [["1", "a"], ["2", "b"], ["3", "c"]]
    assert issues.empty


def test_unclosed_quote_costs_one_row_only(tmp_path):
    rows = "".join(f"{number},x,y\n" for number in range(2000))
    raw, issues = read(tmp_path, f'id,name,note\n{rows}a,"b,c\n{rows}')
    assert len(raw.frame) == 4000
    assert issues[["row", "code", "value"]].values.tolist() == [[2002, "unclosed_quote", 'a,"b,c']]
    assert raw.frame.index[-1] == 4002


def test_unclosed_quote_in_the_last_column_swallows_nothing(tmp_path):
    raw, issues = read(tmp_path, 'id,note\n1,a\n2,"b\n3,c\n')
    assert cells(raw) == [["1", "a"], ["3", "c"]]
    assert codes(issues) == ["unclosed_quote"]


def test_exact_duplicates_stay(tmp_path):
    raw, _ = read(tmp_path, "id,name\n1,a\n1,a\n")
    assert len(raw.frame) == 2


def test_only_a_header_gives_an_empty_table(tmp_path):
    raw, issues = read(tmp_path, "id,name\n")
    assert raw.columns == ("id", "name")
    assert raw.frame.empty
    assert codes(issues) == ["no_rows"]


# --- headers ----------------------------------------------------------------------------------------------------


def test_names_are_unique_and_present(tmp_path):
    raw, issues = read(tmp_path, "Name, Name ,,Name (2),\n1,2,3,4,\n")
    assert raw.columns == ("Name", "Name (3)", "Column 3", "Name (2)")
    assert sorted(codes(issues)) == ["duplicate_column_name", "nameless_column"]


def test_header_below_a_title_is_found(tmp_path):
    raw, _ = read(tmp_path, "Pipeline report\n\nid,name,amount\n1,a,5\n2,b,6\n")
    assert raw.header_row == 3
    assert raw.frame.index.tolist() == [4, 5]


def test_file_without_header__error(tmp_path):
    with pytest.raises(DataError, match=r"row 1\] has no header: '2016-10-20' looks like a value"):
        read(tmp_path, "A1,2016-10-20,5\nA2,2016-10-21,6\n")


def test_row_numbers_without_a_name_get_one(tmp_path):
    raw, _ = read(tmp_path, ",name\n0,a\n1,b\n")
    assert raw.columns == ("Column 1", "name")


def test_years_as_column_names_are_a_header(tmp_path):
    raw, _ = read(tmp_path, "2023,2024,2025\n1,2,3\n")
    assert raw.columns == ("2023", "2024", "2025")


def test_header_shorter_than_its_rows__error(tmp_path):
    with pytest.raises(DataError, match="names 2 columns, but most rows have 3 cells"):
        read(tmp_path, "name,amount\n0,a,5\n1,b,6\n2,c,7\n")


def test_repeated_header_is_put_aside(tmp_path):
    raw, issues = read(tmp_path, "id,name\n1,a\nid,name\n2,b\n")
    assert raw.frame.index.tolist() == [2, 4]
    assert issues[["row", "code"]].values.tolist() == [[3, "repeated_header"]]


# --- what reports print around the data -------------------------------------------------------------------------


def test_salesforce_footer_is_left_out(tmp_path):
    footer = (
        '"","",""\n"Won deals"\n"Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved."\n'
        '"Confidential Information - Do Not Distribute"\n"Generated By:  A. Person  3/5/2026 10:34 AM"\n"Acme"\n'
    )
    raw, issues = read(tmp_path, '"Id","Name","Amount"\n"1","a","5"\n"2","b","6"\n' + footer)
    assert raw.frame.index.tolist() == [2, 3]
    assert set(codes(issues)) == {"report_footer"}
    assert issues["row"].tolist() == [5, 6, 7, 8, 9]


def test_grand_total_below_the_data_is_left_out(tmp_path):
    raw, issues = read(tmp_path, 'Name,Stage,Amount\nTotal,Won,5\nb,Won,6\n"Grand Totals (2 records)",,11\n')
    assert raw.frame["Name"].tolist() == ["Total", "b"]
    assert codes(issues) == ["report_footer"]


def test_sparse_last_rows_are_data(tmp_path):
    raw, issues = read(tmp_path, "id,name,stage,amount\n1,a,Won,5\n2,,,\n3,,,\n")
    assert raw.frame.index.tolist() == [2, 3, 4]
    assert issues.empty


def test_ga4_comments_and_grand_total_are_left_out(tmp_path):
    text = (
        "# ----------------------------------------,,\n# Traffic acquisition,,\n# 20240401-20240531,,\n"
        "# ----------------------------------------,,\n\nChannel,Date,Sessions\n,,30,Grand total\n"
        "Direct,20240401,10\nReferral,20240401,20\n"
    )
    raw, issues = read(tmp_path, text)
    assert raw.header_row == 6
    assert raw.frame.index.tolist() == [8, 9]
    assert issues[["row", "code"]].values.tolist() == [[7, "total_row"]]


def test_unlabelled_total_right_under_the_header_is_told_by_its_sum(tmp_path):
    raw, issues = read(tmp_path, "Channel,Sessions\n,30\nDirect,10\nReferral,20\n")
    assert raw.frame["Sessions"].tolist() == ["10", "20"]
    assert codes(issues) == ["total_row"]


def test_first_row_with_a_blank_that_is_no_sum_stays(tmp_path):
    raw, _ = read(tmp_path, "Channel,Sessions\n,31\nDirect,10\nReferral,20\n")
    assert len(raw.frame) == 3


# --- separators and encodings -----------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separator_is_told_from_the_rows(tmp_path, separator):
    other = ";" if separator == "," else ","
    rows = [["id", "name", "amount"], ["1", f"a{other}b", "1.5"], ["2", f"c{other}d", "2.5"]]
    raw, _ = read(tmp_path, "\n".join(separator.join(row) for row in rows) + "\n")
    assert raw.separator == separator
    assert cells(raw) == rows[1:]


def test_decimal_commas_do_not_look_like_separators(tmp_path):
    raw, _ = read(tmp_path, "id;amount\n1;1,5\n2;2,5\n3;3,5\n")
    assert raw.separator == ";"


def test_separator_line_of_a_spreadsheet_is_obeyed(tmp_path):
    raw, _ = read(tmp_path, "sep=;\r\nid;a,b\r\n1;2,3\r\n")
    assert raw.header_row == 2
    assert cells(raw) == [["1", "2,3"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "mac_roman"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_encoding_is_told_from_the_bytes(tmp_path, encoding, line_end):
    lines = ["id,name,city", "1,Zoë Müller,Köln", "2,José García,Málaga", "3,François Lefèvre,Besançon"]
    raw, _ = read(tmp_path, line_end.join(lines).encode(encoding))
    assert cells(raw) == [line.split(",") for line in lines[1:]]


def test_guessed_encoding_is_told(tmp_path):
    _, issues = read(tmp_path, "id,name\n1,Zoë\n".encode("cp1252"))
    assert issues[["code", "value", "severity"]].values.tolist() == [["encoding_guessed", "cp1252", "note"]]


def test_encoding_that_is_set_is_used(tmp_path):
    raw, _ = read(tmp_path, "id,name\n1,Łódź\n".encode("cp1250"), encoding="cp1250")
    assert cells(raw) == [["1", "Łódź"]]


def test_encoding_that_is_set_wrongly__error(tmp_path):
    with pytest.raises(DataError, match=r"row 2\] is not in the encoding 'utf-8'"):
        read(tmp_path, "id,name\n1,Zoë\n".encode("cp1252"), encoding="utf-8")


def test_few_bad_bytes_in_unicode_are_told_by_row(tmp_path):
    content = "id,name\n1,Zoë Müller Köln\n".encode() + "2,Jos\xe9\n".encode("cp1252")
    raw, issues = read(tmp_path, content)
    assert raw.frame["name"].tolist() == ["Zoë Müller Köln", "Jos\ufffd"]
    assert issues[["row", "code"]].values.tolist() == [[3, "undecodable_bytes"]]


def test_nul_characters_are_removed_and_told(tmp_path):
    raw, issues = read(tmp_path, "id,name\n" + "1,abcdefghijklmnopqrstuvwxyz\n" * 20 + "2,a\x00b\n")
    assert raw.frame["name"].iloc[-1] == "ab"
    assert issues[["row", "code", "value"]].values.tolist() == [[22, "nul_characters", "1"]]


# --- files that can't be read -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"\xef\xbb\xbf\r\n", "is empty"),
        ("a.csv", bytes(range(256)) * 40, "is no text"),
        ("a.csv", b"<html><table></table></html>", "is a web page"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600, "Excel 97–2003"),
        ("a.xlsx", b"id,name\n1,2\n", "is no Excel workbook"),
        ("a.xlsx", b"PK\x03\x04broken", "damaged workbook"),
        ("a.parquet", b"PAR1broken", "damaged Parquet file"),
        ("a.csv", b'"",\n,\n', "no row of column names"),
        ("a.csv", b"# only\n# comments\n", "no row of column names"),
        ("a.pdf", b"%PDF", "of a kind that can't be read: '.pdf'"),
    ],
)
def test_unreadable_file__error(tmp_path, name, content, text):
    with pytest.raises(DataError, match=text):
        read(tmp_path, content, name=name)


def test_missing_file__error(tmp_path):
    with pytest.raises(DataError, match="is not there"):
        read_table(tmp_path / "none.csv", log=IssueLog())


# --- workbooks and Parquet --------------------------------------------------------------------------------------


def workbook(rows, title="Deals", more=()):
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    for name, cells_of in more:
        sheet = book.create_sheet(name)
        for row in cells_of:
            sheet.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def test_workbook_values_are_shown_plainly(tmp_path):
    moment = dt.datetime(2016, 10, 20, 14, 5)
    rows = [["id", "day", "at", "amount", "won"], [7, dt.date(2016, 10, 20), moment, 1054.5, True]]
    raw, _ = read(tmp_path, workbook(rows), name="a.xlsx")
    assert cells(raw) == [["7", "2016-10-20", "2016-10-20 14:05:00", "1054.5", "TRUE"]]
    assert raw.sheet == "Deals"


def test_workbook_rows_are_numbered_as_shown(tmp_path):
    rows = [["Report"], [], ["id", "name"], [1, "a"], [None, None], [2, "b"]]
    raw, _ = read(tmp_path, workbook(rows), name="a.xlsx")
    assert raw.header_row == 3
    assert raw.frame.index.tolist() == [4, 6]


def test_workbook_error_cells_are_blank_and_told(tmp_path):
    raw, issues = read(tmp_path, workbook([["id", "amount"], [1, "#REF!"], [2, 5]]), name="a.xlsx")
    assert cells(raw) == [["1", None], ["2", "5"]]
    assert issues[["row", "column", "code", "value"]].values.tolist() == [[2, "amount", "error_cell", "#REF!"]]


def test_workbook_formula_without_result_is_told(tmp_path):
    raw, issues = read(tmp_path, workbook([["id", "amount"], [1, "=1+1"], [2, 5]]), name="a.xlsx")
    assert cells(raw)[0] == ["1", None]
    assert issues[["row", "code"]].values.tolist() == [[2, "formula_without_value"]]


def test_workbook_reads_the_first_sheet_with_data_or_the_one_named(tmp_path):
    content = workbook([], more=[("A", [["id", "x"], [1, 2]]), ("B", [["id", "y"], [3, 4]])])
    raw, issues = read(tmp_path, content, name="a.xlsx")
    assert raw.sheet == "A" and codes(issues) == ["other_sheets"]
    named, _ = read(tmp_path, content, name="a.xlsx", sheet="B")
    assert cells(named) == [["3", "4"]]
    with pytest.raises(DataError, match="has no sheet 'C'"):
        read(tmp_path, content, name="a.xlsx", sheet="C")


def test_workbook_under_another_name_is_read(tmp_path):
    raw, _ = read(tmp_path, workbook([["id", "x"], [1, 2]]), name="a.csv")
    assert cells(raw) == [["1", "2"]]


def test_workbook_that_unpacks_beyond_bounds__error(tmp_path, monkeypatch):
    monkeypatch.setattr("helpers.ingest.workbooks.LARGEST_UNPACKED", 1000)
    with pytest.raises(DataError, match="unpacks to"):
        read(tmp_path, workbook([["id", "x"], [1, 2]]), name="a.xlsx")


def test_truncated_workbook__error(tmp_path):
    content = workbook([["id", "x"], [1, 2]])
    with pytest.raises(DataError, match="damaged workbook"):
        read(tmp_path, content[: len(content) // 2], name="a.xlsx")


def test_archive_that_is_no_workbook__error(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("deals.csv", "id\n1\n")
    with pytest.raises(DataError, match="is an archive"):
        read(tmp_path, buffer.getvalue(), name="a.zip")


def test_parquet_values_are_shown_plainly(tmp_path):
    day = dt.datetime(2016, 10, 20)
    table = pa.table(
        {
            "id": pa.array([1, 2], pa.int64()),
            "amount": [1054.0, None],
            "day": pa.array([day, day], pa.timestamp("us")),
            "at": pa.array([day, day], pa.timestamp("us", "UTC")),
            "on": pa.array([day.date(), None], pa.date32()),
            "won": [True, False],
            "stage": pa.array(["Won", "Lost"]).dictionary_encode(),
        }
    )
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    raw, _ = read(tmp_path, buffer.getvalue(), name="a.parquet")
    assert cells(raw) == [
        ["1", "1054", "2016-10-20", "2016-10-20 00:00:00Z", "2016-10-20", "true", "Won"],
        ["2", None, "2016-10-20", "2016-10-20 00:00:00Z", None, "false", "Lost"],
    ]
    assert raw.frame.index.tolist() == [2, 3]


# --- whatever is written is read back ---------------------------------------------------------------------------

ALPHABET = st.characters(codec="cp1252", exclude_categories=["Cc", "Cf"], exclude_characters="\x00")
CELL = st.one_of(
    st.text(ALPHABET, max_size=8), st.sampled_from(['"', '"a" b', "a,b;c", "x\ny", "x\r\ny", "|", "\t", "#", "'"])
)


@given(
    rows=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=12),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
@settings(max_examples=120, deadline=None, derandomize=True)
def test_what_is_written_is_read_back(tmp_path_factory, rows, separator, encoding, line_end, quoting):
    """Text comes back cell by cell and rows keep their numbers, whatever the dialect (separator and encoding told)."""
    numbered = [(f"r{position}", *row, "end") for position, row in enumerate(rows)]
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=separator, lineterminator=line_end, quoting=quoting)
    writer.writerows([("key", "one", "two", "three", "last"), *numbered])
    path = tmp_path_factory.mktemp("dialect") / "a.csv"
    path.write_bytes(buffer.getvalue().encode(encoding))
    told = "cp1252" if encoding == "cp1252" else None
    raw = read_table(path, log=IssueLog(), encoding=told, separator=separator)
    expected = [[None if not cell.strip() else cell for cell in row] for row in numbered]
    assert cells(raw) == expected
    assert raw.frame.index.tolist() == list(range(2, 2 + len(rows)))


def test_reading_does_not_depend_on_the_quick_way(tmp_path, monkeypatch):
    """The same file read row by row gives the same table."""
    text = 'id,name,note\n1,"a ""x"", b",\n2,"c\nd",e\n\n3,f,"g"\n'
    quick, _ = read(tmp_path, text)
    monkeypatch.setattr("helpers.ingest.delimited._split_well_formed", lambda *_: None)
    slow, _ = read(tmp_path, text)
    pd.testing.assert_frame_equal(quick.frame, slow.frame)
