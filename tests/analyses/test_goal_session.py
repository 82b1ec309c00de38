"""Locks of a goal matrix: contradictions proved and named, what releasing costs, who absorbs a change."""

from datetime import date
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from helpers.analyses.goal_locks import ContradictionError
from helpers.analyses.goal_matrix import build_matrix
from helpers.analyses.goal_plan import plan_goals
from helpers.analyses.goal_release import rank_releases
from helpers.analyses.goal_session import list_absorbers, prepare_matrix, solve
from tests.analyses.test_goal_matrix import (
    FUNNEL,
    PRODUCTS,
    VOLUMES,
    add_up,
    make_column,
    make_matrix,
    make_year,
    one_quarter,
    read,
)

QUARTER = {"grain": "quarter", "period_start": "2026-01-01"}


def make_crossed(generator):
    """Build one quarter by source, by region and by both, from six funnels of very different size."""
    parts = {
        (source, region): make_column(
            np.exp(generator.uniform(1, 9)), generator.uniform(0.01, 0.95, 3), np.exp(generator.uniform(5, 12))
        )
        for source in "XY"
        for region in "PQR"
    }
    place = ("quarter", "2026-01-01")
    columns = {(*place, "source & region", f"{a} & {b}"): part for (a, b), part in parts.items()}
    columns |= {(*place, "source", a): add_up([parts[a, b] for b in "PQR"]) for a in "XY"}
    columns |= {(*place, "region", b): add_up([parts[a, b] for a in "XY"]) for b in "PQR"}
    return make_matrix(columns | {(*place, "all", "all"): add_up(list(parts.values()))})


@pytest.mark.parametrize("seed", [7, 10, 22, 23, 38, 80, 97, 108, 165])
def test_crossed_slices_hold_locks_that_a_failed_search_called_contradictory(seed):
    assert_crossed_locks_hold(seed)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10_000))
def test_crossed_slices_hold_any_locks_that_one_matrix_holds(seed):
    assert_crossed_locks_hold(seed)


def assert_crossed_locks_hold(seed):
    generator = np.random.default_rng(seed)
    matrix, truth = make_crossed(generator), make_crossed(generator)
    chosen = generator.random(len(matrix)) < generator.uniform(0.05, 0.7)
    solved = solve(matrix, truth.assign(goal=truth["expected"])[chosen])
    wide = solved.pivot(index=["dimension", "slice"], columns="kpi", values="goal")
    for volume, rate, result in PRODUCTS:
        np.testing.assert_allclose(wide[volume] * wide[rate], wide[result], rtol=1e-6)
    for dimension in ("source", "region", "source & region"):
        np.testing.assert_allclose(wide.loc[dimension, VOLUMES].sum(), wide.loc[("all", "all"), VOLUMES], rtol=1e-6)
    np.testing.assert_allclose(solved.loc[chosen, "goal"], truth.loc[chosen, "expected"])


def make_two_slices():
    """Build one quarter of leads, mqls and their rate: a company of two slices, nine cells."""
    parts = [make_column(600.0, [0.5, 0.3, 0.2], 1000.0), make_column(400.0, [0.25, 0.3, 0.2], 1000.0)]
    place = ("quarter", "2026-01-01")
    matrix = make_matrix(
        {
            (*place, "source", "A"): parts[0],
            (*place, "source", "B"): parts[1],
            (*place, "all", "all"): add_up(parts),
        }
    )
    return matrix[matrix["kpi"].isin(["leads", "lead_to_mql", "mqls"])].reset_index(drop=True)


def can_hold(matrix, locked, goals):
    """Ask a linear programme of our own, leads and mqls of A, B, all: every volume at least a thousandth."""
    names = [(kpi, name) for kpi in ("leads", "mqls") for name in ("A", "B", "all")]
    rows, right = [], []
    for kpi in ("leads", "mqls"):
        rows.append([{"A": 1.0, "B": 1.0, "all": -1.0}[name] if kpi == one else 0.0 for one, name in names])
        right.append(0.0)
    for at in locked:
        cell, goal = matrix.loc[at], goals[at]
        if cell["kpi"] == "lead_to_mql":
            mine = [{"leads": goal, "mqls": -1.0}[kpi] * (name == cell["slice"]) for kpi, name in names]
            rows.append(mine)
            right.append(0.0)
        else:
            rows.append([float((kpi, name) == (cell["kpi"], cell["slice"])) for kpi, name in names])
            right.append(goal)
    return linprog(np.zeros(6), A_eq=rows, b_eq=right, bounds=[(1e-3, None)] * 6, method="highs").status == 0


