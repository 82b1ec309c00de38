"""Chances of revenue goals: cases by hand, the same futures in plain numpy, and what must hold for any company."""

from dataclasses import replace
from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.close_curve import build_close_curve
from helpers.analyses.goal_pipe import OPEN, RATE_COLUMNS, TO_COME
from helpers.analyses.goal_simulation import simulate_revenue
from helpers.analyses.landing import estimate_landings, simulate_landing
from helpers.analyses.revenue_draws import draw_revenue, expect_records
from helpers.analyses.revenue_history import RevenueHistory, read_revenue_history
from helpers.model.goal import load_goal_rules
from helpers.periods import period_of
from tests.companies import make_company
from tests.simulated.world import World, cut_exports, draw_exports, sum_won

RULES = load_goal_rules()
RUNNING = period_of(date(2026, 10, 1), "quarter")
PERIODS = [RUNNING.previous(-ahead) for ahead in range(4)]


def make_history(*, counts=(100,) * 8, open_by_age=(0, 50), rates=(), booked=0.0, sizes=(10.0,), **other):
    """A company of 100 records a quarter, 20 % won in the quarter of creation and 10 % in the next."""
    created = {RUNNING.previous(len(counts) - place): float(count) for place, count in enumerate(counts)}
    cohorts = [
        {"cohort": period.start.isoformat(), "age": age, "n": int(n), "won": round(n * share)}
        for place, (period, n) in enumerate(created.items())
        for age, share in enumerate((0.2, 0.1))
        if place + age < len(counts)
    ]
    known = {
        "running": RUNNING,
        "created": created,
        "open_by_age": np.array(open_by_age),
        "rates": pd.DataFrame(list(rates), columns=RATE_COLUMNS),
        "curve": build_close_curve(pd.DataFrame(cohorts)).assign(is_complete=True),
        "rest": 1.0,
        "booked": booked,
        "sizes": np.array(sizes, dtype=float),
        "sizes_since": date(2024, 10, 1),
        "existing": pd.Series(dtype=float),
        "existing_booked": 0.0,
        "existing_rest": 1.0,
        "landings": {},
    }
    return RevenueHistory(**(known | other))


def make_rates(*rows):
    return [(part, age, step, n, won, won / n) for part, age, step, n, won in rows]


USUAL = make_rates((OPEN, 1, 0, 400, 100), (TO_COME, 0, 0, 800, 160), (TO_COME, 0, 1, 700, 70))


def make_matrix(goals, *, year=np.nan, actuals=()):
    rows = [("quarter", period.start, goal, np.nan) for period, goal in goals.items()]
    rows += [("quarter", RUNNING.previous(len(actuals) - i).start, np.nan, each) for i, each in enumerate(actuals)]
    rows.append(("year", date(2026, 1, 1), year, np.nan))
    frame = pd.DataFrame(rows, columns=["grain", "period_start", "goal", "actual"])
    return frame.assign(kpi="revenue_won", dimension="all", slice="all", expected=np.nan)


def simulate(history, goals=None, periods=PERIODS, **options):
    matrix = make_matrix(goals if goals is not None else {RUNNING: 100.0}, **options)
    return simulate_revenue(matrix, history, periods, rules=RULES)


@pytest.mark.parametrize(("goal", "chance"), [(1000.0, 1.0), (1000.01, 0.0)], ids=["reached", "missed"])
def test_where_all_is_booked_and_nothing_else_can_come_the_goal_is_reached_or_not(goal, chance):
    history = make_history(counts=(0,) * 8, open_by_age=(0, 0), booked=1000.0)
    history = replace(history, curve=make_history().curve)
    found = simulate(history, {RUNNING: goal}).iloc[0]
    assert (found["expected"], found["low"], found["high"]) == (1000.0, 1000.0, 1000.0)
    assert found["probability"] == chance


def test_expected_revenue_is_bookings_and_open_and_coming_records_at_their_shares():
    """1,000 booked; 50 open at 25 %; 100 to come at 20 %; 10 each: 1,000 + 125 + 200."""
    found = simulate(make_history(rates=USUAL, booked=1000.0)).iloc[0]
    assert found["expected"] == pytest.approx(1325, rel=0.01)


