"""Funnels made to mislead: nested names, reversals, giant deals, unions, cancelling and uneven effects, broken data.

Each case says which answers are right. Run by hand: ``python -m tests.benchmarks.adversarial_funnels --seeds 5``.
Prints per case how often the answer was right, honest (nothing claimed as a cause, or only with not enough
evidence), or wrong.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from helpers.analyses.root_cause import localise

STEPS = ["leads", "opportunities", "deals_won"]
SIZES = {"channel": 5, "region": 5, "segment": 4, "industry": 6}


@dataclass
class Truth:
    """Hold what a right answer may name: (step, effect, slice) for each cause; other names and extra rows allowed."""

    causes: list[tuple[str, str, dict]] = field(default_factory=list)
    also: list[tuple[str, str, dict]] = field(default_factory=list)
    forbidden_effects: tuple[str, ...] = ()
    single_deals: int = 0
    options: dict = field(default_factory=dict)


def draw_leaves(
    rng: np.random.Generator, values: pd.DataFrame, leads: tuple, opps: tuple, wins: tuple, log_size: tuple
) -> pd.DataFrame:
    """Draw counts and amounts per leaf; each tuple holds the expected and the actual side's parameter per leaf."""
    leaves = values.reset_index(drop=True).copy()
    for side, place in (("expected", 0), ("actual", 1)):
        n = rng.poisson(leads[place])
        o = rng.binomial(n, np.clip(opps[place], 0, 1))
        w = rng.binomial(o, np.clip(wins[place], 0, 1))
        leaf = np.repeat(np.arange(len(n)), w)
        logs = rng.normal(np.asarray(log_size[place])[leaf], 0.7)
        sums = {"": np.exp(logs), "_log": logs, "_logsq": logs**2}
        for name, numbers in zip(STEPS, (n, o, w), strict=True):
            leaves[f"{name}_{side}"] = numbers
        for name, numbers in sums.items():
            leaves[f"revenue{name}_{side}"] = np.bincount(leaf, numbers, minlength=len(n))
    return leaves


class Company:
    """A company before anything happened: a grid of leaves with shares, rates and sizes, and what is done to it."""

    def __init__(self, seed: int, *, leads: int = 40_000, sizes: dict | None = None) -> None:
        self.rng = rng = np.random.default_rng(seed)
        self.sizes = sizes or SIZES
        grid = np.indices(list(self.sizes.values())).reshape(len(self.sizes), -1)
        self.values = pd.DataFrame({n: [f"{n}{c:02d}" for c in grid[i]] for i, n in enumerate(self.sizes)})
        shares, rate, win, size = np.ones(grid.shape[1]), -1.0, -1.0, np.full(grid.shape[1], 9.5)
        for place, count in enumerate(self.sizes.values()):
            shares = shares * rng.dirichlet(np.full(count, 6.0))[grid[place]]
            rate, win = (old + rng.normal(0, 0.2, count)[grid[place]] for old in (rate, win))
            size = size + rng.normal(0, 0.15, count)[grid[place]]
        self.leads = [leads * shares, leads * shares]
        self.opps, self.wins = ([1 / (1 + np.exp(-x))] * 2 for x in (rate, win))
        self.size = [size, size]

    def inside(self, **chosen: str | list[str]) -> np.ndarray:
        """Return which leaves a slice holds."""
        mask = np.ones(len(self.values), dtype=bool)
        for name, wanted in chosen.items():
            mask &= self.values[name].isin([wanted] if isinstance(wanted, str) else wanted).to_numpy()
        return mask

    def multiply(self, what: str, by: float | np.ndarray, **chosen: str | list[str]) -> None:
        """Multiply the actual side of the leads, a rate or the size in a slice."""
        now = getattr(self, what)
        factor = np.where(self.inside(**chosen), by, 1.0)
        changed = now[1] + np.log(factor) if what == "size" else now[1] * factor
        setattr(self, what, [now[0], changed])

    def draw(self) -> pd.DataFrame:
        """Draw the leaves."""
        return draw_leaves(self.rng, self.values, self.leads, self.opps, self.wins, self.size)


Case = tuple[pd.DataFrame, list[str], Truth]


