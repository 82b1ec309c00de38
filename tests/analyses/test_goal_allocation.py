"""A goal split over slices: parts that add up whatever is typed, bounds that hold, and no worse than history."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.analyses.goal_allocation import (
    ALLOCATION_COLUMNS,
    allocate_goal,
    as_goals,
    review_allocation,
    split_exactly,
)
from helpers.analyses.slice_returns import SLICE_COLUMNS, read_slices, shrink_means, shrink_rates
from helpers.answers.goals import read_goals, read_row
from helpers.answers.toml_text import dump_toml
from helpers.errors import ParameterError, QuestionError
from helpers.model.catalog import load_catalog
from helpers.model.goal import load_goal_rules
from helpers.model.pipeline_source import load_pipeline_sources
from helpers.periods import period_of
from tests.companies import make_company

VOLUMES = {"Inbound": 600.0, "Outbound": 300.0, "Partner": 100.0}


def make_slices(volumes=None, *, returns=None, best=None, n=50, is_effort=True):
    volumes = VOLUMES if volumes is None else volumes
    size = len(volumes)
    table = pd.DataFrame(
        {
            "slice": list(volumes),
            "volume": [float(v) for v in volumes.values()],
            "n": [n] * size,
            "best": [float(v) for v in volumes.values()] if best is None else best,
            "expected": [v / 4 for v in volumes.values()],
            "return": [1000.0] * size if returns is None else returns,
            "return_n": [n] * size,
        }
    )[SLICE_COLUMNS]
    table.attrs = {"is_effort": is_effort, "driver": "opportunities"}
    return table


def goals_of(table):
    return dict(zip(table["slice"], table["goal"], strict=True))


# ---- by history and by hand ------------------------------------------------------------------------------------------


def test_a_goal_is_split_by_the_shares_of_the_last_year():
    table = allocate_goal(make_slices(), 500.0, unit="count")
    assert list(table.columns) == ALLOCATION_COLUMNS
    assert goals_of(table) == {"Inbound": 300, "Outbound": 150, "Partner": 50}
    assert table["absorbed"].tolist() == [150, 75, 25], "each part says what it took of the rise from 250 to 500"


def test_thirds_of_a_hundred_add_up_to_the_cent():
    assert split_exactly(np.ones(3), 100.0).sum() == 100.0
    table = allocate_goal(make_slices(dict.fromkeys("ABC", 1)), 100.0)
    assert sorted(table["goal"]) == [33.33, 33.33, 33.34]


def test_what_is_typed_stays_and_the_rest_goes_by_history():
    table = allocate_goal(make_slices(), 1000.0, how="hand", typed={"Partner": 400.0})
    assert goals_of(table) == {"Inbound": 400.0, "Outbound": 200.0, "Partner": 400.0}
    assert table["note"].tolist() == ["", "", "as typed"]


def test_a_share_is_kept_as_typed():
    table = allocate_goal(make_slices(), 1000.0, how="hand", shares={"Partner": 0.25})
    assert goals_of(table) == {"Inbound": 500.0, "Outbound": 250.0, "Partner": 250.0}


def test_the_absorber_takes_the_whole_difference_and_nobody_else_moves():
    table = allocate_goal(make_slices(), 300.0, unit="count", absorber="Outbound")
    assert goals_of(table) == {"Inbound": 150, "Outbound": 125, "Partner": 25}
    assert table["absorbed"].tolist() == [0, 50, 0]


def test_an_absorber_that_would_have_to_take_less_than_nothing_is_named():
    with pytest.raises(ParameterError, match=r"\[absorber\] Partner would have to take -125"):
        allocate_goal(make_slices(), 100.0, unit="count", absorber="Partner")


def test_small_slices_and_those_without_history_are_marked():
    slices = make_slices({"Inbound": 90, "Trade fair": 9, "Radio": 0}).assign(n=[90, 9, 0])
    assert allocate_goal(slices, 99.0)["note"].tolist() == ["", "few records", "nothing in the last year"]


def test_a_goal_that_is_no_whole_record_is_split_into_whole_records():
    table = allocate_goal(make_slices(), 133.33, unit="count")
    assert table["goal"].sum() == table.attrs["goal"] == 133


# ---- contradictions --------------------------------------------------------------------------------------------------


def test_low_bounds_beyond_the_goal_are_named_with_what_they_ask_too_much():
    with pytest.raises(ParameterError, match=r"Inbound \(80\), Partner \(40\) have to reach 120 together, 20 more"):
        allocate_goal(make_slices(), 100.0, bounds={"Inbound": (80, None), "Partner": (40, None)})


def test_high_bounds_below_the_goal_are_named_with_what_is_missing():
    bounds = {"Inbound": (None, 50), "Outbound": (None, 20), "Partner": (None, 10)}
    with pytest.raises(
        ParameterError, match=r"Inbound \(50\), Outbound \(20\), Partner \(10\) may reach 80 .* 20 less"
    ):
        allocate_goal(make_slices(), 100.0, how="optimise", bounds=bounds)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"typed": {"Partner": 12.5}, "unit": "count"}, "whole number"),
        ({"typed": {"Partner": -1}}, "of 0 or more"),
        ({"typed": {"Partner": float("nan")}}, "of 0 or more"),
        ({"shares": {"Partner": 30}}, "0.3 for 30 %"),
        ({"shares": {"Partner": 0.7, "Inbound": 0.6}}, "more than the whole together"),
        ({"shares": {"Partner": 0.1}, "typed": {"Partner": 1}}, "both a goal and a share"),
        ({"typed": {"Partner": 50}, "bounds": {"Partner": (None, 40)}}, "outside its bounds 0 to 40"),
        ({"bounds": {"Partner": (50, 40)}}, "bounds of Partner"),
        ({"typed": {"Partner": 5}, "absorber": "Partner"}, "stays at what was typed"),
        ({"how": "optimize"}, "Did you mean 'optimise'"),
        ({"unit": "share"}, "Allowed: currency, count"),
        ({"how": "optimise", "absorber": "Partner"}, "optimising moves every slice"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_what_cannot_be_kept_is_refused_and_told(options, said):
    with pytest.raises(ParameterError, match=said):
        allocate_goal(make_slices(), 100.0, **{"how": "hand", **options})


def test_an_unknown_slice_is_told_with_what_was_probably_meant():
    with pytest.raises(QuestionError, match="Did you mean 'Partner'"):
        allocate_goal(make_slices(), 100.0, typed={"Partnr": 1})


# ---- optimising ------------------------------------------------------------------------------------------------------


def test_optimising_moves_effort_to_the_better_return_but_not_all_of_it():
    slices = make_slices({"A": 100, "B": 100}, returns=[2000.0, 1000.0], best=[200.0, 200.0])
    table = allocate_goal(slices, 200.0, unit="count", how="optimise")
    assert goals_of(table) == {"A": 125, "B": 75}, "bounded at a quarter around 100"
    assert table.attrs["after"] > table.attrs["before"]


def test_within_wide_bounds_the_marginal_returns_are_equal():
    """Elasticity 0.7: marginal return r·0.7·(e/50)^−0.3; equal where e_A/e_B = 2^(1/0.3) = 10.08: 90.97 of 100."""
    slices = make_slices({"A": 100, "B": 100}, returns=[2000.0, 1000.0], best=[100.0, 100.0])
    bounds = {"A": (0, 100), "B": (0, 100)}
    table = allocate_goal(slices, 100.0, how="optimise", bounds=bounds)
    assert table["goal"].iloc[0] == pytest.approx(100 * 2 ** (1 / 0.3) / (1 + 2 ** (1 / 0.3)), abs=2.5)


def test_no_slice_is_lifted_beyond_its_best_period_ever():
    slices = make_slices({"A": 100, "B": 100}, returns=[2000.0, 1000.0], best=[54.0, 200.0])
    assert goals_of(allocate_goal(slices, 100.0, unit="count", how="optimise"))["A"] == 54


def test_a_revenue_goal_is_reached_with_less_effort():
    slices = make_slices({"A": 100, "B": 100}, returns=[2000.0, 1000.0], best=[1e9, 1e9], is_effort=False)
    past, best = (allocate_goal(slices, 1e6, how=how) for how in ("history", "optimise"))
    assert goals_of(best) == {"A": 625_000, "B": 375_000}
    usual = 500_000 / 2000 + 500_000 / 1000
    assert best["effort"].sum() < usual
    assert best.attrs["after"] == pytest.approx(1e6 * (usual / best["effort"].sum()) ** 0.7)
    assert past["effort"].isna().all()


def test_without_any_win_there_is_nothing_to_optimise_by():
    with pytest.raises(ParameterError, match="no slice has won anything"):
        allocate_goal(make_slices(returns=[np.nan] * 3), 100.0, how="optimise")


@st.composite
def problems(draw):
    size = draw(st.integers(2, 6))
    number = st.floats(0, 1e6, allow_nan=False).map(lambda value: round(value, 2))
    slices = make_slices(
        {f"s{i}": draw(number) for i in range(size)},
        returns=[draw(st.floats(1, 1e5)) for _ in range(size)],
        best=[draw(number) for _ in range(size)],
        is_effort=draw(st.booleans()),
    )
    unit = draw(st.sampled_from(["currency", "count"]))
    goal = draw(st.integers(0, 10**7)) / (1 if unit == "count" else 100)
    typed = {"s0": float(int(goal * draw(st.floats(0, 1))))} if draw(st.booleans()) else {}
    bounds = {"s1": (int(goal * draw(st.floats(0, 0.2))), int(goal * draw(st.floats(0.3, 1))) + 1)}
    return slices, goal, unit, typed, bounds if draw(st.booleans()) else {}


@given(problems(), st.sampled_from(["history", "hand", "optimise"]))
@settings(max_examples=70, deadline=None, derandomize=True)
def test_parts_add_up_exactly_bounds_hold_and_what_is_typed_stays(problem, how):
    slices, goal, unit, typed, bounds = problem
    try:
        table = allocate_goal(slices, goal, unit=unit, how=how, typed=typed, bounds=bounds)
    except ParameterError as error:
        assert "[bounds" in str(error), "only bounds contradict a goal"
        return
    scale = 1 if unit == "count" else 100
    units = (table["goal"] * scale).round().astype("int64")
    np.testing.assert_allclose(units, table["goal"] * scale, atol=1e-4)
    assert units.sum() == round(goal * scale)
    assert (table["goal"] >= table["low_bound"].fillna(0) - 1e-9).all()
    assert (table["goal"] <= table["high_bound"].fillna(np.inf) + 1e-9).all()
    assert goals_of(table).items() >= typed.items()


@given(problems())
@settings(max_examples=50, deadline=None, derandomize=True)
def test_optimising_never_brings_less_than_history_within_the_same_bounds(problem):
    slices, goal, unit, typed, bounds = problem
    try:
        best = allocate_goal(slices, goal, unit=unit, how="optimise", typed=typed, bounds=bounds)
    except ParameterError:
        return
    held = zip(best["slice"], best["low_bound"], best["high_bound"], strict=True)
    same = {name: (None if np.isnan(low) else low, None if np.isnan(high) else high) for name, low, high in held}
    past = allocate_goal(slices, goal, unit=unit, how="history", typed=typed, bounds=same)
    elasticity, returns = best.attrs["elasticity"], slices["return"].to_numpy()
    base = slices["volume"].to_numpy() / max(slices["volume"].sum(), 1e-9) * goal
    known = base > 0.05
    if slices.attrs["is_effort"]:
        brought = [returns * base * (t["goal"] / np.where(known, base, 1)) ** elasticity for t in (past, best)]
    else:
        brought = [-base / returns * (t["goal"] / np.where(known, base, 1)) ** (1 / elasticity) for t in (past, best)]
    before, after = (float(part[known].sum()) for part in brought)
    if known.all():
        assert after >= before - abs(before) * 0.02 - 1e-6
    assert best.attrs["after"] >= best.attrs["before"] * (1 - 1e-9)


# ---- history ---------------------------------------------------------------------------------------------------------


def test_rates_of_few_records_are_drawn_to_the_pooled_one_and_those_of_many_hardly():
    shrunk = shrink_rates(np.array([300.0, 50.0, 1.0]), np.array([1000.0, 500.0, 2.0]))
    pooled = 351 / 1502
    assert shrunk[0] == pytest.approx(0.30, abs=0.01)
    assert shrunk[1] == pytest.approx(0.10, abs=0.01)
    assert abs(shrunk[2] - pooled) < 0.1 < abs(0.5 - pooled)


def test_a_slice_without_records_takes_the_pooled_rate():
    assert shrink_rates(np.array([10.0, 20.0, 0.0]), np.array([100.0, 100.0, 0.0]))[2] == pytest.approx(0.15)
    assert shrink_means(np.array([5.0, 3.0, np.nan]), 4.0, np.array([1.0, 1.0, np.inf]))[2] == 4.0


def make_cells():
    """Five quarters of two sources; the last one isn't complete. Opportunities 40 + 10 each, a half and a fifth won."""
    rows = []
    for place, start in enumerate(pd.date_range("2025-01-01", periods=5, freq="QS")):
        for name, created, won, size in (("Web", 40, 20, 1000.0), ("Event", 10, 2, 500.0), ("all", 50, 22, 0.0)):
            revenue = won * size if name != "all" else 21_000.0
            cell = {"dimension": "all" if name == "all" else "source", "slice": name, "is_complete": place < 4}
            values = {
                "opportunities": ("period", created, np.nan, created),
                "deals_won": ("period", won, np.nan, won),
                "revenue_won": ("period", revenue, np.nan, revenue),
                "opportunity_to_won": ("cohort", won, created, won / created),
                "average_deal_size": ("outcome", revenue, won, revenue / won),
            }
            for kpi, (basis, top, bottom, value) in values.items():
                low, high = (value / 1.5, value * 1.5) if kpi == "average_deal_size" else (np.nan, np.nan)
                rows.append(
                    {
                        **cell, "kpi": kpi, "basis": basis, "grain": "quarter", "period_start": start,
                        "horizon_days": pd.NA, "numerator": top, "denominator": bottom, "value": value,
                        "n": won, "low": low, "high": high,
                    }
                )  # fmt: skip
    return pd.DataFrame(rows)