@pytest.mark.parametrize("seed", range(8))
def test_a_contradiction_is_named_with_a_smallest_set_as_trying_every_set_finds_it(seed):
    generator, matrix = np.random.default_rng(seed), make_two_slices()
    locked = sorted(generator.choice(9, 6, replace=False).tolist())
    goals = {at: float(np.round(matrix.loc[at, "expected"] * generator.choice([0.5, 1.0, 1.7]), 4)) for at in locked}
    smallest = next(
        (
            size
            for size in range(1, 7)
            if any(not can_hold(matrix, chosen, goals) for chosen in combinations(locked, size))
        ),
        None,
    )
    locks = matrix.loc[locked].assign(goal=pd.Series(goals))
    if smallest is None:
        solve(matrix, locks)
        return
    with pytest.raises(ContradictionError) as caught:
        solve(matrix, locks)
    assert len(caught.value.cells) == smallest and caught.value.is_smallest
    named = [
        int(matrix[(matrix["kpi"] == row["kpi"]) & (matrix["slice"] == row["slice"])].index[0])
        for row in caught.value.cells.to_dict("records")
    ]
    assert not can_hold(matrix, named, goals)


def test_a_rate_of_the_company_outside_of_all_its_slices_is_a_contradiction():
    locks = [
        {"kpi": "lead_to_mql", "dimension": "source", "slice": "A", "goal": 0.5},
        {"kpi": "lead_to_mql", "dimension": "source", "slice": "B", "goal": 0.25},
        {"kpi": "lead_to_mql", "goal": 0.6},
    ]
    with pytest.raises(ContradictionError) as caught:
        solve(make_two_slices(), locks)
    assert len(caught.value.cells) == 3


def test_releases_are_ranked_by_how_unusual_what_the_cell_becomes_is():
    """1000 × 0.4 = 400, yet 500 MQLs: leads would be 1250, the rate 0.5, MQLs 400, each in its own spread."""
    goals = {"leads": 1000.0, "lead_to_mql": 0.4, "mqls": 500.0}
    spread = {"leads": 0.5, "lead_to_mql": 0.1, "mqls": 0.2}
    prepared = prepare_matrix(one_quarter(), variability={kpi: 0.2 for kpi in [*VOLUMES, *FUNNEL]} | spread)
    with pytest.raises(ContradictionError) as caught:
        prepared.solve([{"kpi": kpi, "goal": goal} for kpi, goal in goals.items()])
    ranked = rank_releases(caught.value, prepared).set_index("kpi")
    assert ranked["becomes"].to_dict() == pytest.approx({"leads": 1250.0, "lead_to_mql": 0.5, "mqls": 400.0})
    by_hand = {
        "leads": np.log(1.25) / np.sqrt(0.5**2 + 1 / 1000),  # counts vary by chance too
        "lead_to_mql": np.log(1.25) / 0.1,
        "mqls": np.log(1.25) / np.sqrt(0.2**2 + 1 / 400),
    }
    assert ranked["cost"].to_dict() == pytest.approx(by_hand, rel=1e-6)
    assert ranked.index.tolist() == ["leads", "mqls", "lead_to_mql"] and ranked["is_enough"].all()


@pytest.mark.parametrize("slice_", ["all", "A"])
@pytest.mark.parametrize("seed", range(6))
def test_raising_a_rate_of_a_sliced_company_never_raises_the_volume_needed_upstream(seed, slice_):
    generator = np.random.default_rng(seed)
    parts = [
        make_column(generator.uniform(200, 2000), generator.uniform(0.1, 0.6, 3), generator.uniform(1e4, 9e4))
        for _ in "AB"
    ]
    place = ("quarter", "2026-01-01")
    columns = {(*place, "source", name): part for name, part in zip("AB", parts, strict=True)}
    matrix = make_matrix(columns | {(*place, "all", "all"): add_up(parts)})
    where = {"dimension": "all"} if slice_ == "all" else {"dimension": "source", "slice": slice_}
    own = {"dimension": where["dimension"], "value": slice_}
    rate = read(matrix, "opportunity_to_won", column="expected", **own)
    revenue = {"kpi": "revenue_won", "goal": 1.3 * read(matrix, "revenue_won", column="expected")}
    prepared, needed = prepare_matrix(matrix), []
    for factor in (1.0, 1.1, 1.3):
        solved = prepared.solve([revenue, where | {"kpi": "opportunity_to_won", "goal": rate * factor}])
        needed.append([read(solved, kpi) for kpi in ("leads", "mqls", "opportunities")])
    assert (np.diff(needed, axis=0) <= 1e-6 * np.array(needed[1:])).all()


