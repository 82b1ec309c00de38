"""Asks a company what if: measures each slice's volume, mature rate and deal size, then moves them."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.overview import find_goal
from helpers.analyses.slicing_filters import describe_filters, resolve_filters
from helpers.analyses.slicing_question import find_refusal
from helpers.analyses.what_if import KEYS, LOW, Move, WhatIf, move_slices
from helpers.engine.cells import build_cells
from helpers.engine.journeys import BLANK, build_journeys
from helpers.engine.pipeline import BOOKINGS
from helpers.engine.slicing import resolve_partition
from helpers.engine.timeline import day_number
from helpers.errors import QuestionError, suggest
from helpers.periods import Period, period_of
from helpers.units import format_value, in_sentence

CONVERSIONS = ("opportunity_to_won", "sql_to_won", "mql_to_won", "lead_to_won")
"""From which stage deals are counted: the first of these that the company's exports tell."""

YEAR = {"week": 52, "month": 12, "quarter": 4, "half_year": 2, "calendar_quarter": 4, "rolling_90": 4}
FEWEST_SIZES = 5
"""A slice with fewer won deals than this takes the company's deal size."""

UNSAID = (BLANK, "unknown", "other", "others", "none")
"""Slices that nobody can set out to move."""

DEFAULT_BY = ("source", "channel", "gtm_motion", "region", "product", "segment", "industry")


def ask_what_if(
    company: Any,
    what_if: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    *,
    period: Period,
    as_of: date | None = None,
    filters: Mapping[str, Any] | None = None,
) -> WhatIf:
    """Ask what one or several moves would bring in a period like this one.

    Args:
        company: The company.
        what_if: One scenario or several: ``{"by": "source", "slice": "Inbound", "volume": "x2", "rate": "+4",
            "deal_size": "", "marginal": "low", "goal": 1000000}`` (or ``"goal_deals": 40``). Empty asks two: the
            largest slice converts four points better, and the one that converts best brings twice as much.
        period: The period whose volumes are moved.
        as_of: The last day that counts.
        filters: Partition → values that count.

    Returns:
        The answer; where no cohort is mature yet it says so.

    Raises:
        QuestionError: A key, a slice or a change is unknown, or the partition may not cut a rate.
    """
    asked = [what_if] if isinstance(what_if, Mapping) else list(what_if or [])
    asked = [one for one in asked if one]
    for one in asked:
        for key in one:
            if key not in KEYS:
                raise QuestionError(f"what_if: '{key}' is unknown. Allowed: {', '.join(KEYS)}.{suggest(key, KEYS)}")
    names = {str(one["by"]) for one in asked if one.get("by")}
    if len(names) > 1:
        raise QuestionError(f"what_if: scenarios side by side share one partition, found {', '.join(sorted(names))}.")
    journeys = build_journeys(company, as_of=as_of)
    conversion = _find_conversion(company, period, as_of, filters)
    if conversion is None:
        cure = "Wait until cohorts are old enough, or add earlier exports."
        return WhatIf(why_not="No cohort is mature yet, so there is no rate to hold.", cure=cure)
    by = next(iter(names), "") or _default_by(company, conversion, journeys, as_of)
    base, notes = measure_base(company, by, conversion, period=period, as_of=as_of, filters=filters)
    if not len(base) or not (base["entered"] > 0).any():
        return WhatIf(
            why_not="No slice has a mature cohort, so there is no rate to hold.", cure="Choose other filters."
        )
    moves = [_read_move(one) for one in asked] or _default_moves(base, company.catalog.rules.minimum_n)
    goal, unit, said = _find_goal(company, asked, period, bool(base["size"].notna().all()))
    from_stage = company.catalog.kpis[conversion].measure.from_stage
    what = in_sentence(company.catalog.stages[from_stage].label)
    if filters:
        notes.append(f"Filtered: {describe_filters(filters)}.")
    return move_slices(
        base, moves, goal=goal, goal_unit=unit, confidence=company.catalog.rules.confidence, currency=company.currency,
        what=what, notes=[*notes, *([said] if said else [])],
    )  # fmt: skip


