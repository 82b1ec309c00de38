"""Look-up tables and joined files: exact matches first, spellings told, nothing lost silently."""

from tests.ingest.exports import start_and_open

DEALS = """
deal_id,created,close_date,deal_stage,amount,rep,item
D1,2026-01-05,2026-02-01,Won,100,Ann,GTXPro
D2,2026-01-09,2026-03-01,Lost,50,Bob,GTX Pro
D3,2026-02-02,2026-05-01,Proposal,70,Cid,Basic
"""


def test_other_columns_of_a_look_up_become_partitions_under_their_own_names(tmp_path):
    teams = "Sales Rep,Regional Office\nAnn,Paris\nBob,Rome\nCid,Rome"
    company = start_and_open(
        tmp_path, {"deals.csv": DEALS, "sales.teams.csv": teams}, lookups=["sales.teams.csv.sales_rep=deal.rep"]
    )
    assert company.tables["deal"]["regional_office"].tolist() == ["Paris", "Rome", "Rome"]
    assert company.partitions["regional_office"].objects == {"deal": "regional_office"}


def test_a_key_spelled_otherwise_is_matched_once_it_is_the_only_one_meant(tmp_path):
    items = "item,line\nGTX Pro,Pro\nBasic,Entry"
    company = start_and_open(tmp_path, {"deals.csv": DEALS, "items.csv": items}, lookups=["items.csv.item=deal.item"])
    assert company.tables["deal"]["line"].tolist() == ["Pro", "Pro", "Entry"]
    issue = company.issues[company.issues["code"].eq("key_spelled_differently")]
    assert issue["value"].tolist() == ["GTXPro"]
    assert company.tables["deal"]["item"].tolist() == ["GTXPro", "GTX Pro", "Basic"], "the label keeps its spelling"


def test_two_keys_that_could_be_meant_are_not_guessed(tmp_path):
    items = "item,line\nGTX-Pro,A\nGTX  Pro,B\nBasic,Entry"
    company = start_and_open(tmp_path, {"deals.csv": DEALS, "items.csv": items}, lookups=["items.csv.item=deal.item"])
    assert company.tables["deal"]["line"].isna().tolist() == [True, True, False]
    issue = company.issues[company.issues["code"].eq("key_not_found")].iloc[0]
    assert "2 rows hold 2 values" in issue["message"]


def test_a_key_that_stands_twice_is_told_and_its_first_row_counts(tmp_path):
    items = "item,line\nGTXPro,A\nGTXPro,B\nGTX Pro,C\nBasic,D"
    company = start_and_open(tmp_path, {"deals.csv": DEALS, "items.csv": items}, lookups=["items.csv.item=deal.item"])
    assert company.tables["deal"]["line"].tolist() == ["A", "C", "D"]
    assert company.issues.loc[company.issues["code"].eq("lookup_key_twice"), "row"].tolist() == [3]
    assert len(company.tables["deal"]) == 3, "no fan-out"


def test_a_file_whose_key_covers_a_column_of_the_same_name_is_looked_up_by_itself(tmp_path):
    reps = "rep,hub\nAnn,North\nBob,South\nCid,South\nDee,East"
    company = start_and_open(tmp_path, {"deals.csv": DEALS, "reps.csv": reps})
    assert company.tables["deal"]["hub"].tolist() == ["North", "South", "South"]


def test_a_field_of_a_joined_file_finds_its_key_by_name_then_by_values(tmp_path):
    leads = "lead_id,created_at,origin\nL1,2026-01-01,web\nL2,2026-01-02,fair\nL3,2026-01-03,web"
    closed = "customer,ref,won_on\nc9,L3,2026-02-01\nc8,L1,2026-03-01\nc7,L9,2026-03-05"
    company = start_and_open(
        tmp_path, {"leads.csv": leads, "closed.csv": closed}, maps=["contact.won_at=closed.csv.won_on"]
    )
    won = company.tables["contact"].set_index("id")["won_at"].dt.strftime("%Y-%m-%d")
    assert won.dropna().to_dict() == {"L1": "2026-03-01", "L3": "2026-02-01"}
    stray = company.issues[company.issues["code"].eq("joined_to_nothing")]
    assert (stray["file"].tolist(), stray["row"].tolist(), stray["value"].tolist()) == (["closed.csv"], [4], ["L9"])


def test_the_earliest_of_several_joined_rows_counts(tmp_path):
    leads = "lead_id,created_at\nL1,2026-01-01\nL2,2026-01-02"
    closed = "lead_id,won_date\nL1,2026-05-01\nL1,2026-03-01"
    company = start_and_open(
        tmp_path, {"leads.csv": leads, "closed.csv": closed}, maps=["contact.won_at=closed.csv.won_date"]
    )
    contact = company.tables["contact"]
    assert len(contact) == 2
    assert contact["won_at"].dt.strftime("%Y-%m-%d").tolist()[0] == "2026-03-01"
    assert company.issues.loc[company.issues["code"].eq("joined_twice"), "row"].tolist() == [2]
