"""How likely a revenue goal is: the share of simulated futures that reach it, per period ahead and per fiscal year."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from helpers.analyses.close_curve import POOLED
from helpers.analyses.goal_chance import add_probability
from helpers.analyses.goal_history import finest_grain, list_past, rank_in_history, take_business
from helpers.analyses.goal_relations import TOTAL
from helpers.analyses.revenue_draws import RevenueDraws, draw_revenue
from helpers.analyses.revenue_history import RevenueHistory
from helpers.model.goal import GoalRules
from helpers.periods import Period, period_of

__all__ = [
    "OUTLOOK_COLUMNS", "add_probability", "finest_grain", "list_past", "rank_in_history", "simulate_revenue",
    "take_business",
]  # fmt: skip

REVENUE = "revenue_won"
OUTLOOK_COLUMNS = [
    "period_start", "grain", "goal", "expected", "low", "high", "probability", "n", "basis", "new_business",
]  # fmt: skip


def simulate_revenue(
    matrix: pd.DataFrame, history: RevenueHistory, periods: Sequence[Period], *, rules: GoalRules
) -> pd.DataFrame:
    """Simulate the revenue of the periods ahead, and of the fiscal years that they end.

    Args:
        matrix: A solved matrix; its goals are asked about, its actuals are what a running year holds already.
        history: What the company's past tells, as made by ``read_revenue_history``.
        periods: The periods ahead, the running one first.
        rules: What ``goals.toml`` says.

    Returns:
        One row per period ahead, and below them one per fiscal year whose periods are all over or ahead: period_start,
        grain, goal (currency), expected (mean of the draws, currency), low and high (the central range that
        ``goals.toml`` names), probability (share of the draws that reach the goal, 0–1; blank without a goal), n
        (earlier periods learnt from), basis (what the draws rest on, in words), new_business (expected without existing
        business, currency; in periods that the landing simulation foresees it is the landing). A year is the sum of its
        periods' actuals and of the same draws, future by future. Without a close curve or any deal size there are no
        rows.

    Source:
        ``draw_revenue``.
    """
    periods = list(periods)
    lacks_curve = not (history.curve["cohort"] == POOLED).any()
    if not periods or periods[0] != history.running or lacks_curve or not len(history.sizes):
        return pd.DataFrame(columns=OUTLOOK_COLUMNS)
    draws = draw_revenue(history, periods, rules=rules)
    mine = matrix[(matrix["kpi"] == REVENUE) & (matrix["dimension"] == TOTAL)] if len(matrix) else matrix
    mine = mine.assign(period_start=pd.to_datetime(mine["period_start"])).set_index(["grain", "period_start"])
    goals = {key: float(value) for key, value in mine["goal"].items()} if len(mine) else {}
    rows = []
    for period in periods:
        total, new = draws.new[period] + draws.existing[period], draws.new[period]
        rows.append(_summarise(period, total, new, goals, draws.n[period], draws.basis[period], rules))
    if periods[0].grain != "year":
        rows += _sum_years(mine, draws, periods, goals, rules)
    return pd.DataFrame(rows, columns=OUTLOOK_COLUMNS)


def _summarise(period: Period, total, new, goals: dict, n: int, basis: str, rules: GoalRules) -> dict:
    goal = goals.get((period.grain, pd.Timestamp(period.start)), float("nan"))
    edge = (1 - rules.simulation.interval) / 2
    return {
        "period_start": pd.Timestamp(period.start),
        "grain": period.grain,
        "goal": goal,
        "expected": float(total.mean()),
        "low": float(np.quantile(total, edge)),
        "high": float(np.quantile(total, 1 - edge)),
        "probability": float(np.mean(total >= goal * (1 - 1e-9))) if np.isfinite(goal) else np.nan,
        "n": n,
        "basis": basis,
        "new_business": float(new.mean()),
    }


def _sum_years(
    mine: pd.DataFrame, draws: RevenueDraws, periods: list[Period], goals: dict, rules: GoalRules
) -> list[dict]:
    """Sum up, future by future, the fiscal years whose periods are all over or ahead."""
    rows = []
    years = dict.fromkeys(period_of(period.start, "year", period.fiscal_year_start) for period in periods)
    for year in years:
        ahead = [period for period in periods if year.start <= period.start <= year.end]
        done, over = _add_actuals(mine, year, ahead[0])
        if done is None or ahead[-1].end != year.end:
            continue
        new = sum(draws.new[period] for period in ahead)
        total = new + sum(draws.existing[period] for period in ahead) + done
        unit = ahead[0].grain
        came = f"what {over} {unit}{'s' * (over != 1)} brought and " if over else ""
        basis = f"{came}{len(ahead)} {unit}{'s' * (len(ahead) != 1)} as simulated"
        rows.append(_summarise(year, total, new, goals, min(draws.n[period] for period in ahead), basis, rules))
    return rows


def _add_actuals(mine: pd.DataFrame, year: Period, first_ahead: Period) -> tuple[float | None, int]:
    """Add up the year's revenue in the periods that are over; None where one of them isn't known."""
    done, count, period = 0.0, 0, first_ahead.previous()
    while period.start >= year.start:
        key = (period.grain, pd.Timestamp(period.start))
        actual = mine["actual"].get(key, np.nan) if len(mine) else np.nan
        if pd.isna(actual):
            return None, count
        done, count, period = done + float(actual), count + 1, period.previous()
    return done, count
