"""Give every contact a company: a new one for who opens a deal, often a known one for the rest."""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import setting as s
from .names import make_company_names

SHARE_OF_NEW = 0.42


def simulate_companies(seed: int, leads: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Assign contacts to companies that fit their country, segment and industry.

    Returns:
        One row per company in order of its first contact, and per contact the position of its company.
    """
    rng = np.random.default_rng([seed, 7])
    draws = rng.random((2, len(leads)))
    is_deal = leads["opportunity"].notna().to_numpy()
    known: dict[tuple[str, str], list[int]] = {}
    of_contact = np.empty(len(leads), dtype=int)
    first_contact: list[int] = []
    cells = list(zip(leads["country"], leads["segment"], strict=True))
    for row, cell in enumerate(cells):
        pool = known.setdefault(cell, [])
        if is_deal[row] or not pool or draws[0][row] < SHARE_OF_NEW:
            pool.append(len(first_contact))
            of_contact[row] = len(first_contact)
            first_contact.append(row)
        else:
            recent = pool[-40:]
            of_contact[row] = recent[int(draws[1][row] * len(recent))]
    companies = leads.iloc[first_contact][["created", "country", "region", "segment", "industry"]]
    companies = companies.reset_index(drop=True)
    low, high = (np.array([s.EMPLOYEES[segment][k] for segment in companies["segment"]]) for k in (0, 1))
    employees = np.exp(np.log(low) + rng.random(len(companies)) * (np.log(high) - np.log(low)))
    companies["employees"] = np.clip(np.round(employees), low, high).astype(int)
    companies["name"] = make_company_names(rng, companies["country"].to_numpy())
    companies["id"] = 500_001 + np.arange(len(companies))
    return companies, of_contact