def measure_base(
    company: Any, by: str, conversion: str, *, period: Period, as_of: date | None, filters: Mapping[str, Any] | None
) -> tuple[pd.DataFrame, list[str]]:
    """Measure what is moved.

    Returns:
        One row per slice, the largest first: volume (records that entered in the period, or in the latest one before
        in which any did; new business), entered and won (of the mature cohorts of the last year), size, size_error and
        n_size (won deals of that year); and notes.

    Raises:
        QuestionError: The partition is unknown or not known at entry.
    """
    kpi = company.catalog.kpis[conversion]
    if by:
        refusal = find_refusal(company, kpi, [by], as_of=as_of)
        if refusal:
            raise QuestionError(refusal)
    cells = _count(company, conversion, by, period, as_of, filters)
    own = cells[cells["dimension"] != "all"] if by else cells.assign(slice="all")
    starts = sorted(cells.loc[cells["is_complete"].astype(bool), "period_start"].unique())
    window = starts[-YEAR.get(period.grain, 1) :]
    there = own.loc[own["denominator"] > 0, "period_start"]
    latest = max(there, default=period.start)
    now = own[own["period_start"] == latest].set_index("slice")["denominator"]
    mature = own[own["period_start"].isin(window)].groupby("slice")[["numerator", "denominator"]].sum()
    names = sorted({*now.index, *mature.index})
    base = pd.DataFrame({"slice": names})
    base["volume"] = base["slice"].map(now).fillna(0.0)
    base["entered"] = base["slice"].map(mature["denominator"]).fillna(0.0)
    base["won"] = base["slice"].map(mature["numerator"]).fillna(0.0)
    base, borrowed = _add_sizes(company, base, by, period, as_of, filters)
    ends = f"{_say_day(window[0])} to {_say_day(window[-1])}" if window else "none"
    notes = [
        f"Rate: {in_sentence(kpi.label)}, {len(window)} mature cohorts that began {ends}; new business only.",
        "Deals come when these records close, in part after the period.",
    ]
    if pd.Timestamp(latest) != pd.Timestamp(period.start):
        notes.append(f"Volume of the period from {_say_day(latest)}, the latest in which any came.")
    if borrowed:
        notes.append(f"Fewer than {FEWEST_SIZES} won deals in {borrowed} slices: they take the company's deal size.")
    return base.sort_values(["volume", "slice"], ascending=[False, True], ignore_index=True), notes


def _count(
    company: Any, conversion: str, by: str, period: Period, as_of: date | None, filters: Mapping[str, Any] | None
) -> pd.DataFrame:
    cuts = [(), (by,)] if by else [()]
    resolved = resolve_filters(company, filters, as_of=as_of)
    days = {"start": period.start, "end": period.end} if period.grain == "custom" else {"end": period.end}
    cells = build_cells(
        company, kpis=[conversion], by=cuts, grain=period.grain, as_of=as_of, filters=resolved or None, **days
    )
    return cells[cells["basis"] == "cohort"]


def _find_conversion(company: Any, period: Period, as_of: date | None, filters: Mapping[str, Any] | None) -> str | None:
    for id in CONVERSIONS:
        if id in company.catalog.kpis:
            cells = _count(company, id, "", period, as_of, filters)
            if len(cells) and cells["is_complete"].astype(bool).any():
                return id
    return None


