"""What people said, against each other and against the records: definitions, beliefs and the ideal customer."""

import json

import numpy as np
import pytest

from helpers.analyses.five_m import EVIDENCE, NO_SIGN, UNTESTED
from helpers.analyses.five_m_question import THIS_PERIOD
from tests.analyses.five_m_cases import ask, is_late, make_deals
from tests.analyses.survey_cases import answers, people


def define(*meanings: str) -> dict:
    """One person per meaning of an MQL."""
    return people(**{f"p{place}": {"definition_mql": one} for place, one in enumerate(meanings)})


@pytest.mark.parametrize(
    ("meanings", "verdict"),
    [(("score", "form", "fit", "score"), EVIDENCE), (("score",) * 4, NO_SIGN), (("score",), UNTESTED)],
)
def test_terms_that_people_mean_differently_are_told_by_how_many_agree(meanings: tuple, verdict: str) -> None:
    row = ask({"deal": make_deals()}, "definitions", answers=answers(define(*meanings)))
    assert row["verdict"] == verdict
    if verdict == EVIDENCE:
        assert "MQL: 2 of 4 people mean the same" in row["statement"] and row["confidence"] == "low"


def test_nothing_is_told_of_a_round_that_is_open() -> None:
    row = ask({"deal": make_deals()}, "definitions", answers=answers(define("score", "form"), is_closed=False))
    assert row["verdict"] == UNTESTED


@pytest.mark.parametrize(("believed", "verdict"), [(90, EVIDENCE), (30, NO_SIGN)])
def test_beliefs_far_from_the_records_are_told(believed: int, verdict: str) -> None:
    deals = make_deals().assign(product="Flow")
    said = {"products": [{"name": "Flow", "cycle_days": believed}]}
    row = ask({"deal": deals}, "gut_against_crm", answers=answers(people(a=said, b=said)))
    assert row["verdict"] == verdict


def drift(share_now: float, *, rate_outside: float = 0.1, seed: int = 7):
    """Deals of which some come from retail, which people call a bad fit; those are won at a rate of their own."""
    rng = np.random.default_rng(seed)
    deals = make_deals(1200, chance=lambda frame: 0.4)
    outside = rng.random(len(deals)) < np.where(is_late(deals["closed_at"]), share_now, 0.1)
    lost = outside & (rng.random(len(deals)) > rate_outside / 0.4)
    stage = deals["stage"].where(~lost, "Closed Lost")
    return deals.assign(industry=np.where(outside, "Retail", "Energy"), stage=stage)


FIT = {"business_fit": [{"attribute": "industry", "good_fit": "Energy", "bad_fit": "Retail"}]}


def test_more_deals_outside_the_ideal_customer_are_priced_by_what_they_are_won_less() -> None:
    deals = drift(0.5)
    row = ask({"deal": deals}, "icp_fit", answers=answers(people(a=FIT, b=FIT)))
    assert row["verdict"] == EVIDENCE and row["counts_for"] == THIS_PERIOD
    outside = deals[is_late(deals["closed_at"]) & (deals["industry"] == "Retail")]
    assert set(json.loads(row["records"])) == set(outside["id"])
    size = deals.loc[(deals["stage"] == "Closed Won") & ~is_late(deals["closed_at"]), "amount"].mean()
    late = int(is_late(deals["closed_at"]).sum())
    extra = len(outside) - late * (deals.loc[~is_late(deals["closed_at"]), "industry"] == "Retail").mean()
    assert row["money"] == pytest.approx(-extra * 0.3 * size, rel=0.25)
    assert row["low"] < row["money"] < row["high"] < 0


def test_as_many_outside_as_before_are_no_sign() -> None:
    assert ask({"deal": drift(0.1)}, "icp_fit", answers=answers(people(a=FIT)))["verdict"] == NO_SIGN
