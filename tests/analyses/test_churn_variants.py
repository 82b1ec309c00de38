"""Churn in all its variants on one set of contracts, where revenue leaks, and what is said without contracts."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.churn_variants import CHURN_COLUMNS, VARIANTS, approximate_by_deals, review_churn
from tests.companies import make_company

END = date(2026, 4, 30)
DAY = pd.Timedelta(days=1)


def make_contracts(rows, **more):
    """Return a company from customer, start, end, renewal, mrr, seats, product."""
    columns = ["customer_id", "start_at", "end_at", "renewal_at", "mrr", "seats", "product"]
    table = pd.DataFrame([list(row) + [None] * (7 - len(row)) for row in rows], columns=columns)
    table = table.assign(id=[f"s{i}" for i in range(len(table))])
    table["product"] = table["product"].fillna("Flow")
    for name in ("start_at", "end_at", "renewal_at"):
        table[name] = pd.to_datetime(table[name])
    customer = {"id": list(dict.fromkeys(table["customer_id"]))}
    return make_company({"customer": customer, "subscription": table}, latest_event="2026-04-30", **more)


def fifty_logos():
    """50 contracts of $4.0 M a year are up in Q1: 5 leave with $0.5 M, 45 renew, 30 of them for $10 k less each."""
    rows = []
    for i in range(50):
        day = pd.Timestamp("2026-01-10") + i * DAY
        old, new = (100_000, 0) if i < 5 else (3_500_000 / 45, 3_500_000 / 45 - (10_000 if i < 35 else 0))
        rows.append((f"k{i}", "2025-01-15", day, day, old / 12, 10))
        if new:
            rows.append((f"k{i}", day + DAY, None, "2027-03-01", new / 12, 9 if i < 35 else 10))
    return make_contracts(rows)


def read(frame, variant, column="value"):
    rows = frame[frame["variant"] == variant]
    return rows[rows["period"] == rows["period"].iloc[-1]][column].iloc[0]


def test_fifty_logos_of_four_millions_renew_by_ninety_and_eighty_percent_from_contracts_to_words():
    review = review_churn(fifty_logos(), as_of=END)
    assert 1 - read(review.table, "logo_churn") == pytest.approx(0.90)
    assert (read(review.table, "logo_churn", "numerator"), read(review.table, "logo_churn", "n")) == (5, 50)
    assert 12 * read(review.table, "gross_renewal", "denominator") == pytest.approx(4_000_000, rel=1e-5)
    assert read(review.table, "gross_renewal") == pytest.approx(0.80, abs=1e-5)
    assert read(review.table, "net_churn") == pytest.approx(0.20, abs=1e-5)
    assert read(review.table, "seat_churn") == pytest.approx((5 * 10 + 30) / 500)
    assert "5 of 50 accounts up for renewal in the year to Q1 2026 left (10 %); 80 % of their revenue was renewed" in (
        review.findings[0].headline
    )


def test_every_rate_on_available_to_renew_has_the_same_accounts_and_its_interval():
    table = review_churn(fifty_logos(), as_of=END).year
    same = table[table["base"] == "available to renew"]
    assert set(same["n"]) == {50} and len(same) == 6
    assert ((same["low"] < same["value"]) & (same["value"] < same["high"])).all()
    assert read(table, "logo_churn", "interval") == "Wilson"


def growing_and_shrinking():
    """Q1 begins with A 100 + 100 (two products), B 100, C 100; D 100 is up only in 2027.

    | account | up | after                     | gross | account | net |
    | A       | 200| Flow 150, Shield 40       | 60    | 10      | 10  |
    | B       | 100| 160                       | 0     | 0       | −60 |
    | C       | 100| left                      | 100   | 100     | 100 |
    | D       | 0  | left in February, mid-term|       |         |     |
    """
    rows = [
        ("A", "2025-02-01", "2026-01-31", "2026-01-31", 100, None, "Flow"),
        ("A", "2025-02-01", "2026-01-31", "2026-01-31", 100, None, "Shield"),
        ("A", "2026-02-01", None, "2027-01-31", 150, None, "Flow"),
        ("A", "2026-02-01", None, "2027-01-31", 40, None, "Shield"),
        ("B", "2025-02-01", "2026-01-31", "2026-01-31", 100),
        ("B", "2026-02-01", None, "2027-01-31", 160),
        ("C", "2025-02-01", "2026-01-31", "2026-01-31", 100),
        ("D", "2025-02-01", "2026-02-15", "2027-06-30", 100),
    ]
    return make_contracts(rows)


@pytest.mark.parametrize(
    ("variant", "value"),
    [
        ("logo_churn", 1 / 3),
        ("gross_churn", 160 / 400),
        ("account_churn", 110 / 400),
        ("net_churn", 50 / 400),
        ("gross_renewal", 290 / 400),
        ("grr_starting", 290 / 500),
        ("nrr_starting", 350 / 500),
        ("simple_churn", 4 * 150 / 500),
    ],
)
def test_each_variant_sets_off_what_it_may_and_no_more(variant, value):
    assert read(review_churn(growing_and_shrinking(), as_of=END).table, variant) == pytest.approx(value)


def test_retention_looks_at_the_accounts_of_a_year_ago():
    """On 1 April 2025 all four paid, 500 together; a year later A pays 190 and B 160."""
    assert read(review_churn(growing_and_shrinking(), as_of=END).year, "cohort_retention") == pytest.approx(350 / 500)


def test_losses_by_kind_add_up_to_what_starting_revenue_lost():
    """C left at its renewal (100), A shrank at its own (10), D left mid-term (100): 210 = 500 − 290."""
    losses = review_churn(growing_and_shrinking(), as_of=END).losses.set_index("kind")
    assert losses["mrr"].to_dict() == {
        "left_at_renewal": 100, "shrank_at_renewal": 10, "left_mid_term": 100, "shrank_mid_term": 0,
    }  # fmt: skip
    assert losses["share"].sum() == pytest.approx(1)


def test_where_renewals_are_fine_and_retention_is_not_the_leak_is_mid_term():
    """Ten of ten renew in full; four others leave in the middle of three years."""
    rows = [(f"k{i}", "2025-02-01", "2026-01-31", "2026-01-31", 100) for i in range(10)]
    rows += [(f"k{i}", "2026-02-01", None, "2027-01-31", 100) for i in range(10)]
    rows += [(f"m{i}", "2025-02-01", "2026-03-10", "2028-01-31", 100) for i in range(4)]
    review = review_churn(make_contracts(rows), as_of=END)
    leak = next(one for one in review.findings if one.kpi == "grr_starting")
    assert leak.headline.startswith(
        "Leakage is mid-term: renewals kept 100 % of what came up, yet $4.80 k of the $4.80 k"
    )
    assert leak.money == pytest.approx(-4800) and leak.severity == "bad"


def test_contracts_without_a_renewal_date_and_over_years_are_counted_and_said():
    rows = [("A", "2025-02-01", None, None, 100), ("B", "2025-02-01", None, "2027-06-30", 100),
            ("C", "2025-02-01", None, "2026-01-31", 100)]  # fmt: skip
    notes = " ".join(review_churn(make_contracts(rows), as_of=END).notes)
    assert "1 of 3 running contracts have no renewal date" in notes
    assert "1 of 3 running contracts run for over a year" in notes
    assert "No grace for late renewals" in notes
    graced = review_churn(make_contracts(rows, rules={"renewal_grace_days": 30}), as_of=END)
    assert "up to 30 days" in " ".join(graced.notes)


def test_nothing_up_for_renewal_is_not_applicable_and_never_0():
    """One account, up in 2027: no denominator, so no rate, but its starting revenue is known."""
    review = review_churn(make_contracts([("A", "2025-02-01", None, "2027-06-30", 100)]), as_of=END)
    rows = review.year.set_index("variant")
    assert np.isnan(rows.loc["logo_churn", "value"])
    assert rows.loc["logo_churn", "reason"] == "Not applicable: no account was up for renewal."
    assert rows.loc["seat_churn", "reason"] == "Not applicable: no account was up for renewal."
    assert rows.loc["grr_starting", "value"] == 1


def test_without_contracts_it_says_why_what_to_add_and_what_renewal_deals_tell():
    """Four deals of renewal closed, three won: 75 % by number, 90 % by value. No upsell, no new business among them."""
    deals = {
        "id": list("abcdef"),
        "created_at": ["2025-10-01"] * 6,
        "closed_at": ["2026-01-15"] * 6,
        "stage": ["Won", "Won", "Won", "Lost", "Won", "Lost"],
        "type": ["Renewal", "renewal", "Renewal 2026", "Renewal", "Upsell", "New"],
        "amount": [400, 400, 100, 100, 900, 900],
    }
    review = review_churn(make_company({"deal": deals}, latest_event="2026-04-30"), as_of=END)
    assert not review.is_available and "no contracts" in review.reason and "renewal date" in review.cure
    row = review.approximation.iloc[0]
    assert (row["n"], row["won"], row["share"]) == (4, 3, 0.75)
    assert row["share_value"] == pytest.approx(0.9)
    plain = make_company({"deal": {**deals, "type": ["x"] * 6}}, latest_event="2026-04-30")
    assert approximate_by_deals(plain, date(2026, 1, 1), END).empty


def test_customers_alone_tell_logo_churn_and_say_what_the_rest_needs():
    customer = {"id": ["a", "b"], "live_at": ["2025-01-01", "2025-01-01"], "ended_at": [None, "2026-02-01"]}
    review = review_churn(make_company({"customer": customer}, latest_event="2026-04-30"), as_of=END)
    rows = review.table[review.table["period"] == "Q1 2026"].set_index("variant")
    assert rows.loc["logo_churn", "value"] == 0.5
    assert "no contracts" in rows.loc["gross_churn", "reason"]
    assert review.is_available and "customers with a live date" in review.notes[0]


def test_reasons_come_from_the_lost_deals_of_existing_customers_where_contracts_have_none():
    company = fifty_logos()
    deals = {
        "id": list("abcd"),
        "created_at": ["2025-10-01"] * 4,
        "closed_at": ["2026-01-15"] * 4,
        "stage": ["Lost"] * 4,
        "type": ["Renewal", "Renewal", "Renewal", "New"],
        "lost_reason": ["Price", "Price", None, "Timing"],
        "amount": [10, 20, 5, 99],
    }
    with_deals = make_company({**company.tables, "deal": deals}, latest_event="2026-04-30")
    reasons = review_churn(with_deals, as_of=END).reasons
    assert reasons[["reason", "n", "amount"]].to_numpy().tolist() == [["Price", 2, 30.0], ["(blank)", 1, 5.0]]


def test_every_variant_has_a_row_in_every_period_with_its_definition():
    table = review_churn(growing_and_shrinking(), as_of=END, periods=3).table
    assert table.columns.tolist() == CHURN_COLUMNS
    assert len(table) == 3 * len(VARIANTS)
    assert (table[["definition", "base", "label", "interval"]] != "").all().all()
    assert (table["value"].notna() | (table["reason"] != "")).all()
