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


def swap(leaves: pd.DataFrame) -> pd.DataFrame:
    """Expected becomes actual, and the other way round."""
    names = {f"{one}_expected": f"{one}_actual" for one in (*STEPS, "revenue")}
    return leaves.rename(columns=names | {new: old for old, new in names.items()})


@settings(max_examples=80, deadline=None)
@given(st.lists(leaf, min_size=1, max_size=12))
def test_swapping_expected_and_actual_changes_only_the_sign(rows: list[tuple]) -> None:
    leaves = make_leaves(rows, ["one", "two"], STEPS, "revenue")
    there = decompose(leaves, ["one", "two"], STEPS, amount="revenue")
    back = decompose(swap(leaves), ["one", "two"], STEPS, amount="revenue")
    largest = leaves[["revenue_expected", "revenue_actual"]].abs().to_numpy().max(initial=1.0)
    np.testing.assert_allclose(there["contribution"], -back["contribution"], rtol=1e-7, atol=1e-9 * largest)


many = st.integers(0, 40)
funnel = st.tuples(st.integers(0, 60), st.sampled_from([0, 0.25, 0.5, 1]), st.sampled_from([0, 0.5, 1]), many)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), funnel, funnel), min_size=1, max_size=8), st.integers(0, 4))
def test_a_factor_that_moved_in_no_cell_explains_nothing(cells: list[tuple], kept: int) -> None:
    """One factor of every cell is the same on both sides; 0 is total volume, 1 the shares, then rates and value."""
    names, expected, actual = (list(part) for part in zip(*cells, strict=True))
    leads = [[one[0] for one in side] for side in (expected, actual)]
    if kept == 0:
        leads[1] = [*leads[1][:-1], max(sum(leads[0]) - sum(leads[1][:-1]), 0)]
        if sum(leads[1]) != sum(leads[0]):
            leads[1] = list(reversed(leads[0]))
    if kept == 1:
        leads[1] = [3 * one for one in leads[0]]
    rows = []
    for place, name in enumerate(names):
        sides = [list(expected[place]), list(actual[place])]
        if kept >= 2:
            sides[1][kept - 1] = sides[0][kept - 1]
        sides[0][0], sides[1][0] = leads[0][place], leads[1][place]
        chain = [(n, n * a, n * a * b, n * a * b * value) for n, a, b, value in sides]
        rows.append((f"{name}{place}", *(number for pair in zip(*chain, strict=True) for number in pair)))
    leaves = make_leaves(rows, ["cell"], STEPS, "revenue")
    table = decompose(leaves, ["cell"], STEPS, amount="revenue")
    effect = [("leads", "volume"), ("leads", "mix"), ("opportunities", "rate"), ("deals_won", "rate"),
              ("revenue", "value")][kept]  # fmt: skip
    mine = table[(table["step"] == effect[0]) & (table["effect"] == effect[1])]["contribution"]
    largest = leaves[["revenue_expected", "revenue_actual"]].to_numpy().max(initial=1.0)
    assert mine.abs().max() <= 1e-9 * largest


@settings(max_examples=60, deadline=None)
@given(st.lists(leaf, min_size=1, max_size=10), st.lists(cents, min_size=10, max_size=10))
def test_what_slipped_never_breaks_the_sum(rows: list[tuple], moved: list[float]) -> None:
    leaves = make_leaves(rows, ["one", "two"], STEPS, "revenue").assign(moved=moved[: len(rows)])
    table = decompose(leaves, ["one", "two"], STEPS, amount="revenue", slipped="moved")
    gap = leaves["revenue_actual"].sum() - leaves["revenue_expected"].sum()
    whole = max(abs(gap), np.abs(leaves[["revenue_expected", "revenue_actual", "moved"]].to_numpy()).max(initial=1))
    for dimension, part in table.groupby("dimension"):
        assert part["contribution"].sum() == pytest.approx(gap, abs=1e-9 * whole * len(part)), dimension
    timing = table[table["effect"] == "timing"]
    for _, part in timing.groupby("dimension"):
        assert part["contribution"].sum() == pytest.approx(-leaves["moved"].sum(), abs=1e-9 * whole)


