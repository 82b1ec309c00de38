"""Numbers: the decimal sign is decided over the whole column, and nothing is guessed silently."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.errors import DataError
from helpers.ingest.numbers import currency_of, detect_currency, detect_number_convention, parse_numbers
from helpers.issues import IssueLog


def column(values):
    return pd.Series(values, dtype="str", index=pd.RangeIndex(2, 2 + len(values), name="source_row"))


def parse(values, **options):
    log = IssueLog()
    parsed = parse_numbers(column(values), file="deals.csv", column="amount", log=log, **options)
    assert str(parsed.dtype) == "float64"
    return [None if math.isnan(number) else number for number in parsed], log.to_frame()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1054", 1054), ("1054.0", 1054), ("-5", -5), ("+5", 5), ("5-", -5), ("(5)", -5), ("−5", -5), (".5", 0.5),
        ("12.", 12), ("1,200.50", 1200.5), ("1.200,50", 1200.5), ("1 200,50", 1200.5), ("1\u00a0200,50", 1200.5),
        ("1\u202f200,50", 1200.5), ("1'200.50", 1200.5), ("1,200,000", 1.2e6), ("12,34,567.8", 1234567.8),
        ("1.200.000", 1.2e6), ("€ 1.200,50", 1200.5), ("1.200,50 €", 1200.5), ("$1,200.50", 1200.5),
        ("-$5", -5), ("$-5", -5), ("($5)", -5), ("$ (5.00)", -5), ("USD 1,200.50", 1200.5), ("1,200.50 USD", 1200.5),
        ("US$ 5", 5), ("5 kr", 5), ("CHF 1'200.50", 1200.5), ("1e3", 1000), ("1.5E+03", 1500), ("1.2k", 1200),
        ("1.2M", 1.2e6), ("€3bn", 3e9), ("007", 7), ("0,5", 0.5),
    ],
)  # fmt: skip
def test_number_in_each_spelling(text, number):
    found, issues = parse([text])
    assert found == [pytest.approx(number)]
    assert issues.empty


@pytest.mark.parametrize(
    "text", ["abc", "1e999", "2016-10-20", "020 123 4567", "1.2.3", "XYZ 5", "(5", "5)", "1 2", "∞"]
)
def test_what_is_no_number_is_missing_and_told(text):
    found, issues = parse(["1.5", text])
    assert found == [1.5, None]
    assert issues[["file", "row", "column", "code", "severity", "value"]].values.tolist() == [
        ["deals.csv", 3, "amount", "not_a_number", "error", text]
    ]


def test_column_decides_what_a_single_sign_means():
    assert parse(["1,234", "1,5"])[0] == [1.234, 1.5]
    assert parse(["1,234", "1.5"])[0] == [1234, 1.5]
    assert parse(["1.234", "0.125"])[0] == [1.234, 0.125]


def test_three_digits_after_every_sign_are_thousands_and_it_is_told():
    for text, sign in (("1,234", "comma"), ("1.234", "point")):
        found, issues = parse([text, text.replace("1", "5", 1), "12"])
        assert found == [1234, 5234, 12]
        assert issues[["code", "severity"]].values.tolist() == [["assumed_thousands", "warning"]]
        assert f'[files."deals.csv"]\ndecimal = "{sign}"' in issues["cure"][0]


def test_point_beside_long_whole_numbers_is_decimal():
    """Nobody who writes 4514 without a sign sets off the thousands of 1.234."""
    found, issues = parse(["1.234", "4514"])
    assert found == [1.234, 4514]
    assert issues.empty


def test_column_that_uses_both_signs_as_decimal_is_asked_for():
    """1.200,50 can be read by itself; 1,5 and 1.5 can't be both."""
    found, issues = parse(["1,5", "1.5", "1.200,50", "7"])
    assert found == [None, None, 1200.5, 7]
    assert set(issues["code"]) == {"ambiguous_decimal"}
    assert issues["row"].tolist() == [2, 3]


def test_wrongly_grouped_thousands_are_told():
    values = [f"{number}.5" for number in range(40)] + ["1,23"]
    found, issues = parse(values)
    assert found[-1] is None
    assert issues[["row", "code"]].values.tolist() == [[42, "not_a_number"]]


def test_decimal_that_a_person_gave_goes_before_evidence():
    assert parse(["1,234"], decimal="comma")[0] == [1.234]
    assert parse(["1.234"], decimal="point")[0] == [1.234]
    with pytest.raises(DataError, match="Allowed are point, comma"):
        parse(["1"], decimal=",")


def test_percentages_are_shares_where_wanted_and_told_where_not():
    assert parse(["12.5 %", "20%", "3"], percent=True)[0] == [0.125, 0.2, 3]
    found, issues = parse(["12.5 %", "3"])
    assert found == [None, 3]
    assert issues["code"].tolist() == ["percent_in_number"]


def test_blanks_are_missing_without_an_error():
    found, issues = parse([None, "", "-", "n/a", "5"])
    assert found == [None, None, None, None, 5]
    assert set(issues["severity"]) == {"note"}


def test_currencies_are_told_by_sign_and_code():
    assert detect_currency(column(["€5", "5 USD", "7", "£3", "zł 4"])) == {"EUR", "USD", "GBP", "PLN"}
    assert currency_of(column(["$5", "US$5", "kr 5"]), home="CAD").tolist() == ["CAD", "USD", "SEK"]
    assert detect_currency(column(["5", "abc"])) == set()


def test_column_without_numbers_has_no_convention():
    assert detect_number_convention(column(["abc", "1.2.3"])) is None
    assert detect_number_convention(column([None])) is None


@given(
    numbers=st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=30),
    style=st.sampled_from([(",", "."), (".", ","), (" ", ","), ("\u00a0", ","), ("'", "."), ("", "."), ("", ",")]),
    sign=st.sampled_from(["", "€", "USD "]),
)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_amounts_with_cents_are_read_in_any_style(numbers, style, sign):
    thousands, decimal = style
    texts = [
        f"{number / 100:,.2f}".replace(",", "T").replace(".", decimal).replace("T", thousands) for number in numbers
    ]
    found, issues = parse([text.replace("-", f"-{sign}") if "-" in text else sign + text for text in texts])
    assert issues.empty
    np.testing.assert_allclose(found, [number / 100 for number in numbers])
