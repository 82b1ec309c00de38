"""What to say of a company's goals: the chance, what never was, when it is too late, the year, the contradictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from helpers.analyses.finding import Finding
from helpers.analyses.goal_locks import find_set
from helpers.analyses.goal_relations import KEYS, TOTAL
from helpers.periods import Period, period_of
from helpers.units import format_value, in_sentence

if TYPE_CHECKING:
    from helpers.analyses.goal_review import GoalReview

NOTEBOOK = "04_goal_matrix"
REVENUE, DEALS = "revenue_won", "deals_won"


def list_findings(review: GoalReview, company, *, as_of: date, carry_over: str = "none") -> list[Finding]:
    """Say in words what a leader should know about the goals.

    Returns:
        Findings: the next period's goal and its chance, what it needs that never was, when it is too late, the year so
        far, goals that contradict each other, and that nobody set a goal. Empty where there is no matrix.
    """
    if not review.is_available:
        return []
    found = [
        _say_chance(review, company),
        _say_stretch(review, company),
        _say_too_late(review, company),
        _say_year(review, company, as_of, carry_over),
        *_say_contradictions(review, company),
        None if review.has_goals else _say_no_goals(company),
    ]
    return [finding for finding in found if finding is not None]


def _row(matrix: pd.DataFrame, kpi: str, period: Period) -> Mapping[str, float] | None:
    mine = matrix[
        (matrix["kpi"] == kpi)
        & (matrix["grain"] == period.grain)
        & (pd.to_datetime(matrix["period_start"]) == pd.Timestamp(period.start))
        & (matrix["dimension"] == TOTAL)
    ]
    return None if mine.empty else mine.iloc[0].to_dict()


def _say_chance(review: GoalReview, company) -> Finding | None:
    if not review.periods:
        return None
    period = review.periods[0]
    row = _row(review.matrix, REVENUE, period)
    if row is None:
        return None
    outlook = review.outlook[review.outlook["period_start"] == pd.Timestamp(period.start)]
    expected = float(outlook["expected"].iloc[0]) if len(outlook) else row["expected"]
    money = {name: format_value(row[name], "currency", currency=company.currency) for name in ("goal",)}
    brings = format_value(expected, "currency", currency=company.currency)
    chance = row["probability"]
    if not review.has_goals:
        headline = f"The deals at hand and those that usually come bring {brings} in {period.label}"
        carried = format_value(row["expected"], "currency", currency=company.currency)
        if carried != brings:
            headline += f"; carrying earlier periods forward gives {carried}"
    else:
        ahead = "is likely" if chance >= 0.6 else "is a coin toss" if chance >= 0.4 else "is unlikely"
        headline = (
            f"The {period.label} goal of {money['goal']} {ahead}: the engine brings {brings} as it runs today, "
            f"and {_say_futures(chance)} of 100 simulated futures reach the goal"
        )
    evidence = {"period": period.label, "probability": chance, "definition": "simulated through the close curve"}
    if len(outlook):
        evidence |= {"low": float(outlook["low"].iloc[0]), "high": float(outlook["high"].iloc[0]), "unit": "currency"}
    gap = expected - row["goal"] if review.has_goals else None
    severity = "note" if gap is None else "bad" if chance < 0.5 else "good"
    step = "Agree which KPI is to close the gap, and lock the others." if severity == "bad" else ""
    return Finding(headline, REVENUE, TOTAL, gap, evidence, step, NOTEBOOK, severity)


def _say_futures(chance: float) -> str:
    return "hardly one" if chance < 0.005 else "nearly all" if chance > 0.995 else f"{chance * 100:.0f}"


def _say_stretch(review: GoalReview, company) -> Finding | None:
    """Name what the next period needs that history has never shown."""
    if not review.has_goals or not review.periods:
        return None
    start = pd.Timestamp(review.periods[0].start)
    ranks = review.ranks[(pd.to_datetime(review.ranks["period_start"]) == start) & (review.ranks["periods"] >= 4)]
    never = ranks[(ranks["goal"] > ranks["best_ever"] * (1 + 1e-9)) & (ranks["kpi"] != REVENUE)]
    if never.empty:
        return None
    worst = never.assign(ratio=never["goal"] / never["best_ever"]).sort_values("ratio").iloc[-1]
    kpi = company.catalog.kpis[worst["kpi"]]
    digits = 0 if kpi.unit == "count" else None
    needed, best = (
        format_value(worst[name], kpi.unit, currency=company.currency, digits=digits) for name in ("goal", "best_ever")
    )
    label = in_sentence(kpi.label)
    what = f"{needed} {label}" if kpi.unit == "count" else f"{label} of {needed}"
    more = f", and {len(never) - 1} more KPIs in the same way" if len(never) > 1 else ""
    period = review.periods[0]
    seen = f"{int(worst['periods'])} {period.grain}s"
    headline = f"{period.label} needs {what}; the best of {seen} was {best}{more}"
    evidence = {"periods": int(worst["periods"]), "period": review.periods[0].label, "kpis": never["kpi"].tolist()}
    step = f"Say what will be different about {label}, or lower the goal."
    return Finding(headline, kpi.id, TOTAL, None, evidence, step, NOTEBOOK, "bad")


def _say_too_late(review: GoalReview, company) -> Finding | None:
    if review.landing.empty or not review.has_goals:
        return None
    row = review.landing.iloc[0]
    stage = company.catalog.stages[review.curve.attrs["from_stage"]]
    period, what = review.periods[0], stage.label.lower()
    exists = row["exists"] / row["wanted"] if row["wanted"] > 0 else float("nan")
    day = format_value(pd.Timestamp(row["too_late_since"]).date(), "date")
    headline = (
        f"{format_value(exists, 'share')} of the deals that {period.label} needs can come from {what} that exist; "
        f"those created after {day} mostly close later"
    )
    evidence = {
        "period": period.label,
        "wanted": float(row["wanted"]),
        "exists": float(row["exists"]),
        "shortfall": float(row["shortfall"]),
        "too_late_since": day,
        "definition": "wins by age since creation, pooled over the cohorts that have lived through the age",
    }
    step = f"Work the existing {what} for {period.label}; build {what} for the period after."
    return Finding(headline, DEALS, TOTAL, None, evidence, step, NOTEBOOK, "note")


def _say_year(review: GoalReview, company, as_of: date, carry_over: str) -> Finding | None:
    year = period_of((pd.Timestamp(as_of) + pd.Timedelta(days=1)).date(), "year", company.fiscal_year_start)
    plan = review.plan
    starts = pd.to_datetime(plan["period_start"])
    mine = plan[
        (plan["kpi"] == REVENUE)
        & (plan["dimension"] == TOTAL)
        & (plan["grain"] != "year")
        & starts.between(pd.Timestamp(year.start), pd.Timestamp(year.end))
        & plan["actual"].notna()
        & find_set(plan)
    ]
    if mine.empty or not review.has_goals:
        return None
    gap = float(mine["actual"].sum() - mine["goal"].sum())
    amount = format_value(abs(gap), "currency", currency=company.currency)
    way = "ahead of" if gap >= 0 else "behind"
    then = {"none": "is not carried over", "next": "goes to the next one", "spread": "is spread over what is left"}
    tail = "" if gap >= 0 else f"; the miss {then[carry_over]}"
    grain = mine["grain"].iloc[0]
    after = f"{len(mine)} {grain}s" if len(mine) != 1 else f"one {grain}"
    headline = f"{year.label} is {amount} {way} its plan after {after}{tail}"
    evidence = {"period": year.label, "periods": len(mine), "definition": "closed revenue minus its goals"}
    step = (
        "Decide what happens to the miss: it stays, goes to the next period, or is spread over the year."
        if gap < 0
        else ""
    )
    return Finding(headline, REVENUE, TOTAL, gap, evidence, step, NOTEBOOK, "bad" if gap < 0 else "good")


def _say_contradictions(review: GoalReview, company) -> list[Finding]:
    found, told = [], set()
    for clash, releases in zip(review.clashes, review.releases, strict=True):
        goals = [tuple(row[key] for key in [*KEYS, "goal"]) for row in clash.cells.to_dict("records")]
        mine = next(goal for *key, goal in goals if tuple(key) == clash.held_back)
        others = [_name(key, company, goal) for *key, goal in goals if tuple(key) != clash.held_back]
        told.add(clash.held_back)
        name = _name(clash.held_back, company, mine)
        against = " and ".join(others) if len(others) < 3 else f"{'; '.join(others[:-1])}; and {others[-1]}"
        headline = f"{name} doesn't count: it can't hold together with {against}" if others else f"{name} can't hold"
        step = f"Set {in_sentence(_name(clash.held_back, company))} free or change it"
        ways = [row for row in releases.to_dict("records") if row["is_enough"]]
        if ways:
            key, becomes = tuple(ways[0][name] for name in KEYS), ways[0]["becomes"]
            step += f", or release {in_sentence(_name(key, company))}, which then becomes {_say(key, company, becomes)}"
        found.append(_make_contradiction(clash.held_back, mine, headline, f"{step}.", n=len(goals)))
    for row in review.released.to_dict("records"):
        key = tuple(row[name] for name in KEYS)
        if key not in told:
            headline = f"{_name(key, company, row['goal'])} doesn't count: it contradicts other goals"
            found.append(_make_contradiction(key, row["goal"], headline, "Change it, or those it contradicts.", n=1))
    return found


def _make_contradiction(key: tuple, goal: float, headline: str, step: str, *, n: int) -> Finding:
    where = TOTAL if key[3] == TOTAL else f"{key[3]}={key[4]}"
    evidence = {
        "goal": goal,
        "goals": n,
        "definition": "smallest set that can't all hold; locked cells count before goals, earlier ones before later",
    }
    return Finding(headline, key[0], where, None, evidence, step, NOTEBOOK, "bad")


def _name(key: Sequence, company, goal: float | None = None) -> str:
    """Name a cell for a reader: ``Closed revenue of Webinar in Q4 2026 (€30 k)``."""
    kpi, grain, start, dimension, value = key
    known = company.catalog.kpis.get(kpi)
    period = period_of(pd.Timestamp(start).date(), grain, company.fiscal_year_start).label
    where = "" if dimension == TOTAL else f" of {value}"
    what = f"{known.label if known else kpi}{where} in {period}"
    return what if goal is None else f"{what} ({_say(key, company, goal)})"


def _say(key: Sequence, company, value: float) -> str:
    known = company.catalog.kpis.get(key[0])
    unit = known.unit if known else "count"
    return format_value(value, unit, currency=company.currency, digits=0 if unit == "count" else None)


def _say_no_goals(company) -> Finding:
    return Finding(
        "Nobody has set a goal yet: what is shown is what history lets one expect",
        REVENUE,
        TOTAL,
        None,
        {},
        "Type in a revenue goal, or goals of single KPIs.",
        NOTEBOOK,
        "note",
    )
