"""Starting a company, adding exports, checking: what is written, what is told, what is refused."""

import tomllib

import pandas as pd
import pytest

from helpers.company import check_company, open_company
from helpers.errors import DataError, ParameterError
from helpers.ingest.intake import add_exports, start_company
from tests.ingest.exports import start_and_open, write_export

DEALS = """
deal_id,created,close_date,deal_stage,amount,rep,region
D1,2026-01-05,2026-02-01,Closed Won,100,Ann,EMEA
D2,2026-01-09,2026-03-01,Closed Lost,50,Bob,US
D3,2026-02-02,2026-05-01,Proposal,70,Ann,US
"""
TEAMS = """
rep,team
Ann,North
Bob,South
"""


def test_new_writes_a_folder_that_says_what_it_mapped(tmp_path):
    files = [write_export(tmp_path, "deals.csv", DEALS), write_export(tmp_path, "teams.csv", TEAMS)]
    told = start_company(tmp_path / "acme", files, currency="eur", fiscal_year_start=4)
    text = told.describe()
    assert "deal.created_at" in text and "look-up, rep = deal.owner" in text
    written = tomllib.loads((tmp_path / "acme" / "company.toml").read_text(encoding="utf-8"))
    assert (written["name"], written["currency"], written["fiscal_year_start"]) == ("acme", "EUR", 4)
    assert written["objects"]["deal"]["fields"]["owner"] == "rep"
    assert [stage["stage"] for stage in written["deal_stages"]] == ["opportunity", "won", "lost"]
    assert (tmp_path / "acme/crm/2026-03-01/deals.csv").read_bytes() == files[0].read_bytes()


def test_the_date_of_export_is_the_latest_event_never_the_clock_nor_an_expected_close(tmp_path):
    company = start_and_open(tmp_path, {"deals.csv": DEALS})
    assert company.snapshots[0].isoformat() == "2026-03-01"
    assert company.latest_event.isoformat() == "2026-03-01"


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"maps": ["deal.craeted_at=created"]}, "Did you mean 'created_at'"),
        ({"maps": ["deals.created_at=created"]}, "Did you mean 'deal'"),
        ({"maps": ["deal.created_at=creatd"]}, "Did you mean 'created'"),
        ({"maps": ["created"]}, "OBJECT.FIELD=COLUMN"),
        ({"stages": ["Closed Wun=won"]}, "Did you mean 'Closed Won'"),
        ({"stages": ["Closed Won"]}, "CRM LABEL=STAGE"),
        ({"lookups": ["team.csv.rep=deal.owner"]}, "does not start with a file that is there"),
        ({"lookups": ["deals.csv.rep=deal.ownr"]}, "Did you mean 'owner'"),
        ({"currency": "Euros"}, "three letters"),
        ({"fiscal_year_start": 13}, "fiscal_year_start"),
        ({"time_zone": "Europe/Amsterdm"}, "Did you mean 'Europe/Amsterdam'"),
        ({"exported_on": "31.3.2026"}, "2026-09-30"),
    ],
)
def test_an_option_that_can_t_be_used_says_what_is_allowed_and_leaves_nothing_behind(tmp_path, option, said):
    with pytest.raises(ParameterError, match=said):
        start_and_open(tmp_path, {"deals.csv": DEALS}, **option)
    assert not (tmp_path / "company").exists()


def test_new_never_writes_over_a_company(tmp_path):
    file = write_export(tmp_path, "deals.csv", DEALS)
    start_company(tmp_path / "acme", [file])
    with pytest.raises(ParameterError, match="is a company already"):
        start_company(tmp_path / "acme", [file])


def test_files_that_hold_nothing_known_are_refused_with_their_columns(tmp_path):
    file = write_export(tmp_path, "colours.csv", "shade,hue\nred,1\nblue,2")
    with pytest.raises(DataError, match="shade, hue"):
        start_company(tmp_path / "acme", [file])
    assert not (tmp_path / "acme").exists()


def test_a_stage_label_may_hold_an_equals_sign_and_booleans_are_labels_too(tmp_path):
    text = """
    deal_id,created,closed,signed
    D1,2026-01-05,2026-02-01,True
    D2,2026-01-09,2026-03-01,False
    """
    company = start_and_open(
        tmp_path, {"deals.csv": text}, maps=["deal.stage=signed"], stages=["True=won", "false=lost"]
    )
    assert company.tables["deal"]["outcome"].tolist() == ["won", "lost"]


def test_new_stages_are_placed_where_their_labels_stand(tmp_path):
    company = start_and_open(tmp_path, {"deals.csv": DEALS}, stages=["Proposal=proposal"])
    assert list(company.catalog.stages).index("proposal") < list(company.catalog.stages).index("won")
    assert company.tables["deal"]["stage_id"].tolist() == ["won", "lost", "proposal"]


LATER = """
deal_id,created,close_date,deal_stage,amount,rep,region,tier
D1,2026-01-05,2026-02-01,Closed Won,100,Ann,EMEA,A
D2,2026-01-09,2026-03-01,Closed Lost,50,Bob,US,B
D3,2026-02-02,2026-06-30,Negotiation,75,Ann,US,B
D4,2026-03-04,2026-07-31,Proposal,20,Bob,EMEA,A
"""


