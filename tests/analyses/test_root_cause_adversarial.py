"""Localisation names what misleads by its right name, or says nothing; it adds up and depends on no order."""

import json

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.root_cause import localise
from tests.benchmarks.adversarial_funnels import CASES, STEPS, Company, answer, judge

CLEAR = sorted(set(CASES) - {"drop_weak_union", "drop_four_deep"})


@pytest.mark.parametrize("name", CLEAR)
def test_a_funnel_made_to_mislead_is_answered_rightly(name: str) -> None:
    case = CASES[name](0)
    assert judge(answer(case), case[2]) == "right"


def test_twelve_companies_in_which_nothing_happened_give_at_most_one_false_report() -> None:
    false = 0
    for seed in range(12):
        company = Company(seed, leads=8_000)
        false += not localise(company.draw(), list(company.values), STEPS, amount="revenue").empty
    assert false <= 1


@pytest.mark.parametrize(("what", "step"), [("leads", "leads"), ("wins", "deals_won")])
def test_four_of_four_planted_falls_are_found_with_their_step(what: str, step: str) -> None:
    for seed in range(20, 24):
        company = Company(seed)
        company.multiply(what, 0.5, segment="segment01")
        found = localise(company.draw(), list(company.values), STEPS, amount="revenue")
        first = found.iloc[0]
        assert (first["step"], json.loads(first["slice_json"])) == (step, {"segment": ["segment01"]})
        assert first["low"] < first["contribution"] < first["high"] < 0


def make_moved(seed: int) -> tuple[pd.DataFrame, list[str]]:
    """A company in which three things happened."""
    company = Company(seed)
    company.multiply("leads", 0.6, channel="channel01", segment="segment02")
    company.multiply("wins", 0.6, region="region01")
    company.multiply("size", 0.6, industry="industry03")
    return company.draw(), list(company.values)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_order_names_and_copies_of_rows_change_nothing(seed: int) -> None:
    leaves, dimensions = make_moved(seed)
    found = localise(leaves, dimensions, STEPS, amount="revenue")
    assert len(found) >= 2
    rng = np.random.default_rng(seed)
    numbers = [column for column in leaves.columns if column not in dimensions]
    halves = leaves.copy()
    halves[numbers] = halves[numbers] / 2
    shuffled = pd.concat([halves, halves]).sample(frac=1, random_state=seed)[list(rng.permutation(leaves.columns))]
    again = localise(shuffled, list(rng.permutation(dimensions)), STEPS, amount="revenue")
    pd.testing.assert_frame_equal(found, again, rtol=1e-6)
    renamed = leaves.assign(region=leaves["region"].map(lambda value: f"x{9 - int(value[-2:])}"))
    other = localise(renamed, dimensions, STEPS, amount="revenue")
    assert other["contribution"].to_numpy() == pytest.approx(found["contribution"].to_numpy(), rel=1e-6)
    constant = localise(leaves.assign(company="one"), [*dimensions, "company"], STEPS, amount="revenue")
    assert constant["slice"].tolist() == found["slice"].tolist()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_causes_everywhere_and_unexplained_add_up_to_the_gap(seed: int) -> None:
    leaves, dimensions = make_moved(seed)
    found = localise(leaves, dimensions, STEPS, amount="revenue")
    gap = leaves["revenue_actual"].sum() - leaves["revenue_expected"].sum()
    moved = sum(part["contribution"] for part in found.attrs["global"].values())
    parts = found["contribution"].sum() + moved + found.attrs["unexplained"]
    assert found.attrs["gap"] == pytest.approx(gap, rel=1e-9)
    assert abs(parts - gap) < 1e-6 * abs(gap)
