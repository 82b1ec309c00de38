"""Small random companies with every nuisance at once: blanks, skipped stages, several deals per contact, renewals."""

from functools import cache

import numpy as np
import pandas as pd

from helpers.company import Company
from tests.companies import make_company

FIRST = pd.Timestamp("2024-10-01")


def _days(rng: np.random.Generator, base: np.ndarray, low: int, high: int, missing: float) -> pd.Series:
    days = pd.Series(FIRST + pd.to_timedelta(base + rng.integers(low, high, len(base)), unit="D"))
    return days.where(rng.random(len(base)) >= missing).astype("datetime64[us]")


def _pick(rng: np.random.Generator, values: list[str], n: int) -> pd.Series:
    return pd.Series(rng.choice(values, n), dtype="str").where(rng.random(n) > 0.15)


def make_random_tables(seed: int, n_contacts: int = 120, n_deals: int = 60) -> dict[str, pd.DataFrame]:
    """Return the tables of a random company, the same ones for the same seed."""
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 500, n_contacts)
    contact = pd.DataFrame(
        {
            "id": [f"c{i}" for i in range(n_contacts)],
            "created_at": _days(rng, base, 0, 1, 0.05),
            "mql_at": _days(rng, base, -3, 40, 0.4),
            "sql_at": _days(rng, base, 5, 60, 0.6),
            "opportunity_at": _days(rng, base, 20, 80, 0.9),
            "source": _pick(rng, ["Web", "Event", "Partner"], n_contacts),
            "region": _pick(rng, ["EMEA", "US"], n_contacts),
        }
    )
    base = rng.integers(20, 560, n_deals)
    deal = pd.DataFrame(
        {
            "id": [f"d{i}" for i in range(n_deals)],
            "created_at": _days(rng, base, 0, 1, 0.05),
            "closed_at": _days(rng, base, -4, 150, 0.05),
            "stage": rng.choice(["Closed Won", "Closed Lost", "Demo", "Proposal"], n_deals, p=[0.35, 0.35, 0.15, 0.15]),
            "amount": pd.Series(np.round(rng.lognormal(8, 1, n_deals), 2)).where(rng.random(n_deals) > 0.1),
            "type": _pick(rng, ["New Business", "Renewal"], n_deals),
            "source": _pick(rng, ["Web", "Event", "Outbound"], n_deals),
            "region": _pick(rng, ["EMEA", "US", "APAC"], n_deals),
            "contact_id": pd.Series(rng.choice(contact["id"], n_deals), dtype="str").where(rng.random(n_deals) > 0.4),
        }
    )
    links = pd.DataFrame({"deal_id": rng.choice(deal["id"], n_deals), "contact_id": rng.choice(contact["id"], n_deals)})
    won = deal[deal["stage"] == "Closed Won"].reset_index(drop=True)
    customer = pd.DataFrame({"id": "k" + won["id"], "deal_id": won["id"]})
    customer["live_at"] = (won["closed_at"] + pd.to_timedelta(rng.integers(1, 60, len(won)), unit="D")).where(
        rng.random(len(won)) > 0.2
    )
    customer["ended_at"] = (customer["live_at"] + pd.Timedelta(days=100)).where(rng.random(len(won)) > 0.7)
    return {"contact": contact, "deal": deal, "deal_contact": links, "customer": customer}


@cache
def make_random_company(seed: int, **sizes: int) -> Company:
    """Return a random company whose last event is long after everything, so that no period is cut."""
    return make_company(make_random_tables(seed, **sizes), latest_event="2026-09-30")
