"""Measure all one- and two-way slices of ten partitions against other tools and against bare limits, in one run.

Run by hand: ``python -m tests.benchmarks.bench_slices --contacts 1000000 --rounds 5`` (about ten minutes). Six volumes,
five cohort rates and revenue in two periods. Every measurement is a process of its own; CPU seconds and peak memory
are those of the process, imports and reading included. Ways take turns (A B A B …), medians and least are printed, and
ratios per round. Before any time is looked at, all ways give the same cells: at up to 100,000 contacts compared cell by
cell, beyond by checksum. ``--reslice`` measures a changed filter on data that is resident instead.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median

from tests.benchmarks import slice_peers as peers
from tests.benchmarks.slice_data import LAST, SIZES, write_company

KPIS = (
    "leads mqls sqls opportunities deals_won customers_onboarded revenue_won "
    "lead_to_mql mql_to_sql sql_to_opportunity opportunity_to_won won_to_live"
).split()
VALUES = {
    "leads": "leads",
    "mqls": "mqls",
    "sqls": "sqls",
    "opportunities": "opportunities",
    "deals_won": "deals_won",
    "customers_onboarded": "customers_onboarded",
    "lead_to_mql": "mql_of_leads",
    "mql_to_sql": "sql_of_mqls",
    "sql_to_opportunity": "opportunity_of_sqls",
    "opportunity_to_won": "won_of_opportunities",
    "won_to_live": "live_of_won",
}
DENOMINATORS = {
    "lead_to_mql": "leads",
    "mql_to_sql": "mqls",
    "sql_to_opportunity": "sqls",
    "opportunity_to_won": "opportunities",
    "won_to_live": "deals_won",
}
COMPARED = 100_000
FILTERS = 40


def open_measured(folder: Path, connection: str | None, limit: str = ""):
    """Open the measured company, its files read by pandas (None) or in place by DuckDB."""
    from helpers.company import open_company

    company = open_company(folder, connection=connection)
    if limit:
        company.warehouse.connection.raw.execute(f"set memory_limit = '{limit}'")
    return company


def ask_for(grain: str) -> dict:
    """Return what the engine is asked."""
    (start, _), (_, end) = peers.PERIODS[grain]
    return {"kpis": KPIS, "by": peers.LENSES, "grain": grain, "start": start, "end": end, "as_of": str(LAST)}


def slice_in_engine(folder: Path, grain: str, connection: str | None = "duckdb:", limit: str = ""):
    """Open the company and compute the table of KPIs."""
    from helpers.engine import build_cells

    return build_cells(open_measured(folder, connection, limit), **ask_for(grain))


def shape_cells(cells):
    """Turn the table of KPIs into the peers' shape, denominators checked on the way."""
    import pandas as pd

    keys = ["dimension", "slice", "period_start"]
    cells = cells[(cells["basis"] == "cohort") | ~cells["kpi"].isin(DENOMINATORS)]
    columns = {}
    for kpi, part in cells.groupby("kpi"):
        part = part.set_index(keys)
        if kpi == "revenue_won":
            columns["cents"] = (part["value"] * 100).round()
        else:
            columns[VALUES[kpi]] = part["numerator"]
    wide = pd.DataFrame(columns).reindex(columns=list(peers.COUNTS)).fillna(0).astype("int64")
    for kpi, below in DENOMINATORS.items():
        part = cells[cells["kpi"] == kpi].set_index(keys)["denominator"].astype("int64")
        assert part.equals(wide[below][wide[below] > 0].reindex(part.index).rename("denominator")), kpi
    wide = wide.reset_index().rename(columns={"period_start": "period"})
    wide["period"] = (wide["period"] > wide["period"].min()).astype("int64")
    return wide


def tidy(wide):
    """Sort a table of cells and leave out those with nothing in them."""
    wide = wide[(wide[list(peers.COUNTS)] != 0).any(axis=1)]
    wide = wide.astype({"period": "int64", "dimension": "str", "slice": "str"})
    return wide.set_index(["dimension", "slice", "period"])[list(peers.COUNTS)].astype("int64").sort_index()


def total(wide) -> list[int]:
    """Return how many cells there are, and what they add up to."""
    counts = tidy(wide)
    return [len(counts), *(int(counts[name].sum()) for name in peers.COUNTS)]


