"""Columns that name periods are told from columns that tell of the business: time is compared, it is no cause."""

import pytest

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
