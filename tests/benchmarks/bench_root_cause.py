"""Measure ``localise`` and other people's methods on the same cases with planted causes, in one run.

Run by hand (the whole protocol takes hours with wise-pizza, minutes without)::

    python -m tests.benchmarks.bench_root_cause --generator PATH/funnel_cases.py --cases 40 --null-cases 100 \\
        --peers-python PEERS/bin/python --riskloc CHECKOUT --peer-cases 2

``PEERS`` is a virtual environment with ``wise-pizza==0.2.9``, ``numpy<2`` and ``pandas<2.3``; ``CHECKOUT`` is
github.com/shaido987/riskloc at 08cd777. What isn't there is skipped, and the reason printed. The naive drill-down
always runs. ``--generator`` may be given twice; each has its own table.

Per method and family: hit@1 and hit@3 (of the truths), near@3 (a slice that shares half of the leads), micro-F1 over
exactly matched slices, kind named right, median relative error of the money, 90 % intervals that hold (of how many),
false reports where nothing was planted (Wilson 95 %), median and 95th percentile of seconds; then the largest add-up
error as a share of the gap, and the peak memory.
"""

import argparse
import json
import os
import resource
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from helpers.analyses.root_cause import localise
from tests.benchmarks.root_cause_cases import (
    FAMILIES,
    HEADER,
    KINDS,
    STEPS,
    Case,
    Claim,
    Tally,
    canonical,
    load_generator,
    make_case,
    to_leaves,
    write_line,
)

EMPTY = ("null", "global")
PEERS = {
    "wise-pizza revenue": "wise-pizza",
    "wise-pizza wins": "wise-pizza",
    "adtributor revenue": "riskloc",
    "adtributor leads": "riskloc",
    "riskloc revenue": "riskloc",
    "riskloc leads": "riskloc",
    "autoroot revenue": "riskloc",
    "autoroot leads": "riskloc",
}
DEEPEST = 3
EXPLAINED = 0.5


def run_localise(case: Case) -> tuple[list[Claim], float, float]:
    """Return what ``localise`` claims, its seconds, and by how much its parts miss the gap (as a share of it)."""
    leaves = to_leaves(case.frame)
    begun = time.perf_counter()
    found = localise(leaves, case.dimensions, STEPS, amount="revenue")
    seconds = time.perf_counter() - begun
    claims = []
    for row in found.itertuples():
        kind = KINDS.get((row.step, row.effect), "?")
        claims.append(Claim(canonical(json.loads(row.slice_json)), kind, row.contribution, row.low, row.high))
    told = found["contribution"].sum() + sum(float(one["contribution"]) for one in found.attrs["global"].values())
    gap = float(case.frame["r1"].sum() - case.frame["r0"].sum())
    return claims, seconds, abs(told + found.attrs["unexplained"] - gap) / max(abs(gap), 1e-9)


def drill_down(case: Case) -> list[frozenset]:
    """Follow the revenue that is missing, one dimension at a time, into the value that holds most of it."""
    frame = case.frame.assign(missing=case.frame["r1"] - case.frame["r0"])
    inside, taken = frame, {}
    while len(taken) < DEEPEST:
        gap, best = inside["missing"].sum(), None
        for name in case.dimensions:
            if name in taken:
                continue
            parts = inside.groupby(name, observed=True)["missing"].sum()
            value = parts.idxmin() if gap < 0 else parts.idxmax()
            if best is None or abs(parts[value]) > abs(best[2]):
                best = (name, value, parts[value])
        if best is None or (taken and abs(best[2]) < EXPLAINED * abs(gap)):
            break
        taken[best[0]] = str(best[1])
        inside = inside[inside[best[0]] == best[1]]
    return [canonical(taken)]


class Peer:
    """Hold a process that answers for other people's methods; started again when it takes too long."""

    def __init__(self, python: str, checkout: str, seconds: float) -> None:
        """Keep how to start it; nothing runs yet."""
        script = Path(__file__).with_name("root_cause_peer.py")
        self._command = [python, str(script), *([checkout] if checkout else [])]
        self._seconds, self._process = seconds, None

    def ask(self, method: str, case: Case) -> dict:
        """Return slices and seconds, or an error."""
        with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
            case.frame.to_csv(file, index=False)
            file.flush()
            question = {"method": method, "leaves": file.name, "dimensions": case.dimensions}
            if self._process is None:
                pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
                self._process = subprocess.Popen(self._command, text=True, **pipes)
            return self._exchange(json.dumps(question) + "\n")

    def _exchange(self, question: str) -> dict:
        import select

        self._process.stdin.write(question)
        self._process.stdin.flush()
        if not select.select([self._process.stdout], [], [], self._seconds)[0]:
            self.close()
            return {"error": f"no answer within {self._seconds:.0f} s"}
        line = self._process.stdout.readline()
        if not line:
            self.close()
            return {"error": "the process ended without an answer"}
        return json.loads(line)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def choose_peers(python: str, checkout: str) -> tuple[list[str], list[str]]:
    """Return the peers that can run, and why others can't."""
    if not python:
        return [], ["wise-pizza, adtributor, riskloc, autoroot: skipped, --peers-python names no Python to run them in"]
    imported = subprocess.run([python, "-c", "import wise_pizza"], capture_output=True, text=True, check=False)
    missing = {}
    if imported.returncode:
        why = (imported.stderr.strip().splitlines() or ["no reason given"])[-1]
        missing["wise-pizza"] = f"wise-pizza: skipped, {python} can't import it ({why})"
    if not checkout or not (Path(checkout) / "algorithms" / "riskloc.py").is_file():
        missing["riskloc"] = "adtributor, riskloc, autoroot: skipped, --riskloc names no checkout of them"
    return [name for name, needs in PEERS.items() if needs not in missing], list(missing.values())


