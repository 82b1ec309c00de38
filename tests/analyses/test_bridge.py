"""The bridge adds up, says what a hand calculation says, and does not care about order."""

from itertools import permutations
from math import log

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.analyses.bridge import BRIDGE_COLUMNS, attribute_by_shapley, decompose
from helpers.errors import ParameterError

STEPS = ["leads", "opportunities", "deals_won"]


def make_leaves(rows: list[tuple], dimensions: list[str], steps: list[str], amount: str | None = None) -> pd.DataFrame:
    """Rows are dimension values, then expected and actual per step (and amount)."""
    names = [f"{name}_{side}" for name in [*steps, *([amount] if amount else [])] for side in ("expected", "actual")]
    return pd.DataFrame(rows, columns=[*dimensions, *names])


def contribution(table: pd.DataFrame, step: str, effect: str, dimension: str = "all", slice_: str = "all") -> float:
    """One number out of a decomposition."""
    is_row = (
        (table["step"] == step)
        & (table["effect"] == effect)
        & (table["dimension"] == dimension)
        & (table["slice"] == slice_)
    )
    assert is_row.sum() == 1
    return float(table.loc[is_row, "contribution"].iloc[0])


def assert_adds_up(table: pd.DataFrame, gap: float) -> None:
    """Every table (the whole, and each dimension) adds up to the gap."""
    for dimension, part in table.groupby("dimension"):
        assert part["contribution"].sum() == pytest.approx(gap, abs=max(abs(gap) * 1e-6, 1e-9)), dimension


def test_two_regions_by_hand() -> None:
    """A composition change by hand, with the rates untouched.

    region  leads expected -> actual   won expected -> actual
    A       100 -> 50                  50 -> 25   (rate .5 in both)
    B       100 -> 150                 10 -> 15   (rate .1 in both)
    Same volume, same rates: the whole gap of -20 is mix.
    """
    leaves = make_leaves([("A", 100, 50, 50, 25), ("B", 100, 150, 10, 15)], ["region"], ["leads", "won"])
    table = decompose(leaves, ["region"], ["leads", "won"])
    assert list(table.columns) == BRIDGE_COLUMNS
    assert contribution(table, "leads", "volume") == pytest.approx(0)
    assert contribution(table, "leads", "mix") == pytest.approx(-20)
    assert contribution(table, "won", "rate") == pytest.approx(0)
    assert table.loc[table["effect"].eq("mix") & table["dimension"].eq("all"), "share_of_gap"].item() == pytest.approx(
        1
    )
    assert contribution(table, "leads", "mix", "region", "A") == pytest.approx(-25)
    assert contribution(table, "leads", "mix", "region", "B") == pytest.approx(5)


def test_log_mean_formula_on_one_cell() -> None:
    """One cell, 100 -> 80 leads, 20 -> 20 won, 1,000 -> 900 money: L · ln(ratio), L = 100 / ln(1000/900)."""
    leaves = make_leaves([("x", 100, 80, 20, 20, 1000, 900)], ["d"], ["leads", "won"], "revenue")
    table = decompose(leaves, ["d"], ["leads", "won"], amount="revenue")
    mean = 100 / log(1000 / 900)
    assert contribution(table, "leads", "volume") == pytest.approx(mean * log(0.8))
    assert contribution(table, "won", "rate") == pytest.approx(mean * log(0.25 / 0.2))
    assert contribution(table, "revenue", "value") == pytest.approx(mean * log(45 / 50))
    assert_adds_up(table, -100)


def test_pure_value_change_is_value() -> None:
    leaves = make_leaves([("x", 10, 10, 5, 5, 500, 400), ("y", 10, 10, 2, 2, 300, 300)], ["d"], ["leads", "won"], "eur")
    table = decompose(leaves, ["d"], ["leads", "won"], amount="eur")
    assert contribution(table, "eur", "value", "d", "x") == pytest.approx(-100)
    assert table.loc[table["effect"] != "value", "contribution"].abs().max() == pytest.approx(0, abs=1e-9)


def test_zero_cell_uses_shapley_over_the_factors() -> None:
    """10 leads in both, rate 0.5 -> 0: all of the loss is the rate; volume and mix stay 0."""
    leaves = make_leaves([("x", 10, 10, 5, 0)], ["d"], ["leads", "won"])
    table = decompose(leaves, ["d"], ["leads", "won"])
    assert contribution(table, "won", "rate") == pytest.approx(-5)
    assert contribution(table, "leads", "volume") == pytest.approx(0)


def test_vanished_slice_is_mix_and_volume_never_a_rate() -> None:
    leaves = make_leaves([("x", 50, 0, 10, 0), ("y", 50, 100, 10, 20)], ["d"], ["leads", "won"])
    table = decompose(leaves, ["d"], ["leads", "won"])
    assert contribution(table, "won", "rate", "d", "x") == pytest.approx(0)
    assert contribution(table, "leads", "mix", "d", "x") == pytest.approx(-10)
    assert_adds_up(table, 0)


def test_counts_without_the_step_before_are_told_where_they_appear() -> None:
    """Slice x has no leads at all, yet 4 -> 9 opportunities of which half are won."""
    leaves = make_leaves([("x", 0, 0, 4, 9, 2, 4.5), ("y", 10, 10, 5, 5, 1, 1)], ["d"], STEPS)
    table = decompose(leaves, ["d"], STEPS)
    assert contribution(table, "opportunities", "rate", "d", "x") == pytest.approx(2.5)
    assert contribution(table, "leads", "volume", "d", "x") == pytest.approx(0)
    assert_adds_up(table, 2.5)


