"""The board of the sample is what its README says, and its checks are what plain pandas counts."""

import pytest

from helpers.analyses.board_findings import find_on_board
from helpers.analyses.board_review import check_board
from helpers.analyses.effectiveness import FAILED, HELD, TOO_EARLY, UNMEASURABLE, check_actions
from helpers.analyses.fishbone import OPINION, PROVEN, build_fishbone
from helpers.analyses.gap import explain_gap
from helpers.analyses.is_is_not import compare_is_is_not
from helpers.analyses.ninety_days import plan_ninety_days
from helpers.analyses.people_in_text import list_people, make_name_finder
from helpers.present.charts.effectiveness import draw_checks
from helpers.present.charts.fishbone import draw_fishbone
from helpers.workbook import open_workbook


@pytest.fixture(scope="module")
def book():
    return open_workbook(company="data/samples/brightwater")


@pytest.fixture(scope="module")
def told(book):
    company, board = book.company, book.company.answers.board
    gap = explain_gap(company, period=book.period, compared=book.compared, history=book.history, as_of=book.as_of)
    names = list_people(company)
    fishbone = build_fishbone(gap, board, names=names)
    checks = check_actions(company, board, as_of=book.as_of, history=book.history)
    plan = plan_ninety_days(company, gap, fishbone, board, checks=checks, as_of=book.as_of, names=names)
    faults = check_board(board, gap=gap.gap, people=names, period=book.period.label)
    found = find_on_board(board, checks, fishbone, plan, faults=faults, names=names, period=book.period.label)
    return {"board": board, "gap": gap, "fishbone": fishbone, "checks": checks, "plan": plan, "found": found}


def test_its_kept_causes_rest_on_what_was_planted_and_nobody_is_named(book, told):
    assert book.company.answers.problems == ()
    kept = [leaf for leaf in told["fishbone"].leaves if leaf.state == "kept"]
    assert sorted((leaf.m, leaf.backing, leaf.verdict) for leaf in kept) == [
        ("machinery", PROVEN, "confirmed"), ("material", PROVEN, "confirmed"), ("method", PROVEN, "confirmed"),
    ]  # fmt: skip
    assert sum(leaf.backing == OPINION for leaf in told["fishbone"].leaves) == 2
    assert sum(leaf.verdict == "rejected" for leaf in told["fishbone"].leaves) == 1
    find = make_name_finder(list_people(book.company))
    assert not any(find(leaf.text) for leaf in told["fishbone"].leaves)


def test_one_action_worked_one_did_not_as_plain_pandas_counts(book, told):
    contacts = book.company.tables["contact"]

    def count(frame, first, last, start, end):
        """Converted within the days that the youngest of Q2 has had, and entered."""
        entered = frame[(frame[first] >= start) & (frame[first] < end)]
        days = (entered[last].dt.normalize() - entered[first].dt.normalize()).dt.days
        return int(((days >= 0) & (days <= 92)).sum()), len(entered)

    by_id = {check.action.id: check for check in told["checks"]}
    mail, script = by_id["claire-dumont-action-8"], by_id["ruben-achterberg-action-6"]
    webinar = contacts[contacts["source"] == "Webinar"]
    for check, frame, first, last in (
        (mail, contacts, "mql_at", "sql_at"), (script, webinar, "created_at", "mql_at"),
    ):  # fmt: skip
        yes, n = count(frame, first, last, "2026-01-01", "2026-04-01")
        assert (check.before.value, check.before.n) == (pytest.approx(yes / n), n)
        yes, n = count(frame, first, last, "2026-04-01", "2026-07-01")
        assert (check.after.value, check.after.n) == (pytest.approx(yes / n), n)
    assert (mail.verdict, script.verdict) == (HELD, FAILED)
    assert by_id["claire-dumont-action-10"].verdict == UNMEASURABLE
    assert {check.verdict for id, check in by_id.items() if check.action.due.year == 2026 and check.action.due.month > 9
            } == {TOO_EARLY}  # fmt: skip


def test_the_ninety_days_are_ranked_and_the_action_without_an_owner_is_a_finding(told):
    scores = [one.score for one in told["plan"].actions]
    assert scores == sorted(scores, reverse=True) and len(scores) == 6
    heads = [one.headline for one in told["found"]]
    assert sum(head.startswith("An action has no owner") for head in heads) == 1
    assert sum(head.startswith("Not effective, open again") for head in heads) == 1


def test_is_and_is_not_are_set_side_by_side_for_all_four_questions(book, told):
    rows = compare_is_is_not(
        book.company, told["gap"], told["board"], as_of=book.as_of, currency=book.currency
    )  # fmt: skip
    assert set(rows["question"]) == {"What", "Where", "When", "How much"}
    assert set(rows["source"]) == {"the data", "Claire Dumont", "Ruben Achterberg"}
    when = rows[(rows["question"] == "When") & (rows["source"] == "the data")].iloc[0]
    assert when["shows"].startswith("Since Jul 2026") and when["spares"].startswith("Jun 2026")


def test_its_pictures_are_drawn(book, told):
    assert "Management: team Americas" in draw_fishbone(told["fishbone"], title="x", currency=book.currency).svg
    assert "not effective, reopened" in draw_checks(told["checks"], title="x", currency=book.currency).svg
