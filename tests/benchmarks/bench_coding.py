"""Coding texts to small integers: Arrow's dictionary encoding beside DuckDB's enums, in one run.

Run it with ``python -m tests.benchmarks.bench_coding [--rows N]``; it prints CPU seconds and their ratio per round.
Both ways must give the same labels for every row before any time is printed.
"""

import argparse
import time

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

CARDINALITIES = (60, 8, 25, 5, 40, 20, 3, 12, 4, 50)


def make_records(rows: int, seed: int = 20260930) -> pd.DataFrame:
    """Return ten text columns of as many distinct values as partitions usually have."""
    rng = np.random.default_rng(seed)
    columns = {}
    for i, size in enumerate(CARDINALITIES):
        values = np.array([f"value {k}" for k in range(size)])
        columns[f"d{i}"] = pd.Series(values[rng.integers(0, size, rows)]).astype("str")
    return pd.DataFrame(columns)


def code_by_dictionary(records: pd.DataFrame) -> dict[str, tuple[np.ndarray, list[str]]]:
    """Code every column as the engine does."""
    coded = {}
    for name in records:
        codes, values = pd.factorize(records[name])
        coded[name] = (codes, list(values))
    return coded


def code_by_enum(records: pd.DataFrame) -> dict[str, tuple[np.ndarray, list[str]]]:
    """Code every column by a DuckDB enum of its distinct values, all columns in one query."""
    with duckdb.connect() as connection:
        connection.register("records", pa.Table.from_pandas(records, preserve_index=False))
        for name in records:
            connection.execute(f"create type e_{name} as enum (select distinct {name} from records order by 1)")
        parts = ", ".join(f"enum_code({name}::e_{name}) as {name}" for name in records)
        codes = connection.sql(f"select {parts} from records").fetchnumpy()
        values = {name: connection.sql(f"select unnest(enum_range(null::e_{name}))").fetchall() for name in records}
    return {name: (np.asarray(codes[name]), [value for (value,) in values[name]]) for name in records}


def main() -> None:
    """Compare the two ways."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    records = make_records(options.rows)
    for name, (codes, values) in code_by_dictionary(records).items():
        others, other_values = code_by_enum(records[[name]])[name]
        assert (np.array(values)[codes] == np.array(other_values)[others]).all(), name
    for number in range(options.rounds):
        spent = []
        for way in (code_by_dictionary, code_by_enum):
            started = time.process_time()
            way(records)
            spent.append(time.process_time() - started)
        print(
            f"round {number + 1}: dictionary {spent[0]:.2f} s, enum {spent[1]:.2f} s, ratio {spent[1] / spent[0]:.1f}"
        )


if __name__ == "__main__":
    main()
