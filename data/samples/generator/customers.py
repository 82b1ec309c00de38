"""Simulate what follows a won deal: go-live, contract terms, renewals and upsells."""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import setting as s

YEAR = 365 * s.DAY
SEAT_PRICE = {"Flow": 32.0, "Insight": 45.0, "Shield": 58.0}


def _office(at: float, draw: float) -> float:
    day = np.floor(at / s.DAY)
    weekday = (day + s.START.weekday()) % 7
    day += 2 if weekday == 5 else 1 if weekday == 6 else 0
    return float(day * s.DAY + 480 + np.floor(draw * 600))


class _Book:
    """Collect customers, subscriptions and existing-business deals while one customer after the other is followed."""

    def __init__(self, rng: np.random.Generator):
        self.rng = rng
        self.customers: list[dict] = []
        self.subscriptions: list[dict] = []
        self.deals: list[dict] = []
        self.owners = s.people_of(role="CSM")

    def follow(self, deal: pd.Series, key: int) -> None:
        """Follow one customer from the won deal to the end of the simulation or its leaving."""
        rng = self.rng
        live = _office(deal["decided"] + np.exp(np.log(26) + 0.45 * rng.standard_normal()) * s.DAY, rng.random())
        customer = {
            "id": f"C{1000 + key}",
            "deal_key": key,
            "won": deal["decided"],
            "live": live,
            "ended": np.nan,
        }
        term = YEAR * (2 if rng.random() < (0.35 if deal["segment"] == "SMB" else 0.6) else 1)
        start, mrr = live, round(deal["amount"] / 12, 2)
        while start < s.minutes(s.END):
            renewal = start + term
            addon = self._upsell(customer, deal, start, renewal, mrr, key)
            row = self._subscribe(customer, deal, start, renewal, mrr)
            keeps = rng.random() < s.RENEWAL_RATE[deal["segment"]]
            change = rng.random()
            grown, shrunk = 1.04 + 0.16 * rng.random(), 0.78 + 0.15 * rng.random()
            factor = 1.0 if change < 0.66 else grown if change < 0.88 else shrunk
            decided = _office(renewal - rng.uniform(3, 20) * s.DAY, rng.random())
            next_mrr = round((mrr + addon) * factor, 2)
            renewed = {"won": keeps, "amount": round(next_mrr * 12, -2), "created": renewal - 75 * s.DAY}
            self._deal(deal, key, decided=decided, name="Renewal", **renewed)
            row["end"] = renewal
            if not keeps:
                customer["ended"] = renewal
                break
            start, mrr, term = renewal, next_mrr, term
        self.customers.append(customer)

    def _subscribe(self, customer: dict, deal: pd.Series, start: float, renewal: float, mrr: float) -> dict:
        seats = max(3, round(mrr / SEAT_PRICE[deal["product"]]))
        row = {"customer_id": customer["id"], "product": deal["product"], "start": start, "renewal": renewal}
        row |= {"end": np.nan, "mrr": mrr, "seats": seats}
        self.subscriptions.append(row)
        return row

    def _upsell(self, customer: dict, deal: pd.Series, start: float, renewal: float, mrr: float, key: int) -> float:
        draws = self.rng.random(5)
        if draws[0] > 0.34:
            return 0.0
        created = _office(start + (70 + 180 * draws[1]) * s.DAY, draws[2])
        decided = _office(created + (14 + 30 * draws[3]) * s.DAY, draws[4])
        addon, won = round(mrr * self.rng.uniform(0.15, 0.4), 2), bool(self.rng.random() < 0.58)
        self._deal(deal, key, created=created, decided=decided, won=won, amount=round(addon * 12, -2), name="Upsell")
        if won:
            self._subscribe(customer, deal, decided, renewal, addon)["end"] = renewal
        return addon if won else 0.0

    def _deal(self, parent: pd.Series, key: int, *, name: str, **facts) -> None:
        same = ("contact_id", "company_id", "source", "region", "country", "segment", "industry", "product")
        row = {column: parent[column] for column in same} | facts
        row |= {"type": "Existing Business", "suffix": name, "owner": self.owners[key % len(self.owners)]}
        row["reached"] = 5 if facts["won"] else 2
        row["lost_reason"] = ("Price", "No decision", "Competitor")[int(self.rng.random() * 3)]
        row["chance"] = np.nan
        self.deals.append(row)


def simulate_customers(seed: int, deals: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Follow every customer won by a new-business deal.

    Args:
        seed: Number that fixes all draws.
        deals: New-business deals with company_id.

    Returns:
        Three frames, moments in minutes since START: one row per customer; one row per subscription, that is per
        contract term or add-on; one row per renewal or upsell deal.
    """
    won = deals[deals["won"] & (deals["decided"] < s.minutes(s.END))].sort_values("decided", kind="stable")
    book = _Book(np.random.default_rng([seed, 21]))
    for key, (_, deal) in enumerate(won.iterrows()):
        book.follow(deal, key)
    customers = pd.DataFrame(book.customers)
    customers["company_id"] = won["company_id"].to_numpy()
    customers["deal_index"] = won.index.to_numpy()
    existing = pd.DataFrame(book.deals)
    existing = existing[existing["created"] < s.minutes(s.END)]
    existing = existing[existing["decided"] > existing["created"]].sort_values("created", kind="stable")
    subscriptions = pd.DataFrame(book.subscriptions)
    subscriptions = subscriptions[subscriptions["start"] < s.minutes(s.END)]
    subscriptions = subscriptions.sort_values("start", kind="stable").reset_index(drop=True)
    subscriptions["id"] = [f"S{10_001 + k}" for k in range(len(subscriptions))]
    return customers, subscriptions, existing.reset_index(drop=True)
