"""Five whys and predictions: what backs each link, and what was seen."""

from helpers.analyses.why_chains import build_why_chains, describe_predictions, describe_why_chains, list_predictions
from helpers.model.board import Cause, Evidence, Why
from tests.analyses.board_cases import make_answer, make_board, make_gap

GAP = make_gap((), [make_answer("routing", "machinery", statement="No owner since 12 July", n=50)])
PROOF = (Evidence("five_m:routing"),)


def test_each_link_says_what_backs_it_and_a_chain_that_ends_in_an_opinion_is_open():
    cause = Cause(
        "a-1", "Leads wait", whys=(Why("No owner", PROOF), Why("Ann Bo emptied the list")), verdict="confirmed"
    )
    (chain,) = build_why_chains(GAP, make_board(cause), names=["Ann Bo"])
    assert [link.text for link in chain.links] == ["Leads wait", "No owner", "Somebody emptied the list"]
    assert [link.is_backed for link in chain.links] == [False, True, False]
    assert chain.links[1].evidence == ("No owner since 12 July (n 50, p 0.001)",)
    assert chain.is_open
    assert describe_why_chains([chain]) == "One cause was followed down; its last answer is still an opinion to check"


def test_causes_without_whys_and_those_that_are_out_or_of_other_periods_have_no_chain():
    whys = (Why("So"),)
    causes = [
        Cause("a-1", "x"),
        Cause("a-2", "y", whys=whys, state="dropped"),
        Cause("a-3", "z", whys=whys, period="Q1"),
    ]
    assert build_why_chains(GAP, make_board(*causes)) == []
    assert describe_why_chains([]) == "Nobody has asked why yet"


def test_a_chain_that_ends_in_evidence_is_closed():
    (chain,) = build_why_chains(GAP, make_board(Cause("a-1", "x", whys=(Why("No owner", PROOF),))))
    assert not chain.is_open and "each to an answer that evidence backs" in describe_why_chains([chain])


def test_predictions_stand_beside_what_was_seen_the_confirmed_first():
    causes = [
        Cause("a-1", "Untested", prediction="B falls"),
        Cause(
            "a-2", "Gone", prediction="C falls", evidence=(Evidence("five_m:load", "Load rose"),), verdict="rejected"
        ),
        Cause("a-3", "Proven", prediction="A falls", evidence=PROOF, verdict="confirmed", author="Ana"),
        Cause("a-4", "Says nothing"),
    ]
    frame = list_predictions(GAP, make_board(*causes))
    assert frame["cause"].tolist() == ["Proven", "Gone", "Untested"]
    assert frame["seen"].tolist() == [
        "No owner since 12 July (n 50, p 0.001)",
        "Load rose; the data of this period does not show it",
        "Nothing yet",
    ]
    assert frame["is_backed"].tolist() == [True, False, False]
    assert frame["decided_by"].tolist() == ["Ana", "", ""]
    assert describe_predictions(frame) == "3 predictions: 1 confirmed, 1 rejected, 1 not tested yet"
    assert describe_predictions(frame.head(0)).startswith("No cause says yet")


def test_what_was_seen_is_told_in_the_order_in_which_it_was_written():
    """Not in that of a set, which differs from one process to the next."""
    words = [f"Sign {number}" for number in (7, 3, 9, 1, 8, 2, 6)]
    evidence = tuple(Evidence(f"five_m:gone_{word}", word) for word in words)
    frame = list_predictions(GAP, make_board(Cause("a-1", "x", prediction="A falls", evidence=evidence)))
    seen = frame["seen"].iloc[0]
    assert seen.index("Sign 7") < seen.index("Sign 3")
    assert seen.endswith("and 5 more")
