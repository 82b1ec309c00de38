"""Expectations as drawn: the company first in every panel, one name per set of records, and an empty state in words."""

import pandas as pd
import pytest

from helpers.analyses.expectations import describe_expectations, expect_slices
from helpers.present.charts.expectations import draw_expectations, show_expectations
from tests.analyses.test_gap import AS_OF, HISTORY, NOW, make_deals
from tests.companies import make_company


@pytest.fixture(scope="module")
def expectations():
    deals = make_deals(factor=0.3).assign(country=lambda frame: frame["region"] + "land")
    deals["product"] = deals["product"].replace("A", '<script>alert("A")</script>')
    company = make_company({"deal": deals}, latest_event="2025-09-30")
    return expect_slices(company, period=NOW, history=HISTORY, as_of=AS_OF)


def test_the_title_says_what_lies_furthest_off(expectations) -> None:
    said = describe_expectations(expectations, NOW, "EUR")
    assert "numbers of Q3 2025 are not what was to be expected. First: Deals decided → deals won in North" in said


def test_picture_and_table_tell_each_set_of_records_once_and_names_do_no_harm(expectations) -> None:
    shown = draw_expectations(expectations, title="Title")
    assert "<script>" not in shown.svg
    for name in ("Company", "North", "Deals decided", "Deal size"):
        assert name in shown.text
    table = show_expectations(expectations, title="Title", max_rows=5)
    assert "<script>" not in table.html
    assert not ("Northland" in table.text and "Region: North" in table.text)


def test_nothing_to_expect_is_a_message(expectations) -> None:
    company = make_company({"deal": make_deals()}, latest_event="2025-09-30")
    nothing = expect_slices(company, period=NOW, history=[NOW], as_of=AS_OF)
    for show in (draw_expectations, show_expectations):
        assert "Nothing can be expected" in show(nothing, title="x").title
    assert isinstance(nothing.frame, pd.DataFrame)
