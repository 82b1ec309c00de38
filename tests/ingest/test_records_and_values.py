"""Duplicates, currencies, links and checks: every fault is an issue with its place, and no row is lost unseen."""

import pytest

from tests.ingest.exports import start_and_open

HEAD = "deal_id,created,close_date,deal_stage,amount"


def codes(company, code):
    return company.issues[company.issues["code"].eq(code)]


def test_identical_rows_count_once_and_differing_ones_by_their_last_change(tmp_path):
    text = """
    deal_id,created,close_date,deal_stage,amount,last_modified
    D1,2026-01-05,2026-02-01,Won,100,2026-02-01
    D1,2026-01-05,2026-02-01,Won,100,2026-02-01
    D2,2026-01-05,2026-02-02,Won,70,2026-03-01
    D2,2026-01-05,2026-02-02,Won,60,2026-02-01
    D3,2026-01-06,2026-02-03,Lost,10,2026-02-01
    D4,2026-01-06,2026-02-03,Lost,10,2026-02-01
    D5,2026-01-06,2026-02-03,Lost,10,2026-02-01
    """
    company = start_and_open(tmp_path, {"deals.csv": text})
    assert company.tables["deal"].set_index("id")["amount"].to_dict() == {
        "D1": 100, "D2": 70, "D3": 10, "D4": 10, "D5": 10,
    }  # fmt: skip
    assert codes(company, "duplicate_row")["row"].tolist() == [3]
    assert codes(company, "duplicate_id")["row"].tolist() == [5]


def test_a_row_without_an_id_is_put_aside(tmp_path):
    text = f"{HEAD}\nD1,2026-01-05,2026-02-01,Won,100\n,2026-01-05,2026-02-01,Won,5\nD3,2026-01-05,2026-02-01,Lost,1"
    company = start_and_open(tmp_path, {"deals.csv": text})
    assert company.tables["deal"]["amount"].sum() == 101
    issue = codes(company, "missing_id").iloc[0]
    assert (issue["file"], issue["row"], issue["severity"]) == ("deals.csv", 3, "error")


MIXED = """
deal_id,created,close_date,deal_stage,amount,currency
D1,2026-01-05,2026-02-01,Won,100,EUR
D2,2026-01-05,2026-02-01,Won,200,USD
D3,2026-01-05,2026-02-01,Lost,300,
"""


def test_amounts_in_another_currency_are_never_added_up(tmp_path):
    company = start_and_open(tmp_path, {"deals.csv": MIXED}, currency="EUR")
    assert company.tables["deal"]["amount"].fillna(-1).tolist() == [100, -1, 300]
    issue = codes(company, "other_currency").iloc[0]
    assert (issue["row"], issue["value"]) == (3, "200 USD")
    assert len(company.tables["deal"]) == 3, "the deal stays, only its amount is put aside"


def test_a_rate_in_company_toml_converts_them(tmp_path):
    from helpers.company import open_company

    start_and_open(tmp_path, {"deals.csv": MIXED}, currency="EUR")
    path = tmp_path / "company" / "company.toml"
    path.write_text(path.read_text(encoding="utf-8") + "\n[exchange_rates]\nUSD = 0.9\n", encoding="utf-8")
    company = open_company(tmp_path / "company")
    assert company.tables["deal"]["amount"].tolist() == [100, 180, 300]
    assert codes(company, "other_currency").empty


def test_a_deal_finds_its_company_by_name(tmp_path):
    deals = f"{HEAD},account\nD1,2026-01-05,2026-02-01,Won,100,Acme Inc.\nD2,2026-01-05,2026-02-01,Won,1,Nobody"
    accounts = "account_id,account_name,industry\nA1,ACME Inc,Steel\nA2,Bolt,Wood"
    company = start_and_open(tmp_path, {"deals.csv": deals, "accounts.csv": accounts})
    assert company.tables["deal"]["company_id"].tolist() == ["A1", "Nobody"]
    assert company.tables["deal"]["industry"].fillna("").tolist() == ["Steel", ""]
    assert len(codes(company, "link_leads_nowhere")) == 1


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("D9,2026-03-05,2026-02-01,Won,100", "closed_before_created"),
        ("D9,2026-01-05,,Won,100", "closed_without_date"),
        ("D9,2026-01-05,2026-02-01,Won,", "won_without_amount"),
        ("D9,2026-01-05,2026-02-01,Won,0", "won_without_amount"),
        ("D9,,2026-02-01,Won,3", "won_without_created_date"),
        ("D9,2026-01-05,2026-01-09,Proposal,3", "open_past_close_date"),
        ("D9,2026-01-05,2026-12-31,Won,3", "closed_in_future"),
    ],
)
def test_what_looks_wrong_on_a_deal_is_an_issue_with_its_row(tmp_path, row, code):
    text = f"{HEAD}\nD1,2026-01-05,2026-03-10,Won,100\nD2,2026-01-05,2026-03-08,Lost,10\n{row}"
    company = start_and_open(tmp_path, {"deals.csv": text}, exported_on="2026-03-10")
    issue = codes(company, code)
    assert issue["row"].tolist() == [4]
    assert (issue["cure"] != "").all()
    assert len(company.tables["deal"]) == 3, "nothing is dropped for looking wrong"


def test_open_deals_bunched_at_month_ends_are_noted(tmp_path):
    rows = "\n".join(f"D{i},2026-01-05,2026-0{4 + i % 3}-30,Proposal,5" for i in range(30))
    company = start_and_open(tmp_path, {"deals.csv": f"{HEAD}\n{rows}"})
    assert codes(company, "month_end_close_dates")["severity"].tolist() == ["note"]


def test_labels_are_kept_as_the_crm_writes_them(tmp_path):
    text = f'{HEAD},region\nD1,2026-01-05,2026-02-01,Won,1," emea "\nD2,2026-01-05,2026-02-01,Lost,1,EMEA'
    company = start_and_open(tmp_path, {"deals.csv": text})
    assert company.tables["deal"]["region"].tolist() == ["emea", "EMEA"]
