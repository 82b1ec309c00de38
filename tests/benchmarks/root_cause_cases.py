"""Cases with planted causes, made by a generator from a file, and what a list of found slices is worth on them.

A generator is a Python file with ``make_case(seed, family, leads=…)`` that returns a leaf table (dimensions, and per
period 0 and 1 the columns n, o, w, r, l and q: leads, opportunities, wins, revenue, sum of log amounts and of their
squares), the dimensions, and the truth: dictionaries with slice, kind and impact. ``FAMILIES`` may list its families.
"""

import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

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
NEARLY = 0.5


def load_generator(path: Path):
    """Load a generator from its file."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def to_leaves(frame: pd.DataFrame) -> pd.DataFrame:
    """Rename a generator's columns to those of ``localise``."""
    sides = {"0": "expected", "1": "actual"}
    return frame.rename(columns={f"{c}{p}": f"{name}_{side}" for c, name in NAMES.items() for p, side in sides.items()})


def canonical(slice_values: dict) -> frozenset:
    """Return a slice in a form that can be compared.

    >>> canonical({"region": "US"}) == canonical({"region": ["US"]})
    True
    """
    listed = {name: values if isinstance(values, list) else [values] for name, values in slice_values.items()}
    return frozenset((name, frozenset(map(str, values))) for name, values in listed.items())


@dataclass
class Case:
    """Hold one case: its table, and the truths large enough to be asked for."""

    family: str
    seed: int
    frame: pd.DataFrame
    dimensions: list[str]
    wanted: list[dict]
    small: list[dict]

    def cover(self, slice_values: frozenset) -> np.ndarray:
        """Return the leads of each leaf that a slice holds, 0 for the others."""
        inside = np.ones(len(self.frame), bool)
        for name, values in slice_values:
            inside &= self.frame[name].astype(str).isin(values).to_numpy()
        return np.where(inside, self.frame["n0"] + self.frame["n1"], 0)


def make_case(module, family: str, seed: int, **options) -> Case:
    """Make one case; truths whose impact is below ``LEAST_SHARE`` of the baseline are neither asked for nor false."""
    frame, dimensions, truth = module.make_case(seed, family, **options)
    base = frame["r0"].sum()
    planted = [one for one in truth if one["slice"]]
    wanted = [one for one in planted if one["kind"] == "mix" or abs(one.get("impact", 0)) >= LEAST_SHARE * base]
    return Case(family, seed, frame, list(dimensions), wanted, [one for one in planted if one not in wanted])


@dataclass(frozen=True)
class Claim:
    """Hold one slice that a method names, with what else it says of it (unknown to most peers)."""

    slice: frozenset
    kind: str = ""
    contribution: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass
class Tally:
    """Add up what a method did over cases."""

    hit1: list[bool] = field(default_factory=list)
    hit3: list[bool] = field(default_factory=list)
    near3: list[bool] = field(default_factory=list)
    found: int = 0
    false: int = 0
    missed: int = 0
    kind: list[bool] = field(default_factory=list)
    error: list[float] = field(default_factory=list)
    covered: list[bool] = field(default_factory=list)
    silent: list[bool] = field(default_factory=list)
    add_up: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def judge(self, case: Case, claims: Sequence[Claim], seconds: float, add_up: float | None = None) -> None:
        """Score one case."""
        slices, matched = [claim.slice for claim in claims], set()
        self.seconds.append(seconds)
        if add_up is not None:
            self.add_up.append(add_up)
        for truth in case.wanted:
            wanted = canonical(truth["slice"])
            place = slices.index(wanted) if wanted in slices else None
            self.hit1.append(place == 0)
            self.hit3.append(place is not None and place < 3)
            self.near3.append(self.hit3[-1] or self._is_near(case, wanted, slices[:3]))
            if place is None:
                self.missed += 1
                self.remarks.append(f"{case.family} {case.seed}: missed {truth['kind']} {truth['slice']}")
                continue
            self.found += 1
            matched.add(wanted)
            self._judge_claim(truth, claims[place])
        tolerated = {canonical(truth["slice"]) for truth in case.small}
        wrong = [one for one in slices if one not in matched and one not in tolerated]
        self.false += len(wrong)
        self.remarks += [f"{case.family} {case.seed}: claims {describe(one)}" for one in wrong]
        if not case.wanted and not case.small:
            self.silent.append(not wrong)

    def _is_near(self, case: Case, wanted: frozenset, slices: Sequence[frozenset]) -> bool:
        mine = case.cover(wanted)
        for other in map(case.cover, slices):
            if np.minimum(mine, other).sum() >= NEARLY * np.maximum(mine, other).sum():
                return True
        return False

    def _judge_claim(self, truth: dict, claim: Claim) -> None:
        if claim.kind:
            self.kind.append(claim.kind == truth["kind"])
        if truth["kind"] == "mix" or claim.contribution is None:
            return
        self.error.append(abs(claim.contribution - truth["impact"]) / abs(truth["impact"]))
        self.covered.append(claim.low <= truth["impact"] <= claim.high)

    @property
    def f1(self) -> float:
        """Micro-F1 over exactly matched slices."""
        total = 2 * self.found + self.false + self.missed
        return 2 * self.found / total if total else float("nan")


def describe(slice_values: frozenset) -> str:
    """Write a slice for people."""
    return " & ".join(f"{name}={'|'.join(sorted(values))}" for name, values in sorted(slice_values))


HEADER = (
    "method        family     hit@1  hit@3  near@3  F1     kind  error  held        false reports       p50    p95 s"
)


def write_line(method: str, family: str, tally: Tally) -> str:
    """Return one line of the table."""
    from helpers.engine.doubt import wilson_interval

    def share(values: Sequence[bool]) -> str:
        return f"{sum(values) / len(values):.2f}" if values else "  - "

    held = f"{share(tally.covered)} ({len(tally.covered)})" if tally.covered else "-"
    false = "-"
    if tally.silent:
        count, n = sum(not one for one in tally.silent), len(tally.silent)
        low, high = (float(bound) for bound in wilson_interval(np.array(count), np.array(n)))
        false = f"{count}/{n} ({low:.0%}–{high:.0%})"
    error = f"{median(tally.error):.3f}" if tally.error else "  -  "
    f1 = "  - " if np.isnan(tally.f1) else f"{tally.f1:.2f}"
    columns = [share(tally.hit1), share(tally.hit3), share(tally.near3), f1, share(tally.kind)]
    late, middle = np.nanpercentile(tally.seconds, 95), np.nanmedian(tally.seconds)
    numbers = "   ".join(columns)
    return f"{method:<18} {family:<9} {numbers}  {error}  {held:<10}  {false:<18} {middle:6.2f} {late:6.2f}"
