"""Profiles as full as they get, for the tests of how they are shown and printed."""

from datetime import date
from functools import cache

from helpers.analyses.profile import build_profile
from helpers.analyses.survey_review import review_survey
from helpers.model.survey import load_survey
from tests.analyses.survey_cases import make_case, make_crowd
from tests.companies import make_company

SURVEY, AS_OF = load_survey(), date(2026, 6, 30)
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft and everything around it, "


def make_profile(responses, *, is_closed=True, company=None, **more):
    """The profile of a small company with these answers."""
    company = company or make_case(responses, is_closed=is_closed, **more)
    return build_profile(company, SURVEY, review_survey(company, SURVEY, as_of=AS_OF), AS_OF)


def make_full_answers(n=12, *, text=LONG):
    """So many people who have answered everything at length."""
    crowd = make_crowd(n, long_names=True)
    for i, response in enumerate(crowd.values()):
        long, alike = f"{text * 3}{i}", text * 3
        response.values.update(
            employees=100 + i, founded=2000 + i, crm="hubspot", crm_adopted=2010 + i,
            motions_used=["sales_led", "partner_led", "product_led"], revenue_category=long,
            net_new_share=0.1 * (i % 9),
            top_priorities=[f"{i} {k} {long}" for k in range(3)],
            focus_areas=[{"area": f"{long}{k}", "is_issue": "yes", "is_picked": "yes"} for k in range(20)],
            products=[{"name": f"{k} {alike}", "description": long, "average_deal": 10 ** (i % 9), "cycle_days": 9 * i,
                       "motion": "sales_led", "per": "year"} for k in range(20)],
            business_fit=[{"attribute": a, "good_fit": long, "bad_fit": long}
                          for a in ("country", "region", "industry", "employees", "technology")],
            buyer_fit=[{"attribute": a, "good_fit": long, "bad_fit": long}
                       for a in ("seniority", "department", "title")],
            north_star_metric=long,
            primary_kpis=[{"kpi": f"{k} {long}", "partition_1": long, "partition_2": long} for k in range(6)],
            stage_exit=[{"stage": f"{k} {long}", "probability": 0.1 * k, "heard": long, "field": long}
                        for k in range(9)],
            definition_sql="meeting", definition_customer=("live", "paying", "signed")[i % 3],
            **{f"position_{part}": long for part in
               ("buyer", "need", "product", "category", "benefit", "alternative", "differentiator")},
        )  # fmt: skip
    return crowd


STATES = (
    "four people",
    "everything at length",
    "answers only",
    "exports only",
    "round open",
    "nobody, closed",
    "neither",
)
"""Every state that a page has to be designed for."""


@cache
def profile_in(state):
    """The profile of a small company in one of the ``STATES``."""
    crowd = make_crowd(4)
    nothing = make_case({}, is_closed=False).answers
    make = {
        "four people": lambda: make_profile(crowd),
        "everything at length": lambda: make_profile(make_full_answers(6)),
        "answers only": lambda: make_profile(crowd, company=make_company({}, answers=make_case(crowd).answers)),
        "exports only": lambda: make_profile({}, is_closed=False),
        "round open": lambda: make_profile(crowd, is_closed=False),
        "nobody, closed": lambda: make_profile({}),
        "neither": lambda: make_profile({}, company=make_company({}, answers=nothing)),
    }
    return make[state]()
