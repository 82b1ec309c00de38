"""The chance of every cell's goal, held to futures drawn by plain numpy."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.goal_chance import add_probability, measure_cell_spreads
from helpers.analyses.goal_expectation import expect_volume
from helpers.analyses.goal_simulation import OUTLOOK_COLUMNS
from helpers.analyses.landing_backtest import tabulate_reliability
from helpers.model.catalog import load_catalog
from helpers.model.goal import load_goal_rules

CATALOG, RULES = load_catalog(), load_goal_rules()
NO_OUTLOOK = pd.DataFrame(columns=OUTLOOK_COLUMNS)
QUARTERS = pd.date_range("2026-01-01", periods=4, freq="QS")
HISTORY = pd.date_range("2024-01-01", periods=8, freq="QS")


def make_cells(*, kpi="leads", expected=100.0, goal=100.0, actuals=(), slice_="all", year_goal=400.0):
    dimension = "all" if slice_ == "all" else "source"
    rows = []
    for place, start in enumerate(QUARTERS):
        actual = actuals[place] if place < len(actuals) else np.nan
        rows.append((kpi, "quarter", start, dimension, slice_, goal, actual, expected))
    rows.append((kpi, "year", QUARTERS[0], dimension, slice_, year_goal, np.nan, 4 * expected))
    return rows


def make_matrix(*parts, variability=None):
    columns = ["kpi", "grain", "period_start", "dimension", "slice", "goal", "actual", "expected"]
    matrix = pd.DataFrame([row for part in parts for row in part], columns=columns)
    matrix = matrix.assign(gap=np.nan, locked=False, probability=np.nan)
    matrix.attrs = {"variability": variability or {"leads": 0.2}, "basis": {}}
    return matrix


def make_history(values, *, kpi="leads", dimension="all", slice_="all", basis="period"):
    frame = pd.DataFrame({"period_start": HISTORY[: len(values)], "value": np.array(values, dtype=float)})
    fixed = {"kpi": kpi, "basis": basis, "grain": "quarter", "dimension": dimension, "slice": slice_}
    return frame.assign(
        **fixed, numerator=frame["value"], denominator=np.nan, is_complete=True, horizon_days=pd.NA, period_end=pd.NaT
    )


def fill(matrix, **options):
    return add_probability(matrix, NO_OUTLOOK, catalog=CATALOG, rules=RULES, **options)


def chance(filled, grain="quarter", start=QUARTERS[-1]):
    mine = filled[(filled["grain"] == grain) & (filled["period_start"] == start)]
    return float(mine["probability"].iloc[0])


def test_a_period_that_is_over_has_reached_its_goal_or_has_not():
    filled = fill(make_matrix(make_cells(actuals=(99.0, 100.0, 101.0))))
    assert filled["probability"].iloc[:3].tolist() == [0.0, 1.0, 1.0]


@pytest.mark.parametrize("goal", [3, 6, 10])
def test_a_count_is_drawn_in_whole_numbers_around_a_level_that_is_in_doubt(goal):
    """Without a history of its own: the company's spread for the period, and for the level that of one more."""
    spread = 0.4
    matrix = make_matrix(make_cells(expected=5.0, goal=goal), variability={"leads": spread})
    rng = np.random.default_rng(1)
    variance = spread**2 + spread**2 + 1 / 5
    came = rng.poisson(rng.gamma(1 / variance, 5 * variance, 400_000))
    assert chance(fill(matrix)) == pytest.approx((came >= goal).mean(), abs=0.005)


