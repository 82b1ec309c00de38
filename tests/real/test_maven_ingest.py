"""The CRM opportunities of a hardware seller, as the product reads them, against plain pandas."""

import pandas as pd
import pytest

from helpers.company import open_company
from helpers.ingest.intake import start_company
from tests.real_data import require_real_data

FILES = ("sales_pipeline.csv", "accounts.csv", "products.csv", "sales_teams.csv")


@pytest.fixture(scope="module")
def source():
    return require_real_data("maven_crm")


@pytest.fixture(scope="module")
def company(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("maven") / "maven"
    start_company(folder, [source / name for name in FILES])
    return open_company(folder)


@pytest.fixture(scope="module")
def plain(source):
    return pd.read_csv(source / "sales_pipeline.csv", parse_dates=["engage_date", "close_date"])


def test_counts_and_revenue_by_stage_agree_with_plain_pandas(company, plain):
    deal = company.tables["deal"]
    expected = plain.groupby("deal_stage")["close_value"].agg(["size", "sum"])
    found = deal.groupby("stage")["amount"].agg(["size", "sum"])
    pd.testing.assert_frame_equal(found, expected, check_names=False, check_index_type=False)
    assert deal["outcome"].value_counts().to_dict() == {"won": 4238, "lost": 2473, "open": 2089}


def test_every_date_agrees_row_by_row(company, plain):
    deal = company.tables["deal"].set_index("id").loc[plain["opportunity_id"]]
    assert (deal["created_at"].isna().to_numpy() == plain["engage_date"].isna().to_numpy()).all()
    filled = plain["engage_date"].notna().to_numpy()
    assert (deal["created_at"].to_numpy()[filled] == plain["engage_date"].to_numpy("datetime64[us]")[filled]).all()
    closed = plain["close_date"].notna().to_numpy()
    assert (deal["closed_at"].to_numpy()[closed] == plain["close_date"].to_numpy("datetime64[us]")[closed]).all()


def test_the_copy_with_day_first_dates_gives_the_same_tables(company, source, tmp_path):
    variant = source / "variants" / "thomaskieny_sales_pipeline_ddmmyy_quarters.csv"
    start_company(tmp_path / "variant", [variant, *(source / name for name in FILES[1:])])
    other = open_company(tmp_path / "variant")
    columns = ["id", "created_at", "closed_at", "stage", "outcome", "amount", "owner", "product", "company_id"]
    pd.testing.assert_frame_equal(other.tables["deal"][columns], company.tables["deal"][columns])
    assert other.partitions["close_quarter"].known == "outcome", "only closed deals have one"
    assert other.partitions["engage_quarter"].known == "entry"


def test_regions_and_managers_come_from_the_teams_file(company, plain, source):
    teams = pd.read_csv(source / "sales_teams.csv").set_index("sales_agent")
    expected = plain["sales_agent"].map(teams["regional_office"])
    deal = company.tables["deal"].set_index("id").loc[plain["opportunity_id"]]
    assert (deal["regional_office"].to_numpy() == expected.to_numpy()).all()
    assert company.partitions["regional_office"].n_values == 3
    assert company.partitions["manager"].is_person


def test_a_product_spelled_two_ways_is_one_issue_and_keeps_its_spelling(company):
    spelled = company.issues[company.issues["code"].eq("key_spelled_differently")]
    assert spelled["value"].tolist() == ["GTXPro"]
    assert "1,480 rows" in spelled["message"].iloc[0]
    deal = company.tables["deal"]
    assert int(deal["product"].eq("GTXPro").sum()) == 1480
    assert set(deal.loc[deal["product"].eq("GTXPro"), "series"]) == {"GTX"}


def test_an_account_s_sector_is_inherited_and_says_so(company, plain, source):
    accounts = pd.read_csv(source / "accounts.csv").set_index("account")
    expected = plain["account"].map(accounts["sector"]).value_counts().to_dict()
    assert company.tables["deal"]["industry"].value_counts().to_dict() == expected
    industry = company.partitions["industry"]
    assert industry.inherited_from["deal"] == "company"
    assert industry.aliases == ("sector",)


def test_options_give_the_same_as_recognition(company, source, tmp_path):
    start_company(
        tmp_path / "said",
        [source / name for name in FILES],
        maps=["deal.created_at=sales_pipeline.csv.engage_date"],
        stages=["Won=won", "Lost=lost"],
        lookups=["sales_teams.csv.sales_agent=deal.sales_agent"],
    )
    other = open_company(tmp_path / "said")
    left, right = other.tables["deal"], company.tables["deal"]
    pd.testing.assert_frame_equal(left[sorted(left)], right[sorted(right)])


def test_the_latest_event_is_the_last_close(company, plain):
    assert company.latest_event == plain["close_date"].max().date()
    assert company.snapshots == (plain["close_date"].max().date(),)
