"""Localisation finds what was planted, stays silent on noise, and gives the same answer however it is asked."""

import json
from math import prod

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.root_cause import CAUSE_COLUMNS, localise
from helpers.errors import ParameterError

SIZES = {"channel": 4, "region": 3, "rep": 8}
STEPS = ["leads", "opportunities", "deals_won"]


def make_leaves(
    *,
    seed: int = 1,
    leads: int = 60_000,
    volume: dict | None = None,
    rate: dict | None = None,
    win: dict | None = None,
    everywhere: float = 1.0,
    sizes: dict | None = None,
) -> pd.DataFrame:
    """Two periods of a small funnel; volume, rate and win map a slice (as a tuple of pairs) to a multiplier."""
    sizes = sizes or SIZES
    rng = np.random.default_rng(seed)
    grid = np.indices(list(sizes.values())).reshape(len(sizes), -1)
    values = {name: np.array([f"{name}{code}" for code in grid[i]]) for i, name in enumerate(sizes)}
    shares = prod(rng.dirichlet(np.full(size, 8.0))[grid[i]] for i, size in enumerate(sizes.values()))

    def multiplier(planted: dict | None) -> np.ndarray:
        total = np.ones(grid.shape[1])
        for pairs, factor in (planted or {}).items():
            inside = np.logical_and.reduce([values[name] == value for name, value in pairs])
            total[inside] *= factor
        return total

    frame = pd.DataFrame(values)
    for side, effects in (("expected", (None, None, None)), ("actual", (volume, rate, win))):
        scale = everywhere if side == "actual" else 1.0
        n = rng.poisson(leads * shares * multiplier(effects[0]) * scale)
        o = rng.binomial(n, np.clip(0.3 * multiplier(effects[1]), 0, 1))
        w = rng.binomial(o, np.clip(0.3 * multiplier(effects[2]), 0, 1))
        amounts = [rng.lognormal(10, 0.6, count) for count in w]
        frame[f"leads_{side}"], frame[f"opportunities_{side}"], frame[f"deals_won_{side}"] = n, o, w
        frame[f"revenue_{side}"] = [a.sum() for a in amounts]
        frame[f"revenue_log_{side}"] = [np.log(a).sum() for a in amounts]
        frame[f"revenue_logsq_{side}"] = [(np.log(a) ** 2).sum() for a in amounts]
    return frame


def ask(leaves: pd.DataFrame, **options) -> pd.DataFrame:
    """Localise over the three dimensions."""
    return localise(leaves, list(SIZES), STEPS, amount="revenue", **options)


def slices(found: pd.DataFrame) -> list[tuple[str, str, dict]]:
    """Step, effect and slice of every row."""
    return [(row.step, row.effect, json.loads(row.slice_json)) for row in found.itertuples()]


def test_nothing_moved_gives_no_rows() -> None:
    for seed in range(12):
        found = ask(make_leaves(seed=seed))
        assert found.empty, seed
        assert list(found.columns) == CAUSE_COLUMNS


def test_what_moved_everywhere_is_no_cause_of_a_slice() -> None:
    found = ask(make_leaves(everywhere=0.8))
    assert found.empty
    moved = found.attrs["global"]["leads"]
    assert moved["effect"] == "volume"
    assert moved["low"] < 0.8 < moved["high"]
    assert moved["contribution"] < 0


def test_a_rate_that_fell_in_one_slice_is_found_with_its_step() -> None:
    planted = {(("channel", "channel1"), ("region", "region2")): 0.5}
    found = ask(make_leaves(rate=planted))
    assert slices(found) == [("opportunities", "rate", {"channel": ["channel1"], "region": ["region2"]})]
    row = found.iloc[0]
    assert row["slice"] == "channel=channel1 & region=region2"
    assert row["low"] < row["contribution"] < row["high"] < 0
    assert row["n_actual"] == pytest.approx(0.5 * row["n_expected"], rel=0.12)
    assert row["q_value"] < 0.05
    assert row["verdict"] == "cause"


def test_a_win_rate_and_a_volume_are_told_apart() -> None:
    leaves = make_leaves(volume={(("channel", "channel0"),): 0.6}, win={(("region", "region1"),): 0.6})
    assert sorted(slices(ask(leaves))) == [
        ("deals_won", "rate", {"region": ["region1"]}),
        ("leads", "volume", {"channel": ["channel0"]}),
    ]


