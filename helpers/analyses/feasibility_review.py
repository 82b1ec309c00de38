"""Whether goals can be reached: where the period stands, what is needed beside past and peers, what drivers bring."""

from dataclasses import dataclass
from datetime import date

import pandas as pd

from helpers.analyses.finding import Finding
from helpers.analyses.goal_benchmarks import compare_with_benchmarks, say_band
from helpers.analyses.goal_pace import find_pace, measure_pace, say_pace, say_volumes, trace_pace
from helpers.analyses.goal_review import GoalReview
from helpers.analyses.goal_sensitivity import find_sensitivity, measure_sensitivity, say_sensitivity
from helpers.model.goal import GoalRules, load_goal_rules
from helpers.periods import period_of


@dataclass(frozen=True)
class FeasibilityReview:
    """What there is to say about whether goals can be reached.

    Attributes:
        labels: (grain, first day) → the period of the outlook as a reader says it.
        pace: Where every volume stands in its period: ``goal_pace.csv``.
        pace_title: What it says of revenue.
        volumes_title: What it says of the volumes.
        course: Revenue of the period day by day beside the course that leads to its goal.
        benchmarks: Each needed value beside published ones: ``goal_benchmarks.csv``.
        band: On which deals the band of deal size rests.
        sensitivity: What each driver is worth: ``goal_sensitivity.csv``.
        sensitivity_title: What it says.
        findings: The answers in words.
    """

    labels: dict[tuple[str, pd.Timestamp], str]
    pace: pd.DataFrame
    pace_title: str
    volumes_title: str
    course: pd.DataFrame
    benchmarks: pd.DataFrame
    band: str
    sensitivity: pd.DataFrame
    sensitivity_title: str
    findings: list[Finding]

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is kept of it: file name without ending → table."""
        return {
            "goal_pace": self.pace,
            "goal_benchmarks": self.benchmarks,
            "goal_sensitivity": self.sensitivity,
        }


def review_feasibility(
    company,
    cells: pd.DataFrame,
    goals: GoalReview,
    *,
    as_of: date,
    grain: str = "quarter",
    rules: GoalRules | None = None,
) -> FeasibilityReview:
    """Tell whether solved goals can be reached.

    Args:
        company: The opened company.
        cells: The columns of ``kpis.csv``.
        goals: The goals.
        as_of: The last day that counts.
        grain: The length of a period.
        rules: What ``goals.toml`` says.

    Returns:
        The review; a part that can't be told is empty.
    """
    rules, currency = rules or load_goal_rules(), company.currency
    pace = measure_pace(company, goals.matrix, as_of=as_of, grain=grain, rules=rules)
    sensitivity = measure_sensitivity(
        company,
        goals.matrix,
        goals.history,
        goals.periods,
        cells=cells,
        as_of=as_of,
        rules=rules,
        outlook=goals.outlook,
    )
    first = goals.ranks[goals.ranks["period_start"] == goals.ranks["period_start"].min()]
    benchmarks = compare_with_benchmarks(first, company, as_of=as_of, grain=grain)
    found = find_pace(pace, as_of=as_of, currency=currency) if goals.has_goals else []
    labels = {
        (row.grain, row.period_start): period_of(row.period_start.date(), row.grain, company.fiscal_year_start).label
        for row in goals.outlook.itertuples()
    }
    return FeasibilityReview(
        labels,
        pace,
        say_pace(pace, as_of=as_of, currency=currency) if len(pace) else "",
        say_volumes(pace) if len(pace) else "",
        trace_pace(company, goals.matrix, as_of=as_of, grain=grain, rules=rules),
        benchmarks,
        say_band(benchmarks, currency),
        sensitivity,
        say_sensitivity(sensitivity, currency=currency),
        [*found, *find_sensitivity(sensitivity, currency=currency)],
    )
