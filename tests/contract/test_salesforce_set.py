"""A company that exports from Salesforce by Data Loader: API names, ISO timestamps in UTC, a tracked history.

Company time zone Europe/Amsterdam (UTC+1 in winter, +2 from 29 March 2026), so by hand:

==== =================== ============ ====== ===== ============ ========
deal created (local day) closed       amount new   account      outcome
==== =================== ============ ====== ===== ============ ========
A1   2026-01-06 00:30    2026-03-31   1000.5 yes   NL, Software won
A2   2026-01-01 00:15    2026-04-02   2000   yes   DE, Retail   lost
A3   2026-02-10          (2026-07-15) 3000   yes   NL, Software open
A4   2026-05-20          (2026-06-30) 4000   no    BE           open
A5   2026-04-01 00:30    2026-06-30   5000   yes   BE           won
==== =================== ============ ====== ===== ============ ========

A3 was due on 2026-05-31 for 2500 until it was pushed to July and raised to 3000 on 2026-05-30.
"""

import pytest

from helpers.engine.cells import build_cells
from tests.ingest.exports import start_and_open

EXPORTS = {
    "Opportunity.csv": """
        Id,AccountId,Name,StageName,Amount,CloseDate,Type,LeadSource,IsClosed,IsWon,OwnerId,CreatedDate,ContactId
        A1,001A,One,Closed Won,1000.50,2026-03-31,New Business,Web,true,true,X,2026-01-05T23:30:00.000Z,003A
        A2,001B,Two,Closed Lost,2000,2026-04-02,New Business,Partner,true,false,Y,2025-12-31T23:15:00.000Z,
        A3,001A,Three,Negotiation/Review,3000,2026-07-15,New Business,Web,false,false,X,2026-02-10T09:00:00.000Z,003B
        A4,001C,Four,Prospecting,4000,2026-06-30,Existing Business,,false,false,Y,2026-05-20T10:00:00.000Z,
        A5,001C,Five,Closed Won,5000,2026-06-30,New Business,Web,true,true,Y,2026-03-31T22:30:00.000Z,
    """,
    "Lead.csv": """
        Id,Company,Status,LeadSource,Industry,OwnerId,CreatedDate,IsConverted,ConvertedDate,ConvertedContactId,ConvertedOpportunityId
        Q1,Acme,Closed - Converted,Web,Software,X,2025-12-31T23:30:00.000Z,true,2026-01-06,003A,A1
        Q2,Bolt,Open - Not Contacted,Web,Retail,X,2026-01-15T08:00:00.000Z,false,,,
        Q3,Crane,Closed - Converted,Partner,,Y,2026-02-01T08:00:00.000Z,true,2026-02-10,003B,A3
        Q4,Dune,Working - Contacted,,Retail,Y,2026-04-01T08:00:00.000Z,false,,,
    """,
    "OpportunityFieldHistory.csv": """
        Id,OpportunityId,Field,OldValue,NewValue,CreatedDate
        H0,A1,created,,,2026-01-05T23:30:00.000Z
        H1,A1,StageName,Prospecting,Closed Won,2026-03-31T12:00:00.000Z
        H2,A3,CloseDate,2026-05-31,2026-07-15,2026-05-30T12:00:00.000Z
        H3,A3,Amount,2500,3000,2026-05-30T12:00:00.000Z
        H4,A3,StageName,Prospecting,Negotiation/Review,2026-04-30T22:30:00.000Z
        H5,A2,StageName,Prospecting,Closed Lost,2026-04-02T12:00:00.000Z
    """,
    "Account.csv": """
        Id,Name,Industry,NumberOfEmployees,BillingCountry
        001A,Acme,Software,120,NL
        001B,Bolt,Retail,30,DE
        001C,Crane,,900,BE
    """,
}
Q1, Q2 = "2026-01-01", "2026-04-01"


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    folder = tmp_path_factory.mktemp("salesforce")
    return start_and_open(folder, EXPORTS, currency="EUR", time_zone="Europe/Amsterdam")


@pytest.fixture(scope="module")
def values(company):
    cells = build_cells(company, grain="quarter")
    start = cells["period_start"].dt.strftime("%Y-%m-%d")
    return cells.set_index(["kpi", "basis", start])["value"].to_dict()


@pytest.mark.parametrize(
    ("kpi", "basis", "first", "second"),
    [
        ("leads", "period", 3, 1),
        ("opportunities", "period", 3, 2),
        ("deals_won", "period", 1, 1),
        ("revenue_won", "period", 1000.5, 5000),
        ("lead_to_opportunity", "cohort", 2 / 3, 0),
        ("lead_to_won", "cohort", 1 / 3, 0),
        ("opportunity_to_won", "cohort", 1 / 3, 1),
        ("win_rate", "outcome", 1, 1 / 2),
        ("win_rate_value", "outcome", 1, 5000 / 7000),
        ("average_deal_size", "outcome", 1000.5, 5000),
        ("sales_cycle_days", "outcome", 84, 90),
        ("open_deals", "snapshot", 2, 2),
        ("open_pipeline", "snapshot", 2000 + 2500, 3000 + 4000),
        ("push_rate", "snapshot", None, 1 / 2),
        ("pipeline_conversion", "period", None, 5000 / (2000 + 2500)),
    ],
)
def test_every_number_is_the_one_counted_by_hand(values, kpi, basis, first, second):
    assert values.get((kpi, basis, Q1)) == (pytest.approx(first) if first is not None else None)
    assert values.get((kpi, basis, Q2)) == pytest.approx(second)


def test_a_day_in_the_past_sees_amounts_and_stages_of_then(company):
    cells = build_cells(company, kpis=["open_pipeline", "deals_won"], grain="quarter", as_of="2026-05-29")
    values = cells.set_index(["kpi", cells["period_start"].dt.strftime("%Y-%m-%d")])["value"]
    assert values["open_pipeline", Q2] == 2500 + 4000 + 5000
    assert values["deals_won", Q1] == 1
    assert values.get(("deals_won", Q2), 0) == 0


def test_a_deal_without_a_contact_has_its_account_s_country(company):
    cells = build_cells(company, kpis=["opportunities"], by=[("country",), ("country", "source")], grain="all")
    one = cells[cells["dimension"] == "country"].set_index("slice")["value"].to_dict()
    two = cells[cells["dimension"] == "country & source"].set_index("slice")["value"].to_dict()
    assert one == {"NL": 2, "DE": 1, "BE": 2}
    assert two == {"NL & Web": 2, "DE & Partner": 1, "BE & Web": 1, "BE & (blank)": 1}
    assert company.partitions["country"].inherited_from["deal"] == "company"


def test_what_this_crm_does_not_hold_has_no_rows(values):
    assert not {kpi for kpi, _, _ in values} & {"sessions", "mqls", "sqls", "customers_live", "mrr", "grr"}
