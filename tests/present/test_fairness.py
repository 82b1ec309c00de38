"""Fairness as drawn: who is cleared stands in blue, every step says what it was adjusted for, names do no harm."""

from datetime import date

import pytest

from helpers.analyses.fairness import describe_fairness, review_fairness
from helpers.periods import period_of
from helpers.present.charts.fairness import show_fairness
from tests.analyses.test_adjusted import EVEN, RATES, UNEVEN, make_deals
from tests.companies import make_company

HOSTILE = '=cmd|"<script>alert(1)</script>'
YEAR = period_of(date(2025, 12, 31), "year")


def review(deals):
    company = make_company({"deal": deals}, latest_event="2025-12-31")
    return review_fairness(company, period=YEAR, history=[YEAR], as_of=YEAR.end)


@pytest.fixture(scope="module")
def fairness():
    deals = make_deals(RATES, UNEVEN)
    return review(deals.assign(owner=deals["owner"].replace("Ada", HOSTILE)))


def test_panels_steps_and_who_is_cleared(fairness) -> None:
    picture, steps, cleared = show_fairness(fairness, title=describe_fairness(fairness))
    assert "Eve" in picture.text and "<script>" not in picture.svg + steps.html + cleared.html
    assert "source" in steps.text and "Win rate" in steps.text
    assert cleared.title.startswith("1 person is cleared")
    assert "Eve" in cleared.text and HOSTILE[-20:] not in cleared.text


def test_nobody_cleared_has_no_list_and_nobody_to_compare_is_a_message() -> None:
    assert len(show_fairness(review(make_deals(RATES, EVEN)), title="x")) == 2
    (shown,) = show_fairness(review(make_deals(RATES, EVEN).drop(columns="owner")), title="x")
    assert "can't be compared fairly" in shown.title