def nest_reps(seed: int) -> Case:
    """Reps work one region each; a region's win rate falls."""
    company = Company(seed, sizes={"channel": 5, "rep": 15, "segment": 4})
    company.values["region"] = [f"region{int(rep[3:]) // 3:02d}" for rep in company.values["rep"]]
    company.multiply("wins", 0.55, region="region02")
    return company.draw(), list(company.values), Truth([("deals_won", "rate", {"region": ["region02"]})])


def alias_values(seed: int) -> Case:
    """Every region has one team of its own; the region's opportunity rate falls."""
    company = Company(seed)
    company.values["team"] = company.values["region"].str.replace("region", "team")
    company.multiply("opps", 0.6, region="region01")
    truth = Truth([("opportunities", "rate", {"region": ["region01"]})])
    truth.also.append(("opportunities", "rate", {"team": ["team01"]}))
    return company.draw(), list(company.values), truth


def reverse_by_composition(seed: int) -> Case:
    """The rate falls in total only because a channel that converts badly grows at another's cost."""
    company = Company(seed)
    good, bad = company.inside(channel="channel00"), company.inside(channel="channel01")
    company.opps = [np.where(good, 0.6, np.where(bad, 0.1, 0.3))] * 2
    moved = 0.5 * company.leads[0][good].sum()
    company.multiply("leads", 0.5, channel="channel00")
    company.multiply("leads", 1 + moved / company.leads[0][bad].sum(), channel="channel01")
    truth = Truth([("leads", "mix", {"channel": ["channel00", "channel01"]})], forbidden_effects=("rate", "value"))
    return company.draw(), list(company.values), truth


def add_giant_deal(seed: int) -> Case:
    """One deal of two hundred times the usual size closed in the expected period."""
    company = Company(seed)
    leaves = company.draw()
    leaf = int(np.flatnonzero((leaves["deals_won_expected"] >= 1).to_numpy())[seed % 7])
    giant = 200 * float(np.exp(company.size[0].mean()))
    for name in STEPS:
        leaves.loc[leaf, f"{name}_expected"] += 1
    for name, number in (("", giant), ("_log", np.log(giant)), ("_logsq", np.log(giant) ** 2)):
        leaves.loc[leaf, f"revenue{name}_expected"] += number
    return leaves, list(company.values), Truth(single_deals=1)


def scatter_small_reps(seed: int) -> Case:
    """Two hundred reps of a few deals each; nothing happened."""
    company = Company(seed, leads=20_000, sizes={"rep": 200, "channel": 4, "segment": 3})
    return company.draw(), list(company.values), Truth()


def drop_four_deep(seed: int) -> Case:
    """The leads of one slice of four dimensions fall by 70 %."""
    company = Company(seed, leads=150_000, sizes={"channel": 3, "region": 3, "segment": 3, "industry": 4, "product": 4})
    chosen = {"channel": "channel01", "region": "region01", "segment": "segment01", "industry": "industry01"}
    company.multiply("leads", 0.3, **chosen)
    return company.draw(), list(company.values), Truth([("leads", "volume", {k: [v] for k, v in chosen.items()})])


def drop_union(seed: int) -> Case:
    """Two regions of five lose the same share of their wins."""
    company = Company(seed)
    company.multiply("wins", 0.6, region=["region01", "region03"])
    return company.draw(), list(company.values), Truth([("deals_won", "rate", {"region": ["region01", "region03"]})])


def drop_weak_union(seed: int) -> Case:
    """Six of twenty countries, each too small to show it, convert a third less."""
    company = Company(seed, leads=12_000, sizes={"country": 20, "channel": 4})
    fallen = [f"country{code:02d}" for code in (1, 4, 7, 10, 13, 16)]
    company.leads = [12_000 / len(company.values) * np.ones(len(company.values))] * 2
    company.multiply("opps", 0.68, country=fallen)
    return company.draw(), list(company.values), Truth([("opportunities", "rate", {"country": fallen})])


