"""What a slice should have brought: nearer to the truth than its own count where values say more, its own where not."""

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.coded_leaves import code_leaves
from helpers.analyses.cuboids import SliceLattice
from helpers.analyses.expected_counts import measure_spread, shrink_counts


def expect(values: pd.DataFrame, counts: np.ndarray) -> tuple[SliceLattice, np.ndarray, np.ndarray, np.ndarray]:
    """Return the slices, their own counts, what is expected of them, and the relative variance of that."""
    leaves = values.assign(leads_expected=counts, leads_actual=counts)
    lattice = SliceLattice(code_leaves(leaves, list(values), ["leads"]), 3)
    own = lattice.sum(lattice.coded.expected[0])
    log_ratio, variance = shrink_counts(own, own, lattice)
    return lattice, own, own * np.exp(log_ratio), variance


def make_grid(**sizes: int) -> pd.DataFrame:
    """Every combination of values, a row each."""
    grid = np.indices(list(sizes.values())).reshape(len(sizes), -1)
    return pd.DataFrame({name: [f"{name}{code}" for code in codes] for name, codes in zip(sizes, grid, strict=True)})


def draw_shares(rng: np.random.Generator, *sizes: int) -> np.ndarray:
    """Shares of every combination where dimensions have nothing to do with each other."""
    shares = np.ones(1)
    for size in sizes:
        shares = np.outer(shares, rng.dirichlet(np.full(size, 5.0))).ravel()
    return shares


def test_where_dimensions_are_independent_the_expectation_is_nearer_to_the_truth_than_the_count() -> None:
    rng, own_errors, errors, told = np.random.default_rng(3), [], [], []
    for _ in range(20):
        truth = 3_000 * draw_shares(rng, 8, 6)
        lattice, own, expected, variance = expect(make_grid(channel=8, region=6), rng.poisson(truth))
        pairs = (lattice.depth == 2) & (own >= 10)
        whole = lattice.sum(truth)[pairs]
        own_errors += list(np.log(own[pairs] / whole) ** 2)
        errors += list(np.log(expected[pairs] / whole) ** 2)
        told += list(variance[pairs])
    assert np.mean(errors) < 0.6 * np.mean(own_errors)
    assert np.mean(told) == pytest.approx(np.mean(errors), rel=0.5)


def test_a_single_value_keeps_its_own_count() -> None:
    counts = np.random.default_rng(0).poisson(50, 48)
    lattice, own, expected, variance = expect(make_grid(channel=8, region=6), counts)
    single = lattice.depth == 1
    assert expected[single] == pytest.approx(own[single])
    assert variance[single] == pytest.approx(1 / own[single])


def test_teams_that_work_one_region_each_keep_their_own_counts() -> None:
    rng = np.random.default_rng(1)
    values = make_grid(team=12, channel=5)
    values["region"] = ["region" + str(int(team[4:]) // 3) for team in values["team"]]
    lattice, own, expected, _ = expect(values, rng.poisson(40, len(values)))
    wanted = tuple(sorted(lattice.coded.dimensions.index(name) for name in ("team", "region")))
    team_and_region = next(cuboid for cuboid in lattice.cuboids if cuboid.dimensions == wanted)
    rows = slice(team_and_region.start, team_and_region.start + team_and_region.size)
    assert expected[rows] == pytest.approx(own[rows])


def test_one_empty_combination_is_not_expected_to_fill() -> None:
    values = make_grid(channel=6, region=6)
    counts = np.full(36, 400.0)
    counts[7] = 0.0
    lattice, own, expected, _ = expect(values, counts + 0.0)
    assert expected[(lattice.depth == 2) & (own == 0)].max() < 1.0


def test_slices_of_the_same_records_have_the_same_expectation() -> None:
    rng = np.random.default_rng(2)
    values = make_grid(channel=6, region=6)
    values["team"] = values["region"].str.replace("region", "team")
    lattice, _, expected, variance = expect(values, rng.poisson(3_000 * draw_shares(rng, 6, 6)))
    by_records = pd.DataFrame({"mark": lattice.sum(2.0 ** np.arange(36)), "expected": expected, "variance": variance})
    assert (by_records[by_records["mark"] > 0].groupby("mark").nunique() == 1).all(axis=None)


@pytest.mark.parametrize("planted", [0.0, 0.02, 0.3])
def test_the_spread_of_departures_is_that_of_the_negative_binomial_drawn(planted: float) -> None:
    rng = np.random.default_rng(5)
    means = rng.uniform(20, 200, 2_000)
    true = means * (rng.gamma(1 / planted, planted, 2_000) if planted else 1.0)
    assert measure_spread(rng.poisson(true), means) == pytest.approx(planted, abs=0.002 + 0.15 * planted)


def test_a_few_strays_hardly_raise_the_spread() -> None:
    rng = np.random.default_rng(6)
    means = rng.uniform(50, 200, 100)
    counts = rng.poisson(means).astype(float)
    counts[:5] = 0.0
    assert measure_spread(counts, means) < 0.02


def test_too_few_slices_tell_nothing() -> None:
    assert measure_spread(np.full(7, 10.0), np.full(7, 10.0)) == float("inf")
