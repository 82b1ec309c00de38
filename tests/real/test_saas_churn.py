"""Churn of a software company's subscriptions against plain pandas, and what deals without contracts tell."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.churn_variants import review_churn
from helpers.analyses.commission import split_commission
from helpers.company import open_company
from helpers.engine import build_cells
from helpers.ingest.intake import start_company
from tests.engine.reading import pick
from tests.real_data import require_real_data

QUARTER = (pd.Timestamp("2024-10-01"), pd.Timestamp("2024-12-31"))


@pytest.fixture(scope="module")
def saas(tmp_path_factory):
    source = require_real_data("ravenstack_saas")
    folder = tmp_path_factory.mktemp("companies") / "saas"
    start_company(folder, sorted(source.glob("*.csv")))
    plain = pd.read_csv(source / "ravenstack_subscriptions.csv", parse_dates=["start_date", "end_date"])
    return open_company(folder), plain


def amounts(plain, mask, by):
    return plain[mask].groupby(by)["mrr_amount"].sum()


def test_retention_of_starting_revenue_is_what_plain_pandas_finds(saas):
    """A contract that ends on the day on which another of its account starts was replaced on that day."""
    company, plain = saas
    cells = build_cells(company, kpis=["grr_starting", "nrr_starting"], start="2024-10-01", end="2024-12-31")
    starts = set(zip(plain["account_id"], plain["start_date"], strict=True))
    replaced = np.array([pair in starts for pair in zip(plain["account_id"], plain["end_date"], strict=True)])
    is_replaced = replaced & (plain["end_date"] > plain["start_date"])
    end = plain["end_date"].mask(is_replaced, plain["end_date"] - pd.Timedelta(days=1))
    first, after = QUARTER[0], QUARTER[1] + pd.Timedelta(days=1)
    # The exports end with the year, so that what starts on the next day is in none of them.
    there, then = (amounts(plain, (plain["start_date"] <= day) & ~(end < day), "account_id") for day in (first, after))
    there = there[there > 0]
    then = then.reindex(there.index).fillna(0)
    cell = pick(cells, "grr_starting")
    assert (cell["numerator"], cell["denominator"], cell["n"]) == (
        np.minimum(there, then).sum(), there.sum(), len(there),
    )  # fmt: skip
    assert pick(cells, "nrr_starting")["numerator"] == then.sum()


def test_gross_churn_sets_off_only_inside_a_plan_of_an_account(saas):
    company, plain = saas
    cell = pick(build_cells(company, kpis=["gross_churn"], start="2024-10-01", end="2024-12-31"), "gross_churn")
    first, after = QUARTER[0], QUARTER[1] + pd.Timedelta(days=1)
    up = (plain["start_date"] <= first) & ~(plain["end_date"] < first)
    kept = (plain["start_date"] <= after) & ~(plain["end_date"] < after) & (up | (plain["start_date"] >= first))
    base = amounts(plain, up, ["account_id", "plan_tier"])
    end = amounts(plain, kept, ["account_id", "plan_tier"]).reindex(base.index).fillna(0)
    assert cell["numerator"] == pytest.approx((base - np.minimum(base, end)).sum())
    assert cell["denominator"] == base.sum()


def test_losses_are_not_put_at_renewals_where_no_contract_has_a_renewal_date(saas):
    company, _ = saas
    review = review_churn(company, as_of=date(2024, 12, 31))
    assert review.losses["label"].tolist() == ["left", "shrank"]
    assert any("without renewal dates nobody can tell at which point" in one.headline for one in review.findings)
    assert any("have no renewal date" in note for note in review.notes)


def test_deals_without_contracts_tell_no_churn_and_pay_commission_to_the_cent(tmp_path):
    source = require_real_data("maven_crm")
    start_company(tmp_path / "maven", sorted(source.glob("*.csv")))
    company = open_company(tmp_path / "maven")
    review = review_churn(company, as_of=date(2017, 12, 31))
    assert not review.is_available and "no contracts" in review.reason and review.approximation.empty
    split = split_commission(company.tables["deal"], ratio="80/20", rate=0.1, before="50/50")
    plain = pd.read_csv(source / "sales_pipeline.csv")
    won = plain[plain["deal_stage"] == "Won"].groupby("sales_agent")["close_value"].sum()
    assert split.frame.set_index("name")["pay_after"].sort_index().tolist() == pytest.approx(
        (won.sort_index() * 0.16).round(2).tolist()
    )
    assert split.total_before == pytest.approx(round(won.sum() * 0.1, 2))
