"""The bridge on real companies: it adds up in every cut, and a change of the rate is never told as composition."""

from datetime import date

import pandas as pd
import pytest

from helpers.analyses.cause_words import describe_bridge, describe_causes
from helpers.analyses.gap import Gap, explain_gap
from helpers.company import Company, open_company
from helpers.ingest.intake import start_company
from helpers.periods import period_of
from tests.real_data import require_real_data

JANUARY = date(2018, 1, 31)


@pytest.fixture(scope="module")
def sellers(tmp_path_factory) -> Company:
    folder = require_real_data("olist_marketing_funnel")
    leads, deals = (folder / f"olist_{one}_dataset.csv" for one in ("marketing_qualified_leads", "closed_deals"))
    maps = ["contact.mql_at=first_contact_date", f"contact.won_at={deals.name}.won_date", "contact.source=origin"]
    target = tmp_path_factory.mktemp("companies") / "sellers"
    start_company(target, [leads, deals], currency="BRL", maps=maps)
    return open_company(target)


def explain(company: Company, last_day: date, grain: str, as_of: date) -> Gap:
    period = period_of(last_day, grain)
    history = [period.previous(back) for back in range(8, 0, -1)]
    return explain_gap(company, period=period, compared=history[-1], history=[*history, period], as_of=as_of)


@pytest.fixture(scope="module", params=[JANUARY, date(2018, 4, 30)], ids=["as it ended", "three months later"])
def january(sellers, request) -> Gap:
    return explain(sellers, JANUARY, "month", request.param)


def test_the_rise_of_january_is_a_rate_in_every_origin_and_no_composition(january) -> None:
    whole = january.bridge[january.bridge["dimension"] == "all"].set_index("effect")["contribution"]
    assert whole["rate"] > 0.4 * january.gap > 0
    assert abs(whole["mix"]) < 0.03 * january.gap
    by_origin = january.bridge[january.bridge["dimension"] == "source"]
    assert by_origin["contribution"].sum() == pytest.approx(january.gap)
    rates = by_origin[by_origin["effect"] == "rate"].set_index("slice")["contribution"]
    counts = january.closing.frame.set_index("source")
    large = counts.index[counts["mqls_actual"] >= 50]
    with_wins = counts.index[counts["deals_won_actual"] > 0]
    assert len(large) >= 5 and (rates[large] >= 0).all() and (rates[large.intersection(with_wins)] > 0).all()
    assert "mix" not in set(january.causes["effect"])


def test_it_is_told_as_a_conversion_that_rose_everywhere(january) -> None:
    rate = january.moved[january.moved["effect"] == "rate"].iloc[0]
    assert rate["is_everywhere"] and rate["low"] > 2
    said = describe_bridge(january, "BRL").casefold()
    assert "conversion" in said and "composition" not in said
    assert describe_causes(january, "BRL").startswith("Everywhere, MQLs → won deals rose to")


def test_the_last_quarter_of_the_hardware_seller_adds_up_by_region_product_and_agent(tmp_path) -> None:
    folder = require_real_data("maven_crm")
    files = ("sales_pipeline.csv", "accounts.csv", "products.csv", "sales_teams.csv")
    target = tmp_path / "hardware"
    start_company(target, [folder / name for name in files], lookups=["sales_teams.csv.sales_agent=deal.owner"])
    gap = explain(open_company(target), date(2017, 12, 31), "quarter", date(2017, 12, 31))
    deals = pd.read_csv(folder / "sales_pipeline.csv", parse_dates=["close_date"])
    won = deals[deals["deal_stage"] == "Won"]
    by_quarter = won.groupby(won["close_date"].dt.quarter)["close_value"].sum()
    assert gap.gap == pytest.approx(by_quarter[4] - by_quarter[3], abs=0.005)
    cuts = gap.bridge.groupby("dimension")["contribution"].sum()
    assert {"all", "regional_office", "product", "owner", "manager"} <= set(cuts.index)
    assert (cuts - gap.gap).abs().max() < 0.005
    agents = won.assign(quarter=won["close_date"].dt.quarter).pivot_table(
        index="sales_agent", columns="quarter", values="close_value", aggfunc="sum", fill_value=0
    )
    own = gap.bridge[gap.bridge["dimension"] == "owner"].groupby("slice")["contribution"].sum()
    assert (own - (agents[4] - agents[3]).reindex(own.index).fillna(0)).abs().max() < 0.005
