"""Localisation over many drawn companies: false reports where nothing happened, and funnels made to mislead."""

import numpy as np
import pytest

from helpers.analyses.root_cause import localise
from helpers.engine.doubt import wilson_interval
from tests.benchmarks.adversarial_funnels import CASES, STEPS, Company, answer, judge

SEEDS = range(300, 320)


@pytest.mark.acceptance
@pytest.mark.parametrize("leads", [600, 10_000, 100_000])
def test_where_nothing_happened_false_reports_stay_at_five_percent(leads: int) -> None:
    false = 0
    for seed in range(1000, 1200):
        company = Company(seed, leads=leads)
        if seed % 2:
            company.multiply("leads", 0.88)
        found = localise(company.draw(), list(company.values), STEPS, amount="revenue")
        false += bool((found["verdict"] == "cause").any())
    low, _ = wilson_interval(np.array([false]), np.array([200]), 0.95)
    assert low[0] <= 0.05


@pytest.mark.acceptance
@pytest.mark.parametrize("name", sorted(set(CASES) - {"drop_weak_union"}))
def test_funnels_made_to_mislead_are_rarely_answered_wrongly(name: str) -> None:
    verdicts = [judge(answer(case), case[2]) for case in map(CASES[name], SEEDS)]
    assert verdicts.count("wrong") <= 5
