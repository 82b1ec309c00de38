"""How far owners differ in filling a field: the chance of it against Fisher's own test, and under chance alone."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import fisher_exact

from helpers.analyses.owner_spread import OwnerSpread, compare_owners, is_beyond_chance


def count(**owners):
    return pd.DataFrame(owners, index=["n", "n_filled"]).T


def test_two_owners_are_compared_as_fisher_does():
    found = compare_owners(count(Tom=(40, 33), Mia=(200, 190)), 30)
    tails = [fisher_exact([[33, 7], [190, 10]], alternative=side).pvalue for side in ("less", "greater")]
    assert (found.lowest, found.whose, found.highest) == (33 / 40, "Tom", 190 / 200)
    assert found.chance == pytest.approx(4 * min(tails)) and is_beyond_chance(found.chance)


def test_few_records_and_a_single_owner_tell_nothing():
    assert compare_owners(count(Tom=(10, 0), Mia=(200, 190)), 30) == OwnerSpread(0.95, "Mia", 0.95, None)
    assert compare_owners(count(Tom=(10, 0)), 30) == OwnerSpread()
    assert compare_owners(pd.DataFrame({"n": [], "n_filled": []}), 30) == OwnerSpread()
    assert not is_beyond_chance(None)


def test_among_many_owners_who_fill_alike_somebody_stands_out_in_one_field_of_twenty_at_most():
    rng = np.random.default_rng(7)
    names, beyond = [f"o{i}" for i in range(40)], 0
    for _ in range(300):
        n = rng.integers(30, 60, 40)
        counts = pd.DataFrame({"n": n, "n_filled": rng.binomial(n, 0.9)}, index=names)
        found = compare_owners(counts, 30)
        assert found == compare_owners(counts.iloc[::-1], 30)
        beyond += is_beyond_chance(found.chance)
    assert beyond <= 15


def test_one_of_many_who_does_not_fill_it_stands_out():
    counts = pd.DataFrame({"n": [50] * 40, "n_filled": [45] * 39 + [20]}, index=[f"o{i}" for i in range(40)])
    assert is_beyond_chance(compare_owners(counts, 30).chance)
