"""Many simulated companies, each asked where its next quarter will land, beside where it did land."""

from collections.abc import Iterable
from datetime import date, timedelta

import numpy as np
import pandas as pd

from helpers.analyses.landing import estimate_landings, simulate_landing
from helpers.periods import period_of
from tests.simulated.world import World, cut_exports, draw_exports, sum_won


def run_worlds(
    world: World, seeds: Iterable[int], *, weeks: tuple[int, ...] = (0,)
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Estimate the last quarter of a company per seed from exports made before or in it.

    Returns:
        One row per seed, week and method: seed, week, the columns of ``estimate_landings``, truth. And one row per seed
        and week: seed, week, goal, probability (foreseen), hit (whether the truth reached the goal).
    """
    estimates, chances = [], []
    for seed in seeds:
        whole = draw_exports(world, seed)
        last = world.start.year * 12 + world.start.month - 1 + 3 * (world.quarters - 1)
        quarter = period_of(date(last // 12, last % 12 + 1, 1), "quarter")
        truth = sum_won(whole, quarter.start, quarter.end)
        year = sum_won(whole, quarter.previous(4).start, quarter.previous().end)
        goal = year / 4 * float(np.random.default_rng(seed + 1_000_000).uniform(0.5, 1.6))
        for week in weeks:
            day = quarter.start + timedelta(days=7 * week - 1)
            company = cut_exports(whole, day).open(day)
            estimates.append(estimate_landings(company, quarter, as_of=day).assign(seed=seed, week=week, truth=truth))
            draws = simulate_landing(company, quarter, as_of=day)
            chances.append((seed, week, goal, float(np.mean(draws >= goal)), truth >= goal))
    rows = pd.concat(estimates, ignore_index=True)
    return rows, pd.DataFrame(chances, columns=["seed", "week", "goal", "probability", "hit"])


def score_runs(rows: pd.DataFrame) -> pd.DataFrame:
    """Sum up per week and method: n, error (Σ |expected − truth| ÷ Σ truth), bias, against_naive, covered."""
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
