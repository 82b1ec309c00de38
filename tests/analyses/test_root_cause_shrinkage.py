"""Expectations are held to what their dimensions predict as far as is said; the side that moved is named."""

import json

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.coded_leaves import code_leaves
from helpers.analyses.expectation import fit_rates
from helpers.analyses.root_cause import localise
from helpers.errors import ParameterError

STEPS = ["leads", "deals_won"]


def make_two_sided(rest: int, moved: int, step: str) -> pd.DataFrame:
    """Two values of which only the second fell, to a half, at one step."""
    leads = np.array([rest, moved])
    leaves = pd.DataFrame({"half": ["rest", "moved"], "leads_expected": leads, "deals_won_expected": leads // 5})
    halved = np.array([1.0, 0.5])
    leaves["leads_actual"] = leads * (halved if step == "leads" else 1.0)
    return leaves.assign(deals_won_actual=leads // 5 * halved)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("moved", [4_000, 7_000, 10_000])
def test_of_two_values_the_one_that_fell_is_named_and_not_the_other_as_a_rise(step: str, moved: int) -> None:
    found = localise(make_two_sided(20_000 - moved, moved, step), ["half"], STEPS)
    assert found["step"].tolist() == [step]
    assert json.loads(found.loc[0, "slice_json"]) == {"half": ["moved"]}
    assert found.loc[0, "contribution"] < 0


def test_a_value_of_few_records_is_expected_to_do_between_its_own_rate_and_the_companys() -> None:
    leads, wins = np.array([10_000.0, 10_000.0, 30.0]), np.array([3_000.0, 3_000.0, 3.0])
    leaves = pd.DataFrame({"rep": ["a", "b", "new"], "leads_expected": leads, "deals_won_expected": wins})
    leaves = leaves.assign(leads_actual=leads, deals_won_actual=wins)
    variance = 0.02
    rates = fit_rates(code_leaves(leaves, ["rep"], STEPS), leads, wins, between=(variance,))
    prior = (1 - wins.sum() / leads.sum()) / variance
    by_hand = (3 + prior) / (30 * wins.sum() / leads.sum() + prior) * wins.sum() / leads.sum()
    assert rates[2] == pytest.approx(by_hand, rel=1e-3)


def test_two_hundred_representatives_of_pure_chance_give_few_false_reports() -> None:
    false = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        leaves = pd.DataFrame({"rep": np.arange(200)})
        for side in ("expected", "actual"):
            leaves[f"leads_{side}"] = rng.poisson(60, 200)
            leaves[f"deals_won_{side}"] = rng.binomial(leaves[f"leads_{side}"], 0.3)
        false += not localise(leaves, ["rep"], STEPS).empty
    assert false <= 4


def test_an_even_plan_makes_no_ordinary_deal_a_giant() -> None:
    giants = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        deals = rng.poisson(4, 60)
        money = [np.exp(rng.normal(np.log(20_000), 0.8, one)).sum() for one in deals]
        leaves = pd.DataFrame({"team": np.arange(60), "deals_won_actual": deals, "revenue_actual": money})
        leaves = leaves.assign(deals_won_expected=4.0, revenue_expected=4 * 20_000 * np.exp(0.32))
        found = localise(leaves, ["team"], ["deals_won"], amount="revenue", expected_is_plan=True)
        giants += int((found["verdict"] == "single deal").any())
    assert giants <= 1


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ({"dimensions": "half"}, "dimensions is the text"),
        ({"steps": "leads"}, "steps is the text"),
        ({"leaves": {"half": ["a"]}}, "leaves is a dict"),
        ({"leaves": make_two_sided(100, 100, "leads").assign(leads_actual="many")}, "holds no numbers"),
        ({"expected_periods": float("nan")}, "expected_periods nan"),
    ],
)
def test_a_wrong_question_is_told_what_is_wrong(question: dict, told: str) -> None:
    asked = {"leaves": make_two_sided(100, 100, "leads"), "dimensions": ["half"], "steps": STEPS} | question
    with pytest.raises(ParameterError, match=told):
        localise(asked.pop("leaves"), asked.pop("dimensions"), asked.pop("steps"), **asked)


@pytest.mark.filterwarnings("error")
def test_credit_notes_that_make_a_values_amount_negative_are_a_fall_and_no_warning() -> None:
    leaves = pd.DataFrame({"team": ["a", "b", "c"], "deals_won_expected": [200, 200, 200], "deals_won_actual": 200})
    leaves = leaves.assign(revenue_expected=2e6, revenue_actual=[2e6, 2e6, -1e5])
    found = localise(leaves, ["team"], ["deals_won"], amount="revenue")
    assert found.loc[0, ["effect", "slice"]].tolist() == ["value", "team=c"]
    assert np.isfinite(found.loc[0, ["contribution", "low", "high"]].astype(float)).all()


def test_where_nothing_was_expected_nothing_is_a_cause() -> None:
    leaves = pd.DataFrame({"region": ["US", "EU"], "leads_expected": [0, 0], "leads_actual": [400, 900]})
    found = localise(leaves, ["region"], ["leads"])
    assert found.empty
    assert found.attrs["global"] == {}
    assert found.attrs["gap"] == found.attrs["unexplained"] == 1300
