"""The benchmark of slices compares the same cells before it measures; here only that, on a small company."""

import pandas as pd
import pytest

from tests.benchmarks.bench_slices import (
    WAYS,
    list_filters,
    ready_duckdb,
    ready_engine,
    ready_polars,
    shape,
    tidy,
    total,
)
from tests.benchmarks.slice_data import write_company

NEEDS_POLARS = "polars is compared with where it is installed; it is no part of the workbook"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_company(tmp_path_factory.mktemp("measured") / "company", 1_500)


@pytest.fixture(scope="module")
def expected(folder):
    return tidy(shape("pandas groupby", WAYS["pandas groupby"](folder, "quarter")))


@pytest.mark.parametrize("way", ["engine", "engine in pandas", "pandas pivot_table", "duckdb", "polars"])
def test_every_way_of_the_benchmark_gives_the_same_cells(folder, expected, way):
    if way == "polars":
        pytest.importorskip("polars", reason=NEEDS_POLARS)
    found = tidy(shape(way, WAYS[way](folder, "quarter")))
    assert len(found) > 5_000
    pd.testing.assert_frame_equal(found, expected)


@pytest.mark.parametrize("filters", list_filters()[:3] + list_filters()[-1:], ids=str)
def test_every_way_gives_the_same_cells_after_a_filter_change(folder, filters):
    pytest.importorskip("polars", reason=NEEDS_POLARS)
    mine = total(shape("engine", ready_engine(folder, "year")(filters).to_frame()))
    assert mine == total(shape("duckdb", ready_duckdb(folder, "year")(filters)))
    assert mine == total(shape("polars", ready_polars(folder, "year")(filters)))
