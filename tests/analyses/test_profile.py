"""The profile says together what people said, beside the CRM; before the round is closed it says nothing of either."""

from dataclasses import fields
from datetime import date

import pandas as pd
import pytest

from helpers.analyses.consensus import agree_choice, agree_number, agree_values, rank_texts
from helpers.analyses.profile import build_profile
from helpers.analyses.profile_sections import write_positioning
from helpers.analyses.survey_review import review_survey
from helpers.model.survey import load_survey
from tests.analyses.survey_cases import make_case, make_crowd, make_deals, people
from tests.companies import make_company

SURVEY, AS_OF = load_survey(), date(2026, 6, 30)
PARTS = ("facts", "products", "positioning", "icp", "motion", "goal", "priorities", "focus", "kpis", "definitions",
         "evidence", "crm")  # fmt: skip


def profile_of(company):
    return build_profile(company, SURVEY, review_survey(company, SURVEY, as_of=AS_OF), AS_OF)


def flatten(profile):
    return repr([getattr(profile, field.name) for field in fields(profile)])


def test_numbers_are_taken_by_their_middle_with_range_and_n():
    said = agree_number("Customers", [420, 290, 310, 380], "count", currency="EUR", asked=5)
    assert (said.text, said.basis, said.is_disputed) == ("345", "median of 4 of 5, 290 to 420", False)


@pytest.mark.parametrize(
    ("numbers", "unit", "is_disputed"),
    [([100, 150], "count", False), ([100, 151], "count", True), ([0, 5], "count", True), ([0, 0], "count", False),
     ([0.6, 0.8], "share", False), ([0.5, 0.8], "share", True)],
)  # fmt: skip
def test_numbers_far_apart_are_disputed(numbers, unit, is_disputed):
    assert agree_number("x", numbers, unit, currency="EUR", asked=2).is_disputed is is_disputed


def test_a_tie_of_choices_names_both_and_is_disputed():
    said = agree_choice("Motion", ["Sales-led: we reach out", "Marketing-led: demand comes in"], asked=2)
    assert (said.text, said.basis, said.is_disputed) == ("Sales-led or Marketing-led", "1 of 2 each", True)


def test_values_that_half_of_them_name_are_taken_and_the_others_listed():
    said = agree_values("Industry", ["Logistics, Retail", "logistics, Software", "Logistics", "Retail"], asked=4)
    assert (said.text, said.detail, said.basis) == ("Logistics, Retail", "also Software", "each by 2 or more of 4")


def test_values_that_nobody_shares_are_disputed():
    said = agree_values("Region", ["US", "UK", "DACH"], asked=3)
    assert said.is_disputed and said.basis == "no value is named by half of 3"


def test_what_is_missing_is_no_statement():
    assert agree_number("x", [], "count", currency="EUR", asked=2) is None
    assert agree_choice("x", [], asked=2) is None and agree_values("x", ["", " , "], asked=2) is None


def test_priorities_stand_by_how_many_share_them():
    found = rank_texts({"a": ["Halve churn", "Hire"], "b": ["Win the US", "halve the churn"]}, asked=2)
    assert (found[0].text, found[0].basis) == ("Halve churn", "2 of 2")


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        (
            {"buyer": "COOs", "need": "must cut cost", "product": "Flow", "category": "aid", "benefit": "saves an hour",
             "alternative": "spreadsheets", "differentiator": "learns"},
            "For COOs who must cut cost, Flow is an aid that saves an hour. Unlike spreadsheets, it learns.",
        ),
        ({"product": "Flow", "benefit": "saves an hour"}, "Flow that saves an hour."),
        ({"buyer": "COOs", "category": "tool", "differentiator": "fits"}, "For COOs, our product is a tool. It fits."),
        ({"category": "tool"}, "Our product is a tool."),
    ],
)  # fmt: skip
def test_the_positioning_reads_as_a_sentence_whatever_is_missing(parts, sentence):
    assert write_positioning(parts) == sentence