class Run:
    """Hold one generator's cases and every method's tallies: one over all cases, one over those that peers got too."""

    def __init__(self, ask: Callable[[str, Case], dict], peers: Sequence[str]) -> None:
        """Start with nothing tallied."""
        self.ask, self.peers = ask, list(peers)
        self.own: dict[tuple[str, str], Tally] = defaultdict(Tally)
        self.shared: dict[tuple[str, str], Tally] = defaultdict(Tally)
        self.errors: list[str] = []

    def add(self, case: Case, *, is_shared: bool) -> None:
        """Run everything on one case."""
        claims, seconds, add_up = run_localise(case)
        begun = time.perf_counter()
        naive = [Claim(one) for one in drill_down(case)]
        answers = {"localise": (claims, seconds, add_up), "naive": (naive, time.perf_counter() - begun, None)}
        for name, given in answers.items():
            self._note(self.own, name, case, given)
            if is_shared:
                self._note(self.shared, name, case, given)
        for name in self.peers if is_shared else ():
            answered = self.ask(name, case)
            if "error" in answered:
                self.errors.append(f"{name} on {case.family} {case.seed}: {answered['error']}; counted as silent")
            slices = [Claim(canonical(one)) for one in answered.get("slices", [])]
            self._note(self.shared, name, case, (slices, answered.get("seconds", float("nan")), None))

    def _note(self, tallies: dict, name: str, case: Case, given: tuple) -> None:
        for family in (case.family, "all"):
            tallies[name, family].judge(case, *given)

    def print(self, families: Sequence[str], *, is_verbose: bool) -> None:
        """Print the tables."""
        print(HEADER)
        for name in ("localise", "naive"):
            for family in (*families, "all"):
                if (name, family) in self.own:
                    print(write_line(name, family, self.own[name, family]))
        total = self.own["localise", "all"]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"parts miss the gap by at most {max(total.add_up):.1e} of it; peak memory {peak:.0f} MB")
        if self.peers:
            print(f"\nthe {len(self.shared['localise', 'all'].seconds)} cases that every method got")
            print(HEADER)
            for name in ("localise", "naive", *self.peers):
                print(write_line(name.replace("wise-pizza", "wise"), "all", self.shared[name, "all"]))
        for remark in [*self.errors, *(total.remarks if is_verbose else [])]:
            print(" ", remark)


def run_generator(path: Path, options: argparse.Namespace, peer: Peer, peers: Sequence[str]) -> None:
    """Run one generator's cases and print its tables."""
    module = load_generator(path)
    known = tuple(getattr(module, "FAMILIES", FAMILIES))
    families = [one for one in known if not options.families or one in options.families.split(",")]
    run = Run(peer.ask, peers)
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"\n{path.name}: {options.leads:,} leads per period, load average {load} (seconds are wall)")
    for family in families:
        wanted = options.null_cases if family in EMPTY and options.null_cases else options.cases
        for place in range(options.first, options.first + wanted):
            case = make_case(module, family, 1000 * (known.index(family) + 1) + 1 + place, leads=options.leads)
            run.add(case, is_shared=place < options.first + options.peer_cases)
    run.print(families, is_verbose=options.verbose)


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--generator", type=Path, action="append", required=True)
    parser.add_argument("--cases", type=int, default=4)
    parser.add_argument(
        "--null-cases", type=int, default=0, help="of each family without a cause; as --cases unless said"
    )
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument("--families", default="")
    parser.add_argument("--peers-python", default="", help="a Python that has wise-pizza")
    parser.add_argument("--riskloc", default="", help="a checkout of github.com/shaido987/riskloc")
    parser.add_argument("--peer-cases", type=int, default=2, help="cases per family that the peers get")
    parser.add_argument("--peer-seconds", type=float, default=300.0, help="after which a peer counts as silent")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    peers, skipped = choose_peers(options.peers_python, options.riskloc)
    peer = Peer(options.peers_python, options.riskloc, options.peer_seconds)
    try:
        for path in options.generator:
            run_generator(path, options, peer, peers)
    finally:
        peer.close()
    for reason in skipped:
        print(reason)


if __name__ == "__main__":
    main()