def test_a_later_period_takes_what_the_one_before_left_and_what_is_created_in_between():
    """Of 100 created in the running quarter 10 % and of 100 in the next one 20 %: 30 wins of 10."""
    found = simulate(make_history(rates=USUAL)).iloc[1]
    assert found["expected"] == pytest.approx(300, rel=0.02)


def test_draws_are_those_of_plain_numpy():
    """Records Poisson around a Gamma level, shares Beta, wins binomial; a spread of nothing but counting is checked."""
    rates = make_rates((OPEN, 1, 0, 40, 10))
    history = make_history(counts=(0,) * 8, open_by_age=(0, 60), rates=rates, sizes=(5.0, 15.0))
    history = replace(history, curve=make_history().curve)
    drawn = draw_revenue(history, PERIODS[:1], rules=RULES).new[RUNNING]
    rng = np.random.default_rng(7)
    # Eight quarters that came out exactly as expected leave hardly any spread of the win rate beyond chance.
    share = rng.beta(10 + 0.25, 30 + 0.75, 40_000)
    wins = rng.binomial(60, share)
    mean = np.array([rng.choice([5.0, 15.0], 2).mean() for _ in range(40_000)])
    spread = np.sqrt(wins * np.where(mean == 10, 25.0, 0.0))
    plain = wins * mean + spread * rng.standard_normal(40_000)
    assert drawn.mean() == pytest.approx(plain.mean(), rel=0.03)
    assert drawn.std() == pytest.approx(plain.std(), rel=0.06)


def test_a_year_is_the_sum_of_its_actuals_and_of_the_draws_ahead():
    outlook = simulate(make_history(rates=USUAL), periods=PERIODS, actuals=(100.0, 200.0, 300.0), year=1000.0)
    quarters, year = outlook[outlook["grain"] == "quarter"], outlook[outlook["grain"] == "year"].iloc[0]
    assert len(outlook) == 5
    assert year["expected"] == pytest.approx(600 + quarters.iloc[0]["expected"])
    assert year["high"] - year["low"] == pytest.approx(quarters.iloc[0]["high"] - quarters.iloc[0]["low"])
    assert year["basis"] == "what 3 quarters brought and 1 quarter as simulated"


def test_a_year_is_surer_than_the_sum_of_the_ranges_of_its_periods_and_less_sure_than_if_they_were_independent():
    start = period_of(date(2027, 1, 1), "quarter")
    history = make_history(counts=(80, 120, 90, 130, 100, 70, 110, 100), rates=USUAL)
    created = {period.previous(-1): count for period, count in history.created.items()}
    history = replace(history, running=start, created=created)
    quarters = [start.previous(-ahead) for ahead in range(4)]
    outlook = simulate_revenue(make_matrix({}), history, quarters, rules=RULES)
    widths = (outlook["high"] - outlook["low"]).to_numpy()
    assert np.sqrt((widths[:4] ** 2).sum()) < widths[4] < widths[:4].sum()


@pytest.mark.parametrize("seed", range(5))
def test_a_higher_goal_is_never_more_likely(seed):
    rng = np.random.default_rng(seed)
    history = make_history(open_by_age=(0, int(rng.integers(0, 90))), rates=USUAL, booked=float(rng.uniform(0, 900)))
    chances = [simulate(history, {RUNNING: goal}).iloc[0]["probability"] for goal in np.linspace(1, 1500, 12)]
    assert all(later <= earlier for earlier, later in pairwise(chances))


@pytest.mark.parametrize("seed", range(5))
def test_more_open_records_never_lower_what_is_expected(seed):
    rng = np.random.default_rng(seed)
    steps = np.cumsum([0, *rng.integers(10, 40, 4)])
    found = [simulate(make_history(open_by_age=(0, int(n)), rates=USUAL)) for n in steps]
    expected = np.array([each["expected"].to_numpy() for each in found])
    assert (np.diff(expected[:, 0]) > 0).all()
    assert (np.diff(expected, axis=0) >= -1e-9).all()