def read(kpi, **options):
    period = period_of(pd.Timestamp("2026-01-01").date(), "quarter")
    options = {"period": period, "catalog": load_catalog(), "rules": load_goal_rules(), **options}
    return read_slices(make_cells(), kpi=kpi, dimension="source", **options)


def test_history_is_the_last_year_of_complete_periods_with_its_records():
    slices = read("revenue_won").set_index("slice")
    assert slices["volume"].to_dict() == {"Web": 80_000.0, "Event": 4_000.0}
    assert slices["n"].to_dict() == {"Web": 80, "Event": 8}
    assert slices["best"].to_dict() == {"Web": 20_000.0, "Event": 1_000.0}
    assert slices["return_n"].to_dict() == {"Web": 160, "Event": 40}


def test_the_return_on_effort_is_the_slices_own_rates_times_its_deal_size_with_small_ones_drawn_in():
    returns = read("opportunities").set_index("slice")["return"]
    assert 400 < returns["Web"] <= 500, "80 of 160 won × 1,000"
    assert 100 <= returns["Event"] < 250, "8 of 40 won × 500, drawn towards the company's"


def test_the_goal_of_a_year_is_split_by_the_history_of_quarters():
    year = period_of(pd.Timestamp("2026-01-01").date(), "year")
    slices = read("opportunities", period=year).set_index("slice")
    assert slices["best"]["Web"] == 160
    assert slices["expected"]["Web"] == pytest.approx(160)


