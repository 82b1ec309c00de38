"""Run other people's localisers on leaf tables, in a Python of their own: this file imports nothing of the project.

Started by ``bench_root_cause``; reads one JSON object a line (method, leaves: a csv with dimensions and n0, n1, o0, …,
dimensions) and answers each with one line: slices, seconds and cpu, or error.
"""

import contextlib
import json
import sys
import time
import warnings

import pandas as pd


def run_wise_pizza(frame, dimensions, total, size):
    """Explain a change of totals; five segments, two dimensions deep, as in its own examples."""
    from wise_pizza import explain_changes_in_totals

    sides = []
    for period in "01":
        side = frame[dimensions].assign(total=frame[total + period], size=frame[size + period])
        sides.append(side[side["size"] > 0])
    options = {"max_segments": 5, "max_depth": 2, "how": "totals", "solver": "lasso"}
    found = explain_changes_in_totals(*sides, dims=dimensions, total_name="total", size_name="size", **options)
    ranked = sorted(found.segments, key=lambda one: -abs(one.get("impact", one["total"])))
    return [{name: [str(value)] for name, value in one["segment"].items()} for one in ranked]


def run_riskloc_suite(method, frame, dimensions, measure):
    """Run one method of a checkout of riskloc with its own default parameters."""
    leaves = frame[dimensions].assign(
        real=frame[measure + "1"].astype(float), predict=frame[measure + "0"].astype(float)
    )
    if method == "adtributor":
        from algorithms.adtributor import adtributor

        return [{one["dimension"]: [str(e)]} for one in adtributor(leaves, dimensions) for e in one["elements"]]
    if method == "riskloc":
        from algorithms.riskloc import riskloc

        causes = riskloc(leaves, dimensions)
    else:
        from algorithms.autoroot import autoroot

        causes = autoroot(leaves, dimensions)
    found = []
    for one in causes:
        names = list(one["cuboid"])
        for element in one["elements"]:
            values = [element] if isinstance(element, str) else list(element)
            found.append({name: [str(value)] for name, value in zip(names, values, strict=True)})
    return found


def answer(question):
    """Run one method on one table."""
    frame = pd.read_csv(question["leaves"], dtype={name: str for name in question["dimensions"]})
    dimensions = question["dimensions"]
    begun = time.perf_counter(), time.process_time()
    name, _, measure = question["method"].partition(" ")
    if name == "wise-pizza":
        slices = run_wise_pizza(frame, dimensions, *(("r", "n") if measure == "revenue" else ("w", "n")))
    else:
        slices = run_riskloc_suite(name, frame, dimensions, {"revenue": "r", "leads": "n"}[measure])
    return {"slices": slices, "seconds": time.perf_counter() - begun[0], "cpu": time.process_time() - begun[1]}


def main():
    """Answer line by line until the input ends."""
    warnings.filterwarnings("ignore")
    if len(sys.argv) > 1:
        sys.path.insert(0, sys.argv[1])
    for line in sys.stdin:
        with contextlib.redirect_stdout(sys.stderr):
            try:
                answered = answer(json.loads(line))
            except Exception as error:
                answered = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answered), flush=True)


if __name__ == "__main__":
    main()
