"""Changes: tested against independent computations, and corrected for how many were looked at."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from helpers.analyses.change import correct, score_changes
from helpers.analyses.change_money import add_squares
from helpers.engine.cells import build_cells
from helpers.engine.doubt import grouped_quantile, mean_interval, wilson_interval
from tests.companies import make_company


def cells(rows):
    columns = ["kpi", "numerator", "denominator", "value", "n", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def test_a_share_is_compared_like_a_two_by_two_table():
    """
    | period | won | closed |
    | before |  45 |    100 |
    | now    |  30 |    100 |   chi-square without correction = 4.8, p = 0.0285
    """
    now = cells([["win_rate", 30, 100, 0.30, 100, 0.22, 0.40]])
    before = cells([["win_rate", 45, 100, 0.45, 100, 0.36, 0.55]])
    table = stats.chi2_contingency([[30, 70], [45, 55]], correction=False)
    scored = score_changes(now, before, on=["kpi"])
    assert np.isclose(scored["p_value"].iloc[0], table.pvalue)
    assert np.isclose(scored["change"].iloc[0], -0.15)


def test_a_volume_is_compared_as_two_counts():
    """Of 200 leads, 80 fall into the later half: the binomial mid-p."""
    now = cells([["leads", 80, np.nan, 80, 80, np.nan, np.nan]])
    before = cells([["leads", 120, np.nan, 120, 120, np.nan, np.nan]])
    scored = score_changes(now, before, on=["kpi"])
    mid_p = 2 * (stats.binom.cdf(79, 200, 0.5) + stats.binom.pmf(80, 200, 0.5) / 2)
    assert np.isclose(scored["p_value"].iloc[0], mid_p)


def test_a_longer_period_explains_more_events():
    """310 leads in a month of 31 days after 280 in one of 28: ten a day, no change at all."""
    dates = {"period_start": pd.Timestamp("2025-03-01"), "period_end": pd.Timestamp("2025-03-31")}
    earlier = {"period_start": pd.Timestamp("2025-02-01"), "period_end": pd.Timestamp("2025-02-28")}
    now = cells([["leads", 3100, np.nan, 3100, 3100, np.nan, np.nan]]).assign(**dates)
    before = cells([["leads", 2800, np.nan, 2800, 2800, np.nan, np.nan]]).assign(**earlier)
    assert score_changes(now, before, on=["kpi"])["p_value"].iloc[0] > 0.9
    assert score_changes(now, before, on=["kpi"], days=(1, 1))["p_value"].iloc[0] < 0.001


def test_counts_that_always_vary_a_lot_are_no_news():
    def series(values):
        rows = [["leads", k, np.nan, k, k, np.nan, np.nan] for k in values]
        return cells(rows).assign(period_start=pd.date_range("2023-01-01", periods=len(values), freq="QS"))

    history = series([100, 160, 90, 170, 110, 150, 95, 165])
    now, before = series([150]), series([100])
    assert score_changes(now, before, on=["kpi"])["p_value"].iloc[0] < 0.01
    assert score_changes(now, before, on=["kpi"], history=history)["p_value"].iloc[0] > 0.2
    steady = series([100, 103, 98, 101, 99, 102, 100, 97])
    assert score_changes(now, before, on=["kpi"], history=steady)["p_value"].iloc[0] < 0.01


def test_few_records_are_compared_by_fishers_mid_p():
    now = cells([["win_rate", 5, 8, 0.625, 8, 0.3, 0.86]])
    before = cells([["win_rate", 1, 9, 0.111, 9, 0.02, 0.44]])
    table = stats.hypergeom(17, 6, 8)
    mid_p = 2 * (table.sf(5) + table.pmf(5) / 2)
    assert np.isclose(score_changes(now, before, on=["kpi"])["p_value"].iloc[0], mid_p)


def test_a_cell_without_a_past_has_no_change():
    now = cells([["leads", 80, np.nan, 80, 80, np.nan, np.nan]])
    scored = score_changes(now, now.iloc[:0], on=["kpi"])
    assert scored[["previous_value", "change", "p_value", "q_value"]].isna().all(axis=None)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_the_correction_is_benjamini_and_hochbergs(p_values):
    assert np.allclose(correct(np.array(p_values)), stats.false_discovery_control(p_values))


def test_a_median_of_one_record_has_neither_halves_nor_interval_and_is_not_tested():
    """As the engine hands it over: n is a nullable whole number, everything else is missing."""
    now = cells([["sales_cycle_days", np.nan, np.nan, 84.0, 1, np.nan, np.nan]]).astype({"n": "Int64"})
    before = cells([["sales_cycle_days", np.nan, np.nan, 90.0, 1, np.nan, np.nan]]).astype({"n": "Int64"})
    scored = score_changes(now, before, on=["kpi"])
    assert scored["change"].tolist() == [-6.0]
    assert scored[["p_value", "q_value"]].isna().all(axis=None)


def test_a_share_of_money_is_judged_by_its_interval_since_a_dollar_is_no_record():
    """Two deals of 300 and 200, one of them won, after one won deal of 100: nobody can tell a change from that."""
    columns = {"n": "Int64"}
    now = cells([["win_rate_value", 300.0, 500.0, 0.6, 2, 0.0, 1.0]]).astype(columns)
    before = cells([["win_rate_value", 100.0, 100.0, 1.0, 1, np.nan, np.nan]]).astype(columns)
    assert score_changes(now, before, on=["kpi"])["p_value"].isna().all()
    many = {"n": 2, "low": 0.2, "high": 1.0}
    assert score_changes(now.assign(**many), before.assign(**many), on=["kpi"])["p_value"].isna().all()


def test_a_share_of_money_of_many_records_is_compared_by_its_odds():
    now = cells([["win_rate_value", 24_000.0, 100_000.0, 0.24, 400, 0.20, 0.28]])
    before = cells([["win_rate_value", 31_000.0, 100_000.0, 0.31, 400, 0.27, 0.35]])
    widths = [np.log(b / (1 - b)) - np.log(a / (1 - a)) for a, b in ((0.20, 0.28), (0.27, 0.35))]
    spread = np.hypot(*widths) / 2 / stats.t.ppf(0.975, 399)
    t = (np.log(0.24 / 0.76) - np.log(0.31 / 0.69)) / spread
    expected = 2 * stats.t.sf(abs(t), 399)
    assert np.isclose(score_changes(now, before, on=["kpi"])["p_value"].iloc[0], expected)


def test_an_average_is_compared_by_its_ratio():
    now = cells([["average_deal_size", 3000.0, 10.0, 300.0, 10, 250.0, 360.0]])
    before = cells([["average_deal_size", 4000.0, 10.0, 400.0, 10, 320.0, 500.0]])
    width = np.hypot(np.log(360 / 250), np.log(500 / 320)) / 2 / stats.t.ppf(0.975, 9)
    expected = 2 * stats.t.sf(abs(np.log(300 / 400)) / width, 9)
    assert np.isclose(score_changes(now, before, on=["kpi"])["p_value"].iloc[0], expected)


def test_a_sum_of_money_is_tested_by_dealing_its_records_out_anew():
    """Against 20,000 shuffles of forty amounts between two periods."""
    rng = np.random.default_rng(5)
    amounts = rng.lognormal(9, 0.8, 40)
    is_now = np.arange(40) < 14
    sums = [amounts[is_now].sum(), amounts[~is_now].sum()]
    frames = [
        cells([["revenue_won", total, np.nan, total, n, np.nan, np.nan]]).assign(squares=(amounts[side] ** 2).sum())
        for total, n, side in zip(sums, (14, 26), (is_now, ~is_now), strict=True)
    ]
    found = score_changes(*frames, on=["kpi"])["p_value"].iloc[0]
    shuffled = rng.choice([-1, 1], (20_000, 40)) @ amounts
    assert found == pytest.approx((np.abs(shuffled) >= abs(sums[0] - sums[1])).mean(), abs=0.01)
    assert score_changes(*(frame.drop(columns="squares") for frame in frames), on=["kpi"])["p_value"].isna().all()


def test_squares_are_those_of_plain_pandas():
    deals = pd.DataFrame(
        {
            "id": range(6),
            "created_at": "2025-01-02",
            "closed_at": ["2025-02-01", "2025-02-03", "2025-05-01", "2025-05-09", "2025-05-10", "2025-06-01"],
            "stage": ["Closed Won"] * 5 + ["Closed Lost"],
            "amount": [100.0, 50.5, 10.0, 20.0, np.nan, 999.0],
            "region": ["US", "EU", "US", "US", "EU", "US"],
        }
    )
    company = make_company({"deal": deals})
    built = build_cells(company, kpis=["revenue_won"], by=[("region",)], grain="quarter")
    found = add_squares(company, built, "revenue_won", by=("region",)).set_index(["slice", "period_start"])["squares"]
    assert found["US", "2025-01-01"] == 100.0**2
    assert found["EU", "2025-01-01"] == 50.5**2
    assert found["US", "2025-04-01"] == 10.0**2 + 20.0**2
    assert found["EU", "2025-04-01"] == 0
    rate = build_cells(company, kpis=["win_rate"], by=[("region",)])
    assert add_squares(company, rate, "win_rate", by=("region",))["squares"].isna().all()


def test_sums_of_money_whose_numbers_always_vary_a_lot_raise_no_more_alarms_than_they_may():
    """Numbers of deals vary three times as much as chance (negative binomial); sizes vary as deals do."""
    rng, alone, known = np.random.default_rng(34), [], []
    for _ in range(40):
        counts = rng.negative_binomial(30, 1 / 3, (14, 30))
        rows = []
        for at, row in enumerate(counts):
            amounts = [rng.lognormal(9, 0.8, n) for n in row]
            sums, squares = ([part.sum() for part in values] for values in (amounts, [one**2 for one in amounts]))
            start = pd.Timestamp("2022-01-01") + pd.DateOffset(months=at)
            columns = {"kpi": "revenue_won", "slice": range(30), "n": row, "period_start": start}
            blank = {"denominator": np.nan, "low": np.nan, "high": np.nan}
            rows.append(pd.DataFrame({**columns, **blank, "numerator": sums, "value": sums, "squares": squares}))
        now, before, history = rows[-1], rows[-2], pd.concat(rows[:-2])
        dates = {"period_start": pd.Timestamp("2023-01-01")}
        sides = now.assign(**dates), before.assign(**dates)
        alone += score_changes(*sides, on=["kpi", "slice"])["p_value"].tolist()
        known += score_changes(*sides, on=["kpi", "slice"], history=history)["p_value"].tolist()
    assert np.mean(np.array(alone) < 0.05) > 0.12 and 0.03 < np.mean(np.array(known) < 0.05) < 0.07


SIZES = np.concatenate([[400], np.random.default_rng(30).integers(5, 300, 39)])


def make_cells(rng, *, later=1.0):
    """Make 40 slices with shares, counts and money, in which only slice 0 differs by the factor ``later``."""
    factor = np.where(np.arange(40) == 0, later, 1.0)
    n, frames = SIZES, []
    won = rng.binomial(n, 0.3 * factor)
    low, high = wilson_interval(won, n)
    columns = {
        "slice": range(40),
        "numerator": won,
        "denominator": n,
        "value": won / n,
        "n": n,
        "low": low,
        "high": high,
    }
    frames.append(pd.DataFrame({"kpi": "win_rate", **columns}))
    counted = rng.poisson(n * factor)
    blank = {"denominator": np.nan, "low": np.nan, "high": np.nan}
    counts = {"slice": range(40), "numerator": counted, "value": counted, "n": counted}
    frames.append(pd.DataFrame({"kpi": "leads", **counts, **blank}))
    amounts = [rng.lognormal(9, 0.8, k) for k in rng.poisson(n * 0.3 * factor)]
    sums = {"numerator": [a.sum() for a in amounts], "value": [a.sum() for a in amounts]}
    rest = {"slice": range(40), "n": [len(a) for a in amounts], "squares": [(a**2).sum() for a in amounts]}
    frames.append(pd.DataFrame({"kpi": "revenue_won", **rest, **sums, **blank}))
    return pd.concat(frames, ignore_index=True).astype({"numerator": float, "denominator": float, "value": float})


def test_companies_in_which_nothing_changed_hardly_ever_get_an_alarm():
    """120 comparisons each, 200 companies: an alarm in at most 5 % of them, give or take two errors of that share."""
    rng = np.random.default_rng(31)
    alarms = [
        (score_changes(make_cells(rng), make_cells(rng), on=["kpi", "slice"])["q_value"] <= 0.05).any()
        for _ in range(200)
    ]
    assert np.mean(alarms) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 200)


def test_a_planted_fall_is_found_among_120_comparisons():
    rng, found = np.random.default_rng(32), []
    for _ in range(60):
        scored = score_changes(make_cells(rng, later=0.5), make_cells(rng), on=["kpi", "slice"])
        found.append(scored.loc[scored["slice"] == 0, "q_value"].le(0.05).tolist())
    assert (np.mean(found, axis=0) >= [0.85, 0.95, 0.4]).all()


def test_medians_and_averages_raise_no_more_alarms_than_they_may():
    rng, p_values = np.random.default_rng(33), {"average": [], "median": []}
    for _ in range(40):
        sides = []
        for _side in range(2):
            groups = np.repeat(np.arange(40), 30)
            values = rng.lognormal(9, 0.8, len(groups))
            total, squares = np.bincount(groups, values), np.bincount(groups, values**2)
            low, high = mean_interval(total, squares, np.full(40, 30))
            shared = {"slice": range(40), "n": 30}
            means = {"numerator": total, "denominator": 30.0, "value": total / 30, "low": low, "high": high}
            middle, bottom, top, _ = grouped_quantile(groups, values, 40, 0.5)
            blank = {"numerator": np.nan, "denominator": np.nan}
            frames = [
                pd.DataFrame({"kpi": "average", **shared, **means}),
                pd.DataFrame({"kpi": "median", **shared, **blank, "value": middle, "low": bottom, "high": top}),
            ]
            sides.append(pd.concat(frames, ignore_index=True))
        scored = score_changes(*sides, on=["kpi", "slice"])
        for kpi, found in p_values.items():
            found += scored.loc[scored["kpi"] == kpi, "p_value"].tolist()
    assert np.mean(np.array(p_values["average"]) < 0.05) <= 0.06
    assert np.mean(np.array(p_values["median"]) < 0.05) <= 0.05
