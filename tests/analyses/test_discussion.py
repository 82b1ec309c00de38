"""What to talk about first: few questions, the strongest disagreement first, each gap in words that can be checked."""

import pytest

from helpers.analyses.agreement import list_answers, measure_agreement
from helpers.analyses.discussion import MOST, headline_discussion, select_discussion
from helpers.model.survey import load_survey
from tests.analyses.survey_cases import make_crowd, people

SURVEY = load_survey()


def select(responses):
    answers = list_answers(SURVEY, responses)
    return select_discussion(measure_agreement(answers, SURVEY), answers, SURVEY, currency="EUR")


def test_numbers_are_apart_by_lowest_to_highest():
    """290 of 420: 31 % lower; 420 ÷ 290 = 1.45."""
    row = select(people(a={"active_customers": 420}, b={"active_customers": 290}, c={"active_customers": 300})).iloc[0]
    assert row["apart"] == pytest.approx(1 - 290 / 420)
    assert row["gap"] == "From 290 to 420: the highest is 1.4 times the lowest"


@pytest.mark.parametrize(
    ("numbers", "gap"),
    [
        ((100, 105), "From 100 to 105: 5 % apart"),
        ((0, 105), "From 0 to 105: far apart"),
        ((100, 2_500), "From 100 to 2,500: the highest is 25 times the lowest"),
    ],
)
def test_a_gap_of_numbers_reads_as_one_would_say_it(numbers, gap):
    found = select(people(a={"active_customers": numbers[0]}, b={"active_customers": numbers[1]}))
    assert found["gap"].tolist() == [gap]


def test_shares_are_apart_in_points():
    assert (
        select(people(a={"net_new_share": 0.6}, b={"net_new_share": 0.8}))["gap"][0]
        == "From 60 % to 80 %: 20 points apart"
    )


@pytest.mark.parametrize(
    ("said", "gap"),
    [
        (("yes", "no"), "No majority: 1 × Yes, 1 × No"),
        (("yes", "yes", "no", "no"), "Split in half: 2 × Yes, 2 × No"),
        (("yes", "yes", "no"), "C alone says No: the other 2 say Yes"),
        (("yes", "yes", "yes", "no", "no"), "Most agree: 3 × Yes, 2 × No"),
        (("yes", "yes", "no", "unknown"), "No majority: 2 × Yes, 1 × No, 1 × Don't know"),
    ],
)
def test_a_choice_says_how_it_splits_people(said, gap):
    assert select(people(**{name: {"on_track": answer} for name, answer in zip("abcde", said, strict=False)}))[
        "gap"
    ].tolist() == [gap]


def test_the_strongest_disagreement_stands_first_and_the_headline_names_it():
    said = people(
        a={"active_customers": 100, "on_track": "yes"},
        b={"active_customers": 1_000, "on_track": "no"},
    )
    found = select(said)
    assert found["question_id"].tolist() == ["active_customers", "on_track"]
    assert headline_discussion(found) == "People are furthest apart on “Active customers”: from 100 to 1,000"


def test_a_grid_is_one_question_and_its_other_rows_are_named():
    rows = ["Lead quality", "Close rate", "Churn", "Reporting", "Expansion"]
    a = [{"area": area, "is_issue": "yes"} for area in rows]
    b = [{"area": area, "is_issue": "no"} for area in rows[:4]] + [{"area": "Expansion", "is_issue": "yes"}]
    found = select(people(a={"focus_areas": a}, b={"focus_areas": b}))
    assert found[["question_id", "item"]].to_numpy().tolist() == [["focus_areas.is_issue", "Lead quality"]]
    assert found["also"][0] == "Just as far apart: Close rate, Churn and Reporting"


def test_what_one_looks_up_what_words_mean_and_lists_are_left_out():
    said = people(
        a={"founded": 2014, "definition_mql": "score", "top_priorities": ["x"], "context_growth": "up"},
        b={"founded": 2015, "definition_mql": "form", "top_priorities": ["y"], "context_growth": "down"},
    )
    assert select(said).empty


def test_a_question_that_few_answered_is_no_question_of_the_group():
    said = people(**{name: {"on_track": "yes"} for name in "abcde"})
    said["a"].values["active_customers"], said["b"].values["active_customers"] = 1, 2
    assert select(said).empty


def test_who_agree_have_nothing_to_discuss():
    found = select(make_crowd(4, is_alike=True))
    assert found.empty and "say the same" in headline_discussion(found)


def test_a_crowd_discusses_a_handful_of_questions():
    assert 4 <= len(select(make_crowd(12))) <= MOST
