"""HubSpot and Salesforce exports in every guise they come in, down to canonical tables."""

import pandas as pd
import pytest

from helpers.ingest.vendors import find_stage_dates, header_key, recognise_vendor
from tests.ingest.exports import start_and_open

HUBSPOT_DEALS = '''
Record ID,Deal Name,Deal Stage,Pipeline,Amount,Create Date,Close Date,Deal owner,Deal Type,Closed Lost Reason,Associated Contact IDs,"Date entered ""Proposal (Sales)""",Date entered 'Proposal (Sales)',Date entered 'Closed Won (Sales)'
11,Acme,Closed Won,Sales,1200,2026-01-02 09:00,2026-02-03 10:00,Ann,New Business,,1;2,2026-01-01 08:00,2026-01-10 08:00,2026-02-03 10:00
12,Bolt,Closed Lost,Sales,800,2026-01-05 09:00,2026-02-20 10:00,Bob,Existing Business,Price,3,2026-01-12 08:00,,
13,Cord,Proposal,Sales,500,2026-02-05 09:00,2026-06-30 10:00,Ann,,,2,,2026-02-10 08:00,
'''  # noqa: E501
HUBSPOT_CONTACTS = """
Record ID,First Name,Last Name,Email,Create Date,Lifecycle Stage,Original Source,Became a Marketing Qualified Lead Date
1,Ada,Low,ada@acme.example,2026-01-01 08:00,Customer,Paid Search,2026-01-01 09:00
2,Ben,May,ben@acme.example,2025-12-01 08:00,Customer,Organic Search,
3,Cas,Nox,cas@bolt.example,2026-01-03 08:00,Opportunity,Referrals,2026-01-04 09:00
"""


def test_headers_are_compared_without_case_blanks_and_punctuation():
    assert header_key("Close Date") == header_key("closedate") == header_key("CLOSE_DATE") == header_key("CloseDate")


@pytest.mark.parametrize(
    ("columns", "vendor", "object_id"),
    [
        (["Record ID", "Deal Name", "Deal Stage", "Amount"], "hubspot", "deal"),
        (["hs_object_id", "dealname", "dealstage", "closedate"], "hubspot", "deal"),
        (["property_dealname", "property_dealstage", "deal_id"], "hubspot", "deal"),
        (["Record ID", "First Name", "Email", "Lifecycle Stage"], "hubspot", "contact"),
        (["Record ID", "Company name", "Industry"], "hubspot", "company"),
        (["Id", "StageName", "CloseDate", "Amount", "IsWon"], "salesforce", "deal"),
        (["id", "stage_name", "close_date", "is_won"], "salesforce", "deal"),
        (["Opportunity Name", "Stage", "Close Date", "Created Date", "Lead Source"], "salesforce", "deal"),
        (["Id", "IsConverted", "ConvertedDate", "LeadSource"], "salesforce", "contact"),
        (["OpportunityId", "StageName", "CloseDate", "Amount", "CreatedDate"], "salesforce", "deal_history"),
        (["OpportunityId", "Field", "OldValue", "NewValue", "CreatedDate"], "salesforce", "deal_history"),
        (["objectId", "property", "value", "timestamp", "sourceType"], "hubspot", "deal_history"),
        (["Id", "BillingCountry", "Industry", "Name", "NumberOfEmployees"], "salesforce", "company"),
        (["OpportunityId", "ContactId", "Role", "IsPrimary"], "salesforce", "deal_contact"),
    ],
)
def test_labels_and_api_names_are_recognised(columns, vendor, object_id):
    found = recognise_vendor(columns)
    assert (found.vendor, found.object) == (vendor, object_id)


def test_other_people_s_files_are_no_vendor_s():
    assert recognise_vendor(["opportunity_id", "sales_agent", "deal_stage", "close_value"]) is None
    assert recognise_vendor(["account_id", "account_name", "industry", "country"]) is None


def test_both_forms_of_stage_dates_are_found_and_the_newer_one_goes_first():
    columns = ['Date entered "Contract (EU)"', "Date entered 'Contract (EU)'", "hs_v2_date_entered_closedwon", "Date"]
    found = find_stage_dates(columns)
    assert [(column.stage, column.pipeline, column.rank) for column in found] == [
        ("Contract", "EU", 1),
        ("Contract", "EU", 0),
        ("closedwon", "", 2),
    ]


@pytest.fixture
def hubspot(tmp_path):
    return start_and_open(tmp_path, {"deals.csv": HUBSPOT_DEALS, "contacts.csv": HUBSPOT_CONTACTS})