WAYS = {
    "engine": slice_in_engine,
    "engine 2GB": partial(slice_in_engine, limit="2GB"),
    "engine in pandas": partial(slice_in_engine, connection=None),
    "pandas groupby": lambda folder, grain: peers.slice_in_pandas(peers.read_in_pandas(folder, grain)),
    "pandas pivot_table": lambda folder, grain: peers.pivot_in_pandas(peers.read_in_pandas(folder, grain)),
    "polars": lambda folder, grain: peers.slice_in_polars(peers.read_in_polars(folder, grain)),
    "duckdb": peers.slice_in_duckdb,
    "journey join": peers.join_in_duckdb,
    "scan": peers.scan_in_duckdb,
}
LIMITS = ("journey join", "scan")


def shape(way: str, found):
    """Bring what a way returns into one shape."""
    if way.startswith("engine"):
        return shape_cells(found)
    if way == "duckdb":
        return peers.name_slices(peers.split_sets(found))
    return peers.name_slices(found, (lambda table: table.to_pandas()) if way == "polars" else (lambda table: table))


def measure(way: str, folder: Path, grain: str, cells: Path | None) -> dict:
    """Run one way in this process; what is done with its result afterwards isn't measured."""
    begun = time.perf_counter()
    found = WAYS[way](folder, grain)
    used, wall = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter() - begun
    report = {"cpu": used.ru_utime + used.ru_stime, "wall": wall, "mib": used.ru_maxrss / 1024}
    if way not in LIMITS:
        wide = shape(way, found)
        report["total"] = total(wide)
        if cells is not None:
            tidy(wide).reset_index().to_parquet(cells)
    return report