def test_a_product_stands_with_gut_and_crm_beside_each_other():
    """Flow won 10,000 and 20,000 in 10 and 20 days; people say 12,000 to 18,000, and 45 days."""
    deals = pd.concat([make_deals()] * 20, ignore_index=True).assign(id=[str(i) for i in range(120)])
    said = [{"products": [{"name": "Flow", "average_deal": n, "cycle_days": 45}]} for n in (12_000, 18_000)]
    flow = profile_of(make_case(people(a=said[0], b=said[1]), deal=deals)).products[0]
    assert (flow.name, flow.basis) == ("Flow", "2 of 2")
    assert (flow.deal.text, flow.deal.basis) == ("€15.0 k", "median of 2, €12.0 k to €18.0 k")
    assert flow.deal.crm == "€15.0 k (n 40)" and not flow.deal.is_off
    assert flow.cycle.crm.startswith("15 days (n 40); median 15 days") and flow.cycle.is_off


def test_the_page_holds_every_part_that_somebody_answered():
    crowd = make_crowd(4)
    crowd["p00"].values.update(
        position_buyer="COOs", north_star_metric="Closed revenue", employees=100, motions_used=["sales_led"],
        primary_kpis=[{"kpi": "Leads", "partition_1": "Owner"}],
        business_fit=[{"attribute": "employees", "good_fit": "100+", "bad_fit": "<20"}],
        stage_exit=[{"stage": "Qualified", "probability": 0.4, "heard": "Why now", "field": "amount"}],
    )  # fmt: skip
    profile = profile_of(make_case(crowd))
    assert [part for part in PARTS if not getattr(profile, part)] == []
    assert profile.missing == ("Bring an export of contacts, for leads and MQLs.",
                               "Bring an export of customers, for who is active and who left.")  # fmt: skip
    assert profile.kpis[1].detail == "by Owner" and profile.evidence[0].label == "Qualified (40 %)"
    assert profile.icp[0].crm == "2 of the last 4 wins fit"


def test_every_number_says_how_many_people_are_behind_it():
    profile = profile_of(make_case(make_crowd(4)))
    for part in ("facts", "goal", "motion", "priorities", "focus", "definitions"):
        for one in getattr(profile, part):
            assert any(character.isdigit() for character in one.basis), one


def test_disputed_words_are_marked():
    terms = {one.label: one.is_disputed for one in profile_of(make_case(make_crowd(4))).definitions}
    assert terms == {"MQL": True, "Churn": False}


def test_before_the_round_is_closed_nothing_of_answers_and_no_number_of_the_crm_is_told():
    secret = {"active_customers": 4711, "position_buyer": "the secret buyer", "company_name": "Secret Inc",
              "products": [{"name": "Secret product", "average_deal": 4711}]}  # fmt: skip
    profile = profile_of(make_case(people(ana=secret, ben=secret), is_closed=False))
    assert [part for part in PARTS if getattr(profile, part)] == []
    told = flatten(profile)
    for word in ("ecret", "4711", "4,711", "Ana", "100,000", "25,000", "Flow"):
        assert word not in told
    assert profile.headline == "2 people have answered; the round is still open"
    assert any(step.startswith("Close the round") for step in profile.missing)


def test_a_company_with_exports_only_says_what_to_do():
    profile = profile_of(make_case({}, is_closed=False))
    assert profile.headline == "Nobody has answered the survey yet"
    assert profile.missing[0].startswith("Ask four people")


def test_a_company_with_answers_only_is_told_and_names_the_exports_it_needs():
    case = make_case(make_crowd(3))
    profile = profile_of(make_company({}, answers=case.answers))
    assert profile.products and all(not one.deal.crm for one in profile.products)
    assert sum("export" in step for step in profile.missing) == 4
    assert profile.headline == "What people say of the company; the CRM can't tell yet"


def test_a_round_closed_over_nobody_is_told_as_such():
    profile = profile_of(make_case({}))
    assert profile.headline == "Nobody answered before the round was closed"
    assert profile.missing[0].startswith("Nobody has answered: what is sold")


def test_one_person_alone_is_told_to_be_alone():
    profile = profile_of(make_case(make_crowd(1)))
    assert any("Only one person answered" in step for step in profile.missing)
