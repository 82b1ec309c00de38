"""Goals of slices, as a table: added up by hand, the biggest first, the company last."""

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.goal_matrix import solve
from helpers.analyses.goal_slices import say_slices, tabulate_slices
from helpers.model.catalog import load_catalog
from helpers.periods import period_of
from tests.analyses.test_goal_matrix import add_up, make_column, make_matrix, read

Q1 = period_of(pd.Timestamp("2026-01-01").date(), "quarter")


def make_table():
    parts = [make_column(100.0, (0.5, 0.4, 0.5), 1000.0), make_column(400.0, (0.5, 0.2, 0.5), 2000.0)]
    place = ("quarter", "2026-01-01")
    columns = {(*place, "source", name): part for name, part in zip("AB", parts, strict=True)}
    matrix = make_matrix(columns | {(*place, "all", "all"): add_up(parts)})
    revenue = 1.2 * read(matrix, "revenue_won", column="expected")
    solved = solve(matrix, [{"kpi": "revenue_won", "goal": revenue}])
    return solved, tabulate_slices(solved, Q1, "source", catalog=load_catalog())


def test_slices_stand_by_size_with_the_company_last_and_add_up_to_it():
    solved, table = make_table()
    assert table["slice"].tolist() == ["B", "A", "all"]
    for column in ("leads", "mqls", "opportunities", "deals_won", "goal", "expected"):
        assert table[column].iloc[:2].sum() == pytest.approx(table[column].iloc[2])
    assert table["goal"].iloc[2] == pytest.approx(read(solved, "revenue_won"))
    assert table["change"].iloc[2] == pytest.approx(0.2)
    np.testing.assert_allclose(table["change"], table["goal"] / table["expected"] - 1)


def test_the_slice_that_has_to_grow_most_is_named():
    rows = [("A", 0.5), ("B", 0.1), ("all", 0.2)]
    table = pd.DataFrame(rows, columns=["slice", "change"])
    assert say_slices(table, "Q1 2026", "source") == "Q1 2026 asks most of A: 50 % more than is expected of it"
    calm = table.assign(change=0.0)
    assert say_slices(calm, "Q1 2026", "source") == "Q1 2026 asks no source for more than is expected of it"
    assert say_slices(table.tail(1), "Q1 2026", "source") == "What Q1 2026 asks of each source"


def test_a_partition_without_goals_gives_no_table():
    solved, _ = make_table()
    assert tabulate_slices(solved, Q1, "region", catalog=load_catalog()).empty
    assert tabulate_slices(pd.DataFrame(), Q1, "source", catalog=load_catalog()).empty