def test_existing_business_varies_as_its_own_past_or_says_that_this_is_too_short():
    past = pd.Series([100.0, 130, 80, 120, 90, 110, 100, 105], index=pd.date_range("2024-10-01", periods=8, freq="QS"))
    own = simulate(make_history(existing=past))
    short = simulate(make_history(existing=past.iloc[-3:]))
    assert own["basis"].iloc[0].endswith("existing business: own spread of 8 quarters")
    assert short["basis"].iloc[0].endswith("existing business: usual spread 25 %, only 3 quarters")
    assert (own["expected"] - own["new_business"]).iloc[0] == pytest.approx(100, rel=0.1)


def test_without_a_close_curve_or_deal_sizes_there_is_no_outlook():
    assert simulate(make_history(sizes=())).empty
    history = make_history()
    assert simulate(replace(history, curve=history.curve.iloc[:0])).empty
    assert simulate(history, periods=[]).empty


def test_outlook_and_landing_of_the_running_and_the_next_quarter_are_one_number():
    day = date(2023, 9, 30)
    company = cut_exports(draw_exports(World(), 11), day).open(day)
    history = read_revenue_history(company, as_of=day, grain="quarter", rules=RULES)
    periods = [history.running.previous(-ahead) for ahead in range(3)]
    outlook = simulate_revenue(make_matrix({}), history, periods, rules=RULES)
    for place in range(2):
        landings = estimate_landings(company, periods[place], as_of=day, rules=RULES).set_index("method")
        landing, row = landings.loc["simulation"], outlook.iloc[place]
        assert row["new_business"] == pytest.approx(landing["expected"], rel=1e-12)
        assert (row["low"], row["high"]) == pytest.approx((landing["low"], landing["high"]), rel=1e-12)
        assert row["n"] == landing["n"] and row["basis"] == f"landing simulation, {row['n']} earlier quarters"
    assert outlook.iloc[2]["basis"].startswith("close curve of ")


def test_a_quarter_further_ahead_is_not_given_the_wins_of_the_one_before_it():
    day = date(2023, 9, 30)
    exports = cut_exports(draw_exports(World(volume_shock=0.0, win_shock=0.0), 13), day)
    usual = sum_won(exports, date(2022, 10, 1), day) / 4
    draws = simulate_landing(exports.open(day), period_of(date(2024, 1, 1), "quarter"), as_of=day, rules=RULES)
    assert 0.7 * usual < draws.mean() < 1.3 * usual


def test_history_counts_what_plain_pandas_counts():
    day = date(2023, 8, 20)
    exports = cut_exports(draw_exports(World(), 12), day)
    history = read_revenue_history(exports.open(day), as_of=day, grain="quarter", rules=RULES)
    deals = exports.deals
    won = deals["stage"] == "Closed Won"
    assert history.booked == pytest.approx(deals.loc[won & (deals["closed_at"] >= "2023-07-01"), "amount"].sum())
    is_open = ~deals["stage"].isin(["Closed Won", "Closed Lost"])
    age = (2023 * 4 + 2) - (deals["created_at"].dt.year * 4 + deals["created_at"].dt.quarter - 1)
    assert history.open_by_age.tolist() == [int((is_open & (age == each)).sum()) for each in range(11)]
    recent = won & (deals["closed_at"] >= pd.Timestamp(2021, 8, 20))
    assert sorted(history.sizes) == pytest.approx(sorted(deals.loc[recent, "amount"]))
    later = (deals["created_at"] - deals["created_at"].dt.to_period("Q").dt.start_time).dt.days > 50
    ended = deals["created_at"] < "2023-07-01"
    assert history.rest == pytest.approx(later[ended].mean(), abs=0.02)


def test_a_quarter_that_had_hardly_begun_does_not_lower_what_is_expected():
    history = make_history(counts=(5, *(100,) * 7))
    assert expect_records(history, PERIODS[:1], rules=RULES)[RUNNING] == pytest.approx(100)


def test_a_company_without_deals_has_no_outlook():
    company = make_company({"contact": pd.DataFrame({"id": ["1"], "created_at": ["2026-01-01"]})})
    history = read_revenue_history(company, as_of=date(2026, 9, 30), grain="quarter", rules=RULES)
    assert simulate_revenue(make_matrix({}), history, PERIODS, rules=RULES).empty
