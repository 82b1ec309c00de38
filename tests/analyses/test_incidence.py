"""Cumulative incidence: equal to published figures, to plain Kaplan–Meier, and as sure as it says."""

import numpy as np
import pytest

from helpers.analyses.incidence import CENSORED, EVENT, RIVAL, compare_incidences, count_endings, measure_incidence
from tests.analyses.bone_marrow import read_transplants

RELAPSE_OF_LOW_RISK = [
    (1.0, 0.0741, 0.0360, 0.0234, 0.1646),
    (1.5, 0.1296, 0.0463, 0.0563, 0.2344),
    (2.0, 0.1481, 0.0489, 0.0685, 0.2565),
    (3.0, 0.1667, 0.0514, 0.0813, 0.2783),
]
"""Years, estimate, standard error and interval by R's cmprsk 2.2-12 (tidycmprsk 1.1.1), as published by PSIAIMS CAMIS,
"Estimating Cumulative Incidence Functions Using R"; SAS PROC LIFETEST prints the same."""


@pytest.mark.parametrize(("years", "share", "error", "low", "high"), RELAPSE_OF_LOW_RISK)
def test_incidence_error_and_interval_are_the_published_ones(years, share, error, low, high):
    days, ending, group = read_transplants()
    found = measure_incidence(count_endings(days, ending, group, 3), 1)
    at = np.searchsorted(found.days, years * 365.25, side="right") - 1
    assert (found.share[at], found.error[at]) == pytest.approx((share, error), abs=5e-5)
    assert (found.low[at], found.high[at]) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("cause", "statistic", "p_value"),
    [pytest.param(1, 11.9228820, 0.0025762, id="relapse"), pytest.param(2, 0.1374108, 0.9336017, id="death")],
)
def test_grays_test_gives_the_published_statistic(cause, statistic, p_value):
    """The same publication: Gray's test over the three disease groups."""
    days, ending, group = read_transplants()
    swapped = np.where(ending == cause, EVENT, np.where(ending == CENSORED, CENSORED, RIVAL))
    found = compare_incidences(count_endings(days, swapped, group, 3))
    assert found == (pytest.approx(statistic, abs=5e-7), 2, pytest.approx(p_value, abs=5e-7))


def test_incidence_is_that_of_another_library():
    """scikit-survival 0.28, cumulative_incidence_competing_risks(var_type="Aalen", conf_type="log-log"), day 600."""
    days, ending, group = read_transplants()
    counts = count_endings(days, ending, group, 3)
    expected = [(0.265446, 0.136021, 0.414028), (0.129630, 0.056297, 0.234380), (0.444444, 0.294034, 0.584362)]
    for one, figures in enumerate(expected):
        found = measure_incidence(counts, one)
        at = np.searchsorted(found.days, 600, side="right") - 1
        assert (found.share[at], found.low[at], found.high[at]) == pytest.approx(figures, abs=1e-6)


def test_worked_by_hand():
    """
    | day | in the running | won | lost | open | share won after the day      |
    |   1 |              5 |   1 |      |      | 1/5                          |
    |   2 |              4 |     |    1 |    1 | 1/5                          |
    |   4 |              2 |   1 |      |      | 1/5 + 4/5 · 3/4 · 1/2 = 1/2  |
    |   9 |              1 |     |      |    1 | 1/2                          |
    """
    counts = count_endings(np.array([1, 2, 2, 4, 9]), np.array([EVENT, RIVAL, CENSORED, EVENT, CENSORED]))
    found = measure_incidence(counts)
    assert found.at_risk.tolist() == [5, 4, 2, 1]
    assert found.share.tolist() == pytest.approx([0.2, 0.2, 0.5, 0.5])
    assert found.rival_share.tolist() == pytest.approx([0, 0.2, 0.2, 0.2])


def test_without_censoring_it_is_the_plain_share():
    rng = np.random.default_rng(4)
    days, ending = rng.integers(0, 200, 500), rng.integers(1, 3, 500)
    found = measure_incidence(count_endings(days, ending))
    for at, day in enumerate(found.days.tolist()):
        assert found.share[at] == pytest.approx(((days <= day) & (ending == EVENT)).mean())
    assert found.share[-1] + found.rival_share[-1] == pytest.approx(1)


def simulate(rng, n, *, rate=0.01, rival=0.02, until=150):
    """Wins and losses at constant hazards; records come in evenly over ``until`` days and are watched to its end."""
    won, lost = rng.exponential(1 / rate, n), rng.exponential(1 / rival, n)
    watched = rng.uniform(0, until, n)
    days = np.minimum(np.minimum(won, lost), watched)
    ending = np.where(watched <= days, CENSORED, np.where(won < lost, EVENT, RIVAL))
    return days.astype(int), ending


def test_the_interval_holds_the_truth_as_often_as_it_says_with_half_of_the_records_open():
    rng, held = np.random.default_rng(12), []
    truth = (1 / 3) * (1 - np.exp(-0.03 * 61))
    for _ in range(1500):
        found = measure_incidence(count_endings(*simulate(rng, 150)))
        at = np.searchsorted(found.days, 60, side="right") - 1
        held.append(found.low[at] <= truth <= found.high[at])
    assert 0.93 <= np.mean(held) <= 0.97


def test_grays_test_raises_false_alarms_no_more_often_than_it_says_and_sees_a_real_difference():
    rng = np.random.default_rng(21)

    def p_value(rates):
        parts = [simulate(rng, 120, rate=rate) for rate in rates]
        days, ending = (np.concatenate(part) for part in zip(*parts, strict=True))
        return compare_incidences(count_endings(days, ending, np.repeat(np.arange(len(rates)), 120), len(rates)))[2]

    false = np.mean([p_value((0.01, 0.01, 0.01)) < 0.05 for _ in range(500)])
    seen = np.mean([p_value((0.006, 0.01, 0.016)) < 0.05 for _ in range(200)])
    assert false <= 0.07
    assert seen >= 0.85


def test_what_cannot_be_compared_has_no_statistic():
    days, ending = np.array([1, 2, 3]), np.array([EVENT, RIVAL, CENSORED])
    assert np.isnan(compare_incidences(count_endings(days, ending))[2])
    nobody = count_endings(days, np.full(3, CENSORED), np.array([0, 1, 1]), 2)
    assert np.isnan(compare_incidences(nobody)[2])
    assert np.isnan(compare_incidences(count_endings(days[:0], ending[:0], days[:0], 2))[2])
