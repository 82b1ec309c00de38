"""Money counted once: overlaps worked out on four leaves, and never more than the gap."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.analyses.cause_pareto import describe_pareto, rank_by_money
from helpers.analyses.fishbone import build_fishbone
from helpers.model.board import Cause
from tests.analyses.board_cases import make_answer, make_board, make_cause, make_gap

NORTH = make_cause("region=North", -800.0)


def rank(gap, *causes):
    fishbone = build_fishbone(gap, make_board(*causes))
    return rank_by_money(gap, fishbone), fishbone


def test_a_cause_counts_only_with_the_records_that_no_larger_one_has():
    # Web: 50 + 100 + 60 leads on either side; North × Web is 50 of these 210.
    pareto, _ = rank(make_gap([NORTH, make_cause("source=Web", -420.0)]))
    assert pareto["claimed"].tolist() == [800.0, 420.0]
    assert pareto["counted"].tolist() == pytest.approx([800.0, 420.0 * 160 / 210])
    assert pareto["cumulative"].iloc[-1] == pytest.approx(1.0)
    assert "24 % of its records are those of “rate of mqls in region=North”" in pareto["overlap"].iloc[1]


def test_other_steps_and_kinds_of_effect_are_parted_already():
    inside = make_cause("region=North & source=Web", -200.0, effect="volume", step="leads")
    pareto, _ = rank(make_gap([NORTH, inside]))
    assert pareto["counted"].tolist() == [800.0, 200.0] and set(pareto["overlap"]) == {""}


def test_a_question_of_the_five_ms_about_the_same_records_is_not_counted_twice():
    pareto, _ = rank(make_gap([NORTH], [make_answer("routing", "machinery", where="region=North", money=-500.0)]))
    assert pareto["counted"].tolist() == [800.0, 0.0]


def test_contributions_never_exceed_the_gap():
    causes = [Cause("a-1", "One", contribution=700.0), Cause("a-2", "Two", contribution=600.0)]
    pareto, fishbone = rank(make_gap(gap=-1000.0), *causes)
    assert pareto["counted"].tolist() == [700.0, 300.0]
    assert pareto["cumulative"].tolist() == pytest.approx([0.7, 1.0])
    assert "only what the gap still holds" in pareto["overlap"].iloc[1]
    said = describe_pareto(pareto, fishbone, "EUR")
    assert said == "2 causes would explain 100 % of the gap (€1.00 k of €1.00 k, not proven yet)"


def test_where_nothing_is_missing_there_is_no_share_of_a_gap():
    pareto, fishbone = rank(make_gap(gap=500.0), Cause("a-1", "One", contribution=700.0))
    assert pareto["counted"].tolist() == [700.0] and pareto["share"].isna().all()
    assert "although nothing is missing" in describe_pareto(pareto, fishbone, "EUR")


def test_causes_without_money_and_those_that_are_out_are_not_ranked():
    out = Cause("a-1", "Out", contribution=100.0, verdict="rejected")
    pareto, fishbone = rank(make_gap(), Cause("a-2", "No price"), out)
    assert pareto.empty and describe_pareto(pareto, fishbone, "EUR") == "No cause has a price yet"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1e7), max_size=6), st.integers(-1_000_000, 1_000_000))
def test_whatever_people_type_no_euro_is_counted_twice_or_beyond_the_gap(amounts, gap):
    causes = [Cause(f"a-{place}", f"Cause {place}", contribution=amount) for place, amount in enumerate(amounts)]
    pareto, _ = rank(make_gap(gap=gap), *causes)
    assert (pareto["counted"] <= pareto["claimed"] + 1e-6).all() and (pareto["counted"] >= 0).all()
    assert pareto["claimed"].tolist() == sorted(pareto["claimed"], reverse=True)
    if gap < 0:
        assert pareto["counted"].sum() <= abs(gap) + 1e-6
        assert pareto["cumulative"].max() <= 1 + 1e-9 or pareto.empty
