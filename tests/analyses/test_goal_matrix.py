"""The goal matrix: equations hold exactly, free cells move little, contradictions are named."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.analyses.goal_matrix import GOAL_MATRIX_COLUMNS, ContradictionError, solve
from helpers.errors import QuestionError

FUNNEL = {"leads": 1000.0, "lead_to_mql": 0.4, "mql_to_opportunity": 0.25, "opportunity_to_won": 0.2}
DEAL_SIZE = 50_000.0
KPIS = [
    "leads",
    "lead_to_mql",
    "mqls",
    "mql_to_opportunity",
    "opportunities",
    "opportunity_to_won",
    "deals_won",
    "average_deal_size",
    "revenue_won",
]
VOLUMES = ["leads", "mqls", "opportunities", "deals_won", "revenue_won"]
PRODUCTS = [(KPIS[i], KPIS[i + 1], KPIS[i + 2]) for i in range(0, 8, 2)]


def make_column(leads, rates, size):
    """Work one period and slice of the funnel out by hand."""
    mqls = leads * rates[0]
    opportunities = mqls * rates[1]
    deals = opportunities * rates[2]
    return dict(
        zip(KPIS, [leads, rates[0], mqls, rates[1], opportunities, rates[2], deals, size, deals * size], strict=True)
    )


def add_up(columns):
    """Add slices or sub-periods up: volumes are summed, rates and sizes are quotients of sums."""
    total = {kpi: sum(column[kpi] for column in columns) for kpi in VOLUMES}
    for volume, rate, result in PRODUCTS:
        total[rate] = total[result] / total[volume]
    return total


def make_matrix(columns):
    """Turn {(grain, start, dimension, slice): {kpi: value}} into a matrix whose expectation is these values."""
    rows = [
        (kpi, grain, pd.Timestamp(start), dimension, value, column[kpi])
        for (grain, start, dimension, value), column in columns.items()
        for kpi in KPIS
    ]
    keys = ["kpi", "grain", "period_start", "dimension", "slice"]
    frame = pd.DataFrame(rows, columns=[*keys, "expected"])
    return frame.assign(goal=np.nan, actual=np.nan, gap=np.nan, locked=False, probability=np.nan)[GOAL_MATRIX_COLUMNS]


def make_year(generator, *, slices=("Inbound", "Outbound")):
    """Build a year of four quarters with slices, from random funnels."""
    columns, quarters = {}, []
    for start in ("2026-01-01", "2026-04-01", "2026-07-01", "2026-10-01"):
        parts = [
            make_column(generator.uniform(200, 2000), generator.uniform(0.1, 0.6, 3), generator.uniform(1e4, 9e4))
            for _ in slices
        ]
        for name, part in zip(slices, parts, strict=True):
            columns["quarter", start, "source", name] = part
        quarters.append(add_up(parts))
        columns["quarter", start, "all", "all"] = quarters[-1]
    columns["year", "2026-01-01", "all", "all"] = add_up(quarters)
    return columns


def read(matrix, kpi, *, grain="quarter", start="2026-01-01", dimension="all", value="all", column="goal"):
    found = matrix[
        (matrix["kpi"] == kpi)
        & (matrix["grain"] == grain)
        & (matrix["period_start"] == pd.Timestamp(start))
        & (matrix["dimension"] == dimension)
        & (matrix["slice"] == value)
    ]
    assert len(found) == 1
    return float(found[column].iloc[0])


def assert_holds(matrix, relative=1e-6):
    """Check every product and every sum by plain pandas."""
    wide = matrix.pivot(index=["grain", "period_start", "dimension", "slice"], columns="kpi", values="goal")
    for volume, rate, result in PRODUCTS:
        np.testing.assert_allclose(wide[volume] * wide[rate], wide[result], rtol=relative)
    volumes = matrix[matrix["kpi"].isin(VOLUMES) & (matrix["grain"] == "quarter")]
    company = volumes[volumes["dimension"] == "all"].set_index(["kpi", "period_start"])["goal"]
    sliced = volumes[volumes["dimension"] != "all"].groupby(["kpi", "period_start"])["goal"].sum()
    np.testing.assert_allclose(sliced, company.reindex(sliced.index), rtol=relative)
    year = matrix[matrix["kpi"].isin(VOLUMES) & (matrix["grain"] == "year")].set_index("kpi")["goal"]
    if len(year):
        np.testing.assert_allclose(company.groupby("kpi").sum().reindex(year.index), year, rtol=relative)


def one_quarter(**changes):
    column = make_column(FUNNEL["leads"], list(FUNNEL.values())[1:], DEAL_SIZE) | changes
    return make_matrix({("quarter", "2026-01-01", "all", "all"): column})


def test_without_locks_a_consistent_expectation_becomes_the_goal():
    solved = solve(one_quarter(), [])
    assert list(solved.columns) == GOAL_MATRIX_COLUMNS
    np.testing.assert_allclose(solved["goal"], solved["expected"])
    assert not solved["locked"].any()


def test_a_revenue_goal_raises_every_driver_and_leaves_none_behind():
    solved = solve(one_quarter(), [{"kpi": "revenue_won", "goal": 1_500_000.0}])
    assert read(solved, "revenue_won") == 1_500_000.0
    assert_holds(solved)
    assert (solved["goal"] >= solved["expected"] * 0.999999).all()
    ratio = (solved["goal"] / solved["expected"]).to_numpy()[[KPIS.index("leads"), KPIS.index("lead_to_mql")]]
    assert ratio[0] > ratio[1]  # volumes have varied more than rates, so they carry more


def test_revenue_with_every_rate_and_the_deal_size_held_gives_the_inverted_funnel():
    """2,000,000 ÷ 75,000 = 26.67 deals, ÷ 0.20 = 133.3 opportunities; rounding up first would give 135."""
    locks = [
        {"kpi": "revenue_won", "goal": 2_000_000.0},
        {"kpi": "average_deal_size", "goal": 75_000.0},
        {"kpi": "opportunity_to_won", "goal": 0.20},
    ]
    solved = solve(one_quarter(), locks)
    assert round(read(solved, "deals_won"), 2) == 26.67
    assert round(read(solved, "opportunities"), 1) == 133.3


def test_moves_of_the_drivers_are_in_proportion_to_their_variance():
    variability = {kpi: 0.1 for kpi in KPIS} | {"average_deal_size": 0.2}
    solved = solve(one_quarter(), [{"kpi": "revenue_won", "goal": 1_200_000.0}], variability=variability)
    moves = np.log(solved["goal"] / solved["expected"]).set_axis(solved["kpi"])
    assert moves["average_deal_size"] / moves["opportunity_to_won"] == pytest.approx(4.0, rel=0.05)
    assert moves["lead_to_mql"] == pytest.approx(moves["mql_to_opportunity"], rel=0.05)


def test_an_inconsistent_expectation_is_reconciled_and_not_dropped():
    solved = solve(one_quarter(opportunities=140.0), [])
    assert_holds(solved)
    assert 100 < read(solved, "opportunities") < 140


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10_000), share=st.floats(0.0, 1.0), data=st.data())
def test_sums_and_products_hold_for_any_feasible_lock_pattern(seed, share, data):
    generator = np.random.default_rng(seed)
    matrix, truth = make_matrix(make_year(generator)), make_matrix(make_year(generator))
    chosen = generator.random(len(matrix)) < share**3
    locks = truth.assign(goal=truth["expected"])[chosen]
    solved = solve(matrix, locks)  # feasible, since one matrix holds all of these goals: never a contradiction
    assert_holds(solved)
    assert solved["goal"].notna().all()
    np.testing.assert_allclose(solved.loc[chosen, "goal"], locks["goal"])
    assert solved["locked"].tolist() == chosen.tolist()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10_000), factor=st.floats(0.3, 3.0))
def test_solving_is_idempotent(seed, factor):
    generator = np.random.default_rng(seed)
    matrix = make_matrix(make_year(generator))
    matrix["expected"] *= np.exp(generator.normal(0, 0.1, len(matrix)))
    matrix.loc[generator.random(len(matrix)) < 0.2, "expected"] = np.nan
    goal = factor * matrix.loc[matrix["kpi"] == "revenue_won", "expected"].mean()
    locks = [{"kpi": "revenue_won", "grain": "quarter", "period_start": "2026-04-01", "goal": goal}]
    once = solve(matrix, locks)
    twice = solve(once, locks)
    np.testing.assert_allclose(twice["goal"], once["goal"], rtol=1e-9)
    again = solve(once)  # the matrix remembers its own locks
    np.testing.assert_allclose(again["goal"], once["goal"], rtol=1e-9)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rate=st.sampled_from(["lead_to_mql", "mql_to_opportunity", "opportunity_to_won", "average_deal_size"]),
    low=st.floats(0.3, 1.0),
    raised=st.floats(1.0, 2.0),
    goal=st.floats(0.4, 3.0),
)
def test_raising_a_rate_never_raises_the_volume_needed_upstream(rate, low, raised, goal):
    matrix = one_quarter()
    expected, revenue = read(matrix, rate, column="expected"), read(matrix, "revenue_won", column="expected")
    needed = []
    for factor in (low, min(low * raised, 2.0)):
        locks = [{"kpi": "revenue_won", "goal": goal * revenue}, {"kpi": rate, "goal": expected * factor}]
        solved = solve(matrix, locks)
        upstream = [kpi for kpi in VOLUMES if KPIS.index(kpi) < KPIS.index(rate)]
        needed.append([read(solved, kpi) for kpi in upstream])
    assert all(after <= before * (1 + 1e-6) for before, after in zip(*needed, strict=True))


def test_a_contradiction_names_the_smallest_set_of_locked_cells():
    """leads × lead_to_mql = 1000 × 0.4 = 400, yet 500 MQLs are locked; the locked deal size has no part in it."""
    locks = [
        {"kpi": "average_deal_size", "goal": 60_000.0},
        {"kpi": "leads", "goal": 1000.0},
        {"kpi": "lead_to_mql", "goal": 0.4},
        {"kpi": "mqls", "goal": 500.0},
    ]
    with pytest.raises(ContradictionError) as caught:
        solve(one_quarter(), locks)
    assert sorted(caught.value.cells["kpi"]) == ["lead_to_mql", "leads", "mqls"]
    assert "mqls (quarter from 2026-01-01) = 500" in str(caught.value)
    assert isinstance(caught.value, QuestionError)


def test_a_slice_above_its_total_is_a_contradiction():
    matrix = make_matrix(make_year(np.random.default_rng(3)))
    place = {"grain": "quarter", "period_start": "2026-01-01"}
    locks = [
        {"kpi": "leads", **place, "goal": 100.0},
        {"kpi": "leads", **place, "dimension": "source", "slice": "Inbound", "goal": 150.0},
        {"kpi": "mqls", **place, "goal": 60.0},
    ]
    with pytest.raises(ContradictionError) as caught:
        solve(matrix, locks)
    assert caught.value.cells["kpi"].tolist() == ["leads", "leads"]


def test_a_contradiction_between_a_year_and_its_quarters_names_all_five():
    matrix = make_matrix(make_year(np.random.default_rng(4)))
    starts = ["2026-01-01", "2026-04-01", "2026-07-01", "2026-10-01"]
    locks = [{"kpi": "deals_won", "grain": "quarter", "period_start": start, "goal": 10.0} for start in starts]
    locks.append({"kpi": "deals_won", "grain": "year", "period_start": "2026-01-01", "goal": 45.0})
    with pytest.raises(ContradictionError) as caught:
        solve(matrix, locks)
    assert len(caught.value.cells) == 5


def test_two_dimensions_add_up_to_one_total():
    parts = [make_column(100 * i, [0.3, 0.3, 0.3], 1000) for i in (1, 2, 3)]
    cells = {
        ("quarter", "2026-01-01", "all", "all"): add_up(parts),
        ("quarter", "2026-01-01", "source", "A"): add_up(parts[:2]),
        ("quarter", "2026-01-01", "source", "B"): parts[2],
        ("quarter", "2026-01-01", "region", "X"): parts[0],
        ("quarter", "2026-01-01", "region", "Y"): add_up(parts[1:]),
    }
    solved = solve(make_matrix(cells), [{"kpi": "revenue_won", "dimension": "source", "slice": "B", "goal": 30_000.0}])
    for dimension, names in (("source", "AB"), ("region", "XY")):
        found = sum(read(solved, "revenue_won", dimension=dimension, value=name) for name in names)
        assert found == pytest.approx(read(solved, "revenue_won"), rel=1e-9)


def test_a_slice_locked_at_nothing_stays_nothing_all_the_way_down():
    matrix = make_matrix(make_year(np.random.default_rng(5)))
    place = {"grain": "quarter", "period_start": "2026-01-01", "dimension": "source", "slice": "Inbound"}
    solved = solve(matrix, [{"kpi": "leads", **place, "goal": 0.0}])
    for kpi in VOLUMES:
        assert read(solved, kpi, dimension="source", value="Inbound") == 0.0
    assert_holds(solved)


def test_nothing_times_anything_is_nothing__error():
    locks = [{"kpi": "leads", "goal": 0.0}, {"kpi": "deals_won", "goal": 5.0}]
    with pytest.raises(ContradictionError) as caught:
        solve(one_quarter(), locks)
    assert sorted(caught.value.cells["kpi"]) == ["deals_won", "leads"]


def test_a_share_stays_within_100_percent_where_the_locks_allow_it():
    column = make_column(100, [0.9, 0.95, 0.9], 1000)
    matrix = make_matrix({("quarter", "2026-01-01", "all", "all"): column})
    solved = solve(matrix, [{"kpi": "revenue_won", "goal": 5 * column["revenue_won"]}])
    rates = solved[solved["kpi"].str.contains("_to_")]["goal"]
    assert (rates <= 1 + 1e-9).all()
    assert_holds(solved)


def test_locks_replace_earlier_ones_and_none_keeps_the_matrix_own():
    first = solve(one_quarter(), [{"kpi": "revenue_won", "goal": 2_000_000.0}])
    assert first.set_index("kpi")["locked"]["revenue_won"]
    released = solve(first, [])
    assert not released["locked"].any()
    assert read(released, "revenue_won") == pytest.approx(1_000_000.0)
    assert read(solve(first), "revenue_won") == 2_000_000.0


def test_gap_is_actual_minus_goal_and_blank_without_an_actual():
    matrix = one_quarter()
    matrix.loc[matrix["kpi"] == "leads", "actual"] = 900.0
    solved = solve(matrix, []).set_index("kpi")
    assert solved["gap"]["leads"] == pytest.approx(-100.0)
    assert np.isnan(solved["gap"]["mqls"])


def test_matrix_is_read_back_from_text_as_it_was_written(tmp_path):
    locks = [{"kpi": "revenue_won", "goal": 1_700_000.0}]
    solved = solve(one_quarter(), locks)
    solved.to_csv(tmp_path / "goal_matrix.csv", index=False)
    read_back = pd.read_csv(tmp_path / "goal_matrix.csv")
    np.testing.assert_allclose(solve(read_back)["goal"], solved["goal"], rtol=1e-9)


def test_solving_leaves_its_arguments_alone():
    matrix, locks = one_quarter(), pd.DataFrame([{"kpi": "leads", "goal": 5.0}])
    before, locks_before = matrix.copy(), locks.copy()
    solve(matrix, locks)
    pd.testing.assert_frame_equal(matrix, before)
    pd.testing.assert_frame_equal(locks, locks_before)


def test_an_empty_matrix_comes_back_empty():
    assert solve(pd.DataFrame(columns=GOAL_MATRIX_COLUMNS), []).empty


@pytest.mark.parametrize(
    ("lock", "text"),
    [
        ({"kpi": "revenue_wn", "goal": 1.0}, "Did you mean 'revenue_won'"),
        ({"kpi": "leads", "slice": "Mars", "dimension": "source", "goal": 1.0}, "is not in the goal matrix"),
        ({"kpi": "leads", "goal": -1.0}, "A goal is 0 or more"),
    ],
)
def test_unusable_lock__error(lock, text):
    with pytest.raises(QuestionError, match=text):
        solve(one_quarter(), [lock])


def test_a_cell_that_occurs_twice__error():
    matrix = one_quarter()
    with pytest.raises(QuestionError, match="occurs twice"):
        solve(pd.concat([matrix, matrix.head(1)]), [])


def test_a_change_of_twelve_periods_eight_kpis_and_forty_slices_is_solved_quickly():
    generator = np.random.default_rng(6)
    columns = {}
    for start in pd.date_range(date(2026, 1, 1), periods=12, freq="MS").date:
        parts = [
            make_column(generator.uniform(20, 200), generator.uniform(0.1, 0.6, 3), generator.uniform(1e3, 9e3))
            for _ in range(40)
        ]
        columns |= {("month", start, "source", f"s{i}"): part for i, part in enumerate(parts)}
        columns["month", start, "all", "all"] = add_up(parts)
    matrix = make_matrix(columns)
    lock = {"kpi": "revenue_won", "period_start": "2026-03-01"}
    solved = solve(
        matrix,
        [lock | {"goal": 1.3 * read(matrix, "revenue_won", grain="month", start="2026-03-01", column="expected")}],
    )
    wide = solved.pivot(index=["period_start", "dimension", "slice"], columns="kpi", values="goal")
    np.testing.assert_allclose(wide["deals_won"] * wide["average_deal_size"], wide["revenue_won"], rtol=1e-9)
