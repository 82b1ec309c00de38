"""The close curve, tested on a published table and on tables that can be counted by eye."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.close_curve import (
    CLOSE_CURVE_COLUMNS,
    build_close_curve,
    count_closes,
    expect_wins,
    find_deadline,
    get_shares,
    split_share,
    total_complete,
)
from helpers.errors import QuestionError
from helpers.periods import period_of

# Kellogg, time-based close rates: % of the opportunities of a quarter closed k quarters later.
KELLOGG = {
    "1Q17": [0, 4, 6, 2, 4, 2, 0],
    "2Q17": [2, 4, 8, 4, 2, 0, 0],
    "3Q17": [2, 0, 6, 6, 2, 4, 0],
    "4Q17": [0, 2, 10, 2, 0, 0, 0],
    "1Q18": [2, 4, 8, 4, 2, 0, 0],
    "2Q18": [4, 2, 4, 6, 2, 2, 0],
    "3Q18": [2, 2, 6, 4, 2, 0],
    "4Q18": [2, 4, 8, 0, 2],
    "1Q19": [0, 4, 6, 2],
    "2Q19": [2, 4, 8],
    "3Q19": [0, 4],
    "4Q19": [2],
}


def make_kellogg():
    rows = [
        {"cohort": cohort, "age": age, "n": 50, "won": percent * 50 / 100}
        for cohort, row in KELLOGG.items()
        for age, percent in enumerate(row)
    ]
    return build_close_curve(pd.DataFrame(rows))


def test_published_close_rates_have_the_published_means_per_age():
    mean = get_shares(make_kellogg()) * 100
    assert [round(value, 2) for value in mean] == [1.50, 3.09, 7.00, 3.33, 2.00, 1.14, 0.00]
    assert round(mean.sum(), 2) == 18.07


def test_mean_of_the_complete_cohorts_differs_from_the_sum_of_the_mean_curve():
    assert total_complete(make_kellogg()) * 100 == pytest.approx(112 / 6, abs=1e-12)


def test_published_quarter_expects_42_83_wins_and_a_surplus_of_2_83_at_full_precision():
    created = [325, 225, 250, 225, 200, 175, 150]
    shares = get_shares(make_kellogg())
    wins = expect_wins(created, shares)
    assert round(wins, 2) == 42.83
    assert round(wins - 5_000_000 / 125_000, 2) == 2.83


def test_totals_of_the_published_sheet_are_met_to_its_own_digits():
    """The sheet shows 18.1 for the sum of the mean rates, 18.7 for the mean of the complete cohorts, 2.8 to spare.

    It is laid out in one digit, so its rates look like 1.5, 3.1, 7.0, 3.3, 2.0, 1.1, 0.0 %. Whoever adds the wins up
    from those gets 42.70 in place of 42.83, and 2.7 to spare: rates are never rounded first.
    """
    created, shares = [325, 225, 250, 225, 200, 175, 150], get_shares(make_kellogg())
    assert round(shares.sum() * 100, 1) == 18.1
    assert round(total_complete(make_kellogg()) * 100, 1) == 18.7
    assert round(expect_wins(created, shares) - 5_000_000 / 125_000, 1) == 2.8
    shown = [round(share * 100, 1) for share in shares]
    assert shown == [1.5, 3.1, 7.0, 3.3, 2.0, 1.1, 0.0]
    rounded = expect_wins(created, [rate / 100 for rate in shown])
    assert round(rounded, 2) == 42.70 and round(rounded - 40, 1) == 2.7


def test_mean_is_unweighted_and_pooled_is_weighted():
    """
    cohort  n    won at age 0
    A       10   1   (10 %)
    B       30   9   (30 %)   mean 20 %, pooled 10/40 = 25 %
    """
    curve = build_close_curve(pd.DataFrame({"cohort": ["A", "B"], "age": 0, "n": [10, 30], "won": [1, 9]}))
    assert list(curve.columns) == CLOSE_CURVE_COLUMNS
    assert curve.set_index("cohort")["share"].to_dict() == {"A": 0.1, "B": 0.3, "mean": 0.2, "pooled": 0.25}


def test_incomplete_entries_stay_visible_and_out_of_the_averages():
    counts = pd.DataFrame({"cohort": ["A", "B"], "age": 0, "n": 10, "won": [4, 0], "is_complete": [True, False]})
    curve = build_close_curve(counts)
    assert get_shares(curve).tolist() == [0.4]
    assert curve[curve["cohort"] == "B"]["share"].tolist() == [0.0]


def test_closes_are_counted_by_period_of_creation_and_age():
    """
    created      won          cohort   age
    2026-01-10   2026-03-31   Q1       0
    2026-03-31   2026-04-01   Q1       1
    2026-02-01   –            Q1       –
    2026-04-05   2026-07-01   Q2       –    (after as_of)
    2026-04-05   2026-04-01   Q2       –    (won before it was created)
    as of 30 Jun 2026: both quarters are whole
    """
    created = pd.Series(["2026-01-10", "2026-03-31", "2026-02-01", "2026-04-05", "2026-04-05"])
    won = pd.Series(["2026-03-31", "2026-04-01", None, "2026-07-01", "2026-04-01"])
    counts = count_closes(created, won, as_of=date(2026, 6, 30))
    assert counts.to_dict("list") == {
        "cohort": ["2026-01-01", "2026-01-01", "2026-04-01"],
        "age": [0, 1, 0],
        "n": [3, 3, 2],
        "won": [1, 1, 0],
        "is_complete": [True, True, True],
    }


def test_the_running_period_is_incomplete_at_every_cohorts_last_age():
    created = pd.Series(["2026-01-10", "2026-04-05"])
    counts = count_closes(created, pd.Series([pd.NaT, pd.NaT]), as_of=date(2026, 5, 20))
    assert counts["is_complete"].tolist() == [True, False, False]


def test_order_of_records_does_not_matter():
    generator = np.random.default_rng(7)
    created = pd.Series(pd.Timestamp("2025-01-01") + pd.to_timedelta(generator.integers(0, 600, 200), "D"))
    won = created + pd.to_timedelta(generator.integers(0, 300, 200), "D")
    order = generator.permutation(200)
    one = count_closes(created, won, as_of=date(2026, 9, 30))
    other = count_closes(created.iloc[order], won.iloc[order], as_of=date(2026, 9, 30))
    pd.testing.assert_frame_equal(one, other)


def test_nothing_created_gives_an_empty_curve():
    empty = count_closes(
        pd.Series([], dtype="datetime64[us]"), pd.Series([], dtype="datetime64[us]"), as_of=date(2026, 1, 1)
    )
    curve = build_close_curve(empty)
    assert curve.empty and list(curve.columns) == CLOSE_CURVE_COLUMNS
    assert get_shares(curve).empty and np.isnan(total_complete(curve))


def test_missing_column__error():
    with pytest.raises(QuestionError, match="column 'won' is missing"):
        build_close_curve(pd.DataFrame({"cohort": ["A"], "age": [0], "n": [1]}))


@pytest.mark.parametrize("cut", [0.25, 0.5, 0.9])
def test_the_parts_of_a_period_give_back_its_share(cut):
    shares = [0.1, 0.2, 0.05]
    for age, whole in enumerate(shares):
        early, late = split_share(shares, age, 0, cut), split_share(shares, age, cut, 1)
        assert cut * early + (1 - cut) * late == pytest.approx(whole)
    assert split_share(shares, 0, 0, cut) > split_share(shares, 0, cut, 1)
    assert split_share(shares, 2, 0, cut) < split_share(shares, 2, cut, 1)


def test_records_won_evenly_over_one_period_split_as_on_paper():
    """Won after a time spread evenly over one period (half of them in the period of creation): of those created in its
    first half, 3/4 are won in it, of those in its second half 1/4. Measured on 200,000 drawn records."""
    generator = np.random.default_rng(1)
    created, lag = generator.random(200_000), generator.random(200_000)
    same, early = created + lag < 1, created < 0.5
    assert same[early].mean() == pytest.approx(0.75, abs=0.01) and same.mean() == pytest.approx(0.5, abs=0.01)
    found = split_share([0.5, 0.5], 0, 0, 0.5)
    assert found == pytest.approx(0.75, abs=0.08)


def test_a_deadline_counts_back_in_the_companys_own_quarters():
    """All wins come two quarters later; a quarter that ends on 31 Jan 2027 begins on 1 Nov, the one before on 1 Aug."""
    landing = period_of(date(2026, 12, 1), "quarter", 2)
    assert find_deadline(landing, [0, 0, 0.1]) == date(2026, 7, 31)
    assert find_deadline(landing, []) is None


def test_a_longer_lag_makes_it_too_late_earlier():
    landing = period_of(date(2026, 12, 31), "quarter")
    quick = find_deadline(landing, [0.2, 0.05])
    slow = find_deadline(landing, [0.02, 0.05, 0.2])
    assert slow < quick < landing.end
    assert find_deadline(landing, [0.0, 0.0]) is None
