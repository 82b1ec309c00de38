"""The trend of judgements as pages show it: a picture from two quarters on, and plain words before."""

from datetime import date

import pytest

from helpers.analyses.discovery_review import apply_decisions, review_discovery
from helpers.answers.discovery import Activation, DiscoveryAnswers, Judgement
from helpers.model.survey import load_discovery_rules
from helpers.present import trend_view
from tests.analyses.survey_cases import make_case


def review(*judgements, plans=()):
    plain = review_discovery(make_case(), load_discovery_rules(), as_of=date(2026, 6, 30))
    return apply_decisions(plain, DiscoveryAnswers(judgements, (), tuple(plans)))


def judge(light, quarter, note="", by="Ana"):
    return Judgement("source", "deal", light=light, quarter=quarter, note=note, by=by)


def test_before_anybody_has_judged_it_says_how_to_begin():
    shown = trend_view.show_judgement_trend(review())
    assert shown.spec is None and "Nobody has judged" in repr(shown)


def test_one_quarter_is_a_message_and_no_picture():
    found = review(judge("available", "Q1 2026"), judge("available", "someday"))
    shown = trend_view.show_judgement_trend(found)
    assert shown.spec is None and "first quarter" in repr(shown) and "1 judgement bears no quarter" in repr(shown)
    assert "two quarters" in repr(trend_view.show_judgement_changes(found))


def test_two_quarters_are_a_line_with_its_n():
    shown = trend_view.show_judgement_trend(review(judge("unavailable", "Q1 2026"), judge("available", "Q2 2026")))
    assert "100 % (n 3)" in shown.svg and "rose from 0 % to 100 %" in shown.title
    assert "Q1 2026" in repr(shown) and "nan" not in repr(shown).lower()


def test_quarters_without_a_cell_in_common_are_told_in_words():
    first, second = judge("available", "Q1 2026"), Judgement(kpi="leads", light="available", quarter="Q2 2026")
    shown = trend_view.show_judgement_trend(review(second, judge("available", "Q2 2026"), first))
    assert shown.spec is not None
    shown = trend_view.show_judgement_trend(review(Judgement("product", light="available", quarter="Q1 2025"), second))
    assert "nan" not in repr(shown).lower()


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", "=1+1", "‮evil"])
def test_what_people_typed_is_shown_safely(hostile):
    found = review(
        judge("available", "Q1 2026"),
        judge("unavailable", "Q2 2026", note=hostile, by=hostile),
        plans=[Activation("opportunities", "region", owner=hostile, planned="Q1 2026", note=hostile)],
    )
    html = trend_view.show_judgement_changes(found).html + trend_view.show_overdue(found).html
    assert "<script>" not in html and "‮" not in html
    assert "1 plan is overdue" in html and "Opportunities by region" in html


def test_nothing_late_is_good_news():
    assert "No plan is overdue" in repr(trend_view.show_overdue(review()))
