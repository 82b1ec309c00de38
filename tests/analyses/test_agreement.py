"""Agreement is measured by textbook formulas, and what can't be compared is not scored."""

import math
import statistics

import pytest

from helpers.analyses.agreement import (
    compare_definitions,
    compare_priorities,
    list_answers,
    measure_agreement,
    overlap,
)
from helpers.analyses.survey_findings import headline_agreement
from helpers.model.survey import load_survey
from tests.analyses.survey_cases import people

SURVEY = load_survey()


def measure(responses):
    frame = measure_agreement(list_answers(SURVEY, responses), SURVEY, currency="EUR")
    return frame.set_index(["question_id", "item"])


def test_numbers_by_coefficient_of_variation():
    said = [420, 290, 310, 380]
    row = measure(people(**{f"p{i}": {"active_customers": n} for i, n in enumerate(said)})).loc[
        ("active_customers", "")
    ]
    cv = statistics.stdev(said) / statistics.mean(said)
    assert row["cv"] == pytest.approx(cv)
    assert row["agreement"] == pytest.approx(1 - cv)
    assert (row["low"], row["median"], row["high"]) == (290, 345, 420)
    assert row["sentence"] == "From 290 to 420, median 345"


def test_numbers_that_all_agree_and_a_zero_mean():
    agree = measure(people(a={"active_customers": 5}, b={"active_customers": 5}))
    assert agree.loc[("active_customers", ""), "agreement"] == 1
    zero = measure(people(a={"active_customers": 0}, b={"active_customers": 0}))
    assert zero.loc[("active_customers", ""), "agreement"] == 1


def test_choices_by_share_of_the_commonest_and_entropy_in_bits():
    """yes, yes, no, don't know: ½, ¼, ¼ → 1.5 bits."""
    said = people(a={"on_track": "yes"}, b={"on_track": "yes"}, c={"on_track": "no"}, d={"on_track": "unknown"})
    row = measure(said).loc[("on_track", "")]
    assert row["agreement"] == 0.5
    assert row["entropy"] == pytest.approx(1.5)
    assert row["commonest"] == "Yes"


def test_overlap_counts_what_is_shared_of_all_that_is_named():
    """{a, b, c} and {b, c, d}: 2 shared of 4."""
    first = ["Win the US", "Halve churn", "Launch Shield"]
    second = ["Halve the churn", "Launch Shield now please", "Hire"]
    assert overlap(first, second) == pytest.approx(2 / 4)
    assert overlap(first, first) == 1
    assert overlap([], []) == 1
    assert overlap(first, []) == 0


def test_a_cell_of_a_grid_is_compared_by_the_row_s_name():
    said = people(
        a={"products": [{"name": "Flow", "cycle_days": 40}, {"name": "Shield", "cycle_days": 50}]},
        b={"products": [{"name": "Flow", "cycle_days": 40}]},
    )
    frame = measure(said)
    assert frame.loc[("products.cycle_days", "Flow"), "agreement"] == 1
    assert ("products.cycle_days", "Shield") not in frame.index
    assert frame.loc[("products", ""), "agreement"] == 0.5


def test_texts_in_own_words_have_no_score():
    frame = measure(people(a={"north_star_formula": "x"}, b={"north_star_formula": "y"}))
    assert frame.empty


def test_the_strongest_disagreement_stands_first():
    said = people(
        a={"active_customers": 10, "on_track": "yes", "top_priorities": ["x"]},
        b={"active_customers": 11, "on_track": "no", "top_priorities": ["y"]},
    )
    frame = measure(said)
    assert frame.index[0][0] == "top_priorities"
    assert frame["agreement"].is_monotonic_increasing
    assert headline_agreement(frame.reset_index()).endswith("most of all on top three priorities")


def test_shared_priorities_stand_beside_the_published_figures():
    same = ["Win the US", "Halve churn", "Launch Shield"]
    found = compare_priorities(people(a={"top_priorities": same}, b={"top_priorities": same[::-1]}), SURVEY)
    assert found["is_shared"] and found["same_pairs"] == 1 and found["in_all"] == 3
    assert [r["value"] for r in found["references"]] == [0.02, 0.64]
    assert all(r["source"] for r in found["references"])


def test_priorities_nobody_shares():
    lists = people(a={"top_priorities": ["x", "y"]}, b={"top_priorities": ["z"]}, c={})
    found = compare_priorities(lists, SURVEY)
    assert (found["n"], found["overlap"], found["distinct"], found["in_all"]) == (2, 0, 3, 0)
    assert not found["is_shared"]


def test_values_of_a_list_are_compared_as_written_not_by_their_words():
    """50+ and <50 share their digits and nothing else; 2,000 is one value."""
    said = people(
        a={"business_fit": [{"attribute": "employees", "good_fit": "50+, 1,000-2,000"}]},
        b={"business_fit": [{"attribute": "employees", "good_fit": "<50, 1,000 - 2,000"}]},
    )
    row = measure(said).loc[("business_fit.good_fit", "Employees")]
    assert row["agreement"] == pytest.approx(1 / 3)
    assert row["measure"] == "two people share 33 % on average"


