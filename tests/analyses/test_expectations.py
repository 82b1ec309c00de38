"""What should have been seen: by hand where it can be, and ranges that hold what they say on chance alone."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.expectations import ABOVE, BELOW, SMALL, describe_expectations, expect_slices
from helpers.analyses.expected_ranges import judge_counts, judge_rates, judge_sizes
from helpers.periods import period_of
from tests.analyses.test_gap import AS_OF, HISTORY, LAST, NOW, make_deals
from tests.companies import make_company


def expect(tables: dict, against: str = "history", **options):
    company = make_company(tables, latest_event="2025-09-30", **options)
    return expect_slices(company, period=NOW, history=HISTORY, as_of=AS_OF, against=against, compared=LAST)


def pick(frame: pd.DataFrame, effect: str, dimension: str = "all", slice_: str = "all") -> pd.Series:
    rows = frame[(frame["effect"] == effect) & (frame["dimension"] == dimension) & (frame["slice"] == slice_)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_against_a_period_expected_is_what_plain_pandas_counts_there() -> None:
    deals = make_deals()
    frame = expect({"deal": deals}, "period").frame
    quarter = pd.to_datetime(deals["closed_at"]).dt.to_period("Q")
    before, now = (deals[quarter == one] for one in ("2025Q2", "2025Q3"))
    whole = pick(frame, "volume")
    assert (whole["actual"], whole["expected"]) == (len(now), len(before))
    north = pick(frame, "volume", "region", "North")
    assert (north["actual"], north["expected"]) == (
        (now["region"] == "North").sum(),
        (before["region"] == "North").sum(),
    )
    rate = pick(frame, "rate")
    assert rate["actual"] == pytest.approx((now["stage"] == "Closed Won").mean())
    assert rate["expected"] == pytest.approx((before["stage"] == "Closed Won").mean(), abs=0.01)
    assert frame["source"].unique().tolist() == ["period"]


def test_a_rate_is_expected_of_the_records_that_really_came() -> None:
    """Half of North's deals were of A, at .8, half of B, at .2: now nine of ten are B, so that .26 is expected."""
    rows = []
    for quarter in HISTORY[-5:]:
        share = 0.1 if quarter == NOW else 0.5
        for product, rate in (("A", 0.8), ("B", 0.2)):
            n = round(200 * (share if product == "A" else 1 - share))
            rows += [(quarter.start, product, place < n * rate) for place in range(n)]
    deals = pd.DataFrame(rows, columns=["closed_at", "product", "won"])
    deals["stage"] = np.where(deals.pop("won"), "Closed Won", "Closed Lost")
    deals["id"] = [str(place) for place in range(len(deals))]
    deals["created_at"] = "2024-01-01"
    deals["amount"] = 100.0
    deals["closed_at"] = deals["closed_at"].astype(str)
    rate = pick(expect({"deal": deals}).frame, "rate")
    assert rate["actual"] == pytest.approx(0.26)
    assert rate["expected"] == pytest.approx(0.26, abs=0.01)


def test_a_fall_in_one_region_lies_below_and_nothing_else() -> None:
    frame = expect({"deal": make_deals(factor=0.3)}).frame
    north = pick(frame, "rate", "region", "North")
    assert north["verdict"] == BELOW
    assert north["actual"] < north["low"] < north["expected"] < north["high"]
    assert north["money"] < 0
    off = frame[frame["verdict"].isin([BELOW, ABOVE])]
    assert set(zip(off["effect"], off["slice"], strict=True)) <= {("rate", "North"), ("rate", "all")}


