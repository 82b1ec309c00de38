"""Where inside a slice its loss lies, on tables small enough to be worked out by hand."""

import json

import pandas as pd

from helpers.analyses.cause_words import describe_cause, find_core
from helpers.analyses.leaves import GapLeaves

CAUSE = {
    "step": "won", "effect": "rate", "slice_json": '{"region": ["US"]}', "n_actual": 9.0, "n_expected": 26.0,
    "verdict": "cause", "contribution": -100.0,
}  # fmt: skip


def make_leaves(rows: list[tuple], dimensions: tuple[str, ...] = ("region", "segment")) -> GapLeaves:
    """Lay out rows of region, segment, decided before and now, won before and now."""
    columns = ["region", "segment", "decided_expected", "decided_actual", "won_expected", "won_actual"]
    labels = {"decided": "Decided", "won": "Won"}
    frame = pd.DataFrame(rows, columns=columns)
    return GapLeaves("closing", frame, dimensions, ("decided", "won"), labels, people=("owner",))


CONCENTRATED = [("US", "Mid", 100, 46, 44, 5), ("US", "Small", 60, 22, 15, 4), ("EU", "Mid", 80, 40, 20, 10)]
SPREAD = [("US", "Mid", 100, 46, 44, 6), ("US", "Small", 60, 22, 15, 3), ("EU", "Mid", 80, 40, 20, 10)]


def test_the_part_that_holds_nearly_all_of_a_loss_is_named_with_its_own_counts() -> None:
    """Usual: 44 % of 46 = 20.24 and 25 % of 22 = 5.5, together 25.74, scaled to 26; 15.4 of 17 are lost in Mid."""
    value, entered, actual, expected = find_core(CAUSE, make_leaves(CONCENTRATED))
    assert (value, entered, actual) == ("Mid", 46.0, 5.0)
    assert round(expected, 2) == round(20.24 * 26 / 25.74, 2)
    said = describe_cause(CAUSE, make_leaves(CONCENTRATED))
    assert said.endswith("nearly all of it in Mid (5 of 46 instead of 20)")


def test_a_loss_that_is_spread_has_no_core() -> None:
    """14.4 of 17 is 85 %: just below what counts as nearly all."""
    assert find_core(CAUSE, make_leaves(SPREAD)) is None
    assert "nearly all" not in describe_cause(CAUSE, make_leaves(SPREAD))


def test_a_part_that_holds_nearly_all_records_is_no_news() -> None:
    rows = [("US", "Mid", 100, 62, 44, 5), ("US", "Small", 60, 6, 15, 4)]
    assert find_core(CAUSE, make_leaves(rows)) is None


def test_no_person_is_ever_the_core() -> None:
    leaves = make_leaves(CONCENTRATED)
    frame = leaves.frame.rename(columns={"segment": "owner"})
    people = GapLeaves("closing", frame, ("region", "owner"), leaves.steps, leaves.labels, people=("owner",))
    assert find_core(CAUSE, people) is None


def test_other_effects_have_no_core() -> None:
    assert find_core({**CAUSE, "effect": "volume"}, make_leaves(CONCENTRATED)) is None


def make_sizes(money: list[tuple[float, float]]) -> GapLeaves:
    """Lay out deals of four regions, ten before and ten now in each, at averages before and now."""
    regions = ["US", "EU", "Asia", None]
    frame = pd.DataFrame({"region": regions[: len(money)], "won_expected": 10.0, "won_actual": 10.0})
    frame["revenue_expected"] = [10 * before for before, _ in money]
    frame["revenue_actual"] = [10 * now for _, now in money]
    return GapLeaves("closing", frame, ("region",), ("won",), {"won": "Won"}, amount="revenue")


def test_a_size_says_by_how_much_the_typical_deal_moved() -> None:
    cause = CAUSE | {"effect": "value", "step": "revenue", "n_actual": 10.0, "n_expected": 10.0}
    said = [
        describe_cause(cause | {"contribution": sign}, make_sizes([(100.0, now)]))
        for sign, now in ((-1.0, 60.0), (1.0, 10_000.0), (1.0, 130.0), (-1.0, 0.1), (-1.0, 110.0))
    ]
    assert said == [
        "Deals won in US were typically about 40 % smaller: 10 deals",
        "Deals won in US were typically about 100 times as large: 10 deals",
        "Deals won in US were typically about 30 % larger: 10 deals",
        "Deals won in US were typically about 0.1 % of their usual size: 10 deals",
        "Deals won in US were smaller: 10 deals",
    ]


def test_a_giant_deal_of_the_time_compared_with_is_not_told_as_one_of_now() -> None:
    cause = CAUSE | {"effect": "value", "verdict": "single deal", "n_actual": 0.0, "n_expected": 1.0}
    said = [describe_cause(cause | {"contribution": sign}, make_sizes([(1.0, 1.0)])) for sign in (1.0, -1.0)]
    assert said == [
        "One deal far beyond the others (US)",
        "One deal far beyond the others was in the time compared with (US)",
    ]


def test_what_was_never_there_before_is_instead_of_none_and_a_blank_says_of_what() -> None:
    rows = [("US", "Mid", 0, 46, 0, 5), (None, "Mid", 60, 22, 15, 4)]
    volume = CAUSE | {"effect": "volume", "step": "decided", "n_actual": 46.0, "n_expected": 0.6}
    assert describe_cause(volume, make_leaves(rows)) == "Decided in US: 46 instead of none"
    blank = volume | {"slice_json": '{"region": [null]}', "n_actual": 22.0, "n_expected": 60.0}
    assert describe_cause(blank, make_leaves(rows)) == "Decided in region (blank): 22 instead of 60"


def test_of_many_shares_those_that_moved_most_are_told() -> None:
    rows = [(f"r{i}", "Mid", 10 + i, 5 + i // 2, 1, 1) for i in range(6)] + [("all else", "Mid", 25, 64, 1, 1)]
    slice_json = json.dumps({"region": [row[0] for row in rows]})
    said = describe_cause(CAUSE | {"effect": "mix", "slice_json": slice_json}, make_leaves(rows))
    assert said.count("went from") == 3
    assert "all else went from 25 % to 64 %" in said
    assert said.endswith(", and 4 more values")
