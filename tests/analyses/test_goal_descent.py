"""Newton's steps of the goal matrix against SciPy's own method, conditions of a least, and plain sums."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from helpers.analyses import goal_descent
from helpers.analyses.goal_descent import creep, descend, walk
from helpers.analyses.goal_session import prepare_matrix
from tests.analyses.test_goal_matrix import PRODUCTS, VOLUMES, assert_holds, make_matrix, make_year


def make_task(seed, *, parts=6, sums=3):
    """Sums of a few unknowns each to a known total, tied to each other by a chain of squares."""
    generator = np.random.default_rng(seed)
    n = parts * sums
    chain = sparse.diags_array([np.ones(n), -0.8 * np.ones(n - 1)], offsets=[0, 1])
    quadratic = (chain.T @ sparse.diags_array(generator.uniform(0.5, 4, n)) @ chain).tocsr()
    rows = sparse.kron(sparse.identity(sums), np.ones((1, parts))).tocsr()
    begin = np.log(generator.uniform(5, 500, n))
    right = rows @ np.exp(begin) * generator.uniform(0.6, 2.0, sums)
    return quadratic, -quadratic @ begin, rows, right, begin


@pytest.mark.parametrize("seed", range(8))
def test_steps_arrive_where_scipy_s_own_method_does(seed):
    task = make_task(seed)
    arrived, slow = walk(*task), creep(*task, np.full(len(task[-1]), np.nan))
    assert arrived is not None
    np.testing.assert_allclose(arrived, slow, atol=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_at_the_end_the_sums_hold_and_no_way_along_them_leads_further_down(seed):
    quadratic, linear, rows, right, begin = make_task(seed)
    found = descend(quadratic, linear, rows, right, begin, np.full(len(begin), np.nan))
    np.testing.assert_allclose(rows @ np.exp(found), right, rtol=1e-10)
    along = rows.toarray() * np.exp(found)
    pull = quadratic @ found + linear
    price = np.linalg.lstsq(along.T, pull, rcond=None)[0]
    np.testing.assert_allclose(pull, along.T @ price, atol=1e-8 * np.abs(pull).max())


def test_sums_that_follow_from_others_do_no_harm():
    quadratic, linear, rows, right, begin = make_task(1)
    more = sparse.vstack([rows, sparse.csr_matrix(rows.sum(axis=0))]).tocsr()
    once, twice = (
        walk(quadratic, linear, *sums, begin) for sums in ((rows, right), (more, np.append(right, right.sum())))
    )
    np.testing.assert_allclose(once, twice, atol=1e-9)


def test_blocks_that_are_at_rest_stay_exactly_where_they_are():
    quadratic, linear, rows, right, begin = make_task(2)
    both = [sparse.block_diag([quadratic, quadratic]).tocsr(), np.tile(linear, 2)]
    still = rows @ np.exp(begin)
    found = descend(
        *both,
        sparse.block_diag([rows, rows]).tocsr(),
        np.concatenate([still, right]),
        np.tile(begin, 2),
        np.full(2 * len(begin), np.nan),
    )
    assert (found[: len(begin)] == begin).all()
    np.testing.assert_allclose(found[len(begin) :], walk(quadratic, linear, rows, right, begin), atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_dozens_of_goals_as_people_type_them_need_no_slow_way(seed, monkeypatch):
    """Up to 32 volumes of slices that leave one to follow, each about a fifth off what is expected."""
    monkeypatch.setattr(goal_descent, "creep", lambda *_: pytest.fail("the slow way was gone"))
    generator = np.random.default_rng(seed)
    matrix = make_matrix(make_year(generator, slices=("A", "B", "C", "D")))
    may_be = matrix["kpi"].isin(VOLUMES) & (matrix["dimension"] != "all") & (matrix["slice"] != "D")
    typed = matrix[may_be].sample(32, random_state=seed)
    typed = typed.assign(goal=typed["expected"] * np.exp(generator.normal(0, 0.2, len(typed))))
    # A result above its volume would be a rate above 100 %.
    wide = typed.pivot(index=["period_start", "slice"], columns="kpi", values="goal").reindex(columns=VOLUMES)
    for volume, _, result in PRODUCTS[:3]:
        over = wide[result] > 0.9 * wide[volume]
        typed = typed[~pd.MultiIndex.from_frame(typed[["period_start", "slice"]]).isin(wide[over].index)]
    solved = prepare_matrix(matrix).solve(typed)
    assert_holds(solved)
    np.testing.assert_allclose(solved.loc[typed.index, "goal"], typed["goal"])