def test_hubspot_deals_get_outcome_stage_and_kind_of_business(hubspot):
    deal = hubspot.tables["deal"]
    assert deal["outcome"].tolist() == ["won", "lost", "open"]
    assert deal["is_new_business"].tolist() == [True, False, True], "a blank type is new business"
    assert deal["id"].tolist() == ["11", "12", "13"]


def test_stage_dates_become_history_and_the_newer_form_wins(hubspot):
    """
    deal 11: older form says 1 January, newer form 10 January for the same stage: 10 January counts
    deal 12: only the older form is filled
    """
    history = hubspot.tables["deal_history"]
    entered = {(row.deal_id, row.new): row.changed_at for row in history.itertuples()}
    assert entered[("11", "Proposal")] == pd.Timestamp("2026-01-10 08:00")
    assert entered[("12", "Proposal")] == pd.Timestamp("2026-01-12 08:00")
    assert len(history) == 4
    won = history[history["new"].eq("Closed Won")].iloc[0]
    assert (won["old"], won["field"]) == ("Proposal", "stage")
    assert not any(column.startswith("date_entered") for column in hubspot.tables["deal"])


def test_several_contacts_are_linked_and_the_earliest_created_is_primary(hubspot):
    links = hubspot.tables["deal_contact"]
    assert sorted(zip(links["deal_id"], links["contact_id"], strict=True)) == [
        ("11", "1"), ("11", "2"), ("12", "3"), ("13", "2"),
    ]  # fmt: skip
    assert hubspot.tables["deal"]["contact_id"].tolist() == ["2", "3", "2"]


def test_deals_inherit_the_source_of_their_primary_contact_and_say_so(hubspot):
    assert hubspot.tables["deal"]["source"].tolist() == ["Organic Search", "Referrals", "Organic Search"]
    assert hubspot.partitions["source"].inherited_from == {"deal": "contact"}


def test_contact_details_are_no_partitions(hubspot):
    assert not {"email", "first_name", "last_name", "name"} & set(hubspot.partitions)


def test_property_history_is_paired_into_changes(tmp_path):
    history = """
    objectId,property,value,timestamp,sourceType
    11,dealstage,proposal,2026-01-10T08:00:00Z,CRM_UI
    11,dealstage,closedwon,2026-02-03T10:00:00Z,CRM_UI
    11,closedate,2026-03-31T00:00:00Z,2026-01-10T08:00:00Z,CRM_UI
    11,closedate,2026-02-03T10:00:00Z,2026-02-03T10:00:00Z,CRM_UI
    11,amount,1200,2026-01-10T08:00:00Z,CRM_UI
    11,dealname,Acme,2026-01-10T08:00:00Z,CRM_UI
    """
    company = start_and_open(tmp_path, {"deals.csv": HUBSPOT_DEALS, "history.csv": history})
    changes = company.tables["deal_history"]
    mine = changes[changes["deal_id"].eq("11")].set_index(["field", "new"])
    assert mine.loc[("stage", "Closed Won"), "old"] == "Proposal", "written as the deals write it"
    assert mine.loc[("closed_at", "2026-02-03"), "old"] == "2026-03-31"
    assert ("amount", "1200") in mine.index
    assert set(changes["field"]) == {"stage", "closed_at", "amount"}


def test_merged_records_are_taken_out_and_their_links_lead_to_the_one_kept(tmp_path):
    lines = HUBSPOT_CONTACTS.strip().splitlines()
    contacts = "\n".join(
        line + more for line, more in zip(lines, (",Merged Contact IDs", ",3;999", ",", ","), strict=True)
    )
    company = start_and_open(tmp_path, {"deals.csv": HUBSPOT_DEALS, "contacts.csv": contacts})
    assert sorted(company.tables["contact"]["id"]) == ["1", "2"]
    assert company.tables["deal"].set_index("id").loc["12", "contact_id"] == "1"
    merged = company.issues[company.issues["code"].eq("merged_record")]
    assert merged["value"].tolist() == ["3"]


def test_deleted_records_are_put_aside_and_counted(tmp_path):
    deals = HUBSPOT_DEALS.replace("Record ID,", "Record ID,is_deleted,").replace("11,A", "11,false,A")
    deals = deals.replace("12,B", "12,true,B").replace("13,C", "13,false,C")
    company = start_and_open(tmp_path, {"deals.csv": deals})
    assert company.tables["deal"]["id"].tolist() == ["11", "13"]
    issue = company.issues[company.issues["code"].eq("deleted_record")].iloc[0]
    assert (issue["row"], issue["value"]) == (3, "True")
    assert company.inputs["rows_quarantined"].tolist() == [1]


