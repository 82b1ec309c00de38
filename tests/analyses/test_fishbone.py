"""The fishbone: what is drawn where, what people took up, what names nobody, and where several Ms meet."""

from dataclasses import replace
from datetime import date

import pytest

from helpers.analyses.fishbone import OPINION, PROVEN, SUSPECTED, build_fishbone, make_name_hider
from helpers.analyses.fishbone_words import describe_fishbone, describe_roofs, say_standing, say_worth
from helpers.analyses.found_evidence import LATER, THIS_PERIOD, find_now, index_evidence, say_evidence
from helpers.analyses.named_slices import parse_slice
from helpers.model.board import MILIEU, Cause, Evidence, Vote
from helpers.model.board_action import Action, EffectCheck
from tests.analyses.board_cases import make_answer, make_board, make_cause, make_gap

NORTH = make_cause("region=North", -800.0)
LUCK = make_cause("region=West", -300.0, verdict="not enough evidence", q_value=1.0)
GAIN = make_cause("region=South", 400.0)
ROUTING = make_answer("assignment_break", "machinery", where="region=North", money=-500.0)
QUIET = make_answer("load", "people", verdict="no sign")
UNKNOWN = make_answer("no_show", "method", verdict="can't be tested")
NORTH_ID = "root_cause:mqls:rate:region=North"


def leaves_of(fishbone, m):
    return next(bone for bone in fishbone.bones if bone.m == m).leaves


def test_without_a_board_the_bones_bear_what_the_data_says_and_what_helps_is_left_out():
    fishbone = build_fishbone(make_gap([NORTH, LUCK, GAIN], [ROUTING, QUIET, UNKNOWN]), make_board())
    assert [bone.m for bone in fishbone.bones] == ["people", "machinery", "material", "method", "measurement"]
    method = leaves_of(fishbone, "method")
    assert [(leaf.backing, leaf.money) for leaf in method] == [(PROVEN, 800.0), (SUSPECTED, 300.0)]
    assert method[0].counts_for == LATER
    assert [leaf.money for leaf in leaves_of(fishbone, "machinery")] == [500.0]
    people = fishbone.bones[0]
    assert (people.asked, people.evident, people.untested, people.leaves) == (1, 0, 0, ())


def test_a_cause_of_the_board_takes_the_place_of_the_evidence_that_it_names():
    written = Cause("ana-1", "Nobody is assigned", "machinery", evidence=(Evidence(NORTH_ID),), confidence=0.7)
    fishbone = build_fishbone(make_gap([NORTH], [ROUTING]), make_board(written, votes=[Vote("ana-1", 2, "Ana")]))
    assert [leaf.text for leaf in leaves_of(fishbone, "method")] == []
    texts = [leaf.text for leaf in leaves_of(fishbone, "machinery")]
    assert texts == ["Nobody is assigned", "assignment break is so"]
    mine = leaves_of(fishbone, "machinery")[0]
    assert (mine.money, mine.confidence, mine.dots, mine.backing) == (800.0, 0.7, 2, PROVEN)
    assert mine.basis == "n 100, q 0.001" and mine.places == ("region=North",)


def test_what_somebody_typed_for_a_cause_counts_before_what_the_data_says():
    written = Cause("ana-1", "Nobody is assigned", contribution=250.0, evidence=(Evidence(NORTH_ID),))
    assert leaves_of(build_fishbone(make_gap([NORTH]), make_board(written)), "method")[0].money == 250.0
    alone = Cause("ana-1", "Nobody is assigned", contribution=250.0)
    leaf = leaves_of(build_fishbone(make_gap(), make_board(alone)), "method")[0]
    assert (leaf.backing, leaf.counts_for) == (OPINION, THIS_PERIOD)


@pytest.mark.parametrize(
    ("evidence", "backing"),
    [
        ((), OPINION),
        (("root_cause:mqls:rate:region=West",), SUSPECTED),
        (("five_m:load",), SUSPECTED),
        (("five_m:assignment_break",), PROVEN),
        (("Twenty calls listened to",), PROVEN),
    ],
    ids=["none", "not proven", "no longer shown", "proven", "a person's own"],
)
def test_what_stands_behind_a_cause_is_what_the_data_says_now(evidence, backing):
    cause = Cause("ana-1", "Leads wait", evidence=tuple(Evidence(id) for id in evidence))
    fishbone = build_fishbone(make_gap([NORTH, LUCK], [ROUTING, QUIET]), make_board(cause))
    assert next(leaf for leaf in fishbone.leaves if leaf.id == "ana-1").backing == backing


def test_evidence_comes_first_then_what_is_not_proven_then_opinions_and_what_is_out_last():
    causes = [
        Cause("ana-1", "An opinion"),
        Cause("ana-2", "Rejected", evidence=(Evidence("five_m:assignment_break"),), verdict="rejected"),
        Cause("ana-3", "Kept opinion", state="kept"),
        Cause("ana-4", "Proven", evidence=(Evidence("Calls"),), verdict="confirmed"),
    ]
    fishbone = build_fishbone(make_gap([LUCK]), make_board(*causes))
    texts = [leaf.text for leaf in leaves_of(fishbone, "method")]
    assert texts == ["Proven", LUCK["statement"], "Kept opinion", "An opinion", "Rejected"]


