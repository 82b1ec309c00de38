"""Measure ``localise`` on funnel cases with planted causes that another author's generator makes.

Run by hand: ``python -m tests.benchmarks.bench_root_cause --generator PATH/funnel_cases.py --cases 4``.
Prints one line per family and the totals: hit@1, hit@3, F1 over exactly matched slices, kind, money error,
intervals that hold, false reports where nothing was planted, seconds.
"""

import argparse
import importlib.util
import json
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

import pandas as pd

from helpers.analyses.root_cause import localise

FAMILIES = ("null", "global", "vol", "opp", "win", "size", "mix", "multi", "comp", "mixrate")
NAMES = {"n": "leads", "o": "opportunities", "w": "deals_won", "r": "revenue", "l": "revenue_log", "q": "revenue_logsq"}
KINDS = {
    ("leads", "volume"): "volume",
    ("leads", "mix"): "mix",
    ("opportunities", "rate"): "opp",
    ("deals_won", "rate"): "win",
    ("revenue", "value"): "size",
}
STEPS = ["leads", "opportunities", "deals_won"]
LEAST_SHARE = 0.005


def load_generator(path: Path):
    """Load the generator from its file."""
    spec = importlib.util.spec_from_file_location("funnel_cases", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def to_leaves(frame: pd.DataFrame) -> pd.DataFrame:
    """Rename the generator's columns to those of ``localise``."""
    sides = {"0": "expected", "1": "actual"}
    return frame.rename(columns={f"{c}{p}": f"{name}_{side}" for c, name in NAMES.items() for p, side in sides.items()})


def canonical(slice_values: dict) -> frozenset:
    """Return a slice in a form that can be compared."""
    return frozenset(
        (name, frozenset(values if isinstance(values, list) else [values])) for name, values in slice_values.items()
    )


def score_case(module, seed: int, family: str, leads: int, **options) -> dict:
    """Run one case and score it."""
    frame, dimensions, truth = module.make_case(seed, family, leads=leads, **options)
    base = frame["r0"].sum()
    wanted = [t for t in truth if t["slice"] and (t["kind"] == "mix" or abs(t.get("impact", 0)) >= LEAST_SHARE * base)]
    small = [t for t in truth if t["slice"] and t not in wanted]
    leaves = to_leaves(frame)
    start = time.perf_counter()
    found = localise(leaves, dimensions, STEPS, amount="revenue")
    seconds = time.perf_counter() - start
    rows = [
        (canonical(json.loads(row.slice_json)), KINDS.get((row.step, row.effect), "?"), row)
        for row in found.itertuples()
    ]
    result = defaultdict(list)
    result.update(seconds=[seconds], family=family, seed=seed, false=0, found=len(rows), wanted=len(wanted))
    matched = set()
    for t in wanted:
        places = [i for i, (s, _, _) in enumerate(rows) if s == canonical(t["slice"])]
        result["hit1"].append(bool(places) and places[0] < len(wanted) and places[0] < 1)
        result["hit3"].append(bool(places) and places[0] < 3)
        result["hit"].append(bool(places))
        if not places:
            result["missed"].append((t["kind"], t["slice"], t.get("impact", 0) / base))
            continue
        matched.update(places)
        _, kind, row = rows[places[0]]
        result["kind"].append(kind == t["kind"])
        if t["kind"] != "mix":
            result["error"].append(abs(row.contribution - t["impact"]) / abs(t["impact"]))
            result["covered"].append(row.low <= t["impact"] <= row.high)
    tolerated = {canonical(t["slice"]) for t in small}
    for i, (s, kind, row) in enumerate(rows):
        if i not in matched and s not in tolerated:
            result["false"] += 1
            result["wrong"].append((kind, row.slice, round(row.contribution / base, 4), row.q_value))
    return result


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--generator", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=4)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument("--families", default=",".join(FAMILIES))
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    module = load_generator(arguments.generator)
    total = defaultdict(list)
    print("family     hit@1 hit@3 P    R    F1    kind  error  cover false seconds")
    for family in arguments.families.split(","):
        own = defaultdict(list)
        for case in range(arguments.first, arguments.first + arguments.cases):
            seed = 1000 * (FAMILIES.index(family) + 1) + 1 + case
            result = score_case(module, seed, family, arguments.leads)
            for name in ("hit1", "hit3", "hit", "kind", "error", "covered", "seconds"):
                own[name] += result[name]
            own["false"].append(result["false"])
            if arguments.verbose and (result["missed"] or result["wrong"]):
                print(f"  {family} {seed}: missed {result['missed']} wrong {result['wrong']}")
        print_line(family, own)
        for name, values in own.items():
            total[name] += values
    print_line("all", total)


def print_line(name: str, own: dict) -> None:
    """Print one line of the table."""

    def share(values: list) -> str:
        return f"{sum(values) / len(values):.2f}" if values else " -  "

    hits, false = sum(own["hit"]), sum(own["false"])
    precision = hits / (hits + false) if hits + false else float("nan")
    recall = hits / len(own["hit"]) if own["hit"] else float("nan")
    f1 = 2 * hits / (hits + false + len(own["hit"])) if own["hit"] else float("nan")
    error = f"{median(own['error']):.3f}" if own["error"] else "  -  "
    shares = [share(own["hit1"]), share(own["hit3"]), f"{precision:.2f} {recall:.2f} {f1:.2f}", share(own["kind"])]
    false = share([n > 0 for n in own["false"]])
    print(f"{name:9}", *shares, error, share(own["covered"]), false, f"{median(own['seconds']):.2f}", sep="  ")


if __name__ == "__main__":
    main()
