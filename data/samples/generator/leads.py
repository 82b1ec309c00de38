"""Simulate contacts: when they come, from where, and how far they get before a deal exists."""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import setting as s

WEEKDAY_WEIGHT = np.array([1.18, 1.25, 1.22, 1.18, 1.02, 0.32, 0.33])
MONTH_WEIGHT = np.array([1.0, 1.0, 1.03, 1.0, 1.0, 0.98, 0.94, 0.93, 1.04, 1.05, 1.04, 0.9])


def snap_to_office_hours(at: np.ndarray, draw: np.ndarray, *, not_before: np.ndarray) -> np.ndarray:
    """Move moments to a weekday between 8:00 and 18:00, a few minutes after what came before at the earliest.

    Returns:
        Minutes since START, one per moment; NaN stays NaN.
    """
    day = np.floor(at / s.DAY)
    weekday = (day + s.START.weekday()) % 7
    day = day + np.where(weekday == 5, 2, np.where(weekday == 6, 1, 0))
    return np.maximum(day * s.DAY + 480 + np.floor(draw * 600), not_before + 6)


def pick(draw: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Turn uniform draws into positions by shares (one row of shares per draw, or one for all).

    Returns:
        One integer position per draw.
    """
    edges = np.cumsum(shares / shares.sum(axis=-1, keepdims=True), axis=-1)
    edges = np.broadcast_to(edges, (len(draw), edges.shape[-1]))
    return np.minimum((draw[:, None] > edges).sum(axis=1), edges.shape[-1] - 1)


def _arrive(rng: np.random.Generator) -> np.ndarray:
    days = pd.date_range(s.START, periods=s.DAYS)
    growth = 1440 + (1760 - 1440) * np.minimum(np.arange(s.DAYS) / 600, 1.0)
    rate = growth / 91.25 * WEEKDAY_WEIGHT[days.weekday] * MONTH_WEIGHT[days.month - 1]
    rate[0] = max(rate[0], 12.0)
    counts = rng.poisson(rate)
    day = np.repeat(np.arange(s.DAYS), counts)
    return np.sort(day * s.DAY + np.floor(rng.triangular(300, 780, 1380, len(day))))


def _describe(rng: np.random.Generator, created: np.ndarray, causes: frozenset[str]) -> pd.DataFrame:
    n = len(created)
    draws = rng.random((6, n))
    shifted = (created >= s.minutes(s.MIX_SHIFT_FROM)) & ("mix" in causes)
    share = np.where(shifted[:, None], np.array(s.SOURCE_SHARE_SHIFTED), np.array(s.SOURCE_SHARE))
    source = np.array(s.SOURCES)[pick(draws[0], share)]
    region = np.array(s.REGIONS)[pick(draws[1], np.array(s.REGION_SHARE))]
    segment_share = np.where((region == "US")[:, None], s.SEGMENT_SHARE_US, s.SEGMENT_SHARE)
    small, large = (source == "Webinar") * 0.55 + 1.0, (source == "Outbound") * 0.8 + 1.0
    segment_share = segment_share * np.column_stack([small, np.ones(n), large])
    segment = np.array(s.SEGMENTS)[pick(draws[2], segment_share)]
    industry = np.array(s.INDUSTRIES)[pick(draws[3], np.array(s.INDUSTRY_SHARE))]
    frame = pd.DataFrame({"created": created, "source": source, "region": region, "segment": segment})
    frame["industry"] = industry
    details = [s.SOURCE_DETAIL[name] for name in source]
    frame["detail"] = [choices[int(u * len(choices))] for choices, u in zip(details, draws[4], strict=True)]
    frame["country"] = ""
    for name, choices in s.COUNTRIES.items():
        rows = region == name
        weights = np.array([weight for _, weight in choices])
        frame.loc[rows, "country"] = np.array([c for c, _ in choices])[pick(draws[5][rows], weights)]
    return frame


def _work(rng: np.random.Generator, leads: pd.DataFrame, causes: frozenset[str]) -> None:
    """Add owner, assignment and first touch; some contacts of one region are left lying."""
    n, draws = len(leads), rng.random((7, len(leads)))
    created = leads["created"].to_numpy()
    unrouted = (leads["region"] == "Nordics").to_numpy() & (created >= s.minutes(s.ROUTING_BREAK_FROM))
    unrouted = unrouted & (draws[0] < s.ROUTING_BREAK_SHARE) & ("routing" in causes)
    wait = -np.log(1 - draws[1]) * 55 + 2
    late = (5.2 + 7 * draws[2]) * s.DAY
    assigned = created + np.where(unrouted, late, wait)
    assigned[unrouted & (draws[3] < 0.6)] = np.nan
    touch = np.exp(np.log(0.28) + 1.0 * rng.standard_normal(n)) * s.DAY
    first_touch = snap_to_office_hours(assigned + touch, draws[4], not_before=assigned)
    first_touch[draws[5] < 0.06] = np.nan
    leads["unrouted"] = unrouted
    leads["assigned"], leads["first_touch"] = assigned, first_touch
    sdrs = np.array(s.people_of(role="SDR"))
    leads["owner"] = sdrs[(draws[6] * len(sdrs)).astype(int)]


def _advance(rng: np.random.Generator, leads: pd.DataFrame) -> None:
    """Add the moments at which contacts became MQL, SQL and opportunity (NaN: never)."""
    draws, lags = rng.random((7, len(leads))), rng.standard_normal((3, len(leads)))
    source, created = leads["source"], leads["created"].to_numpy()
    p_mql = source.map(s.LEAD_TO_MQL) * leads["segment"].map(s.SEGMENT_MQL) * leads["region"].map(s.REGION_MQL)
    p_mql = p_mql.to_numpy() * np.where(leads["unrouted"], s.ROUTING_BREAK_MQL_FACTOR, 1.0)
    wait = np.where(leads["unrouted"], 7 * s.DAY * draws[6], 0.0)
    mql = created + wait + np.exp(np.log(2.2) + 0.9 * lags[0]) * s.DAY
    mql = np.where(draws[0] < p_mql, snap_to_office_hours(mql, draws[1], not_before=created), np.nan)
    sql = mql + np.exp(np.log(4.5) + 0.7 * lags[1]) * s.DAY
    sql = np.where(draws[2] < source.map(s.MQL_TO_SQL), snap_to_office_hours(sql, draws[3], not_before=mql), np.nan)
    opportunity = sql + np.exp(np.log(4.0) + 0.7 * lags[2]) * s.DAY
    opportunity = snap_to_office_hours(opportunity, draws[5], not_before=sql)
    leads["mql"], leads["sql"] = mql, sql
    leads["opportunity"] = np.where(draws[4] < source.map(s.SQL_TO_OPPORTUNITY), opportunity, np.nan)
    leads["first_touch"] = np.fmin(leads["first_touch"], leads["sql"])
    # Nobody qualifies without an owner: who moved on had been picked up by hand before.
    picked_up = leads["sql"].notna() & leads["assigned"].isna()
    leads.loc[picked_up, "assigned"] = leads.loc[picked_up, "created"] + (leads["mql"] - leads["created"]) * 0.9
    leads["first_touch"] = leads["first_touch"].fillna(leads["sql"])
    for name in ("assigned", "first_touch"):
        leads[name] = np.floor(leads[name])


def _follow_up(rng: np.random.Generator, leads: pd.DataFrame) -> None:
    """Add meetings, sequences, activities and what became of those who were not qualified."""
    n, draws = len(leads), rng.random((9, len(leads)))
    touched = leads["first_touch"].to_numpy()
    is_sql, is_mql = leads["sql"].notna().to_numpy(), leads["mql"].notna().to_numpy()
    books = is_sql | (is_mql & (draws[0] < 0.3)) & ~np.isnan(touched)
    at = np.where(is_sql, leads["sql"] - (leads["sql"] - leads["mql"]) * 0.6, np.fmax(leads["mql"], touched) + 720)
    leads["meeting_booked"] = np.where(books, np.floor(at), np.nan)
    misses = books & ~is_sql & (draws[1] < 0.45)
    held = np.where(is_sql, leads["sql"] - 30, leads["meeting_booked"] + (1 + 5 * draws[2]) * s.DAY)
    held = snap_to_office_hours(held, draws[3], not_before=leads["meeting_booked"].to_numpy())
    held = np.where(is_sql, np.fmin(held, leads["sql"]), held)
    leads["meeting_held"] = np.where(books & ~misses, np.floor(held), np.nan)
    leads["no_show"] = np.where(misses, np.floor(held), np.nan)
    in_sequence = ~np.isnan(touched) & (draws[4] < np.where(is_sql, 0.25, 0.58))
    leads["sequence"] = np.where(in_sequence, touched + 60 + np.floor(draws[5] * 2 * s.DAY), np.nan)
    more = rng.poisson(np.where(is_sql, 7, np.where(is_mql, 3.2, 1.6)))
    leads["activity_count"] = np.where(np.isnan(touched), 0, 1 + more)
    leads["activity_gap"] = (0.6 + 2.5 * draws[6]) * s.DAY
    gone = ~is_mql & ~np.isnan(touched) & (draws[7] < 0.5)
    leads["unqualified"] = np.where(gone, touched + (2 + 25 * draws[8]) * s.DAY, np.nan)
    reasons = np.array(["No budget", "Too small", "No need", "Student or private", "No response", "Wrong person"])
    leads["unqualified_reason"] = reasons[pick(rng.random(n), np.array([0.14, 0.16, 0.2, 0.1, 0.28, 0.12]))]


def simulate_leads(seed: int, causes: frozenset[str]) -> pd.DataFrame:
    """Simulate every contact that Brightwater gets.

    Args:
        seed: Number that fixes all draws.
        causes: Which of the planted causes act.

    Returns:
        One row per contact in order of creation: its attributes, and minutes since START for each moment.
    """
    leads = _describe(np.random.default_rng([seed, 2]), _arrive(np.random.default_rng([seed, 1])), causes)
    _work(np.random.default_rng([seed, 3]), leads, causes)
    _advance(np.random.default_rng([seed, 4]), leads)
    _follow_up(np.random.default_rng([seed, 5]), leads)
    leads["id"] = 100_001 + np.arange(len(leads))
    return leads
