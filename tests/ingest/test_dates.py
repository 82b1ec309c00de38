"""Dates: read by the whole column's evidence, in the company's time zone, every doubt told."""

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.errors import DataError
from helpers.ingest.dates import detect_date_conventions, detect_date_order, parse_dates
from helpers.issues import IssueLog


def column(values):
    return pd.Series(values, dtype="str", index=pd.RangeIndex(2, 2 + len(values), name="source_row"))


def parse(values, *, time_zone="Europe/Amsterdam", **options):
    log = IssueLog()
    parsed = parse_dates(column(values), file="deals.csv", column="closed", log=log, time_zone=time_zone, **options)
    assert str(parsed.dtype) == "datetime64[us]"
    return [None if pd.isna(moment) else moment.isoformat(" ") for moment in parsed], log.to_frame()


def day(text):
    return f"{text} 00:00:00"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2016-10-20", "2016-10-20 00:00:00"),
        ("2016-10-20 14:05", "2016-10-20 14:05:00"),
        ("2016-10-20T14:05:06", "2016-10-20 14:05:06"),
        ("2016-10-20 14:05:06.123", "2016-10-20 14:05:06.123000"),
        ("2022-04-14 4:30:42", "2022-04-14 04:30:42"),
        ("2016.10.20", "2016-10-20 00:00:00"),
        ("2016.10.20.", "2016-10-20 00:00:00"),
        ("2016/10/20 14:05", "2016-10-20 14:05:00"),
        ("20161020", "2016-10-20 00:00:00"),
        ("20161020.0", "2016-10-20 00:00:00"),
        ("2024041623", "2024-04-16 23:00:00"),
        ("20161020140506", "2016-10-20 14:05:06"),
        ("20-10-16", "2016-10-20 00:00:00"),
        ("10/20/2016", "2016-10-20 00:00:00"),
        ("10/20/2016 2:05 PM", "2016-10-20 14:05:00"),
        ("10/20/2016, 12:05:06\u202fam", "2016-10-20 00:05:06"),
        ("20.10.2016", "2016-10-20 00:00:00"),
        ("20-Oct-16", "2016-10-20 00:00:00"),
        ("20-Oct-2016", "2016-10-20 00:00:00"),
        ("Oct 20, 2016", "2016-10-20 00:00:00"),
        ("October 20th, 2016", "2016-10-20 00:00:00"),
        ("20 Oct 2016 14:05", "2016-10-20 14:05:00"),
        ("Thu, 20 Oct 2016 14:05:00", "2016-10-20 14:05:00"),
        ("20. Oktober 2016", "2016-10-20 00:00:00"),
        ("20 août 2016", "2016-08-20 00:00:00"),
        ("\u00a02016-10-20 ", "2016-10-20 00:00:00"),
        ("42663", "2016-10-20 00:00:00"),
        ("42663.5", "2016-10-20 12:00:00"),
        ("2016-02-29", "2016-02-29 00:00:00"),
        ("31-Dec-69", "1969-12-31 00:00:00"),
    ],
)
def test_date_in_each_spelling(text, moment):
    found, issues = parse([text])
    assert found == [moment]
    assert issues.empty


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-31T22:30Z", "2026-04-01 00:30:00"),  # summer time since 29 March
        ("2026-03-28T22:30Z", "2026-03-28 23:30:00"),
        ("2026-03-28T23:30:00Z", "2026-03-29 00:30:00"),
        ("2026-03-31 22:30:00 UTC", "2026-04-01 00:30:00"),
        ("2026-03-31T22:30:00.000+0000", "2026-04-01 00:30:00"),
        ("2026-03-31T22:30:00-05:00", "2026-04-01 05:30:00"),
        ("Tue Mar 31 2026 22:30:00 GMT+0200 (CEST)", "2026-03-31 22:30:00"),
        ("1774996200000", "2026-04-01 00:30:00"),
        ("1774996200", "2026-04-01 00:30:00"),
        ("2026-03-31T22:30", "2026-03-31 22:30:00"),  # without an offset it is local already
    ],
)
def test_stated_offsets_are_converted_to_the_companys_time_zone(text, moment):
    assert parse([text])[0] == [moment]


def test_conversion_follows_the_zone_given():
    assert parse(["2026-04-01T03:30Z"], time_zone="America/New_York")[0] == ["2026-03-31 23:30:00"]


@pytest.mark.parametrize("text", ["2021-02-29", "2016-13-01", "2016-10-20 24:00", "20 Foo 2016", "soon", "Q4 2016"])
def test_what_is_no_date_is_missing_and_told(text):
    found, issues = parse(["2016-10-20", text])
    assert found == [day("2016-10-20"), None]
    assert issues[["file", "row", "column", "code", "severity", "value"]].values.tolist() == [
        ["deals.csv", 3, "closed", "not_a_date", "error", text]
    ]
    assert "Correct it in the CRM" in issues["cure"][0]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("9999-12-31", "end_of_time_date"),
        ("9999-12-31T23:59:59Z", "end_of_time_date"),
        ("2050-01-01 00:00:00", "end_of_time_date"),
        ("1970-01-01", "placeholder_date"),
        ("1970-01-01T00:00:00Z", "placeholder_date"),
        ("1900-01-01", "placeholder_date"),
        ("0001-01-01", "placeholder_date"),
        ("0216-10-20", "implausible_date"),
    ],
)
def test_dates_that_stand_for_nothing_are_missing_and_told(text, code):
    found, issues = parse(["2016-10-20", text])
    assert found[1] is None
    assert issues[["row", "code", "severity", "value"]].values.tolist() == [[3, code, "warning", text]]


