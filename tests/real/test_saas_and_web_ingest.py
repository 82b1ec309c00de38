"""Subscriptions of a software company and a web analytics export, against plain pandas."""

import pandas as pd

from helpers.company import open_company
from helpers.ingest.intake import start_company
from tests.real_data import require_real_data


def test_accounts_are_companies_and_customers_and_subscriptions_keep_their_sums(tmp_path):
    source = require_real_data("ravenstack_saas")
    start_company(tmp_path / "saas", sorted(source.glob("*.csv")))
    company = open_company(tmp_path / "saas")
    accounts = pd.read_csv(source / "ravenstack_accounts.csv", parse_dates=["signup_date"])
    plain = pd.read_csv(source / "ravenstack_subscriptions.csv", parse_dates=["start_date", "end_date"])
    customers, subscriptions = company.tables["customer"], company.tables["subscription"]
    assert len(company.tables["company"]) == len(customers) == 500
    assert (customers["live_at"].to_numpy() == accounts["signup_date"].to_numpy("datetime64[us]")).all()
    assert subscriptions["mrr"].sum() == plain["mrr_amount"].sum()
    assert subscriptions["seats"].sum() == plain["seats"].sum()
    assert int(subscriptions["end_at"].notna().sum()) == int(plain["end_date"].notna().sum())
    assert set(subscriptions["customer_id"]) == set(accounts["account_id"])
    assert company.partitions["churn_flag"].known == "outcome"
    assert company.partitions["industry"].inherited_from["subscription"] in {"customer", "company"}


def test_a_plan_is_the_subscription_s_product_and_keeps_its_own_name(tmp_path):
    source = require_real_data("ravenstack_saas")
    names = ("ravenstack_accounts.csv", "ravenstack_subscriptions.csv")
    start_company(tmp_path / "saas", [source / name for name in names])
    company = open_company(tmp_path / "saas")
    plan = company.partitions["plan_tier"]
    assert plan.objects["subscription"] == "product", "the subscription's own plan, not its account's"
    plain = pd.read_csv(source / "ravenstack_subscriptions.csv")
    column = company.tables["subscription"][plan.objects["subscription"]]
    assert column.value_counts().to_dict() == plain["plan_tier"].value_counts().to_dict()


def test_churn_events_that_nobody_placed_are_kept_and_told(tmp_path):
    source = require_real_data("ravenstack_saas")
    told = start_company(tmp_path / "saas", sorted(source.glob("*.csv"))).describe()
    assert "ravenstack_churn_events.csv (600 rows): not used" in told
    assert (tmp_path / "saas" / "crm").glob("*/ravenstack_churn_events.csv")


def test_churn_dates_can_be_mapped_from_the_events(tmp_path):
    source = require_real_data("ravenstack_saas")
    maps = ["customer.ended_at=ravenstack_churn_events.csv.churn_date"]
    start_company(tmp_path / "saas", sorted(source.glob("*.csv")), maps=maps)
    customers = open_company(tmp_path / "saas").tables["customer"].set_index("id")
    events = pd.read_csv(source / "ravenstack_churn_events.csv", parse_dates=["churn_date"])
    first = events.groupby("account_id")["churn_date"].min()
    assert customers["ended_at"].dropna().sort_index().tolist() == first.sort_index().tolist()


def test_sessions_are_summed_by_channel_and_hours_become_days(tmp_path):
    source = require_real_data("ga4_traffic_acquisition")
    start_company(tmp_path / "web", [source / "data-export.csv"])
    company = open_company(tmp_path / "web")
    plain = pd.read_csv(source / "data-export.csv", comment="#")
    session = company.tables["session"]
    channel = plain.columns[0]
    assert session["sessions"].sum() == plain["Sessions"].sum()
    by_channel = session.groupby("channel")["sessions"].sum().to_dict()
    assert by_channel == plain.groupby(channel)["Sessions"].sum().to_dict()
    days = session.groupby(session["date"].dt.strftime("%Y%m%d"))["sessions"].sum().to_dict()
    assert days == plain.groupby(plain.iloc[:, 1].astype(str).str[:8])["Sessions"].sum().to_dict()