@pytest.mark.parametrize(
    "place",
    [
        {"grain": "year", "period_start": "2026-01-01"},
        {"grain": "quarter", "period_start": "2026-04-01"},
        {"grain": "quarter", "period_start": "2026-04-01", "dimension": "source", "slice": "A"},
    ],
    ids=["year", "quarter", "slice of a quarter"],
)
@pytest.mark.parametrize("seed", range(6))
def test_raising_any_rate_of_a_year_with_slices_never_raises_the_year_s_volumes_upstream(seed, place):
    generator = np.random.default_rng(seed)
    matrix = make_matrix(make_year(generator, slices=("A", "B", "C")[: generator.integers(2, 4)]))
    prepared, upstream = prepare_matrix(matrix), ["leads", "mqls", "opportunities"]
    kpi = ("lead_to_mql", "mql_to_opportunity", "opportunity_to_won")[seed % 3]
    own = {"grain": place["grain"], "start": place["period_start"]}
    own |= {"dimension": place.get("dimension", "all"), "value": place.get("slice", "all")}
    rate = read(matrix, kpi, column="expected", **own)
    revenue = {"kpi": "revenue_won", "grain": "year", "period_start": "2026-01-01"}
    revenue |= {"goal": 1.3 * read(matrix, "revenue_won", grain="year", column="expected")}
    needed = []
    for factor in (1.0, 1.15):
        solved = prepared.solve([revenue, place | {"kpi": kpi, "goal": rate * factor}])
        needed.append([read(solved, volume, grain="year") for volume in upstream[: seed % 3 + 1]])
    assert (np.array(needed[1]) <= np.array(needed[0]) * (1 + 1e-6)).all()


def test_absorbers_are_the_unset_cells_with_their_part_of_the_movement():
    prepared = prepare_matrix(make_two_slices())
    before = prepared.solve([{"kpi": "leads", "goal": 1000.0}])
    locks = [{"kpi": "leads", "goal": 1000.0}, {"kpi": "leads", "dimension": "source", "slice": "A", "goal": 700.0}]
    after = prepared.solve(locks)
    found = list_absorbers(before, after)
    leads = found[found["kpi"] == "leads"]
    assert leads["slice"].tolist() == ["B"] and leads["share"].tolist() == [1.0]
    assert leads["change"].iloc[0] == pytest.approx(-100.0)
    assert not found.duplicated(["kpi", "dimension", "slice"]).any()
    assert list_absorbers(after, after).empty


def test_a_slice_that_its_siblings_leave_nothing_for_is_nothing():
    locks = [{"kpi": "leads", "goal": 700.0}, {"kpi": "leads", "dimension": "source", "slice": "A", "goal": 700.0}]
    solved = solve(make_two_slices(), locks)
    for kpi in ("leads", "mqls"):
        assert read(solved, kpi, dimension="source", value="B") == 0.0
        assert read(solved, kpi, dimension="source", value="A") == pytest.approx(read(solved, kpi), rel=1e-9)


def make_history():
    """Build two years of quarters of closed deals, amounts and their average."""
    rows = []
    for start in pd.date_range("2024-01-01", periods=8, freq="QS"):
        for kpi, top, bottom in (
            ("deals_won", 10.0, np.nan),
            ("revenue_won", 50_000.0, np.nan),
            ("average_deal_size", 50_000.0, 10.0),
        ):
            value = top if np.isnan(bottom) else top / bottom
            rows.append((kpi, "all", "all", "quarter", start, "period", np.nan, top, bottom, value, True))
    columns = ["kpi", "dimension", "slice", "grain", "period_start", "basis", "horizon_days"]
    return pd.DataFrame(rows, columns=[*columns, "numerator", "denominator", "value", "is_complete"])


def test_a_cell_is_a_goal_or_locked_or_free_as_people_typed_it():
    start = pd.Timestamp("2026-01-01")
    typed = pd.DataFrame(
        [("revenue_won", 60_000.0, False), ("deals_won", 12.0, True), ("average_deal_size", np.nan, True)],
        columns=["kpi", "goal", "locked"],
    ).assign(grain="quarter", period_start=start, dimension="all", slice="all")
    matrix = build_matrix(make_history(), typed, as_of=date(2025, 12, 31))
    mine = matrix[(matrix["grain"] == "quarter") & (matrix["period_start"] == start)].set_index("kpi")
    states = {"revenue_won": "goal", "deals_won": "locked", "average_deal_size": "locked"}
    assert mine["state"].to_dict() == states
    assert mine["locked"].to_dict() == {"revenue_won": False, "deals_won": True, "average_deal_size": True}
    assert (matrix.loc[matrix["period_start"] != start, "state"] == "free").all()
    plan = plan_goals(matrix.assign(goal=matrix["goal"].where(matrix["kpi"] != "revenue_won", 90_000.0).where(
        matrix["state"] != "free")))  # fmt: skip
    assert plan.released["kpi"].tolist() == ["revenue_won"]  # 12 × 5,000 is locked: the goal gives way
    solved = plan.matrix[(plan.matrix["grain"] == "quarter") & (plan.matrix["period_start"] == start)].set_index("kpi")
    assert solved["goal"].to_dict() == pytest.approx(
        {"deals_won": 12.0, "average_deal_size": 5_000.0, "revenue_won": 60_000.0}
    )
    assert solved["state"].to_dict() == states | {"revenue_won": "free"}
