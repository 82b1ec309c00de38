"""Goals as a page shows them: each picture, or the designed message where there is nothing to draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from helpers.analyses.stage_plan import say_stages
from helpers.present.charts.close_curve import draw_close_curve
from helpers.present.charts.goal_matrix import draw_goal_matrix
from helpers.present.charts.goal_timing import draw_stage_plan, draw_timing
from helpers.present.display import Display, show_message

if TYPE_CHECKING:
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


def show_timing(review: GoalReview, *, subtitle: str = "") -> Display:
    """Show where the deals that the goals need come from, and when it becomes too late."""
    if review.landing.empty or review.timing.empty:
        return show_message(
            "empty",
            "When records must be created can't be told",
            "It takes a close curve and a goal for deals won.",
            "See above for what is missing.",
        )
    title = next((f.headline for f in review.findings if f.kpi == "deals_won"), "Where the deals wanted come from")
    return draw_timing(review.landing, title=title, subtitle=subtitle)


def show_stages(review: GoalReview, *, subtitle: str = "") -> Display:
    """Show what every stage has to bring in which period, and what it is too late for."""
    if review.stages.empty:
        return show_message(
            "empty",
            "What earlier stages have to bring can't be told",
            "It takes records that carry the days on which they reached one stage and the next.",
            "Map the days of the stages, or see above for what is missing.",
        )
    title = say_stages(review.stages) or "What every stage has to bring"
    return draw_stage_plan(review.stages, title=title, subtitle=subtitle)