def test_the_goal_of_the_matrix_is_split_where_none_is_given():
    period = period_of(pd.Timestamp("2026-01-01").date(), "quarter")
    row = {"kpi": "opportunities", "grain": "quarter", "period_start": "2026-01-01", "dimension": "all", "slice": "all"}
    company = make_company({})
    matrix = pd.DataFrame([{**row, "goal": 60.0}])
    table = review_allocation(company, make_cells(), matrix, period=period, kpi="opportunities")
    assert goals_of(table) == {"Web": 48, "Event": 12}
    assert review_allocation(company, make_cells(), matrix[:0], period=period).empty
    assert review_allocation(company, make_cells(), matrix, period=period, dimension="region").empty


def test_an_unknown_kpi_or_partition_is_told():
    with pytest.raises(QuestionError, match="Did you mean 'revenue_won'"):
        read("revenue_wn")


def test_an_allocation_becomes_goals_of_the_matrix_that_read_back_the_same(tmp_path):
    table = allocate_goal(make_slices(), 1000.55)
    cell = {"kpi": "revenue_won", "grain": "quarter", "period_start": "2026-10-01", "dimension": "source"}
    rows = as_goals(table, **cell, locked=True)
    assert [read_row(row)[1] for row in rows] == [None] * 3
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "goals.toml").write_text(dump_toml({"goal": rows}), encoding="utf-8")
    goals, problems = read_goals(tmp_path)
    assert not problems and goals["locked"].all()
    assert goals["goal"].sum() == pytest.approx(1000.55)
    assert goals["slice"].tolist() == list(VOLUMES)


@pytest.mark.parametrize(
    ("names", "role"),
    [
        (["Webinar"], "marketing"),
        (["Paid_Search"], "marketing"),
        (["Referrals", "Partner"], "alliances"),
        (["SDR outbound"], "sdr_outbound"),
        (["AE outbound"], "ae_outbound"),
        (["Outbound"], "outbound"),
        (["User group"], "community"),
        (["Free trial"], "product_led"),
        (["Kundenbrief"], None),
        (["Kundenbrief", "Inbound"], "marketing"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_source_plays_the_role_that_its_name_or_what_it_rolls_up_to_says(names, role):
    found = load_pipeline_sources().find_role(names)
    assert (found.id if found else None) == role
