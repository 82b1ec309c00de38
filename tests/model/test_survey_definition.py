"""The survey asks everything that the diagnostic needs, explains every question, and stays under half an hour."""

import pytest

from helpers.answers.fields import check_answer
from helpers.model.survey import SurveyField, load_survey

SURVEY = load_survey()
FIELDS = {field.id: field for _, field in SURVEY.fields()}
CHOSEN = ("choice", "multiple_choice", "yes_no_unknown")

ASKED = {
    "overview": """company_name employees founded crm crm_adopted active_customers primary_motion motions_used
        revenue_category revenue_goal net_new_share on_track top_priorities focus_areas""",
    "product": "products",
    "icp": """business_fit buyer_fit position_buyer position_need position_product position_category position_benefit
        position_alternative position_differentiator""",
    "kpis": """north_star_metric north_star_type north_star_formula primary_kpis secondary_kpis partition_values
        kpi_goals secondary_goals""",
    "definitions": """definition_mql definition_mql_words definition_sql definition_sql_words definition_customer
        definition_customer_words definition_churn definition_churn_words""",
    "stages": "stage_exit",
}
COLUMNS = {
    "focus_areas": "area is_issue data_quality description is_picked secondary_kpis",
    "products": "name description recurrence pricing average_deal per cycle_days motion",
    "business_fit": "attribute good_fit bad_fit",
    "buyer_fit": "attribute good_fit bad_fit",
    "primary_kpis": "kpi type formula filter partition_1 partition_2 partition_3 partition_4",
    "secondary_kpis": "secondary is_trackable note",
    "partition_values": "partition values rolls_up_to",
    "kpi_goals": "kpi q1 q2 q3 q4",
    "secondary_goals": "secondary q1 q2 q3 q4",
    "stage_exit": "stage probability heard field",
}
TOPICS = """Market size and share · Customer profile and personas · Analyst coverage ·
Revenue, customers and ASP by segment · Growth · Product revenue · Road map · Demos · Competitors ·
Strengths and weaknesses · Partner categories · Partner plans · Decision culture · Communication · Meeting cadence ·
Dress code · Work practices"""
AREAS = {
    "Top of funnel": ["Lead quality", "Lead quantity", "Qualification", "Lead hand-off"],
    "Sales conversion": ["Close rate", "Sales process", "Forecasting", "Enablement"],
    "Renewals and retention": ["Churn", "Expansion", "Onboarding", "Renewal process"],
    "Technology": ["Tech stack and integration", "New tools", "Reporting", "Data hygiene"],
}


def asked_and_columns():
    for field in FIELDS.values():
        yield field.id, field
        for column in field.columns:
            yield f"{field.id}.{column.id}", column


@pytest.mark.parametrize("tab", ASKED)
def test_a_tab_asks_all_that_it_should_in_order(tab):
    assert [field.id for field in SURVEY.tabs[tab].fields] == ASKED[tab].split()


@pytest.mark.parametrize("grid", COLUMNS)
def test_a_grid_has_all_its_columns(grid):
    assert [column.id for column in FIELDS[grid].columns] == COLUMNS[grid].split()


def test_every_topic_for_a_newcomer_is_a_question_of_its_own():
    assert [field.label for field in SURVEY.tabs["context"].fields] == [t.strip() for t in TOPICS.split("·")]


def test_the_focus_areas_stand_in_their_four_groups_and_more_can_be_added():
    areas = FIELDS["focus_areas"]
    found = {}
    for row in areas.rows:
        found.setdefault(areas.part_of[row["area"]], []).append(row["area"])
    assert found == AREAS and areas.can_add_rows and areas.maximum_rows > len(areas.rows)


def test_the_positioning_statement_reads_as_one_sentence():
    parts = [FIELDS[f"position_{part}"] for part in ("buyer", "need", "product", "category", "benefit")]
    assert [part.label.strip(" …") for part in parts] == ["For", "who", "our", "is a", "that"]
    assert FIELDS["position_alternative"].label == "Unlike …" and FIELDS["position_differentiator"].label == "it …"


def test_each_stage_says_what_must_have_been_heard():
    help = FIELDS["stage_exit"].column("heard").help
    for hint in ("20 %", "40 %", "60 %", "date", "intend to launch", "decision process", "business case", "confidence"):
        assert hint in help


@pytest.mark.parametrize(("id", "field"), list(asked_and_columns()))
def test_every_question_is_explained_with_an_example(id, field):
    assert field.help.endswith((".", "?", "…")), f"{id} has no help in sentences"
    assert field.example or field.type in CHOSEN or field.type == "grid", f"{id} has no example"


@pytest.mark.parametrize(("id", "field"), list(asked_and_columns()))
def test_an_example_is_an_answer_that_may_be_given(id, field):
    if field.example and field.type != "ranked":
        checked, faults = check_answer(field, field.example)
        assert checked is not None and not faults


def test_labels_in_charts_are_unique():
    shorts = [field.short or field.label for field in FIELDS.values()]
    assert len(shorts) == len(set(shorts))


def test_the_four_main_tabs_take_less_than_half_an_hour():
    core = [tab for tab in SURVEY.tabs.values() if tab.is_core]
    assert [tab.id for tab in core] == ["overview", "product", "icp", "kpis"]
    assert sum(tab.minutes for tab in core) < 30


def test_only_what_a_comparison_needs_is_required():
    required = {id for id, field in FIELDS.items() if field.required}
    assert required == {
        "company_name", "active_customers", "primary_motion", "revenue_goal", "on_track", "top_priorities",
        "products", "business_fit", "north_star_metric", "primary_kpis",
    }  # fmt: skip


def test_what_names_several_things_is_a_list():
    lists = {id for id, field in asked_and_columns() if field.is_list}
    assert lists == {
        "focus_areas.secondary_kpis", "business_fit.good_fit", "business_fit.bad_fit",
        "buyer_fit.good_fit", "buyer_fit.bad_fit", "partition_values.values",
    }  # fmt: skip


def test_an_amount_names_the_column_that_says_for_which_time_it_is():
    """2,000 a month and 24,000 a year are one and the same."""
    products = FIELDS["products"]
    per = products.column(products.column("average_deal").factor_from)
    assert per.factors == {"month": 12, "quarter": 4, "year": 1, "one_off": 1}
    assert set(per.factors) == set(per.choices)


def test_a_field_knows_nothing_of_time_unless_it_says_so():
    assert SurveyField(id="x", label="x", type="number").factor_from == ""