def test_small_slices_are_shown_and_not_judged_and_held_to_their_parent() -> None:
    """Four deals of one country, none won, in five quarters: its expected rate stays near the company's half."""
    deals = make_deals()
    rows = [
        {**deals.iloc[0].to_dict(), "id": f"x{place}", "region": "Isle", "stage": "Closed Lost", "closed_at": day}
        for place, day in enumerate(["2024-11-01", "2025-02-01", "2025-05-01", "2025-08-01"])
    ]
    isle = pick(expect({"deal": pd.concat([deals, pd.DataFrame(rows)])}).frame, "rate", "region", "Isle")
    assert isle["verdict"] == SMALL
    assert 0.2 < isle["expected"] < 0.5
    assert isle["low"] < 0.05 and isle["high"] > 0.6


def test_goals_of_slices_are_what_is_expected_of_them() -> None:
    goal = {"kpi": "revenue_won", "grain": "quarter", "period_start": "2025-07-01"}
    goals = [("all", "all", 900_000.0), ("region", "North", 500_000.0)]
    targets = pd.DataFrame([goal | {"dimension": d, "slice": s, "goal": g} for d, s, g in goals])
    found = expect({"deal": make_deals()}, "plan", targets=targets)
    north, whole = (pick(found.frame, "volume", *of) for of in (("region", "North"), ("all", "all")))
    rate, size = (pick(found.frame, effect, "region", "North") for effect in ("rate", "value"))
    assert north["expected"] / whole["expected"] == pytest.approx(5 / 9, abs=0.03)
    assert north["verdict"] == BELOW
    assert north["expected"] * rate["expected"] * size["expected"] == pytest.approx(500_000, rel=0.05)
    assert "1 goal by region" in found.frame["basis"].iloc[0]
    assert "the goals that people typed" in found.words


def test_nothing_to_expect_from_says_so() -> None:
    empty = expect({"deal": make_deals()}, "plan")
    assert empty.frame.empty and "goal matrix" in describe_expectations(empty, NOW)
    company = make_company({"deal": make_deals()}, latest_event="2025-09-30")
    first = expect_slices(company, period=NOW, history=[NOW], as_of=AS_OF)
    assert first.frame.empty and "no earlier period" in first.why_not


def test_ranges_by_hand() -> None:
    """Poisson(100): 5 % lie below 84, 95 % up to 117; a rate of half of 100 beta-wide; twice a size is surprising."""
    low, high, p = judge_counts(np.array([84.0, 100, 0]), np.full(3, 100.0), np.zeros(3), 0.0, 0.9)
    assert (low[0], high[0]) == (84, 117)
    assert p[1] > 0.9 and p[2] < 1e-6 and 0.08 < p[0] < 0.13
    wide = judge_counts(np.array([84.0]), np.array([100.0]), np.array([100.0]), 0.1, 0.9)
    assert wide[0][0] < 84 - 10 and wide[2][0] > 0.3
    low, high, p = judge_rates(np.array([50.0]), np.array([100.0]), np.array([0.5]), np.zeros(1), 0.0, 0.9)
    assert (low[0], high[0]) == pytest.approx((0.418, 0.582), abs=0.003)
    assert judge_rates(np.zeros(1), np.array([3.0]), np.array([0.5]), np.zeros(1), 0.0, 0.9)[2][0] > 0.05
    low, high, p = judge_sizes(np.array([200.0]), np.array([100.0]), np.array([0.01]), 0.0, 0.9)
    assert p[0] < 1e-6 and low[0] * high[0] == pytest.approx(100.0**2)


def make_drifting(rng: np.random.Generator) -> dict:
    """Nine quarters of deals whose volume moves by 8 % and whose rates by 6 % a quarter, per region and product."""
    rows = []
    for back in range(8, -1, -1):
        quarter = NOW.previous(back) if back else NOW
        for region in ("North", "South", "West"):
            for product, rate in (("A", 0.5), ("B", 0.25)):
                n = rng.poisson(60 * np.exp(rng.normal(0, 0.08)))
                won = rng.random(n) < rate * np.exp(rng.normal(0, 0.06))
                rows += [(str(quarter.start), region, product, one, rng.lognormal(8, 0.6)) for one in won]
    deals = pd.DataFrame(rows, columns=["closed_at", "region", "product", "won", "amount"])
    deals["stage"] = np.where(deals.pop("won"), "Closed Won", "Closed Lost")
    deals["id"] = [str(place) for place in range(len(deals))]
    return {"deal": deals.assign(created_at="2023-01-01", amount=deals["amount"].round(2))}


