"""Leaf tables add coded records up as plain pandas adds their texts."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.leaf_sums import sum_leaves


def make_records(n: int, sizes: dict[str, int], seed: int):
    rng = np.random.default_rng(seed)
    labels = {id: np.array([*(f"{id} {i:03d}" for i in range(k)), "(blank)"], dtype="O") for id, k in sizes.items()}
    codes = {id: rng.integers(0, k + 1, n).astype(np.int32) for id, k in sizes.items()}
    numbers = {"leads": (rng.integers(0, 2, n).astype(float), rng.integers(0, 2, n).astype(float))}
    return SimpleNamespace(labels=labels), SimpleNamespace(codes=codes), numbers, rng.random(n) < 0.7


def sum_in_pandas(journeys, records, dimensions, rows, numbers, flat):
    texts = {id: pd.Series(journeys.labels[id][records.codes[id][rows]], dtype="str") for id in dimensions}
    frame = pd.DataFrame({id: text.where(text != "(blank)") for id, text in texts.items()})
    for name, (expected, actual) in numbers.items():
        frame[f"{name}_expected"], frame[f"{name}_actual"] = expected[rows], actual[rows]
    for name, number in flat.items():
        frame[name] = number[rows]
    return frame.groupby(list(dimensions), dropna=False, sort=True).sum().reset_index()


@pytest.mark.parametrize(
    "sizes",
    [{"region": 4}, {"region": 4, "product": 3, "segment": 2}, {f"wide {i:02d}": 90 for i in range(12)}],
    ids=["one", "three", "twelve that no single number can hold"],
)
def test_leaves_are_the_groups_of_plain_pandas(sizes):
    journeys, records, numbers, rows = make_records(500, sizes, seed=3)
    flat = {"slipped": np.arange(500.0)}
    made = sum_leaves(journeys, records, tuple(sizes), rows, numbers, flat)
    expected = sum_in_pandas(journeys, records, tuple(sizes), rows, numbers, flat)
    pd.testing.assert_frame_equal(made, expected)


def test_without_dimensions_there_is_one_leaf():
    journeys, records, numbers, rows = make_records(50, {"region": 2}, seed=4)
    made = sum_leaves(journeys, records, (), rows, numbers, {})
    assert made["leads_actual"].tolist() == [numbers["leads"][1][rows].sum()]
