"""Survey and discovery as pages show them: every state has its look, and every picture its numbers as text."""

from datetime import date

import pandas as pd
import pytest

from helpers.analyses.discovery_review import review_discovery
from helpers.analyses.survey_review import review_survey
from helpers.model.survey import load_discovery_rules, load_survey
from helpers.present import discovery_view, group_view
from tests.analyses.survey_cases import make_case, make_deals, people
from tests.companies import make_company

SURVEY, RULES, AS_OF = load_survey(), load_discovery_rules(), date(2026, 6, 30)
FLOW = {"products": [{"name": "Flow", "average_deal": 12_000, "cycle_days": 45}]}
SHOWS = [
    show
    for name, show in vars(group_view).items()
    if name.startswith("show_") and show.__module__ == group_view.__name__
]
MATRIX_SHOWS = [
    show
    for name, show in vars(discovery_view).items()
    if name.startswith("show_") and show.__module__ == discovery_view.__name__
]


def review(responses, **more):
    return review_survey(make_case(responses, **more), SURVEY, as_of=AS_OF)


def test_the_picture_draws_a_dot_per_person_and_lists_the_numbers():
    shown = group_view.show_gut(review(people(a=FLOW, b=FLOW)), currency="EUR")
    assert "Sales cycle (Flow)" in shown.text and "15 days" in shown.text
    assert shown.svg.startswith("<svg") and "aria-label" in shown.svg


def test_the_gap_stands_beside_the_picture_in_words():
    deals = pd.concat([make_deals()] * 20, ignore_index=True).assign(id=[str(i) for i in range(120)])
    many = review(people(a=FLOW, b=FLOW), deal=deals)
    svg = group_view.show_gut(many, currency="EUR").svg
    for said in ("200 % too high", "People say 45 days, median of 2", "CRM 15 days (13–17 days, n 40)"):
        assert said in svg
    assert many.findings[0].headline.startswith("Sales cycle (Flow): people say 45 days, the CRM says 15 days")


def test_few_records_prove_nothing_and_say_so():
    few = review(people(a=FLOW, b=FLOW))
    svg = group_view.show_gut(few, currency="EUR").svg
    assert "Only 2 records" in svg and "too high" not in svg
    assert few.findings == []


@pytest.mark.parametrize("show", SHOWS, ids=lambda show: show.__name__)
@pytest.mark.parametrize("is_closed", [False, True])
@pytest.mark.parametrize("n", [0, 1, 2])
def test_every_part_has_a_look_for_nobody_one_and_an_open_round(show, is_closed, n):
    responses = people(**{name: FLOW | {"on_track": "yes"} for name in ("a", "b")[:n]})
    shown = show(review(responses, is_closed=is_closed))
    assert shown.title
    for defect in ("NaN", "None", "nan", "NaT"):
        assert defect not in repr(shown)


def test_an_open_round_shows_how_many_answered_and_nothing_of_it():
    said = people(ana={"top_priorities": ["Sell the company"]}, ben={"top_priorities": ["Stay"]})
    open_review = review(said, is_closed=False)
    assert "2 people answered" in group_view.show_round(open_review).title
    for show in SHOWS:
        assert "Sell the company" not in repr(show(open_review))
        assert "Ana" not in repr(show(open_review))


def test_an_open_round_is_the_reason_given_wherever_it_is_the_reason():
    """Four people have answered, so asking for two of them would be wrong advice."""
    said = people(**{name: FLOW | {"top_priorities": ["Grow"]} for name in ("ana", "ben", "cleo", "dan")})
    open_review = review(said, is_closed=False)
    for show in SHOWS:
        told = repr(show(open_review))
        assert "round is still open" in told or "findings" in show.__name__ or "next_steps" in show.__name__, told
        assert "Two people have to" not in told


def test_an_open_round_shows_no_value_of_the_crm_either():
    """The CRM would say 15 days, €15.0 k, 100,000 won, 4 wins outside; people would say 4,711 and 45 days."""
    fit = {"business_fit": [{"attribute": "employees", "good_fit": "500+"}]}
    said = people(ana=FLOW | fit | {"active_customers": 4711}, ben=FLOW | {"on_track": "yes", "revenue_goal": 4711})
    closed, still_open = (review(said, is_closed=is_closed) for is_closed in (True, False))
    secrets = ("15 days", "€15.0 k", "$15.0 k", "15,000", "100,000", "4,711", "4711", "45 days", "Flow", "500+", "Ana")
    told = {show: show(closed).svg + show(closed).html + repr(show(closed)) for show in SHOWS}
    assert all(
        any(secret in text for text in told.values()) for secret in ("15 days", "45 days", "Flow", "500+", "Ana")
    )
    for show in SHOWS:
        shown = show(still_open)
        for secret in secrets:
            assert secret not in shown.svg + shown.html + repr(shown), show.__name__


def test_the_table_of_the_ideal_customer_says_whether_it_pays():
    """Inside 100+ two of two are won, outside two of three."""
    fit = {"business_fit": [{"attribute": "employees", "good_fit": "100+"}]}
    shown = group_view.show_icp(review(people(a=fit)))
    assert (
        shown.title == "Deals inside the ideal customer are won at 100 %, those outside at 67 %, of only 2 and 3 deals"
    )


def test_hostile_answers_are_shown_as_text():
    hostile = "<script>alert(1)</script>"
    said = people(a={"top_priorities": [hostile]}, b={"top_priorities": ["x"]})
    shown = group_view.show_priorities(review(said))
    assert hostile not in shown.html and hostile in shown.text


@pytest.mark.parametrize("show", MATRIX_SHOWS, ids=lambda show: show.__name__)
@pytest.mark.parametrize("company", [make_case(), make_company({})], ids=["deals", "no exports"])
def test_every_part_of_the_matrix_has_a_look_with_and_without_exports(show, company):
    shown = show(review_discovery(company, RULES, as_of=AS_OF))
    assert shown.title and not any(defect in repr(shown) for defect in ("NaN", "None", "NaT"))


def test_the_matrix_says_each_light_in_words_beside_its_fill():
    shown = discovery_view.show_matrix(review_discovery(make_case(), RULES, as_of=AS_OF))
    line = next(line for line in shown.text.splitlines() if line.startswith("Source") and "Deals won" in line)
    assert "adoption needed" in line and "75 %" in line