def list_filters() -> list[dict[str, str]]:
    """Return the filters of the re-slicing: each one value of one partition, frequent and rare ones."""
    wanted = []
    for name, size in SIZES.items():
        wanted += [{name: f"{name} {rank:02d}"} for rank in (0, 1, size // 2, size - 1)]
    return wanted[:FILTERS]


def reslice(way: str, folder: Path, grain: str) -> dict:
    """Prepare what a way keeps in memory, then ask under every filter; milliseconds per filter."""
    ask = {"engine": ready_engine, "duckdb": ready_duckdb, "polars": ready_polars}[way](folder, grain)
    ask({})
    walls, cpus, totals = [], [], []
    for filters in list_filters():
        wall, cpu = time.perf_counter(), time.process_time()
        found = ask(filters)
        walls.append((time.perf_counter() - wall) * 1000)
        cpus.append((time.process_time() - cpu) * 1000)
        totals.append(total(shape(way, found.to_frame() if way == "engine" else found)) if len(totals) < 4 else None)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {"p50": median(walls), "cpu50": median(cpus), "most": max(walls), "mib": used.ru_maxrss / 1024,
            "total": totals[:4]}  # fmt: skip


def ready_engine(folder: Path, grain: str):
    """Return what re-slices with the engine's session."""
    from helpers.engine import open_session

    session = open_session(open_measured(folder, "duckdb:"), **ask_for(grain))
    return session.slice


def ready_duckdb(folder: Path, grain: str):
    """Return what re-slices a resident table of events in DuckDB, its partitions as enums."""
    connection = peers.connect()
    enums = ", ".join(f"{name}::enum_{name} as {name}" for name in SIZES)
    connection.execute(f"create temp table plain as {peers.write_journeys(folder, grain)} select * from events")
    for name in SIZES:
        connection.execute(f"create type enum_{name} as enum (select distinct {name} from plain order by 1)")
    connection.execute(f"create temp table ready as select period, {enums}, {', '.join(peers.COUNTS)} from plain")
    connection.execute("drop table plain")

    def ask(filters: dict[str, str]):
        where = " and ".join(f"{name} = '{value}'" for name, value in filters.items())
        return connection.execute(peers.write_slices("ready", where=f"where {where}" if where else "")).to_arrow_table()

    return ask


def ready_polars(folder: Path, grain: str):
    """Return what re-slices a resident frame of events in polars, its partitions as categoricals."""
    import polars as pl

    ready = peers.read_in_polars(folder, grain).with_columns(pl.col(list(SIZES)).cast(pl.Categorical)).collect()

    def ask(filters: dict[str, str]):
        kept = ready
        for name, value in filters.items():
            kept = kept.filter(pl.col(name) == value)
        return peers.slice_in_polars(kept)

    return ask


def run_apart(*arguments: str) -> dict:
    """Run one measurement in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_slices", *arguments]
    # Bytecode is kept, as it is wherever Python runs for a second time; else every way mostly measures its compiling.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def compare_cells(paths: dict[str, Path]) -> int:
    """Compare the ways cell by cell.

    Returns:
        How many cells are equal.

    Raises:
        AssertionError: Two ways differ.
    """
    import pandas as pd

    first, *rest = paths
    mine = pd.read_parquet(paths[first])
    for other in rest:
        pd.testing.assert_frame_equal(mine, pd.read_parquet(paths[other]), obj=f"{other} against {first}")
    return len(mine)


def print_table(runs: dict[str, list[dict]], against: str) -> None:
    """Print medians, and each way's CPU over that of one of them, round by round."""
    print(f"{'way':24}{'CPU s':>9}{'least':>9}{'wall s':>9}{'MiB':>8}   CPU over {against}'s, per round")
    for way, rounds in runs.items():
        cpu = [one["cpu"] for one in rounds]
        ratios = [one["cpu"] / base["cpu"] for one, base in zip(rounds, runs[against], strict=True)]
        print(
            f"{way:24}{median(cpu):9.2f}{min(cpu):9.2f}{median(one['wall'] for one in rounds):9.2f}"
            f"{max(one['mib'] for one in rounds):8.0f}   {' '.join(f'{ratio:.2f}' for ratio in ratios)}"
        )


def run(folder: Path, contacts: int, grain: str, ways: list[str], rounds: int) -> dict[str, list[dict]]:
    """Let the ways take turns, each in a process of its own, and compare their cells first."""
    runs: dict[str, list[dict]] = {way: [] for way in ways}
    for number in range(rounds):
        for way in ways:
            cells = folder / f"cells {way}.parquet"
            wanted = ["--cells", str(cells)] if number == 0 and contacts <= COMPARED and way not in LIMITS else []
            runs[way].append(run_apart("--way", way, "--folder", str(folder), "--grain", grain, *wanted))
        sliced = [way for way in ways if way not in LIMITS]
        totals = {way: runs[way][-1]["total"] for way in sliced}
        assert len({tuple(one) for one in totals.values()}) == 1, totals
        if number == 0 and contacts <= COMPARED:
            equal = compare_cells({way: folder / f"cells {way}.parquet" for way in sliced})
            print(f"{equal:,} rows of cells are equal in {', '.join(sliced)}")
    return runs


def main() -> None:
    """Measure and print, or run one way for the measuring process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--grain", default="quarter", choices=list(peers.PERIODS), help="which two periods")
    parser.add_argument("--ways", default="engine,pandas groupby,polars,duckdb,journey join,scan")
    parser.add_argument("--folder", type=Path, help="where the data lies or is written; otherwise for this run only")
    parser.add_argument("--reslice", action="store_true", help="measure filter changes instead")
    parser.add_argument("--way", help=argparse.SUPPRESS)
    parser.add_argument("--cells", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        work = reslice if options.reslice else partial(measure, cells=options.cells)
        print(json.dumps(work(options.way, options.folder, options.grain)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        if not (folder / "company.toml").exists():
            write_company(folder, options.contacts)
        load = os.getloadavg()[0]
        size = f"{options.contacts:,} contacts, two {options.grain}s, {options.rounds} rounds"
        print(f"{size}, load {load:.1f} on {os.cpu_count()} processors")
        if options.reslice:
            _print_reslices(folder, options.grain, options.rounds)
        else:
            ways = options.ways.split(",")
            print_table(run(folder, options.contacts, options.grain, ways, options.rounds), ways[0])


def _print_reslices(folder: Path, grain: str, rounds: int) -> None:
    ways = ("engine", "duckdb", "polars")
    runs: dict[str, list[dict]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            runs[way].append(run_apart("--reslice", "--way", way, "--folder", str(folder), "--grain", grain))
        totals = {way: runs[way][-1]["total"] for way in ways}
        assert totals["engine"] == totals["duckdb"] == totals["polars"], totals
    print(f"{'way':12}{'p50 ms':>9}{'CPU ms':>9}{'most ms':>9}{'MiB':>8}   {FILTERS} filters, all 56 combinations")
    for way in ways:
        numbers = [median(one[name] for one in runs[way]) for name in ("p50", "cpu50", "most", "mib")]
        print(f"{way:12}{numbers[0]:9.1f}{numbers[1]:9.1f}{numbers[2]:9.1f}{numbers[3]:8.0f}")


if __name__ == "__main__":
    main()
