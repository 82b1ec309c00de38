"""Pipeline generation held against its goal and against the coverage that it leaves: which of the patterns it is."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.coverage import attain
from helpers.analyses.coverage_words import NOTEBOOK, say_times
from helpers.analyses.finding import Finding
from helpers.units import format_value

MET = 0.98
"""A goal counts as met from here on, so that rounding misses none."""

PATTERNS = {
    "goal_met_coverage_fell": "pipeline generation makes its goal while starting coverage falls",
    "goal_met_conversion_fell": "pipeline generation makes its goal, coverage holds and conversion falls",
    "goal_met": "pipeline generation makes its goal and coverage holds",
    "goal_missed_coverage_held": "pipeline generation misses its goal and coverage holds all the same",
    "goal_missed": "pipeline generation misses its goal and coverage falls",
}


def judge_pipegen(
    pipegen: pd.DataFrame, coverage: Sequence[float], conversion: Sequence[float], *, tolerance: float = 0.10
) -> Mapping[str, Any] | None:
    """Name the pattern of pipeline generation, its goal, and the coverage that periods then start with.

    Args:
        pipegen: One row per source (and period) with ``source``, ``pipeline`` generated and its ``goal``; both in the
            same unit, money or opportunities.
        coverage: Starting coverage of the same periods, oldest first.
        conversion: Their pipeline conversion.
        tolerance: A change from first to last within this share counts as steady.

    Returns:
        ``pattern`` (one of ``PATTERNS``), ``periods``, ``generated`` (share of the goal), ``sources`` (source → share
        of its goal), ``short`` and ``over`` (names), and before and after of coverage, conversion and attainment. None
        with fewer than two periods or without a goal.

    Source:
        Kellogg, pipeline generation and coverage: 105 % of the goal, 3.1× to 2.4× at a steady 34 %.
    """
    known = pipegen[pipegen["goal"].notna() & (pipegen["goal"] > 0)]
    if known.empty or len(coverage) < 2 or len(coverage) != len(conversion):
        return None
    sums = known.groupby("source", sort=False)[["pipeline", "goal"]].sum()
    shares = (sums["pipeline"] / sums["goal"]).to_dict()
    made = float(sums["pipeline"].sum() / sums["goal"].sum())
    fell = coverage[-1] < coverage[0] * (1 - tolerance)
    weaker = conversion[-1] < conversion[0] * (1 - tolerance)
    if made >= MET:
        pattern = "goal_met_coverage_fell" if fell else "goal_met_conversion_fell" if weaker else "goal_met"
    else:
        pattern = "goal_missed" if fell else "goal_missed_coverage_held"
    return {
        "pattern": pattern,
        "periods": len(coverage),
        "generated": made,
        "sources": shares,
        "short": [name for name, share in shares.items() if share < MET],
        "over": [name for name, share in shares.items() if share > 2 - MET],
        "coverage_before": float(coverage[0]),
        "coverage_after": float(coverage[-1]),
        "conversion_before": float(conversion[0]),
        "conversion_after": float(conversion[-1]),
        "conversion": float(np.mean(conversion)),
        "attainment_before": attain(coverage[0], conversion[0]),
        "attainment_after": attain(coverage[-1], conversion[-1]),
    }


def say_pipegen(found: Mapping[str, Any] | None) -> Finding | None:
    """Say what pipeline generation and coverage are together; None where nothing was found."""
    if found is None:
        return None
    made = format_value(found["generated"], "share", digits=0)
    before, after = say_times(found["coverage_before"]), say_times(found["coverage_after"])
    held = f"starting coverage held ({before} to {after})"
    fell = f"starting coverage slid from {before} to {after}"
    rates = [format_value(found[f"conversion_{when}"], "share", digits=0) for when in ("before", "after")]
    attained = [format_value(found[f"attainment_{when}"], "share", digits=0) for when in ("before", "after")]
    over = f"over {found['periods']} periods"
    step, severity, pattern = "", "note", found["pattern"]
    if pattern == "goal_met_coverage_fell":
        headline = (
            f"Pipeline generation made {made} of its goal while {fell} {over} at "
            f"{format_value(found['conversion'], 'share', digits=0)} conversion: attainment went from {attained[0]} to "
            f"{attained[1]}"
        )
        step, severity = "Score every source, marketing too, on the coverage it leaves, beside what it creates.", "bad"
    elif pattern == "goal_met_conversion_fell":
        headline = (
            f"Pipeline generation made {made} of its goal and {held}, but conversion fell from {rates[0]} to {rates[1]}"
        )
        step, severity = "Look at what the pipeline is made of (source, size, age) before at people.", "bad"
    elif pattern == "goal_met":
        headline, severity = f"Pipeline generation made {made} of its goal and {held} {over}", "good"
    elif pattern == "goal_missed_coverage_held":
        headline = f"Pipeline generation made {made} of its goal, and {held} all the same"
        step = "Goals per source are a means: leave them where the sum suffices."
    else:
        headline = f"Pipeline generation made {made} of its goal, and {fell} {over}"
        step, severity = "Agree who covers the shortfall of the next starts.", "bad"
    if found["short"] and found["over"]:
        short, over = join_names(found["short"]), join_names(found["over"])
        headline += f"; {short} short and {over} over, which is fine where the sum suffices"
    return Finding(headline, "starting_coverage", "all", None, dict(found), step, NOTEBOOK, severity)


def join_names(names: Sequence[str]) -> str:
    """Write names in a sentence: ``A, B and C``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
