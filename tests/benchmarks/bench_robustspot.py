"""Measure ``localise`` on 135 real anomalies of a video service's success ratio, with its defaults.

Run by hand: ``python -m tests.benchmarks.bench_robustspot [--data FOLDER] [--verbose]``; nothing is written.
The data lies in ``../shared/data/robustspot``, or where ``--data`` says (github.com/shaido987/riskloc, data/RS).
Scored by micro-F1 over exactly matched slices: of every row, of rates alone, and of the first rate alone. Cases with an
even number are those that the method was looked at on; the odd ones were kept for the figure.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from helpers.analyses.root_cause import localise
from tests.benchmarks.robustspot_cases import STEPS, Anomaly, Slice, read_anomalies, to_slice

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "robustspot"
BEST_PUBLIC = 0.414
"""Micro-F1 of the best public method (robustspot itself) on the same cases."""


@dataclass
class Score:
    """Count exactly matched slices."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    def add(self, claimed: Sequence[Slice], truth: frozenset[Slice]) -> None:
        """Count one case."""
        claimed = set(claimed)
        self.right += len(claimed & truth)
        self.wrong += len(claimed - truth)
        self.missed += len(truth - claimed)

    @property
    def f1(self) -> float:
        """Micro-F1."""
        total = 2 * self.right + self.wrong + self.missed
        return 2 * self.right / total if total else float("nan")

    def __str__(self) -> str:
        """Write the counts and what they come to."""
        precision = self.right / max(self.right + self.wrong, 1)
        recall = self.right / max(self.right + self.missed, 1)
        whole = self.right + self.missed
        return f"F1 {self.f1:.3f} (precision {precision:.2f}, recall {recall:.2f}; {self.right} of {whole})"


def claim(anomaly: Anomaly) -> list[tuple[Slice, str]]:
    """Return the slices that ``localise`` names, with their kind of effect."""
    found = localise(anomaly.leaves, anomaly.dimensions, STEPS)
    return [(to_slice(json.loads(row.slice_json)), row.effect) for row in found.itertuples()]


def score(anomalies: Sequence[Anomaly]) -> dict[str, Score]:
    """Score ``localise`` on some cases: every row, rates alone, the first rate alone."""
    scores = {"every row": Score(), "rates": Score(), "first rate": Score()}
    for anomaly in anomalies:
        rows = claim(anomaly)
        rates = [one for one, effect in rows if effect == "rate"]
        scores["every row"].add([one for one, _ in rows], anomaly.truth)
        scores["rates"].add(rates, anomaly.truth)
        scores["first rate"].add(rates[:1], anomaly.truth)
    return scores


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    anomalies = read_anomalies(options.data)
    begun = time.process_time()
    for name, cases in (("all", anomalies), ("even", anomalies[::2]), ("odd", anomalies[1::2])):
        for what, counted in score(cases).items():
            print(f"{name:<5} {len(cases):>4} cases  {what:<11} {counted}")
    spent = (time.process_time() - begun) / 2 / len(anomalies)
    print(f"best public method measured on all: F1 {BEST_PUBLIC}; {spent:.3f} s CPU per case")
    for anomaly in anomalies if options.verbose else ():
        rows = claim(anomaly)
        mark = "=" if {one for one, effect in rows if effect == "rate"} == anomaly.truth else " "
        print(mark, anomaly.name, sorted(map(write, anomaly.truth)), "←", [f"{e} {write(one)}" for one, e in rows])


def write(one: Slice) -> str:
    """Write a slice for people."""
    return " & ".join(f"{name}={'|'.join(sorted(values))}" for name, values in sorted(one))


if __name__ == "__main__":
    main()
