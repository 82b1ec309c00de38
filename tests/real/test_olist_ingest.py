"""A real funnel of signing up sellers: contacts that become customers, in four copies that must give the same."""

import pandas as pd
import pytest

from helpers.company import open_company
from helpers.ingest.intake import start_company
from tests.real_data import require_real_data

MQLS, CLOSED = "olist_marketing_qualified_leads_dataset.csv", "olist_closed_deals_dataset.csv"
COPIES = {
    "spaces": ("variants/cleberaksenen_mql_spaces_iso_dates.csv", "variants/cleberaksenen_closed_deals_spaces.csv"),
    "semicolons": (
        "variants/hiflylabs_mql_bom_semicolon_dotdates.csv",
        "variants/hiflylabs_closed_deals_bom_semicolon_dotdates.csv",
    ),
    "day first": ("variants/vinuthna_mql_ddmmyyyy_dates.csv", CLOSED),
}


@pytest.fixture(scope="module")
def source():
    return require_real_data("olist_marketing_funnel")


@pytest.fixture(scope="module")
def company(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("olist") / "olist"
    start_company(folder, [source / MQLS, source / CLOSED])
    return open_company(folder)


@pytest.fixture(scope="module")
def plain(source):
    mqls = pd.read_csv(source / MQLS, parse_dates=["first_contact_date"])
    return mqls.merge(pd.read_csv(source / CLOSED, parse_dates=["won_date"]), on="mql_id", how="left")


def test_mqls_and_wins_agree_with_plain_pandas(company, plain):
    contact = company.tables["contact"]
    assert set(company.tables) == {"contact"}
    assert len(contact) == 8000
    assert int(contact["won_at"].notna().sum()) == 842
    by_month = contact["won_at"].dt.strftime("%Y-%m").value_counts().sort_index()
    expected = plain["won_date"].dt.strftime("%Y-%m").value_counts().sort_index()
    assert by_month.to_dict() == expected.to_dict()
    pairs = contact.groupby("source", dropna=False)["won_at"].agg(["size", "count"])
    wanted = plain.groupby("origin", dropna=False)["won_date"].agg(["size", "count"])
    assert pairs["size"].tolist() == wanted["size"].tolist()
    assert pairs["count"].tolist() == wanted["count"].tolist()


def test_a_stage_that_the_files_lack_is_not_made_up(company):
    assert "created_at" not in company.tables["contact"], "an MQL's first contact is no lead's creation"


def test_the_seller_s_segment_is_known_only_with_the_outcome(company):
    for name in ("business_segment", "lead_type", "sr_id", "business_type", "has_company"):
        assert company.partitions[name].known == "outcome", name
    assert company.partitions["source"].known == "entry"
    assert company.partitions["landing_page_id"].known == "entry"
    assert company.partitions["landing_page_id"].n_values == 495
    assert "seller_id" not in company.partitions


def test_the_export_s_own_name_of_a_partition_is_an_alias(company):
    assert company.partitions["source"].aliases == ("origin",)


def test_the_win_before_its_first_contact_is_one_issue(company, plain):
    expected = int((plain["won_date"].dt.normalize() < plain["first_contact_date"]).sum())
    found = company.issues["code"].eq("step_before_its_predecessor").sum()
    assert (expected, found) == (1, 1)


@pytest.mark.parametrize("copy", COPIES)
@pytest.mark.parametrize("says_so", [False, True])
def test_each_copy_gives_the_same_funnel(company, source, tmp_path, copy, says_so):
    mqls, closed = (source / name for name in COPIES[copy])
    maps = ["contact.mql_at=first_contact_date", f"contact.won_at={closed.name}.won_date"] if says_so else []
    start_company(tmp_path / "copy", [mqls, closed], maps=maps)
    other = open_company(tmp_path / "copy").tables["contact"].sort_values("id", ignore_index=True)
    mine = company.tables["contact"].sort_values("id", ignore_index=True)
    assert other["id"].tolist() == mine["id"].tolist()
    assert (other["mql_at"] == mine["mql_at"]).all()
    assert other["won_at"].dt.date.fillna("").tolist() == mine["won_at"].dt.date.fillna("").tolist()
    assert other["landing_page_id"].tolist() == mine["landing_page_id"].tolist()
    spelled = other["source"].str.casefold().str.replace(" ", "_")
    both = spelled.notna() & mine["source"].notna()
    assert int(both.sum()) == 7940
    assert (spelled[both] == mine["source"][both]).all()
