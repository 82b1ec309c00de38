"""The benchmark of localisation counts hits, false reports and money as written beside its tables."""

import math

import pandas as pd
import pytest

from tests.benchmarks.bench_root_cause import choose_peers, drill_down
from tests.benchmarks.root_cause_cases import Case, Claim, Tally, canonical, make_case, write_line


class Generator:
    """Makes one company of four leaves, with one cause of size and one too small to be asked for."""

    @staticmethod
    def make_case(seed, family, leads=100):
        frame = pd.DataFrame({"region": ["N", "N", "S", "S"], "product": ["a", "b", "a", "b"]})
        for letter, before, now in (("n", leads, leads), ("r", 1000.0, 900.0)):
            frame[f"{letter}0"], frame[f"{letter}1"] = before, now
        frame.loc[frame["region"] == "S", "r1"] = 500.0
        truth = [
            {"slice": {"region": "S"}, "kind": "win", "impact": -1000.0},
            {"slice": {"product": "a"}, "kind": "vol", "impact": -10.0},
        ]
        return frame, ["region", "product"], truth if family != "null" else []


@pytest.fixture
def case() -> Case:
    return make_case(Generator, "win", 1)


def claim(values, **known) -> Claim:
    return Claim(canonical(values), **known)


def test_a_cause_below_the_least_share_is_neither_asked_for_nor_false(case):
    tally = Tally()
    tally.judge(case, [claim({"region": ["S"]}), claim({"product": "a"})], 1.0)
    assert (tally.found, tally.false, tally.missed, tally.f1) == (1, 0, 0, 1.0)


def test_a_wrong_slice_is_false_and_one_in_second_place_is_no_first_hit(case):
    tally = Tally()
    tally.judge(case, [claim({"product": "b"}), claim({"region": "S"})], 1.0)
    assert (tally.hit1, tally.hit3, tally.false) == ([False], [True], 1)
    assert tally.f1 == pytest.approx(2 / 3)


def test_a_slice_that_shares_half_of_the_leads_is_near_but_no_hit(case):
    tally = Tally()
    tally.judge(case, [claim({"region": "S", "product": "a"})], 1.0)
    assert (tally.hit3, tally.near3) == ([False], [True])


def test_money_and_intervals_are_compared_with_the_truth(case):
    tally = Tally()
    tally.judge(case, [claim({"region": "S"}, kind="win", contribution=-900.0, low=-950.0, high=-850.0)], 1.0)
    assert (tally.kind, tally.covered) == ([True], [False])
    assert tally.error == [pytest.approx(0.1)]


def test_a_claim_where_nothing_was_planted_is_a_false_report():
    tally = Tally()
    for claims in ([], [claim({"region": "S"})]):
        tally.judge(make_case(Generator, "null", 1), claims, math.nan if claims else 1.0)
    assert tally.silent == [True, False]
    assert "1/2 (9%–91%)" in write_line("localise", "null", tally)


def test_the_naive_way_follows_what_is_missing(case):
    assert drill_down(case)[0] >= canonical({"region": "S"})


def test_peers_that_are_not_there_are_skipped_with_the_reason():
    peers, skipped = choose_peers("", "")
    assert peers == []
    assert "--peers-python" in skipped[0]
