"""Answers side by side, who shares whose priorities, and who is alone with a word: what stands in which cell."""

import re
from datetime import date

import pytest

from helpers.analyses.survey_review import review_survey
from helpers.model.survey import load_survey
from helpers.present import group_view
from helpers.present.meanings import list_shared, say_company
from tests.analyses.survey_cases import make_case, make_crowd, people

SURVEY = load_survey()


def review(responses):
    return review_survey(make_case(responses), SURVEY, as_of=date(2026, 6, 30))


def cells(html, heading):
    """The cells of the row of that heading, as text; the measure below the heading first."""
    row = next(row for row in re.findall(r"<tr.*?</tr>", html, flags=re.S) if f">{heading}" in row)
    return [re.sub(r"<[^>]+>", " ", cell).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row, flags=re.S)]


def test_a_question_is_a_row_and_a_person_a_column():
    said = people(ana={"active_customers": 300, "net_new_share": 0.7}, ben={"active_customers": 1_200})
    html = group_view.show_answers(review(said)).html
    assert cells(html, "Question") == ["Question", "Ana Marketing", "Ben Sales"]
    row = cells(html, "How many active customers")
    assert row[1:] == ["300", "1,200"] and "around the mean" in row[0]
    assert cells(html, "How much of it comes")[1:] == ["70\xa0%", "–"]


def test_a_grid_stands_row_by_row_below_its_name():
    rows = [{"name": "Flow", "average_deal": 12_000, "per": "month"}]
    html = group_view.show_answers(review(people(a={"products": rows}, b={"products": rows})), currency="EUR").html
    assert '<tr class="item"><th scope="rowgroup" colspan="3">Flow</th></tr>' in html
    assert cells(html, "Average deal") == ["Average deal no spread", "€12.0\xa0k", "€12.0\xa0k"]
    assert cells(html, "Deal is per")[1:] == ["Month", "Month"]


def test_a_long_text_folds_and_keeps_every_word():
    long = "Growth came and went. " * 40
    html = group_view.show_answers(review(people(a={"context_growth": long}, b={}))).html
    folded = re.search(r'<details class="fold"><summary><span>(.*?)</span></summary>(.*?)</details>', html, flags=re.S)
    assert len(folded.group(1)) < 150 and folded.group(2).count("Growth") == 40


@pytest.mark.parametrize(("n", "blocks"), [(2, [2]), (6, [6]), (7, [4, 3]), (12, [6, 6])])
def test_many_people_continue_in_a_table_below(n, blocks):
    html = group_view.show_answers(review(make_crowd(n))).html
    first = re.findall(r"<thead>.*?</thead>", html, flags=re.S)[: len(blocks)]
    assert [head.count("<th") - 1 for head in first] == [size + 1 for size in blocks]


def test_the_text_holds_every_answer_too():
    text = repr(group_view.show_answers(review(people(ana={"active_customers": 300}, ben={"on_track": "no"}))))
    assert re.search(r"^Active customers +300 +–$", text, flags=re.M)
    assert re.search(r"^On track\? +– +No$", text, flags=re.M)


def test_a_shared_priority_stands_first_with_everybody_s_place():
    found = list_shared({"a": ["Hire", "Halve churn"], "b": ["halve the churn", "Win the US"]})
    assert found[0] == {"texts": ["Halve churn", "halve the churn"], "ranks": {"a": 2, "b": 1}}
    assert [record["texts"][0] for record in found[1:]] == ["Hire", "Win the US"]


def test_the_published_figures_stand_beside_the_group_s_own_with_their_source():
    """{x, y} and {y, z}: one of three shared."""
    said = people(a={"top_priorities": ["alpha", "beta"]}, b={"top_priorities": ["beta", "gamma"]})
    shown = group_view.show_priorities(review(said))
    for figure in ("33\xa0%", "2\xa0%", "64\xa0%"):
        assert f"<b>{figure}</b>" in shown.html
    assert SURVEY.references["shared_priorities"]["source"] in shown.html + shown.text
    assert "1 of 3 priorities are named by all 2 people" in shown.text


def test_who_is_alone_with_a_word_is_marked_and_who_shares_it_named():
    alone = {"definition_mql": "form", "definition_mql_words": "asks"}
    said = people(a={"definition_mql": "score"}, b={"definition_mql": "score"}, c=alone)
    shown = group_view.show_definitions(review(said))
    assert (
        shown.html.count('class="meaning alone"') == 1 and "same as Sales" in shown.html and "<q>asks</q>" in shown.html
    )
    assert re.search(r"^MQL +Revenue operations +C +It asks .* alone$", shown.text, flags=re.M)


def test_a_team_on_its_own_is_alone_with_nobody():
    frame = review(people(a={"definition_mql": "score"})).definitions
    assert say_company(frame, "It reaches a score", "marketing", {"marketing": "Marketing"}) == ""
