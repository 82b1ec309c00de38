"""The benchmark compares the same cells before it measures; here only that, on a small company."""

from tests.benchmarks.bench_engine import SIZES, compare, count_in_engine, count_in_pandas, make_tables
from tests.companies import make_company


def test_engine_and_pandas_agree_on_every_cell_of_the_benchmark():
    tables = make_tables(3_000, 600)
    by = [(), *((name,) for name in SIZES)]
    assert compare(count_in_engine(make_company(tables), by), count_in_pandas(tables, by)) > 3_000
