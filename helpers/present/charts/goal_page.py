"""Goals and coverage as a page shows them: each picture, or the designed message where there is nothing to draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from helpers.present.charts.close_curve import draw_close_curve
from helpers.present.charts.coverage import draw_coverage
from helpers.present.charts.goal_matrix import draw_goal_matrix
from helpers.present.display import Display, show_message, show_table

if TYPE_CHECKING:
    from helpers.analyses.coverage_review import CoverageReview
    from helpers.analyses.goal_review import GoalReview

NO_FUNNEL = "No stage of the funnel has a whole period of records yet, and nobody has typed a goal."


def show_goals(review: GoalReview, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Show the goal matrix, or that there is nothing to build goals on."""
    if review.grid.empty:
        return show_message(
            "empty",
            "Goals are not available",
            NO_FUNNEL,
            "Add an export of contacts or deals with the dates on which they reached their stages.",
        )
    note = "" if review.has_goals else "Nobody has set a goal: each cell shows what history lets one expect."
    return draw_goal_matrix(
        review.grid, review.past, title=review.title, subtitle=subtitle, currency=currency, note=note
    )


def show_curve(review: GoalReview, accumulated: pd.DataFrame, *, subtitle: str = "", grain: str = "quarter") -> Display:
    """Show the close curve, or that no records carry both a creation and a win."""
    if accumulated.empty or not review.curve_title:
        return show_message(
            "empty",
            "The close curve is not available",
            "No records carry both the day they were created and the day they were won.",
            "Map deal.created_at and deal.closed_at, or the contact's own dates.",
        )
    return draw_close_curve(accumulated, title=review.curve_title, subtitle=subtitle, grain=grain)


def show_landing(review: GoalReview, *, subtitle: str = "") -> Display:
    """Show where the deals that the goals need come from, and when it becomes too late."""
    landing = review.landing
    if landing.empty or review.timing.empty:
        return show_message(
            "empty",
            "When records must be created can't be told",
            "It takes a close curve and a goal for deals won.",
            "See above for what is missing.",
        )
    labels = {pd.Timestamp(period.start): period.label for period in review.periods}
    shown = landing.assign(period=landing["landing_period"].map(labels))
    numbers = ["wanted", "exists", "still_to_create", "shortfall"]
    shown = shown.assign(**{column: shown[column].round(1) for column in numbers})
    return show_table(
        shown[["period", *numbers, "too_late_since"]],
        title=_say_landing(review),
        subtitle=subtitle,
        labels={
            "period": "Period",
            "wanted": "Deals wanted",
            "exists": "From what exists",
            "still_to_create": "From what is still to be created",
            "shortfall": "Beyond the best period ever",
            "too_late_since": "Too late for most after",
        },
        note="What is created after the day in the last column mostly closes in a later period.",
    )


def _say_landing(review: GoalReview) -> str:
    return next((f.headline for f in review.findings if f.kpi == "deals_won"), "Where the deals wanted come from")


def show_coverage(review: CoverageReview, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Show coverage, conversion and attainment, or why there is none."""
    if not review.coverage.is_available:
        return show_message("empty", "Pipeline coverage is not available", review.coverage.reason, review.coverage.cure)
    return draw_coverage(review.starts, title=review.title, subtitle=subtitle, currency=currency)
