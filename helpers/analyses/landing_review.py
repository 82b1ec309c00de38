"""Where the period that goes on lands by every method, and how far each method was off on earlier periods."""

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from helpers.analyses.finding import Finding
from helpers.analyses.goal_relations import TOTAL
from helpers.analyses.landing import estimate_landings
from helpers.analyses.landing_backtest import backtest_landings, score_landings
from helpers.analyses.landing_words import pick_method, say_backtest, say_landing
from helpers.engine.targets import find_new_business_target
from helpers.model.goal import GoalRules, load_goal_rules
from helpers.periods import Period, period_of

NOTEBOOK = "04_goal_matrix"
REVENUE = "revenue_won"
PAST_PERIODS = 8
"""Earlier periods that the methods are tried on."""


@dataclass(frozen=True)
class LandingReview:
    """What there is to say about where a period lands.

    Attributes:
        period: The period that goes on after the last day.
        landings: One row per method, as made by ``estimate_landings``.
        goal: Bookings goal of new business of the period (currency); missing where there is none.
        backtest: One row per earlier period, week and method: ``landing_backtest.csv``.
        scores: The same summed up per method and week.
        week: After how many weeks of the period the last day lies; the back-test is read there.
        title: What the landings say.
        backtest_title: What the back-test says.
        findings: The answers in words.
    """

    period: Period
    landings: pd.DataFrame
    goal: float
    backtest: pd.DataFrame
    scores: pd.DataFrame
    week: int
    title: str
    backtest_title: str
    findings: list[Finding]

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is kept of it: file name without ending → table."""
        return {"landing": self.landings, "landing_backtest": self.backtest}

    @property
    def is_available(self) -> bool:
        """Whether any method has an estimate."""
        return bool(self.landings["expected"].notna().any())


def review_landing(
    company,
    *,
    as_of: date,
    grain: str = "quarter",
    goal: float = float("nan"),
    rules: GoalRules | None = None,
) -> LandingReview:
    """Estimate the period that goes on after the last day by every method, and try the methods on earlier periods.

    Args:
        company: The opened company.
        as_of: The last day that counts.
        grain: The length of a period.
        goal: Bookings goal of the period's new business, in the company's currency; without one, what people typed.
        rules: What ``goals.toml`` says.

    Returns:
        The review. The methods are tried on the last eight periods after the same number of whole weeks as have gone
        of this one. Where no method has an estimate its landings say why and it has no findings.
    """
    rules = rules or load_goal_rules()
    period = period_of(as_of + timedelta(days=1), grain, company.fiscal_year_start)
    if not goal > 0:
        typed = find_new_business_target(company.targets, REVENUE, company.catalog.existing_business, period)
        goal = typed[0] if typed else float("nan")
    landings = estimate_landings(company, period, as_of=as_of, rules=rules)
    week = max((as_of - period.start).days + 1, 0) // 7
    earlier = [period.previous(back) for back in range(PAST_PERIODS, 0, -1)]
    backtest = backtest_landings(company, periods=earlier, weeks=(week,), as_of=as_of, rules=rules)
    scores = score_landings(backtest)
    title = say_landing(landings, period.label, currency=company.currency, goal=goal if goal > 0 else None)
    told = (
        say_backtest(scores, week=week, unit=grain) if len(scores) else f"No method could be tried on earlier {grain}s"
    )
    review = LandingReview(period, landings, goal, backtest, scores, week, title, told, [])
    findings = [_say(review, rules)] if review.is_available else []
    return LandingReview(period, landings, goal, backtest, scores, week, title, told, findings)


def _say(review: LandingReview, rules: GoalRules) -> Finding:
    method = pick_method(review.landings)
    row = review.landings.set_index("method").loc[method]
    gap = float(row["expected"] - review.goal) if review.goal > 0 else None
    score = review.scores[(review.scores["method"] == method) & (review.scores["week"] == review.week)]
    evidence = {
        "period": review.period.label,
        "method": method,
        "n": int(row["n"]),
        "low": float(row["low"]),
        "high": float(row["high"]),
        "unit": "currency",
        "interval": rules.simulation.interval,
        "definition": "bookings of new business in the period, as foreseen on the last day",
    }
    if len(score):
        evidence |= {"error": float(score["error"].iloc[0]), "periods": int(score["n"].iloc[0])}
    severity = "note" if gap is None else "bad" if gap < 0 else "good"
    step = "Compare it with the sales forecast, deal by deal." if severity == "bad" else ""
    return Finding(review.title, REVENUE, TOTAL, gap, evidence, step, NOTEBOOK, severity)
