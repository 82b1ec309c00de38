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
        grown = mine & after & (up | (table["start_at"] >= first))
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


def test_a_company_of_fifty_contracts_is_renewed_by_ninety_percent_of_its_logos_and_eighty_of_its_dollars():
    """50 contracts of $80 k a year = $4.0 M are up in Q1; 5 leave (but with $100 k each), 45 renew for $0.3 M less.

    | contracts | a year each        | after                                |
    | 5         | $100 k = $0.5 M    | left                                 |
    | 45        | $77.78 k = $3.5 M  | renewed on the next day for $3.2 M   |
    """
    rows = []
    for i in range(50):
        old = 100_000 / 12 if i < 5 else 3_500_000 / 45 / 12
        account = {"customer_id": f"k{i}", "product": "Flow"}
        day = pd.Timestamp("2026-01-10") + pd.Timedelta(days=i)
        rows.append({**account, "start_at": "2025-01-15", "end_at": day, "renewal_at": day, "mrr": old})
        if i >= 5:
            after = {"start_at": day + pd.Timedelta(days=1), "end_at": None, "renewal_at": "2027-03-01"}
            rows.append({**account, **after, "mrr": 3_200_000 / 45 / 12})
    subscription = pd.DataFrame(rows).assign(id=[f"s{i}" for i in range(len(rows))])
    for name in ("start_at", "end_at", "renewal_at"):
        subscription[name] = pd.to_datetime(subscription[name])
    company = make_company({"customer": {"id": [f"k{i}" for i in range(50)]}, "subscription": subscription},
                           latest_event="2026-04-30")  # fmt: skip
    cells = build_cells(company, start="2026-01-01", end="2026-03-31")
    found = {kpi: pick(cells, kpi, start="2026-01-01") for kpi in ("logo_churn", "grr", "nrr", "gross_churn")}
    assert (found["logo_churn"]["numerator"], found["logo_churn"]["denominator"]) == (5, 50)
    assert 1 - found["logo_churn"]["value"] == pytest.approx(0.90)
    assert 12 * found["grr"]["denominator"] == pytest.approx(4_000_000, rel=1e-5)
    assert found["grr"]["value"] == pytest.approx(0.80, abs=1e-5)
    assert found["gross_churn"]["value"] == pytest.approx(0.20, abs=1e-5)
    assert all(cell["n"] == 50 for cell in found.values()), "logos and dollars have one base"


def two_products(**after):
    """One account with two contracts of 100, both up in Q1: Flow grows to 150, Shield shrinks to 40."""
    frame = {
        "id": ["f", "s", "f2", "s2"],
        "customer_id": ["A"] * 4,
        "product": ["Flow", "Shield", "Flow", "Shield"],
        "start_at": ["2025-02-01"] * 2 + [after.get("start", "2026-02-01")] * 2,
        "end_at": ["2026-01-31"] * 2 + [None] * 2,
        "renewal_at": ["2026-01-31"] * 2 + ["2027-01-31"] * 2,
        "mrr": [100, 100, 150, 40],
    }
    return make_company({"customer": {"id": ["A"]}, "subscription": frame}, latest_event="2026-06-30", **after["rules"])


def test_gross_churn_sets_nothing_off_while_account_churn_does_so_inside_the_account():
    """200 up, 190 after. Gross: Shield lost 60 of 200. Account: lost 10 of 200."""
    cells = build_cells(two_products(rules={}), start="2026-01-01", end="2026-03-31")
    assert pick(cells, "gross_churn", start="2026-01-01")["value"] == pytest.approx(60 / 200)
    assert pick(cells, "revenue_churn", start="2026-01-01")["value"] == pytest.approx(10 / 200)
    assert pick(cells, "gross_churn", start="2026-01-01")["n"] == 1


@pytest.mark.parametrize(("grace", "left"), [(0, 1), (30, 1), (90, 0)])
def test_a_late_renewal_counts_within_the_grace_of_the_rules(grace, left):
    """The terms end on 31 January, the next ones start on 10 April: 69 days late, in the next quarter."""
    rules = {"rules": {"renewal_grace_days": grace}}
    cells = build_cells(two_products(start="2026-04-10", rules=rules), start="2026-01-01", end="2026-03-31")
    cell = pick(cells, "logo_churn", start="2026-01-01")
    assert (cell["numerator"], cell["denominator"]) == (left, 1)
    assert pick(cells, "grr", start="2026-01-01")["value"] == pytest.approx(0 if left else 190 / 200)
    assert bool(cell["is_complete"])


def test_a_period_is_not_over_for_churn_until_the_grace_is():
    cells = build_cells(two_products(start="2026-02-01", rules={"rules": {"renewal_grace_days": 120}}))
    assert not pick(cells, "grr", start="2026-01-01")["is_complete"]


def test_a_term_that_ends_on_the_first_day_of_a_period_and_starts_again_on_it_was_renewed():
    """1 January to 1 January: nothing lost in Q1, neither of what was up nor of what was there at the start."""
    subscription = {
        "id": ["a", "a2"],
        "customer_id": ["A", "A"],
        "start_at": ["2025-01-01", "2026-01-01"],
        "end_at": ["2026-01-01", None],
        "renewal_at": ["2026-01-01", "2027-01-01"],
        "mrr": [100, 90],
    }
    company = make_company({"customer": {"id": ["A"]}, "subscription": subscription}, latest_event="2026-05-01")
    cells = build_cells(company, start="2026-01-01", end="2026-03-31")
    assert pick(cells, "grr")["value"] == pytest.approx(0.9)
    assert pick(cells, "logo_churn")["value"] == 0
    assert (pick(cells, "grr_starting")["numerator"], pick(cells, "grr_starting")["denominator"]) == (90, 90)


@pytest.mark.parametrize("seed", range(4))
def test_retention_of_starting_revenue_is_what_a_slow_count_finds(seed):
    tables = simulate(seed, month_to_month=False)
    company = make_company(tables, latest_event="2026-06-30")
    cells = build_cells(company, kpis=["grr_starting", "nrr_starting"], start="2025-04-01")
    table = tables["subscription"].copy()
    for i, row in table.iterrows():
        same = table[(table["customer_id"] == row["customer_id"]) & (table["start_at"] == row["end_at"])]
        if len(same):
            table.loc[i, "end_at"] = row["end_at"] - pd.Timedelta(days=1)
    for quarter in QUARTERS:
        first, after = quarter.start_time, quarter.end_time.normalize() + pd.Timedelta(days=1)
        there, then = (table[runs_on(table, day)].groupby("customer_id")["mrr"].sum() for day in (first, after))
        then = then.reindex(there.index).fillna(0)
        if there.empty:
            continue
        stayed = np.minimum(there, then).sum()
        for kpi, numerator in (("grr_starting", stayed), ("nrr_starting", then.sum())):
            cell = pick(cells, kpi, start=str(first.date()))
            halves = (cell["numerator"], cell["denominator"], cell["n"])
            assert halves == pytest.approx((numerator, there.sum(), len(there)), abs=1e-6), (kpi, quarter)
