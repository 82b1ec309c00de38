"""How long a change of the goal matrix takes at 12 periods × 9 KPIs × 41 columns; wanted are 200 ms at most.

Run it by itself: ``python -m tests.benchmarks.bench_goal_matrix``. Nothing is asserted: times belong to a machine.
"""

import statistics
import time

import numpy as np
import pandas as pd

from helpers.analyses.goal_locks import ContradictionError
from helpers.analyses.goal_session import prepare_matrix
from tests.analyses.test_goal_matrix import add_up, make_column, make_matrix

REPEATS = 7


def make_large() -> pd.DataFrame:
    """Build a year of months with forty slices."""
    generator, columns = np.random.default_rng(6), {}
    for start in pd.date_range("2026-01-01", periods=12, freq="MS"):
        parts = [
            make_column(generator.uniform(20, 200), generator.uniform(0.1, 0.6, 3), generator.uniform(1e3, 9e3))
            for _ in range(40)
        ]
        columns |= {("month", start, "source", f"s{i}"): part for i, part in enumerate(parts)}
        columns["month", start, "all", "all"] = add_up(parts)
    return make_matrix(columns)


def main() -> None:
    """Time preparing, one lock, twelve locks and the naming of a contradiction."""
    matrix = make_large()
    own = matrix[(matrix["kpi"] == "revenue_won") & (matrix["dimension"] == "all")]
    begin = time.perf_counter()
    prepared = prepare_matrix(matrix)
    prepared.solve([])
    print(f"{len(matrix)} cells, preparing: {1000 * (time.perf_counter() - begin):.0f} ms")
    for count in (1, 12):
        times = []
        for repeat in range(REPEATS):
            locks = own.head(count).assign(goal=own["expected"] * (1.2 + 0.02 * repeat))
            begin = time.perf_counter()
            prepared.solve(locks)
            times.append(1000 * (time.perf_counter() - begin))
        print(f"{count} locks: median {statistics.median(times):.0f} ms, slowest {max(times):.0f} ms of {REPEATS}")
    slice_ = matrix[(matrix["kpi"] == "revenue_won") & (matrix["slice"] == "s1")].head(1).assign(goal=1e9)
    begin = time.perf_counter()
    try:
        prepared.solve(pd.concat([own.assign(goal=own["expected"]), slice_]))
    except ContradictionError as contradiction:
        print(f"naming {len(contradiction.cells)} of 13 locks: {1000 * (time.perf_counter() - begin):.0f} ms")


if __name__ == "__main__":
    main()
