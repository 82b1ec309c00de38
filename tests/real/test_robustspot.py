"""Real anomalies of a video service's success ratio: the slices that its engineers named are found."""

import pytest

from tests.benchmarks.bench_robustspot import BEST_PUBLIC, score
from tests.benchmarks.robustspot_cases import read_anomalies
from tests.real_data import require_real_data

WANTED = 0.50


@pytest.fixture(scope="module")
def anomalies():
    return read_anomalies(require_real_data("robustspot"))


def test_every_case_is_read_with_its_cause(anomalies):
    assert len(anomalies) == 135
    assert sum(len(anomaly.truth) for anomaly in anomalies) == 143
    assert all(anomaly.leaves["requests_actual"].sum() > 0 for anomaly in anomalies)


def require_more_than_the_best_public_method(anomalies):
    scores = score(anomalies)
    assert scores["every row"].f1 > WANTED > BEST_PUBLIC
    assert scores["rates"].f1 > WANTED


def test_more_of_the_named_causes_are_found_than_by_the_best_public_method(anomalies):
    require_more_than_the_best_public_method(anomalies[::4])


@pytest.mark.acceptance
@pytest.mark.parametrize("first", [0, 1], ids=["even cases", "odd cases"])
def test_either_half_of_all_cases_is_beyond_the_best_public_method(anomalies, first):
    require_more_than_the_best_public_method(anomalies[first::2])
