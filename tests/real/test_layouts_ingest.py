"""Column layouts of HubSpot and Salesforce as a loader lands them: which file is which object, which column what."""

import csv

import pytest

from helpers.company import open_company
from helpers.ingest.intake import start_company
from helpers.ingest.vendors import map_vendor_columns, recognise_vendor
from tests.real_data import require_real_data

EXPECTED = {
    "hubspot_fivetran/company_data.csv": ("hubspot", "company", {"name": "property_name", "id": "id"}),
    "hubspot_fivetran/contact_data.csv": (
        "hubspot",
        "contact",
        {"id": "id", "email": "property_email", "merged_ids": "property_hs_merged_object_ids"},
    ),
    "hubspot_fivetran/deal_data.csv": (
        "hubspot",
        "deal",
        {"id": "deal_id", "stage": "deal_pipeline_stage_id", "amount": "property_amount", "is_deleted": "is_deleted"},
    ),
    "hubspot_fivetran/deal_contact_data.csv": ("hubspot", "deal_contact", {"contact_id": "contact_id"}),
    "hubspot_fivetran/deal_property_history_data.csv": ("hubspot", "deal_history", {"changed_at": "timestamp"}),
    "hubspot_fivetran/owner_data.csv": ("hubspot", "person", {"id": "owner_id"}),
    "salesforce_fivetran/sf_lead_data.csv": (
        "salesforce",
        "contact",
        {"id": "id", "status": "status", "source": "lead_source", "converted_deal_id": "converted_opportunity_id"},
    ),
    "salesforce_fivetran/sf_contact_data.csv": ("salesforce", "contact", {"company_id": "account_id"}),
    "salesforce_fivetran/sf_account_data.csv": ("salesforce", "company", {"employees": "number_of_employees"}),
    "salesforce_fivetran/sf_opportunity_data.csv": (
        "salesforce",
        "deal",
        {"id": "id", "stage": "stage_name", "is_won": "is_won", "closed_at": "close_date", "owner": "owner_id"},
    ),
    "salesforce_fivetran/sf_opportunity_history_data.csv": ("salesforce", "deal_history", {"stage": "stage_name"}),
    "salesforce_fivetran/sf_task_data.csv": ("salesforce", "activity", {"contact_id": "who_id", "deal_id": "what_id"}),
    "salesforce_fivetran/sf_user_data.csv": ("salesforce", "person", {"manager": "manager_id"}),
    "hubspot_fivetran/form_data.csv": None,
    "salesforce_fivetran/sf_product_2_data.csv": None,
}


@pytest.mark.parametrize("file", EXPECTED)
def test_each_layout_is_recognised_by_its_headers(file):
    path = require_real_data("crm_export_layouts") / file
    with path.open(encoding="utf-8", newline="") as stream:
        columns = next(csv.reader(stream))
    found = recognise_vendor(columns)
    if EXPECTED[file] is None:
        assert found is None
        return
    vendor, object_id, fields = EXPECTED[file]
    assert (found.vendor, found.object) == (vendor, object_id)
    mapped = map_vendor_columns(columns, found)
    assert {name: mapped[name] for name in fields} == fields


@pytest.mark.parametrize("vendor", ["hubspot_fivetran", "salesforce_fivetran"])
def test_a_whole_set_of_layouts_opens(vendor, tmp_path):
    folder = require_real_data("crm_export_layouts") / vendor
    start_company(tmp_path / vendor, sorted(folder.glob("*.csv")))
    company = open_company(tmp_path / vendor)
    assert {"deal", "contact", "company"} <= set(company.tables)
