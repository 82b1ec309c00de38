"""Retention and churn against a slow count, account by account."""

import numpy as np
import pandas as pd
import pytest

from helpers.engine import build_cells
from tests.companies import make_company
from tests.engine.reading import pick

QUARTERS = pd.period_range("2025Q2", "2026Q2", freq="Q")


def simulate(seed: int, month_to_month: bool) -> dict[str, pd.DataFrame]:
    """Return customers with chains of contracts: renewed, grown, shrunk, late by a gap, or ended."""
    rng = np.random.default_rng(seed)
    rows = []
    for account in range(30):
        start = pd.Timestamp("2025-01-01") + pd.Timedelta(days=int(rng.integers(0, 200)))
        mrr, seats = float(rng.integers(50, 500)), int(rng.integers(1, 30))
        product = rng.choice(["Flow", "Shield"])
        for _ in range(rng.integers(1, 5)):
            renewal = start + pd.Timedelta(days=int(rng.choice([90, 180])))
            row = {"customer_id": f"k{account}", "start_at": start, "renewal_at": renewal, "mrr": mrr, "seats": seats}
            rows.append({**row, "product": product, "end_at": renewal})
            start = renewal + pd.Timedelta(days=int(rng.choice([0, 1, 40])))
            mrr, seats = round(mrr * rng.uniform(0.5, 1.6), 2), max(1, seats + int(rng.integers(-5, 6)))
        if rng.random() < 0.5:
            rows[-1]["end_at"] = pd.NaT
    subscription = pd.DataFrame(rows)
    subscription["id"] = [f"s{i}" for i in range(len(rows))]
    if month_to_month:
        subscription = subscription.drop(columns="renewal_at")
    return {"customer": pd.DataFrame({"id": [f"k{i}" for i in range(30)]}), "subscription": subscription}


def runs_on(table: pd.DataFrame, day: pd.Timestamp) -> pd.Series:
    return (table["start_at"] <= day) & ~(table["end_at"] < day)


def count_slowly(table: pd.DataFrame, quarter: pd.Period) -> dict[str, float]:
    first, last = quarter.start_time, quarter.end_time.normalize()
    up = runs_on(table, first)
    if "renewal_at" in table:
        up &= table["renewal_at"].between(first, last)
    after = runs_on(table, last + pd.Timedelta(days=1))
    sums = dict.fromkeys(["base", "kept", "end", "seats", "seats_lost", "logos", "logos_lost"], 0.0)
    for account in table[up]["customer_id"].unique():
        mine = table["customer_id"] == account
        grown = mine & after & (up | (table["start_at"] > first))
        base, end = table[mine & up]["mrr"].sum(), table[grown]["mrr"].sum()
        seats, left = table[mine & up]["seats"].sum(), table[grown]["seats"].sum()
        sums["base"] += base
        sums["end"] += end
        sums["kept"] += min(base, end)
        sums["seats"] += seats
        sums["seats_lost"] += max(seats - left, 0)
        sums["logos"] += 1
        sums["logos_lost"] += not (mine & after).any()
    return sums


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("month_to_month", [True, False])
def test_retention_and_churn_are_what_a_slow_count_finds(seed, month_to_month):
    tables = simulate(seed, month_to_month)
    company = make_company(tables, latest_event="2026-06-30")
    cells = build_cells(company, start="2025-04-01")
    for quarter in QUARTERS:
        slow = count_slowly(tables["subscription"], quarter)
        if not slow["logos"]:
            continue
        expected = {
            "grr": (slow["kept"], slow["base"]),
            "nrr": (slow["end"], slow["base"]),
            "revenue_churn": (slow["base"] - slow["kept"], slow["base"]),
            "seat_churn": (slow["seats_lost"], slow["seats"]),
            "logo_churn": (slow["logos_lost"], slow["logos"]),
        }
        for kpi, halves in expected.items():
            cell = pick(cells, kpi, start=str(quarter.start_time.date()))
            assert (cell["numerator"], cell["denominator"]) == pytest.approx(halves, abs=1e-6), (kpi, quarter)
            assert cell["n"] == slow["logos"]


def test_the_whole_history_adds_its_quarters_up():
    tables = simulate(1, month_to_month=False)
    company = make_company(tables, latest_event="2026-06-30")
    quarters = build_cells(company, kpis=["grr", "logo_churn"], by=[(), ("product",)])
    whole = build_cells(company, kpis=["grr", "logo_churn"], by=[(), ("product",)], grain="all")
    halves = ["numerator", "denominator", "n"]
    expected = quarters.groupby(["kpi", "slice"])[halves].sum().astype(float)
    found = whole.set_index(["kpi", "slice"])[halves].astype(float).sort_index()
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)


def test_customers_alone_tell_logo_churn():
    """Two live before Q2, one left in it: 1 of 2. The one that went live in Q2 couldn't leave from the start."""
    customer = {"id": ["a", "b", "c"], "live_at": ["2026-01-01", "2026-01-01", "2026-05-01"]}
    customer["ended_at"] = ["2026-05-15", None, None]
    company = make_company({"customer": customer}, latest_event="2026-06-30")
    cell = pick(build_cells(company, kpis=["logo_churn"]), "logo_churn", start="2026-04-01")
    assert (cell["numerator"], cell["denominator"]) == (1, 2)
