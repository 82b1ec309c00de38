"""What a column holds, told by all its values."""

import pandas as pd
import pytest

from helpers.ingest.profiles import profile_column


def profile(values):
    return profile_column(pd.Series(values, dtype="str", name="x"))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([None, "", "NULL"], "empty"),
        (["Won", "Lost", "Won"], "text"),
        (["TRUE", "FALSE", None], "boolean"),
        (["1", "0"], "boolean"),
        (["1", "1"], "number"),
        (["2016-10-20", "n/a"], "date"),
        (["20-10-16", "01-03-17"], "date"),
        (["2024041623", "2024041700"], "date"),
        (["43000", "43001.5"], "number"),
        (["1,200.50", "$3"], "number"),
        (["12 %", "5 %"], "number"),
        (["1580000000", "1590000001"], "id"),
        (["5420aad7fec3549a85876ba1c529bd84"], "id"),
        (["1C1I7A6R", "Z063OYW0"], "id"),
        (["0065g00000ABCDEAA4", "0065g00000ABCDFAA4"], "id"),
        (["1", "2", "3"], "id"),
        (["2019", "2020", "2022"], "number"),
        (["Q4 2016", "Q1 2017"], "text"),
        (["20-50", "1-5"], "text"),
        (["1.2.3", "1.2.4"], "text"),
    ],
)
def test_kind_of_a_column(values, kind):
    assert profile(values).kind == kind


def test_profile_counts_over_all_rows():
    found = profile(["a", "b", "b", None, " "])
    assert (found.n, found.n_filled, found.n_distinct, found.fill_rate) == (5, 3, 2, 0.6)
    assert not found.is_unique
    assert found.samples == ("a", "b")


def test_profile_of_dates_and_amounts_says_how_they_are_written():
    dates = profile(["20/10/2016 14:05", "01/03/2017 09:00"])
    assert (dates.date_order, dates.has_time, dates.decimal) == ("day-first", True, None)
    amounts = profile(["1.200,50 €", "3,20 €"])
    assert (amounts.decimal, amounts.currencies) == ("comma", {"EUR"})


def test_single_late_date_in_a_long_column_is_seen():
    """The one value above 12 stands last among 3,000."""
    values = [f"{d:02}/{m:02}/{y}" for y in range(1990, 2011) for m in range(1, 13) for d in range(1, 13)]
    assert profile(values).date.is_ambiguous
    assert profile([*values, "12/31/2011"]).date_order == "month-first"
