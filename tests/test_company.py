"""Opening a company: its shapes, its cache, hidden people, and what is said where it can't be opened."""

import shutil
from datetime import date

import pandas as pd
import pytest

from helpers.company import open_company
from helpers.errors import DataError, ParameterError
from tests.companies import make_company
from tests.ingest.exports import start_and_open

EXPORTS = {
    "deals.csv": """
    deal_id,created,close_date,deal_stage,amount,rep,region,contact_id
    D1,2026-01-05,2026-02-01,Won,100,Ann Low,EMEA,C1
    D2,2026-01-09,2026-03-01,Lost,50,Bob May,US,C2
    D3,2026-02-02,2026-05-01,Proposal,70,Ann Low,US,C2
    """,
    "contacts.csv": """
    contact_id,created_at,email,first_name,phone,source,account_manager
    C1,2026-01-01,ada@x.example,Ada,+49 30 1,Web,Ann Low
    C2,2026-01-02,ben@x.example,Ben,+49 30 2,Fair,Bob May
    """,
    "reps.csv": "rep,manager\nAnn Low,Cleo Nox\nBob May,Cleo Nox",
}


@pytest.fixture
def company(tmp_path):
    return start_and_open(tmp_path, EXPORTS)


def test_a_made_company_fills_in_what_follows_from_stage_and_type():
    """
    id  stage  type     closed_at    ->  outcome  stage_id     new business
    1   Won    New      2026-02-03       won      won          yes
    2   Open   Renewal  2026-09-01       open     opportunity  no
    """
    company = make_company(
        {
            "deal": {
                "id": [1, 2],
                "created_at": ["2026-01-01", "2026-01-05"],
                "closed_at": ["2026-02-03", "2026-09-01"],
                "stage": ["Won", "Open"],
                "type": ["New", "Renewal"],
                "region": ["EMEA", None],
                "amount": [10, 20],
            }
        },
        partitions={"region": "outcome"},
    )
    deal = company.tables["deal"]
    assert deal["outcome"].tolist() == ["won", "open"]
    assert deal["stage_id"].tolist() == ["won", "opportunity"]
    assert deal["is_new_business"].tolist() == [True, False]
    assert deal["id"].tolist() == ["1", "2"]
    assert company.latest_event == date(2026, 2, 3)
    assert company.partitions["region"].known == "outcome"
    assert set(company.partitions) == {"stage", "type", "region"}


def test_a_second_opening_reads_the_cache_and_gives_the_same(company):
    again = open_company(company.folder)
    assert list((company.folder / ".cache").glob("*/state.json"))
    for name, table in company.tables.items():
        pd.testing.assert_frame_equal(again.tables[name], table)
    assert again.partitions == company.partitions
    pd.testing.assert_frame_equal(again.issues, company.issues)
    pd.testing.assert_frame_equal(again.mapping, company.mapping)
    assert (again.latest_event, again.snapshots) == (company.latest_event, company.snapshots)


def test_a_damaged_cache_is_built_anew(company):
    for path in (company.folder / ".cache").glob("*/*.parquet"):
        path.write_bytes(b"no parquet")
    again = open_company(company.folder)
    pd.testing.assert_frame_equal(again.tables["deal"], company.tables["deal"])


def test_a_changed_export_or_setting_is_never_answered_from_the_cache(company):
    path = company.folder / "company.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('stage = "lost"', 'stage = "won"'), encoding="utf-8")
    assert open_company(company.folder).tables["deal"]["outcome"].tolist() == ["won", "won", "open"]


def test_hidden_people_appear_nowhere(company):
    hidden = open_company(company.folder, people="hidden")
    frames = [*hidden.tables.values(), hidden.issues, hidden.mapping]
    texts = "\n".join(frame.to_csv() for frame in frames)
    for name in ("Ann Low", "Bob May", "Cleo Nox", "ada@x.example", "+49 30 1", "Ada"):
        assert name not in texts, name
    assert hidden.tables["deal"]["owner"].str.fullmatch(r"Person [0-9a-f]{6}").all()
    assert hidden.tables["deal"]["owner"].nunique() == 2
    assert hidden.tables["deal"]["region"].tolist() == ["EMEA", "US", "US"]


def test_a_pseudonym_is_the_same_every_time_and_on_every_object(company):
    first = open_company(company.folder, people="hidden")
    second = open_company(company.folder, people="hidden")
    assert first.tables["deal"]["owner"].tolist() == second.tables["deal"]["owner"].tolist()
    by_deal = first.tables["deal"]["owner"].iloc[0]
    assert first.tables["contact"]["account_manager"].iloc[0] == by_deal


def test_a_folder_with_answers_only_opens(tmp_path):
    (tmp_path / "acme" / "answers").mkdir(parents=True)
    company = open_company(tmp_path / "acme")
    assert (company.tables, company.snapshots, company.latest_event) == ({}, (), None)
    assert company.name == "acme"


def test_exports_without_a_company_toml_are_recognised_on_the_spot(company, tmp_path):
    (company.folder / "company.toml").unlink()
    shutil.rmtree(company.folder / ".cache")
    again = open_company(company.folder)
    assert again.tables["deal"]["outcome"].tolist() == ["won", "lost", "open"]


@pytest.mark.parametrize("folder", ["missing", "empty"])
def test_a_folder_that_is_none_says_how_to_start_one(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ParameterError, match="python -m helpers new"):
        open_company(tmp_path / folder)


def test_people_is_shown_or_hidden(company):
    with pytest.raises(ParameterError, match="Did you mean 'hidden'"):
        open_company(company.folder, people="hiden")


def test_a_file_that_company_toml_names_must_be_there(company):
    next(company.folder.rglob("contacts.csv")).unlink()
    with pytest.raises(DataError, match=r"'contacts\.csv' is named but not under crm/"):
        open_company(company.folder)


def test_a_column_that_company_toml_names_must_be_there(company):
    path = company.folder / "company.toml"
    text = path.read_text(encoding="utf-8").replace('amount = "amount"', 'amount = "amont"')
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"objects.deal.fields.amount\].*no column 'amont'.*Did you mean 'amount'"):
        open_company(company.folder)


def test_a_file_that_can_t_be_read_fails_the_company(company):
    next(company.folder.rglob("contacts.csv")).write_bytes(b"")
    with pytest.raises(DataError, match=r"contacts.csv"):
        open_company(company.folder)


def test_a_stray_file_that_can_t_be_read_is_an_issue_only(company):
    (next(company.folder.rglob("deals.csv")).parent / "extra.xlsx").write_bytes(b"no workbook")
    again = open_company(company.folder)
    issue = again.issues[again.issues["code"].eq("file_not_read")]
    assert issue["file"].tolist() == ["extra.xlsx"]