def test_a_shift_between_two_values_is_a_mix_that_names_loser_then_gainer() -> None:
    leaves = make_leaves()
    lost, gained = leaves["channel"] == "channel1", leaves["channel"] == "channel2"
    moved = 0.4 * leaves.loc[lost, "leads_actual"].sum()
    for step in [*STEPS, "revenue", "revenue_log", "revenue_logsq"]:
        grown = 1 + moved / leaves.loc[gained, "leads_actual"].sum()
        leaves[f"{step}_actual"] = leaves[f"{step}_actual"] * np.where(lost, 0.6, np.where(gained, grown, 1.0))
    found = ask(leaves)
    assert ("leads", "mix", {"channel": ["channel1", "channel2"]}) in slices(found)


def test_a_worse_composition_is_never_called_a_rate() -> None:
    """Simpson: channel0 converts at 60 %, channel1 at 10 %; the share of channel1 doubles; no rate changes.

    channel   leads expected -> actual   won
    channel0  5,000 -> 3,000             3,000 -> 1,800
    channel1  2,000 -> 4,000               200 ->   400
    """
    leaves = pd.DataFrame(
        {
            "channel": ["channel0", "channel0", "channel1", "channel1"],
            "rep": ["a", "b", "a", "b"],
            "leads_expected": [2500, 2500, 1000, 1000],
            "leads_actual": [1500, 1500, 2000, 2000],
            "won_expected": [1500, 1500, 100, 100],
            "won_actual": [900, 900, 200, 200],
        }
    )
    found = localise(leaves, ["channel", "rep"], ["leads", "won"])
    assert slices(found) == [("leads", "mix", {"channel": ["channel0", "channel1"]})]
    assert found["contribution"].iloc[0] < 0


def test_rows_columns_and_names_do_not_matter() -> None:
    leaves = make_leaves(rate={(("channel", "channel1"), ("region", "region2")): 0.5}, volume={(("rep", "rep3"),): 0.6})
    found = ask(leaves)
    shuffled = leaves.sample(frac=1, random_state=5)[list(reversed(leaves.columns))]
    again = localise(shuffled, list(reversed(list(SIZES))), STEPS, amount="revenue")
    pd.testing.assert_frame_equal(found, again, rtol=1e-8)
    renamed = leaves.assign(region=leaves["region"].map({"region0": "z", "region1": "y", "region2": "x"}))
    assert ask(renamed)["contribution"].tolist() == pytest.approx(found["contribution"].tolist(), rel=1e-6)


def test_an_irrelevant_dimension_changes_no_slice() -> None:
    leaves = make_leaves(rate={(("channel", "channel1"),): 0.5})
    halves = []
    rng = np.random.default_rng(4)
    numbers = [column for column in leaves.columns if column not in SIZES]
    part = leaves.copy()
    for column in numbers:
        part[column] = (
            rng.binomial(leaves[column].round().astype(int), 0.5) if "revenue" not in column else leaves[column] / 2
        )
    rest = leaves.copy()
    rest[numbers] = leaves[numbers] - part[numbers]
    halves = pd.concat([part.assign(day="even"), rest.assign(day="odd")])
    counts = [c for c in halves.columns if "revenue" not in c]
    found = localise(halves[counts], [*SIZES, "day"], STEPS)
    assert slices(found) == slices(localise(leaves, list(SIZES), STEPS))


def test_names_for_the_same_records_are_aliases() -> None:
    leaves = make_leaves(win={(("region", "region1"),): 0.5})
    leaves["team"] = leaves["region"].str.replace("region", "team")
    found = localise(leaves, [*SIZES, "team"], STEPS, amount="revenue")
    assert len(found) == 1
    named = [json.loads(found["slice_json"].iloc[0]), *json.loads(found["aliases"].iloc[0])]
    assert {"region": ["region1"]} in named
    assert {"team": ["team1"]} in named


def test_a_blank_value_is_a_slice_of_its_own() -> None:
    leaves = make_leaves(volume={(("channel", "channel1"),): 0.5})
    leaves["channel"] = leaves["channel"].where(leaves["channel"] != "channel1")
    found = ask(leaves)
    assert slices(found) == [("leads", "volume", {"channel": [None]})]
    assert found["slice"].iloc[0] == "channel=(blank)"


def test_vanished_and_new_values_are_told_as_volume() -> None:
    leaves = make_leaves(volume={(("channel", "channel1"),): 0.0})
    assert slices(ask(leaves)) == [("leads", "volume", {"channel": ["channel1"]})]
    swapped = leaves.rename(
        columns=lambda c: c.replace("_expected", "_x").replace("_actual", "_expected").replace("_x", "_actual")
    )
    found = ask(swapped, direction="up")
    assert slices(found) == [("leads", "volume", {"channel": ["channel1"]})]
    assert found["contribution"].iloc[0] > 0


