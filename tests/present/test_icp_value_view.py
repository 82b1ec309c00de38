"""What the ideal customer is worth, as a page shows it."""

from datetime import date

import pandas as pd

from helpers.analyses.survey_review import review_survey
from helpers.model.survey import load_survey
from helpers.present.icp_value_view import show_icp_value, show_icp_values
from tests.analyses.survey_cases import answers, people
from tests.analyses.test_icp_value import fit, make_deals, make_many
from tests.companies import make_company


def review(tables, is_closed=True, **said):
    company = make_company(tables, answers=answers(people(**said), is_closed=is_closed), currency="EUR")
    return review_survey(company, load_survey(), as_of=date(2026, 6, 30))


def test_sides_are_drawn_with_their_numbers_and_few_records_hollow():
    shown = show_icp_value(review({"deal": make_deals()}, ana=fit(industry=("Energy", "Retail"))), currency="EUR")
    assert "Good fit" in shown.svg and "50 % (n 2)" in shown.svg and "Win rate" in shown.svg
    assert "Customers kept" not in shown.svg, "a panel without any number is left out"
    assert "Hollow: fewer than 30 records" in repr(shown)
    assert "nan" not in repr(shown).lower() and "NaN" not in shown.svg


def test_a_surprise_is_the_title_and_its_dot_the_accent():
    deals = make_many({"Energy": 0.2, "Retail": 0.5, "Logistics": 0.2})
    found = review({"deal": deals}, ana=fit(industry=("Energy", "Retail")))
    shown = show_icp_value(found, currency="EUR")
    assert shown.title.startswith("Those whom people call a bad fit by industry are won in")
    assert "#1f6feb" in shown.svg
    listed = show_icp_values(found, currency="EUR")
    assert (
        "▲" in listed.html and "1 bad of 1" in listed.html and "1 value that few call a good fit does" in listed.title
    )


def test_before_the_round_is_closed_nothing_is_shown():
    found = review({"deal": make_deals()}, is_closed=False, ana=fit(industry=("Energy", "Retail")))
    for show in (show_icp_value, show_icp_values):
        assert "once the round is closed" in repr(show(found)) and "Energy" not in repr(show(found))


def test_what_the_crm_lacks_is_told_with_its_cure():
    only = show_icp_value(review({"deal": make_deals()}, ana=fit(technology=("SAP", ""))))
    assert "none of the attributes" in repr(only) and "company.toml" in repr(only)
    also = show_icp_value(review({"deal": make_deals()}, ana=fit(technology=("SAP", ""), industry=("Energy", ""))))
    assert "doesn't carry technology" in repr(also)


def test_values_of_exports_and_people_are_shown_safely():
    evil = "<script>alert(1)</script>"
    deals = pd.concat([make_deals(), make_deals().assign(industry=evil)], ignore_index=True)
    deals["id"] = deals.index.astype("str")
    found = review({"deal": deals}, ana=fit(industry=(evil, "=cmd()")))
    assert "<script>" not in show_icp_values(found).html + show_icp_value(found).svg