def test_the_newest_version_of_each_record_counts_and_differences_become_history(tmp_path):
    """
    D3 in two exports:   2026-03-01  Proposal     2026-05-01  70
                         2026-03-08  Negotiation  2026-06-30  75
    """
    start_and_open(tmp_path, {"deals.csv": DEALS})
    told = add_exports(
        tmp_path / "company", [write_export(tmp_path / "next", "deals.csv", LATER)], exported_on="2026-03-08"
    )
    assert told.exported_on.isoformat() == "2026-03-08"
    company = open_company(tmp_path / "company")
    deal = company.tables["deal"].set_index("id")
    assert deal.loc["D3", "stage"] == "Negotiation"
    assert len(deal) == 4
    history = company.tables["deal_history"]
    changes = history[history["deal_id"].eq("D3")].set_index("field")
    assert changes["old"].to_dict() == {"amount": "70", "closed_at": "2026-05-01", "stage": "Proposal"}
    assert changes["new"].to_dict() == {"amount": "75", "closed_at": "2026-06-30", "stage": "Negotiation"}
    assert set(changes["changed_at"].dt.strftime("%Y-%m-%d")) == {"2026-03-08"}
    assert "tier" in company.partitions, "a new column is mapped"
    assert [day.isoformat() for day in company.snapshots] == ["2026-03-01", "2026-03-08"]


def test_a_record_missing_from_a_full_export_counts_as_deleted(tmp_path):
    start_and_open(tmp_path, {"deals.csv": DEALS})
    fewer = "\n".join(line for line in LATER.splitlines() if not line.startswith("D2"))
    add_exports(tmp_path / "company", [write_export(tmp_path / "next", "deals.csv", fewer)], exported_on="2026-03-08")
    company = open_company(tmp_path / "company")
    assert "D2" not in set(company.tables["deal"]["id"])
    gone = company.issues[company.issues["code"].eq("record_gone")]
    assert gone["value"].tolist() == ["D2"]
    assert gone["file"].tolist() == ["2026-03-01/deals.csv"]


def test_an_incremental_export_keeps_what_it_does_not_repeat(tmp_path):
    start_and_open(tmp_path, {"deals.csv": DEALS})
    only = "\n".join(LATER.strip().splitlines()[i] for i in (0, 4))
    add_exports(tmp_path / "company", [write_export(tmp_path / "next", "deals.csv", only)], exported_on="2026-03-08")
    assert sorted(open_company(tmp_path / "company").tables["deal"]["id"]) == ["D1", "D2", "D3", "D4"]


def test_the_same_files_again_change_nothing_and_others_of_that_day_are_refused(tmp_path):
    start_and_open(tmp_path, {"deals.csv": DEALS})
    same = write_export(tmp_path / "next", "deals.csv", DEALS)
    assert "nothing was added" in add_exports(tmp_path / "company", [same]).describe()
    other = write_export(tmp_path / "other", "deals.csv", DEALS.replace(",100,", ",101,"))
    with pytest.raises(DataError, match="--exported-on"):
        add_exports(tmp_path / "company", [other])


def test_an_export_under_a_new_name_continues_the_earlier_one(tmp_path):
    start_and_open(tmp_path, {"deals-2026-03-01.csv": DEALS})
    before = (tmp_path / "company" / "company.toml").read_text(encoding="utf-8")
    later = write_export(tmp_path / "next", "deals-2026-03-08.csv", LATER)
    add_exports(tmp_path / "company", [later], exported_on="2026-03-08")
    company = open_company(tmp_path / "company")
    assert company.tables["deal"].set_index("id").loc["D3", "stage"] == "Negotiation"
    after = (tmp_path / "company" / "company.toml").read_text(encoding="utf-8")
    assert after.startswith(before.rstrip()), "what was written stays as it was"
    assert company.settings.files["deals-2026-03-08.csv"].same_as == "deals-2026-03-01.csv"


def test_add_takes_in_an_object_that_the_company_lacked(tmp_path):
    start_and_open(tmp_path, {"deals.csv": DEALS})
    teams = write_export(tmp_path / "next", "sessions.csv", "date,sessions\n2026-03-01,10\n2026-03-02,12")
    add_exports(tmp_path / "company", [teams], exported_on="2026-03-08")
    company = open_company(tmp_path / "company")
    assert company.tables["session"]["sessions"].sum() == 22
    assert len(company.tables["deal"]) == 3


def test_check_names_file_row_column_value_and_cure(tmp_path):
    late = DEALS.replace("D2,2026-01-09,2026-03-01", "D2,2026-03-09,2026-03-01")
    start_and_open(tmp_path, {"deals.csv": late})
    usable, issues, text = check_company(tmp_path / "company")
    row = issues[issues["code"].eq("closed_before_created")].iloc[0]
    assert usable
    assert (row["file"], row["row"], row["column"], row["value"]) == ("deals.csv", 3, "close_date", "2026-03-01")
    line = next(line for line in text.splitlines() if row["message"] in line)
    assert line.split()[:5] == ["warning", "deals.csv", "3", "close_date", "2026-03-01"]
    assert line.endswith(row["cure"])


def test_check_says_what_makes_a_company_unusable(tmp_path):
    start_and_open(tmp_path, {"deals.csv": DEALS})
    next((tmp_path / "company" / "crm").rglob("deals.csv")).unlink()
    usable, issues, text = check_company(tmp_path / "company")
    assert not usable
    assert "deals.csv" in text
    assert issues["severity"].tolist() == ["error"]


def test_amounts_read_and_used_are_told(tmp_path):
    company = start_and_open(tmp_path, {"deals.csv": DEALS + "D1,2026-01-05,2026-02-01,Closed Won,100,Ann,EMEA\n"})
    sums = company.reconciliation.set_index("outcome")
    assert (sums.loc["won", "amount_read"], sums.loc["won", "amount_used"]) == (200.0, 100.0)
    assert company.inputs[["rows_read", "rows_used", "rows_quarantined"]].iloc[0].tolist() == [4, 3, 1]
    assert isinstance(company.inputs, pd.DataFrame)