def test_a_priority_with_a_comma_stays_one():
    said = people(a={"top_priorities": ["Win the US, then the UK"]}, b={"top_priorities": ["Win the US, then the UK"]})
    assert measure(said).loc[("top_priorities", ""), "agreement"] == 1


def test_several_choices_overlap_by_what_is_shared_of_all_that_is_ticked():
    """{sales, partner} and {sales, product}: 1 of 3."""
    said = people(a={"motions_used": ["sales_led", "partner_led"]}, b={"motions_used": ["sales_led", "product_led"]})
    assert measure(said).loc[("motions_used", ""), "agreement"] == pytest.approx(1 / 3)


def test_amounts_per_month_and_per_year_are_compared_for_a_year():
    """2,000 a month, 6,000 a quarter and 24,000 a year are one and the same; so is 24,000 once."""
    said = people(
        a={"products": [{"name": "Flow", "average_deal": 2_000, "per": "month"}]},
        b={"products": [{"name": "Flow", "average_deal": 6_000, "per": "quarter"}]},
        c={"products": [{"name": "Flow", "average_deal": 24_000, "per": "year"}]},
        d={"products": [{"name": "Flow", "average_deal": 24_000}]},
    )
    row = measure(said).loc[("products.average_deal", "Flow")]
    assert (row["low"], row["high"], row["agreement"]) == (24_000, 24_000, 1)
    assert list_answers(SURVEY, said).query("question_id == 'products.average_deal'")["answer"].tolist()[0] == "2000"


def test_how_far_people_agree_stands_in_words():
    numbers = measure(people(a={"active_customers": 100}, b={"active_customers": 300}))
    assert numbers.loc[("active_customers", ""), "measure"] == "spread of 71 % around the mean"
    choices = measure(people(a={"on_track": "yes"}, b={"on_track": "yes"}, c={"on_track": "no"}))
    assert choices.loc[("on_track", ""), "measure"] == "2 of 3 say the same"
    split = measure(people(a={"on_track": "yes"}, b={"on_track": "no"}))
    assert split.loc[("on_track", ""), "measure"] == "2 people, 2 answers"


def test_one_person_alone_can_neither_agree_nor_disagree():
    alone = people(a={"top_priorities": ["x"], "active_customers": 3})
    assert measure(alone).empty
    assert compare_priorities(alone, SURVEY)["overlap"] is None
    assert compare_priorities({}, SURVEY)["overlap"] is None


def test_definitions_set_the_teams_side_by_side():
    said = people(
        a={"definition_mql": "score", "definition_mql_words": "60 points", "definition_churn": "notice"},
        b={"definition_mql": "form", "definition_churn": "notice"},
    )
    frame = compare_definitions(said, SURVEY)
    assert frame["term"].tolist() == ["MQL", "MQL", "Churn", "Churn"]
    assert frame["agreement"].tolist() == [0.5, 0.5, 1, 1]
    assert frame.loc[0, "words"] == "60 points" and frame.loc[0, "team"] == "marketing"
    assert frame["n_same"].tolist() == [1, 1, 2, 2]


def test_nobody_gives_empty_frames_with_their_columns():
    empty = list_answers(SURVEY, {})
    assert empty.empty and "respondent" in empty
    assert measure_agreement(empty, SURVEY).empty
    assert compare_definitions({}, SURVEY).empty


def test_every_answer_is_listed_once_whatever_the_order():
    first = people(a={"active_customers": 3, "crm": "hubspot"}, b={"active_customers": 4})
    frame = list_answers(SURVEY, first)
    turned = list_answers(SURVEY, dict(reversed(first.items())))
    key = ["question_id", "respondent"]
    assert frame.sort_values(key, ignore_index=True).equals(turned.sort_values(key, ignore_index=True))
    assert frame["number"].isna().sum() == 1
    assert math.isclose(frame["number"].sum(), 7)


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        ((40, 41), "From 40 to 41, median 41"),
        ((40, 41, 44, 55), "From 40 to 55, median 43"),
        ((3, 4), "From 3 to 4, median 4"),
        ((41, 41), "All say 41"),
    ],
    ids=["two", "four", "few", "alike"],
)
def test_nobody_has_half_an_employee(numbers, sentence):
    """The median of an even number of people may lie between two whole numbers; the higher one is said."""
    found = agreement_of("employees", numbers)
    assert found["sentence"] == sentence
    assert found["median"] == sum(sorted(numbers)[len(numbers) // 2 - 1 : len(numbers) // 2 + 1]) / 2, "kept as it is"


def test_amounts_that_read_alike_are_said_to_be_nearly_so():
    assert agreement_of("revenue_goal", (9_000_040, 9_000_041))["sentence"] == "All say about €9.00 M"


def agreement_of(id, numbers):
    return measure(people(**{f"p{i}": {id: number} for i, number in enumerate(numbers)})).loc[(id, "")]
