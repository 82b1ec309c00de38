"""Put one Brightwater together: everything that ever happens to it, before anybody exports anything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from . import setting as s
from .companies import simulate_companies
from .customers import simulate_customers
from .deals import simulate_deals
from .history import trace_deals
from .leads import simulate_leads
from .names import make_email, make_person_names
from .problems import plant_in_companies, plant_in_contacts, plant_in_deals
from .traffic import simulate_costs, simulate_sessions


@dataclass(frozen=True)
class World:
    """Hold all that happens; moments are minutes since START, NaN means never."""

    contacts: pd.DataFrame
    companies: pd.DataFrame
    deals: pd.DataFrame
    history: pd.DataFrame
    customers: pd.DataFrame
    subscriptions: pd.DataFrame
    sessions: pd.DataFrame
    costs: pd.DataFrame


def _name_contacts(seed: int, leads: pd.DataFrame, companies: pd.DataFrame, of_contact: np.ndarray) -> None:
    given, family = make_person_names(np.random.default_rng([seed, 8]), leads["region"].to_numpy())
    leads["given"], leads["family"] = given, family
    names = companies["name"].to_numpy()[of_contact]
    leads["email"] = [make_email(*parts) for parts in zip(given, family, names, strict=True)]


def _win_dates(deals: pd.DataFrame, leads: pd.DataFrame) -> pd.Series:
    won = deals[deals["won"] & (deals["type"] == "New Business")]
    return leads["id"].map(dict(zip(won["contact_id"], won["decided"], strict=True))).astype(float)


def simulate_world(seed: int = s.SEED, causes: frozenset[str] = s.CAUSES) -> World:
    """Simulate Brightwater once, the same for the same arguments.

    Args:
        seed: Number that fixes all draws.
        causes: Which of the planted causes act; leave one out to measure what it does.

    Returns:
        The world, up to and beyond the last export.
    """
    leads = simulate_leads(seed, causes)
    companies, of_contact = simulate_companies(seed, leads)
    leads["company_id"] = companies["id"].to_numpy()[of_contact]
    _name_contacts(seed, leads, companies, of_contact)
    plant_in_contacts(seed, leads)
    deals = simulate_deals(seed, leads, causes)
    deals["company_id"] = deals["contact_id"].map(dict(zip(leads["id"], leads["company_id"], strict=True)))
    deals["draw_key"] = deals["contact_id"]
    plant_in_deals(seed, deals, leads)
    plant_in_companies(deals, companies)
    companies["created"] = leads.groupby("company_id")["created"].min().reindex(companies["id"]).to_numpy()
    customers, subscriptions, existing = simulate_customers(seed, deals)
    existing["draw_key"], existing["problem"] = 900_000 + np.arange(len(existing)), ""
    deals["suffix"] = deals["product"]
    customers["contact_id"] = deals["contact_id"].to_numpy()[customers["deal_index"]]
    deals = pd.concat([deals, existing]).sort_values("created", kind="stable").reset_index(drop=True)
    deals["id"] = 200_001 + np.arange(len(deals))
    first = deals[deals["type"] == "New Business"]
    customers["deal_id"] = customers["contact_id"].map(dict(zip(first["contact_id"], first["id"], strict=True)))
    leads["won"] = _win_dates(deals, leads)
    return World(
        contacts=leads,
        companies=companies,
        deals=deals,
        history=trace_deals(seed, deals),
        customers=customers,
        subscriptions=subscriptions,
        sessions=simulate_sessions(seed, leads),
        costs=simulate_costs(seed, causes),
    )
