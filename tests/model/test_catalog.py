"""The catalog: complete, unambiguous, and changed by a company without Python."""

import shutil

import pytest

from helpers.errors import DefinitionError, QuestionError
from helpers.model.catalog import load_catalog
from helpers.model.definition import DEFINITIONS

CONTRACT = """
sessions leads mqls sqls opportunities deals_won revenue_won customers_onboarded revenue_live customers_live open_deals
open_pipeline mrr arr session_to_lead lead_to_mql mql_to_sql sql_to_opportunity mql_to_opportunity lead_to_opportunity
opportunity_to_won won_to_live lead_to_won mql_to_won win_rate win_rate_value average_deal_size sales_cycle_days
sales_cycle_days_mean sales_cycle_days_p90 push_rate sales_velocity grr nrr logo_churn seat_churn revenue_churn
starting_coverage pipeline_conversion to_go_coverage gross_churn grr_starting nrr_starting
""".split()


def test_every_kpi_that_people_script_against_is_defined():
    assert set(CONTRACT) <= set(load_catalog().kpis)


def test_every_kpi_says_what_it_is_and_who_says_so():
    for record in load_catalog().glossary():
        assert all(record[key] for key in ("label", "description", "formula", "unit", "owner", "source")), record["id"]


def test_a_company_adds_a_kpi_without_python():
    own = {
        "label": "Leads per session",
        "description": "d",
        "formula": "f",
        "unit": "share",
        "direction": "up",
        "family": "conversion",
        "basis": ["period"],
        "owner": "o",
        "source": "s",
        "measure": {"kind": "ratio", "numerator": "leads", "denominator": "sessions"},
    }
    assert load_catalog({"kpis": {"leads_per_session": own}}).kpi("leads_per_session").is_rate


def test_a_company_renames_a_stage_without_python():
    catalog = load_catalog({"stages": {"mql": {"label": "Engaged leads"}}})
    assert catalog.stages["mql"].label == "Engaged leads"
    assert catalog.stages["mql"].date_field == "mql_at"


def test_a_stage_of_its_own_brings_its_volume_and_its_conversions():
    catalog = load_catalog({"funnel": {"stages": ["lead", "opportunity", "demo", "won"]}})
    assert {"demo", "opportunity_to_demo", "demo_to_won", "lead_to_opportunity"} <= set(catalog.kpis)
    assert "lead_to_mql" not in catalog.kpis
    assert [kpi.id for kpi in catalog.conversions_between(["lead", "won"])] == ["lead_to_won"]


@pytest.mark.parametrize(
    ("overrides", "text"),
    [
        ({"kpis": {"leads": {"labell": "x"}}}, "kpis.leads.labell.*Did you mean 'label'"),
        ({"rules": {"minimum_n": "many"}}, "rules.minimum_n.*'many'"),
        ({"kpi": {}}, "Did you mean 'kpis'"),
        ({"kpis": {"leads": {"label": "MQLs"}}}, "already the label"),
        ({"funnel": {"stages": ["lead", "lead", "won"]}}, "named twice"),
        ({"funnel": {"stages": ["lead", "opportunity"]}}, "'won' is missing"),
    ],
)
def test_a_mistake_is_told_with_its_place__error(overrides, text):
    with pytest.raises(DefinitionError, match=text):
        load_catalog(overrides)


def test_unknown_kpi__error():
    with pytest.raises(QuestionError, match="Did you mean 'win_rate'"):
        load_catalog().kpi("winrate")


def test_a_broken_definition_file_is_told_with_its_line__error(tmp_path):
    folder = tmp_path / "definitions"
    shutil.copytree(DEFINITIONS, folder)
    (folder / "kpis.toml").write_text("[kpis.leads\n", encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"kpis\.toml.*line 1"):
        load_catalog(folder=folder)
