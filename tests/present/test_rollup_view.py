"""Roll-up layers as pages show them: lights with words, nothing unescaped, TOML to paste."""

from datetime import date

import pandas as pd

from helpers.analyses.discovery_review import review_discovery
from helpers.model.survey import load_discovery_rules
from helpers.present import rollup_view
from tests.analyses.survey_cases import answers, people
from tests.companies import make_company

RULES = load_discovery_rules()


def review(contacts, responses=None):
    company = make_company(
        {"contact": pd.DataFrame(contacts).assign(created_at="2026-02-01")}, answers=answers(responses or {})
    )
    return review_discovery(company, RULES, as_of=date(2026, 6, 30))


def test_layers_stand_with_shape_word_and_where_they_come_from():
    shown = rollup_view.show_rollup_layers(review({"id": ["1", "2"], "source": ["Web", None]}))
    assert "start in the middle" in shown.title
    assert "● 1 value 50 % of 2 filled" in repr(shown) and "○ not there" in repr(shown)
    assert 'class="light is-good"' in shown.html and "not there" in shown.html


def test_nothing_to_roll_up_says_what_to_map():
    company = make_company({}, answers=answers({}))
    empty = review_discovery(company, RULES, as_of=date(2026, 6, 30))
    for show in (rollup_view.show_rollup_layers, rollup_view.show_rollup_gaps, rollup_view.show_rollup_values):
        assert repr(show(empty)) and "nan" not in repr(show(empty)).lower()
    assert "company.toml" in repr(rollup_view.show_rollup_layers(empty))


def test_hostile_values_are_shown_safely_everywhere():
    evil = "<script>alert(1)</script>"
    contacts = {"id": list("abc"), "source": [evil, evil, "Web"], "channel": ["Inbound", None, "Inbound"]}
    said = people(ana={"partition_values": [{"partition": evil, "values": evil, "rolls_up_to": evil}]})
    found = review(contacts, said)
    shown = [
        rollup_view.show_rollup_layers(found),
        rollup_view.show_rollup_gaps(found),
        rollup_view.show_rollup_values(found),
        rollup_view.show_stated_values(found),
        rollup_view.show_rollup_suggestion(found),
    ]
    assert not any("<script>" in display.html for display in shown)
    assert "under none" in repr(shown[2])


def test_people_s_values_are_compared_in_words():
    said = people(
        ana={"partition_values": [{"partition": "Source", "values": ["Web", "Fair"], "rolls_up_to": "GTM motion"}]}
    )
    shown = rollup_view.show_stated_values(review({"id": list("abcd"), "source": ["Web", "Web", "Web", "Mail"]}, said))
    assert "not in the CRM: Fair" in repr(shown) or "not in the CRM: Fair" in shown.html
    assert "25 % of the contacts bear values nobody named: Mail" in shown.html.replace("\u00a0", " ")
    assert "GTM motion (not on the contact)" in shown.html


def test_what_to_paste_is_there_and_good_news_where_nothing_is_missing():
    assert "[rollups.gtm_motion]" in rollup_view.show_rollup_suggestion(review({"id": ["1"], "source": ["Web"]})).html
    whole = {"id": ["1"], "campaign": ["A"], "source": ["Web"], "gtm_motion": ["Marketing-led"]}
    assert "No roll-up is missing" in repr(rollup_view.show_rollup_suggestion(review(whole)))
    assert "Every value has exactly one parent" in repr(rollup_view.show_rollup_values(review(whole)))