def test_a_slice_varies_as_its_own_past_does():
    steady, wild = [100, 101, 99, 100, 102, 98, 100, 101], [100, 160, 60, 150, 55, 140, 70, 120]
    columns = {"dimension": "source"}
    cells = pd.concat([make_history(steady, slice_="Web", **columns), make_history(wild, slice_="Event", **columns)])
    matrix = make_matrix(make_cells(slice_="Web", goal=120.0), make_cells(slice_="Event", goal=120.0))
    spreads = measure_cell_spreads(matrix, cells, catalog=CATALOG, rules=RULES).set_index("slice")
    assert spreads["is_own"].all() and (spreads["periods"] == 8).all()
    assert spreads.loc["Web", "spread"] < 0.05 < 0.2 < spreads.loc["Event", "spread"]
    filled = fill(matrix, cells=cells).set_index(["slice", "grain", "period_start"])["probability"]
    web, event = (filled[name, "quarter", QUARTERS[-1]] for name in ("Web", "Event"))
    assert web < 0.1 < event < 0.5


def test_a_slice_with_a_short_past_varies_like_its_company():
    cells = make_history([50, 60], dimension="source", slice_="New")
    matrix = make_matrix(make_cells(slice_="New", kpi="revenue_won"), variability={"revenue_won": 0.33})
    spreads = measure_cell_spreads(matrix, cells.assign(kpi="revenue_won"), catalog=CATALOG, rules=RULES)
    assert spreads[["spread", "periods", "is_own"]].iloc[0].tolist() == [0.33, 2, False]


def test_a_year_is_what_has_come_and_the_sum_of_what_may_come():
    values = [100.0, 130, 80, 120, 90, 110, 100, 105]
    cells = make_history(values)
    matrix = make_matrix(make_cells(actuals=(120.0, 90.0), year_goal=430.0))
    spread = measure_cell_spreads(matrix, cells, catalog=CATALOG, rules=RULES)["spread"].iloc[0]
    rng = np.random.default_rng(2)
    # Level: half of the growth between two years is carried on by 0.625 and 0.875 years, half a season is believed.
    reach = [((1 + c) ** 2 + c**2) / 4 + 0.3 * 0.5**2 for c in (0.5 * (k + 1.5) / 4 for k in (1, 2))]
    level_variance = (spread**2 + 1 / np.mean(values)) * np.mean(np.sqrt(reach)) ** 2
    level = rng.gamma(1 / level_variance, level_variance, 200_000)
    each = [rng.poisson(100 * level * rng.gamma(1 / spread**2, spread**2, 200_000)) for _ in range(2)]
    plain = (210 + each[0] + each[1] >= 430).mean()
    assert chance(fill(matrix, cells=cells), "year", QUARTERS[0]) == pytest.approx(plain, abs=0.01)


def test_a_year_that_has_been_reached_already_is_certain():
    filled = fill(make_matrix(make_cells(actuals=(200.0, 250.0), year_goal=430.0)))
    assert chance(filled, "year", QUARTERS[0]) == 1.0


@pytest.mark.parametrize(("goal", "chance_"), [(0.9, (0.0, 0.001)), (1.01, (0.0, 0.0)), (0.3, (0.4, 0.6))])
def test_a_share_lies_within_0_and_100_percent(goal, chance_):
    rows = make_cells(kpi="lead_to_mql", expected=0.3, goal=goal)[:4]
    found = chance(fill(make_matrix(rows, variability={"lead_to_mql": 0.1})))
    assert chance_[0] <= found <= chance_[1]


def test_what_the_running_period_has_brought_is_certain():
    """90 leads have come and 10 of 100 usually still come: a goal of 91 is near certain, one of 130 out of reach."""
    cells = pd.concat([make_history([100.0] * 8), make_history([90.0]).assign(period_start=QUARTERS[2])])
    cells.loc[cells["period_start"] == QUARTERS[2], "is_complete"] = False
    for goal, low, high in ((90.0, 1.0, 1.0), (91.0, 0.99, 1.0), (130.0, 0.0, 0.001)):
        matrix = make_matrix(make_cells(goal=goal, actuals=(100.0, 100.0)))
        found = chance(fill(matrix, cells=cells, rest={"leads": 0.1}), start=QUARTERS[2])
        assert low <= found <= high


