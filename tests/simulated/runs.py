"""Many simulated companies, each asked where its next quarter will land, beside where it did land."""

from collections.abc import Iterable
from datetime import date, timedelta

import numpy as np
import pandas as pd

from helpers.analyses.landing import estimate_landings, simulate_landing, summarise_draws
from helpers.periods import Period, period_of
from tests.simulated.world import Exports, World, cut_exports, draw_exports, strip_exports, sum_won

INTERVAL = 0.8


def find_last_quarter(world: World) -> Period:
    """Return the quarter that has to be foreseen: the world's last."""
    months = world.start.year * 12 + world.start.month - 1 + 3 * (world.quarters - 1)
    return period_of(date(months // 12, months % 12 + 1, 1), "quarter")


def simulate_worlds(world: World, seeds: Iterable[int], *, is_bare: bool = False) -> pd.DataFrame:
    """Simulate the last quarter of a company per seed from an export of the evening before it.

    The goal is a random multiple of the bookings of the year before, so that chances of every size come up. A bare
    export knows neither amount nor close date of open deals.

    Returns:
        One row per seed: seed, expected, low and high (central 80 %), truth, goal, probability (foreseen, 0–1), hit.
    """
    quarter, rows = find_last_quarter(world), []
    day = quarter.start - timedelta(days=1)
    for seed in seeds:
        whole = draw_exports(world, seed)
        truth = sum_won(whole, quarter.start, quarter.end)
        goal = _draw_goal(whole, quarter, seed)
        cut = cut_exports(whole, day)
        company = (strip_exports(cut) if is_bare else cut).open(day)
        draws = simulate_landing(company, quarter, as_of=day)
        chance = float(np.mean(draws >= goal))
        rows.append((seed, *summarise_draws(draws, INTERVAL), truth, goal, chance, truth >= goal))
    columns = ["seed", "expected", "low", "high", "truth", "goal", "probability", "hit"]
    return pd.DataFrame(rows, columns=columns)


def _draw_goal(whole: Exports, quarter: Period, seed: int) -> float:
    year = sum_won(whole, quarter.previous(4).start, quarter.previous().end)
    return year / 4 * float(np.random.default_rng(seed + 1_000_000).uniform(0.5, 1.6))


def compare_methods(world: World, seeds: Iterable[int], *, weeks: tuple[int, ...] = (0,)) -> pd.DataFrame:
    """Estimate the last quarter of a company per seed by every method, from exports of the days in question.

    Returns:
        One row per seed, week and method: the columns of ``estimate_landings``, seed, week, truth.
    """
    quarter, estimates = find_last_quarter(world), []
    for seed in seeds:
        whole = draw_exports(world, seed)
        truth = sum_won(whole, quarter.start, quarter.end)
        for week in weeks:
            day = quarter.start + timedelta(days=7 * week - 1)
            company = cut_exports(whole, day).open(day)
            estimates.append(estimate_landings(company, quarter, as_of=day).assign(seed=seed, week=week, truth=truth))
    return pd.concat(estimates, ignore_index=True)


def score_methods(rows: pd.DataFrame) -> pd.DataFrame:
    """Sum up per week and method: n, error (Σ |expected − truth| ÷ Σ truth), bias, covered, against_naive."""
    rows = rows.assign(
        miss=(rows["expected"] - rows["truth"]).abs(),
        off=rows["expected"] - rows["truth"],
        held=(rows["low"] <= rows["truth"]) & (rows["truth"] <= rows["high"]),
    )
    grouped = rows.groupby(["week", "method"], sort=False)
    scores = pd.DataFrame(
        {
            "n": grouped["expected"].count(),
            "error": grouped["miss"].sum() / grouped["truth"].sum(),
            "bias": grouped["off"].sum() / grouped["truth"].sum(),
            "covered": grouped["held"].mean(),
        }
    ).reset_index()
    naive = scores[scores["method"] == "naive"].set_index("week")["error"]
    scores["against_naive"] = scores["error"] / scores["week"].map(naive)
    return scores