def cancel_out(seed: int) -> Case:
    """One segment's size halves, another's grows so that revenue stays."""
    company = Company(seed)
    worth = company.leads[0] * company.opps[0] * company.wins[0] * np.exp(company.size[0])
    down, up = company.inside(channel="channel01"), company.inside(region="region02")
    company.multiply("opps", 0.6, channel="channel01")
    company.multiply("leads", 1 + 0.4 * worth[down].sum() / worth[up].sum(), region="region02")
    causes = [("opportunities", "rate", {"channel": ["channel01"]}), ("leads", "volume", {"region": ["region02"]})]
    return company.draw(), list(company.values), Truth(causes)


def bias_plan(seed: int) -> Case:
    """A plan fifteen percent too high at every step; nothing else happened."""
    company = Company(seed)
    leaves = company.draw()
    leads = company.leads[0] * 1.15
    counts = (leads, leads * company.opps[0] * 1.1, leads * company.opps[0] * company.wins[0] * 1.15)
    for name, planned in zip(STEPS, counts, strict=True):
        leaves[f"{name}_expected"] = planned
    leaves["revenue_expected"] = counts[2] * np.exp(company.size[0] + 0.245)
    leaves = leaves.drop(columns=[c for c in leaves if "_log" in c])
    return leaves, list(company.values), Truth(options={"expected_is_plan": True})


def drop_unevenly(seed: int) -> Case:
    """A channel's opportunity rate falls, by 30 to 60 % depending on the segment."""
    company = Company(seed)
    code = company.values["segment"].str[-2:].astype(int).to_numpy()
    company.multiply("opps", 0.4 + 0.1 * code, channel="channel02")
    return company.draw(), list(company.values), Truth([("opportunities", "rate", {"channel": ["channel02"]})])


def count_twice(seed: int) -> Case:
    """One channel's leads are counted twice; what comes of them is not."""
    company = Company(seed)
    leaves = company.draw()
    leaves.loc[company.inside(channel="channel03"), "leads_actual"] *= 2
    truth = Truth([("leads", "volume", {"channel": ["channel03"]})], forbidden_effects=("rate", "value"))
    return leaves, list(company.values), truth


def undo_within(seed: int) -> Case:
    """One channel brings twice as many leads, and half as many of them become opportunities."""
    company = Company(seed)
    company.multiply("leads", 2.0, channel="channel03")
    company.multiply("opps", 0.5, channel="channel03")
    where = {"channel": ["channel03"]}
    return company.draw(), list(company.values), Truth([("leads", "volume", where), ("opportunities", "rate", where)])


def mis_scale(seed: int) -> Case:
    """One region's amounts are written in cents."""
    company = Company(seed)
    company.multiply("size", 100.0, region="region03")
    return company.draw(), list(company.values), Truth([("revenue", "value", {"region": ["region03"]})])


def stay_small(seed: int) -> Case:
    """Six hundred leads, nothing happened."""
    company = Company(seed, leads=600)
    return company.draw(), list(company.values), Truth()


def drop_small(seed: int) -> Case:
    """Six hundred leads, the largest channel lost seven tenths of its leads."""
    company = Company(seed, leads=600)
    top = company.values["channel"].iloc[np.argmax(company.leads[0])]
    company.multiply("leads", 0.3, channel=top)
    return company.draw(), list(company.values), Truth([("leads", "volume", {"channel": [top]})])


def swap_values(seed: int) -> Case:
    """A blank channel's leads vanish and a new campaign of another region appears."""
    company = Company(seed)
    company.multiply("leads", 0.0, channel="channel01")
    company.values["channel"] = company.values["channel"].where(company.values["channel"] != "channel01")
    new = company.inside(region="region04", segment="segment02")
    company.leads = [np.where(new, 0.0, company.leads[0]), company.leads[1]]
    causes = [("leads", "volume", {"channel": [None]})]
    causes.append(("leads", "volume", {"region": ["region04"], "segment": ["segment02"]}))
    return company.draw(), list(company.values), Truth(causes)


def shift_gradually(seed: int) -> Case:
    """Among twelve industries leads drift from the first towards the last; the total stays."""
    company = Company(seed, sizes={"industry": 12, "channel": 5, "region": 4})
    code = company.values["industry"].str[-2:].astype(int).to_numpy()
    tilted = company.leads[0] * np.exp(0.06 * (code - 5.5))
    company.leads = [company.leads[0], tilted * company.leads[0].sum() / tilted.sum()]
    return (
        company.draw(),
        list(company.values),
        Truth([("leads", "mix", {"industry": []})], forbidden_effects=("rate",)),
    )


