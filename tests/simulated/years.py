"""Many simulated companies, each asked how likely a goal for its last year is, beside what the year did bring."""

from collections.abc import Iterable
from datetime import date, timedelta

import numpy as np
import pandas as pd

from helpers.analyses.goal_simulation import simulate_revenue
from helpers.analyses.revenue_history import read_revenue_history
from helpers.model.goal import GoalRules, load_goal_rules
from helpers.periods import Period, period_of
from tests.simulated.world import Exports, World, cut_exports, draw_exports, sum_won

DAYS_IN = (0, 45, 90, 181, 250)
"""Days of the year that have gone when the question is asked."""


def simulate_years(world: World, seeds: Iterable[int], *, draws: int = 4000) -> pd.DataFrame:
    """Ask for the chance of a goal for a company's last year, on another day of it per seed.

    The goal is a random multiple of the bookings of the year before.

    Returns:
        One row per seed: seed, day, goal, expected, low and high (central 80 %), truth, probability (foreseen), hit.
    """
    rules, rows = load_goal_rules(), []
    rules = rules.model_copy(update={"simulation": rules.simulation.model_copy(update={"draws": draws})})
    for seed in seeds:
        whole = draw_exports(world, seed)
        year = period_of(date(world.start.year + world.quarters // 4 - 1, 1, 1), "year")
        day = year.start + timedelta(days=DAYS_IN[seed % len(DAYS_IN)] - 1)
        before = year.previous()
        factor = float(np.random.default_rng(seed + 2_000_000).uniform(0.6, 1.5))
        goal = factor * sum_won(whole, before.start, before.end)
        found = ask(whole, year, day, goal, rules)
        truth = sum_won(whole, year.start, year.end)
        names = ("expected", "low", "high", "probability")
        rows.append((seed, day, goal, truth, truth >= goal, *(float(found[name]) for name in names)))
    columns = ["seed", "day", "goal", "truth", "hit", "expected", "low", "high", "probability"]
    return pd.DataFrame(rows, columns=columns)


def ask(whole: Exports, year: Period, day: date, goal: float, rules: GoalRules) -> pd.Series:
    """Return the year's row of the outlook as an export of a day's evening gives it."""
    company = cut_exports(whole, day).open(day)
    history = read_revenue_history(company, as_of=day, grain="quarter", rules=rules)
    first = period_of(year.start, "quarter")
    quarters = [first.previous(-n) for n in range(4)]
    rows = [("year", year.start, goal, np.nan)]
    rows += [
        ("quarter", each.start, np.nan, sum_won(whole, each.start, each.end)) for each in quarters if each.end <= day
    ]
    matrix = pd.DataFrame(rows, columns=["grain", "period_start", "goal", "actual"])
    matrix = matrix.assign(kpi="revenue_won", dimension="all", slice="all")
    ahead = [each for each in quarters if each.end > day]
    outlook = simulate_revenue(matrix, history, ahead, rules=rules)
    return outlook[outlook["grain"] == "year"].iloc[0]
