"""Lifetime, lifetime value, cost of a customer and its payback, by hand; published chains of stages to their digits."""

import pandas as pd
import pytest

from helpers.analyses.unit_economics import (
    expected_lifetime,
    lifetime_value,
    review_unit_economics,
    say_lifetime,
)
from helpers.analyses.win_curve import measure_win_curve
from helpers.engine import build_cells
from helpers.units import format_value
from tests.companies import make_company
from tests.engine.reading import pick


def test_three_percent_a_month_is_a_life_of_33_months_and_twenty_a_year_one_of_five_years():
    assert round(expected_lifetime(0.03), 1) == 33.3
    assert expected_lifetime(0.20) == 5.0
    assert say_lifetime(0.03, "month") == "33.3 months"
    assert say_lifetime(0.20, "year") == "5 years"


@pytest.mark.parametrize("churn", [0.0, -0.1, None, float("nan")], ids=str)
def test_without_churn_a_lifetime_is_not_applicable_and_never_0_or_infinite(churn):
    assert expected_lifetime(churn) is None
    assert say_lifetime(churn, "year") == "not applicable"


def test_a_rate_above_everybody_is_refused():
    with pytest.raises(ValueError, match="more than everybody"):
        expected_lifetime(3.0)


def test_a_life_counts_five_years_at_most_where_customers_grow_by_more_than_they_lose():
    """1,000 a year at 10 % churn is 10 years: 10,000; with NRR of 105 % five: 5,000; at 40 % churn 2.5 years anyway."""
    assert lifetime_value(1000, 0.10, nrr=0.95) == pytest.approx(10_000)
    assert lifetime_value(1000, 0.10, nrr=1.05) == pytest.approx(5_000)
    assert lifetime_value(1000, 0.40, nrr=1.05) == pytest.approx(2_500)
    assert lifetime_value(1000, 0.0, nrr=1.0) == pytest.approx(5_000)
    assert lifetime_value(1000, 0.10, gross_margin=0.8, nrr=1.05) == pytest.approx(4_000)
    assert lifetime_value(1000, None) is None


def yearly_contracts(costs=True):
    """Ten accounts of 100 a month since 1 January 2025; on 1 January 2026 eight renew. Four new ones come in 2025.

    ATR of the year to Q4 2025 is 1,000 (up on 31 December), kept 800: churn 20 % a year, a life of 5 years.
    """
    rows = []
    for i in range(10):
        rows.append((f"k{i}", "2025-01-01", "2025-12-31", "2025-12-31"))
        if i < 8:
            rows.append((f"k{i}", "2026-01-01", None, "2026-12-31"))
    rows += [(f"n{i}", "2025-06-01", None, "2026-05-31") for i in range(4)]
    subscription = pd.DataFrame(rows, columns=["customer_id", "start_at", "end_at", "renewal_at"])
    subscription = subscription.assign(id=[f"s{i}" for i in range(len(rows))], mrr=100.0)
    ids = list(dict.fromkeys(subscription["customer_id"]))
    tables = {"customer": {"id": ids}, "subscription": subscription}
    if costs:
        tables["cost"] = {"date": ["2024-12-01", "2025-03-01", "2025-11-01"], "amount": [1.0, 2_000.0, 800.0]}
    return make_company(tables, latest_event="2026-01-31")


def test_worth_and_cost_of_a_customer_by_hand():
    """14 accounts pay 1,400 a month at the end: 1,200 a year each × 5 years. 14 new customers for 2,800: 200 each."""
    table = review_unit_economics(yearly_contracts(), as_of=pd.Timestamp("2026-01-31").date()).table
    value = table.set_index("measure")["value"]
    assert value["churn"] == pytest.approx(0.2, abs=1e-3)
    assert value["lifetime"] == pytest.approx(5.0, abs=0.03)
    assert value["revenue_per_account"] == pytest.approx(1200)
    assert value["ltv"] == pytest.approx(6000, rel=0.01)
    assert value["cac"] == pytest.approx(200)
    assert value["payback"] == pytest.approx(2.0)
    assert value["ltv_to_cac"] == pytest.approx(30, rel=0.01)


def test_without_costs_or_contracts_it_says_what_to_add_and_gives_no_number():
    table = review_unit_economics(yearly_contracts(costs=False), as_of=pd.Timestamp("2026-01-31").date()).table
    rows = table.set_index("measure")
    assert rows.loc[["cac", "payback", "ltv_to_cac", "magic_number", "burn_multiple"], "value"].isna().all()
    assert rows.loc["cac", "reason"].startswith("The exports hold no costs")
    deals = {"id": ["d"], "created_at": ["2025-01-01"], "closed_at": ["2025-02-01"], "stage": ["Won"], "amount": [10.0]}
    bare = review_unit_economics(make_company({"deal": deals}), as_of=pd.Timestamp("2025-12-31").date())
    assert not bare.is_available and bare.findings == []
    assert (bare.table["reason"] != "").all()


def stages_skipped():
    """586 opportunities; 100 have a demo, of which 7 are won; 82 are won without one. Chain 7, in truth 89 of 586."""
    deals, changes = [], []
    for i in range(586):
        demo, won = i < 100, i < 7 or 100 <= i < 182
        closed = "2025-06-01" if won else "2025-07-01"
        deals.append((f"d{i}", "2025-01-01", closed, "Won" if won else "Lost"))
        if demo:
            changes.append((f"d{i}", "2025-02-01", "stage", "Demo"))
    deal = pd.DataFrame(deals, columns=["id", "created_at", "closed_at", "stage"])
    history = pd.DataFrame(changes, columns=["deal_id", "changed_at", "field", "new"]).assign(old=None)
    labels = [{"label": "Demo", "stage": "demo"}, {"label": "Won", "stage": "won"}, {"label": "Lost", "stage": "lost"}]
    return make_company(
        {"deal": deal, "deal_history": history},
        latest_event="2025-12-31",
        funnel={"stages": ["opportunity", "demo", "won"]},
        settings={"deal_stages": labels},
    )


def test_a_chain_of_stage_rates_foresees_7_wins_of_586_where_89_were_won():
    """89/586 = 15.2 %; opportunity → demo → won: 100/586 × 7/100 = 7/586 = 1.2 %, since most wins skip the demo."""
    company = stages_skipped()
    kpis = ["opportunity_to_demo", "demo_to_won", "opportunity_to_won"]
    cells = build_cells(company, kpis=kpis, grain="all")
    rates = {kpi: pick(cells, kpi, basis="cohort")["value"] for kpi in kpis}
    assert format_value(rates["opportunity_to_won"], "share", digits=1) == "15.2 %"
    chain = rates["opportunity_to_demo"] * rates["demo_to_won"]
    assert round(chain * 586) == 7
    assert format_value(chain, "share", digits=1) == "1.2 %"
    curve = measure_win_curve(company, from_stage="opportunity")
    assert (curve.n, curve.n_won) == (586, 89)
    assert format_value(float(curve.frame["share"].iloc[-1]), "share", digits=1) == "15.2 %"
