"""What a notebook opens: the last day that counts is told where it leaves nothing, or lies beyond the exports."""

import pytest

from helpers.workbook import open_workbook
from tests.ingest.exports import start_and_open

DEALS = """
    Deal ID,Deal Stage,Create Date,Close Date,Amount
    D1,Closed Won,2026-01-10,2026-02-20,100
    D2,Proposal,2026-01-11,2026-09-25,200
"""


@pytest.mark.parametrize(
    ("as_of", "code", "said"),
    [
        ("2025-12-31", "day_before_every_event", "the first one is of 2026-01-10"),
        ("2026-06-30", "day_after_the_exports", "The exports end on 2026-03-31, before 2026-06-30"),
        ("2026-03-31", None, None),
        ("", None, None),
    ],
)
def test_a_last_day_that_the_exports_do_not_reach_is_told(tmp_path, as_of, code, said):
    folder = start_and_open(tmp_path, {"deals.csv": DEALS}, exported_on="2026-03-31").folder
    issues = open_workbook(company=str(folder), as_of=as_of).company.issues
    assert issues["code"].tolist() == ([code] if code else [])
    assert all(said in message for message in issues["message"])
