"""Columns that name periods are told from columns that tell of the business: time is compared, it is no cause."""

import pytest

from helpers.company import open_company
from tests.ingest.exports import start_and_open

DEALS = """deal_id,create_date,close_date,stage,amount,engage_quarter,month,product,founded
1,2026-01-05,2026-02-05,Won,100,Q1 2026,2026-01,Basic 2020,1996
2,2026-04-05,2026-05-05,Lost,100,Q2 2026,2026-04,Pro 2020,1996
3,2026-07-05,2026-08-05,Won,100,Q3 2026,2026-07,Basic 2020,2001
4,2026-08-05,,Demo,100,Q3 2026,2026-08,Pro 2020,2001
"""


@pytest.mark.parametrize(
    ("column", "question"), [("engage_quarter", "when"), ("month", "when"), ("product", "what"), ("founded", "what")]
)
def test_a_column_of_periods_answers_when(tmp_path, column, question):
    company = start_and_open(tmp_path / "acme", {"deals.csv": DEALS})
    assert company.partitions[column].question == question


PLACES = """\
deal_id,create_date,close_date,stage,amount,regional_office,landing_page_id,source_detail,owner_role,statement
1,2026-01-05,2026-02-05,Won,100,West,p1,Fair,AE,yes
2,2026-04-05,2026-05-05,Lost,100,East,p2,Web,SDR,no
3,2026-07-05,2026-08-05,Won,100,West,p1,Fair,AE,yes
4,2026-08-05,,Demo,100,East,p2,Web,SDR,no
"""


@pytest.mark.parametrize(
    ("column", "question"),
    [
        ("regional_office", "where"),
        ("landing_page_id", "where"),
        ("owner_role", "who"),
        ("source_detail", "what"),
        ("statement", "what"),
    ],
)
def test_a_column_nobody_declared_is_filed_by_the_last_words_of_its_name(tmp_path, column, question):
    company = start_and_open(tmp_path / "acme", {"deals.csv": PLACES})
    assert company.partitions[column].question == question


def test_what_company_toml_says_of_a_column_goes_before_its_name(tmp_path):
    start_and_open(tmp_path / "acme", {"deals.csv": PLACES})
    path = tmp_path / "acme" / "company" / "company.toml"
    more = '\n[dimensions.regional_office]\nquestion = "who"\n[dimensions.owner_role]\nlabel = "Job"\n'
    path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")
    partitions = open_company(tmp_path / "acme" / "company").partitions
    assert partitions["regional_office"].question == "who"
    assert (partitions["owner_role"].question, partitions["owner_role"].label) == ("who", "Job")
