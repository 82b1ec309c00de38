"""A step that most records pass is told by what it loses: a small fall of a rate near one is found where it fell."""

import json

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.root_cause import localise

DIMENSIONS = ["region", "product", "device"]
STEPS = ["requests", "successes"]


def make_leaves(lost, seed: int = 5, entries: int = 4000) -> pd.DataFrame:
    """Return leaves of 5 × 4 × 6 values that lose 2 % before, and what ``lost`` says of each leaf after."""
    rng = np.random.default_rng(seed)
    grid = pd.MultiIndex.from_product([list("ABCDE"), list("wxyz"), list("123456")], names=DIMENSIONS).to_frame(
        index=False
    )
    for side, share in (("expected", np.full(len(grid), 0.02)), ("actual", grid.apply(lost, axis=1))):
        requests = rng.poisson(entries, len(grid))
        grid[f"requests_{side}"] = requests
        grid[f"successes_{side}"] = requests - rng.binomial(requests, share)
    return grid


def causes(leaves: pd.DataFrame) -> list[tuple]:
    found = localise(leaves, DIMENSIONS, STEPS)
    return [(row.step, row.effect, json.loads(row.slice_json)) for row in found.itertuples()]


@pytest.mark.parametrize(
    ("where", "slice_values"),
    [
        (lambda leaf: leaf["region"] == "B", {"region": ["B"]}),
        (lambda leaf: leaf["region"] == "B" and leaf["device"] == "3", {"device": ["3"], "region": ["B"]}),
    ],
    ids=["one dimension", "two dimensions"],
)
def test_a_rate_that_falls_from_98_to_95_percent_is_found_where_it_fell(where, slice_values):
    leaves = make_leaves(lambda leaf: 0.05 if where(leaf) else 0.02)
    assert causes(leaves) == [("successes", "rate", slice_values)]


def test_the_contribution_is_what_was_lost_beyond_expectation():
    leaves = make_leaves(lambda leaf: 0.06 if leaf["product"] == "x" else 0.02)
    row = localise(leaves, DIMENSIONS, STEPS).iloc[0]
    inside = leaves[leaves["product"] == "x"]
    lost = 0.04 * inside["requests_actual"].sum()
    assert row["contribution"] == pytest.approx(-lost, rel=0.05)
    assert row["low"] < -lost < row["high"]
    assert row["n_actual"] == inside["successes_actual"].sum()
    assert row["n_expected"] == pytest.approx(0.98 * inside["requests_actual"].sum(), rel=0.002)


def test_two_devices_that_lose_more_by_different_shares_are_told_as_the_region_that_they_are_in():
    shares = {"1": 0.05, "2": 0.06, "3": 0.08, "4": 0.10, "5": 0.07, "6": 0.05}
    leaves = make_leaves(lambda leaf: shares[leaf["device"]] if leaf["region"] == "C" else 0.02)
    assert causes(leaves)[0] == ("successes", "rate", {"region": ["C"]})


def test_nothing_is_claimed_where_nothing_moved():
    for seed in range(4):
        assert causes(make_leaves(lambda leaf: 0.02, seed=seed)) == []


def test_losses_that_double_everywhere_are_no_cause_but_what_moved_everywhere():
    found = localise(make_leaves(lambda leaf: 0.04), DIMENSIONS, STEPS)
    assert len(found) == 0
    assert found.attrs["global"]["successes"]["ratio"] == pytest.approx(0.96 / 0.98, abs=0.002)
