"""Simulate new-business deals: who gets them, what they are worth, how and when they end."""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import setting as s
from .leads import pick, snap_to_office_hours


def _spread_draws(rng: np.random.Generator, order: np.ndarray, *, block: int) -> np.ndarray:
    """Draw uniform numbers that are evenly spread within every block of neighbours in an order.

    Luck of the draw then moves a quarter's total less, so that planted causes and not luck make the story.

    Returns:
        One number between 0 and 1 per entry of order.
    """
    n = len(order)
    strata = np.concatenate([rng.permutation(block) for _ in range(n // block + 1)])[:n]
    draws = np.empty(n)
    draws[order] = (strata + rng.random(n)) / block
    return draws


def _assign_owners(rng: np.random.Generator, deals: pd.DataFrame, causes: frozenset[str]) -> np.ndarray:
    draws = rng.random((2, len(deals)))
    team = deals["region"].map(s.TEAM_OF_REGION)
    owner = np.empty(len(deals), dtype=object)
    for name in sorted(set(s.TEAM_OF_REGION.values())):
        rows = np.flatnonzero(team == name)
        people = np.array(s.people_of(role="AE", team=name), dtype=object)
        owner[rows] = people[(draws[0][rows] * len(people)).astype(int)]
    if "innocent" in causes:
        rerouted = (deals["created"] >= s.minutes(s.WEBINAR_ROUTING_FROM)) & (team == s.TEAM_OF_REGION["Nordics"])
        poor = (deals["source"] == "Webinar") | ((deals["source"] == "Paid Search") & (deals["segment"] == "SMB"))
        to_her = np.where(poor, draws[1] < 0.92, draws[1] < 0.06)
        others = [name for name in s.people_of(role="AE", team="North") if name != s.INNOCENT]
        owner[rerouted] = np.array(others, dtype=object)[(draws[0][rerouted] * len(others)).astype(int)]
        owner[rerouted & to_her] = s.INNOCENT
    return owner


def _price(rng: np.random.Generator, deals: pd.DataFrame) -> np.ndarray:
    """Draw amounts, evenly spread among deals of one segment and one outcome that end near each other."""
    amount = np.zeros(len(deals))
    for segment in s.SEGMENTS:
        for won in (True, False):
            rows = np.flatnonzero((deals["segment"] == segment) & (deals["won"] == won))
            draws = _spread_draws(rng, np.argsort(deals["decided"].to_numpy()[rows], kind="stable"), block=6)
            z = np.sqrt(2.0) * _inverse_error_function(2 * draws - 1)
            price = deals["product"].iloc[rows].map(s.PRODUCT_PRICE).to_numpy()
            amount[rows] = s.AMOUNT_MEDIAN[segment] * price * np.exp(s.AMOUNT_SIGMA[segment] * z)
    return np.round(np.clip(amount, *s.AMOUNT_RANGE), -2)


def _inverse_error_function(x: np.ndarray) -> np.ndarray:
    """Approximate the inverse error function to about 0.2 % (Winitzki), so that numpy alone is enough."""
    a, log = 0.147, np.log(np.maximum(1 - x * x, 1e-12))
    first = 2 / (np.pi * a) + log / 2
    return np.sign(x) * np.sqrt(np.sqrt(first * first - log / a) - first)


def _is_home_ground(deals: pd.DataFrame) -> np.ndarray:
    """Tell which deals lie in US x Mid-market x Inbound."""
    is_inbound = deals["source"].isin(s.INBOUND)
    return ((deals["region"] == "US") & (deals["segment"] == "Mid-market") & is_inbound).to_numpy()


def _decide(rng: np.random.Generator, deals: pd.DataFrame, causes: frozenset[str]) -> None:
    """Add the outcome and its moment; in one slice fewer deals are won from a day on."""
    z, draws = rng.standard_normal(len(deals)), rng.random((3, len(deals)))
    days = deals["segment"].map(s.CYCLE_MEDIAN_DAYS).to_numpy() * np.exp(s.CYCLE_SIGMA * z)
    created = deals["created"].to_numpy()
    end_if_won = created + np.maximum(days, 4) * s.DAY
    chance = deals["source"].map(s.OPPORTUNITY_TO_WON) * deals["segment"].map(s.SEGMENT_WIN)
    chance = (chance * deals["region"].map(s.REGION_WIN) * deals["industry"].map(s.INDUSTRY_WIN)).to_numpy()
    chance = chance * np.where(_is_home_ground(deals), s.HOME_GROUND_WIN, 1.0)
    sick = _is_home_ground(deals) & (end_if_won >= s.minutes(s.RATE_DROP_FROM)) & ("rate" in causes)
    chance = chance * np.where(sick, s.RATE_DROP_FACTOR, 1.0)
    draw = np.empty(len(deals))
    for segment in s.SEGMENTS:
        rows = np.flatnonzero(deals["segment"] == segment)
        draw[rows] = _spread_draws(rng, np.argsort(end_if_won[rows], kind="stable"), block=8)
    deals["chance"], deals["won"] = chance, draw < chance
    end = np.where(deals["won"], end_if_won, created + np.maximum(days * 1.12, 5) * s.DAY)
    deals["decided"] = snap_to_office_hours(end, draws[0], not_before=created)
    shares = np.where(sick[:, None], s.LOST_REASON_SHARE_PRICE, s.LOST_REASON_SHARE)
    deals["lost_reason"] = np.array(s.LOST_REASONS)[pick(draws[1], shares)]
    deals["reached"] = np.where(deals["won"], 5, 1 + pick(draws[2], np.array([0.22, 0.3, 0.26, 0.13, 0.09])))


def _slip(deals: pd.DataFrame, causes: frozenset[str]) -> np.ndarray:
    """Choose the big deals that would have been won late in the last quarter and are pushed to the next."""
    slipped = np.zeros(len(deals), dtype=bool)
    if "timing" in causes:
        last = s.minutes(s.END)
        due = deals["won"] & deals["decided"].between(last - 85 * s.DAY, last - s.DAY) & ~_is_home_ground(deals)
        due &= deals["created"] < s.minutes(s.RATE_DROP_FROM)
        due &= deals["amount"] <= s.SLIPPED_UP_TO
        slipped[deals[due].nlargest(s.SLIPPED_DEALS, "amount").index] = True
    return slipped


def simulate_deals(seed: int, leads: pd.DataFrame, causes: frozenset[str]) -> pd.DataFrame:
    """Simulate one deal per contact that reaches the opportunity.

    Args:
        seed: Number that fixes all draws.
        leads: What simulate_leads returned.
        causes: Which of the planted causes act.

    Returns:
        One row per new-business deal in order of creation, its moments in minutes since START; `would_have_been`
        holds the original end of deals that slipped.
    """
    columns = ["id", "source", "region", "country", "segment", "industry", "opportunity"]
    deals = leads.loc[leads["opportunity"].notna(), columns]
    deals = deals.rename(columns={"id": "contact_id", "opportunity": "created"})
    deals = deals.sort_values("created", kind="stable").reset_index(drop=True)
    rng = np.random.default_rng([seed, 11])
    deals["owner"] = _assign_owners(np.random.default_rng([seed, s.OWNER_STREAM]), deals, causes)
    shares = np.array([s.PRODUCT_SHARE[segment] for segment in deals["segment"]])
    deals["product"] = np.array(s.PRODUCTS)[pick(rng.random(len(deals)), shares)]
    _decide(np.random.default_rng([seed, 12]), deals, causes)
    deals["amount"] = _price(np.random.default_rng([seed, 13]), deals)
    slipped = _slip(deals, causes)
    deals["would_have_been"] = np.where(slipped, deals["decided"], np.nan)
    deals.loc[slipped, "decided"] = s.minutes(s.END) + (38 + 6 * np.arange(slipped.sum())) * s.DAY + 660
    deals["type"] = "New Business"
    return deals