def test_salesforce_flags_tell_outcomes_whatever_the_stages_are_called(tmp_path):
    text = """
    Id,Name,StageName,IsClosed,IsWon,Amount,CloseDate,CreatedDate,Probability,LeadSource
    006A,Acme,Signed,true,true,10,2026-03-01,2026-01-01T23:30:00.000Z,100,Web
    006B,Bolt,No fit,true,false,20,2026-03-02,2026-01-02T10:00:00.000Z,0,Web
    006C,Cord,Talks,false,false,30,2026-06-02,2026-01-03T10:00:00.000Z,40,Trade Show
    """
    company = start_and_open(tmp_path, {"opportunities.csv": text}, time_zone="Europe/Berlin")
    deal = company.tables["deal"]
    assert deal["outcome"].tolist() == ["won", "lost", "open"]
    assert deal["probability"].tolist() == [1.0, 0.0, 0.4]
    assert deal["created_at"].iloc[0] == pd.Timestamp("2026-01-02 00:30"), "UTC becomes the company's time"
    stages = {stage.label: stage.stage for stage in company.settings.deal_stages}
    assert stages == {"Talks": "opportunity", "Signed": "won", "No fit": "lost"}


def test_a_salesforce_report_with_labels_is_read_too(tmp_path):
    text = """
    Opportunity ID,Opportunity Name,Stage,Close Date,Created Date,Amount,Lead Source,Opportunity Owner,Account Name
    006A,Acme,Closed Won,3/13/2026,1/2/2026,"$1,000.50",Web,Ann,Acme Inc
    006B,Bolt,Negotiation/Review,3/1/2026,1/3/2026,$20.00,Web,Bob,Bolt AG
    """
    deal = start_and_open(tmp_path, {"report.csv": text}).tables["deal"]
    assert deal["amount"].tolist() == [1000.5, 20.0]
    assert deal["closed_at"].dt.strftime("%Y-%m-%d").tolist() == ["2026-03-13", "2026-03-01"]


SALESFORCE = """
Id,StageName,IsClosed,IsWon,Amount,CloseDate,CreatedDate
006A,Closed Won,true,true,90,2026-03-01,2026-01-01
006B,Talks,false,false,20,2026-06-01,2026-01-01
"""


def test_opportunity_history_gives_stage_amount_and_close_date_changes(tmp_path):
    history = """
    OpportunityId,StageName,Amount,CloseDate,CreatedDate
    006A,Talks,100,2026-04-30,2026-01-01
    006A,Talks,90,2026-04-30,2026-02-01
    006A,Closed Won,90,2026-03-01,2026-03-01
    """
    company = start_and_open(tmp_path, {"opportunities.csv": SALESFORCE, "history.csv": history})
    found = company.tables["deal_history"]
    rows = {(row.field, str(row.old), row.new, f"{row.changed_at:%m-%d}") for row in found.itertuples()}
    assert ("amount", "100", "90", "02-01") in rows
    assert ("closed_at", "2026-04-30", "2026-03-01", "03-01") in rows
    assert ("stage", "Talks", "Closed Won", "03-01") in rows
    assert len(found) == 6, "first values and changes, no repeats"


def test_a_converted_lead_and_its_contact_are_one_record_linked_to_its_deal(tmp_path):
    leads = """
    Id,Status,LeadSource,CreatedDate,IsConverted,ConvertedDate,ConvertedContactId,ConvertedOpportunityId
    00Q1,Qualified,Web,2026-01-01,true,2026-01-09,0031,006A
    00Q2,New,Webinar,2026-01-02,false,,,
    """
    contacts = """
    Id,AccountId,LastName,Email,CreatedDate,LeadSource
    0031,001A,Low,a@x.example,2026-01-09,Web
    0032,001A,May,b@x.example,2026-01-05,Referral
    """
    roles = "OpportunityId,ContactId,Role,IsPrimary\n006A,0031,Buyer,true\n006B,0032,User,false"
    exports = {"opportunities.csv": SALESFORCE, "leads.csv": leads, "contacts.csv": contacts, "roles.csv": roles}
    company = start_and_open(tmp_path, exports)
    assert sorted(company.tables["contact"]["id"]) == ["0032", "00Q1", "00Q2"]
    links = company.tables["deal_contact"]
    assert set(zip(links["deal_id"], links["contact_id"], strict=True)) == {("006A", "00Q1"), ("006B", "0032")}
    assert company.tables["deal"]["source"].tolist() == ["Web", "Referral"]
