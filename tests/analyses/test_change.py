"""Changes: tested against independent computations, and corrected for how many were looked at."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from helpers.analyses.change import correct, score_changes


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
    now = cells([["leads", 80, np.nan, 80, 80, np.nan, np.nan]])
    before = cells([["leads", 120, np.nan, 120, 120, np.nan, np.nan]])
    scored = score_changes(now, before, on=["kpi"])
    assert np.isclose(scored["p_value"].iloc[0], 2 * stats.norm.sf(40 / np.sqrt(200)))


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
    known = before.assign(low=0.2, high=1.0)
    z = -0.4 / (np.hypot(1.0, 0.8) / (2 * stats.norm.ppf(0.975)))
    assert np.isclose(score_changes(now, known, on=["kpi"])["p_value"].iloc[0], 2 * stats.norm.sf(abs(z)))


def test_a_mean_is_judged_by_its_interval_too():
    now = cells([["average_deal_size", 3000.0, 10.0, 300.0, 10, 250.0, 350.0]])
    before = cells([["average_deal_size", 4000.0, 10.0, 400.0, 10, 350.0, 450.0]])
    z = -100 / (np.hypot(100, 100) / (2 * stats.norm.ppf(0.975)))
    assert np.isclose(score_changes(now, before, on=["kpi"])["p_value"].iloc[0], 2 * stats.norm.sf(abs(z)))