def test_two_values_that_fell_alike_are_one_cause() -> None:
    leaves = make_leaves(rate={(("rep", "rep2"),): 0.6, (("rep", "rep5"),): 0.6})
    assert slices(ask(leaves)) == [("opportunities", "rate", {"rep": ["rep2", "rep5"]})]


def test_one_giant_deal_is_named_as_a_deal() -> None:
    leaves = make_leaves(leads=6_000)
    row = int(np.flatnonzero(leaves["deals_won_expected"].to_numpy() >= 1)[0])
    leaves.loc[row, "revenue_expected"] += 8e6
    leaves.loc[row, "revenue_log_expected"] += np.log(8e6)
    leaves.loc[row, "revenue_logsq_expected"] += np.log(8e6) ** 2
    leaves.loc[row, "deals_won_expected"] += 1
    leaves.loc[row, "opportunities_expected"] += 1
    leaves.loc[row, "leads_expected"] += 1
    found = ask(leaves)
    assert found["verdict"].tolist() == ["single deal"]
    assert found["contribution"].iloc[0] == pytest.approx(-8e6, rel=0.05)


def test_a_plan_is_exact_and_a_plan_too_high_everywhere_is_no_slice() -> None:
    leaves = make_leaves(rate={(("channel", "channel1"),): 0.5})
    for step in STEPS:
        leaves[f"{step}_expected"] = leaves[f"{step}_expected"] * 1.25
    found = localise(leaves, list(SIZES), STEPS, expected_is_plan=True)
    assert slices(found) == [("opportunities", "rate", {"channel": ["channel1"]})]
    assert found.attrs["global"]["leads"]["ratio"] == pytest.approx(0.8, rel=0.03)


def test_one_step_alone_is_a_volume() -> None:
    leaves = make_leaves(volume={(("region", "region0"), ("channel", "channel2")): 0.5})
    found = localise(leaves, list(SIZES), ["leads"])
    assert slices(found) == [("leads", "volume", {"channel": ["channel2"], "region": ["region0"]})]


def test_a_longer_history_is_stated_per_one_period() -> None:
    leaves = make_leaves(rate={(("channel", "channel1"),): 0.5})
    once = ask(leaves)
    longer = leaves.copy()
    expected = [column for column in leaves.columns if column.endswith("_expected")]
    longer[expected] = leaves[expected] * 4
    found = ask(longer, expected_periods=4)
    assert slices(found) == slices(once)
    assert found["contribution"].iloc[0] == pytest.approx(once["contribution"].iloc[0], rel=0.05)
    assert found.attrs["gap"] == pytest.approx(once.attrs["gap"])


def test_causes_everywhere_and_unexplained_add_up_to_the_gap() -> None:
    leaves = make_leaves(rate={(("channel", "channel1"),): 0.5}, everywhere=0.9)
    found = ask(leaves)
    moved = sum(part["contribution"] for part in found.attrs["global"].values())
    gap = leaves["revenue_actual"].sum() - leaves["revenue_expected"].sum()
    assert found["contribution"].sum() + moved + found.attrs["unexplained"] == pytest.approx(gap)


def test_direction_ranks_offsets_last() -> None:
    leaves = make_leaves(volume={(("channel", "channel1"),): 0.5, (("region", "region2"),): 1.8})
    down, up = ask(leaves), ask(leaves, direction="up")
    assert down["contribution"].iloc[0] < 0 < down["contribution"].iloc[-1]
    assert up["contribution"].iloc[0] > 0 > up["contribution"].iloc[-1]
    assert ask(leaves, max_causes=1)["rank"].tolist() == [1]


@pytest.mark.parametrize("leads", [0, 3, 30])
def test_hardly_any_records_give_no_rows_and_no_error(leads: int) -> None:
    found = ask(make_leaves(leads=leads))
    assert found.empty


def test_an_empty_frame_and_no_dimensions_give_no_rows() -> None:
    leaves = make_leaves()
    assert ask(leaves.iloc[:0]).empty
    assert localise(leaves, [], STEPS).empty


def test_the_leaves_are_not_changed() -> None:
    leaves = make_leaves(rate={(("channel", "channel1"),): 0.5})
    before = leaves.copy(deep=True)
    ask(leaves)
    pd.testing.assert_frame_equal(leaves, before)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"direction": "sideways"}, "direction 'sideways'"),
        ({"max_depth": 0}, "max_depth 0"),
        ({"expected_periods": 0}, "expected_periods 0"),
    ],
)
def test_a_parameter_that_is_not_allowed__error(options: dict, says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        ask(make_leaves(leads=100), **options)
