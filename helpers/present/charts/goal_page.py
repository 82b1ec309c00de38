"""Goals as a page shows them: each picture, or the designed message where there is nothing to draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from helpers.analyses.goal_relations import TOTAL
from helpers.analyses.goal_slices import say_slices, tabulate_slices
from helpers.analyses.stage_plan import say_stages
from helpers.present.charts.close_curve import draw_close_curve
from helpers.present.charts.goal_matrix import draw_goal_matrix
from helpers.present.charts.goal_timing import draw_stage_plan, draw_timing
from helpers.present.charts.overview import Displays
from helpers.present.display import Display, show_message, show_table
from helpers.units import in_sentence

if TYPE_CHECKING:
    from helpers.analyses.goal_review import GoalReview

TYPE = "type"
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


def show_slice_goals(review: GoalReview, company) -> Display | Displays:
    """Show what the next period asks of each slice, one table per partition that has goals."""
    found = []
    partitions = [id for id in dict.fromkeys(review.matrix["dimension"]) if id not in (TOTAL, TYPE)]
    for id in partitions if review.periods else []:
        table = tabulate_slices(review.matrix, review.periods[0], id, catalog=company.catalog)
        if len(table):
            found.append(_draw_slices(table, id, review, company))
    if not found:
        return show_message(
            "empty",
            "Goals per slice are not available",
            "No partition has values whose records add up to the company's.",
            "Name a partition such as source or region in the parameter by, or map its column.",
        )
    return Displays(found)


def _draw_slices(table: pd.DataFrame, id: str, review: GoalReview, company) -> Display:
    period, kpis = review.periods[0].label, company.catalog.kpis
    label = company.partitions[id].label if id in company.partitions else id
    told = kpis[table.attrs["kpi"]]
    volumes = [column for column in table.columns if column in kpis]
    shown = table.assign(**{volume: table[volume].round() for volume in volumes})
    shown["slice"] = shown["slice"].where(shown["slice"] != TOTAL, "The company")
    return show_table(
        shown,
        title=say_slices(table, period, in_sentence(label)),
        subtitle=f"goals of {period} by {in_sentence(label)}, volumes in records",
        units={"expected": told.unit, "goal": told.unit, "change": "share", "probability": "share"}
        | dict.fromkeys(volumes, "count"),
        labels={"slice": label, "expected": "Expected", "goal": told.label, "change": "More", "probability": "Chance"}
        | {volume: kpis[volume].label for volume in volumes},
        currency=company.currency,
        marks={"probability": "share_bar"},
        max_rows=14,
        note="Slices add up to the company. More = goal ÷ expected − 1; chance = share of simulated futures.",
    )
