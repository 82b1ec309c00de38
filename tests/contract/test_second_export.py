"""Two exports of one CRM without history: what changed between them is told from the exports alone.

Exported on 2026-03-31 and again on 2026-06-30; both days are evenings. By hand:

==== ========== ======================== ===============================
deal created    on 2026-03-31            on 2026-06-30
==== ========== ======================== ===============================
D1   2026-01-10 open, due 2026-05-20     open, pushed to 2026-08-20, 150
D2   2026-01-11 open, due 2026-06-10     lost on 2026-04-02
D3   2026-01-12 won on 2026-02-01, 300   the same
D4   2026-02-12 open, due 2026-05-15     won on 2026-04-20, 400
D5   2026-04-03 not there                open, due 2026-09-20, 50
==== ========== ======================== ===============================
"""

import pytest

from helpers.company import open_company
from helpers.engine.cells import build_cells
from helpers.errors import DataError
from helpers.ingest.intake import add_exports, start_company
from tests.ingest.exports import write_export

FIRST = """
    Deal ID,Deal Stage,Create Date,Close Date,Amount,Deal owner
    D1,Proposal,2026-01-10,2026-05-20,100,Ann
    D2,Proposal,2026-01-11,2026-06-10,200,Bob
    D3,Closed Won,2026-01-12,2026-02-01,300,Ann
    D4,Proposal,2026-02-12,2026-05-15,400,Bob
"""
SECOND = """
    Deal ID,Deal Stage,Create Date,Close Date,Amount,Deal owner
    D1,Proposal,2026-01-10,2026-08-20,150,Ann
    D2,Closed Lost,2026-01-11,2026-04-02,200,Bob
    D3,Closed Won,2026-01-12,2026-02-01,300,Ann
    D4,Closed Won,2026-02-12,2026-04-20,400,Bob
    D5,Proposal,2026-04-03,2026-09-20,50,Bob
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    inbox = tmp_path_factory.mktemp("inbox")
    target = inbox / "company"
    start_company(target, [write_export(inbox, "march.csv", FIRST)], exported_on="2026-03-31")
    add_exports(target, [write_export(inbox, "june.csv", SECOND)], exported_on="2026-06-30")
    return target


def second_quarter(company, **question):
    cells = build_cells(company, grain="quarter", start="2026-04-01", **question)
    cells = cells[cells["basis"] != "cohort"]
    return cells.set_index("kpi")


def test_the_second_export_continues_the_first_under_another_name(folder):
    files = sorted(path.relative_to(folder).as_posix() for path in (folder / "crm").rglob("*.csv"))
    assert files == ["crm/2026-03-31/march.csv", "crm/2026-06-30/june.csv"]
    assert open_company(folder).tables["deal"]["id"].tolist() == ["D1", "D2", "D3", "D4", "D5"]


def test_pushes_and_starting_pipeline_are_told_without_any_history(folder):
    """Due in the second quarter at its start: D1, D2, D4, for 700 together; D1 was pushed, D4 brought 400."""
    found = second_quarter(open_company(folder))
    assert found.loc["push_rate", ["numerator", "denominator"]].tolist() == [1, 3]
    assert found.loc["pipeline_conversion", ["numerator", "denominator"]].tolist() == [400, 700]
    assert found.loc["open_pipeline", "value"] == 150 + 50
    assert found.loc["win_rate", ["numerator", "denominator"]].tolist() == [1, 2]


def test_the_last_quarter_from_today_s_exports_equals_the_one_told_then(folder, tmp_path):
    start_company(tmp_path / "then", [write_export(tmp_path, "march.csv", FIRST)], exported_on="2026-03-31")
    question = {"grain": "quarter", "as_of": "2026-03-31", "by": [(), ("owner",), ("stage",)]}
    now, then = (build_cells(open_company(where), **question) for where in (folder, tmp_path / "then"))
    kpis = set(then["kpi"]) & set(now["kpi"])
    assert {"open_pipeline", "open_deals", "revenue_won", "opportunities", "opportunity_to_won"} <= kpis
    columns = ["kpi", "basis", "period_start", "dimension", "slice", "value", "n"]
    assert now.loc[now["kpi"].isin(kpis), columns].to_dict("records") == then.loc[
        then["kpi"].isin(kpis), columns
    ].to_dict("records")


def test_exports_are_never_written_over(folder):
    inbox = folder.parent
    before = (folder / "crm" / "2026-06-30" / "june.csv").read_bytes()
    assert add_exports(folder, [inbox / "june.csv"], exported_on="2026-06-30").exported_on is None
    with pytest.raises(DataError, match="never written over"):
        add_exports(folder, [write_export(inbox, "other.csv", FIRST)], exported_on="2026-06-30")
    assert (folder / "crm" / "2026-06-30" / "june.csv").read_bytes() == before