def test_ranges_hold_what_they_say_and_chance_is_seldom_called_off() -> None:
    rng = np.random.default_rng(8)
    history = [NOW.previous(back) for back in range(8, 0, -1)] + [NOW]
    inside, off = [], 0
    for _ in range(10):
        company = make_company(make_drifting(rng), latest_event="2025-09-30")
        frame = expect_slices(company, period=NOW, history=history, as_of=AS_OF).frame
        inside.append(((frame["actual"] >= frame["low"]) & (frame["actual"] <= frame["high"])).mean())
        off += int(frame["verdict"].isin([BELOW, ABOVE]).any())
    assert 0.85 <= np.mean(inside) <= 0.97
    assert off <= 2


def test_entries_are_expected_at_equal_age() -> None:
    """Every lead is won after 60 days: a third of each cohort by its end, the last one like the others."""
    rng = np.random.default_rng(2)
    entered = pd.Timestamp(HISTORY[0].start) + pd.to_timedelta(rng.integers(0, 546, 3000), unit="D")
    contacts = pd.DataFrame({"id": [str(i) for i in range(3000)], "mql_at": entered.strftime("%Y-%m-%d")})
    won = entered + pd.Timedelta(days=60)
    contacts["won_at"] = pd.Series(won).where(won <= pd.Timestamp(AS_OF)).dt.strftime("%Y-%m-%d")
    contacts["origin"] = rng.choice(["ads", "search"], 3000)
    frame = expect({"contact": contacts}).frame
    rate = pick(frame[frame["lens"] == "creation"], "rate")
    assert 0.28 < rate["expected"] < 0.4
    assert rate["low"] <= rate["actual"] <= rate["high"]


def test_a_period_of_another_length_has_no_season_to_know() -> None:
    month = period_of(date(2025, 9, 30), "month")
    company = make_company({"deal": make_deals()}, latest_event="2025-09-30")
    history = [month.previous(back) for back in range(12, 0, -1)] + [month]
    found = expect_slices(company, period=month, history=history, as_of=AS_OF)
    assert found.words.startswith("Expected: each slice's own 12 months before")


def test_trend_and_season_of_long_history_are_expected_and_not_called_off() -> None:
    """Four years of quarters that grow by 30 % a year and peak by 60 % in the third: the third quarter expects both."""
    rng = np.random.default_rng(3)
    quarters = [NOW.previous(back) for back in range(16, 0, -1)] + [NOW]
    rows = []
    for place, quarter in enumerate(quarters):
        level = 150 * np.exp(0.3 * place / 4) * (1.6 if quarter.start.month == 7 else 1.0)
        for region in ("North", "South"):
            won = rng.random(rng.poisson(level)) < 0.4
            rows += [(str(quarter.start), region, one) for one in won]
    deals = pd.DataFrame(rows, columns=["closed_at", "region", "won"])
    deals["stage"] = np.where(deals.pop("won"), "Closed Won", "Closed Lost")
    deals = deals.assign(id=[str(place) for place in range(len(deals))], created_at="2021-01-01", amount=100.0)
    company = make_company({"deal": deals}, latest_event="2025-09-30")
    found = expect_slices(company, period=NOW, history=quarters, as_of=AS_OF)
    whole = pick(found.frame, "volume")
    assert whole["expected"] == pytest.approx(2 * 150 * np.exp(0.3 * 4) * 1.6, rel=0.08)
    assert whole["low"] <= whole["actual"] <= whole["high"]
    assert not found.frame["verdict"].isin([BELOW, ABOVE]).any()
    assert "trend and season" in found.words
