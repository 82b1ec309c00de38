"""Files recognised by names and contents where no vendor's headers help, and what people say about them."""

import pytest

from helpers.company import open_company
from helpers.errors import ParameterError
from helpers.ingest.options import parse_map, split_file_column
from tests.ingest.exports import start_and_open, write_export

DEALS = """
opportunity_id,sales_agent,account,deal_stage,engage_date,close_date,close_value
O1,Ann,Acme,Won,2026-01-05,2026-02-01,100
O2,Bob,Bolt,Lost,2026-01-09,2026-03-01,50
O3,Ann,Acme,Engaging,2026-02-02,,
"""


def test_any_deal_file_is_known_by_the_names_of_its_columns(tmp_path):
    company = start_and_open(tmp_path, {"pipeline.csv": DEALS})
    found = company.mapping[company.mapping["object"].eq("deal")].set_index("field")["column"]
    assert found["created_at"] == "engage_date" and found["owner"] == "sales_agent" and found["amount"] == "close_value"
    assert set(company.mapping.set_index("field").loc[["owner", "amount"], "how"]) == {"name"}
    assert company.partitions["owner"].aliases == ("sales_agent",)


def test_a_bare_id_does_not_make_a_contact_of_anything(tmp_path):
    things = "id,name,created_date\n1,Plan A,2026-01-01\n2,Plan B,2026-01-02"
    company = start_and_open(tmp_path, {"pipeline.csv": DEALS, "things.csv": things})
    assert set(company.tables) == {"deal"}


def test_what_a_person_maps_goes_before_every_guess(tmp_path):
    text = DEALS.replace("close_value", "close_value,list_price").replace(",100", ",100,120").replace(",50", ",50,60")
    text = text.replace("2026-02-02,,", "2026-02-02,,,")
    company = start_and_open(
        tmp_path, {"pipeline.csv": text}, maps=["deal.amount=List Price", "deal.squad=sales_agent"]
    )
    deal = company.tables["deal"]
    assert deal["amount"].fillna(0).tolist() == [120, 60, 0]
    assert deal["squad"].tolist() == ["Ann", "Bob", "Ann"], "a partition of one's own name"
    assert company.mapping.set_index("field").loc["amount", "how"] in {"option", "name"}


def test_a_file_nobody_would_recognise_becomes_what_a_person_says(tmp_path):
    text = "ref,since,level\nx1,2026-01-01,gold\nx2,2026-02-01,silver"
    company = start_and_open(tmp_path, {"list.csv": text}, maps=["contact.id=ref", "contact.mql_at=since"])
    assert company.tables["contact"]["mql_at"].dt.month.tolist() == [1, 2]
    assert "level" in company.partitions


def test_two_files_of_one_kind_with_the_same_columns_are_one_object(tmp_path):
    other = DEALS.replace("O1", "P1").replace("O2", "P2").replace("O3", "P3")
    company = start_and_open(tmp_path, {"deals_emea.csv": DEALS, "deals_us.csv": other})
    assert sorted(company.tables["deal"]["id"]) == ["O1", "O2", "O3", "P1", "P2", "P3"]
    assert company.inputs["rows_used"].tolist() == [3, 3]


def test_a_field_is_left_without_a_column_where_company_toml_says_so(tmp_path):
    start_and_open(tmp_path, {"pipeline.csv": DEALS})
    path = tmp_path / "company" / "company.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('owner = "sales_agent"', 'owner = ""'), encoding="utf-8")
    company = open_company(tmp_path / "company")
    assert "owner" not in company.tables["deal"]
    assert company.partitions["sales_agent"].objects == {"deal": "sales_agent"}


def test_an_open_order_of_day_and_month_is_asked_and_the_answer_used(tmp_path):
    text = (
        DEALS.replace("2026-01-05", "01/05/2026")
        .replace("2026-01-09", "01/09/2026")
        .replace("2026-02-02", "02/03/2026")
    )
    with pytest.raises(ParameterError, match="Say when they were exported"):
        dates = text.replace("2026-02-01", "02/01/2026").replace("2026-03-01", "03/01/2026")
        start_and_open(tmp_path / "first", {"pipeline.csv": dates})
    company = start_and_open(tmp_path, {"pipeline.csv": text})
    assert company.tables["deal"]["created_at"].isna().all()
    issue = company.issues[company.issues["code"].eq("ambiguous_date_order")].iloc[0]
    assert '[files."pipeline.csv"]' in issue["cure"]
    path = tmp_path / "company" / "company.toml"
    more = '\n[files."pipeline.csv"]\ndate_order = "day-first"\n'
    path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")
    again = open_company(tmp_path / "company").tables["deal"]
    assert again["created_at"].dt.strftime("%Y-%m-%d").tolist() == ["2026-05-01", "2026-09-01", "2026-03-02"]


def test_file_names_hold_dots_and_the_longest_one_that_fits_counts():
    assert split_file_column("a.b.csv.col.x", ["a", "a.b.csv"]) == ("a.b.csv", "col.x")


def test_a_new_partition_s_name_is_no_slip_of_the_pen():
    assert parse_map("deal.reason=why").field == "reason"
    with pytest.raises(ParameterError, match="Did you mean 'amount'"):
        parse_map("deal.amuont=x")


def test_subscriptions_alone_tell_who_is_a_customer_since_when(tmp_path):
    text = """
    subscription_id,account_id,plan,start_date,end_date,mrr,seats
    S1,A1,Pro,2026-01-01,2026-02-01,10,1
    S2,A1,Pro,2026-02-01,2026-04-01,20,2
    S3,A2,Pro,2026-03-01,,30,3
    """
    company = start_and_open(tmp_path, {"subscriptions.csv": text})
    customer = company.tables["customer"].set_index("id")
    assert customer["live_at"].dt.strftime("%m-%d").to_dict() == {"A1": "01-01", "A2": "03-01"}
    assert customer["ended_at"].dt.strftime("%m-%d").dropna().to_dict() == {"A1": "04-01"}
    how = company.mapping[company.mapping["object"].eq("customer")].set_index("field")["how"]
    assert how["live_at"] == "derived"


def test_the_source_files_are_never_touched(tmp_path):
    file = write_export(tmp_path / "inbox", "pipeline.csv", DEALS)
    before = file.read_bytes()
    start_and_open(tmp_path, {"pipeline.csv": DEALS})
    assert file.read_bytes() == before
