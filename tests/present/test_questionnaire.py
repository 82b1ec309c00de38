"""The questionnaire on paper asks everything that the form asks, and shows nobody's answers."""

from dataclasses import replace

from helpers.model.survey import load_survey
from helpers.present.questionnaire import show_questionnaire

SURVEY = load_survey()


def test_every_question_column_and_choice_is_printed():
    shown = show_questionnaire(SURVEY, currency="EUR")
    for _, field in SURVEY.fields():
        for part in (field.label, *field.allowed.values(), *(column.label for column in field.columns)):
            assert part in shown.text
    assert "An amount, EUR" in shown.text


def test_help_and_examples_stand_beside_the_question():
    html = show_questionnaire(SURVEY).html
    assert "Your gut number." in html and "Northwind Robotics" in html


def test_tabs_are_folded_unless_nobody_has_answered():
    assert '<details class="more">' in show_questionnaire(SURVEY).html
    assert show_questionnaire(SURVEY, is_open=True).html.count('<details class="more" open>') == len(SURVEY.tabs)


def test_the_questions_counted_are_the_questions_printed():
    shown = show_questionnaire(SURVEY)
    printed = shown.html.count('<tr><th scope="row">')
    assert printed == len(list(SURVEY.fields())) == sum(len(tab.fields) for tab in SURVEY.tabs.values())
    assert f"{printed} questions on {len(SURVEY.tabs)} tabs" in shown.title


def test_whose_paper_it_is_is_asked_too():
    shown = show_questionnaire(SURVEY)
    for said in ("your name *", "your role", "your team * (Leadership / Marketing"):
        assert said in shown.text and said in shown.html


def test_a_hostile_definition_is_escaped():
    tab = SURVEY.tabs["overview"]
    group = replace(tab.groups[0], label="<script>alert(1)</script>")
    hostile = replace(SURVEY, tabs={"overview": replace(tab, groups=(group,))})
    assert "<script>" not in show_questionnaire(hostile).html


def test_it_is_the_same_every_time():
    assert repr(show_questionnaire(SURVEY)) == repr(show_questionnaire(SURVEY))


def test_the_four_main_tabs_take_half_an_hour_and_every_field_can_be_answered():
    core = [tab for tab in SURVEY.tabs.values() if tab.is_core]
    assert [tab.id for tab in core] == ["overview", "product", "icp", "kpis"]
    assert sum(tab.minutes for tab in core) <= 30
    assert len(SURVEY.tabs["context"].fields) == 17
    for _, field in SURVEY.fields():
        assert field.label and (field.type == "grid") == bool(field.columns)