@pytest.mark.parametrize("kpi", ["leads", "revenue_won", "lead_to_mql"])
def test_a_higher_goal_of_any_cell_is_never_more_likely(kpi):
    expected = 0.4 if kpi == "lead_to_mql" else 40.0
    goals = np.linspace(0.2, 2.0, 25) * expected
    quarters = 1 if kpi == "lead_to_mql" else 4
    found = [
        fill(make_matrix(make_cells(kpi=kpi, expected=expected, goal=goal, year_goal=quarters * goal)))
        for goal in goals
    ]
    for grain, start in (("quarter", QUARTERS[-1]), ("year", QUARTERS[0])):
        chances = [chance(each, grain, start) for each in found]
        assert all(later <= earlier + 1e-12 for earlier, later in pairwise(chances))
        assert chances[0] > 0.9 and chances[-1] < 0.2


def test_wins_follow_the_simulated_revenue_and_the_company_s_revenue_is_it():
    outlook = pd.DataFrame([(QUARTERS[3], "quarter", 100.0, 50.0, 40.0, 60.0, 0.123, 8, "", 50.0)])
    outlook.columns = OUTLOOK_COLUMNS
    matrix = make_matrix(
        make_cells(kpi="revenue_won"), make_cells(kpi="revenue_won", slice_="Web"), variability={"revenue_won": 0.2}
    )
    filled = add_probability(matrix, outlook, catalog=CATALOG, rules=RULES)
    at = filled[(filled["grain"] == "quarter") & (filled["period_start"] == QUARTERS[3])].set_index("slice")
    assert at.loc["all", "probability"] == 0.123
    assert at.loc["Web", "probability"] < 0.05


def test_where_nothing_is_expected_no_chance_is_told():
    filled = fill(make_matrix(make_cells(expected=np.nan), make_cells(expected=0.0, slice_="Web")))
    assert filled["probability"].isna().all()


def test_an_empty_matrix_stays_empty():
    assert fill(make_matrix(make_cells()).iloc[:0]).empty


@pytest.mark.parametrize(("tau", "mean"), [(0.1, 100.0), (0.3, 400.0)], ids=["steady", "wild"])
def test_chances_of_volumes_are_calibrated_over_histories_drawn_from_known_spreads(tau, mean):
    """Eight quarters Poisson around a level that varies; a goal of any size for the next one and for the year."""
    rng, rows, cells, truth = np.random.default_rng(int(mean)), [], [], {}
    for slice_ in map(str, range(150)):
        came = rng.poisson(mean * np.exp(tau * rng.standard_normal(12) - tau**2 / 2)).astype(float)
        expected = expect_volume(pd.Series(came[:8], index=HISTORY), QUARTERS, grain="quarter", rules=RULES)
        factor = float(np.exp(rng.normal(0, tau + 0.05)))
        mine = make_cells(slice_=slice_, expected=1.0, year_goal=factor * sum(expected))
        rows += [[(*row[:5], factor * e, np.nan, e) for row, e in zip(mine[:4], expected, strict=True)] + mine[4:]]
        cells.append(make_history(came[:8], dimension="source", slice_=slice_))
        truth[slice_] = (came[8] >= factor * expected[0], came[8:].sum() >= factor * sum(expected))
    whole = RULES.model_copy(update={"slices": RULES.slices.model_copy(update={"maximum": 200})})
    filled = add_probability(make_matrix(*rows), NO_OUTLOOK, catalog=CATALOG, rules=whole, cells=pd.concat(cells))
    filled = filled[filled["period_start"] == QUARTERS[0]]
    for place, grain in enumerate(("quarter", "year")):
        mine = filled[filled["grain"] == grain]
        hit = [truth[slice_][place] for slice_ in mine["slice"]]
        table = tabulate_reliability(mine["probability"], hit, bins=4, confidence=0.99)
        assert table["n"].sum() == 150
        assert ((table["low"] <= table["foreseen"]) & (table["foreseen"] <= table["high"])).all()