def test_no_leaf_names_a_person_not_even_one_of_the_data():
    cause = Cause("ana-1", "Because Bo Lund does not call, and Lund's leads wait")
    answer = make_answer("win_rate_spread", "people", statement="Bo Lund wins 3 % less")
    fishbone = build_fishbone(make_gap((), [answer]), make_board(cause), names=["Bo Lund"])
    assert all("Lund" not in leaf.text and "Lund" not in leaf.shown for leaf in fishbone.leaves)
    named = next(leaf for leaf in fishbone.leaves if leaf.is_from_board)
    assert named.named and named.text == "Because somebody does not call, and somebody's leads wait"
    assert make_name_hider([])("Bo Lund") == "Bo Lund"


def test_causes_of_other_periods_are_counted_and_left_out():
    fishbone = build_fishbone(make_gap(), make_board(Cause("ana-1", "Old", period="Q1 2026"), Cause("ana-2", "Any")))
    assert [leaf.text for leaf in fishbone.leaves] == ["Any"] and fishbone.elsewhere == 1


def test_milieu_is_a_sixth_bone_where_it_is_switched_on_or_used():
    assert len(build_fishbone(make_gap(), make_board()).bones) == 5
    assert build_fishbone(make_gap(), make_board(), with_milieu=True).bones[-1].m == MILIEU
    assert build_fishbone(make_gap(), make_board(Cause("a-1", "Holidays", MILIEU))).bones[-1].label == "Milieu"


def test_several_ms_in_one_place_are_a_question_for_its_management_and_a_person_is_no_place():
    owner = make_cause("owner=Bo Lund", -100.0, m="people")
    same = make_answer("x", "measurement", where="owner=Bo Lund")
    fishbone = build_fishbone(make_gap([NORTH, owner], [ROUTING, same]), make_board())
    assert [(roof.place, roof.bones, roof.n_leaves) for roof in fishbone.roofs] == [
        ("region=North", ("machinery", "method"), 2)
    ]
    assert describe_roofs(fishbone).startswith("Machinery and method meet in region North")
    opinion = Cause("ana-1", "No date", "measurement")
    action = Action("a", "ana-1", slice="region=North")
    roofed = build_fishbone(make_gap([NORTH]), make_board(opinion, actions=[action]))
    assert roofed.roofs[0].bones == ("method", "measurement")


def test_a_slice_found_a_little_wider_is_still_the_same_evidence():
    index = index_evidence(make_gap([make_cause("region=North & source=Web", -800.0)]))
    assert find_now(NORTH_ID, index).slice == "region=North & source=Web"
    assert find_now("root_cause:sqls:rate:region=North", index) is None
    assert find_now("root_cause:mqls:rate:region=South", index) is None
    said, holds = say_evidence(Evidence("five_m:load", "Load rose"), index)
    assert not holds and said == "Load rose; the data of this period does not show it"


def test_a_question_that_retells_a_localised_cause_is_drawn_once_and_counts_for_the_same():
    retold = make_answer("quality", "material", statement=NORTH["statement"], where="region=North", money=-800.0)
    closing = NORTH | {"lens": "closing"}
    fishbone = build_fishbone(make_gap([closing], [retold], search=make_gap().creation), make_board())
    assert [leaf.id for leaf in fishbone.leaves] == ["five_m:quality"]
    assert fishbone.leaves[0].counts_for == THIS_PERIOD


def test_titles_and_marks_say_what_is_drawn():
    fishbone = build_fishbone(make_gap([NORTH, LUCK], [ROUTING]), make_board(Cause("ana-1", "Guess")))
    said = describe_fishbone(fishbone, "EUR")
    assert said == "2 causes backed by data (the most expensive in method), 1 not proven and 1 opinion"
    leaf = leaves_of(fishbone, "method")[0]
    assert say_worth(leaf, is_money=True, currency="EUR") == "€800 later"
    assert say_standing(leaf) == "data"
    assert say_standing(replace(leaf, verdict="rejected")) == "rejected"
    assert describe_fishbone(build_fishbone(make_gap(), make_board()), "EUR").startswith("Nobody")


def test_a_cause_whose_action_did_not_work_is_marked_as_open_again():
    failed = Action("a", "ana-1", checks=(EffectCheck(date(2026, 9, 30), verdict="failed", reopened=True),))
    fishbone = build_fishbone(make_gap(), make_board(Cause("ana-1", "Leads wait", state="kept"), actions=[failed]))
    assert say_standing(fishbone.leaves[0]) == "open again"


@pytest.mark.parametrize("text", ["region", "region=", "=US", "region=US|"])
def test_what_is_no_slice_is_refused(text):
    with pytest.raises(ValueError, match="no slice"):
        parse_slice(text)
