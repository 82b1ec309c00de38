"""Material and closing rate: what the search found is told with its money, interval and records, step by step."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from helpers.analyses.five_m import EVIDENCE, NO_SIGN, UNTESTED, gather_evidence
from helpers.analyses.five_m_question import LATER, THIS_PERIOD
from tests.analyses.five_m_cases import ask, is_late, make_contacts, make_deals, make_question
from tests.analyses.test_five_m_measurement import CAUSE, make_leaves

CLOSING = {"closing": replace(make_leaves("deals_decided", "deals_won"), lens="closing", amount="revenue_won")}
RATE = CAUSE | {
    "lens": "closing",
    "step": "deals_won",
    "statement": "Deals decided → deals won in North: 20 instead of 40",
}


def tables() -> dict:
    deals = make_deals()
    deals["lost_reason"] = pd.Series("Price", index=deals.index).where(deals["stage"] == "Closed Lost")
    return {"deal": deals}


def test_a_closing_rate_is_told_with_its_reason_its_deals_and_this_periods_money() -> None:
    found = tables()
    row = ask(found, "closing_rate", causes=pd.DataFrame([RATE]), leaves=CLOSING, gap=-100.0)
    deals = found["deal"]
    north = deals[is_late(deals["closed_at"]) & (deals["region"] == "North")]
    assert row["verdict"] == EVIDENCE and set(json.loads(row["records"])) == set(north["id"])
    assert (row["money"], row["low"], row["high"], row["counts_for"]) == (-10.0, -14.0, -6.0, THIS_PERIOD)
    lost = int((north["stage"] == "Closed Lost").sum())
    assert f'{lost} of {lost} lost deals name "Price"' in row["statement"]


def test_a_rate_before_the_opportunity_is_quality_and_counts_for_later() -> None:
    leaves = {"creation": replace(make_leaves("leads", "opportunities"), worth=5.0)}
    causes = pd.DataFrame([CAUSE, CAUSE | {"slice_json": '{"region": ["South"]}', "contribution": -2.0, "low": -5.0,
                                           "high": 1.0}])  # fmt: skip
    row = ask({"contact": make_contacts()}, "quality", causes=causes, leaves=leaves)
    assert row["verdict"] == EVIDENCE and row["counts_for"] == LATER and "and 1 more" in row["statement"]
    assert (row["money"], row["low"], row["high"]) == pytest.approx((-12.0, -12 - 5.0, -12 + 5.0))
    assert ask({"contact": make_contacts()}, "closing_rate", causes=causes, leaves=leaves)["verdict"] == NO_SIGN


def test_what_is_not_proven_or_went_well_is_no_cause() -> None:
    for change in ({"verdict": "not enough evidence"}, {"contribution": 10.0}):
        row = ask(tables(), "closing_rate", causes=pd.DataFrame([RATE | change]), leaves=CLOSING)
        assert row["verdict"] == NO_SIGN and row["n"] == 100


def test_money_that_nothing_tells_is_said_to_be_missing() -> None:
    leaves = {"creation": make_leaves("leads", "opportunities")}
    row = ask({"contact": make_contacts()}, "quality", causes=pd.DataFrame([CAUSE]), leaves=leaves)
    assert row["verdict"] == EVIDENCE and pd.isna(row["money"]) and "no closed revenue" in row["why_no_money"]


@pytest.mark.parametrize(("high", "is_everywhere", "verdict"), [
    (0.9, True, EVIDENCE), (1.1, True, NO_SIGN), (0.9, False, NO_SIGN),
])  # fmt: skip
def test_what_fell_everywhere_alike_is_told_where_it_is_beyond_chance(high: float, is_everywhere: bool, verdict: str):
    moved = pd.DataFrame([{"lens": "closing", "step": "deals_decided", "effect": "volume", "ratio": 0.7, "low": 0.55,
                           "high": high, "contribution": -30.0, "is_everywhere": is_everywhere}])  # fmt: skip
    row = ask(tables(), "volume", moved=moved, leaves=CLOSING, gap=-100.0)
    assert row["verdict"] == verdict
    if verdict == EVIDENCE:
        assert row["low"] == pytest.approx(-45.0) and row["high"] == pytest.approx(-10.0) and row["slice"] == "all"
        assert "30 % lower everywhere than in Q1 2025 to Q2 2025" in row["statement"]


def test_where_nothing_could_be_searched_the_missing_dates_are_named() -> None:
    question = replace(make_question({}), is_searched=False)
    row = gather_evidence(question).set_index("cause").loc["volume"]
    assert row["verdict"] == UNTESTED and "creation date" in row["statement"]