@pytest.mark.parametrize(
    ("row", "hand"),
    [
        # 10 -> 0 leads at 0.5: x is the whole company, so the total goes with it and shares stay as they were
        pytest.param((10, 0, 5, 0, 50, 0), {"volume": -50, "mix": 0, "won": 0, "value": 0}, id="everything vanished"),
        pytest.param((0, 10, 0, 5, 0, 50), {"volume": 50, "mix": 0, "won": 0, "value": 0}, id="everything is new"),
        # rate 0 -> 1 at 10 leads; the deal size of the side without deals is that of the other
        pytest.param((10, 10, 0, 10, 0, 100), {"volume": 0, "mix": 0, "won": 100, "value": 0}, id="rate from 0 to 1"),
        # rate and volume move, one end zero: half of the joint part each: 10·.5·10=50 -> 0, volume 10 -> 20
        # orders: volume first: +50, then rate -100; rate first: -50, then volume 0; means: +25 and -75
        pytest.param((10, 20, 5, 0, 50, 0), {"volume": 25, "mix": 0, "won": -75, "value": 0}, id="shapley by hand"),
        # five deals at no amount: 10 -> 0 each
        pytest.param((10, 10, 5, 5, 50, 0), {"volume": 0, "mix": 0, "won": 0, "value": -50}, id="deals at no amount"),
        pytest.param((0, 0, 0, 0, 0, 0), {"volume": 0, "mix": 0, "won": 0, "value": 0}, id="nothing at all"),
    ],
)  # fmt: skip
def test_zeros_by_hand(row: tuple, hand: dict) -> None:
    leaves = make_leaves([("x", *row)], ["d"], ["leads", "won"], "eur")
    table = decompose(leaves, ["d"], ["leads", "won"], amount="eur")
    steps = {"volume": "leads", "mix": "leads", "won": "won", "value": "eur"}
    effects = {"volume": "volume", "mix": "mix", "won": "rate", "value": "value"}
    found = {name: contribution(table, steps[name], effects[name]) for name in hand}
    assert found == pytest.approx(hand, abs=1e-9)


def test_a_new_slice_by_hand() -> None:
    """Slice y is new: leads 100 -> 100 + 50, all at rate .2 and 10 each; its 100 are half volume, the rest share.

    y alone: total 100 -> 150, share 0 -> 1/3, rate and size taken as unchanged: the mean over both orders is
    mix (100 + 150) / 2 · 1/3 · 2 = 83.33 and volume (50) · (0 + 1/3) / 2 · 2 = 16.67.
    """
    leaves = make_leaves([("x", 100, 100, 20, 20, 200, 200), ("y", 0, 50, 0, 10, 0, 100)], ["d"], ["leads", "won"], "e")
    table = decompose(leaves, ["d"], ["leads", "won"], amount="e")
    assert contribution(table, "leads", "mix", "d", "y") == pytest.approx(250 / 3)
    assert contribution(table, "leads", "volume", "d", "y") == pytest.approx(50 / 3)
    assert contribution(table, "won", "rate", "d", "y") == pytest.approx(0)
    assert_adds_up(table, 100)
    assert table.attrs["methods"] == {"all": {"LMDI": 1, "Shapley": 1}, "d": {"LMDI": 1, "Shapley": 1}}


def test_hardly_any_change_of_the_product_leaves_each_factor_its_own() -> None:
    """The rate doubles and the size halves: a product that stays to the last digits must not blur the two."""
    leaves = make_leaves([("x", 1e6, 1e6, 1e5, 2e5, 1e9, 1e9 * (1 + 3e-9))], ["d"], ["leads", "won"], "eur")
    table = decompose(leaves, ["d"], ["leads", "won"], amount="eur")
    assert contribution(table, "leads", "volume") == 0
    assert contribution(table, "won", "rate") == pytest.approx(1e9 * log(2), rel=1e-8)
    whole = table[table["dimension"] == "all"]
    assert whole["contribution"].sum() == pytest.approx(3.0, abs=1e-6)
