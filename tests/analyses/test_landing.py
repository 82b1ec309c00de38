"""Landings: small companies computed by hand, and no method sees past the day it is asked on."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.close_curve import POOLED, get_shares, measure_close_curve
from helpers.analyses.landing import METHODS, Forecaster, estimate_landings, simulate_landing
from helpers.analyses.landing_backtest import backtest_landings
from helpers.analyses.landing_deals import open_book
from helpers.analyses.landing_simulation import SHOCKS, foresee_count
from helpers.analyses.landing_words import explain_landing, say_landing
from helpers.engine.timeline import day_number
from helpers.errors import QuestionError
from helpers.model.goal import load_goal_rules
from helpers.periods import period_of
from tests.companies import make_company
from tests.simulated.world import World, cut_exports, draw_exports

QUARTERS = [period_of(date(2025, month, 1), "quarter") for month in (1, 4, 7, 10)]
DUE = {"coverage", "week_k", "to_go", "stage_weighted"}


def make_hand_company():
    """Make a company of three equal quarters and one to come.

    Each quarter begins with two deals of 100 and 300 due in it (created 10 days before, at Demo). The first is won on
    day 41 and the second is pushed by a year. A third, of 50, is created on day 11 and won on day 21. So a quarter
    books 150, on day 30 of it 50; it starts with 400, on day 30 it still has 400 due.
    """
    deals, changes = [], []
    for quarter in QUARTERS:
        start, is_last = quarter.start, quarter is QUARTERS[-1]
        for name, amount in (("a", 100), ("b", 300)):
            due = start + timedelta(days=60)
            won = name == "a" and not is_last
            closed = start + timedelta(days=40) if won else due if is_last else due + timedelta(days=365)
            deals.append(
                (f"{name}{start}", start - timedelta(days=10), closed, "Closed Won" if won else "Demo", amount)
            )
            if not is_last:
                seen = start + timedelta(days=40 if won else 70)
                changes.append((f"{name}{start}", seen, "closed_at", due, closed))
                changes += [(f"{name}{start}", seen, "stage", "Demo", "Closed Won")] if won else []
        if not is_last:
            day = start + timedelta(days=20)
            deals.append((f"c{start}", start + timedelta(days=10), day, "Closed Won", 50))
            changes.append((f"c{start}", day, "closed_at", start + timedelta(days=80), day))
            changes.append((f"c{start}", day, "stage", "Demo", "Closed Won"))
    table = pd.DataFrame(deals, columns=["id", "created_at", "closed_at", "stage", "amount"])
    history = pd.DataFrame(changes, columns=["deal_id", "changed_at", "field", "old", "new"]).astype(
        {"old": "str", "new": "str"}
    )
    return make_company({"deal": table, "deal_history": history}, latest_event="2025-09-30")


def expect(company, as_of, period=QUARTERS[-1]):
    return estimate_landings(company, period, as_of=as_of).set_index("method")


def test_methods_on_the_pipeline_due_equal_the_sums_done_by_hand():
    found = expect(make_hand_company(), date(2025, 9, 30))["expected"]
    # Every quarter 150 was booked of a starting pipeline of 400, and the last one starts with 400 too.
    assert found[["coverage", "week_k", "to_go", "naive"]].tolist() == pytest.approx([150.0] * 4)
    # One stage: 100 of 400 came from what was due, and 50 from a deal created later.
    assert found["stage_weighted"] == pytest.approx(400 * 100 / 400 + 50)


def test_within_a_period_what_is_booked_counts_and_only_the_rest_is_converted():
    found = expect(make_hand_company(), date(2025, 7, 30), QUARTERS[2])["expected"]
    # Day 30: 50 booked, 400 due; earlier quarters booked 100 more from 400 after their day 30, 150 in all.
    assert found["to_go"] == pytest.approx(50 + 400 * 100 / 400)
    assert found["week_k"] == pytest.approx(400 * 150 / 400)
    assert found["stage_weighted"] == pytest.approx(50 + 400 * 100 / 400)


def test_cohort_vector_is_created_times_share_by_age_times_deal_size():
    company = make_hand_company()
    day = date(2025, 9, 30)
    shares = get_shares(measure_close_curve(company, as_of=day), POOLED)
    created = company.tables["deal"]["created_at"].dt.to_period("Q").value_counts()
    own = [created.get(pd.Period("2025Q4") - age, 0) for age in range(len(shares))]
    # Nothing is created in the quarter to come yet: as many are expected as in the mean of the last four quarters.
    past = [created.get(pd.Period("2025Q3") - n, 0) for n in range(4)]
    own[0] = np.mean(past)
    size = (3 * 100 + 3 * 50) / 6
    found = expect(company, day).loc["cohort_vector", "expected"]
    assert found == pytest.approx(sum(n * share for n, share in zip(own, shares, strict=True)) * size)


def test_a_period_that_has_ended_is_no_question_for_a_landing():
    with pytest.raises(QuestionError, match="Q3 2025 ended on 2025-09-30"):
        estimate_landings(make_hand_company(), QUARTERS[2], as_of=date(2025, 9, 30))


def test_every_method_answers_or_says_why_not():
    company = make_company(
        {
            "deal": {
                "id": range(6),
                "created_at": ["2025-01-05"] * 6,
                "closed_at": ["2025-02-01", "2025-05-01", "2025-08-01", None, None, None],
                "stage": ["Closed Won", "Closed Won", "Closed Lost", "Demo", "Demo", "Demo"],
                "amount": [100, 100, 0, None, None, None],
            }
        }
    )
    found = expect(company, date(2025, 8, 31), QUARTERS[3])
    assert set(found.index) == set(METHODS)
    assert (found["reason"].eq("") == found["expected"].notna()).all()
    assert all("no expected close date" in found.loc[method, "reason"] for method in DUE - {"coverage"})
    assert "not begun" in found.loc["coverage", "reason"]


def test_a_company_without_deals_gets_reasons_only():
    company = make_company({"contact": {"id": [1], "created_at": ["2025-01-05"]}})
    found = estimate_landings(company, QUARTERS[3], as_of=date(2025, 8, 31))
    assert set(found["reason"]) == {"The exports hold no deals."}
    assert not len(simulate_landing(company, QUARTERS[3], as_of=date(2025, 8, 31)))
    assert say_landing(found, "Q4 2025", currency="USD") == "No method can tell where Q4 2025 will land"


@pytest.mark.parametrize("back", [0, 1, 2])
@pytest.mark.parametrize("week", [0, 3, 9])
def test_an_estimate_of_the_past_equals_the_one_made_from_exports_cut_at_that_day(back, week):
    whole = draw_exports(World(quarters=9), seed=11)
    last = whole.deals["created_at"].max().date()
    quarter = period_of(last, "quarter").previous(back)
    day = quarter.start + timedelta(days=7 * week - 1)
    end = period_of(last, "quarter").end
    then = estimate_landings(cut_exports(whole, day).open(day), quarter, as_of=day)
    tested = backtest_landings(whole.open(end), periods=[quarter], weeks=[week], as_of=end)
    pd.testing.assert_frame_equal(then, tested[then.columns], check_exact=False, rtol=1e-9)


@pytest.mark.parametrize("method", [method for method in METHODS if method != "simulation"])
def test_a_period_further_ahead_is_estimated_from_what_had_ended_by_then(method):
    whole = draw_exports(World(quarters=9), seed=11)
    quarter = period_of(date(2023, 1, 1), "quarter")
    day = date(2022, 9, 15)
    books = [open_book(cut_exports(whole, day).open(day), day), open_book(whole.open(quarter.end), quarter.end)]
    then, later = (Forecaster(book, load_goal_rules()).estimate(method, day_number(day), quarter) for book in books)
    assert then == later or (np.isnan(then.expected) and np.isnan(later.expected))


def test_an_amount_corrected_after_the_day_is_not_known_on_it():
    whole = draw_exports(World(quarters=9), seed=11)
    quarter = period_of(date(2023, 1, 1), "quarter")
    won = whole.deals[(whole.deals["stage"] == "Closed Won") & (whole.deals["closed_at"] <= "2022-12-01")].tail(3)
    corrected = whole.deals.assign(amount=whole.deals["amount"].mask(whole.deals["id"].isin(won["id"]), 9e6))
    changes = pd.DataFrame(
        {
            "deal_id": won["id"],
            "changed_at": pd.Timestamp("2023-02-01"),
            "field": "amount",
            "old": won["amount"].astype("str"),
            "new": "9000000.0",
        }
    )
    history = pd.concat([whole.history, changes], ignore_index=True)
    tables = ({"deal": whole.deals, "deal_history": whole.history}, {"deal": corrected, "deal_history": history})
    before, after = (
        backtest_landings(make_company(each), periods=[quarter], weeks=[0], as_of=quarter.end) for each in tables
    )
    columns = ["expected", "low", "high"]
    pd.testing.assert_frame_equal(before[columns], after[columns])


def test_amounts_that_only_the_future_knew_are_not_used_where_no_history_tells_them():
    whole = draw_exports(World(quarters=8), seed=3)
    deals = whole.deals.assign(amount=whole.deals["amount"].where(whole.deals["stage"] == "Closed Won"))
    open_now = ~deals["stage"].isin(["Closed Won", "Closed Lost"])
    deals.loc[open_now, "closed_at"] = pd.NaT
    day, quarter = date(2022, 6, 30), period_of(date(2022, 7, 1), "quarter")
    cut = deals[deals["created_at"] <= pd.Timestamp(day)].copy()
    later = ~(cut["closed_at"] <= pd.Timestamp(day))
    cut.loc[later, "amount"] = np.nan
    cut.loc[later, "closed_at"] = pd.NaT
    cut.loc[later, "stage"] = "Demo"
    full = make_company({"deal": deals}, latest_event=date(2022, 12, 31))
    found = estimate_landings(full, quarter, as_of=day)
    expected = estimate_landings(make_company({"deal": cut}, latest_event=day), quarter, as_of=day)
    pd.testing.assert_frame_equal(found, expected)
    assert "None of the" in explain_landing(found)


def test_more_open_deals_raise_the_simulated_landing_and_none_leave_what_is_created_later():
    whole = draw_exports(World(quarters=9), seed=5)
    day, quarter = date(2022, 12, 31), period_of(date(2023, 1, 1), "quarter")
    cut = cut_exports(whole, day)
    is_open = ~cut.deals["stage"].isin(["Closed Won", "Closed Lost"])
    landed = {}
    for share in (0.0, 0.5, 1.0):
        kept = cut.deals[~is_open | (np.arange(len(is_open)) % 10 < 10 * share)]
        company = make_company({"deal": kept, "deal_history": cut.history}, latest_event=day)
        landed[share] = simulate_landing(company, quarter, as_of=day).mean()
    assert 0 < landed[0.0] < landed[0.5] < landed[1.0]


def test_the_same_question_gets_the_same_draws():
    whole = draw_exports(World(quarters=9), seed=5)
    day, quarter = date(2022, 12, 31), period_of(date(2023, 1, 1), "quarter")
    cut = cut_exports(whole, day)
    one, other = (simulate_landing(cut.open(day), quarter, as_of=day) for _ in range(2))
    assert np.array_equal(one, other)


def test_a_level_that_moves_is_foreseen_from_the_last_period_and_a_steady_one_from_four():
    growing, _ = foresee_count(np.array([100.0, 150, 225, 338, 506, 759]))
    steady, _ = foresee_count(np.array([110.0, 90, 112, 88, 111, 89, 110, 90]))
    assert growing == 759
    assert steady == pytest.approx(100)


def test_without_earlier_periods_the_spread_of_counts_is_the_usual_one():
    _, fit = foresee_count(np.array([80.0]))
    assert len(fit) == len(SHOCKS) and not fit.any()


def test_the_part_of_a_period_in_which_the_first_deal_was_created_teaches_nothing():
    tables = {
        "deal": {
            "id": range(4),
            "created_at": ["2025-01-20", "2025-02-20", "2025-04-10", "2025-06-01"],
            "closed_at": ["2025-03-01", "2025-05-01", None, None],
            "stage": ["Closed Won", "Closed Won", "Demo", "Demo"],
            "amount": [100, 200, None, None],
        }
    }
    found = expect(make_company(tables), date(2025, 4, 30), QUARTERS[1])
    assert found.loc["naive", "reason"] == "No earlier period has ended since the first deal was created."
    later = expect(make_company(tables), date(2025, 7, 31), QUARTERS[2])
    assert later.loc["naive", "expected"] == 200 and later.loc["simulation", "n"] == 1


@pytest.mark.parametrize("grain", ["month", "quarter", "year"])
def test_new_and_existing_business_make_the_whole(grain):
    tables = {
        "deal": {
            "id": range(6),
            "created_at": ["2022-12-20", "2023-02-20", "2024-04-10", "2024-06-01", "2024-07-01", "2024-11-20"],
            "closed_at": ["2024-03-01", "2024-12-05", "2024-12-06", "2024-11-09", "2024-11-09", "2024-12-31"],
            "stage": ["Closed Won"] * 6,
            "amount": [100, 200, 400, 800, 1600, 3200],
            "type": ["New Business", "Renewal", "New Business", "Renewal", "New Business", "Renewal"],
        }
    }
    company, period = make_company(tables), period_of(date(2025, 1, 1), grain)
    naive = {
        business: estimate_landings(company, period, as_of=date(2024, 12, 31), business=business)
        .set_index("method")
        .loc["naive", "expected"]
        for business in ("new", "existing", "all")
    }
    assert naive["new"] + naive["existing"] == naive["all"]
    assert naive["all"] == {"month": 3800, "quarter": 6200, "year": 6300}[grain]
