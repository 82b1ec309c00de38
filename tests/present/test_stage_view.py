"""Stage evidence as a page shows it, from nobody asked to hostile text."""

from datetime import date

from helpers.analyses.stage_evidence import review_stage_evidence
from helpers.present import stage_view
from tests.analyses.survey_cases import people
from tests.analyses.test_stage_evidence import STAGES, make_deals, stage
from tests.companies import make_company


def review(deals=None, **said):
    tables = {"deal": make_deals() if deals is None else deals}
    company = make_company(tables, settings={"deal_stages": STAGES}, currency="EUR")
    responses = people(**{name: {"stage_exit": list(rows)} for name, rows in said.items()})
    return review_stage_evidence(company, responses, as_of=date(2026, 6, 30))


SHOWS = (stage_view.show_stage_evidence, stage_view.show_deals_without_evidence, stage_view.show_stage_statements)


def test_before_anybody_answers_it_says_where_it_is_asked():
    [shown] = stage_view.show_stages(review())
    assert "It is asked in the tab on stage evidence" in repr(shown)


def test_one_by_one_no_two_empty_pages_say_the_same():
    said = [show(review()).title for show in SHOWS]
    assert len(set(said)) == len(SHOWS) and all(said)


def test_with_answers_all_three_are_shown():
    shown = stage_view.show_stages(review(ana=[stage("Talk", "Why now")]), currency="EUR")
    assert [display.title for display in shown] == [
        show(review(ana=[stage("Talk", "Why now")]), **options).title
        for show, options in zip(SHOWS, ({"currency": "EUR"}, {"currency": "EUR"}, {}), strict=True)
    ]


def test_what_is_missing_stands_with_its_money():
    found = review(ana=[stage("Talk", "Why now")])
    shown = stage_view.show_stage_evidence(found, currency="EUR")
    assert shown.title == "1 of 5 open deals, worth €30, has moved on without what must have been heard"
    listed = stage_view.show_deals_without_evidence(found, currency="EUR")
    assert "→ Why now (Talk)" in repr(listed) and "Deal 3" in repr(listed)


def test_a_missing_field_is_told_with_its_cure_and_no_deal_is_blamed():
    found = review(ana=[stage("Talk", "Compelling event")])
    shown = stage_view.show_stage_evidence(found)
    assert "not in the export" in repr(shown) and "Export the deal's field" in repr(shown)
    assert "no deal can be listed" in repr(stage_view.show_deals_without_evidence(found))


def test_what_people_typed_is_shown_safely():
    evil = "<script>alert(1)</script>"
    deals = make_deals().assign(name=evil, owner=evil)
    found = review(deals, ana=[stage("Talk", "Why now", evil)], ben=[stage(evil, evil, evil)])
    assert not any("<script>" in show(found).html for show in SHOWS)
    assert not any("nan" in repr(show(found)).lower() for show in SHOWS)


def test_who_differs_stands_side_by_side():
    found = review(ana=[stage("Talk", "Why now")], ben=[stage("Talk", "Decides")])
    shown = stage_view.show_stage_statements(found)
    assert shown.title == "People name different fields for 1 stage" and "Ana" in repr(shown) and "Ben" in repr(shown)
    assert "people differ" in repr(stage_view.show_stage_evidence(found))