def test_last_plausible_day_stays():
    assert parse(["2049-12-31", "1970-01-01 09:00"])[0] == [day("2049-12-31"), "1970-01-01 09:00:00"]


def test_blanks_are_missing_without_an_error():
    found, issues = parse([None, "", "n/a", "-", "2016-10-20"])
    assert found == [None, None, None, None, day("2016-10-20")]
    assert set(issues["severity"]) == {"note"}


def test_day_above_12_decides_the_whole_column():
    assert parse(["01/03/2017", "13/03/2017"])[0] == [day("2017-03-01"), day("2017-03-13")]
    assert parse(["01/03/2017", "03/13/2017"])[0] == [day("2017-01-03"), day("2017-03-13")]


def test_column_without_evidence_is_asked_for_and_not_guessed():
    """Only 02/02/2017 means the same either way."""
    found, issues = parse(["01/03/2017", "02/02/2017", "04/05/2017"])
    assert found == [None, day("2017-02-02"), None]
    assert issues[["row", "code", "severity", "value"]].values.tolist() == [
        [2, "ambiguous_date_order", "error", "01/03/2017"]
    ]
    assert "in 2 rows" in issues["message"][0]
    assert '[files."deals.csv"]\ndate_order = "day-first"' in issues["cure"][0]
    assert detect_date_order(column(["01/03/2017"])).is_ambiguous


def test_column_that_contradicts_itself_is_not_decided_by_majority():
    values = ["13/02/2017"] * 3 + [f"{number}/02/2017" for number in range(14, 20)] + ["02/13/2017", "01/02/2017"]
    found, issues = parse(values)
    assert found == [None] * len(values)
    assert issues["code"].tolist() == ["ambiguous_date_order"]


def test_single_slip_does_not_undo_a_decided_order():
    """48 values can only be day first, one only month first: that one is an issue."""
    values = [f"{d}/{m:02}/2017" for m in (1, 2, 3) for d in range(13, 29)] + ["02/13/2017", "01/02/2017"]
    found, issues = parse(values)
    assert found[-2:] == [None, day("2017-02-01")]
    assert issues[["row", "code", "value"]].values.tolist() == [[50, "not_a_date", "02/13/2017"]]


def test_order_that_a_person_gave_goes_before_evidence():
    assert parse(["01/03/2017"], order="day-first")[0] == [day("2017-03-01")]
    assert parse(["01/03/2017"], order="month-first")[0] == [day("2017-01-03")]
    with pytest.raises(DataError, match="Allowed are day-first, month-first, year-first"):
        parse(["01/03/2017"], order="dmy")


def test_other_columns_of_the_file_settle_an_open_order():
    frame = pd.DataFrame(
        {"a": ["01/03/2017", "02/04/2017"], "b": ["13/03/2017", None], "c": ["01-03-2017", "02-04-2017"]}, dtype="str"
    )
    found = detect_date_conventions(frame)
    assert found["a"].order == "day-first" and "'b'" in found["a"].evidence
    assert found["c"].is_ambiguous  # another style says nothing
    assert parse(frame["a"].tolist(), convention=found["a"])[0] == [day("2017-03-01"), day("2017-04-02")]


def test_columns_that_disagree_settle_nothing():
    frame = pd.DataFrame({"a": ["01/03/2017"], "b": ["13/03/2017"], "c": ["03/13/2017"]}, dtype="str")
    assert detect_date_conventions(frame)["a"].is_ambiguous


def test_dotted_dates_are_day_first():
    assert parse(["01.03.2017"])[0] == [day("2017-03-01")]


def test_two_digit_year_in_front_is_told_by_the_span_of_years():
    """As dd-mm-yy these would span 2002 to 2030."""
    assert parse(["16-10-20", "17-03-02", "16-11-30"])[0] == [day("2016-10-20"), day("2017-03-02"), day("2016-11-30")]
    assert parse(["20-10-16", "02-03-17", "30-11-16"])[0] == [day("2016-10-20"), day("2017-03-02"), day("2016-11-30")]


def test_the_argument_is_not_changed_and_the_index_is_kept():
    series = column(["2016-10-20", None, "2016-10-20"])
    before = series.copy()
    log = IssueLog()
    parsed = parse_dates(series, file="a.csv", column="d", log=log, time_zone="UTC")
    pd.testing.assert_series_equal(series, before)
    assert parsed.index.equals(series.index)


def test_empty_column_gives_an_empty_result():
    assert parse([])[0] == []
    assert detect_date_order(column([None, "n/a"])) is None


SPELLINGS = [
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d-%m-%Y", "%m/%d/%Y", "%d.%m.%Y", "%d/%m/%Y", "%m-%d-%Y",
    "%d %b %Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y", "%d-%m-%y", "%m/%d/%y",
]  # fmt: skip


@given(
    days=st.lists(st.dates(dt.date(2001, 2, 1), dt.date(2024, 12, 31)), min_size=1, max_size=30),
    spelling=st.sampled_from(SPELLINGS),
    time=st.sampled_from(["", " %H:%M", " %H:%M:%S", " %I:%M:%S %p"]),
    clock=st.times(),
)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_spelling_with_one_day_above_12_gives_the_same_dates(days, spelling, time, clock):
    """2010-01-25 decides the order of day and month, whatever else the column holds."""
    moments = [dt.datetime.combine(d, clock.replace(microsecond=0)) for d in [*days, dt.date(2010, 1, 25)]]
    found, issues = parse([moment.strftime(spelling + time) for moment in moments])
    shown = "%Y-%m-%d " + {"": "00:00:00", " %H:%M": "%H:%M:00"}.get(time, "%H:%M:%S")
    assert issues.empty
    assert found == [moment.strftime(shown) for moment in moments]