def test_slipped_is_timing_and_leaves_the_rest_unharmed() -> None:
    """Two of ten deals (200 of 1,000) were pushed out; nothing else changed."""
    leaves = make_leaves([("x", 100, 100, 10, 8, 1000, 800)], ["d"], ["leads", "won"], "eur").assign(slipped=[200])
    table = decompose(leaves, ["d"], ["leads", "won"], amount="eur", slipped="slipped")
    assert contribution(table, "eur", "timing") == pytest.approx(-200)
    assert table.loc[table["effect"] != "timing", "contribution"].abs().max() == pytest.approx(0, abs=1e-9)
    assert_adds_up(table, -200)


def test_slipped_deals_of_another_size_keep_the_value_when_their_count_is_known() -> None:
    leaves = make_leaves([("x", 100, 100, 10, 9, 1000, 600)], ["d"], ["leads", "won"], "eur")
    leaves = leaves.assign(slipped=[400], slipped_count=[1])
    table = decompose(leaves, ["d"], ["leads", "won"], amount="eur", slipped="slipped")
    assert contribution(table, "eur", "timing") == pytest.approx(-400)
    assert table.loc[table["effect"] != "timing", "contribution"].abs().max() == pytest.approx(0, abs=1e-9)


def test_slipped_in_counts() -> None:
    leaves = make_leaves([("x", 100, 100, 10, 6)], ["d"], ["leads", "won"]).assign(moved=[3])
    table = decompose(leaves, ["d"], ["leads", "won"], slipped="moved")
    assert contribution(table, "won", "timing") == pytest.approx(-3)
    assert contribution(table, "won", "rate") == pytest.approx(-1)


def test_shapley_equals_the_mean_over_all_orders() -> None:
    rng = np.random.default_rng(3)
    before, after = rng.uniform(0, 2, (4, 3)), rng.uniform(0, 2, (4, 3))
    before[1, 0] = after[2, 1] = 0.0
    expected = np.zeros_like(before)
    orders = list(permutations(range(4)))
    for order in orders:
        now = before.copy()
        for factor in order:
            was = now.prod(axis=0)
            now[factor] = after[factor]
            expected[factor] += (now.prod(axis=0) - was) / len(orders)
    np.testing.assert_allclose(attribute_by_shapley(before, after), expected, atol=1e-12)


counts = st.integers(0, 40)
cents = st.integers(-5_000, 10_000_000).map(lambda n: n / 100)
leaf = st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from(["p", "q"]), *[counts] * 6, *[cents] * 2)


@settings(max_examples=80, deadline=None)
@given(st.lists(leaf, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_any_table_adds_up_and_order_is_irrelevant(rows: list[tuple], random) -> None:
    leaves = make_leaves(rows, ["one", "two"], STEPS, "revenue")
    table = decompose(leaves, ["one", "two"], STEPS, amount="revenue")
    assert_adds_up(table, leaves["revenue_actual"].sum() - leaves["revenue_expected"].sum())
    shuffled = leaves.sample(frac=1, random_state=random.randrange(1000))[list(reversed(leaves.columns))]
    again = decompose(shuffled, ["two", "one"], STEPS, amount="revenue")
    pd.testing.assert_frame_equal(table, again, atol=1e-6)


def test_missing_values_become_the_blank_slice() -> None:
    leaves = make_leaves([(None, 5, 5, 1, 0), ("x", 5, 5, 1, 1)], ["d"], ["leads", "won"])
    table = decompose(leaves, ["d"], ["leads", "won"])
    assert contribution(table, "won", "rate", "d", "(blank)") == pytest.approx(-1)


def test_no_gap_has_no_shares() -> None:
    leaves = make_leaves([("x", 5, 5, 1, 1)], ["d"], ["leads", "won"])
    assert decompose(leaves, ["d"], ["leads", "won"])["share_of_gap"].isna().all()


def test_no_leaves_gives_zeros_for_the_whole() -> None:
    leaves = make_leaves([], ["d"], ["leads", "won"])
    table = decompose(leaves, ["d"], ["leads", "won"])
    assert set(table["dimension"]) == {"all"}
    assert (table["contribution"] == 0).all()


def test_one_step_is_volume_and_mix() -> None:
    leaves = make_leaves([("x", 10, 5), ("y", 10, 5)], ["d"], ["leads"])
    table = decompose(leaves, ["d"], ["leads"])
    assert set(table["effect"]) == {"volume", "mix"}
    assert contribution(table, "leads", "volume") == pytest.approx(-10)


def test_the_question_is_not_changed() -> None:
    leaves = make_leaves([("x", 10, 5, 2, 1)], ["d"], ["leads", "won"])
    before = leaves.copy(deep=True)
    decompose(leaves, ["d"], ["leads", "won"])
    pd.testing.assert_frame_equal(leaves, before)


@pytest.mark.parametrize(
    ("dimensions", "steps", "amount", "says"),
    [
        (["region"], ["leads", "won"], None, "no column 'region'"),
        (["d"], ["lead"], None, "Did you mean 'leads_expected'"),
        (["d"], ["leads"], "eur", "eur_expected"),
        (["d"], [], None, "steps is empty"),
        (["d", "d"], ["leads"], None, "twice"),
    ],
)
def test_a_question_that_the_frame_can_not_answer__error(dimensions, steps, amount, says) -> None:
    leaves = make_leaves([("x", 10, 5, 2, 1)], ["d"], ["leads", "won"])
    with pytest.raises(ParameterError, match=says):
        decompose(leaves, dimensions, steps, amount=amount)


def test_negative_counts__error() -> None:
    leaves = make_leaves([("x", 10, -5)], ["d"], ["leads"])
    with pytest.raises(ParameterError, match="negative count: -5"):
        decompose(leaves, ["d"], ["leads"])
