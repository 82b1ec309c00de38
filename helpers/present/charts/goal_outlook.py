"""Feasibility as tables: how likely each revenue goal is, and each needed value beside its past and beside others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from helpers.analyses.goal_benchmarks import NONE_KNOWN
from helpers.present import words
from helpers.present.display import Display, show_message, show_table

SUMMED = "A year adds up its periods future by future; its range is narrower than theirs added up."
NO_BENCHMARK = "none known"
NOT_COMPARABLE = "not comparable"


def show_outlook(
    outlook: pd.DataFrame,
    labels: Mapping[tuple[str, pd.Timestamp], str],
    *,
    title: str,
    subtitle: str = "",
    currency: str = "USD",
    has_goals: bool = True,
) -> Display:
    """Show what each period ahead brings, with its range, the chance of its goal and what that rests on.

    Args:
        outlook: as made by ``simulate_revenue``.
        labels: (grain, first day) → the period as a reader says it.
        title: the finding, in a sentence.
        subtitle: measure, as of when.
        currency: ISO code of the company's currency.
        has_goals: whether people set goals; else no chance is shown.

    Returns:
        A table; without an outlook a message says what is missing.
    """
    if outlook.empty:
        return show_message(
            "empty",
            "The revenue ahead can't be simulated",
            "It takes won deals with an amount, and records that carry the day they were created.",
            "Map deal.amount, deal.created_at and deal.closed_at.",
        )
    records = outlook.to_dict("records")
    table = pd.DataFrame(
        {
            "period": [
                labels.get((row["grain"], row["period_start"]), str(row["period_start"].date())) for row in records
            ],
            "goal": outlook["goal"].to_numpy(),
            "expected": outlook["expected"].to_numpy(),
            "range": [words.say_range(row["low"], row["high"], "currency", currency=currency) for row in records],
            "probability": outlook["probability"].to_numpy(),
            "basis": [f"{row['basis'][:1].upper()}{row['basis'][1:]}" for row in records],
        }
    )
    kept = table if has_goals else table.drop(columns=["goal", "probability"])
    return show_table(
        kept,
        title=title,
        subtitle=subtitle,
        units={"goal": "currency", "expected": "currency", "probability": "share"},
        labels={"probability": "Chance", "range": "Middle 80 %", "basis": "What it rests on"},
        marks={"probability": "share_bar"} if has_goals else {},
        currency=currency,
        note=f"{'Chance = share of simulated futures that reach the goal. ' if has_goals else ''}{SUMMED}",
    )


def show_needed(
    ranks: pd.DataFrame,
    benchmarks: pd.DataFrame,
    kpis: Mapping[str, Any],
    *,
    title: str,
    subtitle: str = "",
    band: str = "",
    currency: str = "USD",
) -> Display:
    """Show what the next period needs of each KPI beside its past and beside what others publish.

    Args:
        ranks: as made by ``rank_in_history``; the first period is shown.
        benchmarks: as made by ``compare_with_benchmarks``.
        kpis: the catalog's KPIs.
        title: the finding, in a sentence.
        subtitle: period, as of when.
        band: on which deals the band of deal size rests, as said by ``say_band``.
        currency: ISO code of the company's currency.

    Returns:
        A table with one row per KPI, and one more for each further source that tells something of it; without anything
        needed a message.
    """
    if ranks.empty:
        return show_message(
            "empty", "What is needed can't be set beside the past", "No period ahead has a goal.", "Set a revenue goal."
        )
    first = ranks["period_start"].min()
    told = benchmarks[benchmarks["period_start"] == first]
    rows = []
    for row in ranks[ranks["period_start"] == first].to_dict("records"):
        mine = told[told["kpi"] == row["kpi"]]
        figures = mine[mine["reason"] == ""]
        others = (figures if len(figures) else mine.head(1)).to_dict("records") or [{"reason": NONE_KNOWN}]
        for place, other in enumerate(others):
            rows.append(_say_row(row, other, kpis[row["kpi"]], currency, is_first=place == 0))
    used = told[told["reason"] == ""]
    mind = dict.fromkeys(f"{other['source']}: {other['caveat']}" for other in used.to_dict("records"))
    mapped = {f"{kpis[other['kpi']].label}: {other['mapping']}": None for other in used.to_dict("records")}
    why = dict.fromkeys(reason for reason in told["reason"] if reason not in ("", NONE_KNOWN))
    return show_table(
        pd.DataFrame(rows),
        title=title,
        subtitle=subtitle,
        labels={"kpi": "KPI", "past": "Passed in the past", "best": "Best ever", "source": "Source, years, n"},
        max_rows=20,
        note=" ".join([band, *why, *mapped, *mind]).strip(),
    )


def _say_row(row: dict, other: dict, kpi: Any, currency: str, *, is_first: bool) -> dict[str, str]:
    def say(value: Any) -> str:
        return words.say_value(value, kpi.unit, currency=currency, digits=0 if kpi.unit == "count" else None)

    past = ""
    if is_first:
        reached = round((1 - row["percentile"]) * row["periods"]) if row["periods"] else 0
        past = f"{reached} of {row['periods']} periods" if row["periods"] else "no past"
    return {
        "kpi": kpi.label if is_first else "",
        "needed": say(row["goal"]) if is_first else "",
        "past": past,
        "best": say(row["best_ever"]) if is_first else "",
        "benchmark": _say_benchmark(other, say),
        "band": other.get("band") or "",
        "source": _say_source(other),
    }


def _say_benchmark(other: dict, say: Any) -> str:
    if other["reason"] == NONE_KNOWN:
        return NO_BENCHMARK
    if not words.is_missing(other["benchmark"]):
        return f"{say(other['benchmark'])} {other['statistic']}"
    if not words.is_missing(other["low"]):
        return f"{say(other['low'])}–{say(other['high'])} {other['statistic']}"
    return NOT_COMPARABLE


def _say_source(other: dict) -> str:
    if other["reason"]:
        return ""
    n = "n not told" if words.is_missing(other["n"]) else f"n {int(other['n']):,}"
    return f"{other['source']}, {other['year']}, {n}"
