"""Every rate has an interval that holds as often as it says, or a stated reason why it has none."""

import numpy as np
import pytest

from helpers.company import open_company
from helpers.engine.cells import build_cells
from helpers.engine.doubt import (
    positive_mean_interval,
    ratio_of_sums_interval,
    share_of_sums_interval,
    wilson_interval,
)
from helpers.engine.intervals import explain_interval
from tests.real_data import PROJECT


def sums_of(x, y):
    return tuple(part.sum(axis=1) for part in (x, y, x * x, x * y, y * y))


def held(low, high, truth):
    return float(((low <= truth) & (truth <= high)).mean())


@pytest.mark.parametrize("rate", [0.1, 0.25, 0.5])
@pytest.mark.parametrize("n", [40, 200])
def test_a_win_rate_is_held(n, rate):
    won = np.random.default_rng(n).binomial(n, rate, 20_000)
    assert 0.93 <= held(*wilson_interval(won, np.full(len(won), n)), rate) <= 0.97


@pytest.mark.parametrize("n", [15, 30, 60, 200])
def test_a_win_rate_by_value_is_held_from_few_deals_on(n):
    """Amounts lognormal with a spread of 0.7; a plain normal interval would hold 85 % at 15 deals."""
    rng = np.random.default_rng(n)
    amount = rng.lognormal(9, 0.7, (4000, n))
    x = amount * (rng.random((4000, n)) < 0.3)
    low, high = share_of_sums_interval(sums_of(x, amount), np.full(4000, n))
    told = ~np.isnan(low)
    assert 0.93 <= held(low[told], high[told], 0.3) <= 0.97


@pytest.mark.parametrize("n", [24, 72, 240])
def test_a_pipeline_conversion_is_held_though_deals_created_later_book_too(n):
    """Five deals in six are due and a quarter of them is booked; the sixth is created and booked in the period."""
    rng = np.random.default_rng(n)
    amount, is_due = rng.lognormal(9, 0.5, (4000, n)), rng.random((4000, n)) < 5 / 6
    opened = amount * is_due
    booked = amount * np.where(is_due, rng.random((4000, n)) < 0.25, True)
    low, high = ratio_of_sums_interval(sums_of(booked, opened), np.full(4000, n))
    assert 0.93 <= held(low, high, 0.25 + 1 / 5) <= 0.97


@pytest.mark.parametrize("n", [12, 40, 150])
def test_an_average_amount_is_held(n):
    amount = np.random.default_rng(n).lognormal(9, 0.4, (6000, n))
    low, high = positive_mean_interval(amount.sum(axis=1), (amount**2).sum(axis=1), np.full(6000, n))
    assert 0.93 <= held(low, high, np.exp(9 + 0.4**2 / 2)) <= 0.97


def test_bounds_stay_where_the_number_can_lie_and_nothing_is_made_up():
    x, y = np.array([[1.0, 0.0, 9.0]]), np.array([[1.0, 1.0, 9.5]])
    low, high = share_of_sums_interval(sums_of(x, y), np.array([3]))
    assert 0 < low[0] < x.sum() / y.sum() < high[0] < 1
    all_won = share_of_sums_interval(sums_of(y, y), np.array([3]))
    assert np.isnan(all_won).all()
    assert np.isnan(ratio_of_sums_interval(sums_of(x * 0, y), np.array([3]))).all()
    assert np.isnan(ratio_of_sums_interval(sums_of(x[:, :1], y[:, :1]), np.array([1]))).all()


@pytest.fixture(scope="module")
def company():
    return open_company(PROJECT / "data" / "samples" / "brightwater")


def test_every_kpi_says_whether_it_has_an_interval_and_its_cells_agree(company):
    cells = build_cells(company, grain="quarter", as_of="2026-09-30")
    conversions = company.catalog.conversions_between({stage: "" for stage in company.catalog.stages})
    known = {**{kpi.id: kpi for kpi in conversions}, **company.catalog.kpis}
    for (id, basis), rows in cells.groupby(["kpi", "basis"]):
        has, reason = explain_interval(known[id], basis)
        assert len(reason) > 20
        assert rows["low"].notna().any() == has, (id, basis, reason)
    held_inside = cells["low"].isna() | (
        (cells["low"] <= cells["value"]) & (cells["value"] <= cells["high"].fillna(np.inf))
    )
    assert held_inside.all(), cells[~held_inside].to_string()