def burst(seed: int) -> Case:
    """A campaign of one day brought leads that convert half as well."""
    company = Company(seed)
    company.multiply("leads", 2.5, channel="channel04", region="region00")
    truth = Truth([("leads", "volume", {"channel": ["channel04"], "region": ["region00"]})])
    return company.draw(), list(company.values), truth


def slow_down(seed: int) -> Case:
    """Everything closes later: fewer wins so far, everywhere alike."""
    company = Company(seed)
    company.multiply("wins", 0.7)
    return company.draw(), list(company.values), Truth()


CASES: dict[str, Callable[[int], Case]] = {
    one.__name__: one
    for one in (
        nest_reps,
        alias_values,
        reverse_by_composition,
        add_giant_deal,
        scatter_small_reps,
        drop_four_deep,
        drop_union,
        drop_weak_union,
        cancel_out,
        bias_plan,
        drop_unevenly,
        count_twice,
        undo_within,
        mis_scale,
        stay_small,
        drop_small,
        swap_values,
        shift_gradually,
        burst,
        slow_down,
    )
}


def _freeze(slice_values: dict) -> frozenset:
    return frozenset((name, frozenset(values)) for name, values in slice_values.items())


def judge(found: pd.DataFrame, truth: Truth) -> str:
    """Say whether an answer is right, honest (silent, or not enough evidence) or wrong."""
    claimed = found[found["verdict"] == "cause"]
    wanted, named, extra = list(truth.causes), [], 0
    allowed = {(step, effect, _freeze(values)) for step, effect, values in truth.also}
    for row in claimed.itertuples():
        names = [_freeze(json.loads(row.slice_json)), *(_freeze(one) for one in json.loads(row.aliases))]
        hits = [w for w in wanted if w[:2] == (row.step, row.effect) and _matches(w[2], names)]
        if hits:
            wanted.remove(hits[0])
            named.append(hits[0])
        elif (
            not any((row.step, row.effect, name) in allowed for name in names) or row.effect in truth.forbidden_effects
        ):
            extra += 1
    deals = int((found["verdict"] == "single deal").sum())
    if extra or deals > truth.single_deals:
        return "wrong"
    return "right" if not wanted and deals == truth.single_deals else "honest"


def _matches(wanted: dict, names: list[frozenset]) -> bool:
    """Tell whether one of the names is the wanted slice (a dimension without values stands for any of them)."""
    if all(not values for values in wanted.values()):
        return any({name for name, _ in one} == set(wanted) for one in names)
    return any(_is_close(_freeze(wanted), name) for name in names)


def _is_close(wanted: frozenset, name: frozenset) -> bool:
    """Tell whether a slice is the wanted one, or for a set of values at least four fifths of it."""
    first, second = dict(wanted), dict(name)
    if set(first) != set(second):
        return False
    return all(5 * len(first[one] & second[one]) >= 4 * len(first[one] | second[one]) for one in first)


def answer(case: Case) -> pd.DataFrame:
    """Localise one case."""
    leaves, dimensions, truth = case
    return localise(leaves, dimensions, STEPS, amount="revenue", direction="both", **truth.options)


def main() -> None:
    """Run every case and print how it was answered."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    print(f"{'case':24} right honest wrong")
    for name in arguments.cases.split(","):
        counts = {"right": 0, "honest": 0, "wrong": 0}
        for seed in range(arguments.first, arguments.first + arguments.seeds):
            case = CASES[name](seed)
            found = answer(case)
            verdict = judge(found, case[2])
            counts[verdict] += 1
            if arguments.verbose and verdict != "right":
                print(f"  {seed} {verdict}: wanted {case[2].causes}")
                for row in found.itertuples():
                    print(f"      {row.step} {row.effect} {row.slice} {row.contribution:.0f} {row.q_value:.2g}")
        print(f"{name:24} {counts['right']:5} {counts['honest']:6} {counts['wrong']:5}")


if __name__ == "__main__":
    main()
