"""Measure how long it takes from a prepared journey table to the causes of a gap, beside the aggregation alone.

Run by hand: ``python -m tests.benchmarks.bench_root_cause_speed --leads 100000,1000000,10000000 --rounds 5``.
One row per lead with six partitions (8, 7, 4, 6, 12 and 20 values), the days on which it became an opportunity and was
won, and its amount; one slice of three dimensions lost half of its leads. Per size, in one run on two threads: the
aggregation to leaves alone, and the whole way (aggregation and ``localise``); medians, wall and CPU seconds, their
ratio, and the peak memory of the process that did it. On a busy machine only the CPU seconds say something.
"""

import argparse
import json
import multiprocessing
import os
import resource
import time
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa

from helpers.analyses.journey_leaves import JourneyTable, prepare_journeys, sum_journeys
from helpers.analyses.root_cause import localise

SIZES = {"region": 8, "channel": 7, "segment": 4, "product": 6, "industry": 12, "rep": 20}
PLANTED = {"region": "region 01", "channel": "channel 02", "segment": "segment 01"}
STEPS = {"leads": "lead_day", "opportunities": "opportunity_day", "deals_won": "won_day"}
JOURNEYS = JourneyTable("journey", tuple(SIZES), STEPS, cents="cents")
BEFORE, NOW, AGE = (20_000, 20_090), (20_091, 20_181), 120
CHUNK = 1_000_000


def make_leads(n: int, rng: np.random.Generator) -> pa.Table:
    """Return journeys of one chunk of leads."""
    columns, inside = {}, np.ones(n, bool)
    for name, size in SIZES.items():
        codes = np.minimum(rng.integers(0, size, n), rng.integers(0, size + 2, n)).astype(np.int8)
        values = [f"{name} {i:02d}" for i in range(size)]
        columns[name] = pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(values))
        if name in PLANTED:
            inside &= codes == values.index(PLANTED[name])
    lead = rng.integers(BEFORE[0], NOW[1] + 1, n, dtype=np.int32)
    is_lost = inside & (lead >= NOW[0]) & (rng.random(n) < 0.5)
    opportunity, won = rng.random(n) < 0.25, rng.random(n) < 0.25
    days = {
        "lead_day": (lead, is_lost),
        "opportunity_day": (lead + rng.integers(1, 30, n, dtype=np.int32), ~opportunity),
        "won_day": (lead + rng.integers(30, 90, n, dtype=np.int32), ~(opportunity & won)),
        "cents": ((100 * rng.lognormal(9, 0.8, n)).astype(np.int64), ~(opportunity & won)),
    }
    columns |= {name: pa.array(values, mask=missing) for name, (values, missing) in days.items()}
    return pa.table(columns)


def fill(connection, leads: int) -> None:
    """Make the prepared journey table."""
    rng = np.random.default_rng(leads)
    connection.execute("set threads = 2")
    for start in range(0, leads, CHUNK):
        connection.register("chunk", make_leads(min(CHUNK, leads - start), rng))
        exists = "insert into raw select * from chunk" if start else "create table raw as select * from chunk"
        connection.execute(exists)
        connection.unregister("chunk")
    prepare_journeys(connection, "select * from raw where lead_day is not null", JOURNEYS.dimensions)
    connection.execute("drop table raw")
    connection.execute("checkpoint")


def measure(path: str, rounds: int, answer) -> None:
    """Time both ways in a process of its own, so that its peak memory is theirs alone."""
    import duckdb

    connection = duckdb.connect(path, read_only=True)
    connection.execute("set threads = 2")
    spent: dict[str, list[tuple[float, float]]] = {"aggregation": [], "whole": []}
    for _ in range(rounds):
        for name in spent:
            begun = time.perf_counter(), time.process_time()
            leaves = sum_journeys(connection, JOURNEYS, expected=[BEFORE], actual=NOW, age=AGE)
            if name == "whole":
                found = localise(leaves, JOURNEYS.dimensions, list(STEPS), amount="revenue")
            spent[name].append((time.perf_counter() - begun[0], time.process_time() - begun[1]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    causes = [(row.step, row.effect, json.loads(row.slice_json)) for row in found.itertuples()]
    answer.send((spent, len(leaves), causes, peak))


def run_size(leads: int, rounds: int, folder: str) -> str:
    """Return one line of the table.

    Raises:
        AssertionError: The planted slice was not found, or something else was claimed.
    """
    import duckdb

    path = str(Path(folder) / f"journeys_{leads}.duckdb")
    with duckdb.connect(path) as connection:
        fill(connection, leads)
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe(duplex=False)
    process = context.Process(target=measure, args=(path, rounds, theirs))
    process.start()
    theirs.close()
    spent, size, causes, peak = mine.recv()
    process.join()
    planted = ("leads", "volume", {name: [value] for name, value in PLANTED.items()})
    assert causes == [planted], causes
    (alone, alone_cpu), (whole, whole_cpu) = (
        [median(side) for side in zip(*spent[name], strict=True)] for name in spent
    )
    seconds = f"{alone:6.2f} ({alone_cpu:5.2f})  {whole:6.2f} ({whole_cpu:5.2f})"
    return f"{leads:>11,} {size:>8,}  {seconds}  {whole / alone:5.2f} ({whole_cpu / alone_cpu:4.2f})  {peak:7.0f}"


def main() -> None:
    """Measure and print."""
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--leads", default="100000,1000000,10000000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", help="where the journey tables are made; a temporary one unless said")
    options = parser.parse_args()
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"median of {options.rounds}, two threads, load average {load}; seconds are wall (CPU)")
    print("      leads   leaves  aggregation    whole way        ratio         peak MB")
    with tempfile.TemporaryDirectory() as temporary:
        for leads in map(int, options.leads.split(",")):
            print(run_size(leads, options.rounds, options.folder or temporary), flush=True)


if __name__ == "__main__":
    main()
