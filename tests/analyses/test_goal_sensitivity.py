"""What a point is worth, by hand: of 100 leads a quarter half are opportunities a quarter later, half of those wins."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.goal_sensitivity import (
    SENSITIVITY_COLUMNS,
    expect_wins_ahead,
    find_sensitivity,
    measure_sensitivity,
    say_sensitivity,
)
from helpers.analyses.revenue_draws import draw_revenue
from helpers.analyses.revenue_history import read_revenue_history
from helpers.engine.cells import build_cells
from helpers.model.goal import load_goal_rules
from tests.analyses.test_goal_simulation import PERIODS, USUAL, make_history
from tests.companies import make_company

RULES = load_goal_rules()
AS_OF = date(2026, 9, 30)
EACH = {"leads": 100.0, "opportunities": 50.0, "lead_to_opportunity": 0.5, "opportunity_to_won": 0.5}


def make_contacts(quarters=12):
    """Leads on the 10th day of a quarter; every second one an opportunity a quarter later, every fourth won at 10."""
    rows = []
    starts = pd.date_range("2023-10-01", periods=quarters, freq="QS") + pd.Timedelta(days=9)
    for place, start in enumerate(starts):
        for n in range(100):
            opportunity = starts[place + 1] if n % 2 == 0 and place + 1 < quarters else pd.NaT
            won = starts[place + 2] if n % 4 == 0 and place + 2 < quarters else pd.NaT
            rows.append((f"{place}-{n}", start, opportunity, won, 10.0 if pd.notna(won) else np.nan))
    return pd.DataFrame(rows, columns=["id", "created_at", "opportunity_at", "won_at", "won_amount"])


@pytest.fixture(scope="module")
def measured():
    company = make_company({"contact": make_contacts()}, latest_event=AS_OF)
    history = read_revenue_history(company, as_of=AS_OF, grain="quarter", rules=RULES)
    rows = [(kpi, period.start, value) for kpi, value in EACH.items() for period in PERIODS]
    rows += [("average_deal_size", period.start, 10.0) for period in PERIODS]
    matrix = pd.DataFrame(rows, columns=["kpi", "period_start", "expected"])
    matrix = matrix.assign(grain="quarter", dimension="all", slice="all", goal=np.nan, actual=np.nan, locked=False)
    cells = build_cells(company, as_of=AS_OF)
    return measure_sensitivity(company, matrix, history, PERIODS, cells=cells, as_of=AS_OF, rules=RULES)


@pytest.mark.parametrize(
    ("kpi", "step", "worth"),
    [
        # 1 lead more in each of four quarters: ½ opportunity in the last three, ¼ win in the last two, at 10.
        ("leads", "1 %", 5.0),
        # ½ opportunity more in each: ¼ win in the last three.
        ("opportunities", "1 %", 7.5),
        # 51 % in place of 50 %: 1 opportunity more in each, of leads that are there already too: ½ win in three.
        ("lead_to_opportunity", "1 point", 15.0),
        # 51 % in place of 50 %: ½ win more in each of the four.
        ("opportunity_to_won", "1 point", 20.0),
        # 25 wins a quarter at 10: 1 % of 1,000.
        ("average_deal_size", "1 %", 10.0),
    ],
)
def test_a_step_is_worth_what_arrives_within_the_horizon(measured, kpi, step, worth):
    row = measured.set_index("kpi").loc[kpi]
    assert row["step"] == step
    assert row["revenue_per_step"] == pytest.approx(worth, rel=1e-6)


def test_the_base_is_what_the_engine_brings_and_every_driver_at_its_value_leaves_it(measured):
    assert list(measured.columns) == SENSITIVITY_COLUMNS
    assert measured.attrs["base"] == pytest.approx(1000.0)
    assert measured.attrs["horizon"] == "Q4 2026 to Q3 2027"
    row = measured.set_index("kpi").loc["leads"]
    # Every quarter of the past had 100 leads, so its deciles are the value itself.
    assert (row["low_value"], row["high_value"]) == (100.0, 100.0)
    assert (row["low_revenue"], row["high_revenue"]) == pytest.approx((1000.0, 1000.0))


def test_drivers_are_ordered_by_how_far_their_past_would_move_revenue(measured):
    width = (measured["high_revenue"] - measured["low_revenue"]).abs().fillna(-1)
    assert (np.diff(width) <= 1e-9).all()
    said = say_sensitivity(measured)
    assert said.startswith(f"{measured['label'].iloc[0]} moves revenue most: Q4 2026 to Q3 2027 bring ")
    finding = find_sensitivity(measured)[0]
    assert finding.headline == said and finding.evidence["n"] == measured["periods"].iloc[0]


def test_expected_wins_are_the_mean_of_the_draws():
    history = make_history(rates=USUAL, open_by_age=(0, 50))
    history = replace(history, sizes=np.array([1.0]))
    drawn = draw_revenue(history, PERIODS, rules=RULES).new
    expected = expect_wins_ahead(history, PERIODS, rules=RULES)
    assert expected == pytest.approx([12.5 + 20, 30, 30, 30])
    assert [draws.mean() for draws in drawn.values()] == pytest.approx(expected, rel=0.02)


def test_half_way_through_a_period_only_its_rest_can_still_change():
    history = make_history(rates=USUAL, open_by_age=(0, 0), rest=0.5)
    assert expect_wins_ahead(history, PERIODS[:1], rules=RULES) == pytest.approx([0.5 * 20])


def test_without_a_curve_deal_sizes_or_a_matrix_nothing_is_told():
    company = make_company({"contact": make_contacts(2)}, latest_event=AS_OF)
    history = read_revenue_history(company, as_of=AS_OF, grain="quarter", rules=RULES)
    empty = pd.DataFrame(columns=["kpi", "grain", "period_start", "dimension", "slice", "expected"])
    found = measure_sensitivity(company, empty, history, PERIODS, cells=empty, as_of=AS_OF, rules=RULES)
    assert found.empty and say_sensitivity(found) == "" and find_sensitivity(found) == []
