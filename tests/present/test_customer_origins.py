"""Churn by origin as drawn: money beside who loses more, every state in words, and names of origins do no harm."""

from datetime import date

import pytest

from helpers.analyses.customer_origins import review_origins
from helpers.analyses.loss_origins import review_reasons
from helpers.analyses.origin_words import describe_origins
from helpers.present.charts.customer_origins import show_origins
from tests.analyses.test_customer_origins import AS_OF, make_customers, make_lost
from tests.companies import make_company

HOSTILE = "<script>alert(1)</script>"


def show(tables: dict):
    company = make_company(tables, latest_event="2025-12-31")
    origins = review_origins(company, as_of=AS_OF)
    reasons = review_reasons(company, start=date(2025, 1, 1), end=AS_OF, as_of=AS_OF)
    return show_origins(origins, title=describe_origins(origins), reasons=reasons)


@pytest.fixture(scope="module")
def shown():
    tables = make_customers(worse={"Webinar": 2.5})
    for name in ("deal", "subscription"):
        tables[name]["source"] = tables[name]["source"].replace("Webinar", HOSTILE)
    return show(tables)


def test_picture_table_and_slices_tell_the_way_in(shown) -> None:
    picture, table, causes, *reasons = shown
    assert "as often at the same age" in picture.title
    assert HOSTILE in picture.text and "<script>" not in picture.svg + table.html + causes.html
    assert "▲ more than others" in table.text and causes.title.startswith("1 way in explains")
    assert [one.title.split(":")[0] for one in reasons] == ["Lost deals", "Won deals", "Customers that left"]


def test_lost_deals_alone_still_tell_their_reasons() -> None:
    origins, lost, won, left = show(make_lost(0.5))
    assert "can't be told" in origins.title
    assert "No budget" in lost.text and "opinion" in lost.html
    assert "“Won reason”" in won.text and "“Churn reason”" in left.text
    assert "_" not in f"{won.text}{left.text}"


def test_too_few_losses_are_said_to_be_too_few() -> None:
    picture = show(make_customers(n=40, rate=0.05))[0]
    assert "Not enough evidence" in picture.title or "beyond chance" in picture.title
