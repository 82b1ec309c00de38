"""Whether goals can be reached, as a page shows it: the chance, the pace, needs beside the past, and the drivers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.present.charts.goal_outlook import show_needed, show_outlook
from helpers.present.charts.goal_pace import draw_pace, show_pace
from helpers.present.charts.overview import Displays
from helpers.present.charts.tornado import draw_tornado
from helpers.present.display import Display

if TYPE_CHECKING:
    from helpers.analyses.feasibility_review import FeasibilityReview
    from helpers.analyses.goal_review import GoalReview


def show_chances(goals: GoalReview, review: FeasibilityReview, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Show what each period ahead brings, and how likely its goal is."""
    title = next((f.headline for f in goals.findings if f.kpi == "revenue_won"), "What the periods ahead bring")
    return show_outlook(
        goals.outlook, review.labels, title=title, subtitle=subtitle, currency=currency, has_goals=goals.has_goals
    )


def show_course(review: FeasibilityReview, *, subtitle: str = "", currency: str = "USD") -> Display | Displays:
    """Show where revenue and the volumes stand in their period."""
    course = draw_pace(
        review.course, title=review.pace_title or "Where the period stands", subtitle=subtitle, currency=currency
    )
    if review.pace.empty:
        return course
    return Displays([course, show_pace(review.pace, title=review.volumes_title, subtitle=subtitle, currency=currency)])


def show_benchmarks(goals: GoalReview, review: FeasibilityReview, company, *, subtitle: str = "") -> Display:
    """Show what the next period needs of each KPI beside its own past and beside what others publish."""
    said = next((f.headline for f in goals.findings if f.kpi not in ("", "revenue_won", "deals_won")), "")
    period = goals.periods[0].label if goals.periods else "the next period"
    return show_needed(
        goals.ranks,
        review.benchmarks,
        company.catalog.kpis,
        title=said or f"What {period} needs, beside the past and beside others",
        subtitle=subtitle,
        band=review.band,
        currency=company.currency,
    )


def show_drivers(review: FeasibilityReview, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Show what each driver is worth in revenue."""
    title = review.sensitivity_title or "What each driver is worth"
    return draw_tornado(review.sensitivity, title=title, subtitle=subtitle, currency=currency)
