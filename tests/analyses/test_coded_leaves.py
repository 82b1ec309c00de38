"""A leaf table is coded to one row per combination, in the order of its values, however many could occur."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.coded_leaves import code_leaves


@pytest.mark.parametrize("rows", [0, 1, 500])
@pytest.mark.parametrize("sizes", [(3, 4), (300, 400, 5), (90,) * 11], ids=["dense", "sparse", "beyond one number"])
@pytest.mark.parametrize("dtype", ["object", "category"])
def test_repeated_combinations_are_added_up_in_the_order_of_their_values(rows, sizes, dtype):
    rng = np.random.default_rng(7)
    names = [f"d{i:02d}" for i in range(len(sizes))]
    texts = {name: [f"v{v:03d}" for v in rng.integers(0, k, rows)] for name, k in zip(names, sizes, strict=True)}
    frame = pd.DataFrame(texts, dtype="object")
    if rows:
        frame.loc[rng.random(rows) < 0.1, names[0]] = None
    counts = rng.integers(0, 5, rows)
    expected = Counter()
    for key, count in zip(frame.itertuples(index=False, name=None), counts, strict=True):
        expected[key] += int(count)
    frame = frame.astype(dtype).assign(leads_expected=counts, leads_actual=1)
    coded = code_leaves(frame, names[::-1], ["leads"])
    found = [tuple(coded.values[place][code] for place, code in enumerate(leaf)) for leaf in coded.codes.T]
    assert dict(zip(found, coded.expected[0].astype(int).tolist(), strict=True)) == dict(expected)
    assert coded.actual[0].sum() == rows
    ordered = sorted(found, key=lambda key: [(value is None, value or "") for value in key])
    assert found == ordered
