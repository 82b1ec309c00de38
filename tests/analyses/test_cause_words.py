"""Where inside a slice its loss lies, on tables small enough to be worked out by hand."""

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