def _add_sizes(
    company: Any, base: pd.DataFrame, by: str, period: Period, as_of: date | None, filters: Mapping[str, Any] | None
) -> tuple[pd.DataFrame, int]:
    """Add mean and standard error of the amounts won in the year up to the period's end."""
    journeys = build_journeys(company, as_of=as_of)
    records = journeys.records.get(journeys.homes.get("won", ""))
    empty = base.assign(size=np.nan, size_error=np.nan, n_size=0)
    if records is None or "amount" not in records.cents:
        return empty, 0
    won = records.reached.get(("won", "new"), records.reached.get(("won", "all")))
    last = day_number(period.end)
    keep = (won > last - 365) & (won <= last) & records.known["amount"]
    for name, wanted in (resolve_filters(company, filters, as_of=as_of) or {}).items():
        id = resolve_partition(company, name, journeys.labels)
        if id in records.codes:
            texts = {BLANK if one is None else str(one) for one in ([wanted] if isinstance(wanted, str) else wanted)}
            keep &= np.isin(journeys.labels[id].astype(str)[records.codes[id]], sorted(texts))
    amounts = pd.Series(records.cents["amount"][keep] / 100)
    if not len(amounts):
        return empty, 0
    whole = (amounts.mean(), amounts.std(ddof=1) / np.sqrt(len(amounts)) if len(amounts) > 1 else 0.0)
    id = resolve_partition(company, by, journeys.labels) if by else ""
    if id not in records.codes:
        return base.assign(size=whole[0], size_error=whole[1], n_size=len(amounts)), 0
    place = journeys.labels[id].astype(str)[records.codes[id][keep]]
    found = amounts.groupby(place).agg(["mean", "std", "size"])
    found = found[found["size"] >= FEWEST_SIZES]
    names = base["slice"]
    n = names.map(found["size"]).fillna(0).astype(int)
    error = names.map(found["std"] / np.sqrt(found["size"]))
    borrowed = int((n == 0).sum())
    return base.assign(
        size=names.map(found["mean"]).fillna(whole[0]), size_error=error.where(n > 0, whole[1]), n_size=n
    ), borrowed


def _default_by(company: Any, conversion: str, journeys: Any, as_of: date | None) -> str:
    kpi = company.catalog.kpis[conversion]
    named = [name for name in DEFAULT_BY if name in journeys.labels]
    rest = [name for name in journeys.labels if name not in named and 2 < len(journeys.labels[name]) <= 30]
    return next((name for name in [*named, *rest] if not find_refusal(company, kpi, [name], as_of=as_of)), "")


def _default_moves(base: pd.DataFrame, minimum_n: int) -> list[Move]:
    known = base[(base["entered"] > 0) & ~base["slice"].str.casefold().isin(UNSAID)]
    known = known if len(known) else base[base["entered"] > 0]
    largest = known.iloc[0]
    ranked = known[known["entered"] >= minimum_n]
    ranked = ranked if len(ranked) else known
    best = ranked.loc[(ranked["won"] / ranked["entered"]).idxmax()]
    return [Move(str(largest["slice"]), rate="+4"), Move(str(best["slice"]), volume="x2")]


def _read_move(asked: Mapping[str, Any]) -> Move:
    if not str(asked.get("slice", "")).strip():
        raise QuestionError("what_if: name the slice that is moved, such as {'slice': 'Inbound', 'rate': '+4'}.")
    return Move(
        str(asked["slice"]), asked.get("volume", ""), asked.get("rate", ""), asked.get("deal_size", ""),
        asked.get("marginal", LOW),
    )  # fmt: skip


def _find_goal(
    company: Any, asked: Sequence[Mapping[str, Any]], period: Period, has_money: bool
) -> tuple[float | None, str, str]:
    """Return the goal, its unit and what it is: as asked, else the next period's or this one's bookings target."""
    for one in asked:
        for key, unit in (("goal_deals", "count"), ("goal", "currency")):
            if one.get(key) not in (None, ""):
                return _number(key, one[key]), unit, ""
    if not has_money:
        return None, "currency", ""
    for other in (_following(period), period):
        goal = find_goal(company.targets, BOOKINGS, other) if other else float("nan")
        if goal > 0:
            said = format_value(goal, "currency", currency=company.currency)
            return goal, "currency", f"Goal: closed revenue of {said} in {other.label}, as if all came of new business."
    return None, "currency", ""


def _following(period: Period) -> Period | None:
    if period.grain in ("custom", "rolling_90"):
        return None
    return period_of(period.end + timedelta(days=1), period.grain, period.fiscal_year_start)


def _number(key: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not number > 0:
        raise QuestionError(f"what_if: {key} '{value}' is no number above 0.")
    return number


def _say_day(day: Any) -> str:
    moment = pd.Timestamp(day)
    return f"{moment.day} {moment:%b %Y}"
